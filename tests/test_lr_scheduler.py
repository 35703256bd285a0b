"""Schedulers set PyTorch's rates, epoch by epoch: alone, together, and after a resume from a file."""
import copy
import math
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import optim
from tinygrad_like.optim import lr_scheduler

torch = pytest.importorskip("torch")


class Halve:
    """A function of the epoch that is an object, with a memory."""

    def __init__(self, base):
        self.base = base

    def __call__(self, t):
        return self.base ** t


LINES = [
    "LambdaLR(o, lambda t: 0.9 ** t)", "LambdaLR(o, [lambda t: 1 / (1 + t), lambda t: math.cos(t)])", "LambdaLR(o, Halve(0.5))",
    "MultiplicativeLR(o, lambda t: 1 - 0.01 * t)", "MultiplicativeLR(o, [lambda t: 0.9, Halve(0.99)])",
    "StepLR(o, 7)", "StepLR(o, step_size=3, gamma=0.7)", "MultiStepLR(o, [5, 20, 20, 33])",
    "MultiStepLR(o, milestones=[2, 4], gamma=0.5)",
    "ConstantLR(o)", "ConstantLR(o, factor=0.2, total_iters=10)", "LinearLR(o)", "LinearLR(o, 0.1, 0.5, 20)",
    "ExponentialLR(o, 0.95)", "PolynomialLR(o)", "PolynomialLR(o, total_iters=40, power=2.5)",
    "CosineAnnealingLR(o, 10)", "CosineAnnealingLR(o, T_max=25, eta_min=0.003)", "CosineAnnealingLR(o, 1)",
    "CosineAnnealingWarmRestarts(o, 10)", "CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2, eta_min=0.002)",
    "CyclicLR(o, 0.01, 0.1, 5, cycle_momentum=False)", "CyclicLR(o, [0.01, 0.02], [0.1, 0.3], step_size_up=4, step_size_down=9)",
    "CyclicLR(o, 0.01, 0.1, 5, mode='triangular2')", "CyclicLR(o, 0.01, 0.1, 5, mode='exp_range', gamma=0.97)",
    "CyclicLR(o, 0.01, 0.1, 5, scale_fn=lambda x: 1 / x, base_momentum=0.5, max_momentum=0.7)",
    "CyclicLR(o, 0.01, 0.1, 5, scale_fn=Halve(0.98), scale_mode='iterations')",
    "OneCycleLR(o, 0.5, total_steps=60)", "OneCycleLR(o, [0.5, 0.8], epochs=6, steps_per_epoch=10, pct_start=0.4)",
    "OneCycleLR(o, 0.5, 60, anneal_strategy='linear', div_factor=10, final_div_factor=50, base_momentum=0.7, max_momentum=0.9)",
    "OneCycleLR(o, 0.5, 60, three_phase=True)", "OneCycleLR(o, 0.5, 60, cycle_momentum=False)",
    "SequentialLR(o, [ConstantLR(o, 0.1, 100), ExponentialLR(o, 0.9)], [20])",
    "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 30), StepLR(o, 4)], milestones=[5, 35])",
    "SequentialLR(o, [LinearLR(o), CosineAnnealingWarmRestarts(o, 7)], milestones=[5])",
    "SequentialLR(o, [LambdaLR(o, Halve(0.9)), PolynomialLR(o, 20), OneCycleLR(o, 0.3, 40)], [10, 30])",
    "SequentialLR(o, [ChainedScheduler([LinearLR(o), ExponentialLR(o, 0.9)]), MultiStepLR(o, [3])], [6])",
    "ChainedScheduler([ConstantLR(o, 0.1, 20), ExponentialLR(o, 0.9)])",
    "ChainedScheduler([LinearLR(o), StepLR(o, 6, 0.5), CosineAnnealingLR(o, 50)], optimizer=o)",
]
EACH = [name for name in lr_scheduler.__all__ if name not in ("LRScheduler", "ReduceLROnPlateau")]
with_lines = pytest.mark.parametrize("line", LINES)


