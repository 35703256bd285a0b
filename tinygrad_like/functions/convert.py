"""Conversions: of number type, device and layout, spelled as PyTorch spells them.

A conversion between floating-point types, or between devices, hands gradients back in the type and on the device of its operand.
A conversion to integers or booleans gives a constant.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import autograd, backend, edits, errors, ops, promotion
from ..grad_mode import grad_mode
from ..op import raw, wrap
from ..types import Size, as_dtype, device as Device, dtype as Dtype
from .creation import number

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["result_type", "promote_types", "can_cast", "is_tensor", "is_floating_point", "is_complex", "numel"]


# ---- about types ------------------------------------------------------------------------------------------------
def result_type(tensor1: Any, tensor2: Any) -> Dtype:
    """The type that an operation on these two (tensors or numbers) computes in."""
    return as_dtype(promotion.result_type(raw(tensor1), raw(tensor2)))


def promote_types(type1: Any, type2: Any) -> Dtype:
    """The type that an operation on tensors of these two types, of the same number of dimensions, computes in."""
    return as_dtype(promotion.promote_types(as_dtype(type1).dtype, as_dtype(type2).dtype))


def can_cast(from_: Any, to: Any) -> bool:
    """Whether an in-place operation may put results of type from_ into a tensor of type `to`."""
    return promotion.can_cast(as_dtype(from_).dtype, as_dtype(to).dtype)


def is_tensor(obj: Any) -> bool:
    """Whether obj is a Tensor."""
    return isinstance(obj, autograd.Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the numbers are of a floating-point type."""
    return input.array.dtype.kind == "f"


def is_complex(input: Tensor) -> bool:
    """Whether the numbers are of a complex type."""
    return input.array.dtype.kind == "c"


def numel(input: Tensor) -> int:
    """How many numbers there are."""
    return input.array.size


# ---- the one conversion that the others are made of -------------------------------------------------------------
def converted(x: Tensor, dtype: Any = None, device: Any = None, copy: bool = False) -> Tensor:
    """x as that type on that device: itself if it is so already and no copy is wanted."""
    result = x
    if dtype is not None and (dtype := as_dtype(dtype).dtype) != x.array.dtype:
        if x.array.dtype.kind == "c" and dtype.kind != "c":
            raise TypeError(f"a complex tensor would lose its imaginary part as {dtype}: take x.real first")
        result = ops.astype(x if dtype.kind in "fc" else x.detach(), dtype=dtype)
    home = backend.device_of(x.array)
    if device is not None and (device := backend.device_name(Device(device))) != home:
        result = ops.to_device(result, device=device, home=home)
    return ops.clone(x) if copy and result is x else result


_type_names = {"float64": "Double", "float32": "Float", "float16": "Half", "int64": "Long", "int32": "Int", "int16": "Short",
               "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble"}


