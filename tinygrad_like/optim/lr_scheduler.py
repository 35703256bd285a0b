"""Learning rates that change while training: `scheduler.step()` after each epoch (or each batch, where a docstring says so).

t counts the calls of step(), from 0 when the scheduler is made.  α₀ is the rate that the optimizer had before.

Most schedulers multiply the rate that is in force, αₜ = αₜ₋₁ · factor(t), so that several on one optimizer work together.  Each of
these says in `_get_closed_form_lr` what comes out if it is alone, which `step(epoch)` and SequentialLR ask for.
"""
from __future__ import annotations

import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import errors
from .optimizer import Optimizer

__all__ = ["LRScheduler", "LambdaLR", "MultiplicativeLR", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR",
           "PolynomialLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "OneCycleLR", "CyclicLR", "SequentialLR",
           "ChainedScheduler", "ReduceLROnPlateau"]


class LRScheduler:
    """Sets the `lr` of each group of an optimizer to what `get_lr` returns for it.  Subclasses define `get_lr`.

    last_epoch: -1, or where to go on: the optimizer then is one that was loaded, with "initial_lr" in its groups.
    """
    _get_lr_called_within_step = False
    _is_initial = False
    _step_count: int
    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(self, optimizer)
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"{type(self).__name__}: last_epoch={last_epoch} goes on from where a training was, and group {i} "
                               "of the optimizer has no 'initial_lr': load its state_dict first, or leave last_epoch at -1")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        if optimizer._opt_called is None:
            optimizer._opt_called = False                       # from now on it notes that it steps
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rate of each group for the epoch `last_epoch`."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr")

    def get_last_lr(self) -> list[float]:
        """The rate of each group that was set last."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on by one epoch.  (step(epoch) goes to that one, as if the scheduler were alone; PyTorch advises against it.)"""
        if self._step_count == 1 and not self.optimizer._opt_called:
            warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first learning rate is skipped "
                          "so.  Call `optimizer.step()` first", UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(GO_ON, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set(self._get_closed_form_lr if epoch is not None and hasattr(self, "_get_closed_form_lr") else self.get_lr)

    def _set(self, rates: Callable[[], list[float]]) -> None:
        """Have the optimizer take these rates."""
        self._get_lr_called_within_step = True
        try:
            for group, lr in zip(self.optimizer.param_groups, rates()):
                group["lr"] = lr
        finally:
            self._get_lr_called_within_step = False
        self._last_lr = self._rates()

    def _rates(self) -> list[float]:
        """The rates in force."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _warn_if_asked_outside_of_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn("get_lr() computes the next learning rate: to see the last one, use `get_last_lr()`",
                          UserWarning, stacklevel=3)

    def state_dict(self) -> dict[str, Any]:
        """All that the scheduler knows, but for the optimizer."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from where a state_dict() was taken.  Load the optimizer's after this one's."""
        vars(self).update(state_dict)


GO_ON = "step(epoch) jumps, as if the scheduler were alone: call step() without it"


def checked(scheduler: LRScheduler, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(scheduler).__name__}: {type(optimizer).__name__} is not an Optimizer")
    return optimizer


def for_each_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """A value for each group: those of a list, or the same one."""
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * n
    if len(value) != n:
        raise errors.WrongValue(f"{name} has {len(value)} values, and the optimizer has {n} parameter groups: give one for each")
    return list(value)


# ---- factors, one after the other -------------------------------------------------------------------------------
class Factor(LRScheduler):
    """αₜ = αₜ₋₁ · factor(t)"""

    def factor_now(self) -> float | None:
        """By what the rates are multiplied in the epoch `last_epoch`; None leaves them."""
        raise NotImplementedError

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        factor = self.factor_now()
        return self._rates() if factor is None else [lr * factor for lr in self._rates()]


class StepLR(Factor):
    """αₜ = α₀ γ^⌊t / step_size⌋          times γ every step_size epochs"""

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        return self.gamma if self.last_epoch != 0 and self.last_epoch % self.step_size == 0 else None

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(Factor):
    """αₜ = α₀ γ^(how many milestones are ≤ t)"""

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        return self.gamma ** self.milestones[self.last_epoch] if self.last_epoch in self.milestones else None

    def _get_closed_form_lr(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(Factor):
    """αₜ = α₀ · factor for t < total_iters, then α₀"""

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        if not 0 <= factor <= 1:
            raise errors.WrongValue(f"ConstantLR: factor is between 0 and 1, got {factor!r}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        if self.last_epoch == 0:
            return self.factor
        return 1 / self.factor if self.last_epoch == self.total_iters else None

    def _get_closed_form_lr(self) -> list[float]:
        return [base * (self.factor if self.last_epoch < self.total_iters else 1) for base in self.base_lrs]


class LinearLR(Factor):
    """αₜ = α₀ · f(t)          f a straight line from start_factor at t = 0 to end_factor at t = total_iters, then flat"""

    def __init__(self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5,
                 last_epoch: int = -1) -> None:
        if not 0 < start_factor <= 1:
            raise errors.WrongValue(f"LinearLR: start_factor is above 0 and at most 1, got {start_factor!r}")
        if not 0 <= end_factor <= 1:
            raise errors.WrongValue(f"LinearLR: end_factor is between 0 and 1, got {end_factor!r}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        if self.last_epoch == 0:
            return self.start_factor
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        rise = self.end_factor - self.start_factor              # f(t) / f(t-1), both times total_iters
        return 1 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise)

    def _get_closed_form_lr(self) -> list[float]:
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + (self.end_factor - self.start_factor) * part) for base in self.base_lrs]


class ExponentialLR(Factor):
    """αₜ = α₀ γᵗ"""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        return None if self._is_initial else self.gamma

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(Factor):
    """αₜ = α₀ (1 − t / total_iters)^power          down to 0 at total_iters"""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def factor_now(self) -> float | None:
        if self._is_initial or self.last_epoch > self.total_iters:
            return None
        left, before = 1 - self.last_epoch / self.total_iters, 1 - (self.last_epoch - 1) / self.total_iters
        return (left / before) ** self.power

    def _get_closed_form_lr(self) -> list[float]:
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]


