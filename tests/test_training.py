"""compile, fit, evaluate, predict: that they are the loop one writes by hand, and what is said when something is wrong."""
import functools
import io
import re
import sys
import warnings

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like import metrics, nn, optim
from tinygrad_like.data import DataLoader, TensorDataset
from tinygrad_like.nn import functional as F
from tinygrad_like.training import Callback, LambdaCallback, losses, progress

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((50, 6)).astype("float32")
Y = (X @ RANDOM.standard_normal((6, 3))).argmax(1)
IMAGES = RANDOM.standard_normal((20, 1, 8, 8)).astype("float32")


def network(*end, outputs=3):
    tg.manual_seed(7)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, outputs), *end)


def ready(loss=None, metrics=None, optimizer="sgd", model=None):
    model = network() if model is None else model
    model.compile(optimizer, nn.CrossEntropyLoss() if loss is None else loss, metrics)
    return model


def weights(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


def same(one, other, **tolerance):
    for a, b in zip(weights(one), weights(other)):
        np.testing.assert_allclose(a, b, **tolerance) if tolerance else np.testing.assert_array_equal(a, b)


def quiet(model, *args, **kwargs):
    return model.fit(*args, verbose=0, **kwargs)


# ---- the loop ---------------------------------------------------------------------------------------------------
def test_fit_is_the_loop_written_by_hand():
    fitted, by_hand = network(), network()
    fitted.compile(optim.Adam(fitted.parameters(), lr=0.01), nn.CrossEntropyLoss(), ["accuracy"])
    history = quiet(fitted, X, Y, batch_size=16, epochs=3, shuffle=False).history
    optimizer = optim.Adam(by_hand.parameters(), lr=0.01)
    for epoch in range(3):
        total = right = 0
        for i in range(0, 50, 16):
            x, y = tg.tensor(X[i:i + 16]), tg.tensor(Y[i:i + 16])
            optimizer.zero_grad()
            out = by_hand(x)
            loss = F.cross_entropy(out, y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
            right += (out.argmax(1) == y).sum().item()
        assert history["loss"][epoch] == total / 50 and history["accuracy"][epoch] == right / 50
    same(fitted, by_hand)


def test_fit_is_the_loop_in_pytorch():
    torch = pytest.importorskip("torch")
    ours = ready(optimizer=functools.partial(optim.SGD, lr=0.1, momentum=0.9))
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    theirs.load_state_dict({name: torch.tensor(x.numpy()) for name, x in ours.state_dict().items()})
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9)
    loader = [(X[i:i + 8], Y[i:i + 8]) for i in (8, 0, 24, 16)]
    quiet(ours, loader, epochs=4)
    for _ in range(4):
        for x, y in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(theirs(torch.tensor(x)), torch.tensor(y)).backward()
            optimizer.step()
    for a, b in zip(weights(ours), theirs.parameters()):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-6)


