"""Pooling: windows of every kind against the definition and against PyTorch; ties, NaN and borders; both memory layouts; errors."""
import itertools
import math

import numpy as np
import pytest

import tinygrad_like as tg
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, nn, ops
from tinygrad_like.ops.pool import Windows

random = np.random.default_rng(0)
SHAPES = {1: (2, 3, 7), 2: (2, 2, 7, 6), 3: (1, 2, 5, 4, 5)}


def with_ties(shape):
    return random.integers(0, 4, shape) + 0.25 * random.integers(0, 2, shape)


# ---- by definition ----------------------------------------------------------------------------------------------
def by_hand(x, windows, choose):
    """choose(the elements of the window, where they are) for each window of a 2-d x."""
    rows, columns = windows
    out = np.empty((rows.count, columns.count))
    for i, j in np.ndindex(out.shape):
        places = [(rows.stride * i + rows.dilation * a - rows.padding, columns.stride * j + columns.dilation * b - columns.padding)
                  for a, b in np.ndindex(rows.size, columns.size)]
        out[i, j] = choose([x[p] if 0 <= p[0] < x.shape[0] and 0 <= p[1] < x.shape[1] else None for p in places])
    return out


WINDOWS = [(Windows(2, 2, 0, 1, 3), Windows(2, 2, 0, 1, 2)), (Windows(3, 2, 1, 1, 3), Windows(3, 1, 1, 1, 5)),
           (Windows(2, 3, 1, 1, 2), Windows(1, 2, 0, 1, 3)), (Windows(3, 1, 1, 2, 4), Windows(2, 2, 1, 3, 2))]


@pytest.mark.parametrize("windows", WINDOWS)
def test_the_largest_and_the_mean_of_each_window(windows):
    x = with_ties((6, 5))
    largest = by_hand(x, windows, lambda found: max(v for v in found if v is not None))
    np.testing.assert_array_equal(ops.max_pool(x, windows=windows), largest)
    sums = by_hand(x, windows, lambda found: sum(v for v in found if v is not None))
    np.testing.assert_allclose(ops.avg_pool(x, windows=windows, divisor=1), sums)


@pytest.mark.parametrize("windows", WINDOWS)
def test_the_first_of_the_largest_wins(windows):
    x = with_ties((6, 5))
    first = by_hand(x, windows, lambda found: [v is not None and v == max(v for v in found if v is not None)
                                               for v in found].index(True))
    largest = ops.max_pool(x, windows=windows)
    np.testing.assert_array_equal(ops.winners(x, largest, windows=windows), first)
    places = ops.winner_places(x, largest, windows=windows)
    np.testing.assert_array_equal(x.reshape(-1)[places], largest)


def test_a_largest_of_many_elements():
    """Above 255 elements a window, who won does not fit into a byte."""
    x = random.permutation(40 * 30).astype("float64")[None].reshape(1, 40, 30)
    t = tg.tensor(x, requires_grad=True)
    out, places = F.max_pool2d(t, (20, 15), stride=(10, 5), return_indices=True)
    assert np.array_equal(x.reshape(-1)[places.numpy()], out.detach().numpy())
    out.sum().backward()
    assert np.array_equal(t.grad.numpy().reshape(-1), np.bincount(places.numpy().reshape(-1), minlength=1200))


def test_the_formula_of_the_article():
    """SPEC F-06: h(x) = max over y in Ω of g(x - y); pooling with stride 1 takes the same maximum, Ω being {p, p - 1, …}."""
    g = random.standard_normal(9)
    out = F.max_pool1d(tg.tensor(g)[None], 3, stride=1, padding=1)[0].numpy()
    h = [max(g[x - y] for y in (1, 0, -1) if 0 <= x - y < 9) for x in range(9)]
    assert np.array_equal(out, np.float32(h)) or np.array_equal(out, h)


