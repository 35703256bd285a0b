"""Reverse-mode differentiation: ops that know their derivatives, and the sweep that walks the record backwards.

The chain rule (SPEC F-09) is the whole of it.  For L = f(h), h = h(x):

    dL/dx  =  dL/dh · dh/dx          written here as     dx = op.dx(g, ...)      with g = dL/dh

An `Op` is a function together with its derivatives.  Applying one to a Tensor leaves a `Node` behind: where the
operands came from, and what the derivatives will ask for.  `sweep` starts at the loss with g = 1, visits the nodes from
the youngest to the oldest, hands each its g, and passes what its derivatives answer on to its parents.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from . import backend, edits, errors
from .backend import array_types
from .grad_mode import (
    enable_grad as enable_grad,
    grad_mode,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .promotion import float32, float64, promoted

if TYPE_CHECKING:
    from .tensor import Tensor

OPERAND, OUT, SHAPE, PARAM, SHAPES, HANDED = range(6)           # what a node can keep
LIGHT = {tuple, int, float, bool, str, type(None)}              # shapes, axes and the like: nothing to free


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
            arrays = promoted(arrays, op)
        if params:
            params = {name: raw(value) for name, value in params.items()}
        try:
            out = op.forward(*arrays, **params)
        except Exception as error:
            raise errors.explain(op, arrays, params, error) from error

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
        return wrap(out, Node(op, parents, kept, out))


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


# ---- the sweep --------------------------------------------------------------------------------------------------
class Visit(dict):
    """What one visit of the sweep to a node knows, by name: what the node kept, and intermediates when first asked for.

    Under `create_graph` the operands and the result are Tensors again, tied to the nodes that they had, and what
    `forward` handed over is forgotten: as a constant it would hide its own dependence on the operands.
    """

    def __init__(self, node: Node, g: Any, create_graph: bool) -> None:
        super().__init__(node.kept, g=g)
        self.op = op = node.op
        if create_graph:
            for key, value in node.kept.items():
                if key in op.intermediates:
                    del self[key]
                elif key == "out":
                    self[key] = wrap(value, node)
                elif key == op.operands[0] and op.variadic:
                    self[key] = [wrap(x, parent) if type(x) in array_types else x for x, parent in zip(value, node.parents)]
                elif type(value) in array_types:
                    self[key] = wrap(value, node.parents[op.operands.index(key)] if key in op.operands else None)

    def __missing__(self, name: str) -> Any:
        self[name] = value = getattr(self.op, name)(*[self[ask] for ask in self.op.asks[name]])
        return value


def sweep(outputs: list[tuple[Node, Any]], targets: set[Node] | None = None, create_graph: bool = False,
          retain_graph: bool = False) -> dict[Node, Any]:
    """Send each g of [(node, g), …] back through the history of its node.

    Returns {node: dL/dnode} for the targets that were reached; without targets, for every leaf, and for the nodes whose
    gradient is to be retained.  Gradients are arrays, or under `create_graph` Tensors.  Nothing in it is shared with
    anybody: the caller owns what is returned.
    """
    backend.prepare()
    useful = None if targets is None else leading_to(targets, outputs)
    grads: dict[Node, Any] = {}                                 # what has arrived at a node so far
    waiting: list[tuple[int, Node]] = []                        # the nodes where something has, the youngest first
    ours: set[Node] = set()                                     # where it is a sum made here, so the next may be in place
    found: dict[Node, Any] = {}

    def arrive(node: Node, g: Any) -> None:
        if node not in grads:
            grads[node] = g
            heappush(waiting, (-node.birth, node))
        elif node in ours and not create_graph:
            grads[node] += g
        else:
            grads[node] = grads[node] + g                       # not in place: others may hold what came first
            ours.add(node)

    with enable_grad() if create_graph else no_grad():
        for node, g in outputs:
            arrive(node, g)
        while waiting:
            node = heappop(waiting)[1]
            g = grads.pop(node)
            op = node.op
            if node.hooks is not None:
                g = call_hooks(node, g, create_graph)
                ours.discard(node)                              # a hook may hold on to what it got, or gave
            if (op is None or node.retains) if targets is None else node in targets:
                found[node] = g if node in ours else copied(g)
            if op is None or (useful is not None and useful.isdisjoint(node.parents)):
                continue                                        # a leaf, or nothing beyond is asked for
            if node.kept is None:
                raise errors.freed(op)
            if type(node.kept) is Forgotten:
                node.kept.remember()
            if type(g) is Slots:
                g = filled(g, node.kept["zeros"])               # type: ignore[index]
            if node.birth < edits.newest:
                edits.check(node)
            known: Any = node.kept if op.direct and not create_graph else Visit(node, g, create_graph)
            derivatives = op.derivatives
            if create_graph and op.plain is not None:
                derivatives = through_plain(node, known, g)
            elif op.variadic:
                derivatives = derivatives * len(node.parents)
            for i, parent in enumerate(node.parents):
                if parent is None or (useful is not None and parent not in useful):
                    continue
                derivative, asks = derivatives[i]
                if op.variadic:
                    known["i"] = i
                values = [known[ask] for ask in asks]
                dx = derivative(g, *values)
                try:
                    if dx.shape != parent.shape:
                        dx = sum_to(dx, parent.shape)
                    if dx.dtype != parent.dtype:
                        dx = dx.astype(parent.dtype)
                except (AttributeError, TypeError, ValueError) as error:
                    raise errors.bad_derivative(op, i, dx, g, parent.shape) from error
                if parent.op is None and parent not in grads and is_new(dx, g, values):
                    ours.add(parent)
                arrive(parent, dx)
            if not retain_graph:
                for value in node.kept.values():                # type: ignore[union-attr]
                    if type(value) not in LIGHT:
                        node.kept = None
                        break
    return found


class Forgotten:
    """Stands for what the nodes of a checkpointed function kept: `remember` runs it again and fills them in."""
    __slots__ = ("remember",)

    def __init__(self, remember: Callable[[], None]) -> None:
        self.remember = remember


def leading_to(targets: set[Node], outputs: list[tuple[Node, Any]]) -> set[Node]:
    """The nodes on the ways from the outputs to the targets, found without looking past the oldest target."""
    oldest = min([node.birth for node in targets], default=0)
    history = [node for node, _ in outputs]
    seen = set(history)
    for node in history:                                        # grows while we read it
        for parent in node.parents:
            if parent is not None and parent.birth >= oldest and parent not in seen:
                seen.add(parent)
                history.append(parent)
    useful: set[Node] = set()
    for node in sorted(history, key=lambda node: node.birth):
        if node in targets or not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful


def sum_to(g: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: a number that was used n times receives the sum of n gradients."""
    lead = len(g.shape) - len(shape)
    stretched = tuple([axis for axis, n in enumerate(g.shape) if axis < lead or (shape[axis - lead] == 1 and n != 1)])
    summed: Any = g.sum(stretched, True) if isinstance(g, Tensor) else backend.total(g, stretched, keepdims=True)
    if lead < 0 or summed.shape[lead:] != shape:
        raise errors.ShapeError(f"shape {tuple(g.shape)} is not what {shape} can be broadcast to")
    return summed.reshape(shape)


