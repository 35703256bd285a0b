"""Everything that is called as a function or as a method of Tensor, spelled as PyTorch spells it.  The formulas are in `ops/`."""
from .elementwise import *
from .reduce import *
from .shape import *
