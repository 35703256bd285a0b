"""Module: what it finds again, what it moves and saves, what it says when something is wrong.  And the containers."""
import copy
import gc
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn


class Block(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.weight = nn.Parameter(tl.randn(size, size))
        self.bias = nn.Parameter(tl.zeros(size))
        self.register_buffer("count", tl.tensor(0))
        self.register_buffer("scratch", tl.ones(size), persistent=False)

    def forward(self, x):
        return x @ self.weight + self.bias


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Block()
        self.layers = nn.ModuleList([Block(), nn.Sequential(Block(), Block())])

    def forward(self, x):
        x = self.first(x)
        for layer in self.layers:
            x = layer(x)
        return x


def raises(kind, *words):
    return pytest.raises(kind, match="(?s)" + ".*".join(words))


# ---- attributes -------------------------------------------------------------------------------------------------
def test_what_is_assigned_is_found_again():
    net = Net()
    assert [name for name, _ in net.named_parameters()] == [
        "first.weight", "first.bias", "layers.0.weight", "layers.0.bias", "layers.1.0.weight", "layers.1.0.bias",
        "layers.1.1.weight", "layers.1.1.bias"]
    assert len(list(net.parameters())) == 8 and len(list(net.first.parameters())) == 2 and not list(net.parameters(recurse=False))
    assert [name for name, _ in net.named_modules()] == ["", "first", "layers", "layers.0", "layers.1", "layers.1.0", "layers.1.1"]
    assert [name for name, _ in net.named_children()] == ["first", "layers"]
    assert [name for name, _ in net.named_buffers()][:2] == ["first.count", "first.scratch"]
    assert net.get_submodule("layers.1.0") is net.layers[1][0]
    assert net.get_parameter("layers.1.0.weight") is net.layers[1][0].weight
    assert net.get_buffer("first.count") is net.first.count
    assert "first" in dir(net) and "weight" in dir(net.first)


def test_a_shared_module_is_one():
    net = Net()
    net.again = net.first
    assert len(list(net.parameters())) == 8 and [name for name, _ in net.named_children()] == ["first", "layers"]
    assert "again.weight" in net.state_dict() and "first.weight" in net.state_dict()
    assert len(list(net.named_parameters(remove_duplicate=False))) == 10
    twin = copy.deepcopy(net)
    assert twin.again is twin.first and twin.first is not net.first


def test_tied_parameters_stay_tied():
    net = nn.Sequential(Block(), Block())
    net[1].weight = net[0].weight
    assert len(list(net.parameters())) == 3
    net.double()
    assert net[1].weight is net[0].weight and net[0].weight.dtype == tl.float64
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(copy.deepcopy(net).float().double()))):
        assert np.array_equal(other[0].weight.detach().numpy(), net[0].weight.detach().numpy())
    assert copy.deepcopy(net)[1].weight is not net[1].weight
    twin = copy.deepcopy(net)
    assert twin[1].weight is twin[0].weight


def test_one_name_is_one_thing():
    block = Block()
    block.weight = None
    assert block.weight is None and "weight" not in block.state_dict()
    block.weight = nn.Parameter(tl.ones(3, 3))
    del block.bias
    assert not hasattr(block, "bias") and list(block.state_dict()) == ["weight", "count"]
    block.part = tl.ones(2)
    block.part = nn.Parameter(tl.ones(2))                       # an ordinary attribute becomes a parameter
    assert "part" in block.state_dict() and "part" not in vars(block)
    block.count = tl.tensor(4)
    assert block.get_buffer("count").item() == 4


def test_buffers_as_attributes():
    block = Block()
    block.mean = nn.Buffer(tl.ones(2))
    block.temporary = nn.Buffer(tl.ones(2), persistent=False)
    assert "mean" in block.state_dict() and "temporary" not in block.state_dict() and not block.mean.requires_grad
    assert block.double().mean.dtype == block.temporary.dtype == tl.float64
    assert "temporary" not in block.state_dict()


def test_order_of_children_is_kept_when_one_is_replaced():
    net = nn.Sequential(OrderedDict(a=Block(), b=Block()))
    net.a = nn.Identity()
    assert list(net.state_dict()) == ["b.weight", "b.bias", "b.count"] and [n for n, _ in net.named_children()] == ["a", "b"]


