"""Operands for the ops that make one number of many."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, shapes

anything = shapes(0, 4)
some = shapes(1, 3, 1, 4)                                       # at least one axis, none of size 0


@st.composite
def reduced(draw, shape=anything, several=True, each=None, whole=True, **options):
    """An array, and the axes to reduce: none named, one, or several; `each` gives more parameters to draw from."""
    shape = draw(shape)
    kinds = ["whole"] * whole + ["one"] * (len(shape) > 0) + ["several"] * (several and len(shape) > 0)
    params = {name: draw(values) for name, values in (each or {}).items()}
    kind = draw(st.sampled_from(kinds))
    if kind == "one":
        params["axis"] = draw(st.integers(-len(shape), len(shape) - 1))
    elif kind == "several":
        chosen = draw(st.permutations(range(len(shape))))[:draw(st.integers(1, len(shape)))]
        params["axis"] = tuple([a - len(shape) * draw(st.integers(0, 1)) for a in chosen])
    if draw(st.booleans()):
        params["keepdims"] = draw(st.booleans())
    return (draw(arrays(shape, **options)),), params


@st.composite
def along(draw, shape=some, negative=True, each=None, **options):
    """An array, and one of its axes."""
    shape = draw(shape)
    axis = draw(st.integers(-len(shape) if negative else 0, len(shape) - 1))
    params = {name: draw(values(shape[axis]) if callable(values) else values) for name, values in (each or {}).items()}
    return (draw(arrays(shape, **options)),), {"axis": axis, **params}


def with_zeros(drawn):
    """Some elements replaced by 0."""
    (x,), params = drawn
    x = np.asarray(x * (abs(x) > 0.5))
    return (x,), params


@st.composite
def two_alike(draw):
    shape = draw(some)
    return (draw(arrays(shape)), draw(arrays(shape))), {"axis": draw(st.integers(-len(shape), len(shape) - 1))}


full = shapes(1, 3, 2, 4)                                       # enough along every axis for a variance
flags = st.booleans()
modes = st.sampled_from(["linear", "lower", "higher", "nearest", "midpoint"])

SAMPLES = {
    ops.sum: Sample(reduced()),
    ops.mean: Sample(reduced(shapes(0, 4, 1))),
    ops.prod: Sample(reduced(several=False).map(with_zeros)),
    ops.var: Sample(reduced(full, each={"correction": st.sampled_from([0, 1, 0.5])}, distinct=True)),
    ops.std: Sample(reduced(full, each={"correction": st.sampled_from([0, 1, 0.5])}, distinct=True)),
    ops.norm: Sample(reduced(some, each={"p": st.sampled_from([2, 3, 1.5, 0, 4])}, away_from=[0]), analytic=False),
    ops.amax: Sample(reduced(some, distinct=True), analytic=False),
    ops.amin: Sample(reduced(some, distinct=True), analytic=False),
    ops.median: Sample(arrays(some, distinct=True).map(lambda x: ((x,), {"ignore_nan": x.size % 2 == 0})), analytic=False),
    ops.argmax: Sample(reduced(some, several=False), gradient=False),
    ops.argmin: Sample(reduced(some, several=False), gradient=False),
    ops.argsort: Sample(along(each={"descending": flags}), gradient=False),
    ops.argtopk: Sample(along(each={"largest": flags, "k": lambda n: st.integers(0, n)}), gradient=False),
    ops.argmedian: Sample(along(each={"keepdims": flags, "ignore_nan": flags}), gradient=False),
    ops.argmode: Sample(along(each={"keepdims": flags}), gradient=False),
    ops.argcummax: Sample(along(negative=False), gradient=False),
    ops.argcummin: Sample(along(negative=False), gradient=False),
    ops.quantile_places: Sample(along(each={"q": st.floats(0, 1, width=16), "interpolation": modes, "ignore_nan": flags}),
                                gradient=False),
    ops.cumsum: Sample(along()),
    ops.cumprod: Sample(along().map(with_zeros)),
    ops.logcumsumexp: Sample(along(), analytic=False),
    ops.recurrence: Sample(two_alike()),
    ops.any: Sample(reduced(), gradient=False),
    ops.all: Sample(reduced(), gradient=False),
    ops.unique: Sample(arrays(some, dtype="int64"), gradient=False),
    ops.bincount: Sample(arrays(shapes(1, 1), low=0, high=5, dtype="int64"), gradient=False),
    ops.histogram: Sample(arrays(some).map(lambda x: ((x,), {"bins": 4, "low": -1.0, "high": 1.5})), gradient=False),
}
