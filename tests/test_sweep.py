"""The sweep on random graphs, against a naive engine; and on graphs so long, or so wide, that a naive engine would fail."""
import gc
import sys
import weakref

import numpy as np
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import tinygrad_like as tl
from tinygrad_like import autograd, ops
from tinygrad_like.autograd import Node, wrap

from . import reference_engine as ref
from .reference_engine import Ref

SHAPES = [(), (3,), (2, 3), (2, 1)]                             # any two of them broadcast
picks = st.integers(0, 10**6)
flags = st.booleans()


class Graphs(RuleBasedStateMachine):
    """A program of random steps, each done in both engines.  `pool` has pairs: our Tensor, and the Ref that it should equal."""

    def __init__(self):
        super().__init__()
        gc.disable()
        Ref.edits, Ref.recording = [], True
        self.pool, self.nodes, self.init = [], [], Node.__init__

        def init(node, *args):
            self.init(node, *args)
            self.nodes.append(weakref.ref(node))
        Node.__init__ = init
        self.add_leaf(3, True)

    def pick(self, n):
        return self.pool[n % len(self.pool)]

    def put(self, tensor, reference):
        if np.abs(reference.array).max() < 100:                 # keep numbers such that rounding does not matter
            self.pool.append((tensor, reference))

    # ---- growing --------------------------------------------------------------------------------------------
    @rule(seed=picks, wants=flags)
    def add_leaf(self, seed, wants):
        array = np.random.default_rng(seed).uniform(-2, 2, SHAPES[seed % len(SHAPES)])
        tensor = wrap(array.copy())
        self.put(tensor.requires_grad_() if wants else tensor, Ref(array, wants=wants))

    @rule(a=picks, name=st.sampled_from(["neg", "sigmoid", "relu", "sum"]))
    def one(self, a, name):
        x, r = self.pick(a)
        self.put(getattr(ops, name)(x), getattr(ref, name)(r))

    @rule(a=picks, b=picks, name=st.sampled_from(["add", "sub", "mul", "mul"]))
    def two(self, a, b, name):
        (x, r), (y, s) = self.pick(a), self.pick(b)
        self.put(getattr(ops, name)(x, y), getattr(ref, name)(r, s))

    @rule(a=picks, b=picks)
    def without_recording(self, a, b):
        (x, r), (y, s) = self.pick(a), self.pick(b)
        Ref.recording = False
        with tl.no_grad():
            self.put(x * y, ref.mul(r, s))
        Ref.recording = True

    @rule(a=picks)
    def detach(self, a):
        x, r = self.pick(a)
        self.put(x.detach(), ref.detach(r))

    @rule(a=picks, chosen=flags)
    def unbind(self, a, chosen):
        x, r = self.pick(a)
        if x.ndim:
            for tensor, reference in list(zip(ops.unbind(x), ref.unbind(r)))[chosen:]:         # some results are dropped
                self.put(tensor, reference)

    @rule(a=picks, b=picks)
    def stack(self, a, b):
        (x, r), (y, s) = self.pick(a), self.pick(b)
        if x.shape == y.shape and x.ndim < 2:
            self.put(ops.sum(ops.stack(x, y, x), axis=0), ref_sum0(ref.stack(r, s, r)))

    @precondition(lambda self: len(self.pool) > 1)
    @rule(a=picks)
    def drop(self, a):
        del self.pool[a % len(self.pool)]

    @rule(a=picks)
    def retain_grad(self, a):
        x, r = self.pick(a)
        if x.requires_grad and not x.is_leaf:
            x.retain_grad()
            r.retains = True

    # ---- edits in place -------------------------------------------------------------------------------------
    @rule(a=picks, b=picks, recording=flags)
    def edit(self, a, b, recording):
        (x, r), (y, s) = self.pick(a), self.pick(b)
        if np.broadcast_shapes(x.shape, y.shape) != x.shape or np.abs(r.array + s.array).max() > 100:
            return
        Ref.recording = recording
        becomes = ref.add(r, s)
        Ref.recording = True
        if becomes.wants and r.array.base is not None:          # a view: see test_engine.py
            return
        with tl.set_grad_enabled(recording):
            if recording and x.requires_grad and x.is_leaf:
                with pytest.raises(RuntimeError, match="leaf"):
                    x += y
                return
            x += y
        if not becomes.wants:
            r.edit(becomes.array)
        else:                                                   # it is another Ref now; other pairs may share the Tensor
            self.pool = [(t, becomes if t is x else q) for t, q in self.pool]

    # ---- differentiating ------------------------------------------------------------------------------------
    def differentiate(self, r, ours, theirs):
        """ours() and theirs(), or None if both refuse: then the graph is half freed, and what hangs on it is put aside."""
        try:
            expected = theirs()
        except RuntimeError:
            with pytest.raises(RuntimeError, match="a second time|in-place"):
                ours()
            spoilt = set(x for x in ref.history(r) if x.parents)
            self.pool = [(t, q) for t, q in self.pool if spoilt.isdisjoint(ref.history(q))]
            self.add_leaf(3, True)
            return None
        return ours(), expected

    @rule(a=picks, seed=picks, retain=flags)
    def backward(self, a, seed, retain):
        x, r = self.pick(a)
        g = np.random.default_rng(seed).uniform(-1, 1, x.shape)
        if not x.requires_grad:
            with pytest.raises(RuntimeError, match="does not require grad"):
                x.backward(wrap(g))
            return
        found = self.differentiate(r, lambda: x.backward(wrap(g), retain_graph=retain), lambda: ref.walk(r, Ref(g), retain=retain))
        for y, gradient in (found[1] if found else {}).items():
            if not y.parents or y.retains:
                y.grad = gradient.array if y.grad is None else y.grad + gradient.array

    @rule(a=picks, b=picks, c=picks, seed=picks, create_graph=flags, retain=flags)
    def grad(self, a, b, c, seed, create_graph, retain):
        """By one or two targets, intermediates among them; with create_graph, the gradients join the pool."""
        (x, r), *targets = self.pick(a), self.pick(b), self.pick(c)
        targets = [(y, s) for y, s in targets if y.requires_grad]
        if not x.requires_grad or not targets:
            return
        g = np.random.default_rng(seed).uniform(-1, 1, x.shape)
        retain = retain or create_graph
        found = self.differentiate(
            r, lambda: autograd.grad(x, [y for y, _ in targets], wrap(g), create_graph=create_graph, retain_graph=retain,
                                     allow_unused=True),
            lambda: ref.walk(r, Ref(g), {s for _, s in targets}, retain))
        if found is not None:
            for (_, s), gradient in zip(targets, found[0]):
                expected = found[1].get(s)
                assert (gradient is None) == (expected is None)
                if gradient is not None:
                    close(gradient.array, expected.array)
                    assert gradient.requires_grad <= create_graph
                    if gradient.requires_grad:
                        assert expected.wants
                        self.put(gradient, Ref(expected.array.copy(), [expected], [lambda g: g]))

    # ---- comparing ------------------------------------------------------------------------------------------
    @invariant()
    def same(self):
        for x, r in self.pool:
            close(x.array, r.array)
            assert x.shape == r.array.shape
            if r.grad is None:
                assert x.grad is None
            else:
                close(x.grad.array, r.grad)

    def teardown(self):
        """What nothing in the pool came from is gone, and the garbage collector was not needed for it."""
        Node.__init__ = self.init
        alive = {node() for node in self.nodes} - {None}
        reachable = [x.node for x, _ in self.pool if x.node is not None]
        for node in reachable:
            reachable += [p for p in node.parents if p is not None]
        assert alive == set(reachable)
        gc.enable()


