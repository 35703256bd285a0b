"""Text to numbers: words, a vocabulary that numbers them, sequences of one length, and vectors.

    tokenize = WordTokenizer()
    vocabulary = Vocabulary(min_freq=2).fit(tokenize(text) for text in training_texts)
    x = pad([vocabulary(tokenize(text)) for text in texts], value=vocabulary["<pad>"])     # (batch, longest)
    x = bag_of_words([vocabulary(tokenize(text)) for text in texts], len(vocabulary))     # (batch, words), without order

The vocabulary is made of the training part alone: words that only the test part has are unknown, as they will be in use.
"""
from __future__ import annotations

import functools
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from numbers import Real
from typing import Any

from .. import autograd, backend, errors
from ..functions.creation import from_numpy
from ..functions.indexing import one_hot as one_hot_of
from ..serialize.replace import replacing

__all__ = ["WordTokenizer", "Vocabulary", "pad", "Padded", "one_hot", "bag_of_words"]

# Chinese characters and Japanese kana are written without spaces: each counts as a word.
UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"


@functools.cache
def pattern(ascii: bool, punctuation: bool) -> re.Pattern[str]:
    """What a word looks like.  Accents and vowel signs that are characters of their own belong to the letter before them."""
    word, mark = r"\w+(?:['\-.]\w+)*", r"[^\w\s]"                # of ASCII alone: as the one below, three times as fast
    if not ascii:
        signs = "".join([sign for sign in map(chr, range(0x300, 0x1f000)) if unicodedata.category(sign).startswith("M")])
        letters = rf"[^\W{UNSPACED}]+(?:[{signs}]+[^\W{UNSPACED}]*)*"
        word, mark = rf"[{UNSPACED}][{signs}]*|{letters}(?:['’\-.]{letters})*", rf"[^\w\s][{signs}]*"
    return re.compile(f"{word}|{mark}" if punctuation else word)


class WordTokenizer:
    """tokenize(text): the words of a text, a list of strings.

    lower: whether "The" and "the" are one word.        punctuation: whether each mark is a word too.
    A word is letters, digits and underscores, and what is joined to it without a space by ' - or . ("don't", "3.14"); each
    character of Chinese and Japanese is one.
    """

    def __init__(self, lower: bool = True, punctuation: bool = True) -> None:
        self.lower, self.punctuation = lower, punctuation

    def __call__(self, text: str) -> list[str]:
        if not isinstance(text, str):
            raise TypeError(f"WordTokenizer takes one text, a string, got {type(text).__name__}: for several, "
                            "[tokenize(text) for text in texts]")
        return pattern(text.isascii(), self.punctuation).findall(text.lower() if self.lower else text)

    def __repr__(self) -> str:
        return f"WordTokenizer(lower={self.lower}, punctuation={self.punctuation})"


