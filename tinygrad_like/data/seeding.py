"""The random states of a process: ours, Python's and NumPy's; kept, set, and derived from a few whole numbers."""
from __future__ import annotations

import random
from typing import Any, cast

from .. import backend
from ..functions.random import Generator, default_generator, get_rng_state, set_rng_state


def random_states() -> dict[str, Any]:
    """All random states of this process, as plain values and a tensor that `save` takes."""
    kind, keys, *rest = backend.host.random.get_state()
    return {"own": get_rng_state(), "python": random.getstate(), "numpy": (kind, keys.tolist(), *rest)}          # type: ignore


def set_random_states(states: dict[str, Any]) -> None:
    """Go back to what `random_states` told."""
    set_rng_state(states["own"])
    version, keys, gauss = states["python"]
    random.setstate((version, tuple(keys), gauss))
    kind, words, *rest = states["numpy"]
    backend.host.random.set_state((kind, backend.host.asarray(words, "uint32"), *rest))


def seed_from(*numbers: int) -> int:
    """63 bits that belong to these numbers, the first of which may be of any size.

    By NumPy's SeedSequence: numbers that differ in one bit give bits that have nothing in common (seed + 1 might not).
    """
    return int(backend.host.random.SeedSequence(numbers[0], spawn_key=numbers[1:]).generate_state(1, "uint64")[0] >> 1)


def seed_all(seed: int) -> None:
    """Seed our default generator, Python's `random` and NumPy's `np.random` alike."""
    default_generator().manual_seed(seed)
    random.seed(seed)
    backend.host.random.seed([seed & 0xFFFFFFFF, seed >> 32])


class Apart:
    """Random numbers apart from the process's: those drawn in `with apart: …` begin as after `seed_all(seed)`, and go on in the
    next `with` where they were.
    """

    def __init__(self, seed: int) -> None:
        own = Generator().manual_seed(seed)
        old = backend.host.random.RandomState([seed & 0xFFFFFFFF, seed >> 32])
        self.others: Any = own.numpy, seed, random.Random(seed).getstate(), old._bit_generator              # type: ignore

    def __enter__(self) -> None:
        self.exchange()

    def __exit__(self, *error: Any) -> None:
        self.exchange()

    def exchange(self) -> None:
        """Put these generators in the place of the process's, and the reverse."""
        own, np = default_generator(), cast(Any, backend.host.random)
        taken = own.numpy, own._seed, random.getstate(), np.get_bit_generator()
        own.numpy, own._seed, state, bits = self.others
        random.setstate(state)
        np.set_bit_generator(bits)
        self.others = taken
