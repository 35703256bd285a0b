"""GANs: networks, losses and the penalty on slopes, against their formulas, finite differences, and their own source on PyTorch."""
import copy
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import models, nn

from .test_models import on_torch

RANDOM = np.random.default_rng(0)
REAL, FAKE = RANDOM.standard_normal((2, 6)) * 3


def theirs():
    """The file with PyTorch's imports for its own."""
    torch = pytest.importorskip("torch")
    module = on_torch("gan")
    module.rand, module.grad, module.ShapeError = torch.rand, torch.autograd.grad, ValueError
    return torch, module


def both(make):
    """The network that `make` names here and on PyTorch, in float64, with the same weights."""
    torch, module = theirs()
    ours, other = eval(make, vars(models)).double(), eval(make, vars(module)).double()
    assert repr(ours) == repr(other) and list(ours.state_dict()) == list(other.state_dict())
    other.load_state_dict({key: torch.tensor(x.numpy()) for key, x in ours.state_dict().items()})
    return torch, module, ours, other


# ---- networks ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("image, channels", [(28, 1), (32, 3), (64, 1), (20, 1)])
def test_sizes(image, channels):
    z = tl.randn(3, 5)
    drawn = models.Generator(5, channels, width=2, image=image)(z)
    assert drawn.shape == (3, channels, image, image) and abs(drawn).max() <= 1
    assert models.Discriminator(channels, width=2, image=image)(drawn).shape == (3,)


@pytest.mark.parametrize("image", [-28, 0, 3, 7, 27, 30])
def test_sizes_that_no_doubling_reaches(image):
    for network in (models.Generator, models.Discriminator):
        with pytest.raises(ValueError, match=f"image={image}: .* such as 28, 32 or 64"):
            network(image=image)


def test_channels_double_as_sides_halve():
    """64 pixels a side and width 128: figure 1 of the paper, 1024 channels of 4 × 4 to 128 of 32 × 32."""
    shapes = [tuple(layer.weight.shape) for layer in models.Generator(100, 3, 16, 64) if isinstance(layer, nn.ConvTranspose2d)]
    assert shapes == [(100, 128, 4, 4), (128, 64, 4, 4), (64, 32, 4, 4), (32, 16, 4, 4), (16, 3, 4, 4)]
    shapes = [tuple(layer.weight.shape) for layer in models.Discriminator(3, 16, 64) if isinstance(layer, nn.Conv2d)]
    assert shapes == [(16, 3, 4, 4), (32, 16, 4, 4), (64, 32, 4, 4), (128, 64, 4, 4), (1, 128, 4, 4)]


@pytest.mark.parametrize("make", ["Generator()", "Discriminator()", "Discriminator(batch_norm=False)"])
def test_weights_begin_normal_with_a_spread_of_two_hundredths(make):
    tl.manual_seed(0)
    for module in eval(make, vars(models)):
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            n = module.weight.numel()
            assert abs(module.weight.std().item() - 0.02) < 0.02 * 4 / math.sqrt(2 * n)     # four times its own spread
            assert abs(module.weight.mean().item()) < 0.02 * 4 / math.sqrt(n)
        assert make != "Discriminator(batch_norm=False)" or not isinstance(module, nn.BatchNorm2d)


@pytest.mark.parametrize("make, shape", [
    ("Generator(5, width=3)", (8, 5)), ("Generator(7, 3, 2, 32)", (3, 7)), ("Discriminator(width=3)", (4, 1, 28, 28)),
    ("Discriminator(3, 2, 32, batch_norm=False)", (3, 3, 32, 32))])
def test_the_same_source_on_pytorch(make, shape):
    torch, _, ours, other = both(make)
    x = RANDOM.standard_normal(shape)
    for mode in (True, False):
        found = []
        for lib, model in ((tl, ours), (torch, other)):
            model.train(mode).zero_grad()
            out = model(lib.tensor(x))
            (out * out).sum().backward()
            found.append([out.detach(), *[p.grad for p in model.parameters()], *model.buffers()])
        for mine, its in zip(*found):
            np.testing.assert_allclose(mine.numpy(), its.numpy(), rtol=1e-8, atol=1e-10)


def test_images_of_another_size_are_refused():
    with pytest.raises(tl.errors.ShapeError, match=r"\(2, 1, 32, 32\).*\('N', 1, 28, 28\).*image=28"):
        models.Discriminator(width=2)(tl.zeros(2, 1, 32, 32))   # whose 8 × 8 last pixels would give four numbers each
    with pytest.raises(ValueError, match="5"):
        models.Generator(5, width=2)(tl.zeros(2, 6))


