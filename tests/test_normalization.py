"""Normalisation: against PyTorch, at its corners, in its layouts in memory, and in what it says when something is wrong."""
import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import nn, ops
from tinygrad_like.op import wrap
from tinygrad_like.ops.normalize import moments, rms_norm, standardize

SETUP = """
tensor, float64, autograd, nn, F = torch.tensor, torch.float64, torch.autograd, torch.nn, torch.nn.functional
random = np.random.default_rng(0)
def leaf(*shape, low=-2.0, high=2.0):
    return tensor(random.uniform(low, high, shape), dtype=float64, requires_grad=True)
x2, x3, x4 = leaf(5, 4), leaf(3, 4, 5), leaf(2, 4, 3, 2)
w, b, w34, w5 = leaf(4), leaf(4), leaf(3, 2), leaf(5)
mean, var = leaf(4).detach(), leaf(4, low=0.5).detach()
def once(y, *leaves):
    "the value and first derivatives: PyTorch fails at the second where there is a bias but no weight"
    v = tensor(np.random.default_rng(1).standard_normal(tuple(y.shape)), dtype=float64)
    return [y, *autograd.grad((y * v).sum(), leaves)]
def both(y, *leaves):
    "the value, and first and second derivatives along random directions"
    v = tensor(np.random.default_rng(1).standard_normal(tuple(y.shape)), dtype=float64)
    first = autograd.grad((y * v).sum(), leaves, create_graph=True)
    u = [tensor(np.random.default_rng(2 + i).standard_normal(tuple(g.shape)), dtype=float64) for i, g in enumerate(first)]
    second = autograd.grad(sum((g * d).sum() for g, d in zip(first, u)), leaves, materialize_grads=True)
    return [y, *[g.detach() for g in first], *second]
"""


# ---- values, first and second gradients -------------------------------------------------------------------------
@pytest.mark.parametrize("line", [
    "both(F.batch_norm(x2, None, None, w, b, True), x2, w, b)",
    "both(F.batch_norm(x3, None, None, w, b, True, eps=0.1), x3, w, b)",
    "both(F.batch_norm(x4, None, None, w, None, True), x4, w)",
    "once(F.batch_norm(x4, None, None, None, b, True), x4, b)",
    "both(F.batch_norm(x4, None, None, training=True), x4)",
    "both(F.batch_norm(x4.transpose(2, 3), None, None, w, b, True), x4, w, b)",
    "both(F.batch_norm(x4.permute(0, 3, 1, 2).movedim(1, 3), None, None, w, b, True), x4, w, b)",
    "both(F.batch_norm(x4, mean, var, w, b), x4, w, b)",
    "both(F.batch_norm(x4 ** 2, mean, var), x4)",
    "both(F.batch_norm(x2, mean, var, None, b, False), x2, b)",
    "[F.batch_norm(x4, mean, var, w, b, True, 0.3), mean, var]",
    "[F.batch_norm(x2[:0], mean, var, training=True), mean, var]",
    "both(F.layer_norm(x3, (5,), w5, w5 * 2), x3, w5)",
    "both(F.layer_norm(x3, [4, 5]), x3)",
    "both(F.layer_norm(x4, (3, 2), w34, None, 0.1), x4, w34)",
    "once(F.layer_norm(x4, (3, 2), bias=w34), x4, w34)",
    "both(F.layer_norm(x3[0, 0], (5,), weight=w5, eps=0.1), x3, w5)",
    "both(F.layer_norm(x3.transpose(0, 2), (3,)), x3)",
    "F.layer_norm(x3[:0], (5,), w5)",
    "F.layer_norm(x3[..., :0], (0,))",
    "both(F.group_norm(x4, 2, w, b), x4, w, b)",
    "both(F.group_norm(x4, 4, eps=0.1), x4)",
    "both(F.group_norm(x2, num_groups=1, weight=w), x2, w)",
    "both(F.group_norm(x4.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2), 2, w, b), x4, w, b)",
    "both(F.group_norm(x4[:, :, ::2], 2, w, b), x4, w, b)",
    "both(F.instance_norm(x4), x4)",
    "both(F.instance_norm(x3, weight=w, bias=b, eps=0.1), x3, w, b)",
    "both(F.instance_norm(x3, mean, var, w, b, use_input_stats=False), x3, w, b)",
    "[F.instance_norm(x4, mean, var, momentum=0.3), mean, var]",
    "both(F.rms_norm(x3, (5,), w5), x3, w5)",
    "both(F.rms_norm(x4, [3, 2], weight=w34, eps=0.1), x4, w34)",
    "both(F.rms_norm(x2, (4,)), x2)",
    "F.rms_norm(x2.float(), (4,))",
    "F.rms_norm(x2[:0], (4,))",
    "both(F.local_response_norm(x3, 2), x3)",
    "both(F.local_response_norm(x4, size=3, alpha=0.5, beta=0.6, k=2.0), x4)",
    "both(F.local_response_norm(x4, 9, 1.0), x4)",
    "F.local_response_norm(x3[:0], 2)",
])
def test_as_in_pytorch(line):
    pytest.importorskip("torch")
    from .same import same
    same(line, SETUP)


