"""Text to numbers."""
import json
from collections import Counter

import numpy as np
import pytest

import tinygrad_like as torch
from tinygrad_like.data.text import Padded, Vocabulary, WordTokenizer, bag_of_words, one_hot, pad
from tinygrad_like.errors import BadFile

nan = float("nan")


def test_words():
    tokenize = WordTokenizer()
    assert tokenize("Don't STOP: it's 3.14, well-known!") == ["don't", "stop", ":", "it's", "3.14", ",", "well-known", "!"]
    assert WordTokenizer(lower=False, punctuation=False)("The end. (Fin)") == ["The", "end", "Fin"]
    assert tokenize("深度学习 with 2 层") == ["深", "度", "学", "习", "with", "2", "层"]
    assert tokenize("naïve café, año") == ["naïve", "café", ",", "año"] and tokenize("  \n") == []
    with pytest.raises(TypeError, match="for several"):
        tokenize(["a", "b"])


def test_words_of_other_scripts():
    tokenize = WordTokenizer()
    assert tokenize("日本語テキスト") == list("日本語テキスト") and tokenize("Hello 世界!") == ["hello", "世", "界", "!"]
    assert tokenize("한국어 텍스트") == ["한국어", "텍스트"] and tokenize("Привет, мир") == ["привет", ",", "мир"]
    assert tokenize("नमस्ते दुनिया") == ["नमस्ते", "दुनिया"]               # vowel signs are characters that follow their letter
    assert tokenize("cafe\u0301 İzmir") == ["cafe\u0301", "i\u0307zmir"]  # and so may accents be
    assert tokenize("ok \u2764\ufe0f") == ["ok", "\u2764\ufe0f"] and tokenize("") == []


def test_a_vocabulary():
    texts = [["b", "a", "b"], ["c", "b", "a", "d"]]
    assert Vocabulary().fit(texts).words == ["<pad>", "<unk>", "b", "a", "c", "d"]
    assert Vocabulary(min_freq=2).fit(texts).words == ["<pad>", "<unk>", "b", "a"]
    assert Vocabulary(max_size=3).fit(texts).words == ["<pad>", "<unk>", "b"]
    assert Vocabulary(specials=["b"], unknown=None).fit(texts).words == ["b", "a", "c", "d"]
    v = Vocabulary(min_freq=2).fit(iter(texts))
    assert v(["a", "x", "b"]) == [3, 1, 2] and v["a"] == 3 and "x" not in v and "a" in v and len(v) == 4
    assert v.decode(torch.tensor([3, 1])) == v.decode([3, 1]) == ["a", "<unk>"] and repr(v) == "Vocabulary of 4 words"
    with pytest.raises(IndexError, match="4 words"):
        v.decode([4])
    with pytest.raises(KeyError, match="'x' is not in the vocabulary"):
        Vocabulary(specials=(), unknown=None).fit(texts)(["x"])


def test_a_vocabulary_of_text_is_a_mistake():
    for wrong in (lambda: Vocabulary().fit(["a text"]), lambda: Vocabulary()("a text")):
        with pytest.raises(TypeError, match="WordTokenizer"):
            wrong()
    for options, text in [({"unknown": "?"}, "not among"), ({"max_size": 1}, "no room"), ({"min_freq": 0}, "at least 1"),
                          ({"specials": ["a", "a"], "unknown": None}, "different")]:
        with pytest.raises(ValueError, match=text):
            Vocabulary(**options)


def test_a_vocabulary_is_made_of_strings():
    """None would be unknown without a word about it, and a loop over the vocabulary have no end."""
    v = Vocabulary().fit([["a", "b"], []])
    assert list(v) == v.words == ["<pad>", "<unk>", "a", "b"] and None not in v and Vocabulary().fit([]).words == ["<pad>", "<unk>"]
    assert v.decode([np.int64(2)]) == ["a"] and v(np.array(["a", "x"])) == [2, 1]
    for wrong, text in [(lambda: v([None]), "a string, got None"), (lambda: v[3], "a string, got 3"), (lambda: v(None), "got None"),
                        (lambda: v([["a"]]), "one text at a time"), (lambda: v.decode([[2]]), r"decode\(row\) for row"),
                        (lambda: v.decode(2), "list of numbers, got 2"), (lambda: v.decode([2.0]), "2.0 is none"),
                        (lambda: Vocabulary().fit([["a"], None]), "text 1 is None"),
                        (lambda: Vocabulary().fit([["a", None]]), "text 0: a word is a string, got None"),
                        (lambda: Vocabulary(["a", "b"]), r"given to fit\(texts\)")]:
        with pytest.raises(TypeError, match=text):
            wrong()


