"""Listings L7 and L8 (S4 §5.2 to 5.4), corrected: a small network sorts short texts into ten classes.

The import lines name this library in the place of PyTorch.  Everything else that differs from the article has a comment with the
number of its mistake in SPEC §16:

    M-24    the text has 100 words of 1,000 numbers each, and the network takes one vector of 1,000: how often each word occurs
    M-25    data_loader is nowhere defined, what is printed is the loss of the last batch, and the test is random noise
    M-26    what is called a probability distribution are scores: a softmax makes one of them

The article has no data, and gives no figure.  Here the texts are the names of the emoji of examples/data, such as "grinning cat
face with smiling eyes", and the classes their ten categories.  "People & Body", always, would be right for 20 %.
"""
import tinygrad_like as torch
import tinygrad_like.nn as nn
import tinygrad_like.optim as optim
from tinygrad_like.data.datasets import Emoji
from tinygrad_like.data.text import Vocabulary, WordTokenizer, bag_of_words
from tinygrad_like.utils.data import DataLoader, TensorDataset
import argparse


# 定义神经网络模型
class TextClassifier(nn.Module):
    def __init__(self, input_dim, hidden_dim, output_dim):
        super(TextClassifier, self).__init__()
        self.hidden_dim = hidden_dim
        self.layers = nn.Sequential(
            nn.Linear(input_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, output_dim),
        )

    def forward(self, x):
        return self.layers(x)


def main():
    parser = argparse.ArgumentParser(description="Listings L7 and L8, corrected: TextClassifier on the names of emoji.")
    parser.add_argument("--quick", action="store_true", help="10 epochs of 20")
    args = parser.parse_args()
    torch.manual_seed(0)

    # M-25: what data_loader may have been
    emoji, tokenize = Emoji(), WordTokenizer()
    words = [tokenize(text) for text in emoji.captions]
    order = torch.randperm(len(words)).tolist()
    train, test = order[:1_500], order[1_500:]
    vocabulary = Vocabulary(max_size=1000).fit(words[i] for i in train)         # words that only the test has are unknown
    bags = bag_of_words([vocabulary(each) for each in words], 1000)             # M-24
    data_loader = DataLoader(TensorDataset(bags[train], emoji.targets[train]), batch_size=64, shuffle=True)

    # 创建模型实例
    model = TextClassifier(input_dim=1000, hidden_dim=500, output_dim=10)

    # 定义损失函数和优化器
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.001)

    # 训练模型
    epochs = 10 if args.quick else 20                           # the article has 100: after 20 nothing more is learned here
    for epoch in range(epochs):
        total = 0.0
        for inputs, targets in data_loader:
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = criterion(outputs, targets)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        if (epoch + 1) % 10 == 0:
            print(f'Epoch {epoch + 1}, Loss: {total / len(train)}', flush=True)                     # M-25: of all batches

    # 测试模型
    model.eval()
    with torch.no_grad():
        outputs = model(bags[test])                             # M-25: texts that were not trained on
        probabilities = outputs.softmax(1)                      # M-26
        right = (probabilities.argmax(1) == emoji.targets[test]).float().mean().item()
        for i, row in list(zip(test, probabilities))[:3]:
            best = row.argmax().item()
            print(f'{emoji.captions[i]!r}: {emoji.classes[best]}, with probability {row[best].item():.2f}')
    print('the article gives no accuracy; the largest category alone would be 0.20')
    print(f'test accuracy {right:.4f}')


if __name__ == "__main__":
    main()
