"""What networks are built from."""
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
