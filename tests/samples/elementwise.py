"""What to try the elementwise ops and the activations on."""
import numpy as np
from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.testing import Sample, arrays, broadcastable, shapes


def with_params(operands, **params):
    """Pairs of operands and parameters, drawn from strategies."""
    return st.tuples(operands.map(lambda x: x if isinstance(x, tuple) else (x,)), st.fixed_dictionaries(params))


def numbers(low, high):
    return st.floats(low, high).map(lambda x: round(x, 3))


@st.composite
def powers(draw):
    """x ** y for arrays, for a number y, and for a number x."""
    kind = draw(st.sampled_from(["arrays", "y", "whole y", "x"]))
    if kind == "arrays":
        return draw(broadcastable(2, each=[{"low": 0.3, "high": 2}, {}]))
    if kind == "y":
        return draw(arrays(low=0.3)), draw(st.sampled_from([0.5, -0.5, 1.5, -2.3, 0.0, 2.0]))
    if kind == "whole y":
        return draw(arrays(away_from=[0], gap=0.3)), draw(st.integers(-3, 6))
    return draw(st.sampled_from([0.5, 2, 3.7])), draw(arrays())


@st.composite
def choices(draw):
    """Operands of `where`, with a condition."""
    x, y, z = draw(broadcastable(3))
    if draw(st.booleans()):
        y = draw(numbers(-2, 2))
    return (x, y), {"condition": z > 0}


@st.composite
def clipped(draw):
    """Operands of `clip`: bounds that are arrays, numbers or left out, none near x."""
    x = draw(arrays(away_from=[-2, -1, 0, 1]))
    bound = draw(st.sampled_from(["arrays", "numbers", "low", "high"]))
    if bound == "arrays":
        low, high = draw(st.sampled_from([(-1.0, -2.0), (-1.0, 0.0), (-1.0, 1.0)]))
        return x, np.full(x.shape, low), np.full(x.shape, high)
    return x, None if bound == "high" else -1.0, None if bound == "low" else 1.0


@st.composite
def along_an_axis(draw, many=False, **options):
    x = draw(arrays(shapes(min_dims=1), **options))
    axes = st.integers(-x.ndim, x.ndim - 1)
    if not many:
        return (x,), {"axis": draw(axes)}
    several = st.lists(st.integers(0, x.ndim - 1), min_size=1, unique=True).map(tuple)
    return (x,), {"axis": draw(st.one_of(st.none(), axes, several)), "keepdims": draw(st.booleans())}


pair = broadcastable(2)
no_ties = broadcastable(2, each=[{"away_from": [-1, 0, 1], "gap": 0.3}, {"low": -0.2, "high": 0.2}])
whole = broadcastable(2, each=[{"away_from": [-2, -1, 0, 1, 2], "gap": 0.2}, {"low": 0.98, "high": 1.02}])
integers = broadcastable(2, low=-9, high=9, dtype="int64")
shifts = broadcastable(2, low=0, high=9, dtype="int64")
between = arrays(low=-0.9, high=0.9)
positive = arrays(low=0.2, high=3)
anywhere = arrays(low=-3, high=3)
off_zero = arrays(away_from=[0])
off_whole = arrays(low=-3, high=3, away_from=range(-3, 4))

