"""Ops that work on each element by itself: arithmetic, powers, exponentials, activations, comparisons.

Broadcasting is undone by the sweep, so no formula here mentions it.
"""
from ..autograd import Op
from ..backend import xp


# ---- arithmetic -------------------------------------------------------------------------------------------------
class add(Op):
    """out = x + y"""
    def forward(x, y): return x + y
    def dx(g): return g
    def dy(g): return g


class sub(Op):
    """out = x - y"""
    def forward(x, y): return x - y
    def dx(g): return g
    def dy(g): return -g


class mul(Op):
    """out = x y"""
    def forward(x, y): return x * y
    def dx(g, y): return g * y
    def dy(g, x): return g * x


class div(Op):
    """out = x / y"""
    integers = False
    def forward(x, y): return x / y
    def dx(g, y): return g / y
    def dy(g, y, out): return -g * out / y


class neg(Op):
    """out = -x"""
    def forward(x): return -x
    def dx(g): return -g


# ---- exponentials -----------------------------------------------------------------------------------------------
class exp(Op):
    """out = eˣ"""
    integers = False
    def forward(x): return xp(x).exp(x)
    def dx(g, out): return g * out


# ---- activations ------------------------------------------------------------------------------------------------
class relu(Op):
    """out = max(0, x)      relu'(0) = 0        (SPEC F-04)"""
    def forward(x): return xp(x).maximum(x, 0)
    def dx(g, out): return g * (out > 0)


class sigmoid(Op):
    """out = σ(x) = 1 / (1 + e⁻ˣ) = ½ (1 + tanh(x/2)), which cannot overflow      σ' = σ (1 - σ)      (SPEC F-15)"""
    integers = False
    def forward(x): return 0.5 * (1 + xp(x).tanh(0.5 * x))
    def dx(g, out): return g * (out * (1 - out))


# ---- comparisons: true or false, no gradient --------------------------------------------------------------------
class greater(Op):
    """out = x > y"""
    def forward(x, y): return x > y


class equal(Op):
    """out = x == y"""
    def forward(x, y): return x == y
