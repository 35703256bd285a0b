"""Functions that rearrange elements, spelled as PyTorch spells them.

Results share the memory of the input where PyTorch's do: reshape (if it can), permute, squeeze, expand, split, diagonal …
"""
from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import autograd, backend, errors, ops
from ..grad_mode import grad_mode
from ..op import wrap
from ..types import Size, as_dtype, device as Device, int64
from .common import in_place, numpy_names, takes_tensors
from .reduce import axis_of

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["clone", "detach", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "ravel", "squeeze", "unsqueeze",
           "transpose", "swapaxes", "swapdims", "t", "adjoint", "permute", "movedim", "moveaxis", "broadcast_to",
           "broadcast_tensors", "broadcast_shapes", "tile", "repeat_interleave", "flip", "fliplr", "flipud", "roll", "rot90",
           "cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "column_stack", "split", "split_with_sizes",
           "chunk", "tensor_split", "hsplit", "vsplit", "dsplit", "unbind", "narrow", "select", "diagonal", "diag",
           "diag_embed", "diagflat", "trace", "tril", "triu", "tril_indices", "triu_indices", "meshgrid", "cartesian_prod",
           "atleast_1d", "atleast_2d", "atleast_3d"]


# ---- arguments --------------------------------------------------------------------------------------------------
def ints(given: tuple[Any, ...], name: str = "size", named: dict[str, Any] | None = None) -> tuple[int, ...]:
    """The ints that were passed one by one, or as one sequence, or as one under its name."""
    if named:
        if given or list(named) != [name]:
            raise TypeError(f"expected ints one by one, or one sequence of them, which may be named {name}=, got "
                            f"{', '.join([*map(repr, given), *[f'{k}={v!r}' for k, v in named.items()]])}")
        given = tuple(named.values())
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    if builtins.all(type(n) is int for n in given):
        return given
    try:
        return tuple([n.__index__() for n in given])
    except AttributeError:
        raise TypeError(f"{name} is made of ints, got {given!r}") from None


def size_of(input: Tensor, dim: int) -> int:
    return input.array.shape[axis_of(dim, input.ndim)] if input.ndim else 1


def several(name: str, tensors: Any) -> list[Tensor]:
    """The Tensors in a sequence of at least one."""
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{name} takes a tuple or list of tensors, got {type(tensors).__name__}")
    if not tensors:
        raise errors.ShapeError(f"{name}: expected a non-empty list of tensors")
    for k, x in enumerate(tensors):
        if not hasattr(x, "array"):
            raise TypeError(f"{name}: expected tensors, but element {k} is {type(x).__name__}")
    return list(tensors)


# ---- the same elements in another shape -------------------------------------------------------------------------
def clone(input: Tensor) -> Tensor:
    """The same values in memory of their own, with the same history."""
    return ops.clone(input)


def detach(input: Tensor) -> Tensor:
    """The same values, in the same memory, as a constant."""
    return input.detach()


