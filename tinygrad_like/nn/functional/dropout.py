"""Dropout: noise that a network learns to live with."""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ... import backend, ops
from ...backend import host as np
from ...errors import ShapeError
from ...functions.common import check_inputs
from ...functions.random import default_generator
from .activation import activated

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "variational_dropout",
]


# ---- elements, channels, sequences ------------------------------------------------------------------------------
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element becomes 0 with probability p, and else is divided by 1 - p, which keeps the mean.

    (Srivastava et al. 2014)
    """
    return dropped("dropout", input, p, training, inplace, input.shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels, of sequences (N, C, L) or (C, L): their neighbours would give away single elements.

    (Tompson et al. 2015)
    """
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d takes input of shape (N, C, L) or (C, L), got {tuple(input.shape)}")
    return dropped("dropout1d", input, p, training, inplace, channels_of(input, batched=input.ndim == 3))


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels, of images (N, C, H, W).  Input of 3 dims counts as (N, C, L), with a warning."""
    if input.ndim == 3:
        warnings.warn(f"dropout2d: input of shape {tuple(input.shape)} is taken for (N, C, L): for that there is dropout1d; and "
                      "for one image (C, H, W), x.unsqueeze(0)", stacklevel=3)
    elif input.ndim != 4:
        raise ShapeError(f"dropout2d takes input of shape (N, C, H, W), got {tuple(input.shape)}")
    return dropped("dropout2d", input, p, training, inplace, channels_of(input))


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels, of volumes (N, C, D, H, W) or (C, D, H, W)."""
    if input.ndim not in (4, 5):
        raise ShapeError(f"dropout3d takes input of shape (N, C, D, H, W) or (C, D, H, W), got {tuple(input.shape)}")
    return dropped("dropout3d", input, p, training, inplace, channels_of(input, batched=input.ndim == 5))


def variational_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False,
                        batch_first: bool = False) -> Tensor:
    """`dropout` with one mask for all time steps of a sequence: a feature is there from beginning to end, or not at all.

    input: (time, batch, features), with batch_first (batch, time, features); or one sequence (time, features).
    A mask drawn anew at each step would, step by step, wash out what a recurrent network remembers.  The same one is what an
    approximate Bayesian inference with weights that are there or not asks for (Gal & Ghahramani 2016, arXiv 1512.05287).
    Not in PyTorch; elsewhere it is known as locked dropout.
    """
    if input.ndim not in (2, 3):
        raise ShapeError("variational_dropout takes input of shape (time, batch, features), (batch, time, features) with "
                         f"batch_first=True, or (time, features), got {tuple(input.shape)}")
    time = 1 if batch_first and input.ndim == 3 else 0
    shape = tuple([1 if a == time else n for a, n in enumerate(input.shape)])
    return dropped("variational_dropout", input, p, training, inplace, shape)


def dropped(name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: Any) -> Tensor:
    """The input with a mask of that shape broadcast over it."""
    check_probability(name, p)
    if not training or p == 0:
        return input
    keep = drawn(input, p, shape)

    def drop(x: Tensor) -> Tensor:
        return ops.mul(ops.masked(x, keep=keep), 1 / (1 - p) if p < 1 else 0.0)

    drop.__name__ = name
    return activated(input, inplace, drop)


# ---- with the statistics of SELU --------------------------------------------------------------------------------
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """In training, an element becomes α' with probability p, and then a x + b restores mean 0 and variance 1.

    α' = -1.758… is what SELU gives for -∞; a = ((1-p) (1 + p α'²))^-½ and b = -a p α'.        (Klambauer et al. 2017)
    """
    return alpha_dropped("alpha_dropout", input, p, training, inplace, input.shape)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels, of input (N, C, …)."""
    if training and input.ndim < 2:
        raise ShapeError(f"feature_alpha_dropout takes input of shape (N, C, …), got {tuple(input.shape)}")
    return alpha_dropped("feature_alpha_dropout", input, p, training, inplace, channels_of(input))


def alpha_dropped(name: str, input: Tensor, p: float, training: bool, inplace: bool, shape: Any) -> Tensor:
    check_probability(name, p)
    if not training or p == 0:
        return input
    keep = drawn(input, p, shape)
    lowest = -1.7580993408473766
    a = ((1 - p) * (1 + p * lowest ** 2)) ** -0.5 if p < 1 else 0.0
    added = (1 - keep.astype(input.array.dtype)) * (a * lowest) - a * p * lowest

    def drop(x: Tensor) -> Tensor:
        return ops.add(ops.mul(ops.masked(x, keep=keep), a), added)

    drop.__name__ = name
    return activated(input, inplace, drop)


# ---- masks ------------------------------------------------------------------------------------------------------
def check_probability(name: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, between 0 and 1, got {p}")


def drawn(input: Tensor, p: float, shape: Any) -> Any:
    """A mask, for the input's device, that is False with probability p.  For each element 32 bits are drawn."""
    if input.array.dtype.kind not in "fc":
        raise RuntimeError(f"dropout divides what is left by 1 - p, so input is of floating point, got {input.dtype}")
    count = int(np.prod(shape, dtype="int64"))
    bits = default_generator().numpy.integers(0, 2**64, (count + 1) // 2, "uint64").view("uint32")[:count]
    keep = bits >= round(p * 2**32) if p < 1 else np.zeros(count, bool)
    return backend.to_device(keep.reshape(tuple(shape)), backend.device_of(input.array))


def channels_of(input: Tensor, batched: bool = True) -> tuple[int, ...]:
    """The shape of numbers of which each belongs to a channel, of input (N, C, …), or (C, …) if it is not batched."""
    lead = 1 + batched
    return tuple(input.shape[:lead]) + (1,) * (input.ndim - lead)


check_inputs(globals(), __all__)
