"""The main job: a multi-layer perceptron learns the handwritten digits of MNIST, and is tried on 10,000 that it has never seen.

    784 pixels -> 256 -> 128 -> 10        each layer  max(0, W a + b), the last without max      (SPEC MOD-02, F-03, F-04)
    L = mean over the batch of -log softmax(output)[label]                                       (F-14)

Two remarks on how it is judged, for the articles do otherwise.  5,000 training images are held out, and watched after each epoch:
that is what one may choose a learning rate or a number of epochs by (SPEC M-07).  The test images are looked at once, when all
is decided (M-03): a number that helped to choose is no longer a test.

    python examples/03_mnist_mlp.py                     on the CPU
    python examples/03_mnist_mlp.py --device cuda       on a GPU, by CuPy
"""
import argparse
import time

from data import mnist

import tinygrad_like as tl
import tinygrad_like.nn.functional as F

SIZES = 784, 256, 128, 10
BATCH = 128


def new_parameters():
    """W (out, in) and b (out,) of each layer.  Var W = 2 / in: the signal is as strong behind a layer of relus as before it."""
    parameters = []
    for n_in, n_out in zip(SIZES, SIZES[1:]):
        parameters += [tl.randn(n_out, n_in) * (2 / n_in) ** 0.5, tl.zeros(n_out)]
    return parameters


def network(parameters, x):
    """The ten outputs (n, 10) for images (n, 784): the greatest names the digit."""
    *hidden, W, b = parameters
    for W_l, b_l in zip(hidden[0::2], hidden[1::2]):
        x = (x @ W_l.T + b_l).relu()
    return x @ W.T + b


class Adam:
    """w := w - α m̂ / (√v̂ + ε)        after D. P. Kingma, J. Ba: Adam, a method for stochastic optimization (2015), algorithm 1

    m and v are running means of the gradient and of its square, so each number moves by about α a step, however large its
    gradients are.  Both start at 0, and are too small at first: the hats make up for it.
    """

    def __init__(self, parameters, β1=0.9, β2=0.999, ε=1e-8):
        self.parameters, self.β1, self.β2, self.ε, self.t = parameters, β1, β2, ε, 0
        self.m = [tl.zeros_like(w) for w in parameters]
        self.v = [tl.zeros_like(w) for w in parameters]

    @tl.no_grad()
    def step(self, α):
        self.t += 1
        for w, m, v in zip(self.parameters, self.m, self.v):
            g = w.grad
            m.mul_(self.β1).add_(g, alpha=1 - self.β1)                     # m = β1 m + (1 - β1) g
            v.mul_(self.β2).addcmul_(g, g, value=1 - self.β2)              # v = β2 v + (1 - β2) g²
            m_hat = m / (1 - self.β1 ** self.t)
            v_hat = v / (1 - self.β2 ** self.t)
            w -= α * m_hat / (v_hat.sqrt() + self.ε)
            w.grad = None


@tl.no_grad()
def accuracy(parameters, images, labels):
    """The part of the images whose greatest output stands at the right digit."""
    right = 0
    for i in range(0, len(images), 1000):
        right += (network(parameters, images[i:i + 1000]).argmax(1) == labels[i:i + 1000]).sum().item()
    return right / len(images)


def main():
    parser = argparse.ArgumentParser(description="Train an MLP on MNIST.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one epoch of 10,000 images")
    args = parser.parse_args()
    epochs = 1 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    def load(part):
        images, labels = mnist(part)
        images = tl.tensor(images.reshape(-1, 784), dtype=tl.float32, device=args.device) / 255
        return images, tl.tensor(labels, dtype=tl.int64, device=args.device)

    images, labels = load("train")
    held_out = images[55_000:], labels[55_000:]
    n = 10_000 if args.quick else 55_000
    parameters = [w.to(args.device).requires_grad_() for w in new_parameters()]
    optimizer = Adam(parameters)
    steps = epochs * -(-n // BATCH)
    print(f"{sum(w.numel() for w in parameters):,} parameters, {n:,} images to learn from, {steps:,} steps on {args.device}")

    start, step = time.perf_counter(), 0
    for epoch in range(1, epochs + 1):
        order, total = tl.randperm(n), 0.0
        for i in range(0, n, BATCH):
            batch = order[i:i + BATCH]
            loss = F.cross_entropy(network(parameters, images[batch]), labels[batch])
            loss.backward()
            optimizer.step(α=2e-3 * (1 - step / steps))                    # steps grow shorter, down to 0
            total += loss.detach() * len(batch)
            step += 1
        print(f"epoch {epoch:2d}   loss {total.item() / n:.4f}   validation accuracy {accuracy(parameters, *held_out):.4f}   "
              f"{time.perf_counter() - start:5.1f} s", flush=True)

    print(f"test accuracy {accuracy(parameters, *load('test')):.4f}")


if __name__ == "__main__":
    main()
