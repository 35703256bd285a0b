"""Data sets by name, spelled as torchvision spells those that it has: MNIST, and the other files of the course's `examples/data`.

A file is looked for in `root`, then in the clone that this package was installed from (`examples/data`).  With download=True it is
fetched into root where it has a public home, checked, and put there when it is whole; where it has none, the error says so.
"""
from ...names import fault
from . import course
from .course import *
from .files import *
from .mnist import *


def __getattr__(name: str) -> object:
    """`ImageFolder`, which torchvision has here."""
    if name in ("ImageFolder", "DatasetFolder"):
        import importlib
        return getattr(importlib.import_module("..folder", __name__), name)
    raise fault(f"{__name__} has no {name!r}: there are MNIST, {', '.join(course.__all__)} and ImageFolder")
