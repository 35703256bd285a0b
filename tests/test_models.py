"""The models: their sizes, the names of their weights, and that their very source computes the same on PyTorch."""
import importlib
import inspect
import math
import re
import sys

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import models, nn

COUNTS = {                                                      # parameters, as published (SPEC §11 for the listings)
    "MnistCNN()": 225_034, "SequentialCNN()": 93_322, "LeNet5()": 61_706, "MLP([1000, 500, 10])": 505_510, "ConvNet()": 545_098,
    "resnet18()": 11_689_512, "resnet34()": 21_797_672, "resnet50()": 25_557_032, "resnet101()": 44_549_160,
    "resnet152()": 60_192_808,
    "resnet20()": 269_722, "resnet32()": 464_154, "resnet44()": 658_586, "resnet56()": 853_018, "resnet110()": 1_727_962,
    "vgg11()": 132_863_336, "vgg11_bn()": 132_868_840, "vgg13()": 133_047_848, "vgg13_bn()": 133_053_736,
    "vgg16()": 138_357_544, "vgg16_bn()": 138_365_992, "vgg19()": 143_667_240, "vgg19_bn()": 143_678_248,
    "GPT(GPTConfig(vocab_size=50257))": 124_439_808,            # GPT-2, small
}
SMALL = {name: count for name, count in COUNTS.items() if count < 2e6}


@pytest.fixture
def no_numbers(monkeypatch):
    """Weights that are not drawn: as only their shapes matter, a large model is there at once."""
    for name in nn.init.__all__:
        if name.endswith("_"):
            monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)


def make(text):
    return eval(text, {**vars(models)})


@pytest.mark.parametrize("text", COUNTS)
def test_as_many_parameters_as_published(text, no_numbers):
    assert sum(p.numel() for p in make(text).parameters()) == COUNTS[text]


# ---- names ------------------------------------------------------------------------------------------------------
def conv_bn(i, j, of=""):
    return [f"{of}conv{i}.weight", *[f"{of}bn{j}.{name}" for name in
            ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]]


def torchvision_resnet(layers, convs, expansion):
    """The keys of torchvision's ResNets."""
    keys = conv_bn(1, 1)
    for layer, count in enumerate(layers, 1):
        for block in range(count):
            of = f"layer{layer}.{block}."
            for i in range(1, convs + 1):
                keys += conv_bn(i, i, of)
            if block == 0 and (layer > 1 or expansion > 1):
                keys += [f"{of}downsample.0.weight", *[key.replace("bn1", "downsample.1") for key in conv_bn(1, 1, of)[1:]]]
    return [*keys, "fc.weight", "fc.bias"]


@pytest.mark.parametrize("text, keys", [
    ("resnet18()", torchvision_resnet([2, 2, 2, 2], 2, 1)), ("resnet34()", torchvision_resnet([3, 4, 6, 3], 2, 1)),
    ("resnet50()", torchvision_resnet([3, 4, 6, 3], 3, 4)), ("resnet152()", torchvision_resnet([3, 8, 36, 3], 3, 4))])
def test_resnets_have_torchvisions_names(text, keys, no_numbers):
    assert list(make(text).state_dict()) == keys


def test_vggs_have_torchvisions_names(no_numbers):
    keys = list(make("vgg11()").state_dict())
    assert keys == [f"features.{i}.{name}" for i in (0, 3, 6, 8, 11, 13, 16, 18) for name in ("weight", "bias")] + [
        f"classifier.{i}.{name}" for i in (0, 3, 6) for name in ("weight", "bias")]
    with_norms = make("vgg16_bn()").state_dict()
    assert "features.41.running_var" in with_norms and with_norms["features.40.weight"].shape == (512, 512, 3, 3)
    assert with_norms["classifier.0.weight"].shape == (4096, 25088)


def test_cifar_resnets_have_the_published_names():
    model = models.resnet20()
    keys = conv_bn(1, 1) + [key for layer in (1, 2, 3) for block in range(3) for i in (1, 2)
                            for key in conv_bn(i, i, f"layer{layer}.{block}.")] + ["linear.weight", "linear.bias"]
    assert list(model.state_dict()) == keys
    published = {f"module.{key}": x for key, x in models.resnet20().state_dict().items()}
    model.load_state_dict({key.removeprefix("module."): x for key, x in published.items()})


def test_the_shortcut_of_option_a():
    """Every other pixel, and zeros for the new channels: half of them in front."""
    block = models.resnet_cifar.CifarBlock(16, 32, 2)
    x = tl.randn(2, 16, 6, 6)
    y = block.shortcut(x).numpy()
    assert y.shape == (2, 32, 3, 3) and not y[:, :8].any() and not y[:, 24:].any()
    assert np.array_equal(y[:, 8:24], x.numpy()[:, :, ::2, ::2])


