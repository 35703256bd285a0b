"""Matrix products and the linear algebra around them.

Everything here works on matrices and on stacks of them: shapes (…, n, m), where the leading axes count the matrices.

The derivatives of decompositions are found by differentials.  From out = f(x) follows d(out) as a linear function of dx, and the
dx that is asked for is the matrix with <g, d(out)> = <dx, d(x)>, where <a, b> = Σ a_{ij} b_{ij}.  They are collected in
M. B. Giles, "An extended collection of matrix derivative results", 2008.
"""
import math

from .. import errors
from ..op import Kept, Op
from ..backend import linalg_raises, times_transposed, xp
from .reduce import sum
from .shape import broadcast_to, put_diagonal, tril


def T(x):
    """The transpose of the last two axes."""
    return x.swapaxes(-1, -2)


def rows(x):
    """All leading axes folded into one: (…, n, k) -> (m, k)."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


# ---- products ---------------------------------------------------------------------------------------------------
class matmul(Op):
    """out = x @ y: of matrices, of stacks of matrices whose leading axes broadcast, and of vectors on either side

    For matrices, out_{ij} = Σ_k x_{ik} y_{kj}, so dL/dx_{ik} = Σ_j g_{ij} y_{kj}: dx = g yᵀ, and dy = xᵀ g.
    A vector counts as a row on the left and as a column on the right.  One matrix that meets a whole stack is multiplied by
    all of it at once, as by one tall matrix.
    """
    def forward(x, y):
        try:
            if x.ndim > 2 and y.ndim == 2 and x.shape[-1] == y.shape[0]:
                return (rows(x) @ y).reshape(*x.shape[:-1], y.shape[1])
            return x @ y
        except (ValueError, TypeError, AttributeError) as error:
            kind = errors.ShapeError if hasattr(x, "shape") and hasattr(y, "shape") else errors.WrongType
            raise kind(f"matmul: {product_fault(x, y)}") from error

    def dx(g, y, shape):
        if y.ndim == 1:                                         # out_i = Σ_k x_{ik} y_k
            return g[..., None] * y
        if len(shape) == 1:                                     # out_j = Σ_k x_k y_{kj}
            return matmul(y, g[..., None])[..., 0]
        return matmul(g, T(y))

    def dy(g, x, shape):
        if x.ndim == 1:
            return x * g[..., None] if len(shape) == 1 else x[:, None] * g[..., None, :]
        if len(shape) == 1:
            return matmul(g.reshape(math.prod(g.shape)), rows(x))
        if len(shape) == 2:                                     # one matrix met a whole stack: one tall product
            x, g = rows(x), rows(g)
        return matmul(T(x), g)


def product_fault(x, y):
    """What keeps x @ y from being a product, and what to try."""
    a, b = tuple(getattr(x, "shape", ())), tuple(getattr(y, "shape", ()))
    if not a or not b:
        return f"operands have at least one axis, got shapes {a} and {b}: a number multiplies by *"
    inner = -1 if len(b) == 1 else -2
    if a[-1] == b[inner]:
        return f"the stacks of matrices do not go together: {errors.broadcast_fault(a[:-2], b[:-2])}"
    text = f"x of shape {a} and y of shape {b} do not go together: the last axis of x is {a[-1]}, axis {inner} of y is {b[inner]}"
    if len(b) > 1 and a[-1] == b[-1]:
        return text + ".  y looks transposed: x @ y.mT"
    if len(a) > 1 and a[-2] == b[inner]:
        return text + ".  x looks transposed: x.mT @ y"
    if len(a) > 2 and math.prod(a[1:]) == b[inner]:
        return text + ".  x looks like images: x.flatten(1) @ y"
    return text


class linear(Op):
    """out = x wᵀ + b: each row of x, of any number of leading axes, through a layer with weights w of shape (out, in)

    With z_j = Σ_i w_{ji} x_i + b_j:  dL/dx_i = Σ_j g_j w_{ji},  and summed over the rows dL/dw_{ji} = Σ g_j x_i  and
    dL/db_j = Σ g_j        (SPEC F-03, F-09).
    """
    def forward(x, w, b=None):
        if w.ndim != 2 or x.ndim == 0 or x.shape[-1] != w.shape[1] or (b is not None and b.shape != w.shape[:1]):
            raise errors.ShapeError(f"linear: {linear_fault(x.shape, w.shape, b)}")
        out = times_transposed(rows(x), w)
        if b is not None:
            out += b
        return out.reshape(*x.shape[:-1], w.shape[0])

    def dx(g, w): return matmul(g, w)

    def dw(g, x):
        g, x = rows(g), rows(x)
        return T(g) * x if len(g) == 1 else matmul(T(g), x)     # one row: every product once, with nothing to add
    def db(g): return sum(g, axis=tuple(range(g.ndim - 1)))


def linear_fault(x, w, b):
    """What keeps x from going through a layer, and what to try."""
    if len(w) != 2:
        return f"the weight has shape (out features, in features), got {w}"
    if b is not None and x[-1:] == w[1:]:
        return f"the weight, {w}, makes {w[0]} features, so the bias has shape {w[:1]}, got {b.shape}"
    text = f"x of shape {x} does not fit the weight of shape {w} (out features, in features): the last axis of x is " \
           f"{x[-1] if x else 'missing'}, and {w[1]} was expected"
    if len(x) > 2 and math.prod(x[1:]) == w[1]:
        return text + ".  x looks like images: nn.Flatten(), or x.flatten(1), first"
    if len(x) > 1 and math.prod(x) == w[1]:
        return text + ".  x looks like one image: x.flatten() first"
    if x[-1:] == w[:1]:
        return text + ".  The weight looks transposed"
    if len(x) > 1 and x[-2] == w[1]:
        return text + ".  x looks transposed: x.mT"
    if len(x) == 4:
        text += f".  If it is images, each has {x[1]}·{x[2]}·{x[3]} = {math.prod(x[1:])} features, once nn.Flatten() makes rows"
    if len(x) in (2, 4):
        halvings = [k for k in range(1, 8) if math.prod(x[1:]) == 4**k * w[1] > 64]       # of height and width
        for k in halvings:
            text += f".  That is {4**k} times {w[1]}, as if nn.MaxPool2d(2) had been forgotten ({k} of them)"
    return text


# ---- sums of products, spelled out ------------------------------------------------------------------------------
class einsum(Op):
    """out = Σ of products of the xs over the letters that stand before "->" and not behind: "ij,jk->ik" is matmul

    A letter stands for an index, each x has a letter for each of its axes, none twice, and out has those behind the arrow.
    As out is linear in each x, dL/dx is the same sum with g in the place of x, and the letters of x in the place of out's.
    Indices that x alone has were summed over x alone: g is the same for all of them.
    """
    def forward(*xs, subscripts):
        terms, result = split_subscripts(subscripts)
        if len(xs) == 2 and (out := product_of_two(*xs, *terms, result)) is not None:
            return out
        return xp(*xs).einsum(subscripts, *xs, optimize=len(xs) > 2)

    def dxs(g, i, xs, subscripts, shapes):
        terms, result = split_subscripts(subscripts)
        own = terms[i]
        others = [term for j, term in enumerate(terms) if j != i] + [result]
        found = "".join([letter for letter in own if any([letter in term for term in others])])
        dx = einsum(*xs[:i], *xs[i + 1:], g, subscripts=",".join(others) + "->" + found)
        dx = dx.reshape(tuple([dx.shape[found.index(letter)] if letter in found else 1 for letter in own]))
        return broadcast_to(dx, to=tuple([n if m == 1 else m for n, m in zip(shapes[i], dx.shape)]))


def split_subscripts(subscripts):
    """The letters of each operand, and of the result: "ij,jk->ik" is (["ij", "jk"], "ik")."""
    terms, result = subscripts.split("->")
    return terms.split(","), result


def product_of_two(x, y, a, b, result):
    """einsum of two operands as a matrix product, which is far faster; None if a letter has length 1 here and another there.

    Each letter is one of these: `stack`, in both and the result; `inner`, in both, summed over; `left` and `right`, in one and
    the result.  Those in one operand only and not in the result are summed over first.
    """
    sizes = dict(zip(b, y.shape))
    if any([sizes.get(letter, n) != n for letter, n in zip(a, x.shape)]):
        return None
    sizes.update(zip(a, x.shape))
    for_x, for_y = [tuple([k for k, letter in enumerate(own) if letter not in other + result]) for own, other in ((a, b), (b, a))]
    x, a = (x.sum(axis=for_x, dtype=x.dtype), "".join([c for k, c in enumerate(a) if k not in for_x])) if for_x else (x, a)
    y, b = (y.sum(axis=for_y, dtype=y.dtype), "".join([c for k, c in enumerate(b) if k not in for_y])) if for_y else (y, b)
    stack = [c for c in a if c in b and c in result]
    inner = [c for c in a if c in b and c not in result]
    left, right = [c for c in a if c not in b], [c for c in b if c not in a]
    if not inner:                                               # nothing to sum: a product of elements
        x = x.transpose([a.index(c) for c in stack + left]).reshape([sizes[c] for c in stack + left] + [1] * len(right))
        y = y.transpose([b.index(c) for c in stack + right]).reshape([sizes[c] for c in stack] + [1] * len(left)
                                                                   + [sizes[c] for c in right])
        out = x * y
    else:
        lengths = [math.prod([sizes[c] for c in letters]) for letters in (stack, left, inner, right)]
        s, n, k, m = lengths
        x = x.transpose([a.index(c) for c in stack + left + inner]).reshape([s, n, k] if stack else [n, k])
        y = y.transpose([b.index(c) for c in stack + inner + right]).reshape([s, k, m] if stack else [k, m])
        out = (x @ y).reshape([sizes[c] for c in stack + left + right])
    order = stack + left + right
    return out.transpose([order.index(c) for c in result])


# ---- inverse and determinant ------------------------------------------------------------------------------------
def solved(name, function, *arrays):
    """The result of a function of linear algebra, or an error in our words."""
    try:
        with linalg_raises(arrays[0]):
            return function(*arrays)
    except xp(*arrays).linalg.LinAlgError as error:
        shapes = " and ".join([str(tuple(x.shape)) for x in arrays])
        raise errors.LinAlgError(f"{name} of shape {shapes}: {str(error).lower()}" + hints.get(name, "")) from error


hints = {"inv": ": it has no inverse.  pinv() is the nearest thing, or add a little to its diagonal",
         "solve": ": it has no inverse, or the equations contradict each other.  pinv(a) @ b is the nearest thing",
         "cholesky": ": its eigenvalues must be positive.  Add a little to its diagonal if rounding made one 0"}


def as_square(name, x):
    """x, if it is a square matrix, or a stack of them."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise errors.ShapeError(f"{name} takes square matrices, (…, n, n), got shape {tuple(x.shape)}")
    return x


