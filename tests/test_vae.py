"""The variational autoencoder: its KL and its bound against distributions and draws, its gradients, and the same on PyTorch."""
import importlib

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like.distributions import Bernoulli, Independent, Normal, kl_divergence
from tinygrad_like.models import VAE, negative_elbo

from .test_models import on_torch

vae = importlib.import_module("tinygrad_like.models.vae")


@pytest.fixture
def small():
    """A model of 6 pixels and 2 codes in float64, and 5 images."""
    tl.manual_seed(0)
    return VAE([6, 5], 2).double(), tl.rand(5, 6, dtype=tl.float64).round()


def test_shapes_and_parts(small):
    model, x = small
    logits, mu, logvar = model(x)
    assert logits.shape == (5, 6) and mu.shape == logvar.shape == (5, 2)
    assert [w.shape for w in VAE().decoder.state_dict().values()] == [(400, 20), (400,), (784, 400), (784,)]
    assert sum(w.numel() for w in VAE().parameters()) == 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784
    assert [name for name, _ in VAE([6, 5, 4], 2).named_parameters()][::2] == [
        *(f"encoder.{i}.weight" for i in (0, 2, 4)), *(f"decoder.{i}.weight" for i in (0, 2, 4))]


def test_kl_is_that_of_two_normals():
    mu, logvar = tl.randn(3, 4, dtype=tl.float64), tl.randn(3, 4, dtype=tl.float64)
    _, kl = negative_elbo(tl.zeros(3, 6), tl.zeros(3, 6), mu, logvar)
    q, p = Normal(mu, (logvar / 2).exp()), Normal(tl.zeros_like(mu), tl.ones_like(mu))
    np.testing.assert_allclose(kl.numpy(), kl_divergence(q, p).sum(-1).numpy(), rtol=1e-12)
    z = q.sample((200_000,))                                    # and what it stands for: the mean of log q - log p
    drawn = (q.log_prob(z) - p.log_prob(z)).sum(-1)             # (draws, 3)
    np.testing.assert_array_less(abs(drawn.mean(0) - kl).numpy(), 5 * drawn.std(0).numpy() / 200_000 ** 0.5)
    _, none = negative_elbo(tl.zeros(3, 6), tl.zeros(3, 6), 0 * mu, 0 * logvar)
    assert none.tolist() == [0, 0, 0]                           # q is p


def test_reconstruction_is_minus_the_log_probability_of_the_pixels(small):
    model, x = small
    logits, mu, logvar = model(x)
    reconstruction, _ = negative_elbo(x, logits, mu, logvar)
    expected = -Independent(Bernoulli(logits=logits), 1).log_prob(x)
    np.testing.assert_allclose(reconstruction.detach().numpy(), expected.detach().numpy(), rtol=1e-12)


def test_it_is_a_bound(small):
    """E[-ELBO] ≥ -log p(x), which so few codes let one integrate: the mean of p(x|z) over a grid of quantiles of N(0, 1)²."""
    model, x = small
    line = Normal(0.0, 1.0).icdf((tl.arange(400, dtype=tl.float64) + 0.5) / 400)
    z = tl.stack(tl.meshgrid(line, line, indexing="ij"), -1).view(-1, 2)
    with tl.no_grad():
        for image in x:
            log_p = Independent(Bernoulli(logits=model.decode(z)), 1).log_prob(image).logsumexp(0) - np.log(len(z))
            many = image.expand(20_000, 6)
            terms = sum(negative_elbo(many, *model(many)))
            assert terms.mean() > -log_p - 5 * terms.std() / 20_000 ** 0.5
            mu, logvar = model.encode(image)                    # the gap is KL(q(z|x) ‖ p(z|x)): weighted by q / p, draws say log p
            q, p = Normal(mu, (logvar / 2).exp()), Normal(0.0, 1.0)
            z_q = q.sample((50_000,))
            weight = (Independent(Bernoulli(logits=model.decode(z_q)), 1).log_prob(image)
                      + (p.log_prob(z_q) - q.log_prob(z_q)).sum(-1))
            assert abs(weight.logsumexp(0) - np.log(50_000) - log_p) < 0.02


@pytest.mark.parametrize("grey", [False, True])
def test_gradients_pass_through_the_draw(small, monkeypatch, grey):
    """Against finite differences, for one ε: of all weights, and of x."""
    model, x = small
    noise = tl.randn(5, 2, dtype=tl.float64)
    monkeypatch.setattr(vae, "randn_like", lambda mu: noise)
    x = (tl.rand(5, 6, dtype=tl.float64) if grey else x).requires_grad_()
    for layer in model.modules():                               # away from the kinks of ReLU: one that has none
        for name, child in list(layer.named_children()):
            if isinstance(child, tl.nn.ReLU):
                setattr(layer, name, tl.nn.Tanh())
    names, weights = zip(*model.named_parameters())

    def loss(x, *weights):
        out = tl.func.functional_call(model, dict(zip(names, weights)), (x,))
        return sum(negative_elbo(x, *out)).mean()
    assert tl.autograd.gradcheck(loss, (x, *weights))


