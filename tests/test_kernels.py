"""The kernels of a GPU compute what the functions compute whose place they take."""
import inspect

import numpy as np
import pytest

from tinygrad_like import backend, op
from tinygrad_like.kernels import Kernels
from tinygrad_like.nn.functional import normalization
from tinygrad_like.ops import activation, loss, normalize, recurrent
from tinygrad_like.ops.attention import attention
from tinygrad_like.ops.conv import conv, conv_transpose, conv_weight
from tinygrad_like.ops.pool import Windows, max_pool, put_winners, winners
from tinygrad_like.ops.windows import Geometry
from tinygrad_like.optim import adam, rmsprop, sgd

EDGES = [0.0, -0.0, 1.0, -1.0, 0.3, -2.5, 1e-30, 80.0, -120.0, np.inf, -np.inf, np.nan]
SUMS = {"attention_forward", "attention_gradients", "conv_forward", "conv_transpose_forward", "conv_weight_forward",
        "cross_entropy_forward", "gradients_of", "moments", "put_winners_forward", "standardize_forward"}
TOLERANCE = {"float32": (2e-6, 5e-5), "float64": (1e-14, 1e-12)}         # of one number; of sums of many, in an order of their own
NAMES = [name for name, _ in inspect.getmembers(Kernels, inspect.isfunction) if name[:1] != "_"]


def numbers(*shape, seed=0):
    return np.asarray(np.random.default_rng(seed).uniform(0.1, 2, shape))


def several(n):
    """n arrays of one shape, in many ways: edge values against numbers, none, one, a single number, and with gaps in memory."""
    random = [numbers(len(EDGES), seed=i) for i in range(n)]
    for i in range(n):
        yield [np.array(EDGES) if j == i else x for j, x in enumerate(random)]
    for shape in (0, 3), (1,), (), (4, 5):
        yield [numbers(*shape, seed=i) for i in range(n)]
    yield [numbers(4, 6, seed=i)[:, ::2].T for i in range(n)]


def optimizers():
    flags = [dict(weight_decay=0.0, maximize=False), dict(weight_decay=0.1, maximize=True)]
    for more in flags:
        for w, g, b, m, v in several(5):
            yield sgd.descend, [w, g, None], dict(lr=0.1, momentum=0, weight=1, nesterov=False, **more)
            for nesterov in (False, True):
                yield sgd.descend, [w, g, b], dict(lr=0.1, momentum=0.9, weight=0.7, nesterov=nesterov, **more)
            for centered in (None, np.asarray(m / 20)):         # v - m² is far from 0
                for momentum in (0, 0.9):
                    yield rmsprop.divide, [w, g, v, b if momentum else None, centered], dict(
                        lr=0.1, alpha=0.9, eps=1e-8, momentum=momentum, **more)
    for decay, shrink, maximize in ((0.0, 0.99, False), (0.1, 1, True)):
        for w, g, m, v, largest in several(5):
            for amsgrad in (None, largest):
                yield adam.adapt, [w, g, m, v, amsgrad], dict(beta1=0.9, beta2=0.99, lr_t=0.01, eps_t=1e-6, decay=decay,
                                                              shrink=shrink, maximize=maximize)


def activations():
    for x, by in several(2):
        yield in_pieces(activation, lambda x=x, by=by: activation.gated.forward(x, by=by)), [by, x, np.zeros_like(x)], {}
        for each in (activation.silu, activation.gelu, activation.gelu_tanh):
            for slope in (None, np.zeros_like(x)) if x.ndim else ():        # a 0-d array comes as one of shape (1,)
                yield in_pieces(activation, lambda each=each, x=x: each.forward(x)), [x, np.zeros_like(x), slope], {}


def in_pieces(module, call):
    """The function that a call hands to `in_pieces`."""
    found = []
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(module, "in_pieces", lambda function, *arrays: found.append(function))
        call()
    return found[0]


def cells():
    for c, h, out, before, tanh_c, *gates in several(13):
        a, z = np.stack(gates[:4]), np.stack(gates[4:])
        if c.ndim:                                              # (features, batch)
            yield recurrent.lstm_cell, [c, h, out, before, tanh_c, a, z], {}
            yield recurrent.lstm_cell_back, [c, h, out, before, tanh_c, a], {}


