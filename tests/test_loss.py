"""The losses: PyTorch's numbers and gradients, the corners that PyTorch leaves open, and what is said when a loss is misused."""
import math
import re
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import ops
from tinygrad_like.testing import gradcheck, gradgradcheck

INF = float("inf")
random = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return random.standard_normal(shape) * scale


def classes(count, *shape):
    return random.integers(0, count, shape)


def probabilities(*shape):
    x = np.exp(normal(*shape))
    return x / x.sum(min(1, len(shape) - 1), keepdims=True)


def unit(*shape):
    return random.uniform(0.02, 0.98, shape)


def signs(*shape):
    return random.choice([-1, 1], shape)


def with_ignored(labels, index=-100):
    labels = labels.copy()
    labels.flat[::2] = index
    return labels


LOG = np.log(probabilities(6, 5))
A, B, C = normal(6, 5), normal(6, 5), normal(6, 5)

# (function, tensors, other arguments); tensors of floats are differentiated by.
CASES = {
    "mse": ("mse_loss", [A, B], {}),
    "mse, weights": ("mse_loss", [A, B], {"weight": unit(6, 5)}),
    "l1": ("l1_loss", [A, B], {}),
    "l1, ties": ("l1_loss", [A, np.where(A > 0, A, B)], {}),
    "l1, weights": ("l1_loss", [A, B], {"weight": unit(6, 5)}),
    "huber": ("huber_loss", [A, B], {}),
    "huber, delta": ("huber_loss", [A, B], {"delta": 0.4}),
    "huber, weights": ("huber_loss", [A, B], {"delta": 0.4, "weight": unit(6, 5)}),
    "smooth_l1": ("smooth_l1_loss", [A, B], {}),
    "smooth_l1, beta": ("smooth_l1_loss", [A, B], {"beta": 0.3}),
    "smooth_l1, beta 0": ("smooth_l1_loss", [A, B], {"beta": 0}),
    "nll": ("nll_loss", [LOG, classes(5, 6)], {}),
    "nll, weights and ignored": ("nll_loss", [LOG, with_ignored(classes(5, 6))], {"weight": unit(5)}),
    "nll, one": ("nll_loss", [LOG[0], np.array(3)], {}),
    "nll, images": ("nll_loss", [normal(2, 3, 4, 5), classes(3, 2, 4, 5)], {"weight": unit(3), "ignore_index": 1}),
    "ce": ("cross_entropy", [A, classes(5, 6)], {}),
    "ce, int32": ("cross_entropy", [A, classes(5, 6).astype("int32")], {}),
    "ce, one": ("cross_entropy", [A[0], np.array(3)], {}),
    "ce, one, smoothed": ("cross_entropy", [A[0], np.array(3)], {"weight": unit(5), "label_smoothing": 0.1}),
    "ce, sequences": ("cross_entropy", [normal(2, 3, 4), classes(3, 2, 4)], {}),
    "ce, images": ("cross_entropy", [normal(2, 3, 4, 5), classes(3, 2, 4, 5)], {"weight": unit(3), "label_smoothing": 0.3}),
    "ce, weights": ("cross_entropy", [A, classes(5, 6)], {"weight": unit(5)}),
    "ce, ignored": ("cross_entropy", [A, with_ignored(classes(5, 6))], {}),
    "ce, ignored -1": ("cross_entropy", [A, with_ignored(classes(5, 6), -1)], {"ignore_index": -1}),
    "ce, ignored class": ("cross_entropy", [A, classes(5, 6)], {"ignore_index": 2}),
    "ce, ignored 255": ("cross_entropy", [A, with_ignored(classes(5, 6), 255)], {"ignore_index": 255, "label_smoothing": 0.2}),
    "ce, smoothed": ("cross_entropy", [A, classes(5, 6)], {"label_smoothing": 0.1}),
    "ce, all": ("cross_entropy", [A, with_ignored(classes(5, 6))], {"weight": unit(5), "label_smoothing": 0.1}),
    "ce, smoothed to the end": ("cross_entropy", [A, classes(5, 6)], {"label_smoothing": 1.0}),
    "ce, 1e4": ("cross_entropy", [A * 1e4, classes(5, 6)], {}),
    "ce, probabilities": ("cross_entropy", [A, probabilities(6, 5)], {}),
    "ce, probabilities, all": ("cross_entropy", [A, probabilities(6, 5)], {"weight": unit(5), "label_smoothing": 0.1}),
    "ce, probabilities, one": ("cross_entropy", [A[0], probabilities(5)], {}),
    "ce, probabilities, images": ("cross_entropy", [normal(2, 3, 4, 5), probabilities(2, 3, 4, 5)], {"label_smoothing": 0.1}),
    "bce": ("binary_cross_entropy", [unit(6, 5), unit(6, 5)], {}),
    "bce, weights": ("binary_cross_entropy", [unit(6, 5), unit(6, 5)], {"weight": unit(5)}),
    "bce with logits": ("binary_cross_entropy_with_logits", [A, unit(6, 5)], {}),
    "bce with logits, 1e4": ("binary_cross_entropy_with_logits", [A * 1e4, unit(6, 5)], {}),
    "bce with logits, all": ("binary_cross_entropy_with_logits", [A, unit(6, 5)],
                             {"weight": unit(6, 1), "pos_weight": unit(5) + 1}),
    "kl": ("kl_div", [LOG, probabilities(6, 5)], {}),
    "kl, log": ("kl_div", [LOG, np.log(probabilities(6, 5))], {"log_target": True}),
    "poisson": ("poisson_nll_loss", [A, unit(6, 5) * 4], {}),
    "poisson, rates": ("poisson_nll_loss", [unit(6, 5), unit(6, 5) * 4], {"log_input": False, "full": True}),
    "gaussian": ("gaussian_nll_loss", [A, B, unit(6, 5)], {}),
    "gaussian, one var a row": ("gaussian_nll_loss", [A, B, unit(6)], {"full": True}),
    "gaussian, one var a column": ("gaussian_nll_loss", [A, B, unit(1, 5)], {}),
    "gaussian, small var": ("gaussian_nll_loss", [A, B, unit(6, 5)], {"eps": 0.5}),
    "hinge": ("hinge_embedding_loss", [A, signs(6, 5)], {"margin": 0.7}),
    "ranking": ("margin_ranking_loss", [A, B, signs(6, 5)], {"margin": 0.3}),
    "ranking, ties": ("margin_ranking_loss", [A, A.copy(), signs(6, 5)], {}),
    "soft margin": ("soft_margin_loss", [A, signs(6, 5).astype(float)], {}),
    "multi margin": ("multi_margin_loss", [A, classes(5, 6)], {}),
    "multi margin, all": ("multi_margin_loss", [A, classes(5, 6)], {"p": 2, "margin": 0.6, "weight": unit(5)}),
    "multi margin, one": ("multi_margin_loss", [A[0], np.array(2)], {}),
    "multilabel margin": ("multilabel_margin_loss", [normal(3, 4), np.array([[3, 0, -1, 1], [-1, 2, 1, 0], [0, 1, 2, 3]])], {}),
    "multilabel margin, one": ("multilabel_margin_loss", [normal(4), np.array([1, 1, -1, 0])], {}),
    "multilabel soft margin": ("multilabel_soft_margin_loss", [A, random.integers(0, 2, (6, 5))], {}),
    "multilabel soft margin, weights": ("multilabel_soft_margin_loss", [A, random.integers(0, 2, (6, 5))], {"weight": unit(5)}),
    "cosine embedding": ("cosine_embedding_loss", [A, B, signs(6)], {"margin": 0.1}),
    "cosine embedding, one": ("cosine_embedding_loss", [A[0], B[0], np.array(-1)], {}),
    "triplet": ("triplet_margin_loss", [A, B, C], {}),
    "triplet, all": ("triplet_margin_loss", [A, B, C], {"margin": 2.0, "p": 3, "swap": True, "eps": 1e-3}),
    "triplet with distance": ("triplet_margin_with_distance_loss", [A, B, C], {"swap": True}),
    "scalars": ("mse_loss", [np.array(1.0), np.array(3.0)], {}),
    "empty": ("mse_loss", [normal(0, 3), normal(0, 3)], {}),
    "empty l1": ("l1_loss", [normal(0), normal(0)], {}),
}
CONSTANT_TARGETS = {"soft margin"}                             # PyTorch has no derivative by these


