"""The device that is not the CPU, whatever it is called: here it is "cuda", or there is none."""
from __future__ import annotations

from . import cuda
from .cuda import current_device as current_device_index, device_count, is_available, synchronize
from .types import device

__all__ = ["is_available", "device_count", "current_accelerator", "current_device_index", "synchronize"]


def current_accelerator(check_available: bool = False) -> device | None:
    """device("cuda") if there is a GPU to compute on, else None."""
    return device("cuda") if cuda.is_available() else None