class inv(Op):
    """out = x⁻¹        dx = -outᵀ g outᵀ, as d(x⁻¹) = -x⁻¹ dx x⁻¹"""
    integers = False
    def forward(x): return solved("inv", xp(x).linalg.inv, as_square("inv", x))
    def dx(g, out): return -(T(out) @ g @ T(out))


class solve(Op):
    """out = x⁻¹ y, the solution of x · out = y for matrices y        dy = x⁻ᵀ g        dx = -dy outᵀ"""
    integers = False

    def forward(x, y):
        as_square("solve", x)
        if y.ndim < 2 or y.shape[-2] != x.shape[-1]:
            raise errors.ShapeError(f"solve: the equations have shape {tuple(x.shape)}, so the right-hand sides have shape "
                                    f"(…, {x.shape[-1]}, k), got {tuple(y.shape)}")
        stack = xp(x).broadcast_shapes(x.shape[:-2], y.shape[:-2])          # which CuPy does not do by itself
        x, y = [xp(x).broadcast_to(each, stack + each.shape[-2:]) for each in (x, y)]
        return solved("solve", xp(x).linalg.solve, x, y)

    def dx(g, towards_y, out): return -(towards_y @ T(out))
    def dy(g, towards_y): return towards_y
    def towards_y(g, x): return solve(T(x), g)


