"""Operands for the ops that put the same numbers elsewhere in memory."""
from hypothesis import strategies as st

from tinygrad_like import backend, ops
from tinygrad_like.testing import Sample, arrays

SAMPLES = {
    ops.contiguous: Sample(arrays()),
    ops.to_device: Sample(st.tuples(st.tuples(arrays()), st.just({"device": backend.default_device,
                                                                  "home": backend.default_device}))),
}
