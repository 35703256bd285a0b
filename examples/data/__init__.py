"""The data of the course, read from this folder.  Where each file comes from, and its licence, is in README.md beside it."""
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


def mnist(part):
    """The digits of a part, "train" (60,000) or "test" (10,000): images (n, 28, 28) from 0 to 255, labels (n,) from 0 to 9."""
    with np.load(HERE / "mnist.npz", allow_pickle=False) as file:
        return file[f"x_{part}"], file[f"y_{part}"]


def sunspots():
    """The yearly mean of sunspots seen, 1700-2008: years (309,) and numbers (309,)."""
    years, numbers = np.loadtxt(HERE / "sunspots.csv", delimiter=",", skiprows=1).T
    return years.astype(int), numbers
