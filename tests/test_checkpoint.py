"""Trainings that are killed and go on: with Checkpoint in a loop of one's own, and with fit, bit for bit."""
import errno
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like import nn, optim
from tinygrad_like.data import DataLoader, TensorDataset
from tinygrad_like.serialize import replace
from tinygrad_like.training import Callback, Checkpoint, CSVLogger, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau

ROOT = pathlib.Path(tg.__file__).parents[1]


def network():
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def samples(n=120):
    generator = np.random.default_rng(5)
    x = generator.standard_normal((n, 6))
    return x, (x @ generator.standard_normal((6, 3))).argmax(1)


def bits(model):
    return {name: x.numpy().tobytes() for name, x in model.state_dict().items()}


class Stop(Exception):
    """The power cut."""


class StopAt(Callback):
    def __init__(self, epoch, batch=None):
        self.where, self.epoch = (epoch, batch), None

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.where:
            raise Stop

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.where:
            raise Stop


def train(folder, stop=None, data="arrays", epochs=4, **options):
    """A training from the script's beginning, of which `stop` is the end, if it comes."""
    tg.manual_seed(3)
    random.seed(4)
    np.random.seed(5)                                           # noqa: NPY002
    model = network()
    x, y = samples()
    if data == "arrays":
        options.update(x=x, y=y, batch_size=16, validation_split=0.2)
    elif data == "loader":
        dataset = TensorDataset(tg.tensor(x).float(), tg.tensor(y))
        options.update(x=DataLoader(dataset, 16, shuffle=True), validation_data=(x[:20], y[:20]))
    elif data == "own generator":
        dataset = TensorDataset(tg.tensor(x).float(), tg.tensor(y))
        options.update(x=DataLoader(dataset, 16, shuffle=True, generator=tg.Generator().manual_seed(1)))
    else:
        options.update(x=[(x[i:i + 16], y[i:i + 16]) for i in range(0, 120, 16)])
    optimizer = optim.AdamW(model.parameters(), lr=0.02)
    model.compile(optimizer, nn.CrossEntropyLoss(), ["accuracy"])
    callbacks = [optim.lr_scheduler.ExponentialLR(optimizer, 0.8), ReduceLROnPlateau("loss", patience=1, min_delta=0.2),
                 EarlyStopping("loss", patience=9, restore_best_weights=True),
                 *([StopAt(*stop)] if stop else [])]
    history = model.fit(verbose=0, epochs=epochs, callbacks=callbacks, resume_from=folder, **options)
    draws = tg.rand(2).tolist() + [random.random()] + np.random.random(2).tolist()          # noqa: NPY002
    return bits(model), history.history, history.epoch, optimizer.param_groups[0]["lr"], draws


# ---- fit --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("data", ["arrays", "loader", "own generator", "list"])
@pytest.mark.parametrize("options", [{}, {"save_every": 2}, {"save_every": 1, "accumulate": 2}], ids=str)
def test_a_training_goes_on_bit_for_bit(tmp_path, data, options):
    whole = train(tmp_path / "whole", data=data, **options)
    for stop in (0, 0), (1, 3), (1, None), (3, 4):
        with pytest.raises(Stop):
            train(tmp_path / "cut", stop, data, **options)
    assert train(tmp_path / "cut", data=data, **options) == whole
    assert train(tmp_path / "cut", data=data, **options)[0] == whole[0]       # it is over: the best weights once more


