"""Golden traces: the first ten losses of small trainings, to six digits.  A change that moves one has changed what is computed.

The weights and the batches are drawn by NumPy, not by us, so that PyTorch, where it is installed, walks the same way.
"""
import numpy as np
import pytest

import tinygrad_like as tl
from examples.data import mnist

STEPS, BATCH = 10, 64


def images():
    x, y = mnist("train")
    return x[:STEPS * BATCH].reshape(-1, 784) / 255.0, y[:STEPS * BATCH].astype("int64")


def weights(*sizes):
    random = np.random.default_rng(0)
    return [w for n_in, n_out in zip(sizes, sizes[1:])
            for w in (random.normal(0, (2 / n_in) ** 0.5, (n_out, n_in)), np.zeros(n_out))]


def functional(lib):
    return lib.nn.functional


def softmax_regression(lib, x, y, W, b):
    return functional(lib).cross_entropy(x @ W.T + b, y)


def perceptron(lib, x, y, W1, b1, W2, b2):
    return functional(lib).cross_entropy((x @ W1.T + b1).relu() @ W2.T + b2, y)


def squared_error(lib, x, y, W1, b1, W2, b2):
    guess = (lib.tanh(x @ W1.T + b1) @ W2.T + b2).sigmoid()
    return ((guess - functional(lib).one_hot(y, 10)) ** 2).sum(1).mean()


def gradient_penalty(lib, x, y, W1, b1, W2, b2):
    x = x.detach().requires_grad_()
    loss = functional(lib).cross_entropy(lib.tanh(x @ W1.T + b1) @ W2.T + b2, y)
    g, = lib.autograd.grad(loss, x, create_graph=True)
    return loss + 100 * (g * g).sum()


TRACES = {
    "softmax regression": (softmax_regression, (784, 10), 0.1, [
        2.380535, 2.189882, 2.171437, 1.948701, 1.942809, 1.766849, 1.760930, 1.772808, 1.654600, 1.812048]),
    "perceptron": (perceptron, (784, 32, 10), 0.1, [
        2.457640, 2.305605, 2.214677, 2.139433, 2.068903, 2.053177, 1.975227, 2.009498, 1.926950, 1.961652]),
    "squared error": (squared_error, (784, 32, 10), 1.0, [
        2.850724, 0.980448, 0.917545, 0.895041, 0.872944, 0.826300, 0.809533, 0.791840, 0.816167, 0.800122]),
    "gradient penalty": (gradient_penalty, (784, 32, 10), 0.1, [
        6.694678, 4.557826, 3.439666, 3.185316, 2.822178, 2.597442, 2.593913, 2.657402, 2.467935, 2.502724]),
}


def trace(lib, loss_of, sizes, rate):
    x, y = (lib.tensor(a) for a in images())
    parameters = [lib.tensor(w).requires_grad_() for w in weights(*sizes)]
    losses = []
    for i in range(0, STEPS * BATCH, BATCH):
        loss = loss_of(lib, x[i:i + BATCH], y[i:i + BATCH], *parameters)
        loss.backward()
        with lib.no_grad():
            for w in parameters:
                w -= rate * w.grad
                w.grad = None
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", TRACES)
def test_trace(name):
    loss_of, sizes, rate, expected = TRACES[name]
    assert trace(tl, loss_of, sizes, rate) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", TRACES)
def test_pytorch_walks_the_same_way(name):
    torch = pytest.importorskip("torch")
    loss_of, sizes, rate, expected = TRACES[name]
    assert trace(torch, loss_of, sizes, rate) == pytest.approx(expected, abs=1e-6)
