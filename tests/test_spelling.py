"""One line of Python, as users write them, here and in PyTorch: names of arguments, types, gradients, and what is refused."""
import pytest

from .same import run, same, theirs

SETUP = """
x = torch.tensor([[1.5, -2.0, 0.25], [3.0, 0.5, -1.0]], requires_grad=True)
y = torch.tensor([[0.5, 1.0, 2.0], [-1.0, 4.0, 0.1]], requires_grad=True)
n = torch.tensor([[1, -2, 3], [0, 5, -1]])
mask = torch.tensor([[True, False, True], [False, False, True]])
bytes = torch.tensor([250, 3, 4], dtype=torch.uint8)
half = x.detach().half()
places = torch.tensor([2, 0, 1])
ends = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
number = torch.tensor(2.0)
empty = torch.zeros(0, 3)

def slopes(z, *xs):
    return torch.autograd.grad((z * z).sum(), xs)

def put(x, index, value):
    z = x.clone()
    z[index] = value
    return z

def after(method, *args, of=None, **kwargs):
    z = (x if of is None else of).clone()
    getattr(z, method)(*args, **kwargs)
    return z
"""

NAMES = """
    x.reshape(shape=(3, 2))     torch.reshape(input=x, shape=(6,))      x.view(size=(6,))   x.permute(dims=(1, 0))
    torch.permute(x, dims=(1, 0))   x.expand(size=(2, 2, 3))    x.broadcast_to(2, 2, 3)     x.broadcast_to(size=(2, 3))
    torch.broadcast_to(x, size=(2, 3))   x.repeat(repeats=(2, 1))    torch.tile(x, dims=(2, 2))      torch.flip(x, dims=[1])
    x.split(split_size=1)   torch.split(x, split_size_or_sections=1)    x.split([1, 1])     x.tensor_split(sections=2)
    x.tensor_split(indices=(1,), dim=1)     x.where(condition=mask, other=y)    torch.repeat_interleave(places)
    torch.repeat_interleave(repeats=places)   x.repeat_interleave(repeats=2, dim=-1)      torch.cat([x, y], axis=1)
    torch.stack([x, y], axis=-1)    torch.concat((x, y), axis=0)    torch.concatenate((x, y), axis=1)   x.unsqueeze(axis=0)
    x[:, :1].squeeze(axis=1)    x.unbind(axis=1)    x.chunk(3, axis=1)      x.softmax(axis=1)   x.sum(axis=1, keepdims=True)
    x.max(axis=0).indices   after("copy_", other=y)     x.norm("nuc")   x.norm(p="nuc", dim=(0, 1))     number.adjoint()    +x
    torch.autograd.functional.jacobian(torch.exp, ends)     torch.autograd.functional.hessian(torch.sum, ends)
    torch.linalg.norm(input=x)      torch.sort(x, dim=0, stable=True, descending=True)
    torch.autograd.gradcheck(torch.exp, (x.double(),))
"""

VALUES = """
    slopes(ends.logit(), ends)      bytes.logit()   mask.logit()    x.sigmoid().logit()     half.nanmean()
    half.nanmean(1, True)   torch.logaddexp2(x, half)   slopes(x.norm("nuc"), x)
    torch.logaddexp2(n, torch.tensor(2.0, dtype=torch.float64))     after("add_", n[0], of=bytes)
    after("mul_", places, of=bytes)     torch.tensor([number.reshape(1), places[:1]])   torch.tensor([[number], [1]])
    slopes(put(x, (0, 1), ends[:1]), x, ends)   put(x.detach(), (0, 1), ends.detach()[None, 1:2])
    x.diff(0, prepend=y)    x[:1].cov()     x[:1].corrcoef()    x.cov(fweights=places)
    x.quantile(ends)    slopes(x.quantile(ends), x, ends)   slopes(x.nanquantile(ends[1], 1), x, ends)
    slopes((x / (x > 0)).nanquantile(ends[:2], 1), ends)    x.quantile(ends, interpolation="lower").detach()
    bytes.cumsum(0, dtype=torch.uint8)      bytes.cumprod(0, dtype=torch.uint8)     bytes.sum(dtype=torch.uint8)
    bytes.prod(dtype=torch.uint8)   mask.prod(1, dtype=torch.bool)      n.int().sum(0, dtype=torch.int32)
    mask.sum(dtype=torch.bool)
    torch.einsum("ij,jk->ik", bytes[:, None], bytes[None])      mask.sign()     mask.sgn()      number.logsumexp([0])
    number.logsumexp((-1,), True)   torch.nn.functional.relu6(n)    torch.nn.functional.relu6(bytes)
    torch.nn.functional.hardtanh(n, -1.5, 2.5)      number.gather(0, places[1:2])   places.gather(0, places[0])
    x.gather(0, torch.zeros(0, dtype=torch.int64))      torch.cat([torch.tensor([]), x], 1)     torch.cat([x, torch.tensor([])], 1)
    torch.arange(0.5, -7.9, -4, dtype=torch.int64)      torch.arange(-0.9, 2.1, 2.0, dtype=torch.uint8)
    torch.arange(0, 5, 1.5, dtype=torch.int32)      torch.arange(0, 5.5, dtype=torch.int64)
    torch.linspace(4.3, -3, 50, dtype=torch.int64)      torch.logspace(0.9, 2.5, 3, dtype=torch.int64)
    torch.linalg.matrix_rank(torch.ones(2, 3, 3), rtol=torch.tensor([0.5, 2.0]))    torch.linalg.qr(torch.zeros(0, 3))
    torch.linalg.qr(x)      slopes(torch.linalg.qr(x)[1], x)    slopes(torch.linalg.qr(x.double())[0] * y[:, :2], x)
    torch.nn.functional.pad(empty[:, None], (1, 2), "replicate")    torch.nn.functional.pad(torch.zeros(0, 3, 3), (1, 2), "reflect")
    torch.nn.functional.pad(x, (-3, 5), "replicate")    torch.nn.functional.pad(x, (4, -4), "replicate")
    torch.nn.functional.pad(x, (-2, 2), "reflect")      torch.nn.functional.pad(x, (-2, 1), "circular")
    torch.nn.functional.pad(x, (-2, 1))     torch.nn.functional.pad(x, (0, 0), "replicate")
    torch.nn.functional.cosine_similarity(number, -number, dim=0)
    torch.nn.functional.cosine_similarity(x[None], y[:, None], dim=-2)
    torch.nn.functional.cosine_similarity(x, y[0], dim=0)   torch.nn.functional.cosine_similarity(x[:, None], y, dim=-1)
    slopes(torch.nn.functional.cosine_similarity(x, y[0], dim=0), x, y)
    torch.cdist(x, y, 1.0, "donot_use_mm_for_euclid_dist")      torch.pdist(torch.cat([x, y]), p=3.0)
    slopes(torch.nn.functional.pdist(torch.cat([x, y])), x, y)      torch.pdist(x[:1])
    (half * 100).norm(6)    (half * 100).norm(dim=1)    torch.linalg.vector_norm(half * 100, 4, dim=0)
    mask.scatter_reduce(0, places[None] % 2, mask, "amax")      mask.scatter_reduce(0, places[None] % 2, mask, "amin")
    mask.scatter_reduce(0, places[None] % 2, mask, "sum", include_self=False)
"""

