"""The multi-layer perceptron (SPEC MOD-02)."""
from __future__ import annotations

from collections.abc import Callable, Sequence

from .. import nn
from ..tensor import Tensor

__all__ = ["MLP"]


class MLP(nn.Sequential):
    """a = σ(W a + b), layer after layer; the last layer without σ (SPEC F-03, F-04).

    sizes: of the input, the hidden layers and the output, as in MLP([784, 128, 10]).       activation: makes a σ.
    dropout: with this probability after each hidden layer.        (…, sizes[0]) → (…, sizes[-1])
    """

    def __init__(self, sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU, dropout: float = 0.0) -> None:
        if len(sizes) < 2:
            raise ValueError(f"MLP: sizes are those of input, hidden layers and output, two at least, got {list(sizes)}")
        layers: list[nn.Module] = []
        for a, b in zip(sizes, sizes[1:]):
            layers += [nn.Linear(a, b), activation(), *([nn.Dropout(dropout)] if dropout else [])]
        super().__init__(*layers[:-2 if dropout else -1])

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input)