class det(Op):
    """out = det x        dx = g C, where C holds the cofactors of x: by x_{ij} the determinant changes as C_{ij}"""
    integers = False
    def forward(x): return xp(x).linalg.det(as_square("det", x))
    def dx(g, x): return g[..., None, None] * cofactors(x)


class cofactors(Op):
    """out = C, the cofactors of x: C = det(x) x⁻ᵀ, and without dividing, so for singular x too:

        x = U S Vᵀ   =>   C = det(U) det(V) U C(S) Vᵀ,      C(S)_{ii} = Π_{j≠i} s_j

    Its own derivative is given where x has an inverse P = x⁻ᵀ, from dC = <C, dx> P - P dxᵀ C:   dx = <g, P> C - P gᵀ C.
    """
    integers = False

    def forward(x):
        u, s, vt = xp(x).linalg.svd(x)
        n = x.shape[-1]
        others = xp(x).where(xp(x).eye(n, dtype="bool"), 1.0, s[..., None, :])      # row i: all s_j, but 1 for s_i
        sign = xp(x).linalg.det(u) * xp(x).linalg.det(vt)
        return sign[..., None, None] * (u * others.prod(axis=-1)[..., None, :]) @ vt

    def dx(g, x, out):
        p = T(inv(x))
        return (g * p).sum(axis=(-1, -2), keepdims=True) * out - p @ T(g) @ out


