"""Keras's metrics as objects: update_state(y_true, y_pred), result(), reset_state(); compile(metrics=[…]) takes them, and names."""
from __future__ import annotations

from typing import Any, NoReturn

from .. import metrics
from ..op import wrap
from ..tensor import Tensor
from ..training.batches import as_array
from ..training.losses import snake


class Metric:
    """A number gathered over batches."""

    def __init__(self, metric: Any, name: str | None = None) -> None:
        self.metric, self.name = metric, name or snake(type(self).__name__)

    def update_state(self, y_true: Any, y_pred: Any) -> None:
        """Count a batch in."""
        y_true, y_pred = [x if isinstance(x, Tensor) else wrap(as_array(x)) for x in (y_true, y_pred)]
        if y_pred.ndim == y_true.ndim + 1 and y_pred.shape[-1] == 1:
            y_pred = y_pred.squeeze(-1)
        elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
            y_true = y_true.squeeze(-1)
        self.metric.update(y_pred, y_true)

    def result(self) -> Any:
        return self.metric.compute()

    def reset_state(self) -> None:
        self.metric.reset()

    # as the metrics of this library have it, and what a checkpoint keeps
    def update(self, y_true: Any, y_pred: Any) -> None:
        self.update_state(y_true, y_pred)

    def compute(self) -> Any:
        return self.result()

    def reset(self) -> None:
        self.reset_state()

    def state_dict(self) -> Any:
        return self.metric.state_dict() if hasattr(self.metric, "state_dict") else dict(vars(self.metric))

    def load_state_dict(self, state: Any) -> None:
        if hasattr(self.metric, "load_state_dict"):
            self.metric.load_state_dict(state)
        else:
            vars(self.metric).update(state)


class SparseCategoricalAccuracy(Metric):
    """How often the class with the largest output is the class number y."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.Accuracy(dim=-1), name)


class CategoricalAccuracy(Metric):
    """How often it is the one of the one-hot row y."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.Accuracy(dim=-1, one_hot=True), name)


class BinaryAccuracy(Metric):
    """How often a probability is on the right side of the threshold."""

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(metrics.Accuracy(threshold=threshold), name)


class SparseTopKCategoricalAccuracy(Metric):
    """How often class number y is among the k with the largest outputs."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(metrics.TopKAccuracy(k, dim=-1), name)


class TopKCategoricalAccuracy(Metric):
    """The same for one-hot rows."""

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(metrics.TopKAccuracy(k, dim=-1, one_hot=True), name)


class Precision(Metric):
    """Of what was found, the part that is right: TP / (TP + FP)"""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.Precision(), name)


class Recall(Metric):
    """Of what there is, the part that was found: TP / (TP + FN)"""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.Recall(), name)


class AUC(Metric):
    """The area under the ROC curve, exactly, where Keras takes 200 thresholds."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.AUROC(), name or "auc")


class MeanSquaredError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.MeanSquaredError(), name)


class RootMeanSquaredError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.RootMeanSquaredError(), name)


class MeanAbsoluteError(Metric):
    def __init__(self, name: str | None = None) -> None:
        super().__init__(metrics.MeanAbsoluteError(), name)


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
