"""What a network is made of, as a table: `print(model.summary((1, 28, 28)))`.

Layers, the shapes that come out of them, their parameters, and the multiply-adds of one forward pass.  These are counted where
they happen, in the ops (matrix products, convolutions, attention, …), and entered for the innermost layer that is running: so
what a module of yours computes by functions is counted too.  A multiply-add is one product that is added to a sum; adding a
bias, activations, normalisation and pooling are none.
"""
from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import backend, ops
from ..functions.random import fork_rng
from ..grad_mode import no_grad
from ..op import Kept, wrap
from ..ops.linalg import split_subscripts
from ..tensor import Tensor
from ..types import as_dtype
from .module import Module


# ---- multiply-adds ----------------------------------------------------------------------------------------------
def of_einsum(out: Any, *xs: Any, subscripts: str) -> int:
    """Operand after operand: each step goes through all values of the letters that it has to do with."""
    terms, result = split_subscripts(subscripts)
    sizes = {letter: n for term, x in zip(terms, xs) for letter, n in zip(term, x.shape)}
    letters, found = set(terms[0]), 0
    for i, term in enumerate(terms[1:], 2):
        letters |= set(term)
        found += math.prod([sizes[letter] for letter in letters])
        letters &= set(result).union(*terms[i:])
    return found


# op: how many there are, given its result, and what its forward was given
MULTIPLY_ADDS: dict[Any, Callable[..., int]] = {
    ops.matmul: lambda out, x, y: out.size * x.shape[-1],
    ops.linear: lambda out, x, w, *b: out.size * w.shape[1],
    ops.einsum: of_einsum,
    ops.conv: lambda out, x, w, *b, **how: out.size * math.prod(w.shape[1:]),
    ops.conv_transpose: lambda out, y, w, *b, **how: y.size * math.prod(w.shape[1:]),
    ops.attention: lambda out, q, k, v, *bias, **how: math.prod(out.shape[:-1]) * k.shape[-2] * (k.shape[-1] + v.shape[-1]),
    ops.rnn: lambda out, x, h0, w_ih, w_hh, *b, **how: math.prod(x.shape[:-1]) * (w_ih.size + w_hh.size),
    ops.gru: lambda out, x, h0, w_ih, w_hh, *b, **how: math.prod(x.shape[:-1]) * (w_ih.size + w_hh.size),
    ops.lstm: lambda out, x, h0, c0, w_ih, w_hh, *b, **how: math.prod(x.shape[:-1]) * (w_ih.size + w_hh.size),
}


@contextlib.contextmanager
def multiply_adds_go_to(add: Callable[[int], None]) -> Iterator[None]:
    """Inside, each op above that runs in this thread calls add(how many multiply-adds it made)."""
    thread, running = threading.get_ident(), [False]

    def counted(forward: Callable[..., Any], count: Callable[..., int]) -> Callable[..., Any]:
        def run(*arrays: Any, **params: Any) -> Any:
            if running[0] or threading.get_ident() != thread:   # within another op: those are counted already
                return forward(*arrays, **params)
            running[0] = True
            try:
                out = forward(*arrays, **params)
            finally:
                running[0] = False
            add(int(count(out.out if type(out) is Kept else out, *arrays, **params)))
            return out
        return run

    forwards = {op: op.forward for op in MULTIPLY_ADDS}
    try:
        for op, count in MULTIPLY_ADDS.items():
            op.forward = counted(forwards[op], count)
        yield
    finally:
        for op, forward in forwards.items():
            op.forward = forward


# ---- the result -------------------------------------------------------------------------------------------------
@dataclass
class Row:
    """A layer in the table.  What it has and does by itself is counted here, what its children have and do with them."""
    path: str                                                   # as in state_dict keys; "" for the whole model
    kind: str                                                   # the name of its class
    depth: int
    output_shapes: list[tuple[int, ...]] = field(default_factory=list)      # of the tensors that the last call returned
    params: int = 0                                             # numbers in its own parameters, without those that …
    shared: int = 0                                             # … have been counted further up
    trainable: int = 0                                          # those of them that want gradients
    mult_adds: int = 0                                          # in all of its calls
    calls: int = 0
    again: bool = False                                         # whether this is a module that has a row further up

    def cells(self) -> tuple[str, str, str, str]:
        name = self.path.rpartition(".")[2]
        label = "  " * self.depth + (f"{name} ({self.kind})" if name else self.kind) + (f" ×{self.calls}" if self.calls > 1 else "")
        shapes = ", ".join([str(shape) for shape in self.output_shapes[:1]]) + ", …" * (len(self.output_shapes) > 1)
        params = f"{self.params:,}" if self.params else ""
        if frozen := self.params - self.trainable:
            params += " frozen" if not self.trainable else f" ({frozen:,} frozen)"
        if self.again or (self.shared and not self.params):
            params = "shared"
        return label, shapes, params or "-", f"{self.mult_adds:,}" if self.mult_adds else "-"


