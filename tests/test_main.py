"""The command line: what it prints, its exit status, and no traceback."""
import ast
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest

from tinygrad_like import __main__ as command, __version__, backend, errors, machine

TOP = pathlib.Path(__file__).parents[1]


def run(*arguments, **settings):
    """The command in a process of its own: (exit status, stdout, stderr)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")} | settings
    done = subprocess.run([sys.executable, "-m", "tinygrad_like", *arguments], capture_output=True, text=True, env=environment)
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stdout, done.stderr


def without_gpu(text):
    def load():
        raise errors.BackendError(text)
    return load


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(backend, "library", lambda device: without_gpu("device 'cuda' needs CuPy, which is not here")())


# ---- the process ------------------------------------------------------------------------------------------------
def test_version():
    assert run("--version") == (0, f"tinygrad_like {__version__}\n", "")


def test_info_warns_of_settings_that_slow_numpy_down():
    status, out, _ = run("info", OPENBLAS_CORETYPE="Nehalem", TINYGRAD_LIKE_DEBUG="1")
    assert status == 0
    assert "WARNING:       the environment sets OPENBLAS_CORETYPE=Nehalem" in out and "TINYGRAD_LIKE_DEBUG=1" in out
    assert "kernel Nehalem" in out or "openblas" not in out


@pytest.mark.parametrize("arguments, text", [
    (["inform"], "invalid choice: 'inform' (choose from "), (["info", "--all"], "unrecognized arguments: --all"),
    ([], "usage: python -m tinygrad_like"),
])
def test_a_mistake_in_the_command(arguments, text):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert text in err


def test_a_reader_that_has_seen_enough():
    process = subprocess.Popen([sys.executable, "-m", "tinygrad_like", "info"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk that is always full here")
def test_a_disk_that_is_full():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "tinygrad_like", "info"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"python -m tinygrad_like info: .*[Nn]o space left.*\n", done.stderr)


@pytest.mark.skipif(os.name != "posix", reason="closes its standard output by a shell")
def test_no_standard_output():
    done = subprocess.run(["sh", "-c", 'exec "$0" -m tinygrad_like info >&-', sys.executable], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ---- in this process --------------------------------------------------------------------------------------------
def test_info(capsys, no_gpu, monkeypatch):
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert command.main(["info"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^tinygrad_like: {re.escape(__version__)}, in .*tinygrad_like$", out, re.M)
    assert re.search(r"^Python:        3\.\d+", out, re.M)
    assert re.search(rf"^NumPy:         {re.escape(backend.host.__version__)}$", out, re.M)
    assert re.search(r"^BLAS:          \S", out, re.M)
    assert re.search(r"^CPU:           .*\d+ core", out, re.M)
    assert re.search(r"^memory:        (\d+\.\d GiB in all|unknown)", out, re.M)
    assert re.search(r"^GPU:           none to compute on: device 'cuda' needs CuPy, which is not here$", out, re.M)
    assert re.search(r"^extras:        gpu: ", out, re.M)
    assert "WARNING" not in out


@pytest.mark.parametrize("cupy, text", [
    (None, "needs CuPy, which cannot be imported here.*pip install 'tinygrad_like.gpu.'"),
    ({"__version__": "13.1.0"}, "needs CuPy 14, and this is CuPy 13.1.0"),
    ({"__version__": "14.0.1"}, r"finds no usable GPU \(driver version: none\)"),
    ({"__version__": "14.0.1", "works": True}, "the GPU is visible but CuPy 14.0.1 cannot compute on it: no libcublas"),
])
def test_what_the_gpu_lacks_is_one_sentence(cupy, text, monkeypatch, capsys):
    if cupy is not None:
        def ones(*arguments):
            raise ImportError("no libcublas")
        runtime = types.SimpleNamespace(driverGetVersion=lambda: 0)
        cuda = types.SimpleNamespace(is_available=lambda works="works" in cupy: works, runtime=runtime)
        cupy = types.SimpleNamespace(__version__=cupy["__version__"], cuda=cuda, ones=ones)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(backend.libraries, "cuda", backend.load_cupy)
    monkeypatch.delitem(backend._loaded, "cuda", raising=False)
    lines = list(command.gpu())
    assert len(lines) == 1 and lines[0].startswith("none to compute on: ")
    assert re.search(text, lines[0])
    assert command.main(["check_gpu"]) == 2
    assert re.search("no GPU to check: .*" + text, capsys.readouterr().out)


def test_a_gpu_that_is_there(monkeypatch):
    card = {"name": b"Abacus 9000", "totalGlobalMem": 8 * 2**30, "major": 9, "minor": 0}
    runtime = types.SimpleNamespace(getDeviceProperties=lambda i: card, driverGetVersion=lambda: 12080,
                                    runtimeGetVersion=lambda: 12090, memGetInfo=lambda: (6 * 2**30, 8 * 2**30))
    cupy = types.SimpleNamespace(__name__="cupy", __version__="14.2.0", cuda=types.SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(backend, "library", lambda device: cupy)
    lines = list(command.gpu())
    assert lines[0].startswith("cupy 14.2.0 on Abacus 9000, 8.0 GiB, compute capability 9.0; driver 12080")
    assert lines[-1].startswith("6.0 GiB of 8.0 GiB free") and "check_gpu" in lines[-1]


@pytest.mark.parametrize("status", [0, 1, 2])
def test_check_gpu_hands_its_status_on(status, monkeypatch):
    from tinygrad_like import check_gpu
    monkeypatch.setattr(check_gpu, "main", lambda: status)
    assert command.main(["check_gpu"]) == status


def test_what_happens_to_a_command_in_between(monkeypatch, capsys):
    def stopped():
        raise KeyboardInterrupt
    monkeypatch.setitem(command.COMMANDS, "info", (stopped, "stop"))
    assert command.main(["info"]) == 130
    assert capsys.readouterr().err == "stopped\n"
    monkeypatch.setitem(command.COMMANDS, "info", (without_gpu("the device is gone"), "fail"))
    assert command.main(["info"]) == 1
    assert capsys.readouterr().err == "python -m tinygrad_like info: the device is gone\n"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as end:
        command.main(["--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0 and all(name in out for name in command.COMMANDS) and "exit status" in out


# ---- parts ------------------------------------------------------------------------------------------------------
def test_extras_are_those_of_setup_py():
    tree = ast.parse((TOP / "setup.py").read_text(encoding="utf-8"))
    keywords = {node.arg: node.value for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    extras = ast.literal_eval(keywords["extras_require"])
    offered = {name: {re.split("[<>=]", each)[0] for each in needs} for name, needs in extras.items()
               if name not in ("test", "lint")}
    assert offered == {name: set(modules.values()) for name, (_, modules) in command.EXTRAS.items()}


def test_extras_say_what_is_missing_and_the_command(monkeypatch):
    monkeypatch.setattr(command, "EXTRAS", {"gone": ("spells", {"no_such_module": "x", "nor_this_one": "y"}),
                                            "there": ("tests", {"pytest": "pytest"})})
    assert list(command.extras()) == ["gone: no no_such_module and no nor_this_one (spells): pip install 'tinygrad_like[gone]'",
                                      f"there: pytest {pytest.__version__}"]


def test_blas_of_other_kinds_and_none(monkeypatch):
    monkeypatch.setattr(machine, "kernel", lambda: "Zen")
    monkeypatch.setattr(machine, "get_num_threads", lambda: 1)
    assert list(command.blas())[1:] == ["kernel Zen, 1 thread"]
    monkeypatch.setattr(machine, "kernel", lambda: None)
    assert len(list(command.blas())) == 1
    monkeypatch.setattr(machine, "mkl", lambda name: print)
    assert list(command.blas())[1:] == ["1 thread"]
    none = {"Build Dependencies": {"blas": {"name": "none", "found": False}}}
    monkeypatch.setattr(backend.host, "show_config", lambda mode: none)
    assert list(command.blas())[0].startswith("none was found when this NumPy was built")


def test_memory_and_cpus_in_a_container_and_where_nothing_is_said(monkeypatch):
    files = {"/proc/meminfo": ["MemTotal:  16777216 kB", "MemAvailable:  8388608 kB", "HugePages_Total:  0"],
             "/proc/cpuinfo": ["model name\t: Abacus", "model name\t: Abacus"],
             "/sys/fs/cgroup/memory.max": [str(4 * 2**30)], "/sys/fs/cgroup/cpu.max": ["50000 100000"]}
    monkeypatch.setattr(command, "lines", lambda path: files.get(path, []))
    assert command.memory() == "16.0 GiB in all, 8.0 GiB available; this process is limited to 4.0 GiB"
    assert command.cpus().startswith("Abacus, ") and command.cpus().endswith(", for 0.5 cores' time")
    files.clear()
    monkeypatch.setattr(command, "in_pages", lambda name: 0)
    assert command.memory() == "unknown" and "core" in command.cpus()
