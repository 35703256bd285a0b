"""What speaks for an answer, and what is inside of a network: by their definitions, and nothing is left changed."""
import base64
import sys

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn, pictures
from tinygrad_like.models import GPT, GPTConfig
from tinygrad_like.nn import functional as F

PNG = b"\x89PNG\r\n\x1a\n"


class Net(nn.Module):
    """Has all that could leave a trace: batch norm, dropout, a hook, an activation in place."""

    def __init__(self, activation=None):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.act = activation or nn.ReLU(inplace=True)
        self.pool = nn.AvgPool2d(2)
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(3 * 3 * 4, 4)

    def forward(self, x):
        return self.out(self.drop(self.pool(self.act(self.norm(self.conv(x)))).flatten(1)))


@pytest.fixture
def net():
    tl.manual_seed(0)
    net = Net().double()
    net(tl.randn(8, 2, 6, 8, dtype=tl.float64) * 2 + 1)         # so that the running statistics are not those of a new one
    return net


@pytest.fixture
def x():
    tl.manual_seed(1)
    return tl.randn(3, 2, 6, 8, dtype=tl.float64)


def scores(model, x, classes):
    """S, in eval mode, without gradients."""
    with tl.no_grad():
        return model.eval()(x).numpy()[np.arange(len(x)), classes]


