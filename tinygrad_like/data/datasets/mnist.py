"""MNIST: 70,000 handwritten digits.

Yann LeCun, Corinna Cortes, Christopher Burges: The MNIST database of handwritten digits.
"""
from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import Any

from ... import backend, errors
from ...functions.creation import from_numpy
from ..dataset import Dataset, TensorDataset, check_functions
from .files import NotFound, find_file

__all__ = ["MNIST", "mnist_arrays"]

URLS = ["https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"]
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"     # ours holds the same, packed otherwise
COUNTS = {"train": 60000, "test": 10000}


class PictureSet(Dataset[Any]):
    """Pictures and the number of the class of each: what MNIST and Emoji have in common.

    transform, target_transform: called with the picture, and with the number.
    A picture is one of Pillow's, as in torchvision; where Pillow is not installed, a NumPy array (height, width, …) of bytes,
    which transforms.ToTensor() takes as well.
    """
    classes: list[str]

    def __init__(self, root: Any, transform: Any, target_transform: Any) -> None:
        check_functions(type(self).__name__, transform=transform, target_transform=target_transform)
        self.root, self.transform, self.target_transform = root, transform, target_transform

    def picture(self, i: int) -> Any:
        """The bytes of picture i, (height, width) or (height, width, 3)."""
        raise NotImplementedError

    def target(self, i: int) -> int:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        img, target = self.picture(index), self.target(index)
        if (pillow := image_library()) is not None:
            img = pillow.fromarray(img)
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        lines += [f"    Root location: {self.root}"] if self.root is not None else []
        lines += [f"    {line}" for line in self.extra_repr()]
        lines += [f"    Transform: {self.transform!r}"] if self.transform is not None else []
        return "\n".join(lines)

    def extra_repr(self) -> list[str]:
        return []


_pillow: Any = None


def image_library() -> Any:
    """Pillow's Image, or None where it is not installed."""
    global _pillow
    if _pillow is None:
        try:
            from PIL import Image
            _pillow = Image
        except ImportError:
            _pillow = False
    return _pillow or None


class MNIST(PictureSet):
    """Handwritten digits, 28 x 28 grey levels: 60,000 to train on, or with train=False 10,000 others.

    root: a folder that holds mnist.npz, or torchvision's MNIST/raw; the clone's examples/data is looked into as well.
    data: the pictures, a tensor (n, 28, 28) of bytes.        targets: which digit, a tensor (n,) of int64.
    """
    classes = [f"{i} - {name}" for i, name in enumerate("zero one two three four five six seven eight nine".split())]

    def __init__(self, root: Any = None, train: bool = True, transform: Any = None, target_transform: Any = None,
                 download: bool = False) -> None:
        super().__init__(root, transform, target_transform)
        if not isinstance(train, (bool, int)):
            raise TypeError(f"MNIST: train is True, for the part to train on, or False, for the test part, got {train!r}")
        self.train = train
        images, labels = part_of("train" if train else "test", root, download)
        self.data, self.targets = from_numpy(images), from_numpy(labels.astype("int64"))

    def picture(self, i: int) -> Any:
        return self.data.array[i]

    def target(self, i: int) -> int:
        return int(self.targets.array[i])

    def __len__(self) -> int:
        return len(self.data)

    def in_memory(self) -> TensorDataset:
        """All of it as tensors, which a DataLoader fetches by whole batches: pictures (n, 1, 28, 28) from 0 to 1, and digits."""
        return TensorDataset(self.data.unsqueeze(1).float() / 255, self.targets)

    def extra_repr(self) -> list[str]:
        return [f"Split: {'Train' if self.train else 'Test'}"]


def mnist_arrays(root: Any = None, download: bool = True) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """((x_train, y_train), (x_test, y_test)), NumPy arrays of bytes, as Keras's mnist.load_data() gives them."""
    return part_of("train", root, download), part_of("test", root, download)


def part_of(part: str, root: Any, download: bool) -> tuple[Any, Any]:
    """Pictures (n, 28, 28) and digits (n,) of "train" or "test", bytes."""
    if root is not None and (found := raw_files(part, root)) is not None:
        images, labels = [read_idx(path) for path in found]
        path, where = os.path.dirname(found[0]), found
    else:
        path = find_file("mnist.npz", root, urls=URLS, sha256=SHA256, download=download)
        where = [f"x_{part}", f"y_{part}"]
        try:
            with backend.host.load(path, allow_pickle=False) as file:
                images, labels = file[f"x_{part}"], file[f"y_{part}"]
        except Exception as error:
            raise errors.BadFile(f"{path!r} is damaged, or not MNIST: {error}.  Delete it, and have it downloaded again") from error
    n = COUNTS[part]
    if images.shape[1:] != (28, 28) or labels.ndim != 1 or images.dtype != "uint8" or labels.dtype.kind not in "iu":
        raise errors.BadFile(f"{path!r} is not MNIST: pictures of shape {images.shape} and {images.dtype}, labels of shape "
                             f"{labels.shape} and {labels.dtype}, where bytes of shape {(n, 28, 28)} and {(n,)} are expected")
    if not len(images) == len(labels) == n:
        raise errors.BadFile(f"{path!r} is not MNIST's {part} part: {len(images):,} pictures in {os.path.basename(where[0])}, "
                             f"{len(labels):,} labels in {os.path.basename(where[1])}, and there are {n:,} of each.  Delete it, "
                             "and have it downloaded again")
    if labels.max() > 9 or labels.min() < 0:
        raise errors.BadFile(f"{path!r} is not MNIST: a label in {os.path.basename(where[1])} is "
                             f"{labels.max() if labels.max() > 9 else labels.min()}, and they are digits from 0 to 9")
    return images, labels


def raw_files(part: str, root: Any) -> list[str] | None:
    """The two files of a part as they were published, packed or not, where torchvision puts them; None if they are not there."""
    found = []
    for name in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        stem = Path(root).expanduser() / "MNIST" / "raw" / f"{'train' if part == 'train' else 't10k'}-{name}"
        here = [path for path in (stem, Path(f"{stem}.gz")) if path.is_file()]
        if not here:
            return None
        found.append(str(here[0]))
    return found


def read_idx(path: str) -> Any:
    """The array of bytes in an IDX file: 0, 0, 8, the number of dims, how long each is (32 bits, high byte first), the bytes."""
    np = backend.host
    try:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:        # type: ignore[operator]
            data = file.read()
        if data[:3] != b"\0\0\x08":
            raise ValueError("it does not begin as an IDX file of bytes does" if data else "it is empty")
        ndim = data[3]
        shape = tuple(np.frombuffer(data, ">i4", ndim, 4).tolist())
        numbers = np.frombuffer(data, "uint8", offset=4 + 4 * ndim)
        if len(numbers) != math.prod(shape):
            raise ValueError(f"by its first bytes it has {math.prod(shape):,} numbers, of shape {shape}, and it holds "
                             f"{len(numbers):,}")
        return numbers.reshape(shape).copy()
    except (OSError, EOFError, ValueError, IndexError) as error:
        if isinstance(error, NotFound):
            raise
        raise errors.BadFile(f"{path!r} is damaged: {error}.  Delete it, and have it downloaded again") from error
