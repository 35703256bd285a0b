"""The table of a model: its numbers worked out by hand, and that the model is left as it was."""
import copy

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import errors, nn


def convnet():
    """SPEC MOD-21, with the poolings that its listing lacks (M-01)."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 128), nn.ReLU(), nn.Linear(128, 10))


def test_a_convnet():
    model = convnet()
    s = model.summary((3, 32, 32))
    assert s.total_params == s.trainable_params == 545_098 == sum([p.numel() for p in model.parameters()])
    assert [row.output_shapes for row in s.rows] == [
        [(1, 10)], [(1, 32, 32, 32)], [(1, 32, 32, 32)], [(1, 32, 16, 16)], [(1, 64, 16, 16)], [(1, 64, 16, 16)], [(1, 64, 8, 8)],
        [(1, 4096)], [(1, 128)], [(1, 128)], [(1, 10)]]
    assert [row.params for row in s.rows if row.params] == [896, 18_496, 524_416, 1290]
    assert [row.mult_adds for row in s.rows if row.mult_adds] == [32 * 32 * 32 * 27, 16 * 16 * 64 * 288, 4096 * 128, 1280]
    assert s.total_mult_adds == sum([row.mult_adds for row in s.rows]) == 6_128_896
    assert s.total_param_bytes == 4 * 545_098 and s.total_input_bytes == 4 * 3072 and s.total_buffer_bytes == 0
    assert model.summary((3, 32, 32), batch_size=5).total_mult_adds == 5 * s.total_mult_adds


def test_what_it_prints():
    model = nn.Sequential(nn.Linear(784, 30), nn.Sigmoid(), nn.Linear(30, 10))
    model[0].weight.requires_grad_(False)
    assert str(model.summary((784,))) == repr(model.summary(784)) == """\
Layer          Output shape              Parameters  Multiply-adds
──────────────────────────────────────────────────────────────────
Sequential     (1, 10)                            -              -
  0 (Linear)   (1, 30)       23,550 (23,520 frozen)         23,520
  1 (Sigmoid)  (1, 30)                            -              -
  2 (Linear)   (1, 10)                          310            300
──────────────────────────────────────────────────────────────────
Parameters     23,860 (23,520 frozen)
Multiply-adds  23,820, for an input of shape (1, 784)
Memory         parameters 95.4 kB, buffers 0 bytes, input 3.1 kB, outputs of layers 280 bytes"""


class Tied(nn.Module):
    """Words in, words out, by one table; a layer that is called twice; products by functions."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(50, 8)
        self.mix = nn.Linear(8, 8, bias=False)
        self.out = nn.Linear(8, 50, bias=False)
        self.out.weight = self.words.weight
        self.unused = nn.ModuleList([nn.Linear(2, 2), self.mix])

    def forward(self, x):
        y = self.mix(self.mix(self.words(x)))
        y = F.scaled_dot_product_attention(y, y, y)
        return self.out(y), y.sum()


def test_shared_weights_count_once_and_work_done_by_functions_counts():
    s = Tied().summary((6,), dtype=tl.int64)
    rows = {row.path: row for row in s.rows}
    assert list(rows) == ["", "words", "mix", "out", "unused", "unused.0", "unused.1"]
    assert s.total_params == 400 + 64 + 6 == sum([row.params for row in s.rows]) and rows["out"].shared == 400
    assert rows["mix"].calls == 2 and rows["mix"].mult_adds == 2 * 6 * 64
    assert rows[""].mult_adds == 2 * 6 * 6 * 8 and rows["out"].mult_adds == 6 * 400
    assert rows[""].output_shapes == [(1, 6, 50), ()] and rows["unused.0"].calls == 0 and rows["unused.1"].again
    text = str(s)
    assert "mix (Linear) ×2" in text and "(1, 6, 50), …" in text
    assert [line.split()[-2] for line in text.splitlines() if "out (" in line or "1 (Linear)" in line] == ["shared", "shared"]


