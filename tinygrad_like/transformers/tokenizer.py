"""GPT-2's tokenizer: text to numbers and back, by byte-pair encoding of bytes.

    tokenizer = GPT2Tokenizer.from_pretrained(folder)
    tokenizer.encode("Hello world")                             # [15496, 995], with the published vocabulary
    tokenizer.decode([15496, 995])                              # 'Hello world'

    tokenizer.pad_token = tokenizer.eos_token                   # GPT-2 has none of its own
    batch = tokenizer(["a text", "a longer text"], padding=True, return_tensors="pt")
    output = model(**batch)                                     # input_ids and attention_mask

    own = GPT2Tokenizer().train_new_from_iterator(texts, vocab_size=1000)     # from nothing
    own.save_pretrained(folder)

How a text becomes numbers:

  - It is cut into words, each with the blank before it, numbers and signs, by a fixed rule.
  - The UTF-8 bytes of a word are written as 256 letters that can be printed: a blank is Ġ, and é, two bytes, is Ã©.
  - Two neighbours that are a pair in the list of merges become one token, the pair that stands first in that list first, until no
    neighbours are a pair.  Training made the list: at each step, the pair that was most frequent in the training texts.
  - Each token has a number.

So every text can be written, in whatever language, no word is unknown, and decoding gives the same text back.  But a vocabulary
made of English writes Chinese in two or three tokens a character, and a model that has read English alone cannot continue it.
Special tokens such as <|endoftext|> are found in a text before all this.  None is put into it, except by add_bos_token=True.

The names, arguments, results and files are those of Hugging Face's transformers 5; the work is done by the package `tokenizers`
(`pip install 'tinygrad_like[text]'`).
"""
from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .. import backend
from ..errors import BadFile, OutOfRange, WrongType, WrongValue, short
from ..functions.creation import tensor
from ..serialize.replace import replacing
from .pretrained import folder_of, read_json, write_json

T = TypeVar("T", bound="GPT2Tokenizer")

END = "<|endoftext|>"
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
SETTINGS = (*NAMED, "extra_special_tokens", "errors", "add_prefix_space", "add_bos_token", "model_max_length", "padding_side",
            "truncation_side")
UNLIMITED = int(1e30)                                           # transformers' model_max_length where none is known
PADDING = {False: None, "do_not_pad": None, True: "longest", "longest": "longest", "max_length": "max_length"}
TRUNCATION = {None: None, False: None, "do_not_truncate": None, True: "longest_first", "longest_first": "longest_first"}
SIDES = {"right": "right", "left": "left"}


def package() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(f"GPT2Tokenizer needs the tokenizers package, which cannot be imported here ({error}): "
                          "pip install 'tinygrad_like[text]'") from error
    return tokenizers


