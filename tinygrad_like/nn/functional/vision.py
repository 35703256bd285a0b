"""Images in another size: resampled, or their pixels rearranged."""
from __future__ import annotations

import functools
import math
import warnings
from typing import TYPE_CHECKING, Any

from ... import backend, errors, ops
from ...functions.common import check_inputs
from ...functions.shape import ints
from ...ops import resize
from ...ops.pool import Windows
from .pooling import bin_means, matrix_for

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["interpolate", "upsample", "upsample_nearest", "upsample_bilinear", "pixel_shuffle", "pixel_unshuffle",
           "channel_shuffle", "grid_sample", "affine_grid"]

MODES = {1: ("nearest", "nearest-exact", "area", "linear"), 2: ("nearest", "nearest-exact", "area", "bilinear", "bicubic"),
         3: ("nearest", "nearest-exact", "area", "trilinear")}
SMOOTH = {"linear": resize.linear_weights, "bilinear": resize.linear_weights, "trilinear": resize.linear_weights,
          "bicubic": resize.cubic_weights}


# ---- resampled --------------------------------------------------------------------------------------------------
def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
                recompute_scale_factor: bool | None = None, antialias: bool = False) -> Tensor:
    """input, (N, C, L), (N, C, H, W) or (N, C, D, H, W), with its last dims resized.

    size or scale_factor: what to, or by how much; one number, or one for each dim.
    mode: "nearest" or "nearest-exact" repeat pixels (those under the left edge or under the centre of the new one);  "linear",
        "bilinear", "trilinear" (in 1, 2, 3 dims) mix the two neighbours along each dim, "bicubic" the four;  "area" takes means.
    align_corners: the centres of the first and of the last pixels stay where they are, rather than the edges of the image.
    recompute_scale_factor: with a scale_factor that does not fit evenly, step by what the sizes come to, not by the factor.
    antialias: shrink ("bilinear" or "bicubic") by mixing all the pixels that come together in one, not only the nearest few.
    """
    shape = tuple(input.array.shape)
    dims = len(shape) - 2
    check_mode(shape, dims, mode, align_corners)
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(f"interpolate: antialias=True is for bilinear and bicubic, and mode is {mode!r}: mode='area' takes "
                         "means of all pixels as well")
    sizes, factors = target_sizes(shape, size, scale_factor, recompute_scale_factor or (mode == "area" and size is None))
    if 0 in shape[1:] or min(sizes) < (mode != "area"):
        raise errors.ShapeError(f"interpolate: input of shape {shape} is to be resized to {sizes}: all sizes but that of the batch "
                                "are at least 1")
    if mode in SMOOTH and input.array.dtype.kind != "f":
        raise errors.WrongType(f"interpolate: mode {mode!r} mixes floating-point numbers, got {input.dtype}: convert first, as in "
                               "x.float()")
    if mode == "area":
        return bin_means(input, sizes)

    weights: Any = functools.partial(resize.filtered_weights, cubic=mode == "bicubic") if antialias else SMOOTH.get(mode)
    out = input
    blocks: list[Windows] = []                                  # dims in which each pixel becomes so many equal ones
    for axis, (n, count, factor) in enumerate(zip(shape[2:], sizes, factors), 2):
        step = 1 / factor if factor else n / count
        if mode in SMOOTH:
            if n != count or (mode == "bicubic" and step != 1 and not align_corners):       # as PyTorch: else the same pixels
                out = ops.resample(out, matrix=matrix_for(input, weights(n, count, step, bool(align_corners))), axis=axis)
            continue
        indices = resize.nearest_indices(n, count, step, mode == "nearest-exact")
        k = count // n or 1
        if input.array.dtype.kind == "f" and len(indices) == n * k and (indices == backend.host.arange(count) // k).all():
            blocks.append(Windows(k, k, 0, 1, n))
            continue
        blocks.append(Windows(1, 1, 0, 1, count))
        if n != count or (indices != backend.host.arange(n)).any():
            out = ops.nearest(out, indices=backend.to_device(indices, backend.device_of(input.array)), axis=axis)
    if any([w.size > 1 for w in blocks]):
        out = ops.avg_spread(out, windows=tuple(blocks), divisor=1, into=shape[:2] + sizes)
    return ops.clone(out) if out is input else out


def check_mode(shape: tuple[int, ...], dims: int, mode: str, align_corners: bool | None) -> None:
    known = sorted({name for names in MODES.values() for name in names})
    if mode not in known or dims not in MODES:
        raise NotImplementedError("interpolate: input has the shape (N, C, L), (N, C, H, W) or (N, C, D, H, W), and mode is one of "
                                  f"{', '.join(known)}; got shape {shape} and mode={mode!r}")
    if mode not in MODES[dims]:
        wanted = next(n for n in MODES if mode in MODES[n])
        raise NotImplementedError(f"interpolate: got {dims + 2}D input, of shape {shape}, and mode {mode!r} is for {wanted + 2}D: "
                                  f"here there are {', '.join(MODES[dims])}" + (
                                      ".  A single image needs a batch: x.unsqueeze(0)" if wanted == dims + 1 else ""))
    if align_corners is not None and mode not in SMOOTH:
        raise ValueError(f"interpolate: align_corners is for the modes {', '.join(SMOOTH)}, and mode is {mode!r}")


def target_sizes(shape: tuple[int, ...], size: Any, scale_factor: Any, recompute: bool) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """The sizes of the result, and the factor that each dim is scaled by, None where it is the one that the sizes come to."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor, " + ("got neither" if size is None else "got both"))
    name, given, dims = ("scale_factor", scale_factor, len(shape) - 2) if size is None else ("size", size, len(shape) - 2)
    each = tuple(given) if isinstance(given, (tuple, list)) else (given,) * dims
    if len(each) != dims:
        raise ValueError(f"interpolate: {name} is a number, or one for each of the {dims} dims after the batch and the channels of "
                         f"input, of shape {shape}; got {given!r}")
    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor=True is for a scale_factor, and size was given")
        return ints((each,), "interpolate: size"), (None,) * dims
    factors = tuple([float(factor) for factor in each])
    return tuple([int(math.floor(n * factor)) for n, factor in zip(shape[2:], factors)]), (None,) * dims if recompute else factors


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:
    """`interpolate`, under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate(mode='nearest')`, under its old name."""
    return interpolate(input, size, scale_factor)


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate(mode='bilinear', align_corners=True)`, under its old name."""
    return interpolate(input, size, scale_factor, "bilinear", True)


# ---- rearranged -------------------------------------------------------------------------------------------------
def rearranged(input: Tensor, split: tuple[int, ...], axes: tuple[int, ...], to: tuple[int, ...]) -> Tensor:
    """input with its dims but the first few split up, put in another order, and joined again."""
    lead = input.array.shape[:input.ndim - 3]
    out = ops.reshape(input, to=lead + split)
    out = ops.transpose(out, axes=tuple(range(len(lead))) + tuple([len(lead) + a for a in axes]))
    return ops.reshape(out, to=lead + to)


def check_image(name: str, input: Tensor, factor: Any, what: str) -> tuple[int, int, int]:
    if input.ndim < 3:
        raise errors.ShapeError(f"{name}: input has the shape (…, C, H, W), got {tuple(input.array.shape)}")
    if factor < 1:
        raise errors.WrongValue(f"{name}: {what} is at least 1, got {factor}")
    channels, height, width = input.array.shape[-3:]
    return channels, height, width


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(…, C r², H, W) as (…, C, H r, W r): r² channels become the r x r pixels of one that is r times as large."""
    r = upscale_factor
    channels, height, width = check_image("pixel_shuffle", input, r, "upscale_factor")
    if channels % (r * r):
        raise errors.ShapeError(f"pixel_shuffle: input of shape {tuple(input.array.shape)} has {channels} channels (axis -3), "
                                f"which is no multiple of upscale_factor² = {r * r}")
    c = channels // (r * r)
    return rearranged(input, (c, r, r, height, width), (0, 3, 1, 4, 2), (c, height * r, width * r))


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(…, C, H r, W r) as (…, C r², H, W): `pixel_shuffle` undone."""
    r = downscale_factor
    c, height, width = check_image("pixel_unshuffle", input, r, "downscale_factor")
    if height % r or width % r:
        raise errors.ShapeError(f"pixel_unshuffle: input of shape {tuple(input.array.shape)} is {height} high and {width} wide, "
                                f"and both are to be multiples of downscale_factor {r}")
    return rearranged(input, (c, height // r, r, width // r, r), (0, 2, 4, 1, 3), (c * r * r, height // r, width // r))


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, C, …) with its channels, in so many groups, dealt out anew: the first of each group, then the second of each …"""
    shape = tuple(input.array.shape)
    if len(shape) < 3:
        raise errors.ShapeError(f"channel_shuffle: input has the shape (N, C, …), of at least 3 dims, got {shape}")
    if groups < 1 or shape[1] % groups:
        raise errors.ShapeError(f"channel_shuffle: input of shape {shape} has {shape[1]} channels (axis 1), which {groups} groups "
                                "do not divide")
    out = ops.reshape(input, to=(shape[0], groups, shape[1] // groups) + shape[2:])
    return ops.reshape(ops.swapaxes(out, axis1=1, axis2=2), to=shape)


# ---- sampled anywhere -------------------------------------------------------------------------------------------
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Where an affine map takes each pixel of an image of the given size: (N, H, W, 2), of (x, y) from -1 to 1, for `grid_sample`.

    theta: the maps, (N, 2, 3); or (N, 3, 4) for volumes.         size: (N, C, H, W), or (N, C, D, H, W).
    """
    sizes = ints((size,), "affine_grid: size")
    dims = len(sizes) - 2
    if dims not in (2, 3) or min(sizes) < 1:
        raise errors.ShapeError(f"affine_grid: size is (N, C, H, W) or (N, C, D, H, W), all at least 1, got {sizes}")
    if tuple(theta.array.shape) != (sizes[0], dims, dims + 1):
        raise errors.ShapeError(f"affine_grid: for size {sizes}, theta has the shape {(sizes[0], dims, dims + 1)}, got "
                                f"{tuple(theta.array.shape)}")
    np = backend.host
    lines = [np.linspace(-1, 1, n) * (1 if align_corners else (n - 1) / n) if n > 1 else np.zeros(1) for n in sizes[2:]]
    places = np.meshgrid(*lines, indexing="ij")[::-1]           # x, the last dim, comes first
    base = np.stack([*places, np.ones_like(places[0])], -1).reshape(-1, dims + 1)
    out = ops.matmul(matrix_for(theta, base), ops.swapaxes(theta, axis1=1, axis2=2))        # (N, H · W, 2)
    return ops.reshape(out, to=(sizes[0],) + sizes[2:] + (dims,))


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:
    """input, (N, C, H, W), looked up at the places of grid, (N, H', W', 2): (N, C, H', W').  Volumes likewise, with a dim more.

    grid: (x, y), the image reaching from -1 to 1; with align_corners these are the centres of its outermost pixels, else the edges.
    mode: "bilinear" (which mixes the nearest 2 x 2 pixels, or 2 x 2 x 2) or "nearest".
    padding_mode: what is off the image: "zeros", the "border", or its "reflection".
    """
    if mode not in ("bilinear", "nearest") or padding_mode not in ("zeros", "border", "reflection"):
        kind = NotImplementedError if mode == "bicubic" else ValueError
        raise kind("grid_sample: mode is 'bilinear' or 'nearest' and padding_mode 'zeros', 'border' or 'reflection', got "
                   f"{mode!r} and {padding_mode!r}")
    shape, places = tuple(input.array.shape), tuple(grid.array.shape)
    dims = len(shape) - 2
    if dims not in (2, 3) or len(places) != dims + 2 or places[0] != shape[0] or places[-1] != dims or 0 in shape[1:]:
        raise errors.ShapeError("grid_sample: input has the shape (N, C, H, W) and grid (N, H', W', 2), or both a dim more and "
                                f"3; got {shape} and {places}")
    if align_corners is None:
        warnings.warn("grid_sample: align_corners=False is the default; say so, or say True", stacklevel=3)

    corners: list[tuple[Any, Any]] = [(0, 1.0)]                 # the pixels around each place: (which in the flat image, weight)
    for axis, n in enumerate(shape[2:]):
        place = pixel_place(grid[..., dims - 1 - axis], n, bool(align_corners))
        if padding_mode == "reflection":
            place = reflected(place, n, bool(align_corners))
        if padding_mode != "zeros":
            place = ops.clip(place, 0, n - 1)
        if mode == "nearest":
            ends = [(ops.round(place.array), 0 * place + 1)]
        else:
            left = ops.floor(place.array)
            ends = [(left, 1 - (place - left)), (left + 1, place - left)]
        ends = [(ops.clip(at, 0, n - 1).astype("int64"), ops.masked(weight, keep=(at >= 0) & (at < n))) for at, weight in ends]
        corners = [(index * n + at, here * weight) for index, here in corners for at, weight in ends]

    count = math.prod(places[1:-1])
    pixels = ops.reshape(input, to=shape[:2] + (math.prod(shape[2:]),))
    out: Any = 0
    for index, weight in corners:
        index = ops.broadcast_to(index.reshape(shape[0], 1, count), to=shape[:2] + (count,))
        out = out + ops.take_along_axis(pixels, indices=index, axis=-1) * ops.reshape(weight, to=(shape[0], 1, count))
    return ops.reshape(out, to=shape[:2] + places[1:-1])


def pixel_place(place: Tensor, n: int, aligned: bool) -> Tensor:
    """-1 … 1 in coordinates in which pixel i is at i."""
    return (place + 1) * ((n - 1) / 2) if aligned else ((place + 1) * n - 1) / 2


def reflected(place: Tensor, n: int, aligned: bool) -> Tensor:
    """Brought onto the image by reflection at the centres of the outermost pixels (aligned), or at its edges."""
    low, span = (0.0, float(n - 1)) if aligned else (-0.5, float(n))
    if span == 0:
        return place * 0
    away = ops.abs(place - low)
    turns = ops.floor(away.array / span)
    back = turns % 2                                            # after an odd number of reflections it runs backwards
    rest = away - turns * span
    return rest * (1 - 2 * back) + (span * back + low)


check_inputs(globals(), __all__)
