"""Weights of a given length or norm, as parametrizations: `weight_norm` and `spectral_norm`."""
from __future__ import annotations

from typing import TYPE_CHECKING

from ... import errors
from ...functions.linalg import dot, mv
from ...grad_mode import no_grad
from ...tensor import Tensor
from .. import functional as F
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from .parametrize import register_parametrization

__all__ = ["weight_norm", "spectral_norm"]

TRANSPOSED = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)


# ---- weight normalisation ---------------------------------------------------------------------------------------
def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = g v / ‖v‖: its length g and its direction v are learned apart.

    The lengths are those of the slices along `dim`, the rows of a Linear layer; None: there is one length.
    They are parametrizations.weight.original0 (g) and original1 (v).

    (Salimans, Kingma: Weight Normalization, 2016, eq. 2.)
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return with_lengths(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return lengths(weight, self.dim), weight


def lengths(v: Tensor, dim: int | None) -> Tensor:
    """‖v‖ of each slice along dim, with v's number of axes; None or -1: of it all, without axes."""
    if dim is None or dim == -1:
        return v.norm()
    others = [axis for axis in range(v.ndim) if axis != dim % v.ndim]
    return v.norm(dim=others, keepdim=True) if others else v.abs()


def with_lengths(v: Tensor, g: Tensor, dim: int | None) -> Tensor:
    return v * (g / lengths(v, dim))


# ---- spectral normalisation -------------------------------------------------------------------------------------
def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                  dim: int | None = None) -> Module:
    """weight = W / σ(W), where σ, the largest singular value, is how much W lengthens a vector at most: now at most 1.

    σ = uᵀ W v comes from steps of the power method, u ← W v / ‖W v‖ and v ← Wᵀ u / ‖Wᵀ u‖, n_power_iterations of them each
    time that the weight is asked for in training; u and v are remembered, as buffers, and no gradients flow through the steps.
    A weight of more axes counts as a matrix: `dim` by all others (0; for transposed convolutions 1).

    (Miyato et al.: Spectral Normalization for Generative Adversarial Networks, 2018, algorithm 1.)
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter or buffer {name!r}")
    dim = (1 if isinstance(module, TRANSPOSED) else 0) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        check_iterations(n_power_iterations)
        if not -weight.ndim <= dim < max(weight.ndim, 1):
            raise errors.OutOfRange(f"spectral_norm: dim is between {-weight.ndim} and {weight.ndim - 1} for this weight of shape "
                                    f"{tuple(weight.shape)}, got {dim}")
        self.dim, self.n_power_iterations, self.eps = dim, n_power_iterations, eps
        if weight.ndim > 1:
            matrix = as_matrix(weight.detach(), dim)
            u, v = first_vectors(matrix, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, n: int) -> None:
        with no_grad():
            for _ in range(n):
                self._u = F.normalize(mv(matrix, self._v), dim=0, eps=self.eps)
                self._v = F.normalize(mv(matrix.T, self._u), dim=0, eps=self.eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix.detach(), self.n_power_iterations)
        return weight / dot(self._u, mv(matrix, self._v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value                                            # it may be longer than 1: then it is made shorter


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The axis dim by all the others."""
    return weight.movedim(dim, 0).flatten(1)


def first_vectors(matrix: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Two vectors of length 1 in random directions."""
    u, v = [matrix.new_empty(n).normal_() for n in matrix.shape]
    return F.normalize(u, dim=0, eps=eps), F.normalize(v, dim=0, eps=eps)


def check_iterations(n: int) -> None:
    if n <= 0:
        raise errors.WrongValue(f"spectral_norm: n_power_iterations is positive, got {n}")


if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from ...names import refuse
        refuse(__name__, name)