class BatchEncoding(dict[str, Any]):
    """What a tokenizer returns when it is called: a dict with input_ids and attention_mask, which are attributes as well."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"this encoding has {', '.join(self)}; no {name!r}")

    def to(self, device: Any) -> BatchEncoding:
        """Take the tensors to a device, in this same dict, which is returned."""
        self.update({name: value.to(device) for name, value in self.items()})
        return self


def special(name: str) -> tuple[Any, Any]:
    """The properties of a special token: the token, such as `eos_token`, a string or None, and its number, `eos_token_id`."""
    def token(self: GPT2Tokenizer) -> str | None:
        return self._special[name]

    def set_token(self: GPT2Tokenizer, token: Any) -> None:
        text = self._special[name] = None if token is None else as_added(token, name).content
        if text is not None and self.backend_tokenizer.token_to_id(text) is None:
            warnings.warn(f"{name} = {text!r} is not in the vocabulary, and its id will be that of unk_token, {self.unk_token_id}: "
                          f"tokenizer.add_special_tokens({{{name!r}: {text!r}}}) adds it", stacklevel=2)

    def id(self: GPT2Tokenizer) -> int | None:
        text = self._special[name]
        return None if text is None else self.convert_tokens_to_ids(text)

    def set_id(self: GPT2Tokenizer, id: int | None) -> None:
        self._special[name] = None if id is None else self.convert_ids_to_tokens(id)

    return property(token, set_token), property(id, set_id)


class GPT2Tokenizer:
    """Text to numbers and back: see the text at the top of this file.

    vocab               a dict of tokens and their numbers, or the path of a vocab.json; none to begin from nothing
    merges              pairs of tokens, the first to be merged first, or the path of a merges.txt
    errors              "replace": decoding writes '\ufffd' for bytes that are no UTF-8
    unk_token           what convert_tokens_to_ids gives for a token that is not in the vocabulary
    pad_token           what fills short sequences up; None: padding raises ValueError
    add_prefix_space    whether a text begins with a blank, so that its first word is written as every other
    add_bos_token       whether bos_token stands before each text
    model_max_length    what truncation=True and padding="max_length" mean without a max_length
    padding_side        where short sequences are filled up: "right", or "left", as generation wants it
    truncation_side     where long ones are cut

    Special tokens that the vocabulary does not have are added at its end.
    """
    bos_token, bos_token_id = special("bos_token")
    eos_token, eos_token_id = special("eos_token")
    unk_token, unk_token_id = special("unk_token")
    sep_token, sep_token_id = special("sep_token")
    pad_token, pad_token_id = special("pad_token")
    cls_token, cls_token_id = special("cls_token")
    mask_token, mask_token_id = special("mask_token")

    def __init__(self, vocab: Any = None, merges: Any = None, errors: str = "replace", unk_token: Any = END, bos_token: Any = END,
                 eos_token: Any = END, pad_token: Any = None, add_prefix_space: bool = False, *, sep_token: Any = None,
                 cls_token: Any = None, mask_token: Any = None, extra_special_tokens: Sequence[Any] | None = None,
                 add_bos_token: bool = False, model_max_length: int | None = None, padding_side: str = "right",
                 truncation_side: str = "right", added_tokens_decoder: Mapping[Any, Any] | None = None) -> None:
        tokenizers = package()
        choose("errors", errors, {"replace": None})
        self.errors, self.name_or_path = errors, ""
        self.model_max_length = UNLIMITED if model_max_length is None else model_max_length
        self.padding_side = choose("padding_side", padding_side, SIDES)
        self.truncation_side = choose("truncation_side", truncation_side, SIDES)
        named = {name: as_added(token, name) for name, token in zip(NAMED, (
            bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token)) if token is not None}
        extra = [as_added(token, "extra_special_tokens: each") for token in listed(extra_special_tokens, "extra_special_tokens")]
        self._special: dict[str, str | None] = {name: named[name].content if name in named else None for name in NAMED}
        self.extra_special_tokens = [token.content for token in extra]

        work = self.backend_tokenizer = tokenizers.Tokenizer(model_of(vocab, merges))
        self.add_prefix_space = add_prefix_space
        work.decoder = tokenizers.decoders.ByteLevel()
        numbered = {int(id): as_added(token, "added_tokens_decoder: each", special=False)
                    for id, token in (added_tokens_decoder or {}).items()}
        added = {token.content: token for _, token in sorted(numbered.items())}
        for token in [*named.values(), *extra]:
            added.setdefault(token.content, token).special = True
        work.add_tokens(list(added.values()))
        for id, token in numbered.items():
            if (got := work.token_to_id(token.content)) != id:
                raise WrongValue(f"GPT2Tokenizer: the added token {token.content!r} has the number {id}, and in this vocabulary of "
                                 f"{self.vocab_size} it gets {got}: vocab and added_tokens_decoder are not of one tokenizer")
        self.add_bos_token = add_bos_token

    @property
    def add_bos_token(self) -> bool:
        """Whether bos_token stands before each text that is encoded."""
        return self._add_bos_token

    @add_bos_token.setter
    def add_bos_token(self, value: bool) -> None:
        if value and self.bos_token is None:
            raise WrongValue("add_bos_token=True puts bos_token before each text, and bos_token is None: give one")
        self._add_bos_token = bool(value)
        first, second = (f"{self.bos_token}:0 ", f"{self.bos_token}:1 ") if value else ("", "")
        self.backend_tokenizer.post_processor = package().processors.TemplateProcessing(
            single=f"{first}$A:0", pair=f"{first}$A:0 {second}$B:1",
            special_tokens=[(self.bos_token, self.bos_token_id)] if value else [])

    @property
    def add_prefix_space(self) -> bool:
        """Whether a text begins with a blank."""
        return bool(self.backend_tokenizer.pre_tokenizer.add_prefix_space)

    @add_prefix_space.setter
    def add_prefix_space(self, value: bool) -> None:
        self.backend_tokenizer.pre_tokenizer = package().pre_tokenizers.ByteLevel(add_prefix_space=value)

    # ---- files ----
    @classmethod
    def from_pretrained(cls: type[T], pretrained_model_name_or_path: Any, **settings: Any) -> T:
        """The tokenizer in a folder: that of tokenizer.json, or of vocab.json and merges.txt.

        tokenizer_config.json and special_tokens_map.json say what its special tokens and its settings are.  Arguments of the
        constructor go before those: from_pretrained(folder, padding_side="left").
        """
        folder = folder_of(pretrained_model_name_or_path)
        config, whole, tokens, added = [read_json(path) if (path := folder / f"{name}.json").is_file() else {}
                                        for name in ("tokenizer_config", "tokenizer", "special_tokens_map", "added_tokens")]
        if "added_tokens_decoder" not in config:
            config.update(tokens)
            config["added_tokens_decoder"] = {**{id: token for token, id in added.items()},
                                              **{token["id"]: token for token in whole.get("added_tokens", ())}}
        if "additional_special_tokens" in config:               # the name in older files
            config.setdefault("extra_special_tokens", config["additional_special_tokens"])
        if whole:
            vocab, merges = read_whole(whole, config, str(folder / "tokenizer.json"))
        elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            vocab, merges = folder / "vocab.json", folder / "merges.txt"
        else:
            raise OSError(f"{cls.__name__}.from_pretrained: {str(folder)!r} has neither tokenizer.json nor vocab.json and "
                          "merges.txt: tokenizer.save_pretrained(folder) writes them")
        told = {name: config[name] for name in (*SETTINGS, "added_tokens_decoder") if name in config}
        tokenizer = cls(vocab, merges, **{**told, **settings})
        tokenizer.name_or_path = str(pretrained_model_name_or_path)
        return tokenizer

    def save_pretrained(self, save_directory: Any) -> tuple[str, ...]:
        """Write tokenizer_config.json, tokenizer.json, vocab.json and merges.txt into a folder, and return their paths.

        transformers reads these: its version 5 the first two.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        whole = self.backend_tokenizer.to_str(pretty=True)
        model = json.loads(whole)["model"]
        merges = [" ".join(pair) for pair in pairs_of(model["merges"])]
        config = {**self._settings(), "backend": "tokenizers", "tokenizer_class": "GPT2Tokenizer"}
        write_json(folder / "tokenizer_config.json", config)
        texts = {"tokenizer.json": whole, "vocab.json": json.dumps(model["vocab"], ensure_ascii=False),
                 "merges.txt": "\n".join(["#version: 0.2", *merges, ""])}
        for name, text in texts.items():
            with replacing(str(folder / name)) as file:
                file.write(text.encode())
        return tuple(os.path.join(save_directory, name) for name in ("tokenizer_config.json", *texts))

    def _settings(self) -> dict[str, Any]:
        """The arguments that make such a tokenizer of another vocabulary."""
        return {name: getattr(self, name) for name in SETTINGS}

    def train_new_from_iterator(self: T, text_iterator: Iterable[Any], vocab_size: int, length: int | None = None,
                                new_special_tokens: Sequence[Any] | None = None, *, min_frequency: int = 0,
                                show_progress: bool = True) -> T:
        """A new tokenizer with this one's special tokens and settings, and a vocabulary made of texts.

        text_iterator   texts, or lists of texts, as they come
        vocab_size      how many tokens: special ones, 256 letters for the bytes, merges.  There are fewer, len(tokenizer), if
                        the texts have no further pairs
        length          how many texts there are, for the progress bar
        min_frequency   how often a pair must be there to be merged
        """
        tokenizers = package()
        own = [token for _, token in sorted(self.added_tokens_decoder.items()) if token.special]
        new = [as_added(token, "new_special_tokens: each") for token in listed(new_special_tokens, "new_special_tokens")]
        first = list({token.content: token for token in [*own, *new]}.values())
        if not isinstance(vocab_size, int) or vocab_size < 256 + len(first):
            raise WrongValue(f"train_new_from_iterator: vocab_size={vocab_size!r} is to be at least {256 + len(first)}: a token "
                             f"for each of the 256 bytes, and {len(first)} special")
        work = tokenizers.Tokenizer(model_of(None, None))
        work.pre_tokenizer = self.backend_tokenizer.pre_tokenizer
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocab_size, min_frequency=min_frequency, show_progress=show_progress, special_tokens=first,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
        work.train_from_iterator(texts_of(text_iterator), trainer=trainer, length=length)
        model = json.loads(work.to_str())["model"]
        extra = dict.fromkeys([*self.extra_special_tokens, *(token.content for token in new)])
        numbered = {model["vocab"][token.content]: token for token in first}
        return type(self)(model["vocab"], model["merges"], added_tokens_decoder=numbered,
                          **{**self._settings(), "extra_special_tokens": list(extra)})

    # ---- text to numbers ----
    def __call__(self, text: Any, *, add_special_tokens: bool = True, padding: bool | str = False,
                 truncation: bool | str | None = None, max_length: int | None = None, return_tensors: str | None = None,
                 return_attention_mask: bool | None = None) -> BatchEncoding:
        """input_ids and attention_mask (1 for a token, 0 for padding) of a text, or of a list of texts.

        padding         True or "longest": fill up to the longest of the batch; "max_length": to max_length
        truncation      True: cut to max_length.  max_length alone cuts as well, unless there is padding or truncation=False
        max_length      by default the tokenizer's model_max_length
        return_tensors  "pt" for tensors of int64, "np" for arrays, both (texts, length), even of one text; None for lists
        """
        choose("return_tensors", return_tensors, {"pt": None, "np": None, None: None})
        found = self._encode(text, add_special_tokens, padding, truncation, max_length)
        values = {"input_ids": [each.ids for each in found], "attention_mask": [each.attention_mask for each in found]}
        if return_attention_mask is False:
            del values["attention_mask"]
        if return_tensors is None:
            return BatchEncoding(values if isinstance(text, (list, tuple)) else {name: rows[0] for name, rows in values.items()})
        if len(lengths := sorted({len(each.ids) for each in found})) > 1:
            raise WrongValue(f"return_tensors={return_tensors!r}: these texts have from {lengths[0]} to {lengths[-1]} tokens, and "
                             "rows of one length are needed: give padding=True, or truncation=True with a max_length, or both")
        arrays = {name: backend.host.asarray(rows, "int64") for name, rows in values.items()}
        return BatchEncoding(arrays if return_tensors == "np" else {name: tensor(array) for name, array in arrays.items()})

    def encode(self, text: Any, *, add_special_tokens: bool = True, padding: bool | str = False,
               truncation: bool | str | None = None, max_length: int | None = None, return_tensors: str | None = None) -> Any:
        """The input_ids alone of what a call gives: a list of numbers, or with return_tensors="pt" a tensor (1, length)."""
        return self(text, add_special_tokens=add_special_tokens, padding=padding, truncation=truncation, max_length=max_length,
                    return_tensors=return_tensors)["input_ids"]

    def tokenize(self, text: str, *, add_special_tokens: bool = False) -> list[str]:
        """The tokens of a text, as the vocabulary has them: 'Ġ' for a blank, and one letter for each byte."""
        if not isinstance(text, str):
            raise WrongType(f"tokenize takes one text, a str, got {short(text)}")
        return list(self._encode(text, add_special_tokens)[0].tokens)

    def _encode(self, text: Any, add_special_tokens: bool, padding: Any = False, truncation: Any = None,
                max_length: Any = None) -> list[Any]:
        """What the package makes of each text; the arguments are those of a call."""
        texts = checked_texts(text, "text")
        if self.vocab_size == 0:
            raise WrongValue("this tokenizer has no vocabulary: GPT2Tokenizer.from_pretrained(folder) reads one, and "
                             "tokenizer.train_new_from_iterator(texts, vocab_size) makes one, for a new tokenizer")
        pad, cut = choose("padding", padding, PADDING), choose("truncation", truncation, TRUNCATION)
        if max_length is not None and (type(max_length) is not int or max_length < 0):
            raise WrongValue(f"max_length is a number of tokens, 0 or more, got {max_length!r}")
        if pad is not None and self.pad_token_id is None:
            raise WrongValue("padding needs a pad_token, which this tokenizer does not have: tokenizer.pad_token = "
                             "tokenizer.eos_token takes one that is there, and "
                             "tokenizer.add_special_tokens({'pad_token': '[PAD]'}) adds one")
        if max_length is not None and padding is False and truncation is None:
            cut = "longest_first"
        if max_length is not None and pad == "longest" and cut is None:
            warnings.warn(f"max_length={max_length} does nothing with padding=True, which fills up to the longest text: "
                          "padding='max_length' fills up to it, and truncation=True cuts there", stacklevel=3)
        limit = self.model_max_length if max_length is None else max_length
        if limit > 1e20 and (cut is not None or pad == "max_length"):
            warnings.warn("texts are neither cut nor filled up without max_length, as this tokenizer's model_max_length is not "
                          "known: give one of them", stacklevel=3)
            pad, cut = None if pad == "max_length" else pad, None
        work = self.backend_tokenizer
        try:
            if cut is not None:
                work.enable_truncation(limit, strategy=cut, direction=choose("truncation_side", self.truncation_side, SIDES))
            if pad is not None:
                side = choose("padding_side", self.padding_side, SIDES)
                work.enable_padding(length=limit if pad == "max_length" else None, direction=side, pad_id=self.pad_token_id,
                                    pad_token=self.pad_token)
            return list(work.encode_batch(texts, add_special_tokens=add_special_tokens))
        finally:                                                # these settings would be saved
            work.no_truncation()
            work.no_padding()

    # ---- numbers to text ----
    def decode(self, token_ids: Any, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None) -> Any:
        """The text of one sequence of ids (a number, a list, an array, a tensor), or the list of texts of a batch (texts, length).

        clean_up_tokenization_spaces=True warns, and is not done: it is for tokens without blanks, and would damage the text.
        """
        if clean_up_tokenization_spaces:
            warnings.warn("clean_up_tokenization_spaces=True is not done: these tokens have their blanks in them, and the text is "
                          "right as it is", stacklevel=2)
        ids = as_ids(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], list):
            return [self.backend_tokenizer.decode(self._checked(row, "decode"), skip_special_tokens) for row in ids]
        return self.backend_tokenizer.decode(self._checked(ids, "decode"), skip_special_tokens)

    def batch_decode(self, sequences: Any, skip_special_tokens: bool = False,
                     clean_up_tokenization_spaces: bool | None = None) -> list[str]:
        """The texts of a batch of sequences; a list even of one.  (decode does the same for a batch.)"""
        texts = self.decode(sequences, skip_special_tokens, clean_up_tokenization_spaces)
        return [texts] if isinstance(texts, str) else texts

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of a number, or those of a sequence of numbers, as the vocabulary has them."""
        ids = as_ids(ids)
        checked = self._checked(ids, "convert_ids_to_tokens")
        if not isinstance(ids, list):
            return self.backend_tokenizer.id_to_token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else set()
        return [self.backend_tokenizer.id_to_token(id) for id in checked if id not in skipped]

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """The number of a token, or those of a list of tokens; a token that is not in the vocabulary has unk_token's (or None)."""
        if isinstance(tokens, (list, tuple)):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        if not isinstance(tokens, str):
            raise WrongType(f"convert_tokens_to_ids takes a token, a str, or a list of them, got {short(tokens)}")
        id, unk = self.backend_tokenizer.token_to_id(tokens), self._special["unk_token"]
        return self.backend_tokenizer.token_to_id(unk) if id is None and unk is not None else id

    def convert_tokens_to_string(self, tokens: Sequence[str]) -> str:
        """The text of tokens, as `tokenize` gives them."""
        if not isinstance(tokens, (list, tuple)) or not all(isinstance(token, str) for token in tokens):
            raise WrongType(f"convert_tokens_to_string takes a list of tokens, got {short(tokens)}: tokenizer.decode takes ids")
        return str(self.backend_tokenizer.decoder.decode(list(tokens)))

    def _checked(self, ids: Any, function: str) -> list[int]:
        """A number or a list of them as a list, if each is a token's."""
        ids = ids if isinstance(ids, list) else [ids]
        if wrong := [id for id in ids if type(id) is not int]:
            raise WrongType(f"{function} takes ids, whole numbers, in a sequence or a batch of them, got {short(wrong[0])} "
                            f"({type(wrong[0]).__name__}): logits.argmax(-1) gives ids, and tokenizer.encode those of a text")
        for id in set(ids):
            if not 0 <= id < 2**32 or self.backend_tokenizer.id_to_token(id) is None:
                raise OutOfRange(f"{function}: no token has the number {id}; there are {len(self)} tokens.  Are the ids of a model "
                                 "with more (vocab_size=len(tokenizer)), or labels, with -100 for what is not to be learned?")
        return ids

    # ---- the vocabulary ----
    def get_vocab(self) -> dict[str, int]:
        """The tokens and their numbers, added ones among them."""
        return dict(self.backend_tokenizer.get_vocab(with_added_tokens=True))

    @property
    def vocab_size(self) -> int:
        """How many tokens there are, without added ones.  len(tokenizer) counts these as well."""
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=False))

    def __len__(self) -> int:
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def added_tokens_decoder(self) -> dict[int, Any]:
        """The added tokens by number; special ones are among them."""
        return dict(self.backend_tokenizer.get_added_tokens_decoder())

    @property
    def special_tokens_map(self) -> dict[str, str]:
        """The special tokens by name, those that are set."""
        return {name: token for name, token in self._special.items() if token is not None}

    @property
    def all_special_tokens(self) -> list[str]:
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self.extra_special_tokens]))

    @property
    def all_special_ids(self) -> list[int]:
        return [self.convert_tokens_to_ids(token) for token in self.all_special_tokens]

    def add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        """Add a token or a list of them at the end of the vocabulary, which are never cut; return how many are new.

        A model needs an embedding for each: vocab_size=len(tokenizer).
        """
        tokens = new_tokens if isinstance(new_tokens, (list, tuple)) else [new_tokens]
        added = [as_added(token, "add_tokens: each", special_tokens) for token in tokens]
        return int(self.backend_tokenizer.add_tokens(added))

    def add_special_tokens(self, special_tokens_dict: Mapping[str, Any], replace_extra_special_tokens: bool = True) -> int:
        """Set special tokens by their names, as in {"pad_token": "[PAD]"}, and add them if they are new; return how many are.

        "extra_special_tokens" takes a list, in place of the one before, or after it.
        """
        named = dict(special_tokens_dict)
        if "additional_special_tokens" in named:                # its name in older versions
            named["extra_special_tokens"] = named.pop("additional_special_tokens")
        extra = listed(named.pop("extra_special_tokens", None), "extra_special_tokens")
        if wrong := sorted(set(named) - set(NAMED)):
            raise WrongValue(f"add_special_tokens: {wrong[0]!r} is none of {', '.join(NAMED)}, extra_special_tokens")
        count = self.add_tokens([*named.values(), *extra], special_tokens=True)
        for name, token in named.items():
            setattr(self, name, token)
        if extra:
            before = [] if replace_extra_special_tokens else self.extra_special_tokens
            self.extra_special_tokens = list(dict.fromkeys([*before, *(str(token) for token in extra)]))
        return count

    def __repr__(self) -> str:
        added = "".join(f"\n\t{id}: {token!r}," for id, token in self.added_tokens_decoder.items())
        return (f"{type(self).__name__}(name_or_path='{self.name_or_path}', vocab_size={self.vocab_size}, "
                f"model_max_length={self.model_max_length}, padding_side='{self.padding_side}', "
                f"truncation_side='{self.truncation_side}', special_tokens={self.special_tokens_map}, "
                f"added_tokens_decoder={{{added}{added and chr(10)}}})")


