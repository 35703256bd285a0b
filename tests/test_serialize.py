"""Files for weights: what comes back, what PyTorch makes of it, what is refused, and what a crash leaves behind."""
import io
import os
import pickle
import random
import signal
import stat
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn
from tinygrad_like.errors import BadFile

try:
    import torch
except ImportError:
    torch = None
try:
    import safetensors
    import safetensors.numpy
except ImportError:
    safetensors = None

with_torch = pytest.mark.skipif(torch is None, reason="this is about PyTorch's files")
with_safetensors = pytest.mark.skipif(safetensors is None, reason="this needs the safetensors package")
FORMATS = ["pth", "npz", pytest.param("safetensors", marks=with_safetensors)]
every_format = pytest.mark.parametrize("form", FORMATS)
TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool", "complex64", "complex128"]


def bits(x):
    """Everything about a tensor."""
    array = x.detach().numpy()
    return str(x.dtype).rpartition(".")[2], array.shape, array.tobytes()


def layouts(dtype):
    x = (np.random.default_rng(0).standard_normal((3, 4, 2)) * 50)
    x = tl.tensor(x.astype(dtype) if dtype != "bool" else x > 0)
    return {"whole": x, "transposed": x.permute(2, 0, 1), "part": x[1:, ::2], "row": x[1], "expanded": x[:1].expand(5, 4, 2),
            "0-d": x[1, 2, 0], "empty": x[:0], "emptier": x[:, :0, 1], "turned": tl.from_numpy(x.numpy()[::-1, :, ::-1]),
            "column-major": tl.from_numpy(np.asfortranarray(x.numpy())), "real": tl.from_numpy(x.numpy().real)}


ODD_NAMES = ["", "a.b.c", "file", "x y", "ünïcödé", "../../up", "/etc/passwd", "a\\b" if os.sep == "/" else "a", "x.npy", "x" * 300,
             "\n", "'\"", "__class__", "self", "0", "data.pkl", "😀"]


# ---- what comes back --------------------------------------------------------------------------------------------
@every_format
@pytest.mark.parametrize("dtype", TYPES)
def test_all_types_and_layouts(tmp_path, form, dtype):
    saved = layouts(dtype)
    path = tmp_path / f"x.{form}"
    if form == "safetensors" and dtype == "complex128":
        with pytest.raises(TypeError, match="complex128.*'whole'"):
            tl.save(saved, path)
        return
    tl.save(saved, path)
    loaded = tl.load(path)
    assert set(loaded) == set(saved)
    for name, x in loaded.items():
        assert bits(x) == bits(saved[name]) and type(x) is tl.Tensor and x.device.type == "cpu" and x.is_leaf
    for name, x in loaded.items():
        if name != "expanded":
            x.fill_(1)                                          # it can be written to
    if form == "npz":
        with np.load(path) as theirs:
            assert all(theirs[name].tobytes() == bits(x)[2] and theirs[name].shape == x.shape for name, x in saved.items())
    if form == "safetensors":
        theirs = safetensors.numpy.load_file(path)
        assert all(theirs[name].tobytes() == bits(x)[2] and theirs[name].shape == x.shape for name, x in saved.items())


@every_format
def test_odd_names(tmp_path, form):
    saved = {name: tl.tensor(float(i)) for i, name in enumerate(ODD_NAMES)}
    tl.save(saved, tmp_path / f"x.{form}")
    assert {name: x.item() for name, x in tl.load(tmp_path / f"x.{form}").items()} == {name: x.item() for name, x in saved.items()}
    assert os.listdir(tmp_path) == [f"x.{form}"]


@every_format
def test_no_tensors(tmp_path, form):
    tl.save({}, tmp_path / f"x.{form}")
    assert tl.load(tmp_path / f"x.{form}") == {}


def checkpoint():
    metadata = OrderedDict()
    metadata._metadata = OrderedDict([("", {"version": 1})])
    shared = [1, 2]
    return {
        "epoch": 3, "loss": 0.1, "name": "ünïcödé \ud800", "none": None, "yes": True, "no": False, "bytes": bytes(range(256)),
        b"key": b"",
        "ints": [0, 255, 256, -1, 2**31 - 1, -2**31, 2**31, 2**63, -2**70, 2**2000], "floats": [0.0, -0.0, float("inf"), 1e-320],
        "complex": 1 - 2j, "set": {1, "a"}, "tuple": (1, (2, ()), [3]), 7: "int key", 1.5: "float key", (1, "a"): "tuple key",
        None: "none key", "size": tl.Size([2, 3]), "dtypes": [tl.float32, tl.int64, tl.bool, tl.complex128],
        "devices": [tl.device("cpu"), tl.device("cuda", 0)], "counter": Counter("abracadabra"), "twice": [shared, shared],
        "ordered": OrderedDict([("z", 1), ("a", 2)]), "model": metadata, "many": list(range(3000)), "long": "x" * 100_000,
    }


def test_plain_values():
    file = io.BytesIO()
    tl.save(checkpoint(), file)
    loaded, saved = tl.load(file_at_start(file)), checkpoint()
    assert loaded == saved and repr(loaded) == repr(saved)      # repr: 1 is not True, -0.0 not 0.0, and the order counts
    assert loaded["twice"][0] is loaded["twice"][1]
    assert loaded["model"]._metadata == saved["model"]._metadata


def file_at_start(file):
    file.seek(0)
    return file


def back(obj):
    file = io.BytesIO()
    tl.save(obj, file)
    return tl.load(file_at_start(file))


def test_lists_that_contain_themselves():
    x = [1]
    x.append({"x": x})
    y = back(x)
    assert y[1]["x"] is y and y[0] == 1
    d = OrderedDict(same={1})
    d["d"] = d
    a, b = back([d, {"d": d, "s": d["same"]}])
    assert a["d"] is a is b["d"] and a["same"] is b["s"]
    t = ([],)
    t[0].append(t)
    inner = back(t)[0]
    assert inner[0][0] is inner
    for _ in range(100_000):
        x = [x]
    with pytest.raises(ValueError, match="nested too deeply"):
        tl.save(x, io.BytesIO())


