"""The models of listing L4: a small GPT-2 that reads novels, and the same after some verses, each in a folder."""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from data import jane_austen, verses

import tinygrad_like as tl
from tinygrad_like import nn, optim
from tinygrad_like.transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

BLOCK, BATCH, VOCABULARY = 64, 16, 1000                         # tokens that it sees at once, texts a step, tokens there are


def write_folders(root, quick=False):
    """Make root/gpt2 and root/your_fine_tuned_model, unless they are there."""
    if os.path.exists(f"{root}/your_fine_tuned_model/config.json"):
        return
    novels, (known, _) = jane_austen(), split_verses()
    tokenizer = GPT2Tokenizer().train_new_from_iterator([novels, *known], VOCABULARY)
    size = dict(n_layer=2, n_embd=64, n_head=2) if quick else dict(n_layer=3, n_embd=128, n_head=4)
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=len(tokenizer), n_positions=BLOCK, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, **size))
    print(f"{model.num_parameters():,} parameters, {len(tokenizer):,} tokens", flush=True)

    train(model, tl.tensor(tokenizer.encode(novels)), "novels", 60 if quick else 800, 3e-3)             # pre-training
    for each in tokenizer, model:
        each.save_pretrained(f"{root}/gpt2")
    train(model, stream(tokenizer, known), "verses", 30 if quick else 200, 1e-3)                        # fine-tuning
    for each in tokenizer, model:
        each.save_pretrained(f"{root}/your_fine_tuned_model")


def split_verses():
    """English verses: nine of ten to learn, and the others."""
    texts = [english for english, _ in verses()]
    random.Random(0).shuffle(texts)
    cut = len(texts) * 9 // 10
    return texts[:cut], texts[cut:]


def stream(tokenizer, texts):
    """The tokens of all texts in one line; each text has its end behind it, and one stands before the first."""
    end = tokenizer.eos_token_id
    return tl.tensor([end] + [token for text in texts for token in [*tokenizer.encode(text), end]])


def train(model, tokens, name, steps, rate):
    model.train()
    optimizer = optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    start, total = time.perf_counter(), 0.0
    for step in range(1, steps + 1):
        ids = tokens[tl.randint(0, len(tokens) - BLOCK, (BATCH, 1)) + tl.arange(BLOCK)]
        optimizer.zero_grad()
        loss = model(ids, labels=ids).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        if step % 200 == 0 or step == steps:
            print(f"{name}: step {step:4d}   loss {total / ((step - 1) % 200 + 1):.3f}   {time.perf_counter() - start:5.1f} s",
                  flush=True)
            total = 0.0


@tl.no_grad()
def loss_on_new_verses(model, tokenizer):
    """Minus the mean logarithm of what the model gives the next token, over verses that were not learned."""
    tokens = stream(tokenizer, split_verses()[1])
    parts = tokens[:len(tokens) // BLOCK * BLOCK].view(-1, BLOCK)
    return sum(model(part, labels=part).loss.item() * len(part) for part in parts.split(50)) / len(parts)
