"""The judge of the exercises.

    python examples/exercises/check.py          which of them are right, which are wrong
    python examples/exercises/check.py 3        what is wrong with the third, in numbers, and a hint
    python examples/exercises/check.py --answers    the same of answers.py

`gradcheck` compares a gradient with what it claims to be: the slope of the function, measured by values of the function alone.
`gradgradcheck` does so for the gradient of the gradient.
"""
import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np

import tinygrad_like as tl
from tinygrad_like.testing import gradcheck, gradgradcheck

HERE = Path(__file__).parent
random = np.random.default_rng(0)


def numbers(*shape):
    """A float64 tensor of numbers between ½ and 2, some of them negative: away from 0, where relu has a kink and 1/y a pole."""
    return tl.tensor(random.uniform(0.5, 2, shape) * random.choice([-1, 1], shape), requires_grad=True)


INDEX = np.array([2, 0, 2, 1])          # row 2 is picked twice

# the op, what it is checked with, and a hint
EXERCISES = [
    ("square", [numbers(4)], {}, "What is the derivative of x²?"),
    ("divide", [numbers(4), numbers(4)], {}, "Does a fraction grow or shrink when its denominator grows?"),
    ("tanh", [numbers(4)], {}, "dx is dL/dx, the whole chain.  Which link is missing?"),
    ("relu", [numbers(6)], {}, "Put in x = 3: out is 3 and grows with x.  What does dx say there?"),
    ("sigmoid", [numbers(4)], {}, "A derivative asks by name.  Under which name does the engine know the result?"),
    ("matmul", [numbers(3, 3), numbers(3, 3)], {}, "dL/dx_ij is a sum over k of g_ik times an element of y.  Which element?"),
    ("row_sum", [numbers(3, 3)], {}, "out_i is the sum of row i.  Which elements of x should receive g_0?"),
    ("softmax", [numbers(2, 4)], {}, "Raise x_0: out_0 grows.  What happens to out_1?"),
    ("log_softmax", [numbers(2, 4)], {}, "x_0 stands in every out_j, below the logarithm.  What comes to it from each g_j?"),
    ("take", [numbers(3, 2)], {"index": INDEX}, "Row 2 was picked twice.  What should it receive?"),
    ("standardize", [numbers(2, 5)], {}, "Raise x_0: the mean moves, and the std.  Who else moves then?"),
    ("softplus", [numbers(4)], {}, "What does dx depend on, when its own derivative is asked for?  What has `raw` taken away?"),
]


def load(path):
    """The module in a file whose name need not be a Python name."""
    spec = importlib.util.spec_from_file_location(f"exercise_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def judge(n, path=None):
    """What is wrong with the op of exercise n as it stands in the file at `path` (by default its own); None if all is right."""
    name, inputs, params, _ = EXERCISES[n - 1]
    path = path or HERE / f"{n:02d}_{name}.py"
    try:
        op = getattr(load(path), name)

        def function(*xs):
            return op(*xs, **params)
        function.__name__ = name
        gradcheck(function, inputs)
        gradgradcheck(function, inputs)
    except Exception as error:                                  # whatever the mending broke is an answer too
        return f"{type(error).__name__}: {error}"
    return None


def main():
    parser = argparse.ArgumentParser(description="Check the exercises.")
    parser.add_argument("n", nargs="*", type=int, help=f"which exercises, from 1 to {len(EXERCISES)} (default: all)")
    parser.add_argument("--answers", action="store_true", help="check answers.py instead")
    args = parser.parse_args()
    if not all(1 <= n <= len(EXERCISES) for n in args.n):
        parser.error(f"there are the exercises 1 to {len(EXERCISES)}, got {args.n}")
    path = HERE / "answers.py" if args.answers else None
    chosen = args.n or range(1, len(EXERCISES) + 1)
    right = 0
    for n in chosen:
        fault = judge(n, path)
        right += fault is None
        print(f"{n:2d}  {EXERCISES[n - 1][0]:12s}  {'right' if fault is None else 'wrong'}")
        if fault is not None and args.n:
            print(f"\n{fault}\n\nHint: {EXERCISES[n - 1][3]}\n")
    if not args.n and right < len(chosen):
        print("\nAdd a number for the fault and a hint: python examples/exercises/check.py 1")
    print(f"right {right} of {len(chosen)}")
    return 0 if right == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
