"""Pickles: the programs that Python stores objects as, and how to read one without running it.

A pickle is a list of instructions for a machine with a stack.  Most push something plain (a number, a string, an empty list) or
put what was pushed into a list or dict.  Dangerous are few: GLOBAL pushes any function or class of any module, REDUCE calls what
was pushed, and BUILD hands state to an object, whose class may do anything with it.  `pickle.load` obeys: cos\\nsystem pushes
os.system, and the next two instructions call it.

`Reader` walks through the same instructions, but GLOBAL pushes a `Name`: two words, nothing that could be called or looked into.
They must be in a table of what is known, and REDUCE asks that table for the function that makes such a thing: of checked numbers,
written for this.  BUILD knows two cases by heart.  So the worst that a file can do is to make lists and dicts.
"""
from __future__ import annotations

import pickletools
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import backend
from ..errors import BadFile
from ..types import device as Device, dtype as Dtype

if TYPE_CHECKING:
    from . import Source


class Name(NamedTuple):
    """What a pickle calls a function or a class."""
    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


PLAIN = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
         "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8",
         "BYTEARRAY8"}                                          # they push their argument
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
PYTHON_2 = {"__builtin__": "builtins", "numpy.core.multiarray": "numpy._core.multiarray"}       # old names of modules


class Reader:
    """Reads the pickle at which source.file stands, to its end.

    find(name): what a Name means that is not Python's own: a value, or a `Maker`; raises if there is no such thing.
    storage(id): the object for the "persistent id" of a storage.
    """

    def __init__(self, source: Source, find: Callable[[Name], Any], storage: Callable[[tuple[Any, ...]], Any]) -> None:
        self.source, self.find, self.storage = source, find, storage
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []                        # the stack in parts: one more for each MARK

    def read(self) -> Any:
        try:
            return self.follow()
        except BadFile:
            raise
        except Exception as error:                              # the stack is empty, a list is no list, …
            raise self.source.bad(f"the pickle that says what is in it is damaged ({type(error).__name__}: {error})") from error

    def follow(self) -> Any:
        memo: dict[int, Any] = {}
        arg: Any
        for code, arg, _ in pickletools.genops(self.source.file):
            stack, step = self.stack, code.name
            if step in PLAIN:
                stack.append(arg)
            elif step in CONSTANTS:
                stack.append(CONSTANTS[step])
            elif step in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
                memo[len(memo) if arg is None else arg] = stack[-1]
            elif step in ("BINGET", "LONG_BINGET", "GET"):
                stack.append(memo[arg])
            elif step == "MARK":
                self.below.append(stack)
                self.stack = []
            elif step == "EMPTY_DICT":
                stack.append({})
            elif step == "EMPTY_LIST":
                stack.append([])
            elif step == "EMPTY_SET":
                stack.append(set())
            elif step in ("TUPLE1", "TUPLE2", "TUPLE3"):
                stack.append(tuple([stack.pop() for _ in range(int(step[-1]))][::-1]))
            elif step in ("TUPLE", "LIST", "FROZENSET"):
                items = self.items()
                self.stack.append(tuple(items) if step == "TUPLE" else items if step == "LIST" else frozenset(map(key, items)))
            elif step == "DICT":
                self.stack.append(put({}, self.items()))
            elif step == "APPEND":
                item = stack.pop()
                self.top(list).append(item)
            elif step == "APPENDS":
                items = self.items()
                self.top(list).extend(items)
            elif step == "ADDITEMS":
                items = self.items()
                self.top(set).update(map(key, items))
            elif step == "SETITEM":
                value, word = stack.pop(), stack.pop()
                put(self.top(dict, OrderedDict, Counter), [word, value])
            elif step == "SETITEMS":
                items = self.items()
                put(self.top(dict, OrderedDict, Counter), items)
            elif step == "GLOBAL":
                stack.append(self.known(*arg.split(" ", 1)))
            elif step == "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(self.known(module, name))
            elif step in ("REDUCE", "NEWOBJ"):
                args = stack.pop()
                stack.append(self.made(stack.pop(), args))
            elif step == "INST":
                args = tuple(self.items())
                self.stack.append(self.made(self.known(*arg.split(" ", 1)), args))
            elif step == "BUILD":
                state = stack.pop()
                self.build(stack[-1], state)
            elif step == "BINPERSID":
                stack.append(self.persistent(stack.pop()))
            elif step == "PERSID":
                stack.append(self.persistent(arg))
            elif step == "POP":
                stack.pop()
            elif step == "DUP":
                stack.append(stack[-1])
            elif step == "POP_MARK":
                self.items()
            elif step == "STOP":
                return stack.pop()
            elif step not in ("PROTO", "FRAME"):
                raise self.refused(f"uses the instruction {step}" + ("" if arg is None else f" {arg}")
                                   + (", a number for some function of the process that wrote it" if step[:3] == "EXT" else ""))

    def items(self) -> list[Any]:
        """What was pushed since the last MARK."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def top(self, *kinds: type) -> Any:
        if type(self.stack[-1]) not in kinds:
            raise self.refused(f"puts something into a {type(self.stack[-1]).__name__}")
        return self.stack[-1]

    def known(self, module: Any, name: Any) -> Any:
        full = Name(PYTHON_2.get(module, module), name)
        if full in MAKERS:
            return full
        found = self.find(full)
        return full if isinstance(found, Maker) else found

    def made(self, name: Any, args: Any) -> Any:
        """What `name(*args)` stands for."""
        if type(name) is not Name:
            raise self.refused(f"calls a {type(name).__name__}")
        maker = MAKERS.get(name) or self.find(name)
        if type(maker) is not Maker or type(args) is not tuple:
            raise self.refused(f"calls {name} with {type(args).__name__}")
        return maker.make(*args)

    def build(self, made: Any, state: Any) -> None:
        """The state that is handed to what was made."""
        if type(made) is OrderedDict and type(state) is dict and list(state) == ["_metadata"]:
            made._metadata = state["_metadata"]                 # type: ignore[attr-defined]  # of a state_dict: versions of layers
        elif type(made) is NumpyType:
            made.order = {"<": "<", ">": ">"}.get(state[1], "|")
        else:
            raise self.refused(f"sets the state of a {type(made).__name__}")

    def persistent(self, id: Any) -> Any:
        if type(id) is not tuple or not id or id[0] != "storage":
            what = id[0] if type(id) is tuple and id else id
            raise self.refused(f"has a persistent id that is no storage ({what!r:.60})")
        return self.storage(id[1:])

    def place(self) -> str:
        """The last key that was read, for an error about its value."""
        words = [x for x in self.stack if type(x) is str] or [x for part in self.below for x in part if type(x) is str]
        return repr(words[-1]) if words else "something"

    def refused(self, what: str) -> Exception:
        return self.source.bad(f"the pickle in it {what}, which neither tensors nor plain values need.  Nothing that a file asks "
                               "for is executed here.  If it holds a whole model, from torch.save(model, …), and you trust it: "
                               "load it in PyTorch, where its class is, and save model.state_dict()")


class Maker:
    """A function that makes what a Name stands for."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make


