"""What a GPU does in one launch that would else be many: kernels, each named as the function whose place it takes there.

`backend.kernel_for` chooses them.  The functions say what is computed, in NumPy's words, and take any array; the kernels say it
again in C, for arrays of one floating-point type T.  An element of the results is the work of one thread in a `_map`, and of a
group of threads in a `_reduction`.  Lines that need an operand which is not there are left out.  A kernel that does not know
some parameters returns NotImplemented, and the function goes on.
"""
from __future__ import annotations

import functools
import math
from typing import Any

from .backend import finfo
from .op import Kept


class Kernels:
    """The kernels of an array library (CuPy, handed in), compiled when they are first called for a type."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self._map = functools.cache(library.ElementwiseKernel)          # (what is read, what is written, how, its name)
        self._reduction = functools.cache(library.ReductionKernel)      # (…, of one, of two, in the end, of none, name, type)
        self._on_device = functools.lru_cache(10_000)(lambda axes, shape, strides: library.asarray([
            (*each, n, stride) for each, n, stride in zip(axes, shape, strides, strict=True)], "int64"))

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
        self._with_slope("silu", """
            T s = 1 / (1 + exp(-x));
            out = x * s;
        """, "s + out * (1 - s)", x, out, slope)

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
        self._map(", ".join([f"T {name}" for name in ("x", *numbers)]), "T out" + ", T slope" * wanted,
                 formula + f"slope = {slope};" * wanted, name + "_with_slope" * wanted)(
            x, *numbers.values(), out, *[into] * wanted)

    # ---- windows: as `Geometry` for conv and `Windows` for pooling lay them ------------------------------------------
    def conv_forward(self, x: Any, w: Any, b: Any = None, *, into: Any, geometry: Any) -> Any:
        rows = self._as_rows(x, w.shape[2:], into, geometry)
        if rows is NotImplemented:
            return rows
        out = rows @ w.reshape(len(w), -1).T
        if b is not None:
            out += b
        return self.library.moveaxis(out.reshape(len(x), *into, len(w)), -1, 1)

    def conv_weight_forward(self, x: Any, y: Any, *, into: Any, geometry: Any) -> Any:
        rows = self._as_rows(x, into, y.shape[2:], geometry)
        return rows if rows is NotImplemented else (self._pixels(y).T @ rows).reshape(y.shape[1], x.shape[1], *into)

    def conv_transpose_forward(self, y: Any, w: Any, b: Any = None, *, into: Any, geometry: Any) -> Any:
        places, shape = math.prod(w.shape[2:]), (len(y), *into, w.shape[1])
        most = y.size // max(1, y.shape[1]) * w.shape[1] * places       # numbers in all windows
        if geometry.groups > 1 or not 0 < most <= MOST or not 0 < math.prod(shape) < 2**31:
            return NotImplemented
        stamps = self._pixels(y) @ w.reshape(len(w), -1)                # (windows, channels · places)
        out = self.library.moveaxis(self.library.empty(shape, y.dtype), -1, 1)
        self._map("raw T stamps, T b, raw int64 plan, int32 channels, int32 places, int32 pixels", "T out", f"""
            const int n = i, c = n / pixels % channels;
            T sum = b;
            for (int j = c * places; j < (c + 1) * places; ++j) {{
                const int window = window_with<{out.ndim}>((axis*) &plan[0], n, j);
                if (window >= 0) sum += stamps[window * (long long) (channels * places) + j];
            }}
            out = sum;
        """, "put_windows", preamble=AXIS)(
            stamps, 0.0 if b is None else b.reshape(-1, *[1] * len(into)), self._plan(out, w.shape[2:], y.shape[2:], geometry),
            w.shape[1], places, math.prod(into), out)
        return out

    def _as_rows(self, x: Any, kernel: Any, positions: Any, geometry: Any) -> Any:
        """What conv's windows see as a matrix, (windows, channels · places); NotImplemented if it takes too much memory."""
        shape = len(x) * math.prod(positions), x.shape[1] * math.prod(kernel)
        if geometry.groups > 1 or math.prod(shape) > MOST or not x.size:
            return NotImplemented
        rows = self.library.empty(shape, x.dtype)
        self._map("raw T x, raw int64 plan, int32 places", "T row", f"""
            const int n = i;                                            // i has 64 bits, which take long to divide
            const long long at = element<{x.ndim}>((axis*) &plan[0], n / places, n % places);
            row = at == OUTSIDE ? T(0) : look(&x[0], at);
        """, "windows", preamble=AXIS)(x, self._plan(x, kernel, positions, geometry), shape[1], rows)
        return rows

    def _plan(self, x: Any, kernel: Any, positions: Any, geometry: Any) -> Any:
        """The axes of conv's windows over x: a sample is a position, and a channel is a place in the kernel."""
        axes = [(1, len(x), 1, 1, 0), (x.shape[1], 1, 1, 1, 0),
                *zip(kernel, positions, geometry.stride, geometry.dilation, geometry.padding)]
        return self._on_device(tuple(axes), x.shape, x.strides)

    def _pixels(self, y: Any) -> Any:
        """A row of channels for each pixel."""
        return self.library.ascontiguousarray(self.library.moveaxis(y, 1, -1)).reshape(-1, y.shape[1])

    def max_pool_forward(self, x: Any, *, windows: Any) -> Any:
        plan, places = self._pooled(windows, x)
        if plan is NotImplemented:
            return plan
        out = self.library.empty_like(x, shape=(*x.shape[:x.ndim - len(windows)], *[w.count for w in windows]))
        self._map("raw T x, raw int64 plan, int32 places", "T out", f"""
            T best = -1 / T(0);
            for (int j = 0; j < places; ++j) {{
                const long long at = element<{x.ndim}>((axis*) &plan[0], i, j);
                if (at == OUTSIDE) continue;
                const T found = look(&x[0], at);
                if (found > best || found != found) best = found;
            }}
            out = best;
        """, "max_pool", preamble=AXIS)(x, plan, places, out)
        return out

    def winners_forward(self, x: Any, best: Any, *, windows: Any) -> Any:
        plan, places = self._pooled(windows, x)
        if plan is NotImplemented:
            return plan
        out = self.library.empty_like(best, dtype="uint8" if places < 256 else "int32")
        self._map("raw T x, T best, raw int64 plan, int32 places", "W out", f"""
            const T limit = best == best ? best : 1 / T(0);
            int j = 0;
            for (; j < places - 1; ++j) {{
                const long long at = element<{x.ndim}>((axis*) &plan[0], i, j);
                if (at != OUTSIDE && !(look(&x[0], at) < limit)) break;
            }}
            out = j;
        """, "winners", preamble=AXIS)(x, best, plan, places, out)
        return out

    def put_winners_forward(self, x: Any, *, winner: Any, windows: Any, into: Any) -> Any:
        out = self.library.empty_like(winner, dtype=x.dtype, shape=into)
        plan, places = self._pooled(windows, out)
        if plan is NotImplemented or not x.size:
            return NotImplemented
        self._map("raw T x, raw W winner, raw int64 plan, int32 places", "T out", f"""
            T sum = 0;
            for (int j = 0; j < places; ++j) {{
                const int window = window_with<{out.ndim}>((axis*) &plan[0], i, j);
                if (window >= 0 && winner[window] == j) sum += x[window];
            }}
            out = sum;
        """, "put_winners", preamble=AXIS)(x, winner, plan, places, out)
        return out

    def _pooled(self, windows: Any, x: Any) -> Any:
        """The axes of pooling's windows over x, and how many elements each has; or NotImplemented."""
        if not 0 < x.size < 2**31:
            return NotImplemented, 0
        axes = [(1, n, 1, 1, 0) for n in x.shape[:x.ndim - len(windows)]]
        axes += [(w.size, w.count, w.stride, w.dilation, w.padding) for w in windows]
        return self._on_device(tuple(axes), x.shape, x.strides), math.prod([w.size for w in windows])

    # ---- attention: all scores at once, if they take no more memory than its operands do ----------------------------
    def attention_forward(self, q: Any, k: Any, v: Any, bias: Any = None, *, scale: float = 1.0, causal: bool = False,
                          keep: Any = None) -> Any:
        few = math.prod(q.shape[:-1]) * k.shape[-2] <= 2 * (q.size + k.size + v.size)
        if not (few and q.ndim == k.ndim == v.ndim > 2 and q.shape[:-2] == k.shape[:-2] == v.shape[:-2] and q.size and k.size):
            return NotImplemented
        p = q @ k.swapaxes(-1, -2)
        self._map("T bias, T scale, bool causal, int32 queries, int32 keys", "T s",
                  "s = causal && i % keys > i / keys % queries ? -1 / T(0) : s * scale + bias;", "scores")(
            0.0 if bias is None else bias, scale, causal, *p.shape[-2:], p)
        self._map("T top, T total", "T p", "p = exp(p - top) / total;", "softmax")(*self._exponentials(p, (p.ndim - 1,)), p)
        return Kept((p if keep is None else p * keep) @ v, softened=(p.swapaxes(-1, -2), None))

    def attention_gradients(self, g: Any, q: Any, k: Any, v: Any, bias: Any, out: Any, softened: Any, scale: float, causal: bool,
                            keep: Any) -> Any:
        p = softened[0]
        unmet = causal and q.shape[-2] < k.shape[-2]                    # keys: of them p may hold anything
        if p is None or unmet or not (q.ndim == k.ndim == v.ndim > 2 and q.shape[:-2] == k.shape[:-2] == v.shape[:-2]):
            return NotImplemented
        p, ds = p.swapaxes(-1, -2), g @ v.swapaxes(-1, -2)
        sums = self._reduction("T g, T out", "T sum", "g * out", "a + b", "sum = a", "0", "row_sums")(
            g, out, axis=-1, keepdims=True)
        self._map("T p, T sum, T scale, bool keep", "T ds", "ds = p * (ds * T(keep) - sum) * scale;", "softmax_dx")(
            p, sums, scale, True if keep is None else keep, ds)
        return [ds @ k, ds.swapaxes(-1, -2) @ q, (p if keep is None else p * keep).swapaxes(-1, -2) @ g]

    # ---- normalisation ----------------------------------------------------------------------------------------------
    def moments(self, x: Any, axis: Any) -> Any:
        # of no numbers: 0/0
        rest = "join(a, b)", "mu = a.mean * (a.n / a.n), variance = a.rest / a.n", "moment<T>()", "moments", "moment<T>"
        first, last = self._stages(x, axis)
        mu, variance = self._sums_over(x, first), self._sums_over(x, first)
        self._reduction("T x", "T mu, T variance", "moment<T>(x)", *rest, preamble=MOMENTS)(
            x, mu, variance, axis=first, keepdims=True)
        if last:
            n, parts = x.size // max(1, mu.size), (mu, variance)
            mu, variance = self._sums_over(mu, last), self._sums_over(mu, last)
            self._reduction("T m, T v, T n", "T mu, T variance", "moment<T>(n, m, v * n)", *rest, preamble=MOMENTS)(
                *parts, n, mu, variance, axis=last, keepdims=True)
        return mu, variance

    def standardize_forward(self, x: Any, w: Any = None, b: Any = None, *, axis: Any, eps: float = 1e-5, known: Any = None) -> Any:
        mu, variance = self.moments(x, axis) if known is None else known
        r = self._map("T variance, T eps", "T r", "r = 1 / sqrt(variance + eps);", "spread")(variance, eps)
        out = self.library.empty_like(x)
        self._map("T x, T mu, T r, T w, T b", "T out", "out = (x - mu) * r * w + b;", "standardize")(
            x, mu, r, 1.0 if w is None else w, 0.0 if b is None else b, out)
        return Kept(out, stats=(mu, r))

    def mix(self, x: Any, y: Any, a: float, b: float) -> None:
        self._map("T y, T a, T b", "T x", "x = a * x + b * y;", "mix")(y, a, b, x)

    def gradients_of(self, g: Any, x: Any, w: Any, mu: Any, r: Any, axis: Any) -> Any:
        no_w = axis if w is None else tuple([a for a in range(x.ndim) if a < x.ndim - w.ndim or w.shape[a - x.ndim] == 1])
        per_mu = no_w == axis                                           # w is one number for each μ: sums for dw serve for dx
        by = 1.0 if per_mu else w
        g_sum, gx_sum = self._weighted(g, x, mu, by, by, axis)
        out = self.library.empty_like(x, dtype=g.dtype)
        self._map("T g, T x, T mu, T r, T w, T share, T g_sum, T gx_sum, T per_n", "T out", f"""
            T taken = gx_sum * r * r * (x - mu);
            {"taken += g_sum;" * (mu is not None)}
            out = r * (g * w - taken * share * per_n);
        """, "standardize_dx" if mu is not None else "rms_norm_dx")(
            g, x, *[0.0 if mu is None else mu], r, 1.0 if w is None else w, w if per_mu and w is not None else 1.0,
            g_sum, gx_sum, g_sum.size / max(1, x.size), out)
        if w is None:
            return out,
        if per_mu:
            return out, gx_sum * r, g_sum
        return out, *self._weighted(g, x, mu, 1.0, r, no_w)[::-1]

    def _weighted(self, g: Any, x: Any, mu: Any, g_by: Any, gx_by: Any, axis: Any) -> Any:
        """Σ g g_by and Σ g gx_by (x - μ) over some axes."""
        rest = "add(a, b)", "g_sum = a.first, gx_sum = a.second", "two<T>()", "two_sums", "two<T>"
        first, last = self._stages(x, axis)
        g_sum, gx_sum = self._sums_over(g, first), self._sums_over(g, first)
        self._reduction("T g, T x, T mu, T g_by, T gx_by", "T g_sum, T gx_sum", "two<T>(g * g_by, g * gx_by * (x - mu))", *rest,
                        preamble=TWO)(g, x, 0.0 if mu is None else mu, g_by, gx_by, g_sum, gx_sum, axis=first, keepdims=True)
        if last:
            parts = g_sum, gx_sum
            g_sum, gx_sum = self._sums_over(g_sum, last), self._sums_over(g_sum, last)
            self._reduction("T g, T gx", "T g_sum, T gx_sum", "two<T>(g, gx)", *rest, preamble=TWO)(
                *parts, g_sum, gx_sum, axis=last, keepdims=True)
        return g_sum, gx_sum

    def _stages(self, x: Any, axis: Any) -> Any:
        """The axes to sum over first, and those over what came out: of few long sums, each the work of one group of threads, most
        of the GPU would know nothing."""
        long = len(axis) > 1 and math.prod([x.shape[a] for a in axis]) > 4096
        return (axis[1:], axis[:1]) if long else (axis, ())

    # ---- losses -----------------------------------------------------------------------------------------------------
    def cross_entropy_forward(self, x: Any, *, places: Any, axis: int = -1, peak: Any = 1.0, base: Any = None,
                              summed: bool = False) -> Any:
        if base is not None or type(peak) is not float or not len(places) == x.ndim <= 8:
            return NotImplemented
        along = axis % x.ndim,
        top, total = self._exponentials(x, along)
        e = self._map("T x, T top", "T e", "e = exp(x - top);", "exponentials")(x, top)
        read, where, labels = self._places(places, x.shape)
        loss = f"peak * ((top - x[{where}]) + log(total))"
        read = f"raw T x, T top, T total, T peak, {read}"
        out = (self._reduction(read, "T loss", loss, "a + b", "loss = a", "0", "sum_of_losses") if summed
               else self._map(read, "T loss", f"loss = {loss};", "losses"))(x, top, total, peak, *labels)
        return Kept(out, e=e, total=total)

    def cross_entropy_dx(self, g: Any, e: Any, total: Any, places: Any, peak: Any, base: Any) -> Any:
        if base is not None or type(peak) is not float or not len(places) == e.ndim <= 8:
            return NotImplemented
        own = "T own = g * T(total - total == 0) * peak;"               # 0 where total is inf
        out = self.library.empty(e.shape, e.dtype)
        self._map("T g, T e, T total, T peak", "T p", f"{own} p = e * (own / total);", "p")(g, e, total, peak, out)
        read, where, labels = self._places(places, e.shape)
        self._map(f"T g, T total, T peak, {read}", "raw T p", f"{own} p[{where}] -= own;", "minus_q")(g, total, peak, *labels, out)
        return out

    def _exponentials(self, x: Any, axis: Any) -> Any:
        """The largest x, as a finite number, and Σ e^(x - largest); or, where that is 0, ∞: then all are -∞."""
        top, total = self._sums_over(x, axis), self._sums_over(x, axis)
        self._reduction("T x, T largest", "T top, T total", "exponential<T>(x, largest)", "add(a, b)",
                        "top = a.top, total = a.sum == 0 ? 1 / a.sum : a.sum", "exponential<T>()", "sum_of_exponentials",
                        "exponential<T>", preamble=EXPONENTIAL)(
            x, float(finfo(x.dtype).max), top, total, axis=axis, keepdims=True)
        return top, total

    def _places(self, places: Any, shape: Any) -> Any:
        """What to read, to find places in an array of that shape; how to compute them of that; and the values to read."""
        axes = range(len(shape))
        return (", ".join([f"{'ABCDEFGH'[a]} index{a}, int64 step{a}" for a in axes]),
                " + ".join([f"index{a} * step{a}" for a in axes]),
                [value for a in axes for value in (places[a], math.prod(shape[a + 1:]))])

    def _sums_over(self, x: Any, axis: Any) -> Any:
        return self.library.empty([1 if a in axis else n for a, n in enumerate(x.shape)], x.dtype)


