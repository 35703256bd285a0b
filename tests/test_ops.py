"""Every op of the package, on operands drawn from its sample: gradients are slopes, to second order; nothing given is changed."""
import contextlib
import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_like
from tinygrad_like import autograd
from tinygrad_like.op import Op, wrap
from tinygrad_like.tensor import Tensor
from tinygrad_like.testing import as_outputs, check_op, cotangent, differentiable_operands, gradients_of, vjp

from .samples import SAMPLES

# Ops of the engine itself, which no array can be given to.
INTERNAL = {"tinygrad_like.op.result": "takes apart what an op with several results returns; every such op tests it"}
# Modules that are run rather than imported, or need a card.
NOT_IMPORTED = ("__main__", "check_gpu", "backend_cupy")


def name_of(op):
    return f"{op.__module__}.{op.__name__}"


def all_ops(base=Op):
    for op in base.__subclasses__():
        if op.__module__.startswith("tinygrad_like."):
            yield op
        yield from all_ops(op)


for module in pkgutil.walk_packages(tinygrad_like.__path__, "tinygrad_like."):
    if not module.name.endswith(NOT_IMPORTED):
        importlib.import_module(module.name)

OPS = sorted({op for op in all_ops() if name_of(op) not in INTERNAL}, key=name_of)
SAMPLED = [op for op in OPS if op in SAMPLES]
DIFFERENTIABLE = [op for op in SAMPLED if SAMPLES[op].gradient]
with_samples = pytest.mark.parametrize("op", SAMPLED, ids=lambda op: op.__name__)
with_gradients = pytest.mark.parametrize("op", DIFFERENTIABLE, ids=lambda op: op.__name__)
draws = given(data=st.data())


def draw(data, op):
    return data.draw(SAMPLES[op].operands, label="operands, parameters")


def leaves(operands, wanted):
    return [wrap(x).requires_grad_() if i in wanted else wrap(x) if type(x) is np.ndarray else x for i, x in enumerate(operands)]


def raw_arrays(values):
    """The arrays among some values, and in the lists and tuples among them."""
    for x in values:
        if type(x) is np.ndarray:
            yield x
        elif isinstance(x, (tuple, list)):
            yield from raw_arrays(x)


# ---- is every op here? ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)
def test_has_a_sample(op):
    assert op in SAMPLES, f"{name_of(op)} has no sample: add one to a file of tests/samples"


@with_samples
def test_is_sampled_as_what_it_is(op):
    """A sample that is not differentiated belongs to an op without derivatives, and the other way round."""
    assert SAMPLES[op].gradient == op.differentiable


def test_samples_are_of_ops():
    assert SAMPLES.keys() <= set(OPS)


# ---- derivatives ------------------------------------------------------------------------------------------------
@with_gradients
def test_first_order(op):
    sample, reached = SAMPLES[op], set()

    @given(data=st.data(), seed=st.integers(0, 99))
    def slopes(data, seed):
        operands, params = draw(data, op)
        check_op(op, operands, params, analytic=sample.analytic, order=1, seed=seed, eps=sample.eps)
        reached.update([0] if op.variadic and operands else differentiable_operands(op, operands))

    slopes()
    expected = [i for i, (derivative, _) in enumerate(op.derivatives) if derivative is not None or op.plain is not None]
    missed = [op.operands[i] for i in expected if i not in reached and op.operands[i] not in sample.never_differentiated]
    assert not missed, f"no sample drawn for {op.__name__} has an array for {missed}"


@with_gradients
@given(data=st.data(), seed=st.integers(0, 99))
def test_second_order(op, data, seed):
    sample = SAMPLES[op]
    if sample.second:
        operands, params = draw(data, op)
        check_op(op, operands, params, analytic=sample.analytic, order=2, seed=seed, eps=sample.eps)


# ---- memory -----------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def unchanged(arrays, what):
    arrays = list(arrays)
    before = [(x, x.copy()) for x in arrays]
    yield
    for x, copy in before:
        np.testing.assert_array_equal(x, copy, err_msg=f"{what} changed")


@with_samples
@draws
def test_modifies_nothing(op, data):
    operands, params = draw(data, op)
    given_arrays = list(raw_arrays([*operands, *params.values()]))
    with unchanged(given_arrays, "an operand was"):
        outputs = as_outputs(op(*operands, **params))
    if not SAMPLES[op].gradient:
        return
    vs = [cotangent(np.random.default_rng(0), np.asarray(y)) for y in outputs]
    wanted = differentiable_operands(op, operands)
    tensors = leaves(operands, wanted)
    outputs = as_outputs(op(*tensors, **params))
    with unchanged([*given_arrays, *raw_arrays(vs), *[y.array for y in outputs]], "an operand, g or the result was"):
        gradients_of(outputs, [tensors[i] for i in wanted], vs)
        outputs = as_outputs(op(*tensors, **params))
        pairs = [(y, wrap(v)) for y, v in zip(outputs, vs) if v is not None and y.requires_grad]
        autograd.grad([y for y, _ in pairs], [tensors[i] for i in wanted], [v for _, v in pairs], create_graph=True,
                      materialize_grads=True)