def test_ties_give_the_whole_gradient_to_the_first():
    x = tg.zeros(1, 4, 4, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert np.array_equal(x.grad.numpy()[0], np.kron(np.ones((2, 2)), [[1, 0], [0, 0]]))


def test_overlapping_windows_add_up():
    x = tg.tensor([[0.0, 1.0, 5.0, 2.0, 0.0]], requires_grad=True)
    F.max_pool1d(x, 3, stride=1).sum().backward()
    assert x.grad.tolist() == [[0, 0, 3, 0, 0]]


def test_infinite_gradients_stay_with_the_winner():
    x = tg.tensor([[1.0, 2.0, 4.0, 3.0]], requires_grad=True)
    F.max_pool1d(x, 2).backward(tg.tensor([[math.inf, math.nan]]))
    assert x.grad.tolist()[0][:2] == [0, math.inf] and x.grad.tolist()[0][3] == 0 and math.isnan(x.grad.tolist()[0][2])


@pytest.mark.parametrize("kernel, stride", [(2, 2), (3, 1), (4, 4), ((1, 4), None)])
def test_nan_is_larger_than_all(kernel, stride):
    x = with_ties((1, 4, 4))
    x[0, 1, 2] = np.nan
    t = tg.tensor(x, requires_grad=True)
    out, places = F.max_pool2d(t, kernel, stride, return_indices=True)
    nan = np.isnan(out.detach().numpy())
    assert nan.any() and (places.numpy()[nan] == 6).all()
    out.backward(tg.ones_like(out))
    assert t.grad.numpy()[0, 1, 2] == nan.sum()


def test_minus_infinity_is_pooled_like_any_number():
    out, places = F.max_pool2d(tg.full((1, 4, 4), -math.inf), 3, 2, 1, return_indices=True)
    assert (out == -math.inf).all() and places.tolist() == [[[0, 1], [4, 5]]]


def test_integers_have_a_largest_too():
    x = tg.tensor(random.integers(-9, 9, (1, 5, 5)))
    out, places = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    assert out.dtype == tg.int64 and np.array_equal(out.numpy(), x.numpy().reshape(-1)[places.numpy()])


@pytest.mark.parametrize("pool", [
    lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 3, 1, 1), lambda x: F.adaptive_avg_pool2d(x, 1),
    lambda x: F.adaptive_max_pool2d(x, 3), lambda x: F.adaptive_avg_pool2d(x, (2, 3))])
def test_an_empty_batch(pool):
    x = tg.zeros(0, 3, 4, 4, requires_grad=True)
    out = pool(x)
    out.sum().backward()
    assert out.shape == (0,) + pool(tg.zeros(1, 3, 4, 4)).shape[1:] and x.grad.shape == (0, 3, 4, 4)


def test_unpooling_puts_back_what_was_largest():
    x = tg.tensor(random.permutation(36).reshape(1, 6, 6) + 1.0)
    out, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(out, places, 2)
    assert ((back == x) | (back == 0)).all() and (back != 0).sum() == 9
    assert np.array_equal(F.max_pool2d(back, 2).numpy(), out.numpy())


