"""Training: `model.compile`, `fit`, `evaluate` and `predict`, callbacks, and checkpoints that a killed training is resumed from.

The functions here are those methods of every Module.  Whoever writes the loop by hand needs none of it but `Checkpoint`.
"""
from . import losses as losses
from .callbacks import *
from .checkpoint import *
from .loop import *
