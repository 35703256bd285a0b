"""Keras's losses, by Keras's names and with its arguments: (y_true, y_pred), and a loss for each sample comes out.

Those of probabilities take probabilities: what a softmax or a sigmoid gives.  Scores (logits), which PyTorch's losses take, are
told apart by their sums and refused, since their logarithms would mean nothing; from_logits=True takes them.
"""
from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any

from .. import backend, errors, ops
from ..nn import functional as F
from ..nn.functional import loss as functional_losses
from ..tensor import Tensor

__all__ = ["categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy", "mean_squared_error",
           "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "huber", "log_cosh", "hinge",
           "squared_hinge", "kl_divergence", "poisson", "cosine_similarity"]


# ---- probabilities ----------------------------------------------------------------------------------------------
def categorical_crossentropy(y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """-Σ_c q_c log p_c, for the truth q and the prediction p, rows of probabilities along the last axis.  q is one-hot, mostly.

    Keras takes no p for less than 1e-7, and what is below learns no more; here only what float32 cannot hold is lost.
    """
    name, classes = "categorical_crossentropy", y_pred.shape[-1] if y_pred.ndim else 1
    if y_true.shape != y_pred.shape:
        wanted, came = tuple(y_pred.shape), tuple(y_true.shape)
        text = (f"{name}: y holds one row of {classes} probabilities a sample, in shape {wanted}, and this batch of it has shape "
                f"{came}")
        if came in (wanted[:-1], wanted[:-1] + (1,)):
            text += (".  These look like class numbers: compile the model with loss='sparse_categorical_crossentropy', which takes "
                     f"them, or make one-hot rows of them, y = to_categorical(y, {classes})")
        raise errors.ShapeError(text)
    q = y_true.to(y_pred.dtype)
    if label_smoothing:
        q = q * (1 - label_smoothing) + label_smoothing / classes
    return by_sample(-(q * logarithms(name, y_pred, from_logits)).sum(-1))


def sparse_categorical_crossentropy(y_true: Tensor, y_pred: Tensor, from_logits: bool = False,
                                    ignore_class: int | None = None) -> Tensor:
    """-log p_y, for class numbers y and rows of probabilities p along the last axis.  What is of ignore_class counts as 0."""
    name = "sparse_categorical_crossentropy"
    wanted, came = tuple(y_pred.shape[:-1]), tuple(y_true.shape)
    if came == wanted + (1,):
        y_true = y_true.reshape(wanted)
    elif came != wanted:
        text = f"{name}: y holds class numbers in shape {wanted}, and this batch of it has shape {came}"
        if came == tuple(y_pred.shape):
            text += (".  These look like one-hot rows: compile the model with loss='categorical_crossentropy', which takes them, "
                     "or take y.argmax(-1)")
        raise errors.ShapeError(text)
    log_p = logarithms(name, y_pred, from_logits)
    if log_p.ndim > 2:
        log_p = log_p.movedim(-1, 1)                            # nll_loss wants (N, C, …)
    try:
        loss = F.nll_loss(log_p, class_numbers(name, y_true), ignore_index=-100 if ignore_class is None else ignore_class,
                          reduction="none")
    except errors.OutOfRange as error:
        raise errors.OutOfRange(str(error).replace("nll_loss", name)) from None
    return by_sample(loss)


def class_numbers(name: str, y: Tensor) -> Tensor:
    """y as integers."""
    if not y.is_floating_point():
        return y
    whole = y.long()
    if (backend.debug or backend.device_of(y.array) == "cpu") and bool((whole != y).any()):
        raise errors.WrongType(f"{name}: y holds class numbers, and these are not whole")
    return whole


def binary_crossentropy(y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """-y log p - (1 - y) log(1 - p), for y of 0 or 1 (or between) and probabilities p; a mean over the outputs of a sample."""
    y_true = paired("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        return by_sample(F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none"))
    p = y_pred.array
    if visible(p) and p.size and ((p < 0) | (p > 1)).any():
        raise errors.WrongValue(f"binary_crossentropy takes probabilities, and the model gives numbers from {float(p.min()):.4g} "
                                f"to {float(p.max()):.4g}: {TAKE_LOGITS.format('BCEWithLogitsLoss', 'Binary', 'Sigmoid')}")
    return by_sample(F.binary_cross_entropy(y_pred, y_true, reduction="none"))


def logarithms(name: str, p: Tensor, from_logits: bool) -> Tensor:
    """log p of the model's output, whose last axis is that of the classes."""
    if from_logits:
        return ops.log_softmax(p, axis=-1)
    if visible(p.array):
        check_probabilities(name, p.array)
    return ops.log(ops.clip(p, float(backend.finfo(p.array.dtype).tiny), None))


TAKE_LOGITS = ("it looks like scores (logits).  Compile the model with loss=nn.{}(), which takes those, or with "
               "keras.losses.{}Crossentropy(from_logits=True), or let the model end in nn.{}")


def check_probabilities(name: str, p: Any) -> None:
    """Raise unless the rows of p are probabilities.  (Rows with NaN are none either, but that is not for here to say.)"""
    if not p.size:
        return
    sums = p.sum(-1, dtype="float64" if p.dtype.itemsize > 2 else "float32")
    wrong = (abs(sums - 1) > (0.02 if p.dtype.itemsize == 2 else 1e-3)) | (p < 0).any(-1)
    if wrong.any():
        row = p.reshape(-1, p.shape[-1])[int(wrong.reshape(-1).argmax())]
        what = "has numbers below 0" if (row < 0).any() else f"sums to {float(row.sum()):.4g}, not 1"
        raise errors.WrongValue(f"{name} takes probabilities, and a row of the model's output {what}: "
                                + TAKE_LOGITS.format("CrossEntropyLoss", name.title().replace("_", "").replace("Crossentropy", ""),
                                                     "Softmax(-1)"))


def visible(x: Any) -> bool:
    """Whether the numbers can be looked at without waiting for a device."""
    return backend.debug or backend.device_of(x) == "cpu"


# ---- numbers ----------------------------------------------------------------------------------------------------
def mean_squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """(y - p)², a mean over the outputs of a sample."""
    d = y_pred - paired("mean_squared_error", y_true, y_pred)
    return by_sample(d * d)


def mean_absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """|y - p|, a mean over the outputs of a sample."""
    return by_sample((y_pred - paired("mean_absolute_error", y_true, y_pred)).abs())


def mean_absolute_percentage_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """100 |y - p| / |y|, with 1e-7 for a smaller |y|."""
    y = paired("mean_absolute_percentage_error", y_true, y_pred)
    return 100 * by_sample((y_pred - y).abs() / y.abs().clamp(min=1e-7))


def mean_squared_logarithmic_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """(log(1 + y) - log(1 + p))², with 1e-7 for what is smaller."""
    y = paired("mean_squared_logarithmic_error", y_true, y_pred)
    d = y_pred.clamp(min=1e-7).log1p() - y.clamp(min=1e-7).log1p()
    return by_sample(d * d)


def huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    """½ (y - p)² where |y - p| ≤ δ, elsewhere δ (|y - p| - ½ δ)"""
    return by_sample(F.huber_loss(y_pred, paired("huber", y_true, y_pred), reduction="none", delta=delta))


def log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """log cosh(p - y) = d + log(1 + e^(-2d)) - log 2, for d = p - y"""
    d = (y_pred - paired("log_cosh", y_true, y_pred)).abs()
    return by_sample(d + (-2 * d).exp().log1p() - 0.6931471805599453)


def hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """max(0, 1 - y p), for y of -1 and 1, or of 0 and 1, where 0 counts as -1."""
    return by_sample((1 - signs("hinge", y_true, y_pred) * y_pred).relu())


def squared_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """max(0, 1 - y p)², for y as in `hinge`."""
    margin = (1 - signs("squared_hinge", y_true, y_pred) * y_pred).relu()
    return by_sample(margin * margin)


def signs(name: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    y = paired(name, y_true, y_pred)
    return 2 * y - 1 if bool(((y == 0) | (y == 1)).all()) else y


def kl_divergence(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Σ_c q_c log(q_c / p_c), with 1e-7 for what is smaller."""
    q = paired("kl_divergence", y_true, y_pred).clamp(1e-7, 1)
    return by_sample((q * (q / y_pred.clamp(1e-7, 1)).log()).sum(-1))


def poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """p - y log(p + 1e-7): p is how many events are expected, and y how many there were."""
    return by_sample(y_pred - paired("poisson", y_true, y_pred) * (y_pred + 1e-7).log())


def cosine_similarity(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """-cos of the angle between y and p along the last axis: -1 if they point the same way."""
    return by_sample(-F.cosine_similarity(y_pred, paired("cosine_similarity", y_true, y_pred), dim=-1))


# ---- what they share --------------------------------------------------------------------------------------------
def by_sample(loss: Tensor) -> Tensor:
    """A mean over all axes but that of the samples."""
    return loss if loss.ndim < 2 else loss.reshape(loss.shape[0], -1).mean(1)


def paired(name: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """y_true in the type of y_pred, and in its shape if it has an axis of length 1 more or less at the end."""
    a, b = tuple(y_true.shape), tuple(y_pred.shape)
    if a != b:
        if a != b + (1,) and b != a + (1,):
            raise errors.ShapeError(f"{name}: the model's output has shape {b} for this batch, and y has {a}: their elements are "
                                    "paired, so the shapes are to be equal, but for an axis of length 1 at the end")
        y_true = y_true.reshape(b)
    return y_true.to(y_pred.dtype)


NAMES: dict[str, Callable[..., Tensor]] = {
    **{name: globals()[name] for name in __all__},
    "mse": mean_squared_error, "mae": mean_absolute_error, "mape": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error, "huber_loss": huber, "logcosh": log_cosh, "kld": kl_divergence,
}


def find(name: str) -> Callable[..., Any]:
    """The loss of that name: Keras's, or one of nn.functional."""
    plain = snake(name)
    if plain in NAMES:
        return NAMES[plain]
    if plain in functional_losses.__all__:
        return getattr(F, plain)
    known = [*NAMES, *functional_losses.__all__]
    near = difflib.get_close_matches(plain, known, n=2, cutoff=0.6)
    raise errors.WrongValue(f"compile: there is no loss {name!r}: " + (f"did you mean {' or '.join(map(repr, near))}?" if near else
                            f"there are {', '.join(NAMES)}, and the losses of nn.functional"))


def snake(name: str) -> str:
    """mean_squared_error for MeanSquaredError."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
