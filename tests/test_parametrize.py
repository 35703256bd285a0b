"""Weights that are computed, by parametrizations and by the older weight_norm and spectral_norm: as in PyTorch, step by step."""
import copy
import importlib
import pickle

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.nn.utils import parametrizations, parametrize

torch = pytest.importorskip("torch")

LAYERS = [
    ("Linear(4, 3)", (5, 4)), ("Conv2d(2, 3, 3)", (2, 2, 5, 5)), ("Conv1d(2, 4, 3, groups=2)", (2, 2, 6)),
    ("ConvTranspose2d(2, 3, 3, bias=False)", (2, 2, 4, 4)), ("Bilinear(2, 3, 4)", [(5, 2), (5, 3)]), ("Embedding(6, 3)", None),
]
WAYS = [
    ("parametrizations.weight_norm", "()"), ("parametrizations.weight_norm", "(dim=None)"),
    ("parametrizations.weight_norm", "(dim=1)"), ("parametrizations.spectral_norm", "()"),
    ("parametrizations.spectral_norm", "(n_power_iterations=3, dim=1)"), ("weight_norm", "()"), ("weight_norm", "(dim=None)"),
    ("weight_norm", "(dim=1)"), ("spectral_norm", "()"), ("spectral_norm", "(n_power_iterations=3, dim=1)"),
]


def built(lib, layer, way, arguments):
    make = lib.nn.utils
    for name in way.split("."):
        make = getattr(make, name)
    module = eval(f"lib.nn.{layer}", {"lib": lib}).to(lib.float64)
    return eval(f"make(module, {arguments[1:]}", {"make": make, "module": module})


def pair(layer, way, arguments):
    """The same, of ours and of PyTorch's, with the same weights."""
    with pytest.warns(FutureWarning) if way == "weight_norm" else _nothing():
        theirs = built(torch, layer, way, arguments)
    ours = built(tl, layer, way, arguments)
    ours.load_state_dict({name: tl.from_numpy(x.numpy().copy()) for name, x in theirs.state_dict().items()})
    return ours, theirs


class _nothing:
    def __enter__(self): pass
    def __exit__(self, *_): pass


def inputs(lib, shape, seed=0):
    r = np.random.RandomState(seed)
    if shape is None:
        return [lib.from_numpy(r.randint(0, 6, 7))]
    return [lib.from_numpy(r.randn(*each)) for each in (shape if isinstance(shape, list) else [shape])]


def same_state(ours, theirs):
    mine, other = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(other)
    for name in other:
        np.testing.assert_allclose(mine[name].numpy(), other[name].numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("way, arguments", WAYS, ids=lambda x: x)
@pytest.mark.parametrize("layer, shape", LAYERS, ids=[layer for layer, _ in LAYERS])
def test_five_steps_of_training_and_one_in_use(layer, shape, way, arguments):
    pairs = pair(layer, way, arguments)
    ours, theirs = pairs
    optimizers = [lib.optim.SGD(m.parameters(), lr=0.1, momentum=0.9) for lib, m in zip((tl, torch), pairs)]
    for step in range(5):
        for lib, module, optimizer in zip((tl, torch), pairs, optimizers):
            optimizer.zero_grad()
            (module(*inputs(lib, shape, step)) ** 2).sum().backward()
            optimizer.step()
        same_state(ours, theirs)
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    ours.eval(), theirs.eval()
    mine, other = ours(*inputs(tl, shape)), theirs(*inputs(torch, shape))
    np.testing.assert_allclose(mine.detach().numpy(), other.detach().numpy(), rtol=1e-9)
    same_state(ours, theirs)                                    # in use nothing moves


@pytest.mark.parametrize("way", ["parametrizations.weight_norm", "parametrizations.spectral_norm"])
def test_gradients_and_second_derivatives(way):
    """As a gradient penalty takes them."""
    results = []
    for lib, module in zip((tl, torch), pair("Conv1d(2, 3, 2)", way, "()")):
        module.eval()
        x, = inputs(lib, (2, 2, 5))
        x.requires_grad_()
        g, = lib.autograd.grad(module(x).tanh().sum(), x, create_graph=True)
        (g.pow(2).sum(dim=(1, 2)).sqrt() - 1).pow(2).mean().backward()
        results.append([p.grad.numpy() for p in module.parameters()])
    for mine, other in zip(*results):
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-12)


