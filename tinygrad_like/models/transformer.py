"""The Transformer of "Attention Is All You Need" (Vaswani et al. 2017; SPEC MOD-11, F-02)."""
from __future__ import annotations

import math

from .. import nn
from ..functions.creation import full
from ..functions.shape import cat
from ..grad_mode import no_grad
from ..tensor import Tensor

__all__ = ["TranslationTransformer"]


class TranslationTransformer(nn.Module):
    """Token numbers of the source (N, S) and of the target so far (N, T) → logits of the next target tokens (N, T, target_vocab).

    Both are embedded, times √d, and added to the sinusoidal positions; the encoder reads the source, the decoder the target so
    far and what the encoder made of the source.  So it takes two sequences, where the article gives it one that is embedded
    already (SPEC M-31).  The output layer has the weights of the target's embedding (§3.4 of the paper).

    The defaults are the paper's base model; `small()` is one for a small machine.  pad: the token that fills short rows up.
    """

    def __init__(self, source_vocab: int, target_vocab: int, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
                 num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: float = 0.1, max_len: int = 5000,
                 pad: int = 0) -> None:
        super().__init__()
        self.pad, self.d_model = pad, d_model
        self.source = nn.Embedding(source_vocab, d_model, padding_idx=pad)
        self.target = nn.Embedding(target_vocab, d_model, padding_idx=pad)
        self.positions = nn.SinusoidalPositionalEncoding(d_model, max_len=max_len, dropout=dropout, batch_first=True)
        self.transformer = nn.Transformer(d_model, nhead, num_encoder_layers, num_decoder_layers, dim_feedforward, dropout,
                                          batch_first=True)
        self.out = nn.Linear(d_model, target_vocab, bias=False)
        for embedding in (self.source, self.target):
            nn.init.normal_(embedding.weight, std=d_model ** -0.5)
            with no_grad():
                embedding.weight[pad] = 0
        self.out.weight = self.target.weight

    @classmethod
    def small(cls, source_vocab: int, target_vocab: int, **options: int) -> TranslationTransformer:
        """Two layers of 128 features and four heads, without dropout unless asked for."""
        return cls(source_vocab, target_vocab, **{
            "d_model": 128, "nhead": 4, "num_encoder_layers": 2, "num_decoder_layers": 2, "dim_feedforward": 256, "dropout": 0.0,
            **options})                                         # type: ignore[arg-type]

    def embed(self, embedding: nn.Module, tokens: Tensor) -> Tensor:
        return self.positions(embedding(tokens) * math.sqrt(self.d_model))

    def encode(self, source: Tensor) -> Tensor:
        """What the encoder makes of the source: (N, S, d_model)."""
        return self.transformer.encoder(self.embed(self.source, source), src_key_padding_mask=source == self.pad)

    def decode(self, target: Tensor, memory: Tensor, source: Tensor) -> Tensor:
        """The logits of the tokens after each of the target's, given the `memory` that `encode` made of the source."""
        ahead = nn.Transformer.generate_square_subsequent_mask(target.size(1), device=target.device) < 0
        x = self.transformer.decoder(self.embed(self.target, target), memory, tgt_mask=ahead,
                                     tgt_key_padding_mask=target == self.pad, memory_key_padding_mask=source == self.pad)
        return self.out(x)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        return self.decode(target, self.encode(source), source)

    @no_grad()
    def translate(self, source: Tensor, start: int, stop: int, max_len: int = 50) -> Tensor:
        """Greedy decoding: the likeliest token, again and again, until all rows have reached `stop`: (N, at most max_len + 1)."""
        memory = self.encode(source)
        target = full((source.size(0), 1), start, dtype=source.dtype, device=source.device)
        done = target[:, 0] != start                            # nobody yet
        for _ in range(max_len):
            token = self.decode(target, memory, source)[:, -1].argmax(-1)
            token = token.masked_fill(done, self.pad)           # behind the end of a row there is nothing
            target = cat([target, token.unsqueeze(1)], 1)
            done = done | (token == stop)
            if done.all():
                break
        return target
