"""Pooling: the largest element, or the mean, of each of the windows that slide over the last axes.

Nothing is copied into windows.  The j-th elements of all the windows are a slice of x with a step: so windows of 2 x 2 take four
slices, however many windows there are.  The largest of a rectangle is the largest of its rows' largest, and with sums it is the
same: both are found axis by axis, in kh + kw passes instead of kh · kw.
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
    """The windows along one axis: the elements of window i are  stride · i + dilation · j - padding,  j = 0 … size - 1.

    The methods ask about an x of n elements along that axis.  What is read in front of it and behind is the border.
    """
    size: int
    stride: int
    padding: int
    dilation: int
    count: int                                                  # of windows

    def meetings(self, n):
        """For each j: the windows whose j-th element is in x, not on the border; and these elements of x.  Slices."""
        return meetings_along(n, self.size, self.count, self.stride, self.padding, self.dilation)

    def ends(self, n, padded):
        """Where what counts as an element begins and ends.  padded: whether the border counts."""
        return (-self.padding, n + self.padding) if padded else (0, n)

    def complete(self, n, padded):
        """Whether all `size` elements count, in all windows."""
        start, end = self.ends(n, padded)
        return start <= -self.padding and self.stride * (self.count - 1) + self.size - self.padding <= end

    def lengths(self, n, padded, library):
        """How many elements count, in each window: an array of that library."""
        start, end = self.ends(n, padded)
        starts = library.arange(self.count) * self.stride - self.padding
        return library.minimum(starts + self.size, end) - library.maximum(starts, start)

    def apart(self):
        """Whether no element is in two windows."""
        return self.stride > self.dilation * (self.size - 1) or self.count == 1

    def tile(self, n):
        """Whether each of the n elements is in exactly one window."""
        side_by_side = self.stride == self.size and (self.dilation == 1 or self.size == 1)
        return side_by_side and self.padding == 0 and n == self.size * self.count


def all_meetings(shape, windows):
    """`meetings` over all the axes: for each element of a window, an index of the windows, and one of x."""
    for pairs in product(*[w.meetings(n) for n, w in zip(shape[-len(windows):], windows)]):     # the last axis runs fastest
        yield (..., *[own for own, _ in pairs]), (..., *[elements for _, elements in pairs])


def over_windows(combine, x, windows, nothing):
    """The elements of each window, combined by a ufunc such as `add`.  nothing: what changes no result, such as 0."""
    for axis, w in enumerate(windows, x.ndim - len(windows)):
        pairs, every = w.meetings(x.shape[axis]), slice(0, w.count)
        inside = [x[at(axis, elements)] for own, elements in pairs if own == every]             # in all windows, a j-th element
        at_edges = [(own, elements) for own, elements in pairs if own != every]                 # in some, it is on the border
        if len(inside) > 1:
            first, second, *others = inside
            out = combine(first, second)
            for other in others:
                combine(out, other, out=out)
        else:
            out = xp(x).full_like(x, nothing, shape=x.shape[:axis] + (w.count,) + x.shape[axis + 1:])
            for only in inside:
                out[...] = only
        for own, elements in at_edges:
            some = out[at(axis, own)]
            combine(some, x[at(axis, elements)], out=some)
        x = out
    return x


# ---- the largest ------------------------------------------------------------------------------------------------
class max_pool(Op):
    """outᵢ = max_j x_{s·i + d·j - p}, the largest of each window                            (SPEC F-06)

    The article writes h(x) = max_{y∈Ω} g(x - y): Ω is the window, here {p, p - d, …}; the sign of y only names its elements
    differently.  With several axes, i, j and so on are tuples.  The border is -∞, and NaN is larger than all.

    The derivative hands g to the first of the largest, and nothing to the others.  Which one that is, is not kept but found again:
    one comparison of x with out for each element of a window.
    """
    @one_kernel
    def forward(x, *, windows): return over_windows(xp(x).maximum, x, windows, lowest(x))
    def dx(g, winner, windows, shape): return put_winners(g, winner=winner, windows=windows, into=shape)
    def winner(x, out, windows): return winners(x, out, windows=windows)


def lowest(x):
    """The least that a number of the dtype of x can be."""
    return -math.inf if x.dtype.kind == "f" else int(iinfo(x.dtype).min) if x.dtype.kind in "iu" else False


class winners(Op):
    """out = which element of its window is `best`, its largest: the number of those before it, the first if several are equal"""
    @one_kernel
    def forward(x, best, *, windows):
        limit = xp(x).fmin(best, math.inf) if x.dtype.kind == "f" else best        # ∞ for NaN: the two count as equal here
        elements = math.prod([w.size for w in windows])
        lost = xp(x).ones_like(best, dtype="bool")
        out = xp(x).zeros_like(best, dtype="uint8" if elements < 256 else "int32")
        for _, (own, there) in zip(range(elements - 1), all_meetings(x.shape, windows)):    # not the last: it wins if no other has
            lost[own] &= x[there] < limit[own]                  # this one and all before it
            out += lost.view("uint8")
        return out


class winner_places(Op):
    """out = where in x that element is, counted over the pooled axes together, row after row"""
    def forward(x, best, *, windows):
        winner, out = winners(x, best, windows=windows).astype("int64"), 0
        elements = math.prod([w.size for w in windows])
        for axis, w in enumerate(windows, x.ndim - len(windows)):
            elements //= w.size                                 # for each j of this axis: those of the axes behind it
            start = xp(x).arange(w.count).reshape((-1,) + (1,) * (x.ndim - 1 - axis)) * w.stride - w.padding
            place = start + winner // elements % w.size * w.dilation
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
    """out = where the first largest of each bin is, counted as in `winner_places`.  counts: how many bins, for each axis"""
    def forward(x, *, counts):
        lead, sizes = x.shape[:x.ndim - len(counts)], x.shape[x.ndim - len(counts):]
        places = xp(x).arange(math.prod(sizes)).reshape(sizes)
        found = []
        for each in product(*[bins(n, count) for n, count in zip(sizes, counts)]):
            here = tuple([slice(*ends) for ends in each])
            in_bin = places[here].reshape(-1)
            found.append(in_bin[x[(..., *here)].reshape(lead + in_bin.shape).argmax(axis=-1)])
        return xp(x).stack(found, -1).reshape(lead + tuple(counts))


def bins(n, count):
    """Where the bins of adaptive pooling begin and end: n elements in `count` bins, as equal as can be, that may overlap by one."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


