"""Threads, and the library of matrix products (`machine`)."""
import contextvars
import types

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import machine


@pytest.fixture
def threads():
    before = tl.get_num_threads()
    yield tl.set_num_threads
    tl.set_num_threads(before)


@pytest.mark.skipif(machine.openblas("get_num_threads") is None, reason="this NumPy does not use OpenBLAS")
def test_matrix_products_have_as_many_threads(threads):
    for n in (1, 2):
        threads(n)
        assert tl.get_num_threads() == machine.openblas("get_num_threads")() == n


def test_another_librarys_threads_are_not_ours(monkeypatch):
    monkeypatch.setattr(machine, "openblas", lambda name: None)
    monkeypatch.setattr(machine, "mkl", lambda name: None)
    assert tl.get_num_threads() == 1
    with pytest.raises(RuntimeError, match="VECLIB_MAXIMUM_THREADS"):
        tl.set_num_threads(2)


def test_threads_of_mkl(monkeypatch):
    """NumPy built on MKL has these two functions and none of OpenBLAS's."""
    threads = [4]
    functions = {"MKL_Get_Max_Threads": lambda: threads[-1], "MKL_Set_Num_Threads": threads.append}
    monkeypatch.setattr(machine, "library", lambda: types.SimpleNamespace(**functions))
    for function in (machine.openblas, machine.mkl):
        monkeypatch.setattr(machine, function.__name__, function.__wrapped__)
    assert tl.get_num_threads() == 4 and machine.kernel() is None
    tl.set_num_threads(2)
    assert tl.get_num_threads() == 2 and threads == [4, 2]
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Nehalem")
    monkeypatch.setenv("OPENBLAS_L2_SIZE", "262144")
    assert machine.slow_products() is None


@pytest.mark.parametrize("wrong", [0, -1, 1.0, True, "2", None])
def test_a_number_of_threads(wrong):
    with pytest.raises(RuntimeError, match="positive integer"):
        tl.set_num_threads(wrong)


@pytest.mark.parametrize("setting, kernel, flags, slow", [
    ("Haswell", "Haswell", {"avx512f", "avx2", "avx"}, "AVX-512"), ("Haswell", "Haswell", {"avx2", "avx"}, None),
    ("SkylakeX", "SkylakeX", {"avx512f", "avx2"}, None), ("Nehalem", "Nehalem", {"avx2", "sse2"}, "AVX2"),
    ("Zen", None, {"avx2"}, "OPENBLAS_CORETYPE=Zen"), ("NewOne", "NewOne", {"avx512f"}, None), ("", "Haswell", {"avx512f"}, None)])
def test_an_older_processors_products_are_said(monkeypatch, setting, kernel, flags, slow):
    monkeypatch.setenv("OPENBLAS_CORETYPE", setting)
    monkeypatch.delenv("OPENBLAS_L2_SIZE", raising=False)
    monkeypatch.setattr(machine, "kernel", lambda: kernel)
    monkeypatch.setattr(machine, "processor_flags", lambda: flags)
    said = machine.slow_products()
    assert said is None if slow is None else slow in said


# ---- large arrays, in parts -------------------------------------------------------------------------------------
def lying(x, how):
    """The numbers of x (N, C, H, W) in another order in memory."""
    if how == "channels last":
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return x if how == "in order" else np.repeat(x, 2, axis=3)[..., ::2]


@pytest.mark.parametrize("how", ["in order", "channels last", "with gaps"])
@pytest.mark.parametrize("function", [
    "x.relu()", "F.gelu(x)", "F.gelu(x, approximate='tanh')", "F.silu(x)", "F.batch_norm(x, None, None, w, w, True)",
    "F.group_norm(x, 2, w, w)", "F.layer_norm(x, (40,))", "F.instance_norm(x)", "F.rms_norm(x, (40,))"])
def test_parts_change_nothing(function, how):
    random = np.random.default_rng(0)
    x = lying(random.standard_normal((17, 8, 100, 40)).astype("float32"), how)
    assert x.size > 4 * machine.BLOCK
    g = random.standard_normal(x.shape).astype("float32")

    def run(x, g):
        x, w = tl.from_numpy(x).requires_grad_(), tl.from_numpy(np.linspace(1, 2, 8, dtype=x.dtype))
        names = {"x": x, "w": w, "F": tl.nn.functional}
        out = eval(function, names)
        return out.detach().numpy(), *[grad.numpy() for grad in tl.autograd.grad(out, [x], tl.from_numpy(g))]

    for found, expected in zip(run(x, g), run(x.astype("float64"), g.astype("float64"))):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6)


def test_buffers_become_shorter_unless_somebody_chose_their_size():
    def sizes_after(size):
        np.setbufsize(size)
        machine.shorten_buffers()
        return np.getbufsize()
    assert [contextvars.copy_context().run(sizes_after, size) for size in (8192, 4096)] == [2048, 4096]