def tensors(make, arrays, dtype, name=""):
    out = []
    for i, x in enumerate(arrays):
        wanted = x.dtype.kind == "f" and not (i and name in CONSTANT_TARGETS)
        x = make(x.astype(dtype) if x.dtype.kind == "f" else x)
        out.append(x.requires_grad_() if wanted else x)
    return out


def arguments(make, params, dtype):
    return {key: make(value.astype(dtype)) if isinstance(value, np.ndarray) else value for key, value in params.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_as_pytorch(name, reduction, dtype):
    torch = pytest.importorskip("torch")
    function, arrays, params = CASES[name]
    ours, theirs = tensors(tl.tensor, arrays, dtype, name), tensors(torch.tensor, arrays, dtype, name)
    y = getattr(F, function)(*ours, **arguments(tl.tensor, params, dtype), reduction=reduction)
    z = getattr(torch.nn.functional, function)(*[x.long() if x.dtype == torch.int32 else x for x in theirs],
                                               **arguments(torch.tensor, params, dtype), reduction=reduction)
    tolerance = {"float64": 1e-10, "float32": 3e-5}[dtype]

    def close(a, b, what):
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale, err_msg=what)

    assert tuple(y.shape) == tuple(z.shape) and str(y.array.dtype) == dtype
    close(y.detach().numpy(), z.detach().numpy(), "the loss")
    g = np.random.default_rng(1).standard_normal(tuple(z.shape)).astype(dtype)
    y.backward(tl.tensor(g))
    z.backward(torch.tensor(g))
    for i, (x, t) in enumerate(zip(ours, theirs)):
        if t.requires_grad:
            assert str(x.grad.array.dtype) == dtype
            close(x.grad.numpy(), t.grad.numpy(), f"the gradient of argument {i}")


