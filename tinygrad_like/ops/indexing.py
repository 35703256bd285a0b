"""Ops that pick elements out of tensors, and put them in.

They are linear, and come in pairs: reading at some places, and adding into zeros at the same places, are each other's
derivative.  What is read twice receives the sum of two gradients.
"""
import math

from .. import errors
from ..op import Op
from ..backend import add_at, check_index, extreme_at, host, xp
from .shape import astype, at


def checked(index, x):
    """The index, in range for x: NumPy sees to that by itself, CuPy would wrap around."""
    if xp(x) is not host:
        check_index(index, x.shape)
    return index


# ---- any index --------------------------------------------------------------------------------------------------
class getitem(Op):
    """out = x[index]"""
    def forward(x, *, index): return x[checked(index, x)]
    def dx(g, index, shape): return put_add(g, index=index, into=shape)


class put_add(Op):
    """out = zeros of the shape `into`, where out[index] += x: what is indexed twice receives twice"""
    def forward(x, *, index, into):
        slices = all([type(i) is slice for i in (index if type(index) is tuple else (index,))])
        out = xp(x).zeros_like(x, shape=into) if slices else xp(x).zeros(into, x.dtype)         # slices: as x lies in memory
        add_at(out, checked(index, out), x)
        return out

    def dx(g, index): return getitem(g, index=index)


class setitem(Op):
    """out = x, but out[index] = value

    Where an index repeats, one of its values stays (NumPy: the last; CuPy: any), and each of them receives the gradient, as in
    PyTorch.
    """
    def forward(x, value, *, index):
        out = xp(x).array(x)
        assign(out, index, value)
        return out

    def dx(g, index): return setitem(g, 0, index=index)

    def dvalue(g, index, shape): return for_value(g, index, shape)


def assign(x, index, value):
    """x[index] = value, in place"""
    if getattr(value, "shape", ()) and math.prod(value.shape) == 1:
        value = value.reshape(())                               # one number fits everywhere, a single element too
    try:
        x[checked(index, x)] = value
    except ValueError as error:
        shapes = [tuple(getattr(a, "shape", ())) for a in (x[index], value)]
        raise errors.ShapeError("x[index] = value: x[index] has shape {}, and the value has shape {}, which does not broadcast "
                                "to it".format(*shapes)) from error


class add_item(Op):
    """out = x, but out[index] += value: what is indexed twice receives twice"""
    def forward(x, value, *, index):
        out = xp(x).array(x, order="C")
        add_at(out, checked(index, x), value)
        return out

    def dx(g): return g

    def dvalue(g, index, shape): return for_value(g, index, shape)


def for_value(g, index, shape):
    """The gradient of a value that was put at [index]; it may have had leading axes of length 1 too many."""
    g = getitem(g, index=index)
    return g.reshape((1,) * (len(shape) - g.ndim) + g.shape)


class extreme_item(Op):
    """out = x, but at [index] the larger of x and value (largest=False: the smaller); equal winners share the gradient"""
    def forward(x, value, *, index, largest=True):
        out = xp(x).array(x)
        extreme_at(out, checked(index, x), value, largest)
        return out

    def dx(g, share, kept_x): return g * share * kept_x
    def dvalue(g, share, kept_value, index): return getitem(g * share, index=index) * kept_value

    def kept_x(x, out): return x == out
    def kept_value(value, out, index): return value == getitem(out, index=index)

    def share(kept_x, kept_value, index, out):
        winners = kept_x + put_add(astype(kept_value, dtype=out.dtype), index=index, into=out.shape)
        return 1 / (winners + (winners == 0))


# ---- whole slices along one axis --------------------------------------------------------------------------------
class take(Op):
    """out[…, k, …] = x[…, indices[k], …], where k stands at `axis` (for as many axes as the indices have)"""
    def forward(x, *, indices, axis=0):
        checked(at(axis % x.ndim, indices), x)
        return xp(x).take(x, indices, axis)

    def dx(g, indices, axis, shape): return put_add_slices(g, indices=indices, axis=axis, into=shape)


class put_add_slices(Op):
    """out = zeros of the shape `into`, where out[…, indices[k], …] += x[…, k, …]"""
    def forward(x, *, indices, axis=0, into):
        out = xp(x).zeros(into, x.dtype)
        add_at(out, checked(at(axis % len(into), indices), out), x)
        return out

    def dx(g, indices, axis): return take(g, indices=indices, axis=axis)


class embedding(Op):
    """out[…] = w[indices[…]], a row of w for each index; the row `padding` receives no gradient        (SPEC F-11)

    It is the product of one-hot rows with w, without the product: dw adds up, for each row, the gradients of all its uses.
    share: None, or a factor for the gradient of each use, in the shape of the indices.
    """
    def forward(w, *, indices, padding=None, share=None): return xp(w).take(w, indices, 0)

    def dw(g, indices, padding, share, shape):
        if padding is not None:
            g = g * (indices != padding)[..., None]
        if share is not None:
            g = g * share[..., None]
        return put_add_slices(g, indices=indices, into=shape)


# ---- one index for each element of the result, along one axis ---------------------------------------------------
class take_along_axis(Op):
    """out[…, k, …] = x[…, indices[…, k, …], …], where k stands at `axis`

    The result has the shape of `indices`, which has as many axes as x and is nowhere longer than x but along `axis`.
    """
    def forward(x, *, indices, axis): return x[checked(along(indices, axis), x)]
    def dx(g, indices, axis, shape): return put_add_along_axis(g, indices=indices, axis=axis, into=shape)


class put_add_along_axis(Op):
    """out = zeros of the shape `into`, where out[…, indices[…, k, …], …] += x[…, k, …]"""
    def forward(x, *, indices, axis, into):
        out = xp(x).zeros(into, x.dtype)
        add_at(out, checked(along(indices, axis), out), x)
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


# ---- places: integers, no gradient ------------------------------------------------------------------------------
class one_hot(Op):
    """out[…, c] = 1 where x = c, else 0, for c = 0 … classes - 1"""
    def forward(x, *, classes): return (x[..., None] == xp(x).arange(classes)).astype("int64")


class argwhere(Op):
    """out = the places where x is not zero, one in each row"""
    def forward(x): return xp(x).argwhere(x)


class searchsorted(Op):
    """out = how many numbers of the ascending `line` are less than x (side "left"), or at most x (side "right")

    `line` may be a stack of lines, (…, n), one for each line of x, (…, m).
    """
    def forward(line, x, *, side="left"):
        if line.ndim == 1:
            return xp(x).searchsorted(line, x, side=side)
        lines = math.prod(line.shape[:-1])
        rows, asked = line.reshape(lines, line.shape[-1]), x.reshape(lines, x.shape[-1])
        found = [xp(x).searchsorted(row, each, side=side) for row, each in zip(rows, asked)]
        return xp(x).stack(found).reshape(x.shape) if found else xp(x).zeros(x.shape, "int64")
