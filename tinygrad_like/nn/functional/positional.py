"""Where in a sequence something stands, told to a network that does not see it by itself."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import autograd, backend, errors, ops
from ...backend import host as np
from ...functions.common import check_inputs
from ...functions.creation import float_type, made, place

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["sinusoidal_positions", "rotary_positions", "rotary_encoding"]


def angles(positions: Any, size: int, base: float) -> Any:
    """φ = p / base^(2i/size) for each position p and i = 0, 1, … below size / 2: (…,) -> (…, size / 2, rounded up).

    In float64: far positions times a rounded frequency would be off by whole turns.
    """
    i = backend.xp(positions).arange((size + 1) // 2, dtype="float64")
    return positions.astype("float64")[..., None] * base ** (i * (-2.0 / max(1, size)))


def sinusoidal_positions(length: int, size: int, base: float = 10000.0, *, device: Any = None, dtype: Any = None) -> Tensor:
    """PE_{p, 2i} = sin(p / base^(2i/size)),  PE_{p, 2i+1} = cos(p / base^(2i/size))        (Vaswani et al. 2017, §3.5)

    Each pair of features is a hand of a clock, from one that turns once in 2π steps to one that takes nearly base times as many.
    So PE_{p+k} is PE_p with each pair turned by an angle of its own, whatever p: a linear map that a network can learn.
    Shape (length, size).
    """
    phi = angles(np.arange(length), size, base)
    out = np.empty((length, size), float_type(dtype))
    out[:, ::2] = np.sin(phi)
    out[:, 1::2] = np.cos(phi[:, :size // 2])
    return made(backend.to_device(out, place(device)))


def rotary_positions(positions: int | Tensor, size: int, base: float = 10000.0, *, device: Any = None,
                     dtype: Any = None) -> tuple[Tensor, Tensor]:
    """cos φ and sin φ of the angles φ = p / base^(2i/size) by which `rotary_encoding` turns pair i of the features at position p

    positions: how many, counted from 0, or a tensor of integers of any shape.  Two tensors (positions, size / 2), or (…, size / 2).
    """
    if size % 2:
        raise errors.WrongValue(f"rotary_positions: features are turned in pairs, so size is even, got {size}")
    if isinstance(positions, autograd.Tensor):
        phi = angles(positions.array, size, base)
    else:
        phi = angles(backend.library(place(device)).arange(positions), size, base)
    m = backend.xp(phi)
    return made(m.cos(phi).astype(float_type(dtype))), made(m.sin(phi).astype(float_type(dtype)))


def rotary_encoding(input: Tensor, cos: Tensor, sin: Tensor, interleaved: bool = False) -> Tensor:
    """(a, b) → (a cos φ - b sin φ, b cos φ + a sin φ) for each pair of features        (Su et al. 2021, eq. 34)

    input (…, time, size); cos and sin (time, n / 2) or more dims, which broadcast, as `rotary_positions` makes them.  The first n
    features are turned; those after them, if there are any, stay.
    interleaved: pairs are neighbours, (x₀, x₁), (x₂, x₃) …, as in the article; else (x₀, x_{n/2}), (x₁, x_{n/2+1}) …, as in many
        models.  Their weights are trained for one of the two, and give nonsense with the other.
    """
    n, shape = 2 * cos.shape[-1], tuple(input.shape)
    if cos.shape != sin.shape or not shape or n > shape[-1]:
        raise errors.ShapeError("rotary_encoding: cos and sin have one shape, a number for each pair of features, and input of "
                                f"shape {shape} has {shape[-1] // 2 if shape else 0} pairs: got cos {tuple(cos.shape)} and sin "
                                f"{tuple(sin.shape)}")
    if (fault := errors.broadcast_fault(shape[:-1], tuple(cos.shape[:-1]))) or cos.ndim > len(shape):
        raise errors.ShapeError("rotary_encoding: cos and sin have a row for each time step of input, which is (…, time, size): "
                                f"got input {shape} and cos {tuple(cos.shape)}: {fault or 'these are more dims'}")
    if n == shape[-1]:
        return ops.rotary(input, cos=cos, sin=sin, interleaved=interleaved)
    turned = ops.rotary(input[..., :n], cos=cos, sin=sin, interleaved=interleaved)
    return ops.concatenate(turned, input[..., n:], axis=input.ndim - 1)


check_inputs(globals(), __all__)
