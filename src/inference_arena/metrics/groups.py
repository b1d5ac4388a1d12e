"""Parts of a load point told apart: kinds of request, steps of the load, turns of a conversation. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, NamedTuple

from inference_arena.facts import Slo
from inference_arena.metrics.goodput import judged, slo_result
from inference_arena.metrics.latency import (
    e2e_s,
    longest_gap_s,
    scheduled_e2e_s,
    scheduled_ttft_s,
    tpot_s,
    ttft_s,
)
from inference_arena.metrics.statistics import distribution
from inference_arena.metrics.throughput import Window
from inference_arena.plan import Load, sections
from inference_arena.record import Distribution, GroupSummary, Point, RequestTrace

By = Literal["kind", "section", "turn"]
SAME_MOMENT_S = 1e-3


class Group(NamedTuple):
    """Which requests are told apart, under which name, and by which goal they are judged."""

    by: By
    name: str
    holds: Callable[[RequestTrace], bool]
    slo: Slo


def groups_of(
    point: Point, *, measured: Sequence[RequestTrace], slo: Slo, kinds: Mapping[str, Slo], window: Window | None
) -> tuple[GroupSummary, ...]:
    """Nothing where all requests are alike. Goodput is told for whole points only."""
    found = (*_kinds(measured, slo, kinds), *_turns(measured, slo), *_sections(point.load, slo, window))
    return tuple(_summary(group, [t for t in measured if group.holds(t)], point) for group in found)


def _kinds(measured: Iterable[RequestTrace], slo: Slo, kinds: Mapping[str, Slo]) -> Iterator[Group]:
    for name in sorted({trace.kind for trace in measured if trace.kind is not None}):
        yield Group("kind", name, partial(_is_of, name), kinds.get(name, slo))


def _is_of(name: str, trace: RequestTrace) -> bool:
    return trace.kind == name


def _turns(measured: Iterable[RequestTrace], slo: Slo) -> Iterator[Group]:
    if any(trace.turn for trace in measured):
        yield Group("turn", "first question", lambda trace: trace.turn == 0, slo)
        yield Group("turn", "later questions", lambda trace: bool(trace.turn), slo)


def _sections(load: Load, slo: Slo, window: Window | None) -> Iterator[Group]:
    """Steps of a closed load as planned; a spike and what came beside it."""
    if window is None or load.duration_s is None:
        return
    begin_s, whole_s = window[0], load.duration_s
    for name, low, high in sections(load):
        yield Group("section", name, partial(_is_within, begin_s + low * whole_s, begin_s + high * whole_s), slo)
    if load.arrivals == "spike":
        moment_s = begin_s + whole_s / 2
        yield Group("section", "in the spike", lambda t: abs(t.scheduled_s - moment_s) < SAME_MOMENT_S, slo)
        yield Group("section", "before the spike", lambda t: t.scheduled_s <= moment_s - SAME_MOMENT_S, slo)
        yield Group("section", "after the spike", lambda t: t.scheduled_s >= moment_s + SAME_MOMENT_S, slo)


def _is_within(begin_s: float, end_s: float, trace: RequestTrace) -> bool:
    return begin_s <= trace.scheduled_s < end_s


def _summary(group: Group, traces: Sequence[RequestTrace], point: Point) -> GroupSummary:
    ok = [trace for trace in traces if trace.result == "ok"]
    open_load = point.load.kind == "open"

    def each(measure: Callable[[RequestTrace], float | None]) -> Distribution | None:
        values = (measure(trace) for trace in ok)
        return distribution([float(value) for value in values if value is not None])

    return GroupSummary(
        by=group.by,
        name=group.name,
        sent=len(traces),
        ok=len(ok),
        failed=sum(trace.result == "failed" for trace in traces),
        cancelled=sum(trace.result == "cancelled" for trace in traces),
        unfinished=sum(trace.result == "unfinished" for trace in traces),
        ttft_s=each(scheduled_ttft_s if open_load else ttft_s),
        tpot_s=each(tpot_s),
        longest_gap_s=each(longest_gap_s),
        e2e_s=each(scheduled_e2e_s if open_load else e2e_s),
        input_tokens=each(lambda trace: trace.input_tokens),
        output_tokens=each(lambda trace: trace.output_tokens),
        cached_input_share=cached_share(ok),
        slo=slo_result(judged(point, traces), group.slo, traces=traces, scheduled=open_load, window=None),
    )


def cached_share(traces: Iterable[RequestTrace]) -> float | None:
    """Prompt tokens served from the prefix cache; None when the server does not say."""
    told = [(t.cached_input_tokens, t.input_tokens) for t in traces]
    known = [(cached, total) for cached, total in told if cached is not None and total is not None]
    total = sum(total for _, total in known)
    return sum(cached for cached, _ in known) / total if total else None
