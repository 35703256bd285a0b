"""Small convolutional networks: those of the articles' listings, and LeNet-5, where they come from.

They are all Conv → ReLU → MaxPool, some times over, then Flatten → Linear (SPEC F-01, MOD-04).  They return logits: a softmax is
part of the loss (`nn.CrossEntropyLoss`), and taken twice it slows learning down (SPEC M-18).
"""
from __future__ import annotations

from .. import nn
from ..nn import functional as F
from ..tensor import Tensor

__all__ = ["ConvNet", "MnistCNN", "SequentialCNN", "LeNet5"]


class ConvNet(nn.Module):
    """The network of the first article's listing, for colour images (N, 3, 32, 32) → (N, 10) (SPEC L1, MOD-21).

    As printed there it has no pooling, so that 64 · 32 · 32 features meet a Linear of 64 · 8 · 8 (SPEC M-01): here each
    convolution is followed by MaxPool2d(2), 32 → 16 → 8.
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.fc1 = nn.Linear(64 * 8 * 8, 128)
        self.fc2 = nn.Linear(128, num_classes)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.conv1(x)))                 # (N, 32, 16, 16)
        x = self.pool(self.relu(self.conv2(x)))                 # (N, 64, 8, 8)
        x = x.view(x.size(0), -1)                               # (N, 4096)
        return self.fc2(self.relu(self.fc1(x)))


class MnistCNN(nn.Sequential):
    """The second article's network for grey digits (N, 1, 28, 28) → (N, 10): 225,034 parameters (SPEC L2, MOD-22).

    Its convolutions are not padded, 28 → 26 → 13 → 11 → 5; with `dropout` there is one before the last layer.
    """

    def __init__(self, num_classes: int = 10, dropout: float = 0.0) -> None:
        super().__init__(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(64 * 5 * 5, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, num_classes))


class SequentialCNN(nn.Sequential):
    """The third article's network for grey digits (N, 1, 28, 28) → (N, 10): 93,322 parameters (SPEC L3, MOD-22).

    Its text says three hidden layers of 128 neurons, its code this (SPEC M-15).
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 3 * 3, 64), nn.ReLU(), nn.Linear(64, num_classes))


class LeNet5(nn.Module):
    """LeNet-5 for grey digits (N, 1, 28, 28) → (N, 10): 61,706 parameters.        (LeCun et al. 1998, Gradient-Based Learning …)

    With tanh and average pooling as there; the pooling has no weights, all maps are connected, and the output is linear, as it is
    usually built today.
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(self.conv1(x).tanh(), 2)               # (N, 6, 14, 14)
        x = F.avg_pool2d(self.conv2(x).tanh(), 2)               # (N, 16, 5, 5)
        x = self.fc1(x.flatten(1)).tanh()
        return self.fc3(self.fc2(x).tanh())
