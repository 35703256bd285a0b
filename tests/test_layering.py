"""The rules of the source, held by its syntax trees: who may import what, and which words a derivative may use."""
import ast
import builtins
import inspect
import pathlib
import re
import textwrap

import pytest

import tinygrad_like
from tinygrad_like.op import Op

from .test_ops import OPS

ROOT = pathlib.Path(tinygrad_like.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path.relative_to(ROOT).with_suffix("").as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
every_file = pytest.mark.parametrize("name", TREES)

# ---- imports ----------------------------------------------------------------------------------------------------
# Who may import an array library, and why.  Everybody else says `backend.host` for NumPy, and xp(x) for the library of x.
ARRAY_LIBRARIES = {
    "backend": "the only file that knows the difference",
}
# Each may import from its own layer and those before it, so that a reader can start at the bottom.
LAYERS = [
    ["errors"],
    ["backend", "error_function"],
    ["promotion", "edits", "grad_mode", "machine", "watch"],
    ["op"],
    ["kernels"],
    ["autograd"],
    ["ops"],
    ["types", "functions", "methods"],
    ["tensor", "printing", "derivatives", "func"],
    ["nn", "serialize", "linalg", "special", "cuda", "names", "strategies", "testing", "check_gpu"],
    ["optim", "distributions", "accelerator", "backends"],
    ["data", "metrics", "amp"],
    ["utils"],
    ["training"],
    ["tools"],
    ["keras"],
    ["models", "transformers"],
    ["__main__"],
]
LAYER = {name: i for i, layer in enumerate(LAYERS) for name in layer}
# Imports inside functions are for what is above, or needed seldom.  In the engine itself each is named here.
INWARD = {
    ("backend", "kernels"): "what a GPU has kernels for is looked up when its library is loaded",
    ("errors", "backend"): "an error that says which device an array is on",
    ("autograd", "ops"): "`plain` compositions are differentiated under names of their own, which an op gives",
    ("autograd", "names"): "what PyTorch has under `autograd` too is looked up when it is asked for",
}


def imports(name, tree):
    """(module, whether it is imported when the file is, rather than in a function), but for what only type checkers read."""
    inside = {id(child) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for child in ast.walk(node)}
    unread = {id(child) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
              for child in ast.walk(node)}
    package = ["tinygrad_like", *name.split("/")[:-1]]
    for node in [node for node in ast.walk(tree) if id(node) not in unread]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) not in inside
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[:len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            if module == "tinygrad_like":                       # from . import backend, ops
                for alias in node.names:
                    yield f"{module}.{alias.name}", id(node) not in inside
            else:
                yield module, id(node) not in inside


@every_file
def test_array_libraries_are_imported_by_the_backend_alone(name):
    found = {module.partition(".")[0] for module, _ in imports(name, TREES[name])} & {"numpy", "cupy", "cupyx", "scipy", "torch"}
    assert not found or name in ARRAY_LIBRARIES, f"{name}.py imports {found}: use backend.host, or xp(x)"


@every_file
def test_imports_point_one_way(name):
    part = name.partition("/")[0]
    if part == "__init__":                                      # the public names, from everywhere
        return
    assert part in LAYER, f"{name}.py belongs to no layer: add {part!r} to LAYERS, where it fits"
    for module, at_once in imports(name, TREES[name]):
        other = module.split(".")[1] if module.startswith("tinygrad_like.") else None
        if other in LAYER and LAYER[other] > LAYER[part]:
            assert not at_once, f"{name}.py imports {module}, which is built on top of it"
            assert LAYER[part] >= LAYER["types"] or (part, other) in INWARD, \
                f"{name}.py reaches up for {module}: add it to INWARD, with the reason"


# ---- ops --------------------------------------------------------------------------------------------------------
every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.__name__)

