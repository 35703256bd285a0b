"""Exercise 6.    out = x y (matrices)      Something below is wrong: mend it, then run  python examples/exercises/check.py 6"""
from tinygrad_like.op import Op


class matmul(Op):
    """out_ik = Σ_j x_ij y_jk"""
    def forward(x, y): return x @ y
    def dx(g, y): return g @ y
    def dy(g, x): return x.swapaxes(-1, -2) @ g