def test_mistakes_with_attributes():
    class Forgetful(nn.Module):
        def __init__(self, value):
            self.layer = value
    with raises(AttributeError, "super().__init__()".replace("(", r"\(").replace(")", r"\)")):
        Forgetful(Block())
    with raises(AttributeError, "super"):
        Forgetful(3).missing                                                                                    # noqa: B018
    for use in (lambda m: m(1), lambda m: list(m.parameters()), lambda m: m.train(), repr):
        with raises(AttributeError, r"^Forgetful.__init__ has to call super\(\).__init__\(\) first") as error:
            use(Forgetful(3))
        assert error.value.__context__ is None                  # one error, not one while another was handled
    block = Block()
    with raises(AttributeError, "'wieght'", "did you mean 'weight'"):
        block.wieght                                                                                            # noqa: B018
    with raises(TypeError, "Tensor as parameter 'weight'", "copy_"):
        block.weight = tl.ones(3, 3)
    with raises(TypeError, "int as buffer"):
        block.count = 3
    with raises(TypeError, "as child module 'first'"):
        Net().first = 3
    with raises(KeyError, "dot"):
        block.register_parameter("a.b", None)
    with raises(KeyError, "exists already"):
        block.register_buffer("forward", tl.ones(1))
    computed = nn.Parameter(tl.ones(2))
    computed.node = (computed * 2).node
    with raises(ValueError, "computed from other tensors"):
        block.v = computed
    with raises(TypeError, "is a class"):
        nn.Sequential(nn.Identity)
    with raises(TypeError, r"Sequential\(\*modules\)"):
        nn.Sequential([Block(), Block()])
    with raises(NotImplementedError, "has no forward"):
        nn.Module()(1)
    with raises(NotImplementedError, "ModuleList has no forward: loop over"):
        nn.ModuleList()(1)
    with raises(NotImplementedError, "ModuleDict has no forward: call one"):
        nn.ModuleDict()(1)
    with raises(TypeError, "Parameter takes a Tensor, got list"):
        nn.Parameter([1.0])


def test_parameters():
    x = tl.ones(2, 2)
    p = nn.Parameter(x)
    assert p.requires_grad and p.is_leaf and isinstance(p, tl.Tensor) and not isinstance(p * 1, nn.Parameter) and p.array is x.array
    assert repr(p) == "Parameter containing:\ntensor([[1., 1.],\n        [1., 1.]], requires_grad=True)"
    assert not nn.Parameter(x, requires_grad=False).requires_grad
    y = tl.randn(3, requires_grad=True) * 2
    assert nn.Parameter(y).is_leaf
    q = copy.deepcopy(p)
    p.grad = tl.ones(2, 2)
    assert copy.deepcopy(p).grad is None
    assert isinstance(q, nn.Parameter) and q.array is not p.array and isinstance(pickle.loads(pickle.dumps(p)), nn.Parameter)


# ---- changing all of it -----------------------------------------------------------------------------------------
def test_to_moves_parameters_gradients_and_buffers(device):
    net, optimizer_sees = Net(), None
    optimizer_sees = list(net.parameters())
    net(tl.ones(2, 3)).sum().backward()
    assert net.to(tl.float64) is net and all(p.dtype == p.grad.dtype == tl.float64 for p in net.parameters())
    assert net.first.count.dtype == tl.int64                    # not a floating-point number: stays
    net.to(device, tl.float32)
    for x in [*net.parameters(), *net.buffers(), *[p.grad for p in net.parameters()]]:
        assert x.device.type == device
    assert all(a is b for a, b in zip(net.parameters(), optimizer_sees))
    net.to(tl.zeros(1, dtype=tl.float64))
    assert net.first.weight.dtype == tl.float64 and net.first.weight.device.type == "cpu"
    with raises(TypeError, "floating-point", "int64"):
        net.to(tl.int64)
    assert net.half().first.weight.dtype == tl.float16 and net.float().first.weight.dtype == tl.float32


def test_modes_and_freezing():
    net = Net()
    assert net.training and net.eval() is net and not net.layers[1][0].training and net.train().layers[1][0].training
    with raises(ValueError, "'yes'"):
        net.train("yes")
    net.first.requires_grad_(False)
    net(tl.ones(2, 3)).sum().backward()
    assert net.first.weight.grad is None and net.layers[0].weight.grad is not None
    net.zero_grad(set_to_none=False)
    assert not net.layers[0].weight.grad.any()
    net.zero_grad()
    assert net.layers[0].weight.grad is None


def test_apply_goes_from_below():
    seen = []
    net = Net()
    assert net.apply(lambda module: seen.append(module)) is net
    assert seen[-1] is net and seen[0] is net.first and len(seen) == 7


