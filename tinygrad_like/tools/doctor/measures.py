"""What the doctor measures: units, gradients, sizes, and where numbers come from."""
from __future__ import annotations

import math
from typing import Any

from ... import backend, nn
from ...backend import xp
from ..nonfinite import Source, arrays_in

# ops that hand numbers on as they are, or some of them
SAME_NUMBERS = frozenset("""
    alias passing clone contiguous to_device astype reshape swapaxes transpose flip roll getitem take take_along_axis broadcast_to
    result split unbind
""".split())


class Gradients:
    """Whether the gradients of an optimizer are made anew for each step: seen by one of its parameters."""

    def __init__(self) -> None:
        self.params: set[int] = set()
        self.watched: Any = None
        self.after: Any = None                                  # its gradient, as it was after the last step
        self.used = False                                       # whether that was there when the next one came

    def stepped(self, params: list[Any]) -> None:
        self.params |= {id(p) for p in params}
        ready = [p for p in params if p.grad is not None and p.node is not None and p.grad.array.any()]
        self.watched = min(ready, key=lambda p: p.numel(), default=None)
        self.after = None if self.watched is None else backend.copy(self.watched.grad.array)
        self.used = False

    def arrived(self, leaf: Any) -> None:
        """A gradient comes to a leaf, and will be added to what is there."""
        if self.watched is not None and self.watched.node is leaf:
            there = self.watched.grad
            if there is None or not there.array.any():
                self.used, self.after = False, None
            elif self.after is not None and bool((there.array == self.after).all()):
                self.used = True


class Units:
    """Which units of a layer were ever active.  They stand along axis 1 (channels) or along the last axis."""

    def __init__(self) -> None:
        self.count = 0
        self.active: dict[int, Any] = {}

    def add(self, active: Any) -> None:
        self.count += active.shape[0]
        for axis in {1, active.ndim - 1}:
            seen = active.any(axis=tuple([k for k in range(active.ndim) if k != axis]))
            known = self.active.get(axis)
            self.active[axis] = seen if known is None or known.shape != seen.shape else known | seen

    def dead(self) -> float:
        return min([1 - float(active.mean(dtype="float32")) for active in self.active.values()])


def size(x: Any) -> float:
    """√ of the mean square."""
    return math.sqrt(float(xp(x).mean(abs(x) ** 2))) if x.size else 0.0


def all_arrays(x: Any) -> list[Any]:
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (tuple, list)):
        return [array for each in x for array in all_arrays(each)]
    return arrays_in(x)


def by_batch_or_chance(module: Any, any_mode: bool = False) -> str:
    """The kinds of layers within that do otherwise in training than in use, and are in training mode."""
    kinds = (nn.normalization.BatchNorm, nn.dropout.AnyDropout)
    found = {type(each).__name__ for each in module.modules() if isinstance(each, kinds) and (any_mode or each.training)
             and getattr(each, "p", 1) > 0}
    return ", ".join(sorted(found))


def rates_of(optimizer: Any) -> str:
    rates = [group["lr"] for group in optimizer.param_groups if isinstance(group.get("lr"), (int, float))]
    return ", ".join([f"{lr:.3g}" for lr in dict.fromkeys(rates)])


def op_of(node: Any) -> str:
    return "" if node is None or node.op is None else str(node.op.__name__)


def source_of(node: Any) -> str:
    """The op whose numbers these are, past those that only hand them on."""
    while op_of(node) in SAME_NUMBERS:
        node = node.parents[0]
    return op_of(node)


def place_of(path: str, source: Source | None) -> str:
    return ": ".join([each for each in (path, str(source) if source is not None else "") if each])


def some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
