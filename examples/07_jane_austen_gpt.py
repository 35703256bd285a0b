"""A GPT reads Jane Austen letter by letter, learns what comes next, and then writes by itself.

A text is x₁ x₂ … xₙ, each one of 79 characters.  For every place the network gives 79 numbers, and softmax makes them p(next | all
before).  The loss is minus the mean logarithm of what was given to the letter that did come:

    L = -1/n Σₜ log softmax(GPT(x₁ … xₜ))[xₜ₊₁]                                   in nats a letter        (SPEC MOD-13, F-14)

The softmax is in the loss alone.  The article has it at the end of the network, and a second time in the loss, where it can only
level what the first made; and its loss lacks the target, [xₜ₊₁] above (SPEC M-18).

All places of a text learn at once, for none sees what comes after it.  Each place asks, q; each place before it answers how well
it fits, k, and what it has to say, v; and what they say is added up in these proportions, softmax(q kᵀ / √d) v, where -∞ stands
for the places ahead.  That is the only way from place to place.  All else is done by each place alone, and everything is added to
what was there before, x + f(x), so that gradients reach the first layer undiminished: see models/gpt.py.

At first L is log 79 = 4.37, a die of 79 sides; exp(L) is the number of sides that the die still has, four or five in the end.
What is written then has Austen's quotation marks and the sound of her sentences; most words are words, and there is no sense.

    python examples/07_jane_austen_gpt.py --save austen.safetensors
    python examples/07_jane_austen_gpt.py --load austen.safetensors --prompt "Mr. Darcy smiled" --letters 500
"""
import argparse
import math
import time

from data import jane_austen

import tinygrad_like as tl
from tinygrad_like import nn, optim
from tinygrad_like.models import GPT, GPTConfig

BLOCK, BATCH = 64, 16                                           # the letters that it sees at once, and texts a step
RATE, WARMUP = 5e-3, 100


def rate(step, steps):
    """How much of RATE a step has: up in a straight line while Adam's means are young, then half a cosine, down to a tenth."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 0.1 + 0.9 * (1 + math.cos(math.pi * (step - WARMUP) / (steps - WARMUP))) / 2


def windows(text, starts):
    """Of each start, the BLOCK letters from there (n, BLOCK), and those that come after each of them: the same, one further."""
    places = starts.unsqueeze(1) + tl.arange(BLOCK + 1, device=text.device)
    return text[places[:, :-1]], text[places[:, 1:]]


@tl.no_grad()
def loss_on(model, text, every=1):
    """The mean loss over a text cut into windows, or over each so many-th of them.  Early in a window there is little to go by."""
    model.eval()
    starts = tl.arange(0, len(text) - BLOCK, BLOCK * every, device=text.device)
    total = sum(model(*windows(text, part))[1].item() * len(part) for part in starts.split(50))
    model.train()
    return total / len(starts)


def loss_of_pairs(text, other, n):
    """What a table can do that has counted how often each letter follows each other one: the measure of a network's worth."""
    counts = tl.bincount(text[:-1] * n + text[1:], minlength=n * n).view(n, n) + 1
    p = counts / counts.sum(1, keepdim=True)
    return -p[other[:-1], other[1:]].log().mean().item()


def main():
    parser = argparse.ArgumentParser(description="Train a small GPT on two novels, and let it write.")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for CuPy")
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="150 steps of a smaller network")
    parser.add_argument("--save", metavar="PATH", help="write the weights there: .safetensors, .npz or .pth")
    parser.add_argument("--load", metavar="PATH", help="read the weights from there, and do not train")
    parser.add_argument("--prompt", default="It is a truth universally", help="what the text begins with that is written")
    parser.add_argument("--letters", type=int, default=400, help="how many letters are written")
    args = parser.parse_args()
    steps = 150 if args.quick else args.steps
    tl.manual_seed(args.seed)

    # The last tenth of the text, the end of Sense and Sensibility, is not learned: half to watch, half for the end.
    text = jane_austen()
    letters = sorted(set(text))
    if unknown := set(args.prompt) - set(letters) or not args.prompt:
        parser.error(f"the prompt is at least one letter, and Jane Austen has no {unknown}")
    number = {letter: i for i, letter in enumerate(letters)}
    text = tl.tensor([number[letter] for letter in text], device=args.device)
    training, validation, test = text.tensor_split([len(text) * 18 // 20, len(text) * 19 // 20])

    size = dict(n_layer=2, n_head=2, n_embd=64) if args.quick else dict(n_layer=3, n_head=4, n_embd=96)
    model = GPT(GPTConfig(block_size=BLOCK, vocab_size=len(letters), **size)).to(args.device)

    def write():
        prompt = tl.tensor([[number[letter] for letter in args.prompt]], device=args.device)
        written = "".join(letters[i] for i in model.generate(prompt, args.letters, temperature=0.8)[0].tolist())
        print("-" * 80, written, "-" * 80, sep="\n", flush=True)

    if args.load:
        model.load_state_dict(tl.load(args.load))
    else:
        print(f"{sum(w.numel() for w in model.parameters()):,} parameters, {len(training):,} letters to learn from; a table "
              f"of pairs of letters has validation loss {loss_of_pairs(training, validation, len(letters)):.3f}")
        write()
        train(model, training, validation, steps)
    write()
    if args.save:
        tl.save(model.state_dict(), args.save)
    print(f"test loss {loss_on(model, test):.4f}")


def train(model, training, validation, steps):
    # Weights of matrices are drawn towards 0, so that only those grow that earn it; biases and the scales of layer norms are not.
    matrices = [w for w in model.parameters() if w.ndim > 1]
    vectors = [w for w in model.parameters() if w.ndim <= 1]
    optimizer = optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}],
                            lr=RATE, betas=(0.9, 0.99))
    scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))

    start, total, since = time.perf_counter(), 0.0, 0
    for step in range(1, steps + 1):
        inputs, targets = windows(training, tl.randint(0, len(training) - BLOCK, (BATCH,), device=training.device))
        _, loss = model(inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)       # no single step goes far, whatever it has read
        optimizer.step()
        scheduler.step()
        total, since = total + loss.detach(), since + 1
        if step % 200 == 0 or step == steps:
            print(f"step {step:5d}   loss {total.item() / since:.3f}   validation loss {loss_on(model, validation, every=5):.3f}   "
                  f"{time.perf_counter() - start:5.1f} s", flush=True)
            total, since = 0.0, 0


if __name__ == "__main__":
    main()