CALLS = {
    "saliency": lambda net, x: pictures.saliency(net, x),
    "integrated_gradients": lambda net, x: pictures.integrated_gradients(net, x, steps=4),
    "grad_cam": lambda net, x: pictures.grad_cam(net, "conv", x),
    "occlusion": lambda net, x: pictures.occlusion(net, x, size=3),
    "feature_maps": lambda net, x: pictures.feature_maps(net, x)["act"],
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_left_changed(net, x, name, training):
    net.train(training)
    net.norm.eval()                                             # modes differ from module to module
    net.out.weight.requires_grad_(False)
    net.conv.weight.grad = tl.ones_like(net.conv.weight)
    calls = []
    net.conv.register_forward_hook(lambda *about: calls.append(1))
    x.requires_grad_()
    modes, state = [m.training for m in net.modules()], {k: v.clone() for k, v in net.state_dict().items()}
    given, random, grads = x.clone(), tl.get_rng_state(), [p.grad for p in net.parameters()]
    with tl.no_grad():                                          # as evaluation code may have it
        found = CALLS[name](net, x)
    assert not found.requires_grad and calls
    assert [m.training for m in net.modules()] == modes and [p.grad is g for p, g in zip(net.parameters(), grads)] == [True] * 6
    assert (net.conv.weight.grad == 1).all() and x.grad is None and (x == given).all()
    assert all([(v == state[k]).all() for k, v in net.state_dict().items()])
    assert (tl.get_rng_state() == random).all() and not tl.watch.watchers
    assert [p.requires_grad for p in net.parameters()] == [True] * 4 + [False, True] and len(net.conv._hooks["forward"]) == 1


def test_after_an_error_too(net, x):
    net.train()
    with pytest.raises(tl.errors.OutOfRange):
        pictures.grad_cam(net, "conv", x, target=9)
    assert all([m.training for m in net.modules()]) and not tl.watch.watchers


@pytest.mark.parametrize("name", CALLS)
def test_on_the_device_it_is_the_same(net, x, device, name):
    net, x = net.float(), x.float()
    here = CALLS[name](net, x)
    there = CALLS[name](net.to(device), x.to(device))
    assert here.dtype == there.dtype == tl.float32 and there.device == x.to(device).device
    np.testing.assert_allclose(there.cpu().numpy(), here.numpy(), rtol=1e-4, atol=1e-6)


def test_random_numbers_and_changes_in_place_of_the_model_stay_in_it(x):
    """A model may draw numbers in eval mode too, and may write into what it is given: neither is seen outside."""
    class Noisy(nn.Module):
        def forward(self, x):
            return x.sub_(tl.rand(1).double()).flatten(1)[:, :3]
    given, random = x.clone(), tl.get_rng_state()
    for name in ("saliency", "integrated_gradients", "occlusion"):
        CALLS[name](Noisy(), x)
        assert (tl.get_rng_state() == random).all() and (x == given).all()
    pictures.feature_maps(Noisy(), x.clone())
    assert (tl.get_rng_state() == random).all()


@pytest.mark.parametrize("name", CALLS)
def test_each_sample_is_by_itself(net, x, name):
    together = CALLS[name](net, x)
    for i in range(len(x)):
        np.testing.assert_allclose(CALLS[name](net, x[i:i + 1]).numpy()[0], together.numpy()[i], rtol=1e-9, atol=1e-12)


# ---- which score ------------------------------------------------------------------------------------------------
def test_targets(net, x, device):
    with tl.no_grad():
        best = net.eval()(x).argmax(1)
    expected = pictures.saliency(net, x).numpy()
    for target in (best, best.tolist(), best.numpy(), lambda out: out.amax(1)):
        np.testing.assert_array_equal(pictures.saliency(net, x, target).numpy(), expected)
    on_device = pictures.saliency(net.to(device), x.to(device), best)         # labels may be on the host
    np.testing.assert_allclose(on_device.cpu().numpy(), expected, rtol=1e-9)
    net.to("cpu")
    one = pictures.saliency(net, x, 2).numpy()
    np.testing.assert_array_equal(one, pictures.saliency(net, x, [2, 2, 2]).numpy())
    np.testing.assert_array_equal(one, pictures.saliency(net, x, tl.tensor(2)).numpy())
    np.testing.assert_array_equal(one, pictures.saliency(lambda x: net.eval()(x)[:, 2], x).numpy())
    assert (one != expected).any()


def test_what_cannot_be_a_target(net, x):
    with pytest.raises(tl.errors.OutOfRange, match="4"):
        pictures.saliency(net, x, 4)
    with pytest.raises(tl.errors.ShapeError, match=r"one for each of the 3 samples, got shape \(2,\)"):
        pictures.saliency(net, x, [0, 1])
    with pytest.raises(tl.errors.ShapeError, match=r"model gives \(3, 3, 6, 8\).*target=lambda out"):
        pictures.saliency(net.conv, x)
    with pytest.raises(tl.errors.ShapeError, match=r"score for each sample, a Tensor \(N,\); it returned \(3, 4\)"):
        pictures.saliency(net, x, lambda out: out)
    with pytest.raises(tl.errors.WrongType, match="int64.*embedding"):
        pictures.saliency(net, tl.ones(3, 2, 6, 8, dtype=tl.int64))
    with pytest.raises(tl.errors.WrongType, match="got ndarray: write tensor"):
        pictures.saliency(net, np.ones((3, 2, 6, 8)))


# ---- saliency ---------------------------------------------------------------------------------------------------
def test_saliency_by_differences(x):
    tl.manual_seed(0)
    net = Net(nn.Tanh()).double()
    found = pictures.saliency(net, x, [0, 3, 1]).numpy()
    assert found.shape == x.shape
    for at in np.ndindex(*x.shape[1:]):
        up, down = x.numpy().copy(), x.numpy().copy()
        up[(slice(None), *at)] += 1e-5
        down[(slice(None), *at)] -= 1e-5
        slope = (scores(net, tl.tensor(up), [0, 3, 1]) - scores(net, tl.tensor(down), [0, 3, 1])) / 2e-5
        np.testing.assert_allclose(found[(slice(None), *at)], abs(slope), atol=1e-9)


# ---- integrated gradients ---------------------------------------------------------------------------------------
def lacks(model, x, target, baseline=0.0, steps=64):
    """What the sum of the attributions lacks of the difference of the scores."""
    found = pictures.integrated_gradients(model, x, target, baseline, steps)
    whole = scores(model, x, target) - scores(model, x * 0 + baseline, target)
    return whole - found.sum(tuple(range(1, x.ndim))).numpy(), whole


def test_integrated_gradients_of_a_linear_model_are_exact(x):
    tl.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(96, 4)).double()
    found = pictures.integrated_gradients(model, x, 1, baseline=0.5, steps=1)
    np.testing.assert_allclose(found.numpy(), ((x - 0.5) * model[1].weight[1].view(2, 6, 8)).detach().numpy(), rtol=1e-12)


