"""Transforms: pictures as Pillow does it, tensors as pictures, what is random repeatable, and mistakes answered."""
import math
import pickle

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like import errors, nn
from tinygrad_like.data import transforms as T
from tinygrad_like.data.transforms import InterpolationMode as M, functional as F

Image = pytest.importorskip("PIL.Image")
ImageEnhance = pytest.importorskip("PIL.ImageEnhance")

random = np.random.default_rng(0)
NOISE = random.integers(0, 256, (23, 31, 3), dtype="uint8")
Y, X = np.mgrid[:23, :31]
SMOOTH = np.stack([X * 8, Y * 11, (X + Y) * 4], -1).astype("uint8")
ARRAYS = [NOISE, SMOOTH, NOISE[..., 0]]
PILLOW = {M.NEAREST: 0, M.NEAREST_EXACT: 0, M.LANCZOS: 1, M.BILINEAR: 2, M.BICUBIC: 3, M.BOX: 4, M.HAMMING: 5}


def planes(pic):
    """The numbers of a picture as (C, H, W)."""
    array = np.asarray(pic)
    return (array[..., None] if array.ndim == 2 else array).transpose(2, 0, 1)


def picture():
    return Image.fromarray(NOISE)


# ---- pictures and tensors ---------------------------------------------------------------------------------------
def test_to_tensor():
    out = T.ToTensor()(picture())
    assert out.shape == (3, 23, 31) and out.dtype == tg.float32 and out.array.flags.c_contiguous
    assert (out.numpy() == NOISE.transpose(2, 0, 1).astype("float32") / np.float32(255)).all()
    assert (T.ToTensor()(NOISE).numpy() == out.numpy()).all()
    assert T.ToTensor()(NOISE[..., 0]).shape == T.ToTensor()(picture().convert("L")).shape == (1, 23, 31)
    assert T.ToTensor()(NOISE.astype("float64")).dtype == tg.float64                # only bytes are scaled
    assert T.ToTensor()(NOISE.astype("float64")).max() == 255


@pytest.mark.parametrize("mode, dtype, channels, white", [
    ("1", tg.float32, 1, 1), ("L", tg.float32, 1, 1), ("P", tg.float32, 1, None), ("LA", tg.float32, 2, 1),
    ("RGBA", tg.float32, 4, 1), ("CMYK", tg.float32, 4, None), ("I", tg.int32, 1, 255), ("F", tg.float32, 1, 255)])
def test_to_tensor_of_each_mode(mode, dtype, channels, white):
    out = T.ToTensor()(Image.new("RGB", (4, 3), "white").convert(mode))
    assert out.shape == (channels, 3, 4) and out.dtype == dtype
    assert white is None or out.max() == white
    assert (T.PILToTensor()(Image.fromarray(NOISE).convert(mode)).numpy() == planes(Image.fromarray(NOISE).convert(mode))).all()


def test_to_tensor_of_sixteen_bits():
    pic = Image.fromarray(np.array([[1, 300]], "uint16"))
    assert T.ToTensor()(pic).tolist() == T.PILToTensor()(pic).tolist() == [[[1, 300]]]


def test_to_tensor_in_the_default_type():
    tg.set_default_dtype(tg.float64)
    try:
        assert T.ToTensor()(NOISE).dtype == tg.float64
    finally:
        tg.set_default_dtype(tg.float32)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "HSV", "YCbCr", "I", "F"])
def test_there_and_back(mode):
    pic = Image.fromarray(NOISE).convert("RGB").convert(mode) if mode != "LA" else Image.fromarray(NOISE[..., :2], "LA")
    if mode == "1":
        assert T.ToPILImage()(T.ToTensor()(pic)).convert("1").tobytes() == pic.tobytes()
        return
    back = T.ToPILImage(mode)(T.PILToTensor()(pic))
    assert (back.mode, back.size, back.tobytes()) == (mode, pic.size, pic.tobytes())
    if mode in ("L", "LA", "RGB", "RGBA"):
        assert T.ToPILImage()(T.ToTensor()(pic)).tobytes() == T.ToPILImage()(np.asarray(pic)).tobytes() == pic.tobytes()


def test_convert_image_dtype():
    x = tg.tensor([[[0, 1, 128, 255]]], dtype=tg.uint8)
    assert F.convert_image_dtype(x).tolist() == pytest.approx(np.array([[[0, 1, 128, 255]]], "float32") / 255)
    assert T.ConvertImageDtype(tg.uint8)(F.convert_image_dtype(x)).tolist() == x.tolist()
    assert F.convert_image_dtype(x, tg.int16).tolist() == [[[0, 128, 128 * 128, 255 * 128]]]
    assert F.convert_image_dtype(F.convert_image_dtype(x, tg.int16), tg.uint8).tolist() == x.tolist()
    with pytest.raises(RuntimeError, match="int64 holds numbers that float32 cannot"):
        F.convert_image_dtype(x.float(), tg.int64)


