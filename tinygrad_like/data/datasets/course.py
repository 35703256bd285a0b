"""The other data of the course.  Where each comes from, and its licence, is in examples/data/README.md."""
from __future__ import annotations

import gzip
import json
from typing import Any

from ... import backend, errors
from ...functions.creation import from_numpy
from ..dataset import Dataset, check_functions
from ..tabular import read_csv
from .files import find_file
from .mnist import PictureSet

__all__ = ["Credit", "ElNino", "Emoji", "JaneAusten", "Mail", "Senate", "Sunspots", "Verses"]


def read(name: str, root: Any, reader: Any) -> Any:
    """What reader(path) makes of a file of the course."""
    path = find_file(name, root)
    try:
        return reader(path)
    except errors.BadFile:
        raise
    except Exception as error:
        raise errors.BadFile(f"{path!r} is damaged, or not the course's {name}: {type(error).__name__}: {error}") from error


def arrays(*names: str) -> Any:
    """A reader of some arrays of an .npz file."""
    def reader(path: str) -> list[Any]:
        with backend.host.load(path, allow_pickle=False) as file:
            return [file[name] for name in names]
    return reader


def equally_many(file: str, **things: Any) -> None:
    """That what belongs together is there equally often."""
    if len({len(each) for each in things.values()}) > 1:
        found = " and ".join([f"{len(each):,} {what}" for what, each in things.items()])
        raise errors.BadFile(f"{file!r} is damaged: it has {found}, and there is one of each")


def text_of(path: str) -> str:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read()


class Transformed(Dataset[Any]):
    """Samples to which `transform` is applied: to the text, the row or the number in them, as each says."""

    def __init__(self, transform: Any) -> None:
        check_functions(type(self).__name__, transform=transform)
        self.transform = transform

    def transformed(self, sample: Any) -> Any:
        return sample if self.transform is None else self.transform(sample)


class Sunspots(Transformed):
    """The yearly mean of sunspots seen, 1700-2008: samples (year, number).

    years: a tensor (309,) of int64.        values: a tensor (309,) of float32.
    """

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        years, values = read("sunspots.csv", root, lambda path: backend.host.loadtxt(path, delimiter=",", skiprows=1).T)
        self.years, self.values = from_numpy(years.astype("int64")), from_numpy(values.astype("float32"))

    def __getitem__(self, index: int) -> tuple[int, Any]:
        value = float(self.values.array[index])
        return int(self.years.array[index]), self.transformed(value)

    def __len__(self) -> int:
        return len(self.years)


class ElNino(Transformed):
    """The temperature of the sea off Peru in each month, 1950-2010, in °C: samples (year, month from 0 to 11, temperature).

    years, months: tensors (732,) of int64.        values: a tensor (732,) of float32.
    """

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        np = backend.host
        table = read("elnino.csv", root, lambda path: np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2))
        if table.shape[1] != 13:
            raise errors.BadFile(f"'elnino.csv' is damaged: it has {table.shape[1]} columns, and they are the year and 12 months")
        self.years = from_numpy(table[:, 0].astype("int64").repeat(12))
        self.months = from_numpy(np.tile(np.arange(12), len(table)))
        self.values = from_numpy(table[:, 1:].reshape(-1).astype("float32"))

    def __getitem__(self, index: int) -> tuple[int, int, Any]:
        value = float(self.values.array[index])
        return int(self.years.array[index]), int(self.months.array[index]), self.transformed(value)

    def __len__(self) -> int:
        return len(self.values)


class Credit(Transformed):
    """4,454 loans: samples (what was known of it, a dict; 1 if it was not paid back).

    table: a dict of columns, as data.tabular cleans it; some values are missing.        targets: a tensor of int64.
    """
    classes = ["good", "bad"]

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        self.table = read("credit.csv", root, lambda path: read_csv(path, missing=["NA", "ignore"]))
        if "Status" not in self.table:
            raise errors.BadFile(f"'credit.csv' has no column 'Status', the label; it has {', '.join(self.table)}")
        self.targets = from_numpy((self.table.pop("Status") == "bad").astype("int64"))

    def __getitem__(self, index: int) -> tuple[Any, int]:
        row = {name: column[index] for name, column in self.table.items()}
        return self.transformed(row), int(self.targets.array[index])

    def __len__(self) -> int:
        return len(self.targets)


