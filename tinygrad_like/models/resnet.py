"""Deep residual learning: each block adds to what it was given, out = relu(x + F(x)) (SPEC MOD-06).        (He et al. 2016)

The layers have torchvision's names, so that its weights load by key.  The stride of a Bottleneck is at its 3 × 3 convolution, as
there ("v1.5"); the paper has it at the first 1 × 1.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..tensor import Tensor
from .published import built

__all__ = ["BasicBlock", "Bottleneck", "ResNet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]


class BasicBlock(nn.Module):
    """out = relu(shortcut(x) + F(x)), where F is two convolutions of 3 × 3."""
    expansion = 1                                               # channels of the result, a channel of the block

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """out = relu(shortcut(x) + F(x)), where F goes down to a quarter of the channels, through a 3 × 3, and up again."""
    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """(N, 3, H, W) → (N, num_classes), by four layers of blocks, each but the first of half the resolution and twice the channels.

    block: BasicBlock or Bottleneck.        layers: how many of them in each layer.        width: channels of the first layer.
    zero_init_residual: each block starts as the identity, its last batch norm being 0.
    """

    def __init__(self, block: Any, layers: Sequence[int], num_classes: int = 1000, zero_init_residual: bool = False,
                 width: int = 64) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = blocks(block, width, width, layers[0])
        self.layer2 = blocks(block, width * block.expansion, width * 2, layers[1], stride=2)
        self.layer3 = blocks(block, width * 2 * block.expansion, width * 4, layers[2], stride=2)
        self.layer4 = blocks(block, width * 4 * block.expansion, width * 8, layers[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width * 8 * block.expansion, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        for name, parameter in self.named_parameters():
            if zero_init_residual and name.endswith("bn3.weight" if block is Bottleneck else "bn2.weight"):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))    # a quarter of the resolution
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def blocks(block: Any, inplanes: int, planes: int, count: int, stride: int = 1) -> nn.Sequential:
    """A layer: blocks in a row, of which the first may change resolution and channels, and then its shortcut too."""
    downsample = None
    if stride != 1 or inplanes != planes * block.expansion:
        downsample = nn.Sequential(nn.Conv2d(inplanes, planes * block.expansion, 1, stride, bias=False),
                                   nn.BatchNorm2d(planes * block.expansion))
    return nn.Sequential(block(inplanes, planes, stride, downsample),
                         *[block(planes * block.expansion, planes) for _ in range(count - 1)])


def resnet18(**options: Any) -> ResNet:
    """ResNet of 18 layers: 11,689,512 parameters."""
    return built(ResNet, BasicBlock, [2, 2, 2, 2], **options)


def resnet34(**options: Any) -> ResNet:
    """ResNet of 34 layers: 21,797,672 parameters."""
    return built(ResNet, BasicBlock, [3, 4, 6, 3], **options)


def resnet50(**options: Any) -> ResNet:
    """ResNet of 50 layers: 25,557,032 parameters."""
    return built(ResNet, Bottleneck, [3, 4, 6, 3], **options)


def resnet101(**options: Any) -> ResNet:
    """ResNet of 101 layers: 44,549,160 parameters."""
    return built(ResNet, Bottleneck, [3, 4, 23, 3], **options)


def resnet152(**options: Any) -> ResNet:
    """ResNet of 152 layers: 60,192,808 parameters."""
    return built(ResNet, Bottleneck, [3, 8, 36, 3], **options)
