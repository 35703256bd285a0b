"""What a threshold trades for what: the ROC curve and the precision-recall curve, point by point.

predictions: (N,) scores of a yes, logits or probabilities; targets: 0s and 1s.  Of several classes, one against the rest:
roc_curve(p[:, k], y == k); of several labels, one: roc_curve(p[:, k], y[:, k]).  A prediction is a yes from the threshold up.
"""
from __future__ import annotations

from typing import Any

from .. import autograd, backend, errors
from .elsewhere import explained
from .metric import nan
from .scores import Ranking, steps

__all__ = ["ROCCurve", "PrecisionRecallCurve", "roc_curve", "precision_recall_curve"]


class Curve(Ranking):
    """Three Tensors: two numbers for each threshold, and the thresholds."""

    def __init__(self, *, ignore_index: int | None = None) -> None:
        super().__init__(ignore_index=ignore_index)

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state = super().measure(predictions, targets, mask)
        if state["scores"][0].ndim == 2:
            raise errors.ShapeError(f"{self.name}: predictions are scores of a yes, (N,), got {state['scores'][0].shape}.  One "
                                    "class against the rest: predictions[:, k], targets == k")
        return state

    def finish(self, state: dict[str, Any]) -> tuple[Any, Any, Any]:
        host = backend.host
        scores, targets = self.gathered(state)
        if self.lost(state):
            scores = host.full(1, nan)
            return autograd.wrap(scores), autograd.wrap(scores), autograd.wrap(scores)
        positives, negatives = steps(scores, targets == 1) if len(scores) else (scores, scores)
        thresholds = host.unique(scores)[::-1]
        return self.points(host.cumsum(positives), host.cumsum(negatives), thresholds)          # type: ignore[no-any-return]

    def points(self, tp: Any, fp: Any, thresholds: Any) -> Any:
        """The curve, of how many true and false yeses there are from each threshold up, the highest first."""
        raise NotImplementedError

    def share(self, part: Any, whole: Any, kind: str, otherwise: float) -> Any:
        if whole:
            return part / whole
        self.warn(f"no target is {kind}, so that there is no part of them.  Counted as {otherwise}")
        return backend.host.full(len(part), otherwise)


class ROCCurve(Curve):
    """`roc_curve`, gathered over batches."""
    name = "roc_curve"

    def points(self, tp: Any, fp: Any, thresholds: Any) -> Any:
        host = backend.host
        tp, fp = host.append(0, tp), host.append(0, fp)         # from infinity up there is none
        above: Any = host.full(1, host.inf, thresholds.dtype if thresholds.dtype.kind == "f" else "float64")
        out = [self.share(fp, fp[-1], "negative", nan), self.share(tp, tp[-1], "positive", nan), host.append(above, thresholds)]
        return tuple([autograd.wrap(each) for each in out])


class PrecisionRecallCurve(Curve):
    """`precision_recall_curve`, gathered over batches."""
    name = "precision_recall_curve"

    def points(self, tp: Any, fp: Any, thresholds: Any) -> Any:
        host = backend.host
        precision, recall = tp / (tp + fp), self.share(tp, tp[-1:].sum(), "positive", 1.0)
        out = [host.append(precision[::-1], 1.0), host.append(recall[::-1], 0.0), thresholds[::-1].copy()]
        return tuple([autograd.wrap(each) for each in out])


def roc_curve(predictions: Any, targets: Any, *, mask: Any = None, ignore_index: int | None = None) -> tuple[Any, Any, Any]:
    """(fp / negatives, tp / positives, thresholds): what part of the negatives and of the positives each threshold lets through.

    Three Tensors, from the threshold ∞, which lets none through, (0, 0), down to the lowest score, (1, 1).  All scores are there,
    those too on a straight line with their neighbours.  The area under it is `auroc`.
    Without a positive, or without a negative, their part is NaN, with a warning.
    """
    return ROCCurve(ignore_index=ignore_index).of(predictions, targets, mask)       # type: ignore[no-any-return]


def precision_recall_curve(predictions: Any, targets: Any, *, mask: Any = None,
                           ignore_index: int | None = None) -> tuple[Any, Any, Any]:
    """(tp / (tp + fp), tp / positives, thresholds): precision and recall at each threshold, from the lowest score up.

    Three Tensors; the first two have a last point more, precision 1 and recall 0, which no threshold belongs to.  The area under
    it, as steps, is `average_precision`.  Without a positive recall counts as 1, with a warning.
    """
    return PrecisionRecallCurve(ignore_index=ignore_index).of(predictions, targets, mask)       # type: ignore[no-any-return]


explained(globals(), __all__)
