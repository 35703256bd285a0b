"""Random numbers: drawn by NumPy on the host and moved to the device, so that both backends draw the same.

`manual_seed(n)` makes what follows repeatable.  The numbers are not PyTorch's for the same seed: its generator is another.

A generator may be used from several threads: each call draws its numbers whole, under the generator's lock.  But which thread
draws first is chance, so for repeatable numbers each thread takes a `Generator` of its own.  A forked process inherits the
state, and would draw the same numbers as its parent: seed it anew.
"""
from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from .. import autograd, backend
from ..types import as_dtype, device as Device
from .creation import float_type, made, number, place, shape_of

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["Generator", "manual_seed", "seed", "initial_seed", "get_rng_state", "set_rng_state", "fork_rng", "rand", "randn",
           "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal", "bernoulli", "multinomial", "poisson"]


# ---- generators -------------------------------------------------------------------------------------------------
class Generator:
    """A source of random numbers with a state of its own, for the `generator=` of the functions below.

    It draws on the host whatever the device says: a generator for "cuda" draws the same numbers.
    numpy: NumPy's generator inside, for drawing what is not offered here.  SFC64 is the fastest that NumPy has.
    """
    __slots__ = ("device", "numpy", "_seed")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = Device(device)
        self.seed()

    def manual_seed(self, seed: Any) -> Generator:
        """Start the sequence of numbers that belongs to `seed`, and return this generator."""
        seed = int(seed) if isinstance(seed, float) and seed.is_integer() else operator.index(seed)
        if not -2**63 <= seed < 2**64:
            raise ValueError(f"manual_seed takes an int of 64 bits, from -2**63 to 2**64 - 1, got {seed}")
        self._seed = seed % 2**64
        self.numpy = backend.host.random.Generator(backend.host.random.SFC64(self._seed))
        return self

    def seed(self) -> int:
        """Start a sequence of numbers that cannot be foretold, and return the seed that repeats it."""
        self.manual_seed(backend.host.random.SeedSequence().entropy % 2**64)       # type: ignore[operator]
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the sequence began with."""
        return self._seed

    def get_state(self) -> Tensor:
        """All there is to know of the point reached in the sequence, as a tensor of bytes."""
        state: Any = self.numpy.bit_generator.state
        words = [self._seed, *state["state"]["state"].tolist(), state["has_uint32"], state["uinteger"]]
        return made(backend.host.array(words, "uint64").view("uint8"))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go to the point that `get_state` described."""
        array = getattr(new_state, "array", None)
        if array is None or str(array.dtype) != "uint8" or array.shape != (56,):
            raise TypeError("set_state takes the tensor of bytes that get_state returned: a state of PyTorch or of another version "
                            f"means nothing here; got {getattr(new_state, 'shape', type(new_state).__name__)}")
        first, *words, has, left = backend.to_device(array, "cpu").copy().view("uint64").tolist()
        self.manual_seed(first)
        self.numpy.bit_generator.state = {"bit_generator": "SFC64", "state": {"state": backend.host.array(words, "uint64")},
                                          "has_uint32": has, "uinteger": left}
        return self

    def clone_state(self) -> Generator:
        """Another generator at the same point of the same sequence."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> Any:
        return at_state, (str(self.device), self.get_state())

    def __repr__(self) -> str:
        return f"Generator(device={str(self.device)!r}, seed={self._seed})"


def at_state(device: str, state: Tensor) -> Generator:
    return Generator(device).set_state(state)


_default: Generator | None = None


def default_generator() -> Generator:
    """The generator that draws where no other is named; made, with a seed that cannot be foretold, when first used."""
    global _default
    if _default is None:
        _default = Generator()
    return _default


def manual_seed(seed: int) -> Generator:
    """Make the random numbers that follow those that belong to `seed`, on every device."""
    return default_generator().manual_seed(seed)


def seed() -> int:
    """Start random numbers that cannot be foretold, and return the seed that repeats them."""
    return default_generator().seed()


def initial_seed() -> int:
    """The seed of the random numbers being drawn."""
    return default_generator().initial_seed()


def get_rng_state() -> Tensor:
    """The point reached in the sequence of random numbers, as a tensor of bytes."""
    return default_generator().get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go to the point in the sequence of random numbers that `get_rng_state` described."""
    default_generator().set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Inside `with fork_rng():` random numbers may be drawn and seeds set; after it, they go on as if nothing had been."""
    state = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            set_rng_state(state)


# ---- drawing ----------------------------------------------------------------------------------------------------
def numpy_generator(generator: Generator | None) -> Any:
    if generator is None:
        return default_generator().numpy
    if not isinstance(generator, Generator):
        raise TypeError(f"generator= takes a Generator, got {type(generator).__name__}")
    return generator.numpy


def uniform(random: Any, shape: Any, dtype: Any) -> Any:
    """Numbers from [0, 1) of a floating-point type, all that it can hold in equal steps."""
    if dtype.name == "float16":
        return (random.integers(0, 2**11, shape, "uint16") * 2.0**-11).astype(dtype)     # float32 would round some to 1
    return random.random(shape, needs_float("rand", dtype))


def gauss(random: Any, shape: Any, dtype: Any) -> Any:
    """Numbers of mean 0 and variance 1 (of a complex type: half of it in each part)."""
    if dtype.kind == "c":
        part = backend.dtype("float32" if dtype.itemsize == 8 else "float64")
        return ((gauss(random, shape, part) + 1j * gauss(random, shape, part)) * 0.5 ** 0.5).astype(dtype)
    if needs_float("randn", dtype).name == "float16":
        return random.standard_normal(shape, "float32").astype(dtype)
    return random.standard_normal(shape, dtype)


def whole(random: Any, low: int, high: int, shape: Any, dtype: Any) -> Any:
    """Whole numbers from low to high - 1."""
    if low >= high:
        raise RuntimeError(f"random whole numbers from {low} up to but not including {high}: there are none")
    if dtype.kind in "iu":
        limits = backend.iinfo(dtype)
        if low < limits.min or high - 1 > limits.max:
            raise RuntimeError(f"random whole numbers from {low} to {high - 1} do not all fit into {dtype}")
        return random.integers(low, high, shape, dtype)
    return random.integers(low, high, shape).astype(dtype)


def needs_float(name: str, dtype: Any) -> Any:
    if dtype.kind != "f":
        raise NotImplementedError(f"{name} draws floating-point numbers, and {dtype} was asked for: use randint, or "
                                  "pass dtype=float32")
    return dtype


def on(device: Any, array: Any, requires_grad: bool = False) -> Tensor:
    return made(backend.to_device(backend.host.asarray(array), place(device)), requires_grad)


def rand(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Numbers drawn evenly from [0, 1)."""
    return on(device, uniform(numpy_generator(generator), shape_of("rand", sizes, size), float_type(dtype)), requires_grad)


