"""The programs of the articles: corrected ones run and are past the articles' numbers; as printed, the faulty ones teach."""
import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn, optim
from tinygrad_like.data.datasets import mnist_arrays

from .seeds import listing
from .test_examples import FULL, run

LISTINGS = Path(__file__).parent.parent / "examples" / "listings"

# what the last line says, and the bounds of its number: with --quick, and whole; the package that it needs
PROMISES = {
    "l1_convnet.py": ("test accuracy", (0.3, 1), (0.5, 1), "PIL"),
    "l2_keras_functional.py": ("test accuracy", (0.93, 1), (0.98, 1), None),
    "l3_keras_sequential.py": ("test accuracy", (0.93, 1), (0.98, 1), None),
    "l4_generate.py": ("test loss", (5, 6.4), (3, 4), "tokenizers"),
    "l5_embedding.py": ("largest difference", (0, 1e-6), (0, 1e-6), None),
    "l7_text_classifier.py": ("test accuracy", (0.6, 1), (0.65, 1), None),
}


# ---- corrected --------------------------------------------------------------------------------------------------
def test_every_listing_has_a_promise():
    assert sorted(PROMISES) == sorted(path.name for path in LISTINGS.glob("l*.py"))


@pytest.mark.parametrize("name", PROMISES)
def test_listing(name, tmp_path):
    what, quick, whole, package = PROMISES[name]
    if package:
        pytest.importorskip(package)
    low, high = whole if FULL else quick
    status, lines, errors = run(LISTINGS / name, *([] if FULL or name.startswith("l5") else ["--quick"]), folder=tmp_path)
    assert status == 0, errors
    number = re.fullmatch(rf"{what} (\S+)", lines[-1])
    assert number, f"the last line is {lines[-1]!r}"
    assert low <= float(number[1]) <= high
    if name.startswith("l4"):
        before = re.search(r"the pre-trained model has loss (\S+) a token", lines[-2])
        assert before and float(before[1]) > float(number[1]) + 0.1
        assert len([line for line in lines if line.startswith("- And the king said")]) == 5
    if "keras" in name:
        assert re.search(r"^the article gives 0\.9", lines[-2])
        assert f"Total params: {'225,034' if name.startswith('l2') else '93,322'} " in "\n".join(lines)


def test_without_pillow_l1_says_what_to_install(tmp_path):
    program = f"import sys; sys.modules['PIL'] = None; sys.path.insert(0, {str(LISTINGS)!r}); import l1_convnet"
    status, _, errors = run("-c", program, folder=tmp_path)
    assert status == 1 and errors.strip() == "this program writes and reads pictures by Pillow: pip install '.[vision]'"


def test_each_correction_is_named():
    """A line that is not the article's has, in its block, the number of the mistake that it mends."""
    for name, numbers in {"l1_convnet.py": ["M-01", "M-03"], "l2_keras_functional.py": ["M-05", "M-07"],
                          "l3_keras_sequential.py": ["M-16"], "l4_generate.py": ["M-20", "M-21", "M-22"],
                          "l5_embedding.py": ["M-19"], "l7_text_classifier.py": ["M-24", "M-25", "M-26"]}.items():
        text = (LISTINGS / name).read_text(encoding="utf-8")
        for number in numbers:
            assert re.search(rf"# .*{number}|\"\"\"{number}", text), f"{name} has no comment with {number}"


# ---- as printed -------------------------------------------------------------------------------------------------
def execute(program, **names):
    """Run a program as a file that is started, with these names in place of what it imports or finds."""
    scope = {"__name__": "__main__", **names}
    exec(compile(program, "listing", "exec"), scope)
    return scope


@pytest.fixture
def digits():
    (x, y), (tx, ty) = mnist_arrays()
    return (x[:256], y[:256]), (tx[:64], ty[:64])


