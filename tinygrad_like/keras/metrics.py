"""Keras's metrics as objects: update_state(y_true, y_pred), result(), reset_state(); compile(metrics=[…]) takes them, and names."""
from __future__ import annotations

from typing import Any, NoReturn

from .. import metrics
from ..op import wrap
from ..tensor import Tensor
from ..training.batches import as_array
from ..training.losses import snake


class Metric:
    """A number gathered over batches.  A subclass of one's own has update_state, result and reset_state, and numbers as attributes:

        class Largest(keras.metrics.Metric):
            def __init__(self, name="largest"):
                super().__init__(name=name)
                self.reset_state()

            def update_state(self, y_true, y_pred, sample_weight=None):
                self.found = max(self.found, float(y_pred.max()))

            def result(self):
                return self.found

            def reset_state(self):
                self.found = 0.0
    """
    each = False                                                # whether each number of an output counts by itself

    def __init__(self, name: str | None = None, metric: Any = None) -> None:
        self.metric, self.name = metric, name or snake(type(self).__name__)

    def __call__(self, *args: Any) -> Any:
        """Count a batch in, and say the result so far."""
        self.update_state(*args)
        return self.result()

    def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Count a batch in."""
        if self.metric is None:
            raise NotImplementedError(f"{type(self).__name__} has no update_state(self, y_true, y_pred)")
        y_true, y_pred = tensors(y_true, y_pred)
        if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
            y_pred = y_pred.squeeze(-1)
        elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
            y_true = y_true.squeeze(-1)
        if self.each and y_true.shape == y_pred.shape:
            y_true, y_pred = y_true.reshape(-1), y_pred.reshape(-1)
        self.metric.update(y_pred, y_true)

    def result(self) -> Any:
        if self.metric is None:
            raise NotImplementedError(f"{type(self).__name__} has no result(self)")
        return self.metric.compute()

    def reset_state(self) -> None:
        if self.metric is None:
            raise NotImplementedError(f"{type(self).__name__} has no reset_state(self), which sets its numbers back")
        self.metric.reset()

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: a metric has no weights here: a number as an attribute will do, "
                                  "self.total = 0.0, which reset_state sets back")

    # as the metrics of this library have it, and what a checkpoint keeps
    def update(self, y_true: Any, y_pred: Any) -> None:
        self.update_state(y_true, y_pred)

    def compute(self) -> Any:
        return self.result()

    def reset(self) -> None:
        self.reset_state()

    def state_dict(self) -> Any:
        if self.metric is None:
            return {name: value for name, value in vars(self).items() if name not in ("metric", "name")}
        return self.metric.state_dict() if hasattr(self.metric, "state_dict") else dict(vars(self.metric))

    def load_state_dict(self, state: Any) -> None:
        if hasattr(self.metric, "load_state_dict"):
            self.metric.load_state_dict(state)
        else:
            vars(self if self.metric is None else self.metric).update(state)


def tensors(*xs: Any) -> list[Tensor]:
    return [x if isinstance(x, Tensor) else wrap(as_array(x)) for x in xs]


class Mean(Metric):
    """The mean of the numbers that it is shown: Mean()(loss)."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = 1.0) -> None:  # type: ignore[override]
        values, weight = tensors(values, sample_weight)
        weighted = values.detach().double() * weight.double()
        self.total += float(weighted.sum())
        self.count += float((weighted * 0 + weight).sum())

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        self.total = self.count = 0.0


class Accuracy(Mean):
    """How often y_pred is y_true, number by number."""

    def update_state(self, y_true: Any, y_pred: Any) -> None:   # type: ignore[override]
        y_true, y_pred = tensors(y_true, y_pred)
        super().update_state((y_true == y_pred).double())


class SparseCategoricalAccuracy(Metric):
    """How often the class with the largest output is the class number y."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name, metrics.Accuracy(dim=-1))


class CategoricalAccuracy(Metric):
    """How often it is the one of the one-hot row y."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name, metrics.Accuracy(dim=-1, one_hot=True))


class BinaryAccuracy(Metric):
    """How often a probability is on the right side of the threshold."""
    each = True

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name, metrics.Accuracy(threshold=threshold))


class SparseTopKCategoricalAccuracy(Metric):
    """How often class number y is among the k with the largest outputs."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name, metrics.TopKAccuracy(k, dim=-1))


class TopKCategoricalAccuracy(Metric):
    """The same for one-hot rows."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name, metrics.TopKAccuracy(k, dim=-1, one_hot=True))


class Precision(Metric):
    """Of what was found, the part that is right: TP / (TP + FP).  Found is what is above the threshold, 0.5; of several classes,
    each counts by itself."""
    each = True

    def __init__(self, thresholds: float | None = None, name: str | None = None) -> None:
        super().__init__(name, metrics.Precision(threshold=one_threshold("Precision", thresholds)))


class Recall(Metric):
    """Of what there is, the part that was found: TP / (TP + FN), found as in Precision."""
    each = True

    def __init__(self, thresholds: float | None = None, name: str | None = None) -> None:
        super().__init__(name, metrics.Recall(threshold=one_threshold("Recall", thresholds)))


def one_threshold(name: str, thresholds: Any) -> float:
    if thresholds is not None and not isinstance(thresholds, (int, float)):
        raise NotImplementedError(f"{name}: thresholds={thresholds!r} is not offered: one number, or one metric for each")
    return 0.5 if thresholds is None else float(thresholds)


class F1Score(Metric):
    """2 P R / (P + R), of the precision P and the recall R of each class, for one-hot rows.

    average: "macro", "micro", "weighted", or None for a number for each class.
    """

    def __init__(self, average: str | None = None, name: str | None = None) -> None:
        super().__init__(name or "f1_score", metrics.F1Score(average, dim=-1, one_hot=True))


class AUC(Metric):
    """The area under the ROC curve, exactly, where Keras takes 200 thresholds.  Of several classes, each counts by itself."""
    each = True

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "auc", metrics.AUROC())


class MeanSquaredError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name, metrics.MeanSquaredError())


class RootMeanSquaredError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name, metrics.RootMeanSquaredError())


class R2Score(Metric):
    """1 - Σ (y - p)² / Σ (y - ȳ)²"""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name or "r2_score", metrics.R2Score())


class MeanAbsoluteError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(name, metrics.MeanAbsoluteError())


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