def test_each_epoch_has_an_order_of_its_own():
    seen = []

    class See(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(tg.zeros(1))

        def forward(self, x):
            seen.append(x[:, 0].tolist())
            return x * self.w
    model, x = ready("mse", model=See()), np.arange(10.0)[:, None]
    tg.manual_seed(0)
    quiet(model, x, x, batch_size=4, epochs=2)
    first, second = sum(seen[:3], []), sum(seen[3:], [])
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2 and first != second != sorted(second)
    assert sorted(first) == sorted(second) == list(range(10))
    tg.manual_seed(0)
    quiet(model, x, x, batch_size=4)
    assert sum(seen[6:], []) == first
    quiet(model, x, x, batch_size=4, shuffle=False)
    model.evaluate(x, x, verbose=0)
    assert sum(seen[9:12], []) == sum(seen[12:], []) == sorted(first)


@pytest.mark.parametrize("accumulate, batch_size", [(2, 8), (3, 7), (100, 10)])
def test_accumulated_gradients_are_those_of_one_large_batch(accumulate, batch_size):
    small, large = ready(optimizer=functools.partial(optim.SGD, lr=0.5)), ready(optimizer=functools.partial(optim.SGD, lr=0.5))
    quiet(small, X, Y, batch_size=batch_size, epochs=2, shuffle=False, accumulate=accumulate)
    quiet(large, X, Y, batch_size=accumulate * batch_size, epochs=2, shuffle=False)
    same(small, large, rtol=2e-5, atol=1e-6)


def test_weights_of_samples_and_classes():
    by_sample, by_class = ready(), ready("cross_entropy")
    twice = ready("sparse_categorical_crossentropy", model=network(nn.Softmax(-1)))
    table = {0: 2.0, 1: 0.5, 2: 1.0}
    kwargs = dict(batch_size=10, epochs=2, shuffle=False)
    a = quiet(by_sample, X, Y, sample_weight=np.array([table[y] for y in Y]), **kwargs).history["loss"]
    b = quiet(by_class, X, Y, class_weight=table, **kwargs).history["loss"]
    c = quiet(twice, X, Y, class_weight=table, **kwargs).history["loss"]
    d = quiet(ready(lambda out, y: F.cross_entropy(out, y, reduction="none")), X, Y, class_weight=table, **kwargs).history["loss"]
    assert a == b == d
    np.testing.assert_allclose(c, a, rtol=1e-5)
    same(by_sample, twice, rtol=1e-4, atol=1e-6)
    one = ready()
    out = one.predict(X, verbose=0)
    w = np.array([table[y] for y in Y])
    nll = np.log(np.exp(out).sum(1)) - out[np.arange(50), Y]
    np.testing.assert_allclose(one.evaluate(X, Y, 7, 0, w), (w * nll).mean(), rtol=1e-5)
    with pytest.raises(ValueError, match="class_weight says nothing of class 1"):
        quiet(one, X, Y, class_weight={0: 1, 2: 1})
    with pytest.raises(TypeError, match="need a loss for each sample"):
        quiet(ready(lambda out, y: F.cross_entropy(out, y)), X, Y, class_weight=table)


def test_a_function_in_keras_order_that_can_leave_losses_apart():
    """With weights it is called with reduction="none", and still with the truth first."""
    def loss(y_true, y_pred, reduction="mean"):
        return F.cross_entropy(y_pred, y_true, reduction=reduction)
    weights = np.linspace(0.5, 2, 50)
    kwargs = dict(batch_size=10, shuffle=False, sample_weight=weights)
    assert quiet(ready(loss), X, Y, **kwargs).history["loss"] == quiet(ready("cross_entropy"), X, Y, **kwargs).history["loss"]


def test_validation():
    model = ready(metrics=["accuracy"])
    history = quiet(model, X, Y, epochs=2, validation_split=0.2)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"] and history.epoch == [0, 1]
    assert [history.history["val_loss"][-1], history.history["val_accuracy"][-1]] == model.evaluate(X[40:], Y[40:], verbose=0)
    split, whole = ready(), ready()
    tg.manual_seed(0)
    quiet(split, X, Y, validation_split=0.2, epochs=2)
    tg.manual_seed(0)
    quiet(whole, X[:40], Y[:40], epochs=2, validation_data=(X[40:], Y[40:], np.ones(10)))
    same(split, whole)
    loader = DataLoader(TensorDataset(tg.tensor(X), tg.tensor(Y)), 20)
    assert quiet(whole, loader, validation_data=loader).history["val_loss"] == [whole.evaluate(loader, verbose=0)]
    for wrong in -0.1, 1.0, 1:
        with pytest.raises(ValueError, match="validation_split is a fraction between 0 and 1"):
            quiet(whole, X, Y, validation_split=wrong)
    with pytest.raises(ValueError, match="leaves one of the two parts empty"):
        quiet(whole, X, Y, validation_split=0.999)
    with pytest.raises(TypeError, match="validation_split divides arrays"):
        quiet(whole, loader, validation_split=0.1)


def test_modes_are_switched_and_restored():
    modes = []

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(6, 3)
            self.norm = nn.BatchNorm1d(6)

        def forward(self, x):
            modes.append((self.training, self.norm.training, tg.is_grad_enabled()))
            return self.inner(self.norm(x))
    model = ready(model=Model())
    model.norm.eval()
    quiet(model, X, Y, batch_size=50, validation_data=(X, Y))
    model.predict(X, 50, verbose=0)
    assert modes == [(True, True, True), (False, False, False), (False, False, False)]
    assert model.training and not model.norm.training
    model.eval()
    with tg.no_grad():
        quiet(model, X, Y, batch_size=50)
    assert not model.training and modes[-1] == (True, True, True)
    with pytest.raises(tg.errors.ShapeError):
        model.evaluate(X[:, :5], Y, verbose=0)
    assert not model.training and tg.is_grad_enabled()


def test_sources_of_batches():
    def losses_of(x, y=None, **kwargs):
        return quiet(ready(), x, y, **kwargs).history["loss"]
    tensors = tg.tensor(X), tg.tensor(Y)
    expected = losses_of(X, Y, batch_size=32, shuffle=False)
    assert losses_of(X.astype("float64"), Y.tolist(), shuffle=False) == expected
    assert losses_of(*tensors, shuffle=False) == expected
    assert losses_of(X.tolist(), Y.astype("uint8"), shuffle=False) == expected
    assert losses_of(DataLoader(TensorDataset(*tensors), 32)) == expected
    assert losses_of(TensorDataset(*tensors), shuffle=False) == expected
    assert losses_of([(X[:32], Y[:32]), (X[32:], Y[32:])]) == expected
    assert losses_of([(X[:32], Y[:32], np.ones(32)), (X[32:], Y[32:], np.ones(18))]) == pytest.approx(expected, rel=1e-6)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = network()

        def forward(self, a, b):
            return self.layers(tg.cat([a, b], 1))
    two = ready(model=Two())
    assert quiet(two, [X[:, :2], X[:, 2:]], Y, shuffle=False).history["loss"] == expected
    assert two.predict([X[:, :2], X[:, 2:]], verbose=0).shape == (50, 3)


def test_double_precision_models():
    model = ready(model=network().double())
    out = model.predict(X, verbose=0)
    assert out.dtype == "float64"
    quiet(model, X, Y)
    assert all(p.dtype == tg.float64 for p in model.parameters())


def test_arrays_are_not_written_to():
    model = ready(model=nn.Sequential(nn.ReLU(inplace=True), nn.Linear(6, 3)))
    x, y = tg.tensor(X), tg.tensor(Y)
    quiet(model, x, y, shuffle=False, batch_size=50)
    model.predict(X, verbose=0)
    assert (x.numpy() == X).all()


def test_predict():
    model = network()
    out = model.predict(X, batch_size=7, verbose=0)
    assert type(out) is np.ndarray
    with tg.no_grad():
        np.testing.assert_allclose(out, model(tg.tensor(X)).numpy(), rtol=1e-5, atol=1e-6)
    loader = DataLoader(TensorDataset(tg.tensor(X), tg.tensor(Y)), 7)
    np.testing.assert_array_equal(model.predict(loader, verbose=0), out)

    class Several(nn.Module):
        def forward(self, x):
            return {"sum": x.sum(1), "both": (x, x[:, 0])}
    several = Several().predict(X, batch_size=20, verbose=0)
    assert several["both"][0].shape == (50, 6) and several["both"][1].shape == several["sum"].shape == (50,)


def test_evaluate():
    model = ready(metrics=["accuracy", "mae"], loss="mse", model=network())
    y = np.eye(3)[Y]
    values = model.evaluate(X, y, batch_size=7, verbose=0)
    out = model.predict(X, verbose=0)
    np.testing.assert_allclose(values, [((out - y) ** 2).mean(), (out.argmax(1) == Y).mean(), abs(out - y).mean()], rtol=1e-6)
    assert model.evaluate(X, y, batch_size=7, verbose=0, return_dict=True) == dict(zip(["loss", "accuracy", "mae"], values))
    assert type(ready(loss="mse").evaluate(X, y, verbose=0)) is float


def test_where_to_begin_and_end():
    model = ready()
    history = quiet(model, X, Y, initial_epoch=3, epochs=5)
    assert history.epoch == [3, 4] and model.history is history
    assert quiet(model, X, Y, epochs=0).epoch == []


def test_lbfgs():
    model = ready(optimizer=functools.partial(optim.LBFGS, lr=0.5, max_iter=10))
    values = quiet(model, X, Y, batch_size=50, epochs=4).history["loss"]
    assert values[-1] < 0.5 * values[0]
    with pytest.raises(ValueError, match="accumulate=1"):
        quiet(model, X, Y, accumulate=2)


# ---- optimizers, losses and metrics by name ---------------------------------------------------------------------
def test_optimizers():
    for name in "adam Adam sgd rmsprop adamw adagrad adadelta adamax nadam radam asgd rprop".split():
        model = ready(optimizer=name)
        assert type(model.optimizer).__name__.lower() == name.lower()
        before = weights(model)
        quiet(model, X, Y)
        assert any((a != b).any() for a, b in zip(before, weights(model)))
    assert ready(optimizer="adam").optimizer.defaults["eps"] == 1e-7 and ready(optimizer="sgd").optimizer.defaults["lr"] == 0.01
    model = network()
    model.compile()
    assert type(model.optimizer) is optim.RMSprop
    with pytest.raises(ValueError, match="no optimizer 'adamm': there are adadelta, adagrad, adam"):
        ready(optimizer="adamm")
    with pytest.raises(TypeError, match="a name such as 'adam'"):
        ready(optimizer=0.1)


def test_parameters_made_after_compile_are_trained():
    model = nn.Sequential(nn.Linear(6, 8))
    model.compile("sgd", nn.CrossEntropyLoss())
    model.append(nn.Linear(8, 3))
    before = weights(model)
    quiet(model, X, Y)
    assert all((a != b).any() for a, b in zip(before, weights(model)))


p, q = RANDOM.uniform(0.05, 0.95, (2, 4, 3))
P, Q = tg.tensor(p), tg.tensor(q)
rows, one_hot = p / p.sum(1, keepdims=True), np.eye(3)[[0, 2, 1, 1]]
FORMULAS = {
    "mse": ((p - q) ** 2).mean(1), "MeanSquaredError": ((p - q) ** 2).mean(1), "mae": abs(p - q).mean(1),
    "mean_absolute_percentage_error": 100 * (abs(p - q) / q).mean(1), "msle": ((np.log1p(p) - np.log1p(q)) ** 2).mean(1),
    "huber": np.where(abs(p - q) <= 1, (p - q) ** 2 / 2, abs(p - q) - 0.5).mean(1), "log_cosh": np.log(np.cosh(p - q)).mean(1),
    "hinge": np.maximum(0, 1 - p * q).mean(1), "squared_hinge": (np.maximum(0, 1 - p * q) ** 2).mean(1),
    "kl_divergence": (q * np.log(q / p)).sum(1), "poisson": (p - q * np.log(p)).mean(1),
    "cosine_similarity": -(p * q).sum(1) / np.sqrt((p * p).sum(1) * (q * q).sum(1)),
    "binary_crossentropy": -(q * np.log(p) + (1 - q) * np.log(1 - p)).mean(1), "BinaryCrossentropy": None,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_losses_of_keras(name):
    loss = losses.find(name)(Q, P)
    expected = FORMULAS[name] if FORMULAS[name] is not None else FORMULAS["binary_crossentropy"]
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-5)


def test_losses_of_probabilities():
    expected = -np.log((rows * one_hot).sum(1))
    probabilities, truth = tg.tensor(rows), tg.tensor(one_hot)
    for loss in [losses.categorical_crossentropy(truth, probabilities),
                 losses.sparse_categorical_crossentropy(truth.argmax(1), probabilities),
                 losses.sparse_categorical_crossentropy(truth.argmax(1).double()[:, None], probabilities),
                 losses.categorical_crossentropy(truth, probabilities.log(), from_logits=True),
                 losses.sparse_categorical_crossentropy(truth.argmax(1), 3 + probabilities.log(), from_logits=True)]:
        np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-12)
    smooth = 0.9 * one_hot + 0.1 / 3
    np.testing.assert_allclose(losses.categorical_crossentropy(truth, probabilities, label_smoothing=0.1).numpy(),
                               -(smooth * np.log(rows)).sum(1))
    np.testing.assert_allclose(losses.binary_crossentropy(Q, P.logit(), from_logits=True).numpy(), FORMULAS["binary_crossentropy"])
    pixels = probabilities.reshape(2, 2, 3)                     # classes last
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy(truth.argmax(1).reshape(2, 2), pixels).numpy(),
                               expected.reshape(2, 2).mean(1))
    left_out = losses.sparse_categorical_crossentropy(tg.tensor([0, 2, 7, 7]), probabilities, ignore_class=7)
    np.testing.assert_allclose(left_out.numpy(), expected * [1, 1, 0, 0])


