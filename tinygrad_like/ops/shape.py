"""Ops that rearrange elements.  They are linear, and come in pairs: each is the other's derivative."""
from itertools import accumulate

from ..op import Op
from ..backend import diagonal as diagonal_view, xp


def at(axis, index):
    """The index that picks `index` along one axis (not counted from the end), and everything along those before it."""
    return (slice(None),) * axis + (index,)


# ---- the same elements ------------------------------------------------------------------------------------------
class alias(Op):
    """out = x, under a node of its own"""
    def forward(x): return x
    def dx(g): return g


class passing(Op):
    """outs = xs.  On the way back their gradients, as a tuple, are shown to the function `seen`, which says what goes on"""
    def forward(*xs, seen): return xs
    def dxs(g, i, going_on): return going_on[i]
    def going_on(g, seen): return seen(g)


class clone(Op):
    """out = x, in memory of its own"""
    def forward(x): return x.copy(order="K")                    # in the layout that it had
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


class transpose(Op):
    """out = x with its axes in another order: axis k of out is axis axes[k] of x"""
    def forward(x, *, axes): return x.transpose(axes)
    def dx(g, axes): return transpose(g, axes=tuple(sorted(range(len(axes)), key=lambda k: axes[k] % len(axes))))


class flip(Op):
    """out = x backwards along some axes (a tuple)"""
    def forward(x, *, axis): return xp(x).flip(x, axis).copy()
    def dx(g, axis): return flip(g, axis=axis)


class roll(Op):
    """out_{i+shift} = x_i: what falls off at the end comes back at the front.  Along several axes, if both are tuples"""
    def forward(x, *, shift, axis): return xp(x).roll(x, shift, axis)
    def dx(g, shift, axis): return roll(g, shift=tuple([-s for s in shift]), axis=axis)


# ---- more elements: several copies receive the sum of their gradients -------------------------------------------
class broadcast_to(Op):
    """out = x stretched to the shape `to`; the sweep sums the gradient back"""
    def forward(x, *, to): return xp(x).broadcast_to(x, to)
    def dx(g): return g


class tile(Op):
    """out = x laid out reps[a] times along each axis a; reps may be longer than x has axes, and not shorter"""
    def forward(x, *, reps): return xp(x).tile(x, reps)

    def dx(g, reps, shape):
        tiles = []                                              # (reps[0], shape[0], reps[1], shape[1], …)
        for count, n in zip(reps, (1,) * (len(reps) - len(shape)) + shape):
            tiles += [count, n]
        return g.reshape(tiles).sum(axis=tuple(range(0, len(tiles), 2))).reshape(shape)


class repeat(Op):
    """out = each slice of x along an axis, `repeats` times in a row"""
    def forward(x, *, repeats, axis): return xp(x).repeat(x, repeats, axis)

    def dx(g, repeats, axis, shape):
        axis = axis % len(shape)
        return g.reshape(shape[:axis + 1] + (repeats,) + shape[axis + 1:]).sum(axis=axis + 1)


class pad(Op):
    """out = x with widths[a] = (before, after) elements more at the two ends of each axis a

    mode: "constant" (a value), "replicate" (b|abc|c), "reflect" (b|abc|b) or "circular" (c|abc|a).
    """
    def forward(x, *, widths, mode="constant", value=0):
        shape = tuple([before + n + after for n, (before, after) in zip(x.shape, widths)])
        if mode == "constant":
            out = xp(x).full_like(x, value, shape=shape)        # as x lies in memory
            out[inside(widths, x.shape)] = x
            return out
        out = xp(x).empty_like(x, shape=shape)
        out[inside(widths, x.shape)] = x
        for first, before, after, last in borders(out, widths, mode):
            before[...] = first
            after[...] = last
        return out

    def dx(g, widths, mode, shape):
        return g[inside(widths, shape)] if mode == "constant" else fold_borders(g, widths=widths, mode=mode)


class fold_borders(Op):
    """out = the inside of x, to which its borders are added where `pad` copied them from: the derivative of that"""
    def forward(x, *, widths, mode):
        out = x.copy()
        for first, before, after, last in reversed(borders(out, widths, mode)):
            first += before.sum(axis=0, keepdims=True) if mode == "replicate" else before
            last += after.sum(axis=0, keepdims=True) if mode == "replicate" else after
        return out[inside(widths, [n - before - after for n, (before, after) in zip(x.shape, widths)])]

    def dx(g, widths, mode): return pad(g, widths=widths, mode=mode)


