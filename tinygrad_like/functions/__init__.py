"""Everything that is called as a function or as a method of Tensor, spelled as PyTorch spells it.  The formulas are in `ops/`."""
from . import convert, creation, elementwise, indexing, linalg, random, reduce, shape
from .convert import *
from .creation import *
from .elementwise import *
from .indexing import *
from .linalg import *
from .random import *
from .reduce import *
from .shape import *

# The functions, and not the files that they are in: `tinygrad_like.linalg` is another file than the one here.
__all__ = [name for file in (convert, creation, elementwise, indexing, linalg, random, reduce, shape) for name in file.__all__]
