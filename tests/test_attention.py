"""Attention against PyTorch, and against what it is made of: masks of every form, cuts of every size, errors."""
import itertools
import math

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import autograd, backend, nn, ops
from tinygrad_like.ops.activation import softmax
from tinygrad_like.testing import gradcheck, gradgradcheck

INF = math.inf


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def close(x, y, tolerance=1e-8):
    np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def both(arrays, call, second=True):
    """Result, gradients along random directions, and gradients of those, here and in PyTorch's plain attention."""
    torch = pytest.importorskip("torch")
    from torch.nn.attention import SDPBackend, sdpa_kernel
    found = []
    for lib in (tl, torch):
        xs = [lib.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
        sources = [x for x in xs if x.requires_grad]
        with sdpa_kernel(SDPBackend.MATH):
            out = call(lib, *xs)
        random = np.random.default_rng(1)
        v = lib.tensor(random.standard_normal(tuple(out.shape)))
        gs = lib.autograd.grad(out, sources, v, create_graph=second)
        results = [out, *gs]
        if second:
            ws = [lib.tensor(random.standard_normal(tuple(g.shape))) for g in gs]
            results += lib.autograd.grad(gs, sources, ws, materialize_grads=True)
        found.append([x.detach().numpy() for x in results])
    for mine, theirs in zip(*found, strict=True):
        assert mine.shape == theirs.shape
        close(mine, theirs)


def sdpa(lib, *args, **kwargs):
    return lib.nn.functional.scaled_dot_product_attention(*args, **kwargs)


# ---- one formula ------------------------------------------------------------------------------------------------
FIVE = np.random.default_rng(5).random((4, 5)) < 0.6
FIVE[:, 0] = True
CASES = {
    "plain": (((2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 6)), {}),
    "matrices": (((4, 2), (5, 2), (5, 3)), {}),
    "one leading dim": (((2, 4, 2), (2, 5, 2), (2, 5, 3)), {}),
    "scale": (((2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 2)), {"scale": 0.3}),
    "causal": (((2, 3, 4, 2), (2, 3, 4, 2), (2, 3, 4, 2)), {"is_causal": True}),
    "causal, more keys": (((1, 2, 3, 2), (1, 2, 5, 2), (1, 2, 5, 2)), {"is_causal": True}),
    "causal, more queries": (((1, 2, 5, 2), (1, 2, 3, 2), (1, 2, 3, 2)), {"is_causal": True}),
    "groups": (((2, 6, 4, 2), (2, 3, 5, 2), (2, 3, 5, 2)), {"enable_gqa": True}),
    "one group, causal": (((2, 4, 4, 2), (2, 1, 4, 2), (2, 1, 4, 3)), {"enable_gqa": True, "is_causal": True}),
    "groups that differ": (((2, 4, 4, 2), (2, 2, 5, 2), (2, 4, 5, 3)), {"enable_gqa": True}),
    "no groups": (((2, 3, 4, 2), (2, 3, 5, 2), (2, 3, 5, 2)), {"enable_gqa": True}),
    "heads that broadcast": (((2, 3, 4, 2), (1, 1, 5, 2), (2, 1, 5, 2)), {}),
    "one key": (((2, 2, 3, 2), (2, 2, 1, 2), (2, 2, 1, 2)), {}),
}
MASKS = {
    "booleans": FIVE,
    "booleans of a batch": np.stack([FIVE, FIVE[::-1]])[:, None],
    "booleans of heads": np.stack([FIVE, FIVE[::-1], FIVE]),
    "keys": FIVE[0],
    "padding": np.array([[True, True, True, False, False], [True] * 5])[:, None, None],
    "numbers": numbers(4, 5, seed=3),
    "numbers of heads": numbers(3, 4, 5, seed=3),
    "numbers of all": numbers(2, 3, 4, 5, seed=3),
    "one number a query": numbers(4, 1, seed=3),
    "numbers with -inf": np.where(FIVE, numbers(4, 5, seed=4), -INF),
}


@pytest.mark.parametrize("case", CASES)
def test_as_in_pytorch(case):
    shapes, options = CASES[case]
    both([numbers(*shape, seed=i) for i, shape in enumerate(shapes)], lambda lib, *xs: sdpa(lib, *xs, **options))


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("mask", MASKS)
def test_masks_as_in_pytorch(mask, groups):
    heads = (3, 1) if groups else (3, 3)
    arrays = [numbers(2, heads[0], 4, 2, seed=0), numbers(2, heads[1], 5, 2, seed=1), numbers(2, heads[1], 5, 3, seed=2)]
    both([*arrays, MASKS[mask]], lambda lib, *xs: sdpa(lib, *xs, enable_gqa=groups))


@pytest.mark.parametrize("cut", [(1, 1), (8, 2), (40, 1), (1 << 30, 3)])
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [0.7, 300.0])
def test_however_it_is_cut(cut, kept, causal, scale, monkeypatch):
    """In blocks of any size, with the probabilities kept or computed again, of scores that e^s could overflow of and of others, it
    is what its composition is; so are its gradients."""
    monkeypatch.setattr(backend, "working_set", lambda x: cut)
    size = 16 if kept else 1
    for queries, keys in ((7, 7), (3, 7), (7, 3)):
        arrays = [numbers(2, 3, queries, size, seed=0), numbers(2, 1, keys, size, seed=1), numbers(2, 3, keys, 1, seed=2),
                  numbers(3, queries, keys, seed=3)]
        dropped = np.random.default_rng(4).random((2, 3, queries, keys)) < 0.3
        for n, keep in itertools.product((3, 4), (None, ~dropped)):
            assert (ops.attention.softened(*arrays[:3], None, scale, causal, keep)[0] is not None) == kept
            xs = [tl.tensor(x, requires_grad=True) for x in arrays[:n]]
            outs = [f(*xs, scale=scale, causal=causal, keep=keep) for f in (ops.attention, ops.attention.plain)]
            close(outs[0].detach().numpy(), outs[1].detach().numpy(), 1e-12 * scale)
            g = tl.tensor(numbers(*outs[0].shape, seed=9))
            for mine, other in zip(*[autograd.grad(out, xs, g) for out in outs]):
                close(mine.numpy(), other.numpy(), 1e-12 * scale**2)


