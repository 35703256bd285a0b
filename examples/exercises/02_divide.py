"""Exercise 2.    out = x / y        Something below is wrong: mend it, then run  python examples/exercises/check.py 2"""
from tinygrad_like.op import Op


class divide(Op):
    """out = x / y"""
    def forward(x, y): return x / y
    def dx(g, y): return g / y
    def dy(g, y, out): return g * out / y
