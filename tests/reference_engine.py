"""A second engine, as simple as one can be: recursive, slow, everything kept.  What the real one computes is compared with it.

A gradient is a Ref like any other value and is always recorded, so there is one kind of backward pass, to any order.
"""
import numpy as np


class Ref:
    """A value; the Refs it was computed from, and for each of them its share of a gradient g, as a function of g."""
    now = 0                                                     # counts ops and edits
    edits = []                                                  # (memory, when it was written to)
    recording = True

    def __init__(self, array, parents=(), shares=(), kept=(), wants=False):
        Ref.now += 1
        self.array, self.born = np.asarray(array), Ref.now
        self.wants = wants or (Ref.recording and any(p.wants for p in parents))
        self.parents, self.shares = (parents, shares) if self.wants else ((), ())
        self.kept = [x if isinstance(x, np.ndarray) else x.array for x in kept]       # what the real op keeps for its derivatives
        self.freed, self.grad, self.retains = False, None, False

    def edit(self, new):
        self.array[...] = new
        Ref.now += 1
        Ref.edits.append((self.array, Ref.now))

    def stale(self):
        return any(when > self.born and np.shares_memory(x, memory) for x in self.kept for memory, when in Ref.edits)


def fit(g, x):
    """g summed to the shape of x."""
    extra = tuple(range(g.array.ndim - x.array.ndim))
    ones = tuple(a for a in range(g.array.ndim) if a not in extra and x.array.shape[a - len(extra)] == 1)
    return Ref(g.array.sum(axis=extra + ones).reshape(x.array.shape), [g], [lambda h: stretch(h, g)])


def stretch(x, like): return Ref(np.broadcast_to(x.array, like.array.shape), [x], [lambda g: fit(g, x)])
def neg(x): return Ref(-x.array, [x], [neg])
def detach(x): return Ref(x.array)
def both(x, y): return ([y] if x.wants else []) + ([x] if y.wants else [])
def add(x, y): return Ref(x.array + y.array, [x, y], [lambda g: fit(g, x), lambda g: fit(g, y)])
def sub(x, y): return Ref(x.array - y.array, [x, y], [lambda g: fit(g, x), lambda g: fit(neg(g), y)])
def mul(x, y): return Ref(x.array * y.array, [x, y], [lambda g: fit(mul(g, y), x), lambda g: fit(mul(g, x), y)], both(x, y))
def relu(x): return keeping_out(Ref(x.array * (x.array > 0), [x], [lambda g: mul(g, Ref(1.0 * (x.array > 0)))]))
def sum(x): return Ref(x.array.sum(), [x], [lambda g: stretch(g, x)])


def sigmoid(x):
    out = Ref(1 / (1 + np.exp(-x.array)), [x], [lambda g: mul(g, mul(out, sub(Ref(1.0), out)))])
    return keeping_out(out)


def keeping_out(out):
    out.kept = [out.array]
    return out


def unbind(x):
    whole = Ref(x.array, [x], [lambda g: g])
    return [Ref(whole.array[i], [whole], [lambda g, i=i: put(g, i, whole)]) for i in range(len(x.array))]


def put(x, i, like):
    out = np.zeros(like.array.shape)
    out[i] = x.array
    return Ref(out, [x], [lambda g: unbind(g)[i]])


def stack(*xs):
    return Ref(np.stack([x.array for x in xs]), xs, [lambda g, i=i: unbind(g)[i] for i in range(len(xs))])


def history(x, seen=None):
    """x and all it was computed from, parents first."""
    seen = {} if seen is None else seen
    if x.wants and x not in seen:
        for parent in x.parents:
            history(parent, seen)
        seen[x] = None
    return list(seen)


def walk(output, g, targets=None, retain=False):
    """{Ref: its gradient} for all the Refs on the way to the targets (default: to all leaves)."""
    arrived = {output: g}
    for x in reversed(history(output)):
        on_the_way = [p for p in x.parents if p.wants and (targets is None or targets & set(history(p)))]
        if x not in arrived or not on_the_way:
            continue
        if x.freed or x.stale():
            raise RuntimeError
        for parent, share in zip(x.parents, x.shares):
            if parent in on_the_way:
                piece = share(arrived[x])
                arrived[parent] = add(arrived[parent], piece) if parent in arrived else piece
        x.freed = bool(x.kept) and not retain                   # a shape or an axis is no burden
    return arrived
