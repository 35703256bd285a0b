"""Where PyTorch's scripts ask for other hardware, of which there is none here, and set how kernels are chosen, which raises."""
from __future__ import annotations

import sys
from typing import Any, NoReturn

from . import cuda as gpu


class Hardware:
    """Hardware, or a library for it, as PyTorch's scripts ask for it.  There are no settings: to set one raises."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)

    def is_available(self) -> bool:
        return False

    def is_built(self) -> bool:
        return False

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{name} = {value!r}: there is one kernel for each op here, and nothing to set: leave it out")


mps, cudnn = Hardware(), Hardware()
cuda = Hardware(is_built=gpu.is_available, matmul=Hardware())
sys.modules[f"{__name__}.cudnn"] = cudnn                        # type: ignore[assignment]    # import ….backends.cudnn as cudnn
