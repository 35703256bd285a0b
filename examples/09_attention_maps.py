"""Attention that can be looked at: a small Transformer learns to write words backwards, and its maps show how it does it.

    x_i = E[token_i] + P[i]                          embedding, and a vector for each position, learned too    (SPEC F-02, F-11)
    A   = softmax(Q Kᵀ / √d),   x := x + A V W_o     Q, K, V: linear functions of x, normalised     (MOD-18, nn.MultiheadAttention)
    x   := x + W₂ max(0, W₁ x + b₁) + b₂             for each position by itself; then both once more, with other weights

A is the attention map: A_ij says how much of position j goes to position i.  Each row has the weights of a mean: its sum is 1.

    word     p r i d e .            Position i shall give the letter that stands at n - 1 - i, if the word has n letters.  So it
    wanted   e d i r p              must find out first how long the word is, and then where to look: two rounds of attention.

Two rounds are what the network has.  Look at both maps before you read on, and guess what happens in each.

    Block 2 reads the answer off: the darkest place of each row is the wanted letter, on a diagonal that runs backwards, and lies
    elsewhere if the word has another length.  So block 1 must have found the length.  It does so less clearly, as most things
    inside of networks are: the first rows look to the end of the word, where P says how long it is.

Without P there is no such way.  Attention is a mean over a set, which has no order: letters in another order give the same results
in another order.  We train that network too.  It finds out which letters there are, and guesses what they may spell: one word in a
hundred is right, short ones such as "was".

    python examples/09_attention_maps.py --words elephant neural        maps of words of yours, of at most 11 letters, a to z
"""
import argparse
import re
import time
from pathlib import Path

from data import jane_austen

import tinygrad_like as tl
from tinygrad_like import nn, optim

PAD, END = 0, 1                                                 # tokens; a is 2, b is 3, …
TOKENS, LENGTH, SIZE = 28, 12, 64
BATCH = 128


def tokens_of(words):
    """Words of at most 11 letters as rows of 12 tokens, an END behind each, and PAD for the rest."""
    rows = [[ord(letter) - ord("a") + 2 for letter in word] + [END] for word in words]
    return tl.tensor([row + [PAD] * (LENGTH - len(row)) for row in rows])


def letters_of(tokens):
    return "".join(" ."[token] if token < 2 else chr(token - 2 + ord("a")) for token in tokens.tolist())