@pytest.mark.parametrize("scale", [0.5, 500.0])
@pytest.mark.parametrize("kept", [False, True])
def test_keys_hidden_by_a_mask(kept, scale, monkeypatch):
    """Whether the scores that a mask of 0 and -inf leaves over could overflow or not; and where the mask is what could."""
    monkeypatch.setattr(backend, "working_set", lambda x: (40, 1))
    q, k, v = [numbers(2, 3, 6, 16 if kept else 1, seed=seed) for seed in range(3)]
    hidden = np.where(np.arange(6) < np.array([[[[4]]], [[[6]]]]), 0, -INF) + np.where(np.arange(6)[:, None] == 2, -INF, 0)
    for mask in (hidden, hidden[0, 0], hidden[1, 0] + 0.25, hidden + 2000, hidden - 2000):
        xs = [tl.tensor(x, requires_grad=True) for x in (q, k, v)]
        outs = [f(*xs, tl.tensor(mask), scale=scale) for f in (ops.attention, ops.attention.plain)]
        close(outs[0].detach().numpy(), outs[1].detach().numpy(), 1e-11 * scale)
        for mine, other in zip(*[autograd.grad(out, xs, tl.ones_like(out)) for out in outs]):
            close(mine.numpy(), other.numpy(), 1e-11 * scale**2)


