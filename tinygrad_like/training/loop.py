"""compile, fit, evaluate and predict, with Keras's names and arguments, for every Module.

The loop is the one that one writes by hand,

    for inputs, target in batches:
        optimizer.zero_grad()
        loss = loss_of(model(inputs), target)
        loss.backward()
        optimizer.step()

and around it: the order of the samples, training and evaluation mode, what is measured, callbacks, and checkpoints.
"""
from __future__ import annotations

import copy
import functools
import inspect
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from .. import backend, errors, nn, optim
from ..data.seeding import random_states, set_random_states
from ..grad_mode import enable_grad, no_grad
from ..nn.module import Module
from ..tensor import Tensor
from ..watch import Watcher
from . import losses
from .batches import Arrays, Home, Part, Source, is_data, source
from .callbacks import CallbackList, History, Logs, a_class
from .checkpoint import Checkpoint
from .measures import Mean, in_our_order, measure, takes_truth_first
from .progress import Progress, as_speed, as_text, bar

__all__ = ["compile", "fit", "evaluate", "predict"]


# ---- compile ----------------------------------------------------------------------------------------------------
class Compiled:
    """What a model is trained with."""

    def __init__(self, optimizer: Any, loss: Any, metrics: Any) -> None:
        made = isinstance(optimizer, optim.Optimizer)
        self.optimizer: Any = optimizer if made else None
        self.make: Any = None if made else maker(optimizer)
        self.loss = None if loss is None else Loss(loss)
        metrics = [] if metrics is None else [metrics] if isinstance(metrics, str) else list(metrics)
        self.measures = [measure(each, self.loss) for each in metrics]
        names = [each.name for each in self.measures]
        if len(set(names)) < len(names) or "loss" in names:
            raise errors.WrongValue(f"compile: the metrics are named {', '.join(names)}: each needs a name of its own, and 'loss' "
                                    "is taken")
        self.mean, self.names = Mean(), ["loss", *names]

    def prepare(self, model: Module) -> Any:
        """The optimizer of the model; one that was asked for by name is made now, when the parameters are there."""
        if self.make is not None:
            mine = None if self.optimizer is None else {id(p) for group in self.optimizer.param_groups for p in group["params"]}
            if mine is None or mine != {id(p) for p in model.parameters()} and not self.optimizer.state:
                self.optimizer = self.make(model.parameters())
                vars(model)["optimizer"] = self.optimizer
        return self.optimizer

    def reset(self) -> None:
        for each in (self.mean, *self.measures):
            each.reset()

    def update(self, loss: Any, out: Any, part: Part) -> None:
        self.mean.add(loss, part.size)
        for each in self.measures:
            each.update(out, part.target)

    def logs(self, prefix: str = "") -> Logs:
        return {prefix + "loss": self.mean.compute(), **{prefix + each.name: each.compute() for each in self.measures}}

    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.mean.state_dict(), "metrics": [each.state_dict() for each in self.measures]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean.load_state_dict(state["loss"])
        for each, saved in zip(self.measures, state["metrics"]):
            each.load_state_dict(saved)


# Keras's own settings, where they are not PyTorch's: who names an optimizer in `compile` means those.
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.01}, "RMSprop": {"lr": 0.001, "alpha": 0.9, "eps": 1e-7}, "Adam": {"eps": 1e-7},
    "AdamW": {"eps": 1e-7, "weight_decay": 0.004}, "Adagrad": {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 1e-7},
    "Adadelta": {"lr": 0.001, "rho": 0.95, "eps": 1e-7}, "Adamax": {"lr": 0.001, "eps": 1e-7}, "NAdam": {"lr": 0.001, "eps": 1e-7},
}


