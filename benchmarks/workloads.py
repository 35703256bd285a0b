"""The trainings and predictions that the benchmarks time.  Each is written once, for any engine that is spelled as PyTorch is:

    model, step = workloads.mlp(torch)          # `torch` is this library, or PyTorch: only the import differs
    step()                                      # forward, backward and optimizer; returns the loss

All are float32.  Data and labels are random, the same for every engine: speed does not depend on them.
"""
import math

import numpy as np


# ---- data and steps ---------------------------------------------------------------------------------------------
def floats(torch, *shape, seed=0):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def whole(torch, below, *shape, seed=1):
    return torch.tensor(np.random.default_rng(seed).integers(0, below, shape))


def training(model, optimizer, loss_of):
    """A step of gradient descent."""
    def step():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss
    return model, step


def classifying(torch, model, optimizer, x, classes):
    """A step of training on the images (or tokens) x."""
    y = whole(torch, classes, len(x))
    return training(model, optimizer, lambda: torch.nn.functional.cross_entropy(model(x), y))


def predicting(torch, model, x):
    """A forward pass without a record."""
    model.eval()

    def step():
        with torch.no_grad():
            return model(x)
    return model, step


# ---- the networks -----------------------------------------------------------------------------------------------
def small_cnn(torch):
    """The article's CNN for digits (SPEC L2)."""
    nn = torch.nn
    return nn.Sequential(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(64 * 5 * 5, 128), nn.ReLU(), nn.Linear(128, 10))


def lstm_classifier(torch, vocabulary=5000, width=100, hidden=128):
    """Embedding, LSTM, and a linear layer that looks at the last state (SPEC MOD-08)."""
    nn = torch.nn

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, width)
            self.lstm = nn.LSTM(width, hidden, batch_first=True)
            self.linear = nn.Linear(hidden, 2)

        def forward(self, tokens):
            _, (h, _) = self.lstm(self.embedding(tokens))
            return self.linear(h[-1])
    return Classifier()


