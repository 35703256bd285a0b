"""NumPy or CuPy: the only file that knows the difference.

A device is a name for an array library: "cpu" is NumPy, "cuda" is CuPy.  Arrays of one never meet arrays of the other:
data crosses in `to_device` alone.  CuPy is imported when its device is first asked for, and its absence is never silent.
"""
from __future__ import annotations

import contextlib
import functools
import math
import os
import weakref
from collections.abc import Callable
from typing import Any

import numpy

from . import errors

host = numpy                                                    # files, weights and shuffles are made by NumPy, on the host
dtype, finfo, iinfo, promote_types = numpy.dtype, numpy.finfo, numpy.iinfo, numpy.promote_types

array_types: set[type] = {numpy.ndarray}                        # the types of arrays in use
_modules: dict[type, Any] = {numpy.ndarray: numpy}              # type of an array -> its library
_devices: dict[type, str] = {numpy.ndarray: "cpu"}              # type of an array -> the device it is on
default_device = "cpu"                                          # where new arrays are born
debug = os.environ.get("TINYGRAD_LIKE_DEBUG", "0") != "0"       # slower, and finds more: see the README


class set_debug:
    """Debug mode on or off: at once, and if used in a `with` block, until its end.  TINYGRAD_LIKE_DEBUG=1 turns it on at the start.

    It is slower, and finds more: arrays handed out by `x.numpy()` are read-only, so that no edit goes unseen by the backward
    pass; `empty()` is full of NaN; indices that were computed on a GPU are checked there.
    """

    def __init__(self, mode: bool) -> None:
        global debug
        if not isinstance(mode, bool):
            raise TypeError(f"set_debug takes True or False, got {mode!r}")
        self.before, debug = debug, mode

    def __enter__(self) -> None: ...

    def __exit__(self, *error: Any) -> None:
        global debug
        debug = self.before


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
        if hasattr(module, "ElementwiseKernel"):
            from .kernels import Kernels
            _kernels[module.ndarray] = Kernels(module)
    return _loaded[device]


def libraries_of_devices() -> list[Any]:
    """The array libraries in use beside NumPy."""
    return [module for device, module in _loaded.items() if device != "cpu"]


def xp(*arrays: Any) -> Any:
    """The library that the first array among these belongs to, under the name its own documentation uses."""
    for x in arrays:
        module = _modules.get(type(x))
        if module is not None:
            return module
    return numpy                                                # numbers only


def device_of(array: Any) -> str:
    return _devices[type(array)]


# ---- kernels ----------------------------------------------------------------------------------------------------
_kernels: dict[type, Any] = {}                                  # type of an array -> the kernels of its library, on a GPU


def kernel_for(function: Any, *operands: Any) -> Any:
    """What computes function(*operands): on a GPU the method of its name in `Kernels`, if there is one, else the function.

    A GPU takes about as long to start any kernel as NumPy takes for a small array, and each operation of an expression is one.
    So some functions have a kernel of their own there, for arrays of one floating-point type.  The function is the definition:
    a test holds the kernel to it.  `lstm.forward.<locals>.cell` is called lstm_forward there, as is `lstm.forward`.
    """
    first = operands[0]
    kernels = _kernels.get(type(first))
    if kernels is None or first.dtype.char not in "fd" or not all([
            x.dtype == first.dtype or x.dtype.kind not in "fc" for x in operands if type(x) is type(first)]):
        return function
    return getattr(kernels, function.__qualname__.partition(".<locals>")[0].replace(".", "_"), function)


def one_kernel(function: Any) -> Any:
    """The function, by `kernel_for` its operands."""
    @functools.wraps(function)
    def call(*operands: Any, **params: Any) -> Any:
        if type(operands[0]) in _kernels:
            found = kernel_for(function, *operands)(*operands, **params)
            if found is not NotImplemented:                     # by a kernel that does not know such parameters
                return found
        return function(*operands, **params)
    return call


