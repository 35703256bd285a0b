"""What networks are built from."""
from typing import TYPE_CHECKING

from . import functional as functional, init as init, utils as utils
from .activation import *
from .adaptive import *
from .attention import *
from .containers import *
from .conv import *
from .distance import *
from .dropout import *
from .embedding import *
from .flatten import *
from .fold import *
from .linear import *
from .loss import *
from .module import *
from .normalization import *
from .padding import *
from .parameter import *
from .pooling import *
from .positional import *
from .recurrent import *
from .transformer import *
from .vision import *

if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from ..names import refuse
        refuse(__name__, name)
