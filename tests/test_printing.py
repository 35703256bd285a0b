"""Tensors are printed as PyTorch prints them."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import printing

from .same import theirs as torch

SHAPES = [(), (1,), (3,), (7,), (40,), (2, 3), (1, 1), (5, 30), (2, 2, 2), (3, 1, 4), (2, 3, 2, 2), (1001,), (40, 30), (8, 9, 20),
          (2, 600), (7, 200), (0,), (0, 3), (2, 0)]


expected = repr


@pytest.fixture(autouse=True)
def same_names_for_types(monkeypatch):
    """Our dtypes print under a longer name, which breaks lines elsewhere."""
    monkeypatch.setattr(tl.dtype, "__repr__", lambda self: f"torch.{self.name}")


def values(random, shape):
    """Numbers of a size drawn at random, some of them whole, zero, negative, infinite or nan."""
    x = random.standard_normal(shape) * 10.0 ** random.integers(-6, 10)
    kind = random.integers(6)
    if kind == 0:
        x = np.round(x)
    if kind == 1:
        x = random.integers(-20, 20, shape).astype("float64")
    if kind == 2:
        x = x * 10.0 ** random.integers(-3, 4, shape)
    for special in (0.0, -0.0, np.inf, -np.inf, np.nan):
        if random.random() < 0.2:
            x = np.where(random.random(shape) < 0.3, special, x)
    return np.asarray(x)


@pytest.mark.parametrize("shape", SHAPES)
def test_floats(shape):
    random = np.random.default_rng(len(shape) + sum(shape))
    for _ in range(25 if np.prod(shape) < 1000 else 8):
        for dtype in ("float32", "float64", "float16"):
            with np.errstate(over="ignore"):
                x = values(random, shape).astype(dtype)
            assert repr(tl.tensor(x)) == expected(torch.tensor(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_whole_numbers_and_booleans(shape):
    random = np.random.default_rng(1 + sum(shape))
    for dtype in ("int64", "int32", "uint8", "int8", "int16", "bool"):
        x = np.asarray(random.integers(-10**random.integers(1, 12), 10**random.integers(1, 12), shape)).astype(dtype)
        assert repr(tl.tensor(x)) == expected(torch.tensor(x))


@pytest.mark.parametrize("shape", SHAPES[:12])
def test_complex_numbers(shape):
    random = np.random.default_rng(2 + sum(shape))
    for dtype in ("complex64", "complex128"):
        x = np.empty(shape, dtype)
        x.real, x.imag = values(random, shape), values(random, shape)
        assert repr(tl.tensor(x)) == expected(torch.tensor(x))


def test_gradients_wanted():
    for n in range(1, 16):
        for kind in ("float32", "float64"):
            x = np.arange(n) / 4
            assert repr(tl.tensor(x, dtype=kind, requires_grad=True)) == expected(torch.tensor(x, dtype=getattr(torch, kind),
                                                                                               requires_grad=True))
    x = tl.ones(2, requires_grad=True)
    assert repr(x * 2) == "tensor([2., 2.], grad_fn=<mul>)"
    assert repr((x * 2).grad_fn) == "<mul>" and repr(x.unbind()[0]) == "tensor(1., grad_fn=<unbind>)"
    assert repr(x.node) == "<leaf>"


@pytest.mark.parametrize("settings", [
    {"precision": 2}, {"precision": 8}, {"precision": 0}, {"threshold": 5}, {"threshold": 5,
                                                                             "edgeitems": 1}, {"linewidth": 40}, {"linewidth": 200},
                                                                             {"linewidth": 1},
    {"sci_mode": True}, {"sci_mode": False}, {"profile": "short"}, {"profile": "full"}, {"profile": "default",
                                                                                         "precision": 1}, {"edgeitems": 2},
])
def test_options(settings):
    random = np.random.default_rng(5)
    try:
        tl.set_printoptions(**settings)
        torch.set_printoptions(**settings)
        for shape in SHAPES:
            for x in (values(random, shape), random.standard_normal(shape) * 100, np.asarray(random.integers(0, 99, shape))):
                assert repr(tl.tensor(x)) == expected(torch.tensor(x))
        assert repr(tl.zeros(2, 2)) == repr(torch.zeros(2, 2))
    finally:
        tl.set_printoptions(profile="default")
        torch.set_printoptions(profile="default")
    assert printing.options == printing.Options()


def test_wrong_options():
    with pytest.raises(ValueError, match="default, short, full"):
        tl.set_printoptions(profile="long")


def test_subclasses_and_default_types():
    class Mine(tl.Tensor):
        pass

    assert repr(Mine([1, 2])) == "Mine([1., 2.])"
    try:
        tl.set_default_dtype(tl.float64)
        torch.set_default_dtype(torch.float64)
        for data in ([1.5], [1], [1j], []):
            assert repr(tl.tensor(data)) == expected(torch.tensor(data))
        assert repr(tl.ones(1, dtype=tl.float32)) == "tensor([1.], dtype=torch.float32)"
    finally:
        tl.set_default_dtype(tl.float32)
        torch.set_default_dtype(torch.float32)


def test_views():
    x = np.arange(24.0).reshape(4, 6) / 3
    for cut in (np.s_[::2], np.s_[:, ::-1], np.s_[1:, 2:4], np.s_[..., 0]):
        assert repr(tl.tensor(x)[cut]) == expected(torch.tensor(x[cut].copy()))


@pytest.mark.parametrize("form", ["", ".2f", "e", "d", "08.3f", ">10"])
def test_format(form):
    for data in (1.5, 3, True):
        mine, other = tl.tensor(data), torch.tensor(data)
        try:
            wanted = format(other, form)
        except ValueError:
            with pytest.raises(ValueError):
                format(mine, form)
        else:
            assert format(mine, form) == wanted
    assert f"{tl.ones((), requires_grad=True) * 2:.1f}" == "2.0" and f"{tl.ones(2)}" == "tensor([1., 1.])"
    if form:
        with pytest.raises(TypeError):
            format(tl.ones(2), form)
