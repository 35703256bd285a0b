"""Initial values of weights, spelled as PyTorch spells them: `nn.init.xavier_uniform_(layer.weight)`.

Every function fills its tensor in place, outside of the history, and returns it.  Random numbers are drawn on the host, so that
every device gets the same ones; a `generator` may be given for them.

Why not simply N(0, 1)?  Let y = W x, the weights independent of mean 0.  Then var(y_i) = n var(W) E[x²], where n is how many
numbers a y_i is computed from, the *fan in*; and going backward var(dx_j) = m var(W) E[dy²], where m is how many y an x_j goes
into, the *fan out*.  Over many layers signals keep their size only if n var(W) is near 1, and gradients if m var(W) is.
Glorot and Bengio (2010) take the mean of the two, var(W) = 2 / (n + m), which suits functions that are like x near 0.  After
relu half of E[x²] is gone: He et al. (2015) take var(W) = 2 / n.  The *gain* is the square root of such a factor.
"""
from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from .. import backend
from ..errors import ShapeError, WrongValue
from ..functions.common import check_inputs
from ..functions.random import Generator, drawn, needs_float, numpy_generator
from ..grad_mode import no_grad

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["calculate_gain", "uniform_", "normal_", "trunc_normal_", "constant_", "ones_", "zeros_", "eye_", "dirac_",
           "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_", "sparse_"]

GAINS = {
    "linear": 1, "conv1d": 1, "conv2d": 1, "conv3d": 1, "conv_transpose1d": 1, "conv_transpose2d": 1, "conv_transpose3d": 1,
    "sigmoid": 1,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,                                              # found by trying
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much larger the weights before a nonlinearity shall be than those of a linear layer.

        linear, conv1d…3d, conv_transpose1d…3d, sigmoid: 1      tanh: 5/3      selu: 3/4
        relu: √2                                                leaky_relu: √(2 / (1 + slope²)), param being the slope (0.01)
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"calculate_gain: the slope of leaky_relu is a number, got {param!r}")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"calculate_gain: there is no gain for {nonlinearity!r}, only for {', '.join(GAINS)} and leaky_relu: "
                         "take that of the most similar one")
    return GAINS[nonlinearity]


