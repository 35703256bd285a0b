"""GPT-2, number for number as the published weights expect it (SPEC MOD-13, L4).        (Radford et al. 2019)

`models/gpt.py` is the same network to be read and trained; this one has the names, the layout of weights and the results of
transformers' GPT2LMHeadModel, so that what was saved by either is read by the other.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import errors, nn
from ..functions.creation import arange, empty, zeros
from ..functions.shape import cat
from ..nn import Parameter, functional as F
from ..tensor import Tensor
from .generation import GenerationMixin
from .pretrained import ModelOutput, PretrainedConfig, PreTrainedModel, no_init_weights

__all__ = ["GPT2Config", "GPT2Model", "GPT2LMHeadModel"]

Cache = tuple[tuple[Tensor, Tensor], ...]                       # of each layer, the keys and values of the tokens so far

ACTIVATIONS = {"gelu_new": lambda x: F.gelu(x, approximate="tanh"), "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
               "gelu": F.gelu, "relu": F.relu, "silu": F.silu, "swish": F.silu, "tanh": F.tanh}


@dataclass(kw_only=True)
class GPT2Config(PretrainedConfig):
    """The size of a GPT-2, by default of the smallest that was published: 124 million parameters."""
    model_type = "gpt2"
    vocab_size: int = 50257
    n_positions: int = 1024                                     # the most tokens that it can look back on
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None                                  # width inside of the MLPs; None is 4 n_embd
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.1                                    # dropout: of what is added to the residual stream,
    embd_pdrop: float = 0.1                                     # of the embeddings,
    attn_pdrop: float = 0.1                                     # of the weights of attention
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02                             # the standard deviation of new weights
    scale_attn_weights: bool = True                             # divide q kᵀ by √(n_embd / n_head)
    scale_attn_by_inverse_layer_idx: bool = False               # and by the number of the layer, from 1
    reorder_and_upcast_attn: bool = False
    add_cross_attention: bool = False
    use_cache: bool = True
    tie_word_embeddings: bool = True
    bos_token_id: int | None = 50256
    eos_token_id: int | list[int] | None = 50256
    pad_token_id: int | None = None

    def __post_init__(self) -> None:
        if self.n_head < 1 or self.n_embd % self.n_head:
            raise errors.WrongValue(f"GPT2Config: n_embd={self.n_embd} does not divide evenly among n_head={self.n_head} heads")
        if self.activation_function not in ACTIVATIONS:
            raise errors.WrongValue(f"GPT2Config: activation_function is one of {', '.join(ACTIVATIONS)}, got "
                                    f"{self.activation_function!r}")
        for name in ("reorder_and_upcast_attn", "add_cross_attention"):
            if getattr(self, name):
                raise NotImplementedError(f"GPT2Config: {name}=True is not offered")

    hidden_size = property(lambda self: self.n_embd)
    num_hidden_layers = property(lambda self: self.n_layer)
    num_attention_heads = property(lambda self: self.n_head)
    max_position_embeddings = property(lambda self: self.n_positions)


# ---- layers -----------------------------------------------------------------------------------------------------
class Conv1D(nn.Module):
    """x w + b: a linear layer whose weights lie the other way round, (in, out), as the published ones do."""

    def __init__(self, nf: int, nx: int) -> None:
        super().__init__()
        self.nf, self.nx = nf, nx
        self.weight, self.bias = Parameter(empty((nx, nf))), Parameter(zeros(nf))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight + self.bias

    def extra_repr(self) -> str:
        return f"nf={self.nf}, nx={self.nx}"


class GPT2Attention(nn.Module):
    """Each token looks at itself and those before it: softmax(q kᵀ / √d) v, in n_head parts."""

    def __init__(self, config: GPT2Config, layer_idx: int) -> None:
        super().__init__()
        self.c_attn = Conv1D(3 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)
        self.n_head, self.attn_pdrop = config.n_head, config.attn_pdrop
        self.scale = 1 / math.sqrt(config.n_embd // config.n_head) if config.scale_attn_weights else 1.0
        if config.scale_attn_by_inverse_layer_idx:
            self.scale /= layer_idx + 1

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What attention adds to x (N, T, C); and the keys and values of all tokens, (N, heads, past + T, C / heads).

        mask: which key each query may look at, (N, 1, T, past + T); None: those up to itself, and there is no past.
        """
        N, T, C = x.shape
        q, k, v = [part.view(N, T, self.n_head, C // self.n_head).transpose(1, 2) for part in self.c_attn(x).split(C, dim=2)]
        if past is not None:
            k, v = cat([past[0], k], 2), cat([past[1], v], 2)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.attn_pdrop if self.training else 0.0,
                                           is_causal=mask is None, scale=self.scale)
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).reshape(N, T, C))), (k, v)


