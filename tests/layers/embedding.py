"""Tables of vectors to try."""
import numpy as np

from ..layer import Layer

numbers = np.array([[1, 2, 1], [4, 0, 2]])
line = np.array([1, 2, 1, 4, 0, 2, 4])
starts = np.array([0, 3, 3, 5])
ends = np.array([0, 3, 3, 5, 7])

LAYERS = [
    Layer("nn.Embedding(5, 3)", numbers),
    Layer("nn.Embedding(5, 3)", np.array(2)),
    Layer("nn.Embedding(5, 3, padding_idx=-1)", numbers),
    Layer("nn.Embedding(5, 3, 1, 0.9, 3.0)", numbers),
    Layer("nn.Embedding(5, 3, max_norm=0.5)", numbers),
    Layer("nn.Embedding(5, 3, scale_grad_by_freq=True)", numbers, second=False),
    Layer("nn.Embedding.from_pretrained(torch.ones(5, 3))", numbers),
    Layer("nn.Embedding.from_pretrained(torch.ones(5, 3), freeze=False, padding_idx=0)", numbers),
    Layer("nn.EmbeddingBag.from_pretrained(torch.ones(5, 3), mode='sum')", numbers),
    Layer("nn.EmbeddingBag(5, 3, norm_type=1.0, max_norm=0.8)", numbers, second=False),
    # Each row twice: PyTorch 2.13 divides by the counts of other rows, if those differ.
    Layer("nn.EmbeddingBag(5, 3, mode='sum', scale_grad_by_freq=True)", np.array([[1, 2, 1], [2, 0, 0]]), second=False),
    Layer("nn.EmbeddingBag(5, 3, mode='max', padding_idx=-4)", numbers, second=False),
    Layer("nn.EmbeddingBag(5, 3, mode='sum')", numbers, (2, 3), call="m(xs[0], per_sample_weights=xs[1])", second=False),
    *[Layer(f"nn.EmbeddingBag(5, 3, mode='{mode}')", line, starts, second=False) for mode in ("sum", "mean", "max")],
    *[Layer(f"nn.EmbeddingBag(5, 3, mode='{mode}', include_last_offset=True, padding_idx=1)", line, ends, second=False)
      for mode in ("sum", "mean", "max")],
    Layer("nn.EmbeddingBag(5, 3, mode='sum')", line, starts, (7,), second=False),
]
