"""Which parts of an input speak for an answer: four definitions (SPEC §15, interpretability).

S is the score that is looked into: of outputs (N, classes) that of class `target`, before softmax.  (After it, a score also rises
when those of other classes fall.)  In all four functions

    model       a Module, or a function of a batch.  It runs in eval mode, so that each sample is by itself
    x           a batch (N, …) of floating-point numbers, such as images (N, channels, height, width)
    target      a class, or one for each sample; None: the class of the greatest output, or the output itself if there is one for
                each sample, (N,).  For outputs of other shapes a function of the output that returns S (N,).

They say what the *model* rests on, true or not of the world.  Look at more than one: they are different questions.

A model of the Keras dialect has images (N, height, width, channels), and its layers have them so too.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from ... import errors
from ...autograd import enable_grad, grad, no_grad
from ...functions.creation import tensor, zeros, zeros_like
from ...functions.random import fork_rng
from ...nn import Module, functional as F
from ...nn.summary import left_as_it_was
from ...tensor import Tensor
from ...watch import Run, Watcher

__all__ = ["saliency", "integrated_gradients", "grad_cam", "occlusion"]


def saliency(model: Any, x: Tensor, target: Any = None) -> Tensor:
    """|∂S/∂x|: how much the score answers to a small change of each number of x; of the shape of x

    (Simonyan, Vedaldi and Zisserman 2014, §3: for colours, take the maximum over the channels: `.amax(1)`.)
    """
    with undisturbed(model, x):
        return gradient(model, x, target).abs()


def integrated_gradients(model: Any, x: Tensor, target: Any = None, baseline: Any = 0.0, steps: int = 64) -> Tensor:
    """(xᵢ - x′ᵢ) ∫₀¹ ∂S/∂xᵢ (x′ + α (x - x′)) dα: how much each number of x has added to the score; of the shape of x

    (Sundararajan, Taly and Yan 2017, eq. 1.)  x′ is the baseline, which stands for "nothing there", such as a black image: a
    number, or a tensor that broadcasts to x.  On the straight way from x′ to x the score grows as its gradient says, and so

        Σᵢ (what xᵢ has added)  =  ∫₀¹ d/dα S(x′ + α (x - x′)) dα  =  S(x) - S(x′)                    (completeness)

    The integral is a mean over the midpoints of `steps` equal parts of the way.  Let f(α) = S(x′ + α (x - x′)).  What the sum then
    lacks of S(x) - S(x′) = f(1) - f(0) is nothing where f is linear or quadratic; at most max |f‴| / (24 steps²) where it is
    smooth; and at most V / (2 steps) in any case, V being how far f′ goes up and down on the way: with ReLUs, the sum of its jumps.
    """
    if steps < 1:
        raise errors.WrongValue(f"integrated_gradients: steps is at least 1, got {steps}")
    with undisturbed(model, x):
        target = settled(model, x, target)
        way = x.detach() - baseline
        if way.shape != x.shape:
            raise errors.ShapeError(f"integrated_gradients: the baseline, {tuple(baseline.shape)}, does not broadcast to x, "
                                    f"{tuple(x.shape)}: it is a number, or of the shape of x or of one sample")
        total = zeros_like(way)
        for k in range(steps):
            total += gradient(model, x.detach() - (1 - (k + 0.5) / steps) * way, target)
        return way * (total / steps)


def grad_cam(model: Module, layer: Module | str, x: Tensor, target: Any = None) -> Tensor:
    """max(0, Σ_k α_k A^k),  α_k = mean over all places (i, j) of ∂S/∂A^k_ij: where the layer sees what speaks for the class

    (Selvaraju et al. 2017, eq. 1 and 2.)  A (N, maps, height, width) is the output of `layer`, a module of the model or its path;
    usually the last convolution, or what follows it: the later a layer, the more its maps mean, and the fewer places they have.
    The map is resized to the places of x, bilinearly: x (N, channels, height, width) gives (N, height, width).  With 1 or 3
    dims of places it is likewise.  Of a layer that is called several times, the last call counts.
    """
    with undisturbed(model, x):
        module = model.get_submodule(layer) if isinstance(layer, str) else layer
        with Caught(module) as caught:
            S = score(model(x.detach().requires_grad_().clone()), target)
        A = caught.out
        if A is None:
            raise errors.WrongValue(f"grad_cam: the model never called its layer {layer!r}: look for another in print(model)")
        if not isinstance(A, Tensor) or A.ndim != x.ndim or A.ndim not in MODES:
            came = tuple(A.shape) if isinstance(A, Tensor) else type(A).__name__
            raise errors.ShapeError(f"grad_cam: the layer gives {came}, and x is {tuple(x.shape)}: it wants maps (N, maps, height, "
                                    "width) where x has images (N, channels, height, width), as a convolution or a pooling gives")
        dA, A = [channels_first(each, module) for each in (grad(S.sum(), A)[0], A.detach())]
        alpha = dA.mean(tuple(range(2, A.ndim)), keepdim=True)                               # (N, maps, 1, 1)
        heat = (alpha * A).sum(1, keepdim=True).relu()                                       # (N, 1, height, width)
        places = tuple(channels_first(x, model).shape[2:])
        return F.interpolate(heat, size=places, mode=MODES[A.ndim], align_corners=False).squeeze(1)


MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}            # by ndim


def occlusion(model: Any, x: Tensor, target: Any = None, size: Any = None, stride: Any = None, value: Any = 0.0) -> Tensor:
    """S(x) - S(x with a window covered), at each place the mean over the windows that cover it: what the score loses there

    (Zeiler and Fergus 2014, §4.2.)  x (N, channels, height, width) gives (N, height, width); likewise with 1 or 3
    dims of places.
    size, stride: of the window and of its steps, a number or one for each dim; by default a seventh of x, and half of size.  The
        last window ends where x does.
    value: what is seen there instead, in all channels: a number, or a tensor that broadcasts to x.

    It takes no gradient, so that it works for any function; but one pass for each window.
    """
    if x.ndim < 3:
        raise errors.ShapeError(f"occlusion: x is (N, channels, height, width), or has 1 or 3 dims of places; got {tuple(x.shape)}")
    places = tuple(channels_first(x, model).shape[2:])
    sizes = [max(1, n // 7) for n in places] if size is None else each(size, places, "size")
    strides = [max(1, k // 2) for k in sizes] if stride is None else each(stride, places, "stride")
    for n, k, s in zip(places, sizes, strides):
        if not 1 <= s <= k <= n:
            raise errors.WrongValue(f"occlusion: windows of {tuple(sizes)} in steps of {tuple(strides)} do not cover {places}: a "
                                    "size is at most that of x, a stride at most the size, and both are at least 1")
    with undisturbed(model, x), no_grad():
        target = settled(model, x, target)
        x = x.detach()
        cover = zeros_like(x) + value
        whole = score(model(x.clone()), target)
        lost, times = zeros(len(x), *places, dtype=x.dtype, device=x.device), zeros(*places, dtype=x.dtype, device=x.device)
        for corner in product(*[starts(n, k, s) for n, k, s in zip(places, sizes, strides)]):
            window = tuple([slice(i, i + k) for i, k in zip(corner, sizes)])
            at = (slice(None), *window) if channels_last(model) else (..., *window)
            covered = x.clone()
            covered[at] = cover[at]
            drop = whole - score(model(covered), target)                                     # (N,)
            lost[(slice(None), *window)] += drop.reshape(-1, *[1] * len(places))
            times[window] += 1
        return lost / times


def channels_last(model: Any) -> bool:
    """Whether it is of the Keras dialect, and has its channels behind the places."""
    return getattr(model, "channels_last", False)


def channels_first(x: Tensor, model: Any) -> Tensor:
    """What a model takes or gives, with its channels before the places, (N, channels, height, width)."""
    return x.movedim(-1, 1) if channels_last(model) else x


def each(value: Any, places: tuple[int, ...], name: str) -> list[int]:
    """A number for each dim of the places."""
    values = [value] * len(places) if isinstance(value, int) else list(value)
    if len(values) != len(places):
        raise errors.WrongValue(f"occlusion: {name} is a number, or one for each of the {len(places)} dims {places}; got {value!r}")
    return values


def starts(n: int, size: int, stride: int) -> list[int]:
    """Where windows begin: at every stride, and so that the last ends at n."""
    return [*range(0, n - size, stride), n - size]


# ---- what they share --------------------------------------------------------------------------------------------
@contextlib.contextmanager
def undisturbed(model: Any, x: Tensor) -> Iterator[None]:
    """Inside, the model is in eval mode, and history is recorded; after it, all of the model and the random state are as before."""
    if not isinstance(x, Tensor):
        raise errors.WrongType(f"x is a Tensor, got {type(x).__name__}: write tensor(x)")
    if not x.is_floating_point():
        raise errors.WrongType(f"x is of {x.dtype}, which cannot be changed by a little: write x.float(), as the model wants it; "
                               "for words, give the function that follows the embedding as the model, and x = embedding(words)")
    with fork_rng(), enable_grad(), left_as_it_was(model) if isinstance(model, Module) else contextlib.nullcontext():
        yield


def gradient(model: Any, x: Tensor, target: Any) -> Tensor:
    """∂S/∂x.  Of each sample by itself, since S_n depends on x_n alone."""
    x = x.detach().requires_grad_()
    return grad(score(model(x.clone()), target).sum(), x)[0]    # a clone, which a model may change in place


def settled(model: Any, x: Tensor, target: Any) -> Any:
    """The target; where it is None, the class of the greatest output for x, to be followed when x is changed."""
    if target is not None:
        return target
    with no_grad():
        out = model(x.detach().clone())
    return out.argmax(1) if isinstance(out, Tensor) and out.ndim == 2 else None


def score(out: Any, target: Any) -> Tensor:
    """S (N,), of outputs (N, classes), (N,), or others if the target is a function of them."""
    if callable(target) and not isinstance(target, Tensor):
        S = target(out)
        if not isinstance(S, Tensor) or S.ndim != 1:
            raise errors.ShapeError("target(output) returns a score for each sample, a Tensor (N,); it returned "
                                    f"{tuple(S.shape) if isinstance(S, Tensor) else type(S).__name__}")
        return S
    if isinstance(out, Tensor) and out.ndim == 1 and target is None:
        return out
    if not isinstance(out, Tensor) or out.ndim != 2:
        came = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise errors.ShapeError(f"the model gives {came}, of which a class cannot be chosen: give a function, as in "
                                "target=lambda out: …, that returns a score for each sample, (N,)")
    classes = out.argmax(1) if target is None else target if isinstance(target, Tensor) else tensor(target)
    if classes.ndim == 0:
        classes = classes.expand(len(out))
    if tuple(classes.shape) != (len(out),):
        raise errors.ShapeError(f"target is a class, or one for each of the {len(out)} samples, got shape {tuple(classes.shape)}")
    return out.gather(1, classes.to(out.device).reshape(-1, 1)).squeeze(1)


class Caught(Watcher):
    """What a module returns, the last time that it is called inside."""

    def __init__(self, module: Module) -> None:
        self.wanted, self.out = module, None

    def module(self, module: Module, run: Run) -> Any:
        out = run()
        if module is not self.wanted:
            return out
        self.out = out
        return out.clone() if isinstance(out, Tensor) else out  # the next layer may change what it gets in place


