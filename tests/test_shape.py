"""Rearranging elements, against PyTorch: values, types, gradients to second order, shared memory, errors."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like.functions.shape import pad

from .oracle import compare

torch = pytest.importorskip("torch")
rng = np.random.default_rng(0)

X = rng.standard_normal((3, 4)).round(2)
SQUARE = rng.standard_normal((3, 3)).round(2)
CUBE = rng.standard_normal((2, 3, 4)).round(2)
LINE = rng.standard_normal(5).round(2)
ONES = rng.standard_normal((1, 3, 1, 2)).round(2)
ZERO = np.array(1.5)
EMPTY = np.zeros((0, 3))

CALLS = [
    ("x.clone()", X), ("t.clone(x.T)", X), ("x.reshape(4, 3)", X), ("x.reshape((2, -1))", X), ("t.reshape(x, [-1])", CUBE),
    ("x.reshape(())", ONES[:, :1, :, :1]), ("x.view(-1, 2)", X), ("x.view(x.shape)", X), ("x.view([12])", X),
    ("x.reshape(3, 0)", EMPTY), ("x.reshape(1)", ZERO), ("x.T.reshape(-1)", X), ("x.view_as(x.T)", X),
    ("x.reshape_as(x.reshape(2, 6))", X), ("x.flatten()", CUBE), ("x.flatten(1)", CUBE), ("x.flatten(0, 1)", CUBE),
    ("x.flatten()", ZERO), ("t.flatten(x, start_dim=-2)", CUBE), ("x.unflatten(1, (2, 2))", X), ("x.unflatten(-1, (-1, 2))", X),
    ("t.unflatten(x, 0, (3, 1))", X), ("x.ravel()", CUBE), ("x.squeeze()", ONES), ("x.squeeze(0)", ONES), ("x.squeeze(1)", ONES),
    ("x.squeeze((0, -2))", ONES), ("x.squeeze(0)", ZERO), ("x.unsqueeze(0)", X), ("x.unsqueeze(-1)", X), ("t.unsqueeze(x, 1)", X),
    ("x.unsqueeze(0)", ZERO), ("x.transpose(0, 1)", X), ("t.transpose(x, -1, 0)", CUBE), ("x.swapaxes(0, 2)", CUBE),
    ("x.swapdims(1, -1)", CUBE), ("x.t()", X), ("x.t()", LINE), ("x.T", X), ("x.mT", CUBE), ("x.mH", CUBE), ("x.H", X),
    ("x.adjoint()", CUBE), ("x.permute(2, 0, 1)", CUBE), ("x.permute((1, -1, 0))", CUBE), ("t.permute(x, (0, 2, 1))", CUBE),
    ("x.permute(())", ZERO), ("x.movedim(0, -1)", CUBE), ("x.movedim((0, 1), (2, 0))", CUBE), ("t.moveaxis(x, 2, 0)", CUBE),
    ("x.expand(2, 3, 5, -1)", ONES), ("x.expand((4, -1, -1, 3, 2))", ONES), ("x.expand(3)", ZERO),
    ("x.expand_as(t.ones(2, 3, 4))", X[:1, :1]), ("t.broadcast_to(x, (2, 3, 4))", X), ("t.broadcast_tensors(x, x[:1])", X),
    ("x.repeat(2, 3)", X), ("x.repeat((2, 1, 2))", X), ("x.repeat(3)", ZERO), ("x.repeat(0, 2)", X), ("x.tile(2)", X),
    ("t.tile(x, (2, 1, 2))", X), ("x.repeat_interleave(2)", X), ("t.repeat_interleave(x, 3, dim=-1)", X),
    ("x.repeat_interleave(t.tensor([1, 0, 2]), 0)", X), ("x.repeat_interleave(2, 0)", X), ("x.flip(0)", X),
    ("x.flip((0, -1))", CUBE), ("t.flip(x, [1])", X), ("x.fliplr()", X), ("x.flipud()", LINE), ("x.roll(1)", X),
    ("x.roll(-2, 1)", X), ("t.roll(x, (1, 2), (0, -1))", CUBE), ("x.roll(0)", EMPTY), ("x.rot90()", X), ("x.rot90(2)", X),
    ("x.rot90(3, (1, 2))", CUBE), ("x.rot90(-1)", X), ("x.rot90(4)", X), ("x.rot90(1, [2, 0])", CUBE), ("t.cat([x, 2 * x])", X),
    ("t.cat((x, x[:, :1]), 1)", X), ("t.cat([x, t.zeros(0, dtype=x.dtype)], dim=-1)", X), ("t.concat([x, x * x], -1)", X),
    ("t.concatenate([x, x], axis=1)", X), ("t.cat([x, x, x[:0]])", LINE), ("t.stack([x, 2 * x])", X),
    ("t.stack((x, x * x), -1)", X), ("t.stack([x], dim=1)", ZERO.reshape(1)), ("t.hstack([x, x])", X),
    ("t.hstack([x, x[:1]])", LINE), ("t.vstack([x, x])", LINE), ("t.vstack([x, x])", CUBE), ("t.dstack([x, x])", X),
    ("t.dstack([x, x])", LINE), ("t.column_stack([x, x[:, None]])", LINE), ("t.cat([x, x.to(t.float64)])", X), ("x.split(2)", X),
    ("x.split(3, 1)", X), ("x.split([1, 3], -1)", X), ("t.split(x, (0, 3))", X), ("x.split(2)", EMPTY), ("x.split(9)", X),
    ("x.split_with_sizes([2, 1])", X), ("x.chunk(2)", X), ("x.chunk(3, 1)", X), ("t.chunk(x, 7, dim=-1)", X),
    ("x.tensor_split(2)", X), ("x.tensor_split(3, 1)", X), ("x.tensor_split((1, 3), dim=1)", X), ("t.hsplit(x, 2)", X),
    ("t.vsplit(x, [1])", X), ("t.dsplit(x, 2)", CUBE), ("x.unbind()", X), ("x.unbind(-1)", X), ("list(x)", X),
    ("x.unbind(1)[2]", X), ("x.split(1)[1]", X), ("x.narrow(1, 1, 2)", X), ("t.narrow(x, 0, -2, 1)", X), ("x.select(0, 1)", X),
    ("x.select(-1, -2)", X), ("x.unfold(1, 2, 1)", X), ("x.unfold(0, 2, 2)", CUBE), ("x.unfold(-1, 3, 2)", LINE),
    ("x.unfold(0, 1, 1)", ZERO), ("x.diagonal()", X), ("x.diagonal(1)", X), ("x.diagonal(-1, 2, 0)", CUBE),
    ("t.diagonal(x, dim1=-1, dim2=-2)", CUBE), ("x.diag()", LINE), ("x.diag(-2)", LINE), ("x.diag(1)", X), ("x.diag_embed()", X),
    ("x.diag_embed(1, 0, 2)", X), ("t.diag_embed(x, offset=-1, dim1=1)", X), ("t.diagflat(x, 1)", X), ("x.trace()", X),
    ("x.tril()", X), ("x.tril(1)", CUBE), ("x.triu(-1)", X), ("t.triu(x, diagonal=2)", CUBE),
    ("t.meshgrid(x, 2 * x[:2], indexing='ij')", LINE), ("t.meshgrid([x, x[:2], x[:3]], indexing='xy')", LINE),
    ("t.meshgrid(x, indexing='xy')", LINE), ("t.meshgrid(x[0], x, indexing='ij')", LINE), ("t.cartesian_prod(x, x[:2])", LINE),
    ("t.cartesian_prod(x)", LINE), ("t.atleast_1d(x)", ZERO), ("t.atleast_2d(x)", LINE), ("t.atleast_2d(x)", ZERO),
    ("t.atleast_3d(x)", LINE), ("t.atleast_3d(x)", X), ("t.atleast_3d(x, x)", ZERO), ("t.atleast_1d([x, x])", ZERO),
]


@pytest.mark.filterwarnings("ignore:An output with one or more elements")
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("call, x", CALLS, ids=[call for call, _ in CALLS])
def test_as_pytorch(call, x, dtype):
    compare(call, 10 * x if dtype == "int64" else x, dtype, second=dtype == "float64")


PADS = [
    ((1, 2), {}), ((1, 2, 0, 1), {"value": 0.5}), ((-1, 2), {}), ((-1, -1, 2, -1), {"value": 3.0}), ((0, 0), {}),
    ((1, 0, 0, 1, 2, 2), {}), ((1, 2), {"mode": "reflect"}), ((1, 2, 0, 1), {"mode": "reflect"}),
    ((2, 3), {"mode": "replicate"}), ((2, 1, 1, 3), {"mode": "replicate"}), ((4, 4), {"mode": "circular"}),
    ((1, 2, 3, 0), {"mode": "circular"}),
]


@pytest.mark.parametrize("widths, options", PADS)
def test_pad_as_pytorch(widths, options):
    x = CUBE[None] if "mode" in options and len(widths) > 2 else CUBE
    ours, theirs = tl.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = pad(ours, widths, **options), torch.nn.functional.pad(theirs, widths, **options)
    np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
    v = rng.standard_normal(z.shape)
    y.backward(tl.tensor(v)), z.backward(torch.tensor(v))
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy())


def test_pads_of_other_shapes():
    """Reflections and copies reach further than PyTorch's, which takes only the last three of five dims."""
    assert pad(tl.tensor([1, 2, 3]), (2, 1), "reflect").tolist() == [3, 2, 1, 2, 3, 2]
    assert pad(tl.tensor([[1, 2], [3, 4]]), (0, 0, 1, 0), "circular").tolist() == [[3, 4], [1, 2], [3, 4]]


