"""What the engine does when asked for gradients.  A test that takes `lib` runs with this package and with PyTorch."""
import itertools
import threading

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import Tensor, ops
from tinygrad_like.backend import xp
from tinygrad_like.op import Kept, Op, wrap

try:
    import torch
except ImportError:
    torch = None


@pytest.fixture(params=["tinygrad_like", "torch"])
def lib(request):
    if request.param == "torch" and torch is None:
        pytest.skip("PyTorch is not installed")
    return tl if request.param == "tinygrad_like" else torch


def leaf(lib, *numbers):
    return lib.tensor(numbers[0] if len(numbers) == 1 else list(numbers), dtype=lib.float64, requires_grad=True)


# ---- backward ---------------------------------------------------------------------------------------------------
def test_backward_fills_in_the_gradients_of_leaves(lib):
    x, y = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    (x * y + x).sum().backward()
    assert x.grad.tolist() == [4.0, 5.0] and y.grad.tolist() == [1.0, 2.0]


def test_gradients_accumulate_over_calls(lib):
    x = leaf(lib, 2.0)
    (x * x).backward()
    first = x.grad
    (3 * x).backward()
    assert x.grad.item() == 7.0 and first.item() == 7.0         # in place: it is the same Tensor


@pytest.mark.filterwarnings("ignore:Using backward\\(\\) with create_graph=True")
def test_accumulating_onto_a_gradient_with_history_makes_a_new_one(lib):
    x = leaf(lib, 2.0)
    (x * x * x).backward(create_graph=True)
    first = x.grad
    (3 * x).backward(create_graph=True)
    assert first.item() == 12.0 and x.grad.item() == 15.0
    second, = lib.autograd.grad(x.grad, x)
    assert second.item() == 12.0


def test_a_tensor_used_often_receives_the_sum(lib):
    x = leaf(lib, 3.0)
    (x * x * x + x + x).backward()
    assert x.grad.item() == 29.0


def test_a_leaf_is_its_own_gradient(lib):
    x = leaf(lib, 3.0)
    x.backward()
    assert x.grad.item() == 1.0


def test_unreached_leaves_have_no_gradient(lib):
    x, unused = leaf(lib, 3.0), leaf(lib, 3.0)
    (x * 2).backward()
    assert unused.grad is None


def test_only_a_scalar_starts_by_itself(lib):
    x = leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="scalar outputs"):
        (x * x).backward()
    (x * x).backward(lib.tensor([1.0, 10.0], dtype=lib.float64))
    assert x.grad.tolist() == [2.0, 40.0]
    x.grad = None
    (x[:1] * 3).backward()                                      # of shape (1,): one element will do
    assert x.grad.tolist() == [3.0, 0.0]


def test_the_gradient_to_start_from_has_the_shape_of_the_output(lib):
    with pytest.raises(RuntimeError, match="shape"):
        (leaf(lib, 1.0, 2.0) * 2).backward(lib.ones(3, dtype=lib.float64))


def test_a_constant_has_nothing_to_walk(lib):
    with pytest.raises(RuntimeError, match="does not require grad"):
        lib.ones(1).sum().backward()


def test_several_outputs_at_once(lib):
    x = leaf(lib, 1.0, 2.0)
    lib.autograd.backward([(x * x).sum(), x * 3], [None, lib.ones(2, dtype=lib.float64)])
    assert x.grad.tolist() == [5.0, 7.0]


