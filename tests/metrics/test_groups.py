"""Parts of a load point: kinds, steps, turns; and what became of people who left."""

import pytest

from inference_arena.metrics.goodput import judged
from inference_arena.metrics.reaction import cache_summary, left_summary
from inference_arena.metrics.summary import summarise_point
from inference_arena.plan import Load
from inference_arena.record import CounterSample, Point


@pytest.fixture
def slo(trial):
    return trial().slo.model_copy(update={"tpot_s": 0.15})


def a_point(load: Load, **fields) -> Point:
    given = {"index": 0, "repeat": 0, "load": load, "seed": 0, "started_s": 0.0, "ended_s": 12.0, "stopped_by": "plan"}
    return Point(**{**given, "steady_from_s": 1.0, "steady_to_s": 11.0, **fields})


CLOSED = Load(kind="closed", concurrency=4, duration_s=10.0)
OPEN = Load(kind="open", rate_per_s=2.0, arrivals="spike", together=3, warmup_s=1.0, duration_s=10.0)


def groups(point, traces, slo, **fields):
    summary = summarise_point(point, traces=traces, samples=(), slo=slo, **fields)
    return {group.name: group for group in summary.groups}


def test_requests_that_are_all_alike_are_not_told_apart(trace, slo):
    assert groups(a_point(CLOSED), [trace(n, at_s=1.0 + n) for n in range(4)], slo) == {}


def test_each_kind_is_counted_and_judged_by_its_own_goal(trace, slo):
    strict = slo.model_copy(update={"name": "strict", "ttft_s": 0.1})
    traces = [trace(n, at_s=1.0 + n, kind="chat" if n % 2 else "rag") for n in range(8)]
    traces.append(trace(8, at_s=9.5, kind="rag", result="failed"))
    told = groups(a_point(CLOSED), traces, slo, kinds={"rag": strict})

    assert (told["chat"].sent, told["chat"].ok, told["rag"].sent, told["rag"].failed) == (4, 4, 5, 1)
    assert told["chat"].slo.attainment.value == 1.0
    assert told["rag"].slo.attainment.value == 0.0
    assert told["rag"].slo.name == "strict"


def test_steps_hold_the_requests_that_were_scheduled_in_them(trace, slo):
    load = Load(kind="closed", concurrency=4, shape="steps", levels=(1, 4), duration_s=10.0)
    told = groups(a_point(load), [trace(n, at_s=1.0 + n) for n in range(10)], slo)

    assert {name: group.sent for name, group in told.items()} == {"1 at once": 5, "4 at once": 5}


def test_a_spike_is_told_from_what_came_before_and_after(trace, slo):
    times = [2.0, 3.0, 6.0, 6.0, 6.0, 7.0]
    told = groups(a_point(OPEN), [trace(n, at_s=at) for n, at in enumerate(times)], slo)

    assert {name: group.sent for name, group in told.items()} == {
        "in the spike": 3,
        "before the spike": 2,
        "after the spike": 1,
    }


def test_first_questions_are_told_from_later_ones(trace, slo):
    told = groups(a_point(CLOSED), [trace(n, at_s=1.0 + n, conversation=n // 3, turn=n % 3) for n in range(9)], slo)

    assert told["first question"].sent == 3
    assert told["later questions"].sent == 6


# people who left


def test_who_left_is_counted_beside_and_never_averaged_in(trace, slo):
    stayed = [trace(n, at_s=2.0 + n) for n in range(3)]
    left = trace(3, at_s=5.0, result="cancelled", cancelled_by="freeze", read_s=(5.1,), read_tokens=(1,))
    summary = summarise_point(a_point(CLOSED), traces=[*stayed, left], samples=(), slo=slo)

    assert (summary.ok, summary.cancelled, summary.failed) == (3, 1, 0)
    assert summary.ttft_s.n == 3
    assert summary.left.why == {"freeze": 1}
    assert summary.left.waited_s.max == pytest.approx(0.6)


def test_who_was_driven_away_is_a_miss_and_who_left_by_chance_is_not(trace, slo):
    traces = [
        trace(0, at_s=2.0),
        trace(1, at_s=3.0, result="cancelled", cancelled_by="no-first-token"),
        trace(2, at_s=4.0, result="cancelled", cancelled_by="by-chance"),
    ]

    assert [trace.request for trace in judged(a_point(CLOSED), traces)] == [0, 1]
    assert summarise_point(a_point(CLOSED), traces=traces, samples=(), slo=slo).slo.attainment.value == 0.5


def counters(at_s: float, **values: float) -> CounterSample:
    return CounterSample(t_s=at_s, values=values)


def test_the_engines_work_beyond_what_anybody_waits_for_is_read_from_its_counters(trace, slo):
    """Two wait from 3 s on; the engine still works on the one that left at 2.6 s."""
    left = trace(0, at_s=2.0, result="cancelled", cancelled_by="freeze")
    stay = [trace(n, at_s=3.0, ended_s=9.0) for n in (1, 2)]
    samples = [counters(at, requests_running=3.0, requests_waiting=0.0) for at in (4.0, 5.0, 6.0)]
    told = left_summary(a_point(CLOSED), measured=[left, *stay], traces=[left, *stay], samples=samples)

    assert (told.beyond_mean, told.beyond_max, told.samples) == (1.0, 1.0, 3)


def test_without_counters_the_engines_reaction_is_unknown_and_without_leavers_there_is_none(trace, slo):
    left = trace(0, at_s=2.0, result="cancelled", cancelled_by="freeze")

    assert left_summary(a_point(CLOSED), measured=[left], traces=[left], samples=()).beyond_mean is None
    assert left_summary(a_point(CLOSED), measured=[trace(1)], traces=[trace(1)], samples=()) is None


def test_the_prefix_cache_is_told_by_the_growth_of_the_engines_counters():
    names = ("prefix_cache_queries_total", "prefix_cache_hits_total")
    samples = [
        counters(at, **dict(zip(names, told, strict=True)))
        for at, told in ((-1.0, (900.0, 800.0)), (5.0, (1000.0, 810.0)), (12.5, (1100.0, 850.0)), (20.0, (5e6, 4e6)))
    ]
    told = cache_summary(a_point(CLOSED), samples=samples)

    assert (told.looked_up_tokens, told.found_tokens, told.found_share) == (200.0, 50.0, 0.25)
    assert cache_summary(a_point(CLOSED), samples=samples[:1]) is None
