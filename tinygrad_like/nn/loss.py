"""Losses as layers: each holds its settings, and calls the function of the same name in `nn.functional`, where the formula is.

They share one setting, reduction: "mean" of the losses of all elements or examples, their "sum", or "none", which gives each.

More losses, in a line of these:

    InfoNCE             F.cross_entropy(q @ k.T / temperature, arange(len(q))), for pairs of normalized rows of q and k
    distillation        T² · F.kl_div((student / T).log_softmax(1), (teacher / T).softmax(1), reduction="batchmean")
    SVM, two classes    (1 - y · score).clamp(min=0).mean(), with y = 1 or -1;  several classes: MultiMarginLoss
    VAE                 the reconstruction's loss + ½ (μ² + log_var.exp() - 1 - log_var).sum(1).mean()
    GAN                 F.binary_cross_entropy_with_logits(score, ones_like(score)) for what shall look real, else zeros_like
    WGAN-GP             λ (grad(critic(x).sum(), x, create_graph=True)[0].norm(2, 1) - 1).square().mean(), x between real and made
    policy gradient     -(log_prob · (return - baseline)).mean()
"""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import errors
from . import functional as F
from .distance import PairwiseDistance
from .functional.loss import check_reduction
from .module import Module

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["L1Loss", "MSELoss", "HuberLoss", "SmoothL1Loss", "CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss",
           "KLDivLoss", "PoissonNLLLoss", "GaussianNLLLoss", "HingeEmbeddingLoss", "MarginRankingLoss", "SoftMarginLoss",
           "MultiMarginLoss", "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "CosineEmbeddingLoss", "TripletMarginLoss",
           "TripletMarginWithDistanceLoss", "CTCLoss"]


