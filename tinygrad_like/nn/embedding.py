"""Tables of vectors that are looked up by number: words, users, anything that can be counted."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import autograd, errors
from ..functions.creation import empty
from ..grad_mode import no_grad
from . import functional as F, init
from .linear import check_counts
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Embedding", "EmbeddingBag"]


class Table(Module):
    """What Embedding and EmbeddingBag share: a weight of shape (num_embeddings, embedding_dim), from N(0, 1), and its treatment.

    padding_idx: a row that starts as zeros, and receives no gradient.
    max_norm: rows that are looked up and longer are shortened to it first, in place.  norm_type: the p of that norm.
    scale_grad_by_freq: the gradient of a row is divided by how often it was looked up.
    """
    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None
    max_norm: float | None
    norm_type: float
    scale_grad_by_freq: bool
    sparse: bool
    weight: Parameter

    def _set_up(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None, max_norm: float | None, norm_type: float,
                scale_grad_by_freq: bool, sparse: bool, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        name = type(self).__name__
        check_counts(name, num_embeddings=num_embeddings, embedding_dim=embedding_dim)
        if sparse:
            raise NotImplementedError(f"{name}: sparse gradients are not offered: leave out sparse=True; the result is the same")
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise ValueError(f"{name}: padding_idx={padding_idx} is none of the {num_embeddings} rows")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = max_norm, norm_type, scale_grad_by_freq, sparse
        if weight is None:
            self.weight = Parameter(empty((num_embeddings, embedding_dim), device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
        else:
            if tuple(weight.shape) != (num_embeddings, embedding_dim):
                raise errors.ShapeError(f"{name}: the weight has shape {(num_embeddings, embedding_dim)}, got "
                                        f"{tuple(weight.shape)}")
            self.weight = Parameter(weight, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """New random numbers, and zeros for the padding."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0.0

    def _told(self, **defaults: Any) -> str:
        """The two sizes, and the settings that are not at their defaults."""
        told = [f"{name}={getattr(self, name)!r}" for name, default in defaults.items() if getattr(self, name) != default]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *told])


def check_pretrained(name: str, embeddings: Any) -> tuple[int, int]:
    """The rows and the size of a table that was trained before."""
    if not isinstance(embeddings, autograd.Tensor) or embeddings.ndim != 2:
        came = f"shape {tuple(embeddings.shape)}" if hasattr(embeddings, "shape") else type(embeddings).__name__
        raise errors.ShapeError(f"{name}.from_pretrained takes a tensor of shape (rows, size), got {came}")
    return embeddings.shape[0], embeddings.shape[1]


class Embedding(Table):
    """out[…] = weight[input[…]]: a vector for each integer        (SPEC F-11)

    input: integers from 0 to num_embeddings - 1, in any shape; out: that shape, and embedding_dim behind it.
    weight (num_embeddings, embedding_dim), from N(0, 1).  padding_idx, max_norm, norm_type, scale_grad_by_freq: see `Table`.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None, max_norm: float | None = None,
                 norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False, _weight: Tensor | None = None,
                 _freeze: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self._set_up(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, _freeze,
                     device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None, max_norm: float | None = None,
                        norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Embedding:
        """A layer with these vectors (rows, size) for its weight, which learns no more, unless freeze=False."""
        rows, size = check_pretrained("Embedding", embeddings)
        return cls(rows, size, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, embeddings, freeze)

    def extra_repr(self) -> str:
        return self._told(padding_idx=None, max_norm=None, norm_type=2, scale_grad_by_freq=False)


class EmbeddingBag(Table):
    """The mean (mode "mean"), sum or largest of the vectors of the integers in each bag: (bags, embedding_dim)

    input: (bags, n) integers; or all bags in one line, and offsets says where each begins, (bags,), the first at 0
        (include_last_offset: where the last one ends too).  An empty bag gives zeros.
    per_sample_weights: in the shape of input, what to multiply the vectors by before they are summed; for mode "sum".
    weight (num_embeddings, embedding_dim), from N(0, 1).  max_norm, norm_type, scale_grad_by_freq: see `Table`.
    padding_idx: a row that starts as zeros and counts for nothing.
    """
    mode: str
    include_last_offset: bool

    def __init__(self, num_embeddings: int, embedding_dim: int, max_norm: float | None = None, norm_type: float = 2.0,
                 scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, _weight: Tensor | None = None,
                 include_last_offset: bool = False, padding_idx: int | None = None, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        if mode not in ("sum", "mean", "max"):
            raise ValueError(f"EmbeddingBag: mode is 'sum', 'mean' or 'max', got {mode!r}")
        self._set_up(num_embeddings, embedding_dim, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight, False,
                     device, dtype)
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode,
                               self.sparse, per_sample_weights, self.include_last_offset, self.padding_idx)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, max_norm: float | None = None, norm_type: float = 2.0,
                        scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                        include_last_offset: bool = False, padding_idx: int | None = None) -> EmbeddingBag:
        """A layer with these vectors (rows, size) for its weight, which learns no more, unless freeze=False."""
        rows, size = check_pretrained("EmbeddingBag", embeddings)
        bag = cls(rows, size, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        bag.weight.requires_grad = not freeze
        return bag

    def extra_repr(self) -> str:
        return self._told(max_norm=None, norm_type=2, scale_grad_by_freq=False, mode=None, padding_idx=None)