# ---- making arrays, and moving them -----------------------------------------------------------------------------
def asarray(x: Any, like: Any = ()) -> Any:
    """x (a NumPy scalar, a number) as an array of the library of the arrays `like`."""
    return x if type(x) in array_types else xp(*like).asarray(x)


def device_name(device: Any) -> str:
    """The name of the library for a device ("cuda", "cuda:0", or an object that prints as one of these): "cuda"."""
    name, _, index = str(device).partition(":")
    if index not in ("", "0"):
        raise errors.BackendError(f"device {str(device)!r} is not offered: a process computes on one GPU, which it calls 'cuda:0'; "
                                  f"to take another, start Python with CUDA_VISIBLE_DEVICES={index}")
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
    if device == "cpu":
        return on_host
    moved = module.asarray(on_host)
    if on_host.size and on_host.dtype.kind in "iu":
        remember_range(moved, int(on_host.min()), int(on_host.max()))
    return moved


def counting(start: int, step: int, count: int, device: str) -> Any:
    """start, start + step, …: as many integers, made on that device."""
    last = start + step * (count - 1)
    out = library(device).arange(start, last + (1 if step > 0 else -1) if count else start, step, dtype="int64")
    if device != "cpu" and count:
        remember_range(out, min(start, last), max(start, last))
    return out


def wait_for(array: Any) -> None:
    """Return when the array has been computed: a GPU computes while Python goes on."""
    if type(array) is not numpy.ndarray:
        xp(array).cuda.Device().synchronize()


def linalg_raises(array: Any) -> Any:
    """A `with` block in which linear algebra raises LinAlgError where it fails: NumPy does always; CuPy, which must wait for the
    GPU to know, if it is asked to, and else gives NaN."""
    if _devices[type(array)] != "cuda":
        return contextlib.nullcontext()
    import cupyx
    return cupyx.errstate(linalg="raise")


def address(array: Any) -> int:
    """Where in memory the first element is."""
    return array.ctypes.data if type(array) is numpy.ndarray else array.data.ptr


def copy(x: Any) -> Any:
    return x.copy(order="K")                                    # in the layout that it had


def zeros(shape: Any, like: Any) -> Any:
    return xp(like).zeros(shape, like.dtype)


def ones_like(x: Any) -> Any:
    return xp(x).ones_like(x)


def zeros_like(x: Any) -> Any:
    return xp(x).zeros_like(x)


def stretched_zero(x: Any) -> Any:
    """A zero stretched to the shape of x: zeros to read that take no memory."""
    return xp(x).broadcast_to(xp(x).zeros((), x.dtype), x.shape)


def cache_size(like: Any) -> int:
    """How many bytes a buffer should have that is filled and read again and again.  A GPU wants few and large tasks instead."""
    return 2**20 if type(like) is numpy.ndarray else 2**28


def python_number(x: Any) -> Any:
    """A Python number for x, if it is one or a NumPy scalar; else None."""
    if isinstance(x, numpy.generic):
        x = x.item()
    return x if type(x) in (bool, int, float, complex) else None


def masked(x: Any, keep: Any) -> Any:
    """x where `keep` is true and 0 elsewhere, exactly, also where x is inf or NaN."""
    if xp(x) is numpy and x.dtype in _bits:
        keep = numpy.asarray(keep).astype(_bits[x.dtype])       # NumPy converts faster by itself than on the way
        return (x.view(_bits[x.dtype]) * keep).view(x.dtype)    # 12 times as fast as `where` on a mask that alternates
    return xp(x).where(keep, x, xp(x).zeros((), x.dtype))


def put_masked(out: Any, x: Any, keep: Any) -> None:
    """out[...] = masked(x, keep)"""
    if xp(x) is numpy and x.dtype in _bits:
        bits = _bits[x.dtype]
        numpy.multiply(x.view(bits), keep, out=out.view(bits))
    else:
        out[...] = masked(x, keep)


