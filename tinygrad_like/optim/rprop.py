"""Rprop: steps that depend on the signs of the gradients alone.  For whole data sets rather than mini-batches."""
from __future__ import annotations

from typing import Any

from .. import backend, errors
from ..backend import xp
from ..op import wrap
from .optimizer import Optimizer, Params, State, buffer, gradient, next_step, not_negative, pieces

__all__ = ["Rprop"]


class Rprop(Optimizer):
    """s = sign(g · g_before)                                     for each weight by itself: does it go on as before?
    Δ ← Δ η⁺ if s > 0, Δ η⁻ if s < 0, between the step_sizes     (η⁻, η⁺) = etas; Δ starts as lr
    w ← w − sign(g) Δ                                            but where s < 0, w stays, and the next s is 0

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm" (1993), in the
    version without backtracking of Igel and Hüsken, "Improving the Rprop learning algorithm" (2000), iRprop⁻.
    """

    def __init__(self, params: Params, lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False, foreach: bool | None = None,
                 maximize: bool = False, differentiable: bool = False) -> None:
        not_negative("Rprop", lr=lr)
        if not 0 < etas[0] < 1 < etas[1]:
            raise errors.WrongValue(f"Rprop: etas are two numbers, one between 0 and 1 and one above 1, got {etas!r}")
        super().__init__(params, dict(lr=lr, etas=tuple(etas), step_sizes=tuple(step_sizes), foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, capturable=capturable))

    def update(self, param: Any, grad: Any, state: State, *, lr: float, etas: tuple[float, float],
               step_sizes: tuple[float, float], maximize: bool) -> None:
        sign, clip = xp(param).sign, xp(param).clip
        down, up = etas
        next_step(state)
        before = buffer(state, "prev", param)
        if "step_size" not in state:
            sizes = xp(param).zeros_like(param)
            for part, in pieces(sizes):
                part += lr
            state["step_size"] = wrap(sizes)
        for w, g, g_before, size in pieces(param, grad, before, state["step_size"].array):
            g = gradient(w, g, 0, maximize)
            s = g * g_before
            size[...] = backend.where(s > 0, size * up, backend.where(s < 0, size * down, size))
            clip(size, *step_sizes, out=size)
            g_before[...] = backend.where(s < 0, g * 0, g)
            w -= sign(g_before) * size
