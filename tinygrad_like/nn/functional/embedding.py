"""Looking up rows of a table by their numbers: one at a time, or bags of them summed up."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import autograd, backend, errors, ops
from ...functions.common import check_inputs
from ...functions.indexing import indices_of
from ...functions.reduce import norm
from ...grad_mode import no_grad

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["embedding", "embedding_bag"]


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """The row of weight for each integer of input: out[…] = weight[input[…]]        (SPEC F-11)

    input: integers in any shape.  weight: (rows, size).  The result: the shape of input, and size behind it.
    padding_idx: a row that receives no gradient.
    max_norm: rows that are looked up and longer are shortened to it first, in weight itself.  norm_type: the p of that norm.
    scale_grad_by_freq: the gradient of a row is divided by how often it was looked up.
    """
    padding_idx = check_table("embedding", weight, padding_idx, sparse)
    indices = rows_of("embedding", input, weight)
    if max_norm is not None:
        shorten(weight, indices, max_norm, norm_type)
    return ops.embedding(weight, indices=indices, padding=padding_idx,
                         share=one_over_uses(indices, weight) if scale_grad_by_freq else None)


def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
                  norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Tensor:
    """The mean (mode "mean"), sum or largest of the rows of weight in each bag: (bags, size).  An empty bag gives zeros.

    input: (bags, n) integers, or all bags in one line, and then offsets says where each begins, (bags,), the first at 0
        (include_last_offset: where the last one ends too).
    per_sample_weights: in the shape of input, what to multiply the rows by before they are summed; for mode "sum".
    padding_idx: a row that counts for nothing.        max_norm, norm_type, scale_grad_by_freq: as in `embedding`.
    """
    if mode not in ("sum", "mean", "max"):
        raise ValueError(f"embedding_bag: mode is 'sum', 'mean' or 'max', got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("embedding_bag: scale_grad_by_freq is for sums and means, and mode is 'max'")
    padding_idx = check_table("embedding_bag", weight, padding_idx, sparse)
    indices = rows_of("embedding_bag", input, weight)
    bags, bag = bags_of(indices, offsets, include_last_offset)
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError(f"embedding_bag: per_sample_weights go with mode='sum', not {mode!r}: where weights are "
                                      "to sum to 1 in each bag, divide them by their sum")
        if tuple(per_sample_weights.shape) != tuple(indices.shape):
            raise errors.ShapeError(f"embedding_bag: per_sample_weights has one number for each of input, in shape "
                                    f"{tuple(indices.shape)}, got {tuple(per_sample_weights.shape)}")
    if max_norm is not None:
        shorten(weight, indices, max_norm, norm_type)

    indices = indices.reshape(-1)                               # (n,) of all bags; bag (n,) says which
    found = ops.embedding(weight, indices=indices, padding=padding_idx,
                          share=one_over_uses(indices, weight) if scale_grad_by_freq else None)        # (n, size)
    kept = backend.ones_like(indices) if padding_idx is None else (indices != padding_idx).astype(indices.dtype)
    count = ops.put_add_slices(kept, indices=bag, into=(bags,))[:, None]
    if mode == "max":
        return largest_of_bags(found, bag, kept, count)
    if per_sample_weights is not None:
        found = found * ops.reshape(per_sample_weights, to=(-1, 1))
    if padding_idx is not None:
        found = ops.masked(found, keep=kept[:, None] != 0)
    total = ops.put_add_slices(found, indices=bag, into=(bags, weight.shape[1]))
    return total if mode == "sum" else ops.div(total, (count + (count == 0)).astype(weight.array.dtype))


def largest_of_bags(found: Tensor, bag: Any, kept: Any, count: Any) -> Tensor:
    """The largest number of each column, in each bag: (bags, size).  The first of equal ones gets the gradient."""
    x = found.array
    m, n = backend.xp(x), len(x)
    x = m.where(kept[:, None] != 0, x, -m.inf)
    best = m.full((len(count), x.shape[1]), -m.inf, x.dtype)
    backend.extreme_at(best, bag, x, True)
    rows = m.arange(n, dtype="int32")[:, None]
    winner = m.full(best.shape, n, "int32")                     # the number of the first row that has it
    backend.extreme_at(winner, bag, m.where((x == best[bag]) | (x != x), rows, n), False)
    if not n:
        return ops.put_add_slices(found, indices=bag, into=best.shape)
    return ops.masked(ops.take_along_axis(found, indices=m.minimum(winner, n - 1), axis=0), keep=count > 0)


def bags_of(indices: Any, offsets: Tensor | None, include_last: bool) -> tuple[int, Any]:
    """How many bags there are, and the number of the bag for each index, in one line."""
    m, n = backend.xp(indices), indices.size
    if indices.ndim == 2:
        if offsets is not None:
            raise ValueError(f"embedding_bag: input of shape {tuple(indices.shape)} has a bag in each row: leave out the offsets")
        return len(indices), m.arange(len(indices)).repeat(indices.shape[1])
    if indices.ndim != 1:
        raise errors.ShapeError(f"embedding_bag: input has shape (bags, n), or (n,) with offsets, got {tuple(indices.shape)}")
    if not isinstance(offsets, autograd.Tensor) or offsets.ndim != 1:
        raise ValueError("embedding_bag: for an input in one line, offsets says where in it each bag begins, in shape (bags,), got "
                         + (f"shape {tuple(offsets.shape)}" if isinstance(offsets, autograd.Tensor) else repr(offsets)))
    starts = backend.to_device(offsets.array, backend.device_of(indices))
    if starts.dtype.kind not in "iu":
        raise errors.WrongType(f"embedding_bag: offsets are integers, got dtype {offsets.dtype}: convert them with .long()")
    if include_last and not len(starts):
        raise ValueError("embedding_bag: with include_last_offset there is at least one offset, where the last bag ends")
    if backend.debug or backend.device_of(starts) == "cpu":
        on_host = backend.to_device(starts, "cpu")
        if len(on_host) and (on_host[0] != 0 or on_host[-1] > n or (on_host[1:] < on_host[:-1]).any()):
            raise errors.WrongValue(f"embedding_bag: offsets ascend from 0 to at most {n}, the length of input, got "
                                    f"{on_host.tolist()}")
        if include_last and on_host[-1] != n:
            raise errors.WrongValue(f"embedding_bag: with include_last_offset the last offset is where the last bag ends, {n}, the "
                                    f"length of input, got {int(on_host[-1])}")
    if include_last:
        starts = starts[:-1]
    if not len(starts) and n:
        raise errors.WrongValue(f"embedding_bag: input has {n} indices, and offsets names no bag for them")
    return len(starts), m.searchsorted(starts, m.arange(n), side="right") - 1


# ---- what both share --------------------------------------------------------------------------------------------
def check_table(name: str, weight: Tensor, padding_idx: int | None, sparse: bool) -> int | None:
    """Raise unless weight is a table of rows; padding_idx, counted from the first of them."""
    if sparse:
        raise NotImplementedError(f"{name}: sparse gradients are not offered: leave out sparse=True; the result is the same")
    if not isinstance(weight, autograd.Tensor) or weight.ndim != 2:
        shape = f"shape {tuple(weight.shape)}" if isinstance(weight, autograd.Tensor) else type(weight).__name__
        raise errors.ShapeError(f"{name}: weight is a tensor of shape (rows, size), got {shape}")
    rows = weight.array.shape[0]
    if padding_idx is None:
        return None
    if not -rows <= padding_idx < rows:
        raise ValueError(f"{name}: padding_idx={padding_idx} is none of the {rows} rows of weight")
    return padding_idx % rows


def rows_of(name: str, input: Tensor, weight: Tensor) -> Any:
    """The array of the row numbers in input, all in range."""
    indices = indices_of(name, input, weight)
    backend.check_indices(indices, weight.array.shape[0], f"{name}: index")
    return indices


def shorten(weight: Tensor, indices: Any, max_norm: float, norm_type: float) -> None:
    """Bring the rows at the indices to length max_norm where they are longer, in place."""
    with no_grad():
        found = ops.take(weight, indices=indices.reshape(-1))
        length = norm(found, norm_type, -1, True)
        factor = ops.where(max_norm / (length + 1e-7), 1.0, condition=length.array > max_norm)
        weight[autograd.wrap(indices.reshape(-1))] = found * factor         # a row that comes twice is written twice, the same


def one_over_uses(indices: Any, weight: Tensor) -> Any:
    """1 / how often the row of each index is among them."""
    ones = backend.xp(indices).ones(indices.shape, weight.array.dtype)
    return 1 / ops.put_add_slices(ones, indices=indices, into=(weight.array.shape[0],))[indices]


check_inputs(globals(), __all__)
