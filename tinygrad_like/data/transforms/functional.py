"""What can be done to an image, one function each: the transforms call these, and so may you, with numbers of your own choice.

An image is a PIL picture, or a Tensor of shape (…, C, H, W) whose numbers run from 0 to 1 (floating point) or to the largest
that the type holds (255 for uint8).  Whichever is given comes back.  Pictures are done by Pillow; tensors agree with it.
"""
from __future__ import annotations

import sys
import warnings
from enum import Enum
from typing import TYPE_CHECKING, Any

from ... import autograd, backend, errors
from ...functions.convert import converted
from ...functions.creation import made
from ...functions.elementwise import clamp, round as rounded
from ...functions.reduce import mean as mean_of
from ...functions.shape import flip
from ...types import as_dtype, get_default_dtype
from . import colour, geometry

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["InterpolationMode", "get_dimensions", "get_image_size", "get_image_num_channels", "to_tensor", "pil_to_tensor",
           "convert_image_dtype", "to_pil_image", "normalize", "resize", "pad", "crop", "center_crop", "resized_crop", "hflip",
           "vflip", "five_crop", "ten_crop", "rotate", "affine", "adjust_brightness", "adjust_contrast", "adjust_saturation",
           "adjust_hue", "adjust_gamma", "to_grayscale", "rgb_to_grayscale", "invert", "gaussian_blur", "erase"]


class InterpolationMode(Enum):
    """How the pixels between pixels are made up.  Pillow's own constants, such as Image.BILINEAR, are taken too."""
    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


PIL_NUMBERS = {InterpolationMode.NEAREST: 0, InterpolationMode.LANCZOS: 1, InterpolationMode.BILINEAR: 2,
               InterpolationMode.BICUBIC: 3, InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5,
               InterpolationMode.NEAREST_EXACT: 0}
MODE_OF = {number: mode for mode, number in reversed(PIL_NUMBERS.items())}


# ---- what is given ----------------------------------------------------------------------------------------------
def pillow(part: str = "Image") -> Any:
    """A module of Pillow, loaded when a picture is first dealt with."""
    try:
        import PIL.Image
        import PIL.ImageEnhance
        import PIL.ImageOps
    except ImportError as error:
        raise ModuleNotFoundError("pictures are read and changed by Pillow, which is not installed: "
                                  "pip install 'tinygrad_like[vision]'") from error
    return getattr(PIL, part)


def is_picture(img: Any) -> bool:
    """Whether it is a PIL picture.  Without Pillow loaded there is none."""
    loaded = sys.modules.get("PIL.Image")
    return loaded is not None and isinstance(img, loaded.Image)


def is_tensor(img: Any, name: str, dims: int = 2) -> bool:
    """Whether img is a Tensor; if not, it is a PIL picture; else, or if the tensor has not enough dims, an error."""
    if isinstance(img, autograd.Tensor):
        if img.array.ndim < dims:
            raise errors.WrongType(f"{name}: a tensor that is an image has the shape (…, {'C, ' if dims > 2 else ''}H, W), got "
                                   f"{tuple(img.array.shape)}")
        return True
    if is_picture(img):
        return False
    kind, hint = type(img).__name__, ""
    if isinstance(img, backend.host.ndarray):
        hint = ": make a picture of the array by PIL.Image.fromarray(…), or a tensor by ToTensor()"
    elif isinstance(img, (str, bytes)) or hasattr(img, "__fspath__"):
        hint = ": open the file first, with PIL.Image.open(…)"
    raise TypeError(f"{name} takes a PIL picture or a Tensor, got {kind}{hint}")


