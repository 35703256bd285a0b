"""Resizing: more or fewer numbers along an axis, each a weighted sum of a few of the old ones.

An axis is done at a time, and along it resizing is a product with a small matrix A of weights.  It is mostly zeros, and yet
the fastest way there is, in both directions: the derivative is the product with Aᵀ.
"""
import math

from ..op import Op
from ..backend import host
from .indexing import one_hot
from .pool import bins
from .shape import astype


class resample(Op):
    """outᵢ = Σ_j Aᵢⱼ xⱼ along an axis, for a matrix A of weights

    Where some xⱼ is NaN or ∞, all outᵢ become NaN, as 0 · ∞ is.
    """
    integers = False

    def forward(x, *, matrix, axis):
        x, place, back = in_memory_order(x, axis)
        before, behind = x.shape[:place], x.shape[place + 1:]
        line = x.reshape(math.prod(before), x.shape[place], math.prod(behind))          # a view
        out = line[..., 0] @ matrix.swapaxes(0, 1) if line.shape[2] == 1 else matrix @ line
        return out.reshape(before + (len(matrix),) + behind).transpose(back)

    def dx(g, matrix, axis): return resample(g, matrix=matrix.swapaxes(0, 1), axis=axis)


class nearest(Op):
    """outᵢ = x_{indices[i]} along an axis"""
    def forward(x, *, indices, axis):
        x, place, back = in_memory_order(x, axis)
        return x.take(indices, place).transpose(back)

    def dx(g, indices, axis, shape):
        return resample(g, matrix=astype(one_hot(indices, classes=shape[axis]), dtype=g.dtype).swapaxes(0, 1), axis=axis)


def in_memory_order(x, axis):
    """x with its axes as memory runs; where `axis` is there; and how the axes go back."""
    order = sorted(range(x.ndim), key=lambda a: -x.strides[a])
    return x.transpose(order), order.index(axis % x.ndim), [order.index(a) for a in range(x.ndim)]


# ---- weights ----------------------------------------------------------------------------------------------------
# Element i of n is a square from i to i + 1, its centre at i + ½; or, with the corners aligned, a point, the first and the last
# being those of the result too.  `step` is the distance between neighbours of the result, measured in elements of x.

def centres(n, count, step, aligned):
    """Where the `count` elements of the result are, in coordinates in which element i of x is at i."""
    i = host.arange(count)
    if aligned:
        return i * ((n - 1) / (count - 1) if count > 1 else 0)
    return (i + 0.5) * step - 0.5


def linear_weights(n, count, step, aligned):
    """(count, n): between the two nearest elements, more of the nearer; off the edge, the element on it."""
    place = centres(n, count, step, aligned).clip(0, n - 1)
    left = host.minimum(place.astype("int64"), max(n - 2, 0))
    return weights(n, left, [1 - (place - left), place - left])


def cubic_weights(n, count, step, aligned):
    """(count, n): Keys' cubic convolution with a = -¾ through the four nearest elements; off the edge, the element on it.

    It is a piecewise cubic, 1 at the element itself and 0 at all others, with a continuous slope: at distance d
    (a + 2) d³ - (a + 3) d² + 1 up to 1, and a d³ - 5a d² + 8a d - 4a up to 2.

    Keys, "Cubic convolution interpolation for digital image processing", 1981.
    """
    a = -0.75
    place = centres(n, count, step, aligned)
    left = host.floor(place).astype("int64")
    t = place - left

    def near(d): return ((a + 2) * d - (a + 3)) * d * d + 1
    def far(d): return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return weights(n, left - 1, [far(t + 1), near(t), near(1 - t), far(2 - t)])


def filtered_weights(n, count, step, aligned, cubic):
    """(count, n): means of all elements in reach of the new one, which is `step` wide: without aliasing, as Pillow shrinks.

    An element counts by a filter, a function of its distance in steps: linear, 1 - d up to 1;  cubic, Keys' with a = -½, up to 2.
    Where the result is the longer one, distances are in elements of x, and the filter mixes neighbours, as without it.
    """
    if aligned:
        step = (n - 1) / (count - 1) if count > 1 else 0
    middle = (host.arange(count) + 0.5) * step
    d = abs(host.arange(n) + 0.5 - middle[:, None]) / max(step, 1)
    a = -0.5
    out = host.maximum(1 - d, 0) if not cubic else host.where(
        d < 1, ((a + 2) * d - (a + 3)) * d * d + 1, host.where(d < 2, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a, 0))
    return out / out.sum(1, keepdims=True)


def mean_weights(n, count):
    """(count, n): the means of the bins of adaptive pooling."""
    out = host.zeros((count, n))
    for row, (start, end) in zip(out, bins(n, count)):
        row[start:end] = 1 / (end - start)
    return out


def weights(n, first, values):
    """The matrix with values[k][i] in row i and column first[i] + k, or the nearest column that there is."""
    out = host.zeros((len(first), n))
    rows = host.arange(len(first))
    for k, value in enumerate(values):
        out[rows, (first + k).clip(0, n - 1)] += value
    return out


def nearest_indices(n, count, step, exact):
    """Which element of x each of the result is: the one under its left edge, or (exact) its centre.  In float32, as PyTorch."""
    i, step = host.arange(count, dtype="float32"), host.float32(step)
    half = host.float32(0.5)
    place = host.maximum((i + half) * step - half, host.float32(0)) + half if exact else i * step
    return host.minimum(place.astype("int64"), n - 1)
