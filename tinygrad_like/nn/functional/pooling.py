"""Pooling: the largest number, or the mean, of each of the windows that slide over the last dims."""
from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

from ... import backend, errors, ops
from ...functions.common import check_inputs
from ...functions.elementwise import relu
from ...functions.shape import ints
from ...op import wrap
from ...ops.pool import Windows

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "max_pool1d", "max_pool2d", "max_pool3d", "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices",
    "max_unpool1d", "max_unpool2d", "max_unpool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d",
    "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d_with_indices", "adaptive_avg_pool1d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
]

LAYOUTS = {1: "(C, L) or (N, C, L)", 2: "(C, H, W) or (N, C, H, W)", 3: "(C, D, H, W) or (N, C, D, H, W)"}


# ---- arguments --------------------------------------------------------------------------------------------------
def each_dim(name: str, what: str, value: Any, dims: int) -> tuple[int, ...]:
    """An int for each of so many dims, from a sequence of these, or from one int for all of them."""
    if type(value) is int:                                      # the usual case, at a third of the cost
        return (value,) * dims
    numbers = ints((value,), f"{name}: {what}")
    if len(numbers) not in (1, dims):
        raise errors.ShapeError(f"{name}: {what} is an int, or one for each of {dims} dims, got {value!r}")
    return numbers if len(numbers) == dims else numbers * dims


def check_dims(name: str, input: Tensor, dims: int) -> None:
    """Raise unless input is a batch of images (or signals, or volumes), or one alone, and only the batch may be empty."""
    shape = tuple(input.array.shape)
    if len(shape) not in (dims + 1, dims + 2):
        raise errors.ShapeError(f"{name}: input has the shape {LAYOUTS[dims]}, got {shape}, which has {len(shape)} dims" + (
            ": for a single image without channels, x.unsqueeze(0)" if len(shape) == dims else ""))
    if 0 in shape[-dims - 1:]:
        raise errors.ShapeError(f"{name}: input of shape {shape} is empty: of its dims only the batch may be 0")


def windows_over(name: str, input: Tensor, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1,
                 ceil_mode: bool = False) -> tuple[Windows, ...]:
    """The windows along each of the last dims, from arguments that are checked."""
    check_dims(name, input, dims)
    kernel = each_dim(name, "kernel_size", kernel_size, dims)
    strides = kernel if stride is None or stride in ((), []) else each_dim(name, "stride", stride, dims)
    paddings, dilations = each_dim(name, "padding", padding, dims), each_dim(name, "dilation", dilation, dims)
    return windows_along(name, dims, tuple(input.array.shape), kernel, strides, paddings, dilations, bool(ceil_mode))


@functools.lru_cache(1000)
def windows_along(name: str, dims: int, shape: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...],
                  paddings: tuple[int, ...], dilations: tuple[int, ...], ceil_mode: bool) -> tuple[Windows, ...]:
    """The same from ints for each dim, for an input of that shape."""
    found = []
    for axis, (n, k, s, p, d) in enumerate(zip(shape[-dims:], kernel, strides, paddings, dilations), len(shape) - dims):
        if k < 1 or s < 1 or d < 1 or p < 0:
            raise errors.ShapeError(f"{name}: kernel_size, stride and dilation are at least 1, and padding at least 0, got "
                                    f"kernel_size={kernel}, stride={strides}, padding={paddings}, dilation={dilations}")
        reach = d * (k - 1) + 1
        if p > reach // 2:
            raise errors.ShapeError(f"{name}: padding {p} is more than half of the kernel, which covers {reach} elements of axis "
                                    f"{axis}: some windows would be on the padding alone.  At most {reach // 2} fits")
        left = n + 2 * p - reach
        count = left // s + 1
        if ceil_mode and left % s and count * s < n + p:        # one more window, unless it would begin in the padding behind
            count += 1
        if count < 1:
            raise errors.ShapeError(f"{name}: the kernel covers {reach} elements of axis {axis}, and input of shape {shape} has "
                                    f"{n} there" + (f", {n + 2 * p} with the padding" if p else "") + ": no window fits.  A "
                                    f"smaller kernel_size than {kernel}, more padding, or fewer poolings before this one would do")
        found.append(Windows(k, s, p, d, count))
    return tuple(found)


def flat(input: Tensor, dims: int) -> Tensor:
    """input with its last dims as one."""
    shape = input.array.shape
    return ops.reshape(input, to=shape[:-dims] + (math.prod(shape[-dims:]),))


# ---- the largest of each window ---------------------------------------------------------------------------------
def pooled_max(name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
               return_indices: bool) -> Any:
    windows = windows_over(name, input, dims, kernel_size, stride, padding, dilation, ceil_mode)
    if all([w.tile(n) and w.count == 1 for w, n in zip(windows, input.array.shape[-dims:])]):
        return global_max(input, dims, return_indices)
    out = ops.max_pool(input, windows=windows)
    return (out, wrap(ops.winner_places(input.array, out.array, windows=windows))) if return_indices else out


