"""How good predictions are: each metric as a function of (predictions, targets), and as a class that gathers batches.

    metrics.accuracy(model(x), y)                               # one number, a Python float

    f1 = metrics.F1Score(average="macro")                       # the same over batches
    for x, y in loader:
        f1.update(model(x), y)
    f1.compute()

Names and the order of arguments are torchmetrics'.  (scikit-learn's functions take the targets first: those of its names that
differ from ours raise an error that says so.)  Which predictions are wanted (scores, probabilities, class numbers) is said at the
head of `metrics.classification`, `metrics.scores`, `metrics.regression` and `metrics.text`.  Single numbers come back as Python
floats, several as a Tensor on the CPU.
"""
from __future__ import annotations

from .classification import (
    Accuracy as Accuracy,
    TopKAccuracy as TopKAccuracy,
    accuracy as accuracy,
    top_k_accuracy as top_k_accuracy,
)
from .metric import Metric as Metric, UndefinedMetricWarning as UndefinedMetricWarning
from .registry import get as get, names as names
