"""Adadelta: Adagrad with fading sums, and steps in the units of the weights."""
from __future__ import annotations

from typing import Any

from ..backend import xp
from .optimizer import Optimizer, Params, State, between, buffer, gradient, next_step, not_negative, pieces

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """v ← ρ v + (1 − ρ) g²          Δ = √(u + ε) / √(v + ε) · g
    u ← ρ u + (1 − ρ) Δ²             w ← w − α Δ

    v is the mean square of the gradients, and u that of the steps.  α = lr.  A weight decay λ adds λ w to g = ∂L/∂w.

    Source: Zeiler, "Adadelta: an adaptive learning rate method" (2012), algorithm 1, which has no α.
    """

    def __init__(self, params: Params, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
                 foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False,
                 differentiable: bool = False) -> None:
        not_negative("Adadelta", lr=lr, eps=eps, weight_decay=weight_decay)
        if rho != 1:
            between("Adadelta", 0, 1, rho=rho)
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
                                      foreach=foreach, differentiable=differentiable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, rho: float, eps: float, weight_decay: float,
               maximize: bool) -> None:
        sqrt = xp(param).sqrt
        next_step(state)
        for w, g, v, u in pieces(param, grad, buffer(state, "square_avg", param), buffer(state, "acc_delta", param)):
            g = gradient(w, g, weight_decay, maximize)
            v *= rho
            v += (1 - rho) * g * g
            delta = sqrt(u + eps) / sqrt(v + eps) * g
            u *= rho
            u += (1 - rho) * delta * delta
            w -= lr * delta
