"""A variational autoencoder: images from a few random numbers (SPEC MOD-09).

(Kingma and Welling 2014, Auto-Encoding Variational Bayes)

The story of an image x: numbers z are drawn from p(z) = N(0, I), the decoder makes logits l of them, and each pixel is a coin with
chance sigmoid(lᵢ) of being 1.  Wanted are weights that make the images at hand likely, but p(x) = ∫ p(x|z) p(z) dz is out of reach:
of nearly all z this x would never come.  So the encoder proposes which may have been it, q(z|x) = N(μ, σ²), a number μⱼ and a width
σⱼ for each zⱼ.  The logarithm of a mean is at least the mean of the logarithms (Jensen), which gives a bound, ELBO:

    log p(x) = log E_q[p(x|z) p(z) / q(z|x)]  ≥  E_q[log p(x|z)] - E_q[log q(z|x) - log p(z)]           z from q(z|x)

What it lacks is KL(q(z|x) ‖ p(z|x)), so the nearer the proposal, the tighter.  -ELBO has two terms, in nats an image:

    reconstruction = -E_q[log p(x|z)] = E_q[Σᵢ log(1 + exp lᵢ) - xᵢ lᵢ]          how surprising is x, once z is known?
    KL(q(z|x) ‖ N(0, I)) = ½ Σⱼ (μⱼ² + σⱼ² - 1 - log σⱼ²)                        how much has z been told of x?

The second is E_q[log q] = -½ Σⱼ (log 2π + log σⱼ² + 1) less E_q[log p] = -½ Σⱼ (log 2π + μⱼ² + σⱼ²).  Its gradients, μⱼ and, by
log σⱼ², ½ (σⱼ² - 1), draw every proposal towards N(0, I): there is where new images will be drawn from.

The first is a mean over draws, which one draw estimates.  But a number that was drawn has no derivative by where it was drawn from.
So draw what depends on no weight, and compute z from it (the reparameterisation):

    z = μ + σ ε,  ε from N(0, I)          ∇ E_q[f(z)] = E_ε[∇ f(μ + σ ε)],  with ∂z/∂μ = 1, ∂z/∂σ = ε

Now μ and σ are operands of a sum and a product, ε is a constant, and the sweep goes through the draw as through any other op.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import nn
from ..functions.random import randn, randn_like
from ..grad_mode import no_grad
from ..nn import functional as F
from ..tensor import Tensor
from .mlp import MLP

__all__ = ["VAE", "negative_elbo"]


class VAE(nn.Module):
    """Images x (N, sizes[0]), from 0 to 1 → (logits (N, sizes[0]), μ (N, latent), log σ² (N, latent)), of which `negative_elbo`.

    sizes: of x and the hidden layers of the encoder; the decoder has them in reverse.     latent: how many numbers z are.
    """

    def __init__(self, sizes: Sequence[int] = (784, 400), latent: int = 20) -> None:
        super().__init__()
        if len(sizes) < 2 or latent < 1:
            raise ValueError(f"VAE: sizes are those of x and of one hidden layer at least, and latent is 1 at least, as in "
                             f"VAE([784, 400], latent=20), got sizes {list(sizes)} and latent={latent}")
        self.latent = latent
        self.encoder = MLP([*sizes, 2 * latent])
        self.decoder = MLP([latent, *reversed(sizes)])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² of q(z|x).  A logarithm may be any number, and σ² is positive all the same."""
        mu, logvar = self.encoder(x).chunk(2, dim=-1)
        return mu, logvar

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """z = μ + σ ε"""
        return mu + (logvar / 2).exp() * randn_like(mu)

    def decode(self, z: Tensor) -> Tensor:
        """The logits of the pixels: their sigmoid is how bright they are expected to be."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar

    @no_grad()
    def sample(self, n: int, generator: Any = None) -> Tensor:
        """n new images (n, sizes[0]): the decoder's, of z drawn from N(0, I).  Pixels are from 0 to 1, the chances of 1."""
        weight = self.decoder[0].weight
        z = randn(n, self.latent, generator=generator, dtype=weight.dtype, device=weight.device)
        return self.decode(z).sigmoid()


def negative_elbo(x: Tensor, logits: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """The two terms of -ELBO, reconstruction (N,) and KL (N,), in nats an image.  Their sum's mean is the loss.

    x: pixels 0 or 1, or from 0 to 1: a grey level then counts as that share of white images and the rest of black ones.
    """
    if mu.shape != logvar.shape or logits.shape[:-1] != mu.shape[:-1]:
        raise ValueError(f"negative_elbo: mu and logvar are of one shape, a row for each of logits, got {tuple(mu.shape)} and "
                         f"{tuple(logvar.shape)}, and logits {tuple(logits.shape)}: the order is (x, logits, mu, logvar)")
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    kl = (mu.square() + logvar.exp() - 1 - logvar).sum(-1) / 2
    return reconstruction, kl
