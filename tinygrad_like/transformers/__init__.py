"""Published language models, in the dialect of Hugging Face's transformers: names, arguments, files and results are those.

    from tinygrad_like.transformers import GPT2LMHeadModel, GPT2Tokenizer

    model, tokenizer = GPT2LMHeadModel.from_pretrained(folder), GPT2Tokenizer.from_pretrained(folder)
    ids = model.generate(tokenizer.encode("It is a truth", return_tensors="pt"), max_length=50, do_sample=True)
    print(tokenizer.decode(ids[0]))

A folder has config.json, model.safetensors (or pytorch_model.bin), and the files of a tokenizer.  The tokenizer needs the package
tokenizers: `pip install 'tinygrad_like[text]'`.  Nothing is fetched here; folders that transformers has fetched before are found by
the names of their models.
"""
from .gpt2 import GPT2Config as GPT2Config, GPT2LMHeadModel as GPT2LMHeadModel, GPT2Model as GPT2Model
from .pretrained import set_seed as set_seed
from .tokenizer import GPT2Tokenizer as GPT2Tokenizer
