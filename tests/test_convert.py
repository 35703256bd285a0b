"""Conversions of type and device, to and from NumPy and Python, copies and pickles."""
import copy
import math
import multiprocessing
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, ops

from . import strict_double
from .same import same

SETUP = """
v = torch.arange(3.); x = torch.tensor([1.5, -2.5, 3.], requires_grad=True); y = x * 2; s = torch.tensor(2.5, requires_grad=True)
i = torch.tensor([[1, 2], [3, 4]], dtype=torch.int32); a = np.array([1., 2., 3.]); f = a.astype('float32')
def grad(out): out.sum().backward(); return x.grad
"""


@pytest.mark.parametrize("line", [
    "v.to(torch.float64)", "v.to(torch.int64)", "v.to('cpu') is v", "v.to(torch.float32) is v", "v.to(v) is v", "v.to(i)",
    "v.to('cpu', torch.float64)", "v.to(torch.device('cpu'))", "v.to(dtype=torch.float16)", "v.to(device='cpu', dtype=torch.int8)",
    "v.to(torch.float64, True, True)", "v.to(torch.float32, copy=True) is v", "v.to(torch.float32, False, True) is v",
    "v.to('cpu', torch.float32, True, False) is v", "v.to(float)", "v.to(int)", "v.to('float32')", "v.to(v, v)",
    "v.to(torch.float64, non_blocking=True)", "v.to(memory=3)", "x.to(torch.float64)", "x.to(torch.int64)", "x.double()",
    "x.float() is x", "x.half()", "x.long()", "x.int()", "x.short()", "x.char()", "v.byte()", "x.bool()", "v.cfloat()",
    "v.cdouble()", "v.cpu() is v", "v.type(torch.float64)", "v.type('torch.LongTensor')", "v.type('torch.NoTensor')",
    "v.type_as(i)", "torch.tensor([2.7, -2.7]).int()", "torch.tensor([3, 0]).bool()", "grad(x.double() * 2)", "grad(x.half() * 3)",
    "grad(x.to(torch.float64, copy=True))", "grad(x.type(torch.float64))", "grad(x.type_as(v.double()))", "v.dim()",
    "i.ndimension()", "i.size()", "i.size(0)", "i.size(-1)", "i.size(dim=1)", "i.size(2)", "s.size()", "s.size(0)", "i.numel()",
    "i.nelement()", "i.element_size()", "i.itemsize", "i.nbytes", "i.stride()", "i.stride(0)", "i.t().stride()", "i.stride(5)",
    "i.is_floating_point()", "v.is_complex()", "v.is_cuda", "v.get_device()", "i.is_contiguous()", "i.t().is_contiguous()",
    "i.t().contiguous().is_contiguous()", "i.contiguous() is i", "grad(x[::2].contiguous())", "torch.is_tensor(v)",
    "torch.is_tensor([1])", "torch.numel(i)", "torch.is_floating_point(i)", "torch.is_complex(v)",
    "v.data_ptr() == v[:2].data_ptr()", "v.data_ptr() == v.clone().data_ptr()",
    # to Python
    "float(s)", "int(s)", "bool(s)", "s.item()", "i.item()", "float(i)", "bool(i)", "int(v[2])", "[1, 2, 3][torch.tensor(1)]",
    "[1, 2, 3][s]", "len(i)", "len(s)", "[r.tolist() for r in i]", "list(s)", "2 in v", "5 in v", "v[1] in v", "[1] in v",
    "i.tolist()", "complex(s)", "range(3)[i[0, 0]]", "f'{s}', f'{s:.1f}', str(v)", "sum(v)", "max(v)", "sorted(v)", "abs(x)",
    "hash(v) == hash(v)", "v == None", "v != None", "not s", "s.__index__()",
    # to and from NumPy
    "v.numpy()", "i.numpy()", "x.numpy()", "y.numpy()", "x.detach().numpy()", "x.numpy(force=True)", "np.asarray(v)", "np.array(v)",
    "np.array(i, dtype='float64')", "np.array(x)", "np.asarray(y)", "np.array([v[0], v[1]])", "np.float64(2) * v",
    "v * np.float64(2)", "np.float32(2) * x", "x * np.float32(2)", "np.float64(2) - x", "np.float64(2) / x", "np.float64(2) ** x",
    "np.int64(2) * v", "v + a", "v * f", "v - a", "v / a", "v == a", "grad(np.float64(2) * x)", "grad(x * np.float32(3))",
    "np.exp(v)", "np.sqrt(v)", "np.sin(x.detach())",
    # in place
    "v.copy_(torch.tensor([3, 2, 1]))", "v.copy_(torch.tensor(7))", "v.copy_(3)", "v.copy_(torch.ones(4))",
    "i.copy_(torch.tensor([1.9, -1.9]))", "v.copy_(x)", "grad(torch.zeros(3).copy_(x) * 2)", "grad(torch.zeros(2, 3).copy_(x))",
    "grad(torch.zeros(3, dtype=torch.float64).copy_(x))", "x.copy_(v)", "grad(y.copy_(x))", "v.fill_(2)",
    "v.fill_(torch.tensor(2))", "v.fill_(torch.tensor([1.]))", "i.fill_(2.7)", "v.zero_()", "i.zero_()", "x.zero_()", "x.fill_(1)",
    "v.fill_('a')", "torch.zeros(3).fill_(x[0])", "grad(torch.zeros(3).fill_(x[0]))", "v.zero_() is v",
])
def test_as_pytorch(line):
    same(line, SETUP)


