"""Imported before NumPy: takes away the two settings that tie its matrix products to an older processor."""
import os

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)
