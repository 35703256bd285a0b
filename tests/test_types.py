"""dtype, Size, device, finfo and iinfo, defaults, promotion, and the names of the package, against PyTorch."""
import copy
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, promotion

from .same import same, theirs

DTYPES = "bool uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128".split()
PAIRS = list(itertools.product(DTYPES, DTYPES))


@pytest.mark.parametrize("a", DTYPES)
def test_promotion(a):
    for b in DTYPES:
        same(f"torch.promote_types(torch.{a}, torch.{b})")
        same(f"torch.can_cast(torch.{a}, torch.{b})")
        for x, y in itertools.product(["()", "2"], repeat=2):
            if {a, b} & {"complex64", "complex128"} and "float16" in (a, b):
                continue                                        # complex32 is not offered
            same(f"torch.result_type(torch.zeros({x}, dtype=torch.{a}), torch.zeros({y}, dtype=torch.{b}))")
    for number in ("True", "1", "1.0", "1j"):
        if (a, number) != ("float16", "1j"):
            same(f"torch.result_type(torch.zeros(2, dtype=torch.{a}), {number})")
            same(f"torch.result_type(torch.zeros((), dtype=torch.{a}), {number})")


@pytest.mark.parametrize("a", [d for d in DTYPES if d != "bool"])
def test_sums_are_computed_in_the_promoted_type(a):
    for b in DTYPES:
        if {a, b} & {"complex64", "complex128"} and "float16" in (a, b):
            continue
        same(f"torch.ones(2, dtype=torch.{a}) + torch.ones(2, dtype=torch.{b})")
        same(f"torch.ones(2, dtype=torch.{a}) * torch.ones((), dtype=torch.{b})")


@pytest.mark.parametrize("line", [
    "torch.result_type(1, 2.0)", "torch.result_type(True, 1)", "torch.float is torch.float32", "torch.long is torch.int64",
    "torch.double is torch.float64", "torch.half is torch.float16", "torch.int is torch.int32", "torch.short is torch.int16",
    "torch.cfloat is torch.complex64", "torch.float32 == None", "torch.float64 == None", "torch.float32 == 'float32'",
    "torch.float32 == torch.float32", "torch.float32 != torch.float64", "torch.float32.is_floating_point", "torch.int8.is_signed",
    "torch.uint8.is_signed", "torch.bool.is_signed", "torch.complex64.is_complex", "torch.float16.itemsize",
    "torch.float32.to_complex()", "torch.complex128.to_real()", "torch.int64.to_real()", "torch.zeros(2, dtype=float)",
    "torch.zeros(2, dtype=int)", "torch.zeros(2, dtype=bool)", "torch.zeros(2, dtype=3)", "tuple(torch.Size([2, 3]))",
    "torch.Size([2, 3]).numel()", "torch.Size([]).numel()", "type(torch.Size([2, 3])[:1]) is torch.Size",
    "type(torch.Size([2]) * 2) is torch.Size", "type((1,) + torch.Size([2])) is torch.Size",
    "type(torch.Size([2]) + (1,)) is torch.Size", "torch.zeros(2, 3).shape == (2, 3)",
    "torch.zeros(2, 3).size() == torch.Size([2, 3])", "str(torch.device('cuda:0'))", "repr(torch.device('cuda:0'))",
    "repr(torch.device('cpu'))", "torch.device('cuda', 1).index", "torch.device('cpu') == torch.device('cpu')",
    "torch.device('cuda') == torch.device('cuda:0')", "torch.device('nowhere')", "torch.device(torch.device('cuda:0'))",
    "torch.device(1.5)", "torch.device('cuda:x')", "torch.zeros(2).device", "torch.get_default_device()",
    "repr(torch.finfo(torch.float32))", "repr(torch.finfo(torch.float64))", "repr(torch.finfo(torch.float16))",
    "repr(torch.finfo())", "repr(torch.finfo(torch.complex64))", "repr(torch.iinfo(torch.int8))", "torch.iinfo(torch.int64).max",
    "torch.iinfo(torch.uint8).bits", "torch.finfo(torch.float32).eps", "torch.finfo(torch.float32).tiny", "torch.finfo(torch.int8)",
    "torch.iinfo(torch.float32)", "(torch.pi, torch.e, torch.inf, torch.newaxis)", "torch.get_default_dtype()",
])
def test_words(line):
    same(line)


