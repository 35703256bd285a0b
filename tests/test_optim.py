"""Optimizers take PyTorch's steps: for each of them, with its options, in groups, and after a resume from a file."""
import copy
import gc
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, optim
from tinygrad_like.backend import xp

try:
    import torch
except ImportError:
    torch = None
needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is the oracle")

SHAPES = [(3, 4), (), (5,), (0, 2), (2, 3, 2)]
OPTIONS = [
    "SGD()", "SGD(lr=0.1)", "SGD(lr=0.1, momentum=0.9)", "SGD(lr=0.1, momentum=0.9, dampening=0.3)",
    "SGD(lr=0.1, momentum=0.9, nesterov=True)", "SGD(lr=0.1, weight_decay=0.2)", "SGD(lr=0.1, weight_decay=0.2, maximize=True)",
    "SGD(0.1, 0.8, 0.1, 0.2, maximize=True)", "SGD(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True, maximize=True)",
    "Adam()", "Adam(lr=0.1)", "Adam(0.05, (0.8, 0.95), 1e-3)", "Adam(lr=0.1, weight_decay=0.1)", "Adam(lr=0.1, amsgrad=True)",
    "Adam(lr=0.1, weight_decay=0.1, amsgrad=True, maximize=True)", "Adam(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)",
    "AdamW()", "AdamW(lr=0.1, weight_decay=0.2)", "AdamW(lr=0.1, amsgrad=True, maximize=True)", "AdamW(0.1, (0.0, 0.5), 1e-4, 0.0)",
    "RMSprop()", "RMSprop(lr=0.1)", "RMSprop(0.1, 0.8, 1e-3, 0.1, 0.9, True)", "RMSprop(lr=0.1, centered=True, maximize=True)",
    "RMSprop(lr=0.1, momentum=0.5, weight_decay=0.2)",
    "Adagrad()", "Adagrad(lr=0.3, lr_decay=0.1)", "Adagrad(lr=0.3, weight_decay=0.1, initial_accumulator_value=0.5, maximize=True)",
    "Adadelta()", "Adadelta(lr=0.5, rho=0.7, eps=1e-3)", "Adadelta(weight_decay=0.1, maximize=True)",
    "Adamax()", "Adamax(lr=0.1, betas=(0.7, 0.8))", "Adamax(lr=0.1, eps=0.1, weight_decay=0.1, maximize=True)",
    "ASGD()", "ASGD(lr=0.1, lambd=0.1, alpha=0.5, t0=5)", "ASGD(lr=0.1, weight_decay=0.1, maximize=True)",
    "Rprop()", "Rprop(lr=0.1, etas=(0.3, 1.5), step_sizes=(0.05, 0.4))", "Rprop(maximize=True)",
    "NAdam()", "NAdam(lr=0.1, momentum_decay=0.1)", "NAdam(lr=0.1, weight_decay=0.1, maximize=True)",
    "NAdam(0.1, (0.8, 0.9), weight_decay=0.1, decoupled_weight_decay=True)",
    "RAdam()", "RAdam(lr=0.1, betas=(0.8, 0.9))", "RAdam(lr=0.1, betas=(0.8, 0.95), weight_decay=0.1, maximize=True)",
    "RAdam(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)", "RAdam(0.1, (0.5, 0.3))",
]
KINDS = sorted({line.partition("(")[0] for line in OPTIONS})
DECAY = {kind: {} if kind == "Rprop" else {"weight_decay": 0.1} for kind in KINDS}      # which has none
with_options = pytest.mark.parametrize("line", OPTIONS)
of_each_kind = pytest.mark.parametrize("kind", KINDS)


def construct(line, params, library=tl):
    """The optimizer of a line such as "SGD(lr=0.1)", for these parameters."""
    name, _, rest = line.partition("(")
    return eval(f"optim.{name}(params, {rest}", {"optim": library.optim, "params": params})


def parameters(library=tl, dtype="float64", shapes=SHAPES, **kwargs):
    random = np.random.default_rng(0)
    return [library.tensor(np.asarray(random.standard_normal(shape), dtype), requires_grad=True, **kwargs) for shape in shapes]


