"""Ops that make one number of many: sums, means, extremes, and the running ones."""
from ..autograd import Op
from ..backend import xp
from .shape import broadcast_to


def kept(shape, axis):
    """The shape with its reduced axes kept as ones."""
    if axis is None:
        return (1,) * len(shape)
    axes = [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]
    return tuple([1 if a in axes else n for a, n in enumerate(shape)])


class sum(Op):
    """out = Σ x over some axes (all of them by default)"""
    def forward(x, *, axis=None, keepdims=False): return x.sum(axis=axis, keepdims=keepdims)
    def dx(g, shape, axis): return broadcast_to(g.reshape(kept(shape, axis)), to=shape)


class amax(Op):
    """out = the largest x over some axes; equal winners share the gradient"""
    def forward(x, *, axis=None, keepdims=False): return x.max(axis=axis, keepdims=keepdims)

    def dx(g, won, axis):
        shape = kept(won.shape, axis)
        return g.reshape(shape) * won / won.sum(axis=axis, keepdims=True)

    def won(x, out, axis): return x == out.reshape(kept(x.shape, axis))
