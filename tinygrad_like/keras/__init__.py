"""A thin dialect of Keras: `import tinygrad_like as tf`, then `tf.keras.Sequential([...])`, on the modules of nn.

Channels come last, shapes are inferred, weights start as Keras starts them, and layers are Modules: what holds for these holds for
them.  `training` has compile, fit, evaluate and predict.  What Keras has and this has not raises an error that says so.
"""
from __future__ import annotations

import importlib
from typing import Any

from . import layers as layers, models as models
from .layer import KerasTensor as KerasTensor
from .models import Input as Input, Model as Model, Sequential as Sequential


def __getattr__(name: str) -> Any:
    """The other parts, loaded when they are first asked for."""
    if name in ("activations", "callbacks", "datasets", "initializers", "losses", "metrics", "optimizers", "regularizers", "utils"):
        return importlib.import_module(f"{__name__}.{name}")
    from .names import refuse
    return refuse(__name__, name)
