"""Activations: the functions between the layers, each with its derivative."""
from ..autograd import Op
from ..backend import xp