REFUSED = """
    x.reshape(shape=(3, 2), size=2)     x.reshape(6, shape=(3, 2))      x.view(dims=(3, 2))     x.tensor_split()
    torch.eq(x, None)   torch.atan2(x, None)    torch.logical_and(x, None)      torch.matmul(x, None)
    torch.heaviside(x, None)    x + None    x * "a"     x < None    x @ 2   2.5 @ x     x @ None    x @ number      -mask
    +mask   ~x      mask - mask     x & x   x << 1      n << 1.5    empty.argmax()      empty.argmin()      x.gather(1, y)
    x.max(keepdim=True)     x.min(keepdim=True)     x.median(keepdim=True)      x.nanmedian(keepdim=True)
    torch.histc(x / 0)      torch.diag_embed(number)    x.sort(0, True, True)
    torch.tensor(300, dtype=torch.uint8)    torch.tensor([float("nan")], dtype=torch.int64)     torch.tensor([1, None])
    torch.tensor([half[0]])     torch.tensor(2 ** 70)   torch.tensor([1e30], dtype=torch.int64)     torch.tensor({1})
    torch.nn.functional.huber_loss(x, y, delta=-1.0)    torch.nn.functional.smooth_l1_loss(x, y, beta=-1.0)
    torch.nn.functional.cross_entropy(x, places[:2], label_smoothing=2.0)
    x.masked_fill(mask, 1j)     x.cov(fweights=places - 1)      x.cov(fweights=ends)    x.cov(aweights=places)
    x.cov(aweights=ends - 1)    torch.isclose(x, y, rtol=-1.0)      torch.isclose(x, y, atol=-1.0)
    x.narrow(0, mask[0, 0], 1)      x.narrow(0, places, 1)      x[0].rot90()
    torch.zeros(3, 3).scatter(0, places[None], x.double().detach())     torch.zeros(3).scatter_add(0, places, y[0].double())
    torch.cdist(x, y, compute_mode="fast")      torch.pdist(x[0])
    torch.linalg.svd(x, driver="gesvd")     torch.linalg.svdvals(x, driver="gesvd")
    torch.linalg.cross(x, y[:, :1])     torch.linalg.cross(x, y[0])     torch.linalg.lstsq(number, number)
    torch.arange(0, 1, 0.5, dtype=torch.int64)      torch.nn.functional.pad(x, (3, 0), "reflect")
    x.masked_fill(n, 1.0)   x.masked_fill(mask, x)      torch.nn.functional.one_hot(x)
    torch.nn.functional.cross_entropy(x, y[:, 0])   x.norm("nuc", dim=0)
"""


def lines(table):
    """The expressions in a table: cells are parted by three spaces or more."""
    return [cell.strip() for row in table.splitlines() for cell in row.split("   ") if cell.strip()]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")            # divisions by 0, logarithms
@pytest.mark.parametrize("line", lines(NAMES) + lines(VALUES))
def test_as_there(line):
    assert not isinstance(run(line, theirs, SETUP), Exception)
    same(line, SETUP, rtol=1e-3 if "half" in line else 1e-5)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("line", lines(REFUSED))
def test_refused_as_there(line):
    same(line, SETUP)


@pytest.mark.parametrize("call", [
    *[f"{name}(x.sigmoid())" for name in ("erf", "erfc", "erfinv", "exp2", "expit", "expm1", "log1p", "logit", "round", "sinc")],
    "softmax(x, 0)", "log_softmax(x, dim=1)", "logsumexp(x, 1)", "xlogy(y, x.exp())",
])
def test_special_functions_are_under_their_name(call):
    same(f"torch.special.{call}", SETUP)
