"""The functions that layers compute, spelled as PyTorch spells them: `import tinygrad_like.nn.functional as F`."""
from ...functions.elementwise import hardshrink, prelu, sigmoid, tanh
from ...functions.indexing import one_hot
from ...functions.linalg import bilinear, linear
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
