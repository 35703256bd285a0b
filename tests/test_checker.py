"""The checker checks: derivatives made wrong on purpose are found, in every op; and gradcheck says what is wrong, and where."""
import numpy as np
import pytest
from hypothesis import given, settings

from tinygrad_like import ops
from tinygrad_like.backend import xp
from tinygrad_like.op import Op, raw, wrap
from tinygrad_like.tensor import Tensor
from tinygrad_like.testing import GradcheckError, as_outputs, check_op, differentiable_operands, gradcheck, gradgradcheck, vjp

from .samples import SAMPLES
from .test_ops import DIFFERENTIABLE

TABLED = [op for op in DIFFERENTIABLE if any(derivative for derivative, _ in op.derivatives)]
with_derivatives = pytest.mark.parametrize("op", TABLED, ids=lambda op: op.__name__)


def examples(op, count=6):
    """Operands and parameters drawn for op, with something in them to differentiate by."""
    found = []

    @settings(max_examples=3 * count)
    @given(SAMPLES[op].operands)
    def draw(drawn):
        operands, params = drawn
        wanted = differentiable_operands(op, list(operands))
        if wanted and all(operands[i].size for i in wanted) and len(found) < count:
            found.append((operands, params, wanted))

    draw()
    return found


def rejections(op, drawn, order=1):
    """For each example, whether check_op rejects it."""
    verdicts = []
    for seed, (operands, params, _) in enumerate(drawn):
        try:
            check_op(op, operands, params, analytic=SAMPLES[op].analytic, order=order, seed=seed, eps=SAMPLES[op].eps)
            verdicts.append(False)
        except GradcheckError:
            verdicts.append(True)
    return verdicts


def gradients(op, operands, params, wanted):
    """The gradients by the wanted operands, for a cotangent that is nowhere the same."""
    outputs = as_outputs(op(*operands, **params))
    vs = [np.ones(y.shape) + np.arange(y.size).reshape(y.shape) if y.dtype.kind == "f" else None for y in outputs]
    return dict(zip(wanted, vjp(op, list(operands), params, wanted, vs)[0]))


def sloping(op, i, drawn):
    """Those of the examples where the gradient by operand i is not zero (some functions are flat: floor, sign)."""
    found = []
    for example in drawn:
        i = example[2][0] if op.variadic else i
        if i in example[2] and np.abs(gradients(op, *example)[i]).max() > 1e-6:
            found.append(example)
    return found


def size_of(g):
    """The mean size of g's elements."""
    parts = [np.abs(part).ravel() for part in (g if isinstance(g, tuple) else (g,))]
    return np.concatenate(parts).mean() if sum(map(len, parts)) else 1.0


def faulty(op, which, change):
    """op's table of derivatives, with what derivative `which` returns changed by change(dx, g)."""
    table = list(op.derivatives)
    derivative, asks = table[which]
    table[which] = (lambda g, *values: change(derivative(g, *values), g), asks)
    return table


def each_derivative(op):
    return [i for i, (derivative, _) in enumerate(op.derivatives) if derivative is not None]


# ---- faults in ops ----------------------------------------------------------------------------------------------
@with_derivatives
def test_a_millionth_of_g_is_noticed(op, monkeypatch):
    drawn = examples(op)
    for i in each_derivative(op):
        reached = [example for example in drawn if i in example[2] or op.variadic]
        with monkeypatch.context() as patch:
            patch.setattr(op, "derivatives", faulty(op, i, lambda dx, g: dx + 1e-6 * size_of(g)))
            verdicts = rejections(op, reached)
        assert not reached or sum(verdicts) * 2 >= len(verdicts), f"{op.__name__}, operand {op.operands[i]}: {verdicts}"


@with_derivatives
def test_a_dropped_gradient_is_noticed(op, monkeypatch):
    drawn = examples(op)
    for i in each_derivative(op):
        reached = sloping(op, i, drawn)
        with monkeypatch.context() as patch:
            patch.setattr(op, "derivatives", faulty(op, i, lambda dx, g: dx * 0))
            assert all(rejections(op, reached)), f"{op.__name__}, operand {op.operands[i]}"


@pytest.mark.parametrize("op", [op for op in TABLED if len(each_derivative(op)) == 2], ids=lambda op: op.__name__)
def test_swapped_derivatives_are_noticed(op, monkeypatch):
    i, j = each_derivative(op)
    told_apart = []
    for operands, params, wanted in examples(op, 12):
        if i in wanted and j in wanted and operands[i].shape == operands[j].shape:
            found = gradients(op, operands, params, wanted)     # (those of x + y are the same swapped)
            if not np.allclose(found[i], found[j], rtol=1e-3, atol=1e-3):
                told_apart.append((operands, params, wanted))
    table = list(op.derivatives)
    table[i], table[j] = table[j], table[i]
    monkeypatch.setattr(op, "derivatives", table)
    assert all(rejections(op, told_apart))


@with_derivatives
def test_a_derivative_that_is_a_constant_under_create_graph_is_noticed(op, monkeypatch):
    """As when an intermediate is taken as a constant: the values are right, and their derivatives are missing."""
    if op.plain is not None or not SAMPLES[op].second:          # (`plain` is differentiated instead)
        return
    drawn = examples(op, 3)
    for i in each_derivative(op):
        reached = sloping(op, i, drawn)
        with monkeypatch.context() as patch:
            patch.setattr(op, "derivatives", faulty(op, i, lambda dx, g: wrap(raw(dx)) if isinstance(dx, Tensor) else dx))
            assert all(rejections(op, reached, order=2)), f"{op.__name__}, operand {op.operands[i]}"