def nested(chance, depth=4):
    """Some value of what can be saved."""
    kind = chance.randrange(14 if depth else 8)
    if kind < 8:
        return [None, chance.random() < 0.5, chance.choice([1, -1]) * chance.getrandbits(chance.randrange(80)), chance.gauss(0, 9),
                "".join(chance.choices("aé\u4e2d😀\n\0", k=chance.randrange(9))), chance.randbytes(chance.randrange(9)),
                complex(chance.random(), -1), chance.choice([tl.float32, tl.Size([1, 2]), tl.device("cuda")])][kind]
    values = [nested(chance, depth - 1) for _ in range(chance.randrange(5))]
    words = [chance.choice([i, str(i), float(i), (i, "x"), None, b"x", tl.int8]) for i, _ in enumerate(values)]
    return [values, tuple(values), dict(zip(words, values)), OrderedDict(zip(words, values)), Counter(words), set(words)][kind - 8]


def test_whatever_can_be_saved_can_be_loaded():
    chance = random.Random(5)
    for _ in range(300):
        saved, file = [nested(chance) for _ in range(4)], io.BytesIO()
        tl.save(saved, file)
        loaded = tl.load(file_at_start(file))
        assert loaded == saved and theirs_as_ours(loaded) == theirs_as_ours(saved)
        if torch:
            assert theirs_as_ours(torch.load(file_at_start(file), weights_only=True)) == theirs_as_ours(saved)


def test_numpys_numbers_become_pythons():
    numbers = [np.float32(0.5), np.int64(3), np.bool_(True), np.complex64(1j), {np.int8(1): 2}]
    assert repr(back(numbers)) == "[0.5, 3, True, 1j, {1: 2}]"


def test_tensors_that_share_memory_share_it_again():
    base = tl.arange(12.0).reshape(3, 4)
    x, y, z, again = back([base, base[1:, ::2], base.T, base])
    assert again is x
    x[1, 2] = 77
    assert y.tolist() == [[4, 77], [8, 10]] and z[2, 1].item() == 77
    loss = (y * y.clone().requires_grad_()).sum()               # and the engine knows of it
    x.zero_()
    with pytest.raises(RuntimeError, match="in-place"):
        loss.backward()


def test_of_shared_memory_only_what_is_seen_is_saved():
    large = tl.zeros(1_000_000)
    large[500_000:500_010] = tl.arange(10.0)
    file = io.BytesIO()
    tl.save([large[500_000:500_004], large[500_006:500_010:2]], file)
    assert len(file.getvalue()) < 2000
    a, b = tl.load(file_at_start(file))
    assert a.tolist() == [0, 1, 2, 3] and b.tolist() == [6, 8]


def test_parameters_and_gradients():
    p = nn.Parameter(tl.ones(2, 3).T)
    p.label, p.rate, p._ready = "first", 0.5, True
    frozen, leaf, computed = nn.Parameter(tl.ones(2), requires_grad=False), tl.ones(2, requires_grad=True), p.sum()
    q, again, frozen, leaf, computed, buffer = back([p, p, frozen, leaf, computed, nn.Buffer(tl.ones(2))])
    assert q is again and type(q) is nn.Parameter and q.requires_grad and q.shape == (3, 2)
    assert (q.label, q.rate, q._ready) == ("first", 0.5, True)
    assert type(frozen) is nn.Parameter and not frozen.requires_grad
    assert type(leaf) is tl.Tensor and leaf.requires_grad and leaf.is_leaf and computed.requires_grad and computed.is_leaf
    assert type(buffer) is tl.Tensor and not buffer.requires_grad


def test_on_devices(tmp_path, device):
    x = tl.arange(6.0, device=device).reshape(2, 3)
    tied = [x, x.detach(), x.T]
    for form in "pth", "npz", "safetensors" if safetensors else "npz":
        saved = {name: t for name, t in zip("abc", tied)}
        path = tmp_path / f"x.{form}"
        tl.save(saved, path)
        here, there = tl.load(path), tl.load(path, map_location=tl.device(device))
        assert all(t.device.type == "cpu" and t.tolist() == saved[n].tolist() for n, t in here.items())
        assert all(t.device.type == device and t.tolist() == saved[n].tolist() for n, t in there.items())
        if form == "pth":
            assert here["a"].array.base is here["b"].array.base and there["a"].array is there["b"].array


def test_map_location():
    file = io.BytesIO()
    tl.save(tl.ones(2), file)
    assert tl.load(file_at_start(file), map_location="cpu").tolist() == [1, 1]
    for wrong, error in [(lambda storage, location: storage, TypeError), ({"cuda:0": "cpu"}, TypeError), ("mps", RuntimeError)]:
        with pytest.raises(error, match="map_location|offered"):
            tl.load(file_at_start(file), map_location=wrong)


# ---- file objects, suffixes, and what the format is --------------------------------------------------------------
@pytest.mark.parametrize("name", ["x.pth", "x.pt", "x.bin", "x", "x.PTH", "x.ckpt"])
def test_the_format_of_other_suffixes_is_pth(tmp_path, name):
    tl.save({"x": tl.ones(2)}, str(tmp_path / name))
    with zipfile.ZipFile(tmp_path / name) as archive:
        assert archive.namelist() == ["archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/version"]
    assert tl.load(os.fsencode(tmp_path / name))["x"].tolist() == [1, 1]


@every_format
def test_the_format_is_told_by_the_content(tmp_path, form):
    tl.save({"x": tl.ones(2)}, tmp_path / f"x.{form}")
    os.rename(tmp_path / f"x.{form}", tmp_path / "x.bin")
    assert tl.load(tmp_path / "x.bin")["x"].tolist() == [1, 1]
    with open(tmp_path / "x.bin", "rb") as file:
        assert tl.load(file)["x"].tolist() == [1, 1]
    for other in {"pth", "npz", "safetensors"} - {form}:
        os.rename(tmp_path / "x.bin", tmp_path / f"model.{other}")
        with pytest.raises(BadFile, match=rf"rename it to model\.{form}"):
            tl.load(tmp_path / f"model.{other}")
        os.rename(tmp_path / f"model.{other}", tmp_path / "x.bin")


