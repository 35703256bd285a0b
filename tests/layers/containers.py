"""Containers that compute."""
from ..layer import Layer

LAYERS = [
    Layer("nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))", (5, 3)),
    Layer("nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Identity())", (5, 3)),
]