LEFT = {"f": "np.float32([1, 2, 3])", "a": "np.array([1., 2., 3.])", "k": "np.array([1, 2, 3])", "number": "np.float64(2)"}


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**", "@", "<", "<=", ">", ">=", "==", "!=", "//", "%"])
@pytest.mark.parametrize("left", LEFT)
def test_arrays_on_the_left(operator, left):
    """array ∘ x, which PyTorch refuses, is what tensor(array) ∘ x is; a NumPy scalar counts as a Python number."""
    if (operator, left) == ("@", "number"):
        return
    a = eval(LEFT[left])
    results = []
    for other in (a, float(a) if left == "number" else tl.tensor(a)):                   # noqa: B007
        x = tl.tensor([3.0, 5.0, 7.0], requires_grad=True)
        out = eval(f"other {operator} x")
        if out.requires_grad:
            out.sum().backward()
        results.append((out, x.grad))
        assert type(out) is tl.Tensor
    (out, g), (wanted, h) = results
    if operator in ("+", "-", "*", "/", "**", "@"):
        assert out.requires_grad and g is not None
    assert out.dtype == wanted.dtype and np.array_equal(out.detach(), wanted.detach())
    assert (g is None) == (h is None) and (g is None or np.array_equal(g, h))


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**", "@", "<", ">=", "==", "!="])
def test_arrays_on_the_right(operator):
    a = np.array([1.0, 2.0, 3.0])
    x = tl.tensor([3.0, 5.0, 7.0], requires_grad=True)
    out, wanted = [eval(f"{left} {operator} {right}", {"x": x, "a": a, "tl": tl})
                   for left, right in [("x", "a"), ("x.detach().double()", "tl.tensor(a)")]]
    assert type(out) is tl.Tensor and out.dtype == wanted.dtype and np.array_equal(out.detach(), wanted)
    assert out.requires_grad == (operator in ("+", "-", "*", "/", "**", "@"))


FUNCTIONS = [                                                   # with the result that NumPy gives for arrays, and a gradient kept
    "np.exp(x)", "np.multiply(x, 2)", "np.maximum(x, m)", "np.sum(x)", "np.sum(x, axis=0)", "np.sum(x, axis=1, keepdims=True)",
    "np.sum(x, axis=(0, 1))", "np.mean(x)", "np.mean(x, 0)", "np.prod(x)", "np.prod(x, axis=1)", "np.max(x)", "np.max(x, axis=1)",
    "np.min(x, axis=0, keepdims=True)", "np.amax(x)", "np.std(x)", "np.std(x, axis=0, ddof=1)", "np.var(x, axis=1)", "np.cumsum(x)",
    "np.cumsum(x, axis=1)", "np.concatenate([x, m])", "np.concatenate((x, x), axis=1)", "np.concatenate([x, x], axis=None)",
    "np.stack([x, m], axis=1)", "np.where(m > 0, x, 0.0)", "np.clip(x, -0.5, 0.5)", "np.reshape(x, (3, 2))", "np.reshape(x, -1)",
    "np.transpose(x)", "np.transpose(x, (1, 0))", "np.swapaxes(x, 0, 1)", "np.ravel(x)", "np.squeeze(x[None])",
    "np.squeeze(x[None], axis=0)", "np.expand_dims(x, 1)", "np.dot(m.T, x)", "np.matmul(x, m.T)", "m.T @ x",
    "np.einsum('ij,ij->i', x, m)", "np.tanh(x)", "np.log1p(x * x)", "np.arctan(x)", "np.power(m * m, x)", "np.absolute(x)",
    "np.negative(x)", "np.square(x)",
]


