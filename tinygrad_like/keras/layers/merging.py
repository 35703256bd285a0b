"""Layers of several inputs: Add()([a, b]), or add([a, b])."""
from __future__ import annotations

import functools
from typing import Any

from ... import errors, ops
from ...functions.shape import cat
from ...tensor import Tensor
from ..layer import Layer, Shape

__all__ = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot",
           "add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"]


class Merge(Layer):
    """What joins a list of inputs, element by element.  Axes of length 1 are stretched."""

    def ready(self, shape: Any) -> None:
        if not isinstance(shape, list) or len(shape) < 2:
            raise errors.WrongType(f"{type(self).__name__} takes a list of at least two inputs, {type(self).__name__}()([a, b])")
        super().ready(shape)

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        raise NotImplementedError

    def call(self, inputs: Any) -> Tensor:
        return functools.reduce(self.joined, inputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        rank = max(map(len, input_shape))
        found: list[Any] = []
        for i in range(rank):
            lengths = {s[i - rank + len(s)] for s in input_shape if i - rank + len(s) >= 0} - {1}
            known = lengths - {None}
            if len(known) > 1:
                raise errors.ShapeError(f"{type(self).__name__}: the inputs have shapes {', '.join(map(str, input_shape))}, which "
                                        f"differ "
                                        f"along axis {i}")
            found.append(next(iter(known)) if known else None if lengths else 1)
        return tuple(found)


class Add(Merge):
    """a + b + …"""

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b


class Subtract(Merge):
    """a - b"""

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b


class Multiply(Merge):
    """a b …, element by element"""

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b


class Average(Add):
    """(a + b + …) / n"""

    def call(self, inputs: Any) -> Tensor:
        return super().call(inputs) / len(inputs)


class Maximum(Merge):
    """The larger, element by element"""

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.maximum(a, b)


class Minimum(Merge):
    """The smaller, element by element"""

    def joined(self, a: Tensor, b: Tensor) -> Tensor:
        return ops.minimum(a, b)


class Concatenate(Merge):
    """One behind the other along an axis."""

    def __init__(self, axis: int = -1, **others: Any) -> None:
        super().__init__(**others)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        return cat(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        first = input_shape[0]
        axis = self.axis % len(first)
        for shape in input_shape[1:]:
            differ = [i for i, (n, m) in enumerate(zip(shape, first)) if i != axis and None not in (n, m) and n != m]
            if len(shape) != len(first) or differ:
                raise errors.ShapeError(f"Concatenate: the inputs have shapes {', '.join(map(str, input_shape))}, which may differ "
                                        f"along axis {self.axis} only")
        total = None if any(s[axis] is None for s in input_shape) else sum(s[axis] for s in input_shape)
        return (*first[:axis], total, *first[axis + 1:])


class Dot(Merge):
    """Σ a b along an axis of two inputs (samples, features); normalize: of vectors of length 1, the cosine of their angle."""

    def __init__(self, axes: Any = -1, normalize: bool = False, **others: Any) -> None:
        super().__init__(**others)
        if axes not in (-1, 1, (1, 1), [1, 1]):
            raise NotImplementedError(f"Dot: axes={axes!r} is not offered: it is 1, for two inputs (samples, features)")
        self.normalize = normalize

    def call(self, inputs: Any) -> Tensor:
        a, b = inputs
        if self.normalize:
            from ...nn import functional as F
            a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
        return (a * b).sum(1, keepdim=True)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        if len(input_shape) != 2 or any(len(each) != 2 for each in input_shape):
            raise errors.ShapeError(f"Dot takes two inputs (samples, features), got {', '.join(map(str, input_shape))}")
        return (input_shape[0][0], 1)


def add(inputs: Any, **kwargs: Any) -> Any:
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    return Dot(axes=axes, **kwargs)(inputs)
