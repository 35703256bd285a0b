"""Module: what has parameters, and a forward that computes with them."""
from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import update_wrapper
from types import FunctionType
from typing import Any

from .. import __name__ as PACKAGE
from ..functions.convert import converted
from ..functions.creation import empty_like
from ..tensor import Tensor
from ..types import as_dtype, device as Device
from ..watch import watched, watchers
from .hooks import Hooked
from .parameter import Buffer, Parameter
from .state import Saved

__all__ = ["Module"]


class Module(Hooked, Saved):
    """The base of all layers and networks: subclass it, call `super().__init__()`, assign layers and parameters, define `forward`.

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(784, 128)
                self.out = nn.Linear(128, 10)

            def forward(self, x):
                return self.out(self.hidden(x).relu())

    What is assigned as an attribute is found again: a Parameter among the `parameters()`, a Module with all that it holds, and
    a tensor given to `register_buffer`.  They move (`to`), are saved (`state_dict`) and are printed together.  Calling the module
    calls `forward`, with the hooks around it; an error on the way says which layer of the network it came from.
    """
    training: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """A layer of ours that takes its __init__ from another has it by its own name, which errors about missing arguments say."""
        super().__init_subclass__(**kwargs)
        code: Any = cls.__init__
        if "__init__" not in vars(cls) and cls.__module__.startswith(PACKAGE):
            own = FunctionType(code.__code__, code.__globals__, "__init__", code.__defaults__, code.__closure__)
            cls.__init__ = update_wrapper(own, code)            # type: ignore[method-assign]
            own.__qualname__, own.__kwdefaults__ = f"{cls.__qualname__}.__init__", code.__kwdefaults__

    def __init__(self) -> None:
        own = self.__dict__                                     # past __setattr__, which needs these
        own["training"] = True
        own["_parameters"], own["_buffers"], own["_modules"] = {}, {}, {}
        own["_unsaved"] = set()                                 # the names of buffers that are not in the state_dict
        own["_hooks"] = {}                                      # kind of a hook: {key: hook}

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes.  Each subclass defines it; call the module itself, not `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)` in the class")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if watchers:
                return watched("module", self, lambda: self._call_with_hooks(args, kwargs))
            if self._hooks:
                return self._call_with_hooks(args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            name_place(error, self)
            raise

    # ---- attributes ---------------------------------------------------------------------------------------------
    def __getattr__(self, name: str) -> Any:
        """What is no ordinary attribute: a parameter, a buffer or a module that was registered."""
        own = self.__dict__
        if "_modules" not in own:
            raise AttributeError(f"{type(self).__name__}.__init__ has to call super().__init__() first, before it uses {name!r}")
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in own[kind]:
                return own[kind][name]
        near = difflib.get_close_matches(name, dir(self), n=1, cutoff=0.7)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}"
                             + (f": did you mean {near[0]!r}?" if near else ""))

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if "_modules" not in own:
            if isinstance(value, (Module, Parameter, Buffer)):
                raise AttributeError(f"cannot assign {name!r} before {type(self).__name__}.__init__ has called super().__init__()")
            object.__setattr__(self, name, value)
        elif isinstance(value, Parameter):
            self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._forget(name, but="_modules")
            own["_modules"][name] = value
        elif isinstance(value, Buffer):
            self._forget(name, but="_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in own["_parameters"]:
            if value is not None:
                raise TypeError(f"cannot assign a {type(value).__name__} as parameter {name!r}, which is a Parameter or None: "
                                f"assign nn.Parameter(…); or, to change its numbers only, `with no_grad(): module.{name}.copy_(…)`")
            own["_parameters"][name] = None
        elif name in own["_modules"]:
            if value is not None:
                raise TypeError(f"cannot assign a {type(value).__name__} as child module {name!r}, which is a Module or None")
            own["_modules"][name] = None
        elif name in own["_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign a {type(value).__name__} as buffer {name!r}, which is a Tensor or None")
            own["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if any(name in self.__dict__.get(kind, ()) for kind in ("_parameters", "_buffers", "_modules")):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def _forget(self, name: str, but: str = "") -> None:
        """Take away what is registered or set under that name; but what is of the kind `but` stays, to be replaced in its place."""
        own = self.__dict__
        own.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != but:
                own[kind].pop(name, None)
        own["_unsaved"].discard(name)

    def __dir__(self) -> list[str]:
        own = self.__dict__
        return sorted({*dir(type(self)), *own, *own.get("_parameters", ()), *own.get("_buffers", ()), *own.get("_modules", ())})

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Have `param` as attribute and parameter `name`; None: the place for one, which is empty."""
        self._check_name(name, "parameter", "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} is an nn.Parameter or None, got {type(param).__name__}")
        if param is not None and not param.is_leaf:
            raise ValueError(f"parameter {name!r} was computed from other tensors, so training cannot change it: express it by the "
                             "parameters it comes from, or take its detach()")
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Have a tensor as attribute `name` that moves with the module and is saved with it (if persistent), but is not trained."""
        self._check_name(name, "buffer", "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"buffer {name!r} is a Tensor or None, got {type(tensor).__name__}")
        self._buffers[name] = tensor
        (self._unsaved.discard if persistent else self._unsaved.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Have a module as attribute and child `name`."""
        self._check_name(name, "module", "_modules")
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"child {name!r} is a Module or None, got {type(module).__name__}"
                            + (": that is a class; make a module of it by calling it" if isinstance(module, type) else ""))
        self._modules[name] = module

    add_module = register_module

    def _check_name(self, name: str, what: str, kind: str) -> None:
        if "_modules" not in self.__dict__:
            raise AttributeError(f"cannot register a {what} before {type(self).__name__}.__init__ has called super().__init__()")
        if not isinstance(name, str):
            raise TypeError(f"the name of a {what} is a string, got {type(name).__name__}")
        if name == "" or "." in name:
            raise KeyError(f"the name of a {what} is not empty and has no dot, which stands between the names of modules: {name!r}")
        if hasattr(self, name) and name not in self.__dict__[kind]:
            raise KeyError(f"attribute {name!r} exists already: choose another name for the {what}")

    # ---- what it holds ------------------------------------------------------------------------------------------
    def named_modules(self, memo: set[Module] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """(path, module) for this module, whose path is "", and all below it."""
        memo = set() if memo is None else memo
        if self not in memo:
            if remove_duplicate:
                memo.add(self)
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """This module and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, module) for those directly below this one."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        for _, module in self.named_children():
            yield module

    def _named(self, kind: str, prefix: str, recurse: bool, remove_duplicate: bool) -> Iterator[tuple[str, Any]]:
        """(path, tensor) for the registered tensors of a kind; one that is in several places once, unless told otherwise."""
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, tensor in getattr(module, kind).items():
                if tensor is not None and tensor not in seen:
                    if remove_duplicate:
                        seen.add(tensor)
                    yield f"{path}.{name}" if path else name, tensor

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter), as in ("hidden.weight", Parameter(…))."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, if recurse, of all below it: what an optimizer is given."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """(path, buffer), as in ("norm.running_mean", tensor(…))."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, if recurse, of all below it."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "encoder.layers.2"; "" is this one."""
        module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"{target!r}: {name!r} is a {type(module).__name__}, not a Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in the place of the one at a path.  strict: there has to be one."""
        if target == "":
            raise ValueError("set_submodule: the path is empty, and a module cannot replace itself")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule puts a Module there, got {type(module).__name__}")
        if strict and name not in parent._modules:
            raise AttributeError(f"set_submodule(strict=True): there is no module at {target!r}")
        if name in parent._modules:
            parent._modules[name] = module
        else:
            parent.register_module(name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "encoder.layers.2.weight"."""
        path, _, name = target.rpartition(".")
        parameter = getattr(self.get_submodule(path), name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"{target!r} is a {type(parameter).__name__}, not a Parameter")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "norm.running_mean"."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffer = getattr(module, name)
        if name not in module._buffers:
            raise AttributeError(f"{target!r} is a {type(buffer).__name__}, not a buffer")
        return buffer

    # ---- changing all of it -------------------------------------------------------------------------------------
    def apply(self, fn: Callable[[Module], Any]) -> Module:
        """Call fn(module) on all modules, those below first: to initialise them, for example."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Module:
        """Behave as in training: drop out, normalise by the batch.  mode=False is `eval`."""
        if not isinstance(mode, bool):
            raise ValueError(f"train takes True (training) or False (evaluation), got {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Behave as in use: do not drop out, and normalise by the running statistics.  (Gradients: see `no_grad`.)"""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Train the parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; set_to_none=False: make them 0."""
        for parameter in self.parameters():
            if parameter.grad is not None:
                if set_to_none:
                    parameter.grad = None
                else:
                    parameter.grad = parameter.grad.detach().zero_()

    def _apply(self, change: Callable[[Tensor], Tensor]) -> Module:
        """Give each parameter, gradient and buffer the value change(tensor).  Parameters stay the objects that they are."""
        for module in self.modules():
            for parameter in module._parameters.values():
                if parameter is not None:
                    g = parameter.grad
                    parameter.data = change(parameter.detach())
                    parameter.grad = None
                    if g is not None:
                        parameter.grad = change(g.detach())
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    changed = change(buffer)
                    if changed is not buffer and isinstance(buffer, Buffer):
                        changed = Buffer(changed, persistent=buffer.persistent)
                    module._buffers[name] = changed
        return self

    def to(self, *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False) -> Module:
        """Move the parameters and buffers, in place: to(device), to(dtype), to(device, dtype) or to(tensor), as the tensor is.

        Only floating-point ones change their dtype.  A copy to a GPU is complete when this returns, whatever non_blocking says.
        """
        if len(args) > 3:
            raise TypeError(f"to takes a device, a dtype and non_blocking, got {len(args)} arguments")
        for i, x in enumerate(args):
            if isinstance(x, Tensor):
                device, dtype = x.device, x.dtype
            elif isinstance(x, bool) and i > 0:
                continue                                        # non_blocking
            elif isinstance(x, (str, Device, int)) and not isinstance(x, bool):
                device = x
            elif x is not None:
                dtype = as_dtype(x)
        dtype = None if dtype is None else as_dtype(dtype)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"a module is of a floating-point or complex type, got {dtype}: parameters need gradients")
        return self._apply(lambda x: converted(x, dtype if x.is_floating_point() or x.is_complex() else None, device))

    def type(self, dst_type: Any) -> Module:
        """Convert all parameters and buffers to a dtype, in place."""
        return self._apply(lambda x: x.type(dst_type))

    def float(self) -> Module:
        """Convert floating-point parameters and buffers to float32, in place."""
        return self._apply(lambda x: x.float() if x.is_floating_point() else x)

    def double(self) -> Module:
        """Convert floating-point parameters and buffers to float64, in place."""
        return self._apply(lambda x: x.double() if x.is_floating_point() else x)

    def half(self) -> Module:
        """Convert floating-point parameters and buffers to float16, in place."""
        return self._apply(lambda x: x.half() if x.is_floating_point() else x)

    def cuda(self, device: Any = None) -> Module:
        """Move to the GPU, in place."""
        return self._apply(lambda x: x.cuda(device))

    def cpu(self) -> Module:
        """Move to the host, in place."""
        return self._apply(lambda x: x.cpu())

    def to_empty(self, *, device: Any, recurse: bool = True) -> Module:
        """Move to a device without the numbers, in place: for a module whose weights are loaded next."""
        if not recurse:
            raise NotImplementedError("to_empty(recurse=False) is not offered: call it on the module that is to move")
        return self._apply(lambda x: empty_like(x, device=device))

    # ---- printing -----------------------------------------------------------------------------------------------
    def extra_repr(self) -> str:
        """What stands between the brackets when this module is printed: its settings."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"

    def summary(self, *args: Any, **kwargs: Any) -> Any:
        """A table of the layers, with output shapes, parameters and multiply-adds, for an input of a shape: see `nn.summary`."""
        from .summary import summary
        return summary(self, *args, **kwargs)

    # ---- training, as Keras calls it ----------------------------------------------------------------------------
    def compile(self, *args: Any, **kwargs: Any) -> None:
        """compile(optimizer="adam", loss=nn.CrossEntropyLoss(), metrics=["accuracy"]) says how to train: see `training.compile`."""
        from ..training import compile
        compile(self, *args, **kwargs)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """fit(x, y, batch_size=32, epochs=10, validation_data=(vx, vy)) trains, and returns a History: see `training.fit`."""
        from ..training import fit
        return fit(self, *args, **kwargs)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """evaluate(x, y) is the loss, or [loss, metric, …], over the data, in evaluation mode: see `training.evaluate`."""
        from ..training import evaluate
        return evaluate(self, *args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """predict(x) is the output for x as a NumPy array, computed batch by batch: see `training.predict`."""
        from ..training import predict
        return predict(self, *args, **kwargs)


# ---- where an error came from -----------------------------------------------------------------------------------
def as_code(path: str) -> str:
    """A path as it would be written: Net.body[2].norm for Net.body.2.norm."""
    first, *parts = path.split(".")
    return first + "".join([f"[{part}]" if part.isdigit() else f".{part}" for part in parts])


def name_place(error: Exception, module: Module) -> None:
    """Have the message of an error that passes through the call of a module end in the path of the layer it came from."""
    if "_modules" not in module.__dict__:                       # it has not called super().__init__(), which the error says
        return
    text = error.args[0] if len(error.args) == 1 and not isinstance(error, (KeyError, OSError)) else None
    if not isinstance(text, str):
        return
    message, modules = getattr(error, "_from", (text, list[Module]()))
    modules.insert(0, module)
    path = type(module).__name__
    for outer, inner in zip(modules, modules[1:]):
        name = next((name for name, each in outer.named_modules() if each is inner), f"<{type(inner).__name__}>")
        path += f".{name}"
    path = as_code(path)
    source = modules[-1]
    what = repr(source) if not source._modules and len(repr(source)) < 120 else type(source).__name__
    error.args = (f"{message}\n    in {path}: {what}" if len(modules) > 1 else f"{message}\n    in {what}",)
    error._from = message, modules                              # type: ignore[attr-defined]
