"""Activations: the functions between the layers, each with its derivative."""
import math

from .. import error_function
from ..op import Kept, Op
from ..backend import host, largest_along, surely, surely_within, total, xp
from ..grad_mode import grad_mode
from ..machine import in_pieces
from .elementwise import abs, erf, exp, finite, masked, tanh, where
from .reduce import kept, sum


class relu(Op):
    """out = max(0, x)      relu'(0) = 0        (SPEC F-04)"""
    def forward(x): return xp(x).maximum(x, 0)
    def dx(g, out): return gated(g, by=out)


class gated(Op):
    """out = x where by > 0, else 0"""
    def forward(x, *, by):
        def each(by, x, out):
            xp(x).greater(by, 0, out=out, casting="unsafe")     # 1 or 0
            out *= x

        out = xp(x).empty_like(by, dtype=x.dtype)
        in_pieces(each, by, x, out)
        return out

    def dx(g, by): return gated(g, by=by)


class leaky_relu(Op):
    """out = x where x > 0, slope · x elsewhere      leaky_relu'(0) = slope"""
    def forward(x, *, slope=0.01): return (xp(x).maximum if slope <= 1 else xp(x).minimum)(x, slope * x)
    def dx(g, x, slope): return sloped(g, by=x, slope=slope)


class sloped(Op):
    """out = x where by > 0, slope · x elsewhere"""
    def forward(x, *, by, slope):
        def each(by, x, out):
            above = by > 0
            out[...] = ~above
            out *= slope
            out += above                                        # 1 or the slope
            out *= x

        out = xp(x).empty_like(by, dtype=x.dtype)
        in_pieces(each, by, x, out)
        return out

    def dx(g, by, slope): return sloped(g, by=by, slope=slope)


class prelu(Op):
    """out = x where x > 0, w x elsewhere, with a slope w that is learned      (He et al. 2015, eq. 1)"""
    def forward(x, w): return xp(x).maximum(x, 0) + w * xp(x).minimum(x, 0)
    def dx(g, x, w): return where(g, w * g, condition=x > 0)
    def dw(g, x): return g * masked(x, keep=x <= 0)


class elu(Op):
    """out = scale · (x where x > 0, α (e^(rate x) - 1) elsewhere)      d/dx = scale there, rate (out + scale α) elsewhere

    elu: α alone (Clevert et al. 2016, eq. 15).  celu: rate = 1/α, which is smooth at 0 (Barron 2017).
    selu: the α and scale that keep mean 0 and variance 1 (Klambauer et al. 2017, eq. 2 and 14).
    """
    integers = False

    def forward(x, *, alpha=1.0, scale=1.0, rate=1.0):
        def each(x, out, slope):
            below = xp(x).expm1(rate * xp(x).minimum(x, 0))     # 0 where x > 0
            xp(x).maximum(x, 0, out=out)
            out *= scale
            out += scale * alpha * below
            if slope is not None:
                below += 1
                below *= rate * scale * alpha                   # the slope below 0, and that at 0 above
                slope[...] = x > 0
                slope *= scale - rate * scale * alpha
                slope += below

        return with_slope(each, x)

    def dx(g, slope): return g * slope

    def slope(x, alpha, scale, rate):
        below = where(0.0, x, condition=x > 0)
        return where(scale, rate * scale * alpha * exp(rate * below), condition=x > 0)


# ---- sigmoids ---------------------------------------------------------------------------------------------------
class sigmoid(Op):
    """out = σ(x) = 1 / (1 + e⁻ˣ)      σ' = σ (1 - σ)      (SPEC F-15)"""
    integers = False

    def forward(x):
        with host.errstate(over="ignore"):                      # where e⁻ˣ overflows to ∞, σ(x) is 0: as good as right
            out = xp(x).exp(-x)
        out += 1
        return 1 / out

    def dx(g, out): return g * (out * (1 - out))


class logsigmoid(Op):
    """out = ln σ(x) = min(0, x) - ln (1 + e^(-|x|))      d/dx = 1 - σ(x) = σ(-x)"""
    integers = False
    def forward(x): return xp(x).minimum(x, 0) - xp(x).log1p(xp(x).exp(-xp(x).abs(x)))
    def dx(g, x): return g * sigmoid(-x)


class softplus(Op):
    """out = ln (1 + e^(βx)) / β = (max(0, βx) + ln (1 + e^(-|βx|))) / β, and x itself where βx > threshold"""
    integers = False

    def forward(x, *, beta=1.0, threshold=20.0):
        def each(x, out, slope):
            z, m = beta * x, xp(x)
            tail = m.log1p(m.exp(-m.abs(z)))
            tail *= z <= threshold                              # above it, max(0, z) / β is x itself
            m.maximum(z, 0, out=out)
            out += tail
            out /= beta
            if threshold < 0:
                out[...] = m.where(z > threshold, x, out)
            if slope is not None:
                m.maximum(sigmoid.forward(z), z > threshold, out=slope)

        return with_slope(each, x)

    def dx(g, slope): return g * slope
    def slope(x, beta, threshold): return where(1.0, sigmoid(beta * x), condition=beta * x > threshold)


