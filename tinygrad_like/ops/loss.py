"""Losses whose article formula is one formula: fused where that is more exact or faster.  The others are compositions of ops,
in `nn/functional/loss.py`, which also takes the means and sums and looks after labels and weights."""
import math

from ..op import Kept, Op
from ..backend import one_kernel, total as sum_over, xp
from ..machine import in_pieces
from .activation import largest, sigmoid
from .elementwise import clip, exp, finite, log, maximum, where
from .reduce import amax


class cross_entropy(Op):
    """out = -log softmax(x)_y for each label y.  The classes stand along `axis` of x, and x[places] are the scores x_y of labels.

    Let x be the scores of one example, and p = softmax(x), that is p_c = e^{x_c} / Σ_k e^{x_k}.  How far p is from the truth q
    is measured by their cross-entropy (SPEC F-14):

        L = -Σ_c q_c log p_c  =  -Σ_c q_c (x_c - log Σ_k e^{x_k})  =  s log Σ_k e^{x_k} - Σ_c q_c x_c,        s = Σ_c q_c

    The derivative of log Σ_k e^{x_k} by x_c is e^{x_c} / Σ_k e^{x_k}, which is p_c again.  So

        dL/dx_c = s p_c - q_c                           what was predicted, minus what is true

    For a label y, q is 1 at y and 0 elsewhere: L = log Σ_k e^{x_k} - x_y and dL/dx = p - onehot(y).  In general q here is
    `peak` at y, on top of a `base` in every class: with smoothing ε and class weights w, peak = (1-ε) w_y and base = ε w / C.
    The mean over n examples is their sum (`summed`) with peak = 1/n, and its derivative (p - onehot(y)) / n.

    In numbers: no e^{x_k} overflows if the largest score, top, is taken from all of them first, which changes no p; and in
    (top - x_y) + log Σ_k e^{x_k - top} nothing large is left to round.  e and total are kept, so that the backward pass needs
    no exponential.  A score of -inf is a class that is excluded.  Where all of them are, the loss is inf, with gradient 0.

    peak: a number, or one for each label, in the shape of x[places], which is the shape of the result.  0: it counts for nothing.
    base: None, or C numbers along `axis` and one along the other axes.
    """
    integers = False

    @one_kernel
    def forward(x, *, places, axis=-1, peak=1.0, base=None, summed=False):
        top = largest(x, axis)
        e = x - top
        smooth = None if base is None else sum_over(base * e, axis, keepdims=True)          # Σ_c base_c (x_c - top)
        xp(x).exp(e, out=e)
        total = sum_over(e, axis, keepdims=True)
        total = xp(x).where(total == 0, math.inf, total)        # all are excluded: p = 0 / inf
        log_total = xp(x).log(total)
        out = (top - x[places]) + log_total
        if type(peak) is not float:
            out = xp(x).where(peak == 0, 0, out)                # 0 times inf is 0 here
        out = peak * out
        if base is not None:
            out += base.sum() * log_total - smooth
        return Kept(out.sum() if summed else out, e=e, total=total)

    @one_kernel
    def dx(g, e, total, places, peak, base):
        g = g * (total < math.inf)
        own = g * peak
        if base is None:
            p_minus_q = e * (own / total)
        else:
            p_minus_q = e * ((own + g * base.sum()) / total)
            p_minus_q -= g * base
        p_minus_q[places] -= own                                # no place comes twice
        return p_minus_q

    def e(x, axis):
        top = amax(x, axis=axis, keepdims=True)
        return exp(x - where(top, 0, condition=top > -math.inf))

    def total(e, axis):
        total = e.sum(axis=axis, keepdims=True)
        return where(math.inf, total, condition=total == 0)


class binary_cross_entropy(Op):
    """out = -y log x - (1 - y) log (1 - x), where x is the probability of 1, and y that it should be.  No logarithm is below -100.

    dx = g (x - y) / (x (1 - x)), whose denominator is at least 1e-12        (SPEC §4)
    """
    integers = False
    def forward(x, y): return -(y * bounded_log(x) + (1 - y) * bounded_log(1 - x))
    def dx(g, x, y): return g * (x - y) / maximum(x * (1 - x), 1e-12)
    def dy(g, x): return g * (bounded_log(1 - x) - bounded_log(x))


def bounded_log(x):
    """log x, but at least -100.  (1e-45 stands in for 0: its log is below that too, and its derivative is no 1 / 0.)"""
    return maximum(log(where(x, 1e-45, condition=x != 0)), -100)


class binary_cross_entropy_with_logits(Op):
    """out = -y log σ(x) - (1 - y) log (1 - σ(x)) = max(x, 0) - x y + log(1 + e^{-|x|})        dx = g (σ(x) - y)

    By log σ(x) = x - log(1 + eˣ), both logarithms of the first form are one in the second, whose exponent is never above 0.
    An infinite x counts as the largest number: where it is right the loss is 0, and not the NaN of inf - inf.
    """
    integers = False
    def forward(x, y): return finite(x) * ((x > 0) - y) + xp(x).log1p(xp(x).exp(-xp(x).abs(x)))
    def dx(g, x, y): return g * (sigmoid(x) - y)
    def dy(g, x): return -g * x


class huber(Op):
    """out = ½ d² where |d| ≤ δ, elsewhere δ (|d| - ½ δ), which goes on straight      dd = d, held between -δ and δ

    With h for what dd is, both are h (d - ½ h).
    """
    integers = False

    def forward(d, *, delta=1.0):
        def each(d, out):
            held = xp(d).clip(d, -delta, delta)
            out[...] = d
            out -= 0.5 * held
            out *= held

        out = xp(d).empty_like(d)
        in_pieces(each, d, out)
        return out

    def dd(g, d, delta): return g * clip(d, -delta, delta)
