"""A pretend GPU: NumPy inside, CuPy's rules outside, and every copy and wait counted.

`cupy` below behaves like the module of that name: only the names and arguments exist that were recorded from CuPy 14
(cupy_api.json, made by record_cupy_api.py).  It refuses what CuPy refuses:

    arrays of NumPy as operands, NumPy's functions on its arrays, silent conversion to NumPy; where=, initial= and other
    arguments that CuPy lacks; ufunc.at and .reduce where CuPy has none

does what CuPy does, where NumPy does something else:

    reductions give 0-d arrays; indices out of range wrap around; memory from `empty` holds no zeros

and refuses what CuPy lets pass, but a GPU punishes:

    float64 that nobody asked for; writing into a broadcast view; two different values for one element
"""
from __future__ import annotations

import contextlib
import inspect
import json
import pathlib
import sys
import types
from collections import Counter

import numpy as np

from tinygrad_like import error_function

API = json.loads((pathlib.Path(__file__).parent / "cupy_api.json").read_text())
NUMBERS = (bool, int, float, complex, np.generic)
WAITS = {"unique", "nonzero", "flatnonzero", "argwhere", "compress", "extract", "bincount", "choose", "histogram"}
UPLOADS = {"asarray", "array", "asanyarray", "ascontiguousarray"}
ABOUT_TYPES = {"result_type", "can_cast", "promote_types", "min_scalar_type", "finfo", "iinfo", "issubdtype", "isdtype",
               "isscalar", "broadcast_shapes", "ndim", "shape", "size"}
AT = {"add": "ilLIQefd", "subtract": "iI", "maximum": "ilLIQf", "minimum": "ilLIQf"}       # the dtypes that CuPy scatters rightly
REDUCE = {("add", "reduce"), ("add", "accumulate"), ("add", "reduceat"), ("multiply", "reduce"), ("multiply", "accumulate")}
INDICES = {"take", "take_along_axis", "put_along_axis"}         # take an argument `indices` after the array
NUMPY_NAMES = {"newshape": "shape", "tup": "arrays"}            # arguments that the two call differently

counts: Counter[str] = Counter()                                # kernels, uploads, downloads and waits, since the import


@contextlib.contextmanager
def counting():
    """The counts of what happens inside the `with` block: `with counting() as n: …`, then n["waits"]."""
    inside, before = Counter(), counts.copy()
    yield inside
    inside.update(counts - before)


# ---- the array --------------------------------------------------------------------------------------------------
class ndarray:
    """cupy.ndarray: `on_host` is what it holds, and belongs to this file alone."""
    __slots__ = ("on_host", "base", "__weakref__")
    __hash__ = None
    __array_ufunc__ = None                                      # np.exp(x) raises; np.float32(2) * x comes to __rmul__

    def __init__(self, on_host, base=None):
        self.on_host, self.base = np.asarray(on_host), base

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a NumPy array "
                        "explicitly.")

    def __array_function__(self, function, types, args, kwargs):
        raise TypeError(f"np.{function.__name__} was called on an array of the device")

    dtype, shape, ndim, size, strides, nbytes, itemsize = [
        property(lambda self, name=name: getattr(self.on_host, name))
        for name in ("dtype", "shape", "ndim", "size", "strides", "nbytes", "itemsize")]
    T, mT, real, imag = [property(lambda self, name=name: wrap(getattr(self.on_host, name), self))
                         for name in ("T", "mT", "real", "imag")]
    data = property(lambda self: types.SimpleNamespace(ptr=self.on_host.ctypes.data))

    # ---- the ways off the device: each waits for it
    def get(self, stream=None, order="C", out=None, blocking=True): return download(self).copy()
    def item(self): return download(self).item()
    def tolist(self): return download(self).tolist()
    def __bool__(self): return bool(download(self))
    def __int__(self): return int(download(self))
    def __float__(self): return float(download(self))
    def __complex__(self): return complex(download(self))
    def __repr__(self): return repr(download(self))
    def __format__(self, form): return format(download(self)[()], form)

    def __len__(self):
        return len(self.on_host)

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, index):
        return wrap(self.on_host[plain_index(self, index)], self)

    def __setitem__(self, index, value):
        if isinstance(value, (np.ndarray, list, tuple)):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        writable(self)
        key, value = plain_index(self, index), getattr(value, "on_host", value)
        one_value_each(self.on_host, key, value)
        counts["kernels"] += 1
        self.on_host[key] = value

    def __getattr__(self, name):
        known = API["ndarray"].get(name)
        if known is None or known["kind"] != "method":
            raise AttributeError(f"'cupy.ndarray' object has no attribute '{name}' in this double")

        def method(*args, **kwargs):
            check_arguments(f"ndarray.{name}", known["params"], args, kwargs)
            if name in INDICES or name in WAITS:
                return getattr(cupy, name)(self, *args, **kwargs)
            if name in ("fill", "sort", "partition", "put"):
                writable(self)
            return run(name, lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs), (self, *args), kwargs)
        return method


