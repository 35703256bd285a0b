"""What is reported of an epoch: the loss and the metrics, as means over its samples, or from what they have gathered."""
from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from .. import backend, errors
from ..tensor import Tensor
from . import losses


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
        if isinstance(value, Tensor) and value.ndim:
            value = value.double().mean() if value.is_floating_point() else value.double().mean()
        elif not isinstance(value, Tensor):
            value = float(value)
        self.mean.add(value, length(target))


class Gathered:
    """A metric with update(prediction, target), compute() and reset() of its own."""

    def __init__(self, name: str, metric: Any) -> None:
        self.name, self.metric = name, metric
        self.reset = metric.reset
        self.update = in_our_order(metric.update)

    def compute(self) -> float:
        return float(self.metric.compute())

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


def takes_truth_first(function: Callable[..., Any]) -> bool:
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
    raise errors.WrongType(f"compile: a metric is a name, a function of (prediction, target), or an object with update, compute and "
                           f"reset; got {metric!r}" + (": that is a class, make an object of it" if isinstance(metric, type) else ""))


def named(name: str, loss: Any) -> Any:
    plain = {"acc": "accuracy"}.get(losses.snake(name), losses.snake(name))
    if plain == "accuracy":
        return MeanOf(name, lambda p, y: accuracy(p, y, loss))
    if plain == "binary_accuracy":
        return MeanOf(name, lambda p, y: binary_accuracy(p, y, loss))
    if plain in ("categorical_accuracy", "sparse_categorical_accuracy"):
        return MeanOf(name, lambda p, y: classes_right(p, y, loss))
    if plain in ("top_k", "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy", "top_k_accuracy", "top_5"):
        return MeanOf(name, lambda p, y: top_k(p, y, 5, loss))
    if plain in losses.NAMES:
        return MeanOf(name, losses.NAMES[plain])
    return Gathered(name, from_metrics(name, plain))


def from_metrics(name: str, plain: str) -> Any:
    """An object of the class of tinygrad_like.metrics that has this name, however it is written."""
    try:
        from .. import metrics
    except ImportError:
        metrics = None                                          # type: ignore[assignment]
    known = {losses.snake(each).replace("_", ""): each for each in dir(metrics) if isinstance(getattr(metrics, each), type)
             and hasattr(getattr(metrics, each), "update")}
    found = known.get(plain.replace("_", ""))
    if found is None:
        names = ["accuracy", "binary_accuracy", "categorical_accuracy", "top_k", *losses.NAMES, *map(str.lower, known.values())]
        near = difflib.get_close_matches(plain, names, n=2, cutoff=0.6)
        raise errors.WrongValue(f"compile: there is no metric {name!r}: " + (
            f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(names)}"))
    try:
        return getattr(metrics, found)()
    except TypeError as error:
        raise errors.WrongType(f"compile: the metric {name!r} wants to know more ({error}): pass an object, as in "
                               f"metrics=[metrics.{found}(…)]") from error


# ---- what is right ----------------------------------------------------------------------------------------------
def accuracy(p: Tensor, y: Tensor, loss: Any) -> Tensor:
    """Whether each prediction is right: the class with the largest output, or for a single output, which side it is on."""
    outputs = p.shape[-1] if p.ndim > y.ndim or p.ndim > 1 else 1
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
        raise errors.ShapeError(f"accuracy: for an output of shape {tuple(p.shape)}, y holds class numbers in shape {numbers} or one-hot "
                                f"rows, and it has shape {tuple(y.shape)}")
    return y.reshape(numbers)


def classes_right(p: Tensor, y: Tensor, loss: Any) -> Tensor:
    axis = loss.class_axis(p)
    return (p.argmax(axis) == truth(p, y, axis)).double()


def top_k(p: Tensor, y: Tensor, k: int, loss: Any) -> Tensor:
    """Whether fewer than k classes have a larger output than the right one."""
    axis = loss.class_axis(p)
    right = p.gather(axis, truth(p, y, axis).long().unsqueeze(axis))
    return ((p > right).sum(axis) < k).double()
