"""The workloads on engines that are not spelled as PyTorch is: {engine: {workload: make}}, where make() returns a step.

tinygrad compiles its step (TinyJit), as its examples do.
"""
import numpy as np

rng = np.random.default_rng(0)
IMAGES = {"mlp": (64, 784), "cnn": (64, 1, 28, 28)}


def batch(workload):
    return rng.standard_normal(IMAGES[workload]).astype("float32"), rng.integers(0, 10, 64)


def uniform(*shape):
    """Weights as nn.Linear and nn.Conv2d draw them."""
    fan_in = np.prod(shape[1:])
    return rng.uniform(-1, 1, shape).astype("float32") / np.float32(np.sqrt(fan_in))


# ---- tinygrad ---------------------------------------------------------------------------------------------------
def tinygrad_training(model, workload):
    from tinygrad import Context, Tensor, TinyJit, nn
    x, y = (Tensor(each) for each in batch(workload))
    optimizer = nn.optim.Adam(nn.state.get_parameters(model))

    @TinyJit
    def compiled():
        optimizer.zero_grad()
        loss = model(x).sparse_categorical_crossentropy(y).backward()
        return loss.realize(*optimizer.schedule_step())

    def step():
        with Context(TRAINING=1):
            return compiled().item()                            # it computes when it is asked for the number
    return step


def tinygrad_mlp():
    from tinygrad import nn

    class MLP:
        def __init__(self):
            self.l1, self.l2, self.l3 = nn.Linear(784, 256), nn.Linear(256, 128), nn.Linear(128, 10)

        def __call__(self, x):
            return self.l3(self.l2(self.l1(x).relu()).relu())
    return tinygrad_training(MLP(), "mlp")


def tinygrad_cnn():
    from tinygrad import nn

    class CNN:
        def __init__(self):
            self.c1, self.c2, self.l1, self.l2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Linear(1600, 128), nn.Linear(128, 10)

        def __call__(self, x):
            x = self.c2(self.c1(x).relu().max_pool2d()).relu().max_pool2d()
            return self.l2(self.l1(x.flatten(1)).relu())
    return tinygrad_training(CNN(), "cnn")


# ---- MyGrad and HIPS autograd, whose tensors are NumPy's --------------------------------------------------------
def adam(params, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8):
    """update(gradients), in place."""
    m, v, t = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params], [0]

    def update(grads):
        t[0] += 1
        for p, g, mi, vi in zip(params, grads, m, v):
            mi += (1 - b1) * (g - mi)
            vi += (1 - b2) * (g * g - vi)
            p -= lr / (1 - b1**t[0]) * mi / (np.sqrt(vi / (1 - b2**t[0])) + eps)
    return update


def mygrad_training(params, network, workload):
    import mygrad as mg
    from mygrad.nnet import softmax_crossentropy
    x, y = batch(workload)
    tensors = [mg.tensor(p) for p in params]
    update = adam([t.data for t in tensors])

    def step():
        loss = softmax_crossentropy(network(x, *tensors), y)
        loss.backward()
        with mg.no_autodiff:
            update([t.grad for t in tensors])
        for t in tensors:
            t.null_grad()
        return loss
    return step


def layers(*sizes):
    return [each for n, m in zip(sizes, sizes[1:]) for each in (uniform(m, n).T.copy(), np.zeros(m, "float32"))]


def mygrad_mlp():
    from mygrad.nnet import relu

    def network(x, w1, b1, w2, b2, w3, b3):
        return relu(relu(x @ w1 + b1) @ w2 + b2) @ w3 + b3
    return mygrad_training(layers(784, 256, 128, 10), network, "mlp")


def mygrad_cnn():
    from mygrad.nnet import conv_nd, max_pool, relu
    params = [uniform(32, 1, 3, 3), np.zeros((32, 1, 1), "float32"), uniform(64, 32, 3, 3), np.zeros((64, 1, 1), "float32"),
              *layers(1600, 128, 10)]

    def network(x, k1, c1, k2, c2, w1, b1, w2, b2):
        x = max_pool(relu(conv_nd(x, k1, stride=1) + c1), (2, 2), 2)
        x = relu(conv_nd(x, k2, stride=1) + c2)[:, :, :10, :10]             # its windows have to fit: PyTorch leaves the rest out
        return relu(max_pool(x, (2, 2), 2).reshape(64, 1600) @ w1 + b1) @ w2 + b2
    return mygrad_training(params, network, "cnn")


def chain(y, factor):
    """The workload `tiny`."""
    for _ in range(1000):
        y = y * factor
        y = y + factor
    return y.sum()


def mygrad_tiny():
    import mygrad as mg
    y, factor = mg.tensor(np.ones(4, "float32")), mg.tensor(np.full(4, 0.999, "float32"))
    return lambda: chain(y, factor).backward()


def autograd_tiny():
    from autograd import grad
    gradient, y, factor = grad(chain, (0, 1)), np.ones(4, "float32"), np.full(4, 0.999, "float32")
    return lambda: gradient(y, factor)


def autograd_mlp():
    import autograd.numpy as anp
    from autograd import value_and_grad
    x, y = batch("mlp")
    params = layers(784, 256, 128, 10)
    update, rows = adam(params), np.arange(64)

    def loss(params):
        w1, b1, w2, b2, w3, b3 = params
        logits = anp.dot(anp.maximum(anp.dot(anp.maximum(anp.dot(x, w1) + b1, 0), w2) + b2, 0), w3) + b3
        logits = logits - anp.max(logits, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(logits), axis=1)) - logits[rows, y])
    differentiate = value_and_grad(loss)

    def step():
        value, grads = differentiate(params)
        update(grads)
        return value
    return step


WORKLOADS = {
    "tinygrad": {"mlp": tinygrad_mlp, "cnn": tinygrad_cnn},
    "MyGrad": {"mlp": mygrad_mlp, "cnn": mygrad_cnn, "tiny": mygrad_tiny},
    "autograd": {"mlp": autograd_mlp, "tiny": autograd_tiny},
}
