"""Where the first NaN or infinity comes from: `with trace_nonfinite(): …`."""
from __future__ import annotations

import linecache
import math
import os
import sys
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import backend, edits
from ..backend import array_types
from ..nn.module import as_code
from ..op import Kept, Slots
from ..watch import Run, Watcher
from .causes import FROM_CONSTANT, FROM_OUTSIDE, LARGE, LOGS, SMALLER, usual
from .modules import Running

__all__ = ["trace_nonfinite", "NonFinite"]

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


# ---- what is found ----------------------------------------------------------------------------------------------
@dataclass
class Source:
    """A line of the user's."""
    file: str
    line: int

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        near = os.path.relpath(self.file) if self.file.startswith(os.getcwd() + os.sep) else self.file
        return f"{near}, line {self.line}" + (f": {self.text}" if self.text else "")


@dataclass
class Origin:
    """How a number that is not finite came into being."""
    phase: str                                                  # "forward", "backward", "step", "edit" (of a parameter), "given"
    op: str                                                     # or the kind of the optimizer
    what: str                                                   # in words
    module: str = ""                                            # the path of the module that it ran in
    source: Source | None = None                                # the user's line
    inputs: list[str] = field(default_factory=list)             # what went in: names, shapes, ranges
    index: tuple[int, ...] = ()                                 # the first offending place
    value: float = math.nan                                     # what stands there
    shape: tuple[int, ...] = ()
    cause: str = ""
    cure: str = ""

    def lines(self) -> Iterator[str]:
        yield self.what
        if self.module:
            yield f"    in {self.module}"
        if self.source is not None:
            yield f"    {self.source}"
        for line in self.inputs:
            yield f"    {line}"


class NonFinite(FloatingPointError):
    """What `trace_nonfinite` raises: its text tells all, and `origin` has it piece by piece."""

    def __init__(self, origin: Origin, *then: str) -> None:
        super().__init__(origin, *then)
        self.origin, self.then = origin, then

    def __str__(self) -> str:
        lines = list(self.origin.lines())
        lines += [f"  {each}" for each in self.then]
        if self.origin.cause:
            lines.append(f"why: {self.origin.cause}")
        if self.origin.cure:
            lines.append(f"fix: {self.origin.cure}")
        return "\n".join(lines)