def test_normalize():
    x = T.ToTensor()(NOISE)
    mean, std = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)
    out = T.Normalize(mean, std)(x)
    np.testing.assert_allclose(out.numpy(), (x.numpy() - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1)), atol=1e-5)
    assert out.dtype == tg.float32 and (x.numpy() == T.ToTensor()(NOISE).numpy()).all()
    assert T.Normalize(0.5, [0.5])(x).shape == T.Normalize(tg.tensor(mean), np.array(std))(x[None]).shape[1:]
    inside = T.Normalize(mean, std, inplace=True)(x)
    assert inside is x and (x.numpy() == out.numpy()).all()


# ---- geometry: pictures by Pillow, and tensors as pictures ------------------------------------------------------
def test_pictures_are_resized_by_pillow():
    pic = picture()
    for mode in M:
        assert T.Resize((10, 12), mode)(pic).tobytes() == pic.resize((12, 10), PILLOW[mode]).tobytes()
    assert T.Resize((10, 12), Image.BICUBIC)(pic).tobytes() == pic.resize((12, 10), Image.BICUBIC).tobytes()
    for size, result in ((46, (62, 46)), ([10], (13, 10)), (23, (31, 23)), ((5, 6), (6, 5))):
        assert T.Resize(size)(pic).size == result
    assert T.Resize(20, max_size=25)(pic).size == (25, 19) and T.Resize(23)(pic) is pic
    assert T.Resize(10)(pic.transpose(Image.Transpose.ROTATE_90)).size == (10, 13)


GEOMETRIC = [
    *[f"resize(img, {size}, M.{mode})" for size in ("(10, 12)", 7, 40, "(1, 1)", "(60, 9)", "(46, 62)")
      for mode in ("NEAREST_EXACT", "BILINEAR", "BICUBIC")],
    *[f"pad(img, {sides}, {fill}, {mode!r})" for sides in (2, "(1, 3)", "[1, 2, 3, 4]", -3, "(-1, 2, 3, -4)")
      for fill, mode in ((0, "constant"), (7, "constant"), (0, "edge"), (0, "reflect"), (0, "symmetric"))],
    *[f"crop(img, {where})" for where in ("2, 3, 5, 6", "-2, -3, 50, 60", "-9, 4, 3, 4", "20, 28, 8, 9", "30, 40, 2, 3")],
    *[f"center_crop(img, {size})" for size in (5, "(7, 8)", 40, "(40, 5)", "(24, 31)")],
    "hflip(img)", "vflip(img)", "five_crop(img, 5)", "ten_crop(img, (4, 6), True)", "resized_crop(img, 1, 2, 9, 8, (5, 6))",
    *[f"rotate(img, {angle}, M.{mode}, {expand}, {center}, {fill})" for angle in (0, 30, -77.7, 90, 180, 270, 45)
      for mode in ("NEAREST", "BILINEAR") for expand, center, fill in ((False, None, None), (True, None, 9), (True, (3, 4), 9),
                                                                       (False, (3, 4), 9))],
    *[f"affine(img, {how}, M.{mode}, {fill}, {center})"
      for how in ("0, (3, -2), 1, 0", "30, (3, -2), 1.3, 10", "-100, [1, 1], 0.4, (10, -20)", "0, (0, 0), 1.9, 0",
                  "0, (0, 0), 0.7, [5]")
      for mode in ("NEAREST", "BILINEAR") for fill, center in ((None, None), (9, (3, 4)))],
]


@pytest.mark.parametrize("call", GEOMETRIC)
def test_tensors_agree_with_pillow_within_one_level(call):
    for array in ARRAYS:
        pic = Image.fromarray(array)
        want, got = [eval(call, {**vars(F), "M": M, "img": img}) for img in (pic, T.PILToTensor()(pic))]
        for p, t in zip(*[x if isinstance(x, tuple) else (x,) for x in (want, got)]):
            assert t.shape == planes(p).shape and t.dtype == tg.uint8
            assert abs(planes(p).astype(int) - t.numpy()).max() <= 1


