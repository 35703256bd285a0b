"""Sums, means, extremes, ranks and running sums, against PyTorch: values, types, gradients to second order, errors."""
import math
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd

from .oracle import compare, number_types

torch = pytest.importorskip("torch")
inf, nan = math.inf, math.nan
rng = np.random.default_rng(0)

X = rng.standard_normal((3, 4)).round(2)
CUBE = rng.standard_normal((2, 3, 4)).round(2)
LINE = rng.standard_normal(6).round(2)
ZERO = np.array(1.5)
EMPTY = np.zeros((0, 3))
TIES = np.array([[3., 1, 3, 2], [2, 2, 1, 1], [5, 5, 5, 5]])
ZEROS = np.array([[2., 0, 3, 4], [0, 5, 0, 1], [1, 2, 3, 4]])
NANS = np.array([[1., nan, 3, 2], [nan, nan, nan, nan], [4, 3, 2, 1]])
CONSTANT = np.full((3, 4), 0.1)


# Each: how to call it on `t` (tinygrad_like or torch), and what on.
SMOOTH = [
    ("t.sum(x)", X), ("x.sum(1)", X), ("x.sum(dim=(0, -1), keepdim=True)", CUBE), ("x.sum([0, 2])", CUBE),
    ("x.sum(axis=0, keepdims=True)", X), ("x.sum(())", X), ("x.sum(0)", ZERO), ("x.sum(-1, True)", ZERO), ("x.sum(0)", EMPTY),
    ("x.sum()", EMPTY), ("x.sum(1)", EMPTY), ("t.sum(x, 0, dtype=t.float64)", X), ("x.sum(None, True)", X), ("t.nansum(x)", X),
    ("x.nansum(1, keepdim=True)", X), ("t.mean(x)", X), ("x.mean(1)", X), ("x.mean((0, 2), True)", CUBE), ("x.mean(0)", ZERO),
    ("x.mean(1)", EMPTY), ("x.nanmean()", X), ("x.nanmean(0, keepdim=True)", X), ("t.prod(x)", ZEROS), ("x.prod(1)", ZEROS),
    ("x.prod(0, True)", ZEROS), ("x.prod(-1)", CUBE), ("x.prod()", ZERO), ("x.prod(0)", EMPTY), ("x.prod(0)", ZERO),
    ("x.var()", X), ("x.var(1)", X), ("t.var(x, (0, 1), keepdim=True)", CUBE), ("x.var(False)", X), ("x.var(1, True)", X),
    ("x.var(0, unbiased=False, keepdim=True)", X), ("t.var(x, 1, correction=2)", X), ("t.var(x, dim=None, correction=0)", X),
    ("x.std()", X), ("x.std(1, False)", X), ("x.std(dim=0, correction=0, keepdim=True)", X), ("x.std([0, 2])", CUBE),
    ("x.std(True)", X), ("t.var_mean(x)[0] + t.var_mean(x)[1]", X), ("t.std_mean(x, 1, correction=0)[0]", X),
    ("t.std_mean(x, 1)[1]", X), ("t.norm(x)", X), ("x.norm()", X), ("x.norm(2, 1)", X), ("x.norm(dim=0, keepdim=True)", X),
    ("x.norm(p=1)", X), ("x.norm(1, 0)", X), ("x.norm(inf)", X), ("x.norm(inf, 1)", X), ("x.norm(-inf, 1)", X), ("x.norm(3)", X),
    ("x.norm(2.5, (0, 2))", CUBE), ("x.norm('fro', (1, 2))", CUBE), ("x.norm(3.)", ZERO), ("t.dist(x, x * x)", X),
    ("t.dist(x, 2 * x, 1)", X), ("x.amax(1)", X), ("x.amax()", X), ("x.amin((0, 1), True)", CUBE), ("t.amin(x, 0)", X),
    ("x.amax(0)", ZERO), ("x.aminmax().max - x.aminmax(dim=1).min", X), ("t.max(x)", X), ("x.min()", X), ("x.max(1)[0]", X),
    ("x.min(0, keepdim=True).values", X), ("t.max(x, dim=1).values", X), ("x.max(-1, True).values", CUBE), ("t.max(x, x * x)", X),
    ("x.min(x * 2)", X), ("x.max(0).values", ZERO), ("x.median()", X), ("x.median(1).values", X), ("x.median(0, True)[0]", CUBE),
    ("x.nanmedian()", LINE), ("t.nanmedian(x, 1)[0]", X), ("x.median()", LINE), ("x.median(0)[0]", ZERO), ("x.kthvalue(2)[0]", X),
    ("x.kthvalue(1, 0, True).values", X), ("x.mode(1)[0]", X), ("x.quantile(0.3)", X), ("x.quantile(0.25, 1, True)", X),
    ("t.quantile(x, t.tensor([0.1, 0.5, 1.0], dtype=x.dtype), dim=0)", X), ("x.quantile(0.4, 0, interpolation='midpoint')", X),
    ("x.quantile(0.4, 1, interpolation='lower')", X), ("x.quantile(0.5)", ZERO),
    ("x.quantile(0.4, 1, interpolation='higher')", X), ("x.quantile(0.4, 1, interpolation='nearest')", X),
    ("x.nanquantile(0.3, 1)", X), ("x.cumsum(1)", X), ("t.cumsum(x, dim=-2)", CUBE), ("x.cumsum(0)", ZERO),
    ("x.cumsum(0)", EMPTY), ("x.cumprod(1)", ZEROS), ("x.cumprod(0)", ZEROS), ("x.cumprod(0)", ZERO), ("t.logcumsumexp(x, 1)", X),
    ("t.logcumsumexp(9 * x, 0)", X), ("x.logcumsumexp(0)", ZERO), ("x.cummax(1)[0]", X), ("x.cummin(0).values", X),
    ("x.cummax(0)[0]", ZERO), ("x.sort()[0]", X), ("x.sort(0, True).values", X),
    ("t.sort(x, descending=True, stable=True)[0]", X), ("t.sort(x, dim=0)[0]", CUBE), ("x.sort()[0]", ZERO), ("x.msort()", X),
    ("x.topk(2)[0]", X), ("x.topk(2, 0, False).values", X), ("x.topk(1)[0]", ZERO), ("x.topk(0)[0]", X),
    ("t.topk(x, 3, dim=1, largest=True, sorted=True)[0]", X), ("x.diff()", X), ("x.diff(2, 0)", X),
    ("t.diff(x, prepend=x[:, :1], append=x)", X), ("x.cov()", X), ("x[0].cov()", X), ("x.cov(correction=0)", X),
    ("x.cov(fweights=t.tensor([1, 2, 1, 3]))", X),
    ("x.cov(fweights=t.tensor([1, 2, 1, 3]), aweights=t.tensor([.5, 1., 2., 1.], dtype=x.dtype))", X), ("x.corrcoef()", X),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("call, x", SMOOTH, ids=[call for call, _ in SMOOTH])
def test_as_pytorch(call, x, dtype):
    """Values, types and gradients are PyTorch's, to second order in float64."""
    compare(call, x, dtype, second=dtype == "float64")


KINKS = [
    ("x.amax()", TIES), ("x.amax(1)", TIES), ("x.amin(0)", TIES), ("x.max()", TIES), ("x.min()", TIES), ("x.norm(inf, 1)", TIES),
    ("x.median()", TIES), ("x.nanmedian()", NANS), ("x.nansum(1)", NANS), ("x.nanmean(1)", NANS[::2]),
    ("x.norm()", 0 * X), ("x.norm(3)", 0 * X), ("x.norm(1.5, 0)", 0 * X), ("x.norm(1)", 0 * X), ("x.norm(0, 1)", ZEROS),
    ("t.max(x, x.flip(1))", TIES), ("x.prod()", np.array([2., 0, 3, 4])), ("x.cumprod(0)", np.array([0., 0, 3, 4])),
    ("x.norm(0)", ZEROS), ("x.norm(-inf)", ZEROS), ("x.std(1, False)", np.array([[1., 1, 1]])), ("x.var(1)", CONSTANT),
]


@pytest.mark.parametrize("call, x", KINKS, ids=[call for call, _ in KINKS])
def test_kinks_as_pytorch(call, x):
    compare(call, x, "float64", second=bool(x.any()))              # (PyTorch's second derivative of a norm at 0 is nan, ours 0)


def test_first_winner_takes_the_gradient():
    x = tl.tensor(TIES.tolist(), requires_grad=True)
    values, indices = x.max(1)
    assert indices.tolist() == [0, 0, 0] and x.min(1).indices.tolist() == [1, 2, 0]
    values.sum().backward()
    assert x.grad.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize("function", ["std", "var"])
def test_spread_of_a_constant_has_no_gradient(function):
    """0.1 is not a float: the mean of many is not 0.1, but the deviations are 0 all the same."""
    x = tl.tensor(np.full(999, 0.1, "float32"), requires_grad=True)
    y = getattr(x, function)()
    g, = autograd.grad(y, x, create_graph=True)
    assert y.item() == 0 and not g.detach().numpy().any()
    if function == "std":
        assert not autograd.grad(g.sum(), x)[0].numpy().any()


def test_logcumsumexp_of_minus_infinity():
    x = tl.tensor([-inf, -inf, 0.5, -inf, 1.0], requires_grad=True)
    y = x.logcumsumexp(0)
    np.testing.assert_allclose(y.detach().numpy(), np.logaddexp.accumulate(x.detach().numpy()))
    g, = autograd.grad(y[1:].sum(), x, create_graph=True)
    assert np.isfinite(g.detach().numpy()).all() and g[0] == 0 and g[1] == 0


INDICES = [
    "x.argmax()", "x.argmax(1)", "x.argmin(0, True)", "x.argmax(-1, keepdim=True)", "x.max(1).indices", "x.min(0)[1]",
    "x.argsort(1)", "x.argsort(0, descending=True)", "t.argsort(x, dim=-1, stable=True)", "x.sort(stable=True).indices",
    "x.cummax(1).indices", "x.cummin(0)[1]", "x.any()", "x.all(1)", "x.any(0, True)", "x.all((0, 1))", "x.count_nonzero()",
    "x.count_nonzero(1)", "x.count_nonzero((0, 1))", "t.unique(x)", "x.unique(return_inverse=True)[1]",
    "x.unique(return_counts=True)[1]", "t.unique(x, True, True, True, 0)[0]", "t.unique(x, dim=1, return_inverse=True)[1]",
    "t.unique_consecutive(x)", "t.unique_consecutive(x, True, True)[1]", "t.unique_consecutive(x, True, True)[2]", "x.mode(1)[0]",
]


@pytest.mark.parametrize("call", INDICES)
@pytest.mark.parametrize("x", [X, TIES, ZEROS], ids=["distinct", "ties", "zeros"])
def test_positions_as_pytorch(call, x):
    stable = "argsort" not in call and "cum" not in call
    compare(call, x if stable or x is not ZEROS else X, "float64", gradient=False)


def test_descending_keeps_the_order_of_equals():
    x = tl.tensor([1, 2, 1, 2, 1])
    assert x.argsort(descending=True).tolist() == [1, 3, 0, 2, 4]
    assert x.argsort().tolist() == [0, 2, 4, 1, 3] and x.topk(3).indices.tolist() == [1, 3, 0]


def test_topk_of_many():
    x = rng.permutation(5000).astype("float32").reshape(2, 2500)
    for largest in (True, False):
        ours, theirs = tl.tensor(x).topk(7, largest=largest), torch.tensor(x).topk(7, largest=largest)
        assert ours.values.tolist() == theirs.values.tolist() and ours.indices.tolist() == theirs.indices.tolist()


NAN_CALLS = [
    "x.sort()[0]", "x.sort(descending=True)[0]", "x.max()", "x.max(1)[0]", "x.max(1)[1]", "x.median()", "x.median(1)[0]",
    "x.nanmedian(1)[0]", "x.kthvalue(4)[0]", "x.topk(2)[0]", "x.amin(0)", "x.cummax(1)[0]", "x.cummax(1)[1]",
    "x.quantile(0.5, 1)", "x.nanquantile(0.5, 1)", "x.quantile(0.5)", "x.nanmean(1)",
]


@pytest.mark.parametrize("call", NAN_CALLS)
def test_nan_as_pytorch(call):
    with np.errstate(all="ignore"):
        compare(call, NANS, "float64", gradient=False)


INTEGERS = [
    "x.sum()", "x.sum(1)", "x.prod(1)", "x.cumsum(0)", "x.cumprod(1)", "x.amax(1)", "x.max()", "x.min(1)[0]", "x.sort(1)[0]",
    "x.median()", "x.median(1)[0]", "x.any(0)", "x.all()", "x.sum(0, dtype=t.float32)", "x.mean(0, dtype=t.float64)",
    "x.nansum()", "x.argmax(0)", "x.topk(2)[0]", "x.count_nonzero()", "x.diff()",
]


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("call", INTEGERS)
def test_integers_as_pytorch(call, dtype):
    if dtype == "bool" and any(name in call for name in ("median", "topk", "argmax", "nansum")):
        pytest.skip("PyTorch has none of booleans")
    compare(call, np.array([[1, 0, 3, 2], [1, 1, 1, 2]]).astype(dtype), dtype, gradient=False)


def test_counts_as_pytorch():
    k = np.array([1, 3, 1, 0, 5])
    compare("x.bincount()", k, "int64", gradient=False)
    compare("x.bincount(minlength=8)", k, "int64", gradient=False)
    compare("t.bincount(x, t.tensor([.5, 1., 2., 1., 1.]))", k, "int64", gradient=False)
    compare("x.histc(4, -1, 1)", X, "float32", gradient=False)
    compare("x.histc(bins=5)", X, "float32", gradient=False)


ERRORS = [
    (tl.mean, X.astype(int), {}, RuntimeError, "float"), (tl.var, X.astype(int), {}, RuntimeError, "float"),
    (tl.norm, X.astype(int), {}, RuntimeError, "float"), (tl.sum, X, {"dim": 2}, IndexError, r"range of \[-2, 1\], but got 2"),
    (tl.sum, X, {"dim": (0, -2)}, RuntimeError, "twice"), (tl.sum, ZERO, {"dim": 1}, IndexError, "range"),
    (tl.sum, X, {"dim": "a"}, TypeError, "int"), (tl.max, EMPTY, {}, RuntimeError, "empty"),
    (tl.min, EMPTY, {"dim": 0}, IndexError, "non-zero"), (tl.amax, EMPTY, {"dim": 0}, IndexError, "non-zero"),
    (tl.argmax, EMPTY, {}, RuntimeError, "empty"), (tl.max, X, {"dim": (0, 1)}, TypeError, "amax"),
    (tl.max, X, {"other": 1.0}, TypeError, "clamp"), (tl.norm, X[0], {"p": "nuc"}, RuntimeError, "two dims"),
    (tl.norm, X, {"p": "f"}, ValueError, "fro"), (tl.kthvalue, X, {"k": 5}, RuntimeError, "1 to 4"),
    (tl.topk, X, {"k": 5}, RuntimeError, "out of range"), (tl.quantile, X, {"q": 1.5}, RuntimeError, "0 to 1"),
    (tl.quantile, X, {"q": 0.5, "interpolation": "cubic"}, RuntimeError, "linear"),
    (tl.bincount, X, {}, RuntimeError, "integers"), (tl.bincount, np.array([-1]), {}, RuntimeError, "-1"),
    (tl.cov, CUBE, {}, RuntimeError, "two"), (tl.unique_consecutive, X, {"dim": 0}, NotImplementedError, "flattened"),
    (tl.var, X, {"dim": 0, "unbiased": True, "correction": 1}, TypeError, "both"), (tl.diff, ZERO, {}, RuntimeError, "one-dim"),
    (tl.cumsum, X, {"dim": 3}, IndexError, "range"), (tl.sort, X, {"dim": 3}, IndexError, "range"),
]


@pytest.mark.parametrize("function, x, arguments, kind, text", ERRORS)
def test_errors(function, x, arguments, kind, text):
    with pytest.raises(kind, match=text):
        function(tl.tensor(x), **arguments)


def test_no_degrees_of_freedom():
    with pytest.warns(UserWarning, match="degrees of freedom"):
        assert math.isnan(tl.tensor([1.0]).var().item())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert tl.tensor([1.0]).var(correction=0).item() == 0
        assert math.isnan(tl.zeros(0).mean().item()) and math.isnan(tl.zeros(0).median().item())


def test_named_results():
    x = tl.tensor([[1.0, 2.0]])
    pairs = {"max": x.max(1), "sort": x.sort(), "topk": x.topk(1), "median": x.median(1), "cummax": x.cummax(1)}
    for name, result in pairs.items():
        assert type(result).__name__ == name and result._fields == ("values", "indices")
        assert result.indices.dtype == tl.int64
    assert x.aminmax()._fields == ("min", "max")


def test_large_sums_are_exact():
    """A sum of a million float32 over leading axes keeps its digits, where adding row after row would lose two."""
    x = rng.random((1_000_001, 3), dtype="float32")
    for dim, shape in ((0, x.shape), ((0, 1), (1_000_001, 3, 1))):
        ours = tl.tensor(x).reshape(shape).sum(dim).numpy()
        exact = x.reshape(shape).astype("float64").sum(dim)
        assert ours.dtype == "float32" and abs(ours / exact - 1).max() < 1e-6
    assert abs(tl.tensor(x).var(0).numpy() / x.astype("float64").var(0, ddof=1) - 1).max() < 1e-6


def test_second_derivative_of_a_product_with_zeros():
    x = tl.tensor([2.0, 0.0, 0.0, 4.0], dtype=tl.float64, requires_grad=True)
    g, = autograd.grad(x.prod(), x, create_graph=True)
    h = [autograd.grad(g[k], x, retain_graph=True)[0].tolist() for k in range(4)]
    assert h == [[0, 0, 0, 0], [0, 0, 8, 0], [0, 8, 0, 0], [0, 0, 0, 0]]


@number_types
def test_cumsum_in_place(dtype):
    x = tl.tensor([1, 2, 3]).to(getattr(tl, dtype))
    y = x
    assert x.cumsum_(0) is x and y.tolist() == [1, 3, 6] and x.cumprod_(0).tolist() == [1, 3, 18]
