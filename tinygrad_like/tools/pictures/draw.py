"""Drawing with matplotlib (pip install 'tinygrad_like[plot]').  Each function returns a Picture, and leaves pyplot alone."""
from __future__ import annotations

import base64
import io
import math
import os
from typing import TYPE_CHECKING, Any

from ... import backend, errors
from ...serialize.replace import replacing
from ...tensor import Tensor
from ...training.callbacks import History, figure_of_curves, matplotlib_figure
from .inside import Histogram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "draw_attention", "draw_curves", "draw_feature_maps", "draw_filters", "draw_heat", "draw_histograms"]

FOR, AGAINST = (0.84, 0.10, 0.11), (0.13, 0.40, 0.67)           # red and blue, which differ for the colour-blind too


class Picture:
    """A drawing: `save(path)` writes it, a notebook shows it, and `figure` is matplotlib's, to be changed further."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, path: Any, dpi: int = 120) -> None:
        """Write the PNG to a file, in one step."""
        with replacing(os.path.abspath(os.fspath(path))) as file:
            file.write(self.png(dpi))

    def png(self, dpi: int = 120) -> bytes:
        """The bytes of the PNG."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=dpi)
        return file.getvalue()

    def data_uri(self, dpi: int = 120) -> str:
        """The PNG as the address of an <img>, for a page that is to have everything in itself."""
        return "data:image/png;base64," + base64.b64encode(self.png(dpi)).decode("ascii")

    _repr_png_ = png


# ---- on what an answer rests ------------------------------------------------------------------------------------
def draw_heat(x: Any, maps: dict[str, Any], titles: Any = None) -> Picture:
    """A row for each image of x (N, channels, height, width): the image, then each of the maps laid over it, pale

    maps: {name: map}, each (N, height, width) or (N, channels, height, width), as saliency, integrated_gradients, grad_cam and
    occlusion return; over the channels, what is of one sign is reduced to its maximum, the rest to its sum.  Red speaks for the
    score, blue against it; each map is scaled by itself, to the 99.5th percentile of its size.
    titles: a line for each image, above it.
    """
    images = on_host(x)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise errors.ShapeError("draw_heat: images are (N, channels, height, width) with 1 or 3 channels, got "
                                f"{images.shape}: if the channels come last, write x.movedim(-1, 1)")
    images = unit(images)
    heats = {name: flat(name, on_host(heat), images.shape) for name, heat in maps.items()}
    n, columns = len(images), 1 + len(heats)
    figure = matplotlib_figure("draw_heat")(figsize=(1.9 * columns, 2.05 * n + 0.35), layout="constrained")
    for i, row in enumerate(figure.subplots(n, columns, squeeze=False)):
        show(row[0], images[i], "" if titles is None else str(titles[i]))
        for axes, (name, heat) in zip(row[1:], heats.items()):
            show(axes, laid_over(images[i], heat[i]), name if i == 0 else "")
    return Picture(figure)


def flat(name: str, heat: Any, shape: tuple[int, ...]) -> Any:
    """The map (N, height, width), without channels."""
    if heat.ndim == 4:
        heat = heat.max(1) if (heat >= 0).all() else heat.sum(1)
    if heat.shape != (shape[0], *shape[2:]):
        raise errors.ShapeError(f"draw_heat: the map {name!r} has shape {heat.shape}, and the images are {shape}")
    return heat


def laid_over(image: Any, heat: Any) -> Any:
    """A pale grey copy of the image (channels, height, width) with red where heat is above 0 and blue where it is below."""
    host = backend.host
    pale = 0.55 + 0.45 * image.mean(0)[..., None]                                            # (height, width, 1)
    most = host.percentile(abs(heat), 99.5) or abs(heat).max() or 1.0
    strength = host.clip(abs(heat) / most, 0, 1)[..., None]
    return pale * (1 - strength) + host.where(heat[..., None] > 0, FOR, AGAINST) * strength


# ---- what is inside ---------------------------------------------------------------------------------------------
def draw_feature_maps(maps: dict[str, Any], sample: int = 0, most: int = 12) -> Picture:
    """A row for each layer of feature_maps that has images, (N, maps, height, width): the first `most` maps of one sample

    White is 0.  What is above it is the darker the greater, in red; what is below is blue.  Each row is scaled by itself.
    """
    found = {path: on_host(out)[sample, :most] for path, out in maps.items() if len(out.shape) == 4}
    if not found:
        raise errors.ShapeError("draw_feature_maps: none of the layers gives images, (N, maps, height, width)")
    columns = max([len(out) for out in found.values()])
    figure = matplotlib_figure("draw_feature_maps")(figsize=(0.9 * columns + 1.2, 1.0 * len(found) + 0.2), layout="constrained")
    for row, (path, out) in zip(figure.subplots(len(found), columns, squeeze=False), found.items()):
        signed_row(row, out)
        row[0].set_ylabel(path, rotation=0, ha="right", va="center")
    return Picture(figure)


