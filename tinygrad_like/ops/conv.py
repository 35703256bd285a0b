"""Convolution in any number of dimensions: one formula in three letters, and three ops that are each other's derivatives.

Images have shape (samples, channels, *size).  In memory their channels come last here: every result is made so, and called by
its usual order through a transposed view, which costs nothing, and which elementwise functions keep.  The numbers under a window
are then long runs in memory, and the windows as rows of a matrix, times the weights, give the next image as it is to lie.
Where there is enough to do, strips of the image take fewer products: see `multiplied_in_strips`.
"""
import functools
import itertools
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..op import Op
from ..backend import cache_size, host, one_kernel, xp
from .reduce import sum
from .shape import transpose


@dataclass(frozen=True)
class Geometry:
    """Where windows lie: place k of window p is at s·p + d·k - a, along each dimension.  What is outside of the image is 0."""
    stride: tuple[int, ...]                                     # s
    padding: tuple[int, ...]                                    # a: zeros in front.  At the end there are as many as are touched
    dilation: tuple[int, ...]                                   # d
    groups: int = 1                                             # the channels in so many parts: part i makes part i of the result

    def reach(self, positions, kernel):
        """How many pixels there are from the first of the first window to the last of the last one."""
        return tuple([s * (p - 1) + d * (k - 1) + 1 for s, p, d, k in zip(self.stride, positions, self.dilation, kernel)])


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
        if (small := 10**6 // max(1, math.prod(shape))) > 500:  # OpenBLAS is quicker up to a million products, as it copies nothing
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


def windows(x, kernel, positions, geometry, count, as_weights=False):
    """The numbers under each window as a row of a matrix (one for each group), for a few samples at a time, or a part of one.

    Yields (which samples, and which of the first dimension of positions), (groups, windows, places in the kernel · channels), with
    about `count` windows: one buffer that fits the cache serves all.  To lay out all windows at once takes many times the memory
    of the image, and longer.  as_weights: (groups, windows, channels · places in the kernel), in the order of `as_it_lies`.
    """
    module, groups, (n, channels), dims = xp(x), geometry.groups, x.shape[:2], len(kernel)
    if geometry.reach(positions, kernel) == x.shape[2:] == positions and not any(geometry.padding):
        yield (slice(0, n),), grouped(channels_last(x), groups)                             # 1x1: the pixels are the rows
        return
    few = max(1, min(n, count // max(1, math.prod(positions))))                             # samples, and positions of one
    some = max(1, min(positions[0], count // max(1, math.prod(positions[1:]))))
    shape = (groups, few, some if few == 1 else positions[0], *positions[1:], *kernel, channels // groups)
    if as_weights:
        rows = module.moveaxis(module.empty((*shape[:dims + 2], shape[-1], *kernel), x.dtype), dims + 2, -1)
    elif channels // groups > 4:
        rows = module.empty(shape, x.dtype)
    else:                                                       # few channels: longer runs of memory are found along the image
        order = (0, *range(dims + 2, 2 * dims + 3), *range(1, dims + 2))
        rows = module.empty([shape[axis] for axis in order], x.dtype).transpose([order.index(axis) for axis in range(len(order))])
    for samples, seen in views(x, kernel, positions, geometry, few):
        for stretch in parts(positions[0], shape[2]):
            matrix = rows[:, :seen.shape[1], :stretch.stop - stretch.start]
            matrix[...] = seen[:, :, stretch]
            if as_weights:
                matrix = module.moveaxis(matrix, -1, dims + 2)
            yield (samples, stretch), matrix.reshape(groups, math.prod(matrix.shape[1:dims + 2]), math.prod(shape[dims + 2:]))


def views(x, kernel, positions, geometry, few):
    """A view of the windows of a few samples at a time: which, and (groups, samples, *positions, *kernel, channels / groups)."""
    reach, groups, channels = geometry.reach(positions, kernel), geometry.groups, x.shape[1]
    x = last(x)[None]
    if groups > 1:
        x = xp(x).moveaxis(x.reshape(*x.shape[1:-1], groups, channels // groups), -2, 0)
    whole = groups == 1 and not any(geometry.padding) and (channels == 1 or x.strides[-1] == x.itemsize) and all(
        [n <= size for n, size in zip(reach, x.shape[2:])])
    if whole:                                                   # nothing to do but to look
        seen = sliding(x, kernel, positions, geometry)
        yield from [(samples, seen[:, samples]) for samples in parts(x.shape[1], few)]
        return
    image = xp(x).zeros((groups, few, *reach, channels // groups), x.dtype)                 # each with zeros around it
    inner, outer = overlap(geometry.padding, reach, x.shape[2:-1])
    seen = sliding(image, kernel, positions, geometry)
    for samples in parts(x.shape[1], few):
        count = samples.stop - samples.start
        image[(slice(None), slice(count), *inner)] = x[(slice(None), samples, *outer)]
        yield samples, seen[:, :count]


def sliding(image, kernel, positions, geometry):
    """A view of the windows of (groups, samples, *size, channels): (groups, samples, *positions, *kernel, channels)."""
    along = list(zip(image.strides[2:-1], geometry.stride, geometry.dilation))
    strides = (*image.strides[:2], *[step * s for step, s, _ in along], *[step * d for step, _, d in along], image.strides[-1])
    return strided(image, (*image.shape[:2], *positions, *kernel, image.shape[-1]), strides)


def strided(x, shape, strides):
    """A view with other axes."""
    if type(x) is host.ndarray and x.flags.c_contiguous:        # in a fifth of the time
        return host.ndarray(shape, x.dtype, x, 0, strides)
    return xp(x).lib.stride_tricks.as_strided(x, shape, strides)


def meetings(size, positions, kernel, geometry):
    """Where windows meet the image, place by place: (k, the pixels under k, the positions whose windows have them there)."""
    axes = []
    for n, count, length, s, a, d in zip(size, positions, kernel, geometry.stride, geometry.padding, geometry.dilation):
        axis = []
        for k in range(length):
            shift = d * k - a
            first, last = max(0, -(shift // s)), min(count - 1, (n - 1 - shift) // s)       # 0 <= s·p + shift <= n - 1
            if first <= last:
                axis.append((k, slice(s * first + shift, s * last + shift + 1, s), slice(first, last + 1)))
        axes.append(axis)
    return [tuple(zip(*each)) for each in itertools.product(*axes)]


def overlap(padding, padded, size):
    """Where an image lies within its padding, and which part of it does: two lists of slices."""
    stops = [max(a, 0, min(n, m + a)) for a, n, m in zip(padding, padded, size)]
    return ([slice(max(a, 0), stop) for a, stop in zip(padding, stops)],
            [slice(max(-a, 0), max(-a, 0) + stop - max(a, 0)) for a, stop in zip(padding, stops)])


def parts(n, size):
    """0 … n - 1 in stretches of some size."""
    return [slice(start, min(n, start + size)) for start in range(0, n, size)]


def at_once(x, numbers, beside=0):
    """How many, at least one, when each takes so many numbers of the type of x, and all shall fit the cache; or take as much
    memory as what each of them meets there, `beside` bytes: if that does not fit, it is to be fetched seldom."""
    return max(1, max(cache_size(x), beside) // (x.itemsize * max(1, numbers)))


def few_pixels(x, positions, channels):
    """Whether there are more weights than pixels, for so many channels after: to lay them out anew would take longest of all."""
    return len(x) * math.prod(positions) < channels


def positions_at_once(x, numbers, products):
    """How many positions, when each takes so many numbers, which shall fit the cache, and so many products.

    Up to a million products OpenBLAS does not copy the matrices first, and is up to half again as fast.  If that comes to a few
    positions only, it is better to copy the weights for many of them.
    """
    quick = 10**6 // products
    return min(at_once(x, numbers), quick) if quick >= 64 else max(at_once(x, numbers), 512)


def added_up(products):
    """The sum of some matrices; None if there are none."""
    total = None
    for each in products:
        if total is None:
            total = each
        else:
            total += each
    return total


# ---- fewer products ---------------------------------------------------------------------------------------------
def in_strips(x, channels, kernel, into, geometry):
    """Whether to go by strips: at stride 1, if that takes fewer products, and so much is to be multiplied that adding first pays.

    channels: how many come out.  On a GPU each sum is a kernel to start, which costs more than a product.
    """
    if type(x) is not host.ndarray or len(kernel) != 2 or not 2 <= kernel[0] <= 5 or x.itemsize < 4:
        return False
    strips = -(-into[0] // results_of(kernel[0]))
    return (geometry.stride == geometry.dilation == (1, 1) and min(x.shape[1], channels) >= LEAST_CHANNELS * geometry.groups
            and len(x) * math.prod(into) >= LEAST_PIXELS and 5 * PRODUCTS * strips < 4 * kernel[0] * into[0])


LEAST_CHANNELS, LEAST_PIXELS = 8, 512
POINTS = 0, 2/3, -2/3, 3/2, -3/2                                # and ∞.  Among five finite ones these round least, or nearly so
PRODUCTS = len(POINTS) + 1


def results_of(length):
    """How many rows of results a strip has, for a kernel of this length: with more points it were more, but they round more."""
    return PRODUCTS - length + 1


@functools.cache
def polynomials(length, dtype):
    """The matrices D, W and Y of `multiplied_in_strips`, for a kernel of this length."""
    def powers(count):
        return host.array([[t**i for i in range(count)] for t in POINTS] + [[0] * (count - 1) + [1]])
    each = host.linalg.inv(powers(PRODUCTS)).T, powers(length), powers(results_of(length))
    return [matrix.astype(dtype) for matrix in each]


def multiplied_in_strips(x, w, b, into, geometry):
    """conv at stride 1, with 6 products where 12 are due, for a kernel of length 3

    Look at one column of the image.  Let d be 6 neighbours in it, w the 3 weights, and y an image put on the 4 results, as in
    `conv`: T = Σ_{j,k} d_{j+k} w_k y_j.  Now w and y are also polynomials, w(t) = Σ w_k tᵏ and y(t) = Σ y_j tʲ, whose product has
    the coefficients c_i = Σ_{j+k=i} w_k y_j; so T = Σ d_i c_i.  There are 6 of them, and 6 values determine them: those at five
    points t, and the highest coefficient, which is the value at ∞ if you like.  In matrices of the powers of these t, V with 6
    columns, W with 3 and Y with 4,

        V c = (W w) · (Y y)         T = d · c = (V⁻ᵀ d) · (W w) · (Y y) = Σ_i (D d)_i (W w)_i (Y y)_i

    with D = V⁻ᵀ: six products.  The derivatives of T are what we are after, as in `conv`:

        ∂T/∂y = Yᵀ (D d · W w)                              this function
        ∂T/∂w = Wᵀ (D d · Y y)                              `gathered_in_strips`

    All of it holds for pixels with all their channels in the place of numbers, and matrices in that of weights.  And for whole rows
    of pixels: so x becomes 6 images D d, which are convolved along the rows alone, each with its own weights.  In general it is
    m + K - 1 products for m · K, where K is the length of the kernel; here m + K - 1 is always 6.

    Toom (1963); Winograd, "Arithmetic Complexity of Computations" (1980); Lavin and Gray, "Fast Algorithms for Convolutional Neural
    Networks" (2016).  What is infinite comes out as NaN.
    """
    module, groups, after, kernel = xp(x), geometry.groups, len(w), w.shape[2:]
    _, weights, results = polynomials(kernel[0], module.result_type(x, w))
    strips = strips_of(x, after, kernel, into, geometry)
    w = weights @ module.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(kernel[0], -1)
    w = w.reshape(PRODUCTS, strips.steps, 1, strips.numbers, groups, after // groups)
    w = module.moveaxis(w, -2, 0)                               # (groups, 6, steps, 1, numbers, channels after / groups)
    results = module.repeat(results.T, strips.steps, axis=1)    # all steps along the row are added up, too
    out = module.empty((len(x), *into, after), w.dtype)
    lines = module.empty((PRODUCTS * strips.steps, strips.positions, after), w.dtype)
    m = lines.reshape(PRODUCTS, strips.steps, strips.positions // strips.width, strips.width, groups, after // groups)
    m = m.transpose(4, 0, 1, 3, 2, 5)                           # (groups, 6, steps, width, windows, channels after / groups)
    bias = None if b is None else along_rows(b, into[1])

    for block, d in sums_of_strips(x, strips, geometry):
        module.matmul(d, w, out=m[..., :d.shape[-2], :])
        for strip in block:
            y = out[strip.samples, strip.results]
            module.matmul(results[:y.shape[1]], strips.rows(lines, strip, slice(0, into[1])), out=as_runs(y))
            if b is not None:
                y += bias
    return channels_second(out)


def gathered_in_strips(x, y, into, geometry):
    """conv_weight at stride 1: see `multiplied_in_strips`."""
    module, groups, (after, *positions) = xp(x), geometry.groups, y.shape[1:]
    _, weights, results = polynomials(into[0], module.result_type(x, y))
    strips = strips_of(x, after, into, tuple(positions), geometry, most=300)        # windows in a sum: more would round more
    y = channels_last(y)
    g = module.zeros((PRODUCTS, strips.positions, after), weights.dtype)            # 0 where there are no results

    def products():
        for block, d in sums_of_strips(x, strips, geometry):
            for strip in block:
                o = y[strip.samples, strip.results]
                module.matmul(results[:, :o.shape[1]], as_runs(o), out=strips.rows(g, strip, slice(0, positions[1])))
            g[:, block[-1].place.stop:] = 0
            each = g[:, :d.shape[-2] * strips.width].reshape(PRODUCTS, 1, -1, strips.width, groups, after // groups)
            yield (each.transpose(4, 0, 1, 3, 5, 2) @ d).sum(axis=3)                # (groups, 6, steps, after / groups, numbers)
    w = module.moveaxis(added_up(products()), (0, 3), (1, 2))                       # (6, groups, after / groups, steps, numbers)
    w = (weights.T @ w.reshape(PRODUCTS, -1)).reshape(into[0], after, into[1], -1)
    return module.ascontiguousarray(w.transpose(1, 3, 0, 2))


def sums_of_strips(x, strips, geometry):
    """The sums D d, a block of strips at a time: these strips, and (groups, 6, steps, width, windows, numbers).

    They are 6 planes of (positions, channels), in which one row lies behind the other, with zeros between them.  So the pixels
    under a row of the kernel, put on some position, are those from there on: a window is a run of numbers in memory, and nothing is
    to be laid out anew.  Where there are few channels, all of it makes one product: every third window (if the kernel is 3 wide)
    begins where another ends, and these are the rows of a matrix.  Else it is a product for each step along it.
    """
    x, matrix = last(x), polynomials(PRODUCTS + 1 - strips.height, x.dtype)[0]
    d = xp(x).zeros((PRODUCTS, strips.reach, x.shape[-1]), x.dtype)
    groups, (plane, pixel, number) = geometry.groups, d.strides
    group, step = pixel // groups, strips.numbers * number if groups == 1 else pixel

    for block in strips.blocks:
        for strip in block:
            pixels = as_runs(x[strip.samples, strip.pixels, strips.seen])
            xp(x).matmul(matrix[:, strip.given], pixels, out=strips.rows(d, strip, strips.inner))
        shape = (groups, PRODUCTS, strips.steps, strips.width, -(-block[-1].place.stop // strips.width), strips.numbers)
        yield block, strided(d, shape, (group, plane, step, pixel, strips.width * pixel, number))


class Strip(NamedTuple):
    """A few rows of results, of some samples, and what they are made of."""
    samples: slice
    results: slice                                              # the rows
    pixels: slice                                               # the rows that they read
    given: slice                                                # which of the 6 that are to be read these are: at the edge, not all
    place: slice                                                # the positions of all of it, in planes


@dataclass(frozen=True)
class Strips:
    """How an image is taken in strips."""
    blocks: list[list[Strip]]                                   # those that are multiplied at once
    height: int                                                 # rows of results in a strip
    positions: int                                              # in a block
    reach: int                                                  # how far the windows on these go
    pitch: int                                                  # positions from one row to the next
    inner: slice                                                # where the pixels of a row lie among these
    seen: slice                                                 # and which of the image these are
    width: int                                                  # of a row of the kernel, so many pixels make one product
    numbers: int                                                # these are so many, or part of a pixel
    steps: int                                                  # how many products that takes

    def rows(self, planes, strip, columns):
        """Some columns of a strip's rows in some planes: (samples, planes, columns · channels)."""
        channels = planes.shape[-1]
        rows = planes[:, strip.place].reshape(len(planes), -1, self.pitch * channels)
        return rows[:, :, columns.start * channels:columns.stop * channels].swapaxes(0, 1)


def strips_of(x, after, kernel, into, geometry, most=math.inf):
    """The strips for so many channels after, with `most` windows in a block at most."""
    channels, groups = x.shape[1], geometry.groups
    width = kernel[1] if kernel[1] * channels <= SHORT and groups == 1 else 1
    numbers = width * channels // groups
    while numbers > LONG and numbers % 2 == 0 and groups == 1:
        numbers //= 2
    steps = kernel[1] * channels // groups // numbers
    count = positions_at_once(x, PRODUCTS * (channels + steps * after), channels // groups * (after // groups))
    return cut(x.shape, kernel, into, geometry.padding, min(count, most * width), width, numbers, steps)


SHORT, LONG = 100, 256                                          # numbers in a product, at most, of some pixels, and of one


@functools.lru_cache(100)
def cut(shape, kernel, into, padding, count, width, numbers, steps):
    """Strips with about so many positions at once: all samples of one or more strips, or few of one; as equally as can be."""
    height, (n, _, *size) = results_of(kernel[0]), shape
    touched = into[1] + kernel[1] - 1
    (inner,), (seen,) = overlap(padding[1:], [touched], size[1:])
    pitch = max(into[1], inner.stop, touched - inner.start)
    few = -(-n // -(-n * pitch // count))
    many, strips = max(1, count // (few * pitch)) if few == n else 1, []
    for i, (samples, results) in enumerate(itertools.product(parts(n, few), parts(into[0], height))):
        (given,), (pixels,) = overlap([padding[0] - results.start], [PRODUCTS], size[:1])
        start = i % many * few * pitch
        place = slice(start, start + (samples.stop - samples.start) * pitch)
        strips.append(Strip(samples, results, pixels, given, place))
    blocks = [strips[part] for part in parts(len(strips), many)]
    positions = -(-len(blocks[0]) * few * pitch // width) * width
    return Strips(blocks, height, positions, positions + kernel[1] - 1, pitch, inner, seen, width, numbers, steps)


def as_runs(x):
    """(samples, rows, columns, channels) with all of a row as one run: (samples, rows, columns · channels)."""
    return x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])


# ---- the order of memory ----------------------------------------------------------------------------------------
def last(x):
    """(samples, channels, *size) as (samples, *size, channels), by name only."""
    return x.transpose(0, *range(2, x.ndim), 1)


def channels_last(x):
    """(samples, channels, *size) as (samples, *size, channels), in memory too."""
    return xp(x).ascontiguousarray(last(x))


def channels_second(x):
    """(samples, *size, channels) as (samples, channels, *size), by name only."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def grouped(x, groups):
    """(…, channels) -> a matrix for each group: (groups, rows, channels / groups)."""
    return x.reshape(math.prod(x.shape[:-1]), groups, x.shape[-1] // groups).swapaxes(0, 1)


def matrices(w, groups):
    """(channels after, channels / group, *kernel) -> (groups, channels after / group, places in the kernel · channels)."""
    w = last(w)
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


def as_it_lies(w, groups):
    """The same with channels · places in the kernel: it is to be copied for no groups, and no order of memory but the usual."""
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


def mirrored(w, groups):
    """The weights for the way back: channels before and after exchanged within each group, and the kernel flipped."""
    each = w.reshape(groups, w.shape[0] // groups, *w.shape[1:]).swapaxes(1, 2)
    return xp(w).flip(each.reshape(groups * w.shape[1], w.shape[0] // groups, *w.shape[2:]), tuple(range(2, w.ndim)))


def along_rows(numbers, length):
    """Numbers for the channels, (…, channels), repeated for the pixels of a row: NumPy is quick over long runs."""
    out = xp(numbers).empty((*numbers.shape[:-1], length, numbers.shape[-1]), numbers.dtype)
    out[...] = numbers[..., None, :]
    return out


def started(x, w, b, size, channels):
    """A result to be added to: the bias everywhere, or 0; channels last."""
    out = xp(x).zeros((x.shape[0], *size, channels), xp(x).result_type(x, w))
    if b is not None:
        out += along_rows(b, size[-1])
    return out


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
