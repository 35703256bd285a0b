"""Check gradients: of your own functions with `gradcheck`, of your own ops with `check_op`; and strategies to draw operands from.

A gradient is compared with what it claims to be, a slope.  For a random cotangent v and a random direction u,

    Σ u · dL/dx   =   d/dt L(x + t u)  at t = 0,     where L = Σ v · f(x)

The left side is what the backward pass computes.  The right side is measured: by differences of values of f on both sides of x,
or, for an op that can compute with complex numbers, by a complex step, which is exact to the last digit.  v and u are random
because round numbers hide faults: the gradient of Σ softmax(x) is 0 whatever the derivative of softmax says.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import autograd, backend
from .backend import host as np
from .op import Op, raw, wrap
from .tensor import Tensor

if TYPE_CHECKING:
    from .strategies import Sample, arrays, broadcastable, shapes

__all__ = ["gradcheck", "gradgradcheck", "check_op", "GradcheckError", "Sample", "shapes", "arrays", "broadcastable"]


class GradcheckError(RuntimeError):
    """A gradient is not the slope of its function: the message says where, and gives both numbers."""


# ---- checking functions of Tensors ------------------------------------------------------------------------------
def gradcheck(func: Callable[..., Any], inputs: Any, *, eps: float = 1e-3, atol: float = 1e-8, rtol: float = 1e-7,
              raise_exception: bool = True, nondet_tol: float = 0.0, allow_float32: bool = False) -> bool:
    """Whether the gradients of func(*inputs), by every input that requires grad, are its slopes.

    func: takes the inputs and returns a Tensor or several.         inputs: a Tensor, or a tuple of Tensors and other arguments.
    eps: the spacing of the points that slopes are measured from (three on each side: the error shrinks with eps⁶).
    atol, rtol: how far a gradient may be from the slope, absolutely, and relative to its size.
    raise_exception: raise `GradcheckError` at a wrong gradient (else return False).
    nondet_tol: how far two backward passes may be from each other.
    allow_float32: check float32 inputs, though their rounding hides faults; then give a larger eps, atol and rtol.

    Keep the inputs away from kinks (relu at 0) by more than 3 eps: there a function has no slope to compare with.
    """
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not wanted:
        raise ValueError("gradcheck: no input requires grad, so there is nothing to check: make one with requires_grad=True")
    for i in wanted:
        if str(inputs[i].array.dtype) != "float64" and not allow_float32:
            raise TypeError(f"gradcheck: input {i} is of dtype {inputs[i].dtype}, whose rounding hides faults: use float64 "
                            "(x.double()), or pass allow_float32=True with a larger eps, atol and rtol")

    def values(arrays: list[Any]) -> list[Any]:
        results = func(*[wrap(x).requires_grad_() if i in wanted else inputs[i] for i, x in enumerate(arrays)])
        return [raw(y) for y in as_outputs(results)]

    random = np.random.default_rng(0)
    outputs = as_outputs(func(*inputs))
    vs = [cotangent(random, y.array) for y in outputs]
    targets = [inputs[i] for i in wanted]
    try:
        gradients = gradients_of(outputs, targets, vs)
        for again in (gradients_of(as_outputs(func(*inputs)), targets, vs),) if nondet_tol is not None else ():
            for i, a, b in zip(wanted, gradients, again):
                if a.size and np.abs(a - b).max() > nondet_tol:
                    raise GradcheckError(f"gradcheck: two backward passes gave gradients of input {i} that differ by up to "
                                         f"{np.abs(a - b).max():.3g}: func is not deterministic.  If it draws random numbers, "
                                         "set the seed inside; if the difference is rounding, pass nondet_tol")
        arrays = [raw(x) for x in inputs]
        compare(f"{getattr(func, '__name__', 'func')}: input", values, arrays, wanted, gradients, vs, random,
                lambda i, u: differences(values, arrays, i, u, eps), atol, rtol, eps)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func: Callable[..., Any], inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-3, atol: float = 1e-8,
                  rtol: float = 1e-7, raise_exception: bool = True, nondet_tol: float = 0.0, allow_float32: bool = False) -> bool:
    """`gradcheck` of the gradients of func: whether its second derivatives are right.  grad_outputs: random if left out."""
    inputs = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    outputs = as_outputs(func(*inputs))
    if grad_outputs is None:
        random = np.random.default_rng(1)
        gs = tuple([None if v is None else wrap(v).requires_grad_() for v in [cotangent(random, y.array) for y in outputs]])
    else:
        gs = tuple(grad_outputs) if isinstance(grad_outputs, (tuple, list)) else (grad_outputs,)
    wanted = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]

    def gradient(*inputs_and_gs: Any) -> tuple[Any, ...]:
        xs = inputs_and_gs[:len(inputs)]
        pairs = [(y, g) for y, g in zip(as_outputs(func(*xs)), inputs_and_gs[len(inputs):]) if y.requires_grad]
        return autograd.grad([y for y, _ in pairs], [xs[i] for i in wanted], [g for _, g in pairs],
                             create_graph=True, materialize_grads=True)

    gradient.__name__ = f"the gradient of {getattr(func, '__name__', 'func')}"
    return gradcheck(gradient, inputs + gs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol, allow_float32=allow_float32)


# ---- checking ops -----------------------------------------------------------------------------------------------
def check_op(op: type[Op], operands: Any, params: dict[str, Any] | None = None, *, analytic: bool = True, order: int = 2,
             seed: int = 0, eps: float = 1e-3) -> None:
    """Raise `GradcheckError` unless the derivatives of an op, at these float64 operands, are its slopes.

    analytic: whether its forward computes with complex numbers as with real ones (no abs, no norm), so that slopes can be
        measured by a complex step; else by differences.
    eps: the spacing of the points that differences are taken of (see `gradcheck`).
    order: 2 checks the second derivatives too, and that the ordinary sweep and the one of `create_graph` agree.
    """
    params = {name: on_device(value) for name, value in (params or {}).items()}
    operands = [on_device(x) for x in (operands if isinstance(operands, (tuple, list)) else (operands,))]
    wanted = differentiable_operands(op, operands)
    random = np.random.default_rng(seed)

    def values(arrays: list[Any]) -> list[Any]:
        return as_outputs(op(*arrays, **params))

    vs = [cotangent(random, y) for y in values(operands)]
    gradients, gs = vjp(op, operands, params, wanted, vs)
    compare(f"{op.__name__}: operand", values, operands, wanted, gradients, vs, random,
            lambda i, u: complex_step(values, operands, i, u) if analytic else differences(values, operands, i, u, eps),
            1e-12 if analytic else 1e-9, 1e-11 if analytic else 1e-8, eps)
    if order < 2:
        return

    tensors = [wrap(x).requires_grad_() if i in wanted else x for i, x in enumerate(operands)]
    gs = [None if v is None else wrap(v).requires_grad_() for v in vs]
    pairs = [(y, g) for y, g in zip(as_outputs(op(*tensors, **params)), gs) if y.requires_grad]
    recorded = autograd.grad([y for y, _ in pairs], [tensors[i] for i in wanted], [g for _, g in pairs], create_graph=True,
                             materialize_grads=True)
    for i, a, b in zip(wanted, gradients, recorded):
        if not np.allclose(a, on_host(b.array), rtol=1e-9, atol=1e-10, equal_nan=True):
            raise GradcheckError(f"{op.__name__}: operand {i}: the gradient computed under create_graph differs from the "
                                 f"ordinary one by up to {np.abs(a - on_host(b.array)).max():.3g}")

    n, float_outputs = len(operands), [k for k, y in enumerate(as_outputs(op(*tensors, **params))) if y.requires_grad]

    def first_derivatives(arrays: Any) -> list[Any]:
        return [on_device(a) for a in vjp(op, arrays[:n], params, wanted, arrays[n:])[0]]

    ws = [cotangent(random, x) for x in first_derivatives([*operands, *vs])]
    targets = wanted + [n + k for k in float_outputs]
    everything = [*tensors, *gs]
    second = gradients_of(recorded, [everything[i] for i in targets], ws)
    both = [*operands, *vs]
    compare(f"the gradient of {op.__name__}: operand (the last are g)", first_derivatives, both, targets, second, ws, random,
            lambda i, u: differences(first_derivatives, both, i, u, eps), 1e-8, 1e-7, eps)


def differentiable_operands(op: type[Op], operands: list[Any]) -> list[int]:
    """The positions of the operands that gradients of the op can flow to: floating-point arrays that it has a derivative for."""
    derivatives = op.derivatives * len(operands) if op.variadic else op.derivatives
    return [i for i, x in enumerate(operands)
            if getattr(getattr(x, "dtype", None), "kind", "") == "f" and (op.plain is not None or derivatives[i][0] is not None)]


def vjp(op: type[Op], operands: list[Any], params: dict[str, Any], wanted: list[int], vs: list[Any]) -> tuple[list[Any], list[Any]]:
    """The gradients of Σ v · op(…) by the wanted operands, by the ordinary sweep, as host arrays; and the op's results."""
    tensors = [wrap(x).requires_grad_() if i in wanted else x for i, x in enumerate(operands)]
    outputs = as_outputs(op(*tensors, **params))
    return gradients_of(outputs, [tensors[i] for i in wanted], vs), outputs


