"""The residual networks of §4.2 of the paper, for images of 32 × 32: 6 n + 2 layers.        (He et al. 2016)

The layers have the names of the PyTorch version whose weights are widely published: `conv1, bn1, layer1.0.conv1 … linear`.
"""
from __future__ import annotations

from typing import Any

from .. import nn
from ..nn import functional as F
from ..tensor import Tensor

__all__ = ["CifarResNet", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110"]


class CifarBlock(nn.Module):
    """out = relu(shortcut(x) + F(x)), where F is two convolutions of 3 × 3; the shortcut has no weights (option A of the paper).

    Where the resolution is halved and the channels are doubled, it takes every other pixel, and zeros for the new channels.
    """

    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.stride, self.more = stride, planes - inplanes

    def shortcut(self, x: Tensor) -> Tensor:
        if self.stride == 1 and not self.more:
            return x
        half = self.more // 2
        return F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, half, self.more - half))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class CifarResNet(nn.Module):
    """(N, 3, 32, 32) → (N, num_classes), by three layers of n blocks: 16, 32 and 64 channels at 32, 16 and 8 pixels.

    n: blocks a layer, of two convolutions each: 6 n + 2 layers in all.       width: channels of the first layer.
    """

    def __init__(self, n: int, num_classes: int = 10, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = nn.Sequential(*[CifarBlock(width, width) for _ in range(n)])
        self.layer2 = nn.Sequential(CifarBlock(width, 2 * width, 2), *[CifarBlock(2 * width, 2 * width) for _ in range(n - 1)])
        self.layer3 = nn.Sequential(CifarBlock(2 * width, 4 * width, 2), *[CifarBlock(4 * width, 4 * width) for _ in range(n - 1)])
        self.linear = nn.Linear(4 * width, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))            # (N, 64, 8, 8)
        return self.linear(x.mean((2, 3)))


def resnet20(**options: Any) -> CifarResNet:
    """20 layers, 269,722 parameters."""
    return CifarResNet(3, **options)


def resnet32(**options: Any) -> CifarResNet:
    """32 layers, 464,154 parameters."""
    return CifarResNet(5, **options)


def resnet44(**options: Any) -> CifarResNet:
    """44 layers, 658,586 parameters."""
    return CifarResNet(7, **options)


def resnet56(**options: Any) -> CifarResNet:
    """56 layers, 853,018 parameters."""
    return CifarResNet(9, **options)


def resnet110(**options: Any) -> CifarResNet:
    """110 layers, 1,727,962 parameters."""
    return CifarResNet(18, **options)