def give_gradients(params, step, library=tl, sometimes=True):
    """A gradient for each parameter, which depends on where it is and on the step; every now and then, none."""
    random = np.random.default_rng(step)
    for i, p in enumerate(params):
        noise = np.asarray(random.standard_normal(tuple(p.shape)))
        p.grad = None
        if not (sometimes and (step + i) % 7 == 3):
            w = p.detach()
            p.grad = w.cos() + library.tensor(noise, dtype=w.dtype, device=w.device)


def train(optimizer, params, steps, library=tl, sometimes=True):
    for step in steps:
        give_gradients(params, step, library, sometimes)
        optimizer.step()


def values(params):
    return [np.array(p.detach().cpu().numpy()) for p in params]


def agree(ours, theirs, tolerance=1e-10):
    for x, y in zip(values(ours), values(theirs), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def in_groups(params, library):
    """Two groups: the second has options of its own."""
    return [{"params": params[:2]}, {"params": params[2:], "lr": 0.02, "maximize": True}]


@pytest.fixture
def in_float64():
    """Counters are kept in float64, so that a resume in PyTorch, which casts NAdam's product, is exact."""
    tl.set_default_dtype(tl.float64)
    torch.set_default_dtype(torch.float64)
    yield
    tl.set_default_dtype(tl.float32)
    torch.set_default_dtype(torch.float32)


# ---- trajectories -----------------------------------------------------------------------------------------------
@needs_torch
@pytest.mark.parametrize("groups", [lambda params, library: params, in_groups], ids=["one group", "two groups"])
@with_options
def test_the_steps_are_pytorchs(line, groups):
    ours, theirs = parameters(tl), parameters(torch)
    mine, other = construct(line, groups(ours, tl)), construct(line, groups(theirs, torch), torch)
    for step in range(25):
        train(mine, ours, [step])
        train(other, theirs, [step], torch)
        agree(ours, theirs)
    here, there = mine.state_dict(), other.state_dict()
    assert here["param_groups"] == there["param_groups"]
    for i, state in there["state"].items():
        assert set(here["state"].get(i, ())) == set(state)
        for name, value in state.items():
            assert str(here["state"][i][name].dtype).rpartition(".")[2] == str(value.dtype).rpartition(".")[2]
            np.testing.assert_allclose(here["state"][i][name].numpy(), value.numpy(), rtol=1e-10, atol=1e-10, err_msg=name)


@needs_torch
@of_each_kind
def test_complex_parameters(kind):
    made = []
    for library in tl, torch:
        random = np.random.default_rng(0)
        params = [library.tensor(random.standard_normal(shape) + 1j * random.standard_normal(shape), requires_grad=True)
                  for shape in ((3, 2), ())]
        optimizer = getattr(library.optim, kind)(params, lr=0.1, **DECAY[kind])
        train(optimizer, params, range(10), library)
        made.append(params)
    agree(*made)


@of_each_kind
def test_the_pieces_of_large_parameters_are_updated_alike(kind, monkeypatch):
    """Whatever the layout of parameter and gradient in memory."""
    results = []
    for piece in (10**9, 7):
        monkeypatch.setattr(backend, "PIECE", piece)
        random = np.random.default_rng(0)
        whole = random.standard_normal((6, 10, 4))
        arrays = [whole[0].copy(), whole[1].T.copy().T, whole[:, ::2, 1].copy(), whole.transpose(2, 0, 1).copy().transpose(1, 2, 0),
                  whole.copy()[::2, 1::3], random.standard_normal((40, 1, 3))[:, :, :2]]
        params = [tl.Tensor(x).detach().requires_grad_() for x in arrays]
        for p, x in zip(params, arrays):
            p.array = x                                         # with the layout that it has
        optimizer = getattr(optim, kind)(params, lr=0.1, **DECAY[kind])
        for step in range(3):
            give_gradients(params, step, sometimes=False)
            if step == 1:
                for p in params:
                    p.grad.array = np.asarray(p.grad.array.T.copy().T)
            optimizer.step()
        results.append(values(params))
    for x, y in zip(*results):
        np.testing.assert_allclose(x, y, rtol=1e-13)


@of_each_kind
def test_float32_stays_float32(kind):
    params = parameters(dtype="float32")
    arrays = [p.array for p in params]
    optimizer = getattr(optim, kind)(params, lr=np.float64(0.1), **{key: np.float64(x) for key, x in DECAY[kind].items()})
    train(optimizer, params, range(3))
    for p, array in zip(params, arrays):
        assert p.array is array and array.dtype == "float32"
        for value in optimizer.state[p].values():
            assert value.array.dtype == "float32"


@of_each_kind
def test_gradients_are_not_modified(kind):
    params = parameters()
    optimizer = getattr(optim, kind)(params, lr=0.1, maximize=True, **DECAY[kind])
    for step in range(3):
        give_gradients(params, step)
        before = [None if p.grad is None else p.grad.array.copy() for p in params]
        optimizer.step()
        for p, g in zip(params, before):
            assert (p.grad is None) == (g is None)
            if g is not None:
                np.testing.assert_array_equal(p.grad.array, g)
                assert not any([np.shares_memory(p.grad.array, x.array) for x in [p, *optimizer.state[p].values()]])


@of_each_kind
def test_memory_does_not_grow(kind):
    params = parameters(shapes=[(100, 100), (100,)])
    optimizer = getattr(optim, kind)(params)
    give_gradients(params, 0, sometimes=False)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        alive = []
        for steps in 5, 50:
            for _ in range(steps):
                optimizer.step()
            alive.append(tracemalloc.get_traced_memory()[0])
        grown = alive[1] - alive[0]
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 20_000, f"{grown} bytes more after 50 steps"


# ---- to and from files ------------------------------------------------------------------------------------------
def converted(x, to):
    """A state_dict of one library with tensors of the other."""
    if isinstance(x, dict):
        return {key: converted(value, to) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)([converted(value, to) for value in x])
    if type(x).__name__ in ("Tensor", "Parameter"):
        return to.tensor(np.array(x.detach().numpy()))
    return x


LIBRARIES = {"here": tl, "PyTorch": torch}


@needs_torch
@pytest.mark.parametrize("source, target", [("here", "here"), ("PyTorch", "here"), ("here", "PyTorch")])
@with_options
def test_a_training_resumes_exactly(line, source, target, in_float64):
    source, target = LIBRARIES[source], LIBRARIES[target]
    params = parameters(source)
    optimizer = construct(line, in_groups(params, source), source)
    train(optimizer, params, range(10), source)
    saved = copy.deepcopy(converted(optimizer.state_dict(), target))
    loaded = [target.tensor(x, requires_grad=True) for x in values(params)]
    resumed = construct(line, in_groups(loaded, target), target)
    resumed.load_state_dict(saved)
    train(optimizer, params, range(10, 20), source)
    train(resumed, loaded, range(10, 20), target)
    agree(loaded, params, 0 if source is target else 1e-10)
    assert optimizer.state_dict()["param_groups"] == resumed.state_dict()["param_groups"]


@of_each_kind
def test_a_training_resumes_exactly_in_float32(kind):
    params = parameters(dtype="float32")
    optimizer = getattr(optim, kind)(params)
    train(optimizer, params, range(5))
    loaded = [p.detach().clone().requires_grad_() for p in params]
    resumed = getattr(optim, kind)(loaded, lr=123.0)
    resumed.load_state_dict(optimizer.state_dict())             # copies: the two do not disturb each other
    for step in range(5, 9):
        train(optimizer, params, [step])
        train(resumed, loaded, [step])
    agree(params, loaded, 0)


@of_each_kind
def test_copies_and_pickles_go_on_alike(kind):
    params = parameters()
    optimizer = getattr(optim, kind)(params)
    optimizer.register_step_pre_hook(lambda *args: None)        # which no pickle could hold
    train(optimizer, params, range(3))
    for make in copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x)):
        other = make(optimizer)
        copies = other.param_groups[0]["params"]
        train(other, copies, range(3, 5))
        originals = [p.detach().clone().requires_grad_() for p in params]
        again = getattr(optim, kind)(originals)
        again.load_state_dict(optimizer.state_dict())
        train(again, originals, range(3, 5))
        agree(copies, originals, 0)


