"""Percentiles and intervals against values known from elsewhere, and intervals against what they promise."""

import math
import random
from fractions import Fraction
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.metrics.statistics import (
    across_repeats,
    distribution,
    mean,
    mean_of_blocks,
    median,
    percentile,
    student_95,
    wilson,
)

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def slow_percentile(values: list[float], share: float) -> Fraction:
    """Type 7 in exact arithmetic: a walk along the line through the sorted samples."""
    ordered = sorted(Fraction(value) for value in values)
    at = Fraction(share) * (len(ordered) - 1)
    left = int(at)
    if left == len(ordered) - 1:
        return ordered[left]
    return ordered[left] * (1 - (at - left)) + ordered[left + 1] * (at - left)


@pytest.mark.parametrize(
    ("values", "share", "known"),
    [
        ((1, 2, 3, 4), 0.5, 2.5),  # numpy.percentile's default, R's type 7
        ((15, 20, 35, 40, 50), 0.4, 29.0),  # the worked example of Wikipedia's article on percentiles
        ((15, 20, 35, 40, 50), 0.0, 15.0),
        ((15, 20, 35, 40, 50), 1.0, 50.0),
        (tuple(range(1, 101)), 0.99, 99.01),
        (tuple(range(1, 11)), 0.9, 9.1),
        ((7,), 0.9, 7.0),
    ],
)
def test_percentiles_are_those_of_linear_interpolation(values, share, known):
    assert percentile(values, share) == pytest.approx(known)


@given(VALUES, st.floats(0, 1))
def test_percentiles_agree_with_a_slow_exact_reference(values, share):
    assert percentile(sorted(values), share) == pytest.approx(float(slow_percentile(values, share)), rel=1e-9, abs=1e-6)


@given(st.floats(-1e9, 1e9), st.integers(1, 200), st.floats(0, 1))
def test_a_percentile_of_equal_samples_is_exactly_them(value, n, share):
    assert percentile([value] * n, share) == value


@given(VALUES)
def test_a_distribution_is_in_order_and_holds_its_mean(values):
    it = distribution(values)

    assert it.n == len(values)
    assert it.min <= it.p50.value <= it.p90 <= it.p95 <= it.max
    assert it.min - 1e-6 <= it.mean <= it.max + 1e-6


def test_there_is_no_p99_under_a_hundred_samples():
    assert distribution([1.0] * 99).p99 is None
    assert distribution([float(i) for i in range(100)]).p99 == pytest.approx(98.01)


def test_of_nothing_there_is_nothing():
    assert distribution([]) is None
    assert mean([]) is None


# the median's interval


@pytest.mark.parametrize(("n", "rank"), [(6, 1), (8, 1), (9, 2), (10, 2), (20, 6), (25, 8), (50, 18), (100, 40)])
def test_the_median_lies_between_the_samples_that_tables_name(n, rank):
    """Two-sided 95 % points of the sign test: Conover, Practical Nonparametric Statistics, and any table of it."""
    it = median([float(i) for i in range(1, n + 1)])

    assert (it.low, it.high, it.n) == (rank, n + 1 - rank, n)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_under_six_samples_the_median_has_no_bounds(n):
    it = median([1.0] * n)

    assert (it.value, it.low, it.high) == (1.0, None, None)


@pytest.mark.parametrize("n", [1000, 1001, 1500, 3001])
def test_the_ranks_for_many_samples_keep_their_promise_too(n):
    it = median([float(i) for i in range(1, n + 1)])
    below = int(it.low) - 1
    term = total = math.comb(n, 0)
    for k in range(1, below + 1):
        term = term * (n - k + 1) // k
        total += term
    outside = 2 * total / Fraction(2**n)

    assert 0.04 < float(outside) < 0.051


@pytest.mark.parametrize("draw", ["uniform", "lognormal"])
@pytest.mark.parametrize("n", [12, 35, 101])
def test_the_medians_interval_covers_the_median_as_often_as_it_says(draw, n):
    """Order statistics promise at least 95 %, and with few samples cannot hit it: 93 to 99 % of 2,000 draws."""
    pick = random.Random(f"{draw}/{n}")
    make, true = (pick.random, 0.5) if draw == "uniform" else (lambda: pick.lognormvariate(0, 1), 1.0)
    hits = 0
    for _ in range(2000):
        it = median(sorted(make() for _ in range(n)))
        hits += it.low <= true <= it.high

    assert 0.93 <= hits / 2000 <= 0.99


