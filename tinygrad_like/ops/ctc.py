"""The loss of reading a sequence whose labels are known, but not where in the input each of them is: speech, handwriting."""
import math

from ..op import Kept, Op, raw
from ..backend import add_at, xp
from .elementwise import logaddexp, where
from .indexing import getitem
from .shape import concatenate


class ctc_loss(Op):
    """out = -log p(l | x) for each sample: the probability that the frames x spell the labels l, however they are aligned

    At each frame t the network gives log-probabilities x_{t,k} of the labels k, one of which is the blank, "no label here".  A
    path π names one of them for each frame.  It spells a sequence of labels: repetitions are merged, then blanks removed, so
    that "aa-ab-" spells "aab".  The probability of l is that of all the paths which spell it (Graves et al. 2006, eq. 3):

        p(l | x) = Σ_π Π_t e^{x_{t,π_t}}

    There are far too many to list.  But they all walk through l' = - l₁ - l₂ - … l_L -, of length 2L + 1, and from one frame to
    the next a path stays in its place s, goes on by one, or by two: past a blank, if the labels on both its sides differ (two
    equal ones would be merged).  So let α_t(s) be the log-probability of all path beginnings that are at s in frame t, and
    β_t(s) that of all path ends which go on from there.  With ⊕ for the logarithm of the sum of exponentials (eq. 6 and 10):

        α_t(s) = x_{t,l'_s} + (α_{t-1}(s) ⊕ α_{t-1}(s-1) ⊕ α_{t-1}(s-2), the last where it may be skipped)
        β_t(s) = y_{t+1}(s) ⊕ y_{t+1}(s+1) ⊕ y_{t+1}(s+2), likewise,     y_t(s) = x_{t,l'_s} + β_t(s)

        log p = α_T(2L) ⊕ α_T(2L-1)                     the last blank, or the last label

    Every path goes through just one place in frame t, so p = Σ_s e^{α_t(s) + β_t(s)}, and x_{t,k} is in those terms where
    l'_s = k.  What is left of them after the division by p is how probable it is that an alignment is there (eq. 14):

        dL/dx_{t,k} = -Σ_{s: l'_s = k} e^{α_t(s) + β_t(s) - log p}

    Through log_softmax that becomes softmax(z)_k minus the same sum: what was predicted, minus what is true.  (PyTorch gives
    that difference as the derivative by x itself: the two agree where x comes from log_softmax.)

    x: (time, batch, labels).  labels: (batch, L), of which the first lengths[n] count.  times: (batch), how many frames count.
    Where no path spells l, p is 0 and the loss inf, with gradient 0.
    """
    integers = False

    def forward(x, *, labels, times, lengths, blank=0):
        alpha = forward_pass(x, labels, times, blank)
        n = xp(x).arange(len(times))
        out = -xp(x).logaddexp(alpha[times, n, 2 * lengths + 2], alpha[times, n, 2 * lengths + 1])
        return Kept(out, alpha=alpha)

    def alpha(x, labels, times, blank): return forward_pass(x, labels, times, blank)

    def dx(g, x, alpha, out, labels, times, lengths, blank):
        m, (n, own, skip) = xp(x), places(x, labels, blank)
        at_own = log_probabilities(x, n, own, times)
        log_p = m.where(out < math.inf, -out, 0)[:, None]
        s = m.arange(own.shape[1])
        last = (s == 2 * lengths[:, None]) | (s == 2 * lengths[:, None] - 1)
        last = m.where(last, 0, m.full((), -math.inf, x.dtype))
        beta = m.empty(at_own.shape, x.dtype)
        y = m.full((len(times), len(s) + 2), -math.inf, x.dtype)            # y_{t+1}(s), and two places more that are never reached
        skip = m.concatenate([skip[:, 2:], skip[:, :2]], axis=1)            # whether s may go on by two
        for t in reversed(range(len(x))):
            now = log_sum(y[:, :-2], y[:, 1:-1], y[:, 2:] + skip)
            beta[t] = m.where((times == t + 1)[:, None], last, now)
            y[:, :-2] = at_own[t] + beta[t]

        beta += alpha[1:, :, 2:]
        beta -= log_p
        there = m.exp(beta, out=beta)                           # (time, batch, 2L + 1): how probable each place is
        there *= -g[:, None]
        dx = m.zeros(x.shape, x.dtype)
        dx[:, :, blank] = there[:, :, ::2].sum(axis=2)
        if labels.shape[1]:
            add_at(dx, (slice(None), n, own[:, 1::2]), there[:, :, 1::2])
        return dx

    def plain(x, *, labels, times, lengths, blank=0):
        labels, times, lengths = raw(labels), raw(times), raw(lengths)
        n, own, skip = places(raw(x), labels, blank)
        own = getitem(x, index=(slice(None), n, own))           # (time, batch, 2L + 1)
        never = xp(skip).full((len(skip), 2), -math.inf, skip.dtype)
        alpha = x[:0].sum(axis=(0, 1, 2)) + at_the_start(labels, skip.dtype)        # 0 + …: also of no frames a function of x
        for t in range(x.shape[0]):
            now = logaddexp(logaddexp(alpha[:, 2:], alpha[:, 1:-1]), alpha[:, :-2] + skip) + own[t]
            alpha = where(concatenate(never, now, axis=1), alpha, condition=(times > t)[:, None])        # or no frame is left
        last = getitem(alpha, index=(n[:, 0], 2 * lengths + 2)), getitem(alpha, index=(n[:, 0], 2 * lengths + 1))
        return -logaddexp(*last)


