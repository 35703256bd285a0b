"""The elementwise functions and activations against PyTorch: values, gradients, types, spellings, corners, errors."""
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import ops
from tinygrad_like.error_function import erf, erfc, erfinv
from tinygrad_like.nn import functional as F

torch = pytest.importorskip("torch")
TF = torch.nn.functional
inf, nan = math.inf, math.nan

X = np.array([[-2.3, -1.0, -0.51, -0.1], [0.2, 0.49, 1.3, 2.7]])
Y = np.array([[1.4, -0.7, 0.3, -1.2], [2.2, 0.9, -1.9, 0.6]])
POSITIVE, UNIT, ABOVE_ONE = np.abs(X), X / 3, np.abs(X) + 1
I, J, B = np.array([7, -7, 0, 3]), np.array([2, 2, -3, -5]), np.array([True, False, True, True])
SPECIAL = np.array([0.0, -0.0, inf, -inf, nan, 1.0, -1.0])


def both(name, *args, **kwargs):
    """(ours, PyTorch's): the results of the function of that name, with arrays made Tensors that require grad where they can."""
    results = []
    for library, leaf in (tl, lambda x: tl.tensor(x)), (torch, lambda x: torch.tensor(x)):
        tensors = [leaf(x) if isinstance(x, (np.ndarray, np.generic)) else x for x in args]
        for x in tensors:
            if hasattr(x, "requires_grad") and x.dtype in (library.float32, library.float64):
                x.requires_grad_()
        results.append((getattr(library, name)(*tensors, **kwargs), [x for x in tensors if getattr(x, "requires_grad", False)]))
    return results


def assert_same(ours, theirs, tolerance=1e-12):
    assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=tolerance, atol=tolerance)


def assert_same_with_gradients(name, *args, tolerance=1e-12, **kwargs):
    (ours, leaves), (theirs, their_leaves) = both(name, *args, **kwargs)
    assert_same(ours, theirs, tolerance)
    g = np.random.default_rng(0).standard_normal(ours.shape).astype(ours.detach().numpy().dtype)
    ours.backward(tl.tensor(g))
    theirs.backward(torch.tensor(g))
    for a, b in zip(leaves, their_leaves):
        assert_same(a.grad, torch.zeros_like(b) + (0 if b.grad is None else b.grad), tolerance)


UNARY = [(name, X) for name in """neg square exp exp2 expm1 sin cos tan atan sinh cosh tanh asinh arctan arcsinh sinc deg2rad
          rad2deg erf erfc abs absolute sign sgn round floor ceil trunc fix frac negative positive relu sigmoid selu
          celu hardshrink nan_to_num""".split()]
UNARY += [(name, POSITIVE) for name in "sqrt rsqrt reciprocal log log2 log10 log1p".split()]
UNARY += [(name, UNIT) for name in "asin arcsin acos arccos atanh arctanh erfinv".split()]
UNARY += [(name, ABOVE_ONE) for name in "acosh arccosh".split()]
UNARY += [("logit", POSITIVE / 3)]


@pytest.mark.parametrize("name, x", UNARY, ids=[name for name, _ in UNARY])
def test_unary(name, x):
    assert_same_with_gradients(name, x)
    assert_same_with_gradients(name, x[1, 2])                   # 0-d
    assert_same_with_gradients(name, x[:, :0])                  # empty
    assert_same_with_gradients(name, x.astype("float32"), tolerance=2e-5)
    if hasattr(torch.Tensor, name):
        t = tl.tensor(x, requires_grad=True)
        assert_same(getattr(t, name)(), getattr(torch.tensor(x), name)())
    if hasattr(torch.Tensor, name + "_"):
        t, s = tl.tensor(x), torch.tensor(x)
        assert getattr(t, name + "_")() is t
        assert_same(t, getattr(s, name + "_")())