class Loss(Module):
    """What all losses have: a reduction."""
    reduction: str
    more: tuple[str, ...] = ()                                  # reductions of this loss alone

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__()
        check_reduction(type(self).__name__, reduction, (size_average, reduce), self.more)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight for each class, or each element: a buffer, which moves and is saved with the loss."""
    weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
                 reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


# ---- losses of numbers ------------------------------------------------------------------------------------------
class L1Loss(Loss):
    """|x - y|, for x and y of one shape"""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(Loss):
    """(x - y)², for x and y of one shape        (SPEC F-10)

    reduction="half_sum", which PyTorch does not have: ½ Σ (x - y)², whose gradient is x - y        (SPEC F-08)
    """
    more = ("half_sum",)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class HuberLoss(Loss):
    """½ (x - y)² where |x - y| ≤ δ, elsewhere δ (|x - y| - ½ δ)        (Huber 1964)"""
    delta: float

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if not isinstance(delta, (float, int)):
            raise errors.WrongType(f"HuberLoss: delta is a float, got {delta!r}")
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class SmoothL1Loss(Loss):
    """½ (x - y)² / β where |x - y| < β, elsewhere |x - y| - ½ β"""
    beta: float

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class PoissonNLLLoss(Loss):
    """eˣ - y x, or with log_input=False, where x is the rate itself, x - y log(x + eps).  full adds Stirling's log y! for y > 1."""
    log_input: bool
    full: bool
    eps: float

    def __init__(self, log_input: bool = True, full: bool = False, size_average: None = None, eps: float = 1e-8,
                 reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(log_input, target, log_input=self.log_input, full=self.full, eps=self.eps,
                                  reduction=self.reduction)


class GaussianNLLLoss(Loss):
    """½ (log v + (x - y)² / v), for a third input v, the variance.  full adds ½ log 2π.  v is taken for eps where it is smaller."""
    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


# ---- losses of probabilities ------------------------------------------------------------------------------------
class CrossEntropyLoss(WeightedLoss):
    """-log softmax(x)_y, for scores x (not probabilities: softmax is inside) and class numbers y, or probabilities of all classes

    x (N, C), (C,) or (N, C, d₁, …) for C classes; y in that shape without C, or as probabilities in the whole.
    weight (C,): of each class.  ignore_index: a class number that counts for nothing.  label_smoothing ε: (1-ε) q + ε/C is true.
    The derivation of its gradient, softmax(x) minus the truth, stands in `ops/loss.py` (SPEC F-14).
    """
    ignore_index: int
    label_smoothing: float

    def __init__(self, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100, reduce: None = None,
                 reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction,
                               label_smoothing=self.label_smoothing)


class NLLLoss(WeightedLoss):
    """-x_y, for logarithms of probabilities x and class numbers y: after LogSoftmax(1) it is CrossEntropyLoss, shapes included"""
    ignore_index: int

    def __init__(self, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100, reduce: None = None,
                 reduction: str = "mean") -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, weight=self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class BCELoss(WeightedLoss):
    """-y log x - (1 - y) log(1 - x), for probabilities x and y of one shape.  weight multiplies the losses of the elements.

    BCEWithLogitsLoss takes the numbers before the sigmoid: it is more exact.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, weight=self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(Loss):
    """-p y log σ(x) - (1 - y) log(1 - σ(x)), for any numbers x, probabilities y of one shape, and p = pos_weight

    weight multiplies the losses of the elements.  pos_weight, above 1, makes a missed 1 worse than a missed 0.
    """
    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(self, weight: Tensor | None = None, size_average: None = None, reduce: None = None, reduction: str = "mean",
                 pos_weight: Tensor | None = None) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction)


class KLDivLoss(Loss):
    """y (log y - x), for logarithms of probabilities x, and probabilities y (log_target: their logarithms)

    reduction="batchmean" divides the sum by the first dim: the mean over examples of KL(y ‖ eˣ), the divergence of the textbooks.
    """
    log_target: bool
    more = ("batchmean",)

    def __init__(self, size_average: None = None, reduce: None = None, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


# ---- losses that ask for a margin -------------------------------------------------------------------------------
class HingeEmbeddingLoss(Loss):
    """x where y = 1; max(0, margin - x) where y = -1: for x a distance, of what is alike or not"""
    margin: float

    def __init__(self, margin: float = 1.0, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(Loss):
    """max(0, margin - y (x₁ - x₂)): y = 1 wants x₁ the larger, y = -1 x₂"""
    margin: float

    def __init__(self, margin: float = 0.0, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(Loss):
    """log(1 + e^(-y x)), for y = 1 or -1"""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiMarginLoss(WeightedLoss):
    """(1/C) Σ_{c≠y} w_y max(0, margin - x_y + x_c)ᵖ, p being 1 or 2: the score of class y is to lead by the margin, as in an SVM

    x (N, C) or (C,), y (N,) or ().  weight (C,): of each class.
    """
    p: int
    margin: float

    def __init__(self, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: None = None,
                 reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: p is 1 or 2, got {p}")
        self.p, self.margin = p, margin

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, p=self.p, margin=self.margin, weight=self.weight, reduction=self.reduction)


class MultiLabelMarginLoss(Loss):
    """(1/C) Σ_y Σ_c max(0, 1 - (x_y - x_c)), for the classes y that target lists, up to the first -1, and the other c"""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(WeightedLoss):
    """(1/C) Σ_c w_c (-y_c log σ(x_c) - (1 - y_c) log(1 - σ(x_c))), for x and y of shape (N, C) or (C,)"""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class CosineEmbeddingLoss(Loss):
    """1 - cos(x₁, x₂) where y = 1; max(0, cos(x₁, x₂) - margin) where y = -1.  Inputs (N, D) with y (N,), or (D,) with ()."""
    margin: float

    def __init__(self, margin: float = 0.0, size_average: None = None, reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class TripletMarginLoss(Loss):
    """max(0, margin + ‖a - p‖ - ‖a - n‖) of rows.  swap: with ‖p - n‖ where that is the smaller        (Balntas et al. 2016)"""
    margin: float
    p: float
    eps: float
    swap: bool

    def __init__(self, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, size_average: None = None,
                 reduce: None = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginLoss: margin is above 0, got {margin}")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(anchor, positive, negative, margin=self.margin, p=self.p, eps=self.eps, swap=self.swap,
                                     reduction=self.reduction)


class TripletMarginWithDistanceLoss(Loss):
    """max(0, margin + d(a, p) - d(a, n)), for a distance d of your own.  swap: with d(p, n) where that is the smaller"""
    margin: float
    swap: bool

    def __init__(self, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
                 swap: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        if margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: margin is above 0, got {margin}")
        self.distance_function: Any = distance_function if distance_function is not None else PairwiseDistance()
        self.margin, self.swap = margin, swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=self.distance_function,
                                                   margin=self.margin, swap=self.swap, reduction=self.reduction)


# ---- sequences --------------------------------------------------------------------------------------------------
class CTCLoss(Loss):
    """-log p of a sequence of labels, for log-probabilities of labels in each frame, wherever in it the labels may be

    Called with log_probs (T, N, C), targets (N, S) or in one line, input_lengths and target_lengths of N ints each.
    blank: the label that means "none here".  zero_infinity: 0 for samples with too few frames to spell their labels.
    The algorithm stands in `ops/ctc.py`        (Graves et al. 2006)
    """
    blank: int
    zero_infinity: bool

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__(reduction=reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity)
