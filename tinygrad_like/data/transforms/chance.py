"""Transforms that draw what they do, anew for each image.

They draw from the generator that `manual_seed` seeds.  A DataLoader seeds it for each sample, so that workers, epochs and samples
all get numbers of their own, and the same ones when the training is run again.
"""
from __future__ import annotations

import math
import warnings
from typing import Any

from ... import backend
from ...functions.creation import made
from ...functions.random import numpy_generator
from ...nn.module import Module
from . import functional as F
from .fixed import checked, listed
from .functional import InterpolationMode, mode_of, pair

__all__ = ["RandomApply", "RandomChoice", "RandomOrder", "RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip",
           "RandomVerticalFlip", "RandomRotation", "RandomAffine", "ColorJitter", "RandomGrayscale", "GaussianBlur",
           "RandomErasing"]


# ---- drawing and checking ---------------------------------------------------------------------------------------
def happens(p: float) -> bool:
    """True with probability p."""
    return bool(numpy_generator(None).random() < p)


def between(low: float, high: float) -> float:
    """A number drawn evenly from low to high."""
    return float(low + (high - low) * numpy_generator(None).random())


def up_to(n: int) -> int:
    """A whole number drawn from 0 to n."""
    return int(numpy_generator(None).integers(n + 1))


def probability(name: str, p: float) -> float:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, from 0 to 1, got {p}")
    return p


def sequence(name: str, given: Any, *lengths: int) -> Any:
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"{name} is {' or '.join([f'a list of {n} numbers' for n in lengths])}, got {given!r}")
    if len(given) not in lengths:
        raise ValueError(f"{name} is {' or '.join([f'a list of {n} numbers' for n in lengths])}, got {given!r}")
    return given


def angles(name: str, given: Any, *lengths: int) -> list[float]:
    """[low, high] from one number (from minus to plus that) or as given."""
    if isinstance(given, (int, float)):
        if given < 0:
            raise ValueError(f"{name}: one number is the largest angle, 0 or more, got {given}; for a range give (low, high)")
        return [-float(given), float(given)]
    return [float(angle) for angle in sequence(name, given, *lengths)]


def colour(name: str, fill: Any) -> Any:
    if not isinstance(fill, (int, float, tuple, list, type(None))):
        raise TypeError(f"{name}: fill is a number or one for each channel, got {fill!r}")
    return 0 if fill is None else fill


def low_high(name: str, **ranges: Any) -> None:
    for what, (low, high) in [(what, sequence(f"{name}: {what}", given, 2)) for what, given in ranges.items()]:
        if min(low, high) < 0 or min(low, high) == 0 and what == "ratio":
            raise ValueError(f"{name}: {what} is made of numbers above 0, got {(low, high)}")
        if low > high:
            warnings.warn(f"{name}: {what} is (low, high), got {(low, high)}", stacklevel=3)


# ---- which transform --------------------------------------------------------------------------------------------
class RandomApply(Module):
    """All the transforms, with probability p; else none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = checked("RandomApply", transforms), probability("RandomApply", p)

    def forward(self, img: Any) -> Any:
        if happens(self.p):
            for t in self.transforms:
                img = t(img)
        return img

    def __repr__(self) -> str:
        return listed(self, [f"p={self.p}", *self.transforms])


class RandomChoice:
    """One of the transforms; p: how likely each is (weights: they need not sum to 1)."""

    def __init__(self, transforms: Any, p: Any = None) -> None:
        self.transforms, self.p = checked("RandomChoice", transforms), p
        if not len(transforms):
            raise ValueError("RandomChoice: there is nothing to choose from: the list of transforms is empty")
        if p is not None and (len(sequence("RandomChoice: p", p, len(transforms))) == 0 or min(p) < 0 or not sum(p) > 0):
            raise ValueError(f"RandomChoice: p is made of numbers 0 or more, not all 0, got {p}")

    def __call__(self, *args: Any) -> Any:
        if self.p is None:
            return self.transforms[up_to(len(self.transforms) - 1)](*args)
        rest = between(0, sum(self.p))
        for t, weight in zip(self.transforms, self.p):
            rest -= weight
            if rest < 0:
                return t(*args)
        return [t for t, weight in zip(self.transforms, self.p) if weight][-1](*args)     # rounding put it on the end

    def __repr__(self) -> str:
        return f"{listed(self, self.transforms)}(p={self.p})"


class RandomOrder:
    """All the transforms, in random order."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = checked("RandomOrder", transforms)

    def __call__(self, img: Any) -> Any:
        for k in numpy_generator(None).permutation(len(self.transforms)):
            img = self.transforms[k](img)
        return img

    def __repr__(self) -> str:
        return listed(self, self.transforms)


