"""The samples with which PyTorch tests its modules and optimizers, tried here: results, gradients of both orders, and mistakes."""
import warnings

import numpy as np
import pytest

import tinygrad_like as tl

from .test_layers import close, flat

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")                               # which PyTorch's own tests need
common_modules = pytest.importorskip("torch.testing._internal.common_modules")
common_optimizers = pytest.importorskip("torch.testing._internal.common_optimizers")

MODULES = [info for info in common_modules.module_db if hasattr(tl.nn, info.module_cls.__name__)]
OPTIMIZERS = [info for info in common_optimizers.optim_db if hasattr(tl.optim, info.optim_cls.__name__)]
MOST = 3                                                        # samples of a module in one mode, evenly chosen
NO_SECOND = ("Transformer", "CTCLoss", "MultiLabelMarginLoss", "MultiMarginLoss")       # not implemented in PyTorch
UNLIKE = {                                                      # mistakes there, and none here
    ("NLLLoss", r"expected scalar type \w+ but found \w+"),     # weights of another type are converted
}
MADE = {}                                                       # id of a layer of PyTorch's: (it, the arguments it was made with)


def named(info):
    return info.name.removeprefix("nn.")


@pytest.fixture(autouse=True)
def float64(monkeypatch):
    def recording(cls):
        def init(self, *args, make=cls.__init__, **kwargs):
            make(self, *args, **kwargs)
            MADE[id(self)] = self, args, kwargs
        monkeypatch.setattr(cls, "__init__", init)
    defaults = torch.get_default_dtype(), tl.get_default_dtype()
    torch.set_default_dtype(torch.float64), tl.set_default_dtype(tl.float64)
    recording(torch.nn.TransformerEncoderLayer)                 # an argument of TransformerEncoder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_default_dtype(defaults[0]), tl.set_default_dtype(defaults[1])
    MADE.clear()


def ours(x, memo):
    """What was made for PyTorch, made here; what was one object stays one."""
    if isinstance(x, torch.Tensor):
        if id(x) not in memo:
            made = tl.tensor(x.detach().numpy().copy(), requires_grad=x.requires_grad)
            memo[id(x)] = x, tl.nn.Parameter(made.detach()) if isinstance(x, torch.nn.Parameter) else made
        return memo[id(x)][1]
    if isinstance(x, torch.nn.utils.rnn.PackedSequence):
        return tl.nn.utils.rnn.PackedSequence(*[ours(each, memo) for each in x])
    if isinstance(x, (tuple, list)):
        return type(x)([ours(each, memo) for each in x])
    if isinstance(x, dict):
        return {key: ours(each, memo) for key, each in x.items()}
    if isinstance(x, torch.nn.Module):
        _, args, kwargs = MADE.get(id(x), (x, (), {}))
        return getattr(tl.nn, type(x).__name__)(*ours(args, memo), **ours(kwargs, memo))
    if isinstance(x, torch.dtype):
        return getattr(tl, str(x).removeprefix("torch."))
    if callable(x) and (getattr(x, "__module__", "") or "").startswith("torch"):
        return getattr(tl.nn.functional, x.__name__)
    return str(x) if isinstance(x, torch.device) else x


