"""Ops that work on each element by itself: arithmetic, powers, exponentials, trigonometry, rounding, choices, comparisons.

Broadcasting is undone by the sweep, so no formula here mentions it.  Activations are in `activation.py`.
"""
import math

from .. import error_function
from ..op import Op
from ..backend import finfo, host, masked as masked_array, where as where_array, xp


# ---- arithmetic -------------------------------------------------------------------------------------------------
class add(Op):
    """out = x + y"""
    def forward(x, y): return x + y
    def dx(g): return g
    def dy(g): return g


class sub(Op):
    """out = x - y"""
    def forward(x, y): return x - y
    def dx(g): return g
    def dy(g): return -g


class mul(Op):
    """out = x y"""
    def forward(x, y): return x * y
    def dx(g, y): return g * y
    def dy(g, x): return g * x


class div(Op):
    """out = x / y"""
    integers = False
    def forward(x, y): return x / y
    def dx(g, y): return g / y
    def dy(g, y, out): return -g * out / y


class neg(Op):
    """out = -x"""
    def forward(x): return -x
    def dx(g): return -g


class lerp(Op):
    """out = x + w (y - x): on the way from x to y"""
    def forward(x, y, w): return x + w * (y - x)
    def dx(g, w): return g * (1 - w)
    def dy(g, w): return g * w
    def dw(g, x, y): return g * (y - x)


class full_like(Op):
    """out = the same number everywhere, in the shape and type of x: no gradient flows through it"""
    def forward(x, *, value): return xp(x).full(x.shape, value, x.dtype)


# ---- division with a whole quotient: out is a staircase, its gradient 0 -----------------------------------------
def check_divisor(x, y):
    """Integers have no infinity to answer a division by zero with.  (CuPy's do not complain, and to look there would wait.)"""
    dtype = x.dtype if hasattr(x, "dtype") else y.dtype
    if dtype.kind in "iu" and (y == 0 if not hasattr(y, "dtype") else xp(y) is host and not y.all()):
        raise RuntimeError("ZeroDivisionError: integers divided by zero: make floats of them, or exclude the zeros")


class floor_divide(Op):
    """out = ⌊x / y⌋      its gradient is 0"""
    def forward(x, y):
        check_divisor(x, y)
        return x // y

    def dx(g): return full_like(g, value=0)
    def dy(g): return full_like(g, value=0)


class trunc_divide(Op):
    """out = x / y, rounded towards 0      its gradient is 0"""
    def forward(x, y):
        out = x / y
        if (x if hasattr(x, "dtype") else y).dtype.kind in "iub":       # exactly, where floats would round
            check_divisor(x, y)
            return (x - xp(x, y).fmod(x, y)) // y
        return xp(out).trunc(out)

    def dx(g): return full_like(g, value=0)
    def dy(g): return full_like(g, value=0)


class remainder(Op):
    """out = x - ⌊x / y⌋ y, which has the sign of y"""
    def forward(x, y):
        check_divisor(x, y)
        return x % y

    def dx(g): return g
    def dy(g, x, y): return -g * floor_divide(x, y)


class fmod(Op):
    """out = x - trunc(x / y) y, which has the sign of x"""
    def forward(x, y):
        check_divisor(x, y)
        return xp(x, y).fmod(x, y)

    def dx(g): return g
    def dy(g, x, y): return -g * trunc_divide(x, y)


# ---- powers -----------------------------------------------------------------------------------------------------
def is_number(x):
    return type(x) in (int, float, bool)


class pow(Op):
    """out = xʸ      x⁰ = 1 and its gradient 0, at x = 0 too; d(0ʸ)/dy = 0 for y ≥ 0"""
    def forward(x, y):
        if is_number(y):
            if y < 0 and type(y) is int and x.dtype.kind in "iu":
                raise RuntimeError("Integers to negative integer powers are not allowed: make floats of them, x.float() ** y")
            if y == 2:
                return x * x                                    # the general power takes a hundred times as long
            if y == 3:
                return x * x * x
            if y == 4:
                return (x * x) * (x * x)
            if y == 0.5:
                return xp(x).sqrt(x)
            if y == -0.5:
                return 1 / xp(x).sqrt(x)
            if y == -1:
                return 1 / x
        return xp(x, y).power(x, y)

    def dx(g, x, y):
        if is_number(y):
            return full_like(g, value=0) if y == 0 else g * y if y == 1 else g * (2 * x) if y == 2 else g * (y * pow(x, y - 1))
        return g * (y * pow(x + ((x == 0) & (y == 0)), y - 1))  # 0 · 1⁻¹ for 0 · 0⁻¹

    def dy(g, x, y, out):
        if is_number(x):
            x = full_like(y, value=x)
        return g * (out * log(x + ((x == 0) & (y >= 0))))       # 0ʸ · log 1 for 0ʸ · log 0


