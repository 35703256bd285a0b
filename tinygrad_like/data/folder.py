"""Data sets in folders: one folder a class, `root/cat/1.png`, `root/cat/more/2.png`, `root/dog/1.jpg`.

Whatever cannot be a sample is named: with on_error="raise" a damaged file is an error, with "skip" it is left out, told in one
warning and kept in `skipped`.  Nothing outside of the root is read: a link that leaves it is treated as a damaged file.
"""
from __future__ import annotations

import os
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import BadFile
from .dataset import Dataset, check_functions
from .transforms.functional import pillow

__all__ = ["DatasetFolder", "ImageFolder"]

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
LITTER = ("Thumbs.db", "desktop.ini", ".DS_Store")               # what systems leave in folders; and ._name for each name


class UnreadableFile(BadFile, OSError):
    """A sample's file that cannot be read.  (Pillow raises OSError here: this is both.)"""


# ---- looking around in folders ----------------------------------------------------------------------------------
def has_file_allowed_extension(filename: str, extensions: Any) -> bool:
    """Whether a name ends in one of the (lower-case) extensions."""
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename: str) -> bool:
    """Whether a name is that of an image."""
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def shown(path: Any) -> str:
    """A path as it can be printed in a line."""
    text = os.fspath(path)
    return text if text.isprintable() else ascii(text)[1:-1]


def find_classes(directory: Any) -> tuple[list[str], dict[str, int]]:
    """The names of the folders in a folder, in order, and the number of each.  Hidden ones (.git) are no classes."""
    with os.scandir(directory) as entries:
        classes = sorted([entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")])
    if not classes:
        raise FileNotFoundError(f"there is no class folder in {shown(directory)}: images lie in one folder for each class, as in "
                                f"{shown(os.path.join(directory, 'cat', '1.png'))}")
    return classes, {name: i for i, name in enumerate(classes)}


def files_in(folder: str, root: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, int, str]]:
    """(path, its size, "") for each file in a folder and those in it, or (path, 0, why it cannot be a sample)."""
    real = os.path.realpath(folder)
    if not is_inside(real, root):
        yield folder, 0, f"it is a link out of the root, to {shown(real)}"
        return
    if real in above:
        yield folder, 0, "it is a link to a folder that it lies in"
        return
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield folder, 0, f"the folder cannot be read ({error.strerror})"
        return
    for entry in entries:
        if entry.name in LITTER or entry.name.startswith("._"):
            continue
        target = os.path.realpath(entry.path) if entry.is_symlink() else None
        if target is not None and not is_inside(target, root):
            yield entry.path, 0, f"it is a link out of the root, to {shown(target)}"
        elif target is not None and not os.path.exists(target):
            yield entry.path, 0, f"it is a link to {shown(target)}, which is not there"
        elif entry.is_dir():
            yield from files_in(entry.path, root, above + (real,))
        else:
            yield entry.path, entry.stat().st_size, "" if entry.is_file() else "it is no regular file"


def is_inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


# ---- data sets --------------------------------------------------------------------------------------------------
class DatasetFolder(Dataset[tuple[Any, Any]]):
    """Samples (loader(path), class) of the files in class folders; classes are numbered in the order of their names.

    extensions, or is_valid_file(path): which files are samples.  Others are left out, and named in a warning.
    transform, target_transform: what is done to the sample, and to the number of its class.
    allow_empty: a class without a sample is no error.
    on_error (ours): "raise", where a file that cannot be read is an error; or "skip": all files are read once now, and those
        that cannot be are left out.

    classes, class_to_idx: the names, and the number of each.       samples, targets: [(path, class), …] and the classes alone.
    skipped: [(path, why), …] of all that was left out.
    """
    may_be_empty = True                                         # whether a file of no bytes can be a sample

    def __init__(self, root: Any, loader: Callable[[str], Any], extensions: Any = None, transform: Any = None,
                 target_transform: Any = None, is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False, *,
                 on_error: str = "raise") -> None:
        if on_error not in ("raise", "skip"):
            raise ValueError(f"{type(self).__name__}: on_error is 'raise' or 'skip', got {on_error!r}")
        check_functions(type(self).__name__, loader=loader, transform=transform, target_transform=target_transform)
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.loader, self.extensions, self.on_error = loader, extensions, on_error
        self.transform, self.target_transform = transform, target_transform
        self.skipped: list[tuple[str, str]] = []
        self.check_root()
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [target for _, target in self.samples]
        if self.skipped:
            warnings.warn(f"{type(self).__name__}: left out {self.listed(self.skipped)}", stacklevel=3 if type(self).__init__ is not
                          DatasetFolder.__init__ else 2)

    def check_root(self) -> None:
        """That there is such a folder."""
        root = os.fspath(self.root)
        if not os.path.exists(root):
            raise FileNotFoundError(f"{type(self).__name__}: there is no folder {shown(root)}" + (
                "" if os.path.isabs(root) else f" in {shown(os.getcwd())}, where this program runs"))
        if not os.path.isdir(root):
            raise NotADirectoryError(f"{type(self).__name__}: {shown(root)} is a file: root is the folder that holds a folder for "
                                     "each class")

    def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
        """The names of the classes, and the number of each: to be overridden where the folders are others."""
        try:
            return find_classes(directory)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{type(self).__name__}: {error}") from None

    def make_dataset(self, directory: Any, class_to_idx: dict[str, int], extensions: Any = None,
                     is_valid_file: Callable[[str], bool] | None = None, allow_empty: bool = False) -> list[tuple[str, int]]:
        """[(path, class), …], class after class: to be overridden where files are found in another way."""
        name = type(self).__name__
        if (extensions is None) == (is_valid_file is None):
            raise ValueError(f"{name}: give either extensions or is_valid_file, which say what files are samples; got "
                             + ("neither" if extensions is None else "both"))
        if not class_to_idx:
            raise ValueError(f"{name}: class_to_idx is empty: there is no class to look for")
        directory = os.path.expanduser(os.fspath(directory))
        root = os.path.realpath(directory)
        samples, empty, others = [], [], []
        for class_name in sorted(class_to_idx):
            found, refused = [], []
            folder = os.path.join(directory, class_name)
            for path, size, fault in files_in(folder, root) if os.path.isdir(folder) else ():
                if not fault and not (is_valid_file(path) if is_valid_file else has_file_allowed_extension(path, extensions)):
                    others.append((path, "no sample by its name" if extensions else "is_valid_file says no"))
                    continue
                if not fault and not size and not self.may_be_empty:
                    fault = "it is empty"
                if not fault and self.on_error == "skip":
                    fault = self.fault_of(path)
                if fault:
                    refused.append((path, fault))
                else:
                    found.append((path, class_to_idx[class_name]))
            if refused and self.on_error == "raise":
                raise UnreadableFile(f"{name}: {self.listed(refused)}.  Mend or remove what is wrong there, or pass "
                                     "on_error='skip' to leave it out")
            self.skipped += refused
            samples += sorted(found, key=lambda sample: os.path.split(sample[0]))
            if not found:
                empty.append(class_name)
        if empty and not allow_empty:
            inside = [(path, why) for path, why in self.skipped + others if path.startswith(tuple(
                [os.path.join(directory, class_name) for class_name in empty]))]
            raise FileNotFoundError(
                f"{name}: there is no sample in the class folder{'s' * (len(empty) > 1)} {', '.join(map(shown, empty))} of "
                f"{shown(directory)}" + (f", only {self.listed(inside)}" if inside else "")
                + (f".  Names of samples end in {extensions if isinstance(extensions, str) else ', '.join(extensions)}"
                   if extensions else "") + ".  allow_empty=True keeps such a class")
        self.skipped += others if extensions else []            # who gives is_valid_file knows what it refuses
        if extensions:
            with os.scandir(directory) as entries:
                self.skipped += sorted([(entry.path, "in no class folder") for entry in entries if not entry.is_dir()
                                        and not entry.name.startswith(".") and has_file_allowed_extension(entry.name, extensions)])
        return samples

    def listed(self, files: list[tuple[str, str]], most: int = 5) -> str:
        """In words, for an error: what is wrong with the first few files."""
        root = os.fspath(self.root)
        text = "; ".join([f"{shown(os.path.join(root, os.path.relpath(path, root)))} ({why})" for path, why in files[:most]])
        return text + (f"; and {len(files) - most} more" if len(files) > most else "")

    def fault_of(self, path: str) -> str:
        """What is wrong with a file that should be a sample; nothing, if it can be read."""
        try:
            self.loader(path)
            return ""
        except Exception as error:
            return reason(error)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        try:
            sample = self.loader(path)
        except Exception as error:
            raise UnreadableFile(f"{type(self).__name__}: {shown(path)} cannot be read: {reason(error)}.  "
                                 "on_error='skip' leaves out such files") from error
        if self.transform is not None:
            sample = self.transform(sample)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return sample, target

    def __len__(self) -> int:
        return len(self.samples)

    def describe(self, index: int) -> str:
        """The file of a sample: for errors that name it."""
        return shown(self.samples[index][0])

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}", f"Root location: {self.root}"]
        if self.transform is not None or self.target_transform is not None:
            lines.append("StandardTransform")
        text = f"Dataset {type(self).__name__}\n" + textwrap.indent("\n".join(lines), "    ")
        for name, function in (("Transform: ", self.transform), ("Target transform: ", self.target_transform)):
            if function is not None:
                text += f"\n{name}" + repr(function).replace("\n", "\n" + " " * len(name))
        return text


