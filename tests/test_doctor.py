"""The training doctor: each fault is named in a program that has it, and not in one that has not."""
import math

import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import TrainingDoctor, doctor, nn, optim

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_like.tools.doctor.DoctorWarning")


def classes(n=64, inputs=6, outputs=3):
    """x (n, inputs), and the class numbers that a fixed network gives them."""
    tl.manual_seed(1)
    x = tl.randn(n, inputs)
    return x, (x @ tl.randn(inputs, outputs)).argmax(1)


def numbers(n=64, inputs=6):
    """x (n, inputs), and numbers (n, 1) that depend on it."""
    tl.manual_seed(1)
    x = tl.randn(n, inputs)
    return x, (x @ tl.randn(inputs, 1)).tanh()


def yes_or_no():
    x, y = numbers()
    return x, (y > 0).float()


def mlp(*last, inputs=6, outputs=3, hidden=nn.ReLU, depth=1, width=16):
    tl.manual_seed(2)
    layers = [nn.Linear(inputs, width), hidden()]
    for _ in range(depth - 1):
        layers += [nn.Linear(width, width), hidden()]
    return nn.Sequential(*layers, nn.Linear(width, outputs), *last)


def checked(model, loss, batch, make=lambda params: optim.Adam(params, 1e-2)):
    return doctor(model, loss, make(model.parameters()), batch).names


def watched(model, loss, batch, steps=12, make=lambda params: optim.Adam(params, 1e-2), zero=True, around=None):
    """The names of what a TrainingDoctor says of a loop of one's own."""
    optimizer = make(model.parameters())
    x, y = batch
    with TrainingDoctor() as found:
        for step in range(steps):
            if zero:
                optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optimizer.step()
            if around is not None:
                around(step, value, model, x)
    return found.report().names


CE, MSE = nn.CrossEntropyLoss(), nn.MSELoss()


class Parts(nn.Module):
    """Two layers, and a function between them."""

    def __init__(self, between=lambda h: h, spare=False):
        super().__init__()
        tl.manual_seed(3)
        self.first, self.last, self.between = nn.Linear(6, 16), nn.Linear(16, 3), between
        if spare:
            self.spare = nn.Linear(6, 16)

    def forward(self, x):
        return self.last(self.between(self.first(x).relu()))


def scaled(model, std):
    for p in model.parameters():
        if p.ndim == 2:
            nn.init.normal_(p, std=std)
    return model


def shifted(model, bias):
    nn.init.constant_(model[0].bias, bias)
    return model


def summed(kind):
    """A loop that adds up its losses, or collects them."""
    total = [0.0]

    def around(step, value, model, x):
        if kind == "list":
            total.append(value)
        else:
            total[0] = total[0] + (value if kind == "tensor" else value.detach())
    return around


def evaluating(mode):
    def around(step, value, model, x):
        model.train(mode)
        with tl.no_grad():
            model(x)
        model.train()
    return around


def only_last(params):
    return optim.Adam(list(params)[2:], 1e-2)


def of_another_model(params):
    return optim.Adam(mlp().parameters(), 1e-2)


def later(step, value, model, x):
    model.eval()


def x_times(factor, shift=0.0):
    x, y = classes()
    return x * factor + shift, y


def columns(largest):
    x, y = classes()
    x[:, 0] *= largest
    return x, y


def with_labels(change):
    x, y = classes()
    return x, change(y)


def images(n):
    tl.manual_seed(1)
    return tl.randn(n, 1, 6, 6), tl.randint(0, 3, (n,))


def convnet():
    tl.manual_seed(2)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def by_hand(prediction, target):
    return ((prediction - target) ** 2).mean()


NLL, SOFTMAX = nn.NLLLoss(), nn.Softmax(-1)
DROPOUT = lambda: nn.Sequential(*mlp(), nn.Dropout(0.5))            # noqa: E731
SGD = lambda lr: lambda params: optim.SGD(params, lr)               # noqa: E731

