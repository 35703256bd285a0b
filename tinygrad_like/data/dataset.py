"""Data sets: what has samples, and data sets made of others.

A map-style data set answers `dataset[i]` and `len(dataset)`; an `IterableDataset` is gone through once, in its own order.
Two methods more may be there:

    __getitems__(indices)   the samples at these indices, fetched together: a list of them, or a `Batch`, which holds them
                            stacked already.  The DataLoader asks for whole batches where it is there (see `together`).
    describe(i)             where sample i comes from, such as the path of its file: for errors that name it
"""
from __future__ import annotations

import bisect
import itertools
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from .. import autograd, backend, errors
from ..functions.random import Generator, randperm
from ..functions.shape import cat

__all__ = ["Dataset", "IterableDataset", "TensorDataset", "StackDataset", "Subset", "ConcatDataset", "ChainDataset", "random_split"]

Sample = TypeVar("Sample", covariant=True)


def check_functions(who: str, **functions: Any) -> None:
    """That what samples are given to can be called: transform=ToTensor for ToTensor() is soon written."""
    for name, function in functions.items():
        if isinstance(function, type) and name != "loader":
            raise TypeError(f"{who}: {name} is a class: write {function.__name__}(…)")
        if function is not None and not callable(function):
            raise TypeError(f"{who}: {name} is a function, got {type(function).__name__}")


class Dataset(Generic[Sample]):
    """Samples that are fetched by their index.  Subclasses define `__getitem__(index)` and `__len__()`.

    Adding two of them puts one behind the other.
    """

    def __getitem__(self, index: Any) -> Sample:
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(index), which fetches a sample: subclasses of Dataset "
                                  "define it")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[Sample], Iterable[Sample]):
    """Samples that arrive one after the other: from a stream, or too many to be numbered.  Subclasses define `__iter__()`.

    In a DataLoader with several workers each worker goes through all of it: `get_worker_info()` says which part is whose.
    """

    def __iter__(self) -> Iterator[Sample]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(): subclasses of IterableDataset define it")

    def __add__(self, other: Any) -> ChainDataset:              # type: ignore[override]
        return ChainDataset([self, other])


class Batch(Sequence[Any]):
    """The samples of a batch, stacked already.

    whole: what collating them would give.  As a sequence, it is the samples, each made when it is asked for.
    """

    def __init__(self, whole: Sequence[Any]) -> None:
        self.whole = list(whole)

    def __len__(self) -> int:
        return len(self.whole[0])

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        return tuple([part[i] for part in self.whole])


def together(dataset: Any) -> bool:
    """Whether samples are fetched together: by `__getitems__`.

    Not where a subclass has a `__getitem__` of its own since, which says what its samples are; nor of a data set made of others,
    its `_parts`, none of which can.
    """
    for kind in type(dataset).__mro__:
        if "__getitems__" in vars(kind):
            parts = vars(kind).get("_parts")
            return parts is None or any(map(together, parts(dataset)))
        if "__getitem__" in vars(kind):
            return False
    return False