def maker(optimizer: Any) -> Any:
    """A function that makes an optimizer for parameters."""
    if isinstance(optimizer, str):
        names = {name.lower(): name for name in vars(optim) if isinstance(getattr(optim, name), type)}
        name = names.get(optimizer.lower())
        if name is None or name == "Optimizer":
            raise errors.WrongValue(f"compile: there is no optimizer {optimizer!r}: there are "
                                    f"{', '.join(sorted(set(names) - {'optimizer'}))}")
        return lambda params: getattr(optim, name)(params, **OPTIMIZERS.get(name, {}))
    if callable(optimizer):
        return optimizer
    raise errors.WrongType("compile: the optimizer is a name such as 'adam', an object such as optim.Adam(model.parameters()), or "
                           f"a function that makes one of parameters, got {type(optimizer).__name__}")


class Loss:
    """The loss of a batch, in any spelling: a name, PyTorch's (output, target), or Keras's (y_true, y_pred)."""

    def __init__(self, loss: Any) -> None:
        if isinstance(loss, str):
            self.function: Any = losses.find(loss)
        elif isinstance(loss, (dict, list, tuple)):
            raise errors.WrongType("compile: a loss for each output is not offered: pass one function of (outputs, targets), two "
                                   "lists, that adds them up, and let a DataLoader give (input, targets)")
        elif isinstance(loss, type) or not callable(loss):
            raise errors.WrongType("compile: the loss is a name, a module such as nn.CrossEntropyLoss(), or a function of "
                                   f"(output, target), got {loss!r}" + a_class(loss))
        else:
            self.function = loss
        self.name = loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)
        self.of_keras = takes_truth_first(self.function) or takes_truth_first(getattr(self.function, "call", None))
        self.call = in_our_order(self.function) if takes_truth_first(self.function) or not self.of_keras \
            else lambda out, target: self.function(target, out)
        plain = losses.snake(self.name)
        logits = getattr(loss, "from_logits", False)
        self.binary = plain.startswith("binary_cross") or plain.startswith("bcewith") or plain in ("bceloss", "soft_margin_loss")
        self.of_logits = bool(logits) or "logits" in plain
        self.sparse = plain.startswith("sparse_categorical")
        self.probabilities = not logits and plain in ("categorical_crossentropy", "sparse_categorical_crossentropy")
        self.unseen = True

    def class_axis(self, out: Tensor) -> int:
        """Keras has the classes last, and PyTorch behind the samples."""
        return -1 if self.of_keras or out.ndim < 2 else 1

    def __call__(self, out: Any, target: Any, weight: Any) -> Tensor:
        if self.unseen:
            self._check_first(out)
        loss = self.call(out, target) if weight is None else self._weighted(out, target, weight)
        if not isinstance(loss, Tensor):
            raise errors.WrongType(f"the loss {self.name} returned a {type(loss).__name__}, and not a tensor")
        return loss.mean() if loss.ndim else loss

    def _check_first(self, out: Any) -> None:
        """What would mean to wait for a device is looked at in the first batch only."""
        self.unseen = False
        if self.probabilities and isinstance(out, Tensor) and out.ndim:
            losses.check_probabilities(losses.snake(self.name), backend.to_device(out.array, "cpu"))

    def _weighted(self, out: Any, target: Any, weight: Tensor) -> Tensor:
        """Σ w l / n, for the losses l of the samples."""
        call = self.call
        if isinstance(self.function, Module) and hasattr(self.function, "reduction"):
            apart = copy.copy(self.function)
            vars(apart)["reduction"] = "none"
            call = apart
        elif not isinstance(self.function, Module) and "reduction" in signature(self.function):
            call = in_our_order(functools.partial(self.function, reduction="none"))
        elif takes_truth_first(getattr(self.function, "call", None)):          # an object of keras.losses
            call = in_our_order(self.function.call)
        loss = call(out, target)
        if not isinstance(loss, Tensor) or not loss.ndim or loss.shape[0] != weight.shape[0]:
            raise errors.WrongType(f"weights of samples or classes need a loss for each sample, and {self.name} returns one "
                                   "number for a batch: let it return them apart (reduction='none')")
        return (losses.by_sample(loss) * weight.to(loss.dtype)).mean()


def signature(function: Any) -> Any:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()


