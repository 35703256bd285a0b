"""Dropout: what is dropped, what is kept, and that the backward pass drops the same."""
import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import nn

# name of a function: (shape of an input, shape of its mask, further arguments)
MASKS = {
    "dropout": ((40, 50), (40, 50), {}),
    "dropout1d": ((40, 50, 6), (40, 50, 1), {}),
    "dropout1d of one": ((600, 6), (600, 1), {}),
    "dropout2d": ((40, 50, 2, 3), (40, 50, 1, 1), {}),
    "dropout3d": ((40, 50, 2, 1, 3), (40, 50, 1, 1, 1), {}),
    "dropout3d of one": ((600, 2, 1, 3), (600, 1, 1, 1), {}),
    "variational_dropout": ((6, 40, 50), (1, 40, 50), {}),
    "variational_dropout batch first": ((40, 6, 50), (40, 1, 50), {"batch_first": True}),
    "variational_dropout of one": ((6, 600), (1, 600), {}),
}
every = pytest.mark.parametrize("name", MASKS)


def call(name, x, p=0.3, **options):
    return getattr(F, name.partition(" ")[0])(x, p, **MASKS[name][2], **options)


@every
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_mask(name, p):
    """0 or x / (1 - p), alike within a channel or along time; as often as p says; in the backward pass the same."""
    shape, mask_shape, _ = MASKS[name]
    tl.manual_seed(0)
    x = tl.tensor(np.random.default_rng(0).uniform(1, 2, shape), dtype=tl.float32, requires_grad=True)
    y = call(name, x, p)
    g = tl.randn(shape)
    y.backward(g)
    mask = y.detach().numpy() / x.detach().numpy()
    alike = tuple(slice(0, 1) if m == 1 else slice(None) for m in mask_shape)
    np.testing.assert_allclose(mask, np.broadcast_to(mask[alike], shape), rtol=1e-6)
    kept = mask[alike] != 0
    np.testing.assert_allclose(mask[alike][kept], 1 / (1 - p), rtol=1e-6)
    assert abs(kept.mean() - (1 - p)) < 5 * (p * (1 - p) / kept.size) ** 0.5         # five standard deviations
    np.testing.assert_allclose(x.grad.numpy(), mask * g.numpy(), rtol=1e-5, atol=1e-6)
    assert y.dtype == tl.float32 and x.grad.dtype == tl.float32


@every
def test_two_masks_differ_and_a_seed_repeats_one(name):
    x = tl.ones(MASKS[name][0])
    tl.manual_seed(3)
    a, b = call(name, x), call(name, x)
    tl.manual_seed(3)
    c = call(name, x)
    assert (a == c).all() and not (a == b).all()


@every
def test_nothing_everything_and_evaluation(name):
    x = tl.ones(MASKS[name][0], requires_grad=True)
    assert call(name, x, 0.0) is x and call(name, x, 0.5, training=False) is x and call(name, x, 1.0, training=False) is x
    y = call(name, x, 1.0)
    y.sum().backward()
    assert not y.any() and not x.grad.any()


@every
def test_second_order(name):
    """A mask is linear: of Σ y³ the second derivative is 6 x m³, m being the mask over 1 - p."""
    shape = MASKS[name][0]
    x = tl.tensor(np.random.default_rng(0).uniform(1, 2, shape), dtype=tl.float64, requires_grad=True)
    y = call(name, x)
    (first,) = tl.autograd.grad((y ** 3).sum(), x, create_graph=True)
    (second,) = tl.autograd.grad(first.sum(), x)
    m = (y / x).detach().numpy()
    np.testing.assert_allclose(second.numpy(), 6 * x.detach().numpy() * m ** 3, rtol=1e-10)


@every
def test_in_place(name):
    x = tl.ones(MASKS[name][0])
    address = x.array
    assert call(name, x, inplace=True) is x and x.array is address and (x == 0).any()


@every
def test_the_mask_is_kept_as_bytes(name):
    """The backward pass needs one byte for each number that was drawn."""
    x = tl.ones(MASKS[name][0], requires_grad=True)
    node = call(name, x).node
    nodes, kept = [node], []
    while nodes:
        node = nodes.pop()
        kept += [value for value in (node.kept or {}).values() if hasattr(value, "nbytes")]
        nodes += [parent for parent in node.parents if parent is not None and parent.op is not None]
    assert sum(array.nbytes for array in kept) <= np.prod(MASKS[name][1]) + 16


