"""Functions of parameters: a module called with others than its own, and the gradient of a function as a function.

    def loss(params, x, y):
        return F.mse_loss(functional_call(model, params, (x,)), y)

    step = grad(loss)(params, x, y)             # a dict, as params is
    params = {name: p - 0.1 * step[name] for name, p in params.items()}

That is a step of gradient descent through which gradients flow to the params before it: what MAML learns by.
"""
from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import autograd, errors
from .functions.creation import zeros_like
from .grad_mode import enable_grad, is_grad_enabled
from .ops import alias
from .tensor import Tensor

if TYPE_CHECKING:
    from .nn import Module

__all__ = ["functional_call", "grad", "grad_and_value"]


# ---- a module, with other parameters ----------------------------------------------------------------------------
def functional_call(module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *,
                    tie_weights: bool = True, strict: bool = False) -> Any:
    """module(*args, **kwargs), with {path: tensor} in the place of its parameters and buffers, which are left alone.

    parameter_and_buffer_dicts: one dict, or several.  What is in none is the module's own; under strict that is an error.
    args: a tuple, or the only argument.
    tie_weights: what is one parameter in two places is replaced in both.
    A buffer that the call replaces, such as a running mean, is replaced in the dict.
    """
    given = merged(parameter_and_buffer_dicts)
    places = {path: place for path, place in all_places(module)}
    for path in given:
        if path not in places:
            near = difflib.get_close_matches(path, places, n=1)
            raise RuntimeError(f"functional_call: {type(module).__name__} has no parameter or buffer {path!r}"
                               + (f": did you mean {near[0]!r}?" if near else ""))
    own = {path: holder[name] for path, (holder, name) in places.items()}
    values = with_tied(given, own) if tie_weights else {path: tensor for path, (_, tensor) in given.items()}
    if strict and (missing := [path for path in own if path not in values]):
        raise RuntimeError(f"functional_call(strict=True): no tensor was given for {missing[0]!r} of {type(module).__name__}"
                           + (f", nor for {len(missing) - 1} others" if missing[1:] else ""))
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for path, tensor in values.items():
            holder, name = places[path]
            holder[name] = tensor
        return module(*args, **(kwargs or {}))
    finally:
        for path, (source, tensor) in given.items():
            holder, name = places[path]
            if holder[name] is not tensor:
                source[path] = holder[name]
        for path in values:
            holder, name = places[path]
            holder[name] = own[path]


def merged(dicts: Any) -> dict[str, tuple[Any, Tensor]]:
    """{path: (the dict that it is in, its tensor)}"""
    found: dict[str, tuple[Any, Tensor]] = {}
    for each in [dicts] if isinstance(dicts, Mapping) else dicts:
        for path, tensor in each.items():
            if path in found:
                raise ValueError(f"functional_call: {path!r} is in two of the dicts")
            if not isinstance(tensor, Tensor):
                raise TypeError(f"functional_call: {path!r} is a Tensor, got {type(tensor).__name__}")
            found[path] = each, tensor
    return found


def all_places(module: Module) -> Iterator[tuple[str, tuple[dict[str, Any], str]]]:
    """(path, (dict, name)) of each parameter and buffer: all the places of one that has several."""
    for prefix, each in module.named_modules(remove_duplicate=False):
        for holder in (each._parameters, each._buffers):
            for name, tensor in holder.items():                 # type: ignore[attr-defined]
                if tensor is not None:
                    yield f"{prefix}.{name}" if prefix else name, (holder, name)  # type: ignore[misc]


def with_tied(given: dict[str, tuple[Any, Tensor]], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """{path: tensor}, also for the paths under which the module has the same tensor as under one that was given."""
    new: dict[int, tuple[str, Tensor]] = {}                     # id of a tensor of the module's: what replaces it
    for path, (_, tensor) in given.items():
        known, other = new.setdefault(id(own[path]), (path, tensor))
        if other is not tensor:
            raise ValueError(f"functional_call: {known!r} and {path!r} are one tensor of the module, and two different ones were "
                             "given: tie_weights=False allows that")
    return {path: new[id(tensor)][1] for path, tensor in own.items() if id(tensor) in new}


# ---- the gradient of a function ---------------------------------------------------------------------------------
def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function whose value is d func / d (argument of the number argnums); of several, if that is a tuple.

    func returns one number; under has_aux also something else, (number, aux), and so does the gradient: (gradient, aux).
    The arguments are Tensors, or dicts, lists and tuples of them, and the gradients are built likewise.
    """
    both = grad_and_value(func, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        g, value = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, but the function gives (gradient, value); under has_aux (gradient, (value, aux))."""
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        numbers = argnums if isinstance(argnums, tuple) else (argnums,)
        inside = list(args)
        leaves: list[Tensor] = []                               # names of our own for the tensors to differentiate by

        def named(x: Tensor) -> Tensor:
            if not x.is_floating_point() and not x.is_complex():
                return x
            leaves.append(alias(x) if further and x.requires_grad else x.detach().requires_grad_())
            return leaves[-1]

        further = is_grad_enabled() and any(x.requires_grad for x in tensors_in((args, kwargs)))
        with enable_grad():
            for i in numbers:
                if not -len(args) <= i < len(args):
                    raise errors.OutOfRange(f"grad: argnums is {i}, and there is only {len(args)} argument" + "s" * (len(args) > 1))
                found = len(leaves)
                inside[i] = mapped(named, inside[i])
                if len(leaves) == found:
                    raise TypeError(f"grad: argument {i} is a {type(args[i]).__name__}, with no floating-point tensor to "
                                    "differentiate by")
            result = func(*inside, **kwargs)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise TypeError(f"grad(has_aux=True): func returns a pair, (number, aux), got {type(result).__name__}")
        value, aux = result if has_aux else (result, None)
        if not isinstance(value, Tensor) or value.ndim:
            what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise RuntimeError(f"grad: func returns one number, a Tensor of shape (), got {what}: sum it, or call "
                               "derivatives.jacobian")
        rest = iter(autograd.grad(value, leaves, create_graph=further, retain_graph=True, materialize_grads=True)
                    if value.requires_grad else [zeros_like(x) for x in leaves])
        built = [mapped(lambda x: next(rest) if x.is_floating_point() or x.is_complex() else x, args[i]) for i in numbers]
        ended = (lambda x: x) if further else (lambda x: x.detach())
        value, aux = ended(value), mapped(ended, aux)
        return tuple(built) if isinstance(argnums, tuple) else built[0], (value, aux) if has_aux else value

    return gradient_and_value


def mapped(function: Callable[[Tensor], Any], x: Any) -> Any:
    """function of each Tensor in dicts, lists and tuples, which are built anew."""
    if isinstance(x, Tensor):
        return function(x)
    if isinstance(x, dict):
        return type(x)((name, mapped(function, each)) for name, each in x.items())
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[mapped(function, each) for each in x])
    return type(x)(mapped(function, each) for each in x) if isinstance(x, (list, tuple)) else x


def tensors_in(x: Any) -> list[Tensor]:
    found: list[Tensor] = []
    mapped(found.append, x)
    return found


if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from .names import INSTEAD, refuse
        refuse(__name__, name, {name: INSTEAD.get(name, "derivatives has jacobian, hessian, jvp, vjp and hvp")})
