"""Ops that make one number of many: sums, means, extremes, and the running ones.

Most begin their derivative by giving g its reduced axes back, as ones: `g.reshape(kept(shape, axis))` broadcasts against x.
"""
import math

from ..op import Op
from ..backend import running, total, xp
from . import elementwise
from .shape import astype, at, broadcast_to, pad


def axes_of(shape, axis):
    """The reduced axes, counted from the front."""
    return range(len(shape)) if axis is None else [a % len(shape) for a in (axis if isinstance(axis, tuple) else (axis,))]


def kept(shape, axis):
    """The shape with its reduced axes kept as ones."""
    axes = axes_of(shape, axis)
    return tuple([1 if a in axes else n for a, n in enumerate(shape)])


def count(shape, axis):
    """How many elements make one of the result."""
    return math.prod([shape[a] for a in axes_of(shape, axis)])


# ---- sums and products ------------------------------------------------------------------------------------------
class sum(Op):
    """out = Σ x over some axes (all of them by default)"""
    def forward(x, *, axis=None, keepdims=False): return total(x, axis, keepdims)
    def dx(g, shape, axis): return broadcast_to(g.reshape(kept(shape, axis)), to=shape)


class mean(Op):
    """out = (1/n) Σ x over some axes (all of them by default), n being the number of terms"""
    integers = False
    def forward(x, *, axis=None, keepdims=False): return total(x, axis, keepdims) / (count(x.shape, axis) or math.nan)

    def dx(g, shape, axis):
        return broadcast_to(g.reshape(kept(shape, axis)) / (count(shape, axis) or math.nan), to=shape)


class prod(Op):
    """out = Π x along an axis (or of all elements)

    ∂out/∂xᵢ = Π_{j≠i} xⱼ, the product of what stands before i times the product of what stands behind: nothing is divided,
    so zeros are exact.
    """
    def forward(x, *, axis=None, keepdims=False): return x.prod(axis=axis, keepdims=keepdims)

    def dx(g, x, axis):
        g = g.reshape(kept(x.shape, axis))
        return g * (others(x.reshape(-1), 0).reshape(x.shape) if axis is None else others(x, axis % x.ndim))


def others(x, axis):
    """The product of all the other elements along the axis, in the place of each."""
    back = reverse(axis)
    return before(cumprod(x, axis=axis), axis, 1) * before(cumprod(x[back], axis=axis), axis, 1)[back]


def reverse(axis):
    """The index that turns an axis round."""
    return at(axis, slice(None, None, -1))


def before(x, axis, first):
    """Each element replaced by the one before it, the first by `first`."""
    if x.shape[axis] == 0:
        return x
    return pad(x[at(axis, slice(None, -1))], widths=[(1, 0) if a == axis else (0, 0) for a in range(x.ndim)], value=first)


# ---- spread and size --------------------------------------------------------------------------------------------
class var(Op):
    """out = Σ (x - μ)² / (n - correction)      μ = mean(x)      ∂out/∂x = 2 (x - μ) / (n - correction)"""
    integers = False

    def forward(x, *, axis=None, correction=1, keepdims=False):
        d = centred(x, axis)
        return total(d * d, axis, keepdims) / freedom(x.shape, axis, correction)

    def dx(g, x, axis, correction):
        return g.reshape(kept(x.shape, axis)) * (2 / freedom(x.shape, axis, correction)) * centred(x, axis)


class std(Op):
    """out = √var(x)      ∂out/∂x = (x - μ) / ((n - correction) out), and 0 where all x are equal"""
    integers = False
    def forward(x, *, axis=None, correction=1, keepdims=False):
        return xp(x).sqrt(var(x, axis=axis, correction=correction, keepdims=keepdims))

    def dx(g, x, out, axis, correction):
        g = g * (out != 0) / (freedom(x.shape, axis, correction) * (out + (out == 0)))
        return g.reshape(kept(x.shape, axis)) * centred(x, axis)


