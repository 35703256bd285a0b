"""TrainingDoctor: looks on while a network learns, and warns."""
from __future__ import annotations

import math
import warnings
import weakref
from typing import Any

from ... import backend, nn
from ...backend import array_types
from ...grad_mode import grad_mode
from ...nn.module import as_code
from ...training import Callback
from ...watch import Run, Watcher
from ..modules import Running
from ..nonfinite import arrays_in, settled, user_line
from .findings import DoctorWarning, Finding, Report
from .measures import Gradients, Units, all_arrays, by_batch_or_chance, op_of, place_of, rates_of, size, some, source_of

__all__ = ["TrainingDoctor"]

WITH_WEIGHTS = frozenset(["linear", "matmul", "einsum", "conv", "conv_transpose", "rnn", "lstm", "gru"])


class TrainingDoctor(Watcher, Callback):
    """Looks on while networks learn, in this thread, and warns (DoctorWarning) of what is wrong, once of each.

        with TrainingDoctor() as doctor:                        around a loop of one's own
            for x, y in loader:
                …
        model.fit(x, y, callbacks=[TrainingDoctor()])           or as a callback

    findings: what was found.        report(): the same, to print.

    It knows the networks that are called and the optimizers that make steps by watching them.  What needs several batches to be
    seen, as units that are never active, is said after `patience` steps.  A step takes longer while it looks.
    """

    def __init__(self, patience: int = 5) -> None:
        self.patience = patience
        self.findings: list[Finding] = []
        self.quiet = False                                      # whether findings are kept without a warning
        self._forget()

    def _forget(self) -> None:
        self.steps = 0
        self._running = Running()
        self._roots: dict[Any, None] = {}                       # modules that were called from outside of any
        self._fed: set[Any] = set()                             # those whose inputs were looked at
        self._called: set[int] = set()                          # the ids of modules that ran
        self._optimizers: dict[Any, Gradients] = {}
        self._learned: set[int] = set()                         # the ids of parameters that a gradient has come to
        self._last: tuple[Any, list[Any], Any] | None = None    # the op that just ran, its operands, its result
        self._reached: weakref.WeakSet[Any] = weakref.WeakSet() # nodes that a gradient has come to
        self._losses: list[tuple[int, Any]] = []                # the step, and a weak reference to what backward() started from
        self._evaluations: list[tuple[Any, list[Any], str, str]] = []   # module, its outputs (weak), kinds of layers, line
        self._relus: dict[str, Units] = {}
        self._sigmoids: dict[str, list[tuple[float, Any]]] = {}
        self._sizes: dict[Any, list[float]] = {}                # of a network: the size of its input, the largest within
        self._ratios: dict[int, list[float]] = {}               # id of a weight: |gradient| / |weight| at each step
        self._changes: list[float] = []                         # the largest |change| / |weight| of each step
        self._outputs: dict[int, Any] = {}                      # id of an array that a network returned: weak reference

    # ---- beginning and end --------------------------------------------------------------------------------------
    def __enter__(self) -> TrainingDoctor:
        self._forget()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        if error[0] is None:
            self.conclude()
        findings = self.findings
        self._forget()                                          # it keeps no network alive
        self.findings = findings

    def report(self) -> Report:
        return Report(self.findings)

    def find(self, name: str, seen: str, where: str = "") -> None:
        """Keep a finding, and warn of it, unless it was made before."""
        if not any(finding.name == name and finding.where == where for finding in self.findings):
            self.findings.append(Finding(name, seen, where))
            if not self.quiet:
                warnings.warn(str(self.findings[-1]), DoctorWarning, stacklevel=2)

    def _where(self) -> str:
        return place_of(as_code(self._running.path), user_line())

    # ---- what is told -------------------------------------------------------------------------------------------
    def module(self, module: Any, run: Run) -> Any:
        outermost = not self._running.modules
        if outermost:
            self._roots[module] = None
        self._called.add(id(module))
        with self._running.inside(module):
            out = run()
        if outermost:
            outs = all_arrays(out)
            self._outputs = {key: reference for key, reference in self._outputs.items() if reference() is not None}
            self._outputs.update({id(x): weakref.ref(x) for x in outs})
            if not grad_mode.enabled and module.training and (kinds := by_batch_or_chance(module)):
                self._evaluations.append((module, [weakref.ref(x) for x in outs], kinds, str(user_line())))
        return out

    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        out = settled(run(), arrays)
        self._last = op, arrays, out
        if grad_mode.enabled:
            for evaluation in list(self._evaluations):          # what came of it is trained with, as a target may be
                if any(reference() is x for reference in evaluation[1] for x in arrays if type(x) in array_types):
                    self._evaluations.remove(evaluation)
        look = getattr(self, f"_look_at_{op.__name__}", None)
        if look is not None:
            look(arrays, params, arrays_in(out))
        return out

    def recorded(self, node: Any) -> None:
        if self._last is None or self._last[0] is not node.op:
            return
        name, (_, arrays, out) = node.op.__name__, self._last
        if name in ("cross_entropy", "log_softmax"):
            self._look_at_scores(node, name)
        elif name == "binary_cross_entropy_with_logits" and source_of(node.parents[0]) == "sigmoid":
            self.find("sigmoid-before-logits-loss", f"sigmoid and then {name}, which applies it itself", self._where())
        elif name == "neg" and op_of(node.parents[0]) == "take_along_axis" and source_of(node.parents[0]) == "softmax":
            self.find("probabilities-in-nll", "nll_loss of the result of softmax", self._where())
        elif name == "sub":
            self._look_at_pairs(node, arrays, arrays_in(out))
        if name in WITH_WEIGHTS or name == "embedding":
            self._look_at_weights(node, name, arrays, arrays_in(out))

    def backward(self, node: Any, i: int, g: Any, run: Run) -> Any:
        if node not in self._reached:                           # a sweep starts here
            self._reached.add(node)
            if math.prod(node.shape or ()) == 1:
                self._losses.append((self.steps, weakref.ref(node)))
        dx, parent = run(), node.parents[i]
        if parent is not None:
            self._reached.add(parent)
            if parent.op is None:
                for optimizer in self._optimizers.values():
                    optimizer.arrived(parent)
        return dx

    def step(self, optimizer: Any, run: Run) -> Any:
        known = self._optimizers.setdefault(optimizer, Gradients())
        params = [p for group in optimizer.param_groups for p in group["params"]]
        before = {id(p): backend.copy(p.array) for p in params if p.ndim >= 2 and p.grad is not None} \
            if len(self._changes) < 4 * self.patience else {}
        out = run()                                             # which may compute the gradients first, by a closure
        self.steps += 1
        self._look_at_gradients(optimizer, known, params)
        known.stepped(params)
        changes = [size(p.array - before[id(p)]) / size(before[id(p)]) for p in params
                   if id(p) in before and size(before[id(p)]) > 1e-2]
        if changes:
            self._changes.append(max(changes))
        self._look_at_evaluations()
        self._look_at_losses()
        if self.steps == self.patience:
            self.look_at_layers()
        if self.steps >= self.patience:
            self._look_at_changes(optimizer)
        return out

    def conclude(self) -> None:
        """Say what is only known at the end."""
        self._look_at_evaluations()
        if self.steps >= 2:
            self._look_at_the_unlearned()

    # ---- scores, labels and losses ------------------------------------------------------------------------------
    def _look_at_scores(self, node: Any, name: str) -> None:
        squashed = source_of(node.parents[0])
        if squashed == "softmax":
            self.find("softmax-before-cross-entropy", f"softmax and then {name}, which applies it itself", self._where())
        elif squashed in ("sigmoid", "relu") and name == "cross_entropy":
            self.find(f"{squashed}-before-cross-entropy", f"{squashed} and then {name}, which wants numbers of any size",
                      self._where())

    def _look_at_cross_entropy(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        if arrays[0].shape[params.get("axis", -1)] == 1:
            self.find("one-class", f"cross_entropy of scores of shape {tuple(arrays[0].shape)}: one class", self._where())

    def _look_at_truth(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        y = arrays[1]
        if type(y) in array_types and y.size and not (0 <= y.min() and y.max() <= 1):
            self.find("labels-outside-0-1", f"binary cross-entropy with labels from {float(y.min()):g} to {float(y.max()):g}",
                      self._where())

    _look_at_binary_cross_entropy = _look_at_binary_cross_entropy_with_logits = _look_at_truth

    def _look_at_pairs(self, node: Any, arrays: list[Any], out: list[Any]) -> None:
        """A difference of shapes (n, 1) and (n,), one of them the prediction."""
        if any(type(x) not in array_types for x in arrays) or [p is None for p in node.parents].count(True) != 1:
            return
        if any(next(module.parameters(), None) is not None for module in self._running.modules):
            return
        a, b = [tuple(x.shape) for x in arrays]
        if (a == b + (1,) or b == a + (1,)) and a[0] > 1 and min(len(a), len(b)) == 1:
            self.find("loss-broadcasts", f"the difference of shapes {a} and {b}, which has shape {tuple(out[0].shape)}",
                      self._where())

    def _look_at_losses(self) -> None:
        self._losses = [(step, node) for step, node in self._losses if node() is not None]
        old = [step for step, _ in self._losses if step < self.steps - 2]
        if len(old) >= 3:
            self.find("losses-kept", f"the losses of {len(old)} earlier steps are still there, each with its graph")

    # ---- modes --------------------------------------------------------------------------------------------------
    def _look_at_evaluations(self) -> None:
        for module, _, kinds, line in self._evaluations:
            if any(id(p) in known.params for p in module.parameters() for known in self._optimizers.values()):
                self.find("evaluated-in-training-mode", f"{type(module).__name__} was called under no_grad() in training mode, and "
                          f"has {kinds}", line)
        if self._optimizers:
            self._evaluations = []

    def _look_at_standardize(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        module = self._running.modules[-1] if self._running.modules else None
        if isinstance(module, nn.normalization.BatchNorm) and module.training and arrays[0].shape[0] == 1 and grad_mode.enabled:
            self.find("batch-of-one", f"{type(module).__name__} in training mode, with a batch of one sample", self._where())

    # ---- what goes in, and how it grows -------------------------------------------------------------------------
    def _look_at_weights(self, node: Any, name: str, arrays: list[Any], out: list[Any]) -> None:
        if not self._running.modules:
            return
        root, x = self._running.modules[0], arrays[0]
        if root not in self._fed:                               # the first op of a network that has weights
            self._fed.add(root)
            if name in WITH_WEIGHTS and node.parents[0] is None and type(x) in array_types and x.dtype.kind == "f":
                self._look_at_inputs(x)
        if name in WITH_WEIGHTS and out and type(x) in array_types:
            sizes = self._sizes.setdefault(root, [max(size(x), 1.0), 0.0])
            sizes[1] = max(sizes[1], size(out[0]))

    def _look_at_inputs(self, x: Any) -> None:
        """Whether numbers that meet the first weights are of a good size."""
        if x.size < 16 or x.ndim < 2:
            return
        mean, spread = float(x.mean()), float(x.std())
        if math.hypot(mean, spread) > 25:
            self.find("inputs-not-normalised", f"the inputs have mean {mean:.4g} and standard deviation {spread:.4g}",
                      self._where())
        elif x.ndim == 2 and x.shape[1] > 1 and x.shape[0] > 8:
            spreads = x.std(axis=0)
            most, least = float(spreads.max()), float(spreads[spreads > 0].min()) if (spreads > 0).any() else 0.0
            if least and most / least > 1e4 and most > 10:
                self.find("inputs-not-normalised", "the columns of the inputs have standard deviations from "
                          f"{least:.3g} to {most:.3g}", self._where())

    def _look_at_relu(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        if grad_mode.enabled and out[0].ndim >= 2:
            self._relus.setdefault(self._where(), Units()).add(out[0] > 0)

    def _look_at_sigmoid(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        self._look_at_bounds(out[0], (out[0] < 0.01) | (out[0] > 0.99))

    def _look_at_tanh(self, arrays: list[Any], params: dict[str, Any], out: list[Any]) -> None:
        self._look_at_bounds(out[0], abs(out[0]) > 0.99)

    def _look_at_bounds(self, out: Any, flat: Any) -> None:
        if grad_mode.enabled and self._running.modules and out.size >= 64:
            seen = self._sigmoids.setdefault(self._where(), [])
            seen.append((float(flat.mean(dtype="float32")), weakref.ref(out)))
            del seen[:-20]

    def look_at_layers(self) -> None:
        """What a few batches show together."""
        for where, units in self._relus.items():
            if units.count >= 16 and (dead := units.dead()) >= 0.9:
                self.find("dead-relus", f"{dead:.0%} of the units of this relu were 0 for all samples that it saw", where)
        for where, seen in self._sigmoids.items():
            inner = [flat for flat, out in seen if id(out()) not in self._outputs or out() is None]     # not what the network says
            if inner and sum(inner) / len(inner) > 0.8:
                self.find("saturated-sigmoids", f"{sum(inner) / len(inner):.0%} of these numbers are within 0.01 of a bound", where)
        for root, (went_in, largest) in self._sizes.items():
            if largest / went_in > 1e3:
                self.find("exploding-layers", f"numbers grow from {went_in:.3g} to {largest:.3g} on their way through the network",
                          type(root).__name__)
        for root in self._roots:
            self._look_at_depth(root)

    def _look_at_depth(self, root: Any) -> None:
        """How gradients of weights differ from the first layer to the last."""
        embeddings = [module for module in root.modules() if isinstance(module, nn.Embedding)]
        apart = {id(p) for module in embeddings for p in module.parameters(recurse=False)}
        rows = [(name, sum(ratios) / len(ratios)) for name, p in root.named_parameters()
                if (ratios := self._ratios.get(id(p))) and id(p) not in apart and max(ratios) > 0]
        if len(rows) < 3:
            return
        (least, low), (most, high) = min(rows, key=lambda row: row[1]), max(rows, key=lambda row: row[1])
        if low < 1e-4 * high:
            names = [name for name, _ in rows]
            self.find("vanishing-gradients" if names.index(least) < names.index(most) else "exploding-gradients",
                      f"relative to the weights, the gradient of {least} is {low:.1e} in size, and that of {most} {high:.1e}",
                      type(root).__name__)

    # ---- parameters and steps -----------------------------------------------------------------------------------
    def _look_at_gradients(self, optimizer: Any, known: Gradients, params: list[Any]) -> None:
        kind, line = type(optimizer).__name__, str(user_line())
        if known.used:
            self.find("gradients-not-zeroed", f"gradients that {kind} has used already were there when new ones came: they were "
                      "added up", line)
        self._learned |= {id(p) for root in self._roots for p in root.parameters() if p.grad is not None}
        self._learned |= {id(p) for p in params if p.grad is not None}
        if params and all(p.grad is None for p in params):
            others = [type(root).__name__ for root in self._roots if any(p.grad is not None for p in root.parameters())]
            self.find("optimizer-without-gradients", f"{kind} makes a step, and none of its parameters has a gradient" + (
                f"; those of {others[0]} have, and are others" if others else ""), line)
        ours = {id(p) for p in params if p.grad is not None}
        for root in self._roots:
            kinds = by_batch_or_chance(root, any_mode=True)
            if kinds and not root.training and any(id(p) in ours for p in root.parameters()):
                self.find("trained-in-evaluation-mode", f"{kind} makes a step, and {type(root).__name__} is in evaluation mode: it "
                          f"has {kinds}", line)
        for p in params:
            if p.ndim >= 2 and p.grad is not None and (whole := size(p.array)) > 1e-3:
                self._ratios.setdefault(id(p), []).append(size(p.grad.array) / whole)

    def _look_at_the_unlearned(self) -> None:
        mine = {key for known in self._optimizers.values() for key in known.params}
        for root in self._roots:
            names = {name: p for name, p in root.named_parameters() if p.requires_grad}
            if not any(id(p) in mine for p in names.values()):
                continue
            left = [name for name, p in names.items() if id(p) not in mine and id(p) in self._learned]
            if left:
                self.find("parameters-not-in-the-optimizer", f"{some(left)} get gradients, and no optimizer has them",
                          type(root).__name__)
            without = [name for name, p in names.items() if id(p) in mine and id(p) not in self._learned]
            if without:
                ran = {name for name, module in root.named_modules() if id(module) in self._called}
                called = [name for name in without if name.rpartition(".")[0] in ran]
                self.find("parameters-without-gradient", f"no gradient ever came to {some(without)}" + (
                    ", though their layers ran" if len(called) == len(without) else
                    ", whose layers never ran" if not called else ""), type(root).__name__)

    def _look_at_changes(self, optimizer: Any) -> None:
        most = max(self._changes, default=1e-3)
        if most > 3:
            self.find("learning-rate-too-high", f"with lr {rates_of(optimizer)}, a step changed weights by {most:.3g} times their "
                      "size")
        if len(self._changes) >= 2 * self.patience and most < 1e-6:
            self.find("learning-rate-too-low", f"with lr {rates_of(optimizer)}, a step changes weights by less than a millionth of "
                      "their size")
