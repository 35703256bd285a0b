"""What to try the losses on."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.ops.indexing import along
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def labelled(draw):
    """Scores, and what `cross_entropy` is told about their labels."""
    x = draw(arrays(shapes(min_dims=1).filter(lambda shape: shape[min(1, len(shape) - 1)] > 0)))
    axis = min(1, x.ndim - 1)
    random = np.random.default_rng(draw(st.integers(0, 99)))
    one = x.shape[:axis] + (1,) + x.shape[axis + 1:]
    line = [1] * x.ndim
    line[axis] = x.shape[axis]
    params = {"places": along(random.integers(0, x.shape[axis], one), axis), "axis": axis, "summed": draw(st.booleans())}
    if draw(st.booleans()):
        params["peak"] = draw(st.sampled_from([0.25, random.uniform(0.5, 2, one)]))
    if draw(st.booleans()):
        params["base"] = random.uniform(0.1, 0.3, line)
    return (x,), params


@st.composite
def pairs(draw, **options):
    """Predictions, and targets between 0 and 1, of one shape."""
    shape = draw(shapes())
    return draw(arrays(shape, **options)), draw(arrays(shape, low=0, high=1))


SAMPLES = {
    ops.cross_entropy: Sample(labelled()),
    ops.binary_cross_entropy: Sample(pairs(low=0.1, high=0.9)),
    ops.binary_cross_entropy_with_logits: Sample(pairs(low=-4, high=4), analytic=False),        # |x|
    ops.huber: Sample(st.tuples(arrays(low=-4, high=4, away_from=[-1.5, 0, 1.5]).map(lambda d: (d,)),
                                st.just({"delta": 1.5})), analytic=False),                      # |d|
}
