"""Exercise 4.    out = max(0, x)        Something below is wrong: mend it, then run  python examples/exercises/check.py 4"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op


class relu(Op):
    """out = max(0, x)      relu'(0) = 0"""
    def forward(x): return xp(x).maximum(x, 0)
    def dx(g, x): return g * (x < 0)