class Pipe(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self, data=b""):
        self.inner = io.BytesIO(data)

    def writable(self): return True
    def readable(self): return True
    def seekable(self): return False
    def write(self, data): return self.inner.write(bytes(data))
    def read(self, n=-1): return self.inner.read(n)


def test_files_that_cannot_seek():
    pipe = Pipe()
    tl.save({"x": tl.ones(2)}, pipe)
    data = pipe.inner.getvalue()
    assert tl.load(Pipe(data))["x"].tolist() == [1, 1] and tl.load(io.BytesIO(data))["x"].tolist() == [1, 1]


@pytest.mark.parametrize("content, match", [
    (b"", "empty"), (b"\x89HDF\r\n\x1a\n" + b"0" * 99, "HDF5.*npz"), (b"GGUF\3\0\0\0", "llama"),
    (b"\x93NUMPY\1\0v\0{", "one array"), (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    (b"\x1f\x8b\x08", "gzip"), (b"<!DOCTYPE html>", "download"),
    (pickle.dumps([1, 2]), "torch.save did not write"), (b"garbage", "starts with b'garbage'"), (b"\0" * 300 + b"x", "starts with"),
    (b"0" * 257 + b"ustar" + b"0" * 99, "2017"), (b"PK\3\4" + b"0" * 99, "table at its end"), (b"PK", "table at its end"),
])
def test_foreign_files(tmp_path, content, match):
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(BadFile, match=rf"x\.pth.*{match}"):
        tl.load(tmp_path / "x.pth")


@pytest.mark.parametrize("names, match", [
    (["code/x.py", "constants.pkl", "data.pkl"], "TorchScript"), (["config.json", "model.weights.h5"], "Keras"),
    (["a.txt"], "a.txt"),
    (["a/data.pkl", "b/data.pkl"], "one data.pkl"), (["data.pkl"], "one data.pkl"), (["x.npy"], "array 'x'"),
])
def test_foreign_zips(names, match):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    with pytest.raises(BadFile, match=match):
        tl.load(file_at_start(file))


# ---- what cannot be saved, and arguments ------------------------------------------------------------------------
class Odd(tl.Tensor):
    pass


@pytest.mark.parametrize("obj, match", [
    ({"a": [1, {"b": object()}]}, r"obj\['a'\]\[1\]\['b'\] is a object"), (nn.ReLU, "the object is a type"),
    ({"w": np.ones(2)}, "from_numpy"), (defaultdict(list), r"dict\(\)"), (lambda x: x, "function"), ({"x": Odd([1.0])}, "Odd"),
    (nn.Sequential(), r"Sequential.*state_dict\(\)"), (frozenset([1]), "frozenset"), ([2**9000], r"obj\[0\] is a number of"),
    ({OrderedDict: 1}, r"obj\[.*\] has a type as a key"), ({tl.ones(1): 1}, "Tensor as a key"), ({((1,),): 1}, "tuple as a key"),
    ([{tl.Size([1])}], r"obj\[0\] has a Size"),
])
def test_what_cannot_be_saved(tmp_path, obj, match):
    (tmp_path / "x.pth").write_bytes(b"before")
    with pytest.raises((TypeError, ValueError), match=match):
        tl.save(obj, tmp_path / "x.pth")
    assert (tmp_path / "x.pth").read_bytes() == b"before" and len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("form", ["npz", pytest.param("safetensors", marks=with_safetensors)])
@pytest.mark.parametrize("obj, match", [
    ({"a": 1}, "'a' is a int.*save as .pth"), ({1: tl.ones(2)}, "strings, got 1"), ([tl.ones(2)], "list"), (tl.ones(2), "'x': x"),
    (nn.Sequential(), r"state_dict\(\)"), ({"m": {"x": tl.ones(2)}}, "'m' is a dict"),
    ({"\ud800": tl.ones(2)}, "Unicode"),
])
def test_what_cannot_be_saved_by_name(tmp_path, form, obj, match):
    with pytest.raises((TypeError, ValueError), match=match):
        tl.save(obj, tmp_path / f"x.{form}")
    assert os.listdir(tmp_path) == []


def test_names_that_a_format_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match="rename"):
        tl.save({"a\0b": tl.ones(2)}, tmp_path / "x.npz")
    if safetensors:
        with pytest.raises(ValueError, match="rename"):
            tl.save({"__metadata__": tl.ones(2)}, tmp_path / "x.safetensors")


def test_arguments(tmp_path):
    file = io.BytesIO()
    tl.save([1], file)
    assert tl.load(file_at_start(file), weights_only=True) == [1]
    assert tl.load(file_at_start(file), mmap=False, weights_only=None) == [1]
    with pytest.raises(ValueError, match="weights_only=False"):
        tl.load(file_at_start(file), weights_only=False)
    with pytest.raises(NotImplementedError, match="mmap"):
        tl.load(file_at_start(file), mmap=True)
    for wrong in (lambda: tl.load(file, pickle_module=pickle), lambda: tl.load(file, None, pickle),
                  lambda: tl.save([1], file, pickle), lambda: tl.load(3.5), lambda: tl.save([1], None)):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(TypeError, match=r"a path, or open for writing, got OrderedDict: what is saved comes first, save"):
        tl.save("x.pth", OrderedDict(x=tl.ones(1)))
    with pytest.raises(TypeError, match="'wb'"):
        tl.save([1], io.StringIO())
    with pytest.raises(TypeError, match="'rb'"):
        tl.load(io.StringIO("x"))
    with pytest.raises(FileNotFoundError):
        tl.load(tmp_path / "none.pth")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        tl.save([1], tmp_path / "none" / "x.pth")
    with pytest.raises(IsADirectoryError):
        tl.save([1], tmp_path)


