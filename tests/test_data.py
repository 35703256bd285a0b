"""Data sets, samplers and the DataLoader: against PyTorch line by line, and what only ours promises: workers, seeds, places."""
import collections
import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import tinygrad_like as torch
from tinygrad_like.data.dataset import Batch
from tinygrad_like.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    StratifiedSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    get_worker_info,
    random_split,
)

numpy_random = np.random                                        # that of the process, which old code draws from


class Numbers(Dataset):
    """Sample i is the number i."""

    def __init__(self, n=20):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return i


class Chance(Numbers):
    """Samples with a random number of each kind."""

    def __getitem__(self, i):
        return i, torch.rand(1).item(), random.random(), numpy_random.rand()


class Broken(Numbers):
    """Sample 13 cannot be fetched, and the data set knows the files."""

    def __init__(self, error, n=20):
        super().__init__(n)
        self.error, self.samples = error, [(f"pictures/{i}.png", 0) for i in range(n)]

    def __getitem__(self, i):
        if i == 13:
            raise self.error
        return i


class Dying(Numbers):
    def __getitem__(self, i):
        if i == 13:
            os.kill(os.getpid(), signal.SIGKILL)
        return i


class Stream(IterableDataset):
    """Each worker has every num_workers-th number."""

    def __init__(self, n=20):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(self.n) if info is None else range(info.id, self.n, info.num_workers))


def lists(loader):
    return [batch.tolist() if isinstance(batch, torch.Tensor) else [part.tolist() for part in batch] for batch in loader]


def ended(processes, seconds=8):
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(alive(pid) for pid in processes):
        time.sleep(0.05)
    return not any(alive(pid) for pid in processes)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ---- as in PyTorch ----------------------------------------------------------------------------------------------