def reshape(input: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same elements in another shape; one size may be -1: what is left.  In the same memory, where its layout allows."""
    to = ints(shape, "shape", named)
    if builtins.min(to, default=0) < -1:
        raise errors.ShapeError(f"reshape: a size is -1 or not negative, got {to}")
    try:
        return ops.reshape(input, to=to)
    except ValueError as error:
        raise errors.ShapeError(f"reshape: shape {to} is invalid for the {input.array.size} elements of an input of shape "
                                f"{tuple(input.shape)}" + (": only one size can be -1" if to.count(-1) > 1 else "")) from error


def view(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """`reshape`.  (PyTorch's refuses where that must copy; here it copies: which layouts can be viewed differs by backend.)"""
    if len(size) == 1 and not isinstance(size[0], (int, tuple, list)) and not hasattr(size[0], "__index__"):
        raise TypeError(f"view takes sizes, got {size[0]!r}: to read the same bytes as another dtype is not offered")
    return reshape(self, ints(size, "size", named)) if named else reshape(self, *size)


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the shape of the other."""
    return reshape(self, other.array.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor in the shape of the other."""
    return reshape(self, other.array.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dims from start_dim to end_dim (included) as one."""
    first, last = axis_of(start_dim, input.ndim), axis_of(end_dim, input.ndim)
    if first > last:
        raise RuntimeError(f"flatten(): start_dim {start_dim} comes after end_dim {end_dim} in shape {tuple(input.shape)}")
    shape = input.array.shape or (1,)
    return ops.reshape(input, to=shape[:first] + (math.prod(shape[first:last + 1]),) + shape[last + 1:])


def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dim as several; one of their sizes may be -1."""
    axis, sizes = axis_of(dim, input.ndim), ints((sizes,), "sizes")
    shape = input.array.shape
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if -1 in sizes and (rest := math.prod([n for n in sizes if n != -1])) and shape[axis] % rest == 0:
        sizes = tuple([shape[axis] // rest if n == -1 else n for n in sizes])
    if math.prod(sizes) != shape[axis] or -1 in sizes:
        raise errors.ShapeError(f"unflatten: sizes {sizes} don't multiply up to the size of dim {dim}, {shape[axis]}")
    return ops.reshape(input, to=shape[:axis] + sizes + shape[axis + 1:])


def ravel(input: Tensor) -> Tensor:
    """All elements in one line."""
    return ops.reshape(input, to=(input.array.size,))


@numpy_names
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dims of size 1: all of them, or those named (which stay if they are larger)."""
    shape = input.array.shape
    if dim is None:
        return ops.reshape(input, to=tuple([n for n in shape if n != 1]))
    axes = [axis_of(d, len(shape)) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    return ops.reshape(input, to=tuple([n for a, n in enumerate(shape) if n != 1 or a not in axes]))


@numpy_names
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a new dim of size 1 at that place."""
    axis, shape = axis_of(dim, input.ndim + 1), input.array.shape
    return ops.reshape(input, to=shape[:axis] + (1,) + shape[axis:])


# ---- dims in another order --------------------------------------------------------------------------------------
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """input with two dims exchanged"""
    a, b = axis_of(dim0, input.ndim), axis_of(dim1, input.ndim)
    return ops.swapaxes(input, axis1=a, axis2=b) if input.ndim else ops.alias(input)


def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name"""
    return transpose(input, axis0, axis1)


def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name"""
    return transpose(input, dim0, dim1)


def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a vector or a number as it is."""
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D: x.mT transposes the last two, "
                           "x.permute(…) any")
    return ops.swapaxes(input, axis1=0, axis2=1) if input.ndim == 2 else ops.alias(input)


def adjoint(input: Tensor) -> Tensor:
    """The last two dims exchanged (of real numbers; complex ones would be conjugated, and are not offered)."""
    if input.array.dtype.kind == "c":
        raise NotImplementedError("adjoint of complex numbers is not offered")
    if input.ndim == 0:
        return ops.alias(input)
    if input.ndim < 2:
        raise RuntimeError(f"adjoint: a matrix or a stack of them has at least 2 dims, got shape {tuple(input.shape)}")
    return ops.swapaxes(input, axis1=-2, axis2=-1)


def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """input with its dims in the given order"""
    order = ints(dims, "dims", named)
    if len(order) != input.ndim:
        raise RuntimeError(f"permute: as many dims as the input has ({input.ndim}, shape {tuple(input.shape)}), got {order}")
    axes = tuple([axis_of(d, input.ndim) for d in order])
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"permute(): duplicate dims are not allowed: {order}")
    return ops.transpose(input, axes=axes)


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """input with some dims moved to other places, the rest keeping their order"""
    origin = [axis_of(d, input.ndim) for d in (source if isinstance(source, (tuple, list)) else (source,))]
    target = [axis_of(d, input.ndim) for d in (destination if isinstance(destination, (tuple, list)) else (destination,))]
    if len(origin) != len(target) or len(set(origin)) < len(origin) or len(set(target)) < len(target):
        raise RuntimeError(f"movedim: source and destination name as many dims, each once, got {source} and {destination}")
    place = dict(zip(target, origin))
    rest = iter([a for a in range(input.ndim) if a not in origin])
    return ops.transpose(input, axes=tuple([place[a] if a in place else next(rest) for a in range(input.ndim)]))


def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """`movedim` under NumPy's name"""
    return movedim(input, source, destination)


# ---- stretched and repeated -------------------------------------------------------------------------------------
def expand(self: Tensor, *size: Any, **named: Any) -> Tensor:
    """Dims of size 1 stretched to the given sizes, without copying; -1 leaves a dim as it is; new dims come in front."""
    to, shape = ints(size, "size", named), self.array.shape
    lead = len(to) - len(shape)
    if lead < 0:
        raise errors.ShapeError(f"expand: {len(shape)} dims, shape {tuple(shape)}, do not fit into {len(to)} sizes, {to}")
    full = []
    for k, n in enumerate(to):
        old = shape[k - lead] if k >= lead else None
        if n == -1 and old is None:
            raise errors.ShapeError(f"expand: -1 isn't allowed in a leading, non-existing dimension {k} of {to}")
        if n != -1 and old not in (None, 1, n) or n < -1:
            raise errors.ShapeError(f"expand: the expanded size {n} must match the existing size {old} at dim {k} (only size 1 "
                                    f"stretches): sizes {to}, for a tensor of shape {tuple(shape)}")
        full.append(old if n == -1 else n)
    return ops.broadcast_to(self, to=tuple(full))


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """This tensor stretched to the shape of the other."""
    return expand(self, other.array.shape)


def broadcast_to(input: Tensor, *size: Any, **named: Any) -> Tensor:
    """`expand`, as a function"""
    return expand(input, *size, **named)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors, stretched to the shape that they have together."""
    xs = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape = tuple(broadcast_shapes(*[x.array.shape for x in xs]))
    return tuple([ops.broadcast_to(x, to=shape) for x in xs])


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that these shapes have together."""
    together: tuple[int, ...] = ()
    for shape in shapes:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        n = builtins.max(len(shape), len(together))
        pairs = list(zip((1,) * (n - len(together)) + together, (1,) * (n - len(shape)) + shape))
        if builtins.any(a != b and 1 not in (a, b) for a, b in pairs):
            raise errors.ShapeError(f"broadcast_shapes: {errors.broadcast_fault(together, shape)}")
        together = tuple([b if a == 1 else a for a, b in pairs])
    return Size(together)


def repeat(self: Tensor, *repeats: Any, **named: Any) -> Tensor:
    """This tensor laid out that many times along each dim; new dims come in front."""
    reps = ints(repeats, "repeats", named)
    if len(reps) < self.ndim:
        raise RuntimeError(f"repeat: {len(reps)} counts for the {self.ndim} dims of a tensor of shape {tuple(self.shape)}: "
                           "give one for each dim, or use tile")
    if builtins.min(reps, default=0) < 0:
        raise RuntimeError(f"repeat: a tensor cannot be repeated a negative number of times, got {reps}")
    return ops.tile(self, reps=reps)


def tile(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """`Tensor.repeat`, where missing counts in front are 1."""
    reps = ints(dims, "dims", named)
    return repeat(input, (1,) * (input.ndim - len(reps)) + reps)


def repeat_interleave(input: Tensor | None = None, repeats: Any = None, dim: int | None = None, *,
                      output_size: int | None = None) -> Tensor:
    """Each slice along dim that many times in a row (a number for all, or a tensor of one for each); dim=None flattens first.

    repeat_interleave(repeats), of one tensor alone, gives the number k of each place repeats[k] times.
    """
    if input is None or repeats is None:
        from .creation import arange
        repeats = input if repeats is None else repeats
        if getattr(repeats, "ndim", 0) != 1:
            raise TypeError("repeat_interleave takes an input and repeats, or one line of repeats alone")
        input = arange(len(repeats), device=repeats.device)
    if dim is None:
        input, dim = ravel(input), 0
    axis = axis_of(dim, input.ndim)
    counts = repeats.tolist() if hasattr(repeats, "tolist") else repeats
    if isinstance(counts, list) and len(counts) == 1:
        counts = counts[0]
    if builtins.min(counts, default=0) < 0 if isinstance(counts, list) else counts < 0:
        raise RuntimeError(f"repeat_interleave: repeats can not be negative, got {counts}")
    if not isinstance(counts, list):
        out = ops.repeat(input, repeats=counts, axis=axis)
    else:
        if len(counts) != input.array.shape[axis]:
            raise RuntimeError(f"repeat_interleave: repeats must have the same size as input along dim {dim}: "
                               f"got {len(counts)} for {input.array.shape[axis]}")
        places: Any = backend.host.repeat(backend.host.arange(len(counts)), counts)
        index = backend.to_device(places, backend.device_of(input.array))
        out = ops.getitem(input, index=ops.shape.at(axis, index))
    if output_size not in (None, out.array.shape[axis]):
        raise RuntimeError(f"repeat_interleave: output_size={output_size}, but the repeats make {out.array.shape[axis]}")
    return out


# ---- turned round -----------------------------------------------------------------------------------------------
def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """A copy of input that runs backwards along the dims."""
    turn = ints(dims, "dims", named)
    axes = tuple([axis_of(d, input.ndim) for d in turn])
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"flip: a dim appears twice in {turn}: name each once")
    return ops.flip(input, axis=axes if input.ndim else ())


def fliplr(input: Tensor) -> Tensor:
    """`flip` along the second dim."""
    if input.ndim < 2:
        raise RuntimeError("fliplr: Input must be >= 2-d.")
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """`flip` along the first dim."""
    if input.ndim < 1:
        raise RuntimeError("flipud: Input must be >= 1-d.")
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """input moved along dims, what falls off at the end coming back at the front; dims=None: along all elements in order."""
    shift = ints((shifts,), "shifts")
    if dims is None or dims == () or dims == []:
        if len(shift) != 1:
            raise RuntimeError(f"roll: {len(shift)} shifts want as many dims")
        return ops.reshape(ops.roll(ravel(input), shift=shift, axis=(0,)), to=input.array.shape)
    axes = tuple([axis_of(d, input.ndim) for d in ints((dims,), "dims")])
    if len(axes) != len(shift):
        raise RuntimeError(f"roll: shifts and dimensions must align. shifts: {len(shift)}, dims: {len(axes)}")
    return ops.roll(input, shift=shift, axis=axes)


def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """input turned by k quarter turns in the plane of two dims, from the first towards the second"""
    if input.ndim < 2:
        raise errors.ShapeError(f"rot90 turns in a plane, so input has two dims or more, got shape {tuple(input.shape)}")
    axes = [axis_of(d, input.ndim) for d in dims]
    if len(axes) != 2 or axes[0] == axes[1]:
        raise RuntimeError(f"rot90 turns in the plane of two different dims, got {dims}")
    a, b = axes
    if k % 4 == 0:
        return ops.clone(input)
    if k % 4 == 2:
        return ops.flip(input, axis=(a, b))
    turned = ops.flip(input, axis=(b,) if k % 4 == 1 else (a,))
    return ops.swapaxes(turned, axis1=a, axis2=b)


# ---- several tensors in one -------------------------------------------------------------------------------------
@numpy_names
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors joined along dim; elsewhere their shapes agree.  (An empty tensor of one dim goes with any.)"""
    xs = several("cat", tensors)
    try:
        return ops.concatenate(*xs, axis=dim)
    except (ValueError, IndexError):
        real = [x for x in xs if x.array.shape != (0,)]
        first = real[0].array.shape if real else (0,)
        if not first:
            raise RuntimeError("cat: a number without dimensions (at position 0) cannot be joined along one: use stack") from None
        axis = axis_of(dim, len(first))
        for k, x in enumerate(xs):
            shape = x.array.shape
            if shape != (0,) and shape[:axis] + shape[axis + 1:] != first[:axis] + first[axis + 1:]:
                raise errors.ShapeError(f"cat: sizes must match except in dim {dim}: tensor {k} has shape {tuple(shape)}, "
                                        f"and the first {tuple(first)}") from None
        return ops.concatenate(*real, axis=axis)


@numpy_names
def concat(tensors: Any, dim: int = 0) -> Tensor:
    """`cat` under another name"""
    return cat(tensors, dim)


@numpy_names
def concatenate(tensors: Any, dim: int = 0) -> Tensor:
    """`cat` under NumPy's name"""
    return cat(tensors, dim)


@numpy_names
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """The tensors, all of one shape, joined along a new dim."""
    xs = several("stack", tensors)
    first = xs[0].array.shape
    for k, x in enumerate(xs):
        if x.array.shape != first:
            raise errors.ShapeError(f"stack expects each tensor to be equal size, but got {tuple(first)} at entry 0 and "
                                    f"{tuple(x.array.shape)} at entry {k}")
    return ops.stack(*xs, axis=axis_of(dim, len(first) + 1))


def hstack(tensors: Any) -> Tensor:
    """The tensors side by side: joined along the second dim, or the first if they have only one."""
    xs = [atleast_1d(x) for x in several("hstack", tensors)]
    return cat(xs, 0 if xs[0].ndim == 1 else 1)


def vstack(tensors: Any) -> Tensor:
    """The tensors, vectors as rows, one above the other."""
    return cat([atleast_2d(x) for x in several("vstack", tensors)], 0)


def dstack(tensors: Any) -> Tensor:
    """The tensors joined along the third dim."""
    return cat([atleast_3d(x) for x in several("dstack", tensors)], 2)


def column_stack(tensors: Any) -> Tensor:
    """The tensors, vectors as columns, side by side."""
    return cat([x if x.ndim > 1 else ops.reshape(x, to=(-1, 1)) for x in several("column_stack", tensors)], 1)


# ---- one tensor in several --------------------------------------------------------------------------------------
def pieces(input: Tensor, sizes: list[int], axis: int) -> tuple[Tensor, ...]:
    return ops.split(input, sizes=tuple(sizes), axis=axis)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The tensor cut along dim into pieces of a size (the last may be smaller), or of several sizes."""
    if isinstance(split_size_or_sections, (tuple, list)):
        return split_with_sizes(tensor, split_size_or_sections, dim)
    n, step, axis = cut(tensor, dim), split_size_or_sections, axis_of(dim, tensor.ndim)
    if step < 0 or step == 0 and n:
        raise RuntimeError(f"split expects split_size to be positive, got {step}")
    if n == 0:
        return pieces(tensor, [0], axis)
    return pieces(tensor, [builtins.min(step, n - start) for start in range(0, n, step)], axis)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """input cut along dim into pieces of these sizes."""
    n, sizes = cut(input, dim), ints((split_sizes,), "split_sizes")
    if math.fsum(sizes) != n or builtins.min(sizes, default=0) < 0:
        raise errors.ShapeError(f"split_with_sizes: the sizes sum to {n}, the size of dim {dim}, and none is negative; "
                                f"got {list(sizes)}")
    return pieces(input, list(sizes), axis_of(dim, input.ndim))


def cut(input: Tensor, dim: int) -> int:
    """The size of the dim to cut along."""
    if input.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    return size_of(input, dim)


@numpy_names
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """input cut along dim into at most so many pieces, of one size but for the last."""
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = cut(input, dim)
    if n == 0:
        return pieces(input, [0] * chunks, axis_of(dim, input.ndim))
    return split(input, -(-n // chunks), dim)


def tensor_split(input: Tensor, indices_or_sections: Any = None, dim: int = 0, *, indices: Any = None,
                 sections: int | None = None) -> tuple[Tensor, ...]:
    """input cut along dim into so many pieces (the first ones larger by 1 if it does not divide), or before these indices."""
    given = [x for x in (indices_or_sections, indices, sections) if x is not None]
    if len(given) != 1:
        raise TypeError(f"tensor_split takes either indices or a number of sections, got {given}")
    indices_or_sections = given[0]
    n, axis = cut(input, dim), axis_of(dim, input.ndim)
    cuts = indices_or_sections.tolist() if hasattr(indices_or_sections, "tolist") else indices_or_sections
    if isinstance(cuts, int):
        if cuts < 1:
            raise RuntimeError(f"number of sections must be larger than 0, got {cuts}")
        return pieces(input, [n // cuts + (k < n % cuts) for k in range(cuts)], axis)
    places = [0, *cuts, n]
    return tuple([input[ops.shape.at(axis, slice(a, b))] for a, b in zip(places, places[1:])])


def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the second dim, or the first if there is only one; a number of sections must divide it."""
    return even_split("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the first of at least two dims; a number of sections must divide it."""
    return even_split("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the third dim; a number of sections must divide it."""
    return even_split("dsplit", input, indices_or_sections, 2, 3)


def even_split(name: str, input: Tensor, cuts: Any, dim: int, least: int) -> tuple[Tensor, ...]:
    if input.ndim < least:
        raise RuntimeError(f"{name} requires a tensor with at least {least} dimension, got shape {tuple(input.shape)}")
    if isinstance(cuts, int) and (cuts < 1 or size_of(input, dim) % cuts):
        raise RuntimeError(f"{name} attempted to split along dimension {dim}, but the size of it, {size_of(input, dim)}, is not "
                           f"divisible by the split_size {cuts}")
    return tensor_split(input, cuts, dim)


@numpy_names
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along dim, as a tuple."""
    if input.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return ops.unbind(input, axis=axis_of(dim, input.ndim))


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """The stretch of input along dim from start, of the given length."""
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if isinstance(start, autograd.Tensor) and (start.ndim or start.array.dtype.kind not in "iu"):
        raise RuntimeError(f"narrow: start is an integer, or a tensor of one without dims, got {start.dtype} in shape "
                           f"{tuple(start.shape)}")
    axis, start = axis_of(dim, input.ndim), start.__index__()
    n = input.array.shape[axis]
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start += n * (start < 0)
    if length < 0 or start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return ops.getitem(input, index=ops.shape.at(axis, slice(start, start + length)))


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice of input at one index along dim."""
    if input.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    axis, index = axis_of(dim, input.ndim), index.__index__()
    n = input.array.shape[axis]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}")
    return ops.getitem(input, index=ops.shape.at(axis, index))


def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` along a dimension, `step` apart, each as a row of a new last dim."""
    axis, n = axis_of(dimension, self.ndim), size_of(self, dimension)
    if not 0 <= size <= n or step < 1:
        raise RuntimeError(f"unfold: size is from 0 to {n}, the size of dimension {dimension}, and step positive, got size={size}, "
                           f"step={step}")
    if self.ndim == 0 or size == 0:
        x = self if self.ndim else ops.reshape(self, to=(1,))
        places = backend.host.arange(0, n - size + 1, step)[:, None] + backend.host.arange(size)
        windows = ops.getitem(x, index=ops.shape.at(axis, backend.to_device(places, backend.device_of(x.array))))
        return movedim(windows, axis + 1, -1) if self.ndim else ops.reshape(windows, to=(size,))
    return ops.sliding_windows(self, axis=axis, size=size, step=step)


# ---- diagonals and triangles ------------------------------------------------------------------------------------
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements x[…, i, i + offset] over two dims, which are replaced by one at the end."""
    a, b = axis_of(dim1, input.ndim), axis_of(dim2, input.ndim)
    if a == b or input.ndim < 2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}, and there must be two of them")
    return ops.diagonal(input, offset=offset, axis1=a, axis2=b)


def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices over two new dims, 0 but for their diagonals, which are the last dim of the input."""
    ndim = input.ndim + 1
    if input.ndim == 0:
        raise errors.OutOfRange("diag_embed takes at least one dim: the diagonal")
    a, b = axis_of(dim1, ndim), axis_of(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    into = list(input.array.shape[:-1])
    for axis in sorted((a, b)):
        into.insert(axis, input.array.shape[-1] + abs(offset))
    return ops.put_diagonal(input, offset=offset, axis1=a, axis2=b, into=tuple(into))


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal; or a copy of the diagonal of a matrix."""
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim == 2:
        return ops.clone(ops.diagonal(input, offset=diagonal))
    raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """The matrix with all elements of the input on its diagonal."""
    return diag_embed(ravel(input), offset)


def trace(input: Tensor) -> Tensor:
    """Σ x_ii of a matrix"""
    if input.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {input.ndim}")
    return ops.diagonal(input).sum()


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices with what is above a diagonal set to 0."""
    matrices("tril", input)
    return ops.tril(input, k=diagonal)


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Matrices with what is below a diagonal set to 0."""
    matrices("triu", input)
    return ops.triu(input, k=diagonal)


def matrices(name: str, input: Tensor) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions, got shape {tuple(input.shape)}")


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The row and column numbers of the lower triangle of a matrix, as two rows."""
    return triangle(backend.host.tril_indices(row, offset, col), dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The row and column numbers of the upper triangle of a matrix, as two rows."""
    return triangle(backend.host.triu_indices(row, offset, col), dtype, device)


def triangle(indices: Any, dtype: Any, device: Any) -> Tensor:
    both = backend.host.stack(indices).astype(as_dtype(dtype or int64).dtype)
    return wrap(backend.to_device(both, backend.default_device if device is None else str(Device(device))))


# ---- grids ------------------------------------------------------------------------------------------------------
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """For vectors x, y, …: out₁[i, j, …] = x[i], out₂[i, j, …] = y[j], … ("ij", the default); "xy" exchanges the first two dims."""
    xs = several("meshgrid", tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be one of 'xy' or 'ij', but received: {indexing}")
    if builtins.any(x.ndim > 1 for x in xs):
        raise RuntimeError(f"meshgrid expects vectors or numbers, got shapes {[tuple(x.shape) for x in xs]}")
    order = [1, 0, *range(2, len(xs))] if indexing == "xy" and len(xs) > 1 else list(range(len(xs)))
    shape = tuple([xs[k].array.size for k in order])
    lines = [ops.reshape(x, to=tuple([-1 if k == place else 1 for k in order])) for place, x in enumerate(xs)]
    return tuple([ops.broadcast_to(line, to=shape) for line in lines])


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element of each vector, as rows."""
    grids = meshgrid(*tensors)
    return ravel(grids[0]) if len(grids) == 1 else stack([ravel(x) for x in grids], 1)


def atleast_1d(*tensors: Any) -> Any:
    """The tensor (or tensors, as a tuple), with a dim if it has none."""
    return each(tensors, lambda x: x if x.ndim else ops.reshape(x, to=(1,)))


def atleast_2d(*tensors: Any) -> Any:
    """The tensor (or tensors, as a tuple), with two dims if it has less: vectors become rows."""
    return each(tensors, lambda x: x if x.ndim > 1 else ops.reshape(x, to=(1, -1)))


def atleast_3d(*tensors: Any) -> Any:
    """The tensor (or tensors, as a tuple), with three dims if it has less."""
    return each(tensors, lambda x: x if x.ndim > 2 else ops.reshape(x, to=(*x.array.shape, 1) if x.ndim == 2 else (1, -1, 1)))


def each(tensors: tuple[Any, ...], function: Callable[[Any], Any]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
        return function(tensors[0])
    return tuple([function(x) for x in (tensors[0] if len(tensors) == 1 else tensors)])


# ---- borders: in `nn.functional` --------------------------------------------------------------------------------
@takes_tensors
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """input with borders: pad = (before, after) of the last dim, then of the one before it, and so on.

    mode: "constant" (value, 0 unless given; a negative width cuts off), "reflect", "replicate" or "circular".
    """
    widths, shape = ints((pad,), "pad"), input.array.shape
    if len(widths) % 2 or len(widths) > 2 * len(shape):
        raise RuntimeError(f"pad: Padding length must be divisible by 2 and at most twice the number of dims ({len(shape)}), "
                           f"got {list(widths)}")
    if mode not in ("constant", "reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad: mode is 'constant', 'reflect', 'replicate' or 'circular', got {mode!r}")
    if mode != "constant" and value not in (None, 0):
        raise ValueError(f"Padding mode {mode!r} doesn't take in value argument")
    pairs = [(0, 0)] * (len(shape) - len(widths) // 2) + [widths[k:k + 2] for k in range(len(widths) - 2, -1, -2)]
    for axis, (n, (before, after)) in enumerate(zip(shape, pairs)):
        most = builtins.max({"reflect": n - 1, "circular": n, "replicate": n * math.inf if n else 0}.get(mode, math.inf), 0)
        if n + before + after < 0 or builtins.max(before, after) > most:
            raise errors.ShapeError(f"pad: padding ({before}, {after}) in mode {mode!r} does not fit dimension {axis} of shape "
                                    f"{tuple(shape)}" + (": it is to be smaller than the size there" if mode == "reflect" else ""))
    out, more = input, tuple([(builtins.max(b, 0), builtins.max(a, 0)) for b, a in pairs])
    cuts = [(builtins.max(-b, 0), builtins.max(-a, 0)) for b, a in pairs]
    first = mode in ("constant", "circular")                    # a border of what is left; or of the whole, as far as it is seen
    if first and builtins.min(widths, default=0) < 0:
        out = ops.getitem(out, index=tuple([slice(b, n - a) for n, (b, a) in zip(shape, cuts)]))
    if builtins.max(widths, default=0) > 0:
        out = ops.pad(out, widths=more, mode=mode, value=0 if value is None else value)
    if not first and builtins.min(widths, default=0) < 0:
        out = ops.getitem(out, index=tuple([slice(b, n - a) for n, (b, a) in zip(out.array.shape, cuts)]))
    return out if out is not input else ops.clone(input)


# ---- methods ----------------------------------------------------------------------------------------------------
def turned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that gives a tensor the function's view of it for its new self: squeeze_ from squeeze."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if grad_mode.enabled and self.node is not None and self.node.op is None:
            raise RuntimeError(f"{method.__name__}: a leaf that requires grad cannot become a view of itself: "
                               f"use {function.__name__}")
        new = function(self, *args, **kwargs)
        self.array, self.node = new.array, new.node
        return self
    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__doc__ = f"`{function.__name__}`, in place: see there.  Returns this tensor."
    return method


class Shape:
    """The same functions, as methods of Tensor."""
    __slots__ = ()
    clone, reshape, view, view_as, reshape_as = clone, reshape, view, view_as, reshape_as
    flatten, unflatten, ravel, squeeze, unsqueeze = flatten, unflatten, ravel, squeeze, unsqueeze
    transpose, swapaxes, swapdims, t, adjoint, permute, movedim = transpose, swapaxes, swapdims, t, adjoint, permute, movedim
    moveaxis, expand, expand_as, broadcast_to, repeat, tile = moveaxis, expand, expand_as, broadcast_to, repeat, tile
    repeat_interleave, flip, fliplr, flipud, roll, rot90 = repeat_interleave, flip, fliplr, flipud, roll, rot90
    split_with_sizes, chunk, tensor_split = split_with_sizes, chunk, tensor_split
    hsplit, vsplit, dsplit, unbind, narrow, select, unfold = hsplit, vsplit, dsplit, unbind, narrow, select, unfold
    diagonal, diag, diag_embed, diagflat, trace, tril, triu = diagonal, diag, diag_embed, diagflat, trace, tril, triu
    tril_, triu_ = in_place(tril), in_place(triu)
    squeeze_, unsqueeze_, transpose_ = turned(squeeze), turned(unsqueeze), turned(transpose)
    swapaxes_, swapdims_, t_ = turned(swapaxes), turned(swapdims), turned(t)

    def split(self: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:   # type: ignore[misc]
        """This tensor cut along dim into pieces of a size (the last may be smaller), or of several sizes."""
        return split(self, split_size, dim)

    def astype(self: Tensor, dtype: Any) -> Tensor:
        """NumPy's name for `.to(dtype)`, for formulas that work on arrays and on Tensors."""
        return ops.astype(self, dtype=dtype)

    @property
    def T(self: Tensor) -> Tensor:
        """All dims in reverse order: of a matrix, its transpose."""
        return ops.transpose(self, axes=tuple(range(self.ndim))[::-1])

    @property
    def mT(self: Tensor) -> Tensor:
        """The last two dims exchanged: of a stack of matrices, their transposes."""
        if self.ndim < 2:
            raise RuntimeError(f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor.")
        return ops.swapaxes(self, axis1=-2, axis2=-1)

    @property
    def H(self: Tensor) -> Tensor:
        """The `adjoint` of a matrix."""
        if self.ndim not in (0, 2):
            raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor.")
        return adjoint(self)

    @property
    def mH(self: Tensor) -> Tensor:
        """The `adjoint` of each of a stack of matrices."""
        return adjoint(self)
