"""Questions about the GPU, spelled as PyTorch spells them.  A process computes on one: "cuda" is "cuda:0"."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import backend
from .errors import BackendError
from .functions.random import get_rng_state, initial_seed, manual_seed, set_rng_state
from .types import device as Device

__all__ = ["is_available", "device_count", "current_device", "get_device_name", "synchronize", "empty_cache", "memory_allocated",
           "memory_reserved", "manual_seed", "manual_seed_all", "initial_seed", "get_rng_state", "set_rng_state"]

__path__: list[str] = []                                        # no files below this one: an import of one is told what to write
manual_seed_all = manual_seed                                   # there is one generator, on the host, for every device


def is_available() -> bool:
    """Whether tensors can be on "cuda": CuPy is there, and computes.  `backend.library("cuda")` says what is missing if not."""
    try:
        backend.library("cuda")
    except BackendError:
        return False
    return True


def device_count() -> int:
    """1 if there is a GPU to compute on, else 0: CUDA_VISIBLE_DEVICES chooses which one a process uses."""
    return int(is_available())


def current_device() -> int:
    """The number of the GPU in use, which is 0."""
    backend.library("cuda")
    return 0


def get_device_name(device: Any = None) -> str:
    """The name of the GPU, as its maker gives it."""
    name = library(device).cuda.runtime.getDeviceProperties(0)["name"]
    return name.decode() if isinstance(name, bytes) else name


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done what it was told: before reading a clock."""
    library(device).cuda.Device().synchronize()


def empty_cache() -> None:
    """Give memory that is kept for reuse back to the GPU.  Does nothing where there is none."""
    if is_available():
        library(None).get_default_memory_pool().free_all_blocks()


def memory_allocated(device: Any = None) -> int:
    """Bytes of GPU memory that tensors take up."""
    return library(device).get_default_memory_pool().used_bytes()


def memory_reserved(device: Any = None) -> int:
    """Bytes of GPU memory that this process holds, in use or kept for reuse."""
    return library(device).get_default_memory_pool().total_bytes()


def library(device: Any) -> Any:
    return backend.library(backend.device_name("cuda" if device is None else Device(device)))


if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from .names import refuse
        refuse(__name__, name)
