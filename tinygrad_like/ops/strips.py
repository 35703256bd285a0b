"""Convolution with fewer products: where there is enough to do, `conv` goes by strips of the image, of a few rows each."""
import functools
import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

from ..backend import host, xp
from .windows import added_up, along_rows, channels_last, channels_second, last, overlap, parts, positions_at_once, strided


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
    m + K - 1 products for m · K, where K is the length of the kernel; here m + K - 1 is always 6.  It rounds about twice as much as
    one product of all windows does.

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
