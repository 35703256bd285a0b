"""`profile`, and the watchers that it is one of."""
import re
import threading
import time

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn, op, watch
from tinygrad_like.tools.profiler import size


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.body(x).exp())


def step(net, x):
    optimizer = tl.optim.SGD(net.parameters(), 0.1)
    loss = (net(x) * 2).sum()
    loss.backward()
    optimizer.step()
    return float(loss)


@pytest.fixture
def measured():
    tl.manual_seed(0)
    net, x = Net(), tl.randn(7, 6)
    with tl.profile() as p:
        step(net, x)
    return p


def test_ops_and_their_calls(measured):
    assert {name: cost.calls for name, cost in measured.ops.items()} == {"linear": 3, "tanh": 1, "exp": 1, "mul": 1, "sum": 1}
    assert all([cost.forward > 0 and cost.backward > 0 for cost in measured.ops.values()])
    seconds = [cost.seconds for cost in measured.ops.values()]
    assert seconds == sorted(seconds, reverse=True)
    assert sum(seconds) + measured.optimizer + measured.elsewhere == pytest.approx(measured.seconds)
    assert measured.optimizer > 0 and measured.elsewhere > 0


def test_modules_have_what_is_in_them(measured):
    modules, ops = measured.modules, measured.ops
    assert list(modules) == ["Net", "Net.body", "Net.body.0", "Net.body.1", "Net.body.2", "Net.head"]
    assert all([cost.calls == 1 for cost in modules.values()])
    for what in ("forward", "backward", "made", "kept"):
        def of(name, what=what):
            return getattr(modules[name], what)
        assert of("Net.body") == pytest.approx(of("Net.body.0") + of("Net.body.1") + of("Net.body.2"))
        assert of("Net") == pytest.approx(sum([getattr(ops[name], what) for name in ("linear", "tanh", "exp")]))
        assert of("Net.body.1") == pytest.approx(getattr(ops["tanh"], what))


def test_bytes(measured):
    made = {name: cost.made for name, cost in measured.ops.items()}
    assert made == {"linear": 4 * 7 * (5 + 4 + 3), "tanh": 4 * 7 * 5, "exp": 4 * 7 * 4, "mul": 4 * 7 * 3, "sum": 0}
    kept = {name: cost.kept for name, cost in measured.ops.items()}         # x and the weights are there anyway
    assert kept == {"linear": 0, "tanh": 4 * 7 * 5, "exp": 4 * 7 * 4, "mul": 0, "sum": 0}


def test_views_make_nothing_and_memory_is_kept_once():
    x = tl.randn(8, 5, requires_grad=True)
    with tl.profile() as p:
        y = x.exp()
        y.reshape(5, 8).transpose(0, 1)
        y * y
    assert p.ops["reshape"].made == p.ops["swapaxes"].made == 0
    assert p.ops["exp"].kept == 160 and p.ops["mul"].kept == 0 and p.ops["mul"].made == 160


def test_results_are_the_same_and_nothing_stays():
    x = tl.tensor(np.random.default_rng(0).standard_normal((7, 6)), dtype=tl.float32)
    losses = []
    for measure in (False, True):
        tl.manual_seed(0)
        net = Net()
        if measure:
            with tl.profile():
                losses.append([step(net, x) for _ in range(3)])
        else:
            losses.append([step(net, x) for _ in range(3)])
    assert losses[0] == losses[1]
    assert watch.watchers == [] and op.watchers is watch.watchers
    with pytest.raises(ValueError, match="inside"), tl.profile():
        raise ValueError("inside")
    assert watch.watchers == []


def test_errors_pass_with_the_path_of_their_module():
    with tl.profile() as p, pytest.raises(ValueError, match=r"in Net.body\[0\]"):
        Net()(tl.randn(7, 5))
    assert list(p.modules) == ["Net", "Net.body", "Net.body.0"]


def test_second_derivatives_are_counted_once():
    x = tl.randn(5, requires_grad=True)
    with tl.profile() as p:
        (g,) = tl.autograd.grad((x.exp() * x).sum(), x, create_graph=True)
        g.sum().backward()
    assert sum([cost.seconds for cost in p.ops.values()]) <= p.seconds
    assert p.ops["mul"].calls > 1


def test_other_threads_are_not_seen():
    x = tl.randn(5)
    with tl.profile() as p:
        other = threading.Thread(target=lambda: x.exp())
        other.start()
        other.join()
        x.tanh()
    assert list(p.ops) == ["tanh"]


