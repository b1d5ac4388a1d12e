"""From raw traces to the summary of a record. Pure: the same traces give the same numbers, now and next year."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from inference_arena.facts import Slo
from inference_arena.metrics.client import client_summary, host_summary, self_test_summary
from inference_arena.metrics.devices import device_summaries
from inference_arena.metrics.doubts import find_doubts, most_serious_first
from inference_arena.metrics.energy import energy_summary
from inference_arena.metrics.goodput import judge, pooled, slo_result
from inference_arena.metrics.latency import (
    chunk_gaps_s,
    e2e_s,
    itl_s,
    longest_gap_s,
    scheduled_e2e_s,
    scheduled_ttft_s,
    tpot_s,
    ttft_s,
)
from inference_arena.metrics.stalls import stalls
from inference_arena.metrics.statistics import across_repeats, distribution, percentile
from inference_arena.metrics.throughput import (
    Window,
    buffered,
    concurrency_mean,
    input_tokens_per_s,
    output_tokens_per_s,
    requests_per_s,
    tokens_per_chunk,
)
from inference_arena.plan import Trial
from inference_arena.record import (
    Distribution,
    Doubt,
    EnergySummary,
    Estimate,
    LoadSummary,
    Point,
    PointSummary,
    RequestTrace,
    Sample,
    Summary,
)

METRICS_VERSION = 1
SHORT_ANSWER_SHARE = 0.9


def summarise(
    *,
    trial: Trial,
    points: Sequence[Point],
    traces: Iterable[RequestTrace],
    samples: Sequence[Sample],
    cpu_cores: int,
    standing: Sequence[Doubt] = (),
) -> Summary:
    """Every derived number of a record. Traces may come in any order. `standing`: doubts that hold beforehand."""
    by_point: dict[int, list[RequestTrace]] = {point.index: [] for point in points}
    for trace in traces:
        by_point.setdefault(trace.point, []).append(trace)
    summaries = tuple(
        summarise_point(point, traces=by_point[point.index], samples=samples, slo=trial.slo) for point in points
    )
    loads = tuple(summarise_load(group, slo=trial.slo) for group in _by_load(summaries).values())
    best = max((load for load in loads if load.output_tokens_per_s), key=_speed, default=None)
    bare = Summary(
        metrics_version=METRICS_VERSION,
        points=summaries,
        loads=loads,
        peak_output_tokens_per_s=None if best is None else _speed(best),
        peak_at=None if best is None else best.load,
        self_test=self_test_summary(samples),
        doubts=(),
    )
    found = find_doubts(bare, trial=trial, points=points, cpu_cores=cpu_cores)
    return bare.model_copy(update={"doubts": most_serious_first((*standing, *found))})


def _speed(load: LoadSummary) -> float:
    return load.output_tokens_per_s.value if load.output_tokens_per_s else 0.0


def _by_load(summaries: Iterable[PointSummary]) -> Mapping[str, list[PointSummary]]:
    groups: dict[str, list[PointSummary]] = {}
    for summary in summaries:
        groups.setdefault(summary.load.model_dump_json(), []).append(summary)
    return groups


def window_of(point: Point) -> Window | None:
    """The steady window; None when the point did not reach it."""
    if point.steady_from_s is None or point.steady_to_s is None:
        return None
    # a point cut short inside its window has seen only part of it, and one cut short in its warm-up none
    end_s = min(point.steady_to_s, point.ended_s)
    return (point.steady_from_s, end_s) if end_s > point.steady_from_s else None


def summarise_point(
    point: Point, *, traces: Sequence[RequestTrace], samples: Sequence[Sample], slo: Slo
) -> PointSummary:
    """One load point; what cannot be told is None, never 0."""
    traces = sorted(traces, key=lambda trace: (trace.scheduled_s, trace.request))
    window = window_of(point)
    measured = [t for t in traces if window is not None and window[0] <= t.scheduled_s < window[1]]
    ok = [trace for trace in measured if trace.result == "ok"]
    together = point.load.concurrency or 1
    results = Counter(trace.result for trace in measured)
    window_s = None if window is None else window[1] - window[0]
    tpot, e2e = _each(ok, tpot_s, together=together), _each(ok, e2e_s, together=together)
    # a window shorter than an answer says nothing of a rate
    rated = window if window is not None and e2e is not None and window[1] - window[0] >= e2e.p50.value else None
    rate = rated and output_tokens_per_s(traces, rated)
    return PointSummary(
        point=point.index,
        repeat=point.repeat,
        load=point.load,
        window_s=window_s,
        sent=len(measured),
        ok=results["ok"],
        failed=results["failed"],
        cancelled=results["cancelled"],
        unfinished=results["unfinished"],
        failures=dict(sorted(Counter(t.failure for t in measured if t.failure is not None).items())),
        outside_window=len(traces) - len(measured),
        concurrency_mean=rated and concurrency_mean(traces, rated),
        requests_per_s=rated and requests_per_s(traces, rated),
        output_tokens_per_s=rate,
        input_tokens_per_s=rated and input_tokens_per_s(traces, rated),
        output_tokens_per_s_per_user=1 / tpot.p50.value if tpot and tpot.p50.value > 0 and not buffered(ok) else None,
        ttft_s=_each(ok, ttft_s, together=together),
        scheduled_ttft_s=_each(ok, scheduled_ttft_s, together=together),
        tpot_s=tpot,
        itl_s=distribution([gap for trace in ok for gap in itl_s(trace)]),
        chunk_gap_s=distribution([gap for trace in ok for gap in chunk_gaps_s(trace)]),
        longest_gap_s=_each(ok, longest_gap_s, together=together),
        e2e_s=e2e,
        scheduled_e2e_s=_each(ok, scheduled_e2e_s, together=together),
        tokens_per_chunk=tokens_per_chunk(ok),
        input_tokens=_each(ok, lambda trace: trace.input_tokens),
        output_tokens=_each(ok, lambda trace: trace.output_tokens),
        short_answers=sum(_is_short(trace) for trace in ok),
        cached_input_share=_cached_share(ok),
        token_times=dict(sorted(Counter(str(t.token_times) for t in ok).items())),
        output_tokens_source=dict(sorted(Counter(str(t.output_tokens_source) for t in ok).items())),
        slo=slo_result(_judged(point, measured), slo, traces=traces, scheduled=point.load.kind == "open", window=rated),
        client=client_summary(point.index, measured=measured, samples=samples),
        host=host_summary(samples, window=window),
        **_devices(ok, samples, traces=traces, window=window, rate=rate),
    )


def _devices(
    ok: Sequence[RequestTrace],
    samples: Sequence[Sample],
    *,
    traces: Sequence[RequestTrace],
    window: Window | None,
    rate: Estimate | None,
) -> Mapping[str, Any]:
    """The accelerators' part of a point's summary."""
    devices = device_summaries(samples, window=window)
    return {
        "devices": devices,
        "energy": energy_summary(devices, window=window, output_tokens_per_s=rate.value if rate else None),
        "stalls": stalls(ok, samples, devices, traces=traces, window=window),
    }


def _judged(point: Point, measured: Sequence[RequestTrace]) -> Sequence[RequestTrace]:
    """What we broke off ourselves is no miss of the server's."""
    if point.stopped_by not in {"interrupted", "client-died"}:
        return measured
    return [trace for trace in measured if trace.result != "unfinished"]


