"""DataLoader: batches of a data set, in an order, fetched here or ahead of time by worker processes.

    for x, y in DataLoader(dataset, batch_size=64, shuffle=True, num_workers=4): ...

Random numbers.  Each epoch draws a seed, from `generator` or the default generator.  In a worker, before it fetches a sample, our
default generator, Python's `random` and `np.random` are seeded by what belongs to (that seed, the number of the batch, the place
in the batch): so they differ between samples, epochs and workers, and are the same on a rerun after `manual_seed`, for any number
of workers.  (Of samples that are fetched together by `__getitems__`, once for all; of an IterableDataset, once an epoch for each
worker.)  Without workers, samples draw from the generators of the process as they stand; an IterableDataset draws what one worker
would.

Interruptions.  `loader.state_dict()`, asked for between two batches, tells where in the epoch it is; after `load_state_dict` the
next loop goes on with the batch that would have come.
"""
from __future__ import annotations

import contextlib
import itertools
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

from ..functions.random import Generator, default_generator
from .collate import default_collate, default_convert
from .dataset import IterableDataset, Sample
from .fetch import END, Fetch
from .sampler import BatchSampler, RandomSampler, SequentialSampler, checked
from .seeding import Apart, random_states, set_random_states
from .worker import Workers, context_of, error_from, get_worker_info

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]


FIXED = {"dataset", "batch_size", "drop_last", "sampler", "batch_sampler", "num_workers", "persistent_workers"}