# ---- what is given ----------------------------------------------------------------------------------------------
def choose(name: str, value: Any, choices: Mapping[Any, Any]) -> Any:
    """What a word among an argument's choices means."""
    if not isinstance(value, (str, bool, type(None))) or value not in choices:
        raise WrongValue(f"{name} is one of {', '.join(map(repr, choices))}, got {value!r}")
    return choices[value]


def listed(tokens: Any, name: str) -> list[Any]:
    if not isinstance(tokens, (list, tuple, type(None))):
        raise WrongType(f"{name} is a list of tokens, got {short(tokens)}")
    return list(tokens or ())


def as_added(token: Any, name: str, special: bool = True) -> Any:
    """A token as the package has it: given so, as a string, or as files write it."""
    kind = package().AddedToken
    given = token
    if isinstance(token, Mapping) and "content" in token:
        fields = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
        token = kind(**{field: token[field] for field in fields if field in token})
    elif isinstance(token, str):
        token = kind(token, normalized=not special)
    if not isinstance(token, kind) or not token.content:
        raise WrongType(f"{name} is a token, a string such as {END!r}, got {short(given)}")
    token.special = token.special or special
    return token


def checked_texts(text: Any, name: str) -> list[str]:
    """A text, or a list of them, as a list."""
    texts = list(text) if isinstance(text, (list, tuple)) else [text]
    if not texts:
        raise WrongValue(f"{name} is an empty list: give one text at least")
    for each in texts:
        if not isinstance(each, str):
            hint = {bytes: ": text.decode() makes a str of bytes", int: ": tokenizer.decode takes ids"}.get(type(each), "")
            raise WrongType(f"{name} is a str or a list of str, got {short(text)}, where {short(each)} is of type "
                            f"{type(each).__name__}{hint}")
        if not each.isascii():
            try:
                each.encode()
            except UnicodeEncodeError as error:
                raise WrongValue(f"{name} has half a surrogate pair at {error.start}, which is no character: was it read with "
                                 "errors='surrogateescape', or is it a part of a longer text in UTF-16?") from error
    return texts


