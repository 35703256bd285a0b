"""Losses: how far a prediction is from the truth, as a mean, a sum, or element by element."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import autograd, backend, errors, ops
from ...functions import elementwise
from ...functions.common import check_inputs
from ...ops.indexing import along
from .distance import pairwise_distance

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "cross_entropy", "nll_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "kl_div", "poisson_nll_loss", "gaussian_nll_loss", "hinge_embedding_loss",
    "margin_ranking_loss", "soft_margin_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
    "cosine_embedding_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss", "ctc_loss",
]


# ---- what the losses share --------------------------------------------------------------------------------------
def reduced(name: str, loss: Tensor, reduction: str, old: Any = (None, None)) -> Tensor:
    """The mean or the sum of the losses of the elements, or those themselves."""
    check_reduction(name, reduction, old)
    return ops.mean(loss) if reduction == "mean" else ops.sum(loss) if reduction == "sum" else loss


def check_reduction(name: str, reduction: str, old: Any = (None, None), more: tuple[str, ...] = ()) -> None:
    if old != (None, None):
        raise TypeError(f"{name}: size_average and reduce are the old way to say it: write reduction='mean', 'sum' or 'none'")
    if reduction not in ("mean", "sum", "none", *more):
        known = ", ".join(map(repr, ("mean", "sum", "none", *more)))
        raise ValueError(f"{name}: reduction={reduction!r} is not offered: there are {known}")


def check_tensors(name: str, **operands: Any) -> None:
    for role, x in operands.items():
        if not isinstance(x, autograd.Tensor):
            raise TypeError(f"{name}: {role} is a Tensor, got {type(x).__name__}: make one with tensor(…)")


def check_shapes(name: str, input: Tensor, target: Tensor, what: str = "target") -> None:
    """Raise unless both have the same shape: broadcasting them would pair each prediction with the targets of others."""
    check_tensors(name, input=input, **{what: target})
    a, b = input.array.shape, target.array.shape
    if a != b:
        text = (f"{name}: input has shape {a} and {what} {b}: their elements are paired, so the shapes are to be equal, and "
                "neither is stretched")
        if a == b + (1,):
            text += f".  {what}.unsqueeze(-1) has the shape of input, and input.squeeze(-1) that of {what}"
        elif b == a + (1,):
            text += f".  {what}.squeeze(-1) has the shape of input"
        elif input.array.size == target.array.size:
            text += f".  If their elements are in the same order: {what}.reshape(input.shape)"
        raise errors.ShapeError(text)


def check_weight(name: str, weight: Any, input: Tensor) -> None:
    """Raise unless weight, if there is one, holds a number for each class of input."""
    if weight is None:
        return
    classes = input.array.shape[min(1, input.ndim - 1)]
    if tuple(weight.shape) != (classes,):
        raise errors.ShapeError(f"{name}: weight holds one number for each of the {classes} classes, in shape ({classes},), got "
                                f"{tuple(weight.shape)}")
    if weight.requires_grad:
        raise RuntimeError(f"{name}: no gradient flows to the class weights: pass weight.detach()")


def class_numbers(name: str, input: Tensor, target: Tensor, ignore_index: int | None = None) -> tuple[int, Any, Any]:
    """The axis of the classes; the labels, of size 1 along it, the ignored ones 0; and a mask of the others (None: all of them).

    The labels are checked: on a GPU by the range that they had on the host, where one among the ignored may hide another below 0.
    """
    scores, labels = input.array, target.array
    if scores.ndim == 0 or scores.dtype.kind != "f":
        raise TypeError(f"{name}: input has a floating-point score for each class, in shape (C,), (N, C) or (N, C, …), and it has "
                        f"shape {scores.shape} and dtype {input.dtype}")
    if type(labels) is not type(scores):
        raise errors.DeviceMismatch(f"{name}: input is on {str(input.device)!r} and target on {str(target.device)!r}: write "
                                    f"target.to({str(input.device)!r})")
    axis = min(1, scores.ndim - 1)
    shape, classes = scores.shape[:axis] + scores.shape[axis + 1:], scores.shape[axis]
    if labels.shape != shape:
        text = (f"{name}: for input of shape {scores.shape}, target holds class numbers in shape {shape}, and this one has shape "
                f"{labels.shape}")
        if labels.shape == scores.shape:
            text += f".  If it is one-hot, target.argmax({axis}) gives the class numbers"
            text += "; if it holds probabilities, target.float() says so" if name == "cross_entropy" else ""
        elif scores.ndim > 2 and labels.shape == scores.shape[:-1]:
            text += (".  The classes are axis 1 of input, and look to be last here: input.movedim(-1, 1) brings them there, and "
                     "input.flatten(0, -2) with target.flatten() does as well")
        elif labels.size == math.prod(shape):
            text += f".  If its elements are in order, write target.reshape({', '.join(map(str, shape))})"
        raise errors.ShapeError(text)
    if labels.dtype.kind not in "iu":
        raise errors.WrongType(f"{name}: class numbers are integers, and target is of dtype {target.dtype}: use target.long()"
                               + (f".  (Probabilities would have the shape of input, {scores.shape}.)"
                                  if name == "cross_entropy" else ""))

    bounds, kept = backend.range_of(labels), None
    least, largest = bounds or (0, classes - 1)
    if ignore_index is not None and (least <= ignore_index <= largest or bounds is None and fits(ignore_index, labels.dtype)):
        kept = labels != ignore_index
        labels = labels * kept
    if kept is not None or least < 0 or largest >= classes:
        surely = (largest >= classes and largest != ignore_index) or (least < 0 and least != ignore_index)
        try:
            backend.check_indices(backend.to_device(labels, "cpu") if surely else labels, classes, f"{name}: class")
        except errors.OutOfRange as error:
            if not (least == 1 and largest == classes):
                raise
            raise errors.OutOfRange(f"{error}.  They look to be counted from 1: target - 1 counts from 0") from None
    one = shape[:axis] + (1,) + shape[axis:]
    return axis, labels.reshape(one), kept if kept is None else kept.reshape(one)


def fits(number: int, dtype: Any) -> bool:
    limits = backend.iinfo(dtype)
    return bool(limits.min <= number <= limits.max)


def one_over_all(name: str, input: Tensor, target: Tensor, weights: Any, kept: Any, ignore_index: int) -> Any:
    """1 / Σ w, over the labels that are kept: what makes a mean of the sum of their losses.  1 / 0 counts as 1."""
    n, dtype = target.array.size, input.array.dtype
    if not n or (kept is not None and backend.range_of(target.array) == (ignore_index, ignore_index)):
        warnings.warn(f"{name}: the mean of no losses is taken for 0, with gradient 0: " + (
            f"every label is {ignore_index}, which is ignored" if n else "there is no example"), stacklevel=3)
    if weights is None and kept is None:
        return 1.0 / (n or 1)
    count = kept.sum(dtype=dtype) if weights is None else weights.sum() if kept is None else (weights * kept).sum()
    return 1 / (count + (count == 0))


# ---- losses of numbers ------------------------------------------------------------------------------------------
def mse_loss(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
             weight: Tensor | None = None) -> Tensor:
    """(x - y)², whose mean is (1/n) Σ (x - y)² (SPEC F-10), with gradient 2 (x - y) / n.

    reduction='half_sum', which PyTorch does not have, is ½ Σ (x - y)² (SPEC F-08), with gradient x - y.
    weight: a number for each element; the mean is then Σ w (x - y)² / Σ w.
    """
    check_shapes("mse_loss", input, target)
    check_reduction("mse_loss", reduction, (size_average, reduce), ("half_sum",))
    loss = elementwise.square(input - target)
    if reduction == "half_sum":
        return 0.5 * ops.sum(loss if weight is None else weighted("mse_loss", loss, weight))
    return weighted_mean("mse_loss", loss, weight, reduction)


def l1_loss(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
            weight: Tensor | None = None) -> Tensor:
    """|x - y|.  weight: a number for each element; the mean is then Σ w |x - y| / Σ w."""
    check_shapes("l1_loss", input, target)
    check_reduction("l1_loss", reduction, (size_average, reduce))
    return weighted_mean("l1_loss", ops.abs(input - target), weight, reduction)


def weighted(name: str, loss: Tensor, weight: Tensor) -> Tensor:
    check_shapes(name, loss, weight, "weight")
    return loss * weight


def weighted_mean(name: str, loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    """The losses of the elements reduced; the mean divides by the sum of the weights."""
    if weight is None:
        return reduced(name, loss, reduction)
    loss = weighted(name, loss, weight)
    return ops.sum(loss) / ops.sum(weight) if reduction == "mean" else reduced(name, loss, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None) -> Tensor:
    """½ (x - y)² where |x - y| ≤ δ, elsewhere δ (|x - y| - ½ δ)        (Huber 1964)

    weight: a number for each element; the mean divides by their count, as PyTorch's does here.
    """
    check_shapes("huber_loss", input, target)
    if delta <= 0:
        raise errors.WrongValue(f"huber_loss: delta is above 0, got {delta}")
    loss = ops.huber(input - target, delta=delta)
    return reduced("huber_loss", loss if weight is None else weighted("huber_loss", loss, weight), reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
                   beta: float = 1.0) -> Tensor:
    """½ (x - y)² / β where |x - y| < β, elsewhere |x - y| - ½ β"""
    check_shapes("smooth_l1_loss", input, target)
    if beta < 0:
        raise errors.WrongValue(f"smooth_l1_loss: beta is not negative, got {beta}")
    d = input - target
    loss = ops.abs(d) if beta == 0 else ops.huber(d, delta=beta) / beta
    return reduced("smooth_l1_loss", loss, reduction, (size_average, reduce))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: None = None,
                     eps: float = 1e-8, reduce: None = None, reduction: str = "mean") -> Tensor:
    """eˣ - y x, or where input is the rate itself, x - y log(x + eps).  full adds Stirling's log y! for y > 1."""
    check_shapes("poisson_nll_loss", input, target)
    loss = ops.exp(input) - target * input if log_input else input - target * ops.log(input + eps)
    if full:
        y = ops.where(target, 1.0, condition=target.array > 1)
        stirling = y * ops.log(y) - y + 0.5 * ops.log(2 * math.pi * y)
        loss = loss + ops.masked(stirling, keep=target.array > 1)
    return reduced("poisson_nll_loss", loss, reduction, (size_average, reduce))


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:
    """½ (log v + (x - y)² / v), v being var, taken for eps where it is smaller.  full adds ½ log 2π.

    var: a number; or of the shape of input; or without its last dim, or with size 1 in one dim.
    """
    check_shapes("gaussian_nll_loss", input, target)
    check_reduction("gaussian_nll_loss", reduction)
    v: Any = var if isinstance(var, autograd.Tensor) else autograd.wrap(backend.ones_like(input.array) * var)
    a, b = input.array.shape, v.array.shape
    if b == a[:-1] and a:
        v = ops.reshape(v, to=b + (1,))
    elif b != a and not (len(a) == len(b) and [n for n, m in zip(b, a) if n != m] == [1]):
        raise errors.ShapeError(f"gaussian_nll_loss: var has the shape of input, {a}, or lacks its last dim, or has size 1 in one "
                                f"dim; got {b}")
    if on_host(v) and (v.array < 0).any():
        raise ValueError("gaussian_nll_loss: var holds variances, and some are negative")
    v = v + (ops.clip(v, eps, None) - v).detach()               # held at eps, but with the gradient of var, as in PyTorch
    loss = 0.5 * (ops.log(v) + elementwise.square(input - target) / v)
    return reduced("gaussian_nll_loss", loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def on_host(x: Tensor) -> bool:
    """Whether the values can be looked at without waiting for a device."""
    return backend.debug or backend.device_of(x.array) == "cpu"


# ---- losses of probabilities ------------------------------------------------------------------------------------
def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100,
                  reduce: None = None, reduction: str = "mean", label_smoothing: float = 0.0) -> Tensor:
    """-log softmax(x)_y, for scores x (logits, not probabilities) and what is true.  Its gradient is softmax(x) minus the truth.

    input: (C,), (N, C) or (N, C, d₁, …), C being the number of classes.
    target: class numbers y, integers in the shape of input without C; or probabilities q in its whole shape, and then the loss is
        -Σ_c q_c log softmax(x)_c.
    weight: w of shape (C,).  The mean over class numbers divides by Σ w_y, that over probabilities by their number.
    ignore_index: a class number that counts for nothing.  If there is no other, the mean is 0, with gradient 0, and a warning.
    label_smoothing: ε takes (1-ε) q + ε/C for the truth.
    """
    check_reduction("cross_entropy", reduction, (size_average, reduce))
    check_tensors("cross_entropy", input=input, target=target)
    check_weight("cross_entropy", weight, input)
    if not 0 <= label_smoothing <= 1:
        raise errors.WrongValue(f"cross_entropy: label_smoothing is between 0 and 1, got {label_smoothing}")
    if target.array.dtype.kind == "f" and target.array.shape == input.array.shape:
        return soft_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    axis, labels, kept = class_numbers("cross_entropy", input, target, ignore_index)
    weights = weights_of(labels, weight, input)
    scale = one_over_all("cross_entropy", input, target, weights, kept, ignore_index) if reduction == "mean" else 1.0
    peak = (1 - label_smoothing) * scale if weights is None else weights * ((1 - label_smoothing) * scale)
    base, x = None, input.array
    if label_smoothing:
        line = tuple([n if a == axis else 1 for a, n in enumerate(x.shape)])
        base = backend.xp(x).full(line, label_smoothing / line[axis], x.dtype) * scale
        if weight is not None:
            base = base * weight.array.reshape(line).astype(x.dtype, copy=False)
    params = {"places": along(labels, axis), "axis": axis, "base": base}
    if kept is not None and base is None:
        peak, kept = kept * peak if weights is not None else kept.astype(x.dtype) * peak, None
    if kept is None:
        loss = ops.cross_entropy(input, peak=peak, summed=reduction != "none", **params)
        return loss if reduction != "none" else ops.reshape(loss, to=target.array.shape)
    loss = ops.masked(ops.cross_entropy(input, peak=peak, **params), keep=kept)
    return ops.sum(loss) if reduction != "none" else ops.reshape(loss, to=target.array.shape)


