"""Transformer layers to try."""
import numpy as np

from ..layer import Layer

CAUSAL = np.triu(np.full((4, 4), -np.inf), 1)
PADDING = np.array([[False, False, False, True], [False, False, False, False]])
SMALL = "6, 2, 5, 0.0"

# PyTorch's fused attention has no second derivative: `test_transformer.py` compares those with what its plain one gives.
LAYERS = [Layer(*args, second=False, **options) for args, options in [
    ((f"nn.TransformerEncoderLayer({SMALL})", (4, 2, 6)), {}),
    ((f"nn.TransformerEncoderLayer({SMALL}, F.silu, 1e-3, True, True, False)", (2, 4, 6), PADDING),
     {"call": "m(x, src_key_padding_mask=xs[1])"}),
    ((f"nn.TransformerEncoderLayer({SMALL}, 'gelu', batch_first=True)", (2, 4, 6), CAUSAL),
     {"call": "m(x, xs[1], is_causal=True)"}),
    ((f"nn.TransformerEncoderLayer({SMALL}, nn.Tanh())", (4, 6)), {}),
    (("nn.TransformerEncoderLayer(6, 2, 5)", (4, 2, 6)), {"random": True}),
    ((f"nn.TransformerDecoderLayer({SMALL})", (4, 2, 6), (3, 2, 6)), {}),
    ((f"nn.TransformerDecoderLayer({SMALL}, norm_first=True, bias=False)", (4, 6), (3, 6)), {}),
    ((f"nn.TransformerDecoderLayer({SMALL}, 'gelu', batch_first=True)", (2, 4, 6), (2, 4, 6), CAUSAL, PADDING),
     {"call": "m(*xs[:3], memory_key_padding_mask=xs[3], tgt_is_causal=True)"}),
    ((f"nn.TransformerEncoder(nn.TransformerEncoderLayer({SMALL}), 2)", (4, 2, 6), CAUSAL), {}),
    ((f"nn.TransformerEncoder(nn.TransformerEncoderLayer({SMALL}, batch_first=True), 2, nn.LayerNorm(6), False)", (2, 4, 6),
      PADDING), {"call": "m(x, src_key_padding_mask=xs[1])"}),
    ((f"nn.TransformerDecoder(nn.TransformerDecoderLayer({SMALL}), 2, nn.LayerNorm(6))", (4, 2, 6), (3, 2, 6), CAUSAL), {}),
    (("nn.Transformer(6, 2, 1, 2, 5, 0.0, batch_first=True)", (2, 4, 6), (2, 4, 6), CAUSAL, PADDING),
     {"call": "m(*xs[:2], tgt_mask=xs[2], src_key_padding_mask=xs[3], memory_key_padding_mask=xs[3])"}),
    (("nn.Transformer(6, 2, 1, 1, 5, 0.0, 'gelu', norm_first=True, bias=False)", (3, 6), (4, 6)), {}),
]]
LAYERS += [
    Layer("nn.SinusoidalPositionalEncoding(6)", (4, 2, 6), ours=True),
    Layer("nn.SinusoidalPositionalEncoding(5, 0.2, 9, batch_first=True)", (2, 4, 5), ours=True, random=True),
    Layer("nn.RotaryPositionalEncoding(4)", (2, 3, 5, 4), call="m(x, offset=3)", ours=True),
    Layer("nn.RotaryPositionalEncoding(4, interleaved=True)", (2, 3, 4, 6), np.array([[0, 0, 1, 2], [0, 1, 2, 3]]),
          call="m(x, positions=xs[1])", ours=True),
]