SETUP = """
import collections
data = torch.utils.data
x, y = torch.arange(10.), torch.arange(20).reshape(10, 2)
both = data.TensorDataset(x, y)
class Numbers(data.Dataset):
    def __init__(self, n=10): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, i): return i
class Stream(data.IterableDataset):
    def __init__(self, n=10): self.n = n
    def __iter__(self): return iter(range(self.n))
class Sized(Stream):
    def __len__(self): return self.n
numbers = Numbers()
Pair = collections.namedtuple("Pair", "a b")
def all_of(**options): return list(data.DataLoader(options.pop("of", numbers), **options))
"""
LINES = [
    # data sets
    "both[3]", "both[-1]", "both[2:4]", "len(both)", "both[10]", "data.TensorDataset(x, y[:9])",
    "data.TensorDataset(x).tensors[0]", "len(data.Subset(numbers, [3, 1]))", "[data.Subset(numbers, [3, 1])[i] for i in (0, 1)]",
    "data.Subset(both, [3, 1])[[0, 1]]", "data.Subset(numbers, [3, 1])[2]",
    "[(numbers + Numbers(3))[i] for i in (0, 9, 10, 12, -1, -13)]", "(numbers + Numbers(3))[13]", "(numbers + Numbers(3))[-14]",
    "len(data.ConcatDataset([numbers, Numbers(3), Numbers(0)]))", "data.ConcatDataset([])", "data.ConcatDataset([Stream()])",
    "data.ConcatDataset([numbers, Numbers(3)]).cumulative_sizes", "list(Stream(2) + Stream(3))",
    "list(data.ChainDataset([numbers]))", "data.StackDataset(numbers, both)[2]",
    "list(data.StackDataset(a=numbers, b=both)[2].items())", "data.StackDataset(numbers, Numbers(3))", "data.StackDataset()",
    "len(data.StackDataset(numbers, both))",
    "all_of(of=data.StackDataset(both, numbers), batch_size=4)",
    "all_of(of=data.StackDataset(a=both, b=numbers), batch_size=4)[0]['b']", "data.Dataset()[0]",
    "[len(part) for part in data.random_split(numbers, [7, 3])]",
    "[len(part) for part in data.random_split(numbers, [0.75, 0.25])]",
    "[len(part) for part in data.random_split(Numbers(11), [0.3, 0.3, 0.4])]", "data.random_split(numbers, [7, 2])",
    "data.random_split(numbers, [0.5, 0.4])", "data.random_split(numbers, [1.5, -0.5])",
    "sorted(i for part in data.random_split(numbers, [7, 3]) for i in part)",
    # samplers
    "list(data.SequentialSampler(numbers))", "sorted(data.RandomSampler(numbers))",
    "len(data.RandomSampler(numbers, num_samples=25))", "len(list(data.RandomSampler(numbers, num_samples=25)))",
    "sorted(list(data.RandomSampler(numbers, num_samples=25))[:10])", "len(list(data.RandomSampler(numbers, True, 25)))",
    "data.RandomSampler(numbers, num_samples=0)", "data.RandomSampler(Numbers(0))", "data.RandomSampler(numbers, 1)",
    "sorted(data.SubsetRandomSampler([4, 7, 9]))", "len(data.SubsetRandomSampler([4, 7, 9]))",
    "list(data.WeightedRandomSampler([0, 0, 1.], 5))", "sorted(data.WeightedRandomSampler([1, 0.5, 0, 2.], 3, False))",
    "data.WeightedRandomSampler([1.], 0)", "data.WeightedRandomSampler([1.], True)", "data.WeightedRandomSampler([1.], 1, 1)",
    "data.WeightedRandomSampler([[1.]], 1)", "list(data.BatchSampler(range(7), 3, False))",
    "list(data.BatchSampler(range(7), 3, True))", "len(data.BatchSampler(range(7), 3, False))",
    "len(data.BatchSampler(range(7), 3, True))", "data.BatchSampler(range(7), 0, False)",
    "data.BatchSampler(range(7), 2.0, False)", "data.BatchSampler(range(7), 3, 1)", "iter(data.Sampler())",
    # collating
    "data.default_collate([torch.ones(2), torch.zeros(2)])", "data.default_collate([1, 2])", "data.default_collate([1., 2.])",
    "data.default_collate([True, False])", "data.default_collate(['a', 'b'])", "data.default_collate([(1, 'a'), (2, 'b')])",
    "list(data.default_collate([{'a': 1, 'b': [1., 2.]}, {'a': 2, 'b': [3., 4.]}]).items())",
    "data.default_collate([Pair(1, 2), Pair(3, 4)])", "data.default_collate([np.zeros(2, 'float32'), np.ones(2, 'float32')])",
    "data.default_collate([np.float32(1), np.float32(2)])", "data.default_collate([np.array(1), np.array(2)])",
    "data.default_collate([[1, 2], [3]])", "data.default_collate([None])", "data.default_collate([torch.ones(2), torch.ones(3)])",
    "data.default_collate([np.array(['a'])])", "data.default_collate([{'a': 1}, {'b': 1}])",
    "data.default_collate([torch.ones(2, requires_grad=True), torch.ones(2)])",
    "data.default_collate([torch.ones(2), torch.arange(2)])", "data.default_collate([np.ones(2, 'float32'), np.arange(2)])",
    "data.default_collate([np.ones(2, 'float32'), np.ones(2)])", "data.default_collate([torch.tensor(1), 2])",
    "all_of(of=both + data.TensorDataset(x, y.float()), batch_size=12)",
    "all_of(of=data.ConcatDataset([both, data.TensorDataset(x)]), batch_size=12)",
    "all_of(of=data.Subset(both, torch.tensor([3, 1])), batch_size=2)",
    "all_of(of=both, sampler=torch.tensor([3, 1]), batch_size=2)",
    "all_of(of=both, batch_sampler=np.array([[3, 1], [2, 0]]))", "all_of(of=y, batch_size=3)", "all_of(of='abc')",
    "list(data.default_collate([collections.OrderedDict(a=1), collections.OrderedDict(a=2)]).items())",
    "list(data.default_convert({'a': np.ones(2), 'b': (1, np.zeros(1)), 'c': 'x'}).items())",
    "data.default_convert(np.array(['a'])).tolist()", "data.default_convert(Pair(np.ones(1), 2))",
    # the loader
    "all_of()", "all_of(batch_size=4)", "all_of(batch_size=4, drop_last=True)", "all_of(of=both, batch_size=4)",
    "all_of(batch_size=None)", "all_of(of=both, batch_size=None)", "all_of(sampler=[3, 1, 2], batch_size=2)",
    "all_of(batch_sampler=[[3, 1], [2]])", "all_of(of=both, batch_sampler=[[3, 1], [2]])", "all_of(batch_size=4, collate_fn=list)",
    "all_of(of=both, batch_size=4, collate_fn=len)",
    "all_of(of=both, batch_size=4, collate_fn=lambda batch: torch.stack([x for x, _ in sorted(batch, key=lambda s: -s[0])]))",
    "all_of(of=data.Subset(both, [3, 1]), batch_size=2)", "all_of(of=Stream(), batch_size=4)",
    "all_of(of=Stream(), batch_size=4, drop_last=True)", "all_of(of=Stream(), batch_size=None)",
    "all_of(batch_size=2, sampler=[3, 1, 2], collate_fn=tuple)", "all_of(batch_size=None, sampler=[3, 1])",
    "sorted(torch.cat(all_of(shuffle=True, batch_size=3)).tolist())", "all_of(batch_size=4, num_workers=2)",
    "all_of(of=both, batch_size=4, num_workers=1, prefetch_factor=1)", "all_of(of=Stream(), batch_size=4, num_workers=2)",
    "all_of(of=Stream(5), batch_size=2, num_workers=2, drop_last=True)",
    *[f"len(data.DataLoader({args}))" for args in (
        "numbers", "numbers, 3", "numbers, 3, drop_last=True", "Sized(), 3", "Sized(), 3, drop_last=True", "Stream(), 3",
        "numbers, None", "numbers, batch_sampler=[[1], [2]]", "numbers, 4, sampler=[1, 2, 3, 4, 5]")],
    *[f"data.DataLoader({args})" for args in (
        "numbers, 0", "numbers, -1", "numbers, 2.5", "numbers, num_workers=-1", "numbers, timeout=-1",
        "numbers, prefetch_factor=2", "numbers, persistent_workers=True", "numbers, num_workers=1, prefetch_factor=-1",
        "Stream(), shuffle=True", "Stream(), sampler=[1]", "Stream(), batch_sampler=[[1]]", "numbers, sampler=[1], shuffle=True",
        "numbers, 2, batch_sampler=[[1]]", "numbers, batch_sampler=[[1]], shuffle=True",
        "numbers, batch_sampler=[[1]], drop_last=True", "numbers, None, drop_last=True", "Numbers(0), shuffle=True",
        "numbers, multiprocessing_context='fork'", "numbers, num_workers=1, multiprocessing_context='spoon'")],

    "[getattr(data.DataLoader(numbers, 3), name) for name in ('batch_size', 'drop_last', 'prefetch_factor', 'timeout')]",
    "data.DataLoader(numbers, num_workers=2).prefetch_factor", "setattr(data.DataLoader(numbers, 3), 'batch_size', 4)",
    "type(data.DataLoader(numbers, shuffle=True).sampler).__name__", "type(data.DataLoader(numbers).batch_sampler).__name__",
    "data.get_worker_info()",
]


