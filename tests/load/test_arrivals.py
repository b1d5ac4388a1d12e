"""Arrivals are what they claim: Poisson by its dispersion and its gaps, constant by arithmetic, the same for a seed."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.load.arrivals import (
    burst_arrivals,
    constant_arrivals,
    poisson_arrivals,
    replayed_arrivals,
    share_of,
    spike_arrivals,
)

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


@pytest.mark.parametrize("rate_per_s", [0.2, 10.0, 3000.0])
@pytest.mark.parametrize("processes", [1, 2, 5])
def test_what_several_load_processes_send_together_is_poisson_at_any_rate(rate_per_s, processes):
    seconds = 25_000 / rate_per_s
    whole = poisson_arrivals(rate_per_s=rate_per_s, seconds=seconds, seed=11)
    parts = [share_of(whole, process=process, processes=processes) for process in range(processes)]
    together = sorted(at_s for part in parts for at_s in part)
    windows = 2000
    counts = [0] * windows
    for at_s in together:
        counts[int(at_s / seconds * windows)] += 1

    assert len(together) >= 20_000
    assert 0.9 <= pvariance(counts) / fmean(counts) <= 1.1
    gaps = [after - before for before, after in pairwise((0.0, *together))]
    assert exponential_ks(gaps, rate_per_s=rate_per_s) > 0.01


def test_bursts_come_together_and_keep_the_mean_rate():
    times = burst_arrivals(rate_per_s=10.0, together=5, seconds=5000.0, seed=3)
    moments = sorted(set(times))

    assert len(times) == 5 * len(moments)
    assert len(times) / 5000.0 == pytest.approx(10.0, rel=0.05)
    gaps = [after - before for before, after in pairwise((0.0, *moments))]
    assert exponential_ks(gaps, rate_per_s=2.0) > 0.01


def test_a_spike_comes_on_top_of_the_arrivals_that_would_come_without_it():
    base = poisson_arrivals(rate_per_s=4.0, seconds=20.0, seed=1)
    times = spike_arrivals(rate_per_s=4.0, together=9, at_s=10.0, seconds=20.0, seed=1)

    assert times == tuple(sorted((*base, *[10.0] * 9)))
    assert spike_arrivals(rate_per_s=4.0, together=9, at_s=30.0, seconds=20.0, seed=1) == base


def test_recorded_times_are_played_from_the_first_on_as_fast_as_asked():
    assert replayed_arrivals([100.0, 101.0, 104.0], speed=2.0) == (0.0, 0.5, 2.0)