def test_integrated_gradients_sum_to_the_difference(x):
    """At most max |f‴| / (24 steps²), so to a quarter when there are twice as many steps; nothing for a quadratic."""
    tl.manual_seed(0)
    net = Net(nn.Tanh()).double()
    coarse, whole = lacks(net, x, [0, 3, 1], steps=8)
    fine, _ = lacks(net, x, [0, 3, 1], steps=16)
    assert (abs(whole) > 0.01).all() and (abs(coarse) > 1e-9).all()
    np.testing.assert_allclose(fine * 4, coarse, rtol=0.1)
    elsewhere = tl.full((2, 1, 1), 0.3, dtype=tl.float64)
    assert (abs(lacks(net, x, [0, 3, 1], baseline=elsewhere, steps=200)[0]) < 1e-4 * abs(whole)).all()

    class Quadratic(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :4] * x.flatten(1)[:, 4:8] + 3 * x.flatten(1)[:, 8:12]
    assert (abs(lacks(Quadratic(), x, [0, 1, 2], baseline=0.7, steps=1)[0]) < 1e-12).all()


@pytest.mark.parametrize("steps", [5, 40])
def test_with_relus_it_lacks_no_more_than_the_jumps_allow(net, x, steps):
    """The bound V / (2 steps), V being the sum of the jumps of f′, found here on a fine grid."""
    missing, _ = lacks(net, x, [0, 3, 1], steps=steps)
    a = tl.linspace(0, 1, 2001, dtype=tl.float64)
    for i, target in enumerate([0, 3, 1]):
        f = scores(net, a.view(-1, 1, 1, 1) * x[i], [target] * len(a))
        slopes = np.diff(f) * 2000
        assert 0 < abs(missing[i]) <= abs(np.diff(slopes)).sum() / (2 * steps)


def test_the_class_is_that_of_x_all_the_way():
    """With no target, the greatest output of x is followed, also where another is the greatest."""
    def two_ways(x):
        total = x.flatten(1).sum(1)
        return tl.stack([total, 1 - total], 1)
    x = tl.tensor([[0.2, 0.6], [-3.0, 0.0]])
    np.testing.assert_allclose(pictures.integrated_gradients(two_ways, x).numpy(), [[0.2, 0.6], [3, 0]], atol=1e-6)
    lost = pictures.occlusion(two_ways, x.unsqueeze(1), size=1)
    np.testing.assert_allclose(lost.numpy(), [[0.2, 0.6], [3, 0]], atol=1e-6)


def test_bad_arguments_of_integrated_gradients(net, x):
    with pytest.raises(tl.errors.WrongValue, match="at least 1, got 0"):
        pictures.integrated_gradients(net, x, steps=0)
    with pytest.raises(tl.errors.ShapeError, match=r"the baseline, \(5, 3, 2, 6, 8\)"):
        pictures.integrated_gradients(net, x, baseline=tl.zeros(5, 3, 2, 6, 8))