class OfFunctions(LRScheduler):
    """A scheduler that is told by a function of t, or by one for each group.

    A state_dict holds those that are objects rather than plain functions, by their attributes.
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
                 last_epoch: int = -1) -> None:
        self.lr_lambdas = for_each_group("lr_lambda", checked(self, optimizer), lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{type(self).__name__}: lr_lambda is a function, got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "lr_lambdas": [attributes(function) for function in self.lr_lambdas]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "lr_lambdas"})
        for function, known in zip(self.lr_lambdas, state_dict["lr_lambdas"]):
            if known is not None:
                vars(function).update(known)


def attributes(function: Any) -> dict[str, Any] | None:
    """What an object that can be called knows; None for a function, which no file can hold."""
    return None if function is None or isinstance(function, types.FunctionType) else dict(getattr(function, "__dict__", {}))


class LambdaLR(OfFunctions):
    """αₜ = α₀ · lr_lambda(t)"""

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        return [base * function(self.last_epoch) for function, base in zip(self.lr_lambdas, self.base_lrs)]


class MultiplicativeLR(OfFunctions):
    """αₜ = αₜ₋₁ · lr_lambda(t)"""

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        if self._is_initial:
            return self._rates()
        return [lr * function(self.last_epoch) for function, lr in zip(self.lr_lambdas, self._rates())]


# ---- waves ------------------------------------------------------------------------------------------------------
class CosineAnnealingLR(LRScheduler):
    """αₜ = η + (α₀ − η) (1 + cos(π t / T_max)) / 2          from α₀ down to η = eta_min at T_max, and up again

    Computed from the rate in force: αₜ − η = (αₜ₋₁ − η) (1 + cos(π t / T_max)) / (1 + cos(π (t − 1) / T_max)), but where that
    divides by 0.  Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017), equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        if self._is_initial:
            return self._rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:      # the last rate was eta_min
            return [lr + (base - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
                    for base, lr in zip(self.base_lrs, self._rates())]
        now, before = [1 + math.cos(math.pi * t / self.T_max) for t in (self.last_epoch, self.last_epoch - 1)]
        return [self.eta_min + now / before * (lr - self.eta_min) for lr in self._rates()]

    def _get_closed_form_lr(self) -> list[float]:
        wave = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """αₜ = η + (α₀ − η) (1 + cos(π T_cur / T_i)) / 2          from α₀ down to η = eta_min, and at once to α₀ again

    The first descent takes T_0 epochs and each further one T_mult times as long as the last.  step(epoch) may be called after
    each batch, with fractions of epochs.  Source: Loshchilov and Hutter, as above, equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise errors.WrongValue(f"CosineAnnealingWarmRestarts: T_0 is a positive integer, got {T_0!r}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise errors.WrongValue(f"CosineAnnealingWarmRestarts: T_mult is a positive integer, got {T_mult!r}")
        if not isinstance(eta_min, (float, int)):
            raise errors.WrongValue(f"CosineAnnealingWarmRestarts: eta_min is a number, got {eta_min!r}")
        self.T_0 = T_0
        self.T_i = T_0                                          # the length of this descent
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch                          # how far it has come
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        wave = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * wave for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:         # type: ignore[override]
        if epoch is None and self.last_epoch >= 0:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = epoch or 0
            if epoch < 0:
                raise errors.WrongValue(f"CosineAnnealingWarmRestarts: step(epoch) wants one that is not negative, got {epoch!r}")
            self.last_epoch = math.floor(epoch)
            self.T_i, self.T_cur = self.T_0, epoch
            if epoch >= self.T_0:
                if self.T_mult == 1:
                    self.T_cur = epoch % self.T_0
                else:                                           # n descents have taken T_0 (1 + T_mult + … + T_multⁿ⁻¹)
                    n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
                    self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
                    self.T_i = self.T_0 * self.T_mult**n
        self._set(self.get_lr)


def start_momentum(scheduler: Any, optimizer: Optimizer, base: Any, largest: Any,
                   last_epoch: int) -> tuple[list[float], list[float]]:
    """The momentums between which a scheduler is to go, of each group; each group begins with the largest."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise errors.WrongValue(f"{type(scheduler).__name__}: {type(optimizer).__name__} has neither momentum nor betas: "
                                "use cycle_momentum=False")
    scheduler.use_beta1 = "betas" in optimizer.defaults
    bases, maxima = for_each_group("base_momentum", optimizer, base), for_each_group("max_momentum", optimizer, largest)
    if last_epoch == -1:
        for group, low, high in zip(optimizer.param_groups, bases, maxima):
            set_momentum(group, high)
            group["max_momentum"], group["base_momentum"] = high, low
    return bases, maxima


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """The momentum of a group; where there are betas, that is the first of them."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """αₜ = base_lr + (max_lr − base_lr) · saw(t) · scale          up in step_size_up steps, down in step_size_down; step each batch

    saw goes from 0 to 1 and back.  scale is 1 (mode "triangular"), 2^(1 − cycle) ("triangular2": half as high each time) or γᵗ
    ("exp_range"); or scale_fn of the number of the cycle, counted from 1, or of t, as scale_mode says ("cycle", "iterations").
    The momentum (or the first of the betas) goes the other way: max_momentum − (max_momentum − base_momentum) · saw(t) · scale.

    Source: Smith, "Cyclical learning rates for training neural networks" (2017), section 3.2.
    """

    def __init__(self, optimizer: Optimizer, base_lr: float | list[float], max_lr: float | list[float], step_size_up: int = 2000,
                 step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
                 scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
                 base_momentum: float = 0.8, max_momentum: float = 0.9, last_epoch: int = -1) -> None:
        base_lrs = for_each_group("base_lr", checked(self, optimizer), base_lr)
        self.max_lrs = for_each_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs):
                group["lr"] = lr
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if scale_fn is None and mode not in ("triangular", "triangular2", "exp_range"):
            raise errors.WrongValue(f"CyclicLR: mode is 'triangular', 'triangular2' or 'exp_range', got {mode!r}: for another, "
                                    "give scale_fn")
        if scale_fn is not None and scale_mode not in ("cycle", "iterations"):
            raise errors.WrongValue(f"CyclicLR: scale_mode is 'cycle' or 'iterations', got {scale_mode!r}")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = start_momentum(self, optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """How high the cycle x is, or the top at the time x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": 1.0, "triangular2": 2.0 ** (1 - x), "exp_range": self.gamma**x}[self.mode]

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1 + self.last_epoch / self.total_size - cycle       # how much of this cycle is over
        saw = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                set_momentum(group, high - (high - low) * saw * scale)
        return [low + (high - low) * saw * scale for low, high in zip(self.base_lrs, self.max_lrs)]

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_scale_fn_custom": attributes(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None:
            vars(self._scale_fn_custom).update(state_dict["_scale_fn_custom"])


