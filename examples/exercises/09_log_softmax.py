"""Exercise 9.    out = log softmax(x)        Something below is wrong: mend it, then run  python examples/exercises/check.py 9"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op
from tinygrad_like.ops import exp


class log_softmax(Op):
    """out_i = x_i - log Σ_j e^x_j  over the last axis"""
    def forward(x):
        x = x - x.max(axis=-1, keepdims=True)
        return x - xp(x).log(xp(x).exp(x).sum(axis=-1, keepdims=True))

    def dx(g, out): return g - exp(out) * g
