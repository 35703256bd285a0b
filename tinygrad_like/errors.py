"""What goes wrong, said so that it can be mended: what came, what was expected, where, and what to do."""
from __future__ import annotations

from typing import Any


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not go together.  (NumPy raises ValueError here and PyTorch RuntimeError: this is both.)"""


class OutOfRange(IndexError, RuntimeError):
    """An index that is out of range.  (NumPy raises IndexError here and PyTorch sometimes RuntimeError: this is both.)"""


class LinAlgError(RuntimeError, ValueError):
    """A matrix that has no inverse, or no such decomposition."""


class BackendError(RuntimeError):
    """The array library for a device cannot be used: the message says which of its needs is missing."""


def explain(op: Any, arrays: list[Any], params: dict[str, Any], error: Exception) -> Exception:
    """The error to raise when the forward of `op` failed: the same kind, with the op and its operands named."""
    from .backend import array_types
    kinds = {type(x): x for x in arrays if type(x) in array_types}
    if len(kinds) > 1:
        return device_mismatch(op, *list(kinds.values())[:2])
    if isinstance(error, ShapeError):                           # the op has said it better
        return error
    shapes = [tuple(x.shape) for x in arrays if hasattr(x, "shape")]
    signature = ", ".join([str(s) for s in shapes] + [f"{k}={v!r}" for k, v in params.items() if not hasattr(v, "shape")])
    text = f"{op.__name__}({signature}): {error}"
    if isinstance(error, ValueError) and len(shapes) == 2 and "broadcast" in str(error):
        text = f"{op.__name__}: {broadcast_fault(*shapes)}"
        return ShapeError(text)
    if type(error) in (ValueError, TypeError, IndexError):
        kind = ShapeError if type(error) is ValueError else type(error)
        return kind(text)
    return error


def broadcast_fault(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    """Which axis keeps shapes a and b from being broadcast together, and what to try."""
    for k in range(1, min(len(a), len(b)) + 1):
        if a[-k] != b[-k] and 1 not in (a[-k], b[-k]):
            text = (f"shapes {a} and {b} do not broadcast: counted from the right, axis -{k} is {a[-k]} in one and {b[-k]} in the "
                    "other, and neither is 1")
            if len(a) > len(b) and a[-k - 1:-k] == b[-k:len(b) - k + 1]:
                text += f".  To line {b} up with axis -{k + 1}, write y.unsqueeze(-1)"
            elif a == b[::-1]:
                text += ".  One of them looks transposed: x.T"
            return text
    return f"shapes {a} and {b} do not broadcast"


def device_mismatch(op: Any, a: Any, b: Any) -> RuntimeError:
    from .backend import device_of
    a, b = device_of(a), device_of(b)
    return RuntimeError(f"{op.__name__}: one operand is on {a!r} and another on {b!r}: move one of them, for example x.to({a!r})")


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
