"""Operands for pooling."""
import math

import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.ops.pool import Windows
from tinygrad_like.testing import Sample, arrays, shapes


@st.composite
def lines(draw, n, dilated):
    """Windows along an axis of n elements: side by side, overlapping, with gaps, and with the last only half there."""
    size = draw(st.integers(1, min(3, n)))
    dilation = draw(st.integers(1, 2)) if dilated and size > 1 and 2 * size - 1 <= n else 1
    stride, padding = draw(st.sampled_from([size, size, 1, 2, 3])), draw(st.integers(0, size // 2))
    room = n + 2 * padding - dilation * (size - 1) - 1
    count = room // stride + 1
    half = room % stride > 0 and count * stride < n + padding and draw(st.booleans())
    return Windows(size, stride, padding, dilation, count + half)


@st.composite
def windowed(draw, dilated=True, **options):
    """An array, and windows over its last axes; a few of the arrays have no rows."""
    sizes = draw(shapes(1, 3, 1, 4))
    lead = draw(shapes(0, 1, 0, 2))
    windows = tuple([draw(lines(n, dilated)) for n in sizes])
    return (draw(arrays(lead + sizes, **options)),), {"windows": windows}


@st.composite
def means(draw):
    (x,), params = draw(windowed(dilated=False))
    return (x,), {**params, "padded": draw(st.booleans()), "divisor": draw(st.sampled_from([None, None, 1, 3]))}


def pooled(x, windows):
    return x.shape[:x.ndim - len(windows)] + tuple([w.count for w in windows])


@st.composite
def spread(draw):
    (x,), params = draw(means())
    return (draw(arrays(pooled(x, params["windows"]))),), {**params, "into": x.shape}


@st.composite
def won(draw, back):
    """Windows with a winner each; and for the way back, what the winners are to receive."""
    (x,), params = draw(windowed())
    windows, random = params["windows"], np.random.default_rng(draw(st.integers(0, 99)))
    params["winner"] = random.integers(0, math.prod([w.size for w in windows]), pooled(x, windows)).astype("uint8")
    return ((draw(arrays(params["winner"].shape)),), {**params, "into": x.shape}) if back else ((x,), params)


def with_the_largest(drawn):
    (x,), params = drawn
    return (x, ops.max_pool(x, **params)), params


@st.composite
def binned(draw):
    sizes = draw(shapes(1, 2, 1, 4))
    return (draw(arrays(draw(shapes(0, 1, 0, 2)) + sizes)),), {"counts": tuple([draw(st.integers(1, 5)) for _ in sizes])}


SAMPLES = {
    ops.max_pool: Sample(windowed(distinct=True), analytic=False),
    ops.winners: Sample(windowed().map(with_the_largest), gradient=False),
    ops.winner_places: Sample(windowed().map(with_the_largest), gradient=False),
    ops.put_winners: Sample(won(back=True), analytic=False),    # masks bits, which complex numbers have none of
    ops.get_winners: Sample(won(back=False), analytic=False),
    ops.argmax_bins: Sample(binned(), gradient=False),
    ops.avg_pool: Sample(means()),
    ops.avg_spread: Sample(spread()),
}