def test_pictures_are_turned_and_moved_by_pillow():
    pic = picture()
    assert F.rotate(pic, 30, M.BILINEAR, True, None, (1, 2, 3)).tobytes() == pic.rotate(
        30, Image.BILINEAR, True, fillcolor=(1, 2, 3)).tobytes()
    assert F.affine(pic, 0, (3, -2), 1, 0).tobytes() == pic.transform(
        pic.size, Image.Transform.AFFINE, (1, 0, -3, 0, 1, 2), fillcolor=(0, 0, 0)).tobytes()
    assert F.hflip(pic).tobytes() == pic.transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()
    assert F.crop(pic, 2, 3, 5, 6).tobytes() == pic.crop((3, 2, 9, 7)).tobytes()
    padded = F.pad(pic, (1, 2, 3, 4), (9, 8, 7))
    assert padded.size == (35, 29) and padded.getpixel((0, 0)) == (9, 8, 7)
    assert padded.crop((1, 2, 32, 25)).tobytes() == pic.tobytes()
    assert (np.asarray(F.pad(pic, 3, 0, "reflect")) == np.pad(NOISE, ((3, 3), (3, 3), (0, 0)), "reflect")).all()


def test_affine_is_turn_then_scale_then_move_with_the_clock():
    """A point p goes to c + t + s R (p - c), R with the clock as y runs down."""
    bright = np.zeros((41, 41), "uint8")
    bright[20, 30] = 255                                        # 10 to the right of the middle
    out = np.asarray(F.affine(Image.fromarray(bright), 90, (3, 1), 1.0, 0, M.NEAREST))
    assert np.argwhere(out).tolist() == [[31, 23]]              # 10 below the middle, then (3, 1) on
    out = np.asarray(F.rotate(Image.fromarray(bright), 90))
    assert np.argwhere(out).tolist() == [[10, 20]]              # rotate turns against the clock
    column = Image.fromarray(np.repeat(np.eye(41, dtype="uint8")[20:21] * 255, 41, 0))
    sheared = np.asarray(F.affine(column, 0, (0, 0), 1.0, 45))
    assert (sheared[30].argmax(), sheared[10].argmax()) == (10, 30)


@pytest.mark.parametrize("mode", ["P", "RGBA", "L", "F", "I", "1", "CMYK", "LA"])
def test_pictures_of_each_mode_keep_it(mode):
    pic = picture().convert(mode) if mode != "LA" else Image.fromarray(NOISE[..., :2], "LA")
    for call in ("pad(img, 2)", "pad(img, 2, 0, 'edge')", "rotate(img, 30)", "affine(img, 3, (0, 1), 1, 0)", "hflip(img)",
                 "crop(img, 1, 1, 3, 3)", "resize(img, 9)"):
        assert eval(call, {**vars(F), "img": pic}).mode == mode
    if mode == "P":
        assert F.pad(pic, 2, 0, "edge").crop((2, 2, 33, 25)).convert("RGB").tobytes() == pic.convert("RGB").tobytes()


def test_fill_of_each_channel():
    out = F.rotate(T.ToTensor()(NOISE), 45, fill=(0.1, 0.2, 0.3))
    assert out[:, 0, 0].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert F.rotate(T.PILToTensor()(picture()), 45, M.BILINEAR, fill=[9])[:, 0, 0].tolist() == [9, 9, 9]


def test_batches_and_single_planes():
    batch = tg.tensor(np.stack([NOISE, SMOOTH]).transpose(0, 3, 1, 2))
    for call in ("resize(img, 9)", "rotate(img, 20, M.BILINEAR)", "pad(img, 2, 0, 'edge')", "hflip(img)", "center_crop(img, 9)",
                 "adjust_saturation(img, 0.4)", "adjust_hue(img, 0.1)", "rgb_to_grayscale(img, 3)",
                 "affine(img, 9, (1, 2), 1.2, 0)"):
        whole, *each = [eval(call, {**vars(F), "M": M, "img": img}).numpy() for img in (batch, batch[0], batch[1])]
        assert (whole == np.stack(each)).all()
    assert F.hflip(tg.arange(6).reshape(2, 3)).tolist() == [[2, 1, 0], [5, 4, 3]]
    assert F.crop(tg.arange(6).reshape(2, 3), 1, 1, 2, 2).tolist() == [[4, 5], [0, 0]]


def test_gradients_flow_through_tensors():
    x = tg.tensor(random.permutation(np.linspace(0.1, 0.9, 126)).reshape(1, 3, 6, 7)).requires_grad_()      # no two are equal
    for call in ("resize(x, (3, 4))", "rotate(x, 20, M.BILINEAR)", "affine(x, 9, (1, 0), 1.2, 3)", "pad(x, 2, 0, 'reflect')",
                 "normalize(x, (0.5,) * 3, (0.2,) * 3)", "adjust_contrast(x, 0.5)", "adjust_hue(x, 0.2)",
                 "erase(x, 1, 1, 2, 2, 0.0)"):
        assert tg.testing.gradcheck(lambda x, call=call: eval(call, {**vars(F), "M": M, "x": x}), [x])


