"""What a report of another tool can and cannot say. One function a doubt, as for our own records. Pure."""

from collections.abc import Iterator, Sequence
from math import isclose
from typing import Final

from inference_arena.exchange.told import Told
from inference_arena.metrics import figures
from inference_arena.record import Doubt, Figure, Reported, ReportedPoint, ReportedRequest

_VIEWED: Final = ("guidellm", "aiperf", "vllm", "sglang")
_SAME: Final = 1e-3
_NEVER_SAID: Final = ("driver", "flags", "quantization", "cache state")
_OWN_LOAD: Final = "throughput"
_THEIR_CLIENT: Final = Doubt(
    code="their-client",
    weight="note",
    evidence="measured by another client, whose own error is not known: no self-test, no lag of its loop",
    advice="at few streams medians are usually right to some ms; do not trust a p99 at many",
)


def report_doubts(told: Told) -> tuple[Doubt, ...]:
    """Every doubt of a report, most serious first."""
    found = [
        *_impossible(told),
        *_not_reproduced(told),
        *_failures(told),
        *_cut(told),
        *_over_failures(told),
        *_saturating(told),
        *_bunched_arrivals(told),
        *_aggregates(told),
        _unknown_setup(told),
        _THEIR_CLIENT,
        *_other_definitions(told),
        *_no_gaps(told),
    ]
    order = {"serious": 0, "caution": 1, "note": 2}
    return tuple(sorted(found, key=lambda doubt: order[doubt.weight]))


def _impossible(told: Told) -> Iterator[Doubt]:
    names = sorted({f.name for point in told.points for f in point.figures if (f.min or 0) < 0 or (f.mean or 0) < 0})
    if names:
        yield Doubt(
            code="impossible",
            weight="serious",
            evidence=f"{', '.join(names)} is below 0, which no time or count can be",
            advice="do not use this report; its clock may have been set back while it ran",
        )


def _not_reproduced(told: Told) -> Iterator[Doubt]:
    """The tool's formulas over the file's own requests must give its figures; early formulas differ, and say so."""
    wrong = sorted({name for point in told.points for name in _wrong_figures(told, point)})
    if wrong:
        yield Doubt(
            code="not-reproduced",
            weight="serious",
            evidence=f"the requests in the file do not give its own {', '.join(wrong)}",
            advice="the file was changed, or this version of the tool counts otherwise; trust the requests",
        )


def _wrong_figures(told: Told, point: ReportedPoint) -> Iterator[str]:
    again = {figure.name: figure for figure in recomputed(told, point.index)}
    for figure in point.figures:
        other = again.get(figure.name)
        if other is None or other.n is None or figure.mean is None or other.mean is None or figure.differs is not None:
            continue
        if figure.n in (None, other.n) and not isclose(figure.mean, other.mean, rel_tol=_SAME):
            yield figure.name


def recomputed(told: Told, point: int) -> tuple[Figure, ...]:
    """The point's figures made from its requests; none where the file keeps none, or the tool has no formulas here."""
    requests = [request for request in told.requests if request.point == point]
    if told.tool not in _VIEWED or not requests:
        return ()
    made = figures(told.tool, requests)
    return made if told.clock == "report" else tuple(figure for figure in made if figure.n is not None)


def _failures(told: Told) -> Iterator[Doubt]:
    bad = [point for point in told.points if (point.failed or 0) > 0.05 * _sent(point)]
    if bad:
        lost = sum(point.failed or 0 for point in bad)
        where = ", ".join(point.label for point in bad)
        yield Doubt(
            code="failures",
            weight="serious",
            evidence=f"{lost} of {sum(map(_sent, bad))} requests failed at {where}",
            advice="latencies are over the ones that did; find the cause before comparing",
        )


def _sent(point: ReportedPoint) -> int:
    return (point.ok or 0) + (point.failed or 0) + (point.unfinished or 0)


