"""NumPy, CuPy and the strict double give the same answers; CuPy's absence is explained; a training step never waits for the GPU."""
import contextlib
import ctypes
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_like as tg
import tinygrad_like.nn.functional as F
from tinygrad_like import autograd, backend, check_gpu, errors, machine
from tinygrad_like.op import wrap
from tinygrad_like.testing import as_outputs, differentiable_operands

from . import strict_double
from .conftest import NOT_ON_STAND_IN, on_stand_in
from .samples import SAMPLES

# Ops whose result has a size that depends on values, as it has where a mask is the index: the host has to wait for it.
MUST_WAIT = {"argwhere", "bincount", "histogram", "unique"}

with_ops = pytest.mark.parametrize("op", sorted(SAMPLES, key=lambda op: (op.__module__, op.__name__)), ids=lambda op: op.__name__)


# ---- every op, on the device and on the host --------------------------------------------------------------------
def moved(x, device, dtype="float64"):
    """x, and what is in it, with its arrays on that device and its floating-point numbers of that dtype."""
    if isinstance(x, dict):
        return {key: moved(value, device, dtype) for key, value in x.items()}
    if isinstance(x, (tuple, list)):
        parts = [moved(each, device, dtype) for each in x]
        return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
    if isinstance(x, (np.ndarray, np.generic)):
        return backend.to_device(np.asarray(x, dtype if x.dtype.kind == "f" else None), device)
    return x


def has_mask(index):
    return any([strict_double.is_mask(i) for i in (index if isinstance(index, tuple) else (index,))])


def derivatives_to_second_order(op, sample, operands, params, device, sent):
    """The results of an op on the device; the gradients by the ordinary sweep; those by create_graph; and their gradients.

    `sent`, a list, receives what this function itself moves to the device.
    """
    wanted = differentiable_operands(op, operands) if sample.gradient else []
    tensors = [wrap(x).requires_grad_() if i in wanted else wrap(x) if type(x) in backend.array_types else x
               for i, x in enumerate(operands)]
    outputs = as_outputs(op(*tensors, **params))
    found = [outputs]
    random = np.random.default_rng(0)

    def cotangent(y):
        sent.append(np.asarray(random.standard_normal(y.shape), y.array.dtype))
        return wrap(backend.to_device(sent[-1], device))

    pairs = [(y, cotangent(y).requires_grad_()) for y in outputs if y.requires_grad]
    if not pairs:
        return found
    leaves = [tensors[i] for i in wanted]
    ys, vs = [y for y, _ in pairs], [v for _, v in pairs]
    found.append(autograd.grad(ys, leaves, vs, retain_graph=True, materialize_grads=True))
    if sample.second:
        gradients = autograd.grad(ys, leaves, vs, create_graph=True, materialize_grads=True)
        found.append(gradients)
        again = [(g, cotangent(g)) for g in gradients if g.requires_grad]
        if again:
            found.append(autograd.grad([g for g, _ in again], [*leaves, *vs], [w for _, w in again], materialize_grads=True))
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@with_ops
@given(data=st.data())
def test_op_agrees_with_numpy(op, dtype, data, device):
    sample = SAMPLES[op]
    operands, params = moved(data.draw(sample.operands), "cpu", dtype)
    expected = derivatives_to_second_order(op, sample, operands, params, "cpu", [])
    on_device = moved(operands, device, dtype), moved(params, device, dtype)
    sent = []
    with strict_double.counting() as n:
        found = derivatives_to_second_order(op, sample, *on_device, device, sent)
    if device == "strict" and op.__name__ not in MUST_WAIT and not has_mask(params.get("index")):
        assert not n["waits"], f"{op.__name__} waits for the device {n['waits']} times"
        assert n["uploads"] == len(sent), f"{op.__name__} moves something to the device {n['uploads'] - len(sent)} times"
    signs_are_free = device == "cuda" and op.__name__ in check_gpu.SIGNS_ARE_FREE
    what = ["result", "gradient", "gradient under create_graph", "second derivative"][:1 if signs_are_free else None]
    tolerance = {"float32": 2e-4, "float64": 1e-11}[dtype]
    for name, here, there in zip(what, expected, found):
        for i, (x, y) in enumerate(zip(here, there)):
            assert backend.device_of(y.array) == device and y.array.dtype == x.array.dtype and y.shape == x.shape, f"{name} {i}"
            x, y = x.array, backend.to_device(y.array, "cpu")
            if signs_are_free:
                x, y = abs(x), abs(y)
            finite = np.abs(x[np.isfinite(x)])
            largest = float(finite.max()) if finite.size else 1.0
            np.testing.assert_allclose(y, x, rtol=tolerance, atol=tolerance * max(1.0, largest), err_msg=f"{name} {i}")


