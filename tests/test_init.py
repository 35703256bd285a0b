"""nn.init: bounds, moments, shapes of the distributions, fans, and what is refused."""
import math
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.nn import init

try:
    import torch
except ImportError:
    torch = None


def filled(function, shape, *args, seed=0, **kwargs):
    w = function(tl.zeros(shape), *args, generator=tl.Generator().manual_seed(seed), **kwargs)
    return w.numpy().astype("float64")


@pytest.mark.parametrize("name, params", [(name, p) for name in (*init.GAINS, "leaky_relu") for p in (None, 0, 0.2)])
def test_gains(name, params):
    ours = init.calculate_gain(name, params)
    assert ours == pytest.approx({"tanh": 5 / 3, "relu": 2**0.5, "selu": 0.75,
                                  "leaky_relu": (2 / (1 + (0.01 if params is None else params)**2))**0.5}.get(name, 1))
    if torch:
        assert ours == torch.nn.init.calculate_gain(name, params)


@pytest.mark.parametrize("shape, fans", [((3, 4), (4, 3)), ((8, 3, 5), (15, 40)), ((8, 3, 5, 2), (30, 80)),
                                         ((8, 3, 5, 2, 2), (60, 160))])
def test_fans(shape, fans):
    assert init._calculate_fan_in_and_fan_out(tl.zeros(shape)) == fans
    assert init._calculate_correct_fan(tl.zeros(shape), "FAN_OUT") == fans[1]


SHAPE = (40, 50, 10, 2)                                         # fans 1000 and 800; 40,000 numbers


@pytest.mark.parametrize("line, bound", [
    ("uniform_(w, -1, 1)", 1),
    ("xavier_uniform_(w, 2)", 2 * math.sqrt(6 / 1800)),
    ("kaiming_uniform_(w)", math.sqrt(6 / 1000)),
    ("kaiming_uniform_(w, math.sqrt(5))", math.sqrt(1 / 1000)),
    ("kaiming_uniform_(w, mode='fan_out', nonlinearity='tanh')", 5 / 3 * math.sqrt(3 / 800)),
])
def test_uniform_ones(line, bound):
    tl.manual_seed(1)
    x = eval(f"init.{line}", {"init": init, "math": math, "w": tl.zeros(SHAPE)}).numpy().astype("float64") / bound
    assert -1 <= x.min() < -0.999 and 0.999 < x.max() <= 1
    counts = np.histogram(x, 20, (-1, 1))[0]
    assert abs(counts - 2000).max() < 300                       # seven standard deviations
    if torch:
        w = eval(f"init.{line}", {"init": torch.nn.init, "math": math, "w": torch.zeros(SHAPE)}).numpy()
        assert 0.999 * bound < abs(w).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize("line, std", [
    ("normal_(w, 3, 2)", 2),
    ("xavier_normal_(w, 2)", 2 * math.sqrt(2 / 1800)),
    ("kaiming_normal_(w)", math.sqrt(2 / 1000)),
    ("kaiming_normal_(w, 1, mode='fan_out')", math.sqrt(1 / 800)),
])
def test_normal_ones(line, std):
    tl.manual_seed(2)
    mean = 3 if line == "normal_(w, 3, 2)" else 0
    z = (eval(f"init.{line}", {"init": init, "w": tl.zeros(SHAPE)}).numpy().astype("float64") - mean) / std
    assert abs(z.mean()) < 0.04 and abs(z.std() - 1) < 0.03 and abs((z**4).mean() - 3) < 0.3 and abs(z).max() > 3.3
    if torch:
        w = eval(f"init.{line}", {"init": torch.nn.init, "w": torch.zeros(SHAPE)}).numpy()
        assert abs(w.std() / std - 1) < 0.03


@pytest.mark.parametrize("mean, std, a, b", [(0, 1, -2, 2), (1, 0.5, 0, 3), (0, 1, 1, 3), (0, 1, -0.1, 0.1), (0, 0.02, -2, 2),
                                             (5, 1, 0, 4)])
