"""Optimizers with Keras's arguments: compile(optimizer=Adam(learning_rate=1e-3)).  The steps are those of `optim`.

One detail differs: Adam's ε is added to the root of the corrected second moment, as in PyTorch, and in Keras before the correction,
which matters for gradients around 1e-7 only.
"""
from __future__ import annotations

import inspect
from typing import Any, NoReturn

from .. import errors, optim
from ..nn.utils import clip_grad_norm_, clip_grad_value_
from . import schedules as schedules


class Optimizer:
    """Settings that an optimizer is made with, when the parameters are there: by compile, or `Adam(…)(model.parameters())`.

    clipnorm: gradients are shortened to that norm, each weight's by itself; global_clipnorm: all together.  clipvalue: each number
    of a gradient is brought between ± that.
    """
    kind: type
    spelled: dict[str, str]                                     # Keras's argument: PyTorch's
    fixed: dict[str, Any] = {}

    def __init__(self, learning_rate: float, settings: dict[str, Any], clipnorm: float | None = None,
                 clipvalue: float | None = None,
                 global_clipnorm: float | None = None, name: str | None = None, lr: float | None = None, **others: Any) -> None:
        title = type(self).__name__
        self.made: Any = None
        if lr is not None:
            learning_rate = lr
        self.schedule = learning_rate if callable(learning_rate) else None
        if self.schedule is not None:
            learning_rate = self.schedule(0)
        if not isinstance(learning_rate, (int, float)):
            raise errors.WrongType(f"{title}: learning_rate is a number, or one of keras.optimizers.schedules, got "
                                   f"{type(learning_rate).__name__}")
        unused = {"use_ema": (False,), "ema_momentum": (0.99,), "ema_overwrite_frequency": (None,), "loss_scale_factor": (None,),
                  "gradient_accumulation_steps": (None,), "jit_compile": (True, False, "auto"), "weight_decay": (None, 0, 0.0)}
        for key, value in others.items():
            if key not in unused:
                raise TypeError(f"{title} got an unexpected keyword argument {key!r}" + (
                    ": learning_rate=keras.optimizers.schedules.InverseTimeDecay(…) makes it smaller" if key == "decay" else ""))
            if value not in unused[key]:
                instead = ": AdamW has it" if key == "weight_decay" else ": fit(accumulate=…)" if "accumulation" in key else ""
                raise NotImplementedError(f"{title}: {key}={value!r} is Keras's, and not offered here{instead}")
        if [clipnorm, clipvalue, global_clipnorm].count(None) < 2:
            raise errors.WrongValue(f"{title}: one of clipnorm, clipvalue and global_clipnorm, not several")
        self.rate, self.settings = float(learning_rate), settings
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm

    def __call__(self, params: Any) -> Any:
        """The optimizer for these parameters: one of `optim`, whose learning_rate can be set, too."""
        kind = type(self.kind.__name__, (Settable, self.kind), {"__doc__": self.kind.__doc__, "__module__": __name__})
        kwargs = {self.spelled[key]: value for key, value in self.settings.items() if key in self.spelled} | self.fixed
        if "beta_1" in self.settings:
            kwargs["betas"] = (self.settings["beta_1"], self.settings["beta_2"])
        self.made = made = kind(params, lr=self.rate, **kwargs)
        if self.clipnorm is not None or self.clipvalue is not None or self.global_clipnorm is not None:
            made.register_step_pre_hook(self._clip)
        if self.schedule is not None:
            made.param_groups[0]["iterations"] = 0              # which is saved with the optimizer
            made.register_step_pre_hook(self._unchanged)
            made.register_step_post_hook(self._schedule)
        return made

    def _unchanged(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if optimizer.learning_rate != float(self.schedule(optimizer.param_groups[0]["iterations"])):  # type: ignore[misc]
            raise errors.WrongValue(f"{type(self).__name__}: the learning rate was set to {optimizer.learning_rate:g}, but a "
                                    "schedule sets it: leave out one of the two (a callback sets it, too)")

    def _schedule(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        optimizer.param_groups[0]["iterations"] += 1
        optimizer.learning_rate = self.schedule(optimizer.param_groups[0]["iterations"])            # type: ignore[misc]

    def _clip(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        params = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if self.global_clipnorm is not None:
            clip_grad_norm_(params, self.global_clipnorm)
        elif self.clipvalue is not None:
            clip_grad_value_(params, self.clipvalue)
        else:
            for p in params:
                clip_grad_norm_([p], self.clipnorm)             # type: ignore[arg-type]

    @property
    def learning_rate(self) -> float:
        return self.rate if self.made is None else self.made.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.rate = float(value)
        if self.made is not None:
            self.made.learning_rate = value

    lr = learning_rate

    def __repr__(self) -> str:
        told = ", ".join([f"{key}={value!r}" for key, value in {"learning_rate": self.learning_rate, **self.settings}.items()])
        return f"{type(self).__name__}({told})"


class Rate(float):
    """A learning rate, which Keras keeps in a variable."""
    optimizer: Any

    def numpy(self) -> float:
        return float(self)

    def assign(self, value: float) -> None:
        self.optimizer.learning_rate = value


class Settable:
    """An optimizer of optim with Keras's name for its lr."""
    param_groups: list[dict[str, Any]]

    @property
    def learning_rate(self) -> Rate:
        rate = Rate(self.param_groups[0]["lr"])
        rate.optimizer = self
        return rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for group in self.param_groups:
            group["lr"] = float(value)


class SGD(Optimizer):
    kind, spelled = optim.SGD, {"momentum": "momentum", "nesterov": "nesterov"}

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False, **others: Any) -> None:
        super().__init__(learning_rate, {"momentum": momentum, "nesterov": nesterov}, **others)


class RMSprop(Optimizer):
    kind, spelled = optim.RMSprop, {"rho": "alpha", "momentum": "momentum", "epsilon": "eps", "centered": "centered"}

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, **others: Any) -> None:
        super().__init__(learning_rate, {"rho": rho, "momentum": momentum, "epsilon": epsilon, "centered": centered}, **others)


class Adam(Optimizer):
    kind, spelled = optim.Adam, {"epsilon": "eps", "amsgrad": "amsgrad"}

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False, **others: Any) -> None:
        super().__init__(learning_rate, {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon, "amsgrad": amsgrad}, **others)