def test_the_reparameterisations_gradient_is_the_expectations():
    """∇ E[z²], z from N(μ, σ²), is (2 μ, σ²) by (μ, log σ²), as E[z²] = μ² + σ²."""
    tl.manual_seed(0)
    model = VAE([3, 3], 1)
    mu, logvar = tl.tensor([0.7], requires_grad=True), tl.tensor([0.4], requires_grad=True)
    z = model.reparameterize(mu.expand(400_000), logvar.expand(400_000))
    z.square().mean().backward()
    assert abs(z.mean() - 0.7) < 0.01 and abs(z.std() - np.exp(0.2)) < 0.01
    assert abs(mu.grad - 1.4) < 0.02 and abs(logvar.grad - np.exp(0.4)) < 0.02


def test_samples():
    tl.manual_seed(0)
    model = VAE([6, 5], 2)
    x = model.sample(7)
    assert x.shape == (7, 6) and not x.requires_grad and 0 < x.min() and x.max() < 1 and len(set(x[:, 0].tolist())) == 7
    assert model.sample(0).shape == (0, 6) and model.double().sample(2).dtype == tl.float64
    a, b = (model.sample(3, generator=tl.Generator().manual_seed(4)) for _ in range(2))
    assert a.tolist() == b.tolist()


def test_it_learns_two_kinds_of_images():
    tl.manual_seed(0)
    kinds = tl.tensor([[1.0, 1, 1, 0, 0, 0], [0.0, 0, 0, 1, 1, 1]])
    model = VAE([6, 16], 1)
    optimizer = tl.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(400):
        x = kinds[tl.randint(0, 2, (64,))]
        reconstruction, kl = negative_elbo(x, *model(x))
        loss = (reconstruction + kl).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert np.log(2) - 0.05 < loss.item() < 1.5                 # -log p(x) is log 2; coins that know nothing of each other, 6 log 2
    samples = model.sample(200).round()
    of_a_kind = [(samples == kind).all(1).float().mean().item() for kind in kinds]
    assert min(of_a_kind) > 0.25 and sum(of_a_kind) > 0.8


def test_what_is_wrong_is_said():
    for sizes, latent in (([784], 20), ([784, 400], 0)):
        with pytest.raises(ValueError, match=rf"VAE.*one hidden layer.*sizes \[784.*latent={latent}"):
            VAE(sizes, latent)
    model = VAE([6, 5], 2)
    with pytest.raises(RuntimeError, match=r"(?s)6.*in VAE\.encoder"):
        model(tl.zeros(2, 7))
    logits, mu, logvar = model(tl.zeros(2, 6))
    with pytest.raises(ValueError, match=r"mu and logvar are of one shape.*\(2, 6\).*the order is \(x, logits, mu, logvar\)"):
        negative_elbo(logits, mu, tl.zeros(2, 6), logvar)
    with pytest.raises(ValueError, match=r"\(2, 6\).*\(3, 6\)|\(3, 6\).*\(2, 6\)"):
        negative_elbo(tl.zeros(3, 6), logits, mu, logvar)


def test_the_same_on_pytorch(small, monkeypatch):
    """Our source on PyTorch, and the loss as one writes it there: values and gradients for the same weights and ε."""
    torch = pytest.importorskip("torch")
    model, x = small
    there = on_torch("vae")
    there.MLP = on_torch("mlp").MLP
    other = there.VAE([6, 5], 2).double()
    assert repr(other) == repr(model) and list(other.state_dict()) == list(model.state_dict())
    other.load_state_dict({name: torch.tensor(w.numpy()) for name, w in model.state_dict().items()})
    noise = np.random.default_rng(0).standard_normal((5, 2))
    monkeypatch.setattr(vae, "randn_like", lambda mu: tl.tensor(noise))
    there.randn_like = lambda mu: torch.tensor(noise)
    ours = sum(negative_elbo(x, *model(x))).mean()
    ours.backward()

    x = torch.tensor(x.numpy())
    same_source = sum(there.negative_elbo(x, *other(x))).mean()
    mu, logvar = other.encoder(x).tensor_split(2, dim=1)
    logits = other.decoder(mu + torch.exp(0.5 * logvar) * torch.tensor(noise))
    theirs = (torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
              - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())) / len(x)
    theirs.backward()
    assert abs(ours.item() - theirs.item()) < 1e-12 and abs(ours.item() - same_source.item()) < 1e-12
    for (name, w), v in zip(model.named_parameters(), other.parameters()):
        np.testing.assert_allclose(w.grad.numpy(), v.grad.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)

    generator = torch.Generator().manual_seed(1)
    assert other.sample(3, generator=generator).shape == (3, 6)