class GPT2MLP(nn.Module):
    """Each token by itself: C → n_inner → activation → C."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        inner = config.n_inner if config.n_inner is not None else 4 * config.n_embd
        self.c_fc, self.c_proj = Conv1D(inner, config.n_embd), Conv1D(config.n_embd, inner)
        self.act, self.dropout = ACTIVATIONS[config.activation_function], nn.Dropout(config.resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.c_proj(self.act(self.c_fc(x))))


class GPT2Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: GPT2Config, layer_idx: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon), GPT2Attention(config, layer_idx)
        self.ln_2, self.mlp = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon), GPT2MLP(config)

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None, mask: Tensor | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y, kept = self.attn(self.ln_1(x), past, mask)
        x = x + y
        return x + self.mlp(self.ln_2(x)), kept


# ---- models -----------------------------------------------------------------------------------------------------
class GPT2PreTrainedModel(PreTrainedModel):
    """What GPT-2s have in common."""
    config_class = GPT2Config
    base_model_prefix = "transformer"
    config: GPT2Config

    def init_weight(self, name: str, parameter: Parameter) -> None:
        """N(0, initializer_range²), smaller by √(2 n_layer) where a residual branch ends, as so many of them are added up."""
        if parameter.ndim > 1:
            std = self.config.initializer_range
            nn.init.normal_(parameter, std=std / math.sqrt(2 * self.config.n_layer) if name.endswith("c_proj.weight") else std)

    def not_a_weight(self, name: str) -> bool:
        return name.endswith((".attn.bias", ".attn.masked_bias"))


class GPT2Model(GPT2PreTrainedModel):
    """Token numbers (N, T) → what the last layer says of each, (N, T, n_embd)."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__(config)
        self.wte, self.wpe = [nn.Embedding(n, config.n_embd, _weight=empty((n, config.n_embd)))
                              for n in (config.vocab_size, config.n_positions)]
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList([GPT2Block(config, i) for i in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.post_init()

    def forward(self, input_ids: Tensor, past_key_values: Cache | None = None, attention_mask: Tensor | None = None,
                token_type_ids: Tensor | None = None, position_ids: Tensor | None = None, *,
                use_cache: bool | None = None) -> ModelOutput:
        """last_hidden_state (N, T, n_embd) and, with use_cache, past_key_values: of each layer the keys and values so far.

        past_key_values: those of the tokens before input_ids, from the call before.  attention_mask (N, past + T): 0 where a token
        is padding, which no other looks at.  position_ids (N, T): where the tokens stand; None is past, past + 1, …
        token_type_ids (N, T): tokens whose embeddings are added, too.  use_cache: None is as the configuration says, but not while
        training.
        """
        if input_ids.ndim != 2:
            raise errors.ShapeError(f"{type(self).__name__}: input_ids has shape (batch, tokens), got {tuple(input_ids.shape)}"
                                    + (": input_ids[None] makes a batch of one" if input_ids.ndim == 1 else ""))
        N, T = input_ids.shape
        past = past_key_values[0][0].shape[2] if past_key_values else 0
        if past + T > self.config.n_positions:
            raise errors.OutOfRange(f"{type(self).__name__}: {past + T} tokens, and it has {self.config.n_positions} positions "
                                    "(n_positions)")
        if attention_mask is not None and tuple(attention_mask.shape) != (N, past + T):
            raise errors.ShapeError(f"{type(self).__name__}: attention_mask has shape (batch, tokens), here {(N, past + T)}, those "
                                    f"of the past included, got {tuple(attention_mask.shape)}")
        if position_ids is None:
            position_ids = arange(past, past + T, device=input_ids.device)
        x = self.wte(input_ids) + self.wpe(position_ids)
        if token_type_ids is not None:
            x = x + self.wte(token_type_ids)
        x = self.drop(x)
        mask = self.looks_at(past, T, attention_mask, input_ids.device)
        kept = []
        for i, block in enumerate(self.h):
            x, keys_and_values = block(x, past_key_values[i] if past_key_values else None, mask)
            kept.append(keys_and_values)
        if use_cache is None:
            use_cache = self.config.use_cache and not self.training
        return ModelOutput(last_hidden_state=self.ln_f(x), past_key_values=tuple(kept) if use_cache else None)

    @staticmethod
    def looks_at(past: int, T: int, attention_mask: Tensor | None, device: Any) -> Tensor | None:
        """Which of all tokens each of the last T looks at, (N or 1, 1, T, past + T); None: those up to itself, and no past."""
        if attention_mask is not None and bool((attention_mask != 0).all()):
            attention_mask = None
        if past == 0 and attention_mask is None:
            return None
        mask = (arange(past + T, device=device) <= arange(past, past + T, device=device)[:, None])[None, None]
        return mask if attention_mask is None else mask & (attention_mask != 0)[:, None, None, :]


class GPT2LMHeadModel(GPT2PreTrainedModel, GenerationMixin):
    """Token numbers (N, T) → the logits of the tokens after them, (N, T, vocab_size); with labels, also the loss.

    The output layer has the weights of the token embedding, unless tie_word_embeddings is False.
    """
    def __init__(self, config: GPT2Config) -> None:
        super().__init__(config)
        with no_init_weights():                                 # they are drawn below
            self.transformer = GPT2Model(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight, self.tied = self.transformer.wte.weight, {"lm_head.weight": "transformer.wte.weight"}
        self.post_init()

    def forward(self, input_ids: Tensor, past_key_values: Cache | None = None, attention_mask: Tensor | None = None,
                token_type_ids: Tensor | None = None, position_ids: Tensor | None = None, *, labels: Tensor | None = None,
                use_cache: bool | None = None, logits_to_keep: int = 0) -> ModelOutput:
        """loss (if there are labels), logits, past_key_values: see `GPT2Model.forward`.

        labels (N, T): usually the input_ids themselves; the logits of each token are held against the label after it, and -100
        counts for nothing.  logits_to_keep: of so many last tokens only; 0 is all.
        """
        out = self.transformer(input_ids, past_key_values, attention_mask, token_type_ids, position_ids, use_cache=use_cache)
        logits = self.lm_head(out.last_hidden_state[:, -logits_to_keep:])       # -0 is 0: all
        loss = None
        if labels is not None:
            if labels.shape != input_ids.shape:
                raise errors.ShapeError(f"GPT2LMHeadModel: labels has the shape of input_ids, {tuple(input_ids.shape)}, got "
                                        f"{tuple(labels.shape)}: they are not shifted beforehand")
            loss = F.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels[:, 1:].reshape(-1), ignore_index=-100)
        return ModelOutput(loss=loss, logits=logits, past_key_values=out.past_key_values)