def test_without_the_safetensors_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_like\[safetensors\]'"):
        tl.save({"x": tl.ones(2)}, tmp_path / "x.safetensors")
    (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    with pytest.raises(ImportError, match="pip install"):
        tl.load(tmp_path / "x.safetensors")
    assert os.listdir(tmp_path) == ["x.safetensors"]


def test_importing_the_library_does_not_import_what_files_need():
    code = """
        import sys, numpy
        before = set(sys.modules)
        import tinygrad_like
        print(sorted({"zipfile", "pickletools", "safetensors", "tempfile", "torch"} & (set(sys.modules) - before)))
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- PyTorch's files ---------------------------------------------------------------------------------------------
def theirs_as_ours(x):
    """Nested values of PyTorch in terms that compare with ours."""
    if torch is not None and isinstance(x, torch.Tensor):
        return "tensor", str(x.dtype)[6:], tuple(x.shape), x.requires_grad, x.detach().resolve_conj().numpy().tobytes()
    if isinstance(x, tl.Tensor):
        return "tensor", x.dtype.name, tuple(x.shape), x.requires_grad, x.detach().numpy().tobytes()
    if isinstance(x, (dict, Counter)):
        return type(x).__name__, [(theirs_as_ours(k), theirs_as_ours(v)) for k, v in x.items()]
    if type(x) in (list, tuple) or type(x).__name__ == "Size":
        return type(x).__name__, [theirs_as_ours(each) for each in x]
    if type(x) is set:
        return "set", sorted(map(repr, map(theirs_as_ours, x)))
    return repr(x).replace("tinygrad_like.", "torch.")


@with_torch
@pytest.mark.parametrize("dtype", TYPES)
def test_pytorch_reads_all_types_and_layouts(tmp_path, dtype):
    saved = layouts(dtype)
    tl.save(saved, tmp_path / "x.pth")
    for mmap in False, True:
        assert theirs_as_ours(torch.load(tmp_path / "x.pth", weights_only=True, mmap=mmap)) == theirs_as_ours(saved)


@with_torch
def test_pytorch_reads_plain_values(tmp_path):
    saved = checkpoint()
    tl.save(saved, tmp_path / "x.pth")
    loaded = torch.load(tmp_path / "x.pth", weights_only=True)
    assert theirs_as_ours(loaded) == theirs_as_ours(saved)
    assert loaded["model"]._metadata == saved["model"]._metadata and loaded["twice"][0] is loaded["twice"][1]


@with_torch
def test_pytorch_reads_shared_memory_and_parameters(tmp_path):
    base = tl.arange(12.0).reshape(3, 4)
    p = nn.Parameter(base.clone())
    p.label = "x"
    tl.save([base, base[1:, ::2], p, p], tmp_path / "x.pth")
    x, y, q, again = torch.load(tmp_path / "x.pth", weights_only=True)
    x[1, 2] = 77
    assert y.tolist() == [[4, 77], [8, 10]] and type(q) is torch.nn.Parameter and q is again and q.label == "x"


OLD_AND_NEW = pytest.mark.parametrize("new", [True, False], ids=["zip", "before 2020"])


@with_torch
@OLD_AND_NEW
@pytest.mark.parametrize("dtype", TYPES)
def test_files_of_pytorch(tmp_path, dtype, new):
    x = torch.from_numpy(layouts(dtype)["whole"].numpy())
    saved = {"whole": x, "part": x[1:, ::2], "transposed": x.permute(2, 0, 1), "0-d": x[1, 2, 1], "empty": x[:0], "conj": x.conj(),
             "expanded": x[:1].expand(5, 4, 2), "alone": x[2, 1:].clone()}
    torch.save(saved, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
    loaded = tl.load(tmp_path / "x.pth")
    assert theirs_as_ours(loaded) == theirs_as_ours(saved)
    loaded["whole"].zero_()
    assert not loaded["part"].any() and loaded["alone"].any()   # shared here as there


@with_torch
@OLD_AND_NEW
def test_checkpoints_of_pytorch(tmp_path, new, device):
    model = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(3, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 3])
    model(torch.ones(2, 2, 3, 3)).sum().backward()
    optimizer.step()
    scheduler.step()
    saved = {"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(),
             "best": np.float64(0.5), "count": np.int32(3), "size": torch.Size([2]), "parameter": model[0].weight, "bytes": b"ab",
             "array": bytearray(b"abc"), "complex": 1j, "set": {1}}
    torch.save(saved, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
    loaded = tl.load(tmp_path / "x.pth")
    assert loaded.pop("best") == 0.5 == saved.pop("best") and loaded.pop("count") == saved.pop("count") == 3
    assert theirs_as_ours(loaded) == theirs_as_ours(saved)
    assert loaded["model"]._metadata == saved["model"]._metadata and type(loaded["parameter"]) is nn.Parameter
    assert type(loaded["scheduler"]["milestones"]) is Counter
    there = tl.load(tmp_path / "x.pth", map_location=device)
    assert there["model"]["3.weight"].device.type == device
    assert there["model"]["3.weight"].tolist() == loaded["model"]["3.weight"].tolist()
    del loaded["array"]
    tl.save(loaded, tmp_path / "y.pth")                         # and back
    again = torch.load(tmp_path / "y.pth", weights_only=True)
    model.load_state_dict(again["model"])
    optimizer.load_state_dict(again["optimizer"])
    scheduler.load_state_dict(again["scheduler"])


@with_torch
@OLD_AND_NEW
def test_bfloat16_becomes_float32(tmp_path, new):
    x = torch.randn(3, 4, dtype=torch.bfloat16)
    torch.save({"x": x, "part": x[1], "dtype": torch.bfloat16}, tmp_path / "x.pth", _use_new_zipfile_serialization=new)
    loaded = tl.load(tmp_path / "x.pth")
    assert loaded["x"].dtype is loaded["dtype"] is tl.float32 and loaded["x"].tolist() == x.tolist()
    loaded["x"].zero_()
    assert loaded["part"].tolist() == [0, 0, 0, 0]


@pytest.mark.filterwarnings("ignore")
@with_torch
@pytest.mark.parametrize("make, match", [
    (lambda: {"layer.weight": torch.ones(2).to(torch.float8_e4m3fn)}, "'layer.weight' is of type torch.float8_e4m3fn"),
    (lambda: {"layer.weight": torch.ones(2, dtype=torch.uint16)}, "'layer.weight' is of type torch.uint16"),
    (lambda: {"a": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, "_rebuild_qtensor"),
    (lambda: {"a": torch.eye(2).to_sparse()}, "_rebuild_sparse_tensor"),
    (lambda: torch.nn.Linear(2, 2), r"asks for torch.nn.modules.linear.Linear.*state_dict\(\)"),
    (lambda: {"a": np.ones(2)}, "numpy._core.multiarray._reconstruct"),
    (lambda: {"a": defaultdict(list)}, "collections.defaultdict"),
])
def test_what_pytorch_saves_and_we_refuse(tmp_path, make, match):
    torch.save(make(), tmp_path / "x.pth")
    with pytest.raises(BadFile, match=match):
        tl.load(tmp_path / "x.pth")


@pytest.mark.filterwarnings("ignore")
@with_torch
def test_a_storage_by_itself_is_a_tensor(tmp_path):
    torch.save({"storage": torch.arange(3.0).storage()}, tmp_path / "x.pth")
    assert tl.load(tmp_path / "x.pth")["storage"].tolist() == [0, 1, 2]


@pytest.mark.filterwarnings("ignore")
@with_torch
def test_torchscript_is_refused(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "x.pt")
    with pytest.raises(BadFile, match="TorchScript"):
        tl.load(tmp_path / "x.pt")


@with_torch
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_other_protocols(protocol):
    """PyTorch writes protocol 2, unless it is told to write another."""
    file = io.BytesIO()
    saved = {"x": torch.arange(3.0), "by": b"abc", "s": {1, 2}, "o": OrderedDict(a=1), "c": Counter("aa"), "z": 1j,
             "long": "é" * 300, "sc": np.float32(0.5)}
    torch.save(saved, file, pickle_protocol=protocol)
    loaded = tl.load(file_at_start(file))
    assert loaded.pop("sc") == 0.5 and saved.pop("sc") and theirs_as_ours(loaded) == theirs_as_ours(saved)


MODELS = ["nn.Linear(3, 4)", "nn.Conv2d(2, 4, 3, groups=2)", "nn.LSTM(3, 4, 2, bidirectional=True)", "nn.BatchNorm2d(3)",
          "nn.Embedding(4, 3)", "nn.TransformerEncoderLayer(4, 2, 8)",
          "nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))"]


@with_torch
@every_format
@pytest.mark.parametrize("line", MODELS)
def test_models_travel_both_ways(tmp_path, form, line):
    ours = eval(line, {"nn": nn})
    theirs = eval(line, {"nn": torch.nn})
    tl.save(ours.state_dict(), tmp_path / f"ours.{form}")
    theirs.load_state_dict(loaded_by_theirs(tmp_path / f"ours.{form}"))
    assert same_states(ours, theirs)
    theirs = eval(line, {"nn": torch.nn})
    state, path = theirs.state_dict(), tmp_path / f"theirs.{form}"
    if form == "pth":
        torch.save(state, path)
    elif form == "npz":
        np.savez(path, **{name: x.numpy() for name, x in state.items()})
    else:
        import safetensors.torch
        safetensors.torch.save_file(state, path)
    ours.load_state_dict(tl.load(path))
    assert same_states(ours, theirs)


@with_torch
def test_training_goes_on_in_the_other(tmp_path):
    """A checkpoint of model and optimizer, half way, is taken up by the other library: both go the same way from there."""
    lines = ["nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2))", "optim.Adam(model.parameters(), lr=0.1, amsgrad=True)"]

    def start(library):
        names = {"nn": library.nn, "optim": library.optim}
        names["model"] = eval(lines[0], names)
        return names["model"], eval(lines[1], names)

    def train(library, model, optimizer):
        for _ in range(3):
            optimizer.zero_grad()
            (model(library.tensor([[1.0, -2.0], [0.5, 3.0]])) ** 2).sum().backward()
            optimizer.step()

    def states(model, optimizer):
        return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}

    for first, second in (tl, torch), (torch, tl):
        ours, theirs = start(first), start(second)
        train(first, *ours)
        first.save(states(*ours), tmp_path / "x.pth")
        loaded = second.load(tmp_path / "x.pth", weights_only=True)
        theirs[0].load_state_dict(loaded["model"])
        theirs[1].load_state_dict(loaded["optimizer"])
        train(first, *ours)
        train(second, *theirs)
        for x, y in zip(ours[0].parameters(), theirs[0].parameters()):
            assert np.allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-5, atol=1e-6)
        for x, y in zip(ours[1].state_dict()["state"].values(), theirs[1].state_dict()["state"].values()):
            assert float(x["step"]) == float(y["step"]) == 6


def loaded_by_theirs(path):
    if path.suffix == ".pth":
        return torch.load(path, weights_only=True)
    if path.suffix == ".npz":
        return {name: torch.from_numpy(x) for name, x in np.load(path).items()}
    import safetensors.torch
    return safetensors.torch.load_file(path)


def same_states(ours, theirs):
    a, b = ours.state_dict(), theirs.state_dict()
    return list(a) == list(b) and all((a[name].numpy() == b[name].numpy()).all() and a[name].shape == b[name].shape for name in a)


@with_safetensors
def test_safetensors_with_types_that_we_lack(tmp_path):
    def file(kind, data, shape):
        head = f'{{"layer.weight":{{"dtype":"{kind}","shape":{shape},"data_offsets":[0,{len(data)}]}}}}'.encode()
        return io.BytesIO(struct.pack("<Q", len(head)) + head + data)
    loaded = tl.load(file("BF16", struct.pack("<2H", 0x3FC0, 0xC000), [2]))["layer.weight"]
    assert loaded.dtype is tl.float32 and loaded.tolist() == [1.5, -2]
    for kind, data in [("F8_E4M3", b"ab"), ("U16", b"abcd")]:
        with pytest.raises(BadFile, match=f"'layer.weight' is of type {kind}"):
            tl.load(file(kind, data, [2]))
    tl.save({"x": tl.ones(2)}, tmp_path / "x.safetensors")
    with safetensors.safe_open(tmp_path / "x.safetensors", "numpy") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize("array, match", [
    (np.array([1, 2], "uint16"), "uint16.*not offered"), (np.array(["a"]), "not offered|U1"), (np.array([object()]), "pickle"),
    (np.zeros(2, [("a", "f4")]), "'x'"), (np.array(["2020-01-01"], "M8[D]"), "'x'"),
])
def test_npz_with_arrays_that_are_no_tensors(tmp_path, array, match):
    np.savez(tmp_path / "x.npz", x=array)
    with pytest.raises(BadFile, match=match):
        tl.load(tmp_path / "x.npz")


def test_npz_of_numpy(tmp_path):
    columns = np.asfortranarray(np.ones((2, 3), ">i2"))
    np.savez_compressed(tmp_path / "x.npz", big=np.arange(3, dtype=">f8"), columns=columns, one=np.float32(2))
    loaded = tl.load(tmp_path / "x.npz")
    assert loaded["big"].dtype is tl.float64 and loaded["big"].tolist() == [0, 1, 2] and loaded["columns"].tolist() == [[1] * 3] * 2
    assert loaded["columns"].dtype is tl.int16 and loaded["one"].shape == ()
    assert all(x.array.dtype.isnative for x in loaded.values())


# ---- pickles are not run ----------------------------------------------------------------------------------------
def pth(program, **members):
    """A file of torch.save with that pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {"data.pkl": program, "byteorder": b"little", "version": b"3\n", **members}.items():
            archive.writestr(f"archive/{name}", data)
    return file_at_start(file)


class Trap:
    """Something whose pickle calls a function."""

    def __init__(self, function, *args, state=None, items=None):
        self.how = function, args, state, items

    def __reduce__(self):
        return self.how


def pickled(x, protocol=2):
    return pickle.dumps(x, protocol)


STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x02tQ"     # of two numbers
TENSOR = b"ctorch._utils\n_rebuild_tensor\n(" + STORAGE + b"K\x00(K\x02t(K\x01ttR"
SPRUNG = []


def spring(*args):
    SPRUNG.append(args)
    return {}


def traps():
    yield "os.system", pickled(Trap(os.system, "echo sprung")), f"{os.system.__module__}.system"
    yield "builtins.eval", pickled(Trap(eval, "1")), "builtins.eval"
    yield "builtins.exec", b"c__builtin__\nexec\n(X\x01\x00\x00\x001tR.", "builtins.exec"
    yield "builtins.getattr", pickled(Trap(getattr, [], "append")), "builtins.getattr"
    yield "a chain of getattr", b"cbuiltins\ngetattr\n(cos\nsystem\nX\x04\x00\x00\x00calltR(X\x02\x00\x00\x00ostR.", "getattr"
    yield "inside of a dict in a list", pickled({"model": [{"a": Trap(spring)}]}), "spring"
    yield "nested calls", pickled(Trap(OrderedDict, [("a", Trap(spring))])), "spring"
    yield "as a key", b"}cos\nsystem\nK\x01s.", "os.system"
    yield "a name with dots", b"ccollections\nOrderedDict.fromkeys\n(]tR.", r"OrderedDict\.fromkeys"
    yield "an attribute of what is allowed", b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.", r"Dict\.__init__"
    yield "protocol 4", pickled(Trap(spring), 4), "spring"
    yield "protocol 5", pickled(Trap(spring), 5), "spring"
    yield "protocol 0", pickled(Trap(spring), 0), "spring"
    yield "the instruction INST", b"(X\x04\x00\x00\x00trueios\nsystem\n.", "os.system"
    yield "the instruction OBJ", b"(cos\nsystem\nX\x04\x00\x00\x00trueo.", "os.system"
    yield "the instruction OBJ with what is allowed", b"(ccollections\nOrderedDict\no.", "OBJ"
    yield "NEWOBJ", b"\x80\x02csubprocess\nPopen\n)\x81.", "subprocess.Popen"
    yield "NEWOBJ_EX", b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)}\x92.", "NEWOBJ_EX"
    yield "an extension code", b"\x80\x02\x82\x07.", "EXT1 7"
    yield "a larger extension code", b"\x80\x02\x84\x07\x00\x00\x00.", "EXT4 7"
    yield "calling a string", b"X\x02\x00\x00\x00os(tR.", "calls a str"
    yield "calling a tensor", TENSOR + b")R.", "calls a Tensor"
    yield "calling a storage", STORAGE + b")R.", "calls a Tensor"
    yield "calling a type of numbers", b"ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage"
    yield "calling with a list", b"ccollections\nOrderedDict\n]R.", "with list"
    yield "the state of a class", b"ccollections\nOrderedDict\n}X\x06\x00\x00\x00updateK\x01sb.", "state of a Name"
    yield "the state of a dict", b"ccollections\nOrderedDict\n)R}X\x06\x00\x00\x00updateK\x01sb.", "state of a OrderedDict"
    yield "slots of a dict", b"ccollections\nOrderedDict\n)RN}X\x06\x00\x00\x00updateK\x01s\x86b.", "state of a OrderedDict"
    yield "the state of a tensor", TENSOR + b"}X\x04\x00\x00\x00nodeK\x01sb.", "state of a Tensor"
    yield "__setstate__", b"ctorch.nn.parameter\nParameter\n)\x81}b.", "damaged"
    yield "a parameter with methods", (b"ctorch._utils\n_rebuild_parameter_with_state\n(" + TENSOR
                                       + b"\x88N}X\x08\x00\x00\x00backwardK\x01stR."), "attribute 'backward'"
    yield "writing into a tensor", TENSOR + b"K\x00K\x01s.", "into a Tensor"
    yield "appending to a tuple", b")K\x01a.", "into a tuple"
    yield "a persistent id in words", b"PX\n.", "persistent id"
    yield "a persistent id of a module", b"(X\x06\x00\x00\x00modulecos\nsystem\ntQ.", "os.system"
    yield "a persistent id that is a number", b"K\x01Q.", "persistent id"
    yield "a persistent id that is no storage", b"(X\x04\x00\x00\x00filetQ.", "persistent id.*file"
    yield "a storage of a class", STORAGE.replace(b"ctorch\nFloatStorage\n", b"ctorch\nSize\n") + b".", "damaged"
    yield "numpy objects", b"cnumpy\ndtype\n(X\x02\x00\x00\x00O8tR.", "O8"
    yield "torch.load", b"ctorch\nload\n(X\x01\x00\x00\x00xtR.", "torch.load"
    yield "torch hub", b"ctorch.hub\nload\n(tR.", "torch.hub.load"
    yield "bytes in an odd encoding", b"c_codecs\nencode\n(X\x01\x00\x00\x00xX\x05\x00\x00\x00rot13tR.", "rot13"
    yield "memory", b"c__builtin__\nbytearray\n(J\xff\xff\xff\x7ftR.", "damaged"
    yield "a set of tensors", b"c__builtin__\nset\n(](K\x01]etR" + b".", "as a key"
    yield "tuples in tuples as a key", b"}" + b")" + b"\x85" * 100_000 + b"K\x01s.", "as a key"
    yield "lists in lists", b"]" * 100_000 + b"a" * 99_999 + b"(i\n.", "damaged"


