"""Functions that make one number of many, spelled as PyTorch spells them.

Throughout, `dim` is a dimension (counted from the end if negative), several where that makes sense, or None for all of them;
`keepdim` leaves reduced dimensions in place, of size 1.  `axis=` and `keepdims=` are understood as well.
"""
from __future__ import annotations

import builtins
import math
import warnings
from collections import namedtuple
from typing import TYPE_CHECKING, Any

from .. import errors, ops
from ..op import raw
from ..types import as_dtype, dtype_of, float32, float64, int64
from .common import in_place, numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["sum", "nansum", "mean", "nanmean", "prod", "var", "std", "var_mean", "std_mean", "norm", "dist", "amax", "amin",
           "aminmax", "max", "min", "argmax", "argmin", "median", "nanmedian", "mode", "kthvalue", "quantile", "nanquantile",
           "sort", "argsort", "msort", "topk", "unique", "unique_consecutive", "cumsum", "cumprod", "cummax", "cummin",
           "logcumsumexp", "diff", "any", "all", "count_nonzero", "bincount", "histc", "cov", "corrcoef"]

ValuesIndices: dict[str, Any] = {name: namedtuple(name, ["values", "indices"])
                 for name in ("max", "min", "median", "nanmedian", "mode", "kthvalue", "cummax", "cummin", "sort", "topk")}
MinMax = namedtuple("aminmax", ["min", "max"])                                  # type: ignore[name-match]


# ---- dimensions and types ---------------------------------------------------------------------------------------
def axis_of(dim: Any, ndim: int) -> int:
    """A dimension, counted from the front.  (A number without dimensions passes for one of a single dimension.)"""
    if not isinstance(dim, int):
        try:
            dim = dim.__index__()
        except AttributeError:
            raise TypeError(f"a dim is an int, got {type(dim).__name__}") from None
    last = builtins.max(ndim, 1)
    if not -last <= dim < last:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-last}, {last - 1}], but got {dim})")
    return dim % last


def axes_of(input: Tensor, dim: Any) -> Any:
    """What `dim` means for an op: an axis, a tuple of them, or None for all."""
    if dim is None:
        return None
    ndim = input.array.ndim
    if isinstance(dim, (tuple, list)):
        axes = tuple([axis_of(d, ndim) for d in dim])
        if len(set(axes)) < len(axes):
            raise RuntimeError(f"a dim appears twice in {tuple(dim)}: name each once")
        return axes if axes and ndim else None
    axis = axis_of(dim, ndim)
    return axis if ndim else None


def floating(name: str, input: Tensor) -> None:
    """Refuse integers where a mean of them would be a guess at their type."""
    if input.array.dtype.kind in "biu":
        raise RuntimeError(f"{name}(): could not infer output dtype: the input must be of a floating-point dtype, and is "
                           f"{dtype_of(input.array)}: convert it first, for example with .float()")


def counted(input: Tensor, dtype: Any) -> Tensor:
    """The input as it is to be added up: converted if a dtype is named, else integers and booleans as int64."""
    kind = input.array.dtype
    if dtype is None:
        if kind.kind not in "biu":
            return input
        dtype = int64
    wanted = as_dtype(dtype).dtype
    return input if kind == wanted else ops.astype(input, dtype=wanted)


def of_its_type(out: Tensor, input: Tensor) -> Tensor:
    """What was added up, in the type in which it was: NumPy adds small integers and booleans up in larger ones."""
    return out if out.array.dtype == input.array.dtype else ops.astype(out, dtype=input.array.dtype)


# ---- sums, means and products -----------------------------------------------------------------------------------
@numpy_names
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ x over dim.  Integers and booleans sum to int64; dtype: convert to it first."""
    axis = dim if dim is None else axes_of(input, dim)
    if dtype is not None or input.array.dtype.kind in "biu":
        input = counted(input, dtype)
        return of_its_type(ops.sum(input, axis=axis, keepdims=keepdim), input)
    return ops.sum(input, axis=axis, keepdims=keepdim)


@numpy_names
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ x over dim, of those x that are numbers."""
    return sum(ops.where(input, 0, condition=ops.equal(input, input)), dim, keepdim, dtype=dtype)