@pytest.mark.parametrize("row, col, offset", [(3, 4, 0), (4, 3, 1), (2, 5, -1), (3, 3, 2)])
def test_triangles_as_pytorch(row, col, offset):
    for name in ("tril_indices", "triu_indices"):
        ours, theirs = getattr(tl, name)(row, col, offset), getattr(torch, name)(row, col, offset)
        assert ours.tolist() == theirs.tolist() and ours.dtype == tl.int64
    assert tl.triu_indices(2, 2, dtype=tl.int32).dtype == tl.int32


def test_broadcast_shapes():
    assert tl.broadcast_shapes((3, 1), (4,), (2, 1, 1)) == (2, 3, 4) and tl.broadcast_shapes((0, 1), 5) == (0, 5)
    with pytest.raises(RuntimeError, match="axis -1 is 3 in one and 4 in the other"):
        tl.broadcast_shapes((3,), (4,))


VIEWS = [
    "x.reshape(4, 3)", "x.view(-1)", "x.T", "x.t()", "x.permute(1, 0)", "x.transpose(0, 1)", "x.squeeze()", "x.unsqueeze(0)",
    "x.expand(2, 3, 4)", "x.flatten()", "x.split(2)[0]", "x.chunk(2)[0]", "x.unbind()[0]", "x.narrow(0, 0, 2)",
    "x.select(0, 0)", "x.diagonal()", "x.unfold(0, 2, 1)", "x.detach()", "x.movedim(0, 1)", "x.view_as(x)", "x.ravel()", "x.mT",
    "x.tensor_split(2)[0]",
]
COPIES = [
    "x.clone()", "x.flip(0)", "x.flip(())", "x.roll(0)", "x.rot90(0)", "x.rot90(4)", "x.repeat(1, 1)", "x.tile(1)", "x.tril()",
    "x.diag()", "x.T.reshape(-1)", "t.cat([x])", "t.stack([x])", "x.repeat_interleave(1, 0)", "x.diag_embed()",
]


