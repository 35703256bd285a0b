"""VGG: many small convolutions, halving the image and doubling the channels (SPEC MOD-05).        (Simonyan & Zisserman 2015)

The layers have torchvision's names, so that its weights load by key.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..tensor import Tensor
from .published import built

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn", "vgg_small"]

# The channels of each convolution; "M" is a max pooling.  A, B, D and E are the columns of table 1 of the paper.
A = [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]
B = [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]
D = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]
E = [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M"]
SMALL = [16, "M", 32, "M", 64, 64, "M"]


class VGG(nn.Module):
    """Convolutions of 3 × 3, and three linear layers: (N, 3, H, W) → (N, num_classes).

    layers: the channels of the convolutions, "M" for a pooling.        batch_norm: after each convolution.
    hidden, grid: the linear layers have `hidden` features, and see what the convolutions leave as grid × grid places.
    """

    def __init__(self, layers: Sequence[Any] = D, batch_norm: bool = False, num_classes: int = 1000, dropout: float = 0.5,
                 hidden: int = 4096, grid: int = 7) -> None:
        super().__init__()
        features: list[nn.Module] = []
        channels = 3
        for each in layers:
            if each == "M":
                features.append(nn.MaxPool2d(2, 2))
            else:
                norm = [nn.BatchNorm2d(each)] if batch_norm else []
                features += [nn.Conv2d(channels, each, 3, padding=1), *norm, nn.ReLU(inplace=True)]
                channels = each
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d((grid, grid))
        self.classifier = nn.Sequential(
            nn.Linear(channels * grid * grid, hidden), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(True), nn.Dropout(dropout),
            nn.Linear(hidden, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def vgg11(**options: Any) -> VGG:
    """VGG of 11 layers: 132,863,336 parameters."""
    return built(VGG, A, **options)


def vgg11_bn(**options: Any) -> VGG:
    """VGG of 11 layers, with batch norm."""
    return built(VGG, A, batch_norm=True, **options)


def vgg13(**options: Any) -> VGG:
    """VGG of 13 layers: 133,047,848 parameters."""
    return built(VGG, B, **options)


def vgg13_bn(**options: Any) -> VGG:
    """VGG of 13 layers, with batch norm."""
    return built(VGG, B, batch_norm=True, **options)


def vgg16(**options: Any) -> VGG:
    """VGG of 16 layers: 138,357,544 parameters."""
    return built(VGG, D, **options)


def vgg16_bn(**options: Any) -> VGG:
    """VGG of 16 layers, with batch norm."""
    return built(VGG, D, batch_norm=True, **options)


def vgg19(**options: Any) -> VGG:
    """VGG of 19 layers: 143,667,240 parameters."""
    return built(VGG, E, **options)


def vgg19_bn(**options: Any) -> VGG:
    """VGG of 19 layers, with batch norm."""
    return built(VGG, E, batch_norm=True, **options)


def vgg_small(num_classes: int = 10, **options: Any) -> VGG:
    """A VGG for images of 32 × 32 on a small machine, with batch norm: four convolutions, 64 channels, 128 hidden features."""
    return VGG(**{"layers": SMALL, "batch_norm": True, "num_classes": num_classes, "hidden": 128, "grid": 4, **options})
