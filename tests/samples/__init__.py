"""Operands to try each op on: every op of the package has a sample in one of the files of this folder."""
import importlib
import pathlib

SAMPLES = {}
for file in sorted(pathlib.Path(__file__).parent.glob("[a-z]*.py")):
    SAMPLES |= importlib.import_module(f"{__name__}.{file.stem}").SAMPLES
