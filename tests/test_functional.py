"""nn.functional: PyTorch's signatures; the values, gradients and types of the activations and of what else is not a loss."""
import inspect
import re

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like.names import FUNCTIONAL
from tinygrad_like.testing import gradcheck, gradgradcheck

PUBLIC = [name for name, value in vars(F).items() if inspect.isfunction(value) and hasattr(value, "takes_tensors")]

INF = float("inf")
random = np.random.default_rng(0)
X = np.concatenate([random.standard_normal((3, 4, 6)) * 3, np.array([0, 1, -1, 3, -3, 6.0] * 4).reshape(1, 4, 6)])
FAR = np.array([1e4, -1e4, 30.0, -30, INF, -INF])

ACTIVATIONS = {                                                 # name: lists of keyword arguments to call it with
    "relu": [{}], "relu6": [{}], "leaky_relu": [{}, {"negative_slope": 0.3}, {"negative_slope": -0.1}],
    "elu": [{}, {"alpha": 0.5}], "celu": [{}, {"alpha": 2.0}], "selu": [{}], "gelu": [{}, {"approximate": "tanh"}],
    "silu": [{}], "mish": [{}], "sigmoid": [{}], "tanh": [{}], "logsigmoid": [{}], "softplus": [{}, {"beta": 2, "threshold": 3}],
    "softsign": [{}], "tanhshrink": [{}],
    "hardtanh": [{}, {"min_val": -2.0, "max_val": 0.5}], "hardsigmoid": [{}], "hardswish": [{}],
    "softshrink": [{}, {"lambd": 1.0}], "hardshrink": [{}, {"lambd": 1.0}], "threshold": [{"threshold": 1.0, "value": 20.0}],
    "glu": [{}, {"dim": 1}],
    "softmax": [{"dim": 1}, {"dim": -1}], "log_softmax": [{"dim": 1}, {"dim": 0}], "softmin": [{"dim": -1}],
}
CALLS = [(name, params) for name, calls in ACTIVATIONS.items() for params in calls]
OVER_A_DIM = {"glu", "softmax", "log_softmax", "softmin"}
IN_PLACE = ["relu", "relu6", "leaky_relu", "elu", "celu", "selu", "silu", "mish", "hardtanh", "hardsigmoid", "hardswish"]


def both(x, dtype, **kwargs):
    torch = pytest.importorskip("torch")
    return (tl.tensor(x.astype(dtype), **kwargs), torch.tensor(x.astype(dtype), **kwargs), torch.nn.functional)


def close(a, b, dtype, what, rtol=1e-10):
    rtol, atol = (rtol, 1e-12) if dtype == "float64" else (2e-5, 2e-6)
    np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=what)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, params", CALLS, ids=str)
def test_activations_are_pytorchs(name, params, dtype):
    x, t, theirs = both(X, dtype, requires_grad=True)
    y, z = getattr(F, name)(x, **params), getattr(theirs, name)(t, **params)
    g = np.random.default_rng(1).standard_normal(tuple(z.shape)).astype(dtype)
    y.backward(tl.tensor(g))
    z.backward(type(t)(g) if dtype == "float32" else t.new_tensor(g))
    assert str(y.array.dtype) == str(x.grad.array.dtype) == dtype and tuple(y.shape) == tuple(z.shape)
    close(y.detach().numpy(), z.detach().numpy(), dtype, "value")
    close(x.grad.numpy(), t.grad.numpy(), dtype, "gradient", 1e-7 if name == "hardsigmoid" else 1e-10)     # their 1/6 is float32


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name, params", [call for call in CALLS if call[0] not in OVER_A_DIM], ids=str)
@pytest.mark.filterwarnings("error")
def test_activations_of_far_numbers(name, params, dtype):
    """Neither overflow nor a warning on the way to a finite number; where PyTorch gives NaN, we may know better."""
    infinite = {"relu", "relu6", "sigmoid", "tanh", "logsigmoid", "softplus", "hardtanh", "elu", "selu", "celu"}
    far = FAR if name in infinite else FAR[:4]
    x, t, theirs = both(far, dtype, requires_grad=True)
    y, z = getattr(F, name)(x, **params), getattr(theirs, name)(t, **params)
    y.sum().backward()
    z.sum().backward()
    known = ~np.isnan(z.detach().numpy())
    close(y.detach().numpy()[known], z.detach().numpy()[known], dtype, "value")
    known = ~np.isnan(t.grad.numpy())
    close(x.grad.numpy()[known], t.grad.numpy()[known], dtype, "gradient")


