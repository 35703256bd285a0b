"""Listing L3 (S2 §5.2), corrected: Keras's Sequential reads the digits of MNIST.

The import lines name this library in the place of TensorFlow.  Everything else that differs from the article has a comment with
the number of its mistake in SPEC §16:

    M-16    the data is three dots, which cannot be unpacked, and nothing makes the axis of the channels that input_shape tells of

(M-15: the text describes three layers of 128 neurons and mean squared error; this is what its code has.)  The article gives
about 95 %.
"""
import tinygrad_like as tf
from tinygrad_like.keras import layers
import argparse


# 数据预处理
def preprocess_images(images):
    return images[..., None] / 255.0                            # M-16: (n, 28, 28, 1), one channel


# 模型设计
def create_model(input_shape):
    model = tf.keras.Sequential([
        layers.Conv2D(32, (3, 3), activation='relu', input_shape=input_shape),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation='relu'),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation='relu'),
        layers.Flatten(),
        layers.Dense(64, activation='relu'),
        layers.Dense(10, activation='softmax')
    ])
    return model


# 模型训练
def train_model(model, train_images, train_labels, epochs=2):   # the article has 5 epochs; two will do
    model.compile(optimizer='adam',
                  loss='sparse_categorical_crossentropy',
                  metrics=['accuracy'])
    model.fit(train_images, train_labels, epochs=epochs)


# 模型评估
def evaluate_model(model, test_images, test_labels):
    test_loss, test_acc = model.evaluate(test_images, test_labels, verbose=2)
    print('\nTest accuracy:', test_acc)
    return test_acc


# 主函数
def main():
    parser = argparse.ArgumentParser(description="Listing L3, corrected: Keras's Sequential on MNIST.")
    parser.add_argument("--quick", action="store_true", help="one epoch of 8,000 pictures")
    args = parser.parse_args()
    tf.keras.utils.set_random_seed(0)

    input_shape = (28, 28, 1)
    (train_images, train_labels), (test_images, test_labels) = tf.keras.datasets.mnist.load_data()      # M-16
    if args.quick:
        train_images, train_labels = train_images[:8_000], train_labels[:8_000]

    # 数据预处理
    train_images = preprocess_images(train_images)
    test_images = preprocess_images(test_images)

    # 模型设计
    model = create_model(input_shape)
    model.summary()

    # 模型训练
    train_model(model, train_images, train_labels, epochs=1 if args.quick else 2)

    # 模型评估
    accuracy = evaluate_model(model, test_images, test_labels)
    print("the article gives 0.95")
    print(f"test accuracy {accuracy:.4f}")


if __name__ == '__main__':
    main()
