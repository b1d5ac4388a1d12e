"""The search for a limit, against limits that are known beforehand: certain, noisy, and contradicting themselves."""

import math
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from inference_arena.metrics.boundary import (
    FIRST,
    MOST_PROBES,
    MOST_TRIES,
    Boundary,
    Verdict,
    boundary,
    next_level,
    probes_needed,
    step_at,
)
from inference_arena.metrics.statistics import wilson

JUDGED_AT = 0.9


def searched(probe: Callable[[int, Verdict | None], Verdict], *, start: int, most: int) -> tuple[Boundary, int]:
    """The answer, and how many probes it took."""
    seen: dict[int, Verdict] = {}
    while (level := next_level(seen, start=start, most=most)) is not None:
        assert 1 <= level <= most
        seen[level] = probe(level, seen.get(level))
    return boundary(seen, most=most), sum(verdict.tries for verdict in seen.values())


def certain(limit: int) -> Callable[[int, Verdict | None], Verdict]:
    return lambda level, _before: Verdict(met=level <= limit, sure=True)


class Noisy:
    """A server of which each request at a level meets the goal with a known probability, falling with the level."""

    def __init__(self, share: Callable[[int], float], *, seed: int, requests: int = 60) -> None:
        self.share, self.requests = share, requests
        self.random = random.Random(seed)
        self.hits: dict[int, list[int]] = {}

    def probe(self, level: int, _before: Verdict | None) -> Verdict:
        hits = self.hits.setdefault(level, [])
        hits.append(sum(self.random.random() < self.share(level) for _ in range(self.requests)))
        estimate = wilson(sum(hits), len(hits) * self.requests)
        sure = estimate.low >= JUDGED_AT or estimate.high < JUDGED_AT
        return Verdict(met=estimate.value >= JUDGED_AT, sure=sure, tries=len(hits))


def oracle_probes(most: int) -> int:
    """Of a bisection of 0..most whose every probe is certain."""
    return math.ceil(math.log2(most + 1))


@given(most=st.integers(1, 600), share=st.floats(0, 1))
def test_a_certain_limit_is_found_within_one_step_in_at_most_half_as_many_probes_again_as_an_oracle(most, share):
    limit = round(share * most)
    found, probes = searched(certain(limit), start=FIRST, most=most)

    assert probes <= 1.5 * oracle_probes(most)
    must_be_found(found, limit=limit, most=most)


@given(most=st.integers(1, 5000), share=st.floats(0, 1), guess=st.floats(0, 1))
def test_from_any_guess_a_certain_limit_is_found_within_one_step(most, share, guess):
    limit = round(share * most)
    found, probes = searched(certain(limit), start=round(guess * most), most=most)

    assert probes <= 2 * oracle_probes(most) + 2
    must_be_found(found, limit=limit, most=most)


def must_be_found(found: Boundary, *, limit: int, most: int) -> None:
    if limit in {0, most}:
        assert found.status == "at-edge"
        return
    assert found.status == "located"
    assert found.lower <= limit < found.upper
    assert found.upper - found.lower <= step_at(found.lower)


def test_no_limit_up_to_64_takes_more_probes_than_that():
    assert max(probes_needed(limit, start=FIRST, most=64) for limit in range(65)) <= 1.5 * oracle_probes(64)


@given(
    answers=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200),
    most=st.integers(1, 300),
    start=st.integers(1, 300),
)
def test_whatever_the_probes_say_the_search_ends_and_locates_only_what_was_seen_for_certain(answers, most, start):
    turn = iter(answers * 300)
    seen: dict[int, Verdict] = {}

    def probe(level, before):
        met, sure = next(turn)
        seen[level] = Verdict(met=met, sure=sure, tries=1 if before is None else before.tries + 1)
        return seen[level]

    found, probes = searched(probe, start=start, most=most)

    assert probes <= MOST_PROBES
    assert all(verdict.tries <= MOST_TRIES for verdict in seen.values())
    if found.status == "located":
        assert (seen[found.lower].met, seen[found.lower].sure) == (True, True)
        assert (seen[found.upper].met, seen[found.upper].sure) == (False, True)
        assert 0 < found.upper - found.lower <= step_at(found.lower)
        assert not any(v.met and v.sure for level, v in seen.items() if level >= found.upper)


def test_of_noisy_servers_with_a_clear_limit_nearly_all_are_located_and_next_to_none_wrongly():
    located = wrong = 0
    for seed in range(400):
        limit = 1 + seed % 40
        server = Noisy(lambda level, limit=limit: 0.99 if level <= limit else 0.7, seed=seed)
        found, _ = searched(server.probe, start=FIRST, most=64)
        located += found.status == "located"
        wrong += found.status == "located" and not found.lower <= limit < found.upper

    assert located >= 360
    assert wrong <= 4


def test_of_noisy_servers_that_get_worse_little_by_little_few_are_located_wrongly():
    """The true limit is where the probability passes the goal; next to it nothing can be told, and that is said."""
    located = wrong = 0
    for seed in range(400):
        limit = 5 + seed % 20
        server = Noisy(lambda level, limit=limit: min(1.0, JUDGED_AT + 0.02 * (limit + 0.5 - level)), seed=seed)
        found, _ = searched(server.probe, start=FIRST, most=64)
        located += found.status == "located"
        wrong += found.status == "located" and not found.lower <= limit < found.upper

    assert wrong <= 20  # of 400: no more than 95 % intervals allow
    assert located < 400


def test_levels_that_contradict_each_other_are_not_called_a_limit():
    seen = {4: Verdict(met=True, sure=True), 8: Verdict(met=False, sure=True), 16: Verdict(met=True, sure=True)}

    assert boundary(seen, most=64) == Boundary("not-found", 4, 8)


def test_a_search_cut_short_has_not_found_anything():
    assert boundary({}, most=64).status == "not-found"
    assert boundary({1: Verdict(True, True), 4: Verdict(True, True)}, most=64) == Boundary("not-found", 4, None)
    assert boundary({1: Verdict(True, True), 4: Verdict(False, True)}, most=64) == Boundary("not-found", 1, 4)


def test_an_uncertain_level_below_a_certain_one_is_not_tried_again():
    seen = {1: Verdict(met=True, sure=False), 4: Verdict(met=True, sure=True)}

    assert next_level(seen, start=FIRST, most=4) is None
    assert boundary(seen, most=4) == Boundary("at-edge", 4, None)


def test_an_uncertain_level_beside_the_limit_is_tried_again():
    seen = {4: Verdict(met=True, sure=True), 5: Verdict(met=False, sure=False)}

    assert next_level(seen, start=FIRST, most=64) == 5
    assert next_level({**seen, 5: Verdict(met=False, sure=False, tries=MOST_TRIES)}, start=FIRST, most=64) is None
