"""What `tinygrad_like.name` means where it is not loaded yet: a file or folder of the package, a function of one, or a mistake."""
from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from opcode import opmap
from typing import Any, NoReturn

from . import __name__ as package, derivatives
from .tensor import Tensor

# Functions of nn.functional that PyTorch has at top level too, called in the same way.  Those that are called otherwise there are
# left out: `embedding` (the weight first), `batch_norm`, `adaptive_max_pool1d`, most losses.
FUNCTIONAL = frozenset("""
    adaptive_avg_pool1d avg_pool1d max_pool1d max_pool1d_with_indices max_pool2d max_pool3d pixel_shuffle pixel_unshuffle
    channel_shuffle group_norm layer_norm rms_norm dropout alpha_dropout feature_alpha_dropout rrelu rrelu_ threshold_
    cosine_similarity pairwise_distance
""".split())


def find_in_autograd(name: str) -> Any:
    """The thing that PyTorch has under `autograd`, and we elsewhere."""
    if name in ("gradcheck", "gradgradcheck"):
        return getattr(importlib.import_module(f"{package}.testing"), name)
    if name == "functional":
        return derivatives
    if name == "Variable":
        return variable
    refuse(f"{package}.autograd", name)


def variable(data: Any, requires_grad: bool = False) -> Any:
    """PyTorch's Variable, which has been a tensor since 2018: data again, as a leaf."""
    return data.detach().requires_grad_(requires_grad)


AS_IT_IS, NO_MEMORY_FORMATS = "use the model as it is", "axes lie in memory as they are written: leave it out"
ANOMALY = "with trace_nonfinite(): raises where the first NaN or infinity is made, forward or backward"
# What PyTorch has, or had, and what is written here instead.
INSTEAD = {
    "compile": "nothing is compiled: use the model or the function as it is",
    "jit": f"nothing is compiled: {AS_IT_IS}, and keep its weights by save(model.state_dict(), path)",
    "onnx": "save(model.state_dict(), path) keeps the weights",
    "distributed": f"there is one process: {AS_IT_IS}", "multiprocessing": f"there is one process: {AS_IT_IS}",
    "parallel": f"there is one GPU at most: {AS_IT_IS}", "DataParallel": f"there is one GPU at most: {AS_IT_IS}",
    "bfloat16": "NumPy has no such type: use float32",
    "set_float32_matmul_precision": "products of float32 are computed in float32: leave it out",
    "use_deterministic_algorithms": "on the CPU every run computes the same: leave it out",
    "set_default_tensor_type": "write set_default_dtype(float64), or set_default_device('cuda')",
    "vmap": "give the arrays an axis for the batch",
    "channels_last": NO_MEMORY_FORMATS, "contiguous_format": NO_MEMORY_FORMATS, "preserve_format": NO_MEMORY_FORMATS,
    "random": "manual_seed, get_rng_state and their like are at top level",
    "hub": "networks are in models, and load reads their files",
    "serialization": "load and save are at top level",
    "mps": "there are 'cpu' and 'cuda'", "xpu": "there are 'cpu' and 'cuda'",
    "Function": "to write an op with derivatives of your own, subclass Op",
    "detect_anomaly": ANOMALY, "set_detect_anomaly": ANOMALY,
    "assert_close": "write assert allclose(x, y)", "gain": "it is calculate_gain",
    "amp": f"it is {package}.amp",
    "set_device": "CUDA_VISIBLE_DEVICES=1 python … chooses the GPU", "is_bf16_supported": "NumPy has no such type: use float32",
    "max_memory_allocated": "memory_allocated() is what is in use now, memory_reserved() what the process holds",
    "tensorboard": "training.CSVLogger writes curves to a file, and training.PlotCurves draws them",
    "modules": "the layers are in nn itself", "Container": "subclass Module", "NLLLoss2d": "NLLLoss takes images too",
    "CrossMapLRN2d": "use LocalResponseNorm", "SyncBatchNorm": "there is one process: use BatchNorm1d, 2d or 3d",
    "LinearCrossEntropyLoss": "use Linear, and CrossEntropyLoss behind it", "SparseAdam": "gradients are dense: use Adam",
    "sparse": "tensors are dense", "sparse_coo_tensor": "tensors are dense: x[i, j] = values, with zeros around them",
    "spmm": "tensors are dense: mm(x, y)", "prune": "multiply by a mask: weight.mul_(mask) under no_grad() after each step",
    "profiler": "with profile() as p: tells where the time goes", "Event": "call synchronize() before time.perf_counter()",
    "skip_init": "use init.… after the layer is made",
    "orthogonal": "a parametrization may return linalg.qr(x).Q, and init.orthogonal_ makes a weight that starts so",
}

