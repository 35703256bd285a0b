"""On a GPU, a training step of the benchmarks' workloads takes so many kernels and no more, and never waits or copies."""
import importlib
import pathlib
import sys

import pytest

from tinygrad_like import backend

MOST = {"mlp": 24, "cnn": 46, "lstm": 262, "nanogpt": 302, "resnet": 444, "transformer": 424}


@pytest.fixture
def launches(monkeypatch):
    """benchmarks/launches.py, with workloads of two examples, for speed: more take about as many launches."""
    monkeypatch.syspath_prepend(str(pathlib.Path(__file__).parents[1] / "benchmarks"))
    monkeypatch.setattr(backend, "default_device", backend.default_device)
    workloads = importlib.import_module("workloads")
    for name in ("floats", "whole"):
        make = getattr(workloads, name)
        monkeypatch.setattr(workloads, name, lambda *args, make=make, **seed: make(*args, **seed)[:2])
    yield importlib.import_module("launches")
    for name in ("workloads", "launches", "environment"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("name", MOST)
def test_a_step_launches_few_kernels(name, launches, device):
    if device != "cuda":
        pytest.skip("only CuPy launches kernels")
    n = launches.launches(name)
    if not n:
        pytest.skip("the driver under CuPy does not count")
    assert n["launches"] <= MOST[name]
    assert (n["uploads"], n["downloads"], n["waits"], n["float64 kernels"]) == (0, 0, 0, 0)
