"""Several pictures in one, spelled as torchvision.utils spells it."""
from __future__ import annotations

import math
from typing import Any

from .. import errors
from ..functions import cat, full, stack
from ..tensor import Tensor
from .transforms.functional import pillow

__all__ = ["make_grid", "save_image"]


def make_grid(tensor: Any, nrow: int = 8, padding: int = 2, normalize: bool = False, value_range: tuple[float, float] | None = None,
              scale_each: bool = False, pad_value: float = 0.0) -> Tensor:
    """Pictures (n, C, H, W), or a list of them, side by side: (3, rows · (H + padding) + padding, nrow · (W + padding) + padding).

    nrow: how many stand in a row.  pad_value fills what is between them.  normalize: shift and scale to 0 … 1, from value_range
    or from the smallest and largest number, of all pictures or, with scale_each, of each.
    """
    x = stack(list(tensor)) if isinstance(tensor, (list, tuple)) else tensor
    if not isinstance(x, Tensor) or x.ndim not in (2, 3, 4):
        raise errors.WrongType(f"make_grid takes pictures of shape (n, C, H, W) or a list of them, got {type(tensor).__name__}"
                               + (f" of shape {tuple(x.shape)}" if isinstance(x, Tensor) else ""))
    x = x.detach()
    if x.ndim == 2:
        x = x[None]
    if x.ndim == 3:
        x = x[None]
    if x.shape[1] == 1:
        x = cat([x, x, x], 1)                                   # grey as red, green and blue
    if normalize:
        x = stack([scaled(each, value_range) for each in x]) if scale_each else scaled(x, value_range)
    if len(x) == 1:
        return x[0]
    n, channels, height, width = x.shape
    columns = min(nrow, n)
    grid = full((channels, math.ceil(n / columns) * (height + padding) + padding, columns * (width + padding) + padding),
                pad_value, dtype=x.dtype, device=x.device)
    for i, picture in enumerate(x):
        top, left = i // columns * (height + padding) + padding, i % columns * (width + padding) + padding
        grid[:, top:top + height, left:left + width] = picture
    return grid


def scaled(x: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    low, high = value_range or (x.min().item(), x.max().item())
    return (x.clamp(low, high) - low) / max(high - low, 1e-5)


def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write pictures, whose numbers are from 0 to 1, into an image file, by Pillow; of several, `make_grid(tensor, **kwargs)`."""
    grid = make_grid(tensor, **kwargs)
    array = (grid * 255 + 0.5).clamp(0, 255).permute(1, 2, 0).to("cpu").byte().numpy()
    pillow().fromarray(array).save(fp, format=format)
