"""NumPy, CuPy and the strict double give the same answers; CuPy's absence is explained; a training step never waits for the GPU."""
import contextlib
import ctypes
import subprocess
import sys
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_like as tg
from tinygrad_like import autograd, backend, errors, ops
from tinygrad_like.autograd import wrap
from tinygrad_like.testing import as_outputs, cotangent, differentiable_operands

from . import strict_double
from .samples import SAMPLES

# Ops whose result has a size that depends on values: to allocate it, the host has to wait for the device.
MUST_WAIT = {}

with_ops = pytest.mark.parametrize("op", sorted(SAMPLES, key=lambda op: (op.__module__, op.__name__)), ids=lambda op: op.__name__)


# ---- every op, on the device and on the host --------------------------------------------------------------------
def moved(x, device, dtype="float64"):
    """x, and what is in it, with its arrays on that device and its floating-point numbers of that dtype."""
    if isinstance(x, dict):
        return {key: moved(value, device, dtype) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        parts = [moved(each, device, dtype) for each in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if type(x) is np.ndarray:
        return backend.to_device(x.astype(dtype) if x.dtype.kind == "f" else x, device)
    return x


def derivatives_to_second_order(op, sample, operands, params, device):
    """The results of an op on the device; the gradients by the ordinary sweep; those by create_graph; and their gradients."""
    wanted = differentiable_operands(op, operands) if sample.gradient else []
    tensors = [wrap(x).requires_grad_() if i in wanted else wrap(x) if type(x) in backend.array_types else x
               for i, x in enumerate(operands)]
    outputs = as_outputs(op(*tensors, **params))
    found = [outputs]
    random = np.random.default_rng(0)
    vs = [None if y.array.dtype.kind != "f" else wrap(backend.to_device(random.standard_normal(y.shape).astype(y.array.dtype), device))
          for y in outputs]
    pairs = [(y, v.requires_grad_()) for y, v in zip(outputs, vs) if y.requires_grad]
    if not pairs:
        return found
    leaves = [tensors[i] for i in wanted]
    ys, vs = [y for y, _ in pairs], [v for _, v in pairs]
    found.append(autograd.grad(ys, leaves, vs, retain_graph=True, materialize_grads=True))
    if sample.second:
        gradients = autograd.grad(ys, leaves, vs, create_graph=True, materialize_grads=True)
        found.append(gradients)
        again = [(g, wrap(backend.to_device(random.standard_normal(g.shape).astype(g.array.dtype), device)))
                 for g in gradients if g.requires_grad]
        if again:
            found.append(autograd.grad([g for g, _ in again], [*leaves, *vs], [w for _, w in again], materialize_grads=True))
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@with_ops
@given(data=st.data())
def test_op_agrees_with_numpy(op, dtype, data, device):
    sample = SAMPLES[op]
    operands, params = moved(data.draw(sample.operands), "cpu", dtype)
    expected = derivatives_to_second_order(op, sample, operands, params, "cpu")
    on_device = moved(operands, device, dtype), moved(params, device, dtype)
    counts = strict_double.counts.copy()
    found = derivatives_to_second_order(op, sample, *on_device, device)
    counted = strict_double.counts - counts
    if device == "strict" and op.__name__ not in MUST_WAIT:
        assert not counted["waits"], f"{op.__name__} waits for the device {counted['waits']} times"
    what = ["result", "gradient", "gradient under create_graph", "second derivative"]
    tolerance = {"float32": 2e-4, "float64": 1e-11}[dtype]
    for name, here, there in zip(what, expected, found):
        for i, (x, y) in enumerate(zip(here, there)):
            assert backend.device_of(y.array) == device and y.array.dtype == x.array.dtype and y.shape == x.shape, f"{name} {i}"
            y = backend.to_device(y.array, "cpu")
            finite = np.abs(x.array[np.isfinite(x.array)])
            largest = float(finite.max()) if finite.size else 1.0
            np.testing.assert_allclose(y, x.array, rtol=tolerance, atol=tolerance * max(1.0, largest), err_msg=f"{name} {i}")
