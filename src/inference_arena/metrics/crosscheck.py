"""Where our numbers and another tool's part, for the same prompts on the same server: by definition or by measurement.

Ours in our definition, ours in theirs, and theirs: the step between the first two is the definition, between the last
two the measurement. Pure.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

from inference_arena.facts import Fact
from inference_arena.metrics.definitions import METRICS, Metric, Requests
from inference_arena.metrics.statistics import median
from inference_arena.metrics.views import ViewOf, figures, ours_in
from inference_arena.record import Figure, PointSummary, ReportedRequest, SelfTestSummary

Verdict = Literal["agree", "definition", "measurement", "not-judged"]
FEWEST: Final = 6
UNALIKE: Final = 0.02
CACHE_SHARE: Final = 0.1
_RATE_SHARE: Final = 0.05
_MS: Final = 1000.0


class Parting(Fact):
    """One metric three ways, as a median where it has one. `allowed` is how far theirs may be from ours in their words:
    half the two medians' 95 % intervals and what our client adds; None where too little is known to judge.
    """

    name: str
    unit: str
    ours_name: str | None
    ours: float | None
    ours_as_theirs: float
    theirs: float
    allowed: float | None
    verdict: Verdict
    differs: str | None


class Crosscheck(Fact):
    """One load point."""

    point: int
    label: str
    requests: int
    their_requests: int
    partings: tuple[Parting, ...]
    unlike: tuple[str, ...]


def crosscheck(
    tool: ViewOf,
    *,
    point: PointSummary,
    ours: Requests,
    theirs: Requests,
    self_test: SelfTestSummary | None,
) -> Crosscheck:
    """`ours` as the tool would see them (views.as_seen), measured ones alone; `theirs` all that it reports."""
    streams = point.load.concurrency or 1
    good = [request for request in ours if request.result == "ok"]
    settled = _settled(theirs, streams=streams)
    seen = {figure.name: figure for figure in figures(tool, good)}
    told = {figure.name: figure for figure in figures(tool, settled)}
    partings = tuple(
        _parting(seen[m.name], told[m.name], metric=m, ours=good, theirs=settled, point=point, self_test=self_test)
        for m in METRICS[tool]
        if m.name in seen and m.name in told
    )
    return Crosscheck(
        point=point.point,
        label=point.load.label,
        requests=len(good),
        their_requests=len(settled),
        partings=partings,
        unlike=tuple(_unlike(good, settled)),
    )


def _settled(requests: Requests, *, streams: int) -> list[ReportedRequest]:
    """Ok requests without the first of each stream: they start together, and ours are warm."""
    good = sorted((r for r in requests if r.result == "ok"), key=lambda r: (r.sent_s or 0.0, r.request))
    return good[streams:] if len(good) > 2 * streams else good


def _parting(
    seen: Figure,
    told: Figure,
    *,
    metric: Metric,
    ours: Requests,
    theirs: Requests,
    point: PointSummary,
    self_test: SelfTestSummary | None,
) -> Parting:
    as_theirs, reported = _middle(seen), _middle(told)
    own = ours_in(seen, point)
    allowed = (
        _rate_allowed(seen, point)
        if metric.values is None
        else _allowed(metric, ours, theirs, streams=point.load.concurrency or 1, self_test=self_test)
    )
    return Parting(
        name=seen.name,
        unit=seen.unit,
        ours_name=seen.ours,
        ours=own,
        ours_as_theirs=as_theirs,
        theirs=reported,
        allowed=allowed,
        verdict=_verdict(own, as_theirs, reported, allowed=allowed),
        differs=seen.differs,
    )


def _middle(figure: Figure) -> float:
    """The median where there is one; a rate has its mean alone."""
    value = figure.mean if figure.p50 is None else figure.p50
    assert value is not None, "a figure without any value is never made"
    return value


def _verdict(own: float | None, as_theirs: float, theirs: float, *, allowed: float | None) -> Verdict:
    if allowed is None:
        return "not-judged"
    if abs(theirs - as_theirs) > allowed:
        return "measurement"
    return "definition" if own is None or abs(as_theirs - own) > allowed else "agree"


def _allowed(
    metric: Metric, ours: Requests, theirs: Requests, *, streams: int, self_test: SelfTestSummary | None
) -> float | None:
    """Half of both medians' intervals, and what our own client adds. Their client's error is not known."""
    assert metric.values is not None
    halves = [_half_width(metric.values, requests, streams=streams) for requests in (ours, theirs)]
    known = [half for half in halves if half is not None]
    if len(known) < len(halves):
        return None
    return sum(known) + _client_adds(metric, ours, middle=_middle_of(metric, ours), self_test=self_test)


def _client_adds(metric: Metric, requests: Requests, *, middle: float, self_test: SelfTestSummary | None) -> float:
    """What our own client is known to add, in the metric's unit: to a wait its error, to a pace its share.

    A pace with the wait inside, which is none of ours, has both: the wait's error is spread over the tokens.
    """
    if self_test is None:
        return 0.0
    wait = max(0.0, self_test.ttft_error_p99_s) * (_MS if metric.unit == "ms" else 1.0)
    pace = abs(self_test.tpot_error_share or 0.0) * middle
    if metric.ours in ("ttft_s", "e2e_s"):
        return wait
    return pace if metric.ours is not None else pace + wait / max(1.0, _mean(requests, _output) or 1.0)


def _middle_of(metric: Metric, requests: Requests) -> float:
    assert metric.values is not None
    return median(sorted(value for value, _ in metric.values(requests))).value


def _half_width(
    values: Callable[[Requests], Sequence[tuple[float, float]]], requests: Requests, *, streams: int
) -> float | None:
    """None under six samples that do not share their luck. A median that is exact to the clock still has its tick."""
    found = sorted(value for value, _ in values(requests))
    if len(found) < FEWEST:
        return None
    middle = median(found, together=streams)
    if middle.low is None or middle.high is None:
        return None
    return max(middle.high - middle.value, middle.value - middle.low)


def _rate_allowed(seen: Figure, point: PointSummary) -> float | None:
    """As wide, in proportion, as the interval of our own throughput; at least 5 %, for edges weigh in short runs."""
    rate = point.output_tokens_per_s
    if rate is None or rate.low is None or rate.high is None or not rate.value:
        return None
    share = max(_RATE_SHARE, (rate.high - rate.low) / 2 / rate.value)
    return share * _middle(seen)


def _unlike(ours: Requests, theirs: Requests) -> list[str]:
    """What was not the same after all, so that a difference says nothing of either tool."""
    said = []
    for what, of in (("input", _input), ("output", _output)):
        mine, other = _mean(ours, of), _mean(theirs, of)
        if mine and other and abs(mine - other) > UNALIKE * mine:
            said.append(f"{what} tokens per request: {mine:.1f} with us, {other:.1f} with it")
    mine, other = _cached(ours), _cached(theirs)
    if mine is not None and other is not None and abs(mine - other) > CACHE_SHARE:
        said.append(f"prompt tokens from the server's cache: {mine:.0%} with us, {other:.0%} with it")
    return said


def _input(request: ReportedRequest) -> int | None:
    return request.input_tokens


def _output(request: ReportedRequest) -> int | None:
    return request.output_tokens


def _mean(requests: Requests, of: Callable[[ReportedRequest], int | None]) -> float | None:
    known = [value for request in requests if (value := of(request)) is not None]
    return sum(known) / len(known) if known else None


def _cached(requests: Requests) -> float | None:
    known = [(r.cached_input_tokens, r.input_tokens) for r in requests]
    told = [(cached, total) for cached, total in known if cached is not None and total is not None]
    total = sum(total for _, total in told)
    return sum(cached for cached, _ in told) / total if total else None
