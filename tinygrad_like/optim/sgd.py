"""Gradient descent, plain and with momentum."""
from __future__ import annotations

from typing import Any

from .. import errors
from ..backend import one_kernel
from .optimizer import Optimizer, Params, State, buffer, gradient, not_negative, pieces

__all__ = ["SGD"]


class SGD(Optimizer):
    """w ← w − α ∂L/∂w          with a mini-batch for the gradient: stochastic gradient descent          (SPEC F-09)

    α = lr.  With a momentum μ, the step goes along a running sum b of the gradients g = ∂L/∂w, like a heavy ball:

        b ← μ b + (1 − τ) g     (b = g in the first step)          w ← w − α b

    and with Nesterov's momentum, along where that sum is about to be:    w ← w − α (g + μ b)

    τ is the dampening.  A weight decay λ adds λ w to g, which is the gradient of λ/2 ‖w‖².  maximize goes up instead of down.

    Sources: Robbins and Monro, "A stochastic approximation method" (1951); Polyak, "Some methods of speeding up the convergence of
    iteration methods" (1964), equation 9; Sutskever et al., "On the importance of initialization and momentum in deep learning"
    (2013), equations 1 to 4, with the rate outside of b, as PyTorch has it.
    """

    def __init__(self, params: Params, lr: float = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
                 nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
                 fused: bool | None = None) -> None:
        not_negative("SGD", lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise errors.WrongValue("SGD: nesterov=True wants a momentum and no dampening, "
                                    f"got momentum={momentum!r}, dampening={dampening!r}")
        super().__init__(params, dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
                                      maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, momentum: float, dampening: float, weight_decay: float,
               nesterov: bool, maximize: bool) -> None:
        weight = 1 if state.get("momentum_buffer") is None else 1 - dampening
        b = buffer(state, "momentum_buffer", param) if momentum else None
        for part in pieces(param, grad, b):
            descend(*part, lr, momentum, weight, weight_decay, nesterov, maximize)


@one_kernel
def descend(w: Any, g: Any, b: Any, lr: float, momentum: float, weight: float, weight_decay: float, nesterov: bool,
            maximize: bool) -> None:
    g = gradient(w, g, weight_decay, maximize)
    if momentum:
        b *= momentum
        b += g if weight == 1 else weight * g
        g = g + momentum * b if nesterov else b
    w -= lr * g
