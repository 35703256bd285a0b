"""How far predicted quantities are from the true ones.

predictions and targets have the same shape, and mask too: (N,), or (N, D) for D quantities of each sample.  Nothing is broadcast:
(N, 1) against (N,) is an error, for it would compare every prediction with every target.  Sums are made in 64 bits.
"""
from __future__ import annotations

import math
from typing import Any

from .. import autograd, backend, errors
from .elsewhere import explained
from .metric import Metric, double, nan, pair

__all__ = ["MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "R2Score", "mean_squared_error",
           "root_mean_squared_error", "mean_absolute_error", "r2_score"]


class Regression(Metric):
    """Numbers that were predicted, and those that are right."""

    def paired(self, predictions: Any, targets: Any, mask: Any) -> tuple[Any, Any, Any]:
        p, t, mask = pair(predictions, targets, mask)
        if p.shape != t.shape:
            text = (f"{self.name}: predictions have shape {p.shape} and targets {t.shape}: each prediction is compared with its "
                    "own target, and none is broadcast")
            if p.shape == t.shape + (1,):
                text += ".  Leave out the axis of size 1: predictions.squeeze(-1)"
            elif t.shape == p.shape + (1,):
                text += ".  Leave out the axis of size 1: targets.squeeze(-1)"
            elif p.shape[:1] != t.shape[:1]:
                text += f", and axis 0 has {p.shape[0] if p.ndim else 'no'} and {t.shape[0] if t.ndim else 'no'} samples"
            raise errors.ShapeError(text)
        if mask is not None and mask.shape != t.shape:
            raise errors.ShapeError(f"{self.name}: mask has shape {mask.shape}, and the targets {t.shape}: it says of each target "
                                    "whether it counts")
        return p, t, mask


class MeanSquaredError(Regression):
    """`mean_squared_error`, gathered over batches."""
    name = "mean_squared_error"

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        p, t, mask = self.paired(predictions, targets, mask)
        error = self.error(backend.xp(p).subtract(p, t, dtype="float64"))
        if mask is None:
            return {"total": error.sum(), "count": backend.host.asarray(t.size)}
        return {"total": backend.masked(error, mask).sum(), "count": mask.sum()}

    def error(self, difference: Any) -> Any:
        return difference * difference

    def finish(self, state: dict[str, Any]) -> float:
        if not state["count"]:
            self.warn("no target counts, so there is no mean.  The result is NaN")
            return nan
        return float(state["total"]) / int(state["count"])


class RootMeanSquaredError(MeanSquaredError):
    """`root_mean_squared_error`, gathered over batches."""
    name = "root_mean_squared_error"

    def finish(self, state: dict[str, Any]) -> float:
        return math.sqrt(super().finish(state))


class MeanAbsoluteError(MeanSquaredError):
    """`mean_absolute_error`, gathered over batches."""
    name = "mean_absolute_error"

    def error(self, difference: Any) -> Any:
        return abs(difference)


class R2Score(Regression):
    """`r2_score`, gathered over batches."""
    name = "r2_score"

    def __init__(self, multioutput: str = "uniform_average") -> None:
        super().__init__()
        if multioutput not in ("uniform_average", "raw_values", "variance_weighted"):
            raise errors.WrongValue(f"{self.name}: multioutput is 'uniform_average', 'raw_values' or 'variance_weighted', got "
                                    f"{multioutput!r}")
        self.multioutput = multioutput

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        p, t, mask = self.paired(predictions, targets, mask)
        p, t = [double(x).reshape(-1, x.shape[1] if x.ndim == 2 else 1) for x in (p, t)]
        xp = backend.xp(t)
        keep = xp.ones_like(t) if mask is None else double(mask.reshape(t.shape))
        if mask is not None:
            p, t = backend.masked(p, keep > 0), backend.masked(t, keep > 0)
        n = keep.sum(axis=0)
        mean = (t * keep).sum(axis=0) / xp.maximum(n, 1.0)
        return {"count": n, "mean": mean, "spread": (keep * (t - mean) ** 2).sum(axis=0), "left": ((p - t) ** 2).sum(axis=0)}

    def join(self, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        """Means and squared distances from them, of two parts together: with the mean of each, and not of squares, whose difference
        would lose all digits where the mean is large (Chan, Golub, LeVeque 1979)."""
        if not a or not b:
            return a or b
        if a["count"].shape != b["count"].shape:
            raise errors.ShapeError(f"{self.name}: this batch has {len(b['count'])} quantities (axis 1), and those before "
                                    f"{len(a['count'])}")
        if type(a["count"]) is not type(b["count"]):
            a, b = [{key: backend.to_device(x, "cpu") for key, x in each.items()} for each in (a, b)]
        n = a["count"] + b["count"]
        share = b["count"] / backend.xp(n).maximum(n, 1.0)
        apart = b["mean"] - a["mean"]
        return {"count": n, "mean": a["mean"] + share * apart, "left": a["left"] + b["left"],
                "spread": a["spread"] + b["spread"] + apart * apart * a["count"] * share}

    def finish(self, state: dict[str, Any]) -> Any:
        n, spread, left = state["count"], state["spread"], state["left"]
        if (n < 2).any():
            self.warn("it compares with the spread of the targets, and one target has none.  The result is NaN")
            return autograd.wrap(spread * nan) if self.multioutput == "raw_values" else nan
        constant = spread == 0
        if (constant & (left != 0)).any():
            self.warn("the targets are all equal, so there is no spread to explain.  Counted as 0")
        values = backend.host.where(constant, (left == 0) * 1.0, 1 - left / backend.host.where(constant, 1.0, spread))
        values = backend.host.where(left == left, values, nan)
        if self.multioutput == "raw_values":
            return autograd.wrap(values)
        if self.multioutput == "variance_weighted" and spread.any():
            return float((values * spread).sum() / spread.sum())
        return float(values.mean())


def mean_squared_error(predictions: Any, targets: Any, *, mask: Any = None) -> float:
    """(1/n) Σ (y − ŷ)², over all numbers."""
    return MeanSquaredError().of(predictions, targets, mask)


def root_mean_squared_error(predictions: Any, targets: Any, *, mask: Any = None) -> float:
    """√((1/n) Σ (y − ŷ)²), over all numbers: in the unit of y."""
    return RootMeanSquaredError().of(predictions, targets, mask)


def mean_absolute_error(predictions: Any, targets: Any, *, mask: Any = None) -> float:
    """(1/n) Σ |y − ŷ|, over all numbers."""
    return MeanAbsoluteError().of(predictions, targets, mask)


def r2_score(predictions: Any, targets: Any, *, mask: Any = None, multioutput: str = "uniform_average") -> Any:
    """1 − Σ (y − ŷ)² / Σ (y − ȳ)²: the part of the spread of y that the predictions explain.

    1 is perfect, 0 no better than always saying the mean ȳ, and it can be negative.  Of targets (N, D), each of the D quantities
    has its own: multioutput="uniform_average" gives their mean, "variance_weighted" one weighted by their spreads, "raw_values" a
    Tensor of all.  Targets that are all equal: 1 if they were hit, else 0, with a warning.  Fewer than two: NaN, with a warning.
    """
    return R2Score(multioutput).of(predictions, targets, mask)


explained(globals(), __all__)
