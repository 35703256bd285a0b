"""Activations by Keras's names: activation="relu"."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from .. import errors
from ..nn import functional as F
from ..tensor import Tensor


def linear(x: Tensor) -> Tensor:
    return x


def relu(x: Tensor) -> Tensor:
    return F.relu(x)


def relu6(x: Tensor) -> Tensor:
    return F.relu6(x)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    return F.leaky_relu(x, negative_slope)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    return F.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    return F.selu(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    return F.gelu(x, approximate="tanh" if approximate else "none")


def sigmoid(x: Tensor) -> Tensor:
    return x.sigmoid()


def hard_sigmoid(x: Tensor) -> Tensor:
    return F.hardsigmoid(x)


def tanh(x: Tensor) -> Tensor:
    return x.tanh()


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    return F.softmax(x, dim=axis)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    return F.log_softmax(x, dim=axis)


def softplus(x: Tensor) -> Tensor:
    return F.softplus(x)


def softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


def silu(x: Tensor) -> Tensor:
    return F.silu(x)


swish = silu


def mish(x: Tensor) -> Tensor:
    return F.mish(x)


def exponential(x: Tensor) -> Tensor:
    return x.exp()


NAMES: dict[str, Callable[..., Tensor]] = {each.__name__: each for each in (
    linear, relu, relu6, leaky_relu, elu, selu, gelu, sigmoid, hard_sigmoid, tanh, softmax, log_softmax, softplus, softsign, silu,
    mish, exponential)} | {"swish": silu}


def get(activation: Any) -> Callable[..., Tensor]:
    """The function of that name; None is no activation, and a function is taken as it is."""
    if activation is None:
        return linear
    if isinstance(activation, str) and activation in NAMES:
        return NAMES[activation]
    if callable(activation) and not isinstance(activation, type):
        return activation
    raise errors.WrongValue(f"there is no activation {activation!r}: there are {', '.join(sorted(NAMES))}")


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
