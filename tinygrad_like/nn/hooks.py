"""Functions to be called when a module is, and when gradients pass it on their way back."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..op import wrap
from ..tensor import Hook, Tensor


class Hooked:
    """The part of Module that registers hooks and calls them."""
    _hooks: dict[str, dict[int, Any]]                           # kind of a hook: {key: hook}
    forward: Callable[..., Any]

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
        given = args
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
                if backward and args is given:                  # no input wants a gradient, on whose arrival they would be called
                    nothing = (None,) * len(args)
                    if call_each(backward, self, nothing, arrived) != nothing:
                        raise RuntimeError(f"a backward hook of {type(self).__name__} returned gradients for inputs that want none")
                return gs
            out = observed(out, outputs_known)
        return out


class with_keywords:
    """A hook that wants the keyword arguments too."""

    def __init__(self, hook: Callable[..., Any]) -> None:
        self.hook = hook

    def __call__(self, *args: Any) -> Any:
        return self.hook(*args)


def observed(values: Any, seen: Callable[[tuple[Any, ...]], Any]) -> Any:
    """The values (a Tensor, or a tuple with some), the gradients of whose Tensors are shown to `seen` on their way back."""
    parts = list(values) if isinstance(values, tuple) else [values]
    at = [i for i, x in enumerate(parts) if isinstance(x, Tensor) and x.requires_grad]
    if not at:
        return values

    def seen_as_tensors(gs: tuple[Any, ...]) -> Any:
        tensors = [g if isinstance(g, Tensor) else wrap(g) for g in gs]
        shown: list[Any] = [None] * len(parts)
        for i, g in zip(at, tensors):
            shown[i] = g
        answers = seen(tuple(shown))
        return [answers[i] if isinstance(g, Tensor) else answers[i].array for i, g in zip(at, gs)]
    for i, x in zip(at, ops.passing(*[parts[i] for i in at], seen=seen_as_tensors)):
        parts[i] = x
    return tuple(parts) if isinstance(values, tuple) else parts[0]


def call_each(hooks: list[Callable[..., Any]], module: Any, gs: tuple[Any, ...], more: Any = ()) -> tuple[Any, ...]:
    """The gradients as the hooks want them: each may return others in their place."""
    for hook in hooks:
        answer = hook(module, gs, *more)
        if answer is not None:
            answer = answer if isinstance(answer, tuple) else (answer,)
            if len(answer) != len(gs):
                raise RuntimeError(f"a backward hook of {type(module).__name__} was shown {len(gs)} gradients and returned "
                                   f"{len(answer)}: it returns one for each, as a tuple, or None")
            gs = answer
    return gs
