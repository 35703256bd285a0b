"""A variational autoencoder learns to draw digits: what it makes of random numbers should look like what it has seen.

An autoencoder (12_anomaly.py) gives each image a code, a few numbers z, and draws the image from them.  Could one draw new images
from numbers that nobody has encoded?  Only if one knew which numbers are codes; so here every code is drawn towards N(0, I).

    μ, log σ² = encoder(x)             784 pixels -> 400 -> 2 · 20        not a code, but a region of codes     (SPEC MOD-09, F-12)
    z = μ + σ ε,  ε from N(0, I)       a code of that region; ε has no weights, so gradients pass to μ and σ     (F-09)
    l = decoder(z)                     20 -> 400 -> 784                   logits: pixel i is 1 with chance sigmoid(lᵢ)

    reconstruction = -log p(x|z) = Σᵢ log(1 + exp lᵢ) - xᵢ lᵢ             binary cross-entropy, summed over pixels
    KL = ½ Σⱼ (μⱼ² + σⱼ² - 1 - log σⱼ²)                                  how far the region is from N(0, I), in nats

    -log p(x)  ≤  E[reconstruction] + KL  = -ELBO                         the loss; derived in models/vae.py

The first term wants regions small and far apart, so that no two images are taken for each other; the second wants them all to be
N(0, I), and then z says nothing of x.  Where they balance, each image costs some 27 nats of z, neighbours have similar images, and
the regions fill N(0, I), which is where new codes are drawn from, with gaps where what is drawn lies between two digits.  What KL
is for shows where it is left out: a second network learns without.  It reconstructs better, its codes lie anywhere, and what it
draws from N(0, I) are no digits.

A third has codes of two numbers, to be looked at.  Two are too few for digits, but they are a plane, and can be printed as a map.

Pixels are 0 or 1 here: each is a coin whose chance is its grey level, thrown anew whenever an image is learned from, once for
validation and test.  Then p(x) is a probability indeed, and its logarithm can be compared with others: the last lines do so with
coins that know nothing of each other.  Samples are shown as chances, as grey levels again; they look smoother than one throw would.
"""
import argparse
import time

import numpy as np
from data import mnist

import tinygrad_like as tl
from tinygrad_like import optim
from tinygrad_like.distributions import Normal
from tinygrad_like.models import VAE, negative_elbo

LATENT = 20
BATCH = 128
RATE = 3e-3                            # the highest of one cycle


def digits(part, device):
    """Grey levels (n, 784) from 0 to 1, and labels (n,)."""
    images, labels = mnist(part)
    return tl.tensor(images.reshape(-1, 784), dtype=tl.float32, device=device) / 255, labels


@tl.no_grad()
def terms_on(model, x):
    """The means of both terms of -ELBO.  Codes are drawn here too, one for each image: the bound is a mean over draws."""
    model.eval()
    terms = [tl.stack(negative_elbo(part, *model(part))) for part in x.split(1000)]
    model.train()
    return tl.cat(terms, 1).mean(1).tolist()


