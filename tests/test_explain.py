"""`explain`: what it records is what happened, number for number, and what it prints is that."""
import gc
import importlib.util
import json
import re
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import autograd, models, nn, op, printing, watch
from tinygrad_like.tools.explain.summaries import BINS, SMALL, summary

from .layers import LAYERS
from .test_layers import build, call

F = nn.functional
KINDS = {layer.make.partition("(")[0]: layer for layer in LAYERS}                                # one layer of each
EXAMPLES = Path(__file__).parent.parent / "examples"


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        hidden = self.body(x)
        return self.head(hidden.relu())


def step(net, x, y):
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return loss.item()


@pytest.fixture
def page():
    tl.manual_seed(0)
    net, x, y = Net(), tl.randn(7, 6), tl.tensor([0, 1, 2, 0, 1, 2, 0])
    with tl.explain() as page:
        step(net, x, y)
    page.net = net
    return page


def ops_of(data):
    return [node for node in data["nodes"] if node["op"] not in ("leaf", "constant")]


def node_of(data, op):
    found = [node for node in data["nodes"] if node["op"] == op or node["name"] == op]
    assert len(found) == 1, f"{len(found)} nodes {op}"
    return found[0]


def back_to(data, number):
    found = [step for step in data["steps"] if step["phase"] == "backward" and step["node"] == number]
    assert len(found) == 1
    return found[0]


def strict_json(data):
    return json.loads(json.dumps(data, allow_nan=False))


