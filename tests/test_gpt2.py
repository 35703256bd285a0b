"""GPT-2 and `generate`: as transformers has them, where it is installed; and by what must hold of any."""
import itertools
import json
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import models, serialize
from tinygrad_like.nn import functional as F
from tinygrad_like.transformers import GPT2Config, GPT2LMHeadModel, GPT2Model
from tinygrad_like.transformers.generation import likeliest, penalised

EOS = 7
SIZES = dict(n_layer=3, n_head=2, n_embd=32, vocab_size=60, n_positions=64, eos_token_id=EOS, bos_token_id=1)


def model(seed=0, std=0.25, **changes):
    """A small GPT-2 with weights large enough that it is sure of something."""
    random = np.random.default_rng(seed)
    made = GPT2LMHeadModel(GPT2Config(**{**SIZES, **changes})).eval()
    with tl.no_grad():
        for parameter in made.parameters():
            parameter.copy_(tl.tensor(random.normal(0, std, tuple(parameter.shape)).astype("float32")))
    return made


def texts(seed=0, n=3, length=5):
    """Token numbers, and a mask: the first item has two of padding, on the left."""
    ids = np.random.default_rng(seed).integers(8, 60, (n, length))
    mask = np.ones_like(ids)
    mask[0, :2] = 0
    return tl.tensor(ids), tl.tensor(mask)


# ---- beside transformers ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The same network here and there, by way of a folder."""
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("gpt2")
    model().save_pretrained(folder)
    return GPT2LMHeadModel.from_pretrained(folder), transformers.GPT2LMHeadModel.from_pretrained(folder).eval(), torch


@pytest.mark.parametrize("masked", [False, True])
def test_logits_loss_and_gradients_as_in_transformers(pair, masked):
    ours, theirs, torch = pair
    ids, mask = texts(length=9)
    labels = ids.numpy().copy()
    labels[0, :4] = -100
    given = dict(attention_mask=mask) if masked else {}
    a = ours(ids, labels=tl.tensor(labels), **given)
    b = theirs(torch.tensor(ids.numpy()), labels=torch.tensor(labels), **{k: torch.tensor(v.numpy()) for k, v in given.items()})
    seen = mask.numpy() == 1 if masked else np.ones((3, 9), "bool")
    np.testing.assert_allclose(a.logits.detach().numpy()[seen], b.logits.detach().numpy()[seen], atol=5e-6)
    assert a.loss.item() == pytest.approx(b.loss.item(), rel=1e-6)
    a.loss.backward()
    b.loss.backward()
    expected = dict(theirs.named_parameters())
    for name, parameter in ours.named_parameters():
        want = expected[name].grad.numpy()
        np.testing.assert_allclose(parameter.grad.numpy(), want, atol=2e-5 * max(1, np.abs(want).max()), err_msg=name)
        parameter.grad = None
    theirs.zero_grad()


WAYS = [dict(max_new_tokens=15), dict(max_length=20), dict(max_new_tokens=12, repetition_penalty=1.5),
        dict(max_new_tokens=12, num_beams=3), dict(max_new_tokens=14, num_beams=4, num_return_sequences=3),
        dict(max_new_tokens=14, num_beams=4, early_stopping=True, num_return_sequences=2),
        dict(max_new_tokens=14, num_beams=5, early_stopping="never", length_penalty=2.0),
        dict(max_new_tokens=14, num_beams=4, length_penalty=0.3, eos_token_id=[EOS, 9, 20]),
        dict(max_new_tokens=9, num_beams=2, repetition_penalty=1.3), dict(max_new_tokens=20, num_beams=3, use_cache=False)]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_generates_what_transformers_does(pair, way):
    ours, theirs, torch = pair
    for seed, masked in itertools.product(range(3), (False, True)):
        ids, mask = texts(seed)
        mask = mask if masked else mask * 0 + 1
        a = ours.generate(ids, attention_mask=mask, pad_token_id=0, **way)
        b = theirs.generate(torch.tensor(ids.numpy()), attention_mask=torch.tensor(mask.numpy()), pad_token_id=0, do_sample=False,
                            **way)
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_draws_from_what_transformers_draws_from():
    generation = pytest.importorskip("transformers.generation")
    torch = pytest.importorskip("torch")
    logits = np.random.default_rng(0).normal(0, 3, (5, 40)).astype("float32")
    for top_k, top_p in itertools.product((None, 1, 7, 100), (1.0, 0.9, 0.5, 0.0)):
        expected = torch.tensor(logits)
        if top_k:
            expected = generation.TopKLogitsWarper(top_k)(None, expected)
        if top_p < 1:
            expected = generation.TopPLogitsWarper(top_p)(None, expected)
        np.testing.assert_array_equal(likeliest(tl.tensor(logits), top_k, top_p).numpy(), expected.numpy())


