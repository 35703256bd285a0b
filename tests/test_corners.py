"""The table of kinks and corners in the README, row by row."""
import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F

INF, NAN = float("inf"), float("nan")


def gradient(function, x, g=None):
    x = tl.tensor(np.asarray(x, dtype="float64"), requires_grad=True)
    y = function(x)
    y.backward(None if y.numel() == 1 else tl.ones_like(y) if g is None else tl.tensor(np.asarray(g, dtype="float64")))
    return x.grad.cpu().numpy()


ROWS = {
    "relu at 0": (tl.relu, [0.0], [0]),
    "abs at 0": (tl.abs, [0.0], [0]),
    "sign at 0": (tl.sign, [0.0], [0]),
    "amax, ties": (tl.amax, [3.0, 3, 1], [0.5, 0.5, 0]),
    "amin, ties": (tl.amin, [1.0, 3, 1], [0.5, 0, 0.5]),
    "max of all, ties": (tl.max, [3.0, 3, 1], [0.5, 0.5, 0]),
    "min of all, ties": (tl.min, [1.0, 1, 1, 1], [0.25] * 4),
    "max with indices, ties": (lambda x: tl.max(x, 0).values, [3.0, 3, 1], [1, 0, 0]),
    "min with indices, ties": (lambda x: tl.min(x, dim=0).values, [3.0, 1, 1], [0, 1, 0]),
    "clamp at its bounds": (lambda x: tl.clamp(x, -1, 1), [-1.0, 1, 2], [1, 1, 0]),
    "relu6 at its bounds": (F.relu6, [0.0, 6, 3], [0, 0, 1]),
    "hardtanh at its bounds": (F.hardtanh, [-1.0, 1, 0], [0, 0, 1]),
    "maximum, a tie": (lambda x: tl.maximum(x, tl.zeros(1, dtype=tl.float64)), [0.0], [0.5]),
    "minimum, a tie": (lambda x: tl.minimum(x, tl.zeros(1, dtype=tl.float64)), [0.0], [0.5]),
    "median, ties": (tl.median, [2.0, 2, 1, 3], [0.5, 0.5, 0, 0]),
    "norm at 0": (tl.norm, [0.0, 0], [0, 0]),
    "norm with p=1 at 0": (lambda x: tl.norm(x, p=1), [0.0, 2], [0, 1]),
    "norm with p=inf at 0": (lambda x: tl.norm(x, p=INF), [0.0, 0], [0, 0]),
    "std of a constant": (tl.std, [2.0, 2, 2], [0, 0, 0]),
    "var of a constant": (tl.var, [2.0, 2, 2], [0, 0, 0]),
    "sqrt at 0": (tl.sqrt, [0.0], [INF]),
    "x**0 at 0": (lambda x: x ** 0, [0.0, 2], [0, 0]),
    "x**y at x = y = 0": (lambda x: x ** tl.zeros(1, dtype=tl.float64), [0.0], [0]),
    "0**y by y": (lambda y: 0 ** y, [0.0, 2], [0, 0]),
    "prod with one zero": (tl.prod, [2.0, 0, 3, 4], [0, 24, 0, 0]),
    "prod with two zeros": (tl.prod, [2.0, 0, 0, 4], [0, 0, 0, 0]),
    "cumprod with a zero": (lambda x: tl.cumprod(x, 0), [2.0, 0, 3], [1, 8, 0]),
    "logsumexp of -inf": (lambda x: tl.logsumexp(x, 0), [-INF, -INF], [0, 0]),
    "softmax of -inf": (lambda x: tl.softmax(x, 0), [-INF, -INF], [0, 0]),
    "log_softmax of -inf": (lambda x: tl.log_softmax(x, 0), [-INF, -INF], [0, 0]),
    "repeated indices": (lambda x: x[[0, 0, 1]], [1.0, 2, 3], [2, 1, 0]),
    "repeated indices in gather": (lambda x: tl.gather(x, 0, tl.tensor([2, 2])), [1.0, 2, 3], [0, 0, 2]),
    "repeated indices in index_select": (lambda x: tl.index_select(x, 0, tl.tensor([1, 1])), [1.0, 2, 3], [0, 2, 0]),
}


