"""Dropout: noise that a network learns to live with."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ...functions.common import check_inputs
from ...functions.random import bernoulli
from .activation import activated

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "dropout",
]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element becomes 0 with probability p, and else is divided by 1 - p, which keeps the mean.

    (Srivastava et al. 2014)
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p is a probability, between 0 and 1, got {p}")
    if not training or p == 0:
        return input
    kept = ops.mul(bernoulli(input.detach(), 1.0 - p), 1 / (1 - p) if p < 1 else 0.0)
    return activated(input, inplace, ops.mul, kept)


check_inputs(globals(), __all__)