def samples(function, info, training):
    torch.manual_seed(0)
    found = list(function(info, device="cpu", dtype=torch.float64, requires_grad=True, training=training))
    return found[::-(-len(found) // MOST)] if function is info.module_inputs_func else found


def is_random(module):
    return any(kind in type(each).__name__ for each in module.modules() for kind in ("Dropout", "RReLU")) or any(
        isinstance(getattr(each, "dropout", 0), float) and each.dropout > 0 for each in module.modules())


def results(lib, module, args, kwargs, second):
    """Results, gradients by all that wants some, and gradients of those."""
    inputs = [x for x in flat([args, kwargs]) if isinstance(x, lib.Tensor) and x.requires_grad]
    sources = list({id(x): x for x in [*inputs, *module.parameters()]}.values())
    if isinstance(module, lib.nn.CTCLoss):                      # PyTorch's gradient is right behind a log_softmax only
        args = args[0].log_softmax(-1), *args[1:]
    outs = [x for x in flat(module(*args, **kwargs)) if isinstance(x, lib.Tensor)]
    random = np.random.default_rng(0)
    found = [[x.detach().numpy() for x in outs], [], []]
    tracked = [x for x in outs if x.requires_grad]
    if not tracked or not sources:
        return found
    vs = [lib.tensor(random.standard_normal(tuple(x.shape))) for x in tracked]
    gs = lib.autograd.grad(tracked, sources, vs, create_graph=second, materialize_grads=True, retain_graph=True)
    found[1] = [g.detach().numpy(force=True) for g in gs]
    pairs = [(g, lib.tensor(np.cos(g.detach().numpy(force=True)))) for g in gs if g.requires_grad]
    if second:
        hs = lib.autograd.grad([g for g, _ in pairs], sources, [w for _, w in pairs], materialize_grads=True) if pairs else \
            [lib.zeros_like(x) for x in sources]
        found[2] = [h.detach().numpy(force=True) for h in hs]
    return found


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("info", MODULES, ids=named)
def test_modules(info, training):
    name = info.module_cls.__name__
    for sample in samples(info.module_inputs_func, info, training):
        memo, made, given = {}, sample.constructor_input, sample.forward_input
        if "proj_size" in made.kwargs:
            continue                                            # not offered: it raises, and says what to do
        theirs = info.module_cls(*made.args, **made.kwargs).train(training)
        mine = getattr(tl.nn, name)(*ours(made.args, memo), **ours(made.kwargs, memo)).train(training)
        assert repr(mine) == repr(theirs)
        mine.load_state_dict({key: tl.tensor(x.numpy()) for key, x in theirs.state_dict().items()})
        args, kwargs = ours(given.args, memo), ours(given.kwargs, memo)
        if training and is_random(theirs):
            continue
        second = info.supports_gradgrad and not name.startswith(NO_SECOND)
        a = results(tl, mine, args, kwargs, second)
        b = results(torch, theirs, given.args, given.kwargs, second)
        for x, y, what in zip(a, b, ("result", "gradient", "second derivative")):
            close(x, y, f"{what} of {theirs} {sample.desc}")
        close([x.numpy() for x in mine.buffers()], [x.numpy() for x in theirs.buffers()], "buffer")


@pytest.mark.parametrize("info", [info for info in MODULES if info.module_error_inputs_func], ids=named)
def test_mistakes_with_modules(info):
    name = info.module_cls.__name__
    for sample in samples(info.module_error_inputs_func, info, True):
        made, given = sample.module_error_input.constructor_input, sample.module_error_input.forward_input
        if (name, sample.error_regex) in UNLIKE:
            continue
        with pytest.raises(sample.error_type):
            module = getattr(tl.nn, name)(*ours(made.args, {}), **ours(made.kwargs, {}))
            if sample.error_on is common_modules.ModuleErrorEnum.FORWARD_ERROR:
                module(*ours(given.args, {}), **ours(given.kwargs, {}))


def trained(lib, name, options, schedule=()):
    """The parameters and the learning rate after each step, and what is kept at the end."""
    random = np.random.default_rng(0)
    x, w, b = [lib.tensor(random.standard_normal(shape)) for shape in ((3, 5), (4, 3), (4, 1))]
    w, b = lib.nn.Parameter(w), lib.nn.Parameter(b)
    groups = [w, b] if name == "LBFGS" else [{"params": [w]}, {"params": [b], "lr": 0.02}]
    optimizer = getattr(lib.optim, name)(groups, **options)
    schedulers = [make(optimizer) for make in schedule]

    def loss():
        optimizer.zero_grad()
        out = ((w @ x + b) ** 2).sum() + w.cos().sum()
        out.backward()
        return out
    found = []
    for _ in range(4 if name == "LBFGS" else 20):
        now = optimizer.step(loss)
        for each in schedulers:
            each.step(*[now.item()] * ("Plateau" in type(each).__name__))
        found += [w.detach().numpy().copy(), b.detach().numpy().copy(), np.array(optimizer.param_groups[0]["lr"])]
    kept = optimizer.state_dict()["state"]
    return found + [x.numpy() for i in kept for _, x in sorted(kept[i].items()) if isinstance(x, lib.Tensor) and name != "LBFGS"]


def with_ours(make):
    """A function that makes a scheduler, looking for its class among ours."""
    names = {name: getattr(tl.optim.lr_scheduler, name, value) for name, value in make.__globals__.items()}
    return type(make)(make.__code__, names, make.__name__, make.__defaults__, make.__closure__)


@pytest.mark.parametrize("info", OPTIMIZERS, ids=named)
def test_optimizers(info):
    name = info.optim_cls.__name__
    for sample in info.optim_inputs_func(device="cpu"):
        if not isinstance(sample.kwargs.get("lr"), torch.Tensor):           # not offered: it raises, and says what to do
            close(trained(tl, name, sample.kwargs), trained(torch, name, sample.kwargs), f"{name}, {sample.desc}")
    for makes in info.scheduler_inputs:
        mine = trained(tl, name, {"lr": 0.01}, [with_ours(make) for make in makes])
        close(mine, trained(torch, name, {"lr": 0.01}, makes), f"{name} with schedulers")


@pytest.mark.parametrize("info", OPTIMIZERS, ids=named)
def test_mistakes_with_optimizers(info):
    for sample in info.optim_error_inputs_func(device="cpu", dtype=torch.float64):
        memo, made = {}, sample.optimizer_error_input
        params = [torch.nn.Parameter(torch.ones(2, 3))] if made.params is None else made.params
        with warnings.catch_warnings(), pytest.raises(sample.error_type):
            warnings.simplefilter("error", UserWarning)
            optimizer = getattr(tl.optim, info.optim_cls.__name__)(ours(params, memo), **ours(made.kwargs, memo))
            if sample.error_on is common_optimizers.OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()
