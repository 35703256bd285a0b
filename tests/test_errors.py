"""Mistakes that people make: each gets an error that names the op, what came, what was expected, and what to do."""
import pickle

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like.functions import _files


def needs_a_tensor():
    """The public functions that take an input first, by name."""
    import inspect
    files = [*_files, F]
    return {f"{file.__name__.rpartition('.')[2]}.{name}": getattr(file, name) for file in files for name in file.__all__
            if inspect.isfunction(f := getattr(file, name)) and next(iter(inspect.signature(f).parameters), "") == "input"}


@pytest.mark.parametrize("name", needs_a_tensor())
@pytest.mark.parametrize("x", [2.0, [1.0, 2.0], np.ones(3), np.float32(1), "a", None], ids=lambda x: type(x).__name__)
def test_what_is_no_tensor_is_refused_by_every_function(name, x):
    import inspect
    function = needs_a_tensor()[name]
    others = [p for p in list(inspect.signature(function).parameters.values())[1:] if p.default is p.empty and p.kind in (0, 1)]
    with pytest.raises(TypeError, match=r"input is a Tensor, got (float|list|numpy\.|str|NoneType)|takes? \d+ positional"):
        function(x, *[0 for _ in others])


def test_functions_that_check_their_input_are_themselves_elsewhere():
    for function in needs_a_tensor().values():
        assert pickle.loads(pickle.dumps(function)) is function
    assert tl.subtract is tl.sub
    assert tl.add(2, tl.ones(2)).tolist() == [3, 3] and tl.exp(input=tl.zeros(1)).item() == 1
