"""Convolution of signals, images and volumes."""
from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .. import autograd, errors, ops
from ..ops.windows import Geometry
from .shape import ints

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]

AXES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


# ---- what is convolved ------------------------------------------------------------------------------------------
def each_dim(name: str, what: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """An int for each of so many dims, from a sequence of these, or from one int for all of them."""
    if type(value) is int and value >= least:                   # the usual cases, at a third of the cost
        return (value,) * dims
    if type(value) is tuple and len(value) == dims and all([type(n) is int and n >= least for n in value]):
        return value
    numbers = ints((value,), f"{name}: {what}")
    if len(numbers) not in (1, dims):
        raise errors.ShapeError(f"{name}: {what} is an int, or one for each of {dims} dims, got {value!r}")
    if min(numbers) < least:
        raise errors.WrongValue(f"{name}: {what} is at least {least}, got {value!r}")
    return numbers if len(numbers) == dims else numbers * dims


def check_operands(name: str, dims: int, input: Tensor, weight: Any, bias: Any, groups: int, transposed: bool) -> None:
    """Raise unless weight and bias fit the channels of input, which has so many dims behind its channels."""
    for role, x in (("weight", weight), *([("bias", bias)] if bias is not None else [])):
        if not isinstance(x, autograd.Tensor):
            raise TypeError(f"{name}: {role} is a Tensor, got {type(x).__name__}: make one with tensor(…)")
    x, w = tuple(input.array.shape), tuple(weight.array.shape)
    layout = "in, out / groups" if transposed else "out, in / groups"
    if len(w) != dims + 2:
        raise errors.ShapeError(f"{name}: weight has shape ({layout}, {', '.join('k' + axis for axis in AXES[dims])}), got {w}")
    if len(x) not in (dims + 1, dims + 2):
        raise errors.ShapeError(f"{name}: input has shape {layouts(dims)}, got {x}, which has {len(x)} dims"
                                + (".  If these are channels of one image in rows and columns, x.unsqueeze(0) adds the axis of the "
                                   "channels" if len(x) == dims else ""))
    if input.array.dtype.kind not in "fc":
        raise errors.WrongType(f"{name}: input is of dtype {input.dtype}, and floating-point numbers are convolved: input.float()"
                               + (" / 255, for images of bytes" if str(input.array.dtype) == "uint8" else ""))
    if groups < 1:
        raise errors.WrongValue(f"{name}: groups is at least 1, got {groups}")
    if w[0] % groups:
        what = "input" if transposed else "output"
        raise errors.WrongValue(f"{name}: groups={groups} does not divide the {w[0]} {what} channels of weight {w}")
    wanted = w[0] if transposed else w[1] * groups
    axis = len(x) - dims - 1
    if x[axis] != wanted:
        text = (f"{name}: input of shape {x} has {x[axis]} channel{'s' * (x[axis] != 1)} (axis {axis}), and weight {w} "
                + (f"with groups={groups} " if groups > 1 else "") + f"wants {wanted}")
        raise errors.ShapeError(text + channel_hint(x, wanted, dims))
    made = w[1] * groups if transposed else w[0]
    if bias is not None and tuple(bias.array.shape) != (made,):
        raise errors.ShapeError(f"{name}: weight of shape {w} makes {made} channels, so bias has shape ({made},), got "
                                f"{tuple(bias.array.shape)}")


def layouts(dims: int) -> str:
    axes = ", ".join(AXES[dims])
    return f"(N, C, {axes}) or (C, {axes})"


def channel_hint(x: tuple[int, ...], wanted: int, dims: int) -> str:
    """What may have happened to the channels of an input of shape x."""
    batched = len(x) == dims + 2
    if x[-1] == wanted:
        order = (0, dims + 1, *range(1, dims + 1)) if batched else (dims, *range(dims))
        return f".  The channels look to be last: input.permute{order} brings them to the front"
    if not batched and wanted == 1:
        return f".  This is taken for one input of {x[0]} channels: if it is a batch, input.unsqueeze(1) adds the channel"
    if not batched and dims > 1 and x[1] == wanted:
        return ".  If it is a batch of one dim less, use the convolution of that many dims"
    if x[-dims - 1] == 1 and wanted == 3:
        sizes = "-1, " * batched + "3" + ", -1" * dims
        return f".  Grey images become colour ones by input.expand({sizes}); or make the layer for 1 channel"
    if x[-dims - 1] == 4 and wanted == 3:
        return f".  The fourth may be transparency: input[{':, ' * batched}:3]"
    return ""


def too_small(name: str, dims: int, x: tuple[int, ...], into: tuple[int, ...], kernel: tuple[int, ...],
              why: str) -> errors.ShapeError:
    axis = next(i for i, n in enumerate(into) if n < 1)
    return errors.ShapeError(f"{name}: kernel of size {kernel} does not fit input of shape {x} along axis "
                             f"{len(x) - dims + axis} ({AXES[dims][axis]}): {why}")


def batched(op: Any, dims: int, x: Tensor, *operands: Any, **params: Any) -> Tensor:
    """The op, which takes a batch, applied to one or to a single example."""
    if x.ndim == dims + 2:
        return op(x, *operands, **params)
    out = op(x[None], *operands, **params)
    return ops.reshape(out, to=out.array.shape[1:])


# ---- convolution ------------------------------------------------------------------------------------------------
def convolve(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any,
             groups: int) -> Tensor:
    check_operands(name, dims, input, weight, bias, groups, False)
    s, d = each_dim(name, "stride", stride, dims), each_dim(name, "dilation", dilation, dims)
    if type(padding) is not str:
        padding = each_dim(name, "padding", padding, dims, 0)
    into, geometry = windows_of(name, dims, input.array.shape, weight.array.shape, s, padding, d, groups)
    operands = (weight,) if bias is None else (weight, bias)
    return batched(ops.conv, dims, input, *operands, into=into, geometry=geometry)


@functools.lru_cache(1000)
def windows_of(name: str, dims: int, x: tuple[int, ...], w: tuple[int, ...], s: tuple[int, ...], padding: Any,
               d: tuple[int, ...], groups: int) -> tuple[tuple[int, ...], Geometry]:
    """How many windows there are along each dim, and where, from the shapes of input and weight."""
    kernel, size = w[2:], x[-dims:]
    reach = [e * (k - 1) + 1 for e, k in zip(d, kernel)]
    if padding == "same":
        if set(s) != {1}:
            raise errors.WrongValue(f"{name}: padding='same' keeps the size, and stride={max(s)} does not: use stride 1, or "
                                    "give the padding as numbers")
        before, into = tuple([(r - 1) // 2 for r in reach]), size       # an odd rest goes to the end
    else:
        if isinstance(padding, str) and padding != "valid":
            raise errors.WrongValue(f"{name}: padding is 'valid', 'same' or numbers, got {padding!r}")
        before = (0,) * dims if padding == "valid" else padding
        into = tuple([(n + 2 * a - r) // t + 1 for n, a, r, t in zip(size, before, reach, s)])
    if into and min(into) < 1:
        axis = next(i for i, n in enumerate(into) if n < 1)
        raise too_small(name, dims, x, into, kernel, f"it covers {reach[axis]}, and there are {size[axis]}"
                        + (f", with padding {size[axis] + 2 * before[axis]}" if before[axis] else "")
                        + ".  A smaller kernel, more padding or less pooling before would do")
    if 0 in kernel:
        raise errors.ShapeError(f"{name}: the kernel of weight {w} has no elements")
    return into, Geometry(s, before, d, groups)


def conv1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Tensor:
    """(N, C, L) -> (N, O, L'): see `conv2d`."""
    return convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Tensor:
    """out_{n,o,p} = Σ_{c,k} x_{n,c, stride·p + dilation·k - padding} w_{o,c,k} + b_o        (N, C, H, W) -> (N, O, H', W')

    input: (N, C, H, W), or (C, H, W).          weight: (O, C / groups, kH, kW).        bias: (O,).
    stride: how far it is from one window to the next.          dilation: from one pixel of a window to the next.
    padding: zeros on both sides; or 'valid', none, or 'same', so many that the size stays (at stride 1).
    groups: the channels are cut into so many parts; part i of the output is made from part i of the input.
    Numbers are one for all dims, or one for each.  H' = ⌊(H + 2 padding - dilation (kH - 1) - 1) / stride⌋ + 1, and W' likewise.

    The kernel slides without being flipped: `nn.functional.true_convolution` flips it.
    """
    return convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
           groups: int = 1) -> Tensor:
    """(N, C, D, H, W) -> (N, O, D', H', W'): see `conv2d`."""
    return convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


# ---- transposed convolution -------------------------------------------------------------------------------------
def convolve_transposed(name: str, dims: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
                        output_padding: Any, groups: int, dilation: Any) -> Tensor:
    check_operands(name, dims, input, weight, bias, groups, True)
    s, d = each_dim(name, "stride", stride, dims), each_dim(name, "dilation", dilation, dims)
    before, more = each_dim(name, "padding", padding, dims, 0), each_dim(name, "output_padding", output_padding, dims, 0)
    if any(m >= max(t, e) for m, t, e in zip(more, s, d)):
        raise errors.WrongValue(f"{name}: output_padding chooses among the sizes that a convolution with this stride would bring "
                                f"to that of the input: it is below stride or dilation, got {more} with stride {s}, dilation {d}")
    kernel, positions = tuple(weight.array.shape[2:]), tuple(input.array.shape[-dims:])
    geometry = Geometry(s, before, d, groups)
    into = tuple([r - 2 * a + m for r, a, m in zip(geometry.reach(positions, kernel), before, more)])
    if min(into) < 1 or min(positions) < 1 or min(kernel) < 1:
        raise errors.ShapeError(f"{name}: input of shape {tuple(input.array.shape)} with weight {tuple(weight.array.shape)}, "
                                f"stride {s}, padding {before}, output_padding {more} gives size {into}, and none is to be below 1")
    operands = (weight,) if bias is None else (weight, bias)
    return batched(ops.conv_transpose, dims, input, *operands, into=into, geometry=geometry)


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """(N, C, L) -> (N, O, L'): see `conv_transpose2d`."""
    return convolve_transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """What `conv2d` with the same arguments does to gradients: each pixel puts the kernel down, at steps of stride; + b

    input: (N, C, H, W), or (C, H, W).          weight: (C, O / groups, kH, kW).        bias: (O,).
    padding: how much is cut off on both sides.         output_padding: how much is added at the end, less than the stride.
    H' = (H - 1) stride - 2 padding + dilation (kH - 1) + 1 + output_padding, and W' likewise.
    """
    return convolve_transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """(N, C, D, H, W) -> (N, O, D', H', W'): see `conv_transpose2d`."""
    return convolve_transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
