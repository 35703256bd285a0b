"""GPT-2: a decoder-only Transformer that predicts the next token (SPEC MOD-13).        (Radford et al. 2019)

The layers have the names of nanoGPT and of the published GPT-2 weights: `transformer.wte, wpe, h.0.attn.c_attn …, ln_f, lm_head`.
"""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .. import nn
from ..functions.creation import arange
from ..functions.random import multinomial
from ..functions.shape import cat
from ..grad_mode import no_grad
from ..nn import functional as F
from ..tensor import Tensor

__all__ = ["GPT", "GPTConfig"]


@dataclass
class GPTConfig:
    """The size of a GPT: by default that of GPT-2 (124 M parameters), with the vocabulary rounded up to a multiple of 64."""
    block_size: int = 1024                                      # the most tokens that it can look back on
    vocab_size: int = 50304
    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    dropout: float = 0.0
    bias: bool = True                                           # in linear layers and layer norms


class CausalSelfAttention(nn.Module):
    """Each token looks at itself and those before it: softmax(q kᵀ / √d) v, in n_head parts."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        if config.n_embd % config.n_head:
            raise ValueError(f"GPT: n_embd={config.n_embd} does not divide evenly among n_head={config.n_head} heads")
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.n_head, self.dropout = config.n_head, config.dropout

    def forward(self, x: Tensor) -> Tensor:
        N, T, C = x.shape
        q, k, v = [part.view(N, T, self.n_head, C // self.n_head).transpose(1, 2)       # (N, heads, T, C / heads)
                   for part in self.c_attn(x).split(C, dim=2)]
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True)
        return self.resid_dropout(self.c_proj(y.transpose(1, 2).reshape(N, T, C)))


class MLP(nn.Module):
    """Each token by itself: C → 4 C → gelu → C."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu = nn.GELU("tanh")
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.c_proj(self.gelu(self.c_fc(x))))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    """Token numbers (N, T) → the logits of the tokens after them; with targets (N, T), also the loss.

    GPT(GPTConfig(…)).  The output layer has the weights of the token embedding.  Weights start as N(0, 0.02²), those that end a
    residual branch smaller, by √(2 n_layer), as there are so many of them to add up.
    """

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(config.vocab_size, config.n_embd),
            "wpe": nn.Embedding(config.block_size, config.n_embd),
            "drop": nn.Dropout(config.dropout),
            "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
            "ln_f": nn.LayerNorm(config.n_embd, bias=config.bias)})
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim > 1:
                ends_a_branch = name.endswith("c_proj.weight")
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.n_layer) if ends_a_branch else 0.02)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(logits, loss).  Without targets only the last logits are computed, (N, 1, vocab_size), and the loss is None.

        targets: the tokens after each of idx; -1 where none counts.
        """
        T = idx.size(1)
        if T > self.config.block_size:
            raise ValueError(f"GPT: {T} tokens, and it looks back on {self.config.block_size} at most: give it idx[:, "
                             f"-{self.config.block_size}:]")
        x = self.transformer.wte(idx) + self.transformer.wpe(arange(T, device=idx.device))      # (N, T, C)
        x = self.transformer.drop(x)
        for block in self.transformer.h:
            x = block(x)
        if targets is None:
            return self.lm_head(self.transformer.ln_f(x[:, -1:])), None
        logits = self.lm_head(self.transformer.ln_f(x))         # (N, T, vocab_size)
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)

    @no_grad()
    def generate(self, idx: Tensor, max_new_tokens: int, temperature: float = 1.0, top_k: int | None = None,
                 generator: Any = None) -> Tensor:
        """idx (N, T), continued by max_new_tokens: each drawn from softmax(logits / temperature), of the top_k likeliest if given.

        temperature 0: the likeliest, always.
        """
        for _ in range(max_new_tokens):
            logits = self(idx[:, -self.config.block_size:])[0][:, -1]
            if temperature == 0:
                token = logits.argmax(-1, keepdim=True)
            else:
                logits = logits / temperature
                if top_k is not None:
                    least = logits.topk(min(top_k, logits.size(-1)))[0][:, -1:]
                    logits = logits.masked_fill(logits < least, -math.inf)
                token = multinomial(logits.softmax(-1), 1, generator=generator)
            idx = cat([idx, token], 1)
        return idx

    def get_num_params(self, non_embedding: bool = True) -> int:
        """How many parameters there are; non_embedding: without those for positions (the token embedding is the output layer)."""
        n = sum(p.numel() for p in self.parameters())
        return n - self.transformer.wpe.weight.numel() if non_embedding else n