# ---- colour -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("factor", [0, 0.4, 1, 1.7])
@pytest.mark.parametrize("name, how", [("brightness", "Brightness"), ("contrast", "Contrast"), ("saturation", "Color")])
def test_colours_are_adjusted_by_pillow_and_tensors_agree(name, how, factor):
    adjust = getattr(F, f"adjust_{name}")
    for array in ARRAYS:
        pic = Image.fromarray(array)
        want = getattr(ImageEnhance, how)(pic).enhance(factor)
        assert adjust(pic, factor).tobytes() == want.tobytes()
        got = adjust(T.PILToTensor()(pic), factor)
        assert got.dtype == tg.uint8 and abs(planes(want).astype(int) - got.numpy()).max() <= 2


def test_hue():
    red = np.zeros((1, 2, 3), "uint8")
    red[..., 0] = 200
    for angle, want in ((1 / 3, (0, 200, 0)), (-1 / 3, (0, 0, 200)), (0.5, (0, 200, 200)), (0, (200, 0, 0))):
        pic = F.adjust_hue(Image.fromarray(red), angle).getpixel((0, 0))
        assert max(abs(a - b) for a, b in zip(pic, want)) <= 6                      # hues of 8 bits
        assert F.adjust_hue(T.PILToTensor()(Image.fromarray(red)), angle)[:, 0, 0].tolist() == list(want)
    x = T.ToTensor()(NOISE)
    np.testing.assert_allclose(F.adjust_hue(x, 0.0).numpy(), x.numpy(), atol=1e-6)
    np.testing.assert_allclose(F.adjust_hue(F.adjust_hue(x, 0.3), -0.3).numpy(), x.numpy(), atol=1e-5)
    grey = Image.fromarray(NOISE[..., 0])
    assert F.adjust_hue(grey, 0.3) is grey
    see_through = Image.fromarray(np.concatenate([NOISE, NOISE[..., :1]], -1))
    assert F.adjust_hue(see_through, 0.3).getchannel("A").tobytes() == NOISE[..., 0].tobytes()


def test_blurring():
    """By its definition: a mean with the weights of two bells, one along each axis, of what is mirrored at the edges."""
    def bell(size, σ):
        d = np.arange(size) - size // 2
        return (w := np.exp(-d ** 2 / (2 * σ ** 2))) / w.sum()

    padded = np.pad(planes(picture()).astype("float64"), ((0, 0), (2, 2), (1, 1)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 3), (1, 2))                  # (3, 23, 31, 5, 3)
    expected = np.einsum("chwij,i,j->chw", windows, bell(5, 2.0), bell(3, 0.7))
    assert np.allclose(F.gaussian_blur(tg.tensor(planes(picture()), dtype=tg.float64), (3, 5), (0.7, 2.0)).numpy(), expected)
    assert np.abs(planes(F.gaussian_blur(picture(), (3, 5), (0.7, 2.0))) - expected).max() <= 0.51
    assert np.abs(F.gaussian_blur(T.PILToTensor()(picture()), (3, 5), (0.7, 2.0)).numpy() - expected).max() <= 0.51
    assert np.allclose(F.gaussian_blur(tg.tensor(expected), 5).numpy(), F.gaussian_blur(tg.tensor(expected), 5, 1.1).numpy())
    assert (F.gaussian_blur(tg.full((2, 1, 8, 8), 7), 15).numpy() == 7).all()
    assert T.GaussianBlur(5, 1e-3)(picture()).tobytes() == picture().tobytes()


def test_grey_gamma_and_negative():
    pic = picture()
    assert T.Grayscale()(pic).tobytes() == pic.convert("L").tobytes()
    assert T.Grayscale(3)(pic).mode == "RGB" and T.Grayscale(3)(pic).getpixel((3, 4)) == (pic.convert("L").getpixel((3, 4)),) * 3
    grey = T.Grayscale()(T.PILToTensor()(pic))
    assert grey.shape == (1, 23, 31) and abs(planes(pic.convert("L")).astype(int) - grey.numpy()).max() <= 1
    assert T.Grayscale(3)(T.ToTensor()(pic)).shape == T.Grayscale(3)(T.ToTensor()(NOISE[..., 0])).shape == (3, 23, 31)
    for gamma, gain in ((2, 1), (0.5, 1.2)):
        want, got = [F.adjust_gamma(img, gamma, gain) for img in (pic, T.PILToTensor()(pic))]
        assert abs(planes(want).astype(int) - got.numpy()).max() <= 1
    assert (F.invert(T.PILToTensor()(pic)).numpy() == 255 - planes(pic)).all()
    assert F.invert(F.invert(pic)).tobytes() == pic.tobytes()


