"""Matrix products and linear algebra, spelled as PyTorch spells them.  What torch.linalg has is in `tinygrad_like.linalg`."""
from __future__ import annotations

from string import ascii_letters
from typing import TYPE_CHECKING, Any

from .. import backend, errors, ops
from ..op import raw
from .common import in_place, takes_tensors

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["matmul", "mm", "bmm", "mv", "dot", "vdot", "inner", "outer", "ger", "addmm", "addmv", "addbmm", "baddbmm", "addr",
           "einsum", "tensordot", "kron", "cross", "matrix_power", "chain_matmul", "inverse", "det", "logdet", "slogdet",
           "cholesky", "pinverse", "cdist", "pdist", "bilinear"]


# ---- products ---------------------------------------------------------------------------------------------------
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """input @ other: of matrices, of stacks of them whose leading dims broadcast, and of vectors on either side"""
    return ops.matmul(input, other)


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices."""
    return ops.matmul(with_dims("mm", "input", input, 2), with_dims("mm", "mat2", mat2, 2))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of two stacks of matrices, (b, n, k) and (b, k, m)."""
    with_dims("bmm", "input", input, 3), with_dims("bmm", "mat2", mat2, 3)
    if input.shape[0] != mat2.shape[0]:
        raise errors.ShapeError(f"bmm: the stacks are as high as each other, got shapes {tuple(input.shape)} and "
                                f"{tuple(mat2.shape)}: matmul broadcasts")
    return ops.matmul(input, mat2)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix and a vector."""
    return ops.matmul(with_dims("mv", "input", input, 2), with_dims("mv", "vec", vec, 1))


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Σ x_i y_i of two vectors"""
    return ops.matmul(with_dims("dot", "input", input, 1), with_dims("dot", "tensor", tensor, 1))