def train(name, model, images, validation, epochs, beta=1.0):
    """beta: what KL counts; 1 is the bound, and 0 leaves a plain autoencoder."""
    optimizer = optim.Adam(model.parameters(), lr=RATE)
    steps = epochs * -(-len(images) // BATCH)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        total = tl.zeros(2, device=images.device)
        for batch in tl.randperm(len(images), device=images.device).split(BATCH):
            x = tl.bernoulli(images[batch])                     # (n, 784), 0 or 1
            reconstruction, kl = negative_elbo(x, *model(x))    # (n,), (n,)
            loss = (reconstruction + beta * kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += tl.stack([reconstruction.detach().sum(), kl.detach().sum()])
        (r, k), (r_unseen, k_unseen) = (total / len(images)).tolist(), terms_on(model, validation)
        print(f"{name:10}   epoch {epoch:2d}   reconstruction {r:6.2f} + KL {k:6.2f} = {r + k:6.2f}   "
              f"validation {r_unseen:6.2f} + {k_unseen:6.2f} = {r_unseen + k_unseen:6.2f}   {time.perf_counter() - start:5.1f} s",
              flush=True)
    return model.eval()


def pixels_to_the_nearest(samples, x):
    """In how many pixels each image differs from the one of x that is most like it; their mean.  Pixels are 0 or 1."""
    differ = samples.sum(1, keepdim=True) + x.sum(1) - 2 * samples @ x.T                # (n, len(x)): |a - b| = a + b - 2 a b
    return differ.min(1).values.mean().item()


@tl.no_grad()
def spread_of_codes(model, x):
    return model.reparameterize(*model.encode(x)).std(0).mean().item()


@tl.no_grad()
def on_the_way(model, x):
    """From each image (9, 784) to the next in 8 steps: what is drawn from the codes on the straight line between theirs."""
    mu, _ = model.encode(x)
    t = tl.linspace(0, 1, 8, device=x.device).view(8, 1)
    codes = (1 - t) * mu[:-1].unsqueeze(1) + t * mu[1:].unsqueeze(1)                    # (8, 8, LATENT)
    return model.decode(codes).sigmoid().view(-1, 784)


@tl.no_grad()
def from_the_plane(model):
    """A map of 15 x 15: between a line and the next lies as much of N(0, 1) as between any others, in both directions."""
    device = next(model.parameters()).device
    line = Normal(0.0, 1.0).icdf(tl.linspace(0.02, 0.98, 15)).to(device)
    second, first = tl.meshgrid(-line, line, indexing="ij")     # the second number upwards, as in the panel of codes
    return model.decode(tl.stack([first, second], -1).view(-1, 2)).sigmoid()


def in_letters(images):
    """Images (n, 784) beside each other as text: two pixels a letter, one above the other."""
    light = (images > 0.5).int().view(-1, 14, 2, 28)
    letters = (light[:, :, 0] + 2 * light[:, :, 1]).tolist()    # (n, 14, 28)
    return "\n".join("  ".join("".join(" ▀▄█"[i] for i in image[row]) for image in letters) for row in range(14))


def tiles(images):
    """Images (n · n, 784) as one of n rows and columns."""
    n = round(len(images) ** 0.5)
    return images.view(n, n, 28, 28).transpose(1, 2).reshape(28 * n, 28 * n).cpu().numpy()


@tl.no_grad()
def draw(path, grids, of_two, test, labels):
    """Six panels: grids of images, by their titles, and where the codes of two numbers lie, if matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nReal and drawn digits and the plane of codes: pip install '.[plot]' brings matplotlib, which draws them")
        return
    figure = Figure(figsize=(13, 9.4), layout="constrained")
    *panels, plane = figure.subplots(2, 3).flat
    for axes, (title, images) in zip(panels, grids.items()):
        axes.imshow(tiles(images), cmap="gray", vmin=0, vmax=1)
        axes.set_title(title, fontsize="medium")
        axes.axis("off")
    codes = of_two.encode(test)[0].cpu().numpy()                # (n, 2)
    for digit in range(10):
        of_digit = codes[labels == digit]
        plane.scatter(*of_digit.T, s=2, alpha=0.4, color=f"C{digit}")
        plane.text(*np.median(of_digit, axis=0), str(digit), fontsize=10, fontweight="bold", ha="center", va="center",
                   bbox={"boxstyle": "circle,pad=0.1", "facecolor": "white", "edgecolor": f"C{digit}"})
    angle = np.linspace(0, 2 * np.pi, 100)
    plane.plot(2.45 * np.cos(angle), 2.45 * np.sin(angle), "k--", linewidth=1)
    plane.set_aspect("equal", adjustable="datalim")
    plane.set_title("codes μ of test images, in two numbers\n(within the circle: 95 % of N(0, I))", fontsize="medium")
    figure.savefig(path, dpi=90)
    print(f"\nReal and drawn digits and the plane of codes: {path}")


def main():
    parser = argparse.ArgumentParser(description="Train variational autoencoders, one of them without KL, and let them draw.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=12, help="of the first; the others have a quarter and a half of it")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="PATH", default="vae.png", help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="2 epochs of 10,000 images")
    args = parser.parse_args()
    epochs, n = (2, 10_000) if args.quick else (args.epochs, 50_000)
    tl.manual_seed(args.seed)

    images, _ = digits("train", args.device)
    images, validation = images[:n], tl.bernoulli(images[50_000:])
    with_kl = VAE([784, 400], LATENT).to(args.device)
    without = VAE([784, 400], LATENT).to(args.device)
    of_two = VAE([784, 256, 128], 2).to(args.device)
    print(f"{n:,} digits to learn from; {sum(w.numel() for w in with_kl.parameters()):,} parameters; nats an image")
    train("with KL", with_kl, images, validation, epochs)
    train("without KL", without, images, validation, max(1, epochs // 4), beta=0.0)
    train("2 numbers", of_two, images, validation, max(1, epochs // 2))

    grey, labels = digits("test", args.device)
    test, known = tl.bernoulli(grey), tl.bernoulli(images[:10_000])
    samples = [model.sample(400) for model in (with_kl, without)]
    unlike = [pixels_to_the_nearest(tl.bernoulli(x), known) for x in (*samples, grey[:400])]
    print(f"\n{'':64}with KL   without")
    print("codes of test images: standard deviation (of N(0, I): 1)       "
          + "".join(f"{spread_of_codes(model, test):8.2f}" for model in (with_kl, without)))
    print(f"images drawn from N(0, I): pixels unlike the nearest known     {unlike[0]:8.1f}{unlike[1]:10.1f}"
          f"     (images of the test part: {unlike[2]:.1f})")
    print(f"\nFour of them, with KL:\n{in_letters(samples[0][:4])}")

    draw(args.plot, {
        "real digits, of the test part": grey[:64],
        "drawn from N(0, I), 20 numbers each": samples[0][:64],
        "drawn likewise by the autoencoder without KL": samples[1][:64],
        "from digit to digit: drawn from codes on the straight line\nbetween the first and the last of each row":
            on_the_way(with_kl, test[[np.flatnonzero(labels == digit)[0] for digit in range(9)]]),
        "two numbers for a code: what is drawn from where\nin the plane on the right": from_the_plane(of_two),
    }, of_two, test, labels)

    chance = images.mean(0).clamp(1e-3, 1 - 1e-3)
    coins = -(test * chance.log() + (1 - test) * (1 - chance).log()).sum(1).mean().item()
    print(f"784 coins that know nothing of each other, each with its pixel's mean: {coins:.4f} nats a test image")
    print(f"test negative ELBO {sum(terms_on(with_kl, test)):.4f}")


if __name__ == "__main__":
    main()
