"""Arrivals are what they claim: Poisson by its dispersion and its gaps, constant by arithmetic, the same for a seed."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.load.arrivals import constant_arrivals, poisson_arrivals

RATE_PER_S = 10.0
SECONDS = 2500.0


def exponential_ks(gaps: Sequence[float], *, rate_per_s: float) -> float:
    """The asymptotic p-value of Kolmogorov and Smirnov's test that gaps are exponential with this rate."""
    ordered, n = sorted(gaps), len(gaps)
    below = [1 - math.exp(-rate_per_s * gap) for gap in ordered]
    distance = max(max((i + 1) / n - share, share - i / n) for i, share in enumerate(below))
    lam = distance * math.sqrt(n)
    if lam < 0.2:  # where the series has not come to 1 within its terms
        return 1.0
    return min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * lam * lam) for k in range(1, 101))))


@pytest.fixture(scope="module", params=[1, 2, 3])
def times(request) -> tuple[float, ...]:
    return poisson_arrivals(rate_per_s=RATE_PER_S, seconds=SECONDS, seed=request.param)


def test_poisson_arrivals_in_equal_windows_vary_as_much_as_their_mean(times):
    counts = [0] * int(SECONDS)
    for at_s in times:
        counts[int(at_s)] += 1

    assert len(times) >= 20_000
    assert len(counts) >= 2_000
    assert 0.9 <= pvariance(counts) / fmean(counts) <= 1.1


def test_gaps_of_poisson_arrivals_are_exponential(times):
    gaps = [after - before for before, after in pairwise((0.0, *times))]

    assert exponential_ks(gaps, rate_per_s=RATE_PER_S) > 0.01


def test_the_test_of_gaps_would_notice_other_gaps():
    even = [0.1] * 2000
    slower = [-math.log(1 - (i + 0.5) / 2000) / (RATE_PER_S * 0.9) for i in range(2000)]
    exact = [-math.log(1 - (i + 0.5) / 2000) / RATE_PER_S for i in range(2000)]

    assert exponential_ks(even, rate_per_s=RATE_PER_S) < 1e-6
    assert exponential_ks(slower, rate_per_s=RATE_PER_S) < 0.01
    assert exponential_ks(exact, rate_per_s=RATE_PER_S) > 0.99


def test_the_number_of_poisson_arrivals_is_that_of_the_rate(times):
    """Within four standard deviations."""
    expected = RATE_PER_S * SECONDS

    assert abs(len(times) - expected) < 4 * math.sqrt(expected)


def test_the_same_seed_gives_the_same_arrivals_and_another_seed_others():
    one, same, other = (poisson_arrivals(rate_per_s=5.0, seconds=100.0, seed=seed) for seed in (1, 1, 2))

    assert one == same
    assert not set(one) & set(other)


def test_a_longer_run_begins_with_the_same_arrivals():
    short, long = (poisson_arrivals(rate_per_s=5.0, seconds=seconds, seed=1) for seconds in (10.0, 20.0))

    assert long[: len(short)] == short
    assert all(at_s >= 10.0 for at_s in long[len(short) :])


@given(rate=st.floats(0.1, 50), seconds=st.floats(0, 50), seed=st.integers())
def test_poisson_arrivals_rise_and_stay_inside(rate, seconds, seed):
    times = poisson_arrivals(rate_per_s=rate, seconds=seconds, seed=seed)

    assert all(0 <= at_s < seconds for at_s in times)
    assert list(times) == sorted(times)


def test_constant_arrivals_are_multiples_that_gather_no_error():
    times = constant_arrivals(rate_per_s=10.0, seconds=1000.0)

    assert len(times) == 10_000
    assert times == tuple(i / 10 for i in range(10_000))


def test_the_end_of_a_run_is_no_arrival():
    assert constant_arrivals(rate_per_s=2.0, seconds=2.0) == (0.0, 0.5, 1.0, 1.5)
    assert constant_arrivals(rate_per_s=2.0, seconds=0.0) == ()
