"""Doubts that come from what was asked and who left: what raises each, and what just does not."""

import pytest

from inference_arena.metrics.load_doubts import load_doubts
from inference_arena.metrics.summary import summarise_point
from inference_arena.plan import Data, Sessions
from inference_arena.record import CacheSummary, LeftSummary, RepeatSummary


@pytest.fixture
def raised(trace, point, trial):
    """Codes of the doubts about forty good answers, with changes to the point's summary and the trial."""

    def doubts(change=None, *, stopped_by="plan", **asked) -> dict[str, str]:
        made = [trace(i, at_s=1.0 + 0.2 * i) for i in range(40)]
        points, of = [point(stopped_by=stopped_by)], trial(**asked)
        summary = summarise_point(points[0], traces=made, samples=(), slo=of.slo)
        summary = summary.model_copy(update=change or {})
        return {doubt.code: doubt.weight for doubt in load_doubts(points, [summary], of)}

    return doubts


def left(why: dict[str, int], *, beyond: float | None = None, samples: int = 5) -> LeftSummary:
    return LeftSummary(why=why, waited_s=None, beyond_mean=beyond, beyond_max=beyond, samples=samples)


def found(share: float) -> CacheSummary:
    return CacheSummary(looked_up_tokens=100, found_tokens=100 * share, found_share=share)


def test_nothing_is_said_of_good_answers(raised):
    assert raised() == {}


def test_a_server_that_fell_behind_is_named(raised):
    assert raised(stopped_by="saturated") == {"saturated": "serious"}


@pytest.mark.parametrize(
    ("why", "told"),
    [({"freeze": 1}, True), ({"no-first-token": 1}, True), ({"by-chance": 9}, False)],
)
def test_people_who_were_driven_away_are_doubted_and_those_who_left_by_chance_are_not(raised, why, told):
    assert ("people-left" in raised({"left": left(why)})) is told


@pytest.mark.parametrize(
    ("beyond", "samples", "told"), [(3.0, 5, True), (0.4, 5, False), (3.0, 2, False), (None, 5, False)]
)
def test_an_engine_that_works_on_for_nobody_is_doubted_where_enough_was_seen(raised, beyond, samples, told):
    change = {"left": left({"by-chance": 9}, beyond=beyond, samples=samples)}
    assert ("engine-works-on" in raised(change)) is told


def test_answers_that_say_the_same_over_and_over_are_noted(raised):
    assert raised({"looping_answers": 20}) == {"incoherent-output": "note"}
    assert raised({"looping_answers": 8}) == {}


def test_prompts_of_ones_own_that_ran_out_are_doubted(raised):
    own = Data(sha256="ab", prompts=10)

    assert raised({"repeated_prompts": 30}, data=own) == {"repeated-prompts": "caution"}
    assert raised({"repeated_prompts": 2}, data=own) == {}


def test_a_cache_that_was_to_be_off_and_was_not_is_doubted(raised):
    assert raised({"prefix_cache": found(0.5)}, cache="off") == {"cache-not-off": "serious"}
    assert raised({"prefix_cache": found(0.5)}, cache="warm") == {}
    assert raised({"cached_input_share": 0.5}, cache="off") == {"cache-not-off": "serious"}


@pytest.mark.parametrize(
    ("first_s", "again_s", "same", "told"),
    [(1.0, 0.01, True, True), (1.0, 0.9, True, False), (1.0, 0.01, False, False), (0.03, 0.001, True, False)],
)
def test_a_question_that_is_answered_at_once_the_second_time_shows_a_cache_of_answers(
    trial, first_s, again_s, same, told
):
    asked = RepeatSummary(first_s=first_s, again_s=again_s, same_answer=same)
    found = {doubt.code for doubt in load_doubts((), (), trial(), repeat=asked)}

    assert ("response-cache" in found) is told


def test_a_warm_cache_is_doubted_unless_prompts_share_beginnings_by_design(raised):
    assert "warm-cache" in raised({"cached_input_share": 0.9})
    assert "warm-cache" not in raised({"cached_input_share": 0.9}, cache="warm")
    assert "warm-cache" not in raised({"cached_input_share": 0.9}, sessions=Sessions(turns=3, think_s=1.0))
