"""Functions of each element by itself, and softmax and its kin, spelled as PyTorch spells them.

`input` is a Tensor; `other` a Tensor or a number, and the two broadcast.  Integers become floats where the result is no integer.
"""
from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import autograd, backend, errors, ops, promotion
from ..op import raw, wrap
from ..types import as_dtype
from .common import in_place, numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide", "floor_divide", "remainder",
           "fmod", "neg", "negative", "positive", "lerp", "addcmul", "addcdiv", "pow", "square", "sqrt", "rsqrt", "reciprocal",
           "hypot", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "xlogy", "logit", "sin",
           "cos", "tan", "asin", "arcsin", "acos", "arccos", "atan", "arctan", "atan2", "arctan2", "sinh", "cosh", "tanh",
           "asinh", "arcsinh", "acosh", "arccosh", "atanh", "arctanh", "sinc", "deg2rad", "rad2deg", "erf", "erfc", "erfinv",
           "abs", "absolute", "sign", "sgn", "copysign", "signbit", "heaviside", "round", "floor", "ceil", "trunc", "fix",
           "frac", "where", "safe_where", "maximum", "minimum", "fmax", "fmin", "clamp", "clip", "clamp_min", "clamp_max",
           "nan_to_num", "eq", "ne", "not_equal", "lt", "less", "le", "less_equal", "gt", "greater", "ge", "greater_equal",
           "isclose", "allclose", "equal", "isnan", "isinf", "isposinf", "isneginf", "isfinite", "logical_and", "logical_or",
           "logical_xor", "logical_not", "bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_left_shift",
           "bitwise_right_shift", "relu", "relu_", "sigmoid", "selu", "selu_", "celu", "celu_", "prelu", "threshold",
           "hardshrink", "softmax", "log_softmax", "logsumexp"]


# ---- arithmetic -------------------------------------------------------------------------------------------------
def times(x: Any, alpha: float, beside: Any) -> Any:
    """alpha · x, which is to be added to something of the type of `beside`."""
    if alpha == 1:
        return x
    if type(alpha) is float and promotion.result_type(raw(x), raw(beside)).kind in "biu":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return ops.mul(x, alpha)


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha · other"""
    return ops.add(input, times(other, alpha, input))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha · other"""
    return ops.sub(input, times(other, alpha, input))


def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """other - alpha · input"""
    return ops.sub(other, times(input, alpha, other))


def mul(input: Any, other: Any) -> Tensor:
    """input · other"""
    return ops.mul(input, other)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; rounded down by rounding_mode="floor", towards 0 by "trunc", and then with gradient 0"""
    if rounding_mode is None:
        return ops.div(input, other)
    if rounding_mode == "floor":
        return ops.floor_divide(input, other)
    if rounding_mode == "trunc":
        return ops.trunc_divide(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found {rounding_mode!r}")


def floor_divide(input: Any, other: Any) -> Tensor:
    """⌊input / other⌋, with gradient 0"""
    return ops.floor_divide(input, other)


def remainder(input: Any, other: Any) -> Tensor:
    """input - ⌊input / other⌋ · other: what Python's % gives, with the sign of other"""
    return ops.remainder(input, other)


def fmod(input: Any, other: Any) -> Tensor:
    """input - trunc(input / other) · other: what C's fmod gives, with the sign of input"""
    return ops.fmod(input, other)


def neg(input: Tensor) -> Tensor:
    """-input"""
    return ops.neg(input)


