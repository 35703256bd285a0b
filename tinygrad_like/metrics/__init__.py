"""How good predictions are: each metric as a function of (predictions, targets), and as a class that gathers batches.

    metrics.accuracy(model(x), y)                               # one number, a Python float

    f1 = metrics.F1Score(average="macro")                       # the same over batches
    for x, y in loader:
        f1.update(model(x), y)
    f1.compute()

Names and the order of arguments are torchmetrics': predictions first.  (scikit-learn's functions take the targets first, those too
that are called the same; for its other names there is an error that says so.)  Which predictions are wanted (scores, probabilities,
class numbers) is said at the head of `metrics.classification`, `metrics.scores`, `metrics.regression` and `metrics.text`.  Single
numbers come back as Python floats, several as a Tensor on the CPU.
"""
from __future__ import annotations

from typing import Any

from .classification import (
    Accuracy as Accuracy,
    TopKAccuracy as TopKAccuracy,
    accuracy as accuracy,
    top_k_accuracy as top_k_accuracy,
)
from .confusion import (
    ConfusionMatrix as ConfusionMatrix,
    F1Score as F1Score,
    IoU as IoU,
    MeanIoU as MeanIoU,
    Precision as Precision,
    Recall as Recall,
    confusion_matrix as confusion_matrix,
    f1_score as f1_score,
    iou as iou,
    mean_iou as mean_iou,
    precision as precision,
    recall as recall,
)
from .curves import (
    PrecisionRecallCurve as PrecisionRecallCurve,
    ROCCurve as ROCCurve,
    precision_recall_curve as precision_recall_curve,
    roc_curve as roc_curve,
)
from .elsewhere import NAMES
from .metric import Metric as Metric, UndefinedMetricWarning as UndefinedMetricWarning
from .registry import get as get, names as names
from .regression import (
    MeanAbsoluteError as MeanAbsoluteError,
    MeanSquaredError as MeanSquaredError,
    R2Score as R2Score,
    RootMeanSquaredError as RootMeanSquaredError,
    mean_absolute_error as mean_absolute_error,
    mean_squared_error as mean_squared_error,
    r2_score as r2_score,
    root_mean_squared_error as root_mean_squared_error,
)
from .scores import (
    AUROC as AUROC,
    AveragePrecision as AveragePrecision,
    CalibrationError as CalibrationError,
    Perplexity as Perplexity,
    auroc as auroc,
    average_precision as average_precision,
    calibration_error as calibration_error,
    perplexity as perplexity,
)
from .text import (
    BLEUScore as BLEUScore,
    CharErrorRate as CharErrorRate,
    WordErrorRate as WordErrorRate,
    bleu_score as bleu_score,
    char_error_rate as char_error_rate,
    word_error_rate as word_error_rate,
)


def __getattr__(name: str) -> Any:
    if name in NAMES:
        raise AttributeError(f"{__name__} has no {name!r}: here it is {NAMES[name]}, of (predictions, targets) in this order")
    known = [each for each, value in globals().items() if callable(value) and each[0] != "_"]
    raise AttributeError(f"{__name__} has no {name!r}: there are {', '.join(sorted(known))}")
