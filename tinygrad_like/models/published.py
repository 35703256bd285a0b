"""What the functions with torchvision's names share: weights are files of one's own, not fetched."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any


def built(network: Callable[..., Any], *sizes: Any, weights: None = None, pretrained: bool = False, progress: bool = True,
          **options: Any) -> Any:
    """network(*sizes, **options).  torchvision's `weights` and `pretrained` can only be None and False; `progress` is that of a
    download, of which there is none."""
    if weights is not None or pretrained:
        raise NotImplementedError("pretrained weights are not fetched here: save them where they are with "
                                  "torch.save(model.state_dict(), 'weights.pth'), and model.load_state_dict(load('weights.pth')) "
                                  "takes them, as the keys are the same")
    return network(*sizes, **options)