@pytest.mark.parametrize("function", [lambda x: x.inverse(), lambda x: tg.linalg.solve(x, x), lambda x: tg.linalg.cholesky(-x)],
                         ids=["inv", "solve", "cholesky"])
@pytest.mark.parametrize("shape", [(2, 2), (3, 2, 2)])
def test_what_has_no_inverse_raises_on_a_device_too(function, shape, device):
    if on_stand_in():
        pytest.skip("the stand-in has no cuSOLVER")
    with pytest.raises(tg.linalg.LinAlgError, match="of shape"):
        function(tg.ones(*shape, device=device))


# ---- a training step --------------------------------------------------------------------------------------------
@contextlib.contextmanager
def counting(device):
    """What the device does inside the `with` block: kernels, uploads, downloads, waits; None if it cannot be counted there."""
    if device == "strict":
        with strict_double.counting() as inside:
            yield inside
        return
    if not on_stand_in():
        yield None
        return
    library, inside = ctypes.CDLL("libamdhip64.so.7"), {}

    def counters():
        found = (ctypes.c_size_t * 6)()
        library.fk_counters(found)
        return dict(zip(["uploads", "downloads", "kernels", "waits", "bytes", "float64 kernels"], found))

    before = counters()
    yield inside
    inside.update({key: count - before[key] for key, count in counters().items()})


class Network:
    """64 -> 32 -> 10, by hand, so that this file needs no layers."""

    def __init__(self, device):
        random = np.random.default_rng(0)
        self.parameters = [tg.tensor(random.standard_normal(shape) * 0.2, dtype=tg.float32, device=device, requires_grad=True)
                           for shape in ((64, 32), (32,), (32, 10), (10,))]
        self.x = tg.tensor(random.standard_normal((50, 64)), dtype=tg.float32, device=device)
        self.labels = tg.tensor(random.integers(0, 10, 50), device=device)

    def step(self):
        w1, b1, w2, b2 = self.parameters
        loss = F.cross_entropy((self.x @ w1 + b1).relu() @ w2 + b2, self.labels)
        loss.backward()
        with tg.no_grad():
            for p in self.parameters:
                p -= 0.5 * p.grad
                p.grad = None
        return loss.detach()


def test_training_is_the_same_on_both(device):
    here, there = Network("cpu"), Network(device)
    losses = np.array([(here.step().item(), there.step().item()) for _ in range(20)])
    np.testing.assert_allclose(losses[:, 1], losses[:, 0], rtol=1e-4)
    assert losses[-1, 0] < 0.5 * losses[0, 0]
    for p, q in zip(here.parameters, there.parameters):
        np.testing.assert_allclose(q.detach().cpu().numpy(), p.detach().numpy(), rtol=1e-3, atol=1e-4)


def test_a_training_step_never_waits_for_the_device(device):
    network = Network(device)
    network.step()                                              # the first compiles kernels
    with counting(device) as n:
        network.step()
    if n is None:
        pytest.skip("waits cannot be counted on this device")
    assert (n["waits"], n["downloads"], n["uploads"]) == (0, 0, 0), n
    assert n.get("float64 kernels", 0) == 0
    assert n["kernels"] <= MLP_KERNELS, "each launch costs as much time as a million numbers"


MLP_KERNELS = 60


# ---- moving -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64".split())
def test_arrays_go_there_and_back(device, dtype):
    whole = np.arange(6).reshape(2, 3).astype(dtype)
    for x in whole, whole.T, whole[::-1, ::2], np.zeros((2, 0), dtype), np.ones((), dtype):
        there = backend.to_device(x, device)
        assert backend.device_of(there) == device and there.dtype == x.dtype and there.shape == x.shape
        assert backend.to_device(there, device) is there
        back = backend.to_device(there, "cpu")
        assert type(back) is np.ndarray and back.dtype == x.dtype
        np.testing.assert_array_equal(back, x)


def test_a_copy_on_the_device_is_a_copy(device):
    x = np.zeros(3, "float32")
    there = backend.to_device(x, device)
    x[0] = 1
    assert not backend.to_device(there, "cpu").any()


def test_one_gpu_a_process(device):
    x = np.zeros(3, "float32")
    assert backend.device_of(backend.to_device(x, f"{device}:0")) == device
    with pytest.raises(errors.BackendError, match="CUDA_VISIBLE_DEVICES=1"):
        backend.to_device(x, f"{device}:1")
    with pytest.raises(errors.BackendError, match="'tpu' is not offered"):
        backend.to_device(x, "tpu")
    with pytest.raises(errors.BackendError, match="CUDA_VISIBLE_DEVICES=1"):
        tg.zeros(2).to(f"{device}:1")


