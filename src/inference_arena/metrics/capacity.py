"""How many can share a server: the load point to try next, and what all points together say. Pure.

The search and the answer read the same summaries, so an answer can be made again from the record's traces.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from inference_arena.metrics.boundary import FIRST, Verdict, boundary, next_level, probes_needed
from inference_arena.metrics.goodput import judge, pooled
from inference_arena.metrics.limit import cause_of, slowest
from inference_arena.plan import Capacity, Load, Trial
from inference_arena.record import CapacityAnswer, CapacitySummary, Estimate, Point, PointSummary, Sample

Of = Literal["requests", "people"]
REQUESTS_WANTED: Final = 60  # of a load point: 36 that all met the SLO show nine in ten, 60 leave room for a few
LONGEST_PROBE_S: Final = 300.0
PEOPLE_WARMUP_S: Final = 10.0  # people are in the midst of their pauses from the start; queues take a moment


def next_probe(trial: Trial, done: Sequence[PointSummary]) -> Load | None:
    """The load to drive next; None when the search is over. `done` are the points so far."""
    sought = trial.capacity
    assert sought is not None
    level = next_level(_seen(trial, done, "requests"), start=FIRST, most=sought.most)
    if level is not None:
        return _load(trial, level, of="requests")
    if sought.people is None or sought.most_people is None:
        return None
    requests = boundary(_seen(trial, done, "requests"), most=sought.most)
    if requests.upper == 1:
        return None  # not even one request: nobody can be served
    one_s = _answer_s(done, requests.lower)
    start = _guess(sought, requests.lower, one_s)
    level = next_level(_seen(trial, done, "people"), start=start, most=sought.most_people)
    return None if level is None else _load(trial, level, of="people", turn_s=sought.people.sessions.think_s + one_s)


def probes_expected(trial: Trial) -> tuple[tuple[int, Load], ...]:
    """How many load points each part may take, with a load like them, before anything is known."""
    sought = trial.capacity
    assert sought is not None
    worst = max(probes_needed(limit, start=FIRST, most=sought.most) for limit in _limits(sought.most))
    parts = [(worst + 1, _load(trial, max(1, sought.most // 4), of="requests"))]
    if sought.people is not None and sought.most_people is not None:
        start = max(1, sought.most_people // 8)
        worst = max(probes_needed(limit, start=start, most=2 * start) for limit in _limits(2 * start))
        turn_s = sought.people.sessions.think_s + 5.0
        parts.append((worst + 1, _load(trial, max(1, sought.most_people // 16), of="people", turn_s=turn_s)))
    return tuple(parts)


def _limits(most: int) -> Iterator[int]:
    """Enough of the possible limits to know the longest search."""
    yield from range(0, most + 1, max(1, most // 64))


def _guess(sought: Capacity, requests: int, one_s: float) -> int:
    """Where to begin with people: as many as keep so many requests busy. Only a beginning: they are then measured."""
    assert sought.people is not None
    busy = one_s / (one_s + sought.people.sessions.think_s)
    return min(max(1, round(max(1, requests) / busy)), sought.most_people or 1)


def _answer_s(done: Sequence[PointSummary], level: int) -> float:
    """How long an answer takes at that many requests at once, or at the nearest number that has been tried."""
    known = [p for p in done if not p.load.people and p.e2e_s is not None]
    nearest = min(known, key=lambda p: abs((p.load.concurrency or 0) - level), default=None)
    return nearest.e2e_s.p50.value if nearest is not None and nearest.e2e_s is not None else 1.0


def _load(trial: Trial, level: int, *, of: Of, turn_s: float = 0.0) -> Load:
    """People ask once in `turn_s`: few of them are watched for longer, until enough was asked."""
    most = trial.loads[0]
    base = most.model_copy(update={"concurrency": level, "requests": most.requests or max(REQUESTS_WANTED, 4 * level)})
    if of == "requests":
        return base
    least_s = most.duration_s or 0.0
    wanted_s = REQUESTS_WANTED * turn_s / level
    return base.model_copy(
        update={
            "people": True,
            "duration_s": round(max(least_s, min(LONGEST_PROBE_S, wanted_s)), 3),
            "warmup_s": PEOPLE_WARMUP_S if most.warmup_s is None else most.warmup_s,
        }
    )


def _levels(done: Sequence[PointSummary], of: Of) -> Mapping[int, list[PointSummary]]:
    levels: dict[int, list[PointSummary]] = {}
    for point in done:
        if bool(point.load.people) == (of == "people") and point.load.concurrency is not None:
            levels.setdefault(point.load.concurrency, []).append(point)
    return dict(sorted(levels.items()))


def _seen(trial: Trial, done: Sequence[PointSummary], of: Of) -> dict[int, Verdict]:
    return {level: _verdict(trial, points) for level, points in _levels(done, of).items()}


def _verdict(trial: Trial, points: Sequence[PointSummary]) -> Verdict:
    """A point of which nothing could be measured is no evidence, and no success either."""
    attainment = _attainment(points)
    surely = judge(attainment, trial.slo)
    met = attainment is not None and attainment.value >= trial.slo.judged_at
    return Verdict(met=met if surely is None else surely, sure=surely is not None, tries=len(points))


def _attainment(points: Sequence[PointSummary]) -> Estimate | None:
    return pooled(point.slo.attainment for point in points if point.slo.attainment is not None)


def capacity_summary(
    trial: Trial, summaries: Sequence[PointSummary], *, points: Sequence[Point], samples: Sequence[Sample]
) -> CapacitySummary | None:
    """None where no capacity was sought."""
    if trial.capacity is None:
        return None
    people = trial.capacity.people
    return CapacitySummary(
        behaviour=None if people is None else people.behaviour,
        requests=_answer(trial, summaries, "requests", most=trial.capacity.most, points=points, samples=samples),
        people=_answer(trial, summaries, "people", most=trial.capacity.most_people or 0, points=points, samples=samples)
        if _levels(summaries, "people")
        else None,
    )


def _answer(
    trial: Trial,
    summaries: Sequence[PointSummary],
    of: Of,
    *,
    most: int,
    points: Sequence[Point],
    samples: Sequence[Sample],
) -> CapacityAnswer:
    levels, seen = _levels(summaries, of), _seen(trial, summaries, of)
    found = boundary(seen, most=most)
    beyond = levels.get(found.upper or 0, [])
    own = [point for point in points if point.index in {one.point for one in beyond}]
    fewer = [point for level, group in levels.items() if level < (found.upper or 0) for point in group]
    ttft_s, tpot_s = slowest(beyond)
    return CapacityAnswer(
        of=of,
        status=found.status,
        lower=found.lower,
        upper=found.upper,
        unsure=tuple(
            level for level, verdict in seen.items() if not verdict.sure and _is_open(level, found.lower, found.upper)
        ),
        most=most,
        probes=sum(len(group) for group in levels.values()),
        lower_attainment=_attainment(levels.get(found.lower, [])),
        upper_attainment=_attainment(beyond),
        upper_ttft_s=ttft_s,
        upper_tpot_s=tpot_s,
        cause=cause_of(beyond, fewer=fewer, points=own, samples=samples, slo=trial.slo) if beyond else None,
    )


def _is_open(level: int, lower: int, upper: int | None) -> bool:
    return level > lower and (upper is None or level < upper)
