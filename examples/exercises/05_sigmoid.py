"""Exercise 5.    y = 1 / (1 + e⁻ˣ)        Something below is wrong: mend it, then run  python examples/exercises/check.py 5"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op


class sigmoid(Op):
    """y = 1 / (1 + e⁻ˣ)      dy/dx = y (1 - y)"""
    def forward(x): return 1 / (1 + xp(x).exp(-x))
    def dx(g, y): return g * y * (1 - y)
