"""Normalisation: numbers shifted and scaled to mean 0 and variance 1, or scaled to mean square 1, over some axes.

Batch, layer, group and instance norm are one formula.  What differs is the axes that a mean is taken over, and those that
the weight has.  Above are the formulas; below, how arrays go through them in few passes over the memory.
"""
import math

from ..op import Kept, Op
from ..backend import blockwise, weighted_total as total, wide, xp
from .elementwise import sqrt
from .reduce import count, mean


class standardize(Op):
    """out = (x - μ) / √(σ² + ε) · w + b,  where μ = mean(x) and σ² = mean((x - μ)²) over the axes `axis`

    Write σ for √(σ² + ε), x̂ = (x - μ) / σ for what is normalised, and ĝ = g w for the gradient that arrives there.  n numbers
    x_i share one μ and one σ, and each x_i moves all the x̂_j: by itself, by way of μ, and by way of σ.  From

        ∂μ/∂x_i = 1/n,        ∂σ/∂x_i = 1/(2σ) ∂σ²/∂x_i = 1/(2σ) 2 (x_i - μ)/n = x̂_i/n

    (σ² depends on μ too, but there its slope, -2 mean(x - μ), is 0) follows

        ∂x̂_j/∂x_i = (δ_ij - 1/n) / σ - (x_j - μ) / σ² · x̂_i/n = (δ_ij - 1/n - x̂_j x̂_i/n) / σ

    and so, by dL/dx_i = Σ_j ĝ_j ∂x̂_j/∂x_i,

        dL/dx = (ĝ - mean(ĝ) - x̂ mean(ĝ x̂)) / σ        dL/dw = Σ g x̂        dL/db = Σ g

    What in ĝ would shift all x alike (its mean) or stretch them alike (its share of x̂) is taken away: normalising undoes that
    anyway.  Where w is one number for each μ, as in batch norm, mean(ĝ) and mean(ĝ x̂) are w/n times the very sums that db and
    dw ask for, and nothing is summed twice.  Where all x are equal, x̂ = 0 and σ = √ε: no gradient is infinite.

    axis: a tuple, not counted from the end.  w, b: of one shape, with as many axes as x.  Batch norm of x (N, C, …): axis
    (0, 2, …), w (1, C, 1, …); instance norm: axis (2, …), the same w; group norm: x (N, G, C/G, …), axis (2, 3, …),
    w (1, G, C/G, 1, …); layer norm of x (…, D): the last axis, w (1, …, D).
    known: (μ, σ²), where `moments` was asked for them before.
    (Ioffe & Szegedy 2015; Ba et al. 2016; Ulyanov et al. 2016; Wu & He 2018)
    """
    integers = False

    def forward(x, w=None, b=None, *, axis, eps=1e-5, known=None):
        mu, variance = moments(x, axis) if known is None else known
        r = 1 / xp(x).sqrt(variance + eps)
        return Kept(scaled(x, mu, r, w, b), stats=(mu, r))

    def plain(x, w=None, b=None, *, axis, eps=1e-5, known=None):
        x = x - mean(x, axis=axis, keepdims=True)
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        out = out if w is None else out * w
        return out if b is None else out + b

    def dx(g, x, w, stats, sums, axis):
        (mu, r), n = stats, count(x.shape, axis)
        return scaled_gradient(g, x, mu, r, w, shift=r / n * sums[0], stretch=r * r * r / n * sums[1])

    def dw(g, sums): return sums[2]
    def db(g, w, sums): return g if w is None else sums[3]      # the sweep sums g to the shape of b

    def stats(x, axis, eps):                                    # μ and 1/σ
        mu, variance = moments(x, axis)
        return mu, 1 / xp(x).sqrt(variance + eps)

    def sums(g, x, w, stats, axis): return gradient_sums(g, x, w, *stats, axis)


class rms_norm(Op):
    """out = x / √(mean(x²) + ε) · w, the mean over the axes `axis`

    `standardize` without μ.  With r = 1/√(mean(x²) + ε), x̂ = x r and ĝ = g w:  ∂r/∂x_i = -r³ x_i/n = -r² x̂_i/n, and

        dL/dx = r (ĝ - x̂ mean(ĝ x̂))        dL/dw = Σ g x̂

    axis, w: as there.        (Zhang & Sennrich 2019)
    """
    integers = False

    def forward(x, w=None, *, axis, eps):
        r = rms_norm.r(x, axis, eps)
        return Kept(scaled(x, None, r, w, None), r=r)

    def plain(x, w=None, *, axis, eps):
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        return out if w is None else out * w

    def dx(g, x, w, r, sums, axis):
        return scaled_gradient(g, x, None, r, w, shift=None, stretch=r * r * r / count(x.shape, axis) * sums[1])

    def dw(g, sums): return sums[2]
    def r(x, axis, eps): return 1 / xp(x).sqrt(mean_square(x, axis) + eps)
    def sums(g, x, w, r, axis): return gradient_sums(g, x, w, None, r, axis)