# ---- Grad-CAM ---------------------------------------------------------------------------------------------------
class Tiny(nn.Module):
    """A = w_k x, S = Σ_k v_k Σ_ij A^k_ij: so α_k = v_k, and the map is max(0, Σ_k v_k w_k x)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.out = nn.Linear(2, 2, bias=False)
        with tl.no_grad():
            self.conv.weight[:] = tl.tensor([2.0, -1.0]).view(2, 1, 1, 1)
            self.out.weight[:] = tl.tensor([[1.0, 3.0], [0.5, -4.0]])

    def forward(self, x):
        return self.out(self.conv(x).sum((2, 3)))


def test_grad_cam_by_hand():
    x = tl.tensor([[1.0, -2.0], [0.0, 3.0]]).view(1, 1, 2, 2)
    model = Tiny()
    np.testing.assert_allclose(pictures.grad_cam(model, "conv", x, 0).numpy(), [[[0, 2], [0, 0]]])       # 1·2 + 3·(-1) = -1
    np.testing.assert_allclose(pictures.grad_cam(model, model.conv, x, 1).numpy(), [[[5, 0], [0, 15]]])  # 1 + 4 = 5


def test_grad_cam_by_its_equations(net, x):
    """Through a pooling: eq. 1 and 2 with derivatives by differences of the layer's output, then resized."""
    A = pictures.feature_maps(net, x)["pool"].numpy()           # (3, 3, 3, 4)
    rest = nn.Sequential(nn.Flatten(), net.out)
    dA = np.empty_like(A)
    for at in np.ndindex(*A.shape[1:]):
        up = A.copy()
        up[(slice(None), *at)] += 1
        dA[(slice(None), *at)] = scores(rest, tl.tensor(up), [0, 3, 1]) - scores(rest, tl.tensor(A), [0, 3, 1])
    alpha = dA.mean((2, 3))
    heat = np.maximum(np.einsum("nk,nkij->nij", alpha, A), 0)
    assert (heat > 0).any()
    for layer in ("pool", net.pool):
        found = pictures.grad_cam(net, layer, x, [0, 3, 1])
        assert found.shape == (3, 6, 8)
        resized = F.interpolate(tl.tensor(heat).unsqueeze(1), (6, 8), mode="bilinear", align_corners=False).squeeze(1)
        np.testing.assert_allclose(found.numpy(), resized.numpy(), atol=1e-10)


def test_grad_cam_sees_a_layer_before_what_follows_in_place(net, x):
    """`norm` is followed by a ReLU in place, which is not to be seen in it."""
    seen = []
    hook = net.norm.register_forward_hook(lambda module, args, out: seen.append(out.detach().clone()))
    found = pictures.grad_cam(net, "norm", x, 0)
    hook.remove()
    other = Net(nn.ReLU()).double()
    other.load_state_dict(net.state_dict())
    np.testing.assert_allclose(found.numpy(), pictures.grad_cam(other, "norm", x, 0).numpy())
    assert (seen[0] < 0).any() and (pictures.feature_maps(net, x)["norm"].numpy() < 0).any()


@pytest.mark.parametrize("dims", [1, 3])
def test_other_dims_of_places(dims):
    tl.manual_seed(0)
    conv = getattr(nn, f"Conv{dims}d")(2, 3, 2)
    model = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(3 * 4 ** dims, 2))
    x = tl.randn(2, 2, *[5] * dims)
    assert pictures.grad_cam(model, "0", x).shape == (2, *[5] * dims)
    assert pictures.occlusion(model, x, size=2, stride=2).shape == (2, *[5] * dims)


def test_models_of_the_keras_dialect():
    """Their images have the channels last: the maps are those of the same model with the channels turned there in front of it."""
    from tinygrad_like import keras
    tl.manual_seed(0)
    model = keras.Sequential([keras.Input((8, 6, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)])
    x = tl.rand(2, 8, 6, 3)

    def turned(x):
        return model.eval()(x.permute(0, 2, 3, 1))
    first, conv = x.permute(0, 3, 1, 2), model.layers[-3].conv
    for mine, theirs in [
            (pictures.saliency(model, x).permute(0, 3, 1, 2), pictures.saliency(turned, first)),
            (pictures.grad_cam(model, model.layers[-3], x, 1), pictures.grad_cam(turned, conv, first, 1)),
            (pictures.grad_cam(model, conv, x, 1), pictures.grad_cam(turned, conv, first, 1)),
            (pictures.occlusion(model, x, size=3, stride=2), pictures.occlusion(turned, first, size=3, stride=2)),
            (pictures.feature_maps(model, x, layers=["conv2d"])["conv2d"], conv(first).detach())]:
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-7)
    with pytest.raises(tl.errors.ShapeError, match=r"channels come last, write x.movedim\(-1, 1\)"):
        pictures.draw_heat(x, {})


