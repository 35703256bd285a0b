"""Layers that convolve signals, images and volumes."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.conv import each_dim
from ..functions.creation import empty
from ..functions.shape import ints, pad
from . import functional as F, init
from .linear import check_counts
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class AnyConvolution(Module):
    """What the layers of this file share: their numbers, their parameters and how these start."""
    dims: int
    compute: Callable[..., Tensor]
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, output_padding: Any,
                 dilation: Any, groups: int, bias: bool, padding_mode: str, transposed: bool, device: Any, dtype: Any) -> None:
        super().__init__()
        name, dims = type(self).__name__, self.dims
        check_counts(name, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise errors.WrongValue(f"{name}: groups divides both in_channels and out_channels, got groups={groups}, "
                                    f"in_channels={in_channels}, out_channels={out_channels}")
        self.in_channels, self.out_channels, self.groups, self.transposed = in_channels, out_channels, groups, transposed
        self.kernel_size, self.stride = each_dim(name, "kernel_size", kernel_size, dims), each_dim(name, "stride", stride, dims)
        self.dilation = each_dim(name, "dilation", dilation, dims)
        self.output_padding = each_dim(name, "output_padding", output_padding, dims, 0)
        if isinstance(padding, str):
            if transposed:
                raise TypeError(f"{name}: padding is given as numbers in a transposed convolution, got {padding!r}")
            if padding not in ("same", "valid"):
                raise errors.WrongValue(f"{name}: padding is 'same', 'valid' or numbers, got {padding!r}")
            if padding == "same" and set(self.stride) != {1}:
                raise errors.WrongValue(f"{name}: padding='same' keeps the size, and stride={stride} does not: use stride 1, or "
                                        "give the padding as numbers")
            self.padding: Any = padding
        else:
            self.padding = each_dim(name, "padding", padding, dims, 0)
        if padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise errors.WrongValue(f"{name}: padding_mode is 'zeros', 'reflect', 'replicate' or 'circular', got {padding_mode!r}")
        if transposed and padding_mode != "zeros":
            raise errors.WrongValue(f"{name}: padding_mode is 'zeros' in a transposed convolution, got {padding_mode!r}")
        self.padding_mode = padding_mode
        before, after = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (before, after // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """New random numbers, uniform between ±1/√(elements that a kernel weighs)."""
        inputs = math.prod(self.weight.shape[1:])
        bound = 1 / math.sqrt(inputs) if inputs else 0.0        # what PyTorch writes as kaiming_uniform_(weight, a=√5)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"]
        nothing = (0,) * self.dims
        for name, usual in (("padding", nothing), ("dilation", (1,) * self.dims), ("output_padding", nothing), ("groups", 1)):
            if getattr(self, name) != usual:
                parts.append(f"{name}={getattr(self, name)}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Convolution(AnyConvolution):
    """Conv1d, Conv2d and Conv3d, which differ in the number of dims."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
                 groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None, dtype: Any = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, False,
                         device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = self.padded(input), 0
        return self.compute(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def padded(self, input: Tensor) -> Tensor:
        """input with borders that repeat what is in it, as padding_mode says."""
        if self.padding == "valid":
            return input
        widths: list[int] = []
        for d, k, a in zip(self.dilation, self.kernel_size, (0,) * self.dims if self.padding == "same" else self.padding):
            total = d * (k - 1)
            widths[:0] = (total // 2, total - total // 2) if self.padding == "same" else (a, a)     # the last dim comes first
        return pad(input, widths, self.padding_mode)


class Conv1d(Convolution):
    """(N, C, L) -> (N, O, L'): see `Conv2d`."""
    dims, compute = 1, staticmethod(F.conv1d)


class Conv2d(Convolution):
    """out_{n,o,p} = Σ_{c,k} x_{n,c, stride·p + dilation·k - padding} w_{o,c,k} + b_o        (SPEC MOD-04, F-05)

    (N, C, H, W) -> (N, O, H', W'), or without N.  H' = ⌊(H + 2 padding - dilation (kH - 1) - 1) / stride⌋ + 1, and W' likewise.
    weight: (O, C / groups, kH, kW); bias: (O,).  They start uniform between ±1/√(C/groups kH kW).
    padding: zeros on both sides; 'valid', none; 'same', as many as keep the size (at stride 1).  padding_mode: other borders
    than zeros: 'reflect', 'replicate', 'circular' (see `pad`).  groups: part i of the output is made from part i of the channels.
    """
    dims, compute = 2, staticmethod(F.conv2d)


class Conv3d(Convolution):
    """(N, C, D, H, W) -> (N, O, D', H', W'): see `Conv2d`."""
    dims, compute = 3, staticmethod(F.conv3d)


class TransposedConvolution(AnyConvolution):
    """ConvTranspose1d, ConvTranspose2d and ConvTranspose3d, which differ in the number of dims."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
                 output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
                         padding_mode, True, device, dtype)

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        more = self.output_padding if output_size is None else self.padding_for(input, output_size)
        return self.compute(input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation)

    def padding_for(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output_padding that gives the result that size."""
        name, dims = type(self).__name__, self.dims
        wanted = ints((output_size,), f"{name}: output_size")
        if len(wanted) not in (dims, input.ndim):
            raise errors.WrongValue(f"{name}: output_size has {dims} numbers, or {input.ndim} with batch and channels, got "
                                    f"{output_size!r}")
        wanted = wanted[-dims:]
        least = [(n - 1) * s - 2 * a + d * (k - 1) + 1 for n, s, a, d, k in
                 zip(input.shape[-dims:], self.stride, self.padding, self.dilation, self.kernel_size)]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not low <= n <= high for n, low, high in zip(wanted, least, most)):
            raise errors.WrongValue(f"{name}: an input of size {tuple(input.shape[-dims:])} can become one of size {tuple(least)} "
                                    f"to {tuple(most)}, and output_size is {wanted}")
        return tuple([n - low for n, low in zip(wanted, least)])


class ConvTranspose1d(TransposedConvolution):
    """(N, C, L) -> (N, O, L'): see `ConvTranspose2d`."""
    dims, compute = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(TransposedConvolution):
    """What a `Conv2d` with the same arguments does to gradients: each pixel puts the kernel down, at steps of stride; + b

    (N, C, H, W) -> (N, O, H', W'), or without N.  H' = (H - 1) stride - 2 padding + dilation (kH - 1) + 1 + output_padding, and W'
    likewise.  weight: (C, O / groups, kH, kW); bias: (O,).  They start uniform between ±1/√(O/groups kH kW).
    A convolution brings `stride` sizes to one: which of them comes back is chosen by output_padding, or by output_size in the call.
    """
    dims, compute = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(TransposedConvolution):
    """(N, C, D, H, W) -> (N, O, D', H', W'): see `ConvTranspose2d`."""
    dims, compute = 3, staticmethod(F.conv_transpose3d)
