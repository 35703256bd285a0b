"""The methods of Tensor that are functions too."""
from .functions.convert import Convert
from .functions.creation import Creation
from .functions.elementwise import Elementwise
from .functions.indexing import Indexing
from .functions.linalg import Linalg
from .functions.random import Random
from .functions.reduce import Reduce
from .functions.shape import Shape


class Methods(Convert, Creation, Elementwise, Indexing, Linalg, Random, Reduce, Shape):
    """x.f(…) is f(x, …) for every function f of the folder `functions` that PyTorch has as a method."""
    __slots__ = ()