# ---- means ------------------------------------------------------------------------------------------------------
class avg_pool(Op):
    """outᵢ = 1/nᵢ Σ_j x_{s·i + d·j - p}, the mean of each window

    The border is 0.  nᵢ is the number of elements in window i, with those on the border if `padded`; or `divisor`, if one is given.
    """
    integers = False

    def forward(x, *, windows, padded=True, divisor=None):
        return divided(over_windows(xp(x).add, x, windows, 0), windows, x.shape, padded, divisor)

    def dx(g, windows, padded, divisor, shape): return avg_spread(g, windows=windows, padded=padded, divisor=divisor, into=shape)


class avg_spread(Op):
    """out = zeros of the shape `into`, to which each xᵢ/nᵢ is added at all elements of window i: the derivative of `avg_pool`

    With a divisor of 1 and windows side by side, it enlarges an image: each number becomes a block of equal ones.
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
    """x divided by the number of elements in each window.  shape: of what the windows slide over."""
    if divisor is None:
        sides = list(zip(windows, shape[-len(windows):]))
        if not all([w.complete(n, padded) for w, n in sides]):
            for axis, (w, n) in enumerate(sides, x.ndim - len(windows)):
                x = x / w.lengths(n, padded, xp(x)).reshape((-1,) + (1,) * (x.ndim - 1 - axis)).astype(x.dtype)
            return x
        divisor = math.prod([w.size for w in windows])
    return x if divisor == 1 else x / divisor
