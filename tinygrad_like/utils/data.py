"""Where PyTorch's scripts look for data sets, samplers and the DataLoader: see `tinygrad_like.data`."""
from ..data.dataset import *
from ..data.loader import *
from ..data.sampler import *
