"""Pooling with the channels last."""
from __future__ import annotations

from typing import Any

from ...nn import functional as F
from ...tensor import Tensor
from ..layer import Layer, Shape
from .conv import Windows, channels_behind, channels_last, lengths

__all__ = ["MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
           "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GlobalAveragePooling1D", "GlobalAveragePooling2D",
           "GlobalAveragePooling3D", "MaxPool1D", "MaxPool2D", "MaxPool3D", "AvgPool1D", "AvgPool2D", "AvgPool3D",
           "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D"]


class Pool(Layer):
    """One number for the pixels of a window, in each channel."""
    dims: int

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: Any = None,
                 **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        name = type(self).__name__
        self.ranks, size = (self.dims + 2,), lengths(name, "pool_size", pool_size, self.dims)
        self.windows = Windows(name, size, size if strides is None else lengths(name, "strides", strides, self.dims), padding,
                               (1,) * self.dims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.windows.positions(input_shape), input_shape[-1])


class MaxPool(Pool):
    """The largest; of several the first."""

    def call(self, inputs: Tensor) -> Tensor:
        pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self.dims - 1]
        x = self.windows.padded(channels_behind(inputs), float("-inf"))
        return channels_last(pool(x, self.windows.kernel, self.windows.stride))


class AveragePool(Pool):
    """The mean, of what is inside of the image."""

    def call(self, inputs: Tensor) -> Tensor:
        pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[self.dims - 1]
        x = channels_behind(inputs)
        padded = self.windows.padded(x)
        out = pool(padded, self.windows.kernel, self.windows.stride)
        if padded is not x:                                     # how much of each window is inside
            inside = self.windows.padded(x.new_ones((1, 1, *x.shape[2:])))
            out = out / pool(inside, self.windows.kernel, self.windows.stride)
        return channels_last(out)


class GlobalPool(Layer):
    """One number for all pixels, in each channel."""
    dims: int

    def __init__(self, data_format: Any = None, keepdims: bool = False, **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        self.ranks, self.keepdims = (self.dims + 2,), keepdims
        self.axes = tuple(range(1, self.dims + 1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *([1] * self.dims if self.keepdims else []), input_shape[-1])


class GlobalMaxPool(GlobalPool):
    """The largest; if there are several, they share its gradient."""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.amax(self.axes, keepdim=self.keepdims)


class GlobalAveragePool(GlobalPool):
    """The mean."""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.mean(self.axes, keepdim=self.keepdims)


class MaxPooling1D(MaxPool):
    kind, dims = "max_pooling1d", 1


class MaxPooling2D(MaxPool):
    kind, dims = "max_pooling2d", 2


class MaxPooling3D(MaxPool):
    kind, dims = "max_pooling3d", 3


class AveragePooling1D(AveragePool):
    kind, dims = "average_pooling1d", 1


class AveragePooling2D(AveragePool):
    kind, dims = "average_pooling2d", 2


class AveragePooling3D(AveragePool):
    kind, dims = "average_pooling3d", 3


class GlobalMaxPooling1D(GlobalMaxPool):
    kind, dims = "global_max_pooling1d", 1


class GlobalMaxPooling2D(GlobalMaxPool):
    kind, dims = "global_max_pooling2d", 2


class GlobalMaxPooling3D(GlobalMaxPool):
    kind, dims = "global_max_pooling3d", 3


class GlobalAveragePooling1D(GlobalAveragePool):
    """The mean over a sequence; with a mask, of the steps that count."""
    kind, dims = "global_average_pooling1d", 1

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        weights = mask.to(inputs.dtype).unsqueeze(-1)           # (samples, time, 1)
        return (inputs * weights).sum(1, self.keepdims) / weights.sum(1, self.keepdims).clamp(min=1)


class GlobalAveragePooling2D(GlobalAveragePool):
    kind, dims = "global_average_pooling2d", 2


class GlobalAveragePooling3D(GlobalAveragePool):
    kind, dims = "global_average_pooling3d", 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D