class OneCycleLR(LRScheduler):
    """From max_lr / div_factor up to max_lr, in pct_start of all steps, then down to 1 / final_div_factor of the start

    step() is for each batch.  Between two points the rate follows half a wave ("cos") or a line ("linear").  The momentum (or the
    first of the betas) goes from max_momentum down to base_momentum and up again.  three_phase: down as long as up, to where it
    began; then to the end.
    How many steps there will be is total_steps, or epochs · steps_per_epoch.

    Source: Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates" (2018).
    """

    def __init__(self, optimizer: Optimizer, max_lr: float | list[float], total_steps: int | None = None,
                 epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
                 anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float | list[float] = 0.85,
                 max_momentum: float | list[float] = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
                 three_phase: bool = False, last_epoch: int = -1) -> None:
        checked(self, optimizer)
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise errors.WrongValue("OneCycleLR: give either total_steps, or both epochs and steps_per_epoch")
            positive_integers(epochs=epochs, steps_per_epoch=steps_per_epoch)
            total_steps = epochs * steps_per_epoch
        positive_integers(total_steps=total_steps)
        self.total_steps = total_steps
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise errors.WrongValue(f"OneCycleLR: pct_start is a float between 0 and 1, got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise errors.WrongValue(f"OneCycleLR: anneal_strategy is 'cos' or 'linear', got {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy

        top = float(pct_start * total_steps) - 1
        points = [(top, "max_lr", "base_momentum"), (total_steps - 1, "min_lr", "max_momentum")]
        if three_phase:
            points.insert(1, (float(2 * pct_start * total_steps) - 2, "initial_lr", "max_momentum"))
        self._schedule_phases: list[dict[str, Any]] = []
        start_lr, start_m = "initial_lr", "max_momentum"
        for end_step, end_lr, end_m in points:
            self._schedule_phases.append(dict(end_step=end_step, start_lr=start_lr, end_lr=end_lr, start_momentum=start_m,
                                              end_momentum=end_m))
            start_lr, start_m = end_lr, end_m

        for group, highest in zip(optimizer.param_groups, for_each_group("max_lr", optimizer, max_lr)):
            if last_epoch == -1:
                group["initial_lr"] = highest / div_factor
                group["max_lr"] = highest
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            start_momentum(self, optimizer, base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_if_asked_outside_of_step()
        t = self.last_epoch
        if t > self.total_steps:
            raise errors.WrongValue(f"OneCycleLR: step {t} of {self.total_steps}: the schedule is over.  Was step() called after "
                                    "each batch, and total_steps the number of epochs?")
        start, phase = 0.0, self._schedule_phases[0]
        for phase in self._schedule_phases:
            if t <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        part = (t - start) / (phase["end_step"] - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                set_momentum(group, self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part))
        return rates

    def _between(self, start: float, end: float, part: float) -> float:
        if self._anneal_func_type == "linear":
            return start + (end - start) * part
        return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


def positive_integers(**values: Any) -> None:
    for name, value in values.items():
        if not isinstance(value, int) or value <= 0:
            raise errors.WrongValue(f"OneCycleLR: {name} is a positive integer, got {value!r}")


# ---- several together -------------------------------------------------------------------------------------------
class Several(LRScheduler):
    """What the schedulers made of others share."""
    _schedulers: Sequence[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> Optimizer:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise errors.WrongValue(f"{name} expects at least one scheduler, got none")
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name}: scheduler {i} is of type {type(scheduler).__name__}, which has no optimizer")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise errors.WrongValue(f"{name}: scheduler {i} is a ReduceLROnPlateau, whose step takes a measure: "
                                        "step it by itself")
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise errors.WrongValue(f"{name}: scheduler {i} ({type(scheduler).__name__}) belongs to another optimizer "
                                        "than the others")
        assert optimizer is not None
        return optimizer

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "_schedulers"})
        for scheduler, known in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler.load_state_dict(known)


