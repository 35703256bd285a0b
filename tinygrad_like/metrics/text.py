"""How near a text is to what it should be: BLEU by sacrebleu, and error rates by jiwer (pip install 'tinygrad_like[text-metrics]').

predictions and targets are strings, or lists of as many strings.  The numbers depend on how a text is cut into words: that is left
to these two libraries, so that they can be compared with published ones.
"""
from __future__ import annotations

import importlib
from typing import Any

from .. import autograd, backend, errors
from .elsewhere import explained
from .metric import Metric, nan

__all__ = ["BLEUScore", "WordErrorRate", "CharErrorRate", "bleu_score", "word_error_rate", "char_error_rate"]


def library(name: str, what: str) -> Any:
    """sacrebleu or jiwer, or an error that says how to get it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(f"{what} needs {name}, which cannot be imported here ({error}): "
                                  "pip install 'tinygrad_like[text-metrics]'", name=name) from error


class Texts(Metric):
    """Pairs of texts."""

    def paired(self, predictions: Any, targets: Any, mask: Any, several: bool = False) -> tuple[list[str], list[Any]]:
        if isinstance(predictions, str):
            predictions, targets = [predictions], [targets]
        for what, texts in (("predictions", predictions), ("targets", targets)):
            if not isinstance(texts, (list, tuple)):
                raise errors.WrongType(f"{self.name}: {what} is a text or a list of texts, got {type(texts).__name__}"
                                       + (": decode the token ids first" if isinstance(texts, autograd.Tensor) else ""))
        if len(predictions) != len(targets):
            raise errors.ShapeError(f"{self.name}: there are {len(predictions)} predictions and {len(targets)} targets: each "
                                    "prediction has its own" + (", or a list of several" if several else ""))
        if mask is not None:
            raise errors.WrongValue(f"{self.name}: mask is not offered for texts: leave out those that shall not count")
        for what, texts in (("prediction", predictions), ("target", targets)):
            for i, text in enumerate(texts):
                good = isinstance(text, str) or several and what == "target" and isinstance(text, (list, tuple)) and all(
                    isinstance(each, str) for each in text) and len(text)
                if not good:
                    raise errors.WrongType(f"{self.name}: {what} {i} is a text" + " or a list" * (several and what == "target")
                                           + f", got {errors.short(text)}")
        return list(predictions), list(targets)


class BLEUScore(Texts):
    """`bleu_score`, gathered over batches."""
    name = "bleu_score"

    def __init__(self, tokenize: str = "13a", lowercase: bool = False) -> None:
        super().__init__()
        self.tokenize, self.lowercase = tokenize, lowercase
        self.scorer()                                           # complains now

    def scorer(self) -> Any:
        try:
            return library("sacrebleu", "bleu_score").metrics.BLEU(tokenize=self.tokenize, lowercase=self.lowercase)
        except (KeyError, ValueError) as error:                 # of its own words, or of what it needs for them
            raise errors.WrongValue(f"{self.name}: tokenize={self.tokenize!r} is not one that sacrebleu has here "
                                    f"({error})") from None

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        p, t = self.paired(predictions, targets, mask, several=True)
        several = [[each] if isinstance(each, str) else list(each) for each in t]
        scorer, host = self.scorer(), backend.host
        counts: Any = host.zeros(10, "int64")                   # lengths of both; n-grams that match, and all, for n = 1 … 4
        for text, references in zip(p, several):
            score = scorer.corpus_score([text], [[each] for each in references])
            counts += host.asarray([score.sys_len, score.ref_len, *score.counts, *score.totals])
        return {"counts": counts}

    def finish(self, state: dict[str, Any]) -> float:
        counts = state["counts"].tolist()
        if not counts[0]:
            self.warn("the predictions have no words.  Counted as 0")
            return 0.0
        bleu = library("sacrebleu", "bleu_score").metrics.BLEU
        return bleu.compute_bleu(correct=counts[2:6], total=counts[6:], sys_len=counts[0], ref_len=counts[1],
                                 smooth_method="exp").score / 100


class WordErrorRate(Texts):
    """`word_error_rate`, gathered over batches."""
    name = "word_error_rate"

    function = "process_words"

    def __init__(self) -> None:
        super().__init__()
        library("jiwer", self.name)                             # complains now

    def measure(self, predictions: Any, targets: Any, mask: Any) -> dict[str, Any]:
        p, t = self.paired(predictions, targets, mask)
        jiwer, edits, length = library("jiwer", self.name), 0, 0
        process = getattr(jiwer, self.function)
        for prediction, target in zip(p, t):
            if target.strip():
                out = process(target, prediction)
                edits += out.substitutions + out.deletions + out.insertions
                length += out.substitutions + out.deletions + out.hits
            else:                                               # jiwer takes no empty target: all that was said is too much
                edits += self.units(prediction)
        return {"edits": backend.host.asarray(edits), "length": backend.host.asarray(length)}

    def units(self, text: str) -> int:
        return len(text.split())

    def finish(self, state: dict[str, Any]) -> float:
        if not state["length"]:
            self.warn("the targets are empty.  The result is NaN")
            return nan
        return int(state["edits"]) / int(state["length"])


class CharErrorRate(WordErrorRate):
    """`char_error_rate`, gathered over batches."""
    name = "char_error_rate"

    function = "process_characters"

    def units(self, text: str) -> int:
        return len(text.strip())


def bleu_score(predictions: Any, targets: Any, tokenize: str = "13a", lowercase: bool = False) -> float:
    """min(1, e^(1 − r/c)) · (p₁ p₂ p₃ p₄)^¼: BLEU over all texts (Papineni et al. 2002), as sacrebleu computes it, but from 0 to 1.

    pₙ: how many of the predictions' n-grams are in the targets (0 is smoothed, as sacrebleu does); c and r: how many words the
    predictions and the targets have.  predictions: texts, not lists of words; targets: for each a text, or a list of several that
    are all good.  tokenize: sacrebleu's, "zh" for Chinese, "char" for single characters.
    """
    return BLEUScore(tokenize, lowercase).of(predictions, targets)


def word_error_rate(predictions: Any, targets: Any) -> float:
    """(substituted + deleted + inserted words) / words of the targets, over all texts.  It can exceed 1."""
    return WordErrorRate().of(predictions, targets)


def char_error_rate(predictions: Any, targets: Any) -> float:
    """(substituted + deleted + inserted characters) / characters of the targets, over all texts: where words have no spaces."""
    return CharErrorRate().of(predictions, targets)


explained(globals(), __all__)
