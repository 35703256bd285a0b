"""Attention: each query gathers the values of those keys that it resembles."""
import math

from .. import backend
from ..backend import xp
from ..op import Kept, Op, raw
from .activation import largest, softmax
from .elementwise import masked, where
from .linalg import T, matmul


class attention(Op):
    """out = softmax(scale · q kᵀ + bias) v, for queries q (…, L, E), keys k (…, S, E), values v (…, S, V); out is (…, L, V)

    (Vaswani et al. 2017, eq. 1; SPEC MOD-11, MOD-18.)  Let one query q_i meet the keys k_1 … k_S, whose values are v_1 … v_S:

        s_ij = scale q_i·k_j + bias_ij            P_ij = e^{s_ij} / Σ_n e^{s_in}            o_i = Σ_j P_ij v_j

    Let g = dL/dO.  O = P V and S = scale Q Kᵀ + bias are matrix products, so

        dV = Pᵀ g        dP = g Vᵀ                dQ = scale dS K        dK = scale dSᵀ Q        dbias = dS

    Between them stands softmax:  dS_ij = P_ij (dP_ij - Σ_n P_in dP_in).  That sum over all keys needs no second look at them, as

        Σ_n P_in dP_in = Σ_n P_in (g_i·v_n) = g_i · Σ_n P_in v_n = g_i·o_i,     so     dS = P ∘ (dP - rowsum(g ∘ O))

    (Dao et al. 2022, appendix B.2).  With dropout, where o_i uses P_ij only if `keep` is true, so does dP, and this still holds.

    Nothing of size L × S need be held: a few rows are scored, softened, used and forgotten, and the backward pass computes them
    again from the largest score and the sum of each row.  They are kept if they are no larger than q, k, v and out are.
    Scores stand transposed, (…, keys, queries): a maximum over axis -2 takes a third of the time.  What a row is to be divided by,
    the shorter row after it is: out, and backward, g.

    bias: broadcasts to (…, L, S).  -inf: the key is not attended.  A row that attends none gives 0, with gradient 0.
    causal: query i attends keys 0 … i.  The scores of keys beyond the rows at hand are not computed at all.
    keep: None, or booleans (…, L, S).        The leading axes broadcast.
    """
    integers = False

    def forward(q, k, v, bias=None, *, scale=1.0, causal=False, keep=None):
        out, *softened = attend(q, k, v, bias, scale, causal, keep)
        return Kept(out, softened=softened)

    def dq(g, gradients): return gradients[0]
    def dk(g, gradients): return gradients[1]
    def dv(g, gradients): return gradients[2]

    def gradients(g, q, k, v, bias, out, softened, scale, causal, keep):
        q, k, v, bias, keep = aligned(q, k, v, bias, keep)
        dq, dk, dv = [xp(x).zeros_like(x) for x in (q, k, v)]
        for at, rows, keys, p, dp_rows, ds in backward_blocks(g, q, k, v, bias, out, softened, scale, causal, keep):
            xp(q).matmul(T(ds), k[at, ..., keys, :], out=dq[at, ..., rows, :])
            for dx, left, right in ((dv, p, dp_rows), (dk, ds, q[at, ..., rows, :])):
                dx = dx[at, ..., keys, :]
                if rows.stop == q.shape[-2]:                    # the first block that these keys are in: they come from the end
                    xp(q).matmul(left, right, out=dx)
                else:
                    dx += left @ right
        dq *= scale
        dk *= scale
        return dq, dk, dv

    def dbias(g, q, k, v, bias, out, softened, scale, causal, keep):
        q, k, v, turned, keep = aligned(q, k, v, bias, keep)
        own = (1,) * (q.ndim - bias.ndim) + bias.shape
        dbias = xp(q).zeros(own[:-2] + (own[-1], own[-2]), q.dtype)
        for at, rows, keys, _, _, ds in backward_blocks(g, q, k, v, turned, out, softened, scale, causal, keep):
            at, keys, rows = [part if n > 1 else slice(None) for part, n in zip((at, keys, rows), (own[0], own[-1], own[-2]))]
            part = dbias[at, ..., keys, rows]
            part += ds.sum(axis=tuple([i for i, n in enumerate(part.shape) if n == 1]), keepdims=True)
        return T(dbias)

    def softened(q, k, v, bias, scale, causal, keep): return attend(q, k, v, bias, scale, causal, keep)[1:]

    def plain(q, k, v, bias=None, *, scale=1.0, causal=False, keep=None):
        scores = matmul(q, T(k)) * scale
        if bias is not None:
            scores = scores + bias
        if causal:
            scores = where(scores, -math.inf, condition=xp(raw(q)).tri(*scores.shape[-2:], dtype="bool"))
        p = softmax(scores, axis=-1)
        return matmul(p if keep is None else masked(p, keep=keep), v)


class rotary(Op):
    """out = x turned, pair of features by pair (a, b) by its own angle φ:    a' = a cos φ - b sin φ,    b' = b cos φ + a sin φ

    (Su et al. 2021, eq. 34.)  The derivative turns g back, by -φ.  x (…, size); cos, sin (…, size / 2), which broadcast over x.
    Pairs are the neighbours (x₀, x₁), (x₂, x₃) … if `interleaved`, else of the first half and the second, (x_i, x_{i + size/2}).
    """
    integers = False

    def forward(x, *, cos, sin, interleaved=False):
        out = xp(x).empty_like(x)
        (a, b), (turned_a, turned_b) = pairs(x, interleaved), pairs(out, interleaved)
        turned_a[...] = a * cos
        turned_a -= b * sin
        turned_b[...] = b * cos
        turned_b += a * sin
        return out

    def dx(g, cos, sin, interleaved): return rotary(g, cos=cos, sin=-sin, interleaved=interleaved)


