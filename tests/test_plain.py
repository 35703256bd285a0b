"""Ops whose fast derivatives work on arrays alone: `create_graph` differentiates their `plain` composition instead."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import ops
from tinygrad_like.autograd import Op, grad
from tinygrad_like.backend import xp
from tinygrad_like.testing import check_op, gradcheck, gradgradcheck

RNG = np.random.default_rng(0)


def leaf(*shape):
    return tl.tensor(RNG.standard_normal(shape), requires_grad=True)


CONSTANT = leaf(2, 3).detach()


class scaled_tanh(Op):
    """out = s tanh(x y), with derivatives that write into buffers: no Tensor can go through them"""
    def forward(x, y, *, s=2.0):
        out = xp(x).tanh(x * y)
        out *= s
        return out

    def dx(g, y, out, s):
        d = out * out
        d *= -1 / s
        d += s
        d *= g
        d *= y
        return d

    def dy(g, x, out, s):
        d = out * out
        d /= -s
        d += s
        d *= g
        d *= x
        return d

    def plain(x, y, *, s): return s * ops.tanh(x * y)


class halves(Op):
    """outs = x², x y: several results"""
    def forward(x, y): return x * x, x * y

    def dx(g, x, y):
        d = 2 * x
        d *= g[0]
        d += g[1] * y
        return d

    def dy(g, x):
        d = g[1].copy()
        d *= x
        return d

    def plain(x, y): return x * x, x * y


class product(Op):
    """out = Π xs: any number of operands"""
    def forward(*xs):
        out = xs[0].copy()
        for x in xs[1:]:
            out *= x
        return out

    def dxs(g, i, xs):
        d = g.copy()
        for k, x in enumerate(xs):
            if k != i:
                d *= x
        return d

    def plain(*xs):
        out = xs[0]
        for x in xs[1:]:
            out = out * x
        return out


@pytest.mark.parametrize("op, count", [(scaled_tanh, 2), (halves, 2), (product, 3)])
def test_slopes_to_second_order(op, count):
    check_op(op, [RNG.standard_normal((3, 2)) for _ in range(count)])


@pytest.mark.parametrize("function, shapes", [
    (lambda x, y: scaled_tanh(x, y, s=3.0), [(2, 3), (2, 3)]),
    (lambda x, y: scaled_tanh(x, y), [(2, 3), (2, 3)]),
    (lambda x: scaled_tanh(x, x), [(4,)]),                                       # one operand twice
    (lambda x: scaled_tanh(x, CONSTANT), [(2, 3)]),                              # one a constant
    (lambda x, y: scaled_tanh(x * y, x), [(3,), (3,)]),                          # one computed from the other
    (lambda x, y: halves(x, y)[1], [(3,), (3,)]),                                # one result unused
    (lambda x, y: halves(x * y, x), [(3,), (3,)]),
    (lambda x, y: product(x, y, x, y * x), [(3,), (3,)]),
])
def test_within_other_ops(function, shapes):
    inputs = tuple(leaf(*shape) for shape in shapes)
    assert gradcheck(function, inputs) and gradgradcheck(function, inputs)


def test_third_order():
    x, y = leaf(3), leaf(3)
    direct, through = (lambda: 2.0 * ops.tanh(x * y)), (lambda: scaled_tanh(x, y))
    found = []
    for f in (direct, through):
        a, = grad(f().sum(), [x], create_graph=True)
        b, = grad((a * a).sum(), [y], create_graph=True)
        found.append(grad((b * b).sum(), [x, y]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9)


def test_the_ordinary_sweep_takes_the_fast_derivatives():
    class fast(Op):
        """out = x"""
        def forward(x): return x.copy()
        def dx(g): return 100 * g
        def plain(x): return x * 1

    x = leaf(2)
    assert grad(fast(x).sum(), [x])[0].tolist() == [100, 100]
    assert grad(fast(x).sum(), [x], create_graph=True)[0].tolist() == [1, 1]
