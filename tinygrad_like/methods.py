"""The methods of Tensor that are functions too."""
from .functions.elementwise import Elementwise
from .functions.reduce import Reduce
from .functions.shape import Shape


class Methods(Elementwise, Reduce, Shape):
    """x.f(…) is f(x, …) for every function f of the folder `functions` that PyTorch has as a method."""
    __slots__ = ()