MOST = 2**26                                                            # numbers in all windows, to be laid out at once
AXIS = """
    #define OUTSIDE (1LL << 62)
    template <typename T> __device__ T look(const T* x, long long at) { return *(const T*) ((const char*) x + at); }
    struct axis {                                                       // of an image, and of the windows over it
        long long size, count, stride, dilation, padding, length, step; // in bytes, from one pixel to the next
    };
    // Where element j of a window is in memory, in bytes from the first.  Windows and elements are counted through all axes.
    template <int D> __device__ long long element(const axis* axes, int window, int j) {
        long long at = 0;
        for (int d = D - 1; d >= 0; --d) {
            const int size = axes[d].size, count = axes[d].count, length = axes[d].length;
            const int place = window % count * (int) axes[d].stride + j % size * (int) axes[d].dilation - (int) axes[d].padding;
            if (place < 0 || place >= length) return OUTSIDE;
            at += place * axes[d].step;
            window /= count;
            j /= size;
        }
        return at;
    }
    // The window whose element j is that pixel; -1 if there is none.
    template <int D> __device__ int window_with(const axis* axes, int pixel, int j) {
        int window = 0, windows = 1;
        for (int d = D - 1; d >= 0; --d) {
            const int size = axes[d].size, count = axes[d].count, length = axes[d].length, stride = axes[d].stride;
            const int first = pixel % length + (int) axes[d].padding - j % size * (int) axes[d].dilation;
            if (first < 0 || first % stride != 0 || first / stride >= count) return -1;
            window += first / stride * windows;
            windows *= count;
            pixel /= length;
            j /= size;
        }
        return window;
    }
"""
GRADIENT = "T d = maximize ? -g : g;  if (weight_decay != 0) d += weight_decay * w;"       # as optim.optimizer.gradient
MOMENTS = """
    template <typename T> struct moment {                               // how many x, their mean, and Σ (x - mean)²
        T n, mean, rest;
        __device__ moment() : n(0), mean(0), rest(0) {}
        __device__ moment(T x) : n(1), mean(x), rest(0) {}
        __device__ moment(T n, T mean, T rest) : n(n), mean(mean), rest(rest) {}
    };
    template <typename T> __device__ moment<T> join(const moment<T>& a, const moment<T>& b) {      // Chan et al. 1983
        if (!(a.n > 0)) return b;
        if (!(b.n > 0)) return a;
        moment<T> out;
        T d = b.mean - a.mean;
        out.n = a.n + b.n;
        out.mean = a.mean + d * (b.n / out.n);
        out.rest = a.rest + b.rest + d * d * (a.n * (b.n / out.n));
        return out;
    }
"""
TWO = """
    template <typename T> struct two {
        T first, second;
        __device__ two() : first(0), second(0) {}
        __device__ two(T first, T second) : first(first), second(second) {}
    };
    template <typename T> __device__ two<T> add(const two<T>& a, const two<T>& b) {
        return two<T>(a.first + b.first, a.second + b.second);
    }
"""
EXPONENTIAL = """
    template <typename T> struct exponential {                          // Σ e^(x - top), with the largest x as a finite number
        T top, sum;
        bool some;
        __device__ exponential() : top(0), sum(0), some(false) {}
        __device__ exponential(T x, T largest) : top(x > largest ? largest : x < -largest ? -largest : x), some(true) {
            sum = exp(x - top);
        }
    };
    template <typename T> __device__ exponential<T> add(const exponential<T>& a, const exponential<T>& b) {
        if (!a.some) return b;
        if (!b.some) return a;
        exponential<T> out = a.top > b.top || a.top != a.top ? a : b;
        out.sum = a.sum * exp(a.top - out.top) + b.sum * exp(b.top - out.top);
        return out;
    }
"""
