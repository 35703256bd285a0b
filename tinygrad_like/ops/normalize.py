"""Normalisation: numbers shifted and scaled to mean 0 and variance 1, or scaled to mean square 1, over some axes.

Batch, layer, group and instance norm are one formula.  What differs is the axes that a mean is taken over, and those that
the weight has.  Above are the formulas; below, how arrays go through them in few passes over the memory.
"""
import math

from ..op import Kept, Op
from ..backend import memory_order, near_zero, one_kernel, spread, weighted_total as total, wide, xp
from ..machine import blockwise
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

    axis: a tuple, not counted from the end.  w, b: of one shape, to be broadcast to x.  Batch norm of x (N, C, …): axis
    (0, 2, …), w (1, C, 1, …); instance norm: axis (2, …), the same w; group norm: x (N, G, C/G, …), axis (2, 3, …),
    w (1, G, C/G, 1, …); layer norm of x (…, D): the last axis, w (D,).
    known: (μ, σ²), where `moments` was asked for them before.
    (Ioffe & Szegedy 2015; Ba et al. 2016; Ulyanov et al. 2016; Wu & He 2018)
    """
    integers = False

    @one_kernel
    def forward(x, w=None, b=None, *, axis, eps=1e-5, known=None):
        mu, variance = (sums_over(axis, x), sums_over(axis, x)) if known is None else known

        def each(out, x, mu, variance, w, b):
            if known is None:
                mu[...], variance[...] = moments(x, axis)
            put_scaled(out, x, mu, 1 / xp(x).sqrt(variance + eps), w, b)

        w, b = lined_up(w, x), lined_up(b, x)
        out = result_like(x, w, b)
        blockwise(each, out, x, mu, variance, w, b, whole=axis)
        return Kept(out, stats=(mu, 1 / xp(x).sqrt(variance + eps)))

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

    `standardize` without μ.  With r = 1/√(mean(x²) + ε), x̂ = x r and ĝ = g w:  ∂r/∂x_i = -r³ x_i/n = -r² x̂_i/n, and

        dL/dx = r (ĝ - x̂ mean(ĝ x̂))        dL/dw = Σ g x̂

    axis, w: as there.        (Zhang & Sennrich 2019)
    """
    integers = False

    def forward(x, w=None, *, axis, eps):
        r = rms_norm.r(x, axis, eps)
        w = lined_up(w, x)
        out = result_like(x, w)
        blockwise(put_scaled, out, x, None, r, w, None, whole=axis)
        return Kept(out, r=r)

    def plain(x, w=None, *, axis, eps):
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        return out if w is None else out * w

    def dx(g, gradients): return gradients[0]
    def dw(g, gradients): return gradients[1]
    def r(x, axis, eps): return 1 / xp(x).sqrt(mean_square(x, axis) + eps)
    def gradients(g, x, w, r, axis): return gradients_of(g, x, w, None, r, axis)


