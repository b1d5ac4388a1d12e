"""Which requests met the SLO, and how many a second did. Errors are misses. Pure."""

from collections.abc import Iterable, Sequence

from inference_arena.facts import Slo
from inference_arena.metrics.latency import scheduled_ttft_s, tpot_s, ttft_s
from inference_arena.metrics.statistics import wilson
from inference_arena.metrics.throughput import Window, requests_per_s
from inference_arena.record import Estimate, Point, RequestTrace, SloResult


def met(trace: RequestTrace, slo: Slo, *, scheduled: bool) -> bool:
    """Every stated bound holds. An open load is judged from the scheduled time. One token has no TPOT to miss."""
    if trace.result != "ok":
        return False
    first_s = scheduled_ttft_s(trace) if scheduled else ttft_s(trace)
    each_s = tpot_s(trace)
    in_time = slo.ttft_s is None or (first_s is not None and first_s <= slo.ttft_s)
    return in_time and (slo.tpot_s is None or each_s is None or each_s <= slo.tpot_s)


def slo_result(
    measured: Sequence[RequestTrace],
    slo: Slo,
    *,
    traces: Sequence[RequestTrace],
    scheduled: bool,
    window: Window | None,
) -> SloResult:
    """Attainment over the measured requests with Wilson's interval; None where nothing was measured.

    Goodput counts like throughput, by what finished inside the window whenever it began, so it is never more.
    """
    good = [trace for trace in traces if met(trace, slo, scheduled=scheduled)]
    hits = sum(met(trace, slo, scheduled=scheduled) for trace in measured)
    attainment = wilson(hits, len(measured))
    return SloResult(
        name=slo.name,
        attainment=attainment,
        goodput_per_s=None if window is None else requests_per_s(good, window),
        met=judge(attainment, slo),
    )


def judge(attainment: Estimate | None, slo: Slo) -> bool | None:
    """Whether enough requests met the SLO; None where the interval leaves it open, as it does with few requests."""
    if attainment is None or attainment.low is None or attainment.high is None:
        return None
    if attainment.low >= slo.judged_at:
        return True
    return False if attainment.high < slo.judged_at else None


def pooled(attainments: Iterable[Estimate]) -> Estimate | None:
    """One share over all repeats."""
    known = list(attainments)
    return wilson(sum(round(each.value * each.n) for each in known), sum(each.n for each in known))


def judged(point: Point, measured: Sequence[RequestTrace]) -> Sequence[RequestTrace]:
    """What we broke off ourselves is no miss of the server's, and nor is who left whatever it did."""
    ours = point.stopped_by in {"interrupted", "client-died"}
    return [
        trace for trace in measured if trace.cancelled_by != "by-chance" and not (ours and trace.result == "unfinished")
    ]
