"""The answers.  Each op is as in its exercise, but for the line or two that were wrong, and what was wrong is said beside them."""
from tinygrad_like.backend import add_at, xp
from tinygrad_like.op import Op
from tinygrad_like.ops import broadcast_to, exp, sigmoid as σ


class square(Op):
    """1.  A factor was missing: (x²)' = 2x.  x is used twice in x · x, and receives twice."""
    def forward(x): return x * x
    def dx(g, x): return g * 2 * x


class divide(Op):
    """2.  The sign: d(x/y)/dy = -x/y², and x/y is `out`.  Of a positive fraction, a greater denominator makes less."""
    def forward(x, y): return x / y
    def dx(g, y): return g / y
    def dy(g, y, out): return -g * out / y


class tanh(Op):
    """3.  g was missing.  That is dout/dx; the chain rule wants dL/dx = dL/dout · dout/dx, and dL/dout is g."""
    def forward(x): return xp(x).tanh(x)
    def dx(g, out): return g * (1 - out * out)


class relu(Op):
    """4.  The wrong side: what passed forwards (x > 0) passes backwards.  `out > 0` says the same, and keeps no second array."""
    def forward(x): return xp(x).maximum(x, 0)
    def dx(g, out): return g * (out > 0)


class sigmoid(Op):
    """5.  A name that nobody knows: the formula calls the result y, the engine calls it `out`.  It is refused at once, since a
    derivative can only ask for what is there."""
    def forward(x): return 1 / (1 + xp(x).exp(-x))
    def dx(g, out): return g * out * (1 - out)


class matmul(Op):
    """6.  A transposition was missing: ∂L/∂x_ij = Σ_k g_ik y_jk, and the k of y stands second there: (g yᵀ)_ij.  If the matrices
    were not square, the shapes would not have fitted and told on it; square ones hide it."""
    def forward(x, y): return x @ y
    def dx(g, y): return g @ y.swapaxes(-1, -2)
    def dy(g, x): return x.swapaxes(-1, -2) @ g


class row_sum(Op):
    """7.  g_i belongs to row i, and broadcasting aligns axes from the right: (n,) became a row, not a column.  With as many rows
    as columns nothing complains."""
    def forward(x): return x.sum(axis=1)
    def dx(g, shape): return broadcast_to(g[:, None], to=shape)


class softmax(Op):
    """8.  dout_j/dx_i = out_j ([i = j] - out_i): the Jacobian has entries beside its diagonal, for x_i stands below every fraction.
    Hence  Σ_j g_j out_j ([i = j] - out_i)  =  out_i (g_i - Σ_j g_j out_j)."""
    def forward(x):
        e = xp(x).exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def dx(g, out): return out * (g - (g * out).sum(axis=-1, keepdims=True))


class log_softmax(Op):
    """9.  A sum was missing: dout_j/dx_i = [i = j] - p_i, and Σ_j g_j ([i = j] - p_i) = g_i - p_i Σ_j g_j.  No broadcasting took
    place forwards, so nobody sums for you."""
    def forward(x):
        x = x - x.max(axis=-1, keepdims=True)
        return x - xp(x).log(xp(x).exp(x).sum(axis=-1, keepdims=True))

    def dx(g, out): return g - exp(out) * g.sum(axis=-1, keepdims=True)


class take(Op):
    """10.  A row that was picked twice receives twice: out[index] = x lets the last one win, and out[index] += x does too."""
    def forward(x, *, index): return x[index]
    def dx(g, index, shape): return put(g, index=index, into=shape)


class put(Op):
    """The way back: an array of zeros of the shape `into`, with the rows of x added where they came from."""
    def forward(x, *, index, into):
        out = xp(x).zeros(into, x.dtype)
        add_at(out, index, x)
        return out

    def dx(g, index): return take(g, index=index)


def average(x):
    """The mean over the last axis, which is kept."""
    return x.sum(axis=-1, keepdims=True) / x.shape[-1]


class standardize(Op):
    """11.  mean and std are made of x as well.  What comes back through them takes away from g its mean, and its part along out:
    moving all x alike, or stretching them, changes nothing in out, so no gradient may point that way."""
    def forward(x): return (x - average(x)) / standardize.std(x, average(x))
    def mean(x): return average(x)
    def std(x, mean): return average((x - mean) * (x - mean)) ** 0.5
    def dx(g, out, std): return (g - average(g) - out * average(g * out)) / std


class softplus(Op):
    """12.  raw(x) is a constant: the value is right, and that it depends on x is lost.  Under create_graph, x is a Tensor, and must
    stay one, for the derivative to have a derivative."""
    def forward(x): return xp(x).logaddexp(x, 0)
    def dx(g, x): return g * σ(x)
