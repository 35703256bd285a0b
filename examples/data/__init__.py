"""The data of the course, read from this folder.  Where each file comes from, and its licence, is in README.md beside it."""
import gzip
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
CREDIT = HERE / "credit.csv"           # 4,454 loans, a row each; for tinygrad_like.data.tabular.read_csv


def mnist(part):
    """The digits of a part, "train" (60,000) or "test" (10,000): images (n, 28, 28) from 0 to 255, labels (n,) from 0 to 9."""
    with np.load(HERE / "mnist.npz", allow_pickle=False) as file:
        return file[f"x_{part}"], file[f"y_{part}"]


def sunspots():
    """The yearly mean of sunspots seen, 1700-2008: years (309,) and numbers (309,)."""
    years, numbers = np.loadtxt(HERE / "sunspots.csv", delimiter=",", skiprows=1).T
    return years.astype(int), numbers


def elnino():
    """The temperature of the sea off Peru by month, 1950-2010, in °C: years, months from 0 to 11, temperatures, each (732,)."""
    years, *months = np.loadtxt(HERE / "elnino.csv", delimiter=",", skiprows=1).T
    return years.astype(int).repeat(12), np.arange(12 * len(years)) % 12, np.stack(months, 1).reshape(-1)


def emoji():
    """Pictures (1911, 3, 32, 32) from 0 to 1, on white, and the name of the category of each (1911,)."""
    with np.load(HERE / "emoji32.npz", allow_pickle=False) as file:
        rgba, category = file["rgba"] / np.float32(255), file["category"]
    alpha = rgba[..., 3:]
    return (rgba[..., :3] * alpha + 1 - alpha).transpose(0, 3, 1, 2), category


def mail():
    """E-mails, 5,657 of them: texts (subject and body), and labels, 1 for spam."""
    with gzip.open(HERE / "mail.jsonl.gz", "rt", encoding="utf-8") as file:
        mails = [json.loads(line) for line in file]
    return [f"{each['subject']}\n{each['text']}" for each in mails], np.array([each["label"] for each in mails])


def jane_austen():
    """Pride and Prejudice, and Sense and Sensibility: one string of 1.36 million characters."""
    with gzip.open(HERE / "jane_austen.txt.gz", "rt", encoding="utf-8") as file:
        return file.read()


def verses():
    """Bible verses of at most 15 words, as 6,111 pairs (English, Spanish)."""
    with gzip.open(HERE / "verses_en_es.tsv.gz", "rt", encoding="utf-8") as file:
        return [tuple(line.rstrip("\n").split("\t")[1:]) for line in file]


def senate():
    """How 101 senators voted on 645 motions, 2005-2006: votes (101, 645), 1 yea, -1 nay, 0 none; "Name (party state)"; what on."""
    with np.load(HERE / "senate.npz", allow_pickle=False) as file:
        who = [f"{name} ({party[0]} {state})" for name, party, state in zip(file["senator"], file["party"], file["state"])]
        return file["votes"], who, file["subject"].tolist()
