"""`tinygrad_like.utils.checkpoint.checkpoint`: see `derivatives.checkpoint`."""
from collections.abc import Callable, Iterable
from typing import Any

from .. import errors
from ..derivatives import checkpoint as checkpoint


def checkpoint_sequential(functions: Iterable[Callable[[Any], Any]], segments: int, input: Any, use_reentrant: bool | None = None,
                          preserve_rng_state: bool = True) -> Any:
    """functions, one after another, on input, in segments of about equal length, each of them a checkpoint; but the last is none,
    as it would be run again at once."""
    functions = list(functions)
    if not 1 <= segments <= len(functions):
        raise errors.WrongValue(f"checkpoint_sequential: segments is between 1 and {len(functions)}, the number of functions, got "
                                f"{segments}")
    size = len(functions) // segments

    def all_of(part: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def run(x: Any) -> Any:
            for function in part:
                x = function(x)
            return x
        return run

    last = size * (segments - 1)
    for start in range(0, last, size):
        input = checkpoint(all_of(functions[start:start + size]), input, use_reentrant=use_reentrant,
                           preserve_rng_state=preserve_rng_state)
    return all_of(functions[last:])(input)
