"""Two samples of a few values: their difference, its interval, and Holm's correction for many. Knows numbers only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from inference_arena.compare.student import two_sided_p, two_sided_point


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Mean of B less mean of A, its standard error, and Welch's degrees of freedom.

    `spread` is the standard deviation of one launch, pooled over both sides, known to `spread_degrees`.
    """

    difference: float
    error: float
    degrees: float
    spread: float
    spread_degrees: int

    @property
    def p(self) -> float:
        """Two-sided, that of no difference."""
        return two_sided_p(self.difference / self.error, degrees=self.degrees)

    def interval(self, level: float) -> tuple[float, float]:
        """What the true difference is, wrong with probability `level`."""
        half = two_sided_point(level, degrees=self.degrees) * self.error
        return self.difference - half, self.difference + half


def contrast(a: Sequence[float], b: Sequence[float]) -> Contrast | None:
    """Welch's; None with fewer than two values on a side, and where the values do not vary at all.

    What a clock measured always varies. Where it does not, the values are not launches of their own, or counts too
    coarse to say how much they vary.
    """
    if min(len(a), len(b)) < 2:
        return None
    middle = max(abs(value) for value in (*a, *b))
    of_a, of_b = stdev(a) ** 2, stdev(b) ** 2
    if math.sqrt(of_a + of_b) <= 1e-12 * max(1.0, middle):
        return None
    by_a, by_b = of_a / len(a), of_b / len(b)
    return Contrast(
        difference=fmean(b) - fmean(a),
        error=math.sqrt(by_a + by_b),
        degrees=_degrees(by_a, by_b, len(a), len(b)),
        spread=math.sqrt((of_a * (len(a) - 1) + of_b * (len(b) - 1)) / (len(a) + len(b) - 2)),
        spread_degrees=len(a) + len(b) - 2,
    )


def _degrees(by_a: float, by_b: float, n_a: int, n_b: int) -> float:
    """Welch's; but where one side is over twice the other they promise too much (2 against 12: 10 % errors for 5 %).

    One less than the smaller side is Hsu's bound, which never promises too much.
    """
    if max(n_a, n_b) > 2 * min(n_a, n_b):
        return min(n_a, n_b) - 1
    return (by_a + by_b) ** 2 / (by_a**2 / (n_a - 1) + by_b**2 / (n_b - 1))


def holm(ps: Sequence[float], *, level: float) -> tuple[tuple[bool, float], ...]:
    """For each p whether it stands among all of them, and the level that it was judged at.

    The k-th smallest of m is judged at level / (m - k + 1); the first that fails fails all after it, which are judged
    at its level. So an interval at that level leaves out zero exactly where the difference stands.
    """
    judged: dict[int, tuple[bool, float]] = {}
    standing, at = True, level
    for rank, index in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        at = level / (len(ps) - rank) if standing else at
        standing = standing and ps[index] <= at
        judged[index] = (standing, at)
    return tuple(judged[i] for i in range(len(ps)))
