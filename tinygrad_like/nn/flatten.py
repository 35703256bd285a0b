"""Layers that give a tensor another shape."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ..functions.shape import flatten, unflatten
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Flatten", "Unflatten"]


class Flatten(Module):
    """The dims from start_dim to end_dim (included) as one: images (N, C, H, W) become rows (N, C·H·W)."""
    start_dim: int
    end_dim: int

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Tensor) -> Tensor:
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dim as several: Unflatten(1, (C, H, W)) makes images (N, C, H, W) of rows (N, C·H·W).  One size may be -1."""
    dim: int
    unflattened_size: tuple[int, ...] | list[int]

    def __init__(self, dim: int, unflattened_size: tuple[int, ...] | list[int]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)) or not all([isinstance(n, int) for n in unflattened_size]):
            raise TypeError(f"Unflatten: unflattened_size is a tuple of ints, got {unflattened_size!r}")
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
