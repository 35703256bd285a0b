"""Optimizers and clipping give NumPy's answers on a device, and never wait for it."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, nn, optim

from .test_backends import counting
from .test_optim import construct, give_gradients, of_each_kind, parameters, train, with_options


@with_options
def test_a_device_gives_the_same(line, device):
    here, there = parameters(dtype="float32", device="cpu"), parameters(dtype="float32", device=device)
    for params in here, there:
        train(construct(line, params), params, range(4), sometimes=False)
    for p, q in zip(here, there):
        assert backend.device_of(q.array) == device
        np.testing.assert_allclose(q.detach().cpu().numpy(), p.detach().numpy(), rtol=1e-4, atol=1e-5)


@of_each_kind
def test_a_step_never_waits_for_the_device(kind, device):
    params = parameters(dtype="float32", device=device)
    optimizer = getattr(optim, kind)(params)
    train(optimizer, params, range(2), sometimes=False)
    give_gradients(params, 2, sometimes=False)
    with counting(device) as n:
        optimizer.step()
    if n is None:
        pytest.skip("waits cannot be counted on this device")
    assert (n["waits"], n["downloads"], n["uploads"]) == (0, 0, 0), n
    assert n.get("float64 kernels", 0) == 0


@of_each_kind
def test_a_state_moves_to_the_device_of_its_parameters(kind, device):
    here, there = parameters(dtype="float32", device="cpu"), parameters(dtype="float32", device=device)
    first, second = [getattr(optim, kind)(params) for params in (here, there)]
    train(first, here, range(2))
    second.load_state_dict(first.state_dict())
    for p in there:
        for name, value in second.state[p].items():
            assert backend.device_of(value.array) == ("cpu" if name in second.scalars else device)
    train(second, there, range(2, 4))


def test_clipping_gives_the_same_and_never_waits(device):
    here, there = parameters(dtype="float32", device="cpu"), parameters(dtype="float32", device=device)
    for params in here, there:
        give_gradients(params, 0)
    waits = []
    for step in range(2):                                       # the first compiles kernels
        norms = [nn.utils.clip_grad_norm_(here, 1.0 / (1 + step))]
        with counting(device) as n:
            norms.append(nn.utils.clip_grad_norm_(there, 1.0 / (1 + step)))
            nn.utils.clip_grad_value_(there, 0.3)
        waits.append(n)
        nn.utils.clip_grad_value_(here, 0.3)
        np.testing.assert_allclose(norms[1].item(), norms[0].item(), rtol=1e-5)
    for p, q in zip(here, there):
        if p.grad is not None:
            assert backend.device_of(q.grad.array) == device
            np.testing.assert_allclose(q.grad.cpu().numpy(), p.grad.numpy(), rtol=1e-5)
    if waits[-1] is not None:
        assert (waits[-1]["waits"], waits[-1]["downloads"]) == (0, 0), waits[-1]


def test_parameters_on_two_devices_are_no_vector(device):
    params = [tl.zeros(2, device="cpu"), tl.zeros(2, device=device)]
    with pytest.raises(TypeError, match="different devices: cpu"):
        nn.utils.parameters_to_vector(params)
    vector = nn.utils.parameters_to_vector(params[1:])
    nn.utils.vector_to_parameters(vector + 1, params[1:])
    assert params[1].tolist() == [1, 1] and backend.device_of(params[1].array) == device
