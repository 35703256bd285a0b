"""Everything that is called as a function or as a method of Tensor, spelled as PyTorch spells it.  The formulas are in `ops/`."""
from .convert import *
from .creation import *
from .elementwise import *
from .indexing import *
from .linalg import *
from .random import *
from .reduce import *
from .shape import *
