"""What a training says while it runs: a bar where there is a terminal and tqdm, else plain lines."""
from __future__ import annotations

import sys
import time
from typing import Any

from .callbacks import Callback, Logs


def as_text(logs: Logs) -> str:
    """loss: 0.1234 - accuracy: 0.9876"""
    return " - ".join([f"{name}: {value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{name}: {value:.4e}"
                       for name, value in logs.items()])


def as_time(seconds: float) -> str:
    """5s, or 12ms, or 340us"""
    return f"{seconds:.0f}s" if seconds >= 1 else f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def as_speed(seconds: float, steps: int) -> str:
    """5s - 12ms/step"""
    return f"{as_time(seconds)} - {as_time(seconds / max(steps, 1))}/step"


def bar(total: int | None, verbose: Any, file: Any = None) -> Any:
    """A bar of tqdm's on a terminal, or None where there is none or it is not wanted."""
    stream = sys.stderr if file is None else file
    if verbose != 1 or not (hasattr(stream, "isatty") and stream.isatty()):
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    form = "{desc} {n_fmt}/{total_fmt} |{bar:30}| {elapsed}<{remaining} {postfix}"
    return tqdm(total=total, leave=False, file=stream, bar_format=form)


class Progress(Callback):
    """One line for each epoch, and with verbose=1 a bar while it runs."""

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose
        self.bar: Any = None

    def follows(self, *hooks: str) -> bool:
        return self.verbose == 1 and bar_is_possible()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.start, self.steps = time.perf_counter(), 0
        self.bar = bar(self.params["steps"], self.verbose)
        if self.bar is not None:
            self.bar.set_description_str(f"Epoch {epoch + 1}/{self.params['epochs']}")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.steps += 1
        if self.bar is not None:
            self.bar.set_postfix_str(as_text(logs or {}), refresh=False)
            self.bar.update()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._close()
        speed = as_speed(time.perf_counter() - self.start, self.steps)
        print(f"Epoch {epoch + 1}/{self.params['epochs']} - {speed} - {as_text(logs or {})}", flush=True)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def bar_is_possible() -> bool:
    empty = bar(0, 1)
    if empty is None:
        return False
    empty.close()
    return True
