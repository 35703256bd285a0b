"""Distances to try."""
from ..layer import Layer

LAYERS = [
    Layer("nn.CosineSimilarity()", (3, 4), (3, 4)),
    Layer("nn.CosineSimilarity(dim=0, eps=1e-6)", (3, 4), (3, 4)),
    Layer("nn.PairwiseDistance()", (3, 4), (3, 4)),
    Layer("nn.PairwiseDistance(p=3.0, eps=1e-4, keepdim=True)", (3, 4), (3, 4)),
]
