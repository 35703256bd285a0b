"""Learning rates that change with the steps made: SGD(learning_rate=schedules.ExponentialDecay(0.1, 1000, 0.96))."""
from __future__ import annotations

import bisect
import math
from typing import Any, NoReturn

from .. import errors


class LearningRateSchedule:
    """schedule(step) is the learning rate of that step, counted from 0.  A subclass of one's own has a __call__."""

    def __call__(self, step: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} has no __call__(self, step)")


class Decay(LearningRateSchedule):
    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
                 name: str | None = None) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase = staircase

    def passed(self, step: int) -> float:
        """How many times decay_steps have passed; staircase: in whole numbers."""
        return step // self.decay_steps if self.staircase else step / self.decay_steps


class ExponentialDecay(Decay):
    """initial · decay_rate^(step / decay_steps)"""

    def __call__(self, step: int) -> float:
        return float(self.initial_learning_rate * self.decay_rate ** self.passed(step))


class InverseTimeDecay(Decay):
    """initial / (1 + decay_rate · step / decay_steps)"""

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * self.passed(step))


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[0] up to step boundaries[0], values[1] up to boundaries[1], …, and the last value after all of them."""

    def __init__(self, boundaries: Any, values: Any, name: str | None = None) -> None:
        if len(values) != len(boundaries) + 1:
            raise errors.WrongValue(f"PiecewiseConstantDecay: for {len(boundaries)} boundaries there are {len(boundaries) + 1} "
                                    f"values, got {len(values)}")
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: int) -> float:
        return float(self.values[bisect.bisect_left(self.boundaries, step)])


class PolynomialDecay(LearningRateSchedule):
    """end + (initial - end) (1 - step / decay_steps)^power, and `end` afterwards; cycle: with twice, three times … decay_steps."""

    def __init__(self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
                 cycle: bool = False, name: str | None = None) -> None:
        self.initial_learning_rate, self.decay_steps, self.end_learning_rate = initial_learning_rate, decay_steps, end_learning_rate
        self.power, self.cycle = power, cycle

    def __call__(self, step: int) -> float:
        total = self.decay_steps * (max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1)
        left = 1 - min(step, total) / total
        return float((self.initial_learning_rate - self.end_learning_rate) * left ** self.power + self.end_learning_rate)


class CosineDecay(LearningRateSchedule):
    """initial ((1 - α) ½ (1 + cos(π step / decay_steps)) + α), and α · initial afterwards.

    warmup_target: before, over warmup_steps steps, evenly from `initial` up to that, from which it then falls.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str | None = None,
                 warmup_target: float | None = None, warmup_steps: int = 0) -> None:
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps

    def __call__(self, step: int) -> float:
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return top + (self.warmup_target - top) * step / self.warmup_steps
            step, top = step - self.warmup_steps, self.warmup_target
        return top * cosine(min(step, self.decay_steps) / self.decay_steps, self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """CosineDecay again and again: each time t_mul times as long, from a learning rate m_mul times as large."""

    def __init__(self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0,
                 alpha: float = 0.0, name: str | None = None) -> None:
        self.initial_learning_rate, self.first_decay_steps, self.t_mul = initial_learning_rate, first_decay_steps, t_mul
        self.m_mul, self.alpha = m_mul, alpha

    def __call__(self, step: int) -> float:
        left, length, top = float(step), float(self.first_decay_steps), 1.0
        while left >= length:
            left, length, top = left - length, length * self.t_mul, top * self.m_mul
        return self.initial_learning_rate * ((1 - self.alpha) * top * cosine(left / length, 0.0) + self.alpha)


def cosine(part: float, alpha: float) -> float:
    """From 1 down to α."""
    return (1 - alpha) * 0.5 * (1 + math.cos(math.pi * part)) + alpha


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
