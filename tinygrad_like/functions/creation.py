"""Functions that make tensors, spelled as PyTorch spells them.

Sizes are given as ints or as one sequence: `zeros(2, 3)`, `zeros((2, 3))`, `zeros(size=(2, 3))`.  Everywhere,

    dtype           the number type; by default the default float type, or what the values imply
    device          where: "cpu", "cuda", a `device`; by default the default device
    requires_grad   whether gradients are wanted: True makes a leaf
"""
from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any

from .. import autograd, backend, errors, promotion
from ..op import raw, wrap
from ..types import as_dtype, device as Device, dtype_of, get_default_dtype

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["tensor", "as_tensor", "asarray", "from_numpy", "scalar_tensor", "zeros", "ones", "full", "empty", "zeros_like",
           "ones_like", "full_like", "empty_like", "arange", "linspace", "logspace", "eye"]


# ---- from values ------------------------------------------------------------------------------------------------
def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor with a copy of data: numbers, nested sequences of numbers, arrays, tensors.

    Python floats become the default float type, Python ints int64; arrays, tensors and NumPy scalars keep their type.
    The result is a leaf, also where data has a history: `clone()` and `stack()` keep that.
    """
    return made(new_array(data, dtype, device), requires_grad)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """data as a tensor, sharing memory (with arrays) and keeping history (of tensors) where no conversion is needed."""
    if not isinstance(data, autograd.Tensor):
        data = wrap(native(data)) if type(data) in backend.array_types else tensor(data, dtype=dtype, device=device)
    return data.to(device=place_of(data.array) if device is None else device, dtype=dtype)


def asarray(obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None,
            requires_grad: bool | None = None) -> Tensor:
    """`as_tensor`, with a say about copies and history.

    copy: True makes one always, False never (an error where one is needed), None where one is needed.
    requires_grad: False leaves the history of a tensor behind, True makes a leaf of what has none, None leaves that as it is.
    """
    result = as_tensor(obj, dtype, device)
    shares = result.array is raw(obj)
    if copy is False and not shares:
        raise ValueError(f"asarray: copy=False, but to make {result.dtype} on {result.device} of this {type(obj).__name__} "
                         "takes a copy")
    if copy and shares:
        result = result.clone()
    if requires_grad is None or requires_grad == result.requires_grad:
        return result
    return result.detach().requires_grad_(requires_grad)


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares the memory of a NumPy array.  Edits through the array are not noticed by the backward pass."""
    if not isinstance(ndarray, backend.host.ndarray):
        raise TypeError(f"from_numpy expected a NumPy array, got {type(ndarray).__name__}: tensor() takes lists and numbers")
    if not ndarray.dtype.isnative:
        raise ValueError(f"from_numpy: the bytes of {ndarray.dtype} are in the other order than this machine's: use tensor(), "
                         "which copies and turns them")
    as_dtype(ndarray.dtype)
    return wrap(ndarray.view(backend.host.ndarray))


