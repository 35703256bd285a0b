"""Data sets by name: found in root, in the clone or nowhere; downloaded whole or not at all, from a server that misbehaves."""
import gzip
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import types

import numpy as np
import pytest

import tinygrad_like as torch
from examples import data as course
from tinygrad_like.data import datasets
from tinygrad_like.data.datasets import files, mnist
from tinygrad_like.data.tabular import read_csv
from tinygrad_like.data.transforms import ToTensor
from tinygrad_like.errors import BadFile

CONTENT = np.random.default_rng(0).bytes(300_000)
RIGHT = hashlib.sha256(CONTENT).hexdigest()


# ---- what is in them --------------------------------------------------------------------------------------------
def test_mnist():
    for train, part in (True, "train"), (False, "test"):
        ours = datasets.MNIST(train=train)
        images, labels = course.mnist(part)
        assert (ours.data.numpy() == images).all() and (ours.targets.numpy() == labels).all() and ours.targets.dtype == torch.int64
        assert len(ours) == len(images) and ours.class_to_idx["7 - seven"] == 7
    img, label = ours[3]
    assert (np.asarray(img) == images[3]).all() and label == labels[3]
    x, y = ours.in_memory()[3]
    assert x.shape == (1, 28, 28) and x.dtype == torch.float32 and np.allclose(x[0].numpy() * 255, images[3]) and y == labels[3]
    assert "Number of datapoints: 10000" in repr(ours) and "Split: Test" in repr(ours)
    other = datasets.MNIST(train=False, transform=lambda img: np.asarray(img).sum(), target_transform=lambda y: -y)
    assert other[3] == (images[3].sum(), -int(labels[3]))
    (x_train, y_train), (x_test, y_test) = datasets.mnist_arrays()
    assert x_train.shape == (60000, 28, 28) and x_test.dtype == np.uint8 and (y_test == labels).all() and len(y_train) == 60000


def test_mnist_without_pillow(monkeypatch):
    monkeypatch.setattr(mnist, "_pillow", False)
    img, _ = datasets.MNIST(train=False)[0]
    assert isinstance(img, np.ndarray) and img.shape == (28, 28) and img.dtype == np.uint8


def test_the_other_files_of_the_course():
    years, values = course.sunspots()
    spots = datasets.Sunspots()
    assert (spots.years.numpy() == years).all() and np.allclose(spots.values.numpy(), values) and spots[4] == (1704, values[4])
    pictures, category = course.emoji()
    emoji = datasets.Emoji()
    assert np.abs(emoji.data.numpy().transpose(0, 3, 1, 2) / 255 - pictures).max() < 0.6 / 255
    assert [emoji.classes[t] for t in emoji.targets.tolist()] == category.tolist() and len(emoji.captions) == len(emoji) == 1911
    assert np.asarray(emoji[5][0]).shape == (32, 32, 3) and emoji[5][1] == emoji.targets[5]
    texts, labels = course.mail()
    mail = datasets.Mail()
    assert mail.texts == texts and mail.targets.tolist() == labels.tolist() and mail[3] == (texts[3], labels[3])
    assert datasets.JaneAusten().text == course.jane_austen() and datasets.JaneAusten()[0]
    assert datasets.Verses().pairs == course.verses() and len(datasets.Verses().references) == 6111
    assert datasets.Verses(transform=len)[0] == 2
    years, months, degrees = course.elnino()
    sea = datasets.ElNino()
    assert (sea.years.numpy() == years).all() and (sea.months.numpy() == months).all() and len(sea) == 732
    assert np.allclose(sea.values.numpy(), degrees) and sea[13] == (1951, 1, pytest.approx(degrees[13]))
    votes, who, what = course.senate()
    senate = datasets.Senate()
    assert (senate.votes.numpy() == votes).all() and senate.senators == who and senate.motions == what and len(senate.dates) == 645
    assert len(senate) == np.count_nonzero(votes) and senate[0] == (0, 0, 0) and senate[-1] == (100, 644, int(votes[100, 644] > 0))
    credit, table = datasets.Credit(), read_csv(course.CREDIT, missing=["NA", "ignore"])
    assert [credit.classes[t] for t in credit.targets.tolist()] == table.pop("Status").tolist() and len(credit) == 4454
    assert list(credit.table) == list(table) and credit[1][0]["Job"] == "fixed" and credit[1] == (
        {name: column[1] for name, column in table.items()}, 0)
    assert np.isnan(credit.table["Income"]).sum() == 381 and datasets.Credit(transform=lambda row: row["Age"])[1] == (58, 0)


