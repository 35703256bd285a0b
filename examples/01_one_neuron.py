"""Gradient descent on one neuron, the chain rule written out by hand beside autograd.

    z = w x + b        ŷ = σ(z)                           i counts the samples                (SPEC MOD-03, F-15)
    J = ½ Σᵢ (yᵢ - ŷᵢ)²                                                                       (F-08)

The neuron sees one number x of each handwritten digit, the ink in its middle, and answers whether it is a 1 (y = 1) or a 0
(y = 0): a zero has a hole where a one has its stroke.  By the chain rule (F-09), from the loss back to w and b:

    ∂J/∂ŷᵢ = ŷᵢ - yᵢ                             because J = ½ (y - ŷ)², the inner -1 included
    ∂J/∂zᵢ = ∂J/∂ŷᵢ · σ'(zᵢ)                     ŷᵢ depends on zᵢ alone
    ∂J/∂w  = Σᵢ ∂J/∂zᵢ · ∂zᵢ/∂w = Σᵢ ∂J/∂zᵢ · xᵢ   one w for all samples: it receives from each of them
    ∂J/∂b  = Σᵢ ∂J/∂zᵢ · ∂zᵢ/∂b = Σᵢ ∂J/∂zᵢ

and downhill:        w := w - α ∂J/∂w        b := b - α ∂J/∂b

(Such a neuron is sometimes called a linear model: w x + b is linear, σ is not.  One neuron answers one yes-or-no question; ten
digits need ten of them and a softmax, see 03_mnist_mlp.py.)
"""
import argparse

import numpy as np
from data import mnist

import tinygrad_like as tl

ACTIVATIONS = {   # by NumPy: σ(z)             σ'(z), from ŷ = σ(z)     by us        α
    "relu":    (lambda z: np.maximum(z, 0),     lambda ŷ: ŷ > 0,         tl.relu,     1e-5),
    "tanh":    (np.tanh,                        lambda ŷ: 1 - ŷ ** 2,    tl.tanh,     1e-4),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda ŷ: ŷ * (1 - ŷ),   tl.sigmoid,  1e-3),
}


def zeros_and_ones(part):
    """x (n,): the ink in the middle of each 0 and each 1, from 0 to 1.        y (n,): 1.0 where it is a 1."""
    images, labels = mnist(part)
    chosen = labels <= 1
    return images[chosen, 13:15, 13:15].mean(axis=(1, 2)) / 255, labels[chosen].astype(float)


def by_hand(w, b, x, y, name):
    """J, ∂J/∂w and ∂J/∂b, from the formulas above."""
    σ, dσ, _, _ = ACTIVATIONS[name]
    z = w * x + b
    ŷ = σ(z)
    J = 0.5 * np.sum((y - ŷ) ** 2)
    dJ_dŷ = ŷ - y
    dJ_dz = dJ_dŷ * dσ(ŷ)
    return J, np.sum(dJ_dz * x), np.sum(dJ_dz)


def by_autograd(w, b, x, y, name):
    """The same, from J alone: the engine applies the chain rule."""
    σ = ACTIVATIONS[name][2]
    x, y = tl.tensor(x), tl.tensor(y)
    w = tl.tensor(w, dtype=tl.float64, requires_grad=True)
    b = tl.tensor(b, dtype=tl.float64, requires_grad=True)
    error = y - σ(w * x + b)
    J = 0.5 * (error * error).sum()
    J.backward()
    return J.item(), w.grad.item(), b.grad.item()


def accuracy(w, b, x, y, name):
    """The part of the samples on whose side of ½ the neuron answers."""
    return np.mean((ACTIVATIONS[name][0](w * x + b) > 0.5) == (y == 1))


def main():
    parser = argparse.ArgumentParser(description="One neuron tells handwritten ones from zeros.")
    parser.add_argument("--quick", action="store_true", help="30 steps instead of 300")
    steps = 30 if parser.parse_args().quick else 300
    x, y = zeros_and_ones("train")
    print(f"{len(x):,} handwritten zeros and ones to learn from; the neuron sees one number of each")

    worst = 0.0
    for name in ACTIVATIONS:
        α = ACTIVATIONS[name][3]
        w, b = 0.5, 0.1
        print(f"\n{name} neuron, alpha {α:g}")
        for step in range(steps + 1):
            J, dw, db = by_hand(w, b, x, y, name)
            others = by_autograd(w, b, x, y, name)
            difference = max(abs(ours - mine) / max(1, abs(mine)) for ours, mine in zip(others, (J, dw, db)))
            assert difference < 1e-12, f"step {step}: by hand {J, dw, db}, by autograd {others}"
            worst = max(worst, difference)
            if step % (steps // 5) == 0:
                print(f"step {step:3d}   J {J:8.2f}   dJ/dw {dw:9.3f}   dJ/db {db:9.3f}   w {w:7.4f}   b {b:7.4f}   "
                      f"accuracy {accuracy(w, b, x, y, name):.4f}")
            w, b = w - α * dw, b - α * db

    print(f"\nby hand and by autograd: largest relative difference {worst:.1e} in J, dJ/dw and dJ/db, over all steps")
    x, y = zeros_and_ones("test")
    print(f"{len(x):,} others that the sigmoid neuron has not seen:")
    print(f"test accuracy {accuracy(w, b, x, y, 'sigmoid'):.4f}")


if __name__ == "__main__":
    main()
