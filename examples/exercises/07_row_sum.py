"""Exercise 7.    out_i = Σ_j x_ij        Something below is wrong: mend it, then run  python examples/exercises/check.py 7"""
from tinygrad_like.op import Op
from tinygrad_like.ops import broadcast_to


class row_sum(Op):
    """out_i = Σ_j x_ij"""
    def forward(x): return x.sum(axis=1)
    def dx(g, shape): return broadcast_to(g, to=shape)
