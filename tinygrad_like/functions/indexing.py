"""Functions that pick elements out of tensors and put them in, spelled as PyTorch spells them.

Any index may repeat: gradients add up.  Out of range, an index is an error that names it and the size.
"""
from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from .. import backend, errors, ops
from ..op import raw
from ..ops.indexing import along, assign
from ..ops.shape import at
from .common import in_place, takes_tensors

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["gather", "scatter", "scatter_add", "scatter_reduce", "index_select", "index_add", "index_copy", "index_fill",
           "index_put", "take", "take_along_dim", "put", "masked_fill", "masked_select", "masked_scatter", "nonzero", "argwhere",
           "searchsorted", "bucketize"]


# ---- one index for each element, along one dim ------------------------------------------------------------------
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """out[i][j][k] = input[i][index[i][j][k]][k] for dim=1, and likewise for others: a result of the shape of index."""
    if sparse_grad:
        raise NotImplementedError("gather: sparse gradients are not offered: leave sparse_grad=False")
    shape = index.array.shape
    if 0 in (input.ndim, index.ndim) and input.ndim + index.ndim == 1:          # a number counts as a line of one
        dim_of("gather", input, dim)
        return ops.reshape(gather(ops.reshape(input, to=(-1,)), 0, ops.reshape(index, to=(-1,))), to=shape)
    if 0 in shape and len(shape) != input.ndim:
        dim_of("gather", input, dim)
        return ops.reshape(ops.getitem(ops.reshape(input, to=(-1,)), index=slice(0)), to=shape)
    places_along("gather", input, dim, index)
    return ops.take_along_axis(input, indices=indices_of("gather", index, input), axis=dim)


def scatter(input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: str | None = None) -> Tensor:
    """A copy of input with out[i][index[i][j][k]][k] = src[i][j][k] for dim=1, and likewise for others.

    src (or value): a tensor at least of the size of index, or a number.  Where an index repeats, one of its values stays.
    reduce: "add" the values to what is there instead.
    """
    if (src is None) == (value is None):
        raise TypeError("scatter takes either src or value: the numbers to put in")
    places = places_along("scatter", input, dim, index)
    values = values_for("scatter", input, index, value if src is None else src)
    if reduce is None:
        return ops.setitem(input, values, index=places)
    if reduce == "add":
        return ops.add_item(input, values, index=places)
    raise NotImplementedError(f"scatter: reduce={reduce!r} is not offered: there are None, 'add', and scatter_reduce")


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of input with out[i][index[i][j][k]][k] += src[i][j][k] for dim=1, and likewise for others."""
    return ops.add_item(input, values_for("scatter_add", input, index, src), index=places_along("scatter_add", input, dim, index))


def scatter_reduce(input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True) -> Tensor:
    """scatter_add for other ways to combine: reduce is "sum", "mean", "amax" or "amin".

    include_self: whether what was in input counts too, where something arrives.
    """
    if input.array.dtype.kind == "b" and src.array.dtype.kind == "b":           # whether any is true, or all are
        x, y = [ops.astype(each, dtype=raw(index).dtype) for each in (input, src)]
        return ops.astype(scatter_reduce(x, dim, index, y, reduce, include_self=include_self), dtype=input.array.dtype)
    places = places_along("scatter_reduce", input, dim, index)
    src = values_for("scatter_reduce", input, index, src)
    if reduce in ("amax", "amin"):
        if not include_self:
            limits = backend.iinfo(input.array.dtype) if input.array.dtype.kind in "iu" else None
            least, largest = (limits.min, limits.max) if limits else (float("-inf"), float("inf"))
            input = ops.setitem(input, int(least) if limits and reduce == "amax" else int(largest) if limits
                                else least if reduce == "amax" else largest, index=places)
        return ops.extreme_item(input, src, index=places, largest=reduce == "amax")
    if reduce not in ("sum", "mean"):
        raise NotImplementedError(f"scatter_reduce: reduce={reduce!r} is not offered: there are 'sum', 'mean', 'amax' and 'amin'")
    total = ops.add_item(input if include_self else ops.setitem(input, 0, index=places), src, index=places)
    if reduce == "sum":
        return total
    count = ops.put_add(backend.ones_like(raw(src)), index=places, into=input.array.shape)
    count = count + (1 if include_self else count == 0)
    return ops.div(total, count) if input.array.dtype.kind in "fc" else ops.floor_divide(total, count)


# ---- whole slices along one dim ---------------------------------------------------------------------------------
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of input along dim that index names, in its order."""
    index, size = line_of_indices("index_select", input, dim, index)
    backend.check_indices(index, size, f"index_select: index into dim {dim}:")
    return ops.take(input, indices=index, axis=dim) if input.ndim else ops.clone(input)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of input with alpha times the k-th slice of source added to its slice index[k], along dim."""
    places, source = slices_for("index_add", input, dim, index, source)
    return ops.add_item(input, source if alpha == 1 else ops.mul(source, alpha), index=places)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of input with its slice index[k] along dim replaced by the k-th slice of source."""
    places, source = slices_for("index_copy", input, dim, index, source)
    return ops.setitem(input, source, index=places)


