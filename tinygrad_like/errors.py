"""What goes wrong, said so that it can be mended: what came, what was expected, where, and what to do."""
from __future__ import annotations

from itertools import combinations
from typing import Any


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not go together.  (NumPy raises ValueError here and PyTorch RuntimeError: this is both.)"""


class WrongType(TypeError, NotImplementedError):
    """Numbers of a type that something is not defined for.  (NumPy raises TypeError, PyTorch RuntimeErrors: this is both.)"""


class WrongValue(ValueError, RuntimeError):
    """A number that is not allowed.  (Python and NumPy raise ValueError here and PyTorch RuntimeError: this is both.)"""


class OutOfRange(IndexError, RuntimeError):
    """An index that is out of range.  (NumPy raises IndexError here and PyTorch sometimes RuntimeError: this is both.)"""


class LinAlgError(RuntimeError, ValueError):
    """A matrix that has no inverse, or no such decomposition."""


class BackendError(RuntimeError):
    """The array library for a device cannot be used: the message says which of its needs is missing."""


class BadFile(RuntimeError, ValueError):
    """A file that is damaged, of a foreign format, or asks for what is not done here.

    (PyTorch raises RuntimeError here and NumPy ValueError: this is both.)
    """


def explain(op: Any, arrays: list[Any], params: dict[str, Any], error: Exception) -> Exception:
    """The error to raise when the forward of `op` failed: the same kind, with the op and its operands named."""
    from .backend import array_types
    kinds = {type(x): x for x in (*arrays, *params.values()) if type(x) in array_types}
    if len(kinds) > 1:
        return device_mismatch(op, *list(kinds.values())[:2])
    if isinstance(error, (ShapeError, OutOfRange, WrongType)):  # the op has said it better
        return error
    name = op.__name__
    if isinstance(error, IndexError) and hasattr(error, "axis"):    # NumPy's AxisError
        n = getattr(error, "ndim", None) or 1
        return OutOfRange(f"{name}: Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {error.axis})")
    if isinstance(error, IndexError) and "index" in params and hasattr(arrays[0], "shape"):
        shape = tuple(arrays[0].shape)
        return OutOfRange(f"x[index] with x of shape {shape}: {index_fault(shape, params['index']) or error}")
    shapes = [tuple(x.shape) for x in arrays if hasattr(x, "shape")]
    if isinstance(error, ValueError) and "broadcast" in str(error):
        shapes += [tuple(x.shape) for x in params.values() if hasattr(x, "shape")]
        for a, b in combinations(shapes, 2):
            if fault := broadcast_fault(a, b):
                return ShapeError(f"{name}: {fault}")
    if isinstance(error, TypeError) and any(word in str(error) for word in ("ufunc", "numpy boolean")):
        types = " and ".join([str(x.dtype) for x in arrays if hasattr(x, "dtype")])
        return WrongType(f"{name} is not defined for {types}: convert first, for example by .int() or .bool().  ({error})")
    given = [str(shape) for shape in shapes] + [f"{k}={short(v)}" for k, v in params.items()]
    text = f"{name}({', '.join(given)}): {error}"
    if isinstance(error, TypeError):
        return WrongType(text)
    if type(error) in (ValueError, IndexError):
        return ShapeError(text) if type(error) is ValueError else OutOfRange(text)
    return error


def short(x: Any) -> str:
    """What a parameter is, in a few words: of an array, its shape."""
    text = f"array of shape {tuple(x.shape)}" if hasattr(x, "shape") else repr(x)
    return text if len(text) <= 60 else f"{text[:57]}..."


def index_fault(shape: tuple[int, ...], index: Any) -> str | None:
    """Which part of x[index] does not fit the shape of x; None if it is none by itself."""
    parts = index if isinstance(index, tuple) else (index,)
    masks = [getattr(getattr(part, "dtype", None), "kind", "") == "b" or isinstance(part, bool) for part in parts]
    dims = [0 if part is None or part is Ellipsis else getattr(part, "ndim", 0) if mask else 1 for part, mask in zip(parts, masks)]
    if sum(dims) > len(shape):
        return (f"too many indices: it has {len(shape)} dims, and the index is about {sum(dims)}"
                + ("" if shape else ".  x.item() is its number"))
    dim = 0
    for part, mask, used in zip(parts, masks, dims):
        if part is Ellipsis:
            dim += len(shape) - sum(dims)
        elif mask and used and tuple(part.shape) != tuple(shape[dim:dim + used]):
            return (f"the mask has shape {tuple(part.shape)}, and what it is to choose from, {tuple(shape[dim:dim + used])}: "
                    "a mask is as long as x in every dim that it is about")
        elif used and not mask and not isinstance(part, slice):
            places = [part] if not hasattr(part, "shape") else [int(part.min()), int(part.max())] if part.size else []
            for k in places:
                if not -shape[dim] <= k < shape[dim]:
                    return (f"index {k} is out of bounds for dimension {dim} with size {shape[dim]}: the last is "
                            f"{shape[dim] - 1}, or -1" if shape[dim] else f"dimension {dim} is empty")
        dim += used
    lists = [tuple(part.shape) for part, mask in zip(parts, masks) if hasattr(part, "shape") and not mask]
    for a, b in combinations(lists, 2):
        if fault := broadcast_fault(a, b):
            return f"the places, one list for each dim, are paired: {fault}.  To pair each with each, index twice, as in x[i][:, j]"
    return None


def broadcast_fault(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Which axis keeps shapes a and b from being broadcast together, and what to try.  Nothing if they can be."""
    for k in range(1, min(len(a), len(b)) + 1):
        if a[-k] != b[-k] and 1 not in (a[-k], b[-k]):
            text = (f"shapes {a} and {b} do not broadcast: counted from the right, axis -{k} is {a[-k]} in one and {b[-k]} in the "
                    "other, and neither is 1")
            if len(a) > len(b) and a[-k - 1:-k] == b[-k:len(b) - k + 1]:
                text += f".  To line {b} up with axis -{k + 1}, write y.unsqueeze(-1)"
            elif a == b[::-1]:
                text += ".  One of them looks transposed: x.T"
            return text
    return ""


