"""Colours of tensors (…, 3, H, W): shades of grey, and hues turned round their circle."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...functions.convert import converted
from ...functions.elementwise import maximum, minimum, remainder, where
from ...functions.shape import stack

if TYPE_CHECKING:
    from ...tensor import Tensor


def grey(img: Tensor) -> Tensor:
    """0.2989 r + 0.587 g + 0.114 b, as bright as the eye sees it: (…, 1, H, W).  (ITU-R 601-2)"""
    r, g, b = [img[..., k:k + 1, :, :] for k in range(3)]
    return converted(0.2989 * r + 0.587 * g + 0.114 * b, img.array.dtype)


def turned(img: Tensor, by: float) -> Tensor:
    """Red, green and blue from 0 to 1, with the hue turned by that part of the circle, brightness and saturation as they were.

        v = max(r, g, b)          c = v - min(r, g, b)          h = (g - b)/c, or 2 + (b - r)/c, or 4 + (r - g)/c, mod 6,

    by which of r, g, b is the largest;  and back again, for n = 5, 3, 1 (red, green, blue):

        v - c · max(0, min(k, 4 - k, 1))        k = (n + h) mod 6
    """
    r, g, b = [img[..., k, :, :] for k in range(3)]
    v: Any = maximum(maximum(r, g), b)
    c = v - minimum(minimum(r, g), b)
    step = where(c == 0, 1.0, c)                                # grey has no hue: any will do
    h = where(v == r, (g - b) / step, where(v == g, 2 + (b - r) / step, 4 + (r - g) / step)) + 6 * by
    waves = [remainder(n + h, 6) for n in (5, 3, 1)]
    return stack([v - c * minimum(minimum(k, 4 - k), v * 0 + 1).clamp(min=0) for k in waves], -3)