# ---- chance -----------------------------------------------------------------------------------------------------
RANDOM = [T.RandomCrop(9, padding=2), T.RandomResizedCrop(9), T.RandomHorizontalFlip(), T.RandomVerticalFlip(),
          T.RandomRotation(40),
          T.RandomAffine(10, (0.1, 0.2), (0.8, 1.2), (-5, 5, -3, 3)), T.ColorJitter(0.4, 0.4, 0.4, 0.2), T.RandomGrayscale(0.5),
          T.GaussianBlur(5),
          T.RandomApply([T.RandomRotation(9), T.RandomVerticalFlip()]),
          T.RandomChoice([T.RandomRotation(9), T.RandomVerticalFlip(1)]), T.RandomOrder([T.RandomRotation(9), T.RandomCrop(9)]),
          T.Compose([T.ToTensor(), T.RandomErasing(0.9, value="random")])]


@pytest.mark.parametrize("transform", RANDOM, ids=lambda t: type(t).__name__)
def test_the_seed_makes_chance_repeatable(transform):
    def run(seed, transform=transform):
        tg.manual_seed(seed)
        outs = [transform(picture()) for _ in range(8)]
        return [np.asarray(out.numpy() if isinstance(out, tg.Tensor) else out).tobytes() for out in outs]

    assert run(1) == run(1) == run(1, pickle.loads(pickle.dumps(transform)))
    assert run(1) != run(2) and len(set(run(1))) > 1


def test_random_crop():
    tg.manual_seed(0)
    numbered = tg.arange(20).reshape(1, 4, 5)
    places = {T.RandomCrop((3, 2))(numbered)[0, 0, 0].item() for _ in range(200)}
    assert places == {5 * row + column for row in range(2) for column in range(4)}
    assert T.RandomCrop((4, 5))(numbered).tolist() == numbered.tolist()
    assert T.RandomCrop((6, 5), pad_if_needed=True)(numbered).shape == (1, 6, 5)
    out = T.RandomCrop(40, pad_if_needed=True, fill=(1, 2, 3), padding_mode="constant")(picture())
    assert out.size == (40, 40)
    assert T.RandomCrop(8, padding=(1, 2), padding_mode="reflect")(picture()).size == (8, 8)


def test_random_resized_crop_draws_area_and_shape():
    tg.manual_seed(0)
    pic, areas, ratios = Image.new("L", (200, 190)), [], []
    for _ in range(500):
        i, j, h, w = T.RandomResizedCrop.get_params(pic, (0.2, 0.4), (0.5, 2.0))
        assert 0 <= i <= 190 - h and 0 <= j <= 200 - w
        areas.append(h * w / 38000), ratios.append(w / h)
    assert 0.19 < min(areas) < 0.21 and 0.39 < max(areas) < 0.41 and abs(np.mean(areas) - 0.3) < 0.01
    assert 0.49 < min(ratios) < 0.55 and 1.85 < max(ratios) < 2.05 and abs(np.mean(np.log(ratios))) < 0.05
    assert T.RandomResizedCrop.get_params(Image.new("L", (1000, 10)), (0.9, 1.0), (0.5, 2.0)) == (0, 490, 10, 20)   # in the middle
    assert T.RandomResizedCrop((5, 6))(picture()).size == (6, 5)


def test_random_erasing():
    tg.manual_seed(0)
    x = tg.ones(3, 40, 50)
    outs = [T.RandomErasing(1.0, value=(0.1, 0.2, 0.3))(x) for _ in range(200)]
    erased = [(out.numpy() != 1).all(0) for out in outs]
    assert all(e.any() for e in erased) and 0.015 < min(e.mean() for e in erased) and max(e.mean() for e in erased) < 0.34
    for out, e in zip(outs[:5], erased):
        rows, columns = e.any(1), e.any(0)
        assert e.sum() == rows.sum() * columns.sum()            # a rectangle
        assert out.numpy()[:, e].T.tolist()[0] == pytest.approx([0.1, 0.2, 0.3])
    assert (x.numpy() == 1).all()
    assert T.RandomErasing(1.0, inplace=True)(x) is x and (x.numpy() == 0).any()
    assert abs(T.RandomErasing(1.0, (0.9, 0.95), (1, 1), "random")(tg.ones(1, 40, 40)).numpy().std() - 1) < 0.1
    assert (T.RandomErasing(0.0)(tg.ones(1, 4, 4)).numpy() == 1).all()


