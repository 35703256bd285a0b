"""Derivatives of whole functions: vector-Jacobian and Jacobian-vector products, Jacobians, Hessians, checkpointing.

All of them are a few calls of `autograd.grad`.  The functions, their arguments and the shapes of their results are those of
`torch.autograd.functional` and `torch.utils.checkpoint`.

With f: Rⁿ -> Rᵐ and its Jacobian J (m × n):  vjp is vᵀJ, one backward pass.  jvp is J v: the vjp is linear in its vector, and
differentiating uᵀJ by u along v gives J v, so two backward passes make a forward one.  A Hessian is the Jacobian of a gradient.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from . import autograd, backend, edits
from .autograd import Forgotten, Node, enable_grad, grad
from .tensor import Tensor


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), vᵀJ): the result, and the gradient of v·result for each input.

    inputs: a Tensor or a tuple of them.  v: as func's result; may be left out if that is one number.
    strict: raise where the result does not depend on an input, instead of giving zeros.
    """
    with enable_grad():
        xs, ys, form = _apply(func, inputs, create_graph)
        v = _vectors(v, ys, "func's result", needed=not (len(ys) == 1 and ys[0].numel() == 1))
        gs = _grad(ys, xs, v, create_graph, strict)
    return form.outputs(_ended(ys, create_graph)), form.inputs(gs)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), J v): the result, and its derivative along v.

    v: as the inputs; may be left out if there is one input of one number.
    """
    with enable_grad():
        xs, ys, form = _apply(func, inputs, create_graph)
        v = _vectors(v, xs, "the inputs", needed=not (len(xs) == 1 and xs[0].numel() == 1))
        us = [_zeros(y).requires_grad_() for y in ys]
        gs = _grad(ys, xs, us, True, strict)                    # uᵀJ, for any u: linear in it
        along = _grad(gs, us, v, create_graph, strict)
    return form.outputs(_ended(ys, create_graph)), form.outputs(along)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """J: for each output and each input, a Tensor of shape (*output.shape, *input.shape).  One backward pass a row.

    A Tensor for one output and one input; a tuple over the outputs, the inputs, or nested tuples over both, as they come.
    """
    _refuse_vectorize(vectorize, strategy)
    with enable_grad():
        xs, ys, form = _apply(func, inputs, create_graph)
        rows = [_rows(y, xs, create_graph, strict) for y in ys]
    return form.outputs([form.inputs(row) for row in rows])


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a function of one number: for inputs i and j a Tensor of shape (*i.shape, *j.shape)."""
    _refuse_vectorize(vectorize, outer_jacobian_strategy)
    single = isinstance(inputs, Tensor)

    def gradient(*xs: Tensor) -> Any:
        y = _one_number(func(*xs), "hessian")
        gs = _grad([y], list(xs), None, True, strict)
        return gs[0] if single else tuple(gs)

    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), vᵀH) for a function of one number, without making its Hessian H: the gradient of v·gradient."""
    with enable_grad():
        xs, ys, form = _apply(func, inputs, create_graph)
        y = _one_number(ys[0] if len(ys) == 1 else None, "vhp")
        v = _vectors(v, xs, "the inputs", needed=not (len(xs) == 1 and xs[0].numel() == 1))
        gs = _grad([y], xs, None, True, strict)
        hv = _grad(gs, xs, v, create_graph, strict)
    return form.outputs(_ended(ys, create_graph)), form.inputs(hv)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple[Any, Any]:
    """(func(inputs), H v).  H is symmetric, so this is `vhp`."""
    return vhp(func, inputs, v, create_graph, strict)


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True,
               **kwargs: Any) -> Any:
    """function(*args, **kwargs), keeping nothing of what happens inside: the backward pass runs it again to find out.

    Memory for time.  The function must compute the same again; random numbers are repeated if preserve_rng_state.
    use_reentrant: PyTorch has two implementations, whose results agree; there is one here, and every value means it.
    """
    from .functions.random import get_rng_state, set_rng_state
    start = next(edits.clock)
    state = get_rng_state() if preserve_rng_state else None
    results = function(*args, **kwargs)
    nodes = [weakref.ref(node) for node in _born_since(start, results)]     # weak: the nodes hold `remember`, so no circle
    shapes = [(node().op, node().shape) for node in nodes]                  # type: ignore[union-attr]

    def remember() -> None:
        restart = next(edits.clock)
        now = get_rng_state()
        if state is not None:
            set_rng_state(state)
        try:
            with enable_grad():
                again = _born_since(restart, function(*args, **kwargs))
        finally:
            set_rng_state(now)
        if shapes != [(node.op, node.shape) for node in again]:
            raise RuntimeError("checkpoint: the function did something else when it was run again for the backward pass: "
                               f"{len(shapes)} ops at first, {len(again)} now.  It may depend only on its arguments and on "
                               "random numbers")
        for reference, node in zip(nodes, again):
            old = reference()
            if old is not None and type(old.kept) is Forgotten:
                old.kept = node.kept

    for reference in nodes:
        reference().kept = Forgotten(remember)                  # type: ignore[union-attr]
    return results


# ---- what they share --------------------------------------------------------------------------------------------
class _Form:
    """Whether the inputs and outputs were one Tensor or a tuple, so that results can be given back likewise."""

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.one_input, self.one_output = isinstance(inputs, Tensor), isinstance(outputs, Tensor)

    def inputs(self, each: Any) -> Any:
        return each[0] if self.one_input else tuple(each)

    def outputs(self, each: Any) -> Any:
        return each[0] if self.one_output else tuple(each)


def _apply(func: Callable[..., Any], inputs: Any, create_graph: bool) -> tuple[list[Tensor], list[Tensor], _Form]:
    """Names of our own for the inputs, func of them as a list, and the form of both."""
    xs = autograd.as_list(inputs)
    for x in xs:
        if not isinstance(x, Tensor):
            raise TypeError(f"the inputs are a Tensor or a tuple of Tensors, got {type(x).__name__} among them")
    from .ops import alias
    xs = [alias(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in xs]
    outputs = func(*xs)
    ys = autograd.as_list(outputs)
    for y in ys:
        if not isinstance(y, Tensor):
            raise TypeError(f"func returns a Tensor or a tuple of Tensors, got {type(y).__name__}")
    return xs, ys, _Form(inputs, outputs)


def _grad(ys: list[Tensor], xs: list[Tensor], vs: list[Tensor] | None, create_graph: bool, strict: bool) -> list[Tensor]:
    """Σ v·y differentiated by each x: zeros where nothing depends on it, or under `strict` an error."""
    pairs: list[Any] = [(y, None if vs is None else v) for y, v in zip(ys, vs or ys) if y.requires_grad]
    gs: Any = (None,) * len(xs)
    if pairs:
        ys, vs = [y for y, _ in pairs], None if vs is None else [v for _, v in pairs]
        gs = grad(ys, xs, vs, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for i, g in enumerate(gs):
        if strict and (g is None or (create_graph and not g.requires_grad)):
            raise RuntimeError(f"the result does not depend on input {i}, which strict=True forbids")
    return [_zeros(x) if g is None else g for g, x in zip(gs, xs)]


def _rows(y: Tensor, xs: list[Tensor], create_graph: bool, strict: bool) -> list[Tensor]:
    """The Jacobian of one output by each input, a backward pass for each of its elements."""
    from .functions.shape import stack
    rows = []
    for k in range(y.numel()):
        one: Any = backend.host.zeros(y.numel(), "float32")
        one[k] = 1
        v = autograd.wrap(backend.to_device(one, backend.device_of(y.array)).reshape(y.array.shape)).astype(y.array.dtype)
        rows.append(_grad([y], xs, [v], create_graph, strict))
    if not rows:
        return [autograd.wrap(backend.zeros((*y.shape, *x.shape), x.array)) for x in xs]
    return [stack([row[i] for row in rows]).reshape(*y.shape, *x.shape) for i, x in enumerate(xs)]


def _born_since(start: int, results: Any) -> list[Node]:
    """The nodes of the results' history that were born after `start`, oldest first."""
    history = [x.node for x in autograd.as_list(results) if isinstance(x, Tensor) and x.node is not None and x.node.birth > start]
    seen = set(history)
    history = list(seen)
    for node in history:                                        # grows while we read it
        for parent in node.parents:
            if parent is not None and parent.birth > start and parent not in seen:
                seen.add(parent)
                history.append(parent)
    return sorted([node for node in history if node.op is not None], key=lambda node: node.birth)


