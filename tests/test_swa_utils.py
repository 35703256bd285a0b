"""Averages of weights, and the schedule that goes with them: step by step as in PyTorch."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.optim.swa_utils import SWALR, AveragedModel, get_ema_avg_fn, update_bn

RANDOM = np.random.RandomState(0)
WEIGHTS = [RANDOM.randn(4, 3), RANDOM.randn(4), RANDOM.rand(4), RANDOM.randn(4), RANDOM.randn(2, 4), RANDOM.randn(2)]
BATCHES = RANDOM.randn(6, 5, 3)


def trained(lib, arguments):
    """Rates, averages, statistics and outputs of a training, and the keys of its state_dict."""
    from importlib import import_module
    swa = import_module(f"{lib.__name__}.optim.swa_utils")
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).to(lib.float64)
    with lib.no_grad():
        for parameter, value in zip(net.parameters(), WEIGHTS):
            parameter.copy_(lib.from_numpy(value))
    average = eval(f"AveragedModel(net, {arguments})", vars(swa) | {"net": net})
    optimizer = lib.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    schedule = swa.SWALR(optimizer, swa_lr=0.02, anneal_epochs=3)
    found = []
    for x in BATCHES:
        optimizer.zero_grad()
        net(lib.from_numpy(x)).pow(2).sum().backward()
        optimizer.step()
        average.update_parameters(net)
        schedule.step()
        found.append(schedule.get_last_lr())
    found += [x.numpy().copy() for x in average.state_dict().values()]
    swa.update_bn([lib.from_numpy(x) for x in BATCHES], average)
    found += [x.numpy() for x in average.state_dict().values()]
    return list(average.state_dict()), [*found, average.eval()(lib.from_numpy(BATCHES[0])).detach().numpy()]


@pytest.mark.parametrize("arguments", [
    "", "use_buffers=True", "multi_avg_fn=get_ema_multi_avg_fn(0.7)", "multi_avg_fn=get_ema_multi_avg_fn(0.7), use_buffers=True",
    "avg_fn=get_ema_avg_fn(0.7), use_buffers=True", "avg_fn=get_swa_avg_fn()", "multi_avg_fn=get_swa_multi_avg_fn()",
    "avg_fn=lambda average, value, n: value - average",
])
def test_averages_statistics_and_rates(arguments):
    torch = pytest.importorskip("torch")
    (keys, mine), (names, other) = trained(tl, arguments), trained(torch, arguments)
    assert keys == names
    rtol = 1e-6 if "swa_multi" in arguments else 1e-11          # where PyTorch takes 1 / (n + 1) in float32
    for a, b in zip(mine, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-13)


@pytest.mark.parametrize("epochs, strategy", [(0, "cos"), (1, "cos"), (4, "cos"), (4, "linear")])
def test_rates_of_groups(epochs, strategy):
    torch = pytest.importorskip("torch")
    import torch.optim.swa_utils as theirs
    found = []
    for lib, schedule in ((tl, SWALR), (torch, theirs.SWALR)):
        groups = [{"params": [lib.ones(1, requires_grad=True)]}, {"params": [lib.ones(1, requires_grad=True)], "lr": 0.5}]
        optimizer = lib.optim.SGD(groups, lr=0.1)
        scheduler = schedule(optimizer, [0.01, 0.02], epochs, strategy)
        found.append([])
        for _ in range(6):
            optimizer.step()
            scheduler.step()
            found[-1].append(scheduler.get_last_lr())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_the_average_is_apart_from_the_model_and_statistics_leave_the_mode():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=0.3))
    average = AveragedModel(net).eval()
    with tl.no_grad():
        net[0].weight.fill_(5.0)
    assert average.n_averaged.item() == 0 and (average.module[0].weight < 5).all()
    average.update_parameters(net)
    assert (average.module[0].weight == 5).all() and not average.module[0].weight.grad_fn
    update_bn([(tl.rand(4, 2), "label"), tl.rand(4, 2)], average)
    norm = average.module[1]
    assert not norm.training and norm.momentum == 0.3 and norm.num_batches_tracked.item() == 2
    update_bn([], nn.Linear(2, 2))                              # nothing to find


@pytest.mark.parametrize("make, text", [
    (lambda: AveragedModel(nn.Linear(1, 1), avg_fn=min, multi_avg_fn=min), "got both"),
    (lambda: get_ema_avg_fn(1.5), "between 0 and 1, got 1.5"),
    (lambda: SWALR(tl.optim.SGD([tl.ones(1, requires_grad=True)], 0.1), 0.1, anneal_strategy="line"), "'cos' or 'linear'"),
    (lambda: SWALR(tl.optim.SGD([tl.ones(1, requires_grad=True)], 0.1), 0.1, anneal_epochs=-1), "not negative, got -1"),
    (lambda: SWALR(tl.optim.SGD([tl.ones(1, requires_grad=True)], 0.1), [0.1, 0.2]), "2 values.*1 parameter groups"),
])
def test_mistakes(make, text):
    with pytest.raises(ValueError, match=text):
        make()