def optimizers(kind="SGD"):
    """The same optimizer here and in PyTorch, with two groups."""
    options = {"momentum": 0.9} if kind == "SGD" else {}
    for library in tl, torch:
        a, b = library.zeros(2, requires_grad=True), library.ones(3, requires_grad=True)
        yield getattr(library.optim, kind)([{"params": [a]}, {"params": [b], "lr": 0.05}], lr=0.1, **options)


def construct(line, optimizer):
    library = optim.lr_scheduler if isinstance(optimizer, optim.Optimizer) else torch.optim.lr_scheduler
    names = {name: getattr(library, name) for name in lr_scheduler.__all__}
    return eval(line, {**names, "o": optimizer, "math": math, "Halve": Halve})


def settings(optimizer):
    """All that schedulers change in the groups."""
    return [{key: value for key, value in group.items() if key != "params"} for group in optimizer.param_groups]


def same(x, y):
    """Whether two structures hold the same numbers, to 1e-12."""
    if isinstance(y, dict):
        assert set(x) == set(y)
        for key in y:
            same(x[key], y[key])
    elif isinstance(y, (list, tuple)):
        assert len(x) == len(y)
        for a, b in zip(x, y):
            same(a, b)
    elif isinstance(y, float):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-15)
    else:
        assert x == y


def lock_step(here, there, mine, other, epochs):
    for _ in range(epochs):
        for optimizer, scheduler in ((mine, here), (other, there)):
            optimizer.step()
            scheduler.step()
        same(settings(mine), settings(other))
        same(here.get_last_lr(), there.get_last_lr())


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@with_lines
def test_the_rates_are_pytorchs(line, kind):
    mine, other = optimizers(kind)
    here, there = construct(line, mine), construct(line, other)
    same(settings(mine), settings(other))
    lock_step(here, there, mine, other, 59)
    same(here.state_dict(), there.state_dict())


def test_every_scheduler_is_tried():
    assert not [name for name in EACH if not any(line.startswith(name) for line in LINES)]


@pytest.mark.parametrize("kind", "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam".split())
def test_over_each_optimizer(kind):
    made = []
    for library in tl, torch:
        w = library.tensor([1.0, 2.0], dtype=library.float64, requires_grad=True)
        optimizer = getattr(library.optim, kind)([w], lr=0.1)
        scheduler = library.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
        for _ in range(60):
            optimizer.zero_grad()
            (w * w * library.tensor([1.0, 3.0], dtype=library.float64)).sum().backward()
            optimizer.step()
            scheduler.step()
        made.append(w.detach().numpy())
    np.testing.assert_allclose(*made, rtol=1e-9, atol=1e-10)


# ---- resumed ----------------------------------------------------------------------------------------------------
def storable(state):
    """What a file gives back."""
    return pickle.loads(pickle.dumps(state))


@pytest.mark.parametrize("source, target", [(0, 0), (1, 0), (0, 1)], ids=["ours", "from PyTorch", "to PyTorch"])
@with_lines
def test_it_resumes(line, source, target):
    first, again = list(optimizers())[source], list(optimizers())[target]
    before, after = construct(line, first), construct(line, again)
    for _ in range(17):
        first.step(), before.step()
    known = storable(before.state_dict())
    copied = copy.deepcopy(known)
    after.load_state_dict(known)
    if target == 0:
        same(known, copied)                                     # what was loaded is not changed by it
    for group, old in zip(again.param_groups, first.param_groups):
        group.update({key: value for key, value in old.items() if key != "params"})
    for _ in range(30):
        first.step(), before.step()
        again.step(), after.step()
        same(settings(again), settings(first))
        same(after.get_last_lr(), before.get_last_lr())


