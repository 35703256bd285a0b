"""What `tinygrad_like.name` means where it is not loaded yet: a file or folder of the package, a function of one, or a mistake."""
from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from typing import Any, NoReturn

from . import __name__ as package, derivatives

# Functions of nn.functional that PyTorch has at top level too, called in the same way.  Those that are called otherwise there are
# left out: `embedding` (the weight first), `batch_norm`, `adaptive_max_pool1d`, most losses.
FUNCTIONAL = frozenset("""
    adaptive_avg_pool1d avg_pool1d max_pool1d max_pool1d_with_indices max_pool2d max_pool3d pixel_shuffle pixel_unshuffle
    channel_shuffle group_norm layer_norm rms_norm dropout alpha_dropout feature_alpha_dropout rrelu rrelu_ threshold_
    cosine_similarity pairwise_distance
""".split())


def find_in_autograd(name: str) -> Any:
    """The thing that PyTorch has under `autograd`, and we elsewhere."""
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(importlib.import_module(f"{package}.testing"), name)
    if name == "functional":
        return derivatives
    raise AttributeError(f"{package}.autograd has no {name!r}" + (": to write an op with derivatives of your own, subclass Op"
                         if name == "Function" else ""))


# What PyTorch has in nn and optim, or had, and what is written here instead.
INSTEAD = {
    "modules": "the layers are in nn itself", "Container": "subclass Module", "NLLLoss2d": "NLLLoss takes images too",
    "CrossMapLRN2d": "use LocalResponseNorm", "SyncBatchNorm": "there is one process: use BatchNorm1d, 2d or 3d",
    "LinearCrossEntropyLoss": "use Linear, and CrossEntropyLoss behind it", "SparseAdam": "gradients are dense: use Adam",
    "weight_norm": "write g * v / v.norm(…) in forward", "skip_init": "use init.… after the layer is made",
}


def refuse(place: str, name: str, instead: dict[str, str] = INSTEAD) -> NoReturn:
    """Raise the AttributeError for a name that a subpackage does not have, with what comes near it, or stands in its place."""
    text = f"{place} has no {name!r}"
    near = difflib.get_close_matches(name, [x for x in vars(sys.modules[place]) if not x.startswith("_")], n=3, cutoff=0.7)
    if name in instead:
        text += f": {instead[name]}"
    elif name.startswith("Lazy"):
        text += f": {name.removeprefix('Lazy')} is told its sizes"
    elif near:
        text += f": did you mean {' or '.join(near)}?"
    elif not name.startswith("_"):
        text += ": it is not offered here"
    raise AttributeError(text)


def find(name: str) -> Any:
    """The subpackage of that name, loaded, or a function of nn.functional; else an AttributeError with a suggestion."""
    if name in FUNCTIONAL:
        return getattr(importlib.import_module(f"{package}.nn.functional"), name)
    if not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None:
        return importlib.import_module(f"{package}.{name}")
    text = f"{package} has no {name!r}"
    if not name.startswith("_"):
        known = [each for each in vars(importlib.import_module(package)) if not each.startswith("_")]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.7)
        if near:
            text += f": did you mean {' or '.join(near)}?"
        else:
            text += ": it is not offered here, or is a method of Tensor, or is in nn, nn.functional, linalg or optim"
    raise AttributeError(text)