def compile(model: Module, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None) -> None:
    """Say what the model is trained with.

    optimizer: a name ("adam": with Keras's settings), an object (optim.Adam(model.parameters(), lr=1e-3)), or a function that makes
        one of parameters (functools.partial(optim.SGD, lr=0.1)).
    loss: a module or a function of (output, target) (nn.CrossEntropyLoss()), or of (y_true, y_pred), if its first parameter is
        called so; or a name: Keras's, which mean probabilities ("sparse_categorical_crossentropy", "mse"), or one of nn.functional.
    metrics: a list of names ("accuracy", "mae", …), functions of (output, target), and objects with update, compute and reset.
    """
    model.__dict__["_compiled"] = Compiled(optimizer, loss, metrics)
    if next(model.parameters(), None) is not None:
        model.__dict__["_compiled"].prepare(model)
        model.__dict__["optimizer"] = model.__dict__["_compiled"].optimizer


def compiled(name: str, model: Module) -> Compiled:
    """What the model was compiled with."""
    found = model.__dict__.get("_compiled")
    if found is None:
        raise RuntimeError(f"{name}: the model is not compiled: call model.compile(optimizer='adam', loss=nn.CrossEntropyLoss(), "
                           "metrics=['accuracy']) first")
    return found


# ---- modes ------------------------------------------------------------------------------------------------------
@contextmanager
def modes_restored(model: Module) -> Iterator[None]:
    """After the block each layer is in training or evaluation mode as it was before."""
    before = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


# ---- a batch ----------------------------------------------------------------------------------------------------
def output_of(name: str, model: Module, part: Part) -> Any:
    """The output of the model for a batch; what looks like a mistake about axes is said."""
    try:
        out = model(*part.inputs)
    except errors.ShapeError as error:
        if (hint := missing_axis(model, part)) and error.args and isinstance(error.args[0], str):
            error.args = (error.args[0] + "\n" + hint,)
        raise
    if isinstance(out, Tensor) and part.size > 0 and (out.ndim == 0 or out.shape[0] != part.size):
        hint = missing_axis(model, part)
        raise errors.ShapeError(f"{name}: the model was given a batch of {part.size} samples, in shape "
                                f"{tuple(part.inputs[0].shape)}, and its output has shape {tuple(out.shape)}: axis 0 is to count "
                                "the samples.  " + (
                                    hint or "Does forward reshape with view(-1, …)?  view(x.size(0), -1) keeps the samples apart"))
    return out


def missing_axis(model: Module, part: Part) -> str:
    """What to try if the input of a convolutional network has no axis for the channels."""
    x = part.inputs[0] if part.inputs else None
    if getattr(model, "channels_last", False):                  # a model of `keras`, which says it itself
        return ""
    for module in model.modules():
        for dims, kind in (1, nn.Conv1d), (2, nn.Conv2d), (3, nn.Conv3d):
            if type(module) is kind and isinstance(x, Tensor) and x.ndim == dims + 1:
                one = ", ".join(["n", "1"] + ["height", "width", "depth"][:dims] if dims > 1 else ["n", "1", "length"])
                return (f"The input of this batch has shape {tuple(x.shape)}, without an axis for the channels, and "
                        f"{kind.__name__} wants (samples, channels, …): write x[:, None], which has the shape ({one})")
    return ""


def with_penalties(model: Module, loss: Tensor) -> Tensor:
    """The loss, and what the regularizers of a model of `keras` add to it."""
    for each in getattr(model, "losses", ()) if getattr(model, "channels_last", False) else ():
        loss = loss + each
    return loss


def weights_of(part: Part, class_weight: dict[int, float] | None, home: Home) -> Any:
    """The weight of each sample: its own, times that of its class."""
    if class_weight is None:
        return part.weight
    labels = backend.to_device(part.target.array, "cpu")
    labels = labels.argmax(-1) if labels.ndim > 1 and labels.shape[-1] > 1 else labels.reshape(len(labels))
    numbers = labels.astype("int64")
    missing = set(numbers.tolist()) - set(class_weight)
    if missing:
        raise errors.WrongValue(f"fit: class_weight says nothing of class {min(missing)}: it has {sorted(class_weight)}")
    table = {int(key): float(value) for key, value in class_weight.items()}
    weight = home.bring(backend.host.asarray([table[i] for i in numbers.tolist()], "float32"))
    return weight if part.weight is None else weight * part.weight


