"""Recurrent layers: an op runs one layer in one direction over whole sequences.  Its `plain` is the textbook's form, step by step.

Sequences.  x is (time, batch, features).  Or it is packed, as (Σ sizes, features), step after step: `sizes` says how many
sequences each step has, and as the longest come first, step t has the first sizes[t] of them.  With `reverse` the last step is
computed first.  A sequence that is over keeps its state, and one that has not begun yet has its first state.

Forward, w_ih x_t + b is found for all steps at once, in one product; the loop over the steps adds w_hh h_{t-1}.

Backward, most factors of a derivative follow from the results of a step alone: these are found for all steps at once.  The loop
only sends the gradient of each state on to the state before.  It leaves behind dL/dz, where z is what the gates are functions of,
and then the gradient of each weight is one product over all steps.

Inside, features come first, (features, batch): so each gate is one block of memory, and the products of a step are faster.
As σ(z) = ½ tanh(½ z) + ½, one tanh serves all gates of a step, once the weights of the sigmoids are halved.
"""
import math

from ..op import Kept, Op
from ..backend import host, one_kernel, pieces, xp
from .activation import relu as relu_, sigmoid
from .elementwise import tanh
from .linalg import linear, rows
from .shape import concatenate, split


# ---- the steps of sequences -------------------------------------------------------------------------------------
def steps_of(shape, sizes, reverse):
    """Which rows each step has, where all steps stand one under the other: slices, in the order of computation."""
    steps, end = [], 0
    for size in shape[1:2] * shape[0] if sizes is None else sizes:
        steps.append(slice(end, end + size))
        end += size
    return steps[::-1] if reverse else steps


def count(step):
    """How many sequences have this step."""
    return step.stop - step.start


def alike(steps):
    """Whether all steps have equally many sequences; in packed ones, they have fewer and fewer."""
    return count(steps[0]) == count(steps[-1])


def states_before(out, first, steps):
    """The state that each row of out started from: that of its sequence a step earlier, or its first."""
    if alike(steps):
        n = count(steps[0])
        return xp(out).concatenate([first, out[:-n]] if steps[0].start == 0 else [out[n:], first])
    parts, earlier = {}, slice(0, 0)
    for step in steps:
        going_on = out[earlier.start:earlier.start + min(count(step), count(earlier))]
        parts[step.start] = going_on, first[count(earlier):count(step)]         # and the sequences that begin here
        earlier = step
    return xp(out).concatenate([part for start in sorted(parts) for part in parts[start]])


def blocks(x, size, steps):
    """x is (…, size · all rows), step after step: for each step, a view of its part as (…, size, n), for its n sequences."""
    if alike(steps):
        parts = list(xp(x).moveaxis(x.reshape(*x.shape[:-1], len(steps), size, count(steps[0])), -3, 0))
        return parts if steps[0].start == 0 else parts[::-1]
    return [x[..., size * step.start:size * step.stop].reshape(*x.shape[:-1], size, count(step)) for step in steps]


def side_by_side(x, size, steps):
    """The parts that `blocks` gives, next to each other: (…, size, all rows)."""
    steps = sorted(steps, key=lambda step: step.start)
    if alike(steps):                                            # one copy
        x = x.reshape(*x.shape[:-1], len(steps), size, count(steps[0])).swapaxes(-2, -3)
        return x.reshape(*x.shape[:-2], -1)
    return xp(x).concatenate(blocks(x, size, steps), axis=-1)


def by_gate(w, size):
    """(gates · size, …) as (gates, size, …)."""
    return w.reshape(-1, size, *w.shape[1:])


def in_parts(w, n):
    """The matrices w (gates, size, k) in parts, (gates, parts, rows, k), for products with matrices (k, n): where each takes less
    than a million multiplications, OpenBLAS copies no matrix first, and is faster."""
    gates, size, k = w.shape
    part = size
    while part % 2 == 0 and part * k * n >= 1e6 and type(w) is host.ndarray:
        part //= 2
    return w.reshape(gates, -1, part, k)


