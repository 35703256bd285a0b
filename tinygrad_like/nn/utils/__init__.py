"""Helpers for modules: gradients that are clipped, parameters as one vector, weights that are computed."""
from typing import TYPE_CHECKING

from . import parametrizations as parametrizations, parametrize as parametrize, rnn as rnn
from .clip_grad import *
from .convert_parameters import *
from .reparametrize import *

if not TYPE_CHECKING:                                           # which shall find mistakes by itself
    def __getattr__(name):
        """An error that says what there is instead."""
        from ...names import refuse
        refuse(__name__, name)