@pytest.mark.parametrize("row", ROWS)
def test_gradient_at_the_kink(row):
    function, x, expected = ROWS[row]
    with np.errstate(all="ignore"):
        assert np.array_equal(gradient(function, x), np.array(expected, dtype=float)), row


def test_rows_of_minus_infinity_give_no_nan():
    x = tl.full((2, 3), -INF)
    assert not tl.softmax(x, 1).any() and tl.isneginf(tl.logsumexp(x, 1)).all() and tl.isneginf(tl.log_softmax(x, 1)).all()


def test_repeated_assignments_and_embeddings_accumulate():
    table = tl.zeros(3, 2, requires_grad=True)
    F.embedding(tl.tensor([1, 1, 0]), table).sum().backward()
    assert table.grad.tolist() == [[1, 1], [2, 2], [0, 0]]
    with pytest.raises(IndexError, match="3"):
        F.embedding(tl.tensor([1, 3]), table)


def test_cross_entropy_with_every_label_ignored_is_zero_and_warns():
    x = tl.randn(2, 3, requires_grad=True)
    with pytest.warns(UserWarning, match="ignore"):
        loss = F.cross_entropy(x, tl.tensor([-100, -100]))
    loss.backward()
    assert loss.item() == 0 and not x.grad.any()


@pytest.mark.parametrize("label", [5, -1])
def test_a_label_out_of_range_names_row_value_and_classes(label):
    with pytest.raises(IndexError) as error:
        F.cross_entropy(tl.randn(4, 3), tl.tensor([0, 1, label, 2]))
    text = str(error.value)
    assert str(label) in text and "2" in text and "3" in text


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss, F.binary_cross_entropy_with_logits])
def test_losses_never_broadcast(loss):
    with pytest.raises((ValueError, RuntimeError)) as error:
        loss(tl.ones(4, 1), tl.ones(4))
    assert "(4, 1)" in str(error.value) and "(4,)" in str(error.value)


def test_the_branch_not_taken():
    """where(ok, f(x), y) evaluates f everywhere, and 0 times its infinite derivative is NaN; safe_where does not."""
    def trap(x):
        return tl.where(x > 0, tl.sqrt(x), x * 0)
    with np.errstate(all="ignore"):
        assert np.isnan(gradient(trap, [-1.0, 4])[0])
    assert gradient(lambda x: tl.safe_where(x > 0, tl.sqrt, x, lambda x: x * 0), [-1.0, 4]).tolist() == [0, 0.25]


@pytest.mark.parametrize("fault", [
    lambda: tl.tensor([1, 2], requires_grad=True),
    lambda: bool(tl.ones(2)),
    lambda: tl.ones(2, requires_grad=True).backward(),
    lambda: tl.ones(2).sum().backward(),
    lambda: tl.ones(2, requires_grad=True).numpy(),
    lambda: tl.ones(2).item(),
    lambda: tl.ones(2, 3) @ tl.ones(2, 3),
    lambda: tl.ones(2) + tl.ones(3),
    lambda: tl.ones(2, 3).sum(dim=2),
    lambda: tl.ones(3)[3],
    lambda: tl.ones(2, 3).view(4, 2),
    lambda: tl.cat([tl.ones(2, 3), tl.ones(2, 4)]),
    lambda: tl.ones(2, device="cuda:7x"),
    lambda: tl.ones(2).to("tpu"),
])
def test_faults_raise_errors_with_a_sentence(fault):
    with pytest.raises((RuntimeError, TypeError, ValueError, IndexError)) as error:
        fault()
    assert len(str(error.value)) > 25