@pytest.mark.parametrize("name", ["ce", "ce, all", "ce, images", "ce, one, smoothed", "ce, probabilities", "nll, images", "bce",
                                  "bce with logits, all", "huber, delta", "kl", "gaussian", "cosine embedding", "triplet, all"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients_to_second_order(name, reduction):
    function, arrays, params = CASES[name]
    inputs = [x.copy() for x in arrays]
    params = arguments(tl.tensor, params, "float64")

    def loss(*xs):
        return getattr(F, function)(*xs, **params, reduction=reduction)

    xs = tuple(tensors(tl.tensor, inputs, "float64"))
    assert gradcheck(loss, xs, eps=1e-4, rtol=1e-6, atol=1e-7)
    g = tl.tensor(-1.3, dtype=tl.float64) if reduction == "mean" else None
    assert gradgradcheck(loss, xs, g, eps=1e-4, rtol=1e-5, atol=1e-6)


# ---- cross-entropy is what it says ------------------------------------------------------------------------------
def test_cross_entropy_is_the_sum_of_log_probabilities():
    """SPEC F-14: loss = -Σᵢ log p(yᵢ), with the gradient softmax(x) - onehot(y); and nll_loss(log_softmax(x))."""
    x, labels = tl.tensor(A, requires_grad=True), tl.tensor(classes(5, 6))
    loss = F.cross_entropy(x, labels, reduction="sum")
    loss.backward()
    p = np.exp(A) / np.exp(A).sum(1, keepdims=True)
    assert np.isclose(loss.item(), -np.log(p[np.arange(6), labels.numpy()]).sum(), rtol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), p - np.eye(5)[labels.numpy()], atol=1e-15)


@pytest.mark.parametrize("params", [{}, {"weight": unit(5)}, {"ignore_index": 2}, {"weight": unit(5), "ignore_index": 0}])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_is_nll_of_log_softmax(params, reduction):
    params, labels, results = arguments(tl.tensor, params, "float64"), tl.tensor(classes(5, 6)), []
    scores = A.copy()
    scores[0, 1:3], scores[4] = -INF, -INF                      # excluded classes, and a row of nothing else
    for loss in F.cross_entropy, lambda x, y, **params: F.nll_loss(F.log_softmax(x, 1), y, **params):
        x = tl.tensor(scores, requires_grad=True)
        y = loss(x, labels, **params, reduction=reduction)
        y.backward(tl.ones_like(y))
        results.append((y.detach().numpy(), x.grad.numpy()))
    (a, da), (b, db) = results
    np.testing.assert_allclose(a, b, rtol=1e-14)
    np.testing.assert_allclose(da, db, atol=1e-15)
    assert np.isfinite(da).all() and not da[4].any()


def test_probabilities_that_are_one_hot_are_class_numbers():
    labels = classes(5, 6)
    onehot = np.eye(5)[labels]
    for params in {}, {"label_smoothing": 0.2}:
        assert np.isclose(F.cross_entropy(tl.tensor(A), tl.tensor(onehot), **params).item(),
                          F.cross_entropy(tl.tensor(A), tl.tensor(labels), **params).item(), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_that_are_far_apart_or_excluded(dtype):
    torch = pytest.importorskip("torch")
    scores = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4 - 1], [-INF, 2, 3], [1e4, 1e4, -INF]], dtype)
    labels = np.array([1, 2, 1, 0])
    x, t = tl.tensor(scores, requires_grad=True), torch.tensor(scores, requires_grad=True)
    y = F.cross_entropy(x, tl.tensor(labels), reduction="none")
    z = torch.nn.functional.cross_entropy(t, torch.tensor(labels), reduction="none")
    y.sum().backward()
    z.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), atol=1e-6)
    assert F.cross_entropy(tl.tensor(scores), tl.tensor([0, 0, 0, 2]), reduction="none").tolist()[2:] == [INF, INF]


