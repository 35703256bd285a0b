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


for _part in Methods.__bases__:
    for _name, _method in vars(_part).items():
        if getattr(_method, "__qualname__", None) == f"{_part.__name__}.{_name}":
            _method.__qualname__ = f"Tensor.{_name}"            # which Python's errors about arguments say
