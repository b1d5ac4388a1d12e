"""When an open load wants its requests sent. Drawn from the seed before the clock starts."""

import random
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
