"""L-BFGS: Newton's method, with the curvature guessed from the last steps.  For whole data sets rather than mini-batches."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from .. import errors
from ..functions.creation import zeros_like
from ..functions.shape import cat
from ..grad_mode import enable_grad, no_grad
from ..tensor import Tensor
from .optimizer import Optimizer, Params, not_negative

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """w ← w + t d          d = −H g, where H is about the inverse of the second derivative

    With all parameters as one vector w, the last `history_size` pairs of s = (step taken) and y = (change of g) tell what H is:
    it is the matrix nearest to a multiple of 1 that has H y = s for each.  H g is computed from the pairs, by two loops:

        q ← g;    from the newest pair to the oldest:   aᵢ = sᵢ·q / yᵢ·sᵢ,   q ← q − aᵢ yᵢ
        r = q (y·s / y·y);   from the oldest to the newest:   r ← r + sᵢ (aᵢ − yᵢ·r / yᵢ·sᵢ);   d = −r

    t is lr (less in the first step), or what line_search_fn="strong_wolfe" finds.  step(closure) calls the closure, which clears
    the gradients, computes the loss, calls backward() and returns the loss, up to max_eval times, and takes up to max_iter steps;
    it ends before if no |g| is above tolerance_grad, or neither w nor the loss changes by more than tolerance_change.

    Source: Nocedal and Wright, "Numerical optimization" (2006), algorithms 7.4, 7.5, 3.5 and 3.6.
    """

    def __init__(self, params: Params, lr: float = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
                 tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None) -> None:
        not_negative("LBFGS", lr=lr)
        if line_search_fn not in (None, "strong_wolfe"):
            raise errors.WrongValue(f"LBFGS: line_search_fn is None or 'strong_wolfe', got {line_search_fn!r}")
        super().__init__(params, dict(lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
                                      tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
                                      line_search_fn=line_search_fn))

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        if self.param_groups:
            raise errors.WrongValue("LBFGS doesn't support parameter groups: it sees all parameters as one vector")
        super().add_param_group(param_group)
        if any([p.is_complex() for p in self.param_groups[0]["params"]]):
            raise errors.WrongType("LBFGS is not offered for complex parameters: optimize their real and imaginary parts")

    def check_state(self, p: Tensor, value: Tensor, what: str) -> None:
        """What is kept is about all parameters, under the name of the first."""

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:          # type: ignore[override]
        """Take up to max_iter steps; returns the loss before the first."""
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        lr, max_iter, max_eval, small = [group[name] for name in ("lr", "max_iter", "max_eval", "tolerance_change")]
        state = self.state[group["params"][0]]
        first_loss = closure()
        loss, g, evals, ended = float(first_loss), self._gradient(), 1, False
        state["func_evals"] = state.get("func_evals", 0) + 1
        state.setdefault("n_iter", 0)

        def done() -> bool:
            return bool(g.abs().max() <= group["tolerance_grad"])

        if done():
            return first_loss
        for n in range(1, max_iter + 1):
            d = self._direction(g, state, group["history_size"])
            t = min(1.0, 1.0 / g.abs().sum().item()) * lr if state["n_iter"] == 0 else lr
            state["n_iter"] += 1
            state.update(d=d, t=t, prev_flat_grad=g, prev_loss=loss)
            slope = g.dot(d).item()
            if slope > -small:
                break
            before, used = loss, 0
            if group["line_search_fn"] is not None:
                at = self._along(closure, d)
                found, used = strong_wolfe(at, Point(0.0, loss, g, slope), t, d.abs().max().item(), small, max_eval - evals)
                t, loss, g = found.t, found.f, found.g
                self._move(t, d)
                ended = done()
            else:
                self._move(t, d)
                if n < max_iter:                                # nobody would use it after the last
                    loss, used = float(closure()), 1
                    g = self._gradient()
                    ended = done()
            state["t"] = t
            evals += used
            state["func_evals"] += used
            if ended or evals >= max_eval or (d * t).abs().max() <= small or abs(loss - before) < small:
                break
        return first_loss

    def _direction(self, g: Tensor, state: dict[str, Any], history_size: int) -> Tensor:
        """d = −H g, after the newest step was taken into account."""
        if state["n_iter"] == 0:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -g
        ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y, s = g - state["prev_flat_grad"], state["d"] * float(state["t"])
        curvature = y.dot(s)
        if curvature > 1e-10:
            if len(ys) == history_size:
                del ys[0], ss[0], ro[0]
            ys.append(y), ss.append(s), ro.append(1.0 / curvature)
            state["H_diag"] = curvature / y.dot(y)

        q, a = -g, [None] * len(ys)
        for i in reversed(range(len(ys))):
            a[i] = ss[i].dot(q) * ro[i]
            q = q - ys[i] * a[i]
        r = q * state["H_diag"]
        for i in range(len(ys)):
            r = r + ss[i] * (a[i] - ys[i].dot(r) * ro[i])
        return r

    def _gradient(self) -> Tensor:
        """The gradients of all parameters as one vector."""
        params = self.param_groups[0]["params"]
        return cat([(zeros_like(p) if p.grad is None else p.grad).detach().reshape(-1) for p in params])

    def _move(self, t: float, d: Tensor) -> None:
        """w ← w + t d"""
        start = 0
        for p in self.param_groups[0]["params"]:
            p += d[start:start + p.numel()].reshape(*p.shape) * t
            start += p.numel()

    def _along(self, closure: Callable[[], Any], d: Tensor) -> Callable[[float], Point]:
        """A function of t that tells what it is like at w + t d, and returns to w."""
        params = self.param_groups[0]["params"]
        here = [p.detach().clone() for p in params]

        def at(t: float) -> Point:
            self._move(t, d)
            f, g = float(closure()), self._gradient()
            for p, w in zip(params, here):
                p.copy_(w)
            return Point(t, f, g, g.dot(d).item())
        return at


class Point(NamedTuple):
    """What there is at w + t d: the loss f, its gradient g, and its slope g·d along the line."""
    t: float
    f: float
    g: Tensor
    slope: float


def strong_wolfe(at: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, max_steps: int,
                 c1: float = 1e-4, c2: float = 0.9) -> tuple[Point, int]:
    """A point of the line where the loss is clearly lower, f ≤ f₀ + c₁ t f₀′, and flatter, |f′| ≤ c₂ |f₀′|; and how many it tried.

    First the step grows until the bottom is passed, then the stretch where the bottom must be is cut down.
    """
    def too_high(x: Point) -> bool: return x.f > start.f + c1 * x.t * start.slope
    def flat(x: Point) -> bool: return abs(x.slope) <= -c2 * start.slope

    before, now, steps = start, at(t), 0
    while steps < max_steps:
        if too_high(now) or (steps > 1 and now.f >= before.f) or (now.slope >= 0 and not flat(now)):
            ends = [before, now]
            break
        if flat(now):
            return now, steps + 1
        t = lowest(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t)
        before, now, steps = now, at(t), steps + 1
    else:
        ends = [start, now]

    close_before = False
    low, high = (0, 1) if ends[0].f <= ends[1].f else (1, 0)
    while steps < max_steps:
        left, right = sorted([ends[0].t, ends[1].t])
        if (right - left) * longest < tolerance:
            break
        t = lowest(ends[0], ends[1], left, right)
        margin = 0.1 * (right - left)
        close = min(right - t, t - left) < margin
        if close and (close_before or t >= right or t <= left):             # no progress: keep away from the end
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            close = False
        close_before = close
        new, steps = at(t), steps + 1
        if too_high(new) or new.f >= ends[low].f:
            ends[high] = new
            low, high = (0, 1) if ends[0].f <= ends[1].f else (1, 0)
        elif flat(new):
            return new, steps + 1
        else:
            if new.slope * (ends[high].t - ends[low].t) >= 0:
                ends[high] = ends[low]
            ends[low] = new
    return ends[low], steps + 1


def lowest(a: Point, b: Point, least: float, most: float) -> float:
    """Where the cubic through two points, with their slopes, has its minimum, if that is between least and most."""
    if a.t > b.t:
        a, b = b, a
    m = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = m * m - a.slope * b.slope
    bottom = b.slope - a.slope + 2 * math.sqrt(square) if square >= 0 else 0
    if bottom == 0:
        return (least + most) / 2
    return min(max(b.t - (b.t - a.t) * (b.slope + math.sqrt(square) - m) / bottom, least), most)
