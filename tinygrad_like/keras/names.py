"""What is said for a name of Keras's that is not offered."""
from __future__ import annotations

from typing import NoReturn

from .. import names

INSTEAD = {
    "fashion_mnist": "mnist is here", "cifar100": "mnist is here",
    "cifar10": "tinygrad_like.data.datasets.ImageFolder reads pictures from folders",
    "imdb": "tinygrad_like.data.text makes numbers of words", "reuters": "mnist is here", "boston_housing": "mnist is here",
    "applications": "tinygrad_like.models has ResNet, VGG and others", "regularizers": "the optimizers have weight_decay",
    "constraints": "change the weights in a callback", "backend": "tensors have PyTorch's functions",
    "preprocessing": "tinygrad_like.data.transforms and data.text are for pictures and words; utils has pad_sequences",
    "mixed_precision": "models compute in their parameters' type: model.half()",
    "schedules": "callbacks has LearningRateScheduler", "TensorBoard": "CSVLogger and PlotCurves keep the curves",
    "BackupAndRestore": "fit(resume_from=folder) goes on after a crash",
    "load_model": "save_weights and load_weights keep the numbers, and the program the layers",
    "clone_model": "call what built it again", "Masking": "nn.LSTM reads packed sequences", "ConvLSTM2D": "write a Layer",
    "MultiHeadAttention": "nn.MultiheadAttention has it", "Attention": "nn.MultiheadAttention has it",
    "Ftrl": "there are Adam, AdamW, SGD, …", "plot_model": "model.summary() prints a table",
}


def refuse(place: str, name: str) -> NoReturn:
    """Raise the AttributeError for a name that a part of this dialect does not have."""
    names.refuse(place, name, INSTEAD)