@pytest.mark.parametrize("program, match", [pytest.param(program, match, id=name) for name, program, match in traps()])
def test_nothing_is_executed(program, match):
    files = [pth(program, **{"data/0": bytes(8)})]
    from tinygrad_like.serialize import OLD
    files.append(io.BytesIO(OLD + pickled(1001) + pickled({"little_endian": True}) + program))
    for file in files:
        with pytest.raises(BadFile, match=match):
            tl.load(file)
    assert not SPRUNG


def test_the_traps_are_real():
    """Python's own pickle springs them."""
    pickle.loads(pickled({"model": [{"a": Trap(spring, "yes")}]}))
    assert SPRUNG.pop() == ("yes",)


def test_registered_extension_codes_are_refused():
    import copyreg
    copyreg.add_extension(__name__, "spring", 77)
    try:
        program = pickled(Trap(spring))
        assert b"\x82M" in program
        with pytest.raises(BadFile, match="EXT1 77"):
            tl.load(pth(program))
    finally:
        copyreg.remove_extension(__name__, "spring", 77)
    assert not SPRUNG


@pytest.mark.parametrize("key", ["../../../etc/passwd", "/etc/passwd", "../version", "", "0/../0", "1"])
def test_storages_are_members_of_the_file_alone(key):
    name = struct.pack("<I", len(key)) + key.encode()
    program = STORAGE.replace(b"\x01\x00\x00\x000", name) + b"."
    with pytest.raises(BadFile, match="missing"):
        tl.load(pth(program, **{"data/0": bytes(8)}))