# ---- as told ----------------------------------------------------------------------------------------------------
def constant_(tensor: Tensor, val: float) -> Tensor:
    """w = val."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """w = 1."""
    return constant_(tensor, 1)


def zeros_(tensor: Tensor) -> Tensor:
    """w = 0."""
    return constant_(tensor, 0)


def eye_(tensor: Tensor) -> Tensor:
    """w_ij = 1 where i = j, else 0: a linear layer that hands on as many of its inputs as it can.  tensor: 2-d."""
    if tensor.ndim != 2:
        raise ShapeError(f"eye_ fills a matrix, got a tensor of {tensor.ndim} dims, shape {tuple(tensor.shape)}")
    return take(tensor, backend.host.eye(*tensor.shape))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """w[i, i] = 1 in the middle of its window, else 0: a convolution that hands on as many of its channels as it can.

    tensor: (channels out, channels in / groups, *window) with a window of 1 to 3 dims.  Each group is filled so.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError("dirac_ fills the weight of a convolution, which has 3, 4 or 5 dims (out, in, *window), got shape "
                         f"{tuple(tensor.shape)}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ShapeError(f"dirac_: the {tensor.shape[0]} channels out (axis 0) cannot be dealt into {groups} groups of one size")
    weight: Any = backend.host.zeros(tensor.shape)
    if weight.size:
        out: Any = backend.host.arange(len(weight))
        into = out % (len(weight) // groups)                    # which of the channels of its group
        there = into < weight.shape[1]
        weight[(out[there], into[there], *[n // 2 for n in weight.shape[2:]])] = 1
    return take(tensor, weight)


def take(tensor: Tensor, values: Any) -> Tensor:
    """Give the tensor these values, which are on the host."""
    with no_grad():
        return drawn(tensor, "an initialiser", lambda shape: values)


# ---- by chance --------------------------------------------------------------------------------------------------
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """w ~ U(a, b): drawn evenly from [a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """w ~ N(mean, std²)."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Generator | None = None) -> Tensor:
    """w ~ N(mean, std²), on condition that a <= w <= b: what falls outside is drawn again.

    a and b are values, not multiples of std.  Where [a, b] is an unlikely place, even draws from it are kept with a probability
    that is proportional to the normal density; that of its likeliest point is 1.
    """
    if std <= 0 or a > b:
        raise WrongValue(f"trunc_normal_: std is above 0 and a not above b, got std={std}, a={a}, b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(f"trunc_normal_: the mean {mean} is more than 2 std ({std}) outside of [{a}, {b}], where everything is drawn "
                      "from: that leaves little of a normal distribution.  a and b are values, not multiples of std",
                      stacklevel=2)
    random = numpy_generator(generator)
    needs_float("trunc_normal_", tensor.array.dtype)
    low, high = (a - mean) / std, (b - mean) / std
    likely = math.erf(high / math.sqrt(2)) - math.erf(low / math.sqrt(2)) > 0.6
    peak = min(max(low, 0.0), high)

    def draw(shape: Any) -> Any:
        z = backend.host.empty(math.prod(shape))
        left = backend.host.arange(z.size)                      # the places to be drawn yet
        while left.size:
            if likely:
                z[left] = new = random.standard_normal(left.size)
                kept = (low <= new) & (new <= high)
            else:
                z[left] = new = random.random(left.size) * (high - low) + low
                kept = random.random(left.size) < backend.host.exp((peak**2 - new**2) / 2)
            left = left[~kept]
        return (z.reshape(shape) * std + mean).clip(a, b)       # for rounding

    with no_grad():
        return drawn(tensor, "trunc_normal_", draw)


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """w ~ U(-a, a), a = gain √(6 / (fan_in + fan_out)).  Glorot and Bengio (2010), eq. 16."""
    a = math.sqrt(3) * xavier_std(tensor, gain)                 # the variance of U(-a, a) is a²/3
    return uniform_(tensor, -a, a, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """w ~ N(0, std²), std = gain √(2 / (fan_in + fan_out)).  Glorot and Bengio (2010), eq. 12."""
    return normal_(tensor, 0, xavier_std(tensor, gain), generator)


def xavier_std(tensor: Tensor, gain: float) -> float:
    return gain * math.sqrt(2 / max(sum(_calculate_fan_in_and_fan_out(tensor)), 1))


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Generator | None = None) -> Tensor:
    """w ~ U(-bound, bound), bound = gain √(3 / fan).  He et al. (2015).

    a: the slope of the leaky_relu that follows: 0 is relu.  mode: "fan_in" keeps the size of signals, "fan_out" of gradients.
    """
    bound = math.sqrt(3) * kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Generator | None = None) -> Tensor:
    """w ~ N(0, std²), std = gain / √fan.  He et al. (2015), eq. 10 and 14.

    a: the slope of the leaky_relu that follows: 0 is relu.  mode: "fan_in" keeps the size of signals, "fan_out" of gradients.
    """
    return normal_(tensor, 0, kaiming_std(tensor, a, mode, nonlinearity), generator)


def kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if 0 in tensor.shape:
        warnings.warn(f"there is nothing to initialise in a tensor of shape {tuple(tensor.shape)}", stacklevel=3)
        return 0
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """w wᵀ = gain² I, or wᵀ w where there are more rows than columns: all such matrices are equally likely.  Saxe et al. (2013).

    tensor: (rows, *columns); what follows the first dim is flattened.  w is the Q of the QR decomposition of a matrix of normal
    numbers, with the diagonal of R made positive: otherwise the algorithm's choice of signs would show (Mezzadri 2006).
    """
    if tensor.ndim < 2:
        raise ShapeError(f"orthogonal_ fills a tensor of 2 dims or more, got shape {tuple(tensor.shape)}")
    random, np = numpy_generator(generator), backend.host
    needs_float("orthogonal_", tensor.array.dtype)

    def draw(shape: Any) -> Any:
        rows, columns = shape[0], math.prod(shape[1:])
        if not rows * columns:
            return np.empty(shape)
        q, r = np.linalg.qr(random.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.where(r.diagonal() < 0, -gain, gain)
        return (q if rows >= columns else q.T).reshape(shape)

    with no_grad():
        return drawn(tensor, "orthogonal_", draw)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """w ~ N(0, std²), but ⌈sparsity · rows⌉ numbers of each column, by chance, 0.  Martens (2010).  tensor: 2-d."""
    if tensor.ndim != 2:
        raise ShapeError(f"sparse_ fills a matrix, got a tensor of {tensor.ndim} dims, shape {tuple(tensor.shape)}")
    if not 0 <= sparsity <= 1:
        raise WrongValue(f"sparse_: sparsity is the fraction of zeros, from 0 to 1, got {sparsity}")
    random = numpy_generator(generator)
    normal_(tensor, 0, std, generator)
    rank = random.permuted(backend.host.indices(tensor.shape)[0], axis=0)       # 0 … rows-1 in each column, by chance
    with no_grad():
        return drawn(tensor, "sparse_", lambda shape: tensor.numpy(force=True) * (rank >= math.ceil(sparsity * shape[0])))


# ---- fans -------------------------------------------------------------------------------------------------------
def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """How many numbers an output of this weight is computed from, and how many an input goes into.

    tensor: (out, in, *window) as of a linear layer or a convolution.
    """
    if tensor.ndim < 2:
        raise ShapeError("the fans of a weight are known from 2 dims on, (out, in, …), and this tensor has shape "
                         f"{tuple(tensor.shape)}: for a bias use uniform_, normal_ or zeros_")
    window = math.prod(tensor.shape[2:])
    return tensor.shape[1] * window, tensor.shape[0] * window


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"the mode is 'fan_in' or 'fan_out', got {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]


check_inputs(globals(), __all__)


if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead: xavier_uniform was once what xavier_uniform_ is."""
        from ..names import refuse
        refuse(__name__, name)
