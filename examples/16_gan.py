"""Two networks against each other: one learns to draw digits, the other to tell drawn digits from real ones.

Nobody says what a good drawing is.  The generator G makes an image of random numbers z, the discriminator D says how real an image
looks, and both learn: D from real and drawn images, and G, which never sees a real one, from what D's gradient says of its own.

    z ~ N(0, 1)    32 numbers -> G -> 28 × 28 pixels from -1 to 1       transposed convolutions          (SPEC MOD-10)
    x              28 × 28 pixels -> D -> s                             σ(s): the chance that x is real         (F-15)

    D:  L = -log σ(D(x)) - log (1 - σ(D(G(z))))                         cross-entropy of two classes, drawn and real
    G:  L = -log σ(D(G(z)))                                             non-saturating; or --loss minimax, --loss wgan-gp

Which of them to take, and what the best D is, stands in models/gan.py.  No loss goes down for good, as each is made by the other
network: they do not tell whether drawings get better.  So a third network judges, which has learned to read real digits:

    recognised      the part of the drawings that it is more than 90 % sure of.  Alone it says little: the judge has never learned
                    to doubt, and may be sure of noise, which it then takes for one and the same digit
    classes         how many digits have at least a fifth of their fair share of those.  Nobody asks G for all of them: one digit
                    that deceives D would do, until D knows it.  That is mode collapse, and a single drawing never shows it
    Fréchet         |μ - μ′|² + tr (C + C′ - 2 (C C′)^½), of the means and covariances of the judge's features (its last hidden
                    layer) of drawings and of real test images.  It sees both: bad drawings lie elsewhere, few kinds too narrow.
                    Features have no unit, so it is given as a part of the distance that noise has: 0 is real, and 1 is noise

After 2,000 steps minimax has come as far as non-saturating here: Adam divides gradients by their size, and D is not sure
for long.  wgan-gp, whose G has only a third of the steps, is at twice the distance.

Where the articles speak of GANs: the paper on artistic style that one gives as a use of GANs has none in it (SPEC M-14).  There an
image is changed until a trained classifier's features of it are right; no second network learns.  The progressive growing of GANs
has another title and other authors than they say (M-29); and a GAN is no large model (M-32) but a way to train one of any size.
"""
import argparse
import time

from data import mnist

import tinygrad_like as tl
from tinygrad_like import nn, optim
from tinygrad_like.models import (
    Discriminator,
    Generator,
    MnistCNN,
    between,
    critic_loss,
    discriminator_loss,
    gradient_penalty,
    minimax_loss,
    non_saturating_loss,
    wasserstein_loss,
)

SIZE, WIDTH = 32, 32                   # random numbers that an image is made of; channels of the layers next to the image
BATCH, RATE = 32, 2e-3
DRAWN = 2000                           # images that the judge sees
GENERATOR_LOSS = {"non-saturating": non_saturating_loss, "minimax": minimax_loss, "wgan-gp": wasserstein_loss}
CRITIC_STEPS, PENALTY = 3, 10.0        # of WGAN-GP: D is to be near its best, so it has some steps for each of G


def pixels(images):
    """Of bytes, the numbers from -1 to 1 that G draws: (n, 28, 28) -> (n, 1, 28, 28)."""
    return images.unsqueeze(1).float() / 127.5 - 1


def train(G, D, images, loss, steps, watch):
    wasserstein = loss == "wgan-gp"
    betas = (0.0, 0.9) if wasserstein else (0.5, 0.999)         # short memories: what one has to learn, the other changes
    optimizer_G, optimizer_D = [optim.Adam(network.parameters(), lr=RATE, betas=betas) for network in (G, D)]
    loss_G = tl.zeros(())
    for step in range(1, steps + 1):
        for optimizer in (optimizer_G, optimizer_D):            # in the second half less and less, so that the two settle
            optimizer.param_groups[0]["lr"] = RATE * min(1, 2 - 2 * (step - 1) / steps)
        x = pixels(images[tl.randint(0, len(images), (BATCH,), device=images.device)])
        drawn = G(tl.randn(BATCH, SIZE, device=images.device))
        fake = drawn.detach()

        if wasserstein:                                         # D learns, and G stays
            loss_D = critic_loss(D(x), D(fake)) + PENALTY * gradient_penalty(D, between(x, fake))
        else:
            loss_D = discriminator_loss(D(x), D(fake))
        optimizer_D.zero_grad()
        loss_D.backward()
        optimizer_D.step()

        if not wasserstein or step % CRITIC_STEPS == 0:         # G learns, and D stays: gradients go through it, not to it
            loss_G = GENERATOR_LOSS[loss](D(drawn))
            optimizer_G.zero_grad()
            loss_G.backward(inputs=list(G.parameters()))
            optimizer_G.step()
        watch(step, loss_D, loss_G)


def draw(G, z):
    G.eval()
    with tl.no_grad():
        images = tl.cat([G(part) for part in z.split(500)])
    G.train()
    return images


