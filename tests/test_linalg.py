"""Products of matrices and linear algebra, against PyTorch."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import errors, ops
from tinygrad_like.functions.linalg import bilinear, linear

from .test_indexing import both, same

torch = pytest.importorskip("torch")

random = np.random.default_rng(0)


def normal(*shape):
    return random.standard_normal(shape)


def positive(*shape):
    x = normal(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


# ---- matmul -----------------------------------------------------------------------------------------------------
SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
          ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)),
          ((6, 5, 2, 3), (3, 4)), ((2, 0), (0, 4)), ((0, 3), (3, 4)), ((0, 2, 3), (3, 4)), ((5, 2, 0), (0, 4)), ((0,), (0,)),
          ((2, 3), (3, 0)),
          ((1,), (1, 1))]


@pytest.mark.parametrize("a, b", SHAPES, ids=str)
def test_matmul(a, b):
    both(lambda l, x, y: x @ y, normal(*a), normal(*b))
    both(lambda l, x, y: l.matmul(x, y), *[np.swapaxes(normal(*s[::-1]).T, 0, 0) for s in (a, b)])     # laid out the other way
    integers = [random.integers(-3, 3, s) for s in (a, b)]
    if 0 not in (*a, *b):
        both(lambda l, x, y: x @ y, *integers)


@pytest.mark.parametrize("a, b", [s for s in SHAPES if 0 not in (*s[0], *s[1])], ids=str)
def test_matmul_twice(a, b):
    def gradient(l, x, y):
        grad = tl.autograd.grad if l is tl else torch.autograd.grad
        dx, dy = grad(((x @ y) ** 3).sum(), (x, y), create_graph=True)
        return (dx * dx).sum() + (dy * dy).sum()

    both(gradient, 0.5 * normal(*a), 0.5 * normal(*b))


def test_matmul_of_two_types():
    x, y = tl.randn(2, 3, requires_grad=True), tl.randn(3, dtype=tl.float64, requires_grad=True)
    out = x @ y
    out.sum().backward()
    assert out.dtype == tl.float64 and x.grad.dtype == tl.float32 and y.grad.dtype == tl.float64
    assert (tl.ones(2, 2, dtype=tl.int64) @ tl.ones(2)).dtype == tl.float32
    array = np.ones((3, 2), "float32") @ x
    assert isinstance(array, tl.Tensor) and array.requires_grad


# ---- linear -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("lead", [(), (4,), (2, 5), (0,), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear(lead, bias):
    def layer(l, x, w, *b):
        return (linear if l is tl else torch.nn.functional.linear)(x, w, *b)

    both(layer, normal(*lead, 3), normal(4, 3), *[normal(4)] * bias)
    both(lambda l, *a: layer(l, *a) ** 2, normal(3, *lead).T, normal(3, 4).T, *[normal(4)] * bias)
    if lead and not bias:
        both(layer, normal(*lead, 3), normal(3))


def test_linear_is_its_composition():
    x, w, b = [tl.tensor(normal(*s), requires_grad=True) for s in ((5, 3), (4, 3), (4,))]

    def of(f):
        grads = tl.autograd.grad((f(x, w, b) ** 3).sum(), (x, w, b), create_graph=True)
        return tl.autograd.grad(sum([(g * g).sum() for g in grads]), (x, w, b))

    for a, b2 in zip(of(linear), of(lambda x, w, b: x @ w.T + b)):
        np.testing.assert_allclose(a.numpy(), b2.numpy(), rtol=1e-12)


def test_bilinear():
    both(lambda l, x, y, w, b: (bilinear if l is tl else torch.nn.functional.bilinear)(x, y, w, b),
         normal(5, 2), normal(5, 3), normal(4, 2, 3), normal(4))


# ---- einsum and its kin -----------------------------------------------------------------------------------------
EQUATIONS = {
    "ij,jk->ik": ((2, 3), (3, 4)), "ij,jk": ((2, 3), (3, 4)), "ba": ((2, 3),), "ij->": ((2, 3),), "i,j->ij": ((2,), (3,)),
    "i,i": ((3,), (3,)), "bij,bjk->bik": ((5, 2, 3), (5, 3, 4)), "bhqd,bhkd->bhqk": ((2, 3, 4, 5), (2, 3, 6, 5)),
    "ii->i": ((3, 3),),
    "ii": ((3, 3),),
    "iij->ji": ((3, 3, 2),), "iii->i": ((3, 3, 3),), "ii,ij->j": ((3, 3), (3, 2)), "...ij,...jk->...ik": ((5, 2, 3), (4, 1, 3, 2)),
    "...i->...": ((2, 3, 4),), "i...": ((2, 3),), "...": ((2, 3),), "...,...": ((2, 3), (3,)), "i...,i->...": ((2, 3, 4), (2,)),
    "ij,ij,ij->i": ((2, 3),) * 3, "ai,bij,cj->abc": ((2, 3), (4, 3, 5), (2, 5)), "ij,kl->il": ((2, 3), (4, 5)),
    "ij,j->ij": ((2, 3), (1,)), "ij,jk -> ki": ((2, 3), (1, 4)), "Ab,bC->CA": ((2, 3), (3, 4)),
    "a,b,c,d->dcba": ((2,), (3,), (2,), (1,)), ",ij->ij": ((), (2, 3)),
    "ij,jk->": ((2, 0), (0, 3)), "...ii->...i": ((4, 3, 3),), "bi,oij,bj->bo": ((5, 2), (4, 2, 3), (5, 3)),
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation):
    arrays = [normal(*s) for s in EQUATIONS[equation]]
    both(lambda l, *xs: l.einsum(equation, *xs), *arrays)
    if 0 not in arrays[0].shape:
        def gradient(l, *xs):
            grads = (tl if l is tl else torch).autograd.grad((l.einsum(equation, *xs) ** 2).sum(), xs, create_graph=True)
            return sum([(g * g).sum() for g in grads])

        both(gradient, *arrays)


def test_einsum_of_lists():
    x, y = normal(2, 3), normal(3, 4)
    both(lambda l, x, y: l.einsum(x, [0, 1], y, [1, 2], [2, 0]), x, y)
    both(lambda l, x, y: l.einsum(x, [0, 1], y, [1, 2]), x, y)
    both(lambda l, x: l.einsum(x, [Ellipsis, 1], [1, Ellipsis]), x)
    both(lambda l, x, y: l.einsum("ij,jk", [x, y]), x, y)


FUNCTIONS = {
    "mm": ((2, 3), (3, 4)), "bmm": ((5, 2, 3), (5, 3, 4)), "mv": ((2, 3), (3,)), "dot": ((3,), (3,)), "vdot": ((3,), (3,)),
    "inner": ((2, 3), (4, 5, 3)), "outer": ((2,), (3,)), "ger": ((2,), (3,)), "kron": ((2, 3), (4, 1)), "cross": ((2, 3), (2, 3)),
    "addmm": ((4,), (2, 3), (3, 4)), "addmv": ((2,), (2, 3), (3,)), "addr": ((2, 3), (2,), (3,)),
    "baddbmm": ((5, 1, 4), (5, 2, 3), (5, 3, 4)),
    "addbmm": ((2, 4), (5, 2, 3), (5, 3, 4)), "tensordot": ((2, 3, 4), (3, 4, 5)), "chain_matmul": ((2, 3), (3, 4), (4, 2)),
    "cdist": ((2, 3), (4, 3)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(name):
    both(lambda l, *xs: getattr(l, name)(*xs), *[normal(*s) for s in FUNCTIONS[name]])
    if name not in ("einsum", "tensordot", "chain_matmul", "cdist"):
        both(lambda l, x, *xs: getattr(x, name)(*xs), *[normal(*s) for s in FUNCTIONS[name]])


CALLS = {
    "addmm": lambda l, x, y, z: l.addmm(x, y, z, beta=0.5, alpha=2),
    "addmm, input ignored": lambda l, x, y, z: l.addmm(l.full((2,), np.nan, dtype=l.float64), y, z, beta=0),
    "tensordot lists": lambda l, x, y, z: l.tensordot(y, z, dims=([1], [0])),
    "tensordot 0": lambda l, x, y, z: l.tensordot(y, z, 0),
    "inner number": lambda l, x, y, z: l.inner(x.sum(), y),
    "kron of different dims": lambda l, x, y, z: l.kron(x[0], y),
    "cdist 1": lambda l, x, y, z: l.cdist(y, y + 1, p=1.0),
    "matrix_power 0": lambda l, x, y, z: l.matrix_power(x, 0),
    "matrix_power 1": lambda l, x, y, z: l.matrix_power(x, 1),
    "matrix_power 5": lambda l, x, y, z: l.matrix_power(x, 5),
    "matrix_power -3": lambda l, x, y, z: l.linalg.matrix_power(x, -3),
    "multi_dot": lambda l, x, y, z: l.linalg.multi_dot([y[0], z, x, x[0]]),
    "multi_dot of one": lambda l, x, y, z: l.linalg.multi_dot([y, z]),
    "vecdot": lambda l, x, y, z: l.linalg.vecdot(y, y + 1, dim=0),
    "cross of stacks": lambda l, x, y, z: l.linalg.cross(y, y[:1] * 2),
    "cross dim": lambda l, x, y, z: l.linalg.cross(z, z + 1, dim=0),
    "diagonal": lambda l, x, y, z: l.linalg.diagonal(z, offset=1),
}


@pytest.mark.parametrize("name", CALLS)
def test_call(name):
    both(CALLS[name], normal(2, 2), normal(2, 3), normal(3, 2))


def test_in_place():
    for name in "addmm_", "addmv_":
        arrays = [normal(*s) for s in FUNCTIONS[name[:-1]]]
        arrays[0] = arrays[0] + np.zeros((2, 4) if name == "addmm_" else 2)
        mine, theirs = [tl.tensor(a) for a in arrays], [torch.tensor(a) for a in arrays]
        assert getattr(mine[0], name)(*mine[1:]) is mine[0]
        same(mine[0], getattr(theirs[0], name)(*theirs[1:]))


# ---- equations and decompositions -------------------------------------------------------------------------------
A, S, WIDE = normal(2, 3, 3) + 2 * np.eye(3), positive(2, 3, 3), normal(2, 3, 4)
DECOMPOSITIONS = {
    "inv": (lambda l, a: l.linalg.inv(a), A), "inverse": (lambda l, a: a.inverse(), A[0]), "det": (lambda l, a: l.det(a), A),
    "det 1": (lambda l, a: l.linalg.det(a), A[:, :1, :1]), "logdet": (lambda l, a: l.logdet(a), S),
    "slogdet sign": (lambda l, a: l.linalg.slogdet(a).sign, A), "slogdet": (lambda l, a: a.slogdet().logabsdet, A),
    "solve": (lambda l, a, b: l.linalg.solve(a, b), A, WIDE),
    "solve vector": (lambda l, a, b: l.linalg.solve(a[0], b[0, :, 0]), A, WIDE),
    "solve vectors": (lambda l, a, b: l.linalg.solve(a, b[..., 0]), A, WIDE),
    "solve one for all": (lambda l, a, b: l.linalg.solve(a, b[0]), A, WIDE),
    "solve right": (lambda l, a, b: l.linalg.solve(a, b.mT, left=False), A, WIDE),
    "solve_triangular": (lambda l, a, b: l.linalg.solve_triangular(a, b, upper=True), A, WIDE),
    "solve_triangular lower": (lambda l, a, b: l.linalg.solve_triangular(a, b.mT, upper=False, left=False), A, WIDE),
    "solve_triangular unit": (lambda l, a, b: l.linalg.solve_triangular(a, b, upper=False, unitriangular=True), A, WIDE),
    "cholesky": (lambda l, a: l.linalg.cholesky(a), S), "cholesky upper": (lambda l, a: l.linalg.cholesky(a, upper=True), S),
    "cholesky old": (lambda l, a: a.cholesky(True), S[0]),
    "eigh values": (lambda l, a: l.linalg.eigh(a).eigenvalues, S), "eigvalsh": (lambda l, a: l.linalg.eigvalsh(a), S),
    "eigh vectors": (lambda l, a: l.linalg.eigh((a + a.mT) / 2).eigenvectors ** 2, S),
    "svd values": (lambda l, a: l.linalg.svd(a, full_matrices=False).S, WIDE),
    "svdvals": (lambda l, a: l.linalg.svdvals(a.mT), WIDE),
    "svd": (lambda l, a: l.linalg.svd(a, full_matrices=False)[0] ** 2, WIDE),
    "svd tall": (lambda l, a: l.linalg.svd(a.mT, False).Vh ** 2, WIDE),
    "qr": (lambda l, a: l.linalg.qr(a.mT)[0], WIDE), "qr r": (lambda l, a: l.linalg.qr(a.mT).R, WIDE),
    "qr, wide": (lambda l, a: l.linalg.qr(a)[0], WIDE), "qr r, wide": (lambda l, a: l.linalg.qr(a).R, WIDE),
    "pinv": (lambda l, a: l.linalg.pinv(a), WIDE), "pinverse": (lambda l, a: a.pinverse(), WIDE),
    "pinv rtol": (lambda l, a: l.linalg.pinv(a, rtol=0.1), np.diag([1.0, 2.0, 0.01])[:, :2]),
    "lstsq": (lambda l, a, b: l.linalg.lstsq(a.mT, b.mT[..., :2]).solution, WIDE, normal(2, 3, 4)),
    "cond": (lambda l, a: l.linalg.cond(a), A), "cond -2": (lambda l, a: l.linalg.cond(a, -2), A),
    "matrix_rank": (lambda l, a: l.linalg.matrix_rank(a), np.ones((2, 3, 4))),
    "norm": (lambda l, a: l.linalg.norm(a), A), "norm ord": (lambda l, a: l.linalg.norm(a[0], 1), A),
    "norm dim": (lambda l, a: l.linalg.norm(a, 3, dim=1, keepdim=True), A),
    "vector_norm": (lambda l, a: l.linalg.vector_norm(a, 1, dim=(0, 2)), A),
    "vector_norm inf": (lambda l, a: l.linalg.vector_norm(a, float("inf")), A),
    **{f"matrix_norm {p} {keep}": (lambda l, a, p=p, keep=keep: l.linalg.matrix_norm(a, p, keepdim=keep), WIDE)
       for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")) for keep in (False, True)},
    "matrix_norm dims": (lambda l, a: l.linalg.matrix_norm(a, 2, dim=(2, 0)), WIDE),
    "matrix_norm dims 1": (lambda l, a: l.linalg.matrix_norm(a, 1, dim=(2, 0)), WIDE),
}


@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_decomposition(name):
    f, *arrays = DECOMPOSITIONS[name]
    if "upper" in name or name.startswith(("cholesky", "eigvalsh", "eigh values")):
        symmetric = f
        f = lambda l, a: symmetric(l, (a + a.mT) / 2)           # noqa: E731
    both(f, *arrays)


def test_decompositions_say_what_they_decompose():
    a, s = tl.tensor(WIDE), tl.tensor(S)
    u, d, vh = tl.linalg.svd(a)
    assert u.shape == (2, 3, 3) and vh.shape == (2, 4, 4)
    np.testing.assert_allclose(((u * d[:, None]) @ vh[:, :3]).numpy(), WIDE)
    w, v = tl.linalg.eigh(s)
    np.testing.assert_allclose((v @ (w[..., None] * v.mT)).numpy(), S)
    result = tl.linalg.lstsq(a.mT, tl.tensor(normal(2, 4, 1)))
    expected = torch.linalg.lstsq(torch.tensor(WIDE).mT, torch.zeros(2, 4, 1).double(), driver="gelsd")
    np.testing.assert_allclose(tl.linalg.cond(s, 1).numpy(), np.linalg.cond(S, 1))
    assert result.rank.tolist() == [3, 3] and result.residuals.shape == expected.residuals.shape


@pytest.mark.parametrize("x", [[[1.0, 2], [2, 4]], [[0.0, 0], [0, 0]], [[0.0]], [[1.0, 2, 3], [2, 4, 6], [1, 0, 1]],
                               [[5.0, 0], [0, 0]]])
def test_the_determinant_of_a_singular_matrix_has_its_gradient(x):
    x = np.array(x)
    mine = tl.tensor(x, requires_grad=True)
    tl.det(mine).backward()
    n = range(len(x))
    cofactors = [[(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(x, i, 0), j, 1)) for j in n] for i in n]
    np.testing.assert_allclose(mine.grad.numpy(), cofactors, atol=1e-12)


def test_equal_eigenvalues_have_a_gradient():
    x = tl.eye(3, dtype=tl.float64).requires_grad_()
    (tl.linalg.eigh(x).eigenvalues * tl.tensor([1.0, 1, 1])).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.eye(3), atol=1e-12)
    (tl.linalg.svdvals(x).sum() + tl.linalg.svd(x).S.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * np.eye(3), atol=1e-12)


def test_float32_stays_float32():
    x = (tl.randn(4, 4) + 4 * tl.eye(4)).requires_grad_()
    s = x @ x.mT
    outs = [tl.det(x), tl.inverse(x), tl.linalg.solve(x, x[0]), tl.linalg.cholesky(s), *tl.linalg.eigh(s), *tl.linalg.svd(x),
            *tl.linalg.qr(x), tl.linalg.pinv(x), tl.linalg.slogdet(x)[1], linear(x, x, x[0]), tl.einsum("ij,jk,kl->il", x, x, x)]
    sum([out.sum() for out in outs]).backward()
    assert {out.dtype for out in outs} == {tl.float32} and x.grad.dtype == tl.float32


FAULTS = {
    "inner lengths": (lambda: tl.ones(2, 3) @ tl.ones(4, 5), errors.ShapeError,
                      r"\(2, 3\).*\(4, 5\).*last axis of x is 3.*axis -2 of y is 4"),
    "y transposed": (lambda: tl.ones(2, 3) @ tl.ones(5, 3), errors.ShapeError, r"y\.mT"),
    "x transposed": (lambda: tl.ones(4, 2) @ tl.ones(4, 5), errors.ShapeError, r"x\.mT"),
    "images": (lambda: tl.ones(2, 28, 28) @ tl.ones(784, 5), errors.ShapeError, "flatten"),
    "stacks": (lambda: tl.ones(2, 3, 4) @ tl.ones(5, 4, 3), errors.ShapeError, "stacks.*axis -1 is 2.*5"),
    "0-d": (lambda: tl.ones(2) @ tl.tensor(1.0), errors.ShapeError, "multiplies by"),
    "mm": (lambda: tl.mm(tl.ones(2), tl.ones(2, 2)), errors.ShapeError, "2 dims"),
    "bmm": (lambda: tl.bmm(tl.ones(2, 1, 1), tl.ones(3, 1, 1)), errors.ShapeError, "high"),
    "dot": (lambda: tl.dot(tl.ones(2), tl.ones(3)), errors.ShapeError, "2.*3"),
    "addmm": (lambda: tl.addmm(tl.ones(3), tl.ones(2, 2), tl.ones(2, 2)), errors.ShapeError, "broadcasts"),
    "linear": (lambda: linear(tl.ones(2, 5), tl.ones(4, 3)), errors.ShapeError, r"\(2, 5\).*\(4, 3\).*is 5, and 3 was expected"),
    "linear, images": (lambda: linear(tl.ones(2, 1, 28, 28), tl.ones(4, 784)), errors.ShapeError, "flatten"),
    "linear, bias": (lambda: linear(tl.ones(2, 3), tl.ones(4, 3), tl.ones(3)), errors.ShapeError, r"bias.*\(4,\).*\(3,\)"),
    "einsum, operands": (lambda: tl.einsum("ij,jk", tl.ones(2, 2)), ValueError, "2 operands, got 1"),
    "einsum, letters": (lambda: tl.einsum("ijk->i", tl.ones(2, 2)), errors.ShapeError, "letter for each dim"),
    "einsum, lengths": (lambda: tl.einsum("ij,jk", tl.ones(2, 3), tl.ones(4, 2)), errors.ShapeError, "'j'.*3.*4"),
    "einsum, result": (lambda: tl.einsum("ij->k", tl.ones(2, 3)), ValueError, "arrow"),
    "einsum, diagonal": (lambda: tl.einsum("ii", tl.ones(2, 3)), errors.ShapeError, "twice"),
    "tensordot": (lambda: tl.tensordot(tl.ones(2, 3), tl.ones(2, 3), 1), errors.ShapeError, "lengths"),
    "cross": (lambda: tl.cross(tl.ones(2, 2), tl.ones(2, 2)), errors.ShapeError, "length 3"),
    "inv, singular": (lambda: tl.linalg.inv(tl.ones(2, 2)), tl.linalg.LinAlgError, "no inverse"),
    "solve, singular": (lambda: tl.linalg.solve(tl.ones(2, 2), tl.ones(2)), RuntimeError, "no inverse"),
    "cholesky": (lambda: tl.linalg.cholesky(-tl.eye(2)), RuntimeError, "positive"),
    "inv, not square": (lambda: tl.inverse(tl.ones(2, 3)), errors.ShapeError, "square"),
    "solve, shapes": (lambda: tl.linalg.solve(tl.ones(2, 2), tl.ones(3, 2)), errors.ShapeError, r"\(…, 2, k\)"),
    "svd": (lambda: tl.linalg.svd(tl.ones(2, 3, requires_grad=True)), NotImplementedError, "full_matrices=False"),
    "eigh": (lambda: tl.linalg.eigh(tl.ones(2, 2), UPLO="U"), NotImplementedError, "UPLO"),
    "qr": (lambda: tl.linalg.qr(tl.ones(2, 2), mode="complete"), NotImplementedError, "complete"),
    "matrix_norm": (lambda: tl.linalg.matrix_norm(tl.ones(2, 2), 3), ValueError, "ord"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_explained(name):
    f, kind, text = FAULTS[name]
    with pytest.raises(kind, match=text):
        f()


def test_one_matrix_and_a_stack_make_one_product(monkeypatch):
    """The weight's gradient is one product of tall matrices, not a product for each of the stack."""
    x, w = tl.randn(50, 2, 3), tl.randn(3, 4, requires_grad=True)
    seen = []
    forward = ops.matmul.forward
    monkeypatch.setattr(ops.matmul, "forward", lambda x, y: seen.append((x.shape, y.shape)) or forward(x, y))
    (x @ w).sum().backward()
    assert seen == [((50, 2, 3), (3, 4)), ((3, 100), (100, 4))]
