"""Where the batches of a training come from: arrays that `fit` puts in an order of its own, or a DataLoader, or any iterable."""
from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from .. import backend, errors
from ..data.loader import length
from ..functions.random import default_generator, get_rng_state, set_rng_state
from ..op import wrap
from ..tensor import Tensor


class Part(NamedTuple):
    """A batch: what goes into the model, what should come out, the weights of the samples (or None), and how many these are."""
    inputs: tuple[Any, ...]
    target: Any
    weight: Any
    size: int


class Home(NamedTuple):
    """Where a model is, and of which floating-point type: batches are brought there."""
    device: str
    dtype: Any

    @classmethod
    def of(cls, model: Any) -> Home:
        for x in [*model.parameters(), *model.buffers()]:
            if x.array.dtype.kind == "f":
                return cls(backend.device_of(x.array), x.array.dtype)
        return cls(backend.default_device, None)

    def bring(self, x: Any) -> Any:
        """x as a tensor there; numbers with a fraction in the type of the model.  Tuples, lists and dicts by their parts."""
        if isinstance(x, (tuple, list)) and x and not is_number(x[0]):
            return type(x)([self.bring(each) for each in x])
        if isinstance(x, dict):
            return {key: self.bring(each) for key, each in x.items()}
        if x is None:
            return None
        array = backend.to_device(as_array(x), self.device)
        if self.dtype is not None and array.dtype.kind == "f" and array.dtype != self.dtype:
            array = array.astype(self.dtype)
        return x if isinstance(x, Tensor) and array is x.array else wrap(array)


def is_number(x: Any) -> bool:
    return backend.python_number(x) is not None


def as_array(x: Any) -> Any:
    """The array of a tensor, or of what can be made one."""
    if isinstance(x, Tensor):
        return x.array
    try:
        array = x if type(x) in backend.array_types else backend.host.asarray(x)
    except ValueError as error:
        raise errors.ShapeError(f"data is numbers in tensors or arrays, and of this {type(x).__name__} none can be made: "
                                f"{error}") from None
    if array.dtype.kind not in "biufc":
        raise errors.WrongType(f"data is numbers in tensors or arrays, got {type(x).__name__} of {array.dtype}")
    return array


def is_data(x: Any) -> bool:
    return isinstance(x, Tensor) or type(x) in backend.array_types or hasattr(x, "__array__")


class Arrays:
    """Batches of arrays that are in memory, in an order that is drawn anew for each epoch."""

    def __init__(self, name: str, x: Any, y: Any, weight: Any, batch_size: int, shuffle: bool, home: Home) -> None:
        if batch_size < 1:
            raise errors.WrongValue(f"{name}: batch_size is at least 1, got {batch_size}")
        several = isinstance(x, (tuple, list)) and bool(x) and all(is_data(each) for each in x) and len(x[0].shape) > 0
        self.xs = [as_array(each) for each in x] if several else [as_array(x)]
        if isinstance(y, (tuple, list)) and y and is_data(y[0]) and len(y[0].shape) > 0 and len(y[0]) == len(self.xs[0]) != len(y):
            raise errors.WrongType(f"{name}: y is a list of {len(y)} arrays, and one array is expected: several targets come from "
                                   "a DataLoader, which gives (input, [target, target]), and the loss is a function of two lists")
        self.y = None if y is None else as_array(y)
        self.weight = None if weight is None else as_array(weight)
        self.batch_size, self.shuffle, self.home = batch_size, shuffle, home
        self.samples = check_lengths(name, self.xs, self.y, self.weight)
        self.steps = math.ceil(self.samples / batch_size)
        self.order: Any = None

    def split(self, name: str, fraction: float) -> tuple[Arrays, Arrays]:
        """Two of it: the last samples, that fraction of them, are the second."""
        if not 0 < fraction < 1:
            raise errors.WrongValue(f"{name}: validation_split is a fraction between 0 and 1, got {fraction}")
        at = int(math.floor(self.samples * (1 - fraction)))
        if not 0 < at < self.samples:
            raise errors.WrongValue(f"{name}: validation_split={fraction} of {self.samples} samples leaves one of the two parts "
                                    "empty")

        def part(where: slice, shuffle: bool) -> Arrays:
            y, weight = (None if each is None else each[where] for each in (self.y, self.weight))
            return Arrays(name, tuple(x[where] for x in self.xs), y, weight, self.batch_size, shuffle, self.home)
        return part(slice(0, at), self.shuffle), part(slice(at, None), False)

    def begin(self, state: Any = None, done: int = 0) -> None:
        """Put the samples in the order of a new epoch; or of that of which `state` was told, where `done` batches are done."""
        if not self.shuffle:
            self.first = done
            return
        if state is not None:
            set_rng_state(state)
        self.state, self.first = get_rng_state(), done
        self.order = default_generator().numpy.permutation(self.samples)

    def progress(self) -> Any:
        """What `begin` needs to draw the order of this epoch again."""
        return self.state if self.shuffle else None

    def between(self) -> Any:
        return None

    def restore(self, state: Any) -> None: ...

    def __iter__(self) -> Iterator[Part]:
        for i in range(self.first * self.batch_size, self.samples, self.batch_size):
            end = min(i + self.batch_size, self.samples)
            yield self.part(slice(i, end) if self.order is None else self.order[i:end], end - i)

    def part(self, where: Any, size: int) -> Part:
        def pick(x: Any) -> Any:
            if isinstance(where, slice):
                return backend.copy(x[where])                   # layers that work in place must not reach the user's array
            return x.take(where if type(x) is backend.host.ndarray else backend.xp(x).asarray(where), axis=0)
        bring = self.home.bring
        return Part(tuple([bring(pick(x)) for x in self.xs]), None if self.y is None else bring(pick(self.y)),
                    None if self.weight is None else bring(pick(self.weight)), size)