# ---- losses -----------------------------------------------------------------------------------------------------
def σ(s):
    return 1 / (1 + np.exp(-s))


N = len(FAKE)
LOSSES = {                                                      # value, gradient by real, gradient by fake
    "discriminator_loss": (-np.log(σ(REAL)).mean() - np.log(1 - σ(FAKE)).mean(), (σ(REAL) - 1) / N, σ(FAKE) / N),
    "critic_loss": (FAKE.mean() - REAL.mean(), np.full(N, -1 / N), np.full(N, 1 / N)),
    "minimax_loss": (np.log(1 - σ(FAKE)).mean(), None, -σ(FAKE) / N),
    "non_saturating_loss": (-np.log(σ(FAKE)).mean(), None, (σ(FAKE) - 1) / N),
    "wasserstein_loss": (-FAKE.mean(), None, np.full(N, -1 / N)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_are_the_formulas(name):
    value, *slopes = LOSSES[name]
    logits = [tl.tensor(x, requires_grad=True) for x, slope in zip((REAL, FAKE), slopes) if slope is not None]
    loss = getattr(models, name)(*logits)
    loss.backward()
    np.testing.assert_allclose(loss.item(), value, rtol=1e-12)
    for s, slope in zip(logits, [slope for slope in slopes if slope is not None]):
        np.testing.assert_allclose(s.grad.numpy(), slope, rtol=1e-12)


def test_what_pytorch_has_under_another_name():
    torch = pytest.importorskip("torch")
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    one, zero = torch.ones(N).double(), torch.zeros(N).double()
    for found, expected in [
            (models.discriminator_loss(tl.tensor(REAL), tl.tensor(FAKE)), bce(real, one) + bce(fake, zero)),
            (models.non_saturating_loss(tl.tensor(FAKE)), bce(fake, one)),
            (models.minimax_loss(tl.tensor(FAKE)), -bce(fake, zero))]:
        np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-12)


@pytest.mark.parametrize("far", [50.0, 800.0])
def test_minimax_saturates_where_the_other_does_not(far):
    """D is sure of what is drawn: the one has no gradient, the other its full one, and nothing overflows."""
    for loss, slope in ((models.minimax_loss, 0.0), (models.non_saturating_loss, -1.0)):
        s = tl.tensor([-far], dtype=tl.float64, requires_grad=True)
        loss(s).backward()
        np.testing.assert_allclose(s.grad.item(), slope, atol=1e-20)
    s = tl.tensor([-far, far], requires_grad=True)
    loss = models.discriminator_loss(s, s)
    loss.backward()
    assert loss.item() == pytest.approx(far) and np.isfinite(s.grad.numpy()).all()


def test_the_best_discriminator_is_p_over_p_plus_q():
    """Two points, 0 and 1: real ones are 1 in p of the cases, drawn ones in q; V at the best is 2 JS - log 4."""
    p, q = np.array([0.3, 0.7]), np.array([0.8, 0.2])
    real, fake = tl.tensor(np.repeat([0.0, 1.0], [30, 70])), tl.tensor(np.repeat([0.0, 1.0], [80, 20]))
    tl.manual_seed(0)
    D = models.MLP([1, 8, 1], nn.Tanh).double()
    optimizer = tl.optim.Adam(D.parameters(), lr=0.03)
    for _ in range(400):
        loss = models.discriminator_loss(D(real.unsqueeze(1)), D(fake.unsqueeze(1)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = D(tl.tensor([[0.0], [1.0]], dtype=tl.float64)).sigmoid().squeeze(1)
    np.testing.assert_allclose(found.detach().numpy(), p / (p + q), atol=1e-3)
    js = (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() / 2
    assert -loss.item() == pytest.approx(2 * js - math.log(4), abs=1e-5)


# ---- the penalty on slopes --------------------------------------------------------------------------------------
def test_points_between():
    tl.manual_seed(0)
    real, fake = tl.zeros(2000, 1, 2, 2, dtype=tl.float64), tl.ones(2000, 1, 2, 2, dtype=tl.float64, requires_grad=True)
    x = models.between(real, fake)
    assert x.shape == real.shape and x.dtype == tl.float64 and not x.requires_grad
    t = x[:, 0, 0, 0]
    assert (x == t.view(-1, 1, 1, 1)).all() and 0 <= t.min() < 0.01 and 0.99 < t.max() <= 1       # a t for each pair, uniform
    assert abs(t.mean().item() - 0.5) < 0.03 and abs(t.var().item() - 1 / 12) < 0.01
    with pytest.raises(tl.errors.ShapeError, match=r"\(2000, 1, 2, 2\).*\(3, 1, 2, 2\).*last batch may be short"):
        models.between(real, fake[:3])


def test_the_penalty_of_a_linear_critic():
    """D(x) = w·x has the slope ‖w‖ everywhere: the penalty is (‖w‖ - 1)², its gradient 2 (‖w‖ - 1) w / ‖w‖."""
    critic = nn.Linear(3, 1).double()
    penalty = models.gradient_penalty(critic, tl.randn(5, 3, dtype=tl.float64))
    penalty.backward()
    w = critic.weight.detach().numpy()
    length = np.linalg.norm(w)
    assert penalty.item() == pytest.approx((length - 1) ** 2, rel=1e-12) and critic.bias.grad is None
    np.testing.assert_allclose(critic.weight.grad.numpy(), 2 * (length - 1) * w / length, rtol=1e-10)


@pytest.mark.parametrize("make", ["MLP([4, 5, 1], nn.Tanh)", "Discriminator(width=2, image=20, batch_norm=False)"])
def test_the_gradient_of_the_penalty_by_finite_differences(make):
    tl.manual_seed(0)
    critic = eval(make, {**vars(models), "nn": nn}).double()
    x = RANDOM.standard_normal((3, 4) if "MLP" in make else (3, 1, 20, 20))
    for p in critic.parameters():                               # larger weights, so that slopes differ
        p.data = tl.tensor(RANDOM.standard_normal(tuple(p.shape)) / 2)
    models.gradient_penalty(critic, tl.tensor(x)).backward()
    for p in [p for p in critic.parameters() if p.grad is not None]:
        direction, start, ε = RANDOM.standard_normal(tuple(p.shape)), p.numpy(force=True).copy(), 1e-6
        values = []
        for sign in (1, -1):
            p.data = tl.tensor(start + sign * ε * direction)
            values.append(models.gradient_penalty(critic, tl.tensor(x)).item())
        p.data = tl.tensor(start)
        assert (p.grad.numpy() * direction).sum() == pytest.approx((values[0] - values[1]) / (2 * ε), rel=1e-5, abs=1e-7)


def test_the_penalty_and_its_gradient_on_pytorch():
    torch, module, ours, other = both("Discriminator(width=3, batch_norm=False)")
    x = RANDOM.standard_normal((4, 1, 28, 28))
    found = []
    for lib, penalty_of, critic in ((tl, models.gradient_penalty, ours), (torch, module.gradient_penalty, other)):
        penalty = penalty_of(critic, lib.tensor(x))
        penalty.backward()
        found.append([penalty.item(), *[0.0 if p.grad is None else p.grad.numpy() for p in critic.parameters()]])
    for mine, its in zip(*found):                               # biases move the kinks alone: no gradient here, zeros there
        np.testing.assert_allclose(mine, its, rtol=1e-8, atol=1e-12)
    assert sum(abs(mine).max() > 1e-6 for mine in found[0][1:] if np.ndim(mine)) == 3


def test_a_critic_that_sums_its_images_up_is_refused():
    with pytest.raises(tl.errors.ShapeError, match=r"gradient_penalty: the critic gives \(\) for \(3, 4\).*each of 3 images"):
        models.gradient_penalty(lambda x: x.sum(), tl.ones(3, 4))


# ---- both together ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("loss", ["minimax_loss", "non_saturating_loss", "wasserstein_loss"])
def test_a_generator_learns_where_real_numbers_are(loss):
    """Real numbers are around 2; what is drawn begins around 0, and comes there."""
    tl.manual_seed(0)
    G, D = nn.Linear(1, 1), models.MLP([1, 16, 1], nn.Tanh)
    before = copy.deepcopy(G.state_dict())
    optimizer_G, optimizer_D = [tl.optim.Adam(network.parameters(), lr=0.02, betas=(0.5, 0.9)) for network in (G, D)]
    wasserstein = loss == "wasserstein_loss"
    for _ in range(200):
        for _ in range(5 if wasserstein else 1):                # a critic is to be near its best
            x, drawn = 2 + 0.5 * tl.randn(64, 1), G(tl.randn(64, 1))
            fake = drawn.detach()
            if wasserstein:                                     # with 10 penalties a slope of -1, as good as 1, would never turn
                loss_D = models.critic_loss(D(x), D(fake)) + models.gradient_penalty(D, models.between(x, fake))
            else:
                loss_D = models.discriminator_loss(D(x), D(fake))
            optimizer_D.zero_grad()
            loss_D.backward()
            optimizer_D.step()
        optimizer_G.zero_grad()
        getattr(models, loss)(D(drawn)).backward()
        optimizer_G.step()
    assert abs(before["bias"].item()) < 1.5 and abs(G.bias.item() - 2) < 0.5