@pytest.mark.parametrize("line", LINES)
def test_as_in_pytorch(line):
    from .same import same
    same(line, SETUP)


def test_what_is_not_offered_is_refused():
    for options in {"pin_memory": True}, {"pin_memory_device": "cuda"}, {"in_order": False}:
        with pytest.raises(NotImplementedError, match="leave it out"):
            DataLoader(Numbers(), **options)
    with pytest.raises(TypeError, match="Generator"):
        DataLoader(Numbers(), generator=3)


# ---- data sets and samplers -------------------------------------------------------------------------------------
def test_batches_of_tensors_are_fetched_whole_and_are_copies():
    x = torch.arange(12.).reshape(6, 2)
    batch = TensorDataset(x, torch.arange(6)).__getitems__([4, 1])
    assert isinstance(batch, Batch) and batch.whole[0].tolist() == [[8, 9], [2, 3]] and len(batch) == 2
    assert [int(b) for _, b in batch] == [4, 1]
    batch.whole[0].zero_()
    assert x[4].tolist() == [8, 9]
    with pytest.raises(IndexError, match="6 samples"):
        TensorDataset(x).__getitems__([6])
    w = torch.ones(3, requires_grad=True)
    batch, = next(iter(DataLoader(TensorDataset(w * 2), 2)))
    batch.sum().backward()
    assert w.grad.tolist() == [2, 2, 0]


def test_a_set_that_fetches_together():
    class Together(Numbers):
        calls = 0

        def __getitems__(self, indices):
            Together.calls += 1
            return [-i for i in indices]

    assert lists(DataLoader(Together(4), 2)) == [[0, -1], [-2, -3]] and Together.calls == 2
    assert lists(DataLoader(Subset(Together(4), [2, 3]), 2)) == [[-2, -3]]

    class Short(Numbers):
        def __getitems__(self, indices):
            return indices[1:]

    with pytest.raises(ValueError, match="1 samples for 2 indices"):
        next(iter(DataLoader(Short(), 2)))


@pytest.mark.parametrize("make", [lambda kind: kind(torch.arange(4)), lambda kind: Subset(kind(torch.arange(4)), range(4)),
                                  lambda kind: ConcatDataset([kind(torch.arange(2)), TensorDataset(torch.arange(2, 4))])])
def test_a_subclass_that_says_otherwise_what_a_sample_is_is_believed(make):
    class Negative(TensorDataset):
        def __getitem__(self, i):
            return (-super().__getitem__(i)[0],)

    want = [[0, -1, 2, 3]] if isinstance(make(Negative), ConcatDataset) else [[0, -1, -2, -3]]
    assert lists(DataLoader(make(Negative), 4)) == [want]

    class Doubled(Subset):                                      # (PyTorch refuses this one)
        def __getitem__(self, i):
            return tuple([2 * x for x in super().__getitem__(i)])
    assert lists(DataLoader(Doubled(TensorDataset(torch.arange(4)), [1, 3]), 2)) == [[[2, 6]]]