SAMPLES = {
    ops.add: Sample(pair),
    ops.sub: Sample(pair),
    ops.mul: Sample(pair),
    ops.div: Sample(broadcastable(2, away_from=[0], gap=0.3)),
    ops.neg: Sample(arrays()),
    ops.lerp: Sample(broadcastable(3)),
    ops.full_like: Sample(with_params(arrays(), value=numbers(-2, 2)), gradient=False),
    ops.floor_divide: Sample(whole, analytic=False),
    ops.trunc_divide: Sample(whole, analytic=False),
    ops.remainder: Sample(whole, analytic=False),
    ops.fmod: Sample(whole, analytic=False),

    ops.pow: Sample(powers()),
    ops.sqrt: Sample(positive),
    ops.rsqrt: Sample(positive),
    ops.reciprocal: Sample(arrays(away_from=[0], gap=0.3)),
    ops.hypot: Sample(broadcastable(2, away_from=[0], gap=0.3), analytic=False),

    ops.exp: Sample(anywhere),
    ops.exp2: Sample(anywhere),
    ops.expm1: Sample(anywhere),
    ops.log: Sample(positive),
    ops.log2: Sample(positive),
    ops.log10: Sample(positive),
    ops.log1p: Sample(arrays(low=-0.7, high=3)),
    ops.logaddexp: Sample(pair),
    ops.xlogy: Sample(broadcastable(2, low=0.2)),

    ops.sin: Sample(anywhere),
    ops.cos: Sample(anywhere),
    ops.tan: Sample(arrays(low=-1.2, high=1.2)),
    ops.asin: Sample(between),
    ops.acos: Sample(between),
    ops.atan: Sample(anywhere),
    ops.atan2: Sample(broadcastable(2, away_from=[0], gap=0.3), analytic=False),
    ops.sinh: Sample(anywhere),
    ops.cosh: Sample(anywhere),
    ops.tanh: Sample(anywhere),
    ops.asinh: Sample(anywhere),
    ops.acosh: Sample(arrays(low=1.3, high=3)),
    ops.atanh: Sample(between),
    ops.sinc: Sample(anywhere, analytic=False),

    ops.erf: Sample(anywhere, analytic=False),
    ops.erfc: Sample(anywhere, analytic=False),
    ops.erfinv: Sample(between, analytic=False),

    ops.abs: Sample(off_zero, analytic=False),
    ops.sign: Sample(off_zero, analytic=False),
    ops.copysign: Sample(broadcastable(2, away_from=[0]), analytic=False),
    ops.round: Sample(with_params(arrays(away_from=[k / 20 for k in range(-41, 42)], gap=0.01), decimals=st.integers(0, 1)),
                      analytic=False),
    ops.floor: Sample(off_whole, analytic=False),
    ops.ceil: Sample(off_whole, analytic=False),
    ops.trunc: Sample(off_whole, analytic=False),

    ops.where: Sample(choices()),
    ops.masked: Sample(arrays().map(lambda x: ((x,), {"keep": x > 0})), analytic=False),
    ops.maximum: Sample(no_ties, analytic=False),
    ops.minimum: Sample(no_ties, analytic=False),
    ops.fmax: Sample(no_ties, analytic=False),
    ops.fmin: Sample(no_ties, analytic=False),
    ops.clip: Sample(clipped(), analytic=False),
    ops.nan_to_num: Sample(arrays(), analytic=False),

    ops.greater: Sample(pair, gradient=False),
    ops.greater_equal: Sample(pair, gradient=False),
    ops.less: Sample(pair, gradient=False),
    ops.less_equal: Sample(pair, gradient=False),
    ops.equal: Sample(integers, gradient=False),
    ops.not_equal: Sample(integers, gradient=False),
    ops.isclose: Sample(pair, gradient=False),
    ops.isnan: Sample(arrays(), gradient=False),
    ops.isinf: Sample(arrays(), gradient=False),
    ops.isfinite: Sample(arrays(), gradient=False),
    ops.signbit: Sample(arrays(), gradient=False),
    ops.heaviside: Sample(pair, gradient=False),
    ops.logical_and: Sample(integers, gradient=False),
    ops.logical_or: Sample(integers, gradient=False),
    ops.logical_xor: Sample(integers, gradient=False),
    ops.logical_not: Sample(arrays(), gradient=False),
    ops.bitwise_and: Sample(integers, gradient=False),
    ops.bitwise_or: Sample(integers, gradient=False),
    ops.bitwise_xor: Sample(integers, gradient=False),
    ops.bitwise_not: Sample(arrays(low=-9, high=9, dtype="int64"), gradient=False),
    ops.bitwise_left_shift: Sample(shifts, gradient=False),
    ops.bitwise_right_shift: Sample(shifts, gradient=False),

    # ---- activations --------------------------------------------------------------------------------------------
    ops.relu: Sample(off_zero, analytic=False),
    ops.gated: Sample(arrays().map(lambda x: ((x,), {"by": -x})), analytic=False),
    ops.sloped: Sample(arrays().map(lambda x: ((x,), {"by": -x, "slope": 0.3})), analytic=False),
    ops.leaky_relu: Sample(with_params(off_zero, slope=numbers(-0.5, 1.5)), analytic=False),
    ops.prelu: Sample(broadcastable(2, each=[{"away_from": [0]}, {}]), analytic=False),
    ops.elu: Sample(with_params(off_zero, alpha=numbers(0.5, 2), scale=numbers(0.5, 2), rate=numbers(0.5, 2)), analytic=False),
    ops.sigmoid: Sample(anywhere),
    ops.logsigmoid: Sample(off_zero, analytic=False),
    ops.softplus: Sample(with_params(off_zero, beta=numbers(0.5, 2), threshold=st.just(20.0)), analytic=False),
    ops.softsign: Sample(off_zero, analytic=False),
    ops.silu: Sample(anywhere),
    ops.gelu: Sample(anywhere, analytic=False),
    ops.gelu_tanh: Sample(anywhere),
    ops.mish: Sample(anywhere),
    ops.hardtanh: Sample(with_params(arrays(away_from=[-1, 1]), low=st.just(-1.0), high=st.just(1.0)), analytic=False),
    ops.hardsigmoid: Sample(arrays(low=-5, high=5, away_from=[-3, 3]), analytic=False),
    ops.hardswish: Sample(arrays(low=-5, high=5, away_from=[-3, 3]), analytic=False),
    ops.softshrink: Sample(with_params(arrays(away_from=[-0.5, 0.5]), by=st.just(0.5)), analytic=False),
    ops.hardshrink: Sample(with_params(arrays(away_from=[-0.5, 0.5]), within=st.just(0.5)), analytic=False),
    ops.threshold: Sample(with_params(arrays(away_from=[0.5]), above=st.just(0.5), value=numbers(-2, 2)), analytic=False),

    ops.softmax: Sample(along_an_axis(low=-3, high=3)),
    ops.log_softmax: Sample(along_an_axis(low=-3, high=3)),
    ops.logsumexp: Sample(along_an_axis(many=True, low=-3, high=3).filter(lambda drawn: drawn[0][0].size)),
}
