"""Checkpoint: all that a training consists of, in a file, so that one that was killed goes on as if nothing had been."""
from __future__ import annotations

import os
import re
import warnings
import zlib
from typing import Any

from .. import backend, errors
from ..data.seeding import random_states, set_random_states
from ..functions.random import get_rng_state
from ..nn.module import Module
from ..op import wrap
from ..serialize import load, save
from ..tensor import Tensor

__all__ = ["Checkpoint"]

FILE = re.compile(r"checkpoint-(\d{8,})\.pth")


class Checkpoint:
    """Saves and restores the parts of a training, in files of a folder, of which the last few are kept.

        checkpoint = Checkpoint("runs/digits", model=model, optimizer=optimizer, scheduler=scheduler, loader=loader)
        start = checkpoint.restore_latest() or {"epoch": 0}     # None where there is nothing yet
        for epoch in range(start["epoch"], 10):
            ...
            checkpoint.save(epoch=epoch + 1)

    path: the folder; made when something is saved.
    parts: by any name, whatever has a state_dict() and a load_state_dict(state).  None is left out.
    keep_last: how many files to keep; None: all.

    Besides the parts, a file holds the state of the random numbers: ours, which are drawn on the host for every device, Python's
    and NumPy's own (of np.random; a generator of your own is saved as a part, if it has a state_dict).  CuPy's own generator does
    not tell its state, so it is seeded anew whenever a checkpoint is saved, and again from that seed when it is restored.

    A file is written beside, and renamed when it is whole and on the disk: whenever the program is killed, or the disk is full, the
    files that there were are whole.  One that was damaged otherwise is not loaded (its checksums are wrong): the one before it is,
    with a warning.  A folder is for one training at a time: when another saves there too, the next save() of this one says so.
    """

    def __init__(self, path: Any, *, keep_last: int | None = 3, **parts: Any) -> None:
        if keep_last is not None and (not isinstance(keep_last, int) or keep_last < 1):
            raise errors.WrongValue(f"Checkpoint: keep_last is a number of files, at least 1, or None, got {keep_last!r}")
        self.path, self.keep_last = os.fspath(path), keep_last
        self.parts: dict[str, Any] = {}
        self.add(**parts)
        if os.path.isfile(self.path):
            raise NotADirectoryError(f"Checkpoint: {self.path!r} is a file: give a folder, or Checkpoint.restore one file")
        self.newest, self.swept = self._number(), False         # of the files that are known here

    def add(self, **parts: Any) -> None:
        """Have these parts saved and restored too."""
        for name, part in parts.items():
            if part is None:
                continue
            lacking = [method for method in ("state_dict", "load_state_dict") if not callable(getattr(part, method, None))]
            if lacking or isinstance(part, type):
                raise errors.WrongType(f"Checkpoint: {name} is a {type(part).__name__}, which has no {' and no '.join(lacking)}: "
                                       f"save plain values by save({name}=…), which restore_latest() returns")
            self.parts[name] = part

    def files(self) -> list[str]:
        """The paths of the files that there are, the oldest first."""
        if not os.path.isdir(self.path):
            return []
        numbered = [(int(match[1]), name) for name in os.listdir(self.path) if (match := FILE.fullmatch(name))]
        return [os.path.join(self.path, name) for _, name in sorted(numbered)]

    def save(self, **info: Any) -> str:
        """Save the parts, the random states, and what else is given (`epoch=3, history=…`), which is returned on restoring.

        Returns the path of the file.
        """
        number = self._number()
        if number > self.newest:
            raise errors.WrongValue(f"Checkpoint: {self.files()[-1]!r} was not saved by this training: another one saves into that "
                                    "folder too.  Give each a folder of its own, or end the other and make a new Checkpoint")
        seed = seed_devices()
        whole = {"parts": {name: part.state_dict() for name, part in self.parts.items()}, "kinds": self._kinds(), "info": info,
                 "random": {**random_states(), "devices": seed}}
        path = os.path.join(self.path, f"checkpoint-{number + 1:08d}.pth")
        try:
            os.makedirs(self.path, exist_ok=True)
            if not self.swept:
                self._sweep()
            save(plain(whole), path)
        except OSError as error:                                # the disk is full, or gone, or not to be written to
            text = f"{error.strerror or error}: {path!r} was not saved"
            if number >= 0:
                text += f".  The files before it are whole: when that is mended, resume from {self.path!r}"
            raise OSError(error.errno, text) from error
        self.newest = number + 1
        if self.keep_last is not None:
            for old in self.files()[:-self.keep_last]:
                os.remove(old)
        return path

    def _number(self) -> int:
        """The number of the newest file; -1 if there is none."""
        files = self.files()
        return int(FILE.fullmatch(os.path.basename(files[-1]))[1]) if files else -1         # type: ignore[index]

    def _kinds(self) -> dict[str, str]:
        """What each part is, whose state another kind might take without a word.  (A model looks at the names itself.)"""
        return {name: type(part).__name__ for name, part in self.parts.items() if not isinstance(part, Module)}

    def _sweep(self) -> None:
        """Remove what a program that was killed while saving has left."""
        for name in os.listdir(self.path):
            if name.startswith(".checkpoint-") and name.endswith(".tmp"):
                os.remove(os.path.join(self.path, name))
        self.swept = True

    def restore_latest(self) -> dict[str, Any] | None:
        """Restore from the newest file that is whole, and return the info that was saved with it; None if there is no file."""
        faults = []
        for path in reversed(self.files()):
            try:
                whole = read(path)
            except errors.BadFile as error:
                faults.append(str(error))
                continue
            if faults:
                warnings.warn("Checkpoint: " + "; ".join(faults) + f".  Going on from the one before, {path!r}", stacklevel=2)
            return self._restore(whole, path)
        if faults:
            raise errors.BadFile(f"Checkpoint: no file in {self.path!r} is whole: " + "; ".join(faults))
        return None

    def restore(self, file: Any) -> dict[str, Any]:
        """Restore from one file, and return the info that was saved with it."""
        return self._restore(read(file), os.fspath(file))

    def _restore(self, whole: dict[str, Any], path: str) -> dict[str, Any]:
        saved = whole["parts"]
        if set(saved) != set(self.parts):
            raise errors.WrongValue(f"Checkpoint: {path!r} holds {', '.join(sorted(saved)) or 'no parts'}, and this training has "
                                    f"{', '.join(sorted(self.parts)) or 'none'}: name the same parts as when it was saved")
        for name, kind in self._kinds().items():
            if kind != (was := whole["kinds"].get(name, kind)):
                raise errors.WrongValue(f"Checkpoint: {name} was {was} when {path!r} was saved, and is {kind} now: go on with what "
                                        "it was, or begin anew in another folder")
        # A scheduler that is made changes the rates of its optimizer, so that is loaded after it.
        for name in sorted(self.parts, key=lambda name: hasattr(self.parts[name], "param_groups")):
            try:
                self.parts[name].load_state_dict(saved[name])
            except (RuntimeError, ValueError, KeyError) as error:
                raise errors.WrongValue(f"Checkpoint: {name} is not what it was when {path!r} was saved: go on with what it was, "
                                        f"or begin anew in another folder.  {error}") from error
        set_random_states(whole["random"])
        if whole["random"]["devices"] is not None:
            seed_devices(whole["random"]["devices"])
        return whole["info"]


