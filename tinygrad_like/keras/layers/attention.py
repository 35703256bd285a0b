"""Attention, samples first: (samples, length, features)."""
from __future__ import annotations

import math
from typing import Any

from ... import errors
from ...functions.creation import ones
from ...nn import functional as F
from ...tensor import Tensor
from ..layer import Layer, Weight
from .core import Dense

__all__ = ["MultiHeadAttention"]


class Heads(Dense):
    """A Dense layer whose outputs, or inputs if `back`, are those of several heads.  Keras gives these an axis of their own."""

    def __init__(self, heads: int, units: int, back: bool = False, **others: Any) -> None:
        super().__init__(units if back else heads * units, **others)
        self.heads, self.back = heads, back

    def call(self, inputs: Tensor) -> Tensor:
        out = super().call(inputs)                              # (samples, length, units), or of all heads
        return out if self.back else out.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def keras_weights(self) -> list[Weight]:
        found = super().keras_weights()
        if not found:
            return found
        out, inner = self.linear.weight.shape
        if self.back:
            found[0] = Weight("kernel", self.linear.weight, view=(out, self.heads, inner // self.heads), axes=(1, 2, 0))
            return found
        size = out // self.heads
        found[0] = Weight("kernel", self.linear.weight, view=(self.heads, size, inner), axes=(2, 0, 1))
        return found[:1] + [Weight("bias", self.linear.get_parameter("bias"), view=(self.heads, size)) for _ in found[1:]]


class MultiHeadAttention(Layer):
    """W [softmax(q kᵀ / √key_dim) v of each head] + b, for q, k, v of the query, the key and the value: layer(query, value, key).

    The key is the value, unless it is given.        value_dim: of a head, key_dim if not given.
    attention_mask: (samples, queries, keys), True where a query may look; use_causal_mask: at no later place than its own.
    return_attention_scores: the result, and softmax(…), (samples, heads, queries, keys).
    """
    kind = "multi_head_attention"

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
                 output_shape: int | None = None, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **others: Any) -> None:
        super().__init__(**others)
        for name, n in ("num_heads", num_heads), ("key_dim", key_dim):
            if not isinstance(n, int) or n < 1:
                raise errors.WrongValue(f"MultiHeadAttention: {name} is at least 1, got {n!r}")
        self.rate, self.units = dropout, output_shape
        self.options = {"use_bias": use_bias, "kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer}
        self.query, self.key = [Heads(num_heads, key_dim, **self.options) for _ in range(2)]
        self.value = Heads(num_heads, value_dim or key_dim, **self.options)

    def build(self, input_shape: Any) -> None:
        self.out = Heads(self.query.heads, self.units or self.known(input_shape), back=True, **self.options)

    def call(self, query: Tensor, value: Any = None, key: Any = None, attention_mask: Any = None, use_causal_mask: bool = False,
             return_attention_scores: bool = False) -> Any:
        if value is None:
            raise TypeError("MultiHeadAttention takes a query and a value: layer(x, x) for x that looks at itself")
        q, k, v = self.query(query), self.key(value if key is None else key), self.value(value)
        mask = None if attention_mask is None else attention_mask.bool().unsqueeze(1)          # the same for all heads
        if use_causal_mask:
            causal = ones(q.shape[-2], k.shape[-2], device=q.device).tril().bool()
            mask = causal if mask is None else mask & causal
        rate = self.rate if self.training else 0.0
        if not return_attention_scores:
            return self.out(side_by_side(F.scaled_dot_product_attention(q, k, v, mask, rate)))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        weights = F.softmax(scores if mask is None else scores.masked_fill(~mask, float("-inf")), dim=-1)
        return [self.out(side_by_side(F.dropout(weights, rate, self.training) @ v)), weights]


def side_by_side(x: Tensor) -> Tensor:
    """(samples, heads, length, size) -> (samples, length, heads · size)"""
    return x.transpose(1, 2).flatten(2)