def test_bad_layers_of_grad_cam(net, x):
    with pytest.raises(tl.errors.ShapeError, match=r"the layer gives \(3, 4\), and x is \(3, 2, 6, 8\)"):
        pictures.grad_cam(net, "out", x)
    with pytest.raises(tl.errors.WrongValue, match="never called its layer"):
        pictures.grad_cam(net, nn.Conv2d(2, 2, 1), x)
    with pytest.raises(AttributeError, match="did you mean 'conv'"):
        pictures.grad_cam(net, "con", x)


# ---- occlusion --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size, stride, value", [
    (2, 2, 0.0), (3, 2, 0.25), ((2, 5), (1, 3), np.array([[[1.0]], [[-1.0]]])), (None, None, 0.0), ((6, 8), (6, 8), 0.0)])
def test_occlusion_by_a_loop(net, x, size, stride, value):
    value = tl.tensor(value) if isinstance(value, np.ndarray) else value
    found = pictures.occlusion(net, x, [0, 3, 1], size, stride, value).numpy()
    height, width = (1, 1) if size is None else (size, size) if isinstance(size, int) else size
    down, right = (1, 1) if stride is None else (stride, stride) if isinstance(stride, int) else stride
    tops = sorted({*range(0, 6 - height, down), 6 - height})
    lefts = sorted({*range(0, 8 - width, right), 8 - width})
    lost = [[[[] for _ in range(8)] for _ in range(6)] for _ in range(3)]
    blank = (x * 0 + value).numpy()
    for top in tops:
        for left in lefts:
            covered = x.numpy().copy()
            covered[:, :, top:top + height, left:left + width] = blank[:, :, top:top + height, left:left + width]
            drops = scores(net, x, [0, 3, 1]) - scores(net, tl.tensor(covered), [0, 3, 1])
            for n in range(3):
                for i in range(top, top + height):
                    for j in range(left, left + width):
                        lost[n][i][j].append(drops[n])
    np.testing.assert_allclose(found, [[[np.mean(each) for each in row] for row in sample] for sample in lost], atol=1e-12)


def test_bad_windows(net, x):
    for size, stride in ((7, 1), (2, 3), (0, 0)):
        with pytest.raises(tl.errors.WrongValue, match="do not cover"):
            pictures.occlusion(net, x, size=size, stride=stride)
    with pytest.raises(tl.errors.WrongValue, match="each of the 2 dims"):
        pictures.occlusion(net, x, size=(1, 2, 3))
    with pytest.raises(tl.errors.ShapeError, match=r"got \(3, 2\)"):
        pictures.occlusion(net, x[:, :, 0, 0])


# ---- what is inside ---------------------------------------------------------------------------------------------
def test_feature_maps_are_the_outputs_of_the_layers(net, x):
    found = pictures.feature_maps(net, x)
    assert list(found) == ["conv", "norm", "act", "pool", "drop", "out"]
    with tl.no_grad():
        z = net.eval().conv(x)
        np.testing.assert_array_equal(found["conv"].numpy(), z.numpy())
        np.testing.assert_array_equal(found["act"].numpy(), net.norm(z).relu().numpy())
        np.testing.assert_array_equal(found["out"].numpy(), net(x).numpy())
    assert list(pictures.feature_maps(net, x, layers=["pool", "conv"])) == ["conv", "pool"]


def test_a_layer_that_runs_twice_is_there_twice():
    act = nn.Tanh()
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 3), act), nn.Linear(3, 3), act)
    found = pictures.feature_maps(model, tl.randn(2, 3))
    assert list(found) == ["0.0", "0.1", "1", "0.1 #2"]
    np.testing.assert_array_equal(found["0.1 #2"].numpy(), found["1"].tanh().numpy())


def test_filters(net):
    assert list(pictures.filters(net)) == ["conv"] and pictures.filters(net)["conv"].shape == (3, 2, 3, 3)
    with pytest.raises(tl.errors.WrongValue, match="Linear has no convolution"):
        pictures.filters(nn.Linear(2, 2))