class Vocabulary:
    """Numbers for words: the special ones first, then the most frequent, equally frequent ones in the order of the alphabet.

    min_freq         how often a word occurs at least, to be in it
    max_size         how many words it has at most, the special ones counted; None: no limit
    specials         words that are there in any case
    unknown          what all other words are taken for; None: they are an error

    vocabulary(words) is the list of their numbers; vocabulary[word] one number; words[i] the word of a number.
    """

    def __init__(self, min_freq: int = 1, max_size: int | None = None, specials: Sequence[str] = ("<pad>", "<unk>"),
                 unknown: str | None = "<unk>") -> None:
        for name, number in ("min_freq", min_freq), ("max_size", max_size):
            if not isinstance(number, (int, type(None))):
                raise TypeError(f"Vocabulary: {name} is a whole number, got {number!r}: words are given to fit(texts)")
        if isinstance(specials, str) or len(set(specials)) < len(specials):
            raise ValueError(f"Vocabulary: specials is a list of different words, got {specials!r}")
        if unknown is not None and unknown not in specials:
            raise ValueError(f"Vocabulary: unknown={unknown!r} is not among the specials {tuple(specials)}: add it, "
                             "or pass unknown=None")
        if max_size is not None and max_size < len(specials):
            raise ValueError(f"Vocabulary: max_size={max_size} leaves no room for the {len(specials)} specials")
        if min_freq < 1:
            raise ValueError(f"Vocabulary: min_freq is at least 1, got {min_freq}")
        self.min_freq, self.max_size, self.specials, self.unknown = min_freq, max_size, tuple(specials), unknown
        self._set(list(specials))

    def _set(self, words: list[str]) -> None:
        self.words = words
        self._number = {word: i for i, word in enumerate(words)}
        self._unknown = None if self.unknown is None else self._number[self.unknown]

    def fit(self, texts: Iterable[Iterable[str]]) -> Vocabulary:
        """Number the words of texts that are cut into words: lists of strings.  Returns this vocabulary."""
        counts: Counter[str] = Counter()
        for i, text in enumerate([texts] if isinstance(texts, str) else texts):
            if isinstance(text, str):
                raise TypeError(f"Vocabulary.fit takes texts cut into words, got the text {text[:40]!r}: use "
                                "WordTokenizer() on each")
            if not isinstance(text, Iterable):
                raise TypeError(f"Vocabulary.fit takes texts cut into words, and text {i} is {text!r}")
            words = list(text)
            check_words(words, f"Vocabulary.fit, text {i}")
            counts.update(words)
        for word in self.specials:
            counts.pop(word, None)
        words = sorted([word for word, n in counts.items() if n >= self.min_freq], key=lambda word: (-counts[word], word))
        room = None if self.max_size is None else self.max_size - len(self.specials)
        self._set([*self.specials, *words[:room]])
        return self

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._number

    def __iter__(self) -> Iterator[str]:
        """The words, in the order of their numbers."""
        return iter(self.words)

    def __getitem__(self, word: str) -> int:
        """The number of a word."""
        check_words([word], "Vocabulary")
        number = self._number.get(word, self._unknown)
        if number is None:
            raise KeyError(f"{word!r} is not in the vocabulary of {len(self)} words, and it has no word for unknown ones: "
                           "Vocabulary(unknown='<unk>')")
        return number

    def __call__(self, words: Iterable[str]) -> list[int]:
        """The numbers of some words."""
        if isinstance(words, str):
            raise TypeError(f"a vocabulary takes a list of words, got the text {words[:40]!r}: use WordTokenizer() on it, "
                            "or vocabulary[word] for a single word")
        if not isinstance(words, Iterable):
            raise TypeError(f"a vocabulary takes a list of words, got {words!r}")
        words = list(words)
        check_words(words, "Vocabulary")
        if self._unknown is None:
            return [self[word] for word in words]
        number, unknown = self._number, self._unknown
        return [number.get(word, unknown) for word in words]

    def decode(self, numbers: Any) -> list[str]:
        """The words that the numbers of one text stand for."""
        numbers = numbers.tolist() if hasattr(numbers, "tolist") else numbers
        if isinstance(numbers, str) or not isinstance(numbers, Iterable):
            raise TypeError(f"decode takes a list of numbers, got {numbers!r}")
        numbers = list(numbers)
        for n in numbers:
            if not hasattr(n, "__index__"):
                raise TypeError(f"decode takes the numbers of one text, ints, and {n!r} is none: for several texts, "
                                "[vocabulary.decode(row) for row in rows]")
            if not 0 <= n < len(self):
                raise IndexError(f"decode: {n} is no word's number: the vocabulary has {len(self)} words")
        return [self.words[n] for n in numbers]

    def save(self, path: Any) -> None:
        """Write the vocabulary to a file, as JSON."""
        content = {"words": self.words, "specials": self.specials, "unknown": self.unknown, "min_freq": self.min_freq,
                   "max_size": self.max_size}
        with replacing(os.fspath(path)) as file:
            file.write(json.dumps(content, ensure_ascii=False).encode())

    @classmethod
    def load(cls, path: Any) -> Vocabulary:
        """The vocabulary that `save` wrote."""
        with open(path, encoding="utf-8") as file:
            try:
                content = json.load(file)
                words = content.pop("words")
                vocabulary = cls(**content)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise errors.BadFile(f"{os.fspath(path)!r} is no vocabulary that was saved here, or damaged: {error}") from error
        if list(words[:len(vocabulary.specials)]) != list(vocabulary.specials) or len(set(words)) < len(words):
            raise errors.BadFile(f"{os.fspath(path)!r}: words that occur twice, or that do not begin with the specials")
        vocabulary._set(words)
        return vocabulary

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self)} words"


def check_words(words: list[Any], who: str) -> None:
    """That words are strings."""
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{who}: a word is a string, got {word!r}" + (
                ": give one text at a time" if isinstance(word, (list, tuple)) else ""))


