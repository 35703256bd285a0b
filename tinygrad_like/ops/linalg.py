"""Matrix products and the linear algebra around them."""
from ..autograd import Op
from ..backend import xp


def T(x):
    """The transpose of the last two axes."""
    return x.swapaxes(-1, -2)


def rows(x):
    """All leading axes folded into one: (..., n, k) -> (m, k)."""
    return x.reshape(-1, x.shape[-1])


class matmul(Op):
    """out = x @ y"""
    def forward(x, y): return x @ y
    def dx(g, y): return g @ T(y)

    def dy(g, x, shape):
        if len(shape) == 2:                                     # one matrix met a whole stack: one tall product
            x, g = rows(x), rows(g)
        return T(x) @ g