def back_through(w, n):
    """A function of dz (gates, k, n or fewer): Σ w dz over the gates, (size, n or fewer), for w (gates, size, k)."""
    if type(w) is host.ndarray:
        w_parts = in_parts(w, n)
        return lambda dz, out=None: (w_parts @ dz[:, None]).reshape(len(w), -1, dz.shape[-1]).sum(axis=0, out=out)
    whole = w.swapaxes(0, 1).reshape(w.shape[1], -1)            # on a GPU, one large product is faster
    return lambda dz, out=None: xp(w).matmul(whole, dz.reshape(-1, dz.shape[-1]), out=out)


def inputs(x, w, b, size, steps):
    """w x_tᵀ + b for all steps, (gates, size · all rows), as `blocks` takes it: the product [w b] [x_t 1]ᵀ"""
    module, x, w, n = xp(x), rows(x), by_gate(w, size), count(steps[0])
    if b is not None:
        w = module.concatenate([w, by_gate(b, size)[..., None]], axis=-1)
    z = module.empty((len(w), len(x) * size), x.dtype)
    if n >= 16 and alike(steps):                                # each step has enough rows for a product of its own
        w = in_parts(w, n)
        x_t = module.ones((len(steps), 1, w.shape[-1], n), x.dtype)
        x_t[:, 0, :x.shape[1]] = x.reshape(len(steps), n, x.shape[1]).swapaxes(1, 2)
        module.matmul(w[:, None], x_t, out=z.reshape(len(w), len(steps), *w.shape[1:3], n))
    else:                                                       # one product of all rows, whose columns are then put in blocks
        x_t = module.ones((w.shape[-1], len(x)), x.dtype)
        x_t[:x.shape[1]] = x.T
        whole = w @ x_t
        for step, part in zip(steps, blocks(z, size, steps)):
            part[...] = whole[..., step]
    return z


def sum_of_rows(dz):
    """The sum of each row, as a product with ones, which is faster."""
    return dz @ xp(dz).ones(dz.shape[1], dz.dtype)


def features_first(state, *others):
    """A copy of the state that the loop can write to, (size, batch), of the dtype that all of these have in common."""
    given = [x for x in others if x is not None]
    return state.T.astype(xp(state).result_type(state, *given), order="C")


def unrolled(cell, x, *states, sizes, reverse):
    """The textbook's loop: states = cell(x_t, *states).  Returns the first of them at all steps, and all of them at the end."""
    out, all_steps = {}, rows(x)
    for step in steps_of(x.shape, sizes, reverse):
        n = count(step)
        new = cell(all_steps[step], *[state[:n] for state in states])
        out[step.start] = new[0]
        states = [concatenate(now, state[n:], axis=0) for now, state in zip(new, states)]
    out = concatenate(*[out[start] for start in sorted(out)], axis=0)
    return (out.reshape((*x.shape[:-1], out.shape[-1])), *states)


def again(op, *operands, **params):
    """What the forward of an op notes for the way back, computed once more."""
    return op.forward(*operands, **params).intermediates["run"]