def test_numbers_of_the_host_go_along(device):
    """A 0-d tensor on the host, with tensors on a device: as a Python number would; its gradient comes back, to second order."""
    for dtype in ("float64", "float32"):                        # of the same type, and of another
        x = tg.tensor([1.0, 2.0], dtype=tg.float64, device=device, requires_grad=True)
        a = tg.tensor(3.0, dtype=getattr(tg, dtype), device="cpu", requires_grad=True)
        out = tg.where(x > a, x, a * x ** a).sum()
        assert backend.device_of(out.array) == device
        da, dx = tg.autograd.grad(out, (a, x), create_graph=True)
        daa, = tg.autograd.grad(da, a)
        log2, by_a, by_x = np.log(2), "cpu", device             # out = a + a 2ᵃ
        for found, expected, where in (
                (da, 1 + 8 + 24 * log2, by_a), (daa, 16 * log2 + 24 * log2 ** 2, by_a), (dx, [9, 36], by_x)):
            assert backend.device_of(found.array) == where
            np.testing.assert_allclose(found.tolist(), expected, rtol=1e-6)
        with tg.no_grad():
            x += a
            x[0] = a
        assert x.tolist() == [3, 5]
    with pytest.raises(RuntimeError, match="one operand is on"):
        x + tg.ones(2, device="cpu")
    with pytest.raises(RuntimeError, match="one operand is on"):
        tg.ones((), device="cpu") + x + tg.ones(2, device="cpu")


def test_a_layer_left_on_the_host_is_named(device):
    x = tg.randn(2, 3, 4, 4, device=device)
    nn = tg.nn
    for layer in (nn.BatchNorm2d(3), nn.InstanceNorm2d(3, affine=True), nn.LayerNorm(4), nn.Conv2d(3, 2, 3), nn.Linear(4, 2)):
        with pytest.raises(RuntimeError, match=f"'{device}.*'cpu'.*to\\('{device}(.|\n)*in {type(layer).__name__}"):
            layer.to("cpu")(x)


def test_labels_and_masks_left_on_the_host_are_named(device):
    x, labels = tg.randn(3, 4, device=device), tg.tensor([0, 3, 1], device="cpu")
    mask, square = [tg.ones(3, n, dtype=tg.bool, device="cpu") for n in (4, 3)]
    for loss in (F.cross_entropy, F.nll_loss, F.multi_margin_loss):
        with pytest.raises(RuntimeError, match=f"{loss.__name__}: input is on '{device}.* and target on 'cpu'.*target.to"):
            loss(x, labels)
    for look_up in (lambda: F.embedding(labels, x), lambda: x.index_select(0, labels), lambda: x.gather(1, labels[:, None]),
                    lambda: tg.take(x, labels), lambda: F.embedding(labels.to(device), x.cpu())):
        with pytest.raises(RuntimeError, match=r"what is indexed is on .* and the indices are on .*: write indices.to"):
            look_up()
    for call in (lambda: tg.where(mask, x, x), lambda: x.masked_fill(mask, 0.0), lambda: F.mse_loss(x, x.cpu()),
                 lambda: F.scaled_dot_product_attention(x, x, x, attn_mask=square)):
        with pytest.raises(RuntimeError, match="one operand is on .* and another on .*: move one"):
            call()


def test_default_device(device):
    before = backend.default_device
    try:
        backend.set_default_device(device)
        assert backend.device_of(tg.zeros(2).array) == backend.device_of(tg.tensor([1.0]).array) == device
        assert backend.device_of(tg.zeros(2, device="cpu").array) == "cpu"
        on_host = np.zeros(2)                                   # arrays and tensors follow, but for what shares memory
        for make in (tg.tensor, tg.as_tensor, tg.asarray):
            for x in (on_host, tg.from_numpy(on_host)):
                assert backend.device_of(make(x).array) == device
                assert backend.device_of(make(x, device="cpu").array) == "cpu"
        assert backend.device_of(tg.from_numpy(on_host).array) == "cpu"
        with pytest.raises(errors.BackendError):
            backend.set_default_device("tpu")
        assert backend.default_device == device
    finally:
        backend.default_device = before


def test_operands_on_two_devices_are_refused(device):
    x, y = tg.zeros(2, device="cpu"), tg.zeros(2, device=device)
    for pair in (x, y), (y, x):
        with pytest.raises(RuntimeError, match=f"'cpu'.*'{device}'|'{device}'.*'cpu'"):
            pair[0] + pair[1]