@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "bin"])
def test_reads_what_transformers_saved(pair, tmp_path, safe):
    ours, theirs, torch = pair
    theirs.save_pretrained(tmp_path)
    if not safe:
        (tmp_path / "model.safetensors").unlink()
        torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    again = GPT2LMHeadModel.from_pretrained(tmp_path)
    for name, value in ours.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name].numpy(), value.numpy())
    assert not again.training and again.lm_head.weight is again.transformer.wte.weight


def test_numbers_that_transformers_found():
    """Version 5.23, with weights ½ sin k; in the order of the parameters, and 1 more where layer norm scales."""
    made = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=8, vocab_size=12, n_positions=16, n_inner=20, eos_token_id=7,
                                      bos_token_id=1)).eval()
    k = 0
    for name, parameter in made.named_parameters():
        values = 0.5 * np.sin(np.arange(k, k + parameter.numel())) + ("ln" in name and "weight" in name)
        k += parameter.numel()
        parameter.data = tl.tensor(values.reshape(tuple(parameter.shape)).astype("float32"))
    assert k == 1576
    ids = tl.tensor([[1, 5, 2, 8], [3, 3, 9, 4]])
    out = made(ids, labels=ids)
    assert out.loss.item() == pytest.approx(3.352315, abs=1e-5)
    logits = -0.04204, -3.19342, 0.97133, 2.91076, -1.81836, -2.38162, 2.51141, 1.65080, -2.99179, -0.78018, 3.21882, -0.15649
    np.testing.assert_allclose(out.logits[0, -1].detach().numpy(), logits, atol=2e-5)
    assert made.generate(ids, max_new_tokens=6, pad_token_id=0).tolist() == [
        [1, 5, 2, 8, 10, 8, 6, 6, 6, 5], [3, 3, 9, 4, 10, 1, 2, 6, 6, 5]]
    assert made.generate(ids, max_new_tokens=6, num_beams=3, num_return_sequences=2, pad_token_id=0).tolist() == [
        [1, 5, 2, 8, 10, 8, 6, 6, 6, 5], [1, 5, 2, 8, 10, 8, 6, 6, 6, 1],
        [3, 3, 9, 4, 10, 8, 6, 6, 6, 5], [3, 3, 9, 4, 10, 1, 6, 6, 6, 5]]


# ---- files ------------------------------------------------------------------------------------------------------
def test_a_folder_there_and_back(tmp_path):
    made = model(n_inner=48, activation_function="gelu", scale_attn_by_inverse_layer_idx=True, tie_word_embeddings=False)
    made.config.others = {"task_specific_params": {"x": 1}}
    made.save_pretrained(tmp_path / "new" / "folder")
    again = GPT2LMHeadModel.from_pretrained(str(tmp_path / "new" / "folder"))
    assert again.config == made.config and again.config.others["architectures"] == ["GPT2LMHeadModel"]
    ids = texts()[0]
    np.testing.assert_array_equal(again(ids).logits.detach().numpy(), made(ids).logits.detach().numpy())
    assert "lm_head.weight" in serialize.load(tmp_path / "new" / "folder" / "model.safetensors")


def test_what_is_tied_is_saved_once_and_published_files_have_other_names(tmp_path):
    """The files of "gpt2" itself: of the model without a head, with masks among the weights, in half precision or not."""
    made = model()
    made.save_pretrained(tmp_path)
    weights = serialize.load(tmp_path / "model.safetensors")
    assert "lm_head.weight" not in weights
    old = {name.removeprefix("transformer."): value.half().float() for name, value in weights.items()}
    old |= {"h.0.attn.bias": tl.ones(1, 1, 64, 64), "h.0.attn.masked_bias": tl.tensor(-1e4)}
    serialize.save({name: value.half() for name, value in old.items()}, tmp_path / "model.safetensors")
    for kind in (GPT2LMHeadModel, GPT2Model):
        again = kind.from_pretrained(tmp_path)
        for name, value in again.state_dict().items():
            assert value.dtype == tl.float32
            want = old["wte.weight" if name.startswith("lm_head") else name.removeprefix("transformer.")]
            np.testing.assert_array_equal(value.numpy(), want.numpy())


def test_weights_that_a_model_has_no_place_for_are_named(tmp_path):
    model(tie_word_embeddings=False).save_pretrained(tmp_path)
    with pytest.warns(UserWarning, match="model.safetensors: GPT2Model has no place for lm_head.weight, of 41 weights: left out"):
        GPT2Model.from_pretrained(tmp_path)