def needs_tensor(img: Any, name: str, dims: int = 3) -> None:
    if not isinstance(img, autograd.Tensor):
        raise TypeError(f"{name} takes a Tensor, got {type(img).__name__}: put ToTensor() before it in Compose([…])")
    is_tensor(img, name, dims)


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]."""
    return dimensions(img, "get_dimensions")


def dimensions(img: Any, name: str) -> list[int]:
    """[channels, height, width], for the function of that name, which an error mentions."""
    if is_tensor(img, name):
        shape = img.array.shape
        return [1 if len(shape) == 2 else shape[-3], *shape[-2:]]
    return [len(img.getbands()), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """[width, height]."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """How many channels there are."""
    return get_dimensions(img)[0]


def mode_of(name: str, interpolation: Any) -> InterpolationMode:
    if isinstance(interpolation, InterpolationMode):
        return interpolation
    if isinstance(interpolation, int) and not isinstance(interpolation, bool) and int(interpolation) in MODE_OF:
        return MODE_OF[int(interpolation)]
    raise TypeError(f"{name}: interpolation is an InterpolationMode, such as InterpolationMode.BILINEAR, or one of Pillow's "
                    f"numbers for it, got {interpolation!r}")


def largest(dtype: Any) -> int:
    """What is white: 1, or the largest number of an integer type."""
    return 1 if dtype.kind not in "iu" else int(backend.iinfo(dtype).max)


def rounded_to(out: Tensor, dtype: Any) -> Tensor:
    """Computed in floating point, back in the type of the image."""
    if out.array.dtype == dtype:
        return out
    return converted(rounded(out) if dtype.kind in "iu" else out, dtype)


def in_float(img: Tensor) -> Tensor:
    """The image in a type that can be computed in."""
    return img if img.array.dtype.name in ("float32", "float64") else converted(img, "float32")


# ---- pictures and tensors ---------------------------------------------------------------------------------------
def to_tensor(pic: Any) -> Tensor:
    """A PIL picture or an array of shape (H, W, C) or (H, W) as a tensor (C, H, W); bytes 0 … 255 become numbers from 0 to 1.

    Other types than bytes keep their numbers.
    """
    if isinstance(pic, backend.host.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"ToTensor: an array that is an image has the shape (H, W) or (H, W, C), got {pic.shape}")
        array = pic[:, :, None] if pic.ndim == 2 else pic
    elif is_picture(pic):
        array = array_of(pic)
        if pic.mode == "1":
            array = array * backend.host.uint8(255)
        elif pic.mode.startswith("I;16"):
            array = array.astype("int16")
    else:
        kind = type(pic).__name__
        raise TypeError(f"ToTensor takes a PIL picture or an array of shape (H, W, C), got {kind}" + (
            ": it is a tensor already; ConvertImageDtype() brings its numbers to 0 … 1" if isinstance(pic, autograd.Tensor) else
            ": open the file first, with PIL.Image.open(…)" if isinstance(pic, str) or hasattr(pic, "__fspath__") else ""))
    planes = array.transpose(2, 0, 1)
    if array.dtype != "uint8":
        return made(planes.astype(as_dtype(array.dtype).dtype, order="C"))
    out: Any = planes.astype(get_default_dtype().dtype, order="C")
    out /= 255
    return made(out)


def pil_to_tensor(pic: Any) -> Tensor:
    """A PIL picture as a tensor (C, H, W) of the numbers that it holds."""
    if not is_picture(pic):
        raise TypeError(f"PILToTensor takes a PIL picture, got {type(pic).__name__}")
    array = array_of(pic).transpose(2, 0, 1)
    return made(backend.host.array(array, "int32" if array.dtype == "uint16" else array.dtype, order="C"))


def array_of(pic: Any) -> Any:
    """(H, W, C), of the picture's own numbers."""
    return backend.host.asarray(pic).reshape(pic.height, pic.width, len(pic.getbands()))


def picture_of(array: Any, mode: str) -> Any:
    """The PIL picture of an array (H, W) or (H, W, C), of a mode that holds such numbers."""
    Image = pillow()
    if mode == "1":
        return Image.fromarray(array.reshape(array.shape[:2]).astype("bool"))
    return Image.frombytes(mode, array.shape[1::-1], array.tobytes())