def scalar_tensor(s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A 0-d tensor of the number s, of the default float type unless dtype says otherwise."""
    return full((), s, dtype=dtype or get_default_dtype(), device=device, requires_grad=requires_grad)


# ---- all the same -----------------------------------------------------------------------------------------------
def zeros(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros."""
    return made(library(device).zeros(shape_of("zeros", sizes, size), float_type(dtype)), requires_grad)


def ones(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones."""
    return made(library(device).ones(shape_of("ones", sizes, size), float_type(dtype)), requires_grad)


def empty(*sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory that is not set to anything (NaN in debug mode): write to it before you read it."""
    return made(unset(library(device).empty(shape_of("empty", sizes, size), float_type(dtype))), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """fill_value everywhere; its type decides that of the tensor: True bool, 1 int64, 1.0 the default float type."""
    value = number("full", fill_value)
    implied = dtype_of(fill_value.array) if isinstance(fill_value, autograd.Tensor) else as_dtype(promotion.result_type(value))
    dtype = (implied if dtype is None else as_dtype(dtype)).dtype
    return made(library(device).full(shape_of("full", (size,)), value, dtype), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of input's shape; of its type and on its device, unless others are given."""
    return made(like(input, "zeros_like", dtype, device), requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of input's shape; of its type and on its device, unless others are given."""
    return made(like(input, "ones_like", dtype, device), requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Memory of input's shape that is not set to anything (NaN in debug mode): write to it before you read it."""
    return made(unset(like(input, "empty_like", dtype, device)), requires_grad)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """fill_value in input's shape; of its type and on its device, unless others are given."""
    array = like(input, "empty_like", dtype, device)
    array[...] = number("full_like", fill_value)
    return made(array, requires_grad)


# ---- sequences of numbers ---------------------------------------------------------------------------------------
def arange(start: Any = 0, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None,
           requires_grad: bool = False) -> Tensor:
    """start, start + step, … as long as that is before end.  `arange(end)` counts from 0.

    Of ints int64, of floats the default float type.  How many there are is ⌈(end - start) / step⌉: with a float step, rounding
    can make that one more than expected; `linspace` says how many.  With an integer dtype, start and step are cut to integers
    first (and for int64, the end).
    """
    start, end = (0, start) if end is None else (start, end)
    start, end, step = [number("arange", x) for x in (start, end, step)]
    cut = dtype is not None and as_dtype(dtype).dtype.kind in "iu"
    if cut and as_dtype(dtype).dtype == "int64":
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise errors.WrongValue("arange: the step must not be zero" + ", and of an integer dtype it is cut to an integer" * cut)
    if not math.isfinite((end - start) / step):
        raise RuntimeError(f"arange: from {start} to {end} by {step} there is no end of numbers")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: steps of {step} from {start} lead away from {end}: the sign of the step is wrong")
    whole = all(isinstance(x, int) for x in (start, end, step))
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    if whole and (dtype is None or as_dtype(dtype).dtype == "int64"):
        return made(backend.counting(int(start), int(step), count, place(device)), requires_grad)
    values = backend.host.arange(count)                         # int64: start + step i is exact for ints, and float64 for floats
    dtype = float_type(dtype)
    if cut:
        start, step = int(start), int(step)
    return made(backend.to_device((start + step * values).astype(dtype, copy=False), place(device)), requires_grad)


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """`steps` numbers from start to end, both included, equally spaced."""
    values = spaced("linspace", start, end, steps, dtype)
    return made(backend.to_device(values.astype(float_type(dtype)), place(device)), requires_grad)


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """`steps` numbers from base^start to base^end, both included, each the same multiple of the one before."""
    values = float(base) ** spaced("logspace", start, end, steps, dtype)
    return made(backend.to_device(values.astype(float_type(dtype)), place(device)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """The n × m matrix (square by default) with ones on the diagonal."""
    rows, columns = shape_of("eye", (n, n if m is None else m))
    return made(library(device).eye(rows, columns, dtype=float_type(dtype)), requires_grad)


class Creation:
    """The functions that make a tensor like another, as methods of Tensor."""
    __slots__ = ()

    def new_tensor(self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
        """`tensor(data)`, of this tensor's type and on its device unless others are given."""
        return tensor(data, **as_self(self, dtype, device), requires_grad=requires_grad)

    def new_zeros(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:
        """`zeros(size)`, of this tensor's type and on its device unless others are given."""
        return zeros(*sizes, size=size, **as_self(self, dtype, device), requires_grad=requires_grad)

    def new_ones(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:
        """`ones(size)`, of this tensor's type and on its device unless others are given."""
        return ones(*sizes, size=size, **as_self(self, dtype, device), requires_grad=requires_grad)

    def new_empty(self: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:
        """`empty(size)`, of this tensor's type and on its device unless others are given."""
        return empty(*sizes, size=size, **as_self(self, dtype, device), requires_grad=requires_grad)

    def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None,
                 requires_grad: bool = False) -> Tensor:
        """`full(size, fill_value)`, of this tensor's type and on its device unless others are given."""
        return full(size, fill_value, **as_self(self, dtype, device), requires_grad=requires_grad)


# ---- what they share --------------------------------------------------------------------------------------------
def made(array: Any, requires_grad: bool = False) -> Tensor:
    result = wrap(array)
    if requires_grad:
        result.requires_grad = True
    return result


def place(device: Any) -> str:
    """The backend's name for a device, the default one for None."""
    return backend.default_device if device is None else backend.device_name(Device(device))


def place_of(array: Any) -> str:
    """Where what is made of an array belongs: there, or on the default device, if one was chosen."""
    return backend.device_of(array) if backend.default_device == "cpu" else backend.default_device


def library(device: Any) -> Any:
    return backend.library(place(device))


def float_type(dtype: Any) -> Any:
    """NumPy's dtype for one of ours; the default float type for None."""
    return (get_default_dtype() if dtype is None else as_dtype(dtype)).dtype


def shape_of(name: str, sizes: tuple[Any, ...], size: Any = None) -> tuple[int, ...]:
    """The shape that was meant: f(2, 3), f((2, 3)), f([2, 3]) or f(size=(2, 3))."""
    if size is not None:
        if sizes:
            raise TypeError(f"{name}: give the size once, got {sizes} and size={size}")
        sizes = (size,)
    if not sizes:
        raise TypeError(f"{name}: no size was given: write {name}(2, 3), or {name}(()) for a single number")
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    try:
        shape = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise TypeError(f"{name}: a size is made of ints, or is one tuple of ints; got {sizes}") from None
    if any(n < 0 for n in shape):
        raise RuntimeError(f"{name}: sizes are not negative, got {shape}")
    return shape


def number(name: str, x: Any) -> Any:
    """The Python number in a number, or in a constant of one element."""
    if isinstance(x, autograd.Tensor):
        if x.node is not None:
            raise TypeError(f"{name} makes constants, and a number in it requires grad: compute with it (x * ones(…)), or take "
                            "x.item()")
        return x.item()
    if (value := backend.python_number(x)) is None:
        raise TypeError(f"{name}: expected a number, got {type(x).__name__}")
    return value


def unset(array: Any) -> Any:
    if backend.debug and array.dtype.kind in "fc":
        array[...] = float("nan")                               # whoever reads it shall see it
    return array


def like(input: Any, function: str, dtype: Any, device: Any) -> Any:
    """What xp's zeros_like, ones_like or empty_like makes for input, of a type and on a device that may be other than its own."""
    if not isinstance(input, autograd.Tensor):
        raise TypeError(f"{function} takes a tensor, got {type(input).__name__}")
    array = input.array
    dtype = array.dtype if dtype is None else as_dtype(dtype).dtype
    if device is None or place(device) == backend.device_of(array):
        return getattr(backend.xp(array), function)(array, dtype=dtype)
    return getattr(library(device), function.removesuffix("_like"))(array.shape, dtype)


def as_self(x: Tensor, dtype: Any, device: Any) -> dict[str, Any]:
    return {"dtype": x.dtype if dtype is None else dtype, "device": x.device if device is None else device}


def spaced(name: str, start: Any, end: Any, steps: int, dtype: Any) -> Any:
    """float64 numbers; for an integer dtype, start and end are cut to integers first."""
    if steps < 0:
        raise RuntimeError(f"{name}: the number of steps is not negative, got {steps}")
    start, end = number(name, start), number(name, end)
    if dtype is not None and as_dtype(dtype).dtype.kind in "iu":
        start, end = int(start), int(end)
    return backend.host.linspace(start, end, steps)


def new_array(data: Any, dtype: Any, device: Any) -> Any:
    """A new array of numbers, nested sequences of numbers, Tensors or NumPy arrays: on the device, of the dtype, or as implied."""
    data = raw(data)
    where = place(device)
    if type(data) in backend.array_types:
        where = place_of(data) if device is None else where
        array = native(data)
        return backend.to_device(array.astype(array.dtype if dtype is None else as_dtype(dtype).dtype), where)
    found: set[Any] = set()
    data = unpacked(data, found)
    try:
        array = backend.host.array(data)
    except ValueError as error:
        raise errors.ShapeError(f"tensor: the nested lists are not all of one length: {error}") from error
    if array.dtype.kind not in "biufc":
        if found == {backend.dtype("int64")} and all(isinstance(x, int) for x in array.flat):
            raise errors.WrongValue("tensor: an integer is too large for int64")
        raise errors.WrongType(f"tensor: expected numbers, or nested sequences of numbers, got {type(data).__name__} "
                               f"({str(data)[:60]}), which NumPy makes {array.dtype} of")
    if found:
        implied = functools.reduce(promotion.promote_types, found)
    else:
        implied = array.dtype if array.size else float_type(None)
    target = as_dtype(implied if dtype is None else dtype).dtype
    if array.dtype.kind in "iuf" and target.kind in "iu" and array.size:
        limits = backend.iinfo(target)
        if not (array.max() <= limits.max and array.min() >= limits.min):      # so put, it refuses nan too
            raise errors.WrongValue(f"tensor: numbers from {array.min()} to {array.max()} do not fit into {target}")
    return backend.to_device(array.astype(target, copy=False), where)


_python_numbers = {bool, int, float, complex}


def unpacked(data: Any, found: set[Any]) -> Any:
    """data with arrays in place of Tensors; the dtypes that occur in it, by PyTorch's reading, are added to `found`."""
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        if not kinds <= _python_numbers:
            return [unpacked(x, found) for x in data]
        found.update([promotion.result_type(kind()) for kind in kinds])
    elif type(data) in _python_numbers:
        found.add(promotion.result_type(data))
    elif isinstance(data, autograd.Tensor):
        if data.array.size != 1:
            raise errors.WrongValue(f"tensor: a Tensor among the numbers has one element, got shape {tuple(data.shape)}: stack() "
                                    "and cat() join larger ones, and keep their history")
        data = backend.to_device(data.array.reshape(()), "cpu")
        found.add(data.dtype)
    elif type(data) in backend.array_types:
        data = backend.to_device(data, "cpu")
        found.add(data.dtype)
    elif isinstance(getattr(data, "dtype", None), backend.dtype):
        found.add(data.dtype)                                   # a NumPy scalar, a column of a table, …
    return data


def native(array: Any) -> Any:
    """The array with its bytes in this machine's order, as a plain array of a type that we offer."""
    as_dtype(array.dtype)
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
