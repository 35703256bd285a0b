"""Zip files, which .pth and .npz are: members with checksums.  Nothing is ever extracted to the disk."""
from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING, Any

from .. import backend, errors

if TYPE_CHECKING:
    from . import Source


class Archive:
    """A zip to read.  What is wrong with it is an `errors.BadFile`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            self.zip = zipfile.ZipFile(source.file)
        except Exception as error:
            raise source.bad("this begins as a zip file, and the table at its end is missing or damaged: it was not written or "
                             f"downloaded to the end ({error})") from error
        file, table = source.file, self.zip.infolist()
        file.seek(-12 - len(self.zip.comment), 2)               # in the last 22 bytes it says how many members there are
        if int.from_bytes(file.read(2), "little") != min(len(table), 0xFFFF):
            raise source.bad("the table at the end of this zip file is damaged")
        self.members: dict[str, zipfile.ZipInfo] = {}
        for member in table:
            if member.filename in self.members:
                raise source.bad(f"there are two members {member.filename!r} in this zip, so it is unclear which is meant")
            self.members[member.filename] = member

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: Any) -> None:
        self.zip.close()

    def form(self) -> str:
        """Which of our formats it is."""
        names = list(self.members)
        last = {name.rpartition("/")[2] for name in names}
        if "constants.pkl" in last:
            raise self.source.bad("this is a TorchScript program, which is not run here: load it in PyTorch, and save its "
                                  "state_dict() with torch.save")
        if "data.pkl" in last:
            return "pth"
        if all(name.endswith(".npy") for name in names):
            return "npz"
        if {"config.json", "model.weights.h5"} <= last:
            raise self.source.bad("this is a model of Keras: save its weights as .npz there")
        raise self.source.bad(f"this is a zip file, but of neither torch.save nor np.savez: it holds {', '.join(names[:3])}, …")

    def read(self, name: str) -> bytes:
        """The bytes of a member, checked against its checksum."""
        try:
            return self.zip.read(self.members[name])
        except Exception as error:
            raise self.damaged(name, error) from error

    def read_array(self, name: str, dtype: Any, count: int) -> Any:
        """A member as an array of `count` numbers, in this machine's order of bytes."""
        member = self.members.get(name)
        if member is None:
            raise self.source.bad(f"the member {name!r}, which should hold the numbers of a tensor, is missing")
        if member.file_size != count * dtype.itemsize:
            raise self.source.bad(f"the member {name!r} has {member.file_size} bytes, and {count} numbers of type {dtype.name} "
                                  f"take {count * dtype.itemsize}")
        try:
            array = backend.host.empty(count, dtype)
            left = array.view("uint8").data
            with self.zip.open(member) as file:
                while len(left):
                    n = file.readinto(left)                     # type: ignore[attr-defined]
                    if not n:
                        raise EOFError("it ends too early")
                    left = left[n:]
        except Exception as error:
            raise self.damaged(name, error) from error
        return array if dtype.isnative else array.astype(dtype.newbyteorder("="))

    def damaged(self, name: str, error: Exception) -> errors.BadFile:
        return self.source.bad(f"the member {name!r} of this zip is damaged: {error}")


def check_name(name: str) -> None:
    """Raise if a zip would have a member of that name under another one: zero bytes end names, and Windows turns backslashes."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"save: {name!r} is no Unicode text, as the names of members of a zip file are: rename it") from error
    if zipfile.ZipInfo(name).filename != name:
        raise ValueError(f"save: {name!r} cannot be the name of a member of a zip file: rename it, or save as .pth")


class Writer:
    """A zip to write: members as they are, uncompressed, each beginning at a multiple of 64 bytes (so that it can be mapped)."""

    def __init__(self, file: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: Any) -> None:
        self.zip.close()

    def add(self, name: str, data: Any) -> None:
        """A member that holds these bytes, or the bytes of these chunks (memoryviews)."""
        chunks = [data] if isinstance(data, bytes) else data
        size = sum(len(chunk) for chunk in chunks)
        member = zipfile.ZipInfo(name)
        large = size > 2**31 - 2**20
        head = self.zip.start_dir + 30 + len(name.encode()) + (20 if large else 0) + 4
        padding = -head % 64
        member.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding        # a field that readers skip
        with self.zip.open(member, "w", force_zip64=large) as file:
            for chunk in chunks:
                file.write(chunk)
