"""PyTorch's files: a zip with a pickle, and with the numbers of each *storage*, the memory that one or more tensors see.

    archive/data.pkl      the pickle: dicts, lists, numbers, and for each tensor a storage, an offset, a shape and strides
    archive/byteorder     little or big
    archive/data/0 …      the storages
    archive/version       3

Before 2020 PyTorch wrote the pickle, the names of the storages, and the storages one after the other; that is read too.
"""
from __future__ import annotations

import io
import re
from typing import IO, TYPE_CHECKING, Any

from .. import backend, edits
from ..op import wrap
from ..tensor import Tensor, own_attributes
from ..types import Size, as_dtype, device as Device, float32
from .archive import Archive, Writer as ArchiveWriter
from .pickle_reader import Maker, Name, Reader, exactly
from .pickle_writer import Writer
from .safetensors import widened

if TYPE_CHECKING:
    from . import Source

STORAGES = {"HalfStorage": "float16", "FloatStorage": "float32", "DoubleStorage": "float64", "ComplexFloatStorage": "complex64",
            "ComplexDoubleStorage": "complex128", "CharStorage": "int8", "ShortStorage": "int16", "IntStorage": "int32",
            "LongStorage": "int64", "ByteStorage": "uint8", "BoolStorage": "bool"}
STORAGE_OF = {dtype: storage for storage, dtype in STORAGES.items()}
STORED = {**STORAGES, "BFloat16Storage": "uint16", "UntypedStorage": "uint8"}       # the type of the numbers in the file
HOMES = ("torch", "torch.cuda", "torch.storage")                # the modules that storages were in over time


# ---- writing ----------------------------------------------------------------------------------------------------
class Storage:
    """The memory that some tensors share, and the stretch of it that they see."""

    def __init__(self, number: int, owner: Any) -> None:
        self.number, self.owner, self.start, self.stop = number, owner, 0, 0

    def see(self, start: int, stop: int) -> None:
        self.start, self.stop = (min(self.start, start), max(self.stop, stop)) if self.stop else (start, stop)

    def chunk(self) -> Any:
        """Its bytes, the least significant one of each number first."""
        flat = self.owner.reshape(-1, order="A")[self.start:self.stop]
        return flat.astype(flat.dtype.newbyteorder("<"), copy=False).view("uint8").data


