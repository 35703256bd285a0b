"""Convolution layers next to PyTorch's: milliseconds of a forward pass, and of forward and backward, in float32.

    python benchmarks/convolution.py [--threads 1] [--repeat 30] [--only 3x3]

Both take turns in one process.  Each figure is the best of the repeats; the ratio is PyTorch's over ours, so above 1 is faster.
PyTorch is given its images as it makes them (NCHW) and, in the last column, channels last.
"""
import time

import environment  # before NumPy
import numpy as np

import tinygrad_like as tl

try:
    import torch
except ImportError:
    torch = None

LAYERS = [                                                      # name, images, layer
    ("3x3 first layer, 1 channel", (32, 1, 28, 28), "Conv2d(1, 32, 3, padding=1)"),
    ("3x3 first layer, 3 channels", (32, 3, 32, 32), "Conv2d(3, 16, 3, padding=1)"),
    ("3x3, 16 channels, 32x32", (32, 16, 32, 32), "Conv2d(16, 16, 3, padding=1)"),
    ("3x3, 32 channels, 16x16", (32, 32, 16, 16), "Conv2d(32, 32, 3, padding=1)"),
    ("3x3, 64 channels, 8x8", (32, 64, 8, 8), "Conv2d(64, 64, 3, padding=1)"),
    ("3x3, 64 channels, 56x56", (2, 64, 56, 56), "Conv2d(64, 64, 3, padding=1)"),
    ("3x3, stride 2", (32, 16, 32, 32), "Conv2d(16, 32, 3, stride=2, padding=1)"),
    ("5x5, 16 to 32 channels", (32, 16, 14, 14), "Conv2d(16, 32, 5, padding=2)"),
    ("1x1, 64 to 128 channels", (32, 64, 16, 16), "Conv2d(64, 128, 1)"),
    ("3x3 in 4 groups", (32, 64, 16, 16), "Conv2d(64, 64, 3, padding=1, groups=4)"),
    ("3x3 depthwise, 64 channels", (32, 64, 16, 16), "Conv2d(64, 64, 3, padding=1, groups=64)"),
    ("4x4 transposed, stride 2", (32, 64, 8, 8), "ConvTranspose2d(64, 32, 4, stride=2, padding=1)"),
    ("1-d, kernel 5, 64 channels", (32, 64, 128), "Conv1d(64, 64, 5, padding=2)"),
]


def steps(layer, x):
    """A forward pass without a record of it, and one with the backward pass behind it, by a gradient of ones."""
    module, g = layer.module, None

    def forward():
        with module.no_grad():
            return layer(x)

    def both():
        nonlocal g
        x.grad = None
        for p in layer.parameters():
            p.grad = None
        out = layer(x)
        if g is None:                                           # as it would arrive: in the layout of the result
            g = module.ones_like(out)
        out.backward(g)
    return forward, both


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--threads", type=environment.count, default=1)
    parser.add_argument("--repeat", type=environment.count, default=30)
    parser.add_argument("--only", default="", help="the layers whose names have this in them")
    options = parser.parse_args()
    chosen = [layer for layer in LAYERS if options.only in layer[0]]
    if not chosen:
        parser.error(f"--only: got {options.only!r}, which is in none of the names: {'; '.join([name for name, *_ in LAYERS])}")
    environment.use_threads(options.threads, tl, torch)
    modules = [tl] if torch is None else [tl, torch]
    environment.introduce(f"float32, {environment.threads(options.threads)}, best of {options.repeat}: ms forward, ms forward and "
                          f"backward\n{environment.RATIO}; of both\n", [torch])
    print(f"{'':30}{'ours':>16}" + (f"{'PyTorch':>16}{'ratio':>16}{'channels last':>16}" if torch else ""))
    random = np.random.default_rng(0)
    for name, shape, make in chosen:
        images, runs = random.standard_normal(shape, dtype=np.float32), []
        for module, last in [(m, last) for m in modules for last in (False, True)]:
            if (last and module is torch and len(shape) != 4) or (module is tl and not last):
                continue
            layer = eval(f"nn.{make}", {"nn": module.nn})
            layer.module = module
            x = module.tensor(images)
            if last and module is torch:
                layer, x = layer.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
            elif last:                                          # as the layer before would have made it
                x = tl.tensor(np.moveaxis(images, 1, -1).copy()).movedim(-1, 1)
            runs.append(steps(layer, x.requires_grad_("first" not in name)))
        best = [[float("inf")] * 2 for _ in runs]
        for step in [step for pair in runs for step in pair]:
            step()
        for _ in range(options.repeat):
            for row, pair in zip(best, runs):
                for i, step in enumerate(pair):
                    start = time.perf_counter()
                    step()
                    row[i] = min(row[i], (time.perf_counter() - start) * 1e3)
        line = f"{name:30}" + "".join(f"{f:8.2f}{b:8.2f}" for f, b in best[:2])
        for other in best[1:]:
            line += "".join(f"{b / a:8.2f}" for a, b in zip(best[0], other))
        print(line, flush=True)


if __name__ == "__main__":
    environment.run(main)
