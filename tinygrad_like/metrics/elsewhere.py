"""What other libraries call a metric or an argument, and what it is here, for messages."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .. import errors

# (Under scikit-learn's names its order of arguments, (y_true, y_pred), would be passed without a word.)
NAMES = {
    "accuracy_score": "accuracy", "top_k_accuracy_score": "top_k_accuracy", "precision_score": "precision",
    "recall_score": "recall", "sensitivity": "recall", "specificity": "recall(…, pos_label=0)",
    "balanced_accuracy_score": "recall(…, average='macro')", "roc_auc_score": "auroc", "roc_auc": "auroc", "auc": "auroc",
    "AUC": "AUROC", "roc": "roc_curve", "ROC": "ROCCurve", "average_precision_score": "average_precision",
    "jaccard_score": "iou", "jaccard_index": "iou", "JaccardIndex": "IoU",
    "f1": "f1_score", "F1": "F1Score", "wer": "word_error_rate", "cer": "char_error_rate", "bleu": "bleu_score",
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "rmse": "root_mean_squared_error", "r2": "r2_score",
}

ORDER = "the arguments are (predictions, targets), in this order"
ARGUMENTS = {
    "sample_weight": "weights of samples are not offered: leave some out by mask, or repeat those that shall count more",
    "y_true": ORDER, "y_pred": ORDER, "y_score": ORDER, "y_prob": ORDER, "preds": ORDER, "target": ORDER, "input": ORDER,
    "task": "the shapes of predictions and targets say it; labels that do not exclude one another want multilabel=True",
    "multi_class": "each class is taken against the rest",
    "labels": "average=None gives the numbers of all classes, and num_classes says how many there are",
    "num_labels": "multilabel=True sees it in the shape of the targets",
    "top_k": "there is top_k_accuracy(predictions, targets, k)",
    "squared": "there is root_mean_squared_error",
}


def explained(names: dict[str, Any], public: list[str]) -> None:
    """Have the functions of a file say, of an argument that they have elsewhere, what there is instead."""
    for name in public:
        if inspect.isfunction(names[name]):
            names[name] = explaining(names[name])


def explaining(function: Callable[..., Any]) -> Callable[..., Any]:
    parameters = inspect.signature(function).parameters

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for key in kwargs.keys() - parameters.keys():
            if key in ARGUMENTS:
                raise errors.WrongType(f"{function.__name__} has no argument {key!r}: {ARGUMENTS[key]}")
        return function(*args, **kwargs)
    return call
