"""Every layer of the tables in `layers/`: against PyTorch, in float32, its derivatives of both kinds, its copies."""
import copy
import math
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd, nn

from .layers import LAYERS

every_layer = pytest.mark.parametrize("layer", LAYERS, ids=str)
MADE = {str(layer).partition("(")[0].removeprefix("nn.") for layer in LAYERS}
# Modules that are tried elsewhere, since they compute nothing by themselves.
NO_LAYERS = {"Module", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "RNNBase", "RNNCellBase"}


def flat(out):
    """The tensors in nested tuples, lists and dicts, in order."""
    if isinstance(out, dict):
        out = list(out.values())
    if isinstance(out, (tuple, list)):
        return [x for each in out for x in flat(each)]
    return [] if out is None else [out]


def build(layer, lib, dtype="float64"):
    names = {"nn": lib.nn, "F": lib.nn.functional, lib.__name__: lib, "torch": lib, "math": math}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(layer.make, names).to(getattr(lib, dtype))


def call(layer, lib, module, xs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [x for x in flat(eval(layer.call, {"m": module, "xs": xs, "torch": lib, "nn": lib.nn, "x": xs[0]}))
                if isinstance(x, lib.Tensor)]


def fill(module, lib, seed=1):
    """Numbers for the parameters and buffers that hide behind no symmetry; the same wherever the state_dict has the same shapes."""
    random = np.random.default_rng(seed)
    state = {}
    for key, value in module.state_dict().items():
        x = value.detach().cpu().numpy()
        if "num_batches_tracked" in key or x.dtype.kind != "f":
            state[key] = value
        else:
            numbers = random.uniform(-0.7, 0.7, x.shape)
            state[key] = lib.tensor(np.asarray(numbers + 1.2 if "running_var" in key else numbers, x.dtype))
    module.load_state_dict(state)


def results(layer, lib, module, second):
    """Results, gradients of them by inputs and parameters along random directions, and gradients of those; as arrays."""
    xs = [lib.tensor(x, requires_grad=x.dtype.kind == "f") for x in layer.arrays()]
    outs = [out for out in call(layer, lib, module, xs)]
    random = np.random.default_rng(2)
    # parameters in the order of their names, which is the same in both
    sources = [x for x in xs if x.requires_grad] + [p for _, p in sorted(module.named_parameters()) if p.requires_grad]
    tracked = [out for out in outs if out.requires_grad]
    found = [[out.detach().numpy() for out in outs], [], []]
    if not tracked or not sources:
        return found
    vs = [lib.tensor(random.uniform(0.5, 1.5, tuple(out.shape))) for out in tracked]
    grad = lib.autograd.grad
    gs = grad(tracked, sources, vs, create_graph=second, materialize_grads=True, retain_graph=True)
    found[1] = [g.detach().numpy() for g in gs]
    if second:
        ws = [lib.tensor(random.uniform(0.5, 1.5, tuple(g.shape))) for g in gs]
        pairs = [(g, w) for g, w in zip(gs, ws) if g.requires_grad]
        if pairs:
            hs = grad([g for g, _ in pairs], sources, [w for _, w in pairs], materialize_grads=True)
        else:
            hs = [lib.zeros_like(x) for x in sources]
        found[2] = [h.detach().numpy(force=True) for h in hs]      # PyTorch may give zeros that are no memory
    return found


def close(mine, theirs, what, tolerance=1e-8):
    assert len(mine) == len(theirs), f"{what}: {len(mine)} here, {len(theirs)} there"
    for i, (x, y) in enumerate(zip(mine, theirs)):
        assert x.shape == y.shape, f"{what} {i}"
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance, err_msg=f"{what} {i}")


@every_layer
def test_as_in_pytorch(layer):
    torch = pytest.importorskip("torch")
    if layer.ours:
        pytest.skip("PyTorch has no such layer")
    mine, theirs = build(layer, tl), build(layer, torch)
    assert repr(mine) == repr(theirs)
    assert {k: tuple(v.shape) for k, v in mine.state_dict().items()} == {k: tuple(v.shape) for k, v in theirs.state_dict().items()}
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in mine.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [p.requires_grad for p in mine.parameters()] == [p.requires_grad for p in theirs.parameters()]
    fill(theirs, torch)
    mine.load_state_dict({key: tl.tensor(x.numpy(force=True)) for key, x in theirs.state_dict().items()})
    theirs.load_state_dict({key: torch.tensor(x.detach().numpy()) for key, x in mine.state_dict().items()})
    for mode in (True, False):
        mine.train(mode), theirs.train(mode)
        a, b = results(layer, tl, mine, layer.second), results(layer, torch, theirs, layer.second)
        if layer.random and mode:
            assert [x.shape for x in a[0]] == [x.shape for x in b[0]]
            continue
        for x, y, what in zip(a, b, ("result", "gradient", "second derivative")):
            close(x, y, f"{what} in {'training' if mode else 'evaluation'}")
        close([x.detach().numpy() for x in mine.buffers()], [x.numpy() for x in theirs.buffers()], "buffer")


@every_layer
def test_float32_stays_float32(layer):
    module = build(layer, tl, "float32")
    xs = [tl.tensor(x, requires_grad=x.dtype.kind == "f") for x in layer.arrays("float32")]
    outs = call(layer, tl, module, xs)
    for out in outs:
        assert out.dtype != tl.float64
    tracked = [out for out in outs if out.requires_grad]
    if tracked:
        tl.autograd.backward(tracked, [tl.ones_like(out) for out in tracked])
    for x in [*xs, *module.parameters()]:
        assert x.grad is None or x.grad.dtype == x.dtype == tl.float32


@every_layer
def test_the_fast_derivatives_are_those_of_the_recorded_ones(layer):
    """What the ordinary sweep gives and what create_graph gives, which goes through compositions, agree to rounding."""
    module = build(layer, tl)
    fill(module, tl)
    xs = [tl.tensor(x, requires_grad=x.dtype.kind == "f") for x in layer.arrays()]
    sources = [x for x in [*xs, *module.parameters()] if x.requires_grad]
    tracked = [out for out in call(layer, tl, module, xs) if out.requires_grad]
    if not tracked or not sources:
        return
    random = np.random.default_rng(3)
    vs = [tl.tensor(random.standard_normal(tuple(out.shape))) for out in tracked]
    raw = autograd.grad(tracked, sources, vs, retain_graph=True, materialize_grads=True)
    recorded = autograd.grad(tracked, sources, vs, create_graph=True, materialize_grads=True)
    close([g.numpy() for g in raw], [g.detach().numpy() for g in recorded], "gradient", 1e-10)


@every_layer
def test_copies_and_weights(layer):
    """A deep copy computes the same; so does a new module with its state_dict; nothing of them is shared."""
    module = build(layer, tl).eval()
    fill(module, tl)
    other = build(layer, tl).eval()
    other.load_state_dict(module.state_dict())
    twin = copy.deepcopy(module)
    xs = [tl.tensor(x) for x in layer.arrays()]
    expected = [x.detach().numpy() for x in call(layer, tl, module, xs)]
    for each in (other, twin):
        close([x.detach().numpy() for x in call(layer, tl, each, xs)], expected, "result", 1e-12)
        for x, y in zip(module.state_dict().values(), each.state_dict().values()):
            assert x.array is not y.array


def test_every_module_is_tried():
    classes = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)}
    assert not classes - MADE - NO_LAYERS, "layers without a line in tests/layers"
