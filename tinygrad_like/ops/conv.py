"""Convolution in any number of dimensions: one formula in three letters, and three ops that are each other's derivatives.

Images have shape (samples, channels, *size).  In memory their channels come last here: every result is made so, and called by
its usual order through a transposed view, which costs nothing, and which elementwise functions keep.  The numbers under a window
are then long runs in memory, and the windows as rows of a matrix, times the weights, give the next image as it is to lie.
Where windows lie, and how they become rows, is in windows.py.  Where there is enough to do, strips of the image take half of the
products: that way is derived in strips.py.
"""
import itertools
import math
from dataclasses import replace

from ..op import Op
from ..backend import host, one_kernel, xp
from .reduce import sum
from .shape import transpose
from .strips import gathered_in_strips, in_strips, multiplied_in_strips
from .windows import (added_up, along_rows, as_it_lies, at_once, channels_last, channels_second, few_pixels, grouped, matrices,
                      meetings, mirrored, overlap, parts, sliding, started, views, windows)


# ---- the family -------------------------------------------------------------------------------------------------
class conv(Op):
    """out_{n,o,p} = Σ_{c,k} x_{n,c,s·p+d·k-a} w_{o,c,k} + b_o

    n: sample, c and o: channel before and after, p: position, k: place in the kernel; p and k have an index for each dimension,
    as have stride s, padding a and dilation d.  (This is cross-correlation, as in all libraries.  The convolution of mathematics,
    (f⋆g)(x) = Σ_y f(y) g(x-y), reads one of the two backwards: it is this one with the kernel flipped.  SPEC F-05)

    Put a third image y on the positions, and let T be the sum of all products

        T(x, w, y) = Σ_{n,o,p,c,k}  x_{n,c,s·p+d·k-a}  w_{o,c,k}  y_{n,o,p}

    T is linear in each of the three, so its derivative by one of them is a function of the other two, without it:

        ∂T/∂y = Σ_{c,k} x w = conv(x, w)                    every window, weighed: this op
        ∂T/∂x = Σ_{o,p} w y = conv_transpose(y, w)          each y_p scatters the kernel over the window that it came from
        ∂T/∂w = Σ_{n,p} x y = conv_weight(x, y)             each w_k gathers what it met, at all positions

    The chain rule asks for the derivative of Σ g · conv(x, w), given g.  But that sum is T(x, w, g).  So dx = ∂T/∂x and
    dw = ∂T/∂w, at y = g.  And Σ g · conv_transpose(y, w) = T(g, w, y), and Σ g · conv_weight(x, y) = T(x, g, y): whichever of
    the three ops is differentiated, the other two are its derivatives, with g in the place of the letter that it lacks.  They
    are closed under differentiation, to any order; and as b is added to every position, db = Σ_{n,p} g.

    x: (samples, channels, *size)       w: (channels after, channels / groups, *kernel)     y: (samples, channels after, *positions)
    into: how long what the op makes is: here the positions.  With groups, channel o reads the channels of its own group only.
    """
    integers = False

    @one_kernel
    def forward(x, w, b=None, *, into, geometry):
        groups, channels, kernel = geometry.groups, w.shape[0], w.shape[2:]
        if groups == x.shape[1] == channels:
            return depthwise(x, w, b, into, geometry)
        if in_strips(x, channels, kernel, into, geometry):
            return multiplied_in_strips(x, w, b, into, geometry)
        out = xp(x).empty((x.shape[0], *into, channels), xp(x).result_type(x, w))
        few = few_pixels(x, into, channels)
        weights = as_it_lies(w, groups) if few else matrices(w, groups)
        weights = weights.swapaxes(1, 2)                        # (groups, places · channels, channels after)
        bias = None if b is None else along_rows(b, into[-1])
        count = at_once(x, weights[0, :, 0].size * groups, weights.nbytes)

        for part, rows in windows(x, kernel, into, geometry, count, few):
            y = out[part]
            xp(x).matmul(rows, weights, out=grouped(y, groups))
            if b is not None:
                y += bias
        return channels_second(out)

    def dx(g, w, shape, geometry): return conv_transpose(g, w, into=shape[2:], geometry=geometry)
    def dw(g, x, shape, geometry): return conv_weight(x, g, into=shape[2:], geometry=geometry)
    def db(g): return over_pixels(g)