class AdamW(Optimizer):
    kind, spelled = optim.AdamW, {"weight_decay": "weight_decay", "epsilon": "eps", "amsgrad": "amsgrad"}

    def __init__(self, learning_rate: float = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-7, amsgrad: bool = False, **others: Any) -> None:
        super().__init__(learning_rate, {"weight_decay": weight_decay, "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon,
                                         "amsgrad": amsgrad}, **others)


class Adagrad(Optimizer):
    kind, spelled = optim.Adagrad, {"initial_accumulator_value": "initial_accumulator_value", "epsilon": "eps"}

    def __init__(self, learning_rate: float = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 **others: Any) -> None:
        super().__init__(learning_rate, {"initial_accumulator_value": initial_accumulator_value, "epsilon": epsilon}, **others)


class Adadelta(Optimizer):
    kind, spelled = optim.Adadelta, {"rho": "rho", "epsilon": "eps"}

    def __init__(self, learning_rate: float = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **others: Any) -> None:
        super().__init__(learning_rate, {"rho": rho, "epsilon": epsilon}, **others)


class Adamax(Optimizer):
    kind, spelled = optim.Adamax, {"epsilon": "eps"}

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 **others: Any) -> None:
        super().__init__(learning_rate, {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}, **others)


class Nadam(Optimizer):
    kind, spelled = optim.NAdam, {"epsilon": "eps"}

    def __init__(self, learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 **others: Any) -> None:
        super().__init__(learning_rate, {"beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon}, **others)


NAMES = {each.__name__.lower(): each for each in (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam)}


def get(optimizer: Any) -> Any:
    """The optimizer of that name, with Keras's settings; anything else as it is."""
    if isinstance(optimizer, str) and optimizer.lower() in NAMES:
        return NAMES[optimizer.lower()]()
    if inspect.isclass(optimizer) and issubclass(optimizer, Optimizer):
        return optimizer()                                      # type: ignore[call-arg]
    return optimizer


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
