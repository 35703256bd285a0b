"""How often the right class was found.

What the functions and classes here take:

    predictions     (N, C) scores of C classes, logits or probabilities alike: the largest is the prediction.  Or (N, C, d1, …), as
                    the losses take them; where the classes are on another axis, say so: dim=-1
                    (N,) or (N, 1) scores of a yes, in floating point: yes above `threshold`, which is 0.5, as is right for
                    probabilities.  Logits want threshold=0.0
                    (N,) or any shape of integers or bools: class numbers
    targets         (N,) or (N, d1, …) class numbers.  One-hot rows (N, C) want one_hot=True
                    Labels that do not exclude one another, (N, L) yes or no, want multilabel=True, where a metric has that, with
                    predictions of the same shape: scores of a yes, or yes or no
    mask            True where a target counts, in the shape of the targets
    ignore_index    targets of that number do not count

Tensors of any device, arrays and lists all do.  A prediction that is NaN is no class: with one among them, the metric is NaN, with
a warning.
"""
from __future__ import annotations

from typing import Any

from .. import backend, errors
from .elsewhere import explained
from .metric import Metric, nan, pair

__all__ = ["Accuracy", "TopKAccuracy", "accuracy", "top_k_accuracy"]


class Classification(Metric):
    """Class numbers that were predicted, and those that are right."""

    several = "predictions.reshape(-1) and targets.reshape(-1)"

    def __init__(self, *, threshold: float = 0.5, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__()
        if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 2):
            raise errors.WrongValue(f"{self.name}: num_classes is an int from 2 on, got {num_classes!r}")
        self.threshold, self.num_classes, self.ignore_index = threshold, num_classes, ignore_index
        self.dim, self.one_hot = dim, one_hot

    def lined_up(self, predictions: Any, targets: Any, mask: Any) -> tuple[Any, Any, Any, int | None]:
        """Predictions, targets, mask, and the axis of the predictions that the classes are on, if there is one."""
        p, t, mask = pair(predictions, targets, mask)
        if self.one_hot:
            t = self.class_numbers(p, t)
        if p.ndim == t.ndim + 1 and p.shape[-1] == 1 or p.ndim == t.ndim == 2 and p.shape[1] == 1 and p.dtype.kind == "f":
            p, t = p.reshape(p.shape[:-1]), t.reshape(p.shape[:-1]) if t.shape in (p.shape, p.shape[:-1]) else t
        elif t.ndim >= 2 and t.shape[-1] == 1 and p.ndim in (t.ndim, t.ndim - 1) and p.shape != t.shape:
            t = t.reshape(t.shape[:-1])                         # class numbers in a column
        axis = None
        if p.ndim == t.ndim + 1:
            axis = self.axis(p)
        if (p.shape if axis is None else p.shape[:axis] + p.shape[axis + 1:]) != t.shape:
            raise errors.ShapeError(f"{self.name}: {self.mismatch(p, t, axis)}")
        if axis is None and p.dtype.kind == "f" and p.ndim >= 2:
            raise errors.ShapeError(
                f"{self.name}: predictions and targets both have shape {t.shape}.  If the targets are one-hot: "
                f"targets.argmax({self.dim}), or one_hot=True.  If each number is a yes or no of its own: {self.several}")
        if mask is not None and mask.shape != t.shape:
            if mask.size != t.size or mask.ndim and mask.shape[0] != t.shape[0]:
                raise errors.ShapeError(f"{self.name}: mask has shape {mask.shape}, and the targets {t.shape}: it says of each "
                                        "target whether it counts")
            mask = mask.reshape(t.shape)
        return p, t, mask, axis

    def axis(self, p: Any) -> int:
        if not -p.ndim <= self.dim < p.ndim:
            raise errors.OutOfRange(f"{self.name}: dim={self.dim} names no axis of predictions of shape {p.shape}")
        return self.dim % p.ndim

    def class_numbers(self, p: Any, t: Any) -> Any:
        """The class numbers that one-hot rows stand for."""
        if p.shape != t.shape or p.ndim < 2:
            raise errors.ShapeError(f"{self.name}: one_hot=True says that each target is a row like the prediction: targets of "
                                    f"shape {t.shape} do not go with predictions of shape {p.shape}")
        return backend.xp(t).argmax(t, axis=self.axis(p))

    def mismatch(self, p: Any, t: Any, axis: int | None) -> str:
        """What to say of shapes that do not go together."""
        text = f"predictions of shape {p.shape} do not go with targets of shape {t.shape}"
        if axis is None:
            if p.shape[:1] != t.shape[:1] and p.ndim == t.ndim:
                return f"{text}: there are {p.shape[0]} predictions and {t.shape[0]} targets (axis 0)"
            return f"{text}: scores of C classes, (N, C), go with class numbers (N,); scores of a yes, (N,), go with 0s and 1s (N,)"
        for other in range(1, p.ndim):
            if p.shape[:other] + p.shape[other + 1:] == t.shape:
                right = -1 if other == p.ndim - 1 else other
                return f"{text} if the classes are on axis {axis}.  They look to be on axis {other}: say dim={right}"
        left = p.shape[:axis] + p.shape[axis + 1:]
        wrong = next(i for i, (m, n) in enumerate(zip(left, t.shape)) if m != n)
        return (f"{text}: with the classes on axis {axis} of the predictions, targets would have shape {left}, and axis {wrong} is "
                f"{t.shape[wrong]}")

    def decided(self, predictions: Any, targets: Any, mask: Any, state: dict[str, Any]) -> tuple[Any, Any, int | None]:
        """Flat class numbers, predicted and right, of what counts; and how many classes there are, if that is known."""
        p, t, mask, axis = self.lined_up(predictions, targets, mask)
        size = self.num_classes
        if axis is not None:
            p, lost, size = self.largest(p, axis)
        elif p.dtype.kind == "f":
            p, lost, size = self.yes_or_no(p, state)
        else:
            p, lost = p.astype("int64", copy=False), None
        keep = self.counted(t, mask)
        p, t, lost = chosen(p, keep), chosen(t, keep), lost if lost is None else chosen(lost, keep)
        if lost is not None:
            state["nans"] = lost.sum()
        t = self.checked(t, size, "target", state)
        return p if axis is not None or size is None else self.checked(p, size, "prediction", state), t, size

    def largest(self, p: Any, axis: int) -> tuple[Any, Any, int]:
        xp, size = backend.xp(p), p.shape[axis]
        if self.num_classes not in (None, size):
            raise errors.ShapeError(f"{self.name}: num_classes={self.num_classes}, and predictions of shape {p.shape} have {size} "
                                    f"(axis {axis})")
        if p.dtype.kind == "b":
            p = p.astype("uint8")
        best = xp.argmax(p, axis=axis)
        if p.dtype.kind != "f":
            return best, None, size
        found = xp.take_along_axis(p, xp.expand_dims(best, axis), axis=axis)        # NaN passes for the largest
        return best, xp.isnan(found).reshape(best.shape), size

    def yes_or_no(self, p: Any, state: dict[str, Any]) -> tuple[Any, Any, int]:
        if self.num_classes not in (None, 2):
            raise errors.ShapeError(f"{self.name}: num_classes={self.num_classes}, and predictions of shape {p.shape} in {p.dtype} "
                                    "are scores of a yes or no.  If they are class numbers: predictions.long()")
        if 0 < self.threshold < 1:
            self.refuse(state, (p < 0) | (p > 1), "prediction", f"is no probability, and threshold={self.threshold} is for those.  "
                        "For logits: threshold=0.0, or predictions.sigmoid().  For class numbers: predictions.long()", p)
        return (p > self.threshold).astype("int64"), backend.xp(p).isnan(p), 2

    def labelled(self, predictions: Any, targets: Any, mask: Any, state: dict[str, Any]) -> tuple[Any, Any, Any]:
        """For labels that do not exclude one another: predictions, whether the targets are a yes, and whether they count: (N, L)"""
        p, t, mask = pair(predictions, targets, mask)
        if p.ndim != 2 or p.shape != t.shape or mask is not None and mask.shape != t.shape:
            raise errors.ShapeError(f"{self.name}: multilabel=True says that predictions are (N, L), a score or a yes or no for "
                                    f"each of L labels, and targets and mask too; got predictions {p.shape} and targets {t.shape}"
                                    + (f", and a mask {mask.shape}" if mask is not None else ""))
        xp, keep = backend.xp(t), self.counted(t, mask)
        if keep is None:
            keep = xp.ones(t.shape, "bool")
        return p, self.checked(xp.where(keep, t, 0), 2, "target", state) == 1, keep

    def counted(self, t: Any, mask: Any) -> Any:
        """A mask of the targets that count; None if all do."""
        if self.ignore_index is not None:
            heeded = t != self.ignore_index
            mask = heeded if mask is None else mask & heeded
        return mask

    def checked(self, t: Any, size: int | None, what: str, state: dict[str, Any]) -> Any:
        """Class numbers as integers; complain of those that are none."""
        if t.dtype.kind == "f":
            self.refuse(state, t != backend.xp(t).floor(t), what, "is no class number: they are whole", t)
        t = t.astype("int64", copy=False)
        if size is not None:
            bad = (t < 0) | (t >= size)
            text = f"is out of range: there are {size} classes, numbered 0 to {size - 1}"
            if what == "target":
                text += ".  For targets that shall not count: ignore_index or mask"
            self.refuse(state, bad, what, text, t, errors.OutOfRange)
            if type(t) is not backend.host.ndarray:
                t = backend.xp(t).where(bad, 0, t)              # counted above, and told by compute()
        return t

    def lost(self, state: dict[str, Any]) -> bool:
        """Whether predictions were NaN, with a warning."""
        if state.get("nans", 0):
            self.warn(f"{int(state['nans'])} predictions are NaN, which is no class.  The result is NaN")
            return True
        return False


