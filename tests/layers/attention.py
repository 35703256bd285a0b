"""Attention layers to try."""
import numpy as np

from ..layer import Layer

CAUSAL = np.triu(np.ones((4, 4), bool), 1)
PADDING = np.array([[False, False, False, True], [False, False, False, False]])

# PyTorch's fused attention has no second derivative: `test_attention.py` compares those with what its plain one gives.
LAYERS = [
    Layer("nn.MultiheadAttention(6, 2)", (4, 2, 6), call="m(x, x, x)"),
    Layer("nn.MultiheadAttention(6, 2)", (4, 2, 6), call="m(x, x, x, need_weights=False)", second=False),
    Layer("nn.MultiheadAttention(6, 2)", (3, 2, 6), (4, 2, 6), call="m(x, xs[1], xs[1], need_weights=False)", second=False),
    Layer("nn.MultiheadAttention(6, 3)", (3, 2, 6), (4, 2, 6), (4, 2, 6), call="m(*xs, average_attn_weights=False)"),
    Layer("nn.MultiheadAttention(6, 2, batch_first=True)", (2, 4, 6), PADDING, CAUSAL, call="m(x, x, x, xs[1], attn_mask=xs[2])"),
    Layer("nn.MultiheadAttention(6, 2, batch_first=True)", (2, 4, 6), PADDING, CAUSAL, call="m(x, x, x, xs[1], False, xs[2])",
          second=False),
    Layer("nn.MultiheadAttention(6, 2, batch_first=True)", (2, 4, 6), CAUSAL,
          call="m(x, x, x, None, False, xs[1], is_causal=True)", second=False),
    Layer("nn.MultiheadAttention(6, 2)", (4, 2, 6), (4, 4, 4), call="m(x, x, x, None, False, xs[1])", second=False),
    Layer("nn.MultiheadAttention(6, 2, bias=False)", (4, 6), (3, 6), call="m(x, xs[1], xs[1])"),
    Layer("nn.MultiheadAttention(6, 2, bias=False)", (4, 6), PADDING[0], call="m(x, x, x, xs[1], False)", second=False),
    Layer("nn.MultiheadAttention(6, 2, kdim=5, vdim=3)", (4, 2, 6), (3, 2, 5), (3, 2, 3)),
    Layer("nn.MultiheadAttention(6, 2, 0.0, True, True, True, kdim=5, batch_first=True)", (2, 3, 6), (2, 4, 5), (2, 4, 6),
          PADDING, CAUSAL[:3], call="m(*xs[:4], attn_mask=xs[4])"),
    Layer("nn.MultiheadAttention(6, 2, add_bias_kv=True)", (4, 2, 6), PADDING, call="m(x, x, x, xs[1], False)", second=False),
    Layer("nn.MultiheadAttention(6, 2, add_zero_attn=True)", (4, 2, 6), PADDING, call="m(x, x, x, xs[1], False)", second=False),
    Layer("nn.MultiheadAttention(6, 2, dropout=0.4)", (4, 2, 6), call="m(x, x, x, need_weights=False)", random=True, second=False),
    Layer("nn.MultiheadAttention(6, 2, dropout=0.4)", (4, 2, 6), call="m(x, x, x)", random=True),
]
