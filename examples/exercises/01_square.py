"""Exercise 1.    out = x²        Something below is wrong: mend it, then run  python examples/exercises/check.py 1"""
from tinygrad_like.op import Op


class square(Op):
    """out = x²"""
    def forward(x): return x * x
    def dx(g, x): return g * x