class sqrt(Op):
    """out = √x      √' = 1 / 2√x, which is inf at 0"""
    integers = False
    def forward(x): return xp(x).sqrt(x)
    def dx(g, out): return g / (2 * out)


class rsqrt(Op):
    """out = 1 / √x"""
    integers = False
    def forward(x): return 1 / xp(x).sqrt(x)
    def dx(g, out): return g * (-0.5 * out * out * out)


class reciprocal(Op):
    """out = 1 / x"""
    integers = False
    def forward(x): return 1 / x
    def dx(g, out): return -g * (out * out)


class hypot(Op):
    """out = √(x² + y²), without overflow on the way      gradient 0 at the origin"""
    integers = False
    def forward(x, y): return xp(x, y).hypot(x, y)
    def dx(g, x, out): return g * (x / (out + (out == 0)))
    def dy(g, y, out): return g * (y / (out + (out == 0)))


# ---- exponentials and logarithms --------------------------------------------------------------------------------
class exp(Op):
    """out = eˣ"""
    integers = False
    def forward(x): return xp(x).exp(x)
    def dx(g, out): return g * out


class exp2(Op):
    """out = 2ˣ"""
    integers = False
    def forward(x): return xp(x).exp2(x)
    def dx(g, out): return g * (out * math.log(2))


class expm1(Op):
    """out = eˣ - 1, exact for small x"""
    integers = False
    def forward(x): return xp(x).expm1(x)
    def dx(g, out): return g * (out + 1)


class log(Op):
    """out = ln x"""
    integers = False
    def forward(x): return xp(x).log(x)
    def dx(g, x): return g / x


class log2(Op):
    """out = log₂ x = ln x / ln 2"""
    integers = False
    def forward(x): return xp(x).log2(x)
    def dx(g, x): return g / (x * math.log(2))


class log10(Op):
    """out = log₁₀ x = ln x / ln 10"""
    integers = False
    def forward(x): return xp(x).log10(x)
    def dx(g, x): return g / (x * math.log(10))


class log1p(Op):
    """out = ln (1 + x), exact for small x"""
    integers = False
    def forward(x): return xp(x).log1p(x)
    def dx(g, x): return g / (1 + x)


def finite(x):
    """x with ±inf replaced by the largest number: subtracting that from inf leaves inf, and not NaN."""
    largest = float(finfo(x.dtype).max)
    return xp(x).clip(x, -largest, largest)


class logaddexp(Op):
    """out = ln (eˣ + eʸ) = h + ln (1 + e^(l-h)), with h and l the higher and the lower of the two

    d/dx = eˣ / (eˣ + eʸ) = e^(x-out)      where both are -inf: out = -inf, gradient 0
    """
    integers = False

    def forward(x, y):
        high, low = xp(x, y).maximum(x, y), xp(x, y).minimum(x, y)
        return high + xp(high).log1p(xp(high).exp(low - finite(high)))

    def dx(g, x, out): return masked(g * exp(gap(x, out)), keep=out > -math.inf)
    def dy(g, y, out): return masked(g * exp(gap(y, out)), keep=out > -math.inf)


def gap(x, out):
    """x - out, and 0 where the two are equal, though they be infinite."""
    differ = x != out
    return where(x, 0, condition=differ) - where(out, 0, condition=differ)


