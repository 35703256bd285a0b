"""Matrix products and linear algebra, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__: list[str] = []


class Linalg:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