def pairs(x, interleaved):
    """The first of each pair of features, and the second, as views."""
    half = x.shape[-1] // 2
    return (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])


# ---- the fast way of attention -----------------------------------------------------------------------------------------------
def attend(q, k, v, bias, scale, causal, keep):
    """The result, and for each query its e^(s - largest) or None, its largest score, and their sum: (…, keys or 1, queries)."""
    is_stack = max(q.ndim, k.ndim, v.ndim, bias.ndim if bias is not None else 0) > 2
    q, k, v, bias, keep = aligned(q, k, v, bias, keep)
    m, lead, queries, all_keys = xp(q), q.shape[:-2], q.shape[-2], k.shape[-2]
    out = m.zeros_like(q, shape=lead + (queries, v.shape[-1]))  # in memory as q, where heads and time may have been swapped
    top, total = m.zeros((2, *lead, 1, queries), q.dtype)
    e = None
    if math.prod(lead) * queries * all_keys <= q.size + k.size + v.size + out.size:
        e = m.empty(lead + (all_keys, queries), q.dtype)
    for at, rows, keys in blocks(q, k, causal):
        s = scores(q, k, bias, scale, causal, at, rows, keys, out=None if e is None else e[at, ..., keys, rows])
        top[at, ..., rows] = high = largest(s, axis=-2)
        s -= high
        m.exp(s, out=s)
        n = m.ones((1, keys.stop), s.dtype) @ s                 # the sum over the keys, five times as fast
        n += n == 0                                             # all are masked
        total[at, ..., rows] = n
        if keep is not None:
            s = s * keep[at, ..., keys, rows]
        part = out[at, ..., rows, :]
        m.matmul(T(s), v[at, ..., keys, :], out=part)
        part /= T(n)
    return out if is_stack else out[0], e, top, total


def backward_blocks(g, q, k, v, bias, out, softened, scale, causal, keep):
    """For each block: (its places, its queries, its keys, Pᵀ and g with dv = Pᵀ g, and dSᵀ).  The divisor of P is in that g."""
    e, top, total = softened
    g, out = g.reshape(q.shape[:-1] + v.shape[-1:]), out.reshape(q.shape[:-1] + v.shape[-1:])
    ones = xp(q).ones((v.shape[-1], 1), q.dtype)
    for at, rows, keys in blocks(q, k, causal):
        if e is not None:
            p = e[at, ..., keys, rows]
        else:
            p = scores(q, k, bias, scale, causal, at, rows, keys)
            p -= top[at, ..., rows]
            xp(q).exp(p, out=p)
        g_rows = g[at, ..., rows, :] / T(total[at, ..., rows])
        ds = v[at, ..., keys, :] @ xp(q).ascontiguousarray(T(g_rows))
        used = p
        if keep is not None:
            used = p * keep[at, ..., keys, rows]
            ds *= keep[at, ..., keys, rows]
        ds -= T((g_rows * out[at, ..., rows, :]) @ ones)
        ds *= p
        yield at, rows, keys, used, g_rows, ds


def aligned(q, k, v, bias, keep):
    """All of them with the same leading axes, one at least, without copies; bias and keep are turned: (…, keys, queries)."""
    places = (q.shape[-2], k.shape[-2])
    lead = backend.host.broadcast_shapes((1,), *[x.shape[:-2] for x in (q, k, v, bias, keep) if x is not None])
    q, k, v = [x if x.shape[:-2] == lead else xp(x).broadcast_to(x, lead + x.shape[-2:]) for x in (q, k, v)]
    bias = bias if bias is None else T(xp(bias).broadcast_to(bias, lead + places))
    keep = keep if keep is None else T(xp(keep).broadcast_to(keep, lead + places))
    return q, k, v, bias, keep


def blocks(q, k, causal):
    """What to work on at a time: (a stretch of the first axis, one of the queries, the keys they may attend), the last ones first.

    Causal ones are cut finer, as each block of queries leaves out the keys that come after it.
    """
    n, queries, keys = q.shape[0], q.shape[-2], k.shape[-2]
    numbers, few = backend.working_set(q)
    each = max(1, math.prod(q.shape[1:-2]) * keys)              # scores of one query, over all heads
    step = max(1, min(queries, few) if causal else min(queries, max(few, numbers // each)))
    many = max(1, numbers // (each * step))
    for i in range(0, n, many):
        for stop in range(queries if keys else 0, 0, -step):
            yield slice(i, i + many), slice(max(0, stop - step), stop), slice(0, min(stop, keys) if causal else keys)


def scores(q, k, bias, scale, causal, at, rows, keys, out=None):
    """scale k qᵀ + bias, of one block."""
    m = xp(q)
    s = m.matmul(k[at, ..., keys, :], m.ascontiguousarray(T(q[at, ..., rows, :] * scale)), out=out)
    if bias is not None:
        s += bias[at, ..., keys, rows]
    if causal and rows.start < keys.stop:
        later = s[..., rows.start:, :]
        later += m.tril(m.full(later.shape[-2:], -math.inf, s.dtype), -1)
    return s