# ---- faults of a kind -------------------------------------------------------------------------------------------
class softmax_forgetful(Op):
    """Softmax whose derivative forgets that its elements sum to 1.  A cotangent of ones could not tell."""
    def forward(x):
        e = xp(x).exp(x)
        return e / e.sum(axis=-1, keepdims=True)
    def dx(g, out): return out * (g - g.sum(axis=-1, keepdims=True) * out)


class cube_constant(Op):
    """x³, whose second derivative is wrong: x² comes from the forward and is no function of x."""
    def forward(x): return x * x * x
    def dx(g, squared): return g * 3 * squared
    def squared(x): return raw(x) * raw(x)


class thousandfold(Op):
    """10⁻⁵ x, with a gradient a thousand times too big"""
    def forward(x): return 1e-5 * x
    def dx(g): return 1e-2 * g


class one_element(Op):
    """x, with a gradient that is wrong in one element of many"""
    def forward(x): return x + 0
    def dx(g): return g + np.where(np.arange(g.size).reshape(g.shape) == 7, 1e-5, 0)


def vector(*numbers):
    return wrap(np.array(numbers or np.random.default_rng(3).standard_normal(5))).requires_grad_()


def test_a_thousandfold_small_gradient_is_noticed():
    with pytest.raises(GradcheckError, match=r"ratio 1000"):
        gradcheck(thousandfold, vector())


def test_cotangents_are_not_ones():
    with pytest.raises(GradcheckError):
        gradcheck(softmax_forgetful, vector())


def test_a_constant_intermediate_is_noticed():
    assert gradcheck(cube_constant, vector())
    with pytest.raises(GradcheckError, match="the gradient of cube_constant"):
        gradgradcheck(cube_constant, vector())
    with pytest.raises(GradcheckError):
        check_op(cube_constant, np.array([1.0, 2.0]))


def test_the_worst_element_is_named_with_both_numbers():
    x = wrap(np.random.default_rng(0).standard_normal((4, 5))).requires_grad_()
    with pytest.raises(GradcheckError, match=r"input 0, shape \(4, 5\).*Worst at \[1, 2\]: the gradient is \S+, the slope \S+"):
        gradcheck(one_element, (x,))


def test_every_input_is_checked():
    def second_input_forgotten(x, y):
        return x * y.detach()
    with pytest.raises(GradcheckError, match="input 1"):
        gradcheck(second_input_forgotten, (vector(), vector()))


def test_every_output_is_checked():
    def second_output_wrong(x):
        return x * x, thousandfold(x)
    with pytest.raises(GradcheckError):
        gradcheck(second_output_wrong, vector())


def test_kinks_are_explained():
    with pytest.raises(GradcheckError, match="0 on its left and .* on its right: the function has a kink"):
        gradcheck(ops.relu, vector(1.0, 0.0, -1.0))
    with pytest.raises(GradcheckError) as smooth:
        gradcheck(thousandfold, vector())
    assert "kink" not in str(smooth.value)


def test_good_functions_pass():
    x, y = vector(), vector()
    assert gradcheck(lambda x, y: (ops.exp(x) * y, ops.sigmoid(x / 3) > 0.5), (x, y))
    assert gradgradcheck(lambda x, y: ops.exp(x) * y, (x, y))
    assert gradgradcheck(lambda x, y: ops.exp(x) * y, (x, y), grad_outputs=vector(1.0, 2.0, 3.0, 4.0, 5.0))
    assert gradcheck(lambda x, n: x * n, (x, 3))                # an input may be anything
    assert gradgradcheck(lambda x: x + 1, x)                    # the gradient is constant in x
    assert gradcheck(ops.exp, wrap(np.zeros((0, 3))).requires_grad_()) and gradcheck(ops.exp, wrap(np.array(0.3)).requires_grad_())


def test_a_false_answer_can_be_returned_instead():
    assert gradcheck(thousandfold, vector(), raise_exception=False) is False
    assert gradgradcheck(cube_constant, vector(), raise_exception=False) is False


def test_float32_is_refused():
    x = wrap(np.ones(3, "float32")).requires_grad_()
    with pytest.raises(TypeError, match="float64"):
        gradcheck(ops.exp, x)
    assert gradcheck(ops.exp, x, allow_float32=True, eps=0.1, atol=1e-3, rtol=1e-3)


def test_something_must_require_grad():
    with pytest.raises(ValueError, match="requires grad"):
        gradcheck(ops.exp, wrap(np.ones(3)))


def test_noise_is_noticed():
    random = np.random.default_rng(0)

    def dropout(x):
        return x * wrap((random.random(x.shape) > 0.5) * 2.0)
    with pytest.raises(GradcheckError, match="not deterministic"):
        gradcheck(dropout, vector())


def test_nan_is_no_gradient():
    class poisoned(Op):
        def forward(x): return x * 2
        def dx(g): return g * float("nan")
    with pytest.raises(GradcheckError):
        gradcheck(poisoned, vector())