class xlogy(Op):
    """out = x ln y      0 ln y = 0, whatever y ≥ 0; its gradient 0 there too"""
    integers = False

    def forward(x, y):
        if is_number(y):
            y = xp(x).full((), y, x.dtype)
        return xp(x, y).where((x == 0) & (y == y), 0, x * xp(y).log(y + ((x == 0) & (y == 0))))

    def dx(g, x, y):
        if is_number(y):
            y = full_like(x, value=y)
        return g * log(where(y, 1, condition=(x != 0) | (y > 0)))

    def dy(g, x, y): return g * (x / y)


# ---- trigonometry -----------------------------------------------------------------------------------------------
class sin(Op):
    """out = sin x"""
    integers = False
    def forward(x): return xp(x).sin(x)
    def dx(g, x): return g * cos(x)


class cos(Op):
    """out = cos x"""
    integers = False
    def forward(x): return xp(x).cos(x)
    def dx(g, x): return -g * sin(x)


class tan(Op):
    """out = tan x      tan' = 1 + tan²"""
    integers = False
    def forward(x): return xp(x).tan(x)
    def dx(g, out): return g * (1 + out * out)


class asin(Op):
    """out = arcsin x"""
    integers = False
    def forward(x): return xp(x).arcsin(x)
    def dx(g, x): return g / sqrt(1 - x * x)


class acos(Op):
    """out = arccos x"""
    integers = False
    def forward(x): return xp(x).arccos(x)
    def dx(g, x): return -g / sqrt(1 - x * x)


class atan(Op):
    """out = arctan x"""
    integers = False
    def forward(x): return xp(x).arctan(x)
    def dx(g, x): return g / (1 + x * x)


class atan2(Op):
    """out = the angle of the point (x, y), given as atan2(y, x)      gradient 0 at the origin"""
    integers = False
    def forward(y, x): return xp(y, x).arctan2(y, x)
    def dy(g, x, radius2): return g * (x / radius2)
    def dx(g, y, radius2): return -g * (y / radius2)

    def radius2(y, x):
        r2 = x * x + y * y
        return r2 + (r2 == 0)


class sinh(Op):
    """out = sinh x = (eˣ - e⁻ˣ) / 2"""
    integers = False
    def forward(x): return xp(x).sinh(x)
    def dx(g, x): return g * cosh(x)


class cosh(Op):
    """out = cosh x = (eˣ + e⁻ˣ) / 2"""
    integers = False
    def forward(x): return xp(x).cosh(x)
    def dx(g, x): return g * sinh(x)


class tanh(Op):
    """out = tanh x      tanh' = 1 - tanh²      (SPEC F-15)"""
    integers = False
    def forward(x): return xp(x).tanh(x)
    def dx(g, out): return g * (1 - out * out)


class asinh(Op):
    """out = arsinh x = ln (x + √(x² + 1))"""
    integers = False
    def forward(x): return xp(x).arcsinh(x)
    def dx(g, x): return g / sqrt(x * x + 1)


class acosh(Op):
    """out = arcosh x = ln (x + √(x² - 1))"""
    integers = False
    def forward(x): return xp(x).arccosh(x)
    def dx(g, x): return g / sqrt(x * x - 1)


class atanh(Op):
    """out = artanh x = ½ ln ((1 + x) / (1 - x))"""
    integers = False
    def forward(x): return xp(x).arctanh(x)
    def dx(g, x): return g / (1 - x * x)


class sinc(Op):
    """out = sin(πx) / πx, and 1 at 0      sinc' = (cos(πx) - out) / x, and near 0, where that cancels, its Taylor series"""
    integers = False
    def forward(x): return xp(x).sinc(x)

    def dx(g, x, out):
        near = (x > -0.25) & (x < 0.25)
        t, series = -(x * x) * math.pi ** 2, 0                  # sin(u) / u = Σ (-u²)ᵏ / (2k + 1)!  with  u = πx
        for k in range(9, 0, -1):
            series = series * t + 2 * k / math.factorial(2 * k + 1)
        return g * where(series * x * -math.pi ** 2, (cos(math.pi * x) - out) / where(1, x, condition=near), condition=near)


# ---- the error function -----------------------------------------------------------------------------------------
class erf(Op):
    """out = 2/√π ∫₀ˣ e^(-t²) dt      (see error_function.py)"""
    integers = False
    def forward(x): return error_function.erf(x)
    def dx(g, x): return g * exp(-x * x) * (2 / math.sqrt(math.pi))


