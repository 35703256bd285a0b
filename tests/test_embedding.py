"""Tables of vectors: as products with one-hot rows, and against PyTorch."""
import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, nn

random = np.random.default_rng(0)
W = random.standard_normal((6, 3))
LINE, STARTS = [1, 2, 1, 4, 0, 2, 4], [0, 3, 3, 5]


# ---- without an oracle ------------------------------------------------------------------------------------------
def test_looking_up_is_a_product_with_one_hot_rows():
    """embed(x) = W x for one-hot x (SPEC F-11, M-19): the same values and the same gradients."""
    numbers = tl.tensor([[1, 4, 1], [0, 1, 5]])
    found = []
    for embed in (lambda w: F.embedding(numbers, w), lambda w: F.one_hot(numbers, 6).double() @ w):
        w = tl.tensor(W, requires_grad=True)
        out = embed(w)
        (out**3).sum().backward()
        found.append((out.detach().numpy(), w.grad.numpy()))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-14)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-13)
    assert (found[0][1][[2, 3]] == 0).all() and (found[0][1][[0, 1, 4, 5]] != 0).all()        # only what was looked up


def test_a_bag_is_a_product_with_counts():
    w, bags = tl.tensor(W), tl.tensor([[1, 4, 1], [0, 1, 5]])
    counts = F.one_hot(bags, 6).double().sum(1)
    np.testing.assert_allclose(F.embedding_bag(bags, w, mode="sum").numpy(), (counts @ w).numpy(), rtol=1e-14)
    np.testing.assert_allclose(F.embedding_bag(bags, w).numpy(), (counts @ w).numpy() / 3, rtol=1e-14)


def test_padding_starts_as_zeros_and_learns_nothing():
    for layer in (nn.Embedding(6, 3, padding_idx=-2), nn.EmbeddingBag(6, 3, padding_idx=-2)):
        assert layer.padding_idx == 4 and (layer.weight[4] == 0).all() and (layer.weight[3] != 0).all()
        layer(tl.tensor([[4, 1], [4, 4]])).sum().backward()
        assert (layer.weight.grad[4] == 0).all() and (layer.weight.grad[1] != 0).all()
        layer.reset_parameters()
        assert (layer.weight[4] == 0).all()


def test_max_norm_shortens_what_is_looked_up():
    layer = nn.Embedding(6, 3, max_norm=0.5)
    before = layer.weight.detach().clone()
    layer(tl.tensor([[1, 4], [1, 1]]))
    after = layer.weight.detach()
    assert (after[[0, 2, 3, 5]] == before[[0, 2, 3, 5]]).all()
    np.testing.assert_allclose(after[[1, 4]].norm(dim=1).numpy(), 0.5, rtol=1e-5)
    np.testing.assert_allclose((after / before)[1].numpy(), (after / before)[1, 0].item(), rtol=1e-5)      # their direction stays
    again = after.clone()
    layer(tl.tensor([1, 4]))
    np.testing.assert_allclose(layer.weight.detach().numpy(), again.numpy(), rtol=1e-6)


def test_max_norm_changes_memory_that_a_gradient_may_need():
    layer = nn.Embedding(6, 3, max_norm=0.5)
    loss = (layer.weight * layer.weight).sum()
    layer(tl.tensor([1, 4]))
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


@pytest.mark.parametrize("bag", [False, True])
def test_frequent_rows_are_divided_by_how_often_they_come(bag):
    numbers = tl.tensor([[1, 2, 1], [4, 1, 2]])
    w = tl.tensor(W, requires_grad=True)
    if bag:
        F.embedding_bag(numbers, w, mode="sum", scale_grad_by_freq=True).sum().backward()
    else:
        F.embedding(numbers, w, scale_grad_by_freq=True).sum().backward()
    assert w.grad[:, 0].tolist() == [0, 1, 1, 0, 1, 0]


def test_pretrained():
    w = tl.tensor(W)
    frozen, free = nn.Embedding.from_pretrained(w), nn.Embedding.from_pretrained(w, freeze=False)
    assert not frozen.weight.requires_grad and free.weight.requires_grad and frozen.weight.array is w.array
    assert not nn.EmbeddingBag.from_pretrained(w).weight.requires_grad
    assert (frozen(tl.tensor([2, 0])) == w[[2, 0]]).all()


def test_nothing_in_the_bags():
    w = tl.tensor(W, requires_grad=True)
    for mode in ("sum", "mean", "max"):
        out = F.embedding_bag(tl.zeros(0, dtype=tl.int64), w, tl.tensor([0, 0]), mode=mode)
        out.sum().backward()
        assert out.tolist() == [[0, 0, 0]] * 2 and (w.grad == 0).all()
        assert F.embedding_bag(tl.tensor([[2, 2]]), w, mode=mode, padding_idx=2).tolist() == [[0, 0, 0]]