def texts_of(texts: Any) -> Iterator[str]:
    """The texts to train on, which come one by one or in lists."""
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise WrongType(f"train_new_from_iterator takes a list or an iterator of texts, got {short(texts)}, "
                        f"a {type(texts).__name__}")
    return (text for each in texts for text in checked_texts(each, "each of the texts to train on"))


def as_ids(ids: Any) -> Any:
    """Ids as a number, or a list: of a tensor, an array, what a call returned, or lists of such."""
    if isinstance(ids, Mapping) and "input_ids" in ids:
        ids = ids["input_ids"]
    if hasattr(ids, "tolist"):
        return ids.tolist()
    return [as_ids(each) for each in ids] if isinstance(ids, (list, tuple, range)) else ids


# ---- what is in files -------------------------------------------------------------------------------------------
def model_of(vocab: Any, merges: Any) -> Any:
    """The package's model of a vocabulary and its merges, or of the files with them."""
    if isinstance(vocab, (str, os.PathLike)):
        if merges is None:
            raise WrongValue(f"GPT2Tokenizer: {str(vocab)!r} is half of a vocabulary: give the path of its merges.txt as well")
        vocab = read_json(Path(vocab))
    vocab, pairs = dict(vocab or {}), pairs_of(merges)
    if not all(type(id) is int and id >= 0 for id in vocab.values()) or len(set(vocab.values())) < len(vocab):
        raise WrongValue("GPT2Tokenizer: vocab gives each token a number of its own, 0 or more, and this one does not")
    if vocab and (missing := set(package().pre_tokenizers.ByteLevel.alphabet()) - set(vocab)):
        warnings.warn(f"the vocabulary lacks {len(missing)} of the 256 letters for bytes, {min(missing)!r} one of them:"
                      " encoding leaves such bytes out", stacklevel=3)
    for a, b in pairs:
        if a not in vocab or b not in vocab or a + b not in vocab:
            raise WrongValue(f"GPT2Tokenizer: {a!r} and {b!r} are merged into {a + b!r}, and one of these is not in the "
                             "vocabulary: vocab and merges are not of one tokenizer")
    return package().models.BPE(vocab=vocab, merges=pairs, continuing_subword_prefix="", end_of_word_suffix="")


