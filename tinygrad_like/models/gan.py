"""Generative adversarial networks: one network draws, one tells drawn from real, and they learn from each other (SPEC MOD-10).

DCGAN's two networks (Radford, Metz, Chintala 2016: the articles have neither its title nor its authors right, SPEC M-29), and the
losses of a pair, which take logits s = D(x) of real images and of drawn ones: σ(s) is the chance that x is real.

    the pair          min over G, max over D of  V = E log σ(D(x)) + E log (1 - σ(D(G(z))))    (Goodfellow et al. 2014, equation 1)
    minimax           D: -V             G: E log (1 - σ(D(G(z))))            which has no gradient where one is needed most
    non-saturating    D: -V             G: -E log σ(D(G(z)))                 which has
    WGAN-GP           D: E D(G(z)) - E D(x) + 10 E (‖∇D(x̂)‖₂ - 1)²          (Gulrajani et al. 2017, algorithm 1)
                                        G: -E D(G(z))

The best D, for a G that stays.  Where real images have density p and drawn ones q, V = ∫ p log D + q log (1 - D), and each x has a
D of its own to choose: p / D - q / (1 - D) = 0, so

    D* = p / (p + q),    that is  s* = log p - log q:     a classifier that has learned how much more often x is real than drawn.

With it V = E_p log p/(p + q) + E_q log q/(p + q) = 2 JS(p, q) - log 4, with Jensen and Shannon's divergence: least where q = p,
and D* = ½ everywhere.  So much for a best D.  In training there is none, and nothing that both descend: look at images, not losses.

Why not minimax.  Early on D is sure of what is drawn, s ≪ 0, and

    ∂/∂s log (1 - σ(s)) = -σ(s) → 0          ∂/∂s (-log σ(s)) = -(1 - σ(s)) → -1

Both push s up, the first with a force that vanishes just where G is bad.  WGAN-GP has no σ to saturate: D, here a critic, measures
how far q is from p (the Wasserstein distance) if its slope is at most 1, which the penalty asks for between real and drawn images.
The slope is a gradient by x, and learning from it takes the gradient of a gradient: `grad(create_graph=True)`.
"""
from __future__ import annotations

from collections.abc import Callable

from .. import nn
from ..autograd import grad
from ..errors import ShapeError
from ..functions.random import rand
from ..nn import functional as F
from ..tensor import Tensor

__all__ = ["Generator", "Discriminator", "discriminator_loss", "minimax_loss", "non_saturating_loss", "critic_loss",
           "wasserstein_loss", "between", "gradient_penalty"]


# ---- the networks -----------------------------------------------------------------------------------------------
def doublings(image: int) -> int:
    """How often a side of 4 to 7 places is doubled on the way to `image`: 28 = 7 · 2², 32 = 4 · 2³, 64 = 4 · 2⁴."""
    for n in range(1, image.bit_length()):
        if 4 << n <= image <= 7 << n and image % (1 << n) == 0:
            return n
    raise ValueError(f"image={image}: images have 4, 5, 6 or 7 times 2, 4, 8 … pixels a side, such as 28, 32 or 64: pad yours")


def normal(network: nn.Module) -> None:
    """All weights of convolutions from N(0, 0.02²), as the paper says (§3)."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)


class Generator(nn.Sequential):
    """Noise z (N, size), drawn from N(0, 1) → images (N, channels, image, image) from -1 to 1.

    The first transposed convolution makes a small image of z, each further one doubles its sides and halves the channels,
    `width` at last.  ReLU, batch norm everywhere but at the end, tanh: so real images are brought to -1 … 1, too.
    """

    def __init__(self, size: int = 100, channels: int = 1, width: int = 64, image: int = 28) -> None:
        n = doublings(image)
        a = width << n - 1
        layers: list[nn.Module] = [nn.Unflatten(1, (size, 1, 1)), nn.ConvTranspose2d(size, a, image >> n, bias=False),
                                   nn.BatchNorm2d(a), nn.ReLU()]
        for _ in range(n - 1):
            layers += [nn.ConvTranspose2d(a, a // 2, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(a // 2), nn.ReLU()]
            a //= 2
        super().__init__(*layers, nn.ConvTranspose2d(a, channels, 4, stride=2, padding=1), nn.Tanh())
        normal(self)


class Discriminator(nn.Sequential):
    """Images (N, channels, image, image) from -1 to 1 → logits (N,), greater where an image looks real.

    The generator backwards: strided convolutions, LeakyReLU(0.2), batch norm everywhere but in front and at the end.
    batch_norm: False for WGAN-GP, whose penalty is on each image by itself, while batch norm would mix those of a batch.
    """

    def __init__(self, channels: int = 1, width: int = 64, image: int = 28, batch_norm: bool = True) -> None:
        n = doublings(image)
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        a = width
        for _ in range(n - 1):
            norm = [nn.BatchNorm2d(2 * a)] if batch_norm else []
            layers += [nn.Conv2d(a, 2 * a, 4, stride=2, padding=1, bias=not batch_norm), *norm, nn.LeakyReLU(0.2)]
            a *= 2
        super().__init__(*layers, nn.Conv2d(a, 1, image >> n), nn.Flatten(0))
        self.takes = (channels, image, image)
        normal(self)

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.takes:
            raise ShapeError(f"Discriminator: x of shape {tuple(x.shape)} are no images {('N', *self.takes)}: it was made for "
                             f"channels={self.takes[0]}, image={self.takes[1]}")
        return super().forward(x)


# ---- the losses -------------------------------------------------------------------------------------------------
def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-V = -E log σ(real) - E log (1 - σ(fake)), of the logits of real images and of drawn ones; 1 - σ(s) = σ(-s)."""
    return -F.logsigmoid(real).mean() - F.logsigmoid(-fake).mean()


def minimax_loss(fake: Tensor) -> Tensor:
    """E log (1 - σ(fake)): what G can change of V, to be made small; by a logit its gradient is -σ(s) / N."""
    return F.logsigmoid(-fake).mean()


def non_saturating_loss(fake: Tensor) -> Tensor:
    """-E log σ(fake): make D believe; by a logit its gradient is -(1 - σ(s)) / N."""
    return -F.logsigmoid(fake).mean()


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """E fake - E real: minus what the critic takes for the distance.  Without the penalty it has no bound."""
    return fake.mean() - real.mean()


def wasserstein_loss(fake: Tensor) -> Tensor:
    """-E fake"""
    return -fake.mean()


def between(real: Tensor, fake: Tensor) -> Tensor:
    """x̂ = t x + (1 - t) G(z): for each pair a point of its own on the line between them, t uniform from 0 to 1."""
    if real.shape != fake.shape:
        raise ShapeError(f"between: real images {tuple(real.shape)} and drawn ones {tuple(fake.shape)} are paired, so their shapes "
                         f"are to be equal: draw as many as there are real ones (the last batch may be short)")
    t = rand(len(real), *[1] * (real.ndim - 1), dtype=real.dtype, device=real.device)
    return (t * real + (1 - t) * fake).detach()


def gradient_penalty(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """E (‖∇D(x)‖₂ - 1)², the gradient by each image, which is differentiable in its turn: the critic's weights learn from it."""
    x = x.detach().requires_grad_()
    scores = critic(x)
    if scores.shape.numel() != len(x):
        raise ShapeError(f"gradient_penalty: the critic gives {tuple(scores.shape)} for {tuple(x.shape)}: it is to give a number "
                         f"for each of {len(x)} images, so that the gradient of their sum has the gradient of each")
    slope, = grad(scores.sum(), x, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()