def check_labels(name: str, loss: Loss, out: Any, data: Source) -> None:
    """Raise if some class number, anywhere in y, is more than the model has outputs: not after half an epoch."""
    if not (loss.sparse and isinstance(data, Arrays) and isinstance(out, Tensor) and out.ndim > 1 and data.y is not None):
        return
    y, classes = backend.to_device(data.y, "cpu"), out.shape[-1]
    wrong = (y < 0) | (y >= classes)
    if wrong.any() and getattr(loss.function, "ignore_class", None) is None:
        at = int(wrong.reshape(-1).argmax())
        value = y.reshape(-1)[at]
        advice = f"a last layer of {int(y.max()) + 1} outputs has them all" if (y >= 0).all() else "classes are counted from 0"
        raise errors.OutOfRange(f"{name}: y[{at * len(y) // y.size}] is class {value}, and the model has {classes} outputs, for "
                                f"the classes 0 to {classes - 1}: {advice}")


# ---- evaluate and predict ---------------------------------------------------------------------------------------
def run_tests(name: str, model: Module, how: Compiled, data: Source, callbacks: CallbackList, verbose: int = 0) -> Logs:
    """The loss and the metrics over the data, in evaluation mode."""
    assert how.loss is not None
    how.reset()
    with modes_restored(model), no_grad():
        model.eval()
        callbacks.on_test_begin({})
        data.begin()
        shown = bar(data.steps, verbose)
        for step, part in enumerate(data):
            callbacks.on_test_batch_begin(step, {})
            out = output_of(name, model, part)
            if step == 0:
                check_labels(name, how.loss, out, data)
            how.update(with_penalties(model, how.loss(out, part.target, part.weight)), out, part)
            if callbacks.wants_test_batches:
                callbacks.on_test_batch_end(step, how.logs())
            else:
                callbacks.on_test_batch_end(step, {})
            if shown is not None:
                shown.update()
        if shown is not None:
            shown.close()
        logs = how.logs()
        callbacks.on_test_end(logs)
    return logs


def verbosity(name: str, verbose: Any) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise errors.WrongValue(f"{name}: verbose is 0 (nothing), 1 (a bar), 2 (a line each) or 'auto', got {verbose!r}")
    return int(verbose)


def evaluate(model: Module, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
             sample_weight: Any = None, steps: int | None = None, callbacks: Any = None, return_dict: bool = False) -> Any:
    """The loss over the data, a mean over its samples; with metrics, the list [loss, metric, …]; or all of it as a dict.

    It is computed in evaluation mode, without gradients; afterwards each layer is in the mode that it was in.
    steps: of a generator, how many batches are taken.
    """
    how, verbose = ready("evaluate", model), verbosity("evaluate", verbose)
    data = source("evaluate", x, y, sample_weight, batch_size, False, Home.of(model), steps)
    need_targets("evaluate", data)
    called = CallbackList(callbacks, model, {"steps": data.steps, "verbose": verbose})
    start = time.perf_counter()
    logs = run_tests("evaluate", model, how, data, called, verbose)
    if verbose:
        done = data.steps or 1
        print(f"{done}/{done} - {as_speed(time.perf_counter() - start, done)} - {as_text(logs)}", flush=True)
    if return_dict:
        return logs
    return list(logs.values()) if len(logs) > 1 else logs["loss"]