def operator(name, function, swapped=False, in_place=False):
    def method(self, *other):
        operands = (*other, self) if swapped else (self, *other)
        return getattr(cupy, function)(*operands, **({"out": self} if in_place else {}))
    setattr(ndarray, f"__{name}__", method)


for name, function in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
                       "mod": "remainder", "pow": "power", "matmul": "matmul", "and": "bitwise_and", "or": "bitwise_or",
                       "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift"}.items():
    operator(name, function)
    operator("r" + name, function, swapped=True)
    if name != "matmul":
        operator("i" + name, function, in_place=True)
for name, function in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
                       "neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}.items():
    operator(name, function)


def download(x):
    counts["downloads"] += 1
    counts["waits"] += 1
    return x.on_host


def writable(x):
    """CuPy writes into a view that is stretched over an axis, and there threads race for one address."""
    if x.size and any(stride == 0 and side > 1 for stride, side in zip(x.strides, x.shape)):
        raise RuntimeError("this writes into a broadcast view, which is undefined on a GPU")
    if not x.on_host.flags.writeable:
        x.on_host.flags.writeable = True


# ---- indices ----------------------------------------------------------------------------------------------------
def plain_index(x, index):
    """The index, as NumPy takes it, with what CuPy does to arrays in it: integers wrap around, masks wait for their size."""
    index = index if isinstance(index, tuple) else (index,)
    takes = [i.ndim if is_mask(i) else int(i is not None and i is not Ellipsis and not isinstance(i, bool)) for i in index]
    found, axis = [], 0
    for i, n in zip(index, takes):
        if isinstance(i, (np.ndarray, list)):
            counts["uploads"] += 1
            i = ndarray(np.asarray(i, None if len(i) else np.int64))
        if isinstance(i, ndarray):
            if i.dtype.kind not in "iub":
                raise IndexError("arrays used as indices must be of integer or boolean type")
            counts["waits"] += is_mask(i)
            i = i.on_host if is_mask(i) else wrapped_around(i.on_host, x.shape[axis])
        found.append(i)
        axis += x.ndim - sum(takes) if i is Ellipsis else n
    return tuple(found)


def is_mask(i):
    return isinstance(i, (ndarray, np.ndarray)) and i.dtype == bool


def wrapped_around(i, n):
    return i % n if n else i


def one_value_each(x, key, value):
    """CuPy writes x[index] = values in no particular order: an element that is named twice gets either of its values."""
    if np.ndim(value) == 0 or not any(isinstance(i, np.ndarray) and i.dtype != bool for i in key):
        return
    elements = np.arange(x.size).reshape(x.shape)[key]
    values = np.broadcast_to(value, elements.shape).ravel()
    order = np.argsort(elements, axis=None, kind="stable")
    elements, values = elements.ravel()[order], values[order]
    if ((elements[1:] == elements[:-1]) & (values[1:] != values[:-1])).any():
        raise RuntimeError("this writes two different values into one element: which of them stays is undefined on a GPU")


# ---- calling NumPy by CuPy's rules ------------------------------------------------------------------------------
def run(name, function, args, kwargs):
    """function(*args, **kwargs) by NumPy, refusing host arrays, and float64 that came from nowhere."""
    given = list(everything_in((args, kwargs)))
    for x in given:
        if isinstance(x, np.ndarray):
            raise TypeError(f"cupy.{name}: Unsupported type {type(x)}")
    out = kwargs.get("out")
    for x in everything_in(out):
        if isinstance(x, ndarray):
            writable(x)
    counts["kernels"] += 1
    result = function(*[unwrapped(x) for x in args], **{key: unwrapped(x) for key, x in kwargs.items()})
    if out is not None and not isinstance(out, tuple):
        return out
    if not any(is_double(x) for x in given if not isinstance(x, np.generic)):
        for x in result if isinstance(result, (tuple, list)) else (result,):
            if is_double(x):
                raise TypeError(f"cupy.{name}: this made a {x.dtype} that nothing asked for, and 64 bits are slow on a GPU: "
                                "is an operand a np.float64, or an argument dtype= left out?")
    return wrap(result, *[x for x in given if isinstance(x, ndarray)])


def is_double(x):
    """Whether x is, or is an array of, a floating-point type of 64 bits."""
    x = getattr(x, "dtype", x)
    if not isinstance(x, (np.dtype, type, str)):
        return False
    try:
        return np.dtype(x) in (np.float64, np.complex128)
    except (TypeError, ValueError):                             # a type or a string that is something else
        return False


def everything_in(x):
    """What is in nested arguments."""
    if isinstance(x, dict):
        x = x.values()
    if isinstance(x, (list, tuple, type({}.values()))):
        for each in x:
            yield from everything_in(each)
    else:
        yield x


def unwrapped(x):
    if isinstance(x, (list, tuple)):
        return type(x)([unwrapped(each) for each in x])
    return x.on_host if isinstance(x, ndarray) else x


def wrap(x, *operands):
    """What NumPy computed, as CuPy returns it; `base` says whose memory it is a view of."""
    if isinstance(x, (tuple, list)) and any(isinstance(each, (np.ndarray, np.generic)) for each in x):
        parts = [wrap(each, *operands) for each in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, (np.ndarray, np.generic, bool)):
        bases = [y.base if y.base is not None else y for y in operands if memory(y.on_host) is memory(x)]
        return ndarray(x, bases[0] if bases else None)
    return x


