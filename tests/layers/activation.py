"""Activations to try."""
from ..layer import Layer

IN_PLACE = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid", "Hardswish"]

LAYERS = [Layer(f"nn.{name}()", (2, 3, 4), low=-4, high=4, second=name != "Hardsigmoid")
          for name in [*IN_PLACE, "PReLU", "GELU", "Sigmoid", "Tanh", "LogSigmoid", "Softplus", "Softsign", "Tanhshrink",
                       "Softshrink", "Hardshrink"]]
LAYERS += [Layer(f"nn.{name}(inplace=True)", (2, 3), call="m(xs[0] * 2)", low=-2, high=2, second=name != "Hardsigmoid")
           for name in IN_PLACE]
LAYERS += [
    Layer("nn.LeakyReLU(0.2, True)", (2, 3), call="m(xs[0] * 2)"),
    Layer("nn.PReLU(3, init=0.1)", (2, 3, 4)),
    Layer("nn.PReLU(3)", (2, 3)),
    Layer("nn.RReLU()", (2, 3, 4), random=True),
    Layer("nn.RReLU(0.1, 0.4, inplace=True)", (2, 3), call="m(xs[0] * 2)", random=True),
    Layer("nn.RReLU(0.25, 0.25)", (2, 3)),
    Layer("nn.ELU(0.5)", (2, 3)),
    Layer("nn.CELU(alpha=2.0)", (2, 3)),
    Layer("nn.GELU(approximate='tanh')", (2, 3)),
    Layer("nn.Softplus(2, threshold=1.5)", (2, 3)),
    Layer("nn.Hardtanh(-0.5, 0.7)", (2, 3)),
    Layer("nn.Softshrink(0.3)", (2, 3)),
    Layer("nn.Hardshrink(0.3)", (2, 3)),
    Layer("nn.Threshold(0.1, 20)", (2, 3)),
    Layer("nn.Threshold(-0.5, 0.5, inplace=True)", (2, 3), call="m(xs[0] * 2)"),
    Layer("nn.GLU()", (2, 4)),
    Layer("nn.GLU(dim=0)", (2, 3)),
    Layer("nn.Softmax()", (2, 3)),
    Layer("nn.Softmax(dim=-1)", (2, 3)),
    Layer("nn.LogSoftmax(dim=1)", (2, 3, 2)),
    Layer("nn.Softmin(dim=0)", (2, 3)),
    Layer("nn.Softmax2d()", (2, 3, 2, 2)),
    Layer("nn.Softmax2d()", (3, 2, 2)),
]
