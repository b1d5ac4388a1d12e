"""Why more do not fit: what the engine's own counters say of the load points where the SLO was missed. Pure."""

from collections.abc import Sequence
from statistics import fmean
from typing import Final

from inference_arena import units
from inference_arena.facts import Slo
from inference_arena.record import CapacityCause, CounterSample, Point, PointSummary, Sample

KV_FULL: Final = 0.95
WAITING: Final = 0.5  # of a request, on average: less comes and goes between two steps of the engine
FAILED: Final = 0.05
KV_USED, PREEMPTIONS = "kv_cache_used_share", "preemptions_total"
RUNNING, QUEUED = "requests_running", "requests_waiting"


def slowest(points: Sequence[PointSummary]) -> tuple[float | None, float | None]:
    """TTFT and TPOT that nine in ten requests keep, the worst of these points."""
    ttfts = [point.ttft_s.p90 for point in points if point.ttft_s is not None]
    tpots = [point.tpot_s.p90 for point in points if point.tpot_s is not None]
    return max(ttfts, default=None), max(tpots, default=None)


def cause_of(
    missed: Sequence[PointSummary], *, points: Sequence[Point], samples: Sequence[Sample], slo: Slo
) -> CapacityCause:
    """Failures first, then what counters show; without counters nothing is claimed."""
    sent, lost = sum(p.sent for p in missed), sum(p.failed for p in missed)
    if sent and lost / sent > FAILED:
        return CapacityCause(code="failures", likely=False, evidence=f"{lost} of {sent} requests failed")
    told = [s for s in samples if isinstance(s, CounterSample) and any(_inside(s, point) for point in points)]
    if not told or all(QUEUED not in sample.values for sample in told):
        return CapacityCause(code="unknown", likely=True, evidence="the engine's counters were not to be had")
    return _kv_cache(told) or _queue(told) or _slow(missed, slo)


def _inside(sample: CounterSample, point: Point) -> bool:
    from_s = point.started_s if point.steady_from_s is None else point.steady_from_s
    return from_s <= sample.t_s <= point.ended_s


def _mean(told: Sequence[CounterSample], name: str) -> float | None:
    values = [sample.values[name] for sample in told if name in sample.values]
    return fmean(values) if values else None


def _kv_cache(told: Sequence[CounterSample]) -> CapacityCause | None:
    used = max((sample.values[KV_USED] for sample in told if KV_USED in sample.values), default=None)
    evicted = [sample.values[PREEMPTIONS] for sample in told if PREEMPTIONS in sample.values]
    grown = max(evicted) - min(evicted) if evicted else 0.0
    if grown > 0:
        return CapacityCause(
            code="kv-cache-full",
            likely=False,
            evidence=f"{grown:.0f} requests were put back to make room in the KV cache",
        )
    if used is None or used < KV_FULL or (_mean(told, QUEUED) or 0.0) < WAITING:
        return None
    return CapacityCause(
        code="kv-cache-full", likely=False, evidence=f"the KV cache was {units.percent(used)} full and requests waited"
    )


def _queue(told: Sequence[CounterSample]) -> CapacityCause | None:
    waiting, running = _mean(told, QUEUED), _mean(told, RUNNING)
    if waiting is None or waiting < WAITING:
        return None
    at_work = "" if running is None else f" while {units.number(running, digits=2)} were being answered"
    evidence = f"{units.number(waiting, digits=2)} requests waited in the engine's queue on average{at_work}"
    return CapacityCause(code="queueing", likely=False, evidence=evidence)


def _slow(missed: Sequence[PointSummary], slo: Slo) -> CapacityCause:
    """Nobody waited, so each step became slow: reading prompts computes, writing answers mostly reads memory."""
    ttft_s, tpot_s = slowest(missed)
    late_words = slo.tpot_s is not None and tpot_s is not None and tpot_s > slo.tpot_s
    if late_words:
        evidence = f"no request waited, but each further token took {units.seconds(tpot_s)}"
        return CapacityCause(code="bandwidth-bound", likely=True, evidence=evidence)
    evidence = f"no request waited, but the first token took {units.seconds(ttft_s)}"
    return CapacityCause(code="compute-bound", likely=True, evidence=evidence)
