"""Keras's layers, channels last, on those of nn."""
from typing import NoReturn

from ..layer import Layer as Layer
from ..models import Input as Input, InputLayer as InputLayer
from .attention import *
from .conv import *
from .core import *
from .merging import *
from .normalization import *
from .pooling import *
from .recurrent import *


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from ..names import refuse
    refuse(__name__, name)
