"""Callbacks: when they are called, what they change, and what they write."""
import math
import os
import sys

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like import nn, optim
from tinygrad_like.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    PlotCurves,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

X = np.random.default_rng(0).standard_normal((40, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def compiled(metrics=None, lr=0.05):
    tg.manual_seed(1)
    model = nn.Linear(4, 1)
    model.compile(optim.SGD(model.parameters(), lr=lr), "mse", metrics)
    return model


def fit(model, *callbacks, epochs=3, **kwargs):
    return model.fit(X, Y, batch_size=20, epochs=epochs, callbacks=list(callbacks), verbose=0, **kwargs)


class Script(Callback):
    """Says what was measured, instead of what was."""

    def __init__(self, values, name="val_loss"):
        self.values, self.name, self.weights, self.rates = values, name, [], []

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]
        self.weights.append(self.model.weight.tolist())
        self.rates.append(self.model.optimizer.param_groups[0]["lr"])


def scripted(values, *callbacks, name="val_loss"):
    model, script = compiled(), Script(values, name)
    history = fit(model, script, *callbacks, epochs=len(values))
    return model, script, history


# ---- when -------------------------------------------------------------------------------------------------------
HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


def test_the_order_of_calls():
    calls = []

    class Log(Callback):
        def set_model(self, model):
            super().set_model(model)
            calls.append("set_model")

        def set_params(self, params):
            super().set_params(params)
            calls.append(f"set_params {params.get('epochs')} {params['steps']} {params['verbose']}")
    for name in HOOKS:
        setattr(Log, name, lambda self, *args, name=name: calls.append(
            " ".join([name] + [str(sorted(each) if isinstance(each, dict) else each) for each in args])))
    model = compiled(["mae"])
    fit(model, Log(), epochs=1, validation_data=(X[:20], Y[:20]))
    batch = ["on_train_batch_begin {} []", "on_train_batch_end {} ['loss', 'mae']"]
    assert calls == ["set_model", "set_params 1 2 0", "on_train_begin []", "on_epoch_begin 0 []",
                     *[line.format(i) for i in range(2) for line in batch],
                     "on_test_begin []", "on_test_batch_begin 0 []", "on_test_batch_end 0 ['loss', 'mae']",
                     "on_test_end ['loss', 'mae']",
                     "on_epoch_end 0 ['loss', 'mae', 'val_loss', 'val_mae']", "on_train_end ['loss', 'mae', 'val_loss', 'val_mae']"]
    calls.clear()
    model.predict(X, 20, verbose=0, callbacks=[Log()])
    assert [call.split()[0] for call in calls[2:]] == ["on_predict_begin", "on_predict_batch_begin", "on_predict_batch_end",
                                                       "on_predict_batch_begin", "on_predict_batch_end", "on_predict_end"]
    calls.clear()
    model.evaluate(X, Y, 40, verbose=0, callbacks=[Log()])
    assert calls[2] == "on_test_begin []" and calls[-1] == "on_test_end ['loss', 'mae']"


def test_batches_of_training_by_their_older_name():
    seen = []

    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, logs["loss"]))
    history = fit(compiled(), Old(), epochs=1)
    assert [batch for batch, _ in seen] == [0, 1] and seen[1][1] == history.history["loss"][0]


def test_lambda_callback():
    seen = []
    fit(compiled(), LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]),
                                   on_train_end=lambda logs: seen.append("end"),
                                   on_train_batch_end=lambda batch, logs: seen.append(list(logs))), epochs=1)
    assert seen[:2] == [["loss"], ["loss"]] and isinstance(seen[2], float) and seen[3] == "end"
    with pytest.raises(TypeError, match="no moment called 'on_epoch_ends'"):
        LambdaCallback(on_epoch_ends=print)


def test_logs_come_with_every_call():
    """A method, or a function, need not have a default for them."""
    seen = []
    hooks = {f"on_{part}_{end}": lambda logs, part=part, end=end: seen.append((part, end, type(logs)))
             for part in ("train", "test", "predict") for end in ("begin", "end")}
    hooks |= {f"on_{part}_batch_{end}": lambda batch, logs, part=part, end=end: seen.append((part, "batch", end, type(logs)))
              for part in ("train", "test", "predict") for end in ("begin", "end")}
    model, call = nn.Linear(2, 1), LambdaCallback(**hooks)
    model.compile("sgd", "mse")
    x, y = tg.randn(4, 2), tg.randn(4, 1)
    model.fit(x, y, verbose=0, callbacks=[call], validation_data=(x, y))
    model.predict(x, verbose=0, callbacks=[call])
    assert len(set(seen)) == 12 and all(each[-1] is dict for each in seen)