@pytest.mark.parametrize("name, params", CALLS, ids=str)
def test_activations_of_nothing_and_of_a_number(name, params):
    x, t, theirs = both(X[:0], "float32")
    assert tuple(getattr(F, name)(x, **params).shape) == tuple(getattr(theirs, name)(t, **params).shape)
    if name not in OVER_A_DIM:
        x, t, theirs = both(np.array(-0.7), "float32", requires_grad=True)
        y = getattr(F, name)(x, **params)
        y.backward()
        z = getattr(theirs, name)(t, **params)
        z.backward()
        assert y.shape == () and y.item() == pytest.approx(z.item(), rel=1e-5)
        assert x.grad.item() == pytest.approx(t.grad.item(), rel=1e-5)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    function = getattr(F, name)
    x = tl.tensor(X)
    expected = function(x)
    y = function(x, inplace=True)
    assert y is x and np.array_equal(x.numpy(), expected.numpy())
    leaf = tl.tensor(X, requires_grad=True)
    y = leaf * 2
    function(y, inplace=True)
    y.sum().backward()
    again = tl.tensor(X, requires_grad=True)
    function(again * 2).sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), again.grad.numpy())
    with pytest.raises(RuntimeError, match="inplace|in place"):
        function(leaf, inplace=True)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.endswith("_")])
def test_functions_that_work_in_place(name):
    arguments = (0.5, 20.0) if name == "threshold_" else ()
    x = tl.tensor(X)
    expected = getattr(F, name[:-1])(x, *arguments).numpy()
    assert getattr(F, name)(x, *arguments) is x and np.array_equal(x.numpy(), expected)


def test_prelu_with_a_weight_for_each_channel():
    for weight in np.array([0.3]), np.array(0.3), np.array([0.1, 0.2, 0.3, -0.4]):
        x, t, theirs = both(X, "float64", requires_grad=True)
        w, v, _ = both(weight, "float64", requires_grad=True)
        F.prelu(x, w).square().sum().backward()
        theirs.prelu(t, v).square().sum().backward()
        close(x.grad.numpy(), t.grad.numpy(), "float64", "x")
        close(w.grad.numpy(), v.grad.numpy(), "float64", "weight")
    with pytest.raises(ValueError):
        F.prelu(tl.tensor(X), tl.ones(5))


def test_softmax_takes_a_dtype_and_guesses_a_dim():
    x = tl.tensor(X.astype("float32"))
    assert F.softmax(x, 1, dtype=tl.float64).dtype == tl.float64
    for ndim in 1, 2, 3:
        x, t, theirs = both(X.reshape((-1,) + X.shape[4 - ndim:]) if ndim > 1 else X.ravel(), "float64")
        with pytest.warns(UserWarning, match="dim="):
            y = F.log_softmax(x)
        with pytest.warns(UserWarning):
            close(y.numpy(), theirs.log_softmax(t).numpy(), "float64", "value")


@pytest.mark.parametrize("kind", ["-inf row", "some -inf"])
def test_excluded_scores(kind):
    x = tl.tensor([[-INF, -INF if kind == "-inf row" else 0.0], [1.0, 2.0]], requires_grad=True)
    F.softmax(x, 1)[:, 0].sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


