"""Parameters that are computed: a module's `weight` becomes f(original), and training changes the original.

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

    layer = nn.Linear(3, 3)
    register_parametrization(layer, "weight", Symmetric())
    layer.weight                                # computed anew each time that it is asked for
    layer.parametrizations.weight.original      # the Parameter behind it

An assignment to `layer.weight` asks the parametrization for a `right_inverse`: the original from which that weight comes.
"""
from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import errors
from ...grad_mode import no_grad
from ...tensor import Tensor
from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

__all__ = ["ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations", "cached"]

_kept: dict[tuple[int, str], Any] = {}                          # within `cached()`: (id of a module, name): the tensor
_cached = 0                                                     # how many `cached()` there are around us


class ParametrizationList(ModuleList):
    """What makes one tensor: modules to be applied one after another, and the original, or several, that they start from."""

    def __init__(self, modules: list[Module], original: Tensor) -> None:
        super().__init__(modules)
        sources = self._sources(original)
        self.is_tensor = isinstance(sources, Tensor)            # whether there is one original, called so
        self.ntensors = 1 if isinstance(sources, Tensor) else len(sources)
        for name, x in zip(self._names(), [sources] if isinstance(sources, Tensor) else sources):
            if not isinstance(x, Tensor):
                raise TypeError(f"right_inverse returns a Tensor or a sequence of Tensors, got {type(x).__name__} among them")
            if isinstance(original, Parameter):                 # the same one, if there is one: optimizers may have it already
                self.register_parameter(name, _moved(original, x) if self.is_tensor else Parameter(x, original.requires_grad))
            else:
                self.register_buffer(name, x)

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def _sources(self, value: Any) -> Any:
        """The original, or originals, that give this value."""
        with no_grad():
            for module in reversed([*self]):
                if hasattr(module, "right_inverse"):
                    value = module.right_inverse(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Change the originals so that the parametrized tensor becomes `value`."""
        sources = self._sources(value)
        with no_grad():
            for name, x in zip(self._names(), [sources] if self.is_tensor else sources):
                original = getattr(self, name)
                if x.shape != original.shape:
                    raise errors.ShapeError(f"a value of shape {tuple(value.shape)} has an original of shape {tuple(x.shape)}, "
                                            f"which does not fit into the one that there is, of shape {tuple(original.shape)}")
                original.copy_(x)

    def forward(self) -> Any:
        originals = [getattr(self, name) for name in self._names()]
        first, *rest = self
        x = first(*originals)
        for module in rest:
            x = module(x)
        return x


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False) -> Module:
    """Have module.tensor_name computed: parametrization(original), or, if it is parametrized already, parametrization(as it was).

    The result has the shape and the type of what was there; unsafe=True allows others.
    """
    parametrization.train(module.training)
    known = is_parametrized(module, tensor_name)
    if not known and tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(f"{type(module).__name__} has no parameter, buffer or parametrized tensor {tensor_name!r}")
    old = getattr(module, tensor_name)
    if not unsafe:
        with no_grad():
            _check_forms(module, tensor_name, parametrization, old)
    if known:
        _parametrizations(module)[tensor_name].append(parametrization)
    else:
        made = ParametrizationList([parametrization], old)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            module.parametrizations = ModuleDict()
        _parametrizations(module)[tensor_name] = made
        _show(module)
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module computes that tensor, or any."""
    made = module._modules.get("parametrizations")
    return isinstance(made, ModuleDict) and (len(made) > 0 if tensor_name is None else tensor_name in made)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Have an ordinary parameter or buffer again: with the values that were computed, or with those of the original."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{tensor_name!r} of {type(module).__name__} is not parametrized")
    made = _parametrizations(module)[tensor_name]
    if not leave_parametrized and not made.is_tensor:
        raise ValueError("remove_parametrizations: the tensor comes from several originals, so none is what was there before: "
                         "leave_parametrized=True keeps its values")
    original = getattr(made, made._names()[0])
    with no_grad():
        value = made() if leave_parametrized else original
    del _parametrizations(module)[tensor_name]
    if not is_parametrized(module):
        del module.parametrizations
    _show(module)
    if isinstance(original, Parameter):
        if leave_parametrized:                                  # the same Parameter, if it can be
            original = _moved(original, value) if made.is_tensor else Parameter(value, original.requires_grad)
        module.register_parameter(tensor_name, original)
    else:
        module.register_buffer(tensor_name, value)
    return module


@contextmanager
def cached() -> Iterator[None]:
    """Within it each parametrized tensor is computed once: for weights that are used several times, as in a recurrent network."""
    global _cached
    _cached += 1
    try:
        yield
    finally:
        _cached -= 1
        if not _cached:
            _kept.clear()


# ---- how an attribute comes to be computed ----------------------------------------------------------------------
def _parametrizations(module: Module) -> Any:
    return module._modules["parametrizations"]


def _show(module: Module) -> None:
    """Give the module a class of its own, in which the parametrized tensors are properties; or its old one, if there are none."""
    base: Any = getattr(type(module), "_unparametrized", type(module))
    names = tuple(_parametrizations(module)) if is_parametrized(module) else ()
    module.__class__ = _with_properties(base, names) if names else base


@functools.cache
def _with_properties(base: type[Module], names: tuple[str, ...]) -> type[Module]:
    def computed(name: str) -> Any:
        def get(self: Module) -> Any:
            if not _cached:
                return _parametrizations(self)[name]()
            key = id(self), name
            if key not in _kept:
                _kept[key] = _parametrizations(self)[name]()
            return _kept[key]
        return property(get, lambda self, value: _parametrizations(self)[name].right_inverse(value))

    def refuse(self: Module, protocol: Any) -> Any:
        raise RuntimeError(f"a {type(self).__name__} is not pickled: save its state_dict(), and load that into one made likewise")

    def deepcopy(self: Module, memo: dict[int, Any]) -> Module:
        from copy import deepcopy
        copy: Module = self.__new__(type(self))
        memo[id(self)] = copy
        copy.__dict__.update(deepcopy(self.__dict__, memo))
        return copy

    attributes = {name: computed(name) for name in names}
    return type(f"Parametrized{base.__name__}", (base,),
                {**attributes, "_unparametrized": base, "__module__": base.__module__, "__doc__": base.__doc__,
                 "__deepcopy__": deepcopy, "__reduce_ex__": refuse})


def _check_forms(module: Module, name: str, parametrization: Module, old: Tensor) -> None:
    sources = parametrization.right_inverse(old) if hasattr(parametrization, "right_inverse") else old
    new = parametrization(sources) if isinstance(sources, Tensor) else parametrization(*sources)
    if not isinstance(new, Tensor):
        raise ValueError(f"{type(parametrization).__name__} gives a {type(new).__name__} for {name!r}: a Tensor was expected")
    if new.dtype != old.dtype or new.shape != old.shape:
        raise errors.ShapeError(f"{type(parametrization).__name__} gives {name!r} of {type(module).__name__} the shape "
                                f"{tuple(new.shape)} and the type {new.dtype}, and it had {tuple(old.shape)} and {old.dtype}: "
                                "unsafe=True allows that, where what uses it can do with it")


def _moved(parameter: Parameter, value: Tensor) -> Parameter:
    """The same Parameter, with another value."""
    if value is not parameter:
        parameter.data = value.detach()
    return parameter
