"""The CTC loss: against all alignments listed one by one, and against PyTorch."""
import itertools
import math

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, ops
from tinygrad_like.testing import gradcheck, gradgradcheck

random = np.random.default_rng(0)


def scores(*shape):
    z = random.standard_normal(shape)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def spelled(path, blank):
    """What a path spells: repetitions merged, blanks removed."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def by_listing(x, labels, blank):
    """-log Σ of the probabilities of all paths through x, (frames, classes), that spell the labels."""
    paths = itertools.product(range(x.shape[1]), repeat=len(x))
    terms = [math.exp(sum([x[t, k] for t, k in enumerate(path)])) for path in paths if spelled(path, blank) == list(labels)]
    return -math.log(sum(terms)) if terms else math.inf


# ---- without an oracle ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("frames", [0, 1, 2, 3, 5])
def test_all_alignments_listed(frames, blank):
    others = [k for k in range(3) if k != blank]
    targets = [list(t) for length in range(4) for t in itertools.product(others, repeat=length)]
    x = scores(frames, len(targets), 3)
    lengths = [len(t) for t in targets]
    loss = F.ctc_loss(tl.tensor(x), tl.tensor(sum(targets, [])), [frames] * len(targets), lengths, blank, "none")
    expected = [by_listing(x[:, i], t, blank) for i, t in enumerate(targets)]
    assert sum(np.isfinite(expected)) == {0: 1, 1: 3, 2: 5, 3: 9, 5: 15}[frames]
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_the_gradient_is_where_the_labels_are():
    """-dL/dx is how probable each label is in each frame, given what is spelled: 1 in every frame that counts, 0 in the others."""
    x = tl.tensor(scores(6, 2, 4), requires_grad=True)
    F.ctc_loss(x, tl.tensor([[1, 2, 2], [3, 0, 0]]), (6, 4), (3, 1), reduction="sum").backward()
    np.testing.assert_allclose(-x.grad.sum(2).numpy(), [[1, 1]] * 4 + [[1, 0]] * 2, atol=1e-12)
    assert (x.grad <= 0).all() and (x.grad[:, 1, 1:3] == 0).all()


def test_second_derivatives():
    z = tl.tensor(random.standard_normal((5, 2, 3)), requires_grad=True)

    def loss(z):
        return F.ctc_loss(z.log_softmax(-1), tl.tensor([[1, 1], [2, 1]]), (5, 4), (2, 1))

    assert gradcheck(loss, z) and gradgradcheck(loss, z)


def test_what_cannot_be_spelled():
    """Two equal labels need a blank in between, so three frames: the loss is inf, or 0 if that is asked for, with gradient 0."""
    targets, frames = tl.tensor([[1, 1], [1, 2]]), (2, 2)
    for zero_infinity, expected in ((False, math.inf), (True, 0.0)):
        x = tl.tensor(scores(2, 2, 3), requires_grad=True)
        loss = F.ctc_loss(x, targets, frames, (2, 2), reduction="none", zero_infinity=zero_infinity)
        assert loss[0].item() == expected and 0 < loss[1].item() < math.inf
        loss.sum().backward()
        assert (x.grad[:, 0] == 0).all() and (x.grad[:, 1] != 0).any() and x.grad.isfinite().all()


@pytest.mark.parametrize("garbage", [math.nan, math.inf, -math.inf])
def test_frames_behind_the_end_do_not_matter(garbage):
    x = scores(5, 2, 3)
    padded = x.copy()
    padded[3:, 1] = garbage
    found = []
    for frames in (x, padded):
        z = tl.tensor(frames, requires_grad=True)
        loss = F.ctc_loss(z, tl.tensor([[1, 2], [2, 2]]), (5, 3), (2, 1), reduction="sum")
        loss.backward()
        found.append((loss.item(), z.grad.tolist()))
    assert found[0] == found[1] and (tl.tensor(found[0][1])[3:, 1] == 0).all()


def test_labels_that_are_impossible_in_a_frame():
    """Log-probabilities of -inf exclude paths, and give no NaN."""
    x = scores(4, 1, 3)
    x[1, 0, 1] = x[2, 0, :2] = -math.inf
    z = tl.tensor(x, requires_grad=True)
    loss = F.ctc_loss(z, tl.tensor([[1, 2]]), [4], [2], reduction="sum")
    loss.backward()
    assert loss.item() == pytest.approx(by_listing(x[:, 0], [1, 2], 0)) and z.grad.isfinite().all()


def test_a_network_learns_to_spell():
    z = tl.zeros(12, 1, 4, requires_grad=True)
    for _ in range(60):
        loss = F.ctc_loss(z.log_softmax(-1), tl.tensor([[1, 3, 3, 2]]), [12], [4])
        g, = tl.autograd.grad(loss, z)
        z = (z - 4 * g).detach().requires_grad_()
    assert loss.item() < 0.05 and spelled(z[:, 0].argmax(-1).tolist(), 0) == [1, 3, 3, 2]


def test_float32_of_long_sequences():
    """Thousands of nats, of which float32 keeps the difference that counts."""
    x = scores(1000, 1, 30)
    labels = random.integers(1, 30, (1, 100))
    found = []
    for dtype in ("float32", "float64"):
        z = tl.tensor(x.astype(dtype), requires_grad=True)
        loss = F.ctc_loss(z, tl.tensor(labels), [1000], [100], reduction="sum")
        loss.backward()
        assert loss.dtype == z.grad.dtype == getattr(tl, dtype)
        found.append((loss.item(), z.grad.numpy()))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], atol=2e-3)


x = tl.zeros(5, 2, 4)
two = tl.tensor([[1, 2], [3, 1]])
FAULTS = {
    "too many frames": (lambda: F.ctc_loss(x, two, (6, 5), (2, 2)), RuntimeError, "input_lengths says 6.*sample 0.*has 5 frames"),
    "batch first": (lambda: F.ctc_loss(tl.zeros(2, 5, 4), two, [5] * 5, [2] * 5), ValueError, r"transpose\(0, 1\)"),
    "frames of a sample": (lambda: F.ctc_loss(x, two, (5,), (2, 2)), RuntimeError, "input_lengths.*2 samples.*got 1"),
    "negative": (lambda: F.ctc_loss(x, two, (5, 5), (2, -1)), RuntimeError, "target_lengths is not negative"),
    "too many labels": (lambda: F.ctc_loss(x, two, (5, 5), (3, 2)), RuntimeError, r"\(2, 2\).*the longest of 3"),
    "one line": (lambda: F.ctc_loss(x, two.reshape(-1), (5, 5), (2, 1)), RuntimeError, r"\(4,\).*adds up to 3"),
    "labels": (lambda: F.ctc_loss(x, tl.tensor([[1, 2], [4, 1]]), (5, 5), (2, 2)), IndexError, r"label 4 \(at \(1, 0\)"),
    "negative labels": (lambda: F.ctc_loss(x, two - 2, (5, 5), (2, 2)), IndexError, "label -1"),
    "blanks": (lambda: F.ctc_loss(x, two, (5, 5), (2, 2), blank=3), ValueError, "holds the label 3, which is the blank"),
    "blank": (lambda: F.ctc_loss(x, two, (5, 5), (2, 2), blank=4), RuntimeError, "blank=4 is none of the 4"),
    "integers": (lambda: F.ctc_loss(x, two.float(), (5, 5), (2, 2)), errors.WrongType, "integers.*long"),
    "lengths": (lambda: F.ctc_loss(x, two, tl.tensor([5.0, 5]), (2, 2)), errors.WrongType, "input_lengths holds integers"),
    "shape": (lambda: F.ctc_loss(tl.zeros(2, 3, 4, 5), two, (5, 5), (2, 2)), errors.ShapeError, r"\(T, N, C\)"),
    "reduction": (lambda: F.ctc_loss(x, two, (5, 5), (2, 2), reduction="all"), ValueError, "reduction"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    make, kind, text = FAULTS[fault]
    with pytest.raises(kind, match=text):
        make()


def test_labels_behind_the_end_do_not_matter():
    short = F.ctc_loss(x, tl.tensor([[1, 2], [3, -1]]), (5, 5), (2, 1))
    assert short.item() == F.ctc_loss(x, tl.tensor([[1, 2, 99], [3, 77, 0]]), (5, 5), (2, 1)).item()


def test_plain_is_the_same_function():
    x = scores(6, 3, 4)
    params = {"labels": np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0]]), "times": np.array([6, 2, 0]), "lengths": np.array([3, 2, 0])}
    np.testing.assert_allclose(ops.ctc_loss.plain(x, **params), ops.ctc_loss(x, **params), rtol=1e-12)


# ---- against PyTorch --------------------------------------------------------------------------------------------
CALLS = {
    "padded": ([[1, 2, 2], [3, 1, 1], [2, 1, 3]], (7, 6, 4), (3, 2, 1), {}),
    "one line": ([1, 2, 2, 3, 1, 2], (7, 6, 4), (3, 2, 1), {}),
    "tensors": ([1, 2, 2, 3, 1, 2], np.array([7, 6, 4]), np.array([3, 2, 1], "int32"), {}),
    "blank": ([[1, 2, 2], [3, 1, 1], [2, 1, 3]], (7, 6, 4), (3, 2, 1), {"blank": 4}),
    "empty": (np.zeros((3, 0), "int64"), (7, 6, 4), (0, 0, 0), {}),
    "some empty": ([[1, 2, 2], [3, 1, 1], [2, 1, 3]], (7, 6, 0), (0, 2, 0), {}),
    "infinite": ([[1, 1, 2], [3, 1, 1], [2, 1, 3]], (2, 6, 4), (3, 2, 1), {"zero_infinity": True}),
}


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("case", CALLS)
def test_as_in_pytorch(case, reduction):
    torch = pytest.importorskip("torch")
    targets, times, lengths, options = CALLS[case]
    z = random.standard_normal((7, 3, 5))
    found = []
    for lib in (tl, torch):
        x = lib.tensor(z, requires_grad=True)
        given = [lib.tensor(n) if isinstance(n, np.ndarray) else n for n in (times, lengths)]
        loss = lib.nn.functional.ctc_loss(x.log_softmax(-1), lib.tensor(targets), *given, reduction=reduction, **options)
        (loss * lib.arange(1.0, 1 + loss.numel(), dtype=lib.float64).reshape(tuple(loss.shape))).sum().backward()
        found += [loss.detach().numpy(), x.grad.numpy()]
    assert found[0].shape == found[2].shape
    np.testing.assert_allclose(found[0], found[2], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found[1], found[3], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_one_sample(reduction):
    torch = pytest.importorskip("torch")
    x = scores(6, 4)
    for lengths in (((6,), (3,)), (np.array(6), np.array(3)), (np.array([5]), np.array([2]))):
        found = []
        for lib in (tl, torch):
            given = [lib.tensor(n) if isinstance(n, np.ndarray) else n for n in lengths]
            targets = lib.tensor([1, 2, 2][:int(lengths[1][0] if np.ndim(lengths[1]) else lengths[1])])
            found.append(lib.nn.functional.ctc_loss(lib.tensor(x), targets, *given, reduction=reduction))
        assert tuple(found[0].shape) == tuple(found[1].shape)
        assert found[0].item() == pytest.approx(found[1].item(), rel=1e-12)
