"""Metrics by name, for `compile(metrics=["accuracy"])`."""
from __future__ import annotations

import difflib
from collections.abc import Callable

from .. import errors
from . import classification as c
from .metric import Metric

NAMES: dict[str, Callable[[], Metric]] = {
    "accuracy": c.Accuracy,
    "acc": c.Accuracy,
    "binary_accuracy": c.Accuracy,
    "sparse_categorical_accuracy": c.Accuracy,
    "categorical_accuracy": lambda: c.Accuracy(one_hot=True),
    "top_k_accuracy": c.TopKAccuracy,
    "top_k": c.TopKAccuracy,
    "sparse_top_k_categorical_accuracy": c.TopKAccuracy,
    "top_k_categorical_accuracy": lambda: c.TopKAccuracy(one_hot=True),
    "top_3_accuracy": lambda: c.TopKAccuracy(3),
    "top_5_accuracy": c.TopKAccuracy,
}


def names() -> list[str]:
    """The names that `get` knows."""
    return sorted(NAMES)


def get(name: str) -> Metric:
    """A new metric of that name, with its usual settings: update(predictions, targets), compute(), reset()."""
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
