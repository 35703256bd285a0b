"""Probability distributions, spelled as PyTorch spells them: what policies and variational autoencoders draw from.

`sample` draws outside of the history.  `rsample`, where there is one, draws by a formula whose result has gradients by the
distribution's parameters.  `log_prob(x)` is log p(x), and has gradients too.
"""
from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

from . import errors, linalg
from .functions.creation import arange, full_like, tensor
from .functions.elementwise import where
from .functions.random import bernoulli, multinomial, rand_like, randn_like
from .functions.shape import broadcast_shapes, broadcast_tensors
from .grad_mode import no_grad
from .nn import functional as F
from .tensor import Tensor
from .types import Size, finfo

__all__ = ["Distribution", "Normal", "MultivariateNormal", "Uniform", "Bernoulli", "Categorical", "Independent", "kl_divergence"]


class Distribution:
    """What the distributions of this file have.

    batch_shape: of how many independent ones.      event_shape: of what each draws at once, () if that is a number.
    validate_args=False: take parameters unseen.
    """
    batch_shape: Size
    event_shape = Size()
    mean: Tensor
    variance: Tensor
    mode: Tensor

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Numbers drawn from it, of shape (*sample_shape, *batch_shape, *event_shape), without a history."""
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

    def perplexity(self) -> Tensor:
        """exp(entropy)"""
        return self.entropy().exp()

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(batch_shape={self.batch_shape})"


class Normal(Distribution):
    """p(x) = exp(−(x − loc)² / (2 scale²)) / (scale √(2π))"""

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_tensors(as_tensor(loc), as_tensor(scale))
        check("Normal", "scale", self.scale > 0, "positive", validate_args)
        self.batch_shape = self.loc.shape
        self.mean = self.mode = self.loc
        self.variance = self.scale ** 2

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

    def icdf(self, value: Tensor) -> Tensor:
        """The number below which the probability is value."""
        return self.loc + self.scale * math.sqrt(2) * (2 * value - 1).erfinv()


class MultivariateNormal(Distribution):
    """p(x) = exp(−½ (x − μ)ᵀ Σ⁻¹ (x − μ)) / √((2π)ᵈ det Σ), of vectors x of d numbers

    It is computed with L, the lower triangle for which Σ = L Lᵀ: (x − μ)ᵀ Σ⁻¹ (x − μ) = ‖L⁻¹ (x − μ)‖², and √det Σ is the
    product of L's diagonal.  What is given is Σ, its inverse, or L.
    """

    def __init__(self, loc: Tensor, covariance_matrix: Tensor | None = None, precision_matrix: Tensor | None = None,
                 scale_tril: Tensor | None = None, validate_args: bool | None = None) -> None:
        given = [x for x in (covariance_matrix, precision_matrix, scale_tril) if x is not None]
        if len(given) != 1:
            raise errors.WrongValue("MultivariateNormal takes one of covariance_matrix, precision_matrix and scale_tril, got "
                                    + ("several" if given else "none"))
        matrix, = given
        n = loc.shape[-1] if loc.ndim else 0
        if not n or tuple(matrix.shape[-2:]) != (n, n):
            raise errors.ShapeError(f"MultivariateNormal: loc is one vector or more, (…, d), and the matrix (…, d, d), got shapes "
                                    f"{tuple(loc.shape)} and {tuple(matrix.shape)}")
        if scale_tril is not None:
            check("MultivariateNormal", "the diagonal of scale_tril", scale_tril.diagonal(0, -2, -1) > 0, "positive", validate_args)
            triangle = scale_tril
        else:
            try:
                triangle = linalg.cholesky(linalg.inv(matrix) if precision_matrix is not None else matrix)
            except RuntimeError as error:
                what = "covariance_matrix" if precision_matrix is None else "precision_matrix"
                raise errors.WrongValue(f"MultivariateNormal: {what} is to be positive definite, and is not") from error
        self.batch_shape = broadcast_shapes(loc.shape[:-1], triangle.shape[:-2])
        self.event_shape = loc.shape[-1:]
        self.loc, self.scale_tril = loc.expand(*self.batch_shape, n), triangle.expand(*self.batch_shape, n, n)
        self._triangle = triangle                               # as often as it was given
        self.mean = self.mode = self.loc
        self.variance = (self.scale_tril ** 2).sum(-1)

    @property
    def covariance_matrix(self) -> Tensor:
        return self.scale_tril @ self.scale_tril.mT

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """loc + L ε, with ε from N(0, 1): gradients go to loc and to the matrix."""
        loc = self.loc.expand(*sample_shape, *self.batch_shape, *self.event_shape)
        return loc + (self._triangle @ randn_like(loc).unsqueeze(-1)).squeeze(-1)

    draw = rsample

    def log_prob(self, value: Tensor) -> Tensor:
        far = linalg.solve_triangular(self._triangle, (value - self.loc).unsqueeze(-1), upper=False).squeeze(-1)
        return -(far ** 2).sum(-1) / 2 - self._log_volume()

    def entropy(self) -> Tensor:
        return (self._log_volume() + self.loc.shape[-1] / 2).expand(self.batch_shape)

    def _log_volume(self) -> Tensor:
        """log √((2π)ᵈ det Σ)"""
        return self._triangle.diagonal(0, -2, -1).log().sum(-1) + self.loc.shape[-1] * math.log(2 * math.pi) / 2


class Uniform(Distribution):
    """p(x) = 1 / (high − low) for low ≤ x < high, and 0 elsewhere"""

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast_tensors(as_tensor(low), as_tensor(high))
        check("Uniform", "high", self.low < self.high, "more than low", validate_args)
        self.batch_shape = self.low.shape
        self.mean = (self.low + self.high) / 2
        self.variance = (self.high - self.low) ** 2 / 12
        self.mode = full_like(self.low, math.nan)               # all are as probable

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """low + (high − low) · u, with u between 0 and 1: gradients go to low and high."""
        low = self.low.expand(*sample_shape, *self.batch_shape)
        return low + (self.high - self.low) * rand_like(low)

    draw = rsample

    def log_prob(self, value: Tensor) -> Tensor:
        inside = (self.low <= value) & (value < self.high)
        return where(inside, 0.0, -math.inf) - (self.high - self.low).log()

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of less than value."""
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)