class slogdet(Op):
    """outs = the sign of det x, and log |det x|, which does not overflow        dx = g x⁻ᵀ, g being the logarithm's"""
    integers = False
    def forward(x): return tuple(xp(x).linalg.slogdet(as_square("slogdet", x)))
    def dx(g, x): return g[1][..., None, None] * T(inv(x))


class pinv(Op):
    """out = x⁺, the pseudo-inverse; singular values up to rcond times the largest count as 0

        d(x⁺) = -x⁺ dx x⁺ + x⁺ x⁺ᵀ dxᵀ (1 - x x⁺) + (1 - x⁺ x) dxᵀ x⁺ᵀ x⁺

    while the rank does not change (G. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973).
    """
    integers = False

    def forward(x, *, rcond):
        u, s, vt = xp(x).linalg.svd(x, full_matrices=False)
        if x.size == 0:
            return T(x) * 1
        counts = s > rcond * s.max(axis=-1, keepdims=True)
        return T(vt) @ ((counts / (s + ~counts))[..., None] * T(u))

    def dx(g, x, out):
        p, pt, gt = out, T(out), T(g)
        left, right = gt @ p @ pt, pt @ p @ gt
        return -(pt @ g @ pt) + left - x @ (p @ left) + right - (right @ p) @ x


# ---- decompositions ---------------------------------------------------------------------------------------------
class cholesky(Op):
    """out = L, lower triangular with positive diagonal, where L Lᵀ is (the symmetric part of) x

    From L⁻¹ dx L⁻ᵀ = L⁻¹ dL + (L⁻¹ dL)ᵀ follows dL = L Φ(L⁻¹ dx L⁻ᵀ), where Φ takes the lower triangle and halves its diagonal:

        dx = the symmetric part of L⁻ᵀ Φ(Lᵀ g) L⁻¹      (I. Murray, "Differentiation of the Cholesky decomposition", 2016, eq. 10)
    """
    integers = False
    def forward(x): return solved("cholesky", xp(x).linalg.cholesky, symmetric(as_square("cholesky", x)))

    def dx(g, out):
        inverse = inv(out)
        return symmetric(T(inverse) @ half_lower(T(out) @ g) @ inverse)


def symmetric(x):
    """½ (x + xᵀ): the symmetric part, which is what a function of symmetric matrices sees of x."""
    return 0.5 * (x + T(x))


def half_lower(x):
    """Φ(x): the lower triangle, its diagonal halved."""
    return 0.5 * (tril(x) + tril(x, k=-1))


def gaps(s):
    """E_{ij} = 1 / (s_j - s_i), and 0 where they are equal."""
    gap = s[..., None, :] - s[..., None]
    return (gap != 0) / (gap + (gap == 0))


class eigh(Op):
    """outs = the eigenvalues w of (the symmetric part of) x, ascending, and its eigenvectors, the columns of V

        dx = the symmetric part of V (diag(g_w) + E ∘ Vᵀ g_V) Vᵀ,      E_{ij} = 1 / (w_j - w_i)

    Vectors of equal eigenvalues are any basis of their space: their gradient has no meaning, and E is set to 0 there.
    """
    integers = False

    def forward(x):
        both = tuple(xp(x).linalg.eigh(symmetric(as_square("eigh", x))))
        return Kept(both, both=both)

    def dx(g, both):
        (g_w, g_v), (w, v) = g, both
        inner = diagonal_matrix(g_w) + gaps(w) * (T(v) @ g_v)
        return symmetric(v @ inner @ T(v))

    def both(x): return eigh(x)