@pytest.mark.parametrize("line", [
    "StepLR(o, 7, last_epoch=t)", "MultiStepLR(o, [12, 30], last_epoch=t)", "ExponentialLR(o, 0.9, last_epoch=t)",
    "LinearLR(o, last_epoch=t)", "CosineAnnealingLR(o, 30, last_epoch=t)", "PolynomialLR(o, 40, last_epoch=t)",
    "LambdaLR(o, lambda t: 0.9 ** t, last_epoch=t)",
    "OneCycleLR(o, 0.5, 60, last_epoch=t)", "ConstantLR(o, last_epoch=t)", "CosineAnnealingWarmRestarts(o, 7, last_epoch=t)",
    "MultiplicativeLR(o, lambda t: 0.9, last_epoch=t)", "CyclicLR(o, 0.01, 0.1, 5, last_epoch=t)",
])
def test_last_epoch(line):
    mine, other = optimizers()
    for optimizer in mine, other:
        scheduler = construct(line.replace("=t", "=-1"), optimizer)
        for _ in range(10):
            optimizer.step(), scheduler.step()
    here, there = construct(line.replace("=t", "=10"), mine), construct(line.replace("=t", "=10"), other)
    same(settings(mine), settings(other))
    lock_step(here, there, mine, other, 20)
    with pytest.raises(KeyError, match="initial_lr"):
        construct("StepLR(o, 7, last_epoch=3)", next(optimizers()))


# ---- by epochs that are named -----------------------------------------------------------------------------------
@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith(("Sequential", "Chained"))])
@pytest.mark.filterwarnings("ignore")
def test_jumps(line):
    mine, other = optimizers()
    here, there = construct(line, mine), construct(line, other)
    for epoch in 1, 5, 6, 33, 2, 0:
        here.step(epoch), there.step(epoch)
        same(settings(mine), settings(other))


def test_fractions_of_epochs():
    mine, other = optimizers()
    here, there = [construct("CosineAnnealingWarmRestarts(o, 3, 2)", o) for o in (mine, other)]
    for epoch in np.arange(0, 30, 0.25).tolist():
        here.step(epoch), there.step(epoch)
        same(settings(mine), settings(other))


# ---- on a plateau -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("options", [
    "", "mode='max'", "patience=2, factor=0.5", "patience=0, cooldown=3", "threshold=0.3, patience=1",
    "threshold_mode='abs', patience=1",
    "mode='max', threshold_mode='abs', threshold=0.1, patience=1", "patience=1, min_lr=0.03", "patience=1, min_lr=[0.001, 0.02]",
    "patience=0, eps=0.02",
])
def test_plateaus(options):
    mine, other = optimizers()
    line = f"ReduceLROnPlateau(o, {options})"
    here, there = construct(line, mine), construct(line, other)
    random = np.random.default_rng(0)
    for i in range(60):
        measure = math.exp(-i / 10) + 0.1 * random.random() if i < 40 else math.nan
        here.step(tl.tensor(measure, dtype=tl.float64)), there.step(measure)
        same(settings(mine), settings(other))
        assert here.in_cooldown == there.in_cooldown
        if i == 30:
            known = storable(there.state_dict())
            same(here.state_dict(), known)
            here = construct("ReduceLROnPlateau(o)", mine)
            here.load_state_dict(known)


def test_a_group_added_to_a_plateau():
    o, _ = optimizers()
    each, listed = construct("ReduceLROnPlateau(o, patience=0)", o), construct("ReduceLROnPlateau(o, patience=0, min_lr=[0, 0])", o)
    o.add_param_group({"params": [tl.zeros(1, requires_grad=True)]})
    each.step(1.0), each.step(2.0)
    same([group["lr"] for group in o.param_groups], [0.01, 0.005, 0.01])
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="3 parameter groups by now, and min_lr was given for 2"):
        listed.step(2.0)


