"""Random numbers: the right shapes, types and errors (PyTorch's), the right distributions, and the same ones again for a seed."""
import copy
import pickle
import threading

import numpy as np
import pytest

import tinygrad_like as tl

from .same import same

SETUP = """
torch.manual_seed(0)
v = torch.tensor([0., 0.5, 1.]); i = torch.tensor([1, 2], dtype=torch.int32); m = torch.ones(2, 3)
x = torch.ones(2, requires_grad=True)
g = torch.Generator().manual_seed(3)
def like(x): return x.dtype, x.shape, x.requires_grad, x.device
"""


@pytest.mark.parametrize("line", [
    # what comes out: type, shape, whether it wants gradients
    "like(torch.rand(2, 3))", "like(torch.rand((2,)))", "like(torch.rand(size=(2,)))", "like(torch.rand(()))",
    "like(torch.rand(2, dtype=torch.float64))", "like(torch.rand(2, dtype=torch.float16))",
    "like(torch.rand(2, requires_grad=True))", "like(torch.rand(2, generator=g))", "like(torch.rand(0, 2))",
    "like(torch.randn(2, 3))", "like(torch.randn(size=(2,)))", "like(torch.randn(2, dtype=torch.float16))",
    "like(torch.randn(2, dtype=torch.complex64))", "like(torch.randint(3, (2,)))", "like(torch.randint(3, 9, (2,)))",
    "like(torch.randint(5, size=(2,)))", "like(torch.randint(low=0, high=5, size=(2, 2)))",
    "like(torch.randint(0, high=5, size=[2]))", "like(torch.randint(9, (2,), dtype=torch.float32))",
    "like(torch.randint(9, (2,), dtype=torch.uint8))", "like(torch.randint(9, (2,), generator=g))", "like(torch.randperm(4))",
    "like(torch.randperm(4, dtype=torch.int32))", "like(torch.randperm(0))", "like(torch.randperm(4, generator=g))",
    "like(torch.rand_like(x))", "like(torch.rand_like(i, dtype=torch.float32))", "like(torch.randn_like(m))",
    "like(torch.randn_like(v, requires_grad=True))", "like(torch.randint_like(v, 3))", "like(torch.randint_like(i, 1, 3))",
    "like(torch.normal(v, 1.))", "like(torch.normal(0., 1., (2, 3)))", "like(torch.normal(0, 1, size=(2,)))",
    "like(torch.normal(0., v))", "like(torch.normal(v, v))", "like(torch.normal(m, v))",
    "like(torch.normal(mean=v, std=0.5, generator=g))", "like(torch.bernoulli(v))", "like(torch.bernoulli(v, generator=g))",
    "like(torch.bernoulli(m, 0.5))", "like(v.bernoulli())", "like(v.bernoulli(p=0.5))", "like(torch.multinomial(v, 2))",
    "like(torch.multinomial(m, 5, replacement=True))", "like(v.multinomial(1))", "like(torch.multinomial(m, 2, generator=g))",
    "like(torch.poisson(v))", "like(torch.poisson(m, generator=g))", "like(m.uniform_(2, 3))", "like(m.normal_())",
    "like(m.exponential_())", "like(i.random_())", "like(i.random_(5))", "like(i.random_(3, 5))", "like(v.random_())",
    "like(m.log_normal_())", "like(m.cauchy_())", "like(m.geometric_(0.5))", "like(i.geometric_(0.5))", "like(m.bernoulli_(0.3))",
    "like(i.bernoulli_())", "like(m.bernoulli_(v))", "m.uniform_() is m", "like(torch.get_rng_state())[0]",
    "like(g.get_state())[0]", "g.initial_seed()", "torch.manual_seed(-1).initial_seed()", "torch.initial_seed()", "g.device",
    "torch.Generator(device='cpu').device", "g.manual_seed(4) is g", "torch.manual_seed(1.0).initial_seed()",
    # what is certain
    "torch.bernoulli(torch.tensor([0., 1., 1.]))", "torch.normal(v, 0.)", "torch.normal(v, 0 * v)", "torch.randint(3, 4, (3,))",
    "m.uniform_(2, 2)", "torch.randperm(1)", "torch.multinomial(torch.tensor([0., 1., 0.]), 1)",
    "torch.multinomial(torch.tensor([0., 1., 0.]), 3, replacement=True)", "m.normal_(3, 0)",
    "torch.multinomial(torch.tensor([[0., 1.], [2., 0.]]), 1)", "torch.multinomial(torch.tensor([0., 1., 1.]), 2).sort()[0]",
    "torch.poisson(torch.zeros(3))", "m.bernoulli_(1)", "m.bernoulli_(torch.tensor([0., 1., 0.]))", "torch.randint_like(i, 2, 3)",
    "m.geometric_(0.9999999) * 0 + 1",
    # errors
    "torch.rand()", "torch.rand(-1)", "torch.rand(2, dtype=torch.int64)", "torch.rand(2, generator=3)", "torch.rand_like(i)",
    "torch.randint(3, 3, (2,))", "torch.randint(3)", "torch.randint(3, (2,), requires_grad=True)", "torch.randperm(4.)",
    "torch.randperm(-1)", "torch.normal(0., -1., (2,))", "torch.normal(v, -v)", "torch.normal(0., 1.)", "torch.bernoulli(2 * v)",
    "torch.bernoulli(i)", "torch.bernoulli(v, 1.5)", "torch.multinomial(m, 5)", "torch.multinomial(torch.tensor([1., -1.]), 1)",
    "torch.multinomial(torch.tensor([1., float('nan')]), 1)", "torch.multinomial(torch.ones(2, 2, 2), 1)",
    "torch.multinomial(torch.zeros(2), 1)", "torch.multinomial(i, 1)", "torch.multinomial(v, 0)", "torch.poisson(-v)",
    "m.uniform_(2, 1)", "i.uniform_()", "i.random_(5, 3)", "i.random_(2**40)", "i.normal_()", "m.normal_(0, -1)", "x.uniform_()",
    "x.normal_()", "m.exponential_(-1)", "m.geometric_(2)", "i.exponential_()", "torch.manual_seed(2**64)", "g.set_state(v)",
    "torch.set_rng_state(3)", "torch.randint(0, 300, (2,), dtype=torch.uint8)",
])
def test_as_pytorch(line):
    same(line, SETUP)


