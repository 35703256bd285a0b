"""to_categorical, and other small helpers.  They take NumPy arrays and give them."""
from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, NoReturn

from .. import backend, errors
from ..functions.random import manual_seed
from ..tensor import Tensor


def to_categorical(x: Any, num_classes: int | None = None, dtype: Any = "float32") -> Any:
    """One-hot rows: a 1 at the place of the class, (…) -> (…, num_classes).  num_classes: by default the largest, and one."""
    np = backend.host
    y = np.asarray(x.numpy() if isinstance(x, Tensor) else x)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    whole = y.astype("int64")
    if y.dtype.kind not in "iub" and (whole != y).any():
        raise errors.WrongType("to_categorical: class numbers are whole numbers, and these are not")
    classes = int(whole.max()) + 1 if num_classes is None and y.size else int(num_classes or 0)
    wrong = (whole < 0) | (whole >= classes)
    if wrong.any():
        at = int(wrong.reshape(-1).argmax())
        raise errors.OutOfRange(f"to_categorical: class number {int(whole.reshape(-1)[at])}, at place {at}, is not from 0 to "
                                f"{classes - 1}, for num_classes={classes}")
    out = np.zeros((whole.size, classes), dtype)
    out[np.arange(whole.size), whole.reshape(-1)] = 1
    return out.reshape(*y.shape, classes)


class PyDataset:
    """Batches by their number: a subclass says how many there are, __len__, and gives one, __getitem__(i): (x, y).

    on_epoch_end is called when all of them have been taken.  They come in order, in one process; DataLoader has several.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        if workers != 1 or use_multiprocessing:
            raise NotImplementedError("PyDataset: workers is not offered: a DataLoader has num_workers")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} has no __len__(self), the number of batches")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(self, index), a batch (x, y)")

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]
        self.on_epoch_end()

    def on_epoch_end(self) -> None: ...


Sequence = PyDataset


def set_random_seed(seed: int) -> None:
    """The random numbers of Python, of NumPy and of this library from the start: weights, dropout, the order of the samples."""
    random.seed(seed)
    backend.host.random.seed(seed)
    manual_seed(seed)


def normalize(x: Any, axis: int = -1, order: float = 2) -> Any:
    """x / ‖x‖ along an axis; zeros stay."""
    np = backend.host
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)


def pad_sequences(sequences: Any, maxlen: int | None = None, dtype: Any = "int32", padding: str = "pre", truncating: str = "pre",
                  value: Any = 0.0) -> Any:
    """Lists of numbers, as long as each is, in one array (samples, maxlen): shorter ones are padded with `value`, longer ones cut,
    in front ("pre") or behind ("post")."""
    for name, side in ("padding", padding), ("truncating", truncating):
        if side not in ("pre", "post"):
            raise errors.WrongValue(f"pad_sequences: {name} is 'pre' or 'post', got {side!r}")
    np = backend.host
    rows = [np.asarray(each) for each in sequences]
    longest = max([len(each) for each in rows], default=0) if maxlen is None else maxlen
    tail = next((each.shape[1:] for each in rows if len(each)), ())
    out = np.full((len(rows), longest, *tail), value, dtype)
    for row, each in zip(out, rows):
        part = (each[max(0, len(each) - longest):] if truncating == "pre" else each[:longest])
        if len(part):
            row[longest - len(part):] = part if padding == "pre" else row[longest - len(part):]
            if padding == "post":
                row[:len(part)] = part
    return out


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