class erfc(Op):
    """out = 1 - erf(x), exact where that is small"""
    integers = False
    def forward(x): return error_function.erfc(x)
    def dx(g, x): return g * exp(-x * x) * (-2 / math.sqrt(math.pi))


class erfinv(Op):
    """out = the y with erf(y) = x"""
    integers = False
    def forward(x): return error_function.erfinv(x)
    def dx(g, out): return g * exp(out * out) * (math.sqrt(math.pi) / 2)


# ---- size, sign and rounding ------------------------------------------------------------------------------------
class abs(Op):
    """out = |x|      |·|'(0) = 0"""
    def forward(x): return xp(x).abs(x)
    def dx(g, x): return g * sign(x)


class sign(Op):
    """out = 1, 0 or -1 as x is above, at or below 0      its gradient is 0"""
    def forward(x): return xp(x).sign(x)
    def dx(g): return full_like(g, value=0)


class copysign(Op):
    """out = |x| with the sign of y      gradient 0 at x = 0"""
    integers = False
    def forward(x, y): return xp(x, y).copysign(x, y)
    def dx(g, x, out): return g * (sign(x) * sign(out))
    def dy(g): return full_like(g, value=0)


def whole(x):
    """Whether x is of integers, which rounding leaves as they are."""
    return x.dtype.kind in "iu"


class round(Op):
    """out = the nearest whole number (or that of `decimals` decimals), the even one of two      its gradient is 0"""
    def forward(x, *, decimals=0): return xp(x).round(x, decimals)
    def dx(g): return full_like(g, value=0)


class floor(Op):
    """out = ⌊x⌋      its gradient is 0"""
    def forward(x): return x.copy() if whole(x) else xp(x).floor(x)
    def dx(g): return full_like(g, value=0)


class ceil(Op):
    """out = ⌈x⌉      its gradient is 0"""
    def forward(x): return x.copy() if whole(x) else xp(x).ceil(x)
    def dx(g): return full_like(g, value=0)


class trunc(Op):
    """out = x without its fraction      its gradient is 0"""
    def forward(x): return x.copy() if whole(x) else xp(x).trunc(x)
    def dx(g): return full_like(g, value=0)


# ---- choices ----------------------------------------------------------------------------------------------------
class where(Op):
    """out = x where the condition is true, y elsewhere      what was not taken gets a gradient of exactly 0"""
    def forward(x, y, *, condition): return where_array(condition, x, y)
    def dx(g, condition): return masked(g, keep=condition)
    def dy(g, condition): return masked(g, keep=~condition)


class masked(Op):
    """out = x where `keep` is true, exactly 0 elsewhere, also where x is inf or NaN"""
    def forward(x, *, keep): return masked_array(x, keep)
    def dx(g, keep): return masked(g, keep=keep)


class maximum(Op):
    """out = the larger of x and y; a tie gives each half of the gradient"""
    def forward(x, y): return xp(x, y).maximum(x, y)
    def dx(g, x, y): return half_at_ties(g, x > y, x >= y)
    def dy(g, x, y): return half_at_ties(g, y > x, y >= x)


class minimum(Op):
    """out = the smaller of x and y; a tie gives each half of the gradient"""
    def forward(x, y): return xp(x, y).minimum(x, y)
    def dx(g, x, y): return half_at_ties(g, x < y, x <= y)
    def dy(g, x, y): return half_at_ties(g, y < x, y <= x)


class fmax(Op):
    """out = the larger of x and y, or the one that is a number where the other is NaN; a tie gives each half of the gradient"""
    def forward(x, y): return xp(x, y).fmax(x, y)
    def dx(g, x, y): return half_at_ties(g, (x > y) | (y != y), (x >= y) | (y != y))
    def dy(g, x, y): return half_at_ties(g, (y > x) | (x != x), (y >= x) | (x != x))


class fmin(Op):
    """out = the smaller of x and y, or the one that is a number where the other is NaN; a tie gives each half of the gradient"""
    def forward(x, y): return xp(x, y).fmin(x, y)
    def dx(g, x, y): return half_at_ties(g, (x < y) | (y != y), (x <= y) | (y != y))
    def dy(g, x, y): return half_at_ties(g, (y < x) | (x != x), (y <= x) | (x != x))


