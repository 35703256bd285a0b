"""Exercise 8.    out = softmax(x)        Something below is wrong: mend it, then run  python examples/exercises/check.py 8"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op


class softmax(Op):
    """out_i = e^x_i / Σ_j e^x_j  over the last axis"""
    def forward(x):
        e = xp(x).exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def dx(g, out): return g * out * (1 - out)
