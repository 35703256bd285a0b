"""Linear layers, activations and losses as modules: what the table of `test_layers.py` cannot say."""
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, nn


@pytest.mark.parametrize("make, bound", [(lambda: nn.Linear(100, 300), 0.1), (lambda: nn.Bilinear(25, 9, 40), 0.2)])
def test_weights_start_uniform(make, bound):
    tl.manual_seed(0)
    layer = make()
    for p, deviation in zip(layer.parameters(), (0.02, 0.2)):
        assert abs(p).max() <= bound and abs(p).max() > 0.9 * bound
        assert p.std().item() == pytest.approx(bound / 3**0.5, rel=deviation) and abs(p.mean()).item() < deviation * bound
    before = layer.weight.detach().clone()
    layer.reset_parameters()
    assert (layer.weight != before).any()
    assert layer.weight.requires_grad and layer.weight.is_leaf


def test_device_and_dtype():
    layer = nn.Linear(2, 3, device="cpu", dtype=tl.float64)
    assert layer.weight.dtype == layer.bias.dtype == tl.float64 and nn.Linear(2, 3, False).bias is None
    assert nn.PReLU(2, dtype=tl.float64).weight.tolist() == [0.25, 0.25]
    assert nn.Embedding(2, 3, dtype=tl.float64).weight.dtype == tl.float64


def test_identity_gives_what_it_gets():
    x = tl.rand(2)
    assert nn.Identity()(x) is x


def test_rrelu_draws_a_slope_for_each_element():
    tl.manual_seed(0)
    x = tl.full((2000,), -2.0, requires_grad=True)
    for function in (nn.RReLU(0.1, 0.5), lambda x: F.rrelu(x, 0.1, 0.5, training=True)):
        out = function(x)
        g, = tl.autograd.grad(out.sum(), x)
        np.testing.assert_allclose(out.detach().numpy(), -2 * g.numpy())
        assert g.min() >= 0.1 and g.max() <= 0.5 and g.mean().item() == pytest.approx(0.3, abs=0.01)
        assert g.std().item() == pytest.approx(0.4 / 12**0.5, rel=0.05)
    y = tl.tensor([-1.0, 2.0])
    assert F.rrelu_(y, 0.5, 0.5) is y and y.tolist() == [-0.5, 2.0]


def test_prelu_starts_again():
    layer = nn.PReLU(2, init=0.5)
    with tl.no_grad():
        layer.weight.fill_(3)
    layer.reset_parameters()
    assert layer.weight.tolist() == [0.5, 0.5]


