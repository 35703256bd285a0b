"""What scores and probabilities are worth, beyond which of them is the largest.

    auroc, average_precision    rank samples.  predictions (N,) or (N, 1): any scores that grow with how likely a yes is, logits or
                                probabilities; targets: 0s and 1s.  Or (N, C) probabilities, each class against the rest;
                                targets: class numbers.  Or, with multilabel=True, (N, L) scores of a yes for each of L labels
                                that do not exclude one another; targets: (N, L) 0s and 1s
    calibration_error           probabilities only: (N,) of a yes, or (N, C), rows that sum to 1
    perplexity                  logits only: (N, C), or with more axes and dim=-1 as language models give them

dim, one_hot, mask and ignore_index: see `metrics.classification`.
"""
from __future__ import annotations

import math
from typing import Any

from .. import autograd, backend, errors
from .classification import Classification, chosen
from .elsewhere import explained
from .metric import double, nan

__all__ = ["AUROC", "AveragePrecision", "CalibrationError", "Perplexity", "auroc", "average_precision", "calibration_error",
           "perplexity"]


class Scored(Classification):
    """Scores of the samples that count, and their class numbers."""

    def rows(self, predictions: Any, targets: Any, mask: Any, state: dict[str, Any]) -> tuple[Any, Any, int]:
        """(samples, classes) scores, or (samples,) scores of a yes; flat class numbers; and how many classes there are."""
        p, t, mask, axis = self.lined_up(predictions, targets, mask)
        if p.dtype.kind != "f" and axis is None and p.dtype.kind != "b" and not self.takes_integers:
            raise errors.WrongType(f"{self.name}: predictions are {self.wants}, got {p.dtype}: class numbers say too little here")
        xp, keep = backend.xp(p), self.counted(t, mask)
        size = 2 if axis is None else p.shape[axis]
        if self.num_classes not in (None, size):
            raise errors.ShapeError(f"{self.name}: num_classes={self.num_classes}, and predictions of shape {p.shape} have {size}")
        if axis is None:
            p = chosen(p, keep)
            lost = xp.isnan(p) if p.dtype.kind == "f" else None
        else:
            p = xp.moveaxis(p, axis, -1)
            p = p.reshape(-1, size) if keep is None else p[keep]
            lost = xp.isnan(p.max(axis=1)) if p.dtype.kind == "f" else None
        if lost is not None:
            state["nans"] = lost.sum()
        return p, self.checked(chosen(t, keep), size, "target", state), size

    wants = "scores"
    takes_integers = False

    def probable(self, p: Any, state: dict[str, Any]) -> None:
        """Complain of what cannot be probabilities."""
        why = f"so these are no probabilities: {'softmax' if p.ndim == 2 else 'sigmoid'} makes some of logits"
        self.refuse(state, (p < 0) | (p > 1), "prediction", f"is not between 0 and 1, {why}", p)
        if p.ndim == 2:
            sums = double(p).sum(axis=1)
            self.refuse(state, abs(sums - 1) > (1e-2 if p.dtype == "float16" else 1e-3), "sum over the classes of a prediction,",
                        f"is not 1, {why}", sums)


