"""Listing L2 (S1 §5.2), corrected: Keras's functional model reads the digits of MNIST.

The import lines name this library in the place of TensorFlow.  Everything else that differs from the article has a comment with
the number of its mistake in SPEC §16:

    M-05    the labels are class numbers, and categorical_crossentropy takes one-hot rows: as printed, the program stops there
    M-07    what it calls validation is the training data, and of the augmentation that it tells of there is none
    M-06    the text says mean squared error: it is cross-entropy, as in the code

The article gives 92.7 % (which it cannot have from this program, see M-05), and 92 % for such a network (§4.3.1).
"""
import tinygrad_like as tf
from tinygrad_like.keras import layers
from tinygrad_like.keras.models import Model
import numpy as np
import argparse


# 数据预处理
def preprocess_data(x, y):
    x = x / 255.0  # 归一化
    x = np.expand_dims(x, axis=-1)  # 添加通道维度
    y = tf.keras.utils.to_categorical(y, 10)                    # M-05
    return x, y


def shifted(x, rng, most=2):
    """M-07: each picture moved by up to `most` pixels each way, as the article's augmentation by cropping does."""
    framed = np.pad(x, ((0, 0), (most, most), (most, most), (0, 0)))
    out = np.empty_like(x)
    for i, (down, right) in enumerate(rng.integers(0, 2 * most + 1, (len(x), 2))):
        out[i] = framed[i, down:down + x.shape[1], right:right + x.shape[2]]
    return out


# 模型设计
def build_model():
    inputs = tf.keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(32, (3, 3), activation='relu')(inputs)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Conv2D(64, (3, 3), activation='relu')(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation='relu')(x)
    outputs = layers.Dense(10, activation='softmax')(x)
    model = Model(inputs, outputs)
    model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
    return model


# 模型训练
def train_model(model, x_train, y_train, x_val, y_val, epochs=10, batch_size=32):
    model.fit(x_train, y_train, epochs=epochs, batch_size=batch_size, validation_data=(x_val, y_val))


# 模型评估
def evaluate_model(model, x_test, y_test):
    loss, accuracy = model.evaluate(x_test, y_test)
    print(f"Test loss: {loss}")
    print(f"Test accuracy: {accuracy}")
    return accuracy


# 主函数
def main():
    parser = argparse.ArgumentParser(description="Listing L2, corrected: Keras's functional model on MNIST.")
    parser.add_argument("--quick", action="store_true", help="one epoch of 8,000 pictures")
    args = parser.parse_args()
    tf.keras.utils.set_random_seed(0)

    # 加载数据集
    (x_train, y_train), (x_test, y_test) = tf.keras.datasets.mnist.load_data()
    x_train, y_train = preprocess_data(x_train, y_train)
    x_test, y_test = preprocess_data(x_test, y_test)
    x_val, y_val = x_train[55_000:], y_train[55_000:]           # M-07: pictures that are not trained on
    n = 8_000 if args.quick else 55_000
    x_train, y_train = shifted(x_train[:n], np.random.default_rng(0)), y_train[:n]      # M-07

    # 构建模型
    model = build_model()
    model.summary()

    # 训练模型
    train_model(model, x_train, y_train, x_val=x_val, y_val=y_val, epochs=1 if args.quick else 2)   # M-07.  Two epochs will do

    # 评估模型
    accuracy = evaluate_model(model, x_test, y_test)
    print("the article gives 0.927, and 0.92 for such a network")
    print(f"test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    main()
