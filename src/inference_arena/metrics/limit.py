"""Why more do not fit: what the engine's own counters say of the load points where the SLO was missed. Pure."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Final

from inference_arena import units
from inference_arena.facts import Slo
from inference_arena.record import CapacityCause, CounterSample, Point, PointSummary, Sample

KV_FULL: Final = 0.95
WAITING: Final = 0.5  # of a request, on average: less comes and goes between two steps of the engine
FAILED: Final = 0.05
GROWING: Final = 0.2  # more tokens a second for a doubling of the load
KV_USED, PREEMPTIONS = "kv_cache_used_share", "preemptions_total"
RUNNING, QUEUED = "requests_running", "requests_waiting"


def slowest(points: Sequence[PointSummary]) -> tuple[float | None, float | None]:
    """TTFT and TPOT that nine in ten requests keep, the worst of these points."""
    ttfts = [point.ttft_s.p90 for point in points if point.ttft_s is not None]
    tpots = [point.tpot_s.p90 for point in points if point.tpot_s is not None]
    return max(ttfts, default=None), max(tpots, default=None)


def cause_of(
    missed: Sequence[PointSummary],
    *,
    fewer: Sequence[PointSummary],
    points: Sequence[Point],
    samples: Sequence[Sample],
    slo: Slo,
) -> CapacityCause:
    """Failures first, then what counters show; without counters nothing is claimed. `fewer`: lower loads."""
    sent, lost = sum(p.sent for p in missed), sum(p.failed for p in missed)
    if sent and lost / sent > FAILED:
        return CapacityCause(code="failures", likely=False, evidence=f"{lost} of {sent} requests failed")
    told = [s for s in samples if isinstance(s, CounterSample) and any(_inside(s, point) for point in points)]
    if not told or all(QUEUED not in sample.values for sample in told):
        return CapacityCause(code="unknown", likely=True, evidence="the engine's counters were not to be had")
    return _kv_cache(told) or _queue(told) or _slow(missed, fewer, slo)


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


def _slow(missed: Sequence[PointSummary], fewer: Sequence[PointSummary], slo: Slo) -> CapacityCause:
    """Nobody waited, so each step became slow. Reading prompts computes. Writing reads all weights once a step for
    everybody: as long as that is the limit, more requests make more tokens a second; where they do not, computing is.
    """
    ttft_s, tpot_s = slowest(missed)
    if slo.tpot_s is not None and tpot_s is not None and tpot_s > slo.tpot_s:
        evidence = f"no request waited, but each further token took {units.seconds(tpot_s)}"
        if (gain := _gain_per_doubling(fewer, missed)) is not None and gain < GROWING:
            evidence += ", and more at once made hardly more tokens"
            return CapacityCause(code="compute-bound", likely=True, evidence=evidence)
        return CapacityCause(code="bandwidth-bound", likely=True, evidence=evidence)
    evidence = f"no request waited, but the first token took {units.seconds(ttft_s)}"
    return CapacityCause(code="compute-bound", likely=True, evidence=evidence)


def _gain_per_doubling(fewer: Sequence[PointSummary], missed: Sequence[PointSummary]) -> float | None:
    """From the lowest load to the one that missed; None where they are not twice apart, or have no throughput."""
    known = [p for p in (*fewer, *missed) if p.output_tokens_per_s is not None and p.output_tokens_per_s.value > 0]
    if not known:
        return None
    low, high = (pick(known, key=lambda p: p.load.level) for pick in (min, max))
    if high.load.level < 2 * low.load.level or low.output_tokens_per_s is None or high.output_tokens_per_s is None:
        return None
    growth = high.output_tokens_per_s.value / low.output_tokens_per_s.value
    return float(growth ** (1 / math.log2(high.load.level / low.load.level)) - 1)
