"""What networks are built from."""
from . import functional as functional
