"""Images turned, scaled, sheared and moved: where each pixel of the result comes from, and tensors looked up there.

A point of the image is (x, y), from its top left corner; pixel i reaches from i to i + 1.  A map is the six numbers of

    x' = m₀ x + m₁ y + m₂           y' = m₃ x + m₄ y + m₅

from the result back to the image.  Tensors are looked up as Pillow does it, down to its rounding of coordinates.
"""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ... import backend
from ...functions.convert import converted
from ...functions.creation import made
from ...functions.elementwise import round as rounded, where
from ...functions.shape import flip

if TYPE_CHECKING:
    from ...tensor import Tensor

Map = tuple[float, float, float, float, float, float]


def inverse_affine(center: Any, angle: float, translate: Any, scale: float, shear: Any) -> Map:
    """The map back of  p ↦ center + translate + scale · R Y X (p - center)  where

            ⎡cos θ  -sin θ⎤          ⎡    1      0⎤          ⎡1  -tan α⎤
        R = ⎣sin θ   cos θ⎦      Y = ⎣-tan β     1⎦      X = ⎣0      1 ⎦       θ = angle, (α, β) = shear, in degrees.

    Y runs down the image, so that R turns with the clock.  R Y X has determinant 1, which makes it easy to invert.
    """
    turn, along_x, along_y = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a, c = math.cos(turn - along_y) / math.cos(along_y), math.sin(turn - along_y) / math.cos(along_y)       # of R Y
    b, d = -math.sin(turn) - a * math.tan(along_x), math.cos(turn) - c * math.tan(along_x)                  # of R Y X
    (cx, cy), (tx, ty) = center, translate
    m0, m1, m3, m4 = d / scale, -b / scale, -c / scale, a / scale
    return m0, m1, m0 * (-cx - tx) + m1 * (-cy - ty) + cx, m3, m4, m3 * (-cx - tx) + m4 * (-cy - ty) + cy


def rotate(img: Tensor, angle: float, mode: str, expand: bool, center: Any, fill: Any) -> Tensor:
    """A tensor turned against the clock.  Right angles move pixels, and mix none."""
    height, width = img.array.shape[-2:]
    angle = angle % 360
    if center is None and (angle in (0, 180) or angle in (90, 270) and (expand or height == width)):
        if angle in (0, 180):
            return flip(img, (-1, -2)) if angle else img.clone()
        return flip(img.transpose(-1, -2), (-2 if angle == 90 else -1,))
    turn = -math.radians(angle)
    cos, sin = round(math.cos(turn), 15), round(math.sin(turn), 15)
    cx, cy = center or (width / 2, height / 2)
    x, y = at((cos, sin, 0.0, -sin, cos, 0.0), -cx, -cy)
    matrix: Map = (cos, sin, x + cx, -sin, cos, y + cy)
    size = (height, width)
    if expand:
        corners = [at(matrix, x, y) for x, y in ((0, 0), (width, 0), (width, height), (0, height))]
        wide, high = [math.ceil(max(along)) - math.floor(min(along)) for along in zip(*corners)]
        x, y = at(matrix, -(wide - width) / 2, -(high - height) / 2)
        matrix, size = (cos, sin, x, -sin, cos, y), (high, wide)
    return sampled(img, matrix, size, mode, fill)


def at(m: Map, x: float, y: float) -> tuple[float, float]:
    return m[0] * x + m[1] * y + m[2], m[3] * x + m[4] * y + m[5]


def sampled(img: Tensor, matrix: Map, size: tuple[int, int], mode: str, fill: Any) -> Tensor:
    """The image (…, C, H, W) looked up at the centres of a result of that (height, width), mapped back; elsewhere, `fill`.

    mode: "nearest", the pixel it is in;  "bilinear", the four around it mixed, the outermost being repeated off the edge.
    """
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"tensors are turned and moved by the interpolations nearest and bilinear, got {mode}: do it to the "
                         "picture, before ToTensor()")
    np, dtype, (height, width) = backend.host, img.array.dtype, img.array.shape[-2:]
    channels = img.array.shape[-3]
    colours = tuple(fill) if isinstance(fill, (tuple, list)) else (fill or 0,)
    if len(colours) not in (1, channels):
        raise ValueError(f"fill: one number, or one for each of the {channels} channels, got {fill!r}")
    y, x = np.arange(size[0])[:, None], np.arange(size[1])
    if mode == "nearest":
        if matrix[1] == matrix[3] == 0:
            columns, rows = steps(matrix[2], matrix[0], size[1]), steps(matrix[5], matrix[4], size[0])[:, None]
        else:
            columns, rows = [in_steps(line, x, y) for line in (matrix[:3], matrix[3:])]
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        corners = [(rows, columns, None)]
    else:
        place_x, place_y = at(matrix, x + 0.5, y + 0.5)         # type: ignore[arg-type]
        inside = (place_x >= 0) & (place_x < width) & (place_y >= 0) & (place_y < height)
        left, above = np.floor(place_x - 0.5), np.floor(place_y - 0.5)
        across, down = place_x - 0.5 - left, place_y - 0.5 - above
        corners = [(above + i, left + j, (down if i else 1 - down) * (across if j else 1 - across)) for i in (0, 1) for j in (0, 1)]

    def there(array: Any) -> Any:
        return made(backend.to_device(np.ascontiguousarray(array), backend.device_of(img.array)))

    kind = dtype if dtype.kind == "f" else np.dtype("float32")
    lines = (img if mode == "nearest" else converted(img, kind)).reshape(tuple(img.array.shape[:-2]) + (height * width,))
    out: Any = None
    for rows, columns, weight in corners:
        index = rows.clip(0, height - 1).astype("int64") * width + columns.clip(0, width - 1).astype("int64")
        pixels = lines[..., there(index)]                       # (…, C, *size)
        pixels = pixels if weight is None else pixels * there(weight.astype(kind))
        out = pixels if out is None else out + pixels
    if not inside.all():
        out = where(there(inside), out, there(np.array(colours, out.array.dtype)[:, None, None]))
    return out if out.array.dtype == dtype else converted(rounded(out), dtype)


# Pixels whose centre falls on an edge between two go to either by rounding: Pillow's is done here too.
def steps(offset: float, step: float, count: int) -> Any:
    """Which pixel step · (i + ½) + offset is in, for i from 0, the steps being added one after the other."""
    np = backend.host
    return np.floor(np.cumsum(np.concatenate([[offset + step * 0.5], np.full(count - 1, step)]))).astype("int64")


def in_steps(line: Any, x: Any, y: Any) -> Any:
    """Which pixel m₀ (x + ½) + m₁ (y + ½) + m₂ is in, counted in steps of 2⁻¹⁶, as Pillow counts."""
    start, along, down = [math.floor(v * 65536 + 0.5) for v in (line[2] + (line[0] + line[1]) / 2, line[0], line[1])]
    return (start + along * x + down * y) >> 16