def test_gpts_have_the_published_names():
    keys = list(models.GPT(models.GPTConfig(8, 5, 1, 2, 4)).state_dict())
    assert keys == ["transformer.wte.weight", "transformer.wpe.weight", *[f"transformer.h.0.{name}" for name in (
        "ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias",
        "ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias")],
        "transformer.ln_f.weight", "transformer.ln_f.bias", "lm_head.weight"]


# ---- the same source on PyTorch ---------------------------------------------------------------------------------
IMPORTS = """
import torch
from torch import nn, Tensor, no_grad, arange, cat, full, multinomial, randn, randn_like
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence
"""


def on_torch(name):
    """A file of models, with PyTorch's imports for its own."""
    import types
    source = inspect.getsource(importlib.import_module(f"tinygrad_like.models.{name}"))
    source = re.sub(r"(?m)^from \.\.?\S* import .*$", "", source).replace("from __future__ import annotations", "")
    module = types.ModuleType(f"{name}_on_torch")
    sys.modules[module.__name__] = module                       # where dataclasses look
    exec("from __future__ import annotations\n" + IMPORTS + source, vars(module))
    return module


MODELS = [
    ("mlp", "MLP([6, 5, 4, 3])", "floats(2, 6)"), ("mlp", "MLP([6, 5, 3], nn.Tanh, dropout=0.0)", "floats(2, 6)"),
    ("convnet", "ConvNet()", "floats(2, 3, 32, 32)"), ("convnet", "MnistCNN()", "floats(2, 1, 28, 28)"),
    ("convnet", "SequentialCNN()", "floats(2, 1, 28, 28)"), ("convnet", "LeNet5()", "floats(2, 1, 28, 28)"),
    ("vgg", "vgg_small(dropout=0.0)", "floats(3, 3, 32, 32)"),
    ("vgg", "VGG(A[:2], num_classes=5, hidden=8, grid=2, dropout=0.0)", "floats(2, 3, 8, 8)"),
    ("resnet", "ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5, width=4)", "floats(2, 3, 64, 64)"),
    ("resnet", "ResNet(Bottleneck, [2, 1, 1, 1], num_classes=5, width=4, zero_init_residual=True)", "floats(2, 3, 64, 64)"),
    ("resnet_cifar", "CifarResNet(2, width=4)", "floats(3, 3, 16, 16)"),
    ("lstm", "LSTMClassifier(11, 3)", "whole(11, 3, 6)"),
    ("lstm", "LSTMClassifier(11, 3, 5, 4, num_layers=2, bidirectional=True)", "whole(11, 3, 6), torch.tensor([4, 6, 2])"),
    ("gpt", "GPT(GPTConfig(8, 11, 2, 2, 12))", "whole(11, 3, 8), whole(11, 3, 8)"),
    ("gpt", "GPT(GPTConfig(8, 11, 1, 3, 12, bias=False))", "whole(11, 3, 5)"),
]


@pytest.mark.parametrize("file, text, inputs", MODELS, ids=[text for _, text, _ in MODELS])
def test_the_same_source_on_pytorch(file, text, inputs):
    """Weights travel, and outputs and gradients are the same in float64, in training and in evaluation."""
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    floats, whole = random.standard_normal, lambda n, *shape: random.integers(0, n, shape)
    inputs = eval(f"[{inputs}]", {"floats": lambda *shape: floats(shape), "whole": whole, "torch": torch})
    ours = eval(text, {**vars(importlib.import_module(f"tinygrad_like.models.{file}")), "nn": nn}).double()
    theirs = eval(text, vars(on_torch(file))).double()
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({key: torch.tensor(x.numpy()) for key, x in ours.state_dict().items()})
    for mode in (True, False):
        found = []
        for lib, model in ((tl, ours), (torch, theirs)):
            model.train(mode)
            model.zero_grad()
            out = model(*[lib.tensor(np.asarray(x)) for x in inputs])
            out = [x for x in out if x is not None] if isinstance(out, tuple) else [out]
            sum((x * x).sum() for x in out).backward()
            found.append([x.detach().numpy() for x in out] + [p.grad.numpy() for _, p in sorted(model.named_parameters())]
                         + [b.numpy() for b in model.buffers()])
        for mine, other in zip(*found):
            np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-8)


# ---- what they do -----------------------------------------------------------------------------------------------
def test_vgg_of_the_listing_that_has_no_pooling():
    """SPEC M-01: as printed, the first article's network fails; the error says what is missing."""
    class Printed(models.ConvNet):
        def forward(self, x):
            x = self.relu(self.conv2(self.relu(self.conv1(x))))
            return self.fc1(x.view(x.size(0), -1))
    with pytest.raises(RuntimeError, match=r"(?s)65536.*4096.*MaxPool2d.*in Printed\.fc1"):
        Printed()(tl.zeros(4, 3, 32, 32))


