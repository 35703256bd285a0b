"""Where PyTorch's scripts look for data sets, samplers and the DataLoader: see `tinygrad_like.data`."""
import sys
from typing import Any

from ..data import dataset, loader as dataloader, sampler
from ..data.dataset import *
from ..data.loader import *
from ..data.sampler import *
from ..names import refuse

for _name, _file in ("dataset", dataset), ("dataloader", dataloader), ("sampler", sampler):
    sys.modules[f"{__name__}.{_name}"] = _file                  # from ….utils.data.sampler import SubsetRandomSampler


def __getattr__(name: str) -> Any:
    refuse(__name__, name, {"DistributedSampler": "there is one process: use RandomSampler",
                            "IterDataPipe": "subclass IterableDataset", "MapDataPipe": "subclass Dataset"})
