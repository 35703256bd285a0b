"""Convolutions of images with the channels last.

The nn layers, on which these stand, want the channels behind the samples.  An image is turned for them by name only: it lies in
memory as it did, and so does what comes out.
"""
from __future__ import annotations

from typing import Any

from ... import errors, nn
from ...nn import functional as F
from ...tensor import Tensor
from .. import activations
from ..layer import Layer, Shape, Weight

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv2D",
           "SeparableConv2D",
           "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "UpSampling2D",
           "Convolution1D", "Convolution2D", "Convolution3D", "Convolution2DTranspose"]


def lengths(name: str, argument: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """A length for each dimension: one number stands for all."""
    found = (value,) * dims if isinstance(value, int) else tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(found) != dims or not all(isinstance(n, int) and n >= least for n in found):
        raise errors.WrongValue(f"{name}: {argument} is a whole number from {least} on, or {dims} of them, got {value!r}")
    return found


def channels_behind(x: Tensor) -> Tensor:
    """(samples, *size, channels) as (samples, channels, *size), the same memory."""
    return x.movedim(-1, 1)


def channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


class Windows:
    """Where windows of a kernel lie, as Keras's padding says: "valid", inside only; "same", so that position p is around s · p.

    "same" gives ⌈n / s⌉ positions, and pads what is needed for that; if it is odd, one more behind than in front.
    "causal" pads in front only, so that no window sees what comes after its position.
    """

    def __init__(self, name: str, kernel: tuple[int, ...], stride: tuple[int, ...], padding: Any,
                 dilation: tuple[int, ...]) -> None:
        self.name, self.kernel, self.stride, self.dilation = name, kernel, stride, dilation
        self.padding = padding.lower() if isinstance(padding, str) else padding
        allowed = ("valid", "same", "causal") if name == "Conv1D" else ("valid", "same")
        if self.padding not in allowed:
            raise errors.WrongValue(f"{name}: padding is {' or '.join(map(repr, allowed))}, got {padding!r}: for so many pixels "
                                    f"put "
                                    "ZeroPadding2D in front")

    def pads(self, size: tuple[int, ...]) -> list[tuple[int, int]]:
        """How much to pad, in front and behind, along each dimension."""
        found = []
        for n, k, s, d in zip(size, self.kernel, self.stride, self.dilation):
            reach = d * (k - 1) + 1
            total = {"valid": 0, "causal": reach - 1}.get(self.padding, max(0, (-(-n // s) - 1) * s + reach - n))
            found.append((total, 0) if self.padding == "causal" else (total // 2, total - total // 2))
        return found

    def positions(self, shape: Shape) -> list[int | None]:
        """How many positions there are along each dimension of (samples, *size, channels)."""
        found: list[int | None] = []
        for n, k, s, d in zip(shape[1:-1], self.kernel, self.stride, self.dilation):
            reach = d * (k - 1) + 1
            if n is not None and self.padding == "valid" and n < reach:
                raise errors.ShapeError(f"{self.name}: the input of shape {shape} is {n} long, and a window is {reach}: "
                                        "padding='same', or less pooling before")
            found.append(None if n is None else -(-n // s) if self.padding != "valid" else (n - reach) // s + 1)
        return found

    def padded(self, x: Tensor, value: float = 0.0) -> Tensor:
        """(samples, channels, *size) with what is needed around it."""
        pads = self.pads(tuple(x.shape[2:]))
        return F.pad(x, [n for each in reversed(pads) for n in each], value=value) if any(map(any, pads)) else x


class Conv(Layer):
    """activation(conv(x) + b): see `ops.conv`.  Kernels are (*kernel_size, channels / groups, filters) in get_weights()."""
    dims: int

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
                 dilation_rate: Any = 1, groups: int = 1, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        name = type(self).__name__
        if not isinstance(filters, int) or filters < 1:
            raise errors.WrongValue(f"{name}: filters is how many channels come out, at least 1, got {filters!r}")
        self.ranks = (self.dims + 2,)
        self.filters, self.groups, self.use_bias, self.activation = filters, groups, use_bias, activations.get(activation)
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer
        size, stride, dilation = [lengths(name, argument, value, self.dims) for argument, value in
                                  (("kernel_size", kernel_size), ("strides", strides), ("dilation_rate", dilation_rate))]
        self.windows = Windows(name, size, stride, padding, dilation)

    def build(self, input_shape: Shape) -> None:
        kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[self.dims - 1]
        w = self.windows
        self.conv = kind(self.known(input_shape), self.filters, w.kernel, w.stride, 0, w.dilation, self.groups, self.use_bias)
        self.start()

    def start(self) -> None:
        for weight, start in zip(self.keras_weights(), (self.kernel_initializer, self.bias_initializer)):
            weight.start(start)

    def call(self, inputs: Tensor) -> Tensor:
        return channels_last(self.activation_of(self.conv(self.windows.padded(channels_behind(inputs)))))

    def activation_of(self, x: Tensor) -> Tensor:
        """The activation of what has its channels behind the samples."""
        if self.activation in (activations.linear, activations.relu, activations.sigmoid, activations.tanh):
            return self.activation(x)
        return channels_behind(self.activation(channels_last(x)))           # softmax is along the channels

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self.windows.positions(input_shape), self.filters)

    def keras_weights(self) -> list[Weight]:
        if "conv" not in self._modules:
            return []
        found = [Weight("kernel", self.conv.weight, axes=(*range(2, self.dims + 2), 1, 0))]
        return found + [Weight("bias", self.conv.get_parameter("bias"))] if self.use_bias else found


class Conv1D(Conv):
    """(samples, length, channels) -> (samples, positions, filters)"""
    kind, dims = "conv1d", 1


class Conv2D(Conv):
    """(samples, height, width, channels) -> (samples, rows, columns, filters)"""
    kind, dims = "conv2d", 2


class Conv3D(Conv):
    """(samples, depth, height, width, channels) -> (samples, …, filters)"""
    kind, dims = "conv3d", 3


class ConvTranspose(Conv):
    """The derivative of Conv by its input, as a layer: each pixel scatters a kernel.  "same" gives s · n from n, at stride s."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
                 data_format: Any = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 **others: Any) -> None:
        super().__init__(filters, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias, **others)
        if output_padding is not None:
            raise NotImplementedError(f"{type(self).__name__}: output_padding is not offered; nn.ConvTranspose2d has it")

    def build(self, input_shape: Shape) -> None:
        kind: Any = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[self.dims - 1]
        w = self.windows
        self.conv = kind(self.known(input_shape), self.filters, w.kernel, w.stride, bias=self.use_bias, dilation=w.dilation)
        self.start()

    def cuts(self) -> list[tuple[int, int]]:
        """What "same" cuts off of the sum of all kernels, in front and behind; below 0, what there is too little behind."""
        found = []
        for k, s, d in zip(self.windows.kernel, self.windows.stride, self.windows.dilation):
            more = d * (k - 1) + 1 - s
            found.append((0, min(more, 0)) if self.windows.padding == "valid" or more < 0 else (more // 2, more - more // 2))
        return found

    def call(self, inputs: Tensor) -> Tensor:
        x = self.conv(channels_behind(inputs))
        cuts = self.cuts()
        if any(map(any, cuts)):
            x = F.pad(x, [-n for each in reversed(cuts) for n in each])
            if self.use_bias and any(behind < 0 for _, behind in cuts):
                x = self._with_bias_behind(x, cuts)
        return channels_last(self.activation_of(x))

    def _with_bias_behind(self, x: Tensor, cuts: list[tuple[int, int]]) -> Tensor:
        """The places that no kernel reaches have the bias, too."""
        reached = F.pad(x.new_ones([1, 1, *[n + min(b, 0) for n, (_, b) in zip(x.shape[2:], cuts)]]),
                        [n for _, b in reversed(cuts) for n in (0, -min(b, 0))])
        return x + (1 - reached) * self.conv.get_parameter("bias").reshape(-1, *[1] * self.dims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        w = self.windows
        found = [None if n is None else n * s + (max(0, d * (k - 1) + 1 - s) if w.padding == "valid" else 0)
                 for n, k, s, d in zip(input_shape[1:-1], w.kernel, w.stride, w.dilation)]
        return (input_shape[0], *found, self.filters)


class Conv1DTranspose(ConvTranspose):
    """(samples, length, channels) -> (samples, longer, filters)"""
    kind, dims = "conv1d_transpose", 1


class Conv2DTranspose(ConvTranspose):
    """(samples, height, width, channels) -> (samples, higher, wider, filters)"""
    kind, dims = "conv2d_transpose", 2


class Conv3DTranspose(ConvTranspose):
    """(samples, depth, height, width, channels) -> (samples, …, filters)"""
    kind, dims = "conv3d_transpose", 3


class DepthwiseConv2D(Conv):
    """A convolution of each channel by itself, with depth_multiplier kernels."""
    kind, dims = "depthwise_conv2d", 2

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: Any = None,
                 dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **others: Any) -> None:
        super().__init__(1, kernel_size, strides, padding, data_format, dilation_rate, 1, activation, use_bias,
                         depthwise_initializer, bias_initializer, **others)
        self.depth_multiplier = depth_multiplier

    def build(self, input_shape: Shape) -> None:
        channels = self.known(input_shape)
        self.filters, self.groups = channels * self.depth_multiplier, channels
        super().build(input_shape)

    def keras_weights(self) -> list[Weight]:
        if "conv" not in self._modules:
            return []
        found = [Weight("depthwise_kernel", self.conv.weight, axes=(2, 3, 0, 1),
                        view=(self.groups, self.depth_multiplier, *self.windows.kernel))]
        return found + [Weight("bias", self.conv.get_parameter("bias"))] if self.use_bias else found


class SeparableConv2D(Layer):
    """A convolution of each channel by itself, and then one of 1 × 1 over the channels."""
    kind, ranks = "separable_conv2d", (4,)

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
                 dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", pointwise_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        self.depthwise = DepthwiseConv2D(kernel_size, strides, padding, depth_multiplier, None, dilation_rate, None, False,
                                         depthwise_initializer)
        self.pointwise = Conv2D(filters, 1, activation=activation, use_bias=use_bias, kernel_initializer=pointwise_initializer,
                                bias_initializer=bias_initializer)

    def build(self, input_shape: Shape) -> None:
        self.known(input_shape)
        self.depthwise.ready(input_shape)
        self.pointwise.ready(self.depthwise.compute_output_shape(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(inputs))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.pointwise.compute_output_shape(self.depthwise.compute_output_shape(input_shape))


# ---- frames and sizes -------------------------------------------------------------------------------------------
def sides(name: str, argument: str, value: Any, dims: int) -> list[tuple[int, int]]:
    """What is in front and behind, for each dimension: one number, one for each, or two for each."""
    listed = [value] * dims if isinstance(value, int) else list(value)
    if dims == 1 and len(listed) == 2 and all(isinstance(n, int) for n in listed):
        listed = [tuple(listed)]
    found = [(each, each) if isinstance(each, int) else tuple(each) for each in listed]
    if len(found) != dims or not all(len(each) == 2 and min(each) >= 0 for each in found):
        raise errors.WrongValue(f"{name}: {argument} is a number, {dims} of them, or a pair for each of {dims} dimensions, got "
                                f"{value!r}")
    return found                                                # type: ignore[return-value]


class Frame(Layer):
    """What changes the size by fixed amounts."""
    dims: int
    sign: int
    argument: str

    def __init__(self, amount: Any, data_format: Any = None, **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        self.ranks = (self.dims + 2,)
        self.amounts = sides(type(self).__name__, self.argument, amount, self.dims)

    def call(self, inputs: Tensor) -> Tensor:
        return F.pad(inputs, [0, 0] + [self.sign * n for each in reversed(self.amounts) for n in each])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        size = [None if n is None else n + self.sign * sum(each) for n, each in zip(input_shape[1:-1], self.amounts)]
        return (input_shape[0], *size, input_shape[-1])


class ZeroPadding1D(Frame):
    """Zeros in front of a sequence and behind it."""
    kind, dims, sign, argument = "zero_padding1d", 1, 1, "padding"

    def __init__(self, padding: Any = 1, **others: Any) -> None:
        super().__init__(padding, **others)


class ZeroPadding2D(Frame):
    """Zeros around an image."""
    kind, dims, sign, argument = "zero_padding2d", 2, 1, "padding"

    def __init__(self, padding: Any = (1, 1), data_format: Any = None, **others: Any) -> None:
        super().__init__(padding, data_format, **others)


class Cropping1D(Frame):
    """A sequence without its ends."""
    kind, dims, sign, argument = "cropping1d", 1, -1, "cropping"

    def __init__(self, cropping: Any = (1, 1), **others: Any) -> None:
        super().__init__(cropping, **others)


class Cropping2D(Frame):
    """An image without its edges."""
    kind, dims, sign, argument = "cropping2d", 2, -1, "cropping"

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: Any = None, **others: Any) -> None:
        super().__init__(cropping, data_format, **others)


class UpSampling(Layer):
    """Each step or pixel several times."""
    dims: int

    def __init__(self, size: Any = 2, data_format: Any = None, interpolation: str = "nearest", **others: Any) -> None:
        super().__init__(data_format=data_format, **others)
        self.ranks, self.size = (self.dims + 2,), lengths(type(self).__name__, "size", size, self.dims)
        if interpolation not in ("nearest", "bilinear"):
            raise NotImplementedError(f"{type(self).__name__}: interpolation is 'nearest' or 'bilinear', got {interpolation!r}")
        self.resize = nn.Upsample(scale_factor=self.size, mode=interpolation,
                                  align_corners=False if interpolation == "bilinear" else None)

    def call(self, inputs: Tensor) -> Tensor:
        return channels_last(self.resize(channels_behind(inputs)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        size = [None if n is None else n * s for n, s in zip(input_shape[1:-1], self.size)]
        return (input_shape[0], *size, input_shape[-1])


class UpSampling1D(UpSampling):
    """(samples, length, channels) -> (samples, size · length, channels)"""
    kind, dims = "up_sampling1d", 1


class UpSampling2D(UpSampling):
    """(samples, height, width, channels) -> (samples, size · height, size · width, channels)"""
    kind, dims = "up_sampling2d", 2


Convolution1D, Convolution2D, Convolution3D, Convolution2DTranspose = Conv1D, Conv2D, Conv3D, Conv2DTranspose