@pytest.mark.parametrize("line", FUNCTIONS)
def test_functions_of_numpy_keep_the_history(line):
    random = np.random.default_rng(0)
    m, x = random.standard_normal((2, 2, 3))
    wanted = eval(line, {"np": np, "x": x, "m": m})
    t = tl.tensor(x, requires_grad=True)
    out = eval(line, {"np": np, "x": t, "m": m})
    assert isinstance(out, tl.Tensor) and out.requires_grad and out.dtype is tl.float64
    assert out.shape == np.shape(wanted) and np.allclose(out.detach().numpy(), wanted, rtol=1e-12, atol=1e-14)
    cotangent = random.standard_normal(np.shape(wanted))
    direction = random.standard_normal(x.shape)
    g, = tl.autograd.grad(out, t, tl.tensor(cotangent))
    step = 1e-6
    high, low = [eval(line, {"np": np, "x": x + d * direction, "m": m}) for d in (step, -step)]
    slope = (cotangent * (high - low)).sum() / (2 * step)
    assert abs((g.numpy() * direction).sum() - slope) < 1e-7 * max(1, abs(slope))


def test_functions_of_numpy_without_a_gradient():
    x = tl.tensor([[3.0, 1.0], [2.0, 5.0]], requires_grad=True)
    assert np.shape(x) == (2, 2) and np.ndim(x) == 2 and np.size(x) == 4
    assert np.argmax(x) == 3 and np.allclose(x, [[3, 1], [2, 5]]) and np.array_equal(x, x) and np.zeros_like(x).shape == (2, 2)
    constant = x.detach()
    assert np.linalg.norm(constant) == pytest.approx(39 ** 0.5) and np.median(constant) == 2.5
    assert isinstance(np.cbrt(constant), tl.Tensor)
    np.testing.assert_allclose(constant, [[3, 1], [2, 5]])


@pytest.mark.parametrize("line", ["np.linalg.norm(x)", "np.cbrt(x)", "np.add.reduce(x)", "np.median(x)", "np.gradient(x)",
                                  "np.sum(x, where=m)", "np.add(x, 1, where=m)", "np.multiply.outer(x, x)"])
def test_functions_of_numpy_that_would_lose_the_history(line):
    x, m = tl.ones(3, requires_grad=True), np.ones(3, bool)
    with pytest.raises(TypeError, match="detach"):
        eval(line, {"np": np, "x": x, "m": m})
    with tl.no_grad():
        if "where" not in line:
            eval(line, {"np": np, "x": x, "m": m})


# ---- buffers of NumPy ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64"])
@pytest.mark.parametrize("line", ["b[0] = y[0]", "b[:] = y", "b[1] = y.sum()", "b[0, ] = y[0]", "b[b > -1] = y", "b += y",
                                  "b[:2] = y[:2]", "b[-1] = y[0]", "np.add(y, 1, out=b)", "np.add.at(b, [0], y[:1])",
                                  "np.copyto(b, y)", "np.put(b, 0, y)", "b @= y"])
