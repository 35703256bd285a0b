"""What large weights cost: kernel_regularizer="l2", or L2(1e-4).  It is added to the loss, in training and in evaluation."""
from __future__ import annotations

from typing import Any, NoReturn

from .. import errors
from ..tensor import Tensor


class L1L2:
    """l1 Σ |w| + l2 Σ w²"""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = l1 or 0.0, l2 or 0.0

    def __call__(self, w: Tensor) -> Tensor:
        if not self.l1:
            return self.l2 * (w * w).sum()
        return self.l1 * w.abs().sum() + (self.l2 * (w * w).sum() if self.l2 else 0.0)


class L1(L1L2):
    """l1 Σ |w|"""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 Σ w², whose gradient is 2 l2 w: that of weight_decay = 2 l2 in SGD."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    return L1L2(l1, l2)


l1, l2 = L1, L2
NAMES: dict[str, Any] = {"l1": L1, "l2": L2, "l1_l2": l1_l2, "L1": L1, "L2": L2, "L1L2": l1_l2}


def get(regularizer: Any) -> Any:
    """The regularizer of that name; a function of a weight as it is."""
    if isinstance(regularizer, str) and regularizer in NAMES:
        return NAMES[regularizer]()
    if callable(regularizer) and not isinstance(regularizer, type):
        return regularizer
    raise errors.WrongValue(f"there is no regularizer {regularizer!r}: there are l1, l2 and l1_l2, and L1(0.01), L2(0.01), "
                            "L1L2(l1=0.01, l2=0.01)")


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