# ---- alpha dropout ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.1, 0.5])
@pytest.mark.parametrize("function", [F.alpha_dropout, F.feature_alpha_dropout])
def test_alpha_dropout_keeps_mean_and_variance(function, p):
    tl.manual_seed(0)
    x = tl.randn(1000, 500) if function is F.alpha_dropout else tl.randn(1000, 500, 2)
    y = function(x, p, training=True).numpy()
    assert abs(y.mean()) < 0.01 and abs(y.var() - 1) < 0.02
    a = ((1 - p) * (1 + p * 1.7580993408473766 ** 2)) ** -0.5
    dropped = np.float32(-1.7580993408473766 * a * (1 - p))
    at = np.isclose(y, dropped, rtol=1e-5)
    assert abs(at.mean() - p) < 0.01
    np.testing.assert_allclose(y[~at], (x.numpy() * a + a * p * 1.7580993408473766)[~at], rtol=1e-4, atol=1e-5)
    if function is F.feature_alpha_dropout:
        assert (at[..., 0] == at[..., 1]).mean() > 0.999
    assert function(x, p) is x


def test_alpha_dropout_backward():
    x = tl.randn(20, 30, requires_grad=True)
    y = F.alpha_dropout(x, 0.4, True)
    y.sum().backward()
    a = (0.6 * (1 + 0.4 * 1.7580993408473766 ** 2)) ** -0.5
    found = x.grad.numpy()
    assert np.all((found == 0) | np.isclose(found, a)) and 0 < (found == 0).mean() < 1
    assert not F.alpha_dropout(x, 1.0, True).any() and not F.feature_alpha_dropout(x, 1.0, True).any()


# ---- the rest as in PyTorch -------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", [
    "F.dropout(ones(3), 1.5)", "F.dropout(ones(3), p=-0.1)", "nn.Dropout(1.5)", "F.alpha_dropout(ones(3), 2.0)",
    "F.dropout1d(ones(3))", "F.dropout1d(ones(3, 4, 5, 6))", "F.feature_alpha_dropout(ones(3), 0.5, True)",
    "F.dropout(ones(3).long())", "F.dropout(ones(3, 4), 1.0)", "F.dropout(ones(3, 4), 0.5, False)", "F.alpha_dropout(ones(3))",
    "F.alpha_dropout(ones(3), 1.0, True)", "F.dropout(ones(0, 4))", "F.dropout2d(ones(2, 3, 4, 5), 1.0, True)",
    "nn.AlphaDropout(0.1, True).eval()(ones(3))",
])
def test_as_in_pytorch(line):
    pytest.importorskip("torch")
    from .same import same
    same(line, "nn, F, ones = torch.nn, torch.nn.functional, torch.ones")


def test_three_dims_of_dropout2d_are_a_batch_of_sequences():
    with pytest.warns(UserWarning, match=r"\(N, C, L\)"):
        y = F.dropout2d(tl.ones(20, 30, 4)).numpy()
    assert (y == y[..., :1]).all() and not (y[:, :, 0] == y[:, :1, 0]).all()


@pytest.mark.parametrize("wrong, words", [
    (lambda: F.dropout2d(tl.ones(2, 3)), ["(N, C, H, W)", "(2, 3)"]),
    (lambda: F.dropout3d(tl.ones(2, 3, 4)), ["(N, C, D, H, W)", "(2, 3, 4)"]),
    (lambda: F.variational_dropout(tl.ones(4)), ["(time, batch, features)", "(4,)"]),
    (lambda: nn.VariationalDropout(1.1), ["VariationalDropout", "between 0 and 1", "1.1"]),
    (lambda: F.dropout(tl.ones(3, dtype=tl.int64)), ["floating point", "int64"]),
])
def test_errors_say_what_to_do(wrong, words):
    with pytest.raises((ValueError, RuntimeError)) as error:
        wrong()
    for word in words:
        assert word in str(error.value)


def test_a_recurrent_network_with_one_mask_for_all_steps():
    """What a feature that was dropped at the first step carries is dropped at all others."""
    m = nn.VariationalDropout(0.5)
    y = m(tl.ones(7, 5, 11))
    assert (y == y[0]).all() and repr(m) == "VariationalDropout(p=0.5)" and m.eval()(y) is y
    assert repr(nn.VariationalDropout(0.2, batch_first=True)) == "VariationalDropout(p=0.2, batch_first=True)"