def test_what_is_wrong_with_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with pytest.raises(OSError, match="there is no folder 'gpt2', and no model of that name.*Nothing is fetched here"):
        GPT2LMHeadModel.from_pretrained("gpt2")
    with pytest.raises(TypeError, match="takes the path of a folder, or the name of a model, got NoneType"):
        GPT2LMHeadModel.from_pretrained(None)
    model().save_pretrained(tmp_path / "a")
    with pytest.raises(OSError, match="takes the folder that config.json is in"):
        GPT2LMHeadModel.from_pretrained(tmp_path / "a" / "config.json")
    (tmp_path / "a" / "model.safetensors").rename(tmp_path / "model.safetensors")
    with pytest.raises(OSError, match="has no model.safetensors and no pytorch_model.bin"):
        GPT2LMHeadModel.from_pretrained(tmp_path / "a")
    (tmp_path / "a" / "config.json").write_text(json.dumps({**model().config.to_dict(), "model_type": "bert"}))
    with pytest.raises(ValueError, match="of a 'bert', and a 'gpt2' was expected"):
        GPT2LMHeadModel.from_pretrained(tmp_path / "a")
    (tmp_path / "a" / "config.json").write_text("{")
    with pytest.raises(ValueError, match="config.json' cannot be read"):
        GPT2LMHeadModel.from_pretrained(tmp_path / "a")
    model(n_layer=2).save_pretrained(tmp_path / "b")
    model().config.save_pretrained(tmp_path / "b")
    with pytest.raises(RuntimeError, match=r"(?s)b/model.safetensors.*transformer.h.2.ln_1.weight"):
        GPT2LMHeadModel.from_pretrained(tmp_path / "b")


def test_a_model_that_transformers_fetched_is_found_by_its_name(tmp_path, monkeypatch):
    kept = tmp_path / "hub" / "models--openai-community--gpt2"
    model().save_pretrained(kept / "snapshots" / "abc")
    (kept / "refs").mkdir()
    (kept / "refs" / "main").write_text("abc")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    for name in ("gpt2", "openai-community/gpt2"):
        assert GPT2LMHeadModel.from_pretrained(name).config.n_layer == 3


# ---- the network ------------------------------------------------------------------------------------------------
def test_the_sizes_that_were_published():
    """SPEC M-17: millions and billions, as they are."""
    for sizes, count in ((dict(), 124_439_808), (dict(n_embd=1024, n_layer=24, n_head=16), 354_823_168),
                         (dict(n_embd=1280, n_layer=36, n_head=20), 774_030_080),
                         (dict(n_embd=1600, n_layer=48, n_head=25), 1_557_611_200)):
        c = GPT2Config(**sizes)
        block = 12 * c.n_embd**2 + 13 * c.n_embd
        assert (c.vocab_size + c.n_positions) * c.n_embd + c.n_layer * block + 2 * c.n_embd == count
    small = model()
    assert small.num_parameters() == (60 + 64) * 32 + 3 * (12 * 32**2 + 13 * 32) + 64


def test_it_is_the_network_of_models_gpt():
    """There linear layers have their weights the other way round."""
    ours = model()
    other = models.GPT(models.GPTConfig(block_size=64, vocab_size=60, n_layer=3, n_head=2, n_embd=32)).eval()
    turned = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    other.load_state_dict({name: value.T if name.endswith(turned) else value for name, value in ours.state_dict().items()})
    ids = texts()[0]
    np.testing.assert_allclose(ours(ids).logits.detach().numpy()[:, -1:], other(ids)[0].detach().numpy(), atol=1e-5)


def test_the_past_changes_nothing():
    made, (ids, mask) = model(), texts(length=8)
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    whole = made(ids, attention_mask=mask, position_ids=places, use_cache=False)
    assert whole.past_key_values is None
    first = made(ids[:, :5], attention_mask=mask[:, :5], position_ids=places[:, :5])
    then = made(ids[:, 5:], first.past_key_values, mask, position_ids=places[:, 5:], logits_to_keep=2)
    np.testing.assert_allclose(then.logits.detach().numpy(), whole.logits.detach().numpy()[:, -2:], atol=1e-5)
    assert then.past_key_values[0][0].shape == (3, 2, 8, 16)


