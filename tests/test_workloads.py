"""The benchmarks' workloads compute the same here and in PyTorch: losses step by step, from the same weights."""
import importlib.util
import pathlib

import numpy as np
import pytest

import tinygrad_like as tl

FILE = pathlib.Path(__file__).parents[1] / "benchmarks" / "workloads.py"


def load():
    spec = importlib.util.spec_from_file_location("workloads", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


workloads = load()
TRAININGS = ["mlp", "cnn", "lstm", "nanogpt", "resnet", "transformer", "vgg"]


@pytest.mark.parametrize("name", TRAININGS)
def test_trainings(name):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, their_step = workloads.WORKLOADS[name](torch)
    ours, our_step = workloads.WORKLOADS[name](tl)
    ours.load_state_dict({key: tl.tensor(x.numpy().copy()) for key, x in theirs.state_dict().items()})
    losses = np.array([[float(step().detach()) for step in (our_step, their_step)] for _ in range(3)])
    apart = abs(losses[:, 0] / losses[:, 1] - 1)                # roundings of float32, which each step magnifies
    assert (apart < [1e-5, 1e-4, 2e-3]).all(), losses
    assert losses[2, 0] < losses[0, 0]


@pytest.mark.parametrize("name", ["predict_one", "predict_256", "next_token"])
def test_predictions(name):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, their_step = workloads.WORKLOADS[name](torch)
    ours, our_step = workloads.WORKLOADS[name](tl)
    ours.load_state_dict({key: tl.tensor(x.numpy().copy()) for key, x in theirs.state_dict().items()})
    np.testing.assert_allclose(our_step().numpy(), their_step().numpy(), rtol=1e-4, atol=1e-5)


def test_tiny():
    torch = pytest.importorskip("torch")
    assert float(workloads.tiny(tl)[1]().detach()) == pytest.approx(float(workloads.tiny(torch)[1]().detach()), rel=1e-5)


def test_all_are_tried():
    assert set(workloads.WORKLOADS) == {*TRAININGS, "predict_one", "predict_256", "next_token", "tiny"}
