"""Attention: each query gathers the values of those keys that it resembles."""
import math
from functools import lru_cache

from .. import backend
from ..backend import one_kernel, xp
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

    Nothing of size L × S need be held: a few rows of P are computed, used and forgotten, and the backward pass computes them
    again, as e^{s - lse}, from lse_i = ln Σ_n e^{s_in}.  P is kept if it is no larger than q, k, v and out are together.
    P stands transposed, (…, keys, queries): there a maximum over the keys takes a third of the time.

    bias: broadcasts to (…, L, S).  -inf: the key is not attended.  A row that attends none gives 0, with gradient 0.
    causal: query i attends keys 0 … i.  The scores of keys beyond the rows at hand are not computed at all.
    keep: None, or booleans (…, L, S).        The leading axes broadcast.
    """
    integers = False

    @one_kernel
    def forward(q, k, v, bias=None, *, scale=1.0, causal=False, keep=None):
        out, *softened = attend(q, k, v, bias, scale, causal, keep)
        return Kept(out, softened=softened)

    def dq(g, gradients): return gradients[0]
    def dk(g, gradients): return gradients[1]
    def dv(g, gradients): return gradients[2]

    @one_kernel
    def gradients(g, q, k, v, bias, out, softened, scale, causal, keep):
        q, k, v, *others = aligned(g, q, k, v, bias, out, softened, keep)
        queries, keys = q.shape[-2], k.shape[-2]
        all_met = queries and keys and (queries >= keys or not causal)
        grads = [xp(x).empty_like(x) if all_met else xp(x).zeros_like(x) for x in (q, k, v)]

        for (q_, k_, dq, dk, dv), rows, keys, p, g, ds in backward_blocks(q, k, v, *others, grads, scale, causal, times=scale):
            xp(q_).matmul(T(ds), k_[..., keys, :], out=dq[..., rows, :])
            for dx, left, right in ((dv, p, g), (dk, ds, q_[..., rows, :])):
                dx = dx[..., keys, :]
                if rows.stop == queries:                        # the first block that these keys are in: they come from the end
                    xp(q_).matmul(left, right, out=dx)
                else:
                    dx += left @ right
        return grads

    def dbias(g, q, k, v, bias, out, softened, scale, causal, keep):
        operands = aligned(g, q, k, v, bias, out, softened, keep)
        shape = (1,) * (operands[0].ndim - bias.ndim) + bias.shape
        dbias = xp(q).zeros(shape[:-2] + (shape[-1], shape[-2]), q.dtype)
        for (_, _, part), rows, keys, _, _, ds in backward_blocks(*operands, (dbias,), scale, causal):
            part = part[..., keys if shape[-1] > 1 else slice(None), rows if shape[-2] > 1 else slice(None)]
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
    """The result; Pᵀ, (…, keys, queries), or None if it is too large to keep; and then lse, (…, 1, queries), else None."""
    is_stack = max(q.ndim, k.ndim, v.ndim, bias.ndim if bias is not None else 0) > 2
    q, k, v, bias, keep = broadcast(q, k, v, bias, keep)
    m, lead, queries, keys = xp(q), q.shape[:-2], q.shape[-2], k.shape[-2]
    make = m.empty_like if keys else m.zeros_like
    out = make(q, shape=lead + (queries, v.shape[-1]))          # in memory as q, whose heads may come after time
    kept = math.prod(lead) * queries * keys <= q.size + k.size + v.size + out.size
    whole = m.empty(lead + (keys, queries), q.dtype) if kept else None
    lse = None if kept else m.empty(lead + (1, queries), q.dtype)

    for rows, keys, (q_, k_, v_, bias_, keep_, o, p, l) in blocks(causal, q, k, v, bias, keep, out, whole, lse):
        p, moderate = scores(q_, k_, bias_, scale, causal, rows, keys, out=None if p is None else p[..., keys, rows])
        high = 0.0
        if not moderate:
            high = largest(p, axis=-2)
            p -= high
        exponential(p, moderate)
        total = m.ones((1, keys.stop), p.dtype) @ p             # the sum over the keys, five times as fast
        total += total == 0                                     # all are masked
        p *= 1 / total
        if l is not None:
            l[..., rows] = m.log(total) + high
        used = p if keep_ is None else p * keep_[..., keys, rows]
        m.matmul(T(used), v_[..., keys, :], out=o[..., rows, :])
    return out if is_stack else out[0], whole, lse


def backward_blocks(q, k, v, bias, keep, g, out, whole, lse, more, scale, causal, times=1.0):
    """For each block: its part of q, of k and of more; its rows, its keys; Pᵀ (where it was dropped, 0), g of its rows, and
    dSᵀ · times."""
    m = xp(q)
    ones = m.ones((v.shape[-1], 1), q.dtype)
    for rows, keys, (q, k, v, bias, keep, g, out, p, lse, *more) in blocks(causal, q, k, v, bias, keep, g, out, whole, lse, *more):
        if p is not None:
            p = p[..., keys, rows]
        else:
            p, moderate = scores(q, k, bias, scale, causal, rows, keys)
            p -= lse[..., rows]
            exponential(p, moderate)
        used, g_rows = p, g[..., rows, :]
        g_rows_t = m.empty(T(g_rows).shape, g.dtype)
        m.multiply(T(g_rows), times, out=g_rows_t)              # turned in memory, too
        ds = v[..., keys, :] @ g_rows_t                         # dPᵀ
        if keep is not None:
            used = p * keep[..., keys, rows]
            ds *= keep[..., keys, rows]
        ds -= times * T((g_rows * out[..., rows, :]) @ ones)
        ds *= p
        yield (q, k, *more), rows, keys, used, g_rows, ds


def broadcast(q, k, v, bias, keep):
    """All of them with the same leading axes, one at least, without copies; bias and keep are turned: (…, keys, queries)."""
    places = (q.shape[-2], k.shape[-2])
    leads = {x.shape[:-2] for x in (q, k, v, bias, keep) if x is not None}
    lead = leads.pop() if len(leads) == 1 and q.ndim > 2 else backend.host.broadcast_shapes((1,), *leads)
    q, k, v = [x if x.shape[:-2] == lead else xp(x).broadcast_to(x, lead + x.shape[-2:]) for x in (q, k, v)]
    bias, keep = [x if x is None else T(xp(x).broadcast_to(x, lead + places)) for x in (bias, keep)]
    return q, k, v, bias, keep


def aligned(g, q, k, v, bias, out, softened, keep):
    """What `backward_blocks` takes first."""
    q, k, v, bias, keep = broadcast(q, k, v, bias, keep)
    shape = q.shape[:-1] + v.shape[-1:]
    return q, k, v, bias, keep, g.reshape(shape), out.reshape(shape), *softened


def blocks(causal, q, k, *others):
    """Parts of q, k and the others that are computed with at a time, as views: (rows of q, the keys they may meet, parts of all).

    Causal ones have few rows, which leave out the keys that come after them.  Of the same part of k the last rows come first.
    """
    queries, keys = q.shape[-2], k.shape[-2]
    numbers, few = backend.working_set(q)
    step = max(1, min(queries, few if causal else max(few, numbers // max(1, keys))))
    for part in stretches(numbers // (step * max(1, keys)), q, k, *others):
        for stop in range(queries if keys else 0, 0, -step):
            yield slice(max(0, stop - step), stop), slice(0, min(stop, keys) if causal else keys), part


def stretches(heads, *arrays):
    """Arrays cut alike along their leading axes, so that each part has about that many matrices.  None, and axes of 1, stay."""
    n, each = arrays[0].shape[0], math.prod(arrays[0].shape[1:-2])
    if each > heads and arrays[0].ndim > 3:
        for i in range(n):
            yield from stretches(heads, *[x if x is None else x[i if len(x) > 1 else 0] for x in arrays])
    else:
        step = max(1, heads // max(1, each))
        for i in range(0, n, step):
            yield [x if x is None or len(x) == 1 else x[i:i + step] for x in arrays]


def exponential(s, moderate):
    """s = eˢ for s <= 0, in place; below about 1e-26, in float32, it is 0.  Or for s that are moderate, or -inf.

    Processors are many times slower where results are smaller than the smallest normal number.  So no such is computed here, and
    none from these: they are lost in rounding a sum, and stay lost.
    """
    m = xp(s)
    if type(s) is backend.host.ndarray and not moderate:
        tiny = float(m.finfo(s.dtype).tiny)
        m.maximum(s, 0.9 * math.log(tiny), out=s)
        m.exp(s, out=s)
        s += math.sqrt(tiny)
        s -= math.sqrt(tiny)
    else:
        m.exp(s, out=s)


def scores(q, k, bias, scale, causal, rows, keys, out=None):
    """scale k qᵀ + bias, of one block; and whether it is known to be moderate, or -inf."""
    m, rows_of_q = xp(q), T(q[..., rows, :])
    scaled = m.empty(rows_of_q.shape, q.dtype)
    m.multiply(rows_of_q, scale, out=scaled)                    # turned in memory, too
    s = m.matmul(k[..., keys, :], scaled, out=out)
    bias = None if bias is None else bias[..., keys, rows]
    moderate = is_moderate(s, bias)
    if bias is not None:
        s += bias
    if causal and rows.start < keys.stop:
        later = s[..., rows.start:, :]
        later += hidden(*later.shape[-2:], q)
    return s, moderate


def is_moderate(s, bias):
    """Whether e^(s + bias) is 0 or of ordinary size for all s, and so are sums of it.  (On a GPU, to ask would mean to wait.)"""
    if type(s) is not backend.host.ndarray:
        return False
    if bias is not None:
        each = bias[tuple([slice(1) if stride == 0 else slice(None) for stride in bias.strides])]       # once, if it is broadcast
        if not ((each == 0) | (each == -math.inf)).all():
            return False
    limit = math.log(float(xp(s).finfo(s.dtype).max)) / 3       # 29.5 in float32
    return bool(s.max() < limit and s.min() > -limit)


def hidden(keys, queries, like):
    """0 where the key comes no later than the query, else -inf: (keys, queries)."""
    if type(like) is backend.host.ndarray:
        return hidden_on_host(keys, queries, like.dtype)
    return xp(like).tril(xp(like).full((keys, queries), -math.inf, like.dtype), -1)


@lru_cache(16)                                                  # small ones: see `working_set`
def hidden_on_host(keys, queries, dtype):
    return backend.host.tril(backend.host.full((keys, queries), -math.inf, dtype), -1)
