"""The processor under NumPy: its threads, its cache, the library that multiplies its matrices, and how memory is kept.

NumPy computes on one thread; its matrix products, which are OpenBLAS's, use more.  To give each thread a share of the other work
was tried and dropped: a thread gets hold of the interpreter again within 10 to 20 µs, as long as NumPy takes for what fits a cache,
and on two cores a training step of ResNet-20 took 190 ms in place of 157.  Of convolutions alone, which are nearly all products by
now, 122 in place of 115.  Of GELU, layer norm, attention and AdamW, nanoGPT's took 46.8 in place of 47.0: to wake a thread takes
50 µs where its core sleeps, and 17 where it does not.

So was to compute the gradients of weights on a second thread while the sweep goes on: with both threads in the products themselves
nanoGPT takes 48 ms in place of 50, the CNN 19.6 in place of 20.2, VGG 114 in place of 123.  Huge pages for the arrays made no
difference.

On Intel's MKL, by which PyTorch multiplies, NumPy can be built from source (the README says how).  A step of nanoGPT then takes
54 ms in place of 58 on one thread and the same 45 on two, the Transformer's 49 in place of 54, VGG's 146 in place of 155; ResNet,
CNN and LSTM gain nothing.  All of this on an Intel Xeon with two cores, Python 3.11, NumPy 2.4.6.
"""
from __future__ import annotations

import ctypes
import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

from .backend import BLOCK, PIECE, host, kernel_for, memory_order, part_length, pieces

__all__ = ["get_num_threads", "set_num_threads"]



# ---- threads ----------------------------------------------------------------------------------------------------
def get_num_threads() -> int:
    """How many threads a matrix product on the CPU uses: at first one for each core, or OPENBLAS_NUM_THREADS (MKL_NUM_THREADS on
    MKL) or OMP_NUM_THREADS where these are set.  1 if NumPy uses neither OpenBLAS nor MKL: others have settings of their own."""
    count = openblas("get_num_threads") or mkl("Get_Max_Threads")
    return 1 if count is None else int(count())


def set_num_threads(num: int, /) -> None:
    """Have matrix products on the CPU use so many threads."""
    if type(num) is not int or num < 1:
        raise RuntimeError(f"set_num_threads takes a positive integer, got {num!r}")
    change = openblas("set_num_threads") or mkl("Set_Num_Threads")
    if change is None:
        raise RuntimeError("set_num_threads: this NumPy multiplies neither by OpenBLAS nor by MKL, whose threads alone can be set "
                           "from here: before Python starts, set the variable of its library (VECLIB_MAXIMUM_THREADS, "
                           "BLIS_NUM_THREADS)")
    change(num)


# ---- its cache --------------------------------------------------------------------------------------------------
def in_pieces(function: Callable[..., Any], *arrays: Any) -> None:
    """function(*arrays) for arrays of one shape, whose elements it treats each by itself: a piece at a time, which stays in the
    cache while a formula goes over it several times.  The function writes its results into arrays among these.  None stays None.

    If they are complex, the arrays are one piece; and on a GPU, where there may be a kernel that does what the function does.
    """
    if type(arrays[0]) is not host.ndarray:
        kernel_for(function, *arrays)(*arrays)
    elif arrays[0].dtype.kind == "c" or arrays[0].size <= PIECE:
        function(*arrays)
    else:
        for piece in pieces(*arrays):
            function(*piece)


def blockwise(function: Callable[..., Any], *arrays: Any, whole: tuple[int, ...] = ()) -> list[Any]:
    """[function(*arrays)], on NumPy a part at a time: what it computes of a part stays in the cache.  A list of what it returned
    for each part.

    The first array is cut along its outermost axis in memory, the others along the same.  What has length 1 there, or is None, is
    handed whole each time, and so is what `wide` made as long as a part of it.  The function writes into arrays that it was given.
    whole: axes that may not be cut.
    """
    x = arrays[0]
    if type(x) is not host.ndarray or x.size <= 2 * BLOCK:
        return [function(*arrays)]
    axis = memory_order(x.shape, x.strides)[0]
    if axis in whole:
        return [function(*arrays)]
    n, step, lead = x.shape[axis], part_length(x.shape, axis), (slice(None),) * axis
    results = []
    for start in range(0, n, step):
        part, first = slice(start, start + step), slice(0, min(step, n - start))
        results.append(function(*[a if a is None or a.shape[axis] == 1 else a[(*lead, part if a.shape[axis] == n else first)]
                                  for a in arrays]))
    return results


