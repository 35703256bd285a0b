"""doctor: a check-up of a network, its loss and its optimizer on one batch."""
from __future__ import annotations

import math
import warnings
from typing import Any

from ... import backend
from ...nn import Module
from .advice import fault_of
from .findings import Report
from .patient import parts_of, settled_arguments, unchanged
from .watching import TrainingDoctor, rates_of

__all__ = ["doctor"]

STEPS = 10                                                      # so many are made on trial


def doctor(model: Module, loss: Any = None, optimizer: Any = None, batch: Any = None) -> Report:
    """Look for what is wrong before a training: print(doctor(model, nn.CrossEntropyLoss(), optimizer, next(iter(loader)))).

    loss: as `compile` takes it, a function of (output, target), or a name.  Without it, what the model was compiled with.
    batch: (input, target), or (input, input, …, target).

    It calls the model, goes backward, and makes ten steps on trial.  Afterwards parameters, buffers, gradients, the optimizer and
    the random numbers are what they were.  The report has findings: what was seen, why it matters, and what mends it.
    """
    call, optimizer = settled_arguments("doctor", model, loss, optimizer)
    inputs, target = parts_of("doctor", model, batch)
    watcher = TrainingDoctor(patience=STEPS // 2)
    watcher.quiet = True
    on_device = any(backend.device_of(p.array) != "cpu" for p in model.parameters())
    with unchanged(model, loss, optimizer), warnings.catch_warnings(), backend.set_debug(backend.debug or on_device):
        warnings.simplefilter("ignore")
        model.train()                                           # (debug: labels on a GPU are looked at, too)
        with watcher:
            values = trial(watcher, model, call, optimizer, inputs, target)
            look_at(watcher, optimizer, values)
    return Report(watcher.findings)


def trial(watcher: TrainingDoctor, model: Module, call: Any, optimizer: Any, inputs: list[Any], target: Any) -> list[float]:
    """The losses of some steps on one batch."""
    values: list[float] = []
    for _ in range(STEPS):
        what = "the model"
        try:
            out = model(*inputs)
            what = "the loss"
            value = call(out, target)
        except Exception as error:
            watcher.find(fault_of(error), f"{what} raises an error: {error}")
            break
        values.append(value.item())
        if not value.requires_grad:
            watcher.find("detached-graph", "the loss has no graph: " + (
                "all parameters of the model are frozen" if not any(p.requires_grad for p in model.parameters()) else
                "the output of the model has one, and the loss loses it" if getattr(out, "requires_grad", False) else
                "the output of the model has lost it already"))
            break
        for p in model.parameters():
            p.grad = None
        if optimizer is not None:
            optimizer.zero_grad()
        value.backward()
        if not math.isfinite(values[-1]) or optimizer is None:
            break
        optimizer.step()
    return values


def look_at(watcher: TrainingDoctor, optimizer: Any, values: list[float]) -> None:
    """What several steps on one batch show."""
    if not values or any(finding.name in ("call-fails", "detached-graph") for finding in watcher.findings):
        return
    if not math.isfinite(values[0]):
        watcher.find("loss-not-finite", f"the loss of the first batch is {values[0]}")
        return
    watcher.look_at_layers()
    if not math.isfinite(values[-1]) or len(values) > 2 and min(values[-3:]) > 2 * abs(values[0]) + 1e-3:
        watcher.find("learning-rate-too-high", f"with lr {rates_of(optimizer)}, the loss of one batch goes from {values[0]:.4g} to "
                     f"{values[-1]:.4g} in {len(values) - 1} steps on it")
