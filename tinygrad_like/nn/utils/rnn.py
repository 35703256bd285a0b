"""Sequences of several lengths: padded to one length, or packed, which spends nothing on padding.

Packed, the sequences stand in the order of their lengths, the longest first, and step by step: all their first elements, then the
second elements of those that have one, and so on.  Given such a `PackedSequence`, the recurrent layers run each sequence to its
own end.

    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    out, h = lstm(packed)
    out, lengths = pad_packed_sequence(out)
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ... import autograd, errors, ops
from ...backend import host as np
from ...functions.creation import full, tensor
from ...functions.shape import cat

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence",
           "pack_sequence", "unpack_sequence"]


class Packed(NamedTuple):
    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(Packed):
    """Sequences, packed; made by `pack_padded_sequence` and `pack_sequence`.

    data: (Σ batch_sizes, …), step after step.                      batch_sizes: how many sequences have each step, on the CPU.
    sorted_indices: where each sequence stood in the batch, from the longest on; None if they came sorted.
    unsorted_indices: the inverse, which brings results back into the order of the batch.
    """
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None

    def __new__(cls, data: Any, batch_sizes: Tensor | None = None, sorted_indices: Tensor | None = None,
                unsorted_indices: Tensor | None = None) -> PackedSequence:
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise TypeError("PackedSequence is made by pack_padded_sequence and pack_sequence; by itself it takes data and "
                                f"batch_sizes, and batch_sizes is missing (data is a {type(data).__name__})")
            data, batch_sizes = data
        if isinstance(batch_sizes, autograd.Tensor) and batch_sizes.device.type != "cpu":
            raise ValueError("PackedSequence: batch_sizes stays on the CPU, where the loop over the steps runs; got "
                             f"{batch_sizes.device}")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _changed(self, data: Tensor) -> PackedSequence:
        """The same sequences with other data; the indices go to where that is."""
        if data is self.data:
            return self
        indices = [i if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With its data on another device or of another dtype; itself if it is so already."""
        return self._changed(self.data.to(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        return self._changed(self.data.cuda(*args, **kwargs))

    def cpu(self) -> PackedSequence:
        return self._changed(self.data.cpu())

    def double(self) -> PackedSequence:
        return self._changed(self.data.double())

    def float(self) -> PackedSequence:
        return self._changed(self.data.float())

    def half(self) -> PackedSequence:
        return self._changed(self.data.half())

    def long(self) -> PackedSequence:
        return self._changed(self.data.long())

    def int(self) -> PackedSequence:
        return self._changed(self.data.int())

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one: out[permutation[i]] = i."""
    if permutation is None:
        return None
    return tensor(np.argsort(permutation.cpu().numpy()), device=permutation.device)


# ---- packing ----------------------------------------------------------------------------------------------------
def pack_padded_sequence(input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences of these lengths out of a padded batch, (time, batch, …), or (batch, time, …) with batch_first.

    enforce_sorted: refuse lengths that are not in descending order; False: put them in order, and remember the order they had.
    """
    sizes = host_lengths("pack_padded_sequence", lengths)
    time, batch = packed_dims("pack_padded_sequence", input, batch_first)
    if len(sizes) != batch:
        raise errors.ShapeError(f"pack_padded_sequence: {len(sizes)} lengths were given for {batch} sequences (input has shape "
                                f"{tuple(input.shape)}, batch_first={batch_first})"
                                + (f": batch_first={not batch_first} would make it {time}" if len(sizes) == time else ""))
    if not batch or sizes.min() <= 0:
        raise errors.WrongValue("pack_padded_sequence: there is at least one sequence, and each has at least one element, got "
                                f"lengths {errors.short(sizes.tolist())}: leave empty sequences out")
    if sizes.max() > time:
        raise errors.WrongValue(f"pack_padded_sequence: sequence {int(sizes.argmax())} is said to have {sizes.max()} elements, and "
                                f"input of shape {tuple(input.shape)} has {time} steps")
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    elif (sizes[1:] > sizes[:-1]).any():
        raise errors.WrongValue("pack_padded_sequence: the lengths are in descending order, got "
                                f"{errors.short(sizes.tolist())}: enforce_sorted=False puts them in order, and the results back")
    steps, which, batch_sizes = places_of(sizes)
    which = which if order is None else order[which]
    places = which * time + steps if batch_first else steps * batch + which
    data = ops.take(input.flatten(0, 1), indices=tensor(places, device=input.device), axis=0)
    return PackedSequence(data, tensor(batch_sizes), None if order is None else tensor(order, device=input.device))


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences, (length, …) each; see `pack_padded_sequence`."""
    sequences = as_sequences("pack_sequence", sequences)
    lengths = [len(sequence) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def host_lengths(name: str, lengths: Any) -> Any:
    """Lengths, one for each sequence, as integers on the host."""
    if isinstance(lengths, autograd.Tensor):
        lengths = lengths.cpu().numpy()
    sizes = np.asarray(lengths)
    if sizes.ndim != 1 or sizes.dtype.kind not in "iu" and sizes.size:
        raise errors.WrongType(f"{name}: lengths are integers, one for each sequence, got {errors.short(lengths)}")
    return sizes.astype("int64")


def packed_dims(name: str, input: Tensor, batch_first: bool) -> tuple[int, int]:
    """How many steps a padded batch has, and how many sequences."""
    if not isinstance(input, autograd.Tensor):
        raise TypeError(f"{name}: a Tensor was expected, got {type(input).__name__}")
    if input.ndim < 2:
        raise errors.ShapeError(f"{name}: a padded batch has shape {'(batch, time, …)' if batch_first else '(time, batch, …)'}, "
                                f"got {tuple(input.shape)}")
    return (input.shape[1], input.shape[0]) if batch_first else (input.shape[0], input.shape[1])


def places_of(sizes: Any) -> tuple[Any, Any, Any]:
    """For sequences of these lengths, descending: the step and the sequence of each packed row, and the batch sizes."""
    present = np.arange(sizes[0])[:, None] < sizes              # (time, batch)
    steps, which = np.nonzero(present)
    return steps, which, present.sum(axis=1)


# ---- padding ----------------------------------------------------------------------------------------------------
def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """A packed sequence as a padded batch, (time, batch, …), and the lengths; in the order that the sequences came in.

    total_length: how many steps to pad to, if not to the longest sequence.
    """
    if not isinstance(sequence, PackedSequence):
        raise TypeError(f"pad_packed_sequence takes a PackedSequence, got {type(sequence).__name__}")
    data, batch_sizes = sequence.data, sequence.batch_sizes.numpy()
    time, batch = len(batch_sizes), int(batch_sizes[0])
    if total_length is not None and total_length < time:
        raise ValueError(f"pad_packed_sequence: the longest sequence has {time} elements, so total_length is at least that, "
                         f"got {total_length}")
    lengths = (batch_sizes[:, None] > np.arange(batch)).sum(axis=0)
    steps, which, _ = places_of(lengths)
    if sequence.sorted_indices is not None:
        order = sequence.sorted_indices.cpu().numpy()
        which, lengths = order[which], lengths[sequence.unsorted_indices.cpu().numpy()]     # type: ignore[union-attr]
    time = time if total_length is None else total_length
    return spread(data, steps, which, time, batch, batch_first, padding_value), tensor(lengths)


def pad_sequence(sequences: Tensor | Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Sequences, (length, …) each, as one tensor (time, batch, …), padded to the longest; (batch, time, …) with batch_first."""
    sequences = as_sequences("pad_sequence", sequences)
    if padding_side not in ("right", "left"):
        raise errors.WrongValue(f"pad_sequence: padding_side is 'right' or 'left', got {padding_side!r}")
    lengths = np.array([len(sequence) for sequence in sequences])
    time, batch = int(lengths.max()), len(lengths)
    which, steps = np.nonzero(np.arange(time) < lengths[:, None])
    if padding_side == "left":
        steps = steps + (time - lengths)[which]
    return spread(cat(sequences), steps, which, time, batch, batch_first, padding_value)


def spread(rows: Tensor, steps: Any, which: Any, time: int, batch: int, batch_first: bool, padding_value: float) -> Tensor:
    """Rows put at these steps of these sequences of a batch; padding elsewhere."""
    places, dims = (which * time + steps, (batch, time)) if batch_first else (steps * batch + which, (time, batch))
    padding = full((time * batch, *rows.shape[1:]), padding_value, dtype=rows.dtype, device=rows.device)
    padded = ops.setitem(padding, rows, index=tensor(places, device=rows.device))
    return padded.reshape(*dims, *rows.shape[1:])


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length."""
    time, batch = packed_dims("unpad_sequence", padded_sequences, batch_first)
    sizes = host_lengths("unpad_sequence", lengths)
    if len(sizes) != batch or (sizes > time).any():
        raise errors.ShapeError(f"unpad_sequence: lengths {errors.short(sizes.tolist())} do not fit {batch} sequences of {time} "
                                f"steps (shape {tuple(padded_sequences.shape)}, batch_first={batch_first})")
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [padded_sequences[i, :n] for i, n in enumerate(sizes.tolist())]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences of a packed sequence, in the order that they came in."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def as_sequences(name: str, sequences: Any) -> list[Tensor]:
    """Tensors (length, …), of one shape but for their lengths."""
    if not isinstance(sequences, (autograd.Tensor, Iterable)):
        raise errors.WrongType(f"{name} takes a list of Tensors, got {type(sequences).__name__}")
    found = list(sequences)
    if not found:
        raise errors.WrongValue(f"{name}: there is no sequence in the list")
    for i, sequence in enumerate(found):
        if not isinstance(sequence, autograd.Tensor):
            raise TypeError(f"{name}: sequence {i} is a {type(sequence).__name__}, and not a Tensor: make one with tensor(…)")
        if sequence.ndim == 0 or sequence.shape[1:] != found[0].shape[1:]:
            raise errors.ShapeError(f"{name}: sequences have the same shape but for their lengths (dim 0): sequence 0 has shape "
                                    f"{tuple(found[0].shape)}, sequence {i} {tuple(sequence.shape)}")
    return found