@pytest.mark.parametrize("queries, keys", [(0, 3), (3, 0), (0, 0)])
@pytest.mark.parametrize("causal", [False, True])
def test_without_queries_or_keys(queries, keys, causal):
    """There is nothing to gather, which is 0, and nothing to blame for it."""
    xs = [tl.ones(2, n, 2, requires_grad=True) for n in (queries, keys, keys)]
    for create_graph in (False, True):
        out = F.scaled_dot_product_attention(*xs, is_causal=causal)
        assert out.shape == (2, queries, 2) and not out.any()
        for x, g in zip(xs, autograd.grad(out, xs, tl.ones_like(out), create_graph=create_graph)):
            assert g.shape == x.shape and not g.any()


def test_long_sequences_take_no_memory_for_every_pair():
    """The record of 32 heads of 1024 queries and keys, which would be 128 MiB, is a few times as large as the operands."""
    x = tl.randn(4, 8, 1024, 8).requires_grad_()
    out = F.scaled_dot_product_attention(x, x, x, is_causal=True)
    kept = [each for value in out.node.kept.values() for each in (value if isinstance(value, (list, tuple)) else [value])]
    assert sum([each.nbytes for each in kept if isinstance(each, np.ndarray)]) < 6 * x.array.nbytes


def test_float32_of_a_thousand_keys():
    arrays = [numbers(2, 300, 16, seed=0), numbers(2, 1000, 16, seed=1), numbers(2, 1000, 16, seed=2)]
    exact, rough = [F.scaled_dot_product_attention(*[tl.tensor(x.astype(t)) for x in arrays]).numpy() for t in ("f8", "f4")]
    assert rough.dtype == np.float32 and abs(rough - exact).max() < 1e-6


@pytest.mark.parametrize("mask", [np.array([[True, False, True], [False] * 3]), np.array([[0.0, -INF, 1.0], [-INF] * 3])],
                         ids=["booleans", "numbers"])
@pytest.mark.parametrize("queries", [2, 200])
def test_a_row_that_attends_nothing(mask, queries):
    """Zeros, with zeros for gradients, and no NaN anywhere; the other rows are as if it were not there."""
    mask = np.repeat(mask, queries // 2, axis=0)
    seen = mask[:, 0] != mask[-1, 0]
    arrays = [numbers(2, queries, 4, seed=0), numbers(2, 3, 4, seed=1), numbers(2, 3, 4, seed=2)]
    q, k, v = xs = [tl.tensor(x, requires_grad=True) for x in arrays]
    bias = tl.tensor(mask, requires_grad=mask.dtype.kind == "f")
    out = F.scaled_dot_product_attention(q, k, v, bias)
    assert not out[:, ~seen].any() and out[:, seen].all()
    g = tl.tensor(numbers(*out.shape, seed=3))
    sources = [*xs, bias] if bias.requires_grad else xs
    alone = F.scaled_dot_product_attention(q[:, seen], k, v, bias[seen])
    for create_graph in (False, True):
        gs = autograd.grad(out, sources, g, create_graph=create_graph, retain_graph=True)
        assert not gs[0][:, ~seen].any() and (len(gs) == 3 or not gs[3][~seen].any())
        for mine, other in zip(gs[:3], autograd.grad(alone, xs, g[:, seen], retain_graph=True)):
            assert mine.isfinite().all()
            close(mine.detach().numpy(), other.numpy(), 1e-12)
    second = autograd.grad(sum([(x * x).sum() for x in gs]), xs)
    assert all([x.isfinite().all() for x in second])


def test_a_masked_key_may_score_anything_finite():
    """A score that is masked counts for nothing, however large, and large ones that are not overflow nowhere."""
    q, k, v = tl.full((1, 2), 1e19), tl.tensor([[1.0, 0], [1e19, 1e19], [1.0, 1.0]]), tl.tensor([[1.0], [2.0], [4.0]])
    out = F.scaled_dot_product_attention(q, k, v, tl.tensor([[True, False, True]]))
    assert out.item() == 4.0
    x = tl.tensor(numbers(3, 2) * 1e4, requires_grad=True)
    out = F.scaled_dot_product_attention(x, x, tl.eye(3, dtype=tl.float64))
    assert (out.sum(-1) == 1).all() and autograd.grad(out.sum(), x)[0].isfinite().all()


def test_dropout_drops_weights_and_keeps_the_mean():
    tl.manual_seed(0)
    q, k = tl.randn(4, 50, 8), tl.randn(4, 60, 8)
    v = tl.eye(60).expand(4, 60, 60)                            # so that out is the weights
    exact = F.scaled_dot_product_attention(q, k, v)
    out = F.scaled_dot_product_attention(q, k, v, dropout_p=0.25)
    dropped = out == 0
    assert abs(dropped.float().mean().item() - 0.25) < 0.02
    close(out[~dropped].numpy(), (exact / 0.75)[~dropped].numpy(), 1e-5)
    assert not F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).any()


