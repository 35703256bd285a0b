"""Where time and memory go: `with profile() as p: …`, then `print(p)`."""
from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import backend
from ..machine import slow_products
from ..op import Kept, Results, result
from ..watch import Run, Watcher
from .modules import Running

__all__ = ["profile"]


@dataclass
class Cost:
    """What one op, or one module with all that is in it, has cost."""
    calls: int = 0
    forward: float = 0.0                                        # seconds
    backward: float = 0.0                                       # seconds
    made: int = 0                                               # bytes of new results
    kept: int = 0                                               # bytes that the backward pass will ask for

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


class profile(Watcher):
    """Measure what runs inside, in this thread: seconds and bytes for each op and each module, forward and backward.

        with profile() as p:
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(p)

    ops: {name: Cost}, slowest first.        modules: {path: Cost}, as they were called; what is in a module is in its cost, too.
    seconds: how long the block took; of that, `optimizer` in steps of optimizers, and `elsewhere` neither there nor in an op: in
    Python, in sums of gradients that meet, in making data.

    The columns are sums over all calls.  `forward ms` and `backward ms` are an op's own time, without that of ops that it calls;
    `share` is that of both in the whole block.  `made` are results with memory of their own (a view has none); `kept` is what is
    held for the backward pass and belongs to no leaf, counted for the op that first keeps it: what several keep counts once, and
    what is let go of is not taken off, so that ten steps keep ten times what one does.

    On a GPU each op is waited for, which takes time of its own, so that a step takes longer than without.
    """

    ops: dict[str, Cost]
    modules: dict[str, Cost]
    optimizer: float
    _start: float
    _end: float | None                                          # None while it runs

    def __init__(self) -> None:
        self._begin()
        self._end = self._start

    def __enter__(self) -> profile:
        self._begin()
        self._end = None
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._end = time.perf_counter()
        self.ops = slowest_first(self.ops)

    def _begin(self) -> None:
        self.ops, self.modules = {}, {}
        self._running = Running()
        self._born: weakref.WeakKeyDictionary[Any, list[Cost]] = weakref.WeakKeyDictionary()        # node: who pays for it
        self._counted: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()   # id: memory that is kept already
        self._within: list[float] = []                          # for each op that runs: seconds of the ops within
        self.optimizer, self._start = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        return (time.perf_counter() if self._end is None else self._end) - self._start

    @property
    def elsewhere(self) -> float:
        return self.seconds - self.optimizer - sum([cost.seconds for cost in self.ops.values()])

    # ---- what is told -------------------------------------------------------------------------------------------
    def module(self, module: Any, run: Run) -> Any:
        with self._running.inside(module) as path:
            self.modules.setdefault(path, Cost()).calls += 1
            return run()

    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        out, seconds = self._timed(run)
        given = [memory_of(x) for x in arrays_in(arrays)]
        made = sum([memory.nbytes for memory in map(memory_of, arrays_in(out)) if not any([memory is x for x in given])])
        for cost in self._payers(op):
            cost.forward += seconds
            cost.made += made
        self.ops[op.__name__].calls += 1
        return out

    def recorded(self, node: Any) -> None:
        payers = self._born[node] = self._payers(node.op)
        for memory in kept_by(node):
            if self._counted.get(id(memory)) is not memory:
                self._counted[id(memory)] = memory
                for cost in payers:
                    cost.kept += memory.nbytes

    def backward(self, node: Any, i: int, g: Any, run: Run) -> Any:
        dx, seconds = self._timed(run)
        if node.op is result:                                   # one of several results of an op, which pays
            node = node.parents[0]
        for cost in self._born.get(node) or [self.ops.setdefault(node.op.__name__, Cost())]:
            cost.backward += seconds
        return dx

    def step(self, optimizer: Any, run: Run) -> Any:
        out, seconds = self._timed(run)
        self.optimizer += seconds
        return out

    def _timed(self, run: Run) -> tuple[Any, float]:
        """What run() returns, and its seconds, without those of the ops within."""
        self._within.append(0.0)
        start = time.perf_counter()
        try:
            out = run()
            for x in arrays_in(out):
                backend.wait_for(x)
        finally:
            seconds, within = time.perf_counter() - start, self._within.pop()
            if self._within:
                self._within[-1] += seconds
        return out, seconds - within

    def _payers(self, op: Any) -> list[Cost]:
        """The op, and the modules that it runs in.  (A module that calls itself pays once.)"""
        return [self.ops.setdefault(op.__name__, Cost()), *[self.modules[path] for path in dict.fromkeys(self._running.paths)]]

    # ---- what is shown ------------------------------------------------------------------------------------------
    def __str__(self) -> str:
        """Two tables, of ops and of modules."""
        return "\n".join(list(self._lines()))

    __repr__ = __str__

    def _lines(self) -> Iterator[str]:
        whole = self.seconds
        elsewhere = whole - self.optimizer - sum([cost.seconds for cost in self.ops.values()])
        yield from table("op", slowest_first(self.ops), whole)
        yield (f"all: {whole * 1e3:.3f} ms, of which the optimizer took {self.optimizer * 1e3:.3f} ms "
               f"({share(self.optimizer, whole)}), and {elsewhere * 1e3:.3f} ms ({share(elsewhere, whole)}) were neither there nor "
               "in an op")
        if self.modules:
            yield ""
            around = {path: [each for each in self.modules if path.startswith(each + ".")] for path in self.modules}
            indented = {"  " * len(around[path]) + path: cost for path, cost in self.modules.items()}
            yield from table("module, with what is in it", indented, whole)
        if said := slow_products():
            yield f"WARNING: {said}"


