"""Finding the file of a data set, or downloading it."""
from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any

from ... import __name__ as package

__all__ = ["download_file", "find_file"]

CLONE = Path(__file__).parents[3] / "examples" / "data"
CHUNK = 2**18
WAIT = 30                                                       # seconds without an answer


class NotFound(FileNotFoundError, RuntimeError):
    """A data set is not here.  (torchvision raises RuntimeError: this is both.)"""


class DownloadFailed(OSError, RuntimeError):
    """A file could not be downloaded, or is not what it should be.  (An OSError and a RuntimeError.)"""


def find_file(name: str, root: Any = None, *, urls: Sequence[str] = (), sha256: str | None = None, download: bool = False) -> str:
    """The path of the file `name`: in root, in the clone, or, with download=True, fetched from one of the urls into root."""
    places = [Path(root).expanduser() / name] if root is not None else []
    places += [folder / name for folder in clones()]
    for path in places:
        if path.is_file():
            return str(path)
    where = "\n".join([f"  {os.path.abspath(path)}" for path in places])
    if download and urls:
        target = places[0] if root is not None else Path(cache()) / name
        faults = []
        for url in urls:
            try:
                return download_file(url, target, sha256)
            except DownloadFailed as error:
                faults.append(str(error))
        tried = "\n".join([f"  {each}" for each in faults])
        raise DownloadFailed(f"{name} was not found in\n{where}\nand could not be downloaded:\n{tried}")
    advice = "download=True fetches it" if urls else (
        "it has no public home to be downloaded from: copy it from the project's repository")
    raise NotFound(f"{name} was not found in\n{where}\n{advice}, or say with root= in which folder it is")


def clones() -> Iterator[Path]:
    """Folders of the course's data: beside this package, and, if it was copied elsewhere, in what pip noted that it came from."""
    yield CLONE
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        noted = json.loads(importlib.metadata.distribution(package).read_text("direct_url.json") or "{}")
        address = urllib.parse.urlsplit(noted.get("url", ""))
        source = Path(urllib.request.url2pathname(address.path)) / "examples" / "data"
        if address.scheme == "file" and source != CLONE:
            yield source


def cache() -> str:
    """The folder for what is downloaded without a root."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "tinygrad_like")


def download_file(url: str, path: Any, sha256: str | None = None, attempts: int = 3) -> str:
    """Fetch a file into `path`, which appears when it is whole and its SHA-256 is right; returns the path.

    What has come so far is beside it as `path.part`: a download that was cut off goes on from there, also in a later call.
    """
    path = os.path.abspath(os.fspath(path))
    if not re.match(r"https?://", url):
        raise ValueError(f"download_file takes an address that begins with http:// or https://, got {url!r}")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = path + ".part"
    with open(part, "ab") as file, locked(file):
        if not same(file, part):                                # another process was fetching it too, and is done
            return path if os.path.exists(path) else download_file(url, path, sha256, attempts)
        fault = ""
        for attempt in range(attempts):
            try:
                receive(url, file)
            except DownloadFailed:
                raise
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 416 and file.tell():           # nothing is left to fetch, or what is there is of something else
                    if error.headers.get("Content-Range") != f"bytes */{file.tell()}":
                        fault = "what had come was of another file"
                        empty(file)
                        continue
                elif error.code in (408, 429) or error.code >= 500:
                    fault = f"the server answers {error.code} {error.reason}"
                    time.sleep(0.2 * attempt)
                    continue
                else:
                    forget(file, part)
                    raise DownloadFailed(f"{url}: the server answers {error.code} {error.reason}") from None
            except (OSError, HTTPException) as error:           # URLError, a reset connection, a time-out; an answer cut short
                fault = f"{getattr(error, 'reason', None) or error or type(error).__name__}"
                time.sleep(0.2 * attempt)
                continue
            if sha256 is not None and (found := digest(part)) != sha256:
                fault = (f"{file.tell()} bytes came whose SHA-256 is {found}, and it should be {sha256}: the file there is "
                         "another one, or was damaged on the way")
                empty(file)
                continue
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()
            os.replace(part, path)
            return path
        kept = f"; {file.tell()} bytes are kept in {part}" if file.tell() else ""
        if not kept:
            forget(file, part)
        raise DownloadFailed(f"{url}: {fault}  ({attempts} attempts{kept})")


def receive(url: str, file: Any) -> None:
    """Append to the file what is missing of it."""
    have = file.seek(0, os.SEEK_END)
    headers = {"User-Agent": "tinygrad_like", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=WAIT) as answer:
        if have and not (answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")):
            empty(file)                                         # the server sends all of it again
        length, came = answer.headers.get("Content-Length"), 0
        while chunk := answer.read(CHUNK):
            try:
                file.write(chunk)
                file.flush()
            except OSError as error:
                raise DownloadFailed(f"{url}: cannot write {file.name}: {error.strerror}") from error
            came += len(chunk)
        if length is not None and came < int(length):
            raise ConnectionError(f"the connection ended after {came} of {length} bytes")


def empty(file: Any) -> None:
    file.seek(0)
    file.truncate()


def same(file: Any, path: str) -> bool:
    """Whether the open file is still the one at the path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def forget(file: Any, part: str) -> None:
    if os.name == "nt":
        file.close()
    with contextlib.suppress(OSError):
        os.remove(part)


@contextlib.contextmanager
def locked(file: Any) -> Iterator[None]:
    """While this lasts, other processes that download the same file wait."""
    try:
        import fcntl
    except ImportError:                                         # Windows
        yield
        return
    with contextlib.suppress(OSError):                          # a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX)
    yield


def digest(path: str) -> str:
    """The SHA-256 of a file."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            sha.update(chunk)
    return sha.hexdigest()
