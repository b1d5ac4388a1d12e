"""Why a number may mislead: one function a doubt, each with what was seen and what would settle it. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from inference_arena import units
from inference_arena.metrics.device_doubts import find_device_doubts
from inference_arena.plan import Trial
from inference_arena.record import Doubt, Point, PointSummary, Summary

LATE_SHARE: Final = 0.05
TPOT_SHARE: Final = 0.01
CHUNKY: Final = 4.0
BUSY_CLIENT_SHARE: Final = 0.8
CACHED_SHARE: Final = 0.5
SHORT_SHARE: Final = 0.05
FEW_SAMPLES: Final = 30
STILL_GROWING: Final = 1.1
SPREAD: Final = 0.1
FOREIGN_CPU_SHARE: Final = 0.15


def find_doubts(summary: Summary, *, trial: Trial, points: Sequence[Point], cpu_cores: int) -> tuple[Doubt, ...]:
    """Every doubt that the record's own numbers raise, most serious first."""
    found = [
        *_failures(summary.points),
        *_cut(points),
        *_client_late(summary.points),
        *_client_bound(summary.points),
        *_tokens_lost(summary),
        *_self_test_off(summary),
        *_buffered(summary.points),
        *_usage_missing(summary.points),
        *_apportioned(summary.points),
        *_short_output(summary.points, trial),
        *_warm_cache(summary.points),
        *_busy_host(summary.points, cpu_cores),
        *find_device_doubts(summary.points),
        *_short_window(summary.points),
        *_few_samples(summary.points),
        *_unstable(summary),
        *_not_saturated(summary),
    ]
    return most_serious_first(found)