@pytest.mark.parametrize("kind", ["ignored", "empty", "images", "weights 0"])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_nothing_to_learn_from(loss, kind):
    """PyTorch gives NaN here, and NaN gradients with it."""
    shape = {"empty": (0, 3), "images": (2, 3, 4)}.get(kind, (2, 3))
    x = tl.randn(*shape, requires_grad=True)
    target = tl.full(shape[:1] + shape[2:], -100 if kind != "weights 0" else 1)
    weight = tl.tensor([1.0, 0, 1]) if kind == "weights 0" else None
    with warnings.catch_warnings() if kind == "weights 0" else pytest.warns(UserWarning, match="ignored|no example"):
        value = loss(x, target, weight=weight)
    value.backward()
    assert value.item() == 0 and not x.grad.any()


def test_an_ignored_row_may_hold_anything():
    x = tl.tensor([[-INF, 1.0], [0.0, 1.0]], requires_grad=True)
    loss = F.cross_entropy(x, tl.tensor([-100, 1]))
    loss.backward()
    assert np.isfinite(loss.item()) and not x.grad[0].any() and np.isfinite(x.grad.numpy()).all()


# ---- other corners ----------------------------------------------------------------------------------------------
def test_half_of_the_sum_of_squares():
    """SPEC F-08: J = ½ Σ (y - ŷ)², with the gradient ŷ - y; F-10: the mean, with 2 (ŷ - y) / n."""
    x, y = tl.tensor(A, requires_grad=True), tl.tensor(B)
    J = F.mse_loss(x, y, reduction="half_sum")
    J.backward()
    assert np.isclose(J.item(), 0.5 * ((A - B) ** 2).sum()) and np.allclose(x.grad.numpy(), A - B, atol=1e-15)
    x.grad = None
    F.mse_loss(x, y).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * (A - B) / A.size, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_of_0_and_1(dtype):
    torch = pytest.importorskip("torch")
    x, y = np.array([0, 0, 1, 1, 0.5], dtype), np.array([0, 1, 0, 1, 1], dtype)
    ours, theirs = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.binary_cross_entropy(ours, tl.tensor(y), reduction="none")
    expected = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(y), reduction="none")
    loss.sum().backward()
    expected.sum().backward()
    assert loss.tolist()[:4] == [0, 100, 100, 0]
    np.testing.assert_allclose(loss.detach().numpy(), expected.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-6)