# ---- which part -------------------------------------------------------------------------------------------------
class RandomCrop(Module):
    """A part of the image, of size (height, width), from anywhere in it.

    padding, fill, padding_mode: a border put around it first: see `functional.pad`.
    pad_if_needed: a border where the image is smaller than size; without it that is an error.
    """

    def __init__(self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0,
                 padding_mode: str = "constant") -> None:
        super().__init__()
        self.size, self.padding, self.pad_if_needed = pair("RandomCrop", size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode
        if padding is not None:
            F.sides(padding)

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Where to cut: (top, left, height, width)."""
        _, height, width = F.dimensions(img, "RandomCrop")
        h, w = output_size
        if h > height or w > width:
            raise ValueError(f"RandomCrop: size {(h, w)} is larger than the image, {height} high and {width} wide: "
                             "pad_if_needed=True makes the image larger")
        return (up_to(height - h), up_to(width - w), h, w) if (h, w) != (height, width) else (0, 0, h, w)

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            _, height, width = F.dimensions(img, "RandomCrop")
            border = (max(self.size[1] - width, 0), max(self.size[0] - height, 0))
            img = F.pad(img, border, self.fill, self.padding_mode) if any(border) else img
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def part(height: int, width: int, scale: Any, ratio: Any) -> tuple[int, int]:
    """The (height, width) of a part whose area is in the range `scale` of the whole, and width / height in the range `ratio`."""
    area = height * width * between(*scale)
    aspect = math.exp(between(math.log(ratio[0]), math.log(ratio[1])))
    return round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))


class RandomResizedCrop(Module):
    """A part of the image, in the given size: the usual augmentation of ImageNet.

    scale: the range of the part's area, the image being 1.     ratio: the range of its width / height.
    """

    def __init__(self, size: Any, scale: Any = (0.08, 1.0), ratio: Any = (3 / 4, 4 / 3),
                 interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True) -> None:
        super().__init__()
        low_high("RandomResizedCrop", scale=scale, ratio=ratio)
        self.size, self.scale, self.ratio = pair("RandomResizedCrop", size), scale, ratio
        self.interpolation, self.antialias = mode_of("RandomResizedCrop", interpolation), antialias

    @staticmethod
    def get_params(img: Any, scale: Any, ratio: Any) -> tuple[int, int, int, int]:
        """Where to cut: (top, left, height, width).  After ten parts that do not fit, the largest in the middle that does."""
        _, height, width = F.dimensions(img, "RandomResizedCrop")
        for _ in range(10):
            h, w = part(height, width, scale, ratio)
            if 0 < h <= height and 0 < w <= width:
                return up_to(height - h), up_to(width - w), h, w
        h, w = height, width
        if width / height < min(ratio):
            h = round(width / min(ratio))
        elif width / height > max(ratio):
            w = round(height * max(ratio))
        return (height - h) // 2, (width - w) // 2, h, w

    def forward(self, img: Any) -> Any:
        where = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *where, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = [tuple([round(n, 4) for n in pair]) for pair in (self.scale, self.ratio)]
        return (f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, interpolation={self.interpolation.value}, "
                f"antialias={self.antialias})")


class RandomErasing(Module):
    """A rectangle of a tensor overwritten, with probability p, by value: a number, one for each channel, or "random" noise.

    scale: the range of its area, the image being 1.        ratio: the range of its height / width.

    Zhong and others, "Random Erasing Data Augmentation", 2017.
    """

    def __init__(self, p: float = 0.5, scale: Any = (0.02, 0.33), ratio: Any = (0.3, 3.3), value: Any = 0,
                 inplace: bool = False) -> None:
        super().__init__()
        if not isinstance(value, (int, float, str, tuple, list)):
            raise TypeError(f"RandomErasing: value is a number, one for each channel, or 'random', got {value!r}")
        if isinstance(value, str) and value != "random":
            raise ValueError(f"RandomErasing: value is a number, one for each channel, or 'random', got {value!r}")
        low_high("RandomErasing", scale=scale, ratio=ratio)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError(f"RandomErasing: scale is from 0 to 1, got {scale}")
        self.p, self.scale, self.ratio = probability("RandomErasing", p), scale, ratio
        self.value, self.inplace = value, inplace

    @staticmethod
    def get_params(img: Any, scale: Any, ratio: Any, value: Any = None) -> tuple[int, int, int, int, Any]:
        """What to overwrite: (top, left, height, width, by what).  After ten rectangles that do not fit, nothing."""
        channels, height, width = F.dimensions(img, "RandomErasing")
        for _ in range(10):
            w, h = part(height, width, scale, ratio)
            if h < height and w < width:
                if value is None:
                    v = numpy_generator(None).standard_normal((channels, h, w), "float32")
                else:
                    v = backend.host.array(value, "float32")[:, None, None]
                v = made(backend.to_device(v, backend.device_of(img.array)))
                return up_to(height - h), up_to(width - w), h, w, v
        return 0, 0, height, width, img

    def forward(self, img: Any) -> Any:
        F.needs_tensor(img, "RandomErasing")
        if not happens(self.p):
            return img
        value = None if self.value == "random" else list(self.value) if isinstance(self.value, (tuple, list)) else [self.value]
        if value is not None and len(value) not in (1, img.array.shape[-3]):
            raise ValueError(f"RandomErasing: value is one number, or one for each of the {img.array.shape[-3]} channels, got "
                             f"{value}")
        return F.erase(img, *self.get_params(img, self.scale, self.ratio, value), self.inplace)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(p={self.p}, scale={self.scale}, ratio={self.ratio}, value={self.value}, "
                f"inplace={self.inplace})")


# ---- turned and moved -------------------------------------------------------------------------------------------
class RandomHorizontalFlip(Module):
    """The image mirrored, left and right changed, with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = probability(type(self).__name__, p)

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomVerticalFlip(RandomHorizontalFlip):
    """The image mirrored, top and bottom changed, with probability p."""

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if happens(self.p) else img


class RandomRotation(Module):
    """The image turned by an angle from the range degrees (a number means from minus to plus that): see `functional.rotate`."""

    def __init__(self, degrees: Any, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False, center: Any = None,
                 fill: Any = 0) -> None:
        super().__init__()
        self.degrees, self.interpolation = angles("RandomRotation: degrees", degrees, 2), mode_of("RandomRotation", interpolation)
        self.expand, self.fill = expand, colour("RandomRotation", fill)
        self.center = center if center is None else sequence("RandomRotation: center", center, 2)

    @staticmethod
    def get_params(degrees: Any) -> float:
        """The angle."""
        return between(*degrees)

    def forward(self, img: Any) -> Any:
        return F.rotate(img, self.get_params(self.degrees), self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        center = "" if self.center is None else f", center={self.center}"
        return (f"{type(self).__name__}(degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}"
                f"{center}, fill={self.fill})")


class RandomAffine(Module):
    """The image turned, moved, scaled and sheared, all drawn from ranges: see `functional.affine`.

    degrees: (low, high), or a number, from minus to plus that.       scale: (low, high).
    translate: (a, b), the largest moves, as parts of the width and of the height.
    shear: degrees along x, as a number or (low, high); with four numbers, (low, high) along x and (low, high) along y.
    """

    def __init__(self, degrees: Any, translate: Any = None, scale: Any = None, shear: Any = None,
                 interpolation: Any = InterpolationMode.NEAREST, fill: Any = 0, center: Any = None) -> None:
        super().__init__()
        self.degrees, self.interpolation = angles("RandomAffine: degrees", degrees, 2), mode_of("RandomAffine", interpolation)
        self.translate = translate if translate is None else sequence("RandomAffine: translate", translate, 2)
        self.scale = scale if scale is None else sequence("RandomAffine: scale", scale, 2)
        self.shear = shear if shear is None else angles("RandomAffine: shear", shear, 2, 4)
        self.center = center if center is None else sequence("RandomAffine: center", center, 2)
        self.fill = colour("RandomAffine", fill)
        if not all(0 <= t <= 1 for t in self.translate or ()):
            raise ValueError(f"RandomAffine: translate is made of parts of the image, from 0 to 1, got {translate}")
        if not all(s > 0 for s in self.scale or ()):
            raise ValueError(f"RandomAffine: scale is above 0, got {scale}")

    @staticmethod
    def get_params(degrees: Any, translate: Any, scale_ranges: Any, shears: Any,
                   img_size: Any) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """(angle, translate, scale, shear) for an image of img_size (width, height)."""
        angle = between(*degrees)
        x, y = [round(between(-part * n, part * n)) for part, n in zip(translate, img_size)] if translate is not None else (0, 0)
        scale = between(*scale_ranges) if scale_ranges is not None else 1.0
        shear = between(*shears[:2]) if shears is not None else 0.0, between(*shears[2:]) if len(shears or ()) == 4 else 0.0
        return angle, (x, y), scale, shear

    def forward(self, img: Any) -> Any:
        drawn = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        return F.affine(img, *drawn, interpolation=self.interpolation, fill=self.fill, center=self.center)

    def __repr__(self) -> str:
        shown = {"translate": self.translate, "scale": self.scale, "shear": self.shear,
                 "interpolation": None if self.interpolation is InterpolationMode.NEAREST else self.interpolation.value,
                 "fill": None if self.fill == 0 else self.fill, "center": self.center}
        rest = "".join([f", {name}={value}" for name, value in shown.items() if value is not None])
        return f"{type(self).__name__}(degrees={self.degrees}{rest})"


# ---- colour -----------------------------------------------------------------------------------------------------
class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed, in random order, by factors drawn from ranges.

    Each is (low, high), or a number x: from 1 - x to 1 + x, of hue from -x to x (at most 0.5).
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness, self.contrast = factors("brightness", brightness), factors("contrast", contrast)
        self.saturation, self.hue = factors("saturation", saturation), factors("hue", hue, 0, (-0.5, 0.5))

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """(order, brightness, contrast, saturation, hue), None for what stays as it is."""
        order = numpy_generator(None).permutation(4).tolist()
        return (order, *[None if limits is None else between(*limits) for limits in (brightness, contrast, saturation, hue)])

    def forward(self, img: Any) -> Any:
        order, *drawn = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        change = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for k in order:
            if drawn[k] is not None:
                img = change[k](img, drawn[k])
        return img

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(brightness={self.brightness}, contrast={self.contrast}, saturation={self.saturation}, "
                f"hue={self.hue})")


def factors(name: str, given: Any, middle: float = 1, limits: tuple[float, float] = (0, math.inf)) -> tuple[float, float] | None:
    """(low, high), or None where nothing would change."""
    if isinstance(given, (int, float)):
        if given < 0:
            raise ValueError(f"ColorJitter: {name} as one number is 0 or more, got {given}")
        low, high = middle - float(given), middle + float(given)
        low = max(low, 0.0) if middle else low
    else:
        low, high = [float(n) for n in sequence(f"ColorJitter: {name}", given, 2)]
    if not limits[0] <= low <= high <= limits[1]:
        raise ValueError(f"ColorJitter: {name} is from {limits[0]} to {limits[1]}, low before high, got {given}")
    return None if low == high == middle else (low, high)


class RandomGrayscale(Module):
    """The image in shades of grey, with probability p, in as many channels as it had."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = probability("RandomGrayscale", p)

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img)) if happens(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class GaussianBlur(Module):
    """The image out of focus, by a σ from the range sigma (or of that one number): see `functional.gaussian_blur`."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        try:
            self.kernel_size = F.kernel_sizes("GaussianBlur", kernel_size)
        except TypeError as error:
            raise ValueError(str(error)) from None
        each = (sigma, sigma) if isinstance(sigma, (int, float)) else tuple(sigma) if isinstance(sigma, (tuple, list)) else ()
        if len(each) != 2 or not 0 < each[0] <= each[1]:
            raise ValueError(f"GaussianBlur: sigma is a number above 0, or a range (low, high), got {sigma!r}")
        self.sigma = each

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        """The σ."""
        return between(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        return F.gaussian_blur(img, self.kernel_size, self.get_params(*self.sigma))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"