def test_the_first_of_the_largest_gets_the_gradient():
    w = tl.tensor([[1.0, 5], [3, 2], [3, 5]], requires_grad=True)
    F.embedding_bag(tl.tensor([[0, 1, 2], [2, 1, 1]]), w, mode="max").sum().backward()
    assert w.grad.tolist() == [[0, 1], [1, 0], [1, 1]]


w, line = tl.tensor(W), tl.tensor(LINE)
FAULTS = {
    "range": (lambda: nn.Embedding(5, 3)(tl.tensor([[0, 1], [5, 2]])), IndexError, r"index 5 \(at \(1, 0\).*there are 5"),
    "bag range": (lambda: F.embedding_bag(tl.tensor([[0, 6]]), w), IndexError, "6"),
    "floats": (lambda: nn.Embedding(5, 3)(tl.tensor([1.0])), TypeError, "long"),
    "list": (lambda: F.embedding([1, 2], w.detach().numpy()), TypeError, "Tensor"),
    "weight": (lambda: F.embedding(line, w[0]), errors.ShapeError, r"weight.*\(rows, size\).*\(3,\)"),
    "sparse": (lambda: nn.Embedding(5, 3, sparse=True), NotImplementedError, "sparse"),
    "padding": (lambda: nn.Embedding(5, 3, padding_idx=5), ValueError, "padding_idx=5"),
    "size": (lambda: nn.Embedding(5, 3.0), TypeError, "embedding_dim is an integer"),
    "pretrained": (lambda: nn.Embedding.from_pretrained(w[0]), ValueError, r"\(rows, size\)"),
    "mode": (lambda: nn.EmbeddingBag(5, 3, mode="min"), ValueError, "'sum', 'mean' or 'max'"),
    "no offsets": (lambda: F.embedding_bag(line, w), ValueError, "offsets.*None"),
    "offsets too": (lambda: F.embedding_bag(line[None], w, tl.tensor([0])), ValueError, "leave out"),
    "offsets": (lambda: F.embedding_bag(line, w, tl.tensor([1, 3])), ValueError, r"from 0 to at most 7.*\[1, 3\]"),
    "late offsets": (lambda: F.embedding_bag(line, w, tl.tensor([0, 8])), ValueError, r"at most 7"),
    "last": (lambda: F.embedding_bag(line, w, tl.tensor([0, 6]), include_last_offset=True), ValueError, "ends, 7"),
    "weights": (lambda: F.embedding_bag(line, w, tl.tensor([0]), per_sample_weights=tl.ones(7)), NotImplementedError, "mode='sum'"),
    "number of weights": (lambda: F.embedding_bag(line, w, tl.tensor([0]), mode="sum", per_sample_weights=tl.ones(6)),
                          ValueError, r"\(7,\).*\(6,\)"),
    "frequency": (lambda: F.embedding_bag(line, w, tl.tensor([0]), mode="max", scale_grad_by_freq=True), ValueError, "max"),
    "dims": (lambda: F.embedding_bag(line[None, None], w), ValueError, r"\(1, 1, 7\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    make, kind, text = FAULTS[fault]
    with pytest.raises(kind, match=text):
        make()


# ---- against PyTorch --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_max_norm_as_in_pytorch(norm_type):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (tl, torch):
        w = lib.tensor(W, requires_grad=True)
        out = lib.nn.functional.embedding(lib.tensor([[1, 2], [1, 5]]), w, max_norm=0.9, norm_type=norm_type)
        (out**2).sum().backward()
        found.append([x.detach().numpy() for x in (out, w, w.grad)])
    for mine, theirs in zip(*found):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 1, -2])
@pytest.mark.parametrize("line, starts", [(LINE, STARTS), (LINE, [0, 7, 7]), (LINE, [0]), ([], [0, 0]), ([1, 1], [0, 1])], ids=str)
def test_bags_as_in_pytorch(mode, padding, line, starts):
    torch = pytest.importorskip("torch")
    found = []
    for lib in (tl, torch):
        w = lib.tensor(W, requires_grad=True)
        out = lib.nn.functional.embedding_bag(lib.tensor(line, dtype=lib.int64), w, lib.tensor(starts), mode=mode,
                                              padding_idx=padding)
        (out**2 * lib.arange(1.0, 4, dtype=lib.float64)).sum().backward()
        found.append([x.detach().numpy() for x in (out, w.grad)])
    for mine, theirs in zip(*found):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-14)
