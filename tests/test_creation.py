"""Functions that make tensors, against PyTorch: values, types, errors."""
import collections

import numpy as np
import pytest

import tinygrad_like as tl

from .same import same

SETUP = "v = torch.arange(3.); x = torch.tensor(1.5, requires_grad=True); i = torch.tensor([[1, 2], [3, 4]], dtype=torch.int32)"


@pytest.mark.parametrize("line", [
    # numbers, sequences, arrays
    "torch.tensor(3)", "torch.tensor(True)", "torch.tensor(2.5)", "torch.tensor(1j)", "torch.tensor([])", "torch.tensor([[], []])",
    "torch.tensor([[1, 2], [3, 4]])", "torch.tensor([1, 2.5])", "torch.tensor([True, 2])", "torch.tensor((1, (2)))",
    "torch.tensor(range(3))", "torch.tensor(np.float64(1))", "torch.tensor([np.float64(1)])", "torch.tensor([np.float32(1), 2.0])",
    "torch.tensor([np.int32(1)])", "torch.tensor([np.int16(1), 2.0])", "torch.tensor([np.array([1., 2.])])",
    "torch.tensor(np.ones((2, 3)))", "torch.tensor(np.ones(2, 'int8'))", "torch.tensor([np.float16(1), np.float32(2)])",
    "torch.tensor([1, 2], dtype=torch.float16)", "torch.tensor([1.7, -1.7], dtype=torch.int64)",
    "torch.tensor([0, 2], dtype=torch.bool)", "torch.tensor([1., 2.], requires_grad=True)",
    "torch.tensor([1, 2], requires_grad=True)", "torch.tensor(v)", "torch.tensor([v[0], v[1]])",
    "torch.tensor([torch.tensor(1, dtype=torch.int8), 2])", "torch.tensor([torch.tensor(1., dtype=torch.float64)])",
    "torch.tensor([[v[0], 1], [2, 3]])", "torch.tensor([x.detach(), 2.])", "torch.tensor(2**62)", "torch.tensor(2**63)",
    "torch.tensor([2**64])", "torch.tensor('a')", "torch.tensor([[1, 2], [3]])", "torch.tensor(v[::2])",
    "torch.tensor(np.arange(6).reshape(2, 3).T)", "torch.as_tensor([1, 2])", "torch.as_tensor(v) is v",
    "torch.as_tensor(v, dtype=torch.float64)", "torch.as_tensor(x) is x",
    "torch.as_tensor(np.ones(2, 'float32'), dtype=torch.int64)", "torch.asarray([1., 2.])", "torch.asarray(v, copy=True)",
    "torch.asarray(x)", "torch.asarray(x * 2)",
    "torch.asarray(x, requires_grad=False)", "torch.asarray([1, 2], dtype=torch.float32, requires_grad=True)",
    "torch.asarray(v, dtype=torch.float64, copy=False)", "torch.from_numpy(np.arange(3))", "torch.from_numpy([1])",
    "torch.from_numpy(np.zeros(2, '>f4'))", "torch.from_numpy(np.array(['a']))", "torch.scalar_tensor(3)",
    "torch.scalar_tensor(3, dtype=torch.int64)", "torch.Tensor([1, 2])", "torch.Tensor(2, 3).shape",
    "torch.Tensor(torch.Size([2])).shape", "torch.Tensor()", "torch.Tensor(3.5)", "torch.Tensor(np.array([1, 2]))",
    "torch.Tensor((2, 3))", "torch.Tensor(v)",
    # all the same
    "torch.zeros(2, 3)", "torch.zeros((2, 3))", "torch.zeros([2, 3])", "torch.zeros(size=(2, 3))", "torch.zeros(torch.Size([2]))",
    "torch.zeros(())", "torch.zeros(0, 3)", "torch.ones(2, dtype=torch.int16)", "torch.ones(2, dtype=torch.bool)",
    "torch.ones(2, requires_grad=True)", "torch.ones(np.int64(2), 3)", "torch.ones(torch.tensor(2))", "torch.zeros()",
    "torch.zeros(-1)", "torch.zeros(2.5)", "torch.zeros([2, 'a'])", "torch.zeros((2,), 3)", "torch.zeros(2, colour=3)",
    "torch.zeros(2, dtype=torch.int64, requires_grad=True)", "torch.zeros(2, device='nowhere')", "torch.empty(2, 3).shape",
    "torch.empty((2, 0))", "torch.empty(2, dtype=torch.int8).dtype", "torch.full((2, 2), 7)", "torch.full((2,), True)",
    "torch.full((2,), 2.5)", "torch.full((2,), 2.5, dtype=torch.int32)", "torch.full((2,), v[1])", "torch.full((2,), x)",
    "torch.full((), 1)", "torch.full(size=(1,), fill_value=3)", "torch.full((2,), 1j)", "torch.full((2,), 'a')",
    "torch.zeros_like(i)", "torch.ones_like(v, dtype=torch.float64)", "torch.full_like(i, 2.7)",
    "torch.full_like(v, 3, dtype=torch.int64)", "torch.zeros_like(x)", "torch.ones_like(x, requires_grad=True)",
    "torch.empty_like(i).shape", "torch.zeros_like([1])", "torch.zeros_like(torch.zeros(2, 3).t()).stride()", "v.new_zeros(2, 3)",
    "i.new_ones((2,))", "v.new_full((2,), 3)", "i.new_full((2,), 3.9)", "v.new_tensor([1, 2])", "i.new_tensor([1.5])",
    "v.new_empty(2).dtype", "v.new_zeros(2, dtype=torch.int64, device='cpu')", "v.new_zeros((2,), requires_grad=True)",
    "x.new_tensor(3)",
    # sequences
    "torch.arange(5)", "torch.arange(2, 5)", "torch.arange(5, 2, -1)", "torch.arange(5, 2, -2)", "torch.arange(0, 7, 3)",
    "torch.arange(3.)", "torch.arange(1, 2.5, 0.5)", "torch.arange(0, 1, 0.1)", "torch.arange(end=3)",
    "torch.arange(start=1, end=3)", "torch.arange(1, end=4, step=2)", "torch.arange(5, dtype=torch.float16)",
    "torch.arange(0.5, 4.2, dtype=torch.int64)", "torch.arange(torch.tensor(3))", "torch.arange(torch.tensor(3.))",
    "torch.arange(True)", "torch.arange(5, 0)", "torch.arange(0, 5, 0)", "torch.arange(0, 5, -1)", "torch.arange('a')",
    "torch.arange(0)", "torch.arange(2, 2)", "torch.arange(-3)", "torch.arange(3., requires_grad=True)",
    "torch.arange(3, requires_grad=True)", "torch.arange(2**53, 2**53 + 3)", "torch.arange(1000.)",
    "torch.arange(0, 100, 0.3, dtype=torch.float64)", "torch.arange(float('nan'))", "torch.linspace(0, 1, 5)",
    "torch.linspace(3, 1, 1)", "torch.linspace(0, 1, 0)", "torch.linspace(0, 10, 4, dtype=torch.int64)",
    "torch.linspace(-1, 1, 7, dtype=torch.float64)", "torch.linspace(start=0, end=1, steps=3)", "torch.linspace(0, 1, -1)",
    "torch.linspace(v[0], v[2], 3)", "torch.linspace(0, 1, 3, requires_grad=True)",
    "torch.logspace(0, 2, 3)", "torch.logspace(0, 3, 4, base=2)", "torch.logspace(0, 1, 5, 3.)",
    "torch.eye(3)", "torch.eye(2, 3)", "torch.eye(2, dtype=torch.bool)", "torch.eye(0)", "torch.eye(-1)", "torch.eye(n=2, m=1)",
])
def test_made_as_pytorch_makes_them(line):
    same(line, SETUP)