@numpy_names
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(1/n) Σ x over dim.  Of nothing it is nan."""
    if dtype is not None:
        input = counted(input, dtype)
    floating("mean", input)
    return ops.mean(input, axis=dim if dim is None else axes_of(input, dim), keepdims=keepdim)


@numpy_names
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(1/n) Σ x over dim, of the n values of x that are numbers."""
    if dtype is not None:
        input = counted(input, dtype)
    floating("nanmean", input)
    count = ops.sum(ops.equal(input, input), axis=axes_of(input, dim), keepdims=keepdim)
    n = ops.astype(ops.where(math.nan, count, condition=ops.equal(count, 0)), dtype=float64.dtype)
    return ops.astype(ops.div(nansum(input, dim, keepdim), n), dtype=input.array.dtype)


@numpy_names
def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Π x over dim (one, or all).  The gradient is exact where some x are 0."""
    input = counted(input, dtype)
    if dim is not None:
        dim = axis_of(dim, input.ndim) if input.ndim else axes_of(input, dim)
    return of_its_type(ops.prod(input, axis=dim, keepdims=keepdim), input)


# ---- spread -----------------------------------------------------------------------------------------------------
def spread(name: str, input: Tensor, dim: Any, unbiased: Any, keepdim: bool, correction: Any) -> dict[str, Any]:
    """The parameters of the ops var and std, from the two ways in which PyTorch spells them."""
    if isinstance(dim, bool):                                   # var(x, unbiased)
        if unbiased is not None:
            raise TypeError(f"{name}: unbiased was given twice")
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}: give unbiased or correction, not both: unbiased=False is correction=0")
    floating(name, input)
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    axis = axes_of(input, dim)
    n = ops.reduce.count(input.array.shape, axis)
    if n <= correction:
        warnings.warn(f"{name}(): of {n} values less correction={correction}, no degrees of freedom are left: the result is nan",
                      stacklevel=4)
    return {"axis": axis, "correction": correction, "keepdims": keepdim}


@numpy_names
def var(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """Σ (x - μ)² / (n - correction) over dim.  correction: 1 unless given; unbiased=False means 0."""
    return ops.var(input, **spread("var", input, dim, unbiased, keepdim, correction))


@numpy_names
def std(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """√var(x) over dim; the gradient where all x are equal is 0."""
    return ops.std(input, **spread("std", input, dim, unbiased, keepdim, correction))


@numpy_names
def var_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> tuple[Tensor, Tensor]:
    """(var(x), mean(x)) over dim"""
    params = spread("var_mean", input, dim, unbiased, keepdim, correction)
    return ops.var(input, **params), ops.mean(input, axis=params["axis"], keepdims=keepdim)


@numpy_names
def std_mean(input: Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
             correction: float | None = None) -> tuple[Tensor, Tensor]:
    """(std(x), mean(x)) over dim"""
    params = spread("std_mean", input, dim, unbiased, keepdim, correction)
    return ops.std(input, **params), ops.mean(input, axis=params["axis"], keepdims=keepdim)


@numpy_names
def norm(input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over dim: p = 2 or 'fro' √Σx², inf the largest |x|, -inf the smallest, 0 how many x are not 0;
    'nuc' the sum of the singular values of a matrix.  The gradient where all x are 0 is 0.
    """
    if dtype is not None:
        input = counted(input, dtype)
    floating("norm", input)
    if input.array.dtype.itemsize == 2:                         # float16, whose powers would be beyond 65504
        return ops.astype(norm(ops.astype(input, dtype=float32.dtype), p, dim, keepdim), dtype=input.array.dtype)
    if p == "nuc":
        from ..linalg import matrix_norm
        return matrix_norm(input, "nuc", tuple(range(input.ndim)) if dim is None else dim, keepdim)
    if isinstance(p, str) and p != "fro":
        raise ValueError(f"norm: p is a number, inf, -inf or 'fro', got {p!r}")
    p = 2 if p in ("fro", None) else float(p)
    over = {"axis": axes_of(input, dim), "keepdims": keepdim}
    if p == math.inf:
        return ops.amax(ops.abs(input), **over)
    if p == -math.inf:
        return ops.amin(ops.abs(input), **over)
    return ops.sum(ops.abs(input), **over) if p == 1 else ops.norm(input, p=p, **over)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of input - other."""
    return norm(ops.sub(input, other), p)


# ---- extremes ---------------------------------------------------------------------------------------------------
def not_empty(name: str, input: Tensor, axis: Any) -> None:
    """Refuse to look for an extreme of nothing."""
    shape = input.array.shape
    if 0 in shape:
        if axis is None:
            raise errors.OutOfRange(f"{name}(): the input is empty, shape {tuple(shape)}: of no numbers none is the largest or the "
                               "smallest.  Specify a reduction dim that is not of size 0")
        for a in axis if isinstance(axis, tuple) else (axis,):
            if shape[a] == 0:
                raise IndexError(f"{name}(): Expected reduction dim {a} to have non-zero size, got shape {tuple(shape)}")


@numpy_names
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest x over dim; equals share the gradient."""
    axis = axes_of(input, dim)
    not_empty("amax", input, axis)
    return ops.amax(input, axis=axis, keepdims=keepdim)


