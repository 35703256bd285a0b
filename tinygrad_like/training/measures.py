"""What is reported of an epoch: the loss and the metrics, as means over its samples, or from what they have gathered."""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .. import backend, errors, metrics
from ..tensor import Tensor
from . import losses
from .callbacks import a_class


class Mean:
    """Σ n v / Σ n, for values v of batches of n samples.  Values on a device are fetched when the mean is asked for."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.total, self.count = 0.0, 0
        self.pending: list[tuple[Any, int]] = []

    def add(self, value: Any, n: int) -> None:
        if isinstance(value, Tensor):
            value = value.array
        self.pending.append((value, n))
        if type(value) is float or len(self.pending) == 1000 or backend.device_of(value) == "cpu":
            self._fetch()

    def _fetch(self) -> None:
        for value, n in self.pending:
            self.total += float(value) * n
            self.count += n
        self.pending = []

    def compute(self) -> float:
        self._fetch()
        return self.total / self.count if self.count else float("nan")

    def state_dict(self) -> dict[str, Any]:
        self._fetch()
        return {"total": self.total, "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.reset()
        self.total, self.count = state["total"], state["count"]


class MeanOf:
    """The mean over samples of function(prediction, target), which is a number, or one for each sample."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self.name, self.function, self.mean = name, in_our_order(function), Mean()
        self.reset, self.compute = self.mean.reset, self.mean.compute
        self.state_dict, self.load_state_dict = self.mean.state_dict, self.mean.load_state_dict

    def update(self, prediction: Any, target: Any) -> None:
        value = self.function(prediction, target)
        self.mean.add(value.double().mean() if isinstance(value, Tensor) else float(value), length(target))


class Gathered:
    """A metric with update(prediction, target), compute() and reset() of its own."""

    def __init__(self, name: str, metric: Any) -> None:
        self.name, self.metric = name, metric
        self.reset = metric.reset
        self.update = in_our_order(metric.update)

    def compute(self) -> float:
        value = self.metric.compute()
        if getattr(value, "shape", ()) not in ((), (1,)):
            raise errors.WrongType(f"the metric {self.name} gives {tuple(value.shape)} numbers, and what is reported of an epoch "
                                   "is one: pass one that averages them")
        return float(value)

    def state_dict(self) -> dict[str, Any]:
        return self.metric.state_dict() if hasattr(self.metric, "state_dict") else dict(vars(self.metric))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if hasattr(self.metric, "load_state_dict"):
            self.metric.load_state_dict(state)
        else:
            vars(self.metric).update(state)


def length(target: Any) -> int:
    while isinstance(target, (tuple, list, dict)):
        target = next(iter(target.values() if isinstance(target, dict) else target))
    return target.shape[0] if target.ndim else 1


def in_our_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of (prediction, target); Keras's, whose first parameter is called y_true, is called the other way round."""
    return (lambda prediction, target: function(target, prediction)) if takes_truth_first(function) else function


def takes_truth_first(function: Any) -> bool:
    try:
        return next(iter(inspect.signature(function).parameters), "") == "y_true"
    except (TypeError, ValueError):                             # built in, without a signature
        return False


# ---- by name ----------------------------------------------------------------------------------------------------
def measure(metric: Any, loss: Any) -> Any:
    """What measures `metric`, a name, a function or an object, for a model that is trained with `loss`."""
    if isinstance(metric, str):
        return named(metric, loss)
    if all(hasattr(metric, method) for method in ("update", "compute", "reset")) and not isinstance(metric, type):
        return Gathered(getattr(metric, "name", None) or losses.snake(type(metric).__name__), metric)
    if callable(metric) and not isinstance(metric, type):
        return MeanOf(getattr(metric, "__name__", None) or losses.snake(type(metric).__name__), metric)
    raise errors.WrongType("compile: a metric is a name, a function of (prediction, target), or an object with update, compute "
                           f"and reset; got {metric!r}" + a_class(metric))


def named(name: str, loss: Any) -> Any:
    plain = {"acc": "accuracy"}.get(losses.snake(name), losses.snake(name))
    if plain == "accuracy":
        return MeanOf(name, lambda p, y: accuracy(p, y, loss))
    if plain == "binary_accuracy":
        return MeanOf(name, lambda p, y: binary_accuracy(p, y, loss))
    if plain in ("categorical_accuracy", "sparse_categorical_accuracy"):
        return MeanOf(name, lambda p, y: classes_right(p, y, loss))
    if plain in losses.NAMES:
        return MeanOf(name, losses.NAMES[plain])
    metric = metrics.get(plain)
    if loss is not None and hasattr(metric, "one_hot"):         # what the outputs and the targets of this model are
        metric.one_hot = loss.name == "categorical_crossentropy"
        metric.dim = -1 if loss.of_keras else metric.dim        # type: ignore[attr-defined]
        if loss.of_logits:
            metric.threshold = 0.0                              # type: ignore[attr-defined]
    return Gathered(name, metric)


# ---- what is right ----------------------------------------------------------------------------------------------
def accuracy(p: Tensor, y: Tensor, loss: Any) -> Tensor:
    """Whether each prediction is right: the class with the largest output, or for a single output, which side it is on."""
    outputs = p.shape[loss.class_axis(p)] if p.ndim > 1 else 1
    if outputs == 1 or (loss.binary and tuple(p.shape) == tuple(y.shape)):
        return binary_accuracy(p, y, loss)
    return classes_right(p, y, loss)


def binary_accuracy(p: Tensor, y: Tensor, loss: Any) -> Tensor:
    y = losses.paired("binary_accuracy", y, p)
    return ((p > (0.0 if loss.of_logits else 0.5)) == (y > 0.5)).double()


def truth(p: Tensor, y: Tensor, axis: int) -> Tensor:
    """The class numbers that y, which may be one-hot, stands for."""
    if tuple(y.shape) == tuple(p.shape):
        return y.argmax(axis)
    numbers = tuple(p.shape[:axis % p.ndim] + p.shape[axis % p.ndim + 1:])
    if tuple(y.shape) not in (numbers, numbers + (1,)):
        raise errors.ShapeError(f"accuracy: for an output of shape {tuple(p.shape)}, y holds class numbers in shape {numbers} or "
                                f"one-hot rows, and it has shape {tuple(y.shape)}")
    return y.reshape(numbers)


def classes_right(p: Tensor, y: Tensor, loss: Any) -> Tensor:
    axis = loss.class_axis(p)
    return (p.argmax(axis) == truth(p, y, axis)).double()
