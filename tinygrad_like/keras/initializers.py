"""How weights start: functions that make a tensor for a shape in Keras's layout, (…, in, out).  By name, or with settings."""
from __future__ import annotations

import math
from typing import Any

from .. import errors
from ..functions.creation import empty, eye
from ..functions.random import Generator
from ..nn import init
from ..tensor import Tensor
from ..training.losses import snake


class Initializer:
    """Makes a tensor: initializer(shape).  seed: the same numbers whenever it is called; None: new ones."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        generator = None if self.seed is None else Generator().manual_seed(self.seed)
        return self.fill(empty(tuple(shape), dtype=dtype), generator)

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no fill(tensor, generator)")


class Constant(Initializer):
    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        return init.constant_(x, self.value)


class Zeros(Constant):
    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    def __init__(self) -> None:
        super().__init__(1.0)


class RandomUniform(Initializer):
    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        return init.uniform_(x, self.minval, self.maxval, generator)


class RandomNormal(Initializer):
    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        return init.normal_(x, self.mean, self.stddev, generator)


class TruncatedNormal(RandomNormal):
    """Normal, but nothing further than two standard deviations from the mean."""

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        return init.trunc_normal_(x, self.mean, self.stddev, self.mean - 2 * self.stddev, self.mean + 2 * self.stddev, generator)


class VarianceScaling(Initializer):
    """Numbers of variance scale / n: n is how many inputs an output has (fan_in), how many outputs an input, or their mean."""

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
                 seed: int | None = None) -> None:
        super().__init__(seed)
        if mode not in ("fan_in", "fan_out", "fan_avg") or distribution not in ("uniform", "truncated_normal", "normal",
                                                                                "untruncated_normal"):
            raise errors.WrongValue("VarianceScaling: mode is fan_in, fan_out or fan_avg, and distribution uniform, "
                                    "truncated_normal "
                                    f"or untruncated_normal, got {mode!r} and {distribution!r}")
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        shape = tuple(x.shape)
        window = math.prod(shape[:-2])                          # the places of a kernel
        fan_in, fan_out = (window * shape[-2], window * shape[-1]) if len(shape) > 1 else (math.prod(shape),) * 2
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            return init.uniform_(x, -math.sqrt(3 * variance), math.sqrt(3 * variance), generator)
        std = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return init.normal_(x, 0.0, std, generator)
        std /= 0.87962566103423978                              # the standard deviation of what is left within ±2
        return init.trunc_normal_(x, 0.0, std, -2 * std, 2 * std, generator)


class GlorotUniform(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class Orthogonal(Initializer):
    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        flat = init.orthogonal_(empty(math.prod(tuple(x.shape)[:-1]), x.shape[-1], dtype=x.dtype), self.gain, generator)
        return flat.reshape(tuple(x.shape))


class Identity(Initializer):
    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = gain

    def fill(self, x: Tensor, generator: Any) -> Tensor:
        if x.ndim != 2:
            raise errors.ShapeError(f"Identity makes matrices, and this weight has shape {tuple(x.shape)}")
        return self.gain * eye(*x.shape, dtype=x.dtype)


NAMES = {snake(each.__name__): each for each in
         (Zeros, Ones, Constant, RandomUniform, RandomNormal, TruncatedNormal, VarianceScaling, GlorotUniform, GlorotNormal,
          HeUniform,
          HeNormal, LecunUniform, LecunNormal, Orthogonal, Identity)} | {"uniform": RandomUniform, "normal": RandomNormal}


def get(name: Any) -> Any:
    """The initializer of that name; a function of a shape as it is."""
    if isinstance(name, str) and snake(name) in NAMES:
        return NAMES[snake(name)]()
    if isinstance(name, type) and issubclass(name, Initializer):
        return name()
    if callable(name):
        return name
    raise errors.WrongValue(f"there is no initializer {name!r}: there are {', '.join(sorted(NAMES))}")


def __getattr__(name: str) -> Any:
    """The initializer by its other name, he_normal for HeNormal, or an error that says what there is."""
    if name in NAMES:
        return NAMES[name]
    from .names import refuse
    return refuse(__name__, name)
