"""What the functions of this folder share: NumPy's names for their arguments, and the methods that work in place."""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ..tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def numpy_names(function: F) -> F:
    """Have a function take axis= for dim= and keepdims= for keepdim=, as PyTorch's do."""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if "axis" in kwargs:
            kwargs["dim"] = kwargs.pop("axis")
        if "keepdims" in kwargs:
            kwargs["keepdim"] = kwargs.pop("keepdims")
        return function(*args, **kwargs)
    return call                                                 # type: ignore[return-value]


def in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that gives a tensor the function's result for its new value: add_ from add."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._become(method.__name__, lambda: function(self, *args, **kwargs))
    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__doc__ = f"`{function.__name__}`, in place: see there.  Returns this tensor."
    return method
