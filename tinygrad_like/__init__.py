"""tinygrad_like: a deep learning engine to read, on NumPy and CuPy."""
from . import autograd as autograd
from .functions import *
from .tensor import Tensor
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