# ---- in memory --------------------------------------------------------------------------------------------------
def channels_last(x):
    """The same array, with the channels next to each other."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)).transpose((0, x.ndim - 1) + tuple(range(1, x.ndim - 1)))


@pytest.mark.parametrize("call", [
    "max_pool2d(x, 2)", "max_pool2d(x, 3, 2, 1)", "max_pool2d(x, (6, 8))", "avg_pool2d(x, 2)",
    "avg_pool2d(x, 3, 1, 1, count_include_pad=False)", "adaptive_avg_pool2d(x, 1)", "adaptive_avg_pool2d(x, (4, 3))",
    "adaptive_max_pool2d(x, (4, 3))", "lp_pool2d(x, 2, 2)"])
def test_both_layouts_give_the_same(call):
    x, found = random.standard_normal((2, 5, 6, 8)).astype("float32"), []
    for image in x, channels_last(x):
        t = tg.from_numpy(image).requires_grad_()
        assert t.array.strides == image.strides
        out = eval(f"F.{call}", {"F": F, "x": t})
        (out * out).sum().backward()
        assert out.array.dtype == t.grad.array.dtype == "float32"
        found.append((out.array, t.grad.array))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op, params", [
    (ops.max_pool, {"windows": (Windows(2, 2, 0, 1, 3), Windows(2, 2, 0, 1, 4))}),
    (ops.max_pool, {"windows": (Windows(3, 2, 1, 1, 3), Windows(3, 2, 1, 1, 4))}),
    (ops.avg_pool, {"windows": (Windows(2, 2, 0, 1, 3), Windows(2, 2, 0, 1, 4))}),
    (ops.avg_spread, {"windows": (Windows(2, 2, 0, 1, 6), Windows(3, 3, 0, 1, 8)), "into": (2, 5, 12, 24)}),
    (ops.resample, {"matrix": random.standard_normal((4, 6)), "axis": 2}),
    (ops.nearest, {"indices": np.array([0, 3, 3]), "axis": 3})])
def test_the_layout_of_the_input_is_kept(op, params):
    x = random.standard_normal((2, 5, 6, 8))
    for image in x, channels_last(x):
        out = op(image, **params)
        into = np.argsort([-s for s in image.strides])
        assert np.array_equal(np.argsort([-s for s in out.strides]), into)
        derivative = {ops.max_pool: lambda: ops.put_winners(out, winner=ops.winners(image, out, **params), into=x.shape, **params),
                      ops.avg_pool: lambda: ops.avg_spread(out, into=x.shape, **params)}.get(op)
        if derivative:
            assert np.array_equal(np.argsort([-s for s in derivative().strides]), into)


# ---- errors -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, words", [
    ("F.max_pool2d(x, 5)", ["max_pool2d", "covers 5 elements of axis 2", "(2, 3, 4, 6)", "has 4", "(5, 5)"]),
    ("F.max_pool2d(x, 3, dilation=2, padding=0)", ["covers 5 elements of axis 2"]),
    ("F.max_pool2d(x, 2, padding=2)", ["padding 2", "more than half", "At most 1"]),
    ("F.max_pool2d(x, 2, stride=0)", ["at least 1", "stride=(0, 0)"]),
    ("F.avg_pool2d(x[0, 0], 2)", ["(C, H, W) or (N, C, H, W)", "(4, 6)", "unsqueeze(0)"]),
    ("F.avg_pool2d(x, (2, 2, 2))", ["kernel_size", "2 dims", "(2, 2, 2)"]),
    ("F.avg_pool2d(x, 2, divisor_override=0)", ["divisor_override"]),
    ("F.adaptive_avg_pool2d(x, (1, 2, 3))", ["output_size", "(1, 2, 3)"]),
    ("F.adaptive_max_pool2d(x, -1)", ["output_size", "-1"]),
    ("F.max_pool2d(x[:, :0], 2)", ["(2, 0, 4, 6)", "empty"]),
    ("F.max_unpool2d(x, tg.zeros(2, 3, 4, 5, dtype=tg.int64), 2)", ["(2, 3, 4, 6)", "(2, 3, 4, 5)"]),
    ("F.max_unpool2d(x, tg.full((2, 3, 4, 6), 96, dtype=tg.int64), 2)", ["96", "(0, 0, 0, 0)"]),
    ("F.max_unpool2d(x, tg.zeros(2, 3, 4, 6, dtype=tg.int64), 2, output_size=(8, 14))", ["(4, 6)", "[8, 14]"]),
    ("nn.ZeroPad2d((1, 2, 3))", ["ZeroPad2d", "4 of them", "(1, 2, 3)"]),
    ("nn.ReflectionPad2d(1)(x[0, 0])", ["ReflectionPad2d", "3D or 4D", "(4, 6)"]),
])
def test_errors_say_what_is_wrong(line, words):
    with pytest.raises((ValueError, IndexError)) as error:
        eval(line, {"F": F, "nn": nn, "tg": tg, "x": tg.zeros(2, 3, 4, 6)})
    assert isinstance(error.value, (errors.ShapeError, errors.WrongValue, errors.OutOfRange))
    for word in words:
        assert word in str(error.value)


def test_unpooling_wants_the_indices_of_pooling():
    with pytest.raises(TypeError, match="return_indices=True"):
        F.max_unpool1d(tg.zeros(1, 1, 2), tg.zeros(1, 1, 2), 2)


def test_too_much_pooling_names_the_layer():
    net = nn.Sequential(nn.MaxPool2d(2), nn.MaxPool2d(2), nn.MaxPool2d(2))
    with pytest.raises(errors.ShapeError, match=r"(?s)fewer poolings.*2"):
        net(tg.zeros(1, 1, 4, 4))


# ---- against PyTorch --------------------------------------------------------------------------------------------
def compare(function, *arguments, shape):
    """Values, indices, first and second derivatives of one call, here and in PyTorch; or the kind of its error."""
    torch = pytest.importorskip("torch")
    x, v, u = with_ties(shape), None, random.standard_normal(shape)
    results, numbers = [], []
    for module, functions in ((torch, torch.nn.functional), (tg, F)):
        t = module.tensor(x, requires_grad=True)
        try:
            found = getattr(functions, function)(t, *arguments)
        except Exception as error:
            results.append(error)
            continue
        out, indices = found if isinstance(found, tuple) else (found, None)
        if v is None:
            v = random.standard_normal(tuple(out.shape))
        w = module.tensor(v, requires_grad=True)
        first, = module.autograd.grad(out, t, w, create_graph=True)
        second, = module.autograd.grad(first, w, module.tensor(u))
        results.append(out)
        numbers.append([a.detach().numpy() for a in (out, first, second)] + ([] if indices is None else [indices.numpy()]))
    theirs, ours = results
    if isinstance(theirs, Exception):
        assert isinstance(ours, type(theirs)), (arguments, theirs, ours)
        return
    assert not isinstance(ours, Exception), (arguments, ours)
    for a, b in zip(*numbers):
        np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-9, err_msg=str((function, arguments)))


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_pool_as_pytorch(dims):
    for k, s, p, d, ceil in itertools.product((1, 2, 3), (None, 1, 3), (0, 1), (1, 2), (False, True)):
        compare(f"max_pool{dims}d", k, s, p, d, ceil, True, shape=SHAPES[dims])


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_avg_pool_as_pytorch(dims):
    for k, s, p, ceil, counted in itertools.product((1, 2, 3), (None, 1, 3), (0, 1), (False, True), (False, True)):
        compare(f"avg_pool{dims}d", k, s, p, ceil, counted, *[3] * (dims > 1 and s == 1), shape=SHAPES[dims])


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("shape", ["batch", "single"])
def test_adaptive_pooling_as_pytorch(dims, shape):
    shape = SHAPES[dims][shape == "single":]
    for size in (1, 2, 3, 5, (None, 2, 3)[3 - dims:], (7, 3, 5)[:dims], (9, 2, 8)[:dims]):
        compare(f"adaptive_max_pool{dims}d", size, True, shape=shape)
        compare(f"adaptive_avg_pool{dims}d", size, shape=shape)


LINES = """
F.max_pool2d(x, 2)
F.max_pool2d(x, kernel_size=3, stride=(2, 1), padding=1, dilation=1, ceil_mode=True)
F.max_pool2d(x[0], [2, 3], [])
F.max_pool2d(x, (2,))
F.max_pool2d(input=x, kernel_size=2, return_indices=True)
F.max_pool2d_with_indices(x, 2)
F.max_pool1d_with_indices(x[0], 2, return_indices=False)
F.max_pool2d(x, 2.0)
F.max_pool2d(x, 9)
F.max_pool2d(x, 0)
F.max_pool2d(x, 2, 0)
F.max_pool2d(x, 2, padding=2)
F.max_pool2d(x, 2, padding=-1)
F.max_pool2d(x, 2, dilation=0)
F.max_pool2d(x[0, 0], 2)
F.max_pool1d(x[0, 0], 2)
F.max_pool1d(x, 2)
F.max_pool3d(x, 2)
F.max_pool3d(x, (2, 1, 3), (1, 2, 2))
F.max_pool2d(x[:0], 2)
F.max_pool2d(x[:, :0], 2)
F.max_pool2d(x.float(), 2)
F.avg_pool2d(x.float(), 3, 1, 1)
F.avg_pool2d(x, kernel_size=2, stride=1, padding=1, ceil_mode=False, count_include_pad=False, divisor_override=None)
F.avg_pool2d(x, 2, divisor_override=0)
F.avg_pool2d(x, 2, divisor_override=-2)
F.avg_pool2d(x, 2, padding=2)
F.avg_pool1d(x[0], 2, count_include_pad=False)
F.avg_pool1d(x, 2)
F.avg_pool2d(x[:0], 2)
F.adaptive_avg_pool2d(x, (None, 1))
F.adaptive_avg_pool2d(x, 0)
F.adaptive_avg_pool2d(x, -1)
F.adaptive_avg_pool2d(x, (1, 2, 3))
F.adaptive_avg_pool1d(x, 2)
F.adaptive_max_pool2d(x, (2, 3), return_indices=True)
F.adaptive_max_pool2d_with_indices(x, 3)
F.lp_pool1d(x[0], 2, 3)
F.lp_pool2d(x, 2, 2, 1)
F.lp_pool2d(x.abs(), 3.0, (2, 1), ceil_mode=True)
F.lp_pool2d(x, norm_type=1, kernel_size=2)
F.lp_pool3d(x, 2, 2)
F.max_unpool2d(x[:, :, :2, :2], i, 2)
F.max_unpool2d(x[:, :, :2, :2], i, 2, output_size=(5, 4))
F.max_unpool2d(x[:, :, :2, :2], i, 2, output_size=(2, 3, 4, 5))
F.max_unpool2d(x[0, :, :2, :2], i[0], [2, 2], [2, 2], [0, 0])
F.max_unpool2d(x[:, :, :2, :2], i, 2, output_size=(6, 4))
F.max_unpool2d(x[:, :, :2, :2], i + 90, 2)
F.max_unpool2d(x[:, :, :2, :2], i.int(), 2)
F.max_unpool2d(x, i, 2)
F.max_unpool1d(x[0, :, 0, :2], i[0, :, 0], 2)
F.max_unpool3d(x[:, :, :2, :2], i, (1, 2, 2))
""".strip().splitlines()
SETUP = """F = torch.nn.functional
x = torch.tensor(np.random.default_rng(0).standard_normal((2, 3, 5, 6)))
i = torch.tensor([[[[0, 3], [9, 15]]] * 3] * 2)"""


@pytest.mark.parametrize("line", LINES)
def test_as_pytorch(line):
    pytest.importorskip("tests.same").same(line, SETUP)