def weights_of(labels: Any, weight: Tensor | None, input: Tensor) -> Any:
    """The weight of each label, in the type of input."""
    return None if weight is None else weight.array.astype(input.array.dtype, copy=False)[labels]


def soft_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str,
                       smoothing: float) -> Tensor:
    """`cross_entropy` where the target holds probabilities."""
    if ignore_index != -100:
        raise errors.WrongValue("cross_entropy: ignore_index is a class number, and this target holds probabilities, in the shape "
                                "of input: leave out one of the two")
    axis = min(1, input.ndim - 1)
    classes = input.shape[axis]
    if smoothing:
        target = target * (1 - smoothing) + smoothing / classes
    loss = target * ops.log_softmax(input, axis=axis)
    if weight is not None:
        loss = loss * ops.reshape(weight, to=tuple([n if a == axis else 1 for a, n in enumerate(input.shape)]))
    return reduced("cross_entropy", -ops.sum(loss, axis=axis), reduction)


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100,
             reduce: None = None, reduction: str = "mean") -> Tensor:
    """-x_y, for logarithms of probabilities x and class numbers y.  After log_softmax it is `cross_entropy`: see there."""
    check_reduction("nll_loss", reduction, (size_average, reduce))
    check_tensors("nll_loss", input=input, target=target)
    check_weight("nll_loss", weight, input)
    axis, labels, kept = class_numbers("nll_loss", input, target, ignore_index)
    weights = weights_of(labels, weight, input)
    loss = -ops.take_along_axis(input, indices=labels, axis=axis)
    if kept is not None:
        loss = ops.masked(loss, keep=kept)
    if weights is not None:
        loss = ops.mul(loss, weights)
    if reduction == "none":
        return ops.reshape(loss, to=target.array.shape)
    scale = one_over_all("nll_loss", input, target, weights, kept, ignore_index) if reduction == "mean" else 1.0
    return ops.mul(ops.sum(loss), scale)


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None,
                         reduce: None = None, reduction: str = "mean") -> Tensor:
    """-y log x - (1 - y) log(1 - x), for probabilities x.  No logarithm is below -100.  weight multiplies the losses.

    `binary_cross_entropy_with_logits` takes the numbers before the sigmoid: it is more exact, and learns where this no longer does.
    """
    check_shapes("binary_cross_entropy", input, target)
    x = input.array
    if on_host(input) and x.size and not (x.min() >= 0 and x.max() <= 1):
        raise RuntimeError("binary_cross_entropy: input holds probabilities, and not all of these are between 0 and 1: "
                           "use sigmoid(x), or binary_cross_entropy_with_logits(x, …)")
    loss = ops.binary_cross_entropy(input, target)
    return reduced("binary_cross_entropy", loss if weight is None else loss * weight, reduction, (size_average, reduce))


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None,
                                     reduce: None = None, reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:
    """-p y log σ(x) - (1 - y) log(1 - σ(x)), for any numbers x, and pos_weight p.  weight multiplies the losses."""
    check_shapes("binary_cross_entropy_with_logits", input, target)
    loss = ops.binary_cross_entropy_with_logits(input, target)
    if pos_weight is not None:
        loss = loss - (pos_weight - 1) * target * ops.logsigmoid(input)
    return reduced("binary_cross_entropy_with_logits", loss if weight is None else loss * weight, reduction, (size_average, reduce))