def where(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition is true, y elsewhere."""
    m = xp(condition, x, y)
    if m is numpy and condition.size > 4096:
        dtype = x.dtype if type(x) is numpy.ndarray else y.dtype if type(y) is numpy.ndarray else None
        if dtype in _bits and getattr(x, "dtype", dtype) == getattr(y, "dtype", dtype):
            x, y = (numpy.asarray(each, dtype).view(_bits[dtype]) for each in (x, y))
            condition = condition.astype(x.dtype)
            return (((x ^ y) * condition) ^ y).view(dtype)      # six times as fast as `where` on a mask that alternates
    return m.where(condition, x, y)


_bits = {numpy.dtype("float32"): numpy.dtype("int32"), numpy.dtype("float64"): numpy.dtype("int64")}


def pieces(*arrays: Any) -> Any:
    """Arrays of one shape cut alike, into pieces that stay in the cache while a formula goes over them several times.

    The pieces are views: what is written into them is written into the arrays.  None stays None.  A complex array is cut into
    its real and its imaginary part, too.  A GPU has no such cache, and there each array is one piece.
    """
    first = arrays[0]
    if first.dtype.kind == "c":
        yield from pieces(*[x if x is None else x.real for x in arrays])
        yield from pieces(*[x if x is None else x.imag for x in arrays])
    elif type(first) is not numpy.ndarray or first.size <= PIECE:
        yield arrays
    else:
        arrays = lines(*arrays)
        length = len(arrays[0])
        step = max(1, PIECE * length // first.size)
        for i in range(0, length, step):
            yield [x if x is None else x[i:i + step] for x in arrays]


def lines(*arrays: Any) -> Any:
    """NumPy arrays of one shape as views with the axes as memory runs in the first; flat if each is one stretch of it."""
    order = sorted(range(arrays[0].ndim), key=lambda i: -arrays[0].strides[i])
    views = [x if x is None else x.transpose(order) for x in arrays]
    if all([x is None or x.flags.c_contiguous for x in views]):
        views = [x if x is None else x.reshape(-1) for x in views]
    return views


PIECE = 32768                                                   # numbers: five arrays of them fill a third of a second-level cache


# ---- indices ----------------------------------------------------------------------------------------------------
def add_at(out: Any, index: Any, values: Any) -> None:
    """out[index] += values, counting repeated indices each time.

    NumPy's add.at is slow but for flat arrays.  So the places are numbered first, as rows where arrays index the leading axes
    (an embedding: 4 times as fast), else as single elements.
    """
    entries = index if isinstance(index, tuple) else (index,)
    counted = [type(i) in array_types and i.dtype.kind != "b" for i in entries]
    if not any(counted):                                        # slices, numbers and masks name each place once
        out[index] += values
    elif type(out) is not numpy.ndarray and out.dtype.kind == "c":      # CuPy adds real numbers only
        xp(out).add.at(out.real, index, values.real)
        xp(out).add.at(out.imag, index, values.imag)
    elif type(out) is not numpy.ndarray or not out.flags.c_contiguous:
        xp(out).add.at(out, index, values)
    elif all(counted):
        rows: Any = 0
        for i, n in zip(entries, out.shape):
            i = i.astype("int64", copy=False)
            rows = rows * n + (i if i.size and i.min() >= 0 else i + n * (i < 0))
        sizes = out.shape[len(entries):]
        values = numpy.broadcast_to(values, rows.shape + sizes)
        width = math.prod(sizes)
        _add_rows(out.reshape(math.prod(out.shape[:len(entries)]), width), rows.reshape(-1), values.reshape(rows.size, width))
    else:
        places = numpy.arange(out.size).reshape(out.shape)[index]
        numpy.add.at(out.reshape(-1), places.reshape(-1), numpy.broadcast_to(values, places.shape).reshape(-1))


def extreme_at(out: Any, index: Any, values: Any, largest: bool) -> None:
    """out[index] = the larger (or the smaller) of itself and of each of the values that go there.

    CuPy 14 does so in float32 even for float64 (its atomicMax calls fmaxf).  There the numbers are compared as unsigned integers:
    the bits of a float are in the order of the floats, if all are turned over where it is negative, and else the sign alone.
    """
    module = xp(out)
    ufunc = module.maximum if largest else module.minimum
    if module is numpy or out.dtype != "float64":
        ufunc.at(out, index, values)
        return

    sign, below = -2**63, 2**63 - 1

    def ordered(x: Any) -> Any:
        bits = x.view("int64")
        return (bits ^ ((bits >> 63) & below) ^ sign).view("uint64")

    keys = ordered(out)
    ufunc.at(keys, index, ordered(module.asarray(values, out.dtype)))
    bits = keys.view("int64") ^ sign
    out[...] = (bits ^ ((bits >> 63) & below)).view("float64")


def _add_rows(out: Any, rows: Any, values: Any) -> None:
    """out[rows] += values, where rows may repeat: the first of each row in one go, then the second of each …"""
    width = out.shape[1]
    if width < 16 or values.size < 4096:
        places = rows if width == 1 else (rows[:, None] * width + numpy.arange(width)).reshape(-1)
        numpy.add.at(out.reshape(-1), places, values.reshape(-1))
        return
    order = rows.argsort(kind="stable")
    rows = rows[order]
    start = numpy.concatenate([[0], numpy.flatnonzero(rows[1:] != rows[:-1]) + 1])
    end: Any = numpy.append(start[1:], len(rows))
    rows = rows[start]
    while len(rows) > 16:
        out[rows] += values[order[start]]
        start = start + 1
        left = start < end
        rows, start, end = rows[left], start[left], end[left]
    for row, a, b in zip(rows.tolist(), start.tolist(), end.tolist()):    # a few rows that repeat often: each at once
        out[row] += values[order[a:b]].sum(axis=0)


_ranges: dict[int, tuple[int, int, Any]] = {}                   # id of an array on a device: (least, largest, weak reference)


def remember_range(array: Any, least: int, largest: int) -> None:
    """Note the least and the largest of some integers on a device: to look there would mean to wait for it."""
    key = id(array)
    _ranges[key] = least, largest, weakref.ref(array, lambda _: _ranges.pop(key, None))


def forget_range(array: Any) -> None:
    """The array was written to."""
    _ranges.pop(id(array), None)


def range_of(indices: Any) -> tuple[int, int] | None:
    """The least and the largest of some integers, or bounds of them; None if there are none, or nothing is known."""
    if not indices.size:
        return None
    if type(indices) is numpy.ndarray or debug:
        return int(indices.min()), int(indices.max())
    known = _ranges.get(id(indices)) or _ranges.get(id(getattr(indices, "base", None)))
    return known and known[:2]


def check_indices(indices: Any, size: int, what: str, least: int = 0) -> None:
    """Raise IndexError unless least <= indices < size: NumPy takes negative ones, and CuPy wraps them all around silently.

    what: who asks, and what they count, as in "embedding: row".  On a GPU this knows the integers that came from the host;
    those computed there are looked at in debug mode only.
    """
    bounds = range_of(indices)
    if bounds is not None and (bounds[0] < least or bounds[1] >= size):
        on_host = to_device(indices, "cpu")
        wrong = (on_host < least) | (on_host >= size)
        if wrong.any():                                         # else they are bounds of a larger array
            where = tuple([int(i) for i in numpy.argwhere(wrong)[0]])
            place = f" (at {where[0] if len(where) == 1 else where} of the indices)" if where else ""
            raise errors.OutOfRange(f"{what} {int(on_host[where])}{place} is out of range: there are {size}, "
                                    f"numbered {least} to {size - 1}")


def check_index(index: Any, shape: tuple[int, ...]) -> None:
    """Raise IndexError if an integer array in x[index], for an x of that shape on a GPU, is out of range."""
    entries = index if isinstance(index, tuple) else (index,)
    taken = [0 if i is None or i is Ellipsis or type(i) is bool else i.ndim if type(i) in array_types and i.dtype.kind == "b" else 1
             for i in entries]
    axis = 0
    for i, n in zip(entries, taken):
        if i is Ellipsis:
            axis += len(shape) - sum(taken)
        elif type(i) in array_types and i.dtype.kind != "b" and axis < len(shape):
            check_indices(i, shape[axis], f"index along axis {axis}:", -shape[axis])
        axis += n


# ---- sums over axes, and running ones ---------------------------------------------------------------------------
def total(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Σ x over some axes.

    NumPy's own sums have two weak points.  Over leading axes, they add row after row: that is slow, and in float32 each row rounds
    a larger sum.  And over a last axis of few numbers they are slow.  There, the sums are products with ones.
    """
    if type(x) is numpy.ndarray and axis is not None and x.ndim > 1 and x.dtype.char in "fd" and x.flags.c_contiguous:
        axes = (axis % x.ndim,) if isinstance(axis, int) else axis
        lead = len(axes)
        if lead < x.ndim and axes == tuple(range(lead)) and math.prod(x.shape[:lead]) > 32:
            out = _sum_of_rows(x.reshape(math.prod(x.shape[:lead]), math.prod(x.shape[lead:])))
            return out.reshape((1,) * (lead if keepdims else 0) + x.shape[lead:])
        if axes == (x.ndim - 1,) and 1 < x.shape[-1] <= 1024:
            out = x @ _ones(x.shape[-1], x.dtype)
            return out[..., None] if keepdims else out
    return x.sum(axis=axis, keepdims=keepdims)


def _sum_of_rows(x: Any) -> Any:
    """Σ_i x_ij, in blocks of 1024 rows: as each has its own sum, none gets so large that much is rounded."""
    block = min(len(x), 1024)
    whole = len(x) - len(x) % block                             # rows in full blocks
    ones = numpy.ones(block, x.dtype)
    out = (ones @ x[:whole].reshape(-1, block, x.shape[1])).sum(axis=0)
    if whole < len(x):
        out += ones[:len(x) - whole] @ x[whole:]
    return out


def largest_along(x: Any, axis: Any) -> Any:
    """The largest x along an axis (or several), which stays with length 1."""
    if type(x) is numpy.ndarray and axis in (-1, x.ndim - 1) and x.flags.c_contiguous and x.ndim and x.size:
        rows = x.reshape(-1, x.shape[-1])                       # along rows, NumPy's argmax is faster than its max
        places = rows.argmax(axis=1)
        places += numpy.arange(0, x.size, x.shape[-1])
        return x.reshape(-1)[places].reshape(*x.shape[:-1], 1)
    return x.max(axis=axis, keepdims=True)


def weighted_total(x: Any, axis: tuple[int, ...], by: Any = None) -> Any:
    """Σ x, or Σ x · by, over some axes, which stay as axes of length 1.

    NumPy's sums are slow where the axes are short, or not last in memory.  Here they are products with vectors, of ones or of `by`;
    or of rows by rows, where `by` is as large as x.

    For that, neighbours in memory become one stretch, if both are summed or neither is.  Images (32, 16, 8, 8) with channels last
    in memory, summed over (0, 2, 3), are two: ((2048, True), (16, False)), a matrix whose 2048 rows are added up.  With channels
    second in memory they are three: ((32, True), (16, False), (64, True)).
    """
    if type(x) is not numpy.ndarray or x.size <= 4096:
        return (x if by is None else x * by).sum(axis=axis, keepdims=True)
    order, back, stretches, kept, line = _sum_plan(x.shape, x.strides, axis)
    if by is not None:
        if by.shape == x.shape and by.dtype == x.dtype and x.dtype.char in "fd" and len(stretches) > 1:
            x, by, shape = x.transpose(order), by.transpose(order), [n for n, _ in stretches]
            if stretches[-1][1]:                                # one stretch is summed here, and the others below
                x = numpy.vecdot(x.reshape(shape), by.reshape(shape))
                stretches = stretches[:-1]
            elif stretches[0][1]:
                stretches = _with_long_rows(stretches)
                x = numpy.einsum("ij,ij->j", x.reshape(stretches[0][0], -1), by.reshape(stretches[0][0], -1))
                stretches = stretches[1:]
            else:
                x = x * by
            order, by = range(x.ndim), None
        elif by.shape == line:                                  # a vector, in the place of the ones below
            by = by.transpose(order).reshape(-1)
        else:
            x, by = x * by, None

    x = x.transpose(order)                                      # as it lies in memory, so that reshaping copies nothing
    while len(stretches) > 1 or (stretches and stretches[0][1]):        # until one is left, which is not summed
        shape = [n for n, _ in stretches]
        if stretches[-1][1]:                                    # the last is summed: (rows, n) times n ones
            x = x.reshape(shape) @ (_ones(shape[-1], x.dtype) if by is None else by)
            stretches = stretches[:-1]
        elif stretches[0][1]:                                   # the first is: n ones times (n, columns)
            x = (_ones(shape[0], x.dtype) if by is None else by) @ x.reshape(shape[0], -1)
            stretches = stretches[1:]
        else:                                                   # the last but one is: n ones times many (n, columns)
            x = _ones(shape[-2], x.dtype) @ x.reshape(shape)
            stretches = (*stretches[:-3], (shape[-3] * shape[-1], False))
    return x.reshape(kept).transpose(back)


@functools.lru_cache(1000)
def _with_long_rows(stretches: Any) -> Any:
    """The stretches, the first of them cut in two if its rows are short: several rows are one long row, and summed at the end."""
    if len(stretches) < 2 or not stretches[0][1]:
        return stretches
    n = stretches[0][0]
    at_once = math.gcd(n, max(1, 512 // max(1, math.prod([m for m, _ in stretches[1:]]))))
    return stretches if at_once in (1, n) else ((n // at_once, True), (at_once, True), *stretches[1:])


@functools.lru_cache(1000)
def _sum_plan(shape: tuple[int, ...], strides: tuple[int, ...], axis: tuple[int, ...]) -> Any:
    """For `weighted_total`: the order of the axes in memory, and that back; the stretches, each with its length and whether it is
    summed; the shape of the result in memory; and that of `by`, if it can be one vector in the only product."""
    order = memory_order(shape, strides)
    stretches: list[tuple[int, bool]] = []
    for a in order:
        summed = a in axis
        if stretches and (stretches[-1][1] == summed or shape[a] == 1):
            stretches[-1] = (stretches[-1][0] * shape[a], stretches[-1][1])
        else:
            stretches.append((shape[a], summed))
    kept = tuple([1 if a in axis else shape[a] for a in order])
    line = tuple([n if a in axis else 1 for a, n in enumerate(shape)])
    one_product = len([n for n, summed in stretches if summed]) == 1 and (stretches[0][1] or stretches[-1][1])
    return order, tuple(sorted(range(len(order)), key=lambda k: order[k])), tuple(stretches), kept, line if one_product else None


def memory_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, ...]:
    """The axes from the outermost in memory to the innermost; those of length 1, whose strides mean nothing, come last."""
    return tuple(sorted(range(len(shape)), key=lambda a: (shape[a] == 1, -abs(strides[a]))))


@functools.lru_cache(100)
def _ones(n: int, dtype: Any) -> Any:
    return numpy.ones(n, dtype)


def wide(v: Any, x: Any) -> Any:
    """v, which is to be broadcast to x, repeated along innermost axes until its rows are long: NumPy is slow with short ones.

    Not along all axes, as v should stay in the cache.
    """
    if type(x) is not numpy.ndarray or v is None or not x.size:
        return v
    order, back, shape = _wide_plan(x.shape, x.strides, v.shape)
    if shape is None:
        return v
    return numpy.ascontiguousarray(numpy.broadcast_to(v, shape).transpose(order)).transpose(back)


@functools.lru_cache(1000)
def _wide_plan(shape: tuple[int, ...], strides: tuple[int, ...], v: tuple[int, ...]) -> Any:
    """The order of the axes of x in memory, and that back; and the shape of the longer v.  Nones if v should stay as it is."""
    order = memory_order(shape, strides)
    wider, run, own = list(v), 1, False
    for a in reversed(order):
        if run >= 4096 or (run >= 128 and not own and v[a] > 1):
            break
        own = own or v[a] > 1
        wider[a] = min(shape[a], part_length(shape, a)) if a == order[0] and v[a] == 1 else shape[a]      # one part of `blockwise`
        run *= shape[a]
    if tuple(wider) == v or not own or 4 * math.prod(wider) > math.prod(shape):
        return None, None, None
    return order, tuple(sorted(range(len(order)), key=lambda k: order[k])), tuple(wider)


def surely(condition: Any) -> bool:
    """Whether all are true.  A GPU is not asked, as that would be to wait for it: there the answer is no."""
    return type(condition) is numpy.ndarray and bool(condition.all())


def surely_within(bound: float, x: Any) -> bool:
    """Whether no |x| is above the bound.  On a GPU, and for other numbers than float32 and float64, the answer is no."""
    return type(x) is numpy.ndarray and x.dtype.char in "fd" and bool(x.max() <= bound and x.min() >= -bound)


def near_zero(mu: Any, variance: Any, within: float) -> bool:
    """Whether 0 is surely within so many standard deviations of the mean."""
    return mu.dtype.char in "fd" and surely(mu * mu <= within * within * variance)


BLOCK = 1 << 16                                                 # numbers: 256 kB in float32, so that a few such fit the cache


def part_length(shape: tuple[int, ...], axis: int) -> int:
    """How long a part of `machine.blockwise` is, along the outermost axis in memory."""
    return max(1, BLOCK * shape[axis] // max(math.prod(shape), 1))


def running(ufunc: str, x: Any, axis: int) -> Any:
    """out_i = ufunc(out_{i-1}, x_i) along an axis.

    CuPy knows that of sums and products only.  There, each is combined with the one before it, and then stands for two; then with
    the one that is two before, and stands for four; and so on.
    """
    module = xp(x)
    if module is numpy:
        return getattr(numpy, ufunc).accumulate(x, axis=axis)
    out = x.copy()
    line = module.moveaxis(out, axis, 0)
    step = 1
    while step < line.shape[0]:
        line[step:] = getattr(module, ufunc)(line[step:], line[:-step])
        step *= 2
    return out


def diagonal(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    """The diagonals of x, as a view that can be written to if x can (NumPy's own never can)."""
    out = x.diagonal(offset, axis1, axis2)
    if type(x) is numpy.ndarray and x.flags.writeable:
        out.flags.writeable = True
    return out


def times_transposed(x: Any, w: Any) -> Any:
    """x wᵀ for matrices.  OpenBLAS takes up to twice as long if the rows of x are few and long: then it is (w xᵀ)ᵀ, copied."""
    if type(x) is numpy.ndarray and x.size >= 2048 and len(x) <= 64 and 4 * len(x) <= x.shape[1]:
        return numpy.ascontiguousarray((w @ x.T).T)
    return x @ w.T


def working_set(x: Any) -> tuple[int, int]:
    """How many numbers to compute at a time, where all at once would take too much memory; and how many rows, where that leaves out
    what is above a diagonal: with fewer rows at a time, more is left out.

    On the host it is what a second-level cache holds.  On a GPU, to start one more kernel costs more than it leaves out.
    """
    return (1 << 18, 64) if type(x) is numpy.ndarray else (1 << 26, 1 << 12)