def test_a_set_made_of_others_fetches_together_as_far_as_they_do():
    x, y = torch.arange(12.).reshape(6, 2), torch.arange(6)
    both = ConcatDataset([TensorDataset(x[:2], y[:2]), TensorDataset(x[2:3], y[2:3]), TensorDataset(x[3:], y[3:])])
    batch = both.__getitems__([5, 0, 2, -5, 5])
    assert isinstance(batch, Batch) and len(batch) == 5
    assert batch.whole[0].tolist() == x[[5, 0, 2, 1, 5]].tolist() and batch.whole[1].tolist() == [5, 0, 2, 1, 5]
    w = torch.ones(2, requires_grad=True)
    batch, = next(iter(DataLoader(TensorDataset(w * 2) + TensorDataset(torch.ones(1)), 3)))
    batch.sum().backward()
    assert batch.tolist() == [2, 2, 1] and w.grad.tolist() == [2, 2]
    odd = ConcatDataset([TensorDataset(y), Numbers(3), TensorDataset(y.float())])       # some can, of several types
    assert odd.__getitems__([6, 1, 9]) == [0, (torch.tensor(1),), (torch.tensor(0.),)]
    stacked = torch.utils.data.StackDataset(TensorDataset(y), Numbers(6))
    assert [(a.item(), b) for (a,), b in stacked.__getitems__([4, 1])] == [(4, 4), (1, 1)]
    named = torch.utils.data.StackDataset(a=TensorDataset(y), b=Numbers(6)).__getitems__([4, 1])
    assert [(each["a"][0].item(), each["b"]) for each in named] == [(4, 4), (1, 1)]
    with pytest.raises(torch.errors.ShapeError, match=r"samples 0 .*, 6 \(index 0 of data set 1\).*\(2,\) and \(3,\)"):
        next(iter(DataLoader(ConcatDataset([TensorDataset(x), TensorDataset(torch.zeros(1, 3))]), sampler=[0, 6], batch_size=2)))


def test_sets_of_others_name_the_sample_that_a_worker_dies_of():
    with pytest.raises(RuntimeError, match=r"killed by SIGKILL while it fetched sample 3 \(index 13 of the data set\)"):
        list(DataLoader(Subset(Dying(), range(10, 20)), 5, num_workers=1))


def test_splits_and_orders_belong_to_the_seed():
    def drawn():
        g = torch.Generator().manual_seed(5)
        return ([part.indices for part in random_split(Numbers(), [0.5, 0.5], g)], list(RandomSampler(Numbers(), generator=g)),
                list(SubsetRandomSampler([5, 6, 7, 8], g)), list(WeightedRandomSampler([1., 2.], 9, generator=g)),
                lists(DataLoader(Numbers(), 4, shuffle=True, generator=g)))

    assert drawn() == drawn()
    torch.manual_seed(3)
    loader = DataLoader(Numbers(), 4, shuffle=True)
    first, second = lists(loader), lists(loader)
    torch.manual_seed(3)
    assert first == lists(loader) != second
    with pytest.warns(UserWarning, match="part 1 is empty"):
        random_split(Numbers(2), [0.95, 0.05])


def test_weights_are_met():
    torch.manual_seed(0)
    counts = collections.Counter(WeightedRandomSampler([1., 0., 3.], 4000))
    assert counts[1] == 0 and abs(counts[2] / 4000 - 0.75) < 0.03


def test_strata():
    labels = np.array([0] * 80 + [1] * 15 + [2] * 5)
    torch.manual_seed(0)
    sampler = StratifiedSampler(torch.tensor(labels))
    orders = [list(sampler) for _ in range(3)]
    assert all(sorted(order) == list(range(100)) for order in orders) and orders[0] != orders[1] and len(sampler) == 100
    for order in orders:
        for i in range(0, 100, 20):
            counts = np.bincount(labels[order[i:i + 20]], minlength=3)
            assert abs(counts - [16, 3, 1]).max() <= 1
    assert list(StratifiedSampler([])) == []
    with pytest.raises(ValueError, match="one label for each"):
        StratifiedSampler(np.zeros((2, 2)))