# ---- the watcher ------------------------------------------------------------------------------------------------
class trace_nonfinite(Watcher):
    """Inside, the op that makes the first NaN or infinity raises NonFinite, which says where, of what, why, and what to do.

        with trace_nonfinite():
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()

    It tells the op that made it from those that passed it on, forward and backward: with its module, the line of the program, the
    ranges of what went in, and the first offending place.

    A NaN is told as soon as an op makes it.  An infinity is a fault only when it does harm: when a NaN comes of it, when it
    reaches what `backward` starts from, a gradient or a parameter, or is a result at the end of the block.  So masks of -inf, and
    what becomes 0 again, as in 1 / (1 + exp(-x)), go through; and where harm is done, the op is told that made the infinity.  What
    was not finite before, as missing values in the data, is a fault when it gets so far.

    Every op is looked at, which takes time and on a GPU waits for each; outside of the block nothing is.
    """

    def __enter__(self) -> trace_nonfinite:
        self._running = Running()
        self._roots: weakref.WeakSet[Any] = weakref.WeakSet()   # modules that were called from outside of any
        self._of_array: dict[int, tuple[Any, Origin]] = {}      # id of an array that is not finite: weak reference, origin
        self._unused: set[int] = set()                          # those that no op has taken up
        self._of_node: weakref.WeakKeyDictionary[Any, Origin] = weakref.WeakKeyDictionary()
        self._places: weakref.WeakKeyDictionary[Any, tuple[str, Source | None]] = weakref.WeakKeyDictionary()
        self._reached: weakref.WeakSet[Any] = weakref.WeakSet()         # nodes that a gradient has come to
        self._made: list[Origin] = []                           # infinities, in order
        self._last: Origin | None = None                        # of the op that just ran
        self._differentiating = 0
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if error[0] is None:
            for key in sorted(self._unused & set(self._of_array)):
                reference, origin = self._of_array[key]
                if reference() is not None and origin.phase == "forward" and not masks(origin):
                    raise NonFinite(origin, "nothing has taken it up: it is a result, at the end of the block")

    # ---- what is told -------------------------------------------------------------------------------------------
    def module(self, module: Any, run: Run) -> Any:
        if not self._running.modules:
            self._roots.add(module)
        with self._running.inside(module):
            return run()

    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        out = run()
        if self._differentiating:                               # part of a derivative, which is looked at as a whole
            return out
        out = settled(out, arrays)
        self._last = None
        given = [(name, x) for name, x in named_operands(op, arrays) if not finite(x)]
        given += [(name, x) for name, x in params.items() if isinstance(x, float) and not finite(x) or type(x) in array_types
                  and not finite(x)]
        origins = [self._origin_of(op, name, x) for name, x in given]
        for result in arrays_in(out):
            if finite(result):
                continue
            nan = has_nan(result)
            if nan and not any(has_nan(x) for _, x in given):
                raise self._nan(op, arrays, result, origins)
            if origins and not (op.__name__ == "cross_entropy" and all(origin.phase == "given" for origin in origins)):
                origin = next((o for o, (_, x) in zip(origins, given) if has_nan(x)), origins[0]) if nan else origins[0]
            else:                                               # a loss takes masks, and makes an infinity of its own of them
                origin = self._forward_origin(op, arrays, result, ~xp(result).isfinite(result))
                self._made.append(origin)
            self._of_array[id(result)] = weakref.ref(result), origin
            self._unused.add(id(result))
            self._last = origin
        return out

    def recorded(self, node: Any) -> None:
        self._places[node] = self._path(), user_line()
        if self._last is not None:
            self._of_node[node] = self._last

    def backward(self, node: Any, i: int, g: Any, run: Run) -> Any:
        gradients = arrays_in(g)
        if node not in self._reached:                           # a sweep starts here
            if (origin := self._of_node.get(node)) is not None:
                place = self._places.get(node, ("", None))[1]
                raise NonFinite(origin, f"it reached the result of {name_of(node)}, from which backward() starts" + (
                    f": {place}" if place else ""))
            if not all(map(finite, gradients)):
                what = "the gradient that backward() was given is not finite"
                raise NonFinite(Origin("given", name_of(node), what, "", user_line(), [described("g", x) for x in gradients],
                                       cause=FROM_OUTSIDE[0], cure=FROM_OUTSIDE[1]))
        elif not all(map(finite, gradients)):                   # each that came was finite
            path, source = self._places.get(node, ("", None))
            raise NonFinite(Origin(
                "backward", name_of(node), f"the gradients that met at the result of {name_of(node)} have a sum that is not finite",
                path, source, [described("g", x) for x in gradients], cause=LARGE, cure=SMALLER))
        self._differentiating += 1
        try:
            dx = run()
        finally:
            self._differentiating -= 1
        if node.parents[i] is not None:
            self._reached.add(node.parents[i])
        for result in arrays_in(dx):
            if not finite(result):
                raise self._bad_derivative(node, i, gradients, result)
        return dx

    def step(self, optimizer: Any, run: Run) -> Any:
        name = type(optimizer).__name__
        params = [(self._name_of(p.array) or f"parameter {k}", p) for k, p in enumerate(
            [p for group in optimizer.param_groups for p in group["params"]])]
        rates = ", ".join([f"{group['lr']:g}" for group in optimizer.param_groups if isinstance(group.get("lr"), (int, float))])
        for which, p in params:
            if p.grad is not None and not finite(p.grad.array):
                raise self._bad_parameter("given", name, p.grad.array,
                                          f"{name} is about to make a step, and the gradient of {which}",
                                          [described("gradient", p.grad.array), described(which, p.array)],
                                          "gradients of several passes added up past the largest number, were changed by hand, or "
                                          "come from before the block", "put the block around backward() too, and call "
                                          "optimizer.zero_grad() before it")
        before = {which for which, p in params if finite(p.array)}
        went_in = {which: [described("gradient", p.grad.array)] for which, p in params if p.grad is not None}
        out = run()
        for which, p in params:
            if which in before and not finite(p.array):
                raise self._bad_parameter("step", name, p.array,
                                          f"{name} made the first NaN or infinity, by a step with lr {rates}: {which}",
                                          [*went_in.get(which, []), described(which, p.array)], LARGE, SMALLER)
        return out

    # ---- what is found ------------------------------------------------------------------------------------------
    def _path(self) -> str:
        return as_code(self._running.path)

    def _bad_parameter(self, phase: str, op: str, x: Any, what: str, inputs: list[str], cause: str, cure: str) -> NonFinite:
        index, value = first_place(x, ~xp(x).isfinite(x))
        return NonFinite(Origin(phase, op, f"{what} is {value} at index {index}", "", user_line(), inputs, index, value,
                                tuple(x.shape), cause, cure))

    def _forward_origin(self, op: Any, arrays: list[Any], result: Any, bad: Any, infinite: bool = False) -> Origin:
        index, value = first_place(result, bad)
        operands = named_operands(op, arrays)
        values = values_at(op, [x for _, x in operands], index, result.shape)
        cause, cure = usual("forward", op.__name__, values, value, infinite)
        what = f"{op.__name__} made the first NaN or infinity: {place(value, index, result, bad)}"
        return Origin("forward", op.__name__, what, self._path(), user_line(), inputs(operands, values), index, value,
                      tuple(result.shape), cause, cure)

    def _nan(self, op: Any, arrays: list[Any], result: Any, origins: list[Origin]) -> NonFinite:
        """An op made NaN of numbers, or of infinities: then it is told where those came from."""
        bad = xp(result).isnan(result)
        nan = self._forward_origin(op, arrays, result, bad, bool(origins))
        return after(origins, nan, f"{op.__name__}" + (f" in {nan.module}" if nan.module else ""))

    def _origin_of(self, op: Any, operand: str, x: Any) -> Origin:
        """Where a number that is not finite, and that an op was given, came from."""
        known = self._of_array.get(id(x))
        if known is not None and known[0]() is x:
            self._unused.discard(id(x))
            return known[1]
        if type(x) not in array_types:
            return Origin("given", op.__name__, f"the {operand} of {op.__name__} is {x}, as it was written", self._path(),
                          user_line(), value=x, cause=FROM_CONSTANT[0], cure=FROM_CONSTANT[1])
        for origin in reversed(self._made):                     # written into memory by an edit in place
            if origin.shape == x.shape and origin.phase == "forward":
                return origin
        bad = xp(x).isnan(x) if has_nan(x) else ~xp(x).isfinite(x)
        index, value = first_place(x, bad)
        own = self._name_of(x)
        edit = edits.last(x) if own else ""                     # of a parameter; a mask is edited as a matter of course
        cause, cure = FROM_OUTSIDE if not edit else (f"it was changed in place by {edit}.  {LARGE[0].upper()}{LARGE[1:]}", SMALLER)
        what = f"the {operand} that {op.__name__} was given" + (f", which is {own}," if own else "")
        what += f" was not finite before: {place(value, index, x, bad, '')}"
        origin = Origin("edit" if edit else "given", op.__name__, what, self._path(), user_line(),
                        [described(own or operand, x)], index, value, tuple(x.shape), cause, cure)
        self._of_array[id(x)] = weakref.ref(x), origin
        return origin

    def _name_of(self, array: Any) -> str:
        """The name of a parameter or buffer of a network that was called."""
        for root in self._roots:
            for name, tensor in [*root.named_parameters(), *root.named_buffers()]:
                if tensor.array is array:
                    return f"{type(root).__name__}.{name}"
        return ""

    def _bad_derivative(self, node: Any, i: int, gradients: list[Any], dx: Any) -> NonFinite:
        op, name = node.op, node.op.__name__
        bad = xp(dx).isnan(dx) if has_nan(dx) else ~xp(dx).isfinite(dx)
        index, value = first_place(dx, bad)
        kept = [(key, x) for key, x in (node.kept or {}).items() if key in (*op.operands, "out") and type(x) in array_types]
        operands = [("g", x) for x in gradients] + kept
        values = values_at(op, [x for _, x in operands], index, dx.shape)
        shown = inputs(operands, values)
        known = dict(zip([key for key, _ in operands], values or []))
        if "out" in known and op.operands[0] not in known and name in ("sqrt", "rsqrt", "exp") and values:     # kept instead of x
            known[op.operands[0]] = known["out"] if name == "sqrt" else 1.0
        cause, cure = usual("backward", name, [known["g"], *[known[key] for key in op.operands if key in known]] if "g" in known
                            and values else None, value, not all(finite(x) for _, x in kept))
        operand = op.operands[0 if op.variadic else i]
        path, source = self._places.get(node, ("", None))
        origin = Origin("backward", name, f"the derivative of {name} by {operand} made the first NaN or infinity: "
                        f"{place(value, index, dx, bad, 'gradient')}, backward", path, source, shown, index, value,
                        tuple(dx.shape), cause, cure)
        known_of = [self._of_array[id(x)] for _, x in kept if id(x) in self._of_array]
        return after([each for _, each in known_of], origin, f"the derivative of {name} by {operand}")


