"""`weight_norm` and `spectral_norm` as they were before there were parametrizations: the weight is computed before each forward.

Much code has them, and weights were saved under their names.  They give the formulas of `parametrizations`.
"""
from __future__ import annotations

from typing import Any

from ... import errors
from ...functions.linalg import dot, mv
from ...grad_mode import no_grad
from ...tensor import Tensor
from .. import functional as F
from ..module import Module
from ..parameter import Parameter
from .parametrizations import TRANSPOSED, as_matrix, check_iterations, first_vectors, lengths, with_lengths

__all__ = ["weight_norm", "remove_weight_norm", "spectral_norm", "remove_spectral_norm"]


class Reparametrized:
    """A hook before forward, which sets module.name to what it computes from other parameters of the module."""
    name: str

    def compute(self, module: Any) -> Tensor:
        raise NotImplementedError

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute(module))


class WeightNorm(Reparametrized):
    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute(self, module: Any) -> Tensor:
        return with_lengths(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)


class SpectralNorm(Reparametrized):
    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute(self, module: Any, improve: bool | None = None) -> Tensor:
        name = self.name
        weight = getattr(module, f"{name}_orig")
        matrix = as_matrix(weight, self.dim)
        u, v = getattr(module, f"{name}_u"), getattr(module, f"{name}_v")
        if module.training if improve is None else improve:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v = F.normalize(mv(matrix.T, u), dim=0, eps=self.eps)
                    u = F.normalize(mv(matrix, v), dim=0, eps=self.eps)
            setattr(module, f"{name}_u", u)
            setattr(module, f"{name}_v", v)
        return weight / dot(u, mv(matrix, v))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """weight = g v / ‖v‖, with the parameters weight_g and weight_v: see `parametrizations.weight_norm`."""
    weight = taken(module, name, "weight_norm")
    module.register_parameter(f"{name}_g", Parameter(lengths(weight.detach(), dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    return hooked(module, WeightNorm(name, dim))


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """Have an ordinary parameter again, with the values that were computed."""
    return put_back(module, name, WeightNorm, ("_g", "_v"))


def spectral_norm(module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                  dim: int | None = None) -> Any:
    """weight = W / σ(W), with the parameter weight_orig, and buffers weight_u, weight_v: see `parametrizations.spectral_norm`."""
    check_iterations(n_power_iterations)
    dim = (1 if isinstance(module, TRANSPOSED) else 0) if dim is None else dim
    weight = taken(module, name, "spectral_norm")
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for suffix, vector in zip("uv", first_vectors(as_matrix(weight.detach(), dim), eps)):
        module.register_buffer(f"{name}_{suffix}", vector)
    return hooked(module, SpectralNorm(name, n_power_iterations, dim, eps), compute=False)


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """Have an ordinary parameter again, with the values that were computed."""
    return put_back(module, name, SpectralNorm, ("_orig", "_u", "_v"))


def taken(module: Any, name: str, what: str) -> Parameter:
    """The parameter of that name, which is taken away from the module."""
    if hook_of(module, name, Reparametrized) is not None:
        raise RuntimeError(f"{what}: {name!r} of {type(module).__name__} is computed already, by weight_norm or spectral_norm")
    weight = module._parameters.get(name)
    if weight is None:
        raise errors.WrongValue(f"{what}: {type(module).__name__} has no parameter {name!r}, it has {[*module._parameters]}")
    delattr(module, name)
    return weight                                               # type: ignore[no-any-return]


def hooked(module: Any, hook: Reparametrized, compute: bool = True) -> Any:
    if compute:
        setattr(module, hook.name, hook.compute(module))
    module.register_forward_pre_hook(hook)
    return module


def hook_of(module: Any, name: str, kind: type[Reparametrized]) -> Any:
    """(hooks, key of the one that computes that parameter), if there is one."""
    hooks = module._hooks.get("forward_pre", {})
    return next(((hooks, key) for key, hook in hooks.items() if isinstance(hook, kind) and hook.name == name), None)


def put_back(module: Any, name: str, kind: type[Reparametrized], suffixes: tuple[str, ...]) -> Any:
    found = hook_of(module, name, kind)
    if found is None:
        raise ValueError(f"{name!r} of {type(module).__name__} is not computed by {kind.__name__}")
    hooks, key = found
    hook = hooks.pop(key)
    with no_grad():
        weight = hook.compute(module, improve=False) if isinstance(hook, SpectralNorm) else hook.compute(module)
    for suffix in suffixes:
        delattr(module, name + suffix)
    delattr(module, name)
    module.register_parameter(name, Parameter(weight))
    return module