# ---- errors -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_names_the_sample_and_its_file_and_keeps_its_kind(workers):
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a, b)

    for error in OSError(28, "no space", "x.png"), KeyError("k"), ZeroDivisionError("z"), torch.errors.ShapeError("s"):
        with pytest.raises(type(error), match=r"sample 13 \(pictures/13.png\) of Broken: ") as caught:
            lists(DataLoader(Broken(error), 4, num_workers=workers))
        if isinstance(error, OSError):
            assert caught.value.errno == 28 and caught.value.filename == "x.png"
        assert ("in DataLoader worker 1" in str(caught.value)) == bool(workers)
        assert not workers or "raise self.error" in str(caught.value)       # the line where it happened
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        lists(DataLoader(Broken(StopIteration()), 4, num_workers=workers))
    with pytest.raises(Exception, match="sample 13"):
        lists(DataLoader(Broken(Odd(1, 2)), 4, num_workers=workers))
    with pytest.raises(ValueError, match=r"sample 3 \(index 13 of the data set, pictures/13.png\) of Subset"):
        lists(DataLoader(Subset(Broken(ValueError()), range(10, 20)), 4, num_workers=workers))
    with pytest.raises(ValueError, match=r"sample 23 \(index 13 of data set 1, pictures/13.png\)"):
        lists(DataLoader(ConcatDataset([Numbers(10), Broken(ValueError())]), 4, num_workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_after_an_error_the_next_batch_can_be_had(workers):
    batches = iter(DataLoader(Broken(ValueError()), 4, num_workers=workers))
    seen = []
    while True:
        try:
            seen.append(next(batches).tolist())
        except ValueError:
            seen.append("broken")
        except StopIteration:
            break
    assert seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], "broken", [16, 17, 18, 19]]


def test_samples_that_cannot_be_stacked_are_named():
    class Ragged(Numbers):
        def __getitem__(self, i):
            return torch.zeros(3, 4 + (i == 6))

    with pytest.raises(torch.errors.ShapeError, match=r"batch 1, samples 4, 6: .*samples 0 and 2 .*\(3, 4\) and \(3, 5\).*Resize"):
        lists(DataLoader(Ragged(), 4))
    with pytest.raises(TypeError, match="batch 0.*samples hold .*collate_fn"):
        next(iter(DataLoader([None, None], 2)))


# ---- workers ----------------------------------------------------------------------------------------------------
def test_random_numbers_of_workers():
    def epochs(workers, **options):
        torch.manual_seed(7)
        loader = DataLoader(Chance(24), 4, shuffle=True, num_workers=workers, **options)
        return [lists(loader) for _ in range(2)]

    two = epochs(2)
    assert two == epochs(2) == epochs(3) == epochs(2, persistent_workers=True) == epochs(1, prefetch_factor=5)
    for kind in 1, 2, 3:                                        # ours, Python's, NumPy's
        drawn = [number for epoch in two for batch in epoch for number in batch[kind]]
        assert len(set(drawn)) == len(drawn) == 48


def test_workers_leave_the_random_numbers_of_this_process_alone():
    def after(workers):
        torch.manual_seed(1), random.seed(1), numpy_random.seed(1)
        lists(DataLoader(Numbers(), 4, num_workers=workers))
        return torch.rand(1).item(), random.random(), numpy_random.rand()

    assert after(0) == after(2)


def test_streams_and_workers():
    loader = DataLoader(Stream(11), 3, num_workers=2)
    assert lists(loader) == lists(loader) == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9]]
    assert lists(DataLoader(Stream(2), 1, num_workers=3)) == [[0], [1]]         # one of them has nothing
    assert list(DataLoader(Stream(3), None, num_workers=2)) == [0, 1, 2]


class Info(Numbers):
    def __getitem__(self, i):
        info = get_worker_info()
        return info.id, info.num_workers, info.dataset is self, os.getpid()


def mark(worker):
    mark.by = worker


class Marked(Numbers):
    def __getitem__(self, i):
        return mark.by


def test_what_a_worker_knows():
    loader = DataLoader(Info(8), 2, num_workers=2, persistent_workers=True)
    first, second = lists(loader), lists(loader)
    assert first == second and [batch[0] for batch in first] == [[0, 0], [1, 1]] * 2        # the same processes
    assert all(batch[1] == [2, 2] and batch[2] == [True, True] for batch in first)
    assert get_worker_info() is None
    assert lists(DataLoader(Marked(4), 2, num_workers=2, worker_init_fn=mark)) == [[0, 0], [1, 1]]
    pids = {pid for batch in first for pid in batch[3]}
    del loader
    gc.collect()
    assert ended(pids)


