"""vjp, jvp, jacobian, hessian, hvp and checkpoint: against matrices written by hand, and against PyTorch where it is installed."""
import gc

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd
from tinygrad_like.derivatives import checkpoint, hessian, hvp, jacobian, jvp, vhp, vjp

RNG = np.random.default_rng(0)


def tensor(*shape):
    return tl.tensor(RNG.standard_normal(shape))


def matrix(x):
    return x.detach().numpy()


A = RNG.standard_normal((3, 2))


def linear(x):
    return tl.tensor(A) @ x


def cubes(x, y):
    return (x * x * x) @ y, x.sum()


def test_the_jacobian_of_a_linear_function_is_its_matrix():
    assert np.allclose(matrix(jacobian(linear, tensor(2))), A, atol=1e-15)


def test_vjp_and_jvp_multiply_by_the_matrix_from_either_side():
    x, v, u = tensor(2), tensor(3), tensor(2)
    y, left = vjp(linear, x, v)
    assert np.allclose(matrix(left), matrix(v) @ A) and np.allclose(matrix(y), A @ matrix(x)) and not y.requires_grad
    y, right = jvp(linear, x, u)
    assert np.allclose(matrix(right), A @ matrix(u)) and not right.requires_grad


def test_the_hessian_of_a_quadratic_form_is_its_symmetric_part_twice():
    square = tl.tensor(RNG.standard_normal((3, 3)))

    def form(x):
        return x @ (square @ x)

    x, v = tensor(3), tensor(3)
    expected = matrix(square) + matrix(square).T
    assert np.allclose(matrix(hessian(form, x)), expected)
    for product in (hvp, vhp):
        value, h = product(form, x, v)
        assert np.allclose(matrix(h), expected @ matrix(v)) and np.allclose(matrix(value), matrix(form(x)))


def test_several_inputs_and_outputs_give_nested_tuples():
    x, y = tensor(4, 3), tensor(3)
    by_output = jacobian(cubes, (x, y))
    assert [[tuple(j.shape) for j in row] for row in by_output] == [[(4, 4, 3), (4, 3)], [(4, 3), (3,)]]
    assert not by_output[1][1].any()                             # x.sum() does not depend on y
    with pytest.raises(RuntimeError, match="does not depend on input 1"):
        jacobian(cubes, (x, y), strict=True)