def ref_sum0(x):
    """Σ over the first axis, as in the real engine: it keeps a shape."""
    out = ref.Ref(x.array.sum(0), [x], [lambda g: ref.stretch(g, x)])
    return out


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9 * max(1.0, np.abs(b).max()))


TestGraphs = Graphs.TestCase
TestGraphs.settings = settings(max_examples=15 * settings().max_examples, stateful_step_count=40)


# ---- long and wide ----------------------------------------------------------------------------------------------
LONG = 100_000


def chain(x, n=LONG):
    y = x
    for _ in range(n // 2):
        y = ops.mul(y, 1.0)
        y = ops.add(y, 1e-5)
    return y


def leaf(*numbers):
    return wrap(np.array(numbers)).requires_grad_()


def count_calls(monkeypatch, op):
    """A list that grows by one for each call of a derivative of op."""
    calls = []

    def counted(derivative):
        def call(*args):
            calls.append(1)
            return derivative(*args)
        return call
    monkeypatch.setattr(op, "derivatives", [(counted(derivative), asks) for derivative, asks in op.derivatives])
    return calls


def test_a_long_chain_forward_backward_and_freed():
    assert sys.getrecursionlimit() <= 10_000 < LONG
    x = leaf(2.0)
    y = chain(x)
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_a_long_chain_dropped_without_walking_it():
    y = chain(leaf(2.0))
    del y


def test_a_long_chain_twice_differentiated():
    x = leaf(2.0)
    y = chain(x, LONG // 2)
    g, = autograd.grad((y * y).sum(), x, create_graph=True)
    assert g.item() == pytest.approx(2 * y.item())
    h, = autograd.grad(g.sum(), x)
    assert h.item() == pytest.approx(2.0)
    del g, y


def test_a_long_chain_of_gradients_towards_a_target():
    x = leaf(2.0)
    middle = chain(x, LONG // 2)
    assert autograd.grad(chain(middle, LONG // 2), middle)[0].item() == 1.0


@pytest.mark.parametrize("targets", [False, True])
def test_work_is_linear_in_a_ladder_of_diamonds(monkeypatch, targets):
    """y = x + x, thirty times: 2³⁰ paths, and thirty visits."""
    calls = count_calls(monkeypatch, ops.add)
    x = y = leaf(1.0)
    for _ in range(30):
        y = ops.add(y, y)
    g = autograd.grad(y, x)[0] if targets else (y.backward(), x.grad)[1]
    assert g.item() == 2.0**30
    assert len(calls) == 60


def test_work_is_linear_in_the_fan_out(monkeypatch):
    calls = count_calls(monkeypatch, ops.mul)
    x = leaf(1.0)
    hub = ops.mul(x, 3.0)
    ops.sum(ops.stack(*[ops.mul(hub, float(k)) for k in range(1000)])).backward()
    assert x.grad.item() == 3 * sum(range(1000))
    assert len(calls) == 1001


def test_many_results_of_one_op_are_taken_up_once(monkeypatch):
    """The gradients of a thousand results are joined in linear work: not by adding up a thousand tuples of a thousand."""
    joined = []
    add = autograd.Slots.__add__
    monkeypatch.setattr(autograd.Slots, "__add__", lambda a, b: joined.append(len(b.each)) or add(a, b))
    calls = count_calls(monkeypatch, ops.unbind)
    x = wrap(np.ones((1000, 2))).requires_grad_()
    ops.sum(ops.stack(*ops.unbind(x))).backward()
    assert len(calls) == 1 and sum(joined) == 999
    assert x.grad.tolist() == [[1.0, 1.0]] * 1000


def test_only_the_ways_to_the_targets_are_walked(monkeypatch):
    exps, products = count_calls(monkeypatch, ops.exp), count_calls(monkeypatch, ops.mul)
    x, other = leaf(1.0), leaf(1.0)
    y = ops.mul(ops.exp(x), ops.exp(ops.exp(other)))
    autograd.grad(y, x)
    assert len(exps) == len(products) == 1


def test_history_older_than_the_targets_is_not_looked_at():
    """Truncated backpropagation through time costs what the last piece costs."""
    looked = []

    class Watched(Node):
        __slots__ = ()
        parents = property(lambda self: looked.append(1) or [])

    x = leaf(1.0)
    old = ops.exp(x)
    older = Watched.__new__(Watched)
    for name in ("op", "kept", "shape", "dtype", "birth", "grad", "retains", "hooks"):
        setattr(older, name, getattr(old.node, name))
    old.node = older
    middle = ops.mul(old, 2.0)
    assert autograd.grad(ops.mul(middle, 3.0), middle)[0].item() == 3.0
    assert not looked
