"""Functions that rearrange elements, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["clone", "reshape", "swapaxes", "unbind", "cat", "stack"]


def clone(input: Tensor, *, memory_format: None = None) -> Tensor:
    """The same values in memory of their own, with the same history."""
    return ops.clone(input)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1."""
    return ops.reshape(input, to=tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """input with two dimensions exchanged"""
    return ops.swapaxes(input, axis1=axis0, axis2=axis1)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along dim, as a tuple."""
    return ops.unbind(input, axis=dim)


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors joined along dim."""
    return ops.concatenate(*tensors, axis=dim)


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors joined along a new dim."""
    return ops.stack(*tensors, axis=dim)


class Shape:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    clone, reshape, swapaxes, unbind = clone, reshape, swapaxes, unbind

    def astype(self: Tensor, dtype: Any) -> Tensor:
        """NumPy's name for `.to(dtype)`, for formulas that work on arrays and on Tensors."""
        return ops.astype(self, dtype=dtype)
