"""Layers that tell a network where in a sequence something stands.  PyTorch has none of them."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..types import dtype as DType
from . import functional as F
from .dropout import Dropout
from .linear import check_counts
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["SinusoidalPositionalEncoding", "RotaryPositionalEncoding"]


class Positions(Module):
    """What they have in common: tables with a row for each position, computed where and in the type that they are needed in.

    They follow from the constructor's arguments alone, so they are no buffers, and not in the state_dict.
    """
    max_len: int | None

    def __init__(self) -> None:
        super().__init__()
        self._tables: dict[tuple[str, DType], tuple[Tensor, ...]] = {}

    def _make(self, length: int, device: Any, dtype: Any) -> tuple[Tensor, ...]:
        """Tables of that many positions."""
        raise NotImplementedError

    def _rows(self, x: Tensor, time: int, offset: int) -> tuple[Tensor, ...]:
        """The rows of the tables for the positions offset, offset + 1, … of x, in its dim `time`."""
        end, name = offset + x.shape[time], type(self).__name__
        if offset < 0:
            raise errors.WrongValue(f"{name}: offset counts the steps before the first of input, got {offset}")
        if self.max_len is not None and end > self.max_len:
            raise errors.ShapeError(f"{name}: input of shape {tuple(x.shape)} has {x.shape[time]} steps in dim {time % x.ndim}, so "
                                    f"the last position is {end - 1}, and there are max_len={self.max_len}.  Build the layer with "
                                    "a larger max_len, or look whether another dim is the time")
        key = str(x.device), x.dtype
        tables = self._tables.get(key)
        if tables is None or len(tables[0]) < end:
            length = max(end, 2 * len(tables[0])) if tables else end
            tables = self._tables[key] = self._make(length, x.device, x.dtype)
        return tuple([table[offset:end] for table in tables])


class SinusoidalPositionalEncoding(Positions):
    """out = dropout(x + PE),   PE_{p, 2i} = sin(p / base^(2i/d)),   PE_{p, 2i+1} = cos(p / base^(2i/d)),   d = d_model

    (Vaswani et al. 2017, §3.5; SPEC MOD-11.)  x (time, batch, d), with batch_first=True (batch, time, d), or unbatched (time, d).
    The embeddings are multiplied by √d before, as in that article, or they drown in numbers between -1 and 1.

    max_len: the longest sequence that is accepted; None: any.  offset: how many steps went before the first of x.
    """
    d_model: int
    dropout: Dropout

    def __init__(self, d_model: int, dropout: float = 0.0, max_len: int | None = None, batch_first: bool = False,
                 base: float = 10000.0) -> None:
        super().__init__()
        check_counts("SinusoidalPositionalEncoding", d_model=d_model, max_len=0 if max_len is None else max_len)
        self.d_model, self.max_len, self.batch_first, self.base = d_model, max_len, batch_first, base
        self.dropout = Dropout(dropout)

    def _make(self, length: int, device: Any, dtype: Any) -> tuple[Tensor, ...]:
        return (F.sinusoidal_positions(length, self.d_model, self.base, device=device, dtype=dtype),)

    def forward(self, input: Tensor, offset: int = 0) -> Tensor:
        form = "(batch, time, d_model)" if self.batch_first else "(time, batch, d_model)"
        if input.ndim not in (2, 3) or input.shape[-1] != self.d_model:
            hint = ".  Tokens are embedded first: nn.Embedding" if input.array.dtype.kind in "iu" else ""
            raise errors.ShapeError(f"SinusoidalPositionalEncoding: input is {form} or (time, d_model), d_model={self.d_model}: "
                                    f"got shape {tuple(input.shape)}{hint}")
        time = 1 if self.batch_first and input.ndim == 3 else 0
        rows, = self._rows(input, time, offset)
        return self.dropout(input + (rows.unsqueeze(1) if time == 0 and input.ndim == 3 else rows))

    def extra_repr(self) -> str:
        return f"{self.d_model}, max_len={self.max_len}, batch_first={self.batch_first}"


class RotaryPositionalEncoding(Positions):
    """out = x with its features turned in pairs, pair i at position p by the angle φ = p / base^(2i/size):

        (a, b) → (a cos φ - b sin φ, b cos φ + a sin φ)        (Su et al. 2021, eq. 34)

    It is for the queries and keys of an attention, not for its input.  Turning keeps lengths, and if R_p is the rotation at
    position p, then R_mᵀ R_n = R_{n-m}: the score (R_m q)·(R_n k) = q·(R_{n-m} k) depends on how far the two are apart, and not
    on where they are.

    x (…, time, size), as in (batch, heads, time, size of a head).  size: how many features are turned, an even number; if x has
    more, the others stay as they are.
    interleaved: pairs are neighbours, (x₀, x₁), (x₂, x₃) …, as in the article (RoFormer, GPT-J); else (x₀, x_{size/2}) …, one from
        each half, as in GPT-NeoX and Llama.  Weights that were trained with one of the two need that one.
    offset: how many steps went before the first of x: with a cache of past keys, its length.
    positions: instead, integers (time,), or (batch, time) where rows differ, as with padding on the left.
    """
    size: int

    def __init__(self, size: int, base: float = 10000.0, interleaved: bool = False, max_len: int | None = None) -> None:
        super().__init__()
        check_counts("RotaryPositionalEncoding", size=size, max_len=0 if max_len is None else max_len)
        if size % 2:
            raise errors.WrongValue(f"RotaryPositionalEncoding: features are turned in pairs, so size is even, got {size}")
        self.size, self.base, self.interleaved, self.max_len = size, base, interleaved, max_len

    def _make(self, length: int, device: Any, dtype: Any) -> tuple[Tensor, ...]:
        return F.rotary_positions(length, self.size, self.base, device=device, dtype=dtype)

    def forward(self, input: Tensor, offset: int = 0, positions: Tensor | None = None) -> Tensor:
        if input.ndim < 2 or input.shape[-1] < self.size:
            raise errors.ShapeError(f"RotaryPositionalEncoding: input is (…, time, size), of which size={self.size} features are "
                                    f"turned, got shape {tuple(input.shape)}")
        if positions is None:
            cos, sin = self._rows(input, -2, offset)
        else:
            if offset:
                raise errors.WrongValue(f"RotaryPositionalEncoding: give offset={offset} or positions: both say where x stands")
            check_positions(positions, input)
            cos, sin = F.rotary_positions(positions, self.size, self.base, dtype=input.dtype)
            while positions.ndim == 2 and cos.ndim < input.ndim:    # (batch, time, …) to (batch, 1, time, …): the same in all heads
                cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
        return F.rotary_encoding(input, cos, sin, self.interleaved)

    def extra_repr(self) -> str:
        return f"{self.size}, base={self.base}, interleaved={self.interleaved}, max_len={self.max_len}"


def check_positions(positions: Tensor, input: Tensor) -> None:
    """Raise unless there is an integer for each time step, of all sequences alike or of each."""
    shape = tuple(input.shape)
    forms = {(shape[-2],)} | ({(shape[0], shape[-2])} if len(shape) > 2 else set())
    if tuple(positions.shape) not in forms:
        wanted = " or ".join([str(form) for form in sorted(forms, key=len)])
        raise errors.ShapeError(f"RotaryPositionalEncoding: for input of shape {shape}, (…, time, size), positions are of shape "
                                f"{wanted}, got {tuple(positions.shape)}")
    if positions.array.dtype.kind not in "iu":
        raise errors.WrongType(f"RotaryPositionalEncoding: positions are integers, got {positions.dtype}")
