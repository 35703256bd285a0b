"""The readable backward pass: each op with its formula, its derivative and its numbers, in the order in which they happened."""
from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ...autograd import seeds, sweep
from ...functions.creation import ones_like, tensor
from ...nn.module import Module
from ...tensor import Tensor
from .mermaid import drawn
from .places import users_frames
from .record import Record, measured_one
from .text import written

__all__ = ["explain", "Page"]


def explain(what: Tensor | Callable[..., Any] | None = None, *inputs: Any, **named: Any) -> Page:
    """Record a forward and a backward pass, to be read.

        with explain() as page:                     # what runs inside, in this thread
            loss = F.cross_entropy(model(x), y)
            loss.backward()
        print(page)

        page = explain(f, *inputs)                  # f(*inputs) and its derivatives; every .grad stays as it is
        page = explain(loss)                        # afterwards: what the graph of loss still holds, and what it lacks

    `print(page)` shows the derivation; page.html("page.html") is a page to step through, page.mermaid() a drawing, page.data() all
    of it as a dict.  In a notebook the page shows itself.

    f's inputs: numbers and arrays of floats become leaves to differentiate by, and so do Tensors if none of them requires grad
    and f is no Module.  If f returns more than one number, their sum is differentiated.  Hooks on tensors are called.
    """
    page = Page()
    if what is None and not inputs and not named:
        return page
    if isinstance(what, Tensor) and not inputs and not named:
        page.look_back(what)
    elif callable(what):
        page.run(what, inputs, named)
    else:
        raise TypeError("explain takes nothing (with explain() as page: …), a function and its inputs, or the result of a "
                        f"computation: got {', '.join([type(x).__name__ for x in (what, *inputs, *named.values())])}")
    return page


class Page(Record):
    """What `explain` saw: `text()`, `mermaid()`, `html()`, and `data()`, of which they are made."""

    def run(self, f: Callable[..., Any], inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Record f(*inputs, **named) and its derivatives."""
        given = [x for x in (*inputs, *named.values()) if isinstance(x, Tensor)]
        freely = not isinstance(f, Module) and not any([x.requires_grad for x in given])

        def leaf(x: Any) -> Any:
            if isinstance(x, Tensor):
                return x.detach().requires_grad_() if freely and x.is_floating_point() else x
            floats = isinstance(x, float) or getattr(getattr(x, "dtype", None), "kind", "") == "f"
            return tensor(x, requires_grad=True) if floats else x

        self.title = getattr(f, "__name__", type(f).__name__)
        with self:
            self.differentiate(f(*[leaf(x) for x in inputs], **{name: leaf(x) for name, x in named.items()}))

    def look_back(self, y: Tensor) -> None:
        """Record what the history of y still holds, and if it holds all that the derivatives need, those."""
        frames = users_frames()
        self.afterwards = True
        if y.node is not None:
            number = self.history(y.node, frames)
            if self.nodes[number]["value"] is None:
                self.nodes[number] |= measured_one(y.array)
            self.title = self._names[number][0] if self._names[number] else self.nodes[number]["op"]
        if not self.freed(y):
            with self:
                self.differentiate(y)

    def freed(self, y: Tensor) -> bool:
        """Whether something that the sweep from y would need is gone."""
        found = [] if y.node is None else [y.node]
        seen = set(found)
        for node in found:                                      # grows while we read it
            if node.op is not None and node.kept is None:
                return True
            new = [parent for parent in node.parents if parent is not None and parent not in seen]
            found += new
            seen.update(new)
        return False

    def differentiate(self, results: Any) -> None:
        """Sweep back from results, without storing a gradient anywhere."""
        ys = [y for y in (results if isinstance(results, (tuple, list)) else [results]) if isinstance(y, Tensor)]
        ys = [y for y in ys if y.requires_grad]
        if not ys:
            self.lack("the result depends on nothing that wants a gradient, so there is no backward pass: call requires_grad_() on "
                      "what it is to be differentiated by.  (A detach(), no_grad() or whole numbers on the way end a history)")
            return
        if len(ys) > 1 or ys[0].numel() != 1:
            self.lack("one number to differentiate: the sweep starts with g = 1 for each element of the result, as its sum would")
        sweep(seeds(ys, [ones_like(y.detach()) for y in ys], False), retain_graph=True)

    # ---- how it is shown ----------------------------------------------------------------------------------------
    def text(self) -> str:
        """The derivation, as one would write it on paper."""
        return written(self.data())

    def mermaid(self, what: str = "graph", language: str = "en") -> str:
        """A drawing in the language of Mermaid, which GitHub, Jupyter and many editors show.

        what: "graph", the ops grouped by module; "layers", the modules that have parameters; "loop", the training loop, and
            "workflow", with validation around it: both with what was seen of them.         language: "en" or "zh".

        (Mermaid draws 500 arrows at most, unless it is told otherwise: of a larger graph take the layers, or the page.)
        """
        return drawn(self.data(), what, language)

    def add_picture(self, title: str, picture: Any) -> None:
        """Have the page show a drawing of `pictures` as well, below what is said of the whole:

            page.add_picture("Grad-CAM", pictures.draw_heat(x, {"Grad-CAM": pictures.grad_cam(model, "features.3", x)}))

        picture: anything that has `data_uri()`, the address of an image that holds the image itself.
        """
        uri = picture.data_uri() if hasattr(picture, "data_uri") else None
        if not isinstance(uri, str) or not uri.startswith("data:image/"):
            raise TypeError(f"add_picture takes what pictures.draw_… returns, got {type(picture).__name__}")
        self.pictures.append({"title": str(title), "uri": uri})

    def html(self, path: str | os.PathLike[str] | None = None, language: str | None = None) -> str:
        """The page to step through, one file that needs no network.  path: also write it there.

        language: "en" or "zh" to begin with (default: as the browser's).
        """
        from .page import to_html
        text = to_html(self.data(), language)
        if path is not None:
            write(path, text)
        return text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file what its name ends in: .html, .txt, .mmd (Mermaid) or .json (the data)."""
        kinds: dict[str, Callable[[], str]] = {
            ".html": self.html, ".txt": self.text, ".mmd": self.mermaid,
            ".json": lambda: json.dumps(self.data(), ensure_ascii=False, allow_nan=False)}
        kind = os.path.splitext(os.fspath(path))[1].lower()
        if kind not in kinds:
            raise ValueError(f"save writes {', '.join(kinds)}, by the end of the path's name, and got {os.fspath(path)!r}")
        write(path, kinds[kind]())

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        backward = sum([step["phase"] == "backward" for step in self.steps])
        return f"<explain {self.title}: {len(self.nodes)} nodes, {backward} steps back; print() shows them>"

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own."""
        from .page import in_notebook
        return in_notebook(self.data())


def write(path: str | os.PathLike[str], text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