def check_lengths(name: str, xs: list[Any], y: Any, weight: Any) -> int:
    """How many samples there are: as many in each array."""
    arrays = {"x" if len(xs) == 1 else f"x[{i}]": x for i, x in enumerate(xs)}
    if y is not None:
        arrays["y"] = y
    if weight is not None:
        arrays["sample_weight"] = weight
    for key, array in arrays.items():
        if array.ndim == 0:
            raise errors.ShapeError(f"{name}: {key} is a single number, and its axis 0 is to count the samples")
    first, n = next((key, len(array)) for key, array in arrays.items())
    for key, array in arrays.items():
        if len(array) != n:
            text = f"{name}: {first} has {n} samples (axis 0 of shape {tuple(arrays[first].shape)}), and {key} has {len(array)}"
            text += f" (axis 0 of shape {tuple(array.shape)})"
            for one, other in (first, key), (key, first):
                if len(arrays[other]) in arrays[one].shape[1:]:
                    axis = arrays[one].shape.index(len(arrays[other]), 1)
                    text += (f".  Axis {axis} of {one} is as long as {other}: if that counts the samples, bring it to the front, "
                             f"np.moveaxis({one}, {axis}, 0)")
                    break
            raise errors.ShapeError(text)
    if n == 0:
        raise errors.ShapeError(f"{name}: there is no sample: {first} has shape {tuple(arrays[first].shape)}")
    return n


