"""Kernel launches, copies and waits of one training step on a GPU: there a small array costs what its launches cost.

    python benchmarks/launches.py               # workloads 1 to 6; or some of them: launches.py mlp cnn

CuPy says of no launch that it happened.  They are counted where the driver under CuPy counts them, as a stand-in for a GPU may:
all but those of matrix products, which are a library's.  On a GPU a profiler counts: the step is marked for it, and this is the
command:

    nsys profile --capture-range=cudaProfilerApi --capture-range-end=repeat --stats=true python benchmarks/launches.py mlp
"""
import contextlib
import ctypes
import sys

import environment  # before NumPy
import workloads

import tinygrad_like as tl
from tinygrad_like import backend
from tinygrad_like.errors import BackendError

NAMES = ["mlp", "cnn", "lstm", "nanogpt", "resnet", "transformer"]
COUNTERS = ["uploads", "downloads", "launches", "waits", "bytes", "float64 kernels"]         # as fk_counters() fills them


def driver():
    """The library under CuPy if it counts, else None."""
    for line in open("/proc/self/maps", encoding="utf-8") if sys.platform == "linux" else ():
        path = line.split()[-1]
        if "libamdhip64" in path:
            library = ctypes.CDLL(path)
            return library if hasattr(library, "fk_counters") else None
    return None


@contextlib.contextmanager
def counting():
    """What happens on the GPU inside the `with` block, where it can be counted; else empty."""
    library, inside = driver(), {}

    def counters():
        found = (ctypes.c_size_t * len(COUNTERS))()
        library.fk_counters(found)
        return dict(zip(COUNTERS, found))

    before = counters() if library else None
    yield inside
    if library:
        inside.update({name: count - before[name] for name, count in counters().items()})


def step_of(name):
    """A training step of that workload on the GPU that has run before: the first compiles kernels and fills caches."""
    tl.set_default_device("cuda")
    _, step = workloads.WORKLOADS[name](tl)
    for _ in range(2):
        step()
    return step


def launches(name):
    """{counter: how much one step adds to it}"""
    step, profiler = step_of(name), backend.library("cuda").cuda.profiler
    backend.library("cuda").cuda.Device().synchronize()
    profiler.start()
    with counting() as inside:
        step()
    profiler.stop()
    return inside


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("workloads", nargs="*", default=NAMES, metavar="WORKLOAD", help=", ".join(workloads.WORKLOADS))
    names = parser.parse_args().workloads
    if unknown := [name for name in names if name not in workloads.WORKLOADS]:
        parser.error(f"no such workload: {', '.join(unknown)} (there are {', '.join(workloads.WORKLOADS)})")
    try:
        backend.library("cuda")
    except BackendError as error:
        sys.exit(f"launches.py: {error}")
    print(f"{'a training step of':<14}{'launches':>10}{'uploads':>10}{'downloads':>10}{'waits':>10}{'in float64':>12}")
    for name in names:
        n = launches(name)
        if n:
            print(f"{name:<18}{n['launches']:>10}{n['uploads']:>10}{n['downloads']:>10}{n['waits']:>10}{n['float64 kernels']:>12}",
                  flush=True)
        else:
            print(f"{name:<18}not counted here: see the command in this file, for a profiler")


if __name__ == "__main__":
    environment.run(main)
