"""This engine next to PyTorch, and to tinygrad, MyGrad and HIPS autograd where they are installed: time and memory of a step.

    pip install -e '.[bench]'
    python benchmarks/compare.py [--threads 1 2] [--only cnn lstm] [--rounds 7] [--out DIRECTORY] [--device cuda]

Each engine runs in a process of its own, and they take turns: a round is half a second of steps.  The table gives the best step of
all rounds, the median, and PyTorch's best divided by the engine's: above 1 is faster than PyTorch.  Where PyTorch has a better
memory format for convolutions, it is timed in that too.  Memory is the most that the process ever held, beyond what it held before
the first step (Linux alone says so); on a GPU, what it holds there.  It is written as Markdown (compare.md, after each workload)
and drawn (compare.png, at the end).  Ctrl-C stops it: what was measured is in both.
"""
import importlib
import importlib.util
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import environment

ENGINES = {                                                     # name: the module that it is
    "ours": "tinygrad_like", "PyTorch": "torch", "PyTorch, channels last": "torch",
    "tinygrad": "tinygrad", "MyGrad": "mygrad", "autograd": "autograd"}


# ---- in the process of an engine --------------------------------------------------------------------------------
def memory(device, torch):
    """The most memory that this process ever held, and what it holds now, in bytes; of the GPU's, what its pool holds.  NaN where
    the system does not say."""
    if device == "cuda":
        return [torch.cuda.memory_reserved()] * 2
    if sys.platform != "linux":
        return [float("nan")] * 2
    with open("/proc/self/status") as file:
        lines = dict([line.split(":", 1) for line in file if ":" in line])
    return [int(lines[key].split()[0]) * 1024 for key in ("VmHWM", "VmRSS")]


def serve(engine, workload, threads, device):
    """Take steps for as many seconds as a line of the input says, and answer with the times of all, as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)                # Ctrl-C is for who asks: when that one ends, so does the input
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
def with_threads(number):
    """The environment of a process whose matrix products use so many threads."""
    return os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(number))


class Process:
    """An engine at work on a workload, in a process of its own."""

    def __init__(self, engine, workload, threads, device):
        command = [sys.executable, __file__, "--serve", engine, workload, str(threads), device]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=with_threads(threads), **pipes)
        self.seconds, self.bytes, self.works = [], 0, False

    def start(self):
        """Wait until it is ready; if the process ends instead, it does not work."""
        self.works = bool(self.process.stdout.readline())

    def round(self, seconds):
        """Take steps for that long; if the process ends instead, it works no more."""
        try:
            self.process.stdin.write(f"{seconds}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        self.works = bool(answer)
        if answer:
            answer = json.loads(answer)
            self.seconds += answer["seconds"]
            self.bytes = answer["bytes"]
        time.sleep(0.05)                                        # its threads wait busily for a moment

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:                                 # it has ended already
            pass
        self.process.wait()


def measure(workload, threads, device, engines, rounds, seconds):
    """{engine: (best ms, median ms, MB)} for one workload, of the engines that did not fail."""
    processes = {}
    try:
        for engine in engines:
            processes[engine] = Process(engine, workload, threads, device)
            processes[engine].start()
        for _ in range(rounds):
            for process in [each for each in processes.values() if each.works]:
                process.round(seconds)
    finally:
        for process in processes.values():
            process.close()
    for engine in [engine for engine, process in processes.items() if not process.works]:
        print(f"{engine} failed at {workload}: it is left out (what it said stands above)", file=sys.stderr)
        del processes[engine]
    return {engine: (min(p.seconds) * 1e3, statistics.median(p.seconds) * 1e3, p.bytes / 2**20) for engine, p in processes.items()}


def installed(engine):
    return importlib.util.find_spec(ENGINES[engine]) is not None


def knows(engine, workload, device):
    """Whether an engine has the workload, on that device."""
    from others import WORKLOADS as others
    return (engine in ("ours", "PyTorch") or (engine == "PyTorch, channels last" and workload in ("resnet", "vgg"))
            or (device == "cpu" and workload in others.get(engine, {})))


def machine(device):
    """What it runs on."""
    lines = environment.machine()
    if device == "cuda":
        import tinygrad_like
        try:
            lines.append(f"GPU: {tinygrad_like.cuda.get_device_name()}, CuPy {importlib.import_module('cupy').__version__}")
        except RuntimeError as error:
            sys.exit(f"--device cuda: {error}")
    return lines


def table(results, titles):
    """A row for each workload, number of threads, and engine."""
    lines = ["| workload | threads | engine | best, ms | median, ms | PyTorch's best / this | memory, MB |",
             "|---|---|---|---|---|---|---|"]
    for (workload, threads), engines in results.items():
        for engine, (best, median, megabytes) in engines.items():
            ratio = f"{engines['PyTorch'][0] / best:.2f}" if "PyTorch" in engines else ""
            memory = f"{megabytes:.0f}" if megabytes == megabytes else ""
            lines.append(f"| {titles[workload]} | {threads} | {engine} | {best:.3f} | {median:.3f} | {ratio} | {memory} |")
    return lines


def draw(results, titles, about, path):
    """PyTorch's best divided by ours, a bar for each workload and number of threads."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    names = list(dict.fromkeys([workload for workload, _ in results]))
    counts = sorted({threads for _, threads in results})
    height = 0.8 / len(counts)
    figure, axes = pyplot.subplots(figsize=(11, 0.36 * len(names) * len(counts) + 1.8))
    for i, threads in enumerate(counts):
        rows = [row for row, name in enumerate(names) if (name, threads) in results]
        times = [[results[names[row], threads][engine][0] for engine in ("ours", "PyTorch")] for row in rows]
        bars = axes.barh([row + i * height for row in rows], [theirs / ours for ours, theirs in times], height,
                         label=environment.threads(threads))
        axes.bar_label(bars, [f"{theirs / ours:.2f}  ({ours:.3g} ms, PyTorch {theirs:.3g})" for ours, theirs in times], padding=3,
                       fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0})
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xlim(0, 1.5 * axes.get_xlim()[1])                  # for the labels
    middle = height * (len(counts) - 1) / 2
    axes.set_yticks([row + middle for row in range(len(names))], [titles[name] for name in names], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("PyTorch's time of a step divided by ours: right of the line, at 1, ours is faster")
    axes.set_title("\n".join(about), fontsize=8, loc="left")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def arguments():
    """What the command line asks for, and the engines that it asks for and are there."""
    from workloads import WORKLOADS
    parser = environment.parser(__doc__)
    parser.add_argument("--threads", type=environment.count, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--only", nargs="+", choices=list(WORKLOADS), default=list(WORKLOADS), metavar="WORKLOAD",
                        help=", ".join(WORKLOADS))
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), metavar="ENGINE",
                        help="if not all that are installed: " + ", ".join([f"'{name}'" for name in ENGINES]))
    parser.add_argument("--rounds", type=environment.count, default=7)
    parser.add_argument("--seconds", type=environment.span, default=0.5, help="of a round")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder for compare.md and compare.png")
    options = parser.parse_args()
    missing = [engine for engine in options.engines or ENGINES if not installed(engine)]
    if options.engines and missing:
        parser.error(f"--engines: not installed here: {'; '.join(missing)} (pip install "
                     f"{' '.join(dict.fromkeys([ENGINES[engine] for engine in missing]))})")
    if missing:
        print(f"not installed, so left out: {'; '.join(missing)}")
    for engine in options.engines or ():
        if not any([knows(engine, workload, options.device) for workload in options.only]):
            parser.error(f"--engines: {engine} has none of these workloads on {options.device}: {', '.join(options.only)}")
    options.engines = options.engines or [engine for engine in ENGINES if engine not in missing]
    try:                                                        # better now than when all is measured
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "compare.md").open("a").close()
    except OSError as error:
        parser.error(f"--out {options.out}: compare.md cannot be written there: {error}")
    return options