def test_what_is_hopeless_still_learns():
    x = tg.tensor([[0.0, 60.0]], requires_grad=True)            # p = 1e-26
    loss = losses.sparse_categorical_crossentropy(tg.tensor([0]), x.softmax(-1)).sum()
    loss.backward()
    assert loss.item() == pytest.approx(60) and x.grad.tolist()[0] == pytest.approx([-1, 1])


def test_accuracy_knows_what_it_is_given():
    def accuracy(loss, out, y):
        model = ready(loss, ["accuracy"], model=nn.Identity())
        return model.evaluate(np.asarray(out, "float32"), np.asarray(y), verbose=0)[1]
    scores = [[3.0, 1], [-1, 2], [0.5, 0]]
    assert accuracy(nn.CrossEntropyLoss(), scores, [0, 0, 0]) == pytest.approx(2 / 3)
    softmax = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    assert accuracy("categorical_crossentropy", softmax, [[1, 0], [1, 0], [1, 0]]) == pytest.approx(2 / 3)
    assert accuracy("sparse_categorical_crossentropy", softmax, [[0], [0], [0]]) == pytest.approx(2 / 3)
    assert accuracy("binary_crossentropy", [[0.9], [0.2], [0.4]], [1, 0, 1]) == pytest.approx(2 / 3)
    assert accuracy(nn.BCEWithLogitsLoss(), [0.4, -2.0, -0.4], [1.0, 0, 1]) == pytest.approx(2 / 3)
    assert accuracy("binary_crossentropy", [[0.9, 0.2], [0.4, 0.4]], [[1, 0], [1, 0]]) == pytest.approx(3 / 4)
    image = np.zeros((1, 2, 2, 2))
    image[0, 1, 0] = 1
    assert accuracy(nn.CrossEntropyLoss(), image, [[[1, 1], [1, 0]]]) == 3 / 4