@pytest.mark.parametrize("kind", ["all", "causal", "some"])
def test_attention_maps_are_what_the_layer_says(kind, device):
    """Of layers that do not ask for their weights, next to the same layer asked for them."""
    tl.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    model = nn.TransformerEncoder(layer, 2).train()
    for p in model.parameters():
        p.data = tl.randn(*p.shape)
    x, causal = tl.randn(3, 5, 8), kind == "causal"
    mask = {"all": None, "causal": nn.Transformer.generate_square_subsequent_mask(5), "some": tl.eye(5) > 0}[kind]
    maps = pictures.attention_maps(model, x, mask, is_causal=causal)
    assert list(maps) == ["layers.0.self_attn", "layers.1.self_attn"] and model.training
    with tl.no_grad():
        first = model.layers[0].eval().self_attn
        expected = first(x, x, x, attn_mask=mask, average_attn_weights=False)[1]
    np.testing.assert_allclose(maps["layers.0.self_attn"].numpy(), expected.numpy(), atol=1e-6)
    assert (maps["layers.0.self_attn"].triu(1) == 0).all().item() == causal
    asked = pictures.attention_maps(first, x, x, x, attn_mask=mask)           # with weights, averaged: here all heads are seen
    np.testing.assert_allclose(asked[""].numpy(), expected.numpy(), atol=1e-6)
    there = pictures.attention_maps(model.to(device), x.to(device), mask if mask is None else mask.to(device), is_causal=causal)
    np.testing.assert_allclose(there["layers.1.self_attn"].cpu().numpy(), maps["layers.1.self_attn"].numpy(), atol=1e-5)


def test_attention_of_a_gpt_and_its_rollout():
    tl.manual_seed(0)
    model = GPT(GPTConfig(block_size=6, vocab_size=11, n_layer=3, n_head=2, n_embd=8))
    maps = pictures.attention_maps(model, tl.randint(0, 11, (2, 6)))
    assert len(maps) == 3 and all([P.shape == (2, 2, 6, 6) and (P.triu(1) == 0).all() for P in maps.values()])
    rolled = pictures.attention_rollout(maps).numpy()
    expected = np.eye(6)
    for P in maps.values():
        expected = (P.numpy()[1].mean(0) / 2 + np.eye(6) / 2) @ expected
    np.testing.assert_allclose(rolled[1], expected, atol=1e-6)
    np.testing.assert_allclose(rolled.sum(-1), 1, atol=1e-6)
    with pytest.raises(tl.errors.ShapeError, match="same n; got"):
        pictures.attention_rollout([tl.zeros(2, 2, 6, 5)])


def test_histograms(net):
    with pytest.raises(tl.errors.WrongValue, match="after loss.backward"):
        pictures.gradient_histograms(net)
    net.conv.weight.grad = tl.linspace(-1, 1, 54, dtype=tl.float64).view(3, 2, 3, 3)
    net.conv.weight.grad[0, 0, 0, :2] = tl.tensor([float("nan"), float("inf")])
    found = pictures.gradient_histograms(net, bins=4)
    assert list(found) == ["conv.weight"] and found["conv.weight"].nonfinite == 2
    assert found["conv.weight"].counts.sum() == 52 and len(found["conv.weight"].edges) == 5
    weights = pictures.weight_histograms(net, bins=7)
    assert list(weights) == [path for path, _ in net.named_parameters()]
    counts, edges = np.histogram(net.out.weight.detach().numpy(), 7)
    np.testing.assert_array_equal(weights["out.weight"].counts, counts)
    np.testing.assert_allclose(weights["out.weight"].edges, edges)


# ---- drawings ---------------------------------------------------------------------------------------------------
DRAWN = {
    "heat": lambda net, x: pictures.draw_heat(x[:, :1], {"a": pictures.saliency(net, x), "b": x.sum(1)}, titles=range(3)),
    "heat on colours": lambda net, x: pictures.draw_heat(tl.rand(3, 3, 6, 8), {}),
    "feature maps": lambda net, x: pictures.draw_feature_maps(pictures.feature_maps(net, x), sample=1),
    "filters": lambda net, x: pictures.draw_filters(pictures.filters(net)["conv"]),
    "colour filters": lambda net, x: pictures.draw_filters(tl.randn(5, 3, 3, 3)),
    "attention": lambda net, x: pictures.draw_attention({"a": tl.rand(2, 3, 4), "b": tl.rand(3, 4)}, "abc", "defg"),
    "curves": lambda net, x: pictures.draw_curves(history()),
    "histograms": lambda net, x: pictures.draw_histograms(pictures.weight_histograms(net)),
    "one that is constant": lambda net, x: pictures.draw_heat(tl.zeros(1, 1, 4, 4), {"nothing": tl.zeros(1, 4, 4)}),
}


