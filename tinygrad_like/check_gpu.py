"""Does the GPU compute what the CPU does?  `python -m tinygrad_like.check_gpu` tries, and prints a report to paste.

It runs every op forward and backward on both, trains a small network on both and compares the losses step by step, and looks
at the memory pool.  The exit status is 0 if all agrees, 1 if something does not, and 2 if there is no GPU to check.
"""
from __future__ import annotations

import importlib
import pkgutil
import platform
import sys
import time
from collections.abc import Iterator
from typing import Any

import tinygrad_like as _loads_everything  # noqa: F401

from . import autograd, backend, errors, ops
from .autograd import Op, raw, wrap

TOLERANCE = {"float32": 2e-4, "float64": 1e-10}         # of the largest number in a result


def main(device: str = "cuda", say: Any = print) -> int:
    """Check the device, say what is found, and return the exit status."""
    say(f"tinygrad_like.check_gpu: Python {platform.python_version()} on {platform.platform()}, NumPy {backend.host.__version__}")
    try:
        module = backend.library(device)
    except errors.BackendError as error:
        say(f"no GPU to check: {error}")
        return 2
    say(describe(module))
    agree = [check_ops(device, dtype, say) for dtype in TOLERANCE]
    agree.append(check_training(device, module, say))
    say("everything agrees" if all(agree) else "THE GPU AND THE CPU DISAGREE: see above")
    return 0 if all(agree) else 1


def describe(module: Any) -> str:
    """Which library, which card, which driver."""
    text = f"{module.__name__} {module.__version__}"
    runtime = getattr(getattr(module, "cuda", None), "runtime", None)
    if runtime is not None:
        card = runtime.getDeviceProperties(0)
        text += (f" on {card['name'].decode()}, compute capability {card['major']}.{card['minor']}, "
                 f"{card['totalGlobalMem'] / 2**30:.1f} GiB; driver {runtime.driverGetVersion()}, runtime {runtime.runtimeGetVersion()}")
    return text


# ---- ops --------------------------------------------------------------------------------------------------------
def check_ops(device: str, dtype: str, say: Any) -> bool:
    """Whether the ops give the same results and gradients, in this dtype."""
    agree, errors_found, unable = [], [], []
    untried = [op.__name__ for op, case in cases() if case is None]
    for op, case in cases():
        if case is None:
            continue
        operands, params = moved(case, "cpu", dtype)
        try:
            here = results(op, operands, params)
        except Exception as error:                              # then the case is wrong, and a test of the suite says so
            unable.append(f"{op.__name__}, on the CPU already: {error}")
            continue
        try:
            there = results(op, *moved((operands, params), device, dtype))
        except Exception as error:
            unable.append(f"{op.__name__}: {type(error).__name__}: {error}")
            continue
        worst, what = max([(distance(x, y), what) for (what, x), (_, y) in zip(here, there)], default=(0.0, "nothing"))
        (agree if worst <= TOLERANCE[dtype] else errors_found).append((worst, op.__name__, what))
    furthest, name, _ = max(agree, default=(0.0, "none", ""))
    say(f"ops in {dtype}: {len(agree)} agree; the furthest apart is {name}, by {furthest:.1e}")
    for worst, name, what in errors_found:
        say(f"    DISAGREES: {name}: {what} is off by {worst:.1e}, where {TOLERANCE[dtype]:.0e} is allowed")
    for text in unable:
        say(f"    FAILED: {text.splitlines()[0]}")
    if untried:
        say(f"    not tried, as this program has no operands for them: {', '.join(untried)}")
    return not errors_found and not unable


def results(op: type[Op], operands: Any, params: Any) -> list[tuple[str, Any]]:
    """What an op gives, and the gradients of its operands, each under a name, on the host."""
    tensors = [wrap(x) if type(x) in backend.array_types else x for x in operands]
    derivatives = op.derivatives * len(operands) if op.variadic else op.derivatives
    wanted = {}
    for i, x in enumerate(tensors):
        if type(operands[i]) in backend.array_types and x.array.dtype.kind == "f" and (derivatives[i][0] or op.plain):
            wanted[f"the gradient of operand {i}"] = x.requires_grad_()
    found = op(*tensors, **params)
    outputs = list(found) if isinstance(found, tuple) else [found]
    named = [(f"result {i}", y.array) for i, y in enumerate(outputs)]
    outputs = [y for y in outputs if y.requires_grad]
    if outputs:
        vs = [wrap(backend.to_device(numbers(*y.shape, low=0.5, high=1.5, dtype=y.array.dtype), backend.device_of(y.array)))
              for y in outputs]
        gradients = autograd.grad(outputs, list(wanted.values()), vs, materialize_grads=True)
        named += [(what, g.array) for what, g in zip(wanted, gradients)]
    return [(what, backend.to_device(x, "cpu")) for what, x in named]


def distance(x: Any, y: Any) -> float:
    """The largest difference, as a part of the largest number (of 1, if all are smaller); infinite if even the kind differs."""
    np = backend.host
    if x.shape != y.shape or x.dtype != y.dtype or (np.isfinite(x) != np.isfinite(y)).any():
        return float("inf")
    finite = np.isfinite(x)
    x, y = x[finite].astype("complex128"), y[finite].astype("complex128")
    return float(np.abs(x - y).max() / max(1.0, np.abs(x).max())) if x.size else 0.0