def test_mistakes():
    with pytest.raises(TypeError, match="train is True.*or False.*got 'test'"):
        datasets.MNIST(train="test")
    with pytest.raises(TypeError, match=r"MNIST: transform is a class: write ToTensor\(…\)"):
        datasets.MNIST(transform=ToTensor)
    with pytest.raises(TypeError, match="Mail: transform is a function, got str"):
        datasets.Mail(transform="lower")


def test_their_samples_can_be_batched():
    texts, labels = next(iter(torch.utils.data.DataLoader(datasets.Mail(), 3)))
    assert len(texts) == 3 and labels.shape == (3,)
    x, y = next(iter(torch.utils.data.DataLoader(datasets.MNIST(train=False).in_memory(), 5)))
    assert x.shape == (5, 1, 28, 28) and y.dtype == torch.int64


# ---- where they are ---------------------------------------------------------------------------------------------
@pytest.fixture
def no_clone(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "CLONE", tmp_path / "no" / "clone")
    monkeypatch.setattr(files, "clones", lambda: [files.CLONE])


def test_root_comes_first_and_the_error_says_where_it_looked(tmp_path, no_clone):
    for kind in [getattr(datasets, name) for name in datasets.course.__all__]:
        with pytest.raises(FileNotFoundError, match="no public home.*root="):
            kind(tmp_path)
    with pytest.raises(RuntimeError) as caught:                 # torchvision raises RuntimeError
        datasets.MNIST(tmp_path)
    assert str(tmp_path / "mnist.npz") in str(caught.value) and str(files.CLONE / "mnist.npz") in str(caught.value)
    assert "download=True" in str(caught.value)
    (tmp_path / "sunspots.csv").write_text("year,number\n1700,5\n1701,11\n")
    assert len(datasets.Sunspots(tmp_path)) == 2


@pytest.mark.parametrize("url, found", [("file://{}", True), ("https://example.org{}", False), (None, False)])
def test_a_copy_of_the_package_finds_the_clone_that_it_was_installed_from(url, found, tmp_path, monkeypatch):
    """`pip install .` copies the package away from its data, and notes where it came from."""
    clone = tmp_path / "my clone"
    (clone / "examples" / "data").mkdir(parents=True)
    (clone / "examples" / "data" / "some.csv").write_text("1")
    note = url and json.dumps({"url": url.format(str(clone).replace(" ", "%20")), "dir_info": {}})
    monkeypatch.setattr(files, "CLONE", tmp_path / "site-packages" / "examples" / "data")
    monkeypatch.setattr(files.importlib.metadata, "distribution", lambda name: types.SimpleNamespace(read_text=lambda file: note))
    if found:
        assert files.find_file("some.csv") == str(clone / "examples" / "data" / "some.csv")
    else:
        with pytest.raises(FileNotFoundError, match="site-packages"):
            files.find_file("some.csv")


def test_a_damaged_file_is_named(tmp_path, no_clone):
    (tmp_path / "mnist.npz").write_bytes(b"PK torn")
    (tmp_path / "mail.jsonl.gz").write_bytes(gzip.compress(b'{"label": 0, "subject": "s", "text": "t"}\n')[:-9])
    with pytest.raises(BadFile, match="mnist.npz.*damaged"):
        datasets.MNIST(tmp_path)
    with pytest.raises(BadFile, match="mail.jsonl.gz.*damaged"):
        datasets.Mail(tmp_path)
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((5, 28, 28), "uint8"), y_train=np.zeros(4, "uint8"))
    with pytest.raises(BadFile, match="mnist.npz' .*: 5 pictures in x_train, 4 labels in y_train, and there are 60,000 of each"):
        datasets.MNIST(tmp_path)
    np.savez(tmp_path / "mnist.npz", x_train=np.zeros((5, 28), "uint8"), y_train=np.zeros(4, "uint8"))
    with pytest.raises(BadFile, match=r"mnist.npz' is not MNIST: pictures of shape \(5, 28\)"):
        datasets.MNIST(tmp_path)


