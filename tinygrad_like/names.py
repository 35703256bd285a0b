"""What `tinygrad_like.name` means where `name` is not loaded yet: a file or folder of the package, or a mistake."""
from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from . import __name__ as package

# Names that live in a file which loads on first use.
elsewhere = {name: "derivatives" for name in ("vjp", "jvp", "jacobian", "hessian", "hvp", "vhp", "checkpoint")}


def find_in_autograd(name: str) -> Any:
    """The thing that PyTorch has under `autograd`, and we elsewhere."""
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(importlib.import_module(f"{package}.testing"), name)
    if name == "functional":
        return importlib.import_module(f"{package}.derivatives")
    raise AttributeError(f"{package}.autograd has no {name!r}" + (": to write an op with derivatives of your own, subclass Op"
                         if name == "Function" else ""))


def find(name: str) -> Any:
    """The subpackage of that name, loaded, or the thing that another one holds; else an AttributeError with a suggestion."""
    if name in elsewhere:
        return getattr(importlib.import_module(f"{package}.{elsewhere[name]}"), name)
    if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
        return importlib.import_module(f"{package}.{name}")
    text = f"{package} has no {name!r}"
    if not name.startswith("_"):
        import difflib
        known = [*vars(importlib.import_module(package)), *elsewhere]
        near = difflib.get_close_matches(name, [each for each in known if not each.startswith("_")], n=3, cutoff=0.7)
        if near:
            text += f": did you mean {' or '.join(near)}?"
        else:
            text += ": it is not offered here, or is a method of Tensor, or is in nn, nn.functional, linalg or optim"
    raise AttributeError(text)
