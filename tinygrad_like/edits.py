"""Which memory was edited in place, and when: so that a gradient is never computed from values that have changed since.

Edits and nodes are numbered by the same clock.  What a node kept is stale if its memory was edited after the node was born.
"""
from __future__ import annotations

import itertools
import os
import sys
import weakref
from collections.abc import Iterable
from typing import Any

from . import backend, errors
from .backend import array_types

clock = itertools.count(1)
newest = 0                                              # the number of the newest edit: nodes born later need no check
_edits: dict[int, tuple[int, str, Any]] = {}            # id of the owner of the memory: (number, what it was, weak reference)
_package = os.path.dirname(__file__)


def owner(array: Any) -> Any:
    """The array whose memory `array` is a view of: itself if it has its own."""
    while type(base := getattr(array, "base", None)) in array_types:
        array = base
    return array


def writable(array: Any, how: str) -> Any:
    """The array, unless it is expanded: then several of its elements are one number in memory, and it may not be written to."""
    if 0 in array.strides and array.size and any(stride == 0 and n > 1 for stride, n in zip(array.strides, array.shape)):
        raise errors.overlapping(how, array.shape)
    return array


def edited(array: Any, how: str) -> None:
    """Note that the memory of `array` has been written to, by the method `how`."""
    _note(array, f"{how} at {_caller()}")


def all_edited(arrays: Iterable[Any], how: str) -> None:
    """Note that all these arrays have been written to."""
    how = f"{how} at {_caller()}"
    for array in arrays:
        _note(array, how)


def _note(array: Any, how: str) -> None:
    global newest
    newest = next(clock)
    memory = owner(array)
    backend.forget_range(memory)
    key = id(memory)
    known = _edits.get(key)
    reference = known[2] if known else weakref.ref(memory, lambda _: _edits.pop(key, None))
    _edits[key] = newest, how, reference


def last(array: Any) -> str:
    """The last edit in place of the memory of `array`, as "x += y at file:line"; "" if there was none."""
    return str(_edits.get(id(owner(array)), (0, "", None))[1])


def check(node: Any) -> None:
    """Raise if something that `node` kept has been edited since it was born."""
    for name, value in node.kept.items():
        for array in value if isinstance(value, (tuple, list)) else (value,):
            if type(array) in array_types:
                number, how, _ = _edits.get(id(owner(array)), (0, "", None))
                if number > node.birth:
                    raise errors.stale(node.op, name, array, how)


def _caller() -> str:
    """The file and line outside this package that is running."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_package):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