def pairs_of(merges: Any) -> list[tuple[str, str]]:
    """Merges as pairs: given as such, as 'a b', or as the path of a file with such lines."""
    if isinstance(merges, (str, os.PathLike)):
        lines = Path(merges).read_text(encoding="utf-8").split("\n")
        merges = [line for line in lines if line and not line.startswith("#version")]
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges or ()]
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise WrongValue(f"GPT2Tokenizer: a merge is of two tokens, got {wrong[0]!r}")
    return [(a, b) for a, b in pairs]


def read_whole(whole: dict[str, Any], config: dict[str, Any], path: str) -> tuple[Any, Any]:
    """Vocabulary and merges of a tokenizer.json.  What it says besides of the settings goes into config."""
    model, cut, around = [whole.get(part) or {} for part in ("model", "pre_tokenizer", "post_processor")]
    options = ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges")
    found = [model.get("type"), cut.get("type"), *filter(model.get, options), *["normalizer"] * bool(whole.get("normalizer"))]
    if found != ["BPE", "ByteLevel"]:
        raise BadFile(f"{path!r} is not of GPT-2's kind, which is BPE after ByteLevel and nothing else: it has {found}")
    pieces = [piece.get("SpecialToken", {}).get("id") for piece in around.get("single", [])]
    bos = as_added(config.get("bos_token") or END, "bos_token").content
    if around.get("type", "ByteLevel") not in ("ByteLevel", "TemplateProcessing") or pieces not in ([], [None], [bos, None]):
        raise BadFile(f"{path!r} puts other tokens about a text than bos_token, {bos!r}, before it: this alone is done here")
    config["add_bos_token"] = len(pieces) == 2
    config.setdefault("add_prefix_space", cut.get("add_prefix_space", False))
    for part, side in (("padding", "padding_side"), ("truncation", "truncation_side")):
        if whole.get(part):
            config.setdefault(side, whole[part]["direction"].lower())
    return model["vocab"], model["merges"]
