"""What a language model writes: token after token, the likeliest, or drawn, or by a search for the likeliest whole."""
from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import errors
from ..functions.creation import full, ones, tensor
from ..functions.elementwise import where
from ..functions.random import multinomial
from ..functions.shape import cat, repeat_interleave
from ..grad_mode import no_grad
from ..nn import functional as F
from ..tensor import Tensor

__all__ = ["GenerationMixin"]


class GenerationMixin:
    """`generate`, for a model whose call returns `logits` and `past_key_values`."""
    config: Any
    device: Any

    @no_grad()
    def generate(self, inputs: Tensor | None = None, *, input_ids: Tensor | None = None, attention_mask: Tensor | None = None,
                 max_length: int | None = None, max_new_tokens: int | None = None, do_sample: bool = False, num_beams: int = 1,
                 num_return_sequences: int = 1, temperature: float = 1.0, top_k: int | None = 50, top_p: float = 1.0,
                 repetition_penalty: float = 1.0, length_penalty: float = 1.0, early_stopping: bool | str = False,
                 bos_token_id: int | None = None, eos_token_id: int | list[int] | None = None, pad_token_id: int | None = None,
                 use_cache: bool = True, generator: Any = None) -> Tensor:
        """The tokens (N, T), or input_ids, and what comes after them: (N · num_return_sequences, length).

        How: the likeliest token each time (*greedy*); drawn from softmax(logits / temperature), with do_sample; or with num_beams
        above 1 by beam search, which goes on with that many beginnings at a time, and returns the likeliest whole texts it met.

        max_length: how many tokens there are in the end, *with* those given; 20 if neither this nor max_new_tokens is set.
        max_new_tokens: how many come after them.        (SPEC M-22)
        top_k, top_p: draw from the so many likeliest tokens only; from the fewest that have a probability of top_p together.
        repetition_penalty: divides the logits of tokens that are there already, if they are positive; else it multiplies them.
        length_penalty: for beams, whose score is the sum of their log-probabilities over their length to this power.
        early_stopping: when the search for beams ends.  True: once there are num_beams whole texts; False: once no beam is expected
        to do better than these; "never": once none can do better, however long it grows.
        eos_token_id: where a text ends; after it comes pad_token_id.  Both, and bos_token_id to begin from nothing, are the
        configuration's if None.  attention_mask (N, T): 0 where a token given is padding, which belongs on the left.
        use_cache: keep the keys and values of the tokens so far.  generator: of the random numbers, for do_sample.

        Several texts of each beginning come from sampling or beams: the likeliest is but one (SPEC M-20).
        """
        ids = self.beginning(inputs, input_ids, bos_token_id)
        prompt = ids.shape[1]
        longest = prompt + max_new_tokens if max_new_tokens is not None else 20 if max_length is None else max_length
        check_lengths(prompt, longest, max_length, max_new_tokens)
        check_choices(do_sample, num_beams, num_return_sequences, early_stopping, top_k, top_p, temperature, repetition_penalty)
        if not do_sample:
            drawing = [f"{name}={value}" for name, value, usual in (("temperature", temperature, 1.0), ("top_k", top_k, 50),
                                                                    ("top_p", top_p, 1.0)) if value != usual]
            if drawing:
                warnings.warn(f"generate: {' and '.join(drawing)} change nothing without do_sample=True", stacklevel=3)
        eos = self.config.eos_token_id if eos_token_id is None else eos_token_id
        ends = [] if eos is None else list(eos) if isinstance(eos, (list, tuple)) else [eos]
        pad = self.config.pad_token_id if pad_token_id is None else pad_token_id
        pad = pad if pad is not None else ends[0] if ends else 0
        if attention_mask is None:                              # padding that cannot be an end
            is_pad = ids == pad
            attention_mask = where(is_pad, 0, ones_like(ids)) if pad not in ends and bool(is_pad.any()) else ones_like(ids)
        if tuple(attention_mask.shape) != tuple(ids.shape):
            raise errors.ShapeError(f"generate: attention_mask has the shape of the tokens, {tuple(ids.shape)}, got "
                                    f"{tuple(attention_mask.shape)}")

        times = num_beams if num_beams > 1 else num_return_sequences
        ids, mask = repeat_interleave(ids, times, 0), repeat_interleave(attention_mask, times, 0)
        writer = Writer(self, ids, mask, use_cache)             # type: ignore[arg-type]
        if num_beams > 1:
            return beam_search(writer, longest, num_beams, num_return_sequences, repetition_penalty, length_penalty,
                               early_stopping, ends, pad)

        running = [True] * len(ids)
        while writer.ids.shape[1] < longest and any(running):
            logits = penalised(writer.logits(), writer.ids, writer.mask, repetition_penalty)
            if do_sample:
                p = F.softmax(likeliest(logits / temperature, top_k, top_p), -1)
                token = multinomial(p, 1, generator=generator)[:, 0]
            else:
                token = logits.argmax(-1)
            chosen = [t if on else pad for t, on in zip(token.tolist(), running)]
            running = [on and t not in ends for t, on in zip(chosen, running)]
            writer.append(tensor(chosen, device=ids.device))
        return writer.ids

    def beginning(self, inputs: Tensor | None, input_ids: Tensor | None, bos_token_id: int | None) -> Tensor:
        """The tokens to begin with."""
        if inputs is not None and input_ids is not None:
            raise ValueError("generate: inputs and input_ids are two names for the same, and both were given")
        ids = input_ids if inputs is None else inputs
        if ids is None:
            bos = self.config.bos_token_id if bos_token_id is None else bos_token_id
            if bos is None:
                raise ValueError("generate: there are no input_ids, and no bos_token_id to begin with")
            return tensor([[bos]], device=self.device)
        if not isinstance(ids, Tensor):
            raise TypeError(f"generate: input_ids is a Tensor (batch, tokens), got {type(ids).__name__}: "
                            'tokenizer.encode(text, return_tensors="pt") makes one')
        if ids.ndim != 2 or 0 in ids.shape:
            raise errors.ShapeError("generate: input_ids has shape (batch, tokens), with one token at least, got "
                                    f"{tuple(ids.shape)}" + (": input_ids[None] makes a batch of one" if ids.ndim == 1 else ""))
        return ids


