"""Functions that make one number of many, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from .common import numpy_names

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["sum"]


@numpy_names
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Σ x over dim (an int, several, or by default all)."""
    return ops.sum(input, axis=tuple(dim) if isinstance(dim, list) else dim, keepdims=keepdim)


class Reduce:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    sum = sum