def places(x, labels, blank):
    """For each sample: its number (batch, 1); l'; and 0 where a path may skip the place before, -inf where not: (batch, 2L + 1)."""
    m = xp(labels)
    own = m.full((len(labels), 2 * labels.shape[1] + 1), blank, labels.dtype)
    own[:, 1::2] = labels
    skip = m.full(own.shape, -math.inf, x.dtype)
    skip[:, 1:2] = 0
    skip[:, 3::2] = m.where(labels[:, 1:] != labels[:, :-1], 0, m.full((), -math.inf, x.dtype))
    return m.arange(len(labels))[:, None], own, skip


def log_probabilities(x, n, own, times):
    """x_{t,l'_s} where t is a frame that counts, -inf elsewhere: (time, batch, 2L + 1)."""
    out = x[:, n, own]
    over = xp(x).arange(len(x))[:, None] >= times
    return xp(x).where(over[:, :, None], xp(x).full((), -math.inf, x.dtype), out)


def at_the_start(labels, dtype):
    """α before the first frame: every path is in the place before the first.  Two places stand in front: (batch, 2 + 2L + 1)."""
    alpha = xp(labels).full((len(labels), 2 * labels.shape[1] + 3), -math.inf, dtype)
    alpha[:, 1] = 0
    return alpha


def forward_pass(x, labels, times, blank):
    """α of all frames, and before the first: (time + 1, batch, 2 + 2L + 1)."""
    n, own, skip = places(x, labels, blank)
    at_own = log_probabilities(x, n, own, times)
    alpha = xp(x).empty((len(x) + 1, len(labels), own.shape[1] + 2), x.dtype)
    alpha[0] = at_the_start(labels, x.dtype)
    alpha[1:, :, :2] = -math.inf
    for t in range(len(x)):
        before = alpha[t]
        alpha[t + 1, :, 2:] = log_sum(before[:, 2:], before[:, 1:-1], before[:, :-2] + skip) + at_own[t]
    return alpha


def log_sum(a, b, c):
    """log(eᵃ + eᵇ + eᶜ), and -inf where all three are."""
    m = xp(a)
    top = m.maximum(m.maximum(a, b), c)
    none = top == -math.inf
    finite = m.where(none, 0, top)
    total = m.exp(a - finite)
    total += m.exp(b - finite)
    total += m.exp(c - finite)
    total += none
    return top + m.log(total)