def test_new_weights_and_training():
    """A few steps learn four lines by heart, and greedy writing gives them back."""
    tl.manual_seed(0)
    made = GPT2LMHeadModel(GPT2Config(**{**SIZES, "n_layer": 2}))
    assert abs(made.transformer.wte.weight.std().item() - 0.02) < 1e-3
    assert abs(made.transformer.h[0].mlp.c_proj.weight.std().item() - 0.02 / 2) < 1e-3
    ids = tl.tensor(np.random.default_rng(0).integers(8, 60, (4, 12)))
    optimizer = tl.optim.AdamW(made.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        out = made(ids, labels=ids)
        assert out.past_key_values is None                      # while training, nothing is kept
        out.loss.backward()
        optimizer.step()
    assert out.loss.item() < 0.5
    np.testing.assert_array_equal(made.eval().generate(ids[:, :3], max_length=12).numpy(), ids.numpy())


def test_outputs_by_name_and_number():
    ids = texts()[0]
    out = model()(ids, labels=ids)
    assert out["loss"] is out.loss is out[0] and out.logits is out[1] and list(out) == ["loss", "logits", "past_key_values"]
    assert out[:2] == (out.loss, out.logits)
    assert model()(ids, use_cache=False).loss is None
    with pytest.raises(AttributeError, match="this output has loss, logits, past_key_values; no 'logit'"):
        _ = out.logit


# ---- writing ----------------------------------------------------------------------------------------------------
def log_probability(made, ids, start):
    """Of the tokens from `start` on, all together."""
    log_p = F.log_softmax(made(ids).logits[:, :-1], -1).gather(2, ids[:, 1:, None])[..., 0]
    return log_p[:, start - 1:].sum(1).detach().numpy()


def test_greedy_is_the_likeliest_each_time_and_stops():
    made = model()
    ids = texts()[0]
    out = made.generate(ids, max_new_tokens=30, pad_token_id=0).numpy()
    for row in out:
        ended = np.flatnonzero(row[5:] == EOS)
        stop = 5 + ended[0] + 1 if len(ended) else len(row)
        for t in range(5, stop):
            assert row[t] == made(tl.tensor(row[None, :t])).logits[0, -1].argmax().item()
        assert (row[stop:] == 0).all()


def test_enough_beams_find_the_likeliest_text_of_all():
    made = model(vocab_size=6, eos_token_id=None, bos_token_id=1, std=0.5)
    ids = tl.tensor([[1, 2]])
    every = np.array(list(itertools.product(range(6), repeat=3)))
    found = log_probability(made, tl.tensor(np.concatenate([np.repeat([[1, 2]], len(every), 0), every], 1)), 2)
    out = made.generate(ids, max_new_tokens=3, num_beams=36, num_return_sequences=5, pad_token_id=0)
    np.testing.assert_array_equal(out.numpy()[:, 2:], every[np.argsort(-found)[:5]])
    greedy = made.generate(ids, max_new_tokens=3)
    assert log_probability(made, greedy, 2)[0] <= found.max() + 1e-6


@pytest.mark.parametrize("way", [dict(), dict(num_beams=3), dict(repetition_penalty=1.4)], ids=str)
def test_neither_padding_nor_company_nor_the_cache_changes_a_text(way):
    made, (ids, mask) = model(), texts()
    together = made.generate(ids, attention_mask=mask, max_new_tokens=8, pad_token_id=0, **way).numpy()
    slowly = made.generate(ids, attention_mask=mask, max_new_tokens=8, pad_token_id=0, use_cache=False, **way).numpy()
    np.testing.assert_array_equal(together, slowly)
    alone = made.generate(ids[:1, 2:], max_new_tokens=8, pad_token_id=0, **way).numpy()[0]
    np.testing.assert_array_equal(together[0, 2:2 + len(alone)], alone)


def test_a_padding_token_that_is_no_end_is_seen():
    made, (ids, mask) = model(), texts()
    padded = tl.where(mask == 0, 3, ids)
    a = made.generate(padded, max_new_tokens=6, pad_token_id=3)
    b = made.generate(padded, attention_mask=mask, max_new_tokens=6, pad_token_id=3)
    np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("way", [dict(top_k=None), dict(top_k=3), dict(top_k=0, top_p=0.6), dict(temperature=0.5, top_k=None)],
                         ids=str)
def test_draws_as_often_as_it_says(way):
    made = model(std=0.15, eos_token_id=None)
    ids = texts(n=1)[0]
    logits = made(ids).logits[0, -1].detach().numpy().astype("float64")
    p = np.exp(logits / way.get("temperature", 1.0))
    p /= p.sum()
    order = np.argsort(-p)
    keep = way["top_k"] or (np.cumsum(p[order]) < way["top_p"]).sum() + 1 if way.get("top_k") or "top_p" in way else 60
    p[order[keep:]] = 0
    p /= p.sum()
    n = 4000
    drawn, again = [made.generate(ids, max_new_tokens=1, do_sample=True, num_return_sequences=n,
                                  generator=tl.Generator().manual_seed(0), **way).numpy() for _ in range(2)]
    np.testing.assert_array_equal(drawn, again)
    counts = np.bincount(drawn[:, -1], minlength=60)
    assert (counts[p == 0] == 0).all()
    assert np.abs(counts - n * p).max() < 5 * math.sqrt(n * 0.25)


def test_from_nothing_it_begins_with_bos():
    assert model().generate(max_new_tokens=3).numpy()[0, 0] == 1
    assert model().generate(bos_token_id=4).shape[1] <= 20      # the default of max_length


def test_padding_is_not_penalised():
    logits, ids, mask = tl.tensor([[1.0, -1.0, 2.0]]), tl.tensor([[0, 2]]), tl.tensor([[0, 1]])
    assert penalised(logits, ids, mask, 2.0).tolist() == [[1.0, -1.0, 1.0]]
    assert penalised(logits, tl.tensor([[0, 1]]), mask * 0 + 1, 2.0).tolist() == [[0.5, -2.0, 2.0]]


@pytest.mark.parametrize("given, message", [
    (dict(num_return_sequences=5), "the likeliest text, which is written here, is but one.  do_sample=True draws 5; num_beams=5"),
    (dict(num_beams=2, num_return_sequences=3), "num_return_sequences=3 is more than num_beams=2 find"),
    (dict(max_length=5), "5 tokens were given, and nothing can come after them, with max_length=5, which counts the tokens given"),
    (dict(max_new_tokens=0), "with max_new_tokens=0: set max_new_tokens"),
    (dict(do_sample=True, temperature=0), "The likeliest token always: do_sample=False"),
    (dict(do_sample=True, top_p=1.5), "top_p between 0 and 1"),
    (dict(num_beams=2, early_stopping="soon"), "early_stopping is False, True or 'never', got 'soon'"),
    (dict(attention_mask=tl.ones(3, 4)), r"attention_mask has the shape of the tokens, \(3, 5\), got \(3, 4\)"),
    (dict(input_ids=texts()[0]), "inputs and input_ids are two names for the same"),
    (dict(max_new_tokens=100), "65 tokens, and it has 64 positions"),
])
def test_what_cannot_be_written(given, message):
    with pytest.raises(ValueError, match=message) if "positions" not in message else pytest.raises(IndexError, match=message):
        model(eos_token_id=None).generate(texts()[0], pad_token_id=0, **given)


def test_more_that_is_refused():
    with pytest.raises(TypeError, match="input_ids is a Tensor .*got list: tokenizer.encode"):
        model().generate([[1, 2]])
    with pytest.raises(ValueError, match=r"input_ids\[None\] makes a batch of one"):
        model().generate(tl.tensor([1, 2]))
    with pytest.raises(ValueError, match=r"input_ids\[None\] makes a batch of one"):
        model()(tl.tensor([1, 2]))
    with pytest.raises(TypeError, match="penalty_alpha"):
        model().generate(texts()[0], penalty_alpha=0.6)
    with pytest.raises(NotImplementedError, match="beams that are drawn"):
        model().generate(texts()[0], num_beams=2, do_sample=True)
    with pytest.warns(UserWarning, match="temperature=0.5 and top_p=0.9 change nothing without do_sample=True"):
        model().generate(texts()[0], temperature=0.5, top_p=0.9)
    with pytest.raises(ValueError, match="n_embd=30 does not divide evenly among n_head=4"):
        GPT2Config(n_embd=30, n_head=4)
    with pytest.raises(ValueError, match="activation_function is one of gelu_new.*'softmax'"):
        GPT2Config(activation_function="softmax")
    with pytest.raises(NotImplementedError, match="add_cross_attention=True"):
        GPT2Config(add_cross_attention=True)
    with pytest.raises(ValueError, match=r"labels has the shape of input_ids, \(3, 5\), got \(3, 4\): they are not shifted"):
        model()(texts()[0], labels=texts()[0][:, 1:])


@pytest.mark.parametrize("name, instead", [("AutoTokenizer", "GPT2Tokenizer is here"), ("pipeline", "model.generate"),
                                           ("GPT2LMHeadModell", "did you mean GPT2LMHeadModel"), ("BertModel", "not offered here")])
def test_other_names_of_transformers(name, instead):
    with pytest.raises(ImportError, match=instead):
        exec(f"from tinygrad_like.transformers import {name}")