def is_new(dx: Any, g: Any, values: list[Any]) -> bool:
    """Whether a derivative's answer is its own memory, rather than (a view of) something it was given."""
    array = raw(dx)
    if getattr(array, "base", None) is not None:
        return False
    for value in (g, *values):
        for each in value if type(value) in (tuple, list) else (value,):
            if raw(each) is array:
                return False
    return True


def copied(g: Any) -> Any:
    return g.clone() if isinstance(g, Tensor) else backend.copy(g)


def filled(g: Slots, zeros: list[Any]) -> tuple[Any, ...]:
    """The gradients of several results, zeros for those that nothing depended on."""
    tensors = any(isinstance(x, Tensor) for x in g.each.values())
    return tuple([g.each[i] if i in g.each else wrap(zero) if tensors else zero for i, zero in enumerate(zeros)])


def call_hooks(node: Node, g: Any, create_graph: bool) -> Any:
    """g as the hooks of a Tensor want it: each may look at it, and may return another in its place."""
    g = g if create_graph else wrap(backend.asarray(g))
    for hook in list((node.hooks or {}).values()):
        answer = hook(g)
        if answer is not None:
            if not isinstance(answer, Tensor):
                raise TypeError(f"a hook returns a Tensor to take the place of the gradient, or None; this one returned {answer!r}")
            if (answer.shape, answer.dtype) != (g.shape, g.dtype):
                raise errors.ShapeError(f"a hook got a gradient of shape {tuple(g.shape)}, {g.dtype}, and what it returned in its "
                                        f"place is of shape {tuple(answer.shape)}, {answer.dtype}: they must be the same")
            g = answer
    return g if create_graph else g.array