def test_probabilities():
    tg.manual_seed(0)
    x = tg.tensor([[[0.0, 1.0]]])
    for p in (0.0, 0.3, 1.0):
        share = np.mean([T.RandomHorizontalFlip(p)(x)[0, 0, 0].item() for _ in range(1000)])
        assert abs(share - p) < 0.05
    ones, twos = T.Lambda(lambda x: x + 1), T.Lambda(lambda x: x + 2)
    assert abs(np.mean([T.RandomChoice([ones, twos], p=[3, 1])(0) for _ in range(1000)]) - 1.25) < 0.05
    assert abs(np.mean([T.RandomChoice([ones, twos])(0) for _ in range(1000)]) - 1.5) < 0.05
    assert {T.RandomApply([ones, twos], p=0.5)(0) for _ in range(50)} == {0, 3}
    assert {T.RandomOrder([T.Lambda(lambda x: 2 * x), ones])(1) for _ in range(50)} == {3, 4}


def test_ranges():
    tg.manual_seed(0)
    angles = [T.RandomRotation.get_params(T.RandomRotation(30).degrees) for _ in range(300)]
    assert -30 <= min(angles) < -27 and 27 < max(angles) <= 30
    affine = T.RandomAffine((10, 20), (0.1, 0.5), (0.5, 2), 7)
    for _ in range(100):
        ranges = affine.degrees, affine.translate, affine.scale, affine.shear
        angle, (x, y), scale, shear = T.RandomAffine.get_params(*ranges, (100, 10))
        assert 10 <= angle <= 20 and abs(x) <= 10 and abs(y) <= 5 and 0.5 <= scale <= 2 and abs(shear[0]) <= 7 and shear[1] == 0
    jitter = T.ColorJitter(0.4, (0.5, 3), 2, 0.1)
    assert (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) == ((0.6, 1.4), (0.5, 3), (0, 3), (-0.1, 0.1))
    order, *drawn = T.ColorJitter.get_params((0.6, 1.4), None, None, (-0.1, 0.1))
    assert sorted(order) == [0, 1, 2, 3] and 0.6 <= drawn[0] <= 1.4 and drawn[1:3] == [None, None]
    assert T.ColorJitter()(pic := picture()) is pic


# ---- put together -----------------------------------------------------------------------------------------------
REPR = {
    "T.ToTensor()": "ToTensor()", "T.PILToTensor()": "PILToTensor()", "T.ToPILImage()": "ToPILImage()",
    "T.ToPILImage('RGB')": "ToPILImage(mode=RGB)",
    "T.Resize((3, 4))": "Resize(size=(3, 4), interpolation=bilinear, max_size=None, antialias=True)",
    "T.Normalize((0.5,), (0.2,))": "Normalize(mean=(0.5,), std=(0.2,))",
    "T.CenterCrop(3)": "CenterCrop(size=(3, 3))", "T.RandomCrop(3, padding=1)": "RandomCrop(size=(3, 3), padding=1)",
    "T.Pad(2)": "Pad(padding=2, fill=0, padding_mode=constant)", "T.Lambda(abs)": "Lambda()",
    "T.RandomVerticalFlip()": "RandomVerticalFlip(p=0.5)",
    "T.RandomResizedCrop(9)": "RandomResizedCrop(size=(9, 9), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
                              "antialias=True)",
    "T.RandomRotation(30)": "RandomRotation(degrees=[-30.0, 30.0], interpolation=nearest, expand=False, fill=0)",
    "T.RandomAffine(5, (0.1, 0.2), shear=3)": "RandomAffine(degrees=[-5.0, 5.0], translate=(0.1, 0.2), shear=[-3.0, 3.0])",
    "T.ColorJitter(0.4)": "ColorJitter(brightness=(0.6, 1.4), contrast=None, saturation=None, hue=None)",
    "T.RandomErasing()": "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)",
    "T.GaussianBlur((3, 5), 2)": "GaussianBlur(kernel_size=(3, 5), sigma=(2, 2))",
    "T.RandomApply([T.Grayscale()], 0.3)": "RandomApply(\n    p=0.3\n    Grayscale(num_output_channels=1)\n)",
    "T.RandomChoice([T.RandomGrayscale()])": "RandomChoice(\n    RandomGrayscale(p=0.1)\n)(p=None)",
    "T.Compose([T.Resize(3), T.ToTensor()])":
        "Compose(\n    Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)\n    ToTensor()\n)",
    "T.TenCrop(3)": "TenCrop(size=(3, 3), vertical_flip=False)", "T.FiveCrop(3)": "FiveCrop(size=(3, 3))",
}


