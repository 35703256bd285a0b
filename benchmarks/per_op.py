"""What one op costs beyond its arithmetic: µs per op, forward and backward, on arrays of four numbers.

    python benchmarks/per_op.py [--ops 2000] [--repeat 40]

A chain of multiplications and additions is recorded and swept, here and in PyTorch if that is installed, taking turns in one
process on one thread.  Each figure is the best of the repeats; the ratio is PyTorch's over ours, so above 1 is faster.
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


def chain(leaf, factor, ops):
    """y·a + a, again and again: the seconds for recording it and for sweeping it."""
    start = time.perf_counter()
    y = leaf
    for _ in range(ops // 2):
        y = y * factor
        y = y + factor
    recorded = time.perf_counter()
    y.sum().backward()
    return recorded - start, time.perf_counter() - recorded


def ours(both, ops):
    return chain(tl.Tensor(np.ones(4)).requires_grad_(), tl.Tensor(np.full(4, 0.999)).requires_grad_(both), ops)


def theirs(both, ops):
    return chain(torch.ones(4, requires_grad=True), torch.full((4,), 0.999, requires_grad=both), ops)


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--ops", type=environment.count, default=2000)
    parser.add_argument("--repeat", type=environment.count, default=40)
    options = parser.parse_args()
    engines = {"tinygrad_like": ours}
    if torch is not None:
        torch.set_num_threads(1)
        engines["PyTorch " + torch.__version__] = theirs

    environment.introduce(f"{options.ops} ops on 4 float32 numbers, 1 thread: µs per op, best of {options.repeat}; median: of both "
                          f"together\n{environment.RATIO}\n", [torch])
    print(f"{'':28}{'forward':>9}{'backward':>10}{'both':>8}{'median':>9}")
    for both, title in ((False, "one operand wants a gradient"), (True, "both operands do")):
        print(title)
        runs = {name: [] for name in engines}
        for _ in range(options.repeat):
            for name, run in engines.items():
                runs[name].append([seconds / options.ops * 1e6 for seconds in run(both, options.ops)])
        best = {}
        for name, times in runs.items():
            forward, backward = (min(column) for column in zip(*times, strict=True))
            best[name] = min(map(sum, times))
            print(f"  {name:26}{forward:9.2f}{backward:10.2f}{best[name]:8.2f}{statistics.median(map(sum, times)):9.2f}")
        if torch is not None:
            print(f"  {'ratio':26}{best['PyTorch ' + torch.__version__] / best['tinygrad_like']:27.2f}")


if __name__ == "__main__":
    environment.run(main)
