"""Random numbers: drawn by NumPy on the host, so that both backends draw the same."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__: list[str] = []


class Random:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
