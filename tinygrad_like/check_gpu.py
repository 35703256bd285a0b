"""Does the GPU compute what the CPU does?  `python -m tinygrad_like.check_gpu` tries, and prints a report to paste.

It runs every op forward and backward on both, trains a small network on both and compares the losses step by step, and looks
at the memory pool.  The exit status is 0 if all agrees, 1 if something does not, and 2 if there is no GPU to check.
"""
from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Iterator
from typing import Any

from . import autograd, backend, errors, ops
from .functions import tensor
from .nn.functional import cross_entropy
from .op import Op, wrap
from .ops.pool import Windows
from .ops.windows import Geometry
from .types import float32

TOLERANCE = {"float32": 2e-4, "float64": 1e-10}         # of the largest number in a result
SIGNS_ARE_FREE = {"eigh", "qr", "svd"}                  # their vectors are right with either sign: no use comparing gradients


def main(device: str = "cuda", without: Any = (), say: Any = print) -> int:
    """Check the device, except for the ops named in `without`; say what is found, and return the exit status."""
    say(f"tinygrad_like.check_gpu: Python {platform.python_version()} on {platform.platform()}, NumPy {backend.host.__version__}")
    try:
        module = backend.library(device)
    except errors.BackendError as error:
        say(f"no GPU to check: {error}")
        return 2
    say(describe(module))
    agree = [check_ops(device, dtype, without, say) for dtype in TOLERANCE]
    agree.append(check_training(device, module, say))
    say("everything agrees" if all(agree) else "THE GPU AND THE CPU DISAGREE: see above")
    return 0 if all(agree) else 1


def describe(module: Any) -> str:
    """Which library, which card, which driver."""
    text = f"{module.__name__} {module.__version__}"
    runtime = getattr(getattr(module, "cuda", None), "runtime", None)
    if runtime is not None:
        card = runtime.getDeviceProperties(0)
        text += f" on {card['name'].decode()}, {card['totalGlobalMem'] / 2**30:.1f} GiB, "
        text += f"compute capability {card['major']}.{card['minor']}; "
        text += f"driver {runtime.driverGetVersion()}, runtime {runtime.runtimeGetVersion()}"
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(("CUPY_", "CUDA_"))]
    return "\n".join([text, *settings])


# ---- ops --------------------------------------------------------------------------------------------------------
def check_ops(device: str, dtype: str, without: Any = (), say: Any = print) -> bool:
    """Whether the ops give the same results and gradients, in this dtype."""
    agree: list[tuple[float, str, str]] = []                    # how far apart, which op, which of its numbers
    apart: list[tuple[float, str, str]] = []
    unable: list[str] = []
    untried = [op.__name__ for op, case in cases() if case is None]
    for op, case in cases():
        if case is None or op.__name__ in without:
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
        (agree if worst <= TOLERANCE[dtype] else apart).append((worst, op.__name__, what))
    furthest, name, _ = max(agree, default=(0.0, "none", ""))
    say(f"ops in {dtype}: {len(agree)} agree; the furthest apart is {name}, by {furthest:.1e}")
    for worst, name, what in apart:
        say(f"    DISAGREES: {name}: {what} is off by {worst:.1e}, where {TOLERANCE[dtype]:.0e} is allowed")
    for text in unable:
        say(f"    FAILED: {text.splitlines()[0]}")
    if untried:
        say(f"    not tried, as this program has no operands for them: {', '.join(untried)}")
    return not apart and not unable


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
    if op.__name__ in SIGNS_ARE_FREE:
        return [(f"the size of result {i}", backend.to_device(abs(y.array), "cpu")) for i, y in enumerate(outputs)]
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


def all_ops(base: Any = Op) -> Iterator[type[Op]]:
    for op in base.__subclasses__():
        if op.__module__.startswith("tinygrad_like.ops."):
            yield op
        yield from all_ops(op)


def cases() -> list[tuple[type[Op], Any]]:
    """Each op with (operands, parameters) to try it on; with None, if it takes none of the usual and none are given below."""
    for module in pkgutil.iter_modules(ops.__path__, f"{ops.__name__}."):
        importlib.import_module(module.name)
    special = special_cases()
    found = sorted([op for op in set(all_ops()) if op.__name__ not in ELSEWHERE], key=lambda op: (op.__module__, op.__name__))
    return [(op, special.get(op.__name__) or usual_case(op)) for op in found]


ELSEWHERE = {"to_device"}                               # tried whenever something is moved


