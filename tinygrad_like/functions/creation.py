"""Functions that make tensors, spelled as PyTorch spells them."""
from __future__ import annotations

from typing import Any

__all__: list[str] = []


class Creation:
    """The functions that make a tensor like another, as methods of Tensor."""
    __slots__ = ()