def test_spectral_norm_divides_by_the_largest_singular_value():
    layer = parametrizations.spectral_norm(nn.Linear(6, 4, dtype=tl.float64), n_power_iterations=50)
    layer(tl.ones(1, 6, dtype=tl.float64))
    assert tl.linalg.svdvals(layer.weight)[0].item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("new", [True, False])
def test_weight_norm_starts_from_the_weight_and_can_be_taken_off(new):
    layer = nn.Linear(4, 3)
    before = layer.weight.clone()
    (parametrizations if new else nn.utils).weight_norm(layer)
    assert tl.allclose(layer.weight, before) and {n for n, _ in layer.named_parameters()} > {"bias"}
    if new:
        parametrize.remove_parametrizations(layer, "weight")
    else:
        nn.utils.remove_weight_norm(layer)
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter) and list(layer.state_dict()) == ["bias", "weight"]
    assert tl.allclose(layer.weight, before)
    layer(tl.ones(4)).sum().backward()
    assert layer.weight.grad is not None


def test_spectral_norm_can_be_taken_off():
    layer = nn.utils.spectral_norm(nn.Linear(4, 3))
    layer(tl.ones(4))
    weight = layer.weight.detach().clone()
    nn.utils.remove_spectral_norm(layer)
    assert isinstance(layer.weight, nn.Parameter) and tl.allclose(layer.weight, weight) and not list(layer.buffers())
    with pytest.raises(ValueError, match="not computed by SpectralNorm"):
        nn.utils.remove_spectral_norm(layer)


# ---- parametrizations of one's own ------------------------------------------------------------------------------
def programs(lib):
    """PyTorch's tutorial on parametrizations, and more, in a library: what there is to see."""
    parametrize, nn = importlib.import_module(f"{lib.__name__}.nn.utils.parametrize"), lib.nn
    r = np.random.RandomState(3)

    class Symmetric(nn.Module):
        def forward(self, x): return x.triu() + x.triu(1).transpose(-1, -2)
        def right_inverse(self, a): return a.triu()

    class MatrixExponential(nn.Module):
        def forward(self, x): return x.exp()
        def right_inverse(self, a): return a.log()

    class RankOne(nn.Module):
        def forward(self, x, y): return x.unsqueeze(-1) @ y.unsqueeze(-2)
        def right_inverse(self, z):
            return z[:, 0].clone(), z[0].clone()

    layer = nn.Linear(3, 3)
    with lib.no_grad():
        layer.weight.copy_(lib.from_numpy(r.rand(3, 3)))
        layer.bias.fill_(0.5)
    original = layer.weight
    parametrize.register_parametrization(layer, "weight", Symmetric())
    yield layer.parametrizations.weight.original is original
    yield layer.weight, layer.parametrizations.weight.original, list(layer.state_dict()), repr(layer), type(layer).__name__
    yield [parametrize.is_parametrized(layer, name) for name in (None, "weight", "bias")]
    parametrize.register_parametrization(layer, "weight", MatrixExponential())
    yield layer.weight, layer.parametrizations.weight.original, layer.parametrizations.weight[1].__class__.__name__
    a = lib.from_numpy(r.rand(3, 3).astype("float32"))
    layer.weight = a + a.T + 1
    yield layer.weight, layer.parametrizations.weight.original
    with parametrize.cached():
        yield layer.weight is layer.weight
    yield layer.weight is layer.weight
    layer(lib.ones(2, 3)).sum().backward()
    yield layer.parametrizations.weight.original.grad
    parametrize.remove_parametrizations(layer, "weight")
    yield type(layer) is nn.Linear, layer.weight, layer.weight is original, list(layer.state_dict()), repr(layer)
    parametrize.register_parametrization(layer, "weight", RankOne())
    yield layer.weight, list(layer.state_dict()), len(list(layer.parameters())), layer.parametrizations.weight.is_tensor
    norm = nn.BatchNorm1d(3)
    parametrize.register_parametrization(norm, "running_var", MatrixExponential())
    yield list(norm.state_dict()), [n for n, _ in norm.named_buffers()], norm.eval()(lib.ones(1, 3))
    rnn = nn.LSTM(2, 3)
    with lib.no_grad():
        for p in rnn.parameters():
            p.fill_(0.1)
    parametrize.register_parametrization(rnn, "weight_hh_l0", MatrixExponential(), unsafe=True)
    yield list(rnn.state_dict()), rnn(lib.ones(4, 1, 2))[0]