def test_dropout_has_exact_gradients():
    def f(q, k, v, bias):
        tl.manual_seed(7)
        return F.scaled_dot_product_attention(q, k, v, bias, dropout_p=0.4)

    xs = [tl.tensor(numbers(*shape), requires_grad=True) for shape in ((2, 3, 2), (2, 4, 2), (2, 4, 3), (3, 4))]
    assert gradcheck(f, xs) and gradgradcheck(f, xs)


def test_it_is_softmax_of_the_products():
    q, k, v = numbers(4, 3), numbers(5, 3, seed=1), numbers(5, 2, seed=2)
    close(F.scaled_dot_product_attention(*map(tl.tensor, (q, k, v))).numpy(), softmax(q @ k.T / 3**0.5) @ v, 1e-14)


def test_results_lie_in_memory_as_the_queries_do():
    """Heads that come from one projection go back into rows without a copy."""
    x = tl.randn(2, 5, 3, 4, 6)                                 # (batch, time, q k v, heads, size)
    q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)
    out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
    assert out.array.flags.c_contiguous


# ---- many heads -------------------------------------------------------------------------------------------------
def test_second_derivatives_of_the_layers():
    from .layers.attention import LAYERS
    second_derivatives(LAYERS)


def second_derivatives(layers):
    """Of layers whose fused attention PyTorch cannot differentiate twice: by its plain one."""
    torch = pytest.importorskip("torch")
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from .test_layers import build, fill, results
    for layer in layers:
        if not (layer.second or layer.random or layer.ours):
            mine, theirs = build(layer, tl), build(layer, torch)
            fill(mine, tl), fill(theirs, torch)
            with sdpa_kernel(SDPBackend.MATH):
                expected = results(layer, torch, theirs, True)[2]
            for x, y in zip(results(layer, tl, mine, True)[2], expected, strict=True):
                close(x, y)


@pytest.mark.parametrize("options", ["", "batch_first=True", "kdim=5, vdim=3", "add_bias_kv=True, add_zero_attn=True"])
def test_weights_or_not_the_result_is_the_same(options):
    m = eval(f"nn.MultiheadAttention(6, 2, {options})").to(tl.float64)
    k, v = numbers(4, 4, 5 if "kdim" in options else 6), numbers(4, 4, 3 if "vdim" in options else 6, seed=1)
    args = [tl.tensor(x) for x in (numbers(4, 4, 6, seed=2), k, v)]
    for mask in (None, tl.ones(4, 4, dtype=tl.bool).triu(1), tl.tensor(numbers(8, 4, 4)[:, :, :4])):
        for padding in (None, tl.tensor(np.arange(4) > np.array([[3], [1], [2], [0]]))):
            out, weights = m(*args, padding, attn_mask=mask)
            other, none = m(*args, padding, need_weights=False, attn_mask=mask)
            close(out.detach().numpy(), other.detach().numpy(), 1e-12)
            assert none is None
            close(weights.sum(-1).detach().numpy(), np.ones(weights.shape[:-1]), 1e-12)


