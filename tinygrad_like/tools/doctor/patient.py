"""What a check changes, put back: a network, its optimizer and the random numbers are afterwards what they were before."""
from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ... import errors
from ...data.seeding import random_states, set_random_states
from ...nn import Module
from ...tensor import Tensor
from ...training.loop import Loss, compiled, modes_restored


@contextmanager
def unchanged(model: Module, loss: Any, optimizer: Any) -> Iterator[None]:
    """Inside, the parameters and buffers are copies, and gradients begin anew; after it all is as before."""
    modules = [each for each in (model, loss) if isinstance(each, Module)]
    params = list({id(p): p for module in modules for p in module.parameters()}.values())
    if optimizer is not None:
        params += [p for group in optimizer.param_groups for p in group["params"] if not any(p is q for q in params)]
    buffers = [(each, name, buffer) for module in modules for each in module.modules() for name, buffer in each._buffers.items()
               if buffer is not None]
    numbers, gradients, states = [p.data for p in params], [p.grad for p in params], random_states()
    if optimizer is not None:
        groups = [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]
        state = {p: copy.deepcopy(each) for p, each in optimizer.state.items()}
        called = optimizer._opt_called
    try:
        with modes_restored(model):
            for p in params:
                p.data, p.grad = p.data.clone(), None
            for each, name, buffer in buffers:
                each._buffers[name] = buffer.detach().clone()
            yield
    finally:
        for p, data, g in zip(params, numbers, gradients):
            p.data, p.grad = data, g
        for each, name, buffer in buffers:
            each._buffers[name] = buffer
        set_random_states(states)
        if optimizer is not None:
            for group, settings in zip(optimizer.param_groups, groups):
                group.update(settings)
            optimizer.state.clear()
            optimizer.state.update(state)
            optimizer._opt_called = called


def settled_arguments(name: str, model: Any, loss: Any, optimizer: Any) -> tuple[Any, Any]:
    """A function of (output, target), and the optimizer; what is not given is what the model was compiled with."""
    if not isinstance(model, Module):
        raise errors.WrongType(f"{name}: the model is a Module, got {type(model).__name__}: call {name}(model, loss, optimizer, "
                               "…)")
    if loss is None:
        how = compiled(name, model)
        if how.loss is None:
            raise errors.WrongValue(f"{name}: the model was compiled without a loss: pass one, such as nn.CrossEntropyLoss()")
        loss, optimizer = how.loss.function, how.prepare(model) if optimizer is None else optimizer
    call = Loss(loss)
    return (lambda out, target: call(out, target, None)), optimizer


def parts_of(name: str, model: Module, batch: Any) -> tuple[list[Any], Any]:
    """The inputs and the target of a batch, as tensors where the model is."""
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise errors.WrongType(f"{name}: a batch is (input, target), or (input, input, …, target), got {type(batch).__name__}: "
                               "for example next(iter(loader))")
    first = next(model.parameters(), None)

    def brought(x: Any) -> Any:
        if isinstance(x, (tuple, list, dict)) or first is None:
            return x
        x = x if isinstance(x, Tensor) else Tensor(x)
        return x.to(first.device, first.dtype) if x.is_floating_point() else x.to(first.device)
    *inputs, target = [brought(x) for x in batch]
    return inputs, target
