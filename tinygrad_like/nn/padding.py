"""Borders as layers: around the last one, two or three dims."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.shape import ints
from . import functional as F
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = [
    "ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d",
    "CircularPad1d", "CircularPad2d", "CircularPad3d",
]


class Pad(Module):
    """padding: one width for all sides, or (left, right, top, bottom, front, back), as far as there are."""
    padding: tuple[int, ...]
    mode: str
    dims: int

    def __init__(self, padding: Any) -> None:
        super().__init__()
        widths = ints((padding,), f"{type(self).__name__}: padding")
        if not isinstance(padding, (tuple, list)):
            widths = widths * (2 * self.dims)
        if len(widths) != 2 * self.dims:
            raise errors.ShapeError(f"{type(self).__name__}: padding is an int, or {2 * self.dims} of them, before and after each "
                                    f"dim from the last on, got {padding!r}")
        self.padding = widths

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.dims + 1, self.dims + 2):
            raise errors.ShapeError(f"{type(self).__name__}: expected {self.dims + 1}D or {self.dims + 2}D input, got one of shape "
                                    f"{tuple(input.shape)}")
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return str(self.padding)


class ConstantPad(Pad):
    value: float

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(ConstantPad):
    """Borders of a value on both sides of the last dim."""
    dims = 1


class ConstantPad2d(ConstantPad):
    """Borders of a value around the last two dims."""
    dims = 2


class ConstantPad3d(ConstantPad):
    """Borders of a value around the last three dims."""
    dims = 3


class ZeroPad(ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad1d(ZeroPad, ConstantPad1d):
    """Borders of 0 on both sides of the last dim."""
    dims = 1


class ZeroPad2d(ZeroPad, ConstantPad2d):
    """Borders of 0 around the last two dims."""
    dims = 2


class ZeroPad3d(ZeroPad, ConstantPad3d):
    """Borders of 0 around the last three dims."""
    dims = 3


class ReflectionPad1d(Pad):
    """Borders that mirror what is inside, of (N, C, L): cb|abcd|cb."""
    mode, dims = "reflect", 1


class ReflectionPad2d(Pad):
    """Borders that mirror what is inside, of (N, C, H, W): cb|abcd|cb along both dims."""
    mode, dims = "reflect", 2


class ReflectionPad3d(Pad):
    """Borders that mirror what is inside, of (N, C, D, H, W): cb|abcd|cb along the three dims."""
    mode, dims = "reflect", 3


class ReplicationPad1d(Pad):
    """Borders that repeat the outermost, of (N, C, L): aa|abcd|dd."""
    mode, dims = "replicate", 1


class ReplicationPad2d(Pad):
    """Borders that repeat the outermost, of (N, C, H, W): aa|abcd|dd along both dims."""
    mode, dims = "replicate", 2


class ReplicationPad3d(Pad):
    """Borders that repeat the outermost, of (N, C, D, H, W): aa|abcd|dd along the three dims."""
    mode, dims = "replicate", 3


class CircularPad1d(Pad):
    """Borders that go on at the other end, of (N, C, L): cd|abcd|ab."""
    mode, dims = "circular", 1


class CircularPad2d(Pad):
    """Borders that go on at the other end, of (N, C, H, W): cd|abcd|ab along both dims."""
    mode, dims = "circular", 2


class CircularPad3d(Pad):
    """Borders that go on at the other end, of (N, C, D, H, W): cd|abcd|ab along the three dims."""
    mode, dims = "circular", 3