BINARY = """add sub subtract mul multiply div divide true_divide rsub fmod remainder atan2 arctan2 hypot logaddexp logaddexp2
            maximum minimum fmax fmin copysign""".split()


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    assert_same_with_gradients(name, X, Y)
    assert_same_with_gradients(name, X[:1], Y[:, 1:2])
    assert_same_with_gradients(name, X, Y[0, 1])
    assert_same_with_gradients(name, X.astype("float32"), Y.astype("float32"), tolerance=2e-5)
    if name not in ("atan2", "arctan2", "hypot", "logaddexp", "logaddexp2", "maximum", "minimum", "fmax", "fmin"):
        assert_same_with_gradients(name, X, 1.5)
        assert_same_with_gradients(name, X.astype("float32"), 2, tolerance=2e-5)
    if hasattr(torch.Tensor, name + "_"):
        assert_same(getattr(tl.tensor(X), name + "_")(tl.tensor(Y)), getattr(torch.tensor(X), name + "_")(torch.tensor(Y)))


CALLS = [
    ("add", (X, Y), {"alpha": 0.5}), ("sub", (X, 2), {"alpha": 3}), ("rsub", (X, Y), {"alpha": 2}),
    ("div", (X, Y), {"rounding_mode": "floor"}), ("div", (X, Y), {"rounding_mode": "trunc"}),
    ("div", (X, 0.3), {"rounding_mode": "floor"}),
    ("lerp", (X, Y, 0.3), {}), ("lerp", (X, Y, UNIT), {}), ("addcmul", (X, Y, UNIT), {"value": 0.5}),
    ("addcdiv", (X, Y, UNIT), {"value": -2}),
    ("pow", (X, 2), {}), ("pow", (X, 3), {}), ("pow", (X, 4), {}), ("pow", (X, 7), {}), ("pow", (X, 0), {}), ("pow", (X, 1), {}),
    ("pow", (X, -1), {}), ("pow", (X, -3), {}), ("pow", (POSITIVE, 0.5), {}), ("pow", (POSITIVE, -0.5), {}),
    ("pow", (POSITIVE, 1.7), {}),
    ("pow", (POSITIVE, Y), {}), ("pow", (2.5, Y), {}), ("pow", (0, POSITIVE), {}),
    ("pow", (3, Y.astype("float32")), {"tolerance": 1e-5}),
    ("pow", (np.array([0.0, 0, 0, -2, 2]), np.array([0.0, 2, 0.5, 2, 0])), {}),
    ("xlogy", (X, POSITIVE), {}), ("xlogy", (2.0, POSITIVE), {}), ("xlogy", (X, 3), {}),
    ("xlogy", (np.array([0.0, 0, 1]), np.array([1.0, 2, 2])), {}),
    ("logit", (POSITIVE / 2,), {"eps": 0.1}), ("round", (X,), {"decimals": 1}), ("round", (X * 100,), {"decimals": -1}),
    ("clamp", (X, -0.5, 1.3), {}), ("clamp", (X,), {"min": -1.0}), ("clamp", (X,), {"max": 0.2}), ("clip", (X, 0, 1), {}),
    ("clamp", (X, Y, np.array(0.5)), {}), ("clamp", (X, Y[:1]), {}), ("clamp", (X, None, Y), {}), ("clamp_min", (X, 0.2), {}),
    ("clamp_max", (X, Y), {}), ("clamp", (X, 1.0, -1.0), {}), ("clamp", (X, Y, Y - 1), {}),
    ("nan_to_num", (SPECIAL,), {}), ("nan_to_num", (SPECIAL, 1.0, 2.0, -3.0), {}), ("copysign", (SPECIAL[:2], -1.0), {}),
    ("celu", (X, 0.7), {"tolerance": 1e-7}), ("threshold", (X, 0.2, 5.0), {}), ("hardshrink", (X, 1.0), {}),
    ("prelu", (X, np.array([0.2])), {}), ("prelu", (X, np.array([0.2, 0.3, -1, 2])), {}),
    ("prelu", (X[None], np.array([0.2, -1])), {}),
    ("prelu", (X[0], np.array(0.2)), {}),
    ("softmax", (X, 1), {}), ("softmax", (X, 0), {}), ("softmax", (X * 1e4, -1), {}), ("softmax", (X[0, 0], 0), {}),
    ("softmax", (X[:, :0], 1), {}),
    ("log_softmax", (X, 1), {}), ("log_softmax", (X * 1e4, 0), {}),
    ("logsumexp", (X, 1), {}), ("logsumexp", (X, (0, 1)), {"keepdim": True}), ("logsumexp", (X[:, :0], 1), {}),
    ("logsumexp", (X[0, 0], 0), {}), ("where", (X > 0, X, Y), {}), ("where", (X > 0, X.astype("float32"), I), {}),
]


