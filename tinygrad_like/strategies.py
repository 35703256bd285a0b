"""What to draw operands from, by hypothesis: shapes, shapes that broadcast, arrays in all memory layouts and away from kinks.

Import these names from `tinygrad_like.testing`, which says what they are for.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .backend import host as np

try:
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("the strategies of tinygrad_like.testing are hypothesis's, which is not installed: "
                      "pip install 'tinygrad_like[test]'") from error


class Sample:
    """What to try an op on.

    operands: a strategy of arrays, of tuples of operands (None: one left out), or of pairs (tuple of operands, dict of parameters).
    analytic: the forward computes with complex numbers as with real ones, so slopes can be measured by a complex step.
    gradient: False where the results are integers or booleans, or are not differentiable: only the forward is checked.
    eps: the spacing of the points that differences are taken of; smaller where the results may change sign from one point to the
        next (eigenvectors).
    second: False where the second derivative is not to be checked: say why beside it.
    never_differentiated: operands that are never floating-point arrays here, though the op has a derivative for them.
    float32: how far float32 results and gradients may be from float64's, relative to the largest.  None where float32 operands
        do not give float32 results (a conversion).
    """

    def __init__(self, operands: Any, *, analytic: bool = True, gradient: bool = True, second: bool = True,
                 eps: float = 1e-3, never_differentiated: tuple[str, ...] = (), float32: float | None = 1e-4) -> None:
        self.analytic, self.gradient, self.second, self.float32 = analytic, gradient, second, float32
        self.eps, self.never_differentiated = eps, never_differentiated
        self.operands: Any = operands.map(as_operands_and_params)

    def __repr__(self) -> str:
        return f"Sample(analytic={self.analytic}, gradient={self.gradient})"


def as_operands_and_params(drawn: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not isinstance(drawn, tuple):
        return (drawn,), {}
    if len(drawn) == 2 and isinstance(drawn[0], tuple) and isinstance(drawn[1], dict):
        return drawn
    return drawn, {}


@st.composite
def shapes(draw: Any, min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 3) -> tuple[int, ...]:
    """Small shapes.  With min_side=0, one in eight has an axis of length 0."""
    dims = draw(st.integers(min_dims, max_dims))
    shape = [draw(st.integers(max(min_side, 1), max_side)) for _ in range(dims)]
    if min_side == 0 and dims and draw(st.integers(0, 7)) == 7:
        shape[draw(st.integers(0, dims - 1))] = 0
    return tuple(shape)


@st.composite
def arrays(draw: Any, shape: Any = None, low: float = -2, high: float = 2, away_from: Iterable[float] = (), gap: float = 0.1,
           distinct: bool = False, dtype: str = "float64") -> Any:
    """Arrays of random numbers between low and high (for integers: both included), contiguous, transposed or sliced.

    shape: a shape, or a strategy of shapes (default: `shapes()`).
    away_from, gap: points (kinks) that no element is nearer to than the gap.
    distinct: no two elements are close to each other, for functions that sort them.
    """
    shape = draw(shapes()) if shape is None else draw(shape) if isinstance(shape, st.SearchStrategy) else tuple(shape)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if np.dtype(dtype).kind != "f":
        return layout(draw, random.integers(low, int(high) + 1, shape).astype(dtype))
    starts, ends, at = [], [], float(low)                       # the intervals that are left
    for point in [*sorted(away_from), float("inf")]:
        if point - gap > at:
            starts.append(at)
            ends.append(min(point - gap, high))
        at = max(at, point + gap)
        if at >= high:
            break
    lengths = np.subtract(ends, starts)
    if not len(lengths) or lengths.min() < 0:
        raise ValueError(f"arrays: nothing is left between {low} and {high} that is {gap} away from {list(away_from)}")
    t = random.uniform(0, 1, shape)
    if distinct and t.size:
        t = (random.permutation(t.size) + 0.8 * t.ravel() + 0.1).reshape(shape) / t.size
    t = t * lengths.sum()
    before = np.cumsum(lengths) - lengths
    which = np.minimum(np.searchsorted(before, t, side="right") - 1, len(lengths) - 1)
    return layout(draw, np.asarray(np.asarray(starts)[which] + (t - before[which]), dtype))


@st.composite
def broadcastable(draw: Any, n: int = 2, min_dims: int = 0, max_dims: int = 4, min_side: int = 0, max_side: int = 3,
                  each: Any = None, **options: Any) -> tuple[Any, ...]:
    """n arrays whose shapes broadcast together.  options: those of `arrays`; each: a dict of them for every one of the n."""
    whole = draw(shapes(min_dims, max_dims, min_side, max_side))
    found = []
    for k in range(n):
        shape = whole[draw(st.integers(0, len(whole) - min(min_dims, len(whole)))):] if draw(st.booleans()) else whole
        if draw(st.booleans()):
            shape = tuple([side if draw(st.booleans()) else 1 for side in shape])
        found.append(draw(arrays(shape, **{**options, **(each[k] if each else {})})))
    return tuple(found)


def layout(draw: Any, x: Any) -> Any:
    """The same array, laid out in memory in one of several ways."""
    way = draw(st.sampled_from(["contiguous", "transposed", "sliced", "reversed"])) if x.ndim else "contiguous"
    if way == "transposed":
        return np.array(x.T, order="C").T
    if way == "sliced":                                         # every second of a larger array
        larger = np.full(tuple([2 * side for side in x.shape]), 77, x.dtype)
        view = larger[(slice(None, None, 2),) * x.ndim]
        view[...] = x
        return view
    if way == "reversed":
        return np.array(x[..., ::-1], order="C")[..., ::-1]
    return x
