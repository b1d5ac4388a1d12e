"""What the engine did when people left, and what its prefix cache gave: read from its own counters. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from inference_arena.metrics.statistics import distribution
from inference_arena.record import (
    CacheSummary,
    CounterSample,
    LeftSummary,
    Point,
    RepeatSample,
    RepeatSummary,
    RequestTrace,
    Sample,
)

RUNNING, WAITING = "requests_running", "requests_waiting"
LOOKED_UP, FOUND = "prefix_cache_queries_total", "prefix_cache_hits_total"


def left_summary(
    point: Point, *, measured: Iterable[RequestTrace], traces: Sequence[RequestTrace], samples: Iterable[Sample]
) -> LeftSummary | None:
    """None where nobody left. `traces` are all of the point, since the engine's counters know no window."""
    left = [trace for trace in measured if trace.cancelled_by is not None and trace.ended_s is not None]
    if not left:
        return None
    first_s = min(trace.ended_s for trace in left if trace.ended_s is not None)
    seen = [s for s in _counters(samples) if first_s < s.t_s <= point.ended_s and RUNNING in s.values]
    beyond = [s.values[RUNNING] + s.values.get(WAITING, 0.0) - _in_flight(traces, s.t_s) for s in seen]
    return LeftSummary(
        why=dict(sorted(Counter(str(trace.cancelled_by) for trace in left).items())),
        waited_s=distribution([trace.ended_s - trace.scheduled_s for trace in left if trace.ended_s is not None]),
        beyond_mean=fmean(beyond) if beyond else None,
        beyond_max=max(beyond, default=None),
        samples=len(beyond),
    )


def _counters(samples: Iterable[Sample]) -> list[CounterSample]:
    return sorted((s for s in samples if isinstance(s, CounterSample)), key=lambda sample: sample.t_s)


def _in_flight(traces: Iterable[RequestTrace], at_s: float) -> int:
    """Requests that somebody was waiting for."""
    return sum(
        trace.sent_s is not None and trace.sent_s <= at_s and (trace.ended_s is None or at_s < trace.ended_s)
        for trace in traces
    )


def repeat_summary(samples: Iterable[Sample]) -> RepeatSummary | None:
    """None where no question was asked twice."""
    asked = next((sample for sample in samples if isinstance(sample, RepeatSample)), None)
    return None if asked is None else RepeatSummary(**asked.model_dump(exclude={"kind"}))


def cache_summary(point: Point, *, samples: Iterable[Sample]) -> CacheSummary | None:
    """Growth of the counters from the last sample before the point to the first one after it, or its last one.

    None where the engine has no such counters, or they were read fewer than twice.
    """
    told = [s for s in _counters(samples) if LOOKED_UP in s.values and FOUND in s.values]
    before = [s for s in told if s.t_s <= point.started_s]
    inside = [s for s in told if point.started_s < s.t_s <= point.ended_s]
    after = [s for s in told if s.t_s > point.ended_s]
    span = [*before[-1:], *inside, *after[:1]]
    if len(span) < 2:
        return None
    looked_up, found = (span[-1].values[name] - span[0].values[name] for name in (LOOKED_UP, FOUND))
    if looked_up < 0 or found < 0:  # the engine was started again
        return None
    return CacheSummary(
        looked_up_tokens=looked_up, found_tokens=found, found_share=found / looked_up if looked_up else None
    )