class softsign(Op):
    """out = x / (1 + |x|)      d/dx = 1 / (1 + |x|)²"""
    integers = False
    def forward(x): return x / (1 + xp(x).abs(x))

    def dx(g, x):
        size = 1 + abs(x)
        return g / (size * size)


# ---- smooth relus -----------------------------------------------------------------------------------------------
# Each is x s, with an s between 0 and 1.  The slope is made while x is in the cache, unless gradients are off.
class silu(Op):
    """out = x σ(x)      d/dx = σ + out (1 - σ)      (swish: Ramachandran et al. 2017)"""
    integers = False

    def forward(x):
        def each(x, out, slope):
            s = sigmoid.forward(x)
            xp(x).multiply(x, s, out=out)
            if slope is not None:
                xp(x).subtract(1, s, out=slope)
                slope *= out
                slope += s

        return with_slope(each, x)

    def dx(g, slope): return g * slope

    def slope(x):
        s = sigmoid(x)
        return s + x * s * (1 - s)


class gelu(Op):
    """out = x Φ(x), with Φ(x) = ½ (1 + erf(x / √2)) the normal distribution      (Hendrycks & Gimpel 2016)

    d/dx = Φ(x) + x φ(x), with φ(x) = Φ'(x) = e^(-x²/2) / √2π
    """
    integers = False

    def forward(x):
        def each(x, out, slope):
            y = x * math.sqrt(0.5)
            p = error_function.erf(y)
            p += 1
            p *= 0.5
            xp(x).multiply(x, p, out=out)
            if slope is not None:
                y *= -y
                xp(x).exp(y, out=slope)
                slope *= x
                slope *= 1 / math.sqrt(2 * math.pi)
                slope += p

        return with_slope(each, x)

    def dx(g, slope): return g * slope

    def slope(x):
        p = 0.5 * (1 + erf(x * math.sqrt(0.5)))
        return p + x * exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))


c1 = math.sqrt(2 / math.pi)
c3 = c1 * 0.044715


class gelu_tanh(Op):
    """out = ½ x (1 + t), with t = tanh(c₁ x + c₃ x³), c₁ = √(2/π), c₃ = 0.044715 c₁      (Hendrycks & Gimpel 2016, section 2)

    d/dx = ½ (1 + t) + ½ x (1 - t²) (c₁ + 3 c₃ x²) = ½ (1 + t) + out (1 - t) (c₁ + 3 c₃ x²)
    """
    integers = False

    def forward(x):
        def each(x, out, slope):
            square = x * x
            t = square * c3
            t += c1
            t *= x                                              # c₁ x + c₃ x³
            xp(x).tanh(t, out=t)
            if slope is not None:
                xp(x).subtract(1, t, out=slope)
            t += 1
            t *= 0.5                                            # ½ (1 + t)
            xp(x).multiply(x, t, out=out)
            if slope is not None:
                slope *= out
                square *= 3 * c3
                square += c1
                slope *= square
                slope += t

        return with_slope(each, x)

    def dx(g, slope): return g * slope

    def slope(x):
        t = tanh(x * (c1 + c3 * (x * x)))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * (c1 + 3 * c3 * (x * x))


def with_slope(each, x):
    """What `each(x, out, slope)` writes into out and, unless gradients are off, into slope."""
    shape, x = x.shape, x if x.ndim else x.reshape(1)           # what is computed of a 0-d array would be no array
    out = xp(x).empty_like(x)
    slope = xp(x).empty_like(x) if grad_mode.enabled else None
    in_pieces(each, x, out, slope)
    return Kept(out.reshape(shape), slope=slope if slope is None or shape else slope.reshape(shape))


class mish(Op):
    """out = x t, with t = tanh(ln (1 + eˣ)) = n / (n + 2), n = eˣ (eˣ + 2)      d/dx = t + x (1 - t²) σ(x)      (Misra 2019)"""
    integers = False

    def forward(x):
        n = xp(x).exp(xp(x).minimum(x, 20 if x.dtype != "float16" else 5))      # beyond, t is 1 to the last digit
        n *= n + 2
        t = n / (n + 2)
        return Kept(x * t, t=t)

    def dx(g, x, t): return g * (t + x * (1 - t * t) * sigmoid(x))
    def t(x): return tanh(softplus(x))