def kl_div(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
           log_target: bool = False) -> Tensor:
    """y (log y - x), for logarithms of probabilities x, and probabilities y (log_target: their logarithms).  Where y = 0 it is 0.

    reduction='batchmean' divides the sum by the first dim of input: the mean over examples of KL(y ‖ eˣ).
    """
    check_shapes("kl_div", input, target)
    check_reduction("kl_div", reduction, (size_average, reduce), ("batchmean",))
    if log_target:
        loss = ops.exp(target) * (target - input)
    else:
        loss = ops.xlogy(target, target) - target * ops.masked(input, keep=target.array != 0)
    if reduction == "batchmean":
        return ops.sum(loss) / input.shape[0] if input.ndim else ops.sum(loss)
    return reduced("kl_div", loss, reduction)


# ---- losses that ask for a margin -------------------------------------------------------------------------------
def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, size_average: None = None, reduce: None = None,
                         reduction: str = "mean") -> Tensor:
    """x where y = 1; max(0, margin - x) where y = -1"""
    check_shapes("hinge_embedding_loss", input, target)
    y = target.array
    loss = ops.masked(input, keep=y != -1) + ops.masked(ops.clip(margin - input, 0, None), keep=y != 1)
    return reduced("hinge_embedding_loss", loss, reduction, (size_average, reduce))


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None,
                        reduce: None = None, reduction: str = "mean") -> Tensor:
    """max(0, margin - y (x₁ - x₂)): y = 1 wants x₁ the larger, y = -1 x₂"""
    check_shapes("margin_ranking_loss", input1, input2, "input2")
    check_shapes("margin_ranking_loss", input1, target)
    loss = ops.clip(margin - target * (input1 - input2), 0, None)
    return reduced("margin_ranking_loss", loss, reduction, (size_average, reduce))


