"""Every op with its derivatives: the formulas of backpropagation, spelled as NumPy spells them."""
from .activation import *
from .attention import *
from .conv import *
from .convert import *
from .ctc import *
from .elementwise import *
from .indexing import *
from .linalg import *
from .loss import *
from .normalize import *
from .pool import *
from .recurrent import *
from .reduce import *
from .resize import *
from .shape import *
