"""Operands for the ops that normalise."""
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def normalised(draw, shifted=True):
    """An array that is spread out along the axes to normalise over; a weight and a bias of some of its axes, or none."""
    shape = draw(shapes(1, 4, 2, 3))
    axis = tuple(sorted(draw(st.permutations(range(len(shape))))[:draw(st.integers(1, len(shape)))]))
    kind = draw(st.sampled_from(["per mean", "per element", "some", "none"]))
    chosen = draw(st.sets(st.sampled_from(range(len(shape)))))
    has = {"per mean": set(range(len(shape))) - set(axis), "per element": set(axis)}.get(kind, chosen)
    line = tuple([n if a in has else 1 for a, n in enumerate(shape)])
    operands = [draw(arrays(shape, distinct=True))]
    if kind != "none":
        operands += [draw(arrays(line)) for _ in range(1 + shifted * draw(st.integers(0, 1)))]
    elif shifted and draw(st.booleans()):
        operands += [None, draw(arrays(line))]
    return tuple(operands), {"axis": axis, "eps": draw(st.sampled_from([1e-5, 0.1]))}


SAMPLES = {
    ops.standardize: Sample(normalised(), float32=1e-3),          # a third power of 1/σ
    ops.rms_norm: Sample(normalised(shifted=False), float32=1e-3),
}
