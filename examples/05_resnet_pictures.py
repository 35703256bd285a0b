"""A residual network learns what small pictures show; so does the same network without its shortcuts, and learns less.

    out = relu(x + F(x))        F: two convolutions of 3 × 3, each with batch norm: a block                     (SPEC MOD-06)
    ∂(x + F(x))/∂x = 1 + F'(x)                                                                                  (F-09)

After "Deep residual learning for image recognition" (He et al. 2016).  Without the `x +`, a network of many layers learns worse
than one of few, and not because it learns by heart: its loss in training stays high as well.  The gradient comes to the first
layer as a product over all blocks: of F' there, and here of 1 + F', so a part of it comes through any number of blocks unchanged.

The pictures are emoji in colour, 32 × 32, of ten categories, which are very unequal: 386 show people, 5 are components.  Accuracy
alone is therefore worth little.  It is put beside that of two answers that need no network, always the commonest category, and
that of the most similar picture; and the recall of each category is shown: how many of its pictures were found.

Do not expect what such networks reach on CIFAR-10, which has 50,000 pictures to learn from.  Here are 1,309; many are nearly alike,
and the categories go by meaning: a red heart is an emotion, a red circle a symbol.  By the 378 of the test, accuracy is known to
± 0.05 at best.

Three parts by lot, with the same share of each category: 70 % to learn from, 10 % to watch, 20 % for the test, which is used once,
at the end (SPEC M-03, M-07).  Pictures that occur twice, as some flags do, are taken once: the test asks for nothing that was seen.

Batch norm takes the mean and variance of each batch in training, and keeps running means of both, which it takes in evaluation:
so model.train() and model.eval().  While the weights still take large steps the running means lag behind, and validation is far
worse than the loss lets expect.  At the end the steps are short, and the two agree.
"""
import argparse
import time

import numpy as np
from data import emoji

import tinygrad_like as tl
from tinygrad_like import nn, optim
from tinygrad_like.models.resnet_cifar import CifarBlock, CifarResNet

BATCH, SHIFT = 64, 2


def three_parts(device):
    """The names of the categories, and pairs (pictures, numbers of their categories) for learning, validation and test."""
    pictures, names = emoji()
    _, once = np.unique(pictures.reshape(len(pictures), -1), axis=0, return_index=True)
    pictures, (categories, numbers) = pictures[once], np.unique(names[once], return_inverse=True)
    chosen = [[], [], []]
    for category in range(len(categories)):
        places = np.flatnonzero(numbers == category)[tl.randperm(int((numbers == category).sum())).numpy()]
        for part, some in zip(chosen, np.split(places, [int(0.7 * len(places)), int(0.8 * len(places))])):
            part.extend(some)
    return categories, [(tl.tensor(pictures[part], device=device), tl.tensor(numbers[part], device=device)) for part in chosen]


def network(device, shortcuts=True):
    """20 layers: 16, 32, 64 channels, three blocks each.  The first convolution takes every other pixel: a quarter of the work."""
    model = CifarResNet(3, num_classes=10)
    model.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
    for module in model.modules():
        if isinstance(module, CifarBlock) and not shortcuts:
            module.shortcut = lambda x: 0                                    # out = relu(0 + F(x))
    return model.to(device)


def shifted(pictures):
    """Each moved by itself, up to SHIFT pixels each way, on a white ground.  Mirrored they would be letters and flags of nobody."""
    n, _, height, width = pictures.shape
    framed = nn.functional.pad(pictures, (SHIFT,) * 4, value=1.0)
    sample = tl.arange(n, device=pictures.device).view(n, 1, 1)
    top, left = tl.randint(0, 2 * SHIFT + 1, (2, n, 1), device=pictures.device)
    rows = top + tl.arange(height, device=pictures.device)                   # (n, height)
    columns = left + tl.arange(width, device=pictures.device)                # (n, width)
    return framed[sample, :, rows.unsqueeze(2), columns.unsqueeze(1)].permute(0, 3, 1, 2)


@tl.no_grad()
def answers(model, pictures):
    """The category that the model says for each picture."""
    model.eval()                                                             # batch norm: the means that were kept
    return tl.cat([model(pictures[i:i + 250]).argmax(1) for i in range(0, len(pictures), 250)])


def share(right):
    return right.float().mean().item()


def train(model, learn, validation, epochs):
    """SGD with momentum and weight decay; the rate rises to 0.1 in a third of the time, then falls to 0 (one cycle)."""
    pictures, numbers = learn
    loss_of = nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=epochs, steps_per_epoch=-(-len(pictures) // BATCH))
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()                                                        # batch norm: the means of each batch
        order, total = tl.randperm(len(pictures)), 0.0
        for i in range(0, len(pictures), BATCH):
            batch = order[i:i + BATCH]
            loss = loss_of(model(shifted(pictures[batch])), numbers[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.detach() * len(batch)
        if epoch % 2 == 0 or epoch == epochs:
            print(f"  epoch {epoch:2d}   loss {total.item() / len(pictures):.3f}   validation accuracy "
                  f"{share(answers(model, validation[0]) == validation[1]):.3f}   {time.perf_counter() - start:5.1f} s", flush=True)
    return model


def main():
    parser = argparse.ArgumentParser(description="Train a residual network on emoji.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=18)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three epochs of the residual network alone")
    args = parser.parse_args()
    epochs = 3 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    categories, (learn, validation, test) = three_parts(args.device)
    print(f"{len(learn[0]):,} pictures to learn from, {len(validation[0])} to watch, {len(test[0])} for the test")

    if not args.quick:
        print("Without shortcuts:")
        tl.manual_seed(args.seed)
        plain = train(network(args.device, shortcuts=False), learn, validation, epochs)
    print("With shortcuts:")
    tl.manual_seed(args.seed)                                                # the same first weights, the same order of pictures
    model = train(network(args.device), learn, validation, epochs)

    pictures, numbers = test
    found = answers(model, pictures)
    print("\ncategory              in the test   recall")
    for category, name in enumerate(categories):
        of_it = numbers == category
        print(f"{name:20} {of_it.sum().item():10d} {share(found[of_it] == category):10.2f}")

    commonest = learn[1].bincount().argmax()
    a, b = pictures.flatten(1), learn[0].flatten(1)
    nearest = (b.square().sum(1) - 2 * a @ b.T).argmin(1)                    # |a - b|² = |a|² - 2 a·b + |b|², and |a|² is the same
    print(f"\nalways {str(categories[commonest.item()])!r} {share(numbers == commonest):.4f}")
    print(f"as the most similar picture {share(numbers == learn[1][nearest]):.4f}")
    if not args.quick:
        print(f"without shortcuts {share(answers(plain, pictures) == numbers):.4f}")
    print(f"test accuracy {share(found == numbers):.4f}")


if __name__ == "__main__":
    main()
