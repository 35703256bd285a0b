"""Reverse-mode differentiation: the sweep, which walks the record of a computation backwards, and what asks it for gradients.

The chain rule (SPEC F-09) is the whole of it.  For L = f(h), h = h(x):

    dL/dx  =  dL/dh · dh/dx          written here as     dx = op.dx(g, ...)      with g = dL/dh

`op.py` says what an op is, and what record it leaves.  `sweep` starts at the loss with g = 1, visits the nodes of the record from
the youngest to the oldest, hands each its g, and passes what its derivatives answer on to its parents.
"""
from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from . import backend, edits, errors, machine
from .backend import array_types
from .grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_grad_enabled as is_grad_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from .op import Kept as Kept, Node, Op as Op, Slots, raw, wrap
from .watch import told, watched, watchers

if TYPE_CHECKING:
    from .tensor import Tensor
else:
    Tensor = type(None)                                         # until tensor.py says what results are wrapped in

LIGHT = {tuple, int, float, bool, str, type(None)}              # shapes, axes and the like: nothing to free


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
    machine.prepare()
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
            if watchers:
                told("visited", node, g)
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
                if watchers:
                    dx, values = watched_derivative(node, i, g, derivative, known, asks)
                else:
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


def watched_derivative(node: Node, i: int, g: Any, derivative: Callable[..., Any], known: Any, asks: Any) -> tuple[Any, list[Any]]:
    """derivative(g, *values), and the values that it asks for, with all watchers around it."""
    values: list[Any] = []

    def run() -> Any:
        values.extend([known[ask] for ask in asks])
        return derivative(g, *values)
    return watched("backward", node, i, g, run), values


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
    """What was given one by one, or by a list, a generator, dict.values() …"""
    one = isinstance(x, Tensor) or type(x) in array_types or not hasattr(x, "__iter__")
    return [] if x is None else [x] if one else list(x)


def __getattr__(name: str) -> Any:
    """What PyTorch has under `autograd` too, from the files that it is in here."""
    from .names import find_in_autograd
    return find_in_autograd(name)
