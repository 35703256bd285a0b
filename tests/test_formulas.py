"""The formulas of the articles (SPEC §10), each as it is written there, next to what computes it.

Those that have a test beside their op's others are not here again: README's table "The formulas" says where each is.
"""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.models import MLP, ConvNet, TranslationTransformer
from tinygrad_like.nn import functional as F

random = np.random.default_rng(0)


def t(*shape, requires_grad=False):
    return tl.tensor(random.standard_normal(shape), requires_grad=requires_grad)


def test_sizes_of_the_convolutional_network():
    """F-01: 32·32·3 → 16·16·64 → 8·8·64 → 1024, with the stride of 2 that the article forgets (M-02); and the listing's."""
    for kernel, padding in ((3, 1), (5, 2)):
        x = tl.zeros(1, 3, 32, 32)
        sizes, conv = [], nn.Conv2d(3, 64, kernel, stride=2, padding=padding)
        for layer in (conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4096, 1024)):
            x = layer(x)
            sizes.append(tuple(x.shape[1:]))
        assert sizes == [(64, 16, 16), (64, 16, 16), (64, 8, 8), (4096,), (1024,)]
    assert ConvNet()(tl.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_sizes_of_the_transformer():
    """F-02: 1000 tokens are embedded to (1000, 512), which encoder and decoder keep; the decoder reads a target too (M-31)."""
    model = TranslationTransformer(20, 30, num_encoder_layers=1, num_decoder_layers=1, dim_feedforward=32).eval()
    source, target = tl.randint(1, 20, (1, 1000)), tl.randint(1, 30, (1, 7))
    with tl.no_grad():
        memory = model.encode(source)
        assert model.d_model == 512 and memory.shape == (1, 1000, 512)
        assert model.decode(target, memory, source).shape == model(source, target).shape == (1, 7, 30)


def test_a_layer_by_its_indices():
    """F-03: z_i = Σ_j w_ij a_j + b_i;  F-09: ∂J/∂w_ij = δ_i a_j, ∂J/∂b_i = δ_i, ∂J/∂a_j = Σ_i w_ij δ_i, with δ = ∂J/∂z."""
    a, w, b, delta = t(4, requires_grad=True), t(3, 4, requires_grad=True), t(3, requires_grad=True), t(3)
    z = F.linear(a, w, b)
    z.backward(delta)
    for i in range(3):
        assert z[i].item() == pytest.approx(sum([w[i, j].item() * a[j].item() for j in range(4)]) + b[i].item())
        assert b.grad[i] == delta[i]
        for j in range(4):
            assert w.grad[i, j].item() == pytest.approx(delta[i].item() * a[j].item())
    for j in range(4):
        assert a.grad[j].item() == pytest.approx(sum([w[i, j].item() * delta[i].item() for i in range(3)]))


def test_relu():
    """F-04: a = max(0, z), with the derivative 0 at 0."""
    z = tl.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    F.relu(z).sum().backward()
    assert F.relu(z).tolist() == [0, 0, 3] and z.grad.tolist() == [0, 0, 1]


def test_gradient_descent_through_a_hidden_layer():
    """F-09: δ² = ŷ - y, δ¹ = (W²ᵀ δ²) max(0, z¹)′ for J = ½ Σ (y - ŷ)²; and w := w - α ∂J/∂w, b := b - α ∂J/∂b."""
    model, x, y, alpha = MLP([4, 5, 3]).double(), t(4), t(3), 0.1
    before = [p.detach().clone() for p in model.parameters()]
    W1, b1, W2, b2 = before
    z1 = W1 @ x + b1
    delta2 = W2 @ z1.clamp(min=0) + b2 - y
    delta1 = (W2.T @ delta2) * (z1 > 0)
    by_hand = [delta1.outer(x), delta1, delta2.outer(z1.clamp(min=0)), delta2]
    optimizer = tl.optim.SGD(model.parameters(), lr=alpha)
    F.mse_loss(model(x), y, reduction="half_sum").backward()
    optimizer.step()
    for p, old, gradient in zip(model.parameters(), before, by_hand, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), gradient.numpy(), atol=1e-14)
        np.testing.assert_allclose(p.detach().numpy(), (old - alpha * gradient).numpy(), atol=1e-14)


def test_encode():
    """F-12: encode(x) = Linear → ReLU → Linear, as the listing has it; the formula's second activation has no name (M-18)."""
    listing = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 10)).double()
    model = MLP([10, 20, 10]).double()
    for mine, theirs in zip(model.parameters(), listing.parameters(), strict=True):
        mine.data = theirs.detach()
    x = t(5, 10)
    (W1, b1), (W2, b2) = [(layer.weight, layer.bias) for layer in (listing[0], listing[2])]
    by_hand = tl.maximum(x @ W1.T + b1, tl.tensor(0.0, dtype=tl.float64)) @ W2.T + b2
    np.testing.assert_allclose(model(x).detach().numpy(), by_hand.detach().numpy(), atol=1e-14)
    np.testing.assert_array_equal(model(x).detach().numpy(), listing(x).detach().numpy())


def test_decode_and_its_softmax():
    """F-13: p = softmax(layer2(ReLU(layer1(x)))).  The model gives what is before softmax, and the loss takes it from there (F-14):
    given p, it would take the softmax twice (M-18)."""
    model, x, labels = MLP([4, 6, 3]).double(), t(5, 4), tl.tensor([0, 2, 1, 1, 0])
    logits = model(x).detach()
    p = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)
    np.testing.assert_allclose(F.softmax(logits, dim=1).numpy(), p, atol=1e-15)
    np.testing.assert_allclose(p.sum(1), 1)
    loss = -np.log(p[np.arange(5), labels.numpy()]).sum()
    assert F.cross_entropy(logits, labels, reduction="sum").item() == pytest.approx(loss)
    assert abs(F.cross_entropy(tl.tensor(p), labels, reduction="sum").item() - loss) > 0.01


@pytest.mark.parametrize("sigma, slope, by_hand", [
    (tl.sigmoid, lambda y: y * (1 - y), lambda z: 1 / (1 + np.exp(-z))), (tl.tanh, lambda y: 1 - y * y, np.tanh),
    (tl.relu, lambda y: y > 0, lambda z: max(0, z))], ids=["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("w, x, b", [(0.7, -1.3, 0.2), (2.0, 0.5, -0.1)])
def test_a_neuron(sigma, slope, by_hand, w, x, b):
    """F-15: y = σ(w x + b), and ∂y/∂w = σ′(z) x, ∂y/∂b = σ′(z)."""
    weight, bias = [tl.tensor(v, dtype=tl.float64, requires_grad=True) for v in (w, b)]
    y = sigma(weight * x + bias)
    y.backward()
    assert y.item() == pytest.approx(by_hand(w * x + b))
    assert bias.grad.item() == pytest.approx(float(slope(y.item()))) and weight.grad.item() == pytest.approx(x * bias.grad.item())
