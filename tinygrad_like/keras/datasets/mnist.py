"""MNIST: see `tinygrad_like.data.datasets.MNIST`."""
from __future__ import annotations

import os
from typing import Any

from ...data.datasets import mnist_arrays


def load_data(path: Any = "mnist.npz") -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """((x_train, y_train), (x_test, y_test)): pictures (60000, 28, 28) and (10000, 28, 28) of bytes, and the digits.

    path: a folder to find mnist.npz in, and to download it to; by default that of Keras, ~/.keras/datasets.  The clone that this
    package was installed from is looked into as well.
    """
    path = os.fspath(path)
    folder = os.path.dirname(path) if path.endswith(".npz") else path
    return mnist_arrays(os.path.expanduser(os.path.join("~", ".keras", "datasets", folder)))