def test_defaults():
    before = tl.get_default_dtype()
    try:
        tl.set_default_dtype(tl.float64)
        assert tl.get_default_dtype() is tl.float64
        assert all(x.dtype is tl.float64 for x in (tl.zeros(2), tl.tensor(1.0), tl.arange(0.5, 2), tl.rand(2), tl.tensor([1]) / 2,
                                                   tl.Tensor(2)))
        assert repr(tl.ones(1)) == "tensor([1.])"
        assert tl.result_type(tl.tensor(1), 1j) is tl.complex128
        with pytest.raises(TypeError, match="floating-point"):
            tl.set_default_dtype(tl.int64)
    finally:
        tl.set_default_dtype(before)
    with tl.device("cpu") as where:
        assert where == tl.get_default_device()
    with pytest.raises(RuntimeError, match="not offered"):
        tl.set_default_device("tpu")
    assert promotion.default_float == np.float32 and backend.default_device == "cpu"


def test_second_gpu_is_not_the_first_in_disguise():
    for make in (lambda: tl.zeros(2, device="cuda:1"), lambda: tl.zeros(2).to("cuda:1"), lambda: tl.rand(2, device=1)):
        with pytest.raises(RuntimeError, match="CUDA_VISIBLE_DEVICES=1"):
            make()


@pytest.mark.parametrize("word", [tl.float32, tl.bool, tl.Size([2, 3]), tl.device("cuda", 0), tl.device("cpu")])
def test_words_are_pickled_and_copied(word):
    assert pickle.loads(pickle.dumps(word)) == word and copy.deepcopy(word) == word and hash(copy.copy(word)) == hash(word)
    assert type(pickle.loads(pickle.dumps(word))) is type(word)


def test_numpy_understands_our_dtypes():
    assert np.zeros(2, tl.int16).dtype == "int16" and tl.float32 == np.dtype("float32") and tl.float32 == np.float32


def test_a_name_that_is_missing():
    with pytest.raises(AttributeError, match="has no 'arrange'.*arange"):
        tl.arrange                                              # noqa: B018
    with pytest.raises(AttributeError, match="has no 'stft'"):
        tl.stft                                                 # noqa: B018
    assert not hasattr(tl, "__path_of_nothing__") and not hasattr(tl, "quantize_per_tensor")


def test_subpackages_load_on_first_use():
    code = ("import sys, tinygrad_like as t; "
            "late = {'tinygrad_like.nn', 'tinygrad_like.testing', 'tinygrad_like.cuda', 'hypothesis', 'cupy'}; "
            "assert not late & set(sys.modules); "
            "t.nn.functional; t.cuda.is_available(); t.jacobian; assert 'tinygrad_like.nn' in sys.modules; t.rand(2)")
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_what_has_no_gpu_says_so():
    if tl.cuda.is_available():
        pytest.skip("there is one")
    assert tl.cuda.device_count() == 0 and theirs is not None
    with pytest.raises(RuntimeError):
        tl.cuda.synchronize()
    tl.cuda.empty_cache()


def test_debug_mode():
    x, was = tl.ones(2), backend.debug
    try:
        tl.set_debug(False)
        x.numpy()[0] = 5
        with tl.set_debug(True):
            assert backend.debug
            with pytest.raises(ValueError, match="read-only"):
                x.numpy()[0] = 3
            assert np.isnan(tl.empty(3).numpy()).all() and tl.empty(3, dtype=tl.int64).shape == (3,)
        assert not backend.debug and x.tolist() == [5, 1]
        tl.set_debug(True)
        assert backend.debug
        with pytest.raises(TypeError, match="True or False"):
            tl.set_debug("yes")
    finally:
        tl.set_debug(was)
    code = "import tinygrad_like as t; t.zeros(2).numpy()[0] = 1"
    failed = subprocess.run([sys.executable, "-c", code], env={"TINYGRAD_LIKE_DEBUG": "1", "PYTHONPATH": "."}, capture_output=True,
                            text=True)
    assert "read-only" in failed.stderr


def test_types_print_under_our_name():
    assert repr(tl.tensor([1, 2], dtype=tl.int32)) == "tensor([1, 2], dtype=tinygrad_like.int32)"