class Senate(Transformed):
    """The votes of 101 senators of the United States on 645 motions, 2005-2006: samples (senator, motion, 1 for yea, 0 for nay).

    votes: a tensor (101, 645) of int8, 1 yea, -1 nay, 0 none.        senators: as "Kennedy (D MA)", by their numbers.
    motions, dates: what was voted on, and when.        Samples are the votes that were cast, 60,009 of them.
    """

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        votes, names, parties, states, motions, dates = read("senate.npz", root, arrays(
            "votes", "senator", "party", "state", "subject", "date"))
        equally_many("senate.npz", **{"rows of votes": votes, "senators": names, "parties": parties, "states": states})
        equally_many("senate.npz", **{"columns of votes": votes.T, "motions": motions, "dates": dates})
        self.senators = [f"{name} ({party[0]} {state})" for name, party, state in zip(names, parties, states)]
        self.votes, self.motions, self.dates = from_numpy(votes), motions.tolist(), dates.tolist()
        self.cast = backend.host.argwhere(votes)

    def __getitem__(self, index: int) -> tuple[int, int, Any]:
        senator, motion = self.cast[index].tolist()
        vote = int(self.votes.array[senator, motion] > 0)
        return senator, motion, self.transformed(vote)

    def __len__(self) -> int:
        return len(self.cast)


class Emoji(PictureSet):
    """1,911 emoji, 32 x 32 in colour: samples (picture, number of its category).

    data: the pictures on white, a tensor (1911, 32, 32, 3) of bytes.        targets: the categories, a tensor of int64.
    captions: what each shows, strings.        The graphics are Twemoji, CC BY 4.0.
    """

    def __init__(self, root: Any = None, transform: Any = None, target_transform: Any = None) -> None:
        super().__init__(root, transform, target_transform)
        np = backend.host
        rgba, category, caption = read("emoji32.npz", root, arrays("rgba", "category", "caption"))
        equally_many("emoji32.npz", pictures=rgba, categories=category, captions=caption)
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


class Mail(Transformed):
    """5,657 e-mails, 1,559 of them spam: samples (subject and body as one string, 1 for spam)."""
    classes = ["ham", "spam"]

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        mails = read("mail.jsonl.gz", root, lambda path: [json.loads(line) for line in text_of(path).split("\n") if line])
        self.texts = [f"{mail['subject']}\n{mail['text']}" for mail in mails]
        self.targets = from_numpy(backend.host.array([mail["label"] for mail in mails], "int64"))

    def __getitem__(self, index: int) -> tuple[Any, int]:
        text = self.texts[index]
        return self.transformed(text), int(self.targets.array[index])

    def __len__(self) -> int:
        return len(self.texts)


class JaneAusten(Transformed):
    """Pride and Prejudice, and Sense and Sensibility: samples are paragraphs.        text: all of it, one string."""

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        self.text: str = read("jane_austen.txt.gz", root, text_of)
        self.paragraphs = [each.strip() for each in self.text.split("\n\n") if each.strip()]

    def __getitem__(self, index: int) -> Any:
        return self.transformed(self.paragraphs[index])

    def __len__(self) -> int:
        return len(self.paragraphs)


class Verses(Transformed):
    """6,111 Bible verses of at most 15 words: samples (English, Spanish).        references: where each stands."""

    def __init__(self, root: Any = None, transform: Any = None) -> None:
        super().__init__(transform)
        rows = read("verses_en_es.tsv.gz", root, lambda path: [line.split("\t") for line in text_of(path).rstrip("\n").split("\n")])
        self.references = [row[0] for row in rows]
        self.pairs = [(row[1], row[2]) for row in rows]

    def __getitem__(self, index: int) -> Any:
        return self.transformed(self.pairs[index])

    def __len__(self) -> int:
        return len(self.pairs)