def test_a_loaded_state_has_the_dtype_of_its_parameters():
    params = parameters(dtype="float64")
    optimizer = optim.Adam(params)
    train(optimizer, params, range(2))
    single = parameters(dtype="float32")
    other = optim.Adam(single)
    other.load_state_dict(optimizer.state_dict())
    state = other.state[single[0]]
    assert [state[name].dtype for name in ("step", "exp_avg", "exp_avg_sq")] == [tl.float32] * 3
    assert optimizer.state[params[0]]["exp_avg"].dtype == tl.float64


def test_how_pytorch_computes_is_not_loaded():
    params = parameters()
    optimizer = optim.Adam(params)
    train(optimizer, params, range(1))
    saved = optimizer.state_dict()
    saved["param_groups"][0].update(fused=True, capturable=True, foreach=True, lr=tl.tensor(0.5), mine="kept")
    optimizer.load_state_dict(saved)
    group = optimizer.param_groups[0]
    assert (group["fused"], group["capturable"], group["foreach"]) == (None, False, None)
    assert group["lr"] == 0.5 and type(group["lr"]) is float and group["mine"] == "kept"


def test_steps_that_are_plain_numbers_can_be_loaded():
    """Files of early versions of PyTorch have these."""
    params = parameters()
    optimizer = optim.NAdam(params)
    train(optimizer, params, range(3), sometimes=False)
    saved = copy.deepcopy(optimizer.state_dict())
    for state in saved["state"].values():
        state.update(step=3, mu_product=state["mu_product"].item())
    copies = [p.detach().clone().requires_grad_() for p in params]
    other = optim.NAdam(copies)
    other.load_state_dict(saved)
    train(optimizer, params, range(3, 6)), train(other, copies, range(3, 6))
    agree(params, copies, 1e-15)


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing():
    params = parameters(shapes=[(2, 3), (4,)])
    optimizer = optim.Adam(params)
    train(optimizer, params, range(2), sometimes=False)
    saved = optimizer.state_dict()
    other = optim.Adam(params[::-1], lr=0.5)
    with pytest.raises(ValueError, match="'exp_avg' of parameter 0 has shape .2, 3., and the parameter .4,.: are the parameters"):
        other.load_state_dict(saved)
    with pytest.raises(ValueError, match="2 parameters in group 0, and this optimizer 1"):
        optim.Adam(params[:1]).load_state_dict(saved)
    with pytest.raises(ValueError, match="different number of parameter groups: 1, and this optimizer has 2"):
        optim.Adam([{"params": params[:1]}, {"params": params[1:]}]).load_state_dict(saved)
    assert not other.state and other.param_groups[0]["lr"] == 0.5
    if torch is not None:
        saved["state"][0]["exp_avg"] = torch.zeros(2, 3)
        with pytest.raises(TypeError, match="torch.Tensor: make a tensor of it first"):
            optimizer.load_state_dict(saved)