def moved(x: Any, device: str, dtype: str) -> Any:
    """x, and what is in it, with its arrays on that device and its floating-point numbers of that dtype."""
    if isinstance(x, dict):
        return {key: moved(value, device, dtype) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)([moved(each, device, dtype) for each in x])
    if type(x) in backend.array_types:
        return backend.to_device(x.astype(dtype) if x.dtype.kind == "f" else x, device)
    return x


def all_ops(base: type = Op) -> Iterator[type[Op]]:
    for op in base.__subclasses__():
        if op.__module__.startswith("tinygrad_like.ops."):
            yield op
        yield from all_ops(op)


def cases() -> list[tuple[type[Op], Any]]:
    """Each op with (operands, parameters) to try it on; with None, if it needs some and none are given below."""
    for module in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(module.name)
    found = []
    for op in sorted(set(all_ops()), key=lambda op: (op.__module__, op.__name__)):
        case = special_cases().get(op.__name__)
        if case is None:                                        # numbers between 0 and 1 suit most
            operands = [numbers(4, 3, seed=i) for i in range(2 if op.variadic else len(op.operands))]
            try:
                op(*operands)
                case = operands, {}
            except Exception:
                case = None
        found.append((op, case))
    return found


def numbers(*shape: int, seed: int = 0, low: float = 0.1, high: float = 0.9, dtype: Any = "float64") -> Any:
    return backend.host.asarray(backend.host.random.default_rng(seed).uniform(low, high, shape), dtype)


def special_cases() -> dict[str, Any]:
    """(operands, parameters) for the ops that do not take just any matrices, by name."""
    array = backend.host.array
    x, y = numbers(4, 3), numbers(4, 3, seed=1)
    return {
        "matmul": ([numbers(2, 4, 3), numbers(3, 5, seed=1)], {}),
        "reshape": ([x], {"to": (3, 4)}),
        "broadcast_to": ([x], {"to": (2, 4, 3)}),
        "astype": ([x], {"dtype": backend.dtype("float32")}),
        "swapaxes": ([x], {"axis1": 0, "axis2": 1}),
        "getitem": ([x], {"index": (array([2, 0, 2]), slice(1, None))}),
        "put_add": ([y[:3]], {"index": array([2, 0, 2]), "into": (5, 3)}),
    }


# ---- training ---------------------------------------------------------------------------------------------------
def check_training(device: str, module: Any, say: Any, steps: int = 20) -> bool:
    """Whether a small network learns the same on both, with the memory that it holds staying what it was."""
    (here, cpu_time, _), (there, gpu_time, memory) = train("cpu", backend.host, steps), train(device, module, steps)
    worst, step = max([(abs(a - b) / abs(a), i) for i, (a, b) in enumerate(zip(here, there))])
    agrees = worst < 1e-3
    say(f"training: {steps} steps on the CPU, loss {here[0]:.4f} to {here[-1]:.4f}, {1e3 * cpu_time:.2f} ms a step; on the GPU "
        f"{there[0]:.4f} to {there[-1]:.4f}, {1e3 * gpu_time:.2f} ms; "
        + (f"every step agrees, to {worst:.1e}" if agrees else f"DISAGREES: by {worst:.1e} at step {step}"))
    if memory is None:
        return agrees
    steady = memory["used at the end"] <= memory["used after 5 steps"]
    say("memory pool: " + ", ".join(f"{what} {count:,}" for what, count in memory.items())
        + ("" if steady else ": IT GROWS from step to step"))
    return agrees and steady


def train(device: str, module: Any, steps: int) -> tuple[list[float], float, dict[str, int] | None]:
    """Train a classifier of made-up clusters: its losses, the seconds a step took, and the bytes of device memory in use."""
    np = backend.host
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 256)
    x = (random.standard_normal((10, 64))[labels] + random.standard_normal((256, 64))).astype("float32")
    sizes = [64, 128, 10]
    weights = [random.standard_normal((m, n)).astype("float32") * (2 / m) ** 0.5 for m, n in zip(sizes, sizes[1:])]
    biases = [np.zeros(n, "float32") for n in sizes[1:]]
    onehot = np.eye(10, dtype="float32")[labels]

    def on_device(array: Any) -> Any:
        return wrap(backend.to_device(array, device))

    parameters = [on_device(p).requires_grad_() for p in (*weights, *biases)]
    x, onehot = on_device(x), on_device(onehot)
    w1, w2, b1, b2 = parameters
    pool = getattr(module, "get_default_memory_pool", lambda: None)()
    memory, losses, start = {}, [], 0.0
    for step in range(steps):
        if step == 5:                                           # kernels are compiled now
            memory["used after 5 steps"] = pool.used_bytes() if pool else 0
            losses[-1].item()                                   # wait for the device
            start = time.perf_counter()
        scores = ops.relu(x @ w1 + b1) @ w2 + b2
        scores = scores - raw(scores).max(axis=1, keepdims=True)
        loss = (ops.log(ops.exp(scores).sum(axis=1)) - (scores * onehot).sum(axis=1)).sum() / 256
        loss.backward()
        with autograd.no_grad():
            for p in parameters:
                p -= 0.1 * p.grad
                p.grad = None
        losses.append(loss.detach())
        del loss, scores                                        # the graph goes with them
    found = [loss.item() for loss in losses]
    seconds = (time.perf_counter() - start) / (steps - 5)
    if pool is None:
        return found, seconds, None
    memory["used at the end"] = pool.used_bytes() - 512 * (steps - 5)     # less the losses that are kept, a block each
    memory["held in all"] = pool.total_bytes()
    return found, seconds, memory


if __name__ == "__main__":
    sys.exit(main())