# For each number of channels, the modes that a picture of bytes may have, the usual one first.
MODES = {1: ("L",), 2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
WIDE_MODES = {"int16": "I;16" if sys.byteorder == "little" else "I;16B", "int32": "I", "float32": "F"}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor (C, H, W) or an array (H, W, C) as a PIL picture; floating-point numbers from 0 to 1 become bytes 0 … 255.

    mode: Pillow's name for what the channels mean; without one, L, LA, RGB or RGBA, by their number.
    """
    if isinstance(pic, autograd.Tensor):
        array = backend.to_device(pic.array, "cpu")
        array = array.transpose(1, 2, 0) if array.ndim == 3 else array
    elif isinstance(pic, backend.host.ndarray):
        array = pic
    else:
        raise TypeError(f"ToPILImage takes a Tensor (C, H, W) or an array (H, W, C), got {type(pic).__name__}")
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] not in MODES:
        layout = "(C, H, W)" if isinstance(pic, autograd.Tensor) else "(H, W, C)"
        raise ValueError(f"ToPILImage: an image has the shape {layout} or (H, W), with 1 to 4 channels, got {tuple(pic.shape)}"
                         + (": of a batch, give one image at a time" if array.ndim == 4 else ""))
    if array.dtype.kind == "f" and mode != "F":
        array = (array * 255).astype("uint8")
    known = MODES[array.shape[2]] if array.dtype == "uint8" else (
        (WIDE_MODES[array.dtype.name],) if array.shape[2] == 1 and array.dtype.name in WIDE_MODES else ())
    if not known:
        raise TypeError(f"ToPILImage: Pillow has no pictures of {array.shape[2]} channels of {array.dtype}: convert to uint8, or "
                        "to floating point from 0 to 1")
    if mode is not None and mode not in known:
        raise ValueError(f"ToPILImage: {array.shape[2]} channels of {array.dtype} make a picture of mode {' or '.join(known)}, and "
                         f"mode={mode!r} was asked for")
    return picture_of(array[:, :, 0] if array.shape[2] == 1 else array, mode or known[0])


def convert_image_dtype(image: Any, dtype: Any = "float32") -> Tensor:
    """A tensor as another type, its numbers scaled so that white stays white: uint8 255 is 1.0 in floating point."""
    if not isinstance(image, autograd.Tensor):
        raise TypeError(f"ConvertImageDtype takes a Tensor, got {type(image).__name__}: put PILToTensor() before it")
    source, target = image.array.dtype, as_dtype(dtype).dtype
    if source == target or (source.kind == target.kind == "f"):
        return converted(image, target)
    white, whiter = largest(source), largest(target)
    if source.kind == "f":
        if target.kind in "iu" and target.itemsize >= source.itemsize or target.name == "int64":
            raise RuntimeError(f"ConvertImageDtype: {target} holds numbers that {source} cannot tell apart: choose a smaller type")
        return converted(image * (whiter + 1 - 1e-3), target)   # each number gets as long a stretch of 0 … 1, the last too
    if target.kind == "f":
        return converted(image, target) / white
    if white > whiter:
        return converted(image // ((white + 1) // (whiter + 1)), target)
    return converted(image, target) * ((whiter + 1) // (white + 1))


# ---- size and place ---------------------------------------------------------------------------------------------
def pair(name: str, size: Any) -> tuple[int, int]:
    """(height, width), given so or as the one number for both."""
    each = tuple(size) if isinstance(size, (tuple, list)) else (size,)
    if len(each) not in (1, 2) or not all(isinstance(n, (int, float)) and n == int(n) >= 0 for n in each):
        raise (ValueError if isinstance(size, (tuple, list, int, float)) else TypeError)(
            f"{name}: size is an int, 0 or more, or (height, width), got {size!r}")
    return int(each[0]), int(each[-1])


def resized(height: int, width: int, size: Any, max_size: int | None) -> tuple[int, int]:
    """What an image of that height and width comes to."""
    if isinstance(size, (tuple, list)) and len(size) == 2:
        if max_size is not None:
            raise ValueError(f"Resize: max_size is for a size that is one number, the length of the shorter side, got size={size}")
        return pair("Resize", size)
    short = pair("Resize", size)[0]
    if max_size is not None and max_size <= short:
        raise ValueError(f"Resize: max_size={max_size}, for the longer side, is larger than size={short}, for the shorter one")
    long = int(short * max(height, width) / min(height, width))
    if max_size is not None and long > max_size:
        short, long = int(max_size * short / long), max_size
    return (long, short) if width <= height else (short, long)


def resize(img: Any, size: Any, interpolation: Any = InterpolationMode.BILINEAR, max_size: int | None = None,
           antialias: bool | None = True) -> Any:
    """img in another size.

    size: (height, width), or the length of the shorter side, the other in proportion, and at most max_size.
    antialias: of a tensor that shrinks, mix all pixels that come together in one; of a picture that is always done.
    """
    mode = mode_of("Resize", interpolation)
    if not isinstance(size, (int, tuple, list)):
        raise TypeError(f"Resize: size is an int or (height, width), got {size!r}")
    _, height, width = dimensions(img, "Resize")
    if not (height and width):
        raise ValueError(f"Resize: the image has no pixels: it is {height} high and {width} wide")
    height_to, width_to = resized(height, width, size, max_size)
    if min(height_to, width_to) < 1:
        raise ValueError(f"Resize: an image {height} high and {width} wide would become {height_to} high and {width_to} wide")
    if (height_to, width_to) == (height, width):
        return img
    if not is_tensor(img, "Resize", 3):
        if antialias is False:
            warnings.warn("Resize: Pillow always mixes all pixels that come together in one: antialias=False is for tensors",
                          stacklevel=2)
        return img.resize((width_to, height_to), PIL_NUMBERS[mode])
    if mode.value not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        raise ValueError(f"Resize: of tensors there are the interpolations nearest, nearest-exact, bilinear and bicubic, got "
                         f"{mode.value}: resize the picture, before ToTensor()")
    if mode.value == "nearest-exact":
        return picked(img, geometry.steps(0, height / height_to, height_to), geometry.steps(0, width / width_to, width_to))
    from ...nn.functional import interpolate
    shape, smooth = tuple(img.array.shape), mode.value in ("bilinear", "bicubic")
    dtype, out = img.array.dtype, img.reshape((-1,) + shape[-3:])
    # Pillow rounds after each direction, which shows where a bicubic curve leaves 0 … 255.
    sizes = [(height, width_to), (height_to, width_to)] if mode.value == "bicubic" and antialias else [(height_to, width_to)]
    for size in sizes if dtype == "uint8" else sizes[-1:]:
        out = interpolate(in_float(out), size, mode=mode.value, antialias=smooth and bool(antialias))
        out = rounded_to(clamp(out, 0, 255) if mode.value == "bicubic" and dtype == "uint8" else out, dtype)
    return out.reshape(shape[:-2] + (height_to, width_to))


PAD_MODES = ("constant", "edge", "reflect", "symmetric")


def sides(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom), given so, or as (left and right, top and bottom), or as one number."""
    each = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,)
    if not all(isinstance(n, int) for n in each):
        raise TypeError(f"Pad: padding is made of ints, got {padding!r}")
    if len(each) not in (1, 2, 4):
        raise ValueError("Pad: padding is a number, (left and right, top and bottom), or (left, top, right, bottom), got "
                         f"{padding!r}")
    return each * 4 if len(each) == 1 else each * 2 if len(each) == 2 else each     # type: ignore[return-value]