def test_random_numbers_are_the_same_on_both(device):
    drawn = []
    for where in "cpu", device:
        tg.manual_seed(3)
        drawn.append([tg.randn(3, 2, device=where), tg.rand(4, device=where), tg.randint(0, 9, (5,), device=where)])
    for x, y in zip(*drawn):
        np.testing.assert_array_equal(x.numpy(), y.cpu().numpy())


@pytest.mark.parametrize("use", [lambda x, i: x[i], lambda x, i: F.embedding(i, x), lambda x, i: F.cross_entropy(x, i)],
                         ids=["getitem", "embedding", "cross_entropy"])
def test_an_index_out_of_range_is_an_error_there_too(device, use):
    """CuPy itself takes it for another row, silently."""
    x, wrong = tg.zeros(3, 4, device=device), tg.tensor([0, 4, 1], device=device)
    with pytest.raises(IndexError, match="4"):
        use(x, wrong)


# ---- when there is no GPU ---------------------------------------------------------------------------------------
def fake_cupy(**parts):
    """A module named cupy that is as far from working as `parts` says."""
    cuda = types.SimpleNamespace(is_available=lambda: True, runtime=types.SimpleNamespace(driverGetVersion=lambda: 0))
    module = types.ModuleType("cupy")
    vars(module).update({"__version__": "14.2.0", "cuda": cuda, **parts})
    return module


def no_gpu():
    module = fake_cupy()
    module.cuda.is_available = lambda: False
    return module


def no_libraries():
    def ones(shape, dtype):
        raise ImportError("libnvrtc.so.12: cannot open shared object file")
    return fake_cupy(ones=ones)


FAILURES = {
    "no package": (lambda: None, "needs CuPy, which cannot be imported.*pip install 'tinygrad_like"),
    "another version": (lambda: fake_cupy(__version__="13.6.0"), "needs CuPy 14, and this is CuPy 13.6.0"),
    "no GPU": (no_gpu, r"finds no usable GPU \(driver version: none\).*nvidia-smi.*device 'cpu'"),
    "no CUDA libraries": (no_libraries, r"visible but CuPy 14.2.0 cannot compute on it: libnvrtc.*cupy-cuda12x\[ctk\]"),
}


@pytest.fixture(params=FAILURES)
def without_cupy(request, monkeypatch):
    """CuPy fails in one of several ways; gives what the error is to say."""
    module, sentence = FAILURES[request.param]
    monkeypatch.setitem(sys.modules, "cupy", module())
    monkeypatch.delitem(backend._loaded, "cuda", raising=False)
    monkeypatch.setattr(backend, "default_device", "cpu")
    return sentence


def test_each_failure_has_its_sentence(without_cupy):
    for ask in (lambda: tg.tensor([1.0], device="cuda"), lambda: tg.zeros(2, device="cuda:0"), lambda: tg.zeros(2).to("cuda"),
                lambda: tg.zeros(2).cuda(), lambda: backend.set_default_device("cuda")):
        with pytest.raises(errors.BackendError, match=without_cupy):
            ask()
    assert backend.default_device == "cpu"
    assert tg.device("cuda").type == "cuda"                     # a name is not a request


def test_the_check_says_plainly_that_there_is_no_gpu(without_cupy, capsys):
    assert check_gpu.main() == 2
    assert "no GPU to check: " in capsys.readouterr().out


def python(code, **environment):
    """What the code prints, run in a process of its own."""
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_import_asks_for_no_gpu():
    code = "import sys, tinygrad_like as tg; tg.zeros(2, requires_grad=True).sum().backward(); assert 'cupy' not in sys.modules"
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_cupy_itself_without_a_card(device):
    if device != "cuda" or not on_stand_in():
        pytest.skip("needs the stand-in, which can be told to have no card")
    done = python("import tinygrad_like as tg; tg.zeros(2, device='cuda')", FAKEHIP_DEVICES="0")
    assert "finds no usable GPU" in done.stderr


# ---- the check for people with a card ---------------------------------------------------------------------------
def test_the_check_has_operands_for_every_op():
    untried = [op.__name__ for op, case in check_gpu.cases() if case is None]
    assert not untried, "give them operands in special_cases of check_gpu.py"


def test_the_check_finds_that_all_agrees(device, capsys):
    assert check_gpu.main(device, without=NOT_ON_STAND_IN if on_stand_in() else ()) == 0
    assert capsys.readouterr().out.endswith("everything agrees\n")