def norms():
    for shape, axis, of_w in (((4, 3, 2, 5), (0, 2, 3), (1, 3, 1, 1)), ((4, 3, 7), (2,), (7,)), ((4, 3, 7), (1, 2), (1, 3, 7)),
                              ((2, 2, 3, 4), (2, 3), (1, 2, 3, 1)), ((3, 2, 4), (2,), (1, 2, 1)), ((0, 3), (0,), (1, 3)),
                              ((600, 3), (0,), (1, 3)), ((2, 700), (1,), (700,)), ((3, 2, 50, 40), (0, 2, 3), (1, 2, 1, 1))):
        plain, g, w, b = numbers(*shape), numbers(*shape, seed=1), numbers(*of_w, seed=2), numbers(*of_w, seed=3)
        plain[:1] = 5.0                                           # the same everywhere
        plain[-1:, ..., -1:] += 20
        for x in plain, np.asfortranarray(plain), np.where(g > 1.8, np.nan, plain):
            yield normalize.moments, [x], dict(axis=axis)
            mu, variance = inspect.unwrap(normalize.moments)(x, axis)
            r = 1 / np.sqrt(variance + 1e-5)
            yield normalize.standardize.forward, [x, w, b], dict(axis=axis, eps=1e-3)
            yield normalize.standardize.forward, [x], dict(axis=axis, eps=1e-3, known=(mu, variance))
            for mean in (mu, None):
                for weight in (w, None):
                    yield normalize.gradients_of, [g, x, weight, mean, r], dict(axis=axis)
    for x, y in several(2):
        yield normalization.mix, [x, y], dict(a=0.9, b=0.2)


def losses():
    x = numbers(6, 5)
    x[1], x[2, 1:3], x[3, 2], x[4] = -np.inf, -np.inf, np.inf, 1000 * x[4]
    labels = np.array([[0], [1], [4], [2], [3], [4]])
    some, images, at = [1, 2, 4, 5], numbers(2, 3, 2, 2), np.arange(2)
    with np.errstate(all="ignore"):
        for scores, places, axis in ((x, (np.arange(6)[:, None], labels), -1), (x[some], (np.arange(4)[:, None], labels[some]), 1),
                                (np.where(x == np.inf, np.nan, x), (np.arange(6)[:, None], labels), 1),
                                (x[:0], (np.arange(0)[:, None], labels[:0]), 1), (x[0], (labels[0],), 0),
                                (images, (at[:, None, None, None], np.array([[[[2, 0], [1, 1]]]] * 2), at[:, None], at), 1)):
            for summed in (False, True):
                params = dict(places=places, axis=axis, peak=0.5, summed=summed)
                yield loss.cross_entropy.forward, [scores], params
                kept = inspect.unwrap(loss.cross_entropy.forward)(scores, **params)
                g = np.full_like(kept.out, 0.3)
                yield loss.cross_entropy.dx, [g, *kept.intermediates.values()], dict(places=places, peak=0.5, base=None)


def attentions():
    """With and without causality, a bias, dropout, and rows that attend nothing."""
    q, k, v, bias = numbers(2, 3, 4, 5), numbers(2, 3, 6, 5, seed=1), numbers(2, 3, 6, 2, seed=2), numbers(3, 4, 6, seed=3)
    bias[0, 1] = bias[1, :, 2:4] = -np.inf
    keep = numbers(2, 3, 4, 6) > 0.5
    for x, y, z, b in ((q, k, v, None), (k, q, v[:, :, :4], bias.swapaxes(1, 2)), (q[0], k[0], v[0], bias),
                       (30 * k, 10 * q, v[:, :, 2:], None)):
        for causal in (False, True)[:1 if x.shape[-2] < y.shape[-2] else 2]:
            for dropped in (None, np.resize(keep, (*x.shape[:-1], y.shape[-2]))):
                params = dict(scale=0.4, causal=causal, keep=dropped)
                kept = inspect.unwrap(attention.forward)(x, y, z, b, **params)
                yield attention.forward, [x, y, z, b], params
                yield attention.gradients, [numbers(*kept.out.shape, seed=5), x, y, z, b, kept.out], dict(
                    softened=kept.intermediates["softened"], **params)


