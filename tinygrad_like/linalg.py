"""Linear algebra, spelled as torch.linalg spells it.  Every function takes a matrix, or a stack of them of shape (…, n, m)."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from . import autograd, backend, errors, ops
from .errors import LinAlgError as LinAlgError
from .functions import linalg as functions, reduce, shape
from .functions.linalg import matmul as matmul, matrix_power as matrix_power, multi_dot as multi_dot

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["norm", "vector_norm", "matrix_norm", "cond", "det", "slogdet", "matrix_rank", "inv", "pinv", "solve",
           "solve_triangular", "cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr", "lstsq", "matmul", "matrix_power",
           "multi_dot", "vecdot", "cross", "diagonal", "LinAlgError"]


class SlogdetResult(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


class EighResult(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


class SVDResult(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


class QRResult(NamedTuple):
    Q: Tensor
    R: Tensor


class LstsqResult(NamedTuple):
    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


# ---- sizes ------------------------------------------------------------------------------------------------------
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) for p = ord: inf is the largest |x|, -inf the smallest, 0 counts the x that are not 0."""
    return reduce.norm(x, ord, dim, keepdim, dtype=dtype)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The size of matrices that stand in the two dims: 'fro' √Σ x², 'nuc' the sum of the singular values, 2 the largest of them,
    1 the largest sum of |x| in a column, inf in a row; -1, -2, -inf the smallest of each.
    """
    if not isinstance(dim, (tuple, list)) or len(dim) != 2 or dim[0] % A.ndim == dim[1] % A.ndim:
        raise errors.ShapeError(f"matrix_norm: dim names two dims, got {dim!r}")
    if ord == "fro":
        return reduce.norm(A, "fro", tuple(dim), keepdim, dtype=dtype)
    A = A if dtype is None else A.to(dtype)
    row, column = [d % A.ndim for d in dim]
    if ord in ("nuc", 2, -2):
        values = ops.svdvals(A.movedim((row, column), (-2, -1)))
        out = values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        return ops.reshape(out, to=tuple([1 if d in (row, column) else n for d, n in enumerate(A.shape)])) if keepdim else out
    if ord not in (1, -1, float("inf"), -float("inf")):
        raise ValueError(f"matrix_norm: ord is 'fro', 'nuc', inf, -inf, 1, -1, 2 or -2, got {ord!r}")
    first, second = (row, column) if abs(ord) == 1 else (column, row)
    sums = ops.sum(ops.abs(A), axis=first, keepdims=True)
    out = (ops.amax if ord > 0 else ops.amin)(sums, axis=second, keepdims=True)
    return out if keepdim else out.squeeze((row, column))


def norm(input: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """vector_norm; or matrix_norm, if dim names two dims, or none and input is a matrix, and ord is given."""
    if ord is not None and ((isinstance(dim, (tuple, list)) and len(dim) == 2) or (dim is None and input.ndim == 2)):
        return matrix_norm(input, ord, (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise ValueError(f"norm: ord={ord!r} is about matrices: name two dims, or give a tensor of two")
    if ord is not None and dim is None and input.ndim != 1:
        raise errors.ShapeError(f"norm: ord is given, so dim is too, or input has one or two dims, got shape {tuple(input.shape)}")
    return vector_norm(input, 2 if ord is None else ord, dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """How much solving equations with A may enlarge errors: the largest singular value over the smallest, or ‖A‖ₚ ‖A⁻¹‖ₚ."""
    if p in (None, 2, -2):
        values = ops.svdvals(A)
        return values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    return matrix_norm(A, p) * matrix_norm(ops.inv(A), p)


def matrix_rank(A: Tensor, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Tensor:
    """How many singular values are larger than max(atol, rtol · the largest)."""
    values = ops.svdvals(A.detach())
    if values.shape[-1] == 0:
        return values.sum(-1).long()
    return (values > tolerance(A, values, atol, rtol)).sum(-1)


def tolerance(A: Tensor, values: Tensor, atol: Any, rtol: Any) -> Tensor:
    """Up to where singular values count as 0."""
    if rtol is None:
        rtol = 0.0 if atol is not None else float(backend.finfo(A.array.dtype).eps) * max(A.shape[-2:])
    def column(x: Any) -> Any:                                  # one for each matrix
        return x[..., None] if isinstance(x, autograd.Tensor) and x.ndim else x

    return ops.maximum(values.amax(-1, keepdim=True) * column(rtol), 0.0 if atol is None else column(atol))


# ---- equations --------------------------------------------------------------------------------------------------
def det(A: Tensor) -> Tensor:
    """The determinant; its gradient is right for singular matrices too."""
    return ops.det(A)


def slogdet(A: Tensor) -> SlogdetResult:
    """The sign of the determinant, and the logarithm of its absolute value."""
    return SlogdetResult(*ops.slogdet(A))


def inv(A: Tensor) -> Tensor:
    """The inverse."""
    return ops.inv(A)


def pinv(A: Tensor, rcond: float | None = None, hermitian: bool = False, *, atol: float | None = None,
         rtol: float | None = None) -> Tensor:
    """The pseudo-inverse; singular values up to rtol (or rcond) times the largest count as 0."""
    if atol is not None or hermitian:
        raise NotImplementedError("pinv: atol and hermitian=True are not offered: use rtol, and leave hermitian out")
    rtol = rcond if rtol is None else rtol
    return ops.pinv(A, rcond=float(backend.finfo(A.array.dtype).eps) * max(A.shape[-2:]) if rtol is None else rtol)


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (left=False: X A = B), for vectors B and for matrices."""
    ops.linalg.as_square("solve", A)
    if left and (B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])):
        return ops.solve(A, B[..., None])[..., 0]
    if left:
        return ops.solve(A, B)
    return ops.solve(A.mT, B.mT).mT


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """X with A X = B (left=False: X A = B), where only one triangle of A counts; unitriangular: its diagonal counts as 1."""
    ops.linalg.as_square("solve_triangular", A)
    A = (ops.triu if upper else ops.tril)(A, k=(1 if upper else -1) * unitriangular)
    if unitriangular:
        A = A + backend.xp(A.array).eye(A.shape[-1], dtype=A.array.dtype)
    return ops.solve(A, B) if left else ops.solve(A.mT, B.mT).mT


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> LstsqResult:
    """The X that makes ‖A X - B‖ the least (and of those the smallest), differentiable through its pseudo-inverse.

    residuals: the squares of what is left, for more equations than unknowns of full rank; else empty.
    """
    if driver not in (None, "gelsd"):
        raise NotImplementedError(f"lstsq: driver={driver!r} is not offered: it is computed from singular values, as by 'gelsd'")
    if A.ndim < 2 or B.ndim < 1:
        raise errors.ShapeError(f"lstsq: A is a matrix or a stack of them, and B has one dim or more, got shapes {tuple(A.shape)} "
                                f"and {tuple(B.shape)}")
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    B = B[..., None] if vector else B
    rtol = float(backend.finfo(A.array.dtype).eps) * max(A.shape[-2:]) if rcond is None else rcond
    X, values = ops.matmul(ops.pinv(A, rcond=rtol), B), ops.svdvals(A.detach())
    rank = (values > tolerance(A, values, None, rtol)).sum(-1)
    left = B - ops.matmul(A, X)
    full = A.shape[-2] > A.shape[-1] and bool((rank == A.shape[-1]).all())
    residuals = (left * left).sum(-2) if full else A.new_zeros((0,))
    return LstsqResult(X[..., 0] if vector else X, residuals, rank, values)


