"""Module: what has parameters, and a forward that computes with them."""
from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .. import backend
from ..functions.convert import converted
from ..functions.creation import empty_like
from ..grad_mode import no_grad
from ..op import wrap
from ..tensor import Hook, Tensor
from ..types import as_dtype, device as Device
from .hooks import call_each, observed, with_keywords
from .parameter import Buffer, Parameter

__all__ = ["Module"]


class Module:
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
            for name, tensor in module.__dict__[kind].items():
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

    # ---- weights that travel ------------------------------------------------------------------------------------
    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> OrderedDict[str, Any]:
        """{path: tensor} of all parameters and persistent buffers, sharing their memory.  It is what is saved.

        destination: a dict to add to.       prefix: put before each path.       keep_vars: the Parameters themselves, not detached.
        """
        destination = OrderedDict() if destination is None else destination
        for hook in self._hooks.get("state_dict_pre", {}).values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._hooks.get("state_dict", {}).values():
            if (answer := hook(self, destination, prefix, {})) is not None:
                destination = answer
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[f"{prefix}_extra_state"] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """The tensors of this very module that are saved."""
        tensors = {**self._parameters, **self._buffers}
        return {name: x for name, x in tensors.items() if x is not None and name not in self._unsaved}

    def get_extra_state(self) -> Any:
        """What a subclass wants saved besides tensors: define this, and `set_extra_state(state)`, which receives it back."""
        raise NotImplementedError(f"{type(self).__name__} has no extra state: define get_extra_state and set_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} cannot take extra state: define set_extra_state")

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> IncompatibleKeys:
        """Take the numbers of a `state_dict`, in place.  If something does not fit, raise, and change nothing.

        strict: it must have all the names of this module, and no others.  If False, what is missing stays as it is.
        assign: let go of the own memory, and take the tensors themselves, with their dtype and device.
        Returns (missing_keys, unexpected_keys).
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes a dict of tensors, as state_dict() returns it, got {type(state_dict).__name__}"
                            + (": load the file first, load_state_dict(load(path))" if isinstance(state_dict, str) else ""))
        metadata = getattr(state_dict, "_metadata", {})         # PyTorch's: which version of a layer wrote it
        state_dict = OrderedDict(state_dict)                    # for hooks to rename in
        missing: list[str] = []
        unexpected: list[str] = []
        faults: list[str] = []
        modules = list(self.named_modules(remove_duplicate=False))
        for path, module in modules:
            prefix = f"{path}." if path else ""
            module._load_from_state_dict(state_dict, prefix, metadata.get(path, {}), strict, missing, unexpected, faults)
        answer = IncompatibleKeys(missing, unexpected)
        for _, module in modules:
            for hook in module._hooks.get("load_state_dict", {}).values():
                hook(module, answer)                            # it may take names off the lists
        if faults or (strict and (missing or unexpected)):
            raise RuntimeError(does_not_fit(type(self).__name__, list(state_dict), missing if strict else [],
                                            unexpected if strict else [], faults))
        with no_grad():                                         # everything fits: now it happens
            for path, module in modules:
                prefix = f"{path}." if path else ""
                for name, tensor in module._own_state().items():
                    if prefix + name in state_dict:
                        value = as_tensor(state_dict[prefix + name])
                        if not assign:
                            tensor.copy_(value)
                        elif isinstance(tensor, Parameter):
                            module._parameters[name] = Parameter(value.detach(), tensor.requires_grad)
                        else:
                            module._buffers[name] = value
                if f"{prefix}_extra_state" in state_dict:
                    module.set_extra_state(state_dict[f"{prefix}_extra_state"])
        return answer

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, local_metadata: dict[str, Any], strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:
        """Look whether what a state_dict has for this very module fits, and add to the lists what does not.

        A subclass may rename old keys here before it calls this.  The numbers are copied later, when all modules have looked.
        """
        for hook in self._hooks.get("load_state_dict_pre", {}).values():
            hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        for name, tensor in own.items():
            if prefix + name not in state_dict:
                missing_keys.append(prefix + name)
                continue
            value = as_tensor(state_dict[prefix + name])
            if value is None:
                error_msgs.append(f"{prefix}{name} is a {type(state_dict[prefix + name]).__name__}, and a Tensor is needed: "
                                  "make one with tensor(…)")
            elif value.shape != tensor.shape:
                error_msgs.append(f"size mismatch for {prefix}{name}: its shape is {tuple(value.shape)} in the state_dict and "
                                  f"{tuple(tensor.shape)} in this model"
                                  + (", which is the transpose" if tuple(value.shape) == tuple(tensor.shape)[::-1] else ""))
            elif value.array.dtype.kind == "c" and tensor.array.dtype.kind != "c":
                error_msgs.append(f"{prefix}{name} is of type {value.dtype} in the state_dict, and {tensor.dtype}, without an "
                                  "imaginary part, in this model")
        extra = type(self).set_extra_state is not Module.set_extra_state
        if extra and f"{prefix}_extra_state" not in state_dict:
            missing_keys.append(f"{prefix}_extra_state")
        for key in state_dict:
            if key.startswith(prefix):
                name, below, _ = key[len(prefix):].partition(".")
                known = self._modules.get(name) is not None if below else name in own or (extra and name == "_extra_state")
                if not known:
                    unexpected_keys.append(key)

    # ---- hooks --------------------------------------------------------------------------------------------------
    def _hook(self, kind: str, hook: Callable[..., Any], prepend: bool = False) -> Hook:
        hooks = self._hooks.setdefault(kind, {})
        handle = Hook(hooks, hook)
        if prepend:
            for key in list(hooks)[:-1]:
                hooks[key] = hooks.pop(key)
        return handle

    def register_forward_pre_hook(self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False) -> Hook:
        """Call hook(module, args) before forward; what it returns, if anything, takes the place of args.

        with_kwargs: hook(module, args, kwargs), which returns nothing or both.
        """
        return self._hook("forward_pre", with_keywords(hook) if with_kwargs else hook, prepend)

    def register_forward_hook(self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False,
                              always_call: bool = False) -> Hook:
        """Call hook(module, args, output) after forward; what it returns, if anything, takes the place of the output.

        with_kwargs: hook(module, args, kwargs, output).
        """
        if always_call:
            raise NotImplementedError("register_forward_hook(always_call=True) is not offered: put try … finally around the call")
        return self._hook("forward", with_keywords(hook) if with_kwargs else hook, prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Hook:
        """Call hook(module, grad_output) when the gradients of the outputs are known; it may return others, as a tuple."""
        return self._hook("backward_pre", hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Hook:
        """Call hook(module, grad_input, grad_output) when the gradients of the inputs are known; it may return other grad_input."""
        return self._hook("backward", hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, prefix, keep_vars) before the module's tensors are collected."""
        return self._hook("state_dict_pre", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, state_dict, prefix, local_metadata) when they are, to change the dict in place."""
        return self._hook("state_dict", hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) before the
        module looks for its tensors: to rename keys, for example."""
        return self._hook("load_state_dict_pre", hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(module, incompatible_keys) when all modules have looked, before anything is raised: it may shorten them."""
        return self._hook("load_state_dict", hook)

    def _call_with_hooks(self, args: Any, kwargs: Any) -> Any:
        for hook in list(self._hooks.get("forward_pre", {}).values()):
            if isinstance(hook, with_keywords):
                answer = hook(self, args, kwargs)
                if answer is not None:
                    if not (isinstance(answer, tuple) and len(answer) == 2):
                        raise RuntimeError("a forward pre-hook with keywords returns None or (args, kwargs), "
                                           f"and this one returned {answer!r}")
                    args, kwargs = answer
            elif (answer := hook(self, args)) is not None:
                args = answer if isinstance(answer, tuple) else (answer,)
        backward_pre = list(self._hooks.get("backward_pre", {}).values())
        backward = list(self._hooks.get("backward", {}).values())
        arrived: list[Any] = []                                 # the gradients of the outputs, as they pass
        if backward:
            args = observed(args, lambda gs: call_each(backward, self, gs, arrived))
        out = self.forward(*args, **kwargs)
        for hook in list(self._hooks.get("forward", {}).values()):
            answer = hook(self, args, kwargs, out) if isinstance(hook, with_keywords) else hook(self, args, out)
            out = out if answer is None else answer
        if backward_pre or backward:
            def outputs_known(gs: tuple[Any, ...]) -> Any:
                gs = call_each(backward_pre, self, gs)
                arrived[:] = [gs]
                return gs
            out = observed(out, outputs_known)
        return out

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


class IncompatibleKeys(NamedTuple):
    """What a state_dict lacked, and what it had too much."""
    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def as_tensor(value: Any) -> Any:
    """A Tensor for what stands in a state_dict: that or an array; None for anything else."""
    if isinstance(value, Tensor):
        return value
    return wrap(value) if type(value) in backend.array_types else None


def does_not_fit(name: str, keys: list[str], missing: list[str], unexpected: list[str], faults: list[str]) -> str:
    """The message about a state_dict that is not that of a model, with what may have happened."""
    lines = [f"this state_dict does not fit {name}, and nothing was loaded:", *faults]
    if missing:
        lines.append("Missing key(s) in state_dict: " + ", ".join(f'"{key}"' for key in missing))
    if unexpected:
        lines.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{key}"' for key in unexpected))
    wrappings = ("module.", "model.", "_orig_mod.", "state_dict.")
    wrapping = next((each for each in wrappings if unexpected and all(key.startswith(each) for key in keys)), None)
    if wrapping and any(key.removeprefix(wrapping) in missing for key in unexpected):
        lines.append(f"Every key starts with {wrapping!r}, as a wrapper around a model leaves it: load "
                     f"{{key.removeprefix({wrapping!r}): x for key, x in state_dict.items()}}")
    elif missing and any(key in ("state_dict", "model", "model_state_dict") for key in unexpected):
        key = next(key for key in unexpected if key in ("state_dict", "model", "model_state_dict"))
        lines.append(f"It looks like a whole checkpoint: load its part [{key!r}]")
    elif missing and unexpected and len(missing) < 100:
        pairs = [(key, near[0]) for key in unexpected[:100] if (near := difflib.get_close_matches(key, missing, 1, 0.8))]
        if pairs:
            lines.append("Perhaps renamed: " + ", ".join(f"{a} is here {b}" for a, b in pairs[:5]))
    return "\n    ".join(lines)


# ---- where an error came from -----------------------------------------------------------------------------------
def name_place(error: Exception, module: Module) -> None:
    """Have the message of an error that passes through the call of a module end in the path of the layer it came from."""
    text = error.args[0] if len(error.args) == 1 and not isinstance(error, (KeyError, OSError)) else None
    if not isinstance(text, str):
        return
    message, modules = getattr(error, "_from", (text, list[Module]()))
    modules.insert(0, module)
    path = type(module).__name__
    for outer, inner in zip(modules, modules[1:]):
        name = next((name for name, each in outer.named_modules() if each is inner), f"<{type(inner).__name__}>")
        path += "".join([f"[{part}]" if part.isdigit() else f".{part}" for part in name.split(".")])
    source = modules[-1]
    what = repr(source) if not source._modules and len(repr(source)) < 120 else type(source).__name__
    error.args = (f"{message}\n    in {path}: {what}" if len(modules) > 1 else f"{message}\n    in {what}",)
    error._from = message, modules                              # type: ignore[attr-defined]
