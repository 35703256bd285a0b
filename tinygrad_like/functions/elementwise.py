"""Functions of each element by itself, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from .common import in_place

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["add", "exp", "mul"]


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha · other"""
    return ops.add(input, other if alpha == 1 else ops.mul(other, alpha))


def mul(input: Any, other: Any) -> Tensor:
    """input · other"""
    return ops.mul(input, other)


def exp(input: Tensor) -> Tensor:
    """eˣ"""
    return ops.exp(input)


class Elementwise:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    add, exp, mul = add, exp, mul
    add_, exp_, mul_ = in_place(add), in_place(exp), in_place(mul)