# means


def test_the_interval_of_ten_blocks_is_students():
    """Ten blocks of 1 to 10: mean 5.5, standard deviation 3.0277, 2.262 of its tenth's root on either side."""
    it = mean_of_blocks([1.0, 10.0, 2.0, 9.0, 3.0, 8.0, 4.0, 7.0, 5.0, 6.0], method="ten-blocks")

    assert (it.value, it.n, it.method) == (5.5, 10, "ten-blocks")
    assert (it.low, it.high) == (pytest.approx(3.3343, abs=1e-3), pytest.approx(7.6657, abs=1e-3))


def test_equal_blocks_have_no_width_and_few_blocks_no_bounds():
    equal, few = mean_of_blocks([4.0] * 10, method="b"), mean_of_blocks([1.0, 2.0, 3.0, 4.0, 5.0], method="b")

    assert (equal.low, equal.value, equal.high) == (4.0, 4.0, 4.0)
    assert (few.low, few.value, few.high) == (None, 3.0, None)


def test_a_rates_interval_does_not_go_below_nothing():
    assert mean_of_blocks([0.0] * 9 + [10.0], method="b").low == 0.0


def test_the_interval_of_blocks_covers_the_mean_as_often_as_it_says():
    pick = random.Random(5)
    hits = 0
    for _ in range(2000):
        it = mean_of_blocks([pick.gauss(100, 15) for _ in range(10)], method="b")
        hits += it.low <= 100 <= it.high

    assert 0.93 <= hits / 2000 <= 0.97


@pytest.mark.parametrize(
    ("degrees", "known"),
    [(1, 12.706), (2, 4.303), (5, 2.571), (9, 2.262), (10, 2.228), (20, 2.086), (30, 2.042),
     (40, 2.021), (60, 2.000), (80, 1.990), (100, 1.984), (120, 1.980), (1000, 1.962), (10**7, 1.960)],
)  # fmt: skip
def test_students_points_are_those_of_the_tables(degrees, known):
    assert student_95(degrees) == pytest.approx(known, abs=0.0006)


def test_students_points_fall_with_the_degrees():
    points = [student_95(degrees) for degrees in range(1, 200)]

    assert points == sorted(points, reverse=True)


# shares


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_that_of_the_literature(hits, n, low, high):
    it = wilson(hits, n)

    assert (it.low, it.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert (it.value, it.n, it.method) == (hits / n, n, "wilson")


def test_a_share_of_nothing_is_unknown():
    assert wilson(0, 0) is None


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_its_share_and_stays_a_share(hits_of_n):
    it = wilson(*hits_of_n)

    assert 0.0 <= it.low <= it.value + 1e-12
    assert it.value - 1e-12 <= it.high <= 1.0


# repeats


def test_repeats_give_their_median_and_their_range():
    it = across_repeats([3.0, 1.0, 10.0])

    assert (it.low, it.value, it.high, it.n, it.method) == (1.0, 3.0, 10.0, 3, "repeats")
    assert across_repeats([1.0, 2.0]).value == 1.5


@given(VALUES)
def test_a_mean_is_a_mean(values):
    assert mean(values) == fmean(values)


def test_blocks_that_resemble_the_one_before_widen_the_interval():
    """The same ten blocks in order: each resembles the last, r = 0.7, and sqrt(1.7 / 0.3) widens the half to 5.155."""
    it = mean_of_blocks([float(i) for i in range(1, 11)], method="ten-blocks")

    assert it.high == pytest.approx(5.5 + 2.1657 * (1.7 / 0.3) ** 0.5, abs=1e-3)


def test_the_median_of_streams_that_share_their_luck_is_as_sure_as_their_rounds():
    """Eight streams in step, rounds of one value each: eight times the samples, and not a bit more known."""
    rounds = [float(i) for i in range(1, 13)]
    together = median(sorted(value for value in rounds for _ in range(8)), together=8)

    alone = median(rounds)
    assert (together.low, together.high) == (pytest.approx(alone.low, abs=1.0), pytest.approx(alone.high, abs=1.0))
    assert median(sorted([1.0] * 8 + [2.0] * 8), together=8).low is None
