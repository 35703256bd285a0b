"""One layer to try: built here and in PyTorch from the same line of Python, and given the same inputs."""
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Layer:
    make: str                           # as in "nn.Linear(3, 4)"
    inputs: tuple[Any, ...]             # shapes of floating-point inputs; or arrays, such as indices
    call: str                           # how the module m is called with the inputs xs
    second: bool                        # whether PyTorch can differentiate its gradients
    random: bool                        # whether its results in training are drawn anew each time
    ours: bool                          # whether PyTorch has no such layer
    low: float                          # of the floating-point inputs
    high: float

    def __init__(self, make, *inputs, call="m(*xs)", second=True, random=False, ours=False, low=-1.5, high=1.5):
        self.make, self.inputs, self.call, self.second, self.random, self.ours = make, inputs, call, second, random, ours
        self.low, self.high = low, high

    def __str__(self):
        return self.make + ("" if self.call == "m(*xs)" else f" {self.call}")

    def arrays(self, dtype="float64"):
        """The inputs, the same each time: a shape becomes numbers, floating-point arrays are of the dtype."""
        random = np.random.default_rng(0)
        return [np.asarray(x, dtype if np.asarray(x).dtype.kind == "f" else None) if isinstance(x, np.ndarray)
                else random.uniform(self.low, self.high, x).astype(dtype) for x in self.inputs]
