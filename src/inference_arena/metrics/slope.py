"""When will it be full? A line through the last readings that single leaps do not bend. Pure."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Final

Reading = tuple[float, float]

WINDOW_S: Final = 10.0
FEWEST: Final = 5
SHORTEST_S: Final = 3.0
MOST_POINTS: Final = 30
FAR_OFF_S: Final = 600.0
STEADY: Final = 0.6


def slope_per_s(readings: Sequence[Reading]) -> float | None:
    """The median of the slopes between all pairs (Theil and Sen); None under 5 readings or under 3 s of them."""
    if len(readings) < FEWEST or readings[-1][0] - readings[0][0] < SHORTEST_S:
        return None
    slopes = _slopes(thinned(readings))
    return median(slopes) if slopes else None


def full_in_s(readings: Sequence[Reading], *, limit: float, noise: float) -> float | None:
    """Seconds until the last reading's line meets `limit`, at the slope of the last 10 s.

    None where there is no such time within ten minutes: it does not rise, it rose by no more than `noise`, it leapt
    once and stayed, or too little was seen. A step is no slope: at least 60 % of the pairs must rise.
    """
    if not readings:
        return None
    recent = [reading for reading in readings if reading[0] >= readings[-1][0] - WINDOW_S]
    slope = slope_per_s(recent)
    if slope is None or slope <= 0 or recent[-1][1] - recent[0][1] <= noise:
        return None
    slopes = _slopes(thinned(recent))
    if sum(one > 0 for one in slopes) < STEADY * len(slopes):
        return None
    left_s = max(0.0, limit - recent[-1][1]) / slope
    return left_s if left_s <= FAR_OFF_S else None


def thinned(readings: Sequence[Reading]) -> list[Reading]:
    """At most about 30 of them, the last included: pairs grow with the square."""
    step = -(-len(readings) // MOST_POINTS)
    return list(readings[::-1][::step][::-1])


def _slopes(readings: Sequence[Reading]) -> list[float]:
    return [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(readings, 2) if b[0] > a[0]]
