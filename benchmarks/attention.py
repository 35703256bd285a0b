"""Attention and a layer of a Transformer, forward and backward: ms here and in PyTorch, float32, taking turns in one process.

    python benchmarks/attention.py [--repeat 60] [--threads 2]

Each figure is the best of the repeats, with their median beside it; the ratio is PyTorch's best over ours, so above 1 is faster.
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


def attention(lib, shape, causal):
    """A step of softmax(q kᵀ / √d) v, whose operands are views of one projection, as in a model."""
    batch, heads, length, size = shape
    random = np.random.default_rng(0)
    x = lib.tensor(random.standard_normal((batch, length, 3, heads, size), "float32"), requires_grad=True)
    g = lib.tensor(random.standard_normal(shape, "float32"))

    def step():
        q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)
        lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal).backward(g)
        x.grad = None

    return step


def layer(lib, shape, causal):
    """A step of a TransformerEncoderLayer."""
    batch, heads, length, size = shape
    random = np.random.default_rng(0)
    model = lib.nn.TransformerEncoderLayer(heads * size, heads, 4 * heads * size, 0.0, batch_first=True)
    x = lib.tensor(random.standard_normal((batch, length, heads * size), "float32"), requires_grad=True)
    g = lib.tensor(random.standard_normal((batch, length, heads * size), "float32"))
    mask = lib.nn.Transformer.generate_square_subsequent_mask(length) if causal else None

    def step():
        model(x, mask, is_causal=causal).backward(g)
        model.zero_grad()
        x.grad = None

    return step


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--repeat", type=environment.count, default=60)
    parser.add_argument("--threads", type=environment.count, default=2)
    options = parser.parse_args()
    environment.use_threads(options.threads, tl, torch)
    engines = {"ours": tl} if torch is None else {"ours": tl, "PyTorch": torch}
    environment.introduce(f"forward and backward, float32, {environment.threads(options.threads)}: best ms (and median) of "
                          f"{options.repeat}\n{environment.RATIO}\n", [torch])
    print(f"{'':56}" + "".join([f"{name:>18}" for name in engines]) + f"{'ratio':>9}" * (torch is not None))
    for make, shape in ((attention, (12, 4, 64, 32)), (attention, (8, 8, 256, 64)), (layer, (12, 4, 64, 32))):
        for causal in (False, True):
            steps = {name: make(lib, shape, causal) for name, lib in engines.items()}
            times = {name: [] for name in engines}
            for _ in range(options.repeat + 2):
                for name, step in steps.items():
                    start = time.perf_counter()
                    step()
                    times[name].append((time.perf_counter() - start) * 1e3)
            best = {name: min(each[2:]) for name, each in times.items()}
            text = f"{make.__name__:10} batch {shape[0]}, {shape[1]} heads, time {shape[2]}, size {shape[3]}{', causal' * causal}"
            figures = [f"{best[name]:.2f} ({statistics.median(each[2:]):.2f})" for name, each in times.items()]
            ratio = f"{best['PyTorch'] / best['ours']:9.2f}" if torch is not None else ""
            print(f"{text:56}" + "".join([f"{each:>18}" for each in figures]) + ratio, flush=True)


if __name__ == "__main__":
    environment.run(main)
