"""Averages of weights along a training: `AveragedModel`, whose averages often generalise better than the last weights.

    average = AveragedModel(model)                              # the mean of all that follow: SWA
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))                # a moving average: EMA
    for images, labels in loader:
        …
        optimizer.step()
        average.update_parameters(model)
    update_bn(loader, average)                                  # statistics that belong to the averaged weights

(Izmailov et al.: Averaging Weights Leads to Wider Optima and Better Generalization, 2018.)
"""
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from .. import errors
from ..functions.creation import tensor
from ..grad_mode import no_grad
from ..nn import Module
from ..nn.normalization import BatchNorm
from ..tensor import Tensor
from .lr_scheduler import LRScheduler, for_each_group
from .optimizer import Optimizer

__all__ = ["AveragedModel", "update_bn", "SWALR", "get_ema_multi_avg_fn", "get_swa_multi_avg_fn", "get_ema_avg_fn",
           "get_swa_avg_fn"]


class AveragedModel(Module):
    """A copy of a model, in `module`, whose parameters are averages of those that the model has at each `update_parameters`.

    avg_fn(average, value, n) gives the new average of a parameter after n values; multi_avg_fn(averages, values, n) changes a
    list of them in place.  Without either it is the mean of all values.
    use_buffers: average the buffers too; else they are copied.
    """
    n_averaged: Tensor

    def __init__(self, model: Module, device: Any = None, avg_fn: Callable[..., Any] | None = None,
                 multi_avg_fn: Callable[..., Any] | None = None, use_buffers: bool = False) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise errors.WrongValue("AveragedModel takes avg_fn or multi_avg_fn, got both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the model's parameters into the averages; the first time they are copied."""
        averages, values = self._averaged(self.module), self._averaged(model)
        n = int(self.n_averaged.item())
        with no_grad():
            values = [value.detach().to(average.device) for average, value in zip(averages, values)]
            if n == 0:
                for average, value in zip(averages, values):
                    average.copy_(value)
            elif self.avg_fn is not None:
                for average, value in zip(averages, values):
                    average.copy_(self.avg_fn(average.detach(), value, self.n_averaged.to(average.device)))
            else:
                (self.multi_avg_fn or get_swa_multi_avg_fn())(averages, values, self.n_averaged)
            if not self.use_buffers:
                for mine, theirs in zip(self.module.buffers(), model.buffers()):
                    mine.copy_(theirs)
            self.n_averaged += 1

    def _averaged(self, model: Module) -> list[Tensor]:
        return [x.detach() for x in (*model.parameters(), *(model.buffers() if self.use_buffers else ()))]


def get_swa_avg_fn() -> Callable[..., Any]:
    """The mean: average + (value − average) / (n + 1)"""
    return lambda average, value, n: average + (value - average) / (n + 1)


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """The moving average: decay · average + (1 − decay) · value"""
    check_decay(decay)
    return lambda average, value, n: decay * average + (1 - decay) * value


def get_swa_multi_avg_fn() -> Callable[..., Any]:
    """As `get_swa_avg_fn`, in place for a list of them."""
    def update(averages: Iterable[Tensor], values: Iterable[Tensor], n: Any) -> None:
        move(averages, values, lambda average, value: average.add_((value - average) / (int(n) + 1)), get_swa_avg_fn(), n)
    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., Any]:
    """As `get_ema_avg_fn`, in place for a list of them."""
    check_decay(decay)

    def update(averages: Iterable[Tensor], values: Iterable[Tensor], n: Any) -> None:
        move(averages, values, lambda average, value: average.lerp_(value, 1 - decay), get_ema_avg_fn(decay), n)
    return update


def move(averages: Iterable[Tensor], values: Iterable[Tensor], in_place: Any, formula: Any, n: Any) -> None:
    with no_grad():
        for average, value in zip(averages, values):
            if average.is_floating_point() or average.is_complex():
                in_place(average, value)
            else:                                               # a counter
                average.copy_(formula(average, value, n))


def check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise errors.WrongValue(f"the decay of a moving average is between 0 and 1, got {decay}")


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Have all batch norms of the model find their running statistics anew: as means over the batches of the loader."""
    norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    training = model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None                                    # the mean of all batches
    try:
        with no_grad():
            for batch in loader:
                x = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(x if device is None else x.to(device))
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        model.train(training)


class SWALR(LRScheduler):
    """From the rate there is to swa_lr within anneal_epochs steps, along a cosine or a line, and there it stays:

        αₜ = s aₜ + (1 − aₜ) α        aₜ = (1 − cos(π t / T)) / 2, or t / T
    """

    def __init__(self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10, anneal_strategy: str = "cos",
                 last_epoch: int = -1) -> None:
        if anneal_strategy not in ("cos", "linear"):
            raise errors.WrongValue(f"SWALR: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise errors.WrongValue(f"SWALR: anneal_epochs is a whole number that is not negative, got {anneal_epochs!r}")
        for group, rate in zip(optimizer.param_groups, for_each_group("swa_lr", optimizer, swa_lr)):
            group["swa_lr"] = rate
        self.anneal_epochs, self.anneal_strategy = anneal_epochs, anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of swa_lr there is after so many steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self.anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        step = max(1, self._step_count - 1) if self.anneal_epochs == 0 else self._step_count - 1
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            start = group["swa_lr"] if before == 1 else (group["lr"] - before * group["swa_lr"]) / (1 - before)
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
