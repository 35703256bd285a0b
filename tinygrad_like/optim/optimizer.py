"""What all optimizers share: groups of parameters with options of their own, a state for each parameter, and the walk over both."""
from __future__ import annotations

import functools
import inspect
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from types import GeneratorType
from typing import Any

from .. import backend, edits, errors
from ..backend import pieces as pieces
from ..grad_mode import enable_grad
from ..op import wrap
from ..tensor import Hook, Tensor
from ..types import float32, float64, get_default_dtype
from ..watch import watched, watchers

__all__ = ["Optimizer"]

Params = Iterable[Any]                                          # of Tensors, (name, Tensor) pairs or dicts
State = dict[str, Any]                                          # what is kept for one parameter


def with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step of an optimizer, with its hooks before and after."""
    @functools.wraps(step)
    def call(*args: Any, **kwargs: Any) -> Any:
        self: Optimizer = args[0]
        if self._inside_step:                                   # a step that calls super().step()
            return step(*args, **kwargs)
        self._inside_step = True
        try:
            for hook in list(self._step_pre_hooks.values()):
                changed = hook(self, args, kwargs)
                if changed is not None:
                    if not isinstance(changed, tuple) or len(changed) != 2:
                        raise RuntimeError(f"a hook before {type(self).__name__}.step returns None or (args, kwargs), "
                                           f"got {changed!r}")
                    args, kwargs = changed
            out = step(*args, **kwargs) if not watchers else watched("step", self, lambda: step(*args, **kwargs))
            for hook in list(self._step_post_hooks.values()):
                hook(self, args, kwargs)
        finally:
            self._inside_step = False
        if self._opt_called is False:
            self._opt_called = True
        return out
    return call


class Optimizer:
    """Changes parameters so that a loss gets smaller, by the gradients that `backward()` left in their `.grad`.

    params: Tensors, (name, Tensor) pairs, or dicts {"params": …, "lr": …}: groups with options of their own.
    defaults: the options of groups that do not say otherwise.

    A new optimizer is a subclass with an `update`, which changes the array of one parameter in place, given the array of its
    gradient, the dict `state` that is kept for it, and the options that it names:

        class Sign(Optimizer):
            def __init__(self, params, lr=0.01):
                super().__init__(params, {"lr": lr})

            def update(self, param, grad, state, *, lr):
                param -= lr * xp(grad).sign(grad)

    A subclass may as well define the whole `step`, as in PyTorch.
    """
    scalars: frozenset[str] = frozenset({"step"})               # what of a state are single numbers: these stay on the CPU
    _asked: tuple[str, ...] = ()                                # the options that `update` names

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = with_hooks(cls.step)                     # type: ignore[method-assign]
        if "update" in vars(cls):
            parameters = inspect.signature(cls.update).parameters.values()
            cls._asked = tuple([p.name for p in parameters if p.kind is p.KEYWORD_ONLY])

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            raise errors.WrongType(f"{type(self).__name__}: params is an iterable of Tensors or dicts, got {type(params).__name__}"
                                   + (": write [w] for a single one" if isinstance(params, Tensor) else
                                      ": write model.parameters()" if hasattr(params, "parameters") else ""))
        if isinstance(params, Mapping):
            raise errors.WrongType(f"{type(self).__name__}: params is an iterable of Tensors or dicts, got a "
                                   f"{type(params).__name__}: write [group] for a single group, and model.parameters() instead "
                                   "of a state_dict")
        self.__setstate__({"defaults": defaults, "state": defaultdict(dict), "param_groups": []})
        groups = list(params)
        if not groups:
            raise errors.WrongValue(f"{type(self).__name__} got an empty parameter list: was model.parameters() used up before, or "
                                    "are the layers in a plain list instead of a ModuleList?")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    # ---- parameters ---------------------------------------------------------------------------------------------
    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train these parameters as well, with these options: {"params": …, "lr": …}."""
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: a parameter group is a dict such as {{'params': [w], 'lr': 0.1}}, got "
                            f"{type(param_group).__name__}")
        if "params" not in param_group:
            raise KeyError(f"{name}: a parameter group has its Tensors under 'params', and this one has only {list(param_group)}")
        group = dict(param_group)
        params = group["params"]
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"{name}: parameters in a set have another order in each run: use a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [p for p in params if isinstance(p, tuple)]
        if named:
            if len(named) < len(params):
                raise errors.WrongValue(f"{name}: {len(named)} of {len(params)} parameters came with a name: give one to all "
                                        "or none")
            group["param_names"] = [p[0] for p in named]
            params = [p[1] for p in named]
        for i, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{name} can only optimize Tensors, but parameter {i} is of type {type(p).__name__}"
                                + (": write [*a.parameters(), *b.parameters()] for those of several modules"
                                   if isinstance(p, GeneratorType) or hasattr(p, "parameters") else ""))
            if not (p.is_leaf or p.retains_grad):
                raise errors.WrongValue(f"{name}: can't optimize a non-leaf Tensor: parameter {i}, of shape {tuple(p.shape)}, was "
                                        "computed from others.  Optimize those, or its detach().requires_grad_()")
        once = list(dict.fromkeys(params))
        if len(once) < len(params):
            warnings.warn(f"{name}: a parameter group has {len(params) - len(once)} parameters twice: each is updated once a step",
                          stacklevel=3)
            if named:
                names = dict(zip(params[::-1], group["param_names"][::-1]))                 # of its two names, the first
                group["param_names"] = [names[p] for p in once]
        group["params"] = once
        for key, value in self.defaults.items():
            given = group.setdefault(key, value)
            if type(value) in (int, float) and not isinstance(given, Tensor) and backend.python_number(given) is None:
                raise errors.WrongType(f"{name}: {key} is a number, got {given!r} in a parameter group")
        for other in self.param_groups:
            if ("param_names" in group) != ("param_names" in other):
                raise errors.WrongValue(f"{name}: all parameter groups have names for their parameters, or none has: see "
                                        "named_parameters()")
            if not set(once).isdisjoint(other["params"]):
                raise errors.WrongValue(f"{name}: some parameters appear in more than one parameter group: each belongs to one")
        refuse_unoffered(name, group)
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters; or with set_to_none=False, make them zeros."""
        for _, p in self._each():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad.detach_()
                    edits.writable(p.grad.array, "zero_grad")[...] = 0
                    edits.edited(p.grad.array, "zero_grad")

    def _each(self) -> Iterator[tuple[dict[str, Any], Tensor]]:
        for group in self.param_groups:
            for p in group["params"]:
                yield group, p

    # ---- the step -----------------------------------------------------------------------------------------------
    @with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change each parameter that has a gradient.  closure, if given, is called first: it computes the loss, returned here."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        how = f"{type(self).__name__}.step()"
        changed = []
        try:
            for group in self.param_groups:
                options = {name: number(group[name]) for name in self._asked}
                for p in group["params"]:
                    if (grad := p.grad) is not None:
                        changed.append(edits.writable(p.array, how))
                        self.update(changed[-1], grad.array, self.state[p], **options)
        finally:
            edits.all_edited(changed, how)
        return loss

    def update(self, param: Any, grad: Any, state: State, *_: Any, **options: Any) -> None:
        """Change the array of a parameter, in place, by that of its gradient."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(optimizer, args, kwargs) before each step; it may return other (args, kwargs)."""
        return Hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Hook:
        """Call hook(optimizer, args, kwargs) after each step."""
        return Hook(self._step_post_hooks, hook)

    # ---- to and from files --------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """{"state": {number of the parameter: its state}, "param_groups": the options, with numbers for parameters}.

        The numbers count the parameters through all groups.  The tensors are the optimizer's own: the next step changes them.
        """
        numbers = {id(p): i for i, (_, p) in enumerate(self._each())}
        groups = []
        for group in self.param_groups:
            options = {key: value for key, value in group.items() if key != "params"}
            groups.append({**options, "params": [numbers[id(p)] for p in group["params"]]})
        return {"state": {numbers.get(id(p), p): state for p, state in self.state.items() if state}, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from where a state_dict() was taken.  The tensors are copied, to the dtype and the device of their parameters.

        Parameters are told apart by their order.  Options that only say how PyTorch computes (foreach, fused, capturable,
        differentiable) are left as they are here.
        """
        name = type(self).__name__
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{name}: load_state_dict takes a dict, as state_dict() returns it, got {type(state_dict).__name__}"
                            + (": load the file first, load_state_dict(load(path))" if isinstance(state_dict, str) else ""))
        if not {"state", "param_groups"} <= set(state_dict):
            part = next((key for key, x in state_dict.items() if isinstance(x, Mapping) and "param_groups" in x), None)
            raise KeyError(f"{name}: the state_dict of an optimizer has 'state' and 'param_groups', and this dict has "
                           f"{', '.join(map(repr, list(state_dict)[:5]))}{', …' * (len(state_dict) > 5)}"
                           + (f": it looks like a whole checkpoint, load its part [{part!r}]" if part is not None else ""))
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise errors.WrongValue(f"{name}: loaded state dict has a different number of parameter groups: {len(saved)}, and this "
                                    f"optimizer has {len(self.param_groups)}")
        params: dict[Any, Tensor] = {}
        groups = []
        for i, (group, new) in enumerate(zip(self.param_groups, saved)):
            if len(new["params"]) != len(group["params"]):
                raise errors.WrongValue(f"{name}: loaded state dict has {len(new['params'])} parameters in group {i}, and this "
                                        f"optimizer {len(group['params'])}: the size of the group doesn't match")
            params.update(zip(new["params"], group["params"]))
            new = {key: number(value) for key, value in new.items()}
            kept = {key: group[key] for key in ("params", *UNOFFERED) if key in group}
            names = {"param_names": group["param_names"]} if "param_names" in group else {}
            groups.append({**self.defaults, **names, **new, **kept})
        state: defaultdict[Any, Any] = defaultdict(dict)
        for i, values in state_dict["state"].items():
            if i in params:
                state[params[i]] = {key: self._loaded(params[i], value, f"{name}: {key!r} of parameter {i}", key)
                                    for key, value in values.items()}
            else:
                state[i] = values
        self.__setstate__({"state": state, "param_groups": groups})

    def _loaded(self, p: Tensor, value: Any, what: str, key: str = "") -> Any:
        """A copy of what was saved in the state of a parameter."""
        if isinstance(value, (list, tuple)):
            return type(value)([self._loaded(p, each, what) for each in value])
        if isinstance(value, dict):
            return {k: self._loaded(p, each, what) for k, each in value.items()}
        if key in self.scalars and backend.python_number(value) is not None:
            return scalar(value)
        if type(value) in backend.array_types:
            value = wrap(value)
        if not isinstance(value, Tensor):
            if hasattr(value, "shape"):
                raise errors.WrongType(f"{what} is a {type(value).__module__}.{type(value).__name__}: make a tensor of it first")
            return deepcopy(value)
        if key in self.scalars:
            return wrap(backend.to_device(value.array, "cpu").copy())
        self.check_state(p, value, what)
        dtype = p.array.dtype if p.dtype.is_floating_point else value.array.dtype
        return wrap(backend.to_device(value.array.astype(dtype), backend.device_of(p.array)))     # astype copies

    def check_state(self, p: Tensor, value: Tensor, what: str) -> None:
        """Raise unless a tensor in the state of a parameter is as large as that."""
        if value.shape != p.shape:
            raise errors.ShapeError(f"{what} has shape {tuple(value.shape)}, and the parameter {tuple(p.shape)}: are the "
                                    "parameters in the order that they were saved in?")

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.defaults: dict[str, Any]
        self.state: defaultdict[Any, Any]                       # parameter -> what is kept for it
        self.param_groups: list[dict[str, Any]]
        self._step_pre_hooks: dict[int, Callable[..., Any]] = getattr(self, "_step_pre_hooks", {})
        self._step_post_hooks: dict[int, Callable[..., Any]] = getattr(self, "_step_post_hooks", {})
        self._inside_step = False
        self._opt_called: bool | None = getattr(self, "_opt_called", None)      # since a scheduler came to ask
        self.__dict__.update(state)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}"] + [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"] + [""]
        return "\n".join(lines[:-1] if len(lines) > 1 else lines) + "\n)"