def test_a_module_is_freed_without_the_garbage_collector():
    import weakref
    gc.collect(), gc.disable()
    try:
        net = Net()
        gone = weakref.ref(net.first)
        net(tl.ones(2, 3)).sum().backward()
        del net
        assert gone() is None
    finally:
        gc.enable()


# ---- state_dict -------------------------------------------------------------------------------------------------
def test_state_dict_shares_memory_and_loads_back():
    net, other = Net(), Net()
    state = net.state_dict()
    assert type(state) is OrderedDict and state["first.weight"].array is net.first.weight.array
    assert not state["first.weight"].requires_grad and "first.scratch" not in state
    assert net.state_dict(keep_vars=True)["first.weight"] is net.first.weight
    assert list(net.state_dict(prefix="net."))[0] == "net.first.weight"
    kept = other.first.weight
    answer = other.load_state_dict(state)
    assert repr(answer) == str(answer) == "<All keys matched successfully>" and answer == ([], [])
    assert other.first.weight is kept and np.array_equal(kept.detach().numpy(), net.first.weight.detach().numpy())
    assert kept.array is not net.first.weight.array
    other.load_state_dict({key: x.detach().numpy() for key, x in state.items()})            # NumPy's arrays will do
    other.load_state_dict(state, assign=True)
    assert other.first.weight.array is net.first.weight.array and isinstance(other.first.weight, nn.Parameter)


def test_a_state_dict_that_does_not_fit_changes_nothing():
    net, state = Net(), Net().state_dict()
    before = {key: x.clone() for key, x in net.state_dict().items()}
    state["layers.1.1.weight"] = tl.zeros(4, 3)
    state["extra"] = state.pop("layers.1.1.bias")
    with raises(RuntimeError, "nothing was loaded", "size mismatch for layers.1.1.weight", r"\(4, 3\)", r"\(3, 3\)",
                'Missing key.*"layers.1.1.bias"', 'Unexpected key.*"extra"'):
        net.load_state_dict(state)
    with raises(RuntimeError, "size mismatch"):
        net.load_state_dict(state, strict=False)
    state["layers.1.1.weight"] = 3.0
    with raises(RuntimeError, "layers.1.1.weight is a float", "Tensor"):
        net.load_state_dict(state)
    assert all(np.array_equal(x.numpy(), before[key].numpy()) for key, x in net.state_dict().items())


def test_without_strict_what_is_missing_stays():
    net, state = Net(), Net().state_dict()
    own = net.first.bias.clone()
    del state["first.bias"]
    state["more.weight"] = tl.ones(1)
    answer = net.load_state_dict(state, strict=False)
    assert answer.missing_keys == ["first.bias"] and answer.unexpected_keys == ["more.weight"]
    assert np.array_equal(net.first.bias.detach().numpy(), own.detach().numpy())
    assert np.array_equal(net.first.weight.detach().numpy(), state["first.weight"].numpy())


def test_what_may_have_happened_to_a_state_dict():
    net = Net()
    state = net.state_dict()
    with raises(RuntimeError, "Every key starts with 'module.'", "removeprefix"):
        net.load_state_dict({f"module.{key}": x for key, x in state.items()})
    with raises(RuntimeError, "whole checkpoint", r"\['model'\]"):
        net.load_state_dict({"model": state, "epoch": 3})
    with raises(RuntimeError, "whole checkpoint", r"\['net'\]"):
        net.load_state_dict({"optimizer": {"state": {}}, "net": {f"module.{key}": x for key, x in state.items()}})
    with raises(RuntimeError, 'Unexpected key.*"model"$'):
        net.load_state_dict({**state, "model": {"name": "small"}})
    with raises(TypeError, "got Net: give it the state_dict"):
        net.load_state_dict(Net())
    renamed = {key.replace("first.weight", "first.weights"): x for key, x in state.items()}
    with raises(RuntimeError, "first.weights is here first.weight"):
        net.load_state_dict(renamed)
    with raises(RuntimeError, "transpose"):
        nn.Linear(3, 2).load_state_dict({"weight": tl.zeros(3, 2), "bias": tl.zeros(2)})
    with raises(TypeError, "dict of tensors, .*got str", "load the file first"):
        net.load_state_dict("net.pth")


