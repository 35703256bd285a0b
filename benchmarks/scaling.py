"""How the time and memory of a training step grow: with batch, width, depth, length of a sequence, and size of the graph.

    python benchmarks/scaling.py [--repeat 7]

Each series doubles one size.  The exponent p is that of the power law, cost ~ size^p, through the last three points (best times;
smaller ones are bookkeeping); beside it stands that of the algorithm, which time may not exceed by more than caches explain.
"""
import math
import time

import environment  # before NumPy

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.nn import functional as F


def mlp(batch=64, width=256, depth=4):
    model = nn.Sequential(*[layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())])
    for layer in model[::2]:
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")         # else gradients fade to where processors are slow
    x = tl.randn(batch, width)
    return lambda: model(x).sum()


def convnet(batch=8, channels=16, size=16):
    model, x = nn.Conv2d(channels, channels, 3, padding=1), tl.randn(batch, channels, size, size)
    return lambda: model(x).sum()


def attention(length=64, causal=False):
    q, k, v = (tl.randn(2, 4, length, 32, requires_grad=True) for _ in range(3))
    return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal).sum()


def lstm(length=16):
    model, x = nn.LSTM(64, 64), tl.randn(length, 16, 64)
    return lambda: model(x)[0].sum()


def chain(ops=250):
    leaf = tl.ones(4, requires_grad=True)

    def run():
        y = leaf
        for _ in range(ops):
            y = y * 0.999
        return y.sum()
    return run


def shared(ops=250):
    """One tensor used by many ops: its gradient is a sum of as many."""
    leaf = tl.ones(4, requires_grad=True)
    return lambda: sum([leaf * 0.5 for _ in range(ops)]).sum()


SERIES = [                                                      # name, workload, argument, sizes, exponents of time and memory
    ("MLP, batch", mlp, "batch", [256, 512, 1024, 2048, 4096], 1, 1),
    ("MLP, width", mlp, "width", [128, 256, 512, 1024, 2048], 2, 1),
    ("MLP, depth", mlp, "depth", [8, 16, 32, 64, 128], 1, 1),
    ("convolution, batch", convnet, "batch", [8, 16, 32, 64, 128], 1, 1),
    ("convolution, channels", convnet, "channels", [16, 32, 64, 128, 256], 2, 1),
    ("convolution, side", convnet, "size", [8, 16, 32, 64, 128], 2, 2),
    ("attention, length", attention, "length", [64, 128, 256, 512, 1024], 2, 1),
    ("LSTM, length", lstm, "length", [16, 32, 64, 128, 256], 1, 1),
    ("graph, chain of ops", chain, "ops", [250, 500, 1000, 2000, 4000], 1, 1),
    ("graph, uses of a tensor", shared, "ops", [250, 500, 1000, 2000, 4000], 1, 1),
]


def measure(workload, repeat):
    """Milliseconds of a forward and backward pass, and bytes held between them."""
    best = math.inf
    workload().backward()                                       # fills caches
    for _ in range(repeat):
        start = time.perf_counter()
        workload().backward()
        best = min(best, time.perf_counter() - start)
    with tl.profile() as p:
        workload()
    return best * 1e3, sum([cost.kept for cost in p.ops.values()])


def exponent(sizes, costs):
    """The slope of log(cost) over log(size), by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(max(cost, 1e-12)) for cost in costs]
    a, b = sum(x) / len(x), sum(y) / len(y)
    return sum([(u - a) * (v - b) for u, v in zip(x, y)]) / sum([(u - a) ** 2 for u in x])


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--repeat", type=environment.count, default=7)
    options = parser.parse_args()
    environment.introduce(f"exponents p of what a step takes, forward and backward, {environment.threads(tl.get_num_threads())}: "
                          "good are those that are no more than the algorithm's\n")
    print(f"{'':<26}{'time ~ size^p':>16}{'algorithm':>12}{'memory ~ size^p':>18}{'algorithm':>12}    ms, largest")
    for name, make, argument, sizes, time_power, memory_power in SERIES:
        points = [measure(make(**{argument: size}), options.repeat) for size in sizes]
        times, bytes = [[point[i] for point in points[-3:]] for i in (0, 1)]
        memory = f"{exponent(sizes[-3:], bytes):18.2f}{memory_power:12}" if bytes[-1] else f"{'none is held':>18}{'':12}"
        print(f"{name:<26}{exponent(sizes[-3:], times):16.2f}{time_power:12}{memory}    {times[-1]:.2f}", flush=True)


if __name__ == "__main__":
    environment.run(main)