@pytest.mark.parametrize("line", REPR)
def test_printing(line):
    assert repr(eval(line)) == REPR[line]


def test_compose_and_sequential():
    steps = [T.Resize((32, 32)), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize((0.5,) * 3, (0.5,) * 3)]
    tg.manual_seed(3)
    out = T.Compose(steps)(picture())
    assert out.shape == (3, 32, 32) and -1 <= out.min() < -0.5 and 0.5 < out.max() <= 1
    tg.manual_seed(3)
    assert (nn.Sequential(steps[0], steps[1], steps[3])(T.ToTensor()(picture())).numpy() - out.numpy()).std() < 0.02
    assert isinstance(T.RandomApply(nn.ModuleList([T.ColorJitter(0.4)]), 1.0)(picture()), Image.Image)


# ---- mistakes ---------------------------------------------------------------------------------------------------
MISTAKES = [
    ("T.Compose([T.ToTensor])", TypeError, ["ToTensor is a class", "ToTensor(…)"]),
    ("T.Compose(T.ToTensor())", TypeError, ["list of transforms", "Compose([…])"]),
    ("T.Compose([3])", TypeError, ["3"]),
    ("T.ToTensor()(T.ToTensor()(pic))", TypeError, ["tensor already"]),
    ("T.ToTensor()('cat.png')", TypeError, ["PIL.Image.open"]),
    ("T.ToTensor()(np.zeros(3))", ValueError, ["(H, W, C)", "(3,)"]),
    ("T.Resize(8)(np.zeros((3, 4, 3)))", TypeError, ["ndarray", "fromarray"]),
    ("T.Resize(8)('cat.png')", TypeError, ["open"]),
    ("T.Resize(8, M.LANCZOS)(T.ToTensor()(pic))", ValueError, ["lanczos", "before ToTensor"]),
    ("T.Resize((1, 2, 3))", ValueError, ["(1, 2, 3)"]),
    ("T.Resize('32')", TypeError, ["'32'"]),
    ("T.Resize(8, 'bilinear')", TypeError, ["InterpolationMode", "'bilinear'"]),
    ("T.Resize(8, max_size=8)(pic)", ValueError, ["max_size=8"]),
    ("T.Resize((8, 9), max_size=10)(pic)", ValueError, ["shorter side"]),
    ("T.Resize(0)(pic)", ValueError, ["0 high"]),
    ("T.Normalize((0.5,) * 3, (0.5,) * 3)(pic)", TypeError, ["Normalize takes a Tensor", "ToTensor() before"]),
    ("T.Normalize((0.5,) * 3, (0.5,) * 3)(T.ToTensor()(pic.convert('L')))", errors.ShapeError,
     ["1 channel", "mean has 3", "Grayscale(3)"]),
    ("T.Normalize((0.5,) * 3, (0.5, 0, 1))(T.ToTensor()(pic))", ValueError, ["std has a 0"]),
    ("T.Normalize((0.5,) * 3, (0.5,) * 3)(T.PILToTensor()(pic))", TypeError, ["uint8", "ToTensor()"]),
    ("T.Normalize((0.5,), (0.5,))(tg.ones(3, 4))", TypeError, ["(3, 4)"]),
    ("T.RandomErasing()(pic)", TypeError, ["ToTensor() before"]),
    ("T.RandomErasing(1.0, value=(1, 2))(T.ToTensor()(pic))", ValueError, ["3 channels"]),
    ("T.RandomErasing(value='noise')", ValueError, ["'random'", "'noise'"]),
    ("T.RandomCrop(40)(pic)", ValueError, ["(40, 40)", "23 high", "pad_if_needed=True"]),
    ("T.RandomHorizontalFlip(50)", ValueError, ["from 0 to 1", "50"]),
    ("T.RandomRotation(-3)", ValueError, ["(low, high)"]),
    ("T.RandomRotation((1, 2, 3))", ValueError, ["2 numbers"]),
    ("T.RandomAffine(3, (0.1, 2))", ValueError, ["from 0 to 1"]),
    ("T.RandomAffine(3, scale=(0, 2))", ValueError, ["above 0"]),
    ("T.ColorJitter(hue=0.7)", ValueError, ["hue", "0.5"]),
    ("T.ColorJitter(-1)", ValueError, ["0 or more"]),
    ("T.ColorJitter('a')", TypeError, ["'a'"]),
    ("T.RandomChoice([abs, abs], p=[0, 0])", ValueError, ["not all 0"]),
    ("T.Pad((1, 2, 3))", ValueError, ["(1, 2, 3)"]),
    ("T.Pad(1, padding_mode='wrap')", ValueError, ["symmetric", "'wrap'"]),
    ("T.Pad(1, fill=(1, 2, 3))(T.ToTensor()(pic))", TypeError, ["one number", "before ToTensor"]),
    ("T.Pad(1, fill=(1, 2))(pic)", ValueError, ["3 channels", "(1, 2)"]),
    ("T.Grayscale(2)(pic)", ValueError, ["1 or 3"]),
    ("T.Resize(-3)", ValueError, ["-3"]), ("T.CenterCrop((-1, 2))", ValueError, ["(-1, 2)"]),
    ("T.Resize(4)(pic.crop((0, 0, 0, 5)))", ValueError, ["no pixels", "5 high and 0 wide"]),
    ("T.Resize(4)(np.asarray(pic))", TypeError, ["Resize takes", "ndarray"]),
    ("T.RandomCrop(4)('x.png')", TypeError, ["RandomCrop", "open"]),
    ("T.RandomChoice([])", ValueError, ["empty"]), ("T.RandomResizedCrop(8, ratio=(0, 1))", ValueError, ["ratio", "(0, 1)"]),
    ("T.RandomResizedCrop(8, scale=(-1, 1))", ValueError, ["scale", "(-1, 1)"]),
    ("T.Normalize(None, None)(tg.ones(3, 4, 4))", TypeError, ["mean", "None"]),
    ("T.Normalize((0.5,), 'x')(tg.ones(3, 4, 4))", TypeError, ["std", "'x'"]),
    ("T.GaussianBlur(4)", ValueError, ["odd", "4"]), ("T.GaussianBlur((3, 3, 3))", ValueError, ["(3, 3, 3)"]),
    ("T.GaussianBlur('3')", ValueError, ["'3'"]), ("T.GaussianBlur(3, (2, 1))", ValueError, ["sigma", "(2, 1)"]),
    ("F.gaussian_blur(pic, 3, -1)", ValueError, ["sigma", "-1"]), ("F.gaussian_blur(pic, 3, '1')", TypeError, ["sigma", "'1'"]),
    ("F.gaussian_blur(tg.ones(1, 3, 9), 7)", ValueError, ["(7, 7)", "3 high and 9 wide"]),
    ("T.Grayscale()(tg.ones(4, 5, 5))", TypeError, ["1 or 3 channels", "(4, 5, 5)"]),
    ("T.Lambda(3)", TypeError, ["int"]),
    ("T.ToPILImage()(tg.ones(2, 3, 4, 5))", ValueError, ["(2, 3, 4, 5)", "one image at a time"]),
    ("T.ToPILImage('RGB')(tg.ones(1, 4, 5))", ValueError, ["mode L", "'RGB'"]),
    ("T.ToPILImage()(tg.ones(3, 4, 5, dtype=tg.int64))", TypeError, ["int64", "uint8"]),
    ("F.five_crop(pic, 50)", ValueError, ["larger than the image"]),
    ("F.adjust_brightness(T.ToTensor()(pic), -1)", ValueError, ["0 or more"]),
    ("F.rotate(T.ToTensor()(pic), 3, M.BICUBIC)", ValueError, ["bicubic", "picture"]),
    ("F.rotate(T.ToTensor()(pic), 30, fill=(1, 2))", ValueError, ["3 channels"]),
    ("T.AutoAugment", AttributeError, ["AutoAugment", "not offered", "Lambda"]),
]


