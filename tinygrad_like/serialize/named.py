"""What .npz and .safetensors hold: names and arrays."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import backend
from ..tensor import Tensor


def named_arrays(obj: Any, suffix: str) -> dict[str, Any]:
    """The arrays of a dict of tensors, on the host, one row after the other; an error if it is anything else."""
    if not isinstance(obj, Mapping):
        hint = (": save its state_dict()" if hasattr(obj, "state_dict") else
                ": give it a name, as in {'x': x}" if isinstance(obj, Tensor) else ", or save as .pth")
        raise TypeError(f"save: a {suffix} file holds a dict of names and tensors, got {type(obj).__name__}{hint}")
    arrays = {}
    for name, tensor in obj.items():
        if not isinstance(name, str):
            raise TypeError(f"save: names in a {suffix} file are strings, got {name!r}: save as .pth")
        if not isinstance(tensor, Tensor):
            raise TypeError(f"save: a {suffix} file holds a dict of names and tensors, and {name!r} is a {type(tensor).__name__}: "
                            "save as .pth, which holds numbers, strings and nested dicts too")
        array = backend.to_device(tensor.array, "cpu")
        arrays[name] = array if array.flags.c_contiguous else array.copy(order="C")
    return arrays