class Judge:
    """Reads digits, and says how far images are from real ones."""

    def __init__(self, images, labels, real, epochs):
        self.network = MnistCNN().to(images.device)
        self.body, self.last = nn.Sequential(*list(self.network)[:-1]), self.network[-1]
        optimizer = optim.Adam(self.network.parameters(), lr=1e-3)
        for _ in range(epochs):
            for batch in tl.randperm(len(images), device=images.device).split(BATCH):
                loss = nn.functional.cross_entropy(self.network(pixels(images[batch])), labels[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        self.network.eval()
        self.real = self.features(real)                         # of real images; and how far noise is from them
        self.noise = frechet_distance(self.features(tl.rand(DRAWN, 1, 28, 28, device=images.device) * 2 - 1), self.real)

    @tl.no_grad()
    def features(self, images):
        return tl.cat([self.body(part) for part in images.split(500)])      # (n, 128): all but the last layer

    @tl.no_grad()
    def __call__(self, images):
        """The part recognised, how many of them are of each digit, and the distance from real images, where noise has 1."""
        features = self.features(images)
        chance, digit = self.last(features).softmax(1).max(1)
        sure = digit[chance > 0.9]
        return len(sure) / len(images), tl.bincount(sure, minlength=10), frechet_distance(features, self.real) / self.noise


def frechet_distance(a, b):
    """|μ - μ′|² + tr (C + C′ - 2 (C C′)^½) of features (n, d).  C C′ has the eigenvalues of √C C′ √C, which is symmetric."""
    a, b = a.double(), b.double()
    A, B = tl.cov(a.T), tl.cov(b.T)
    values, vectors = tl.linalg.eigh(A)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    both = tl.linalg.eigh(root @ B @ root)[0].clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * both).item()


def classes(counts):
    """How many digits have a fifth of a tenth of what was recognised, or more."""
    return (counts >= max(1, counts.sum().item() / 50)).sum().item()


def plot(path, rows, titles):
    """Rows of images (n, 1, 28, 28) as a picture, if matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nThe drawings as a picture: pip install '.[plot]' brings matplotlib, which draws it")
        return
    figure = Figure(figsize=(10, 0.62 * len(rows)), layout="constrained")
    for axes, images, title in zip(figure.subplots(len(rows), 1), rows, titles):
        axes.imshow(tl.cat(list(images[:, 0]), 1).cpu().numpy(), cmap="gray", vmin=-1, vmax=1)      # beside each other
        axes.set_ylabel(title, rotation=0, ha="right", va="center")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    figure.savefig(path, dpi=100)
    print(f"\nThe drawings as a picture: {path}")


def main():
    parser = argparse.ArgumentParser(description="Train a generator of digits against a discriminator.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--loss", choices=GENERATOR_LOSS, default="non-saturating")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="PATH", default="gan.png", help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="100 steps")
    args = parser.parse_args()
    steps = 100 if args.quick else args.steps
    tl.manual_seed(args.seed)

    images, labels = [tl.tensor(array, device=args.device) for array in mnist("train")]
    n, n_test = (3_000, DRAWN) if args.quick else (12_000, 10_000)
    test = pixels(tl.tensor(mnist("test")[0][:n_test], device=args.device))
    judge = Judge(images[:n], labels[:n].long(), test, 2)

    def report(name, drawings, *more):
        recognised, counts, distance = judge(drawings)
        print(f"{name:28}{recognised:10.3f}{classes(counts):9}{distance:10.4f}", *more, flush=True)
        return counts, distance

    print(f"{'':28}recognised  classes   Fréchet")
    report("real images of training", pixels(images[-DRAWN:]))
    report("real images, only ones", pixels(images[tl.where(labels == 1)[0][:DRAWN]]))
    report("noise", tl.rand(DRAWN, 1, 28, 28, device=args.device) * 2 - 1)

    G = Generator(SIZE, width=WIDTH).to(args.device)
    D = Discriminator(width=WIDTH, batch_norm=args.loss != "wgan-gp").to(args.device)
    print(" and ".join(f"{sum(w.numel() for w in network.parameters()):,} weights {what}" for network, what in
                       ((G, "that draw"), (D, "that tell drawn from real"))))
    z, shown = tl.randn(DRAWN, SIZE, device=args.device), {}
    start = time.perf_counter()
    often = max(1, steps // (2 if args.quick else 5))

    def watch(step, loss_D, loss_G):
        if step % often == 0:
            drawings = draw(G, z)
            shown[step] = drawings[:16]
            report(f"drawings, step {step}", drawings, f"    losses {loss_D.item():6.3f} {loss_G.item():6.3f}   "
                   f"{time.perf_counter() - start:5.1f} s")

    train(G, D, images, args.loss, steps, watch)
    counts, distance = report("drawings, in the end", draw(G, tl.randn(DRAWN, SIZE, device=args.device)))
    print("drawings recognised as " + ", ".join(f"{digit}: {count}" for digit, count in enumerate(counts.tolist())))
    t = tl.linspace(0, 1, 16, device=args.device).unsqueeze(1)
    lines = [draw(G, (1 - t) * a + t * b) for a, b in z[:6].view(3, 2, SIZE)]
    plot(args.plot, [test[:16], *shown.values(), *lines], ["real", *[f"step {step}" for step in shown], *["from z to z′"] * 3])
    print(f"Fréchet distance {distance:.4f}")


if __name__ == "__main__":
    main()
