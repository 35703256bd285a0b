"""Weights that travel: how a module's tensors become a dict of tensors, and come back from one."""
from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import backend
from ..grad_mode import no_grad
from ..op import wrap
from ..tensor import Tensor
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


class Saved:
    """The part of Module that saves and loads."""
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _unsaved: set[str]                                          # the names of buffers that stay behind
    _hooks: dict[str, dict[int, Any]]

    if TYPE_CHECKING:
        def named_modules(self, *, remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]: ...

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
        if type(self).get_extra_state is not Saved.get_extra_state:
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
                            + (": load the file first, load_state_dict(load(path))" if isinstance(state_dict, str) else
                               ": give it the state_dict() of that" if isinstance(state_dict, Saved) else ""))
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
            raise RuntimeError(does_not_fit(type(self).__name__, state_dict, missing if strict else [],
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
        extra = type(self).set_extra_state is not Saved.set_extra_state
        if extra and f"{prefix}_extra_state" not in state_dict:
            missing_keys.append(f"{prefix}_extra_state")
        for key in state_dict:
            if key.startswith(prefix):
                name, below, _ = key[len(prefix):].partition(".")
                known = self._modules.get(name) is not None if below else name in own or (extra and name == "_extra_state")
                if not known:
                    unexpected_keys.append(key)


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


def does_not_fit(name: str, state_dict: Mapping[str, Any], missing: list[str], unexpected: list[str], faults: list[str]) -> str:
    """The message about a state_dict that is not that of a model, with what may have happened."""
    lines = [f"this state_dict does not fit {name}, and nothing was loaded:", *faults]
    if missing:
        lines.append("Missing key(s) in state_dict: " + ", ".join(f'"{key}"' for key in missing))
    if unexpected:
        lines.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{key}"' for key in unexpected))
    wrappings = ("module.", "model.", "_orig_mod.", "state_dict.")
    wrapping = next((each for each in wrappings if unexpected and all(key.startswith(each) for key in state_dict)), None)
    part = next((key for key in unexpected if isinstance(inside := state_dict.get(key), Mapping)
                 and any(str(name).endswith(tuple(missing)) for name in inside)), None)
    if wrapping and any(key.removeprefix(wrapping) in missing for key in unexpected):
        lines.append(f"Every key starts with {wrapping!r}, as a wrapper around a model leaves it: load "
                     f"{{key.removeprefix({wrapping!r}): x for key, x in state_dict.items()}}")
    elif part is not None:
        lines.append(f"It looks like a whole checkpoint: load its part [{part!r}]")
    elif missing and unexpected and len(missing) < 100:
        pairs = [(key, near[0]) for key in unexpected[:100] if (near := difflib.get_close_matches(key, missing, 1, 0.8))]
        if pairs:
            lines.append("Perhaps renamed: " + ", ".join(f"{a} is here {b}" for a, b in pairs[:5]))
    return "\n    ".join(lines)