# ---- slopes -----------------------------------------------------------------------------------------------------
def complex_step(f: Callable[[list[Any]], list[Any]], arrays: list[Any], i: int, u: Any) -> list[Any]:
    """d/dt f(…, xᵢ + t u, …) = Im f(…, xᵢ + i h u, …) / h, to rounding, as nothing is subtracted (Squire & Trapp 1998)."""
    h = 1e-30
    moved = [x + 0j if getattr(getattr(x, "dtype", None), "kind", "") == "f" else x for x in arrays]
    moved[i] = moved[i] + u * (1j * h)
    return [y.imag / h for y in f(moved)]


def differences(f: Callable[[list[Any]], list[Any]], arrays: list[Any], i: int, u: Any, eps: float = 1e-3) -> list[Any]:
    """d/dt f(…, xᵢ + t u, …) = (45 (f₁ - f₋₁) - 9 (f₂ - f₋₂) + (f₃ - f₋₃)) / 60 eps, with error of order eps⁶."""
    largest = max(1.0, float(abs(u).max())) if u.size else 1.0
    eps = eps / largest                                         # no element moves by more than 3 eps
    slopes = []
    for steps, weight in ((1, 45), (2, -9), (3, 1)):
        ahead, behind = [f([backend.asarray(x + u * (side * steps * eps), [x]) if k == i else x for k, x in enumerate(arrays)])
                         for side in (1, -1)]
        slopes.append([(a - b) * (weight / (60 * eps)) if a.dtype.kind == "f" else None for a, b in zip(ahead, behind)])
    return [None if a is None else a + b + c for a, b, c in zip(*slopes)]


