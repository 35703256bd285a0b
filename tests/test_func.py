"""torch.func's functional_call, grad and grad_and_value: as in PyTorch, and inside one another."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.func import functional_call, grad, grad_and_value

RNG = np.random.RandomState(0)
WEIGHTS = [RNG.randn(4, 3), RNG.randn(4), RNG.rand(4), RNG.randn(4), RNG.randn(2, 4), RNG.randn(2)]
X, Y = RNG.randn(5, 3), RNG.randn(5, 2)


def net(lib):
    model = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.BatchNorm1d(4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).to(lib.float64).eval()
    with lib.no_grad():
        for parameter, value in zip(model.parameters(), WEIGHTS):
            parameter.copy_(lib.from_numpy(value))
    return model


def programs(lib):
    from importlib import import_module
    func = import_module(f"{lib.__name__}.func")
    model, x, y = net(lib), lib.from_numpy(X), lib.from_numpy(Y)
    params, buffers = dict(model.named_parameters()), dict(model.named_buffers())

    def loss(params, x, y):
        return ((func.functional_call(model, (params, buffers), (x,)) - y) ** 2).mean()

    halves = {name: p.detach() / 2 for name, p in params.items()}
    yield func.functional_call(model, halves, x), model(x)
    yield func.functional_call(model, {"3.bias": lib.ones(2, dtype=lib.float64)}, args=(), kwargs={"input": x})
    yield func.grad(loss)(halves, x, y)
    yield func.grad(loss, argnums=(0, 1))(halves, x, y), func.grad(loss, argnums=-2)(halves, x, y)
    yield func.grad_and_value(loss)(halves, x, y)
    yield func.grad_and_value(lambda x: (x.sum() ** 2, {"twice": 2 * x}), has_aux=True)(x)
    yield func.grad(func.grad(lambda x: x ** 3))(lib.tensor(2.0)), func.grad(lambda x, y: y.sum())(x, y)
    yield func.grad(lambda xs: (xs[0] * xs[1]["b"]).sum())([x, {"b": x + 1}])

    # MAML: a step inside, whose derivative by the weights before the step is taken outside
    for _ in range(2):
        step = func.grad(loss)(params, x, y)
        after = {name: p - 0.1 * step[name] for name, p in params.items()}
        outer = loss(after, x + 1, y)
        outer.backward()
    yield {name: p.grad for name, p in params.items()}, outer
    yield func.grad(lambda p: loss({name: p[name] - 0.1 * g for name, g in func.grad(loss)(p, x, y).items()}, x, y))(halves)


def plain(x):
    if isinstance(x, dict):
        return {name: plain(each) for name, each in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(each) for each in x]
    return x.requires_grad, x.detach().numpy()


def compare(mine, other):
    assert type(mine) is type(other)
    if isinstance(mine, dict):
        assert list(mine) == list(other)
        mine, other = list(mine.values()), list(other.values())
    if isinstance(mine, list):
        assert len(mine) == len(other)
        for a, b in zip(mine, other):
            compare(a, b)
    else:
        assert mine[0] == other[0]
        np.testing.assert_allclose(mine[1], other[1], rtol=1e-9, atol=1e-12)


def test_as_in_pytorch():
    torch = pytest.importorskip("torch")
    for mine, other in zip(programs(tl), programs(torch), strict=True):
        compare(plain(mine), plain(other))


def test_the_module_is_as_it_was_whatever_happens():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    before = dict(model.named_parameters())
    with pytest.raises(RuntimeError, match="does not fit"):
        functional_call(model, {"0.weight": tl.ones(2, 3)}, tl.ones(4))
    assert all(p is before[name] for name, p in model.named_parameters())


def test_tied_weights_change_together():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x):
            return self.second(self.first(x))

    tied, x, weight = Tied(), tl.ones(2), 2 * tl.eye(2)
    assert functional_call(tied, {"first.weight": weight}, x).tolist() == [4, 4]
    assert functional_call(tied, {"second.weight": weight}, x).tolist() == [4, 4]
    with tl.no_grad():
        tied.first.weight.copy_(tl.eye(2))
    assert functional_call(tied, {"second.weight": weight}, x, tie_weights=False).tolist() == [2, 2]
    with pytest.raises(ValueError, match="first.weight.*second.weight.*two different"):
        functional_call(tied, {"first.weight": weight, "second.weight": weight + 1}, x)


def test_statistics_go_to_the_buffers_that_were_given():
    norm = nn.BatchNorm1d(2, momentum=1.0)
    given = {"running_mean": tl.zeros(2), "running_var": tl.ones(2), "num_batches_tracked": tl.tensor(0)}
    functional_call(norm, given, tl.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert given["running_mean"].tolist() == [2, 3] and given["num_batches_tracked"].item() == 1
    assert norm.running_mean.tolist() == [0, 0] and norm.num_batches_tracked.item() == 0


def test_mistakes():
    model = nn.Linear(3, 2)
    with pytest.raises(RuntimeError, match="Linear has no parameter or buffer 'wieght': did you mean 'weight'"):
        functional_call(model, {"wieght": tl.ones(2, 3)}, tl.ones(3))
    with pytest.raises(RuntimeError, match="strict=True.*'bias'"):
        functional_call(model, {"weight": tl.ones(2, 3)}, tl.ones(3), strict=True)
    with pytest.raises(ValueError, match="'bias' is in two of the dicts"):
        functional_call(model, ({"bias": tl.ones(2)}, {"bias": tl.ones(2)}), tl.ones(3))
    with pytest.raises(RuntimeError, match="one number.*shape .2,"):
        grad(lambda x: x)(tl.ones(2))
    with pytest.raises(TypeError, match="argument 0.*no floating-point tensor"):
        grad(lambda x: x)(2.0)
    with pytest.raises(IndexError, match="argnums is 1.*1 argument"):
        grad_and_value(lambda x: x, argnums=1)(tl.tensor(1.0))
    with pytest.raises(TypeError, match="has_aux.*a pair"):
        grad(lambda x: x, has_aux=True)(tl.tensor(1.0))