def test_what_callbacks_do_at_a_beginning_is_done_once(tmp_path):
    class Begun(Callback):
        def __init__(self):
            self.state = {"epochs": 0}

        def on_train_begin(self, logs=None):
            self.model.optimizer.param_groups[0]["momentum"] += 0.5

        def on_epoch_begin(self, epoch, logs=None):
            self.state["epochs"] += 1
            self.model.optimizer.param_groups[0]["weight_decay"] += 0.01

        def state_dict(self):
            return dict(self.state)

        def load_state_dict(self, state):
            self.state = state

    def run(folder, stop=None):
        tg.manual_seed(0)
        model, (x, y), begun = network(), samples(), Begun()
        model.compile(optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
        model.fit(x, y, 16, epochs=3, verbose=0, save_every=2, resume_from=folder,
                  callbacks=[LearningRateScheduler(lambda epoch, lr: 0.9 * lr), begun, *([StopAt(*stop)] if stop else [])])
        return bits(model), model.optimizer.param_groups[0]["lr"], begun.state
    whole = run(tmp_path / "whole")
    assert whole[2] == {"epochs": 3}
    for stop in (0, 5), (1, 3), (1, None):
        with pytest.raises(Stop):
            run(tmp_path / "cut", stop)
    assert run(tmp_path / "cut") == whole


def test_a_training_without_checkpoints_is_the_same(tmp_path):
    assert train(None) == train(tmp_path)


def test_more_epochs_afterwards(tmp_path):
    whole = train(tmp_path / "whole", epochs=4)
    train(tmp_path / "parts", epochs=2)
    assert train(tmp_path / "parts", epochs=4)[1] == whole[1]


def test_training_that_stopped_early_stays_stopped(tmp_path):
    def run():
        tg.manual_seed(0)
        model = network()
        model.compile("adam", nn.CrossEntropyLoss())
        x, y = samples()
        stopping = EarlyStopping("loss", patience=1, min_delta=100, restore_best_weights=True)
        return model.fit(x, y, epochs=9, verbose=0, callbacks=[stopping], resume_from=tmp_path), bits(model)
    (first, weights), (second, again) = run(), run()
    assert first.epoch == second.epoch == [0, 1] and weights == again and first.history == second.history


def test_one_file_and_another_folder(tmp_path, capsys):
    whole = train(tmp_path / "a", epochs=4)
    middle = Checkpoint(tmp_path / "a").files()[-2]
    assert train(middle, epochs=4)[:2] == whole[:2] and len(os.listdir(tmp_path / "a")) == 3
    train(tmp_path / "a", epochs=5, checkpoint=tmp_path / "b")
    assert os.listdir(tmp_path / "b") == ["checkpoint-00000000.pth"]
    with pytest.raises(FileNotFoundError, match="No such file.*none.pth"):
        train(tmp_path / "none.pth")


def test_what_is_said(tmp_path, capsys):
    model, (x, y) = network(), samples()
    model.compile("sgd", nn.CrossEntropyLoss())
    model.fit(x, y, epochs=1, resume_from=tmp_path)
    assert "no checkpoint to resume from yet, beginning anew" in capsys.readouterr().out
    model.fit(x, y, epochs=2, resume_from=tmp_path)
    out = capsys.readouterr().out
    assert "resuming at epoch 2\nEpoch 2/2 - " in out and "Epoch 1/2" not in out


def test_a_place_in_another_epoch_means_nothing(tmp_path):
    with pytest.raises(Stop):
        train(tmp_path, (0, 4), save_every=2)
    model, (x, y) = network(), samples()
    model.compile("adamw", nn.CrossEntropyLoss(), ["accuracy"])
    with pytest.raises(ValueError, match="its place in the epoch means nothing"):
        model.fit(x, y, batch_size=10, verbose=0, resume_from=tmp_path)


def test_between_epochs_other_data_are_a_warning(tmp_path):
    train(tmp_path, epochs=1)
    model, (x, y) = network(), samples(110)
    model.compile("adamw", nn.CrossEntropyLoss(), ["accuracy"])
    callbacks = [ReduceLROnPlateau("loss"), EarlyStopping("loss")]
    with pytest.raises(ValueError, match="pass the same ones, in the same order"), pytest.warns(UserWarning) as caught:
        model.fit(x, y, batch_size=16, verbose=0, epochs=2, resume_from=tmp_path, callbacks=callbacks)
    assert "samples was 96 and is 110" in str(caught[0].message) and caught[0].filename == __file__


def test_a_place_in_another_loader_means_nothing(tmp_path):
    """As many batches, and other data."""
    with pytest.raises(Stop):
        train(tmp_path, (0, 4), "loader", save_every=2)
    x, y = samples(119)
    model = network()
    model.compile("adamw", nn.CrossEntropyLoss(), ["accuracy"])
    with pytest.raises(ValueError, match="within an epoch, and samples was 120 and is 119: its place in the epoch means nothing"):
        model.fit(DataLoader(TensorDataset(tg.tensor(x), tg.tensor(y)), 16, shuffle=True), verbose=0, resume_from=tmp_path)


def test_other_callbacks_are_noticed(tmp_path):
    train(tmp_path, epochs=1)
    model, (x, y) = network(), samples()
    optimizer = optim.AdamW(model.parameters())
    model.compile(optimizer, nn.CrossEntropyLoss(), ["accuracy"])
    for callbacks in [], [optim.lr_scheduler.StepLR(optimizer, 1), ReduceLROnPlateau("loss"), EarlyStopping("loss")]:
        with pytest.raises(ValueError, match="had ExponentialLR, ReduceLROnPlateau, EarlyStopping, History: pass the same ones"):
            model.fit(x, y, batch_size=16, validation_split=0.2, verbose=0, epochs=2, resume_from=tmp_path, callbacks=callbacks)


def test_the_log_has_no_line_twice(tmp_path):
    def run(stop=None):
        tg.manual_seed(0)
        model, (x, y) = network(), samples()
        model.compile("adam", nn.CrossEntropyLoss())
        model.fit(x, y, epochs=3, verbose=0, callbacks=[CSVLogger(tmp_path / "log.csv"), *([StopAt(*stop)] if stop else [])],
                  resume_from=tmp_path / "run")
        return (tmp_path / "log.csv").read_text()
    with pytest.raises(Stop):
        run((1, None))                                          # after the line was written, before the checkpoint was
    text = run()
    assert [line.split(",")[0] for line in text.splitlines()] == ["epoch", "0", "1", "2"]


def test_the_log_is_never_lost(tmp_path, monkeypatch):
    def run(epochs):
        model, (x, y) = network(), samples()
        model.compile("sgd", nn.CrossEntropyLoss())
        model.fit(x, y, epochs=epochs, verbose=0, callbacks=[CSVLogger(tmp_path / "log.csv")], resume_from=tmp_path / "run")
    run(2)
    log, text = tmp_path / "log.csv", (tmp_path / "log.csv").read_text()
    log.write_text(text + "2,0.")                               # it was killed while it wrote

    def killed(*paths):
        raise Stop
    monkeypatch.setattr(replace.os, "replace", killed)
    with pytest.raises(Stop):
        run(3)
    assert log.read_text() == text + "2,0."                     # and while it tidied up
    monkeypatch.undo()
    run(3)
    assert log.read_text().startswith(text) and [line.split(",")[0] for line in log.read_text().splitlines()][1:] == ["0", "1", "2"]
    log.write_text("epo")                                       # in the very first line
    run(4)
    assert [line.split(",")[0] for line in log.read_text().splitlines()] == ["epoch", "3"]


# ---- a loop of one's own ----------------------------------------------------------------------------------------
def own_loop(folder, stop=None, epochs=3):
    tg.manual_seed(1)
    x, y = samples()
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    loader = DataLoader(TensorDataset(tg.tensor(x).float(), tg.tensor(y)), 16, shuffle=True)
    checkpoint = Checkpoint(folder, model=model, optimizer=optimizer, scheduler=scheduler, loader=loader, nothing=None)
    info = checkpoint.restore_latest() or {"epoch": 0, "losses": []}
    epoch, seen = info["epoch"], info["losses"]
    while epoch < epochs:
        for inputs, target in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), target)
            loss.backward()
            optimizer.step()
            seen.append(loss.item())
            if len(seen) == stop:
                raise Stop
            if len(seen) % 3 == 0:
                checkpoint.save(epoch=epoch, losses=seen)
        scheduler.step()
        epoch += 1
        checkpoint.save(epoch=epoch, losses=seen)
    return bits(model), seen, scheduler.get_last_lr()


