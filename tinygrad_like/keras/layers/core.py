"""Layers that do not look at neighbours: dense ones, activations, embeddings, shapes."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ... import backend, errors, nn
from ...nn import functional as F
from ...tensor import Tensor
from .. import activations
from ..layer import Function, Layer, Shape, Weight, as_lengths, have_mask

__all__ = ["Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "PReLU", "Softmax", "Dropout", "SpatialDropout1D",
           "SpatialDropout2D", "GaussianNoise", "Embedding", "Flatten", "Reshape", "Permute", "RepeatVector", "Rescaling", "Lambda"]


class Dense(Layer):
    """activation(x W + b), for the last axis of x.  W: (inputs, units)"""

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", **others: Any) -> None:
        super().__init__(**others)
        if not isinstance(units, int) or units < 1:
            raise errors.WrongValue(f"Dense: units is the number of outputs, at least 1, got {units!r}")
        self.units, self.activation, self.use_bias = units, activations.get(activation), use_bias
        self.kernel_initializer, self.bias_initializer = kernel_initializer, bias_initializer

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            raise errors.ShapeError(f"Dense: the input has shape (samples, …, features), got {input_shape}")
        self.linear = nn.Linear(self.known(input_shape), self.units, self.use_bias)
        for weight, start in zip(self.keras_weights(), (self.kernel_initializer, self.bias_initializer)):
            weight.start(start)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(self.linear(inputs))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def keras_weights(self) -> list[Weight]:
        if not self.built and "linear" not in self._modules:
            return []
        found = [Weight("kernel", self.linear.weight, axes=(1, 0))]
        return found + [Weight("bias", self.linear.get_parameter("bias"))] if self.use_bias else found


class Same(Layer):
    """What keeps the shape."""
    keeps_mask = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Activation(Same):
    """activation(x), by name or a function."""

    def __init__(self, activation: Any, **others: Any) -> None:
        super().__init__(**others)
        self.activation = activations.get(activation)

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)


class ReLU(Same):
    """max(0, x); with negative_slope that times x below 0, and never more than max_value."""
    kind = "re_lu"

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **others: Any) -> None:
        super().__init__(**others)
        if threshold:
            raise NotImplementedError("ReLU: threshold is not offered: nn.Threshold has it")
        self.max_value, self.negative_slope = max_value, negative_slope

    def call(self, inputs: Tensor) -> Tensor:
        out = F.leaky_relu(inputs, self.negative_slope) if self.negative_slope else F.relu(inputs)
        return out if self.max_value is None else out.clamp(max=self.max_value)


class LeakyReLU(Same):
    """x above 0, negative_slope · x below.  (Older Keras calls that alpha.)"""
    kind = "leaky_re_lu"

    def __init__(self, negative_slope: float = 0.3, alpha: float | None = None, **others: Any) -> None:
        super().__init__(**others)
        self.negative_slope = negative_slope if alpha is None else alpha

    def call(self, inputs: Tensor) -> Tensor:
        return F.leaky_relu(inputs, self.negative_slope)


class ELU(Same):
    """x above 0, α (eˣ - 1) below."""

    def __init__(self, alpha: float = 1.0, **others: Any) -> None:
        super().__init__(**others)
        self.alpha = alpha

    def call(self, inputs: Tensor) -> Tensor:
        return F.elu(inputs, self.alpha)


class PReLU(Same):
    """x above 0, a · x below, with an a that is learned for each element of a sample; shared_axes: the axes that share it."""
    kind = "p_re_lu"

    def __init__(self, alpha_initializer: Any = "zeros", shared_axes: Any = None, **others: Any) -> None:
        super().__init__(**others)
        self.alpha_initializer = alpha_initializer
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else list(shared_axes or [])

    def build(self, input_shape: Shape) -> None:
        shape = [1 if i in self.shared_axes else n for i, n in enumerate(input_shape)][1:]
        if None in shape:
            raise errors.ShapeError(f"PReLU: for an input of shape {input_shape} say which axes share an α, shared_axes=[…]")
        self.alpha = self.add_weight(shape=shape, initializer=self.alpha_initializer)

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.relu() - self.alpha * (-inputs).relu()


class Softmax(Same):
    """eˣ / Σ eˣ along an axis."""

    def __init__(self, axis: int = -1, **others: Any) -> None:
        super().__init__(**others)
        self.axis = axis

    def call(self, inputs: Tensor) -> Tensor:
        return F.softmax(inputs, dim=self.axis)


class Dropout(Same):
    """In training, 0 in the place of a part `rate` of the numbers, and the others larger to make up for it."""

    def __init__(self, rate: float, **others: Any) -> None:
        super().__init__(**others)
        self.dropout = nn.Dropout(rate)

    def call(self, inputs: Tensor) -> Tensor:
        return self.dropout(inputs)


class SpatialDropout1D(Dropout):
    """Dropout of whole channels, at all places of a sample at once: (samples, length, channels)."""
    kind, ranks = "spatial_dropout1d", (3,)

    def __init__(self, rate: float, data_format: Any = None, **others: Any) -> None:
        super().__init__(rate, data_format=data_format, **others)

    def call(self, inputs: Tensor) -> Tensor:
        ones = inputs.new_ones((inputs.shape[0], *[1] * (inputs.ndim - 2), inputs.shape[-1]))
        return inputs * self.dropout(ones)


class SpatialDropout2D(SpatialDropout1D):
    """The same for (samples, height, width, channels)."""
    kind, ranks = "spatial_dropout2d", (4,)


class GaussianNoise(Same):
    """In training, x + noise of standard deviation stddev."""

    def __init__(self, stddev: float, **others: Any) -> None:
        super().__init__(**others)
        self.stddev = stddev

    def call(self, inputs: Tensor) -> Tensor:
        if not self.training:
            return inputs
        from ...functions.random import randn_like
        return inputs + self.stddev * randn_like(inputs)


class Embedding(Layer):
    """A row of output_dim numbers, learned, for each of input_dim words.  x: word numbers (samples, length) -> (…, output_dim)

    mask_zero: word 0 is padding, which recurrent layers and GlobalAveragePooling1D behind this one leave out.
    input_length: how many words there are in a sample, where that is to be known before the data is.
    """

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", mask_zero: bool = False,
                 input_length: int | None = None, **others: Any) -> None:
        if input_length is not None:
            others.setdefault("input_shape", input_length if isinstance(input_length, (tuple, list)) else (input_length,))
        super().__init__(**others)
        self.input_dim, self.output_dim, self.embeddings_initializer = input_dim, output_dim, embeddings_initializer
        self.mask_zero = mask_zero

    def build(self, input_shape: Shape) -> None:
        self.embedding = nn.Embedding(self.input_dim, self.output_dim)
        self.keras_weights()[0].start(self.embeddings_initializer)

    def call(self, inputs: Tensor) -> Tensor:
        if inputs.is_floating_point():
            whole = inputs.long()
            if (backend.debug or backend.device_of(inputs.array) == "cpu") and bool((whole != inputs).any()):
                raise errors.WrongType("Embedding: the input holds word numbers, and these are not whole")
            inputs = whole
        out = self.embedding(inputs)
        if self.mask_zero:
            have_mask(out, inputs != 0)
        return out

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def keras_weights(self) -> list[Weight]:
        return [Weight("embeddings", self.embedding.weight)] if "embedding" in self._modules else []


# ---- shapes -----------------------------------------------------------------------------------------------------
class Flatten(Layer):
    """All axes but that of the samples in one: pixels row by row, with the channels of each together."""

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], None if None in input_shape[1:] else math.prod(input_shape[1:]))


class Reshape(Layer):
    """Each sample in another shape, in which one length may be -1: what is left."""

    def __init__(self, target_shape: Any, **others: Any) -> None:
        super().__init__(**others)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.reshape(inputs.shape[0], *self.target_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if None in input_shape[1:]:
            return (input_shape[0], *[None if n == -1 else n for n in self.target_shape])
        total, told = math.prod(input_shape[1:]), math.prod([n for n in self.target_shape if n != -1])
        fits = total == told if -1 not in self.target_shape else told and total % told == 0
        if not fits:
            raise errors.ShapeError(f"Reshape: a sample of shape {input_shape[1:]} has {total} numbers, which do not fill "
                                    f"{self.target_shape}")
        return (input_shape[0], *[total // told if n == -1 else n for n in self.target_shape])


class Permute(Layer):
    """The axes of a sample in another order: dims counts them from 1."""

    def __init__(self, dims: Any, **others: Any) -> None:
        super().__init__(**others)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise errors.WrongValue(f"Permute: dims counts the axes of a sample from 1, each once, got {dims!r}")

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.permute(0, *self.dims)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *[input_shape[i] for i in self.dims])


class RepeatVector(Layer):
    """(samples, features) -> (samples, n, features): the same n times."""
    ranks = (2,)

    def __init__(self, n: int, **others: Any) -> None:
        super().__init__(**others)
        self.n = n

    def call(self, inputs: Tensor) -> Tensor:
        return inputs.unsqueeze(1).expand(inputs.shape[0], self.n, inputs.shape[1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])


class Rescaling(Same):
    """scale · x + offset"""

    def __init__(self, scale: float, offset: float = 0.0, **others: Any) -> None:
        super().__init__(**others)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Tensor) -> Tensor:
        return inputs * self.scale + self.offset


class Lambda(Function):
    """A function of tensors as a layer.  output_shape: of a sample; if not given, it is found by trying the function on zeros."""
    kind = "lambda"

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, **others: Any) -> None:
        super().__init__(function, **others)
        self.said = None if output_shape is None else (None, *as_lengths("Lambda", output_shape))

    def _probed(self, shapes: Any, kwargs: dict[str, Any], args: Any = None) -> Any:
        return super()._probed(shapes, kwargs, args) if self.said is None else self.said
