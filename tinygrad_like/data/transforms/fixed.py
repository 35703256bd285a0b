"""Transforms that do the same to every image, and the lists that put transforms together."""
from __future__ import annotations

from typing import Any

from ...nn.module import Module
from . import functional as F
from .functional import InterpolationMode, mode_of, pair

__all__ = ["Compose", "ToTensor", "PILToTensor", "ConvertImageDtype", "ToPILImage", "Normalize", "Resize", "CenterCrop", "Pad",
           "Lambda", "Grayscale", "FiveCrop", "TenCrop", "InterpolationMode"]


class Compose:
    """One transform after the other: Compose([Resize((32, 32)), ToTensor()])."""

    def __init__(self, transforms: Any) -> None:
        self.transforms = checked("Compose", transforms)

    def __call__(self, img: Any) -> Any:
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self) -> str:
        return listed(self, self.transforms)


def checked(name: str, transforms: Any) -> Any:
    """The transforms, if each is something to call with an image."""
    if callable(transforms) and not hasattr(transforms, "__iter__"):
        raise TypeError(f"{name} takes a list of transforms, got {transforms!r}: write {name}([…])")
    for t in transforms:
        if isinstance(t, type):
            raise TypeError(f"{name}: {t.__name__} is a class: write {t.__name__}(…)")
        if not callable(t):
            raise TypeError(f"{name} takes a list of transforms, that is of functions of an image, and {t!r} is none")
    return transforms


def listed(self: Any, lines: Any) -> str:
    return "".join([f"{type(self).__name__}(", *[f"\n    {line}" for line in lines], "\n)"])


class ToTensor:
    """A PIL picture or an array (H, W, C) of bytes as a tensor (C, H, W) of numbers from 0 to 1: see `functional.to_tensor`."""

    def __call__(self, pic: Any) -> Any:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """A PIL picture as a tensor (C, H, W) of the numbers that it holds."""

    def __call__(self, pic: Any) -> Any:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(Module):
    """A tensor as another type, scaled so that white stays white."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Any) -> Any:
        return F.convert_image_dtype(image, self.dtype)


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL picture: see `functional.to_pil_image`."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Normalize(Module):
    """(img - mean) / std of a tensor, for each channel its own mean and standard deviation."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Any) -> Any:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Resize(Module):
    """The image in another size: (height, width), or an int, the length of its shorter side: see `functional.resize`."""

    def __init__(self, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
                 antialias: bool | None = True) -> None:
        super().__init__()
        pair("Resize", size)
        self.size, self.max_size = size, max_size
        self.interpolation, self.antialias = mode_of("Resize", interpolation), antialias

    def forward(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        return (f"{type(self).__name__}(size={self.size}, interpolation={self.interpolation.value}, max_size={self.max_size}, "
                f"antialias={self.antialias})")


class CenterCrop(Module):
    """The middle of the image, of size (height, width), or a square; what is off the image is black."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair("CenterCrop", size)

    def forward(self, img: Any) -> Any:
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Pad(Module):
    """The image with a border: see `functional.pad`."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        F.sides(padding)
        if not isinstance(fill, (int, float, tuple, list)):
            raise TypeError(f"Pad: fill is a number or one for each channel, got {fill!r}")
        if padding_mode not in F.PAD_MODES:
            raise ValueError(f"Pad: padding_mode is one of {', '.join(F.PAD_MODES)}, got {padding_mode!r}")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class Lambda:
    """A function of your own.  (Worker processes that are not forked need one that pickle can name: a `def`, not a `lambda`.)"""

    def __init__(self, lambd: Any) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda takes a function of an image, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Grayscale(Module):
    """The image in shades of grey, in 1 channel or in 3 equal ones."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class FiveCrop(Module):
    """A tuple of parts of the image: its corners and its middle."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = pair("FiveCrop", size)

    def forward(self, img: Any) -> Any:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(Module):
    """A tuple of parts of the image and of its mirror image: their corners and their middles."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size, self.vertical_flip = pair("TenCrop", size), vertical_flip

    def forward(self, img: Any) -> Any:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"
