"""What the benchmarks share.  They import it before NumPy: it takes away the two settings that tie NumPy's matrix products to an
older processor.
"""
import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys

if importlib.util.find_spec("tinygrad_like") is None:
    sys.exit("tinygrad_like is not installed in this Python: in the folder that has setup.py, pip install -e '.[bench]'")

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
REMOVED = [f"{name}={os.environ.pop(name)}" for name in SLOWING if name in os.environ]
RATIO = "ratio: PyTorch's time over ours, so above 1 ours is faster"
DISTRIBUTIONS = ("tinygrad_like", "numpy", "torch", "tinygrad", "mygrad", "autograd")


# ---- the command line -------------------------------------------------------------------------------------------
def parser(doc):
    """Its --help is the docstring of the benchmark."""
    return argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)


def count(text):
    """A number of threads, of rounds …"""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number, 1 or more")
    return int(text)


def span(text):
    """A number of seconds."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number of seconds above 0")
    return seconds


def run(main):
    """main(); without a traceback where somebody stops it."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nstopped")


# ---- the machine ------------------------------------------------------------------------------------------------
def use_threads(number, *engines):
    """Have matrix products use so many threads, in each engine that is there."""
    for engine in engines:
        if engine is not None:
            try:
                engine.set_num_threads(number)
            except RuntimeError as error:
                sys.exit(f"--threads {number}: {error}")


def threads(number):
    return f"{number} thread{'s' * (number != 1)}"


def version(name):
    """Of an installed distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine():
    """What it runs on, a line each."""
    from tinygrad_like.__main__ import blas, cpus
    from tinygrad_like.machine import kernel
    versions = [f"{name} {version(name)}" for name in DISTRIBUTIONS if version(name)]
    lines = [f"CPU: {cpus()}", f"NumPy's matrix products: {next(blas())}" + (f", kernel {kernel()}" if kernel() else ""),
             ", ".join([f"Python {platform.python_version()}", *versions])]
    if REMOVED:
        lines.append(f"left aside from the environment, because it makes NumPy slow: {', '.join(REMOVED)}")
    if hasattr(os, "getloadavg"):
        load = os.getloadavg()[0]
        lines.append(f"load before: {load:.1f}" + (": something was running in the last minute; times are true on a quiet machine"
                                                    if load > 0.5 else ""))
    return lines


def introduce(text, others=()):
    """Say on what machine it runs, and what the figures are.  others: what they stand beside; None is not installed."""
    missing = ["PyTorch is not installed, so ours are alone: pip install torch"] if None in others else []
    print("\n".join([*machine(), *missing, "", text]), flush=True)