# ---- L-BFGS -----------------------------------------------------------------------------------------------------
BFGS = ["", "lr=0.3", "max_iter=5", "history_size=3", "line_search_fn='strong_wolfe'",
        "lr=0.1, line_search_fn='strong_wolfe', max_iter=4",
        "line_search_fn='strong_wolfe', history_size=2, max_eval=9", "tolerance_grad=0.3", "tolerance_change=0.01"]


def valley(library, start=None):
    """A long bent valley, of two parameters, and the closure that L-BFGS asks for."""
    x, y = [library.tensor(v, dtype=library.float64, requires_grad=True) for v in start or ([-1.2, 0.5], [[1.0], [2.0]])]
    unused = library.zeros(1, dtype=library.float64, requires_grad=True)

    def closure():
        x.grad = y.grad = None
        loss = (10 * (y.reshape(2) - x * x) ** 2 + (1 - x) ** 2).sum()
        loss.backward()
        return loss
    return [x, unused, y], closure


@needs_torch
@pytest.mark.parametrize("options", BFGS)
def test_lbfgs_takes_pytorchs_steps(options):
    made = [valley(library) for library in (tl, torch)]
    mine, other = [eval(f"library.optim.LBFGS(params, {options})", {"library": library, "params": params})
                   for library, (params, _) in zip((tl, torch), made)]
    for _ in range(5):
        losses = [optimizer.step(closure).item() for optimizer, (_, closure) in zip((mine, other), made)]
        np.testing.assert_allclose(*losses, rtol=1e-7, atol=1e-12)
        agree(made[0][0], made[1][0], 1e-7)
    for key in "func_evals", "n_iter":
        assert mine.state[made[0][0][0]][key] == other.state[made[1][0][0]][key]


