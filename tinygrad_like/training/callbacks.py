"""Callbacks: objects that `fit` calls at certain moments, with the numbers known by then.  Names and arguments are Keras's."""
from __future__ import annotations

import csv
import inspect
import io
import math
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from .. import errors
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau as PlateauScheduler

if TYPE_CHECKING:
    from ..nn import Module

__all__ = ["Callback", "CallbackList", "History", "EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "LearningRateScheduler",
           "CSVLogger", "TerminateOnNaN", "LambdaCallback", "PlotCurves"]

Logs = dict[str, float]


def a_class(x: Any) -> str:
    """What to add to an error if x is a class where an object is meant."""
    return ": that is a class, make an object of it" if isinstance(x, type) else ""


class Callback:
    """The base of callbacks: define the methods that you need.

    self.model is the model in training; `self.model.stop_training = True` ends it.  self.params has "epochs", "steps" (batches
    in an epoch, None if that is not known) and "verbose".  logs: {"loss": …, "accuracy": …, "val_loss": …}, for a batch the means
    so far.

    A callback whose course is to survive a crash has `state_dict()` and `load_state_dict(state)`.  In a training that goes on,
    on_train_begin and on_epoch_begin are called once more; what they set there and in the optimizer is then set back.
    """
    model: Module
    params: dict[str, Any]

    def set_model(self, model: Module) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None: ...
    def on_train_end(self, logs: Logs | None = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None: ...
    def on_test_begin(self, logs: Logs | None = None) -> None: ...
    def on_test_end(self, logs: Logs | None = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_begin(self, logs: Logs | None = None) -> None: ...
    def on_predict_end(self, logs: Logs | None = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None: ...
    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None: ...

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.on_batch_end(batch, logs)

    def follows(self, *hooks: str) -> bool:
        """Whether one of these methods does something."""
        return any(getattr(getattr(self, hook), "__func__", None) is not getattr(Callback, hook) for hook in hooks)


class CallbackList:
    """Callbacks, called one after the other.  A scheduler of optim.lr_scheduler in the list makes a step after each epoch."""

    def __init__(self, callbacks: Any, model: Module, params: dict[str, Any]) -> None:
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
        self.callbacks: list[Callback] = [StepScheduler(each) if isinstance(each, LRScheduler) else each for each in given]
        for each in self.callbacks:
            if not isinstance(each, Callback):
                raise errors.WrongType("callbacks are objects of classes derived from Callback, or schedulers of "
                                       f"optim.lr_scheduler, got {each!r}" + a_class(each))
            each.set_model(model)
            each.set_params(params)
        self.wants_train_batches = any(each.follows("on_train_batch_end", "on_batch_end") for each in self.callbacks)
        self.wants_test_batches = any(each.follows("on_test_batch_end") for each in self.callbacks)

    def __getattr__(self, hook: str) -> Callable[..., None]:
        if not hook.startswith("on_"):
            raise AttributeError(hook)

        def call(*args: Any) -> None:
            for each in self.callbacks:
                getattr(each, hook)(*args)
        return call

    def remembering(self) -> list[Any]:
        """Those whose course survives a crash."""
        return [each for each in self.callbacks if hasattr(each, "state_dict")]

    def state_dict(self) -> dict[str, Any]:
        return {"names": self.names(), "states": [each.state_dict() for each in self.remembering()]}

    def names(self) -> list[str]:
        return [type(getattr(each, "scheduler", each)).__name__ for each in self.remembering()]

    def load_state_dict(self, state: dict[str, Any]) -> None:
        was, now = state["names"], self.names()
        if was != now:
            raise errors.WrongValue(f"resuming: this training has the callbacks {', '.join(now)}, and the one that was saved had "
                                    f"{', '.join(was)}: pass the same ones, in the same order")
        for each, saved in zip(self.remembering(), state["states"]):
            each.load_state_dict(saved)


class History(Callback):
    """What `fit` returns: history = {"loss": [0.9, 0.5, …], "val_loss": […], …} and epoch = [0, 1, …]"""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def state_dict(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]


class Attributes(Callback):
    """A callback whose state is in a few attributes."""
    remembered: tuple[str, ...] = ()

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.remembered}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


# ---- what is better? --------------------------------------------------------------------------------------------
UP = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "top", "bleu", "average_precision", "score", "specificity")
DOWN = ("loss", "error", "mse", "mae", "mape", "msle", "perplexity", "wer", "cer", "crossentropy", "calibration", "ece", "kl")


class Monitor(Attributes):
    """What those callbacks share that look whether a number becomes better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0) -> None:
        name = type(self).__name__
        if mode not in ("auto", "min", "max"):
            raise errors.WrongValue(f"{name}: mode is 'auto', 'min' or 'max', got {mode!r}")
        if mode == "auto":
            plain = monitor.removeprefix("val_").lower()
            mode = "min" if any(word in plain for word in DOWN) else "max" if any(word in plain for word in UP) else "auto"
            if mode == "auto":
                raise errors.WrongValue(f"{name}: is a large {monitor!r} good or bad?  Say mode='max' or mode='min'")
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.worst = math.inf if mode == "min" else -math.inf

    def value(self, logs: Logs | None) -> float:
        if self.monitor not in (logs or {}):
            raise errors.WrongValue(f"{type(self).__name__}: there is no {self.monitor!r} to look at, there are "
                                    f"{', '.join(logs or {})}"
                                    + (": pass fit validation_data or a "
                                       "validation_split" if self.monitor.startswith("val_") else ""))
        return logs[self.monitor]                               # type: ignore[index]

    def better(self, value: float, best: float | None) -> bool:
        """Whether the value is better than the best so far, by more than min_delta."""
        if best is None:
            return True
        return value < best - self.min_delta if self.mode == "min" else value > best + self.min_delta


class EarlyStopping(Monitor):
    """Ends the training when `monitor` has not become better by min_delta for `patience` epochs.

    baseline: epochs that are not better than this count as no better, too.
    restore_best_weights: at the end, the model has the weights of its best epoch again.
    start_from_epoch: the epochs before are not looked at.
    """
    remembered = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: str = "auto",
                 baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._begin()

    def _begin(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: dict[str, Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.better(value, self.best) and not math.isnan(value):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = copied(self.model)
            if self.better(value, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True                     # type: ignore[assignment]

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.load_state_dict(self.best_weights)


def copied(model: Module) -> dict[str, Any]:
    return {name: x.clone() if hasattr(x, "clone") else deepcopy(x) for name, x in model.state_dict().items()}


KERAS_FILES = ": Keras's own formats are not written"


class ModelCheckpoint(Monitor):
    """Saves the model to `filepath`, which may name the epoch and what was measured: "digits-{epoch:02d}-{val_loss:.2f}.pth"

    save_weights_only: the file holds model.state_dict(); else {"model": that, "optimizer": the optimizer's, "epoch": …, "logs": …}.
    save_best_only: only when `monitor` is better than ever.
    save_freq: "epoch", or after how many batches.
    initial_value_threshold: what `monitor` has to beat at first.

    It is for keeping a model.  To go on with a training that was interrupted, see `fit(checkpoint=…, resume_from=…)`.
    """
    remembered = ("best", "batches")

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 save_weights_only: bool = False, mode: str = "auto", save_freq: Any = "epoch",
                 initial_value_threshold: float | None = None) -> None:
        if save_best_only:
            super().__init__(monitor, mode)
        self.filepath, self.monitor = os.fspath(filepath), monitor
        suffixes = (".pth", ".pt", ".safetensors", ".npz") if save_weights_only else (".pth", ".pt")
        if not self.filepath.endswith(suffixes):
            raise errors.WrongValue(f"ModelCheckpoint: the file {self.filepath!r} is to end in {' or '.join(suffixes)}"
                                    + (KERAS_FILES if self.filepath.endswith((".keras", ".h5")) else ""))
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise errors.WrongValue(f"ModelCheckpoint: save_freq is 'epoch' or a number of batches, got {save_freq!r}")
        self.verbose, self.save_best_only, self.save_weights_only = verbose, save_best_only, save_weights_only
        self.save_freq, self.best, self.batches = save_freq, initial_value_threshold, 0
        self.epoch = 0

    def follows(self, *hooks: str) -> bool:
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self.batches += 1
        if self.save_freq != "epoch" and self.batches % self.save_freq == 0:
            self._save(self.epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        from ..serialize import save
        if self.save_best_only:
            value = self.value(logs)
            if math.isnan(value) or not self.better(value, self.best):
                return
            self.best = value
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            raise errors.WrongValue(f"ModelCheckpoint: {self.filepath!r} names {error}, and there are epoch, {', '.join(logs)}") \
                from None
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        weights = self.model.state_dict()
        save(weights if self.save_weights_only else {"model": weights, "optimizer": optimizer_of(self.model).state_dict(),
                                                     "epoch": epoch + 1, "logs": logs}, path)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saved model to {path}")


# ---- learning rates ---------------------------------------------------------------------------------------------
def optimizer_of(model: Module) -> Any:
    from .loop import compiled
    return compiled("fit", model).optimizer


def rate(model: Module) -> float:
    return float(optimizer_of(model).param_groups[0]["lr"])


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch to schedule(epoch, rate so far), or schedule(epoch)."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise errors.WrongType(f"LearningRateScheduler takes a function (epoch, lr) -> lr, got {schedule!r}")
        self.schedule, self.verbose = schedule, verbose
        try:
            self.takes_rate = len(inspect.signature(schedule).parameters) > 1
        except (TypeError, ValueError):
            self.takes_rate = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        lr = self.schedule(epoch, rate(self.model)) if self.takes_rate else self.schedule(epoch)
        try:
            lr = float(lr)
        except (TypeError, ValueError):
            raise errors.WrongType(f"LearningRateScheduler: the schedule returns a number, and gave {lr!r}") from None
        for group in optimizer_of(self.model).param_groups:
            group["lr"] = lr
        if self.verbose:
            print(f"Epoch {epoch + 1}: setting learning rate to {lr:g}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = rate(self.model)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when `monitor` has not become better by min_delta for `patience` epochs.

    cooldown: for how many epochs after that none are counted.       min_lr: not below this.
    """
    remembered = ("best", "wait", "cooldown_counter")

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: str = "auto",
                 min_delta: float = 0.0001, cooldown: int = 0, min_lr: float = 0.0) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise errors.WrongValue(f"ReduceLROnPlateau: factor is between 0 and 1, got {factor!r}")
        self.factor, self.patience, self.verbose, self.cooldown, self.min_lr = factor, patience, verbose, cooldown, min_lr
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.best, self.wait, self.cooldown_counter = self.worst, 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        if logs is not None:
            logs["learning_rate"] = rate(self.model)
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                for group in optimizer_of(self.model).param_groups:
                    group["lr"] = max(float(group["lr"]) * self.factor, self.min_lr)
                if self.verbose:
                    print(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate(self.model):g}.")
                self.cooldown_counter, self.wait = self.cooldown, 0


class StepScheduler(Callback):
    """Has a scheduler of optim.lr_scheduler step after each epoch; one that looks at a loss, by that of validation, if any."""

    def __init__(self, scheduler: LRScheduler) -> None:
        self.scheduler = scheduler
        self.state_dict, self.load_state_dict = scheduler.state_dict, scheduler.load_state_dict

    def set_model(self, model: Module) -> None:
        super().set_model(model)
        if self.scheduler.optimizer is not optimizer_of(model):
            raise errors.WrongValue(f"callbacks: {type(self.scheduler).__name__} belongs to another optimizer than the one that "
                                    "the model was compiled with: compile(optimizer=optimizer), and make the scheduler of the "
                                    "same object")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        logs["learning_rate"] = rate(self.model)
        if isinstance(self.scheduler, PlateauScheduler):
            self.scheduler.step(logs.get("val_loss", logs["loss"]))
        else:
            self.scheduler.step()


# ---- watching ---------------------------------------------------------------------------------------------------
class TerminateOnNaN(Callback):
    """Ends the training when the loss is NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            print(f"Batch {batch}: the loss is {loss}, terminating training")
            self.model.stop_training = True                     # type: ignore[assignment]


class LambdaCallback(Callback):
    """Calls functions: LambdaCallback(on_epoch_end=lambda epoch, logs: print(logs))"""

    def __init__(self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
                 on_train_batch_begin: Any = None, on_train_batch_end: Any = None, **others: Any) -> None:
        hooks = {"on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
                 "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
                 "on_train_batch_end": on_train_batch_end, **others}
        for name, function in hooks.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise errors.WrongType(f"LambdaCallback: there is no moment called {name!r}")
            if function is not None:
                setattr(self, name, function)


class CSVLogger(Callback):
    """Writes what was measured in each epoch as a line of a CSV file.

    append: go on with a file that there is.  A training that is resumed does so anyway, after its lines up to where it resumes.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = os.fspath(filename), separator, append

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.keys: list[str] | None = None
        resumed = self.params.get("resumed", False)
        if not (self.append or resumed) or not os.path.exists(self.filename):
            open(self.filename, "w").close()
            return
        with open(self.filename, newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, delimiter=self.separator))
        if resumed:                                             # what was written after the checkpoint is written again
            from ..serialize.replace import replacing
            done = self.params["initial_epoch"]
            rows = rows[:1] + [row for row in rows[1:] if len(row) == len(rows[0]) and int(row[0]) < done]
            rows = rows if len(rows) > 1 else []                # the first line, too, may be torn
            with replacing(os.path.abspath(self.filename)) as out:
                out.write("".join([self._line(row) for row in rows]).encode())
        if rows:
            self.keys = rows[0][1:]

    def _line(self, row: list[Any]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self.separator, lineterminator="\n").writerow(row)
        return text.getvalue()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        line = ""
        if self.keys is None:
            self.keys = sorted(logs)
            line = self._line(["epoch", *self.keys])
        line += self._line([epoch] + [logs.get(key, "NA") for key in self.keys])
        with open(self.filename, "a", encoding="utf-8") as file:
            file.write(line)


