"""Writing pickles that PyTorch's weights_only reader takes: protocol 2, and names that are PyTorch's.

Python's own pickler would write where our classes are, and asks for PyTorch's to be there to be named.
"""
from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from .. import backend
from ..types import Size, device as Device, dtype as Dtype
from .pickle_reader import key


class Writer:
    """Writes an object.

    write_tensor(writer, tensor) adds what a tensor is made of.  `parts` are bytes, and functions that give bytes at the end.
    """

    def __init__(self, tensor_type: type, write_tensor: Callable[[Writer, Any], None]) -> None:
        self.tensor_type, self.write_tensor = tensor_type, write_tensor
        self.parts: list[Any] = [pickle.PROTO + b"\x02"]
        self.memo: dict[int, tuple[int, Any]] = {}              # id: its number, and the object, so that its id stays its own
        self.path: list[str] = []                               # where in the whole the object is

    def pickle(self, x: Any) -> bytes:
        try:
            self.write(x)
        except RecursionError as error:
            raise ValueError("save: it is nested too deeply") from error
        return b"".join([part if type(part) is bytes else part() for part in self.parts]) + pickle.STOP

    def add(self, *parts: Any) -> None:
        self.parts += parts

    def remember(self, x: Any) -> None:
        n = len(self.memo)
        self.memo[id(x)] = n, x
        self.add(pickle.BINPUT + bytes([n]) if n < 256 else pickle.LONG_BINPUT + struct.pack("<I", n))

    def write(self, x: Any) -> None:
        kind = type(x)
        if id(x) in self.memo:                                  # seen before: the same object again
            n = self.memo[id(x)][0]
            self.add(pickle.BINGET + bytes([n]) if n < 256 else pickle.LONG_BINGET + struct.pack("<I", n))
        elif x is None or kind is bool:
            self.add({None: pickle.NONE, True: pickle.NEWTRUE, False: pickle.NEWFALSE}[x])
        elif kind is int:
            self.write_int(x)
        elif kind is float:
            self.add(pickle.BINFLOAT + struct.pack(">d", x))
        elif kind is str:
            text = x.encode("utf-8", "surrogatepass")
            self.add(pickle.BINUNICODE + struct.pack("<I", len(text)) + text)
        elif kind is complex:
            self.call("__builtin__ complex", x.real, x.imag)
        elif kind is bytes:
            self.call("_codecs encode", x.decode("latin1"), "latin1")
        elif kind is tuple:
            self.add(pickle.MARK)
            self.write_each(x)
            self.add(pickle.TUPLE)
            self.remember(x)
        elif kind is list:
            self.add(pickle.EMPTY_LIST)
            self.remember(x)
            self.add(pickle.MARK)
            self.write_each(x)
            self.add(pickle.APPENDS)
        elif kind in (dict, OrderedDict):
            self.add(pickle.EMPTY_DICT) if kind is dict else self.call("collections OrderedDict")
            self.remember(x)
            self.write_items(x)
            if kind is OrderedDict and hasattr(x, "_metadata"):
                self.write({"_metadata": x._metadata})
                self.add(pickle.BUILD)
        elif kind is Counter:
            self.call("collections Counter", dict(x))           # its keys are looked at there
            self.remember(x)
        elif kind is set:
            self.call("__builtin__ set", [self.key(each) for each in x])
            self.remember(x)
        elif kind is Size:
            self.call("torch Size", tuple(x))
        elif kind is Dtype:
            self.name(f"torch {x.name}")
        elif kind is Device:
            self.call("torch device", x.type, *([] if x.index is None else [x.index]))
        elif isinstance(x, self.tensor_type):
            self.write_tensor(self, x)
            self.remember(x)
        elif (number := backend.python_number(x)) is not None:  # a NumPy scalar
            self.write(number)
        else:
            raise self.cannot(x)

    def write_int(self, x: int) -> None:
        if -2**31 <= x < 2**31:
            self.add(pickle.BININT1 + bytes([x]) if 0 <= x < 256 else pickle.BININT + struct.pack("<i", x))
            return
        data = pickle.encode_long(x)
        if len(data) > 255:
            raise ValueError(f"save: {self.where()} is a number of {len(data)} bytes, and 255 is the most")
        self.add(pickle.LONG1 + bytes([len(data)]) + data)

    def write_each(self, items: Any) -> None:
        for i, item in enumerate(items):
            self.path.append(f"[{i}]")
            self.write(item)
            self.path.pop()

    def write_items(self, items: Any) -> None:
        self.add(pickle.MARK)
        for word, value in items.items():
            self.path.append(f"[{word!r}]")
            self.write(self.key(word))
            self.write(value)
            self.path.pop()
        self.add(pickle.SETITEMS)

    def key(self, x: Any) -> Any:
        number = backend.python_number(x)
        try:
            return key(x if number is None else number)
        except TypeError as error:
            raise TypeError(f"save: {self.where()} has {error}, and keys of dicts and elements of sets are strings, numbers, None, "
                            "or tuples of these") from error

    def name(self, name: str) -> None:
        """A name of PyTorch's or Python's: "module name"."""
        self.add(pickle.GLOBAL + name.replace(" ", "\n").encode() + b"\n")

    def call(self, name: str, *args: Any) -> None:
        self.name(name)
        self.add(pickle.MARK)
        for arg in args:
            self.write(arg)
        self.add(pickle.TUPLE, pickle.REDUCE)

    def where(self) -> str:
        return f"obj{''.join(self.path)}" if self.path else "the object"

    def cannot(self, x: Any) -> Exception:
        kind = type(x)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        if hasattr(x, "state_dict"):
            advice = "save its state_dict(), which holds its numbers, and not the code of its class"
        elif isinstance(x, backend.host.ndarray):
            advice = "make it a tensor by from_numpy()"
        elif isinstance(x, dict):
            advice = "make it a dict by dict()"
        else:
            advice = "make it of tensors, numbers, strings, lists and dicts"
        return TypeError(f"save: {self.where()} is a {name}, which is not saved as such: {advice}")
