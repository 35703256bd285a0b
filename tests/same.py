"""The same line of Python, run with PyTorch and with us under the name `torch`: results, or errors, shall be the same."""
import warnings

import numpy as np
import pytest

import tinygrad_like as ours

theirs = pytest.importorskip("torch")


def plain(x):
    """Any result of one of the two, in terms that can be compared."""
    if isinstance(x, (ours.Tensor, theirs.Tensor)):
        return "tensor", str(x.dtype).rpartition(".")[2], tuple(x.shape), x.requires_grad, x.detach().cpu().numpy()
    if isinstance(x, (ours.dtype, theirs.dtype)):
        return str(x).rpartition(".")[2]
    if isinstance(x, (ours.device, theirs.device)):
        return str(x)
    if isinstance(x, np.ndarray):
        return "array", x.dtype, x.shape, x
    if isinstance(x, (list, tuple)):
        return [plain(each) for each in x]
    return x


def run(line, torch, setup=""):
    names = {"torch": torch, "np": np}
    exec(setup, names)
    try:
        with warnings.catch_warnings():
            if torch is theirs:
                warnings.simplefilter("ignore")
            return eval(line, names)
    except Exception as error:
        return error


def agree(mine, other, rtol):
    if isinstance(other, (list, tuple)) and not isinstance(mine, str):
        return len(mine) == len(other) and all(agree(a, b, rtol) for a, b in zip(mine, other))
    if isinstance(other, np.ndarray):
        return np.allclose(mine, other, rtol=rtol, atol=0 if rtol == 0 else 1e-7, equal_nan=True)
    return mine == other


def same(line, setup="", rtol=1e-6):
    mine, other = run(line, ours, setup), run(line, theirs, setup)
    if isinstance(other, Exception):
        assert isinstance(mine, Exception), f"{line} raises {type(other).__name__} in PyTorch, and gives {mine!r} here"
        assert isinstance(mine, type(other)), f"{line} raises {other!r} in PyTorch, and {mine!r} here"
    elif isinstance(mine, Exception):
        raise AssertionError(f"{line} gives {other!r} in PyTorch, and raises here") from mine
    else:
        assert agree(plain(mine), plain(other), rtol), f"{line} gives {other!r} in PyTorch, and {mine!r} here"
