"""GPT-2's tokenizer: by itself, with numbers that are pinned here, and beside that of transformers where that is installed."""
import copy
import gzip
import inspect
import json
import pathlib
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_like as tl

tokenizers = pytest.importorskip("tokenizers")

from tinygrad_like.transformers.tokenizer import GPT2Tokenizer  # noqa: E402

END = "<|endoftext|>"
AUSTEN = pathlib.Path(__file__).parent.parent / "examples" / "data" / "jane_austen.txt.gz"
LETTERS = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
MERGES = ["l l", "h e", "he ll", "hell o", "Ġ w", "Ġw o", "r l", "rl d", "Ġwo rld"]
VOCAB = {token: i for i, token in enumerate([*LETTERS, *(merge.replace(" ", "") for merge in MERGES), END])}
TEXTS = ["", " ", "hello", "hello world", " hello  world\n\n", "It's 3 o'clock, isn't it?", f"one{END}two {END}", "naïve café",
         "猫坐在垫子上。", "🙂👩‍👩‍👧 ok", "a\tb\r\n", "x" * 30, "\u00a0\u2028\u0000"]
any_text = st.text(max_size=60) | st.lists(st.sampled_from([*TEXTS, " ", "\n", "'s", "1", "é"]), max_size=8).map("".join)


def lines(n=400):
    with gzip.open(AUSTEN, "rt", encoding="utf-8") as file:
        return file.read().splitlines()[:n]


@pytest.fixture(scope="module")
def trained():
    return GPT2Tokenizer().train_new_from_iterator(lines(), 400, show_progress=False)


@pytest.fixture
def tiny():
    return GPT2Tokenizer(VOCAB, MERGES, pad_token=END)


# ---- by itself --------------------------------------------------------------------------------------------------
def test_numbers_that_are_pinned(tiny):
    assert len(tiny) == tiny.vocab_size == 266 and tiny.get_vocab() == VOCAB
    assert tiny.encode("hello world") == [259, 264]
    assert tiny.encode("hell world, h") == [258, 264, 11, 220, 71]
    assert tiny.encode("é猫") == [127, 102, 163, 234, 104] == [VOCAB[letter] for letter in "Ã©çĮ«"]
    assert tiny.encode(f"he{END}{END}llo") == [257, 265, 265, 256, 78]
    assert tiny.tokenize("hello  world") == ["hello", "Ġ", "Ġworld"]
    assert tiny.decode([259, 264, 265]) == f"hello world{END}"
    assert tiny.decode([259, 264, 265], skip_special_tokens=True) == "hello world"
    assert tiny.decode([127]) == "\ufffd"                       # half of an é
    batch = tiny(["hello world", "hello"], padding=True)
    assert batch == {"input_ids": [[259, 264], [259, 265]], "attention_mask": [[1, 1], [1, 0]]}


def test_training_is_pinned():
    made = GPT2Tokenizer().train_new_from_iterator(["low low low lower", ["newest newest", "widest"]], 266, show_progress=False)
    assert [made.convert_ids_to_tokens(i) for i in (0, 1, 256)] == [END, "!", "Ń"]
    assert made.convert_ids_to_tokens(range(257, 266)) == ["lo", "low", "es", "Ġlow", "est", "ew", "new", "newest", "dest"]
    assert made.vocab_size == len(made) == 266


def test_numbers_come_as_they_are_asked_for(tiny):
    ids = tiny.encode("hello world", return_tensors="pt")
    assert isinstance(ids, tl.Tensor) and ids.dtype == tl.int64 and ids.tolist() == [[259, 264]]
    array = tiny.encode("hello world", return_tensors="np")
    assert isinstance(array, np.ndarray) and array.dtype == np.int64 and array.shape == (1, 2)
    assert tiny.encode("", return_tensors="pt").shape == (1, 0) and tiny("", return_tensors="np").attention_mask.shape == (1, 0)
    batch = tiny(["hello", "hello world"], padding="longest", return_tensors="pt")
    assert batch.input_ids.tolist() == [[259, 265], [259, 264]] and batch["attention_mask"].tolist() == [[1, 0], [1, 1]]
    assert (lambda input_ids, attention_mask: attention_mask.shape)(**batch) == (2, 2)
    assert batch.to("cpu") is batch and pickle.loads(pickle.dumps(tiny("hello"))) == {"input_ids": [259], "attention_mask": [1]}
    assert set(tiny("hello", return_attention_mask=False)) == {"input_ids"}
    with pytest.raises(AttributeError, match="input_ids, attention_mask; no 'labels'"):
        batch.labels  # noqa: B018