def test_a_loop_of_ones_own_goes_on(tmp_path):
    whole = own_loop(tmp_path / "whole")
    assert len(whole[1]) == 24
    for stop in 2, 5, 8, 14, 24:
        with pytest.raises(Stop):
            own_loop(tmp_path / "cut", stop)
    assert own_loop(tmp_path / "cut") == whole


def test_the_last_few_are_kept(tmp_path):
    checkpoint = Checkpoint(tmp_path / "deep" / "run", model=nn.Linear(1, 1), keep_last=2)
    paths = [checkpoint.save(epoch=i) for i in range(4)]
    assert checkpoint.files() == paths[2:] and sorted(os.listdir(checkpoint.path)) == [os.path.basename(path) for path in paths[2:]]
    assert checkpoint.restore_latest() == {"epoch": 3} and checkpoint.restore(paths[2]) == {"epoch": 2}
    assert Checkpoint(tmp_path / "empty").restore_latest() is None and not (tmp_path / "empty").exists()


def test_values_of_many_kinds_come_back(tmp_path):
    class Part:
        def state_dict(self):
            return self.state

        def load_state_dict(self, state):
            self.state = state
    part = Part()
    part.state = {"array": np.arange(3.0), "deep": [(1, {"x": np.zeros((0, 2), "int8")}), None], 3: "text", "t": tg.ones(2)}
    checkpoint = Checkpoint(tmp_path, part=part)
    saved = dict(part.state)
    checkpoint.save(best=0.5, names=["a"])
    part.state = None
    assert checkpoint.restore_latest() == {"best": 0.5, "names": ["a"]}
    assert type(part.state["array"]) is np.ndarray and part.state["array"].tobytes() == saved["array"].tobytes()
    assert part.state["deep"][0][1]["x"].shape == (0, 2) and part.state["deep"][0][1]["x"].dtype == "int8"
    assert part.state[3] == "text" and part.state["t"].tolist() == [1, 1]


