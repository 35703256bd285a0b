"""What to try attention on."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def heads(draw):
    """Queries, keys and values whose leading axes broadcast; biases, some of them -inf; causal or not; some are dropped."""
    lead = draw(st.sampled_from([(), (2,), (2, 2), (1, 3)]))
    queries, keys = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    size, width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    fewer = tuple([draw(st.sampled_from([1, n])) for n in lead[draw(st.integers(0, len(lead))):]])
    q, k, v = draw(arrays((*lead, queries, size))), draw(arrays((*fewer, keys, size))), draw(arrays((*lead, keys, width)))
    params = {"scale": draw(st.sampled_from([1.0, 0.5])), "causal": draw(st.booleans())}
    random = np.random.default_rng(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        params["keep"] = random.random((*lead, queries, keys)) < 0.7
    bias = None
    if draw(st.booleans()):
        bias = draw(arrays((*fewer, draw(st.sampled_from([1, queries])), draw(st.sampled_from([1, keys])))))
        if draw(st.booleans()):
            bias = np.where(random.random(bias.shape) < 0.3, -np.inf, bias)
    return (q, k, v, bias), params


@st.composite
def turned(draw):
    x = draw(arrays((*draw(shapes(max_dims=2)), 2 * draw(st.integers(1, 2)))))
    angle = np.random.default_rng(draw(st.integers(0, 99))).uniform(0, 6, (*x.shape[1:-1], x.shape[-1] // 2))
    return (x,), {"cos": np.cos(angle), "sin": np.sin(angle), "interleaved": draw(st.booleans())}


SAMPLES = {
    ops.attention: Sample(heads()),
    ops.rotary: Sample(turned()),
}
