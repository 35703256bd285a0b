"""Averaged gradient descent: besides the weights, their mean over the last part of the training."""
from __future__ import annotations

from typing import Any

from .optimizer import Optimizer, Params, State, buffer, gradient, next_step, not_negative, pieces, scalar

__all__ = ["ASGD"]


class ASGD(Optimizer):
    """w ← (1 − λ η) w − η g          η = α / (1 + λ α t)^power          a ← a + μ (w − a), μ = 1 / max(1, t − t0)

    α = lr, λ = lambd, power = alpha; t counts the steps.  a, which is state[w]["ax"], is the mean of w since step t0: copy it to
    w at the end.  A weight decay adds weight_decay · w to g = ∂L/∂w.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992); the rates are of Bottou's sgd 2.
    """
    scalars = frozenset({"step", "eta", "mu"})

    def __init__(self, params: Params, lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
                 weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
                 capturable: bool = False) -> None:
        not_negative("ASGD", lr=lr, weight_decay=weight_decay)
        super().__init__(params, dict(lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach,
                                      maximize=maximize, differentiable=differentiable, capturable=capturable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, lambd: float, alpha: float, t0: float, weight_decay: float,
               maximize: bool) -> None:
        t = next_step(state)
        eta, mu = [state.setdefault(name, scalar(start)).item() for name, start in (("eta", lr), ("mu", 1))]
        for w, g, a in pieces(param, grad, buffer(state, "ax", param)):
            g = gradient(w, g, weight_decay, maximize)
            w *= 1 - lambd * eta
            w -= eta * g
            a += w - a if mu == 1 else mu * (w - a)
        state["eta"], state["mu"] = scalar(lr / (1 + lambd * lr * t) ** alpha), scalar(1 / max(1, t - t0))
