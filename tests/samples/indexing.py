from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.backend import host as np
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def index_of(draw, shape, repeats=True):
    """An index for an array of this shape: slices, numbers, None, ..., a mask, or arrays of integers."""
    kinds = ["basic", "mask", "arrays"] if shape and all(shape) else ["basic"]
    kind = draw(st.sampled_from(kinds))
    if kind == "mask":
        dims = draw(st.integers(1, len(shape)))
        return draw(arrays(shape[:dims], low=0, high=1, dtype="bool"))
    entries = []
    for n in shape[:draw(st.integers(0, len(shape)))]:
        choices = [slice(None), slice(None, None, 2), slice(1, None), slice(0, -1)] + ([-1, 0] if n and kind == "basic" else [])
        entries.append(draw(st.sampled_from(choices)))
    if kind == "arrays" and entries:
        for where in draw(st.sets(st.integers(0, len(entries) - 1), min_size=1)):
            n = shape[where]
            many = draw(arrays((draw(st.integers(0, 5)),), low=-n, high=n - 1, dtype="int64")) if repeats else \
                np.asarray(draw(st.permutations(range(n))), "int64")[:draw(st.integers(1, n))]
            entries[where] = many if len([i for i in entries if isinstance(i, np.ndarray)]) == 0 else \
                np.asarray(draw(st.integers(-n, n - 1)))
    if kind == "basic" and draw(st.booleans()):
        entries.append(Ellipsis)
    if draw(st.booleans()):
        entries.insert(draw(st.integers(0, len(entries))), None)
    return tuple(entries)


@st.composite
def read(draw):
    x = draw(arrays())
    return (x,), {"index": draw(index_of(x.shape))}


@st.composite
def added(draw):
    x = draw(arrays())
    index = draw(index_of(x.shape))
    return (draw(arrays(x[index].shape)),), {"index": index, "into": x.shape}


@st.composite
def put(draw, repeats):
    x = draw(arrays())
    index = draw(index_of(x.shape, repeats))
    shape = x[index].shape
    shape = draw(st.sampled_from([shape, shape[1:], (1,) * len(shape), ()]))
    return (x, draw(arrays(shape))), {"index": index}


@st.composite
def extremes(draw):
    x = draw(arrays(shapes(min_dims=1, max_dims=2, min_side=1), low=-1, high=1))
    index = draw(arrays((draw(st.integers(0, 6)),), low=0, high=len(x) - 1, dtype="int64"))
    values = draw(arrays((len(index), *x.shape[1:]), distinct=True))
    both = np.concatenate([x.ravel(), values.ravel()])
    ranks = np.argsort(np.argsort(both)) * 0.1                  # no two are near each other: there it bends
    return (ranks[:x.size].reshape(x.shape), ranks[x.size:].reshape(values.shape)), {"index": index, "largest": draw(st.booleans())}


@st.composite
def taken(draw):
    x = draw(arrays(shapes(min_dims=1, min_side=1)))
    axis = draw(st.integers(-x.ndim, x.ndim - 1))
    indices = draw(arrays(shapes(max_dims=2), low=0, high=x.shape[axis] - 1, dtype="int64"))
    return (x,), {"indices": indices, "axis": axis}


@st.composite
def added_slices(draw):
    (into,), params = draw(taken())
    axis = params["axis"] % into.ndim
    shape = into.shape[:axis] + params["indices"].shape + into.shape[axis + 1:]
    return (draw(arrays(shape)),), {**params, "into": into.shape}


@st.composite
def looked_up(draw):
    w = draw(arrays((draw(st.integers(1, 4)), draw(st.integers(0, 20)))))
    indices = draw(arrays(shapes(max_dims=2), low=0, high=len(w) - 1, dtype="int64"))
    return (w,), {"indices": indices}


@st.composite
def along(draw, into=False):
    shape = draw(shapes(min_side=1))
    axis = draw(st.integers(-len(shape), len(shape) - 1)) if shape else 0
    many = [draw(st.integers(1, n)) for n in shape]
    if shape:
        many[axis] = draw(st.integers(0, 4))
    indices = draw(arrays(tuple(many), low=0, high=shape[axis] - 1 if shape else 0, dtype="int64"))
    if into:
        return (draw(arrays(tuple(many))),), {"indices": indices, "axis": axis, "into": shape}
    return (draw(arrays(shape)),), {"indices": indices, "axis": axis}


@st.composite
def searched(draw):
    lead = draw(shapes(max_dims=1))
    line = np.sort(draw(arrays((*lead, draw(st.integers(0, 4))))), axis=-1)
    return (line, draw(arrays((*lead, draw(st.integers(0, 4)))))), {"side": draw(st.sampled_from(["left", "right"]))}


SAMPLES = {
    ops.getitem: Sample(read()),
    ops.put_add: Sample(added()),
    ops.setitem: Sample(put(repeats=False)),
    ops.add_item: Sample(put(repeats=True)),
    ops.extreme_item: Sample(extremes(), analytic=False),
    ops.take: Sample(taken()),
    ops.put_add_slices: Sample(added_slices()),
    ops.embedding: Sample(looked_up()),           # `padding` stops a gradient: no slope to compare with
    ops.take_along_axis: Sample(along()),
    ops.put_add_along_axis: Sample(along(into=True)),
    ops.one_hot: Sample(arrays(low=0, high=3, dtype="int64").map(lambda x: ((x,), {"classes": 4})), gradient=False),
    ops.argwhere: Sample(arrays(low=0, high=1, dtype="int64"), gradient=False),
    ops.searchsorted: Sample(searched(), gradient=False),
}
