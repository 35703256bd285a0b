"""Images resized, rearranged and sampled: by definition, against PyTorch, in both memory layouts; what is refused."""
import itertools

import numpy as np
import pytest

import tinygrad_like as tg
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, ops
from tinygrad_like.ops import resize

random = np.random.default_rng(0)


# ---- by definition ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("weights", [resize.linear_weights, resize.cubic_weights])
@pytest.mark.parametrize("n, count, aligned", [(5, 9, False), (5, 9, True), (4, 2, False), (3, 3, False), (1, 4, False),
                                               (2, 1, True)])
def test_weights_sum_to_one_and_are_symmetric(weights, n, count, aligned):
    a = weights(n, count, n / count, aligned)
    np.testing.assert_allclose(a.sum(axis=1), 1)
    if not (aligned and count == 1):
        np.testing.assert_allclose(a, a[::-1, ::-1], atol=1e-12)


def test_a_straight_line_stays_one():
    line = np.arange(7.0)
    np.testing.assert_allclose(resize.linear_weights(7, 13, 7 / 13, True) @ line, np.linspace(0, 6, 13))


@pytest.mark.parametrize("weights", [resize.linear_weights, resize.cubic_weights])
def test_old_pixels_stay_where_corners_are_aligned(weights):
    np.testing.assert_allclose(weights(5, 9, None, True)[::2], np.eye(5), atol=1e-12)


def test_nearest_repeats_pixels():
    x = random.standard_normal((2, 3, 2, 4))
    out = F.interpolate(tg.tensor(x), scale_factor=(3, 2))
    assert np.array_equal(out.numpy(), x.repeat(3, axis=2).repeat(2, axis=3))


def test_area_means():
    x = random.standard_normal((1, 2, 6, 4))
    np.testing.assert_allclose(F.interpolate(tg.tensor(x), size=(2, 2), mode="area").numpy(),
                               x.reshape(1, 2, 2, 3, 2, 2).mean(axis=(3, 5)))


def test_integers_can_be_repeated_and_not_mixed():
    x = tg.arange(6).reshape(1, 1, 2, 3)
    assert F.interpolate(x, scale_factor=2).dtype == tg.int64
    with pytest.raises(errors.WrongType, match=r"bilinear.*int64.*x\.float\(\)"):
        F.interpolate(x, scale_factor=2, mode="bilinear")


def test_pixels_are_shuffled_and_back():
    x = tg.arange(2 * 12 * 3 * 2).reshape(2, 12, 3, 2)
    out = F.pixel_shuffle(x, 2)
    assert out.shape == (2, 3, 6, 4) and out[1, 2, 4, 3] == x[1, 2 * 4 + 0 * 2 + 1, 2, 1]
    assert (F.pixel_unshuffle(out, 2) == x).all()
    assert F.channel_shuffle(x, 3)[0, :, 0, 0].tolist() == [6 * c for c in (0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11)]
    assert (F.channel_shuffle(F.channel_shuffle(x, 3), 4) == x).all()


def test_the_identity_map_samples_the_image_itself():
    x = tg.tensor(random.standard_normal((2, 3, 4, 5)))
    theta = tg.tensor(np.array([[[1.0, 0, 0], [0, 1, 0]]] * 2))
    for aligned in True, False:
        grid = F.affine_grid(theta, [2, 3, 4, 5], align_corners=aligned)
        np.testing.assert_allclose(F.grid_sample(x, grid, align_corners=aligned).numpy(), x.numpy(), atol=1e-12)


def test_a_turn_by_a_quarter():
    x = tg.tensor(random.standard_normal((1, 2, 4, 4)))
    turn = tg.tensor([[[0.0, -1, 0], [1, 0, 0]]], dtype=tg.float64)
    out = F.grid_sample(x, F.affine_grid(turn, (1, 2, 4, 4), False), mode="nearest", align_corners=False)
    assert np.array_equal(out.numpy(), np.rot90(x.numpy(), axes=(2, 3)))


@pytest.mark.parametrize("call", ["interpolate(x, size=(6, 8))", "interpolate(x, size=(5, 7))", "pixel_shuffle(x, 2)",
                                  "interpolate(x, size=(7, 9), mode='bilinear')", "interpolate(x, size=(2, 3), mode='bicubic')"])
def test_both_layouts_give_the_same_in_float32(call):
    x, found = random.standard_normal((2, 4, 3, 4)).astype("float32"), []
    for image in x, np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2):
        t = tg.from_numpy(image).requires_grad_()
        out = eval(f"F.{call}", {"F": F, "x": t})
        (out * out).sum().backward()
        assert out.array.dtype == t.grad.array.dtype == "float32"
        found.append((out.array, t.grad.array))
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_an_empty_batch():
    x = tg.zeros(0, 4, 3, 3, requires_grad=True)
    for out in (F.interpolate(x, scale_factor=2), F.interpolate(x, size=5, mode="bilinear"), F.interpolate(x, size=5),
                F.interpolate(x, size=2, mode="area"), F.pixel_shuffle(x, 2), F.channel_shuffle(x, 2)):
        assert out.shape[0] == 0
        out.sum().backward()
    assert x.grad.shape == x.shape


