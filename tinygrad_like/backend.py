"""NumPy or CuPy: the only file that knows the difference.

A device is a name for an array library: "cpu" is NumPy, "cuda" is CuPy.  Arrays of one never meet arrays of the other:
data crosses in `to_device` alone.  CuPy is imported when its device is first asked for, and its absence is never silent.
"""
from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any, Callable

import numpy

from . import errors

host = numpy                                                    # files, weights and shuffles are made by NumPy, on the host
dtype, finfo, iinfo, promote_types = numpy.dtype, numpy.finfo, numpy.iinfo, numpy.promote_types

array_types: set[type] = {numpy.ndarray}                        # the types of arrays in use
_modules: dict[type, Any] = {numpy.ndarray: numpy}              # type of an array -> its library
_devices: dict[type, str] = {numpy.ndarray: "cpu"}              # type of an array -> the device it is on
default_device = "cpu"                                          # where new arrays are born
debug = os.environ.get("TINYGRAD_LIKE_DEBUG", "0") != "0"       # slower, and finds more: see the README


# ---- the libraries ----------------------------------------------------------------------------------------------
def load_cupy() -> Any:
    """CuPy, if it can compute here; else an error that says which of its needs is missing."""
    try:
        import cupy
    except ImportError as error:
        raise errors.BackendError("device 'cuda' needs CuPy, which cannot be imported here "
                                  f"({error}): pip install 'tinygrad_like[gpu]'") from error
    if cupy.__version__.partition(".")[0] != "14":
        raise errors.BackendError(f"device 'cuda' needs CuPy 14, and this is CuPy {cupy.__version__}: "
                                  "pip install 'tinygrad_like[gpu]'")
    if not cupy.cuda.is_available():
        version = cupy.cuda.runtime.driverGetVersion() or "none"
        raise errors.BackendError(f"CuPy {cupy.__version__} is installed but finds no usable GPU (driver version: {version}): "
                                  "check nvidia-smi and CUDA_VISIBLE_DEVICES, or use device 'cpu'")
    try:
        x = cupy.ones((2, 2), "float32")
        if float((x @ x + 1).sum()) != 12:                      # compiles a kernel, calls cuBLAS, and copies back
            raise ArithmeticError("a product of 2x2 matrices of ones came out wrong")
    except Exception as error:
        raise errors.BackendError(f"the GPU is visible but CuPy {cupy.__version__} cannot compute on it: {error}.  The CUDA "
                                  "libraries come with pip install 'cupy-cuda12x[ctk]'") from error
    return cupy


libraries: dict[str, Callable[[], Any]] = {"cpu": lambda: numpy, "cuda": load_cupy}     # device -> what loads its library
_loaded: dict[str, Any] = {"cpu": numpy}


def library(device: str) -> Any:
    """The array library of a device, loaded at the first request.

    Another library is added by `libraries[name] = load`, where load() returns a module that is like CuPy: its arrays are of
    the type `ndarray`, and have `get()`, which copies them to the host.
    """
    if device not in _loaded:
        module = libraries[device]()
        _loaded[device] = module
        _modules[module.ndarray], _devices[module.ndarray] = module, device
        array_types.add(module.ndarray)
    return _loaded[device]


def xp(*arrays: Any) -> Any:
    """The library that the first array among these belongs to, under the name its own documentation uses."""
    for x in arrays:
        module = _modules.get(type(x))
        if module is not None:
            return module
    return numpy                                                # numbers only


def device_of(array: Any) -> str:
    return _devices[type(array)]


# ---- making arrays, and moving them -----------------------------------------------------------------------------
def asarray(x: Any, like: Any = ()) -> Any:
    """x (a NumPy scalar, a number) as an array of the library of the arrays `like`."""
    return x if type(x) in array_types else xp(*like).asarray(x)


def device_name(device: Any) -> str:
    """The name of the library for a device ("cuda", "cuda:0", or an object that prints as one of these): "cuda"."""
    name, _, index = str(device).partition(":")
    if index not in ("", "0"):
        raise errors.BackendError(f"device {str(device)!r} is not offered: a process computes on one GPU, which is 'cuda:0' to it.  "
                                  f"To take another, start Python with CUDA_VISIBLE_DEVICES={index}")
    if name not in libraries:
        raise errors.BackendError(f"device {str(device)!r} is not offered: there are {', '.join(map(repr, libraries))}")
    return name


def set_default_device(device: Any) -> None:
    """Make new tensors on that device, where no other is named.  Fails now if it cannot be used."""
    global default_device
    name = device_name(device)
    library(name)
    default_device = name


def to_device(array: Any, device: Any) -> Any:
    """The array on that device: itself if it is there, else a copy."""
    here, device = _devices[type(array)], device if device in _loaded else device_name(device)
    if here == device:
        return array
    module = library(device)
    on_host = array if here == "cpu" else array.get()
    return on_host if device == "cpu" else module.asarray(on_host)


def copy(x: Any) -> Any:
    return x.copy()


def zeros(shape: Any, like: Any) -> Any:
    return xp(like).zeros(shape, like.dtype)


def ones_like(x: Any) -> Any:
    return xp(x).ones_like(x)


def zeros_like(x: Any) -> Any:
    return xp(x).zeros_like(x)


def stretched_zero(x: Any) -> Any:
    """A zero stretched to the shape of x: zeros to read that take no memory."""
    return xp(x).broadcast_to(xp(x).zeros((), x.dtype), x.shape)


def python_number(x: Any) -> Any:
    """A Python number for x, if it is one or a NumPy scalar; else None."""
    if isinstance(x, numpy.generic):
        x = x.item()
    return x if type(x) in (bool, int, float, complex) else None


# ---- what the libraries spell differently -----------------------------------------------------------------------
def add_at(out: Any, index: Any, values: Any) -> None:
    """out[index] += values, counting repeated indices each time."""
    xp(out).add.at(out, index, values)


# ---- before the first backward pass -----------------------------------------------------------------------------
_prepared = False


def prepare() -> None:
    """What a process that trains should have done, once, and one that only imports us should not."""
    global _prepared
    if not _prepared:
        _prepared = True
        keep_memory()
        warn_of_slow_products()


def keep_memory() -> bool:
    """Have glibc keep freed memory instead of returning it to the system; whether that was done.

    Fresh pages are faulted in one by one, which costs more than most elementwise work on them: a training step of a small
    convolutional network takes 1.6 times as long without this.  TINYGRAD_LIKE_KEEP_MEMORY=0 leaves the allocator alone.
    """
    if sys.platform != "linux" or os.environ.get("TINYGRAD_LIKE_KEEP_MEMORY") == "0":
        return False
    ctypes = importlib.import_module("ctypes")
    mmap_threshold, trim_threshold = -3, -1                     # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in <malloc.h>
    try:
        libc = ctypes.CDLL("libc.so.6")                         # glibc's name: not found on musl
        return bool(libc.mallopt(mmap_threshold, 1 << 30) and libc.mallopt(trim_threshold, 2**31 - 1))
    except (OSError, AttributeError):                           # nothing is lost but speed
        return False


def warn_of_slow_products() -> None:
    """Say so if the environment ties NumPy's matrix products to an older processor: that can halve their speed."""
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        if os.environ.get(name):
            warnings.warn(f"the environment sets {name}={os.environ[name]}, which can make NumPy's matrix products half as fast: "
                          "unset it, unless it is there for a reason", RuntimeWarning, stacklevel=4)
