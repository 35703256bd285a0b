"""find_lr: how the loss goes while the learning rate grows, and which one to take."""
from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from typing import Any

from ... import errors
from ...nn import Module
from .patient import parts_of, settled_arguments, unchanged

__all__ = ["find_lr", "LearningRates"]


class LearningRates:
    """Learning rates, and the losses with them.

    lrs, losses: what was tried, and the smoothed loss.        suggestion: the rate at which the loss falls most steeply.
    """

    def __init__(self, lrs: list[float], losses: list[float]) -> None:
        self.lrs, self.losses = lrs, losses
        slopes = [b - a for a, b in zip(losses, losses[2:])]    # on the scale of log lr, whose steps are equal
        lowest = losses.index(min(losses))
        falling = slopes[:max(lowest, 1)]
        self.suggestion = lrs[falling.index(min(falling)) + 1] if falling else lrs[0]

    def plot(self, path: Any = None) -> Any:
        """The curve as a figure, and if path is given, in a file.  Needs matplotlib: pip install 'tinygrad_like[plot]'."""
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("plot draws with matplotlib, which is not installed: pip install 'tinygrad_like[plot]'") from error
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.lrs, self.losses)
        axes.axvline(self.suggestion, color="tab:red", linestyle="--", label=f"suggestion {self.suggestion:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss, smoothed")
        axes.legend()
        axes.grid(alpha=0.3)
        if path is not None:
            figure.savefig(os.fspath(path), dpi=120)
        return figure

    def __str__(self) -> str:
        return (f"suggested learning rate {self.suggestion:.2g} (tried {self.lrs[0]:.2g} to {self.lrs[-1]:.2g}; loss "
                f"{self.losses[0]:.4g}, least {min(self.losses):.4g} at {self.lrs[self.losses.index(min(self.losses))]:.2g})")

    __repr__ = __str__


def find_lr(model: Module, loss: Any = None, optimizer: Any = None, batches: Any = None, low: float = 1e-7, high: float = 10.0,
            steps: int = 100) -> LearningRates:
    """Make steps with a learning rate that grows from low to high by the same factor each, and see how the loss goes.

    loss: as `compile` takes it.  Without it, and without an optimizer, those that the model was compiled with.
    batches: a DataLoader, which is begun again when it ends, or one batch (input, target).

    It stops when the loss is not finite, or four times that of the beginning.  Groups of parameters keep the ratios of their rates.
    Afterwards the model, the optimizer and the random numbers are what they were.        (L. N. Smith: Cyclical learning rates for
    training neural networks, 2017, section 3.3)
    """
    call, optimizer = settled_arguments("find_lr", model, loss, optimizer)
    if optimizer is None:
        raise errors.WrongType("find_lr: an optimizer is missing: find_lr(model, loss, optimizer, batches)")
    if not 0 < low < high or steps < 10:
        raise errors.WrongValue(f"find_lr: 0 < low < high and at least 10 steps, got {low}, {high} and {steps}")
    lrs: list[float] = []
    losses: list[float] = []
    with unchanged(model, loss, optimizer), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)         # it goes on until numbers overflow
        model.train()
        own = [group["lr"] for group in optimizer.param_groups]
        factors = [lr / max(own) if max(own) else 1.0 for lr in own]
        for k, batch in zip(range(steps), endless(batches)):
            lr = low * (high / low) ** (k / (steps - 1))
            for group, factor in zip(optimizer.param_groups, factors):
                group["lr"] = lr * factor
            inputs, target = parts_of("find_lr", model, batch)
            optimizer.zero_grad()
            value = call(model(*inputs), target)
            value.backward()
            number = value.item()
            if not math.isfinite(number) or (k and abs(number) > 4 * abs(losses[0])):
                break
            lrs.append(lr)
            losses.append(number)
            optimizer.step()
    if not lrs:
        raise errors.WrongValue(f"find_lr: the loss of the first batch is {number}: doctor(model, …) says why")
    return LearningRates(lrs, smoothed(losses, max(steps // 20, 1)))


def smoothed(losses: list[float], reach: int) -> list[float]:
    """Means over as many losses before as behind, so that the curve is not moved to the right."""
    means = []
    for k in range(len(losses)):
        around = min(reach, k, len(losses) - 1 - k)
        means.append(sum(losses[k - around:k + around + 1]) / (2 * around + 1))
    return means


def endless(batches: Any) -> Iterator[Any]:
    """The batches of a loader, again and again; or one batch for ever."""
    one = isinstance(batches, (tuple, list)) and len(batches) > 1 and not isinstance(batches[0], (tuple, list))
    while True:
        count = 0
        for batch in [batches] if one else batches:
            count += 1
            yield batch
        if not count:
            raise errors.WrongValue("find_lr: the loader is empty")