# ---- errors -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, kind, words", [
    ("F.interpolate(x, scale_factor=2, mode='nearest', antialias=True)", ValueError, ["antialias=True", "nearest", "area"]),
    ("F.interpolate(x[0], 3, mode='bilinear')", NotImplementedError, ["3D", "(4, 3, 3)", "4D", "unsqueeze(0)"]),
    ("F.interpolate(x)", ValueError, ["size or scale_factor", "neither"]),
    ("F.interpolate(x, 3, 2)", ValueError, ["both"]),
    ("F.interpolate(x, (3, 3, 3))", ValueError, ["size", "(2, 4, 3, 3)", "(3, 3, 3)"]),
    ("F.interpolate(x, scale_factor=0.1)", errors.ShapeError, ["(2, 4, 3, 3)", "(0, 0)"]),
    ("F.interpolate(x, 4, align_corners=True)", ValueError, ["align_corners", "'nearest'"]),
    ("F.pixel_shuffle(x, 3)", errors.ShapeError, ["(2, 4, 3, 3)", "4 channels (axis -3)", "= 9"]),
    ("F.pixel_unshuffle(x, 2)", errors.ShapeError, ["3 high", "downscale_factor 2"]),
    ("F.pixel_shuffle(x, 0)", errors.WrongValue, ["upscale_factor", "at least 1"]),
    ("F.channel_shuffle(x, 3)", errors.ShapeError, ["4 channels (axis 1)", "3 groups"]),
    ("F.grid_sample(x, x, mode='bicubic')", NotImplementedError, ["'bicubic'"]),
    ("F.grid_sample(x, x, align_corners=False)", errors.ShapeError, ["(N, H', W', 2)", "(2, 4, 3, 3)"]),
    ("F.affine_grid(x[0], (2, 3, 4, 4))", errors.ShapeError, ["(2, 2, 3)", "(4, 3, 3)"]),
])
def test_errors_say_what_is_wrong(line, kind, words):
    with pytest.raises(kind) as error:
        eval(line, {"F": F, "x": tg.zeros(2, 4, 3, 3)})
    for word in words:
        assert word in str(error.value)


# ---- against PyTorch --------------------------------------------------------------------------------------------
def compare(call, *arrays, second=True):
    """Values, first and (for those linear in their first input) second derivatives of call(F, *tensors), here and in PyTorch."""
    torch = pytest.importorskip("torch")
    v, found = None, []
    u = [random.standard_normal(x.shape) for x in arrays]
    for module, functions in ((torch, torch.nn.functional), (tg, F)):
        xs = [module.tensor(x, requires_grad=True) for x in arrays]
        out = call(functions, *xs)
        v = random.standard_normal(tuple(out.shape)) if v is None else v
        w = module.tensor(v, requires_grad=True)
        first = module.autograd.grad(out, xs, w, create_graph=second)
        numbers = [out, *first]
        if second:
            total = sum([(a * module.tensor(b)).sum() for a, b in zip(first, u)])
            numbers += module.autograd.grad(total, [w])
        found.append([x.detach().numpy() for x in numbers])
    for a, b in zip(*found):
        np.testing.assert_allclose(b, a, rtol=1e-8, atol=1e-8)


MODES = [(1, "linear"), (2, "bilinear"), (2, "bicubic"), (3, "trilinear"),
         *itertools.product((1, 2, 3), ("nearest", "nearest-exact", "area"))]
HOW = [{"size": 7}, {"size": 1}, {"size": (10, 2, 4)}, {"size": (5, 4, 3)}, {"scale_factor": 2}, {"scale_factor": 3.0},
       {"scale_factor": 1.7}, {"scale_factor": 0.6}, {"scale_factor": (2, 1.5, 3)},
       {"scale_factor": 1.7, "recompute_scale_factor": True}]


@pytest.mark.parametrize("dims, mode", MODES)
def test_interpolate_as_pytorch(dims, mode):
    x = random.standard_normal((2, 2) + (5, 4, 3)[:dims])
    for how, aligned in itertools.product(HOW, (None, True, False) if mode.endswith(("linear", "cubic")) else (None,)):
        how = {name: value[:dims] if isinstance(value, tuple) else value for name, value in how.items()}
        compare(lambda f, t: f.interpolate(t, mode=mode, align_corners=aligned, **how), x)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("aligned", [None, True, False])
