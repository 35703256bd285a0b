"""Tensors that belong to a module: those that training changes, and those that it only keeps."""
from __future__ import annotations

from typing import Any

from ..functions.creation import empty
from ..printing import represent
from ..tensor import Tensor

__all__ = ["Parameter", "Buffer"]


class Parameter(Tensor):
    """A tensor that is trained: as an attribute of a Module it is among its `parameters()`.

    It shares the memory of `data`, which loses nothing by it.  requires_grad=False freezes it.
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        self.array, self.node = values(data, "Parameter").array, None
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = super().__deepcopy__(memo)
        copy.grad = None                                        # what was learned is copied, not what is being learned
        return copy

    def __repr__(self) -> str:
        return f"Parameter containing:\n{represent(self, 'tensor')}"


class Buffer(Tensor):
    """A tensor that a module keeps and does not train, such as a running mean.

    As an attribute of a Module it moves along with it, and is in its `state_dict()` if it is persistent.
    """
    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        self.array, self.node = values(data, "Buffer").array, None
        self.persistent = persistent


def values(data: Any, kind: str) -> Tensor:
    if data is None:
        return empty(0)
    if not isinstance(data, Tensor):
        raise TypeError(f"{kind} takes a Tensor, got {type(data).__name__}: make one with tensor(…)")
    return data
