"""Compare a call on our tensors with the same call on PyTorch's: values, types, gradients, and gradients of gradients."""
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd

number_types = pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])


def evaluate(call, library, x):
    """The result of a call written in terms of t (the library), x (a tensor), inf and nan."""
    return eval(call, {"t": library, "x": x, "inf": math.inf, "nan": math.nan})


def as_list(results):
    return list(results) if isinstance(results, (tuple, list)) else [results]


def compare(call, x, dtype, gradient=True, second=True):
    """Assert that `call` gives what PyTorch gives: results of the same types, and gradients, and theirs, for random cotangents."""
    import torch
    ours, theirs = tl.tensor(np.asarray(x, dtype)), torch.tensor(np.asarray(x, dtype))
    gradient = gradient and dtype.startswith("float")
    if gradient:
        ours.requires_grad_(), theirs.requires_grad_()
    digits = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-10, "atol": 1e-10}
    results, expected = as_list(evaluate(call, tl, ours)), as_list(evaluate(call, torch, theirs))
    assert len(results) == len(expected)
    for y, z in zip(results, expected):
        assert str(y.dtype).split(".")[-1] == str(z.dtype).split(".")[-1]
        assert tuple(y.shape) == tuple(z.shape)
        np.testing.assert_allclose(y.detach().numpy(), z.numpy(force=True), **digits)
    if not gradient:
        return
    random = np.random.default_rng(1)
    vs = [np.asarray(random.uniform(0.5, 1.5, z.shape), dtype) for z in expected]
    g, = autograd.grad(results, ours, [tl.tensor(v) for v in vs], create_graph=second, materialize_grads=True)
    h, = torch.autograd.grad(expected, theirs, [torch.tensor(v) for v in vs], create_graph=second, materialize_grads=True)
    np.testing.assert_allclose(g.detach().numpy(), h.numpy(force=True), **digits)
    assert g.dtype == ours.dtype
    if second and h.requires_grad:
        v = np.asarray(random.uniform(0.5, 1.5, h.shape), dtype)
        if g.requires_grad:
            g, = autograd.grad(g, ours, tl.tensor(v), materialize_grads=True)
        else:
            g = tl.zeros_like(ours)
        h, = torch.autograd.grad(h, theirs, torch.tensor(v), materialize_grads=True)
        np.testing.assert_allclose(g.detach().numpy(), h.numpy(force=True), **digits)
