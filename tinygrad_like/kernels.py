"""What a GPU does in one launch that would else be many: kernels, each named as the function whose place it takes there.

`backend.kernel_for` chooses them.  The functions say what is computed, in NumPy's words, and take any array; the kernels say it
again in C, for arrays of one floating-point type T.  An element of the first result is one thread's work in a `map`, and that
of a group of threads in a `reduction`.  `where(s, "…")` leaves a line out that needs an operand which is not there.
"""
from __future__ import annotations

import functools
import math
from typing import Any

from .backend import finfo


class Kernels:
    """The kernels of an array library (CuPy, handed in), compiled when they are first called for a type."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self._map = functools.cache(library.ElementwiseKernel)           # (what is read, what is written, how, its name)

    # ---- optimizers: w, and all that is kept for it, change in place ------------------------------------------------
    def descend(self, w: Any, g: Any, b: Any, lr: float, momentum: float, weight: float, weight_decay: float, nesterov: bool,
                maximize: bool) -> None:
        if not momentum:
            self._map("T g, T lr, T weight_decay, bool maximize", "T w", f"{GRADIENT} w -= lr * d;", "descend")(
                g, lr, weight_decay, maximize, w)
        else:
            self._map("T g, T lr, T momentum, T weight, T weight_decay, bool nesterov, bool maximize", "T w, T b", f"""
                {GRADIENT}
                b = momentum * b + weight * d;
                w -= lr * (nesterov ? d + momentum * b : b);
            """, "descend_with_momentum")(g, lr, momentum, weight, weight_decay, nesterov, maximize, w, b)

    def adapt(self, w: Any, g: Any, m: Any, v: Any, largest: Any, beta1: float, beta2: float, lr_t: float, eps_t: float,
              decay: float, shrink: float, maximize: bool) -> None:
        amsgrad = largest is not None
        self._map("T g, T beta1, T new1, T beta2, T new2, T lr, T eps, T weight_decay, T shrink, bool maximize",
                 "T w, T m, T v" + ", T largest" * amsgrad, f"""
            {GRADIENT}
            m = beta1 * m + new1 * d;
            v = beta2 * v + new2 * d * d;
            {"largest = v > largest || v != v ? v : largest;" * amsgrad}
            w = shrink * w - lr * m / (sqrt({"largest" if amsgrad else "v"}) + eps);
        """, "adapt" + "_to_the_largest" * amsgrad)(
            g, beta1, 1 - beta1, beta2, 1 - beta2, lr_t, eps_t, decay, shrink, maximize,
            w, m, v, *[largest] * amsgrad)

    def divide(self, w: Any, g: Any, v: Any, b: Any, m: Any, lr: float, alpha: float, eps: float, weight_decay: float,
               momentum: float, maximize: bool) -> None:
        heavy, centered = b is not None, m is not None
        self._map("T g, T lr, T alpha, T rest, T eps, T weight_decay, T momentum, bool maximize",
                 "T w, T v" + ", T b" * heavy + ", T m" * centered, f"""
            {GRADIENT}
            v = alpha * v + rest * d * d;
            {"m += rest * (d - m);" * centered}
            T step = d / (sqrt({"v - m * m" if centered else "v"}) + eps);
            {"step = b = momentum * b + step;" * heavy}
            w -= lr * step;
        """, "divide" + "_with_momentum" * heavy + "_centered" * centered)(
            g, lr, alpha, 1 - alpha, eps, weight_decay, momentum, maximize, w, v, *[b] * heavy, *[m] * centered)

    # ---- recurrent layers -------------------------------------------------------------------------------------------
    def lstm_cell(self, c: Any, h: Any, out: Any, before: Any, tanh_c: Any, a: Any, z: Any) -> None:
        self._map("T z0, T z1, T z2, T z3", "T a0, T a1, T a2, T a3, T c, T h, T copy, T before, T tanh_c", """
            a0 = tanh(a0 + z0) * T(0.5) + T(0.5);
            a1 = tanh(a1 + z1) * T(0.5) + T(0.5);
            a2 = tanh(a2 + z2);
            a3 = tanh(a3 + z3) * T(0.5) + T(0.5);
            before = c;
            c = c * a1 + a0 * a2;
            tanh_c = tanh(c);
            copy = h = a3 * tanh_c;
        """, "lstm_cell")(*z, *a, c, h, out, before, tanh_c)

    def lstm_cell_back(self, dc: Any, dh: Any, g: Any, into_c: Any, f: Any, dz: Any) -> None:
        self._map("T g, T into_c, T f", "T dz0, T dz1, T dz2, T dz3, T dc, T dh", """
            dh += g;
            dc += dh * into_c;
            dz0 *= dc;
            dz1 *= dc;
            dz2 *= dc;
            dz3 *= dh;
            dc *= f;
        """, "lstm_cell_back")(g, into_c, f, *dz, dc, dh)

    # ---- activations: of x, and where it is wanted, their slope -----------------------------------------------------
    def gated_forward(self, by: Any, x: Any, out: Any) -> None:
        self._map("T by_, T x", "T out", "out = x * T(by_ > 0);", "gated")(by, x, out)

    def silu_forward(self, x: Any, out: Any, slope: Any) -> None:
        lowest = -math.log(float(finfo(x.dtype).max)) + 0.5             # as in ops.sigmoid
        self._with_slope("silu", """
            T s = 1 / (1 + exp(-(x < lowest ? lowest : x)));
            out = x * s;
        """, "s + out * (1 - s)", x, out, slope, lowest=lowest)

    def gelu_forward(self, x: Any, out: Any, slope: Any) -> None:
        self._with_slope("gelu", """
            T p = (erf(x * half) + 1) * T(0.5);
            out = x * p;
        """, "p + x * exp(-x * x * T(0.5)) * phi", x, out, slope, half=math.sqrt(0.5), phi=1 / math.sqrt(2 * math.pi))

    def gelu_tanh_forward(self, x: Any, out: Any, slope: Any) -> None:
        c1 = math.sqrt(2 / math.pi)
        self._with_slope("gelu_tanh", """
            T t = tanh(x * (c1 + c3 * x * x)), p = (1 + t) * T(0.5);
            out = x * p;
        """, "p + out * (1 - t) * (c1 + 3 * c3 * x * x)", x, out, slope, c1=c1, c3=c1 * 0.044715)

    def _with_slope(self, name: str, formula: str, slope: str, x: Any, out: Any, into: Any, **numbers: float) -> None:
        """out = …, and into = the slope unless it is None."""
        wanted = into is not None
        self._map("T x, " + ", ".join([f"T {number}" for number in numbers]), "T out" + ", T slope" * wanted,
                 formula + f"slope = {slope};" * wanted, name + "_with_slope" * wanted)(
            x, *numbers.values(), out, *[into] * wanted)


GRADIENT = "T d = maximize ? -g : g;  if (weight_decay != 0) d += weight_decay * w;"       # as optim.optimizer.gradient