def test_random_states_come_back(tmp_path):
    def draw():
        return tg.rand(3).tolist(), random.random(), random.gauss(0, 1), np.random.standard_normal(3).tolist()     # noqa: NPY002
    random.gauss(0, 1)                                          # one of two is left over
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save()
    first = draw()
    checkpoint.restore_latest()
    assert draw() == first


@pytest.mark.parametrize("damage", ["cut", "bit", "empty", "zeros"])
def test_a_damaged_file_is_not_loaded(tmp_path, damage):
    model = nn.Linear(40, 3)
    checkpoint = Checkpoint(tmp_path, model=model)
    checkpoint.save(epoch=1)
    before = bits(model)
    nn.init.zeros_(model.weight)
    path = pathlib.Path(checkpoint.save(epoch=2))
    whole = path.read_bytes()
    at = whole.index(b"\0" * 100)                              # among the weights
    path.write_bytes({"cut": whole[:-200], "bit": whole[:at] + b"\1" + whole[at + 1:], "empty": b"",
                      "zeros": bytes(len(whole))}[damage])
    with pytest.warns(UserWarning, match="00000001.pth.*Going on from the one before, .*00000000.pth"):
        assert checkpoint.restore_latest() == {"epoch": 1}
    assert bits(model) == before
    os.remove(checkpoint.files()[0])
    with pytest.raises(tg.errors.BadFile, match="no file in .* is whole"):
        checkpoint.restore_latest()


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    model = nn.Linear(40, 3)
    checkpoint = Checkpoint(tmp_path, model=model, keep_last=1)
    checkpoint.save(epoch=1)
    before, fsync = bits(model), os.fsync

    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")
    nn.init.zeros_(model.weight)
    monkeypatch.setattr(replace.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device: .*checkpoint-00000001.pth' was not saved.  The files before it"):
        checkpoint.save(epoch=2)
    monkeypatch.setattr(replace.os, "fsync", fsync)
    assert os.listdir(tmp_path) == ["checkpoint-00000000.pth"]
    assert checkpoint.restore_latest() == {"epoch": 1} and bits(model) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full")
def test_a_disk_that_fills_while_writing(tmp_path, monkeypatch):
    checkpoint = Checkpoint(tmp_path, model=nn.Linear(100, 100))
    checkpoint.save(epoch=1)
    real = open
    monkeypatch.setattr(replace, "open", lambda path, mode: real("/dev/full", "wb") if mode == "xb" else real(path, mode),
                        raising=False)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(epoch=2)
    monkeypatch.undo()
    assert checkpoint.restore_latest() == {"epoch": 1}


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="there is no folder that nobody can write to")
@pytest.mark.parametrize("path, kind", [("/proc/run", FileNotFoundError), ("file/run", NotADirectoryError)])
def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch, path, kind):
    monkeypatch.chdir(tmp_path)
    open("file", "w").close()
    checkpoint = Checkpoint(path, model=nn.Linear(1, 1))
    assert checkpoint.restore_latest() is None
    with pytest.raises(kind, match=f"{path}/checkpoint-00000000.pth' was not saved$"):
        checkpoint.save()


