"""How close each workload comes to what the machine can do: the time of its bare matrix products, and of moving its bytes.

    python benchmarks/limits.py [--threads 1] [--only cnn lstm] [--rounds 15]

A step is watched once.  `products` is the time of its matrix products by themselves, of the same shapes, in NumPy: forward, and
twice as many backward; `PyTorch` that of the same products there.  `bytes` is the time to read every operand and write every
result of every op once, forward and backward, at the rate at which this machine copies long arrays: what fits a cache goes faster,
and what an engine fuses it need not move at all.  What `(products + bytes) / step` leaves to 1 is bookkeeping, and arithmetic that
is neither.  The products of a convolution are those of all windows, though half of them do (ops/strips.py): it can come to more.
"""
import math
import time
from collections import Counter

import environment  # before NumPy
import numpy as np
from workloads import WORKLOADS

import tinygrad_like as tl
from tinygrad_like.op import Kept
from tinygrad_like.watch import Watcher

try:
    import torch
except ImportError:
    torch = None

VIEWS = ("reshape", "swapaxes", "transpose", "split", "result")             # their derivatives move nothing


# ---- what a step multiplies and moves ---------------------------------------------------------------------------
def products_of(op, arrays, out, params):
    """[(how many, m, k, n)]: the matrix products that an op makes forward, and those that its derivatives make."""
    name, shapes = op.__name__, [getattr(x, "shape", None) for x in arrays]
    if name == "linear":
        (n, k), m = shapes[1], math.prod(shapes[0][:-1])
        return [(1, m, k, n)], [(1, m, n, k), (1, n, m, k)]
    if name == "conv":
        places, n = math.prod(shapes[1][1:]), shapes[1][0]
        m = out.size // n
        return [(1, m, places, n)], [(1, m, n, places), (1, n, m, places)]
    if name == "attention":
        q, k, v = shapes[:3]
        batch = math.prod(q[:-2])
        return ([(batch, q[-2], q[-1], k[-2]), (batch, q[-2], k[-2], v[-1])],
                [(batch, q[-2], k[-2], q[-1]), (batch, k[-2], q[-2], q[-1]), (batch, q[-2], v[-1], k[-2]),
                 (batch, k[-2], q[-2], v[-1]), (batch, q[-2], q[-1], k[-2])])               # the last: its weights, once more
    if name == "lstm":
        (steps, rows, width), (gates, hidden) = shapes[0], shapes[4]
        return ([(1, steps * rows, width, gates)] + [(1, rows, hidden, gates)] * steps,
                [(1, steps * rows, gates, width), (1, gates, steps * rows, width), (1, gates, steps * rows, hidden)]
                + [(1, rows, gates, hidden)] * steps)
    if name == "matmul" and len(shapes[0]) > 1 and len(shapes[1]) > 1:
        (m, k), n, batch = shapes[0][-2:], shapes[1][-1], math.prod(out.shape[:-2])
        return [(batch, m, k, n)], [(batch, m, n, k), (batch, k, m, n)]
    return [], []


def watch(step):
    """The products of a step, and the bytes that it moves."""
    class Counting(Watcher):
        def __init__(self):
            self.products, self.bytes, self.backward_of = Counter(), 0, {}

        def forward(self, op, arrays, params, run):
            out = run()
            result = out.out if type(out) is Kept else out
            result = result[0] if type(result) is tuple else result
            once, self.last = products_of(op, arrays, result, params)
            self.products.update(once)
            self.moved = sum([getattr(x, "nbytes", 0) for x in (*arrays, result)])
            if getattr(result, "base", None) is None or once:   # a view moves nothing
                self.bytes += self.moved
            return out

        def recorded(self, node):
            self.backward_of[node] = self.last, 2 * self.moved  # reads g and the operands, writes a gradient for each

        def backward(self, node, i, g, run):
            products, moved = self.backward_of.pop(node, ((), 0))           # once a node
            self.products.update(products)
            self.bytes += moved if node.op.__name__ not in VIEWS else 0
            return run()

        def step(self, optimizer, run):
            params = [p for group in optimizer.param_groups for p in group["params"]]
            self.bytes += 6 * sum([p.nbytes for p in params])   # the gradient; the parameter and its state, read and written
            return run()
    counting = Counting()
    with counting:
        step()
    return counting.products, counting.bytes


# ---- what they cost by themselves -------------------------------------------------------------------------------
def best(run, rounds):
    seconds = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds


def numpy_product(shape):
    batch, m, k, n = shape
    x, y, out = np.ones((batch, m, k), "f"), np.ones((batch, k, n), "f"), np.empty((batch, m, n), "f")
    if batch == 1:
        x, y, out = x[0], y[0], out[0]
    return lambda: np.matmul(x, y, out=out)


def torch_product(shape):
    batch, m, k, n = shape
    x, y, out = torch.ones(batch, m, k), torch.ones(batch, k, n), torch.empty(batch, m, n)
    if batch == 1:
        x, y, out = x[0], y[0], out[0]
    return lambda: torch.matmul(x, y, out=out)


def time_of(products, make, rounds):
    return sum([count * best(make(shape), rounds) for shape, count in products.items()])


def copy_rate():
    """Bytes a second, read and written, of copying 256 MB."""
    x = np.ones(2**25, "f")
    y = np.ones_like(x)
    return 2 * x.nbytes / best(lambda: np.copyto(y, x), 10)


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--threads", type=environment.count, default=1)
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), metavar="WORKLOAD", help=", ".join(WORKLOADS),
                        default=[name for name in WORKLOADS if name != "tiny"])
    parser.add_argument("--rounds", type=environment.count, default=15)
    options = parser.parse_args()
    environment.use_threads(options.threads, tl, torch)
    rate = copy_rate()
    environment.introduce(f"float32, {environment.threads(options.threads)}, best of {options.rounds}; copying moves "
                          f"{rate / 1e9:.1f} GB/s\nms of a step here, of its bare matrix products in NumPy and in PyTorch, and of "
                          "moving its bytes; the last column is 1.00 where a step is nothing else\n", [torch])
    print(f"{'':<12}{'step':>9}{'products':>10}{'GFLOP/s':>9}{'PyTorch':>9}{'bytes':>8}{'MB':>7}"
          f"{'(products + bytes) / step':>27}")
    for name in options.only:
        step = WORKLOADS[name](tl)[1]
        for _ in range(3):
            step()
        products, bytes = watch(step)
        whole, bare, moving = best(step, options.rounds), time_of(products, numpy_product, options.rounds), bytes / rate
        other = f"{time_of(products, torch_product, options.rounds) * 1e3:9.2f}" if torch is not None else f"{'':9}"
        flops = 2 * sum([math.prod(shape) * count for shape, count in products.items()])
        print(f"{name:<12}{whole * 1e3:9.2f}{bare * 1e3:10.2f}{flops / bare / 1e9:9.0f}{other}{moving * 1e3:8.2f}"
              f"{bytes / 2**20:7.0f}{(bare + moving) / whole:27.2f}", flush=True)


if __name__ == "__main__":
    environment.run(main)
