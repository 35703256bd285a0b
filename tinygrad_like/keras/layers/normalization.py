"""Normalisation with the channels last."""
from __future__ import annotations

from typing import Any

from ... import backend, errors, nn
from ...op import wrap
from ...tensor import Tensor
from ...training.batches import as_array
from ..layer import Shape, Weight
from .core import Same

__all__ = ["BatchNormalization", "LayerNormalization", "Normalization"]


class BatchNormalization(Same):
    """γ (x - μ) / √(σ² + ε) + β, for each channel: μ and σ² are the batch's in training, and running means of these afterwards.

    momentum: how much of the running means is kept at each batch (PyTorch's is 1 - that).  The running σ² are made of variances
    that are divided by n - 1, as in PyTorch, and in Keras for images.  trainable=False uses the running means, in training too.
    """
    keeps_mask = False                                          # padding would count in the means

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", moving_mean_initializer: Any = "zeros",
                 moving_variance_initializer: Any = "ones", **others: Any) -> None:
        super().__init__(**others)
        self.axis, self.momentum, self.epsilon, self.center, self.scale = axis, momentum, epsilon, center, scale
        self.starts = [gamma_initializer] * scale + [beta_initializer] * center
        self.starts += [moving_mean_initializer, moving_variance_initializer]

    def build(self, input_shape: Shape) -> None:
        if self.axis not in (-1, len(input_shape) - 1):
            raise NotImplementedError(f"BatchNormalization: axis={self.axis} is not offered: the channels are the last axis, {-1}")
        kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
        self.ranks = (len(input_shape),)
        self.norm = kinds[len(input_shape)](self.known(input_shape), self.epsilon, 1 - self.momentum)
        if not self.scale:
            self.norm.weight = None
        if not self.center:
            self.norm.bias = None
        for weight, start in zip(self.keras_weights(), self.starts):
            weight.start(start)

    def call(self, inputs: Tensor) -> Tensor:
        if self.norm.training and not self.trainable:
            self.norm.training = False
        return self.norm(inputs.movedim(-1, 1)).movedim(1, -1)

    def keras_weights(self) -> list[Weight]:
        if "norm" not in self._modules:
            return []
        own = {"gamma": self.norm.weight, "beta": self.norm.bias, "moving_mean": self.norm.running_mean,
               "moving_variance": self.norm.running_var}
        return [Weight(name, x) for name, x in own.items() if x is not None]


class LayerNormalization(Same):
    """γ (x - μ) / √(σ² + ε) + β, with μ and σ² of the last axis of each sample."""

    def __init__(self, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros",
                 gamma_initializer: Any = "ones", **others: Any) -> None:
        super().__init__(**others)
        self.axis, self.epsilon, self.center, self.scale = axis, epsilon, center, scale
        self.starts = [gamma_initializer] * scale + [beta_initializer] * center

    def build(self, input_shape: Shape) -> None:
        if self.axis not in (-1, len(input_shape) - 1):
            raise NotImplementedError(f"LayerNormalization: axis={self.axis!r} is not offered: it is the last one, -1")
        self.norm = nn.LayerNorm(self.known(input_shape), self.epsilon)
        if not self.scale:
            self.norm.weight = None
        if not self.center:
            self.norm.bias = None
        for weight, start in zip(self.keras_weights(), self.starts):
            weight.start(start)

    def call(self, inputs: Tensor) -> Tensor:
        return self.norm(inputs)

    def keras_weights(self) -> list[Weight]:
        if "norm" not in self._modules:
            return []
        return [Weight(name, x) for name, x in (("gamma", self.norm.weight), ("beta", self.norm.bias)) if x is not None]


class Normalization(Same):
    """(x - μ) / σ, for each feature, the last axis: those of the data that `adapt` was shown, the training part.  0 / 0 is 0."""

    def __init__(self, axis: int = -1, mean: Any = None, variance: Any = None, **others: Any) -> None:
        super().__init__(**others)
        if axis != -1:
            raise NotImplementedError(f"Normalization: axis={axis!r} is not offered: it is the last one, -1")
        if (mean is None) != (variance is None):
            raise errors.WrongValue("Normalization: mean and variance are given together, or found by adapt(data)")
        self.given = None if mean is None else (mean, variance)

    def build(self, input_shape: Shape) -> None:
        np, n = backend.host, self.known(input_shape)
        mean, variance = (0.0, 1.0) if self.given is None else self.given
        for name, value in ("mean", mean), ("variance", variance):
            setattr(self, name, nn.Buffer(wrap(np.array(np.broadcast_to(value, (n,)), "float32"))))

    def adapt(self, data: Any) -> None:
        """Take the mean and the variance of these data."""
        x = backend.to_device(as_array(data), "cpu").astype("float64")
        axes = tuple(range(x.ndim - 1))
        self.ready((None, *x.shape[1:]))
        for weight, value in zip(self.keras_weights(), (x.mean(axes), x.var(axes))):
            weight.write(value)

    def call(self, inputs: Tensor) -> Tensor:
        return (inputs - self.mean) / self.variance.sqrt().clamp(min=1e-7)