def _vectors(v: Any, like: list[Tensor], what: str, needed: bool) -> list[Tensor]:
    if v is None:
        if needed:
            raise RuntimeError(f"v may be left out only for one number: give a vector of the shape of {what}")
        return [autograd.wrap(backend.ones_like(like[0].array))]
    vs = autograd.as_list(v)
    if [tuple(x.shape) for x in vs] != [tuple(x.shape) for x in like]:
        raise RuntimeError(f"v has the shapes {[tuple(x.shape) for x in vs]}, and {what} {[tuple(x.shape) for x in like]}: "
                           "they must agree")
    return vs


def _one_number(y: Any, what: str) -> Tensor:
    if not isinstance(y, Tensor) or y.numel() != 1:
        shape = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise RuntimeError(f"{what} is about functions that return one number, got {shape}: sum or index it first")
    return y.reshape(())


def _ended(ys: list[Tensor], create_graph: bool) -> list[Tensor]:
    return ys if create_graph else [y.detach() for y in ys]


def _zeros(x: Tensor) -> Tensor:
    return autograd.wrap(backend.zeros_like(x.array))


def _refuse_vectorize(vectorize: bool, strategy: str) -> None:
    if vectorize or strategy != "reverse-mode":
        raise NotImplementedError("vectorize=True and strategy='forward-mode' are not offered: rows are computed one by one, in "
                                  "reverse mode.  Leave both out")