def predict(model: Module, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
            callbacks: Any = None) -> Any:
    """The outputs of the model for x, as a NumPy array; of a model with several, a list or a dict of them.

    They are computed batch by batch, in evaluation mode, without gradients.  Of what a loader gives, the first part is the input.
    steps: of a generator, how many batches are taken.
    """
    verbose = verbosity("predict", verbose)
    data = source("predict", x, None, None, batch_size, False, Home.of(model), steps)
    called = CallbackList(callbacks, model, {"steps": data.steps, "verbose": verbose})
    outs: list[Any] = []
    with modes_restored(model), no_grad():
        model.eval()
        called.on_predict_begin({})
        data.begin()
        shown = bar(data.steps, verbose)
        for step, part in enumerate(data):
            called.on_predict_batch_begin(step, {})
            outs.append(on_host(output_of("predict", model, part)))
            called.on_predict_batch_end(step, {"outputs": outs[-1]})
            if shown is not None:
                shown.update()
        if shown is not None:
            shown.close()
        called.on_predict_end({})
    return joined(outs)


def on_host(out: Any) -> Any:
    if isinstance(out, Tensor):
        return backend.to_device(out.array, "cpu")
    if isinstance(out, dict):
        return {key: on_host(each) for key, each in out.items()}
    if isinstance(out, (tuple, list)):
        return [on_host(each) for each in out]
    raise errors.WrongType(f"predict: the model returned a {type(out).__name__}, and not tensors")


def joined(outs: list[Any]) -> Any:
    first = outs[0]
    if isinstance(first, dict):
        return {key: joined([out[key] for out in outs]) for key in first}
    if isinstance(first, list):
        return [joined(list(each)) for each in zip(*outs)]
    return backend.host.concatenate(outs)


def ready(name: str, model: Module) -> Compiled:
    how = compiled(name, model)
    if how.loss is None:
        raise RuntimeError(f"{name}: the model was compiled without a loss: model.compile(optimizer=…, loss=nn.CrossEntropyLoss())")
    how.loss.unseen = True
    return how


def need_targets(name: str, data: Source) -> None:
    if isinstance(data, Arrays) and data.y is None:
        raise errors.WrongType(f"{name}: y is missing: what should come out for x.  (An autoencoder has y=x)")


