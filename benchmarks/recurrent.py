"""Recurrent layers, forward and backward in float32, next to PyTorch's in one run:

    python benchmarks/recurrent.py [--threads 2] [--rounds 20] [--shape 50 32 100 128]

Prints, for each layer, the least and the median of the milliseconds that its share of a training step takes: the outputs, a loss,
and the gradients of inputs and weights.  The two engines take turns, so that what else the machine does meets both.  The ratio is
PyTorch's over ours, so above 1 is faster.
"""
import statistics
import time

import environment  # before NumPy
import numpy as np

import tinygrad_like as tl

try:
    import torch
except ImportError:
    torch = None


def step(lib, kind, shape):
    """A function that goes forward and back once, and returns how long each took, in milliseconds."""
    time_, batch, features, size = shape
    layer = getattr(lib.nn, kind)(features, size)
    x = lib.tensor(np.random.default_rng(0).standard_normal((time_, batch, features)).astype("float32"), requires_grad=True)
    v = lib.tensor(np.random.default_rng(1).standard_normal((time_, batch, size)).astype("float32"))

    def run():
        for p in [x, *layer.parameters()]:
            p.grad = None
        start = time.perf_counter()
        loss = (layer(x)[0] * v).sum()
        middle = time.perf_counter()
        loss.backward()
        end = time.perf_counter()
        return 1e3 * (middle - start), 1e3 * (end - middle), 1e3 * (end - start)
    return run


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--threads", type=environment.count, default=2)
    parser.add_argument("--rounds", type=environment.count, default=20)
    parser.add_argument("--shape", type=environment.count, nargs=4, default=[50, 32, 100, 128],
                        metavar=("TIME", "BATCH", "FEATURES", "SIZE"))
    options = parser.parse_args()
    environment.use_threads(options.threads, tl, torch)
    engines = {"ours": tl} if torch is None else {"ours": tl, "PyTorch": torch}
    environment.introduce(f"(time, batch, features, size) = {tuple(options.shape)}, float32, "
                          f"{environment.threads(options.threads)}: least ms (and median)\n{environment.RATIO}\n", [torch])
    columns = [f"{name}: {what}" if what == "forward" else what for name in engines for what in ("forward", "backward", "both")]
    print(f"| layer | {' | '.join(columns)} | ratio of both |\n" + "|---" * (len(columns) + 2) + "|")
    for kind in "LSTM", "GRU", "RNN":
        runs = {name: step(lib, kind, options.shape) for name, lib in engines.items()}
        taken = {name: [] for name in engines}
        for _ in range(options.rounds):
            for name, run in runs.items():
                taken[name] += [run() for _ in range(4)][1:]    # the first finds the other's data in the cache
        found = {name: [(min(each), statistics.median(each)) for each in zip(*times)] for name, times in taken.items()}
        cells = [f"{least:.2f} ({median:.2f})" for pairs in found.values() for least, median in pairs]
        ratio = "{:.2f} ({:.2f})".format(*[b / a for a, b in zip(found["ours"][2], found["PyTorch"][2])]) if torch else ""
        print(f"| {kind} | {' | '.join(cells)} | {ratio} |", flush=True)


if __name__ == "__main__":
    environment.run(main)