def plain(x):
    if isinstance(x, tuple):
        return [plain(each) for each in x]
    if isinstance(x, (tl.Tensor, torch.Tensor)):
        return type(x).__name__, str(x.dtype).rpartition(".")[2], x.requires_grad, x.detach().numpy().round(5).tolist()
    return x


def test_parametrizations_of_ones_own():
    for mine, other in zip(programs(tl), programs(torch), strict=True):
        assert plain(mine) == plain(other)


class Doubled(nn.Module):
    def forward(self, x): return 2 * x
    def right_inverse(self, y): return y / 2


def test_a_copy_has_parametrizations_of_its_own():
    """In PyTorch it shares the class with what it was copied from, and either one breaks when the other is changed."""
    layer = parametrize.register_parametrization(nn.Linear(3, 2), "weight", Doubled())
    twin = copy.deepcopy(layer)
    twin.weight = tl.zeros(2, 3)
    parametrize.register_parametrization(twin, "bias", Doubled())
    parametrize.remove_parametrizations(twin, "weight", leave_parametrized=False)
    assert twin.weight.tolist() == [[0] * 3] * 2 and layer.weight.abs().sum() > 0
    assert parametrize.is_parametrized(twin, "bias") and not parametrize.is_parametrized(layer, "bias")
    assert isinstance(layer.bias, nn.Parameter) and parametrize.is_parametrized(layer, "weight")
    parametrize.remove_parametrizations(twin, "bias")
    assert type(twin) is nn.Linear and type(layer).__name__ == "ParametrizedLinear" and isinstance(layer, nn.Linear)


def test_parametrized_layers_move_and_are_found_by_optimizers():
    layer = nn.Linear(3, 2)
    optimizer = tl.optim.SGD(layer.parameters(), lr=1.0)
    parametrize.register_parametrization(layer, "weight", Doubled())
    before = layer.weight.detach().clone()
    layer(tl.ones(1, 3)).sum().backward()
    optimizer.step()                                            # it has the same Parameter, which is now the original
    assert tl.allclose(layer.weight, before - 4)
    assert layer.double().weight.dtype == tl.float64 and layer.weight.requires_grad
    with pytest.raises(RuntimeError, match=r"original of shape \(3,\), which does not fit .* of shape \(2, 3\)"):
        layer.weight = tl.ones(3)


def test_mistakes():
    layer = nn.Linear(3, 2)

    class Transposed(nn.Module):
        def forward(self, x): return x.T

    with pytest.raises(ValueError, match="Transposed gives 'weight' of Linear the shape .3, 2.*it had .2, 3.*unsafe=True"):
        parametrize.register_parametrization(layer, "weight", Transposed())
    with pytest.raises(ValueError, match="Linear has no parameter, buffer or parametrized tensor 'wieght'"):
        parametrize.register_parametrization(layer, "wieght", Transposed())
    with pytest.raises(ValueError, match="'weight' of Linear is not parametrized"):
        parametrize.remove_parametrizations(layer, "weight")
    with pytest.raises(ValueError, match="positive, got 0"):
        nn.utils.spectral_norm(layer, n_power_iterations=0)
    assert type(layer) is nn.Linear and list(layer.state_dict()) == ["weight", "bias"]
    parametrizations.weight_norm(layer)
    with pytest.raises(ValueError, match="several originals"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    with pytest.raises(RuntimeError, match="save its state_dict"):
        pickle.dumps(layer)
    twice = nn.utils.weight_norm(nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="computed already"):
        nn.utils.spectral_norm(twice)
    with pytest.raises(AttributeError, match="linalg.qr"):
        parametrizations.orthogonal(nn.Linear(2, 2))
