"""RAdam: Adam that starts as plain momentum, until it knows how large the gradients are."""
from __future__ import annotations

from typing import Any

from ..backend import xp
from .optimizer import Optimizer, Params, State, below_one, buffer, gradient, next_step, not_negative, pieces

__all__ = ["RAdam"]


class RAdam(Optimizer):
    """m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²          m̂ = m / (1 − β₁ᵗ)          as in Adam, and then
    w ← w − α r m̂ √(1 − β₂ᵗ) / (√v + ε)     if ρₜ > 5, else w ← w − α m̂

    ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ) with ρ∞ = 2 / (1 − β₂) − 1 is about how many gradients v is the mean of, and
    r² = (ρₜ − 4) (ρₜ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρₜ) makes up for how uncertain 1/√v is while those are few.
    A weight decay λ adds λ w to g = ∂L/∂w; decoupled_weight_decay=True shrinks w by α λ w instead.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (2020), algorithm 2.
    """

    def __init__(self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False) -> None:
        not_negative("RAdam", lr=lr, eps=eps, weight_decay=weight_decay)
        below_one("RAdam", beta1=betas[0], beta2=betas[1])
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, maximize=maximize,
                                      foreach=foreach, capturable=capturable, decoupled_weight_decay=decoupled_weight_decay,
                                      differentiable=differentiable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, betas: tuple[float, float], eps: float,
               weight_decay: float, decoupled_weight_decay: bool, maximize: bool) -> None:
        sqrt = xp(param).sqrt
        beta1, beta2 = betas
        decay = 0 if decoupled_weight_decay else weight_decay
        t = next_step(state)
        lr_t = lr / (1 - beta1**t)
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        certain = length > 5
        if certain:
            r2 = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            lr_t *= (r2 * (1 - beta2**t)) ** 0.5

        for w, g, m, v in pieces(param, grad, buffer(state, "exp_avg", param), buffer(state, "exp_avg_sq", param)):
            g = gradient(w, g, decay, maximize)
            if decay != weight_decay:
                w *= 1 - lr * weight_decay
            m *= beta1
            m += (1 - beta1) * g
            v *= beta2
            v += (1 - beta2) * g * g
            w -= lr_t * m / (sqrt(v) + eps) if certain else lr_t * m