def test_what_is_no_callback():
    for wrong, text in [(print, "objects of classes derived from Callback"), (EarlyStopping, "that is a class, make an object")]:
        with pytest.raises(TypeError, match=text):
            fit(compiled(), wrong)


# ---- early stopping ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("values, options, epochs, best", [
    ([3, 2, 2, 2, 1], {}, 3, 1),
    ([3, 2, 2, 2, 1], {"patience": 2}, 4, 1),
    ([3, 2, 2.5, 2.5, 1, 1], {"patience": 3}, 6, 4),
    ([3, 2.9, 2.8, 1], {"min_delta": 0.5}, 2, 0),
    ([1, 2, 3, 4], {"mode": "max"}, 4, 3),
    ([5, 4, 3, 2], {"baseline": 1, "patience": 2}, 2, 1),
    ([1, 5, 4, 3, 4, 4], {"start_from_epoch": 2}, 5, 3),
    ([5, math.nan, 4], {"patience": 2}, 3, 2),
])
def test_early_stopping(values, options, epochs, best):
    stopping = EarlyStopping(restore_best_weights=True, **options)
    model, script, history = scripted(values, stopping)
    assert len(history.epoch) == epochs and stopping.best_epoch == best
    assert model.weight.tolist() == script.weights[best]
    plain = EarlyStopping(**options)
    model, script, _ = scripted(values, plain)
    assert model.weight.tolist() == script.weights[-1]


def test_early_stopping_says_so(capsys):
    scripted([1, 2], EarlyStopping(verbose=1, restore_best_weights=True))
    assert capsys.readouterr().out == "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"


def test_what_is_looked_at():
    for name, mode in [("val_accuracy", "max"), ("val_loss", "min"), ("f1", "max"), ("mean_absolute_error", "min"),
                       ("val_r2_score", "max")]:
        assert EarlyStopping(name).mode == mode
    with pytest.raises(ValueError, match="is a large 'weight' good or bad"):
        EarlyStopping("weight")
    with pytest.raises(ValueError, match="mode is 'auto'"):
        EarlyStopping(mode="most")
    with pytest.raises(ValueError, match="there is no 'val_loss' to look at, there are loss: pass fit validation_data"):
        fit(compiled(), EarlyStopping())


# ---- files ------------------------------------------------------------------------------------------------------
def test_model_checkpoint(tmp_path, capsys):
    path = str(tmp_path / "deep" / "m-{epoch:02d}-{val_loss:.1f}.pth")
    model, script, _ = scripted([3, 1, 2, 0.5], ModelCheckpoint(path, save_best_only=True, save_weights_only=True, verbose=1))
    assert sorted(os.listdir(tmp_path / "deep")) == ["m-01-3.0.pth", "m-02-1.0.pth", "m-04-0.5.pth"]
    assert tg.load(tmp_path / "deep" / "m-02-1.0.pth")["weight"].tolist() == script.weights[1]
    assert "Epoch 2: saved model to " in capsys.readouterr().out
    scripted([3, 1, 2], ModelCheckpoint(str(tmp_path / "all{epoch}.npz"), save_weights_only=True))
    assert {"all1.npz", "all2.npz", "all3.npz"} < set(os.listdir(tmp_path))
    model, script, _ = scripted([3, 1], ModelCheckpoint(tmp_path / "whole.pt"))
    whole = tg.load(tmp_path / "whole.pt")
    assert whole["epoch"] == 2 and whole["logs"]["val_loss"] == 1 and set(whole) == {"model", "optimizer", "epoch", "logs"}
    model.load_state_dict(whole["model"])
    model.optimizer.load_state_dict(whole["optimizer"])
    scripted([3, 1, 2], ModelCheckpoint(tmp_path / "threshold.pth", save_best_only=True, initial_value_threshold=0.5))
    assert not (tmp_path / "threshold.pth").exists()
    fit(compiled(), ModelCheckpoint(str(tmp_path / "b{epoch}-{batch}.pth"), save_freq=3, save_weights_only=True))
    assert {"b2-1.pth", "b3-2.pth"} == {name for name in os.listdir(tmp_path) if name.startswith("b")}