def test_a_buffer_does_not_swallow_the_history(line, dtype):
    b, x = np.zeros(3, dtype), tl.ones(3, requires_grad=True)
    names = {"b": b, "y": x * 2, "x": x, "np": np}
    with pytest.raises((RuntimeError, TypeError, ValueError)) as error:
        exec(line, names)
    why = error.value.__cause__ or error.value                  # NumPy puts a ValueError of its own on top in some places
    assert "history" in str(why) and "detach()" in str(why) and not b.any()
    if "@" not in line and dtype != "int64":
        with tl.no_grad():
            exec(line, names)                                   # here nothing is lost
        b[0] = 0
        names["y"] = names["y"].detach()
        exec(line, names)
        names["y"] = x * 2
    exec("b[0] = float(y[0]); b[1] = y[0].item(); b[2] = int(y[0])", names)             # said plainly
    assert b.tolist() == [2, 2, 2]


def test_other_containers_take_tensors():
    y = tl.ones((), requires_grad=True) * 2
    some, named = [0], {}
    some[0] = y
    named["loss"] = y
    t = tl.zeros(2)
    t[0] = y
    assert some[0] is y and t.requires_grad and math.sqrt(y * 2) == 2 and float(y) == 2


def test_integers_and_booleans_are_constants():
    x = tl.ones(2, requires_grad=True)
    for kind in ("int64", "int8", "uint8", "bool"):
        assert x.to(getattr(tl, kind)).requires_grad is False
    with pytest.raises(TypeError, match="imaginary"):
        x.cfloat().float()


def test_history_of_values_overwritten():
    x = tl.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = y * y
    y.zero_()                                                   # moves: what z kept of y stays
    assert y.tolist() == [0, 0] and not y.requires_grad
    z.sum().backward()
    assert x.grad.tolist() == [18, 36]
    buffer = tl.zeros(2)
    loss = (x * buffer).sum()
    buffer.copy_(tl.ones(2))
    with pytest.raises(RuntimeError, match="copy_"):
        loss.backward()
    source = tl.ones(2, requires_grad=True) * 2
    target = tl.zeros(2).copy_(source)
    assert target.data_ptr() != source.data_ptr() and target.requires_grad
    whole = tl.zeros(4)
    with pytest.raises(RuntimeError, match="view"):
        whole[:2].copy_(source)


# ---- devices ------------------------------------------------------------------------------------------------------
@pytest.fixture
def other_device():
    backend.libraries.setdefault("strict", lambda: strict_double.cupy)
    return "strict"


def test_gradients_come_home(other_device):
    x = tl.tensor([1.0, 2.0, 3.0], requires_grad=True)
    there = x.to(other_device)
    assert there.device.type == other_device and there.requires_grad and there.to(other_device) is there and x.cpu() is x
    back = (there * there).to("cpu")
    back.sum().backward()
    assert x.grad.device.type == "cpu" and x.grad.tolist() == [2, 4, 6]
    g, = tl.autograd.grad((x.to(other_device) ** 3).to("cpu").sum(), x, create_graph=True)
    h, = tl.autograd.grad(g.sum(), x)
    assert h.tolist() == [6, 12, 18] and h.device.type == "cpu"
    both = x.to(other_device, tl.float64)
    assert both.dtype is tl.float64 and both.device.type == other_device
    both.sum().backward()
    assert x.grad.dtype is tl.float32 and x.grad.tolist() == [3, 5, 7]
    moved = ops.to_device(np.ones(2), device=other_device, home="cpu")
    assert backend.device_of(moved) == other_device


def test_tensors_of_a_device(other_device):
    made = [tl.zeros(2, device=other_device), tl.rand(2, device=other_device), tl.tensor([1, 2], device=other_device),
            tl.arange(2.0, device=other_device),
            tl.eye(2, device=other_device), tl.full((2,), 1.5, device=other_device), tl.zeros_like(tl.ones(2), device=other_device),
            tl.linspace(0, 1, 2, device=other_device),
            tl.randperm(2, device=other_device), tl.ones(2).to(other_device).new_ones(2),
            tl.ones(2).to(other_device).new_tensor([1]), tl.normal(0, 1, (2,), device=other_device),
            tl.rand_like(tl.ones(2).to(other_device)), tl.bernoulli(tl.ones(2).to(other_device)),
            tl.ones(2).type_as(tl.ones(2).to(other_device)),
            tl.multinomial(tl.ones(2).to(other_device), 1), tl.as_tensor([1.0], device=other_device),
            tl.zeros(2).to(other_device).uniform_(),
            tl.zeros(2).to(other_device).copy_(tl.ones(2)), tl.zeros(2).to(other_device).fill_(2)]
    assert {x.device.type for x in made} == {other_device} and all(f"device='{other_device}" in repr(x) for x in made)
    tl.manual_seed(1)
    here = tl.randn(3)
    tl.manual_seed(1)
    assert tl.randn(3, device=other_device).tolist() == here.tolist()
    with tl.device(other_device):
        assert tl.ones(2).device.type == tl.rand(2).device.type == tl.tensor(1.0).device.type == other_device
    with pytest.raises(TypeError, match="cpu"):
        made[0].numpy()
    assert made[0].numpy(force=True).tolist() == [0, 0]
    assert pickle.loads(pickle.dumps(made[0])).device.type == other_device and copy.deepcopy(made[0]).device.type == other_device


