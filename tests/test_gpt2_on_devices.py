"""GPT-2 on the device of --backend, or else on the strict double, next to NumPy: losses, gradients, and what is written."""
import copy

import numpy as np

from .test_gpt2 import model, texts


def test_the_same_on_the_device(device):
    here, (ids, mask) = model().to("cpu"), texts()
    there = copy.deepcopy(here).to(device)
    found = []
    for made, place in ((here, "cpu"), (there, device)):
        at, seen = ids.to(place), mask.to(place)
        out = made(at, attention_mask=seen, labels=at)
        out.loss.backward()
        written = [made.generate(at, attention_mask=seen, max_new_tokens=6, pad_token_id=0, **way)
                   for way in (dict(), dict(num_beams=3), dict(repetition_penalty=1.4))]
        drawn = made.generate(at, attention_mask=seen, max_new_tokens=6, do_sample=True, top_k=5, top_p=0.9)
        assert drawn.shape == (3, 11) and str(drawn.device).startswith(place)
        assert made.transformer.wte.weight.grad.device == made.device
        found.append([x.detach().cpu().numpy() for x in (out.logits[:, 2:], made.transformer.wte.weight.grad, *written)])
    for a, b in zip(*found):
        np.testing.assert_allclose(a, b, atol=2e-4)
