"""The doctor and the tracer stay silent on the examples of the course: their models, their data, their first steps."""
import importlib.util
import re
import runpy
import sys
from pathlib import Path

import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import TrainingDoctor, doctor, nn, optim, trace_nonfinite
from tinygrad_like.watch import Watcher

EXAMPLES = Path(__file__).parent.parent / "examples"
STEPS = 11                                                      # what the doctor waits for is seen after ten


class Enough(BaseException):
    """Ends an example."""


class Shortened(Watcher):
    """Ends the program after some steps of its optimizer; of one without, after some ops."""
    steps = ops = 0

    def recorded(self, node):
        self.ops += 1
        if self.ops >= 500 * (1 + STEPS * (self.steps > 0)):
            raise Enough

    def step(self, optimizer, run):
        out = run()
        self.steps += 1
        if self.steps >= STEPS:
            raise Enough
        return out


@pytest.fixture(autouse=True)
def course(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    sys.modules.pop("data", None)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("[0-9]*.py")))
def test_an_example_as_it_runs(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--quick"])
    end = Shortened()
    with TrainingDoctor() as found, trace_nonfinite():
        try:
            with end:
                runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        except Enough:
            pass
    assert found.report().names == [], str(found.report())
    assert end.ops > 20


def example(number):
    """A file of the course as a module, without running its main()."""
    path = next(EXAMPLES.glob(f"{number:02d}_*.py"))
    spec = importlib.util.spec_from_file_location("example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tl.manual_seed(0)
    return module


def convnet():
    m = example(4)
    images, labels = m.digits("test", "cpu")
    model = m.MnistCNN()
    return model, nn.CrossEntropyLoss(), optim.Adam(model.parameters(), lr=1e-3), (images[:32], labels[:32])


def resnet():
    m = example(5)
    _, ((pictures, numbers), *_) = m.three_parts("cpu")
    model = m.network("cpu")
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=100)
    return model, nn.CrossEntropyLoss(), optimizer, (pictures[:32], numbers[:32])


def spam():
    m = example(6)
    texts, labels = m.mail()
    mails = [m.split(text) for text in texts[:32]]
    vocabulary = {word: n for n, word in enumerate({word for mail in mails for word in mail}, start=2)}
    model = m.LSTMClassifier(m.VOCABULARY, bidirectional=True, dropout=0.5, padding_idx=m.PADDING)
    inputs = m.numbered(mails, {word: n for word, n in vocabulary.items() if n < m.VOCABULARY}, "cpu")
    return model, F.cross_entropy, optim.Adam(model.parameters(), lr=4e-3), (*inputs, tl.tensor(labels[:32], dtype=tl.int64))


def gpt():
    m = example(7)
    text = m.jane_austen()[:5000]
    letters = sorted(set(text))
    model = m.GPT(m.GPTConfig(block_size=m.BLOCK, vocab_size=len(letters), n_layer=2, n_head=2, n_embd=64))
    inputs, targets = m.windows(tl.tensor([letters.index(letter) for letter in text]), tl.randint(0, 4000, (8,)))
    return model, lambda out, target: out[1], optim.AdamW(model.parameters(), lr=m.RATE), (inputs, targets, targets)


def translator():
    m = example(8)
    pairs = m.verses()[:32]
    english, spanish = m.Vocabulary([e for e, _ in pairs]), m.Vocabulary([s for _, s in pairs])
    x, y = english.rows([e for e, _ in pairs]), spanish.rows([s for _, s in pairs])
    model = m.TranslationTransformer.small(len(english.words), len(spanish.words), dropout=0.1)

    def loss(out, target):
        return F.cross_entropy(out.flatten(0, 1), target.flatten(), ignore_index=m.PAD, label_smoothing=0.1)
    return model, loss, optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98)), (x, y[:, :-1], m.asked(y))


def reverser():
    m = example(9)
    words = sorted(set(re.findall("[a-z]{3,8}", m.jane_austen()[:20000].lower())))[:64]
    wanted = m.tokens_of([word[::-1] for word in words])
    model, loss = m.Reverser(), nn.CrossEntropyLoss(ignore_index=m.PAD)
    return (model, lambda out, target: loss(out[0].flatten(0, 1), target.flatten()), optim.Adam(model.parameters()),
            (m.tokens_of(words), wanted.masked_fill(wanted == m.END, m.PAD)))


def autoencoder():
    m = example(12)
    x = tl.tensor(m.mnist("test")[0][:64].reshape(-1, 784), dtype=tl.float32) / 255
    model = m.Autoencoder()
    return model, lambda out, target: m.errors_of(target, out).mean(), optim.Adam(model.parameters(), lr=1e-3), (x, x)


def recommender():
    m = example(13)
    model = m.Recommender(100, 600, 0.5, m.TASTES)
    batch = tl.randint(0, 100, (256,)), tl.randint(0, 600, (256,)), tl.randint(0, 2, (256,)).float()
    return model, nn.MSELoss(), optim.Adam(model.parameters(), lr=5e-3), batch


@pytest.mark.parametrize("made", [convnet, resnet, spam, gpt, translator, reverser, autoencoder, recommender],
                         ids=lambda made: made.__name__)
def test_a_check_of_its_model(made):
    report = doctor(*made())
    assert report.names == [], str(report)
