"""Windows over images, for `conv`: where they lie, and how the numbers under them become the rows of a matrix.

Place k of window p is on pixel s·p + d·k - a, with stride s, dilation d and padding a.  With s = 2, d = 1 and a = 1, three windows
of three places lie on an image of five pixels like this:

    pixel        -1   0   1   2   3   4   5                     -1 and 5 are outside of the image: zeros
    window 0      ·   ·   ·
    window 1              ·   ·   ·
    window 2                      ·   ·   ·

All this holds along each dimension.  In this file `size` is that of the image, `kernel` is how many places a window has, and
`positions` how many windows there are: tuples, with a number for each dimension.
"""
import functools
import itertools
import math
from dataclasses import dataclass

from ..backend import cache_size, host, xp


@dataclass(frozen=True)
class Geometry:
    """Where windows lie: place k of window p is on pixel s·p + d·k - a, along each dimension.  Outside of the image it is 0."""
    stride: tuple[int, ...]                                     # s
    padding: tuple[int, ...]                                    # a: the zeros in front.  Behind, there are as many as are read
    dilation: tuple[int, ...]                                   # d
    groups: int = 1                                             # so many parts of the channels: part i makes part i of the result

    def reach(self, positions, kernel):
        """How many pixels there are from the first place of the first window to the last of the last, along each dimension."""
        return tuple([s * (p - 1) + d * (k - 1) + 1 for s, p, d, k in zip(self.stride, positions, self.dilation, kernel)])


