"""RMSprop: the gradient, divided by how large it usually is."""
from __future__ import annotations

from typing import Any

from ..backend import one_kernel, xp
from .optimizer import Optimizer, Params, State, buffer, gradient, next_step, not_negative, pieces

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """v ← ρ v + (1 − ρ) g²          w ← w − α g / (√v + ε)

    ρ = alpha, α = lr.  centered: √(v − m²) for √v, with the mean m ← ρ m + (1 − ρ) g, so that it is the spread of the gradients
    that divides.  momentum μ: b ← μ b + g / (√v + ε) and w ← w − α b.  A weight decay λ adds λ w to g = ∂L/∂w.

    Sources: Tieleman and Hinton, "Neural networks for machine learning", lecture 6.5 (2012); centered: Graves, "Generating
    sequences with recurrent neural networks" (2013), equations 38 to 45, with ε outside of the root, as PyTorch has it.
    """

    def __init__(self, params: Params, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
                 momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False) -> None:
        not_negative("RMSprop", lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        super().__init__(params, dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
                                      capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, alpha: float, eps: float, weight_decay: float,
               momentum: float, centered: bool, maximize: bool) -> None:
        next_step(state)
        buffers = [buffer(state, name, param) if wanted else None for name, wanted in (
            ("square_avg", True), ("momentum_buffer", momentum), ("grad_avg", centered))]
        for part in pieces(param, grad, *buffers):
            divide(*part, lr, alpha, eps, weight_decay, momentum, maximize)


@one_kernel
def divide(w: Any, g: Any, v: Any, b: Any, m: Any, lr: float, alpha: float, eps: float, weight_decay: float, momentum: float,
           maximize: bool) -> None:
    g = gradient(w, g, weight_decay, maximize)
    v *= alpha
    v += (1 - alpha) * g * g
    spread = v
    if m is not None:
        m += (1 - alpha) * (g - m)
        spread = v - m * m
    step = g / (xp(v).sqrt(spread) + eps)
    if b is not None:
        b *= momentum
        b += step
        step = b
    w -= lr * step
