"""The record that `explain` makes: every op that ran and every step of the sweep, in order, as one dict that JSON can hold.

    {"title": str,
     "nodes": [{"id": int,                      in order of birth, leaves too
                "op": "linear"                  or "leaf" (wants a gradient), "constant" (wants none)
                "name": str,                    "fc1.weight", or what the user calls it, or "x0"; may be "" for an op's result
                "module": "Net.fc1" | "",
                "source": {"file": str, "line": int, "text": str} | None,               the user's line
                "formula": str, "doc": str,     the first line of the op's docstring; all of it
                "derivatives": [{"operand": "x", "source": "def dx(g, y): …"},          and of the intermediates that they use,
                                {"operand": "", "name": "e", "source": "def e(x): …"}], whose operand is ""
                "params": {"axis": "1"},        numbers among the operands, too: {"y": "2"}
                "parents": [id | None], "operands": ["x", "w", "b"],
                "shape": [int], "dtype": str, "value": SUMMARY | None,
                "kept": [{"name": str, "bytes": int}]}],        bytes that are alive for this; 0 if they are anyway
     "steps": [{"phase": "forward", "node": id},
               {"phase": "backward", "node": id, "g": SUMMARY,
                "arrived": int,                 how many gradients met and were added here; 0 where the sweep starts
                "hooks": int,                   how many hooks saw their sum, and may have put g in its place
                "to": [{"node": id, "operand": "x", "dx": SUMMARY,
                        "summed_from": [int] | None}]}],        the shape before broadcasting was summed away
     "parameters": [{"name": str, "node": id, "norm": float, "size": int}],             leaves and the norms of their gradients
     "optimizers": ["SGD"],                     the kinds of those that took a step
     "lacks": [str],                            what could not be seen, in words
     "pictures": [{"title": str, "uri": str}]}  that were added, as addresses of images

An op of several results has a node for the whole, whose numbers are those of all results in one row, and a node "result" for each.
"""
from __future__ import annotations

import inspect
import os
import textwrap
import weakref
from dataclasses import dataclass
from typing import Any

from ... import backend
from ...autograd import sum_to
from ...grad_mode import grad_mode
from ...op import Kept, Node, Results, Slots, raw, result
from ...watch import Run, Watcher
from ..modules import Running
from ..profiler import memory_of
from .places import Place, names_of, place_of, users_frames, whose_array_is
from .summaries import Summary, plain, summary, together

LEAVES = ("leaf", "constant")


@dataclass
class Operand:
    """What an op was given: a node that is known, an array that is not yet, or neither, as a number is."""
    id: int | None = None
    new: dict[str, Any] | None = None                           # the record of a leaf, if it becomes one
    names: list[str] | None = None
    array: Any = None                                           # a weak reference


