"""The functions that layers compute, spelled as PyTorch spells them: `import tinygrad_like.nn.functional as F`."""
from typing import TYPE_CHECKING

from ...functions.elementwise import hardshrink, prelu, sigmoid, tanh
from ...functions.indexing import one_hot
from ...functions.linalg import bilinear, linear, pdist
from ...functions.shape import pad
from .activation import *
from .attention import *
from .conv import *
from .distance import *
from .dropout import *
from .embedding import *
from .loss import *
from .normalization import *
from .pooling import *
from .positional import *
from .vision import *

if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from ...names import refuse
        refuse(__name__, name)
