"""Normalisation: numbers shifted and scaled to mean 0 and variance 1, or scaled to mean square 1, over some axes.

Batch, layer, group and instance norm are one formula.  What differs is the axes that a mean is taken over, and those that
the weight has.  Above are the formulas; below, how arrays go through them in few passes over the memory.
"""
import math

from ..op import Kept, Op
from ..backend import memory_order, near_zero, one_kernel, weighted_total as total, wide, xp
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
        def each(out, x, w, b):                                 # some of the μ, with all the x of each
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
            return Kept(out, stats=joined(blockwise(each, out, x, w, b, whole=axis), out, axis))
        mu, r = known[0], 1 / xp(x).sqrt(known[1] + eps)
        put_scaled(out, x, mu, r, w, b)
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

    `standardize` without μ.  With r = 1/√(mean(x²) + ε), x̂ = x r and ĝ = g w:  ∂r/∂x_i = -r³ x_i/n = -r² x̂_i/n, and

        dL/dx = r (ĝ - x̂ mean(ĝ x̂))        dL/dw = Σ g x̂

    axis, w: as there.        (Zhang & Sennrich 2019)
    """
    integers = False

    def forward(x, w=None, *, axis, eps):
        def each(out, x, w):
            out[...] = x
            r = rms_norm.r(out, axis, eps)
            out *= r
            if w is not None:
                out *= w
            return r,

        w = lined_up(w, x)
        out = result_like(x, w)
        return Kept(out, r=joined(blockwise(each, out, x, w, whole=axis), out, axis)[0])

    def plain(x, w=None, *, axis, eps):
        out = x / sqrt(mean(x * x, axis=axis, keepdims=True) + eps)
        return out if w is None else out * w

    def dx(g, gradients): return gradients[0]
    def dw(g, gradients): return gradients[1]
    def r(x, axis, eps): return 1 / xp(x).sqrt(average(x, axis, x) + eps)
    def gradients(g, x, w, r, axis): return gradients_of(g, x, w, None, r, axis)


# ---- on arrays --------------------------------------------------------------------------------------------------
# A large array does not fit the cache, and to go through it costs far more than arithmetic does.  So `blockwise` hands it to the
# functions here in parts, and they do all there is to do to a part.  Arrays have the axes of x, of length 1 where they were summed
# over, or are None.  Results lie in memory as x does: channels last, if that is how images came.  What goes into a result is copied
# there first and changed in place: to compute into memory that is not in the cache yet takes longer than to copy.
def put_centred(out, x, axis):
    """out[...] = x - μ.  Returns μ and σ².

    Rounding turns mean(x) into a number near μ, and then mean(out) is not quite 0: where that shows, it is taken away as well.
    So of equal x nothing is left: what is left at first is a few units in the last place, and sums of such are exact.
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