def test_one_within_another():
    x = tl.randn(5)
    with tl.profile() as outer:
        x.exp()
        with tl.profile() as inner:
            x.tanh()
    assert set(outer.ops) == {"exp", "tanh"} and set(inner.ops) == {"tanh"}


def test_the_table(measured):
    lines = str(measured).splitlines()
    assert lines[0].split() == ["op", "calls", "forward", "ms", "backward", "ms", "share", "made", "kept"]
    assert lines[6].startswith("all: ") and "optimizer" in lines[6]
    assert lines[8].startswith("module, with what is in it") and lines[11].split()[0] == "Net.body.0"
    assert lines[11].startswith("    Net.body.0 ")
    assert repr(measured) == str(measured)


def test_a_module_that_calls_itself_pays_once():
    class Twice(nn.Module):
        def forward(self, x, again=True):
            return self(x, again=False).exp() if again else x.tanh()
    with tl.profile() as p:
        Twice()(tl.randn(3))
    assert len(p.modules) == 1 or list(p.modules)[0] == "Twice"
    assert p.modules["Twice"].forward == pytest.approx(p.ops["exp"].forward + p.ops["tanh"].forward)


@pytest.mark.parametrize("line", ["F.scaled_dot_product_attention(x, x, x)", "F.linear(x, w)", "F.layer_norm(x, (4,))",
                                  "nn.LSTM(4, 3)(x)[0]", "tl.cat([x, x])", "x.max(0).values", "F.conv1d(x, w[:, :, None])"])
def test_ops_of_which_not_all_operands_are_given(line):
    x, w = tl.randn(3, 4, 4, requires_grad=True), tl.randn(5, 4, requires_grad=True)
    with tl.profile() as p:
        eval(line, {"x": x, "w": w, "F": nn.functional, "nn": nn, "tl": tl}).sum().backward()
    assert sum([cost.calls for cost in p.ops.values()]) >= 2


# ---- while it runs, and what it shows ---------------------------------------------------------------------------
def test_before_and_while_it_runs():
    p = tl.profile()
    assert p.ops == p.modules == {} and p.seconds == 0 and str(p).startswith("op ")
    x = tl.randn(50)
    with p:
        x.exp()
        time.sleep(0.002)
        x.tanh().tanh()
        assert 0.002 < sum([cost.seconds for cost in p.ops.values()]) + p.elsewhere == pytest.approx(p.seconds, rel=0.5)
        assert float(re.match(r"all: ([\d.]+) ms", str(p).splitlines()[-1])[1]) > 2
        p.ops["tanh"].forward = 1.0
        assert [line.split()[0] for line in str(p).splitlines()[1:3]] == ["tanh", "exp"]
    assert list(p.ops) == ["tanh", "exp"]
    ended = p.seconds
    time.sleep(0.002)
    assert p.seconds == ended


def test_it_starts_anew_when_it_is_entered_again():
    p, x = tl.profile(), tl.randn(5)
    with p:
        x.exp()
    with p:
        x.tanh()
    assert list(p.ops) == ["tanh"]


def test_modules_are_indented_under_those_that_were_called():
    class Lists(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.blocks = nn.Tanh(), nn.ModuleList([nn.Sequential(nn.Sigmoid())])

        def forward(self, x):
            return self.blocks[0](self.stem(x))             # the list itself is not called
    with tl.profile() as p:
        Lists()(tl.randn(3))
    shown = [re.match(" *[^ ]*", line)[0] for line in str(p).splitlines()]
    assert shown[-4:] == ["Lists", "  Lists.stem", "  Lists.blocks.0", "    Lists.blocks.0.0"]


def test_gradients_of_one_of_several_results_are_the_ops():
    x, lstm = tl.randn(4, 2, 3), nn.LSTM(3, 5)
    with tl.profile() as p:
        lstm(x)[0].sum().backward()
    assert set(p.ops) == {"lstm", "stack", "sum"} and p.ops["lstm"].calls == 1
    assert p.modules["LSTM"].backward == pytest.approx(p.ops["lstm"].backward + p.ops["stack"].backward)


def test_the_table_says_where_all_of_the_time_went(measured):
    shares = [float(number) for line in str(measured).splitlines()[1:7] for number in re.findall(r"([\d.]+)%", line)]
    assert len(shares) == 7 and sum(shares) == pytest.approx(100, abs=1)


def test_few_bytes_are_not_called_none(measured):
    assert re.search(r"^tanh .* 140 B +140 B$", str(measured), re.MULTILINE)
    assert [size(n) for n in (0, 999, 4096, 2**20 // 20, 2**20)] == ["-", "999 B", "4.0 kB", "51.2 kB", "1.00 MB"]