def main():
    from workloads import WORKLOADS
    options, results = arguments(), {}
    titles = {name: function.__doc__ for name, function in WORKLOADS.items()}
    about = [*machine(options.device), f"float32; rounds: {options.rounds}, of {options.seconds:g} s each"]
    print("\n".join([*about, "", f"best ms of a step; {environment.RATIO}"]), flush=True)

    def text():
        return "\n\n".join(["\n".join([f"- {line}" for line in about]), "\n".join(table(results, titles))]) + "\n"

    try:
        for threads in options.threads:
            for workload in options.only:
                engines = [engine for engine in options.engines if knows(engine, workload, options.device)]
                found = measure(workload, threads, options.device, engines, options.rounds, options.seconds)
                results[workload, threads] = found
                (options.out / "compare.md").write_text(text(), encoding="utf-8")
                ratio = f"; ratio {found['PyTorch'][0] / found['ours'][0]:.2f}" if {"ours", "PyTorch"} <= found.keys() else ""
                times = "; ".join([f"{engine} {best:.3f} ms" for engine, (best, *_) in found.items()]) or "no engine"
                print(f"{workload}, {environment.threads(threads)}: {times}{ratio}", flush=True)
    except KeyboardInterrupt:
        if not results:
            raise
        print("\nstopped: what was measured stays", file=sys.stderr)
    print(f"\n{text()}\nwritten: {options.out / 'compare.md'}")
    (options.out / "compare.png").unlink(missing_ok=True)       # of an earlier run
    both = {key: engines for key, engines in results.items() if {"ours", "PyTorch"} <= engines.keys()}
    if not both:
        print("nothing to draw: that takes times of ours and of PyTorch")
    elif importlib.util.find_spec("matplotlib") is None:
        print("nothing is drawn without matplotlib: pip install matplotlib")
    else:
        draw(both, titles, about, options.out / "compare.png")
        print(f"drawn: {options.out / 'compare.png'}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        environment.run(main)