WORK = {                                                        # what is computed, on which shapes: its multiply-adds
    "matmul": (lambda x, y: x @ y, [(2, 3, 4), (4, 5)], 2 * 3 * 4 * 5),
    "stacks": (lambda x, y: x @ y, [(2, 1, 3, 4), (6, 4, 5)], 12 * 3 * 4 * 5),
    "vectors": (lambda x, y: x @ y, [(4,), (4,)], 4),
    "matrix and vector": (lambda x, y: x @ y, [(3, 4), (4,)], 12),
    "einsum": (lambda x, y: tl.einsum("bij,bjk->ik", x, y), [(2, 3, 4), (2, 4, 5)], 120),
    "einsum of three": (lambda x, y, z: tl.einsum("ij,jk,kl->il", x, y, z), [(3, 4), (4, 5), (5, 6)], 60 + 90),
    "bilinear": (nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)], 5 * (4 * 2 * 3 + 4 * 3)),
    "conv1d": (nn.Conv1d(4, 6, 3, stride=2), [(2, 4, 9)], 2 * 6 * 4 * 4 * 3),
    "groups": (nn.Conv2d(4, 8, 3, groups=4), [(1, 4, 5, 5)], 8 * 9 * 9),
    "conv3d": (nn.Conv3d(2, 3, 2), [(1, 2, 3, 3, 3)], 3 * 8 * 2 * 8),
    "transposed": (nn.ConvTranspose2d(4, 6, 3, stride=2), [(1, 4, 5, 5)], 4 * 25 * 6 * 9),
    "rnn": (nn.RNN(3, 5), [(7, 2, 3)], 14 * (5 * 3 + 5 * 5)),
    "lstm": (nn.LSTM(3, 5, 2, bidirectional=True), [(7, 2, 3)], 14 * 2 * (20 * 3 + 20 * 5) + 14 * 2 * (20 * 10 + 20 * 5)),
    "gru": (nn.GRU(3, 5), [(7, 2, 3)], 14 * (15 * 3 + 15 * 5)),
    "gru cell": (nn.GRUCell(3, 5), [(2, 3)], 2 * (15 * 3 + 15 * 5)),
    "attention": (nn.MultiheadAttention(8, 2, batch_first=True), [(2, 5, 8)] * 3, 2 * (5 * 8 * 24 + 2 * 5 * 5 * 8 + 5 * 64)),
    "none": (nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4), nn.Softmax(1)), [(3, 4)], 0),
}


@pytest.mark.parametrize("case", WORK)
def test_multiply_adds(case):
    work, shapes, expected = WORK[case]

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.work = work

        def forward(self, *xs):
            return work(*xs)

    assert Model().summary(shapes, batch_size=None).total_mult_adds == expected


def test_nothing_is_counted_afterwards_nor_in_gradients():
    model = nn.Linear(3, 4)
    forwards = [op.forward for op in (tl.ops.linear, tl.ops.matmul)]
    model.summary((3,))
    with pytest.raises(errors.ShapeError):
        model.summary((5,))
    assert [op.forward for op in (tl.ops.linear, tl.ops.matmul)] == forwards and not model._hooks


def test_depth():
    model = nn.Sequential(convnet(), nn.Sequential(nn.Sequential(nn.Linear(10, 10))))
    whole = model.summary((3, 32, 32))
    for depth, rows in ((0, 1), (1, 3), (2, 14), (None, 15)):
        s = model.summary((3, 32, 32), depth=depth)
        assert len(s.rows) == rows and s.total_mult_adds == whole.total_mult_adds
        assert sum([row.params for row in s.rows]) == whole.total_params
    assert model.summary((3, 32, 32), depth=1).rows[2].mult_adds == 100