class DataLoader(Generic[Sample]):
    """Batches of the samples of a data set.

    batch_size           samples in a batch; None: single samples, as they are
    shuffle              whether each epoch has an order of its own, drawn at random
    sampler              the order: an iterable of indices
    batch_sampler        the order and the batches: an iterable of lists of indices
    num_workers          processes that fetch batches ahead of time; 0: none, each is fetched when it is asked for
    collate_fn           makes a batch of a list of samples; None: `default_collate`
    drop_last            leave out the last batch if it is shorter
    timeout              seconds to wait for a batch of a worker; 0: as long as it takes
    worker_init_fn       called in each worker with its number, once.  It need not seed random numbers: each sample has its seed
    multiprocessing_context   "fork" or "spawn", or a context of `multiprocessing`.  By fork, the default on Linux, workers see the
                         data set in the memory where it is; by spawn each gets a copy of it, through pickle
    generator            what the order and the workers' seeds are drawn from
    prefetch_factor      batches that each worker is ahead, 2 if None
    persistent_workers   keep the workers from one epoch to the next.  They do not see changes of the data set then

    Batches of workers arrive in the order of the sampler.  An error while a sample is fetched says which one, and is of the kind
    it was.  The next batch can still be asked for; after the death of a worker, or a timeout, none.
    """

    def __init__(self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Iterable[Any] | None = None,
                 batch_sampler: Iterable[list[Any]] | None = None, num_workers: int = 0,
                 collate_fn: Callable[[list[Any]], Any] | None = None, pin_memory: bool = False, drop_last: bool = False,
                 timeout: float = 0, worker_init_fn: Callable[[int], Any] | None = None, multiprocessing_context: Any = None,
                 generator: Generator | None = None, *, prefetch_factor: int | None = None, persistent_workers: bool = False,
                 pin_memory_device: str = "", in_order: bool = True) -> None:
        if pin_memory or pin_memory_device:
            raise NotImplementedError("DataLoader: pin_memory is not offered: leave it out.  Batches are moved with x.to('cuda')")
        if not in_order:
            raise NotImplementedError("DataLoader: in_order=False is not offered, batches keep the sampler's order: leave it out")
        if not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(f"num_workers is a whole number, 0 for fetching in this process, got {num_workers!r}")
        if timeout < 0:
            raise ValueError(f"timeout is a number of seconds, 0 for no limit, got {timeout}")
        if num_workers == 0:
            for name, given in [("prefetch_factor", prefetch_factor is not None), ("persistent_workers", persistent_workers),
                                ("multiprocessing_context", multiprocessing_context is not None), ("timeout", timeout > 0)]:
                if given and name != "timeout":
                    raise ValueError(f"{name} is about worker processes, and there are none: pass num_workers=1 or more")
        if prefetch_factor is not None and prefetch_factor <= 0:
            raise ValueError(f"prefetch_factor is how many batches each worker is ahead, at least 1, got {prefetch_factor}")
        iterable = isinstance(dataset, IterableDataset)
        if iterable:
            for name, value in [("shuffle=True", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)]:
                if value not in (None, False):
                    raise ValueError(f"an IterableDataset has an order of its own, and {name} was given: leave it out")
        if sampler is not None and shuffle:
            raise ValueError("sampler says the order, and shuffle=True another: leave one out")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler says the order and the batches: leave out batch_size, shuffle, sampler, drop_last")
            batch_size = None
        elif batch_size is None:
            if drop_last:
                raise ValueError("batch_size=None gives single samples, and drop_last=True is about batches: leave one out")
        elif iterable:
            BatchSampler((), batch_size, drop_last)             # is it a batch size?
        checked(generator)
        if sampler is None and not iterable and batch_sampler is None:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and not iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)               # type: ignore[arg-type]
        batched = batch_sampler is not None or iterable and batch_size is not None
        self.dataset, self.batch_size, self.drop_last, self.sampler, self.batch_sampler = (
            dataset, batch_size, drop_last, sampler, batch_sampler)
        self.num_workers, self.timeout, self.worker_init_fn, self.generator = num_workers, timeout, worker_init_fn, generator
        self.pin_memory, self.persistent_workers = False, persistent_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self.multiprocessing_context = context_of(multiprocessing_context) if num_workers else None
        self._iterable, self._batched = iterable, batched
        self._workers: Workers | None = None
        self._place: Place | None = None                        # of the epoch begun last, until it ends
        self._resume: dict[str, Any] | None = None
        self._complete = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in FIXED and "_complete" in self.__dict__:
            raise ValueError(f"{name} of a DataLoader cannot be changed: make a new one")
        object.__setattr__(self, name, value)

    def __iter__(self) -> Iterator[Any]:
        return Epoch(self)

    def __len__(self) -> int:
        """How many batches there are."""
        if self.batch_sampler is not None:
            return len(self.batch_sampler)                      # type: ignore[arg-type]
        if not self._iterable:
            return len(self.sampler)                            # type: ignore[arg-type]
        n, size = len(self.dataset), self.batch_size or 1
        return n // size if self.drop_last else -(-n // size)

    # ---- interruptions ------------------------------------------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Where the loader is: how many batches of this epoch were handed out, and what their order was drawn from.

        Asked for between two batches, or between epochs.  It holds the random states at the beginning of the epoch, not those of
        now: whoever goes on from here restores those of the process too, as `training.Checkpoint` does.  A sampler of one's own
        and an IterableDataset must give the same once more from the same random states.
        """
        if self._resume is not None:
            return self._resume
        if self._place is None:
            return {"taken": 0, "order": None, "generators": [g.get_state() for g in self._generators()], "random": None}
        place = self._place
        return {"taken": place.taken, "order": self._order(), "generators": place.generators, "random": place.random}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Be where `state_dict` said: the next `for` over this loader goes on with the batch after the last one handed out."""
        generators = self._generators()
        if len(state_dict["generators"]) != len(generators):
            raise ValueError(f"load_state_dict: the state was saved with {len(state_dict['generators'])} generators of its own, "
                             f"and this loader has {len(generators)}: make it as that one was")
        was, now = state_dict["order"], self._order()
        if was not in (None, now):
            raise ValueError("load_state_dict: the state was saved within an epoch whose order was of another kind: "
                             + ", ".join([f"{key} was {was[key]} and is {now[key]}" for key in now if was[key] != now[key]])
                             + ".  Make the loader as it was, or load a state that was saved between two epochs")
        for generator, state in zip(generators, state_dict["generators"]):
            generator.set_state(state)
        self._place = None
        self._resume = dict(state_dict) if state_dict["random"] is not None else None

    def _generators(self) -> list[Generator]:
        """The generators of its own that the order may be drawn from."""
        owners = [self, self.batch_sampler, getattr(self.batch_sampler, "sampler", None), self.sampler]
        found = {id(g): g for g in [getattr(owner, "generator", None) for owner in owners] if isinstance(g, Generator)}
        return list(found.values())

    def _order(self) -> dict[str, Any]:
        """What the order of an epoch depends on, besides random numbers."""
        sampler = getattr(self.batch_sampler, "sampler", self.sampler)
        return {"dataset": f"of {length(self.dataset)} samples", "batch_size": self.batch_size, "drop_last": self.drop_last,
                "batches": length(self), "sampler": type(self.batch_sampler if sampler is None else sampler).__name__}


def length(x: Any) -> int | None:
    """How long x is; None if it does not know."""
    try:
        return len(x)
    except (TypeError, NotImplementedError):
        return None


class Place:
    """How far an epoch is, and what it began with."""

    def __init__(self, loader: DataLoader) -> None:
        self.taken, self.batches, self.random = 0, length(loader), random_states()
        self.generators = [g.get_state() for g in loader._generators()]


