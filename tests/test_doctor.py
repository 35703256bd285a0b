"""The training doctor: each fault is named in a program that has it, and not in one that has not."""
import contextlib
import math
import sys

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import TrainingDoctor, backend, doctor, find_lr, keras, nn, optim, watch
from tinygrad_like.tools.doctor import DoctorWarning

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


@pytest.mark.parametrize("fault", ["softmax, then cross-entropy", "a loss that broadcasts", "no zero_grad", "dead relus",
                                   "saturated tanhs", "labels counted from 1", "pixels from 0 to 255", "a column in other units",
                                   "batch norm with a batch of one"])
def test_on_a_device(fault, device, monkeypatch):
    monkeypatch.setattr(backend, "default_device", device)
    name, faulty, sound = FAULTS[fault]
    assert name in faulty()
    assert sound() == []


# ---- what is said -----------------------------------------------------------------------------------------------
def test_what_was_seen_why_it_matters_and_what_to_do():
    report = doctor(mlp(SOFTMAX), CE, optim.Adam(mlp().parameters()), classes())
    finding = report.findings[0]
    assert finding.seen == "softmax and then cross_entropy, which applies it itself"
    for part in ("1. softmax-before-cross-entropy: ", finding.seen, "in CrossEntropyLoss: ", "why it matters: applied twice",
                 "what to do: let the network end without softmax"):
        assert part in str(report)
    assert len(report) == 2 and report.names[1] == "optimizer-without-gradients" and list(report) == report.findings
    assert str(doctor(mlp(), CE, optim.Adam((net := mlp()).parameters()), classes())) != str(doctor(net, CE, None, classes()))
    assert str(doctor(mlp(), CE, None, classes())) == "the doctor finds nothing wrong"


def test_a_warning_is_given_once_with_the_line_of_the_program():
    net, (x, y) = mlp(SOFTMAX), classes()
    optimizer = optim.Adam(net.parameters())
    with pytest.warns(DoctorWarning) as caught, TrainingDoctor() as found:
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    assert len(caught) == len(found.findings) == 1
    assert "F.cross_entropy(net(x), y).backward()" in str(caught[0].message)


def test_an_error_of_the_program_goes_through():
    with pytest.raises(KeyError), TrainingDoctor():
        raise KeyError
    assert watch.watchers == []


# ---- with fit, and Keras's losses -------------------------------------------------------------------------------
def fitted(model, loss, batch, **more):
    found = TrainingDoctor()
    model.compile(optim.Adam(model.parameters(), 1e-2), loss)
    model.fit(*batch, epochs=4, batch_size=16, verbose=0, callbacks=[found], **more)
    assert watch.watchers == []
    return found.report().names


def test_as_a_callback():
    assert fitted(mlp(SOFTMAX), CE, classes()) == ["softmax-before-cross-entropy"]
    assert fitted(nn.Sequential(*mlp(), nn.Dropout(0.2)), CE, classes(), validation_data=classes()) == []


def test_fit_that_fails_leaves_nobody_watching():
    model = mlp()
    model.compile("adam", CE)
    with pytest.raises(IndexError):
        model.fit(*with_labels(lambda y: y + 1), verbose=0, callbacks=[TrainingDoctor()])
    assert watch.watchers == []