@pytest.mark.parametrize("call", VIEWS + COPIES)
def test_memory_is_shared_as_in_pytorch(call):
    for t, shared in ((torch, call in VIEWS), (tl, call in VIEWS)):
        x = t.zeros(3, 4)
        y = eval(call, {"t": t, "x": x})
        x[0, 0] = 1
        assert bool(y.max() == 1) == shared


def test_edits_of_views_are_noticed():
    x = tl.ones(2, 3)
    w = tl.ones(2, 3, requires_grad=True)
    y = (w * x).sum()
    x.diagonal()[0] = 5
    with pytest.raises(RuntimeError, match="in-place"):
        y.backward()


def test_views_of_itself():
    x = tl.zeros(2, 1, 3)
    y = x
    assert x.squeeze_(1) is y and y.shape == (2, 3) and y.t_().shape == (3, 2) and y.unsqueeze_(0).shape == (1, 3, 2)
    assert y.transpose_(0, 2).shape == (2, 3, 1) and y.swapaxes_(0, 1).shape == (3, 2, 1)
    w = tl.ones(1, 2, requires_grad=True)
    z = 2 * w
    z.squeeze_()
    z.sum().backward()
    assert w.grad.tolist() == [[2, 2]]
    with pytest.raises(RuntimeError, match="leaf"):
        w.squeeze_()
    assert tl.ones(2, 2).tril_().tolist() == [[1, 0], [1, 1]]


