"""`tinygrad_like.utils.checkpoint.checkpoint`: see `derivatives.checkpoint`."""
from ..derivatives import checkpoint as checkpoint