def _cut(told: Told) -> Iterator[Doubt]:
    if told.facts.get("was_cancelled") is True or told.facts.get("is_complete") is False:
        yield Doubt(
            code="cut-short",
            weight="serious",
            evidence="the tool says that its run was broken off",
            advice="run it again to the end",
        )


def _over_failures(told: Told) -> Iterator[Doubt]:
    if told.tool == "first-arena":
        yield Doubt(
            code="averaged-over-failures",
            weight="serious",
            evidence="its means are over all requests, those that failed or never ended too",
            advice="measure again with arena run; such a number cannot be repaired",
        )


def _saturating(told: Told) -> Iterator[Doubt]:
    bad = [point for point in told.points if point.label in (_OWN_LOAD, "all at once")]
    if bad:
        yield Doubt(
            code="saturating-load",
            weight="caution",
            evidence=f"load '{bad[0].label}' sends all that it can at once: TTFT is the wait in a queue, not what one "
            "user feels",
            advice="look at a load with few requests in flight",
        )


def _bunched_arrivals(told: Told) -> Iterator[Doubt]:
    """GuideLLM draws the same gaps in each of its workers, so several of them send in bunches."""
    poisson = any(point.load is not None and point.load.arrivals == "poisson" for point in told.points)
    if told.tool == "guidellm" and poisson and told.facts.get("workers", 2) != 1:
        yield Doubt(
            code="bunched-arrivals",
            weight="serious",
            evidence="its workers draw the same gaps, so that its 'poisson' arrivals come in bunches",
            advice="run it with GUIDELLM__MAX_WORKER_PROCESSES=1, or use arena run --rate",
        )


def _aggregates(told: Told) -> Iterator[Doubt]:
    if not told.requests:
        yield Doubt(
            code="aggregates-only",
            weight="caution",
            evidence="the file holds sums and percentiles, not requests: nothing can be made again from them",
            advice=_DETAILS.get(told.tool, "ask for the requests"),
        )


_DETAILS: Final = {
    "guidellm": "leave its sampling of requests off (all are kept then)",
    "aiperf": "import the folder that also holds profile_export.jsonl",
    "vllm": "vllm bench serve --save-result --save-detailed",
    "sglang": "bench_serving --output-details",
    "first-arena": "none were published",
}


def _unknown_setup(of: Told | Reported) -> Doubt:
    told = {"hardware": of.hardware, "engine": of.engine, "engine version": of.engine_version, "model": of.model}
    missing = [name for name, known in told.items() if known is None]
    return Doubt(
        code="unknown-setup",
        weight="caution",
        evidence=f"the file does not say: {', '.join([*missing, *_NEVER_SAID])}",
        advice="compare it with nothing but a run of your own against the same server: arena crosscheck",
    )


def with_setup(report: Reported, **known: str | None) -> Reported:
    """A report of a run that we started ourselves: what we know of it beside the file."""
    told = report.model_copy(update=known)
    doubts = tuple(_unknown_setup(told) if doubt.code == "unknown-setup" else doubt for doubt in report.doubts)
    return told.model_copy(update={"doubts": doubts})


def _other_definitions(told: Told) -> Iterator[Doubt]:
    yield Doubt(
        code="other-definitions",
        weight="note",
        evidence="names agree with ours, numbers may not: each figure says what differs",
        advice=f"arena show RECORD --view {told.tool} shows a record of ours in the same definitions"
        if told.tool in _VIEWED
        else "no view of ours gives numbers like these",
    )


def _no_gaps(told: Told) -> Iterator[Doubt]:
    ok: Sequence[ReportedRequest] = [request for request in told.requests if request.result == "ok"]
    if any((request.output_tokens or 0) > 1 for request in ok) and not any(request.gaps_s for request in ok):
        yield Doubt(
            code="no-token-times",
            weight="note",
            evidence="only the first and the last token of an answer have a time: a freeze between them is not seen",
            advice="arena run keeps the time of every read",
        )