def test_softmax_without_a_dim_warns_in_the_line_that_called_it():
    for call in (lambda: nn.Softmax()(tl.ones(2, 3)), lambda: F.softmax(tl.ones(2, 3))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [w.filename for w in caught] == [__file__]


def test_half_the_sum_of_squares():
    """SPEC F-08: J = ½ Σ (y - ŷ)², whose gradient is ŷ - y."""
    x, y = tl.tensor([1.0, 4.0], requires_grad=True), tl.tensor([2.0, 1.0])
    loss = nn.MSELoss(reduction="half_sum")(x, y)
    loss.backward()
    assert loss.item() == 5 and x.grad.tolist() == [-1, 3]


def test_weights_of_losses_are_buffers():
    loss = nn.CrossEntropyLoss(tl.tensor([1.0, 2.0]))
    assert list(loss.state_dict()) == ["weight"] and loss.double().weight.dtype == tl.float64 and not list(loss.parameters())
    assert list(nn.BCEWithLogitsLoss(pos_weight=tl.ones(2)).state_dict()) == ["pos_weight"] and not nn.NLLLoss().state_dict()


def test_the_recipes():
    """What the docstring of `nn.loss` says in a line."""
    tl.manual_seed(0)
    q, score = F.normalize(tl.randn(4, 8)), tl.tensor([2.0, -0.5, 0.3])
    assert F.cross_entropy(q @ q.T / 0.01, tl.arange(4)).item() < 1e-4              # InfoNCE: each is nearest to itself
    y = tl.tensor([1.0, -1, -1])
    assert (1 - y * score).clamp(min=0).mean().item() == pytest.approx((0 + 0.5 + 1.3) / 3)
    teacher = tl.randn(3, 5)
    assert (4**2 * F.kl_div((teacher / 4).log_softmax(1), (teacher / 4).softmax(1), reduction="batchmean")).item() < 1e-5
    x = tl.randn(6, 3, requires_grad=True)
    g = tl.autograd.grad((x * tl.tensor([0.6, 0.0, 0.8])).sum(), x, create_graph=True)[0]
    assert (g.norm(2, 1) - 1).square().mean().item() < 1e-10


FAULTS = {
    "fraction": (lambda: nn.Linear(7 * 7 / 2, 10), TypeError, "in_features is an integer, got 24.5$"),
    "float": (lambda: nn.Linear(64 * 7 * 7 / 2, 10), TypeError, "got 1568.0: write 1568, or // in place of /"),
    "negative": (lambda: nn.Linear(3, -1), errors.WrongValue, "out_features is not negative, got -1"),
    "word": (lambda: nn.Bilinear(2, "3", 4), TypeError, "in2_features is an integer, got '3'"),
    "none": (lambda: nn.Bilinear(0, 3, 4), ValueError, "in1_features"),
    "unflatten": (lambda: nn.Unflatten(1, 6), TypeError, "tuple of ints, got 6"),
    "hardtanh": (lambda: nn.Hardtanh(1, -1), ValueError, "max_val is above min_val"),
    "softmax2d": (lambda: nn.Softmax2d()(tl.ones(2, 3)), errors.ShapeError, r"\(2, 3\)"),
    "rrelu": (lambda: F.rrelu(tl.ones(2), 0.5, 0.1), errors.WrongValue, "between lower and upper"),
    "size_average": (lambda: nn.L1Loss(True), TypeError, "L1Loss: size_average and reduce.*reduction="),
    "reduce": (lambda: nn.CrossEntropyLoss(reduce=False), TypeError, "CrossEntropyLoss: size_average and reduce"),
    "reduction": (lambda: nn.MSELoss(reduction="batchmean"), ValueError, "'half_sum'"),
    "p": (lambda: nn.MultiMarginLoss(p=3), ValueError, "p is 1 or 2"),
    "margin": (lambda: nn.TripletMarginLoss(margin=0), ValueError, "margin is above 0"),
    "features": (lambda: nn.Sequential(nn.Linear(4, 3))(tl.ones(2, 5)), RuntimeError,
                 r"(?s)\(2, 5\).*\(3, 4\).*last axis of x is 5, and 4 was expected.*in Sequential\[0\]: Linear"),
    "images": (lambda: nn.Linear(784, 3)(tl.ones(2, 1, 28, 28)), RuntimeError, "looks like images: nn.Flatten"),
    "image": (lambda: nn.Linear(784, 3)(tl.ones(28, 28)), RuntimeError, r"looks like one image: x.flatten\(\)"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    make, kind, text = FAULTS[fault]
    with pytest.raises(kind, match=text):
        make()


def test_families():
    assert isinstance(nn.ReLU6(), nn.Hardtanh) and nn.ReLU6().max_val == 6.0
    assert isinstance(nn.ZeroPad2d(1), nn.ConstantPad2d) and not isinstance(nn.ZeroPad2d(1), nn.ConstantPad1d)


@pytest.mark.parametrize(("place", "name", "word"), [
    (nn, "LazyConv2d", "Conv2d is told its sizes"), (nn, "Liner", "Linear"), (nn, "SyncBatchNorm", "BatchNorm1d"),
    (nn, "FractionalMaxPool2d", "not offered"), (nn.functional, "sofmax", "softmax"), (nn.utils, "skip_init", "init"),
    (tl.optim, "SparseAdam", "Adam"), (tl.optim, "Muon", "not offered"),
])
def test_names_that_are_not_there(place, name, word):
    assert not hasattr(place, name)
    with pytest.raises(AttributeError, match=word):
        getattr(place, name)