def fetched(dataset: Any, indices: Any) -> Sequence[Any]:
    """The samples at these indices, together if the data set can do that."""
    if not together(dataset):
        return [dataset[i] for i in indices]
    samples = dataset.__getitems__(indices)
    if len(samples) != len(indices):
        raise ValueError(f"{type(dataset).__name__}.__getitems__ returned {len(samples)} samples for {len(indices)} indices")
    return samples


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Samples (x[i], y[i], …) of tensors that are equally long."""

    def __init__(self, *tensors: Any) -> None:
        for x in tensors:
            if not isinstance(x, autograd.Tensor):
                raise TypeError(f"TensorDataset takes tensors, got {type(x).__name__}: from_numpy(array) makes one of an array, "
                                "tensor(list) of a list")
            if not x.array.ndim:
                raise errors.ShapeError("TensorDataset: a tensor without dimensions has no samples")
        lengths = [len(x) for x in tensors]
        if len(set(lengths)) > 1:
            raise SizeMismatch("TensorDataset: the tensors hold different numbers of samples (axis 0), "
                               f"{' and '.join(map(str, lengths))}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple([x[index] for x in self.tensors])

    def __getitems__(self, indices: Any) -> Batch:
        index = backend.host.asarray(indices, "int64")
        return Batch([rows(x, index) for x in self.tensors])

    def __len__(self) -> int:
        return len(self.tensors[0])


def rows(x: Any, index: Any) -> Any:
    """x[index], a copy; of a constant on the host, straight from its memory."""
    if x.node is not None or type(x.array) is not backend.host.ndarray:
        return x[backend.to_device(index, backend.device_of(x.array))]
    try:
        return autograd.wrap(x.array.take(index, axis=0))
    except IndexError as error:
        raise IndexError(f"TensorDataset of {len(x.array)} samples: {error}") from error


class SizeMismatch(errors.ShapeError, AssertionError):
    """Parts of a data set that are not equally long.  (PyTorch raises AssertionError or ValueError here: this is both.)"""


class StackDataset(Dataset[Sample]):
    """Samples (a[i], b[i], …) of data sets that are equally long; given by keywords, samples {"name": a[i], …}."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset takes data sets, either all by position or all by keyword"
                             + ("" if args else ": none was given"))
        self.datasets: Any = kwargs or args
        lengths = [len(each) for each in (kwargs.values() if kwargs else args)]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: the data sets hold different numbers of samples, {' and '.join(map(str, lengths))}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: each[index] for name, each in self.datasets.items()}
        return tuple([each[index] for each in self.datasets])

    def __getitems__(self, indices: Any) -> list[Any]:
        samples = zip(*[fetched(each, indices) for each in self._parts()])
        return [dict(zip(self.datasets, each)) for each in samples] if isinstance(self.datasets, dict) else list(samples)

    def _parts(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def __len__(self) -> int:
        return self._length


class Subset(Dataset[Sample]):
    """The samples of a data set at some indices: `subset[i]` is `dataset[indices[i]]`."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, (list, tuple)):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Any) -> Any:
        """The samples at these indices, fetched together if the data set can do that."""
        return fetched(self.dataset, [self.indices[i] for i in indices])

    def _parts(self) -> list[Any]:
        return [self.dataset]

    def __len__(self) -> int:
        return len(self.indices)

    def describe(self, index: int) -> str:
        """Where the sample comes from, as far as the data set knows."""
        chosen = self.indices[index]
        return ", ".join([text for text in (f"index {chosen} of the data set", describe(self.dataset, chosen)) if text])


class ConcatDataset(Dataset[Sample]):
    """Data sets one behind the other: the samples of the first, then those of the second, …"""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise EmptyValue("ConcatDataset takes at least one data set, and the list is empty")
        for each in self.datasets:
            if isinstance(each, IterableDataset):
                raise TypeOrAssertion("ConcatDataset numbers its samples, which an IterableDataset does not: use ChainDataset")
        self.cumulative_sizes = list(itertools.accumulate([len(each) for each in self.datasets]))

    def place(self, index: int) -> tuple[int, int]:
        """(which data set, index in it)"""
        if not -len(self) <= index < len(self):
            raise IndexOrValue(f"ConcatDataset has {len(self)} samples, and index {index} is out of range")
        index %= len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return which, index - (self.cumulative_sizes[which - 1] if which else 0)

    def __getitem__(self, index: int) -> Any:
        which, i = self.place(index)
        return self.datasets[which][i]

    def __getitems__(self, indices: Any) -> Any:
        """The samples at these indices, those of each data set fetched together if it can do that."""
        places = [self.place(i) for i in indices]
        wanted: dict[int, list[int]] = {}
        for k, (which, _) in enumerate(places):
            wanted.setdefault(which, []).append(k)              # of data set `which`: the k-th samples of the batch
        batches = [fetched(self.datasets[which], [places[k][1] for k in ks]) for which, ks in wanted.items()]
        if len(batches) == 1:
            return batches[0]
        order = backend.host.argsort([k for ks in wanted.values() for k in ks])
        if alike(batches):
            return Batch([rows(cat(parts), order) for parts in zip(*[batch.whole for batch in batches])])   # type: ignore
        samples = [sample for batch in batches for sample in batch]
        return [samples[i] for i in order]

    def _parts(self) -> list[Any]:
        return self.datasets

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def describe(self, index: int) -> str:
        """Where the sample comes from, as far as its data set knows."""
        which, i = self.place(index)
        return ", ".join([text for text in (f"index {i} of data set {which}", describe(self.datasets[which], i)) if text])


def alike(batches: list[Any]) -> bool:
    """Whether these are Batches of tensors that can be put one behind the other as they are."""
    if not all([type(each) is Batch and all([isinstance(x, autograd.Tensor) for x in each.whole]) for each in batches]):
        return False
    first, *others = [[(x.dtype, x.shape[1:], x.device) for x in each.whole] for each in batches]
    return all([each == first for each in others])


class EmptyValue(ValueError, AssertionError):
    """Nothing where something is needed.  (PyTorch raises AssertionError here: this is a ValueError too.)"""


class TypeOrAssertion(TypeError, AssertionError):
    """Something of the wrong kind.  (PyTorch raises AssertionError here: this is a TypeError too.)"""


class IndexOrValue(IndexError, ValueError):
    """An index that is out of range.  (PyTorch raises ValueError here: this is an IndexError too, so that `for` ends.)"""


class ChainDataset(IterableDataset[Sample]):
    """IterableDatasets one behind the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise TypeOrAssertion(f"ChainDataset takes IterableDatasets, got {type(each).__name__}: use ConcatDataset")
            yield from each

    def __len__(self) -> int:
        return sum([len(each) for each in self.datasets])       # type: ignore[arg-type]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Disjoint subsets of a data set, drawn at random: of these lengths, or of these fractions of it (which sum to 1).

    Fractions are rounded down, and the samples left over go to the subsets in turn.
    """
    n, sizes = len(dataset), list(lengths)
    if math.isclose(sum(sizes), 1) and sum(sizes) <= 1:
        for i, fraction in enumerate(sizes):
            if not 0 <= fraction <= 1:
                raise ValueError(f"random_split: the fraction at {i} is not between 0 and 1: {fraction}")
        sizes = [math.floor(n * fraction) for fraction in sizes]
        for i in range(n - int(sum(sizes))):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if size == 0:
                warnings.warn(f"random_split: part {i} is empty, as {n} samples are too few for the fraction {lengths[i]}",
                              stacklevel=2)
    if sum(sizes) != n:
        raise ValueError(f"random_split: the lengths {sizes} sum to {sum(sizes)}, and the data set has {n} samples"
                         + ("" if all(isinstance(size, int) for size in sizes) else ".  Fractions sum to 1"))
    order = randperm(n, generator=generator).tolist()
    ends = list(itertools.accumulate(map(int, sizes)))
    return [Subset(dataset, order[end - int(size):end]) for size, end in zip(sizes, ends)]


def describe(dataset: Any, index: Any) -> str:
    """Where a sample comes from, in words, as far as its data set knows: by its `describe`, or paths among its `samples`."""
    try:
        if callable(getattr(dataset, "describe", None)):
            return str(dataset.describe(index))
        entry = dataset.samples[index]
        path = entry[0] if isinstance(entry, (tuple, list)) else entry
        return str(os.fspath(path))
    except Exception:
        return ""