def test_the_check_finds_what_disagrees(device, capsys, monkeypatch):
    real = tg.ops.exp.forward
    monkeypatch.setattr(tg.ops.exp, "forward", lambda x: real(x) if backend.device_of(x) == "cpu" else real(x) * 1.001)
    assert not check_gpu.check_ops(device, "float32", NOT_ON_STAND_IN)
    assert "DISAGREES: exp: " in capsys.readouterr().out


# ---- the process ------------------------------------------------------------------------------------------------
def test_slow_matrix_products_are_said_once():
    code = ("import tinygrad_like as tg\n"
            "x = tg.zeros(2, requires_grad=True)\n"
            "for _ in range(3): x.sum().backward()")
    done = python(code, OPENBLAS_CORETYPE="Nehalem", OPENBLAS_L2_SIZE="")
    assert done.returncode == 0 and done.stderr.count("OPENBLAS_CORETYPE=Nehalem") == 1, done.stderr
    assert not python(code, OPENBLAS_CORETYPE="", OPENBLAS_L2_SIZE="").stderr


def test_memory_is_kept_unless_that_is_declined(monkeypatch):
    monkeypatch.setenv("TINYGRAD_LIKE_KEEP_MEMORY", "0")
    assert not machine.keep_memory()
    monkeypatch.delenv("TINYGRAD_LIKE_KEEP_MEMORY")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not machine.keep_memory()
    monkeypatch.setattr(sys, "platform", "linux")

    def no_glibc(name):
        raise OSError(name)
    monkeypatch.setattr(ctypes, "CDLL", no_glibc)
    assert not machine.keep_memory()


# ---- the strict double is strict --------------------------------------------------------------------------------
def on_double(*shape):
    return strict_double.cupy.asarray(np.arange(np.prod(shape), dtype="float32").reshape(shape))


REFUSED = {
    "an array of NumPy beside one of the device": lambda xp, x: x + np.ones(3, "float32"),
    "NumPy's functions": lambda xp, x: np.exp(x),
    "NumPy's sum": lambda xp, x: np.sum(x),
    "silent conversion": lambda xp, x: np.asarray(x),
    "a NumPy array in where": lambda xp, x: xp.where(x > 1, x, np.ones(3)),
    "where=": lambda xp, x: xp.exp(x, where=x > 0),
    "initial=": lambda xp, x: x.sum(initial=0.0),
    "maximum.reduce": lambda xp, x: xp.maximum.reduce(x),
    "multiply.at": lambda xp, x: xp.multiply.at(x, xp.asarray([0]), 1.0),
    "names that CuPy lacks": lambda xp, x: xp.insert(x, 0, 1),
    "arguments that CuPy lacks": lambda xp, x: xp.argsort(x, stable=True),
    "a float64 scalar": lambda xp, x: x * np.float64(2),
    "float64 by default": lambda xp, x: xp.zeros(3),
    "integers divided": lambda xp, x: xp.arange(3) / 2,
    "writing into a broadcast view": lambda xp, x: xp.broadcast_to(x, (4, 2, 3)).fill(1),
    "two values for one element": lambda xp, x: x.__setitem__(xp.asarray([0, 0]), on_double(2, 3)),
    "a NumPy array put in": lambda xp, x: x.__setitem__(0, np.ones(3, "float32")),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_double_refuses(what):
    with pytest.raises((TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError)):
        REFUSED[what](strict_double.cupy, on_double(2, 3))


def test_the_double_does_as_cupy_does():
    xp, x = strict_double.cupy, on_double(2, 3)
    assert type(x.sum()) is strict_double.ndarray and x.sum().shape == ()
    assert x[xp.asarray([1, 2])].get().tolist() == [[3, 4, 5], [0, 1, 2]]                     # 2 wraps around to 0
    assert xp.take(x, xp.asarray([3]), axis=1).get().tolist() == [[0], [3]]
    assert np.isnan(xp.empty(3, "float32").get()).all()
    assert x.T.base is x and x.T[0].base is x and (x + 1).base is None
    assert (x * 2.5).dtype == np.float32


@pytest.mark.parametrize("waits, act", [
    (1, lambda xp, x: float(x.sum())), (1, lambda xp, x: bool(x.sum())), (1, lambda xp, x: x.get()), (1, lambda xp, x: x[x > 1]),
    (1, lambda xp, x: xp.nonzero(x)), (0, lambda xp, x: x.sum() + x[:, 1:].max()), (0, lambda xp, x: xp.where(x > 1, x, 0.0)),
])
def test_the_double_counts_waits(waits, act):
    x = on_double(2, 3)
    with strict_double.counting() as n:
        act(strict_double.cupy, x)
    assert n["waits"] == waits