@pytest.mark.parametrize("name, args, kwargs", CALLS, ids=[f"{k}-{name}" for k, (name, _, _) in enumerate(CALLS)])
def test_calls(name, args, kwargs):
    assert_same_with_gradients(name, *args, **kwargs)


INTEGERS = [("add", I, J), ("mul", I, 2), ("mul", I, 1.5), ("div", I, J), ("div", I, 2), ("floor_divide", I, J),
            ("remainder", I, J), ("fmod", I, J),
            ("pow", I, 2), ("pow", I, 5), ("pow", I, 0.5 + 1), ("pow", 2, np.abs(J)), ("exp", I), ("sqrt", np.abs(I)),
            ("sigmoid", I),
            ("sin", I), ("atan2", I, J), ("copysign", I, J), ("floor", I), ("round", I), ("sign", I), ("abs", I), ("square", I),
            ("relu", I), ("clamp", I, 1),
            ("clamp", I, 0.5), ("maximum", I, J), ("logsumexp", I, 0), ("deg2rad", I), ("nan_to_num", I), ("isnan", I),
            ("signbit", I), ("erf", I),
            ("xlogy", np.abs(I), np.abs(J)), ("eq", I, J), ("gt", I, 0.5), ("logical_and", I, J), ("logical_or", I, B),
            ("logical_xor", I, B),
            ("logical_not", I), ("bitwise_and", I, J), ("bitwise_or", I, 4), ("bitwise_xor", I, J), ("bitwise_not", I),
            ("bitwise_not", B),
            ("bitwise_and", B, B[::-1].copy()), ("bitwise_left_shift", I, np.abs(J)), ("bitwise_right_shift", I, 1),
            ("heaviside", I, J), ("add", B, B),
            ("mul", B, I), ("sinc", I), ("rsub", I, 1), ("square", B), ("sqrt", B), ("where", B, I, 1.5), ("where", B, 1, 2),
            ("where", B, 1.0, 0),
            ("where", B, True, False), ("reciprocal", J), ("addcmul", I, J, J)]


@pytest.mark.parametrize("call", INTEGERS, ids=[f"{k}-{call[0]}" for k, call in enumerate(INTEGERS)])
def test_integers_and_booleans(call):
    (ours, _), (theirs, _) = both(*call)
    assert_same(ours, theirs, 1e-6)
    assert not ours.requires_grad


def test_trunc_division_of_integers_is_exact():
    big = np.array([2**62 + 1, -2**62 - 1, 7, -7])
    (ours, _), (theirs, _) = both("div", big, 2, rounding_mode="trunc")
    assert_same(ours, theirs)


COMPARISONS = "eq ne not_equal lt less le less_equal gt greater ge greater_equal isclose logical_and logical_or logical_xor".split()


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons(name):
    y = np.where(np.arange(8).reshape(2, 4) % 2, X, Y)
    for other in (y, SPECIAL[4]):
        (ours, _), (theirs, _) = both(name, X, np.asarray(other))
        assert_same(ours, theirs)
        assert not ours.requires_grad


@pytest.mark.parametrize("name", "isnan isinf isposinf isneginf isfinite signbit logical_not".split())
def test_questions(name):
    (ours, _), (theirs, _) = both(name, SPECIAL)
    assert_same(ours, theirs)