# ---- windows as rows --------------------------------------------------------------------------------------------
def windows(x, kernel, positions, geometry, count, channels_first=False):
    """The windows as rows of a matrix (one matrix for each group), about `count` windows at a time.

    Yields part, rows.  part: which windows these are, as slices of the samples and of the first dimension of the positions.
    rows: (groups, windows, places · channels / groups), or with channels_first (groups, windows, channels / groups · places).

    All parts are written to one buffer, which stays in the cache.  To lay out all windows at once takes longer, and as many times
    the memory of the image as a window has places.
    """
    module, groups, (n, channels), dims = xp(x), geometry.groups, x.shape[:2], len(kernel)
    if geometry.reach(positions, kernel) == x.shape[2:] == positions and not any(geometry.padding):
        yield (slice(0, n),), grouped(channels_last(x), groups)                             # 1x1: the pixels are the rows
        return

    samples_at_once = max(1, min(n, count // max(1, math.prod(positions))))
    lines_at_once = positions[0]                                # all of a sample, unless that is too much:
    if samples_at_once == 1:
        lines_at_once = max(1, min(positions[0], count // max(1, math.prod(positions[1:]))))

    shape = (groups, samples_at_once, lines_at_once, *positions[1:], *kernel, channels // groups)
    window, (*place, channel) = range(1, dims + 2), range(dims + 2, 2 * dims + 3)           # which axes of this are what
    if channels_first:
        buffer = empty(module, shape, x.dtype, order=(0, *window, channel, *place))
    elif channels // groups > 4:
        buffer = empty(module, shape, x.dtype, order=(0, *window, *place, channel))
    else:                                                       # few channels: longer runs of memory are found along the image
        buffer = empty(module, shape, x.dtype, order=(0, *place, channel, *window))

    for samples, seen in views(x, kernel, positions, geometry, samples_at_once):
        for lines in parts(positions[0], lines_at_once):
            rows = buffer[:, :seen.shape[1], :lines.stop - lines.start]
            rows[...] = seen[:, :, lines]
            if channels_first:
                rows = module.moveaxis(rows, channel, place[0])
            yield (samples, lines), rows.reshape(groups, math.prod(rows.shape[1:dims + 2]), math.prod(shape[dims + 2:]))


def empty(module, shape, dtype, order):
    """An array of that shape, for whatever is to come.  order: its axes as they are in memory, the innermost last."""
    return module.empty([shape[axis] for axis in order], dtype).transpose([order.index(axis) for axis in range(len(order))])


def views(x, kernel, positions, geometry, samples_at_once):
    """All windows of a few samples at a time, as a view: nothing is copied, or the image alone, if it needs zeros around it.

    Yields which samples, as a slice, and (groups, samples, *positions, *kernel, channels / groups).
    """
    reach, groups, channels = geometry.reach(positions, kernel), geometry.groups, x.shape[1]
    x = channels_last_view(x)[None]
    if groups > 1:
        x = xp(x).moveaxis(x.reshape(*x.shape[1:-1], groups, channels // groups), -2, 0)
    as_it_is = groups == 1 and not any(geometry.padding) and (channels == 1 or x.strides[-1] == x.itemsize) and all(
        [n <= size for n, size in zip(reach, x.shape[2:])])
    if as_it_is:
        seen = sliding(x, kernel, positions, geometry)
        yield from [(samples, seen[:, samples]) for samples in parts(x.shape[1], samples_at_once)]
        return
    image = xp(x).zeros((groups, samples_at_once, *reach, channels // groups), x.dtype)
    inner, outer = overlap(geometry.padding, reach, x.shape[2:-1])
    seen = sliding(image, kernel, positions, geometry)
    for samples in parts(x.shape[1], samples_at_once):
        count = samples.stop - samples.start
        image[(slice(None), slice(count), *inner)] = x[(slice(None), samples, *outer)]
        yield samples, seen[:, :count]


def sliding(image, kernel, positions, geometry):
    """A view of the windows of (groups, samples, *size, channels): (groups, samples, *positions, *kernel, channels)."""
    along = list(zip(image.strides[2:-1], geometry.stride, geometry.dilation))
    strides = (*image.strides[:2], *[step * s for step, s, _ in along], *[step * d for step, _, d in along], image.strides[-1])
    return strided(image, (*image.shape[:2], *positions, *kernel, image.shape[-1]), strides)


def strided(x, shape, strides):
    """A view of the memory of x, from its first number on, with another shape and other strides (in bytes)."""
    if type(x) is host.ndarray and x.flags.c_contiguous:        # five times as fast as as_strided
        return host.ndarray(shape, x.dtype, x, 0, strides)
    return xp(x).lib.stride_tricks.as_strided(x, shape, strides)


@functools.lru_cache(1000)
def meetings_along(size, places, positions, stride, padding, dilation):
    """Along one dimension, for each place of the windows: the windows that have it on the image, and the pixels there; slices."""
    pairs = []
    for k in range(places):
        shift = dilation * k - padding                          # window p has it on pixel stride · p + shift, which is to be
        first = max(0, -(shift // stride))                      # >= 0
        end = max(first, min(positions, (size - 1 - shift) // stride + 1))                  # and < size
        start = stride * first + shift
        pairs.append((slice(first, end), slice(start, start + stride * (end - first), stride)))
    return pairs


def meetings(size, positions, kernel, geometry):
    """The same for windows of several dimensions: [(place, the pixels under it, the windows that have it there)], all tuples."""
    axes = []
    for n, count, places, s, a, d in zip(size, positions, kernel, geometry.stride, geometry.padding, geometry.dilation):
        pairs = enumerate(meetings_along(n, places, count, s, a, d))
        axes.append([(k, pixels, own) for k, (own, pixels) in pairs if own.start < own.stop])
    return [tuple(zip(*each)) for each in itertools.product(*axes)]


def overlap(padding, padded, size):
    """Where an image lies within a larger one that has zeros around it, and which part of the image that is: two lists of slices.

    padding: how many zeros are in front; below 0, so many pixels are cut off.  padded: how long the larger image is.
    """
    inner, outer = [], []
    for a, n, m in zip(padding, padded, size):
        start = max(a, 0)
        stop = max(start, min(n, a + m))
        inner.append(slice(start, stop))
        outer.append(slice(start - a, stop - a))
    return inner, outer


# ---- how many at once -------------------------------------------------------------------------------------------
SMALL = 10**6                                                   # multiplications: with fewer, OpenBLAS copies no matrix first


def parts(n, length):
    """0 … n - 1 as slices of some length, of which the last may be shorter."""
    return [slice(start, min(n, start + length)) for start in range(0, n, length)]


def at_once(x, numbers, beside=0):
    """How many things to do at a time, at least one, so that they fit the cache: each takes so many numbers of the type of x.

    beside: the bytes that each thing is multiplied by.  If these alone do not fit, the things may take as much: so they are fetched
    less often.
    """
    return max(1, max(cache_size(x), beside) // (x.itemsize * max(1, numbers)))


def few_pixels(x, positions, channels):
    """Whether there are fewer windows than channels that come out.  Then w has more numbers than all windows together, and to bring
    it into another order would take longest of all."""
    return len(x) * math.prod(positions) < channels


# ---- the order of memory ----------------------------------------------------------------------------------------
def channels_last_view(x):
    """(samples, channels, *size) as (samples, *size, channels)."""
    return x.transpose(0, *range(2, x.ndim), 1)


def channels_last(x):
    """(samples, channels, *size) as (samples, *size, channels), in memory too."""
    return xp(x).ascontiguousarray(channels_last_view(x))


def channels_second(x):
    """(samples, *size, channels) as (samples, channels, *size): a view."""
    return x.transpose(0, x.ndim - 1, *range(1, x.ndim - 1))


def grouped(x, groups):
    """(…, channels) as a matrix for each group: (groups, rows, channels / groups)."""
    return x.reshape(math.prod(x.shape[:-1]), groups, x.shape[-1] // groups).swapaxes(0, 1)


def matrices(w, groups, channels_first=False):
    """(channels after, channels / groups, *kernel) as (groups, channels after / groups, places · channels / groups).

    channels_first: (…, channels / groups · places), the order that w has in memory, so that nothing is copied.
    """
    w = w if channels_first else channels_last_view(w)
    return w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))


def mirrored(w, groups):
    """The weights for the way back: channels before and after exchanged within each group, and the kernel flipped."""
    each = w.reshape(groups, w.shape[0] // groups, *w.shape[1:]).swapaxes(1, 2)
    return xp(w).flip(each.reshape(groups * w.shape[1], w.shape[0] // groups, *w.shape[2:]), tuple(range(2, w.ndim)))


def along_rows(numbers, length):
    """(…, channels) as (…, length, channels): the same for all pixels of a row.  NumPy is fast over long runs of memory."""
    out = xp(numbers).empty((*numbers.shape[:-1], length, numbers.shape[-1]), numbers.dtype)
    out[...] = numbers[..., None, :]
    return out


def bias_everywhere(x, w, b, size, channels):
    """(samples, *size, channels) to add a result to: b at every pixel, or 0."""
    out = xp(x).zeros((x.shape[0], *size, channels), xp(x).result_type(x, w))
    if b is not None:
        out += along_rows(b, size[-1])
    return out