# ---- no gates ---------------------------------------------------------------------------------------------------
class rnn(Op):
    """outs = h_t at all steps, and the last h:      h_t = tanh(w_ih x_t + b_ih + w_hh h_{t-1} + b_hh),  or relu for tanh

    x: (time, batch, features), or packed.  h0: (batch, size).  w_ih: (size, features).  w_hh: (size, size).  b_ih, b_hh: (size).
    It is h_t = tanh(W [h_{t-1}, x_t] + b) for W = [w_hh, w_ih] and b = b_ih + b_hh      (SPEC F-07; J. Elman, "Finding
    structure in time", 1990).

    From a step to the one before:  dz_t = dh_t (1 - h_t²),  and  dh_{t-1} = w_hhᵀ dz_t + the gradient of h_{t-1} as a result.
    """
    integers = False

    def forward(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, relu=False, sizes=None, reverse=False):
        module, steps = xp(x), steps_of(x.shape, sizes, reverse)
        h = features_first(h0, x, w_ih, w_hh, b_ih, b_hh)
        out = module.empty((math.prod(x.shape[:-1]), len(h)), h.dtype)
        from_x = inputs(x, w_ih, b_ih if b_hh is None else b_ih + b_hh, len(h), steps)[0]
        for step, z in zip(steps, blocks(from_x, len(h), steps)):
            now = h[:, :count(step)]                            # (size, n)
            z += w_hh @ now
            if relu:
                module.maximum(z, 0, out=now)
            else:
                module.tanh(z, out=now)
            out[step] = now.T
        return Kept((out.reshape(*x.shape[:-1], out.shape[1]), h.T), run=out)

    def back(g, run, x, w_hh, relu, sizes, reverse):            # dz of all steps, (size, all rows), and dh0
        out, g_out, dh = run, rows(g[0]), g[1].T.copy()
        slope = (out > 0) if relu else 1 - out * out
        dz = xp(out).empty(out.shape[::-1], out.dtype)
        for step in reversed(steps_of(x.shape, sizes, reverse)):
            now = dh[:, :count(step)]
            now += g_out[step].T
            now *= slope[step].T
            dz[:, step] = now
            now[...] = w_hh.T @ now
        return dz, dh

    def run(x, h0, w_ih, w_hh, b_ih, b_hh, relu, sizes, reverse):
        return again(rnn, x, h0, w_ih, w_hh, b_ih, b_hh, relu=relu, sizes=sizes, reverse=reverse)

    def dx(g, back, w_ih, shape): return (back[0].T @ w_ih).reshape(shape)
    def dh0(g, back): return back[1].T
    def dw_ih(g, back, x): return back[0] @ rows(x)
    def dw_hh(g, back, run, x, h0, sizes, reverse): return back[0] @ states_before(run, h0, steps_of(x.shape, sizes, reverse))
    def db_ih(g, back_to_b): return back_to_b
    def db_hh(g, back_to_b): return back_to_b
    def back_to_b(back): return sum_of_rows(back[0])

    def plain(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, relu=False, sizes=None, reverse=False):
        def cell(x, h):
            z = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
            return [relu_(z) if relu else tanh(z)]
        return unrolled(cell, x, h0, sizes=sizes, reverse=reverse)