class Loader:
    """Batches of a DataLoader, or of anything that can be gone through again and again and gives (input, target).

    limit: after so many batches an epoch ends, and the next goes on from there, so that a generator will do.
    """
    samples = property(lambda self: length(getattr(self.loader, "dataset", None)))
    batch_size = property(lambda self: getattr(self.loader, "batch_size", None))

    def __init__(self, name: str, loader: Any, home: Home, limit: int | None = None) -> None:
        self.name, self.loader, self.home, self.limit = name, loader, home, limit
        self.batches: Any = None
        try:
            self.steps: int | None = len(loader) if limit is None else limit
        except TypeError:
            self.steps = None
        self.keeps_state = limit is None and hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")

    def begin(self, state: Any = None, done: int = 0) -> None:
        if self.limit is not None:
            self.state = None
            self.batches = iter(self.loader) if self.batches is None else self.batches
        elif state is None or self.keeps_state:
            if state is not None:
                self.loader.load_state_dict(state)
            self.state, self.batches = get_rng_state(), iter(self.loader)
        else:                                                   # as in that epoch, up to there
            set_rng_state(state)
            self.state, self.batches = state, iter(self.loader)
            for _ in range(done):
                next(self.batches)

    def progress(self) -> Any:
        return self.loader.state_dict() if self.keeps_state else self.state

    def between(self) -> Any:
        """What is to be kept between two epochs: the state of a generator that the loader has for itself."""
        return self.loader.state_dict() if self.keeps_state else None

    def restore(self, state: Any) -> None:
        """Be as when `between` was asked."""
        if state is not None and self.keeps_state:
            self.loader.load_state_dict(state)

    def __iter__(self) -> Iterator[Part]:
        for batch in self.batches if self.limit is None else self._limited(self.limit):
            if self.name == "predict" and is_data(batch):
                batch = (batch, None)
            if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
                what = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else f"a {type(batch).__name__}"
                raise errors.WrongType(f"{self.name}: batches are (input, target) or (input, target, weight), and this loader "
                                       f"gave {what}: pass it a collate_fn that makes such pairs")
            x, y, *weight = self.home.bring(list(batch))
            inputs = tuple(x) if isinstance(x, (tuple, list)) else (x,)
            yield Part(inputs, y, weight[0] if weight else None, size_of(inputs[0]))


    def _limited(self, limit: int) -> Iterator[Any]:
        """The next batches, so many; from the beginning again, if there is one to go back to."""
        for i in range(limit):
            batch = next(self.batches, self)
            if batch is self and not isinstance(self.loader, Iterator):
                self.batches = iter(self.loader)
                batch = next(self.batches, self)
            if batch is self:
                raise errors.WrongValue(f"{self.name}: the {type(self.loader).__name__} ended where batch {i + 1} of {limit} was "
                                        "to come: let it go on for ever (while True:), or say fewer steps or epochs")
            yield batch


def size_of(x: Any) -> int:
    while isinstance(x, dict):
        x = next(iter(x.values()))
    return x.shape[0]


Source = Arrays | Loader


def source(name: str, x: Any, y: Any, weight: Any, batch_size: int | None, shuffle: bool, home: Home,
           steps: int | None = None) -> Source:
    """The batches of x and y, whatever these are.  steps: how many are an epoch, of a generator, which does not say."""
    if steps is not None and (not isinstance(steps, int) or steps < 1):
        raise errors.WrongValue(f"{name}: how many steps are an epoch is a number from 1 on, got {steps!r}")
    if x is None:
        raise errors.WrongType(f"{name}: x is missing: arrays, or a DataLoader that gives (input, target)")
    listed = isinstance(x, (list, tuple))
    batches = listed and y is None and bool(x) and isinstance(x[0], (list, tuple)) and len(x[0]) in (2, 3) \
        and (is_data(x[0][0]) or isinstance(x[0][0], dict))
    if is_data(x) or listed and not batches:
        if steps is not None:
            raise errors.WrongType(f"{name}: x is arrays, all of which are gone through: leave out the number of steps, or pass "
                                   "x[:n]")
        return Arrays(name, x, y, weight, 32 if batch_size is None else batch_size, shuffle, home)
    if y is not None or weight is not None:
        raise errors.WrongType(f"{name}: x is a {type(x).__name__}, which gives inputs and targets: leave out y and sample_weight")
    if not hasattr(x, "__iter__") or is_dataset(x):
        if not (hasattr(x, "__getitem__") and hasattr(x, "__len__")):
            raise errors.WrongType(f"{name}: x is arrays, tensors, a Dataset or a DataLoader, got {type(x).__name__}")
        from ..data import DataLoader, IterableDataset
        shuffle = shuffle and not isinstance(x, IterableDataset)
        x = DataLoader(x, batch_size=32 if batch_size is None else batch_size, shuffle=shuffle)
    elif batch_size is not None:
        raise errors.WrongType(f"{name}: x is a {type(x).__name__}, whose batches have a size already: leave out batch_size")
    elif isinstance(x, Iterator) and steps is None and name not in ("evaluate", "predict"):
        raise errors.WrongType(f"{name}: x is a {type(x).__name__}, which can be gone through once only: say how many batches are "
                               "an epoch, steps_per_epoch (of validation_data validation_steps), or pass a DataLoader or a list")
    return Loader(name, x, home, steps)


def is_dataset(x: Any) -> bool:
    from ..data import Dataset
    return isinstance(x, Dataset)