# ---- on arrays --------------------------------------------------------------------------------------------------
# A large array does not fit the cache, and to go through it costs far more than arithmetic does.  So `blockwise` hands it to the
# functions below in parts, and they do all there is to do to a part.  All arrays here have the axes of x, of length 1 where they
# were summed over, or are None.  Results lie in memory as x does: channels last, if that is how images came.
def moments(x, axis):
    """μ and σ² over some axes.

    In float32 a mean is off by its rounding, which is large where x is far from 0.  So it is taken again, of the differences to
    the first result, which are small and exact; and σ² of these too, less the square of their mean (Chan et al. 1983).
    Of equal numbers μ is exactly their value, and σ² is 0.
    """
    n = count(x.shape, axis) or math.nan
    rough = total(x, axis) / n
    rest, square = xp(x).zeros_like(rough), xp(x).zeros_like(rough)

    def add(x, rough, rest, square):
        d = x - rough
        rest += total(d, axis)
        d *= d
        square += total(d, axis)

    blockwise(add, x, wide(rough, x), rest, square)
    rest /= n
    variance = square / n - rest * rest
    return rough + rest, variance * (variance.real > 0)         # rounding can make of 0 less than that


def mean_square(x, axis):
    """mean(x²) over some axes."""
    square = sums_over(axis, x)
    def add(x, square): square += total(x * x, axis)
    blockwise(add, x, square)
    return square / (count(x.shape, axis) or math.nan)


def scaled(x, mu, r, w, b):
    """(x - μ) r w + b"""
    scale, w = factors(x, r, w)
    out = xp(x).empty_like(x, dtype=xp(x).result_type(*[a for a in (x, w, b) if a is not None]))

    def each(out, x, mu, scale, w, b):
        if mu is None:
            xp(x).multiply(x, scale, out=out)
        else:
            xp(x).subtract(x, mu, out=out)
            out *= scale
        if w is not None:
            out *= w
        if b is not None:
            out += b

    blockwise(each, out, x, *[wide(a, out) for a in (mu, scale, w, b)])
    return out


def factors(x, r, w):
    """(r w, None), or (r, w) if the product would be as large as x."""
    if w is not None and math.prod(map(max, r.shape, w.shape)) < x.size:
        return r * w, None
    return r, w


def gradient_sums(g, x, w, mu, r, axis):
    """Σ ĝ and Σ ĝ (x - μ), over the axes; and, in the shape of w, Σ g x̂ and Σ g.

    g and g (x - μ) are summed first over those axes that w does not have either, and are small then, if there are any.
    """
    no_w = axis if w is None else tuple([a for a in range(x.ndim) if w.shape[a] == 1])
    both = tuple([a for a in axis if a in no_w])

    def first(x, g, mu, sum_g, sum_gx):
        sum_g += total(g, both)
        sum_gx += total(product(g, x, mu), both)

    def then(g, gx, w, r, of_g, of_gx, dw, db):
        of_g += total(g, axis, w)
        of_gx += total(gx, axis, w)
        dw += total(gx, no_w, r)
        db += total(g, no_w)

    def at_once(g, x, mu, *others): then(g, product(g, x, mu), *others)

    if both:
        sum_g, sum_gx = sums_over(both, g), sums_over(both, g)
        blockwise(first, x, g, wide(mu, x), sum_g, sum_gx)
        if w is None:
            return sum_g, sum_gx
    results = sums_over(axis, g), sums_over(axis, g), sums_over(no_w, g), sums_over(no_w, g)
    if both:
        then(sum_g, sum_gx, w, r, *results)
    else:
        blockwise(at_once, g, x, mu, w, r, *results)
    return results


def product(g, x, mu):
    """g (x - μ)"""
    if mu is None:
        return g * x
    out = x - mu
    out *= g
    return out


def scaled_gradient(g, x, mu, r, w, shift, stretch):
    """g r w - shift - (x - μ) stretch"""
    scale, w = factors(x, r, w)
    out = xp(x).empty_like(x, dtype=g.dtype)

    def each(out, g, x, mu, scale, w, shift, stretch):
        away = x * stretch if mu is None else x - mu
        if mu is not None:
            away *= stretch
            away += shift
        xp(x).multiply(g, scale, out=out)
        if w is not None:
            out *= w
        out -= away

    blockwise(each, out, g, x, *[wide(a, out) for a in (mu, scale, w, shift, stretch)])
    return out


def sums_over(axis, like):
    """Zeros, to add up sums over some axes in."""
    return xp(like).zeros([1 if a in axis else n for a, n in enumerate(like.shape)], like.dtype)