def test_metrics():
    def worst(out, y):
        return (out - y).abs().max()

    def of_keras(y_true, y_pred):
        return y_true[:, 0] + 0 * y_pred[:, 0]
    gathered = metrics.Accuracy(one_hot=True)
    model = ready("mse", ["acc", worst, of_keras, gathered, "MeanAbsoluteError", lambda out, y: 2.0], model=network())
    y = np.eye(3)[Y]
    values = model.evaluate(X, y, batch_size=50, verbose=0, return_dict=True)
    out = model.predict(X, verbose=0)
    assert list(values) == ["loss", "acc", "worst", "of_keras", "accuracy", "MeanAbsoluteError", "<lambda>"]
    assert values["acc"] == values["accuracy"] == (out.argmax(1) == Y).mean() and values["<lambda>"] == 2
    assert values["worst"] == pytest.approx(abs(out - y).max()) and values["of_keras"] == pytest.approx(y[:, 0].mean())
    top = ready("sparse_categorical_crossentropy", ["top_k_accuracy", "sparse_categorical_accuracy"],
                model=network(nn.Softmax(-1)))
    assert top.evaluate(X, Y, verbose=0)[1] == 1
    for wrong, text in [(["accuracie"], "no metric called 'accuracie': did you mean 'accuracy'"),
                        (["mse", "mse"], "a name of its own"),
                        ([metrics.Accuracy], "that is a class, make an object"), ([3], "a metric is a name")]:
        with pytest.raises((ValueError, TypeError), match=text):
            ready(metrics=wrong)


