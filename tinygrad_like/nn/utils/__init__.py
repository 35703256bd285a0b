"""Helpers for modules: gradients that are clipped, parameters as one vector."""
from . import rnn as rnn
from .clip_grad import *
from .convert_parameters import *
