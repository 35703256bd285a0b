"""What networks are built from."""
from . import functional as functional, init as init
from .containers import *
from .module import *
from .parameter import *
