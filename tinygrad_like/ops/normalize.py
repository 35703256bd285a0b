"""Normalisation: numbers shifted and scaled to mean 0 and variance 1, or scaled to mean square 1, over some axes.

Batch, layer, group and instance norm are one formula.  They differ in the axes that a mean is taken over, and in those that the
weight has.  First come the formulas, as ops; then the functions that compute them in few passes over the memory.
"""
import math

from ..op import Kept, Op
from ..backend import memory_order, near_zero, one_kernel, weighted_total as total, wide, xp
from ..machine import blockwise
from .elementwise import sqrt
from .reduce import count, mean


class standardize(Op):
    """out = (x - μ) / √(σ² + ε) · w + b,  where μ = mean(x) and σ² = mean((x - μ)²) over the axes `axis`

    From here on σ is √(σ² + ε), x̂ = (x - μ) / σ is x normalised, and ĝ = g w is the gradient that arrives at x̂.  n numbers x_i
    share one μ and one σ, and each x_i moves all the x̂_j: directly, by way of μ, and by way of σ.  From

        ∂μ/∂x_i = 1/n,        ∂σ/∂x_i = 1/(2σ) ∂σ²/∂x_i = 1/(2σ) 2 (x_i - μ)/n = x̂_i/n

    (σ² depends on μ too, but with the slope -2 mean(x - μ) = 0) follows

        ∂x̂_j/∂x_i = (δ_ij - 1/n) / σ - (x_j - μ) / σ² · x̂_i/n = (δ_ij - 1/n - x̂_j x̂_i/n) / σ

    and so, by dL/dx_i = Σ_j ĝ_j ∂x̂_j/∂x_i,

        dL/dx = (ĝ - mean(ĝ) - x̂ mean(ĝ x̂)) / σ        dL/dw = Σ g x̂        dL/db = Σ g

    The part of ĝ that would shift all x alike (its mean) and the part that would stretch them alike (along x̂) are taken away:
    normalising undoes both anyway.  Where w is one number for each μ, as in batch norm, mean(ĝ) and mean(ĝ x̂) are w/n times the
    sums that db and dw are, and nothing is summed twice.  Where all x are equal, x̂ = 0 and σ = √ε: no gradient is infinite.

    axis: a tuple, not counted from the end.  w, b: of one shape, to be broadcast to x.

                        x                   axis            w
        batch norm      (N, C, …)           (0, 2, …)       (1, C, 1, …)
        instance norm   (N, C, …)           (2, …)          (1, C, 1, …)
        group norm      (N, G, C/G, …)      (2, 3, …)       (1, G, C/G, 1, …)
        layer norm      (…, D)              the last        (D,)

    known: (μ, σ²), where `moments` has found them already.
    (Ioffe & Szegedy 2015; Ba et al. 2016; Ulyanov et al. 2016; Wu & He 2018)
    """
    integers = False

    @one_kernel
    def forward(x, w=None, b=None, *, axis, eps=1e-5, known=None):
        def normalize(out, x, w, b):                            # a part of the arrays: some of the μ, with all the x of each
            mu, variance = put_centred(out, x, axis)
            r = 1 / xp(x).sqrt(variance + eps)
            out *= r
            if w is not None:
                out *= w
            if b is not None:
                out += b
            return mu, r

        w, b = lined_up(w, x), lined_up(b, x)
        out = result_like(x, w, b)
        if known is None:
            return Kept(out, stats=joined(blockwise(normalize, out, x, w, b, whole=axis), out, axis))
        mu, r = known[0], 1 / xp(x).sqrt(known[1] + eps)
        put_normalized(out, x, mu, r, w, b)
        return Kept(out, stats=(mu, r))

    def plain(x, w=None, b=None, *, axis, eps=1e-5, known=None):
        x = x - mean(x, axis=axis, keepdims=True)
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        out = out if w is None else out * w
        return out if b is None else out + b

    def dx(g, gradients): return gradients[0]
    def dw(g, gradients): return gradients[1]
    def db(g, w, gradients): return g if w is None else gradients[2]        # the sweep sums g to the shape of b

    def stats(x, axis, eps):                                    # μ and 1/σ
        mu, variance = moments(x, axis)
        return mu, 1 / xp(x).sqrt(variance + eps)

    def gradients(g, x, w, stats, axis): return gradients_of(g, x, w, *stats, axis)