@dataclass
class Summary:
    """The table, which it prints as, and its totals."""
    rows: list[Row]
    input_shapes: list[tuple[int, ...]]
    total_params: int
    trainable_params: int
    total_mult_adds: int
    total_param_bytes: int
    total_buffer_bytes: int
    total_input_bytes: int
    total_output_bytes: int                                     # of all that layers without children returned

    def __str__(self) -> str:
        cells = [("Layer", "Output shape", "Parameters", "Multiply-adds"), *[row.cells() for row in self.rows]]
        widths = [max([len(row[i]) for row in cells]) for i in range(4)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip() for a, b, c, d in cells]
        rule = "─" * (sum(widths) + 6)
        frozen = self.total_params - self.trainable_params
        shapes = " and ".join(map(str, self.input_shapes))
        return "\n".join([
            lines[0], rule, *lines[1:], rule,
            f"Parameters     {self.total_params:,}" + (f" ({frozen:,} frozen)" if frozen else ""),
            f"Multiply-adds  {self.total_mult_adds:,}, for an input of shape {shapes}",
            f"Memory         parameters {size(self.total_param_bytes)}, buffers {size(self.total_buffer_bytes)}, "
            f"input {size(self.total_input_bytes)}, outputs of layers {size(self.total_output_bytes)}",
        ])

    __repr__ = __str__