# ---- fit --------------------------------------------------------------------------------------------------------
def fit(model: Module, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True,
        class_weight: dict[int, float] | None = None, sample_weight: Any = None, initial_epoch: int = 0,
        steps_per_epoch: int | None = None, validation_steps: int | None = None, validation_batch_size: int | None = None, *,
        accumulate: int = 1, checkpoint: Any = None, save_every: Any = "epoch",
        resume_from: Any = None) -> History:
    """Train the model, and return its History: history.history["loss"] and so on, a number for each epoch.

    x, y: arrays or tensors, whose axis 0 counts the samples (a list of arrays for several inputs); or in x alone a Dataset or a
        DataLoader that gives (input, target) or (input, target, weight).  Numbers with a fraction become the model's type.
    batch_size: 32 if not given.       epochs: where to end, counted from 0.       initial_epoch: where to begin.
    verbose: 0 nothing, 1 a bar on a terminal that has tqdm, else as 2: one line for each epoch.
    validation_data: (x, y) or (x, y, weight), or a DataLoader, to be evaluated after each epoch.
    validation_split: instead, the last samples of x and y, this fraction of them; they are not trained on.
    steps_per_epoch: of a generator that never ends, how many batches are an epoch; validation_steps: of one in validation_data.
    shuffle: whether arrays are put in another order in each epoch, which our own generator draws (`manual_seed`).
    class_weight: {class: weight}.  sample_weight: a number for each sample.  The loss is then Σ w l / n.
    accumulate: after how many batches the optimizer makes a step, with the mean gradient of their samples.

    checkpoint: a folder, or a Checkpoint, that the state of the training is saved in: before it begins, and as save_every says
        after each "epoch" or after so many batches.
    resume_from: a folder to go on from, in which the state then is saved on, too; if there is nothing yet, the training begins.
        Or one file, to go on from that very state.  A training that was killed at any moment and is resumed so gives bit for bit
        the numbers of one that was not, given the same data, arguments, libraries and number of threads.
    """
    how, verbose = ready("fit", model), verbosity("fit", verbose)
    optimizer, home = how.prepare(model), Home.of(model)
    if accumulate < 1 or epochs < 0:
        raise errors.WrongValue(f"fit: accumulate is at least 1 and epochs at least 0, got {accumulate} and {epochs}")
    if save_every != "epoch" and not (isinstance(save_every, int) and save_every > 0):
        raise errors.WrongValue(f"fit: save_every is 'epoch' or a number of batches, got {save_every!r}")
    if isinstance(x, Module):
        raise errors.WrongType("fit: x is a Module: call model.fit(x, y)")

    data, tests = source("fit", x, y, sample_weight, batch_size, shuffle, home, steps_per_epoch), None
    need_targets("fit", data)
    validation_batch_size = batch_size if validation_batch_size is None else validation_batch_size
    if validation_data is not None:
        if is_pair(validation_data):
            vx, vy, *vw = validation_data
            tests = source("fit: validation_data", vx, vy, vw[0] if vw else None, validation_batch_size, False, home,
                           validation_steps)
        else:
            tests = source("fit: validation_data", validation_data, None, None, None, False, home, validation_steps)
        need_targets("fit: validation_data", tests)
    elif validation_split:
        if not isinstance(data, Arrays):
            raise errors.WrongType("fit: validation_split divides arrays: split the data set (random_split), and pass "
                                   "validation_data")
        data, tests = data.split("fit", validation_split)
        tests.batch_size = tests.batch_size if validation_batch_size is None else validation_batch_size

    if (steps_per_epoch or validation_steps) and (checkpoint is not None or resume_from is not None):
        raise errors.WrongValue("fit: where a generator is cannot be saved: pass a DataLoader, without a number of steps, to a "
                                "training with checkpoints")

    history = History()
    callbacks = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    callbacks += [history] + ([Progress(verbose)] if verbose else [])
    run = Run(model, how, optimizer, data, tests, class_weight, accumulate, home, history)
    run.params = {"epochs": epochs, "steps": data.steps, "verbose": verbose, "initial_epoch": initial_epoch, "resumed": False}
    run.callbacks, run.epoch = CallbackList(callbacks, model, run.params), initial_epoch
    run.save_every = save_every
    run.checkpoint, restore = places(checkpoint, resume_from, {"model": model, "optimizer": optimizer})
    if restore is not None:
        run.resume(restore())
    vars(model)["history"] = history
    with modes_restored(model), ExitStack() as watching:
        for each in callbacks:
            if isinstance(each, Watcher):                       # a callback that is told of every op, too
                watching.enter_context(each)
        run.train(epochs)
    return history


def is_pair(data: Any) -> bool:
    return isinstance(data, (tuple, list)) and len(data) in (2, 3) and (is_data(data[0]) or isinstance(data, tuple))


def places(checkpoint: Any, resume_from: Any, parts: dict[str, Any]) -> tuple[Checkpoint | None, Any]:
    """The Checkpoint to save in, and a function that restores what there is to go on from.  Or None for each."""
    if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
        checkpoint = Checkpoint(checkpoint)
    if resume_from is None:
        origin, restore = checkpoint, None
    elif isinstance(resume_from, Checkpoint):
        origin, restore = resume_from, resume_from.restore_latest
    else:
        path = os.fspath(resume_from)
        one = os.path.isfile(path) or path.endswith((".pth", ".pt"))
        folder = (os.path.dirname(path) or ".") if one else path
        same = checkpoint is not None and os.path.realpath(checkpoint.path) == os.path.realpath(folder)
        origin = checkpoint if same else Checkpoint(folder, **(checkpoint.parts if checkpoint is not None else {}))
        restore = (lambda: origin.restore(path)) if one else origin.restore_latest
        if not one:
            checkpoint = checkpoint or origin
    for each in checkpoint, origin:
        if each is not None:
            each.add(**parts)
    return checkpoint or (resume_from if isinstance(resume_from, Checkpoint) else None), restore