class SequentialLR(Several):
    """One scheduler after the other: scheduler i + 1 takes over at milestones[i], and starts with its epoch 0 there"""

    def __init__(self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise errors.WrongValue(f"SequentialLR: {len(schedulers)} schedulers have {len(schedulers) - 1} milestones between "
                                    f"them, got {len(milestones)}")
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:                    # each scheduler has made its first step: undo them all
            group["lr"] = group["initial_lr"]
        self.recursive_undo()
        schedulers[bisect_right(milestones, 0)]._initial_step()
        self._last_lr = schedulers[bisect_right(milestones, 0)].get_last_lr()

    def recursive_undo(self, sched: LRScheduler | None = None) -> None:
        """Take back the epoch of a scheduler, or of all that it is made of."""
        sched = self if sched is None else sched
        if isinstance(sched, Several):
            for each in sched._schedulers:
                self.recursive_undo(each)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self) -> None:                                     # type: ignore[override]
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(Several):
    """All schedulers at once: each changes the rate that the one before it has set"""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self._last_lr = self._rates()

    def step(self) -> None:                                     # type: ignore[override]
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        for scheduler in self._schedulers:
            scheduler._update_lr(epoch)
        self._last_lr = self._rates()


# ---- by how training goes ---------------------------------------------------------------------------------------
class ReduceLROnPlateau(LRScheduler):
    """α ← max(α · factor, min_lr) when a measure has not become better for more than `patience` calls of step(measure)

    mode: whether a smaller measure is better ("min") or a larger one ("max").  Better means: by more than threshold, times the best
    so far ("rel") or as it is ("abs").  For `cooldown` calls after a change none are counted.  Changes below eps are not made.
    """
    mode_worse: float

    def __init__(self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
                 threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | list[float] = 0, eps: float = 1e-8) -> None:
        if factor >= 1:
            raise errors.WrongValue(f"ReduceLROnPlateau: factor is below 1, got {factor!r}")
        if mode not in ("min", "max"):
            raise errors.WrongValue(f"ReduceLROnPlateau: mode is 'min' or 'max', got {mode!r}")
        if threshold_mode not in ("rel", "abs"):
            raise errors.WrongValue(f"ReduceLROnPlateau: threshold_mode is 'rel' or 'abs', got {threshold_mode!r}")
        self.optimizer = checked(self, optimizer)
        self.factor = factor
        self.min_lrs = for_each_group("min_lr", optimizer, min_lr)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._rates()
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self._reset()

    def _reset(self) -> None:
        """Forget what was."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def step(self, metrics: Any, epoch: int | None = None) -> None:          # type: ignore[override]
        """Note how good the model is now: a number, or a Tensor of one."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn(GO_ON, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(f"ReduceLROnPlateau: the optimizer has {len(groups)} parameter groups by now, and min_lr "
                                   f"was given for {len(self.min_lrs)}: append to scheduler.min_lrs")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            lr = max(group["lr"] * self.factor, least)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr

    def _is_better(self, a: float, best: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        limit = best * (1 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return a < limit if self.mode == "min" else a > limit

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.mode_worse = math.inf if self.mode == "min" else -math.inf