@needs_torch
@pytest.mark.parametrize("source, target", [("here", "here"), ("PyTorch", "here"), ("here", "PyTorch")])
def test_lbfgs_resumes(source, target):
    source, target = LIBRARIES[source], LIBRARIES[target]
    params, closure = valley(source)
    first = source.optim.LBFGS(params, max_iter=4, line_search_fn="strong_wolfe")
    first.step(closure)
    again, closure_again = valley(target, [x.tolist() for x in values([params[0], params[2]])])
    second = target.optim.LBFGS(again, max_iter=4, line_search_fn="strong_wolfe")
    second.load_state_dict(copy.deepcopy(converted(first.state_dict(), target)))
    for _ in range(2):
        first.step(closure), second.step(closure_again)
        agree(params, again, 0 if source is target else 1e-9)


def test_lbfgs_finds_the_bottom():
    params, closure = valley(tl)
    optimizer = optim.LBFGS(params, line_search_fn="strong_wolfe")
    for _ in range(4):
        optimizer.step(closure)
    np.testing.assert_allclose(params[0].tolist(), [1, 1], atol=1e-6)
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": params[:1]}, {"params": params[1:]}])
    with pytest.raises(ValueError, match="'strong_wolfe', got 'wolfe'"):
        optim.LBFGS(params, line_search_fn="wolfe")


# ---- the interface ----------------------------------------------------------------------------------------------
@needs_torch
@with_options
def test_it_prints_as_pytorchs(line):
    assert repr(construct(line, in_groups(parameters(), tl))) == repr(construct(line, in_groups(parameters(torch), torch), torch))


@needs_torch
@pytest.mark.parametrize("kind", [*KINDS, "LBFGS"])
def test_the_signature_is_pytorchs(kind):
    import inspect
    mine, other = [inspect.signature(getattr(library.optim, kind)).parameters.values() for library in (tl, torch)]
    assert [(p.name, p.default, p.kind) for p in mine] == [(p.name, p.default, p.kind) for p in other]


BAD = [
    "SGD(w)", "SGD([])", "SGD([w.exp()])", "SGD([1.0])", "SGD([{'params': [w]}, {'params': [w]}])", "SGD([w], lr=-1)",
    "SGD([w], momentum=-1)", "SGD([w], weight_decay=-1)", "SGD([w], nesterov=True)",
    "SGD([w], momentum=0.9, dampening=0.1, nesterov=True)",
    "SGD([{'params': {w}}])", "SGD([{'lr': 1}])", "SGD([w, ('b', b)])", "SGD([{'params': [('w', w)]}, {'params': [b]}])", "SGD(7)",
    "Adam([w], lr=-1)", "Adam([w], eps=-1)", "Adam([w], betas=(1.0, 0.9))", "Adam([w], betas=(0.9, -0.1))",
    "Adam([w], weight_decay=-1)",
    "AdamW([w], betas=(0.9, 1.0))", "RMSprop([w], alpha=-1)", "RMSprop([w], momentum=-1)", "RMSprop([w], eps=-1)",
    "Adagrad([w], lr_decay=-1)", "Adagrad([w], initial_accumulator_value=-1)", "Adadelta([w], rho=1.5)", "Adadelta([w], lr=-1)",
    "Adamax([w], betas=(1.0, 0.9))", "NAdam([w], momentum_decay=-1)", "RAdam([w], betas=(1.0, 0.9))", "ASGD([w], lr=-1)",
    "Rprop([w], etas=(1.0, 1.2))", "Rprop([w], etas=(0.5, 0.9))",
]