def test_a_metric_that_is_a_mean_over_samples_and_not_over_batches():
    model = ready("mse", ["mae"], model=nn.Identity())
    x, y = np.array([[0.0]] * 3 + [[4.0]]), np.zeros((4, 1))
    assert model.evaluate(x, y, batch_size=3, verbose=0) == [4.0, 1.0]


# ---- what is said -----------------------------------------------------------------------------------------------
def test_lines(capsys):
    model = ready(metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    number = r"\d\.\d{4}(e-\d\d)?"
    for epoch, line in enumerate(lines, 1):
        assert re.fullmatch(rf"Epoch {epoch}/2 - \d+(s|ms|us) - \d+(s|ms|us)/step - loss: {number} - accuracy: {number} - "
                            rf"val_loss: {number} - val_accuracy: {number}", line)
    assert len(lines) == 2
    model.fit(X, Y)                                             # verbose="auto", without a terminal
    model.evaluate(X, Y, verbose=2)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Epoch 1/1 - ") and re.fullmatch(rf"2/2 - \S+ - \S+/step - loss: {number} - accuracy: {number}", second)
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ValueError, match="verbose is 0"):
        model.fit(X, Y, verbose=3)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar(monkeypatch, capsys):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    ready(metrics=["accuracy"]).fit(X, Y, batch_size=10, epochs=2, validation_split=0.2)
    bars = sys.stderr.getvalue()
    assert "Epoch 2/2" in bars and "0/4" in bars
    assert capsys.readouterr().out.count("\n") == 2