def table(title: str, costs: dict[str, Cost], whole: float) -> Iterator[str]:
    width = max([len(title), *map(len, costs)])
    yield f"{title:<{width}}  calls  forward ms  backward ms  share      made      kept"
    for name, cost in costs.items():
        yield (f"{name:<{width}}  {cost.calls:5}  {cost.forward * 1e3:10.3f}  {cost.backward * 1e3:11.3f}  "
               f"{share(cost.seconds, whole):>5}  {size(cost.made):>8}  {size(cost.kept):>8}")


def slowest_first(costs: dict[str, Cost]) -> dict[str, Cost]:
    return dict(sorted(costs.items(), key=lambda each: -each[1].seconds))


def share(seconds: float, whole: float) -> str:
    return f"{seconds / whole if whole else 0.0:.1%}"


def size(bytes: int) -> str:
    if bytes < 1000:
        return f"{bytes} B" if bytes else "-"
    return f"{bytes / 2**10:.1f} kB" if bytes < 2**20 / 10 else f"{bytes / 2**20:.2f} MB"


# ---- memory -----------------------------------------------------------------------------------------------------
def arrays_in(x: Any) -> list[Any]:
    """The arrays in what a `forward` or a derivative returned."""
    if type(x) is Kept:
        x = x.out
    if type(x) in (tuple, list):
        return [array for each in x for array in arrays_in(each)]
    return [x.array] if hasattr(x, "array") else [x] if type(x) in backend.array_types else []


def kept_by(node: Any) -> Iterator[Any]:
    """The memory that a node keeps alive and that no leaf has."""
    for key, value in node.kept.items():
        if key in node.op.operands:
            if value is None:                                   # it may be left out, and was
                continue
            parents = node.parents if node.op.variadic else [node.parents[node.op.operands.index(key)]]
            values = value if node.op.variadic else [value]
            value = [x for x, parent in zip(values, parents) if parent is not None and parent.op is not None]
        elif key == "zeros":                                    # stretched: a number each
            continue
        elif type(value) is Results:
            value = value.each
        yield from map(memory_of, arrays_in(value))


def memory_of(array: Any) -> Any:
    """The array that an array is a view of, or itself."""
    while type(base := getattr(array, "base", None)) in backend.array_types:
        array = base
    return array
