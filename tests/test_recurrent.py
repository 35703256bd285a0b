"""Recurrent layers where the table of layers does not reach: packed sequences, states, errors; and the utilities around them."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import nn, ops
from tinygrad_like.nn.utils import rnn as rnn_utils
from tinygrad_like.testing import check_op

RNG = np.random.default_rng(0)
LENGTHS = [2, 5, 3, 3]                                          # of sequences in no order
KINDS = ["nn.RNN(3, 4", "nn.RNN(3, 4, nonlinearity='relu'", "nn.LSTM(3, 4", "nn.GRU(3, 4"]


def numbers(*shape):
    return RNG.uniform(-1, 1, shape)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def pair(make, torch):
    """The same layer here and in PyTorch, with the same weights."""
    mine, theirs = eval(make, {"nn": nn}).double(), eval(make, {"nn": torch.nn}).double()
    for p, q in zip(mine.parameters(), theirs.parameters()):
        q.data = torch.tensor(p.detach().numpy())
    return mine, theirs


def close(mine, theirs, tolerance=1e-8):
    assert len(mine) == len(theirs)
    for x, y in zip(mine, theirs):
        assert x.shape == y.shape
        np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=tolerance, atol=tolerance)


def both_orders(lib, run, xs, module):
    """What run(lib, module, xs) gives, its gradients by xs and all parameters, and gradients of those."""
    random = np.random.default_rng(1)
    xs = [lib.tensor(x, requires_grad=True) for x in xs]
    outs = run(lib, module, xs)
    sources = xs + [p for _, p in sorted(module.named_parameters())]
    loss = sum([(out * lib.tensor(random.uniform(0.5, 1.5, tuple(out.shape)))).sum() for out in outs])
    gs = lib.autograd.grad(loss, sources, create_graph=True)
    first = lib.autograd.grad(loss, sources, retain_graph=True)     # the ordinary sweep, by the fast derivatives
    hs = lib.autograd.grad(sum([(g * lib.tensor(random.uniform(0.5, 1.5, tuple(g.shape)))).sum() for g in gs]), sources,
                           allow_unused=True, materialize_grads=True)
    return [*outs, *gs, *first, *hs]


def flat(state):
    return list(state) if isinstance(state, tuple) else [state]


def run_packed(lib, module, xs):
    """Out of order sequences, with first states; padded again."""
    packed = lib.nn.utils.rnn.pack_padded_sequence(xs[0], LENGTHS, enforce_sorted=False)
    hx = None if len(xs) == 1 else xs[1] if len(xs) == 2 else tuple(xs[1:])
    out, state = module(packed, hx)
    assert isinstance(out, lib.nn.utils.rnn.PackedSequence)
    padded, lengths = lib.nn.utils.rnn.pad_packed_sequence(out)
    assert lengths.tolist() == LENGTHS
    return [padded, *flat(state)]


# ---- packed sequences -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("extra", ["", ", num_layers=2, bidirectional=True", ", bias=False, bidirectional=True"])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences(kind, extra, torch):
    mine, theirs = pair(f"{kind}{extra})", torch)
    count = mine.num_layers * (2 if mine.bidirectional else 1)
    states = [numbers(count, 4, 4) for _ in mine.states] if "bias" not in extra else []
    xs = [numbers(5, 4, 3), *states]
    close(both_orders(tl, run_packed, xs, mine), both_orders(torch, run_packed, xs, theirs))


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_sequence_ends_by_itself(kind):
    """Each sequence of a pack gets what it gets alone."""
    layer = eval(f"{kind}, num_layers=2, bidirectional=True)", {"nn": nn}).double()
    sequences = [tl.tensor(numbers(n, 3)) for n in LENGTHS]
    out, state = layer(rnn_utils.pack_sequence(sequences, enforce_sorted=False))
    for i, (sequence, piece) in enumerate(zip(sequences, rnn_utils.unpack_sequence(out))):
        alone, last = layer(sequence)
        close([piece, *[x[:, i] for x in flat(state)]], [alone, *flat(last)], 1e-12)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("op, gates, states", [(ops.rnn, 1, 1), (ops.lstm, 4, 2), (ops.gru, 3, 1)])
def test_gradients_are_slopes_where_steps_lose_several_sequences(op, gates, states, reverse):
    operands = [numbers(9, 2), *[numbers(4, 3) for _ in range(states)], numbers(3 * gates, 2), numbers(3 * gates, 3),
                numbers(3 * gates), numbers(3 * gates)]
    check_op(op, operands, {"sizes": (4, 3, 1, 1), "reverse": reverse})


def test_long_sequences_are_taken_in_pieces():
    """The inputs go through w_ih many steps at a time; where one time ends and another begins makes no difference."""
    layer, x = nn.LSTM(2, 64).double(), tl.tensor(numbers(400, 3, 2))
    out, (h, c) = layer(x)
    first, state = layer(x[:150])
    rest, (h2, c2) = layer(x[150:], state)
    close([tl.cat([first, rest]), h, c], [out, h2, c2], 1e-12)
    packed = rnn_utils.pack_padded_sequence(x, [400, 390, 170])
    each = layer(packed)[1][0][0]
    for i, n in enumerate([400, 390, 170]):
        close([each[i]], [out[n - 1, i]], 1e-12)


# ---- the layers -------------------------------------------------------------------------------------------------
def test_one_weight_for_both_is_the_same():
    """SPEC F-07: h_t = tanh(W [h_{t-1}, x_t] + b), with W = [w_hh, w_ih]."""
    cell, x, h = nn.RNNCell(3, 4).double(), tl.tensor(numbers(2, 3)), tl.tensor(numbers(2, 4))
    w = tl.cat([cell.weight_hh, cell.weight_ih], 1)
    together = tl.tanh(tl.cat([h, x], 1) @ w.T + (cell.bias_ih + cell.bias_hh))
    close([together], [cell(x, h)], 1e-12)


def test_the_lstm_of_the_textbook():
    """SPEC MOD-08, M-12: four gates, and an output layer on the last state."""
    lstm, head = nn.LSTM(3, 4).double(), nn.Linear(4, 2).double()
    x = tl.tensor(numbers(5, 2, 3))
    h = c = tl.zeros(2, 4, dtype=tl.float64)
    for t in range(5):
        z = x[t] @ lstm.weight_ih_l0.T + lstm.bias_ih_l0 + h @ lstm.weight_hh_l0.T + lstm.bias_hh_l0
        i, f, g, o = z.chunk(4, 1)
        c = tl.sigmoid(f) * c + tl.sigmoid(i) * tl.tanh(g)
        h = tl.sigmoid(o) * tl.tanh(c)
    out, (hn, cn) = lstm(x)
    close([hn[0], cn[0], out[-1], head(hn[0])], [h, c, h, head(h)], 1e-12)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_cell_is_a_layer_of_one_step(kind):
    layer, cell = getattr(nn, kind)(3, 4), getattr(nn, kind + "Cell")(3, 4)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in layer.state_dict().items()})
    x, state = tl.tensor(numbers(5, 2, 3)).float(), None
    for t in range(5):
        state = cell(x[t], state)
    close(flat(state), [s[0] for s in flat(layer(x)[1])], 1e-6)


def test_batch_first_with_a_packed_sequence(torch):
    """A packed sequence has no batch dim: batch_first is about padded ones."""
    mine, theirs = pair("nn.GRU(3, 4, batch_first=True)", torch)
    x = numbers(4, 5, 3)

    def run(lib, module):
        packed = lib.nn.utils.rnn.pack_padded_sequence(lib.tensor(x), LENGTHS, batch_first=True, enforce_sorted=False)
        out, h = module(packed)
        return [*lib.nn.utils.rnn.pad_packed_sequence(out, batch_first=True, padding_value=-1.0, total_length=6), h]
    close(run(tl, mine), run(torch, theirs))


def test_weights_start_between_bounds():
    for layer in (nn.LSTM(50, 100, 2, bidirectional=True), nn.GRUCell(10, 100)):
        for weight in layer.parameters():
            assert 0.09 < weight.abs().max().item() <= 0.1


def test_dropout_is_between_layers_alone():
    x = tl.ones(4, 2, 3)
    layer = nn.LSTM(3, 20, 2, dropout=0.5)
    assert not np.allclose(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    assert not np.isclose(layer(x)[0].detach().numpy(), 0).any()    # the outputs themselves are not dropped
    layer.eval()
    close([layer(x)[0]], [layer(x)[0]], 0)
    with pytest.warns(UserWarning, match="num_layers=1"):
        nn.GRU(3, 4, dropout=0.5)


def test_parameters_by_layer_and_direction():
    layer = nn.GRU(3, 4, 2, bidirectional=True)
    assert [name for name, _ in layer.named_parameters()][4:8] == ["weight_ih_l0_reverse", "weight_hh_l0_reverse",
                                                                   "bias_ih_l0_reverse", "bias_hh_l0_reverse"]
    assert layer.all_weights[3][0] is layer.weight_ih_l1_reverse and layer.weight_ih_l1.shape == (12, 8)
    assert layer.flatten_parameters() is None


def test_an_empty_batch(torch):
    for kind in KINDS:
        mine, theirs = pair(f"{kind})", torch)
        a, b = mine(tl.zeros(3, 0, 3, dtype=tl.float64)), theirs(torch.zeros(3, 0, 3, dtype=torch.float64))
        close([a[0], *flat(a[1])], [b[0], *flat(b[1])])


def test_no_gradient_is_asked_for():
    layer = nn.LSTM(3, 4)
    with tl.no_grad():
        out, (h, c) = layer(tl.ones(2, 1, 3))
    assert not (out.requires_grad or h.requires_grad or c.requires_grad)


def test_a_small_lstm_learns():
    """To tell, at the end of a sequence, the sign of its first number."""
    tl.manual_seed(0)
    net, head = nn.LSTM(1, 8), nn.Linear(8, 1)
    optimizer = tl.optim.Adam([*net.parameters(), *head.parameters()], lr=0.05)
    x = tl.tensor(np.random.default_rng(0).standard_normal((6, 64, 1)).astype("float32"))
    y = (x[0] > 0).float()
    losses = []
    for _ in range(60):
        loss = nn.functional.binary_cross_entropy_with_logits(head(net(x)[1][0][0]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.35 < 0.6 < losses[0]


# ---- mistakes ---------------------------------------------------------------------------------------------------
X = tl.ones(5, 2, 3)
MISTAKES = [
    ("nn.LSTM(3, 4)(tl.ones(5, 2, 7))", ValueError, r"\(5, 2, 7\) has 7 features \(axis 2\), and input_size=3"),
    ("nn.LSTM(3, 4)(tl.ones(3, 2, 7))", RuntimeError, r"Axis 0 would fit: x\.transpose\(0, 2\)"),
    ("nn.LSTM(3, 4)(tl.ones(5))", ValueError, r"got \(5,\).*unsqueeze"),
    ("nn.GRU(3, 4)(tl.ones(0, 2, 3))", RuntimeError, "no step"),
    ("nn.GRU(3, 4)(X, tl.ones(1, 3, 4))", RuntimeError, r"hx has shape .* = \(1, 2, 4\), got \(1, 3, 4\)"),
    ("nn.GRU(3, 4, batch_first=True)(X, tl.ones(5, 1, 4))", RuntimeError, "batch_first is not about states"),
    ("nn.GRU(3, 4)(X[0], tl.ones(1, 2, 4))", RuntimeError, "one sequence"),
    ("nn.LSTM(3, 4)(X, tl.ones(1, 2, 4))", RuntimeError, r"a tuple \(hx, cx\), got a Tensor"),
    ("nn.LSTM(3, 4)(X, (tl.ones(1, 2, 4), tl.ones(1, 2, 5)))", RuntimeError, r"cx has shape"),
    ("nn.GRU(3, 4)(X, (tl.ones(1, 2, 4), tl.ones(1, 2, 4)))", TypeError, "a Tensor, got a tuple of 2"),
    ("nn.RNN(3, 4)([1.0, 2.0])", TypeError, "a Tensor or a PackedSequence, got list"),
    ("nn.RNN(3, 4)(X.double())", ValueError, r"float64, and the weights of .*float32: input\.to"),
    ("nn.RNN(3, 4)(X.long())", ValueError, "Embedding"),
    ("nn.RNN(3, 4, 2, True)", ValueError, "nonlinearity"),
    ("nn.RNNCell(3, 4, nonlinearity='abs')", RuntimeError, "nonlinearity"),
    ("nn.GRU(3, 4, 2, 'yes')", TypeError, "bias is True or False"),
    ("nn.GRU(3, 0)", ValueError, "hidden_size is at least 1"),
    ("nn.GRU(3, 4.0)", TypeError, "hidden_size is an integer"),
    ("nn.GRU(3, 4, 2, dropout=1.5)", ValueError, "dropout"),
    ("nn.LSTM(3, 4, proj_size=2)", NotImplementedError, "proj_size"),
    ("nn.LSTMCell(3, 4)(X)", ValueError, "nn.LSTM"),
    ("nn.GRUCell(3, 4)(X[0], tl.ones(3, 4))", RuntimeError, r"hx of shape \(2, 4\), got \(3, 4\)"),
    ("nn.LSTMCell(3, 4)(X[0], tl.ones(2, 4))", TypeError, "tuple"),
    ("R.pack_padded_sequence(X, [3, 5])", RuntimeError, "descending.*enforce_sorted=False"),
    ("R.pack_padded_sequence(X, [5, 0])", RuntimeError, "at least one element"),
    ("R.pack_padded_sequence(X, [6, 5])", RuntimeError, "sequence 0 is said to have 6 elements.*5 steps"),
    ("R.pack_padded_sequence(X, [5, 3, 3, 2, 1])", RuntimeError, "5 lengths were given for 2 sequences.*batch_first=True"),
    ("R.pack_padded_sequence(X, [5.0, 3.0])", TypeError, "integers"),
    ("R.pack_sequence([X[:2], X[:3]])", RuntimeError, "descending"),
    ("R.pad_sequence([])", RuntimeError, "no sequence"),
    ("R.pad_sequence([X, tl.ones(2, 2, 4)])", RuntimeError, r"sequence 1 \(2, 2, 4\)"),
    ("R.pad_sequence([X], padding_side='top')", RuntimeError, "padding_side"),
    ("R.pad_sequence(5)", TypeError, "list of Tensors"),
    ("R.unpad_sequence(X, [5, 6])", ValueError, "do not fit"),
    ("R.pad_packed_sequence(X)", TypeError, "PackedSequence"),
    ("R.pad_packed_sequence(R.pack_padded_sequence(X, [5, 2]), total_length=4)", ValueError, "at least that, got 4"),
    ("R.PackedSequence(X)", TypeError, "batch_sizes"),
]


@pytest.mark.parametrize("line, kind, message", MISTAKES, ids=[line for line, _, _ in MISTAKES])
def test_mistakes(line, kind, message):
    with pytest.raises(kind, match=message):
        eval(line, {"nn": nn, "tl": tl, "X": X, "R": rnn_utils})


def test_the_place_of_the_mistake_is_named():
    net = nn.Sequential(nn.Linear(5, 3), nn.LSTM(4, 2))
    with pytest.raises(ValueError, match=r"LSTM: .*input_size=4(.|\n)*1"):
        net(tl.ones(2, 2, 5))


# ---- padding and packing ----------------------------------------------------------------------------------------
UTILS = [
    "R.pad_sequence([x[:2], x[:5], x[:1]])",
    "R.pad_sequence([x[:2], x[:5]], batch_first=True, padding_value=-1.5)",
    "R.pad_sequence([x[:2], x[:5], x[:3]], padding_side='left')",
    "R.pad_sequence(x[:2])",
    "R.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True)",
    "R.pack_sequence([x[:5], x[:2], x[:2]])",
    "R.pack_sequence([x[:2], x[:5], x[:3], x[:3]], enforce_sorted=False)",
    "R.pack_padded_sequence(x, [5, 3])",
    "R.pack_padded_sequence(x, torch.tensor([3, 5]), enforce_sorted=False)",
    "R.pack_padded_sequence(x[..., 0], [5, 4])",
    "R.pack_padded_sequence(x.transpose(0, 1), [3, 5], batch_first=True, enforce_sorted=False)",
    "R.pad_packed_sequence(R.pack_padded_sequence(x, [5, 3]), batch_first=True)",
    "R.pad_packed_sequence(R.pack_padded_sequence(x, [3, 4], enforce_sorted=False), padding_value=2.0, total_length=7)",
    "R.unpad_sequence(x, torch.tensor([3, 5]))",
    "R.unpad_sequence(x, torch.tensor([2, 0, 1, 2, 1]), batch_first=True)",
    "R.unpack_sequence(R.pack_sequence([x[:2], x[:5], x[:3]], enforce_sorted=False))",
    "R.invert_permutation(torch.tensor([2, 0, 1]))",
    "R.pack_sequence([x[:5], x[:2]]).float().data",
    "R.pack_sequence([x[:2], x[:5]], enforce_sorted=False).to(torch.float32).sorted_indices",
    "R.pack_sequence([x[:5], x[:2]]).is_cuda",
    "R.PackedSequence(x[0], torch.tensor([1, 1]))",
]


@pytest.mark.parametrize("line", UTILS)
def test_padding_and_packing(line):
    from .same import same
    same(line, "x = torch.tensor(np.arange(30.0).reshape(5, 2, 3)); R = torch.nn.utils.rnn")


def test_gradients_go_through_padding():
    x = tl.tensor(numbers(5, 2, 3), requires_grad=True)
    packed = rnn_utils.pack_padded_sequence(x, [2, 4], enforce_sorted=False)
    padded, _ = rnn_utils.pad_packed_sequence(packed, padding_value=9.0)
    (padded * 2).sum().backward()
    expected = np.zeros((5, 2, 3))
    expected[:2, 0] = expected[:4, 1] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)