def test_the_second_axis_of_weights_is_never_overrun():
    tl.manual_seed(0)
    weights = tl.tensor([[1e-9, 1.0, 0.0], [0.0, 1e-30, 0.0]])
    for replacement in (True, False):
        drawn = tl.multinomial(weights, 1, replacement)
        assert drawn.tolist() == [[1], [1]]
    assert tl.multinomial(weights, 1000, True).array.max() == 1


N = 40_000
DRAWS = {                                                       # what is drawn, its mean and its variance
    "rand": (lambda: tl.rand(N), 1 / 2, 1 / 12),
    "rand, float16": (lambda: tl.rand(N, dtype=tl.float16), 1 / 2, 1 / 12),
    "randn": (lambda: tl.randn(N), 0, 1),
    "randn, float16": (lambda: tl.randn(N, dtype=tl.float16), 0, 1),
    "randn, complex": (lambda: tl.randn(N, dtype=tl.complex64), 0, 1),
    "randint": (lambda: tl.randint(-2, 3, (N,)), 0, 2),
    "randperm": (lambda: tl.randperm(N), (N - 1) / 2, (N * N - 1) / 12),
    "normal": (lambda: tl.normal(3, 2, (N,)), 3, 4),
    "normal of tensors": (lambda: tl.normal(tl.full((N,), 3.0), tl.full((N,), 2.0)), 3, 4),
    "bernoulli": (lambda: tl.bernoulli(tl.full((N,), 0.3)), 0.3, 0.21),
    "bernoulli, p": (lambda: tl.zeros(N).bernoulli_(0.3), 0.3, 0.21),
    "poisson": (lambda: tl.poisson(tl.full((N,), 4.0)), 4, 4),
    "uniform_": (lambda: tl.zeros(N).uniform_(-1, 3), 1, 16 / 12),
    "normal_": (lambda: tl.zeros(N).normal_(1, 0.5), 1, 0.25),
    "exponential_": (lambda: tl.zeros(N).exponential_(2), 1 / 2, 1 / 4),
    "exponential_, float16": (lambda: tl.zeros(N, dtype=tl.float16).exponential_(2), 1 / 2, 1 / 4),
    "log_normal_": (lambda: tl.zeros(N).log_normal_(0, 0.25), np.exp(1 / 32), (np.exp(1 / 16) - 1) * np.exp(1 / 16)),
    "geometric_": (lambda: tl.zeros(N).geometric_(0.5), 2, 2),
    "random_": (lambda: tl.zeros(N, dtype=tl.int64).random_(7), 3, 4),
    "multinomial": (lambda: tl.multinomial(tl.tensor([1.0, 0.0, 1.0]), N, True), 1, 1),
    "multinomial, rows": (lambda: tl.multinomial(tl.tensor(np.repeat([[1.0, 2.0, 1.0]], N, 0)), 1), 1, 1 / 2),
}


@pytest.mark.parametrize("name", DRAWS)
def test_distributions(name):
    draw, mean, variance = DRAWS[name]
    tl.manual_seed(1)
    x = draw().numpy().ravel()
    x = x.astype("complex128" if x.dtype.kind == "c" else "float64")
    assert abs(x.mean() - mean) < 5 * (variance / N) ** 0.5
    assert abs(x.var() / variance - 1) < 0.06


def test_without_replacement_by_weight():
    """First i, then j of those that are left: wᵢ · wⱼ / (1 - wᵢ), for weights that sum to 1."""
    tl.manual_seed(2)
    pairs = tl.multinomial(tl.tensor(np.repeat([[1.0, 2.0, 3.0]], N, 0)), 2).numpy()
    assert (pairs[:, 0] != pairs[:, 1]).all()
    w = np.array([1, 2, 3]) / 6
    for i, j in [(0, 1), (1, 0), (2, 0), (2, 1)]:
        p = w[i] * w[j] / (1 - w[i])
        assert abs(((pairs[:, 0] == i) & (pairs[:, 1] == j)).mean() - p) < 5 * (p * (1 - p) / N) ** 0.5


