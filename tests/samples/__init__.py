"""Operands to try each op on: every op of the package has a sample in one of the files of this folder."""
import importlib
import pathlib

SAMPLES = {}
for file in sorted(pathlib.Path(__file__).parent.glob("[a-z]*.py")):
    family = importlib.import_module(f"{__name__}.{file.stem}").SAMPLES
    if twice := [op.__name__ for op in family if op in SAMPLES]:
        raise ValueError(f"{file.name} has samples for {', '.join(twice)}, and so has another file: keep one of them")
    SAMPLES |= family
