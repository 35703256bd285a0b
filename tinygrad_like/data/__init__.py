"""Data: sets of samples, how they are ordered, batched and fetched, and what is done to them on the way.

`utils.data` has the names of torch.utils.data; `data.transforms` and `data.datasets` those of torchvision's parts of that name.
"""
from .dataset import *
from .sampler import *
from .loader import *


def __getattr__(name: str) -> object:
    """`transforms`, `datasets` and the other files of this folder, loaded when they are first asked for."""
    import importlib
    import importlib.util
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"{__name__} has no {name!r}")
