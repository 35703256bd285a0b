"""Files for weights: `save(model.state_dict(), path)` and `model.load_state_dict(load(path))`.

    suffix           what it holds                                     who reads and writes it too
    .pth, .pt        nested dicts, lists, numbers, strings, tensors    PyTorch: torch.load(path, weights_only=True), torch.save
    .safetensors     a dict of names and tensors                       the safetensors package, which it needs
    .npz             a dict of names and tensors                       NumPy: np.load(path), np.savez(path, **arrays)

A file of PyTorch's is a zip of the tensors' numbers and a *pickle*, which says how they are put together.  A pickle is a program:
Python's own `pickle.load` calls any function that it names, so whoever wrote the file can do with your machine what you can.
Here none is run.  `load` follows the pickle by itself (`pickle_reader.py`), knows what to do for tensors and plain values, and
refuses everything else by name.  So there is no weights_only=False.

What is saved replaces the old file in one step, when it is complete and on the disk: if the program is killed on the way, or the
disk is full, the old file is whole.  What is loaded is checked, as far as the format allows: zip has checksums of everything,
safetensors of nothing.
"""
from __future__ import annotations

import os
from typing import IO, Any, NamedTuple

from .. import backend, errors

__all__ = ["save", "load"]

SUFFIXES = {".pth": "pth", ".pt": "pth", ".npz": "npz", ".safetensors": "safetensors"}


class Source(NamedTuple):
    """An open file, and what an error calls it; its size is known, as all that a file says is checked against it."""
    file: IO[bytes]
    name: str
    size: int
    device: str                                                 # where the tensors shall go

    def bad(self, what: str) -> errors.BadFile:
        return errors.BadFile(f"{self.name}: {what}")


def save(obj: Any, f: Any) -> None:
    """Save `obj` in the file f: a path, whose suffix says the format, or a file open for writing bytes, which gets that of .pth.

    .pth, .pt, and every suffix that is not known: whatever consists of tensors, parameters, numbers, strings, bytes, None, dicts,
    OrderedDicts, Counters, lists, tuples, sets, and our Size, dtype and device.  Tensors that share memory share it after loading
    too, and of the memory only the stretch that they see is saved.  NumPy's numbers become Python's.
    .npz, .safetensors: a dict of names and tensors.  What shares memory is saved apart; `requires_grad` is not kept.

    Tensors on other devices are saved as if they were on the CPU.  An error names the place in obj that cannot be saved, and
    leaves an old file as it was.
    """
    if not hasattr(f, "write"):
        if not isinstance(f, (str, os.PathLike)):
            raise TypeError(f"save: the file is a path, or open for writing, got {type(f).__name__}"
                            + (": what is saved comes first, save(obj, path)" if isinstance(obj, (str, os.PathLike)) else ""))
        from .replace import replacing
        path = os.fspath(f)
        form = SUFFIXES.get(suffix(path), "pth")
        write = writer(form, obj)                               # everything that can be wrong with obj, before there is a file
        with replacing(path) as file:
            write(file)
        return
    try:
        f.write(b"")
    except TypeError as error:
        raise TypeError("save writes bytes, and this file takes text: open it with mode 'wb'") from error
    writer("pth", obj)(f)


