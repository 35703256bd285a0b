"""Layers that drop part of their input."""
from ..layer import Layer

LAYERS = [
    Layer("nn.Dropout()", (3, 4), random=True),
    Layer("nn.Dropout(0.0)", (3, 4)),
    Layer("nn.Dropout(1.0)", (3, 4)),
    Layer("nn.Dropout1d(0.2)", (2, 3, 4), random=True),
    Layer("nn.Dropout1d(0.2)", (3, 4), random=True),
    Layer("nn.Dropout2d(0.3)", (2, 3, 4, 5), random=True),
    Layer("nn.Dropout3d(0.3)", (2, 3, 2, 2, 2), random=True),
    Layer("nn.AlphaDropout(0.1)", (3, 4), random=True),
    Layer("nn.FeatureAlphaDropout(0.1)", (2, 3, 4), random=True),
    Layer("nn.VariationalDropout(0.4)", (4, 2, 3), random=True, ours=True),
    Layer("nn.VariationalDropout(0.4, batch_first=True)", (2, 4, 3), random=True, ours=True),
]
