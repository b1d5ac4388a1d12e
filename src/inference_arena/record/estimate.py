"""Numbers that say how sure they are."""

from inference_arena.facts import Fact


class Estimate(Fact):
    """A number with its 95 % interval; the bounds are None where too little was seen to tell."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int
    method: str


class Distribution(Fact):
    """Percentiles by linear interpolation on raw samples. No p99 under 100 samples."""

    n: int
    mean: float
    min: float
    p50: Estimate
    p90: float
    p95: float
    p99: float | None = None
    max: float
