"""Numbers that are known within a range only, and how they combine. Knows nothing of what they count."""

import math
from typing import NamedTuple, Self

from pydantic import model_validator

from inference_arena.facts import Basis, Fact, Spread


class Interval(Fact):
    """A number of which the most likely value and a range are known, how (`basis`), and from what (`source`).

    measured: on this very machine. calibrated: a formula with factors from measurements, and the range that held 80 %
    of them. formula: nobody measured anything like it, and the range says what is thinkable.
    """

    low: float
    point: float
    high: float
    basis: Basis
    source: str

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.point <= self.high:
            raise ValueError(f"{self.low} <= {self.point} <= {self.high} does not hold")
        return self


class Bounds(NamedTuple):
    """How much faster and slower than predicted is to be expected, as factors of the time."""

    low: float
    high: float
    basis: Basis
    source: str


def bounds(spread: Spread, *, source: str, slower: float) -> Bounds:
    """What was measured; where `slower` than 1, a slow end that so much further out, and then it is a formula only."""
    basis = spread.basis if slower == 1 else "formula"
    return Bounds(low=spread.low, high=spread.high * slower, basis=basis, source=source)


def span(one: Interval, other: Interval, *, source: str) -> Interval:
    """Both ranges and all between them, most likely in their geometric middle; a formula whatever they were."""
    return Interval(
        low=min(one.low, other.low),
        point=math.sqrt(one.point * other.point),
        high=max(one.high, other.high),
        basis="formula",
        source=source,
    )


def seconds(point: float, *, best: float, within: Bounds) -> Interval:
    """A time, never below `best`, which no such card could undercut."""
    low = min(point, max(best, point * within.low))
    return Interval(low=low, point=point, high=point * within.high, basis=within.basis, source=within.source)


def times(interval: Interval, factor: int) -> Interval:
    """So many equal ones together."""
    scaled = {name: getattr(interval, name) * factor for name in ("low", "point", "high")}
    return interval.model_copy(update=scaled)


def per_second(amount: float, time: Interval) -> Interval:
    """How much a second, if `amount` takes this time."""
    return Interval(
        low=amount / time.high,
        point=amount / time.point,
        high=amount / time.low,
        basis=time.basis,
        source=time.source,
    )


def throughput(*, requests: int, tokens: int, first: Interval, each: Interval, most: float) -> Interval:
    """Tokens a second of `requests` that each wait for the first token and then for the others; never above `most`."""

    def rate(first_s: float, each_s: float) -> float:
        return min(most, requests * tokens / (first_s + (tokens - 1) * each_s))

    basis: Basis = "formula" if "formula" in {first.basis, each.basis} else each.basis
    return Interval(
        low=rate(first.high, each.high),
        point=rate(first.point, each.point),
        high=rate(first.low, each.low),
        basis=basis,
        source=each.source,
    )