def randn(*sizes: Any, size: Any = None, generator: Generator | None = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Numbers drawn from the normal distribution of mean 0 and variance 1."""
    return on(device, gauss(numpy_generator(generator), shape_of("randn", sizes, size), float_type(dtype)), requires_grad)


def randint(*args: Any, low: int | None = None, high: int | None = None, size: Any = None, generator: Generator | None = None,
            dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Whole numbers drawn evenly from low (default 0) to high - 1: randint(high, size), randint(low, high, size)."""
    bounds = list(args)
    if size is None and bounds:
        size = bounds.pop()
    if high is None and bounds:
        high = bounds.pop()
    if low is None and bounds:
        low = bounds.pop()
    if bounds or size is None or high is None:
        raise TypeError(f"randint takes (high, size) or (low, high, size), got {args}")
    low, high = [operator.index(number("randint", n)) for n in (0 if low is None else low, high)]
    dtype = as_dtype("int64" if dtype is None else dtype).dtype
    return on(device, whole(numpy_generator(generator), low, high, shape_of("randint", (tuple(size),)), dtype), requires_grad)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """The numbers 0 … n-1 in random order."""
    if not isinstance(n, int):
        raise TypeError(f"randperm takes an int, got {n!r}")
    shape_of("randperm", (n,))                                  # refuses negative ones
    dtype = as_dtype("int64" if dtype is None else dtype).dtype
    return on(device, numpy_generator(generator).permutation(n).astype(dtype, copy=False), requires_grad)


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
              requires_grad: bool = False) -> Tensor:
    """`rand` of input's shape; of its type and on its device, unless others are given."""
    return rand(input.shape, generator=generator, dtype=dtype or input.dtype, device=device or input.device,
                requires_grad=requires_grad)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
               requires_grad: bool = False) -> Tensor:
    """`randn` of input's shape; of its type and on its device, unless others are given."""
    return randn(input.shape, generator=generator, dtype=dtype or input.dtype, device=device or input.device,
                 requires_grad=requires_grad)