def draw_filters(weight: Any, most: int = 64) -> Picture:
    """The first filters of a convolution, weight (out channels, in channels, height, width), as `filters` returns them

    With 3 input channels as colours, grey being 0; else the sum over the input channels: red above 0, blue below.
    """
    array = on_host(weight)
    if array.ndim != 4:
        raise errors.ShapeError(f"draw_filters: weight is (out channels, in channels, height, width), got {array.shape}")
    array = array[:most]
    columns = min(16, math.ceil(math.sqrt(len(array))))
    rows = math.ceil(len(array) / columns)
    figure = matplotlib_figure("draw_filters")(figsize=(0.75 * columns, 0.75 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    if array.shape[1] == 3:
        colours = 0.5 + 0.5 * array / (abs(array).max() or 1.0)
        for axes, each in zip(panels, colours):
            show(axes, each.transpose(1, 2, 0))
        blank(panels[len(array):])
    else:
        signed_row(panels, array.sum(1))
    return Picture(figure)


def signed_row(panels: Any, arrays: Any) -> None:
    """Images with values of both signs, on one scale: red above 0, blue below."""
    bound = abs(arrays).max() or 1.0
    for axes, array in zip(panels, arrays):
        bare(axes)
        axes.imshow(array, cmap="RdBu_r", vmin=-bound, vmax=bound)
    blank(panels[len(arrays):])


def draw_attention(maps: dict[str, Any], queries: Any = None, keys: Any = None, columns: int | None = None) -> Picture:
    """A panel for each map (queries, keys), {title: map}: the darker, the more the query in that row looks at the key

    Of a map (heads, queries, keys), such as attention_maps(…)[path][0], each head has a panel.
    queries, keys: what to write beside the rows and below the columns, such as words; or of each title its own, {title: words}.
    """
    panels: dict[str, Any] = {}
    words: dict[str, list[Any]] = {}                            # of a panel, beside its rows and below its columns
    for title, A in maps.items():
        array = on_host(A)
        if array.ndim not in (2, 3):
            raise errors.ShapeError(f"draw_attention: a map is (queries, keys) or (heads, queries, keys), got {array.shape}: "
                                    "of a batch, choose a sample: A[0]")
        heads = array if array.ndim == 3 else array[None]
        for i, head in enumerate(heads):
            panel = f"{title}, head {i}" if len(heads) > 1 else title
            panels[panel] = head
            words[panel] = [each[title] if isinstance(each, dict) else each for each in (queries, keys)]
    columns = columns or min(4, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = matplotlib_figure("draw_attention")(figsize=(3.9 * columns + 0.8, 3.6 * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes, (title, A) in zip(places, panels.items()):
        image = axes.imshow(A, vmin=0, vmax=1, cmap="Blues")
        for ticks, names, n in zip((axes.set_yticks, axes.set_xticks), words[title], A.shape):
            if names is not None:
                ticks(range(n), list(names)[:n])
        axes.set_title(title)
        axes.set_xlabel("what is looked at")
    blank(places[len(panels):])
    figure.colorbar(image, ax=list(places), label="weight")
    return Picture(figure)


# ---- how its training went --------------------------------------------------------------------------------------
def draw_curves(history: History) -> Picture:
    """What `fit` returned, over the epochs: a panel for each measure, with its val_ counterpart, as PlotCurves draws it"""
    return Picture(figure_of_curves(history))


def draw_histograms(histograms: dict[str, Histogram], columns: int = 4) -> Picture:
    """A panel for each of weight_histograms or gradient_histograms"""
    columns = min(columns, len(histograms))
    rows = math.ceil(len(histograms) / columns)
    figure = matplotlib_figure("draw_histograms")(figsize=(2.8 * columns, 1.9 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).reshape(-1)
    for axes, (path, each) in zip(panels, histograms.items()):
        axes.stairs(each.counts, each.edges, fill=True, color=AGAINST, alpha=0.75)
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_title(path, fontsize="medium")
        axes.locator_params(nbins=4)
        axes.tick_params(labelsize="small")
        if each.nonfinite:
            axes.text(0.5, 0.5, f"{each.nonfinite} NaN or infinite", color=FOR, ha="center", transform=axes.transAxes)
    blank(panels[len(histograms):])
    return Picture(figure)


# ---- what they share --------------------------------------------------------------------------------------------
def on_host(x: Any) -> Any:
    """A Tensor or an array, as a NumPy array."""
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else backend.host.asarray(x)


def unit(images: Any) -> Any:
    """Each image from 0 to 1: as it is if all are, else stretched, as one that was normalised needs it."""
    if images.min() >= 0 and images.max() <= 1:
        return images
    least, most = images.min((1, 2, 3), keepdims=True), images.max((1, 2, 3), keepdims=True)
    return (images - least) / backend.host.maximum(most - least, 1e-12)


def show(axes: Any, image: Any, title: str = "") -> None:
    """An image (channels, height, width) or (height, width, 3), from 0 to 1, without a scale."""
    bare(axes)
    if image.shape[-1] == 3 and image.shape[0] not in (1, 3):
        axes.imshow(image)
    elif image.shape[0] == 1:
        axes.imshow(image[0], cmap="gray", vmin=0, vmax=1)
    else:
        axes.imshow(image.transpose(1, 2, 0))
    axes.set_title(title, fontsize="medium")


def blank(panels: Any) -> None:
    """Nothing is there."""
    for axes in panels:
        axes.set_visible(False)


def bare(axes: Any) -> None:
    """Without ticks, and with a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(color="0.8", linewidth=0.6)