def compare(name: str, values: Callable[..., Any], arrays: list[Any], wanted: list[int], gradients: list[Any], vs: list[Any],
            random: Any, measure: Callable[[int, Any], list[Any]], atol: float, rtol: float, eps: float = 1e-3) -> None:
    """Raise unless each gradient is the measured slope of Σ v · f along a random direction; say which element is the worst."""
    def slope(i: int, u: Any) -> float:
        return sum([float((on_host(v) * on_host(s)).sum()) for v, s in zip(vs, measure(i, u)) if v is not None and s is not None])

    for i, gradient in zip(wanted, gradients):
        x = arrays[i]
        if gradient.shape != x.shape:
            raise GradcheckError(f"{name} {i}: the gradient has shape {gradient.shape}, and the input {tuple(x.shape)}")
        u = random.choice([-1.0, 1.0], x.shape) * random.uniform(0.5, 1.0, x.shape)
        expected, claimed = slope(i, on_device(u.astype(x.dtype))), float((gradient * u).sum())
        allowed = atol + rtol * max(float(np.abs(gradient * u).sum()), abs(expected))
        if abs(claimed - expected) <= allowed:                  # (NaN is not)
            continue
        where, worst, numbers = (), -1.0, (claimed, expected)   # which element is it?
        for index in list(np.ndindex(x.shape))[:1000]:
            u = np.zeros(x.shape, str(x.dtype))
            u[index] = 1
            there = slope(i, on_device(u))
            error = abs(float(gradient[index]) - there)
            if not error <= worst:
                where, worst, numbers = index, error, (float(gradient[index]), there)
        text = (f"{name} {i}, shape {tuple(x.shape)}: the gradient is wrong: along a random direction it is {claimed:.12g}, "
                f"and the slope {expected:.12g}.  Worst at {list(where)}: the gradient is {numbers[0]:.12g}, the slope "
                f"{numbers[1]:.12g}")
        if numbers[1] and abs(numbers[0] / numbers[1]) not in (0, 1):
            text += f" (ratio {numbers[0] / numbers[1]:.6g})"
        raise GradcheckError(text + kink(values, arrays, i, where, vs, eps))


