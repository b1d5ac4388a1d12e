"""One number at one load, on two sides: the difference, its interval, and whether it may be claimed. Pure.

Launches are the unit: requests and repeats inside a launch share its luck, and say how it varies within, not between.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from inference_arena.compare.measures import MEASURES, Measure
from inference_arena.compare.repeats import EFFECT, launches_needed
from inference_arena.compare.side import Side, SideValues, on_scale, values_of
from inference_arena.compare.welch import Contrast, contrast
from inference_arena.facts import Fact
from inference_arena.plan import Load

LEVEL: Final = 0.05
_BEYOND: Final = 20.0  # a ratio of e^20 is no bound on anything
Verdict = Literal["more", "less", "none", "too-few", "constant", "client-error", "forbidden", "beside"]


class MetricDifference(Fact):
    """B against A in one number at one load.

    `change` and its bounds are B / A - 1 (B - A for a share of requests). `low` and `high` are at `confidence`; None
    where too few launches tell, and where a bound is so far off that it bounds nothing. `verdict` more and less are
    claims about B. `beside` is shown and never claimed. `needed` are launches a side in all that would find a change of
    10 % nine times in ten; None where the spread is unknown, or where a thousand would not do.
    """

    load: Load
    metric: str
    title: str
    unit: str
    better: Literal["more", "less"]
    scale: Literal["ratio", "points"]
    a: SideValues
    b: SideValues
    change: float
    low: float | None
    high: float | None
    confidence: float | None
    p: float | None
    verdict: Verdict
    needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A number on both sides before it is judged; without a contrast where the launches cannot tell."""

    load: Load
    measure: Measure
    a: SideValues
    b: SideValues
    contrast: Contrast | None

    @property
    def p(self) -> float:
        return 1.0 if self.contrast is None else self.contrast.p


def look(a: Side, b: Side, measure: Measure, *, at: Load) -> Look | None:
    """None where a side has no such number at this load."""
    one, other = values_of(a, measure, at=at), values_of(b, measure, at=at)
    if one is None or other is None:
        return None
    both = contrast(on_scale(one.launches, measure), on_scale(other.launches, measure))
    return Look(load=at, measure=measure, a=one, b=other, contrast=both)


def judged(seen: Look, *, level: float, stands: bool, needed_level: float, client_error_s: float) -> MetricDifference:
    """With a verdict, at the level that Holm's correction gave it. `needed_level` is that of the plan for more."""
    verdict = _verdict(seen, stands=stands, client_error_s=client_error_s)
    return _difference(seen, level=level, verdict=verdict, needed=_needed(seen, level=needed_level))


def unjudged(seen: Look, *, verdict: Literal["forbidden", "beside"]) -> MetricDifference:
    """Shown beside: what may not be compared has no interval, what is not judged one that is not corrected."""
    bare = (
        seen if verdict == "beside" else Look(load=seen.load, measure=seen.measure, a=seen.a, b=seen.b, contrast=None)
    )
    return _difference(bare, level=LEVEL, verdict=verdict, needed=None)


def _verdict(seen: Look, *, stands: bool, client_error_s: float) -> Verdict:
    if seen.contrast is None:
        return "too-few" if min(len(seen.a.launches), len(seen.b.launches)) < 2 else "constant"
    if not stands:
        return "none"
    if seen.measure.name.startswith("ttft") and abs(seen.b.value - seen.a.value) <= client_error_s:
        return "client-error"
    return "more" if seen.contrast.difference > 0 else "less"


def _needed(seen: Look, *, level: float) -> int | None:
    effect = math.log1p(EFFECT) if seen.measure.scale == "ratio" else EFFECT
    both = seen.contrast
    if both is None:
        return None
    return launches_needed(spread=both.spread, degrees=both.spread_degrees, effect=effect, level=level)


def _difference(seen: Look, *, level: float, verdict: Verdict, needed: int | None) -> MetricDifference:
    measure, both = seen.measure, seen.contrast
    low, high = (None, None) if both is None else (_bound(bound, measure) for bound in both.interval(level))
    return MetricDifference(
        load=seen.load,
        metric=measure.name,
        title=measure.title,
        unit=measure.unit,
        better=measure.better,
        scale=measure.scale,
        a=seen.a,
        b=seen.b,
        change=seen.b.value / seen.a.value - 1 if measure.scale == "ratio" else seen.b.value - seen.a.value,
        low=low,
        high=high,
        confidence=None if both is None else 1 - level,
        p=None if both is None else both.p,
        verdict=verdict,
        needed=needed,
    )


def _bound(bound: float, measure: Measure) -> float | None:
    if measure.scale == "points":
        return max(-1.0, min(1.0, bound))
    return math.expm1(bound) if abs(bound) < _BEYOND else None


def looks(a: Side, b: Side, *, loads: Sequence[Load], same_goal: bool) -> list[Look]:
    """Every number at every load that both sides know, load by load."""
    measures = [measure for measure in MEASURES.values() if same_goal or not measure.needs_slo]
    found = (look(a, b, measure, at=load) for load in loads for measure in measures)
    return [each for each in found if each is not None]