class Layout:
    """Questions about type and layout, moves and copies, as methods of Tensor."""
    __slots__ = ()
    is_floating_point, is_complex, numel, nelement = is_floating_point, is_complex, numel, numel

    def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False,
           copy: bool = False) -> Tensor:
        """This tensor as another type or on another device: to(dtype), to(device), to(device, dtype), to(other).

        It is the tensor itself where nothing changes, unless copy=True.  The data is there when this returns, whatever
        non_blocking says.  Positional: to(dtype, non_blocking, copy), to(device, dtype, non_blocking, copy), to(other, …).
        """
        rest = list(args)
        if rest and isinstance(rest[0], autograd.Tensor):
            other = rest.pop(0)
            dtype, device = other.dtype if dtype is None else dtype, other.device if device is None else device
        elif rest:
            if is_device(rest[0]):
                device = rest.pop(0)
            if rest and not isinstance(rest[0], bool):
                dtype = rest.pop(0)
        if len(rest) > 2 or not all(isinstance(flag, bool) for flag in rest):
            raise TypeError(f"to takes a dtype, a device, a device and a dtype, or a tensor to be like, got {args}")
        return converted(self, dtype, device, copy or (len(rest) == 2 and rest[1]))

    def cpu(self: Tensor) -> Tensor:
        """This tensor in the memory of the host."""
        return converted(self, device="cpu")

    def cuda(self: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
        """This tensor in the memory of the GPU."""
        return converted(self, device="cuda" if device is None else device)

    def type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
        """This tensor as dtype; without one, the name of its type, such as 'tinygrad_like.FloatTensor'."""
        if dtype is None:
            where = "" if backend.device_of(self.array) == "cpu" else "cuda."
            return f"tinygrad_like.{where}{_type_names[self.dtype.name]}Tensor"
        if isinstance(dtype, str) and dtype.endswith("Tensor"):
            name = dtype.rpartition(".")[2].removesuffix("Tensor")
            if name not in _type_names.values():
                raise ValueError(f"type: there is no type {dtype!r}; there are {', '.join(_type_names.values())}, "
                                 "each followed by Tensor")
            return converted(self, next(d for d, n in _type_names.items() if n == name), "cuda" if ".cuda." in dtype else "cpu")
        return converted(self, dtype)

    def type_as(self: Tensor, other: Tensor) -> Tensor:
        """This tensor as other's type, on other's device."""
        return converted(self, other.dtype, other.device)

    # ---- layout -------------------------------------------------------------------------------------------------
    def contiguous(self: Tensor) -> Tensor:
        """This tensor if its memory is in the order of its elements, else a copy whose memory is."""
        return self if self.array.flags.c_contiguous else ops.contiguous(self)

    def is_contiguous(self: Tensor) -> bool:
        """Whether memory is in the order of the elements, without gaps."""
        return self.array.flags.c_contiguous

    def stride(self: Tensor, dim: int | None = None) -> Any:
        """How many elements further in memory the next one along each dim (or along the one given) is."""
        strides = tuple([step // self.array.itemsize for step in self.array.strides])
        return strides if dim is None else strides[dimension(dim, self.array.ndim)]

    def size(self: Tensor, dim: int | None = None) -> Any:
        """The shape; or how long one dim of it is."""
        return Size(self.array.shape) if dim is None else self.array.shape[dimension(dim, self.array.ndim)]

    def dim(self: Tensor) -> int:
        """How many dimensions there are."""
        return self.array.ndim

    ndimension = dim

    def element_size(self: Tensor) -> int:
        """Bytes an element."""
        return self.array.itemsize

    @property
    def itemsize(self: Tensor) -> int:
        """Bytes an element."""
        return self.array.itemsize

    @property
    def nbytes(self: Tensor) -> int:
        """Bytes of all elements together."""
        return self.array.nbytes

    @property
    def is_cuda(self: Tensor) -> bool:
        """Whether it is in the memory of the GPU."""
        return backend.device_of(self.array) == "cuda"

    def get_device(self: Tensor) -> int:
        """The number of the GPU, or -1 on the CPU."""
        return -1 if backend.device_of(self.array) == "cpu" else 0

    def data_ptr(self: Tensor) -> int:
        """The address of the first element: two tensors with the same one share memory."""
        return backend.address(self.array)

    # ---- new values in place ------------------------------------------------------------------------------------
    def copy_(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
        """Take the values of other (of any type and device, stretched to this shape), and its history."""
        return take(self, "copy_", other)

    def fill_(self: Tensor, value: Any) -> Tensor:
        """Take a number, or the value and history of a 0-d tensor, everywhere."""
        if isinstance(value, autograd.Tensor) and value.array.ndim:
            raise RuntimeError(f"fill_ takes a number or a 0-d tensor, got one of shape {tuple(value.shape)}: use copy_")
        return take(self, "fill_", value)

    def zero_(self: Tensor) -> Tensor:
        """Become zero everywhere."""
        return take(self, "zero_", 0)


class Convert(Layout):
    """Conversions named after types.  They hide Python's `int`, `float` and `bool` in this class: nothing else is in it."""
    __slots__ = ()

    def float(self: Tensor) -> Tensor:
        """This tensor as float32."""
        return converted(self, "float32")

    def double(self: Tensor) -> Tensor:
        """This tensor as float64."""
        return converted(self, "float64")

    def half(self: Tensor) -> Tensor:
        """This tensor as float16."""
        return converted(self, "float16")

    def long(self: Tensor) -> Tensor:
        """This tensor as int64, fractions cut off: a constant."""
        return converted(self, "int64")

    def int(self: Tensor) -> Tensor:
        """This tensor as int32, fractions cut off: a constant."""
        return converted(self, "int32")

    def short(self: Tensor) -> Tensor:
        """This tensor as int16, fractions cut off: a constant."""
        return converted(self, "int16")

    def char(self: Tensor) -> Tensor:
        """This tensor as int8, fractions cut off: a constant."""
        return converted(self, "int8")

    def byte(self: Tensor) -> Tensor:
        """This tensor as uint8, fractions cut off: a constant."""
        return converted(self, "uint8")

    def bool(self: Tensor) -> Tensor:
        """Whether each number is not zero: a constant."""
        return converted(self, "bool")

    def cfloat(self: Tensor) -> Tensor:
        """This tensor as complex64."""
        return converted(self, "complex64")

    def cdouble(self: Tensor) -> Tensor:
        """This tensor as complex128."""
        return converted(self, "complex128")


def take(x: Tensor, how: str, source: Any) -> Tensor:
    """Give x the values of source, in place, by the method `how`."""
    if not isinstance(source, autograd.Tensor) and not (x.node is not None and grad_mode.enabled):
        edits.writable(x.array, how)[...] = number(how, source)     # zero_() of a gradient or a buffer, at every step: no detours
        edits.edited(x.array, how)
        return x

    def compute() -> Tensor:
        values = source if isinstance(source, autograd.Tensor) else wrap(backend.host.asarray(number(how, source)))
        values = converted(values, x.dtype, x.device)
        if values.array.shape != x.array.shape:
            try:
                values = ops.broadcast_to(values, to=x.array.shape)
            except errors.ShapeError as error:
                raise errors.ShapeError(f"{how}: values of shape {tuple(values.shape)} do not fit into a tensor of shape "
                                        f"{tuple(x.shape)}") from error
        moves = grad_mode.enabled and (values.node is not None or x.node is not None)
        return ops.clone(values) if moves else values           # memory of its own, if x is to move there
    return x._become(how, compute)


def is_device(x: Any) -> bool:
    return isinstance(x, (str, Device)) or (type(x) is int)


def dimension(dim: int, ndim: int) -> int:
    """dim, if a tensor of ndim dimensions has one of that number."""
    if not -ndim <= dim < ndim:
        raise IndexError(f"dimension {dim} is out of range: " + (f"this tensor has dimensions {-ndim} to {ndim - 1}" if ndim else
                         "this tensor has none"))
    return dim