def tensor_program(offset, shape, strides):
    def ints(each):
        return b"(" + b"".join(pickle.LONG1 + bytes([len(d := pickle.encode_long(n))]) + d for n in each) + b"t"
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + ints([offset])[1:-1] + ints(shape) + ints(strides)
            + b"\x89ccollections\nOrderedDict\n)RtR.")


@pytest.mark.parametrize("offset, shape, strides", [
    (0, [3], [1]), (1, [2], [1]), (2, [1], [1]), (-1, [2], [1]), (0, [2], [-1]), (1, [2], [-1]), (0, [2], [2**62]),
    (2**63, [1], [1]), (0, [2**62, 2], [0, 1]), (0, [-1], [1]), (0, [2, 1], [1]), (0, [1] * 99, [1] * 99),
    (0, [2**40, 2**40], [0, 0]), (0, [2, 2], [1, 1]), (2**64, [0], [1]),
])
def test_tensors_stay_inside_of_their_storage(offset, shape, strides):
    file = pth(tensor_program(offset, shape, strides), **{"data/0": struct.pack("<2f", 1, 2)})
    if (offset, shape) == (2**64, [0]):
        assert tl.load(file).shape == (0,)                      # of no numbers, any place will do
        return
    with pytest.raises(BadFile):
        tl.load(file)


