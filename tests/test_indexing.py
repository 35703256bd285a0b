"""Reading and writing by index, against PyTorch."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, errors, ops
from tinygrad_like.functions.indexing import one_hot
from tinygrad_like.nn.functional import embedding

torch = pytest.importorskip("torch")

random = np.random.default_rng(0)
X = random.standard_normal((3, 4, 5))
I, J = [0, 2, 2], [1, 0, 3]
MASK = random.random((3, 4)) < 0.5
NP, TL, PT = np.asarray, tl.tensor, torch.tensor


def ours(x):
    return x.detach().numpy() if isinstance(x, tl.Tensor) else x


def same(a, b, tolerance=1e-12):
    b = b.detach().numpy()
    a = ours(a)
    assert a.shape == b.shape and a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def both(f, *arrays, **options):
    """f(library, tensors …) by us and by PyTorch: the same values, and the same gradients by every float array."""
    mine = [tl.tensor(a).requires_grad_(a.dtype.kind == "f") for a in arrays]
    theirs = [torch.tensor(a).requires_grad_(a.dtype.kind == "f") for a in arrays]
    out, expected = f(tl, *mine), f(torch, *theirs)
    same(out, expected)
    if not expected.requires_grad:
        assert not out.requires_grad
        return
    v = np.random.default_rng(1).standard_normal(expected.shape)
    out.backward(tl.tensor(v))
    expected.backward(torch.tensor(v))
    for a, b in zip(mine, theirs):
        if b.grad is not None:
            same(a.grad, b.grad)


# ---- x[index] ---------------------------------------------------------------------------------------------------
INDICES = [0, -1, slice(None), slice(1, None), slice(None, None, 2), slice(5, 9), (0, 1), (0, 1, 2), (slice(1, 3), slice(0, 2)),
           None,
           (None, 1), (slice(None), None, 2), Ellipsis, (Ellipsis, 0), (Ellipsis, None), (1, Ellipsis, slice(1, 3)), (), [0, 2], [],
           (I, J), (slice(None), J), (Ellipsis, [4, 4, 0]), (I, slice(None), J), (0, slice(None), J), (slice(None), 0, J), (I, 0),
           (1, I), (Ellipsis, I, 0), (None, 0, None, I), (I, None, J), (slice(None), I, slice(1, 3)), ([[0, 1], [2, 0]],),
           ((0, 2), 1), ([[0], [2]], [[1, 2, 3]]), (I, slice(None), 1), MASK, (MASK, 2), (MASK, slice(1, 4)),
           (slice(None), [True, False, True, True]), ([True, False, True],),
           (slice(None), [True, True, False, False], [0, 3]), True, False, (slice(-2, None), Ellipsis, -1),
           (slice(None), range(3)), np.int64(1), (np.int32(2), slice(None))]


def numpy_index_for(library, index):
    """Arrays, and some of the lists, as tensors of the library."""
    make = TL if library is tl else PT
    if isinstance(index, tuple):
        return tuple([numpy_index_for(library, i) for i in index])
    if isinstance(index, range):
        return make(list(index))
    return make(index) if isinstance(index, np.ndarray) or (isinstance(index, list) and index) else index


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_getitem(index):
    both(lambda library, x: x[numpy_index_for(library, index)], X)
    np.testing.assert_array_equal(tl.tensor(X)[index].numpy(), tl.tensor(X)[numpy_index_for(tl, index)].numpy())     # lists too


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_setitem(index):
    def assign(library, x, value):
        x = x * 1
        x[numpy_index_for(library, index)] = value
        return x

    shape = torch.tensor(X)[numpy_index_for(torch, index)].shape
    both(assign, X, random.standard_normal(shape))
    both(assign, X, random.standard_normal(()))
    if len(shape) and shape[-1] > 1:
        both(assign, X, random.standard_normal((1, 1, *shape[1:])[-len(shape) - 1:] if len(shape) > 1 else (1,)))


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_setitem_writes_into_a_constant(index):
    mine, theirs = tl.tensor(X), torch.tensor(X)
    memory, number = mine.array, 7
    mine[numpy_index_for(tl, index)] = number
    theirs[numpy_index_for(torch, index)] = number
    same(mine, theirs)
    assert mine.array is memory


def test_setitem_keeps_the_type_and_writes_through_views():
    x = tl.zeros(3, dtype=tl.int64)
    x[0], x[1:] = 1.7, tl.tensor([2.5, -2.5])
    assert x.tolist() == [1, 2, -2] and x.dtype == tl.int64
    y = tl.zeros(2, 3)
    y[0][1] = 5
    y[1, [0, 2]] = np.array([1.0, 2.0])
    assert y.tolist() == [[0, 5, 0], [1, 0, 2]]
    z = tl.zeros(2, 2)
    w = tl.ones(2, requires_grad=True)
    z[1] = w * 3
    z[0, 0] = 1
    z.sum().backward()
    assert w.grad.tolist() == [3, 3] and z.tolist() == [[1, 0], [3, 3]]


def test_setitem_refuses():
    leaf = tl.zeros(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        leaf[0] = 1
    with tl.no_grad():
        leaf[0] = 1
    assert leaf.tolist() == [1, 0, 0] and leaf.requires_grad
    x = tl.zeros(2, 3)
    with pytest.raises(errors.ShapeError, match=r"has shape \(3,\).*has shape \(4,\)"):
        x[0] = tl.zeros(4)
    with pytest.raises(errors.ShapeError, match=r"has shape \(3,\).*has shape \(4,\)"):
        x[0] = tl.zeros(4, requires_grad=True)
    with pytest.raises(errors.ShapeError, match=r"has shape \(6,\).*has shape \(4,\)"):
        x[x == 0] = tl.zeros(4)
    with pytest.raises(IndexError, match="5.*dimension 0.*size 2"):
        x[5] = 1
    with pytest.raises(TypeError, match="str"):
        x[0] = "a"
    y = (leaf * 2)
    with pytest.raises(RuntimeError, match="view"):
        y[1:][0] = 3


def test_edits_by_index_are_noticed():
    x, w = tl.ones(3), tl.ones(3, requires_grad=True)
    loss = (w * x).sum()
    x[1] = 7
    with pytest.raises(RuntimeError, match=r"x\[index\] = value"):
        loss.backward()


@pytest.mark.parametrize("index, text", [(5, "5.*dimension 0.*size 3"), ((0, -9), "-9.*dimension 1.*size 4"),
                                         ([0, 3], "3.*dimension 0.*size 3"),
                                         ((0, 0, 0, 0), "too many"), (1.5, "float"), ([0.5], "integers"), ("a", "str"),
                                         (np.array([1], "uint8"), "uint8.*bool.*long"), ([[1, 2], [3]], "length")], ids=str)
def test_a_wrong_index_is_explained(index, text):
    with pytest.raises(IndexError, match=text):
        tl.tensor(X)[index]
    with pytest.raises(IndexError, match=text):
        tl.tensor(X)[index] = 1


def test_mask_of_the_wrong_shape():
    with pytest.raises(IndexError):
        tl.tensor(X)[tl.tensor([True, False])]


# ---- functions --------------------------------------------------------------------------------------------------
GATHERED = random.integers(0, 4, (2, 6, 5))
SOURCE = random.standard_normal((2, 4, 3))
SCATTERED = random.permuted(np.arange(24) % 4, axis=0).reshape(2, 4, 3)
DISTINCT = np.argsort(random.random((2, 4, 3)), axis=1)
LINE, FEW = np.array([2, 0, 2, 2]), np.array([2, 0])
FUNCTIONS = {
    "gather": (lambda l, x, i: l.gather(x, 1, i), X, GATHERED),
    "gather by names": (lambda l, x, i: x.gather(dim=-2, index=i), X, GATHERED),
    "gather 0-d": (lambda l, x, i: l.gather(x, 0, i), np.array(2.0), np.array(0)),
    "gather nothing": (lambda l, x, i: x.gather(1, i), X, np.zeros((2, 0, 5), "int64")),
    "scatter": (lambda l, x, i, s: l.scatter(x, 1, i, s), X, DISTINCT, SOURCE),
    "scatter src=": (lambda l, x, i, s: x.scatter(1, i, src=s), X, DISTINCT, SOURCE),
    "scatter value": (lambda l, x, i: l.scatter(x, 1, i, 2.5), X, SCATTERED),
    "scatter value=": (lambda l, x, i: x.scatter(dim=1, index=i, value=2.5), X, SCATTERED),
    "scatter_add": (lambda l, x, i, s: l.scatter_add(x, 1, i, s), X, SCATTERED, SOURCE),
    "scatter_add rows": (lambda l, x, i, s: x.scatter_add(0, i, s), X, random.integers(0, 3, (3, 4, 5)), X * 2),
    "scatter_reduce sum": (lambda l, x, i, s: l.scatter_reduce(x, 1, i, s, "sum"), X, SCATTERED, SOURCE),
    "scatter_reduce own sum": (lambda l, x, i, s: x.scatter_reduce(1, i, s, "sum", include_self=False), X, SCATTERED, SOURCE),
    "scatter_reduce mean": (lambda l, x, i, s: x.scatter_reduce(1, i, s, reduce="mean"), X, SCATTERED, SOURCE),
    "scatter_reduce own mean": (lambda l, x, i, s: x.scatter_reduce(1, i, s, "mean", include_self=False), X, SCATTERED, SOURCE),
    "scatter_reduce amax": (lambda l, x, i, s: x.scatter_reduce(1, i, s, "amax"), X, SCATTERED, SOURCE),
    "scatter_reduce amin": (lambda l, x, i, s: x.scatter_reduce(1, i, s, "amin", include_self=False), X, SCATTERED, SOURCE),
    "scatter_reduce ties": (lambda l, x, i, s: x.scatter_reduce(0, i, s, "amax"), np.ones(3), LINE, np.ones(4)),
    "index_select": (lambda l, x, i: l.index_select(x, 1, i), X, LINE),
    "index_select 0": (lambda l, x, i: x.index_select(dim=0, index=i), X, LINE),
    "index_select of a number": (lambda l, x, i: x.index_select(-1, i), X, np.array(2)),
    "index_select 0-d": (lambda l, x, i: x.index_select(0, i), np.array(2.0), np.array([0])),
    "index_add": (lambda l, x, i, s: l.index_add(x, 2, i, s), X, LINE, random.standard_normal((3, 4, 4))),
    "index_add alpha": (lambda l, x, i, s: x.index_add(0, i, s, alpha=-2), X, LINE, random.standard_normal((4, 4, 5))),
    "index_copy": (lambda l, x, i, s: l.index_copy(x, 1, i, s), X, FEW, random.standard_normal((3, 2, 5))),
    "index_fill": (lambda l, x, i: l.index_fill(x, -1, i, 3), X, LINE - 3),
    "index_fill 0-d": (lambda l, x, i, v: x.index_fill(1, i, v), X, LINE, np.array(2.0)),
    "index_put": (lambda l, x, i, v: l.index_put(x, (i,), v), X, FEW, random.standard_normal((2, 4, 5))),
    "index_put two": (lambda l, x, i, v: x.index_put((i, i), v), X, FEW, random.standard_normal((2, 5))),
    "index_put accumulate": (lambda l, x, i, v: x.index_put((i, i), v, accumulate=True), X, LINE, random.standard_normal(5)),
    "take": (lambda l, x, i: l.take(x, i), X, np.array([[3, -1], [59, 3]])),
    "put": (lambda l, x, i, v: x.put(i, v), X, np.array([[3, -1], [59, 4]]), np.arange(4.0)),
    "put accumulate": (lambda l, x, i, v: x.put(i, v, True), X, np.array([3, -1, 3]), np.arange(3.0)),
    "take_along_dim": (lambda l, x, i: l.take_along_dim(x, i, 1), X, random.integers(0, 4, (3, 2, 1))),
    "take_along_dim wide": (lambda l, x, i: l.take_along_dim(x, i, dim=2), X[:1], random.integers(0, 5, (3, 1, 2))),
    "take_along_dim flat": (lambda l, x, i: l.take_along_dim(x, i), X, random.integers(0, 5, (3, 1, 2))),
    "masked_fill": (lambda l, x, m: l.masked_fill(x, m, -1e9), X, MASK[..., None]),
    "masked_fill tensor": (lambda l, x, m, v: x.masked_fill(m, v), X, MASK[..., None], np.array(3.0)),
    "masked_fill wide": (lambda l, x, m: x.masked_fill(m, 1), X[0], MASK[..., None]),
    "masked_fill integers": (lambda l, x, m: x.masked_fill(m, 1.7), np.arange(4), MASK[0]),
    "masked_select": (lambda l, x, m: l.masked_select(x, m), X, MASK[..., None]),
    "masked_select wide": (lambda l, x, m: x.masked_select(m), X[:, 0], np.ones((2, 3, 5), bool)),
    "masked_scatter": (lambda l, x, m, s: l.masked_scatter(x, m, s), X, np.repeat(MASK[..., None], 5, 2), X * 2),
    "nonzero": (lambda l, x: l.nonzero(x), MASK),
    "nonzero 0-d": (lambda l, x: l.nonzero(x), np.array(3)),
    "nonzero as_tuple": (lambda l, x: l.nonzero(x, as_tuple=True)[1], MASK),
    "nonzero as_tuple 0-d": (lambda l, x: x.nonzero(as_tuple=True)[0], np.array(3)),
    "argwhere": (lambda l, x: l.argwhere(x), np.arange(5) % 2),
    "searchsorted": (lambda l, a, x: l.searchsorted(a, x), np.arange(5), np.array([[0, 3], [7, -1]])),
    "searchsorted right": (lambda l, a, x: l.searchsorted(a, x, right=True), np.arange(5), np.array([0, 3])),
    "searchsorted side": (lambda l, a, x: l.searchsorted(a, x, side="right", out_int32=True), np.arange(5), np.array([0, 3])),
    "searchsorted stack": (lambda l, a, x: l.searchsorted(a, x),
                           np.arange(6).reshape(2, 3), np.array([[0, 3], [4, 9]])),
    "searchsorted number": (lambda l, a: l.searchsorted(a, 2), np.arange(5)),
    "searchsorted sorter": (lambda l, a, x, i: l.searchsorted(a, x, sorter=i),
                            np.array([3, 1]), np.array([2, 5]), np.array([1, 0])),
    "bucketize": (lambda l, x, b: l.bucketize(x, b), np.array([[0, 3], [7, -1]]), np.arange(5)),
    "bucketize right": (lambda l, x, b: l.bucketize(x, boundaries=b, right=True), np.array([0, 3]), np.arange(5)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    f, *arrays = FUNCTIONS[name]
    both(f, *arrays)


def test_scatter_takes_what_it_needs_of_a_larger_src():
    src = random.standard_normal((3, 6, 7))                     # PyTorch's gradients refuse this
    for scatter in "scatter", "scatter_add":
        x, s, part = [tl.tensor(a, requires_grad=True) for a in (X, src, src[:2, :4, :3])]
        out, smaller = [getattr(x, scatter)(1, tl.tensor(DISTINCT), y) for y in (s, part)]
        same(out, torch.tensor(smaller.detach().numpy()))
        (out * out).sum().backward()
        (smaller * smaller).sum().backward()
        assert (s.grad[:2, :4, :3] == part.grad).all() and s.grad[2].abs().sum() == 0 and part.grad.abs().min() > 0
    added = tl.tensor(X).scatter(1, tl.tensor(SCATTERED), 2.5, reduce="add")
    same(added, torch.tensor(X).scatter(1, torch.tensor(SCATTERED), 2.5, reduce="add"))


METHODS_IN_PLACE = {"scatter_": (1, DISTINCT, SOURCE), "scatter_add_": (1, SCATTERED, SOURCE),
                    "scatter_reduce_": (1, SCATTERED, SOURCE, "amax"), "index_add_": (0, LINE, random.standard_normal((4, 4, 5))),
                    "index_copy_": (0, FEW, random.standard_normal((2, 4, 5))),
                    "index_fill_": (1, LINE, 2.0), "index_put_": ((LINE,), random.standard_normal(5), True),
                    "put_": (FEW, np.arange(2.0)), "masked_fill_": (MASK[..., None], 2.0),
                    "masked_scatter_": (np.repeat(MASK[..., None], 5, 2), X * 2)}


@pytest.mark.parametrize("name", METHODS_IN_PLACE)
def test_method_in_place(name):
    def of(make, x):
        return tuple([of(make, y) for y in x]) if isinstance(x, tuple) else make(x) if isinstance(x, np.ndarray) else x

    mine, theirs = tl.tensor(X), torch.tensor(X)
    memory = mine.array
    assert getattr(mine, name)(*of(TL, METHODS_IN_PLACE[name])) is mine and mine.array is memory
    getattr(theirs, name)(*of(PT, METHODS_IN_PLACE[name]))
    same(mine, theirs)


def test_float32_stays_float32():
    x = tl.randn(3, 4, requires_grad=True)
    i = tl.tensor([[0, 1], [2, 0], [1, 1]])
    out = x.gather(1, i).sum() + x.scatter(1, i, tl.ones(3, 2)).sum() + x.masked_fill(x > 0, 1.0).sum()
    out.backward()
    assert out.dtype == tl.float32 and x.grad.dtype == tl.float32


FAULTS = {
    "gather, out of range": (lambda x: tl.gather(x, 1, tl.tensor([[0], [9]])), IndexError, r"gather.*dim 1.*9.*\(1, 0\).* are 4"),
    "gather, negative": (lambda x: tl.gather(x, 1, tl.tensor([[-1]])), RuntimeError, "-1"),
    "gather, dims": (lambda x: tl.gather(x, 0, tl.tensor([1])), errors.ShapeError, "as many dims"),
    "gather, too long": (lambda x: tl.gather(x, 0, tl.zeros(1, 5).long()), errors.ShapeError, "longer along dim 1"),
    "gather, floats": (lambda x: tl.gather(x, 0, tl.zeros(1, 1)), TypeError, "long"),
    "gather, dim": (lambda x: tl.gather(x, 2, tl.zeros(1, 1).long()), IndexError, "dim 2"),
    "scatter, short src": (lambda x: x.scatter(0, tl.zeros(2, 2).long(), tl.ones(1, 2, dtype=x.dtype)), errors.ShapeError, "src"),
    "scatter, type": (lambda x: x.scatter(0, tl.zeros(1, 1).long(), tl.ones(1, 1).half()), RuntimeError, "float16.*src.to"),
    "scatter, no values": (lambda x: x.scatter(0, tl.zeros(2, 2).long()), TypeError, "src or value"),
    "scatter, reduce": (lambda x: x.scatter(0, tl.zeros(2, 2).long(), 1, reduce="multiply"), NotImplementedError, "multiply"),
    "scatter_reduce, prod": (lambda x: x.scatter_reduce(0, tl.zeros(2, 2).long(), x, "prod"), NotImplementedError, "prod"),
    "index_select": (lambda x: x.index_select(0, tl.tensor([3])), IndexError, "3.*there are 3"),
    "index_select, 2-d": (lambda x: x.index_select(0, tl.tensor([[1]])), IndexError, "one line"),
    "index_add": (lambda x: x.index_add(0, tl.tensor([0]), tl.ones(2, 4)), errors.ShapeError, r"\(1, 4\).*\(2, 4\)"),
    "take": (lambda x: x.take(tl.tensor([12])), IndexError, "12"),
    "masked_fill, mask": (lambda x: x.masked_fill(tl.tensor([1, 0, 1, 1]), 0), TypeError, "booleans.*bool"),
    "masked_fill, value": (lambda x: x.masked_fill(x > 0, tl.ones(4)), ValueError, "0-d"),
    "masked_scatter": (lambda x: x.masked_scatter(x == x, tl.ones(4)), RuntimeError, "12 places.*4 elements"),
    "embedding": (lambda x: embedding(tl.tensor([[0, 1], [7, 2]]), x), IndexError, r"7.*\(1, 0\).*there are 3"),
    "embedding, negative": (lambda x: embedding(tl.tensor([-1]), x), IndexError, "-1"),
    "embedding, floats": (lambda x: embedding(tl.tensor([0.5]), x), TypeError, "long"),
    "embedding, sparse": (lambda x: embedding(tl.tensor([0]), x, sparse=True), NotImplementedError, "sparse"),
    "one_hot": (lambda x: one_hot(tl.tensor([0, 3]), 3), IndexError, "3.*there are 3"),
    "one_hot, negative": (lambda x: one_hot(tl.tensor([0, -1])), IndexError, "-1"),
    "one_hot, empty": (lambda x: one_hot(tl.tensor([]).long()), RuntimeError, "num_classes"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_explained(name):
    f, kind, text = FAULTS[name]
    with pytest.raises(kind, match=text):
        f(tl.tensor(X[:, :, 0]))


@pytest.mark.parametrize("padding", [None, 2, -1])
def test_embedding(padding):
    F = torch.nn.functional
    rows = np.array([[0, 2, 2], [4, 1, 2]])
    both(lambda l, w, i: (embedding if l is tl else F.embedding)(i, w, padding), random.standard_normal((5, 3)), rows)
    both(lambda l, w, i: (embedding if l is tl else F.embedding)(i, w, padding), random.standard_normal((5, 3)), rows[:0])
    both(lambda l, w, i: (embedding if l is tl else F.embedding)(i, w, padding), random.standard_normal((5, 3)), np.array(3))


def test_one_hot():
    for labels, classes in ([[0, 2], [1, 1]], -1), ([[0, 2], [1, 1]], 5), (3, -1):
        same(one_hot(tl.tensor(labels), classes), torch.nn.functional.one_hot(torch.tensor(labels), classes))


# ---- adding at places that repeat -------------------------------------------------------------------------------
@pytest.mark.parametrize("rows", ["uniform", "few", "same", "none"])
@pytest.mark.parametrize("shape", [(50,), (50, 3), (50, 40), (50, 3, 20), (0, 4)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_add_at(rows, shape, dtype):
    n = 0 if rows == "none" or not shape[0] else 400
    index = {"uniform": random.integers(-shape[0], shape[0], n) if n else np.zeros(0, int), "few": random.integers(0, 3, n),
             "same": np.zeros(n, int), "none": np.zeros(0, int)}[rows]
    values = (10 * random.standard_normal((n, *shape[1:]))).astype(dtype)
    expected, out = np.zeros(shape, dtype), np.zeros(shape, dtype)
    np.add.at(expected, index, values)
    backend.add_at(out, index, values)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("index", [(I, J), (I, [-1, -1, -1], [0, 0, 0]), ([[0], [2]], [[1, 1, 3]]), (slice(None), J),
                                   (I, slice(None), J), MASK, (slice(1, 3), 2), (Ellipsis, [0, 0]), (2, 1, 0)], ids=str)
def test_add_at_any_index(index):
    index = tuple([np.array(i) if isinstance(i, list) else i for i in index]) if isinstance(index, tuple) else index
    for transposed in (False, True):
        out, expected = [np.zeros((3, 4, 5)) if not transposed else np.zeros((5, 4, 3)).T for _ in range(2)]
        values = random.standard_normal(expected[index].shape)
        np.add.at(expected, index, values)
        backend.add_at(out, index, values)
        np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_basic_index_shares_memory_and_its_gradient_does_not():
    x = tl.tensor(X)
    assert np.shares_memory(x[1:, 0].array, x.array) and not np.shares_memory(x[[0, 1]].array, x.array)
    g = ops.put_add(np.ones(2), index=slice(2), into=(3,))
    assert g.tolist() == [1, 1, 0]


# ---- on a GPU, where indices out of range wrap around in silence: on the strict double, which does so too --------
@pytest.fixture
def device():
    backend.library("strict")                                   # conftest.py has registered it
    return "strict"


def test_indices_that_came_from_the_host_are_checked_on_a_device(device):
    x, w = tl.tensor(X).to(device), tl.tensor(X[0]).to(device).requires_grad_()
    labels = tl.tensor([0, 7, 1]).to(device)
    for f in (lambda: x[labels], lambda: x[:, 0, labels], lambda: embedding(labels, w), lambda: x[0].gather(0, labels[:, None]),
              lambda: x.index_select(0, labels), lambda: x[..., [-9]], lambda: one_hot(labels, 3), lambda: x[labels[1:]]):
        with pytest.raises(IndexError, match="7|-9"):
            f()
    with pytest.raises(IndexError, match="7"):
        x[labels] = 0
    assert x[labels[::2]].shape == (2, 4, 5)                    # a part of a line with an index out of range
    embedding(labels[::2], w).sum().backward()
    assert w.grad.sum(1).tolist() == [5, 5, 0, 0]


def test_indices_made_on_a_device_are_checked_in_debug_mode_only(device, monkeypatch):
    x, labels = tl.tensor(X).to(device), tl.tensor([0, 2]).to(device) + 1
    assert x[labels].shape == (2, 4, 5)                         # wrapped around
    monkeypatch.setattr(backend, "debug", True)
    with pytest.raises(IndexError, match="3.*there are 3"):
        x.index_select(0, labels)


def test_what_is_known_of_indices_ends_with_an_edit(device):
    labels = tl.tensor([0, 1]).to(device)
    assert backend.range_of(labels.array) == (0, 1) and backend.range_of(labels[1:].array) == (0, 1)
    labels[0] = 9
    assert backend.range_of(labels.array) is None
    key = id(labels.array)
    del labels
    assert key not in backend._ranges