def test_two_trainings_in_one_folder(tmp_path):
    model = nn.Linear(1, 1)
    first, second = Checkpoint(tmp_path, model=model), Checkpoint(tmp_path, model=model)
    first.save(epoch=1)
    with pytest.raises(ValueError, match="00000000.pth' was not saved by this training: another one saves into that folder too"):
        second.save(epoch=1)
    third = Checkpoint(tmp_path, model=model)                   # begun anew, while the first is still there
    third.restore_latest()
    (tmp_path / ".checkpoint-00000001.pth.0.tmp").touch()
    third.save(epoch=2)
    assert len(os.listdir(tmp_path)) == 2                       # what was left is swept away
    (tmp_path / ".checkpoint-00000002.pth.0.tmp").touch()
    third.save(epoch=3)
    assert len(os.listdir(tmp_path)) == 4                       # and what another is writing now is not
    with pytest.raises(ValueError, match="another one saves into that folder"):
        first.save(epoch=2)


def test_another_model_optimizer_or_scheduler(tmp_path):
    def resume(model=None, optimizer=optim.Adam, scheduler=optim.lr_scheduler.ExponentialLR, groups=1):
        model = model or nn.Linear(2, 3)
        optimizer = optimizer([{"params": list(model.parameters())[i::groups]} for i in range(groups)], lr=0.1)
        checkpoint = Checkpoint(tmp_path, model=model, optimizer=optimizer, scheduler=scheduler(optimizer, 0.5))
        return checkpoint.restore_latest(), checkpoint
    resume()[1].save(epoch=1)
    assert resume()[0] == {"epoch": 1}
    begin = "Checkpoint: {} is not what it was when .*00000000.pth' was saved: go on with what it was, or begin anew in another"
    with pytest.raises(ValueError, match=begin.format("model") + r"(.|\n)*weight: its shape is \(3, 2\) in the state_dict and"):
        resume(nn.Linear(2, 4))
    with pytest.raises(ValueError, match=begin.format("model") + r'(.|\n)*Missing key\(s\) in state_dict: "0.weight"'):
        resume(nn.Sequential(nn.Linear(2, 3)))
    with pytest.raises(ValueError, match=begin.format("optimizer") + ".*different number of parameter groups"):
        resume(groups=2)
    with pytest.raises(ValueError, match="optimizer was Adam when .*00000000.pth' was saved, and is AdamW now: go on with what"):
        resume(optimizer=optim.AdamW)
    with pytest.raises(ValueError, match="scheduler was ExponentialLR when .* and is PolynomialLR now"):
        resume(scheduler=optim.lr_scheduler.PolynomialLR)