def test_whole_tensor_comparisons():
    a, b = tl.tensor([1.0, nan]), tl.tensor([1.0 + 1e-9, nan])
    assert tl.allclose(a, b, equal_nan=True) is True and tl.allclose(a, b) is False and a.allclose(b, equal_nan=True)
    assert tl.equal(a[:1], a[:1]) is True and tl.equal(a, a) is False and tl.equal(a, a[:1]) is False
    assert tl.equal(tl.tensor([1.0]), tl.tensor([1])) is torch.equal(torch.tensor([1.0]), torch.tensor([1]))


ACTIVATIONS = [("leaky_relu", {}), ("leaky_relu", {"negative_slope": 1.5}), ("elu", {"alpha": 0.7}), ("selu", {}),
               ("celu", {"alpha": 2.0}), ("gelu", {}),
               ("gelu", {"approximate": "tanh"}), ("silu", {}), ("mish", {}), ("hardtanh", {}),
               ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
               ("relu6", {}), ("hardswish", {}), ("hardsigmoid", {}), ("softplus", {}),
               ("softplus", {"beta": 2.0, "threshold": 1.0}),
               ("softplus", {"threshold": -1.0}), ("logsigmoid", {}), ("softsign", {}), ("tanhshrink", {}), ("softshrink", {}),
               ("hardshrink", {})]