# ---- copies and pickles -------------------------------------------------------------------------------------------
class Named(tl.Tensor):
    """A subclass with an attribute in its __dict__."""


class Slotted(tl.Tensor):
    __slots__ = ("label",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    for x in (tl.tensor([1.5, 2]), tl.tensor(3), tl.zeros(0, 2), tl.tensor([True]), tl.ones(2, 3, requires_grad=True),
              tl.ones(2, 3).swapaxes(0, 1), tl.ones(2, requires_grad=True) * 2):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert type(y) is tl.Tensor and y.dtype is x.dtype and y.shape == x.shape
        assert y.requires_grad == x.requires_grad and y.is_leaf and np.array_equal(x.detach(), y.detach()) and y.grad is None
    named, slotted = Named([1, 2]), Slotted([1, 2])
    named.name, slotted.label, slotted.requires_grad = "w", ["b"], True
    a, b, again = pickle.loads(pickle.dumps([named, slotted, named], protocol))
    assert type(a) is Named and a.name == "w" and type(b) is Slotted and b.label == ["b"] and b.requires_grad and again is a


def test_shallow_copies_share_memory():
    x = tl.ones(2, requires_grad=True)
    y = copy.copy(x)
    assert y is not x and y.requires_grad and y.data_ptr() == x.data_ptr()


def test_deep_copies():
    x, named = tl.ones(2, requires_grad=True), Named([1, 2])
    named.labels = ["a"]
    (x * 3).sum().backward()
    other = tl.ones(2, requires_grad=True)
    other.grad = x.grad
    shared = x.detach()
    a, b, c, d, again = copy.deepcopy([x, other, shared, named, x])
    assert a is again and a.is_leaf and a.requires_grad and a.grad.tolist() == [3, 3] and a.data_ptr() != x.data_ptr()
    assert a.grad is b.grad and a.grad is not x.grad            # a gradient that two shared is shared by their copies
    assert c.data_ptr() == a.data_ptr()                         # and so is memory
    assert type(d) is Named and d.labels == ["a"] and d.labels is not named.labels
    with pytest.raises(RuntimeError, match="leaves"):
        copy.deepcopy(x * 2)
    y = tl.tensor([2.0], requires_grad=True)
    (y ** 3).sum().backward(create_graph=True)
    assert copy.deepcopy(y).grad.tolist() == [12] and not copy.deepcopy(y).grad.requires_grad
    y.grad = None


def double(x):
    return x * 2


def test_other_processes():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(double, [tl.ones(2), tl.tensor(3)])[1].tolist() == 6


def test_type_names():
    assert tl.ones(2).type() == "tinygrad_like.FloatTensor"
    assert tl.tensor([1]).type("tinygrad_like.DoubleTensor").type() == "tinygrad_like.DoubleTensor"


def test_importing_loads_no_more_than_the_core():
    code = ("import sys; import numpy; before = set(sys.modules); import tinygrad_like; "
            "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}), "
            "*sorted(name for name in sys.modules if name.startswith('tinygrad_like.')))")
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(tl.__file__))}).stdout.split()
    assert not {"cupy", "hypothesis", "torch", "scipy", "ctypes", "multiprocessing"} & set(loaded)
    assert not {f"tinygrad_like.{name}" for name in ("nn", "linalg", "testing", "strategies", "check_gpu")} & set(loaded)
    assert "tinygrad_like.ops.linalg" in loaded
