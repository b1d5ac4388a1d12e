"""Which load comes next, what all of them say together, and why no more fit: from summaries that are made up."""

import pytest

from builders import a_record, estimate, point_summary, spread
from inference_arena.metrics.capacity import LONGEST_PROBE_S, capacity_summary, next_probe, probes_expected
from inference_arena.metrics.limit import cause_of
from inference_arena.metrics.statistics import wilson
from inference_arena.plan import Capacity, Lengths, Load, People, Sessions
from inference_arena.record import CounterSample, Point, SloResult

MOST = Load(kind="closed", concurrency=64, duration_s=30.0)
PEOPLE = People(
    behaviour="chat-person",
    lengths=Lengths(input_tokens=64, output_tokens=100, output_jitter=0.0),
    sessions=Sessions(turns=4, think_s=99.0),
)


@pytest.fixture
def trial():
    return a_record().trial.model_copy(update={"loads": (MOST,), "capacity": Capacity(most=64)})


def with_people(trial):
    return trial.model_copy(update={"capacity": Capacity(most=64, people=PEOPLE, most_people=1000)})


def seen(trial, load: Load, *, limit: int, point: int = 0):
    """A load point of 60 requests: all met the goal up to the limit, half of them beyond it."""
    hits = 60 if load.concurrency <= limit else 30
    attainment = wilson(hits, 60)
    slo = SloResult(name=trial.slo.name, attainment=attainment, goodput_per_s=None, met=None)
    return point_summary().model_copy(
        update={"point": point, "load": load, "slo": slo, "sent": 60, "ok": 60, "e2e_s": spread(1.0)}
    )


def search(trial, *, requests: int, people: int = 0):
    done = []
    while (load := next_probe(trial, done)) is not None:
        done.append(seen(trial, load, limit=people if load.people else requests, point=len(done)))
    return done


def answer(trial, done, *, samples=()):
    points = [a_point(one.point, one.load) for one in done]
    return capacity_summary(trial, done, points=points, samples=samples)


def a_point(index: int, load: Load) -> Point:
    return Point(index=index, repeat=0, load=load, seed=0, started_s=10.0 * index, steady_from_s=10.0 * index,
                 steady_to_s=10.0 * index + 9, ended_s=10.0 * index + 9, stopped_by="plan")  # fmt: skip


def test_requests_at_once_are_searched_to_one_step(trial):
    found = answer(trial, search(trial, requests=11)).requests

    assert (found.status, found.lower, found.upper) == ("located", 11, 12)
    assert found.lower_attainment.value == 1.0
    assert found.upper_attainment.value == 0.5


def test_people_are_measured_as_people_and_never_computed_from_requests(trial):
    done = search(with_people(trial), requests=4, people=37)
    found = answer(with_people(trial), done)

    assert (found.requests.lower, found.people.lower, found.people.upper) == (4, 37, 38)
    assert all(point.load.people for point in done if point.load.concurrency in {37, 38})
    assert found.behaviour == "chat-person"


def test_people_are_sought_where_requests_at_once_suggest_them_first(trial):
    first = next(one.load for one in search(with_people(trial), requests=4, people=37) if one.load.people)

    assert first.concurrency == 400  # four answers of 1 s, a hundredth of everybody's time


def test_few_people_are_watched_for_longer_up_to_a_limit(trial):
    loads = [one.load for one in search(with_people(trial), requests=4, people=2) if one.load.people]
    by_level = {load.concurrency: load.duration_s for load in loads}

    assert by_level[max(by_level)] == 30.0
    assert by_level[min(by_level)] == LONGEST_PROBE_S


def test_where_not_one_request_meets_the_goal_people_are_not_tried(trial):
    done = search(with_people(trial), requests=0)
    found = answer(with_people(trial), done)

    assert (found.requests.status, found.requests.upper) == ("at-edge", 1)
    assert found.people is None


def test_before_anything_is_tried_nothing_is_found(trial):
    found = answer(trial, []).requests

    assert (found.status, found.lower, found.upper, found.probes) == ("not-found", 0, None, 0)


def test_how_many_load_points_it_may_take_is_known_beforehand(trial):
    expected = sum(count for count, _ in probes_expected(with_people(trial)))

    assert len(search(with_people(trial), requests=9, people=300)) <= expected


def test_without_a_search_there_is_no_answer():
    assert capacity_summary(a_record().trial, [], points=[], samples=[]) is None


def cause(trial, *values: dict[str, float], fewer=(), **changes: object):
    missed = seen(trial, MOST, limit=1).model_copy(update=changes)
    samples = [CounterSample(t_s=float(t_s), values=each) for t_s, each in enumerate(values)]
    return cause_of([missed], fewer=fewer, points=[a_point(0, MOST)], samples=samples, slo=trial.slo)


def test_a_full_kv_cache_is_told_by_its_counter_and_by_requests_that_are_put_back(trial):
    waiting = {"requests_waiting": 3.0, "kv_cache_used_share": 0.99}

    assert cause(trial, waiting, waiting).code == "kv-cache-full"
    assert cause(trial, {"requests_waiting": 0.0, "preemptions_total": 1.0},
                 {"requests_waiting": 0.0, "preemptions_total": 5.0}).code == "kv-cache-full"  # fmt: skip


def test_requests_that_wait_with_memory_left_are_a_queue(trial):
    found = cause(trial, {"requests_waiting": 2.0, "requests_running": 4.0, "kv_cache_used_share": 0.4})

    assert (found.code, found.likely) == ("queueing", False)
    assert "2" in found.evidence
    assert "4" in found.evidence


def test_slow_steps_without_a_queue_are_only_likely_causes(trial):
    idle = {"requests_waiting": 0.0}

    slow_words = cause(trial, idle, tpot_s=spread(1.0))
    slow_start = cause(trial, idle, ttft_s=spread(9.0), tpot_s=spread(0.01))

    assert (slow_words.code, slow_words.likely) == ("bandwidth-bound", True)
    assert (slow_start.code, slow_start.likely) == ("compute-bound", True)


def test_where_more_requests_make_no_more_tokens_slow_words_point_to_computing(trial):
    few = seen(trial, MOST.model_copy(update={"concurrency": 4}), limit=64)
    slower, quicker = (few.model_copy(update={"output_tokens_per_s": estimate(value)}) for value in (10.0, 44.0))

    growing = cause(trial, {"requests_waiting": 0.0}, fewer=[slower], tpot_s=spread(1.0))
    flat = cause(trial, {"requests_waiting": 0.0}, fewer=[quicker], tpot_s=spread(1.0))

    assert (growing.code, flat.code) == ("bandwidth-bound", "compute-bound")
    assert flat.likely


def test_without_counters_the_cause_is_unknown_but_failures_are_seen_anyway(trial):
    assert cause(trial).code == "unknown"
    assert cause(trial, failed=30).code == "failures"
