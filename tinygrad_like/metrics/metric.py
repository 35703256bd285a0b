"""What all metrics have in common: measure a batch, join what was measured, and finish with a number."""
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from .. import autograd, backend, errors

if TYPE_CHECKING:
    from typing_extensions import Self

nan = float("nan")
KINDS = {kind.__name__: kind for kind in (errors.OutOfRange, errors.WrongValue)}


class UndefinedMetricWarning(UserWarning):
    """A metric was asked for where it is not defined (0/0, one class only): the message says which value stands in for it."""


class Metric:
    """A number gathered over batches: update() for each, compute() when it is wanted, reset() before the next epoch.

        f1 = metrics.F1Score(average="macro")
        for x, y in loader:
            f1.update(model(x), y)
        print(f1.compute())

    What compute() returns is what the function of the same name gives for all the batches at once.  `a.merge(b)` adds to `a` what
    `b` has seen, as if `a` had seen it too: for parts of a data set that were measured apart.  On a GPU, update() does not wait:
    sums stay there until compute() fetches them, and what is wrong with labels that were made there is said then.

    To write one: measure() turns a batch into a dict of arrays that add up, and of lists that are joined; finish() turns such a
    dict, on the host, into the result.
    """

    name = ""                                                   # what messages and histories call it

    def __init__(self) -> None:
        self.name = self.name or type(self).__name__.lower()
        self.reset()

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} has no measure(predictions, targets, mask)")

    def finish(self, state: dict[str, Any]) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no finish(state)")

    def join(self, a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
        """What two parts of the data come to together."""
        return {key: plus(a[key], b[key]) if key in a and key in b else a.get(key, b.get(key)) for key in a | b}

    def reset(self) -> None:
        """Forget every batch."""
        self.state: dict[str, Any] = {}

    def update(self, predictions: Any, targets: Any, mask: Any = None) -> None:
        """Count a batch in.  mask: True where a target counts, in the shape of `targets`."""
        self.state = self.join(self.state, self.measure(predictions, targets, mask))

    def compute(self) -> Any:
        """The metric over all batches since the last reset().  It can be asked for in between."""
        if not self.state:
            self.warn("nothing was measured yet: update() comes before compute().  The result is NaN")
            return nan
        state = {key: [on_host(each) for each in part] if type(part) is list else on_host(part) for key, part in self.state.items()}
        for key, count in state.items():
            kind, _, text = key.partition(": ")
            if kind in KINDS and count:
                raise KINDS[kind](f"{self.name}: {int(count)} of {text}")         # type: ignore[arg-type]
        return self.finish(state)

    def of(self, predictions: Any, targets: Any, mask: Any = None) -> Any:
        """The metric of these alone."""
        self.reset()
        self.update(predictions, targets, mask)
        return self.compute()

    def merge(self, other: Metric) -> Self:
        """Count in what `other` has seen, which stays as it is."""
        if type(other) is not type(self):
            raise errors.WrongType(f"{self.name}.merge: {type(self).__name__} merges with its like, got {type(other).__name__}")
        for key, mine in vars(self).items():
            theirs = getattr(other, key, None)
            if key not in ("state", "name") and mine != theirs and not (mine != mine and theirs != theirs):
                raise errors.WrongValue(f"{self.name}.merge: one was made with {key}={mine!r}, and the other with {key}={theirs!r}")
        self.state = self.join(self.state, other.state)
        return self

    def state_dict(self) -> dict[str, Any]:
        """What was gathered, as Tensors on the CPU: for a checkpoint in the middle of an epoch."""
        return {key: [autograd.wrap(on_host(each)) for each in part] if type(part) is list else autograd.wrap(on_host(part))
                for key, part in self.state.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what state_dict() gave."""
        self.state = {key: [array_of(each) for each in part] if isinstance(part, list) else array_of(part)
                      for key, part in state_dict.items()}

    # ---- saying what is wrong
    def warn(self, text: str) -> None:
        warnings.warn(f"{self.name}: {text}", UndefinedMetricWarning, stacklevel=outside())

    def refuse(self, state: dict[str, Any], bad: Any, what: str, text: str, values: Any = None,
               kind: type[Exception] = errors.WrongValue) -> None:
        """Raise if any are bad: on the host now, naming the first; on a device their number is kept, for compute() to see."""
        if type(bad) is not backend.host.ndarray:
            key = f"{kind.__name__}: the {what}s {text}"
            state[key] = state.get(key, 0) + bad.sum()
        elif bad.any():
            i = tuple([int(k) for k in backend.host.argwhere(bad)[0]])
            value = "" if values is None else f" {values[i]}"
            raise kind(f"{self.name}: {what}{value} (at {i[0] if len(i) == 1 else i}) {text}")

    def __repr__(self) -> str:
        settings = [f"{key}={value!r}" for key, value in vars(self).items() if key not in ("state", "name")]
        return f"{type(self).__name__}({', '.join(settings)})"


def outside() -> int:
    """The stacklevel at which a warning points at the first line that is not of this package."""
    import sys
    level, frame = 1, sys._getframe(1)
    package = __name__.rpartition(".")[0]
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        level, frame = level + 1, frame.f_back
    return level


# ---- arrays -----------------------------------------------------------------------------------------------------
def array_of(x: Any, what: str = "predictions") -> Any:
    """The array in a Tensor, or of a list or whatever else NumPy can read."""
    if isinstance(x, (list, tuple)):
        x = [on_host(each.array) if isinstance(each, autograd.Tensor) else each for each in x]
    try:
        array = x.array if isinstance(x, autograd.Tensor) else x if type(x) in backend.array_types else backend.host.asarray(x)
    except ValueError as error:
        raise errors.ShapeError(f"{what}: their rows differ in length, so they make no array ({error})") from None
    if array.dtype.kind not in "biuf":
        raise errors.WrongType(f"{what} are numbers, got {array.dtype} ({errors.short(array.flat[0]) if array.size else array})"
                               + (": number the classes 0, 1, 2 …" if array.dtype.kind in "USO" else ""))
    return array


def pair(predictions: Any, targets: Any, mask: Any) -> tuple[Any, Any, Any]:
    """The arrays, on the device of the predictions."""
    p = array_of(predictions)
    device = backend.device_of(p)
    t = backend.to_device(array_of(targets, "targets"), device)
    if mask is not None:
        mask = backend.to_device(array_of(mask, "mask"), device)
        if mask.dtype.kind != "b":
            raise errors.WrongType(f"mask is True where a target counts, got {mask.dtype}: mask.bool()")
    return p, t, mask


def on_host(x: Any) -> Any:
    return backend.to_device(x, "cpu") if type(x) in backend.array_types else backend.host.asarray(x)


def plus(a: Any, b: Any) -> Any:
    """a + b; lists one after the other; arrays in the shape that has room for both, as when a batch brings a new class."""
    if type(a) is list:
        return a + b
    if type(a) is not type(b):
        a, b = on_host(a), on_host(b)
    if a.shape != b.shape:
        shape = tuple([max(m, n) for m, n in zip(a.shape, b.shape)])
        a, b = grown(a, shape), grown(b, shape)
    return a + b


def grown(x: Any, shape: tuple[int, ...]) -> Any:
    out = backend.zeros(shape, x)
    out[tuple([slice(n) for n in x.shape])] = x
    return out


def double(x: Any) -> Any:
    return x.astype("float64", copy=False)


def counts(x: Any, size: int) -> Any:
    """How often 0, 1, … size − 1 occur in x."""
    xp = backend.xp(x)
    if xp is backend.host:
        return xp.bincount(x, minlength=size)
    out = xp.zeros(size, "int64")                               # (CuPy's bincount waits for the device)
    xp.add.at(out, x, 1)
    return out