class Writer:
    """Texts (N, T) that a model continues, and what it remembers of them."""

    def __init__(self, model: Callable[..., Any], ids: Tensor, mask: Tensor, use_cache: bool) -> None:
        self.model, self.ids, self.mask, self.use_cache = model, ids, mask, use_cache
        self.past: Any = None

    def logits(self) -> Tensor:
        """Of the next token: (N, vocabulary)."""
        new = self.ids.shape[1] if self.past is None else 1     # tokens that it has not seen yet
        places = (self.mask.cumsum(-1) - 1).clamp(min=0)        # padding does not count
        out = self.model(self.ids[:, -new:], past_key_values=self.past, attention_mask=self.mask, position_ids=places[:, -new:],
                         use_cache=self.use_cache, logits_to_keep=1)
        self.past = out.past_key_values
        return out.logits[:, -1].float()                        # type: ignore[no-any-return]

    def append(self, tokens: Tensor, rows: Tensor | None = None) -> None:
        """Write a token behind each text; or behind copies of those of some rows."""
        if rows is not None:
            self.ids, self.mask = self.ids[rows], self.mask[rows]
            if self.past is not None:
                self.past = tuple([(k[rows], v[rows]) for k, v in self.past])
        self.ids = cat([self.ids, tokens[:, None]], 1)
        self.mask = cat([self.mask, ones_like(tokens[:, None])], 1)


def ones_like(ids: Tensor) -> Tensor:
    return ones(ids.shape, dtype=ids.dtype, device=ids.device)


# ---- what is asked for ------------------------------------------------------------------------------------------
def check_lengths(prompt: int, longest: int, max_length: int | None, max_new_tokens: int | None) -> None:
    if max_new_tokens is not None and max_length is not None:
        warnings.warn(f"generate: max_new_tokens={max_new_tokens} and max_length={max_length} are both set: the first holds",
                      stacklevel=4)
    if longest <= prompt:
        what = (f"max_new_tokens={max_new_tokens}" if max_new_tokens is not None else
                f"max_length={longest}{' (the default)' * (max_length is None)}, which counts the tokens given too")
        raise errors.WrongValue(f"generate: {prompt} tokens were given, and nothing can come after them, with {what}: set "
                                "max_new_tokens, how many are to come after them")


def check_choices(do_sample: bool, num_beams: int, texts: int, early_stopping: bool | str, top_k: int | None, top_p: float,
                  temperature: float, repetition_penalty: float) -> None:
    if num_beams < 1 or texts < 1:
        raise errors.WrongValue(f"generate: num_beams and num_return_sequences are at least 1, got {num_beams} and {texts}")
    if num_beams > 1 and do_sample:
        raise NotImplementedError("generate: num_beams > 1 and do_sample=True, beams that are drawn, is not offered: choose one")
    if num_beams == 1 and not do_sample and texts > 1:
        raise errors.WrongValue(f"generate: num_return_sequences={texts}, and the likeliest text, which is written here, is but "
                                f"one.  do_sample=True draws {texts}; num_beams={texts} searches for the {texts} best")
    if 1 < num_beams < texts:
        raise errors.WrongValue(f"generate: num_return_sequences={texts} is more than num_beams={num_beams} find")
    if early_stopping not in (True, False, "never"):
        raise errors.WrongValue(f"generate: early_stopping is False, True or 'never', got {early_stopping!r}")
    if top_k is not None and top_k < 0 or not 0 <= top_p <= 1 or temperature <= 0 or repetition_penalty <= 0:
        raise errors.WrongValue("generate: temperature and repetition_penalty are above 0, top_k is None or at least 0 (all), "
                                f"top_p between 0 and 1, got {temperature}, {repetition_penalty}, {top_k}, {top_p}"
                                + (".  The likeliest token always: do_sample=False" if temperature == 0 else ""))


