"""A multi-layer perceptron whose backward pass is written by hand, from the formulas, beside autograd: the same gradients.

n counts the samples of a batch, l the layers (L is the last), i the neurons of layer l, and j those of layer l-1.

    zˡₙᵢ = Σⱼ Wˡᵢⱼ aˡ⁻¹ₙⱼ + bˡᵢ                        a⁰ is the image              (SPEC MOD-02, F-03)
    aˡₙᵢ = max(0, zˡₙᵢ)    for l < L                                               (F-04)
    ŷₙᵢ  = σ(zᴸₙᵢ)                                    the outputs                  (F-15)
    J    = ½ Σₙ Σᵢ (yₙᵢ - ŷₙᵢ)²                       yₙᵢ = 1 if image n shows i   (F-08)

The chain rule (F-09), from the loss back.  Write δˡₙᵢ for ∂J/∂zˡₙᵢ:

    δᴸₙᵢ       = ∂J/∂ŷₙᵢ · ∂ŷₙᵢ/∂zᴸₙᵢ                 the output layer
               = (ŷₙᵢ - yₙᵢ) · ŷₙᵢ (1 - ŷₙᵢ)          since σ' = σ (1 - σ)
    ∂J/∂Wˡᵢⱼ   = Σₙ δˡₙᵢ aˡ⁻¹ₙⱼ                       zˡₙᵢ contains Wˡᵢⱼ aˡ⁻¹ₙⱼ, for every sample n
    ∂J/∂bˡᵢ    = Σₙ δˡₙᵢ
    ∂J/∂aˡ⁻¹ₙⱼ = Σᵢ δˡₙᵢ Wˡᵢⱼ                         aˡ⁻¹ₙⱼ goes to every neuron i of layer l
    δˡ⁻¹ₙⱼ     = ∂J/∂aˡ⁻¹ₙⱼ · [zˡ⁻¹ₙⱼ > 0]            the derivative of max(0, z), taken as 0 at 0

and downhill:    Wˡᵢⱼ := Wˡᵢⱼ - α ∂J/∂Wˡᵢⱼ        bˡᵢ := bˡᵢ - α ∂J/∂bˡᵢ

The article writes this in short, and its indices then say something else (SPEC M-09).  One j stands for the neurons of both
layers, so that a neuron has one weight, not one for each neuron below it.  ŷ_i, of a sample, is differentiated by z_l, of a layer.
∂J/∂a of a hidden neuron lacks the sum over the neurons i that it feeds.  And ∂J/∂w, which the update needs, is not derived.
"""
import argparse
import time

import numpy as np
from data import mnist

import tinygrad_like as tl

SIZES = 784, 64, 32, 10
α = 0.02
BATCH = 50


def forward(Ws, bs, x):
    """The aˡ of all layers: a⁰ is x, and the last is ŷ."""
    a = [x]
    for l, (W, b) in enumerate(zip(Ws, bs), start=1):
        z = a[-1] @ W.T + b                                     # zₙᵢ = Σⱼ Wᵢⱼ aₙⱼ + bᵢ
        a.append(np.maximum(z, 0) if l < len(Ws) else 1 / (1 + np.exp(-z)))
    return a


def by_hand(Ws, bs, x, y):
    """J, and ∂J/∂Wˡ and ∂J/∂bˡ for all layers, from the formulas above."""
    a = forward(Ws, bs, x)
    ŷ = a[-1]
    J = 0.5 * np.sum((y - ŷ) ** 2)
    dWs, dbs = [], []
    δ = (ŷ - y) * ŷ * (1 - ŷ)                                   # δᴸ
    for l in range(len(Ws), 0, -1):
        dWs.insert(0, δ.T @ a[l - 1])                           # Σₙ δₙᵢ aₙⱼ
        dbs.insert(0, δ.sum(axis=0))                            # Σₙ δₙᵢ
        if l > 1:                                               # nobody asks for ∂J/∂x
            δ = (δ @ Ws[l - 1]) * (a[l - 1] > 0)                # Σᵢ δₙᵢ Wᵢⱼ, where z > 0: just where a > 0
    return J, dWs, dbs


def by_autograd(Ws, bs, x, y):
    """The same, from J alone."""
    Ws = [tl.tensor(W, requires_grad=True) for W in Ws]
    bs = [tl.tensor(b, requires_grad=True) for b in bs]
    a = tl.tensor(x)
    for W, b in zip(Ws[:-1], bs[:-1]):
        a = (a @ W.T + b).relu()
    ŷ = (a @ Ws[-1].T + bs[-1]).sigmoid()
    error = tl.tensor(y) - ŷ
    J = 0.5 * (error * error).sum()
    J.backward()
    return J.item(), [W.grad.numpy() for W in Ws], [b.grad.numpy() for b in bs]


def largest_difference(ours, mine):
    """Between two lists of arrays, relative to the numbers where these are greater than 1."""
    return max(np.max(np.abs(a - b) / np.maximum(1, np.abs(b))) for a, b in zip(ours, mine))


def accuracy(Ws, bs, images, labels):
    """The part of the images whose largest output stands at the right digit."""
    return np.mean(forward(Ws, bs, images)[-1].argmax(axis=1) == labels)


def main():
    parser = argparse.ArgumentParser(description="An MLP on handwritten digits, its backward pass by hand and by autograd.")
    parser.add_argument("--quick", action="store_true", help="one epoch of 10,000 images instead of eight of 55,000")
    quick = parser.parse_args().quick
    epochs = 1 if quick else 8

    images, labels = mnist("train")
    images = images.reshape(-1, 784) / 255                      # float64: differences of 1e-12 can be seen
    onehot = np.eye(10)[labels]
    training, validation = slice(0, 10_000 if quick else 55_000), slice(55_000, 60_000)

    random = np.random.default_rng(0)
    Ws = [random.normal(0, np.sqrt(2 / n_in), (n_out, n_in)) for n_in, n_out in zip(SIZES, SIZES[1:])]
    bs = [np.zeros(n_out) for n_out in SIZES[1:]]

    worst, start = 0.0, time.perf_counter()
    for epoch in range(1, epochs + 1):
        order, total = random.permutation(len(images[training])), 0.0
        for i in range(0, len(order), BATCH):
            x, y = images[order[i:i + BATCH]], onehot[order[i:i + BATCH]]
            J, dWs, dbs = by_hand(Ws, bs, x, y)
            other_J, other_dWs, other_dbs = by_autograd(Ws, bs, x, y)
            difference = largest_difference([np.array(other_J), *other_dWs, *other_dbs], [J, *dWs, *dbs])
            assert difference < 1e-12, f"epoch {epoch}, image {i}: the gradients differ by {difference}"
            worst, total = max(worst, difference), total + J
            for W, dW, b, db in zip(Ws, dWs, bs, dbs):
                W -= α * dW
                b -= α * db
        print(f"epoch {epoch}   J {total / len(order):.4f} an image   validation accuracy "
              f"{accuracy(Ws, bs, images[validation], labels[validation]):.4f}   "
              f"by hand and by autograd differ by {worst:.1e} at most   {time.perf_counter() - start:4.1f} s", flush=True)

    images, labels = mnist("test")                              # looked at once, here
    print(f"test accuracy {accuracy(Ws, bs, images.reshape(-1, 784) / 255, labels):.4f}")


if __name__ == "__main__":
    main()