def test_l1_as_printed_says_where_65536_comes_from(tmp_path, monkeypatch):
    Image = pytest.importorskip("PIL.Image")
    for part in "train", "test":
        for i in range(10):
            (tmp_path / part / str(i)).mkdir(parents=True)
            Image.fromarray(np.full((40, 30, 3), 20 * i, "uint8")).save(tmp_path / part / str(i) / "1.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError) as caught:
        execute(listing(0, "ConvNet"))
    text = str(caught.value)
    assert "65536" in text.replace(",", "") and "4096" in text.replace(",", ""), text             # both sizes
    assert "64" in text and "32" in text and "fc1" in text, text
    assert re.search(r"64 ?[·×x*] ?32 ?[·×x*] ?32", text), text                                   # where it comes from
    assert "pool" in text.lower(), text                                                           # what is missing


def test_l2_as_printed_says_which_labels_it_wants(digits, monkeypatch):
    from tinygrad_like.keras.datasets import mnist
    monkeypatch.setattr(mnist, "load_data", lambda: digits)
    with pytest.raises(ValueError) as caught:
        execute(listing(1, "build_model"))
    text = str(caught.value)
    assert "(32, 10)" in text and "(32,)" in text
    assert "sparse_categorical_crossentropy" in text and "to_categorical" in text


def test_l3_as_printed_is_missing_its_data():
    with pytest.raises(TypeError, match="ellipsis"):
        execute(listing(2, "create_model"))


def test_l3_with_pictures_says_that_the_channels_have_no_axis(digits):
    program = listing(2, "create_model")
    assert "train_images, train_labels, test_images, test_labels = ..." in program
    (x, y), (tx, ty) = digits
    with pytest.raises(ValueError) as caught:
        execute(program.replace("test_labels = ...", "test_labels = DATA"), DATA=(x, y, tx, ty))
    text = str(caught.value)
    assert "(32, 28, 28)" in text and "28, 28, 1" in text and "[..., None]" in text and "channels" in text
    assert "x[:, None]" not in text                                                               # which would be PyTorch's way


def test_l3_with_that_axis_runs(digits, capsys):
    program = listing(2, "create_model")
    (x, y), (tx, ty) = digits
    data = x[..., None], y, tx[..., None], ty
    execute(program.replace("test_labels = ...", "test_labels = DATA"), DATA=data)
    assert "Test accuracy:" in capsys.readouterr().out


def test_l4_as_printed_says_how_five_texts_come_about(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tokenizers")
    from tinygrad_like.transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer
    program = listing(3, "GPT2LMHeadModel")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="no folder 'gpt2'.*Nothing is fetched here"):
        execute(program)
    tl.manual_seed(0)
    tokenizer = GPT2Tokenizer().train_new_from_iterator(["这里是一段文本数据"], 300)
    config = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_layer=1, n_head=2, n_embd=16,
                        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id)
    for folder in "gpt2", "your_fine_tuned_model":
        GPT2LMHeadModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    with pytest.raises(ValueError) as caught:
        execute(program)
    text = str(caught.value)
    assert "num_return_sequences=5" in text and "do_sample=True" in text and "num_beams=5" in text
    scope = execute(program.replace("num_return_sequences=5", "num_return_sequences=5, do_sample=True"))
    assert scope["output"].shape[0] == 5 and scope["output"].shape[1] <= 50
    written = eval(capsys.readouterr().out)                     # a list of five texts, printed as Python prints it
    assert len(written) == 5 and all(each.startswith("这里是一段文本数据") for each in written)


def test_without_tokenizers_l4_says_what_to_install(tmp_path):
    program = f"import sys; sys.modules['tokenizers'] = None; sys.path.insert(0, {str(LISTINGS)!r}); import l4_generate; " \
              "l4_generate.main()"
    status, _, errors = run("-c", program, folder=tmp_path)
    assert status == 1 and "pip install 'tinygrad_like[text]'" in errors.strip().splitlines()[-1]


def test_l5_as_printed(capsys):
    scope = execute(listing(3, "embed_matrix"))
    out = capsys.readouterr().out
    assert "嵌入层输出： tensor([[" in out and "编码器输出： tensor([[" in out
    assert tuple(scope["encode_output"].shape) == (5, 10)


def test_l7_as_printed_wants_its_data():
    with pytest.raises(NameError, match="data_loader"):
        execute(listing(4, "TextClassifier"))


def test_l7_as_printed_runs_with_data(capsys):
    tl.manual_seed(0)
    x, y = tl.randn(8, 1000), tl.randint(0, 10, (8,))
    scope = execute(listing(4, "TextClassifier").replace("range(100)", "range(3)"), data_loader=[(x, y)])
    assert sum(p.numel() for p in scope["model"].parameters()) == 505_510
    out = capsys.readouterr().out
    losses = [float(each) for each in re.findall(r"Loss: (\S+)", out)]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert tuple(scope["outputs"].shape) == (1, 10)


# ---- names after one import -------------------------------------------------------------------------------------
def test_one_import_is_enough():
    import tinygrad_like as torch
    assert torch.utils.data.DataLoader is tl.data.DataLoader
    assert torch.optim.Adam is optim.Adam and torch.nn.CrossEntropyLoss is nn.CrossEntropyLoss
    import tinygrad_like.data.datasets as datasets
    import tinygrad_like.data.transforms as transforms
    assert {"ImageFolder", "MNIST"} <= {name for name in ("ImageFolder", "MNIST") if hasattr(datasets, name)}
    assert all(hasattr(transforms, name) for name in ("Compose", "Resize", "ToTensor"))


def test_keras_is_there_after_one_import(tmp_path):
    program = ("import sys; import tinygrad_like as tf; assert 'tinygrad_like.keras' not in sys.modules; "
               "tf.keras.Input; tf.keras.datasets.mnist.load_data; tf.keras.layers.Conv2D; tf.keras.utils.to_categorical; "
               "tf.keras.optimizers.Adam; tf.keras.callbacks.EarlyStopping; tf.keras.losses.CategoricalCrossentropy; "
               "tf.keras.models.Sequential; tf.keras.metrics.AUC; print('all')")
    status, lines, errors = run("-c", program, folder=tmp_path)
    assert (status, lines) == (0, ["all"]), errors
