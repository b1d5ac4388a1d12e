"""When an open load wants its requests sent. Drawn from the seed before the clock starts."""

import random
from collections.abc import Sequence
from heapq import merge
from itertools import count

Arrivals = tuple[float, ...]


def poisson_arrivals(*, rate_per_s: float, seconds: float, seed: int) -> Arrivals:
    """Times in [0, seconds) of a Poisson process: independent exponential gaps with mean 1 / rate."""
    draw = random.Random(seed).expovariate
    times: list[float] = []
    at_s = draw(rate_per_s)
    while at_s < seconds:
        times.append(at_s)
        at_s += draw(rate_per_s)
    return tuple(times)


def constant_arrivals(*, rate_per_s: float, seconds: float) -> Arrivals:
    """One arrival every 1 / rate seconds from 0 on; multiplied, not summed, so that no error adds up."""
    times: list[float] = []
    for i in count():
        if (at_s := i / rate_per_s) >= seconds:
            return tuple(times)
        times.append(at_s)
    raise AssertionError


def burst_arrivals(*, rate_per_s: float, together: int, seconds: float, seed: int) -> Arrivals:
    """`together` requests at the same moment, such moments by chance, so often that the mean rate holds."""
    moments = poisson_arrivals(rate_per_s=rate_per_s / together, seconds=seconds, seed=seed)
    return tuple(at_s for at_s in moments for _ in range(together))


def spike_arrivals(*, rate_per_s: float, together: int, at_s: float, seconds: float, seed: int) -> Arrivals:
    """A Poisson process, and on top of it `together` requests at the moment `at_s`."""
    base = poisson_arrivals(rate_per_s=rate_per_s, seconds=seconds, seed=seed)
    return tuple(merge(base, [at_s] * together)) if at_s < seconds else base


def replayed_arrivals(recorded: Sequence[float], *, speed: float) -> Arrivals:
    """Recorded times from the first one on, `speed` times as fast."""
    return tuple((at_s - recorded[0]) / speed for at_s in recorded)


def share_of(arrivals: Arrivals, *, process: int, processes: int) -> Arrivals:
    """The arrivals that one of several load processes sends: together they send exactly all of them."""
    return arrivals[process::processes]