def test_numbers_stay_in_their_interval():
    tl.manual_seed(0)
    for dtype in (tl.float16, tl.float32, tl.float64):
        x = tl.rand(200_000, dtype=dtype).array
        assert x.min() >= 0 and x.max() < 1
    assert tl.zeros(N, dtype=tl.uint8).random_().array.max() == 255 and tl.zeros(N, dtype=tl.bool).random_().array.mean() < 0.6
    assert tl.zeros(N, dtype=tl.float16).random_().array.max() <= 2048


def everything(generator=None):
    g = {"generator": generator}
    return [tl.rand(3, **g), tl.randn(3, **g), tl.randint(9, (3,), **g), tl.randperm(5, **g), tl.normal(0, 1, (2,), **g),
            tl.bernoulli(tl.full((3,), 0.5), **g),
            tl.multinomial(tl.ones(4), 2, **g), tl.poisson(tl.ones(3), **g), tl.zeros(2).uniform_(**g), tl.zeros(2).normal_(**g),
            tl.zeros(2).exponential_(**g), tl.zeros(2).random_(**g), tl.zeros(2).geometric_(0.5, **g),
            tl.rand_like(tl.ones(2), **g)]


def equal(a, b):
    return all(np.array_equal(x.array, y.array) for x, y in zip(a, b))


@pytest.mark.parametrize("mine", [False, True])
def test_a_seed_repeats_everything(mine):
    generator = tl.Generator() if mine else None
    seed = generator.manual_seed if mine else tl.manual_seed
    seed(7)
    first = everything(generator)
    seed(8)
    assert not equal(first, everything(generator))
    seed(7)
    assert equal(first, everything(generator))
    if mine:
        tl.manual_seed(7)                                       # both at the same point of the same sequence
        assert equal(first, everything())


def test_states():
    tl.manual_seed(3)
    tl.rand(5)                                                  # an odd number of float32: half a word is left over
    state = tl.get_rng_state()
    first = everything()
    tl.set_rng_state(state)
    assert equal(first, everything()) and tl.initial_seed() == 3
    g = tl.Generator().manual_seed(5)
    tl.rand(3, generator=g)
    others = [g.clone_state(), pickle.loads(pickle.dumps(g)), copy.deepcopy(g), tl.Generator().set_state(g.get_state())]
    wanted = tl.rand(4, generator=g).tolist()
    assert all(tl.rand(4, generator=o).tolist() == wanted for o in others)
    assert all(o.initial_seed() == 5 for o in others)
    with tl.fork_rng():
        tl.manual_seed(0)
        inside = tl.rand(2)
    tl.set_rng_state(state)
    with tl.fork_rng():
        tl.manual_seed(0)
        assert equal([inside], [tl.rand(2)])
    assert equal(first, everything())


def test_unforeseen_seeds_differ_and_repeat():
    a, b = tl.seed(), tl.seed()
    first = tl.rand(3)
    assert a != b and tl.initial_seed() == b
    tl.manual_seed(b)
    assert equal([first], [tl.rand(3)])
    g = tl.Generator()
    assert g.initial_seed() != tl.Generator().initial_seed() and g.seed() == g.initial_seed()


def test_negative_seeds_as_pytorch_counts_them():
    assert tl.manual_seed(-1).initial_seed() == 2**64 - 1
    with pytest.raises(ValueError, match="64 bits"):
        tl.manual_seed(-2**63 - 1)


def test_new_values_in_place_are_noticed():
    w = tl.ones(2, requires_grad=True)
    c = tl.ones(2)
    loss = (w * c).sum()
    c.uniform_()
    with pytest.raises(RuntimeError, match="uniform_"):
        loss.backward()
    with tl.no_grad():
        assert w.normal_() is w and w.requires_grad and w.is_leaf
    y = w * 2
    y.uniform_()                                                # its history is overwritten with its values
    assert not y.requires_grad
    base = tl.zeros(2, 3)
    base[1].fill_(2).bernoulli_(1)
    assert base.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_samples_are_constants():
    """Where PyTorch has a history through which only zeros flow."""
    x = tl.full((2,), 0.5, requires_grad=True)
    assert not any(y.requires_grad for y in (tl.normal(x, 1.0), tl.normal(0.0, x), tl.bernoulli(x), tl.poisson(x)))
    y = x * 1.0
    assert (x + x * tl.randn_like(x)).requires_grad and not tl.rand_like(y).requires_grad


def test_threads_draw_whole_numbers():
    tl.manual_seed(0)
    results = []
    threads = [threading.Thread(target=lambda: results.append(tl.rand(1000).tolist())) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len({x for part in results for x in part}) > 7900