def size(n: float) -> str:
    """A number of bytes, to be read."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n < 1000 or unit == "GB":
            break
        n /= 1000
    return f"{n:.0f} {unit}" if unit == "bytes" or n >= 100 else f"{n:.1f} {unit}"


# ---- the way there ----------------------------------------------------------------------------------------------
def summary(model: Module, input_shape: Any, *, batch_size: int | None = 1, dtype: Any = None, depth: int | None = None,
            **kwargs: Any) -> Summary:
    """The table of a model's layers for an input of that shape: print it, or read `.total_params`, `.total_mult_adds`, `.rows` …

        print(model.summary((1, 28, 28)))                       # of one sample: a batch axis of batch_size is put in front
        print(model.summary((100,), dtype=tl.int64))            # numbers of words, for an Embedding

    input_shape: the shape of one sample; a list of shapes, if forward takes several inputs.  A tensor in place of a shape is taken
        as it is.
    batch_size: how many samples the batch has.  None: the shapes are those of whole inputs.
    dtype: of the input, or a list, one for each.  By default that of the parameters.
    depth: how deep to go into modules; what is further down is counted with the last that is shown.
    Further arguments by name go to forward.

    The model is run once, in eval mode and without gradients, on inputs that mean nothing (integers are 0).  It is left as it
    was: its modes, buffers and gradients, and the random state.
    """
    first = next(iter(model.parameters()), None)
    inputs = inputs_of(input_shape, batch_size, dtype, first)
    rows, row_of = rows_of(model, depth)
    running: list[Module] = []
    outputs = [0]

    def begins(module: Module, args: Any) -> None:
        running.append(module)

    def ends(module: Module, args: Any, out: Any) -> None:
        while running.pop() is not module:                      # others raised, and somebody caught it
            pass
        found = list(tensors_in(out))
        if not module._modules:
            outputs[0] += sum([x.array.nbytes for x in found])
        row, is_own = row_of[id(module)]
        if is_own:
            row.output_shapes = [tuple(x.shape) for x in found]
            row.calls += 1

    def add(count: int) -> None:
        row_of[id(running[-1])][0].mult_adds += count

    with left_as_it_was(model), no_grad(), fork_rng(), contextlib.ExitStack() as hooks, multiply_adds_go_to(add):
        for module in model.modules():
            hooks.callback(module.register_forward_pre_hook(begins, prepend=True).remove)
            hooks.callback(module.register_forward_hook(ends).remove)
        try:
            model(*inputs, **kwargs)
        except Exception as error:
            explain(error, inputs, batch_size, dtype)
            raise
    parameters, buffers = unique(model.parameters()), unique(model.buffers())
    return Summary(rows, [tuple(x.shape) for x in inputs], sum([p.array.size for p in parameters]),
                   sum([p.array.size for p in parameters if p.requires_grad]), sum([row.mult_adds for row in rows]),
                   sum([p.array.nbytes for p in parameters]), sum([b.array.nbytes for b in buffers]),
                   sum([x.array.nbytes for x in inputs]), outputs[0])


def inputs_of(shapes: Any, batch_size: int | None, dtype: Any, like: Tensor | None) -> list[Tensor]:
    """Tensors of these shapes, on the device of the parameter `like`; tensors as they are."""
    if isinstance(shapes, (Tensor, int)):
        shapes = [shapes if isinstance(shapes, Tensor) else (shapes,)]
    elif all([isinstance(n, int) for n in shapes]):
        shapes = [shapes]
    dtypes = list(dtype) if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
    if len(dtypes) != len(shapes):
        raise ValueError(f"summary: dtype is one, or one for each of the {len(shapes)} inputs, got {len(dtypes)}")
    random = backend.host.random.default_rng(0)
    found = []
    for shape, of in zip(shapes, dtypes):
        if isinstance(shape, Tensor):
            found.append(shape)
            continue
        if not isinstance(shape, (tuple, list)) or not all([isinstance(n, int) and n >= 0 for n in shape]):
            raise TypeError(f"summary: an input shape is a tuple of ints, and several are a list of these, got {shapes!r}")
        shape = tuple(shape) if batch_size is None else (batch_size, *shape)
        of = as_dtype(of).dtype if of is not None else like.array.dtype if like is not None else backend.dtype("float32")
        array = random.random(shape).astype(of) if of.kind == "f" else backend.host.zeros(shape, of)
        found.append(wrap(backend.to_device(array, backend.default_device if like is None else backend.device_of(like.array))))
    return found


def rows_of(model: Module, depth: int | None) -> tuple[list[Row], dict[int, tuple[Row, bool]]]:
    """A row for each module, in the order of printing; and by id of a module its row, and whether that is its own."""
    rows: list[Row] = []
    row_of: dict[int, tuple[Row, bool]] = {}
    counted: set[int] = set()

    def enter(module: Module, path: str, level: int, row: Row | None) -> None:
        if row is None or depth is None or level <= depth:
            row = Row(path, type(module).__name__, level, again=id(module) in row_of)
            rows.append(row)
        if id(module) in row_of:
            return
        row_of[id(module)] = row, row.path == path
        for p in module.parameters(recurse=False):
            if id(p) in counted:
                row.shared += p.array.size
                continue
            counted.add(id(p))
            row.params += p.array.size
            row.trainable += p.array.size if p.requires_grad else 0
        for name, child in module.named_children():
            enter(child, f"{path}.{name}" if path else name, level + 1, row)

    enter(model, "", 0, None)
    return rows, row_of


@contextlib.contextmanager
def left_as_it_was(model: Module) -> Iterator[None]:
    """Inside, the model is in eval mode and may change its buffers; after it, all is as before."""
    modules = list(model.modules())
    modes, hooks = [module.training for module in modules], [dict(module._hooks) for module in modules]
    limits = [module.__dict__.get("max_norm") for module in modules]        # by which an Embedding would change its weight
    buffers = [(module._buffers, name, b, None if b is None else backend.copy(b.array))
               for module in modules for name, b in module._buffers.items()]
    try:
        model.eval()
        for module, limit in zip(modules, limits):
            if limit is not None:
                module.__dict__["max_norm"] = None
        yield
    finally:
        for module, mode, hook, limit in zip(modules, modes, hooks, limits):
            module.training, module._hooks = mode, hook
            if limit is not None:
                module.__dict__["max_norm"] = limit
        for owner, name, b, before in buffers:
            owner[name] = b
            if b is not None and before is not None and bool((b.array != before).any()):
                with no_grad():
                    b.copy_(wrap(before))


def tensors_in(out: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order."""
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, (tuple, list, dict)):
        for each in out.values() if isinstance(out, dict) else out:
            yield from tensors_in(each)


def unique(tensors: Any) -> list[Tensor]:
    return list({id(x): x for x in tensors}.values())


def explain(error: Exception, inputs: list[Tensor], batch_size: int | None, dtype: Any) -> None:
    """Say in the message of an error from the model what it was given, and what to give it."""
    if len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    given = " and ".join([f"shape {tuple(x.shape)}, {x.dtype}" for x in inputs])
    text = f"{error.args[0]}\n    in its summary, by an input of {given}"
    if dtype is None and "integers" in error.args[0]:
        text += ".  For numbers of words: summary(…, dtype=int64)"
    elif batch_size is not None:
        text += ".  A batch axis stands before the shape of one sample; summary(…, batch_size=None) puts none there"
    error.args = (text,)