def positive(input: Tensor) -> Tensor:
    """input itself"""
    if input.array.dtype.kind == "b":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """input + weight · (end - input)"""
    return ops.lerp(input, end, weight)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 · tensor2"""
    return add(input, ops.mul(tensor1, tensor2), alpha=value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """input + value · tensor1 / tensor2"""
    if promotion.result_type(raw(tensor1), raw(tensor2)).kind in "biu":
        raise RuntimeError("Integer division with addcdiv is not supported: make floats of the tensors, or use "
                           "input + value * torch.div(tensor1, tensor2, rounding_mode='trunc')")
    return add(input, ops.div(tensor1, tensor2), alpha=value)


# ---- powers -----------------------------------------------------------------------------------------------------
def pow(input: Any, exponent: Any) -> Tensor:
    """input to the power of exponent; one of them may be a number"""
    return ops.pow(input, exponent)


def square(input: Tensor) -> Tensor:
    """input²"""
    return ops.pow(input, 2)


def sqrt(input: Tensor) -> Tensor:
    """√input"""
    return ops.sqrt(input)


def rsqrt(input: Tensor) -> Tensor:
    """1 / √input"""
    return ops.rsqrt(input)


def reciprocal(input: Tensor) -> Tensor:
    """1 / input"""
    return ops.reciprocal(input)


def hypot(input: Tensor, other: Tensor) -> Tensor:
    """√(input² + other²)"""
    return ops.hypot(input, other)


# ---- exponentials and logarithms --------------------------------------------------------------------------------
def exp(input: Tensor) -> Tensor:
    """e to the power of input"""
    return ops.exp(input)


def exp2(input: Tensor) -> Tensor:
    """2 to the power of input"""
    return ops.exp2(input)


def expm1(input: Tensor) -> Tensor:
    """eˣ - 1, exact for small x"""
    return ops.expm1(input)


def log(input: Tensor) -> Tensor:
    """The natural logarithm of input"""
    return ops.log(input)


def log2(input: Tensor) -> Tensor:
    """The logarithm of input to base 2"""
    return ops.log2(input)


def log10(input: Tensor) -> Tensor:
    """The logarithm of input to base 10"""
    return ops.log10(input)


def log1p(input: Tensor) -> Tensor:
    """ln (1 + x), exact for small x"""
    return ops.log1p(input)


def logaddexp(input: Tensor, other: Tensor) -> Tensor:
    """ln (eˣ + eʸ), without overflow"""
    return ops.logaddexp(input, other)


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log₂ (2ˣ + 2ʸ), without overflow"""
    ln2, common = math.log(2), promotion.result_type(raw(input), raw(other))    # the type first: numbers of two would round twice
    x, y = [ops.astype(x, dtype=common) if isinstance(x, autograd.Tensor) else x for x in (input, other)]
    return ops.mul(ops.logaddexp(ops.mul(x, ln2), ops.mul(y, ln2)), 1 / ln2)


def xlogy(input: Any, other: Any) -> Tensor:
    """input · ln other, and 0 where input is 0"""
    return ops.xlogy(input, other)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """ln (x / (1 - x)), the inverse of sigmoid; with eps, x is first brought within eps and 1 - eps"""
    x = input if eps is None else ops.clip(input, eps, 1 - eps)
    return ops.sub(ops.log(x), ops.log1p(ops.mul(x, -1.0)))     # log of a quotient would have slope nan at 0 and 1, not inf


# ---- trigonometry -----------------------------------------------------------------------------------------------
def sin(input: Tensor) -> Tensor:
    """The sine of input, an angle in radians"""
    return ops.sin(input)


def cos(input: Tensor) -> Tensor:
    """The cosine of input, an angle in radians"""
    return ops.cos(input)


def tan(input: Tensor) -> Tensor:
    """The tangent of input, an angle in radians"""
    return ops.tan(input)


