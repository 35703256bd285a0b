"""Transformers and positions: what the table of layers cannot say."""
import math
import re

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import nn, optim

from .test_attention import close, numbers, second_derivatives


def causal(n):
    return nn.Transformer.generate_square_subsequent_mask(n)


# ---- transformers -----------------------------------------------------------------------------------------------
def test_second_derivatives_of_the_layers():
    from .layers.transformer import LAYERS
    second_derivatives(LAYERS)


def test_the_causal_mask():
    pytest.importorskip("torch")
    from .same import same
    for arguments in ("0", "1", "4", "3, dtype=torch.float64", "3, dtype=torch.bool", "3, device='cpu'"):
        same(f"torch.nn.Transformer.generate_square_subsequent_mask({arguments})")


@pytest.mark.parametrize("kind", ["booleans", "numbers"])
def test_no_place_sees_those_after_it(kind):
    """The first outputs stay as they are when the last inputs change; whether the mask is found out, hinted at, or only read."""
    mask = causal(5) if kind == "numbers" else causal(5) < 0
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    x = tl.randn(2, 5, 8)
    changed = x.clone()
    changed[:, 3:] = 0
    results = []
    for hint in (None, True, False):
        a, b = (encoder(each, mask, is_causal=hint).detach().numpy() for each in (x, changed))
        close(a[:, :3], b[:, :3], 1e-5)
        assert abs(a[:, 3:] - b[:, 3:]).max() > 0.01
        results.append(a)
    close(results[0], results[1], 1e-5), close(results[0], results[2], 1e-5)
    assert abs(encoder(x).detach().numpy() - results[0]).max() > 0.01


def test_the_causal_mask_is_found_out(monkeypatch):
    """So the layers below are told, and never read it."""
    hints = []
    forward = nn.TransformerEncoderLayer.forward
    monkeypatch.setattr(nn.TransformerEncoderLayer, "forward",
                        lambda self, *args, **kwargs: hints.append(kwargs["is_causal"]) or forward(self, *args, **kwargs))
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 1, 4), 1)
    x = tl.zeros(3, 2, 4)
    per_head = tl.stack([causal(3)] * 2)
    for mask in (None, causal(3), causal(3) < 0, causal(3).double(), tl.zeros(3, 3), causal(3).T, per_head):
        encoder(x, mask)
    assert hints == [False, True, True, True, False, False, False]
    encoder(x, causal(3), is_causal=False)
    assert hints[-1] is False


def test_padding_is_not_seen():
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    src, tgt = tl.randn(2, 5, 8), tl.randn(2, 3, 8)
    padding = tl.tensor([[False] * 5, [False] * 3 + [True] * 2])
    other = src.clone()
    other[1, 3:] = 9
    masks = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    a, b = (model(each, tgt, **masks).detach().numpy() for each in (src, other))
    close(a, b, 1e-5)
    close(model(src[1:, :3], tgt[1:]).detach().numpy(), a[1:], 1e-5)


def test_copies_begin_alike_and_transformers_do_not():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2)
    first, second = (layer.linear1.weight for layer in encoder.layers)
    assert first is not second and first.array is not second.array and (first == second).all()
    first, second = (layer.linear1.weight for layer in nn.Transformer(4, 2, 2, 2, 8).encoder.layers)
    assert (first != second).any()


def test_custom_stacks():
    class Twice(nn.Module):
        def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
            return 2 * src

    model = nn.Transformer(4, 2, custom_encoder=Twice(), num_decoder_layers=1, dim_feedforward=8, dropout=0.0)
    src, tgt = tl.randn(3, 2, 4), tl.randn(5, 2, 4)
    close(model(src, tgt).detach().numpy(), model.decoder(tgt, 2 * src).detach().numpy(), 1e-6)