ATOMS = (str, bytes, int, float, complex, bool, type(None), Dtype, Device)


def key(x: Any) -> Any:
    """x as the key of a dict or the element of a set: something plain, or a tuple of that.

    Tuples in tuples in tuples … would crash Python when it computes their hash.
    """
    if type(x) in ATOMS or type(x) is tuple and all(type(each) in ATOMS for each in x):
        return x
    raise TypeError(f"a {type(x).__name__} as a key")


def put(into: Any, items: list[Any]) -> Any:
    if len(items) % 2:
        raise ValueError("a key without a value")
    for i in range(0, len(items), 2):
        into[key(items[i])] = items[i + 1]
    return into


def exactly(kind: type, x: Any) -> Any:
    if type(x) is not kind:
        raise TypeError(f"a {type(x).__name__} where a {kind.__name__} is needed")
    return x


def encoded(text: Any, encoding: Any) -> bytes:
    """How protocol 2 stores bytes: as the text of the characters with these numbers."""
    if encoding != "latin1":
        raise ValueError(f"bytes as text in {encoding!r}")
    return exactly(str, text).encode("latin1")


def ordered(pairs: Any = ()) -> Any:
    return put(OrderedDict(), [x for word, value in pairs for x in (word, value)])


class NumpyType:
    """The dtype of a number of NumPy's: "f8", and then the order of its bytes."""

    def __init__(self, code: Any, *_: Any) -> None:
        if code not in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"):
            raise ValueError(f"a NumPy type {code!r}")
        self.code, self.order = code, "|"


def numpy_number(kind: Any, data: Any) -> Any:
    dtype = backend.dtype(exactly(NumpyType, kind).order + kind.code)
    if len(exactly(bytes, data)) != dtype.itemsize:
        raise ValueError("a number of another length than its type has")
    return backend.host.frombuffer(data, dtype)[0].item()


MAKERS = {
    Name("collections", "OrderedDict"): Maker(ordered),
    Name("collections", "Counter"): Maker(lambda counts={}: Counter(exactly(dict, counts))),
    Name("builtins", "set"): Maker(lambda items=(): set(map(key, exactly(list, items) if items else []))),
    Name("builtins", "complex"): Maker(lambda x, y: complex(exactly(float, x), exactly(float, y))),
    Name("builtins", "bytearray"): Maker(lambda data=b"", *encoding: bytearray(
        encoded(data, *encoding) if encoding else exactly(bytes, data))),
    Name("builtins", "bytes"): Maker(lambda data=b"": exactly(bytes, data)),
    Name("_codecs", "encode"): Maker(encoded),
    Name("numpy", "dtype"): Maker(NumpyType),
    Name("numpy._core.multiarray", "scalar"): Maker(numpy_number),
}
