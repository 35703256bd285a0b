"""Distributions: densities, entropies, divergences and their gradients as PyTorch's, and what is drawn from them."""
import math
import re

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like.distributions import Bernoulli, Categorical, Independent, MultivariateNormal, Normal, Uniform, kl_divergence

RANDOM = np.random.default_rng(0)
P, Q = RANDOM.uniform(0.1, 0.9, (3, 4)), RANDOM.uniform(0.1, 0.9, (3, 4))
A, B, S = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=(3, 4)), RANDOM.uniform(0.5, 2, (3, 4))


@pytest.mark.parametrize("line", [
    "Normal(a, s).log_prob(b)", "Normal(a, s).entropy()", "Normal(a, s).cdf(b)", "Normal(a[0], s).log_prob(b)",
    "Normal(a, s[0, 0]).log_prob(b)",
    "Normal(a, s).stddev", "Normal(a, s).variance", "kl_divergence(Normal(a, s), Normal(b, 1.5 * s))",
    "Bernoulli(p).log_prob((b > 0).double())", "Bernoulli(logits=a).log_prob((b > 0).double())", "Bernoulli(p).entropy()",
    "Bernoulli(logits=a).variance", "kl_divergence(Bernoulli(p), Bernoulli(q))",
    "Categorical(p).log_prob(i)", "Categorical(logits=a).log_prob(i)", "Categorical(p).entropy()", "Categorical(logits=a).probs",
    "Normal(a, s).mode", "Normal(a, s).icdf(p)", "Categorical(logits=a).perplexity()",
    "Uniform(a, a + s).log_prob(a + p * s)", "Uniform(a, a + s).entropy()", "Uniform(a, a + s, validate_args=False).cdf(b)",
    "Uniform(a, a + s).mean * Uniform(a, a + s).stddev", "Independent(Normal(a, s), 1).log_prob(b)",
    "Independent(Normal(a, s), 2).entropy()", "Independent(Normal(a, s), 0).log_prob(b)",
    "Independent(Bernoulli(logits=a), 1).mean",
    "kl_divergence(Independent(Normal(a, s), 1), Independent(Normal(b, s), 1))",
    "MultivariateNormal(a[0], m).log_prob(b)", "MultivariateNormal(a, m).log_prob(b[1])", "MultivariateNormal(a, m).entropy()",
    "MultivariateNormal(a[0], m).entropy()", "MultivariateNormal(a, precision_matrix=m).log_prob(b)",
    "MultivariateNormal(a, scale_tril=m.tril()).log_prob(b)", "MultivariateNormal(a, scale_tril=m.tril()).variance",
    "MultivariateNormal(a, scale_tril=m.tril()).covariance_matrix", "MultivariateNormal(a, m).scale_tril",
    "MultivariateNormal(a, scale_tril=s[..., None] * m.tril()).log_prob(b)", "MultivariateNormal(a, m).stddev",
    "kl_divergence(MultivariateNormal(a, m), MultivariateNormal(b, s[0].diag()))",
    "MultivariateNormal(a, torch_diag(s)).log_prob(b)",
    "kl_divergence(MultivariateNormal(a[0], m), MultivariateNormal(b, torch_diag(s)))",
    "Categorical(p).log_prob(j)", "Categorical(p[0]).log_prob(i)", "kl_divergence(Categorical(p), Categorical(logits=a))",
])
def test_formulas_and_their_gradients(line):
    torch = pytest.importorskip("torch")
    found = []
    for library, kinds in (tl, tl.distributions), (torch, torch.distributions):
        names = {k: library.tensor(v, requires_grad=True) for k, v in {"a": A, "b": B, "s": S, "p": P, "q": Q}.items()}
        leaves = [*names.values()]
        names["m"] = names["s"].T @ names["s"] + names["s"][0].diag()
        names["torch_diag"] = library.diag_embed
        indices = {"i": library.tensor([0, 3, 1]), "j": library.tensor([[0], [2]]).expand(2, 3)}
        y = eval(line, vars(kinds) | names | indices)
        (y * y).sum().backward()
        found.append([y.detach().numpy()] + [np.zeros(1) if x.grad is None else x.grad.numpy() for x in leaves])
    for mine, other in zip(*found):
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("line", [
    "Bernoulli(e).entropy()", "Categorical(e).entropy()", "Categorical(e).log_prob(i)", "Categorical(e).mean",
    "kl_divergence(Categorical(e), Categorical(p))", "kl_divergence(Categorical(p), Categorical(e))",
])
def test_probabilities_of_0_and_1(line):
    torch = pytest.importorskip("torch")
    edge = np.array([[0.0, 1.0, 0.0, 0.0], [0.5, 0.5, 0, 0], [1, 0, 0, 0]])
    operands = {"e": edge, "p": P, "i": [0, 1, 1]}
    found = [eval(line, vars(library.distributions) | {name: library.tensor(x) for name, x in operands.items()})
             for library in (tl, torch)]
    np.testing.assert_allclose(*[each.numpy() for each in found], rtol=1e-10, atol=1e-14)


