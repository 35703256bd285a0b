"""Everything that is called as a function or as a method of Tensor, spelled as PyTorch spells it.  The formulas are in `ops/`."""
from . import conv, convert, creation, elementwise, indexing, linalg, random, reduce, shape
from .common import check_inputs
from .conv import *
from .convert import *
from .creation import *
from .elementwise import *
from .indexing import *
from .linalg import *
from .random import *
from .reduce import *
from .shape import *

_files = (conv, convert, creation, elementwise, indexing, linalg, random, reduce, shape)
# The functions, and not the files that they are in: `tinygrad_like.linalg` is another file than the one here.
__all__ = [name for file in _files for name in file.__all__]

for _file in _files:
    check_inputs(vars(_file), _file.__all__)
check_inputs(globals(), __all__)