ATTRIBUTES = {"shape", "ndim", "dtype", "reshape", "swapaxes", "sum"}         # what arrays and Tensors have in common
OF_OTHERS = {"append", "extend", "insert", "index", "join", "split", "kind"}  # of lists, of strings, and the kind of a dtype
MODULES = {"math", "builtins", "itertools", "errors"}                         # of plain numbers, and what is raised
CALLS = {"len", "range", "tuple", "list", "set", "sorted", "reversed", "zip", "enumerate", "slice", "int", "isinstance", "dict",
         "min", "max", "sum", "abs", "any", "all", "str", "next", "iter", "map"}    # Python's own, for shapes and axes


@every_op
def test_the_docstring_starts_with_the_formula(op):
    start = (op.__doc__ or "")[:40]
    assert re.match(r"outs?([ᵢⱼₖ_\[][^=]*)? = \S", start), f"{op.__module__}.{op.__name__}: the docstring starts {start!r}"


@every_op
def test_derivatives_mean_the_same_on_arrays_and_tensors(op):
    """They use operators, indexing, the ATTRIBUTES, other ops, and helpers that do likewise; and they write into nothing.

    Where there is a `plain` composition, that is what gets the Tensors, and the derivatives may do as arrays do.
    """
    if op.plain is not None:
        return
    checked = {}
    for name, function in vars(op).items():
        if inspect.isfunction(function) and name not in ("forward", "plain") and name[:2] != "__":
            check_words(inspect.unwrap(function), f"{op.__name__}.{name}", checked)


def check_words(function, where, checked):
    if function in checked:
        return
    checked[function] = where
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list = []                                # @one_kernel
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    local = own | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        line = f"{where}, line {getattr(node, 'lineno', 1) + function.__code__.co_firstlineno - 1} of {function.__module__}"
        module = known(node.value.id, function) if isinstance(getattr(node, "value", None), ast.Name) else None
        if isinstance(node, ast.Attribute) and inspect.ismodule(module):
            if node.value.id not in MODULES:                    # elementwise.where
                check_word(node.attr, getattr(module, node.attr), line, checked)
        elif isinstance(node, ast.Attribute):
            assert node.attr in ATTRIBUTES | OF_OTHERS, f"{line}: .{node.attr} differs between arrays and Tensors"
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                written = target.value if isinstance(target, ast.Subscript) else target if isinstance(node, ast.AugAssign) else None
                assert getattr(written, "id", None) not in own, f"{line}: writes into {written.id}, which it was given"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in local:
            check_word(node.id, known(node.id, function), line, checked)


def known(word, function):
    return function.__globals__.get(word, getattr(builtins, word, None))


def check_word(word, meant, line, checked):
    """A name from outside the function: an op, a helper of the ops, a number, or one of Python's words."""
    module = getattr(meant, "__module__", None) or getattr(meant, "__name__", "")
    if isinstance(meant, type) and issubclass(meant, (Op, Exception)) or inspect.ismodule(meant) and (
            word in MODULES or meant.__name__.startswith("tinygrad_like.ops.")):
        return
    if inspect.isfunction(meant) and module.startswith("tinygrad_like.ops"):
        check_words(meant, f"{line}: {word}", checked)
        return
    assert not module.startswith("tinygrad_like.") and word not in ("xp", "np", "numpy", "backend", "host"), \
        f"{line}: {word} is of {module}, and derivatives are written in ops"
    assert module != "builtins" or word in CALLS or isinstance(meant, type), f"{line}: {word}() is not for arrays and Tensors alike"


# ---- the tree ---------------------------------------------------------------------------------------------------
def texts():
    top = pathlib.Path(__file__).parents[1]
    for pattern in "*.*", "tinygrad_like/**/*", "tests/**/*", "examples/**/*", "benchmarks/**/*":
        yield from [path for path in sorted(top.glob(pattern)) if path.suffix in (".py", ".md", ".toml", ".txt", ".cfg", ".sh")]


def test_nothing_names_a_folder_of_one_machine():
    """Paths are made from where a file is; what is outside of this tree is `.ci/run`'s affair."""
    foreign = re.compile(r"(?<![\w.~>])/(home|root|work|Users|mnt)/\w|\.\./" + "shared|[A-Z]:" + r"\\Users")
    for path in texts():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not foreign.search(line), f"{path}:{number}: {line.strip()}"