@settings(max_examples=150, deadline=None)
@given(text=any_text)
def test_any_text_comes_back(trained, text):
    ids = trained.encode(text)
    assert trained.decode(ids) == text and all(0 <= i < 400 for i in ids)
    assert trained.convert_tokens_to_string(trained.tokenize(text)) == text
    assert trained.convert_tokens_to_ids(trained.tokenize(text)) == ids


def test_decode_of_one_and_of_many(tiny):
    for one in ([259, 264], (259, 264), np.array([259, 264]), tl.tensor([259, 264]), [tl.tensor(259), np.int32(264)],
                tiny("hello world")):
        assert tiny.decode(one) == "hello world" and tiny.batch_decode(one) == ["hello world"]
    for number in (259, np.int64(259), tl.tensor(259)):
        assert tiny.decode(number) == "hello" and tiny.convert_ids_to_tokens(number) == "hello"
    for batch in ([[259, 264], [259]], [tl.tensor([259, 264]), tl.tensor([259])]):
        assert tiny.decode(batch) == tiny.batch_decode(batch) == ["hello world", "hello"]
    assert tiny.decode(tl.tensor([[259, 265]]), skip_special_tokens=True) == ["hello"]
    assert tiny.decode([]) == "" and tiny.decode([[]]) == [""]
    with pytest.warns(UserWarning, match="is not done"):
        assert tiny.decode([259, 264, 11], clean_up_tokenization_spaces=True) == "hello world,"


def test_padding_and_truncation(tiny):
    texts = ["hello", "hello world, h"]                         # 1 and 5 tokens
    assert tiny(texts, padding="max_length", max_length=3).input_ids == [[259, 265, 265], [259, 264, 11, 220, 71]]
    assert tiny(texts, padding="max_length", max_length=3, truncation=True).input_ids == [[259, 265, 265], [259, 264, 11]]
    assert tiny.encode(texts[1], max_length=2) == [259, 264] and len(tiny.encode(texts[1], max_length=2, truncation=False)) == 5
    assert tiny.encode(texts[1], max_length=0) == []
    tiny.padding_side = tiny.truncation_side = "left"
    assert tiny(texts, padding="max_length", max_length=2, truncation=True) == {
        "input_ids": [[265, 259], [220, 71]], "attention_mask": [[0, 1], [1, 1]]}
    tiny.model_max_length = 4
    assert tiny(texts, padding="max_length", truncation=True).input_ids == [[265, 265, 265, 259], [264, 11, 220, 71]]
    tiny.model_max_length = int(1e30)
    with pytest.warns(UserWarning, match="model_max_length is not known"):
        assert len(tiny.encode(texts[1], truncation=True)) == 5
    with pytest.warns(UserWarning, match="max_length=2 does nothing"):
        assert tiny(texts, padding=True, max_length=2).input_ids[0] == [265, 265, 265, 265, 259]
    assert '"padding": null' in tiny.backend_tokenizer.to_str(pretty=True)                     # no call leaves its own behind


def test_special_tokens(tiny):
    assert (tiny.eos_token, tiny.eos_token_id, tiny.bos_token_id, tiny.unk_token_id) == (END, 265, 265, 265)
    assert tiny.all_special_tokens == [END] and tiny.all_special_ids == [265] and tiny.mask_token is tiny.mask_token_id is None
    assert tiny.convert_tokens_to_ids(["hello", "there"]) == [259, 265]
    assert tiny.add_special_tokens({"pad_token": "[PAD]", "extra_special_tokens": ["<a>"]}) == 2
    assert (tiny.pad_token_id, len(tiny), tiny.vocab_size, tiny.all_special_ids) == (266, 268, 266, [265, 266, 267])
    assert tiny.add_special_tokens({"pad_token": "[PAD]"}) == 0
    assert tiny.add_tokens(["hello there"]) == 1 and tiny.add_tokens("hello there") == 0
    assert tiny.encode("hello there<a>[PAD]hello") == [268, 267, 266, 259]
    assert tiny.decode([268, 267, 266, 259], skip_special_tokens=True) == "hello therehello"
    assert tiny.convert_ids_to_tokens([268, 267, 266], skip_special_tokens=True) == ["hello there"]
    tiny.add_special_tokens({"additional_special_tokens": ["<b>"]}, replace_extra_special_tokens=False)
    assert tiny.extra_special_tokens == ["<a>", "<b>"] and tiny.special_tokens_map["pad_token"] == "[PAD]"
    tiny.pad_token_id = 259
    assert tiny.pad_token == "hello"
    tiny.pad_token = None
    assert tiny.pad_token_id is None
    with pytest.warns(UserWarning, match=r"'<new>' is not in the vocabulary.*unk_token, 265.*add_special_tokens"):
        tiny.pad_token = "<new>"
    assert tiny.pad_token_id == 265


