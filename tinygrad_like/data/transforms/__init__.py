"""Images made ready for a network, and varied while it trains: what torchvision has under `transforms`.

    transform = Compose([Resize((32, 32)), RandomHorizontalFlip(), ToTensor(), Normalize((0.5,) * 3, (0.5,) * 3)])

They take PIL pictures (by Pillow: pip install 'tinygrad_like[vision]'), and tensors of shape (…, C, H, W) where that makes sense.
`functional` has what they do, one function each.
"""
from ...names import fault
from . import functional
from .chance import *
from .fixed import *


def __getattr__(name: str) -> object:
    if name[:1].isupper():
        raise fault(f"transforms has no {name!r}: it is not offered here.  Lambda(function) makes a transform of any "
                    f"function of an image, and functional has {', '.join(functional.__all__[-14:])}, …")
    raise fault(f"transforms has no {name!r}")