# ---- ranking ----------------------------------------------------------------------------------------------------
class Ranking(Scored):
    """Scores and targets, kept until they are all there: a rank is a place among all.  In float32 that is 8 bytes a sample, and 4
    for each of its scores."""

    takes_integers = True
    several = "multilabel=True"

    def __init__(self, average: str | None = "macro", *, multilabel: bool = False, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(ignore_index=ignore_index, dim=dim, one_hot=one_hot)
        if average not in ("macro", "weighted", "micro", None):
            raise errors.WrongValue(f"{self.name}: average is 'macro', 'weighted', 'micro' or None, got {average!r}")
        self.average, self.multilabel = average, multilabel

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        if self.multilabel:
            p, yes, keep = self.labelled(predictions, targets, mask, state)
            xp = backend.xp(p)
            state["nans"] = ((p != p) & keep).sum()
            return state | {"scores": [p.copy()], "targets": [xp.where(keep, yes, -1).astype("int8")]}
        p, t, _ = self.rows(predictions, targets, mask, state)
        if p.ndim == 2:
            self.probable(p, state)                             # the scores of one class are compared across rows
        return state | {"scores": [p.copy()], "targets": [t.copy()]}    # the next batch may come in the same memory

    def finish(self, state: dict[str, Any]) -> Any:
        p, t = self.gathered(state)
        if self.lost(state):
            return autograd.wrap(backend.host.full(p.shape[1], nan)) if self.average is None and p.ndim == 2 else nan
        return self.ranked(p, t == 1) if p.ndim == 1 else self.averaged(p, t)

    def gathered(self, state: dict[str, Any]) -> tuple[Any, Any]:
        """All scores, and all targets."""
        shapes = sorted({part.shape[1:] for part in state["scores"]})
        if len(shapes) > 1:
            raise errors.ShapeError(f"{self.name}: batches differ in how many classes they score: {shapes}")
        return backend.host.concatenate(state["scores"]), backend.host.concatenate(state["targets"])

    def averaged(self, p: Any, t: Any) -> Any:
        """Each class against the rest, or each label by itself, and the mean of that."""
        host, n = backend.host, p.shape[1]
        if self.multilabel:
            apart = [(p[t[:, k] >= 0, k], t[t[:, k] >= 0, k] == 1) for k in range(n)]
        else:
            apart = [(p[:, k], t == k) for k in range(n)]
        if self.average == "micro":
            return self.ranked(*[host.concatenate(parts) for parts in zip(*apart)])
        what = "label" if self.multilabel else "class"
        values = host.asarray([self.ranked(*each, f"{what} {k}: ") for k, each in enumerate(apart)])
        if self.average is None:
            return autograd.wrap(values)
        weights = host.asarray([yes.sum() if self.average == "weighted" else 1.0 for _, yes in apart])
        defined = values == values
        return float((values * weights)[defined].sum() / weights[defined].sum()) if weights[defined].sum() else nan

    def ranked(self, scores: Any, yes: Any, where: str = "") -> float:
        raise NotImplementedError


def steps(scores: Any, yes: Any) -> tuple[Any, Any]:
    """How many positives and negatives each distinct score has, from the highest score down."""
    host = backend.host
    order = host.argsort(scores, kind="stable")[::-1]
    scores, yes = scores[order], yes[order]
    last: Any = host.append(host.flatnonzero(scores[1:] != scores[:-1]), len(scores) - 1)
    positives = host.cumsum(yes)[last]
    return host.diff(positives, prepend=0), host.diff(last + 1 - positives, prepend=0)


class AUROC(Ranking):
    """`auroc`, gathered over batches."""
    name = "auroc"

    def ranked(self, scores: Any, yes: Any, where: str = "") -> float:
        positives, negatives = int(yes.sum()), int((~yes).sum())
        if not positives or not negatives:
            self.warn(f"{where}{'no' if not positives else 'every'} target is positive, and it compares positives with negatives.  "
                      "The result is NaN" + (", which a mean leaves out" if where else ""))
            return nan
        p, n = steps(scores, yes)
        below = negatives - backend.host.cumsum(n)              # of each score, how many negatives are lower
        return float((p * (below + n / 2)).sum() / positives / negatives)


class AveragePrecision(Ranking):
    """`average_precision`, gathered over batches."""
    name = "average_precision"

    def ranked(self, scores: Any, yes: Any, where: str = "") -> float:
        if not yes.any():
            self.warn(f"{where}no target is positive, so there is nothing to find.  Counted as 0")
            return 0.0
        p, n = steps(scores, yes)
        found = backend.host.cumsum(p)
        return float((p * found / (found + backend.host.cumsum(n))).sum() / found[-1])


def auroc(predictions: Any, targets: Any, *, average: str | None = "macro", mask: Any = None, multilabel: bool = False,
          ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """P(a positive scores higher than a negative), ties counting half: the area under the ROC curve.

    ½ is chance, whatever the classes' shares; 1 separates them.  Scores need no threshold, and can be logits.
    For C classes: predictions (N, C) probabilities, each class against the rest, and average says what becomes of the C numbers:
    "macro" their mean, "weighted" by how often each occurs, "micro" all N·C yes-or-no answers together, None a Tensor of them.
    Of labels that do not exclude one another, multilabel=True: scores (N, L), targets (N, L), each label by itself.
    Without a positive or without a negative it is not defined: NaN, with a warning; a mean leaves such classes out.
    """
    return AUROC(average, multilabel=multilabel, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(
        predictions, targets, mask)


def average_precision(predictions: Any, targets: Any, *, average: str | None = "macro", mask: Any = None, multilabel: bool = False,
                      ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> Any:
    """Σₖ (Rₖ − Rₖ₋₁) Pₖ over the thresholds from the highest down: the area under the precision-recall curve, as steps.

    Chance is the share of positives, so that it says more than `auroc` where these are rare.  predictions, average: as for `auroc`.
    Without a positive it is 0, with a warning.
    """
    return AveragePrecision(average, multilabel=multilabel, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(
        predictions, targets, mask)


# ---- calibration ------------------------------------------------------------------------------------------------
class CalibrationError(Scored):
    """`calibration_error`, gathered over batches."""
    name = "calibration_error"

    wants = "probabilities"

    def __init__(self, n_bins: int = 15, norm: str = "l1", *, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(ignore_index=ignore_index, dim=dim, one_hot=one_hot)
        if not isinstance(n_bins, int) or n_bins < 1:
            raise errors.WrongValue(f"{self.name}: n_bins is an int from 1 on, got {n_bins!r}")
        if norm not in ("l1", "l2", "max"):
            raise errors.WrongValue(f"{self.name}: norm is 'l1', 'l2' or 'max', got {norm!r}")
        self.n_bins, self.norm = n_bins, norm

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        p, t, _ = self.rows(predictions, targets, mask, state)
        self.probable(p, state)
        xp = backend.xp(p)
        sure, right = (p, t == 1) if p.ndim == 1 else (p.max(axis=1), xp.argmax(p, axis=1) == t)
        sure = double(xp.where(xp.isnan(sure), 0, sure))        # counted above
        bins = xp.clip(xp.ceil(sure * self.n_bins).astype("int64") - 1, 0, self.n_bins - 1)     # the k-th is (k/n, (k + 1)/n]
        sums = xp.zeros((3, self.n_bins), "float64")
        for row, each in zip(sums, (xp.ones_like(sure), sure, double(right))):
            backend.add_at(row, bins, each)
        return state | {"count": sums[0], "sure": sums[1], "right": sums[2]}

    def finish(self, state: dict[str, Any]) -> float:
        count = state["count"]
        if self.lost(state):
            return nan
        if not count.any():
            self.warn("no target counts.  The result is NaN")
            return nan
        filled = count > 0
        gap = abs(state["sure"][filled] - state["right"][filled]) / count[filled]
        share = count[filled] / count.sum()
        if self.norm == "max":
            return float(gap.max())
        return float((share * gap).sum()) if self.norm == "l1" else math.sqrt((share * gap * gap).sum())


def calibration_error(predictions: Any, targets: Any, n_bins: int = 15, norm: str = "l1", *, mask: Any = None,
                      ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> float:
    """Σ_b (n_b/n) |how often right in b − how sure in b|: the expected calibration error (Guo et al. 2017, equation 3).

    A model that is right 8 times in 10 when it says 80 % has none.  The samples are put in n_bins bins of equal width by how sure
    the model is.  predictions: (N, C) probabilities, where it is as sure as its largest is; or (N,) probabilities of a yes,
    compared with how often it is one.
    norm: "l1" is the sum above, "l2" the root of the mean square, "max" the largest gap of a bin.
    """
    return CalibrationError(n_bins, norm, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(predictions, targets, mask)


# ---- perplexity -------------------------------------------------------------------------------------------------
class Perplexity(Scored):
    """`perplexity`, gathered over batches."""
    name = "perplexity"

    def __init__(self, *, ignore_index: int | None = None, dim: int = 1) -> None:
        super().__init__(ignore_index=ignore_index, dim=dim)

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        p, t, _ = self.rows(predictions, targets, mask, state)
        if p.ndim == 1:
            raise errors.ShapeError(f"{self.name}: predictions are the logits of all C words, (N, C) for targets (N,), got shape "
                                    f"{tuple(predictions.shape) if hasattr(predictions, 'shape') else p.shape}")
        xp = backend.xp(p)
        p = p - p.max(axis=1, keepdims=True)
        own = xp.take_along_axis(p, t[:, None], axis=1)[:, 0]
        losses = double(xp.log(xp.exp(p).sum(axis=1))) - double(own)
        return state | {"total": losses.sum(), "count": backend.host.asarray(t.size)}

    def finish(self, state: dict[str, Any]) -> float:
        if self.lost(state):
            return nan
        if not state["count"]:
            self.warn("no target counts.  The result is NaN")
            return nan
        mean = float(state["total"]) / int(state["count"])
        return math.exp(mean) if mean < 709 else math.inf


def perplexity(predictions: Any, targets: Any, *, mask: Any = None, ignore_index: int | None = None, dim: int = 1) -> float:
    """exp(−(1/N) Σ log p(target)): between how many equally likely words the model hesitates.

    predictions: (N, C) logits, not probabilities; (batch, time, C) with dim=-1.  It is exp of the mean cross-entropy, over all that
    counts: the mean of the perplexities of batches is something else, and too large.
    """
    return Perplexity(ignore_index=ignore_index, dim=dim).of(predictions, targets, mask)


explained(globals(), __all__)
