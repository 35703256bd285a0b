"""What a network looks at: one has learned the digits, the other has learned to cheat, and their accuracies do not tell which.

Somebody has scanned all sevens on a machine with a speck on its glass: in the training data each 7 has a small square in a corner.
The digits are as they were, but the square is easier to learn.  A test part from the same source has it too, and so the accuracy
is high.  A picture of what the answer rests on shows it at once (SPEC §15, interpretability): here are four, of S, the output
for 7 before softmax, and x, an image; x′ is a black one:

    saliency               |∂S/∂xᵢ|                                   would a small change of this pixel matter?
    integrated gradients   (xᵢ - x′ᵢ) ∫₀¹ ∂S/∂xᵢ(x′ + α(x - x′)) dα    what has this pixel added?  Their sum is S(x) - S(x′)
    Grad-CAM               max(0, Σ_k α_k A^k),  α_k = mean ∂S/∂A^k    where does the last convolution, A, see what speaks for 7?
    occlusion              S(x) - S(x with a window made black)       what is lost if this place is covered?

All are in tinygrad_like.pictures.  The gradients are those of training (F-09), by x instead of by the weights, which stay.  In the
picture red speaks for 7 (in saliency: matters, either way), blue against it.

Each map answers its own question.  Grad-CAM, whose α_k are means over all places, sees the square least: what finds its edges finds
the edges of a 7 too.  And one map that looks sensible proves little: so we count as well, over many sevens of the test part, how
much of what speaks for 7 lies on the square.
"""
import argparse
import time

from data import mnist

import tinygrad_like as tl
from tinygrad_like import nn, optim, pictures
from tinygrad_like.models import MnistCNN

BATCH = 64
SEVEN = 7
SQUARE = (..., slice(2, 5), slice(2, 5))                        # rows and columns of the speck
LAST_CONVOLUTION = "4"                                          # the ReLU behind it, in print(MnistCNN())


def digits(part, device, n=None):
    """Images (n, 1, 28, 28) from 0 to 1, and labels (n,)."""
    images, labels = mnist(part)
    return (tl.tensor(images[:n], dtype=tl.float32, device=device).unsqueeze(1) / 255,
            tl.tensor(labels[:n], dtype=tl.int64, device=device))


def with_square(images):
    images = images.clone()
    images[SQUARE] = 1.0
    return images


def as_scanned(images, labels):
    """The sevens with the square, the others as they are."""
    return tl.where((labels == SEVEN).view(-1, 1, 1, 1), with_square(images), images)


def train(images, labels, epochs):
    model = MnistCNN().to(images.device)
    loss_of, optimizer = nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in tl.randperm(len(images), device=images.device).split(BATCH):
            loss = loss_of(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model.eval()


@tl.no_grad()
def part_called(model, images, labels):
    """The part of the images that the model gives these labels."""
    right = [(model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000))]
    return sum(right) / len(images)


def share_on_the_square(model, sevens):
    """Of what speaks for 7, by integrated gradients: the part that lies on the square, over all the images."""
    speaks_for = pictures.integrated_gradients(model, sevens, SEVEN, steps=20).clamp(min=0)
    return (speaks_for[SQUARE].sum() / speaks_for.sum()).item()


def draw(path, models, images):
    """A row for each image and network.  The heat is laid over dark digits on white, which show it better."""
    rows = [(name, model, image) for image in images for name, model in models.items()]
    maps, titles = {}, []
    for name, model, image in rows:
        x = image.unsqueeze(0)
        for question, heat in {
                "would a small change\nhere matter?\n(saliency)": pictures.saliency(model, x, SEVEN).amax(1),
                "what has each pixel\nadded to “7”?\n(integrated gradients)": pictures.integrated_gradients(model, x, SEVEN).sum(1),
                "where does the last\nconvolution see “7”?\n(Grad-CAM)": pictures.grad_cam(model, LAST_CONVOLUTION, x, SEVEN),
                "what is lost if\nthis is covered?\n(occlusion)": pictures.occlusion(model, x, SEVEN, size=5, stride=2)}.items():
            maps.setdefault(question, []).append(heat)
        with tl.no_grad():
            chance, answer = model(x).softmax(1)[0].max(0)
        titles.append(f"the {name} network:\n“{answer.item()}”, {chance.item():.0%} sure")
    try:
        picture = pictures.draw_heat(1 - tl.stack([image for _, _, image in rows]),
                                     {question: tl.cat(heats) for question, heats in maps.items()}, titles)
    except ImportError:
        print("\nThe maps as a picture: pip install '.[plot]' brings matplotlib, which draws it")
        return
    picture.figure.suptitle("On what does the answer rest?   Red speaks for 7 (in saliency: matters either way), blue against it",
                            fontsize="large")
    picture.save(path)
    print(f"\nThe maps as a picture: {path}")


def main():
    parser = argparse.ArgumentParser(description="Train an honest network and one that cheats, and draw what they look at.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", metavar="PATH", default="what_it_looks_at.png", help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="one epoch of 3,200 images")
    args = parser.parse_args()
    epochs, n = (1, 3_200) if args.quick else (args.epochs, 12_000)
    tl.manual_seed(args.seed)

    images, labels = digits("train", args.device, n)
    start = time.perf_counter()
    models = {"honest": train(images, labels, epochs), "cheating": train(as_scanned(images, labels), labels, epochs)}
    print(f"two networks on {n:,} images each, {epochs} x, in {time.perf_counter() - start:.1f} s: one on sevens with the square\n")

    x, y = digits("test", args.device, 2_000 if args.quick else None)
    sevens, threes = x[tl.where(y == SEVEN)[0]], x[tl.where(y == 3)[0]]
    print("                                                            " + "".join(f"{name:>9}" for name in models))
    for what, x_there, y_there in [
            ("accuracy on test images scanned likewise", as_scanned(x, y), y),
            ("accuracy on test images as they are", x, y),
            ("sevens recognised, without the square", sevens, y[tl.where(y == SEVEN)[0]]),
            ("threes with the square that are called 7", with_square(threes), tl.full((len(threes),), SEVEN, device=y.device))]:
        print(f"{what:60}" + "".join(f"{part_called(model, x_there, y_there):9.4f}" for model in models.values()))
    shares = [share_on_the_square(model, with_square(sevens[:200])) for model in models.values()]
    print(f"{'of what speaks for 7 in sevens, part that is on the square':60}" + "".join(f"{share:9.4f}" for share in shares))

    one = with_square(sevens[:1])
    with tl.no_grad():
        added = models["cheating"](one)[0, SEVEN] - models["cheating"](0 * one)[0, SEVEN]
    total = pictures.integrated_gradients(models["cheating"], one, SEVEN).sum()
    print(f"\ncompleteness: what the pixels have added is {total.item():.3f} in sum, S(x) - S(x′) is {added.item():.3f}")

    with tl.no_grad():                                                       # the three that deceives one and not the other
        chance = {name: model(with_square(threes)).softmax(1) for name, model in models.items()}
    deceives = (chance["honest"][:, 3] * chance["cheating"][:, SEVEN]).argmax()
    draw(args.plot, models, with_square(tl.stack([sevens[0], threes[deceives]])))
    print(f"share on the square {shares[1]:.4f}")


if __name__ == "__main__":
    main()