def test_a_tensor_made_by_hand_is_read():
    data = struct.pack("<2f", 1, 2)
    assert tl.load(pth(tensor_program(0, [2], [1]), **{"data/0": data})).tolist() == [1, 2]
    assert tl.load(pth(tensor_program(0, [2, 2], [0, 1]), **{"data/0": data})).tolist() == [[1, 2], [1, 2]]
    big = pth(tensor_program(1, [1], [1]), byteorder=b"big", **{"data/0": struct.pack(">2f", 1, 2)})
    assert tl.load(big).tolist() == [2] and tl.load(file_at_start(big)).array.dtype.isnative
    for wrong in (struct.pack("<3f", 1, 2, 3), b"", b"1234567"):
        with pytest.raises(BadFile, match="bytes"):
            tl.load(pth(tensor_program(0, [2], [1]), **{"data/0": wrong}))
    with pytest.raises(BadFile, match="order of bytes"):
        tl.load(pth(tensor_program(0, [2], [1]), byteorder=b"odd", **{"data/0": data}))


def test_two_members_of_one_name():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        for _ in range(2):
            archive.writestr("archive/data.pkl", b"N.")
    with pytest.raises(BadFile, match="two members"):
        tl.load(file_at_start(file))


# ---- damage -----------------------------------------------------------------------------------------------------
def whole(form):
    generator = np.random.default_rng(0)
    saved = {f"layer.{i}.weight": tl.tensor(generator.standard_normal((3, i + 1)).astype("float32")) for i in range(4)}
    saved["steps"] = tl.tensor(7)
    if form == "before 2020":
        file = io.BytesIO()
        torch.save({name: torch.from_numpy(x.numpy()) for name, x in saved.items()}, file, _use_new_zipfile_serialization=False)
        return saved, file.getvalue()
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        tl.save(saved, f"{folder}/x.{form}")
        with open(f"{folder}/x.{form}", "rb") as file:
            return saved, file.read()


every_file = pytest.mark.parametrize("form", [*FORMATS, pytest.param("before 2020", marks=with_torch)])


