"""Exercise 3.    out = tanh(x)        Something below is wrong: mend it, then run  python examples/exercises/check.py 3"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op


class tanh(Op):
    """out = tanh(x)      tanh' = 1 - tanh²"""
    def forward(x): return xp(x).tanh(x)
    def dx(g, out): return 1 - out * out