def test_truncated_normal(mean, std, a, b):
    """Its distribution function is (Φ(z) - Φ(low)) / (Φ(high) - Φ(low))."""
    x = np.sort(filled(init.trunc_normal_, SHAPE, mean, std, a, b).ravel())
    assert a <= x[0] and x[-1] <= b
    low, *phi, high = [0.5 * math.erf((each - mean) / std / 2**0.5) for each in (a, *x[::40], b)]
    wanted = (np.array(phi) - low) / (high - low)
    assert abs(wanted - np.arange(0, x.size, 40) / x.size).max() < 0.015        # three times what Kolmogorov allows once in a 1000


def test_truncated_normal_far_from_its_mean():
    with pytest.warns(UserWarning, match="2 std"):
        x = filled(init.trunc_normal_, (1000,), 0, 1, 30, 40)
    assert 30 <= x.min() and abs(x.mean() - 30.033) < 0.01
    x = init.trunc_normal_(tl.zeros(1000, dtype=tl.float16), 0, 1, -0.1, 0.1)
    assert abs(x).max() <= tl.tensor(0.1, dtype=tl.float16)
    with pytest.raises(ValueError, match="std is above 0"):
        init.trunc_normal_(tl.zeros(3), std=0)


def test_as_told():
    w = tl.empty(2, 3, requires_grad=True)
    for function, args, wanted in [(init.constant_, [0.25], 0.25), (init.ones_, [], 1), (init.zeros_, [], 0)]:
        assert function(w, *args) is w and w.requires_grad and w.is_leaf and (w.detach().numpy() == wanted).all()
    assert init.eye_(w) is w and (w.detach().numpy() == np.eye(2, 3)).all()
    assert init.eye_(tl.ones(3, 2, dtype=tl.int64)).tolist() == [[1, 0], [0, 1], [0, 0]]


@pytest.mark.parametrize("shape, groups", [((4, 3, 3), 1), ((2, 5, 4), 2), ((6, 2, 3, 4), 3), ((6, 2, 1, 2, 3), 2), ((4, 0, 3), 1)])
def test_dirac(shape, groups):
    w = init.dirac_(tl.ones(shape), groups).numpy()
    per = shape[0] // groups
    for index in np.ndindex(*shape):
        assert w[index] == (index[0] % per == index[1] and index[2:] == tuple(n // 2 for n in shape[2:]))
    if torch:
        assert (w == torch.nn.init.dirac_(torch.ones(shape), groups).numpy()).all()


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (4, 2, 3), (8, 2, 3), (1, 9), (1, 1)])
def test_orthogonal(shape):
    w = filled(init.orthogonal_, shape, 3).reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    assert np.allclose(product, 9 * np.eye(len(product)), atol=2e-6)
    assert init.orthogonal_(tl.zeros(0, 3)).shape == (0, 3)


def test_orthogonal_ones_are_equally_likely():
    """Of the rotations and reflections of the plane: every entry is the cosine of an angle drawn evenly, and half are rotations."""
    generator = tl.Generator().manual_seed(3)
    w = np.stack([init.orthogonal_(tl.zeros(2, 2, dtype=tl.float64), generator=generator).numpy() for _ in range(2000)])
    assert abs(w.mean(0)).max() < 0.1 and abs((w**2).mean(0) - 0.5).max() < 0.06
    assert abs((np.linalg.det(w) > 0).mean() - 0.5) < 0.06


def test_sparse():
    w = filled(init.sparse_, (7, 400), 0.3, 2)
    assert ((w == 0).sum(0) == 3).all()                         # ⌈2.1⌉
    rows = (w == 0).sum(1)
    assert 110 < rows.min() and rows.max() < 240                # 171 are expected
    assert abs(w[w != 0].std() - 2) < 0.2
    assert (init.sparse_(tl.ones(3, 4), 1) == 0).all() and (init.sparse_(tl.ones(3, 4), 0) != 0).all()


