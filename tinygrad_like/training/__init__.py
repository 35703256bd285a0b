"""Training: `model.compile`, `fit`, `evaluate` and `predict`, callbacks, and checkpoints that a killed training is resumed from.

The functions here are those methods of every Module.  Whoever writes the loop by hand needs none of it but `Checkpoint`.
"""
from . import losses as losses
from .callbacks import (
    Callback as Callback,
    CallbackList as CallbackList,
    CSVLogger as CSVLogger,
    EarlyStopping as EarlyStopping,
    History as History,
    LambdaCallback as LambdaCallback,
    LearningRateScheduler as LearningRateScheduler,
    ModelCheckpoint as ModelCheckpoint,
    PlotCurves as PlotCurves,
    ReduceLROnPlateau as ReduceLROnPlateau,
    TerminateOnNaN as TerminateOnNaN,
)
from .checkpoint import Checkpoint as Checkpoint
from .loop import compile as compile, evaluate as evaluate, fit as fit, predict as predict
