"""Convolution, and the windows of images as columns."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ... import errors, ops
from ...functions.common import check_inputs
from ...functions.conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, convolve, each_dim
from ...ops.windows import Geometry

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "true_convolution", "unfold",
           "fold"]


def true_convolution(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     dilation: Any = 1, groups: int = 1) -> Tensor:
    """(f⋆g)(x) = Σ_y f(y) g(x - y), the convolution of mathematics: conv1d, conv2d or conv3d with the kernel flipped

    (SPEC F-05.  Not in PyTorch, where all convolutions are Σ_y f(y) g(x + y).)  Its arguments are those of `conv2d`, and the
    number of dims is that of weight.  With a padding of the kernel's size less 1, it has every x where the sum is not empty.
    """
    dims = weight.ndim - 2
    if not 1 <= dims <= 3:
        raise errors.ShapeError("true_convolution: weight has shape (out, in / groups, *kernel), with one to three dims of the "
                                f"kernel, got {tuple(weight.shape)}")
    flipped = ops.flip(weight, axis=tuple(range(2, weight.ndim)))
    return convolve("true_convolution", dims, input, flipped, bias, stride, padding, dilation, groups)


def windows_of(name: str, size: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any,
               stride: Any) -> tuple[Any, Any, Any]:
    """The kernel, the number of windows along each dim of an image of that size, and where they lie."""
    kernel, d, s = [each_dim(name, what, value, 2)
                    for what, value in (("kernel_size", kernel_size), ("dilation", dilation), ("stride", stride))]
    a = each_dim(name, "padding", padding, 2, 0)
    positions = tuple([(n + 2 * p - e * (k - 1) - 1) // t + 1 for n, p, e, k, t in zip(size, a, d, kernel, s)])
    if min(positions) < 1:
        raise errors.ShapeError(f"{name}: no window of kernel_size {kernel}, dilation {d}, fits an image of size {size} with "
                                f"padding {a}: a smaller kernel or more padding would do")
    return kernel, positions, Geometry(s, a, d)


def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of images as columns: (N, C, H, W) -> (N, C kH kW, number of windows); or all without N"""
    shape = tuple(input.array.shape)
    if len(shape) not in (3, 4) or 0 in shape[-3:]:
        raise errors.ShapeError(f"unfold: input has shape (N, C, H, W) or (C, H, W), of which only N may be 0, got {shape}")
    kernel, positions, geometry = windows_of("unfold", shape[-2:], kernel_size, dilation, padding, stride)
    params = {"kernel": kernel, "positions": positions, "geometry": geometry}
    return ops.unfold(input, **params) if len(shape) == 4 else ops.unfold(input[None], **params)[0]


def fold(input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The columns that `unfold` makes of an image of size output_size, each added up where its window was

    input: (N, C kH kW, number of windows) -> (N, C, *output_size); or all without N.  Pixels that were in several windows come
    back as often: fold(unfold(ones)) counts them.
    """
    shape, size = tuple(input.array.shape), each_dim("fold", "output_size", output_size, 2)
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise errors.ShapeError("fold: input has shape (N, C kH kW, windows) or (C kH kW, windows), of which only N may be 0, got "
                                f"{shape}")
    kernel, positions, geometry = windows_of("fold", size, kernel_size, dilation, padding, stride)
    if shape[-2] % math.prod(kernel) or shape[-1] != math.prod(positions):
        raise errors.ShapeError(
            f"fold: input of shape {shape} is no unfolded image of {size}: kernel_size {kernel} makes {math.prod(kernel)} rows "
            f"for each channel, and axis {len(shape) - 2} is {shape[-2]}; there are {positions[0]} · {positions[1]} = "
            f"{math.prod(positions)} windows, and axis {len(shape) - 1} is {shape[-1]}")
    params = {"kernel": kernel, "positions": positions, "into": size, "geometry": geometry}
    return ops.fold(input, **params) if len(shape) == 3 else ops.fold(input[None], **params)[0]


check_inputs(globals(), __all__)
