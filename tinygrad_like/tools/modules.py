"""Which modules run, for the tools that look on."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..nn.module import Module


class Running:
    """The modules that run, outermost first, with their paths: "Net", "Net.body", "Net.body.2" …"""

    def __init__(self) -> None:
        self.modules: list[Module] = []
        self.paths: list[str] = []
        self._names: dict[int, dict[int, str]] = {}             # id of a module: {id of a module in it: its name there}

    @property
    def path(self) -> str:
        """Of the innermost; "" if none runs."""
        return self.paths[-1] if self.paths else ""

    @contextlib.contextmanager
    def inside(self, module: Module) -> Iterator[str]:
        """`with running.inside(module) as path:` while it is called."""
        path = type(module).__name__
        if self.modules:
            outer = self.modules[-1]
            if id(outer) not in self._names:
                self._names[id(outer)] = {id(each): name for name, each in outer.named_modules()}
            name = self._names[id(outer)].get(id(module), f"<{path}>")
            path = f"{self.path}.{name}" if name else self.path
        self.modules.append(module)
        self.paths.append(path)
        try:
            yield path
        finally:
            self.modules.pop()
            self.paths.pop()
            if not self.modules:
                self._names.clear()                             # until then all of them are alive, and their ids their own
