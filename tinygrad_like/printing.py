"""How a tensor is printed: as PyTorch prints it, so that the user's eye and the user's listings need no change.

One format serves all numbers of a tensor: whole numbers `1.`, a fixed number of digits `1.2500`, or powers of ten `1.2500e+03`
where they are very large, very small or far apart.  A tensor of more than `threshold` elements shows its edges only.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from . import backend
from .promotion import promote_types

if TYPE_CHECKING:
    from .tensor import Tensor


@dataclass
class Options:
    """What `set_printoptions` sets."""
    precision: int = 4                                          # digits after the point
    threshold: float = 1000                                     # elements, above which only the edges are shown
    edgeitems: int = 3                                          # how wide the edges are
    linewidth: int = 80
    sci_mode: bool | None = None                                # powers of ten: always, never, or where the numbers ask for it


profiles = {"default": Options(), "short": Options(precision=2, edgeitems=2), "full": Options(threshold=math.inf)}
options = Options()


def set_printoptions(precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
                     linewidth: int | None = None, profile: str | None = None,
                     sci_mode: bool | None = None) -> None:
    """How tensors are printed from now on.  What is None stays as it is, but sci_mode=None decides by the numbers.

    profile: "default", "short" (two digits, two at each edge) or "full" (every element); the others change it further.
    """
    global options
    if profile is not None:
        if profile not in profiles:
            raise ValueError(f"set_printoptions: there is no profile {profile!r}; there are {', '.join(profiles)}")
        options = replace(profiles[profile])
    given: dict[str, Any] = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    options = replace(options, **{name: value for name, value in given.items() if value is not None}, sci_mode=sci_mode)


def represent(x: Tensor, name: str = "") -> str:
    """The text of a tensor: its numbers, and what is not to be expected of them: device, type, history."""
    from .tensor import Tensor
    from .types import bool_, get_default_dtype, int64
    prefix = f"{name or ('tensor' if type(x) is Tensor else type(x).__name__)}("
    array = backend.to_device(x.array, "cpu")
    expected = (bool_, int64, get_default_dtype(), promote_types(get_default_dtype().dtype, "complex64"))
    notes = []
    if x.device.type != "cpu":
        notes.append(f"device='{x.device}'")
    if array.size == 0 and array.ndim != 1:
        notes.append(f"size={tuple(array.shape)}")
    if x.dtype not in (expected if array.size else expected[2:3]):
        notes.append(f"dtype={x.dtype}")
    if not x.is_leaf:
        notes.append(f"grad_fn={x.grad_fn}")
    elif x.requires_grad:
        notes.append("requires_grad=True")

    text = prefix + numbers(array, len(prefix))
    used = len(text) - text.rfind("\n") + 1                      # of the last line, with room for the bracket and a comma
    for note in notes:
        if used + len(note) + 2 > options.linewidth:
            text += f",\n{' ' * len(prefix)}{note}"
            used = len(prefix) + len(note)
        else:
            text += f", {note}"
            used += len(note) + 2
    return text + ")"


def numbers(array: Any, indent: int) -> str:
    """The numbers of an array in nested brackets, lines after the first indented."""
    if array.size == 0:
        return "[]"
    summarize = array.size > options.threshold
    seen = edges(array) if summarize else array
    if array.dtype.kind == "c":
        real, imaginary = Format(seen.real), Format(seen.imag)

        def form(z: complex) -> str:
            tail = imaginary(z.imag).lstrip()
            return real(z.real) + ("" if tail[0] in "+-" else "+") + tail + "j"
        return nested(array, indent, form, real.width + imaginary.width + 1, summarize)
    return nested(array, indent, one := Format(seen), one.width, summarize)


def nested(array: Any, indent: int, form: Callable[[Any], str], width: int, summarize: bool) -> str:
    """An array in brackets, each number as `form` writes it, `width` wide; of each axis the edges only if we summarize."""
    if array.ndim == 0:
        return form(array.item())
    edge = options.edgeitems
    gap = summarize and len(array) > 2 * edge
    head, tail = (array[:edge], array[len(array) - edge:]) if gap else (array, array[:0])
    if array.ndim == 1:
        items = [form(x) for x in head.tolist()] + [" ..." if edge else "..."] * gap + [form(x) for x in tail.tolist()]
        each = max(1, (options.linewidth - indent) // (width + 2))
        lines = [", ".join(items[i:i + each]) for i in range(0, len(items), each)]
        separator = ",\n"
    else:
        lines = [nested(x, indent + 1, form, width, summarize) for x in head] + ["..."] * gap
        lines += [nested(x, indent + 1, form, width, summarize) for x in tail]
        separator = "," + "\n" * (array.ndim - 1)
    return "[" + (separator + " " * (indent + 1)).join(lines) + "]"


def edges(array: Any) -> Any:
    """The part of an array that a summary shows."""
    n = options.edgeitems
    for axis, length in enumerate(array.shape):
        if length > 2 * n:
            array = array.take([*range(n), *range(length - n, length)], axis)
    return array


class Format:
    """The one format for all numbers of an array, and its width."""

    def __init__(self, array: Any) -> None:
        self.floating = array.dtype.kind == "f"
        self.whole, self.powers, self.width = True, False, 1
        values = array.ravel()
        if not self.floating:
            self.width = max([len(str(x)) for x in values.tolist()], default=1)
            return
        values = values[backend.host.isfinite(values) & (values != 0)]
        if not values.size:
            return
        size = abs(values.astype("float64"))
        self.whole = bool((values == backend.host.ceil(values)).all())
        self.powers = bool(options.sci_mode)
        if options.sci_mode is None:
            self.powers = bool(size.max() / size.min() > 1000 or size.max() > 1e8 or size.min() < 1e-4)
        self.width = max(1, *[len(self.digits(x)) for x in values.tolist()])

    def digits(self, x: float) -> str:
        if self.powers:
            return f"{x:.{options.precision}e}"
        if self.whole:
            return f"{x:.0f}." if math.isfinite(x) else f"{x:.0f}"
        return f"{x:.{options.precision}f}"

    def __call__(self, x: Any) -> str:
        return (self.digits(x) if self.floating else str(x)).rjust(self.width)
