"""Keras's losses: functions of (y_true, y_pred), a number for each sample, and objects with settings, which give their mean."""
from __future__ import annotations

from typing import Any, NoReturn

from .. import errors
from ..op import wrap
from ..tensor import Tensor
from ..training.batches import as_array
from ..training.losses import (
    binary_crossentropy as binary_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    cosine_similarity as cosine_similarity,
    find,
    hinge as hinge,
    huber as huber,
    kl_divergence as kl_divergence,
    log_cosh as log_cosh,
    mean_absolute_error as mean_absolute_error,
    mean_absolute_percentage_error as mean_absolute_percentage_error,
    mean_squared_error as mean_squared_error,
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
    poisson as poisson,
    snake,
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
    squared_hinge as squared_hinge,
)

mse, mae = mean_squared_error, mean_absolute_error
mape, msle = mean_absolute_percentage_error, mean_squared_logarithmic_error


class Loss:
    """A loss with settings: loss(y_true, y_pred) is the mean over the samples.  A subclass has a `call` that gives each its own."""
    function: Any = None

    def __init__(self, name: str | None = None, reduction: str = "sum_over_batch_size", **settings: Any) -> None:
        if reduction not in ("sum_over_batch_size", "auto", "sum", "none", None):
            raise errors.WrongValue(f"{type(self).__name__}: reduction is sum_over_batch_size, sum or none, got {reduction!r}")
        self.name, self.reduction, self.settings = name or snake(type(self).__name__), reduction, settings

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.function is None:
            raise NotImplementedError(f"{type(self).__name__} has no call: define `def call(self, y_true, y_pred)`")
        return type(self).function(y_true, y_pred, **self.settings)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        y_true, y_pred = [x if isinstance(x, Tensor) else wrap(as_array(x)) for x in (y_true, y_pred)]
        loss = self.call(y_true, y_pred)
        return loss if self.reduction in ("none", None) else loss.sum() if self.reduction == "sum" else loss.mean()


class CategoricalCrossentropy(Loss):
    function = categorical_crossentropy

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, **others: Any) -> None:
        classes_last("CategoricalCrossentropy", axis)
        super().__init__(from_logits=from_logits, label_smoothing=label_smoothing, **others)
        self.from_logits = from_logits


class SparseCategoricalCrossentropy(Loss):
    function = sparse_categorical_crossentropy

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1, **others: Any) -> None:
        classes_last("SparseCategoricalCrossentropy", axis)
        super().__init__(from_logits=from_logits, ignore_class=ignore_class, **others)
        self.from_logits, self.ignore_class = from_logits, ignore_class


class BinaryCrossentropy(Loss):
    function = binary_crossentropy

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1, **others: Any) -> None:
        classes_last("BinaryCrossentropy", axis)
        super().__init__(from_logits=from_logits, label_smoothing=label_smoothing, **others)
        self.from_logits = from_logits


def classes_last(name: str, axis: int) -> None:
    if axis != -1:
        raise NotImplementedError(f"{name}: axis={axis} is not offered: the classes are along the last axis")


class MeanSquaredError(Loss):
    function = mean_squared_error


class MeanAbsoluteError(Loss):
    function = mean_absolute_error


class MeanAbsolutePercentageError(Loss):
    function = mean_absolute_percentage_error


class MeanSquaredLogarithmicError(Loss):
    function = mean_squared_logarithmic_error


class Huber(Loss):
    function = huber

    def __init__(self, delta: float = 1.0, **others: Any) -> None:
        super().__init__(delta=delta, **others)


class LogCosh(Loss):
    function = log_cosh


class Hinge(Loss):
    function = hinge


class SquaredHinge(Loss):
    function = squared_hinge


class KLDivergence(Loss):
    function = kl_divergence


class Poisson(Loss):
    function = poisson


class CosineSimilarity(Loss):
    function = cosine_similarity


def get(loss: Any) -> Any:
    """The loss of that name; anything else as it is."""
    return find(loss) if isinstance(loss, str) else loss


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
