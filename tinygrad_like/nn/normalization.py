"""Layers that normalise.  What each averages over, and the parameters that it then scales and shifts by, are in `nn.functional`."""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.creation import empty, ones, tensor, zeros
from ..types import int64
from . import functional as F, init
from .linear import check_counts
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LayerNorm",
           "GroupNorm", "RMSNorm", "LocalResponseNorm"]


class ChannelNorm(Module):
    """What batch norm and instance norm share: parameters for each channel, and running statistics.

    affine: whether there are a weight, all 1 at the start, and (unless bias=False) a bias, all 0, of shape (num_features,).
    track_running_stats: whether there are a running_mean and a running_var, which training moves towards the statistics of its
    batches, and evaluation normalises by.  Without them, it does as training does.
    """
    num_features: int
    eps: float
    momentum: float | None
    affine: bool
    track_running_stats: bool
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    takes: tuple[str, ...]                                      # the shapes that an input may have, in letters

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
                 track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        check_counts(type(self).__name__, num_features=num_features)
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        for name, there in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(empty(num_features, device=device, dtype=dtype)) if there else None)
        tracks = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, device=device, dtype=dtype) if tracks else None)
        self.register_buffer("running_var", ones(num_features, device=device, dtype=dtype) if tracks else None)
        self.register_buffer("num_batches_tracked", tensor(0, device=device, dtype=int64) if tracks else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches that were seen."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def check_input(self, input: Tensor) -> None:
        """Raise unless the input has as many dims as this layer is for."""
        if input.ndim not in [len(shape) for shape in self.takes]:
            name, kind = type(self).__name__, type(self).__name__[:-2]
            shapes = " or ".join(["(" + ", ".join(shape) + ")" for shape in self.takes])
            fits = {2: "1d", 3: "1d", 4: "2d", 5: "3d"}.get(input.ndim)
            hints = [f"that is for {kind}{fits}"] if fits and fits != name[-2:] else []
            if input.ndim + 1 in [len(shape) for shape in self.takes]:
                hints.append("if it is a single sample, the network needs it as a batch of one, x.unsqueeze(0)")
            raise ValueError(f"{name} takes input of shape {shapes}, got {tuple(input.shape)}, which has {input.ndim} dims"
                             + (": " if hints else "") + "; or ".join(hints))

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
                f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}")

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:
        """A state_dict from before version 2 of these layers has no num_batches_tracked: then that stays what it is."""
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        key = f"{prefix}num_batches_tracked"
        if (local_metadata.get("version") or 0) < 2 and key in missing_keys:
            missing_keys.remove(key)


# ---- batch norm -------------------------------------------------------------------------------------------------
class BatchNorm(ChannelNorm):
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² of each channel over the batch (training), or the running ones (evaluation).

    momentum: the share by which the running statistics move to those of a batch.  None: they are the mean of all batches, each of
    which counts the same.        See `F.batch_norm`, and `standardize` in ops/normalize.py for the derivatives.
    """

    def forward(self, input: Tensor) -> Tensor:
        self.check_input(input)
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:
                momentum = 1 / int(self.num_batches_tracked)
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        mean, var = (self.running_mean, self.running_var) if self.track_running_stats or not self.training else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum or 0.0, self.eps)


class BatchNorm1d(BatchNorm):
    """Batch norm of features (N, C), or of sequences (N, C, L): a mean for each of the C.  `F.batch_norm` has the formula."""
    takes = "NC", "NCL"


class BatchNorm2d(BatchNorm):
    """Batch norm of images (N, C, H, W): a mean for each of the C channels.  `F.batch_norm` has the formula."""
    takes = "NCHW",


class BatchNorm3d(BatchNorm):
    """Batch norm of volumes (N, C, D, H, W): a mean for each of the C channels.  `F.batch_norm` has the formula."""
    takes = "NCDHW",


# ---- instance norm ----------------------------------------------------------------------------------------------
class InstanceNorm(ChannelNorm):
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² of each channel of each example.  See `F.instance_norm`."""

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = False,
                 track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self.check_input(input)
        batched = input.ndim == len(self.takes[-1])
        channels = input.shape[1 if batched else 0]
        if channels != self.num_features:
            text = f"{type(self).__name__}({self.num_features}): input of shape {tuple(input.shape)} has {channels} channels"
            if self.affine:
                raise errors.ShapeError(f"{text} (axis {int(batched)}), and {self.num_features} were expected")
            warnings.warn(f"{text}: without weights that makes no difference", stacklevel=3)
        by_input = self.training or not self.track_running_stats
        out = F.instance_norm(input if batched else input.unsqueeze(0), self.running_mean, self.running_var, self.weight, self.bias,
                              by_input, self.momentum or 0.0, self.eps)
        return out if batched else out.squeeze(0)


