"""What the functions of this folder share: the check of their input, NumPy's names for arguments, methods that work in place."""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .. import autograd, backend

if TYPE_CHECKING:
    from ..tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def check_inputs(names: dict[str, Any], public: list[str]) -> None:
    """Have the public functions of a file refuse what is no Tensor.

    Ops compute with arrays and numbers as well, as derivatives need it.  A user who hands a list or an array to a function has
    forgotten to make a tensor of it, and no gradient would ever arrive there.
    """
    for name in public:
        if inspect.isfunction(names[name]):
            names[name] = takes_tensors(names[name])


@functools.cache                                                # two names of one function remain one
def takes_tensors(function: F) -> F:
    """The function of a Tensor, with an error if that is none; a number passes beside another Tensor, as in add(2, x)."""
    parameters = list(inspect.signature(function).parameters)
    first = parameters[0] if parameters else ""
    if (first != "input" and function.__annotations__.get(first) != "Tensor") or hasattr(function, "takes_tensors"):
        return function                                         # of lists, sizes, …, which it checks by itself; or checked already

    def check(*args: Any, **kwargs: Any) -> None:
        if not args and first not in kwargs:
            return                                              # the function says what it misses
        x, given = args[0] if args else kwargs[first], [*args, *kwargs.values()]
        beside = any(isinstance(each, autograd.Tensor) for each in given)
        if not isinstance(x, autograd.Tensor) and (not beside or backend.python_number(x) is None):
            name = type(x).__name__ if type(x).__module__ == "builtins" else f"{type(x).__module__}.{type(x).__name__}"
            tensors_inside = isinstance(x, tuple) and any(isinstance(each, autograd.Tensor) for each in x)
            raise TypeError(f"{function.__name__}: {first} is a Tensor, got {name}: "
                            + ("take the one that is meant, as x[0] of the (output, state) that nn.LSTM returns" if tensors_inside
                               else "make one with tensor(…)"))

    if parameters == ["input"]:                                 # the usual case, at half the cost
        def call(input: Any) -> Any:
            if not isinstance(input, autograd.Tensor):
                check(input)
            return function(input)
    else:
        def call(*args: Any, **kwargs: Any) -> Any:             # type: ignore[misc]
            if not args or not isinstance(args[0], autograd.Tensor):
                check(*args, **kwargs)
            return function(*args, **kwargs)
    call.takes_tensors = True                                   # type: ignore[attr-defined]
    return functools.wraps(function)(call)                      # type: ignore[return-value]


def numpy_names(function: F) -> F:
    """Have a function take axis= for dim= and keepdims= for keepdim=, as PyTorch's do."""
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
            if theirs in kwargs:
                if ours in kwargs:
                    raise TypeError(f"{function.__name__}: {theirs} is another name for {ours}, and both were given")
                kwargs[ours] = kwargs.pop(theirs)
        return function(*args, **kwargs)
    return call                                                 # type: ignore[return-value]


def in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The method that gives a tensor the function's result for its new value: add_ from add."""
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return self._become(method.__name__, lambda: function(self, *args, **kwargs))
    method.__name__ = method.__qualname__ = f"{function.__name__}_"
    method.__module__ = function.__module__                     # where pickle looks for it
    method.__doc__ = f"`{function.__name__}`, in place: see there.  Returns this tensor."
    return method