def chosen(x: Any, keep: Any) -> Any:
    """The elements that count, in one line."""
    return x.reshape(-1) if keep is None else x[keep]


# ---- accuracy ---------------------------------------------------------------------------------------------------
class Accuracy(Classification):
    """`accuracy`, gathered over batches."""
    name = "accuracy"

    def __init__(self, *, threshold: float = 0.5, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        state: dict[str, Any] = {}
        p, t, _ = self.decided(predictions, targets, mask, state)
        return state | {"right": (p == t).sum(), "count": backend.host.asarray(t.size)}

    def finish(self, state: dict[str, Any]) -> float:
        return nan if self.lost(state) else self.part(state["right"], state["count"])

    def part(self, right: Any, count: Any) -> float:
        if not count:
            self.warn("no target counts, so there is no part of them that is right.  The result is NaN")
            return nan
        return int(right) / int(count)


def accuracy(predictions: Any, targets: Any, *, mask: Any = None, threshold: float = 0.5, num_classes: int | None = None,
             ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> float:
    """right / all: the part of the samples whose class was found.  From 0 to 1.

    Where one class is rare, always saying the other is accurate and useless: look at `precision`, `recall` and `f1_score`.
    predictions, targets and the arguments: see `metrics.classification`.
    """
    return Accuracy(threshold=threshold, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(
        predictions, targets, mask)


class TopKAccuracy(Accuracy):
    """`top_k_accuracy`, gathered over batches."""
    name = "top_k_accuracy"

    def __init__(self, k: int = 5, *, num_classes: int | None = None, ignore_index: int | None = None, dim: int = 1,
                 one_hot: bool = False) -> None:
        super().__init__(num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot)
        if not isinstance(k, int) or k < 1:
            raise errors.WrongValue(f"{self.name}: k is an int from 1 on, got {k!r}")
        self.k = k

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        p, t, mask, axis = self.lined_up(predictions, targets, mask)
        if axis is None:
            raise errors.ShapeError(f"{self.name}: predictions are the scores of all classes, (N, C) for targets (N,), got shape "
                                    f"{p.shape}: a class number, or one score, has no second best")
        state: dict[str, Any] = {}
        _, lost, size = self.largest(p, axis)
        xp = backend.xp(p)
        p = xp.moveaxis(p, axis, -1)
        keep = self.counted(t, mask)
        p, t = p.reshape(-1, size) if keep is None else p[keep], chosen(t, keep)                        # (targets, classes)
        t = self.checked(t, size, "target", state)[:, None]
        own = xp.take_along_axis(p, t, axis=1)
        ahead = (p > own) | (p == own) & (xp.arange(size) < t)  # of two that are equal, the first is ahead, as for argmax
        if lost is not None:
            state["nans"] = chosen(lost, keep).sum()
        return state | {"right": (ahead.sum(axis=1) < self.k).sum(), "count": backend.host.asarray(t.size)}


def top_k_accuracy(predictions: Any, targets: Any, k: int = 5, *, mask: Any = None, num_classes: int | None = None,
                   ignore_index: int | None = None, dim: int = 1, one_hot: bool = False) -> float:
    """The part of the samples whose class is among the k with the largest scores.

    predictions: (N, C) logits or probabilities; targets: (N,) class numbers (see `metrics.classification`).  Of classes with equal
    scores the first goes before, so that k = 1 is `accuracy`.
    """
    return TopKAccuracy(k, num_classes=num_classes, ignore_index=ignore_index, dim=dim, one_hot=one_hot).of(
        predictions, targets, mask)


explained(globals(), __all__)
