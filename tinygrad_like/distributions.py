"""Probability distributions, spelled as PyTorch spells them: what policies and variational autoencoders draw from.

`sample` draws outside of the history.  `rsample`, where there is one, draws by a formula whose result has gradients by the
distribution's parameters.  `log_prob(x)` is log p(x), and has gradients too.
"""
from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from . import errors
from .functions import bernoulli, broadcast_tensors, full_like, multinomial, randn_like, tensor, where
from .grad_mode import no_grad
from .nn import functional as F
from .tensor import Tensor
from .types import Size, finfo

__all__ = ["Distribution", "Normal", "Bernoulli", "Categorical", "kl_divergence"]


class Distribution:
    """What the distributions of this file have; a shape of several is that of so many independent ones."""
    batch_shape: Size
    mean: Tensor
    variance: Tensor

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn from it, of shape (*sample_shape, *batch_shape), without a history."""
        with no_grad():
            return self.draw(Size(sample_shape))

    def draw(self, sample_shape: Size) -> Tensor:
        raise NotImplementedError

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value)"""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """−E[log p(x)]"""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={self.batch_shape})"


class Normal(Distribution):
    """p(x) = exp(−(x − loc)² / (2 scale²)) / (scale √(2π))"""

    def __init__(self, loc: Any, scale: Any) -> None:
        self.loc, self.scale = broadcast_tensors(as_tensor(loc), as_tensor(scale))
        check("Normal", "scale", self.scale > 0, "positive")
        self.batch_shape = self.loc.shape
        self.mean, self.variance = self.loc, self.scale ** 2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + scale · ε, with ε from N(0, 1): gradients go to loc and scale."""
        loc = self.loc.expand(*sample_shape, *self.batch_shape)
        return loc + self.scale * randn_like(loc)

    draw = rsample

    def log_prob(self, value: Tensor) -> Tensor:
        return -((value - self.loc) / self.scale) ** 2 / 2 - self.scale.log() - math.log(2 * math.pi) / 2

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + math.log(2 * math.pi)) / 2

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of less than value."""
        return (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf()) / 2


class Bernoulli(Distribution):
    """1 with probability probs = σ(logits), else 0."""

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        one_of("Bernoulli", probs, logits)
        if probs is None:
            self.logits = as_tensor(logits)
            self.probs = self.logits.sigmoid()
        else:
            self.probs = as_tensor(probs)
            check("Bernoulli", "probs", (self.probs >= 0) & (self.probs <= 1), "between 0 and 1")
            self.logits = inside(self.probs).logit()
        self.batch_shape = self.probs.shape
        self.mean, self.variance = self.probs, self.probs * (1 - self.probs)

    def draw(self, sample_shape: Size) -> Tensor:
        return bernoulli(self.probs.expand(*sample_shape, *self.batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Categorical(Distribution):
    """The class i of n with probability probs_i, or softmax(logits)_i: classes along the last axis, which the results lack."""

    def __init__(self, probs: Any = None, logits: Any = None) -> None:
        one_of("Categorical", probs, logits)
        if probs is None:
            self.logits = F.log_softmax(as_tensor(logits), -1)
            self.probs = self.logits.exp()
        else:
            probs = as_tensor(probs)
            check("Categorical", "probs", probs >= 0, "no less than 0")
            self.probs = probs / probs.sum(-1, keepdim=True)
            self.logits = inside(self.probs).log()
        self.batch_shape = self.probs.shape[:-1]
        self.mean = self.variance = full_like(self.probs[..., 0], math.nan)          # classes are names, and no numbers

    def draw(self, sample_shape: Size) -> Tensor:
        rows = self.probs.reshape(-1, self.probs.shape[-1])
        return multinomial(rows, sample_shape.numel(), replacement=True).T.reshape(*sample_shape, *self.batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_tensors(self.logits, value.long().unsqueeze(-1))
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.probs * self.logits).sum(-1)


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) = E[log p(x) − log q(x)], with x from p: both of one kind."""
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio, far = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
        return (ratio + far - 1 - ratio.log()) / 2
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return where((q.probs == 0) & (p.probs > 0), math.inf, p.probs * (p.logits - q.logits)).sum(-1)
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        return -p.entropy() + F.binary_cross_entropy_with_logits(q.logits, p.probs, reduction="none")
    raise NotImplementedError(f"kl_divergence takes two of Normal, Bernoulli or Categorical, got {type(p).__name__} and "
                              f"{type(q).__name__}: the mean of p.log_prob(x) - q.log_prob(x) for samples x of p comes near it")


def as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else tensor(float(x) if isinstance(x, int) else x)


def inside(probs: Tensor) -> Tensor:
    """Probabilities that are neither 0 nor 1, so that 0 · log 0 is 0."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def one_of(name: str, probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise errors.WrongValue(f"{name} takes either probs or logits, got {'neither' if probs is None else 'both'}")


def check(name: str, what: str, right: Tensor, wanted: str) -> None:
    if not right.all():
        raise errors.WrongValue(f"{name}: {what} is to be {wanted} everywhere, and is not at {(~right).nonzero()[0].tolist()}")


for file in ("distribution", "normal", "bernoulli", "categorical", "kl"):                   # where PyTorch has them
    sys.modules[f"{__name__}.{file}"] = sys.modules[__name__]

if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from .names import refuse
        refuse(__name__, name, {name: f"there are {', '.join(__all__)}; write log_prob of others by its formula"})