def test_without_unk_token():
    plain = GPT2Tokenizer(VOCAB, MERGES, unk_token=None)
    assert plain.convert_tokens_to_ids("there") is None and plain.unk_token_id is None


def test_a_blank_or_bos_token_before_each_text():
    tokenizer = GPT2Tokenizer(VOCAB, MERGES, add_prefix_space=True, add_bos_token=True)
    assert tokenizer.tokenize("world") == ["Ġworld"] and tokenizer.tokenize("world", add_special_tokens=True) == [END, "Ġworld"]
    assert tokenizer.encode("world") == [265, 264] and tokenizer.encode("world", add_special_tokens=False) == [264]
    assert tokenizer.encode("world world", max_length=2) == [265, 264]
    tokenizer.add_bos_token = tokenizer.add_prefix_space = False
    assert tokenizer.tokenize("world", add_special_tokens=True) == ["w", "o", "rld"] and not tokenizer.add_bos_token
    tokenizer.add_bos_token = True
    assert tokenizer.encode("rld") == [265, 263] and not tokenizer.add_prefix_space
    tokenizer.bos_token = None
    with pytest.raises(ValueError, match="bos_token is None"):
        tokenizer.add_bos_token = True


def test_letters_that_are_missing():
    with pytest.warns(UserWarning, match="lacks 254 of the 256 letters.*leaves such bytes out"):
        small = GPT2Tokenizer({"a": 0, "b": 1, "ab": 2}, [("a", "b")])
    assert small.encode(f"abba{END}caab") == [2, 1, 0, 3, 0, 2]


def test_training_keeps_settings(trained):
    first = GPT2Tokenizer(bos_token="<b>", eos_token="<e>", unk_token="<u>", padding_side="left", model_max_length=9)
    first.add_special_tokens({"pad_token": "<p>"})
    made = first.train_new_from_iterator(iter(lines(50)), 300, new_special_tokens=["<x>"], show_progress=False)
    assert made.convert_tokens_to_ids(["<b>", "<e>", "<u>", "<p>", "<x>"]) == [0, 1, 2, 3, 4] == made.all_special_ids
    assert (made.padding_side, made.model_max_length, len(made)) == ("left", 9, 300)
    assert made.encode("<b>a<x>") == [0, made.convert_tokens_to_ids("a"), 4]
    again = trained.train_new_from_iterator([lines(50)], 300, min_frequency=5, show_progress=False)
    assert again.get_vocab()[END] == 0 and len(again) <= 300 and len(trained) == 400


def test_copies(trained):
    trained.pad_token = END
    for other in (copy.deepcopy(trained), pickle.loads(pickle.dumps(trained))):
        assert other(["one", "one more text"], padding=True) == trained(["one", "one more text"], padding=True)
        assert repr(other) == repr(trained)
        other.pad_token = None
        assert trained.pad_token == END


# ---- files ------------------------------------------------------------------------------------------------------
def equal(a, b):
    """Whether two tokenizers do and hold the same."""
    assert a.get_vocab() == b.get_vocab() and a.special_tokens_map == b.special_tokens_map
    assert a.all_special_ids == b.all_special_ids
    assert [a.encode(text) for text in TEXTS] == [b.encode(text) for text in TEXTS]
    for name in ("model_max_length", "padding_side", "truncation_side", "add_prefix_space", "extra_special_tokens"):
        assert getattr(a, name) == getattr(b, name), name


