"""Every layer of the tables in `layers/` on the device of --backend, or else on the strict double, next to NumPy."""
import copy

import tinygrad_like as tl
from tinygrad_like import backend

from .test_layers import build, call, close, every_layer, fill


@every_layer
def test_the_same_on_the_device(layer, device):
    """Results and gradients on the device are NumPy's; and a step of training runs there, parameters and buffers staying."""
    here = build(layer, tl, "float32").to("cpu")
    if layer.random:
        here.eval()
    fill(here, tl)
    there = copy.deepcopy(here).to(device)
    found = []
    for module, place in ((here, "cpu"), (there, device)):
        xs = [tl.tensor(x, requires_grad=x.dtype.kind == "f", device=place) for x in layer.arrays("float32")]
        outs = call(layer, tl, module, xs)
        tracked = [out for out in outs if out.requires_grad]
        if tracked:
            tl.autograd.backward(tracked, [tl.ones_like(out) for out in tracked])
        for x in [*outs, *module.parameters(), *module.buffers()]:
            assert backend.device_of(x.array) == place
        gradients = [x.grad for x in [*xs, *module.parameters()] if x.grad is not None]
        found.append([x.detach().cpu().numpy() for x in [*outs, *gradients, *module.buffers()]])
    close(*found, "result or gradient", 2e-4)
    if layer.random:
        call(layer, tl, there.train(), xs)