# ---- the library of matrix products -----------------------------------------------------------------------------
def library() -> Any:
    """What NumPy is linked to, to look for functions in; None if it cannot be loaded."""
    try:
        return ctypes.CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)
    except (OSError, KeyError):
        return None


@functools.cache
def openblas(name: str) -> Any:
    """A function of the OpenBLAS that NumPy uses, such as "get_num_threads"; None if NumPy uses another library."""
    names = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")              # in wheels, in systems
    return next((found for each in names if (found := getattr(library(), each.format(name), None)) is not None), None)


@functools.cache
def mkl(name: str) -> Any:
    """A function of the MKL that NumPy uses, such as "Get_Max_Threads"; None if NumPy uses another library."""
    return getattr(library(), f"MKL_{name}", None)


def kernel() -> str | None:
    """The processor that OpenBLAS computes for: "SkylakeX", "Zen" …; None if NumPy uses another library."""
    function = openblas("get_corename")
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    return str(function().decode())


# ---- before the first backward pass, or prediction --------------------------------------------------------------
prepared = False


def prepare() -> None:
    """What a process that trains or predicts should have done, once, and one that only imports us should not."""
    global prepared
    if not prepared:
        prepared = True
        keep_memory()
        shorten_buffers()
        warn_of_slow_products()


def keep_memory() -> bool:
    """Have glibc keep freed memory instead of returning it to the system; whether that was done.

    Fresh pages are faulted in one by one, which costs more than most elementwise work on them: a training step of a small
    convolutional network takes 1.6 times as long without this.  TINYGRAD_LIKE_KEEP_MEMORY=0 leaves the allocator alone.
    """
    if sys.platform != "linux" or os.environ.get("TINYGRAD_LIKE_KEEP_MEMORY") == "0":
        return False
    mmap_threshold, trim_threshold = -3, -1                     # M_MMAP_THRESHOLD and M_TRIM_THRESHOLD in <malloc.h>
    try:
        libc = ctypes.CDLL("libc.so.6")                         # glibc's name: not found on musl
        return bool(libc.mallopt(mmap_threshold, 1 << 30) and libc.mallopt(trim_threshold, 2**31 - 1))
    except (OSError, AttributeError):                           # nothing is lost but speed
        return False


def shorten_buffers() -> None:
    """Have NumPy broadcast without a copy, unless somebody has chosen the size of its buffers.

    In x + b with rows shorter than a buffer, of 8192 numbers, NumPy first writes b into the buffer, over and over, which takes
    twice as long as to add rows of 2048 one by one.
    """
    if host.getbufsize() == 8192:
        host.setbufsize(2048)


def warn_of_slow_products() -> None:
    """Say so if the environment ties NumPy's matrix products to an older processor: that can halve their speed."""
    if said := slow_products():
        warnings.warn(said, RuntimeWarning, stacklevel=4)


def slow_products() -> str | None:
    """What is wrong with the environment of NumPy's matrix products, if it makes them slow."""
    if mkl("Get_Max_Threads") is not None:                      # OpenBLAS's settings are nothing to it
        return None
    setting = os.environ.get("OPENBLAS_CORETYPE")
    used = kernel() if setting else None
    best = [name for flag, name in VECTORS.items() if flag in processor_flags()]
    if setting and (used is None or not best or (used in VECTORS_OF and VECTORS_OF[used] not in best[:1])):
        return (f"the environment sets OPENBLAS_CORETYPE={setting}"
                + (f", an older processor than this one, which has {best[0]}" if best else "")
                + ": that can make NumPy's matrix products half as fast.  Unset it, unless it is there for a reason")
    if size := os.environ.get("OPENBLAS_L2_SIZE"):
        return (f"the environment sets OPENBLAS_L2_SIZE={size}, which can make NumPy's matrix products half as fast: unset it, "
                "unless it is there for a reason")
    return None


VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "sse2": "SSE"}        # flag of the processor: its name
VECTORS_OF = {name: vectors for vectors, names in {             # OpenBLAS's kernels, by what they use
    "AVX-512": ["SkylakeX", "Cooperlake", "SapphireRapids"], "AVX2": ["Haswell", "Zen", "Excavator"],
    "AVX": ["Sandybridge", "Bulldozer", "Piledriver", "Steamroller"],
    "SSE": ["Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Katmai", "Coppermine", "Northwood", "Banias", "Athlon",
            "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat"]}.items() for name in names}


def processor_flags() -> set[str]:
    """What the processor can do, in Linux's words; nothing where these are not known."""
    try:
        with open("/proc/cpuinfo") as file:
            return set(next((line for line in file if line.startswith("flags")), "").split())
    except OSError:
        return set()
