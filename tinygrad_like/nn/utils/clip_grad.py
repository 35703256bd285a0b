"""Gradients made smaller where they are too large: by their norm, all together, or each number by itself."""
from __future__ import annotations

import types
import warnings
from collections.abc import Iterable
from typing import Any

from ... import backend, edits
from ...backend import xp
from ...functions.creation import tensor
from ...functions.shape import stack
from ...grad_mode import no_grad
from ...linalg import vector_norm
from ...op import wrap
from ...tensor import Tensor
from ..module import Module

__all__ = ["clip_grad_norm_", "clip_grad_value_", "get_total_norm", "clip_grads_with_norm_"]

Tensors = Tensor | Iterable[Tensor]


@no_grad()
def clip_grad_norm_(parameters: Tensors, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Tensor:
    """g ← g · min(1, max_norm / (‖g‖ + 10⁻⁶)), where g is all gradients as one vector; returns ‖g‖ as it was

    The norm is (Σ |x|ᵖ)^(1/p) for p = norm_type, or the largest |x| for inf.  On a GPU nothing waits for its value, but with
    error_if_nonfinite.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1.
    """
    parameters = listed(parameters)
    total_norm = get_total_norm(gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total_norm, foreach)
    return total_norm


@no_grad()
def get_total_norm(tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over all numbers of all tensors, for p = norm_type."""
    refuse_foreach("get_total_norm", foreach)
    tensors = listed(tensors)
    p = float(norm_type)
    if not tensors:
        return tensor(0.0)
    norm = length if p == 2 else vector_norm
    total_norm = vector_norm(stack([norm(x, p) for x in tensors]), p)
    if error_if_nonfinite and not total_norm.isfinite():
        raise RuntimeError(f"the total norm of order {p} of the gradients is {total_norm.item()}, so they cannot be clipped.  "
                           "They are unchanged: look for the first that is not finite, or error_if_nonfinite=False scales by it")
    return total_norm


@no_grad()
def clip_grads_with_norm_(parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """g ← g · min(1, max_norm / (total_norm + 10⁻⁶)), for a norm that is known."""
    refuse_foreach("clip_grads_with_norm_", foreach)
    scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0).array
    arrays = [edits.writable(g.array, "clip_grad_norm_") for g in gradients(parameters)]
    for array in arrays:
        array *= backend.to_device(scale, backend.device_of(array)).astype(array.dtype, copy=False)
    edits.all_edited(arrays, "clip_grad_norm_")


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """g ← min(max(g, −clip_value), clip_value), each number by itself"""
    refuse_foreach("clip_grad_value_", foreach)
    limit = float(clip_value)
    arrays = [edits.writable(g.array, "clip_grad_value_") for g in gradients(parameters)]
    for array in arrays:
        xp(array).clip(array, -limit, limit, out=array)
    edits.all_edited(arrays, "clip_grad_value_")


def length(x: Tensor, p: float = 2) -> Tensor:
    """√Σ x²: vector_norm in one pass over x."""
    flat = x.array.reshape(-1)
    return wrap(backend.asarray(xp(flat).sqrt(xp(flat).vdot(flat, flat).real), (flat,)))


def listed(parameters: Any) -> list[Tensor]:
    """One or many tensors, as a list."""
    if isinstance(parameters, Tensor):
        return [parameters]
    if not isinstance(parameters, Iterable) or isinstance(parameters, Module):
        raise TypeError(f"the parameters whose gradients are clipped are Tensors, got {type(parameters).__name__}"
                        + (": write model.parameters()" if isinstance(parameters, Module) else ""))
    found = list(parameters)
    if not found and isinstance(parameters, types.GeneratorType):
        warnings.warn("the generator of parameters is empty, so no gradient is clipped: was it used up before?", stacklevel=4)
    return found


def gradients(parameters: Any) -> list[Tensor]:
    """The gradients that there are, each once."""
    return list(dict.fromkeys([p.grad for p in listed(parameters) if p.grad is not None]))


def refuse_foreach(name: str, foreach: bool | None) -> None:
    if foreach:
        raise NotImplementedError(f"{name}: foreach=True is not offered: there is one way here, which works in place")