def centred(x, axis):
    """x - mean(x), computed from the differences to a first element: of a constant it is exactly 0, whatever the mean rounds to."""
    d = x - x[tuple([slice(0, 1) if n == 1 else slice(None) for n in kept(x.shape, axis)])]
    return d - mean(d, axis=axis, keepdims=True)


def freedom(shape, axis, correction):
    """n - correction; without any degrees of freedom the variance is not a number."""
    return max(count(shape, axis) - correction, 0) or math.nan


class norm(Op):
    """out = (Σ |x|ᵖ)^(1/p)      ∂out/∂x = sign(x) (|x| / out)ᵖ⁻¹, and 0 where all x are 0;  for p = 2 it is x / out

    p = 0 counts the x that are not 0, which is flat.
    """
    integers = False

    def forward(x, *, p=2, axis=None, keepdims=False):
        if p == 2:
            return xp(x).sqrt(total(x * x, axis, keepdims))
        if p == 0:
            return (x != 0).sum(axis=axis, keepdims=keepdims).astype(x.dtype)
        return total(abs(x) ** p, axis, keepdims) ** (1 / p)

    def dx(g, x, out, p, axis):
        shape = kept(x.shape, axis)
        if p == 0:
            return broadcast_to(0 * g.reshape(shape), to=x.shape)
        g = (g * (out != 0)).reshape(shape)
        out = (out + (out == 0)).reshape(shape)
        if p == 2:
            return g / out * x
        size = elementwise.abs(x) + (x == 0)                    # no 0 to a negative power: sign(0) = 0 decides there
        return g * elementwise.sign(x) * (size / out) ** (p - 1)


# ---- extremes ---------------------------------------------------------------------------------------------------
class amax(Op):
    """out = the largest x over some axes; equal winners share the gradient"""
    def forward(x, *, axis=None, keepdims=False): return x.max(axis=axis, keepdims=keepdims)
    def dx(g, won, axis): return shared(g, won, axis)
    def won(x, out, axis): return x == out.reshape(kept(x.shape, axis))


class amin(Op):
    """out = the smallest x over some axes; equal winners share the gradient"""
    def forward(x, *, axis=None, keepdims=False): return x.min(axis=axis, keepdims=keepdims)
    def dx(g, won, axis): return shared(g, won, axis)
    def won(x, out, axis): return x == out.reshape(kept(x.shape, axis))


class median(Op):
    """out = the middle of all x, the lower of two (ignore_nan: of those that are numbers); equals share the gradient"""
    def forward(x, *, ignore_nan=False):
        x = x.reshape(-1)
        return picked(xp(x).sort(x), middle(x, 0, ignore_nan), 0).reshape(())

    def dx(g, won): return shared(g, won, None)
    def won(x, out): return x == out


def shared(g, won, axis):
    """g in equal parts to those that won."""
    shape = kept(won.shape, axis)
    return g.reshape(shape) / astype(won.sum(axis=axis, keepdims=True), dtype=g.dtype) * won


# ---- where the extremes are: positions, without gradient --------------------------------------------------------
class argmax(Op):
    """out = the position of the largest x along an axis (or among all), the first of equals"""
    def forward(x, *, axis=None, keepdims=False): return x.argmax(axis=axis, keepdims=keepdims)


class argmin(Op):
    """out = the position of the smallest x along an axis (or among all), the first of equals"""
    def forward(x, *, axis=None, keepdims=False): return x.argmin(axis=axis, keepdims=keepdims)


class argsort(Op):
    """out = the positions that sort x along an axis, equals in the order they came in; NaN counts as the largest"""
    def forward(x, *, axis=-1, descending=False):
        if not descending:
            return xp(x).argsort(x, axis=axis, kind="stable")
        back = reverse(axis % x.ndim)                           # sorted from behind and read backwards, equals keep their order
        return x.shape[axis] - 1 - xp(x).argsort(x[back], axis=axis, kind="stable")[back]