def inside(widths, shape):
    """The index of what `pad` put borders around."""
    return tuple([slice(before, before + n) for (before, _), n in zip(widths, shape)])


def borders(out, widths, mode):
    """For each axis that is padded, views of `out`: (where the front is copied from, the front, the back, where that is from)."""
    views = []
    for axis, (before, after) in enumerate(widths):
        if before or after:
            line = xp(out).moveaxis(out, axis, 0)
            x = line[before:len(line) - after]
            n = len(x)
            if mode == "reflect":
                first, last = x[1:before + 1][::-1], x[n - 1 - after:n - 1][::-1]
            elif mode == "replicate":
                first, last = x[:1], x[n - 1:]
            else:
                first, last = x[n - before:], x[:after]
            views.append((first, line[:before], line[len(line) - after:], last))
    return views


# ---- fewer: what is left out receives 0 -------------------------------------------------------------------------
class tril(Op):
    """out = x on and below the k-th diagonal, 0 above"""
    def forward(x, *, k=0): return xp(x).tril(x, k)
    def dx(g, k): return tril(g, k=k)


class triu(Op):
    """out = x on and above the k-th diagonal, 0 below"""
    def forward(x, *, k=0): return xp(x).triu(x, k)
    def dx(g, k): return triu(g, k=k)


class diagonal(Op):
    """out_i = x_{i, i + offset}: the diagonals over two axes, which are replaced by one at the end"""
    def forward(x, *, offset=0, axis1=0, axis2=1): return diagonal_view(x, offset, axis1, axis2)
    def dx(g, offset, axis1, axis2, shape): return put_diagonal(g, offset=offset, axis1=axis1, axis2=axis2, into=shape)


class put_diagonal(Op):
    """out = zeros of the shape `into`, with x on its diagonals"""
    def forward(x, *, offset=0, axis1=0, axis2=1, into):
        out = xp(x).zeros(into, x.dtype)
        diagonal_view(out, offset, axis1, axis2)[...] = x
        return out

    def dx(g, offset, axis1, axis2): return diagonal(g, offset=offset, axis1=axis1, axis2=axis2)


class sliding_windows(Op):
    """out_{…, k, …, j} = x_{…, k · step + j, …}: all windows of some size along an axis, each as a row of a new last axis"""
    def forward(x, *, axis, size, step):
        windows = xp(x).lib.stride_tricks.sliding_window_view(x, size, axis)
        return windows[at(axis, slice(None, None, step))]

    def dx(g, axis, step, shape): return overlap_add(g, axis=axis, step=step, into=shape)


class overlap_add(Op):
    """out = zeros of the shape `into`, to which the windows x are added where `sliding_windows` found them"""
    def forward(x, *, axis, step, into):
        out = xp(x).zeros(into, x.dtype)
        count, size = x.shape[axis], x.shape[-1]
        for j in range(size):
            out[at(axis, slice(j, j + step * (count - 1) + 1, step))] += x[..., j]
        return out

    def dx(g, axis, step, shape): return sliding_windows(g, axis=axis, size=shape[-1], step=step)


# ---- several tensors from one, and one from several -------------------------------------------------------------
class concatenate(Op):
    """out = the xs joined along an existing axis; each takes back its own stretch of g"""
    def forward(*xs, axis=0): return xp(*xs).concatenate(xs, axis)

    def dxs(g, i, starts, shapes, axis):
        axis = axis % g.ndim
        return g[at(axis, slice(starts[i], starts[i] + shapes[i][axis]))]

    def starts(shapes, axis): return [0, *accumulate([shape[axis] for shape in shapes])]


class split(Op):
    """outs = x cut along an axis (not counted from the end) into stretches of the given sizes; backward, they are joined again"""
    def forward(x, *, sizes, axis=0):
        starts = [0, *accumulate(sizes)]
        return tuple([x[at(axis, slice(start, start + n))] for start, n in zip(starts, sizes)])

    def dx(g, axis): return concatenate(*g, axis=axis)


class stack(Op):
    """out = the xs joined along a new axis; each takes back its own slice of g"""
    def forward(*xs, axis=0): return xp(*xs).stack(xs, axis)
    def dxs(g, i, axis): return g[at(axis % g.ndim, i)]


class unbind(Op):
    """outs = the slices of x along an axis, one result each; backward, they are stacked again"""
    def forward(x, *, axis=0): return tuple(xp(x).moveaxis(x, axis, 0))
    def dx(g, axis): return stack(*g, axis=axis)
