"""How many launches it takes to see a difference. Knows spreads and levels; nothing of records."""

import math
from functools import lru_cache
from typing import Final

from inference_arena.compare.student import chance_to_exceed, two_sided_point

EFFECT: Final = 0.10  # what is worth finding, as a share
POWER: Final = 0.90
FIRST: Final = 3  # launches a side to begin with: from two, the spread may look a tenth of what it is
MOST: Final = 1000


def launches_needed(*, spread: float, degrees: float, effect: float, level: float) -> int | None:
    """Launches a side that find `effect` nine times in ten, at a two-sided `level`; None beyond a thousand.

    `spread` is the standard deviation between launches and `effect` the difference, on one scale. The spread was
    guessed from launches with so many `degrees` of freedom, so the chance is averaged over what it may truly be.
    """
    if _found(MOST, spread=spread, degrees=degrees, effect=effect, level=level) < POWER:
        return None
    too_few, enough = 1, MOST
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        found = _found(middle, spread=spread, degrees=degrees, effect=effect, level=level)
        too_few, enough = (middle, enough) if found < POWER else (too_few, middle)
    return enough


def _found(n: int, *, spread: float, degrees: float, effect: float, level: float) -> float:
    """The chance that n launches a side find the effect."""
    if spread <= 0:
        return 1.0
    shift = effect / spread * math.sqrt(n / 2)
    return chance_to_exceed(_point(n, level=level), shift=shift, degrees=degrees)


@lru_cache(maxsize=4096)
def _point(n: int, *, level: float) -> float:
    """What t must exceed. Its degrees are the mean of Welch's for equal spreads, to first order in 1 / (n - 1)."""
    return two_sided_point(level, degrees=2 * (n - 1) * n / (n + 1))