class Epoch(Iterator[Any]):
    """The batches of one epoch."""

    def __init__(self, loader: DataLoader) -> None:
        resume, loader._resume = loader._resume, None
        now = random_states() if resume is not None else None
        if resume is not None:
            set_random_states(resume["random"])
        self.loader: DataLoader | None = loader
        self.place = loader._place = Place(loader)
        self.fetch = Fetch(loader.dataset, loader._iterable, loader._batched, loader.batch_size or 1, loader.drop_last,
                           loader.collate_fn)
        self.seed = int((loader.generator or default_generator()).numpy.integers(2**63 - 2**32))
        source: Any = loader.sampler if loader.batch_sampler is None else loader.batch_sampler
        order = itertools.repeat(None) if loader._iterable else iter(source)
        taken = resume["taken"] if resume is not None else 0
        if not loader._iterable:
            order = itertools.islice(order, taken, None) if taken else order
            self.number = self.place.taken = taken
        else:
            self.number = 0
        self.most = 0                                           # more batches than an IterableDataset can have; 0: it does not say
        if loader._iterable and self.place.batches is not None:
            self.most = self.place.batches + max(1, loader.num_workers)
        first = next(order, END)                                # a sampler draws now, and not when training has drawn too
        self.order: Iterator[Any] = iter(()) if first is END else itertools.chain([first], order)
        self.broken: BaseException | None = None
        if loader.num_workers:
            self.start_workers(loader)
        else:
            self.apart = Apart(self.seed) if loader._iterable else contextlib.nullcontext()
            with self.apart:
                self.fetch.start()
        if loader._iterable:
            for _ in range(taken):
                next(self)
        if now is not None:
            set_random_states(now)

    def __iter__(self) -> Epoch:
        return self

    def __len__(self) -> int:
        return self.place.batches or 0

    def __next__(self) -> Any:
        if self.loader is None:
            raise StopIteration
        if self.broken is not None:
            raise self.broken
        try:
            batch = self.next_of_workers() if self.loader.num_workers else self.next_here()
        except Exception:
            self.place.taken += 1
            raise
        if batch is END:
            self.end()
            raise StopIteration
        self.place.taken += 1
        self.loader._place = self.place                         # it may have been gone through in between
        if self.place.taken == self.most:
            dataset, workers = self.loader.dataset, self.loader.num_workers
            warnings.warn(f"{type(dataset).__name__} says that it has {len(dataset)} samples, and more have come"
                          + (f": each of the {workers} workers goes through all of it, unless its __iter__ asks get_worker_info() "
                             "which part is whose" if workers > 1 else ""), stacklevel=2)
        return batch

    def end(self) -> None:
        loader, self.loader = self.loader, None
        if loader is not None and loader._place is self.place:
            loader._place = None
        self.workers: Workers | None = None                     # they end, unless the loader keeps them

    def next_here(self) -> Any:
        indices = next(self.order, END)
        if indices is END:
            return END
        self.number += 1
        with self.apart:
            return self.fetch(self.number - 1, indices)

    # ---- with workers -------------------------------------------------------------------------------------------
    def start_workers(self, loader: DataLoader) -> None:
        workers = loader._workers
        if workers is None or not workers.processes:
            workers = Workers(loader.num_workers, self.fetch, loader.worker_init_fn, loader.multiprocessing_context)
        if loader.persistent_workers:
            loader._workers = workers
        self.workers = workers
        self.waiting: deque[tuple[int, int, Any]] = workers.waiting        # (batch, worker, indices), in the order of the batches
        for number, worker, indices in self.waiting:            # asked for by an epoch that was not finished
            workers.answer(worker, number, indices, loader.timeout)
        self.waiting.clear()
        workers.begin(self.seed)
        self.epoch = workers.begun
        self.active = list(range(loader.num_workers))           # those whose part of an IterableDataset is not at its end
        self.turn = 0
        self.ask(loader)

    def ask(self, loader: DataLoader) -> None:
        assert self.workers is not None and loader.prefetch_factor is not None
        while self.active and len(self.waiting) < loader.prefetch_factor * len(self.active):
            indices = next(self.order, END)
            if indices is END:
                return
            while self.turn % loader.num_workers not in self.active:
                self.turn += 1
            worker = self.turn % loader.num_workers
            self.turn += 1
            self.workers.ask(worker, self.number, indices)
            self.waiting.append((self.number, worker, indices))
            self.number += 1

    def next_of_workers(self) -> Any:
        loader, workers = self.loader, self.workers
        assert loader is not None and workers is not None
        if workers.begun != self.epoch:
            raise RuntimeError("DataLoader: another epoch has begun, and persistent workers fetch one at a time")
        while self.waiting:
            number, worker, indices = self.waiting[0]
            try:
                what, value = workers.answer(worker, number, indices, loader.timeout)
            except RuntimeError as error:                       # the workers are gone
                self.broken = error
                raise
            self.waiting.popleft()
            if what == "end":
                if worker in self.active:
                    self.active.remove(worker)
                self.ask(loader)
                continue
            self.ask(loader)
            if what == "error":
                raise error_from(worker, value)
            return value
        return END
