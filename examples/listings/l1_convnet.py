"""Listing L1 (S0 §5.2), corrected: a convolutional network learns what kind of thing an emoji shows, from folders of pictures.

The import lines name this library in the place of PyTorch and torchvision.  Everything else that differs from the article has a
comment with the number of its mistake in SPEC §16:

    M-01    without pooling the pictures stay 32 × 32, and 64 · 32 · 32 = 65,536 numbers come to a Linear of 64 · 8 · 8 = 4,096
    M-03    the test set is looked at after each epoch, as if it were there to choose by, and the modes are never switched

The article has no pictures, and gives no figure for this program.  Here they are the emoji of examples/data, as PNG files in a
folder for each of ten categories, 1,911 in all.  "People & Body", always, would be right for 20 %.
"""
import tinygrad_like as torch
import tinygrad_like.nn as nn
import tinygrad_like.data.transforms as transforms
import tinygrad_like.data.datasets as datasets
import argparse
import os
import tempfile

from pictures import write_folders


# 定义卷积神经网络
class ConvNet(nn.Module):
    def __init__(self):
        super(ConvNet, self).__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.pool = nn.MaxPool2d(2)                             # M-01: halves the height and the width
        self.fc1 = nn.Linear(64 * 8 * 8, 128)
        self.fc2 = nn.Linear(128, 10)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))                 # M-01: (n, 32, 16, 16)
        x = self.pool(self.relu(self.conv2(x)))                 # M-01: (n, 64, 8, 8)
        x = x.view(x.size(0), -1)
        x = self.relu(self.fc1(x))
        x = self.fc2(x)
        return x


def accuracy(model, loader):
    """The part of the pictures whose largest output is the right one."""
    model.eval()                                                # M-03
    with torch.no_grad():
        correct = 0
        total = 0
        for inputs, targets in loader:
            outputs = model(inputs)
            _, predicted = torch.max(outputs.detach(), 1)       # M-03: .data does the same, and nobody is told of edits by it
            total += targets.size(0)
            correct += (predicted == targets).sum().item()
    return correct / total


def main():
    parser = argparse.ArgumentParser(description="Listing L1, corrected: ConvNet on folders of pictures.")
    parser.add_argument("--quick", action="store_true", help="two epochs")
    parser.add_argument("--save", metavar="PATH", help="where to keep the weights, as the article does in convnet.pth")
    args = parser.parse_args()
    torch.manual_seed(0)

    with tempfile.TemporaryDirectory() as folder:
        write_folders(folder)

        # 加载数据集
        transform = transforms.Compose([
            transforms.Resize((32, 32)),
            transforms.ToTensor(),
        ])

        train_dataset = datasets.ImageFolder(os.path.join(folder, 'train'), transform=transform)
        val_dataset = datasets.ImageFolder(os.path.join(folder, 'val'), transform=transform)        # M-03
        test_dataset = datasets.ImageFolder(os.path.join(folder, 'test'), transform=transform)

        train_loader = torch.utils.data.DataLoader(train_dataset, batch_size=64, shuffle=True)
        val_loader = torch.utils.data.DataLoader(val_dataset, batch_size=64, shuffle=False)         # M-03
        test_loader = torch.utils.data.DataLoader(test_dataset, batch_size=64, shuffle=False)

        # 定义模型、损失函数和优化器
        model = ConvNet()
        criterion = nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)

        # 模型训练
        num_epochs = 2 if args.quick else 10
        for epoch in range(num_epochs):
            model.train()                                       # M-03
            for inputs, targets in train_loader:
                optimizer.zero_grad()
                outputs = model(inputs)
                loss = criterion(outputs, targets)
                loss.backward()
                optimizer.step()

            # 模型评估
            print(f'Epoch [{epoch + 1}/{num_epochs}], Validation accuracy: {accuracy(model, val_loader) * 100:.2f}%', flush=True)

        # 保存模型
        if args.save:
            torch.save(model.state_dict(), args.save)

        print('the article gives no accuracy; the largest category alone would be 0.20')
        print(f'test accuracy {accuracy(model, test_loader):.4f}')                                  # M-03: once, at the end


if __name__ == "__main__":
    main()