class InstanceNorm1d(InstanceNorm):
    """Instance norm of sequences (N, C, L) or (C, L).  `F.instance_norm` has the formula."""
    takes = "CL", "NCL"


class InstanceNorm2d(InstanceNorm):
    """Instance norm of images (N, C, H, W) or (C, H, W).  `F.instance_norm` has the formula."""
    takes = "CHW", "NCHW"


class InstanceNorm3d(InstanceNorm):
    """Instance norm of volumes (N, C, D, H, W) or (C, D, H, W).  `F.instance_norm` has the formula."""
    takes = "CDHW", "NCDHW"


# ---- over the features of one example ---------------------------------------------------------------------------
def as_shape(name: str, normalized_shape: Any) -> tuple[int, ...]:
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    check_counts(name, **{f"normalized_shape[{i}]" if len(shape) > 1 else "normalized_shape": n for i, n in enumerate(shape)})
    return shape


class LayerNorm(Module):
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² of each example over the last dims, of shape normalized_shape (an int: one dim).

    elementwise_affine: whether there are a weight w, 1 at the start, and (unless bias=False) a bias b, 0, of that shape.
    """
    normalized_shape: tuple[int, ...]
    eps: float
    elementwise_affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: bool = True, bias: bool = True,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.normalized_shape = as_shape("LayerNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        for name, there in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            self.register_parameter(name, Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if there else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
                f"bias={self.bias is not None}")


class RMSNorm(Module):
    """x / √(mean(x²) + ε) · w, the mean over the last dims, which have shape normalized_shape (or int: one dim).

    eps: None is `finfo(x.dtype).eps`.        elementwise_affine: whether there is a weight w, 1 at the start, of that shape.
    """
    normalized_shape: tuple[int, ...]
    eps: float | None
    elementwise_affine: bool
    weight: Parameter | None

    def __init__(self, normalized_shape: Any, eps: float | None = None, elementwise_affine: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.normalized_shape = as_shape("RMSNorm", normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = Parameter(empty(self.normalized_shape, device=device, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """(x - μ) / √(σ² + ε) · w + b, μ and σ² over each of num_groups groups of channels of an example (N, C, …), with their places.

    affine: whether there are a weight w, 1 at the start, and (unless bias=False) a bias b, 0, of shape (C,).
    """
    num_groups: int
    num_channels: int
    eps: float
    affine: bool
    weight: Parameter | None
    bias: Parameter | None

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
                 dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__()
        check_counts("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_groups == 0 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: num_channels={num_channels} are divided into groups of one size, which "
                             f"num_groups={num_groups} does not allow")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        for name, there in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(empty(num_channels, device=device, dtype=dtype)) if there else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


# ---- over neighbouring channels ---------------------------------------------------------------------------------
class LocalResponseNorm(Module):
    """x / (k + α/size · Σ x²)^β, the sum over the `size` channels around each, at the same place, of input (N, C, d₁, …)."""
    size: int
    alpha: float
    beta: float
    k: float

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
