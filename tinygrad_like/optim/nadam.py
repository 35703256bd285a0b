"""NAdam: Adam with Nesterov's momentum."""
from __future__ import annotations

from typing import Any

from ..backend import xp
from .optimizer import Optimizer, Params, State, below_one, buffer, gradient, next_step, not_negative, pieces, scalar

__all__ = ["NAdam"]


class NAdam(Optimizer):
    """m ← β₁ m + (1 − β₁) g          v ← β₂ v + (1 − β₂) g²          as in Adam, and then
    w ← w − α m̄ / (√v̂ + ε)           m̄ = (1 − μₜ) / (1 − Π) · g + μₜ₊₁ / (1 − Π μₜ₊₁) · m

    with v̂ = v / (1 − β₂ᵗ), a momentum that grows, μₜ = β₁ (1 − ½ · 0.96^(t ψ)) for ψ = momentum_decay, and Π = μ₁ μ₂ … μₜ.
    A weight decay λ adds λ w to g = ∂L/∂w; decoupled_weight_decay=True shrinks w by α λ w instead.

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), algorithm 2.
    """
    scalars = frozenset({"step", "mu_product"})

    def __init__(self, params: Params, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False) -> None:
        not_negative("NAdam", lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        below_one("NAdam", beta1=betas[0], beta2=betas[1])
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay,
                                      momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay,
                                      maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, betas: tuple[float, float], eps: float,
               weight_decay: float, momentum_decay: float, decoupled_weight_decay: bool, maximize: bool) -> None:
        sqrt = xp(param).sqrt
        beta1, beta2 = betas
        decay = 0 if decoupled_weight_decay else weight_decay
        t = next_step(state)
        mu, mu_next = [beta1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in (t, t + 1)]
        product = state.setdefault("mu_product", scalar(1)).array
        product *= mu
        of_g, of_m = (1 - mu) / (1 - product.item()), mu_next / (1 - product.item() * mu_next)

        for w, g, m, v in pieces(param, grad, buffer(state, "exp_avg", param), buffer(state, "exp_avg_sq", param)):
            g = gradient(w, g, decay, maximize)
            if decay != weight_decay:
                w *= 1 - lr * weight_decay
            m *= beta1
            m += (1 - beta1) * g
            v *= beta2
            v += (1 - beta2) * g * g
            w -= lr * (of_g * g + of_m * m) / (sqrt(v / (1 - beta2**t)) + eps)