class rms_norm(Op):
    """out = x / √(mean(x²) + ε) · w, the mean over the axes `axis`

    `standardize` without μ.  With r = 1/√(mean(x²) + ε), x̂ = x r and ĝ = g w:  ∂r/∂x_i = -r³ x_i/n = -r² x̂_i/n, and so

        dL/dx = r (ĝ - x̂ mean(ĝ x̂))        dL/dw = Σ g x̂

    axis, w: as in `standardize`.        (Zhang & Sennrich 2019)
    """
    integers = False

    def forward(x, w=None, *, axis, eps):
        def normalize(out, x, w):
            out[...] = x
            r = rms_norm.r(out, axis, eps)
            out *= r
            if w is not None:
                out *= w
            return r,

        w = lined_up(w, x)
        out = result_like(x, w)
        return Kept(out, r=joined(blockwise(normalize, out, x, w, whole=axis), out, axis)[0])

    def plain(x, w=None, *, axis, eps):
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        return out if w is None else out * w

    def dx(g, gradients): return gradients[0]
    def dw(g, gradients): return gradients[1]
    def r(x, axis, eps): return 1 / xp(x).sqrt(average(x, axis, x) + eps)
    def gradients(g, x, w, r, axis): return gradients_of(g, x, w, None, r, axis)


# ---- on arrays --------------------------------------------------------------------------------------------------
# A large array does not fit the cache, and to read it again costs far more than arithmetic does.  So `blockwise` hands it to the
# functions here in parts, and they do to a part all there is to do.  Arrays that are sums over axes of x keep these, with length 1.
# A result lies in memory as x does: channels last, if images came like that.  What goes into it is copied there first, and then
# changed in place: to compute into memory that is not in the cache yet takes longer than to copy.
def put_centred(out, x, axis):
    """out[...] = x - μ.  Returns μ and σ².

    mean(x) is rounded, so that mean(out) is not quite 0: where that matters, it is subtracted as well.  After that, nothing is left
    of equal x: the first subtraction leaves a few units in the last place, and sums of those are exact.
    """
    out[...] = x
    mu = average(out, axis)
    out -= mu
    rest, variance = average(out, axis), average(out, axis, out)
    if not near_zero(rest, variance, within=1e-6):
        out -= rest
        variance = average(out, axis, out)
    return mu + rest, variance


def average(x, axis, by=None):
    """mean(x), or mean(x · by)"""
    return total(x, axis, by) / (count(x.shape, axis) or math.nan)


