"""Metrics by name, for `compile(metrics=["accuracy"])`."""
from __future__ import annotations

import difflib
from collections.abc import Callable

from .. import errors
from .classification import Accuracy, TopKAccuracy
from .confusion import F1Score, IoU, MeanIoU, Precision, Recall
from .metric import Metric
from .regression import MeanAbsoluteError, MeanSquaredError, R2Score, RootMeanSquaredError
from .scores import AUROC, AveragePrecision, CalibrationError, Perplexity
from .text import BLEUScore, CharErrorRate, WordErrorRate

NAMES: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy, "acc": Accuracy, "binary_accuracy": Accuracy, "sparse_categorical_accuracy": Accuracy,
    "categorical_accuracy": lambda: Accuracy(one_hot=True),
    "top_k": TopKAccuracy, "top_k_accuracy": TopKAccuracy, "sparse_top_k_categorical_accuracy": TopKAccuracy,
    "top_k_categorical_accuracy": lambda: TopKAccuracy(one_hot=True),
    "top_3_accuracy": lambda: TopKAccuracy(3), "top_5_accuracy": TopKAccuracy,
    "auroc": AUROC, "auc": AUROC, "roc_auc": AUROC, "average_precision": AveragePrecision,
    "calibration_error": CalibrationError, "perplexity": Perplexity, "iou": lambda: IoU("binary", zero_division="warn"),
    "mean_iou": MeanIoU, "miou": MeanIoU,
    "mse": MeanSquaredError, "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError, "mean_absolute_error": MeanAbsoluteError,
    "rmse": RootMeanSquaredError, "root_mean_squared_error": RootMeanSquaredError, "r2": R2Score, "r2_score": R2Score,
    "bleu": BLEUScore, "wer": WordErrorRate, "cer": CharErrorRate,
}
for _name, _kind in (("precision", Precision), ("recall", Recall), ("f1", F1Score), ("f1_score", F1Score), ("iou", IoU)):
    NAMES.setdefault(_name, _kind)
    for _average in ("micro", "macro", "weighted"):
        NAMES[f"{_name}_{_average}"] = lambda kind=_kind, average=_average: kind(average)      # type: ignore[misc]


def names() -> list[str]:
    """The names that `get` knows."""
    return sorted(NAMES)


def get(name: str) -> Metric:
    """A new metric of that name, with its usual settings: update(predictions, targets), compute(), reset().

    "precision", "recall" and "f1" are about two classes; for more there are "precision_macro", "f1_micro", "recall_weighted" …
    """
    if not isinstance(name, str):
        raise errors.WrongType(f"metrics.get takes a name, as in metrics.get('accuracy'), got {errors.short(name)}")
    plain = name.lower().replace("-", "_").replace(" ", "_")
    if plain not in NAMES:
        near = difflib.get_close_matches(plain, NAMES, n=3, cutoff=0.5)
        raise errors.WrongValue(f"there is no metric called {name!r}: " + (
            f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(map(repr, names()))}"))
    metric = NAMES[plain]()
    metric.name = name
    return metric
