"""Convolution in any number of dimensions: one formula in three letters, and three ops that are each other's derivatives.

Each op copies windows of the image into the rows of a matrix, and leaves the rest to a matrix product: a block of windows at a
time, as many as fit the cache.  Where windows lie, and how they become rows, is in windows.py.  Large images at stride 1 take
another way, with half as many multiplications, which is derived in strips.py.

Images have shape (samples, channels, *size), but in memory the channels come last: results are made like that, and returned as a
transposed view, which costs nothing, and which elementwise functions keep.  So the numbers under a window are long runs of memory,
and the product of windows and weights is the next image, just as it is to lie.
"""
import functools
import itertools
import math
from dataclasses import replace
from operator import iadd

from ..op import Op
from ..backend import host, one_kernel, xp
from .reduce import sum
from .shape import transpose
from .strips import conv_in_strips, conv_weight_in_strips, worth_strips
from .windows import (SMALL, along_rows, at_once, bias_everywhere, channels_last, channels_second, few_pixels, grouped, matrices,
                      meetings, mirrored, overlap, parts, sliding, views, windows)


# ---- the family -------------------------------------------------------------------------------------------------
class conv(Op):
    """out_{n,o,p} = Σ_{c,k} x_{n,c,s·p+d·k-a} w_{o,c,k} + b_o

    n: sample, c and o: channel before and after, p: position, k: place in the kernel; p and k have an index for each dimension,
    as have stride s, padding a and dilation d.  (This is cross-correlation, as in all libraries.  The convolution of mathematics,
    (f⋆g)(x) = Σ_y f(y) g(x-y), reads one of the two backwards: it is this one with the kernel flipped.  SPEC F-05)

    Take a third image y, with a number for each position, and let T be the sum of all products

        T(x, w, y) = Σ_{n,o,p,c,k}  x_{n,c,s·p+d·k-a}  w_{o,c,k}  y_{n,o,p}

    T is linear in each of the three, so its derivative by one of them is a function of the other two alone:

        ∂T/∂y = Σ_{c,k} x w = conv(x, w)                    every window, weighted: this op
        ∂T/∂x = Σ_{o,p} w y = conv_transpose(y, w)          each y_p scatters the kernel over the window that it came from
        ∂T/∂w = Σ_{n,p} x y = conv_weight(x, y)             each w_k gathers what it met, at all positions

    The chain rule asks for the derivatives of Σ g · conv(x, w), given g.  But that sum is T(x, w, g): so dx = ∂T/∂x and
    dw = ∂T/∂w, at y = g.  Likewise Σ g · conv_transpose(y, w) = T(g, w, y), and Σ g · conv_weight(x, y) = T(x, g, y).  Whichever
    of the three ops is differentiated, its derivatives are the other two, with g in the place of the letter that it lacks: they
    are closed under differentiation, to any order.  And as b is added at every position, db = Σ_{n,p} g.

    x: (samples, channels, *size)       w: (channels after, channels / groups, *kernel)     y: (samples, channels after, *positions)
    into: the size of what the op makes, here the positions.  With groups, channel o reads the channels of its own group only.
    """
    integers = False

    @one_kernel
    def forward(x, w, b=None, *, into, geometry):
        groups, channels, kernel = geometry.groups, w.shape[0], w.shape[2:]
        if groups == x.shape[1] == channels:
            return depthwise(x, w, b, into, geometry)
        if worth_strips(x, channels, kernel, into, geometry):
            return conv_in_strips(x, w, b, into, geometry)
        out = xp(x).empty((x.shape[0], *into, channels), xp(x).result_type(x, w))
        channels_first = few_pixels(x, into, channels)
        weights = matrices(w, groups, channels_first).swapaxes(1, 2)        # (groups, numbers in a window, channels after / groups)
        bias = None if b is None else along_rows(b, into[-1])
        count = at_once(x, weights.shape[1] * groups, weights.nbytes)

        # A block of windows, small enough for the cache, becomes the rows of a matrix.  A row times the weights is a pixel of out.
        for part, rows in windows(x, kernel, into, geometry, count, channels_first):
            y = out[part]
            xp(x).matmul(rows, weights, out=grouped(y, groups))
            if b is not None:
                y += bias
        return channels_second(out)

    def dx(g, w, shape, geometry): return conv_transpose(g, w, into=shape[2:], geometry=geometry)
    def dw(g, x, shape, geometry): return conv_weight(x, g, into=shape[2:], geometry=geometry)
    def db(g): return sum_over_pixels(g)


