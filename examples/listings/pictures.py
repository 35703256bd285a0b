"""Folders of pictures, as the article of listing L1 has them: train/…/*.png, val/…/*.png, test/…/*.png."""
import os
import re

try:
    from PIL import Image
except ModuleNotFoundError:
    raise SystemExit("this program writes and reads pictures by Pillow: pip install '.[vision]'") from None

import tinygrad_like as tl
from tinygrad_like.data.datasets import Emoji


def write_folders(root, each=None):
    """The emoji as PNG files, in a folder for each category: of five one is for the test, one for validation.

    each: at most so many of a category.
    """
    emoji = Emoji()
    count = {}
    for i in tl.randperm(len(emoji), generator=tl.Generator().manual_seed(0)).tolist():
        name = re.sub(r"\W+", "_", emoji.classes[emoji.target(i)]).lower()
        n = count[name] = count.get(name, 0) + 1
        if each is not None and n > each:
            continue
        folder = os.path.join(root, {0: "val", 1: "test"}.get(n % 5, "train"), name)
        os.makedirs(folder, exist_ok=True)
        Image.fromarray(emoji.picture(i)).save(os.path.join(folder, f"{i:04d}.png"))
