"""Pooling: the largest element, or the mean, of each of the windows that slide over the last axes.

Nothing is copied into windows.  The j-th elements of all the windows are a slice of x with a step, so that a pass over the
elements of one window does all windows at once: for windows of 2 x 2, four slices.  The largest of a rectangle is the largest
of the largest of its rows, and sums are so too: both are found axis by axis, in kh + kw passes instead of kh · kw.
"""
import math
from dataclasses import dataclass
from itertools import product

from ..op import Op
from ..backend import iinfo, one_kernel, put_masked, xp
from .elementwise import masked
from .shape import at
from .windows import meetings_along


@dataclass(frozen=True)
class Windows:
    """The windows along one axis: window i is on the elements  stride · i + dilation · j - padding,  j = 0 … size - 1."""
    size: int
    stride: int
    padding: int
    dilation: int
    count: int

    def meetings(self, n):
        """For each j: the windows whose j-th element is one of the n of x and not of the border; and those elements.  Slices."""
        return meetings_along(n, self.size, self.count, self.stride, self.padding, self.dilation)

    def ends(self, n, padded):
        """Where what counts as an element begins and ends, those of the border counted or not."""
        return (-self.padding, n + self.padding) if padded else (0, n)

    def complete(self, n, padded):
        """Whether all windows have as many elements as their size says."""
        start, end = self.ends(n, padded)
        return start <= -self.padding and self.stride * (self.count - 1) + self.size - self.padding <= end

    def lengths(self, n, padded, xp):
        """How many elements each window has."""
        start, end = self.ends(n, padded)
        starts = xp.arange(self.count) * self.stride - self.padding
        return xp.minimum(starts + self.size, end) - xp.maximum(starts, start)

    def apart(self):
        """Whether no element is in two windows."""
        return self.stride > self.dilation * (self.size - 1) or self.count == 1

    def tile(self, n):
        """Whether each of n elements is in one window."""
        side_by_side = self.stride == self.size and (self.dilation == 1 or self.size == 1)
        return side_by_side and self.padding == 0 and n == self.size * self.count


def all_meetings(shape, windows):
    """The same over all the axes: for each element of a window, an index of the windows, and one of x."""
    lines = [w.meetings(n) for n, w in zip(shape[-len(windows):], windows)]
    for pairs in product(*lines):                               # in the order of the elements: the last axis runs fastest
        yield (..., *[windows for windows, _ in pairs]), (..., *[elements for _, elements in pairs])


def over_windows(combine, x, windows, nothing):
    """All that is in each window, combined by a ufunc.  `nothing` changes nothing: it is what windows off the edge begin with."""
    for axis, w in enumerate(windows, x.ndim - len(windows)):
        pairs = [(at(axis, own), at(axis, elements)) for own, elements in w.meetings(x.shape[axis])]
        everywhere = [elements for own, elements in pairs if own[-1] == slice(0, w.count)]
        if len(everywhere) > 1:
            first, second, *others = everywhere
            out = combine(x[first], x[second])
            for elements in others:
                combine(out, x[elements], out=out)
        else:
            out = xp(x).full_like(x, nothing, shape=x.shape[:axis] + (w.count,) + x.shape[axis + 1:])
            for elements in everywhere:
                out[...] = x[elements]
        for own, elements in pairs:
            if own[-1] != slice(0, w.count):
                combine(out[own], x[elements], out=out[own])
        x = out
    return x


# ---- the largest ------------------------------------------------------------------------------------------------
class max_pool(Op):
    """outᵢ = max_j x_{s·i + d·j - p}, the largest of each window                            (SPEC F-06)

    The article writes h(x) = max_{y∈Ω} g(x - y): Ω is the window, here {p, p - d, …}; the sign of y only names its elements
    differently.  With several axes i, j and so on are tuples.  Around x there is -∞; NaN is larger than all.

    The derivative hands g to the first of the largest, and nothing to the others.  Which that was is not kept, but found again:
    one comparison of x with out for each element of a window.
    """
    @one_kernel
    def forward(x, *, windows): return over_windows(xp(x).maximum, x, windows, lowest(x))
    def dx(g, winner, windows, shape): return put_winners(g, winner=winner, windows=windows, into=shape)
    def winner(x, out, windows): return winners(x, out, windows=windows)


def lowest(x):
    return -math.inf if x.dtype.kind == "f" else int(iinfo(x.dtype).min) if x.dtype.kind in "iu" else False


class winners(Op):
    """out = which element of its window is `best`, the largest of it: how many come before the first that equals it"""
    @one_kernel
    def forward(x, best, *, windows):
        limit = xp(x).fmin(best, math.inf) if x.dtype.kind == "f" else best        # NaN is not less than this either
        elements = math.prod([w.size for w in windows])
        lost = xp(x).ones_like(best, dtype="bool")
        out = xp(x).zeros_like(best, dtype="uint8" if elements < 256 else "int32")
        for _, (own, there) in zip(range(elements - 1), all_meetings(x.shape, windows)):    # if no other has won, the last has
            lost[own] &= x[there] < limit[own]
            out += lost.view("uint8")
        return out