def half_at_ties(g, won, won_or_tied):
    """g where it won, ½ g at a tie, 0 where it lost."""
    return 0.5 * (g * won + g * won_or_tied)


class clip(Op):
    """out = x, brought within low ≤ out ≤ high (None: no bound); high wins where low > high

    gradient 1 at the bounds; a bound that took the place of x gets the gradient instead
    """
    def forward(x, low=None, high=None): return xp(x).clip(x, low, high)

    def dx(g, x, low, high):
        if low is None or high is None:
            return g * (x <= high if low is None else x >= low)
        return g * ((x >= low) & (x <= high))

    def dlow(g, x, low, high): return g * (x < low if high is None else (x < low) & (low < high))
    def dhigh(g, x, low, high): return g * (x > high if low is None else (x > high) | (low > high))


class nan_to_num(Op):
    """out = x, with numbers in the places of NaN, inf and -inf; gradient 0 there"""
    def forward(x, *, nan=0.0, posinf=None, neginf=None): return xp(x).nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)
    def dx(g, x): return masked(g, keep=isfinite(x))


# ---- comparisons and other yes or no: no gradient ---------------------------------------------------------------
class greater(Op):
    """out = x > y"""
    def forward(x, y): return x > y


class greater_equal(Op):
    """out = x ≥ y"""
    def forward(x, y): return x >= y


class less(Op):
    """out = x < y"""
    def forward(x, y): return x < y


class less_equal(Op):
    """out = x ≤ y"""
    def forward(x, y): return x <= y


class equal(Op):
    """out = x == y"""
    def forward(x, y): return x == y


class not_equal(Op):
    """out = x ≠ y"""
    def forward(x, y): return x != y


class isclose(Op):
    """out = |x - y| ≤ atol + rtol |y|"""
    def forward(x, y, *, rtol=1e-5, atol=1e-8, equal_nan=False):
        return xp(x, y).isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)


class isnan(Op):
    """out = whether x is NaN"""
    def forward(x): return x != x


class isinf(Op):
    """out = whether x is inf or -inf"""
    def forward(x): return xp(x).isinf(x)


class isfinite(Op):
    """out = whether x is neither NaN nor ±inf"""
    def forward(x): return xp(x).isfinite(x)


class signbit(Op):
    """out = whether the sign of x is minus, that of -0 too"""
    def forward(x): return xp(x).signbit(x) if x.dtype.kind == "f" else x < 0


class heaviside(Op):
    """out = 0 where x < 0, 1 where x > 0, and y where x = 0"""
    def forward(x, y):
        m = xp(x, y)
        out = m.where(x == 0, y, x > 0)
        return out.astype((x if hasattr(x, "dtype") else y).dtype)


class logical_and(Op):
    """out = x and y, where everything but 0 counts as true"""
    def forward(x, y): return xp(x, y).logical_and(x, y)


class logical_or(Op):
    """out = x or y, where everything but 0 counts as true"""
    def forward(x, y): return xp(x, y).logical_or(x, y)


class logical_xor(Op):
    """out = either x or y, where everything but 0 counts as true"""
    def forward(x, y): return xp(x, y).logical_xor(x, y)


class logical_not(Op):
    """out = not x, where everything but 0 counts as true"""
    def forward(x): return xp(x).logical_not(x)


class bitwise_and(Op):
    """out = the bits that are set in x and in y"""
    def forward(x, y): return x & y


class bitwise_or(Op):
    """out = the bits that are set in x or in y"""
    def forward(x, y): return x | y


class bitwise_xor(Op):
    """out = the bits that are set in either x or y"""
    def forward(x, y): return x ^ y


class bitwise_not(Op):
    """out = x with every bit turned over"""
    def forward(x): return ~x


class bitwise_left_shift(Op):
    """out = x 2ʸ, for integers"""
    def forward(x, y): return x << y


class bitwise_right_shift(Op):
    """out = ⌊x / 2ʸ⌋, for integers"""
    def forward(x, y): return x >> y
