"""Operands for resizing."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def resized(draw, params):
    """An array and one of its axes, with params(random, n, count) for a result that has so many elements there."""
    shape = draw(shapes(1, 4, 1, 3))
    shape = tuple([0 if draw(st.integers(0, 9)) == 9 else n for n in shape[:-1]]) + shape[-1:]
    axis = draw(st.integers(-len(shape), len(shape) - 1)) if 0 not in shape else -1
    random = np.random.default_rng(draw(st.integers(0, 99)))
    return (draw(arrays(shape)),), {"axis": axis, **params(random, shape[axis], draw(st.integers(1, 5)))}


SAMPLES = {
    ops.resample: Sample(resized(lambda random, n, count: {"matrix": random.uniform(-1, 1, (count, n))})),
    ops.nearest: Sample(resized(lambda random, n, count: {"indices": random.integers(0, n, count)})),
}