# ---- warnings and errors ----------------------------------------------------------------------------------------
def test_the_order_of_steps():
    o, _ = optimizers()
    o.step()                                                    # before there was a scheduler: does not count
    scheduler = lr_scheduler.StepLR(o, 3)
    with pytest.warns(UserWarning, match=r"`lr_scheduler.step\(\)` before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()                                        # once is enough
        for o in optimizers():
            scheduler = construct("StepLR(o, 3)", o)
            o.step()
            scheduler.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()
    o, _ = optimizers()
    scheduler = lr_scheduler.StepLR(o, 3)
    o.step()
    with pytest.warns(UserWarning, match="jumps"):
        scheduler.step(4)


BAD = [
    "StepLR(3, 3)", "LambdaLR(o, [lambda t: t])", "MultiplicativeLR(o, [lambda t: t])", "MultiplicativeLR(o, 0.9)",
    "ConstantLR(o, 1.5)", "ConstantLR(o, -0.1)", "LinearLR(o, 0)", "LinearLR(o, 1.5)", "LinearLR(o, end_factor=2)",
    "CosineAnnealingWarmRestarts(o, 0)", "CosineAnnealingWarmRestarts(o, 1.5)", "CosineAnnealingWarmRestarts(o, 3, 0)",
    "CosineAnnealingWarmRestarts(o, 3, eta_min='x')", "OneCycleLR(o, 0.1)", "OneCycleLR(o, 0.1, 0)", "OneCycleLR(o, 0.1, epochs=3)",
    "OneCycleLR(o, 0.1, 10, pct_start=1.5)", "OneCycleLR(o, 0.1, 10, anneal_strategy='exp')", "OneCycleLR(o, [0.1], 10)",
    "OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=3)", "OneCycleLR(3, 0.1, 10)", "OneCycleLR(ada, 0.1, 10)",
    "CyclicLR(ada, 0.1, 0.2)",
    "CyclicLR(o, 0.1, 0.2, mode='square')", "CyclicLR(o, [0.1], 0.2)", "CyclicLR(3, 0.1, 0.2)", "SequentialLR(o, [], [])",
    "SequentialLR(o, [StepLR(o, 3), StepLR(o, 3)], [])", "SequentialLR(o, [StepLR(o, 3), StepLR(ada, 3)], [3])",
    "SequentialLR(o, [3], [])", "SequentialLR(o, [ReduceLROnPlateau(o), StepLR(o, 3)], [3])", "ChainedScheduler([])",
    "ChainedScheduler([ReduceLROnPlateau(o)])",
    "ChainedScheduler([StepLR(o, 3), StepLR(ada, 3)])", "ReduceLROnPlateau(3)", "ReduceLROnPlateau(o, factor=1.0)",
    "ReduceLROnPlateau(o, 'up')", "ReduceLROnPlateau(o, threshold_mode='x')", "ReduceLROnPlateau(o, min_lr=[0])",
    "over(OneCycleLR(o, 0.1, 3))",
]


@pytest.mark.parametrize("line", BAD)
@pytest.mark.filterwarnings("ignore")
def test_what_pytorch_refuses_is_refused(line):
    def over(scheduler):
        for _ in range(5):
            scheduler.step()
    raised = []
    for o in optimizers():
        library = tl if isinstance(o, optim.Optimizer) else torch
        names = {name: getattr(library.optim.lr_scheduler, name) for name in lr_scheduler.__all__}
        ada = library.optim.Adagrad([library.zeros(2, requires_grad=True)])
        with pytest.raises(Exception) as error:
            eval(line, {**names, "o": o, "ada": ada, "over": over})
        raised.append(error.value)
    assert isinstance(raised[0], type(raised[1])), raised


def test_the_signatures_are_pytorchs():
    import inspect
    for name in lr_scheduler.__all__:
        mine, other = [inspect.signature(getattr(library, name)).parameters.values()
                       for library in (lr_scheduler, torch.optim.lr_scheduler)]
        assert [(p.name, p.default, p.kind) for p in mine] == [(p.name, p.default, p.kind) for p in other], name


def test_a_scheduler_of_ones_own():
    class Sqrt(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / math.sqrt(1 + self.last_epoch) for base in self.base_lrs]
    o, _ = optimizers()
    scheduler = Sqrt(o)
    for _ in range(3):
        o.step(), scheduler.step()
    same([group["lr"] for group in o.param_groups], [0.05, 0.025])
    assert scheduler.get_last_lr() == [0.05, 0.025]
    with pytest.raises(NotImplementedError, match="LRScheduler has no get_lr"):
        lr_scheduler.LRScheduler(o)
