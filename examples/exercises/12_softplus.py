"""Exercise 12.    out = log(1 + eˣ)        Something below is wrong: mend it, then run  python examples/exercises/check.py 12

The first derivative is right, and a network would train with it.
"""
from tinygrad_like.backend import xp
from tinygrad_like.op import Op, raw
from tinygrad_like.ops import sigmoid


class softplus(Op):
    """out = log(1 + eˣ)      softplus' = sigmoid"""
    def forward(x): return xp(x).logaddexp(x, 0)
    def dx(g, x): return g * sigmoid(raw(x))                    # raw: the array inside a Tensor
