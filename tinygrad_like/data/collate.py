"""Making a batch of a list of samples."""
from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

from .. import autograd, backend, errors
from ..functions.creation import as_tensor, tensor
from ..functions.shape import stack
from .dataset import Batch

__all__ = ["default_collate", "default_convert"]


class Ragged(errors.ShapeError):
    """Samples that cannot be stacked.  places: which two of the batch differ."""
    places: tuple[int, int] = (0, 0)


def default_convert(data: Any) -> Any:
    """data with the NumPy arrays in it as tensors, through dicts, lists and tuples."""
    np = backend.host
    if isinstance(data, autograd.Tensor) or isinstance(data, (np.ndarray, np.generic)):
        return data if isinstance(data, autograd.Tensor) or data.dtype.kind in "SUO" else as_tensor(data)
    if isinstance(data, Mapping):
        return remade(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple):
        converted = [default_convert(each) for each in data]
        return type(data)(*converted) if hasattr(data, "_fields") else converted
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return remade(data, [default_convert(each) for each in data])
    return data


def default_collate(batch: Any) -> Any:
    """One batch of a list of samples: what the samples have at the same place is stacked along a new first dim.

        tensors, NumPy arrays        a tensor (batch, …)
        ints, floats, bools          a tensor (batch,) of int64, float64, bool
        tuples                       a list: place by place, a batch
        dicts, lists, named tuples   the same kind: place by place, a batch
        strings, bytes               the list of them
    """
    if isinstance(batch, Batch):                                # stacked already
        return list(batch.whole)
    np, first = backend.host, batch[0]
    if isinstance(first, autograd.Tensor):
        return stacked(batch)
    if isinstance(first, np.ndarray):
        if first.dtype.kind in "SUO":
            raise TypeError(f"default_collate: arrays of {first.dtype} (text, objects) cannot become tensors")
        return joined([np.asarray(each) for each in batch])
    if isinstance(first, np.generic) and first.dtype.kind in "biufc":
        return as_tensor(np.asarray(batch))
    if isinstance(first, float):
        return tensor(batch, dtype="float64", device="cpu")
    if isinstance(first, int):
        return tensor(batch, device="cpu")
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        for i, each in enumerate(batch):
            if each.keys() != first.keys():
                odd = sorted(map(repr, each.keys() ^ first.keys()))
                raise KeyError(f"default_collate: samples 0 and {i} of the batch have different keys: only one has "
                               f"{', '.join(odd)}")
        return remade(first, {key: default_collate([each[key] for each in batch]) for key in first})
    if isinstance(first, Sequence):
        for i, each in enumerate(batch):
            if len(each) != len(first):
                error = Ragged("default_collate: each element in list of batch should be of equal size, but sample 0 has "
                               f"{len(first)} parts and sample {i} of the batch has {len(each)}")
                error.places = (0, i)
                raise error
        parts = [default_collate(list(part)) for part in zip(*batch)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return parts if isinstance(first, tuple) else remade(first, parts)
    advice = ": transforms.ToTensor() makes a tensor of a picture" if hasattr(first, "getbands") else ", or pass a collate_fn"
    raise TypeError("default_collate: a batch is made of tensors, NumPy arrays, numbers, strings, dicts or lists, and the "
                    f"samples hold {type(first).__module__}.{type(first).__name__}{advice}")


def remade(like: Any, parts: Any) -> Any:
    """Parts of a dict or a list in one of the same kind, where that can be made of them."""
    kind = type(like)
    if kind is type(parts):
        return parts
    try:
        if isinstance(like, MutableMapping):
            import copy
            clone = copy.copy(like)
            clone.update(parts)
            return clone
        return kind(parts)
    except TypeError:
        return parts


def stacked(tensors: Any) -> Any:
    for i, each in enumerate(tensors):
        if not isinstance(each, autograd.Tensor):
            raise TypeError(f"default_collate: sample 0 of the batch has a tensor where sample {i} has {type(each).__name__}")
    arrays = [each.array for each in tensors]
    if all([type(array) is backend.host.ndarray for array in arrays]) and not any([each.requires_grad for each in tensors]):
        return joined(arrays)
    check(arrays)
    return stack(tensors)


def check(arrays: Any) -> None:
    for i, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            error = Ragged(f"default_collate: samples 0 and {i} of the batch have shapes {tuple(arrays[0].shape)} and "
                           f"{tuple(array.shape)}, and only equal ones can be stacked: bring pictures to one size "
                           "(transforms.Resize((32, 32))), pad sequences in a collate_fn (nn.utils.rnn.pad_sequence)")
            error.places = (0, i)
            raise error


def joined(arrays: Any) -> Any:
    """A tensor of arrays of one shape."""
    check(arrays)
    if any([array.dtype != arrays[0].dtype for array in arrays]):
        return stack([as_tensor(array) for array in arrays])    # in the type that our rules say
    return as_tensor(backend.host.stack(arrays))
