"""A softmax for very many classes, most of which are rare."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import autograd, backend, errors, ops
from ..functions.shape import cat
from . import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear, check_counts
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class ASMoutput(NamedTuple):
    """What AdaptiveLogSoftmaxWithLoss returns: log p(target) of each sample, and minus the mean of these."""
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """outs = log p(y | x) for each sample, and the loss, minus their mean, where classes are numbered from frequent to rare

    The classes below cutoffs[0] are the head's.  The others are in clusters, from one cutoff to the next, and the head knows of
    each cluster only as a whole:  p(y) = p_head(cluster of y) p_cluster(y).  So the many rare classes are computed for the few
    samples that have one, and by matrices that lead through in_features / div_valueⁱ numbers        (Grave et al. 2017)

    x (N, in_features), y (N,) class numbers; or one sample, (in_features,) and ().
    """
    head: Linear
    tail: ModuleList

    def __init__(self, in_features: int, n_classes: int, cutoffs: Sequence[int], div_value: float = 4.0, head_bias: bool = False,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        check_counts("AdaptiveLogSoftmaxWithLoss", in_features=in_features, n_classes=n_classes)
        cutoffs = list(cutoffs)
        if not cutoffs or any([int(c) != c for c in cutoffs]) or [0, *cutoffs, n_classes] != sorted({0, *cutoffs, n_classes}):
            raise ValueError(f"AdaptiveLogSoftmaxWithLoss: cutoffs ascend, from above 0 to below n_classes={n_classes}, "
                             f"got {cutoffs}")
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*cutoffs, n_classes]
        self.shortlist_size, self.n_clusters = cutoffs[0], len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, head_bias, device, dtype)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:]), 1):
            between = int(in_features // div_value**i)
            self.tail.append(Sequential(Linear(in_features, between, False, device, dtype),
                                        Linear(between, high - low, False, device, dtype)))

    def reset_parameters(self) -> None:
        """New random numbers."""
        for layer in (self.head, *[layer for cluster in self.tail for layer in cluster]):
            layer.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> ASMoutput:
        if target_.ndim not in (0, 1) or tuple(input_.shape) != (*target_.shape, self.in_features):
            raise errors.ShapeError(f"AdaptiveLogSoftmaxWithLoss: input has shape (N, {self.in_features}) and target (N,), or "
                                    f"({self.in_features},) and (), got {tuple(input_.shape)} and {tuple(target_.shape)}")
        x, y = input_.reshape(-1, self.in_features), target_.array.reshape(-1)
        on_host = backend.to_device(y, "cpu")                   # waits for a GPU: how many are in a cluster must be known
        backend.check_indices(on_host, self.n_classes, "AdaptiveLogSoftmaxWithLoss: class")
        place, found = on_host.copy(), None                     # among the head's: the class itself, or its cluster
        for i, (low, high) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            samples = ((on_host >= low) & (on_host < high)).nonzero()[0]
            place[samples] = self.shortlist_size + i
            if len(samples):
                samples, own = [backend.to_device(k, backend.device_of(y)) for k in (samples, on_host[samples] - low)]
                log_p = -F.cross_entropy(self.tail[i](ops.take(x, indices=samples)), autograd.wrap(own), reduction="none")
                log_p = ops.put_add(log_p, index=samples, into=y.shape)
                found = log_p if found is None else found + log_p
        of_head = -F.cross_entropy(self.head(x), autograd.wrap(backend.to_device(place, backend.device_of(y))), reduction="none")
        output = of_head if found is None else found + of_head
        return ASMoutput(output.reshape(tuple(target_.shape)), -output.mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """log p of all classes: (N, n_classes)"""
        head = F.log_softmax(self.head(input), 1)
        rest = [F.log_softmax(cluster(input), 1) + head[:, self.shortlist_size + i, None] for i, cluster in enumerate(self.tail)]
        return cat([head[:, :self.shortlist_size], *rest], 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each sample: (N,)"""
        return self.log_prob(input).argmax(1)