class Record(Watcher):
    """Watches the ops, the modules and the sweep of its thread; `data()` is what it saw."""

    def __init__(self) -> None:
        self.title = ""
        self.nodes: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.optimizers: list[str] = []                         # those that took a step, by their kinds
        self._names: list[list[str]] = []                       # what each node may be called, the best first
        self._ids: weakref.WeakKeyDictionary[Node, int] = weakref.WeakKeyDictionary()
        self._arrays: dict[int, tuple[Any, int]] = {}           # id of an array: (weak reference, number of its node)
        self._counted: dict[int, Any] = {}                      # id of memory that is kept: weak reference
        self._ran: tuple[dict[str, Any], list[Operand], list[Any]] | None = None       # the op that just ran, and its results
        self._running = Running()
        self._parameters: dict[int, str] = {}                   # id of the array of a parameter or buffer: its name
        self._stepping = 0
        self._visits: weakref.WeakKeyDictionary[Node, dict[str, Any]] = weakref.WeakKeyDictionary()
        self._arrived: weakref.WeakKeyDictionary[Node, list[Summary]] = weakref.WeakKeyDictionary()
        self._gradients: dict[int, Summary] = {}                # of leaves
        self._lacks: list[str] = []
        self.afterwards = False                                 # whether nothing was watched, but looked at afterwards
        self._roots: list[str] = []                             # what was called
        self.pictures: list[dict[str, str]] = []                # {"title", "uri"}: for the page

    def __enter__(self) -> Any:
        super().__enter__()
        if not self.title:
            self.title = titled(place_of(users_frames()))
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._settle(None)

    # ---- modules and optimizers ---------------------------------------------------------------------------------
    def module(self, module: Any, run: Run) -> Any:
        self._settle(None)
        with self._running.inside(module) as path:
            outermost = len(self._running.paths) == 1
            if outermost:
                self._roots += [path] * (path not in self._roots)
                self._parameters = {id(x.array): f"{path}.{name}" if name[0].isdigit() else name
                                    for name, x in [*module.named_parameters(), *module.named_buffers()]}
            try:
                return run()
            finally:
                self._settle(None)
                if outermost:
                    self._parameters.clear()

    def step(self, optimizer: Any, run: Run) -> Any:
        self._settle(None)
        kind = type(optimizer).__name__
        self.optimizers += [kind] * (kind not in self.optimizers)
        self._stepping += 1
        try:
            return run()
        finally:
            self._stepping -= 1

    # ---- forward ------------------------------------------------------------------------------------------------
    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        if self._stepping and not grad_mode.enabled:            # the arithmetic of an optimizer
            return run()
        self._settle(None)
        frames = users_frames()
        names = list(op.operands) if not op.variadic else [f"{op.operands[0]}[{i}]" for i in range(len(arrays))]
        said = {name: words(x) for name, x in zip(names, arrays) if type(x) not in backend.array_types and x is not None}
        said |= {name: words(x) for name, x in params.items() if not same(x, op.params.get(name, inspect.Parameter.empty))}
        operands = [self._operand(x, frames) for x in arrays]
        out = as_arrays(run(), arrays)
        record = described(op) | {"module": self._running.path, "source": place_of(frames),
                                  "params": said, "operands": names}
        results = out.out if type(out) is Kept else out
        each = list(results) if type(results) is tuple else [results]
        record |= measured(each) if type(results) is tuple else measured_one(results)
        self._ran = record, operands, [(weakref.ref(x), measured_one(x)) for x in each]
        return out

    def _operand(self, x: Any, frames: list[Any]) -> Operand:
        if type(x) not in backend.array_types:
            return Operand()
        known = self._known(x)
        if known is not None:
            if not self._names[known]:
                self._names[known] = whose_array_is(x, frames, made=True)
            return Operand(known)
        names = [self._parameters[id(x)]] if id(x) in self._parameters else whose_array_is(x, frames)
        module = ""
        if id(x) in self._parameters:
            root = self._running.paths[0]
            module = ".".join([root, *names[0].removeprefix(f"{root}.").split(".")[:-1]])
        return Operand(None, blank("constant") | measured_one(x) | {"module": module, "source": place_of(frames)}, names,
                       weakref.ref(x))

    def recorded(self, node: Node) -> None:
        if self._ran is not None:
            self._settle(node)

    def _settle(self, node: Node | None) -> None:
        """Give the op that just ran its number, after those of operands that are new.  The node, if it left one, says which
        of them want gradients."""
        if self._ran is None:
            return
        record, operands, results = self._ran
        self._ran = None
        parents: list[int | None] = []
        for i, operand in enumerate(operands):
            parent = node.parents[i] if node is not None and i < len(node.parents) else None
            if parent is not None and (number := self._number(parent)) is not None:
                parents.append(number)
            elif parent is not None and parent.op is not None:
                parents.append(self.history(parent))
            elif operand.new is not None:
                parents.append(self._leaf(operand, parent))
            elif operand.id is not None and parent is not None:
                if self.nodes[operand.id]["op"] in LEAVES:      # a constant that wants gradients from now on
                    self.nodes[operand.id]["op"] = "leaf"
                    self._ids[parent] = operand.id
                    parents.append(operand.id)
                else:                                           # what an op computed, made a leaf
                    like = self.nodes[operand.id]
                    new = blank("leaf") | {key: like[key] for key in ("shape", "dtype", "value")}
                    parents.append(self._leaf(Operand(None, new, list(self._names[operand.id])), parent))
            else:
                parents.append(operand.id)
        record["parents"] = parents
        number = self._add(record, [])
        if node is not None:
            self._ids[node] = number
            record["kept"] = self._kept(node)
        self.steps.append({"phase": "forward", "node": number})
        if len(results) > 1 or "results" in record:
            del record["results"]
            for i, (array, one) in enumerate(results):
                part = self._add(described(result) | one | {"module": record["module"], "source": record["source"], "operands":
                                 ["results"], "params": {"index": str(i)}, "parents": [number]}, [])
                self.steps.append({"phase": "forward", "node": part})
                self._note(array, part)
        else:
            self._note(results[0][0], number)

    def _leaf(self, operand: Operand, node: Node | None) -> int:
        assert operand.new is not None
        number = self._add(operand.new, operand.names or [])
        if operand.array is not None:
            self._note(operand.array, number)
        if node is not None:
            operand.new["op"] = "leaf"
            self._ids[node] = number
        return number

    def _add(self, record: dict[str, Any], names: list[str]) -> int:
        self.nodes.append({"id": len(self.nodes), **record})
        record["id"] = len(self.nodes) - 1
        self.nodes[-1] = record
        self._names.append(names)
        return record["id"]

    def _note(self, reference: Any, number: int) -> None:
        array = reference()
        if array is not None:
            self._arrays[id(array)] = reference, number

    def _known(self, array: Any) -> int | None:
        reference, number = self._arrays.get(id(array), (None, None))
        return number if reference is not None and reference() is array else None

    def _number(self, node: Node) -> int | None:
        """The number of a node; that of a result is found by the op that it is of."""
        number = self._ids.get(node)
        if number is None and node.op is result and node.kept is not None and node.parents[0] is not None:
            whole = self._ids.get(node.parents[0])
            if whole is not None:
                number = self._ids[node] = whole + 1 + node.kept["index"]
        return number

    def _kept(self, node: Node) -> list[dict[str, Any]]:
        """What the node keeps: the bytes of what nobody else keeps, and that no leaf has."""
        found = []
        for key, value in (node.kept.items() if hasattr(node.kept, "items") else ()):
            if key == "zeros":                                  # stretched: a number each
                continue
            place = node.op.operands.index(key) if key in node.op.operands and not node.op.variadic else None
            values = value.each if type(value) is Results else value if isinstance(value, (list, tuple)) else [value]
            for i, x in enumerate(values):
                if type(x) not in backend.array_types:
                    continue
                memory, size = memory_of(x), 0
                j = i if place is None else place
                of = node.parents[j] if key in node.op.operands else node
                theirs = of is None or of.op is None
                if not theirs and (id(memory) not in self._counted or self._counted[id(memory)]() is not memory):
                    self._counted[id(memory)] = weakref.ref(memory)
                    size = memory.nbytes
                found.append({"name": key if len(values) == 1 else f"{key}[{i}]", "bytes": int(size)})
        return found

    # ---- backward -----------------------------------------------------------------------------------------------
    def visited(self, node: Node, g: Any) -> None:
        self._settle(None)
        number = self._number(node)
        if number is None:
            number = self.history(node)
        came = self._arrived.pop(node, [])
        arrays = [raw(each) for each in g.each.values()] if type(g) is Slots else [raw(g)]
        if len(came) == 1 and not node.hooks and type(g) is not Slots:
            whole = came[0]                                     # as it was when it was sent
        else:
            whole = together(arrays) if type(g) is Slots else summary(arrays[0])
        if not came and not self._names[number]:
            self._names[number] = names_of(lambda tensor: tensor.node is node, users_frames(), made=True)
        step = {"phase": "backward", "node": number, "g": whole, "arrived": len(came), "hooks": len(node.hooks or ()), "to": []}
        self.steps.append(step)
        if node.op is None:
            self._gradients[number] = whole
        else:
            self._visits[node] = step

    def backward(self, node: Node, i: int, g: Any, run: Run) -> Any:
        dx = run()
        array, parent = raw(dx), node.parents[i]
        assert parent is not None
        came = None
        if type(dx) is Slots:
            array = raw(next(iter(dx.each.values())))
        elif not hasattr(array, "shape") or not hasattr(array, "dtype"):
            return dx                                           # the sweep has an error to raise
        elif array.shape != parent.shape:
            try:
                came, array = list(array.shape), raw(sum_to(array, parent.shape))
            except ValueError:
                return dx
        if type(dx) is not Slots and array.dtype != parent.dtype:
            array = array.astype(parent.dtype)
        step, number = self._visits.get(node), self._number(parent)
        sent = summary(array)
        if step is not None and (number is not None or (number := self.history(parent)) is not None):
            operands = self.nodes[step["node"]]["operands"]
            operand = operands[i] if i < len(operands) else f"{operands[0]}[{i}]"
            step["to"].append({"node": number, "operand": operand, "dx": sent, "summed_from": came})
        self._arrived.setdefault(parent, []).append(sent)
        return dx

    # ---- what was there before ----------------------------------------------------------------------------------
    def history(self, node: Node, frames: list[Any] | None = None) -> int:
        """The number of a node that was born before the recording, after those of all that it came from."""
        found, seen = [node], {node}
        for each in found:                                      # grows while we read it
            for parent in each.parents:
                if parent is not None and parent not in seen and self._number(parent) is None:
                    seen.add(parent)
                    found.append(parent)
        for each in sorted(found, key=lambda each: each.birth):
            self._add_old(each, frames if frames is not None else users_frames())
            if each.op is not None:
                self.steps.append({"phase": "forward", "node": self._ids[each]})
        if any([each.op is not None for each in found]):
            self.lack("some ops ran before anybody watched: their lines, their modules, and numbers that no derivative asks for, "
                      "are unknown")
        return self._ids[node]

    def _add_old(self, node: Node, frames: list[Any]) -> None:
        op, kept = node.op, node.kept if hasattr(node.kept, "items") else {}
        held: list[Any] = []

        def is_it(tensor: Any) -> bool:
            if tensor.node is node:
                held.append(tensor.array)
            return tensor.node is node
        names = names_of(is_it, frames)
        if op is None:
            record = blank("leaf") | {"shape": list(node.shape or ()), "dtype": str(node.dtype)}
            if held:
                record |= measured_one(held[0])
            if names and "." in names[0]:                       # of a module that the user has
                record["module"] = names[0].rpartition(".")[0]
            self._ids[node] = self._add(record, names)
            return
        record = described(op) | {"shape": list(node.shape or ()), "dtype": str(node.dtype or "")}
        record["operands"] = [f"{op.operands[0]}[{i}]" for i in range(len(node.parents))] if op.variadic else list(op.operands)
        record["params"] = {key: words(value) for key, value in kept.items() if key in op.params
                            and not same(value, op.params[key])}
        record["parents"] = parents = [None if parent is None else self._number(parent) for parent in node.parents]
        record["module"] = next((self.nodes[each]["module"] for each in parents if each is not None
                                 and self.nodes[each]["op"] in LEAVES and self.nodes[each]["module"]), "")
        if held or type(kept.get("out")) in backend.array_types:
            record |= measured_one(held[0] if held else kept["out"])
        for i, parent in enumerate(parents):                    # what it kept of its operands
            x = kept.get(op.operands[0], [None] * len(parents))[i] if op.variadic else kept.get(op.operands[i])
            if parent is None and x is None and (op.variadic or i < len(op.operands) - op.optional):
                record["params"][record["operands"][i]] = "?"   # nobody kept it
            elif parent is None and x is not None and type(x) not in backend.array_types:
                record["params"][record["operands"][i]] = words(x)
            if type(x) in backend.array_types and (parent is None or self.nodes[parent]["value"] is None):
                if parent is None and self._known(x) is None:
                    new = blank("constant") | measured_one(x)
                    parents[i] = self._leaf(Operand(None, new, whose_array_is(x, frames), weakref.ref(x)), None)
                elif parent is None:
                    parents[i] = self._known(x)
                else:
                    self.nodes[parent] |= measured_one(x)
        self._ids[node] = self._add(record, names)
        record["kept"] = self._kept(node)
        if node.kept is None:
            self.lack("the numbers of some ops are gone: a backward pass freed what they kept.  loss.backward(retain_graph=True) "
                      "keeps it; `with explain() as page:` around the forward and backward pass sees all of it")

    def lack(self, text: str) -> None:
        if text not in self._lacks:
            self._lacks.append(text)

    # ---- what it saw --------------------------------------------------------------------------------------------
    def data(self) -> dict[str, Any]:
        """All of it, as the head of this file says."""
        self._settle(None)
        self._give_names()
        parameters = [{"name": self.nodes[number]["name"], "node": number, "norm": "nan" if g["nonfinite"] else g["norm"],
                       "size": size_of(g["shape"])} for number, g in sorted(self._gradients.items())]
        return {"title": self.title, "nodes": self.nodes, "steps": self.steps, "parameters": parameters,
                "optimizers": self.optimizers, "lacks": self._missing(), "pictures": self.pictures}

    def _give_names(self) -> None:
        """Each leaf its own: the first that no other might have, or x0, x1 …; a result what the user calls it."""
        leaves = [node["id"] for node in self.nodes if node["op"] in LEAVES]
        wanted = [name for number in leaves for name in dict.fromkeys(self._names[number])]
        taken: set[str] = set()
        count = 0
        for number in leaves:
            own = [name for name in self._names[number] if wanted.count(name) == 1]
            name = own[0] if own else self._names[number][0] if self._names[number] else ""
            if not name or name in taken:
                while (again := f"{name or 'x'}{count}" if not name else f"{name} ({count + 2})") in taken | set(wanted):
                    count += 1
                name = again
            taken.add(name)
            self.nodes[number]["name"] = name
        for node in self.nodes:
            if node["op"] not in LEAVES:
                node["name"] = next(iter(self._names[node["id"]]), "")

    def _missing(self) -> list[str]:
        said = list(self._lacks)
        if self.afterwards:
            return said
        if not self.nodes:
            said.append("nothing ran: put the forward pass and loss.backward() inside the block")
        elif not any([step["phase"] == "backward" for step in self.steps]):
            said.append("no backward pass was seen: call loss.backward() inside the block")
        else:
            without = [node["name"] for node in self.nodes if node["op"] == "leaf" and node["id"] not in self._gradients]
            if without:
                said.append(f"no gradient came to {', '.join(without[:20])}{', …' * (len(without) > 20)}")
        return said