def test_a_stream_that_gives_more_than_it_says_is_told():
    class Everything(IterableDataset):
        def __iter__(self):
            return iter(range(20))

        def __len__(self):
            return 20

    class Shared(Everything):
        def __iter__(self):
            info = get_worker_info()
            return iter(range(info.id, 20, info.num_workers))

    for size in 1, 4, None:
        with pytest.warns(UserWarning, match="Everything says that it has 20 samples.*each of the 3 workers.*get_worker_info"):
            list(DataLoader(Everything(), size, num_workers=3))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for dataset, workers in (Shared(), 3), (Everything(), 1), (Everything(), 0):
                assert list(DataLoader(dataset, size, num_workers=workers))


def test_batches_that_are_kept_do_not_use_up_the_files():
    code = """
import resource
import tinygrad_like as torch
from tinygrad_like.utils.data import DataLoader, TensorDataset
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = [x for x, in DataLoader(TensorDataset(torch.ones(200, 30000)), num_workers=1)]
assert len(kept) == 200 and all((x == 1).all() for x in kept)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert out.returncode == 0, out.stderr


def test_what_is_annotated_and_asked_of_a_loader():
    assert DataLoader[tuple[torch.Tensor, torch.Tensor]] and torch.utils.data.StackDataset[int]
    info = torch.data.worker.WorkerInfo(0, 1, 5, None)
    with pytest.raises(AttributeError):
        info.id = 3
    with pytest.raises(TypeError, match="multiprocessing_context takes the name"):
        DataLoader(Numbers(), num_workers=1, multiprocessing_context=object())


def test_an_error_in_worker_init_fn_is_told():
    def fail(worker):
        raise LookupError("no such thing")
    with pytest.raises(LookupError, match="no such thing"):
        lists(DataLoader(Numbers(), num_workers=1, worker_init_fn=fail))


def test_a_worker_that_dies_is_named_with_the_sample():
    loader = iter(DataLoader(Dying(), 4, num_workers=2))
    pids = [process.pid for process in loader.workers.processes]
    with pytest.raises(RuntimeError, match=r"worker 1 \(pid \d+\) was killed by SIGKILL while it fetched sample 13"):
        list(loader)
    assert ended(pids)
    with pytest.raises(RuntimeError, match="killed"):
        next(loader)

    class Leaves(Numbers):
        def __getitem__(self, i):
            os._exit(3)
    with pytest.raises(RuntimeError, match="exited with code 3"):
        lists(DataLoader(Leaves(), num_workers=1))


class Slow(Numbers):
    def __getitem__(self, i):
        if i >= 4:
            time.sleep(60)
        return i


def test_the_time_limit():
    loader = iter(DataLoader(Slow(), 2, num_workers=1, timeout=0.4))
    pids = [process.pid for process in loader.workers.processes]
    assert next(loader).tolist() == [0, 1]
    assert next(loader).tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="timed out after 0.4 seconds.* batch 2, samples 4, 5"):
        next(loader)
    assert ended(pids)


def test_a_loop_that_is_left_early_leaves_no_process():
    loader = DataLoader(Numbers(1000), 2, num_workers=2)
    batches = iter(loader)
    next(batches)
    pids = [process.pid for process in batches.workers.processes]
    assert all(alive(pid) for pid in pids)
    del batches
    assert ended(pids)
    children = {process.pid for process in multiprocessing.active_children()}
    assert not children & set(pids)


ORPHANS = """
import sys, time
import tinygrad_like.utils.data as data
class Slow(data.Dataset):
    def __len__(self): return 1000
    def __getitem__(self, i): time.sleep(0.01); return i