# ---- cut in pieces ----------------------------------------------------------------------------------------------
class hardtanh(Op):
    """out = x, brought within low ≤ out ≤ high      gradient 0 at the bounds"""
    def forward(x, *, low=-1.0, high=1.0): return xp(x).clip(x, low, high)
    def dx(g, x, low, high): return g * ((x > low) & (x < high))


class hardsigmoid(Op):
    """out = min(max(x + 3, 0), 6) / 6      gradient 0 at the corners"""
    integers = False
    def forward(x): return xp(x).clip(x + 3, 0, 6) / 6
    def dx(g, x): return g * ((x > -3) & (x < 3)) / 6


class hardswish(Op):
    """out = x min(max(x + 3, 0), 6) / 6      gradient 0 and 1 at the corners      (Howard et al. 2019, section 5.2)"""
    integers = False

    def forward(x):
        def each(x, out, slope):
            s = xp(x).clip(x + 3, 0, 6)
            s /= 6
            xp(x).multiply(x, s, out=out)
            if slope is not None:
                xp(x).multiply(x, (x > -3) & (x < 3), out=slope)
                slope /= 6
                slope += s

        return with_slope(each, x)

    def dx(g, slope): return g * slope
    def slope(x): return hardsigmoid(x) + x * ((x > -3) & (x < 3)) / 6


class softshrink(Op):
    """out = x moved towards 0 by `by`, and 0 within      gradient 0 at the corners"""
    def forward(x, *, by=0.5): return x - xp(x).clip(x, -by, by)
    def dx(g, out): return g * (out != 0)


class hardshrink(Op):
    """out = x, and 0 where |x| ≤ `within`      gradient 0 at the corners"""
    def forward(x, *, within=0.5): return x * (xp(x).abs(x) > within)
    def dx(g, x, within): return g * (abs(x) > within)


class threshold(Op):
    """out = x where x > above, `value` elsewhere"""
    def forward(x, *, above, value): return xp(x).where(x > above, x, value)
    def dx(g, x, above): return g * (x > above)


# ---- over an axis -----------------------------------------------------------------------------------------------
def largest(x, axis):
    """The maximum along an axis as a finite number: what to subtract before exp, so that nothing overflows."""
    return finite(largest_along(x, axis))


class softmax(Op):
    """outᵢ = e^xᵢ / Σⱼ e^xⱼ along an axis      dxᵢ = outᵢ (gᵢ - Σⱼ gⱼ outⱼ)

    The maximum is subtracted first, unless no |x| is above 64: it cancels, and nothing overflows.  A row of -inf gives zeros, with
    gradient 0.

    From ∂outⱼ/∂xᵢ = outⱼ ([i=j] - outᵢ) follows dxᵢ = Σⱼ gⱼ outⱼ ([i=j] - outᵢ) = gᵢ outᵢ - outᵢ Σⱼ gⱼ outⱼ.
    """
    integers = False

    def forward(x, *, axis=-1):
        if x.size == 0:
            return x.copy()
        out = xp(x).exp(x if surely_within(64, x) else x - largest(x, axis))
        all = total(out, axis, keepdims=True)
        out /= all + (all == 0)
        return out

    def dx(g, out, axis): return out * (g - sum(g * out, axis=axis, keepdims=True))


class log_softmax(Op):
    """outᵢ = xᵢ - ln Σⱼ e^xⱼ along an axis      dxᵢ = gᵢ - e^outᵢ Σⱼ gⱼ

    A row of -inf gives -inf, with gradient 0.
    """
    integers = False

    def forward(x, *, axis=-1):
        if x.size == 0:
            return x.copy()
        out = x - largest(x, axis)
        all = total(xp(x).exp(out), axis, keepdims=True)
        out -= xp(x).log(all + (all == 0))
        return Kept(out, some=None if surely(all > 0) else all > 0)

    def dx(g, out, some, axis):
        g = g if some is None else g * some
        return g - exp(out) * sum(g, axis=axis, keepdims=True)

    def some(out, axis): return exp(out).sum(axis=axis, keepdims=True) > 0


class logsumexp(Op):
    """out = ln Σ e^x over some axes      dx = g e^(x - out), which is g · softmax(x)

    A row of -inf gives -inf, with gradient 0.
    """
    integers = False

    def forward(x, *, axis=None, keepdims=False):
        if x.size == 0:
            return -xp(x).full_like(x.sum(axis=axis, keepdims=keepdims), math.inf)
        top = largest(x, axis)
        all = total(xp(x).exp(x - top), axis, keepdims)
        return xp(x).log(all + (all == 0)) + xp(x).where(all == 0, -math.inf, top.reshape(all.shape))

    def dx(g, x, out, axis):
        shape = kept(x.shape, axis)
        out = where(out, 0, condition=out > -math.inf).reshape(shape)
        return g.reshape(shape) * exp(x - out)