def soft_margin_loss(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None,
                     reduction: str = "mean") -> Tensor:
    """log(1 + e^(-y x)), for y = 1 or -1"""
    check_shapes("soft_margin_loss", input, target)
    return reduced("soft_margin_loss", -ops.logsigmoid(target * input), reduction, (size_average, reduce))


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                      size_average: None = None, reduce: None = None, reduction: str = "mean") -> Tensor:
    """(1/C) Σ_{c≠y} w_y max(0, margin - x_y + x_c)ᵖ: the score of class y is to lead by the margin.  p is 1 or 2."""
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p is 1 or 2, got {p}")
    check_tensors("multi_margin_loss", input=input, target=target)
    check_weight("multi_margin_loss", weight, input)
    axis, labels, _ = class_numbers("multi_margin_loss", input, target)
    if input.ndim > 2:
        raise errors.ShapeError(f"multi_margin_loss: input has shape (C,) or (N, C), got {tuple(input.shape)}")
    classes = input.shape[axis]
    gap = ops.relu(margin - ops.take_along_axis(input, indices=labels, axis=axis) + input)
    if p == 2:
        gap = elementwise.square(gap)
    if weight is not None:
        gap = ops.mul(gap, weight.array[labels])
    loss = ops.sum(ops.masked(gap, keep=backend.xp(labels).arange(classes) != labels), axis=axis) / classes
    return reduced("multi_margin_loss", loss, reduction, (size_average, reduce))


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: None = None, reduce: None = None,
                           reduction: str = "mean") -> Tensor:
    """(1/C) Σ_y Σ_c max(0, 1 - (x_y - x_c)), for the classes y listed in target, up to the first -1, and those c that are not"""
    check_shapes("multilabel_margin_loss", input, target)
    if target.array.dtype.kind not in "iu" or input.ndim not in (1, 2):
        raise TypeError("multilabel_margin_loss: input has shape (C,) or (N, C), and target holds class numbers, -1 behind the "
                        f"last; got shape {tuple(input.shape)} and dtype {target.dtype}")
    y, classes = target.array, input.shape[-1]
    backend.check_indices(y, classes, "multilabel_margin_loss: class", -1)
    listed = (y < 0).cumsum(axis=-1) == 0
    y = y * listed
    true = (listed[..., None] & (y[..., None] == backend.xp(y).arange(classes))).any(axis=-2)        # (N, C)
    x_y = ops.reshape(ops.take_along_axis(input, indices=y, axis=-1), to=y.shape + (1,))
    gap = ops.relu(1 - (x_y - ops.reshape(input, to=y.shape[:-1] + (1, classes))))                   # (N, labels, C)
    gap = ops.masked(gap, keep=listed[..., None] & ~true[..., None, :])
    return reduced("multilabel_margin_loss", ops.sum(gap, axis=(-1, -2)) / classes, reduction, (size_average, reduce))


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None,
                                reduce: None = None, reduction: str = "mean") -> Tensor:
    """(1/C) Σ_c w_c (-y_c log σ(x_c) - (1 - y_c) log(1 - σ(x_c)))"""
    check_shapes("multilabel_soft_margin_loss", input, target)
    loss = ops.binary_cross_entropy_with_logits(input, target)
    loss = ops.mean(loss if weight is None else loss * weight, axis=-1)
    return reduced("multilabel_soft_margin_loss", loss, reduction, (size_average, reduce))


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None,
                          reduce: None = None, reduction: str = "mean") -> Tensor:
    """1 - cos(x₁, x₂) where y = 1; max(0, cos(x₁, x₂) - margin) where y = -1.  Inputs (N, D) with target (N,), or (D,) with ()."""
    check_shapes("cosine_embedding_loss", input1, input2, "input2")
    if input1.ndim not in (1, 2) or tuple(target.shape) != tuple(input1.shape[:-1]):
        raise errors.ShapeError("cosine_embedding_loss: the inputs have shape (N, D) and target (N,), or (D,) and (); got "
                                f"{tuple(input1.shape)} and {tuple(target.shape)}")
    eps, y = 1e-12, target.array                                # PyTorch's, inside the root
    squares = (ops.sum(elementwise.square(input1), axis=-1) + eps) * (ops.sum(elementwise.square(input2), axis=-1) + eps)
    cosine = ops.sum(input1 * input2, axis=-1) / ops.sqrt(squares)
    loss = ops.masked(1 - cosine, keep=y == 1) + ops.masked(ops.clip(cosine - margin, 0, None), keep=y == -1)
    return reduced("cosine_embedding_loss", loss, reduction, (size_average, reduce))


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
                        swap: bool = False, size_average: None = None, reduce: None = None, reduction: str = "mean") -> Tensor:
    """max(0, margin + ‖a - p‖ - ‖a - n‖).  swap: with ‖p - n‖ where that is the smaller        (Balntas et al. 2016)"""
    check_reduction("triplet_margin_loss", reduction, (size_average, reduce))
    return triplet_margin_with_distance_loss(anchor, positive, negative, margin=margin, swap=swap, reduction=reduction,
                                             distance_function=lambda x, y: pairwise_distance(x, y, p, eps))