# ---- decompositions ---------------------------------------------------------------------------------------------
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L Lᵀ = A, for symmetric positive definite A; upper: Lᵀ."""
    L = ops.cholesky(A)
    return L.mT if upper else L


def eigh(A: Tensor, UPLO: str = "L") -> EighResult:
    """The eigenvalues, ascending, and eigenvectors, in columns, of a symmetric A."""
    return EighResult(*ops.eigh(one_triangle("eigh", A, UPLO)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues, ascending, of a symmetric A; differentiable where some are equal too."""
    return ops.eigvalsh(one_triangle("eigvalsh", A, UPLO))


def one_triangle(name: str, A: Tensor, UPLO: str) -> Tensor:
    if UPLO not in ("L", "U"):
        raise ValueError(f"{name}: UPLO is 'L' or 'U', got {UPLO!r}")
    if UPLO == "U":
        raise NotImplementedError(f"{name}: A is symmetric, so both triangles say the same: leave UPLO out")
    return A


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> SVDResult:
    """U, S, Vh with A = U diag(S) Vh: singular values descending.  full_matrices: U and Vh are square."""
    no_driver("svd", driver)
    if full_matrices and A.shape[-1] != A.shape[-2]:
        if A.requires_grad:
            raise NotImplementedError("svd: full_matrices=True is not differentiable for a matrix that is not square: pass "
                                      "full_matrices=False")
        U, S, Vh = backend.xp(A.array).linalg.svd(A.array)
        return SVDResult(autograd.wrap(U), autograd.wrap(S), autograd.wrap(Vh))
    return SVDResult(*ops.svd(A))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, descending; differentiable where some are equal too."""
    no_driver("svdvals", driver)
    return ops.svdvals(A)


def no_driver(name: str, driver: str | None) -> None:
    if driver is not None:
        raise errors.WrongValue(f"{name}: driver={driver!r} is not offered: each array library has one way, driver=None")


def qr(A: Tensor, mode: str = "reduced") -> QRResult:
    """Q, R with A = Q R: orthonormal columns in Q, and R upper triangular.

    If A is wider than tall, its first columns make Q, and the others stand in R as Qᵀ A says.
    """
    if mode != "reduced":
        raise NotImplementedError(f"qr: mode={mode!r} is not offered: there is 'reduced'")
    tall = A.shape[-2]
    if A.shape[-1] > tall:
        Q, R = ops.qr(A[..., :tall])
        return QRResult(Q, shape.cat([R, ops.matmul(Q.mT, A[..., tall:])], -1))
    return QRResult(*ops.qr(A))


# ---- products ---------------------------------------------------------------------------------------------------
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ x_i y_i along dim; the other dims broadcast."""
    return ops.sum(ops.mul(x, y), axis=dim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """x × y along dim, which has length 3; the other dims broadcast."""
    if input.ndim != other.ndim or not input.ndim or input.shape[dim] != 3 or other.shape[dim] != 3:
        raise errors.ShapeError(f"cross: both tensors have length 3 along dim {dim}, and as many dims, got shapes "
                                f"{tuple(input.shape)} and {tuple(other.shape)}")
    input, other = shape.broadcast_tensors(input, other)
    return functions.cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices."""
    return ops.diagonal(A, offset=offset, axis1=dim1, axis2=dim2)