def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of input with its slices index[k] along dim filled with a number."""
    index, size = line_of_indices("index_fill", input, dim, index)
    backend.check_indices(index, size, f"index_fill: index into dim {dim}:", -size)
    if getattr(value, "ndim", 0):
        raise ValueError(f"index_fill takes a number or a 0-d tensor, got shape {tuple(value.shape)}: index_copy takes slices")
    mask = backend.xp(index).zeros(size, dtype="bool")
    mask[index] = True
    line = [size if d == dim % input.ndim else 1 for d in range(input.ndim)]
    return ops.where(cast(value, input), input, condition=mask.reshape(line))


def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """A copy of input with input[indices] = values; or += values, where repeated indices add up, if accumulate."""
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put takes a tuple of index tensors, got {type(indices).__name__}: write (index,)")
    index = plain_index(tuple([slice(None) if i is None else i for i in indices]), input.array)
    return (ops.add_item if accumulate else ops.setitem)(input, cast(values, input), index=index)


# ---- places in a flat or broadcast tensor -----------------------------------------------------------------------
def take(input: Tensor, index: Tensor) -> Tensor:
    """The elements of input, seen as flat, that index names: a result of the shape of index."""
    index, size = indices_of("take", index, input), input.array.size
    backend.check_indices(index, size, "take: index", -size)
    return ops.getitem(ops.reshape(input, to=(size,)), index=index)


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of input, seen as flat, with out[index] = source; or += source if accumulate."""
    index, size = indices_of("put", index, input), input.array.size
    backend.check_indices(index, size, "put: index", -size)
    flat, source = ops.reshape(input, to=(size,)), ops.reshape(cast(source, input), to=index.shape)
    return ops.reshape((ops.add_item if accumulate else ops.setitem)(flat, source, index=index), to=input.array.shape)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """The elements of input along dim that indices name, as argmax and argsort give them; the other dims broadcast.

    dim: None sees both as flat.
    """
    if dim is None:
        return take(input, ops.reshape(indices, to=(-1,)))
    index = indices_of("take_along_dim", indices, input)
    if index.ndim != input.ndim:
        raise errors.ShapeError(f"take_along_dim: input and indices have as many dims, got shapes {tuple(input.shape)} and "
                                f"{index.shape}")
    dim = dim_of("take_along_dim", input, dim)
    size = input.array.shape[dim] if input.ndim else 1
    backend.check_indices(index, size, f"take_along_dim: index into dim {dim}:", -size)
    wide, many = (x[:dim] + x[dim + 1:] for x in (input.array.shape, index.shape))
    common = common_shape("take_along_dim", wide, many)

    def stretched(x: Any) -> Any:
        return ops.broadcast_to(x, to=common[:dim] + tuple(x.shape[dim:dim + 1]) + common[dim:])

    return ops.take_along_axis(stretched(input), indices=stretched(index), axis=dim)


# ---- masks ------------------------------------------------------------------------------------------------------
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """input with a number where mask is True."""
    mask = mask_of("masked_fill", mask)
    if getattr(value, "ndim", 0):
        raise errors.ShapeError(f"masked_fill takes a number or a 0-d tensor, got shape {tuple(value.shape)}: "
                                "where(mask, values, input) takes more")
    return ops.where(cast(value, input), input, condition=mask)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements of input where mask is True, in one line; the two broadcast."""
    mask = mask_of("masked_select", mask)
    shape = common_shape("masked_select", input.array.shape, mask.shape)
    return ops.getitem(ops.broadcast_to(input, to=shape), index=raw(ops.broadcast_to(mask, to=shape)))


def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """input with its elements where mask is True replaced by the first elements of source, in order."""
    mask = mask_of("masked_scatter", mask)
    shape = common_shape("masked_scatter", input.array.shape, mask.shape)
    mask = raw(ops.broadcast_to(mask, to=shape))
    count, flat = int(mask.sum()), ops.reshape(cast(source, input), to=(-1,))
    if raw(flat).size < count:
        raise errors.ShapeError(f"masked_scatter: the mask is True at {count} places, and source has {raw(flat).size} elements")
    return ops.setitem(ops.broadcast_to(input, to=shape), ops.getitem(flat, index=slice(count)), index=mask)


# ---- places -----------------------------------------------------------------------------------------------------
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The places where input is not zero: one in each row, or as_tuple a tensor of indices for each dim."""
    if not as_tuple:
        return ops.argwhere(input)
    found = ops.argwhere(input if input.ndim else ops.reshape(input, to=(1,)))
    return tuple([found[:, a] for a in range(found.shape[1])])


