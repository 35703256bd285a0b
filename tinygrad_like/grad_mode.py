"""Whether ops record themselves: `no_grad` and its relatives, as `with` blocks, as decorators, and for each thread by itself."""
from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from . import machine


class GradMode(threading.local):
    """Whether ops record themselves, in this thread."""
    enabled = True


grad_mode = GradMode()


class no_grad:
    """Inside `with no_grad():`, or in a function decorated `@no_grad()`, ops compute and forget."""
    enabled = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        return switch if function is None or not callable(function) else switch(function)

    def __init__(self, function: None = None) -> None:
        self.before: list[bool] = []

    def __enter__(self) -> None:
        if not machine.prepared:
            machine.prepare()
        self.before.append(grad_mode.enabled)
        grad_mode.enabled = self.enabled

    def __exit__(self, *error: Any) -> None:
        grad_mode.enabled = self.before.pop()

    def fresh(self) -> no_grad:
        """Another of the same: one that several threads share would mix up what was before."""
        return type(self)()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            @functools.wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Any:     # in force while the generator runs, not while it waits
                generator, step, sent = function(*args, **kwargs), "send", None
                try:
                    while True:
                        with self.fresh():
                            item = getattr(generator, step)(sent)
                        try:
                            step, sent = "send", (yield item)
                        except BaseException as error:
                            step, sent = "throw", error
                except StopIteration as stop:
                    return stop.value
            return generate

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.fresh():
                return function(*args, **kwargs)
        return call


class enable_grad(no_grad):
    """Inside `with enable_grad():` ops record themselves, also within a `no_grad()`."""
    enabled = True


class inference_mode(no_grad):
    """`no_grad` under PyTorch's other name; inference_mode(False) records."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()
        self.enabled = not mode

    def fresh(self) -> no_grad:
        return inference_mode(not self.enabled)


class set_grad_enabled(no_grad):
    """Recording on or off: at once, and if used in a `with` block, until its end."""

    def __new__(cls, mode: bool) -> Any:
        return super().__new__(cls)

    def __init__(self, mode: bool) -> None:
        super().__init__()
        self.enabled = mode
        self.at_first = grad_mode.enabled
        grad_mode.enabled = mode

    def __exit__(self, *error: Any) -> None:
        super().__exit__()
        if not self.before:
            grad_mode.enabled = self.at_first

    def fresh(self) -> no_grad:
        return enable_grad() if self.enabled else no_grad()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        grad_mode.enabled = self.at_first                       # meant for the function, not for here
        return super().__call__(function)


def is_grad_enabled() -> bool:
    """Whether ops record themselves now, in this thread."""
    return grad_mode.enabled