# In batch norm every part of x has a share in each μ, so x is read twice: for the moments, and for the result.  To subtract μ from
# all x is a pass of its own, and needed where μ is large: in (x - μ) s = x s - μ s, large numbers would be rounded.  But where 0 is
# within 3 σ of μ, that loses two bits at most, and μ s is one number for a channel.  So x - μ is written as (x - origin) - rest,
# where origin is 0 and rest is μ, if that is exact enough; else origin is μ and rest is 0.  (For 0 it says None here.)
@one_kernel
def moments(x, axis):
    """μ and σ² over some axes: origin + mean(d) and mean(d²) - mean(d)², where d = x - origin.

    The origin is 0 if that is near to the first eighth of the x, else it is their mean.  That is near enough to all x, however
    different the others are: if the numbers of a share p of all have the mean c and the variance s², then σ² ≥ p s² and
    |μ - c| ≤ √(1/p - 1) σ, as this share alone makes σ² that large.  Of equal numbers, μ is exactly their value, and σ² is 0.
    """
    some = x[:max(1, len(x) // 8)] if 0 in axis else x
    mu, variance = moments_around(None, some, axis)
    if near_zero(mu, variance, within=1):                       # mean(d)² ≤ σ²: the difference loses a bit
        return (mu, variance) if some is x else moments_around(None, x, axis)
    rest, variance = moments_around(mu, x, axis)
    return mu + rest, variance * (variance.real > 0)            # rounding can turn a 0 into less


def moments_around(origin, x, axis):
    """mean(d) and mean(d²) - mean(d)², d = x - origin"""
    def sums(x, origin):
        d = x if origin is None else x - origin
        return total(d, axis), total(d, axis, d)

    n = count(x.shape, axis) or math.nan
    mean_d, square = [a / n for a in joined(blockwise(sums, x, wide(origin, x)), x, axis)]
    return mean_d, square - mean_d * mean_d


def origin_and_rest(x, mu, r):
    """μ as origin + rest, of which one is 0, that is, None."""
    if mu is None:
        return None, None
    return (None, mu) if near_zero(mu, 1 / (r * r), within=3) else (wide(mu, x), None)


def put_affine(out, x, origin, slope, shift):
    """out[...] = (x - origin) slope + shift"""
    out[...] = x
    if origin is not None:
        out -= origin
    out *= slope
    if shift is not None:
        out += shift


def put_normalized(out, x, mu, r, w, b):
    """out[...] = (x - μ) r w + b"""
    origin, rest = origin_and_rest(x, mu, r)
    slope = r if w is None else r * w
    shift = b if rest is None else -rest * slope if b is None else b - rest * slope
    blockwise(put_affine, out, x, origin, wide(slope, x), wide(shift, x))


@one_kernel
def gradients_of(g, x, w, mu, r, axis):
    """dL/dx = (ĝ - mean(ĝ) - x̂ mean(ĝ x̂)) r, dL/dw and dL/db, with x̂ = (x - μ) r and ĝ = g w.  Without a μ: of `rms_norm`.

    With d = x - origin = x - μ + rest, all of dL/dx comes out of d and g, in one pass over the memory:

        dL/dx = (d · slope + shift + g · inner) · outer         slope = -r² mean(g · inner · (x - μ))
                                                                shift = -mean(g · inner) - rest · slope

    where inner is w, and outer is r; but where w is one number for each μ, inner is 1 (None), and outer is w r.  First g and g d
    are summed over `both`, the axes that neither μ nor w has: what is left is small, and all other sums are made of it.
    """
    w = lined_up(w, x)
    n, no_w = count(x.shape, axis) or math.nan, axes_without(w, axis)
    both = tuple([a for a in axis if a in no_w])

    def gradients(out, g, x, mu, r, w):                         # a part of the arrays: some of the μ, with all the x of each
        origin, rest = origin_and_rest(x, mu, r)
        partial_g, partial_gd = joined(blockwise(sums, x, g, origin), x, both)
        inner, outer = (w, r) if both != axis else (None, r if w is None else w * r)
        sum_g, sum_gx = total(partial_g, axis, inner), total(partial_gd, axis, inner)
        if rest is not None:
            sum_gx = sum_gx - rest * sum_g                      # it was of d; now of x - μ
        slope = sum_gx * r * r / -n
        shift = None if mu is None else sum_g / -n if rest is None else sum_g / -n - rest * slope
        blockwise(put_dx, out, g, x, origin, *[wide(a, x) for a in (slope, shift, inner, outer)])
        if w is None:
            return ()
        dw = total(partial_gd, no_w, r)
        return dw if rest is None else dw - total(partial_g, no_w, r * rest), total(partial_g, no_w)

    def sums(x, g, origin):
        d = x if origin is None else x - origin
        return (total(g, both), total(g, both, d)) if both else (g, g * d)

    def put_dx(out, g, x, origin, slope, shift, inner, outer):
        put_affine(out, x, origin, slope, shift)
        out += g if inner is None else g * inner
        out *= outer

    out = xp(x).empty_like(x, dtype=g.dtype)
    return out, *joined(blockwise(gradients, out, g, x, mu, r, w, whole=axis), out, no_w)


def joined(parts, x, axis):
    """The results of `blockwise` for the parts of x, which are sums over some axes: added up, or side by side if x was cut along
    another axis."""
    if len(parts) == 1:
        return parts[0]
    cut = memory_order(x.shape, x.strides)[0]
    return [sum(each[1:], each[0]) if cut in axis else xp(x).concatenate(each, axis=cut) for each in zip(*parts)]


def lined_up(w, x):
    """w with as many axes as x: those in front have length 1."""
    return w if w is None or w.ndim == x.ndim else w.reshape((1,) * (x.ndim - w.ndim) + w.shape)


def axes_without(w, axis):
    """The axes that w is broadcast along; those of `axis`, where there is no w."""
    return axis if w is None else tuple([a for a, n in enumerate(w.shape) if n == 1])


def result_like(x, *weights):
    """An empty array for a result, which lies in memory as x does."""
    return xp(x).empty_like(x, dtype=xp(x).result_type(*[a for a in (x, *weights) if a is not None]))
