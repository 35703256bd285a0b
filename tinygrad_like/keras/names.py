"""What is said for a name of Keras's that is not offered."""
from __future__ import annotations

from typing import NoReturn

from .. import names

INSTEAD = {
    "fashion_mnist": "mnist is here", "cifar100": "mnist is here",
    "cifar10": "tinygrad_like.data.datasets.ImageFolder reads pictures from folders",
    "imdb": "tinygrad_like.data.text makes numbers of words", "reuters": "mnist is here", "boston_housing": "mnist is here",
    "applications": "tinygrad_like.models has ResNet, VGG and others",
    "constraints": "change the weights in a callback", "backend": "tensors have PyTorch's functions",
    "ops": "tensors have PyTorch's functions: x.mean(), tinygrad_like.exp(x)",
    "preprocessing": "tinygrad_like.data.transforms and data.text are for pictures and words; utils has pad_sequences",
    "mixed_precision": "models compute in their parameters' type: model.half()",
    "TensorBoard": "CSVLogger and PlotCurves keep the curves",
    "TextVectorization": "tinygrad_like.data.text makes numbers of words",
    **dict.fromkeys(("RandomFlip", "RandomRotation", "RandomZoom", "RandomCrop", "RandomContrast", "RandomTranslation",
                     "RandomBrightness", "Resizing", "CenterCrop"), "tinygrad_like.data.transforms has it for the data set"),
    "image_dataset_from_directory": "tinygrad_like.data.datasets.ImageFolder reads pictures from folders",
    "timeseries_dataset_from_array": "numpy.lib.stride_tricks.sliding_window_view(series, length) makes the windows",
    "text_dataset_from_directory": "tinygrad_like.data.text makes numbers of words",
    "BackupAndRestore": "fit(resume_from=folder) goes on after a crash",
    "save_model": "model.save_weights('model.npz') keeps the numbers, and the program the layers",
    "load_model": "save_weights and load_weights keep the numbers, and the program the layers",
    "clone_model": "call what built it again", "Masking": "nn.LSTM reads packed sequences", "ConvLSTM2D": "write a Layer",
    "Attention": "MultiHeadAttention is here", "AdditiveAttention": "MultiHeadAttention is here",
    "Ftrl": "there are Adam, AdamW, SGD, …", "plot_model": "model.summary() prints a table",
}

# The same for methods and properties of models and layers.
METHODS = {
    **dict.fromkeys(("kernel", "bias", "recurrent_kernel", "embeddings", "gamma", "beta", "moving_mean", "moving_variance"),
                    "get_weights() has it in Keras's layout, as an array, and weights in PyTorch's, as a tensor"),
    "get_config": "the program keeps how layers are made", "from_config": "the program keeps how layers are made",
    "to_json": "the program that builds the model keeps its layers",
    "add_loss": "let the loss function or a training loop add it up",
    "add_metric": "compile(metrics=[…]) takes functions", "fit_generator": "fit takes generators",
    "evaluate_generator": "evaluate takes generators", "predict_generator": "predict takes generators",
    "predict_classes": "model.predict(x).argmax(-1)", "export": "save_weights('model.npz') keeps the numbers",
}


def refuse(place: str, name: str) -> NoReturn:
    """Raise the AttributeError for a name that a part of this dialect does not have."""
    names.refuse(place, name, INSTEAD)