def test_a_transformer_learns_to_turn_a_sequence_around():
    """The encoder-decoder, fed as it is in use: tokens, positions, the target one step behind."""
    tl.manual_seed(0)
    random = np.random.default_rng(0)
    embedding, positions, out = nn.Embedding(7, 32), nn.SinusoidalPositionalEncoding(32, batch_first=True), nn.Linear(32, 7)
    model = nn.Transformer(32, 2, 1, 1, 64, 0.0, batch_first=True)
    optimizer = optim.Adam(nn.ModuleList([embedding, out, model]).parameters(), lr=0.005)
    losses = []
    for _ in range(110):
        tokens = random.integers(1, 7, (32, 4))
        target = tl.tensor(tokens[:, ::-1].copy())
        before = tl.cat([tl.zeros(32, 1, dtype=tl.int64), target[:, :-1]], dim=1)
        src, tgt = (positions(embedding(each)) for each in (tl.tensor(tokens), before))
        loss = F.cross_entropy(out(model(src, tgt, tgt_mask=causal(4))).flatten(0, 1), target.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1.6 and losses[-1] < 0.1


# ---- positions --------------------------------------------------------------------------------------------------
def test_sinusoidal_positions_by_their_formula():
    for length, size, base in ((7, 6, 10000.0), (4, 5, 100.0), (1, 1, 10.0), (0, 4, 10.0)):
        expected = [[math.cos(p / base ** ((j - 1) / size)) if j % 2 else math.sin(p / base ** (j / size)) for j in range(size)]
                    for p in range(length)]
        found = F.sinusoidal_positions(length, size, base, dtype=tl.float64)
        close(found.numpy(), np.array(expected).reshape(length, size), 1e-12)
    assert F.sinusoidal_positions(3, 4).dtype == tl.float32


def test_a_step_ahead_is_a_linear_map_whatever_the_position():
    table = F.sinusoidal_positions(50, 8, dtype=tl.float64).numpy()
    ahead = np.linalg.lstsq(table[:-3], table[3:], rcond=None)[0]
    close(table[:-3] @ ahead, table[3:], 1e-8)


def test_sinusoidal_encoding():
    table = F.sinusoidal_positions(9, 4).numpy()
    x = tl.randn(5, 2, 4)
    first, batched = nn.SinusoidalPositionalEncoding(4), nn.SinusoidalPositionalEncoding(4, batch_first=True)
    close(first(x).numpy(), x.numpy() + table[:5, None], 1e-6)
    close(batched(x.transpose(0, 1)).numpy(), (x.numpy() + table[:5, None]).swapaxes(0, 1), 1e-6)
    close(first(x[:, 0]).numpy(), x[:, 0].numpy() + table[:5], 1e-6)
    close(first(x, offset=4).numpy(), x.numpy() + table[4:, None], 1e-6)
    assert first(x.double()).dtype == tl.float64 and not first.state_dict()
    noisy = nn.SinusoidalPositionalEncoding(4, dropout=1.0)
    assert not noisy(x).any() and noisy.eval()(x).any()
    assert repr(noisy) == ("SinusoidalPositionalEncoding(\n  4, max_len=None, batch_first=False\n"
                           "  (dropout): Dropout(p=1.0, inplace=False)\n)")


def rotations(length, size, base, interleaved):
    """The matrices of Su et al. 2021, eq. 15, one a position."""
    r = np.zeros((length, size, size))
    for p in range(length):
        for i in range(size // 2):
            phi = p * base ** (-2 * i / size)
            a, b = (2 * i, 2 * i + 1) if interleaved else (i, i + size // 2)
            r[p, a, a] = r[p, b, b] = math.cos(phi)
            r[p, a, b], r[p, b, a] = -math.sin(phi), math.sin(phi)
    return r


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_encoding_by_its_matrices(interleaved):
    m = nn.RotaryPositionalEncoding(6, base=50.0, interleaved=interleaved)
    r = rotations(9, 6, 50.0, interleaved)
    x = numbers(2, 3, 5, 6)
    close(m(tl.tensor(x)).numpy(), np.einsum("tij,bhtj->bhti", r[:5], x), 1e-12)
    close(m(tl.tensor(x), offset=4).numpy(), np.einsum("tij,bhtj->bhti", r[4:], x), 1e-12)
    places = np.array([0, 8, 3, 3, 1])
    close(m(tl.tensor(x), positions=tl.tensor(places)).numpy(), np.einsum("tij,bhtj->bhti", r[places], x), 1e-12)
    places = np.array([[0, 8, 3, 3, 1], [5, 4, 3, 2, 1]])
    close(m(tl.tensor(x), positions=tl.tensor(places)).numpy(), np.einsum("btij,bhtj->bhti", r[places], x), 1e-12)
    close(m(tl.tensor(x[:, 0]), positions=tl.tensor(places)).numpy(), np.einsum("btij,btj->bti", r[places], x[:, 0]), 1e-12)
    wide = numbers(2, 5, 8)                                     # the last two features stay
    close(m(tl.tensor(wide)).numpy(), np.concatenate([np.einsum("tij,btj->bti", r[:5], wide[..., :6]), wide[..., 6:]], -1), 1e-12)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_scores_depend_on_distance_alone(interleaved):
    m = nn.RotaryPositionalEncoding(8, interleaved=interleaved)
    q, k = tl.tensor(numbers(1, 8)), tl.tensor(numbers(1, 8, seed=1))
    scores = [(m(q, offset=5 + far) @ m(k, offset=2 + far).T).item() for far in (0, 1, 100, 5000)]
    close(scores, [scores[0]] * 4, 1e-9)
    assert abs(scores[0] - (m(q, offset=6) @ m(k, offset=2).T).item()) > 1e-3
    x = tl.tensor(numbers(3, 20, 8))
    close(m(x).norm(dim=-1).numpy(), x.norm(dim=-1).numpy(), 1e-12)                             # lengths are kept
    one = m(tl.eye(8, dtype=tl.float64).unsqueeze(1), offset=17)[:, 0]                          # the matrix itself
    close((one @ one.T).numpy(), np.eye(8), 1e-12)


def test_rotary_layouts_differ_by_the_order_of_features():
    x, order = tl.tensor(numbers(4, 6)), [0, 2, 4, 1, 3, 5]
    a = nn.RotaryPositionalEncoding(6, interleaved=True)(x)
    close(a[:, order].numpy(), nn.RotaryPositionalEncoding(6)(x[:, order]).numpy(), 1e-14)


def test_a_cache_of_keys():
    """Steps one by one, with their offset, are the steps all at once; the tables grow, in each type by themselves."""
    m = nn.RotaryPositionalEncoding(4)
    x = tl.tensor(numbers(2, 3, 7, 4))
    close(tl.cat([m(x[:, :, t:t + 1], offset=t) for t in range(7)], dim=2).numpy(), m(x).numpy(), 1e-14)
    assert m(x.float()).dtype == tl.float32
    close(m(x.float(), offset=60000).numpy(), m(x, offset=60000).numpy(), 1e-6)


FAULTS = {
    "nn.SinusoidalPositionalEncoding(4)(tl.zeros(5, 2, 3))": r"\(time, batch, d_model\).*d_model=4.*\(5, 2, 3\)",
    "nn.SinusoidalPositionalEncoding(4)(tl.tensor([[1, 2]]))": "nn.Embedding",
    "nn.SinusoidalPositionalEncoding(4, max_len=4)(tl.zeros(5, 2, 4))": "5 steps in dim 0, so the last position is 4, .* max_len=4",
    "nn.SinusoidalPositionalEncoding(4, max_len=4)(tl.zeros(2, 2, 4), offset=3)": "last position is 4",
    "nn.SinusoidalPositionalEncoding(4)(tl.zeros(2, 2, 4), offset=-1)": "offset counts the steps",
    "nn.RotaryPositionalEncoding(5)": "size is even, got 5",
    "nn.RotaryPositionalEncoding(8)(tl.zeros(2, 4))": r"size=8 features are turned, got shape \(2, 4\)",
    "nn.RotaryPositionalEncoding(4)(tl.zeros(3, 4), 1, tl.tensor([0, 1, 2]))": "offset=1 or positions",
    "nn.RotaryPositionalEncoding(4)(tl.zeros(2, 3, 4), positions=tl.tensor([0, 1]))": r"of shape \(3,\) or \(2, 3\), got \(2,\)",
    "nn.RotaryPositionalEncoding(4)(tl.zeros(3, 4), positions=tl.zeros(3))": "positions are integers, got .*float32",
    "F.rotary_encoding(tl.zeros(3, 4), tl.zeros(3, 3), tl.zeros(3, 3))": "has 2 pairs",
    "F.rotary_encoding(tl.zeros(3, 4), tl.zeros(2, 2), tl.zeros(2, 2))": "a row for each time step",
    "nn.Transformer(4, 2)(tl.zeros(3, 2, 4), tl.zeros(3, 1, 4))": "batch number of src and tgt must be equal.*batch_first=True",
    "nn.Transformer(4, 2)(tl.zeros(3, 2), tl.zeros(3, 2))": "d_model=4.*nn.Embedding",
    "nn.Transformer(4, 2)(tl.zeros(3, 4), tl.zeros(3, 1, 4))": "or both unbatched",
    "nn.Transformer(5, 2)": "5 is not by 2",
    "nn.TransformerEncoderLayer(4, 2, activation='swish')": "'relu', 'gelu', or a function such as F.silu, got 'swish'",
    "nn.TransformerEncoderLayer(4, 2)(tl.zeros(3, 2, 4), is_causal=True)": "in TransformerEncoderLayer.self_attn",
    "nn.TransformerDecoderLayer(4, 2)(tl.zeros(3, 2, 4), tl.zeros(3, 2, 5))": "multihead_attn",
}


@pytest.mark.parametrize("line", FAULTS)
def test_misuse_is_explained(line):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as error:
        eval(line)
    assert re.search(FAULTS[line], "\n".join([str(error.value), *getattr(error.value, "__notes__", ())]), re.DOTALL)
