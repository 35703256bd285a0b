"""Exercise 11.    out = (x - mean) / std        Something below is wrong: mend it, then run  python examples/exercises/check.py 11

`mean` and `std` are intermediates: functions of the class that are asked for by name, like operands.
"""
from tinygrad_like.op import Op


def average(x):
    """The mean over the last axis, which is kept."""
    return x.sum(axis=-1, keepdims=True) / x.shape[-1]


class standardize(Op):
    """out = (x - mean) / std        mean and std over the last axis: the heart of layer and batch normalization"""
    def forward(x): return (x - average(x)) / standardize.std(x, average(x))
    def mean(x): return average(x)
    def std(x, mean): return average((x - mean) * (x - mean)) ** 0.5
    def dx(g, std): return g / std