def test_a_layer_whose_query_attends_nothing():
    m = nn.MultiheadAttention(4, 2).to(tl.float64)
    with tl.no_grad():
        m.out_proj.bias.fill_(0.5)
    x = tl.tensor(numbers(3, 2, 4), requires_grad=True)
    padding = tl.tensor([[True] * 3, [False] * 3])
    for need_weights in (True, False):
        out, weights = m(x, x, x, padding, need_weights)
        assert (out[:, 0] == 0.5).all() and (out[:, 1] != 0.5).all()
        out.sum().backward()
        assert x.grad.isfinite().all() and not x.grad[:, 0].any() and all([p.grad.isfinite().all() for p in m.parameters()])
        assert weights is None or not weights[0].any()


def test_masks_mean_the_opposite_of_the_functions():
    """True = not attended in the layer, and True = attended in the function."""
    m = nn.MultiheadAttention(4, 1, bias=False)
    with tl.no_grad():
        m.in_proj_weight.copy_(tl.cat([tl.eye(4)] * 3))
        m.out_proj.weight.copy_(tl.eye(4))
    x, mask = tl.randn(5, 4), tl.ones(5, 5, dtype=tl.bool).triu(1)
    close(m(x, x, x, attn_mask=mask)[0].detach().numpy(), F.scaled_dot_product_attention(x, x, x, ~mask).numpy(), 1e-5)


def test_a_hint_takes_the_mask_at_its_word():
    """With is_causal=True and no weights the mask is not read; with weights, or with padding, it is."""
    m, x = nn.MultiheadAttention(4, 2), tl.randn(3, 2, 4)
    wrong, right = tl.zeros(3, 3, dtype=tl.bool), tl.ones(3, 3, dtype=tl.bool).triu(1)
    hinted = m(x, x, x, need_weights=False, attn_mask=wrong, is_causal=True)[0]
    close(hinted.detach().numpy(), m(x, x, x, attn_mask=right)[0].detach().numpy(), 1e-5)
    close(m(x, x, x, attn_mask=wrong, is_causal=True)[0].detach().numpy(), m(x, x, x)[0].detach().numpy(), 1e-5)
    with pytest.raises(RuntimeError, match="is_causal=True says of attn_mask"):
        m(x, x, x, is_causal=True)
    more = nn.MultiheadAttention(4, 2, add_bias_kv=True)        # whose own key comes last, and is there for all queries
    close(more(x, x, x, attn_mask=right, need_weights=False, is_causal=True)[0].detach().numpy(),
          more(x, x, x, attn_mask=right)[0].detach().numpy(), 1e-5)


def test_static_keys_and_values():
    torch = pytest.importorskip("torch")
    q, weight, out = numbers(3, 2, 4), numbers(12, 4, seed=1), numbers(4, 4, seed=2)
    k, v = numbers(4, 5, 2, seed=3), numbers(4, 5, 2, seed=4)
    for need in (True, False):
        found = []
        for lib in (tl, torch):
            q_, w_, o_, k_, v_ = [lib.tensor(x) for x in (q, weight, out, k, v)]
            results = lib.nn.functional.multi_head_attention_forward(q_, q_, q_, 4, 2, w_, None, None, None, False, 0.0, o_, None,
                                                                     static_k=k_, static_v=v_, need_weights=need)
            found.append([x.numpy() for x in results if x is not None])
        for mine, theirs in zip(*found, strict=True):
            close(mine, theirs)