def test_clone_keeps_the_layout():
    x = tl.zeros(2, 3, 4, 5).permute(0, 3, 1, 2)
    assert x.clone().array.strides == x.array.strides


def test_many_pieces_cost_as_much_as_few():
    """A thousand pieces, joined again: each takes its stretch of the gradient, and nothing is as large as the whole for each."""
    x = tl.zeros(100_000, requires_grad=True)
    tl.cat([part * k for k, part in enumerate(x.split(100))]).sum().backward()
    assert x.grad.reshape(1000, 100)[:, 0].tolist() == list(range(1000))


ERRORS = [
    ("x.reshape(5, 2)", "invalid"), ("x.reshape(-1, -1)", "-1"), ("x.reshape(-2, 6)", "negative"), ("x.view(t.float32)", "dtype"),
    ("x.reshape('a')", "ints"), ("x.permute(0)", "as many"), ("x.permute(0, 0)", "duplicate"),
    ("x.transpose(0, 2)", r"range of \[-2, 1\]"), ("x.expand(5, 4)", "dim 0"), ("x.expand(4)", "fit"),
    ("x.expand(-1, 3, 4)", "leading"), ("x.repeat(2)", "each dim"), ("x.repeat(-1, 1)", "negative"), ("x.squeeze(2)", "range"),
    ("x.unsqueeze(4)", "range"), ("t.cat([])", "non-empty"), ("t.cat(x)", "tuple or list"),
    ("t.cat([x, x.T])", r"tensor 1 has shape \(4, 3\)"), ("t.cat([x, 1.0])", "element 1 is float"),
    ("t.cat([x[0, 0], x[0, 0]])", "without dim"), ("t.cat([x, x], 2)", "range"),
    ("t.stack([x, x.T])", "entry 1"), ("x.split([1, 1])", "sum"),
    ("x.split(-1)", "positive"), ("x.chunk(0)", "greater"), ("x[0, 0].split(1)", "1-dim"), ("x[0, 0].unbind()", "no dim"),
    ("x.narrow(0, 2, 2)", "exceeds"), ("x.select(0, 3)", "out of range"), ("x.diagonal(0, 1, 1)", "identical"),
    ("x[0].tril()", "at least 2"), ("t.diag(x[None])", "1D or 2D"), ("x[None].t()", "<= 2"), ("x[0].mT", "matrices"),
    ("t.meshgrid(x, x)", "vectors"), ("t.meshgrid(x[0], indexing='yx')", "indexing"), ("x.unfold(0, 4, 1)", "from 0 to 3"),
    ("x.flip(0, 0)", "twice"), ("x.roll((1, 2), 0)", "align"), ("x.flatten(1, 0)", "after"),
    ("x.unflatten(1, (3, 2))", "multiply"), ("x.rot90(1, (0, 0))", "different"), ("x.hsplit(3)", "divisible"),
    ("x.tensor_split(0)", "larger"), ("x.repeat_interleave(t.tensor([1, 2]), 0)", "same size"),
    ("x.movedim((0, 1), (0,))", "as many"), ("pad(x, (1,))", "divisible"), ("pad(x, (1, 1), 'reflected')", "mode"),
    ("pad(x, (4, 0), 'reflect')", "smaller"), ("pad(x, (1, 1), 'reflect', 2.0)", "value"), ("pad(x, (-3, -3))", "does not fit"),
    ("pad(x, (5, 0), 'circular')", "does not fit"),
]


@pytest.mark.parametrize("call, text", ERRORS, ids=[call for call, _ in ERRORS])
def test_errors(call, text):
    with pytest.raises((RuntimeError, TypeError, IndexError, ValueError, NotImplementedError), match=text) as error:
        eval(call, {"t": tl, "x": tl.tensor(X), "pad": pad})
    if "pad" not in call and "float32" not in call:
        with pytest.raises((RuntimeError, TypeError, IndexError, ValueError)) as theirs:
            eval(call, {"t": torch, "x": torch.tensor(X)})
        assert isinstance(error.value, theirs.type) or isinstance(error.value, TypeError)
