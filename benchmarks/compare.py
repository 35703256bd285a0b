"""This engine next to PyTorch, and to tinygrad, MyGrad and HIPS autograd where they are installed: time and memory of a step.

    pip install -e '.[bench]'
    python benchmarks/compare.py [--threads 1 2] [--only cnn lstm] [--rounds 7] [--out DIRECTORY] [--device cuda]

Each engine runs in a process of its own, and they take turns: a round is half a second of steps.  The table gives the best step of
all rounds, the median, and PyTorch's best divided by the engine's: above 1 is faster than PyTorch.  Where PyTorch has a better
memory format for convolutions, it is timed in that too.  Memory is the most that the process ever held, beyond what it held before
the first step; on a GPU, what it holds there.  It is written as Markdown (compare.md) and drawn (compare.png).
"""
import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

SLOWING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")             # tie NumPy's matrix products to an older processor
ENGINES = {                                                     # name: the module that it is
    "ours": "tinygrad_like", "PyTorch": "torch", "PyTorch, channels last": "torch",
    "tinygrad": "tinygrad", "MyGrad": "mygrad", "autograd": "autograd"}


# ---- in the process of an engine --------------------------------------------------------------------------------
def memory(device, torch):
    """The most memory that this process ever held, and what it holds now, in bytes; of the GPU's, what its pool holds."""
    if device == "cuda":
        return [torch.cuda.memory_reserved()] * 2
    with open("/proc/self/status") as file:
        lines = dict([line.split(":", 1) for line in file if ":" in line])
    return [int(lines[key].split()[0]) * 1024 for key in ("VmHWM", "VmRSS")]


def serve(engine, workload, threads, device):
    """Take steps for as many seconds as a line of the input says, and answer with the times of all, as JSON."""
    sys.path.insert(0, str(Path(__file__).parent))
    torch = importlib.import_module(ENGINES[engine])
    step = start(torch, engine, workload, threads, device)
    before = memory(device, torch)[1]
    for _ in range(3):                                          # compile, make plans, fill caches
        step()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        seconds, until = [], time.perf_counter() + float(line)
        while not seconds or time.perf_counter() < until:
            begin = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - begin)
        print(json.dumps({"seconds": seconds, "bytes": memory(device, torch)[0] - before}), flush=True)


def start(torch, engine, workload, threads, device):
    """The step of a workload on an engine."""
    if engine in ("ours", "PyTorch", "PyTorch, channels last"):
        workloads = importlib.import_module("workloads")
        if engine != "ours":
            torch.set_num_threads(threads)
            torch.backends.cudnn.allow_tf32 = False             # float32 it is, as here
        if device == "cuda":
            torch.set_default_device("cuda")
        torch.manual_seed(0)
        make = workloads.WORKLOADS[workload]
        return (workloads.channels_last(torch, workload) if "last" in engine else make(torch))[1]
    return importlib.import_module("others").WORKLOADS[engine][workload]()


