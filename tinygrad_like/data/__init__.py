"""Data: sets of samples, how they are ordered, batched and fetched, and what is done to them on the way.

`utils.data` has the names of torch.utils.data; `data.transforms` and `data.datasets` those of torchvision's parts of that name.
"""
from .dataset import *
from .sampler import *
from .loader import *
