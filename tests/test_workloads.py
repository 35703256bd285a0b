"""The benchmarks' workloads compute the same here and in PyTorch: losses step by step, from the same weights.  And the benchmarks
run, alone and with PyTorch, and say what is wrong with how they were asked to.
"""
import importlib.util
import json
import os
import pathlib
import runpy
import signal
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_like as tl

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"


def load():
    spec = importlib.util.spec_from_file_location("workloads", FOLDER / "workloads.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


workloads = load()
TRAININGS = ["mlp", "cnn", "lstm", "nanogpt", "resnet", "transformer", "vgg"]


@pytest.mark.parametrize("name", TRAININGS)
def test_trainings(name):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, their_step = workloads.WORKLOADS[name](torch)
    ours, our_step = workloads.WORKLOADS[name](tl)
    ours.load_state_dict({key: tl.tensor(x.numpy().copy()) for key, x in theirs.state_dict().items()})
    losses = np.array([[float(step().detach()) for step in (our_step, their_step)] for _ in range(3)])
    apart = abs(losses[:, 0] / losses[:, 1] - 1)                # roundings of float32, which each step magnifies
    assert (apart < [1e-5, 1e-4, 2e-3]).all(), losses
    assert losses[2, 0] < losses[0, 0]


@pytest.mark.parametrize("name", ["predict_one", "predict_256", "next_token"])
def test_predictions(name):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, their_step = workloads.WORKLOADS[name](torch)
    ours, our_step = workloads.WORKLOADS[name](tl)
    ours.load_state_dict({key: tl.tensor(x.numpy().copy()) for key, x in theirs.state_dict().items()})
    np.testing.assert_allclose(our_step().numpy(), their_step().numpy(), rtol=1e-4, atol=1e-5)


def test_tiny():
    torch = pytest.importorskip("torch")
    assert float(workloads.tiny(tl)[1]().detach()) == pytest.approx(float(workloads.tiny(torch)[1]().detach()), rel=1e-5)


def test_all_are_tried():
    assert set(workloads.WORKLOADS) == {*TRAININGS, "predict_one", "predict_256", "next_token", "tiny"}


# ---- the benchmarks ---------------------------------------------------------------------------------------------
SHORT = {                                                       # the least that each can do, and what it then says
    "attention.py": (["--repeat", "1"], "12, 4 heads"), "convolution.py": (["--repeat", "1", "--only", "1x1"], "1x1, 64"),
    "import_time.py": (["--repeat", "1"], "beyond NumPy"), "limits.py": (["--rounds", "1", "--only", "mlp"], "copying moves"),
    "loader.py": (["--seconds", "0.01", "--only", "uint8"], "samples a second"), "memory.py": ([], "nn.Linear(128, 512)"),
    "optimizers.py": (["--repeat", "1"], "AdamW"), "per_op.py": (["--repeat", "1", "--ops", "10"], "backward"),
    "recurrent.py": (["--rounds", "1", "--shape", "3", "2", "4", "5"], "| GRU |"),
    "scaling.py": (["--repeat", "1"], "LSTM, length"),
}
OTHERS = {"environment.py", "workloads.py", "others.py", "compare.py", "launches.py"}


@pytest.fixture
def folder(monkeypatch):
    """The benchmarks can be imported, and are forgotten again."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in [each.removesuffix(".py") for each in OTHERS]:
        sys.modules.pop(name, None)


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """run(file, *arguments): (exit status, what it said), in this process, as if PyTorch were not installed."""
    threads = tl.get_num_threads()
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")          # a benchmark takes it away, and a test gives it back
    monkeypatch.setitem(sys.modules, "torch", None)

    def run(file, *arguments):
        monkeypatch.setattr(sys, "argv", [file, *arguments])
        status = 0
        try:
            runpy.run_path(str(FOLDER / file), run_name="__main__")
        except SystemExit as end:
            status = end.code
        return status, "".join(capsys.readouterr()) + (status if type(status) is str else "")
    yield run
    if tl.get_num_threads() != threads:
        tl.set_num_threads(threads)


def test_all_benchmarks_are_tried():
    assert {file.name for file in FOLDER.glob("*.py")} == {*SHORT, *OTHERS}


@pytest.mark.parametrize("file", sorted({*SHORT, "compare.py", "launches.py"}))
def test_help_says_what_a_benchmark_measures(file, run):
    status, said = run(file, "--help")
    assert status == 0 and f"usage: {file}" in said and f"    python benchmarks/{file}" in said


@pytest.mark.parametrize("file", sorted(set(SHORT) - {"scaling.py"}))       # that one takes long
def test_benchmarks_run_without_pytorch(file, run):
    arguments, text = SHORT[file]
    status, said = run(file, *arguments)
    assert status == 0 and text in said
    if file != "import_time.py":
        assert "PyTorch is not installed, so ours are alone: pip install torch" in said
        assert "CPU: " in said and "OPENBLAS_CORETYPE=Haswell" in said


@pytest.mark.parametrize("file, arguments, text", [
    ("compare.py", ["--only", "mpl"], "invalid choice: 'mpl' (choose from "),
    ("compare.py", ["--threads", "0"], "--threads: got '0', expected a whole number, 1 or more"),
    ("compare.py", ["--rounds", "-1"], "--rounds: got '-1', expected a whole number, 1 or more"),
    ("compare.py", ["--seconds", "0"], "--seconds: got '0', expected a number of seconds above 0"),
    ("compare.py", ["--engines", "PyTorch"], "not installed here: PyTorch (pip install torch)"),
    ("compare.py", ["--out", str(FOLDER / "compare.py" / "results")], "compare.md cannot be written there: "),
    ("limits.py", ["--threads", "none"], "--threads: got 'none', expected a whole number, 1 or more"),
    ("limits.py", ["--rounds", "0"], "--rounds: got '0', expected a whole number, 1 or more"),
    ("scaling.py", ["--repeat", "0"], "--repeat: got '0', expected a whole number, 1 or more"),
    ("convolution.py", ["--only", "9x9"], "got '9x9', which is in none of the names: 3x3 first layer, 1 channel; "),
    ("loader.py", ["--only", "mnist"], "got 'mnist', which is in none of the names: MNIST from memory"),
    ("launches.py", ["mpl"], "no such workload: mpl (there are mlp, cnn, "),
])
def test_mistakes_are_said_before_anything_is_measured(file, arguments, text, run):
    status, said = run(file, *arguments)
    assert status == 2 and text in said
    assert f"usage: {file}" in said


def test_the_loader_without_pillow(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    status, said = run("loader.py", "--seconds", "0.01", "--only", "no workers")
    assert status == 0 and "-: needs Pillow" in said
    assert [line.split()[-1] == "-" for line in said.splitlines()[-2:]] == [True, False]


def compare(*arguments):
    """The comparison at work, in a process of its own."""
    path = os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")])          # it may not be installed
    return subprocess.Popen([sys.executable, str(FOLDER / "compare.py"), "--engines", "ours", "--only", "mlp", *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path})


def test_compare_writes_its_table(tmp_path):
    out, err = compare("--rounds", "1", "--seconds", "0.01", "--threads", "1", "--out", str(tmp_path / "new")).communicate()
    table = (tmp_path / "new" / "compare.md").read_text(encoding="utf-8")
    assert err == "" and "| MLP 784-256-128-10, batch 64, Adam | 1 | ours | " in table and table in out
    assert "CPU: " in table and "nothing to draw: that takes times of ours and of PyTorch" in out


@pytest.mark.skipif(sys.platform != "linux", reason="sends the signal of Ctrl-C")
def test_stopping_a_comparison_keeps_what_was_measured(tmp_path):
    process = compare("--rounds", "1", "--seconds", "0.01", "--threads", "1", *["2"] * 500, "--out", str(tmp_path))
    while "mlp, 1 thread: ours" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 0 and "stopped: what was measured stays" in err and "Traceback" not in err
    assert "| 1 | ours |" in (tmp_path / "compare.md").read_text(encoding="utf-8")


def test_an_engine_that_fails_is_left_out(folder, monkeypatch, capfd):
    module = importlib.import_module("compare")
    code = ("import json, sys; print(1, flush=True); sys.stdin.readline();"
            "print(json.dumps({'seconds': [0.5], 'bytes': 0}), flush=True); sys.stdin.readline(); {}")
    popen = subprocess.Popen
    monkeypatch.setattr(module.subprocess, "Popen", lambda command, **options: popen([
        sys.executable, "-c", code.replace("{}", "1 / 0" if command[3] == "PyTorch" else "print(" + repr(json.dumps(
            {"seconds": [0.25], "bytes": 2**20})) + ")")], **options))
    assert module.measure("mlp", 1, "cpu", ["ours", "PyTorch"], 2, 0.01) == {"ours": (250.0, 375.0, 1.0)}
    assert "PyTorch failed at mlp: it is left out" in capfd.readouterr().err


@pytest.fixture
def compared(folder, monkeypatch, tmp_path):
    """A comparison of two workloads whose times are made up, and that is stopped at the third, with an old drawing beside it."""
    module = importlib.import_module("compare")

    def measure(workload, threads, *rest):
        if (workload, threads) == ("cnn", 2):
            raise KeyboardInterrupt
        return {"ours": (1.0, 2.0, 3.0), "PyTorch": (4.0, 5.0, float("nan"))}
    monkeypatch.setattr(module, "measure", measure)
    monkeypatch.setattr(module, "installed", lambda engine: engine in ("ours", "PyTorch"))
    monkeypatch.setattr(sys, "argv", ["compare.py", "--only", "mlp", "cnn", "--out", str(tmp_path)])
    (tmp_path / "compare.png").write_text("old")
    return module, tmp_path


def test_what_was_compared_is_written_and_drawn(compared, capsys):
    pytest.importorskip("matplotlib")
    module, out = compared
    module.main()
    assert (out / "compare.png").read_bytes().startswith(b"\x89PNG")
    rows = [line for line in (out / "compare.md").read_text(encoding="utf-8").splitlines() if "| CNN" in line]
    assert rows == ["| CNN of listing L2, batch 64, Adam | 1 | ours | 1.000 | 2.000 | 4.00 | 3 |",
                    "| CNN of listing L2, batch 64, Adam | 1 | PyTorch | 4.000 | 5.000 | 1.00 |  |"]
    assert "mlp, 2 threads: ours 1.000 ms; PyTorch 4.000 ms; ratio 4.00\n" in capsys.readouterr().out


def test_nothing_is_drawn_without_matplotlib(compared, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    module, out = compared
    module.main()
    assert not (out / "compare.png").exists() and (out / "compare.md").exists()
    assert "pip install matplotlib" in capsys.readouterr().out
