"""The twenty commonest mistakes, and what we say.

An error message is read when one is stuck, so each here says what came, what was expected, where, and what to write instead.  The
mistakes are those that beginners ask about most: shapes that do not fit, labels of the wrong kind, graphs that were cut, a second
backward pass.  Some raise no error at all, and the network just does not learn: for these there are `doctor`, which looks at one
batch, and `TrainingDoctor`, which looks on.  Where a number becomes NaN, `trace_nonfinite` says which op made it.  Each mistake
below is a small function; it is run, and what we say is printed under its lines.

    python examples/errors.py               all of them
    python examples/errors.py 3 7           some
"""
import inspect
import sys
import textwrap
import warnings

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import TrainingDoctor, doctor, nn, optim, trace_nonfinite

MISTAKES = []


def mistake(title):
    """Decorates a function that makes a mistake."""
    def keep(function):
        MISTAKES.append((title, function))
        return function
    return keep


class Net(nn.Module):
    """(n, 1, 28, 28) -> (n, 10)"""

    def __init__(self, features=8 * 13 * 13):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
        self.head = nn.Linear(features, 10)

    def forward(self, x):
        return self.head(self.body(x))


def batch(n=32):
    return tl.randn(n, 1, 28, 28), tl.randint(0, 10, (n,))


# ---- shapes -----------------------------------------------------------------------------------------------------
@mistake("The linear layer behind the convolutions has the wrong size")
def linear_size():
    model = Net(features=8 * 14 * 14)
    model(tl.randn(32, 1, 28, 28))


@mistake("Images without an axis for the channels")
def no_channels():
    model = Net()
    model(tl.randn(32, 28, 28))


@mistake("Channels last, as image files have them")
def channels_last():
    conv = nn.Conv2d(3, 8, 3)
    conv(tl.randn(32, 28, 28, 3))


@mistake("Matrices that do not fit")
def matrices():
    x, w = tl.randn(32, 10), tl.randn(5, 10)
    x @ w


@mistake("Predictions (n, 1), and targets (n,)")
def column_and_row():
    prediction, target = nn.Linear(4, 1)(tl.randn(32, 4)), tl.randn(32)
    F.mse_loss(prediction, target)


@mistake("Shapes that do not broadcast")
def broadcasting():
    scores, per_row = tl.randn(32, 10), tl.randn(32)
    scores * per_row


# ---- labels -----------------------------------------------------------------------------------------------------
@mistake("Labels counted from 1")
def labels_from_1():
    scores, labels = tl.randn(4, 10), tl.tensor([3, 7, 10, 1])
    F.cross_entropy(scores, labels)


@mistake("One-hot labels where class numbers are meant")
def one_hot():
    scores, labels = tl.randn(4, 10), F.one_hot(tl.tensor([3, 7, 9, 1]), 10)
    F.cross_entropy(scores, labels)


@mistake("Labels that are no integers")
def labels_of_floats():
    scores, labels = tl.randn(4, 10), tl.tensor([3.0, 7.0, 9.0, 1.0])
    F.cross_entropy(scores, labels)


@mistake("Scores where probabilities are expected")
def no_probabilities():
    scores, labels = tl.tensor([2.5, -1.0]), tl.tensor([1.0, 0.0])
    F.binary_cross_entropy(scores, labels)


# ---- the graph --------------------------------------------------------------------------------------------------
@mistake("backward() of more than one number")
def not_a_number():
    x = tl.randn(3, requires_grad=True)
    (x * x).backward()


@mistake("backward() twice through one graph")
def twice():
    x = tl.randn(3, requires_grad=True)
    loss = (x * x).sum()
    loss.backward()
    loss.backward()


@mistake("A graph that was cut")
def cut():
    model, (x, labels) = Net(), batch()
    loss = F.cross_entropy(model(x).detach(), labels)
    loss.backward()


@mistake("To NumPy with a history")
def to_numpy():
    x = tl.randn(3, requires_grad=True)
    (x * 2).numpy()


@mistake("Memory that the backward pass needs, changed in place")
def in_place():
    x, scale = tl.ones(3, requires_grad=True), tl.tensor([1.0, 2.0, 3.0])
    loss = (x * scale).sum()
    scale += 1
    loss.backward()


@mistake("__init__ without super().__init__()")
def no_super():
    class Mine(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(4, 2)

    Mine()


# ---- no error, and no learning ----------------------------------------------------------------------------------
@mistake("Softmax before cross_entropy")
def softmax_twice():
    model = nn.Sequential(Net(), nn.Softmax(-1))
    print(doctor(model, nn.CrossEntropyLoss(), optim.Adam(model.parameters()), batch()))


@mistake("An optimizer that does not have all parameters")
def half_an_optimizer():
    model = Net()
    print(doctor(model, nn.CrossEntropyLoss(), optim.Adam(model.head.parameters()), batch()))


@mistake("Gradients that are never set to 0")
def no_zero_grad():
    model, (x, labels) = Net(), batch()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with TrainingDoctor():
        for _ in range(3):
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            optimizer.step()


@mistake("A loss that becomes NaN")
def nan():
    model, (x, labels) = Net(), batch()
    with trace_nonfinite():
        p = (100 * model(x)).softmax(1)
        loss = -p[tl.arange(32), labels].log().mean()
        loss.backward()


# ---- the gallery ------------------------------------------------------------------------------------------------
def lines_of(function):
    """The lines of a mistake, without those that make it a function."""
    lines = inspect.getsource(function).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("def ")) + 1
    return textwrap.dedent("\n".join(lines[start:]))


def shown(number, title, function):
    """Print a mistake, and what we say."""
    print(f"\n{number}. {title}\n")
    print(textwrap.indent(lines_of(function), "    "), "\n")
    tl.manual_seed(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            function()
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    for warning in caught:
        if not issubclass(warning.category, RuntimeWarning):    # NumPy's own, of overflows
            print(f"{warning.category.__name__}: {warning.message}")


def main():
    chosen = [int(number) for number in sys.argv[1:]] or range(1, len(MISTAKES) + 1)
    for number in chosen:
        shown(number, *MISTAKES[number - 1])
    print(f"\nmistakes shown {len(chosen)}")


if __name__ == "__main__":
    main()