class eigvalsh(Op):
    """out = the eigenvalues of (the symmetric part of) x, ascending        dx = V diag(g) Vᵀ"""
    integers = False

    def forward(x):
        w, v = xp(x).linalg.eigh(symmetric(as_square("eigvalsh", x)))
        return Kept(w, vectors=v)

    def dx(g, vectors): return (vectors * g[..., None, :]) @ T(vectors)
    def vectors(x): return eigh(x)[1]


class svd(Op):
    """outs = U, s, Vᵀ, where x = U diag(s) Vᵀ: orthonormal columns in U and V, and s descending

        dx = U (diag(g_s) + (E ∘ skew(Uᵀ g_U)) S + S (E ∘ skew(Vᵀ g_V))) Vᵀ       skew(a) = a - aᵀ,  E_{ij} = 1 / (s_j² - s_i²)
             + (1 - U Uᵀ) g_U S⁻¹ Vᵀ + U S⁻¹ g_Vᵀ (1 - V Vᵀ)

    (J. Townsend, "Differentiating the singular value decomposition", 2016).  Vectors of equal singular values are any basis of
    their space: their gradient has no meaning, and E is set to 0 there; so is s⁻¹ at s = 0.
    """
    integers = False

    def forward(x):
        all3 = tuple(xp(x).linalg.svd(x, full_matrices=False))
        return Kept(all3, all3=all3)

    def dx(g, all3):
        (gu, gs, gvt), (u, s, vt) = g, all3
        v, gv, ut = T(vt), T(gvt), T(u)
        e, inverse = gaps(s * s), (s != 0) / (s + (s == 0))
        a, b = ut @ gu, vt @ gv
        inner = diagonal_matrix(gs) + (e * (a - T(a))) * s[..., None, :] + s[..., None] * (e * (b - T(b)))
        dx = u @ inner @ vt
        if u.shape[-2] > u.shape[-1]:                           # taller than wide: U spans a part of its space only
            dx = dx + ((gu - u @ a) * inverse[..., None, :]) @ vt
        if v.shape[-2] > v.shape[-1]:
            dx = dx + (u * inverse[..., None, :]) @ T(gv - v @ b)
        return dx

    def all3(x): return svd(x)


class svdvals(Op):
    """out = the singular values of x, descending        dx = U diag(g) Vᵀ"""
    integers = False

    def forward(x):
        u, s, vt = xp(x).linalg.svd(x, full_matrices=False)
        return Kept(s, vectors=(u, vt))

    def dx(g, vectors): return (vectors[0] * g[..., None, :]) @ vectors[1]

    def vectors(x):
        u, _, vt = svd(x)
        return u, vt


class qr(Op):
    """outs = Q, R, where x = Q R for x at least as tall as wide: orthonormal columns in Q, and R upper triangular

        dx = (g_Q + Q sym(M)) R⁻ᵀ,     M = R g_Rᵀ - g_Qᵀ Q,     sym(M) = the lower triangle of M, mirrored to the upper

    (S. F. Walter, "Structured higher-order algorithmic differentiation", 2012, section 4).
    """
    integers = False

    def forward(x):
        both = tuple(xp(x).linalg.qr(x))
        return Kept(both, both=both)

    def dx(g, both):
        (gq, gr), (q, r) = g, both
        if r.shape[-2] != r.shape[-1]:
            raise errors.ShapeError(f"qr is not differentiable for matrices wider than tall: R has shape {tuple(r.shape)}")
        m = r @ T(gr) - T(gq) @ q
        return (gq + q @ (tril(m) + T(tril(m, k=-1)))) @ T(inv(r))

    def both(x): return qr(x)


def diagonal_matrix(d):
    """The matrices with these diagonals: (…, n) -> (…, n, n)."""
    return put_diagonal(d, axis1=-2, axis2=-1, into=(*d.shape, d.shape[-1]))