def pad(sequences: Sequence[Any], length: int | None = None, value: float = 0, side: str = "right", cut: str = "right") -> Any:
    """Sequences of numbers in one tensor (batch, length): filled up with `value`, or cut.

    length: of all; None: of the longest.        side, cut: at which end, "right" or "left", they are filled up, and cut.
    Sequences are lists, arrays or tensors; of rows, such as (time, features), the tensor is (batch, length, features).
    """
    for name, end in ("side", side), ("cut", cut):
        if end not in ("left", "right"):
            raise ValueError(f"pad: {name} is 'left' or 'right', got {end!r}")
    if length is not None and not (hasattr(length, "__index__") and length >= 0):
        raise ValueError(f"pad: length is a whole number, or None for the longest sequence's, got {length!r}")
    np = backend.host
    arrays = [array_of(x, f"pad: sequence {i}") for i, x in enumerate(sequences)]
    if not arrays:
        raise ValueError("pad: there are no sequences: a batch has at least one")
    full = [a for a in arrays if a.size]
    dtype = np.result_type(*[a.dtype for a in full]) if full else np.dtype("int64")
    if dtype.kind not in "biuf":
        raise TypeError(f"pad takes sequences of numbers, got {dtype}: a Vocabulary makes numbers of words")
    if dtype == "float64" and not any([hasattr(x, "dtype") for x in sequences]):            # of Python's floats
        dtype = np.dtype("float32")
    rest = full[0].shape[1:] if full else ()
    for i, a in enumerate(arrays):
        if a.ndim == 0:
            raise errors.ShapeError(f"pad takes a list of sequences, and element {i} is a number alone, {a}: a batch of one "
                                    "sequence is pad([sequence])")
        if a.size and a.shape[1:] != rest:
            raise errors.ShapeError(f"pad: sequence {i} has shape {a.shape}, and another {('time', *rest)}: they may differ in the "
                                    "first axis alone")
    length = max([len(a) for a in arrays]) if length is None else length
    if not isinstance(value, Real) or dtype.kind != "f" and not (value == value and holds(dtype, value)):
        raise errors.WrongValue(f"pad: value={value!r} does not go with sequences of {dtype}")
    out = np.full((len(arrays), length, *rest), value, dtype)
    for row, a in zip(out, arrays):
        a = a[:length] if cut == "right" else a[max(0, len(a) - length):]
        if len(a):
            row[slice(0, len(a)) if side == "right" else slice(length - len(a), length)] = a
    return from_numpy(out)


def array_of(numbers: Any, who: str) -> Any:
    """A list, array or tensor as an array on the host."""
    if isinstance(numbers, autograd.Tensor):
        return backend.to_device(numbers.detach().array, "cpu")
    try:
        return backend.host.asarray(numbers)
    except ValueError as error:
        raise errors.ShapeError(f"{who} has rows that are not equally long: {numbers!r}") from error


def holds(dtype: Any, value: Any) -> bool:
    """Whether a type of whole numbers, or of truth values, has this one."""
    low, high = (0, 1) if dtype.kind == "b" else (backend.iinfo(dtype).min, backend.iinfo(dtype).max)
    return bool(value % 1 == 0 and low <= value <= high)


class Padded:
    """A collate_fn for samples (sequence, target): (sequences in one tensor, filled up; targets; how long each was).

    The parameters are those of `pad`.  DataLoader(dataset, 32, collate_fn=Padded(value=vocabulary["<pad>"]))
    """

    def __init__(self, length: int | None = None, value: float = 0, side: str = "right", cut: str = "right") -> None:
        self.length, self.value, self.side, self.cut = length, value, side, cut

    def __call__(self, batch: Sequence[Any]) -> tuple[Any, Any, Any]:
        from .collate import default_collate
        sequences, targets = zip(*batch)
        lengths = [len(each) if self.length is None else min(len(each), self.length) for each in sequences]
        return (pad(sequences, self.length, self.value, self.side, self.cut), default_collate(list(targets)),
                from_numpy(backend.host.asarray(lengths, "int64")))


def one_hot(indices: Any, num_classes: int) -> Any:
    """For each number a vector of zeros with a 1 at its place: indices (…), result (…, num_classes), float32.

    Unlike nn.functional.one_hot, which gives int64, its result can be multiplied by weights: one_hot(x, n) @ W is W[x].
    """
    if not isinstance(indices, autograd.Tensor):
        indices = from_numpy(whole(indices, "one_hot"))
    return one_hot_of(indices, num_classes).float()


def bag_of_words(sequences: Iterable[Sequence[int]], size: int) -> Any:
    """How often each word occurs: numbers of words, a list for each text; result (batch, size), float32."""
    if not hasattr(size, "__index__"):
        raise TypeError(f"bag_of_words: size is how many words there are, got {size!r}: write len(vocabulary)")
    np = backend.host
    rows = []
    for i, sequence in enumerate(sequences):
        numbers = whole(sequence, f"bag_of_words: text {i}")
        if numbers.ndim != 1:
            raise errors.ShapeError(f"bag_of_words takes a list of numbers for each text, and text {i} is {sequence!r}")
        if numbers.size and not (0 <= numbers.min() and numbers.max() < size):
            odd = int(numbers.max() if numbers.max() >= size else numbers.min())
            raise IndexError(f"bag_of_words: text {i} has word number {odd}, and there are {size} words")
        rows.append(np.bincount(numbers, minlength=size))
    return from_numpy(np.stack(rows).astype("float32") if rows else np.zeros((0, size), "float32"))


def whole(numbers: Any, who: str) -> Any:
    """Whole numbers as an array of int64."""
    array = array_of(numbers, who)
    if array.size and array.dtype.kind not in "biu":
        raise TypeError(f"{who}: numbers of words are whole numbers, got {array.dtype}: a Vocabulary makes them of words")
    return array.astype("int64")