def penalised(logits: Tensor, ids: Tensor, mask: Tensor, penalty: float) -> Tensor:
    """logits with those of the tokens that are there already made less likely.        (Keskar et al. 2019, CTRL)"""
    if penalty == 1:
        return logits
    ids = where(mask == 0, ids[:, -1:], ids)                    # padding is not there: the last token, which is none, twice
    there = logits.gather(1, ids)
    return logits.scatter(1, ids, where(there < 0, there * penalty, there / penalty))


def likeliest(logits: Tensor, top_k: int | None, top_p: float) -> Tensor:
    """logits with -∞ for all tokens but the top_k likeliest, and of these but the fewest that have a share of top_p."""
    if top_k:
        least = logits.topk(min(top_k, logits.shape[-1]))[0][:, -1:]
        logits = logits.masked_fill(logits < least, -math.inf)
    if top_p < 1:                                               # (Holtzman et al. 2020)
        rising, places = logits.sort(-1)
        rest = F.softmax(rising, -1).cumsum(-1) <= 1 - top_p    # of the unlikely ones all together
        rest[:, -1] = False
        logits = logits.masked_fill(rest.scatter(1, places, rest), -math.inf)
    return logits


# ---- beams ------------------------------------------------------------------------------------------------------
def beam_search(writer: Writer, longest: int, beams: int, texts: int, repetition_penalty: float, length_penalty: float,
                early_stopping: bool | str, ends: list[int], pad: int) -> Tensor:
    """The likeliest texts that were met while going on, each time, with the likeliest `beams` beginnings of each.

    The rows of the writer are `beams` copies of each item.  Of the candidates, every beginning with every token behind it, the
    first (1 + ends) · beams are looked at: of them at least `beams` do not end there, and these go on.
    """
    items, prompt = len(writer.ids) // beams, writer.ids.shape[1]
    scores = full((items, beams), -1e9, device=writer.ids.device)       # log-probabilities; the copies are no candidates at first
    scores[:, 0] = 0
    whole: list[list[tuple[float, list[int]]]] = [[] for _ in range(items)]     # of each item, the best: score, tokens
    hopeful = [True] * items                                    # whether a better one can be expected
    while True:
        length = writer.ids.shape[1] + 1 - prompt               # with the next token
        log_p = penalised(F.log_softmax(writer.logits(), -1), writer.ids, writer.mask, repetition_penalty)
        vocabulary = log_p.shape[-1]
        candidates = (scores[:, :, None] + log_p.view(items, beams, vocabulary)).view(items, beams * vocabulary)
        best, places = candidates.topk(min((1 + len(ends)) * beams, beams * vocabulary))
        written, rows, tokens, kept = writer.ids.tolist(), [], [], []
        last = prompt + length >= longest
        for item, (sums, at) in enumerate(zip(best.tolist(), places.tolist())):
            going = []
            for rank, (score, place) in enumerate(zip(sums, at)):
                row, token = item * beams + place // vocabulary, place % vocabulary
                if not last and token not in ends:
                    going.append((score, row, token))
                elif rank < beams and hopeful[item] and not (early_stopping is True and len(whole[item]) == beams):
                    whole[item].append((score / length**length_penalty, written[row][prompt:] + [token]))
            whole[item] = sorted(whole[item], key=lambda text: -text[0])[:beams]
            if not last:
                going = going[:beams]
                kept.append([score for score, _, _ in going])
                rows += [row for _, row, _ in going]
                tokens += [token for _, _, token in going]
                ahead = longest - prompt if early_stopping == "never" and length_penalty > 0 else length
                hopeful[item] = hopeful[item] and (len(whole[item]) < beams
                                                   or going[0][0] / ahead**length_penalty > whole[item][-1][0])
        if last or not any(hopeful) or (early_stopping is True and all([len(each) == beams for each in whole])):
            break
        scores = tensor(kept, device=writer.ids.device)
        writer.append(tensor(tokens, device=writer.ids.device), tensor(rows, device=writer.ids.device))
    found = [text for each in whole for _, text in each[:texts]]
    most = max(map(len, found))
    after = tensor([text + [pad] * (most - len(text)) for text in found], device=writer.ids.device)
    before = repeat_interleave(writer.ids[::beams, :prompt], texts, 0)
    return cat([before, after], 1)
