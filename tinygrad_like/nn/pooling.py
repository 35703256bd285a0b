"""Pooling as layers: (N, C, L), (N, C, H, W) or (N, C, D, H, W), or without the N, to the same with fewer places."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import functional as F
from .functional.pooling import each_dim
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "MaxPool1d", "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d",
    "LPPool1d", "LPPool2d", "LPPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d", "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
]


class Pool(Module):
    """What the layers have in common: the function of the same name, and over how many dims it goes."""
    function: Any
    dims: int
    shown: tuple[str, ...]                                      # the attributes that are printed

    def extra_repr(self) -> str:
        return ", ".join([f"{name}={getattr(self, name)}" for name in self.shown])


# ---- the largest of each window ---------------------------------------------------------------------------------
class MaxPool(Pool):
    shown = "kernel_size", "stride", "padding", "dilation", "ceil_mode"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
                 ceil_mode: bool = False) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.return_indices, self.ceil_mode = padding, dilation, return_indices, ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self.function(input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices)


class MaxPool1d(MaxPool):
    """The largest of each window of (N, C, L): see `F.max_pool2d`."""
    function, dims = staticmethod(F.max_pool1d), 1


class MaxPool2d(MaxPool):
    """The largest of each window of (N, C, H, W)        (SPEC F-06): see `F.max_pool2d`."""
    function, dims = staticmethod(F.max_pool2d), 2


class MaxPool3d(MaxPool):
    """The largest of each window of (N, C, D, H, W): see `F.max_pool2d`."""
    function, dims = staticmethod(F.max_pool3d), 3


class MaxUnpool(Pool):
    shown = "kernel_size", "stride", "padding"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = each_dim(name, "kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else each_dim(name, "stride", stride, self.dims)
        self.padding = each_dim(name, "padding", padding, self.dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self.function(input, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(MaxUnpool):
    """Zeros, with the input where MaxPool1d(…, return_indices=True) found it."""
    function, dims = staticmethod(F.max_unpool1d), 1


class MaxUnpool2d(MaxUnpool):
    """Zeros, with the input where MaxPool2d(…, return_indices=True) found it."""
    function, dims = staticmethod(F.max_unpool2d), 2


class MaxUnpool3d(MaxUnpool):
    """Zeros, with the input where MaxPool3d(…, return_indices=True) found it."""
    function, dims = staticmethod(F.max_unpool3d), 3


# ---- the mean of each window ------------------------------------------------------------------------------------
class AvgPool(Pool):
    shown = "kernel_size", "stride", "padding"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True, divisor_override: int | None = None) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, kernel_size if stride is None else stride, padding
        self.ceil_mode, self.count_include_pad, self.divisor_override = ceil_mode, count_include_pad, divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
                             self.divisor_override)


class AvgPool1d(Pool):
    """The mean of each window of (N, C, L): see `F.avg_pool2d`."""
    shown = "kernel_size", "stride", "padding"

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
                 count_include_pad: bool = True) -> None:
        super().__init__()
        self.kernel_size = each_dim("AvgPool1d", "kernel_size", kernel_size, 1)
        self.stride = self.kernel_size if stride is None else each_dim("AvgPool1d", "stride", stride, 1)
        self.padding = each_dim("AvgPool1d", "padding", padding, 1)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(AvgPool):
    """The mean of each window of (N, C, H, W): see `F.avg_pool2d`."""
    function, dims = staticmethod(F.avg_pool2d), 2


class AvgPool3d(AvgPool):
    """The mean of each window of (N, C, D, H, W): see `F.avg_pool2d`."""
    function, dims = staticmethod(F.avg_pool3d), 3


class LPPool(Pool):
    shown = "norm_type", "kernel_size", "stride", "ceil_mode"

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(LPPool):
    """(Σ xᵖ)^(1/p) over each window of (N, C, L): see `F.lp_pool2d`."""
    function, dims = staticmethod(F.lp_pool1d), 1


class LPPool2d(LPPool):
    """(Σ xᵖ)^(1/p) over each window of (N, C, H, W): see `F.lp_pool2d`."""
    function, dims = staticmethod(F.lp_pool2d), 2


class LPPool3d(LPPool):
    """(Σ xᵖ)^(1/p) over each window of (N, C, D, H, W): see `F.lp_pool2d`."""
    function, dims = staticmethod(F.lp_pool3d), 3


# ---- into so many bins ------------------------------------------------------------------------------------------
class AdaptiveMaxPool(Pool):
    shown = "output_size",

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices

    def forward(self, input: Tensor) -> Any:
        return self.function(input, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(AdaptiveMaxPool):
    """The largest of each of output_size bins of (N, C, L): see `F.adaptive_max_pool2d`."""
    function, dims = staticmethod(F.adaptive_max_pool1d), 1


class AdaptiveMaxPool2d(AdaptiveMaxPool):
    """The largest of each of output_size bins of (N, C, H, W): see `F.adaptive_max_pool2d`."""
    function, dims = staticmethod(F.adaptive_max_pool2d), 2


class AdaptiveMaxPool3d(AdaptiveMaxPool):
    """The largest of each of output_size bins of (N, C, D, H, W): see `F.adaptive_max_pool2d`."""
    function, dims = staticmethod(F.adaptive_max_pool3d), 3


class AdaptiveAvgPool(Pool):
    shown = "output_size",

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return self.function(input, self.output_size)


class AdaptiveAvgPool1d(AdaptiveAvgPool):
    """The mean of each of output_size bins of (N, C, L): see `F.adaptive_avg_pool2d`."""
    function, dims = staticmethod(F.adaptive_avg_pool1d), 1


class AdaptiveAvgPool2d(AdaptiveAvgPool):
    """The mean of each of output_size bins of (N, C, H, W): see `F.adaptive_avg_pool2d`."""
    function, dims = staticmethod(F.adaptive_avg_pool2d), 2


class AdaptiveAvgPool3d(AdaptiveAvgPool):
    """The mean of each of output_size bins of (N, C, D, H, W): see `F.adaptive_avg_pool2d`."""
    function, dims = staticmethod(F.adaptive_avg_pool3d), 3