def test_without_tqdm(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    ready().fit(X, Y)
    assert sys.stderr.getvalue() == "" and capsys.readouterr().out.startswith("Epoch 1/1 - ")


def test_numbers_as_text():
    assert progress.as_text({"loss": 0.12345, "lr": 1e-5, "zero": 0.0}) == "loss: 0.1235 - lr: 1.0000e-05 - zero: 0.0000"
    assert [progress.as_time(t) for t in (75.4, 0.012, 3.4e-4)] == ["75s", "12ms", "340us"]


# ---- mistakes ---------------------------------------------------------------------------------------------------
def conv(*end):
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3), *end)


def mistake(text, call, kind=(ValueError, TypeError, RuntimeError, IndexError)):
    with pytest.raises(kind, match=text):
        call()


def test_integer_labels_with_categorical_crossentropy():
    """SPEC M-05"""
    model = ready("categorical_crossentropy", model=network(nn.Softmax(-1)))
    mistake(r"shape \(32, 3\), and this batch of it has shape \(32,\).*sparse_categorical_crossentropy.*to_categorical\(y, 3\)",
            lambda: quiet(model, X, Y))
    mistake("to_categorical", lambda: model.evaluate(X, Y[:, None], verbose=0))
    sparse = ready("sparse_categorical_crossentropy", model=network(nn.Softmax(-1)))
    mistake("one-hot rows: compile the model with loss='categorical_crossentropy'", lambda: quiet(sparse, X, np.eye(3)[Y]))
    mistake("not whole", lambda: quiet(sparse, X, Y + 0.5))


