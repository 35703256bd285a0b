"""Where PyTorch's scripts look for checkpointing and for data."""
from __future__ import annotations

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    """`utils.data` and `utils.checkpoint`, loaded when they are first asked for."""
    if name in ("checkpoint", "data"):
        return importlib.import_module(f"{__name__}.{name}")
    from ..names import refuse
    refuse(__name__, name)