class winner_places(Op):
    """out = where in x that element is, counted over the pooled axes together, row after row"""
    def forward(x, best, *, windows):
        code, out = winners(x, best, windows=windows).astype("int64"), 0
        elements = math.prod([w.size for w in windows])
        for axis, w in enumerate(windows, x.ndim - len(windows)):
            elements //= w.size
            place = xp(x).arange(w.count).reshape((-1,) + (1,) * (x.ndim - 1 - axis)) * w.stride - w.padding
            place = place + code // elements % w.size * w.dilation
            out = out * x.shape[axis] + place.clip(0, x.shape[axis] - 1)        # a window may be on the border alone
        return out


class put_winners(Op):
    """out = zeros of the shape `into`, to which each xᵢ is added at the winner of window i: the derivative of `max_pool`"""
    @one_kernel
    def forward(x, *, winner, windows, into):
        sides = list(zip(windows, into[-len(windows):]))
        make = xp(x).empty_like if all([w.tile(n) for w, n in sides]) else xp(x).zeros_like
        out = make(winner, dtype=x.dtype, shape=into)           # in the layout of the pooled
        apart = all([w.apart() for w in windows])
        for j, (own, there) in enumerate(all_meetings(into, windows)):
            if apart:
                put_masked(out[there], x[own], winner[own] == j)
            else:
                out[there] += masked(x[own], keep=winner[own] == j)
        return out

    def dx(g, winner, windows): return get_winners(g, winner=winner, windows=windows)


class get_winners(Op):
    """outᵢ = x at the winner of window i"""
    def forward(x, *, winner, windows):
        out = xp(x).zeros_like(winner, dtype=x.dtype)
        for j, (own, there) in enumerate(all_meetings(x.shape, windows)):
            out[own] += masked(x[there], keep=winner[own] == j)
        return out

    def dx(g, winner, windows, shape): return put_winners(g, winner=winner, windows=windows, into=shape)


class argmax_bins(Op):
    """out = where the first largest of each bin is, counted as in `winner_places`; the bins of an axis are `bins(n, count)`"""
    def forward(x, *, counts):
        lead, sizes = x.shape[:x.ndim - len(counts)], x.shape[x.ndim - len(counts):]
        places = xp(x).arange(math.prod(sizes)).reshape(sizes)
        found = []
        for each in product(*[bins(n, count) for n, count in zip(sizes, counts)]):
            here = tuple([slice(*ends) for ends in each])
            line = places[here].reshape(-1)
            found.append(line[x[(..., *here)].reshape(lead + line.shape).argmax(axis=-1)])
        return xp(x).stack(found, -1).reshape(lead + tuple(counts))


def bins(n, count):
    """Where the bins of adaptive pooling begin and end: n elements in `count` bins as equal as can be, which may overlap by one."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


# ---- means ------------------------------------------------------------------------------------------------------
class avg_pool(Op):
    """outᵢ = 1/nᵢ Σ_j x_{s·i + d·j - p}, the mean of each window

    nᵢ is the size of the window, what is of it on the border (of zeros) included if `padded`; or `divisor`, if that is given.
    """
    integers = False

    def forward(x, *, windows, padded=True, divisor=None):
        return divided(over_windows(xp(x).add, x, windows, 0), windows, x.shape, padded, divisor)

    def dx(g, windows, padded, divisor, shape): return avg_spread(g, windows=windows, padded=padded, divisor=divisor, into=shape)


class avg_spread(Op):
    """out = zeros of the shape `into`, to which each xᵢ/nᵢ is added at all elements of window i: the derivative of `avg_pool`

    With a divisor of 1 and windows side by side, it enlarges: each number becomes a block of equal ones.
    """
    integers = False

    def forward(x, *, windows, padded=True, divisor=None, into):
        x = divided(x, windows, into, padded, divisor)
        for axis in range(x.ndim - 1, x.ndim - len(windows) - 1, -1):
            w, n = windows[axis - x.ndim], into[axis]
            make = xp(x).empty_like if w.tile(n) else xp(x).zeros_like
            out = make(x, shape=x.shape[:axis] + (n,) + x.shape[axis + 1:])
            for own, elements in w.meetings(n):
                if w.apart():
                    out[at(axis, elements)] = x[at(axis, own)]
                else:
                    out[at(axis, elements)] += x[at(axis, own)]
            x = out
        return x

    def dx(g, windows, padded, divisor): return avg_pool(g, windows=windows, padded=padded, divisor=divisor)


def divided(x, windows, shape, padded, divisor):
    """x over the number of elements of each window; `shape` is that of what the windows slide over."""
    if divisor is None:
        sides = list(zip(windows, shape[-len(windows):]))
        if not all([w.complete(n, padded) for w, n in sides]):
            for axis, (w, n) in enumerate(sides, x.ndim - len(windows)):
                x = x / w.lengths(n, padded, xp(x)).reshape((-1,) + (1,) * (x.ndim - 1 - axis)).astype(x.dtype)
            return x
        divisor = math.prod([w.size for w in windows])
    return x if divisor == 1 else x / divisor
