"""Percentiles and intervals. Knows numbers only; every function says when the answer is None."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import NormalDist, fmean, stdev

from inference_arena.record import Distribution, Estimate

P99_NEEDS = 100
FEWEST_BLOCKS = 6
MOST_RESEMBLANCE = 0.9
_Z95 = NormalDist().inv_cdf(0.975)
# two-sided 95 % points of Student's t for 1 to 30 degrees of freedom (NIST/SEMATECH e-Handbook, table 1.3.6.7.2)
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


def percentile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between the two nearest of the sorted samples (Hyndman and Fan's type 7)."""
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    # written so that equal neighbours give exactly themselves
    return ordered[below] + (ordered[above] - ordered[below]) * (at - below)


def mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def distribution(values: Sequence[float], *, together: int = 1) -> Distribution | None:
    """None without samples; p99 is None under 100 of them, where it would be the maximum by another name.

    `together` is how many samples share their luck: the streams of a closed load warm up, wait and run together.
    """
    if not values:
        return None
    ordered = sorted(values)
    return Distribution(
        n=len(ordered),
        mean=fmean(ordered),
        min=ordered[0],
        p50=median(ordered, together=together),
        p90=percentile(ordered, 0.90),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99) if len(ordered) >= P99_NEEDS else None,
        max=ordered[-1],
    )


def median(ordered: Sequence[float], *, together: int = 1) -> Estimate:
    """The median of sorted samples with the 95 % interval that order statistics give, whatever the distribution.

    The k-th smallest and largest of n samples enclose the median with probability 1 - 2 P(Binomial(n, 1/2) < k); the
    largest k that keeps 95 % is taken. Under 6 samples no k does, and the bounds are None. Of `together` samples that
    share their luck only one is counted: n is divided, and the bounds are the same shares of all samples.
    """
    value, counted = percentile(ordered, 0.5), max(1, len(ordered) // together)
    rank = _median_rank(counted)
    if together == 1:
        bounds = (ordered[rank - 1], ordered[-rank]) if rank else (None, None)
    else:
        share = (rank - 1) / (counted - 1) if rank else 0.0
        bounds = (percentile(ordered, share), percentile(ordered, 1 - share)) if rank else (None, None)
    return Estimate(value=value, low=bounds[0], high=bounds[1], n=len(ordered), method="order-statistics")


def _median_rank(n: int) -> int:
    """The largest k with 2 P(Binomial(n, 1/2) < k) <= 5 %; 0 when there is none."""
    if n > 1000:  # where the normal approximation is within one rank
        return max(0, math.floor(n / 2 - _Z95 * math.sqrt(n) / 2))
    tail, rank, total = 0, 0, 2**n
    while True:
        tail += math.comb(n, rank)
        if 2 * tail > 0.05 * total:
            return rank
        rank += 1


def mean_of_blocks(blocks: Sequence[float], *, method: str) -> Estimate:
    """The mean of equally long, successive blocks with a Student 95 % interval.

    Successive tokens are not independent, so blocks stand in for samples (the method of batch means); where a block
    still resembles the one before, the interval is widened by sqrt((1 + r) / (1 - r)), r their correlation. The bounds
    are None under 6 blocks.
    """
    value = fmean(blocks)
    if len(blocks) < FEWEST_BLOCKS:
        return Estimate(value=value, n=len(blocks), method=method)
    resemblance = min(MOST_RESEMBLANCE, max(0.0, _lag_one(blocks)))
    widened = math.sqrt((1 + resemblance) / (1 - resemblance))
    half = student_95(len(blocks) - 1) * widened * stdev(blocks) / math.sqrt(len(blocks))
    return Estimate(value=value, low=max(0.0, value - half), high=value + half, n=len(blocks), method=method)


def _lag_one(blocks: Sequence[float]) -> float:
    """Correlation of each block with the one before it; 0 where they do not vary."""
    middle = fmean(blocks)
    spread = sum((block - middle) ** 2 for block in blocks)
    if spread == 0:
        return 0.0
    return sum((a - middle) * (b - middle) for a, b in pairwise(blocks)) / spread


def student_95(degrees: int) -> float:
    """The two-sided 95 % point of Student's t; beyond 30 degrees by Cornish-Fisher's first two terms."""
    if degrees <= len(_T95):
        return _T95[degrees - 1]
    z = _Z95
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)


def wilson(hits: int, n: int) -> Estimate | None:
    """A share with Wilson's 95 % score interval; None when n is 0."""
    if n == 0:
        return None
    share, z2 = hits / n, _Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Estimate(value=share, low=max(0.0, centre - half), high=min(1.0, centre + half), n=n, method="wilson")


def across_repeats(values: Sequence[float]) -> Estimate:
    """The median of runs; the bounds are their range, which is what repeats show without further assumptions."""
    ordered = sorted(values)
    return Estimate(value=percentile(ordered, 0.5), low=ordered[0], high=ordered[-1], n=len(ordered), method="repeats")