def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
                                      swap: bool = False, reduction: str = "mean") -> Tensor:
    """max(0, margin + d(a, p) - d(a, n)), for a distance d of your own.  swap: with d(p, n) where that is the smaller"""
    check_shapes("triplet_margin_loss", anchor, positive, "positive")
    check_shapes("triplet_margin_loss", anchor, negative, "negative")
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin is above 0, got {margin}")
    distance = distance_function or pairwise_distance
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return reduced("triplet_margin_loss", ops.clip(margin + near - far, 0, None), reduction)


# ---- sequences --------------------------------------------------------------------------------------------------
def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: str = "mean",
             zero_infinity: bool = False) -> Tensor:
    """-log p of the label sequences targets, for log-probabilities of labels in each frame, wherever in it the labels may be.

    log_probs: (T, N, C), from log_softmax over the C labels, the blank among them; or (T, C) of one sample.
    targets: class numbers without blanks, (N, S), of which the first target_lengths[n] count; or all of them in one line.
    input_lengths, target_lengths: how many frames, and labels, each sample has: N ints, in a tuple or a tensor on the CPU.
    reduction="mean" divides the loss of each sample by its number of labels, and takes the mean over samples.
    zero_infinity: a sample with too few frames to spell its labels has loss inf, and gradient 0; this makes the loss 0 too.
    The algorithm, and what its gradient means, stand in `ops/ctc.py`        (Graves et al. 2006)
    """
    check_reduction("ctc_loss", reduction)
    check_tensors("ctc_loss", log_probs=log_probs, targets=targets)
    x = log_probs.array
    if x.ndim not in (2, 3) or x.dtype.kind != "f":
        raise errors.ShapeError(f"ctc_loss: log_probs has floating-point numbers in shape (T, N, C), or (T, C), got shape "
                                f"{x.shape} and dtype {log_probs.dtype}")
    if targets.array.dtype.kind not in "iu":
        raise errors.WrongType(f"ctc_loss: targets holds class numbers, which are integers, got dtype {targets.dtype}: .long()")
    one = x.ndim == 2
    frames, n, classes = x.shape if not one else (x.shape[0], 1, x.shape[1])
    if not 0 <= blank < classes:
        raise errors.WrongValue(f"ctc_loss: blank={blank} is none of the {classes} labels of log_probs, {x.shape}")
    times, lengths = lengths_of("input_lengths", input_lengths, n, one), lengths_of("target_lengths", target_lengths, n, one)
    for i, t in enumerate(times):
        if t > frames:
            raise errors.WrongValue(f"ctc_loss: input_lengths says {t} (sample {i}), and log_probs of shape {x.shape} has {frames} "
                                    "frames, along dim 0" + (": is it (N, T, C)?  transpose(0, 1) makes it (T, N, C)"
                                                             if t in x.shape[1:2] else ""))
    labels = labels_of(targets, lengths, n, one, blank, classes)
    own = [backend.to_device(backend.host.asarray(each, "int64"), backend.device_of(x)) for each in (times, lengths)]
    loss = ops.ctc_loss(ops.reshape(log_probs, to=(frames, n, classes)), labels=labels, times=own[0], lengths=own[1], blank=blank)
    if zero_infinity:
        loss = ops.masked(loss, keep=loss.array < math.inf)
    if reduction == "mean":
        loss = loss / autograd.wrap(backend.xp(x).maximum(own[1], 1).astype(x.dtype))
    return reduced("ctc_loss", ops.reshape(loss, to=()) if one else loss, reduction)


