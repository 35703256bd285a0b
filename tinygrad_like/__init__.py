"""tinygrad_like: a deep learning engine to read, on NumPy and CuPy.

Spelled as PyTorch: `import tinygrad_like as torch` runs a script that keeps to what is offered here.  Subpackages (`nn`, `optim`,
`linalg`, `testing`, …) load when they are first used.
"""
import sys
from math import e, inf, nan, pi

from . import autograd, derivatives
from .tensor import Tensor
from .types import (Size, device, dtype, finfo, get_default_device, get_default_dtype, iinfo, set_default_device, set_default_dtype)
from .types import complex64, complex128, float16, float32, float64, int8, int16, int32, int64, uint8
from .backend import set_debug
from .derivatives import checkpoint, hessian, hvp, jacobian, jvp, vhp, vjp
from .machine import get_num_threads, set_num_threads
from .grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .printing import set_printoptions
from .serialize import load, save
from .functions import *                    # after `from .tensor`: `tensor` shall be the function, not the file

from .types import bool_ as bool            # from here on Python's own bool, float and int are hidden
half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128

sys.modules[f"{__name__}.autograd.functional"] = derivatives                                # where PyTorch has them


class _Missing:
    """Where Python looks at last for a file that is imported: an error that says what there is instead."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name.startswith(f"{__name__}."):
            from .names import refuse_import
            refuse_import(name)


sys.meta_path.append(_Missing())
newaxis = None
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """What is not loaded yet, or an error that says what there is."""
    from .names import find
    return find(name)
