"""What to try the recurrent layers on: sequences of one length, and packed ones of several, in both directions."""
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays


@st.composite
def sequences(draw, gates, states=1):
    """x, the first states, the weights, both biases or none; as numbers of sequences that decrease from step to step, or as one."""
    batch, time, size, features = [draw(st.integers(1, 3)) for _ in range(4)]
    params = {"reverse": draw(st.booleans())}
    shape = (time, batch, features)
    if draw(st.booleans()):
        params["sizes"] = (batch, *sorted(draw(st.lists(st.integers(1, batch), max_size=3)), reverse=True))
        shape = (sum(params["sizes"]), features)
    operands = [shape, *[(batch, size)] * states, (gates * size, features), (gates * size, size)]
    operands += [(gates * size,)] * 2 if draw(st.booleans()) else []
    return tuple(draw(arrays(shape, low=-1, high=1)) for shape in operands), params


SAMPLES = {
    ops.rnn: Sample(sequences(1)),          # (relu, with its kink, is compared with PyTorch's)
    ops.lstm: Sample(sequences(4, states=2)),
    ops.gru: Sample(sequences(3)),
}
