"""Recurrent layers, forward and backward in float32, next to PyTorch's in one run:

    python benchmarks/recurrent.py [--threads 2] [--rounds 20] [--shape 50 32 100 128]

Prints, for each layer, the least and the median of the milliseconds that its share of a training step takes: the outputs, a loss,
and the gradients of inputs and weights.  The two engines take turns, so that what else the machine does meets both.
"""
import argparse
import os
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--rounds", type=int, default=20)
parser.add_argument("--shape", type=int, nargs=4, default=[50, 32, 100, 128], metavar=("TIME", "BATCH", "FEATURES", "SIZE"))
options = parser.parse_args()
for name in "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS":
    os.environ[name] = str(options.threads)                     # read when the libraries load
for name in "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE":
    os.environ.pop(name, None)

import numpy as np  # noqa: E402
import torch  # noqa: E402

import tinygrad_like  # noqa: E402

torch.set_num_threads(options.threads)


def step(lib, kind):
    """A function that goes forward and back once, and returns how long each took, in milliseconds."""
    time_, batch, features, size = options.shape
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


def table():
    print(f"(time, batch, features, size) = {tuple(options.shape)}, float32, threads: {options.threads}; least ms (median)\n")
    print("| layer | PyTorch: forward | backward | both | here: forward | backward | both | ratio of both |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in "LSTM", "GRU", "RNN":
        runs = {lib: step(lib, kind) for lib in (torch, tinygrad_like)}
        taken = {lib: [] for lib in runs}
        for _ in range(options.rounds):
            for lib, run in runs.items():
                taken[lib] += [run() for _ in range(4)][1:]     # the first finds the other's data in the cache
        cells = []
        for found in taken.values():
            for each in zip(*found):
                cells.append(f"{min(each):.2f} ({sorted(each)[len(each) // 2]:.2f})")
        theirs, ours = [[both for _, _, both in found] for found in taken.values()]
        ratio = f"{min(ours) / min(theirs):.2f} ({sorted(ours)[len(ours) // 2] / sorted(theirs)[len(theirs) // 2]:.2f})"
        print(f"| {kind} | {' | '.join(cells)} | {ratio} |")


if __name__ == "__main__":
    table()