def through_plain(node: Node, known: Visit, g: Any) -> list[tuple[Callable[..., Any], tuple[str, ...]]]:
    """The derivatives of an op by way of its `plain` composition: recorded anew, from names of our own for the operands."""
    from .ops.shape import alias
    op = node.op
    values = known[op.operands[0]] if op.variadic else [known[name] for name in op.operands]
    operands = [alias(x) if parent is not None else x for x, parent in zip(values, node.parents)]
    with enable_grad():
        out = op.plain(*operands, **{name: known[name] for name in op.params})
    pairs = [(out.node, g)] if isinstance(out, Tensor) else [(part.node, each) for part, each in zip(out, g)]
    targets = [x.node if parent is not None else None for x, parent in zip(operands, node.parents)]
    found = sweep([(n, each) for n, each in pairs if n is not None], {n for n in targets if n is not None}, create_graph=True,
                  retain_graph=True)
    zeros = [None if n is None or n in found else wrap(backend.zeros_like(raw(x))) for n, x in zip(targets, operands)]
    answers = [zero if n not in found else found[n] for n, zero in zip(targets, zeros)]
    return [(lambda g, answer=answer: answer, ()) for answer in answers]


# ---- asking for gradients ---------------------------------------------------------------------------------------
def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
             grad_variables: None = None, inputs: Any = None) -> None:
    """Add dL/dt to the `.grad` of every leaf t that the tensors depend on, or of the `inputs` if these are given.

    tensors: a Tensor, or a sequence; each must have one element, or a gradient of its shape in `grad_tensors`.
    retain_graph: keep what the graph holds, so that it can be walked again (default: as create_graph).
    create_graph: record the computation of the gradients, so that they can be differentiated in their turn.  Such a
        `.grad` points at its history, which points at the leaf: clear it (`zero_grad()`, `t.grad = None`) to free the graph.
    """
    if grad_variables is not None:
        raise TypeError("backward: grad_variables is the old name of grad_tensors: use that")
    outputs = seeds(as_list(tensors), as_list(grad_tensors), create_graph)
    leaves = None if inputs is None else as_list(inputs)
    if leaves == []:
        raise RuntimeError("backward: `inputs` is empty: leave it out to reach every leaf, or name the tensors to reach")
    targets = None if leaves is None else nodes_of(leaves)
    found = sweep(outputs, targets, create_graph, create_graph if retain_graph is None else retain_graph)
    for node, g in found.items():
        g = g if create_graph else wrap(g if type(g) in array_types else backend.asarray(g))
        if node.grad is None:
            node.grad = g
        elif create_graph or node.grad.node is not None:
            node.grad = node.grad + g
        else:
            node.grad.add_(g)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
         only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False,
         materialize_grads: bool = False) -> tuple[Any, ...]:
    """d(outputs)/d(input) for each input, as a tuple, leaving every `.grad` alone.

    grad_outputs: the gradient of each output, needed where it has more than one element.
    create_graph: make the results differentiable in their turn.
    allow_unused: give None for an input that the outputs do not depend on, instead of an error.
    materialize_grads: give zeros there.
    """
    if not only_inputs or is_grads_batched:
        raise NotImplementedError("grad: only_inputs=False and is_grads_batched=True are not offered; "
                                  "call grad once for each gradient instead")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True gives zeros for unused inputs, so allow_unused=False contradicts it")
    inputs = as_list(inputs)
    pairs = seeds(as_list(outputs), as_list(grad_outputs), create_graph)
    nodes_of(inputs)
    found = sweep(pairs, nodes_of(inputs), create_graph, create_graph if retain_graph is None else retain_graph)
    results, given = [], set()
    for i, x in enumerate(inputs):
        g = found.get(x.node)
        if g is None and materialize_grads:
            g = backend.zeros_like(x.array)
        if g is None and not allow_unused:
            raise RuntimeError(f"grad: the outputs do not depend on input {i} (shape {tuple(x.shape)}): allow_unused=True gives "
                               "None for it.  If they should, look for a detach(), a no_grad() or a conversion in between")
        if x.node in given and g is not None:                   # the same input asked for twice
            g = copied(g)
        given.add(x.node)
        results.append(g if g is None or isinstance(g, Tensor) else wrap(backend.asarray(g)))
    return tuple(results)


