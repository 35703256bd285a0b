"""Mistakes that people make: each gets an error that names the op, what came, what was expected, and what to do."""
import pickle

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import tensor
from tinygrad_like.functions import _files
from tinygrad_like.op import Op


def needs_a_tensor():
    """The public functions that take an input first, by name."""
    names = [(file, name) for file in _files for name in file.__all__] + [(F, name) for name in vars(F)]
    return {f"{file.__name__.rpartition('.')[2]}.{name}": getattr(file, name) for file, name in names
            if hasattr(getattr(file, name), "takes_tensors")}


@pytest.mark.parametrize("name", needs_a_tensor())
@pytest.mark.parametrize("x", [2.0, [1.0, 2.0], np.ones(3), np.float32(1), "a", None], ids=lambda x: type(x).__name__)
def test_what_is_no_tensor_is_refused_by_every_function(name, x):
    import inspect
    function = needs_a_tensor()[name]
    others = [p for p in list(inspect.signature(function).parameters.values())[1:] if p.default is p.empty and p.kind in (0, 1)]
    assert len(needs_a_tensor()) > 250
    with pytest.raises(TypeError, match=r"is a Tensor, got (float|list|numpy\.|str|NoneType)|takes? \d+ positional"):
        function(x, *[0 for _ in others])


@pytest.mark.parametrize("x", [[1.0], np.ones((1, 1)), (1.0, 2.0), None], ids=lambda x: type(x).__name__)
def test_what_is_no_tensor_is_refused_beside_tensors_too(x):
    w = tl.zeros(1, 1)
    for call in (F.linear, tl.conv1d, F.layer_norm, F.embedding, tl.add, tl.matmul):
        with pytest.raises(TypeError, match=f"{call.__name__}: (input|x) is a Tensor, got .*make one with tensor"):
            call(x, w)
    with pytest.raises(TypeError, match=r"linear: input is a Tensor, got tuple: take the one that is meant, as x\[0\]"):
        F.linear((w, (w, w)), w)


def test_functions_that_check_their_input_are_themselves_elsewhere():
    for function in needs_a_tensor().values():
        assert pickle.loads(pickle.dumps(function)) is function
    assert tl.subtract is tl.sub
    assert tl.add(2, tl.ones(2)).tolist() == [3, 3] and tl.exp(input=tl.zeros(1)).item() == 1


def leaf(*shape):
    return tl.ones(*shape, requires_grad=True)


def set_item(x, index, value):
    x[index] = value