@pytest.mark.parametrize("line, error", [
    ("tl.tensor(None)", "expected numbers"), ("tl.tensor({1: 2})", "expected numbers"), ("tl.tensor(2**63)",
                                                                                         "too large|do not fit"),
    ("tl.tensor([[1], [2, 3]])", "one length"), ("tl.tensor([[1, 2], 3])", "one length"), ("tl.tensor(['a'])", "expected numbers"),
    ("tl.tensor([300], dtype=tl.uint8)", "300 do not fit into uint8"), ("tl.from_numpy(np.zeros(2, '>f4'))", "use tensor"),
    ("tl.tensor(np.zeros(2, 'uint64'))", "uint64 is not offered"), ("tl.zeros()", "no size was given"),
    ("tl.zeros(3, size=3)", "give the size once"), ("tl.arange(5, 0)", "sign of the step"),
    ("tl.full((2,), tl.ones((), requires_grad=True))", "requires grad"), ("tl.zeros(2, dtype=tl.zeros(1))", "dtype|understood"),
    ("tl.zeros(2, device='gpu')", "'gpu' is not offered.*'cpu', 'cuda'"), ("tl.zeros(2, pin_memory=True)", "pin_memory"),
])
def test_errors_say_what_came(line, error):
    with pytest.raises((TypeError, ValueError, RuntimeError), match=error):
        eval(line, {"tl": tl, "np": np})


def test_who_shares_memory_with_whom():
    array = np.zeros(3, "float32")
    for share in (tl.from_numpy, tl.as_tensor, tl.asarray):
        x = share(array)
        array[0] += 1
        assert x[0] == array[0] and x.data_ptr() == array.ctypes.data
    array[0] = 0
    for copy in (tl.tensor, tl.Tensor, lambda a: tl.asarray(a, copy=True)):
        x = copy(array)
        array[0] += 1
        assert x[0] == array[0] - 1
    x = tl.ones(2, requires_grad=True)
    assert tl.as_tensor(x * 2).requires_grad and tl.as_tensor(x, dtype=tl.float64).requires_grad
    assert not tl.tensor(x * 2).requires_grad and tl.asarray(x * 2, copy=True).requires_grad
    assert tl.as_tensor(np.arange(3, dtype=">i4")).tolist() == [0, 1, 2]             # turned round, so not shared


def test_what_else_numbers_come_in():
    assert tl.tensor(np.arange(3, dtype=">f8")).dtype is tl.float64
    assert tl.tensor(collections.deque([1, 2])).tolist() == [1, 2]
    assert tl.tensor(memoryview(b"ab")).dtype is tl.uint8
    assert tl.tensor([tl.ones(1), tl.zeros(1)]).shape == (2,)
    with pytest.raises(ValueError, match="stack"):
        tl.tensor([tl.ones(2), tl.zeros(2)])
    assert tl.tensor(np.ma.masked_array([1, 2])).tolist() == [1, 2]


def test_making_a_tensor_of_a_tensor_does_not_warn(recwarn):
    x = tl.ones(2, requires_grad=True)
    assert tl.tensor(x).is_leaf and tl.tensor([x[0], x[1]]).tolist() == [1, 1]
    assert not recwarn.list