@pytest.mark.parametrize("name", ["sigmoid", "silu", "softplus", "logsigmoid", "mish"])
def test_sigmoids_far_out(name):
    """Where e⁻ˣ overflows σ is 0, not something near it: 0 · ∞ is NaN, and no warning is given."""
    far, results = [-np.inf, -1e30, -1000.0, -120.0, 1000.0, np.inf], []
    for module in (torch, tl):
        x = module.tensor(far, requires_grad=True)
        with np.errstate(over="raise", invalid="ignore"):
            y = getattr(module.nn.functional, name)(x)
            results.append((y.tolist(), module.autograd.grad(y, x, module.ones_like(y))[0].tolist()))
    np.testing.assert_allclose(*results, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name, kwargs", ACTIVATIONS, ids=[f"{k}-{name}" for k, (name, _) in enumerate(ACTIVATIONS)])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-12), ("float32", 1e-5)])
def test_activations(name, kwargs, dtype, tolerance):
    corners = np.array([0, -1, 1, 3, -3, 6, 0.5, -0.5, 30, -30, 100, -100, 1e4, -1e4])
    if name in ("hardswish", "hardsigmoid"):
        tolerance = max(tolerance, 1e-7)                        # PyTorch's sixth is of float32
    for x in (X, corners):
        t, s = tl.tensor(x.astype(dtype), requires_grad=True), torch.tensor(x.astype(dtype), requires_grad=True)
        ours, theirs = getattr(F, name)(t, **kwargs), getattr(TF, name)(s, **kwargs)
        assert_same(ours, theirs, tolerance)
        ours.sum().backward()
        theirs.sum().backward()
        assert_same(t.grad, s.grad, tolerance)


# ---- corners ----------------------------------------------------------------------------------------------------
CORNERS = [                                                     # function, inputs, result, gradients
    (tl.relu, [[0.0]], [0], [[0]]),
    (tl.abs, [[0.0]], [0], [[0]]),
    (tl.sign, [[0.0, 2.0]], [0, 1], [[0, 0]]),
    (lambda x: x ** 0, [[0.0, 2.0]], [1, 1], [[0, 0]]),
    (tl.pow, [[0.0, 0.0], [0.0, 2.0]], [1, 0], [[0, 0], [0, 0]]),
    (lambda y: 0.0 ** y, [[0.0, 2.0]], [1, 0], [[0, 0]]),
    (tl.maximum, [[1.0, 2.0], [1.0, 1.0]], [1, 2], [[0.5, 1], [0.5, 0]]),
    (tl.minimum, [[1.0, 2.0], [1.0, 1.0]], [1, 1], [[0.5, 0], [0.5, 1]]),
    (tl.fmax, [[1.0, 2.0], [1.0, nan]], [1, 2], [[0.5, 1], [0.5, 0]]),
    (tl.fmin, [[1.0, nan], [1.0, 1.0]], [1, 1], [[0.5, 0], [0.5, 1]]),
    (lambda x: tl.clamp(x, 1, 2), [[1.0, 2.0, 3.0]], [1, 2, 2], [[1, 1, 0]]),
    (F.hardtanh, [[-1.0, 1.0]], [-1, 1], [[0, 0]]),
    (F.relu6, [[0.0, 6.0]], [0, 6], [[0, 0]]),
    (tl.sqrt, [[0.0]], [0], [[inf]]),
    (tl.hypot, [[0.0], [0.0]], [0], [[0], [0]]),
    (tl.atan2, [[0.0], [0.0]], [0], [[0], [0]]),
    (tl.sinc, [[0.0]], [1], [[0]]),
    (tl.logaddexp, [[-inf, -inf, inf], [-inf, 0.0, 0.0]], [-inf, 0, inf], [[0, 0, 1], [0, 1, 0]]),
    (lambda x: tl.softmax(x, 0), [[-inf, -inf]], [0, 0], [[0, 0]]),
    (lambda x: tl.log_softmax(x, 0), [[-inf, -inf]], [-inf, -inf], [[0, 0]]),
    (lambda x: tl.logsumexp(x, 0), [[-inf, -inf]], -inf, [[0, 0]]),
    (lambda x: tl.logsumexp(x, 0), [[-inf, 2.0]], 2, [[0, 1]]),
    (tl.xlogy, [[0.0, 0.0], [0.0, 1.0]], [0, 0], [[0, 0], [nan, 0]]),
    (lambda x: tl.where(x > 0, x, tl.zeros(2)), [[0.0, 2.0]], [0, 2], [[0, 1]]),
    (lambda x: tl.safe_where(x > 0, tl.sqrt, x, 0.0), [[0.0, -1.0, 4.0]], [0, 0, 2], [[0, 0, 0.25]]),
    (lambda x: tl.safe_where(x > 1, tl.log, x, lambda x: tl.sqrt(1 - x)), [[1.0, 0.0, math.e]], [0, 1, 1],
     [[-inf, -0.5, 1 / math.e]]),
]


@pytest.mark.parametrize("function, inputs, result, gradients", CORNERS, ids=range(len(CORNERS)))
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_corners(function, inputs, result, gradients, create_graph):
    leaves = [tl.tensor(x, requires_grad=True) for x in inputs]
    out = function(*leaves)
    np.testing.assert_allclose(out.detach().numpy(), result, rtol=1e-6)
    found = tl.autograd.grad(out, leaves, tl.ones(out.shape), create_graph=create_graph)
    for g, expected in zip(found, gradients):
        np.testing.assert_allclose(g.detach().numpy(), expected, rtol=1e-6)


def test_where_gives_exactly_nothing_to_what_was_not_taken():
    x, y = tl.tensor([1.0, 2.0], requires_grad=True), tl.tensor([3.0, 4.0], requires_grad=True)
    tl.where(tl.tensor([True, False]), x, y).backward(tl.tensor([inf, nan]))
    assert x.grad.tolist() == [inf, 0] and y.grad.numpy()[0] == 0 and np.isnan(y.grad.numpy()[1])


def test_second_derivative_of_sinc_at_zero():
    x = tl.tensor([0.0, 1e-9, 0.2, 0.7], requires_grad=True, dtype=tl.float64)
    g, = tl.autograd.grad(tl.sinc(x).sum(), x, create_graph=True)
    h, = tl.autograd.grad(g.sum(), x)
    u = math.pi * np.array([0.2, 0.7])
    exact = math.pi ** 2 * (2 * np.sin(u) / u**3 - 2 * np.cos(u) / u**2 - np.sin(u) / u)
    np.testing.assert_allclose(h.numpy(), [-math.pi**2 / 3, -math.pi**2 / 3, *exact], rtol=1e-12)


# ---- the error function -----------------------------------------------------------------------------------------
def test_error_functions_are_exact():
    x = np.concatenate([np.linspace(-7, 7, 3001), 10.0 ** np.arange(-300, 1, 10)])
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=1e-15)
    np.testing.assert_allclose(erf(x.astype("float32")), [math.erf(np.float32(v)) for v in x], rtol=3e-7, atol=1e-38)
    assert np.abs(erf(x.astype("float32")) - [math.erf(np.float32(v)) for v in x]).max() < 2e-7
    x = np.linspace(-6, 26, 3001)
    np.testing.assert_allclose(erfc(x), [math.erfc(v) for v in x], rtol=2e-15)
    y = np.concatenate([np.linspace(-5, 5, 2001), 10.0 ** np.arange(-300, 0, 10)])
    np.testing.assert_allclose(erfinv(erf(y[np.abs(y) < 2])), y[np.abs(y) < 2], rtol=2e-14)
    assert erf(np.array([inf, -inf])).tolist() == [1, -1] and np.isnan(erf(np.array([nan, nan], "float32"))).all()
    assert erfinv(np.array([1.0, -1.0])).tolist() == [inf, -inf] and np.isnan(erfinv(np.array([1.5])))


