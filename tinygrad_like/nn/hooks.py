"""What stands between the hooks of a module and the gradients on their way past it."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..op import wrap
from ..tensor import Tensor


class with_keywords:
    """A hook that wants the keyword arguments too."""

    def __init__(self, hook: Callable[..., Any]) -> None:
        self.hook = hook

    def __call__(self, *args: Any) -> Any:
        return self.hook(*args)


def observed(values: Any, seen: Callable[[tuple[Any, ...]], Any]) -> Any:
    """The values (a Tensor, or a tuple with some), the gradients of whose Tensors are shown to `seen` on their way back."""
    parts = list(values) if isinstance(values, tuple) else [values]
    at = [i for i, x in enumerate(parts) if isinstance(x, Tensor) and x.requires_grad]
    if not at:
        return values

    def seen_as_tensors(gs: tuple[Any, ...]) -> Any:
        tensors = [g if isinstance(g, Tensor) else wrap(g) for g in gs]
        shown: list[Any] = [None] * len(parts)
        for i, g in zip(at, tensors):
            shown[i] = g
        answers = seen(tuple(shown))
        return [answers[i] if isinstance(g, Tensor) else answers[i].array for i, g in zip(at, gs)]
    for i, x in zip(at, ops.passing(*[parts[i] for i in at], seen=seen_as_tensors)):
        parts[i] = x
    return tuple(parts) if isinstance(values, tuple) else parts[0]


def call_each(hooks: list[Callable[..., Any]], module: Any, gs: tuple[Any, ...], more: Any = ()) -> tuple[Any, ...]:
    """The gradients as the hooks want them: each may return others in their place."""
    for hook in hooks:
        answer = hook(module, gs, *more)
        if answer is not None:
            answer = answer if isinstance(answer, tuple) else (answer,)
            if len(answer) != len(gs):
                raise RuntimeError(f"a backward hook of {type(module).__name__} was shown {len(gs)} gradients and returned "
                                   f"{len(answer)}: it returns one for each, as a tuple, or None")
            gs = answer
    return gs
