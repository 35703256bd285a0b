"""Adam and AdamW: steps that are about as long in each direction, however large the gradients are."""
from __future__ import annotations

from typing import Any

from ..backend import one_kernel, xp
from .optimizer import Optimizer, Params, State, below_one, buffer, gradient, next_step, not_negative, pieces

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g          the mean of the gradients g = ∂L/∂w, where old ones fade
    v ← β₂ v + (1 − β₂) g²            the mean of their squares
    w ← w − α m̂ / (√v̂ + ε)           with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ)

    Both means start at 0; in step t, m̂ and v̂ are what they would be had they not.  The update is computed as

        w ← w − α √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε √(1 − β₂ᵗ))

    which is the same, in fewer operations on arrays.  With amsgrad, the largest v so far stands for v in the last line.

    A weight decay λ adds λ w to g; decoupled_weight_decay=True shrinks w by α λ w instead, which is AdamW.

    Sources: Kingma and Ba, "Adam: a method for stochastic optimization" (2015), algorithm 1 and the end of section 2; Reddi et
    al., "On the convergence of Adam and beyond" (2018), algorithm 2.
    """

    def __init__(self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
                 decoupled_weight_decay: bool = False) -> None:
        name = type(self).__name__
        not_negative(name, lr=lr, eps=eps, weight_decay=weight_decay)
        below_one(name, beta1=betas[0], beta2=betas[1])
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
                                      maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable,
                                      fused=fused, decoupled_weight_decay=decoupled_weight_decay))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, betas: tuple[float, float], eps: float,
               weight_decay: float, amsgrad: bool, maximize: bool, decoupled_weight_decay: bool) -> None:
        beta1, beta2 = betas
        decay = 0 if decoupled_weight_decay else weight_decay
        t = next_step(state)
        unbias = (1 - beta2**t) ** 0.5
        lr_t, eps_t = lr * unbias / (1 - beta1**t), eps * unbias

        means = buffer(state, "exp_avg", param), buffer(state, "exp_avg_sq", param)
        maxima = buffer(state, "max_exp_avg_sq", param) if amsgrad else None
        for part in pieces(param, grad, *means, maxima):
            adapt(*part, beta1, beta2, lr_t, eps_t, decay, 1 - lr * (weight_decay - decay), maximize)


@one_kernel
def adapt(w: Any, g: Any, m: Any, v: Any, largest: Any, beta1: float, beta2: float, lr_t: float, eps_t: float, decay: float,
          shrink: float, maximize: bool) -> None:
    g = gradient(w, g, decay, maximize)
    if shrink != 1:
        w *= shrink
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    square = g * g                                              # in place from here, which leaves the cache to what is needed
    square *= 1 - beta2
    v += square
    if largest is not None:
        v = xp(v).maximum(largest, v, out=largest)
    step = xp(v).sqrt(v)
    step += eps_t
    step = m / step
    step *= lr_t
    w -= step


class AdamW(Adam):
    """w ← w − α λ w − α m̂ / (√v̂ + ε)          with m̂ and v̂ as in Adam

    The weight decay λ shrinks every weight at the same rate.  As a part of g, as in Adam, it would be divided by √v̂: least where
    gradients are large.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019), algorithm 2.
    """

    def __init__(self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
                 capturable: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
                         differentiable=differentiable, fused=fused, decoupled_weight_decay=True)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:                         # files from before there was the option
            group["decoupled_weight_decay"] = True