def after(origins: list[Origin], nan: Origin, who: str) -> NonFinite:
    """An op made NaN of numbers, or of infinities: then the op that made those is told, and what was written so is said as well."""
    made = next((origin for origin in origins if origin.phase != "given"), None)
    if made is not None:
        where = f" at index {nan.index}" if nan.index else ""
        return NonFinite(made, f"{who} then made {nan.value} of it{where}: {nan.source}" + (
            "" if nan.cause == made.cause else f"\n  ({nan.cause})"))
    return NonFinite(nan, *["; ".join([line.strip() for line in origin.lines()]) for origin in origins[:1]])


def masks(origin: Origin) -> bool:
    """Whether an infinity looks meant: the logarithm of 0, which is what a mask of zeros and ones becomes."""
    return origin.value == -math.inf and origin.op in (*LOGS.split(), "logsumexp", "log_softmax", "logsigmoid", "xlogy", "log1p",
                                                       "logcumsumexp")


# ---- looking at numbers -----------------------------------------------------------------------------------------
xp = backend.xp


def arrays_in(x: Any) -> list[Any]:
    """The arrays of numbers with a fraction in what a `forward` or a derivative returned, or was given."""
    if type(x) is Kept:
        x = x.out
    if type(x) is Slots:
        x = list(x.each.values())
    if type(x) in (tuple, list):
        return [array for each in x for array in arrays_in(each)]
    x = getattr(x, "array", x)
    return [x] if type(x) in array_types and x.dtype.kind in "fc" else []