class conv_transpose(Op):
    """out_{n,c,i} = Σ_{o,p,k: s·p+d·k-a = i} y_{n,o,p} w_{o,c,k} + b_c        each position adds its kernel to the image, y_p times

    It is ∂T/∂x of `conv`.  With stride 1 it is a convolution again: out_i reads y at p = i + a - d·k, that is, backwards as k
    grows.  With the kernel flipped, k → K - 1 - k for a kernel of length K, it reads forwards, at p = i + d·k - (d·(K - 1) - a):
    so the padding is d·(K - 1) - a.  Where out is much larger than y, as where 7 × 7 pixels are made of one, nearly all that it
    reads would be padding: there the kernels are added up as the formula says.

    y: (samples, channels, *positions)      w: (channels, channels after / groups, *kernel)     into: *size
    """
    integers = False

    @one_kernel
    def forward(y, w, b=None, *, into, geometry):
        groups, channels = geometry.groups, w.shape[1] * geometry.groups
        kernel, positions = w.shape[2:], y.shape[2:]
        mostly_padding = type(y) is host.ndarray and math.prod(into) > 4 * math.prod(positions)    # a GPU rather has fewer kernels
        if set(geometry.stride) == {1} and not mostly_padding and not few_pixels(y, positions, y.shape[1]):
            padding = tuple([d * (k - 1) - a for d, k, a in zip(geometry.dilation, kernel, geometry.padding)])
            return conv.forward(y, mirrored(w, groups), b, into=into, geometry=replace(geometry, padding=padding))
        if groups == y.shape[1] == channels:
            return depthwise_transpose(y, w, b, into, geometry)
        out, y, weights = bias_everywhere(y, w, b, into, channels), channels_last(y), matrices(w, groups)
        samples_at_once = at_once(y, math.prod(positions) * math.prod(kernel) * channels, weights.nbytes)
        places = meetings(into, positions, kernel, geometry)

        # A pixel of y times the weights is what that position adds to the image: a kernel full of numbers.  Place k of all these
        # kernels meets pixels that are s apart: for each k they are added at once, as slices.
        for part in parts(len(y), samples_at_once):
            kernels = (grouped(y[part], groups) @ weights).reshape(groups, -1, *positions, *kernel, channels // groups)
            kernels = xp(y).moveaxis(kernels, 0, -2)            # (samples, *positions, *kernel, groups, channels / groups)
            x = out[part].reshape(-1, *into, *kernels.shape[-2:])
            for k, pixels, own in places:
                x[(slice(None), *pixels)] += kernels[(slice(None), *own, *k)]
        return channels_second(out)

    def dy(g, w, shape, geometry): return conv(g, w, into=shape[2:], geometry=geometry)
    def dw(g, y, shape, geometry): return conv_weight(g, y, into=shape[2:], geometry=geometry)
    def db(g): return sum_over_pixels(g)


class conv_weight(Op):
    """out_{o,c,k} = Σ_{n,p} x_{n,c,s·p+d·k-a} y_{n,o,p}        what is under place k of the windows, weighted by y

    It is ∂T/∂w of `conv`.
    x: (samples, channels, *size)       y: (samples, channels after, *positions)        into: *kernel
    """
    integers = False

    @one_kernel
    def forward(x, y, *, into, geometry):
        groups, positions = geometry.groups, y.shape[2:]
        if groups == x.shape[1] == y.shape[1]:
            return depthwise_weight(x, y, into, geometry)
        if worth_strips(x, y.shape[1], into, positions, geometry):
            return conv_weight_in_strips(x, y, into, geometry)
        channels, after = x.shape[1] // groups, y.shape[1]
        if not y.size:                                          # a sum of nothing
            return xp(x).zeros((after, channels, *into), xp(x).result_type(x, y))
        y, channels_first = channels_last(y), few_pixels(x, positions, after)
        numbers = math.prod(into) * channels                    # in a window, for each group
        count, small = at_once(x, numbers * groups, numbers * after * x.itemsize), SMALL // max(1, numbers * after)
        if small > 500 and type(x) is host.ndarray:             # still enough windows to be worth a call
            count = min(count, small)

        # A block of windows as rows, as in `conv`: each row times what y has at its position, all of that added up.
        out = functools.reduce(iadd, (grouped(y[part], groups).swapaxes(1, 2) @ rows for part, rows in windows(
            x, into, positions, geometry, count, channels_first)))
        if channels_first:
            return out.reshape(after, channels, *into)
        return xp(x).ascontiguousarray(xp(x).moveaxis(out.reshape(after, *into, channels), -1, 1))

    def dx(g, y, shape, geometry): return conv_transpose(y, g, into=shape[2:], geometry=geometry)
    def dy(g, x, shape, geometry): return conv(x, g, into=shape[2:], geometry=geometry)


def sum_over_pixels(g):
    """Σ g over samples and positions: a number for each channel.  (With channels last, the sum runs as memory does.)"""
    return sum(transpose(g, axes=(0, *range(2, g.ndim), 1)), axis=tuple(range(g.ndim - 1)))


# ---- windows as rows and columns --------------------------------------------------------------------------------
class unfold(Op):
    """out_{n,(c,k),p} = x_{n,c,s·p+d·k-a}: the numbers under each window as a column.  Its derivative is `fold`

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
    """out_{n,c,i} = Σ_{p,k: s·p+d·k-a = i} x_{n,(c,k),p}: each number added where `unfold` reads it.  Its derivative is `unfold`

    x: (samples, channels · places in the kernel, number of windows)        out: (samples, channels, *into)
    """
    def forward(x, *, kernel, positions, into, geometry):
        channels = x.shape[1] // math.prod(kernel)
        out = xp(x).zeros((x.shape[0], channels, *into), x.dtype)
        x = x.reshape(x.shape[0], channels, *kernel, *positions)
        for k, pixels, own in meetings(into, positions, kernel, geometry):
            out[(..., *pixels)] += x[(slice(None), slice(None), *k, *own)]
        return out

    def dx(g, kernel, positions, geometry): return unfold(g, kernel=kernel, positions=positions, geometry=geometry)


# ---- every channel a group of its own ---------------------------------------------------------------------------
# There is nothing to multiply matrices for: a group's would have one column.  Instead, a row of pixels with all its channels is one
# long run of numbers r, which is multiplied by weights that are repeated for each pixel.  In the sums of einsum, n is the sample, x
# and y are the positions but for the last, which is in r, and i, j and k are the place in the kernel.
def depthwise(x, w, b, into, geometry):
    """conv with w of shape (channels, 1, *kernel)."""
    kernel, out = w.shape[2:], bias_everywhere(x, w, b, into, len(w))
    weights = along_rows(xp(w).moveaxis(w[:, 0], 0, -1), into[-1]).reshape(*kernel, into[-1] * len(w))
    p, k = "xy"[:len(kernel) - 1], "ijk"[:len(kernel)]
    for part, seen in windows_of_rows(x, kernel, into, geometry):
        y = out[part]
        y += xp(x).einsum(f"n{p}{k}r,{k}r->n{p}r", seen, weights).reshape(y.shape)
    return channels_second(out)


def depthwise_weight(x, y, into, geometry):
    """conv_weight of as many channels in x as in y, each its own group."""
    y = channels_last(y)
    rows = y.reshape(*y.shape[:-2], y.shape[-2] * y.shape[-1])
    out = xp(x).zeros((*into, rows.shape[-1]), xp(x).result_type(x, y))
    p, everywhere = "xy"[:len(into) - 1], (slice(None),) * len(into)
    for part, seen in windows_of_rows(x, into, y.shape[1:-1], geometry):
        for k in itertools.product(*map(range, into)):          # place by place: einsum is faster with fewer axes
            out[k] += xp(x).einsum(f"n{p}r,n{p}r->r", seen[(*everywhere, *k)], rows[part])
    out = out.reshape(*into, y.shape[-2], y.shape[-1]).sum(axis=-2)
    return xp(x).ascontiguousarray(xp(x).moveaxis(out, -1, 0))[:, None]


def windows_of_rows(x, kernel, positions, geometry):
    """`views` for all channels as one group, with all that place k of the windows reads along a row as one run.

    Yields which samples, and (samples, *positions[:-1], *kernel, positions[-1] · channels).
    """
    samples_at_once = min(max(1, len(x)), at_once(x, 2 * x.shape[1] * math.prod(positions)))
    for part, seen in views(x, kernel, positions, replace(geometry, groups=1), samples_at_once):
        seen = xp(x).moveaxis(seen[0], len(kernel), -2)         # at stride 1, its last two axes are one in memory already
        yield part, seen.reshape(*seen.shape[:-2], seen.shape[-2] * seen.shape[-1])


def depthwise_transpose(y, w, b, into, geometry):
    """conv_transpose with w of shape (channels, 1, *kernel)."""
    out, y = bias_everywhere(y, w, b, into, len(w)), channels_last(y)
    weights = along_rows(xp(w).moveaxis(w[:, 0], 0, -1), y.shape[-2])
    places = meetings(into, y.shape[1:-1], w.shape[2:], geometry)
    for part in parts(len(y), at_once(y, math.prod(y.shape[1:]) + math.prod(out.shape[1:]))):
        for k, pixels, own in places:
            out[(part, *pixels)] += y[(part, *own)] * weights[k][own[-1]]
    return channels_second(out)