def test_extra_state_and_hooks_of_state_dicts():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]
    a, b = nn.Sequential(Counting()), nn.Sequential(Counting())
    a[0].calls = 7
    assert a.state_dict() == {"0._extra_state": {"calls": 7}}
    b.load_state_dict(a.state_dict())
    assert b[0].calls == 7
    with raises(RuntimeError, "Missing key.*0._extra_state"):
        b.load_state_dict({})

    net = nn.Sequential(Block())
    net[0].register_state_dict_post_hook(lambda module, state, prefix, metadata: state.pop(prefix + "count") and None)
    assert "0.count" not in net.state_dict()
    other = nn.Sequential(Block())

    def rename(module, state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "w")
    other[0].register_load_state_dict_pre_hook(rename)
    other.register_load_state_dict_post_hook(lambda module, keys: keys.missing_keys.remove("0.count"))
    given = {"0.w": tl.ones(3, 3), "0.bias": tl.ones(3)}
    other.load_state_dict(given)
    assert other[0].weight.sum().item() == 9 and "0.w" in given             # the dict of the caller stays as it was


# ---- hooks ------------------------------------------------------------------------------------------------------
def test_forward_hooks():
    block, seen = Block(), []
    x = tl.ones(1, 3)
    plain = block(x)
    first = block.register_forward_pre_hook(lambda m, args: seen.append(("pre", m, len(args))))
    second = block.register_forward_hook(lambda m, args, out: seen.append(("post", out.shape)))
    assert np.array_equal(block(x).detach().numpy(), plain.detach().numpy())
    assert seen == [("pre", block, 1), ("post", (1, 3))]
    first.remove(), second.remove()
    block(x)
    assert len(seen) == 2
    with block.register_forward_hook(lambda m, args, out: out * 2):
        assert np.array_equal(block(x).detach().numpy(), (plain * 2).detach().numpy())
    assert np.array_equal(block(x).detach().numpy(), plain.detach().numpy())
    a = block.register_forward_pre_hook(lambda m, args: args[0] * 2)
    b = block.register_forward_hook(lambda m, args, kwargs, out: out + 1, with_kwargs=True)
    c = block.register_forward_hook(lambda m, args, out: out * 10, prepend=True)
    np.testing.assert_allclose(block(x).detach().numpy(), (block.forward(x * 2) * 10 + 1).detach().numpy(), rtol=1e-6)
    a.remove(), b.remove(), c.remove()
    block.register_forward_pre_hook(lambda m, args, kwargs: ((kwargs["y"],), {}), with_kwargs=True)
    assert np.array_equal(block(y=x).detach().numpy(), plain.detach().numpy())


def test_backward_hooks():
    block, seen = Block(), []
    x = tl.randn(2, 3, requires_grad=True)
    block.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output)))
    block(x).sum().backward()
    (grad_input,), (grad_output,) = seen[0]
    assert np.array_equal(grad_output.numpy(), np.ones((2, 3))) and np.array_equal(grad_input.numpy(), x.grad.numpy())
    block.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 2,))
    block.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 3,))
    before, x.grad = x.grad, None
    block.zero_grad()
    block(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6 * before.numpy(), rtol=1e-6)
    np.testing.assert_allclose(block.bias.grad.numpy(), [6, 6, 6], rtol=1e-6)       # 3 from the hook before, 2 rows


def test_backward_hooks_where_no_input_wants_a_gradient():
    block, seen = Block(), []
    block.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output[0].shape)))
    block(tl.ones(2, 3)).sum().backward()
    assert seen == [((None,), (2, 3))] and block.weight.grad is not None
    block.register_full_backward_hook(lambda m, grad_input, grad_output: (tl.ones(2, 3),))
    with raises(RuntimeError, "hook of Block", "want none"):
        block(tl.ones(2, 3)).sum().backward()


# ---- errors -----------------------------------------------------------------------------------------------------
def test_an_error_names_the_layer_it_came_from():
    net = Net()
    net.layers[1][1] = nn.Linear(5, 2)
    with raises(RuntimeError, r"in Net\.layers\[1\]\[1\]: Linear\(in_features=5"):
        net(tl.ones(2, 3))
    try:
        net(tl.ones(2, 3))
    except ValueError as error:
        assert str(error).count("in Net") == 1

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = [nn.Linear(5, 2)]                     # in a Python list: no part of the module

        def forward(self, x):
            return self.hidden[0](x)
    with raises(RuntimeError, r"in Outer\.<Linear>"):
        Outer()(tl.ones(2, 3))
    with raises(TypeError, "missing 1 required positional argument", "in Block"):
        Block()()
    with raises(KeyError, "'k'"):
        Raising(KeyError("k"))(1)
    with raises(ZeroDivisionError, "by zero", "in Raising"):
        Raising(ZeroDivisionError("by zero"))(1)


