"""The small words of tensors: `dtype`, `Size`, `device`, and what is known of them (`finfo`, `iinfo`)."""
from __future__ import annotations

from typing import Any

from . import backend, promotion


class dtype:
    """A number type, one object each: `float32`, `int64`, `bool` …  NumPy understands it wherever it takes a dtype."""
    __slots__ = ("name", "dtype")

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype = backend.dtype(name)                       # NumPy looks for an attribute of this name

    def to_real(self) -> dtype:
        """The type of the real part: float32 for complex64."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def to_complex(self) -> dtype:
        """The complex type whose parts are of this type: complex64 for float32."""
        if self.is_complex:
            return self
        if self.name not in ("float32", "float64"):
            raise TypeError(f"there is no complex type with parts of type {self}")
        return complex64 if self is float32 else complex128

    is_floating_point = property(lambda self: self.dtype.kind == "f")
    is_complex = property(lambda self: self.dtype.kind == "c")
    is_signed = property(lambda self: self.dtype.kind in "ifc")
    itemsize = property(lambda self: self.dtype.itemsize)

    def __eq__(self, other: object) -> Any:
        return self is other or (isinstance(other, (backend.dtype, type)) and self.dtype == other)   # np.float32 is a type

    def __hash__(self) -> int:
        return hash(self.dtype)

    def __repr__(self) -> str:
        return f"tinygrad_like.{self.name}"

    def __reduce__(self) -> Any:
        return as_dtype, (self.name,)


float16, float32, float64 = dtype("float16"), dtype("float32"), dtype("float64")
complex64, complex128 = dtype("complex64"), dtype("complex128")
int8, int16, int32, int64, uint8 = dtype("int8"), dtype("int16"), dtype("int32"), dtype("int64"), dtype("uint8")
bool_ = dtype("bool")

_by_numpy = {d.dtype: d for d in (float16, float32, float64, complex64, complex128, int8, int16, int32, int64, uint8, bool_)}


def dtype_of(array: Any) -> dtype:
    """Our name for the dtype of an array."""
    return _by_numpy.get(array.dtype) or as_dtype(array.dtype)


def as_dtype(x: Any) -> dtype:
    """The dtype meant by one of ours, a NumPy dtype, its name, or Python's float (float64), int and bool."""
    if isinstance(x, dtype):
        return x
    if x is None or isinstance(x, (int, float, tuple, list, dict)):
        raise TypeError(f"expected a dtype such as float32, got {x!r}")
    found = _by_numpy.get(backend.dtype(x).newbyteorder("="))
    if found is None:
        raise TypeError(f"dtype {x} is not offered; there are {', '.join(d.name for d in _by_numpy.values())}")
    return found


def get_default_dtype() -> dtype:
    """The type of `zeros(3)` and of Python floats: float32 unless `set_default_dtype` says otherwise."""
    return _by_numpy[promotion.default_float]


def set_default_dtype(d: Any) -> None:
    """Make d (a floating-point dtype) the type of new tensors that name none."""
    if not as_dtype(d).is_floating_point:
        raise TypeError(f"set_default_dtype takes a floating-point dtype, got {d}")
    promotion.default_float = as_dtype(d).dtype


class finfo:
    """The limits of a floating-point type: bits, eps, max, min, tiny (smallest normal), resolution."""

    def __init__(self, type: Any = None) -> None:
        d = (get_default_dtype() if type is None else as_dtype(type)).to_real()
        if not d.is_floating_point:
            raise TypeError(f"finfo is about floating-point types: use iinfo for {d}")
        limits = backend.finfo(d.dtype)
        self.bits, self.dtype = limits.bits, d.name
        self.eps, self.max, self.min = float(limits.eps), float(limits.max), float(limits.min)
        self.tiny = self.smallest_normal = float(limits.tiny)
        self.resolution = 10.0 ** -limits.precision

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """The limits of an integer type: bits, max, min."""

    def __init__(self, type: Any) -> None:
        d = as_dtype(type)
        if d.dtype.kind not in "iu":
            raise TypeError(f"iinfo is about integer types: use finfo for {d}")
        limits = backend.iinfo(d.dtype)
        self.bits, self.max, self.min, self.dtype = limits.bits, int(limits.max), int(limits.min), d.name

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


class Size(tuple):
    """A shape: a tuple of ints, with `numel()`."""

    def numel(self) -> int:
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"Size({list(self)})"

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size(super().__add__(tuple(other)))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other)) + self

    def __mul__(self, times: Any) -> Size:
        return Size(super().__mul__(times))

    __rmul__ = __mul__


class device:
    """Where memory is: `device("cpu")`, `device("cuda")`, `device("cuda", 0)`, `device("cuda:0")`.

    Inside `with device("cuda"):` new tensors are made there, where no other device is named.
    """
    __slots__ = ("type", "index")

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index         # type: ignore[has-type]
        if isinstance(type, int):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device takes a string such as 'cpu' or 'cuda:0', got {type!r}")
        name, colon, number = type.partition(":")
        if colon:
            if index is not None or not number.isdigit():
                raise RuntimeError(f"invalid device string {type!r}: write 'cpu', 'cuda' or 'cuda:0'")
            index = int(number)
        if name not in backend.libraries:
            raise RuntimeError(f"device {type!r} is not offered: there are {', '.join(map(repr, backend.libraries))}")
        self.type, self.index = name, index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + (")" if self.index is None else f", index={self.index})")

    def __reduce__(self) -> Any:
        return device, (self.type, self.index)

    def __enter__(self) -> device:
        _defaults_before.append(backend.default_device)
        backend.set_default_device(self)
        return self

    def __exit__(self, *error: Any) -> None:
        backend.default_device = _defaults_before.pop()


_defaults_before: list[str] = []


def get_default_device() -> device:
    """Where new tensors are made that name no device."""
    name = backend.default_device
    return device(name) if name == "cpu" else device(name, 0)


def set_default_device(device: Any) -> None:
    """Make new tensors on that device ("cpu", "cuda") where they name none; None is the CPU.  Fails now if it cannot be used."""
    backend.set_default_device("cpu" if device is None else device)