@every_file
def test_a_truncated_file_is_refused(form):
    _, data = whole(form)
    for end in [*range(0, 80), *range(80, len(data), 7), *range(len(data) - 30, len(data))]:
        with pytest.raises(BadFile):
            tl.load(io.BytesIO(data[:end]))


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@every_file
def test_flipped_bytes_are_found(form):
    """In a zip every one that matters; without checksums, what comes is at least a dict of tensors."""
    saved, data = whole(form)
    wanted = {name: bits(x) for name, x in saved.items()}
    chance, found = random.Random(1), 0
    for place in range(len(data)):
        for flip in {1 << chance.randrange(8), chance.randrange(1, 256)}:
            damaged = bytearray(data)
            damaged[place] ^= flip
            try:
                loaded = tl.load(io.BytesIO(damaged))
            except BadFile:
                found += 1
                continue
            if form in ("pth", "npz"):
                assert {name: bits(x) for name, x in loaded.items()} == wanted, f"byte {place} flipped by {flip}"
            else:
                assert all(isinstance(x, tl.Tensor) for x in loaded.values()) if isinstance(loaded, dict) else form == "before 2020"
    assert found > len(data) / 4


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@every_file
def test_random_damage(form):
    _, data = whole(form)
    chance = random.Random(2)
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(chance.randrange(1, 20)):
            kind, place = chance.randrange(3), chance.randrange(len(damaged))
            if kind == 0:
                damaged[place] = chance.randrange(256)
            elif kind == 1:
                del damaged[place:place + chance.randrange(50)]
            else:
                damaged[place:place] = chance.randbytes(chance.randrange(50))
        try:
            tl.load(io.BytesIO(damaged))
        except BadFile:
            pass


def test_random_pickles():
    """Whatever instructions come: our error, or a plain value."""
    chance = random.Random(3)
    pieces = [*(bytes([c]) for c in b")(]}012NaesutldRbQ.\x81\x85\x86\x87\x88\x8f\x90\x91\x93"), b"K\x01", b"X\x01\x00\x00\x00a",
              b"q\x00", b"h\x00", STORAGE, TENSOR, b"G" + bytes(8)]
    pieces += [b"c" + name.replace(" ", "\n").encode() + b"\n" for name in (
        "collections OrderedDict", "collections Counter", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter",
        "torch Size", "torch device", "torch float32", "__builtin__ set", "__builtin__ complex", "__builtin__ bytearray",
        "_codecs encode", "numpy dtype", "numpy.core.multiarray scalar")]
    for _ in range(1500):
        program = b"".join(chance.choices(pieces, k=chance.randrange(1, 25))) + b"."
        try:
            tl.load(pth(program, **{"data/0": bytes(8)}))
        except BadFile:
            pass


def test_a_damaged_file_changes_nothing_in_a_model(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    tl.save(model.state_dict(), tmp_path / "x.pth")
    before = {name: bits(x) for name, x in model.state_dict().items()}
    data = (tmp_path / "x.pth").read_bytes()
    place = data.index(model[1].weight.detach().numpy().tobytes())
    (tmp_path / "x.pth").write_bytes(data[:place] + b"\xff" + data[place + 1:])
    with pytest.raises(BadFile, match="archive/data/.*CRC"):
        model.load_state_dict(tl.load(tmp_path / "x.pth"))
    assert {name: bits(x) for name, x in model.state_dict().items()} == before


# ---- the old file or the new one --------------------------------------------------------------------------------
@every_format
def test_an_error_on_the_way_leaves_the_old_file(tmp_path, form, monkeypatch):
    path = tmp_path / f"x.{form}"
    tl.save({"x": tl.ones(3)}, path)
    before = path.read_bytes()

    def full(fd):
        raise OSError(28, "No space left on device")
    for error in OSError, KeyboardInterrupt:
        monkeypatch.setattr(os, "fsync", full if error is OSError else lambda fd: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(error):
            tl.save({"x": tl.zeros(3)}, path)
        with pytest.raises(error):
            tl.save({"x": tl.zeros(3)}, tmp_path / f"new.{form}")
        assert path.read_bytes() == before and os.listdir(tmp_path) == [f"x.{form}"]
    monkeypatch.undo()
    tl.save({"x": tl.zeros(3)}, path)
    assert tl.load(path)["x"].tolist() == [0, 0, 0] and os.listdir(tmp_path) == [f"x.{form}"]


@pytest.mark.skipif(os.name != "posix", reason="this kills a process as POSIX does")
def test_killed_in_the_middle(tmp_path):
    """A process that saves 8 MB over and over is killed at any moment: there is a whole file of one of its rounds."""
    code = f"""
        import os, sys
        import tinygrad_like as tl
        path = {str(tmp_path / 'x.pth')!r}
        for i in range(10**6):
            tl.save({{"round": i, "x": tl.full((2_000_000,), float(i))}}, path)
            os.write(1, b".")
        """
    for i in range(6):
        process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE)
        process.stdout.read(1)                                  # the first is there
        time.sleep(0.007 * i)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        loaded = tl.load(tmp_path / "x.pth")
        assert (loaded["x"] == loaded["round"]).all()
    tl.save([1], tmp_path / "x.pth")                            # what a killed process left beside it disturbs nobody
    assert tl.load(tmp_path / "x.pth") == [1]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links as POSIX has them")
def test_permissions_and_links(tmp_path):
    path, link = tmp_path / "x.pth", tmp_path / "link.pth"
    before = os.umask(0o027)
    try:
        tl.save([1], path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640       # as any new file
    finally:
        os.umask(before)
    path.chmod(0o604)
    os.symlink("x.pth", link)
    tl.save([2], link)
    assert link.is_symlink() and tl.load(path) == [2] and stat.S_IMODE(path.stat().st_mode) == 0o604
    os.link(path, tmp_path / "kept.pth")
    tl.save([7], path)
    assert tl.load(tmp_path / "kept.pth") == [2] and tl.load(path) == [7]     # another file took its place: none was written into
    dangling = tmp_path / "dangling.pth"
    os.symlink("target.pth", dangling)
    tl.save([3], dangling)
    assert dangling.is_symlink() and tl.load(tmp_path / "target.pth") == [3]
    tl.save([4], os.devnull)
    assert not stat.S_ISREG(os.stat(os.devnull).st_mode)
    long = tmp_path / ("é" * 100 + ".pth")
    tl.save([5], long)
    assert tl.load(long) == [5]
    path.chmod(0o444)
    if not os.access(path, os.W_OK):                            # (root may write anyway)
        with pytest.raises(PermissionError, match="write-protected"):
            tl.save([6], path)
    assert sorted(os.listdir(tmp_path)) == sorted(["x.pth", "link.pth", "kept.pth", "dangling.pth", "target.pth", long.name])
