"""Convolution with half as many multiplications, for large images at stride 1: a strip of the image at a time.

With a kernel of 3 rows, a strip is 4 rows of results, which read 6 rows of the image.  It takes three steps:

    1. the 6 rows of the image are replaced by 6 sums of them               D d
    2. each of these is convolved with one row of weights of its own        m = D d · W w       6 products of rows, not 4 · 3
    3. sums of the 6 products are the 4 rows of results                     Yᵀ m

Why that is the same, and which sums these are, is derived in `conv_in_strips`.
"""
import functools
import itertools
import math
from dataclasses import dataclass
from operator import iadd
from typing import NamedTuple

from ..backend import host, xp
from .windows import SMALL, along_rows, at_once, channels_last, channels_last_view, channels_second, overlap, parts, strided

POINTS = 0, 2/3, -2/3, 3/2, -3/2                                # and ∞.  No other five were found to round much less
PRODUCTS = len(POINTS) + 1                                      # with more, strips could have more rows, but round more
LEAST_CHANNELS, LEAST_PIXELS = 8, 512                           # for which it pays


def worth_strips(x, channels, kernel, into, geometry):
    """Whether to go by strips: at stride 1, where that saves a fifth of the multiplications or more, and there are enough of them.

    channels: how many come out.  On a GPU it does not pay: to start a kernel for each sum takes longer than to multiply.
    """
    if type(x) is not host.ndarray or len(kernel) != 2 or not 2 <= kernel[0] <= 5 or x.itemsize < 4:
        return False
    strips = -(-into[0] // rows_per_strip(kernel[0]))
    return (geometry.stride == geometry.dilation == (1, 1) and min(x.shape[1], channels) >= LEAST_CHANNELS * geometry.groups
            and len(x) * math.prod(into) >= LEAST_PIXELS and 5 * PRODUCTS * strips < 4 * kernel[0] * into[0])


def rows_per_strip(height):
    """How many rows of results a strip has, for a kernel of that height."""
    return PRODUCTS - height + 1


# ---- the formula ------------------------------------------------------------------------------------------------
def conv_in_strips(x, w, b, into, geometry):
    """conv at stride 1, with 6 multiplications in place of 12, for a kernel of 3 rows

    Look at one column of the image.  Let d be 6 pixels, one below the other, w the 3 weights, and y a number for each of the 4
    results, as in `conv`: T = Σ_{j,k} d_{j+k} w_k y_j.  Now read w and y as polynomials, w(t) = Σ w_k tᵏ and y(t) = Σ y_j tʲ.
    Their product w(t) y(t) has the coefficients c_i = Σ_{j+k=i} w_k y_j, so that T = Σ d_i c_i.  There are 6 coefficients, and so
    6 values of the product determine them, each for one multiplication: the values at five points t, and the highest coefficient,
    which may be called the value at ∞.  With matrices of the powers of these t, V with 6 columns, W with 3 and Y with 4,

        V c = (W w) · (Y y)         T = d · c = (V⁻ᵀ d) · (V c) = Σ_i (D d)_i (W w)_i (Y y)_i       where D = V⁻ᵀ

    The derivatives of T are what we are after, as in `conv`:

        ∂T/∂y = Yᵀ (D d · W w)                              this function
        ∂T/∂w = Wᵀ (D d · Y y)                              `conv_weight_in_strips`

    An example with 2 results, which read 4 pixels.  With the points 0, 1, -1 and ∞,

        D d = (d₀ - d₂, (d₁ + d₂)/2, (d₂ - d₁)/2, d₃ - d₁)          = (-2, 2½, ½, 2)    for d = (1, 2, 3, 4)
        W w = (w₀, w₀ + w₁ + w₂, w₀ - w₁ + w₂, w₂)                  = (1, 6, 2, 3)      for w = (1, 2, 3)
        m = D d · W w                                               = (-2, 15, 1, 6)
        Yᵀ m = (m₀ + m₁ + m₂, m₁ - m₂ + m₃)                         = (14, 20)

    and 14 = 1·1 + 2·2 + 3·3, 20 = 2·1 + 3·2 + 4·3: four multiplications in place of six.

    All of this holds for whole rows of pixels in the place of numbers d, with a row of the kernel for each w_k, and a convolution
    along the row as their product.  If the kernel is K rows high, and a strip R, it takes R + K - 1 of these instead of R K; here
    R + K - 1 is always 6.  It rounds about twice as much as one product of all windows.  Infinite numbers come out as NaN.

    Toom (1963); Winograd, "Arithmetic Complexity of Computations" (1980); Lavin and Gray, "Fast Algorithms for Convolutional Neural
    Networks" (2016).
    """
    module, groups, after, kernel = xp(x), geometry.groups, len(w), w.shape[2:]
    D, W, Y = polynomials(kernel[0], module.result_type(x, w))
    strips = strips_of(x, after, kernel, into, geometry)
    steps, width = strips.steps, strips.width
    w = W @ module.ascontiguousarray(w.transpose(2, 3, 1, 0)).reshape(kernel[0], -1)
    w = w.reshape(PRODUCTS, steps, 1, strips.numbers, groups, after // groups)
    w = module.moveaxis(w, -2, 0)                               # (groups, 6, steps, 1, numbers, channels after / groups)
    sums = module.repeat(Y.T, steps, axis=1)                    # (rows of a strip, 6 · steps): what the steps give is added up too
    out = module.empty((len(x), *into, after), w.dtype)
    m = module.empty((PRODUCTS * steps, strips.positions, after), w.dtype)
    products = m.reshape(PRODUCTS, steps, strips.positions // width, width, groups, after // groups)
    products = products.transpose(4, 0, 1, 3, 2, 5)             # (groups, 6, steps, width, windows, channels after / groups)
    bias = None if b is None else along_rows(b, into[1])

    for block, d in sums_of_strips(x, D, strips, groups):
        module.matmul(d, w, out=products[..., :d.shape[-2], :])                     # the 6 convolutions along the rows
        for strip in block:
            y = out[strip.samples, strip.results]
            module.matmul(sums[:y.shape[1]], strips.rows(m, strip, slice(0, into[1])), out=as_runs(y))      # Yᵀ m
            if b is not None:
                y += bias
    return channels_second(out)


def conv_weight_in_strips(x, y, into, geometry):
    """conv_weight at stride 1: see `conv_in_strips`."""
    module, groups, (after, *positions) = xp(x), geometry.groups, y.shape[1:]
    D, W, Y = polynomials(into[0], module.result_type(x, y))
    strips = strips_of(x, after, into, tuple(positions), geometry, most=300)        # the sum of more windows would round more
    y, width = channels_last(y), strips.width
    planes = module.zeros((PRODUCTS, strips.positions, after), W.dtype)             # Y y, and 0 on positions without results

    def products():
        for block, d in sums_of_strips(x, D, strips, groups):
            for strip in block:
                g = y[strip.samples, strip.results]
                module.matmul(Y[:, :g.shape[1]], as_runs(g), out=strips.rows(planes, strip, slice(0, positions[1])))
            planes[:, block[-1].place.stop:] = 0                                    # the last block may be shorter than the others
            g = planes[:, :d.shape[-2] * width].reshape(PRODUCTS, 1, -1, width, groups, after // groups)
            yield (g.transpose(4, 0, 1, 3, 5, 2) @ d).sum(axis=3)                   # (groups, 6, steps, after / groups, numbers)
    w = module.moveaxis(functools.reduce(iadd, products()), (0, 3), (1, 2))         # (6, groups, after / groups, steps, numbers)
    w = (W.T @ w.reshape(PRODUCTS, -1)).reshape(into[0], after, into[1], -1)
    return module.ascontiguousarray(w.transpose(1, 3, 0, 2))


@functools.cache
def polynomials(height, dtype):
    """The matrices D, W and Y of `conv_in_strips`, for a kernel of that height."""
    def powers(count):                                          # a row for each point: 1, t, t² …; of ∞ the highest alone
        return host.array([[t**i for i in range(count)] for t in POINTS] + [[0] * (count - 1) + [1]])
    each = host.linalg.inv(powers(PRODUCTS)).T, powers(height), powers(rows_per_strip(height))
    return [matrix.astype(dtype) for matrix in each]


# ---- where things lie -------------------------------------------------------------------------------------------
class Strip(NamedTuple):
    """A few rows of results, of some samples, and what they are made of."""
    samples: slice
    results: slice                                              # the rows
    pixels: slice                                               # the rows of the image that these read
    inside: slice                                               # which of the 6 rows those are: at the edges, some are outside
    place: slice                                                # its positions in the planes


@dataclass(frozen=True)
class Strips:
    """The strips of an image, and how the sums D d of a block of them lie in memory.

    Each of the 6 sums has a plane, (pixels, channels), with one row behind the other.  Between two rows there are as many zeros as
    are read beside the image: what is behind one row is in front of the next.  With rows abcd and efgh, a kernel of 3 columns, and
    padding 1, it is

        0 a b c d 0 e f g h 0               a row begins every 5 pixels: that is the pitch
        └───┘                               the window at position 0
          └───┘                             at position 1
                └───┘                       at position 4, which is no result: it is computed too, and not used

    So a window is a run of memory that begins at its position, and nothing is copied.  But OpenBLAS takes matrices whose rows do
    not overlap.  With few channels, these are every third window, from position 0, 1 or 2 on: 0ab cd0 efg …, abc d0e fgh … and
    bcd 0ef … (width 3, 1 step).  With many channels, there is a product for the first pixels of all windows, one for the second
    and one for the third, or for halves of them, and so on (width 1, 3 steps or more).
    """
    blocks: list[list[Strip]]                                   # those that are multiplied at once
    positions: int                                              # in a plane
    length: int                                                 # of a plane: there is more to the last window than its position
    pitch: int                                                  # positions from one row to the next
    inner: slice                                                # where the image is, of a row
    seen: slice                                                 # and which of its columns these are: with padding < 0, not all
    width: int                                                  # how many pixels of a window are multiplied in one step
    numbers: int                                                # and how many numbers: those of these pixels, or a part of one
    steps: int                                                  # how many steps it takes for a window

    def rows(self, planes, strip, columns):
        """Some columns of a strip's rows in some planes: (samples, planes, columns · channels)."""
        channels = planes.shape[-1]
        rows = planes[:, strip.place].reshape(len(planes), -1, self.pitch * channels)
        return rows[:, :, columns.start * channels:columns.stop * channels].swapaxes(0, 1)


def sums_of_strips(x, D, strips, groups):
    """The sums D d, for a block of strips at a time.

    Yields these strips, and their windows as matrices: (groups, 6, steps, width, windows, numbers), a view of the planes.
    """
    x = channels_last_view(x)
    planes = xp(x).zeros((PRODUCTS, strips.length, x.shape[-1]), D.dtype)
    plane, pixel, number = planes.strides
    group, step, window = pixel // groups, strips.numbers * number if groups == 1 else pixel, strips.width * pixel

    for block in strips.blocks:
        for strip in block:
            pixels = as_runs(x[strip.samples, strip.pixels, strips.seen])
            xp(x).matmul(D[:, strip.inside], pixels, out=strips.rows(planes, strip, strips.inner))
        windows = -(-block[-1].place.stop // strips.width)
        shape = (groups, PRODUCTS, strips.steps, strips.width, windows, strips.numbers)
        yield block, strided(planes, shape, (group, plane, step, pixel, window, number))


SHORT, LONG = 100, 256                                          # numbers of a step, at most: of several pixels, and of one


def strips_of(x, after, kernel, into, geometry, most=math.inf):
    """The strips for so many channels after.  most: windows in a product."""
    channels, groups = x.shape[1], geometry.groups
    width = kernel[1] if kernel[1] * channels <= SHORT and groups == 1 else 1
    numbers = width * channels // groups
    while numbers > LONG and numbers % 2 == 0 and groups == 1:
        numbers //= 2
    steps = kernel[1] * channels // groups // numbers

    count, small = at_once(x, PRODUCTS * (channels + steps * after)), SMALL // (channels // groups * (after // groups))
    count = min(count, small) if small >= 64 else max(count, 512)       # else w is copied in any case: for many positions at once
    return cut(x.shape, kernel, into, geometry.padding, min(count, most * width), width, numbers, steps)


@functools.lru_cache(100)
def cut(shape, kernel, into, padding, count, width, numbers, steps):
    """Strips in blocks of about `count` positions: one strip of some samples, or several of all; as equal as can be."""
    (n, _, *size), read = shape, into[1] + kernel[1] - 1
    (inner,), (seen,) = overlap(padding[1:], [read], size[1:])
    pitch = max(into[1], inner.stop, read - inner.start)        # room for the results, for the image, and for zeros before the next
    samples_at_once = -(-n // -(-n * pitch // count))           # n / (n pitch / count), each rounded up
    strips_at_once = max(1, count // (n * pitch)) if samples_at_once == n else 1

    strips = []
    for i, (samples, results) in enumerate(itertools.product(parts(n, samples_at_once), parts(into[0], rows_per_strip(kernel[0])))):
        (inside,), (pixels,) = overlap([padding[0] - results.start], [PRODUCTS], size[:1])
        start = i % strips_at_once * samples_at_once * pitch
        place = slice(start, start + (samples.stop - samples.start) * pitch)
        strips.append(Strip(samples, results, pixels, inside, place))
    blocks = [strips[part] for part in parts(len(strips), strips_at_once)]
    positions = -(-len(blocks[0]) * samples_at_once * pitch // width) * width
    return Strips(blocks, positions, positions + kernel[1] - 1, pitch, inner, seen, width, numbers, steps)


def as_runs(x):
    """(samples, rows, columns, channels) as (samples, rows, columns · channels)."""
    return x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
