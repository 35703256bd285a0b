"""Lengths, angles and distances of vectors."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import ops
from ...functions.common import check_inputs
from ...functions.reduce import axis_of, norm
from ...functions.shape import atleast_1d, broadcast_tensors

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "normalize", "cosine_similarity", "pairwise_distance",
]


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    """x / max(‖x‖, eps), with the p-norm along dim"""
    if out is not None:
        raise NotImplementedError("normalize: out= is not offered: assign the result")
    return input / ops.clip(norm(input, p, dim, True), eps, None)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Σ x y / (max(‖x‖, eps) max(‖y‖, eps)) along dim of the shape that the two have in common"""
    n = max(x1.ndim, x2.ndim, 1)
    dim = axis_of(dim, n) - n                                   # counted from the back, it means the same to both
    if (x1.shape[dim] if x1.ndim >= -dim else 0) != (x2.shape[dim] if x2.ndim >= -dim else 0) or x1.ndim == x2.ndim == 0:
        x1, x2 = broadcast_tensors(*atleast_1d(x1, x2))
    lengths = ops.clip(norm(x1, 2, dim, True), eps, None), ops.clip(norm(x2, 2, dim, True), eps, None)
    return ops.sum((x1 / lengths[0]) * (x2 / lengths[1]), axis=dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """‖x - y + eps‖, with the p-norm along the last dim"""
    return norm(x1 - x2 + eps, p, -1, keepdim)


check_inputs(globals(), __all__)