# ---- what updates are written with ------------------------------------------------------------------------------
def gradient(w: Any, g: Any, weight_decay: float, maximize: bool) -> Any:
    """∂/∂w of what is to be made smaller, given g = ∂L/∂w: it is L + λ/2 ‖w‖², with −L for L if that is to be maximized."""
    if maximize:
        g = -g
    return g + weight_decay * w if weight_decay else g


def buffer(state: dict[str, Any], name: str, like: Any) -> Any:
    """The array of that name in a state: at first, zeros."""
    if state.get(name) is None:
        state[name] = wrap(backend.zeros_like(like))
    return state[name].array


def next_step(state: dict[str, Any]) -> float:
    """The number of this step: 1 the first time."""
    if "step" not in state:
        state["step"] = scalar(0)
    t = state["step"].array
    t += 1
    return t.item()


def scalar(x: float) -> Tensor:
    """A single number for a state, on the CPU; in float32, as PyTorch keeps these, unless float64 is the default."""
    return wrap(backend.host.asarray(x, (float64 if get_default_dtype() is float64 else float32).dtype))


def number(x: Any) -> Any:
    """An option as plain Python: NumPy's float64 would widen what it meets."""
    if isinstance(x, Tensor) and x.array.size == 1:
        return x.item()
    if isinstance(x, tuple):
        return tuple([number(each) for each in x])
    plain = backend.python_number(x)
    return x if plain is None else plain


