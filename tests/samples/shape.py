"""Operands for the ops that rearrange elements."""
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, shapes

some = shapes(1, 3, 1, 3)                                       # at least one axis, none of size 0
matrices = shapes(2, 4, 1, 3)


def given(shape, params):
    """One array of a drawn shape, with parameters: params(draw, shape) returns a dict, and may draw."""
    @st.composite
    def operands(draw):
        drawn = draw(shape)
        chosen = params(draw, drawn)
        return (draw(arrays(drawn)),), chosen
    return operands()


def axis(draw, shape, negative=True):
    return draw(st.integers(-len(shape) if negative else 0, len(shape) - 1))


def axes(draw, shape):
    return tuple(draw(st.permutations(range(len(shape))))[:draw(st.integers(0, len(shape)))])


@st.composite
def same(draw):
    """Up to three arrays of one shape, and an axis to stack them along."""
    shape = draw(shapes(0, 3))
    xs = [draw(arrays(shape)) for _ in range(draw(st.integers(1, 3)))]
    return tuple(xs), {"axis": draw(st.integers(-len(shape) - 1, len(shape)))}


@st.composite
def alike(draw):
    """Up to three arrays whose shapes differ along one axis only."""
    shape = draw(shapes(1, 3))
    a = axis(draw, shape)
    xs = []
    for _ in range(draw(st.integers(1, 3))):
        each = list(shape)
        each[a] = draw(st.integers(0, 3))
        xs.append(draw(arrays(tuple(each))))
    return tuple(xs), {"axis": a}


@st.composite
def inside_of(draw, params, shape_of, shape=matrices):
    """An array of the shape that shape_of(into, **params) has, for ops that put it into zeros of the shape `into`."""
    into = draw(shape)
    chosen = params(draw, into)
    return (draw(arrays(shape_of(into, **chosen))),), {**chosen, "into": into}


def diagonals(draw, shape):
    axis1, axis2 = draw(st.permutations(range(len(shape))))[:2]
    return {"offset": draw(st.integers(1 - shape[axis1], shape[axis2] - 1)), "axis1": axis1, "axis2": axis2 - len(shape)}


def on_diagonals(into, offset, axis1, axis2):
    axis2 += len(into)
    n = min(into[axis1] + min(offset, 0), into[axis2] - max(offset, 0))
    return tuple([s for a, s in enumerate(into) if a not in (axis1, axis2)]) + (n,)


def windows(draw, shape):
    a = axis(draw, shape, negative=False)
    return {"axis": a, "size": draw(st.integers(1, shape[a])), "step": draw(st.integers(1, 3))}


@st.composite
def overlapping(draw):
    into = draw(shapes(1, 3, 1, 4))
    chosen = windows(draw, into)
    size, a, step = chosen.pop("size"), chosen["axis"], chosen["step"]
    count = (into[a] - size) // step + 1
    return (draw(arrays(into[:a] + (count,) + into[a + 1:] + (size,))),), {**chosen, "into": into}


def borders(draw, shape, constant=True):
    mode = draw(st.sampled_from(["constant"] * constant + ["reflect", "replicate", "circular"]))
    most = {"reflect": lambda n: n - 1, "circular": lambda n: n}.get(mode, lambda n: 2)
    widths = tuple([tuple([draw(st.integers(0, most(n))) for _ in range(2)]) for n in shape])
    return {"widths": widths, "mode": mode, **({"value": 0.5} if mode == "constant" else {})}


@st.composite
def bordered(draw):
    shape = draw(some)
    chosen = borders(draw, shape, constant=False)
    return (draw(arrays(tuple([b + n + a for n, (b, a) in zip(shape, chosen["widths"])]))),), chosen


def sizes(draw, shape):
    a = axis(draw, shape, negative=False)
    cut = draw(st.integers(0, shape[a]))
    return {"sizes": (cut, shape[a] - cut), "axis": a}


SAMPLES = {
    ops.alias: Sample(arrays()),
    ops.clone: Sample(arrays()),
    ops.astype: Sample(arrays().map(lambda x: ((x,), {"dtype": x.dtype})), analytic=False, float32=None),
    ops.reshape: Sample(given(shapes(), lambda draw, shape: {"to": tuple(draw(st.permutations(shape)))})),
    ops.swapaxes: Sample(given(some, lambda draw, shape: {"axis1": axis(draw, shape), "axis2": axis(draw, shape)})),
    ops.transpose: Sample(given(shapes(), lambda draw, shape: {"axes": tuple([a - len(shape) * draw(st.integers(0, 1))
                                                                             for a in draw(st.permutations(range(len(shape))))])})),
    ops.flip: Sample(given(shapes(), lambda draw, shape: {"axis": axes(draw, shape)})),
    ops.roll: Sample(given(some, lambda draw, shape: {"axis": (chosen := axes(draw, shape)),
                                                      "shift": tuple([draw(st.integers(-4, 4)) for _ in chosen])})),
    ops.broadcast_to: Sample(given(shapes(0, 3), lambda draw, shape: {
        "to": draw(shapes(0, 1)) + tuple([draw(st.integers(1, 3)) if n == 1 else n for n in shape])})),
    ops.tile: Sample(given(shapes(0, 3), lambda draw, shape: {
        "reps": tuple([draw(st.integers(1, 3)) for _ in range(len(shape) + draw(st.integers(0, 1)))])})),
    ops.repeat: Sample(given(some, lambda draw, shape: {"repeats": draw(st.integers(1, 3)), "axis": axis(draw, shape)})),
    ops.pad: Sample(given(some, borders)),
    ops.fold_borders: Sample(bordered()),
    ops.tril: Sample(given(matrices, lambda draw, shape: {"k": draw(st.integers(-3, 3))})),
    ops.triu: Sample(given(matrices, lambda draw, shape: {"k": draw(st.integers(-3, 3))})),
    ops.diagonal: Sample(given(matrices, diagonals)),
    ops.put_diagonal: Sample(inside_of(diagonals, on_diagonals)),
    ops.sliding_windows: Sample(given(shapes(1, 3, 1, 4), windows)),
    ops.overlap_add: Sample(overlapping()),
    ops.concatenate: Sample(alike()),
    ops.passing: Sample(same().map(lambda drawn: (drawn[0], {"seen": tuple}))),
    ops.split: Sample(given(some, sizes)),
    ops.stack: Sample(same()),
    ops.unbind: Sample(given(some, lambda draw, shape: {"axis": axis(draw, shape)})),
}