# ---- the derivation by hand -------------------------------------------------------------------------------------
@pytest.fixture
def by_hand():
    sys.path.insert(0, str(EXAMPLES))
    try:
        spec = importlib.util.spec_from_file_location("mlp_by_hand", EXAMPLES / "02_mlp_by_hand.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(EXAMPLES))
    return module


def test_the_mlp_has_the_derivation_of_the_hand_written_backward_pass(by_hand):
    random = np.random.default_rng(0)
    sizes = 4, 5, 3, 2
    Ws = [random.normal(0, 1, (n_out, n_in)) for n_in, n_out in zip(sizes, sizes[1:])]
    bs = [random.normal(0, 0.1, n_out) for n_out in sizes[1:]]
    x, y = random.random((3, 4)), np.eye(2)[[0, 1, 1]]
    with tl.explain() as page:
        by_hand.by_autograd(Ws, bs, x, y)
    J, dWs, dbs = by_hand.by_hand(Ws, bs, x, y)

    # what the hand-written pass computes on its way: aˡ forwards, δˡ backwards
    a = by_hand.forward(Ws, bs, x)
    δs = [(a[-1] - y) * a[-1] * (1 - a[-1])]
    for W, hidden in zip(Ws[:0:-1], a[-2:0:-1]):
        δs.append((δs[-1] @ W) * (hidden > 0))

    data = strict_json(page.data())
    forward = [node for node in ops_of(data) if node["op"] in ("relu", "sigmoid")]
    biased = [node for node in ops_of(data) if node["op"] == "add"]                             # z = a Wᵀ + b, of each layer
    steps = [back_to(data, node["id"]) for node in biased[::-1]]
    assert len(forward) == len(biased) == 3
    for node, expected in zip(forward, a[1:]):
        same(node["value"], expected)
    same(node_of(data, "J")["value"], np.array(J))
    for one, δ, db in zip(steps, δs, dbs[::-1]):                                                # ∂J/∂z, and Σₙ of it for b
        same(one["g"], δ)
        assert [to["summed_from"] for to in one["to"]] == [None, list(δ.shape)]
        same(one["to"][1]["dx"], db)
    for name, gradients in ("Ws", dWs), ("bs", dbs):
        for i, gradient in enumerate(gradients):
            leaf = node_of(data, f"{name}[{i}]")
            same(back_to(data, leaf["id"])["g"], gradient)
            same(leaf["value"], (Ws if name == "Ws" else bs)[i])
    error = back_to(data, node_of(data, "error")["id"])                                         # error · error: two ways
    assert error["arrived"] == 2
    same(error["g"], y - a[-1])

    # and so it is printed: J, the δs and the gradients, in this order
    text = page.text()
    place = text.index("J (")
    assert numbers_behind(text, place, "    = ") == pytest.approx(J, abs=5e-5)
    place = text.index("\nBACKWARD")
    for node, δ, db in zip(biased[::-1], δs, dbs[::-1]):
        place = text.index(f"({node['id']}) = ", place)
        near(numbers_behind(text, place, "    g = "), δ)
        near(numbers_behind(text, place, "    dy = "), db)
    for name, gradient in [(f"bs[{i}]", dbs[i]) for i in (2, 1, 0)] + [(f"Ws[{i}]", dWs[i]) for i in (2, 1, 0)]:
        place = text.index(f"dL/d {name}", place)
        near(numbers_behind(text, place, "    = "), gradient)
    assert text.count("    def dy(g, x, shape):\n") == 1 and text.count("    def dy(g, x, shape): …    as above\n") == 2


def same(shown, expected):
    assert shown["shape"] == list(expected.shape)
    np.testing.assert_allclose(shown["numbers"], expected, rtol=1e-12, atol=1e-15)


def near(shown, expected):
    assert shown.shape == expected.shape
    np.testing.assert_allclose(shown, expected, rtol=5e-5, atol=5.1e-5)


def numbers_behind(text, place, label):
    """The numbers that are printed behind a label, as an array."""
    start = text.index(label, place) + len(label)
    if text[start] != "[":
        return np.array(float(text[start:].split()[0]))
    for end in range(start, len(text)):
        if text.count("[", start, end) == text.count("]", start, end) > 0:
            return np.array(json.loads(re.sub(r"\.(?=[,\]])", ".0", text[start:end])))
    raise AssertionError("a bracket is open")


# ---- what is recorded -------------------------------------------------------------------------------------------
def test_nodes_and_steps_of_a_net(page):
    data = strict_json(page.data())
    assert [node["op"] for node in ops_of(data)] == ["linear", "tanh", "linear", "relu", "linear", "cross_entropy"]
    assert [node["module"] for node in ops_of(data)] == ["Net.body.0", "Net.body.1", "Net.body.2", "Net", "Net.head", ""]
    assert [node["id"] for node in data["nodes"]] == list(range(len(data["nodes"])))
    leaves = {node["name"]: node for node in data["nodes"] if node["op"] == "leaf"}
    assert list(leaves) == [name for name, _ in page.net.named_parameters()]
    assert leaves["body.2.bias"]["module"] == "Net.body.2"
    assert [node["name"] for node in data["nodes"] if node["op"] == "constant"] == ["x"]
    for node in data["nodes"]:
        assert all([parent is None or parent < node["id"] for parent in node["parents"]])
        assert len(node["parents"]) == len(node["operands"])
    assert node_of(data, "hidden")["op"] == "linear" and node_of(data, "loss")["op"] == "cross_entropy"
    forward = [step["node"] for step in data["steps"] if step["phase"] == "forward"]
    assert forward == [node["id"] for node in ops_of(data)]
    back = [step["node"] for step in data["steps"] if step["phase"] == "backward"]
    assert [number for number in back if number in forward] == forward[::-1] and len(back) == 6 + 6
    assert data["lacks"] == [] and data["title"].startswith("test_explain.py, line ")


def test_the_users_line(page):
    sources = [node["source"] for node in ops_of(page.data())]
    assert {Path(source["file"]).name for source in sources} == {"test_explain.py"}
    assert [source["text"] for source in sources] == ["hidden = self.body(x)"] * 3 + ["return self.head(hidden.relu())"] * 2 + [
        "loss = F.cross_entropy(net(x), y)"]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert all([lines[source["line"] - 1].strip() == source["text"] for source in sources])


def test_formula_and_derivatives_are_those_of_the_source(page):
    data = page.data()
    tanh, loss = node_of(data, "tanh"), node_of(data, "loss")
    assert tanh["formula"] == tl.ops.tanh.__doc__.split("\n")[0]
    assert loss["doc"].startswith(loss["formula"]) and "(SPEC F-14)" in loss["doc"]
    assert tanh["derivatives"] == [{"operand": "x", "source": tanh["derivatives"][0]["source"]}]
    assert tanh["derivatives"][0]["source"].startswith("def dx(g, out):")
    assert [each["operand"] or each["name"] for each in loss["derivatives"]] == ["x", "e", "total"]
    assert loss["derivatives"][1]["source"].startswith("def e(x, axis):\n    top = ")
    assert loss["params"]["axis"] == "1" and "base" not in loss["params"]


def test_gradients_are_those_of_the_tensors(page):
    data = page.data()
    expected = {name: p.grad.numpy() for name, p in page.net.named_parameters()}
    assert {each["name"] for each in data["parameters"]} == set(expected)
    for each in data["parameters"]:
        g, shown = expected[each["name"]], back_to(data, each["node"])["g"]
        assert each["norm"] == pytest.approx(np.linalg.norm(g), rel=1e-6) and each["size"] == g.size
        assert shown["shape"] == list(g.shape) and shown["max"] == g.max() and shown["dtype"] == "float32"
        np.testing.assert_array_equal(shown["numbers"], g)


def test_what_is_kept_is_what_the_profiler_counts():
    x, net = tl.randn(7, 6), Net()
    with tl.profile() as p:
        step(net, x, tl.tensor([0] * 7))
    with tl.explain() as page:
        step(net, x, tl.tensor([0] * 7))
    for op_name in ("linear", "tanh", "relu", "cross_entropy"):
        shown = sum([each["bytes"] for node in page.data()["nodes"] if node["op"] == op_name for each in node["kept"]])
        assert shown == p.ops[op_name].kept, op_name
    assert [each for each in node_of(page.data(), "tanh")["kept"]] == [{"name": "out", "bytes": 7 * 5 * 4}]


def test_what_arrives_is_the_sum_of_what_was_sent_and_broadcasting_is_summed_away():
    x = tl.tensor(np.random.default_rng(0).standard_normal((3, 4)), requires_grad=True)
    b = tl.tensor([1.0, 2, 3, 4], dtype=tl.float64, requires_grad=True)
    c = tl.tensor(2.0, dtype=tl.float64, requires_grad=True)
    with tl.explain() as page:
        h = x * b
        (h.exp() * h + h / c + b).mean().backward()
    data = page.data()
    sent, met = {}, {}
    for one in data["steps"]:
        if one["phase"] == "backward":
            came = sent.pop(one["node"], [])
            met[one["node"]] = one["arrived"]
            assert one["arrived"] == len(came)
            if came:
                np.testing.assert_allclose(one["g"]["numbers"], sum(came), rtol=1e-14)
            for to in one["to"]:
                assert to["dx"]["shape"] == data["nodes"][to["node"]]["shape"]
                sent.setdefault(to["node"], []).append(np.array(to["dx"]["numbers"]))
    assert sent == {}
    assert met[node_of(data, "h")["id"]] == 3 and met[node_of(data, "b")["id"]] == 2 and met[node_of(data, "c")["id"]] == 1
    assert [to["summed_from"] for to in back_to(data, node_of(data, "h")["id"])["to"]] == [None, [3, 4]]
    np.testing.assert_array_equal(back_to(data, node_of(data, "b")["id"])["g"]["numbers"], b.grad.numpy())
    assert "3 gradients met here, and were added" in page.text()
    assert "y of shape (4,) was broadcast: the gradient, of shape (3, 4), was summed" in page.text()


def test_hooks_are_told_of():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    with tl.explain() as page:
        h = x * 3
        h.register_hook(lambda g: g / 2)
        h.sum().backward()
    one = back_to(page.data(), node_of(page.data(), "h")["id"])
    assert one["hooks"] == 1 and one["g"]["numbers"] == [0.5, 0.5]
    assert one["to"][0]["dx"]["numbers"] == x.grad.tolist() == [1.5, 1.5]
    assert "    g = [0.5000, 0.5000]    (2,)    a hook saw it, and may have changed it\n" in page.text()


def test_several_results():
    x = tl.tensor([[1.0, 2, 3]], requires_grad=True)
    with tl.explain() as page:
        a, b = x.split([1, 2], dim=1)
        (a.sum() + (b * b).sum()).backward()
    data = strict_json(page.data())
    split = node_of(data, "split")
    parts = [node for node in data["nodes"] if node["op"] == "result"]
    assert [part["parents"] for part in parts] == [[split["id"]]] * 2 and [part["params"]["index"] for part in parts] == ["0", "1"]
    assert [part["name"] for part in parts] == ["a", "b"] and parts[1]["value"]["numbers"] == [[2, 3]]
    assert node_of(data, "mul")["parents"] == [parts[1]["id"]] * 2
    assert back_to(data, parts[1]["id"])["g"]["numbers"] == [[4, 6]]
    g = back_to(data, split["id"])
    assert g["arrived"] == 2 and sorted(g["g"]["numbers"]) == [1, 4, 6]
    assert g["to"][0]["dx"]["numbers"] == [[1, 4, 6]]
    assert "= result 1 of (" in page.text()


def test_second_derivatives_are_ops_of_their_own():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    with tl.explain() as page:
        (g,) = autograd.grad((x ** 3).sum(), x, create_graph=True)
        g.sum().backward()
    data = strict_json(page.data())
    assert [node["op"] for node in ops_of(data)] == ["pow", "sum", "reshape", "broadcast_to", "pow", "mul", "mul", "sum"]
    assert data["steps"][-1]["g"]["numbers"] == [6, 12]


def test_numbers_among_the_operands_and_ops_without_gradients():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    with tl.explain() as page:
        scale = tl.tensor([3.0, 4.0]) + 1
        (0.5 * x * scale).sum().backward()
    data = page.data()
    scale = node_of(data, "scale")
    assert scale["op"] == "add" and scale["value"]["numbers"] == [4, 5] and scale["params"] == {"y": "1"} and scale["kept"] == []
    half = next(node for node in data["nodes"] if node["params"] == {"x": "0.5"})
    assert half["parents"] == [None, node_of(data, "x")["id"]]
    assert f"({half['id']}) = 0.5 · x" in page.text()
    assert not any([step["phase"] == "backward" and step["node"] == scale["id"] for step in data["steps"]])


def test_names_are_unique_and_loops_are_told_apart():
    weights = [tl.tensor([float(i)], requires_grad=True) for i in range(3)]
    x = tl.tensor([2.0])
    with tl.explain() as page:
        h = x
        for w in weights:
            h = h * w
        h.sum().backward()
    names = [node["name"] for node in page.data()["nodes"] if node["op"] in ("leaf", "constant")]
    assert names == ["x", "weights[0]", "weights[1]", "weights[2]"]
    with tl.explain() as page:
        (tl.ones(2, requires_grad=True) * tl.ones(2)).sum().backward()
    assert sorted([node["name"] for node in page.data()["nodes"]][:2]) == ["x0", "x1"]


def test_optimizers_are_seen_and_their_arithmetic_is_not():
    net = Net()
    optimizer = tl.optim.Adam(net.parameters())
    with tl.explain() as page:
        step(net, tl.randn(7, 6), tl.tensor([0] * 7))
        optimizer.step()
    assert page.data()["optimizers"] == ["Adam"] and len(ops_of(page.data())) == 6
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    optimizer = tl.optim.LBFGS([x], max_iter=2)                 # which computes with tensors, and calls us in between

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss
    with tl.explain() as page:
        optimizer.step(closure)
    assert {node["op"] for node in ops_of(page.data())} == {"mul", "sum"} and page.data()["optimizers"] == ["LBFGS"]


# ---- numbers in short -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 4), (SMALL,), (SMALL + 1,), (70_000,)])
def test_a_summary(dtype, shape):
    array = (np.random.default_rng(0).standard_normal(shape) * 3).astype(dtype)
    short = strict_json(summary(array))
    sizes = abs(array.astype("complex128")) if dtype == "complex64" else array.astype("float64")
    assert short["shape"] == list(shape) and short["dtype"] == dtype and short["nonfinite"] == 0
    assert (short["numbers"] is None) == (array.size > SMALL) and len(short["histogram"]) == BINS
    if array.size == 0:
        assert short["min"] == "nan" and sum(short["histogram"]) == 0 and short["norm"] == 0
        return
    for key, expected in {"min": sizes.min(), "mean": sizes.mean(), "max": sizes.max(), "norm": np.linalg.norm(sizes)}.items():
        assert short[key] == pytest.approx(expected, rel=1e-5, abs=1e-6), key
    if array.size <= 65536:
        assert short["histogram"] == np.histogram(sizes, BINS)[0].tolist() or dtype == "float16" or sizes.min() == sizes.max()
        assert sum(short["histogram"]) == array.size
    if array.size <= SMALL and dtype != "complex64":
        np.testing.assert_array_equal(short["numbers"], array)


def test_numbers_that_are_not_finite_are_strings_and_the_others_are_measured():
    short = strict_json(summary(np.array([np.nan, np.inf, -np.inf, 2, 4])))
    assert short["numbers"] == ["nan", "inf", "-inf", 2, 4]
    assert (short["min"], short["mean"], short["max"], short["nonfinite"]) == (2, 3, 4, 3) and sum(short["histogram"]) == 2
    assert strict_json(summary(np.array([np.nan])))["min"] == "nan"


@pytest.mark.parametrize("numbers", [[1e-30, 2e-30], [1e30, 2e30], [-1e308, 1e308], [5e-324, 0], [3, 3]])
def test_norms_and_histograms_of_very_large_and_small_numbers(numbers):
    for dtype in ("float64", "float32"):
        array = np.array(numbers).astype(dtype) if max(numbers) < 1e38 else np.array(numbers)
        short = strict_json(summary(array))
        scale = abs(array.astype("float64")).max()
        assert short["norm"] == pytest.approx(scale * np.linalg.norm(array.astype("float64") / scale) if scale else 0, rel=1e-6)
        assert sum(short["histogram"]) == 2


def test_a_gradient_that_is_not_finite_is_told():
    x = tl.tensor([0.0, 1.0], requires_grad=True)
    with tl.explain() as page, np.errstate(all="ignore"):
        (x.log() * 0).sum().backward()
    assert strict_json(page.data())["parameters"] == [{"name": "x", "node": 0, "norm": "nan", "size": 2}]
    assert "NOT FINITE: the gradient of x." in page.text()


def test_large_arrays_are_printed_in_short():
    with tl.explain() as page:
        tl.randn(100, 30, requires_grad=True).exp().sum().backward()
    assert re.search(r"= min \S+, mean \S+, max \S+, norm \S+    [ ▁▂▃▄▅▆▇█]{16}    \(100, 30\)", page.text())
    assert max(map(len, page.text().splitlines())) < 250


# ---- the three ways to ask --------------------------------------------------------------------------------------
def test_a_function_of_numbers():
    page = tl.explain(lambda x, y: (x * y + x).sin(), 2.0, 3.0)
    data = page.data()
    assert back_to(data, node_of(data, "x")["id"])["g"]["numbers"] == pytest.approx(4 * np.cos(8.0), rel=1e-5)
    assert back_to(data, node_of(data, "y")["id"])["g"]["numbers"] == pytest.approx(2 * np.cos(8.0), rel=1e-5)
    assert "def dx(g, x): return g * cos(x)" in page.text()


def test_a_function_leaves_gradients_alone():
    net, x = Net(), tl.randn(2, 6)
    page = tl.explain(net, x)
    assert all([p.grad is None for p in net.parameters()]) and x.grad is None and not x.requires_grad
    data = page.data()
    assert [each["name"] for each in data["parameters"]] == [name for name, _ in net.named_parameters()]
    net(x).sum().backward()
    np.testing.assert_array_equal(back_to(data, node_of(data, "head.bias")["id"])["g"]["numbers"], net.head.bias.grad.numpy())
    assert any(["as its sum would" in lack for lack in data["lacks"]])
    assert data["title"] == "Net"


def test_tensors_are_made_leaves_if_none_is():
    data = tl.explain(lambda x: (x * x).sum(), tl.tensor([1.0, 2.0])).data()
    assert [each["name"] for each in data["parameters"]] == ["x"]
    data = tl.explain(lambda x, w: (x * w).sum(), tl.tensor([1.0]), tl.tensor([2.0], requires_grad=True)).data()
    assert [each["name"] for each in data["parameters"]] == ["w"]
    assert tl.explain(lambda x, n: x.reshape(n, 1), tl.ones(2), n=2).data()["nodes"][-1]["params"] == {"to": "(2, 1)"}


def test_afterwards_it_shows_what_the_graph_holds():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    loss = (w ** 2).exp().sum() * 3
    page = tl.explain(loss)
    data = strict_json(page.data())
    assert w.grad is None
    expected = 6 * np.array([1, 2]) * np.exp([1, 4])
    np.testing.assert_allclose(back_to(data, node_of(data, "w")["id"])["g"]["numbers"], expected, rtol=1e-6)
    assert [node["op"] for node in ops_of(data)] == ["pow", "exp", "sum", "mul"]
    assert node_of(data, "exp")["value"] is not None and node_of(data, "sum")["value"] is None
    assert node_of(data, "loss")["value"]["numbers"] == pytest.approx(loss.item()) and node_of(data, "loss")["params"] == {"y": "3"}
    assert any(["their lines, their modules" in lack for lack in data["lacks"]])
    loss.backward()                                             # nothing was used up
    data = strict_json(tl.explain(loss).data())
    assert any(["freed" in lack for lack in data["lacks"]]) and len(ops_of(data)) == 4
    assert not any([step["phase"] == "backward" for step in data["steps"]])
    assert "not seen" in tl.explain(loss).text()


def test_afterwards_the_users_modules_give_their_names():
    net = Net()
    data = tl.explain(F.cross_entropy(net(tl.randn(2, 6)), tl.tensor([0, 1]))).data()
    assert [each["name"] for each in data["parameters"]] == [f"net.{name}" for name, _ in net.named_parameters()]
    assert [node["module"] for node in ops_of(data)] == ["net.body.0", "", "net.body.2", "", "net.head", ""]


def test_ops_from_before_the_block_are_shown_and_owned_up_to():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    h = w.exp()
    with tl.explain() as page:
        (h * h).sum().backward()
    data = page.data()
    assert [node["op"] for node in data["nodes"]] == ["leaf", "exp", "mul", "sum"] and node_of(data, "h")["op"] == "exp"
    assert back_to(data, 0)["g"]["numbers"] == pytest.approx(w.grad.tolist())
    assert any(["before anybody watched" in lack for lack in data["lacks"]])


def test_what_is_missing_is_said():
    with tl.explain() as page:
        pass
    assert "nothing ran" in page.data()["lacks"][0]
    w, unused = tl.ones(2, requires_grad=True), tl.ones(2, requires_grad=True)
    with tl.explain() as page:
        w.exp()
    assert "no backward pass was seen" in page.data()["lacks"][0] and "NOTE: no backward pass" in page.text()
    with tl.explain() as page:
        unused.exp()
        w.exp().sum().backward()
    assert page.data()["lacks"] == ["no gradient came to unused"]
    assert "depends on nothing that wants a gradient" in tl.explain(tl.ones(1)).data()["lacks"][0]
    with pytest.raises(TypeError, match="a function and its inputs, or the result of a computation: got int, int"):
        tl.explain(3, 4)
    with pytest.raises(TypeError, match="got Tensor, int"):
        tl.explain(w, 4)


# ---- it changes nothing, and stays nowhere ----------------------------------------------------------------------
def test_results_are_the_same():
    x, y = tl.tensor(np.random.default_rng(0).standard_normal((7, 6)), dtype=tl.float32), tl.tensor([0, 1, 2, 0, 1, 2, 0])
    losses = []
    for watching in False, True:
        tl.manual_seed(0)
        net = Net()
        optimizer = tl.optim.SGD(net.parameters(), 0.1)

        def train(net=net, optimizer=optimizer):
            for _ in range(3):
                losses.append(step(net, x, y))
                optimizer.step()
        if watching:
            with tl.explain():
                train()
        else:
            train()
    assert losses[:3] == losses[3:]


@pytest.mark.parametrize("layer", KINDS.values(), ids=str)
def test_every_layer_can_be_explained(layer):
    module, gradients = build(layer, tl), []
    xs = [tl.tensor(x, requires_grad=x.dtype.kind == "f") for x in layer.arrays()]

    def gradients_of_all():
        tl.manual_seed(0)
        outs = [out for out in call(layer, tl, module, xs) if out.requires_grad]
        leaves = [x for x in [*xs, *module.parameters()] if x.requires_grad]
        if outs:
            gradients.append(autograd.grad(outs, leaves, [out.detach() for out in outs], allow_unused=True))
    gradients_of_all()
    with tl.explain() as page:
        gradients_of_all()
    for one, other in zip(*gradients):
        assert (one is None) == (other is None) and (one is None or np.array_equal(one, other, equal_nan=True))
    data = strict_json(page.data())
    assert data["lacks"] == [] or not gradients or all([lack.startswith("no gradient came") for lack in data["lacks"]])
    assert page.text().count("\n    g = ") == len([each for each in data["steps"] if each["phase"] == "backward"
                                                 and data["nodes"][each["node"]]["op"] != "leaf"])
    page.mermaid()


def test_nothing_is_asked_while_nobody_watches(monkeypatch):
    def told(*_):
        raise AssertionError("somebody was told")
    for module in (op, autograd):
        monkeypatch.setattr(module, "told", told)
        monkeypatch.setattr(module, "watched", told)
    step(Net(), tl.randn(7, 6), tl.tensor([0] * 7))


def test_errors_pass_and_nobody_watches_afterwards():
    with pytest.raises(ValueError, match=r"in Net.body\[0\]"), tl.explain() as page:
        Net()(tl.randn(7, 5))
    assert watch.watchers == [] and page.data()["nodes"] == []
    with pytest.raises(RuntimeError, match="does not require grad"), tl.explain():
        tl.ones(1).backward()
    assert watch.watchers == []


def test_the_record_keeps_no_tensor_alive():
    gc.collect()
    gc.disable()
    try:
        with tl.explain() as page:
            x = tl.randn(50, 50, requires_grad=True)
            h = x.exp()
            y = (h * h).sum()
            nodes, arrays = [weakref.ref(t.node) for t in (x, h, y)], [weakref.ref(t.array) for t in (x, h)]
            y.backward()
            del y, h, x
            assert [each() for each in nodes + arrays] == [None] * 5
        assert len(page.data()["nodes"]) == 4
    finally:
        gc.enable()


def test_editing_in_place_is_allowed_as_without():
    def edit():
        z = x + 1
        z = z[0:1]
        z += 1
        return z.sum()
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    edit()
    with tl.explain() as page:
        edit().backward()
    assert [node["op"] for node in ops_of(page.data())] == ["add", "getitem", "add", "sum"]


def test_other_threads_are_not_seen():
    x = tl.randn(5)
    with tl.explain() as page:
        other = threading.Thread(target=lambda: x.exp())
        other.start()
        other.join()
        x.tanh()
    assert [node["op"] for node in ops_of(page.data())] == ["tanh"]


def test_a_resnet_is_recorded_in_seconds():
    net, x, y = models.resnet20(), tl.randn(4, 3, 32, 32), tl.tensor([0, 1, 2, 3])
    step(net, x, y)
    start = time.perf_counter()
    with tl.explain() as page:
        step(net, x, y)
    data, text = page.data(), page.text()
    assert time.perf_counter() - start < 10
    assert len(ops_of(data)) > 100 and len(data["parameters"]) == len(list(net.parameters()))
    assert len(json.dumps(data, allow_nan=False)) < 2e6 and "CifarResNet.layer3.2.conv2" in text


def test_on_a_device(device):
    net, x, y = Net().to(device), tl.randn(7, 6).to(device), tl.tensor([0, 1, 2, 0, 1, 2, 0]).to(device)
    with tl.explain() as page:
        step(net, x, y)
    data = strict_json(page.data())
    for each in data["parameters"]:
        grad = net.get_parameter(each["name"]).grad
        np.testing.assert_array_equal(back_to(data, each["node"])["g"]["numbers"], grad.cpu().numpy())
    assert data["lacks"] == [] and "linear" in page.text()


# ---- text, drawings, files --------------------------------------------------------------------------------------
def test_the_text(page):
    text = page.text()
    assert str(page) == text and text.index("\nFORWARD") < text.index("\nBACKWARD")
    lines = text.splitlines()
    tanh = next(i for i, line in enumerate(lines) if "= tanh((" in line)
    assert "in Net.body.1" in lines[tanh] and "test_explain.py:" in lines[tanh] and lines[tanh].endswith("hidden = self.body(x)")
    assert lines[tanh + 1] == f"    {tl.ops.tanh.__doc__.splitlines()[0]}"
    assert "    keeps for the backward pass: out (140 bytes)" in lines
    assert text.count("    def total(e, axis):") == 1
    assert "the sweep starts here: dL/dL = 1" in text
    kept = sum([each["bytes"] for node in page.data()["nodes"] for each in node["kept"]])
    assert f"Kept alive for the backward pass: {kept:,} bytes" in text
    norms = {each["name"]: each["norm"] for each in page.data()["parameters"]}
    assert f"The largest gradient is that of {max(norms, key=norms.get)} " in text
    assert f"the smallest that of {min(norms, key=norms.get)} " in text
    assert repr(page).startswith("<explain test_explain.py, line ")


def test_numbers_are_printed_as_tensors_are(page):
    bias = page.net.head.bias
    assert f"    = {printing.numbers(bias.array, 6)}" in page.text()


def test_mermaid_draws_the_ops(page):
    data, text = page.data(), page.mermaid()
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "graph TD"
    opened = [line for line in lines if line.startswith("subgraph ")]
    assert len(opened) == lines.count("end") == 6 and 'subgraph m_Net_body_0["Net.body.0"]' in opened
    for node in data["nodes"]:
        assert any([line.startswith(f"n{node['id']}[") or line.startswith(f"n{node['id']}([") for line in lines])
        for parent in node["parents"]:
            wants = data["nodes"][parent]["op"] != "constant"
            assert f"n{parent} {'==>' if wants else '-->'} n{node['id']}" in lines


def test_mermaid_escapes_what_users_write():
    class Odd(nn.Module):
        def forward(self, x):
            return x.exp()

    Odd.__name__ = 'a"]; <b>&#`'
    with tl.explain() as page:
        Odd()(tl.ones(2))
    assert re.search(r'subgraph m_\w+\["a#34;\]; #60;b#62;#38;#35;#96;"\]', page.mermaid())


def test_mermaid_draws_the_layers_of_the_article():
    """SPEC F-17: an input layer, three hidden layers, an output layer, in a row."""
    net = nn.Sequential(nn.Linear(8, 7), nn.ReLU(), nn.Linear(7, 6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    x = tl.randn(2, 8)
    with tl.explain() as page:
        F.cross_entropy(net(x), tl.tensor([0, 1])).backward()
    lines = [line.strip() for line in page.mermaid("layers", "zh").splitlines()]
    assert [re.match(r'L\d\["([^:]*)', line)[1] for line in lines[1:6]] == ["输入层", "隐藏层1", "隐藏层2", "隐藏层3", "输出层"]
    assert lines[6:] == ["L0 --> L1", "L1 --> L2", "L2 --> L3", "L3 --> L4"]
    assert lines[2] == 'L1["隐藏层1: Sequential.0<br/>linear, relu (2, 7)"]'
    with tl.explain() as page:
        x.exp()
    assert "no module with parameters" in page.mermaid("layers")


@pytest.mark.parametrize("what", ["loop", "workflow"])
def test_mermaid_draws_training_as_it_is(what):
    """SPEC M-11: a backward pass and an update in the loop, two answers to each question, and a way out."""
    net = Net()
    optimizer = tl.optim.SGD(net.parameters(), 0.1)
    with tl.explain() as page:
        step(net, tl.randn(7, 6), tl.tensor([0] * 7))
        optimizer.step()
    for language, yes, no in ("en", "yes", "no"), ("zh", "是", "否"):
        text = page.mermaid(what, language)
        boxes = dict(re.findall(r'^    (\w)[\[({]+"(.*?)"[\])}]+$', text, re.M))
        edges = re.findall(r"^    (\w) -->(?:\|(.*)\|)? (\w)$", text, re.M)
        assert len(boxes) + len(edges) == len(text.splitlines()) - 1
        after = {}
        for before, answer, then in edges:
            after.setdefault(before, {})[answer] = then
        questions = re.findall(r"^    (\w)\{", text, re.M)
        for box in boxes:
            assert set(after.get(box, {})) == ({yes, no} if box in questions else {""} if box in after else set())
        assert len(set(boxes) - set(after)) == 1                # the way out
        update = next(box for box, words in boxes.items() if words.endswith("<br/>SGD"))
        backward = next(box for box, words in boxes.items() if "body.0.weight" in words)
        loss = next(box for box, words in boxes.items() if "cross_entropy = " in words)
        assert after[loss] == {"": backward} and after[backward] == {"": update}
    with pytest.raises(ValueError, match="mermaid draws graph, layers, loop, workflow, got 'net'"):
        page.mermaid("net")
    with pytest.raises(ValueError, match="mermaid speaks en and zh, got 'fr'"):
        page.mermaid(what, "fr")


def test_files(page, tmp_path):
    for name, expected in {"a.txt": page.text(), "a.mmd": page.mermaid(), "A.HTML": page.html(), "ä.json": None}.items():
        page.save(tmp_path / name)
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text == expected or json.loads(text) == strict_json(page.data())
    assert page.html(tmp_path / "b.html") == (tmp_path / "b.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match=r"save writes \.html, \.txt, \.mmd, \.json"):
        page.save(tmp_path / "a.pdf")
    assert page._repr_html_().startswith("<iframe ")
