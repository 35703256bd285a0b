"""Where PyTorch's scripts look for data sets, samplers and the DataLoader: see `tinygrad_like.data`."""
import sys

from ..data import dataset, loader as dataloader, sampler
from ..data.dataset import *
from ..data.loader import *
from ..data.sampler import *

for _name, _file in ("dataset", dataset), ("dataloader", dataloader), ("sampler", sampler):
    sys.modules[f"{__name__}.{_name}"] = _file                  # from ….utils.data.sampler import SubsetRandomSampler