class PlotCurves(Callback):
    """Draws what was measured over the epochs into a PNG, anew after each: one panel for each measure, with its val_ counterpart.

    Needs matplotlib: pip install 'tinygrad_like[plot]'.
    """

    def __init__(self, filename: Any = "curves.png", every: int = 1) -> None:
        matplotlib_figure("PlotCurves")                         # whether it is there
        self.filename, self.every = os.fspath(filename), every
        self.curves = History()
        self.state_dict, self.load_state_dict = self.curves.state_dict, self.curves.load_state_dict

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.curves.history, self.curves.epoch = {}, []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.curves.on_epoch_end(epoch, logs)
        if (epoch + 1) % self.every == 0:
            self.draw()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.curves.epoch and (self.curves.epoch[-1] + 1) % self.every:
            self.draw()

    def draw(self) -> None:
        from ..serialize.replace import replacing
        with replacing(os.path.abspath(self.filename)) as file:
            figure_of_curves(self.curves).savefig(file, format="png", dpi=120)


def figure_of_curves(curves: History) -> Any:
    """What was measured over the epochs: one panel for each measure, with its val_ counterpart, as a Figure of matplotlib."""
    history, epochs = curves.history, [epoch + 1 for epoch in curves.epoch]
    names = [name for name in history if not name.startswith("val_")]
    figure = matplotlib_figure("draw_curves")(figsize=(4.5 * len(names), 3.5), layout="constrained")
    for i, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), i + 1)
        for each, label in (name, "training"), (f"val_{name}", "validation"):
            if each in history:
                axes.plot(epochs[-len(history[each]):], history[each], marker=".", label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.legend()
    return figure


def matplotlib_figure(who: str) -> Any:
    """matplotlib's class Figure, for `who` draws; it is drawn into memory, and no window opens."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError(f"{who} draws with matplotlib, which is not installed: pip install 'tinygrad_like[plot]'") from error
    return matplotlib.figure.Figure