def test_model_checkpoint_mistakes(tmp_path):
    for path in "m.keras", "m.weights.h5":
        with pytest.raises(ValueError, match="is to end in .pth or .pt.*Keras's own formats are not written"):
            ModelCheckpoint(path)
    with pytest.raises(ValueError, match="save_freq is 'epoch' or a number"):
        ModelCheckpoint("m.pth", save_freq="batch")
    with pytest.raises(ValueError, match="names 'acc', and there are epoch, loss"):
        fit(compiled(), ModelCheckpoint(str(tmp_path / "{acc}.pth")))


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(compiled(["mae"]), CSVLogger(path)).history
    lines = path.read_text().splitlines()
    assert lines[0] == "epoch,loss,mae" and len(lines) == 4
    assert [float(line.split(",")[1]) for line in lines[1:]] == history["loss"]
    fit(compiled(["mae"]), CSVLogger(path, append=True), epochs=1)
    assert path.read_text().splitlines()[:4] == lines and len(path.read_text().splitlines()) == 5
    fit(compiled(["mae"]), CSVLogger(path, separator=";"), epochs=1)
    assert path.read_text().startswith("epoch;loss;mae\n0;")


def test_plot_of_the_curves(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    fit(compiled(["mae"]), PlotCurves(path, every=2), validation_split=0.5)
    image = path.read_bytes()
    assert image.startswith(b"\x89PNG") and len(image) > 5000 and os.listdir(tmp_path) == ["curves.png"]


def test_plot_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_like\[plot\]'"):
        PlotCurves()


# ---- learning rates ---------------------------------------------------------------------------------------------
def test_learning_rate_scheduler(capsys):
    history = fit(compiled(), LearningRateScheduler(lambda epoch, lr: lr / 2, verbose=1)).history
    assert history["learning_rate"] == [0.025, 0.0125, 0.00625]
    assert capsys.readouterr().out.startswith("Epoch 1: setting learning rate to 0.025.\n")
    assert fit(compiled(), LearningRateScheduler(lambda epoch: 0.1 + epoch)).history["learning_rate"] == [0.1, 1.1, 2.1]
    with pytest.raises(TypeError, match="the schedule returns a number, and gave 'a'"):
        fit(compiled(), LearningRateScheduler(lambda epoch: "a"))
    with pytest.raises(TypeError, match="takes a function"):
        LearningRateScheduler(0.1)


@pytest.mark.parametrize("values, options, rates", [
    ([1, 1, 1, 1, 1], {"patience": 1}, [1, .1, .01, .001, .0001]),
    ([1, 1, 1, 1, 1], {"patience": 2, "factor": 0.5}, [1, 1, .5, .5, .25]),
    ([1, 1, 1, 1, 1], {"patience": 1, "cooldown": 2}, [1, .1, .1, .01, .01]),
    ([1, 1, 1], {"patience": 1, "min_lr": 0.05}, [1, .1, .05]),
    ([3, 2, 1, 0.9999], {"patience": 1}, [1, 1, 1, .1]),
    ([1, 2, 3], {"patience": 1, "mode": "max"}, [1, 1, 1]),
])
def test_reduce_on_plateau(values, options, rates):
    class Rates(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.optimizer.param_groups[0]["lr"])
    seen = []
    model = compiled(lr=1.0)
    fit(model, Script(values), ReduceLROnPlateau(**options), Rates(), epochs=len(values))
    assert seen == pytest.approx(rates)
    with pytest.raises(ValueError, match="factor is between 0 and 1"):
        ReduceLROnPlateau(factor=2)


def test_schedulers_of_optim():
    model = compiled(lr=1.0)
    script = Script([3, 3, 3])
    fit(model, script, optim.lr_scheduler.StepLR(model.optimizer, 1, 0.5))
    assert script.rates == [1, 0.5, 0.25] and model.history.history["learning_rate"] == [1, 0.5, 0.25]
    model, script = compiled(lr=1.0), Script([3, 3, 3])
    fit(model, script, optim.lr_scheduler.ReduceLROnPlateau(model.optimizer, patience=0))
    assert script.rates == pytest.approx([1, 1, 0.1])
    with pytest.raises(ValueError, match="belongs to another optimizer"):
        fit(compiled(), optim.lr_scheduler.StepLR(model.optimizer, 1))


# ---- trouble ----------------------------------------------------------------------------------------------------
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_terminate_on_nan(capsys):
    x = X.copy()
    x[25, 0] = math.nan
    model = compiled()
    history = model.fit(x, Y, batch_size=10, epochs=5, shuffle=False, verbose=0, callbacks=TerminateOnNaN())
    assert history.epoch == [0] and capsys.readouterr().out == "Batch 2: the loss is nan, terminating training\n"