class conv_transpose(Op):
    """out_{n,c,i} = Σ_{o,p,k: s·p+d·k-a = i} y_{n,o,p} w_{o,c,k} + b_c        each y_p puts down the kernel, y_p times

    It is ∂T/∂x of `conv`.  With stride 1 it is a convolution in its turn: out_i reads y at p = i + a - d·k, so backwards as k
    grows; with the kernel flipped forwards, from i + a - d·(K - 1) on, where K is the kernel's length.
    y: (samples, channels, *positions)      w: (channels, channels after / groups, *kernel)     into: *size
    """
    integers = False

    @one_kernel
    def forward(y, w, b=None, *, into, geometry):
        groups, channels = geometry.groups, w.shape[1] * geometry.groups
        kernel, positions = w.shape[2:], y.shape[2:]
        if set(geometry.stride) == {1} and not few_pixels(y, positions, y.shape[1]):
            before = tuple([d * (k - 1) - a for d, k, a in zip(geometry.dilation, kernel, geometry.padding)])
            return conv.forward(y, mirrored(w, groups), b, into=into, geometry=replace(geometry, padding=before))
        if groups == y.shape[1] == channels:
            return depthwise_transpose(y, w, b, into, geometry)
        out, y, weights = started(y, w, b, into, channels), channels_last(y), matrices(w, groups)
        few = at_once(y, math.prod(positions) * math.prod(kernel) * channels, weights.nbytes)
        met = meetings(into, positions, kernel, geometry)

        for part in parts(len(y), few):
            rows = grouped(y[part], groups)                     # the kernel, y_p times:
            stamps = (rows @ weights).reshape(groups, -1, *positions, *kernel, channels // groups)
            stamps = xp(y).moveaxis(stamps, 0, -2)              # (samples, *positions, *kernel, groups, channels / groups)
            x = out[part].reshape(-1, *into, *stamps.shape[-2:])
            for k, here, there in met:
                x[(slice(None), *here)] += stamps[(slice(None), *there, *k)]
        return channels_second(out)

    def dy(g, w, shape, geometry): return conv(g, w, into=shape[2:], geometry=geometry)
    def dw(g, y, shape, geometry): return conv_weight(g, y, into=shape[2:], geometry=geometry)
    def db(g): return over_pixels(g)


class conv_weight(Op):
    """out_{o,c,k} = Σ_{n,p} x_{n,c,s·p+d·k-a} y_{n,o,p}        what stood under place k of the windows, weighed by y

    It is ∂T/∂w of `conv`.
    x: (samples, channels, *size)       y: (samples, channels after, *positions)        into: *kernel
    """
    integers = False

    @one_kernel
    def forward(x, y, *, into, geometry):
        groups, positions = geometry.groups, y.shape[2:]
        if groups == x.shape[1] == y.shape[1]:
            return depthwise_weight(x, y, into, geometry)
        if in_strips(x, y.shape[1], into, positions, geometry):
            return gathered_in_strips(x, y, into, geometry)
        y, channels = channels_last(y), x.shape[1] // groups
        few = few_pixels(x, positions, y.shape[-1])
        shape = (groups, y.shape[-1] // groups, math.prod(into) * channels)
        count = at_once(x, shape[2] * groups, math.prod(shape) * x.itemsize)
        small = 10**6 // max(1, math.prod(shape))
        if small > 500 and type(x) is host.ndarray:             # OpenBLAS is quicker up to a million products, as it copies nothing
            count = min(count, small)

        def products():
            for part, rows in windows(x, into, positions, geometry, count, few):
                yield grouped(y[part], groups).swapaxes(1, 2) @ rows
        out = added_up(products())
        out = xp(x).zeros(shape, xp(x).result_type(x, y)) if out is None else out
        if few:
            return out.reshape(y.shape[-1], channels, *into)
        out = out.reshape(y.shape[-1], *into, channels)
        return xp(x).ascontiguousarray(xp(x).moveaxis(out, -1, 1))

    def dx(g, y, shape, geometry): return conv_transpose(y, g, into=shape[2:], geometry=geometry)
    def dy(g, x, shape, geometry): return conv(x, g, into=shape[2:], geometry=geometry)


def over_pixels(g):
    """Σ g over samples and positions: a number for each channel.  (Channels last in the sum too: as rows they add up faster.)"""
    return sum(transpose(g, axes=(0, *range(2, g.ndim), 1)), axis=tuple(range(g.ndim - 1)))


# ---- windows as rows and columns --------------------------------------------------------------------------------
class unfold(Op):
    """out_{n,(c,k),p} = x_{n,c,s·p+d·k-a}: the numbers under each window as a column; backward, `fold` adds them up where they were

    x: (samples, channels, *size)       out: (samples, channels · places in the kernel, number of windows)
    """
    def forward(x, *, kernel, positions, geometry):
        (n, channels), dims = x.shape[:2], len(kernel)
        image = xp(x).zeros((n, channels, *geometry.reach(positions, kernel), 1), x.dtype)
        inner, outer = overlap(geometry.padding, image.shape[2:-1], x.shape[2:])
        image[(..., *inner, 0)] = x[(..., *outer)]
        seen = sliding(image, kernel, positions, geometry)[..., 0]      # (samples, channels, *positions, *kernel)
        seen = seen.transpose(0, 1, *range(dims + 2, 2 * dims + 2), *range(2, dims + 2))
        return seen.reshape(n, channels * math.prod(kernel), math.prod(positions))

    def dx(g, kernel, positions, geometry, shape):
        return fold(g, kernel=kernel, positions=positions, into=shape[2:], geometry=geometry)


class fold(Op):
    """out_{n,c,i} = Σ_{p,k: s·p+d·k-a = i} x_{n,(c,k),p}: the columns added up where `unfold` would have read them

    x: (samples, channels · places in the kernel, number of windows)        out: (samples, channels, *into)
    """
    def forward(x, *, kernel, positions, into, geometry):
        channels = x.shape[1] // math.prod(kernel)
        out = xp(x).zeros((x.shape[0], channels, *into), x.dtype)
        x = x.reshape(x.shape[0], channels, *kernel, *positions)
        for k, here, there in meetings(into, positions, kernel, geometry):
            out[(..., *here)] += x[(slice(None), slice(None), *k, *there)]
        return out

    def dx(g, kernel, positions, geometry): return unfold(g, kernel=kernel, positions=positions, geometry=geometry)


# ---- every channel a group of its own ---------------------------------------------------------------------------
# A matrix for each group would have one column.  Here a row of pixels, with all its channels, is weighed at once: as one long run.
def depthwise(x, w, b, into, geometry):
    """conv with w of shape (channels, 1, *kernel)."""
    kernel, out = w.shape[2:], started(x, w, b, into, len(w))
    weights = along_rows(xp(w).moveaxis(w[:, 0], 0, -1), into[-1]).reshape(*kernel, into[-1] * len(w))
    p, k = "xy"[:len(kernel) - 1], "ijk"[:len(kernel)]
    for part, seen in lines(x, kernel, into, geometry):
        y = out[part]
        y += xp(x).einsum(f"n{p}{k}r,{k}r->n{p}r", seen, weights).reshape(y.shape)
    return channels_second(out)


def depthwise_weight(x, y, into, geometry):
    """conv_weight of as many channels in x as in y, each its own group."""
    y = channels_last(y)
    rows = y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])
    out = xp(x).zeros((*into, rows.shape[-1]), xp(x).result_type(x, y))
    p, everywhere = "xy"[:len(into) - 1], (slice(None),) * len(into)
    for part, seen in lines(x, into, y.shape[1:-1], geometry):
        for k in itertools.product(*map(range, into)):          # place by place: einsum is quicker with fewer axes
            out[k] += xp(x).einsum(f"n{p}r,n{p}r->r", seen[(*everywhere, *k)], rows[part])
    out = out.reshape(*into, y.shape[-2], y.shape[-1]).sum(axis=-2)
    return xp(x).ascontiguousarray(xp(x).moveaxis(out, -1, 0))[:, None]


def lines(x, kernel, positions, geometry):
    """`views` for all channels as one group, with a row of pixels as one run.

    Yields which samples, and (samples, *positions[:-1], *kernel, pixels · channels).
    """
    few, dims = min(max(1, len(x)), at_once(x, 2 * x.shape[1] * math.prod(positions))), len(kernel)
    for part, seen in views(x, kernel, positions, replace(geometry, groups=1), few):
        seen = xp(x).moveaxis(seen[0], dims, -2)                # at stride 1 its last two axes are one in memory already
        yield part, seen.reshape(*seen.shape[:-2], seen.shape[-2] * seen.shape[-1])


def depthwise_transpose(y, w, b, into, geometry):
    """conv_transpose with w of shape (channels, 1, *kernel)."""
    out, y = started(y, w, b, into, len(w)), channels_last(y)
    weights = along_rows(xp(w).moveaxis(w[:, 0], 0, -1), y.shape[-2])
    met = meetings(into, y.shape[1:-1], w.shape[2:], geometry)
    for part in parts(len(y), at_once(y, math.prod(y.shape[1:]) + math.prod(out.shape[1:]))):
        for k, here, there in met:
            out[(part, *here)] += y[(part, *there)] * weights[k][there[-1]]
    return channels_second(out)
