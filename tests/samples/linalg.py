from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.backend import host as np
from tinygrad_like.testing import Sample, arrays, shapes

sides = st.integers(0, 3)
stacks = shapes(max_dims=2)


@st.composite
def products(draw):
    n, k, m = draw(sides), draw(sides), draw(sides)
    left, right = draw(st.sampled_from(["vector", "matrix", "stack"])), draw(st.sampled_from(["vector", "matrix", "stack"]))
    stack = draw(shapes(min_dims=1, max_dims=2))
    fewer = tuple([1 if draw(st.booleans()) else size for size in stack])[draw(st.integers(0, len(stack) - 1)):]
    x = {"vector": (k,), "matrix": (n, k), "stack": (*stack, n, k)}[left]
    y = {"vector": (k,), "matrix": (k, m), "stack": (*fewer, k, m)}[right]
    return draw(arrays(x)), draw(arrays(y))


@st.composite
def layers(draw):
    out, into = draw(sides), draw(sides)
    x, w = draw(arrays((*draw(shapes(max_dims=3)), into))), draw(arrays((out, into)))
    return x, w, None if draw(st.booleans()) else draw(arrays((out,)))


EQUATIONS = ["i->i", "ij->ji", "ij->i", "ij->", "i,i->", "ij,jk->ik", "ij,kj->ki", "bij,bjk->bik", "bij,bkj->kbi", "i,j->ji",
             "ij,ij->j", "ij,j->j", "i,jk->k", "aij,jk,bk->abi", "ij,ij,ij->i", "i,i,i->", "ab,c->a", ",i->i", "i,ij,->j",
             "b,bi->ib"]


@st.composite
def sums_of_products(draw):
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {c: draw(st.integers(1, 3)) for c in "abcijk"}
    if draw(st.integers(0, 5)) == 5:
        sizes["i"] = 0
    terms = equation.split("->")[0].split(",")
    several = {c for c in sizes if sum([c in term for term in terms]) > 1}
    one = draw(st.sampled_from(sorted(several))) if several and draw(st.booleans()) else None       # of length 1 in one
    where = draw(st.integers(0, len(terms) - 1))
    operands = [draw(arrays(tuple([1 if c == one and k == where else sizes[c] for c in term]))) for k, term in enumerate(terms)]
    return tuple(operands), {"subscripts": equation}


@st.composite
def matrices(draw, low=0.5, high=2.0, least=0, symmetric=False, shape=None):
    """Matrices (…, n, m), square without a shape, whose singular values are between low and high and at least 0.3 apart."""
    stack = draw(stacks)
    n, m = shape(draw) if shape else 2 * (draw(st.integers(least, 3)),)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k = min(n, m)
    u, v = [np.linalg.qr(random.standard_normal((*stack, side, k)))[0] for side in (n, m)]
    v = u if symmetric else v
    s = np.linspace(low, high, k) + random.uniform(0, 0.1, (*stack, k))
    return (u * s[..., None, :]) @ np.swapaxes(v, -1, -2)


def any_sides(draw):
    return draw(st.integers(1, 3)), draw(st.integers(1, 3))


def tall(draw):
    m = draw(st.integers(1, 3))
    return m + draw(st.integers(0, 2)), m


@st.composite
def equations(draw):
    x = draw(matrices())
    stack = x.shape[:-2] if draw(st.booleans()) else ()
    return x, draw(arrays((*stack, x.shape[-1], draw(st.integers(0, 3)))))


SAMPLES = {
    ops.matmul: Sample(products()),
    ops.linear: Sample(layers()),
    ops.einsum: Sample(sums_of_products()),
    ops.inv: Sample(matrices()),
    ops.solve: Sample(equations()),
    ops.det: Sample(matrices()),
    ops.cofactors: Sample(matrices(), analytic=False),
    ops.slogdet: Sample(matrices(), analytic=False),
    ops.pinv: Sample(matrices(shape=any_sides).map(lambda x: ((x,), {"rcond": 1e-3})), analytic=False),
    ops.cholesky: Sample(matrices(symmetric=True), analytic=False),
    ops.eigh: Sample(matrices(symmetric=True, low=-1.5, high=1.5), analytic=False, eps=1e-5),     # its vectors' signs jump
    ops.eigvalsh: Sample(matrices(symmetric=True, low=-1.5, high=1.5), analytic=False),
    ops.svd: Sample(matrices(shape=any_sides), analytic=False, eps=1e-5),
    ops.svdvals: Sample(matrices(shape=any_sides), analytic=False),
    ops.qr: Sample(matrices(shape=tall), analytic=False),
}