def gpt(torch, layers=4, heads=4, width=128, block=64, vocabulary=65):
    """nanoGPT in its setting for a CPU, with GPT-2's GELU (SPEC MOD-13)."""
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

        def forward(self, x):
            N, T, C = x.shape
            q, k, v = [part.view(N, T, heads, C // heads).transpose(1, 2) for part in self.c_attn(self.ln_1(x)).split(C, dim=2)]
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.c_proj(y.transpose(1, 2).reshape(N, T, C))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(block, width)
            self.h = nn.Sequential(*[Block() for _ in range(layers)])
            self.ln_f = nn.LayerNorm(width)
            self.lm_head = nn.Linear(width, vocabulary, bias=False)
            self.lm_head.weight = self.wte.weight

        def forward(self, tokens):
            x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
            return self.lm_head(self.ln_f(self.h(x)))
    return GPT()


def resnet20(torch):
    """He's ResNet for small images, with parameter-free shortcuts (SPEC MOD-06; He et al. 2016, §4.2)."""
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, before, planes, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(before, planes, 3, stride, 1, bias=False), nn.BatchNorm2d(planes)
            self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False), nn.BatchNorm2d(planes)
            self.stride, self.more = stride, planes - before

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            if self.more:
                x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.more // 2, self.more // 2))
            return F.relu(out + x)
    blocks, before = [], 16
    for planes in (16, 32, 64):
        for i in range(3):
            blocks.append(Block(before, planes, 2 if i == 0 and planes != 16 else 1))
            before = planes
    return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg11(torch):
    """The convolutions of VGG-11 and one linear layer, for images of 32 x 32 (SPEC MOD-05)."""
    nn, layers, before = torch.nn, [], 3
    for planes in (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool"):
        if planes == "pool":
            layers += [nn.MaxPool2d(2)]
        else:
            layers += [nn.Conv2d(before, planes, 3, padding=1), nn.ReLU()]
            before = planes
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


# ---- the workloads ----------------------------------------------------------------------------------------------
def mlp(torch):
    """MLP 784-256-128-10, batch 64, Adam"""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
    return classifying(torch, model, torch.optim.Adam(model.parameters()), floats(torch, 64, 784), 10)


def cnn(torch):
    """CNN of listing L2, batch 64, Adam"""
    model = small_cnn(torch)
    return classifying(torch, model, torch.optim.Adam(model.parameters()), floats(torch, 64, 1, 28, 28), 10)


def lstm(torch):
    """LSTM classifier, 5000 x 100, hidden 128, batch 32 x 50, Adam"""
    model = lstm_classifier(torch)
    return classifying(torch, model, torch.optim.Adam(model.parameters()), whole(torch, 5000, 32, 50), 2)


def nanogpt(torch):
    """nanoGPT: 4 layers, 4 heads, width 128, batch 12 x 64, AdamW"""
    model = gpt(torch)
    tokens, following = whole(torch, 65, 12, 64), whole(torch, 65, 12, 64, seed=2)
    return training(model, torch.optim.AdamW(model.parameters()), lambda: torch.nn.functional.cross_entropy(
        model(tokens).view(-1, 65), following.view(-1)))


def resnet(torch):
    """ResNet-20, batch 32 of 3 x 32 x 32, SGD with momentum"""
    model = resnet20(torch)
    return classifying(torch, model, torch.optim.SGD(model.parameters(), 0.1, 0.9), floats(torch, 32, 3, 32, 32), 10)


def transformer(torch):
    """Transformer 2 + 2 layers, width 128, 16 x 32 tokens, Adam"""
    nn = torch.nn

    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.source, self.target = nn.Embedding(1000, 128), nn.Embedding(1000, 128)
            self.transformer = nn.Transformer(128, 4, 2, 2, 512, dropout=0.0, batch_first=True)
            self.output = nn.Linear(128, 1000)

        def forward(self, source, target):
            ahead = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
            out = self.transformer(self.source(source) * math.sqrt(128), self.target(target) * math.sqrt(128), tgt_mask=ahead)
            return self.output(out)
    model = Translator()
    source, target, following = [whole(torch, 1000, 16, 32, seed=seed) for seed in (1, 2, 3)]
    return training(model, torch.optim.Adam(model.parameters(), 1e-4), lambda: torch.nn.functional.cross_entropy(
        model(source, target).view(-1, 1000), following.view(-1)))


def tiny(torch):
    """2,000 additions and products of four numbers, forward and backward"""
    leaf, factor = floats(torch, 4).requires_grad_(), torch.full((4,), 0.999, requires_grad=True)

    def step():
        y = leaf
        for _ in range(1000):
            y = y * factor
            y = y + factor
        loss = y.sum()
        loss.backward()
        leaf.grad = factor.grad = None
        return loss
    return None, step


def vgg(torch):
    """VGG-11, batch 16 of 3 x 32 x 32, SGD with momentum"""
    model = vgg11(torch)
    return classifying(torch, model, torch.optim.SGD(model.parameters(), 0.01, 0.9), floats(torch, 16, 3, 32, 32), 10)


def predict_one(torch):
    """Prediction: the CNN, batch 1"""
    return predicting(torch, small_cnn(torch), floats(torch, 1, 1, 28, 28))


def predict_256(torch):
    """Prediction: the CNN, batch 256"""
    return predicting(torch, small_cnn(torch), floats(torch, 256, 1, 28, 28))


def next_token(torch):
    """Prediction: one token of nanoGPT after 64"""
    return predicting(torch, gpt(torch), whole(torch, 65, 1, 64))


WORKLOADS = {function.__name__: function for function in (
    mlp, cnn, lstm, nanogpt, resnet, transformer, tiny, vgg, predict_one, predict_256, next_token)}


def channels_last(torch, name):
    """The workload with images and weights in PyTorch's fastest memory format for convolutions (PyTorch only)."""
    model, step = WORKLOADS[name](torch)
    model.to(memory_format=torch.channels_last)
    return model, step
