"""Linear layers, and those that change shapes, to try."""
from ..layer import Layer

LAYERS = [
    Layer("nn.Identity()", (2, 3)),
    Layer("nn.Identity(54, unused=True)", (3,)),
    Layer("nn.Linear(3, 4)", (2, 3)),
    Layer("nn.Linear(3, 4, bias=False)", (2, 5, 3)),
    Layer("nn.Linear(3, 1)", (3,)),
    Layer("nn.Linear(2, 3, dtype=torch.float32)", (0, 2)),
    Layer("nn.Bilinear(2, 3, 4)", (5, 2), (5, 3)),
    Layer("nn.Bilinear(2, 3, 4, bias=False)", (2, 5, 2), (2, 5, 3)),
    Layer("nn.Flatten()", (2, 3, 4)),
    Layer("nn.Flatten(0, -2)", (2, 3, 4)),
    Layer("nn.Unflatten(1, (2, -1))", (3, 6)),
    Layer("nn.Unflatten(-1, [3, 2])", (2, 6)),
]
