"""Watchers: what is told of every op that runs, and of every step of the sweep.  The tools that show what happens are made of it.

While nobody watches, an op looks at an empty list once, and that is all.
"""
from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

Run = Callable[[], Any]


class Watcher:
    """A `with` block that is told what runs in its thread.  Each method returns what `run()` returned: before it and after it
    there is time to look."""

    def __enter__(self) -> Any:
        self.thread = threading.get_ident()
        watchers.append(self)
        return self

    def __exit__(self, *error: Any) -> None:
        watchers.remove(self)

    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        """An op computes with arrays, and returns what its `forward` does."""
        return run()

    def recorded(self, node: Any) -> None:
        """The op that just ran left a node behind."""

    def visited(self, node: Any, g: Any) -> None:
        """The sweep takes up a node, a leaf too: g is all that arrived there."""

    def backward(self, node: Any, i: int, g: Any, run: Run) -> Any:
        """The derivative of a node's op by operand i is computed, given g."""
        return run()

    def module(self, module: Any, run: Run) -> Any:
        """A module is called."""
        return run()

    def step(self, optimizer: Any, run: Run) -> Any:
        """An optimizer takes a step."""
        return run()


watchers: list[Watcher] = []                                    # of all threads


def watched(event: str, *about: Any) -> Any:
    """about[-1](), with all watchers of this thread around it: the last one that came is the outermost."""
    *told, run = about
    thread = threading.get_ident()
    for watcher in [each for each in watchers if each.thread == thread]:
        run = functools.partial(getattr(watcher, event), *told, run)
    return run()


def told(event: str, *about: Any) -> None:
    """Tell all watchers of this thread."""
    thread = threading.get_ident()
    for watcher in watchers:
        if watcher.thread == thread:
            getattr(watcher, event)(*about)
