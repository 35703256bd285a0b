"""Memory as numbers: what a graph keeps alive is what its derivatives asked for, and nothing is left to the garbage collector."""
import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd, edits, op, ops
from tinygrad_like.op import wrap

SIDE = 80                                                      # one array of SIDE² float32 numbers is called a sheet here
SHEET = SIDE * SIDE * 4
LAYERS = 50


@pytest.fixture(autouse=True)
def no_collector():
    """Without the garbage collector, only what reference counts free is freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def sheet(wants=False, seed=0):
    x = wrap(np.random.default_rng(seed).uniform(-0.9, 0.9, (SIDE, SIDE)).astype("float32"))
    return x.requires_grad_() if wants else x


def sheets_alive(build):
    """How many sheets of memory are alive after build() that were not before; what it returns is alive, too."""
    build()                                                     # plans, caches
    tracemalloc.start()
    kept = build()
    alive = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return alive / SHEET


# ---- what a graph keeps -----------------------------------------------------------------------------------------
def test_fifty_layers_keep_one_sheet_each():
    """relu(h * w): the product asks for h and w, relu for its result, which is the next h.  The products themselves are gone."""
    x, ws = sheet(), [sheet(True, seed) for seed in range(LAYERS)]

    def layers():
        h = x
        for w in ws:
            h = ops.relu(h * w)
        return h
    assert sheets_alive(layers) == pytest.approx(LAYERS, rel=0.05)


def layered(step, operand):
    def layers():
        h = operand
        for _ in range(LAYERS):
            h = step(h)
        return h
    return layers


@pytest.mark.parametrize("step, sheets", [
    (lambda h: h + 1, 1),                                       # sums ask for nothing: the last result is all there is
    (lambda h: -h, 1),
    (lambda h: h * 2, 1),                                       # a number is no sheet
    (lambda h: ops.reshape(h, to=(SIDE, SIDE)), 0),             # a view
    (ops.sigmoid, LAYERS),                                      # its result
    (lambda h: h * (h * 0.5), 2 * LAYERS),                      # both operands
    (lambda h: h * h, LAYERS),                                  # its operand, once
    (lambda h: ops.sigmoid(h) + 1, LAYERS + 1),                 # the sum in between is not kept
    (lambda h: ops.sum(h, axis=0, keepdims=True) / SIDE + 0 * h, 1),                   # a shape is no sheet
], ids=["add", "neg", "by a number", "view", "sigmoid", "product", "square", "sigmoid + 1", "sum"])
def test_what_fifty_ops_keep(step, sheets):
    assert sheets_alive(layered(step, sheet(True))) == pytest.approx(sheets, abs=0.05 * LAYERS)


def test_only_what_a_needed_derivative_asks_for_is_kept():
    """Of h * w with a constant h, dw asks for h; nobody asks for w, as dh is not needed."""
    h, w = sheet(), wrap(np.ones((SIDE, SIDE), "float32")).requires_grad_()
    product = h * w
    assert product.node.kept.keys() == {"x"} and product.node.kept["x"] is h.array


def test_nothing_is_kept_without_recording():
    x = sheet(True)
    with tl.no_grad():
        assert sheets_alive(layered(ops.sigmoid, x)) == pytest.approx(1, abs=0.02)
    assert sheets_alive(layered(ops.sigmoid, x.detach())) == pytest.approx(1, abs=0.02)


def test_walking_frees():
    """Each layer is freed as soon as its gradient has been passed on: the peak is the forward's, not twice that."""
    x, ws = sheet(), [sheet(True, seed) for seed in range(LAYERS)]

    def forward():
        h = x
        for w in ws:
            h = ops.relu(h * w)
        return ops.sum(h)
    forward().backward()
    for w in ws:
        w.grad = None
    tracemalloc.start()
    loss = forward()
    start = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    loss.backward()
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert start / SHEET == pytest.approx(LAYERS, rel=0.05)
    assert now / SHEET == pytest.approx(LAYERS, rel=0.05)       # the gradients; the loss is alive, its graph holds nothing
    assert peak < start + 6 * SHEET


# ---- when it goes -----------------------------------------------------------------------------------------------
def arrays_watched(monkeypatch, *leaves):
    """Weak references to all arrays that Tensors are made of from now on, but for those of the leaves."""
    found = []

    def watching(out, node=None, wrap=op.wrap):
        tensors = wrap(out, node)
        arrays = [t.array for t in (tensors if isinstance(tensors, tuple) else [tensors])]
        found.extend(weakref.ref(array) for array in arrays if not any(array is leaf.array for leaf in leaves))
        return tensors
    monkeypatch.setattr(op, "wrap", watching)
    return found


def graph(x, w):
    h = ops.relu(ops.matmul(x, w) + 1)
    a, b = ops.unbind(ops.stack(h, h * 2))
    h = ops.amax(a * b, axis=0) / 3
    return ops.sum(ops.exp(h / 100) * ops.concatenate(h, -h)[:SIDE])