def argwhere(input: Tensor) -> Tensor:
    """The places where input is not zero, one in each row."""
    return ops.argwhere(input)


def searchsorted(sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
                 sorter: Tensor | None = None) -> Tensor:
    """Where each number of input belongs in the ascending sorted_sequence: before its equals, or after them if right.

    sorted_sequence: one line, or a stack of them, (…, n) for an input of (…, m).   sorter: the argsort of one that is not sorted.
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ValueError(f"searchsorted: side is 'left' or 'right', and right agrees with it, got side={side!r}, right={right}")
    if sorter is not None:
        sorted_sequence = gather(sorted_sequence, -1, sorter)
    if sorted_sequence.ndim == 0:
        raise errors.ShapeError("searchsorted: sorted_sequence has at least one dim")
    if sorted_sequence.ndim > 1 and sorted_sequence.shape[:-1] != getattr(input, "shape", (0,))[:-1]:
        raise errors.ShapeError(f"searchsorted: a stack of sequences, {tuple(sorted_sequence.shape)}, wants an input of the same "
                                f"leading dims, got {tuple(getattr(input, 'shape', ()))}")
    found = ops.searchsorted(sorted_sequence, input, side="right" if right or side == "right" else "left")
    return ops.astype(found, dtype=backend.dtype("int32")) if out_int32 else found


def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Which of the buckets between the ascending boundaries each number of input falls into; right: a boundary opens its bucket."""
    if boundaries.ndim != 1:
        raise errors.ShapeError(f"bucketize: boundaries are one line of numbers, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# ---- for networks: in `nn.functional` ---------------------------------------------------------------------------
@takes_tensors
def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """1 at the place that each class number of input names, and 0 elsewhere, along a new last dim.  -1: as many as the largest."""
    labels = indices_of("one_hot", input, input)
    if num_classes == -1:
        if not labels.size:
            raise RuntimeError("one_hot: the number of classes cannot be seen from an empty tensor: give num_classes")
        num_classes = int(labels.max()) + 1
    elif num_classes < 1 and labels.size:
        raise ValueError(f"one_hot: num_classes is at least 1, got {num_classes}")
    backend.check_indices(labels, num_classes, "one_hot: class")
    return ops.one_hot(input, classes=num_classes)


# ---- x[index] and x[index] = value ------------------------------------------------------------------------------
def read(x: Tensor, index: Any) -> Tensor:
    """x[index] for whatever a user writes as an index."""
    index = plain_index(index, x.array)
    if type(index) is tuple and mixed(index):
        first, then = numbers_first(index)
        return ops.getitem(ops.getitem(x, index=first), index=then)
    return ops.getitem(x, index=index)


def written(x: Tensor, index: Any, value: Any) -> Tensor:
    """A copy of x with value at [index]."""
    index, value = plain_index(index, x.array), cast(value, x)
    if type(index) is tuple and mixed(index):
        first, then = numbers_first(index)
        value, index = ops.setitem(ops.getitem(x, index=first), value, index=then), first
    return ops.setitem(x, value, index=index)


def write(x: Tensor, index: Any, value: Any) -> None:
    """Put value into the memory of x, at [index]."""
    index, value = plain_index(index, x.array), raw(cast(value, x))
    array = x.array
    if type(value) in backend.array_types:
        if type(value) is not type(array):
            if value.ndim:
                raise errors.device_mismatch(ops.setitem, array, value)
            value = backend.to_device(value, backend.device_of(array))
    try:
        if type(index) is tuple and mixed(index):
            first, index = numbers_first(index)
            array = array[first]
        assign(array, index, value)
    except IndexError as error:
        raise errors.explain(ops.setitem, [x.array, value], {"index": index}, error) from error


def plain_index(index: Any, array: Any) -> Any:
    """An index that arrays understand, made of what a user writes: Tensors and lists become arrays on the array's device."""
    if type(index) is int or type(index) is slice or index is None or index is Ellipsis or index is True or index is False:
        return index
    if isinstance(index, tuple):
        return tuple([plain_index(list(i) if isinstance(i, tuple) else i, array) for i in index])
    if isinstance(index, (list, range)):
        index = listed(index)
    index = raw(index)
    if type(index) in backend.array_types:
        if index.dtype.kind not in "iub" or index.dtype.name == "uint8":
            raise IndexError(f"a tensor used as an index has integers (places) or booleans (a mask), got dtype {index.dtype}"
                             + (", which was once a mask in PyTorch and is places in NumPy: say which by .bool() or .long()"
                                if index.dtype.kind == "u" else ": convert it, for example with .long()"))
        if index.ndim == 0 and index.dtype.kind != "b":
            return int(index)
        return backend.to_device(index, backend.device_of(array))
    try:
        return operator.index(index)                            # NumPy's integers
    except TypeError:
        raise IndexError(f"an index is made of integers, slices, ..., None, and tensors or lists of integers or booleans, got "
                         f"{type(index).__name__}") from None


def listed(index: Any) -> Any:
    """The array in a (nested) list of integers, booleans and Tensors, used as an index."""
    def numbers(x: Any) -> Any:
        if isinstance(x, (list, tuple, range)):
            return [numbers(i) for i in x]
        return x.tolist() if type(raw(x)) in backend.array_types else x

    try:
        found = backend.host.asarray(numbers(index))
    except ValueError as error:
        raise IndexError(f"the nested lists used as an index are not all of one length: {error}") from error
    if found.dtype.kind not in "ib" and found.size:
        raise IndexError(f"a list used as an index has integers (places) or booleans (a mask), got {index!r}")
    return found if found.size else found.astype("int64")


def mixed(index: tuple[Any, ...]) -> bool:
    """Whether an index has both numbers and arrays.  NumPy broadcasts the numbers with the arrays, PyTorch takes them first."""
    kinds = [type(i) in backend.array_types for i in index]
    return any(kinds) and any([type(i) is int for i in index])


def numbers_first(index: tuple[Any, ...]) -> tuple[Any, Any]:
    """x[index] as x[first][then]: first the numbers, slices and new dims, then the arrays, each at the dim where it stood."""
    first, then = [], []
    for i in index:
        if type(i) in backend.array_types:
            first += [slice(None)] * (i.ndim if i.dtype.kind == "b" else 1)
            then.append(i)
        elif type(i) is bool:
            then.append(i)
        else:
            first.append(i)
            if type(i) is not int:
                then.append(i if i is Ellipsis else slice(None))
    return tuple(first), tuple(then)


# ---- what is asked of arguments ---------------------------------------------------------------------------------
def dim_of(name: str, input: Tensor, dim: int) -> int:
    """dim, counted from the front; a 0-d tensor counts as having one."""
    dims = max(input.ndim, 1)
    if not -dims <= dim < dims:
        raise errors.OutOfRange(f"{name}: dim {dim} is out of range for a tensor of {input.ndim} dims ({-dims} to {dims - 1})")
    return dim % dims


def indices_of(name: str, index: Any, input: Tensor) -> Any:
    """The array of integers in index."""
    index = raw(index)
    if type(index) not in backend.array_types:
        raise TypeError(f"{name}: the indices are a tensor of integers, got {type(index).__name__}")
    if index.dtype.kind not in "iu":
        raise errors.WrongType(f"{name}: the indices are integers, got dtype {index.dtype}: convert them with .long()")
    if type(index) is not type(input.array):
        here, there = [backend.device_of(x) for x in (input.array, index)]
        raise errors.DeviceMismatch(f"{name}: what is indexed is on {here!r} and the indices are on {there!r}: write "
                                    f"indices.to({here!r})")
    return index


def common_shape(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two shapes broadcast to."""
    try:
        return backend.host.broadcast_shapes(tuple(a), tuple(b))
    except ValueError as error:
        raise errors.ShapeError(f"{name}: {errors.broadcast_fault(tuple(a), tuple(b))}") from error


def mask_of(name: str, mask: Any) -> Any:
    if getattr(raw(mask), "dtype", None) != backend.dtype("bool"):
        raise errors.WrongType(f"{name}: the mask is a tensor of booleans, got {getattr(mask, 'dtype', type(mask).__name__)}: "
                               "make one by a comparison, or by .bool()")
    return raw(mask)


def cast(value: Any, input: Tensor) -> Any:
    """A value that is put into input, as a number or tensor of its type."""
    dtype, given = input.array.dtype, raw(value)
    if type(given) in backend.array_types:
        return value if given.dtype == dtype else ops.astype(value, dtype=dtype)
    number = backend.python_number(given)
    if type(number) is complex and dtype.kind != "c":
        raise errors.WrongValue(f"the number {number} is complex, and what it is to be put into has dtype {dtype}")
    if number is None:
        raise TypeError(f"expected a tensor, an array or a number to put in, got {type(value).__name__}: make a tensor of it first")
    return int(number) if dtype.kind in "iu" and type(number) is float else bool(number) if dtype.kind == "b" else number


def places_along(name: str, input: Tensor, dim: int, index: Any) -> Any:
    """The index that follows `index` along dim, and stays in place along the other dims."""
    dim = dim_of(name, input, dim)
    index = indices_of(name, index, input)
    shape = input.array.shape
    if index.size and index.ndim != len(shape):
        raise errors.ShapeError(f"{name}: index has as many dims as input, got shapes {index.shape} and {tuple(shape)}")
    for a, (n, size) in enumerate(zip(index.shape, shape)):
        if a != dim and n > size:
            raise errors.ShapeError(f"{name}: index, of shape {index.shape}, is longer along dim {a} than input, of shape "
                                    f"{tuple(shape)}: only along dim {dim} it may be")
    backend.check_indices(index, shape[dim] if shape else 1, f"{name}: index into dim {dim}:")
    return along(index, dim)


def values_for(name: str, input: Tensor, index: Any, src: Any) -> Any:
    """The part of src that index has places for."""
    if getattr(src, "array", input.array).dtype != input.array.dtype:
        raise errors.WrongType(f"{name}: src has the type of input, {input.dtype}, got {src.dtype}: src.to(input.dtype) has it")
    src, shape = cast(src, input), raw(index).shape
    given = getattr(src, "shape", ())
    if type(raw(src)) not in backend.array_types or tuple(given) == shape:
        return src
    if len(given) != len(shape) or any(n > size for n, size in zip(shape, given)):
        raise errors.ShapeError(f"{name}: src has a number for each place of index, so it is as long or longer along each dim: "
                                f"got src {tuple(given)} and index {shape}")
    return ops.getitem(src, index=tuple([slice(n) for n in shape]))


def line_of_indices(name: str, input: Tensor, dim: int, index: Any) -> tuple[Any, int]:
    """The indices, in one line, and the length of input along dim."""
    dim = dim_of(name, input, dim)
    index = indices_of(name, index, input)
    if index.ndim > 1:
        raise errors.OutOfRange(f"{name}: index is one line of integers, got shape {index.shape}")
    return index.reshape(-1), input.array.shape[dim] if input.ndim else 1


def slices_for(name: str, input: Tensor, dim: int, index: Any, source: Any) -> tuple[Any, Any]:
    """The index of the slices of input along dim, and source, checked to have one for each."""
    index, size = line_of_indices(name, input, dim, index)
    backend.check_indices(index, size, f"{name}: index into dim {dim}:")
    if input.ndim == 0:
        return (), ops.reshape(cast(source, input), to=())
    shape, dim = list(input.array.shape), dim % input.ndim
    shape[dim] = index.size
    if tuple(source.shape) != tuple(shape):
        raise errors.ShapeError(f"{name}: source has one slice for each of the {index.size} indices, so shape {tuple(shape)}, "
                                f"got {tuple(source.shape)}")
    return at(dim, index), cast(source, input)


class Indexing:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    gather, scatter, scatter_add, scatter_reduce = gather, scatter, scatter_add, scatter_reduce
    index_select, index_add, index_copy, index_fill, index_put = index_select, index_add, index_copy, index_fill, index_put
    take, take_along_dim, put = take, take_along_dim, put
    masked_fill, masked_select, masked_scatter = masked_fill, masked_select, masked_scatter
    nonzero, argwhere = nonzero, argwhere
    scatter_, scatter_add_, scatter_reduce_ = in_place(scatter), in_place(scatter_add), in_place(scatter_reduce)
    index_add_, index_copy_ = in_place(index_add), in_place(index_copy)
    index_fill_, index_put_ = in_place(index_fill), in_place(index_put)
    put_, masked_fill_, masked_scatter_ = in_place(put), in_place(masked_fill), in_place(masked_scatter)