def test_inputs_limit_where_gradients_go(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    h = x * y
    (h * h).backward(inputs=[y, h])
    assert x.grad is None and y.grad.item() == 24.0 and h.grad.item() == 12.0
    with pytest.raises(RuntimeError, match="empty"):
        (x * x).backward(inputs=[])


def test_gradients_are_of_the_type_of_their_tensor(lib):
    x, y = lib.ones(2, requires_grad=True), leaf(lib, 1.0, 2.0)
    out = x * y
    assert out.dtype == lib.float64
    out.sum().backward()
    assert x.grad.dtype == lib.float32 and y.grad.dtype == lib.float64


def test_integers_take_no_part(lib):
    x, n = leaf(lib, 1.0, 2.0), lib.tensor([3, 4])
    (x * n).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    with pytest.raises(RuntimeError, match="loating"):
        n.requires_grad_()
    with pytest.raises(RuntimeError, match="loating"):
        lib.tensor([1, 2], requires_grad=True)
    for result in x > 1, x == x, x.argmax():
        assert not result.requires_grad and result.is_leaf


def test_gradients_of_broadcast_operands_are_summed(lib):
    x, y, z = lib.ones(2, 1, 3, requires_grad=True), lib.ones(4, 1, requires_grad=True), lib.tensor(2.0, requires_grad=True)
    (x * y * z).sum().backward()
    assert [t.grad.shape for t in (x, y, z)] == [(2, 1, 3), (4, 1), ()]
    assert x.grad.flatten().tolist() == [8.0] * 6 and y.grad.flatten().tolist() == [12.0] * 4 and z.grad.item() == 24.0


def test_empty_tensors_have_empty_gradients(lib):
    x = lib.ones(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


def test_gradients_share_memory_with_nobody(lib):
    x, y, g = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 2.0), lib.ones(2, dtype=lib.float64)
    (x + y).backward(g)
    with lib.no_grad():
        x.grad.mul_(10)
    assert y.grad.tolist() == [1.0, 1.0] and g.tolist() == [1.0, 1.0]
    g.mul_(3)
    assert x.grad.tolist() == [10.0, 10.0]


def test_grads_of_one_call_share_memory_with_nobody():
    x, y = leaf(tl, 1.0, 2.0), leaf(tl, 1.0, 2.0)
    h = x + y
    found = tl.autograd.grad((h + 0).sum(), [x, y, h, x])
    for a, b in itertools.combinations(found, 2):
        assert not np.shares_memory(a.array, b.array)
    h = x + y
    g = tl.ones(2, dtype=tl.float64)
    found = tl.autograd.grad(h, [h, x], g)
    assert not np.shares_memory(found[0].array, g.array) and not np.shares_memory(found[0].array, found[1].array)


# ---- freed graphs -----------------------------------------------------------------------------------------------
def test_a_graph_is_walked_once(lib):
    x = leaf(lib, 2.0)
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    assert x.grad.item() == 4.0                                 # the failed walk added nothing


def test_retain_graph_keeps_it(lib):
    x = leaf(lib, 2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_what_kept_nothing_can_be_walked_again(lib):
    x = leaf(lib, 2.0)
    y = -(x + x)
    y.backward()
    y.backward()
    assert x.grad.item() == -4.0


@pytest.mark.parametrize("name", ["sum", "reshape", "transpose", "unbind", "mean", "expand"])
def test_what_kept_only_a_shape_can_be_walked_again(lib, name):
    x = lib.ones(2, 2, requires_grad=True)
    y = {"sum": lambda: x.sum(), "reshape": lambda: x.reshape(4).sum(), "transpose": lambda: x.transpose(0, 1).sum(),
         "unbind": lambda: x.unbind(0)[0].sum(), "mean": lambda: x.mean(0).sum(), "expand": lambda: x.expand(3, 2, 2).sum()}[name]()
    y.backward()
    once = x.grad.clone()
    y.backward()
    assert x.grad.tolist() == (2 * once).tolist()


def test_a_shared_part_is_freed_with_the_first_walk(lib):
    x = leaf(lib, 2.0)
    shared = x * x
    a, b = shared.exp(), shared.exp()
    a.backward()
    with pytest.raises(RuntimeError, match="second time"):
        b.backward()


def test_parts_that_were_not_walked_are_not_freed(lib):
    x = leaf(lib, 2.0)
    y = x * x
    z = y * y
    assert lib.autograd.grad(z, y)[0].item() == 8.0             # stops at y
    assert lib.autograd.grad(y, y)[0].item() == 1.0
    assert lib.autograd.grad(y, x)[0].item() == 4.0


def test_create_graph_retains(lib):
    x = leaf(lib, 2.0)
    y = x * x
    y.backward(create_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    x.grad = None


def test_create_graph_without_retaining(lib):
    x = leaf(lib, 2.0)
    y = x * x
    lib.autograd.grad(y, x, create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


# ---- grad -------------------------------------------------------------------------------------------------------
def test_grad_returns_a_tuple_and_leaves_grad_alone(lib):
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    found = lib.autograd.grad(x * y, (x, y))
    assert isinstance(found, tuple) and [g.item() for g in found] == [3.0, 2.0]
    assert x.grad is None and not any(g.requires_grad for g in found)
    assert lib.autograd.grad([x * y], [x])[0].item() == 3.0


def test_inputs_come_from_any_iterable(lib):
    """grad(loss, model.parameters()), weights.values()"""
    x, y = leaf(lib, 2.0), leaf(lib, 3.0)
    assert [g.item() for g in lib.autograd.grad(x * y, (leaf for leaf in (x, y)))] == [3.0, 2.0]
    assert [g.item() for g in lib.autograd.grad({0: x * y, 1: x}.values(), {"x": x}.values())] == [4.0]
    lib.autograd.backward(iter([x * y]), inputs=iter([y]))
    assert y.grad.item() == 2.0 and x.grad is None


def test_grad_of_intermediates_and_repeated_inputs(lib):
    x = leaf(lib, 2.0)
    h = x * 3
    found = lib.autograd.grad(h * h, (h, x, h))
    assert [g.item() for g in found] == [12.0, 36.0, 12.0]


def test_grad_of_an_input_by_itself(lib):
    x = leaf(lib, 2.0)
    assert lib.autograd.grad(x, x)[0].item() == 1.0


def test_unused_inputs(lib):
    x, unused = leaf(lib, 2.0), leaf(lib, 1.0, 2.0)
    with pytest.raises(RuntimeError, match="allow_unused"):
        lib.autograd.grad(x * x, [x, unused])
    assert lib.autograd.grad(x * x, [x, unused], allow_unused=True)[1] is None
    assert lib.autograd.grad(x * x, [x, unused], materialize_grads=True)[1].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError):
        lib.autograd.grad(x * x, [x, unused], allow_unused=False, materialize_grads=True)


def test_inputs_must_require_grad(lib):
    x = leaf(lib, 2.0)
    with pytest.raises(RuntimeError, match="not require grad|not to require grad"):
        lib.autograd.grad(x * 2, lib.ones(1))


def test_grad_outputs(lib):
    x = leaf(lib, 1.0, 2.0)
    g = lib.tensor([1.0, 10.0], dtype=lib.float64)
    assert lib.autograd.grad(x * x, x, g)[0].tolist() == [2.0, 40.0]
    assert lib.autograd.grad([x * x, x.sum()], x, [g, None])[0].tolist() == [3.0, 41.0]
    with pytest.raises(RuntimeError):
        lib.autograd.grad(x * x, x)
    with pytest.raises(RuntimeError, match="1 outputs but 2 gradients"):
        tl.autograd.grad([tl.ones(2, requires_grad=True) * 2], x, [g, g])


def test_second_and_third_derivatives(lib):
    x = leaf(lib, 2.0)
    y = x * x * x * x
    first, = lib.autograd.grad(y, x, create_graph=True)
    second, = lib.autograd.grad(first, x, create_graph=True)
    third, = lib.autograd.grad(second, x, create_graph=True)
    fourth, = lib.autograd.grad(third, x)
    assert [first.item(), second.item(), third.item(), fourth.item()] == [32.0, 48.0, 48.0, 24.0]


def test_a_gradient_penalty(lib):
    x, w = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    g, = lib.autograd.grad((w * x * x).sum(), x, create_graph=True)
    (g * g).sum().backward()                                    # Σ (2 w x)²
    assert w.grad.tolist() == [24.0, 128.0] and x.grad.tolist() == [72.0, 256.0]


def test_derivatives_by_the_gradient_that_one_starts_from(lib):
    x, g = leaf(lib, 1.0, 2.0), leaf(lib, 1.0, 1.0)
    found, = lib.autograd.grad(x * x, x, g, create_graph=True)
    assert lib.autograd.grad(found, g, lib.tensor([1.0, 10.0], dtype=lib.float64))[0].tolist() == [2.0, 40.0]


def test_create_graph_under_no_grad(lib):
    x = leaf(lib, 3.0)
    y = x * x * x
    with lib.no_grad():
        g, = lib.autograd.grad(y, x, create_graph=True)
    assert g.requires_grad and lib.autograd.grad(g, x)[0].item() == 18.0


def test_what_is_not_offered_says_so():
    x = leaf(tl, 2.0)
    with pytest.raises(NotImplementedError):
        tl.autograd.grad(x * x, x, is_grads_batched=True)
    with pytest.raises(TypeError, match="expected a Tensor"):
        tl.autograd.grad(3.0, x)
    with pytest.raises(TypeError, match="expected a Tensor"):
        tl.autograd.grad(x * x, 3.0)


# ---- recording or not -------------------------------------------------------------------------------------------
def test_no_grad_forgets(lib):
    x = leaf(lib, 2.0)
    with lib.no_grad():
        y = x * x
        assert not lib.is_grad_enabled()
    assert lib.is_grad_enabled()
    assert not y.requires_grad and y.is_leaf and y.grad_fn is None and x.requires_grad


def test_modes_nest(lib):
    x = leaf(lib, 2.0)
    with lib.no_grad():
        with lib.enable_grad():
            assert (x * x).requires_grad
        assert not (x * x).requires_grad
        with lib.set_grad_enabled(True):
            assert (x * x).requires_grad
        assert not (x * x).requires_grad
    with lib.enable_grad(), lib.set_grad_enabled(False):
        assert not (x * x).requires_grad
    with lib.inference_mode():
        assert not (x * x).requires_grad
        with lib.enable_grad():
            pass
    with lib.inference_mode(False):
        assert (x * x).requires_grad


def test_errors_restore_the_mode(lib):
    with pytest.raises(KeyError), lib.no_grad():
        raise KeyError
    assert lib.is_grad_enabled()


def test_one_switch_entered_twice():
    """(PyTorch's loses count, and stays off.)"""
    switch = tl.no_grad()
    with switch, switch:
        assert not tl.is_grad_enabled()
    assert tl.is_grad_enabled()


def test_set_grad_enabled_as_a_function(lib):
    lib.set_grad_enabled(False)
    assert not lib.is_grad_enabled()
    lib.set_grad_enabled(True)
    assert lib.is_grad_enabled()


@pytest.mark.parametrize("decorator", ["no_grad()", "no_grad", "inference_mode()", "inference_mode", "set_grad_enabled(False)"])
def test_decorated_functions(lib, decorator):
    decorate = eval(f"lib.{decorator}", {"lib": lib})

    @decorate
    def f(x, y=1):
        """What f does."""
        return (x * y).requires_grad
    assert lib.is_grad_enabled()
    assert f(leaf(lib, 2.0), y=3) is False and lib.is_grad_enabled()
    assert f.__name__ == "f" and f.__doc__ == "What f does."


def test_decorated_generators(lib):
    """The mode holds while the generator runs, not while it waits; send, throw and return go through."""
    @lib.no_grad()
    def numbers():
        assert not lib.is_grad_enabled()
        got = yield 1
        assert not lib.is_grad_enabled()
        try:
            yield got
        except KeyError:
            assert not lib.is_grad_enabled()
            yield "caught"
        return "done"

    generator = numbers()
    assert next(generator) == 1 and lib.is_grad_enabled()
    assert generator.send(5) == 5 and lib.is_grad_enabled()
    assert generator.throw(KeyError) == "caught" and lib.is_grad_enabled()
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done" and lib.is_grad_enabled()

    closed = []

    @lib.no_grad()
    def waiting():
        try:
            yield
        finally:
            closed.append(lib.is_grad_enabled())
    generator = waiting()
    next(generator)
    generator.close()
    assert closed == [False]


def test_each_thread_has_its_own_mode(lib):
    modes = []
    with lib.no_grad():
        thread = threading.Thread(target=lambda: modes.append(lib.is_grad_enabled()))
        thread.start()
        thread.join()
    assert modes == [True]


def test_a_decorated_function_in_many_threads(lib):
    barrier, wrong = threading.Barrier(4), []

    @lib.no_grad()
    def f():
        barrier.wait()
        if lib.is_grad_enabled():
            wrong.append("inside")
        barrier.wait()

    def run():
        for _ in range(20):
            f()
            if not lib.is_grad_enabled():
                wrong.append("outside")
    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_graphs_of_several_threads(lib):
    """Threads share leaves that they only read; each builds and walks graphs of its own."""
    w, answers = leaf(lib, 2.0), []

    def work(k):
        for _ in range(50):
            x = leaf(lib, float(k))
            y = x
            for _ in range(5):
                y = y * x * w
            answers.append((k, lib.autograd.grad(y, x)[0].item()))
    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 200 and all(g == 6 * k**5 * 32 for k, g in answers)


def test_leaves_can_be_made_under_no_grad(lib):
    with lib.no_grad():
        x, y = leaf(lib, 2.0), lib.ones(1).requires_grad_()
    assert x.requires_grad and y.requires_grad


# ---- leaves, detaching, keeping ---------------------------------------------------------------------------------
def test_leaves_and_results(lib):
    x, constant = leaf(lib, 2.0), lib.ones(1)
    y = x * x
    assert x.is_leaf and constant.is_leaf and not y.is_leaf
    assert x.grad_fn is None and y.grad_fn is not None
    assert y.requires_grad and not constant.requires_grad and not (constant * 2).requires_grad


def test_detach_shares_memory_and_forgets(lib):
    x = leaf(lib, 2.0, 3.0)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and d.data_ptr() == y.data_ptr()
    (y * d).sum().backward()
    assert x.grad.tolist() == [8.0, 12.0]                       # d counts as a constant


def test_detach_in_place(lib):
    x = leaf(lib, 2.0)
    y = x * 2
    assert y.detach_() is y and not y.requires_grad and y.is_leaf


def test_requires_grad_can_be_switched_on_leaves_only(lib):
    x = lib.ones(2)
    assert x.requires_grad_() is x and x.requires_grad
    y = x * 2
    assert y.requires_grad_() is y
    with pytest.raises(RuntimeError, match="leaf|leaves"):
        y.requires_grad_(False)
    x.requires_grad = False
    assert not x.requires_grad and not (x * 2).requires_grad


def test_a_leaf_that_is_frozen_lets_go_of_its_gradient():
    """(PyTorch's stays, and an optimizer goes on to apply it.)"""
    x = leaf(tl, 2.0)
    (x * x).backward()
    x.requires_grad_(False)
    assert x.grad is None
    x.requires_grad_(True)
    assert x.grad is None


def test_retain_grad(lib):
    x = leaf(lib, 2.0)
    h = x * 3
    assert not h.retains_grad
    h.retain_grad()
    assert h.retains_grad
    y = h * h
    y.backward(retain_graph=True)
    assert h.grad.item() == 12.0 and x.grad.item() == 36.0
    y.backward()
    assert h.grad.item() == 24.0
    x.retain_grad()
    assert not x.retains_grad                                   # a leaf does so anyway
    with pytest.raises(RuntimeError):
        lib.ones(1).retain_grad()


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_results_have_no_gradient_unless_retained(lib):
    x = leaf(lib, 2.0)
    h = x * 3
    (h * h).backward()
    assert h.grad is None


def test_setting_grad(lib):
    x = leaf(lib, 2.0, 3.0)
    x.grad = lib.ones(2, dtype=lib.float64)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    x.grad = None
    assert x.grad is None
    with pytest.raises(TypeError):
        x.grad = 3.0
    with pytest.raises(RuntimeError):
        x.grad = lib.ones(3, dtype=lib.float64)
    with pytest.raises(RuntimeError):
        x.grad = lib.ones(2, dtype=lib.float32)


# ---- hooks ------------------------------------------------------------------------------------------------------
def test_hooks_see_the_whole_gradient_in_order_and_replace_it(lib):
    x = leaf(lib, 2.0)
    h = x * 1
    seen = []
    h.register_hook(lambda g: seen.append(("first", g.item())))
    h.register_hook(lambda g: g * 10)
    h.register_hook(lambda g: seen.append(("third", g.item())))
    (h * h + h).backward()
    assert seen == [("first", 5.0), ("third", 50.0)] and x.grad.item() == 50.0


def test_hooks_of_leaves(lib):
    x = leaf(lib, 2.0)
    x.register_hook(lambda g: g * 2)
    (x * x).backward()
    (x * x).backward()
    assert x.grad.item() == 16.0                                # what is there already is left alone


def test_hooks_are_removed(lib):
    x = leaf(lib, 2.0)
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    (x * x).backward()
    assert x.grad.item() == 4.0


def test_hooks_run_before_a_gradient_is_retained(lib):
    x = leaf(lib, 2.0)
    h = x * 1
    h.retain_grad()
    h.register_hook(lambda g: g * 10)
    (h * h).backward()
    assert h.grad.item() == 40.0


def test_hooks_act_on_grad(lib):
    x = leaf(lib, 2.0)
    h = x * 1
    h.register_hook(lambda g: g * 10)
    assert lib.autograd.grad(h * h, x)[0].item() == 40.0
    h = x * 1
    h.register_hook(lambda g: g * 10)
    assert lib.autograd.grad(h * h, h)[0].item() == 40.0


def test_hooks_are_recorded_under_create_graph(lib):
    x = leaf(lib, 2.0)
    h = x * 1
    modes = []
    h.register_hook(lambda g: modes.append((g.requires_grad, lib.is_grad_enabled())) or g * g)
    g, = lib.autograd.grad(h * h, x, create_graph=True)         # (2h)², whose derivative 8h = 16 the hook squares, too
    assert g.item() == 16.0 and lib.autograd.grad(g, x)[0].item() == 256.0
    lib.autograd.grad(h * h, h)
    assert modes[0] == (True, True) and modes[-1] == (False, False)


def test_hooks_need_a_gradient_to_come(lib):
    with pytest.raises(RuntimeError, match="does.?n.t require grad|does not require grad"):
        lib.ones(1).register_hook(print)


def test_a_hook_that_returns_nonsense(lib):
    x = leaf(lib, 2.0, 3.0)
    x.register_hook(lambda g: "nonsense")
    with pytest.raises(TypeError):
        (x * 2).sum().backward()
    y = leaf(lib, 2.0, 3.0)
    y.register_hook(lambda g: g.sum())
    with pytest.raises(RuntimeError):
        (y * 2).sum().backward()


def test_errors_in_hooks_come_out(lib):
    x = leaf(lib, 2.0)

    def fail(g):
        raise KeyError("mine")
    x.register_hook(fail)
    with pytest.raises(KeyError, match="mine"):
        (x * 2).backward()


def test_what_a_hook_saw_or_gave_stays_its_own(lib):
    x, mine, saw = leaf(lib, 2.0, 3.0), lib.ones(2, dtype=lib.float64), []
    x.register_hook(lambda g: saw.append(g) or mine)
    (x * x).sum().backward()
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0] and mine.tolist() == [1.0, 1.0] and saw[0].tolist() == [4.0, 6.0]


# ---- edits in place: of constants -------------------------------------------------------------------------------
EDITS = {
    "+=": lambda lib, z: z.__iadd__(1), "mul_": lambda lib, z: z.mul_(2), "index": lambda lib, z: z.__setitem__(0, 5.0),
    "view": lambda lib, z: z[1:].mul_(2), "reshaped": lambda lib, z: z.reshape(2, 1).mul_(2),
    "detached": lambda lib, z: z.detach().mul_(2), "zero_": lambda lib, z: z.zero_(), "fill_": lambda lib, z: z.fill_(3),
    "copy_": lambda lib, z: z.copy_(lib.ones(2)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_what_was_kept_is_found(lib, edit):
    x, z = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    y = (x * z).sum()
    EDITS[edit](lib, z)
    with pytest.raises(RuntimeError, match="in-?place"):
        y.backward()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_what_was_not_kept_is_fine(lib, edit):
    x, z = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    y = (x + z).sum()
    copy = z.clone()
    product = (x * copy).sum()
    EDITS[edit](lib, z)
    y.backward()
    product.backward()
    assert x.grad.tolist() == [4.0, 5.0]


def test_an_edit_before_or_after_is_fine(lib):
    x, z = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    z += 1
    y = (x * z).sum()
    y.backward()
    z += 1
    assert x.grad.tolist() == [4.0, 5.0]


def test_an_edit_of_a_kept_result_is_found(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x.exp()
    with lib.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="in-?place"):
        y.sum().backward()


def test_an_optimizer_step_between_forward_and_backward_is_found(lib):
    w, x = leaf(lib, 1.0, 2.0), leaf(lib, 3.0, 4.0)
    y = (w * x).sum()
    with lib.no_grad():
        w -= 0.1
    with pytest.raises(RuntimeError, match="in-?place"):
        y.backward()


def test_an_edit_of_an_index_or_a_mask_is_found(lib):
    for index in lib.tensor([0, 1, 0]), lib.tensor([True, False, True]):
        x = leaf(lib, 1.0, 2.0, 3.0)
        y = x[index].sum()
        index[0] = 0
        with pytest.raises(RuntimeError, match="in-?place"):
            y.backward()


def test_an_edit_of_labels_is_found(lib):
    x, labels = lib.ones(2, 3, requires_grad=True), lib.tensor([0, 2])
    loss = (tl.nn.functional if lib is tl else torch.nn.functional).cross_entropy(x, labels)
    labels[0] = 1
    with pytest.raises(RuntimeError, match="in-?place"):
        loss.backward()


def test_the_message_names_the_op_and_the_edit():
    x, z = leaf(tl, 1.0, 2.0), tl.tensor([3.0, 4.0], dtype=tl.float64)
    y = x * z
    z[0] = 7
    with pytest.raises(RuntimeError, match=r"mul kept 'y' \(shape \(2,\)\).*x\[index\] = value at .*test_engine.py:\d+.*clone"):
        y.sum().backward()


def test_edits_through_data_and_views_made_earlier_are_found():
    for make in (lambda z: z.data, lambda z: z[:1], lambda z: z.reshape(2, 1), lambda z: z.detach()[1:]):
        x, z = leaf(tl, 1.0, 2.0), tl.tensor([3.0, 4.0], dtype=tl.float64)
        other = make(z)
        y = (x * z).sum()
        other += 1
        with pytest.raises(RuntimeError, match="in-place"):
            y.backward()


# ---- edits in place: of what gradients flow through -------------------------------------------------------------
def test_leaves_are_not_edited(lib):
    x = leaf(lib, 1.0, 2.0)
    for edit in (lambda: x.__iadd__(1), lambda: x.mul_(2), lambda: x.__setitem__(0, 5.0), lambda: x.zero_()):
        with pytest.raises(RuntimeError, match="leaf"):
            edit()
    with lib.no_grad():
        x += 1
    assert x.tolist() == [2.0, 3.0] and x.requires_grad and x.is_leaf


def test_in_place_methods_of_results_go_on_with_the_history(lib):
    x = leaf(lib, 1.0, 2.0)
    y = x * 3
    same = y
    y += x
    y.mul_(2)
    y.exp_()
    assert y is same and not y.is_leaf
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [8 * np.exp(8.0), 8 * np.exp(16.0)])


def test_a_constant_takes_up_history(lib):
    x, z = leaf(lib, 1.0, 2.0), lib.tensor([3.0, 4.0], dtype=lib.float64)
    z += x
    z *= 2
    assert z.requires_grad
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    z = lib.zeros(2, dtype=lib.float64)
    z.copy_(x * x)
    z.sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]


def test_assignment_into_a_buffer(lib):
    """buffer[i] = tensor: the gradient flows to what was put there, and no more to what was there before."""
    x, old = leaf(lib, 2.0), leaf(lib, 5.0, 6.0, 7.0)
    buffer = lib.zeros(3, dtype=lib.float64)
    for i in range(3):
        buffer[i] = x * i
    assert buffer.requires_grad
    buffer.sum().backward()
    assert x.grad.item() == 3.0
    whole = old * 2
    whole[1] = x
    whole[lib.tensor([True, False, False])] = 0.0
    whole[2:] = whole[2:] * 3
    whole.sum().backward()
    assert old.grad.tolist() == [0.0, 0.0, 6.0] and x.grad.item() == 4.0


def test_an_edited_result_does_not_disturb_what_kept_its_old_value():
    """PyTorch refuses this; here the result moves to new memory, so what others kept stays as it was."""
    x = leaf(tl, 1.0, 2.0)
    y = x * 3
    z = y * y
    y += 1
    (z + y).sum().backward()
    assert x.grad.tolist() == [21.0, 39.0]


def test_a_view_that_gradients_flow_through_is_not_edited():
    x = leaf(tl, 1.0, 2.0)
    y = x * 3
    view = y[:1]
    with pytest.raises(RuntimeError, match=r"view.*x = x\.clone\(\)"):
        view += 1
    zeros = tl.zeros(3)
    with pytest.raises(RuntimeError, match="view"):
        zeros[1:].copy_(x)                                      # the zeros could not learn of it
    assert y.tolist() == [3.0, 6.0] and zeros.tolist() == [0.0, 0.0, 0.0]


def test_in_place_results_must_fit(lib):
    x = lib.ones(3)
    with pytest.raises(RuntimeError):
        x += lib.ones(2, 3)                                     # the shape
    n = lib.tensor([1, 2, 3])
    with pytest.raises(RuntimeError):
        n += lib.ones(3)                                        # the type
    x += lib.ones(3, dtype=lib.float64)
    assert x.dtype == lib.float32


def test_a_numpy_buffer_does_not_swallow_history():
    """(PyTorch warns, where the tensor has one element.)"""
    x = leaf(tl, 2.0)
    buffer = np.zeros(3)
    for value in x, leaf(tl, 1.0), leaf(tl, 1.0, 2.0):
        with pytest.raises((RuntimeError, TypeError, ValueError), match="requires grad|sequence"):
            buffer[0] = value
        with pytest.raises((RuntimeError, TypeError, ValueError), match="requires grad|sequence"):
            buffer[:2] = value
    with pytest.raises(RuntimeError, match="detach"):
        x.numpy()
    buffer[0] = x.detach()
    assert buffer.tolist() == [2.0, 0.0, 0.0]


# ---- number types -----------------------------------------------------------------------------------------------
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128"]
SCALARS = [True, 3, 2.5, 1j]


def operand(lib, dtype, ndim):
    return lib.ones((1,) * ndim, dtype=getattr(lib, dtype))


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("a", DTYPES)
@pytest.mark.parametrize("a_dims", [0, 1])
def test_promotion_is_pytorchs(a, a_dims):
    wrong = []
    for other, dims in [*itertools.product(DTYPES, [0, 1]), *[(scalar, None) for scalar in SCALARS]]:
        x, expected = operand(tl, a, a_dims), operand(torch, a, a_dims)
        y, z = (other, other) if dims is None else (operand(tl, other, dims), operand(torch, other, dims))
        want = str(torch.result_type(expected, z)).removeprefix("torch.").replace("complex32", "complex64")    # (not offered)
        got = [ops.mul(x, y).dtype.name, ops.mul(y, x).dtype.name, tl.result_type(x, y).name]
        if got != [want] * 3:
            wrong.append(f"{a} ({a_dims}-d) with {other} ({dims}-d): {got}, PyTorch: {want}")
    assert not wrong, "\n".join(wrong)


def test_promotion_where_numpy_differs(lib):
    f = lib.ones(2)
    assert (f * lib.tensor([1, 2])).dtype == lib.float32        # NumPy: float64
    assert (f * lib.tensor(2.0, dtype=lib.float64)).dtype == lib.float32
    assert (f * 1e-3).dtype == (f * 3).dtype == (1e-3 - f).dtype == lib.float32
    assert (lib.tensor([1, 2]) * 0.5).dtype == lib.float32
    assert (lib.tensor([1, 2]) / 2).dtype == lib.float32
    assert (f.to(lib.float16) * 2.0).dtype == lib.float16
    assert (f > 0.5).dtype == lib.bool


def test_gradients_through_promotion(lib):
    x = lib.ones(2, requires_grad=True)
    y = lib.tensor(3.0, dtype=lib.float64, requires_grad=True)
    out = x * y
    out.sum().backward()
    assert out.dtype == lib.float32 and x.grad.dtype == lib.float32 and y.grad.dtype == lib.float64
    assert y.grad.item() == 2.0 and y.grad.shape == ()


# ---- truth, and other small matters -----------------------------------------------------------------------------
def test_a_tensor_of_two_is_neither_true_nor_false(lib):
    with pytest.raises(RuntimeError):
        bool(lib.ones(2))
    assert lib.ones(1) and not lib.zeros(1)


def test_one_element_as_a_number(lib):
    x = leaf(lib, 2.5)
    assert float(x.detach()) == 2.5 and int(x.detach()) == 2 and x.item() == 2.5
    with pytest.raises(RuntimeError):
        lib.ones(2).item()


def test_comparing_with_anything(lib):
    x = lib.ones(2)
    assert (x == None) is False and (x != "x") is True          # noqa: E711


# ---- ops of one's own -------------------------------------------------------------------------------------------
class logistic_loss(Op):
    """out = log(1 + e⁻ᵗᶻ) for a score z and t = ±1: an op of a user, with an intermediate that both derivatives share"""
    def forward(z, t): return xp(z).log1p(xp(z).exp(-z * t))
    def dz(g, t, wrong): return -g * t * wrong
    def dt(g, z, wrong): return -g * z * wrong
    def wrong(z, t): return 1 / (1 + ops.exp(z * t))            # the probability of the other class


class halves(Op):
    """outs = the first and the second half of x: an op with two results"""
    def forward(x): return x[:len(x) // 2], x[len(x) // 2:]
    def dx(g): return ops.concatenate(*g)


class weighted_sum(Op):
    """out = Σ wᵢ xᵢ: an op of any number of operands"""
    def forward(*xs, weights): return sum(w * x for w, x in zip(weights, xs))
    def dxs(g, i, weights): return g * weights[i]


class normalize(Op):
    """out = x / |x|, whose forward hands the norm over, and which differentiates its composition under create_graph"""
    def forward(x):
        norm = (x * x).sum() ** 0.5
        return Kept(x / norm, norm=norm)

    def dx(g, out, norm): return (g - (g * out).sum() * out) / norm
    def norm(x): return ops.sqrt((x * x).sum())


def test_an_op_with_an_intermediate_is_computed_once_a_visit(monkeypatch):
    from tinygrad_like.testing import check_op
    check_op(logistic_loss, (np.array([0.3, -2.0]), np.array([1.0, -1.0])))
    calls = []
    monkeypatch.setattr(logistic_loss, "wrong", lambda z, t: calls.append(1) or 1 / (1 + np.exp(z * t)))
    z, t = leaf(tl, 0.3, -2.0), leaf(tl, 1.0, -1.0)
    logistic_loss(z, t).sum().backward()
    assert calls == [1]


def test_an_op_with_several_results():
    from tinygrad_like.testing import check_op
    check_op(halves, np.arange(5.0))
    x = leaf(tl, 1.0, 2.0, 3.0, 4.0)
    first, second = halves(x)
    (second * second).sum().backward()                          # nothing depends on the first half
    assert x.grad.tolist() == [0.0, 0.0, 6.0, 8.0] and first.requires_grad


def test_what_a_derivative_hands_through_is_copied_for_a_leaf():
    class exchange(Op):
        def forward(x, y): return y * 1, x * 1
        def dx(g): return g[1]
        def dy(g): return g[0]

    class first_of(Op):
        def forward(*xs): return (xs[0] * xs[0]).sum() + 0 * xs[1].sum()
        def dxs(g, i, xs): return xs[1 - i]

    class through(Op):
        def forward(x): return x * 1
        def dx(g): return ops.alias(g)

    g, h = tl.ones(2, dtype=tl.float64), tl.ones(2, dtype=tl.float64)
    for create_graph in False, True:
        x, y = leaf(tl, 1.0, 2.0), leaf(tl, 1.0, 2.0)
        tl.autograd.backward(exchange(x, y), [g, h], create_graph=create_graph)
        first_of(x, y).backward(create_graph=create_graph)
        z = leaf(tl, 1.0, 2.0)
        first_of(z, y).backward(create_graph=create_graph)
        w = leaf(tl, 1.0, 2.0)
        through(w).backward(g, create_graph=create_graph)
        for a, b in itertools.combinations([x, y, z, w, g, h, x.grad, y.grad, z.grad, w.grad], 2):
            assert not np.shares_memory(a.array, b.array)


def test_an_op_of_any_number_of_operands():
    from tinygrad_like.testing import check_op
    check_op(weighted_sum, tuple(np.arange(3.0) + k for k in range(3)), {"weights": [1.0, 2.0, 3.0]})
    x, y = leaf(tl, 1.0, 2.0), leaf(tl, 3.0, 4.0)
    weighted_sum(x, tl.ones(2), y, weights=[1.0, 2.0, 3.0]).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0] and y.grad.tolist() == [3.0, 3.0]


def test_an_intermediate_that_forward_hands_over():
    from tinygrad_like.testing import check_op
    check_op(normalize, np.array([1.0, -2.0, 3.0]))
    x = leaf(tl, 3.0, 4.0)
    y = normalize(x)
    assert y.node.kept["norm"] == 5.0 and y.tolist() == [0.6, 0.8]
    assert normalize(np.array([3.0, 4.0])).tolist() == [0.6, 0.8]


def test_tensors_among_the_parameters_arrive_as_arrays():
    seen = []

    class peek(Op):
        def forward(x, *, weight): return seen.append(type(weight)) or x * 1
        def dx(g, weight): return seen.append(type(weight)) or g * weight
    x = leaf(tl, 1.0, 2.0)
    peek(x, weight=tl.ones(2)).sum().backward()
    assert seen == [np.ndarray, np.ndarray]


def definition(**functions):
    return lambda: type("mine", (Op,), functions)


@pytest.mark.parametrize("define, message", [
    (definition(forward=lambda x: x, dx=lambda g, z: g), "mine.dx asks for 'z', which forward does not know; it can ask for .*out"),
    (definition(forward=lambda x: x, dx=lambda x: x), "first parameter of a derivative is g"),
    (definition(forward=lambda g: g), "may not call a parameter 'g'"),
    (definition(forward=lambda x, out: x), "may not call a parameter 'out'"),
    (definition(forward=lambda x, *, shape: x), "may not call a parameter 'shape'"),
    (definition(forward=lambda x, *, axis: x, daxis=lambda g: g), "'axis' is a keyword parameter"),
    (definition(forward=lambda x: x, dx=lambda g, norm: g, norm=lambda x, y: x), "mine.norm asks for 'y'"),
])
def test_mistakes_in_an_op_are_found_at_its_definition(define, message):
    with pytest.raises(TypeError, match=message):
        define()


def test_an_op_without_a_derivative_says_so():
    class half_known(Op):
        def forward(x, y): return x * y
        def dx(g, y): return g * y
    x, y = leaf(tl, 1.0, 2.0), leaf(tl, 3.0, 4.0)
    half_known(x, y.detach()).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    with pytest.raises(TypeError, match="half_known is not differentiable in 'y'.*detach"):
        half_known(x, y)


def test_an_op_without_derivatives_gives_constants():
    class signs(Op):
        def forward(x): return xp(x).sign(x)
    assert not signs(leaf(tl, 1.0, -2.0)).requires_grad


def test_operands_of_other_kinds():
    x = leaf(tl, 1.0, 2.0)
    for y in (np.array([3.0, 4.0]), np.float64(3), 3, 3.0, True):
        assert isinstance(x * y, Tensor) and isinstance(y * x, Tensor) and (y * x).requires_grad
    with pytest.raises(TypeError, match="mul takes tensors, arrays and numbers, got str"):
        x * "two"
    with pytest.raises(TypeError):
        x * [1, 2]


def test_a_failing_forward_names_the_op_and_the_shapes():
    with pytest.raises(ValueError, match=r"mul: shapes \(2, 3\) and \(4,\) do not broadcast") as caught:
        tl.ones(2, 3) * tl.ones(4)
    assert isinstance(caught.value, RuntimeError)               # as PyTorch's is


def test_a_subclass_is_a_tensor_everywhere():
    class Parameter(Tensor):
        pass
    p = Parameter([1.0, 2.0]).requires_grad_()
    y = p * p
    assert type(y) is Tensor
    y.sum().backward()
    assert p.grad.tolist() == [2.0, 4.0]
    assert type(ops.mul(2.0, p)) is Tensor and type(wrap(np.ones(2)) * p) is Tensor


def test_an_expanded_tensor_is_not_written_to():
    x = tl.zeros(3).expand(2, 3)
    for edit in (lambda: x.add_(1), lambda: x.mul_(2), lambda: x.exp_(), lambda: x.fill_(1), lambda: x.zero_(),
                 lambda: x.copy_(tl.ones(2, 3)),
                 lambda: x.__setitem__(0, 1.0), lambda: x.__iadd__(tl.ones(2, 3))):
        with pytest.raises(RuntimeError, match="expanded"):
            edit()
    assert not x.any()


def test_an_edit_of_a_constant_stays_in_its_memory_and_type():
    x = tl.ones(2, 3)
    view, array = x[0], x.array
    x.add_(1).mul_(tl.full((2, 3), 2.0)).sub_(tl.ones(3)).div_(3)
    x += 1
    x -= tl.ones(2, 3, dtype=tl.float64)
    x *= tl.tensor(2)
    assert x.array is array and x.dtype == tl.float32 and x.tolist() == [[2.0] * 3] * 2 and view.tolist() == [2.0] * 3
    with pytest.raises(ValueError, match="does not broadcast its own"):
        tl.ones(3).add_(tl.ones(2, 3))
    with pytest.raises(RuntimeError, match="cannot be put"):
        tl.ones(3, dtype=tl.int64).add_(0.5)
