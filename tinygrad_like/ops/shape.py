"""Ops that rearrange elements.  They are linear, and come in pairs: each is the other's derivative."""
from ..autograd import Op
from ..backend import xp


class alias(Op):
    """out = x, under a node of its own"""
    def forward(x): return x
    def dx(g): return g


class clone(Op):
    """out = x, in memory of its own"""
    def forward(x): return x.copy()
    def dx(g): return g


class astype(Op):
    """out = x in another number type; the sweep converts the gradient back"""
    def forward(x, *, dtype): return x.astype(dtype)
    def dx(g): return g


class reshape(Op):
    """out = the elements of x, in order, in the shape `to`"""
    def forward(x, *, to): return x.reshape(to)
    def dx(g, shape): return g.reshape(shape)


class swapaxes(Op):
    """out = x with two axes exchanged"""
    def forward(x, *, axis1, axis2): return x.swapaxes(axis1, axis2)
    def dx(g, axis1, axis2): return g.swapaxes(axis1, axis2)


class broadcast_to(Op):
    """out = x stretched to the shape `to`; the sweep sums the gradient back"""
    def forward(x, *, to): return xp(x).broadcast_to(x, to)
    def dx(g): return g


class concatenate(Op):
    """out = the xs joined along an existing axis; each takes back its own stretch of g"""
    def forward(*xs, axis=0): return xp(*xs).concatenate(xs, axis)

    def dxs(g, i, shapes, axis):
        start = 0
        for shape in shapes[:i]:
            start += shape[axis]
        return g[(slice(None),) * (axis % g.ndim) + (slice(start, start + shapes[i][axis]),)]


class unbind(Op):
    """outs = the slices of x along an axis, one result each; backward, they are stacked again"""
    def forward(x, *, axis=0): return tuple(xp(x).moveaxis(x, axis, 0))
    def dx(g, axis): return stack(*g, axis=axis)


class stack(Op):
    """out = the xs joined along a new axis; each takes back its own slice of g"""
    def forward(*xs, axis=0): return xp(*xs).stack(xs, axis)
    def dxs(g, i, axis): return g[(slice(None),) * (axis % g.ndim) + (i,)]
