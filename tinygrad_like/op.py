"""Ops, which know their derivatives, and the record that they leave: the forward half of backpropagation.

An `Op` is a function together with its derivatives.  Applying one to a Tensor leaves a `Node` behind: where the operands came
from, and what the derivatives will ask for.  `autograd.py` is the other half, which walks the record backwards.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from . import backend, edits, errors
from .backend import array_types
from .grad_mode import grad_mode
from .promotion import float32, float64, on_one_device, promoted
from .watch import told, watched, watchers

if TYPE_CHECKING:
    from .tensor import Tensor
else:
    Tensor = type(None)                                         # until tensor.py says what results are wrapped in
new: Callable[[Any], Any] = object.__new__

OPERAND, OUT, SHAPE, PARAM, SHAPES, HANDED = range(6)           # what a node can keep


class Node:
    """One application of an op: its parents, and what the op's derivatives asked to keep, by name.

    Nodes are numbered as they are born.  An op can only use what exists already, so a node is younger than its parents,
    and youngest-first is a valid order to walk backwards in.  A node without an op is a leaf: gradients end there.
    """
    __slots__ = ("op", "parents", "kept", "shape", "dtype", "birth", "grad", "retains", "hooks", "__weakref__")

    op: Any                                                     # None for a leaf
    parents: list[Node | None]                                  # None where no gradient is wanted
    kept: Any                                                   # {name: value}; None once it is freed
    grad: Any                                                   # dL/d(this), where it is gathered
    retains: bool
    hooks: dict[int, Callable[..., Any]] | None

    def __init__(self, op: type[Op] | None, parents: list[Node | None], kept: dict[str, Any] | None, out: Any) -> None:
        self.op, self.parents, self.kept = op, parents, kept
        self.shape, self.dtype = out.shape, out.dtype
        self.birth = next(edits.clock)
        self.grad = self.hooks = None
        self.retains = False

    def __repr__(self) -> str:
        of = self.parents[0].op if self.op is result and self.parents[0] is not None else self.op
        return f"<{'leaf' if of is None else of.__name__}>"


class Op:
    """A function of arrays that knows its own derivatives.  A subclass is a namespace, never an instance:

        class mul(Op):
            def forward(x, y): return x * y
            def dx(g, y): return g * y              # dL/dx, given g = dL/dout
            def dy(g, x): return g * x

    `mul(a, b)` on plain arrays returns a plain array.  If an operand is a Tensor it returns a Tensor, and if that Tensor
    wants gradients it leaves a Node behind.  A derivative names what it needs, and only that is kept alive:

        x, y …    an operand (a positional parameter of `forward`); the derivative by operand x is called dx
        axis …    a keyword parameter of `forward`
        out       the result
        shape     the shape of the operand that it differentiates;  `shapes` those of all operands
        i         in an op of any number of operands, `forward(*xs)` with `dxs(g, i, …)`: which of them it differentiates
        other     any other function of the class: an intermediate, which asks by name in its turn (for g too).  It is
                  computed once a visit, and shared.  `forward` may hand it over: `return Kept(out, other=…)`

    Derivatives run on arrays in an ordinary backward pass, and on Tensors under `create_graph`, where they record
    themselves: so they use only what means the same on both (operators, indexing, .shape .ndim .dtype .reshape .swapaxes
    .sum(axis, keepdims), and other ops), and never write into what they are given.  An op whose fast derivatives cannot
    take Tensors gives `plain`, the same function composed of other ops: `create_graph` differentiates that.  An op with
    several results returns a tuple from `forward`, and its derivatives receive a tuple of gradients.
    """

    forward: Callable[..., Any]
    plain: Callable[..., Any] | None = None
    integers = True                # may compute with integers; False: they become the default float type first

    # what is read off the signatures, once, at the definition of a subclass
    operands: list[str]
    params: dict[str, Any]         # name of a keyword parameter: its default
    variadic: bool
    optional: int                  # how many operands may be left out, and are None then
    intermediates: dict[str, Callable[..., Any]]
    asks: dict[str, tuple[str, ...]]                            # name of a function: what it asks for
    derivatives: list[tuple[Callable[..., Any] | None, tuple[str, ...]]]
    differentiable: bool
    direct: bool                   # nothing to compute at a visit: what the derivatives ask for is there as kept
    _plans: dict[int, list[tuple[str, Any, Any]]]

    def __init_subclass__(op) -> None:
        if not hasattr(op, "forward"):
            raise TypeError(f"{op.__name__} has no forward: an Op is forward(x, …), and a derivative dx(g, …) for each operand x")
        signature = inspect.signature(op.forward)
        names = list(signature.parameters.values())
        op.operands = [p.name for p in names if p.kind is not p.KEYWORD_ONLY]
        op.params = {p.name: p.default for p in names if p.kind is p.KEYWORD_ONLY}
        op.variadic = any(p.kind is p.VAR_POSITIONAL for p in names)
        if any([p.kind is p.VAR_KEYWORD for p in names]):
            raise TypeError(f"{op.__name__}.forward takes **{names[-1].name}: name its parameters one by one, after a *")
        if reserved := {"g", "out", "shape", "shapes", "i"} & {p.name for p in names}:
            raise TypeError(f"{op.__name__}.forward may not call a parameter {reserved.pop()!r}: "
                            "derivatives ask for something else under that name")
        op.optional = 0 if op.variadic else sum([p.default is not p.empty for p in names if p.kind is not p.KEYWORD_ONLY])
        functions = {name: getattr(op, name) for base in reversed(op.__mro__[:-2]) for name, f in vars(base).items()
                     if inspect.isfunction(f) or isinstance(f, staticmethod)}
        own = {"forward", "plain"} | {"d" + name for name in op.operands}
        if stray := [f for f in functions if f[:1] == "d" and f not in own and f[1:] in op.params]:
            raise TypeError(f"{op.__name__}.{stray[0]}: {stray[0][1:]!r} is a keyword parameter of forward, not an operand")
        op.intermediates = {name: f for name, f in functions.items() if name not in own and name[:2] != "__"}
        op.asks = {name: op._asks(name) for name in {*op.intermediates, *(own & functions.keys())} - {"forward", "plain"}}
        asked = {ask for asks in op.asks.values() for ask in asks}
        if stray := [name for name in op.intermediates if name[:1] == "d" and name not in asked]:
            raise TypeError(f"{op.__name__}.{stray[0]}: forward has no operand {stray[0][1:]!r}, only {', '.join(op.operands)}; "
                            "and if it is an intermediate, nothing asks for it")
        op.derivatives = [(functions.get("d" + name), op.asks.get("d" + name, ())) for name in op.operands]
        op.differentiable = any(d for d, _ in op.derivatives) or "plain" in functions
        op.direct = not (op.intermediates or op.variadic)
        op._plans = {}

    @classmethod
    def _asks(op, name: str) -> tuple[str, ...]:
        """The keys under which a visit finds what the function `name` asks for, `g` left out."""
        asked = list(inspect.signature(getattr(op, name)).parameters)
        known = {*op.operands, *op.params, *op.intermediates, "out", "shapes", *["g"] * (name in op.intermediates),
                 *["shape"] * (name[1:] in op.operands), *["i"] * op.variadic}
        if name not in op.intermediates:
            if asked[:1] != ["g"]:
                raise TypeError(f"{op.__name__}.{name}: the first parameter of a derivative is g, the gradient of the result")
            asked = asked[1:]
        for ask in asked:
            if ask not in known:
                raise TypeError(f"{op.__name__}.{name} asks for {ask!r}, which forward does not know; "
                                f"it can ask for {', '.join(sorted(known))}")
        return tuple([f"{name[1:]}.shape" if ask == "shape" else ask for ask in asked])

    @classmethod
    def _plan(op, tracked: int) -> list[tuple[str, Any, Any]]:
        """What must stay alive, given which operands want gradients: (key, what it is, which one or its default)."""
        wanted: set[str] = set()
        reading: list[str] = []
        for i in range(tracked.bit_length()):
            if tracked >> i & 1:
                derivative, asks = op.derivatives[0 if op.variadic else i]
                if derivative is None and op.plain is None:
                    raise TypeError(f"{op.__name__} is not differentiable in {op.operands[i]!r}: detach() it first"
                                    f", or give {op.__name__} a derivative d{op.operands[i]}")
                reading += asks
        while reading:                                          # intermediates ask in their turn
            ask = reading.pop()
            if ask not in wanted and ask != "g":
                wanted.add(ask)
                reading += op.asks[ask] if ask in op.intermediates else ()
        if op.plain is not None:
            wanted |= {*op.operands, *op.params}
        plan: list[tuple[str, Any, Any]] = []
        for key in sorted(wanted):
            operand = key.removesuffix(".shape")
            if operand in op.operands:
                which = slice(None) if op.variadic else op.operands.index(operand)
                plan.append((key, OPERAND if key == operand else SHAPE, which))
            elif key in op.params:
                plan.append((key, PARAM, op.params[key]))
            elif key in op.intermediates:
                plan.append((key, HANDED, None))
            elif key in ("out", "shapes"):
                plan.append((key, OUT if key == "out" else SHAPES, None))
        op._plans[tracked] = plan
        return plan

    def __new__(op, *operands: Any, **params: Any) -> Any:
        arrays, parents = [], []
        tracked, bit, dtype, plain_floats = 0, 1, None, True    # `tracked` has a bit for each operand that wants a gradient
        for x in operands:
            if isinstance(x, Tensor):
                node, x = x.node, x.array
                if x.dtype is not dtype:
                    if dtype is not None:
                        plain_floats = False
                    dtype = x.dtype
                if node is not None:
                    tracked |= bit
                parents.append(node)
            else:
                if type(x) is not float and type(x) is not int:
                    plain_floats = False
                parents.append(None)
            arrays.append(x)
            bit += bit
        if op.optional:
            arrays += [None] * (len(op.operands) - len(arrays))
        if dtype is None:                                       # arrays in, array out
            out = op.forward(*operands, **params)
            return out.out if type(out) is Kept else out
        if not (plain_floats and (dtype is float32 or dtype is float64)):
            try:
                arrays = promoted(arrays, op)
            except errors.DeviceMismatch as error:
                return op(*on_one_device(operands, error), **params)
        if params:
            params = {name: raw(value) for name, value in params.items()}
        try:
            out = op.forward(*arrays, **params) if not watchers else watched(
                "forward", op, arrays, params, lambda: op.forward(*arrays, **params))
        except Exception as error:
            explained = errors.explain(op, arrays, params, error)
            if isinstance(explained, errors.DeviceMismatch):
                return op(*on_one_device(operands, explained), **params)
            raise explained from error

        handed: Any = ()
        if type(out) not in array_types:
            if type(out) is Kept:
                out, handed = out.out, out.intermediates
            if type(out) is tuple:
                out = Results([backend.asarray(x, arrays) for x in out])
            else:
                out = backend.asarray(out, arrays)              # NumPy makes 0-d results scalars
        if not tracked or not op.differentiable or not grad_mode.enabled:
            return wrap(out)

        plan = op._plans.get(tracked)
        kept = {}
        for key, keep, which in op._plan(tracked) if plan is None else plan:
            if keep is OPERAND:
                kept[key] = arrays[which]
            elif keep is OUT:
                kept[key] = out
            elif keep is SHAPE:
                kept[key] = arrays[which].shape
            elif keep is PARAM:
                kept[key] = params.get(key, which)
            elif keep is SHAPES:
                kept[key] = tuple([x.shape for x in arrays])
            elif key in handed:
                kept[key] = handed[key]
        if type(out) is Results:
            kept["zeros"] = tuple([backend.stretched_zero(x) for x in out.each])
        node = Node(op, parents, kept, out)
        if watchers:
            told("recorded", node)
        return wrap(out, node)


class Kept:
    """What a `forward` returns to hand intermediates over with its result: `return Kept(out, mean=mean)`."""
    __slots__ = ("out", "intermediates")

    def __init__(self, out: Any, **intermediates: Any) -> None:
        self.out, self.intermediates = out, intermediates


class Results:
    """The results of an op that has several, as one thing to have a node."""
    __slots__ = ("each",)
    shape = dtype = None

    def __init__(self, each: Iterable[Any]) -> None:
        self.each = tuple(each)


class Slots:
    """The gradients of several results, by number, as one thing to add up.  Where none arrived there is none."""
    __slots__ = ("each",)
    shape = dtype = None

    def __init__(self, index: int, g: Any) -> None:
        self.each = {index: g}

    def __add__(self, other: Slots) -> Slots:                   # in place, as only the sweep holds them: n results take n steps
        for index, g in other.each.items():
            self.each[index] = self.each[index] + g if index in self.each else g
        return self


class result(Op):
    """out = results[index], of an op that has several; its gradient is one slot of theirs"""
    def forward(results, *, index): return results.each[index]
    def dresults(g, index): return Slots(index, g)


def wrap(out: Any, node: Node | None = None) -> Any:
    """The Tensor around what an op computed; for several results, a tuple of them."""
    if type(out) is Results:
        return tuple([wrap(array, node and Node(result, [node], {"index": i}, array))
                      for i, array in enumerate(out.each)])
    tensor = new(Tensor)
    tensor.array, tensor.node = out, node
    return tensor


def raw(x: Any) -> Any:
    """The plain array inside a Tensor; anything else as it is."""
    return x.array if isinstance(x, Tensor) else x