def lengths_of(name: str, lengths: Any, n: int, one: bool) -> list[int]:
    """The lengths of n sequences, as ints of Python."""
    if isinstance(lengths, autograd.Tensor):
        lengths = backend.to_device(lengths.array, "cpu").tolist()
    lengths = [lengths] if one and isinstance(lengths, int) else list(lengths)
    if not all([isinstance(t, int) for t in lengths]):
        raise errors.WrongType(f"ctc_loss: {name} holds integers, got {lengths}")
    if len(lengths) != n:
        raise errors.ShapeError(f"ctc_loss: {name} holds one number for each of the {n} samples (dim 1 of log_probs), got "
                                f"{len(lengths)}")
    if lengths and min(lengths) < 0:
        raise errors.WrongValue(f"ctc_loss: {name} is not negative, got {lengths}")
    return lengths


def labels_of(targets: Tensor, lengths: list[int], n: int, one: bool, blank: int, classes: int) -> Any:
    """The labels in an array of shape (n, the longest), with blanks behind the end of each sequence."""
    labels, longest = targets.array, max(lengths, default=0)
    if labels.ndim == 2 and not one:
        if len(labels) != n or labels.shape[1] < longest:
            raise errors.ShapeError(f"ctc_loss: targets of shape {labels.shape} has no place for {n} samples (dim 1 of log_probs), "
                                    f"the longest of {longest} labels (target_lengths): (N, S) is ({n}, {longest}) or longer")
        labels = labels[:, :longest]
    elif labels.ndim == 1:
        if labels.size != sum(lengths) and not (one and labels.size > longest):
            raise errors.ShapeError(f"ctc_loss: targets of shape {labels.shape} holds all labels in one line, and target_lengths "
                                    f"adds up to {sum(lengths)}: {lengths}")
        starts = [sum(lengths[:i]) for i in range(n)]
        at = [[start + min(k, length - 1) if length else 0 for k in range(longest)] for start, length in zip(starts, lengths)]
        labels = labels[backend.to_device(backend.host.asarray(at, "int64").reshape(n, longest), backend.device_of(labels))]
    else:
        raise errors.ShapeError(f"ctc_loss: targets has shape (N, S), or all labels are in one line, got {labels.shape}"
                                + (", for log_probs of one sample, (T, C)" if one else ""))
    counts = backend.host.arange(longest) < backend.host.asarray(lengths, "int64").reshape(n, 1)
    counts = backend.to_device(counts, backend.device_of(labels))
    if backend.debug or backend.device_of(labels) == "cpu":
        backend.check_indices(labels * counts, classes, "ctc_loss: label")
        if ((labels == blank) & counts).any():
            raise errors.WrongValue(f"ctc_loss: a target holds the label {blank}, which is the blank and stands between labels by "
                                    "itself: number the labels without it, or name another one by blank=")
    return backend.xp(labels).where(counts, labels, blank)


check_inputs(globals(), __all__)