def read(path: Any) -> dict[str, Any]:
    whole = as_was(load(path))
    if not isinstance(whole, dict) or set(whole) != {"parts", "kinds", "info", "random"}:
        raise errors.WrongValue(f"{os.fspath(path)!r} is no checkpoint of a training.  If it is a state_dict: "
                                "model.load_state_dict(load(path))")
    return whole


# ---- random numbers ---------------------------------------------------------------------------------------------
def seed_devices(seed: int | None = None) -> int | None:
    """Start the own random numbers of the array libraries of devices in use anew, and return their seed; None if there are none."""
    libraries = [library for library in backend.libraries_of_devices() if hasattr(library, "random")]
    if not libraries:
        return None
    if seed is None:                                            # from our own state: the same in a training that was interrupted
        seed = zlib.crc32(get_rng_state().array.tobytes())
    for library in libraries:
        library.random.seed(seed)
    return seed


# ---- what files can hold ----------------------------------------------------------------------------------------
def plain(x: Any) -> Any:
    """x with arrays as tensors in a dict that says so, and dicts and lists of other kinds as plain ones."""
    if isinstance(x, Tensor):
        return x.detach()
    if type(x) in backend.array_types and x.dtype.kind in "biufc":
        return {"an array": wrap(x)}
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)([plain(each) for each in x])
    return x


def as_was(x: Any) -> Any:
    """What `plain` was given."""
    if isinstance(x, dict):
        return x["an array"].array if set(x) == {"an array"} else {key: as_was(value) for key, value in x.items()}
    if type(x) in (list, tuple):
        return type(x)([as_was(each) for each in x])
    return x
