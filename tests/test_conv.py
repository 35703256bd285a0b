"""Convolution next to PyTorch's, value and both orders of gradients; what it is by definition; and what it says of mistakes."""
import importlib
import itertools

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import nn, ops
from tinygrad_like.ops.windows import Geometry

CONV, STRIPS, WINDOWS = [importlib.import_module(f"tinygrad_like.ops.{name}") for name in ("conv", "strips", "windows")]
random = np.random.default_rng(0)
SIZE, KERNELS = (9, 8, 7), [(1, 1, 1), (3, 2, 2), (2, 3, 1)]


def by_definition(x, w, stride, padding, dilation, groups):
    """out_{n,o,p} = Σ_{c,k} x_{n,c,s·p+d·k-a} w_{o,c,k}, number by number, in two dimensions."""
    n, size, (o, per_group, *kernel) = len(x), x.shape[2:], w.shape
    s, a, d = stride, padding, dilation
    counts = [(size[i] + 2 * a[i] - d[i] * (kernel[i] - 1) - 1) // s[i] + 1 for i in range(2)]
    out = np.zeros((n, o, *counts))
    for i, j, p, q, c, k, m in itertools.product(*map(range, (n, o, *counts, per_group, *kernel))):
        y, z = s[0] * p + d[0] * k - a[0], s[1] * q + d[1] * m - a[1]
        if 0 <= y < size[0] and 0 <= z < size[1]:
            out[i, j, p, q] += x[i, j // (o // groups) * per_group + c, y, z] * w[j, c, k, m]
    return out


# ---- what it is -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("groups, before, after", [(1, 2, 3), (2, 4, 6), (4, 4, 4), (2, 2, 4)])
@pytest.mark.parametrize("stride, padding, dilation", [
    ((1, 1), (0, 0), (1, 1)), ((2, 1), (1, 2), (1, 2)), ((3, 2), (0, 1), (2, 1)),
])
def test_conv2d_is_its_formula(groups, before, after, stride, padding, dilation):
    x, w = random.standard_normal((2, before, 7, 6)), random.standard_normal((after, before // groups, 3, 2))
    out = F.conv2d(tl.tensor(x), tl.tensor(w), None, stride, padding, dilation, groups)
    np.testing.assert_allclose(out.numpy(), by_definition(x, w, stride, padding, dilation, groups), rtol=0, atol=1e-12)


def test_true_convolution_flips_the_kernel():
    """(f⋆g)(x) = Σ_y f(y) g(x-y) (SPEC F-05), where all of it is kept; and it does not matter which of the two is the kernel."""
    f, g = random.standard_normal(6), random.standard_normal(4)
    expected = [sum(f[y] * g[x - y] for y in range(6) if 0 <= x - y < 4) for x in range(9)]
    tensor_f, tensor_g = tl.tensor(f).view(1, 1, 6), tl.tensor(g).view(1, 1, 4)
    np.testing.assert_allclose(F.true_convolution(tensor_f, tensor_g, padding=3).numpy().reshape(-1), expected, atol=1e-14)
    np.testing.assert_allclose(F.true_convolution(tensor_g, tensor_f, padding=5).numpy().reshape(-1), expected, atol=1e-14)
    np.testing.assert_allclose(np.convolve(f, g), expected, atol=1e-14)
    assert not np.allclose(F.conv1d(tensor_f, tensor_g, padding=3).numpy().reshape(-1), expected)


def test_true_convolution_in_two_dimensions():
    x, w = tl.randn(2, 3, 6, 5, dtype=tl.float64), tl.randn(4, 3, 3, 2, dtype=tl.float64)
    expected = F.conv2d(x, w.flip(2, 3), None, 2, 1)
    np.testing.assert_array_equal(F.true_convolution(x, w, stride=2, padding=1).numpy(), expected.numpy())


@pytest.mark.parametrize("geometry", [Geometry((1, 1), (0, 0), (1, 1)), Geometry((2, 3), (1, 0), (1, 2)),
                                      Geometry((1, 2), (2, 1), (2, 1), 2), Geometry((2, 1), (1, 1), (1, 1), 4)])
def test_one_sum_of_products_in_three_letters(geometry):
    """T(x, w, y) by each of the three ops: Σ conv(x, w) y = Σ conv_transpose(y, w) x = Σ conv_weight(x, y) w."""
    size, kernel = (8, 7), (3, 2)
    positions = tuple([(n + 2 * a - d * (k - 1) - 1) // s + 1 for n, s, a, d, k in
                       zip(size, geometry.stride, geometry.padding, geometry.dilation, kernel)])
    x, w = random.standard_normal((2, 4, *size)), random.standard_normal((4, 4 // geometry.groups, *kernel))
    y = random.standard_normal((2, 4, *positions))
    t = (ops.conv(x, w, into=positions, geometry=geometry) * y).sum()
    np.testing.assert_allclose((ops.conv_transpose(y, w, into=size, geometry=geometry) * x).sum(), t, rtol=1e-12)
    np.testing.assert_allclose((ops.conv_weight(x, y, into=kernel, geometry=geometry) * w).sum(), t, rtol=1e-12)


def test_third_derivative():
    """d³/dx³ of Σ conv(x, w)³ is 6 w³ where a window is one pixel: any order is there."""
    x = tl.randn(1, 1, 4, 4, dtype=tl.float64, requires_grad=True)
    w = tl.full((1, 1, 1, 1), 1.5, dtype=tl.float64)
    y = (F.conv2d(x, w) ** 3).sum()
    for _ in range(3):
        y, = tl.autograd.grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.detach().numpy(), np.full((1, 1, 4, 4), 6 * 1.5 ** 3), rtol=1e-12)


# ---- memory -----------------------------------------------------------------------------------------------------
def parameters(dtype=tl.float64):
    return [tl.randn(5, 6, 9, 8, dtype=dtype), tl.randn(4, 6, 3, 3, dtype=dtype), tl.randn(4, dtype=dtype)]


LAYOUTS = {
    "channels last": lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "every second": lambda x: x.repeat_interleave(2, 3)[..., ::2],
    "backwards": lambda x: x.flip(2).flip(2),
    "samples last": lambda x: x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
    "one for all": lambda x: x[:1].expand(5, -1, -1, -1),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("arguments", [(1, 1), (2, 0), (1, 0), (2, 1, 2)])
def test_any_layout_of_memory(layout, arguments):
    x, w, b = parameters()
    x = x[:1].expand(5, -1, -1, -1).clone() if layout == "one for all" else x
    results = []
    for each in (x, LAYOUTS[layout](x)):
        each, w, b = each.detach().requires_grad_(), w.detach().requires_grad_(), b.detach().requires_grad_()
        out = F.conv2d(each, w, b, *arguments)
        out.backward(tl.sin(tl.arange(out.numel(), dtype=tl.float64)).view(out.shape))
        results.append([out.detach(), each.grad, w.grad, b.grad])
    for one, other in zip(*results):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-12)


def test_results_have_their_channels_last_in_memory():
    x, w, b = parameters()
    out = F.conv2d(x, w, b, padding=1)
    assert out.permute(0, 2, 3, 1).is_contiguous() and out.relu().permute(0, 2, 3, 1).is_contiguous()
    assert F.conv_transpose2d(out, w, stride=2).permute(0, 2, 3, 1).is_contiguous()


@pytest.mark.parametrize("bytes", [1, 3000, 20_000, 10**6])
@pytest.mark.parametrize("channels, groups", [(6, 1), (6, 2), (6, 6), (1, 1)])
def test_the_size_of_the_buffer_changes_nothing(monkeypatch, bytes, channels, groups):
    """Rows of a sample, samples, or all of them at a time; and with few channels in another order."""
    x, w = tl.randn(5, channels, 9, 8, dtype=tl.float64), tl.randn(6, channels // groups, 3, 2, dtype=tl.float64)
    y = tl.randn(5, 6, 4, 7, dtype=tl.float64)

    def all_three():
        a, b, c = [each.clone().requires_grad_() for each in (x, w, y)]
        out = F.conv2d(a, b, None, (2, 1), (0, 0), 1, groups)
        back = F.conv_transpose2d(c, b, None, (2, 1), 0, 0, groups)
        out.backward(tl.sin(out.detach()))
        return [out.detach(), a.grad, b.grad, back.detach()]

    expected = all_three()
    monkeypatch.setattr(WINDOWS, "cache_size", lambda like: bytes)
    for one, other in zip(all_three(), expected):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-12)


def ways(x, w, b, padding, groups=1):
    """A convolution and its gradients."""
    x, w, b = [each.clone().requires_grad_() for each in (x, w, b)]
    out = F.conv2d(x, w, b, padding=padding, groups=groups)
    out.backward(tl.sin(out.detach()))
    return [out.detach(), x.grad, w.grad, b.grad]


def noted(monkeypatch, names):
    """The set of those of the functions that are called."""
    used = set()

    def note(name, function):
        monkeypatch.setattr(CONV, name, lambda *args: (used.add(name), function(*args))[1])
    for name in names:
        note(name, getattr(CONV, name))
    return used


@pytest.mark.parametrize("size, kernel, padding", [
    ((8, 6), (3, 3), (1, 1)), ((7, 9), (3, 3), (1, 0)), ((5, 4), (3, 3), (0, 2)), ((9, 8), (3, 3), (2, 3)),
    ((6, 5), (3, 3), (5, 3)), ((9, 7), (2, 2), (1, 0)), ((9, 8), (4, 1), (2, 0)), ((8, 9), (5, 5), (2, 2)),
    ((8, 5), (3, 4), (1, 2)), ((12, 5), (5, 3), (0, 1)), ((8, 1), (3, 5), (1, 2)), ((8, 2), (3, 3), (1, 6)),
])
@pytest.mark.parametrize("bytes", [1, 20_000, 10**6])
@pytest.mark.parametrize("short, long, groups", [(99, 256, 1), (0, 256, 1), (0, 3, 1), (99, 256, 2)])
def test_strips_are_another_way_to_the_same(monkeypatch, size, kernel, padding, bytes, short, long, groups):
    x, w, b = [tl.randn(*shape, dtype=tl.float64) for shape in [(5, 4, *size), (6, 4 // groups, *kernel), (6,)]]
    used = noted(monkeypatch, ["conv_in_strips", "conv_weight_in_strips"])
    expected = ways(x, w, b, padding, groups)
    assert not used
    monkeypatch.setattr(WINDOWS, "cache_size", lambda x: bytes)
    for name, value in {"LEAST_CHANNELS": 1, "LEAST_PIXELS": 1, "SHORT": short, "LONG": long}.items():
        monkeypatch.setattr(STRIPS, name, value)
    for one, other in zip(ways(x, w, b, padding, groups), expected):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-12)
    assert used == {"conv_in_strips", "conv_weight_in_strips"}


def test_weights_as_they_lie_are_another_way_to_the_same(monkeypatch):
    x, w, b = parameters()
    used, make = [], CONV.matrices
    monkeypatch.setattr(CONV, "matrices", lambda *args: (used.append(args[2:]), make(*args))[1])
    expected = ways(x, w, b, 1)
    assert (True,) not in used
    monkeypatch.setattr(CONV, "few_pixels", lambda *args: True)
    for one, other in zip(ways(x, w, b, 1), expected):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=1e-12)
    assert (True,) in used


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_polynomials_take_fewer_products(length):
    """Σ_{j,k} d_{j+k} w_k y_j = Σ_i (D d)_i (W w)_i (Y y)_i, with a product for each number of d."""
    each = [matrix.astype(np.longdouble) for matrix in STRIPS.polynomials(length, np.dtype("float64"))]
    d, w, y = [random.standard_normal(matrix.shape[1]) for matrix in each]
    assert len(each[0]) == len(d) == len(w) + len(y) - 1
    expected = sum(d[j + k] * w[k] * y[j] for j in range(len(y)) for k in range(length))
    products = np.prod([matrix @ numbers for matrix, numbers in zip(each, (d, w, y))], axis=0)
    np.testing.assert_allclose(products.sum(), expected, rtol=1e-13)


def test_the_example_of_polynomials(monkeypatch):
    """Those of the docstring: four multiplications in place of six."""
    monkeypatch.setattr(STRIPS, "POINTS", (0, 1, -1))
    monkeypatch.setattr(STRIPS, "PRODUCTS", 4)
    sums, weights, results = STRIPS.polynomials.__wrapped__(3, np.dtype("float64"))
    d, w = sums @ [1, 2, 3, 4], weights @ [1, 2, 3]
    assert d.tolist() == [-2, 2.5, 0.5, 2] and w.tolist() == [1, 6, 2, 3]
    assert (results.T @ (d * w)).tolist() == [1*1 + 2*2 + 3*3, 2*1 + 3*2 + 4*3]


@pytest.mark.parametrize("kernel, channels", [(3, 16), (3, 32), (3, 64), (3, 256), (5, 16)])
def test_sums_before_products_cost_little_exactness(monkeypatch, kernel, channels):
    """float32 rounds more by way of sums than in one product of all windows: by about a factor of two at most."""
    used = noted(monkeypatch, ["conv_in_strips", "conv_weight_in_strips"])
    size, a = (16, channels, 12, 12), kernel // 2
    x, w, y = [tl.randn(*shape) for shape in [size, (channels, channels, kernel, kernel), size]]
    geometry, kernels = Geometry((1, 1), (a, a), (1, 1)), (kernel, kernel)

    def all_windows(x): return F.unfold(x, kernel, padding=a).movedim(1, 0).reshape(channels * kernel**2, -1)
    def pixels(y): return y.movedim(1, 0).reshape(channels, -1)

    for image in x, x.relu():
        seen = all_windows(image)
        for op, operands, into, plainly in [
            (ops.conv, (image, w), (12, 12), (w.reshape(channels, -1) @ seen).view(channels, 16, 12, 12).movedim(1, 0)),
            (ops.conv_weight, (image, y), kernels, (pixels(y) @ seen.T).view(w.shape)),
        ]:
            out, exact = [op(*each, into=into, geometry=geometry) for each in (operands, [x.double() for x in operands])]
            error, plain_error = [float(((each - exact)**2).mean() / (exact**2).mean())**0.5 for each in (out, plainly)]
            assert error < 2.5 * plain_error and error < 1e-6, (op, error, plain_error)
    assert len(used) == 2


def test_memory_stays_near_that_of_the_image():
    """A column buffer for all of a batch would take nine times the image.  Buffers are for a thread each."""
    import tracemalloc
    x, w = tl.randn(64, 16, 32, 32), tl.randn(16, 16, 3, 3)
    tracemalloc.start()
    out = F.conv2d(x, w, padding=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < out.array.nbytes + 2 * 2**20 * tl.get_num_threads()


@pytest.mark.parametrize("function, shape", [(F.conv2d, (4, 6, 3, 3)), (F.conv_transpose2d, (6, 4, 3, 3))])
def test_empty_batch(function, shape):
    x, w = tl.zeros(0, 6, 8, 8, requires_grad=True), tl.ones(shape, requires_grad=True)
    out = function(x, w, stride=2)
    out.sum().backward()
    assert out.shape[:2] == (0, 4) and x.grad.shape == x.shape and not w.grad.numpy().any()


def test_float32_is_as_exact_as_float32_is():
    x, w, b = [t.requires_grad_() for t in parameters(tl.float32)]
    exact = [t.detach().double().requires_grad_() for t in (x, w, b)]
    out, better = F.conv2d(x, w, b, padding=1), F.conv2d(*exact, padding=1)
    (out * out).sum().backward()
    (better * better).sum().backward()
    for one, other in [(out.detach(), better.detach()), *[(a.grad, b.grad) for a, b in zip((x, w, b), exact)]]:
        assert one.dtype is tl.float32
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=0, atol=3e-6 * float(other.abs().max()))


# ---- next to PyTorch --------------------------------------------------------------------------------------------
def geometries():
    """(dims, kernel, stride, padding, dilation, groups, channels before, after), thinned out."""
    found = itertools.product((1, 2, 3), KERNELS, [(1, 1, 1), (2, 1, 3)], [(0, 0, 0), (1, 2, 1)], [(1, 1, 1), (2, 1, 2)],
                              [(1, 3, 2), (2, 4, 6), (4, 4, 4), (2, 2, 6)])
    for i, (dims, *numbers, channels) in enumerate(found):
        if i % 3 == 0 or dims == 2:
            yield (dims, *[each[:dims] for each in numbers], *channels)


def slopes(module, out, *xs):
    """The gradients of Σ out² by the xs, and the gradients of Σ (those)²."""
    first = module.autograd.grad((out * out).sum(), xs, create_graph=True)
    second = module.autograd.grad(sum((g * g).sum() for g in first), xs)
    return [out, *first, *second]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def both(torch, arrays, call):
    """call(module, tensors) here and in PyTorch: its result and both orders of gradients are to be the same."""
    found = []
    for module in (tl, torch):
        xs = [module.tensor(a, requires_grad=True) for a in arrays]
        found.append([t.detach().numpy() for t in slopes(module, call(module, xs), *xs)])
    for name, mine, theirs in zip(["out", *["first"] * len(arrays), *["second"] * len(arrays)], *found):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype, name
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-11 * max(1, np.abs(theirs).max(initial=0)), err_msg=name)


@pytest.mark.parametrize("dims, kernel, stride, padding, dilation, groups, before, after", list(geometries()))
def test_conv(torch, dims, kernel, stride, padding, dilation, groups, before, after):
    arrays = [random.standard_normal(shape) for shape in ((2, before, *SIZE[:dims]), (after, before // groups, *kernel), (after,))]
    both(torch, arrays, lambda module, xs: getattr(module, f"conv{dims}d")(*xs, stride, padding, dilation, groups))


@pytest.mark.parametrize("dims, kernel, stride, padding, dilation, groups, before, after", list(geometries()))
def test_conv_transpose(torch, dims, kernel, stride, padding, dilation, groups, before, after):
    shapes = (2, before, *(4, 5, 3)[:dims]), (before, after // groups, *kernel), (after,)
    arrays = [random.standard_normal(shape) for shape in shapes]
    more = tuple([max(s, d) - 1 for s, d in zip(stride, dilation)])
    both(torch, arrays, lambda module, xs: getattr(module, f"conv_transpose{dims}d")(*xs, stride, padding, more, groups, dilation))


@pytest.mark.filterwarnings("ignore:Using padding")
@pytest.mark.parametrize("kernel, dilation", [((3, 3), 1), ((2, 4), 1), ((4, 3), (1, 2)), ((1, 2), 3)])
def test_same_padding(torch, kernel, dilation):
    arrays = [random.standard_normal(shape) for shape in ((2, 3, 7, 8), (4, 3, *kernel), (4,))]
    both(torch, arrays, lambda module, xs: module.nn.functional.conv2d(*xs, padding="same", dilation=dilation))
    both(torch, arrays, lambda module, xs: module.nn.functional.conv2d(*xs, padding="valid", dilation=dilation))


@pytest.mark.parametrize("name, shapes, arguments", [
    ("conv1d", [(3, 8), (4, 3, 3), (4,)], (2,)), ("conv2d", [(3, 8, 7), (4, 3, 3, 3), (4,)], (1, 1)),
    ("conv3d", [(2, 3, 4, 5), (3, 2, 2, 2, 2)], ()), ("conv_transpose2d", [(3, 4, 5), (3, 2, 3, 3), (2,)], (2, 1, 1)),
])
def test_one_example_without_a_batch(torch, name, shapes, arguments):
    arrays = [random.standard_normal(shape) for shape in shapes]
    both(torch, arrays, lambda module, xs: getattr(module.nn.functional, name)(*xs, *([None] if len(xs) == 2 else []), *arguments))


@pytest.mark.parametrize("shape", [(2, 3, 7, 8), (3, 7, 8)])
@pytest.mark.parametrize("arguments", [(2,), ((3, 2), 1, (1, 0), (2, 1)), (3, 2, 2, 3), ((1, 4), (1, 2), 0, 1)])
def test_unfold_and_fold(torch, shape, arguments):
    x = random.standard_normal(shape)
    both(torch, [x], lambda module, xs: module.nn.functional.unfold(xs[0], *arguments))
    columns = F.unfold(tl.tensor(x), *arguments).numpy()
    both(torch, [columns], lambda module, xs: module.nn.functional.fold(xs[0], (7, 8), *arguments))


def test_names_of_arguments(torch):
    same = pytest.importorskip("tests.same").same
    setup = "F = torch.nn.functional\nx, w, b = torch.ones(2, 4, 6, 6), torch.ones(4, 2, 3, 3), torch.ones(4)"
    for line in """
        F.conv2d(input=x, weight=w, bias=b, stride=(2, 1), padding=1, dilation=1, groups=2)     torch.conv2d(x, w, b, groups=2)
        torch.conv1d(x[0], w[0])    torch.conv3d(x, w[None, :, :, :, :].transpose(1, 2))
        F.conv_transpose2d(input=x, weight=w, bias=None, stride=2, padding=1, output_padding=1, groups=1, dilation=1)
        torch.conv_transpose1d(x[0], w[0, :, :1].expand(6, 2, 3))       F.conv2d(x, w, groups=2, stride=[2])
        F.unfold(input=x, kernel_size=2, dilation=1, padding=0, stride=2)   F.conv2d(x, w, groups=2, padding=[1, 0])
        F.fold(input=torch.ones(2, 8, 9), output_size=(6, 6), kernel_size=(2, 2), dilation=1, padding=0, stride=2)
        F.conv2d(x, w)      F.conv2d(x, w, groups=3)    F.conv2d(x, w, groups=0)    F.conv2d(x, w, b[:3], groups=2)
        F.conv2d(x, w, groups=2, padding="full")    F.conv2d(x, w, groups=2, padding="same", stride=2)      F.conv2d(x[0, 0], w)
        F.conv2d(x, w, groups=2, stride=0)      F.conv2d(x, w, groups=2, padding=-1)    F.conv2d(x[..., :2], w, groups=2)
        F.conv2d(x, w, groups=2, stride=(1, 1, 1))  F.conv2d(x, w, groups=2, dilation=0)    F.conv2d(x.int(), w, groups=2)
        F.conv2d(x, w[0], groups=2)     F.conv_transpose2d(x, w, output_padding=1)      F.conv_transpose2d(x[:, :3], w)
        F.unfold(x, 7)      F.fold(torch.ones(2, 8, 9), (7, 6), 2)      F.fold(torch.ones(2, 7, 9), (6, 6), 2, stride=2)
        torch.nn.Conv2d(4, 6, 3, groups=4)      torch.nn.Conv2d(4, 6, 3, padding="full")    torch.nn.Conv2d(4, 4, 3, groups=0)
        torch.nn.Conv2d(4, 6, 3, 2, padding="same")     torch.nn.Conv2d(4, 6, 3, padding_mode="mirror")
        torch.nn.ConvTranspose2d(4, 6, 3, padding_mode="reflect")       torch.nn.ConvTranspose2d(4, 6, 3, 2)(x, (99, 99))
        torch.nn.ConvTranspose2d(4, 6, 3, 2)(x, output_size=(2, 6, 14, 13)).shape   torch.nn.ConvTranspose2d(4, 6, 3, 2)(x, (14,))
    """.split("  "):
        if line.strip():
            same(line.strip(), setup)


def test_parameters_start_as_pytorchs(torch):
    """The same bounds, and the same spread."""
    tl.manual_seed(0)
    torch.manual_seed(0)
    for make in ("Conv2d(8, 16, 3)", "Conv2d(8, 16, 3, groups=4)", "ConvTranspose2d(8, 16, (2, 3))", "Conv1d(64, 32, 5)"):
        mine, theirs = eval(f"nn.{make}"), eval(f"torch.nn.{make}", {"torch": torch})
        for one, other in zip(mine.parameters(), theirs.parameters()):
            one, other = one.detach().numpy(), other.detach().numpy()
            bound = 1 / np.sqrt(np.prod(mine.weight.shape[1:]))
            assert np.abs(one).max() <= bound and np.abs(other).max() <= bound
            if one.size > 100:
                np.testing.assert_allclose(np.abs(one).max(), bound, rtol=0.1)
                np.testing.assert_allclose(one.std(), other.std(), rtol=0.2)


# ---- mistakes ---------------------------------------------------------------------------------------------------
x, w = tl.zeros(2, 3, 8, 8), tl.zeros(4, 3, 3, 3)

MISTAKES = [
    (lambda: F.conv2d(x.permute(0, 2, 3, 1), w), "(2, 8, 8, 3) has 8 channels (axis 1)", "wants 3", "input.permute(0, 3, 1, 2)"),
    (lambda: F.conv2d(x[0].permute(1, 2, 0), w), "axis 0", "input.permute(2, 0, 1)"),
    (lambda: F.conv2d(x[:, 0], w[:, :1]), "unsqueeze(1)"),
    (lambda: F.conv2d(x[0, 0], w[:, :1]), "(8, 8), which has 2 dims", "unsqueeze(0)"),
    (lambda: F.conv2d(x[:, :1], w), "has 1 channel (axis 1)", "input.expand(-1, 3, -1, -1)"),
    (lambda: F.conv2d(tl.zeros(2, 4, 8, 8), w), "input[:, :3]"),
    (lambda: F.conv2d(x.to(tl.uint8), w), "uint8", "input.float() / 255"),
    (lambda: F.conv2d(x[..., :2, :], w), "axis 2 (H)", "covers 3, and there are 2"),
    (lambda: F.conv2d(x, w, dilation=5, padding=1), "covers 11, and there are 8, with padding 10"),
    (lambda: F.conv2d(x, w, groups=3), "groups=3 does not divide the 4 output channels"),
    (lambda: F.conv2d(x, w[:, :2]), "has 3 channels (axis 1), and weight (4, 2, 3, 3) wants 2"),
    (lambda: F.conv2d(x, w, tl.zeros(3)), "makes 4 channels, so bias has shape (4,), got (3,)"),
    (lambda: F.conv2d(x, w, padding="same", stride=2), "stride=2", "stride 1"),
    (lambda: F.conv2d(x, np.zeros((4, 3, 3, 3))), "weight is a Tensor, got ndarray"),
    (lambda: F.conv_transpose2d(x, w[:3], output_padding=1), "below stride or dilation"),
    (lambda: F.conv_transpose2d(x, w), "has 3 channels (axis 1)", "wants 4"),
    (lambda: F.fold(tl.zeros(2, 8, 9), (7, 7), 2, stride=3), "2 · 2 = 4 windows", "axis 2 is 9"),
    (lambda: nn.Conv2d(3, 4.0, 3), "out_channels is an integer, got 4.0"),
    (lambda: nn.Conv2d(3, 4, 3, groups=3), "groups=3", "out_channels=4"),
    (lambda: nn.ConvTranspose2d(3, 4, 3, padding="same"), "numbers"),
    (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3))(x), "(2, 4, 6, 6) has 4 channels", "[1]"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake[1])
def test_mistakes_are_explained(mistake):
    call, *words = mistake
    with pytest.raises((ValueError, TypeError)) as error:
        call()
    for word in words:
        assert word in str(error.value)
