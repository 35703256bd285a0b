"""The Chinese README says what the English one says: the same headings, blocks, tables, code, links and numbers, in order."""
import re
from collections import Counter
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENGLISH, CHINESE = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]


def blocks(text):
    """(kind, what stands there): headings with their level, paragraphs, tables as rows of cells, code without its comments."""
    lines = iter(text.splitlines())
    paragraph = []
    for line in lines:
        kind = "text" if line and not line.startswith(("#", "|", "```")) else ""
        if kind:
            paragraph.append(line)
            continue
        if paragraph:
            yield "paragraph", " ".join(paragraph)
            paragraph = []
        if line.startswith("#"):
            level, heading = line.split(" ", 1)
            yield f"heading {len(level)}", heading
        elif line.startswith("```"):
            code = []
            while (each := next(lines)) != "```":
                code.append(re.sub(r"\s*#.*", "", each))
            yield "code " + line[3:], "\n".join(code)
        elif line.startswith("|"):
            yield "row", tuple([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    if paragraph:
        yield "paragraph", " ".join(paragraph)


def kept(text):
    """What a translation leaves as it is: inline code, links, and numbers (but those in names, as of Conv2d)."""
    code = re.findall(r"`[^`]+`", text)
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")]
    plain = re.sub(r"`[^`]+`|\]\([^)]+\)", " ", text)
    return Counter(code), Counter(links), Counter(re.findall(r"(?<![A-Za-z_\d.-])\d+(?:[.,]\d+)*", plain))


PAIRS = list(zip_longest(blocks(ENGLISH), blocks(CHINESE), fillvalue=("nothing", "")))


def place(number):
    """The heading that the block stands under."""
    return next((what for kind, what in reversed([pair[0] for pair in PAIRS[:number + 1]]) if kind.startswith("heading")), "")


def test_there_are_the_same_blocks():
    for number, ((kind, here), (other, there)) in enumerate(PAIRS):
        assert kind == other, f"under {place(number)!r} the English README has {kind}: {here!r}, the Chinese {other}: {there!r}"
    assert len([kind for (kind, _), _ in PAIRS if kind.startswith("heading")]) > 10


@pytest.mark.parametrize("kind", sorted({kind for (kind, _), _ in PAIRS}))
def test_blocks_keep_what_is_not_translated(kind):
    for number, ((one, english), (_, chinese)) in enumerate(PAIRS):
        if one != kind:
            continue
        where = f"under {place(number)!r}:\n{english}\n{chinese}"
        if kind.startswith("code"):
            assert english == chinese, where
        elif kind == "row":
            assert len(english) == len(chinese), where
            for a, b in zip(english, chinese):
                assert kept(a) == kept(b), where
        else:
            assert kept(english) == kept(chinese), where


def test_nothing_was_left_in_english():
    for kind, what in blocks(CHINESE):
        if not kind.startswith("code"):
            text = re.sub(r"`[^`]+`|\]\([^)]+\)", "", what if isinstance(what, str) else " | ".join(what))
            assert not re.search(r"\b[a-z]+ [a-z]+ [a-z]+\b", text), what
            if kind in ("heading 2", "heading 3") or kind == "paragraph" and what != "[English](README.md)":
                assert re.search("[一-鿿]", text), what


def test_each_leads_to_the_other():
    assert ENGLISH.splitlines()[1] == "[中文](README.zh-CN.md)"
    assert CHINESE.splitlines()[1] == "[English](README.md)"