def kink(values: Callable[..., Any], arrays: list[Any], i: int, where: tuple[int, ...], vs: list[Any], eps: float) -> str:
    """A hint, if the function bends sharply at this element: its slopes left and right differ however near one looks."""
    def one_sided(h: float) -> tuple[float, float]:
        loss = []
        for t in (-h, 0.0, h):
            moved = np.array(on_host(arrays[i]))
            moved[where] += t
            ys = values([on_device(moved) if k == i else x for k, x in enumerate(arrays)])
            loss.append(sum([float((on_host(v) * on_host(y)).sum()) for v, y in zip(vs, ys) if v is not None]))
        return (loss[1] - loss[0]) / h, (loss[2] - loss[1]) / h

    (left, right), (near_left, near_right) = one_sided(3 * eps), one_sided(3 * eps / 8)
    far, near = abs(right - left), abs(near_right - near_left)
    if far > 1e-2 * (abs(left) + abs(right)) and not far / 16 < near < far / 2:     # a smooth function's shrinks to an eighth
        return (f".  The slope is {left:.6g} on its left and {right:.6g} on its right: the function has a kink or a jump there, "
                "where no gradient is the slope; move the input away from it")
    return ""


# ---- small tools ------------------------------------------------------------------------------------------------
def as_outputs(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def on_device(x: Any) -> Any:
    """x, and the arrays in it if it is a tuple or a list, on the default device; the Sample's arrays are made on the host."""
    if type(x) in (tuple, list):
        return type(x)(on_device(each) for each in x)
    return backend.to_device(x, backend.default_device) if type(x) in backend.array_types else x


def on_host(x: Any) -> Any:
    return backend.to_device(x, "cpu") if type(x) in backend.array_types else x


def cotangent(random: Any, y: Any) -> Any:
    """Random numbers of the shape and type of y, none near 0; None if y is not of a floating-point type."""
    if y.dtype.kind != "f":
        return None
    return on_device(np.asarray(random.choice([-1.0, 1.0], y.shape) * random.uniform(0.5, 1.5, y.shape), str(y.dtype)))


def gradients_of(outputs: Any, inputs: list[Any], vs: list[Any]) -> list[Any]:
    """d(Σ v · output)/d(input) for each input, as arrays on the host; zeros where nothing depends on it."""
    pairs = [(y, wrap(v)) for y, v in zip(outputs, vs) if v is not None and y.requires_grad]
    if not pairs:
        return [np.zeros(x.shape, str(x.array.dtype)) for x in inputs]
    found = autograd.grad([y for y, _ in pairs], inputs, [v for _, v in pairs], materialize_grads=True)
    return [on_host(g.array) for g in found]


# ---- drawing operands -------------------------------------------------------------------------------------------
def __getattr__(name: str) -> Any:
    """The strategies, for whoever asks: they need hypothesis, which checking a gradient does not."""
    if name in ("Sample", "shapes", "arrays", "broadcastable"):
        from . import strategies
        return getattr(strategies, name)
    from .names import refuse
    refuse(__name__, name)