def randint_like(input: Tensor, low: int, high: int | None = None, *, generator: Generator | None = None, dtype: Any = None,
                 device: Any = None, requires_grad: bool = False) -> Tensor:
    """`randint` of input's shape, randint_like(input, high) or randint_like(input, low, high); of its type and on its device."""
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, input.shape, generator=generator, dtype=dtype or input.dtype, device=device or input.device,
                   requires_grad=requires_grad)


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None,
           device: Any = None, requires_grad: bool = False) -> Tensor:
    """mean + std · z, z drawn from the normal distribution: normal(mean, std, size) of numbers, or normal(mean, std) of tensors.

    The result is a constant: to differentiate by mean and std, write mean + std * randn_like(mean).
    """
    tensors = [x for x in (mean, std) if isinstance(x, autograd.Tensor)]
    if size is None and not tensors:
        raise TypeError("normal: mean and std are numbers, so the size must be given: normal(mean, std, size)")
    if tensors and (size is not None or dtype is not None or device is not None):
        raise TypeError("normal: mean or std is a tensor, which says the size, the type and the device: leave those out")
    if isinstance(std, autograd.Tensor):
        if std.array.dtype.kind == "f" and bool((std.array < 0).any()):
            raise RuntimeError("normal: std has an element below 0")
    elif number("normal", std) < 0:
        raise RuntimeError(f"normal: std is not below 0, got {std}")
    if not tensors:
        return on(device, gauss(numpy_generator(generator), shape_of("normal", (size,)), float_type(dtype)) * std + mean,
                  requires_grad)
    mean, std = [x.detach() if isinstance(x, autograd.Tensor) else x for x in (mean, std)]
    like = mean + std * 0 if len(tensors) == 2 else tensors[0]
    z = randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
    result = mean + std * z
    return result.requires_grad_() if requires_grad else result


