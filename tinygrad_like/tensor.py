"""Tensor: an array, and the node that remembers where it came from."""
from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from opcode import opmap
from typing import Any

from . import autograd, backend, edits, errors, op, ops, promotion
from .functions.creation import new_array
from .functions.indexing import read, write, written
from .grad_mode import grad_mode
from .methods import Methods
from .op import Node, raw
from .types import Size, device, dtype, dtype_of, get_default_dtype

STORE_SUBSCR = opmap["STORE_SUBSCR"]                            # what Python compiles `something[index] = value` to


class Tensor(Methods):
    """An n-dimensional array of numbers that can be differentiated by.

    array: the NumPy or CuPy array.         node: its place in the history; None where no gradient is wanted.

    A tensor with `requires_grad=True` is a leaf: `backward()` on what is computed from it fills in its `.grad`.
    Arrows run from a Tensor to its Node to the Nodes it came from, and never back: dropping the loss frees the history.
    """
    __slots__ = ("array", "node", "__weakref__")
    array: Any
    node: Node | None

    def __init__(self, *data: Any, device: Any = None) -> None:
        """Tensor([1, 2]) is a float tensor of that data, Tensor(2, 3) one of that shape (zeros).  `tensor()` says more."""
        sizes = data[0] if len(data) == 1 and isinstance(data[0], Size) else data
        if all(isinstance(n, (int, backend.host.integer)) for n in sizes):
            made = new_array(backend.host.zeros(sizes if data else 0), get_default_dtype(), device)
        elif len(data) == 1 and not isinstance(data[0], (float, complex)):
            made = new_array(data[0], get_default_dtype(), device)
        else:
            raise TypeError(f"Tensor takes one array or list of numbers, or the sizes of a shape, got {data}: "
                            "tensor() takes numbers")
        self.array, self.node = made, None

    # ---- what it is ---------------------------------------------------------------------------------------------
    @property
    def shape(self) -> Size:
        return Size(self.array.shape)

    @property
    def dtype(self) -> dtype:
        return dtype_of(self.array)

    @property
    def device(self) -> device:
        name = backend.device_of(self.array)
        return device(name) if name == "cpu" else device(name, 0)

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to here.  Setting it makes a leaf, or ends being one."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if bool(wanted) == (self.node is not None):
            return
        if not wanted:
            if not self.is_leaf:
                raise RuntimeError("only a leaf can stop requiring grad, and this tensor was computed from others: "
                                   "use its detach()")
            self.node = None
        elif self.array.dtype.kind not in "fc":
            raise RuntimeError(f"only floating-point tensors can require grad, and this one is of dtype {self.dtype}: "
                               "convert it first, for example with .float()")
        else:
            self.node = Node(None, [], None, self.array)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad`, and return this tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed from something that wants gradients."""
        return self.node is None or self.node.op is None

    @property
    def grad_fn(self) -> Node | None:
        """The application of an op that this tensor is the result of; None for a leaf."""
        return None if self.is_leaf else self.node

    @property
    def grad(self) -> Tensor | None:
        """dL/d(this), summed over the calls of `backward` since it was last cleared.  For leaves and after `retain_grad()`."""
        return None if self.node is None else self.node.grad

    @grad.setter
    def grad(self, g: Tensor | None) -> None:
        if g is not None:
            if not isinstance(g, Tensor):
                raise TypeError(f"a gradient is a Tensor or None, got {type(g).__name__}")
            if self.node is None:
                raise RuntimeError("this tensor has no place for a gradient: call requires_grad_() on it first")
            if g.array.shape != self.array.shape:
                raise errors.ShapeError(f"the gradient of a tensor of shape {tuple(self.shape)} has the same shape, "
                                        f"but {tuple(g.shape)} was assigned")
            if g.array.dtype != self.array.dtype:
                raise RuntimeError(f"the gradient of a tensor of type {self.dtype} has the same type, but {g.dtype} was assigned: "
                                   "convert it first, for example with g.to(x.dtype)")
        if self.node is not None:
            self.node.grad = g

    @grad.deleter
    def grad(self) -> None:
        self.grad = None

    @property
    def data(self) -> Tensor:
        """This tensor without its history, sharing its memory: edits of it are noticed.  Assigning replaces the memory."""
        return self.detach()

    @data.setter
    def data(self, new: Tensor) -> None:
        self.array = new.array
        leaf = self.node if self.is_leaf else None
        if leaf is not None and (leaf.shape, leaf.dtype) != (new.array.shape, new.array.dtype):
            self.node = Node(None, [], None, self.array)

    # ---- gradients ----------------------------------------------------------------------------------------------
    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Any = None) -> None:
        """Add dL/dt to the `.grad` of every leaf t that L = this tensor depends on: see `autograd.backward`."""
        autograd.backward(self, None if gradient is None else [gradient], retain_graph, create_graph, inputs=inputs)

    def detach(self) -> Tensor:
        """The same values, in the same memory, as a constant."""
        return autograd.wrap(self.array)

    def detach_(self) -> Tensor:
        """Forget the history of this tensor: it becomes a constant."""
        self.node = None
        return self

    def retain_grad(self) -> None:
        """Have `backward` fill in `.grad` here too, though this is no leaf."""
        if self.node is None:
            raise RuntimeError("retain_grad: this tensor does not require grad, so no gradient will arrive here")
        self.node.retains = True

    @property
    def retains_grad(self) -> bool:
        return bool(self.node is not None and self.node.op is not None and self.node.retains)

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Hook:
        """Call hook(g) when the gradient g of this tensor is known; what it returns, if anything, takes the place of g."""
        if self.node is None:
            raise RuntimeError("cannot register a hook on a tensor that does not require grad: no gradient will arrive here")
        if self.node.hooks is None:
            self.node.hooks = {}
        return Hook(self.node.hooks, hook)

    # ---- to and from Python and NumPy ---------------------------------------------------------------------------
    def item(self) -> Any:
        """The Python number in a tensor of one element."""
        if self.array.size != 1:
            raise errors.ShapeError(f"a tensor of shape {tuple(self.shape)} has {self.array.size} elements, and only one can "
                                    "become a Python number: index it first, or use tolist()")
        return self.array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.array.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        """The NumPy array of a constant on the CPU, sharing its memory.  force=True detaches and moves it there first."""
        if not force:
            if self.node is not None:
                raise RuntimeError("numpy(): this tensor requires grad, and NumPy would lose its history: "
                                   "use x.detach().numpy()")
            if backend.device_of(self.array) != "cpu":
                raise TypeError(f"numpy(): this tensor is on {self.device}: use x.cpu().numpy() to copy it to host memory")
        array = backend.to_device(self.array, "cpu")
        if backend.debug and not force:
            array = array.view()
            array.flags.writeable = False                       # so that an edit unseen by `edits` cannot happen
        return array

    __array_priority__ = 1000                                   # an array on the left of an operator lets us answer

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.node is not None and grad_mode.enabled:
            raise into_array()
        return backend.host.array(self.detach().numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from .functions.numpy_calls import call_ufunc
        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from .functions.numpy_calls import call_function
        return call_function(function, args, kwargs)

    def __float__(self) -> float:
        return float(self._number(sys._getframe(1)))

    def __int__(self) -> int:
        return int(self._number(sys._getframe(1)))

    def __complex__(self) -> complex:
        return complex(self._number(sys._getframe(1)))

    def _number(self, asking: Any) -> Any:
        """The number for a caller's float(x); but not for its `buffer[i] = x`, which asks alike, if history would be lost."""
        if self.node is not None and grad_mode.enabled and asking.f_code.co_code[asking.f_lasti] == STORE_SUBSCR:
            raise into_array()
        return self.item()

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(f"a tensor of {self.array.size} elements (shape {tuple(self.shape)}) is neither true nor false: "
                               "use .any() or .all(), or equal() to compare two tensors whole")
        return bool(self.item())

    def __index__(self) -> int:
        if self.array.size != 1 or self.array.dtype.kind not in "iub":
            raise TypeError(f"only an integer tensor of one element can be an index, got shape {tuple(self.shape)}, {self.dtype}")
        return int(self.item())

    def __len__(self) -> int:
        if self.array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, x: Any) -> bool:
        if not is_operand(x):
            raise RuntimeError(f"`x in tensor` asks for a number or a tensor x, got {type(x).__name__}")
        return bool((self.array == raw(x)).any())

    def __repr__(self) -> str:
        from .printing import represent
        return represent(self)

    def __format__(self, form: str) -> str:
        if self.array.ndim == 0:
            return format(self.item(), form)
        return object.__format__(self, form)

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError("only leaves can be deep-copied, and this tensor was computed from others: copy its detach()")
        copy = type(self).__new__(type(self))
        memo[id(self)] = copy
        if id(self.array) not in memo:                          # tensors that share an array share its copy
            memo[id(self.array)] = self.array.copy()
        copy.array, copy.node = memo[id(self.array)], None
        copy.requires_grad = self.requires_grad
        if self.grad is not None:
            copy.grad = deepcopy(self.grad if self.grad.is_leaf else self.grad.detach(), memo)
        for name, value in own_attributes(self).items():
            setattr(copy, name, deepcopy(value, memo))
        return copy

    def __reduce__(self) -> Any:
        """For pickle and copy.copy: the values and whether gradients are wanted, without the history and the gradient."""
        device = backend.device_of(self.array)
        return rebuild, (type(self), backend.to_device(self.array, "cpu"), device, self.requires_grad), (None, own_attributes(self))

    # ---- operators ----------------------------------------------------------------------------------------------
    def __add__(self, y: Any) -> Tensor: return ops.add(self, y)
    def __radd__(self, x: Any) -> Tensor: return ops.add(x, self)
    def __sub__(self, y: Any) -> Tensor: return ops.sub(self, y)
    def __rsub__(self, x: Any) -> Tensor: return ops.sub(x, self)
    def __mul__(self, y: Any) -> Tensor: return ops.mul(self, y)
    def __rmul__(self, x: Any) -> Tensor: return ops.mul(x, self)
    def __truediv__(self, y: Any) -> Tensor: return ops.div(self, y)
    def __rtruediv__(self, x: Any) -> Tensor: return ops.div(x, self)
    def __floordiv__(self, y: Any) -> Tensor: return ops.floor_divide(self, y)
    def __rfloordiv__(self, x: Any) -> Tensor: return ops.floor_divide(x, self)
    def __mod__(self, y: Any) -> Tensor: return ops.remainder(self, y)
    def __rmod__(self, x: Any) -> Tensor: return ops.remainder(x, self)
    def __pow__(self, y: Any) -> Tensor: return ops.pow(self, y)
    def __rpow__(self, x: Any) -> Tensor: return ops.pow(x, self)
    def __matmul__(self, y: Any) -> Tensor: return ops.matmul(self, y)
    def __rmatmul__(self, x: Any) -> Tensor: return ops.matmul(x, self)
    def __neg__(self) -> Tensor: return ops.neg(self)
    def __pos__(self) -> Tensor: return self.positive()
    def __abs__(self) -> Tensor: return ops.abs(self)
    def __invert__(self) -> Tensor: return ops.bitwise_not(self)
    def __and__(self, y: Any) -> Tensor: return ops.bitwise_and(self, y)
    def __or__(self, y: Any) -> Tensor: return ops.bitwise_or(self, y)
    def __xor__(self, y: Any) -> Tensor: return ops.bitwise_xor(self, y)
    def __lshift__(self, y: Any) -> Tensor: return ops.bitwise_left_shift(self, y)
    def __rshift__(self, y: Any) -> Tensor: return ops.bitwise_right_shift(self, y)
    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__
    def __lt__(self, y: Any) -> Tensor: return ops.less(self, y)
    def __le__(self, y: Any) -> Tensor: return ops.less_equal(self, y)
    def __gt__(self, y: Any) -> Tensor: return ops.greater(self, y)
    def __ge__(self, y: Any) -> Tensor: return ops.greater_equal(self, y)
    def __eq__(self, y: Any) -> Tensor:                                       # type: ignore[override]
        return ops.equal(self, y) if is_operand(y) else NotImplemented
    def __ne__(self, y: Any) -> Tensor:                                       # type: ignore[override]
        return ops.not_equal(self, y) if is_operand(y) else NotImplemented

    def __getitem__(self, index: Any) -> Tensor:
        return read(self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        if grad_mode.enabled and (self.node is not None or getattr(value, "node", None) is not None):
            self._become("x[index] = value", lambda: written(self, index, value))
        else:
            edits.writable(self.array, "x[index] = value")
            write(self, index, value)
            edits.edited(self.array, "x[index] = value")

    # ---- edits in place -----------------------------------------------------------------------------------------
    def _become(self, how: str, compute: Callable[[], Tensor]) -> Tensor:
        """Take the value of compute(), in place.

        If gradients flow through the new value, or through this one, the tensor moves to new memory with the new history,
        and what others kept of the old memory stays as it was.  Only a constant's memory (or any, under no_grad) is written to.
        """
        if grad_mode.enabled and self.node is not None and self.node.op is None:
            raise RuntimeError(f"{how}: a leaf that requires grad is being changed in place, and its old value would be lost to "
                               "the backward pass: do it under no_grad(), or compute a new tensor")
        new = compute()
        if new.array.shape != self.array.shape:
            raise errors.ShapeError(f"{how}: the result has shape {tuple(new.shape)}, which does not fit into this tensor of shape "
                                    f"{tuple(self.shape)}: an in-place operation does not broadcast its own tensor")
        if new.array.dtype != self.array.dtype and not promotion.can_cast(new.array.dtype, self.array.dtype):
            raise RuntimeError(f"{how}: a result of type {new.dtype} cannot be put into a tensor of type {self.dtype}: convert one "
                               "of them, or write x = x + … instead")
        if new.node is None and (self.node is None or not grad_mode.enabled):
            edits.writable(self.array, how)[...] = new.array
            edits.edited(self.array, how)
            return self
        if has_other_views(self.array):
            raise RuntimeError(f"{how}: this tensor is a view, it shares memory with another tensor, and gradients flow through "
                               "it: compute a new tensor instead (x = x + …), or edit a copy (x = x.clone() first), or write "
                               "through the whole, as in whole[index] = whole[index] + …")
        new = new.astype(self.array.dtype) if new.array.dtype != self.array.dtype else new
        self.array, self.node = new.array, new.node             # no node: nothing is left of what it was computed from
        return self

    def _edit(self, how: str, op: Any, y: Any, directly: Callable[[Any, Any], Any]) -> Tensor:
        """Take the value of op(self, y), in place: by the array's own operator where that gives the same, else by `_become`."""
        array, z = self.array, raw(y)
        constants = not grad_mode.enabled or (self.node is None and getattr(y, "node", None) is None)
        if constants and array.dtype.kind == "f" and (type(z) is float or type(z) is int or (
                type(z) is type(array) and z.dtype == array.dtype and z.shape == array.shape)):
            directly(edits.writable(array, how), z)
            edits.edited(array, how)
            return self
        return self._become(how, lambda: op(self, y))

    def __iadd__(self, y: Any) -> Tensor: return self._edit("x += y", ops.add, y, operator.iadd)
    def __isub__(self, y: Any) -> Tensor: return self._edit("x -= y", ops.sub, y, operator.isub)
    def __imul__(self, y: Any) -> Tensor: return self._edit("x *= y", ops.mul, y, operator.imul)
    def __itruediv__(self, y: Any) -> Tensor: return self._edit("x /= y", ops.div, y, operator.itruediv)
    def __ipow__(self, y: Any) -> Tensor: return self._become("x **= y", lambda: ops.pow(self, y))
    def __ifloordiv__(self, y: Any) -> Tensor: return self._become("x //= y", lambda: ops.floor_divide(self, y))
    def __imod__(self, y: Any) -> Tensor: return self._become("x %= y", lambda: ops.remainder(self, y))


op.Tensor = autograd.Tensor = Tensor                            # type: ignore[misc]  # the engine was there first: it wraps in this


class Hook:
    """A hook that was registered: `remove()` takes it away again, and so does the end of a `with`."""

    def __init__(self, hooks: dict[int, Callable[..., Any]], hook: Callable[..., Any]) -> None:
        self.hooks, self.key = hooks, next(edits.clock)
        hooks[self.key] = hook

    def remove(self) -> None:
        self.hooks.pop(self.key, None)

    def __enter__(self) -> Hook:
        return self

    def __exit__(self, *_: Any) -> None:
        self.remove()


def is_operand(x: Any) -> bool:
    return isinstance(x, Tensor) or type(x) in backend.array_types or backend.python_number(x) is not None


def has_other_views(array: Any) -> bool:
    """Whether an array that does not own its memory shares it with something else alive."""
    owner = getattr(array, "base", None)
    return owner is not None and sys.getrefcount(owner) > 3     # `owner`, the call's argument, and the array's own reference


def rebuild(kind: type[Tensor], array: Any, device: str, requires_grad: bool) -> Tensor:
    """A Tensor from what pickle stored."""
    tensor = kind.__new__(kind)
    tensor.array, tensor.node = backend.to_device(array, device), None
    tensor.requires_grad = requires_grad
    return tensor


def own_attributes(tensor: Tensor) -> dict[str, Any]:
    """What a subclass of Tensor, or its user, has put on it."""
    names: list[str] = []
    for kind in type(tensor).__mro__[:-1]:
        slots = vars(kind).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    own = {name: getattr(tensor, name) for name in names
           if name not in ("array", "node", "__weakref__", "__dict__") and hasattr(tensor, name)}
    return own | getattr(tensor, "__dict__", {})


def into_array() -> RuntimeError:
    return RuntimeError("NumPy asks for the numbers of a tensor that requires grad, and they would be without its history.  For "
                        "buffer[i] = x: make the buffer a tensor (buffer = zeros(…)), or collect the tensors in a list and use "
                        "stack(list).  If only the numbers are wanted: x.item(), x.tolist() or x.detach().numpy()")