def vdot(input: Tensor, other: Tensor) -> Tensor:
    """Σ x_i y_i of two vectors"""
    if "c" in (input.array.dtype.kind, other.array.dtype.kind):
        raise NotImplementedError("vdot of complex tensors is not offered: it would conjugate the first; dot does not")
    return dot(input, other)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """Σ x_{…i} y_{…i} over the last dim of both, for each pair of what the other dims name"""
    if input.ndim == 0 or other.ndim == 0:
        return ops.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise errors.ShapeError(f"inner: the last dims are equal, got shapes {tuple(input.shape)} and {tuple(other.shape)}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """x_i y_j of two vectors"""
    return ops.mul(with_dims("outer", "input", input, 1)[:, None], with_dims("outer", "vec2", vec2, 1))


ger = outer


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β · input + α · mat1 @ mat2"""
    return added("addmm", input, mm(mat1, mat2), beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β · input + α · mat @ vec"""
    return added("addmv", input, mv(mat, vec), beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β · input + α · outer(vec1, vec2)"""
    return added("addr", input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β · input + α · batch1 @ batch2, for stacks of matrices"""
    return added("baddbmm", input, bmm(batch1, batch2), beta, alpha)


def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """β · input + α · Σ_b batch1_b @ batch2_b"""
    with_dims("addbmm", "batch1", batch1, 3), with_dims("addbmm", "batch2", batch2, 3)
    return added("addbmm", input, einsum("bij,bjk->ik", batch1, batch2), beta, alpha)


def added(name: str, input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    """β · input + α · product, of the product's shape; with β = 0, what is in input does not matter."""
    try:
        fits = backend.host.broadcast_shapes(input.array.shape, product.array.shape) == product.array.shape
    except ValueError:
        fits = False
    if not fits:
        raise errors.ShapeError(f"{name}: input broadcasts to the product's shape {tuple(product.shape)}, got {tuple(input.shape)}")
    product = product if alpha == 1 else ops.mul(product, alpha)
    if beta == 0:
        return product
    return ops.add(input if beta == 1 else ops.mul(input, beta), product)


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products: einsum("bij,bjk->bik", x, y), where each letter stands for an index.

    A letter that is not behind the arrow is summed over; without an arrow, those that occur once stay, in alphabetical order.
    A letter twice in one operand takes its diagonal.  "..." stands for any other dims, which broadcast.
    Instead of the equation, operands and lists of numbers for their dims may alternate: einsum(x, [0, 1], y, [1, 2], [0, 2]).
    """
    if not isinstance(equation, str):
        if any([isinstance(x, str) for x in operands]):
            raise TypeError(f"einsum: the equation comes first, then the operands: einsum({operands[0]!r}, x, …)")
        equation, operands = equation_of_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, result = equation_terms(equation, operands)
    xs = []
    for k, (x, term) in enumerate(zip(operands, terms)):
        for letter in term:
            while term.count(letter) > 1:                       # the diagonal, which becomes the last axis
                first = term.index(letter)
                second = term.index(letter, first + 1)
                if x.shape[first] != x.shape[second]:
                    raise errors.ShapeError(f"einsum: {letter!r} occurs twice in {equation!r} for operand {k}, whose shape "
                                            f"{tuple(x.shape)} has two lengths there")
                x = ops.diagonal(x, axis1=first, axis2=second)
                term = term[:first] + term[first + 1:second] + term[second + 1:] + letter
        terms[k] = term
        xs.append(x)
    lengths: dict[str, int] = {}
    for x, term in zip(xs, terms):
        for letter, n in zip(term, x.shape):
            if lengths.setdefault(letter, n) != n and 1 not in (n, lengths[letter]):
                raise errors.ShapeError(f"einsum: {letter!r} in {equation!r} has length {lengths[letter]} in one operand and {n} "
                                        f"in another: the shapes are {', '.join([str(tuple(x.shape)) for x in operands])}")
            lengths[letter] = max(n, lengths[letter]) if n else n
    return ops.einsum(*xs, subscripts=",".join(terms) + "->" + result)


def equation_terms(equation: str, operands: Any) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters of their own in the place of "..."."""
    left, arrow, result = equation.replace(" ", "").replace("...", ".").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {equation!r} is about {len(terms)} operands, got {len(operands)}")
    free = [c for c in ascii_letters[::-1] if c not in equation]
    dots = ""
    for k, (term, x) in enumerate(zip(terms, operands)):
        extra = x.ndim - len(term.replace(".", ""))
        known = all([c == "." or c in ascii_letters for c in term])
        if extra < 0 or (extra and "." not in term) or term.count(".") > 1 or not known:
            raise errors.ShapeError(f"einsum: operand {k} has shape {tuple(x.shape)}, and {equation!r} gives it the letters "
                                    f"{term.replace('.', '...')!r}: one letter for each dim, and ... for all others")
        if extra > len(dots):
            dots = "".join(free[len(dots):extra])[::-1] + dots  # counted from the right, as broadcasting does
        terms[k] = term.replace(".", dots[len(dots) - extra:])
    if arrow:
        result = result.replace(".", dots)
    else:
        every = "".join(terms)
        result = dots + "".join(sorted([c for c in set(every) if every.count(c) == 1 and c not in dots]))
    if len(set(result)) < len(result) or not set(result) <= set("".join(terms)):
        raise ValueError(f"einsum: the letters behind the arrow of {equation!r} occur before it, and once each there")
    return terms, result


def equation_of_lists(arguments: Any) -> tuple[str, Any]:
    """einsum's other form, with numbers for letters: operand, list, operand, list, …, and the list of the result if wanted."""
    def letters(numbers: Any) -> str:
        return "".join(["..." if n is Ellipsis else ascii_letters[n] for n in numbers])

    pairs = len(arguments) // 2 * 2
    equation = ",".join([letters(numbers) for numbers in arguments[1:pairs:2]])
    return equation + ("->" + letters(arguments[-1]) if len(arguments) % 2 else ""), arguments[:pairs:2]


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Σ over some dims of both: the last `dims` of a and the first of b, or those in the two lists of `dims`."""
    if isinstance(raw(dims), (int,)):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise errors.ShapeError(f"tensordot: dims={dims} is between 0 and the dims that both have, got shapes {tuple(a.shape)} "
                                    f"and {tuple(b.shape)}")
        dims = list(range(a.ndim - dims, a.ndim)), list(range(dims))
    over_a, over_b = [[int(d) % x.ndim for d in (line if isinstance(line, (list, tuple)) else raw(line).reshape(-1).tolist())]
                      for x, line in zip((a, b), dims)]
    if [a.shape[d] for d in over_a] != [b.shape[d] for d in over_b]:
        raise errors.ShapeError(f"tensordot: dims {over_a} of shape {tuple(a.shape)} and {over_b} of shape {tuple(b.shape)} are "
                                "not of the same lengths")
    for_a, for_b = list(ascii_letters[:a.ndim]), list(ascii_letters[a.ndim:a.ndim + b.ndim])
    for i, j in zip(over_a, over_b):
        for_b[j] = for_a[i]
    result = [c for c in for_a if c not in for_b] + [c for c in for_b if c not in for_a]
    return ops.einsum(a, b, subscripts=f"{''.join(for_a)},{''.join(for_b)}->{''.join(result)}")


def kron(input: Tensor, other: Tensor) -> Tensor:
    """A block for each element of input: the element times the whole of other."""
    n = max(input.ndim, other.ndim)
    a, b = [(1,) * (n - x.ndim) + x.array.shape for x in (input, other)]
    blocks = ops.mul(ops.reshape(input, to=tuple([m for size in a for m in (size, 1)])),
                     ops.reshape(other, to=tuple([m for size in b for m in (1, size)])))
    return ops.reshape(blocks, to=tuple([p * q for p, q in zip(a, b)]))


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """x × y = (x₁y₂ - x₂y₁, x₂y₀ - x₀y₂, x₀y₁ - x₁y₀) along dim, which has length 3; None: the first of that length"""
    if dim is None:
        dim = next((d for d, n in enumerate(input.shape) if n == 3), -1)
    if input.ndim != other.ndim or input.shape[dim] != 3 or other.shape[dim] != 3:
        raise errors.ShapeError(f"cross: both tensors have length 3 along the same dim, got shapes {tuple(input.shape)} and "
                                f"{tuple(other.shape)} and dim {dim}")

    def turned(x: Any, by: int) -> Any:
        return ops.roll(x, shift=(-by,), axis=(dim,))

    return ops.sub(ops.mul(turned(input, 1), turned(other, 2)), ops.mul(turned(input, 2), turned(other, 1)))


def matrix_power(input: Tensor, n: int) -> Tensor:
    """input @ input @ …, n times; for negative n, of the inverse"""
    ops.linalg.as_square("matrix_power", input)
    if n < 0:
        return matrix_power(ops.inv(input), -n)
    if n == 0:
        eye = backend.xp(input.array).eye(input.shape[-1], dtype=input.array.dtype)
        return ops.add(ops.mul(input, 0), eye)
    result: Any = None
    power = input
    while n:                                                    # n in binary: a product for each 1, a square for each digit
        if n % 2:
            result = power if result is None else ops.matmul(result, power)
        n //= 2
        if n:
            power = ops.matmul(power, power)
    return ops.clone(result) if result is input else result


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, in the order of multiplications that costs the least."""
    return multi_dot(matrices)


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices, in the cheapest order; the first may be a row and the last a column, as vectors."""
    xs = list(tensors)
    if not xs:
        raise ValueError("multi_dot takes at least one tensor")
    if len(xs) == 1:
        return ops.clone(xs[0])
    for k, x in enumerate(xs):
        if x.ndim != 2 and not (x.ndim == 1 and k in (0, len(xs) - 1)):
            raise errors.ShapeError(f"multi_dot: tensor {k} has shape {tuple(x.shape)}: all are matrices, the first and the last "
                                    "may be vectors")
    shapes = [tuple(x.shape) for x in xs]
    sides = [1 if len(shapes[0]) == 1 else shapes[0][0], *[s[0] for s in shapes[1:]], 1 if len(shapes[-1]) == 1 else shapes[-1][1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(len(xs))}     # from … to: (cost, where to part)
    for length in range(1, len(xs)):
        for i in range(len(xs) - length):
            j = i + length
            best[i, j] = min([(best[i, k][0] + best[k + 1, j][0] + sides[i] * sides[k + 1] * sides[j + 1], k) for k in range(i, j)])

    def product(i: int, j: int) -> Any:
        return xs[i] if i == j else ops.matmul(product(i, best[i, j][1]), product(best[i, j][1] + 1, j))

    return product(0, len(xs) - 1)


# ---- for networks -----------------------------------------------------------------------------------------------
@takes_tensors
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input weightᵀ + bias, for weights of shape (out features, in features) and an input of any leading dims"""
    if weight.ndim == 1:                                        # PyTorch takes a vector for a layer of one feature
        out = ops.matmul(input, weight)
        return out if bias is None else ops.add(out, bias)
    return ops.linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W_k y + b_k for each output feature k: weight has shape (out features, in1 features, in2 features)"""
    if weight.ndim != 3 or input1.shape[-1:] != weight.shape[1:2] or input2.shape[-1:] != weight.shape[2:]:
        raise errors.ShapeError(f"bilinear: the weight, {tuple(weight.shape)}, is (out, in1, in2), and the inputs end with in1 and "
                                f"in2, got {tuple(input1.shape)} and {tuple(input2.shape)}")
    out = einsum("...i,oij,...j->...o", input1, weight, input2)
    return out if bias is None else ops.add(out, bias)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """The p-norm distances of each row of x1 from each row of x2: (…, n, d) and (…, m, d) give (…, n, m).

    compute_mode: a product of matrices is never necessary here.
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise errors.ShapeError(f"cdist takes rows of the same length, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    if compute_mode not in (None, "use_mm_for_euclid_dist_if_necessary", "donot_use_mm_for_euclid_dist"):
        raise errors.WrongValue(f"cdist: compute_mode={compute_mode!r} is not offered: distances are always computed from "
                                "differences, which is 'donot_use_mm_for_euclid_dist'")
    from .reduce import norm
    return norm(ops.sub(x1[..., :, None, :], x2[..., None, :, :]), p, -1)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances of the rows of a matrix from each other, in one line: of 0 from 1, 2, …, of 1 from 2, 3, … and so on"""
    if input.ndim != 2:
        raise errors.ShapeError(f"pdist only supports 2D tensors, got shape {tuple(input.shape)}")
    from .reduce import norm
    rows, others = backend.xp(input.array).triu_indices(input.shape[0], 1)
    return norm(ops.sub(ops.getitem(input, index=rows), ops.getitem(input, index=others)), p, -1)


# ---- inverse, determinant, decompositions -----------------------------------------------------------------------
def inverse(input: Tensor) -> Tensor:
    """The matrix whose product with input is 1."""
    return ops.inv(input)


def det(input: Tensor) -> Tensor:
    """The determinant; its gradient is right for singular matrices too."""
    return ops.det(input)


def slogdet(input: Tensor) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value."""
    from ..linalg import slogdet
    return slogdet(input)


def logdet(input: Tensor) -> Tensor:
    """log det input: nan where the determinant is negative, -inf where it is 0"""
    sign, logabsdet = ops.slogdet(input)
    return ops.add(logabsdet, ops.log(sign.detach()))


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = input, for positive definite matrices; upper: Lᵀ."""
    from ..linalg import cholesky
    return cholesky(input, upper=upper)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverse; singular values up to rcond times the largest count as 0."""
    return ops.pinv(input, rcond=rcond)


def with_dims(name: str, which: str, x: Tensor, n: int) -> Tensor:
    if x.ndim != n:
        raise errors.ShapeError(f"{name}: {which} has {n} dim{'s' * (n > 1)}, got shape {tuple(x.shape)}: matmul takes others too")
    return x


class Linalg:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    matmul, mm, bmm, mv, dot, vdot, inner, outer, ger = matmul, mm, bmm, mv, dot, vdot, inner, outer, ger
    addmm, addmv, addbmm, baddbmm, addr = addmm, addmv, addbmm, baddbmm, addr
    kron, cross, matrix_power = kron, cross, matrix_power
    inverse, det, logdet, slogdet, cholesky, pinverse = inverse, det, logdet, slogdet, cholesky, pinverse
    addmm_, addmv_, addbmm_, baddbmm_, addr_ = in_place(addmm), in_place(addmv), in_place(addbmm), in_place(baddbmm), in_place(addr)
