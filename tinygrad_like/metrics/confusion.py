"""Which classes are taken for which: the confusion matrix, and what follows from its rows and columns.

What is predicted (rows: the truth; columns: the prediction), for one class against the rest:

                      predicted: this class     predicted: another
    truth: this       tp  true positives        fn  false negatives
    truth: another    fp  false positives       tn  true negatives

    precision   tp / (tp + fp)      of those called positive, how many are?             (a column)
    recall      tp / (tp + fn)      of those that are positive, how many were found?    (a row)
    accuracy    (tp + tn) / all     how many answers are right, of either kind?         (the diagonal)
    F1          the harmonic mean of precision and recall
    IoU         tp / (tp + fp + fn)

Predictions and targets: see `metrics.classification`.

average: which class is meant, where there are several.
    "binary"    the class `pos_label` alone, where there are two: the default, as in scikit-learn
    "micro"     tp, fp and fn are added over the classes first: each sample counts the same
    "macro"     the mean over the classes that occur, in the targets or in the predictions: each class counts the same
    "weighted"  as "macro", each class counting as often as it occurs in the targets
    None        a Tensor with the number of each class

multilabel: predictions and targets are (N, L), a yes or no for each of L labels that do not exclude one another.  Each label has
its own table, and average is over the labels: "macro" over all of them, those too that never occur.

zero_division: what 0/0 is, as where a class was never predicted: a number, or "warn", which is 0 with a warning.  NaN leaves such
classes out of a mean.
"""
from __future__ import annotations

from typing import Any

from .. import autograd, backend, errors
from .classification import Classification
from .elsewhere import explained
from .metric import counts, nan

__all__ = ["ConfusionMatrix", "Precision", "Recall", "F1Score", "IoU", "MeanIoU", "confusion_matrix", "precision", "recall",
           "f1_score", "iou", "mean_iou"]


class Counted(Classification):
    """Class numbers that are counted, all of them known at once or not."""

    def numbered(self, predictions: Any, targets: Any, mask: Any, state: dict[str, Any]) -> tuple[Any, Any, int]:
        """Class numbers, predicted and right, and how many classes to count: without scores or num_classes, as many as occur."""
        p, t, size = self.decided(predictions, targets, mask, state)
        if size is None:
            size = 1 + max([int(x.max()) for x in (p, t) if x.size], default=0)
            p, t = [self.checked(x, size, what, state) for x, what in ((p, "prediction"), (t, "target"))]
        return p, t, size


