"""When memory is full: lines, steps, noise and leaps with a known end."""

import random

import pytest

from inference_arena.metrics.slope import MOST_POINTS, full_in_s, slope_per_s, thinned

LIMIT = 24_000.0


def line(*, start: float, per_s: float, seconds: float = 10.0, step_s: float = 0.1) -> list[tuple[float, float]]:
    return [(i * step_s, start + per_s * i * step_s) for i in range(int(seconds / step_s) + 1)]


def test_a_straight_rise_is_full_when_its_line_meets_the_limit() -> None:
    assert full_in_s(line(start=3_000, per_s=420), limit=LIMIT, noise=64) == pytest.approx(40.0)


def test_noise_and_single_leaps_do_not_bend_the_line() -> None:
    luck = random.Random(4)
    readings = [(t, value + luck.uniform(-60, 60)) for t, value in line(start=3_000, per_s=420)]
    readings[20] = (readings[20][0], 23_000.0)
    readings[70] = (readings[70][0], 0.0)

    assert full_in_s(readings, limit=LIMIT, noise=64) == pytest.approx(40.0, rel=0.03)


@pytest.mark.parametrize(
    "readings",
    [
        [],
        line(start=3_000, per_s=420, seconds=2.0),
        line(start=3_000, per_s=420)[:4],
        line(start=20_000, per_s=0),
        line(start=20_000, per_s=-50),
        line(start=20_000, per_s=5),
        line(start=100, per_s=20),
        [(t, 5_000.0 if t < 7.0 else 20_000.0) for t, _ in line(start=0, per_s=0)],
    ],
    ids=["nothing", "too-short", "too-few", "level", "falling", "within-noise", "over-ten-minutes", "one-step"],
)
def test_no_forecast_where_there_is_no_trend(readings: list[tuple[float, float]]) -> None:
    assert full_in_s(readings, limit=LIMIT, noise=64) is None


def test_only_the_last_ten_seconds_count() -> None:
    before = [(t - 30.0, 23_000.0) for t, _ in line(start=0, per_s=0, seconds=19.0)]

    assert full_in_s([*before, *line(start=3_000, per_s=420)], limit=LIMIT, noise=64) == pytest.approx(40.0)


def test_memory_that_is_full_already_is_full_now() -> None:
    assert full_in_s(line(start=22_000, per_s=400), limit=LIMIT, noise=64) == 0.0


def test_a_slope_needs_five_readings_over_three_seconds() -> None:
    assert slope_per_s(line(start=0, per_s=7, step_s=1.0)) == pytest.approx(7.0)
    assert slope_per_s(line(start=0, per_s=7, seconds=2.9)) is None
    assert slope_per_s([(0.0, 1.0)] * 6) is None


def test_many_readings_are_thinned_and_the_last_is_kept() -> None:
    readings = line(start=0, per_s=1)
    assert len(thinned(readings)) <= MOST_POINTS + 1
    assert thinned(readings)[-1] == readings[-1]