def reason(error: Exception) -> str:
    """Why a file cannot be read, in words."""
    kind = type(error).__name__
    if kind == "UnidentifiedImageError":
        return "it holds no image that Pillow knows"
    if kind == "DecompressionBombError":
        return f"it is so large an image that it may be an attack ({error}): if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"{error}" if isinstance(error, OSError) else f"{kind}: {error}"


# ---- images -----------------------------------------------------------------------------------------------------
def pil_loader(path: Any) -> Any:
    """The picture in a file, in red, green and blue."""
    Image = pillow()
    if os.path.getsize(path) == 0:
        raise OSError("it is empty")
    with open(path, "rb") as file, Image.open(file) as picture:
        return picture.convert("RGB")


def default_loader(path: Any) -> Any:
    """`pil_loader`."""
    return pil_loader(path)


class ImageFolder(DatasetFolder):
    """Pictures in class folders, by Pillow (pip install 'tinygrad_like[vision]'): samples (picture, class).

        root/cat/1.png    root/cat/more/2.png    root/dog/1.jpg

        dataset = ImageFolder("train", transform=Compose([Resize((32, 32)), ToTensor()]))

    See `DatasetFolder`.  Pictures come in red, green and blue, whatever the file has; how the camera was held (EXIF) is not minded.
    """
    may_be_empty = False

    def __init__(self, root: Any, transform: Any = None, target_transform: Any = None,
                 loader: Callable[[str], Any] = default_loader, is_valid_file: Callable[[str], bool] | None = None,
                 allow_empty: bool = False, *, on_error: str = "raise") -> None:
        if loader in (default_loader, pil_loader):
            pillow()                                            # says at once if it is missing
        super().__init__(root, loader, IMG_EXTENSIONS if is_valid_file is None else None, transform, target_transform,
                         is_valid_file, allow_empty, on_error=on_error)
        self.imgs = self.samples