def usual_case(op: type[Op]) -> Any:
    """Operands that the op takes and gives finite numbers for: matrices of small numbers, of larger ones, square ones, integers."""
    np = backend.host
    count = 2 if op.variadic else len(op.operands)
    all_params: list[Any] = [{}, {"axis": 0}, {"axis": (0,)}]
    square = numbers(4, 4) @ numbers(4, 4).T + np.eye(4)
    for operands in ([numbers(4, 3, seed=i) for i in range(count)], [numbers(4, 3, seed=i) + 1 for i in range(count)],
                     [square] * count, [np.arange(12).reshape(4, 3)] * count):
        for params in all_params:
            try:
                with np.errstate(all="ignore"):
                    found = op(*operands, **params)
                if all([np.isfinite(y).all() for y in (found if isinstance(found, tuple) else (found,))]):
                    return operands, params
            except Exception:
                continue
    return None


def numbers(*shape: int, seed: int = 0, low: float = 0.1, high: float = 0.9, dtype: Any = "float64") -> Any:
    return backend.host.asarray(backend.host.random.default_rng(seed).uniform(low, high, shape), dtype)


def special_cases() -> dict[str, Any]:
    """(operands, parameters) for the ops that need more than that, by name."""
    np = backend.host
    x, y = numbers(4, 3), numbers(4, 3, seed=1)
    rows, places = np.array([2, 0, 2]), np.array([[2, 0, 1], [1, 2, 0]])
    packed = {"sizes": (3, 2, 1)}
    windows = {"windows": (Windows(2, 2, 0, 1, 2), Windows(3, 1, 1, 1, 3))}     # side by side along axis 0, overlapping along 1
    geometry = {"geometry": Geometry((2, 1), (1, 0), (1, 2), 2)}        # of images (3, 4, 5, 6) and kernels (2, 3), in two groups
    images, weights, convolved = numbers(3, 4, 5, 6), numbers(6, 2, 2, 3), numbers(3, 6, 3, 2)
    winner, largest = np.array([[1, 2, 0], [5, 3, 4]], "uint8"), ops.max_pool(x, **windows)
    return {
        "add_item": ([x, y[:3]], {"index": rows}),
        "argmax_bins": ([x], {"counts": (3, 2)}),
        "argtopk": ([x], {"k": 2}),
        "astype": ([x], {"dtype": np.dtype("float32")}),
        "avg_pool": ([x], {**windows, "padded": False}),
        "avg_spread": ([y[:2]], {**windows, "into": (4, 3)}),
        "bincount": ([np.array([3, 0, 3])], {}),
        "broadcast_to": ([x], {"to": (2, 4, 3)}),
        "conv": ([images, weights, numbers(6)], {"into": (3, 2), **geometry}),
        "conv_transpose": ([convolved, weights, numbers(4)], {"into": (5, 6), **geometry}),
        "conv_weight": ([images, convolved], {"into": (2, 3), **geometry}),
        "cross_entropy": ([x], {"places": (np.arange(4)[:, None], np.array([[2], [0], [1], [2]]))}),
        "ctc_loss": ([numbers(4, 2, 3) - 1], {"labels": np.array([[1, 2], [2, 1]]), "times": np.array([4, 3]),
                                              "lengths": np.array([2, 1])}),
        "einsum": ([x, y], {"subscripts": "ij,kj->ik"}),
        "embedding": ([x], {"indices": places}),
        "extreme_item": ([x, y[:3]], {"index": np.array([2, 0, 1])}),
        "fold": ([numbers(3, 24, 6)], {"kernel": (2, 3), "positions": (3, 2), "into": (5, 6), **geometry}),
        "fold_borders": ([numbers(6, 7)], {"widths": ((1, 1), (2, 2)), "mode": "reflect"}),
        "full_like": ([x], {"value": 2.0}),
        "get_winners": ([x], {**windows, "winner": winner}),
        "getitem": ([x], {"index": (rows, slice(1, None))}),
        "gru": ([numbers(6, 3), y[:3, :2], numbers(6, 3), numbers(6, 2), numbers(6), numbers(6)], {**packed, "reverse": True}),
        "histogram": ([x], {"bins": 4, "low": 0.0, "high": 1.0}),
        "linear": ([x, numbers(5, 3), numbers(5)], {}),
        "lstm": ([numbers(6, 3), y[:3, :2], y[:3, 1:], numbers(8, 3), numbers(8, 2), numbers(8), numbers(8)], packed),
        "masked": ([x], {"keep": x > y}),
        "gated": ([x], {"by": y}), "sloped": ([x], {"by": y, "slope": 0.3}),
        "matmul": ([numbers(2, 4, 3), numbers(3, 5, seed=1)], {}),
        "max_pool": ([x], windows),
        "nearest": ([x], {"indices": rows, "axis": 0}),
        "one_hot": ([rows], {"classes": 3}),
        "overlap_add": ([numbers(3, 2)], {"axis": 0, "step": 1, "into": (4,)}),
        "passing": ([x, y], {"seen": tuple}),
        "pad": ([x], {"widths": ((1, 1), (0, 2))}),
        "pinv": ([x], {"rcond": 1e-6}),
        "rotary": ([numbers(4, 6)], {"cos": np.cos(x), "sin": np.sin(x)}),
        "put_add": ([y[:3]], {"index": rows, "into": (5, 3)}),
        "put_add_along_axis": ([x[:2]], {"indices": places, "axis": 0, "into": (4, 3)}),
        "put_add_slices": ([x[:3]], {"indices": rows, "axis": 0, "into": (5, 3)}),
        "put_diagonal": ([x[0]], {"into": (3, 3)}),
        "put_winners": ([y[:2]], {**windows, "winner": winner, "into": (4, 3)}),
        "quantile_places": ([x], {"q": np.array([0.3]), "axis": 0}),
        "repeat": ([x], {"repeats": 2, "axis": 0}),
        "resample": ([x], {"matrix": numbers(5, 4), "axis": 0}),
        "reshape": ([x], {"to": (3, 4)}),
        "rnn": ([numbers(6, 3), y[:3, :2], numbers(2, 3), numbers(2, 2), numbers(2), numbers(2)], packed),
        "rms_norm": ([x, x[:1]], {"axis": (1,), "eps": 1e-5}),
        "roll": ([x], {"shift": (1,), "axis": (0,)}),
        "searchsorted": ([np.arange(4) / 4, x], {}),
        "setitem": ([x, y[:2]], {"index": slice(1, 3)}),
        "sliding_windows": ([x], {"axis": 0, "size": 2, "step": 1}),
        "split": ([x], {"sizes": (1, 3)}),
        "standardize": ([x, x[:1], y[:1]], {"axis": (0,)}),
        "swapaxes": ([x], {"axis1": 0, "axis2": 1}),
        "take": ([x], {"indices": rows}),
        "take_along_axis": ([x], {"indices": places, "axis": 0}),
        "threshold": ([x], {"above": 0.5, "value": 0.0}),
        "tile": ([x], {"reps": (2, 1)}),
        "transpose": ([x], {"axes": (1, 0)}),
        "unfold": ([images], {"kernel": (2, 3), "positions": (3, 2), **geometry}),
        "where": ([x, y], {"condition": x > y}),
        "winner_places": ([x, largest], windows),
        "winners": ([x, largest], windows),
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
    steady = memory["at the end"] <= memory["bytes used after 5 steps"]
    say("memory pool: " + ", ".join([f"{what} {count:,}" for what, count in memory.items()]) + ("" if steady else ": IT GROWS"))
    return agrees and steady


def train(device: str, module: Any, steps: int) -> tuple[list[float], float, dict[str, int] | None]:
    """Train a classifier of made-up clusters: its losses, the seconds that a step took, and what the memory pool holds."""
    np = backend.host
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 256)
    x = random.standard_normal((10, 64))[labels] + random.standard_normal((256, 64))
    w1, w2 = 0.1 * random.standard_normal((64, 128)), 0.1 * random.standard_normal((128, 10))
    x, w1, b1, w2, b2 = [tensor(a, dtype=float32, device=device) for a in (x, w1, np.zeros(128), w2, np.zeros(10))]
    labels = tensor(labels, device=device)
    parameters: list[Any] = [p.requires_grad_() for p in (w1, b1, w2, b2)]
    pool = module.get_default_memory_pool() if hasattr(module, "get_default_memory_pool") else None
    memory, start, losses = {}, 0.0, tensor(np.zeros(steps), dtype=float32, device=device)
    for step in range(steps):
        if step == 5:                                           # kernels are compiled by now
            losses.tolist()                                     # wait for the device
            memory["bytes used after 5 steps"] = pool.used_bytes() if pool else 0
            start = time.perf_counter()
        loss = cross_entropy((x @ w1 + b1).relu() @ w2 + b2, labels)
        loss.backward()
        with autograd.no_grad():
            losses[step] = loss
            for p in parameters:
                p -= 0.5 * p.grad
                p.grad = None
        del loss                                                # the graph goes with it
    found = losses.tolist()
    seconds = (time.perf_counter() - start) / (steps - 5)
    if pool is None:
        return found, seconds, None
    return found, seconds, memory | {"at the end": pool.used_bytes(), "held in all": pool.total_bytes()}


if __name__ == "__main__":
    sys.exit(main())