# ---- what options may be ----------------------------------------------------------------------------------------
UNOFFERED = {"foreach": "there is one way here, which updates in place and in the cache",
             "fused": "there is one way here, which updates in place and in the cache",
             "capturable": "there are no graphs of a GPU's kernels here",
             "differentiable": "a step works in place here, and no gradient flows through it: write it by tensors for that"}


def refuse_unoffered(name: str, group: dict[str, Any]) -> None:
    """PyTorch's options about how to compute are taken as they are by default, and refused if they ask for another way."""
    for option, why in UNOFFERED.items():
        if group.get(option):
            raise NotImplementedError(f"{name}: {option}={group[option]!r} is not offered: {why}")


def not_negative(name: str, **options: Any) -> None:
    between(name, 0, float("inf"), **options)


def below_one(name: str, **options: Any) -> None:
    between(name, 0, 1, **options)


def between(name: str, least: float, end: float, **options: Any) -> None:
    """Raise unless least <= each < end."""
    for option, value in options.items():
        if isinstance(value, Tensor):
            raise errors.WrongValue(f"{name}: {option} is a number, got a Tensor of shape {tuple(value.shape)}: "
                                    f"write float({option})")
        if backend.python_number(value) is None:
            raise errors.WrongType(f"{name}: {option} is a number, got {value!r}")
        if not least <= value < end:
            limits = f"at least {least}" + (f" and below {end}" if end < float("inf") else "")
            raise errors.WrongValue(f"{name}: {option} is {limits}, got {value!r}")
