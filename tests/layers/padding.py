"""Layers that put borders around, to try."""
from ..layer import Layer

LAYERS = [
    Layer("nn.ZeroPad1d((2, 1))", (2, 3)),
    Layer("nn.ZeroPad2d(1)", (2, 2, 3, 3)),
    Layer("nn.ZeroPad2d((1, -1, 0, 2))", (2, 3, 3)),
    Layer("nn.ZeroPad3d(1)", (1, 2, 2, 2, 2)),
    Layer("nn.ConstantPad1d(2, 3.5)", (2, 2, 3)),
    Layer("nn.ConstantPad2d((1, 0, 2, 1), -1)", (2, 3, 3)),
    Layer("nn.ConstantPad3d(1, value=0.5)", (1, 2, 1, 2)),
]
LAYERS += [Layer(f"nn.{kind}Pad{dims}d({padding})", shape) for kind in ("Reflection", "Replication", "Circular")
           for dims, padding, shape in ((1, 2, (2, 2, 4)), (1, (0, 2), (2, 4)), (2, 1, (2, 2, 3, 4)), (2, (1, 2, 0, 1), (2, 3, 4)),
                                        (3, 1, (1, 2, 2, 3, 2)))]
