"""Normalisation: inputs brought to mean 0 and variance 1, or to mean square 1.  The functions differ in what they average over."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ... import backend, edits, errors, ops
from ...functions.common import check_inputs

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "local_response_norm"]


# ---- over the examples, or over the places of a channel ---------------------------------------------------------
def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² of each channel: in training over the batch, else the running ones.

    input: (N, C) or (N, C, d₁, …).  The others: (C,).  Training moves the running statistics, in place, towards those of the
    batch, by the share `momentum`: running = (1 - momentum) running + momentum μ.  For them, not for the result, σ² is divided by
    n - 1.        (Ioffe & Szegedy 2015)
    """
    name = "batch_norm"
    check_float(name, input)
    if input.ndim < 2:
        raise errors.ShapeError(f"{name}: input has shape (N, C) or (N, C, …), got {tuple(input.shape)}")
    check_channels(name, input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    check_both(name, running_mean, running_var)
    if eps < 0 or training and eps == 0:
        raise ValueError(f"{name}: eps is above 0, which keeps the division from failing where a channel is constant, got {eps}")
    w, b = per_channel(weight, input.ndim), per_channel(bias, input.ndim)
    if not training:
        if running_mean is None or running_var is None:
            raise errors.WrongValue(f"{name}: running_mean and running_var are None, and in evaluation they take the place of the "
                                    "batch's: pass them, or training=True to normalise by the batch")
        return by_running(input, running_mean, running_var, w, b, eps)
    axis = (0, *range(2, input.ndim))
    n = math.prod([input.shape[a] for a in axis])
    if n == 1:
        raise ValueError(f"{name}: in training there has to be more than one value per channel, and input of shape "
                         f"{tuple(input.shape)} has one: its variance is 0, whatever it is.  Use larger batches (a DataLoader's "
                         "last one goes with drop_last=True), or eval()")
    known = ops.moments(not_half(input.array), axis)
    if n:
        for running, value, times in ((running_mean, known[0], 1.0), (running_var, known[1], n / max(n - 1, 1))):
            if running is not None:
                follow(running, value.reshape(-1), momentum, times)
    return in_float32(ops.standardize, input, w, b, axis=axis, eps=eps, known=known)


def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1,
                  eps: float = 1e-5) -> Tensor:
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² of each channel of each example: over its places, else the running ones.

    input: (N, C, d₁, …).  The others: (C,).  The running statistics move towards the means over the batch of μ and σ² (see
    `batch_norm`).        (Ulyanov et al. 2016)
    """
    name = "instance_norm"
    check_float(name, input)
    places = math.prod(input.shape[2:])
    if use_input_stats and (input.ndim < 3 or places == 1):
        raise ValueError(f"{name}: there has to be more than one place (dims after N and C) to take a mean over, got shape "
                         f"{tuple(input.shape)}")
    check_channels(name, input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var)
    check_both(name, running_mean, running_var)
    w, b = per_channel(weight, input.ndim), per_channel(bias, input.ndim)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise errors.WrongValue(f"{name}: running_mean and running_var are None, and with use_input_stats=False they take the "
                                    "place of the input's: pass them, or use_input_stats=True")
        return by_running(input, running_mean, running_var, w, b, eps)
    axis = tuple(range(2, input.ndim))
    known = ops.moments(not_half(input.array), axis)
    if running_mean is not None and running_var is not None and input.array.size:
        follow(running_mean, known[0].mean(axis=0).reshape(-1), momentum)
        follow(running_var, known[1].mean(axis=0).reshape(-1), momentum, places / (places - 1))
    return in_float32(ops.standardize, input, w, b, axis=axis, eps=eps, known=known)


def by_running(input: Tensor, mean: Tensor, var: Tensor, w: Tensor | None, b: Tensor | None, eps: float) -> Tensor:
    """(x - mean) / √(var + ε) · w + b for constants mean and var, as x · scale + shift: two passes over x."""
    centre, spread = mean.array.reshape(shape_for(input.ndim)), var.array.reshape(shape_for(input.ndim))
    scale: Any = 1 / backend.xp(spread).sqrt(spread + eps)
    scale = scale if w is None else ops.mul(w, scale)
    shift = ops.mul(scale, -centre)
    return ops.add(ops.mul(input, scale), shift if b is None else ops.add(b, shift))


def follow(running: Tensor, value: Any, momentum: float, times: float = 1.0) -> None:
    """running = (1 - momentum) running + momentum · times · value, in place."""
    array = edits.writable(running.array, "the running statistics")
    mix(array, value, 1 - momentum, momentum * times)
    edits.edited(array, "the running statistics")


@backend.one_kernel
def mix(x: Any, y: Any, a: float, b: float) -> None:
    """x = a x + b y, in place."""
    x[...] = a * x + b * y


# ---- over the features of one example ---------------------------------------------------------------------------
def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² over the last dims, which have shape normalized_shape, as w and b have.

    (Ba et al. 2016)
    """
    axis = last_dims("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    return in_float32(ops.standardize, input, weight, bias, axis=axis, eps=eps)


def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """x / √(mean(x²) + ε) · w, the mean over the last dims, which have shape normalized_shape, as w has.

    eps: None is the spacing of numbers at 1, `finfo(input.dtype).eps` (for float16 that of float32).
    (Zhang & Sennrich 2019)
    """
    axis = last_dims("rms_norm", input, normalized_shape, weight=weight)
    if eps is None:
        eps = float(backend.finfo("float64" if input.array.dtype == "float64" else "float32").eps)
    return in_float32(ops.rms_norm, input, weight, axis=axis, eps=eps)


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² over a group of neighbouring channels of one example, with all their places.

    input: (N, C, d₁, …), C a multiple of num_groups.  weight, bias: (C,).        (Wu & He 2018)
    """
    name = "group_norm"
    check_float(name, input)
    if input.ndim < 2:
        raise errors.ShapeError(f"{name}: input has shape (N, C) or (N, C, …), got {tuple(input.shape)}")
    examples, channels, *places = input.shape
    if num_groups < 1 or channels % num_groups:
        raise errors.WrongValue(f"{name}: the channels are divided into groups of one size, and input of shape "
                                f"{tuple(input.shape)} has {channels} (axis 1), which num_groups={num_groups} does not divide")
    check_channels(name, input, weight=weight, bias=bias)
    size = channels // num_groups
    if examples * size * math.prod(places) == 1:
        raise ValueError(f"{name}: there has to be more than one value to take a mean over, and input of shape "
                         f"{tuple(input.shape)} in {num_groups} groups has one")
    grouped = ops.reshape(input, to=(examples, num_groups, size, *places))
    line = (1, num_groups, size) + (1,) * len(places)
    w, b = [None if each is None else ops.reshape(each, to=line) for each in (weight, bias)]
    out = in_float32(ops.standardize, grouped, w, b, axis=tuple(range(2, grouped.ndim)), eps=eps)
    return ops.reshape(out, to=tuple(input.shape))


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """x / (k + α/size · Σ x²)^β, the sum over the `size` channels around each, at the same place.

    input: (N, C, d₁, …).  Channels that are not there count as 0.        (Krizhevsky et al. 2012)
    """
    if input.ndim < 3:
        raise errors.ShapeError(f"local_response_norm: input has shape (N, C, d₁, …), got {tuple(input.shape)}")
    if size < 1:
        raise errors.WrongValue(f"local_response_norm: size is 1 or more channels, got {size}")
    channels = input.shape[1]
    around = [(0, 0), (size // 2, (size - 1) // 2)] + [(0, 0)] * (input.ndim - 2)
    squares = ops.pad(input * input, widths=around)
    total = squares[:, :channels]
    for j in range(1, size):
        total = total + squares[:, j:j + channels]
    return input / (total * (alpha / size) + k) ** beta


# ---- float16 ----------------------------------------------------------------------------------------------------
def not_half(x: Any) -> Any:
    """float16 as float32, in which sums of many numbers neither overflow nor stop growing."""
    return x.astype("float32") if x.dtype == "float16" else x


def in_float32(op: Any, input: Tensor, *weights: Any, **params: Any) -> Tensor:
    """op(input, …), for float16 computed in float32."""
    if input.array.dtype.itemsize > 2:
        return op(input, *weights, **params)
    wide = [x if x is None else ops.astype(x, dtype=backend.dtype("float32")) for x in (input, *weights)]
    return ops.astype(op(*wide, **params), dtype=input.array.dtype)


# ---- shapes -----------------------------------------------------------------------------------------------------
def shape_for(ndim: int) -> tuple[int, ...]:
    """The shape that lines numbers up with the channels of (N, C, …)."""
    return (1, -1) + (1,) * (ndim - 2)


def per_channel(x: Tensor | None, ndim: int) -> Any:
    return None if x is None else ops.reshape(x, to=shape_for(ndim))


def check_float(name: str, input: Tensor) -> None:
    if input.array.dtype.kind != "f":
        raise errors.WrongType(f"{name}: input is of floating point, got {input.dtype}: convert it with input.float()")


def check_channels(name: str, input: Tensor, **given: Tensor | None) -> None:
    """Raise unless each given tensor has one number for each channel of input, and is on its device."""
    for argument, x in given.items():
        if x is not None and type(x.array) is not type(input.array):
            here, there = str(input.device), str(x.device)
            raise errors.DeviceMismatch(f"{name}: input is on {here!r} and {argument} on {there!r}: move one of them, for example "
                                        f"the layer by .to({here!r})")
        if x is not None and x.array.shape != input.array.shape[1:2]:
            channels = input.shape[1]
            text = f"{name}: input of shape {tuple(input.shape)} has {channels} channels (axis 1), and {argument} has shape " \
                   f"{tuple(x.shape)}: there is to be one number for each channel"
            if input.ndim > 2 and x.ndim == 1 and input.shape[-1] == x.shape[0]:
                text += f".  The {x.shape[0]} of the last axis look like the channels: x.movedim(-1, 1) puts them in place"
            raise errors.ShapeError(text)


def check_both(name: str, running_mean: Tensor | None, running_var: Tensor | None) -> None:
    if (running_mean is None) != (running_var is None):
        raise errors.WrongValue(f"{name}: running_mean and running_var come together, and one of them is None")


def last_dims(name: str, input: Tensor, normalized_shape: Any, **given: Tensor | None) -> tuple[int, ...]:
    """The axes of input that normalized_shape is about; raises unless they have that shape, and what is given has too."""
    check_float(name, input)
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{name}: normalized_shape is a tuple of ints, got {normalized_shape!r}"
                        + (f": write ({normalized_shape},)" if isinstance(normalized_shape, int) else ""))
    shape = tuple(normalized_shape)
    if not shape:
        raise errors.WrongValue(f"{name}: normalized_shape is empty, and has one dim at least")
    came = input.array.shape
    if came[max(len(came) - len(shape), 0):] != shape:
        text = f"{name}: normalized_shape={shape} is the shape of the last {len(shape)} dims of input, and input has shape {came}"
        if len(shape) > len(came):
            raise errors.ShapeError(text + ", of fewer dims")
        axis = next(a for a in range(-1, -len(shape) - 1, -1) if came[a] != shape[a])
        text += f": axis {axis} is {came[axis]}, and {shape[axis]} was expected"
        if len(shape) == 1 and shape[0] in came:
            text += f".  If the features are in axis {came.index(shape[0])}, x.movedim({came.index(shape[0])}, -1) puts them last"
        raise errors.ShapeError(text)
    for argument, x in given.items():
        if x is not None and x.array.shape != shape:
            raise errors.ShapeError(f"{name}: {argument} has the shape that is normalised over, {shape}, got {tuple(x.shape)}")
    return tuple(range(len(came) - len(shape), len(came)))


check_inputs(globals(), __all__)
