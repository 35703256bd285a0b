"""A Transformer learns to translate short Bible verses from English to Spanish.

    the English words  →  embedding + position  →  encoder  ─┐
    the Spanish words so far  →  embedding + position  →  decoder  →  the next Spanish word      (SPEC F-02, MOD-11)

    L = -mean of Σᵢ qᵢ log softmax(output)ᵢ       q has 1 - ε for the right word, and ε spread over all words       (F-14)

The article draws one input only.  There are two: the encoder reads the sentence to be translated, the decoder what has been
translated of it so far (SPEC M-31).  In training the whole translation is known: the decoder gets it shifted by one place, each
word is to foretell the next, and a mask keeps it from looking ahead, so that one pass learns from all words at once.  In use
there is only the first word, <start>; the likeliest next word is added, and so on until it is <end>: greedy decoding.

The rate α of Adam grows at first and then falls, as in the paper (Vaswani et al. 2017, §5.3); the truth is smoothed by ε = 0.1
(§5.4): the loss L wants 90 % for the right word, and leaves a little for all others.

6,111 verses are very few: a network for daily use learns from millions of pairs.  It learns the words that are frequent, their
order, and which go with which; the rarer ones it guesses.  So the number at the end is modest: which part of the words of unseen
verses is foretold, given those before.  Words that are not in the vocabulary are neither learned nor counted.

    python examples/08_translate_verses.py
"""
import argparse
import re
import time
from collections import Counter

from data import verses

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import nn, optim
from tinygrad_like.models import TranslationTransformer

PAD, START, END, UNKNOWN = 0, 1, 2, 3                           # the first four numbers are no words
BATCH = 64


def words(sentence):
    """Small letters, and each sign a word of its own."""
    return re.findall(r"\w+|[^\w\s]", sentence.lower())


class Vocabulary:
    """The words that occur at least twice, the frequent ones first; all others are <unknown>."""

    def __init__(self, sentences):
        counts = Counter([word for sentence in sentences for word in words(sentence)])
        self.words = ["<pad>", "<start>", "<end>", "<unknown>", *[word for word, n in counts.most_common() if n > 1]]
        self.number = {word: i for i, word in enumerate(self.words)}

    def rows(self, sentences):
        """Numbers (N, T): <start>, the words, <end>, and <pad> up to the longest of them."""
        rows = [[START, *[self.number.get(word, UNKNOWN) for word in words(sentence)], END] for sentence in sentences]
        longest = max(map(len, rows))
        return tl.tensor([row + [PAD] * (longest - len(row)) for row in rows])

    def text(self, numbers):
        """The words again, up to <end>."""
        numbers = numbers[1:numbers.index(END)] if END in numbers else numbers[1:]
        return re.sub(r" ([.,;:?!])", r"\1", " ".join([self.words[i] for i in numbers]))


def asked(target):
    """The words to be foretold: all but the first, <pad> for those that are unknown."""
    return target[:, 1:].masked_fill(target[:, 1:] == UNKNOWN, PAD)


def batches(source, target, order):
    """Pairs of a batch, cut to the longest sentences in it.  Those of like length go together, so that little is padding."""
    lengths = (target != PAD).sum(1)
    for many in order.split(BATCH * 8):
        for some in many[lengths[many].argsort()].split(BATCH):
            x, y = source[some], target[some]
            yield x[:, :(x != PAD).any(0).sum().item()], y[:, :(y != PAD).any(0).sum().item()]


@tl.no_grad()
def judge(model, source, target):
    """The loss a word, and which part of the words is foretold, given those before."""
    model.eval()
    loss, right, count = 0.0, 0, 0
    for x, y in batches(source, target, tl.arange(len(source))):
        logits, truth = model(x, y[:, :-1]), asked(y)
        known = truth != PAD
        loss += F.cross_entropy(logits.flatten(0, 1), truth.flatten(), ignore_index=PAD, reduction="sum").item()
        right += ((logits.argmax(-1) == truth) & known).sum().item()
        count += known.sum().item()
    return loss / count, right / count


def main():
    parser = argparse.ArgumentParser(description="Train a Transformer to translate verses.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one epoch of 1,500 verses")
    args = parser.parse_args()
    tl.manual_seed(args.seed)

    pairs = verses()
    pairs = [pairs[i] for i in tl.randperm(len(pairs)).tolist()]
    validation, test, train = pairs[:300], pairs[300:600], pairs[600:2100] if args.quick else pairs[600:]
    english, spanish = Vocabulary([e for e, _ in train]), Vocabulary([s for _, s in train])

    def numbers(part):
        return english.rows([e for e, _ in part]).to(args.device), spanish.rows([s for _, s in part]).to(args.device)

    source, target = numbers(train)
    model = TranslationTransformer.small(len(english.words), len(spanish.words), dropout=0.1).to(args.device)
    epochs = 1 if args.quick else args.epochs
    steps = epochs * -(-len(train) // BATCH)
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps + 8 * epochs, pct_start=0.2,
                                             cycle_momentum=False)
    print(f"{len(english.words):,} English words, {len(spanish.words):,} Spanish ones, "
          f"{sum(p.numel() for p in model.parameters()):,} parameters, about {steps:,} steps")

    start = time.perf_counter()
    for epoch in range(1, epochs + 1):
        model.train()
        total, count = 0.0, 0
        for x, y in batches(source, target, tl.randperm(len(train))):
            logits = model(x, y[:, :-1])                        # (N, T, words): each foretells the next
            loss = F.cross_entropy(logits.flatten(0, 1), asked(y).flatten(), ignore_index=PAD, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        loss, accuracy = judge(model, *numbers(validation))
        print(f"epoch {epoch:2d}   loss {total / count:.3f}   validation loss {loss:.3f}, words foretold {accuracy:.3f}   "
              f"{time.perf_counter() - start:5.1f} s", flush=True)

    source, target = numbers(test)
    out = model.translate(source[:5], START, END, max_len=25)
    for (e, s), row in zip(test, out.tolist()):
        print(f"\n   {e}\n   in the Bible:  {s}\n   translated:    {spanish.text(row)}")
    loss, accuracy = judge(model, source, target)
    counts = Counter(asked(target).flatten().tolist())
    del counts[PAD]
    print(f"\nthe commonest word, always, would be right for {counts.most_common(1)[0][1] / sum(counts.values()):.3f} of them")
    print(f"test words foretold {accuracy:.4f}")


if __name__ == "__main__":
    main()