# FloatTensor, LongTensor …, which PyTorch once had for what dtype says
OLD_TYPES = {"half": "float16", "float": "float32", "double": "float64", "char": "int8", "byte": "uint8", "short": "int16",
             "int": "int32", "long": "int64", "bool": "bool"}


# what is at top level, and loads when it is first asked for: the file that it is in, or that it is
TOOLS = {"profile": "tools.profiler", "explain": "tools.explain", "pictures": "tools.pictures",
         "trace_nonfinite": "tools.nonfinite",
         "autocast": "amp", "GradScaler": "amp",
         "NonFinite": "tools.nonfinite", "doctor": "tools.doctor", "TrainingDoctor": "tools.doctor", "find_lr": "tools.doctor"}


def refuse(place: str, name: str, instead: dict[str, str] = INSTEAD) -> NoReturn:
    """Raise the error for a name that a subpackage does not have, with what comes near it, or stands in its place."""
    text = f"{place} has no {name!r}"
    near = difflib.get_close_matches(name, [x for x in vars(sys.modules[place]) if not x.startswith("_")], n=3, cutoff=0.7)
    if name in instead:
        text += f": {instead[name]}"
    elif name.endswith("Tensor") and name.removesuffix("Tensor").lower() in OLD_TYPES:
        where = ", device='cuda'" if place.endswith("cuda") else ""
        text += f": write tensor(data, dtype={OLD_TYPES[name.removesuffix('Tensor').lower()]}{where})"
    elif name.startswith("Lazy"):
        text += f": {name.removeprefix('Lazy')} is told its sizes"
    elif near:
        text += f": did you mean {' or '.join(near)}?"
    elif not name.startswith("_"):
        text += ": it is not offered here"
    raise fault(text)


def refuse_import(name: str) -> None:
    """Raise what `import name` is to say, if there is something in the place of that file."""
    place, _, name = name.rpartition(".")
    if name in INSTEAD:
        raise ModuleNotFoundError(f"{place} has no {name!r}: {INSTEAD[name]}")


def fault(text: str) -> Exception:
    """An AttributeError; in `from … import name`, where Python would replace its text by its own, an ImportError."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame = frame.f_back
    importing = frame.f_lasti >= 0 and frame.f_code.co_code[frame.f_lasti] == opmap["IMPORT_FROM"]
    return ImportError(text) if importing else AttributeError(text)


def is_file(path: str) -> bool:
    try:
        return importlib.util.find_spec(path) is not None
    except ModuleNotFoundError:                                 # by refuse_import
        return False


def find(name: str) -> Any:
    """The subpackage of that name, loaded, or a function of nn.functional; else an AttributeError with a suggestion."""
    if name in TOOLS:
        file = importlib.import_module(f"{package}.{TOOLS[name]}")
        return getattr(file, name, file)
    if name in FUNCTIONAL:
        return getattr(importlib.import_module(f"{package}.nn.functional"), name)
    if not name.startswith("_") and is_file(f"{package}.{name}"):
        return importlib.import_module(f"{package}.{name}")
    if name not in INSTEAD and not name.startswith("_"):
        if hasattr(Tensor, name):
            raise fault(f"{package} has no {name!r}: it is a method of Tensor")
        for place in ("nn", "optim", "nn.functional", "linalg"):
            if callable(vars(importlib.import_module(f"{package}.{place}")).get(name)):
                raise fault(f"{package} has no {name!r}: it is {place}.{name}")
    refuse(package, name)
