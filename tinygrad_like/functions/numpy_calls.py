"""What NumPy's functions do when they are handed a Tensor: they call ours, so that the history is kept.

Known functions, and operators between arrays and Tensors, give Tensors.  Of the rest, NumPy computes those that have no
gradient on the bare arrays, and those that have one only where no gradient is wanted: nothing loses its history silently.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .. import autograd, backend
from ..grad_mode import grad_mode
from ..op import wrap
from ..types import dtype_of

_renamed = {"multiply": "mul", "subtract": "sub", "divide": "div", "true_divide": "div", "power": "pow", "negative": "neg",
            "absolute": "abs", "fabs": "abs", "less": "lt", "less_equal": "le", "greater": "gt", "greater_equal": "ge",
            "equal": "eq", "not_equal": "ne", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2",
            "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "rint": "round", "invert": "bitwise_not",
            "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "degrees": "rad2deg", "radians": "deg2rad",
            "conjugate": "conj"}
_without_gradient = {"allclose", "array_equal", "array_equiv", "isclose", "argmax", "argmin", "argsort", "argwhere", "nonzero",
                     "searchsorted", "count_nonzero", "shape", "ndim", "size", "array2string", "array_repr", "array_str",
                     "result_type", "can_cast", "zeros_like", "ones_like", "empty_like", "full_like", "shares_memory",
                     "may_share_memory", "iscomplexobj", "isrealobj", "histogram", "bincount", "digitize", "all", "any"}


# ---- NumPy's functions, with NumPy's arguments and meaning -------------------------------------------------------
def _sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return a.sum(axis, keepdims)


def _mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return a.mean(axis, keepdims)


def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return a.prod() if axis is None and not keepdims else a.prod(axis, keepdims)


def _max(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return a.amax(() if axis is None else axis, keepdims)


def _min(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return a.amin(() if axis is None else axis, keepdims)


def _std(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return a.std(axis, correction=ddof, keepdim=keepdims)


def _var(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return a.var(axis, correction=ddof, keepdim=keepdims)


def _cumsum(a: Any, axis: int | None = None) -> Any:
    return a.reshape(-1).cumsum(0) if axis is None else a.cumsum(axis)


def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    return ours("cat")([x.reshape(-1) for x in arrays] if axis is None else list(arrays), 0 if axis is None else axis)


def _stack(arrays: Any, axis: int = 0) -> Any:
    return ours("stack")(list(arrays), axis)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return ours("where")(condition, x, y)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return ours("clamp")(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _reshape(a: Any, shape: Any) -> Any:
    return a.reshape(shape)


def _transpose(a: Any, axes: Any = None) -> Any:
    return a.permute(tuple(range(a.ndim))[::-1] if axes is None else tuple(axes))


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


def _ravel(a: Any) -> Any:
    return a.reshape(-1)


def _squeeze(a: Any, axis: Any = None) -> Any:
    return a.squeeze() if axis is None else a.squeeze(axis)


def _expand_dims(a: Any, axis: int) -> Any:
    return a.unsqueeze(axis)


def _dot(a: Any, b: Any) -> Any:
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if b.ndim > 2:
        raise TypeError("numpy.dot of a Tensor is offered for matrices and vectors: use matmul, einsum or tensordot")
    return a @ b


def _einsum(subscripts: str, *operands: Any) -> Any:
    return ours("einsum")(subscripts, *operands)


known: dict[str, Callable[..., Any]] = {
    "sum": _sum, "mean": _mean, "prod": _prod, "max": _max, "amax": _max, "min": _min, "amin": _min, "std": _std, "var": _var,
    "cumsum": _cumsum, "concatenate": _concatenate, "stack": _stack, "where": _where, "clip": _clip, "reshape": _reshape,
    "transpose": _transpose, "swapaxes": _swapaxes, "ravel": _ravel, "squeeze": _squeeze, "expand_dims": _expand_dims, "dot": _dot,
    "einsum": _einsum}


# ---- the two doors ----------------------------------------------------------------------------------------------
def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """ufunc(*inputs) or ufunc.method(*inputs), one of them a Tensor.  `array + x` and `array += x` come here too."""
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    kwargs = {key: value for key, value in kwargs.items() if value is not None}
    into = kwargs.get("out", ())
    if any(isinstance(x, autograd.Tensor) for x in into):
        raise TypeError(f"numpy.{name} cannot write into a Tensor: write x[...] = result, or use an in-place method such "
                        "as x.add_(y)")
    function = ours(_renamed.get(name, name))
    if not kwargs and function is not None:
        return function(*[tensors(x) for x in inputs])
    result = getattr(ufunc, method)(*bare(f"numpy.{name}", inputs, bool(into)), **kwargs)
    return result if into or method == "at" else tensors(result)


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """function(*args, **kwargs), with a Tensor somewhere in it."""
    name = function.__name__
    if name in _without_gradient:
        with autograd.no_grad():
            return function(*bare(name, args), **bare(name, kwargs))
    if name in known:
        try:
            return known[name](*tensors(args), **tensors(kwargs))
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise TypeError(f"numpy.{name} of a Tensor: {str(error).replace('_' + name, name)}: use the function of "
                            "tinygrad_like, or NumPy on x.detach().numpy()") from error
    return function(*bare(f"numpy.{name}", args), **bare(f"numpy.{name}", kwargs))


def ours(name: str) -> Any:
    return vars(sys.modules[__package__]).get(name)


def tensors(x: Any) -> Any:
    """x with Tensors in place of arrays."""
    if isinstance(x, (list, tuple)):
        return type(x)([tensors(each) for each in x])
    if isinstance(x, dict):
        return {key: tensors(value) for key, value in x.items()}
    if type(x) in backend.array_types:
        dtype_of(x)                                             # refuses types that we do not offer
        return wrap(x)
    return x


def bare(name: str, x: Any, into: bool = False) -> Any:
    """x with arrays in place of Tensors, if no gradient is wanted of them."""
    if isinstance(x, (list, tuple)):
        return type(x)([bare(name, each, into) for each in x])
    if isinstance(x, dict):
        return {key: bare(name, value, into) for key, value in x.items()}
    if isinstance(x, autograd.Tensor):
        if x.node is not None and grad_mode.enabled:
            instead = "make the array it writes into a tensor: buffer = buffer + x" if into else "use a function of tinygrad_like"
            raise TypeError(f"{name} would lose the history of a tensor that requires grad: {instead}.  If only the numbers are "
                            "wanted: x.detach().numpy()")
        return x.detach().numpy()
    return x
