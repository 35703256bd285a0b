"""Published language models, in the dialect of Hugging Face's transformers: names, arguments, files and results are those.

    from tinygrad_like.transformers import GPT2LMHeadModel, GPT2Tokenizer

    model, tokenizer = GPT2LMHeadModel.from_pretrained(folder), GPT2Tokenizer.from_pretrained(folder)
    ids = model.generate(tokenizer.encode("It is a truth", return_tensors="pt"), max_length=50, do_sample=True)
    print(tokenizer.decode(ids[0]))

A folder has config.json, model.safetensors (or pytorch_model.bin), and the files of a tokenizer.  The tokenizer needs the package
tokenizers: `pip install 'tinygrad_like[text]'`.  Nothing is fetched here; folders that transformers has fetched before are found by
the names of their models.
"""
from __future__ import annotations

from typing import NoReturn

from .gpt2 import GPT2Config as GPT2Config, GPT2LMHeadModel as GPT2LMHeadModel, GPT2Model as GPT2Model
from .pretrained import set_seed as set_seed
from .tokenizer import GPT2Tokenizer as GPT2Tokenizer

INSTEAD = {
    **dict.fromkeys(("AutoTokenizer", "GPT2TokenizerFast"), "GPT2Tokenizer is here, which is the fast one"),
    **dict.fromkeys(("AutoModelForCausalLM", "AutoModel", "AutoConfig"), "GPT2LMHeadModel, GPT2Model and GPT2Config are here"),
    "pipeline": "tokenizer.batch_decode(model.generate(ids)) writes texts",
    "GenerationConfig": "its settings are arguments of model.generate",
    "TextStreamer": "model.generate returns the texts when they are complete",
    **dict.fromkeys(("Trainer", "TrainingArguments"), "write the loop: model(ids, labels=ids).loss, backward, optimizer.step()"),
    "get_linear_schedule_with_warmup": "tinygrad_like.optim.lr_scheduler.LambdaLR takes any function of the step",
    "AdamW": "tinygrad_like.optim.AdamW is that",
}


def __getattr__(name: str) -> NoReturn:
    """What transformers has and this has not raises an error that says so."""
    from ..names import refuse
    refuse(__name__, name, INSTEAD)