x, y = tl.zeros(2, 3), tl.zeros(4)
OUT_OF_RANGE = "Dimension out of range (expected to be in range of [-2, 1], but got 2)"
FAULTS = {                                                      # a mistake: its kind of error, and what that must mention
    "add": (lambda: x + y, tl.errors.ShapeError, ["add", "(2, 3)", "(4,)", "axis -1 is 3", "4 in the other"]),
    "add rows": (lambda: x + tl.zeros(2), ValueError, ["add", "(2, 3)", "(2,)", "y.unsqueeze(-1)"]),
    "add transposed": (lambda: x + tl.zeros(3, 2), RuntimeError, ["add", "(3, 2)", "x.T"]),
    "add nothing": (lambda: x + None, TypeError, ["add", "NoneType", "make a tensor"]),
    "add a word": (lambda: "a" + x, TypeError, ["add", "str", "make a tensor"]),
    "where": (lambda: tl.where(tl.ones(2) > 0, x, 1.0), tl.errors.ShapeError, ["where", "(2, 3)", "(2,)", "axis -1"]),
    "masked_fill": (lambda: x.masked_fill(y > 0, 1.0), tl.errors.ShapeError, ["(2, 3)", "(4,)", "axis -1"]),
    "lerp": (lambda: tl.lerp(x, x, y), tl.errors.ShapeError, ["lerp", "(2, 3)", "(4,)", "axis -1"]),
    "matmul": (lambda: x @ y, tl.errors.ShapeError, ["matmul", "(2, 3)", "(4,)", "last axis of x is 3"]),
    "matmul transposed": (lambda: x @ x, tl.errors.ShapeError, ["matmul", "y looks transposed", "y.mT"]),
    "matmul number": (lambda: x @ 2.0, TypeError, ["matmul", "(2, 3)", "*"]),
    "bmm": (lambda: tl.bmm(x, x), RuntimeError, ["bmm", "3 dims", "(2, 3)"]),
    "linear": (lambda: F.linear(x, tl.zeros(4, 5)), tl.errors.ShapeError, ["linear", "(2, 3)", "(4, 5)", "5 was expected"]),
    "bias": (lambda: F.linear(x, tl.zeros(4, 3), tl.zeros(3)), tl.errors.ShapeError, ["linear", "(4,)", "(3,)"]),
    "cat": (lambda: tl.cat([x, tl.zeros(2, 4)]), tl.errors.ShapeError, ["cat", "dim 0", "(2, 4)", "(2, 3)"]),
    "cat dim": (lambda: tl.cat([x, x], 2), IndexError, [OUT_OF_RANGE]),
    "cat one": (lambda: tl.cat(x), TypeError, ["cat", "tuple or list"]),
    "stack": (lambda: tl.stack([x, tl.zeros(3, 2)]), tl.errors.ShapeError, ["stack", "(2, 3)", "(3, 2)", "entry 1"]),
    "reshape": (lambda: x.reshape(4, 2), tl.errors.ShapeError, ["reshape", "(4, 2)", "6 elements", "(2, 3)"]),
    "view": (lambda: x.view(-1, 4), tl.errors.ShapeError, ["(-1, 4)", "6 elements"]),
    "expand": (lambda: x.expand(4, 3), tl.errors.ShapeError, ["expand", "4", "2", "dim 0"]),
    "sum dim": (lambda: x.sum(2), IndexError, [OUT_OF_RANGE]),
    "softmax dim": (lambda: x.softmax(2), IndexError, ["softmax", OUT_OF_RANGE]),
    "log_softmax dim": (lambda: x.log_softmax(-3), IndexError, ["log_softmax", "[-2, 1], but got -3"]),
    "index": (lambda: x[0, 5], IndexError, ["(2, 3)", "index 5 is out of bounds for dimension 1 with size 3", "2, or -1"]),
    "index behind ...": (lambda: x[..., 3], IndexError, ["index 3", "dimension 1", "size 3"]),
    "index list": (lambda: x[tensor([0, -4])], IndexError, ["index -4", "dimension 0", "size 2"]),
    "too many": (lambda: x[0, 0, 0], IndexError, ["(2, 3)", "too many indices", "2 dims", "3"]),
    "a number's element": (lambda: x.sum()[0], IndexError, ["shape ()", "too many indices", "x.item()"]),
    "mask": (lambda: x[tl.ones(3, 2) > 0], IndexError, ["mask", "(3, 2)", "(2, 3)"]),
    "mask of columns": (lambda: x[:, tl.ones(2) > 0], IndexError, ["mask", "(2,)", "(3,)"]),
    "pairs": (lambda: x[tensor([0, 1]), tensor([0, 1, 2])], IndexError, ["paired", "(2,)", "(3,)", "x[i][:, j]"]),
    "float index": (lambda: x[tensor([0.0])], IndexError, ["integers", "float32", ".long()"]),
    "set": (lambda: set_item(tl.zeros(2, 3), 0, y), tl.errors.ShapeError, ["x[index] = value", "(3,)", "(4,)"]),
    "set out of range": (lambda: set_item(tl.zeros(2, 3), 5, 1), IndexError, ["index 5", "dimension 0", "size 2"]),
    "einsum": (lambda: tl.einsum("ij,jk->ik", x, x), tl.errors.ShapeError, ["einsum", "'j'", "3", "2", "(2, 3)"]),
    "einsum order": (lambda: tl.einsum(x, "ij->ji"), TypeError, ["equation comes first", "'ij->ji'"]),
    "label": (lambda: F.cross_entropy(x, tensor([0, 7])), IndexError, ["cross_entropy", "class 7", "at 1", "there are 3"]),
    "one-hot": (lambda: F.cross_entropy(x, F.one_hot(tensor([0, 1]), 3)), tl.errors.ShapeError, ["one-hot", "argmax"]),
    "classes last": (lambda: F.cross_entropy(tl.zeros(4, 7, 3), tl.zeros(4, 7, dtype=tl.int64)), tl.errors.ShapeError,
                     ["(4, 7, 3)", "(4, 3)", "(4, 7)", "classes are axis 1 of input", "movedim(-1, 1)", "flatten(0, -2)"]),
    "float labels": (lambda: F.cross_entropy(x, tl.zeros(2)), TypeError, ["integers", "float32", ".long()"]),
    "column": (lambda: F.mse_loss(tl.zeros(4, 1), y), tl.errors.ShapeError, ["mse_loss", "(4, 1)", "(4,)", "squeeze(-1)"]),
    "bits of floats": (lambda: x & x, TypeError, ["bitwise_and", "float32"]),
    "ragged": (lambda: tensor([[1, 2], [3]]), ValueError, ["not all of one length"]),
    "None inside": (lambda: tensor([1, None]), TypeError, ["tensor", "numbers"]),
    "equal": (lambda: tl.equal(x, 3), TypeError, ["equal", "Tensor", "int", "eq("]),
    "integer leaf": (lambda: tensor([1], requires_grad=True), RuntimeError, ["floating-point", "int64", ".float()"]),
    "backward of many": (lambda: (leaf(3) * 2).backward(), RuntimeError, ["scalar", "(3,)", ".sum()"]),
    "backward of a constant": (lambda: x.sum().backward(), RuntimeError, ["requires_grad=True", "no_grad()"]),
    "gradient's shape": (lambda: (leaf(3) * 2).backward(y), tl.errors.ShapeError, ["(3,)", "(4,)"]),
    "leaf": (lambda: leaf(3).add_(1), RuntimeError, ["add_", "leaf", "no_grad()"]),
    "numpy": (lambda: leaf(3).numpy(), RuntimeError, ["detach().numpy()"]),
    "item": (lambda: x.item(), RuntimeError, ["(2, 3)", "6 elements", "tolist()"]),
    "bool": (lambda: bool(x), RuntimeError, ["6 elements", ".any()"]),
    "device": (lambda: tl.zeros(1, device="gpu"), RuntimeError, ["'gpu'", "'cpu', 'cuda'"]),
    "no numbers": (lambda: tl.zeros(0).max(), RuntimeError, ["max", "(0,)", "empty"]),
    "integer mean": (lambda: tl.arange(3).mean(), RuntimeError, ["mean", "int64", ".float()"]),
    "unknown": (lambda: tl.exmp, AttributeError, ["'exmp'", "exp"]),
    "singular": (lambda: tl.inverse(tl.zeros(2, 2)), RuntimeError, ["inv", "(2, 2)", "pinv"]),
    "solve": (lambda: tl.linalg.solve(tl.eye(2), tl.zeros(3)), RuntimeError, ["solve", "(2, 2)"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_mistake_is_explained(name):
    mistake, kind, words = FAULTS[name]
    with pytest.raises(kind) as caught:
        mistake()
    for word in words:
        assert word in str(caught.value)


def op(**functions):
    return type("f", (Op,), functions)


DEFINITIONS = {                                                 # a faulty definition, and what its error must mention
    "no forward": (dict(dx=lambda g: g), ["f has no forward"]),
    "no g": (dict(forward=lambda x: x, dx=lambda x, g: g), ["f.dx", "first parameter", "g"]),
    "self": (dict(forward=lambda self, x: x, dx=lambda self, g: g), ["f.dx", "first parameter"]),
    "asks": (dict(forward=lambda x: x, dx=lambda g, y: g), ["f.dx asks for 'y'", "out, shape, shapes, x"]),
    "operand": (dict(forward=lambda x: x, dy=lambda g: g), ["f.dy", "no operand 'y'", "only x"]),
    "variadic": (dict(forward=lambda *xs: xs[0], dx=lambda g: g), ["f.dx", "no operand 'x'", "only xs"]),
    "reserved": (dict(forward=lambda x, out: x), ["'out'"]),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_faulty_definition_is_refused(name):
    functions, words = DEFINITIONS[name]
    with pytest.raises(TypeError) as caught:
        op(**functions)
    for word in words:
        assert word in str(caught.value)


def test_parameters_and_their_derivatives_are_checked_at_the_definition():
    def forward(x, *, axis): return x
    def anything(x, **more): return x
    with pytest.raises(TypeError, match="f.daxis: 'axis' is a keyword parameter"):
        op(forward=forward, daxis=lambda g: g)
    with pytest.raises(TypeError, match=r"f.forward takes \*\*more"):
        op(forward=anything, dx=lambda g: g)


def test_static_methods_are_functions_too():
    x = leaf(3)
    op(forward=staticmethod(lambda x: 2 * x), dx=staticmethod(lambda g: 2 * g))(x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(("dx", "came"), [
    (lambda g: None, "NoneType"), (lambda g: 2.0, "float"), (lambda g: (g, g), "tuple"), (lambda g: g[:2], "shape (2, 4)"),
    (lambda g: g.swapaxes(0, 1), "shape (4, 3)"), (lambda g: g.reshape(12), "shape (12,)"), (lambda g: g.sum(), "shape ()"),
    (lambda g: g[..., None], "shape (3, 4, 1)"), (lambda g: g.dtype, "ype")], ids=lambda x: x if isinstance(x, str) else "")
def test_what_a_derivative_returns_wrongly_is_named(dx, came, create_graph):
    with pytest.raises((tl.errors.ShapeError, TypeError)) as caught:
        op(forward=lambda x: 2 * x, dx=dx)(leaf(3, 4)).sum().backward(create_graph=create_graph)
    for word in ("f.dx returned", came, "x has shape (3, 4)"):
        assert word in str(caught.value)


def test_what_counts_as_true_keeps_a_leaf_and_its_gradient():
    x = leaf(3)
    x.sum().backward()
    x.requires_grad = 5
    assert x.grad.tolist() == [1, 1, 1]


def test_one_argument_under_two_names_is_refused():
    for twice in ({"dim": 0, "axis": 1}, {"dim": 0, "keepdim": True, "keepdims": False}):
        with pytest.raises(TypeError, match="both were given"):
            tl.ones(2, 3).sum(**twice)