def fill_for(img: Any, fill: Any) -> Any:
    """The colour to fill with, as a picture of this kind holds it."""
    count = len(img.getbands())
    each = tuple(fill) if isinstance(fill, (tuple, list)) else (0 if fill is None else fill,)
    if len(each) not in (1, count):
        raise ValueError(f"fill: one number, or one for each of the {count} channels of a picture of mode {img.mode}, got {fill!r}")
    each = each * (count // len(each))
    each = each if img.mode == "F" else tuple([int(n) for n in each])
    return each[0] if count == 1 else each


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """img with a border: padding on each side, or (left and right, top and bottom), or (left, top, right, bottom).

    padding_mode: "constant" (the colour `fill`), "edge" (the outermost pixels again), "reflect" or "symmetric" (mirrored, the
    outermost pixels once or twice).  What is below 0 is cut off instead.
    """
    left, top, right, bottom = sides(padding)
    if padding_mode not in PAD_MODES:
        raise ValueError(f"Pad: padding_mode is one of {', '.join(PAD_MODES)}, got {padding_mode!r}")
    tensor = is_tensor(img, "Pad")
    if tensor and not isinstance(fill, (int, float, type(None))):
        raise TypeError(f"Pad: a tensor is filled with one number, got fill={fill!r}: pad the picture, before ToTensor()")
    _, height, width = dimensions(img, "Pad")
    if padding_mode == "constant":
        if not tensor:
            out = pillow().new(img.mode, (width + left + right, height + top + bottom), fill_for(img, fill))
            if img.mode == "P":
                out.putpalette(img.getpalette())
            out.paste(img, (left, top))
            return out
        from ...nn.functional import pad as pad_tensor
        return pad_tensor(img, (left, right, top, bottom), value=fill or 0)
    rows, columns = mirrored(height, top, bottom, padding_mode), mirrored(width, left, right, padding_mode)
    if tensor:
        return picked(img, rows, columns)
    out = picture_of(array_of(img)[rows][:, columns], img.mode)
    if img.mode == "P":
        out.putpalette(img.getpalette())
    return out


def picked(img: Tensor, rows: Any, columns: Any) -> Tensor:
    """The pixels in these rows and columns of a tensor."""
    rows, columns = [made(backend.to_device(index, backend.device_of(img.array))) for index in (rows, columns)]
    return img[..., rows, :][..., columns]


def mirrored(n: int, before: int, behind: int, mode: str) -> Any:
    """Which of n pixels are there after padding."""
    np: Any = backend.host
    return np.pad(np.arange(max(-before, 0), n - max(-behind, 0)), (max(before, 0), max(behind, 0)), mode)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The part of img that begins at (top, left); what is off the image is 0."""
    if not is_tensor(img, "crop"):
        return img.crop((left, top, left + width, top + height))
    _, rows, columns = dimensions(img, "crop")
    part = img[..., max(top, 0):max(top + height, 0), max(left, 0):max(left + width, 0)]
    _, has_rows, has_columns = dimensions(part, "crop")
    if (has_rows, has_columns) == (height, width):
        return part
    above, before = min(max(-top, 0), height - has_rows), min(max(-left, 0), width - has_columns)
    return pad(part, (before, above, width - has_columns - before, height - has_rows - above))


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of img, (height, width) of it; what is off the image is 0."""
    height_to, width_to = pair("CenterCrop", output_size)
    _, height, width = dimensions(img, "CenterCrop")
    if width_to > width or height_to > height:
        wider, higher = max(width_to - width, 0), max(height_to - height, 0)
        img = pad(img, (wider // 2, higher // 2, (wider + 1) // 2, (higher + 1) // 2))
        _, height, width = dimensions(img, "CenterCrop")
    return crop(img, round((height - height_to) / 2), round((width - width_to) / 2), height_to, width_to)


def resized_crop(img: Any, top: int, left: int, height: int, width: int, size: Any,
                 interpolation: Any = InterpolationMode.BILINEAR, antialias: bool | None = True) -> Any:
    """`crop`, then `resize`."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def five_crop(img: Any, size: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The corners, top left, top right, bottom left, bottom right, and the middle."""
    h, w = pair("FiveCrop", size)
    _, height, width = dimensions(img, "FiveCrop")
    if h > height or w > width:
        raise ValueError(f"FiveCrop: parts {(h, w)} are larger than the image, {height} high and {width} wide")
    return (crop(img, 0, 0, h, w), crop(img, 0, width - w, h, w), crop(img, height - h, 0, h, w),
            crop(img, height - h, width - w, h, w), center_crop(img, (h, w)))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """`five_crop` of img, and of img mirrored."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def hflip(img: Any) -> Any:
    """img mirrored, left and right changed."""
    return flip(img, (-1,)) if is_tensor(img, "hflip") else img.transpose(pillow().Transpose.FLIP_LEFT_RIGHT)


def vflip(img: Any) -> Any:
    """img mirrored, top and bottom changed."""
    return flip(img, (-2,)) if is_tensor(img, "vflip") else img.transpose(pillow().Transpose.FLIP_TOP_BOTTOM)


def rotate(img: Any, angle: float, interpolation: Any = InterpolationMode.NEAREST, expand: bool = False, center: Any = None,
           fill: Any = None) -> Any:
    """img turned by so many degrees against the clock.

    expand: make the image as large as the turned one, rather than cut its corners off (about the centre only).
    center: (x, y) that stays where it is, from the top left corner; by default the centre.      fill: the colour of what comes in.
    """
    mode = mode_of("rotate", interpolation)
    if not isinstance(angle, (int, float)) or not (center is None or isinstance(center, (list, tuple)) and len(center) == 2):
        raise TypeError(f"rotate: angle is a number of degrees and center (x, y) or None, got angle={angle!r}, center={center!r}")
    if not is_tensor(img, "rotate", 3):
        return img.rotate(angle, PIL_NUMBERS[mode], expand, center, fillcolor=fill_for(img, fill))
    return geometry.rotate(img, angle, mode.value, expand, center, fill)


def affine(img: Any, angle: float, translate: Any, scale: float, shear: Any,
           interpolation: Any = InterpolationMode.NEAREST, fill: Any = None, center: Any = None) -> Any:
    """img turned by `angle` degrees with the clock, sheared by `shear` degrees, scaled, and moved by translate pixels (x, y).

    shear: along x, or (along x, along y).        center: (x, y) that only translate moves, from the top left corner.
    fill: the colour of what comes in.
    """
    mode = mode_of("affine", interpolation)
    if not (isinstance(angle, (int, float)) and isinstance(translate, (list, tuple))
            and isinstance(shear, (int, float, list, tuple))):
        raise TypeError("affine: angle is a number, translate is (x, y), shear a number or (x, y), got "
                        f"angle={angle!r}, translate={translate!r}, shear={shear!r}")
    if not (center is None or isinstance(center, (list, tuple))):
        raise TypeError(f"affine: center is (x, y) or None, got {center!r}")
    shear = tuple(shear) * (2 // len(shear)) if isinstance(shear, (list, tuple)) and shear else (shear, 0)
    if len(translate) != 2 or len(shear) != 2 or scale <= 0:
        raise ValueError("affine: translate and shear are pairs and scale is above 0, got "
                         f"translate={translate!r}, scale={scale!r}, shear={shear!r}")
    _, height, width = dimensions(img, "affine")
    matrix = geometry.inverse_affine(center or (width / 2, height / 2), angle, translate, scale, shear)
    if not is_tensor(img, "affine", 3):
        Image = pillow()
        return img.transform(img.size, Image.Transform.AFFINE, matrix, PIL_NUMBERS[mode], fillcolor=fill_for(img, fill))
    return geometry.sampled(img, matrix, (height, width), mode.value, fill)


# ---- colour -----------------------------------------------------------------------------------------------------
def blended(img: Tensor, other: Any, factor: float, name: str) -> Tensor:
    """factor · img + (1 - factor) · other, kept within black and white."""
    if factor < 0:
        raise ValueError(f"{name}: the factor is 0 or more, got {factor}")
    dtype = img.array.dtype
    return converted(clamp(float(factor) * img + (1.0 - factor) * other, 0, largest(dtype)), dtype)


def is_coloured(img: Any, name: str) -> bool:
    """`is_tensor`, with 1 or 3 channels if it is one."""
    tensor = is_tensor(img, name, 3)
    if tensor and img.array.shape[-3] not in (1, 3):
        raise errors.WrongType(f"{name}: a tensor has 1 or 3 channels (axis -3), got shape {tuple(img.array.shape)}")
    return tensor


def from_0_to_1(img: Tensor) -> Tensor:
    """In floating point, white being 1."""
    return img if img.array.dtype.kind == "f" else convert_image_dtype(img, "float32")


def enhanced(img: Any, how: str, factor: float) -> Any:
    return getattr(pillow("ImageEnhance"), how)(img).enhance(factor)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0: black, 1: img as it is, 2: twice as bright."""
    if not is_coloured(img, "adjust_brightness"):
        return enhanced(img, "Brightness", brightness_factor)
    return blended(img, 0, brightness_factor, "adjust_brightness")


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0: the mean grey, 1: img as it is, 2: twice as far from it."""
    if not is_coloured(img, "adjust_contrast"):
        return enhanced(img, "Contrast", contrast_factor)
    grey = colour.grey(img) if img.array.shape[-3] == 3 else img
    return blended(img, mean_of(in_float(grey), (-3, -2, -1), keepdim=True), contrast_factor, "adjust_contrast")


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0: grey, 1: img as it is, 2: twice as colourful."""
    if not is_coloured(img, "adjust_saturation"):
        return enhanced(img, "Color", saturation_factor)
    return img if img.array.shape[-3] == 1 else blended(img, colour.grey(img), saturation_factor, "adjust_saturation")


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Colours turned round the circle of hues: by nothing (0) to half of it (-0.5 or 0.5: the opposite colours)."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"adjust_hue: hue_factor is from -0.5 to 0.5, got {hue_factor}")
    if not is_coloured(img, "adjust_hue"):
        if img.mode in ("L", "1", "I", "F", "LA"):
            return img
        shift = int(hue_factor * 255)
        hue, saturation, value = (img.convert("RGB") if img.mode == "RGBA" else img).convert("HSV").split()
        hue = hue.point([(level + shift) % 256 for level in range(256)])
        out = pillow().merge("HSV", (hue, saturation, value)).convert("RGB" if img.mode == "RGBA" else img.mode)
        if img.mode == "RGBA":
            out.putalpha(img.getchannel("A"))
        return out
    if img.array.shape[-3] == 1:
        return img
    return convert_image_dtype(colour.turned(from_0_to_1(img), hue_factor), img.array.dtype)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain · img^gamma, white being 1: gamma above 1 darkens what is dark, below 1 brightens it."""
    if gamma < 0:
        raise ValueError(f"adjust_gamma: gamma is 0 or more, got {gamma}")
    if not is_coloured(img, "adjust_gamma"):
        levels = [int((255 + 1 - 1e-3) * gain * (level / 255) ** gamma) for level in range(256)]
        return img.convert("RGB").point(levels * 3).convert(img.mode)
    return convert_image_dtype(clamp(gain * from_0_to_1(img) ** gamma, 0, 1), img.array.dtype)


def invert(img: Any) -> Any:
    """The negative."""
    return largest(img.array.dtype) - img if is_coloured(img, "invert") else pillow("ImageOps").invert(img)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """A PIL picture in shades of grey, of mode L, or RGB with three equal channels."""
    if not is_picture(img):
        raise TypeError(f"to_grayscale takes a PIL picture, got {type(img).__name__}: rgb_to_grayscale takes tensors too")
    return rgb_to_grayscale(img, num_output_channels)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """img in shades of grey, in 1 channel or in 3 equal ones."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"Grayscale: num_output_channels is 1 or 3, got {num_output_channels}")
    if not is_coloured(img, "Grayscale"):
        out = img.convert("L")
        return out if num_output_channels == 1 else pillow().merge("RGB", (out,) * 3)
    out = colour.grey(img) if img.array.shape[-3] == 3 else img.clone()
    shape = tuple(img.array.shape)
    return out if num_output_channels == 1 else out.expand(shape[:-3] + (3,) + shape[-2:])


# ---- blurred ----------------------------------------------------------------------------------------------------
def kernel_sizes(name: str, kernel_size: Any) -> tuple[int, int]:
    """(width, height) of what is mixed, odd numbers."""
    each = tuple(kernel_size) if isinstance(kernel_size, (tuple, list)) else (kernel_size, kernel_size)
    if len(each) != 2 or not all(isinstance(n, int) and n > 0 and n % 2 for n in each):
        raise (ValueError if all(isinstance(n, int) for n in each) else TypeError)(
            f"{name}: kernel_size is an odd number above 0, or two of them for (width, height), got {kernel_size!r}")
    return each


def blurring(n: int, size: int, sigma: float) -> Any:
    """The matrix (n, n) that mixes each of n pixels in a line with its neighbours; what is off the edge is mirrored."""
    np = backend.host
    half = size // 2
    weights = np.exp(-(np.arange(-half, half + 1) / sigma) ** 2 / 2)
    lines = np.eye(n)[mirrored(n, half, half, "reflect")]       # row i picks the pixel that is at i after padding
    return sum([w * lines[i:i + n] for i, w in enumerate(weights / weights.sum())])


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """img out of focus: each pixel is the mean of those around it, with weights exp(-d² / 2σ²), d being the distance.

    kernel_size: over how many pixels, an odd number, or (width, height).        sigma: σ, or (σ along x, σ along y);
    None: 0.15 · kernel_size + 0.35.
    """
    sizes = kernel_sizes("gaussian_blur", kernel_size)
    sigmas: Any = [0.15 * size + 0.35 for size in sizes] if sigma is None else sigma
    sigmas = tuple(sigmas) if isinstance(sigmas, (tuple, list)) else (sigmas,)
    if not all(isinstance(each, (int, float)) for each in sigmas):
        raise TypeError(f"gaussian_blur: sigma is a number, or two, got {sigma!r}")
    if len(sigmas) not in (1, 2) or min(sigmas) <= 0:
        raise ValueError(f"gaussian_blur: sigma is a number above 0, or two, got {sigma!r}")
    if not is_tensor(img, "gaussian_blur", 3):
        return to_pil_image(gaussian_blur(pil_to_tensor(img), kernel_size, sigma), img.mode)
    dtype, out = img.array.dtype, in_float(img)
    height, width = img.array.shape[-2:]
    if sizes[0] // 2 >= width or sizes[1] // 2 >= height:
        raise ValueError(f"gaussian_blur: kernel_size {sizes} is too large for an image {height} high and {width} wide")
    along_x, along_y = [made(backend.to_device(blurring(n, size, σ).astype(out.array.dtype), backend.device_of(img.array)))
                        for n, size, σ in zip((width, height), sizes, (sigmas[0], sigmas[-1]))]
    return rounded_to(along_y @ out @ along_x.T, dtype)


# ---- numbers ----------------------------------------------------------------------------------------------------
def normalize(tensor: Any, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """(tensor - mean) / std, for each channel its own mean and standard deviation."""
    needs_tensor(tensor, "Normalize")
    dtype = tensor.array.dtype
    if dtype.kind != "f":
        raise errors.WrongType(f"Normalize takes floating-point numbers, got {tensor.dtype}: ToTensor() makes them, or "
                               "ConvertImageDtype()")
    channels, each = tensor.array.shape[-3], []
    for name, given in (("mean", mean), ("std", std)):
        array = given.array if isinstance(given, autograd.Tensor) else backend.host.asarray(given)
        if array.dtype.kind not in "iuf":
            raise errors.WrongType(f"Normalize: {name} is made of numbers, one for each channel, got {given!r}")
        array = backend.to_device(array.astype(dtype), backend.device_of(tensor.array))
        if array.ndim == 1:
            if len(array) not in (1, channels):
                hint = ", or put Grayscale(3) before ToTensor()" if channels == 1 and len(array) == 3 else ""
                raise errors.ShapeError(f"Normalize: the image of shape {tuple(tensor.array.shape)} has {channels} channels (axis "
                                        f"-3), and {name} has {len(array)} numbers: give one for each channel{hint}")
            array = array[:, None, None]
        each.append(made(array))
    if bool((each[1].array == 0).any()):
        raise errors.WrongValue(f"Normalize: std has a 0 in {dtype}, and is divided by: got {std}")
    return tensor.sub_(each[0]).div_(each[1]) if inplace else (tensor - each[0]) / each[1]


def erase(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """img with v put over the h x w pixels that begin in row i and column j."""
    needs_tensor(img, "erase", 2)
    out = img if inplace else img.clone()
    out[..., i:i + h, j:j + w] = v
    return out
