"""The Transformer of Vaswani et al. 2017: encoder and decoder, and the layers that they are stacked from (SPEC MOD-11, F-02)."""
from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import errors
from ..functions.creation import full
from . import functional as F, init
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder", "Transformer"]


# ---- layers -----------------------------------------------------------------------------------------------------
class TransformerEncoderLayer(Module):
    """x = norm1(x + attention(x, x, x));  out = norm2(x + linear2(activation(linear1(x))))        (Vaswani et al. 2017, §3.1)

    norm_first: x = x + attention(norm1(x), …);  out = x + linear2(activation(linear1(norm2(x)))), which deep stacks train better in
    (Xiong et al. 2020).  Dropout after each of the two, after the activation, and on the weights of the attention.

    src (L, N, d_model), with batch_first=True (N, L, d_model), or unbatched (L, d_model); out of the same shape.
    src_mask (L, L) or (N · nhead, L, L) and src_key_padding_mask (N, L) as in MultiheadAttention: True = not attended.
    is_causal=True says that src_mask is the causal one, which then may be left unread: a wrong hint gives wrong results.
    activation: 'relu', 'gelu', or a function of a tensor.
    """
    self_attn: MultiheadAttention
    linear1: Linear
    linear2: Linear
    norm1: LayerNorm
    norm2: LayerNorm
    dropout: Dropout
    dropout1: Dropout
    dropout2: Dropout

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: str | Callable[[Tensor], Tensor] = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
                 norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.dropout1, self.dropout2 = Dropout(dropout), Dropout(dropout)
        self.activation = function_of(activation)

    def forward(self, src: Tensor, src_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                is_causal: bool = False) -> Tensor:
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _sa_block(self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False) -> Tensor:
        """Attention of x to itself."""
        return self.dropout1(self.self_attn(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        """The same two layers at each place."""
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerDecoderLayer(Module):
    """x = norm1(x + attention(x, x, x));  x = norm2(x + attention(x, memory, memory));  out = norm3(x + feedforward(x))

    (Vaswani et al. 2017, §3.1.)  memory is what the encoder made of the source.  norm_first, activation, dropout: as in
    TransformerEncoderLayer.

    tgt (T, N, d_model) and memory (S, N, d_model), with batch_first=True (N, T, …) and (N, S, …), or unbatched (T, …) and (S, …).
    tgt_mask (T, T) and memory_mask (T, S), or one for each head (N · nhead, …); tgt_key_padding_mask (N, T) and
    memory_key_padding_mask (N, S): True = not attended.  tgt_is_causal, memory_is_causal: hints, as is_causal there.
    """
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention
    linear1: Linear
    linear2: Linear
    norm1: LayerNorm
    norm2: LayerNorm
    norm3: LayerNorm
    dropout: Dropout
    dropout1: Dropout
    dropout2: Dropout
    dropout3: Dropout

    def __init__(self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
                 activation: str | Callable[[Tensor], Tensor] = F.relu, layer_norm_eps: float = 1e-5, batch_first: bool = False,
                 norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.multihead_attn = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.norm3 = LayerNorm(d_model, layer_norm_eps, bias=bias, **place)
        self.dropout1, self.dropout2, self.dropout3 = Dropout(dropout), Dropout(dropout), Dropout(dropout)
        self.activation = function_of(activation)

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                tgt_is_causal: bool = False, memory_is_causal: bool = False) -> Tensor:
        x = tgt
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        across = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *across)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, *across))
        return self.norm3(x + self._ff_block(x))

    def _sa_block(self, x: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool = False) -> Tensor:
        """Attention of x to itself."""
        return self.dropout1(self.self_attn(x, x, x, key_padding_mask, False, attn_mask, is_causal=is_causal)[0])

    def _mha_block(self, x: Tensor, mem: Tensor, attn_mask: Tensor | None, key_padding_mask: Tensor | None,
                   is_causal: bool = False) -> Tensor:
        """Attention of x to what the encoder made."""
        return self.dropout2(self.multihead_attn(x, mem, mem, key_padding_mask, False, attn_mask, is_causal=is_causal)[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        """The same two layers at each place."""
        return self.dropout3(self.linear2(self.dropout(self.activation(self.linear1(x)))))


def function_of(activation: Any) -> Callable[[Tensor], Tensor]:
    """The function that an activation is the name of, or is."""
    if activation in ("relu", "gelu"):
        return getattr(F, activation)
    if not callable(activation):
        raise RuntimeError(f"activation is 'relu', 'gelu', or a function such as F.silu, got {activation!r}")
    return activation


# ---- stacks -----------------------------------------------------------------------------------------------------
class TransformerEncoder(Module):
    """out = norm(layer_n(… layer_1(src))), with n = num_layers copies of encoder_layer, or without the norm

    All copies begin with the weights of encoder_layer: initialise them anew if they are to differ.
    src, src_key_padding_mask: as in TransformerEncoderLayer; mask is its src_mask.
    is_causal: whether mask is the causal one; None: look.
    enable_nested_tensor, mask_check: PyTorch has short cuts for padded batches in evaluation, which these turn on and off, and
        which leave zeros where padding is.  Here there are none, and results are those of PyTorch with enable_nested_tensor=False.
    """
    layers: ModuleList
    norm: Module | None

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None, enable_nested_tensor: bool = True,
                 mask_check: bool = True) -> None:
        super().__init__()
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(self, src: Tensor, mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                is_causal: bool | None = None) -> Tensor:
        causal = looks_causal(mask) if is_causal is None else is_causal
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return x if self.norm is None else self.norm(x)


class TransformerDecoder(Module):
    """out = norm(layer_n(… layer_1(tgt, memory), memory)), with n = num_layers copies of decoder_layer, or without the norm

    The arguments are those of TransformerDecoderLayer; tgt_is_causal=None: look whether tgt_mask is the causal one.
    """
    layers: ModuleList
    norm: Module | None

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers, self.norm = num_layers, norm

    def forward(self, tgt: Tensor, memory: Tensor, tgt_mask: Tensor | None = None, memory_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                tgt_is_causal: bool | None = None, memory_is_causal: bool = False) -> Tensor:
        causal = looks_causal(tgt_mask) if tgt_is_causal is None else tgt_is_causal
        x = tgt
        for layer in self.layers:
            x = layer(x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                      memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=causal, memory_is_causal=memory_is_causal)
        return x if self.norm is None else self.norm(x)


class Transformer(Module):
    """out = decoder(tgt, memory = encoder(src)): from one sequence to another, both embedded already, positions and all

    (Vaswani et al. 2017, figure 1; SPEC MOD-11, F-02.)  The whole way, with the target one step behind what is to be predicted:

        source tokens (N, S) → Embedding → SinusoidalPositionalEncoding → src (N, S, d_model)
        target tokens (N, T) → Embedding → SinusoidalPositionalEncoding → tgt (N, T, d_model) → Transformer → Linear → scores

    A decoder needs a sequence of its own, and an encoder makes d_model features of token numbers, not of what has them (SPEC M-31).

    src (S, N, d_model) and tgt (T, N, d_model), with batch_first=True (N, S, d_model) and (N, T, d_model), or unbatched; out is
    as tgt.  Masks and hints: as in TransformerEncoderLayer and TransformerDecoderLayer.  A decoder that is to predict is given
    tgt_mask=nn.Transformer.generate_square_subsequent_mask(T), so that no place sees those after it.
    custom_encoder, custom_decoder: modules to take the place of the stacks.
    """
    encoder: Any
    decoder: Any

    def __init__(self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
                 dim_feedforward: int = 2048, dropout: float = 0.1, activation: str | Callable[[Tensor], Tensor] = F.relu,
                 custom_encoder: Any = None, custom_decoder: Any = None, layer_norm_eps: float = 1e-5, batch_first: bool = False,
                 norm_first: bool = False, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        options = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def stack(kind: Any, layer: Any, n: int) -> Any:
            return kind(layer(*options, **place), n, LayerNorm(d_model, layer_norm_eps, bias=bias, **place))

        if custom_encoder is None:
            custom_encoder = stack(TransformerEncoder, TransformerEncoderLayer, num_encoder_layers)
        if custom_decoder is None:
            custom_decoder = stack(TransformerDecoder, TransformerDecoderLayer, num_decoder_layers)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        """New random numbers, Glorot's, for the matrices: no two layers begin with the same."""
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)

    def forward(self, src: Tensor, tgt: Tensor, src_mask: Tensor | None = None, tgt_mask: Tensor | None = None,
                memory_mask: Tensor | None = None, src_key_padding_mask: Tensor | None = None,
                tgt_key_padding_mask: Tensor | None = None, memory_key_padding_mask: Tensor | None = None,
                src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False) -> Tensor:
        self._check(tuple(src.shape), tuple(tgt.shape))
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
                            memory_is_causal=memory_is_causal)

    def _check(self, src: tuple[int, ...], tgt: tuple[int, ...]) -> None:
        """Raise unless src and tgt are of one batch, of features of this size."""
        form, batch = ("(N, L, d_model)", 0) if self.batch_first else ("(L, N, d_model)", 1)
        if len(src) not in (2, 3) or len(src) != len(tgt) or src[-1] != self.d_model or tgt[-1] != self.d_model:
            hint = "" if self.d_model in src[-1:] + tgt[-1:] else ".  Tokens are embedded first: nn.Embedding"
            raise errors.ShapeError(f"Transformer: src and tgt are {form}, or both unbatched, (L, d_model), with d_model="
                                    f"{self.d_model}; got src {src} and tgt {tgt}{hint}")
        if len(src) == 3 and src[batch] != tgt[batch]:
            hint = ""
            if src[1 - batch] == tgt[1 - batch]:
                hint = f".  If the batch is in dim {1 - batch}, build the model with batch_first={not self.batch_first}"
            raise errors.ShapeError(f"Transformer: the batch number of src and tgt must be equal, and dim {batch} of {form} is "
                                    f"{src[batch]} and {tgt[batch]}; got src {src} and tgt {tgt}{hint}")

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """The causal mask (sz, sz), to be added to scores: -inf above the diagonal, where keys come after the query, else 0."""
        return causal_mask(sz, device, dtype)


def copies(layer: Module, n: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(n)])


def causal_mask(n: int, device: Any, dtype: Any) -> Tensor:
    """True, or -inf, where the key (column) comes after the query (row)."""
    return full((n, n), -math.inf, device=device, dtype=dtype).triu(1)


def looks_causal(mask: Tensor | None) -> bool:
    """Whether a mask is known to be the causal one, in booleans or in numbers: then it is not read, and gets no gradient.

    To look at it on a GPU would mean to wait there.  So a mask that wants no gradient is simply read.
    """
    if mask is None or mask.ndim != 2 or mask.shape[0] != mask.shape[1] or not (mask.requires_grad or mask.device.type == "cpu"):
        return False
    return bool((mask == causal_mask(len(mask), mask.device, mask.dtype)).all())