# ---- spellings and errors ---------------------------------------------------------------------------------------
def test_softmax_spellings():
    x = tl.tensor([1, 2])
    assert_same(tl.softmax(x, 0, tl.float64), torch.softmax(torch.tensor([1, 2]), 0, torch.float64))
    assert x.softmax(axis=0).dtype == tl.float32
    assert x.logsumexp(axis=0, keepdims=True).shape == (1,) and x.logsumexp(()).item() == pytest.approx(2.3132617)
    assert_same(x.log_softmax(dim=-1, dtype=tl.float64), torch.tensor([1, 2]).log_softmax(dim=-1, dtype=torch.float64))


def test_where_forms():
    condition = tl.tensor([[True, False], [False, True]])
    assert [i.tolist() for i in tl.where(condition)] == [[0, 1], [0, 1]]
    assert [i.tolist() for i in tl.where(tl.tensor([[0, 2], [0, 0]]))] == [[0], [1]]         # alone: what is not 0
    x = tl.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert x.where(condition, 0.0).tolist() == [[1, 0], [0, 4]]
    assert tl.where(condition, input=x, other=-1).tolist() == [[1, -1], [-1, 4]]


@pytest.mark.parametrize("call, kind, words", [
    (lambda: tl.div(tl.ones(2), 2, rounding_mode="up"), RuntimeError, "'trunc', or 'floor'"),
    (lambda: tl.tensor([1, 2]) ** -1, RuntimeError, "negative integer powers"),
    (lambda: tl.tensor([1, 2]) // 0, RuntimeError, "ZeroDivisionError"),
    (lambda: tl.tensor([1, 2]) % tl.tensor([1, 0]), RuntimeError, "ZeroDivisionError"),
    (lambda: tl.add(tl.tensor([1]), tl.tensor([1]), alpha=0.5), RuntimeError, "floating point"),
    (lambda: tl.addcdiv(tl.tensor([1]), tl.tensor([1]), tl.tensor([1])), RuntimeError, "trunc"),
    (lambda: tl.clamp(tl.ones(2)), RuntimeError, "At least one"),
    (lambda: tl.where(tl.ones(2), 1.0, 0.0), RuntimeError, "boolean"),
    (lambda: tl.where(True, 1.0, 0.0), TypeError, "bool"),
    (lambda: tl.where(tl.ones(2) > 0, 1.0), TypeError, "both"),
    (lambda: tl.tensor([1]).div_(2), RuntimeError, "cannot be put"),
    (lambda: tl.softmax(tl.ones(2), 1), IndexError, "Dimension out of range"),
    (lambda: tl.softmax(tl.ones(2), None), TypeError, "dim"),
    (lambda: tl.prelu(tl.ones(2, 3), tl.ones(2)), RuntimeError, "channel"),
    (lambda: tl.celu(tl.ones(2), 0), RuntimeError, "alpha"),
    (lambda: tl.ones(2) + "a", TypeError, "str"),
    (lambda: tl.add(tl.ones(2, 3), tl.ones(4)), RuntimeError, "axis -1 is 3"),
    (lambda: tl.ones(2) & tl.ones(2), TypeError, "bitwise_and"),
    (lambda: tl.exp(tl.ones(2), out=tl.ones(2)), TypeError, "out"),
])
def test_errors(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    assert words in str(caught.value)


def test_numbers_do_not_widen():
    x = tl.ones(3, requires_grad=True)
    for out in (x * 2.5, 2.5 ** x, x ** 2.5, x / 3, tl.clamp(x, 0.5, 2), tl.where(x > 0, x, 0.5), tl.xlogy(x, 2.5),
                tl.xlogy(2.5, x), tl.atan2(x, 2.0),
                tl.lerp(x, x, 0.5), tl.hypot(x, 2.0), tl.maximum(x, 0.5), tl.copysign(x, -1.0), tl.softmax(x, 0),
                tl.logaddexp(x, tl.zeros(()))):
        g, = tl.autograd.grad(out.sum(), x, create_graph=True)
        assert out.dtype == g.dtype == tl.float32


def test_half_precision():
    for name in "exp tanh sigmoid erf erfc erfinv silu gelu mish softplus".split():
        x = np.array([-12, -0.5, 0, 0.5, 0.9], "float16")
        if name == "erfinv":
            x = x[1:]
        function, theirs = (getattr(library, name) if hasattr(library, name) else getattr(functional, name)
                            for library, functional in ((tl, F), (torch, TF)))
        np.testing.assert_allclose(function(tl.tensor(x)).numpy(), theirs(torch.tensor(x)).numpy(), rtol=3e-3, atol=2e-3)
        assert function(tl.tensor(x)).dtype == tl.float16


def test_every_op_has_a_public_way():
    """The public functions take Tensors to what the ops take arrays to."""
    for name in "add sub mul div exp log tanh sigmoid relu maximum".split():
        args = [np.abs(X), np.abs(Y)][:2 if len(getattr(ops, name).operands) == 2 else 1]
        np.testing.assert_array_equal(getattr(tl, name)(*[tl.tensor(x) for x in args]).numpy(), getattr(ops, name)(*args))


# ---- large arrays, which are computed in other ways -------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64"])
def test_where_of_large_arrays(dtype):
    random = np.random.default_rng(0)
    x, y = (random.standard_normal((70, 80)).astype(dtype) for _ in range(2))
    if dtype != "int64":
        x[::7], y[::5] = nan, inf
    condition = random.random((70, 80)) < 0.5
    for a, b, c in ((x, y, condition), (x.T, y.T[:1], condition.T), (x, 2, condition), (-1, y, condition), (x[0], y[1], condition),
                    (x, y, condition[:1])):
        ours = ops.where(a, b, condition=c)
        np.testing.assert_array_equal(ours, np.where(c, a, b))
        assert ours.dtype == dtype
    np.testing.assert_array_equal(ops.masked(x, keep=condition), np.where(condition, x, 0).astype(dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_erf_of_large_arrays(dtype):
    x = np.random.default_rng(0).standard_normal((3, 170, 130)).astype(dtype)
    exact = np.vectorize(math.erf)(x)
    for view in (slice(None), np.s_[::-1]), (slice(None), slice(None, None, 2)):
        np.testing.assert_allclose(erf(x[view]), exact[view], rtol=4e-7)
    turned = erf(x.transpose(2, 0, 1))
    np.testing.assert_allclose(turned, exact.transpose(2, 0, 1), rtol=4e-7)
    assert turned.dtype == dtype and turned.strides == x.transpose(2, 0, 1).strides