def translator(**options):
    return models.TranslationTransformer.small(9, 11, **{"d_model": 16, "nhead": 2, "dim_feedforward": 24, **options})


def test_the_translator_does_not_look_ahead():
    tl.manual_seed(0)
    model = translator().eval()
    source, target = tl.tensor([[3, 4, 5, 0]]), tl.tensor([[1, 5, 6, 7]])
    logits = model(source, target)
    assert logits.shape == (1, 4, 11)
    changed = model(source, tl.tensor([[1, 5, 8, 7]]))
    np.testing.assert_allclose(logits[:, :2].detach().numpy(), changed[:, :2].detach().numpy(), rtol=1e-5, atol=1e-6)
    assert abs(logits[:, 2] - changed[:, 2]).max() > 1e-3
    padded = model(tl.tensor([[3, 4, 5, 0, 0, 0]]), target)     # more padding changes nothing
    np.testing.assert_allclose(logits.detach().numpy(), padded.detach().numpy(), rtol=1e-4, atol=1e-5)
    assert model.out.weight is model.target.weight


def test_the_translator_learns_to_copy_backwards():
    tl.manual_seed(0)
    model = translator(d_model=32)
    optimizer = tl.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(150):
        words = tl.randint(3, 9, (32, 4))
        target = tl.cat([tl.ones(32, 1, dtype=tl.int64), words.flip(1), tl.full((32, 1), 2)], 1)
        loss = nn.functional.cross_entropy(model(words, target[:, :-1]).flatten(0, 1), target[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.3
    words = tl.tensor([[3, 5, 7, 4], [8, 8, 3, 6]])
    out = model.eval().translate(words, start=1, stop=2, max_len=8)
    assert out[:, 1:5].tolist() == words.flip(1).tolist() and out[:, 5].tolist() == [2, 2]


def test_gpt_looks_back_only_and_generates():
    tl.manual_seed(0)
    model = models.GPT(models.GPTConfig(8, 11, 2, 2, 12)).eval()
    a, b = tl.tensor([[1, 2, 3, 4]]), tl.tensor([[1, 2, 9, 4]])
    logits, loss = model(a, tl.tensor([[2, 3, 4, -1]]))
    other, _ = model(b, b)
    np.testing.assert_allclose(logits[:, :2].detach().numpy(), other[:, :2].detach().numpy(), rtol=1e-5, atol=1e-6)
    assert abs(loss.item() - math.log(11)) < 0.3
    last, none = model(a)
    assert last.shape == (1, 1, 11) and none is None
    np.testing.assert_allclose(last[:, 0].detach().numpy(), logits[:, -1].detach().numpy(), rtol=1e-5, atol=1e-6)
    out = model.generate(a, 12, temperature=0)                  # past the block size
    assert out.shape == (1, 16) and out[:, :4].tolist() == a.tolist()
    assert model.generate(a, 3, top_k=1)[:, :].tolist() == out[:, :7].tolist()
    with pytest.raises(ValueError, match="9 tokens.*looks back on 8"):
        model(tl.zeros(1, 9, dtype=tl.int64))
    with pytest.raises(ValueError, match="n_embd=10.*n_head=3"):
        models.GPT(models.GPTConfig(8, 11, 1, 3, 10))


def test_lengths_of_texts_hide_what_fills_them_up():
    model = models.LSTMClassifier(11).eval()
    tokens, lengths = tl.tensor([[4, 5, 6, 0, 0], [1, 2, 3, 4, 5]]), tl.tensor([3, 5])
    short = model(tl.tensor([[4, 5, 6]]))
    np.testing.assert_allclose(model(tokens, lengths)[:1].detach().numpy(), short.detach().numpy(), rtol=1e-5, atol=1e-6)
    assert isinstance(model.embedding, nn.Embedding) and model.lstm.hidden_size == 128 and model.embedding.embedding_dim == 100


# ---- torchvision's arguments ------------------------------------------------------------------------------------
@pytest.mark.parametrize("make", [models.resnet18, models.vgg11])
def test_weights_are_not_fetched(make):
    for options in ({"weights": "DEFAULT"}, {"pretrained": True}):
        with pytest.raises(NotImplementedError, match="load_state_dict"):
            make(**options)
    with pytest.raises(TypeError, match="no_such"):
        make(weights=None, no_such=1)


def test_no_weights_are_none():
    assert models.resnet18(weights=None, progress=False, num_classes=3).fc.out_features == 3
