"""A classifier of texts: embedding, LSTM, linear layer (SPEC MOD-08)."""
from __future__ import annotations

from .. import nn
from ..nn.utils.rnn import pack_padded_sequence
from ..tensor import Tensor

__all__ = ["LSTMClassifier"]


class LSTMClassifier(nn.Module):
    """Token numbers (N, T), and how many of each row count, (N) → logits (N, num_classes).

    Words become vectors of 100 numbers, an LSTM of hidden size 128 reads them, and a linear layer looks at its last state: the
    article's configuration, with the output layer that it leaves out and the gates that its formula lacks (SPEC M-12).

    padding_idx: the token that fills short rows up.        bidirectional: a second LSTM reads from the end.
    """

    def __init__(self, vocab_size: int, num_classes: int = 2, embedding_dim: int = 100, hidden_size: int = 128, num_layers: int = 1,
                 bidirectional: bool = False, dropout: float = 0.0, padding_idx: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim, padding_idx=padding_idx)
        self.lstm = nn.LSTM(embedding_dim, hidden_size, num_layers, batch_first=True, bidirectional=bidirectional,
                            dropout=dropout if num_layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size * (2 if bidirectional else 1), num_classes)

    def forward(self, tokens: Tensor, lengths: Tensor | None = None) -> Tensor:
        x = self.dropout(self.embedding(tokens))                # (N, T, embedding)
        if lengths is not None:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(x)                                # (layers · directions, N, hidden)
        last = h[-2:].transpose(0, 1).flatten(1) if self.lstm.bidirectional else h[-1]
        return self.linear(self.dropout(last))
