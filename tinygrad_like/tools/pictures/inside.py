"""What is inside of a network: the outputs of its layers, its filters, where its attention goes, how its numbers are spread."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ... import backend, errors, ops
from ...backend import xp
from ...functions.creation import eye
from ...functions.random import fork_rng
from ...grad_mode import no_grad
from ...nn import Module, MultiheadAttention
from ...nn.conv import AnyConvolution
from ...nn.summary import left_as_it_was
from ...op import Kept, wrap
from ...tensor import Tensor
from ...watch import Run, Watcher
from .attribution import channels_first

__all__ = ["Histogram", "attention_maps", "attention_rollout", "feature_maps", "filters", "gradient_histograms",
           "weight_histograms"]


class Look(Watcher):
    """Watches a model, run in eval mode and without gradients, and collects what its subclasses are after: {path: Tensor}."""

    def __init__(self, model: Module) -> None:
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.running: list[Module] = []
        self.found: dict[str, Tensor] = {}

    def run(self, model: Module, inputs: Any, kwargs: Any) -> dict[str, Tensor]:
        with fork_rng(), no_grad(), left_as_it_was(model), self:
            model(*inputs, **kwargs)
        return self.found

    def module(self, module: Module, run: Run) -> Any:
        self.running.append(module)
        try:
            return run()
        finally:
            self.running.pop()

    def keep(self, out: Tensor) -> None:
        """`out` is of the module that runs: under its path, with a number if it is there for the second time."""
        path = next((self.paths[id(module)] for module in reversed(self.running) if id(module) in self.paths), "")
        count = sum([key.split(" #")[0] == path for key in self.found])
        self.found[f"{path} #{count + 1}" if count else path] = out


# ---- layers -----------------------------------------------------------------------------------------------------
def feature_maps(model: Module, *inputs: Any, layers: Iterable[str] | None = None, **kwargs: Any) -> dict[str, Tensor]:
    """{path: output} of the layers, in the order in which they ran: the maps (N, maps, height, width) of a convolution, for example

    layers: the paths of those that are wanted; by default all modules that have none inside.  (A convolution and the ReLU after it
    are two.)  A layer that is called more than once is there as "relu", "relu #2", ….  Images of the Keras dialect, whose channels
    come last, are turned to (N, maps, height, width) as well.
    """
    return LookAtLayers(model, layers).run(model, inputs, kwargs)


class LookAtLayers(Look):
    def __init__(self, model: Module, layers: Iterable[str] | None) -> None:
        super().__init__(model)
        modules = model.modules() if layers is None else [model.get_submodule(path) for path in layers]
        self.wanted = {id(module) for module in modules if layers is not None or not module._modules}

    def module(self, module: Module, run: Run) -> Any:
        self.running.append(module)
        try:
            out = run()
            if id(module) in self.wanted and isinstance(out, Tensor):
                seen = out.clone()                              # the next layer may change what it gets in place
                self.keep(channels_first(seen, module) if seen.ndim > 3 else seen)
            return out
        finally:
            self.running.pop()


def filters(model: Module) -> dict[str, Tensor]:
    """{path: weight} of the convolutions: (out channels, in channels, height, width), each a pattern that it looks for"""
    found = {path: module.weight.detach() for path, module in model.named_modules() if isinstance(module, AnyConvolution)}
    if not found:
        raise errors.WrongValue(f"filters: {type(model).__name__} has no convolution")
    return found


# ---- attention --------------------------------------------------------------------------------------------------
def attention_maps(model: Module, *inputs: Any, **kwargs: Any) -> dict[str, Tensor]:
    """{path: P} with P = softmax(scale · q kᵀ + bias) of each attention in the model, in the order in which they ran

    P (N, heads, queries, keys): P_ij says how much of key j goes to query i; each row sums to 1.  (Vaswani et al. 2017, eq. 1;
    SPEC MOD-18.)  The path is that of the module that attends, whether it asks for its weights or not.
    """
    return LookAtAttention(model).run(model, inputs, kwargs)


class LookAtAttention(Look):
    def forward(self, op: Any, arrays: list[Any], params: dict[str, Any], run: Run) -> Any:
        out = run()
        if op is ops.attention:                                 # which never has all of P at hand
            self.keep(weights(*arrays, **params))
        elif op is ops.softmax and self.running and isinstance(self.running[-1], MultiheadAttention):        # need_weights=True
            self.keep(wrap(backend.copy(out.out if type(out) is Kept else out)))
        return out


def weights(q: Any, k: Any, v: Any, bias: Any = None, *, scale: float = 1.0, causal: bool = False, keep: Any = None) -> Tensor:
    """P of the op `attention`, from its operands and parameters, which are arrays."""
    scores = q @ k.swapaxes(-1, -2) * scale
    if bias is not None:
        scores = scores + bias
    if causal:
        later = xp(q).triu(xp(q).ones(scores.shape[-2:], dtype=bool), 1)
        scores = backend.where(later, -float("inf"), scores)
    return wrap(ops.softmax.forward(scores, axis=-1))


def attention_rollout(maps: Any) -> Tensor:
    """R = A_L ··· A_2 A_1,  A_l = ½ (P_l + 1): how much of each input token reaches each place, through all the layers; (N, n, n)

    (Abnar and Zuidema 2020, eq. 1.)  P_l (N, heads, n, n) is the map of layer l, of which the mean over its heads is taken, and
    the 1, the identity, is the shortcut around it.  maps: those of self-attention, in order, or the dict that
    attention_maps returns.
    """
    maps = list(maps.values()) if isinstance(maps, dict) else list(maps)
    shapes = [tuple(P.shape) for P in maps]
    if not maps or any([len(shape) != 4 or shape[2] != shape[3] or shape[::2] != shapes[0][::2] for shape in shapes]):
        raise errors.ShapeError(f"attention_rollout: the maps of self-attention in one stack are (N, heads, n, n), with the same "
                                f"n; got {shapes}")
    n = shapes[0][-1]
    R = one = eye(n, dtype=maps[0].dtype, device=maps[0].device)
    for P in maps:
        R = 0.5 * (P.mean(1) + one) @ R
    return R


# ---- how numbers are spread -------------------------------------------------------------------------------------
@dataclass
class Histogram:
    """counts[i] numbers lie from edges[i] to edges[i + 1]; `nonfinite` ones are NaN or infinite, and are not among them."""
    counts: Any                                                 # (bins,), NumPy's
    edges: Any                                                  # (bins + 1,)
    nonfinite: int


def weight_histograms(model: Module, bins: int = 50) -> dict[str, Histogram]:
    """{path: Histogram} of the numbers of each parameter"""
    return {path: histogram(p, bins) for path, p in model.named_parameters()}


def gradient_histograms(model: Module, bins: int = 50) -> dict[str, Histogram]:
    """{path: Histogram} of the numbers of each parameter's gradient, of those that have one: call it after backward()"""
    found = {path: histogram(p.grad, bins) for path, p in model.named_parameters() if p.grad is not None}
    if not found:
        raise errors.WrongValue("gradient_histograms: no parameter has a gradient: call it after loss.backward(), and before "
                                "optimizer.zero_grad()")
    return found


def histogram(x: Tensor, bins: int) -> Histogram:
    numbers = x.detach().cpu().array.reshape(-1)
    finite = numbers[backend.host.isfinite(numbers)].astype("float64")       # so that far ends can be subtracted
    counts, edges = backend.host.histogram(finite, bins)
    return Histogram(counts, edges, numbers.size - finite.size)
