"""What to try the loss of unaligned sequences on."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays


@st.composite
def spoken(draw):
    """Log-probabilities in frames, more of them than any sequence of labels needs (where there are too few, the loss is inf)."""
    random = np.random.default_rng(draw(st.integers(0, 99)))
    n, longest, classes = draw(st.integers(1, 3)), draw(st.integers(0, 2)), draw(st.integers(2, 4))
    blank = draw(st.integers(0, classes - 1))
    labels = random.integers(0, classes - 1, (n, longest))
    lengths = random.integers(0, longest + 1, n)
    times = 2 * lengths + random.integers(0, 2, n)
    x = draw(arrays((int(times.max()) + draw(st.integers(0, 1)), n, classes), low=-3, high=0))
    return (x,), {"labels": labels + (labels >= blank), "times": times, "lengths": lengths, "blank": blank}


SAMPLES = {
    ops.ctc_loss: Sample(spoken(), analytic=False),           # max
}