def _each(
    traces: Iterable[RequestTrace], measure: Callable[[RequestTrace], float | None], *, together: int = 1
) -> Distribution | None:
    values = (measure(trace) for trace in traces)
    return distribution([float(value) for value in values if value is not None], together=together)


def _is_short(trace: RequestTrace) -> bool:
    return trace.output_tokens is not None and trace.output_tokens < SHORT_ANSWER_SHARE * trace.asked_output_tokens


def _cached_share(traces: Iterable[RequestTrace]) -> float | None:
    """Prompt tokens served from the prefix cache; None when the server does not say."""
    told = [(t.cached_input_tokens, t.input_tokens) for t in traces]
    known = [(cached, total) for cached, total in told if cached is not None and total is not None]
    total = sum(total for _, total in known)
    return sum(cached for cached, _ in known) / total if total else None


def summarise_load(group: Sequence[PointSummary], *, slo: Slo) -> LoadSummary:
    """One load over its repeats. With one point its own within-run intervals are kept."""
    attainment = pooled(point.slo.attainment for point in group if point.slo.attainment)
    ttfts = [d for point in group if (d := headline_ttft(point))]
    return LoadSummary(
        load=group[0].load,
        points=tuple(point.point for point in group),
        requests=sum(point.sent for point in group),
        failed=sum(point.sent - point.ok for point in group),
        output_tokens_per_s=_over([p.output_tokens_per_s for p in group]),
        output_tokens_per_s_per_user=_middle([p.output_tokens_per_s_per_user for p in group]),
        ttft_s=_over([d.p50 for d in ttfts]),
        ttft_p90_s=_middle([d.p90 for d in ttfts]),
        tpot_s=_over([p.tpot_s.p50 for p in group if p.tpot_s]),
        longest_gap_max_s=max((p.longest_gap_s.max for p in group if p.longest_gap_s), default=None),
        attainment=None if attainment is None else attainment.value,
        slo_met=judge(attainment, slo),
        joule_per_output_token=_over([_joule(p.energy) for p in group]),
    )


def _joule(energy: EnergySummary | None) -> Estimate | None:
    """One window's energy has no interval of its own: its error is the driver's."""
    if energy is None or energy.joule_per_output_token is None:
        return None
    return Estimate(value=energy.joule_per_output_token, n=1, method="one-window")


def headline_ttft(point: PointSummary) -> Distribution | None:
    """TTFT from the first byte sent for closed loads, from the scheduled time for open ones."""
    return point.ttft_s if point.load.kind == "closed" else point.scheduled_ttft_s


def _over(estimates: Sequence[Estimate | None]) -> Estimate | None:
    known = [estimate for estimate in estimates if estimate is not None]
    if not known:
        return None
    return known[0] if len(known) == 1 else across_repeats([estimate.value for estimate in known])


def _middle(values: Sequence[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return percentile(known, 0.5) if known else None