def history():
    model = nn.Linear(2, 1)
    model.compile(loss="mse")
    return model.fit(tl.rand(8, 2), tl.rand(8, 1), epochs=2, verbose=0, validation_split=0.5)


@pytest.mark.parametrize("name", DRAWN)
def test_drawings(net, x, name, tmp_path):
    pytest.importorskip("matplotlib")
    picture = DRAWN[name](net, x)
    png = picture.png(dpi=40)
    assert png.startswith(PNG) and len(png) > 300
    assert picture._repr_png_().startswith(PNG)
    picture.save(tmp_path / "x.png", dpi=40)
    assert (tmp_path / "x.png").read_bytes().startswith(PNG)
    head, _, body = picture.data_uri(dpi=40).partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(body).startswith(PNG)


def test_the_heat_is_where_it_belongs():
    """Red for what is above 0, blue for what is below, grey where there is nothing; the strongest are pure."""
    pytest.importorskip("matplotlib")
    heat = np.zeros((1, 5, 6))
    heat[0, 1, 2], heat[0, 3, 4] = 2, -2
    axes = pictures.draw_heat(tl.zeros(1, 1, 5, 6), {"heat": heat}).figure.axes[1]
    shown = axes.images[0].get_array()
    assert shown.shape == (5, 6, 3) and axes.get_title() == "heat"
    np.testing.assert_allclose(shown[1, 2], pictures.draw.FOR)
    np.testing.assert_allclose(shown[3, 4], pictures.draw.AGAINST)
    np.testing.assert_allclose(shown[0, 0], 0.55)


def test_words_beside_attention():
    pytest.importorskip("matplotlib")
    maps = {"a": tl.rand(2, 2, 3), "b": tl.rand(3, 3)}
    for queries in ("xyz", {"a": "xy", "b": "xyz"}):
        panels = pictures.draw_attention(maps, queries, keys="uvw").figure.axes
        assert [axes.get_title() for axes in panels[:3]] == ["a, head 0", "a, head 1", "b"]
        for axes, rows in zip(panels, ["xy", "xy", "xyz"]):
            assert "".join([label.get_text() for label in axes.get_yticklabels()]) == rows
            assert "".join([label.get_text() for label in axes.get_xticklabels()]) == "uvw"
    np.testing.assert_array_equal(panels[1].images[0].get_array(), maps["a"][1].numpy())


def test_drawings_that_cannot_be():
    pytest.importorskip("matplotlib")
    with pytest.raises(tl.errors.ShapeError, match=r"1 or 3 channels, got \(2, 5, 4, 4\)"):
        pictures.draw_heat(tl.zeros(2, 5, 4, 4), {})
    with pytest.raises(tl.errors.ShapeError, match=r"map 'a' has shape \(2, 3, 4\)"):
        pictures.draw_heat(tl.zeros(2, 1, 4, 4), {"a": tl.zeros(2, 3, 4)})
    with pytest.raises(tl.errors.ShapeError, match="none of the layers"):
        pictures.draw_feature_maps({"0": tl.zeros(2, 3)})
    with pytest.raises(tl.errors.ShapeError, match=r"A\[0\]"):
        pictures.draw_attention({"a": tl.zeros(2, 3, 4, 4)})


def test_without_matplotlib(net, x, monkeypatch):
    """What is computed needs none of it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert pictures.saliency(net, x).shape == x.shape
    for draw in (pictures.draw_filters, pictures.draw_histograms):
        with pytest.raises(ImportError, match=r"pip install 'tinygrad_like\[plot\]'"):
            draw(tl.zeros(2, 1, 3, 3) if draw is pictures.draw_filters else pictures.weight_histograms(net))
