"""What a search for a capacity says: how many, what the next one does, what runs out, and how sure."""

import pytest

from builders import a_record
from inference_arena.metrics.statistics import wilson
from inference_arena.plan import Capacity, Lengths, People, Sessions
from inference_arena.record import CapacityAnswer, CapacityCause, CapacitySummary
from inference_arena.report.sharing import ordinal, sharing
from inference_arena.report.verdict import verdict

PEOPLE = People(
    behaviour="chat-person",
    lengths=Lengths(input_tokens=64, output_tokens=129, output_jitter=0.25),
    sessions=Sessions(turns=4, think_s=100.0),
)
FULL = CapacityCause(code="kv-cache-full", likely=False, evidence="the KV cache was 99 % full and requests waited")


def answer(**changes: object) -> CapacityAnswer:
    told = {
        "of": "requests", "status": "located", "lower": 11, "upper": 12, "unsure": (), "most": 64, "probes": 7,
        "lower_attainment": wilson(60, 60), "upper_attainment": wilson(30, 60), "upper_ttft_s": 2.4,
        "upper_tpot_s": 0.01, "cause": FULL,
    }  # fmt: skip
    return CapacityAnswer(**{**told, **changes})


def said(requests: CapacityAnswer, people: CapacityAnswer | None = None) -> tuple[str, ...]:
    record = a_record()
    trial = record.trial.model_copy(update={"capacity": Capacity(most=64, people=PEOPLE, most_people=1024)})
    capacity = CapacitySummary(behaviour="chat-person", requests=requests, people=people)
    summary = record.summary.model_copy(update={"capacity": capacity})
    return sharing(record.model_copy(update={"trial": trial, "summary": summary}))


def test_people_come_first_with_their_behaviour_what_the_next_one_does_and_why():
    people, requests = said(answer(lower=4, upper=5), answer(of="people"))

    assert people == (
        "11 people can chat comfortably (as chat-person: 1 min 40 s between an answer and the next question); the 12th "
        "makes first words wait 2.4 s (p90); memory for context is what runs out "
        "(the KV cache was 99 % full and requests waited)."
    )
    assert requests.startswith("4 simultaneous requests meet the goal; the 5th makes")


def test_a_limit_between_steps_is_told_by_the_level_that_was_tried():
    assert "requests at 104 together make first words wait" in said(answer(lower=100, upper=104))[0]


def test_slow_words_are_told_where_first_words_are_in_time():
    told = said(answer(upper_ttft_s=0.1, upper_tpot_s=0.3))[0]

    assert "the 12th makes each further word wait 300 ms (p90)" in told


def test_where_neither_tail_shows_it_the_share_is_told():
    told = said(answer(upper_ttft_s=0.1))[0]

    assert "50 % of requests meet it" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "at-edge", "lower": 64, "upper": None, "cause": None}, "no more were tried"),
        ({"status": "at-edge", "lower": 0, "upper": 1}, "Not even one request meets the goal"),
        (
            {"status": "not-found", "lower": 5, "upper": 11, "unsure": (8, 9)},
            "5 surely meet the goal, 11 surely do not",
        ),
        ({"status": "not-found", "lower": 0, "upper": None, "cause": None}, "none was sure to meet the goal"),
    ],
)
def test_an_answer_that_is_not_a_limit_says_so(changes, words):
    assert words in said(answer(**changes))[0]
    assert not said(answer(**changes))[0].startswith("11 ")


def test_people_that_were_not_tried_are_said_to_be_missing():
    assert said(answer())[-1] == "People: not tried yet."
    assert "nobody can be served" in said(answer(status="at-edge", lower=0, upper=1))[-1]


def test_an_unknown_cause_stays_unknown():
    unknown = CapacityCause(code="unknown", likely=True, evidence="the engine's counters were not to be had")

    assert "what runs out is unknown" in said(answer(cause=unknown))[0]
    assert "what runs out is unknown" in said(answer(cause=None))[0]


def test_a_record_without_a_search_says_nothing_of_it():
    assert sharing(a_record()) == ()
    assert not any("simultaneous" in sentence for sentence in verdict(a_record()))


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (12, "12th"), (22, "22nd"), (113, "113th")]
)
def test_ordinals(number, word):
    assert ordinal(number) == word