def most_serious_first(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    order = {"serious": 0, "caution": 1, "note": 2}
    return tuple(sorted(doubts, key=lambda doubt: order[doubt.weight]))


def _where(points: Iterable[PointSummary]) -> str:
    return "at " + ", ".join(point.load.label for point in points)


def _those(points: Iterable[PointSummary], wrong: Callable[[PointSummary], bool]) -> list[PointSummary]:
    return [point for point in points if wrong(point)]


def _failures(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.failed + p.unfinished > 0.05 * p.sent)
    if bad:
        kinds = sorted({kind for point in bad for kind in point.failures}) or ["unfinished"]
        lost = sum(point.failed + point.unfinished for point in bad)
        yield Doubt(
            code="failures",
            weight="serious",
            evidence=f"{lost} of {sum(p.sent for p in bad)} requests did not succeed {_where(bad)}: {', '.join(kinds)}",
            advice="latencies are over the ones that did; find the cause before comparing",
        )


def _cut(points: Sequence[Point]) -> Iterator[Doubt]:
    bad = [point for point in points if point.stopped_by != "plan"]
    if bad:
        reasons = ", ".join(f"{point.load.label}: {point.stopped_by}" for point in bad)
        yield Doubt(
            code="cut-short",
            weight="serious",
            evidence=f"load points ended before their plan ({reasons})",
            advice="lower the load, or give each point more time with --duration",
        )


def _client_late(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    """The loop's lag is the least error of a clock reading; 5 % of the latency it is read for is too much."""

    def late(point: PointSummary) -> bool:
        lag, ttft = point.client.loop_lag_p99_s, point.ttft_s
        return lag is not None and ttft is not None and lag > LATE_SHARE * ttft.p50.value

    def late_to_send(point: PointSummary) -> bool:
        lag, ttft = point.client.schedule_lag_p99_s, point.scheduled_ttft_s
        return point.load.kind == "open" and bool(lag and ttft and lag > LATE_SHARE * ttft.p50.value)

    bad = _those(points, lambda p: late(p) or late_to_send(p))
    if bad:
        worst = max(max(p.client.loop_lag_p99_s or 0, p.client.schedule_lag_p99_s or 0) for p in bad)
        yield Doubt(
            code="client-late",
            weight="caution",
            evidence=f"the load client was up to {units.seconds(worst)} late (p99), over 5 % of TTFT, {_where(bad)}",
            advice="close other programs, lower the load, or run the client on another machine with --url",
        )


def _client_bound(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: (p.client.cpu_share or 0) > BUSY_CLIENT_SHARE)
    if bad:
        share = max(p.client.cpu_share or 0 for p in bad)
        yield Doubt(
            code="client-bound",
            weight="serious",
            evidence=f"the load client used {units.percent(share)} of its core {_where(bad)}: it may be the limit",
            advice="lower the load, or run the client on another machine with --url",
        )


def _tokens_lost(summary: Summary) -> Iterator[Doubt]:
    test = summary.self_test
    if test is not None and test.tokens_lost:
        yield Doubt(
            code="client-lost-tokens",
            weight="serious",
            evidence=f"the client's self-test missed {test.tokens_lost} tokens that were sent",
            advice="report this: it must never happen",
        )


def _self_test_off(summary: Summary) -> Iterator[Doubt]:
    """The self-test's error beside the quickest median TTFT; without a test nobody knows the client's error."""
    ttfts = [point.ttft_s.p50.value for point in summary.points if point.ttft_s]
    test = summary.self_test
    if test is None and ttfts:
        yield Doubt(
            code="no-self-test",
            weight="note",
            evidence="the load client was not tested after this run, so its own error is unknown",
            advice="arena doctor --self-test measures it at several loads",
        )
    if test is None or not ttfts:
        return
    off_s, tpot = test.ttft_error_p99_s, test.tpot_error_share or 0.0
    if off_s > LATE_SHARE * min(ttfts) or tpot > TPOT_SHARE:
        yield Doubt(
            code="client-inexact",
            weight="caution",
            evidence=f"in its self-test the load client was {units.seconds(off_s)} off in TTFT (p99) and "
            f"{units.percent(tpot)} in TPOT",
            advice="close other programs and run again, or run the client on another machine with --url",
        )


def _buffered(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.tpot_s is not None and p.output_tokens_per_s_per_user is None)
    bad += _those(points, lambda p: p.ok > 0 and p.tpot_s is None and (p.tokens_per_chunk or 0) > CHUNKY)
    if bad:
        yield Doubt(
            code="buffered-stream",
            weight="serious",
            evidence=f"answers came for the most part in one piece {_where(bad)}: something on the way holds them back",
            advice="TTFT is then the whole answer's time; reach the server directly, or turn the proxy's buffering off",
        )


def _usage_missing(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.output_tokens_source.get("deltas", 0) > 0)
    if bad:
        yield Doubt(
            code="usage-missing",
            weight="caution",
            evidence=f"the server sent no token counts; pieces of text were counted instead {_where(bad)}",
            advice="a piece may hold several tokens: compare with servers that report usage only with care",
        )


def _apportioned(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.token_times.get("apportioned", 0) > 0.05 * max(1, p.ok))
    if bad:
        yield Doubt(
            code="token-times-apportioned",
            weight="note",
            evidence=f"pieces of text and the server's count differ; tokens were spread by characters {_where(bad)}",
            advice="totals, TTFT and gaps hold; ITL is approximate",
        )


def _short_output(points: Sequence[PointSummary], trial: Trial) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.short_answers > SHORT_SHARE * max(1, p.ok))
    if bad:
        told = "although asked to ignore the end-of-text token" if trial.lengths.ignore_eos else "by their own end"
        yield Doubt(
            code="short-output",
            weight="caution",
            evidence=f"{sum(p.short_answers for p in bad)} answers were over 10 % shorter than asked, {told}",
            advice="do not compare with results of full length",
        )


def _warm_cache(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: (p.cached_input_share or 0) > CACHED_SHARE)
    if bad:
        share = max(p.cached_input_share or 0 for p in bad)
        yield Doubt(
            code="warm-cache",
            weight="caution",
            evidence=f"{units.percent(share)} of prompt tokens came from the prefix cache {_where(bad)}",
            advice="TTFT is that of repeated prompts; another --seed makes new ones",
        )


def _busy_host(points: Sequence[PointSummary], cpu_cores: int) -> Iterator[Doubt]:
    """What the whole machine used, less what engine and client used, in shares of all cores."""

    def foreign(point: PointSummary) -> float:
        host = point.host
        if host.cpu_share_mean is None or host.engine_cpu_share_mean is None:
            return 0.0
        own = (host.engine_cpu_share_mean + (point.client.cpu_share or 0)) / cpu_cores
        return host.cpu_share_mean - own

    bad = _those(points, lambda p: foreign(p) > FOREIGN_CPU_SHARE)
    if bad:
        share = max(foreign(point) for point in bad)
        yield Doubt(
            code="other-load-on-host",
            weight="caution",
            evidence=f"other programs used up to {units.percent(share)} of the processor {_where(bad)}",
            advice="close them and run again: numbers may be too low",
        )


def _short_window(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: p.ok > 0 and p.window_s is not None and p.output_tokens_per_s is None)
    if bad:
        yield Doubt(
            code="short-window",
            weight="caution",
            evidence=f"an answer takes longer than the measured time {_where(bad)}: tokens per second are unknown",
            advice="give each point more time with --duration, or ask for shorter answers with --output-tokens",
        )


def _few_samples(points: Sequence[PointSummary]) -> Iterator[Doubt]:
    bad = _those(points, lambda p: 0 < p.ok < FEW_SAMPLES)
    if bad:
        fewest = min(point.ok for point in bad)
        yield Doubt(
            code="few-samples",
            weight="note",
            evidence=f"as few as {fewest} answers behind a latency {_where(bad)}",
            advice="medians are rough and tails unknown: --duration 60s or --requests 100 tells more",
        )


def _unstable(summary: Summary) -> Iterator[Doubt]:
    bad = []
    for load in summary.loads:
        speed = load.output_tokens_per_s
        if speed and speed.method == "repeats" and speed.low is not None and speed.high is not None:
            spread = (speed.high - speed.low) / speed.value if speed.value else 0.0
            bad += [f"{load.load.label} ({units.percent(spread)})"] if spread > SPREAD else []
    if bad:
        yield Doubt(
            code="unstable",
            weight="caution",
            evidence=f"repeats differ by over 10 % in tokens/s at {', '.join(bad)}",
            advice="close other programs and run more repeats before comparing",
        )


def _not_saturated(summary: Summary) -> Iterator[Doubt]:
    """The last doubling of the load still brought over 10 % more tokens a second."""
    loads = [load for load in summary.loads if load.output_tokens_per_s and load.load.kind == "closed"]
    if len(loads) < 2:  # growth needs two points
        return
    before, last = sorted(loads, key=lambda load: load.load.level)[-2:]
    assert before.output_tokens_per_s is not None
    assert last.output_tokens_per_s is not None
    if last.output_tokens_per_s.value > STILL_GROWING * before.output_tokens_per_s.value:
        more = ",".join(str(int(last.load.level * factor)) for factor in (2, 4))
        yield Doubt(
            code="not-saturated",
            weight="note",
            evidence=f"throughput was still growing at {last.load.label} requests at once: the peak is higher",
            advice=f"--concurrency {more} finds where it stops",
        )