@numpy_names
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest x over dim; equals share the gradient."""
    axis = axes_of(input, dim)
    not_empty("amin", input, axis)
    return ops.amin(input, axis=axis, keepdims=keepdim)


@numpy_names
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Any:
    """(min, max) over dim; equals share the gradient."""
    return MinMax(amin(input, dim, keepdim), amax(input, dim, keepdim))


def found(name: str, position: Any, input: Tensor, dim: int, keepdim: bool, **params: Any) -> Any:
    """(values, indices): the elements of input at the positions along dim that an op says, and these."""
    if input.ndim == 0:
        axis_of(dim, 0)
        return found(name, position, ops.reshape(input, to=(1,)), 0, False, **params)
    axis = axis_of(dim, input.ndim)
    not_empty(name, input, axis)
    indices = position(input, axis=axis, keepdims=True, **params)
    values = ops.take_along_axis(input, indices=indices, axis=axis)
    if not keepdim:
        shape = input.array.shape[:axis] + input.array.shape[axis + 1:]
        values, indices = ops.reshape(values, to=shape), ops.reshape(indices, to=shape)
    return ValuesIndices[name](values, indices)


def ordered(name: str, position: Any, input: Tensor, dim: int, **params: Any) -> Any:
    """(values, indices), as many as the op gives positions along dim."""
    if input.ndim == 0:
        axis_of(dim, 0)
        values, indices = ordered(name, position, ops.reshape(input, to=(1,)), 0, **params)
        shape = () if values.array.size else (0,)
        return ValuesIndices[name](ops.reshape(values, to=shape), ops.reshape(indices, to=shape))
    axis = axis_of(dim, input.ndim)
    indices = position(input, axis=axis, **params)
    return ValuesIndices[name](ops.take_along_axis(input, indices=indices, axis=axis), indices)


@numpy_names
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """max(x): the largest of all, where equals share the gradient.

    max(x, dim): (values, indices) of the first largest along dim.         max(x, other): the larger of two, element by element.
    """
    return extreme("max", ops.amax, ops.argmax, "maximum", input, dim, keepdim, other)


@numpy_names
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """min(x): the smallest of all, where equals share the gradient.

    min(x, dim): (values, indices) of the first smallest along dim.         min(x, other): the smaller of two, element by element.
    """
    return extreme("min", ops.amin, ops.argmin, "minimum", input, dim, keepdim, other)


def no_keepdim(name: str, keepdim: bool) -> None:
    if keepdim:
        raise TypeError(f"{name}(): keepdim=True wants a dim to keep; of all numbers together {name} gives a number without dims")


def extreme(name: str, whole: Any, position: Any, of_two: str, input: Tensor, dim: Any, keepdim: bool, other: Any) -> Any:
    """The three forms of max and min."""
    if other is None and hasattr(dim, "array"):
        dim, other = None, dim
    if other is not None:
        if not hasattr(other, "array"):
            raise TypeError(f"{name}(input, other) compares two tensors, got {type(other).__name__}: clamp takes numbers")
        return getattr(ops, of_two)(input, other)
    if dim is None:
        no_keepdim(name, keepdim)
        not_empty(name, input, None)
        return whole(input)
    if isinstance(dim, (tuple, list)):
        raise TypeError(f"{name}() takes one dim, as it returns indices: a{name}(x, {dim!r}) takes several")
    return found(name, position, input, dim, keepdim)


@numpy_names
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest x is, along dim or in the flattened input; the first of equals."""
    axis = axes_of(input, dim)
    not_empty("argmax", input, axis)
    return ops.argmax(input, axis=axis, keepdims=keepdim)


