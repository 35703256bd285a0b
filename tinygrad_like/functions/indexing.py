"""Functions that pick elements out of tensors and put them in, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__: list[str] = []


class Indexing:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
