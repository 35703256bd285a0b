"""Layers that multiply by a matrix, and one that does nothing."""
from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from .. import errors, ops
from ..functions.creation import empty
from . import functional as F, init
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Identity", "Linear", "Bilinear"]


def check_counts(name: str, **counts: Any) -> None:
    """Raise unless each of these constructor arguments is an integer that is not negative."""
    for argument, n in counts.items():
        try:
            count = operator.index(n)
        except TypeError as error:
            hint = f": write {int(n)}, or // in place of /" if isinstance(n, float) and n == int(n) else ""
            raise TypeError(f"{name}: {argument} is an integer, got {n!r}{hint}") from error
        if count < 0:
            raise errors.WrongValue(f"{name}: {argument} is not negative, got {n}")


class Identity(Module):
    """out = x, whatever the constructor is given: a place to put a layer into later, or where one was."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Linear(Module):
    """out = x Wᵀ + b        (SPEC F-03)

    x (…, in_features), of any leading dims; weight W (out_features, in_features); bias b (out_features,); out (…, out_features).
    W and b start uniform between ±1/√in_features.
    """
    in_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_counts("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """New random numbers."""
        bound = 1 / math.sqrt(self.in_features or 1)            # what PyTorch writes as kaiming_uniform_(weight, a=√5)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.linear(input, self.weight, self.bias)
        except errors.ShapeError as error:
            if origin := flattened_from(input):
                error.args = (f"{error.args[0]}{origin}",)
            raise

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


def flattened_from(x: Any) -> str:
    """Where the features of x come from, if it was flattened, as far as its history tells."""
    node = getattr(x, "node", None)
    before = node.parents[0] if node is not None and node.op is ops.reshape else None
    if before is None or len(before.shape) < 3 or x.ndim != 2 or math.prod(before.shape[1:]) != x.shape[-1]:
        return ""
    return (f".  The {x.shape[-1]} features are {' · '.join(map(str, before.shape[1:]))}: x was flattened from the shape "
            f"{tuple(before.shape)}")


class Bilinear(Module):
    """out_k = xᵀ W_k y + b_k        x (…, in1_features), y (…, in2_features), out (…, out_features)

    weight W (out_features, in1_features, in2_features); bias b (out_features,).  They start uniform between ±1/√in1_features.
    """
    in1_features: int
    in2_features: int
    out_features: int
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        check_counts("Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        if in1_features == 0:
            raise ValueError("Bilinear: in1_features is above 0, got 0")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """New random numbers."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")
