"""Our requests in the words of other tools: their formulas over our clock readings. Pure.

The formulas are read from the tools' own sources, named in docs/reference/other-tools.md. Each figure says how it
differs from ours, for the names agree and the numbers do not.
"""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Final, Literal

from inference_arena.facts import Fact
from inference_arena.metrics.definitions import CONNECTING, METRICS, SOURCES, Metric, Requests, Values
from inference_arena.metrics.statistics import percentile
from inference_arena.metrics.summary import window_of
from inference_arena.plan import Load
from inference_arena.record import Distribution, Estimate, Figure, Point, PointSummary, ReportedRequest, RequestTrace

_MS: Final = 1000.0
ViewOf = Literal["guidellm", "aiperf", "vllm", "sglang"]


class View(Fact):
    """One load point as another tool would print it."""

    tool: ViewOf
    sources: str
    point: int
    repeat: int
    load: Load
    requests: int
    figures: tuple[Figure, ...]


def as_seen(trace: RequestTrace, *, connecting: bool) -> ReportedRequest:
    """The readings that other tools take. `connecting`: their clock starts before a new connection is made."""
    before_s = (trace.connect_s or 0.0) if connecting else 0.0
    gaps = tuple(after - before for before, after in zip(trace.read_s, trace.read_s[1:], strict=False))
    return ReportedRequest(
        request=trace.request,
        point=trace.point,
        scheduled_s=trace.scheduled_s,
        sent_s=None if trace.sent_s is None else trace.sent_s - before_s,
        first_token_s=trace.read_s[0] if trace.read_s else None,
        last_token_s=trace.read_s[-1] if trace.read_s else None,
        ended_s=trace.ended_s,
        gaps_s=gaps,
        input_tokens=trace.input_tokens,
        cached_input_tokens=trace.cached_input_tokens,
        output_tokens=trace.output_tokens,
        result=trace.result,
        failure=trace.failure,
    )


def views(tool: ViewOf, *, points: Sequence[Point], traces: Iterable[RequestTrace]) -> tuple[View, ...]:
    """Each load point over the requests that ours are over: sent inside the steady window, and ok."""
    by_point: dict[int, list[RequestTrace]] = {point.index: [] for point in points}
    for trace in traces:
        by_point.setdefault(trace.point, []).append(trace)
    return tuple(_view(tool, point, by_point[point.index]) for point in points)


def _view(tool: ViewOf, point: Point, traces: Sequence[RequestTrace]) -> View:
    seen = [as_seen(t, connecting=tool in CONNECTING) for t in measured(point, traces) if t.result == "ok"]
    return View(
        tool=tool,
        sources=SOURCES[tool],
        point=point.index,
        repeat=point.repeat,
        load=point.load,
        requests=len(seen),
        figures=figures(tool, seen),
    )


def measured(point: Point, traces: Iterable[RequestTrace]) -> list[RequestTrace]:
    """The requests sent inside the point's steady window: those that our own latencies are over."""
    window = window_of(point)
    return [t for t in traces if window is not None and window[0] <= t.scheduled_s < window[1]]


def figures(tool: ViewOf, requests: Requests) -> tuple[Figure, ...]:
    """The tool's figures over requests; one that nothing is known of is left out, where the tool might print 0."""
    ok = sorted((r for r in requests if r.result == "ok"), key=lambda r: (r.sent_s or 0.0, r.request))
    made = (_figure(metric, ok, steps=tool == "guidellm") for metric in METRICS[tool])
    return tuple(figure for figure in made if figure.mean is not None)


def explained(tool: str, figure: Figure) -> Figure:
    """A figure that the tool printed itself, with what it means beside ours; unchanged where nobody looked it up."""
    known = {metric.name: metric for metric in METRICS.get(tool, ())}.get(figure.name)
    return figure if known is None else figure.model_copy(update={"ours": known.ours, "differs": known.differs})


def ours_in(figure: Figure, point: PointSummary) -> float | None:
    """Our nearest metric of the point, its median where it has one, in the figure's unit; None where there is none."""
    if figure.ours is None:
        return None
    told: Distribution | Estimate | float | None = getattr(point, figure.ours)
    if isinstance(told, Distribution):
        return told.p50.value * (_MS if figure.unit == "ms" else 1.0)
    return told.value if isinstance(told, Estimate) else told


def _figure(metric: Metric, requests: Requests, *, steps: bool) -> Figure:
    bare = Figure(name=metric.name, unit=metric.unit, ours=metric.ours, differs=metric.differs)
    if metric.one is not None:
        return bare.model_copy(update={"mean": metric.one(requests)})
    assert metric.values is not None
    found = sorted(metric.values(requests))
    return bare.model_copy(update=_statistics(found, steps=steps)) if found else bare


def _statistics(found: Values, *, steps: bool) -> dict[str, float | int]:
    total = sum(weight for _, weight in found)
    middle = sum(value * weight for value, weight in found) / total
    spread = sum(weight * (value - middle) ** 2 for value, weight in found) / total
    at = _step if steps else _interpolated
    return {
        "n": round(total),
        "mean": middle,
        "std": sqrt(spread),
        "min": found[0][0],
        "p50": at(found, 0.5),
        "p90": at(found, 0.9),
        "p95": at(found, 0.95),
        "p99": at(found, 0.99),
        "max": found[-1][0],
    }


def _step(found: Values, share: float) -> float:
    """The first value whose cumulated weight reaches the share: no interpolation, as GuideLLM does it."""
    total, reached = sum(weight for _, weight in found), 0.0
    for value, weight in found:
        reached += weight / total  # as it rounds there, for a tie decides which of two neighbours is the median
        if reached >= share:
            return value
    return found[-1][0]


def _interpolated(found: Values, share: float) -> float:
    return percentile([value for value, _ in found], share)