@needs_torch
@pytest.mark.parametrize("line", BAD)
def test_what_pytorch_refuses_is_refused(line):
    raised = []
    for library in tl, torch:
        w, b = parameters(library, shapes=[(2,), (3,)])
        with pytest.raises(Exception) as error:
            eval(f"optim.{line}", {"optim": library.optim, "w": w, "b": b})
        raised.append(error.value)
    assert isinstance(raised[0], type(raised[1])), raised


@pytest.mark.parametrize("option", ["foreach", "fused", "capturable", "differentiable"])
def test_other_ways_to_compute_are_refused(option):
    w = tl.zeros(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match=f"Adam: {option}=True is not offered"):
        optim.Adam([w], **{option: True})
    with pytest.raises(NotImplementedError, match=f"{option}=True"):
        optim.Adam([{"params": [w], option: True}])
    assert optim.Adam([w], **{option: False}).param_groups[0][option] is False


def test_a_rate_is_a_number():
    w = tl.zeros(2, requires_grad=True)
    for wrong, kind in ((tl.tensor(0.1), ValueError), ("0.1", TypeError), (None, TypeError), (float("nan"), ValueError)):
        with pytest.raises(kind, match="SGD: lr is"):
            optim.SGD([w], lr=wrong)
    with pytest.raises(TypeError, match="Adam: lr is a number, got '0.1' in a parameter group"):
        optim.Adam([{"params": [w], "lr": "0.1"}])


def test_what_is_no_list_of_parameters_says_what_to_write():
    net = tl.nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"got Linear: write model.parameters\(\)"):
        optim.Adam(net)
    with pytest.raises(TypeError, match="got a OrderedDict: .*instead of a state_dict"):
        optim.Adam(net.state_dict())
    with pytest.raises(TypeError, match=r"parameter 0 is of type generator: write \[\*a.parameters"):
        optim.Adam([net.parameters(), net.parameters()])
    with pytest.raises(KeyError, match="under 'params', and this one has only .'lr'."):
        optim.Adam([{"lr": 0.1}])


def test_what_is_no_state_of_an_optimizer_is_refused():
    net = tl.nn.Linear(2, 2)
    optimizer = optim.Adam(net.parameters())
    with pytest.raises(TypeError, match="got str: load the file first"):
        optimizer.load_state_dict("a.pth")
    with pytest.raises(KeyError, match="has 'state' and 'param_groups', and this dict has 'weight', 'bias'"):
        optimizer.load_state_dict(net.state_dict())
    with pytest.raises(KeyError, match="whole checkpoint, load its part .'optim'."):
        optimizer.load_state_dict({"net": net.state_dict(), "optim": optimizer.state_dict()})


def test_names():
    w, b = parameters(shapes=[(2,), (3,)])
    optimizer = optim.SGD([("w", w), ("b", b)], lr=0.1)
    assert optimizer.param_groups[0]["params"][0] is w and optimizer.param_groups[0]["param_names"] == ["w", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["w", "b"]
    saved = optim.SGD([w, b], lr=0.2).state_dict()
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"] and optimizer.param_groups[0]["lr"] == 0.2


def test_a_parameter_listed_twice_is_updated_once():
    w, b = parameters(shapes=[(2,), (3,)])
    with pytest.warns(UserWarning, match="1 parameters twice"):
        optimizer = optim.SGD([("w", w), ("b", b), ("tied", w)], lr=0.5)
    assert optimizer.param_groups[0]["param_names"] == ["w", "b"]
    before = w.detach().clone()
    w.grad = tl.ones_like(before)
    optimizer.step()
    np.testing.assert_allclose(w.tolist(), (before - 0.5).tolist())


def test_a_group_dict_is_not_changed():
    group = {"params": iter(parameters()), "lr": 0.5}
    optimizer = optim.SGD([group], lr=0.1)
    assert set(group) == {"params", "lr"}
    assert optimizer.param_groups[0]["lr"] == 0.5 and len(optimizer.param_groups[0]["params"]) == len(SHAPES)


@needs_torch
@of_each_kind
def test_a_group_added_later(kind):
    made = []
    for library in tl, torch:
        params = parameters(library)
        optimizer = getattr(library.optim, kind)(params[:2])
        train(optimizer, params, range(3), library)
        optimizer.add_param_group({"params": params[2]})
        optimizer.add_param_group({"params": params[3:], "lr": 0.3})
        train(optimizer, params, range(3, 6), library)
        made.append(params)
    agree(*made)


def test_zero_grad():
    params = parameters()
    optimizer = optim.SGD(params)
    give_gradients(params, 0)
    kept = params[0].grad
    optimizer.zero_grad(set_to_none=False)
    assert params[0].grad is kept and not kept.array.any() and params[3].grad is None
    optimizer.zero_grad()
    assert all([p.grad is None for p in params])


def test_a_closure_is_called_with_gradients_on():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss
    with tl.no_grad():
        assert optimizer.step(closure).item() == 5
    np.testing.assert_allclose(w.tolist(), [0.8, 1.6], rtol=1e-6)
    assert optimizer.step() is None


def test_hooks():
    w = tl.ones(2, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    seen = []
    before = optimizer.register_step_pre_hook(lambda opt, args, kwargs: seen.append(("before", opt is optimizer, kwargs)))
    after = optimizer.register_step_post_hook(lambda opt, args, kwargs: seen.append(("after", opt is optimizer, kwargs)))
    optimizer.step(closure=None)
    assert seen == [("before", True, {"closure": None}), ("after", True, {"closure": None})]
    before.remove(), after.remove()
    optimizer.step()
    assert len(seen) == 2
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: (args, {"closure": lambda: 7}))
    assert optimizer.step() == 7
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="returns None or .args, kwargs."):
        optimizer.step()