@pytest.mark.parametrize("line", [
    "F.layer_norm(x3.half(), (5,), w5.half(), w5.half())", "F.rms_norm(x3.half(), (5,), w5.half())",
    "F.batch_norm(100 * x3.half(), None, None, w.half(), b.half(), True)", "F.group_norm(100 * x3.half(), 2)",
    "F.instance_norm(100 * x3.half())",
])
def test_float16_is_computed_in_float32(line):
    torch = pytest.importorskip("torch")
    from .same import run
    mine, other = run(line, tl, SETUP), run(line, torch, SETUP)
    assert mine.dtype == tl.float16
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("line", [
    "F.batch_norm(x2[:1], None, None, training=True)", "F.batch_norm(x2, None, None)",
    "F.batch_norm(x2, mean, None, training=True)",
    "F.batch_norm(x2, w5, w5, training=True)", "F.batch_norm(x2, None, None, w5, training=True)",
    "F.batch_norm(x2.long(), None, None, training=True)", "F.layer_norm(x3, 5)", "F.layer_norm(x3, (4,))", "F.layer_norm(x3, ())",
    "F.layer_norm(x3, (5,), w)", "F.layer_norm(x3, (5,), bias=w)", "F.layer_norm(x2[0], (5, 4))", "F.rms_norm(x3, 5)",
    "F.rms_norm(x3, (4,))", "F.rms_norm(x3, [])", "F.group_norm(x2, 3)", "F.group_norm(x2[:1], 4)", "F.group_norm(w, 2)",
    "F.group_norm(x2, 2, w5)", "F.instance_norm(x2)", "F.instance_norm(x3[..., :1])", "F.instance_norm(x3, use_input_stats=False)",
    "F.instance_norm(x3, mean, None)", "F.instance_norm(x3, weight=w5)", "F.local_response_norm(x2, 2)",
    "nn.BatchNorm1d(4)(x4)", "nn.BatchNorm2d(4)(x2)", "nn.BatchNorm3d(4)(x4)", "nn.InstanceNorm2d(4)(x2)",
    "nn.InstanceNorm2d(3, affine=True).double()(x4)", "nn.GroupNorm(3, 4)", "nn.LayerNorm(4).double()(x3)",
    "nn.BatchNorm2d(3).double()(x4)", "F.batch_norm(x2, None, None, training=True, eps=0.0)",
    "F.batch_norm(x2, mean, mean, eps=-1.0)",
])
def test_wrong_as_in_pytorch(line):
    pytest.importorskip("torch")
    from .same import same
    same(line, SETUP)