def test_several_inputs():
    model = nn.Bilinear(2, 3, 4)
    shapes = [(5, 2), (5, 3)]
    for given in ([(2,), (3,)], [tl.zeros(5, 2), tl.zeros(5, 3)], [tl.zeros(1, 2), (3,)]):
        assert model.summary(given).rows[0].output_shapes == [(len(given[0]) if len(given[0]) > 2 else 1, 4)]
    assert model.summary(shapes, batch_size=None).input_shapes == shapes
    decoder = nn.TransformerDecoderLayer(8, 2, batch_first=True)
    assert decoder.summary([(5, 8), (3, 8)], tgt_is_causal=False).rows[0].output_shapes == [(1, 5, 8)]


def test_inputs_follow_the_parameters():
    seen = []

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(tl.ones(2, dtype=tl.float64))

        def forward(self, x, i):
            seen.append((x.dtype, i.dtype, i.sum().item()))
            return x * self.weight

    assert Model().summary([(2,), (3,)], dtype=[None, tl.int32]).rows[0].output_shapes == [(1, 2)]
    assert seen == [(tl.float64, tl.int32, 0)]


def test_the_model_is_left_as_it_was():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.noise = nn.BatchNorm1d(4), nn.Dropout()
            self.words = nn.Embedding(3, 4, max_norm=0.01)
            self.register_buffer("calls", tl.zeros(1))
            self.noise.eval()

        def forward(self, x):
            self.calls += 1
            self.norm.running_mean = self.norm.running_mean + tl.rand(4)
            return self.noise(self.norm(x) + self.words(tl.tensor([1]))) + tl.rand(4)

    model = Counting()
    called = []
    handle = model.norm.register_forward_hook(lambda *_: called.append(1))
    model(tl.rand(5, 4)).sum().backward()
    state = copy.deepcopy(model.state_dict())
    modes = [m.training for m in model.modules()]
    grads = [p.grad.numpy().copy() for p in model.parameters()]
    buffers = [id(b) for b in model.buffers()]
    drawn = tl.get_rng_state()
    model.words.weight.data.mul_(100)
    state["words.weight"] = model.words.weight.detach().clone()
    model.summary((4,))
    assert [m.training for m in model.modules()] == modes and not all(modes) and any(modes)
    assert [id(b) for b in model.buffers()] == buffers
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), state[key].numpy(), err_msg=key)
    for p, g in zip(model.parameters(), grads):
        np.testing.assert_array_equal(p.grad.numpy(), g)
    assert (tl.get_rng_state() == drawn).all() and len(called) == 2 and model.words.max_norm == 0.01
    handle.remove()
    assert not any([hooks for m in model.modules() for hooks in m._hooks.values()])


def test_what_goes_wrong_says_what_was_given():
    with pytest.raises(errors.ShapeError, match=r"(?s)\(1, 64, 3, 32, 32\).*Sequential\[0\].*in its summary.*batch_size=None"):
        convnet().summary((64, 3, 32, 32))
    with pytest.raises(TypeError, match=r"(?s)Tied.words.*shape \(1, 6\), tinygrad_like.float32.*dtype=int64"):
        Tied().summary((6,))
    with pytest.raises(TypeError, match=r"a tuple of ints.*\[2.5\]"):
        convnet().summary([2.5])
    with pytest.raises(ValueError, match="each of the 2 inputs, got 1"):
        nn.Bilinear(2, 3, 4).summary([(2,), (3,)], dtype=[None])


def test_the_pooling_that_the_listing_lacks():
    """SPEC M-01: images of 64·32·32 numbers into a layer for 64·8·8."""
    model = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.Flatten(), nn.Linear(64 * 8 * 8, 128))
    with pytest.raises(RuntimeError, match=r"(?s)65536, and 4096 was expected.*16 times 4096.*MaxPool2d\(2\).*Sequential\[2\]"):
        model(tl.zeros(2, 3, 32, 32))
    with pytest.raises(RuntimeError, match=r"64·32·32 = 65536 features.*Flatten.*16 times 4096"):
        model[2](tl.zeros(2, 64, 32, 32))
