"""Layers that resize images, to try."""
from ..layer import Layer

LAYERS = [
    Layer("nn.Upsample(scale_factor=2)", (2, 2, 3, 4)),
    Layer("nn.Upsample(size=5, mode='nearest')", (2, 2, 3)),
    Layer("nn.Upsample(scale_factor=(2.0, 3.0))", (1, 2, 3, 2)),
    Layer("nn.Upsample(size=(2, 7), mode='nearest-exact')", (1, 2, 4, 3)),
    Layer("nn.Upsample(scale_factor=1.5, mode='linear')", (2, 2, 5)),
    Layer("nn.Upsample(size=(5, 3), mode='bilinear')", (1, 2, 3, 4)),
    Layer("nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)", (1, 2, 3, 4)),
    Layer("nn.Upsample(None, 1.7, 'bicubic', False, True)", (1, 2, 3, 4)),
    Layer("nn.Upsample(scale_factor=2, mode='trilinear')", (1, 1, 2, 3, 2)),
    Layer("nn.UpsamplingNearest2d(scale_factor=2)", (1, 2, 3, 2)),
    Layer("nn.UpsamplingNearest2d((4, 5))", (1, 2, 3, 2)),
    Layer("nn.UpsamplingBilinear2d(scale_factor=2)", (1, 2, 3, 2)),
    Layer("nn.PixelShuffle(2)", (2, 8, 2, 3)),
    Layer("nn.PixelUnshuffle(3)", (2, 3, 6)),
    Layer("nn.ChannelShuffle(2)", (2, 6, 2, 2)),
]