def load(f: Any, map_location: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None) -> Any:
    """What was saved in the file f: a path, or a file open for reading bytes.

    map_location: the device for all tensors ("cuda", `device("cuda")`); None is the CPU, wherever they were saved.
    weights_only: True or None; what that leaves out, a pickle that is executed, is never read here.
    mmap: None or False; files are always read whole.

    The format is told by what the file begins with; a suffix that promises another is an error.  bfloat16, which NumPy lacks,
    becomes float32, which holds the same numbers; other types that are not offered here are refused, with the tensor's name.

    Raises `errors.BadFile` (a RuntimeError and ValueError) if the file is damaged, is something else, or holds more than data.
    """
    if weights_only is not None and not weights_only:
        raise ValueError("load: weights_only=False would execute what the file says, which is never done here: leave it out.  If "
                         "the file holds a whole model that you trust, load it in PyTorch and save its state_dict() there")
    if mmap:
        raise NotImplementedError("load: mmap=True is not offered, files are read whole: leave it out")
    if callable(map_location) or isinstance(map_location, dict):
        raise TypeError("load: map_location is one device for all tensors, such as 'cpu' or 'cuda', got a "
                        f"{type(map_location).__name__}: load to the CPU, and move each tensor with to()")
    device = "cpu" if map_location is None else backend.device_name(map_location)
    backend.library(device)                                     # fails now if it cannot be used
    if not hasattr(f, "read"):
        path = os.fspath(f)
        with open(path, "rb") as file:
            source = Source(file, repr(path), os.fstat(file.fileno()).st_size, device)
            form, wanted = recognise(source), SUFFIXES.get(suffix(path))
            if wanted not in (None, form):
                raise source.bad(f"this is a {NAMES[form]}, under a name that says {NAMES[wanted]}: rename it to "
                                 f"{os.path.splitext(os.path.basename(path))[0]}.{form}")
            return reader(form)(source)
    if not isinstance(f.read(0), bytes):
        raise TypeError("load reads bytes, and this file gives text: open it with mode 'rb'")
    if not (hasattr(f, "seekable") and f.seekable()):
        import io
        f = io.BytesIO(f.read())
    start = f.tell()
    source = Source(f, repr(getattr(f, "name", None) or type(f).__name__), f.seek(0, os.SEEK_END), device)
    f.seek(start)
    return reader(recognise(source))(source)


def suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower()


NAMES = {"pth": "file of torch.save", "npz": "file of np.savez", "safetensors": "safetensors file"}


def writer(form: str, obj: Any) -> Any:
    if form == "npz":
        from .npz import writer
    elif form == "safetensors":
        from .safetensors import writer
    else:
        from .pth import writer
    return writer(obj)


def reader(form: str) -> Any:
    if form == "npz":
        from .npz import read
    elif form == "safetensors":
        from .safetensors import read
    else:
        from .pth import read
    return read


# ---- which format is it? ----------------------------------------------------------------------------------------
OLD = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."             # the pickle of a number: so torch.save began before it wrote zips
FOREIGN = [                                                     # (beginning, what it is, what to do)
    (b"\x89HDF", "an HDF5 file, as Keras writes it", "save the weights as .npz where it was made"),
    (b"GGUF", "a GGUF file of llama.cpp", "look for the .safetensors that it was made from"),
    (b"\x93NUMPY", "one array of NumPy", "from_numpy(np.load(path)) reads it"),
    (b"version https://git-lfs", "a pointer of Git LFS, and not the file itself", "git lfs pull fetches that"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it first"),
    (b"BZh", "compressed by bzip2", "unpack it first"),
    (b"\xfd7zXZ", "compressed by xz", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it first"),
    (b"<", "a text in HTML or XML, perhaps the error message of a download", "download it again"),
    (b"\x80", "a pickle that torch.save did not write", "a pickle is a program, and is not run here: save tensors with save()"),
]


def recognise(source: Source) -> str:
    """The format of a file, by its first bytes."""
    file = source.file
    start = file.tell()
    head = file.read(300)
    file.seek(start)
    if not head:
        raise source.bad("the file is empty: it was not written to the end, or not downloaded")
    if head[:2] == b"PK":
        from .archive import Archive
        with Archive(source) as archive:
            form = archive.form()
        file.seek(start)
        return form
    if head.startswith(OLD):
        return "pth"
    if 2 <= int.from_bytes(head[:8], "little") <= 100_000_000 and head[8:9] == b"{":
        return "safetensors"
    if head[257:262] == b"ustar":
        raise source.bad("this is a tar, as torch.save wrote before 2017: load it in PyTorch and save it anew there")
    for beginning, what, advice in FOREIGN:
        if head.startswith(beginning):
            raise source.bad(f"this is {what}: {advice}")
    raise source.bad("this is no file of torch.save, np.savez or safetensors, or its beginning is damaged: it starts with "
                     f"{head[:8]!r}")
