"""Windows over images, for `conv`: where they lie, and how the numbers under them become the rows of a matrix."""
import itertools
import math
from dataclasses import dataclass

from ..backend import cache_size, host, xp


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


# ---- windows as rows --------------------------------------------------------------------------------------------
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
