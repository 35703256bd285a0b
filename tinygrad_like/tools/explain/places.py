"""Where in the user's program something happens, and what the user calls a tensor there."""
from __future__ import annotations

import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from ... import __file__ as here
from ...nn.module import Module
from ...tensor import Tensor

PACKAGE = os.path.dirname(os.path.abspath(here)) + os.sep
LONGEST = 1000                                                  # lists longer than that are not searched for tensors
Place = dict[str, Any]


def users_frames() -> list[FrameType]:
    """What is running, the innermost first, without what is ours."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not os.path.abspath(frame.f_code.co_filename).startswith(PACKAGE):
            frames.append(frame)
        frame = frame.f_back
    return frames


def place_of(frames: list[FrameType]) -> Place | None:
    """The innermost line: {"file", "line", "text"}."""
    if not frames:
        return None
    file, line = frames[0].f_code.co_filename, frames[0].f_lineno
    text = linecache.getline(file, line, frames[0].f_globals).strip()
    inside = os.path.abspath(file).startswith(os.getcwd() + os.sep)
    return {"file": os.path.relpath(file) if inside else file, "line": line, "text": text}


def names_of(is_it: Callable[[Tensor], bool], frames: list[FrameType], made: bool = False) -> list[str]:
    """What the tensor is called in the innermost function that knows it: variables first, then places in lists and the like.

    made: an op made it, so no module holds it.
    """
    for frame in frames:
        variables: list[str] = []
        places: list[str] = []
        for name, value in variables_of(frame).items():
            if isinstance(value, Tensor):
                if is_it(value) and name.isidentifier():
                    variables.append(name)
            elif not name.startswith("_") and not (made and isinstance(value, Module)):
                places += [f"{name}{place}" for place, tensor in tensors_in(name, value) if is_it(tensor)]
        if variables or places:
            return variables + places
    return []


def variables_of(frame: FrameType) -> dict[str, Any]:
    found = frame.f_locals
    variables = dict(found)
    if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED and sys.getrefcount(found) <= 3:
        found.clear()                                           # a copy that the frame keeps: it would keep tensors alive, too
    return variables


def whose_array_is(array: Any, frames: list[FrameType], made: bool = False) -> list[str]:
    return names_of(lambda tensor: tensor.array is array, frames, made)


def tensors_in(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, (list, tuple)) and len(value) <= LONGEST:
        yield from [(f"[{i}]", x) for i, x in enumerate(value) if isinstance(x, Tensor)]
    elif type(value) is dict and len(value) <= LONGEST:
        yield from [(f"[{key!r}]", x) for key, x in list(value.items()) if isinstance(x, Tensor)]
    elif isinstance(value, Module) and "_modules" in value.__dict__:
        yield from [(f".{path}", x) for path, x in [*value.named_parameters(), *value.named_buffers()]]
    elif name == "self":
        yield from [(f".{key}", x) for key, x in list(getattr(value, "__dict__", {}).items()) if isinstance(x, Tensor)]
