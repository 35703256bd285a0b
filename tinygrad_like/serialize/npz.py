"""NumPy's .npz: a zip with one .npy a tensor, read and written without pickles."""
from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any

from .. import backend
from ..op import wrap
from ..types import as_dtype
from .archive import Archive, Writer, check_name
from .named import named_arrays

if TYPE_CHECKING:
    from . import Source

npy = backend.host.lib.format


def writer(obj: Any) -> Any:
    """A function that writes the dict of tensors `obj` into a file."""
    arrays = named_arrays(obj, ".npz")
    for name in arrays:
        check_name(f"{name}.npy")

    def write(file: IO[bytes]) -> None:
        with Writer(file) as archive:
            for name, array in arrays.items():
                head = io.BytesIO()
                npy.write_array_header_1_0(head, npy.header_data_from_array_1_0(array))
                archive.add(f"{name}.npy", [head.getvalue(), array.reshape(-1).view("uint8").data])

    return write


def read(source: Source) -> dict[str, Any]:
    tensors = {}
    with Archive(source) as archive:
        for member in archive.members:
            name, file = member[:-len(".npy")], io.BytesIO(archive.read(member))
            try:
                array = npy.read_array(file, allow_pickle=False)
                if file.read(1):
                    raise ValueError("it is longer than it says")
            except Exception as error:
                reason = "it holds Python objects, as a pickle, which is not run here" if "allow_pickle" in str(error) else error
                raise source.bad(f"the array {name!r} cannot be read: {reason}") from error
            try:
                dtype = as_dtype(array.dtype).dtype
            except TypeError as error:
                raise source.bad(f"the array {name!r}: {error}") from error
            tensors[name] = wrap(backend.to_device(array.astype(dtype, copy=False), source.device))
    return tensors