class Block(nn.Module):
    """One round: look at the others, then think about what was seen.  Both are added to x, which flows through unchanged."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(SIZE), nn.LayerNorm(SIZE)
        self.attention = nn.MultiheadAttention(SIZE, num_heads=1, batch_first=True)
        self.think = nn.Sequential(nn.Linear(SIZE, 2 * SIZE), nn.ReLU(), nn.Linear(2 * SIZE, SIZE))

    def forward(self, x, is_pad):
        z = self.norm1(x)
        seen, A = self.attention(z, z, z, key_padding_mask=is_pad, need_weights=True)        # A: (batch, time, time)
        x = x + seen
        return x + self.think(self.norm2(x)), A


class Reverser(nn.Module):
    """Tokens (batch, time) → the logits of the token to stand at each position (batch, time, TOKENS), and the map of each block."""

    def __init__(self, with_positions=True):
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, SIZE)                                          # E
        self.positions = nn.Embedding(LENGTH, SIZE) if with_positions else None              # P
        self.blocks = nn.ModuleList([Block(), Block()])
        self.out = nn.Sequential(nn.LayerNorm(SIZE), nn.Linear(SIZE, TOKENS))

    def forward(self, tokens):
        x = self.embedding(tokens)                                                           # (batch, time, SIZE)
        if self.positions is not None:
            x = x + self.positions(tl.arange(tokens.size(1), device=tokens.device))          # the same for each sequence
        maps = []
        for block in self.blocks:
            x, A = block(x, tokens == PAD)
            maps.append(A)
        return self.out(x), maps


@tl.no_grad()
def accuracy(model, tokens, wanted):
    """The part of the words that are right in every letter."""
    model.eval()
    best = model(tokens)[0].argmax(-1)
    return ((best == wanted) | (wanted == PAD)).all(1).float().mean().item()


def train(model, learn, validation, epochs):
    """Adam, with a rate that rises to 0.003 and falls to 0.  learn and validation: pairs (tokens, wanted)."""
    tokens, wanted = learn
    loss_of = nn.CrossEntropyLoss(ignore_index=PAD)                                          # behind a word all is right
    optimizer = optim.Adam(model.parameters())
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, epochs=epochs, steps_per_epoch=-(-len(tokens) // BATCH))
    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        order, total = tl.randperm(len(tokens)), 0.0
        for i in range(0, len(tokens), BATCH):
            batch = order[i:i + BATCH]
            logits, _ = model(tokens[batch])
            loss = loss_of(logits.flatten(0, 1), wanted[batch].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.detach() * len(batch)
        if epoch % 2 == 0 or epoch == epochs:
            print(f"  epoch {epoch:2d}   loss {total.item() / len(tokens):.4f}   words right, validation "
                  f"{accuracy(model, *validation):.4f}   {time.perf_counter() - start:4.1f} s", flush=True)
    return model


@tl.no_grad()
def maps_of(model, word):
    """What the model makes of the word, and its two maps (letters, letters and end), as arrays."""
    n = len(word)
    logits, maps = model.eval()(tokens_of([word]).to(model.embedding.weight.device))
    return letters_of(logits[0, :n].argmax(-1)), [A[0, :n, :n + 1].cpu().numpy() for A in maps]


def print_maps(word, answer, maps):
    """The maps side by side, a row for each letter: the darker a column, the more it is looked at.  Behind it what it becomes."""
    print(f"\n{word} → {answer}")
    print("".join(f"    {' '.join(word)} .  block {number}  " for number in (1, 2)).rstrip())
    for i, letter in enumerate(word):
        print("".join(f"  {letter} {' '.join(' .:-=+*#%@'[min(int(10 * a), 9)] for a in A[i])}  → {answer[i]}      "
                      for A in maps).rstrip())


def draw(shown, path):
    """The same as a picture, if matplotlib is there."""
    drawn, queries, keys = {}, {}, {}
    for word, answer, maps in shown:
        for number, A in enumerate(maps, 1):
            title = f"block {number}: {word}"
            drawn[title], queries[title], keys[title] = A, [f"{a} → {b}" for a, b in zip(word, answer)], [*word, "."]
    try:
        tl.pictures.draw_attention(drawn, queries, keys, columns=2).save(path)
    except ImportError:
        print("\nThe maps as a picture: pip install '.[plot]' brings matplotlib, which draws it")
        return
    print(f"\nThe maps as a picture: {path}")


def main():
    parser = argparse.ArgumentParser(description="Train a tiny Transformer to write words backwards, and draw its attention.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", nargs="*", help="draw the maps of these; otherwise of two from the test")
    parser.add_argument("--plot", metavar="PATH", type=Path, default=Path("attention_maps.png"), help="the picture")
    parser.add_argument("--quick", action="store_true", help="six epochs, and none of the network without positions")
    args = parser.parse_args()
    epochs = 6 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    words = sorted({word for word in re.findall("[a-z]+", jane_austen().lower()) if 3 <= len(word) < LENGTH})
    words = [words[i] for i in tl.randperm(len(words)).tolist()]
    tokens = tokens_of(words).to(args.device)
    wanted = tokens_of([word[::-1] for word in words]).to(args.device)
    wanted = wanted.masked_fill(wanted == END, PAD)
    test, validation, learn = [(tokens[part], wanted[part]) for part in (slice(0, 1000), slice(1000, 1500), slice(1500, None))]

    print(f"{len(learn[0]):,} words to learn from, none of which is in the {len(validation[0])} and {len(test[0]):,} to try it on")
    model = train(Reverser().to(args.device), learn, validation, epochs)
    if not args.quick:
        print("The same without positions:")
        train(Reverser(with_positions=False).to(args.device), learn, validation, epochs)

    shown = [(word, *maps_of(model, word)) for word in args.words or [next(w for w in words if len(w) == n) for n in (5, 9)]]
    for each in shown:
        print_maps(*each)
    draw(shown, args.plot)
    print(f"sequence accuracy {accuracy(model, *test):.4f}")


if __name__ == "__main__":
    main()