# In batch norm all parts have a share in each μ, and x is gone through twice: for the moments, and for the result.  There x - μ
# would be a pass of its own.  It is needed where μ is large, so that nothing large is left to round; but where 0 is within 3 σ of
# μ, (x - μ) s = x s - μ s loses no more than two bits, and μ s is a matter of single channels.  So the x are counted from an
# origin, and μ is the origin and a rest: either 0 and μ, or μ and 0.  (A 0 is None here.)
@one_kernel
def moments(x, axis):
    """μ and σ² over some axes: mean(d) and mean(d²) - mean(d)², where d = x - origin.

    The origin is 0 if that is near the first eighth of the x, else their mean.  However different the others are: if a share p of
    some numbers has the mean c and the variance s², then σ² ≥ p s², and |μ - c| ≤ √(1/p - 1) σ, as the share alone makes σ² that
    large.  So what is near the share is near enough to all.  Of equal numbers μ is exactly their value, and σ² is 0.
    """
    some = x[:max(1, len(x) // 8)] if 0 in axis else x
    mu, variance = moments_around(None, some, axis)
    if near_zero(mu, variance, within=1):                       # mean(d)² ≤ σ²: a bit is lost in what is subtracted
        return (mu, variance) if some is x else moments_around(None, x, axis)
    rest, variance = moments_around(mu, x, axis)
    return mu + rest, variance * (variance.real > 0)            # rounding can make of 0 less than that


def moments_around(origin, x, axis):
    def each(x, origin):
        d = x if origin is None else x - origin
        return total(d, axis), total(d, axis, d)

    n = count(x.shape, axis) or math.nan
    d, square = [a / n for a in joined(blockwise(each, x, wide(origin, x)), x, axis)]
    return d, square - d * d


def counted_from(x, mu, r):
    """The origin that the x are counted from, and the rest of μ."""
    if mu is None:
        return None, None
    return (None, mu) if near_zero(mu, 1 / (r * r), within=3) else (wide(mu, x), None)


def put_line(out, x, origin, slope, shift):
    """out[...] = (x - origin) slope + shift"""
    out[...] = x
    if origin is not None:
        out -= origin
    out *= slope
    if shift is not None:
        out += shift


def put_scaled(out, x, mu, r, w, b):
    """out[...] = (x - μ) r w + b"""
    origin, rest = counted_from(x, mu, r)
    scale = r if w is None else r * w
    shift = b if rest is None else -rest * scale if b is None else b - rest * scale
    blockwise(put_line, out, x, origin, wide(scale, x), wide(shift, x))


@one_kernel
def gradients_of(g, x, w, mu, r, axis):
    """dL/dx = (ĝ - mean(ĝ) - x̂ mean(ĝ x̂)) r, dL/dw and dL/db, with x̂ = (x - μ) r and ĝ = g w.  Without a μ: of `rms_norm`.

    Where w is one number for each μ, dL/dx is g in the place of ĝ, times w r.  g and g (x - μ) are summed first over the axes
    that w does not have either: what is left of them is small, if there are any.
    """
    w = lined_up(w, x)
    n, no_w = count(x.shape, axis) or math.nan, axes_without(w, axis)
    both = tuple([a for a in axis if a in no_w])

    def each(out, g, x, mu, r, w):                              # some of the μ, with all the x of each
        origin, rest = counted_from(x, mu, r)
        g_sum, gx_sum = joined(blockwise(sums, x, g, origin), x, both)
        inner, outer = (w, r) if both != axis else (None, r if w is None else w * r)
        for_mu, for_x = total(g_sum, axis, inner), total(gx_sum, axis, inner)
        if rest is not None:
            for_x = for_x - rest * for_mu
        by_x = for_x * r * r / -n
        shift = None if mu is None else for_mu / -n if rest is None else for_mu / -n - rest * by_x
        blockwise(put, out, g, x, origin, *[wide(a, x) for a in (by_x, shift, inner, outer)])
        if w is None:
            return ()
        dw = total(gx_sum, no_w, r)
        return dw if rest is None else dw - total(g_sum, no_w, r * rest), total(g_sum, no_w)

    def sums(x, g, origin):
        d = x if origin is None else x - origin
        return (total(g, both), total(g, both, d)) if both else (g, g * d)

    def put(out, g, x, origin, by_x, shift, inner, outer):
        put_line(out, x, origin, by_x, shift)
        out += g if inner is None else g * inner
        out *= outer

    out = xp(x).empty_like(x, dtype=g.dtype)
    return out, *joined(blockwise(each, out, g, x, mu, r, w, whole=axis), out, no_w)


def joined(parts, x, axis):
    """What `blockwise` gave for the parts of x, sums over some axes: added up, or if x was cut along another, side by side."""
    if len(parts) == 1:
        return parts[0]
    cut = memory_order(x.shape, x.strides)[0]
    return [sum(each[1:], each[0]) if cut in axis else xp(x).concatenate(each, axis=cut) for each in zip(*parts)]


def lined_up(w, x):
    """w with as many axes as x."""
    return w if w is None or w.ndim == x.ndim else w.reshape((1,) * (x.ndim - w.ndim) + w.shape)


def axes_without(w, axis):
    """The axes that w does not have, or is broadcast along."""
    return axis if w is None else tuple([a for a, n in enumerate(w.shape) if n == 1])


def result_like(x, *weights):
    """Room for a result that lies in memory as x does."""
    return xp(x).empty_like(x, dtype=xp(x).result_type(*[a for a in (x, *weights) if a is not None]))