def test_what_belongs_together_is_there_equally_often(tmp_path, no_clone):
    np.savez(tmp_path / "emoji32.npz", rgba=np.zeros((3, 32, 32, 4), "uint8"), category=["a", "b"], caption=["x", "y", "z"])
    with pytest.raises(BadFile, match="emoji32.npz' is damaged: it has 3 pictures and 2 categories and 3 captions"):
        datasets.Emoji(tmp_path)
    votes = {"votes": np.ones((2, 3), "int8"), "senator": ["A", "B"], "party": ["D", "R"], "state": ["MA", "NE"],
             "subject": ["p", "q", "r"], "date": ["1", "2", "3"]}
    np.savez(tmp_path / "senate.npz", **votes)
    assert datasets.Senate(tmp_path)[5] == (1, 2, 1)
    np.savez(tmp_path / "senate.npz", **votes | {"subject": ["p", "q"]})
    with pytest.raises(BadFile, match="3 columns of votes and 2 motions"):
        datasets.Senate(tmp_path)
    (tmp_path / "elnino.csv").write_text("YEAR,JAN\n1950,23\n")
    with pytest.raises(BadFile, match="elnino.csv' is damaged: it has 2 columns"):
        datasets.ElNino(tmp_path)
    (tmp_path / "credit.csv").write_text("Status,Age\ngood,30\nbad\n")
    with pytest.raises(BadFile, match="credit.csv', line 3: 1 values, and there are 2 columns"):
        datasets.Credit(tmp_path)
    (tmp_path / "credit.csv").write_text("Age,Income\n30,1\n")
    with pytest.raises(BadFile, match="credit.csv' has no column 'Status'"):
        datasets.Credit(tmp_path)


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


