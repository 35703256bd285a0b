"""Adagrad: weights that seldom get a gradient take larger steps."""
from __future__ import annotations

from typing import Any

from ..backend import xp
from ..op import wrap
from .optimizer import Optimizer, Params, State, gradient, next_step, not_negative, pieces, scalar

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """s ← s + g²          w ← w − α / (1 + (t − 1) η) · g / (√s + ε)

    α = lr, η = lr_decay, t the number of the step; s starts at initial_accumulator_value.  A weight decay λ adds λ w to g = ∂L/∂w.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (2011),
    figure 1, with the diagonal of G.
    """

    def __init__(self, params: Params, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, fused: bool | None = None) -> None:
        not_negative("Adagrad", lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                     initial_accumulator_value=initial_accumulator_value, eps=eps)
        super().__init__(params, dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
                                      initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, fused=fused))
        for group, p in self._each():
            self._start(p.array, self.state[p], group["initial_accumulator_value"])

    def _start(self, w: Any, state: State, initial_accumulator_value: float) -> None:
        s = xp(w).zeros_like(w)
        for s_part, in pieces(s):
            s_part += initial_accumulator_value
        state.update(step=scalar(0), sum=wrap(s))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, lr_decay: float, weight_decay: float,
               initial_accumulator_value: float, eps: float, maximize: bool) -> None:
        if "sum" not in state:                                  # of a parameter that was added later
            self._start(param, state, initial_accumulator_value)
        sqrt = xp(param).sqrt
        lr_t = lr / (1 + (next_step(state) - 1) * lr_decay)
        for w, g, s in pieces(param, grad, state["sum"].array):
            g = gradient(w, g, weight_decay, maximize)
            s += g * g
            w -= lr_t * g / (sqrt(s) + eps)
