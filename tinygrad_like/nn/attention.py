"""Attention as a layer: many heads, each with projections of its own."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.creation import empty
from . import functional as F, init
from .linear import Linear, check_counts
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["MultiheadAttention"]


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear, under the name that PyTorch prints for the last projection of its attention layers."""


class DividedBadly(errors.WrongValue, AssertionError):
    """Features that cannot be dealt out evenly.  (PyTorch asserts it: this is both.)"""


class MultiheadAttention(Module):
    """out = concat(head_1, …, head_h) W_o,   head_i = softmax(Q_i K_iᵀ / √d) V_i,   Q_i = query W_i^Q and so on

    (Vaswani et al. 2017, §3.2.2; SPEC MOD-11, MOD-18.)  Each of the h = num_heads heads looks for something else, in
    d = embed_dim / h features.

    query (L, N, E), key (S, N, kdim), value (S, N, vdim); with batch_first=True (N, L, E) …; unbatched (L, E) ….  Returns the pair
    (out, weights): out of the shape of query; weights (N, L, S), the mean over the heads, or with average_attn_weights=False
    (N, h, L, S), or with need_weights=False, which is faster and takes less memory, None.  The values of out are the same.

    Masks.  Booleans: **True = not attended**.  (In F.scaled_dot_product_attention True = attended: turn one into the other by ~.)
    Floating-point numbers are added to the scores: -inf = not attended.

        attn_mask (L, S), or for each head (N·h, L, S)          key_padding_mask (N, S), whatever batch_first says

                 keys →                                         a  b  c  pad        False False False True
        queries  False True  True                               d  e  pad pad       False False True  True
           ↓     False False True        a causal mask
                 False False False

    A query that may attend nothing gets zeros for its heads, and no NaN.
    is_causal=True says that attn_mask is the causal one, which is then not read where that is faster: a wrong hint gives wrong
    results.

    in_proj_weight (3E, E) holds W^Q, W^K and W^V one above the other; if kdim or vdim is not embed_dim, there are instead
    q_proj_weight (E, E), k_proj_weight (E, kdim) and v_proj_weight (E, vdim).  in_proj_bias (3E,).  out_proj is a Linear.
    add_bias_kv: one more key and value, which are learned.  add_zero_attn: one more, which are zeros.
    dropout: the probability to drop each weight, in training.
    """
    embed_dim: int
    num_heads: int
    in_proj_weight: Parameter | None
    q_proj_weight: Parameter | None
    k_proj_weight: Parameter | None
    v_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None
    out_proj: Linear

    def __init__(self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
                 add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        kdim, vdim = embed_dim if kdim is None else kdim, embed_dim if vdim is None else vdim
        check_counts("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads, kdim=kdim, vdim=vdim)
        if embed_dim == 0 or num_heads == 0:
            raise errors.WrongValue(f"MultiheadAttention: embed_dim and num_heads are above 0, got {embed_dim} and {num_heads}")
        if embed_dim % num_heads:
            fits = min([n for n in range(1, embed_dim + 1) if embed_dim % n == 0], key=lambda n: abs(n - num_heads))
            raise DividedBadly(f"MultiheadAttention: embed_dim must be divisible by num_heads, which share its features, and "
                               f"{embed_dim} is not by {num_heads}: {fits} heads would fit, or "
                               f"embed_dim={(embed_dim + num_heads - 1) // num_heads * num_heads}")
        if not 0 <= dropout <= 1:
            raise errors.WrongValue(f"MultiheadAttention: dropout is a probability, between 0 and 1, got {dropout}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim, self.vdim, self.dropout, self.batch_first, self.add_zero_attn = kdim, vdim, dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = kdim == vdim == embed_dim

        def weights(*shape: int) -> Parameter:
            return Parameter(empty(shape, device=device, dtype=dtype))

        if self._qkv_same_embed_dim:
            self.in_proj_weight = weights(3 * embed_dim, embed_dim)
            for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
                self.register_parameter(name, None)
        else:
            self.q_proj_weight = weights(embed_dim, embed_dim)
            self.k_proj_weight = weights(embed_dim, kdim)
            self.v_proj_weight = weights(embed_dim, vdim)
            self.register_parameter("in_proj_weight", None)
        self.register_parameter("in_proj_bias", weights(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.register_parameter("bias_k", weights(1, 1, embed_dim) if add_bias_kv else None)
        self.register_parameter("bias_v", weights(1, 1, embed_dim) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """New random numbers: Glorot's, and zeros for the biases."""
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for more in (self.bias_k, self.bias_v):
            if more is not None:
                init.xavier_normal_(more)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None, need_weights: bool = True,
                attn_mask: Tensor | None = None, average_attn_weights: bool = True,
                is_causal: bool = False) -> tuple[Tensor, Tensor | None]:
        return F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k, self.bias_v,
            self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training, key_padding_mask,
            need_weights, attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal, batch_first=self.batch_first)
