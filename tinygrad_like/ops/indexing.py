"""Ops that pick elements out of tensors, and put them in.

They are linear, and come in pairs: what reads at some places, and what adds into zeros at the same places, are each
other's derivative.  What is read twice receives the sum of two gradients.
"""
from ..autograd import Op
from ..backend import add_at, xp


class getitem(Op):
    """out = x[index]"""
    def forward(x, *, index): return x[index]
    def dx(g, index, shape): return put_add(g, index=index, into=shape)


class put_add(Op):
    """out = zeros, with x added at [index]: what is indexed twice receives twice"""
    def forward(x, *, index, into):
        out = xp(x).zeros(into, x.dtype)
        add_at(out, index, x)
        return out

    def dx(g, index): return getitem(g, index=index)


# ---- one index for each element of the result, along one axis ---------------------------------------------------
class take_along_axis(Op):
    """out[…, k, …] = x[…, indices[…, k, …], …], where k stands at `axis`

    The result has the shape of `indices`, which has as many axes as x and is nowhere longer than x but along `axis`.
    """
    def forward(x, *, indices, axis): return x[along(indices, axis)]
    def dx(g, indices, axis, shape): return put_add_along_axis(g, indices=indices, axis=axis, into=shape)


class put_add_along_axis(Op):
    """out = zeros of the shape `into`, where out[…, indices[…, k, …], …] += x[…, k, …]"""
    def forward(x, *, indices, axis, into):
        out = xp(x).zeros(into, x.dtype)
        add_at(out, along(indices, axis), x)
        return out

    def dx(g, indices, axis): return take_along_axis(g, indices=indices, axis=axis)


def along(indices, axis):
    """The index that follows `indices` along one axis and stays in place along the others."""
    places = []
    for a, n in enumerate(indices.shape):
        line = [1] * indices.ndim
        line[a] = n
        places.append(xp(indices).arange(n).reshape(line))
    if places:                                                  # none where x is 0-d: there its one element is meant
        places[axis] = indices
    return tuple(places)