def global_max(input: Tensor, dims: int, return_indices: bool) -> Any:
    """The largest of each channel, and where it is."""
    line = flat(input, dims)
    place = ops.argmax(line.array, axis=-1, keepdims=True)
    out, shape = ops.take_along_axis(line, indices=place, axis=-1), line.array.shape[:-1] + (1,) * dims
    out = ops.reshape(out, to=shape)
    return (out, wrap(place.reshape(shape))) if return_indices else out


def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest of each window of (N, C, L): see `max_pool2d`."""
    return pooled_max("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest of each window of (N, C, H, W); the gradient flows to the first of the largest.

    stride: how far it is to the next window; the kernel_size, if left out.         padding: borders of -∞ on both sides.
    dilation: how far it is to the next element of a window.         ceil_mode: count the last window that is only half there.
    return_indices: also where the largest are, y · W + x.
    """
    return pooled_max("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
               return_indices: bool = False) -> Any:
    """The largest of each window of (N, C, D, H, W): see `max_pool2d`."""
    return pooled_max("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool1d` with return_indices=True, whatever is given for that."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool2d` with return_indices=True, whatever is given for that."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
                            ceil_mode: bool = False, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`max_pool3d` with return_indices=True, whatever is given for that."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


# ---- and back where they were -----------------------------------------------------------------------------------
def unpooled(name: str, dims: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any,
             output_size: Any) -> Tensor:
    check_dims(name, input, dims)
    places = getattr(indices, "array", None)
    if places is None or str(places.dtype) != "int64":
        raise errors.WrongType(f"{name}: indices is the int64 tensor that pooling returns with return_indices=True, got "
                               f"{getattr(indices, 'dtype', type(indices).__name__)}")
    shape = tuple(input.array.shape)
    if tuple(places.shape) != shape:
        raise errors.ShapeError(f"{name}: there is one index for each element of input, which has shape {shape}, got indices of "
                                f"shape {tuple(places.shape)}")
    kernel = each_dim(name, "kernel_size", kernel_size, dims)
    strides = kernel if stride is None else each_dim(name, "stride", stride, dims)
    paddings = each_dim(name, "padding", padding, dims)
    usual = [(n - 1) * s - 2 * p + k for n, k, s, p in zip(shape[-dims:], kernel, strides, paddings)]
    size = usual
    if output_size is not None:
        given = list(ints((output_size,), f"{name}: output_size"))
        size = given[-dims:]
        if len(given) not in (dims, dims + 2):
            raise errors.ShapeError(f"{name}: output_size has {dims} numbers, or those of the batch and the channels before them, "
                                    f"got {given}")
        for n, m, s in zip(size, usual, strides):
            if not m - s < n < m + s:
                raise errors.ShapeError(f"{name}: output_size {size} cannot have been pooled to {shape[-dims:]}: it is within less "
                                        f"than stride {list(strides)} of {usual}")
    if min(size) < 1:
        raise errors.ShapeError(f"{name}: the result would have the size {size}: give its output_size")
    line = flat(input, dims)
    backend.check_indices(places, math.prod(size), f"{name}: index")
    zeros = wrap(backend.zeros(line.array.shape[:-1] + (math.prod(size),), line.array))
    out = ops.setitem(zeros, line, index=ops.indexing.along(places.reshape(line.array.shape), -1))
    return ops.reshape(out, to=shape[:-dims] + tuple(size))


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """Zeros of the size that was pooled, with the input at the indices that pooling returned: see `max_unpool2d`."""
    return unpooled("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """Zeros of the size that was pooled, with the input at the indices that pooling returned.

    output_size: what that size was, where several are pooled to the same.  Where an index repeats, one of its values stays.
    """
    return unpooled("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                 output_size: Any = None) -> Tensor:
    """Zeros of the size that was pooled, with the input at the indices that pooling returned: see `max_unpool2d`."""
    return unpooled("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


# ---- means ------------------------------------------------------------------------------------------------------
def pooled_mean(name: str, dims: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
                count_include_pad: bool, divisor_override: int | None = None) -> Tensor:
    windows = windows_over(name, input, dims, kernel_size, stride, padding, 1, ceil_mode)
    if divisor_override == 0:
        raise errors.WrongValue(f"{name}: divisor_override is what the sums are divided by, and not 0")
    return ops.avg_pool(input, windows=windows, padded=bool(count_include_pad), divisor=divisor_override)


def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:
    """The mean of each window of (N, C, L): see `avg_pool2d`."""
    return pooled_mean("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The mean of each window of (N, C, H, W).

    stride: how far it is to the next window; the kernel_size, if left out.         padding: borders of 0 on both sides.
    ceil_mode: count the last window that is only half there.         count_include_pad: count the borders among the elements.
    divisor_override: what the sums are divided by, instead of the number of elements.
    """
    return pooled_mean("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The mean of each window of (N, C, D, H, W): see `avg_pool2d`."""
    return pooled_mean("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def pooled_norm(name: str, dims: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    elements = math.prod(each_dim(name, "kernel_size", kernel_size, dims))
    mean = pooled_mean(name, dims, input ** norm_type, kernel_size, stride, 0, ceil_mode, True)
    return (ops.sign(mean) * relu(ops.abs(mean)) * elements) ** (1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of (N, C, L): see `lp_pool2d`."""
    return pooled_norm("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of (N, C, H, W), p being the norm_type.

    Not of |x|: an odd p takes the sign along, and where the sum is negative so is what the root is taken of, which is NaN for a
    p other than 1.  A window that is only half there (ceil_mode) counts as if the rest of it were like that half.
    """
    return pooled_norm("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """(Σ xᵖ)^(1/p) over each window of (N, C, D, H, W): see `lp_pool2d`."""
    return pooled_norm("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


# ---- into so many bins ------------------------------------------------------------------------------------------
def bin_counts(name: str, input: Tensor, dims: int, output_size: Any) -> tuple[int, ...]:
    """How many bins there are along each of the last dims: None stands for as many as elements."""
    check_dims(name, input, dims)
    given = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * dims
    if len(given) != dims:
        raise errors.ShapeError(f"{name}: output_size is an int, or one for each of {dims} dims, got {output_size!r}")
    counts = ints(([n if count is None else count for n, count in zip(input.array.shape[-dims:], given)],), f"{name}: output_size")
    if min(counts) < 0:
        raise errors.ShapeError(f"{name}: output_size is not negative, got {output_size!r}")
    return counts


def equal_bins(input: Tensor, counts: tuple[int, ...]) -> tuple[Windows, ...] | None:
    """The bins as windows side by side, if they are all of one size."""
    sizes = input.array.shape[-len(counts):]
    if 0 in counts or any([n % count for n, count in zip(sizes, counts)]):
        return None
    return tuple([Windows(n // count, n // count, 0, 1, count) for n, count in zip(sizes, counts)])


def adaptive_max(name: str, dims: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    counts = bin_counts(name, input, dims, output_size)
    windows = equal_bins(input, counts)
    if windows is not None:
        return pooled_max(name, dims, input, [w.size for w in windows], None, 0, 1, False, return_indices)
    line = flat(input, dims)
    places = ops.argmax_bins(input.array, counts=counts)
    out = ops.take_along_axis(line, indices=places.reshape(line.array.shape[:-1] + (math.prod(counts),)), axis=-1)
    out = ops.reshape(out, to=places.shape)
    return (out, wrap(places)) if return_indices else out


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of output_size bins of (N, C, L): see `adaptive_max_pool2d`."""
    return adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of output_size bins of (N, C, H, W), which are as equal as can be, and may overlap by one.

    output_size: an int, or one for the height and one for the width, None being the size that input has.
    return_indices: also where the largest are, y · W + x.
    """
    return adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of each of output_size bins of (N, C, D, H, W): see `adaptive_max_pool2d`."""
    return adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with return_indices=True, whatever is given for that."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with return_indices=True, whatever is given for that."""
    return adaptive_max_pool2d(input, output_size, True)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with return_indices=True, whatever is given for that."""
    return adaptive_max_pool3d(input, output_size, True)


def adaptive_mean(name: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    counts = bin_counts(name, input, dims, output_size)
    windows = equal_bins(input, counts)
    if windows is None:
        return bin_means(input, counts)
    if max(counts) == 1:
        return ops.mean(input, axis=tuple(range(-dims, 0)), keepdims=True)
    return ops.avg_pool(input, windows=windows)


def bin_means(input: Tensor, counts: tuple[int, ...]) -> Tensor:
    """The means of the bins, which are products with a matrix along each dim."""
    for axis, count in zip(range(-len(counts), 0), counts):
        n = input.array.shape[axis]
        if n != count:
            input = ops.resample(input, matrix=matrix_for(input, ops.resize.mean_weights(n, count)), axis=axis)
    return input


def matrix_for(input: Tensor, weights: Any) -> Any:
    """Weights, made on the host, on the device of input and in its dtype."""
    dtype = input.array.dtype if input.array.dtype.kind == "f" else "float32"
    return backend.to_device(weights.astype(dtype), backend.device_of(input.array))


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of output_size bins of (N, C, L): see `adaptive_avg_pool2d`."""
    return adaptive_mean("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of output_size bins of (N, C, H, W), which are as equal as can be, and may overlap by one.

    output_size: an int, or one for the height and one for the width, None being the size that input has.  1 is the mean of each
    channel, whatever the size of the image.
    """
    return adaptive_mean("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The mean of each of output_size bins of (N, C, D, H, W): see `adaptive_avg_pool2d`."""
    return adaptive_mean("adaptive_avg_pool3d", 3, input, output_size)


check_inputs(globals(), __all__)
