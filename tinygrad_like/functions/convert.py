"""Conversions: of number type, device and layout, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__: list[str] = []


class Convert:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
