"""Losses to try."""
import numpy as np

from ..layer import Layer

labels = np.array([2, 0, 1, 2])
signs = np.array([1, -1, -1, 1])
signs2 = np.array([[1, -1, 1], [-1, -1, 1]])
zeros_and_ones = np.array([[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]])
shares = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
listed = np.array([[2, 0, -1, 1], [1, -1, 2, 0]])

LAYERS = [Layer(f"nn.{name}({options})", (2, 3), (2, 3))
          for name in ("L1Loss", "MSELoss", "HuberLoss", "SmoothL1Loss") for options in ("", "reduction='sum'", "reduction='none'")]
LAYERS += [
    Layer("nn.MSELoss(reduction='half_sum')", (2, 3), (2, 3), ours=True),
    Layer("nn.HuberLoss('sum', 0.3)", (2, 3), (2, 3)),
    Layer("nn.SmoothL1Loss(beta=0.3)", (2, 3), (2, 3)),
    Layer("nn.PoissonNLLLoss()", (2, 3), (2, 3)),
    Layer("nn.PoissonNLLLoss(log_input=False, full=True, eps=1e-4, reduction='sum')", (2, 3), np.array([[2, 0, 1], [1, 3, 0]]),
          low=0.5, high=2),
    Layer("nn.GaussianNLLLoss()", (2, 3), (2, 3), (2, 3), low=0.3),
    Layer("nn.GaussianNLLLoss(full=True, eps=0.5, reduction='none')", (2, 3), (2, 3), (2, 1), low=0.3),

    Layer("nn.CrossEntropyLoss()", (4, 3), labels),
    Layer("nn.CrossEntropyLoss()", (3,), np.array(1)),
    Layer("nn.CrossEntropyLoss(reduction='none')", (4, 3), labels),
    Layer("nn.CrossEntropyLoss(torch.ones(3), ignore_index=0, label_smoothing=0.1)", (4, 3), labels),
    Layer("nn.CrossEntropyLoss(reduction='sum')", (2, 3), shares),
    Layer("nn.CrossEntropyLoss()", (2, 3, 2), np.array([[0, 1], [2, 1]])),
    Layer("nn.NLLLoss()", (4, 3), labels),
    Layer("nn.NLLLoss(torch.ones(3), ignore_index=1, reduction='none')", (4, 3), labels),
    Layer("nn.BCELoss()", (2, 3), zeros_and_ones, low=0.1, high=0.9),
    Layer("nn.BCELoss(torch.ones(3), reduction='sum')", (2, 3), zeros_and_ones, low=0.1, high=0.9),
    Layer("nn.BCEWithLogitsLoss()", (2, 3), zeros_and_ones),
    Layer("nn.BCEWithLogitsLoss(torch.ones(3), reduction='none', pos_weight=torch.ones(3))", (2, 3), zeros_and_ones),
    Layer("nn.KLDivLoss()", (2, 3), shares),
    Layer("nn.KLDivLoss(reduction='batchmean', log_target=True)", (2, 3), (2, 3)),

    Layer("nn.HingeEmbeddingLoss()", (2, 3), signs2),
    Layer("nn.HingeEmbeddingLoss(0.5, reduction='sum')", (2, 3), signs2),
    Layer("nn.MarginRankingLoss()", (4,), (4,), signs),
    Layer("nn.MarginRankingLoss(0.5, reduction='none')", (4,), (4,), signs),
    Layer("nn.SoftMarginLoss()", (2, 3), signs2),
    Layer("nn.MultiMarginLoss()", (4, 3), labels, second=False),
    Layer("nn.MultiMarginLoss(p=2, margin=0.7, weight=torch.ones(3), reduction='sum')", (4, 3), labels, second=False),
    Layer("nn.MultiLabelMarginLoss()", (2, 4), listed, second=False),
    Layer("nn.MultiLabelMarginLoss(reduction='none')", (2, 4), listed, second=False),
    Layer("nn.MultiLabelSoftMarginLoss()", (2, 3), zeros_and_ones),
    Layer("nn.MultiLabelSoftMarginLoss(torch.ones(3), reduction='none')", (2, 3), zeros_and_ones),
    Layer("nn.CosineEmbeddingLoss()", (4, 3), (4, 3), signs),
    Layer("nn.CosineEmbeddingLoss(0.2, reduction='sum')", (4, 3), (4, 3), signs),
    Layer("nn.TripletMarginLoss()", (4, 3), (4, 3), (4, 3)),
    Layer("nn.TripletMarginLoss(0.5, p=3, eps=1e-4, swap=True, reduction='none')", (4, 3), (4, 3), (4, 3)),
    Layer("nn.TripletMarginWithDistanceLoss()", (4, 3), (4, 3), (4, 3)),
    Layer("nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(-1), margin=2.0, swap=True)",
          (4, 3), (4, 3), (4, 3)),

    *[Layer(f"nn.CTCLoss({options})", (6, 2, 4), np.array([[1, 2, 2], [3, 1, 0]]), second=False,
            call="m(xs[0].log_softmax(2), xs[1], (6, 5), (3, 2))") for options in ("", "reduction='sum'", "reduction='none'")],
    Layer("nn.CTCLoss(3, zero_infinity=True)", (3, 2, 4), np.array([1, 1, 0, 2]), np.array([3, 2]), np.array([3, 1]), second=False,
          call="m(xs[0].log_softmax(2), *xs[1:])"),
    Layer("nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5], div_value=2.0)", (6, 8), np.array([1, 9, 0, 3, 4, 7])),
    Layer("nn.AdaptiveLogSoftmaxWithLoss(8, 10, [4], head_bias=True)", (3, 8), np.array([1, 3, 0])),
    Layer("nn.AdaptiveLogSoftmaxWithLoss(8, 10, (2, 5))", (8,), np.array(6)),
    Layer("nn.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5])", (3, 8), call="(m.log_prob(*xs), m.predict(*xs))"),
]