RANDOM = [(init.uniform_,), (init.normal_,), (init.trunc_normal_,), (init.xavier_uniform_,), (init.xavier_normal_,),
          (init.kaiming_uniform_,), (init.kaiming_normal_,), (init.orthogonal_,), (init.sparse_, 0.5)]


@pytest.mark.parametrize("function, args", [(f, args) for f, *args in RANDOM], ids=lambda x: getattr(x, "__name__", ""))
def test_random_ones(function, args):
    """They repeat with their seed, leave a leaf a leaf, know float64 and float16, and refuse whole numbers."""
    a, b = filled(function, (6, 5), *args), filled(function, (6, 5), *args)
    assert (a == b).all() and (a != filled(function, (6, 5), *args, seed=1)).any()
    tl.manual_seed(0)
    w = tl.zeros(6, 5, requires_grad=True)
    before = w.array
    assert function(w, *args) is w and w.requires_grad and w.is_leaf and w.array is before
    assert (w.detach().numpy() == a).all()                      # the default generator draws the same from the same seed
    for dtype in tl.float64, tl.float16:
        w = function(tl.zeros(6, 5, dtype=dtype), *args)
        assert w.dtype == dtype and (w != 0).any() and w.isfinite().all()
    assert function(tl.zeros(5, 6).T, *args).shape == (6, 5)
    with pytest.raises(NotImplementedError, match="floating-point"):
        function(tl.zeros(6, 5, dtype=tl.int64), *args)
    with pytest.raises(TypeError, match="Tensor"):
        function([[1.0]], *args)
    w = tl.ones(6, 5, requires_grad=True)
    y = (w * w).sum()
    function(w, *args)
    with pytest.raises(RuntimeError, match="in-place"):         # the backward pass would see the new numbers
        y.backward()


@pytest.mark.parametrize("line, error, match", [
    ("xavier_uniform_(tl.zeros(3))", ValueError, r"2 dims.*\(3,\)"),
    ("kaiming_normal_(tl.zeros(3))", ValueError, "2 dims"),
    ("kaiming_normal_(tl.zeros(3, 3), mode='fan')", ValueError, "'fan_in' or 'fan_out', got 'fan'"),
    ("kaiming_normal_(tl.zeros(3, 3), nonlinearity='gelu')", ValueError, "'gelu'"),
    ("calculate_gain('leaky_relu', 'x')", ValueError, "slope"),
    ("calculate_gain('leaky_relu', True)", ValueError, "slope"),
    ("eye_(tl.zeros(3))", ValueError, "matrix"),
    ("sparse_(tl.zeros(3), 0.1)", ValueError, "matrix"),
    ("sparse_(tl.zeros(3, 3), 1.5)", ValueError, "fraction"),
    ("orthogonal_(tl.zeros(3))", ValueError, "2 dims"),
    ("dirac_(tl.zeros(3, 3))", ValueError, "3, 4 or 5"),
    ("dirac_(tl.zeros(4, 3, 3), 3)", ValueError, "3 groups"),
    ("normal_(tl.zeros(3), 0, -1)", RuntimeError, "std"),
    ("uniform_(tl.zeros(3), 1, 0)", RuntimeError, "above"),
    ("uniform_(tl.zeros(3), generator=3)", TypeError, "Generator"),
])
def test_errors(line, error, match):
    with pytest.raises(error, match=match):
        eval(line, {**vars(init), "tl": tl})


def test_nothing_to_initialise():
    with pytest.warns(UserWarning, match="nothing"):
        assert nn.init.kaiming_uniform_(tl.zeros(0, 3)).shape == (0, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nn.init.xavier_normal_(tl.zeros(0, 0)).shape == (0, 0)


@pytest.mark.skipif(torch is None, reason="the signatures are PyTorch's")
@pytest.mark.parametrize("name", init.__all__)
def test_signatures(name):
    import inspect
    ours, theirs = [[(p.name, p.default, p.kind) for p in inspect.signature(getattr(module, name)).parameters.values()]
                    for module in (init, torch.nn.init)]
    assert ours == theirs
