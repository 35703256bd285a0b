"""An array in a few numbers, as JSON can hold them: its range, mean, norm and histogram, and if it is small all of it."""
from __future__ import annotations

import math
from typing import Any

from ... import backend

SMALL = 64                                                      # arrays of so many numbers are shown whole
BINS = 16                                                       # of the histogram
SAMPLE = 65536                                                  # the histogram of a larger array is that of so many of its numbers
host = backend.host

Summary = dict[str, Any]


@host.errstate(all="ignore")                                    # numbers out of range are what it is to tell of
def summary(array: Any) -> Summary:
    """The range, mean, norm and histogram are those of the finite numbers, or of the sizes of complex ones; others are counted."""
    array = on_host(array)
    flat = abs(array.ravel()) if array.dtype.kind == "c" else array.ravel()
    if flat.dtype.kind == "b":
        flat = flat.astype("uint8")
    total = float(flat.sum(dtype="float64"))
    if not math.isfinite(total):                                # an infinity or a NaN among them
        flat = flat[host.isfinite(flat)]
        total = float(flat.sum(dtype="float64"))
    some = flat.size > 0
    low, high = (flat.min(), flat.max()) if some else (math.nan, math.nan)
    return {
        "shape": list(array.shape), "dtype": str(array.dtype),
        "min": plain(low), "mean": plain(total / flat.size if some else math.nan), "max": plain(high), "norm": plain(norm(flat)),
        "nonfinite": int(array.size - flat.size), "histogram": histogram(flat) if some else [0] * BINS,
        "numbers": plain(array.tolist()) if array.size <= SMALL else None,
    }


def together(arrays: list[Any]) -> Summary:
    """The summary of several arrays as one long row."""
    return summary(host.concatenate([on_host(array).ravel() for array in arrays]))


def on_host(array: Any) -> Any:
    """The array, or NumPy's number in place of a 0-d one, as an array on the host."""
    return backend.to_device(backend.asarray(array), "cpu")


def norm(flat: Any) -> float:
    """√Σx², in float64 where the squares leave the range of float32."""
    if flat.dtype.kind == "f":
        square = float(host.dot(flat, flat)) if flat.dtype.itemsize > 2 else 0.0
        if 1e-20 < square < math.inf:
            return math.sqrt(square)
    flat = flat.astype("float64")
    scale = float(abs(flat).max()) if flat.size else 0.0
    return scale * math.sqrt(float(host.dot(flat / scale, flat / scale))) if scale else 0.0


def histogram(flat: Any) -> list[int]:
    """How many numbers there are in each of BINS equal parts between the least and the greatest."""
    picked = flat[::-(-flat.size // SAMPLE)].astype("float64")
    low, high = float(picked.min()), float(picked.max())
    width = high / BINS - low / BINS
    places = (picked / width - low / width if width else picked * 0).astype("int64")
    return host.bincount(places.clip(0, BINS - 1), minlength=BINS).tolist()


def plain(x: Any) -> Any:
    """Numbers, or nested lists of them, as JSON has them: nan, inf, -inf and complex numbers become strings."""
    if isinstance(x, list):
        return [plain(each) for each in x]
    if isinstance(x, complex):
        return str(x).strip("()")
    x = x.item() if hasattr(x, "item") else x
    return x if not isinstance(x, float) or math.isfinite(x) else str(x)