class Raising(nn.Module):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, x):
        raise self.error


# ---- containers, next to PyTorch's ------------------------------------------------------------------------------
CONTAINERS = """
    s = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)); [repr(s), len(s), repr(s[1]), repr(s[-1]), repr(s[1:])]
    s = nn.Sequential(nn.ReLU()); s.append(nn.Tanh()); s.insert(0, nn.Identity()); s.extend([nn.Identity()]); [repr(s), len(s)]
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Identity()); t = s.pop(1); [repr(s), repr(t), list(dict(s.named_children()))]
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Identity()); del s[0]; [repr(s), list(dict(s.named_children()))]
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Identity()); del s[:2]; [repr(s)]
    s = nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh()); s *= 2; [repr(s), repr(2 * s), len(s * 3)]
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh())); s[0] = nn.Identity(); [repr(s), repr(s.a), repr(s[:1])]
    l = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)]); l.append(nn.ReLU()); [repr(l), len(l), repr(l[1:]), repr(l[-1])]
    l = nn.ModuleList([nn.ReLU()]); l += [nn.Tanh()] * 2; l.insert(1, nn.Identity()); l[0] = nn.GELU(); [repr(l), repr(l.pop(-1))]
    l = nn.ModuleList([nn.ReLU()]) + nn.ModuleList([nn.Tanh()]); del l[0]; [repr(l), list(dict(l.named_children()))]
    d = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()}); d["c"] = nn.Tanh(); [repr(d), list(d), "a" in d, len(d), repr(d.pop("a"))]
    d = nn.ModuleDict([["x", nn.ReLU()]]); d.update({"y": nn.Tanh()}); [repr(d), list(d.keys()), repr(list(d.values()))]
    p = nn.ParameterList([torch.zeros(2), torch.ones(3, 2)]); p.append(torch.zeros(1)); [len(p), list(p.state_dict())]
    p = nn.ParameterList([torch.zeros(2)]); p[0] = torch.ones(4); p += [torch.ones(1)]; [p[0].shape[0], p[-1].shape[0], len(p[:1])]
    p = nn.ParameterDict({"a": torch.zeros(2)}); p["b"] = torch.zeros(1); [list(p), list(p.state_dict()), p.pop("a").shape[0]]
    p = nn.ParameterDict({"b": torch.ones(1), "a": torch.ones(2)}); [list(p), list(p | p.copy()), list(reversed(p)), p.popitem()[0]]
    p = nn.ParameterDict(OrderedDict(b=torch.ones(1), a=torch.zeros(2))); p.setdefault("b"); p.setdefault("c", 3); [list(p), p["c"]]
    p = nn.ParameterDict({"b": torch.ones(1)}); p |= {"d": torch.ones(2), "c": torch.ones(1)}; [list(p), list(p.state_dict())]
    s = nn.Sequential(nn.ReLU()); s[3]
    s = nn.Sequential(nn.ReLU()); s.append(3)
    l = nn.ModuleList([nn.ReLU()]); l[1]
    s = nn.Sequential(nn.ReLU()); s.insert(5, nn.ReLU())
    l = nn.ModuleList([3])
    l = nn.ModuleList(3)
    d = nn.ModuleDict({"a.b": nn.ReLU()})
    d = nn.ModuleDict({"a": 1})
    d = nn.ModuleDict(); d["nothing"]
    p = nn.ParameterList([torch.zeros(2)]); p[1]
    s = nn.Sequential(nn.ReLU()) * 0
    s = nn.Sequential(nn.ReLU()) + 1
"""


@pytest.mark.parametrize("line", [line.strip() for line in CONTAINERS.strip().splitlines()])
def test_containers_are_pytorchs(line):
    torch = pytest.importorskip("torch")

    def run(lib):
        *setup, last = line.split(";")
        names = {"torch": lib, "nn": lib.nn, "OrderedDict": OrderedDict}
        try:
            for step in setup:
                exec(step.strip(), names)
            return eval(last, names) if " = " not in last else exec(last.strip(), names)
        except Exception as error:
            return error
    mine, theirs = run(tl), run(torch)
    if isinstance(theirs, Exception):
        assert isinstance(mine, type(theirs)), (mine, theirs)
    else:
        assert mine == theirs
