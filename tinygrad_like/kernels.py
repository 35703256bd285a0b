"""What a GPU does in one launch that would else be many: kernels, each named as the function whose place it takes there.

`backend.kernel_for` chooses them.  The functions say what is computed, in NumPy's words, and take any array; the kernels say it
again in C, for arrays of one floating-point type T.  An element of the first result is one thread's work in a `map`, and that
of a group of threads in a `reduction`.  `where(s, "…")` leaves a line out that needs an operand which is not there.
"""
from __future__ import annotations

import functools
from typing import Any


class Kernels:
    """The kernels of an array library (CuPy, handed in), compiled when they are first called for a type."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.map = functools.cache(library.ElementwiseKernel)           # (what is read, what is written, how, its name)

    # ---- optimizers: w, and all that is kept for it, change in place ------------------------------------------------
    def descend(self, w: Any, g: Any, b: Any, lr: float, momentum: float, weight: float, weight_decay: float, nesterov: bool,
                maximize: bool) -> None:
        if not momentum:
            self.map("T g, T lr, T weight_decay, bool maximize", "T w", f"{GRADIENT} w -= lr * d;", "descend")(
                g, lr, weight_decay, maximize, w)
        else:
            self.map("T g, T lr, T momentum, T weight, T weight_decay, bool nesterov, bool maximize", "T w, T b", f"""
                {GRADIENT}
                b = momentum * b + weight * d;
                w -= lr * (nesterov ? d + momentum * b : b);
            """, "descend_with_momentum")(g, lr, momentum, weight, weight_decay, nesterov, maximize, w, b)

    def adapt(self, w: Any, g: Any, m: Any, v: Any, largest: Any, beta1: float, beta2: float, lr_t: float, eps_t: float,
              weight_decay: float, shrink: float, maximize: bool) -> None:
        amsgrad = largest is not None
        self.map("T g, T beta1, T new1, T beta2, T new2, T lr, T eps, T weight_decay, T shrink, bool maximize",
                 "T w, T m, T v" + ", T largest" * amsgrad, f"""
            {GRADIENT}
            m = beta1 * m + new1 * d;
            v = beta2 * v + new2 * d * d;
            {"largest = v > largest || v != v ? v : largest;" * amsgrad}
            w = shrink * w - lr * m / (sqrt({"largest" if amsgrad else "v"}) + eps);
        """, "adapt" + "_to_the_largest" * amsgrad)(
            g, beta1, 1 - beta1, beta2, 1 - beta2, lr_t, eps_t, weight_decay, shrink, maximize,
            w, m, v, *[largest] * amsgrad)

    def divide(self, w: Any, g: Any, v: Any, b: Any, m: Any, lr: float, alpha: float, eps: float, weight_decay: float,
               momentum: float, maximize: bool) -> None:
        heavy, centered = b is not None, m is not None
        self.map("T g, T lr, T alpha, T rest, T eps, T weight_decay, T momentum, bool maximize",
                 "T w, T v" + ", T b" * heavy + ", T m" * centered, f"""
            {GRADIENT}
            v = alpha * v + rest * d * d;
            {"m += rest * (d - m);" * centered}
            T step = d / (sqrt({"v - m * m" if centered else "v"}) + eps);
            {"step = b = momentum * b + step;" * heavy}
            w -= lr * step;
        """, "divide" + "_with_momentum" * heavy + "_centered" * centered)(
            g, lr, alpha, 1 - alpha, eps, weight_decay, momentum, maximize, w, v, *[b] * heavy, *[m] * centered)


GRADIENT = "T d = maximize ? -g : g;  if (weight_decay != 0) d += weight_decay * w;"       # as optim.optimizer.gradient
