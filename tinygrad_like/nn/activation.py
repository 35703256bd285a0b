"""Activations as layers.  Each takes a tensor of any shape, and gives one of the same shape, where it does not say otherwise.

inplace=True: the result becomes the new value of the input.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.creation import full
from . import functional as F
from .linear import check_counts
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Sigmoid", "Tanh",
           "LogSigmoid", "Softplus", "Softsign", "Tanhshrink", "Hardtanh", "Hardsigmoid", "Hardswish", "Softshrink", "Hardshrink",
           "Threshold", "GLU", "Softmax", "LogSoftmax", "Softmin", "Softmax2d"]


def told(inplace: bool, *others: str) -> str:
    """The text inside the parentheses of a printed activation."""
    return ", ".join([*others, *["inplace=True"] * inplace])


# ---- those that bend at 0 ---------------------------------------------------------------------------------------
class ReLU(Module):
    """max(0, x)        (SPEC F-04)"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace)


class LeakyReLU(Module):
    """x above 0, negative_slope · x below"""
    negative_slope: float
    inplace: bool

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"negative_slope={self.negative_slope}")


class PReLU(Module):
    """x above 0, w x below, with a slope w that is learned        (He et al. 2015)

    weight (num_parameters,): one slope for all, or one for each channel, which is dim 1 of the input.  It starts at init.
    """
    num_parameters: int
    init: float
    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_counts("PReLU", num_parameters=num_parameters)
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), float(init), device=device, dtype=dtype))

    def reset_parameters(self) -> None:
        """The slopes that it started with."""
        self.weight.detach().fill_(self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """x above 0, a x below, a being drawn for each element between lower and upper; in eval mode a = (lower + upper) / 2"""
    lower: float
    upper: float
    inplace: bool

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"lower={self.lower}", f"upper={self.upper}")


class ELU(Module):
    """x above 0, α (eˣ - 1) below        (Clevert et al. 2016)"""
    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"alpha={self.alpha}")


class CELU(Module):
    """x above 0, α (e^(x/α) - 1) below        (Barron 2017)"""
    alpha: float
    inplace: bool

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"alpha={self.alpha}")


class SELU(Module):
    """s · (x above 0, α (eˣ - 1) below), with the α and s that keep mean 0 and variance 1        (Klambauer et al. 2017)"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace)


class Threshold(Module):
    """x where x > threshold, value elsewhere"""
    threshold: float
    value: float
    inplace: bool

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"threshold={self.threshold}", f"value={self.value}")


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 within"""
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Hardshrink(Module):
    """x where |x| > lambd, 0 elsewhere"""
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


# ---- smooth ones -----------------------------------------------------------------------------------------------------
class GELU(Module):
    """x Φ(x), Φ being the normal distribution; approximate='tanh' computes it by a tanh        (Hendrycks and Gimpel 2016)"""
    approximate: str

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x σ(x), also called swish        (Elfwing et al. 2018; Ramachandran et al. 2017)"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace)


class Mish(Module):
    """x tanh(log(1 + eˣ))        (Misra 2019)"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace)


class Sigmoid(Module):
    """σ(x) = 1 / (1 + e⁻ˣ)        (SPEC F-15)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """tanh x"""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(Module):
    """log σ(x)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softplus(Module):
    """log(1 + e^(βx)) / β, and x itself where βx > threshold"""
    beta: float
    threshold: float

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + |x|)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """x - tanh x"""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


# ---- straight pieces for smooth curves -------------------------------------------------------------------------------
class Hardtanh(Module):
    """x, brought within min_val and max_val"""
    min_val: float
    max_val: float
    inplace: bool

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise errors.WrongValue(f"Hardtanh: max_val is above min_val, got min_val={min_val} and max_val={max_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        return told(self.inplace, f"min_val={self.min_val}", f"max_val={self.max_val}")


class ReLU6(Hardtanh):
    """min(max(0, x), 6)"""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        return told(self.inplace)


class Hardsigmoid(Module):
    """min(max(x + 3, 0), 6) / 6"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x min(max(x + 3, 0), 6) / 6        (Howard et al. 2019)"""
    inplace: bool

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


# ---- those that look along a dim -------------------------------------------------------------------------------------
class GLU(Module):
    """a σ(b), where a and b are the halves of the input along dim: the result is half as long there        (Dauphin et al. 2017)"""
    dim: int

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """e^xᵢ / Σⱼ e^xⱼ along dim.  Not before CrossEntropyLoss, which has it inside."""
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """xᵢ - log Σⱼ e^xⱼ along dim"""
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmin(Module):
    """e^-xᵢ / Σⱼ e^-xⱼ along dim"""
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax2d(Module):
    """e^xᵢ / Σⱼ e^xⱼ over the channels of an image, at each of its places: x (N, C, H, W) or (C, H, W)"""

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (3, 4):
            raise errors.ShapeError(f"Softmax2d: input has shape (N, C, H, W) or (C, H, W), got {tuple(input.shape)}")
        return F.softmax(input, -3)