# ---- errors -----------------------------------------------------------------------------------------------------
SETUP = """
F, nn = torch.nn.functional, torch.nn
q, k, v = torch.zeros(2, 6, 4, 8), torch.zeros(2, 3, 5, 8), torch.zeros(2, 3, 5, 8)
x, y, m, kv = torch.zeros(4, 2, 6), torch.zeros(5, 2, 6), nn.MultiheadAttention(6, 2), nn.MultiheadAttention(6, 2, kdim=5)
sdpa = F.scaled_dot_product_attention
"""
FAULTS = {
    "sdpa(q, k, v)": "6 in one and 3 in the other|2 heads of query are to share each of key: enable_gqa=True",
    "sdpa(q, q, q, torch.ones(4, 4, dtype=torch.bool), is_causal=True)": "is_causal=True is a mask, and attn_mask another",
    "sdpa(q, q, q, torch.ones(4, 5))": r"shape \(4, 5\).*\(2, 6, 4, 4\).*axis -1 is 5 in one and 4",
    "sdpa(q, k[..., :7], v, enable_gqa=True)": "dim -1 is 8 in query and 7 in key",
    "sdpa(q, k, v[:, :, :4], enable_gqa=True)": "dim -2 is 5 in key and 4 in value",
    "sdpa(q[:, :4], k, v, enable_gqa=True)": "dim -3 is 4 in query, 3 in key",
    "sdpa(q, q.double(), q)": "of one floating-point type, got .*float32, .*float64",
    "sdpa(q[0, 0, 0], q, q)": "of at least two dims",
    "sdpa(q, q, q, torch.ones(4, 4, dtype=torch.int64))": "a mask is of booleans, or of floating-point numbers",
    "m(x, x, x, attn_mask=torch.zeros(4, 5))": r"\(queries, keys\) = \(4, 4\).* \(4, 4, 4\), got \(4, 5\)",
    "m(x, y, y, attn_mask=torch.zeros(2, 5))": "key_padding_mask",
    "m(x, x, x, attn_mask=torch.zeros(2, 4, 4))": r"repeat_interleave\(2, dim=0\)",
    "m(x, x, x, torch.zeros(4, 2, dtype=torch.bool))": "looks transposed",
    "m(x, x, x, torch.zeros(4, dtype=torch.bool))": r"\(batch, keys\), and for unbatched input \(keys,\)",
    "m(x[..., :5], x[..., :5], x[..., :5])": "embed_dim is 6, and query of shape .* has 5 features",
    "m(x, x[..., :5], x[..., :5])": "kdim= and vdim=",
    "m(x, x[0], x[0])": "batched, .* or all of them not",
    "m(x, x[:, :1], x[:, :1])": r"got query \(4, 2, 6\), key \(4, 1, 6\).*batch_first=True",
    "m(x, x, y)": "each key has a value",
    "m(x, x, x, is_causal=True)": "is_causal=True says of attn_mask",
    "nn.MultiheadAttention(10, 3)": "10 is not by 3: 2 heads would fit, or embed_dim=12",
    "nn.MultiheadAttention(0, 1)": "above 0",
    "nn.MultiheadAttention(6, 2, 1.5)(x, x, x)": "a probability, between 0 and 1",
}


@pytest.mark.parametrize("line", FAULTS)
def test_misuse_is_explained(line):
    names = {"torch": tl}
    exec(SETUP, names)
    for words in FAULTS[line].split("|"):
        with pytest.raises(Exception, match=words):
            eval(line, names)


# What some of PyTorch's kernels let pass: two masks at once, and values without keys.
UNNOTICED = ["sdpa(q, q, q, torch.ones(4, 4, dtype=torch.bool), is_causal=True)", "sdpa(q, k, v[:, :, :4], enable_gqa=True)"]


@pytest.mark.parametrize("line", [line for line in FAULTS if line not in UNNOTICED])
def test_errors_are_of_pytorchs_kinds(line):
    pytest.importorskip("torch")
    from .same import same
    same(line, SETUP)


def test_no_tensor_no_attention():
    with pytest.raises(TypeError, match="query is a Tensor, got numpy.ndarray"):
        F.scaled_dot_product_attention(np.ones((2, 2)), tl.ones(2, 2), tl.ones(2, 2))
    with pytest.raises(TypeError, match="attn_mask is a Tensor, got list"):
        F.scaled_dot_product_attention(tl.ones(2, 2), tl.ones(2, 2), tl.ones(2, 2), [[True, False]])
    with pytest.raises(ValueError, match="dropout_p is a probability"):
        F.scaled_dot_product_attention(tl.ones(2, 2), tl.ones(2, 2), tl.ones(2, 2), dropout_p=-0.1)