# ---- the matrix -------------------------------------------------------------------------------------------------
class ConfusionMatrix(Counted):
    """`confusion_matrix`, gathered over batches."""
    name = "confusion_matrix"

    def __init__(self, *, normalize: str | None = None, threshold: float = 0.5, num_classes: int | None = None,
                 ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> None:
        super().__init__(threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)
        if normalize not in (None, "true", "pred", "all"):
            raise errors.WrongValue(f"{self.name}: normalize is None, 'true', 'pred' or 'all', got {normalize!r}")
        self.normalize = normalize

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        p, t, size = self.numbered(predictions, targets, mask, state)
        return state | {"matrix": counts(t * size + p, size * size).reshape(size, size)}

    def finish(self, state: dict[str, Any]) -> Any:
        if state.get("nans", 0):
            raise errors.WrongValue(f"{self.name}: {int(state['nans'])} predictions are NaN, which is no class")
        matrix = state["matrix"]
        if self.normalize is not None:
            axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
            sums = matrix.sum(axis=axis, keepdims=True)
            matrix = matrix / backend.host.maximum(sums, 1)     # a class that does not occur: zeros
        return autograd.wrap(matrix)


def confusion_matrix(predictions: Any, targets: Any, *, mask: Any = None, normalize: str | None = None, threshold: float = 0.5,
                     num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """out[i, j]: how many samples of class i were taken for class j; a Tensor of integers.

    normalize: "true" divides each row by its sum, "pred" each column, "all" everything by the number of samples.
    predictions, targets and the other arguments: see `metrics.classification`.
    """
    return ConfusionMatrix(normalize=normalize, threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim,
                           one_hot=one_hot).of(predictions, targets, mask)


# ---- what follows from it ---------------------------------------------------------------------------------------
class Averaged(Counted):
    """A ratio of counts for each class, and the means of it."""

    several = "multilabel=True"

    def __init__(self, average: str | None = "binary", *, multilabel: bool = False, pos_label: int = 1, zero_division: Any = "warn",
                 threshold: float = 0.5, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)
        if average not in ("binary", "micro", "macro", "weighted", None):
            raise errors.WrongValue(f"{self.name}: average is 'binary', 'micro', 'macro', 'weighted' or None, got {average!r}")
        number = isinstance(zero_division, (int, float)) and (zero_division != zero_division or 0 <= zero_division <= 1)
        if not number and zero_division != "warn":
            raise errors.WrongValue(f"{self.name}: zero_division is 'warn', 0, 1 or NaN, got {zero_division!r}")
        if multilabel and (average == "binary" or one_hot or num_classes is not None):
            raise errors.WrongValue(f"{self.name}: with multilabel=True say how to average over the labels: average='macro', "
                                    "'micro' or 'weighted', or None for one number each; one_hot and num_classes are about classes")
        self.average, self.multilabel, self.pos_label, self.zero_division = average, multilabel, pos_label, zero_division

    def fraction(self, tp: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        """What is divided by what, for tp, tp + fp and tp + fn."""
        raise NotImplementedError

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        if self.multilabel:
            return self.measure_labels(predictions, targets, mask, state)
        p, t, size = self.numbered(predictions, targets, mask, state)
        if self.average == "binary" and size > 2:
            raise errors.WrongValue(f"{self.name}: there are {size} classes here, and average='binary' is about one of two.  Say "
                                    "how to average over them: average='macro', 'micro' or 'weighted', or None for one number "
                                    f"each; by name, {self.name + '_macro'!r}")
        if self.average == "binary" and self.pos_label not in (0, 1):
            raise errors.WrongValue(f"{self.name}: pos_label is 0 or 1, the class that counts as positive, got {self.pos_label!r}")
        hits = backend.xp(p).where(p == t, t, size)             # a miss is counted where nobody looks
        return state | {"tp": counts(hits, size + 1)[:size], "predicted": counts(p, size), "actual": counts(t, size)}

    def measure_labels(self, predictions: Any, targets: Any, mask: Any, state: dict[str, Any]) -> dict[str, Any]:
        p, t, keep = self.labelled(predictions, targets, mask, state)
        if p.dtype.kind == "f":
            p, lost, _ = self.yes_or_no(p, state)
            state["nans"] = (lost & keep).sum()
        yes, t = keep & (self.checked(p, 2, "prediction", state) == 1), keep & t
        return state | {"tp": (yes & t).sum(axis=0), "predicted": yes.sum(axis=0), "actual": t.sum(axis=0)}

    def join(self, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        if self.multilabel and a and b and a["tp"].shape != b["tp"].shape:
            raise errors.ShapeError(f"{self.name}: this batch has {len(b['tp'])} labels (axis 1), and those before {len(a['tp'])}")
        return super().join(a, b)

    def finish(self, state: dict[str, Any]) -> Any:
        tp, predicted, actual = [backend.host.asarray(state[key]) for key in ("tp", "predicted", "actual")]
        lost = self.lost(state)
        if self.average is None:
            values = self.ratio(*self.fraction(tp, predicted, actual), range(len(tp)))
            return autograd.wrap(values * nan if lost else values)
        if lost:
            return nan
        if self.average == "binary":
            parts = [x[self.pos_label:self.pos_label + 1].sum(keepdims=True) for x in (tp, predicted, actual)]
            return float(self.ratio(*self.fraction(*parts), [self.pos_label])[0])
        if self.average == "micro":
            parts = [x.sum(keepdims=True) for x in (tp, predicted, actual)]
            return float(self.ratio(*self.fraction(*parts), None)[0])
        here = backend.host.flatnonzero(predicted + actual >= (0 if self.multilabel else 1))
        values = self.ratio(*self.fraction(tp[here], predicted[here], actual[here]), here.tolist())
        weights = actual[here] if self.average == "weighted" else backend.host.ones(len(here))
        defined = values == values
        values, weights = values[defined], weights[defined]
        if not weights.sum():                                   # no sample at all, or every class is left out
            return float(self.ratio(weights.sum(keepdims=True), weights.sum(keepdims=True), None)[0])
        return float((values * weights).sum() / weights.sum())

    def ratio(self, a: Any, b: Any, classes: Any) -> Any:
        """a / b, and where that is 0/0, what was asked for."""
        undefined = b == 0
        values = a / backend.host.where(undefined, 1, b)
        if undefined.any():
            quiet = self.zero_division != "warn"
            values[undefined] = self.zero_division if quiet else 0.0
            if not quiet:
                which = [k for k, missing in zip(classes, undefined) if missing] if classes is not None else []
                text = ", ".join(map(str, which[:10])) + (" …" if len(which) > 10 else "")
                of = f" for class{'es' * (len(which) > 1)} {text}" if which else ""
                self.warn(f"0/0{of}: {self.why}.  Counted as 0; zero_division=… sets another value")
        return values

    why = "there is nothing to count"


class Precision(Averaged):
    """`precision`, gathered over batches."""
    name = "precision"
    why = "nothing was predicted to be that class"

    def fraction(self, tp: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return tp, predicted


class Recall(Averaged):
    """`recall`, gathered over batches."""
    name = "recall"
    why = "no target is of that class"

    def fraction(self, tp: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return tp, actual


class F1Score(Averaged):
    """`f1_score`, gathered over batches."""
    name = "f1_score"
    why = "neither a target nor a prediction is of that class"

    def fraction(self, tp: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return 2 * tp, predicted + actual


class IoU(Averaged):
    """`iou`, gathered over batches."""
    name = "iou"
    why = "neither a target nor a prediction is of that class"

    def __init__(self, average: str | None = None, *, multilabel: bool = False, pos_label: int = 1, zero_division: Any = nan,
                 threshold: float = 0.5, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(average, multilabel=multilabel, pos_label=pos_label, zero_division=zero_division, threshold=threshold,
                         num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)

    def fraction(self, tp: Any, predicted: Any, actual: Any) -> tuple[Any, Any]:
        return tp, predicted + actual - tp


class MeanIoU(IoU):
    """`mean_iou`, gathered over batches."""
    name = "mean_iou"

    def __init__(self, *, threshold: float = 0.5, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__("macro", threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)


def precision(predictions: Any, targets: Any, *, average: str | None = "binary", mask: Any = None, multilabel: bool = False,
              pos_label: int = 1, zero_division: Any = "warn", threshold: float = 0.5, num_classes: int | None = None,
              ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """tp / (tp + fp): of the samples that were called positive, the part that are.

    Not to be taken for accuracy, which is the part of ALL answers that are right.  (The Chinese word 精度 is used for both; a text
    that explains it as "right predictions divided by all predictions" describes accuracy, 准确率.  Precision is 精确率 or 查准率.)
    Ten sick among a thousand: calling everyone healthy is 99 % accurate, and its precision is 0/0.

    predictions, targets and the arguments: see `metrics.classification`, and `metrics.confusion` for average, multilabel and
    zero_division.
    """
    return Precision(average, multilabel=multilabel, pos_label=pos_label, zero_division=zero_division, threshold=threshold,
                     num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(predictions, targets, mask)


def recall(predictions: Any, targets: Any, *, average: str | None = "binary", mask: Any = None, multilabel: bool = False,
           pos_label: int = 1, zero_division: Any = "warn", threshold: float = 0.5, num_classes: int | None = None,
           ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """tp / (tp + fn): of the samples that are positive, the part that were found (召回率, 查全率).

    Recall and precision pull against each other: calling everything positive has recall 1, and a precision no better than chance.
    So neither is reported alone; `f1_score` joins the two.  Accuracy is a third thing, which counts the true negatives too.

    predictions, targets and the arguments: see `metrics.classification`, and `metrics.confusion` for average, multilabel and
    zero_division.
    """
    return Recall(average, multilabel=multilabel, pos_label=pos_label, zero_division=zero_division, threshold=threshold,
                  num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(predictions, targets, mask)


def f1_score(predictions: Any, targets: Any, *, average: str | None = "binary", mask: Any = None, multilabel: bool = False,
             pos_label: int = 1, zero_division: Any = "warn", threshold: float = 0.5, num_classes: int | None = None,
             ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """2 P R / (P + R) = 2 tp / (2 tp + fp + fn): the harmonic mean of precision P and recall R.

    Not of accuracy and recall, as is sometimes written: accuracy counts the true negatives, and F1 knows nothing of them.  That is
    what it is for: where positives are rare, true negatives abound, and accuracy is high whatever the model does.  The harmonic
    mean is near the smaller of the two: P = 1 with R = 0.01 gives F1 = 0.02, and not 0.5.

    predictions, targets and the arguments: see `metrics.classification`, and `metrics.confusion` for average, multilabel and
    zero_division.
    """
    return F1Score(average, multilabel=multilabel, pos_label=pos_label, zero_division=zero_division, threshold=threshold,
                   num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(predictions, targets, mask)


def iou(predictions: Any, targets: Any, *, average: str | None = None, mask: Any = None, multilabel: bool = False,
        pos_label: int = 1, zero_division: Any = nan, threshold: float = 0.5, num_classes: int | None = None,
        ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """tp / (tp + fp + fn): intersection over union, of the pixels that are of a class and those predicted to be (Jaccard's index).

    By default a Tensor with the number of each class, NaN for a class that occurs nowhere.  For segmentation: predictions
    (N, C, H, W) scores, targets (N, H, W) class numbers, ignore_index=255 where that is what marks borders.
    The other arguments: see `metrics.classification`, and `metrics.confusion` for average, multilabel and zero_division.
    """
    return IoU(average, multilabel=multilabel, pos_label=pos_label, zero_division=zero_division, threshold=threshold,
               num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(predictions, targets, mask)


def mean_iou(predictions: Any, targets: Any, *, mask: Any = None, threshold: float = 0.5, num_classes: int | None = None,
             ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> float:
    """The mean of `iou` over the classes that occur, counted over all pixels of all images together (mIoU)."""
    return MeanIoU(threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(
        predictions, targets, mask)


explained(globals(), __all__)