@pytest.mark.parametrize("name, y, text", [
    ("sparse_categorical_crossentropy", Y, r"CrossEntropyLoss\(\).*SparseCategoricalCrossentropy\(from_logits=True\).*nn\.Softmax"),
    ("categorical_crossentropy", np.eye(3)[Y], r"CrossEntropyLoss\(\).*losses\.CategoricalCrossentropy\(from_logits=True\)"),
    ("binary_crossentropy", np.eye(3)[Y], r"BCEWithLogitsLoss\(\).*BinaryCrossentropy\(from_logits=True\).*nn\.Sigmoid")])
def test_scores_where_probabilities_are_meant(name, y, text):
    mistake("takes probabilities.*" + text, lambda: quiet(ready(name), 9 * X, y))


def test_probabilities_that_are_not_quite():
    half = tg.tensor(rows).half()
    losses.sparse_categorical_crossentropy(tg.tensor([0, 1, 2, 0]), half)
    nan = tg.tensor(rows)
    nan[1] = float("nan")
    assert losses.sparse_categorical_crossentropy(tg.tensor([0, 1, 2, 0]), nan).isnan().tolist() == [False, True, False, False]
    mistake("below 0", lambda: losses.sparse_categorical_crossentropy(tg.tensor([0]), tg.tensor([[1.5, -0.5]])))


def test_labels_that_are_no_class():
    model = ready("sparse_categorical_crossentropy", model=network(nn.Softmax(-1)))
    y = Y.copy()
    y[37] = 3
    mistake(r"y\[37\] is class 3, and the model has 3 outputs, for the classes 0 to 2: a last layer of 4 outputs",
            lambda: quiet(model, X, y, batch_size=4, shuffle=False), IndexError)
    y[37] = -1
    mistake("counted from 0", lambda: quiet(model, X, y), IndexError)
    y[37] = 3
    mistake("class 3 .* is out of range: there are 3", lambda: quiet(ready(), X, y), IndexError)


def test_lengths():
    model = ready()
    mistake(r"x has 50 samples \(axis 0 of shape \(50, 6\)\), and y has 40 \(axis 0 of shape \(40,\)\)",
            lambda: quiet(model, X, Y[:40]))
    mistake(r"Axis 1 of x is as long as y: .*np.moveaxis\(x, 1, 0\)", lambda: quiet(model, X.T, Y))
    mistake(r"Axis 1 of y is as long as x: .*np.moveaxis\(y, 1, 0\)", lambda: quiet(model, X, np.eye(3)[Y].T))
    mistake("sample_weight has 3", lambda: quiet(model, X, Y, sample_weight=np.ones(3)))
    mistake("validation_data: x has 50 samples", lambda: quiet(model, X, Y, validation_data=(X, Y[:3])))
    mistake("there is no sample", lambda: quiet(model, X[:0], Y[:0]))
    mistake("a single number", lambda: quiet(model, X, 3))


def test_a_missing_axis_of_channels():
    model, y = ready(model=conv()), Y[:20]
    quiet(model, IMAGES, y)
    mistake(r"without an axis for the channels, and Conv2d wants \(samples, channels, …\): write x\[:, None\], .*\(n, 1, height, "
            r"width\)",
            lambda: quiet(model, IMAGES[:, 0], y))
    many = ready(model=nn.Sequential(nn.Conv2d(20, 3, 8), nn.Flatten(0)))   # the samples are taken for channels
    mistake(r"batch of 20 samples, in shape \(20, 8, 8\), and its output has shape \(3,\).*write x\[:, None\]",
            lambda: quiet(many, IMAGES[:, 0], y))
    lost = ready(model=nn.Sequential(nn.Unflatten(1, (3, 2)), nn.Flatten(0, 1), nn.Linear(2, 3)))
    mistake(r"view\(x.size\(0\), -1\) keeps the samples apart", lambda: quiet(lost, X, Y))