# ---- in the process that asks -----------------------------------------------------------------------------------
def environment(threads):
    """This one, without what slows NumPy down, and with a number of threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS") if threads else ()
    return {key: value for key, value in os.environ.items() if key not in SLOWING} | dict.fromkeys(names, str(threads))


class Process:
    """An engine at work on a workload, in a process of its own."""

    def __init__(self, engine, workload, threads, device):
        command = [sys.executable, __file__, "--serve", engine, workload, str(threads), device]
        self.process = subprocess.Popen(command, env=environment(threads), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seconds, self.bytes = [], 0
        self.works = bool(self.process.stdout.readline())

    def round(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.seconds += answer["seconds"]
        self.bytes = answer["bytes"]
        time.sleep(0.05)                                        # its threads wait busily for a moment

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(workload, threads, device, engines, rounds, seconds):
    """{engine: (best ms, median ms, MB)} for one workload."""
    processes = {engine: Process(engine, workload, threads, device) for engine in engines}
    for engine in [engine for engine, process in processes.items() if not process.works]:
        print(f"{engine}: {workload} failed", file=sys.stderr)
        processes.pop(engine).close()
    for _ in range(rounds):
        for process in processes.values():
            process.round(seconds)
    for process in processes.values():
        process.close()
    return {engine: (min(p.seconds) * 1e3, statistics.median(p.seconds) * 1e3, p.bytes / 2**20) for engine, p in processes.items()}


def installed(engine):
    return importlib.util.find_spec(ENGINES[engine]) is not None


def wanted(workload, device):
    """The engines that know the workload."""
    from others import WORKLOADS as others
    return [engine for engine in ENGINES if installed(engine) and (
        engine in ("ours", "PyTorch") or (engine == "PyTorch, channels last" and workload in ("resnet", "vgg"))
        or (device == "cpu" and workload in others.get(engine, {})))]


def machine(device):
    """What it ran on: lines of Markdown."""
    versions = [f"Python {platform.python_version()}"]
    for name in ("tinygrad_like", "numpy", "torch", "tinygrad", "mygrad", "autograd"):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            pass
    info = subprocess.run([sys.executable, "-m", "tinygrad_like", "info"], capture_output=True, text=True, env=environment(None))
    about = [" ".join(line.split()) for line in info.stdout.splitlines() if line.startswith(("CPU:", "BLAS:", " " * 15 + "kernel"))]
    if device == "cuda":
        import tinygrad_like
        about.append(f"GPU: {tinygrad_like.cuda.get_device_name()}, CuPy {importlib.import_module('cupy').__version__}")
    return [*about, ", ".join(versions), f"load before: {os.getloadavg()[0]:.1f}"]


def table(results, titles):
    """A row for each workload, number of threads, and engine."""
    lines = ["| workload | threads | engine | best, ms | median, ms | PyTorch's best / this | memory, MB |",
             "|---|---|---|---|---|---|---|"]
    for (workload, threads), engines in results.items():
        for engine, (best, median, megabytes) in engines.items():
            ratio = f"{engines['PyTorch'][0] / best:.2f}" if "PyTorch" in engines else ""
            lines.append(f"| {titles[workload]} | {threads} | {engine} | {best:.3f} | {median:.3f} | {ratio} | {megabytes:.0f} |")
    return lines


def draw(results, path):
    """PyTorch's best divided by ours, a bar for each workload and number of threads."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    names = list(dict.fromkeys([workload for workload, _ in results]))
    counts = sorted({threads for _, threads in results})
    figure, axes = pyplot.subplots(figsize=(10, 0.5 * len(names) + 1.5))
    height = 0.8 / len(counts)
    for i, threads in enumerate(counts):
        ratios = [results[name, threads]["PyTorch"][0] / results[name, threads]["ours"][0] for name in names]
        bars = axes.barh([row + i * height for row in range(len(names))], ratios, height, label=f"threads: {threads}")
        axes.bar_label(bars, fmt="%.2f", padding=2, fontsize=8)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_yticks([row + height * (len(counts) - 1) / 2 for row in range(len(names))], names)
    axes.invert_yaxis()
    axes.set_xlabel("PyTorch's time divided by ours: above 1 we are faster")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    from workloads import WORKLOADS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS))
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a round")
    parser.add_argument("--out", type=Path, default=Path("."), help="where compare.md and compare.png go")
    options = parser.parse_args()
    lines, results = machine(options.device), {}
    print("\n".join(lines))
    for threads in options.threads:
        for workload in options.only:
            engines = [engine for engine in wanted(workload, options.device) if engine in options.engines]
            found = measure(workload, threads, options.device, engines, options.rounds, options.seconds)
            results[workload, threads] = found
            ratio = f"; ratio {found['PyTorch'][0] / found['ours'][0]:.2f}" if {"ours", "PyTorch"} <= found.keys() else ""
            times = ", ".join([f"{engine} {best:.3f} ms" for engine, (best, *_) in found.items()])
            print(f"{workload}, {threads} threads: {times}{ratio}", flush=True)
    titles = {name: function.__doc__ for name, function in WORKLOADS.items()}
    text = "\n\n".join(["\n".join([f"- {line}" for line in lines]), "\n".join(table(results, titles))]) + "\n"
    (options.out / "compare.md").write_text(text)
    if all([{"ours", "PyTorch"} <= engines.keys() for engines in results.values()]):
        draw(results, options.out / "compare.png")
    print("\n" + text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        main()
