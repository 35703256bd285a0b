"""The other data of the course.  Where each comes from, and its licence, is in examples/data/README.md."""
from __future__ import annotations

import gzip
import json
from typing import Any

from ... import backend, errors
from ...functions.creation import from_numpy
from ..dataset import Dataset
from .files import find_file
from .mnist import PictureSet

__all__ = ["Emoji", "JaneAusten", "Mail", "Sunspots", "Verses"]


def read(name: str, root: Any, reader: Any) -> Any:
    """What reader(path) makes of a file of the course."""
    path = find_file(name, root)
    try:
        return reader(path)
    except Exception as error:
        raise errors.BadFile(f"{path!r} is damaged, or not the course's {name}: {type(error).__name__}: {error}") from error


def text_of(path: str) -> str:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read()


class Sunspots(Dataset[Any]):
    """The yearly mean of sunspots seen, 1700-2008: samples (year, number).

    years: a tensor (309,) of int64.        values: a tensor (309,) of float32.
    """

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        years, values = read("sunspots.csv", root, lambda path: backend.host.loadtxt(path, delimiter=",", skiprows=1).T)
        self.years, self.values, self.transform = from_numpy(years.astype("int64")), from_numpy(values.astype("float32")), transform

    def __getitem__(self, index: int) -> tuple[int, Any]:
        value = float(self.values.array[index])
        return int(self.years.array[index]), value if self.transform is None else self.transform(value)

    def __len__(self) -> int:
        return len(self.years)


class Emoji(PictureSet):
    """1,911 emoji, 32 x 32 in colour: samples (picture, number of its category).

    data: the pictures on white, a tensor (1911, 32, 32, 3) of bytes.        targets: the categories, a tensor of int64.
    captions: what each shows, strings.        The graphics are Twemoji, CC BY 4.0.
    """

    def __init__(self, root: Any = None, transform: Any = None, target_transform: Any = None) -> None:
        super().__init__(root, transform, target_transform)
        np = backend.host

        def reader(path: str) -> Any:
            with np.load(path, allow_pickle=False) as file:
                return file["rgba"], file["category"], file["caption"]

        rgba, category, caption = read("emoji32.npz", root, reader)
        alpha = rgba[..., 3:] / np.float32(255)
        names, targets = np.unique(category, return_inverse=True)
        self.data = from_numpy((rgba[..., :3] * alpha + 255 * (1 - alpha)).round().astype("uint8"))
        self.classes, self.targets, self.captions = names.tolist(), from_numpy(targets.astype("int64")), caption.tolist()

    def picture(self, i: int) -> Any:
        return self.data.array[i]

    def target(self, i: int) -> int:
        return int(self.targets.array[i])

    def __len__(self) -> int:
        return len(self.captions)


class Mail(Dataset[Any]):
    """5,657 e-mails, 1,559 of them spam: samples (subject and body as one string, 1 for spam)."""
    classes = ["ham", "spam"]

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        mails = read("mail.jsonl.gz", root, lambda path: [json.loads(line) for line in text_of(path).split("\n") if line])
        self.texts = [f"{mail['subject']}\n{mail['text']}" for mail in mails]
        self.targets = from_numpy(backend.host.array([mail["label"] for mail in mails], "int64"))
        self.transform = transform

    def __getitem__(self, index: int) -> tuple[Any, int]:
        text = self.texts[index]
        return text if self.transform is None else self.transform(text), int(self.targets.array[index])

    def __len__(self) -> int:
        return len(self.texts)


class JaneAusten(Dataset[Any]):
    """Pride and Prejudice, and Sense and Sensibility: samples are paragraphs.        text: all of it, one string."""

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        self.text: str = read("jane_austen.txt.gz", root, text_of)
        self.paragraphs = [each.strip() for each in self.text.split("\n\n") if each.strip()]
        self.transform = transform

    def __getitem__(self, index: int) -> Any:
        return self.paragraphs[index] if self.transform is None else self.transform(self.paragraphs[index])

    def __len__(self) -> int:
        return len(self.paragraphs)


class Verses(Dataset[Any]):
    """6,111 Bible verses of at most 15 words: samples (English, Spanish).        references: where each stands."""

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        rows = read("verses_en_es.tsv.gz", root, lambda path: [line.split("\t") for line in text_of(path).rstrip("\n").split("\n")])
        self.references = [row[0] for row in rows]
        self.pairs = [(row[1], row[2]) for row in rows]
        self.transform = transform

    def __getitem__(self, index: int) -> Any:
        return self.pairs[index] if self.transform is None else self.transform(self.pairs[index])

    def __len__(self) -> int:
        return len(self.pairs)