def settled(out: Any, arrays: list[Any]) -> Any:
    """What a `forward` returned, with arrays in the place of NumPy's scalars: the same that the Tensor will hold."""
    if type(out) is Kept:
        out.out = settled(out.out, arrays)
        return out
    if type(out) is tuple:
        return tuple([backend.asarray(x, arrays) for x in out])
    return backend.asarray(out, [x for x in arrays if type(x) in array_types])


def finite(x: Any) -> bool:
    if isinstance(x, float):
        return math.isfinite(x)
    return type(x) not in array_types or x.dtype.kind not in "fc" or bool(xp(x).isfinite(x).all())


def has_nan(x: Any) -> bool:
    return x != x if isinstance(x, float) else bool(xp(x).isnan(x).any())


def first_place(x: Any, bad: Any) -> tuple[tuple[int, ...], float]:
    """The index of the first place where `bad` is true, and what stands in x there."""
    index = tuple([int(k) for k in backend.host.unravel_index(int(bad.argmax()), bad.shape)])
    return index, number(x[index])


def number(x: Any) -> float:
    x = x.item()
    return float(abs(x)) if isinstance(x, complex) else float(x)


def named_operands(op: Any, arrays: list[Any]) -> list[tuple[str, Any]]:
    if op.variadic:
        return [(f"{op.operands[0]}[{k}]", x) for k, x in enumerate(arrays)]
    return list(zip(op.operands, arrays))


def values_at(op: Any, operands: list[Any], index: tuple[int, ...], shape: tuple[int, ...]) -> list[float] | None:
    """The operands of an elementwise op at the place of its result."""
    if not op.__module__.endswith((".elementwise", ".activation")):
        return None
    values = []
    for x in operands:
        if type(x) in array_types:
            try:
                x = number(xp(x).broadcast_to(x, shape)[index])
            except ValueError:
                return None
        values.append(x)
    return values


def inputs(operands: list[tuple[str, Any]], values: list[float] | None) -> list[str]:
    at: list[float | None] = [*values] if values else [None] * len(operands)
    return [described(name, x) + (f"; there {value:.6g}" if value is not None and getattr(x, "size", 1) != 1 else "")
            for (name, x), value in zip(operands, at) if x is not None]


def described(name: str, x: Any) -> str:
    """A line about an array: its shape, type and range."""
    if type(x) not in array_types:
        return f"{name} = {x!r}"
    head = f"{name} {tuple(x.shape)} {x.dtype}: "
    if not x.size:
        return head + "empty"
    if x.dtype.kind not in "fc":
        return head + f"{x.min()} … {x.max()}"
    x = abs(x) if x.dtype.kind == "c" else x
    well = x[xp(x).isfinite(x)]
    parts = [f"{number(well.min()):.6g} … {number(well.max()):.6g}"] if well.size and well.size > 1 and x.size > 1 else [
        f"{number(well[0]):.6g}"] if well.size else []
    parts += [f"{n} of {x.size} {what}" for n, what in ((int(xp(x).isnan(x).sum()), "NaN"), (int((x == math.inf).sum()), "inf"),
                                                        (int((x == -math.inf).sum()), "-inf")) if n]
    return head + ", ".join(parts)


def place(value: float, index: tuple[int, ...], x: Any, bad: Any, what: str = "result") -> str:
    where = f" at index {index} of the {what} of shape {tuple(x.shape)}" if what else f" at index {index} of shape {tuple(x.shape)}"
    return f"{value}{where if x.ndim else ''}" + (f", {int(bad.sum())} of its {x.size} numbers" if x.size > 1 else "")


# ---- places in the program --------------------------------------------------------------------------------------
def user_line() -> Source | None:
    """The innermost line that runs outside of this package."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back                                    # type: ignore[assignment]
    return None if frame is None else Source(frame.f_code.co_filename, frame.f_lineno)


def name_of(node: Any) -> str:
    of = node.parents[0].op if node.op.__name__ == "result" and node.parents[0] is not None else node.op
    return str(of.__name__)