def bad_derivative(op: Any, i: int, dx: Any, g: Any, shape: tuple[int, ...]) -> Exception:
    """The error to raise when the answer of op's i-th derivative cannot be the gradient of an operand of that shape."""
    operand = op.operands[0 if op.variadic else i]
    is_array = hasattr(dx, "shape") and hasattr(dx, "dtype")
    came = f"shape {tuple(dx.shape)}" if is_array else type(dx).__name__
    return (ShapeError if is_array else TypeError)(
        f"{op.__name__}.d{operand} returned {came}, and {operand} has shape "
        f"{shape}: its gradient is an array of that shape, or of one that {operand} broadcasts to"
        + (f" (g has shape {tuple(g.shape)})" if hasattr(g, "shape") else ""))


class DeviceMismatch(RuntimeError):
    """Operands on different devices."""


def device_mismatch(op: Any, a: Any, b: Any) -> DeviceMismatch:
    from .backend import device_of
    a, b = device_of(a), device_of(b)
    return DeviceMismatch(f"{op.__name__}: one operand is on {a!r} and another on {b!r}: move one of them, for example x.to({a!r})")


def stale(op: Any, name: str, array: Any, how: str) -> RuntimeError:
    what = "its result" if name == "out" else f"{name!r}"
    return RuntimeError(f"{op.__name__} kept {what} (shape {tuple(array.shape)}) for the backward pass, and its memory was changed "
                        f"since by an in-place operation: {how}.  Compute a new tensor there instead (x = x + …), or hand a "
                        "clone() to one of the two")


def freed(op: Any) -> RuntimeError:
    return RuntimeError(f"backward through {op.__name__} a second time: this graph was walked before, and what it kept was freed.  "
                        "Pass retain_graph=True to the first walk, or run the forward pass again")


def overlapping(how: str, shape: tuple[int, ...]) -> RuntimeError:
    return RuntimeError(f"{how}: this tensor of shape {tuple(shape)} was expanded: several of its elements are one number in "
                        "memory, and cannot be changed apart.  Change a clone() of it")