@with_gradients
@draws
def test_leaf_gradients_own_their_memory(op, data):
    operands, params = draw(data, op)
    wanted = differentiable_operands(op, operands)
    tensors = leaves(operands, wanted)
    outputs = as_outputs(op(*tensors, **params))
    pairs = [(y, v) for y in outputs if y.requires_grad for v in [cotangent(np.random.default_rng(0), y.array)]]
    for create_graph in False, True:
        for i in wanted:
            tensors[i].grad = None
        autograd.backward([y for y, _ in pairs], [wrap(v) for _, v in pairs], retain_graph=True, create_graph=create_graph)
        gradients = [tensors[i].grad.array for i in wanted if tensors[i].grad is not None]
        others = [*raw_arrays([*operands, *params.values()]), *[y.array for y in outputs], *[v for _, v in pairs]]
        for k, g in enumerate(gradients):
            stretched = g.size and any(stride == 0 for side, stride in zip(g.shape, g.strides) if side > 1)
            assert g.flags.writeable and not stretched, "the elements of a gradient share memory"
            for other in [*gradients[:k], *others]:
                assert not np.shares_memory(g, other), "a gradient shares memory with another array"
        for i in wanted:
            tensors[i].grad = None


# ---- number types -----------------------------------------------------------------------------------------------
def cast(x, dtype):
    if isinstance(x, (tuple, list)):
        return type(x)(cast(y, dtype) for y in x)
    return x.astype(dtype) if type(x) is np.ndarray and x.dtype.kind == "f" else x


@contextlib.contextmanager
def recording_types(op, found):
    """Note the dtypes that the derivatives of op return, before the sweep casts them."""
    derivatives = op.derivatives

    def recorded(name, derivative):
        def call(*args):
            answer = derivative(*args)
            found.append((f"d{name}", answer.dtype))
            return answer
        return derivative and call

    op.derivatives = [(recorded(name, derivative), asks) for name, (derivative, asks) in zip(op.operands, derivatives)]
    try:
        yield
    finally:
        op.derivatives = derivatives


def assert_close(name, a, b, tolerance):
    """a is b to a part of the largest element of b."""
    finite = b[np.isfinite(b)]
    atol = tolerance * max(1.0, float(np.abs(finite).max()) if finite.size else 0.0)
    np.testing.assert_allclose(a, b, rtol=0, atol=atol, equal_nan=True, err_msg=f"{name} in float32 against float64")


@with_samples
@draws
def test_float32_stays_float32(op, data):
    sample = SAMPLES[op]
    operands, params = draw(data, op)
    if sample.float32 is None:
        return
    operands = cast(operands, "float32")
    params = {name: cast(value, "float32") for name, value in params.items()}
    tensors = [wrap(x) if type(x) is np.ndarray else x for x in operands]
    exact_params = {name: cast(value, "float64") for name, value in params.items()}
    exact = as_outputs(op(*[wrap(cast(x.array, "float64")) if isinstance(x, Tensor) else x for x in tensors], **exact_params))
    outputs = as_outputs(op(*tensors, **params))
    float_in = any(x.dtype.kind == "f" for x in raw_arrays(operands))
    for y, z in zip(outputs, exact):
        if float_in:
            assert y.array.dtype == ("float32" if z.array.dtype == "float64" else z.array.dtype)
        assert_close("the result", y.array, z.array, sample.float32)
    wanted = differentiable_operands(op, list(operands))
    if not sample.gradient or not wanted:
        return
    random = np.random.default_rng(0)
    vs = [cotangent(random, y.array) for y in outputs]
    types = []
    with recording_types(op, types):
        gradients, _ = vjp(op, list(operands), params, wanted, vs)
    assert all(dtype == "float32" for _, dtype in types), f"derivatives returned {types}"
    exact_vs = [v if v is None else v.astype("float64") for v in vs]
    exact_gradients, _ = vjp(op, list(cast(operands, "float64")), exact_params, wanted, exact_vs)
    for i, g, h in zip(wanted, gradients, exact_gradients):
        assert g.dtype == "float32"
        assert_close(f"the gradient of operand {i}", g, h, sample.float32)


# ---- forwards ---------------------------------------------------------------------------------------------------
@with_samples
@draws
def test_arrays_in_arrays_out(op, data):
    operands, params = draw(data, op)
    outputs = as_outputs(op(*operands, **params))
    tensors = [wrap(x) if type(x) is np.ndarray else x for x in operands]
    if not any(isinstance(x, Tensor) for x in tensors):
        return
    results = as_outputs(op(*tensors, **params))
    assert len(outputs) == len(results)
    for y, z in zip(outputs, results):
        assert isinstance(y, (np.ndarray, np.generic)) and type(z) is Tensor and type(z.array) is np.ndarray
        assert not z.requires_grad and y.shape == z.array.shape
        np.testing.assert_allclose(y, z.array, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("op", [op for op in SAMPLED if op.plain is not None], ids=lambda op: op.__name__)
@draws
def test_plain_is_the_same_function(op, data):
    operands, params = draw(data, op)
    tensors = leaves(operands, differentiable_operands(op, operands))
    for y, z in zip(as_outputs(op(*tensors, **params)), as_outputs(op.plain(*tensors, **{**op.params, **params}))):
        assert isinstance(z, Tensor) and z.shape == y.shape and z.dtype == y.dtype
        np.testing.assert_allclose(z.array, y.array, rtol=1e-9, atol=1e-12)