class Bernoulli(Distribution):
    """1 with probability probs = σ(logits), else 0."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Bernoulli", probs, logits)
        if probs is None:
            self.logits = as_tensor(logits)
            self.probs = self.logits.sigmoid()
        else:
            self.probs = as_tensor(probs)
            check("Bernoulli", "probs", (self.probs >= 0) & (self.probs <= 1), "between 0 and 1", validate_args)
            self.logits = inside(self.probs).logit()
        self.batch_shape = self.probs.shape
        self.mean, self.variance = self.probs, self.probs * (1 - self.probs)
        self.mode = where(self.probs == 0.5, math.nan, (self.probs > 0.5).to(self.probs.dtype))

    def draw(self, sample_shape: Size) -> Tensor:
        return bernoulli(self.probs.expand(*sample_shape, *self.batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Categorical(Distribution):
    """The class i of n with probability probs_i, or softmax(logits)_i: classes along the last axis, which the results lack."""

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        one_of("Categorical", probs, logits)
        if probs is None:
            self.logits = F.log_softmax(as_tensor(logits), -1)
            self.probs = self.logits.exp()
        else:
            probs = as_tensor(probs)
            check("Categorical", "probs", probs >= 0, "no less than 0", validate_args)
            self.probs = probs / probs.sum(-1, keepdim=True)
            self.logits = inside(self.probs).log()
        self.batch_shape, self.param_shape = self.probs.shape[:-1], self.probs.shape
        self.mean = self.variance = full_like(self.probs[..., 0], math.nan)          # classes are names, and no numbers

    @property
    def mode(self) -> Tensor:                                   # type: ignore[override]
        """The most probable class."""
        return self.probs.argmax(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All classes, along a new first axis."""
        classes = arange(self.probs.shape[-1], device=self.probs.device).reshape(-1, *[1] * len(self.batch_shape))
        return classes.expand(-1, *self.batch_shape) if expand else classes

    def draw(self, sample_shape: Size) -> Tensor:
        rows = self.probs.reshape(-1, self.probs.shape[-1])
        return multinomial(rows, sample_shape.numel(), replacement=True).T.reshape(*sample_shape, *self.batch_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        logits, value = broadcast_tensors(self.logits, value.long().unsqueeze(-1))
        return logits.gather(-1, value[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        return -(self.probs * self.logits).sum(-1)


class Independent(Distribution):
    """Another distribution, whose last batch dims count as one event: log p(x) is the sum over them."""

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int, validate_args: bool | None = None) -> None:
        base, n = base_distribution, reinterpreted_batch_ndims
        if n > len(base.batch_shape):
            raise errors.WrongValue(f"Independent: {n} dims cannot become one event, as the batch shape is "
                                    f"{tuple(base.batch_shape)}")
        self.base_dist, self.reinterpreted_batch_ndims = base, n
        cut = len(base.batch_shape) - n
        self.batch_shape, self.event_shape = base.batch_shape[:cut], base.batch_shape[cut:] + base.event_shape
        self.mean, self.variance = base.mean, base.variance

    @property
    def mode(self) -> Tensor:                                   # type: ignore[override]
        return self.base_dist.mode

    def draw(self, sample_shape: Size) -> Tensor:
        return self.base_dist.draw(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """What the other distribution draws, with gradients."""
        return self.base_dist.rsample(sample_shape)             # type: ignore[attr-defined, no-any-return]

    def log_prob(self, value: Tensor) -> Tensor:
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._summed(self.base_dist.entropy())

    def _summed(self, x: Tensor) -> Tensor:
        return x.flatten(x.ndim - self.reinterpreted_batch_ndims).sum(-1) if self.reinterpreted_batch_ndims else x

    def __repr__(self) -> str:
        return f"Independent({self.base_dist}, {self.reinterpreted_batch_ndims})"


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q) = E[log p(x) − log q(x)], with x from p: both of one kind."""
    if isinstance(p, Normal) and isinstance(q, Normal):
        ratio, far = (p.scale / q.scale) ** 2, ((p.loc - q.loc) / q.scale) ** 2
        return (ratio + far - 1 - ratio.log()) / 2
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return where((q.probs == 0) & (p.probs > 0), math.inf, p.probs * (p.logits - q.logits)).sum(-1)
    if isinstance(p, Bernoulli) and isinstance(q, Bernoulli):
        return -p.entropy() + F.binary_cross_entropy_with_logits(q.logits, p.probs, reduction="none")
    if isinstance(p, Independent) and isinstance(q, Independent) and p.reinterpreted_batch_ndims == q.reinterpreted_batch_ndims:
        return p._summed(kl_divergence(p.base_dist, q.base_dist))
    if isinstance(p, MultivariateNormal) and isinstance(q, MultivariateNormal):
        ratio = linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)              # L_q⁻¹ L_p
        far = linalg.solve_triangular(q._triangle, (q.loc - p.loc).unsqueeze(-1), upper=False).squeeze(-1)
        return q._log_volume() - p._log_volume() + ((ratio ** 2).sum((-2, -1)) + (far ** 2).sum(-1) - p.loc.shape[-1]) / 2
    raise NotImplementedError(f"kl_divergence takes two of one kind, neither of them Uniform, got {type(p).__name__} and "
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


def check(name: str, what: str, right: Tensor, wanted: str, validate_args: bool | None) -> None:
    if validate_args is not False and not right.all():
        raise errors.WrongValue(f"{name}: {what} is to be {wanted} everywhere, and is not at {(~right).nonzero()[0].tolist()}")


FILES = "distribution normal multivariate_normal uniform bernoulli categorical independent kl"     # where PyTorch has them
sys.modules |= {f"{__name__}.{file}": sys.modules[__name__] for file in FILES.split()}

if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from .names import refuse
        refuse(__name__, name, {name: f"there are {', '.join(__all__)}; write log_prob of others by its formula"})
