"""Fetching one batch, here or in a worker process; and saying which sample it was if that fails."""
from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from .collate import Ragged, default_collate
from .dataset import Batch, describe, fetched, together
from .seeding import seed_all, seed_from

END = object()                                                  # what there is after the last batch


class Failed(Exception):
    """Said of an error: which sample it was about.  The error raised is of this kind and of its own."""
    text = ""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def renamed(kind: type[BaseException], text: str, attributes: dict[str, Any]) -> BaseException:
    """An error of that kind which says the text."""
    try:
        named = type(kind.__name__, (Failed, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__})
        error = named(text)
        for name, value in attributes.items():
            setattr(error, name, value)
        return error
    except Exception:                                           # a kind that cannot be made so
        return RuntimeError(text)


def attributes(error: BaseException) -> dict[str, Any]:
    """What an error carries besides its text: of an OSError, its number and file."""
    return {name: getattr(error, name) for name in ("errno", "filename") if getattr(error, name, None) is not None}


class Fetch:
    """fetch(number, indices): the batch of that number, which has the samples at these indices.

    batched: whether indices is a list of them; else it is one, and there are no batches.
    size, drop_last: of the batches of an IterableDataset, which has no indices.
    """

    def __init__(self, dataset: Any, iterable: bool, batched: bool, size: int, drop_last: bool,
                 collate: Callable[[Any], Any]) -> None:
        self.dataset, self.iterable, self.batched, self.size, self.drop_last = dataset, iterable, batched, size, drop_last
        self.collate = collate
        self.together = not iterable and together(dataset)
        self.stream: Any = None
        self.current: Any = None                                # in a worker: where it notes which sample it is busy with

    def start(self) -> None:
        """A new epoch."""
        self.stream = iter(self.dataset) if self.iterable else None

    def __call__(self, number: int, indices: Any, seed: int | None = None) -> Any:
        """The batch, or END.  With a seed, random numbers for sample k are those that belong to (seed, number, k)."""
        if self.current is not None:
            self.current[0], self.current[1] = number, -1
        if self.iterable:
            data = self.next_ones()
            if data is END:
                return END
        elif not self.batched:
            data = self.one(indices, seed, number, 0)
        elif self.together:
            data = self.all(indices, seed, number)
        elif seed is None:
            data = [None] * len(indices)
            k, dataset = 0, self.dataset
            try:
                for k, index in enumerate(indices):
                    data[k] = dataset[index]
            except Exception as error:
                raise self.failed(error, indices[k]) from error
        else:
            data = [self.one(index, seed, number, k) for k, index in enumerate(indices)]
        if self.current is not None:
            self.current[1] = -1
        if type(data) is Batch and self.collate is not default_collate:
            data = list(data)
        try:
            return self.collate(data)
        except Exception as error:
            which = "the items that came last" if self.iterable else self.about(indices) if not self.batched else (
                "samples " + ", ".join([self.about(indices[i]) for i in error.places]) if isinstance(error, Ragged)
                else f"samples {few(indices)}")
            raise renamed(type(error), f"batch {number}, {which}: collating failed: {said(error)}", attributes(error)) from error

    def one(self, index: Any, seed: int | None, number: int, k: int) -> Any:
        if seed is not None:
            seed_all(seed_from(seed, number, k))
        if self.current is not None:
            self.current[1] = index if isinstance(index, int) else -1
        try:
            return self.dataset[index]
        except Exception as error:
            raise self.failed(error, index) from error

    def all(self, indices: Any, seed: int | None, number: int) -> Any:
        if seed is not None:
            seed_all(seed_from(seed, number, 0))
        try:
            return fetched(self.dataset, indices)
        except Exception as error:
            for index in indices:                               # which of them was it?
                try:
                    self.dataset[index]
                except Exception as cause:
                    raise self.failed(cause, index) from cause
            raise renamed(type(error), f"samples {few(indices)} of {type(self.dataset).__name__}, fetched together: {said(error)}",
                          attributes(error)) from error

    def next_ones(self) -> Any:
        try:
            data = list(islice(self.stream, self.size if self.batched else 1))
        except Exception as error:
            raise renamed(type(error), f"an item of {type(self.dataset).__name__}: {said(error)}", attributes(error)) from error
        if not data or self.batched and self.drop_last and len(data) < self.size:
            return END
        return data if self.batched else data[0]

    def failed(self, error: Exception, index: Any) -> BaseException:
        if isinstance(error, StopIteration):                    # would end the loop as if all samples had been seen
            return RuntimeError(f"sample {self.about(index)} of {type(self.dataset).__name__} raised StopIteration")
        text = f"sample {self.about(index)} of {type(self.dataset).__name__}: {said(error)}"
        return renamed(type(error), text, attributes(error))

    def about(self, index: Any) -> str:
        where = describe(self.dataset, index)
        return f"{index} ({where})" if where else str(index)


def said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def few(indices: Any) -> str:
    listed = [str(i) for i in list(indices)[:8]]
    return ", ".join(listed) + (f", … ({len(indices)} in all)" if len(indices) > 8 else "")
