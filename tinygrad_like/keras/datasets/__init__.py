"""Data sets, as arrays: `keras.datasets.mnist.load_data()`."""
from typing import NoReturn

from . import mnist as mnist


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from ..names import refuse
    refuse(__name__, name)