class argtopk(Op):
    """out = the positions of the k largest (or smallest) x along an axis, the best first"""
    def forward(x, *, k, axis=-1, largest=True):
        n, axis = x.shape[axis], axis % x.ndim
        if n < 1000 or not 0 < 8 * k < n:
            return argsort(x, axis=axis, descending=largest)[at(axis, slice(k))]
        if largest:                                             # few of many: no need to sort the rest
            few = xp(x).argpartition(x, n - k, axis=axis)[at(axis, slice(n - k, n))]
        else:
            few = xp(x).argpartition(x, k - 1, axis=axis)[at(axis, slice(k))]
        few = xp(x).sort(few, axis=axis)
        order = argsort(picked(x, few, axis), axis=axis, descending=largest)
        return picked(few, order, axis)


class argmedian(Op):
    """out = a position of the middle x along an axis, the lower of two; of the first NaN if there is one, unless ignore_nan"""
    def forward(x, *, axis=-1, keepdims=False, ignore_nan=False):
        out = picked(argsort(x, axis=axis), middle(x, axis, ignore_nan), axis)
        return out if keepdims else out.squeeze(axis)


def middle(x, axis, ignore_nan):
    """Where the median stands in x sorted along an axis, with the NaNs last."""
    n, nans = x.shape[axis], (x != x).sum(axis=axis, keepdims=True)
    return (n - nans - 1).clip(0, None) // 2 if ignore_nan else xp(x).where(nans > 0, n - nans, (n - 1) // 2)


class quantile_places(Op):
    """outs = the places in x, sorted along an axis, between which the share q of it ends; and how far towards the second"""
    def forward(x, *, q, axis, interpolation="linear", ignore_nan=False):
        n, numbers = x.shape[axis], (x == x).sum(axis=axis, keepdims=True)
        last = (numbers - 1).clip(0, None) if ignore_nan else numbers * 0 + (n - 1)
        place = q * last.astype(x.dtype)
        if interpolation == "nearest":
            place = xp(x).rint(place)
        below, above = xp(x).floor(place), xp(x).ceil(place)
        weight = {"linear": place - below, "midpoint": 0.5 + 0 * place, "higher": 1 + 0 * place}.get(interpolation, 0 * place)
        if not ignore_nan:
            below, above = xp(x).where(numbers < n, n - 1, below), xp(x).where(numbers < n, n - 1, above)     # NaNs are last
        return below.astype("int64"), above.astype("int64"), weight


class argmode(Op):
    """out = the last position of the most frequent x along an axis; of the smallest, if several are as frequent"""
    def forward(x, *, axis=-1, keepdims=False):
        axis = axis % x.ndim
        order = argsort(x, axis=axis)
        ranked = picked(x, order, axis)
        new = ranked != before(ranked, axis, 0)                 # where a run of equals begins; the first place is 0 anyway
        places = positions(x, axis)
        length = places - running("maximum", places * new, axis)
        out = picked(order, length.argmax(axis=axis, keepdims=True), axis)
        return out if keepdims else out.squeeze(axis)


class argcummax(Op):
    """out_i = the position of the largest of x_0 … x_i, the last of equals"""
    def forward(x, *, axis): return latest(x, running("maximum", x, axis), axis)


class argcummin(Op):
    """out_i = the position of the smallest of x_0 … x_i, the last of equals"""
    def forward(x, *, axis): return latest(x, running("minimum", x, axis), axis)


def latest(x, best, axis):
    """The last position up to each where x was the best so far (NaN is, from where it first appears)."""
    return running("maximum", positions(x, axis) * ((x == best) | (x != x)), axis)


def positions(x, axis):
    """0, 1, 2, … along an axis, in the shape of x."""
    line = [1] * x.ndim
    line[axis] = x.shape[axis]
    return xp(x).broadcast_to(xp(x).arange(x.shape[axis]).reshape(line), x.shape)


def picked(x, indices, axis):
    """x at some positions along an axis."""
    return xp(x).take_along_axis(x, indices, axis)


# ---- running sums and products ----------------------------------------------------------------------------------
class cumsum(Op):
    """out_i = x_0 + … + x_i along an axis.  x_i is in all from i on: the derivative sums from behind"""
    def forward(x, *, axis): return xp(x).cumsum(x, axis=axis)

    def dx(g, axis):
        back = reverse(axis % g.ndim)
        return cumsum(g[back], axis=axis)[back]


