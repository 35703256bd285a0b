"""Activations: functions of each number, and those that make a dim sum to 1."""
from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import backend, errors, ops
from ...functions import elementwise
from ...functions.common import check_inputs
from ...functions.indexing import one_hot
from ...functions.random import rand_like
from ...functions.shape import movedim

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = [
    "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "rrelu", "rrelu_", "elu", "elu_", "celu", "celu_", "selu", "selu_",
    "gelu", "silu", "mish", "logsigmoid", "softplus", "softsign", "tanhshrink", "hardtanh", "hardtanh_", "hardsigmoid", "hardswish",
    "softshrink", "threshold", "threshold_", "glu", "softmax", "log_softmax", "softmin", "gumbel_softmax",
]


# ---- activations ------------------------------------------------------------------------------------------------
def activated(input: Tensor, inplace: bool, function: Any, *args: Any, **params: Any) -> Tensor:
    """function(input, …), which with inplace=True becomes the new value of input."""
    if not inplace:
        return function(input, *args, **params)
    return input._become(f"{function.__name__}(inplace=True)", lambda: function(input, *args, **params))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x)"""
    return activated(input, inplace, elementwise.relu)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6)"""
    return activated(input, inplace, ops.hardtanh, low=0, high=6)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, negative_slope · x below"""
    return activated(input, inplace, ops.leaky_relu, slope=negative_slope)


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, inplace: bool = False) -> Tensor:
    """x above 0, a x below: in training each element draws its a between lower and upper, else a = (lower + upper) / 2

    (Xu et al. 2015)
    """
    if not lower <= upper:
        raise errors.WrongValue(f"rrelu: a slope is drawn between lower and upper, got lower={lower} and upper={upper}")
    if not training:
        return activated(input, inplace, ops.leaky_relu, slope=(lower + upper) / 2)
    slopes = rand_like(input.detach()) * (upper - lower) + lower
    return activated(input, inplace, ops.prelu, slopes)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, α (eˣ - 1) below"""
    return activated(input, inplace, ops.elu, alpha=alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, α (e^(x/α) - 1) below"""
    return activated(input, inplace, elementwise.celu, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """s · (x above 0, α (eˣ - 1) below), with the α and s that keep mean 0 and variance 1"""
    return activated(input, inplace, elementwise.selu)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Φ(x), Φ being the normal distribution; approximate='tanh' computes it by a tanh"""
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu: approximate is 'none' or 'tanh', got {approximate!r}")
    return ops.gelu_tanh(input) if approximate == "tanh" else ops.gelu(input)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x σ(x)"""
    return activated(input, inplace, ops.silu)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x tanh(log(1 + eˣ))"""
    return activated(input, inplace, ops.mish)


def logsigmoid(input: Tensor) -> Tensor:
    """log σ(x)"""
    return ops.logsigmoid(input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + e^(βx)) / β, and x itself where βx > threshold"""
    return ops.softplus(input, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)"""
    return ops.softsign(input)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh x"""
    return ops.sub(input, ops.tanh(input))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x, brought within min_val and max_val"""
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val={min_val} is above max_val={max_val}")
    if input.array.dtype.kind in "iu":                          # stay integers
        min_val, max_val = int(min_val), int(max_val)
    return activated(input, inplace, ops.hardtanh, low=min_val, high=max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6"""
    return activated(input, inplace, ops.hardsigmoid)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x min(max(x + 3, 0), 6) / 6"""
    return activated(input, inplace, ops.hardswish)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 within"""
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd is not negative, got {lambd}")
    return ops.softshrink(input, by=lambd)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, value elsewhere"""
    return activated(input, inplace, elementwise.threshold, threshold, value)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a σ(b), where a and b are the halves of input along dim"""
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"glu: input of shape {tuple(input.shape)} is halved along dim {dim}, and {size} is odd")
    lead = (slice(None),) * (dim % input.ndim)
    return input[lead + (slice(None, size // 2),)] * ops.sigmoid(input[lead + (slice(size // 2, None),)])


def in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function under its other name, relu_ for relu, by which it works in place."""
    def changed(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return function(input, *args, **kwargs, inplace=True)
    changed.__name__ = changed.__qualname__ = f"{function.__name__}_"
    changed.__doc__ = f"`{function.__name__}`, in place."
    return changed


relu_, leaky_relu_, elu_, celu_, selu_ = in_place(relu), in_place(leaky_relu), in_place(elu), in_place(celu), in_place(selu)
hardtanh_, threshold_, rrelu_ = in_place(hardtanh), in_place(threshold), in_place(rrelu)


# ---- activations over a dim -------------------------------------------------------------------------------------
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """e^xᵢ / Σⱼ e^xⱼ along dim; dtype: to compute in"""
    return elementwise.softmax(input, usual_dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """xᵢ - log Σⱼ e^xⱼ along dim; dtype: to compute in"""
    return elementwise.log_softmax(input, usual_dim("log_softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """e^-xᵢ / Σⱼ e^-xⱼ along dim; dtype: to compute in"""
    return elementwise.softmax(ops.neg(input), usual_dim("softmin", input, dim, _stacklevel), dtype)


def usual_dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    """The dim, or where none is given the one that PyTorch would take: the channels, if input has a batch in front of them."""
    if dim is not None:
        return dim
    dim = 0 if input.ndim in (0, 1, 3) else 1
    warnings.warn(f"{name}: no dim was given, and {dim} is taken for an input of {input.ndim} dimensions: write dim={dim}",
                  stacklevel=stacklevel + 1)                    # what checks the input stands in between
    return dim


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """softmax((x + G) / tau), G drawn from the Gumbel distribution: a class drawn by its probability, as tau goes to 0.

    hard: one-hot forward, with the gradient of the soft one.        (Jang et al. 2017; Maddison et al. 2017)
    """
    if eps != 1e-10:
        raise ValueError("gumbel_softmax: eps has no effect: leave it out")
    tiny = float(backend.finfo(logits.array.dtype).tiny)
    gumbel = -ops.log(-ops.log(ops.maximum(rand_like(logits), tiny)))
    soft = elementwise.softmax((logits + gumbel) / tau, dim)
    if not hard:
        return soft
    chosen = ops.argmax(soft.detach(), axis=dim)
    onehot = movedim(one_hot(chosen, soft.shape[dim]), -1, dim)
    return ops.astype(onehot, dtype=soft.array.dtype) - soft.detach() + soft


check_inputs(globals(), __all__)