class Storages:
    """The storages of all tensors of a file."""

    def __init__(self) -> None:
        self.of_owner: dict[int, Storage] = {}
        self.on_host: dict[int, tuple[Any, Any]] = {}           # id of an array that cannot be saved as it lies: itself, its copy

    def write_tensor(self, writer: Writer, tensor: Tensor) -> None:
        from ..nn.parameter import Buffer, Parameter
        if type(tensor) not in (Tensor, Parameter, Buffer):
            raise writer.cannot(tensor)
        if type(tensor) is Parameter:                           # _rebuild_parameter(data, requires_grad, hooks)
            state = own_attributes(tensor)
            writer.name(f"torch._utils _rebuild_parameter{'_with_state' if state else ''}")
            writer.add(b"(")
            self.write_data(writer, tensor, requires_grad=False)
            writer.write(tensor.requires_grad)
            writer.call("collections OrderedDict")
            if state:
                writer.write(state)
            writer.add(b"tR")
        else:
            self.write_data(writer, tensor, tensor.requires_grad)

    def write_data(self, writer: Writer, tensor: Tensor, requires_grad: bool) -> None:
        """_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks): the storage as a persistent id."""
        array = self.savable(tensor.array)
        owner, size = edits.owner(array), array.itemsize
        storage = self.of_owner.setdefault(id(owner), Storage(len(self.of_owner), owner))
        strides = tuple([s // size for s in array.strides])
        start = (backend.address(array) - backend.address(owner)) // size
        if array.size:
            storage.see(start, start + 1 + sum((n - 1) * s for n, s in zip(array.shape, strides)))

        def place() -> bytes:                                   # known when all tensors have been seen
            part = Writer(Tensor, self.write_tensor)
            part.parts = [b"("]
            part.write("storage")
            part.name(f"torch {STORAGE_OF[array.dtype.name]}")
            for x in str(storage.number), "cpu", storage.stop - storage.start:
                part.write(x)
            part.add(b"tQ")
            part.write(start - storage.start if array.size else 0)
            return b"".join(part.parts)

        writer.name("torch._utils _rebuild_tensor_v2")
        writer.add(b"(", place)
        for x in array.shape, strides, requires_grad:
            writer.write(x)
        writer.call("collections OrderedDict")
        writer.add(b"tR")

    def savable(self, array: Any) -> Any:
        """The array, on the host; a copy if it does not lie as PyTorch's do: counted in whole numbers forward from an offset."""
        if id(array) in self.on_host:
            return self.on_host[id(array)][1]
        if backend.device_of(array) == "cpu":
            owner, size = edits.owner(array), array.itemsize
            distances = (backend.address(array) - backend.address(owner), *array.strides)
            whole = owner.flags.c_contiguous or owner.flags.f_contiguous
            if whole and owner.dtype == array.dtype and all(n >= 0 and n % size == 0 for n in distances):
                return array
        copy = backend.to_device(array, "cpu").copy(order="C")
        self.on_host[id(array)] = array, copy
        return copy


def writer(obj: Any) -> Any:
    """A function that writes obj into a file."""
    storages = Storages()
    pickle = Writer(Tensor, storages.write_tensor).pickle(obj)

    def write(file: IO[bytes]) -> None:
        with ArchiveWriter(file) as archive:
            archive.add("archive/data.pkl", pickle)
            archive.add("archive/byteorder", b"little")
            for storage in storages.of_owner.values():
                archive.add(f"archive/data/{storage.number}", [storage.chunk()])
            archive.add("archive/version", b"3\n")

    return write


# ---- reading ----------------------------------------------------------------------------------------------------
class Tensors:
    """Makes the tensors of a file: what PyTorch's names in the pickle stand for."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.reader = Reader(source, self.find, self.storage)
        self.storages: dict[str, Any] = {}                      # name: an array of its numbers
        self.moved: dict[Any, Any] = {}                         # on another device: a view for each way to look at a storage

    def numbers(self, name: str, dtype: Any, count: int) -> Any:
        """The numbers of a storage, as they are in the file."""
        raise NotImplementedError

    def storage(self, id: tuple[Any, ...]) -> Tensor:
        """A storage, as a tensor of one dim: what is left of it where it was saved by itself."""
        kind, name, _, count = id[:4]
        if id[4:] not in ((), (None,)):
            raise self.source.bad("it has a view of a storage, as PyTorch 0.3 and older wrote them: load it in PyTorch, and save "
                                  "it anew")
        if type(kind) is not Name or kind.name not in STORED or type(count) is not int or count < 0:
            raise ValueError(f"a storage of {count} × {kind}")
        dtype = backend.dtype(STORED[kind.name])
        name = str(name)
        if name not in self.storages:
            self.storages[name] = self.numbers(name, dtype, count)
        array = self.storages[name]
        wanted = "float32" if kind.name == "BFloat16Storage" else dtype.name
        if array.size != count or array.dtype.name != wanted:
            raise ValueError(f"storage {name!r} as {count} × {kind}, and before as {array.size} × {array.dtype}")
        return wrap(array)

    def find(self, name: Name) -> Any:
        """The value, or the Maker, that a name of PyTorch's stands for."""
        if name in self.makers:
            return Maker(getattr(self, self.makers[name]))
        if name.module in HOMES and name.name in STORED:
            return name
        if name.module == "torch" and name.name == "bfloat16":
            return float32
        if name.module == "torch" and name.name in STORAGE_OF:
            return as_dtype(name.name)
        if name.module in HOMES and re.match(r"u?q?u?(int|float|complex|bits)\d|\w+Storage$", name.name):
            raise self.source.bad(f"{self.reader.place()} is of type {name}, which is not offered here: convert it in PyTorch, as "
                                  "in x.float()")
        raise self.reader.refused(f"asks for {name}")

    makers = {
        Name("torch._utils", "_rebuild_tensor"): "tensor", Name("torch._utils", "_rebuild_tensor_v2"): "tensor",
        Name("torch._utils", "_rebuild_tensor_v3"): "tensor_of_new_type",
        Name("torch._utils", "_rebuild_parameter"): "parameter", Name("torch._utils", "_rebuild_parameter_with_state"): "parameter",
        Name("torch.nn.parameter", "Parameter"): "parameter", Name("torch", "Size"): "size", Name("torch", "device"): "device",
    }

    def tensor(self, storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any = False, hooks: Any = None,
               metadata: Any = None) -> Tensor:
        """A view of a storage, after a look whether it stays inside."""
        numbers = exactly(Tensor, storage).array
        view = exactly(int, offset), *self.size(shape), *self.size(strides)
        last = offset + sum((n - 1) * s for n, s in zip(shape, strides))
        if min(view) < 0 or len(shape) != len(strides) or (0 not in shape and last >= numbers.size):
            raise ValueError(f"a tensor with offset {offset}, shape {shape} and strides {strides} in a storage of {numbers.size}")
        if 0 in shape:
            array = backend.host.empty(shape, numbers.dtype)
        else:
            bytes_each = numbers.itemsize
            array = backend.host.ndarray(shape, numbers.dtype, numbers, offset * bytes_each, [s * bytes_each for s in strides])
        array = self.at_home(array, (id(numbers), len(shape), *view))
        marks = exactly(dict, metadata or {})
        if not set(marks) <= {"conj", "neg"}:
            raise ValueError(f"a tensor with {list(marks)}")
        array = array.conj() if marks.get("conj") else array    # PyTorch has these as marks on a view
        result = wrap(-array if marks.get("neg") else array)
        return result.requires_grad_() if exactly(bool, requires_grad) else result

    def tensor_of_new_type(self, *args: Any) -> Tensor:
        """For types that have no Storage; none of them is offered, and `find` has said so when it came to the type."""
        raise ValueError("a tensor without a type")

    def at_home(self, array: Any, view: Any) -> Any:
        """The array on the device that is asked for: one copy for each view of a storage."""
        if self.source.device == "cpu":
            return array
        if view not in self.moved:
            self.moved[view] = backend.to_device(array, self.source.device)
        return self.moved[view]

    def parameter(self, data: Any, requires_grad: Any = True, hooks: Any = None, state: Any = None) -> Tensor:
        from ..nn.parameter import Parameter
        made = Parameter(exactly(Tensor, data), exactly(bool, requires_grad))
        for name, value in exactly(dict, state or {}).items():  # what a user had put on it
            if hasattr(Parameter, exactly(str, name)):          # a method, or what makes it a tensor
                raise ValueError(f"a parameter with an attribute {name!r}")
            setattr(made, name, value)
        return made

    def size(self, sizes: Any) -> Size:
        return Size([exactly(int, n) for n in exactly(tuple, sizes)])

    def device(self, kind: Any, index: Any = None) -> Device:
        return Device(exactly(str, kind), None if index is None else exactly(int, index))


class FromArchive(Tensors):
    """Storages that are members of a zip."""

    def __init__(self, source: Source, archive: Archive) -> None:
        found = [name for name in archive.members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(found) != 1:
            raise source.bad(f"a file of torch.save has one data.pkl in one folder, and this has {len(found)}")
        self.archive, self.folder = archive, found[0][:-len("/data.pkl")]
        super().__init__(source._replace(file=io.BytesIO(archive.read(found[0]))))
        self.order = self.little_note("byteorder", "little")
        if self.order not in ("little", "big"):
            raise source.bad(f"its order of bytes is {self.order!r}, and should be little or big")
        self.little_note("version", "")

    def little_note(self, name: str, otherwise: str) -> str:
        name = f"{self.folder}/{name}"
        return self.archive.read(name).decode("latin1").strip() if name in self.archive.members else otherwise

    def numbers(self, name: str, dtype: Any, count: int) -> Any:
        in_file: Any = dtype.newbyteorder("<" if self.order == "little" else ">")
        stored = self.archive.read_array(f"{self.folder}/data/{name}", in_file, count)
        return widened(stored) if dtype.name == "uint16" else stored


class FromStream(Tensors):
    """Storages that follow the pickle: first only their places."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.halves: set[str] = set()                           # storages that are bfloat16 in the file

    def numbers(self, name: str, dtype: Any, count: int) -> Any:
        if count * dtype.itemsize > self.source.size:
            raise ValueError(f"a storage of {count} numbers in a file of {self.source.size} bytes")
        if dtype.name == "uint16":
            self.halves.add(name)
            dtype = backend.dtype("float32")
        return backend.host.empty(count, dtype)                 # filled when they come

    def plain(self) -> Any:
        """The next of several pickles, which holds no tensor."""
        return Reader(self.source, self.find, self.storage).read()

    def fill(self, order: Any) -> None:
        """Read the storages."""
        file, names = self.source.file, Reader(self.source, self.find, self.storage).read()
        if type(names) is not list or sorted(map(str, names)) != sorted(self.storages):
            raise self.source.bad("the list of its storages is damaged")
        for name in map(str, names):
            array = self.storages[name]
            dtype = backend.dtype("uint16") if name in self.halves else array.dtype
            count = int.from_bytes(file.read(8), "little")
            data = file.read(count * dtype.itemsize) if count == array.size else b""
            if len(data) != array.size * dtype.itemsize:
                raise self.source.bad("it ends too early, or its storages are damaged")
            stored = backend.host.frombuffer(data, dtype.newbyteorder(order))
            array[...] = widened(stored) if name in self.halves else stored


def read_stream(source: Source) -> Any:
    """A file of the old kind.  Its pickle is walked through twice: for what storages there are, and when they have been read."""
    first = FromStream(source._replace(device="cpu"))
    _, version, system = [Reader(source, first.find, first.storage).read() for _ in range(3)]
    if version != 1001 or type(system) is not dict:
        raise source.bad(f"this is a file of torch.save in its version {version!r:.20}, and only 1001 is known")
    start = source.file.tell()
    first.reader.read()
    first.fill("<" if system.get("little_endian", True) else ">")
    source.file.seek(start)
    second = Tensors(source)
    second.storages = first.storages
    return second.reader.read()


def read(source: Source) -> Any:
    start = source.file.tell()
    head = source.file.read(2)
    source.file.seek(start)
    if head != b"PK":
        return read_stream(source)
    with Archive(source) as archive:
        return FromArchive(source, archive).reader.read()
