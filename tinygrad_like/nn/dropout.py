"""Dropout, as layers: in training they drop part of their input, in evaluation they change nothing."""
from __future__ import annotations

from typing import TYPE_CHECKING

from . import functional as F
from .functional.dropout import check_probability
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout", "VariationalDropout"]


class AnyDropout(Module):
    """What they have in common: the probability p, and whether the result becomes the new value of the input (inplace)."""
    p: float
    inplace: bool

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        check_probability(type(self).__name__, p)
        self.p, self.inplace = p, inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(AnyDropout):
    """Each element becomes 0 with probability p, and else is divided by 1 - p.        (Srivastava et al. 2014)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(AnyDropout):
    """`Dropout` of whole channels, of sequences (N, C, L) or (C, L)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(AnyDropout):
    """`Dropout` of whole channels, of images (N, C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(AnyDropout):
    """`Dropout` of whole channels, of volumes (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(AnyDropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU.  `F.alpha_dropout` has the formula."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(AnyDropout):
    """`AlphaDropout` of whole channels, of input (N, C, …)."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)


class VariationalDropout(Module):
    """`Dropout` with one mask for all time steps of a sequence, as recurrent networks need it        (SPEC MOD-28).

    Input (time, batch, features), with batch_first (batch, time, features); or one sequence (time, features).
    `F.variational_dropout` says why.  Not in PyTorch; elsewhere also called locked dropout.
    (Gal & Ghahramani 2016, arXiv 1512.05287)
    """
    p: float
    batch_first: bool

    def __init__(self, p: float = 0.5, batch_first: bool = False) -> None:
        super().__init__()
        check_probability("VariationalDropout", p)
        self.p, self.batch_first = p, batch_first

    def forward(self, input: Tensor) -> Tensor:
        return F.variational_dropout(input, self.p, self.training, batch_first=self.batch_first)

    def extra_repr(self) -> str:
        return f"p={self.p}" + (", batch_first=True" if self.batch_first else "")