@pytest.mark.parametrize("line, kind, words", MISTAKES, ids=[line for line, *_ in MISTAKES])
def test_mistakes_are_answered(line, kind, words):
    with pytest.raises(kind) as error:
        eval(line, {"T": T, "F": F, "M": M, "tg": tg, "np": np, "pic": picture()})
    for word in words:
        assert word in str(error.value)


def test_pillow_does_not_resize_pictures_with_aliasing():
    with pytest.warns(UserWarning, match="antialias=False is for tensors"):
        T.Resize(8, antialias=False)(picture())
    plain, smooth = [F.resize(T.PILToTensor()(picture()), 8, antialias=on).numpy().astype(int) for on in (False, True)]
    assert abs(plain - smooth).max() > 30
    with pytest.warns(UserWarning, match="scale is \\(low, high\\)"):
        T.RandomResizedCrop(8, scale=(1.0, 0.5))


def test_without_pillow(monkeypatch):
    import builtins
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.partition(".")[0] == "PIL":
            raise ImportError("no PIL here")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'tinygrad_like\[vision\]'"):
        T.ToPILImage()(tg.ones(3, 4, 5))
    assert T.Compose([T.ToTensor(), T.Resize(8), T.RandomRotation(9), T.Normalize(0.5, math.pi)])(NOISE).shape == (3, 8, 10)