def test_the_published_files_where_torchvision_puts_them(tmp_path, no_clone, monkeypatch):
    monkeypatch.setitem(mnist.COUNTS, "train", 7)
    images, labels = np.random.default_rng(0).integers(256, size=(7, 28, 28), dtype="uint8"), np.arange(7, dtype="uint8")
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
    (raw / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    found = datasets.MNIST(tmp_path)
    assert (found.data.numpy() == images).all() and found.targets.tolist() == labels.tolist()
    for content, text in [(idx(labels)[:-1], "train-labels-idx1-ubyte' is damaged: .* 7 numbers.* holds 6"),
                          (idx(labels) + b"x", "has 7 numbers.* holds 8"),
                          (idx(labels[:6]), "7 pictures in train-images-idx3-ubyte.gz, 6 labels in train-labels-idx1-ubyte"),
                          (idx(labels + 6), "a label in train-labels-idx1-ubyte is 12"),
                          (idx(images), "is not MNIST: .* labels of shape"),
                          (b"", "train-labels-idx1-ubyte' is damaged: it is empty"), (b"\0\0\x0d\1junk", "does not begin as")]:
        (raw / "train-labels-idx1-ubyte").write_bytes(content)
        with pytest.raises(BadFile, match=text) as caught:
            datasets.MNIST(tmp_path)
        assert "\n" not in str(caught.value)


def test_the_package_works_without_the_examples(tmp_path):
    shutil.copytree(os.path.dirname(torch.__file__), tmp_path / "tinygrad_like", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tinygrad_like-0.dist-info").mkdir()            # as from an index: pip notes no clone that it came from
    (tmp_path / "tinygrad_like-0.dist-info/METADATA").write_text("Name: tinygrad_like\nVersion: 0\n")
    code = ("from tinygrad_like.data import datasets\n"
            "try: datasets.MNIST('.')\n"
            "except FileNotFoundError as error: print('download=True' in str(error))")
    out = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
                         env={**os.environ, "PYTHONPATH": ""})
    assert out.stdout.strip() == "True", out.stderr


# ---- downloads --------------------------------------------------------------------------------------------------
class Server(http.server.BaseHTTPRequestHandler):
    """Answers as the address says; what was asked for is noted."""

    def do_GET(self):
        state = self.server.state
        state["asked"].append((self.path, self.headers.get("Range")))
        what, start = self.path.strip("/"), 0
        if what == "missing":
            return self.send_error(404)
        if what == "broken" or what == "busy-once" and len(state["asked"]) == 1:
            return self.send_error(503)
        content = CONTENT[:-1] + b"x" if what == "changed" else CONTENT
        if (wanted := self.headers.get("Range")) and what != "no-ranges":
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cut = {"truncated": start + 100_000, "always-cut": start + 1000, "cut-once": 100_000 if not start else None,
               "no-ranges": 100_000 if len(state["asked"]) == 1 else None}.get(what)
        self.wfile.write(content[start:cut])

    def log_message(self, *words): ...


@pytest.fixture
def server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    server.state = {"asked": []}
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_download(server, tmp_path):
    path = tmp_path / "new" / "file.bin"
    assert files.download_file(f"{server.url}/whole", path, RIGHT) == str(path)
    assert path.read_bytes() == CONTENT and os.listdir(path.parent) == ["file.bin"]


def test_an_answer_that_is_cut_off_is_gone_on_with(server, tmp_path):
    files.download_file(f"{server.url}/cut-once", tmp_path / "file", RIGHT)
    assert (tmp_path / "file").read_bytes() == CONTENT
    assert server.state["asked"] == [("/cut-once", None), ("/cut-once", "bytes=100000-")]


def test_a_later_call_goes_on_too(server, tmp_path):
    with pytest.raises(OSError, match="ended after 1000 of .*3000 bytes are kept in"):
        files.download_file(f"{server.url}/always-cut", tmp_path / "file", RIGHT)
    assert os.listdir(tmp_path) == ["file.part"] and (tmp_path / "file.part").read_bytes() == CONTENT[:3000]
    files.download_file(f"{server.url}/whole", tmp_path / "file", RIGHT)
    assert server.state["asked"][-1] == ("/whole", "bytes=3000-")
    assert (tmp_path / "file").read_bytes() == CONTENT and os.listdir(tmp_path) == ["file"]


def test_a_server_that_sends_all_again(server, tmp_path):
    files.download_file(f"{server.url}/no-ranges", tmp_path / "file", RIGHT)
    assert (tmp_path / "file").read_bytes() == CONTENT and len(server.state["asked"]) == 2


def test_all_had_come_but_the_name(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    files.download_file(f"{server.url}/whole", tmp_path / "file", RIGHT)
    assert (tmp_path / "file").read_bytes() == CONTENT
    (tmp_path / "other.part").write_bytes(CONTENT + b"more")      # of something else
    files.download_file(f"{server.url}/whole", tmp_path / "other", RIGHT)
    assert (tmp_path / "other").read_bytes() == CONTENT


def test_a_wrong_checksum(server, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(RuntimeError, match=f"SHA-256 is .* should be {RIGHT}"):
        files.download_file(f"{server.url}/changed", tmp_path / "file", RIGHT)
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"old"
    (tmp_path / "next.part").write_bytes(b"of something else")
    files.download_file(f"{server.url}/whole", tmp_path / "next", RIGHT)           # the first attempt comes out wrong
    assert (tmp_path / "next").read_bytes() == CONTENT


def test_refusals(server, tmp_path):
    for what, times, text in ("missing", 1, "answers 404 Not Found"), ("broken", 3, "answers 503"):
        server.state["asked"].clear()
        with pytest.raises(OSError, match=text):
            files.download_file(f"{server.url}/{what}", tmp_path / "file")
        assert len(server.state["asked"]) == times and os.listdir(tmp_path) == []
    server.state["asked"].clear()
    assert files.download_file(f"{server.url}/busy-once", tmp_path / "file", RIGHT)
    with pytest.raises(OSError, match="refused"):
        files.download_file("http://127.0.0.1:9", tmp_path / "other")
    for bad in "file:///etc/hostname", "ftp://127.0.0.1/x", "x":
        with pytest.raises(ValueError, match="http"):
            files.download_file(bad, tmp_path / "other")
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk(server, tmp_path, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("this machine has no /dev/full")
    (tmp_path / "file.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="cannot write .*No space left"):
        files.download_file(f"{server.url}/whole", tmp_path / "file", RIGHT)
    assert len(server.state["asked"]) == 1 and not (tmp_path / "file").exists()


def test_two_processes_at_once(server, tmp_path):
    results = []
    threads = [threading.Thread(target=lambda: results.append(files.download_file(f"{server.url}/whole", tmp_path / "file", RIGHT)))
               for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert results == [str(tmp_path / "file")] * 4 and (tmp_path / "file").read_bytes() == CONTENT
    assert os.listdir(tmp_path) == ["file"]


def test_mnist_is_fetched_from_the_first_home_that_answers(server, tmp_path, no_clone, monkeypatch):
    monkeypatch.setattr(mnist, "URLS", [f"{server.url}/missing", f"{server.url}/whole"])
    monkeypatch.setattr(mnist, "SHA256", RIGHT)
    with pytest.raises(BadFile, match="damaged, or not MNIST"):   # it came, and is random bytes
        datasets.MNIST(tmp_path, download=True)
    assert [path for path, _ in server.state["asked"]] == ["/missing", "/whole"]
    monkeypatch.setattr(mnist, "URLS", [f"{server.url}/missing"])
    with pytest.raises(RuntimeError, match="(?s)not found in.*could not be downloaded:.*404"):
        datasets.MNIST(tmp_path / "other", download=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "URLS", [f"{server.url}/whole"])
    with pytest.raises(BadFile):
        datasets.mnist_arrays()
    assert os.listdir(tmp_path / "cache" / "tinygrad_like") == ["mnist.npz"]