def test_dropping_the_loss_frees_everything_at_once(monkeypatch):
    x, w = sheet(), sheet(True)
    arrays = arrays_watched(monkeypatch, x, w)
    loss = graph(x, w)
    assert any(ref() is not None for ref in arrays)
    del loss
    assert not any(ref() is not None for ref in arrays)


@pytest.mark.parametrize("create_graph", [False, True])
def test_dropping_gradients_frees_everything_at_once(monkeypatch, create_graph):
    x, w = sheet(), sheet(True)
    arrays = arrays_watched(monkeypatch, x, w)
    loss = graph(x, w)
    g, = autograd.grad(loss, w, create_graph=create_graph)
    penalty = ops.sum(g * g)
    if create_graph:
        penalty.backward()
        w.grad = None
    del loss, g, penalty
    assert not any(ref() is not None for ref in arrays)


def test_a_gradient_with_a_history_holds_the_graph_until_it_is_cleared(monkeypatch):
    x, w = sheet(), sheet(True)
    arrays = arrays_watched(monkeypatch, x, w)
    loss = graph(x, w)
    loss.backward(create_graph=True)
    del loss
    assert any(ref() is not None for ref in arrays)
    w.grad = None
    assert not any(ref() is not None for ref in arrays)


def test_dropped_branches_go_at_once():
    x = sheet(True)
    kept = ops.exp(x)
    branch = ops.sigmoid(kept)
    gone = weakref.ref(branch.array)
    del branch
    assert gone() is None


def test_hooks_and_retained_gradients_go_with_their_tensor():
    x = sheet(True)
    h = x * 2
    seen = []
    h.register_hook(lambda g: seen.append(g.sum().item()))
    h.retain_grad()
    loss = ops.sum(h * h)
    loss.backward()
    node = weakref.ref(h.node)
    assert seen and h.grad is not None
    del h, loss
    assert node() is None


# ---- training ---------------------------------------------------------------------------------------------------
def ordinary(x, w, b):
    loss = ops.sum(ops.sigmoid(ops.matmul(x, w) + b) * 1e-3)
    loss.backward()


def retained(x, w, b):
    loss = ops.sum(ops.sigmoid(ops.matmul(x, w) + b) * 1e-3)
    loss.backward(retain_graph=True)
    loss.backward()


def penalised(x, w, b):
    loss = ops.sum(ops.sigmoid(ops.matmul(x, w) + b) * 1e-3)
    g, = autograd.grad(loss, w, create_graph=True)
    (loss + ops.sum(g * g)).backward()


def penalised_through_grad(x, w, b):
    loss = ops.sum(ops.sigmoid(ops.matmul(x, w) + b) * 1e-3)
    loss.backward(create_graph=True)
    penalty = ops.sum(w.grad * w.grad)
    w.grad = b.grad = None
    penalty.backward()


def cut_short(x, w, b):
    """The graph is dropped without being walked, and an error ends a backward pass."""
    loss = ops.sum(ops.sigmoid(ops.matmul(x, w) + b))
    loss.backward()
    with pytest.raises(RuntimeError):
        loss.backward()
    ops.exp(w * 1e-3)


@pytest.mark.parametrize("step", [ordinary, retained, penalised, penalised_through_grad])
def test_fifty_training_steps_leave_memory_where_it_was(step):
    x, w, b = sheet(), sheet(True, 1), sheet(True, 2)

    def train(steps):
        for _ in range(steps):
            step(x, w, b)
            with tl.no_grad():
                for p in w, b:
                    p -= 1e-3 * p.grad
            w.grad = b.grad = None
    train(3)
    tracemalloc.start()
    train(1)
    before = tracemalloc.get_traced_memory()[0]
    train(50)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 16_000


@pytest.mark.parametrize("step", [ordinary, retained, penalised, penalised_through_grad])
def test_a_step_leaves_nothing_to_the_garbage_collector(step):
    x, w, b = sheet(), sheet(True, 1), sheet(True, 2)
    step(x, w, b)
    gc.collect()
    step(x, w, b)
    w.grad = b.grad = None
    assert gc.collect() == 0


def test_errors_do_not_hold_the_graph():
    x, w, b = sheet(), sheet(True, 1), sheet(True, 2)
    cut_short(x, w, b)
    gc.collect()
    tracemalloc.start()
    for _ in range(10):
        cut_short(x, w, b)
    gc.collect()                                                # (a traceback refers to its own frame)
    alive = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert alive < SHEET / 4


def test_records_of_edits_go_with_the_memory_they_are_about():
    before = len(edits._edits)
    for _ in range(10):
        x = sheet()
        x += 1
        x[0] = 2
    assert len(edits._edits) <= before + 1
    del x
    assert len(edits._edits) <= before
