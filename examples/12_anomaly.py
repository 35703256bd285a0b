"""Anomaly detection: a network that has seen nothing but fours is to notice what is none.

Nobody has examples of every fault that a machine may have, or of every attack on a network; of normal days there are plenty
(SPEC §13: quality inspection, predictive maintenance, security).  So learn what is normal, and be alarmed by the rest.

    code = encoder(x)              784 pixels -> 128 -> 8             too narrow for x: it has to know what normal ones share (F-12)
    x̂ = σ(decoder(code))           8 -> 128 -> 784                                                                     (F-03, F-15)
    L = mean of (x - x̂)²           it learns from x alone, without labels: the target is the input                           (F-10)

    score(x) = mean over the pixels of (x - x̂)²        small for what is like the training images, greater for what is not

Here "normal" is one digit of MNIST, `--digit`, and the other nine are the anomalies, of which the training sees none.

    threshold     alarm if score > t.  Without any anomaly at hand, t comes from normal validation images: the score that 5 % of
                  them exceed.  That fixes the false alarms, at 5 %; how many anomalies are found, only the test part shows
    ROC-AUC       over all thresholds: the chance that an anomaly has a greater score than a normal image

Next to it, two scores without a network: the distance to the mean normal image, and what the first 8 principal components leave
over, which is the error of the best linear autoencoder.  If those did as well, there would be no need of a network.

What it finds last are the nines, which are nearly fours, and the ones: any narrow code can draw a stroke.  An alarm says "not seen
before", not "bad"; and what is hardly there at all has little error to sum up.
"""
import argparse
import time

import numpy as np
from data import mnist

import tinygrad_like as tl
from tinygrad_like import metrics, nn, optim
from tinygrad_like.models import MLP

CODE = 8                               # numbers that an image has to pass through
BATCH = 64
FALSE_ALARMS = 0.05


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = MLP([784, 128, CODE])
        self.decoder = MLP([CODE, 128, 784])

    def forward(self, x):                                       # (n, 784)
        return self.decoder(self.encoder(x)).sigmoid()          # (n, 784), from 0 to 1 as the pixels are


def errors_of(x, x_hat):
    """The score of each image: (n, 784), (n, 784) -> (n,)."""
    return (x - x_hat).square().mean(1)


def scores(model, x):
    model.eval()
    with tl.no_grad():
        return tl.cat([errors_of(part, model(part)) for part in x.split(1000)])


def principal_components(x):
    """The projection on the mean and the CODE directions in which x varies most: the best linear encoder and decoder."""
    mean = x.mean(0)
    _, directions = tl.linalg.eigh((x - mean).T @ (x - mean))   # columns, the greatest eigenvalue last
    V = directions[:, -CODE:]                                   # (784, CODE)
    return lambda x: mean + (x - mean) @ V @ V.T


def report(name, validation, test, anomalous):
    """The threshold by the normal validation images, and what it finds in the test part."""
    threshold = tl.quantile(validation, 1 - FALSE_ALARMS)
    alarm = test > threshold
    auc = metrics.auroc(test, anomalous)
    print(f"{name:24}{threshold.item():10.4f}{alarm[~anomalous].float().mean().item():14.3f}{metrics.recall(alarm, anomalous):8.3f}"
          f"{metrics.precision(alarm, anomalous):11.3f}{auc:10.4f}")
    return threshold.item(), alarm, auc


def plot(path, x, x_hat, score, threshold):
    """Images, what the network makes of them, and their scores, as a picture, if matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nImages and what comes back: pip install '.[plot]' brings matplotlib, which draws them")
        return
    figure = Figure(figsize=(1.1 * len(x), 2.9), layout="constrained")
    for column, pair, value in zip(figure.subplots(2, len(x)).T, zip(x, x_hat), score):
        for axes, image in zip(column, pair):
            axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
            axes.axis("off")
        column[0].set_title(f"{value:.3f}", color="red" if value > threshold else "black")
    figure.suptitle(f"Above images, below what comes back; their scores, red if over {threshold:.3f}", fontsize="medium")
    figure.savefig(path, dpi=100)
    print(f"\nImages and what comes back: {path}")


def main():
    parser = argparse.ArgumentParser(description="Learn one digit, and find what is none.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--digit", type=int, default=4, help="what is normal")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", default="anomaly.png", help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="3 epochs")
    args = parser.parse_args()
    epochs = 3 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    def load(part):
        images, labels = mnist(part)
        return tl.tensor(images.reshape(-1, 784), dtype=tl.float32, device=args.device) / 255, labels

    images, labels = load("train")
    normal = images[np.flatnonzero(labels == args.digit)]
    x, x_validation = normal[:len(normal) * 5 // 6], normal[len(normal) * 5 // 6:]
    print(f"{len(x):,} images of a {args.digit} to learn from, {len(x_validation)} for the threshold")

    model = Autoencoder().to(args.device)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        total = 0.0
        for batch in tl.randperm(len(x), device=args.device).split(BATCH):
            loss = errors_of(x[batch], model(x[batch])).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        print(f"epoch {epoch:2d}   loss {total.item() / len(x):.4f}   validation {scores(model, x_validation).mean().item():.4f}   "
              f"{time.perf_counter() - start:5.1f} s", flush=True)

    x_test, digit = load("test")
    anomalous = tl.tensor(digit != args.digit, device=args.device)
    print(f"\n{'on the test part':24}{'threshold':>10}{'false alarms':>14}{'recall':>8}{'precision':>11}{'ROC-AUC':>10}")
    mean, pca = x.mean(0), principal_components(x)
    report("distance to the mean", errors_of(x_validation, mean), errors_of(x_test, mean), anomalous)
    report(f"{CODE} principal components", errors_of(x_validation, pca(x_validation)), errors_of(x_test, pca(x_test)), anomalous)
    score = scores(model, x_test)
    threshold, alarm, auc = report("autoencoder", scores(model, x_validation), score, anomalous)
    alarm = alarm.cpu().numpy()
    print("alarm for " + ", ".join(f"{d}: {alarm[digit == d].mean():.0%}" for d in range(10)))

    shown = [np.flatnonzero(digit == d)[0] for d in range(10)]                              # the first of each digit
    with tl.no_grad():
        plot(args.plot, x_test[shown].cpu().numpy(), model(x_test[shown]).cpu().numpy(), score[shown].tolist(), threshold)
    print(f"test ROC-AUC {auc:.4f}")


if __name__ == "__main__":
    main()
