"""The command line: `python -m tinygrad_like info`, `python -m tinygrad_like check_gpu`.

The exit status is 0 if the command did what it is for, 1 if something is wrong, and 2 for a mistake in the command or if there is
nothing to check.
"""
from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import sys
from collections.abc import Iterator
from typing import Any

from . import __name__ as package, __version__, backend, errors, machine

# extra -> what it is for, and the modules (and their names as distributions) that it brings
EXTRAS = {
    "gpu": ("tensors on a GPU", {"cupy": "cupy-cuda12x"}),
    "vision": ("image files", {"PIL": "pillow"}),
    "progress": ("progress bars", {"tqdm": "tqdm"}),
    "plot": ("pictures of curves", {"matplotlib": "matplotlib"}),
    "text": ("the tokenizer of transformers", {"tokenizers": "tokenizers"}),
    "text-metrics": ("BLEU, word and character error rates", {"sacrebleu": "sacrebleu", "jiwer": "jiwer"}),
    "safetensors": (".safetensors files", {"safetensors": "safetensors"}),
    "bench": ("comparisons with PyTorch", {"torch": "torch", "matplotlib": "matplotlib"}),
}
SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TINYGRAD_LIKE_DEBUG",
            "TINYGRAD_LIKE_KEEP_MEMORY")


# ---- info -------------------------------------------------------------------------------------------------------
def info() -> int:
    """Print what there is to compute with."""
    for name, text in described():
        print(f"{name + ':':<15}{text}" if name else f"{'':<15}{text}")
    return 0


def described() -> Iterator[tuple[str, str]]:
    """(what, how it is) for each line of `info`."""
    yield package, f"{__version__}, in {pathlib.Path(__file__).parent}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()}) on {platform.platform()}"
    yield "NumPy", backend.host.__version__
    for line, text in enumerate(blas()):
        yield "" if line else "BLAS", text
    yield "CPU", cpus()
    yield "memory", memory()
    for line, text in enumerate(gpu()):
        yield "" if line else "GPU", text
    for line, text in enumerate(extras()):
        yield "" if line else "extras", text
    chosen = [f"{name}={os.environ[name]}" for name in SETTINGS if os.environ.get(name)]
    if chosen:
        yield "environment", ", ".join(chosen)
    for text in warned():
        yield "WARNING", text


def blas() -> Iterator[str]:
    """NumPy's library for matrix products; how it was told to compute, where that can be asked."""
    built = backend.host.show_config(mode="dicts") or {}
    found = built.get("Build Dependencies", {}).get("blas", {})
    if found.get("found", True):
        yield f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()
    else:
        yield "none was found when this NumPy was built, so matrix products are slow: the wheels that pip installs have one"
    if kernel := machine.kernel():
        yield f"kernel {kernel}, {threads(machine.get_num_threads())}"
    elif machine.mkl("Get_Max_Threads") is not None:
        yield threads(machine.get_num_threads())


def threads(n: int | None) -> str:
    return f"{n} thread{'s' * (n != 1)}"


def cpus() -> str:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    text = f"{count} core{'s' * (count != 1)}" + (f", of which this process may use {usable}" if usable < count else "")
    limit = first_line("/sys/fs/cgroup/cpu.max").split()
    if len(limit) == 2 and limit[0].isdigit() and int(limit[0]) < usable * int(limit[1]):
        text += f", for {int(limit[0]) / int(limit[1]):.3g} cores' time"
    name = [line.partition(":")[2].strip() for line in lines("/proc/cpuinfo") if line.startswith("model name")]
    return f"{name[0] if name else platform.processor() or platform.machine()}, {text}"


def memory() -> str:
    """How much there is, and how much of it is to be had."""
    numbers = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines("/proc/meminfo") if line.endswith("kB")}
    total = numbers.get("MemTotal") or in_pages("SC_PHYS_PAGES")
    if not total:
        return "unknown"
    text, available = f"{gib(total)} in all", numbers.get("MemAvailable")
    if available:
        text += f", {gib(available)} available"
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = first_line(path)
        if limit.isdigit() and int(limit) < total:
            return f"{text}; this process is limited to {gib(int(limit))}"
    return text


def gpu() -> Iterator[str]:
    """What is there, or what is missing, in one sentence."""
    try:
        module = backend.library("cuda")
    except errors.BackendError as error:
        yield f"none to compute on: {error}"
        return
    from .check_gpu import describe
    yield from describe(module).splitlines()
    free, total = module.cuda.runtime.memGetInfo()
    yield f"{gib(free)} of {gib(total)} free; python -m {package} check_gpu compares it with the CPU"


def extras() -> Iterator[str]:
    """What is installed of what is optional."""
    for extra, (purpose, modules) in EXTRAS.items():
        missing = [module for module in modules if not installed(module)]
        if missing:
            yield f"{extra}: no {' and no '.join(missing)} ({purpose}): pip install '{package}[{extra}]'"
        else:
            yield f"{extra}: " + ", ".join([f"{module} {version(name)}".strip() for module, name in modules.items()])


def installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:                                          # something of that name is half imported
        return False


def version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:             # installed under another name, as CuPy often is
        return ""


def warned() -> Iterator[str]:
    if said := machine.slow_products():
        yield said


def lines(path: str) -> list[str]:
    """The lines of a file, none if it cannot be read."""
    try:
        return pathlib.Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def first_line(path: str) -> str:
    return (lines(path) or [""])[0].strip()


def in_pages(name: str) -> int:
    try:
        return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):               # not a Unix, or one that does not say
        return 0


def gib(n: int) -> str:
    return f"{n / 2**30:.1f} GiB"


# ---- check_gpu --------------------------------------------------------------------------------------------------
def check_gpu() -> int:
    """Compare the GPU with the CPU."""
    from .check_gpu import main
    return main()


# ---- the command ------------------------------------------------------------------------------------------------
COMMANDS = {
    "info": (info, "print versions, BLAS and its threads, CPU, memory, GPU or what it lacks, and extras"),
    "check_gpu": (check_gpu, "compute every op, and train a small network, on the GPU and on the CPU, and compare (exit status: 0 "
                             "if they agree, 1 if not, 2 if there is no GPU)"),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog=f"python -m {package}",
                                  description="A deep learning engine to read, on NumPy and CuPy.",
                                  epilog="exit status: 0 done; 1 something is wrong; 2 a mistake in the command")
    top.add_argument("--version", action="version", version=f"{package} {__version__}")
    commands = top.add_subparsers(dest="command", metavar="command", title="commands")
    for name, (_, text) in COMMANDS.items():
        commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments of the command line say; the exit status."""
    top = parser()
    command = top.parse_args(arguments).command
    if command is None:
        top.print_help(sys.stderr)
        return 2
    try:
        status: Any = COMMANDS[command][0]()
        if sys.stdout is not None:                              # it was closed before: … >&-
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())      # or Python would complain at its end
        if isinstance(error, BrokenPipeError):                  # the reader has seen enough: … | head
            return 0
        print(f"{top.prog} {command}: {error}", file=sys.stderr)            # a full disk
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except errors.BackendError as error:
        print(f"{top.prog} {command}: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