# ---- what is neither an activation nor a loss -------------------------------------------------------------------
A, B, W = random.standard_normal((5, 4)), random.standard_normal((5, 4)), random.standard_normal((3, 4))
ZERO = A * (np.arange(5) != 2)[:, None]
FUNCTIONS = {
    "linear": ("linear", [A, W, np.ones(3)], {}),
    "linear without bias": ("linear", [X[..., :4], W], {}),
    "bilinear": ("bilinear", [A, B[:, :2], random.standard_normal((3, 4, 2)), np.ones(3)], {}),
    "normalize": ("normalize", [A], {}),
    "normalize, all": ("normalize", [X], {"p": 3, "dim": -1, "eps": 1e-3}),
    "normalize, short": ("normalize", [A * 1e-3], {"eps": 1e-2}),
    "normalize, zero": ("normalize", [ZERO], {}),
    "normalize, p = 1": ("normalize", [A], {"p": 1, "dim": 0}),
    "cosine": ("cosine_similarity", [A, B], {}),
    "cosine, dim": ("cosine_similarity", [A, B], {"dim": 0}),
    "cosine, one to many": ("cosine_similarity", [A[:1], B], {"dim": -1}),
    "distance": ("pairwise_distance", [A, B], {}),
    "distance, all": ("pairwise_distance", [A, B], {"p": 3, "eps": 1e-2, "keepdim": True}),
    "distance, largest": ("pairwise_distance", [A, B], {"p": INF}),
    "distance, one": ("pairwise_distance", [A[0], B[0]], {"p": 1}),
    "embedding": ("embedding", [np.array([[0, 2], [2, 1]]), W], {}),
    "embedding, padding": ("embedding", [np.array([[0, 2], [2, 1]]), W], {"padding_idx": 2}),
    "one_hot": ("one_hot", [np.array([[0, 2], [2, 1]])], {}),
    "one_hot, more": ("one_hot", [np.array([0, 2])], {"num_classes": 5}),
    "pad": ("pad", [X, (1, 2, 0, 1)], {}),
    "pad, value": ("pad", [X, (1, 0)], {"value": 3.0}),
    "pad, reflect": ("pad", [X, (1, 2)], {"mode": "reflect"}),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_pytorchs(name, dtype):
    torch = pytest.importorskip("torch")
    function, arguments, params = FUNCTIONS[name]

    def call(module, make):
        xs = [x if isinstance(x, tuple) else make(x.astype(dtype) if x.dtype.kind == "f" else x) for x in arguments]
        for x in xs:
            if not isinstance(x, tuple) and x.dtype in (tl.float32, tl.float64, torch.float32, torch.float64):
                x.requires_grad_()
        y = getattr(module, function)(*xs, **params)
        if y.requires_grad:
            y.backward(make(np.random.default_rng(1).standard_normal(tuple(y.shape)).astype(dtype)))
        return y.detach().numpy(), [x.grad.numpy() for x in xs if getattr(x, "requires_grad", False)]

    (y, dys), (z, dzs) = call(F, tl.tensor), call(torch.nn.functional, torch.tensor)
    assert y.dtype == z.dtype and y.shape == z.shape
    close(y, z, dtype, "value")
    for i, (dy, dz) in enumerate(zip(dys, dzs)):
        close(dy, dz, dtype, f"gradient {i}")


def test_cosine_of_short_vectors():
    """Shorter than eps, they count as of length eps; and the gradient is that of this function (PyTorch's is of another)."""
    x, t, theirs = both(A * 1e-3, "float64", requires_grad=True)
    y, u, _ = both(B, "float64")
    expected = theirs.cosine_similarity(t, u, eps=1e-2).detach().numpy()
    close(F.cosine_similarity(x, y, eps=1e-2).detach().numpy(), expected, "float64", "value")
    assert gradcheck(lambda x: F.cosine_similarity(x, y, eps=1e-2), x, eps=1e-5, rtol=1e-6)


def test_normalize_and_cosine_to_second_order():
    x, y = tl.tensor(A, requires_grad=True), tl.tensor(B, requires_grad=True)
    assert gradgradcheck(F.normalize, x, eps=1e-4, rtol=1e-5, atol=1e-6)
    assert gradgradcheck(F.cosine_similarity, (x, y), eps=1e-4, rtol=1e-5, atol=1e-6)


# ---- drawn at random --------------------------------------------------------------------------------------------
def test_dropout():
    tl.manual_seed(0)
    x = tl.ones(100, 100, requires_grad=True)
    y = F.dropout(x, 0.3)
    y.sum().backward()
    kept = y.detach().numpy() != 0
    assert abs(kept.mean() - 0.7) < 0.02 and np.allclose(y.detach().numpy()[kept], 1 / 0.7)
    assert np.array_equal(x.grad.numpy(), y.detach().numpy()) and y.dtype == tl.float32
    assert F.dropout(x, 0.3, training=False) is x and not F.dropout(x, 1.0).any()
    tl.manual_seed(0)
    assert np.array_equal(F.dropout(x, 0.3).detach().numpy(), y.detach().numpy())
    z = tl.ones(10)
    assert F.dropout(z, 0.5, inplace=True) is z and set(z.tolist()) <= {0.0, 2.0}
    with pytest.raises(ValueError, match="between 0 and 1"):
        F.dropout(x, 1.5)


def test_gumbel_softmax_draws_classes_by_their_probability():
    tl.manual_seed(0)
    p = np.array([0.1, 0.2, 0.7])
    x = tl.tensor(np.log(np.tile(p, (4000, 1))), requires_grad=True)
    y = F.gumbel_softmax(x, tau=0.5, hard=True)
    assert set(np.unique(y.detach().numpy().round(12))) == {0, 1}
    np.testing.assert_allclose(y.detach().numpy().mean(0), p, atol=0.03)
    (y * tl.tensor(A[0, :3])).sum().backward()
    assert x.grad.any()
    soft = F.gumbel_softmax(x.detach().reshape(4000, 3, 1), dim=1)
    np.testing.assert_allclose(soft.sum(1).numpy(), 1)
    assert tuple(F.gumbel_softmax(tl.randn(2, 3, 4), hard=True, dim=1).sum(1).shape) == (2, 4)


# ---- spelling and misuse ----------------------------------------------------------------------------------------
OTHERWISE = {
    "one_hot": "PyTorch calls its first argument `tensor` in the documentation and `self` in errors; only its position matters",
    **dict.fromkeys(["variational_dropout", "true_convolution", "rotary_encoding"], "PyTorch has none"),
    "multi_head_attention_forward": "batch_first is added at the end: PyTorch's module turns its inputs around first",
}


def parameters(torch, name):
    """Those of PyTorch's function; what is not written in Python says them in the first sentence of its docstring."""
    theirs = getattr(torch.nn.functional, name)
    try:
        found = inspect.signature(theirs).parameters
    except ValueError:
        arguments = re.search(r"\((.*?)\) *->", theirs.__doc__, re.DOTALL)[1]
        found = inspect.signature(eval(f"(lambda {arguments}: 0)")).parameters
    if list(found) == ["args", "kwargs"]:                       # one of two functions is called, according to return_indices
        return inspect.signature(getattr(torch.nn.functional, f"_{name}")).parameters
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_arguments_are_called_as_in_pytorch(name):
    torch = pytest.importorskip("torch")
    if name in OTHERWISE or name.endswith("_"):
        return
    mine, expected = inspect.signature(getattr(F, name)).parameters, parameters(torch, name)
    assert list(mine) == list(expected)
    for key, parameter in expected.items():
        assert mine[key].default == parameter.default and mine[key].kind == parameter.kind, key


def test_what_stands_out_is_still_so():
    torch = pytest.importorskip("torch")
    assert set(OTHERWISE) <= set(PUBLIC)
    for name, reason in OTHERWISE.items():
        assert hasattr(torch.nn.functional, name) == (reason != "PyTorch has none")


def test_functions_that_pytorch_has_at_top_level_too():
    torch = pytest.importorskip("torch")
    assert FUNCTIONAL <= set(dir(torch)) & set(PUBLIC)
    for name in FUNCTIONAL:
        assert getattr(tl, name) is getattr(F, name)
    for name in "embedding", "batch_norm", "adaptive_max_pool1d", "ctc_loss":      # the same name, called otherwise
        assert hasattr(torch, name)
        with pytest.raises(AttributeError, match="nn.functional"):
            getattr(tl, name)


@pytest.mark.parametrize("fault, words", [
    (lambda: F.gelu(tl.ones(2), approximate="fast"), "fast"),
    (lambda: F.glu(tl.ones(3)), "odd"),
    (lambda: F.hardtanh(tl.ones(3), 1.0, -1.0), "above"),
    (lambda: F.softshrink(tl.ones(3), -1.0), "negative"),
    (lambda: F.celu(tl.ones(3), 0.0), "alpha"),
    (lambda: F.normalize(tl.ones(3, 3), out=tl.ones(3, 3)), "out="),
    (lambda: F.embedding(tl.tensor([3]), tl.ones(3, 2)), "3"),
    (lambda: F.embedding(tl.tensor([1]), tl.ones(3, 2), sparse=True), "sparse"),
    (lambda: F.linear(tl.ones(2, 5), tl.ones(3, 4)), r"\(2, 5\)"),
])
def test_misuse_is_explained(fault, words):
    with pytest.raises((RuntimeError, ValueError, IndexError, NotImplementedError), match=words):
        fault()
