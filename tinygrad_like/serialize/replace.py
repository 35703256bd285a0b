"""Writing a file so that at every moment there is the whole old one or the whole new one."""
from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import IO


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """A file to write to, which takes the place of the one at `path` at the end of the `with` block, unless there was an error.

    It is written beside it, under another name, and brought to the disk before it is renamed: a rename happens or does not.
    The permissions of the old file are kept, and symbolic links followed.
    """
    path = os.path.realpath(path)
    old = None
    with contextlib.suppress(FileNotFoundError):
        old = os.stat(path)
    if old is not None and not stat.S_ISREG(old.st_mode):       # /dev/null, a pipe: to be written to, and not replaced
        with open(path, "wb") as file:                          # (of a folder, this says so)
            yield file
        return
    if old is not None and not os.access(path, os.W_OK):
        raise PermissionError(f"{path!r} is write-protected: save under another name, or give yourself leave to write it")
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name[:32]}.{os.urandom(6).hex()}.tmp")
    try:
        file = open(beside, "xb")
    except OSError as error:
        what = "there is no such folder" if isinstance(error, FileNotFoundError) else (
            f"{error.strerror}: a file is first written beside the one that it replaces")
        raise type(error)(error.errno, f"cannot write into the folder {folder!r}: {what}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if old is not None:
            with contextlib.suppress(OSError, AttributeError):  # only root may, and only where files have owners
                os.chown(beside, old.st_uid, old.st_gid)
            os.chmod(beside, stat.S_IMODE(old.st_mode))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(beside)
        raise
    if os.name == "posix":                                      # the rename too is to survive a power cut
        with contextlib.suppress(OSError):
            entry = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(entry)
            finally:
                os.close(entry)