batches = iter(data.DataLoader(Slow(), 2, num_workers=3))
next(batches)
print(*[process.pid for process in batches.workers.processes], flush=True)
time.sleep(60)
"""


def test_workers_end_with_a_program_that_is_killed():
    program = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    with program:
        pids = [int(word) for word in program.stdout.readline().split()]
        assert len(pids) == 3 and all(alive(pid) for pid in pids)
        program.kill()
        program.wait()
    assert ended(pids)


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="memory is read from /proc")
def test_workers_do_not_copy_the_data():
    class Large(Numbers):
        def __init__(self):
            super().__init__(8)
            self.data = np.ones((8, 2**20))                     # 64 MiB

        def __getitem__(self, i):
            self.data[i].sum()
            with open("/proc/self/smaps_rollup") as file:
                return sum(int(line.split()[1]) for line in file if line.startswith("Private")) // 1024

    assert max(max(batch) for batch in lists(DataLoader(Large(), 4, num_workers=1))) < 40


def test_workers_work_at_the_same_time():
    class Waiting(Numbers):
        def __getitem__(self, i):
            time.sleep(0.005)                                   # as for a disk; so that it needs no processor
            return i

    def seconds(workers):
        loader = DataLoader(Waiting(160), 4, num_workers=workers)
        start = time.monotonic()
        assert len(list(loader)) == 40
        return time.monotonic() - start

    assert min(seconds(4), seconds(4)) < 0.6 * seconds(1)


def test_large_batches_come_in_shared_memory_that_can_be_written_to():
    class Rows(Numbers):
        def __getitem__(self, i):
            return torch.full((3, 5000), float(i)), np.full(7, i, "int16"), i, "name"

    loader = DataLoader(Rows(300), 1, num_workers=1)
    for batches in loader, list(loader):                       # as they come; all kept
        for i, (x, y, z, name) in enumerate(batches):
            assert x.shape == (1, 3, 5000) and (x == i).all() and (y == i).all() and y.dtype == torch.int16 and z.item() == i
            x += 1
            assert (x == i + 1).all() and name == ["name"]


def test_a_long_order_and_long_answers_do_not_block_each_other():
    class Text(Numbers):
        def __getitems__(self, indices):
            return ["x" * 20] * len(indices)
    loader = DataLoader(Text(200_000), 50_000, num_workers=1, prefetch_factor=4)
    assert sum(len(batch) for batch in loader) == 200_000


def test_a_new_epoch_of_persistent_workers_while_the_last_is_under_way():
    loader = DataLoader(Numbers(), 4, num_workers=2, persistent_workers=True)
    old = iter(loader)
    next(old)
    assert lists(loader) == lists(loader)
    with pytest.raises(RuntimeError, match="another epoch"):
        next(old)


def test_spawned_workers_get_a_copy(tmp_path):
    (tmp_path / "spawned.py").write_text(
        "import tinygrad_like.utils.data as data\n"
        "class Squares(data.Dataset):\n"
        "    def __len__(self): return 6\n"
        "    def __getitem__(self, i): return i * i\n"
        "if __name__ == '__main__':\n"
        "    print([x.tolist() for x in data.DataLoader(Squares(), 3, num_workers=1, multiprocessing_context='spawn')])\n"
        "    bad = data.DataLoader(Squares(), 3, num_workers=1, multiprocessing_context='spawn', collate_fn=lambda b: b)\n"
        "    try: next(iter(bad))\n"
        "    except Exception as error: print('by pickle' in str(error))\n")
    out = subprocess.run([sys.executable, tmp_path / "spawned.py"], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert out.stdout.splitlines() == ["[[0, 1, 4], [9, 16, 25]]", "True"], out.stderr


# ---- interruptions ----------------------------------------------------------------------------------------------
def through_a_file(state, path):
    torch.save(state, path)
    return torch.load(path)


@pytest.mark.parametrize("options", [{}, {"own": True}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True},
                                     {"sampler": "weighted"}, {"sampler": "foreign"}, {"sampler": "batches", "own": True}], ids=str)
def test_going_on_where_it_was(options, tmp_path):
    options = dict(options)
    own, kind = options.pop("own", False), options.pop("sampler", None)

    class Foreign:
        def __iter__(self):
            yield from numpy_random.permutation(24).tolist()

    def make():
        g = torch.Generator().manual_seed(11) if own else None
        if kind == "batches":
            return DataLoader(Chance(24), batch_sampler=BatchSampler(RandomSampler(range(24), generator=g), 4, False))
        sampler = {"weighted": WeightedRandomSampler(np.ones(24), 24, generator=g), "foreign": Foreign(), None: None}[kind]
        return DataLoader(Chance(24), 4, shuffle=sampler is None or None, sampler=sampler, generator=g, **options)

    def go(loader, until=None):
        """Batches, with random numbers of the training in between, until so many were taken in all; and the states then."""
        seen = []
        while True:
            for batch in loader:
                seen.append([part.tolist() for part in batch] + [torch.rand(1).item()])
                if len(seen) == until:
                    return seen, through_a_file([loader.state_dict(), states.random_states()], tmp_path / "state.pth")
            if until is None:
                return seen + [go_once(loader)]
            if len(seen) == until:
                raise AssertionError

    def go_once(loader):
        return [[part.tolist() for part in batch] for batch in loader]

    from tinygrad_like.data import seeding as states
    torch.manual_seed(3), random.seed(3), numpy_random.seed(3)
    whole = go(make())
    for taken in 1, 4, 6:
        torch.manual_seed(3), random.seed(3), numpy_random.seed(3)
        seen, (place, now) = go(make(), taken)
        torch.manual_seed(99), random.seed(99), numpy_random.seed(99)
        loader = make()
        loader.load_state_dict(place)
        states.set_random_states(now)
        assert seen + go(loader) == whole, f"after {taken} batches"


def test_the_place_between_epochs_and_of_streams():
    g = torch.Generator().manual_seed(1)
    loader = DataLoader(Numbers(), 4, shuffle=True, generator=g)
    lists(loader)
    state = loader.state_dict()
    assert state["taken"] == 0 and state["random"] is None
    next_epoch = lists(loader)
    other = DataLoader(Numbers(), 4, shuffle=True, generator=torch.Generator())
    other.load_state_dict(state)
    assert lists(other) == next_epoch
    for workers in 0, 2:
        loader = DataLoader(Stream(11), 3, num_workers=workers)
        batches = iter(loader)
        next(batches)
        state = loader.state_dict()
        rest = lists(batches)
        loader = DataLoader(Stream(11), 3, num_workers=workers)
        loader.load_state_dict(state)
        assert loader.state_dict() == state
        assert lists(loader) == rest


class Mixed(IterableDataset):
    """Numbers in an order that depends on all that was drawn before."""

    def __iter__(self):
        held = []
        for i in range(30):
            held.append(i)
            if len(held) > 8:
                yield held.pop(int((torch.rand(1).item() + random.random() + numpy_random.rand()) * 3))
        yield from held


@pytest.mark.parametrize("size", [4, None])
def test_a_stream_that_shuffles_goes_on_where_it_was(size, tmp_path):
    from tinygrad_like.data import seeding

    def go(batches, until=None):
        seen = []
        for batch in batches:
            seen.append((torch.as_tensor(batch).tolist(), torch.rand(1).item(), random.random(), numpy_random.randn()))
            if len(seen) == until:
                break
        return seen

    seeding.seed_all(5)
    whole = go(DataLoader(Mixed(), size))
    assert sorted(np.hstack([x[0] for x in whole])) == list(range(30))
    seeding.seed_all(5)
    loader = DataLoader(Mixed(), size)
    seen = go(loader, 3)
    place, now = through_a_file([loader.state_dict(), seeding.random_states()], tmp_path / "state.pth")
    seeding.seed_all(99)
    loader = DataLoader(Mixed(), size)
    loader.load_state_dict(place)
    batches = iter(loader)
    seeding.set_random_states(now)
    assert seen + go(batches) == whole


def test_a_stream_draws_the_same_here_as_in_a_worker():
    def drawn(workers):
        torch.manual_seed(2)
        return lists(DataLoader(Mixed(), 4, num_workers=workers))
    assert drawn(0) == drawn(1) == drawn(0)
    torch.manual_seed(2), random.seed(2), numpy_random.seed(2)
    loader = DataLoader(Mixed(), 4)
    first, second = lists(loader), lists(loader)
    assert first != second and random.random() == random.Random(2).random()
    assert numpy_random.rand() == numpy_random.RandomState(2).rand()


def test_a_place_is_kept_while_the_loader_is_gone_through_in_between():
    loader = DataLoader(Numbers(), 4, shuffle=True)
    batches = iter(loader)
    next(batches), lists(loader), next(batches)                 # a measurement on the training data, say
    state = loader.state_dict()
    rest = lists(batches)
    again = DataLoader(Numbers(), 4, shuffle=True)
    again.load_state_dict(state)
    assert lists(again) == rest and len(rest) == 3


def test_a_place_in_another_loader_is_refused():
    loader = DataLoader(Numbers(), 4)
    next(iter(loader))
    state = loader.state_dict()
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    with pytest.raises(ValueError, match="batch_size was 4 and is 2, batches was 5 and is 10"):
        DataLoader(Numbers(), 2).load_state_dict(state)
    with pytest.raises(ValueError, match="dataset was of 20 samples and is of 19 samples"):                    # as many batches
        DataLoader(Subset(Numbers(), range(19)), 4).load_state_dict(state)
    with pytest.raises(ValueError, match="sampler was SequentialSampler and is RandomSampler"):
        DataLoader(Numbers(), 4, shuffle=True).load_state_dict(state)
    with pytest.raises(ValueError, match="0 generators"):
        DataLoader(Numbers(), 4, generator=torch.Generator()).load_state_dict(state)


def test_names():
    import tinygrad_like
    assert tinygrad_like.utils.data.DataLoader is tinygrad_like.data.DataLoader is DataLoader
    assert isinstance(SequentialSampler(Numbers()), tinygrad_like.utils.data.Sampler)
    with pytest.raises(AttributeError, match="utils has no 'nothing'"):
        tinygrad_like.utils.nothing                             # noqa: B018
    with pytest.raises(AttributeError, match="one process: use RandomSampler"):
        tinygrad_like.utils.data.DistributedSampler             # noqa: B018
    with pytest.raises(AttributeError, match="subclass IterableDataset"):
        tinygrad_like.utils.data.IterDataPipe                   # noqa: B018
