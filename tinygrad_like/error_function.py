"""The error function and its kin, which NumPy lacks:  erf(x) = 2/√π ∫₀ˣ e^(-t²) dt,  erfc = 1 - erf,  and the inverse of erf.

float64: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969), 631-637,
with the coefficients of his SPECFUN; errors near 1e-16 for erf, 1e-15 for erfc, relative to the result.
float32: erf(x) = tanh(x R(x²)) with a polynomial R of degree 6, fitted for this file; error below 2e-7,
    and below 4e-7 of the result.
CuPy brings its own.
"""
from __future__ import annotations

import importlib
from typing import Any

from .backend import PIECE, host, pieces, xp

_R = (1.4184982e-07, -5.6684316e-06, 8.7637044e-05, -6.1978386e-04, -1.9183180e-04, 1.0276906e-01, 1.1283793)

# Cody's tables, the highest power first: |x| ≤ 0.46875, then up to 4, then beyond
_A = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)
_B = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_C = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
      8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3)
_D = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3, 3.29079923573345963e3,
      4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)
_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1, 1.60837851487422766e-2,
      6.58749161529837803e-4)
_Q = (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2, 2.33520497626869185e-3)
_sqrt_pi = 1.7724538509055160273


def polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Σ cₖ xᵏ by Horner's rule, the coefficient of the highest power first."""
    out = coefficients[0] * x
    for c in coefficients[1:-1]:
        out += c
        out *= x
    out += coefficients[-1]
    return out


def erf(x: Any) -> Any:
    """erf(x) for an array of floats."""
    if xp(x) is not host:
        return theirs(x, "erf")
    if x.size <= PIECE:
        return erf_of_piece(x)
    out = host.empty_like(x)                                    # laid out in memory as x is
    for part, into in pieces(x, out):
        into[...] = erf_of_piece(part)
    return out


def erf_of_piece(x: Any) -> Any:
    if x.dtype == "float64":
        y = abs(x)
        near = y <= 0.46875
        inside = host.minimum(y, 0.46875)
        inside = inside * polynomial(_A, inside * inside) / polynomial(_B, inside * inside)
        return host.copysign(host.where(near, inside, 1 - middle(host.clip(y, 0.46875, 6))), x)
    y = host.clip(x, -5, 5).astype("float32", copy=False)
    z = polynomial(_R, y * y)
    z *= y
    return host.tanh(z).astype(x.dtype, copy=False)


def erfc(x: Any) -> Any:
    """1 - erf(x), exact to the last digits where erf(x) is near 1 too."""
    if xp(x) is not host:
        return theirs(x, "erfc")
    y = x.astype("float64", copy=False)
    size = abs(y)
    above = host.where(size <= 4, middle(host.clip(size, 0.46875, 4)), tail(host.clip(size, 4, 30)))
    out = host.where(size <= 0.46875, 1 - erf(host.asarray(y)), host.where(y < 0, 2 - above, above))
    return out.astype(x.dtype, copy=False)


def middle(y: Any) -> Any:
    """erfc(y) for 0.46875 ≤ y ≤ 4 (and to 6, where 1 - erfc(y) is all that is wanted)."""
    return exp_minus_square(y) * polynomial(_C, y) / polynomial(_D, y)


def tail(y: Any) -> Any:
    """erfc(y) for 4 ≤ y."""
    z = 1 / (y * y)
    return exp_minus_square(y) / y * (1 / _sqrt_pi - z * polynomial(_P, z) / polynomial(_Q, z))


def exp_minus_square(y: Any) -> Any:
    """e^(-y²), with y² taken apart so that its rounding is not magnified."""
    coarse = host.trunc(y * 16) / 16
    return host.exp(-coarse * coarse) * host.exp((coarse - y) * (coarse + y))


def erfinv(x: Any) -> Any:
    """The y with erf(y) = x: Winitzki's closed form (2008), then Halley's steps on erf or, near ±1, on erfc."""
    if xp(x) is not host:
        return theirs(x, "erfinv")
    exact = x.astype("float64", copy=False)
    size = host.minimum(abs(exact), 1 - 2.0 ** -53)
    a = 0.147
    log = host.log1p(-size * size)
    b = 2 / (host.pi * a) + log / 2
    y = host.sqrt(host.sqrt(b * b - log / a) - b)
    for _ in range(3):
        error = host.where(size < 0.5, erf(host.asarray(y)) - size, (1 - size) - erfc(host.asarray(y)))
        step = error / (2 / _sqrt_pi * host.exp(-y * y))
        y = y - step / (1 + y * step)
    y = host.where(abs(exact) < 1, y, host.where(abs(exact) == 1, host.inf, host.nan))
    return host.copysign(y, exact).astype(x.dtype, copy=False)


def theirs(x: Any, name: str) -> Any:
    special = importlib.import_module(xp(x).__name__ + "x.scipy.special")
    return getattr(special, name)(x)
