"""Student's t against printed tables and closed forms; sample sizes against simulation."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena.compare.repeats import launches_needed
from inference_arena.compare.student import chance_to_exceed, incomplete_beta, two_sided_p, two_sided_point
from inference_arena.compare.welch import contrast, holm
from inference_arena.metrics import statistics


def finite_sum(t: float, degrees: int) -> float:
    """Two-sided p for whole degrees, exactly: the sums of Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even)."""
    angle = math.atan(abs(t) / math.sqrt(degrees))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if degrees % 2:
        term, total = math.cos(angle), 0.0
        for k in range(1, degrees - 1, 2):
            total += term
            term *= square * (k + 1) / (k + 2)
        return 1 - 2 / math.pi * (angle + sine * total)
    term, total = 1.0, 0.0
    for k in range(1, degrees, 2):
        total += term
        term *= square * k / (k + 1)
    return 1 - sine * total


def test_points_of_t_are_those_of_the_printed_table_that_metrics_keeps():
    for degrees, point in enumerate(statistics._T95, start=1):
        assert two_sided_point(0.05, degrees=degrees) == pytest.approx(point, abs=5.01e-4)


@given(st.floats(-1e3, 1e3), st.integers(1, 60))
def test_whole_degrees_have_a_finite_sum(t, degrees):
    assert two_sided_p(t, degrees=degrees) == pytest.approx(finite_sum(t, degrees), abs=1e-11)


@given(st.floats(0, 1), st.floats(0.5, 40), st.floats(0.5, 40))
def test_the_incomplete_beta_is_a_share_and_mirrors(x, a, b):
    value = incomplete_beta(x, a, b)
    assert 0 <= value <= 1 + 1e-12
    assert value == pytest.approx(1 - incomplete_beta(1 - x, b, a), abs=1e-9)


@given(st.floats(1e-6, 0.999), st.floats(1, 200))
def test_point_and_probability_are_inverse(p, degrees):
    assert two_sided_p(two_sided_point(p, degrees=degrees), degrees=degrees) == pytest.approx(p, rel=1e-7)


def test_the_chance_to_exceed_is_that_of_counting():
    draw = random.Random(1)
    hits, n, degrees = 0, 20_000, 4
    for _ in range(n):
        u = math.sqrt(sum(draw.gauss(0, 1) ** 2 for _ in range(degrees)) / degrees)
        hits += draw.gauss(0, 1) + 3.0 * u > 2.0
    assert chance_to_exceed(2.0, shift=3.0, degrees=degrees) == pytest.approx(hits / n, abs=0.01)


def test_welch_of_known_samples_is_what_a_hand_gives():
    # means 2 and 5, variances 1 and 4, three values each: error sqrt(5/3), degrees (5/3)^2 / ((1/9 + 16/9) / 2)
    both = contrast([1.0, 2.0, 3.0], [3.0, 5.0, 7.0])
    assert both is not None
    assert both.difference == pytest.approx(3.0)
    assert both.error == pytest.approx(math.sqrt(5 / 3))
    assert both.degrees == pytest.approx((25 / 9) / (17 / 18))
    assert both.spread == pytest.approx(math.sqrt(2.5))


def test_one_value_or_values_that_never_vary_give_no_contrast():
    assert contrast([1.0], [2.0, 3.0]) is None
    assert contrast([1.0, 1.0], [2.0, 2.0]) is None


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 3), (3, 3), (4, 5), (2, 6), (2, 12), (3, 12)])
def test_equal_sides_of_unlike_size_are_called_different_at_most_as_often_as_is_said(n_a, n_b):
    draw, pairs = random.Random(1), 2000

    def sample(n):
        return [draw.gauss(0, 1) for _ in range(n)]

    different = sum(contrast(sample(n_a), sample(n_b)).p <= 0.05 for _ in range(pairs))
    assert different <= 0.06 * pairs  # two standard errors over 5 %


def test_holm_judges_the_smallest_hardest_and_stops_at_the_first_that_fails():
    # of four at 5 %: 0.01 <= 0.0125, 0.016 <= 0.0167, 0.03 > 0.025, and 0.04 is judged no more
    found = holm([0.04, 0.01, 0.03, 0.016], level=0.05)
    assert [stands for stands, _ in found] == [False, True, False, True]
    assert [at for _, at in found] == pytest.approx([0.025, 0.0125, 0.025, 0.05 / 3])
    assert holm([], level=0.05) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_an_interval_at_holms_level_leaves_out_zero_exactly_where_the_difference_stands(ps):
    assert all(stands == (p <= at) for p, (stands, at) in zip(ps, holm(ps, level=0.05), strict=True))


@settings(max_examples=20)
@given(st.floats(0.005, 0.05), st.integers(2, 12))
def test_a_wider_spread_never_needs_fewer_launches_and_more_that_are_known_never_more(spread, degrees):
    def needed(spread, degrees):
        return launches_needed(spread=spread, degrees=degrees, effect=0.1, level=0.05) or 10_000

    assert needed(spread, degrees) <= needed(spread * 1.2, degrees)
    assert needed(spread, degrees + 4) <= needed(spread, degrees)


def test_no_number_of_launches_is_named_where_a_thousand_would_not_do():
    assert launches_needed(spread=5.0, degrees=4, effect=0.1, level=0.05) is None
