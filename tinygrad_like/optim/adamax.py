"""Adamax: Adam with the largest gradient in place of the root of the mean square."""
from __future__ import annotations

from typing import Any

from ..backend import xp
from .optimizer import Optimizer, Params, State, below_one, buffer, gradient, next_step, not_negative, pieces

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """m ← β₁ m + (1 − β₁) g          u ← max(β₂ u, |g| + ε)          w ← w − α / (1 − β₁ᵗ) · m / u

    α = lr, t the number of the step.  A weight decay λ adds λ w to g = ∂L/∂w.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 2; ε, which keeps u from 0, is PyTorch's.
    """

    def __init__(self, params: Params, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
                 capturable: bool = False) -> None:
        not_negative("Adamax", lr=lr, eps=eps, weight_decay=weight_decay)
        below_one("Adamax", beta1=betas[0], beta2=betas[1])
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, foreach=foreach,
                                      maximize=maximize, differentiable=differentiable, capturable=capturable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, betas: tuple[float, float], eps: float,
               weight_decay: float, maximize: bool) -> None:
        maximum = xp(param).maximum
        beta1, beta2 = betas
        lr_t = lr / (1 - beta1 ** next_step(state))
        for w, g, m, u in pieces(param, grad, buffer(state, "exp_avg", param), buffer(state, "exp_inf", param)):
            g = gradient(w, g, weight_decay, maximize)
            m *= beta1
            m += (1 - beta1) * g
            u *= beta2
            maximum(u, abs(g) + eps, out=u)
            w -= lr_t * m / u
