"""Clipping of gradients, and parameters as one vector, as PyTorch does it."""
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (), (5,), (0, 2)]


def pair(dtype="float64", scale=1.0, shapes=SHAPES):
    """The same parameters here and in PyTorch, with the same gradients; the last has none."""
    random = np.random.default_rng(0)
    made = []
    for library in tl, torch:
        random = np.random.default_rng(0)
        params = [library.tensor(random.standard_normal(shape).astype(dtype), requires_grad=True) for shape in [*shapes, (2,)]]
        for p in params[:-1]:
            p.grad = library.tensor(np.asarray(scale * random.standard_normal(tuple(p.shape)), dtype))
        made.append(params)
    return made


def compare(ours, theirs, rtol=1e-12):
    for p, q in zip(ours, theirs):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            assert p.grad.array.dtype == q.grad.numpy().dtype
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=rtol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm_type", [2.0, 1, 3.0, math.inf, "inf"])
@pytest.mark.parametrize("max_norm", [0.1, 100])
def test_clip_grad_norm(norm_type, max_norm, dtype):
    shapes = SHAPES if norm_type not in (math.inf, "inf") else SHAPES[:-1]      # no largest number of none
    ours, theirs = pair(dtype, shapes=shapes)
    norm = nn.utils.clip_grad_norm_(ours, max_norm, norm_type=norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type=norm_type)
    assert isinstance(norm, tl.Tensor) and norm.shape == () and norm.array.dtype == dtype and not norm.requires_grad
    rtol = {"float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(norm.item(), expected.item(), rtol=rtol)
    compare(ours, theirs, rtol)


@pytest.mark.parametrize("value", [0.5, 2, 0.0])
def test_clip_grad_value(value):
    ours, theirs = pair()
    assert nn.utils.clip_grad_value_(ours, value) is None
    torch.nn.utils.clip_grad_value_(theirs, value)
    compare(ours, theirs)


def test_the_two_halves():
    ours, theirs = pair()
    norm = nn.utils.get_total_norm([p.grad for p in ours[:-1]])
    np.testing.assert_allclose(norm.item(), torch.nn.utils.get_total_norm([p.grad for p in theirs[:-1]]).item(), rtol=1e-12)
    nn.utils.clip_grads_with_norm_(ours, 0.2, norm)
    torch.nn.utils.clip_grads_with_norm_(theirs, 0.2, torch.tensor(norm.item(), dtype=torch.float64))
    compare(ours, theirs)


def test_one_tensor_a_generator_and_none_at_all():
    ours, theirs = pair()
    nn.utils.clip_grad_norm_(ours[0], 0.1)
    torch.nn.utils.clip_grad_norm_(theirs[0], 0.1)
    nn.utils.clip_grad_norm_((p for p in ours), 0.05)
    torch.nn.utils.clip_grad_norm_((p for p in theirs), 0.05)
    compare(ours, theirs)
    assert nn.utils.clip_grad_norm_([], 1.0).item() == nn.utils.clip_grad_norm_([tl.zeros(2)], 1.0).item() == 0
    with pytest.warns(UserWarning, match="generator"):
        nn.utils.clip_grad_norm_((p for p in []), 1.0)


def test_a_module_is_no_list_of_parameters():
    for net in (nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2))):
        for clip in (nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_):
            with pytest.raises(TypeError, match=rf"are Tensors, got {type(net).__name__}: write model.parameters\(\)"):
                clip(net, 1.0)


def test_a_parameter_given_twice_is_clipped_once():
    w = tl.zeros(2, requires_grad=True)
    w.grad = tl.tensor([3.0, 4.0])
    assert nn.utils.clip_grad_norm_([w, w], 1.0).item() == 5
    np.testing.assert_allclose(w.grad.tolist(), [0.6, 0.8], rtol=1e-5)


def test_gradients_that_are_not_finite():
    w = tl.zeros(2, requires_grad=True)
    w.grad = tl.tensor([3.0, math.inf])
    with pytest.raises(RuntimeError, match="is inf, so they cannot be clipped"):
        nn.utils.clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    assert w.grad.tolist() == [3.0, math.inf]
    assert nn.utils.clip_grad_norm_(w, 1.0).item() == math.inf
    assert w.grad.tolist()[0] == 0 and math.isnan(w.grad.tolist()[1])                         # as PyTorch: inf · 0


def test_what_is_not_offered_is_refused():
    w = tl.zeros(2, requires_grad=True)
    for clip in nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_:
        with pytest.raises(NotImplementedError, match="foreach=True"):
            clip([w], 1.0, foreach=True)
        clip([w], 1.0, foreach=None), clip([w], 1.0, foreach=False)


def test_an_edit_of_the_gradient_is_noticed():
    w = tl.ones(2, requires_grad=True)
    (g,) = tl.autograd.grad((w * w * w).sum(), w, create_graph=True)
    w.grad = tl.tensor([3.0, 4.0]).requires_grad_()
    y = (w.grad * w.grad).sum()
    nn.utils.clip_grad_norm_(w, 1.0)
    with pytest.raises(RuntimeError, match="clip_grad_norm_"):
        y.backward()
    g.sum().backward()                                          # touches nothing that was clipped


# ---- one vector -------------------------------------------------------------------------------------------------
def test_parameters_to_vector_and_back():
    ours, theirs = pair()
    vector = nn.utils.parameters_to_vector(ours)
    np.testing.assert_array_equal(vector.detach().numpy(), torch.nn.utils.parameters_to_vector(theirs).detach().numpy())
    (vector * vector).sum().backward()
    np.testing.assert_allclose(ours[-1].grad.numpy(), 2 * ours[-1].detach().numpy())

    new = tl.arange(vector.numel(), dtype=tl.float64)
    assert nn.utils.vector_to_parameters(new, ours) is None
    torch.nn.utils.vector_to_parameters(torch.arange(vector.numel(), dtype=torch.float64), theirs)
    for p, q in zip(ours, theirs):
        assert p.requires_grad and p.is_leaf
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_vectors_that_cannot_be_cut_so():
    w = tl.zeros(2, 2)
    with pytest.raises(RuntimeError, match="shape .3,., and the parameters have 4 numbers"):
        nn.utils.vector_to_parameters(tl.zeros(3), [w])
    with pytest.raises(TypeError, match="vec is a Tensor, got list"):
        nn.utils.vector_to_parameters([1.0, 2.0], [w])
