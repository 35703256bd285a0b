"""Moving between devices: the one op whose operand and result lie in different memories."""
from .. import backend
from ..autograd import Op


class to_device(Op):
    """out = x, on another device; `home` is where x is, and where its gradient goes"""
    def forward(x, *, device, home): return backend.to_device(x, device)
    def dx(g, device, home): return to_device(g, device=home, home=device)
