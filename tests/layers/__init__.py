"""Layers to try: what `test_layers.py` builds here and in PyTorch from the same line of Python."""
import importlib
import pathlib

LAYERS = []
for file in sorted(pathlib.Path(__file__).parent.glob("[a-z]*.py")):
    LAYERS += importlib.import_module(f"{__name__}.{file.stem}").LAYERS
