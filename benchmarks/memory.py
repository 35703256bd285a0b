"""What each kind of layer keeps alive for the backward pass, next to PyTorch's saved tensors: kB after a forward pass.

    python benchmarks/memory.py

Parameters and the input are there anyway and do not count; memory that several ops keep counts once.
"""
import environment  # before NumPy

import tinygrad_like as tl

try:
    import torch
except ImportError:
    torch = None

LAYERS = [                                                      # constructor, shape of the input
    ("nn.Linear(128, 512)", (768, 128)), ("nn.Conv2d(16, 32, 3, padding=1)", (32, 16, 32, 32)),
    ("nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))", (32, 16, 32, 32)),
    ("nn.BatchNorm2d(16)", (32, 16, 32, 32)), ("nn.LayerNorm(128)", (768, 128)), ("nn.ReLU()", (768, 512)),
    ("nn.GELU()", (768, 512)), ("nn.GELU('tanh')", (768, 512)), ("nn.SiLU()", (768, 512)), ("nn.Sigmoid()", (768, 512)),
    ("nn.Softmax(-1)", (768, 512)), ("nn.Dropout(0.1)", (768, 512)), ("nn.MaxPool2d(2)", (32, 16, 32, 32)),
    ("nn.AvgPool2d(2)", (32, 16, 32, 32)), ("nn.LSTM(100, 128)", (50, 32, 100)), ("nn.GRU(100, 128)", (50, 32, 100)),
    ("nn.RNN(100, 128)", (50, 32, 100)), ("nn.TransformerEncoderLayer(128, 4, 512, 0.0, batch_first=True)", (12, 64, 128)),
]


def ours(layer, shape):
    """Bytes that the nodes of the graph hold and no leaf has."""
    layer = eval(layer, {"nn": tl.nn})
    x = tl.randn(*shape, requires_grad=True)
    with tl.profile() as p:
        out = layer(x)
    del out
    return sum([cost.kept for cost in p.ops.values()])


def theirs(layer, shape):
    """Bytes of the storages that PyTorch saves, but for those of parameters and of the input."""
    layer = eval(layer, {"nn": torch.nn})
    x = torch.randn(*shape, requires_grad=True)
    known = {each.untyped_storage().data_ptr() for each in (x, *layer.parameters())}
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = layer(x)
    del out
    return sum(saved.values())


def main():
    environment.parser(__doc__).parse_args()
    environment.introduce("kB kept for the backward pass, beside parameters and the input\n", [torch])
    print(f"{'layer':<78}{'input':<20}{'ours':>10}" + f"{'PyTorch':>10}" * (torch is not None))
    for layer, shape in LAYERS:
        other = f"{theirs(layer, shape) / 1024:10.0f}" if torch is not None else ""
        print(f"{layer:<78}{shape!s:<20}{ours(layer, shape) / 1024:10.0f}{other}", flush=True)


if __name__ == "__main__":
    environment.run(main)