# ---- gates ------------------------------------------------------------------------------------------------------
class lstm(Op):
    """outs = h_t at all steps, the last h, and the last c:      c_t = f c_{t-1} + i g,   h_t = o tanh c_t,   where

        i, f, g, o = σ(z_i), σ(z_f), tanh(z_g), σ(z_o),      z = w_ih x_t + b_ih + w_hh h_{t-1} + b_hh

    x: (time, batch, features), or packed.  h0, c0: (batch, size).  w_ih: (4 size, features).  w_hh: (4 size, size).  b: (4 size),
    the rows of i, f, g and o under each other      (SPEC MOD-08, M-12; S. Hochreiter and J. Schmidhuber, "Long short-term
    memory", 1997; the gate f is of F. Gers et al., "Learning to forget", 2000).

    Backpropagation through time.  A step is reached by dh, the gradient of its h_t, and by dc, that of its c_t: each is the sum of
    what comes from outside and of what comes from the next step.  Begin at h_t = o tanh c_t:

        do = dh tanh c_t                         dc grows by  dh o (1 - tanh² c_t)         as tanh' = 1 - tanh²

    Then c_t = f c_{t-1} + i g, a sum of products, in which each factor receives dc times the other:

        di = dc g       df = dc c_{t-1}      dg = dc i          and c_{t-1} receives  dc f

    This is what makes an LSTM: along c the gradient is multiplied by f alone, which the network can hold near 1, while in an rnn it
    goes through w_hh and a tanh' at each step, and so vanishes.  Next the gates, by σ' = σ (1 - σ):

        dz_i = di i (1 - i)     dz_f = df f (1 - f)     dz_g = dg (1 - g²)     dz_o = do o (1 - o)

    and last z, which is linear in all that it is made of:  dh_{t-1} = w_hhᵀ dz,  dx_t = w_ihᵀ dz,  and summed over the steps
    dw_ih = Σ dz x_tᵀ,  dw_hh = Σ dz h_{t-1}ᵀ,  db = Σ dz.  Each dz is dc or dh times a factor that is known before the loop
    (`local` below): so there is little left for the loop to do.
    """
    integers = False

    def forward(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes=None, reverse=False):
        module, size, steps = xp(x), w_hh.shape[1], steps_of(x.shape, sizes, reverse)
        h, c = [features_first(state, x, h0, c0, w_ih, w_hh, b_ih, b_hh) for state in (h0, c0)]
        out = module.empty((math.prod(x.shape[:-1]), size), h.dtype)
        c_before, tanh_c = module.empty((2, out.size), h.dtype)
        scale = module.full((4, size), 0.5, h.dtype)            # σ(z) is ½ tanh(½ z) + ½, and all gates but g are σ
        scale[2] = 1
        scale = scale.reshape(4 * size)
        b = None if b_ih is None else (b_ih if b_hh is None else b_ih + b_hh) * scale
        gates = inputs(x, w_ih * scale[:, None], b, size, steps)                # of x alone; in the loop they become i, f, g, o
        w = w_hh * scale[:, None]
        w = in_parts(by_gate(w, size), len(h0)) if module is host else w        # on a GPU one product
        for step, a, c_old, t in zip(steps, *[blocks(each, size, steps) for each in (gates, c_before, tanh_c)]):
            h_now, c_now = h[:, :count(step)], c[:, :count(step)]
            lstm_cell(c_now, h_now, out[step].T, c_old, t, a, (w @ h_now).reshape(a.shape))
        return Kept((out.reshape(*x.shape[:-1], size), h.T, c.T), run=(out, gates, c_before, tanh_c))

    def back(g, run, x, w_hh, sizes, reverse):                  # dz of all steps, (4 size, all rows), dh0 and dc0
        multiply, size, steps = xp(x).multiply, w_hh.shape[1], steps_of(x.shape, sizes, reverse)
        out, gates, c_before, tanh_c = run
        g_out, dh, dc = rows(g[0]), g[1].T.copy(), g[2].T.copy()
        local = xp(x).empty(gates.shape, out.dtype)             # the factors of dc, dc, dc and dh in dz
        into_c = xp(x).empty(tanh_c.shape, out.dtype)           # that of dh in dc
        for i, f, g, o, c, t, by_i, by_f, by_g, by_o, by_c in pieces(*gates, c_before, tanh_c, *local, into_c):     # g: the gate
            multiply(g * i, 1 - i, out=by_i)
            multiply(c * f, 1 - f, out=by_f)
            multiply(i, 1 - g * g, out=by_g)
            multiply(t * o, 1 - o, out=by_o)
            multiply(o, 1 - t * t, out=by_c)
        towards_h = back_through(by_gate(w_hh, size).swapaxes(1, 2), dh.shape[1])
        for step, dz, into, f in reversed(list(zip(steps, *[blocks(each, size, steps) for each in (local, into_c, gates[1])]))):
            h_now, c_now = dh[:, :count(step)], dc[:, :count(step)]
            lstm_cell_back(c_now, h_now, g_out[step].T, into, f, dz)
            towards_h(dz, out=h_now)
        return side_by_side(local, size, steps).reshape(4 * size, len(out)), dh, dc

    def run(x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        return again(lstm, x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes=sizes, reverse=reverse)

    def dx(g, back, w_ih, shape): return (back[0].T @ w_ih).reshape(shape)
    def dh0(g, back): return back[1].T
    def dc0(g, back): return back[2].T
    def dw_ih(g, back, x): return back[0] @ rows(x)
    def dw_hh(g, back, run, x, h0, sizes, reverse): return back[0] @ states_before(run[0], h0, steps_of(x.shape, sizes, reverse))
    def db_ih(g, back_to_b): return back_to_b
    def db_hh(g, back_to_b): return back_to_b
    def back_to_b(back): return sum_of_rows(back[0])

    def plain(x, h0, c0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes=None, reverse=False):
        def cell(x, h, c):
            z = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
            z_i, z_f, z_g, z_o = split(z, sizes=(z.shape[1] // 4,) * 4, axis=1)
            c = sigmoid(z_f) * c + sigmoid(z_i) * tanh(z_g)
            return sigmoid(z_o) * tanh(c), c
        return unrolled(cell, x, h0, c0, sizes=sizes, reverse=reverse)


@one_kernel
def lstm_cell(c, h, out, before, tanh_c, a, z):
    """One step, which changes c and h.  a, with z added to it, becomes the gates i, f, g, o.  out, before and tanh_c note h_t,
    c_{t-1} and tanh c_t for later."""
    a += z
    xp(a).tanh(a, out=a)
    i, f, g, o = a
    for sigmoids in (a[:2], o):
        sigmoids *= 0.5
        sigmoids += 0.5
    before[...] = c
    c *= f
    c += i * g
    xp(c).tanh(c, out=tanh_c)
    xp(c).multiply(o, tanh_c, out=h)
    out[...] = h


@one_kernel
def lstm_cell_back(dc, dh, g, into_c, f, dz):
    """One step back.  dz comes as the factors `local`, and becomes dz; dc becomes that of the step before.  dh grows by g; that of
    the step before is left to the caller: w_hhᵀ dz."""
    dh += g
    dc += dh * into_c
    dz[:3] *= dc
    dz[3] *= dh
    dc *= f


class gru(Op):
    """outs = h_t at all steps, and the last h:      h_t = (1 - z) n + z h_{t-1},   where

        r, z = σ(w_ih x_t + b_ih + w_hh h_{t-1} + b_hh)  by their rows,  n = tanh(w_ih x_t + b_ih + r m),  m = w_hh h_{t-1} + b_hh

    x: (time, batch, features), or packed.  h0: (batch, size).  w_ih: (3 size, features).  w_hh: (3 size, size).  b: (3 size), the
    rows of r, z and n under each other      (K. Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014,
    but with r applied after the product with w_hh instead of before it, so that one product serves all three).

    A step that is reached by dh, the gradient of its h_t, sends dh z to h_{t-1}.  As h_t = n + z (h_{t-1} - n), it sends to the
    sums inside of σ and tanh, and to m,

        dn = dh (1 - z) (1 - n²)     dz = dh (h_{t-1} - n) z (1 - z)     dm = dn r     dr = dn m r (1 - r)

    Of these, dr, dz, dn are the gradients of the rows of w_ih x_t + b_ih, and dr, dz, dm of those of w_hh h_{t-1} + b_hh.
    """
    integers = False

    def forward(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes=None, reverse=False):
        module, size, steps = xp(x), w_hh.shape[1], steps_of(x.shape, sizes, reverse)
        b = b_ih
        if b_hh is not None:
            b = b_ih + b_hh
            b[2 * size:] = b_ih[2 * size:]                      # the last third of b_hh belongs to m
        h = features_first(h0, x, w_ih, w_hh, b_ih, b_hh)
        out = module.empty((math.prod(x.shape[:-1]), size), h.dtype)
        gates = inputs(x, w_ih, b, size, steps)                 # of x alone; in the loop they become r, z, n
        inner, change = module.empty((2, out.size), h.dtype)    # m, and h_{t-1} - n
        w = in_parts(by_gate(w_hh, size), len(h0))
        for step, rzn, m, d in zip(steps, *[blocks(each, size, steps) for each in (gates, inner, change)]):
            now = h[:, :count(step)]
            from_h = (w @ now).reshape(rzn.shape)
            rz, (r, z, n) = rzn[:2], rzn
            rz += from_h[:2]
            rz *= 0.5
            module.tanh(rz, out=rz)
            rz *= 0.5
            rz += 0.5
            if b_hh is None:
                m[...] = from_h[2]
            else:
                module.add(from_h[2], b_hh[2 * size:, None], out=m)
            n += r * m
            module.tanh(n, out=n)
            module.subtract(now, n, out=d)
            module.multiply(z, d, out=now)
            now += n
            out[step] = now.T
        return Kept((out.reshape(*x.shape[:-1], size), h.T), run=(out, gates, inner, change))

    def back(g, run, x, w_hh, sizes, reverse):                  # dr, dz, dn of all steps, (3 size, all rows); dm, dr, dz; and dh0
        multiply, size, steps = xp(x).multiply, w_hh.shape[1], steps_of(x.shape, sizes, reverse)
        out, gates, inner, change = run
        g_out, dh = rows(g[0]), g[1].T.copy()
        local = xp(x).empty((4, out.size), out.dtype)           # the factors of dh in dm, dr, dz, dn, in this order: so the three
        for r, z, n, m, d, by_m, by_r, by_z, by_n in pieces(*gates, inner, change, *local):     # that w_ih wants are neighbours too
            multiply(1 - z, 1 - n * n, out=by_n)
            multiply(by_n, r, out=by_m)
            multiply(by_m * m, 1 - r, out=by_r)
            multiply(d * z, 1 - z, out=by_z)
        w_mrz = xp(x).roll(w_hh, size, 0)                       # its rows belong to r, z, m: here they are in the order m, r, z
        towards_h = back_through(by_gate(w_mrz, size).swapaxes(1, 2), dh.shape[1])
        for step, dz, z in reversed(list(zip(steps, *[blocks(each, size, steps) for each in (local, gates[1])]))):
            now = dh[:, :count(step)]
            now += g_out[step].T
            dz *= now                                           # local, until here
            now *= z
            now += towards_h(dz[:3])
        dz = side_by_side(local, size, steps).reshape(4 * size, len(out))
        return dz[size:], dz[:3 * size], dh

    def run(x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        return again(gru, x, h0, w_ih, w_hh, b_ih, b_hh, sizes=sizes, reverse=reverse)

    def dx(g, back, w_ih, shape): return (back[0].T @ w_ih).reshape(shape)
    def dh0(g, back): return back[2].T
    def dw_ih(g, back, x): return back[0] @ rows(x)

    def dw_hh(g, back, run, x, h0, sizes, reverse):
        dw = back[1] @ states_before(run[0], h0, steps_of(x.shape, sizes, reverse))
        return xp(dw).roll(dw, -h0.shape[1], 0)                 # from the order m, r, z to r, z, m

    def db_ih(g, back): return sum_of_rows(back[0])

    def db_hh(g, back, h0):
        db = sum_of_rows(back[1])
        return xp(db).roll(db, -h0.shape[1], 0)

    def plain(x, h0, w_ih, w_hh, b_ih=None, b_hh=None, *, sizes=None, reverse=False):
        def cell(x, h):
            thirds = {"sizes": (h.shape[1],) * 3, "axis": 1}
            (a_r, a_z, a_n), (m_r, m_z, m_n) = split(linear(x, w_ih, b_ih), **thirds), split(linear(h, w_hh, b_hh), **thirds)
            r, z = sigmoid(a_r + m_r), sigmoid(a_z + m_z)
            n = tanh(a_n + r * m_n)
            return [(1 - z) * n + z * h]
        return unrolled(cell, x, h0, sizes=sizes, reverse=reverse)