@numpy_names
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest x is, along dim or in the flattened input; the first of equals."""
    axis = axes_of(input, dim)
    not_empty("argmin", input, axis)
    return ops.argmin(input, axis=axis, keepdims=keepdim)


# ---- ranks ------------------------------------------------------------------------------------------------------
@numpy_names
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle of all x (the lower of two; nan if any is), where equals share the gradient; or (values, indices) along dim."""
    if dim is not None:
        return found("median", ops.argmedian, input, dim, keepdim)
    no_keepdim("median", keepdim)
    return ops.median(input) if input.array.size else mean(input)


@numpy_names
def nanmedian(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """`median` of those x that are numbers."""
    if dim is not None:
        return found("nanmedian", ops.argmedian, input, dim, keepdim, ignore_nan=True)
    no_keepdim("nanmedian", keepdim)
    return ops.median(input, ignore_nan=True) if input.array.size else median(input)


@numpy_names
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the most frequent value along dim: the smallest of several, where it stands last."""
    return found("mode", ops.argmode, input, dim, keepdim)


@numpy_names
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest along dim, counted from 1."""
    n = input.array.shape[axis_of(dim, input.ndim)] if input.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError(f"kthvalue(): k is from 1 to {n}, the size of dim {dim}, got {k}")

    def kth(x: Any, *, axis: int, keepdims: bool) -> Any:
        return ops.argsort(x, axis=axis)[ops.shape.at(axis, slice(k - 1, k))]

    return found("kthvalue", kth, input, dim, keepdim)


@numpy_names
def quantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """The value that a share q of x does not exceed: x sorted, read at place q (n - 1), between two by interpolation.

    q: a number from 0 to 1, or a line of them, which becomes the first dim of the result.
    interpolation: "linear", "lower", "higher", "nearest" or "midpoint".  If any x is nan, so is the result.
    """
    return quantiles("quantile", input, q, dim, keepdim, interpolation, False)


@numpy_names
def nanquantile(input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear") -> Tensor:
    """`quantile` of those x that are numbers."""
    return quantiles("nanquantile", input, q, dim, keepdim, interpolation, True)


def quantiles(name: str, input: Tensor, q: Any, dim: Any, keepdim: bool, interpolation: str, ignore_nan: bool) -> Tensor:
    floating(name, input)
    if interpolation not in ("linear", "lower", "higher", "nearest", "midpoint"):
        raise RuntimeError(f"{name}(): interpolation is 'linear', 'lower', 'higher', 'nearest' or 'midpoint', "
                           f"got {interpolation!r}")
    steers = getattr(q, "requires_grad", False) and interpolation == "linear"
    given, q = q, raw(q)
    shares = q.tolist() if hasattr(q, "tolist") else q
    line = [shares] if isinstance(shares, (int, float)) else shares
    if not isinstance(line, (list, tuple)) or not builtins.all(isinstance(s, (int, float)) and 0 <= s <= 1 for s in line):
        raise RuntimeError(f"{name}(): q is a number from 0 to 1 or a line of them, got {shares!r}")
    if input.array.size == 0:
        raise RuntimeError(f"{name}(): the input is empty, shape {tuple(input.shape)}")
    axis, shape = axes_of(input, dim), input.array.shape
    to = ops.reduce.kept(shape, axis) if keepdim else tuple([n for a, n in enumerate(shape) if axis is not None and a != axis])
    if axis is None:
        input, axis = ops.reshape(input, to=(-1,)), 0
    ranked = sort(input, axis).values
    last: Any = ranked.array.shape[axis] - 1
    if steers and ignore_nan:
        last = ops.clip(ops.sub(ops.sum(ops.equal(ranked, ranked), axis=axis, keepdims=True), 1), 0, None)
    results = []
    for k, share in enumerate(line):
        below, above, weight = ops.quantile_places(ranked, q=share, axis=axis, interpolation=interpolation, ignore_nan=ignore_nan)
        if steers:                                              # the place is q (n - 1): it moves with q
            weight = ops.add(weight, ops.mul(ops.sub(ops.getitem(ops.reshape(given, to=(-1,)), index=k), share), last))
        low = ops.take_along_axis(ranked, indices=below, axis=axis)
        high = ops.take_along_axis(ranked, indices=above, axis=axis)
        result = ops.add(low, ops.mul(ops.sub(high, low), weight))
        results.append(ops.reshape(result, to=to))
    return results[0] if line is not shares else ops.stack(*results, axis=0)


# ---- sorting ----------------------------------------------------------------------------------------------------
@numpy_names
def sort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """(values, indices): x in order along dim.  Equals keep their order, whether or not stable is asked for; nan is largest."""
    return ordered("sort", ops.argsort, input, dim, descending=descending)


@numpy_names
def argsort(input: Tensor, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Tensor:
    """The indices that put x in order along dim; equals keep their order."""
    return along(input, dim, lambda x, axis: ops.argsort(x, axis=axis, descending=descending))


def msort(input: Tensor) -> Tensor:
    """x in order along the first dim."""
    return sort(input, 0).values


@numpy_names
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest (or smallest) along dim, the best first.  sorted=False allows any order, this one too."""
    n = input.array.shape[axis_of(dim, input.ndim)] if input.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError(f"topk(): selected index k out of range: k is from 0 to {n}, the size of dim {dim}, got {k}")
    return ordered("topk", ops.argtopk, input, dim, k=k, largest=largest)


def unique(input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
           dim: int | None = None) -> Any:
    """The different values of x (or slices along dim), in order, also if sorted=False allows any.

    return_inverse: and which of them each x is.         return_counts: and how often each occurs.
    """
    outputs = ops.unique(input, axis=None if dim is None else axis_of(dim, input.ndim))
    chosen = [outputs[0], *[outputs[1]] * return_inverse, *[outputs[2]] * return_counts]
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None) -> Any:
    """x, flat, with every run of equal values shortened to one; if asked for, which of them each x is, how long each run was."""
    if dim is not None:
        raise NotImplementedError("unique_consecutive along a dim is not offered: only of the flattened input, dim=None")
    flat = ops.reshape(input, to=(-1,))
    new = ops.pad(ops.not_equal(flat[1:], flat[:-1]), widths=[(builtins.min(1, flat.array.size), 0)], value=True)
    inverse = ops.sub(ops.cumsum(ops.astype(new, dtype=int64.dtype), axis=0), 1)
    chosen = [flat[new], *[ops.reshape(inverse, to=input.array.shape)] * return_inverse, *[ops.bincount(inverse)] * return_counts]
    return chosen[0] if len(chosen) == 1 else tuple(chosen)


# ---- running ----------------------------------------------------------------------------------------------------
def along(input: Tensor, dim: int, function: Any) -> Any:
    """function(x, axis), where a number without dimensions passes for one of a single dimension."""
    axis = axis_of(dim, input.ndim)
    return function(input, axis) if input.ndim else ops.reshape(function(ops.reshape(input, to=(1,)), 0), to=())


@numpy_names
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """out_i = x_0 + … + x_i along dim"""
    return along(counted(input, dtype), dim, lambda x, axis: of_its_type(ops.cumsum(x, axis=axis), x))


@numpy_names
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """out_i = x_0 · … · x_i along dim; the gradient is exact where some x are 0."""
    return along(counted(input, dtype), dim, lambda x, axis: of_its_type(ops.cumprod(x, axis=axis), x))


@numpy_names
def cummax(input: Tensor, dim: int) -> Any:
    """(values, indices) of the largest of x_0 … x_i along dim, the last of equals"""
    return ordered("cummax", ops.argcummax, input, dim)


@numpy_names
def cummin(input: Tensor, dim: int) -> Any:
    """(values, indices) of the smallest of x_0 … x_i along dim, the last of equals"""
    return ordered("cummin", ops.argcummin, input, dim)


@numpy_names
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """out_i = log(e^x_0 + … + e^x_i) along dim"""
    return along(input, dim, lambda x, axis: ops.logcumsumexp(x, axis=axis))


@numpy_names
def diff(input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None) -> Tensor:
    """out_i = x_{i+1} - x_i along dim, n times.  prepend, append: tensors to put before and after x first."""
    if input.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    axis = axis_of(dim, input.ndim)
    if n == 0:
        return ops.clone(input)
    parts = [x for x in (prepend, input, append) if x is not None]
    x = ops.concatenate(*parts, axis=axis) if len(parts) > 1 else input
    for _ in range(n):
        later, earlier = x[ops.shape.at(axis, slice(1, None))], x[ops.shape.at(axis, slice(None, -1))]
        x = ops.not_equal(later, earlier) if x.array.dtype.kind == "b" else ops.sub(later, earlier)
    return x


# ---- true or false, and counts ----------------------------------------------------------------------------------
@numpy_names
def any(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether some x over dim is not 0.  (Of uint8, the answer is uint8 too.)"""
    out = ops.any(input, axis=axes_of(input, dim), keepdims=keepdim)
    return ops.astype(out, dtype=input.array.dtype) if input.array.dtype == "uint8" else out


@numpy_names
def all(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Whether no x over dim is 0.  (Of uint8, the answer is uint8 too.)"""
    out = ops.all(input, axis=axes_of(input, dim), keepdims=keepdim)
    return ops.astype(out, dtype=input.array.dtype) if input.array.dtype == "uint8" else out


@numpy_names
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many x over dim are not 0."""
    return ops.sum(ops.not_equal(input, 0), axis=axes_of(input, dim))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """out_k = how often k is among the non-negative integers in x; or the sum of the weights at the places where it is."""
    if input.ndim != 1 or input.array.dtype.kind not in "iu":
        raise RuntimeError(f"bincount takes a line of non-negative integers, got shape {tuple(input.shape)}, "
                           f"{dtype_of(input.array)}")
    if weights is not None and weights.array.shape != input.array.shape:
        raise errors.ShapeError(f"bincount: as many weights as inputs, got shapes {tuple(weights.shape)} and {tuple(input.shape)}")
    if input.array.size and int(input.array.min()) < 0:
        raise RuntimeError(f"bincount takes non-negative integers, and the smallest here is {int(input.array.min())}")
    counts = ops.bincount(input, weights=weights, minlength=minlength)
    if weights is not None and weights.array.dtype.kind == "f":
        return ops.astype(counts, dtype=weights.array.dtype)
    return counts


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many x fall into each of so many equal bins from min to max (if both are 0: from the smallest x to the largest)."""
    floating("histc", input)
    if bins < 1 or min > max:
        raise RuntimeError(f"histc: bins is positive and min at most max, got bins={bins}, min={min}, max={max}")
    low, high = float(min), float(max)
    if low == high and input.array.size:
        low, high = float(input.array.min()), float(input.array.max())
    if not math.isfinite(high - low):
        raise RuntimeError(f"histc: the range from {low} to {high} is not finite: give min and max")
    if low == high:
        low, high = low - 1, high + 1
    return ops.astype(ops.histogram(input, bins=bins, low=low, high=high), dtype=input.array.dtype)


# ---- how rows go together ---------------------------------------------------------------------------------------
def cov(input: Tensor, *, correction: float = 1, fweights: Tensor | None = None, aweights: Tensor | None = None) -> Tensor:
    """The covariances of the rows of x:  Σ w (x_i - μ_i)(x_j - μ_j) / (Σ w - correction)

    fweights: how often each column counts.         aweights: how important it is; then correction · Σ w a / Σ w is taken off.
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {input.ndim} dimensions")
    x = input if input.ndim == 2 else ops.reshape(input, to=(1, -1))
    for name, given, kinds in ("fweights", fweights, "iu"), ("aweights", aweights, "f"):
        if given is not None and given.array.dtype.kind not in kinds:
            raise errors.WrongType(f"cov(): {name} are {'counts, so integers' if kinds == 'iu' else 'floating-point numbers'}, "
                                   f"got {dtype_of(given.array)}")
        if given is not None and bool((given.array < 0).any()):
            raise errors.WrongValue(f"cov(): {name} cannot be negative, and the smallest is {given.array.min()}")
    w = fweights if aweights is None else aweights if fweights is None else ops.mul(fweights, aweights)
    if w is None:
        d = ops.sub(x, ops.mean(x, axis=1, keepdims=True))
        freedom: Any = builtins.max(x.array.shape[1] - correction, 0) or math.nan
        out = ops.div(ops.matmul(d, ops.swapaxes(d, axis1=0, axis2=1)), freedom)
    else:
        if w.array.shape != (x.array.shape[1],):
            raise errors.ShapeError(f"cov(): one weight for each of the {x.array.shape[1]} columns, got shape {tuple(w.shape)}")
        all_weights = ops.sum(w)
        d = ops.sub(x, ops.div(ops.sum(ops.mul(x, w), axis=1, keepdims=True), all_weights))
        loss = correction if aweights is None else ops.div(ops.mul(ops.sum(ops.mul(w, aweights)), correction), all_weights)
        out = ops.div(ops.matmul(ops.mul(d, w), ops.swapaxes(d, axis1=0, axis2=1)), ops.sub(all_weights, loss))
    return out if x.array.shape[0] != 1 else ops.reshape(out, to=())


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows of x: their covariances, each divided by the two standard deviations."""
    c = cov(input)
    if c.ndim == 0:
        return ops.div(c, c)
    scale = ops.sqrt(ops.diagonal(c))
    return ops.div(ops.div(c, ops.reshape(scale, to=(-1, 1))), scale)


class Reduce:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    sum, nansum, mean, nanmean, prod = sum, nansum, mean, nanmean, prod
    var, std, norm, dist = var, std, norm, dist
    amax, amin, aminmax, max, min, argmax, argmin = amax, amin, aminmax, max, min, argmax, argmin
    median, nanmedian, mode, quantile, nanquantile, kthvalue = median, nanmedian, mode, quantile, nanquantile, kthvalue
    cumsum, cumprod, cummax, cummin, logcumsumexp, diff = cumsum, cumprod, cummax, cummin, logcumsumexp, diff
    sort, argsort, msort, topk, unique, unique_consecutive = sort, argsort, msort, topk, unique, unique_consecutive
    any, all, count_nonzero, bincount, histc, cov, corrcoef = any, all, count_nonzero, bincount, histc, cov, corrcoef
    cumsum_, cumprod_ = in_place(cumsum), in_place(cumprod)