def test_optimizers_of_ones_own():
    class Sign(optim.Optimizer):
        def __init__(self, params, lr=0.01):
            super().__init__(params, {"lr": lr})

        def update(self, param, grad, state, *, lr):
            param -= lr * xp(grad).sign(grad)

    class AsInPyTorch(optim.Optimizer):
        def __init__(self, params, lr=0.01):
            super().__init__(params, dict(lr=lr))

        @tl.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    class Twice(AsInPyTorch):
        def step(self, closure=None):
            super().step()
            super().step()

    for kind, expected in (Sign, [0.5, 1.5]), (AsInPyTorch, [0.5, 1.5]), (Twice, [0.0, 2.0]):
        w = tl.tensor([1.0, 1.0], requires_grad=True)
        w.grad = tl.tensor([3.0, -2.0])
        optimizer, seen = kind([w], lr=0.5), []
        optimizer.register_step_post_hook(lambda *args: seen.append(1))
        optimizer.step()
        assert w.tolist() == expected and seen == [1]


def test_a_backward_pass_through_what_a_step_has_changed_is_reported():
    w = tl.ones(3, requires_grad=True)
    for kind in KINDS:
        optimizer = getattr(optim, kind)([w], lr=0.1)
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        with pytest.raises(RuntimeError, match=rf"{kind}\.step\(\) at .*test_optim"):
            loss.backward()
        w.grad = None
        (w * w).sum().backward()


def test_an_expanded_parameter_is_refused():
    w = tl.ones(1).expand(3).detach().requires_grad_()
    w.grad = tl.ones(3)
    with pytest.raises(RuntimeError, match=r"SGD.step\(\): .*expanded"):
        optim.SGD([w], lr=0.1).step()


def test_it_trains():
    """Each finds the bottom of a valley that is ten times as steep in one direction."""
    for line in ("SGD(lr=0.05)", "SGD(lr=0.02, momentum=0.8)", "Adam(lr=0.1)", "AdamW(lr=0.1, weight_decay=0)", "RMSprop(lr=0.01)",
                 "Adagrad(lr=0.5)", "Adadelta(lr=5.0)", "Adamax(lr=0.1)", "NAdam(lr=0.1)", "RAdam(lr=0.1)", "ASGD(lr=0.05)",
                 "Rprop(lr=0.1)"):
        w = tl.tensor([1.0, -1.0], requires_grad=True)
        optimizer = construct(line, [w])
        for _ in range(300):
            optimizer.zero_grad()
            (w * w * tl.tensor([1.0, 10.0])).sum().backward()
            optimizer.step()
        assert max(map(abs, w.tolist())) < 0.05, line


def test_nothing_warns():
    params = parameters()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            train(getattr(optim, kind)(params), params, range(2))