def memory(x):
    """The array that owns the memory."""
    while isinstance(getattr(x, "base", None), np.ndarray):
        x = x.base
    return x


# ---- the module -------------------------------------------------------------------------------------------------
class ufunc:
    """A function of each element, or matmul: out=, dtype= and casting= are all it takes besides."""

    def __init__(self, name, numpy):
        self.name, self.numpy = name, numpy

    def __call__(self, *args, **kwargs):
        if wrong := set(kwargs) - {"out", "dtype", "casting"}:
            raise TypeError(f"Wrong arguments {wrong}")
        for x in args:
            if not isinstance(x, (ndarray, *NUMBERS)):
                raise TypeError(f"Unsupported type {type(x)}")
        return run(self.name, self.numpy, args, kwargs)

    def at(self, x, indices, values=None):
        if self.name not in AT:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        if x.dtype.char not in AT[self.name]:
            raise TypeError(f"cupy.{self.name}.at cannot take {x.dtype}")
        if isinstance(values, np.ndarray):
            raise TypeError(f"Unsupported type {type(values)}")
        writable(x)
        counts["kernels"] += 1
        self.numpy.at(x.on_host, plain_index(x, indices), unwrapped(values))

    def __getattr__(self, way):
        if way != "outer" and (self.name, way) not in REDUCE:
            raise NotImplementedError(f"`cupy_{self.name}.{way}` is not supported yet")
        return lambda *args, **kwargs: run(f"{self.name}.{way}", getattr(self.numpy, way), args, kwargs)


class Module:
    """`cupy`, or a part of it: what was recorded, done by the part of NumPy that has the same names."""

    def __init__(self, recorded, numpy, **parts):
        self.recorded, self.numpy = recorded, numpy
        vars(self).update(parts)

    def __getattr__(self, name):
        known = self.recorded.get(name)
        if known is None or not hasattr(self.numpy, name):
            raise AttributeError(f"module 'cupy' has no attribute '{name}'" + ("" if known is None else " in this double"))
        if known["kind"] == "ufunc":
            found = ufunc(name, getattr(self.numpy, name))
        elif known["kind"] == "func":
            found = self.function(name, known["params"])
        else:
            found = getattr(self.numpy, name)                   # a type or a constant
        setattr(self, name, found)
        return found

    def function(self, name, params):
        numpy = getattr(self.numpy, name)

        def call(*args, **kwargs):
            bound = check_arguments(name, params, args, kwargs)
            if name in ABOUT_TYPES:
                return numpy(*unwrapped(args), **kwargs)
            if name in UPLOADS and not any(isinstance(x, ndarray) for x in everything_in(args[0])):
                counts["uploads"] += 1
                found = ndarray(np.array(*args, **kwargs))
                if is_double(found) and not is_double(args[0]) and len(bound) == 1:
                    raise TypeError(f"cupy.{name}: this made a {found.dtype} of Python numbers: give it a dtype")
                return found
            if name == "einsum" and (wrong := set(kwargs) - {"dtype", "optimize"}):
                raise TypeError(f"Did not understand the following kwargs: {wrong}")
            if name in WAITS:
                counts["waits"] += 1
            if name in INDICES:
                x, *args = bound.values()
                n = x.size if bound.get("axis") is None else x.shape[bound["axis"]]
                args = [x, ndarray(wrapped_around(unwrapped(bound["indices"]), n)), *args[1:]]
                kwargs = {}
            result = run(name, numpy, args, {NUMPY_NAMES.get(key, key): x for key, x in kwargs.items() if key != "blocking"})
            if name in ("empty", "empty_like"):                 # what is there is what was there before
                result.on_host.fill({"f": np.nan, "c": np.nan, "b": True}.get(result.dtype.kind, 77))
            return result
        return call


def check_arguments(name, params, args, kwargs):
    """Raise if CuPy's function does not take these arguments; else a dict of them by name."""
    if params is None:                                          # a function of C whose parameters are not known
        return {}
    if name not in signatures:
        signatures[name] = inspect.Signature([
            inspect.Parameter(key, getattr(inspect.Parameter, kind),
                              default=None if optional and not kind.startswith("VAR") else inspect.Parameter.empty)
            for key, kind, optional in params])
    try:
        return signatures[name].bind(*args, **kwargs).arguments
    except TypeError as error:
        raise TypeError(f"cupy.{name}: {error}") from None


signatures: dict[str, inspect.Signature] = {}
cupy = Module(API["xp"], np, ndarray=ndarray, linalg=Module(API["linalg"], np.linalg), fft=Module(API["fft"], np.fft),
              lib=Module({}, np.lib, stride_tricks=Module(API["stride_tricks"], np.lib.stride_tricks)),
              __name__="strict", __version__=API["version"])
sys.modules["strictx.scipy.special"] = Module(API["special"], error_function)      # as CuPy has cupyx.scipy.special
