"""How many samples a second the DataLoader hands out, next to PyTorch's where that is installed.

    python benchmarks/loader.py [--seconds 1] [--only JPEG]

Each figure is the best epoch of those that fit into the seconds; more is better.
"""
import functools
import importlib.util
import tempfile
import time
import warnings
from pathlib import Path

import environment  # before NumPy
import numpy as np

import tinygrad_like as ours
import tinygrad_like.utils.data
from tinygrad_like.data import datasets, transforms

try:
    import torch as theirs
except ImportError:
    theirs = None
try:
    import torchvision
except (ImportError, RuntimeError):                             # RuntimeError: of another version than PyTorch
    torchvision = None

MNIST = Path(__file__).parents[1] / "examples/data/mnist.npz"


def rate(make, seconds):
    """Samples a second: the best epoch of those that fit into the time."""
    best, until = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < until or not best:
        start, count = time.perf_counter(), 0
        for x, _ in make():
            count += len(x)
        best = max(best, count / (time.perf_counter() - start))
    return best


def memory(torch, batch_size, shuffle=True, floats=True):
    """MNIST as tensors in memory."""
    with np.load(MNIST) as file:
        images, labels = file["x_train"][:, None], file["y_train"].astype("int64")
    images = torch.from_numpy(images)
    dataset = torch.utils.data.TensorDataset(images.float() / 255 if floats else images, torch.from_numpy(labels))
    loader = torch.utils.data.DataLoader(dataset, batch_size, shuffle)
    return lambda: loader


def work(seconds):
    """Decoding and turning a picture, as far as the time of a processor that it takes is concerned."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def pictures(torch, workers, size=224, n=256, seconds=0.004, work=work):
    """Pictures made sample by sample, at `seconds` of work (or of waiting) each."""
    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return n

        def __getitem__(self, i):
            work(seconds)
            return torch.from_numpy(np.full((3, size, size), i, "float32")), i

    loader = torch.utils.data.DataLoader(Pictures(), 32, num_workers=workers)
    return lambda: loader


@functools.cache
def folder(n=512, size=(200, 160)):
    """A folder of JPEG files in two classes, which goes when the program ends."""
    from PIL import Image
    kept = tempfile.TemporaryDirectory()
    random = np.random.default_rng(0)
    for i in range(n):
        place = Path(kept.name, "ab"[i % 2])
        place.mkdir(exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (10, 8, 3), "uint8"))
        coarse.resize(size, Image.Resampling.BICUBIC).save(place / f"{i}.jpg", quality=90)
    return kept


def files(torch, workers):
    """JPEG files, cut out and turned at random by Pillow; None without it, or without PyTorch's transforms."""
    if importlib.util.find_spec("PIL") is None or (torch is not ours and torchvision is None):
        return None
    kinds, do = (datasets, transforms) if torch is ours else (torchvision.datasets, torchvision.transforms)
    dataset = kinds.ImageFolder(folder().name, do.Compose([
        do.RandomResizedCrop(128), do.RandomHorizontalFlip(), do.RandomRotation(10), do.ToTensor(),
        do.Normalize([0.5] * 3, [0.5] * 3)]))
    loader = torch.utils.data.DataLoader(dataset, 32, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    return lambda: loader


CASES = [
    ("MNIST from memory, float32, shuffled, batches of 64", memory, (64,)),
    ("MNIST from memory, float32, shuffled, batches of 1024", memory, (1024,)),
    ("MNIST from memory, float32, in order, batches of 64", memory, (64, False)),
    ("MNIST from memory, uint8, shuffled, batches of 64", memory, (64, True, False)),
    ("JPEG files, Pillow's transforms, no workers", files, (0,)),
    ("JPEG files, Pillow's transforms, 1 worker", files, (1,)),
    ("JPEG files, Pillow's transforms, 2 workers", files, (2,)),
    ("JPEG files, Pillow's transforms, 4 workers", files, (4,)),
    ("pictures 3 x 224 x 224, 4 ms of work each, no workers", pictures, (0,)),
    ("pictures 3 x 224 x 224, 4 ms of work each, 1 worker", pictures, (1,)),
    ("pictures 3 x 224 x 224, 4 ms of work each, 2 workers", pictures, (2,)),
    ("pictures 3 x 224 x 224, 4 ms of work each, 4 workers", pictures, (4,)),
    ("pictures 3 x 224 x 224, no work, 2 workers", pictures, (2, 224, 256, 0)),
    ("pictures 3 x 32 x 32, 4 ms of waiting each, 1 worker", pictures, (1, 32, 512, 0.004, time.sleep)),
    ("pictures 3 x 32 x 32, 4 ms of waiting each, 4 workers", pictures, (4, 32, 512, 0.004, time.sleep)),
    ("pictures 3 x 32 x 32, 4 ms of waiting each, 16 workers", pictures, (16, 32, 512, 0.004, time.sleep)),
]


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--seconds", type=environment.span, default=1.0, help="for each figure")
    parser.add_argument("--only", default="", help="the cases whose names have this in them")
    options = parser.parse_args()
    chosen = [case for case in CASES if options.only in case[0]]
    if not chosen:
        parser.error(f"--only: got {options.only!r}, which is in none of the names: {'; '.join([text for text, *_ in CASES])}")
    warnings.filterwarnings("ignore", "This DataLoader will create")        # PyTorch's, of more workers than processors
    environment.introduce("samples a second, more is better; -: needs Pillow, and PyTorch's torchvision\n", [theirs])
    print(f"{'':56} {'ours':>10}" + f" {'PyTorch':>10}" * (theirs is not None))
    for text, make, args in chosen:
        made = [make(torch, *args) for torch in (ours, theirs) if torch is not None]
        rates = [f"{rate(each, options.seconds):,.0f}" if each is not None else "-" for each in made]
        print(f"{text:56} " + " ".join([f"{each:>10}" for each in rates]), flush=True)


if __name__ == "__main__":
    environment.run(main)
