"""The one type that operands of different types are computed in: PyTorch's rules, which are not NumPy's.

The highest category wins: bool < integer < float < complex.  Among operands of that category, tensors with dimensions
decide before 0-d tensors, and 0-d tensors before Python numbers; a Python float among integers is of the default float type.
So int64 * float32 is float32 (NumPy: float64), and a 0-d float64 does not widen a float32 array.
"""
from __future__ import annotations

from typing import Any

from . import backend, errors
from .backend import array_types

float32, float64 = backend.dtype("float32"), backend.dtype("float64")
default_float = float32
_rank = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
_numbers = {bool: 0, int: 1, float: 2, complex: 3}


def promoted(operands: list[Any], op: Any) -> list[Any]:
    """The operands of `op` (None is an operand left out), its arrays all of one type and on one device."""
    first = next(x for x in operands if type(x) in array_types)
    numbers = [x if type(x) in array_types or x is None else backend.python_number(x) for x in operands]
    for x, number in zip(operands, numbers):
        if number is None and not (x is None and op.optional):
            raise TypeError(f"{op.__name__} takes tensors, arrays and numbers, got {type(x).__name__}: make a tensor of it first")
        if type(number) in array_types and type(number) is not type(first):
            raise errors.device_mismatch(op, first, number)
    dtype = result_type(*[x for x in numbers if x is not None])
    if dtype.kind in "biu" and not op.integers:
        dtype = default_float
    return [x if type(x) not in array_types or x.dtype == dtype else x.astype(dtype) for x in numbers]


def on_one_device(operands: Any, error: Exception) -> list[Any]:
    """The operands with 0-d tensors of the host on the device of the others, as PyTorch has them go along (their gradients come
    back); if there are none, the error is raised that was met without this."""
    arrays = [getattr(x, "array", None) for x in operands]
    devices = {backend.device_of(x) for x in arrays if x is not None}
    device = next(iter(devices - {"cpu"}), "cpu")
    along = [x is not None and x.ndim == 0 and backend.device_of(x) != device for x in arrays]
    if not any(along):
        raise error
    return [x.to(device) if moves else x for x, moves in zip(operands, along)]


def result_type(*operands: Any) -> Any:
    """The dtype that PyTorch computes these arrays and Python numbers in."""
    levels: list[Any] = [None, None, None]                      # with dimensions, 0-d, Python numbers
    for x in operands:
        if type(x) in array_types:
            level, dtype = int(x.ndim == 0), x.dtype
        else:
            complex_ = promote_types(default_float, "complex64")
            level, dtype = 2, backend.dtype(("bool", "int64", default_float, complex_)[_numbers[type(x)]])
        levels[level] = dtype if levels[level] is None else promote_types(levels[level], dtype)
    result = None
    for dtype in levels:
        if dtype is not None and (result is None or _rank[dtype.kind] > _rank[result.kind]):
            keeps_width = result is not None and result.kind + dtype.kind == "fc"            # float64 and 1j: complex128
            result = promote_types(result, "complex64") if keeps_width else dtype
    return result


def promote_types(a: Any, b: Any) -> Any:
    """The dtype that holds both: a higher category takes it all (int64 and float16: float16), else NumPy's answer."""
    a, b = backend.dtype(a), backend.dtype(b)
    low, high = sorted((a, b), key=lambda dtype: _rank[dtype.kind])
    return backend.promote_types(a, b) if _rank[low.kind] == _rank[high.kind] or high.kind + low.kind == "cf" else high


def can_cast(source: Any, target: Any) -> bool:
    """Whether a tensor of one type may be put into one of the other in place: to the same or a higher category."""
    return _rank[backend.dtype(source).kind] <= _rank[backend.dtype(target).kind]
