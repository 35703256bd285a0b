"""What one step of an optimizer costs, here and in PyTorch: ms for a network of a million parameters, and for many small ones.

    python benchmarks/optimizers.py [--repeat 60] [--threads 1]

The optimizers take turns in one process; each figure is the best of the repeats, the ratio is PyTorch's (its default for the CPU)
over ours, so above 1 is faster.
"""
import time

import environment  # before NumPy
import numpy as np

import tinygrad_like as tl

try:
    import torch
except ImportError:
    torch = None

resnet = [(16, 3, 3, 3), (16,), (16,), (64, 10), (10,)]
for before, planes in ((16, 16), (16, 32), (32, 64)):
    resnet += [(planes, planes, 3, 3), (planes,), (planes,)] * 5 + [(planes, before, 3, 3), (planes,), (planes,)]
    if before != planes:
        resnet += [(planes, before, 1, 1), (planes,), (planes,)]            # where the size changes
NETWORKS = {
    "MLP, 1.1M in 6 tensors": [(1024, 784), (1024,), (256, 1024), (256,), (10, 256), (10,)],
    "ResNet-20, 272k in 65 tensors": resnet,
}
OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.1}), "SGD momentum": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}), "Adam": ("Adam", {}),
    "AdamW": ("AdamW", {}), "RMSprop": ("RMSprop", {}), "Adagrad": ("Adagrad", {}), "clip_grad_norm_": (None, {}),
}


def stepper(library, shapes, name, options):
    """A function that takes one step with gradients that are there."""
    random = np.random.default_rng(0)
    params = [library.tensor(random.standard_normal(shape).astype("float32"), requires_grad=True) for shape in shapes]
    for p in params:
        p.grad = library.tensor(random.standard_normal(tuple(p.shape)).astype("float32") * 1e-3)
    if name is None:
        return lambda: library.nn.utils.clip_grad_norm_(params, 1.0)
    return getattr(library.optim, name)(params, **options).step


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--repeat", type=environment.count, default=60)
    parser.add_argument("--threads", type=environment.count, default=1)
    options = parser.parse_args()
    environment.use_threads(options.threads, tl, torch)
    libraries = {"ours": tl} if torch is None else {"ours": tl, "PyTorch": torch}
    environment.introduce(f"a step of the optimizer, float32, {environment.threads(options.threads)}: ms, best of "
                          f"{options.repeat}\n{environment.RATIO}\n", [torch])
    for network, shapes in NETWORKS.items():
        print(network)
        for title, (name, settings) in OPTIMIZERS.items():
            steps = {key: stepper(library, shapes, name, settings) for key, library in libraries.items()}
            best = dict.fromkeys(steps, float("inf"))
            for _ in range(options.repeat):
                for key, step in steps.items():
                    start = time.perf_counter()
                    step()
                    best[key] = min(best[key], (time.perf_counter() - start) * 1e3)
            ratio = f"   ratio {best['PyTorch'] / best['ours']:.2f}" if torch is not None else ""
            print(f"  {title:18}" + "".join([f"{key:>10} {ms:7.3f}" for key, ms in best.items()]) + ratio, flush=True)


if __name__ == "__main__":
    environment.run(main)