def asin(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose sine is input"""
    return ops.asin(input)


def acos(input: Tensor) -> Tensor:
    """The angle in [0, π] whose cosine is input"""
    return ops.acos(input)


def atan(input: Tensor) -> Tensor:
    """The angle in [-π/2, π/2] whose tangent is input"""
    return ops.atan(input)


def atan2(input: Any, other: Any) -> Tensor:
    """The angle in [-π, π] of the point with x = other and y = input"""
    return ops.atan2(input, other)


def sinh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2"""
    return ops.sinh(input)


def cosh(input: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2"""
    return ops.cosh(input)


def tanh(input: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / (eˣ + e⁻ˣ)"""
    return ops.tanh(input)


def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh"""
    return ops.asinh(input)


def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh, not negative"""
    return ops.acosh(input)


def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh"""
    return ops.atanh(input)


def sinc(input: Tensor) -> Tensor:
    """sin(πx) / πx, and 1 at 0"""
    return ops.sinc(input)


def deg2rad(input: Tensor) -> Tensor:
    """Degrees to radians: x · π/180"""
    return ops.mul(input, math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """Radians to degrees: x · 180/π"""
    return ops.mul(input, 180 / math.pi)


# ---- the error function -----------------------------------------------------------------------------------------
def erf(input: Tensor) -> Tensor:
    """2/√π ∫₀ˣ e^(-t²) dt"""
    return ops.erf(input)


def erfc(input: Tensor) -> Tensor:
    """1 - erf(input), exact where that is small"""
    return ops.erfc(input)


def erfinv(input: Tensor) -> Tensor:
    """The inverse of erf"""
    return ops.erfinv(input)


# ---- size, sign and rounding ------------------------------------------------------------------------------------
def abs(input: Tensor) -> Tensor:
    """|input|, with gradient 0 at 0"""
    return ops.abs(input)


def sign(input: Tensor) -> Tensor:
    """1, 0 or -1 as input is above, at or below 0; with gradient 0"""
    return ops.sign(input) if input.array.dtype.kind != "b" else ops.clone(input)


def copysign(input: Any, other: Any) -> Tensor:
    """|input| with the sign of other"""
    return ops.copysign(input, other)


def signbit(input: Tensor) -> Tensor:
    """Whether the sign is minus, that of -0.0 too"""
    return ops.signbit(input)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 below 0, 1 above, and `values` at 0"""
    return ops.heaviside(input, values)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest whole number (the even one of two), or that of so many decimals; with gradient 0"""
    return ops.round(input, decimals=decimals)


def floor(input: Tensor) -> Tensor:
    """The largest whole number that is not above input; with gradient 0"""
    return ops.floor(input)


def ceil(input: Tensor) -> Tensor:
    """The smallest whole number that is not below input; with gradient 0"""
    return ops.ceil(input)


def trunc(input: Tensor) -> Tensor:
    """input without its fraction; with gradient 0"""
    return ops.trunc(input)


def frac(input: Tensor) -> Tensor:
    """The fraction of input, with its sign: x - trunc(x)"""
    return ops.sub(input, ops.trunc(input))


# ---- choices ----------------------------------------------------------------------------------------------------
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """input where the condition holds, other elsewhere.  where(x) alone: the indices where x is not 0, as a tuple.

    What was not taken gets gradient 0.  But a NaN or inf in the *derivative* of what was not taken is not stopped by that:
    d/dx where(x > 0, sqrt(x), 0) is 0 · inf = NaN at x = 0, because sqrt was applied there too.  Use `safe_where`.
    """
    if not isinstance(condition, autograd.Tensor):
        raise TypeError(f"where: the condition is a tensor of booleans, got {type(condition).__name__}")
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    if condition.array.dtype.kind != "b":
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {condition.dtype}")
    if input is None or other is None:
        raise TypeError("where takes a condition alone, or with both of input and other")
    if not isinstance(input, autograd.Tensor) and not isinstance(other, autograd.Tensor):
        numbers = [backend.python_number(x) if type(x) not in backend.array_types else x for x in (input, other)]
        like = backend.xp(condition.array)
        input = wrap(like.asarray(input, dtype=promotion.result_type(*numbers)))
    return ops.where(input, other, condition=condition)


def safe_where(condition: Tensor, function: Callable[[Tensor], Tensor], input: Tensor, other: Any, *, safe: float = 1.0) -> Tensor:
    """function(input) where the condition holds, other elsewhere, with no NaN in the gradient from where it does not hold:

        safe_where(x > 0, sqrt, x, 0.0)                 instead of      where(x > 0, sqrt(x), 0.0)

    function is applied to an input in which `safe`, a number that is harmless to it, stands wherever the condition does not hold.
    other: a number, a Tensor, or a function, which is then treated in the same way, with the condition reversed.
    """
    taken = function(where(condition, input, safe))
    if callable(other):
        other = other(where(condition, safe, input))
    return where(condition, taken, other)


def maximum(input: Any, other: Any) -> Tensor:
    """The larger of the two; NaN if one is.  Where they are equal each gets half of the gradient."""
    return ops.maximum(input, other)


def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of the two; NaN if one is.  Where they are equal each gets half of the gradient."""
    return ops.minimum(input, other)


def fmax(input: Any, other: Any) -> Tensor:
    """The larger of the two, or the one that is not NaN.  Where they are equal each gets half of the gradient."""
    return ops.fmax(input, other)


def fmin(input: Any, other: Any) -> Tensor:
    """The smaller of the two, or the one that is not NaN.  Where they are equal each gets half of the gradient."""
    return ops.fmin(input, other)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """input brought within min and max (numbers or Tensors, or None for no bound), with gradient 1 at the bounds"""
    if min is None and max is None:
        raise RuntimeError("clamp: At least one of 'min' or 'max' must not be None")
    return ops.clip(input, min, max)


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """input, and min where it is below"""
    return ops.clip(input, min, None)


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """input, and max where it is above"""
    return ops.clip(input, None, max)


def nan_to_num(input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """input with numbers instead of NaN (default 0), inf (the largest number) and -inf (the lowest); gradient 0 there"""
    return ops.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


# ---- comparisons ------------------------------------------------------------------------------------------------
def eq(input: Any, other: Any) -> Tensor:
    """input == other, element by element"""
    return ops.equal(input, other)


def ne(input: Any, other: Any) -> Tensor:
    """input ≠ other, element by element"""
    return ops.not_equal(input, other)


def lt(input: Any, other: Any) -> Tensor:
    """input < other, element by element"""
    return ops.less(input, other)


def le(input: Any, other: Any) -> Tensor:
    """input ≤ other, element by element"""
    return ops.less_equal(input, other)


def gt(input: Any, other: Any) -> Tensor:
    """input > other, element by element"""
    return ops.greater(input, other)


def ge(input: Any, other: Any) -> Tensor:
    """input ≥ other, element by element"""
    return ops.greater_equal(input, other)


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """|input - other| ≤ atol + rtol |other|, element by element; equal_nan: NaN is close to NaN"""
    if not (rtol >= 0 and atol >= 0):
        raise errors.WrongValue(f"isclose: rtol and atol are not negative, got {rtol} and {atol}")
    return ops.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere"""
    return bool(isclose(input, other, rtol, atol, equal_nan).array.all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements"""
    if not isinstance(other, autograd.Tensor):
        raise TypeError(f"equal: other is a Tensor, got {type(other).__name__}; eq(input, number) compares each element")
    return input.array.shape == other.array.shape and bool(ops.equal(input, other).array.all())


def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN"""
    return ops.isnan(input)


def isinf(input: Tensor) -> Tensor:
    """Whether each element is inf or -inf"""
    return ops.isinf(input)


def isposinf(input: Tensor) -> Tensor:
    """Whether each element is inf"""
    return ops.equal(input, math.inf)


def isneginf(input: Tensor) -> Tensor:
    """Whether each element is -inf"""
    return ops.equal(input, -math.inf)


def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither NaN nor inf nor -inf"""
    return ops.isfinite(input)


# ---- logic ------------------------------------------------------------------------------------------------------
def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """input and other, where everything but 0 counts as true"""
    return ops.logical_and(input, other)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """input or other, where everything but 0 counts as true"""
    return ops.logical_or(input, other)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Either input or other, where everything but 0 counts as true"""
    return ops.logical_xor(input, other)


def logical_not(input: Tensor) -> Tensor:
    """not input, where everything but 0 counts as true"""
    return ops.logical_not(input)


def bitwise_and(input: Any, other: Any) -> Tensor:
    """The bits set in both; for booleans, and"""
    return ops.bitwise_and(input, other)


def bitwise_or(input: Any, other: Any) -> Tensor:
    """The bits set in one or both; for booleans, or"""
    return ops.bitwise_or(input, other)


def bitwise_xor(input: Any, other: Any) -> Tensor:
    """The bits set in just one; for booleans, either or"""
    return ops.bitwise_xor(input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """Every bit turned over; for booleans, not"""
    return ops.bitwise_not(input)


def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """input · 2^other, for integers"""
    return ops.bitwise_left_shift(input, other)


def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """⌊input / 2^other⌋, for integers"""
    return ops.bitwise_right_shift(input, other)


# ---- activations (the others are in nn.functional) --------------------------------------------------------------
def relu(input: Tensor) -> Tensor:
    """max(0, x), with gradient 0 at 0"""
    if input.array.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    return ops.relu(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + e⁻ˣ)"""
    return ops.sigmoid(input)


def selu(input: Tensor) -> Tensor:
    """scale · (x where x > 0, α (eˣ - 1) elsewhere), with α = 1.6733 and scale = 1.0507"""
    return ops.elu(input, alpha=1.6732632423543772848170429916717, scale=1.0507009873554804934193349852946)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, α (e^(x/α) - 1) elsewhere"""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return ops.elu(input, alpha=alpha, rate=1 / alpha)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, weight · x elsewhere; weight has one element, or one for each channel (dimension 1 of input)"""
    channels = input.array.shape[1] if input.array.ndim > 1 else 1
    if weight.array.ndim > 1:
        raise errors.ShapeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.array.ndim}")
    if weight.array.size not in (1, channels):
        raise errors.ShapeError(f"prelu: Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                                f"{weight.array.size} and channel size = {channels}")
    if weight.array.ndim == 1:
        trailing = max(0, input.array.ndim - 2)
        weight = ops.reshape(weight, to=(-1,) + (1,) * trailing if input.array.ndim > 1 else (1,) * input.array.ndim)
    return ops.prelu(input, weight)


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """x where x > threshold, value elsewhere"""
    return ops.threshold(input, above=threshold, value=value)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where |x| > lambd, 0 elsewhere"""
    return ops.hardshrink(input, within=lambd)


def along(op: Any, input: Tensor, dim: Any, dtype: Any) -> Tensor:
    """op along one dimension, of input in another number type if one is given."""
    if not isinstance(dim, int):
        raise TypeError(f"{op.__name__}: dim is the dimension to normalise along, an int, got {dim!r}")
    if dtype is not None:
        input = ops.astype(input, dtype=as_dtype(dtype).dtype)
    if input.array.ndim == 0 and dim in (0, -1):                # a number passes for one of a single dimension
        return ops.reshape(op(ops.reshape(input, to=(1,)), axis=dim), to=())
    return op(input, axis=dim)


@numpy_names
def softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """e^xᵢ / Σⱼ e^xⱼ along dim; zeros where all x are -inf"""
    return along(ops.softmax, input, dim, dtype)


@numpy_names
def log_softmax(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
    """xᵢ - ln Σⱼ e^xⱼ along dim, which is ln softmax(x); -inf where all x are"""
    return along(ops.log_softmax, input, dim, dtype)


@numpy_names
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """ln Σ e^x over dim (an int, or several), without overflow"""
    axis = tuple(dim) if isinstance(dim, (tuple, list)) else dim
    if axis == () or input.array.ndim == 0 and axis in (0, -1, (0,), (-1,)):
        axis = None
    return ops.logsumexp(input, axis=axis, keepdims=keepdim)


# ---- other names for the same -----------------------------------------------------------------------------------
subtract, multiply, divide, true_divide, negative = sub, mul, div, div, neg
arcsin, arccos, arctan, arctan2, arcsinh, arccosh, arctanh = asin, acos, atan, atan2, asinh, acosh, atanh
absolute, sgn, fix, clip = abs, sign, trunc, clamp
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
relu_, selu_, celu_ = in_place(relu), in_place(selu), in_place(celu)


class Elementwise:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    add, sub, subtract, mul, multiply, div, divide, true_divide = add, sub, subtract, mul, multiply, div, divide, true_divide
    floor_divide, remainder, fmod, neg, negative, positive = floor_divide, remainder, fmod, neg, negative, positive
    lerp, addcmul, addcdiv, pow, square, sqrt, rsqrt = lerp, addcmul, addcdiv, pow, square, sqrt, rsqrt
    reciprocal, hypot, exp, exp2, expm1, log, log2, log10 = reciprocal, hypot, exp, exp2, expm1, log, log2, log10
    log1p, logaddexp, logaddexp2, xlogy, logit, sin, cos, tan = log1p, logaddexp, logaddexp2, xlogy, logit, sin, cos, tan
    asin, arcsin, acos, arccos, atan, arctan, atan2, arctan2 = asin, arcsin, acos, arccos, atan, arctan, atan2, arctan2
    sinh, cosh, tanh, asinh, arcsinh, acosh, arccosh, atanh = sinh, cosh, tanh, asinh, arcsinh, acosh, arccosh, atanh
    arctanh, sinc, deg2rad, rad2deg, erf, erfc, erfinv, abs = arctanh, sinc, deg2rad, rad2deg, erf, erfc, erfinv, abs
    absolute, sign, sgn, copysign, signbit, heaviside, round = absolute, sign, sgn, copysign, signbit, heaviside, round
    floor, ceil, trunc, fix, frac, maximum, minimum, fmax, fmin = floor, ceil, trunc, fix, frac, maximum, minimum, fmax, fmin
    clamp, clip, clamp_min, clamp_max, nan_to_num, eq, ne = clamp, clip, clamp_min, clamp_max, nan_to_num, eq, ne
    not_equal, lt, less, le, less_equal, gt, greater, ge = not_equal, lt, less, le, less_equal, gt, greater, ge
    greater_equal, isclose, allclose, equal, isnan, isinf = greater_equal, isclose, allclose, equal, isnan, isinf
    isposinf, isneginf, isfinite, logical_and, logical_or = isposinf, isneginf, isfinite, logical_and, logical_or
    logical_xor, logical_not, bitwise_and, bitwise_or = logical_xor, logical_not, bitwise_and, bitwise_or
    bitwise_xor, bitwise_not, bitwise_left_shift = bitwise_xor, bitwise_not, bitwise_left_shift
    bitwise_right_shift, relu, sigmoid, prelu, hardshrink = bitwise_right_shift, relu, sigmoid, prelu, hardshrink
    softmax, log_softmax, logsumexp = softmax, log_softmax, logsumexp

    def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:           # type: ignore[misc]
        """The elements of this tensor where the condition holds, those of other elsewhere."""
        return where(condition, self, other)

    # ---- in place -----------------------------------------------------------------------------------------------
    def add_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
        """`add`, in place: see there.  Returns this tensor."""
        return self._edit("add_", ops.add, times(other, alpha, self), operator.iadd)

    def sub_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
        """`sub`, in place: see there.  Returns this tensor."""
        return self._edit("sub_", ops.sub, times(other, alpha, self), operator.isub)

    def mul_(self: Tensor, other: Any) -> Tensor:
        """`mul`, in place: see there.  Returns this tensor."""
        return self._edit("mul_", ops.mul, other, operator.imul)

    subtract_, multiply_ = sub_, mul_
    div_, divide_, true_divide_ = in_place(div), in_place(divide), in_place(true_divide)
    floor_divide_, remainder_, fmod_, neg_ = in_place(floor_divide), in_place(remainder), in_place(fmod), in_place(neg)
    negative_, lerp_, addcmul_, addcdiv_ = in_place(negative), in_place(lerp), in_place(addcmul), in_place(addcdiv)
    pow_, square_, sqrt_, rsqrt_ = in_place(pow), in_place(square), in_place(sqrt), in_place(rsqrt)
    reciprocal_, hypot_, exp_, exp2_ = in_place(reciprocal), in_place(hypot), in_place(exp), in_place(exp2)
    expm1_, log_, log2_, log10_, log1p_ = in_place(expm1), in_place(log), in_place(log2), in_place(log10), in_place(log1p)
    xlogy_, logit_, sin_, cos_, tan_ = in_place(xlogy), in_place(logit), in_place(sin), in_place(cos), in_place(tan)
    asin_, arcsin_, acos_, arccos_ = in_place(asin), in_place(arcsin), in_place(acos), in_place(arccos)
    atan_, arctan_, atan2_, arctan2_ = in_place(atan), in_place(arctan), in_place(atan2), in_place(arctan2)
    sinh_, cosh_, tanh_, asinh_ = in_place(sinh), in_place(cosh), in_place(tanh), in_place(asinh)
    arcsinh_, acosh_, arccosh_, atanh_ = in_place(arcsinh), in_place(acosh), in_place(arccosh), in_place(atanh)
    arctanh_, sinc_, deg2rad_, rad2deg_ = in_place(arctanh), in_place(sinc), in_place(deg2rad), in_place(rad2deg)
    erf_, erfc_, erfinv_, abs_ = in_place(erf), in_place(erfc), in_place(erfinv), in_place(abs)
    absolute_, sign_, sgn_, copysign_ = in_place(absolute), in_place(sign), in_place(sgn), in_place(copysign)
    heaviside_, round_, floor_, ceil_ = in_place(heaviside), in_place(round), in_place(floor), in_place(ceil)
    trunc_, fix_, frac_, clamp_, clip_ = in_place(trunc), in_place(fix), in_place(frac), in_place(clamp), in_place(clip)
    clamp_min_, clamp_max_, nan_to_num_, eq_ = in_place(clamp_min), in_place(clamp_max), in_place(nan_to_num), in_place(eq)
    ne_, not_equal_, lt_, less_, le_ = in_place(ne), in_place(not_equal), in_place(lt), in_place(less), in_place(le)
    less_equal_, gt_, greater_, ge_ = in_place(less_equal), in_place(gt), in_place(greater), in_place(ge)
    greater_equal_, logical_and_, logical_or_ = in_place(greater_equal), in_place(logical_and), in_place(logical_or)
    logical_xor_, logical_not_, bitwise_and_ = in_place(logical_xor), in_place(logical_not), in_place(bitwise_and)
    bitwise_or_, bitwise_xor_, bitwise_not_ = in_place(bitwise_or), in_place(bitwise_xor), in_place(bitwise_not)
    bitwise_left_shift_, bitwise_right_shift_ = in_place(bitwise_left_shift), in_place(bitwise_right_shift)
    relu_, sigmoid_ = in_place(relu), in_place(sigmoid)