def bernoulli(input: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that input gives for each element, else 0; with p, that is the probability everywhere."""
    if p is None:
        needs_float("bernoulli", input.array.dtype)
        p = input
    return on(input.device, coins(numpy_generator(generator), input.array.shape, input.array.dtype, p))


def coins(random: Any, shape: Any, dtype: Any, p: Any) -> Any:
    """1 with probability p, else 0."""
    p = on_host(p) if isinstance(p, autograd.Tensor) else number("bernoulli", p)
    if not backend.host.all((p >= 0) & (p <= 1)):
        raise RuntimeError(f"bernoulli: a probability is between 0 and 1, got {p if isinstance(p, float) else 'others among them'}")
    kind = "float64" if getattr(p, "dtype", None) == "float64" else "float32"
    return (random.random(shape, kind) < p).astype(dtype)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """num_samples indices into each row of input, which holds weights: probabilities, up to a factor for each row.

    Without replacement an index is drawn once at most: those with the smallest Eᵢ / wᵢ, E drawn from the exponential
    distribution (the first event of a race, then the second, …; Efraimidis and Spirakis 2006).
    """
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"multinomial takes floating-point weights, got {input.dtype}")
    if input.array.ndim not in (1, 2):
        raise RuntimeError(f"multinomial takes one row of weights or a matrix of rows, got shape {tuple(input.shape)}")
    np, random = backend.host, numpy_generator(generator)
    weights = on_host(input).astype("float64")
    rows, count = np.atleast_2d(weights), operator.index(num_samples)
    if not (np.isfinite(rows) & (rows >= 0)).all():
        raise RuntimeError("multinomial: a weight is below 0, infinite or nan")
    if count <= 0:
        raise RuntimeError(f"multinomial draws at least one sample, got num_samples={num_samples}")
    if (rows.sum(1) == 0).any():
        raise RuntimeError("multinomial: the weights of a row are all 0")
    if not replacement:
        if (np.count_nonzero(rows, 1) < count).any():
            raise RuntimeError(f"multinomial: {count} different samples were asked for, and a row has fewer weights above 0: "
                               "replacement=True draws the same ones again")
        with np.errstate(divide="ignore"):
            picked = (random.standard_exponential(rows.shape) / rows).argsort(1)[:, :count]
    else:
        ends = rows.cumsum(1)
        draws = random.random((len(rows), count)) * ends[:, -1:]
        picked = np.zeros(draws.shape)
        for row, (end, draw) in enumerate(zip(ends, draws)):
            picked[row] = np.searchsorted(end, draw, side="right")
        last = rows.shape[1] - 1 - (rows[:, ::-1] > 0).argmax(1)
        picked = np.minimum(picked, last[:, None])              # a draw that rounding put on the end of the last stretch
    return on(input.device, picked.reshape(weights.shape[:-1] + (count,)).astype("int64"))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """How many events happen where input says how many are to be expected."""
    rates = on_host(input)
    if not (rates >= 0).all():
        raise RuntimeError("poisson: a rate is not below 0, and not nan")
    return on(input.device, numpy_generator(generator).poisson(rates).astype(rates.dtype))


def on_host(x: Tensor) -> Any:
    return backend.to_device(x.array, "cpu")


# ---- in place ---------------------------------------------------------------------------------------------------
def drawn(x: Tensor, how: str, draw: Callable[[Any], Any]) -> Tensor:
    """Give x, in place, numbers that `draw` makes in its shape; infinite where the type cannot hold them."""
    return x._become(how, lambda: on(x.device, draw(x.array.shape)).to(x.dtype))


class Random:
    """Random numbers in place of what a tensor held, and `bernoulli` and `multinomial`, as methods of Tensor."""
    __slots__ = ()
    multinomial = multinomial

    def bernoulli(self: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
        """1 with the probability that this tensor gives for each element, else 0; with p, that is the probability everywhere."""
        return bernoulli(self, p, generator=generator)

    def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
        """Become numbers drawn evenly from [from_, to)."""
        if from_ > to:
            raise RuntimeError(f"uniform_ draws from [from, to), but from={from_} is above to={to}")
        random, dtype = numpy_generator(generator), needs_float("uniform_", self.array.dtype)
        return drawn(self, "uniform_", lambda shape: uniform(random, shape, dtype) * (to - from_) + from_)

    def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
        """Become numbers drawn from the normal distribution."""
        if std < 0:
            raise RuntimeError(f"normal_: std is not below 0, got {std}")
        random = numpy_generator(generator)
        return drawn(self, "normal_", lambda shape: gauss(random, shape, self.array.dtype) * std + mean)

    def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None) -> Tensor:
        """Become numbers whose logarithms are drawn from the normal distribution of this mean and std."""
        if std <= 0:
            raise RuntimeError(f"log_normal_: std is above 0, got {std}")
        random, dtype = numpy_generator(generator), needs_float("log_normal_", self.array.dtype)
        return drawn(self, "log_normal_", lambda shape: backend.host.exp(gauss(random, shape, dtype) * std + mean))

    def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
        """Become numbers drawn from the exponential distribution of density λ e^(-λ x)."""
        if lambd <= 0:
            raise RuntimeError(f"exponential_: lambd is above 0, got {lambd}")
        random, dtype = numpy_generator(generator), needs_float("exponential_", self.array.dtype)
        kind = "float64" if dtype.name == "float64" else "float32"
        return drawn(self, "exponential_", lambda shape: random.standard_exponential(shape, kind) / lambd)

    def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None) -> Tensor:
        """Become numbers drawn from the Cauchy distribution."""
        if sigma <= 0:
            raise RuntimeError(f"cauchy_: sigma is above 0, got {sigma}")
        random = numpy_generator(generator)
        needs_float("cauchy_", self.array.dtype)
        return drawn(self, "cauchy_", lambda shape: random.standard_cauchy(shape) * sigma + median)

    def geometric_(self: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
        """Become the number of the first success in trials that succeed with probability p: 1, 2, …"""
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_: p is above 0 and below 1, got {p}")
        random = numpy_generator(generator)
        return drawn(self, "geometric_", lambda shape: random.geometric(p, shape))

    def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
        """Become 1 with probability p (a number, or a tensor that broadcasts to this one), else 0."""
        random = numpy_generator(generator)
        return drawn(self, "bernoulli_", lambda shape: coins(random, shape, self.array.dtype, p))

    def random_(self: Tensor, *bounds: int, generator: Generator | None = None) -> Tensor:
        """Become whole numbers: random_() as large as the type holds exactly, random_(to), random_(from, to)."""
        if len(bounds) > 2:
            raise TypeError(f"random_ takes (), (to) or (from, to), got {bounds}")
        dtype, random = self.array.dtype, numpy_generator(generator)
        if bounds:
            low, high = (0, *bounds) if len(bounds) == 1 else bounds
        elif dtype.kind in "iu":
            low, high = 0, min(int(backend.iinfo(dtype).max) + 1, 2**63 - 1)
        else:
            low, high = 0, 2 if dtype.kind == "b" else 2**(backend.finfo(dtype).nmant + 1) + 1
        return drawn(self, "random_", lambda shape: whole(random, low, high, shape, dtype))