# the fault: (its name, a program that has it, one that has not)
FAULTS = {
    "softmax, then cross-entropy": ("softmax-before-cross-entropy", lambda: checked(mlp(SOFTMAX), CE, classes()),
                                    lambda: checked(mlp(), CE, classes())),
    "softmax, then cross-entropy, in a loop": ("softmax-before-cross-entropy", lambda: watched(mlp(SOFTMAX), CE, classes()),
                                               lambda: watched(mlp(), CE, classes())),
    "log of softmax, and cross-entropy of soft targets": (
        "softmax-before-cross-entropy", lambda: checked(mlp(SOFTMAX), CE, with_labels(lambda y: F.one_hot(y, 3).float())),
        lambda: checked(mlp(), CE, with_labels(lambda y: F.one_hot(y, 3).float()))),
    "sigmoid, then cross-entropy": ("sigmoid-before-cross-entropy", lambda: checked(mlp(nn.Sigmoid()), CE, classes()),
                                    lambda: checked(mlp(nn.LogSoftmax(-1)), CE, classes())),
    "relu, then cross-entropy": ("relu-before-cross-entropy", lambda: checked(mlp(nn.ReLU()), CE, classes()),
                                 lambda: checked(mlp(nn.Tanh()), CE, classes())),
    "sigmoid, then a loss with logits": (
        "sigmoid-before-logits-loss", lambda: checked(mlp(nn.Sigmoid(), outputs=1), nn.BCEWithLogitsLoss(), yes_or_no()),
        lambda: checked(mlp(nn.Sigmoid(), outputs=1), nn.BCELoss(), yes_or_no())),
    "probabilities for logarithms": ("probabilities-in-nll", lambda: checked(mlp(SOFTMAX), NLL, classes()),
                                     lambda: checked(mlp(nn.LogSoftmax(-1)), NLL, classes())),
    "one class": ("one-class", lambda: checked(mlp(outputs=1), CE, with_labels(lambda y: y * 0)),
                  lambda: checked(mlp(outputs=2), CE, with_labels(lambda y: y * 0))),
    "a loss that broadcasts": ("loss-broadcasts", lambda: checked(mlp(outputs=1), by_hand, (numbers()[0], numbers()[1][:, 0])),
                               lambda: checked(mlp(outputs=1), by_hand, numbers())),
    "a loss that broadcasts, the other way": (
        "loss-broadcasts", lambda: watched(mlp(nn.Flatten(0), outputs=1), by_hand, numbers()),
        lambda: watched(mlp(nn.Flatten(0), outputs=1), by_hand, (numbers()[0], numbers()[1][:, 0]))),
    "a loss that would broadcast": ("loss-broadcasts", lambda: checked(mlp(outputs=1), MSE, (numbers()[0], numbers()[1][:, 0])),
                                    lambda: checked(mlp(outputs=1), MSE, numbers())),
    "no zero_grad": ("gradients-not-zeroed", lambda: watched(mlp(), CE, classes(), zero=False),
                     lambda: watched(mlp(), CE, classes())),
    "evaluation in training mode": (
        "evaluated-in-training-mode", lambda: watched(DROPOUT(), CE, classes(), around=evaluating(True)),
        lambda: watched(DROPOUT(), CE, classes(), around=evaluating(False))),
    "batch norm evaluated in training mode": (
        "evaluated-in-training-mode", lambda: watched(convnet(), CE, images(16), around=evaluating(True)),
        lambda: watched(convnet(), CE, images(16), around=evaluating(False))),
    "training in evaluation mode": ("trained-in-evaluation-mode", lambda: watched(DROPOUT(), CE, classes(), around=later),
                                    lambda: watched(mlp(), CE, classes(), around=later)),
    "parameters the optimizer lacks": ("parameters-not-in-the-optimizer", lambda: checked(mlp(), CE, classes(), only_last),
                                       lambda: checked(mlp(), CE, classes())),
    "an optimizer of another model": ("optimizer-without-gradients", lambda: checked(mlp(), CE, classes(), of_another_model),
                                      lambda: checked(mlp(), CE, classes())),
    "a layer that is not called": ("parameters-without-gradient", lambda: checked(Parts(spare=True), CE, classes()),
                                   lambda: checked(Parts(), CE, classes())),
    "a graph cut in the middle": ("parameters-without-gradient", lambda: checked(Parts(lambda h: h.detach()), CE, classes()),
                                  lambda: checked(Parts(lambda h: h * 1), CE, classes())),
    "a graph cut at the end": ("detached-graph", lambda: checked(mlp(), lambda out, y: CE(out.detach(), y), classes()),
                               lambda: checked(mlp(), lambda out, y: CE(out, y.detach()), classes())),
    "dead relus": ("dead-relus", lambda: checked(shifted(mlp(), -50.0), CE, classes()),
                   lambda: checked(shifted(mlp(), 0.5), CE, classes())),
    "vanishing gradients": ("vanishing-gradients", lambda: checked(mlp(hidden=nn.Sigmoid, depth=10), CE, classes(), SGD(0.1)),
                            lambda: checked(mlp(hidden=nn.ReLU, depth=4), CE, classes(), SGD(0.1))),
    "exploding layers": ("exploding-layers", lambda: checked(scaled(mlp(depth=8), 1.0), CE, classes(), SGD(1e-9)),
                         lambda: checked(scaled(mlp(depth=8), 0.35), CE, classes(), SGD(1e-4))),
    "saturated sigmoids": ("saturated-sigmoids", lambda: checked(scaled(mlp(hidden=nn.Sigmoid), 30.0), CE, classes()),
                           lambda: checked(mlp(hidden=nn.Sigmoid), CE, classes())),
    "saturated tanhs": ("saturated-sigmoids", lambda: watched(scaled(mlp(hidden=nn.Tanh), 30.0), CE, classes()),
                        lambda: watched(mlp(hidden=nn.Tanh), CE, classes())),
    "a sum of loss tensors": ("losses-kept", lambda: watched(mlp(), CE, classes(), around=summed("tensor")),
                              lambda: watched(mlp(), CE, classes(), around=summed("detached"))),
    "a list of loss tensors": ("losses-kept", lambda: watched(mlp(), CE, classes(), around=summed("list")),
                               lambda: watched(mlp(), CE, classes())),
    "labels counted from 1": ("labels-out-of-range", lambda: checked(mlp(), CE, with_labels(lambda y: y + 1)),
                              lambda: checked(mlp(), CE, classes())),
    "one-hot labels": ("labels-one-hot", lambda: checked(mlp(), CE, with_labels(lambda y: F.one_hot(y, 3))),
                       lambda: checked(mlp(), CE, with_labels(lambda y: F.one_hot(y, 3).argmax(1)))),
    "labels with a fraction": ("labels-not-integers", lambda: checked(mlp(), CE, with_labels(lambda y: y.float())),
                               lambda: checked(mlp(), CE, classes())),
    "labels of -1 and 1": (
        "labels-outside-0-1", lambda: checked(mlp(outputs=1), nn.BCEWithLogitsLoss(), (numbers()[0], numbers()[1].sign())),
        lambda: checked(mlp(outputs=1), nn.BCEWithLogitsLoss(), yes_or_no())),
    "pixels from 0 to 255": ("inputs-not-normalised", lambda: checked(mlp(), CE, x_times(70, 128), SGD(1e-5)),
                             lambda: checked(mlp(), CE, x_times(0.3, 0.5))),
    "a column in other units": ("inputs-not-normalised", lambda: watched(mlp(), CE, columns(2e4), make=SGD(1e-9)),
                                lambda: watched(mlp(), CE, columns(10.0))),
    "a learning rate far too high": ("learning-rate-too-high", lambda: checked(mlp(), CE, classes(), SGD(1e3)),
                                     lambda: checked(mlp(), CE, classes(), SGD(0.1))),
    "a learning rate far too high, in a loop": (
        "learning-rate-too-high", lambda: watched(mlp(), CE, classes(), make=lambda params: optim.Adam(params, 10.0)),
        lambda: watched(mlp(), CE, classes(), make=lambda params: optim.Adam(params, 1e-2))),
    "a learning rate far too low": ("learning-rate-too-low", lambda: checked(mlp(), CE, classes(), SGD(1e-8)),
                                    lambda: checked(mlp(), CE, classes(), SGD(0.01))),
    "a learning rate far too low, in a loop": ("learning-rate-too-low", lambda: watched(mlp(), CE, classes(), 30, make=SGD(1e-8)),
                                               lambda: watched(mlp(), CE, classes(), 30, make=SGD(0.01))),
    "batch norm with a batch of one": ("batch-of-one", lambda: checked(convnet(), CE, images(1)),
                                       lambda: checked(convnet(), CE, images(16))),
    "batch norm of one number": (
        "batch-of-one", lambda: checked(mlp(nn.BatchNorm1d(3)), CE, classes(1)),
        lambda: checked(mlp(nn.BatchNorm1d(3)), CE, classes())),
    "a loss that is not finite": ("loss-not-finite", lambda: checked(mlp(), CE, (classes()[0] * math.nan, classes()[1])),
                                  lambda: checked(mlp(), CE, classes())),
}


def test_there_are_thirty_and_more():
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_a_sound_program_is_not_blamed(fault):
    name, faulty, sound = FAULTS[fault]
    assert name in faulty()
    assert sound() == []