class Run:
    """A training: what it consists of, and how far it is."""
    epoch: int
    params: dict[str, Any]
    callbacks: CallbackList
    checkpoint: Checkpoint | None
    save_every: Any

    def __init__(self, model: Module, how: Compiled, optimizer: Any, data: Source, tests: Source | None,
                 class_weight: dict[int, float] | None, accumulate: int, home: Home, history: History) -> None:
        self.model, self.how, self.optimizer, self.data, self.tests = model, how, optimizer, data, tests
        self.class_weight, self.accumulate, self.home, self.history = class_weight, accumulate, home, history
        self.batch = 0                                          # where the training is: the batches done of the epoch
        self.saved: dict[str, Any] | None = None                # what it is resumed from

    # ---- saving and resuming ------------------------------------------------------------------------------------
    def resume(self, info: dict[str, Any] | None) -> None:
        """Go to where a checkpoint, which has been restored, was saved.  None: there is none yet."""
        verbose = self.params["verbose"]
        if info is None:
            if verbose:
                print("fit: there is no checkpoint to resume from yet, beginning anew", flush=True)
            return
        if "fit" not in info:
            raise errors.WrongValue("fit: this checkpoint was saved by another loop than fit, which cannot know where to go on: "
                                    "restore it with Checkpoint, and pass initial_epoch")
        self.saved, self.random = info["fit"], random_states()
        self.settings = [{key: value for key, value in group.items() if key != "params"} for group in self.optimizer.param_groups]
        self.epoch, self.batch = self.saved["epoch"], self.saved["batch"]
        was, now = self.saved["setting"], self.setting()
        changed = ", ".join([f"{key} was {was[key]} and is {now[key]}" for key in now if was[key] != now[key]])
        if changed and self.batch:
            raise errors.WrongValue(f"fit: the checkpoint was saved within an epoch, and {changed}: its place in the epoch means "
                                    "nothing so.  Go on with the same data and arguments")
        if changed:
            warnings.warn(f"fit: since the checkpoint was saved, {changed}: the training goes on so, and its numbers are not those "
                          "of one that was never interrupted", stacklevel=4)
        self.params.update(initial_epoch=self.epoch, resumed=True)
        if verbose:
            print(f"fit: resuming at epoch {self.epoch + 1}" + (f", batch {self.batch + 1}" if self.batch else ""), flush=True)

    def setting(self) -> dict[str, Any]:
        return {"samples": self.data.samples, "steps": self.data.steps, "batch_size": getattr(self.data, "batch_size", None),
                "accumulate": self.accumulate, "shuffle": getattr(self.data, "shuffle", None)}

    def save(self) -> None:
        if self.checkpoint is not None:
            within = self.batch > 0
            self.checkpoint.save(fit={
                "epoch": self.epoch, "batch": self.batch, "setting": self.setting(), "callbacks": self.callbacks.state_dict(),
                "stopped": bool(vars(self.model)["stop_training"]), "measured": self.how.state_dict() if within else None,
                "data": self.data.progress() if within else self.data.between(),
                "tests": self.tests.between() if self.tests is not None else None})

    def undo_beginning(self, saved: dict[str, Any]) -> None:
        """Be as saved, whatever callbacks have set or drawn just now: it is not the beginning."""
        for group, setting in zip(self.optimizer.param_groups, self.settings):
            group.update(setting)
        self.callbacks.load_state_dict(copy.deepcopy(saved["callbacks"]))
        set_random_states(self.random)

    # ---- training -----------------------------------------------------------------------------------------------
    def train(self, epochs: int) -> None:
        vars(self.model)["stop_training"] = False
        self.callbacks.on_train_begin({})
        if self.saved is not None:                              # after on_train_begin, where callbacks begin anew
            vars(self.model)["stop_training"] = self.saved["stopped"]
            if not self.batch:
                self.data.restore(self.saved["data"])
            if self.tests is not None:
                self.tests.restore(self.saved["tests"])
            self.undo_beginning(self.saved)
        else:
            self.save()
        logs: Logs = {}
        while self.epoch < epochs and not vars(self.model)["stop_training"]:
            logs = self.train_epoch()
            self.epoch, self.batch = self.epoch + 1, 0
            self.save()
        self.callbacks.on_train_end(logs)

    def train_epoch(self) -> Logs:
        how, callbacks, epoch = self.how, self.callbacks, self.epoch
        how.reset()
        self.model.train()
        callbacks.on_epoch_begin(epoch, {})
        if self.batch and self.saved is not None:               # within an epoch
            self.data.begin(self.saved["data"], self.batch)
            how.load_state_dict(self.saved["measured"])
            self.undo_beginning(self.saved)
        else:
            self.data.begin()
        self.saved = None
        with enable_grad():
            self.train_batches()
        logs = how.logs()
        if self.tests is not None:
            logs.update({f"val_{name}": value for name, value in
                         run_tests("fit: validation_data", self.model, how, self.tests, callbacks).items()})
        callbacks.on_epoch_end(epoch, logs)
        return logs

    def train_batches(self) -> None:
        how, callbacks, steps = self.how, self.callbacks, self.data.steps
        group = Group(self.optimizer, self.accumulate)
        before, since = self.batch, 0
        for part in self.data:
            step, self.batch = self.batch, self.batch + 1
            callbacks.on_train_batch_begin(step, {})
            loss, out = group.add(part.size, lambda: self.forward(part, step == before))
            stepped = group.step_if(self.batch == steps)
            how.update(loss.detach(), out, part)
            callbacks.on_train_batch_end(step, how.logs() if callbacks.wants_train_batches else {})
            del loss, out                                       # the graph goes before the next one is built
            since += 1
            if vars(self.model)["stop_training"]:
                break
            if self.save_every != "epoch" and since >= self.save_every and stepped and self.batch != steps:
                since = 0
                self.save()
        if self.batch == before:
            raise errors.WrongValue("fit: the loader gave no batch: is the data set empty, or smaller than a batch with "
                                    "drop_last=True?")
        group.step_if(True)

    def forward(self, part: Part, first: bool) -> tuple[Tensor, Any]:
        loss_of = self.how.loss
        assert loss_of is not None
        out = output_of("fit", self.model, part)
        if first:
            check_labels("fit", loss_of, out, self.data)
        loss = loss_of(out, part.target, weights_of(part, self.class_weight, self.home))
        return with_penalties(self.model, loss), out