def test_what_does_not_fit_is_said(tmp_path):
    with pytest.raises(TypeError, match="epoch is a int, which has no state_dict and no load_state_dict"):
        Checkpoint(tmp_path, epoch=3)
    with pytest.raises(ValueError, match="keep_last is a number of files, at least 1, or None, got 0"):
        Checkpoint(tmp_path, keep_last=0)
    Checkpoint(tmp_path / "a", model=nn.Linear(1, 1)).save()
    with pytest.raises(TypeError, match="'names'.* is a numpy.ndarray"):
        Checkpoint(tmp_path / "t").save(names=np.array(["cat", "dog"]))
    with pytest.raises(ValueError, match="holds model, and this training has model, optimizer"):
        model = nn.Linear(1, 1)
        Checkpoint(tmp_path / "a", model=model, optimizer=optim.SGD(model.parameters(), 0.1)).restore_latest()
    tg.save({"weight": tg.ones(1)}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="is no checkpoint of a training"):
        Checkpoint(tmp_path, model=nn.Linear(1, 1)).restore(tmp_path / "weights.pth")
    with pytest.raises(NotADirectoryError, match="is a file"):
        Checkpoint(tmp_path / "weights.pth")
    model.compile("sgd", "mse")
    Checkpoint(tmp_path / "b", model=model, optimizer=model.optimizer).save(epoch=3)
    with pytest.raises(ValueError, match="saved by another loop than fit"):
        model.fit(np.ones((4, 1)), np.ones(4), verbose=0, resume_from=tmp_path / "b")


# ---- kill -9 ----------------------------------------------------------------------------------------------------
SCRIPT = """
import os, signal, sys
import numpy as np
import tinygrad_like as torch
from tinygrad_like import nn, optim
from tinygrad_like.training import EarlyStopping, LambdaCallback

folder, epochs, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.manual_seed(0)
random = np.random.default_rng(1)
x = random.standard_normal((256, 12))
y = (x @ random.standard_normal((12, 4))).argmax(1)
model = nn.Sequential(nn.Linear(12, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.2), nn.Linear(48, 4))
optimizer = optim.Adam(model.parameters(), lr=0.01)
model.compile(optimizer, nn.CrossEntropyLoss(), metrics=["accuracy"])

if moment:                                                      # die at the n-th call of that function of os, before or after it
    name, n, when = moment.split()
    function, calls = getattr(os, name), [0]
    def dying(*args, **kwargs):
        calls[0] += 1
        if calls[0] == int(n) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = function(*args, **kwargs)
        if calls[0] == int(n):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(os, name, dying)

print("begin", flush=True)
history = model.fit(x, y, batch_size=16, epochs=epochs, verbose=0, validation_split=0.25, save_every=5,
                    callbacks=[optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs),
                               EarlyStopping(patience=999, restore_best_weights=True),
                               LambdaCallback(on_train_batch_end=lambda batch, logs: print("." * 65535, flush=True))],
                    resume_from=folder)
torch.save({"model": model.state_dict(), "history": history.history, "optimizer": optimizer.state_dict()}, folder + "/result.pth")
print("end", flush=True)
"""


def start(folder, epochs, moment=""):
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(epochs), moment], stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert child.stdout.readline() == "begin\n"
    return child


def result(folder, epochs):
    child = start(folder, epochs)
    assert child.communicate()[0].endswith("end\n") and child.returncode == 0
    return (folder / "result.pth").read_bytes()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
def test_killed_at_any_moment(tmp_path):
    """The child prints a line for each batch, and a line fills the pipe: it is never more than a few batches ahead of who reads, so
    that it cannot be over before it is killed, however busy the machine is."""
    kills = int(os.environ.get("TINYGRAD_LIKE_KILLS", "5"))
    epochs = 2 * kills                                          # of 12 batches: no life is longer than 24
    whole = result(tmp_path / "whole", epochs)
    chance, folder = random.Random(0), tmp_path / "killed"
    moments = ["", "replace 2 before", "", "replace 3 after", "", "remove 2 before", "", "fsync 3 after"]
    for i in range(kills):
        child = start(folder, epochs, moments[i % len(moments)])
        if not moments[i % len(moments)]:
            for _ in range(chance.randint(0, 18)):
                assert child.stdout.readline().startswith("...")
            time.sleep(chance.uniform(0, 0.01))                 # in the midst of a batch, or while it is saved
            child.kill()
        assert "end" not in child.communicate()[0] and child.returncode == -signal.SIGKILL
        for path in Checkpoint(folder).files():
            tg.load(path)                                       # all whole, at every moment
    assert result(folder, epochs) == whole
    assert not [name for name in os.listdir(folder) if name.startswith(".checkpoint")]