def test_losses_of_probabilities_are_meant_for_softmax():
    assert fitted(mlp(SOFTMAX), "sparse_categorical_crossentropy", classes()) == []
    assert fitted(mlp(SOFTMAX), "categorical_crossentropy", with_labels(lambda y: F.one_hot(y, 3).float())) == []
    assert checked(mlp(SOFTMAX), keras.losses.SparseCategoricalCrossentropy(), classes()) == []
    assert "softmax-before-cross-entropy" in checked(mlp(SOFTMAX), keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                                                     classes())
    model = keras.Sequential([keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model(classes()[0])
    assert doctor(model, batch=classes()).names == []
    assert doctor(model, batch=[x.numpy() for x in classes()]).names == []


# ---- sound programs that look like faults -----------------------------------------------------------------------
def test_two_networks_against_each_other():
    """Of the generator's loss gradients come to the discriminator, too, and are forgotten."""
    tl.manual_seed(0)
    maker, judge, real = mlp(outputs=6), mlp(outputs=1), classes()[0]
    theirs, ours = optim.Adam(maker.parameters(), 1e-3), optim.Adam(judge.parameters(), 1e-3)
    with TrainingDoctor() as found:
        for _ in range(8):
            with tl.no_grad():
                fake = maker(tl.randn(64, 6))
            ours.zero_grad()
            F.softplus(-judge(real)).mean().backward()
            F.softplus(judge(fake)).mean().backward()           # two passes, one step
            ours.step()
            theirs.zero_grad()
            F.softplus(-judge(maker(tl.randn(64, 6)))).mean().backward()
            theirs.step()
    assert found.report().names == []


def test_gradients_of_several_batches_for_one_step():
    net, (x, y) = mlp(), classes()
    optimizer = optim.Adam(net.parameters(), 1e-2)
    with TrainingDoctor() as found:
        for _ in range(8):
            for part in range(4):
                (F.cross_entropy(net(x[part::4]), y[part::4]) / 4).backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    assert found.report().names == []


def test_an_optimizer_that_computes_the_gradients_itself():
    net, (x, y) = mlp(), classes()
    optimizer = optim.LBFGS(net.parameters(), lr=0.5, max_iter=4)

    def loss():
        optimizer.zero_grad()
        value = F.cross_entropy(net(x), y)
        value.backward()
        return value
    with TrainingDoctor() as found:
        for _ in range(6):
            optimizer.step(loss)
    assert found.report().names == []


def test_what_is_frozen_on_purpose():
    net = mlp()
    net[0].requires_grad_(False)
    assert checked(net, CE, classes(), lambda params: optim.Adam([p for p in params if p.requires_grad], 1e-2)) == []


def test_embeddings_and_a_target_network():
    tl.manual_seed(0)
    net = nn.Sequential(nn.Embedding(300, 8), nn.Flatten(), nn.Dropout(0.1), nn.Linear(32, 3))
    words, y = tl.randint(0, 300, (64, 4)), tl.randint(0, 3, (64,))
    assert checked(net, CE, (words, y)) == []
    optimizer = optim.Adam(net.parameters(), 1e-3)
    with TrainingDoctor() as found:
        for _ in range(8):
            with tl.no_grad():
                target = net(words)                             # in training mode, and trained towards
            optimizer.zero_grad()
            F.mse_loss(net(words), target).backward()
            optimizer.step()
    assert found.report().names == []


# ---- all is as before -------------------------------------------------------------------------------------------
def test_a_check_changes_nothing():
    tl.manual_seed(5)
    model, batch = nn.Sequential(*convnet(), nn.Dropout(0.3)), images(16)
    optimizer = optim.Adam(model.parameters(), 1e-2)
    CE(model(batch[0]), batch[1]).backward()
    optimizer.step()
    model[1].eval()

    def state():
        tensors = {**model.state_dict(), **{f"{name}.grad": p.grad for name, p in model.named_parameters()}}
        return ({name: x.numpy(force=True).copy() for name, x in tensors.items()}, [module.training for module in model.modules()],
                {k: {name: x.numpy().copy() for name, x in each.items()} for k, each in optimizer.state_dict()["state"].items()},
                tl.get_rng_state().numpy().copy(), optimizer.param_groups[0]["lr"], watch.watchers[:])
    before, memory = state(), [p.array for p in model.parameters()]
    doctor(model, CE, optimizer, batch)
    find_lr(model, CE, optimizer, batch, steps=12)
    np.testing.assert_equal(state(), before)
    assert all(p.array is array for p, array in zip(model.parameters(), memory))
    fresh = optim.SGD(model.parameters(), 0.1, momentum=0.9)
    doctor(model, CE, fresh, batch)
    assert not fresh.state and not fresh._opt_called


def test_numbers_are_the_same_with_and_without():
    def trained(around):
        net, (x, y) = mlp(), classes()
        optimizer = optim.SGD(net.parameters(), 0.1)
        with around:
            for _ in range(7):
                optimizer.zero_grad()
                F.cross_entropy(net(x), y).backward()
                optimizer.step()
        return net[0].weight.numpy(force=True)
    np.testing.assert_array_equal(trained(TrainingDoctor()), trained(contextlib.nullcontext()))


def test_what_is_not_understood():
    with pytest.raises(TypeError, match="the model is a Module, got function"):
        doctor(lambda x: x, CE, None, classes())
    with pytest.raises(TypeError, match=r"a batch is \(input, target\)"):
        doctor(mlp(), CE, None, classes()[0])
    with pytest.raises(RuntimeError, match="not compiled"):
        doctor(mlp(), batch=classes())
    with pytest.raises(TypeError, match="an optimizer is missing"):
        find_lr(mlp(), CE, None, classes())


# ---- the learning rate ------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_learning_rate_that_is_suggested():
    """With what is suggested the network learns, and with a hundred times that it does not."""
    net, batch = mlp(), classes(256)
    found = find_lr(net, CE, optim.SGD(net.parameters(), 1e-3), batch)
    assert found.lrs[0] == pytest.approx(1e-7) and found.lrs == sorted(found.lrs) and len(found.lrs) == len(found.losses)
    assert 1e-2 < found.suggestion < 5
    assert f"suggested learning rate {found.suggestion:.2g}" in str(found)

    def after(lr, steps=40):
        net = mlp()
        optimizer = optim.SGD(net.parameters(), lr)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = CE(net(batch[0]), batch[1])
            loss.backward()
            optimizer.step()
        return loss.item()
    start = after(1e-7)
    assert after(found.suggestion) < 0.8 * start and not after(100 * found.suggestion) < start


def test_groups_keep_the_ratios_of_their_rates_and_loaders_begin_again():
    net, (x, y) = mlp(), classes()
    seen = []

    class Spy(optim.SGD):
        def step(self, closure=None):
            seen.append([group["lr"] for group in self.param_groups])
            super().step(closure)
    optimizer = Spy([{"params": net[0].parameters(), "lr": 0.1}, {"params": net[2].parameters(), "lr": 0.01}], 1.0)
    loader = tl.data.DataLoader(tl.data.TensorDataset(x, y), batch_size=16)
    find_lr(net, CE, optimizer, loader, low=1e-6, high=1e-2, steps=10)
    assert len(seen) == 10 and all(a == pytest.approx(10 * b) for a, b in seen)
    assert seen[0][0] == pytest.approx(1e-6) and seen[-1][0] == pytest.approx(1e-2)


def test_it_stops_where_the_loss_grows():
    net = mlp()
    found = find_lr(net, CE, optim.SGD(net.parameters(), 0.1), classes(), high=1e6)
    assert found.lrs[-1] < 1e5 and all(map(math.isfinite, found.losses))


def test_the_plot(tmp_path):
    pytest.importorskip("matplotlib")
    net = mlp()
    figure = find_lr(net, CE, optim.SGD(net.parameters(), 0.1), classes()).plot(tmp_path / "lr.png")
    assert (tmp_path / "lr.png").read_bytes()[:4] == b"\x89PNG"
    axes = figure.axes[0]
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "learning rate" and len(axes.lines) == 2


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_like\[plot\]'"):
        find_lr((net := mlp()), CE, optim.SGD(net.parameters(), 0.1), classes(), steps=10).plot()
