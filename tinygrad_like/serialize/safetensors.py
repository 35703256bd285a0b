"""The format of the safetensors package: a header in JSON that says where the numbers of each name are, and the numbers."""
from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from .. import backend
from ..op import wrap
from .named import named_arrays

if TYPE_CHECKING:
    from . import Source

TYPES = {"F16": "float16", "F32": "float32", "F64": "float64", "C64": "complex64", "BOOL": "bool",
         "I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64", "U8": "uint8"}


def package() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f".safetensors files need the safetensors package, which cannot be imported here ({error}): "
                                  "pip install 'tinygrad_like[safetensors]', or save as .pth or .npz") from error
    return safetensors


def writer(obj: Any) -> Any:
    """A function that writes the dict of tensors `obj` into a file."""
    arrays = named_arrays(obj, ".safetensors")
    for name, array in arrays.items():
        if array.dtype.name not in TYPES.values():
            raise TypeError(f"save: a .safetensors file cannot hold numbers of type {array.dtype}, as {name!r} has: save as .pth "
                            "or .npz, or save real and imaginary part apart")
        if name == "__metadata__":
            raise ValueError("save: '__metadata__' has a meaning of its own in a .safetensors file: rename that tensor")
    try:                                                        # readers such as transformers ask for this word
        data = package().numpy.save(arrays, metadata={"format": "pt"})
    except UnicodeError as error:
        raise ValueError(f"save: the names in a .safetensors file are Unicode text, and one is not: {error}") from error

    def write(file: IO[bytes]) -> None:
        file.write(data)

    return write


def read(source: Source) -> dict[str, Any]:
    safetensors = package()
    try:
        entries = safetensors.deserialize(source.file.read())
    except Exception as error:
        raise source.bad(f"this safetensors file is damaged, or was not written or downloaded to the end: {error}") from error
    tensors = {}
    for name, entry in entries:
        kind = entry["dtype"]
        if kind not in TYPES and kind != "BF16":
            raise source.bad(f"the tensor {name!r} is of type {kind}, which is not offered here: convert it in PyTorch, as in "
                             "x.float()")
        array = backend.host.frombuffer(bytearray(entry["data"]), backend.dtype(TYPES.get(kind, "uint16")).newbyteorder("<"))
        array = widened(array) if kind == "BF16" else array.astype(array.dtype.newbyteorder("="), copy=False)
        tensors[name] = wrap(backend.to_device(array.reshape(entry["shape"]), source.device))
    return tensors


def widened(bits: Any) -> Any:
    """bfloat16, given as uint16, in float32: a bfloat16 is the first half of the float32 of the same value."""
    return (bits.astype("uint32") << 16).view("float32")
