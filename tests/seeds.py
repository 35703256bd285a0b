"""The articles that this course corrects: a folder beside this repository, or the one that TINYGRAD_LIKE_SEEDS names.

What is published has none of them: then the tests of their programs are skipped.
"""
import os
import re
from pathlib import Path

import pytest

# The import lines: what they are in the articles, and here.
HERE = [
    ("import torchvision.transforms as", "import tinygrad_like.data.transforms as"),
    ("import torchvision.datasets as", "import tinygrad_like.data.datasets as"),
    ("from tensorflow.keras", "from tinygrad_like.keras"),
    ("import tensorflow as tf", "import tinygrad_like as tf"),
    ("import torch.", "import tinygrad_like."),
    ("import torch\n", "import tinygrad_like as torch\n"),
    ("import transformers\n", "import tinygrad_like.transformers as transformers\n"),
    ("from transformers import", "from tinygrad_like.transformers import"),
]


def folder():
    """Where the articles are, or None."""
    places = [os.environ.get("TINYGRAD_LIKE_SEEDS"), Path(__file__).parents[2] / "shared" / "seeds"]
    return next((Path(place) for place in places if place and list(Path(place).glob("00*.txt"))), None)


def listing(article, word):
    """The program of an article, counted from 0, in which a word occurs: as printed, but for its import lines."""
    place = folder()
    if place is None:
        pytest.skip("the articles are not here")
    text = next(place.glob(f"{article:03d}_*.txt")).read_text(encoding="utf-8")
    programs = re.findall(r"```python\n(.*?)```", text, re.S)
    program = next(each for each in programs if word in each and "import" in each)
    for theirs, ours in HERE:
        program = program.replace(theirs, ours)
    assert not re.search(r"^(import|from) (torch|tensorflow|transformers)", program, re.M)
    return program
