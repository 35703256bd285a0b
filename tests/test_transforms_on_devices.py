"""Transforms of tensors on the device of --backend, or else on the strict double, next to NumPy."""
import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like.data import transforms as T
from tinygrad_like.data.transforms import InterpolationMode as M, functional as F

NOISE = np.random.default_rng(0).integers(0, 256, (3, 23, 31), dtype="uint8")

CALLS = ["resize(img, 9)", "resize(img, (30, 40), M.BICUBIC)", "resize(img, 40, M.NEAREST_EXACT)", "pad(img, 2, 3)",
         "pad(img, 2, 0, 'reflect')", "crop(img, -2, 3, 50, 6)", "hflip(img)", "rotate(img, 20, M.BILINEAR, fill=(1, 2, 3))",
         "rotate(img, 90)", "affine(img, 9, (1, 2), 1.2, 0)", "adjust_brightness(img, 1.5)", "adjust_contrast(img, 0.4)",
         "adjust_saturation(img, 0.4)", "adjust_hue(img, 0.1)", "adjust_gamma(img, 2)", "invert(img)", "rgb_to_grayscale(img, 3)",
         "normalize(img / 255, (0.5,) * 3, (0.2,) * 3)", "erase(img, 1, 2, 3, 4, tensor([7.0]))",
         "convert_image_dtype(img)", "gaussian_blur(img, 5)",
         "RandomErasing(1.0, value=(1, 2, 3))(img)", "RandomErasing(1.0, value='random')(img / 255)"]


@pytest.mark.parametrize("call", CALLS)
def test_tensors_on_the_device_as_on_the_host(call, device):
    found = []
    for place in ("cpu", device):
        tg.manual_seed(0)
        img = tg.tensor(NOISE, device=place)
        out = eval(call, {**vars(T), **vars(F), "M": M, "img": img, "tensor": lambda x: tg.tensor(x, device=place)})
        if isinstance(out, tg.Tensor):
            assert out.device == img.device
            out = out.cpu().numpy()
        found.append(np.asarray(out))
    np.testing.assert_allclose(found[1], found[0], atol=1 if found[0].dtype == "uint8" else 1e-5)