def windows():
    """Convolution and pooling in one to three dimensions, with and without gaps, borders, and pixels that no window sees."""
    for size, kernel, stride, padding, dilation, b in (
            ((9,), (3,), (2,), (1,), (1,), True), ((5, 6), (3, 2), (1, 1), (1, 0), (1, 2), True),
            ((5, 6), (1, 1), (1, 1), (0, 0), (1, 1), False),
            ((7, 8), (3, 3), (3, 2), (0, 2), (2, 1), False), ((4, 5, 3), (2, 1, 3), (2, 1, 1), (1, 0, 1), (1, 1, 1), True)):
        into = tuple([(n + 2 * a - d * (k - 1) - 1) // s + 1 for n, k, s, a, d in zip(size, kernel, stride, padding, dilation)])
        geometry = Geometry(stride, padding, dilation)
        for channels_last in (False, True):
            x, y = [np.moveaxis(numbers(2, *shape, c), -1, 1) if channels_last else numbers(2, c, *shape)
                    for c, shape in ((3, size), (4, into))]
            w, after, before = numbers(4, 3, *kernel), numbers(4) if b else None, numbers(3) if b else None
            yield conv.forward, [x, w, after], dict(into=into, geometry=geometry)
            yield conv_transpose.forward, [y, w, before], dict(into=size, geometry=geometry)
            yield conv_weight.forward, [x, y], dict(into=kernel, geometry=geometry)
            over = tuple([Windows(*each) for each in zip(kernel, stride, padding, dilation, into)])
            for z in (x, np.round(x), np.where(x > 1.8, np.nan, np.where(x > 1, np.inf, -np.inf))):     # with ties; and infinite
                best = inspect.unwrap(max_pool.forward)(z, windows=over)
                winner = inspect.unwrap(winners.forward)(z, best, windows=over)
                yield max_pool.forward, [z], dict(windows=over)
                yield winners.forward, [z, best], dict(windows=over)
                yield put_winners.forward, [best], dict(winner=winner, windows=over, into=x.shape)


CASES = {}                                                      # name of a kernel: (the function, operands, parameters), many
for maker in (optimizers, activations, cells, attentions, windows, norms, losses):
    for function, operands, params in maker():
        name = function.__qualname__.partition(".<locals>")[0].replace(".", "_")
        CASES.setdefault(name, []).append((function, operands, params))


def test_every_kernel_is_tried():
    assert sorted(CASES) == sorted(NAMES)


def moved(x, device, dtype):
    """x on the device, with the strides that it has."""
    if isinstance(x, (tuple, list)):
        return type(x)([moved(each, device, dtype) for each in x])
    if not isinstance(x, np.ndarray):
        return x
    x = x.astype(dtype) if x.dtype.kind == "f" else x
    spaced = np.zeros((*x.shape[::-1], 2), x.dtype)
    spaced[..., 0] = x.T
    return backend.to_device(spaced, device)[..., 0].T if x.flags.c_contiguous is False else backend.to_device(x.copy(), device)


def parts(out):
    """The arrays in what a function returned."""
    if isinstance(out, op.Kept):
        return [*parts(out.out), *[x for _, each in sorted(out.intermediates.items()) for x in parts(each)]]
    return [x for each in out for x in parts(each)] if isinstance(out, (tuple, list)) else [] if out is None else [out]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_is_its_function(name, dtype, device):
    if device != "cuda":
        pytest.skip("only CuPy compiles kernels")
    for function, operands, params in CASES[name]:
        function = inspect.unwrap(function)
        here, there = [[moved(x, where, dtype) for x in operands] for where in ("cpu", device)]
        arguments = {key: moved(x, device, dtype) for key, x in params.items()}
        kernel = backend.kernel_for(function, *there)
        assert kernel is not function
        with np.errstate(all="ignore"):
            expected = parts(function(*here, **{key: moved(x, "cpu", dtype) for key, x in params.items()}))
        found = parts(kernel(*there, **arguments))
        for x, y in zip([*expected, *parts(here)], [*found, *parts(there)], strict=True):
            assert y.dtype == x.dtype and x.dtype in (dtype, "uint8") and y.shape == x.shape
            tolerance = TOLERANCE[dtype][name in SUMS]
            largest = np.abs(x[np.isfinite(x)]).max(initial=1.0) if name in SUMS else 1.0
            np.testing.assert_allclose(y.get(), x, rtol=tolerance, atol=tolerance * largest, err_msg=f"{operands} {params}")


def test_other_types_go_the_ordinary_way(device):
    x = backend.to_device(np.ones(3, "float16"), device)
    y = backend.to_device(np.ones(3, "float32"), device)
    for operands in ([x, x, None], [x, y, None], [y, x, None]):
        assert backend.kernel_for(sgd.descend, *operands) is sgd.descend
        sgd.descend(*operands, 0.5, 0, 1, 0, False, False)
    assert backend.to_device(x, "cpu").tolist() == [0] * 3 and backend.to_device(y, "cpu").tolist() == [1] * 3