@pytest.mark.parametrize("name", ["jacobian", "vjp", "jvp", "hessian", "hvp", "vhp"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_the_same_as_pytorch(name, create_graph):
    torch = pytest.importorskip("torch")

    def f(x, y):
        return (x * x * y).sum() * x.sum() if name in ("hessian", "hvp", "vhp") else ((x * y) @ y, (x * x).sum())

    x, y = RNG.standard_normal((2, 3)), RNG.standard_normal(3)
    v = {"jvp": (x + 1, y + 1), "hvp": (x + 1, y + 1), "vhp": (x + 1, y + 1), "vjp": (np.array([1.0, -2]), np.array(3.0))}.get(name)
    results = []
    for library, functions in ((tl, globals()), (torch, vars(torch.autograd.functional))):
        inputs = tuple(library.tensor(a, requires_grad=create_graph) for a in (x, y))
        extra = [] if v is None else [tuple(library.tensor(a) for a in v)]
        out = functions[name](f, inputs, *extra, create_graph=create_graph)
        flat = list(flatten(out))
        if create_graph:
            results.append(library.autograd.grad(sum((t * t).sum() for t in flat), inputs))
        else:
            results.append(flat)
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results, strict=True):
        assert np.allclose(matrix(ours), theirs.detach().numpy(), rtol=1e-12)


def test_pytorchs_names_for_the_same():
    import tinygrad_like.autograd.functional as functional
    from tinygrad_like.autograd.functional import hessian as also
    from tinygrad_like.utils.checkpoint import checkpoint as too
    assert functional.jacobian is jacobian is autograd.functional.jacobian is tl.jacobian
    assert also is hessian and too is checkpoint
    assert autograd.gradcheck(linear, (tensor(2).requires_grad_(),))
    with pytest.raises(AttributeError, match="subclass Op"):
        autograd.Function.apply()


def flatten(x):
    if isinstance(x, (tuple, list)):
        for each in x:
            yield from flatten(each)
    else:
        yield x


def test_what_is_not_offered_and_what_makes_no_sense_is_refused():
    x = tensor(2)
    with pytest.raises(NotImplementedError, match="vectorize"):
        jacobian(linear, x, vectorize=True)
    with pytest.raises(RuntimeError, match="one number"):
        hessian(linear, x)
    with pytest.raises(RuntimeError, match="vector of the shape"):
        vjp(linear, x)
    with pytest.raises(RuntimeError, match="must agree"):
        jvp(linear, x, tensor(3))


# ---- checkpoint -------------------------------------------------------------------------------------------------
def deep(x, w):
    for _ in range(4):
        x = (x @ w).relu()
    return x


def run(function, x, w, **kwargs):
    x, w = x.detach().requires_grad_(), w.detach().requires_grad_()
    out = function(x, w, **kwargs)
    return out, x, w


def test_checkpointing_changes_no_gradient_to_second_order():
    x, w = tensor(3, 4), tensor(4, 4)
    results = []
    for function in (deep, lambda x, w: checkpoint(deep, x, w, use_reentrant=False)):
        out, a, b = run(function, x, w)
        ga, gb = autograd.grad((out * out).sum(), [a, b], create_graph=True)
        results.append([out, ga, gb, *autograd.grad((ga * ga).sum() + gb.sum(), [a, b])])
    for plain, checkpointed in zip(*results, strict=True):
        assert np.array_equal(matrix(plain), matrix(checkpointed))


def test_checkpointing_keeps_nothing_and_reaches_what_the_function_closes_over():
    w = tensor(4, 4).requires_grad_()
    x = tensor(3, 4)
    out = checkpoint(lambda x: deep(x, w), x)                    # x wants no gradient; w is not an argument
    node = out.node
    while node is not None and node.op is not None:
        assert not isinstance(node.kept, dict)
        node = next((parent for parent in node.parents if parent is not None and parent.op is not None), None)
    out.sum().backward()
    expected, = autograd.grad(deep(x, w).sum(), [w])
    assert np.array_equal(matrix(w.grad), matrix(expected))


def test_random_numbers_are_drawn_again_the_same():
    def noisy(x):
        return x * tl.rand(5)

    x = tl.ones(5, requires_grad=True)
    out = checkpoint(noisy, x)
    after = tl.rand(3)
    out.sum().backward()
    assert np.array_equal(matrix(x.grad), matrix(out))           # d(x·r)/dx = r, which is out at x = 1
    assert not np.array_equal(matrix(after), matrix(tl.rand(3)))


def test_a_function_that_does_something_else_the_second_time_is_caught():
    calls = []

    def fickle(x):
        calls.append(1)
        return x * x if len(calls) == 1 else x * x * x

    out = checkpoint(fickle, tensor(3).requires_grad_())
    with pytest.raises(RuntimeError, match="did something else"):
        out.sum().backward()


def test_a_sequence_in_segments():
    from tinygrad_like import nn
    from tinygrad_like.utils.checkpoint import checkpoint_sequential
    layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, results = tensor(5, 3), []
    for run in (layers, *[lambda x, n=n: checkpoint_sequential(layers, n, x, use_reentrant=False) for n in (1, 2, 5)],
                lambda x: checkpoint_sequential([*layers], 3, x)):
        layers.zero_grad()
        out = run(x)
        out.sum().backward()
        results.append([matrix(out)] + [matrix(p.grad) for p in layers.parameters()])
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other))
    from tinygrad_like.derivatives import Forgotten
    assert type(checkpoint_sequential(layers, 5, x).node.kept) is not Forgotten     # the last segment keeps what it needs
    with pytest.raises(ValueError, match="segments is between 1 and 5, the number of functions, got 6"):
        checkpoint_sequential(layers, 6, x)


def test_a_checkpoint_that_is_dropped_leaves_nothing_for_the_collector():
    x = tensor(3, 4).requires_grad_()
    w = tensor(4, 4).requires_grad_()
    gc.collect()
    gc.disable()
    try:
        checkpoint(deep, x, w)
        checkpoint(deep, x, w).sum().backward()
        assert gc.collect() == 0
    finally:
        gc.enable()