def seeds(outputs: list[Any], gs: list[Any], create_graph: bool) -> list[tuple[Node, Any]]:
    """The outputs' nodes, each with the gradient to start from: what was given, or 1 for an output of one element."""
    if gs and len(gs) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} outputs but {len(gs)} gradients: give one for each (None for a scalar)")
    pairs = []
    for output, g in zip(outputs, gs or [None] * len(outputs)):
        if not isinstance(output, Tensor):
            raise TypeError(f"expected a Tensor to differentiate, got {type(output).__name__}")
        if output.node is None:
            raise RuntimeError("this tensor does not require grad and has no history: nothing it was computed from had "
                               "requires_grad=True, or it was computed under no_grad() or detached")
        if g is None:
            if output.array.size != 1:
                raise RuntimeError(f"grad can be implicitly created only for scalar outputs, and this one has shape "
                                   f"{tuple(output.shape)}: reduce it first (loss.mean(), loss.sum()), or pass its gradient")
            g = wrap(backend.ones_like(output.array))
        elif not isinstance(g, Tensor):
            g = wrap(backend.asarray(g, [output.array]))
        if g.array.shape != output.array.shape:
            raise errors.ShapeError(f"the gradient of an output of shape {tuple(output.shape)} has the same shape, "
                                    f"but {tuple(g.shape)} was given")
        if g.array.dtype != output.array.dtype:
            g = g.astype(output.array.dtype)
        pairs.append((output.node, g if create_graph else g.array))
    return pairs


def nodes_of(inputs: list[Any]) -> set[Node]:
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected a Tensor to differentiate by, got {type(x).__name__}")
        if x.node is None:
            raise RuntimeError(f"input {i} (shape {tuple(x.shape)}) does not require grad: call requires_grad_() on it before "
                               "it is used")
    return {x.node for x in inputs}


def as_list(x: Any) -> list[Any]:
    return [] if x is None else list(x) if isinstance(x, (tuple, list)) else [x]


# ---- what tensor.py fills in ------------------------------------------------------------------------------------
def register(tensor: Any) -> None:
    """Have the engine wrap its results in that class.  (Tensors have operators, which are ops: so they come after this file.)"""
    global Tensor
    Tensor = tensor                                             # type: ignore[misc]


if not TYPE_CHECKING:
    Tensor = type(None)                                         # until then
new: Callable[[Any], Any] = object.__new__


def __getattr__(name: str) -> Any:
    """What PyTorch has under `autograd` too, from the files that it is in here."""
    from .names import find_in_autograd
    return find_in_autograd(name)