# ---- float32 ----------------------------------------------------------------------------------------------------
CASES = {                                                       # name: (shape of x, axis, shape of w)
    "batch": ((4, 3, 6, 5), (0, 2, 3), (1, 3, 1, 1)),
    "batch of rows": ((64, 8), (0,), (1, 8)),
    "layer": ((6, 50), (1,), (1, 50)),
    "layer of two": ((3, 4, 6, 5), (2, 3), (1, 1, 6, 5)),
    "instance": ((4, 3, 6, 5), (2, 3), (1, 3, 1, 1)),
    "group": ((4, 2, 3, 5, 4), (2, 3, 4), (1, 2, 3, 1, 1)),
    "large batch": ((16, 8, 40, 64), (0, 2, 3), (1, 8, 1, 1)),          # more than one part of `blockwise`
    "large layer": ((40, 128, 64), (2,), (1, 1, 64)),
    "large instance": ((16, 8, 40, 64), (2, 3), (1, 8, 1, 1)),
}


def channels_last(x):
    """The same array with axis 1 last in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


def by_numpy(x, w, b, g, axis, eps, centred=True):
    """The result and the gradients, by the formula, in float64."""
    x, w, b, g = [a.astype("float64") for a in (x, w, b, g)]
    over_w = tuple(a for a in range(x.ndim) if w.shape[a] == 1)
    d = x - x.mean(axis, keepdims=True) if centred else x
    r = 1 / np.sqrt((d * d).mean(axis, keepdims=True) + eps)
    x_hat, g_hat = d * r, g * w
    dx = g_hat - x_hat * (g_hat * x_hat).mean(axis, keepdims=True)
    if centred:
        dx = dx - g_hat.mean(axis, keepdims=True)
    return x_hat * w + b, r * dx, (g * x_hat).sum(over_w, keepdims=True), g.sum(over_w, keepdims=True)


@pytest.mark.parametrize("offset", [0, 3, 1e4])
@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("name", CASES)
def test_float32_is_exact_far_from_0_too_and_keeps_the_layout(name, last, offset):
    shape, axis, line = CASES[name]
    random = np.random.default_rng(0)
    x, g = [random.standard_normal(shape).astype("float32") for _ in range(2)]
    w, b = [random.standard_normal(line).astype("float32") for _ in range(2)]
    x = x + np.float32(offset)
    if last:
        x, g = channels_last(x), channels_last(g)
    tensors = [wrap(a).requires_grad_() for a in (x, w, b)]
    out = standardize(*tensors, axis=axis, eps=1e-5)
    gradients = tl.autograd.grad(out, tensors, wrap(g))
    assert out.array.strides == x.strides and gradients[0].array.strides == x.strides
    for found, expected in zip((out, *gradients), by_numpy(x, w, b, g, axis, 1e-5)):
        assert found.dtype == tl.float32
        error = np.abs(found.array - expected).max() / np.abs(expected).max()
        assert error < (2e-3 if offset > 3 else 1e-5)           # a mean of 10,000 is itself only known to 0.0005


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels last"])
@pytest.mark.parametrize("name", ["layer", "layer of two", "group", "large layer"])
def test_rms_norm_in_float32(name, last):
    shape, axis, line = CASES[name]
    random = np.random.default_rng(0)
    x, g = [random.standard_normal(shape).astype("float32") for _ in range(2)]
    w = random.standard_normal(line).astype("float32")
    if last:
        x, g = channels_last(x), channels_last(g)
    tensors = [wrap(a).requires_grad_() for a in (x, w)]
    out = rms_norm(*tensors, axis=axis, eps=1e-5)
    gradients = tl.autograd.grad(out, tensors, wrap(g))
    assert out.array.strides == x.strides and gradients[0].array.strides == x.strides
    for found, expected in zip((out, *gradients), by_numpy(x, w, 0 * w, g, axis, 1e-5, centred=False)):
        assert np.abs(found.array - expected).max() < 1e-5 * np.abs(expected).max() and found.dtype == tl.float32


@pytest.mark.parametrize("value", [0.0, 0.1, 1e4, -12345.678, 1e12])
@pytest.mark.parametrize("name", CASES)
def test_of_a_constant_nothing_is_left(name, value):
    """The result is the bias, exactly, as the mean of equal numbers is; and no gradient is infinite."""
    shape, axis, line = CASES[name]
    x = tl.full(shape, value, requires_grad=True)
    b = np.random.default_rng(0).standard_normal(line).astype("float32")
    mean, variance = moments(x.array, axis)
    assert (mean == np.float32(value)).all() and not variance.any()
    out = standardize(x, np.ones(line, "float32"), b, axis=axis, eps=1e-5)
    np.testing.assert_array_equal(out.array, np.broadcast_to(b, shape))
    out.backward(tl.randn(shape))
    assert np.isfinite(x.grad.array).all() and np.abs(x.grad.array).max() < 1e4


@pytest.mark.parametrize("name", CASES)
def test_the_variance_of_few_distant_numbers(name):
    """Small integers on top of a large offset: all differences are exact, and so is what comes of them."""
    shape, axis, _ = CASES[name]
    x = np.random.default_rng(0).integers(-3, 4, shape).astype("float32")
    for offset in 0, 2**20:
        mean, variance = moments(x + np.float32(offset), axis)
        np.testing.assert_allclose(mean, x.astype("float64").mean(axis, keepdims=True) + offset, rtol=1e-7, atol=1e-6)
        np.testing.assert_allclose(variance, x.astype("float64").var(axis, keepdims=True), rtol=1e-5)


def test_moments_of_one_outlier():
    x = np.ones((4096, 2), "float32")
    x[7, 0], x[4000, 1] = 1e4, -1e4
    mean, variance = moments(x, (0,))
    exact = x.astype("float64")
    np.testing.assert_allclose(mean, exact.mean(0, keepdims=True), rtol=0, atol=1e-6 * exact.std())
    np.testing.assert_allclose(variance, exact.var(0, keepdims=True), rtol=2e-4)


@pytest.mark.parametrize("first, others", [(0, 1e4), (1e4, 0), (-50, 50), (0, 1)])
def test_moments_where_the_first_numbers_are_not_like_the_others(first, others):
    """The origin is taken from an eighth of the numbers: here from equal ones, and the others lie elsewhere."""
    for shape in (8, 3), (80, 3), (6400, 24):
        x = np.random.default_rng(0).standard_normal(shape) + others
        x[:len(x) // 8] = first
        mean, variance = moments(x.astype("float32"), (0,))
        np.testing.assert_allclose(mean, x.mean(0, keepdims=True), rtol=0, atol=1e-6 * np.abs(x).max())
        np.testing.assert_allclose(variance, x.var(0, keepdims=True), rtol=2e-5)


@pytest.mark.parametrize("shape", [(8, 4, 6, 6), (64, 16, 20, 20)], ids=["small", "large"])
def test_a_gradient_of_another_layout(shape):
    """A sum hands back one number stretched over all places; a transposed loss, a transposed gradient."""
    random = np.random.default_rng(0)
    x, g = random.standard_normal(shape), random.standard_normal(shape)
    one = np.ones((1, shape[1], 1, 1))
    expected = by_numpy(x, one, 0 * one, g, (0, 2, 3), 1e-5)[1]
    for layout in np.ascontiguousarray, channels_last, np.asfortranarray, lambda a: np.repeat(a, 2, 3)[..., ::2]:
        for given in g, channels_last(g), np.asfortranarray(g):
            leaf = wrap(layout(x)).requires_grad_()
            F.batch_norm(leaf, None, None, training=True).backward(wrap(given))
            np.testing.assert_allclose(leaf.grad.array, expected, atol=1e-12)
    leaf = wrap(x).requires_grad_()
    F.batch_norm(leaf, None, None, training=True).sum().backward()
    np.testing.assert_allclose(leaf.grad.array, 0, atol=1e-12)


def test_rows_in_columns():
    """Many short rows, the gradient lying the other way round; and numbers stretched over an axis."""
    random = np.random.default_rng(0)
    x, g = random.standard_normal((20000, 12)), random.standard_normal((20000, 12))
    for axis, line in (((0,), (1, 12)), ((1,), (1, 12))):
        w = random.standard_normal(line)
        expected = by_numpy(x, w, 0 * w, g, axis, 1e-5)
        for a, c in ((x, g), (x, np.asfortranarray(g)), (np.asfortranarray(x), g), (np.asfortranarray(x), np.asfortranarray(g))):
            leaves = [wrap(a).requires_grad_(), wrap(w).requires_grad_()]
            out = standardize(*leaves, axis=axis, eps=1e-5)
            for found, wanted in zip((out, *tl.autograd.grad(out, leaves, wrap(c))), expected):
                np.testing.assert_allclose(found.array, wanted, atol=1e-10)
    stretched = np.broadcast_to(x[:, :, None], (20000, 12, 3))
    np.testing.assert_allclose(standardize(stretched, axis=(0, 2), eps=1e-5), standardize(stretched.copy(), axis=(0, 2), eps=1e-5),
                               atol=1e-12)


# ---- properties -------------------------------------------------------------------------------------------------
def test_the_norms_are_one_formula():
    x = wrap(np.random.default_rng(0).standard_normal((5, 4, 3, 2)))
    layer, group = F.layer_norm(x, (4, 3, 2)).array, F.group_norm(x, 1).array
    np.testing.assert_allclose(layer, group, atol=1e-12)
    np.testing.assert_allclose(F.instance_norm(x).array, F.group_norm(x, 4).array, atol=1e-12)
    batch = F.batch_norm(x, None, None, training=True).array
    np.testing.assert_allclose(batch.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(batch.std((0, 2, 3)), 1, atol=1e-4)
    centred = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(F.rms_norm(centred, (4, 3, 2), eps=1e-5).array, layer, atol=1e-12)


def test_the_gradient_is_at_right_angles_to_shift_and_stretch():
    """Adding to all x alike, and (but for ε) multiplying them, changes nothing: no gradient points there."""
    x = wrap(np.random.default_rng(0).standard_normal((6, 10))).requires_grad_()
    F.layer_norm(x, (10,), eps=0.0).backward(wrap(np.random.default_rng(1).standard_normal((6, 10))))
    g = x.grad.array
    np.testing.assert_allclose(g.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose((g * x.array).sum(1), 0, atol=1e-12)


def test_what_is_kept_alive():
    """x itself and a few numbers per mean: nothing of the size of x besides."""
    x = tl.randn(8, 4, 10, 10, requires_grad=True)
    w, b = tl.ones(4, requires_grad=True), tl.zeros(4, requires_grad=True)
    kept = F.batch_norm(x, None, None, w, b, True).node.kept

    def size(value):
        return sum(map(size, value)) if isinstance(value, tuple) else getattr(value, "size", 0)
    assert kept["x"] is x.array and size(tuple(kept.values())) - x.array.size < 100


# ---- running statistics -----------------------------------------------------------------------------------------
def test_running_statistics_follow_and_evaluation_uses_them():
    m = nn.BatchNorm1d(3, momentum=0.25)
    x = tl.randn(8, 3, 5) * 2 + 1
    m(x)
    mean, var = x.array.mean((0, 2)), x.array.var((0, 2), ddof=1)
    np.testing.assert_allclose(m.running_mean.array, 0.25 * mean, rtol=1e-5)
    np.testing.assert_allclose(m.running_var.array, 0.75 + 0.25 * var, rtol=1e-5)
    assert m.num_batches_tracked.item() == 1 and m.num_batches_tracked.dtype == tl.int64
    before = {name: b.array.copy() for name, b in m.named_buffers()}
    out = m.eval()(x).array
    for name, buffer in m.named_buffers():
        np.testing.assert_array_equal(buffer.array, before[name])
    expected = (x.array - 0.25 * mean[:, None]) / np.sqrt(0.75 + 0.25 * var[:, None] + 1e-5)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    m.reset_running_stats()
    assert not m.running_mean.any() and (m.running_var == 1).all() and m.num_batches_tracked.item() == 0


def test_without_momentum_they_are_the_mean_of_all_batches():
    m = nn.BatchNorm1d(2, momentum=None)
    batches = [np.random.default_rng(i).standard_normal((6, 2)).astype("float32") for i in range(3)]
    for x in batches:
        m(wrap(x))
    np.testing.assert_allclose(m.running_mean.array, np.mean([x.mean(0) for x in batches], axis=0), rtol=1e-5)
    np.testing.assert_allclose(m.running_var.array, np.mean([x.var(0, ddof=1) for x in batches], axis=0), rtol=1e-5)


def test_running_statistics_are_no_part_of_the_graph():
    m = nn.BatchNorm1d(3)
    x = tl.randn(4, 3, requires_grad=True)
    m(m(x)).sum().backward()                                    # the same buffers, moved twice before the backward pass
    assert not m.running_mean.requires_grad and m.running_mean.grad_fn is None and x.grad is not None
    m.eval()
    y = m(x)
    m.train()(x)                                                # moves the buffers; y's derivatives use what it had
    y.sum().backward()


def test_an_old_state_dict_has_no_count_of_batches():
    """Before PyTorch counted them (version 1 of these layers), and in files that say nothing of versions."""
    m, n = nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3))
    m(tl.randn(2, 3, 4, 4))
    state = m.state_dict()
    del state["num_batches_tracked"]
    fresh = nn.BatchNorm2d(3)
    assert fresh.load_state_dict(state).missing_keys == []
    assert fresh.num_batches_tracked.item() == 0 and np.array_equal(fresh.running_mean.array, m.running_mean.array)
    n.load_state_dict({f"0.{name}": x for name, x in state.items()})
    del state["running_mean"]
    with pytest.raises(RuntimeError, match="running_mean"):
        fresh.load_state_dict(state)


def test_a_new_state_dict_without_it_is_incomplete():
    torch = pytest.importorskip("torch")
    state = torch.nn.BatchNorm2d(3).state_dict()                # says that it is of version 2
    del state["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        torch.nn.BatchNorm2d(3).load_state_dict(state)
    ours = {name: wrap(x.numpy()) for name, x in state.items()}

    class Versioned(dict):
        _metadata = state._metadata
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        nn.BatchNorm2d(3).load_state_dict(Versioned(ours))


# ---- messages ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("wrong, words", [
    (lambda: F.batch_norm(tl.randn(1, 3), None, None, training=True), ["(1, 3)", "more than one value", "drop_last=True"]),
    (lambda: nn.BatchNorm2d(8)(tl.randn(2, 6, 6, 8)),
     ["(2, 6, 6, 8)", "6 channels (axis 1)", "(8,)", "x.movedim(-1, 1)", "BatchNorm2d(8"]),
    (lambda: nn.BatchNorm2d(8)(tl.randn(2, 8)), ["(N, C, H, W)", "(2, 8)", "BatchNorm1d"]),
    (lambda: nn.BatchNorm2d(8)(tl.randn(8, 6, 6)), ["(8, 6, 6), which has 3 dims", "BatchNorm1d; or", "x.unsqueeze(0)"]),
    (lambda: nn.BatchNorm1d(8)(tl.randn(8)), ["(N, C) or (N, C, L), got (8,)", "1 dims: if it is a single sample"]),
    (lambda: nn.InstanceNorm1d(8)(tl.randn(2, 8, 3, 3)), ["(C, L) or (N, C, L)", "(2, 8, 3, 3)", "InstanceNorm2d"]),
    (lambda: F.layer_norm(tl.randn(2, 7, 5), (7,)), ["(7,)", "(2, 7, 5)", "axis -1 is 5", "x.movedim(1, -1)"]),
    (lambda: F.layer_norm(tl.randn(2, 7), 7), ["tuple", "write (7,)"]),
    (lambda: F.group_norm(tl.randn(2, 7), 2), ["(2, 7)", "has 7", "num_groups=2"]),
    (lambda: nn.LayerNorm(2.5), ["LayerNorm", "2.5"]),
    (lambda: nn.BatchNorm2d(-1), ["num_features", "-1"]),
])
def test_errors_say_what_to_do(wrong, words):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as error:
        wrong()
    for word in words:
        assert word in str(error.value)


def test_the_channels_of_an_instance_norm_without_weights_do_not_matter():
    with pytest.warns(UserWarning, match="3 channels"):
        nn.InstanceNorm1d(4)(tl.randn(2, 3, 5))
