"""All parameters as one vector, and back."""
from __future__ import annotations

from collections.abc import Iterable

from ... import errors
from ...functions.shape import cat
from ...tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The numbers of all parameters, one after the other; gradients flow back."""
    parameters = list(parameters)
    on_one_device("parameters_to_vector", parameters)
    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the numbers of a vector, one after the other.  They share its memory from then on."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec is a Tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    on_one_device("vector_to_parameters", parameters)
    total = sum([p.numel() for p in parameters])
    if vec.ndim != 1 or vec.numel() < total:
        raise errors.ShapeError(f"vector_to_parameters: vec has shape {tuple(vec.shape)}, and the parameters have {total} numbers")
    start = 0
    for p in parameters:
        p.data = vec[start:start + p.numel()].reshape(*p.shape).data
        start += p.numel()


def on_one_device(name: str, parameters: list[Tensor]) -> None:
    devices = {str(p.device) for p in parameters}
    if len(devices) > 1:
        raise TypeError(f"{name}: the parameters are on different devices: {', '.join(sorted(devices))}")