def test_a_vocabulary_in_a_file(tmp_path):
    path = tmp_path / "words.json"
    v = Vocabulary(max_size=9, unknown="<unk>").fit([["año", "日"]])
    v.save(path)
    w = Vocabulary.load(path)
    assert w.words == v.words and w(["日", "x"]) == v(["日", "x"])
    assert w.max_size == 9 and w.specials == v.specials
    twice = json.dumps({"words": ["a", "a"], "specials": [], "unknown": None})
    for content in "torn", "[]", "{}", twice, json.dumps({"words": ["a"]}):
        path.write_text(content)
        with pytest.raises(BadFile, match="words.json"):
            Vocabulary.load(path)


def test_padding():
    x = [[1, 2, 3], [4], []]
    assert pad(x).tolist() == [[1, 2, 3], [4, 0, 0], [0, 0, 0]] and pad(x).dtype == torch.int64
    assert pad(x, value=-1, side="left").tolist() == [[1, 2, 3], [-1, -1, 4], [-1, -1, -1]]
    assert pad(x, 2).tolist() == [[1, 2], [4, 0], [0, 0]] and pad(x, 2, cut="left").tolist() == [[2, 3], [4, 0], [0, 0]]
    assert pad(x, 4).shape == (3, 4) and pad([[0.5], [1]]).dtype == torch.float32
    assert pad([torch.tensor([1, 2]), np.array([3])]).tolist() == [[1, 2], [3, 0]] and pad([[], []]).shape == (2, 0)
    rows = pad([np.ones((2, 3), "float32"), np.ones((1, 3), "float32")])
    assert rows.shape == (2, 2, 3) and rows[1, 1].tolist() == [0, 0, 0] and rows.dtype == torch.float32
    assert pad([np.ones(2), np.ones(1)]).dtype == torch.float64
    for bad, kind, text in [(lambda: pad([["a"]]), TypeError, "Vocabulary"), (lambda: pad([]), ValueError, "no sequences"),
                            (lambda: pad(x, side="up"), ValueError, "side"),
                            (lambda: pad([1, 2]), ValueError, "element 0 is a number alone"),
                            (lambda: pad([np.ones((2, 3)), np.ones((2, 4))]), ValueError, "first axis"),
                            (lambda: pad(x, value=0.5), ValueError, "value=0.5 does not go with sequences of int64"),
                            (lambda: pad(x, value=nan), ValueError, "value=nan"), (lambda: pad(x, -1), ValueError, "got -1"),
                            (lambda: pad([np.ones(1, "uint8")], value=-1), ValueError, "value=-1 .* uint8"),
                            (lambda: pad([[1, 2], [1, [2]]]), ValueError, "sequence 1 has rows that are not equally long")]:
        with pytest.raises(kind, match=text):
            bad()


def test_padded_batches():
    samples = [([1, 2, 3], 0), ([4], 1), ([5, 6], 1)]
    x, y, n = next(iter(torch.utils.data.DataLoader(samples, 3, collate_fn=Padded(value=9))))
    assert x.tolist() == [[1, 2, 3], [4, 9, 9], [5, 6, 9]] and y.tolist() == [0, 1, 1] and n.tolist() == [3, 1, 2]
    assert Padded(length=2)(samples)[2].tolist() == [2, 1, 2]


def test_vectors():
    x = one_hot([[0, 2], [1, 0]], 3)
    assert x.shape == (2, 2, 3) and x.dtype == torch.float32 and x[0, 1].tolist() == [0, 0, 1]
    w = torch.randn(3, 4)
    assert (one_hot(torch.tensor([2, 0]), 3) @ w == w[[2, 0]]).all()            # an embedding is a product with one-hot rows
    with pytest.raises((IndexError, RuntimeError), match="3"):
        one_hot([3], 3)
    bags = bag_of_words([[1, 1, 2], [], torch.tensor([0])], 3)
    assert bags.tolist() == [[0, 2, 1], [0, 0, 0], [1, 0, 0]] and bags.dtype == torch.float32
    assert bag_of_words([], 3).shape == (0, 3)
    for wrong in (lambda: one_hot([0.5], 3), lambda: one_hot(["a"], 3), lambda: one_hot([None], 3),
                  lambda: bag_of_words([[0.5]], 3)):
        with pytest.raises(TypeError, match="whole numbers"):
            wrong()
    assert one_hot([], 3).shape == (0, 3) and one_hot(2, 3).tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="text 0 is 1"):
        bag_of_words([1, 2], 3)
    with pytest.raises(TypeError, match=r"len\(vocabulary\)"):
        bag_of_words([[1]], Vocabulary())
    with pytest.raises(IndexError, match="text 1 has word number 3, and there are 3"):
        bag_of_words([[0], [3]], 3)


def test_on_the_mails_of_the_course():
    from tinygrad_like.data.datasets import Mail
    tokenize, texts = WordTokenizer(), Mail().texts[:300]
    v = Vocabulary(min_freq=3, max_size=500).fit(tokenize(text) for text in texts)
    counts = Counter(word for text in texts for word in tokenize(text))
    assert len(v) == 500 and v.words[2] == counts.most_common(1)[0][0]
    x = bag_of_words([v(tokenize(text)) for text in texts], len(v))
    assert x.shape == (300, 500) and x.sum().item() == sum(counts.values())