class cumprod(Op):
    """out_i = x_0 x_1 … x_i along an axis

    out_i = x_i out_{i-1} is a recurrence, and so is what comes back: s_i = g_i + x_{i+1} s_{i+1} reaches out_i, and x_i
    receives out_{i-1} s_i.  Nothing is divided, so zeros are exact.
    """
    def forward(x, *, axis): return xp(x).cumprod(x, axis=axis)

    def dx(g, x, out, axis):
        axis = axis % x.ndim
        return before(out, axis, 1) * from_behind(x, g, axis)


class logcumsumexp(Op):
    """out_i = log(e^x_0 + … + e^x_i) along an axis

    ∂L/∂x_j = Σ_{i≥j} g_i e^(x_j - out_i) = e^(x_j - out_j) s_j,  where s_j = g_j + e^(out_j - out_{j+1}) s_{j+1}: as out never
    falls, no exponent is positive.  Where all so far is -∞, so is out, and the gradient is 0.
    """
    integers = False
    def forward(x, *, axis): return running("logaddexp", x, axis)

    def dx(g, x, out, axis):
        axis = axis % x.ndim
        low = elementwise.where(0, out, condition=out == -math.inf)
        decay = elementwise.exp(before(out, axis, -math.inf) - low)
        return elementwise.exp(x - low) * from_behind(decay, g, axis)


class recurrence(Op):
    """out_i = a_i out_{i-1} + b_i along an axis, starting from 0: a linear recurrence

    Computed in log₂ n sweeps, each of which doubles how far every element has looked back: two steps
    (a, b) and then (a', b') are together the step (a' a, a' b + b').
    """
    def forward(a, b, *, axis):
        a, out = a.copy(), b.copy()
        steps, line = xp(a).moveaxis(a, axis, 0), xp(a).moveaxis(out, axis, 0)
        reach = 1
        while reach < len(line):
            line[reach:] += steps[reach:] * line[:-reach]
            steps[reach:] = steps[reach:] * steps[:-reach]
            reach *= 2
        return out

    def da(g, s, out, axis): return s * before(out, axis % out.ndim, 0)
    def db(g, s): return s
    def s(g, a, axis): return from_behind(a, g, axis % a.ndim)


def from_behind(a, g, axis):
    """s_i = g_i + a_{i+1} s_{i+1}: all that depends on element i, if each passes on a times itself to the next."""
    back = reverse(axis)
    return recurrence(before(a[back], axis, 0), g[back], axis=axis)[back]


# ---- true or false, and counts ----------------------------------------------------------------------------------
class any(Op):
    """out = whether some x is not 0"""
    def forward(x, *, axis=None, keepdims=False): return x.any(axis=axis, keepdims=keepdims)


class all(Op):
    """out = whether no x is 0"""
    def forward(x, *, axis=None, keepdims=False): return x.all(axis=axis, keepdims=keepdims)


class unique(Op):
    """outs = the different x (or slices of x along an axis), sorted; which of them each x is; how often each occurs"""
    def forward(x, *, axis=None):
        values, inverse, counts = xp(x).unique(x, return_inverse=True, return_counts=True, axis=axis, equal_nan=False)
        return values, inverse.reshape(x.shape if axis is None else -1), counts


class bincount(Op):
    """out_k = how often k is among the x, or the sum of the weights where it is"""
    def forward(x, *, weights=None, minlength=0): return xp(x).bincount(x, weights, minlength)


class histogram(Op):
    """out_k = how many x are in the k-th of so many equal bins from low to high (which is in the last)"""
    def forward(x, *, bins, low, high):
        counted = (x >= low) & (x <= high)
        place = xp(x).clip((xp(x).where(counted, x, low) - low) * (bins / (high - low)), 0, bins - 1).astype("int64")
        return xp(x).bincount(xp(x).where(counted, place, bins).reshape(-1), minlength=bins + 1)[:bins]