class Group:
    """The batches whose gradients go into one step of the optimizer: Σ nᵢ gᵢ / Σ nᵢ, for batches of nᵢ samples."""

    def __init__(self, optimizer: Any, size: int) -> None:
        self.optimizer, self.size, self.batches = optimizer, size, 0
        self.again = isinstance(optimizer, optim.LBFGS)         # which computes the loss several times in a step
        if self.again and size > 1:
            raise errors.WrongValue("fit: LBFGS computes the loss of a batch several times in a step: accumulate=1")

    def add(self, n: int, forward: Any) -> tuple[Tensor, Any]:
        """Compute the loss and the output of a batch of n samples, and the gradients."""
        if self.again:
            return self._closure(forward)
        if self.batches == 0:
            self.optimizer.zero_grad()
            self.first, self.total = n, 0
        loss, out = forward()
        (loss if n == self.first else loss * (n / self.first)).backward()
        self.batches += 1
        self.total += n
        return loss, out

    def _closure(self, forward: Any) -> tuple[Tensor, Any]:
        kept: list[Any] = []

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            loss, out = forward()
            loss.backward()
            kept.append((loss.detach(), out))
            return loss
        self.optimizer.step(closure)
        return kept[0]

    def step_if(self, last: bool) -> bool:
        """Make the step when the group is full, or at the end.  Whether no gradient is waiting."""
        if self.batches and (last or self.batches == self.size):
            if self.total != self.first:
                for group in self.optimizer.param_groups:
                    for p in group["params"]:
                        if p.grad is not None:
                            p.grad = p.grad.detach() * (self.first / self.total)
            self.optimizer.step()
            self.batches = 0
        return self.batches == 0
