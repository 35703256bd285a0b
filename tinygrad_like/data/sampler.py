"""Samplers: in which order the samples of a data set are taken.

A sampler is gone through once an epoch, and gives indices (a `BatchSampler`: lists of indices).  Any iterable can be one.
Where no generator is given, the order belongs to the seed of `manual_seed`.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

from .. import autograd, backend
from ..functions.creation import as_tensor
from ..functions.random import Generator, default_generator, multinomial

__all__ = ["Sampler", "SequentialSampler", "RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "StratifiedSampler",
           "BatchSampler"]

Index = TypeVar("Index", covariant=True)


class Sampler(Generic[Index]):
    """The order in which samples are taken.  Subclasses define `__iter__()`, and `__len__()` if they know how many there are."""

    def __iter__(self) -> Iterator[Index]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__(): subclasses of Sampler define it")


def checked(generator: Any) -> Any:
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"generator= takes a Generator, got {type(generator).__name__}")
    return generator


def own(generator: Generator | None) -> Generator:
    """The generator; for None a new one, seeded by the default one: what is drawn in between elsewhere does not matter to it."""
    if generator is not None:
        return generator
    return Generator().manual_seed(int(default_generator().numpy.integers(2**63)))


def numbers(array: Any) -> Iterator[int]:
    """The Python ints of an array, without a list of them all."""
    for i in range(0, len(array), 4096):
        yield from array[i:i + 4096].tolist()


class SequentialSampler(Sampler[int]):
    """0, 1, 2, …"""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """All samples in random order; with replacement, each drawn from all.

    num_samples: how many an epoch has, len(data_source) if None.  Without replacement more than that start a new round.
    """

    def __init__(self, data_source: Sized, replacement: bool = False, num_samples: int | None = None,
                 generator: Generator | None = None) -> None:
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = checked(generator)
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement is True or False, got {replacement!r}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"RandomSampler draws at least one sample, got num_samples={self.num_samples}"
                             + (": the data set is empty" if num_samples is None else ""))

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, left, random = len(self.data_source), self.num_samples, own(self.generator)
        while left:
            if self.replacement:
                count = min(left, 4096)
                drawn = random.numpy.integers(n, size=count)
            else:
                count = min(left, n)
                drawn = random.numpy.permutation(n)[:count]
            yield from numbers(drawn)
            left -= count

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, checked(generator)

    def __iter__(self) -> Iterator[int]:
        for i in numbers(own(self.generator).numpy.permutation(len(self.indices))):
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """num_samples indices, drawn with these weights, one for each sample: probabilities, up to a common factor.

    With weights 1 / (how often the class of a sample occurs), classes are drawn equally often.
    """

    def __init__(self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"WeightedRandomSampler draws at least one sample, got num_samples={num_samples!r}")
        if not isinstance(replacement, bool):
            raise ValueError(f"WeightedRandomSampler: replacement is True or False, got {replacement!r}")
        self.weights = as_tensor(weights).detach().double()
        if self.weights.array.ndim != 1:
            raise ValueError("WeightedRandomSampler takes one row of weights, one for each sample, got shape "
                             f"{tuple(self.weights.shape)}")
        self.num_samples, self.replacement, self.generator = num_samples, replacement, checked(generator)

    def __iter__(self) -> Iterator[int]:
        yield from numbers(multinomial(self.weights, self.num_samples, self.replacement, generator=own(self.generator)).cpu().array)

    def __len__(self) -> int:
        return self.num_samples


class StratifiedSampler(Sampler[int]):
    """All samples, in random order, such that every stretch of the order has the classes in the proportions of the whole.

    labels: the class of each sample.       A batch of b samples has b·n_c/n of class c, give or take 1 + C·n_c/n (C classes).

    The k-th sample of a class with n_c members, counted in random order, is put at (k + u_c) / n_c of the way, where u_c is
    drawn from [0, 1) for each class.  (PyTorch has none.)
    """

    def __init__(self, labels: Any, generator: Generator | None = None) -> None:
        np = backend.host
        self.labels = np.asarray(backend.to_device(labels.detach().array, "cpu") if isinstance(labels, autograd.Tensor) else labels)
        if self.labels.ndim != 1:
            raise ValueError(f"StratifiedSampler takes one label for each sample, got shape {self.labels.shape}")
        self.generator = checked(generator)
        self._classes = np.unique(self.labels, return_inverse=True)[1]

    def __iter__(self) -> Iterator[int]:
        np, random, n = backend.host, own(self.generator).numpy, len(self.labels)
        order = random.permutation(n)
        order = order[self._classes[order].argsort(kind="stable")]             # class after class, each in random order
        counts = np.bincount(self._classes)
        within = np.concatenate([(np.arange(count) + random.random()) / count for count in counts]) if n else np.zeros(0)
        yield from numbers(order[within.argsort(kind="stable")])

    def __len__(self) -> int:
        return len(self.labels)


class BatchSampler(Sampler[list[int]]):
    """Lists of batch_size indices of a sampler each; of the last, shorter one: none, if drop_last."""

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size is a whole number above 0, got {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last is True or False, got {drop_last!r}")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        order = iter(self.sampler)
        while batch := list(islice(order, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        n = len(self.sampler)                                   # type: ignore[arg-type]
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