def test_calls_that_mean_nothing():
    model, plain = ready(), network()
    loader = DataLoader(TensorDataset(tg.tensor(X), tg.tensor(Y)), 10)
    for call in plain.fit, plain.evaluate:
        mistake("the model is not compiled", lambda: call(X, Y))
    plain.compile("adam")
    mistake("compiled without a loss", lambda: plain.fit(X, Y))
    mistake("there is no loss 'categorical_crosentropy': did you mean 'categorical_crossentropy'",
            lambda: ready("categorical_crosentropy"))
    mistake("that is a class, make an object", lambda: ready(nn.CrossEntropyLoss))
    mistake("the loss is a name", lambda: ready(3))
    mistake("y is missing.*autoencoder", lambda: quiet(model, X))
    mistake("x is missing", lambda: model.fit())
    mistake("leave out y", lambda: quiet(model, loader, Y))
    mistake("leave out batch_size", lambda: quiet(model, loader, batch_size=3))
    mistake("once only", lambda: quiet(model, iter([(X, Y)])))
    mistake("x is arrays, tensors, a Dataset or a DataLoader, got int", lambda: quiet(model, 3))
    mistake("batches are", lambda: quiet(model, DataLoader(TensorDataset(tg.tensor(X)), 10)))
    mistake("batch_size is at least 1", lambda: quiet(model, X, Y, batch_size=0))
    mistake("accumulate is at least 1", lambda: quiet(model, X, Y, accumulate=0))
    mistake("save_every is", lambda: quiet(model, X, Y, save_every="batch"))
    mistake("of this list none can be made: .*inhomogeneous", lambda: quiet(model, [[1.0], [1.0, 2.0]], [0, 1]))
    mistake("numbers in tensors or arrays, got ndarray of <U1", lambda: quiet(model, np.array(["a", "b"]), [0, 1]))
    mistake("returned a float", lambda: quiet(ready(lambda out, y: 1.0), X, Y))
    mistake("unexpected keyword argument 'batchsize'", lambda: quiet(model, X, Y, batchsize=3))
    mistake(r"shape \(32, 3\) for this batch, and y has \(32,\)", lambda: quiet(ready("mse"), X, Y))


def test_a_single_output_and_a_flat_target_are_paired():
    model = ready("mse", ["mae"], model=network(outputs=1))
    np.testing.assert_allclose(model.evaluate(X, X[:, 0], verbose=0), model.evaluate(X, X[:, :1], verbose=0))
    mistake("unsqueeze", lambda: quiet(ready(nn.MSELoss(), model=network(outputs=1)), X, X[:, 0]))


def test_stopping_within_an_epoch():
    seen = []

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_training = batch == 2
    history = quiet(ready(), X, Y, batch_size=5, epochs=3, callbacks=Stop(), validation_data=(X, Y))
    assert seen == [0, 1, 2] and history.epoch == [0] and len(history.history["val_loss"]) == 1
    assert quiet(ready(), X, Y, epochs=2, callbacks=[LambdaCallback()]).epoch == [0, 1]


def test_the_graph_of_a_batch_is_gone_before_the_next():
    import gc
    import weakref
    graphs = []

    class Loss:
        def __call__(self, out, y):
            assert all(graph() is None for graph in graphs)
            graphs.append(weakref.ref(out))
            return F.cross_entropy(out, y)
    gc.disable()
    try:
        quiet(ready(Loss()), X, Y, batch_size=10)
    finally:
        gc.enable()
    assert len(graphs) == 5


def test_nothing_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet(ready(metrics=["accuracy"]), X, Y, validation_split=0.2)
