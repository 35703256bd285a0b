"""`trace_nonfinite`: the op that makes the first NaN or infinity, told from those that pass it on."""
import math
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import NonFinite, backend, nn, trace_nonfinite, watch

INF, NAN = math.inf, math.nan
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


class Net(nn.Module):
    """A network whose head is a function."""

    def __init__(self, head):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
        self.head = Head(head)

    def forward(self, x):
        return self.head(self.body(x))


class Head(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, h):
        return self.function(h)


def train(head, x=None, lr=0.1, steps=1):
    """The origin that is found while such a network learns; None if nothing is."""
    tl.manual_seed(0)
    net = Net(head)
    with tl.no_grad():
        net.body[0].bias[0] = -100.0                            # so that one relu is 0
    optimizer = tl.optim.SGD(net.parameters(), lr)
    x = tl.randn(5, 4) if x is None else x
    try:
        with trace_nonfinite():
            for _ in range(steps):
                optimizer.zero_grad()
                net(x).mean().backward()
                optimizer.step()
    except NonFinite as error:
        return error
    return None


def one(*numbers, **more):
    return tl.tensor(numbers, dtype=tl.float32, requires_grad=True, **more)


# name of the fault: (what makes it, the op that is to be named, forward or backward, a word of the cause, a word of the cure)
FAULTS = {
    "log of 0": (lambda: one(1, 0, 2).log().sum().backward(), "log", "forward", "logarithm of 0", "log_softmax"),
    "log of a negative number": (lambda: one(1, -1).log(), "log", "forward", "negative numbers have no logarithm", "clamp"),
    "log1p of -1": (lambda: tl.log1p(one(0, -1)).sum().backward(), "log1p", "forward", "-inf at x = -1", "clamp"),
    "0 / 0": (lambda: one(0, 1) / one(0, 1), "div", "forward", "0 / 0 is NaN", "1e-8"),
    "1 / 0": (lambda: (1 / one(0, 1)).sum().backward(), "div", "forward", "divided by 0", "1e-8"),
    "scaled by a spread that is 0": (lambda: ((x := one(2, 2, 2)) - x.mean()) / x.std(), "div", "forward", "spread", "1e-8"),
    "root of a negative number": (lambda: one(4, -1).sqrt(), "sqrt", "forward", "no real root", "clamp"),
    "root at 0": (lambda: one(4, 0).sqrt().sum().backward(), "sqrt", "backward", "infinite at 0", "1e-8"),
    "1 / root at 0": (lambda: one(4, 0).rsqrt().sum().backward(), "rsqrt", "forward", "1 / 0", "1e-8"),
    "overflow of exp": (lambda: one(1, 100).exp().sum().backward(), "exp", "forward", "88.7", "softmax"),
    "softmax by hand": (lambda: (e := one(1, 100).exp()) / e.sum(), "exp", "forward", "88.7", "softmax"),
    "sigmoid by hand": (lambda: (1 / (1 + (-one(1, -100)).exp())).sum().backward(), "exp", "forward", "88.7", "sigmoid"),
    "0 to a negative power": (lambda: (one(0, 1) ** -2).sum().backward(), "pow", "forward", "negative power", "1e-8"),
    "a negative number to a power": (lambda: one(-1, 1) ** 0.5, "pow", "forward", "not real", "abs"),
    "a power below 1 at 0": (lambda: (one(0, 1) ** 0.3).sum().backward(), "pow", "backward", "infinite at 0", "1e-8"),
    "an angle of a cosine above 1": (lambda: tl.acos(one(0, 1.0001)), "acos", "forward", "between -1 and 1", "clamp"),
    "an angle at 1": (lambda: tl.acos(one(0, 1)).sum().backward(), "acos", "backward", "infinite at -1 and 1", "clamp"),
    "atanh at 1": (lambda: tl.atanh(one(0, 1)).sum().backward(), "atanh", "forward", "-1 and 1", "clamp"),
    "a mask by multiplication": (lambda: one(1, 2) * tl.tensor([0.0, 1]) * tl.tensor([INF, 1]), "mul", "forward", "does not remove",
                                 "masked_fill"),
    "inf - inf": (lambda: one(1, 2) + tl.tensor([INF, 0]) - tl.tensor([INF, 0]), "sub", "forward", "inf - inf", "first infinity"),
    "spread of one number": (lambda: one(3).std(), "std", "forward", "n - 1", "correction=0"),
    "mean of nothing": (lambda: one(3)[:0].mean(), "mean", "forward", "mean of no numbers", "empty"),
    "a product that overflows": (lambda: (one([1e30, 1], [1, 1e30]) @ one([1e30, 1], [1, 1])).sum().backward(), "matmul", "forward",
                                 "learning rate", "tenth"),
    "the right class masked away": (lambda: F.cross_entropy(one([1, -INF, 3]), tl.tensor([1])).backward(), "cross_entropy",
                                    "forward", "excludes", "unmasked"),
    "a score of +inf": (lambda: one(1, INF).softmax(0), "softmax", "forward", "+inf", "clamp"),
    "a root that where() drops": (lambda: tl.where((x := one(-1.0, 0, 4)) > 0, x.clamp(min=0).sqrt(), 0.0).sum().backward(), "sqrt",
                                  "backward", "infinite at 0", "where(ok"),
    "x log x by hand": (lambda: tl.where((p := one(0, 1)) > 0, p * p.log(), 0.0).sum().backward(), "log", "forward",
                        "logarithm of 0", "xlogy"),
    "more than float16 holds": (lambda: (one(1e5).half() * 1).sum().backward(), "astype", "forward", "65504", "float32"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named(name):
    function, op, phase, cause, cure = FAULTS[name]
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        function()
    origin = caught.value.origin
    assert (origin.op, origin.phase) == (op, phase), caught.value
    assert cause in origin.cause and cure in origin.cure, caught.value
    assert origin.source.file == __file__, "the line is the user's, not one of the package"
    for line in (origin.what, "why: " + origin.cause, "fix: " + origin.cure):
        assert line in str(caught.value)


@pytest.mark.parametrize("name", FAULTS)
def test_on_a_device(name, device, monkeypatch):
    monkeypatch.setattr(backend, "default_device", device)
    test_each_fault_is_named(name)


def test_all_that_is_told():
    error = train(lambda h: h.log())
    origin = error.origin
    assert (origin.op, origin.phase, origin.module) == ("log", "forward", "Net.head")
    assert origin.index == (0, 0) and origin.value == -INF and origin.shape == (5, 3)
    assert origin.source.text == "error = train(lambda h: h.log())" and origin.inputs[0].startswith("x (5, 3) float32: 0 … ")
    assert origin.inputs[0].endswith("; there 0")
    assert error.then[0].startswith("it reached the result of mean, from which backward() starts: ")
    assert error.then[0].endswith("net(x).mean().backward()")
    assert str(error).count("Net.head") == 1, "the path of the module is said once"


def test_the_derivative_that_made_it():
    error = train(lambda h: h.sqrt())
    origin = error.origin
    assert (origin.op, origin.phase, origin.module, origin.index, origin.value) == ("sqrt", "backward", "Net.head", (0, 0), INF)
    assert [line.split(" (")[0] for line in origin.inputs] == ["g", "out"]
    assert origin.source.text == "error = train(lambda h: h.sqrt())", "the line that recorded the op"


def test_makers_and_those_that_pass_on():
    error = train(lambda h: ((h * 1e30 * 1e30).exp() - 1).reshape(-1).clone() * 2)      # mul makes the first, exp passes it on
    assert (error.origin.op, error.origin.source.line) == ("mul", test_makers_and_those_that_pass_on.__code__.co_firstlineno + 1)
    assert "1e+30" in error.origin.inputs[1]


def test_an_infinity_is_told_where_a_nan_comes_of_it():
    error = train(lambda h: (e := (h * 1000).exp()) / e.sum())
    assert error.origin.op == "exp" and error.origin.value == INF
    assert error.then[0].startswith("div in Net.head then made nan of it at index")


HARMLESS = {
    "attention's mask": lambda h: h.masked_fill(h <= 0, -INF).softmax(-1),
    "a mask that is added": lambda h: (h + (h > 0).float().log()).softmax(-1),
    "a mask of -inf before max": lambda h: h.masked_fill(tl.tensor([True, False, True]), -INF).amax(-1),
    "a row that is masked whole": lambda h: h.masked_fill(h < INF, -INF).softmax(-1),
    "log of a mask, and back": lambda h: h.detach() * (h > 0).float().log().exp() + h,
    "what overflows and becomes 0": lambda h: h + (1 / (1 + (h.detach() * 1000).exp())),
    "xlogy": lambda h: tl.xlogy(h, h.detach()),
    "max pooling's border": lambda h: F.max_pool1d(h[None], 3, stride=1, padding=1),
    "clamp without a bound": lambda h: h.clamp(-INF, INF),
    "attention, causal": lambda h: F.scaled_dot_product_attention(h[None], h[None], h[None], is_causal=True),
    "attention with a mask": lambda h: F.scaled_dot_product_attention(h[None], h[None], h[None],
                                                                     attn_mask=tl.full((5, 5), -INF).triu(1)),
    "NaN that is taken out": lambda h: h + tl.tensor([NAN, 1, 2]).nan_to_num(),
    "NaN that is not chosen": lambda h: tl.where(h > INF, tl.tensor(NAN), h),
    "log_softmax of a mask": lambda h: tl.where(h > 0, h.masked_fill(h <= 0, -INF).log_softmax(-1), 0.0),
    "norm of a row of zeros": lambda h: (h * 0).norm(dim=-1),
    "cross-entropy with excluded classes": lambda h: F.cross_entropy(tl.cat([h, h.detach() * 0 - INF * tl.ones(5, 3)], 1),
                                                                     tl.zeros(5, dtype=tl.int64)),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_infinities_that_are_meant_are_no_faults(name):
    assert train(HARMLESS[name], steps=2) is None


def test_a_mask_that_reaches_the_loss():
    error = train(lambda h: h.masked_fill(h <= 0, -INF))
    assert error.origin.phase == "given" and "-inf, as it was written" in str(error) and "reached the result of mean" in str(error)
    assert "mask after the loss" in error.origin.cure


def test_a_mask_of_which_a_nan_comes():
    error = train(lambda h: h.masked_fill(h <= 0, -INF) * (h > 0))
    assert (error.origin.op, error.origin.phase) == ("mul", "forward") and "the x of where is -inf, as it was written" in str(error)


def test_missing_values_in_the_data():
    x = tl.tensor([[1, 2, NAN, 3], [4, 5, 6, 7]])
    error = train(lambda h: h, x)
    assert (error.origin.op, error.origin.phase, error.origin.module) == ("linear", "given", "Net.body[0]")
    assert error.origin.index == (0, 2) and "missing values" in error.origin.cause
    x[:, 2] = 0
    assert train(lambda h: h, x) is None


def test_a_learning_rate_too_high():
    tl.manual_seed(0)
    net, x = nn.Linear(4, 1), tl.randn(5, 4)
    optimizer = tl.optim.SGD(net.parameters(), 1e3)
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        for _ in range(30):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    error = caught.value
    assert error.origin.phase == "forward" and "learning rate" in error.origin.cause and "tenth" in error.origin.cure


def test_a_step_that_overflows():
    error = train(lambda h: h.sum(), tl.ones(5, 4), lr=1e39)
    assert (error.origin.phase, error.origin.op) == ("step", "SGD") and "Net.body.0." in error.origin.what
    assert "lr 1e+39" in error.origin.what and "learning rate" in error.origin.cause


def test_a_parameter_that_was_changed_by_hand():
    tl.manual_seed(0)
    net, x = nn.Linear(4, 1), tl.ones(3, 4)
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        for _ in range(3):
            net.zero_grad()
            net(x).square().mean().backward()
            with tl.no_grad():
                net.weight *= 1e30
                net.weight *= 1e30
    assert caught.value.origin.phase == "edit" and "which is Linear.weight," in caught.value.origin.what
    assert "x *= y at" in caught.value.origin.cause and "learning rate" in caught.value.origin.cause


def test_gradients_whose_sum_overflows():
    x = one(0.1, 0.2)
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        y = x * 1
        ((y * 2e38).sum() + (y * 2e38 * 0.9).sum()).backward()
    assert "that met at the result of mul have a sum" in caught.value.origin.what


def test_a_gradient_that_was_given_or_set():
    x = one(1, 2)
    with pytest.raises(NonFinite, match=r"the gradient that backward\(\) was given"), trace_nonfinite():
        (x * 2).backward(tl.tensor([NAN, 1]))
    x.grad = tl.tensor([1, INF])
    with pytest.raises(NonFinite, match="about to make a step"), trace_nonfinite():
        tl.optim.SGD([x], 0.1).step()


def test_an_infinite_result_at_the_end_of_the_block():
    with pytest.raises(NonFinite, match="it is a result, at the end of the block") as caught, trace_nonfinite():
        y = one(100).exp()
    assert caught.value.origin.op == "exp" and y.item() == INF
    with trace_nonfinite():
        mask = tl.tensor([0.0, 1]).log()                        # meant
    with pytest.raises(KeyError), trace_nonfinite():            # another error is not covered up
        y = one(100).exp()
        raise KeyError
    assert mask[0] == -INF


def test_under_create_graph_and_in_ops_of_several_results():
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        x = one(4, 0)
        tl.autograd.grad(x.sqrt().sum(), x, create_graph=True)
    assert (caught.value.origin.op, caught.value.origin.phase) == ("sqrt", "backward")
    with pytest.raises(NonFinite) as caught, trace_nonfinite():
        a, b = one(1, 0).unbind(0)
        (a + b.log()).backward()
    assert caught.value.origin.op == "log"


def test_results_are_the_same_and_nothing_stays():
    def run(traced):
        tl.manual_seed(3)
        net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 36, 3), nn.Softmax(-1))
        optimizer = tl.optim.Adam(net.parameters())
        x, y = tl.randn(4, 1, 8, 8), tl.tensor([0, 1, 2, 1])
        for _ in range(2):
            optimizer.zero_grad()
            if traced:
                with trace_nonfinite():
                    loss = F.cross_entropy(net(x), y)
                    loss.backward()
                    optimizer.step()
            else:
                loss = F.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
        return [loss.item(), *[p.numpy(force=True).copy() for p in net.parameters()]]
    for ours, plain in zip(run(True), run(False)):
        np.testing.assert_array_equal(ours, plain)
    assert watch.watchers == []


def test_it_is_told_where_pytorch_has_detect_anomaly():
    with pytest.raises(AttributeError, match="trace_nonfinite"):
        tl.autograd.detect_anomaly()


def test_warnings_stay_those_of_numpy():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with trace_nonfinite():
            one(1, 2).log().sum().backward()
