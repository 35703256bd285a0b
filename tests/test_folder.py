"""Data sets in folders: what becomes a sample, what does not, and what is said about it."""
import os
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like.data import transforms as T
from tinygrad_like.data.folder import DatasetFolder, ImageFolder, UnreadableFile

Image = pytest.importorskip("PIL.Image")


def paint(path, colour=(1, 2, 3), size=(4, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "train"
    for i, name in enumerate(["dog/b.png", "dog/a.jpg", "cat/z.png", "cat/more/1.PNG", "cat/more-2/0.bmp", "cat/a.png"]):
        paint(root / name, (i, 0, 0))
    return root


def names(dataset):
    return [os.path.relpath(path, dataset.root) for path, _ in dataset.samples]


def told(root, **kwargs):
    """The data set, and the one line that it warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dataset = ImageFolder(root, **kwargs)
    assert len(caught) <= 1
    line = str(caught[0].message) if caught else ""
    assert "\n" not in line and (not caught or caught[0].filename == __file__)
    return dataset, line


def refused(kind, root, *words, **kwargs):
    """The error is of one line, which has these words."""
    with pytest.raises(kind) as error:
        ImageFolder(root, **kwargs)
    line = str(error.value)
    assert "\n" not in line and line.startswith("ImageFolder: ")
    for word in words:
        assert word in line, line
    return line


# ---- what is there ----------------------------------------------------------------------------------------------
def test_classes_and_samples(root):
    data, line = told(root)
    assert line == "" and data.skipped == []
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and data.targets == [0, 0, 0, 0, 1, 1]
    assert names(data) == ["cat/a.png", "cat/z.png", "cat/more/1.PNG", "cat/more-2/0.bmp", "dog/a.jpg", "dog/b.png"]
    assert data.imgs is data.samples and len(data) == 6 and data.describe(4) == str(root / "dog/a.jpg")
    picture, target = data[1]
    assert picture.mode == "RGB" and picture.size == (4, 3) and picture.getpixel((0, 0)) == (2, 0, 0) and target == 0
    assert data[-1][1] == 1
    with pytest.raises(IndexError):
        data[6]


def test_torchvision_s_import_line(root):
    from tinygrad_like.data import datasets, transforms
    assert datasets.ImageFolder is ImageFolder and datasets.DatasetFolder is DatasetFolder and transforms is T
    assert tg.data.datasets.ImageFolder is ImageFolder


def test_transforms_and_printing(root):
    data = ImageFolder(str(root), T.Compose([T.Resize((8, 8)), T.ToTensor()]), target_transform=T.Lambda(lambda c: c + 10))
    x, y = data[0]
    assert x.shape == (3, 8, 8) and x.dtype == tg.float32 and y == 10
    assert repr(data) == f"""Dataset ImageFolder
    Number of datapoints: 6
    Root location: {root}
    StandardTransform
Transform: Compose(
               Resize(size=(8, 8), interpolation=bilinear, max_size=None, antialias=True)
               ToTensor()
           )
Target transform: Lambda()"""


def test_a_loader_and_is_valid_file_of_ones_own(root):
    data = ImageFolder(root, loader=os.path.basename, is_valid_file=lambda path: "z" in path or path.endswith("jpg"))
    assert [data[i] for i in range(2)] == [("z.png", 0), ("a.jpg", 1)] and data.skipped == []
    (root / "cat" / "notes.txt").write_text("miaow")
    (root / "dog" / "notes.txt").write_text("wow")
    with pytest.warns(UserWarning, match="cat/a.png .*and 1 more"):
        data = DatasetFolder(root, lambda path: open(path).read(), (".txt",))
    assert [data[0], data[1]] == [("miaow", 0), ("wow", 1)]
    with pytest.raises(ValueError, match="either extensions or is_valid_file"):
        DatasetFolder(root, open)


def test_find_classes_may_be_overridden(root):
    class Cats(ImageFolder):
        def find_classes(self, directory):
            return ["cat"], {"cat": 7}

    assert set(Cats(root).targets) == {7} and len(Cats(root)) == 4


def test_it_travels_to_workers(root):
    data = pickle.loads(pickle.dumps(ImageFolder(root, T.ToTensor())))
    assert (data[5][0].numpy() == ImageFolder(root, T.ToTensor())[5][0].numpy()).all()


def test_a_loader_trains_on_it(root):
    loader = tg.utils.data.DataLoader(ImageFolder(root, T.Compose([T.RandomCrop(2), T.ToTensor()])), batch_size=4)
    batches = list(loader)
    assert [x.shape for x, _ in batches] == [(4, 3, 2, 2), (2, 3, 2, 2)] and batches[1][1].tolist() == [1, 1]


def test_a_failing_sample_is_named_by_the_loader(root):
    (root / "dog" / "a.jpg").write_bytes(b"no picture")
    loader = tg.utils.data.DataLoader(ImageFolder(root, T.ToTensor()), batch_size=2)
    with pytest.raises(UnreadableFile, match=r"dog/a\.jpg"):
        list(loader)


# ---- a root that is none ----------------------------------------------------------------------------------------
def test_a_root_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(FileNotFoundError, "train", "no folder train in", str(tmp_path))
    refused(FileNotFoundError, tmp_path / "train", str(tmp_path / "train"))


def test_a_root_that_is_a_file(tmp_path):
    paint(tmp_path / "a.png")
    refused(NotADirectoryError, tmp_path / "a.png", "a.png", "is a file")


def test_a_root_without_class_folders(tmp_path):
    paint(tmp_path / "a.png")
    refused(FileNotFoundError, tmp_path, "no class folder", str(tmp_path), "one folder for each class")


def test_images_in_no_class_folder_are_named(root):
    paint(root / "lost.png")
    (root / "labels.csv").write_text("")
    data, line = told(root)
    assert len(data) == 6 and "train/lost.png (in no class folder)" in line and "labels" not in line


def test_hidden_folders_are_no_classes(root):
    paint(root / ".ipynb_checkpoints" / "a.png")
    assert ImageFolder(root).classes == ["cat", "dog"]


# ---- classes without samples ------------------------------------------------------------------------------------
def test_an_empty_class(root):
    (root / "ant").mkdir()
    refused(FileNotFoundError, root, "class folder ant", "allow_empty=True", ".png")
    data, line = told(root, allow_empty=True)
    assert data.classes == ["ant", "cat", "dog"] and set(data.targets) == {1, 2} and line == ""


def test_a_class_of_other_files_alone(root):
    (root / "ant").mkdir()
    (root / "ant" / "notes.txt").write_text("ants")
    refused(FileNotFoundError, root, "class folder ant", "notes.txt (no sample by its name)", "allow_empty")
    assert told(root, allow_empty=True)[1].endswith("train/ant/notes.txt (no sample by its name)")


# ---- files that are no images -----------------------------------------------------------------------------------
def test_a_text_file_is_left_out_and_named(root):
    (root / "cat" / "notes.txt").write_text("cats")
    for litter in ("Thumbs.db", ".DS_Store", "._a.png"):
        (root / "cat" / litter).write_text("")
    data, line = told(root)
    assert len(data) == 6 and line.startswith("ImageFolder: left out") and "train/cat/notes.txt (no sample by its name)" in line
    assert data.skipped == [(str(root / "cat" / "notes.txt"), "no sample by its name")]


def damage(root):
    paint(root / "cat" / "cut.png", size=(200, 100))
    whole = (root / "cat" / "cut.png").read_bytes()
    (root / "cat" / "cut.png").write_bytes(whole[:len(whole) // 2])
    (root / "cat" / "text.jpg").write_text("a text")
    return ["cut.png", "text.jpg"]


def test_damaged_images_are_errors_that_name_the_file(root):
    damage(root)
    data, line = told(root)
    assert line == "" and len(data) == 8
    for i, (path, _) in enumerate(data.samples):
        if "cut" in path or "text" in path:
            with pytest.raises(UnreadableFile) as error:
                data[i]
            assert isinstance(error.value, OSError) and isinstance(error.value, ValueError) and "\n" not in str(error.value)
            assert f"{path} cannot be read" in str(error.value) and "on_error='skip'" in str(error.value)
        else:
            assert data[i][0].size == (4, 3)
    with pytest.raises(UnreadableFile, match="no image that Pillow knows"):
        data[[i for i, (path, _) in enumerate(data.samples) if "text" in path][0]]


def test_damaged_images_are_skipped_on_request(root):
    damage(root)
    (root / "dog" / "empty.png").write_bytes(b"")
    data, line = told(root, on_error="skip")
    assert len(data) == 6 and [data[i][0].size for i in range(6)] == [(4, 3)] * 6
    assert [os.path.basename(path) for path, _ in data.skipped] == ["cut.png", "text.jpg", "empty.png"]
    for word in ("cat/cut.png", "cat/text.jpg", "dog/empty.png (it is empty)"):
        assert word in line
    with pytest.raises(ValueError, match="'raise' or 'skip', got 'ignore'"):
        ImageFolder(root, on_error="ignore")


def test_many_faults_are_told_in_a_line(root):
    for i in range(20):
        (root / "cat" / f"{i:02}.png").write_bytes(b"")
    line = refused(UnreadableFile, root, "cat/00.png (it is empty)", "cat/04.png", "and 15 more", "on_error='skip'")
    assert "05.png" not in line


def test_an_empty_file(root):
    (root / "dog" / "empty.png").write_bytes(b"")
    refused(UnreadableFile, root, "dog/empty.png (it is empty)", "on_error='skip'")


def test_a_file_that_went_away(root):
    data = ImageFolder(root)
    (root / "cat" / "a.png").unlink()
    with pytest.raises(UnreadableFile, match=r"cat/a\.png cannot be read: no such file"):
        data[0]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be read")
def test_files_that_may_not_be_read(root):
    (root / "cat" / "a.png").chmod(0)
    (root / "cat" / "more").chmod(0)
    try:
        refused(UnreadableFile, root, "cat/more (the folder cannot be read")
        data, line = told(root, on_error="skip")
        assert len(data) == 4 and "cat/a.png (permission denied)" in line
    finally:
        (root / "cat" / "more").chmod(0o755)


def test_huge_images(root, monkeypatch):
    paint(root / "cat" / "huge.png", size=(100, 100))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = ImageFolder(root)
    with pytest.raises(UnreadableFile, match=r"cat/huge\.png.*may be an attack.*raise PIL\.Image\.MAX_IMAGE_PIXELS"):
        data[names(data).index("cat/huge.png")]
    assert "cat/huge.png" in told(root, on_error="skip")[1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_what_is_no_regular_file(root):
    os.mkfifo(root / "cat" / "pipe.png")
    refused(UnreadableFile, root, "cat/pipe.png (it is no regular file)")
    assert len(told(root, on_error="skip")[0]) == 6


def test_names_are_printed_in_a_line(root):
    (root / "cat" / "a\nb.png").write_bytes(b"")
    refused(UnreadableFile, root, r"cat/a\nb.png (it is empty)")


# ---- links ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("folder", [True, False])
def test_links_out_of_the_root_are_refused(root, tmp_path, folder):
    paint(tmp_path / "secret" / "a.png")
    (root / "cat" / "link.png").symlink_to(tmp_path / "secret" / ("" if folder else "a.png"))
    refused(UnreadableFile, root, "cat/link.png (it is a link out of the root, to", "secret", "on_error='skip'")
    data, line = told(root, on_error="skip")
    assert len(data) == 6 and "cat/link.png (it is a link out of the root" in line


def test_class_folders_that_are_links_out_of_the_root(root, tmp_path):
    paint(tmp_path / "train-2" / "a.png")                       # a neighbour whose name begins like the root's
    (root / "ant").symlink_to(tmp_path / "train-2")
    refused(UnreadableFile, root, "train/ant (it is a link out of the root")
    refused(FileNotFoundError, root, "class folder ant", "it is a link out of the root", on_error="skip")
    assert len(told(root, on_error="skip", allow_empty=True)[0]) == 6


def test_links_inside_the_root_are_followed(root, tmp_path):
    (root / "cat" / "twin.png").symlink_to(root / "dog" / "b.png")
    (root / "ant").symlink_to(root / "dog")
    (tmp_path / "way").symlink_to(root)                         # the root itself may be reached by a link
    data, line = told(tmp_path / "way")
    assert line == "" and data.classes == ["ant", "cat", "dog"] and len(data) == 9
    assert data[names(data).index("cat/twin.png")][0].getpixel((0, 0)) == (0, 0, 0)


def test_links_in_circles_and_to_nothing(root):
    (root / "cat" / "round").symlink_to(root / "cat")
    (root / "dog" / "gone.png").symlink_to(root / "dog" / "nothing.png")
    refused(UnreadableFile, root, "cat/round (it is a link to a folder that it lies in)")
    data, line = told(root, on_error="skip")
    assert len(data) == 6 and "dog/gone.png (it is a link to" in line and "not there" in line


# ---- slips ------------------------------------------------------------------------------------------------------
def test_slips_of_the_pen(root):
    for kwargs, word in (({"transform": T.ToTensor}, "write ToTensor"), ({"transform": 3}, "transform is a function"),
                         ({"target_transform": "a"}, "target_transform is a function")):
        with pytest.raises(TypeError, match=word):
            ImageFolder(root, **kwargs)


def test_pictures_of_all_kinds_come_in_red_green_and_blue(root):
    noise = np.random.default_rng(0).integers(0, 256, (5, 6, 3), dtype="uint8")
    for mode in ("L", "P", "RGBA", "1", "LA"):
        Image.fromarray(noise).convert("L" if mode == "LA" else mode).convert(mode).save(root / "cat" / f"{mode}.png")
    data = ImageFolder(root, T.ToTensor())
    assert {x.shape for x, _ in data} == {(3, 3, 4), (3, 5, 6)}