# ---- the parts of a record --------------------------------------------------------------------------------------
def blank(op: str) -> dict[str, Any]:
    return {"op": op, "name": "", "module": "", "source": None, "formula": "", "doc": "", "derivatives": [], "params": {},
            "parents": [], "operands": [], "shape": [], "dtype": "", "value": None, "kept": []}


_described: dict[Any, dict[str, Any]] = {}


def described(op: Any) -> dict[str, Any]:
    """A blank record with what the op's class says of itself: its formula, and the source of its derivatives."""
    if op not in _described:
        doc = inspect.cleandoc(op.__doc__ or "")
        derivatives, asked = [], []
        for name, (derivative, asks) in zip(op.operands, op.derivatives):
            if derivative is not None:
                derivatives.append({"operand": name, "source": source_of(derivative)})
                asked += asks
        for ask in asked:                                       # grows while we read it
            if ask in op.intermediates:
                asked += [each for each in op.asks[ask] if each not in asked]
        derivatives += [{"operand": "", "name": name, "source": source_of(f)} for name, f in op.intermediates.items()
                        if name in asked]
        _described[op] = blank(op.__name__) | {"formula": doc.split("\n")[0], "doc": doc, "derivatives": derivatives}
    return dict(_described[op])


def source_of(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        return f"def {function.__name__}{inspect.signature(function)}: …         (its source is not at hand)"


def measured_one(array: Any) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": str(array.dtype), "value": summary(array)}


def measured(results: list[Any]) -> dict[str, Any]:
    whole = together(results)
    return {"shape": whole["shape"], "dtype": whole["dtype"], "value": whole, "results": len(results)}


def as_arrays(out: Any, arrays: list[Any]) -> Any:
    """What a `forward` returned, with arrays for the scalars that NumPy makes of 0-d results: the next step would do it."""
    if type(out) is Kept:
        return Kept(as_arrays(out.out, arrays), **out.intermediates)
    if type(out) is tuple:
        return tuple([backend.asarray(x, arrays) for x in out])
    return backend.asarray(out, arrays)


def same(x: Any, default: Any) -> bool:
    """Whether a parameter is as it is anyway."""
    return x is default or (type(x) is type(default) and isinstance(x, (int, float, str, tuple)) and words(x) == words(default))


def words(x: Any) -> str:
    """A parameter in words: a small array whole, of a large one the shape."""
    if type(x) in backend.array_types:
        return str(plain(x.tolist())) if x.size <= 16 else f"array of shape {tuple(x.shape)}, {x.dtype}"
    if isinstance(x, (tuple, list)) and any([type(each) in backend.array_types for each in x]):
        return "(" + ", ".join([words(each) for each in x]) + ")"
    if callable(x):
        return getattr(x, "__name__", type(x).__name__)
    text = repr(x)
    return text if len(text) <= 100 else f"{text[:97]}..."


def titled(place: Place | None) -> str:
    return f"{os.path.basename(place['file'])}, line {place['line']}" if place else "explain"


def size_of(shape: list[int]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