def test_what_is_drawn():
    tl.manual_seed(0)
    x = Normal(tl.tensor([0.0, 5.0]), tl.tensor([1.0, 0.1])).sample((4000,))
    assert x.shape == (4000, 2) and not x.requires_grad
    np.testing.assert_allclose(x.mean(0), [0, 5], atol=0.06)
    np.testing.assert_allclose(x.std(0), [1, 0.1], rtol=0.06)
    probs = tl.tensor([[0.2, 0.8, 0.0], [0.5, 0.0, 0.5]])
    i = Categorical(probs).sample((4000,))
    assert i.shape == (4000, 2) and i.dtype == tl.int64
    np.testing.assert_allclose(tl.nn.functional.one_hot(i, 3).float().mean(0), probs, atol=0.03)
    assert Categorical(probs).sample().shape == (2,) and Categorical(probs[0]).sample().shape == ()
    np.testing.assert_allclose(Bernoulli(probs).sample((4000,)).mean(0), probs, atol=0.03)


SHAPES = """
    Normal(torch.zeros(3), 1.0).event_shape     Normal(torch.zeros(3), 1.0).batch_shape
    Independent(Normal(z, z + 1), 1).event_shape
    Independent(Normal(z, z + 1), 1).batch_shape    Independent(Normal(z, z + 1), 2).sample((5,)).shape
    MultivariateNormal(z, torch.eye(3)).event_shape     MultivariateNormal(z, torch.eye(3)).batch_shape
    MultivariateNormal(z, torch.eye(3)).sample((5,)).shape
    MultivariateNormal(z[0], torch.ones(4, 1, 1) * torch.eye(3)).rsample().shape
    Uniform(z, 1.0).sample((2,)).shape      Uniform(0, 1).sample().shape    Categorical(z + 1).mode     Bernoulli(z + 0.75).mode
    Categorical(z + 1).param_shape      Categorical(z + 1).enumerate_support(False)     Categorical(z + 1).enumerate_support()
    Normal(z, -1.0, validate_args=False).scale      Independent(Normal(z, z + 1), 1).base_dist.loc
    Independent(Normal(z, z + 1), 3)    MultivariateNormal(z, -torch.eye(3))    MultivariateNormal(z)   Uniform(1.0, 0.0)
    MultivariateNormal(z, torch.eye(3), torch.eye(3))
"""


@pytest.mark.parametrize("line", re.split(r"\s{4,}", SHAPES.strip()))
def test_shapes_and_attributes(line):
    pytest.importorskip("torch")
    from .same import same
    kinds = "Bernoulli, Categorical, Independent, MultivariateNormal, Normal, Uniform"
    same(line, f"z = torch.zeros(2, 3)\n{kinds} = [getattr(torch.distributions, x) for x in '{kinds}'.split(', ')]")


def test_normals_that_depend_on_each_other():
    tl.manual_seed(0)
    covariance = tl.tensor([[2.0, 0.6], [0.6, 0.5]], requires_grad=True)
    x = MultivariateNormal(tl.tensor([1.0, -1.0]), covariance).rsample((8000,))
    np.testing.assert_allclose(x.detach().mean(0), [1, -1], atol=0.05)
    np.testing.assert_allclose(x.detach().T.cov(), covariance.detach(), atol=0.08)
    x.square().mean().backward()
    assert covariance.grad.abs().sum() > 0 and not MultivariateNormal(tl.zeros(2), covariance).sample().requires_grad
    u = Uniform(tl.tensor([0.0, 2.0]), tl.tensor([1.0, 6.0])).rsample((4000,))
    assert (u >= tl.tensor([0.0, 2.0])).all() and (u < tl.tensor([1.0, 6.0])).all()
    np.testing.assert_allclose(u.mean(0), [0.5, 4.0], atol=0.06)
    assert repr(Independent(Normal(tl.zeros(3), 1.0), 1)) == "Independent(Normal(batch_shape=Size([3])), 1)"


def test_rsample_has_gradients():
    loc, scale = tl.zeros(3, requires_grad=True), tl.ones(3, requires_grad=True)
    x = Normal(loc, scale).rsample((5,))
    x.sum().backward()
    assert x.shape == (5, 3) and loc.grad.tolist() == [5, 5, 5]
    np.testing.assert_allclose(scale.grad, x.detach().sum(0), rtol=1e-5)
    assert not Normal(loc, scale).sample().requires_grad


@pytest.mark.parametrize("line, text", [
    ("Normal(0.0, -1.0)", "scale is to be positive"), ("Categorical(tl.tensor([0.5, -0.5]))", r"no less than 0.*\[1\]"),
    ("Bernoulli(2.0)", "between 0 and 1"), ("Bernoulli()", "either probs or logits, got neither"),
    ("Categorical(tl.ones(2), tl.ones(2))", "got both"), ("Uniform(tl.zeros(2), tl.tensor([1.0, 0.0]))", r"high is to be .*\[1\]"),
    ("MultivariateNormal(tl.zeros(2), tl.tensor([[1.0, 2.0], [2.0, 1.0]]))", "positive definite"),
    ("MultivariateNormal(tl.zeros(2))", "one of covariance_matrix, precision_matrix and scale_tril, got none"),
    ("Independent(Normal(tl.zeros(2), 1.0), 2)", r"2 dims.*batch shape is \(2,\)"),
])
def test_wrong_parameters(line, text):
    with pytest.raises(ValueError, match=text):
        eval(line)


def test_two_kinds_have_no_formula():
    with pytest.raises(NotImplementedError, match="Normal and Bernoulli.*log_prob"):
        kl_divergence(Normal(0.0, 1.0), Bernoulli(0.5))
    assert Normal(0, 1).entropy().item() == pytest.approx(0.5 * math.log(2 * math.pi * math.e))