# ---- on arrays --------------------------------------------------------------------------------------------------
# A large array does not fit the cache, and to go through it costs far more than arithmetic does.  So `blockwise` hands it to the
# functions below in parts, and they do all there is to do to a part.  All arrays here have the axes of x, of length 1 where they
# were summed over, or are None.  Results lie in memory as x does: channels last, if that is how images came.
#
# x - μ takes a pass by itself.  It is needed where μ is large, so that nothing large is left to round; but where 0 is within a few
# σ of it, (x - μ) s = x s - μ s loses no more than a bit, and μ s is a matter of single rows or channels.  `near_zero` tells.
@one_kernel
def moments(x, axis):
    """μ and σ² over some axes.

    By mean(x) and mean(x²) - μ², if 0 is among the x, or with the differences to the mean of some in place of x.  If these were not
    typical, what is subtracted is off by its rounding: then again with the differences to the first μ, which are small and exact
    (Chan et al. 1983).  Of equal numbers μ is exactly their value, and σ² is 0.
    """
    some = x[:len(x) // 4] if 0 in axis else x[:0]
    origin = total(some, axis) / count(some.shape, axis) if some.size else None
    rest, square = means_around(x, origin, axis)
    mu, variance = rest if origin is None else origin + rest, square - rest * rest
    if near_zero(rest, variance, within=1 if origin is None else 0.15):
        return mu, variance
    rest, square = means_around(x, mu, axis)
    variance = square - rest * rest
    return mu + rest, variance * (variance.real > 0)            # rounding can make of 0 less than that


def means_around(x, mu, axis):
    """mean(x - μ) and mean((x - μ)²)"""
    def each(x, mu):
        d = x if mu is None else x - mu
        return total(d, axis), total(d, axis, d)

    n = count(x.shape, axis) or math.nan
    return [a / n for a in joined(blockwise(each, x, wide(mu, x)), x, axis)]


def mean_square(x, axis):
    """mean(x²) over some axes."""
    return joined(blockwise(lambda x: [total(x, axis, x)], x), x, axis)[0] / (count(x.shape, axis) or math.nan)


def joined(parts, x, axis):
    """What `blockwise` gave for the parts of x, sums over some axes: added up, or if x was cut along another, side by side."""
    if len(parts) == 1:
        return parts[0]
    cut = memory_order(x.shape, x.strides)[0]
    return [sum(each[1:], each[0]) if cut in axis else xp(x).concatenate(each, axis=cut) for each in zip(*parts)]


def put_scaled(out, x, mu, r, w, b):
    """out[...] = (x - μ) r w + b"""
    w = 1 if w is None else w
    shifts = [] if b is None else [(1, b)]
    if mu is not None and near_zero(mu, 1 / (r * r), within=3):
        shifts, mu = [(-mu * r, w), *shifts], None

    def each(out, x, mu, scale, shift):
        if scale is out:
            out *= x
        elif mu is None:
            xp(x).multiply(x, scale, out=out)
        else:
            xp(x).subtract(x, mu, out=out)
            out *= scale
        if shift is not None:
            out += shift

    scale = spread(x, (r, w), out=out if mu is None else None)
    blockwise(each, out, x, wide(mu, x), scale, spread(x, *shifts) if shifts else None)


@one_kernel
def gradients_of(g, x, w, mu, r, axis):
    """dx = g r w - shift - (x - μ) stretch, with what is taken away the same for all that share a μ; dw and db."""
    w = lined_up(w, x)
    n, no_w = count(x.shape, axis), axes_without(w, axis)

    def each(out, g, x, mu, r, w):
        sum_g, sum_gx, *of_weights = gradient_sums(g, x, w, mu, r, axis)
        put_gradient(out, g, x, mu, r, w, None if mu is None else r / n * sum_g, r * r * r / n * sum_gx)
        return of_weights

    out = xp(x).empty_like(x, dtype=g.dtype)
    return out, *joined(blockwise(each, out, g, x, mu, r, w, whole=axis), x, no_w)


def gradient_sums(g, x, w, mu, r, axis):
    """Σ ĝ and Σ ĝ (x - μ), over the axes; and, in the shape of w, Σ g x̂ and Σ g.

    g and g (x - μ) are summed first over those axes that w does not have either, and are small then, if there are any.
    """
    no_w = axes_without(w, axis)
    both = tuple([a for a in axis if a in no_w])
    if both:
        near = mu is not None and near_zero(mu, 1 / (r * r), within=3)
        parts = blockwise(lambda x, g, mu: (total(g, both), total(g, both, x if mu is None else x - mu)),
                          x, g, None if near else wide(mu, x))
        g, gx = joined(parts, x, both)
        if near:
            gx = gx - mu * g
        if w is None:
            return g, gx
    else:
        gx = x if mu is None else differences(x, mu)
        gx = xp(x).multiply(g, gx, out=None if mu is None else gx)
    return total(g, axis, w), total(gx, axis, w), total(gx, no_w, r), total(g, no_w)


def put_gradient(out, g, x, mu, r, w, shift, stretch):
    """out[...] = g r w - shift - (x - μ) stretch"""
    if mu is not None and near_zero(mu, 1 / (r * r), within=3):
        shift, mu = shift - mu * stretch, None

    def each(out, g, x, mu, scale, shift, stretch):
        if stretch is out:
            out *= x
        elif mu is None:
            xp(x).multiply(x, stretch, out=out)
        else:
            xp(x).subtract(x, mu, out=out)
            out *= stretch
        if shift is not None:
            out += shift
        out += xp(g).multiply(g, scale, out=scale if own else None)

    scale = spread(x, (r, 1 if w is None else w))
    own = scale.shape == x.shape                                # else it is read for every part
    stretch = spread(x, (stretch, -1), out=out if mu is None else None)
    shift = None if shift is None else spread(x, (shift, -1))
    blockwise(each, out, g, x, wide(mu, x), scale, shift, stretch)


def differences(x, mu):
    """x - μ"""
    minus_mu = spread(x, (mu, -1))
    return xp(x).add(x, minus_mu, out=minus_mu if minus_mu.shape == x.shape else None)


def lined_up(w, x):
    """w with as many axes as x."""
    return w if w is None or w.ndim == x.ndim else w.reshape((1,) * (x.ndim - w.ndim) + w.shape)


def axes_without(w, axis):
    """The axes that w does not have, or is broadcast along."""
    return axis if w is None else tuple([a for a, n in enumerate(w.shape) if n == 1])


def result_like(x, *weights):
    """Room for a result that lies in memory as x does."""
    return xp(x).empty_like(x, dtype=xp(x).result_type(*[a for a in (x, *weights) if a is not None]))


def sums_over(axis, like):
    """Zeros in the shape of sums over some axes."""
    return xp(like).zeros([1 if a in axis else n for a, n in enumerate(like.shape)], like.dtype)