VARIANTS = {
    "plain": {}, "blank": {"add_prefix_space": True}, "bos": {"add_bos_token": True, "bos_token": "<b>"},
    "settings": {"pad_token": "[PAD]", "padding_side": "left", "truncation_side": "left", "model_max_length": 1024},
    "tokens": {"bos_token": "<b>", "eos_token": "<e>", "unk_token": "<u>", "mask_token": "<m>",
               "extra_special_tokens": ["<x>", "y"]},
    "none": {"bos_token": None, "unk_token": None},
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
def test_saved_and_loaded(variant, tmp_path):
    saved = GPT2Tokenizer(VOCAB, MERGES, **VARIANTS[variant])
    folder = tmp_path / "new" / "folder"
    paths = saved.save_pretrained(folder)
    assert paths == tuple(str(folder / name) for name in ("tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt"))
    assert sorted(paths) == sorted(map(str, folder.iterdir()))
    equal(GPT2Tokenizer.from_pretrained(folder), saved)
    pathlib.Path(paths[1]).unlink()                             # from vocab.json and merges.txt
    equal(GPT2Tokenizer.from_pretrained(str(folder)), saved)
    assert pathlib.Path(paths[3]).read_text(encoding="utf-8").split("\n") == ["#version: 0.2", *MERGES, ""]
    equal(GPT2Tokenizer(paths[2], paths[3], **VARIANTS[variant]), saved)


def test_arguments_go_before_files(tiny, tmp_path):
    tiny.add_tokens(["<new>"])
    tiny.save_pretrained(tmp_path)
    loaded = GPT2Tokenizer.from_pretrained(tmp_path, padding_side="left", pad_token="[P]", model_max_length=7)
    assert (loaded.padding_side, loaded.pad_token, loaded.pad_token_id, loaded.model_max_length) == ("left", "[P]", 267, 7)
    assert loaded.encode("<new>") == [266] and loaded.name_or_path == str(tmp_path) and str(tmp_path) in repr(loaded)
    assert loaded.decode([266, 267], skip_special_tokens=True) == "<new>"


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
def test_special_tokens_in_files_of_older_versions(name, tmp_path):
    GPT2Tokenizer(VOCAB, MERGES).save_pretrained(tmp_path)
    token = {"content": "<pad>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "__type": "AddedToken"}
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / name).write_text(json.dumps({"pad_token": token, "eos_token": END, "additional_special_tokens": ["<x>"]}))
    for file in ("tokenizer.json", "none"):
        loaded = GPT2Tokenizer.from_pretrained(tmp_path)
        assert (loaded.pad_token, loaded.pad_token_id, loaded.extra_special_tokens, len(loaded)) == ("<pad>", 266, ["<x>"], 268)
        assert loaded.encode("hello  <pad>") == [259, 266]      # lstrip takes the blanks
        (tmp_path / file).unlink(missing_ok=True)


def test_added_tokens_in_files_of_older_versions(tmp_path):
    GPT2Tokenizer(VOCAB, MERGES).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "added_tokens.json").write_text('{"<two>": 267, "<one>": 266}')
    assert GPT2Tokenizer.from_pretrained(tmp_path).encode("<one><two>") == [266, 267]
    (tmp_path / "added_tokens.json").write_text('{"<two>": 999}')
    with pytest.raises(ValueError, match="'<two>' has the number 999, and in this vocabulary of 266 it gets 266"):
        GPT2Tokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize("part, value", [
    ("normalizer", {"type": "Lowercase"}), ("pre_tokenizer", {"type": "Whitespace"}), ("pre_tokenizer", None),
    ("model", {"type": "WordPiece", "vocab": {}}),
    ("model", {"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}),
    ("post_processor", {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": END}}]}),
    ("post_processor", {"type": "RobertaProcessing"})])
def test_tokenizers_of_other_kinds_are_refused(part, value, tmp_path):
    GPT2Tokenizer(VOCAB, MERGES).save_pretrained(tmp_path)
    whole = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    (tmp_path / "tokenizer.json").write_text(json.dumps({**whole, part: value}))
    with pytest.raises(ValueError, match="tokenizer.json' (is not of GPT-2's kind|puts other tokens)"):
        GPT2Tokenizer.from_pretrained(tmp_path)


def test_folders_without_a_tokenizer(tmp_path):
    with pytest.raises(OSError, match="neither tokenizer.json nor vocab.json and merges.txt"):
        GPT2Tokenizer.from_pretrained(tmp_path)
    with pytest.raises(OSError, match="no-such-folder"):
        GPT2Tokenizer.from_pretrained("no-such-folder")
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        GPT2Tokenizer.from_pretrained(tmp_path)


# ---- errors -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, kind, text", [
    ("t.encode(None)", TypeError, "str or a list of str, got None"), ("t.encode([1, 2])", TypeError, "tokenizer.decode takes ids"),
    ("t(b'x')", TypeError, r"text.decode\(\)"), ("t([])", ValueError, "empty list"),
    ("t('a\\ud800')", ValueError, "surrogate pair at 1"),
    ("t(['hello', 'a b'], return_tensors='pt')", ValueError, "from 1 to 3 tokens.*padding=True"),
    ("t('a', return_tensors='tf')", ValueError, "'pt', 'np', None, got 'tf'"), ("t('a', stride=1)", TypeError, "stride"),
    ("t('a', padding='left')", ValueError, "'longest', 'max_length', got 'left'"), ("t('a', truncation=2)", ValueError, "got 2"),
    ("t('a', max_length=-1)", ValueError, "max_length"), ("t('a', max_length=2.0)", ValueError, "max_length"),
    ("t(['a'], padding=True)", ValueError, r"tokenizer.pad_token = tokenizer.eos_token"),
    ("t.decode(None)", TypeError, "got None"), ("t.decode('hello')", TypeError, "tokenizer.encode"),
    ("t.decode(tl.tensor([1.0]))", TypeError, r"1.0 \(float\).*argmax"), ("t.decode([True])", TypeError, "bool"),
    ("t.decode([[[1]]])", TypeError, "batch"), ("t.decode([1, [2]])", TypeError, "list"),
    ("t.decode([266])", IndexError, "no token has the number 266; there are 266 tokens.*vocab_size"),
    ("t.decode([[1], [-100]])", IndexError, "-100"), ("t.decode(2**40)", IndexError, "there are 266"),
    ("t.convert_ids_to_tokens([1.5])", TypeError, "float"), ("t.convert_ids_to_tokens(-1)", IndexError, "-1"),
    ("t.convert_tokens_to_ids(3)", TypeError, "a str"), ("t.convert_tokens_to_string('abc')", TypeError, "list of tokens"),
    ("t.tokenize(['a'])", TypeError, "one text"),
    ("GPT2Tokenizer().encode('a')", ValueError, "no vocabulary.*train_new_from_iterator"),
    ("t.train_new_from_iterator(['a'], 256)", ValueError, "at least 257"),
    ("t.train_new_from_iterator('a text', 300)", TypeError, "list or an iterator of texts"),
    ("t.train_new_from_iterator(None, 300)", TypeError, "NoneType"),
    ("t.train_new_from_iterator([['a'], 3], 300, show_progress=False)", TypeError, "is of type int"),
    ("t.add_special_tokens({'x_token': 'a'})", ValueError, "'x_token' is none of bos_token"),
    ("t.add_special_tokens({'extra_special_tokens': 'abc'})", TypeError, "list of tokens"),
    ("t.add_tokens([3])", TypeError, "got 3"),
    ("setattr(t, 'pad_token', 3)", TypeError, "got 3"), ("setattr(t, 'pad_token', '')", TypeError, "got ''"),
    ("setattr(t, 'pad_token_id', 5000)", IndexError, "5000"), ("GPT2Tokenizer(eos_token=3)", TypeError, "eos_token.*got 3"),
    ("GPT2Tokenizer(padding_side='l')", ValueError, "'right', 'left', got 'l'"),
    ("GPT2Tokenizer(cache_dir='x')", TypeError, "cache_dir"), ("GPT2Tokenizer('none.json', [])", ValueError, "none.json"),
    ("GPT2Tokenizer(errors='strict')", ValueError, "'replace', got 'strict'"),
    ("GPT2Tokenizer(VOCAB, ['a b'])", ValueError, "'ab'"), ("GPT2Tokenizer(VOCAB, ['a b c'])", ValueError, "two tokens"),
    ("GPT2Tokenizer('none.json')", ValueError, "half of a vocabulary"),
    ("GPT2Tokenizer({'a': 0, 'b': 0})", ValueError, "of its own"), ("GPT2Tokenizer({'a': '0'})", ValueError, "of its own"),
    ("GPT2Tokenizer(bos_token=None, add_bos_token=True)", ValueError, "bos_token is None"),
])
def test_errors(line, kind, text):
    with pytest.raises(kind, match=text):
        eval(line, {"t": GPT2Tokenizer(VOCAB, MERGES), "tl": tl, "GPT2Tokenizer": GPT2Tokenizer, "VOCAB": VOCAB})


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match=r"pip install 'tinygrad_like\[text\]'"):
        GPT2Tokenizer()


# ---- beside transformers ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def theirs():
    return pytest.importorskip("transformers").GPT2Tokenizer


def plain(result):
    """A result in Python's own types."""
    if isinstance(result, str):
        return result
    if hasattr(result, "keys"):
        return {name: plain(result[name]) for name in result.keys()}
    return (str(result.dtype).rpartition(".")[2], result.tolist()) if hasattr(result, "dtype") else result


CALLS = [f"t.{method}({text!r})" for text in TEXTS for method in ("encode", "tokenize", "__call__")] + [
    "t(TEXTS)", "t.encode(TEXTS)", "t(TEXTS, padding=True)", "t(TEXTS, padding=True, return_tensors='np')",
    "t(TEXTS[:5], max_length=3)",
    "t(TEXTS, padding=True, truncation=True, max_length=6, return_tensors='pt')", "t('', return_tensors='pt')", "t([''])",
    *[f"t(TEXTS, padding={padding!r}, truncation={cut!r}, max_length={size})" for size in (None, 0, 1, 5, 99)
      for padding in (False, True, "longest", "max_length", "do_not_pad") for cut in (None, False, True, "longest_first")],
    "t('hello', padding='max_length', max_length=4)", "t('hello', return_attention_mask=False)",
    "t.encode('hello', return_tensors='np')",
    *[f"t.decode({ids})" for ids in ("5", "[]", "[[]]", "[5, 6]", "(5, 6)", "[[5, 6], [7]]", "np.array([[5, 6]])", "np.int64(5)",
                                     "range(266)", "t('hello world')", "[[127], [102, 163]]")],
    "t.decode(t.encode(TEXTS[6]), skip_special_tokens=True)", "t.decode(t.encode(TEXTS[6]), True)", "t.batch_decode([5, 6])",
    "t.batch_decode([[5, 6], [7]])", "t.batch_decode(t.encode(TEXTS), skip_special_tokens=True)", "t.batch_decode([])",
    "t.convert_ids_to_tokens(5)", "t.convert_ids_to_tokens(range(266))", "t.convert_ids_to_tokens([5, t.eos_token_id], True)",
    "t.convert_tokens_to_ids('hello')", "t.convert_tokens_to_ids(['he', 'xyz', ''])",
    "t.convert_tokens_to_string(['hello', 'Ġworld'])",
    "(len(t), t.vocab_size, t.get_vocab(), t.model_max_length)", "(t.all_special_tokens, t.all_special_ids, t.special_tokens_map)",
    *[f"t.{name}_token{end}" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask") for end in ("", "_id")],
    "(t.add_tokens(['<n>', '<m>']), t.add_tokens('<n>'), len(t), t.encode('a <n> b'), t.encode('<m>'))",
    "(t.add_special_tokens({'pad_token': '[P]', 'cls_token': '[C]'}), t.pad_token_id, t.cls_token_id, t.all_special_ids)",
    "(t.add_special_tokens({'extra_special_tokens': ['[Q]']}), t.all_special_tokens, t.decode(t.encode('a[Q]'), True))",
    "(setattr(t, 'pad_token_id', 7), t.pad_token, setattr(t, 'pad_token', None), t.pad_token_id)", "repr(t)",
]


@pytest.mark.filterwarnings("ignore")
@every_variant
def test_results_are_those_of_transformers(variant, theirs):
    pairs = [tuple(merge.split(" ")) for merge in MERGES]
    for side in ("right", "left"):
        for line in CALLS:
            results = []
            for kind in (GPT2Tokenizer, theirs):
                t = kind(VOCAB, pairs, **{"pad_token": END, "padding_side": side, "truncation_side": side, **VARIANTS[variant]})
                try:
                    results.append(plain(eval(line, {"t": t, "TEXTS": TEXTS, "np": np})))
                except Exception as error:
                    results.append(repr(error))
            assert results[0] == results[1], line


@every_variant
def test_transformers_reads_what_is_saved(variant, theirs, tmp_path):
    ours = GPT2Tokenizer(VOCAB, MERGES, **VARIANTS[variant])
    ours.add_tokens(["<added>"])
    paths = ours.save_pretrained(tmp_path)
    equal(theirs.from_pretrained(tmp_path), ours)
    for path in paths[2:]:
        pathlib.Path(path).unlink()
    equal(theirs.from_pretrained(tmp_path), ours)


@pytest.mark.filterwarnings("ignore")
@every_variant
def test_what_transformers_saved_is_read(variant, theirs, tmp_path):
    other = theirs(VOCAB, [tuple(merge.split(" ")) for merge in MERGES], **VARIANTS[variant])
    other.add_tokens(["<added>"])
    other.save_pretrained(tmp_path)
    equal(GPT2Tokenizer.from_pretrained(tmp_path), other)
    if other.pad_token is not None:                             # a call of theirs leaves its padding and its cut in the file
        other("hello", padding="max_length", truncation=True, max_length=9)
        other.save_pretrained(tmp_path)
        equal(GPT2Tokenizer.from_pretrained(tmp_path), theirs.from_pretrained(tmp_path))


def test_files_of_older_versions_are_read_as_transformers_reads_them(theirs, tmp_path):
    GPT2Tokenizer(VOCAB, MERGES).save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    token = {"content": "<pad>", "lstrip": False, "normalized": True, "rstrip": True, "single_word": False}
    for name, content in {"tokenizer_config": {"model_max_length": 1024, "add_bos_token": True, "add_prefix_space": True},
                          "special_tokens_map": {"pad_token": token, "eos_token": "<e>", "additional_special_tokens": ["<x>"]},
                          "added_tokens": {"<pad>": 267, "<e>": 266, "<more>": 268}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        ours, other = GPT2Tokenizer.from_pretrained(tmp_path), theirs.from_pretrained(tmp_path)
        equal(ours, other)
        text = "a <pad> b <e><more>"
        ids = ours.encode(text)
        assert ids == other.encode(text) and ours.decode(ids, True) == other.decode(ids, True)
    assert (ours.eos_token_id, ours.pad_token_id, ours.convert_tokens_to_ids(["<more>", "<x>"])) == (266, 267, [268, 269])


def test_training_is_that_of_transformers(theirs):
    texts = lines(150)
    for how in ({}, {"new_special_tokens": ["<x>"], "min_frequency": 3}, {"length": 150}):
        for begin in ({}, {"bos_token": "<b>", "eos_token": "<e>", "pad_token": "<p>"}, {"add_prefix_space": True}):
            made = [kind(**begin).train_new_from_iterator(texts, 350, show_progress=False, **how)
                    for kind in (GPT2Tokenizer, theirs)]
            equal(*made)
            again = [each.train_new_from_iterator([texts[:60]], 300, show_progress=False) for each in made]
            equal(*again)


@settings(max_examples=150, deadline=None)
@given(text=any_text)
def test_any_text_is_cut_as_transformers_cuts_it(trained, theirs, text):
    model = json.loads(trained.backend_tokenizer.to_str())["model"]
    other = theirs(model["vocab"], [tuple(merge) for merge in model["merges"]])
    assert trained.encode(text) == other.encode(text) and trained.tokenize(text) == other.tokenize(text)


def test_arguments_and_defaults_are_those_of_transformers(theirs):
    for name in ("__init__", "__call__", "encode", "decode", "batch_decode", "convert_ids_to_tokens", "convert_tokens_to_ids",
                 "tokenize", "train_new_from_iterator", "add_tokens", "add_special_tokens", "save_pretrained",
                 "convert_tokens_to_string"):
        own = inspect.signature(getattr(GPT2Tokenizer, name)).parameters
        other = inspect.signature(getattr(theirs, name)).parameters
        taken = [each for each, p in own.items() if p.kind is not p.KEYWORD_ONLY]
        rest = [each for each in other if each in taken]
        assert taken[:len(rest)] == rest == list(other)[:len(rest)], name
        for each in set(own) & set(other) - {"text"}:
            assert own[each].default == other[each].default, (name, each)