def test_interpolate_without_aliasing_as_pytorch(mode, aligned):
    x = random.standard_normal((2, 1, 11, 7))
    for how in ({"size": (5, 7)}, {"size": (1, 1)}, {"size": (3, 20)}, {"scale_factor": (0.37, 1.7)},
                {"scale_factor": 0.4, "recompute_scale_factor": True}):
        compare(lambda f, t: f.interpolate(t, mode=mode, align_corners=aligned, antialias=True, **how), x)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("border", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [True, False])
def test_grid_sample_as_pytorch(dims, mode, border, aligned):
    x = random.standard_normal((2, 3) + (4, 3, 5)[:dims])
    grid = random.uniform(-1.8, 1.8, (2,) + (3, 2, 2)[:dims] + (dims,))
    compare(lambda f, t, places: f.grid_sample(t, places, mode, border, aligned), x, grid, second=False)


@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 3), (2, 1, 2, 3, 4)])
@pytest.mark.filterwarnings("ignore:Since version")
def test_affine_grid_as_pytorch(size):
    dims = len(size) - 2
    for aligned in True, False:
        compare(lambda f, theta: f.affine_grid(theta, size, aligned), random.standard_normal((2, dims, dims + 1)))


def test_second_derivatives_of_a_sample():
    """PyTorch has none with respect to the places."""
    from tinygrad_like.testing import gradgradcheck
    x = tg.tensor(random.standard_normal((1, 2, 3, 4)), requires_grad=True)
    grid = tg.tensor(np.array([[[[0.1, -0.23], [0.61, 0.35]]]]), requires_grad=True)
    assert gradgradcheck(lambda x, grid: F.grid_sample(x, grid, align_corners=False), (x, grid))


LINES = """
F.interpolate(x, 4)
F.interpolate(x, size=[4, 5], mode="bilinear", align_corners=False)
F.interpolate(x, None, 2, "nearest", None)
F.interpolate(x, scale_factor=[2, 1.5])
F.interpolate(x, scale_factor=1.3, mode="bicubic")
F.interpolate(x.float(), size=(13, 11))
F.interpolate(x.float(), size=(13, 11), mode="nearest-exact")
F.interpolate(x)
F.interpolate(x, 2, 2)
F.interpolate(x, (2, 2, 2))
F.interpolate(x, scale_factor=(2,))
F.interpolate(x, 2, mode="linear")
F.interpolate(x, 2, mode="trilinear")
F.interpolate(x[0], 2, mode="bilinear")
F.interpolate(x[0, 0], 2)
F.interpolate(x, 2, mode="best")
F.interpolate(x, 0)
F.interpolate(x, -1)
F.interpolate(x, 4, align_corners=False)
F.interpolate(x, 4, recompute_scale_factor=True)
F.interpolate(x[:0], 4, mode="bilinear")
F.interpolate(x[:, :0], 4, mode="bilinear")
F.upsample(x, scale_factor=2, mode="bilinear")
F.upsample_nearest(x, scale_factor=2)
F.upsample_bilinear(x, size=(4, 4))
F.pixel_shuffle(x, 2)
F.pixel_shuffle(x[0], upscale_factor=2)
F.pixel_shuffle(x, 3)
F.pixel_shuffle(x, -2)
F.pixel_shuffle(x[0, 0], 2)
F.pixel_unshuffle(x, 3)
F.pixel_unshuffle(x[None], downscale_factor=1)
F.pixel_unshuffle(x, 2)
F.pixel_unshuffle(x, 0)
F.channel_shuffle(x, 2)
F.channel_shuffle(x, groups=4)
F.channel_shuffle(x, 3)
F.channel_shuffle(x, 0)
F.grid_sample(x, x, align_corners=True)
F.grid_sample(x, g, mode="best")
F.grid_sample(x, g, padding_mode="best")
F.grid_sample(x, g[:1])
F.grid_sample(input=x, grid=g)
F.affine_grid(theta=g[:, 0], size=(2, 1, 3, 3))
F.affine_grid(g[:, 0], (2, 1, 0, 3))
""".strip().splitlines()
SETUP = """F = torch.nn.functional
x = torch.tensor(np.random.default_rng(0).standard_normal((2, 4, 3, 3)))
g = torch.tensor(np.random.default_rng(0).uniform(-1, 1, (2, 2, 2, 2)))"""


@pytest.mark.filterwarnings("ignore:grid_sample")
@pytest.mark.parametrize("line", LINES)
def test_as_pytorch(line):
    pytest.importorskip("tests.same").same(line, SETUP)


def test_every_op_of_resizing_is_a_pair():
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩"""
    x, y = random.standard_normal((2, 6, 5)), random.standard_normal((2, 4, 5))
    a = random.standard_normal((4, 6))
    assert np.isclose((ops.resample(x, matrix=a, axis=1) * y).sum(), (x * ops.resample(y, matrix=a.T, axis=1)).sum())