def test_infinite_logits():
    x = tl.tensor([INF, -INF, INF, -INF, 0.0], dtype=tl.float64, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.binary_cross_entropy_with_logits(x, tl.tensor([1.0, 0, 0, 1, 1]), reduction="none")
        loss.backward(tl.ones(5, dtype=tl.float64))
    assert loss.tolist()[:2] == [0, 0] and (loss[2:4] > 1e300).all() and loss[4].item() == pytest.approx(math.log(2))
    assert x.grad.tolist() == pytest.approx([0, 0, 1, -1, -0.5], abs=1e-300)


def test_targets_of_probability_0():
    """0 log 0 is 0; and what is excluded on both sides costs nothing."""
    x = tl.tensor([-INF, -1.0, -0.5], requires_grad=True)
    loss = F.kl_div(x, tl.tensor([0.0, 0.25, 0.75]), reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(0.25 * (math.log(0.25) + 1) + 0.75 * (math.log(0.75) + 0.5))
    assert x.grad.tolist() == [0, -0.25, -0.75]


def test_batchmean_divides_by_the_first_dim():
    x, y = tl.tensor(LOG), tl.tensor(probabilities(6, 5))
    assert F.kl_div(x, y, reduction="batchmean").item() == pytest.approx(F.kl_div(x, y, reduction="sum").item() / 6)


def test_soft_margin_of_large_numbers():
    x = tl.tensor([1e4, -1e4], requires_grad=True)
    loss = F.soft_margin_loss(x, tl.tensor([-1.0, -1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [1e4, 0] and x.grad.tolist() == pytest.approx([1, 0], abs=1e-30)


# ---- misuse -----------------------------------------------------------------------------------------------------
x53, y5 = tl.randn(5, 3), tl.tensor([0, 1, 2, 1, 0])
ones51, ones5 = tl.ones(5, 1), tl.ones(5)

MISUSE = {
    "a column against a line": (lambda: F.mse_loss(ones51, ones5), ValueError, [r"\(5, 1\)", r"\(5,\)", r"unsqueeze\(-1\)"]),
    "a line against a column": (lambda: F.smooth_l1_loss(ones5, ones51), ValueError, [r"\(5, 1\)", r"\(5,\)", r"squeeze\(-1\)"]),
    "one against many": (lambda: F.l1_loss(ones5, tl.ones(1)), RuntimeError, [r"\(1,\)", r"\(5,\)"]),
    "another order": (lambda: F.kl_div(tl.ones(2, 3), tl.ones(3, 2)), ValueError, ["reshape"]),
    "margins": (lambda: F.margin_ranking_loss(ones5, ones51, ones5), ValueError, ["input2"]),
    "a number for a target": (lambda: F.mse_loss(ones5, 1.0), TypeError, ["target", "float"]),
    "a label too large": (lambda: F.cross_entropy(x53, tl.tensor([0, 1, 3, 1, 0])), IndexError, ["class 3", "at 2", "there are 3"]),
    "a label below 0": (lambda: F.nll_loss(x53, tl.tensor([0, 1, 2, -1, 0])), IndexError, ["class -1", "at 3", "there are 3"]),
    "a label beside the ignored": (lambda: F.cross_entropy(x53, tl.tensor([-100, 1, 2, -1, 0])), IndexError, ["class -1", "at 3"]),
    "a label in an image": (lambda: F.cross_entropy(tl.ones(1, 2, 2, 2), tl.tensor([[[0, 1], [5, 0]]])), IndexError,
                            [r"\(0, 1, 0\)"]),
    "margin label": (lambda: F.multi_margin_loss(x53, tl.tensor([0, 1, 3, 1, 0])), IndexError, ["class 3"]),
    "a list of labels": (lambda: F.multilabel_margin_loss(tl.ones(3), tl.tensor([0, 3, -1])), IndexError, ["class 3"]),
    "floats as labels": (lambda: F.cross_entropy(x53, y5.float()), TypeError, ["integers", r"long\(\)", r"\(5, 3\)"]),
    "one-hot integers": (lambda: F.cross_entropy(x53, F.one_hot(y5, 3)), ValueError, [r"argmax\(1\)", r"float\(\)"]),
    "one-hot for nll": (lambda: F.nll_loss(x53, F.one_hot(y5, 3).float()), ValueError, [r"argmax\(1\)"]),
    "labels in a column": (lambda: F.cross_entropy(x53, y5.unsqueeze(1)), ValueError, [r"\(5, 1\)", r"\(5,\)", "reshape"]),
    "classes last": (lambda: F.cross_entropy(tl.randn(2, 5, 3), tl.zeros(2, 5, dtype=tl.int64)), ValueError,
                     [r"\(2, 3\)", r"\(2, 5\)"]),
    "scores that are integers": (lambda: F.cross_entropy(x53.long(), y5), TypeError, ["floating-point"]),
    "weights": (lambda: F.cross_entropy(x53, y5, tl.ones(5)), ValueError, [r"\(3,\)", r"\(5,\)"]),
    "weights to learn": (lambda: F.cross_entropy(x53, y5, tl.ones(3, requires_grad=True)), RuntimeError, ["detach"]),
    "ignored probabilities": (lambda: F.cross_entropy(x53, x53, ignore_index=1), RuntimeError, ["ignore_index"]),
    "too smooth": (lambda: F.cross_entropy(x53, y5, label_smoothing=1.5), ValueError, ["1.5"]),
    "reduction": (lambda: F.mse_loss(ones5, ones5, reduction="avg"), ValueError, ["avg", "mean"]),
    "half_sum elsewhere": (lambda: F.l1_loss(ones5, ones5, reduction="half_sum"), ValueError, ["half_sum"]),
    "size_average": (lambda: F.mse_loss(ones5, ones5, size_average=True), TypeError, ["reduction"]),
    "reduce": (lambda: F.cross_entropy(x53, y5, reduce=False), TypeError, ["reduction"]),
    "not probabilities": (lambda: F.binary_cross_entropy(ones5 * 2, ones5), RuntimeError, ["sigmoid"]),
    "var": (lambda: F.gaussian_nll_loss(x53, x53, tl.ones(4)), ValueError, [r"\(5, 3\)", r"\(4,\)"]),
    "negative var": (lambda: F.gaussian_nll_loss(x53, x53, -tl.ones(5, 3)), ValueError, ["negative"]),
    "a complex delta": (lambda: tl.nn.HuberLoss(delta=1j), TypeError, ["1j"]),
    "delta": (lambda: F.huber_loss(ones5, ones5, delta=0), ValueError, ["delta"]),
    "margin": (lambda: F.triplet_margin_loss(x53, x53, x53, margin=0), ValueError, ["margin"]),
    "p": (lambda: F.multi_margin_loss(x53, y5, p=3), ValueError, ["p is 1 or 2"]),
}


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_is_explained(name):
    use, kind, words = MISUSE[name]
    with pytest.raises(kind) as error:
        use()
    for word in words:
        assert re.search(word, str(error.value)), f"{word} is not in: {error.value}"


# ---- on a device ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_on_a_device_without_waiting(name):
    from . import strict_double
    function, arrays, params = CASES[name]
    results = []
    for device in "cpu", "strict":
        def make(x, device=device):
            return tl.tensor(x, device=device)
        xs, params_there = tensors(make, arrays, "float32"), arguments(make, params, "float32")
        with strict_double.counting() as counts:
            loss = getattr(F, function)(*xs, **params_there)
            loss.backward()
        assert device == "cpu" or not (counts["waits"] or counts["downloads"] or counts["uploads"]), dict(counts)
        results.append([loss.detach().cpu().numpy(), *[x.grad.cpu().numpy() for x in xs if x.requires_grad]])
    for a, b in zip(*results):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_labels_out_of_range_on_a_device():
    x = tl.zeros(3, 4, device="strict")
    for labels in [0, 4, 1], [0, -2, 1], [-100, 5, 1], [-100, -101, 1]:
        with pytest.raises(IndexError, match="there are 4"):
            F.cross_entropy(x, tl.tensor(labels, device="strict"))
    assert F.cross_entropy(x, tl.tensor([0, -100, 3], device="strict")).item() == pytest.approx(math.log(4))


def test_the_ops_take_plain_arrays():
    d = ops.huber(np.array([0.5, -3.0]), delta=1.0)
    assert type(d) is np.ndarray and d.tolist() == [0.125, 2.5]
