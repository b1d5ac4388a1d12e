"""Conversations over real sockets: what was said before is said again, by both sides, and pauses are kept."""

from collections import defaultdict
from itertools import pairwise

import pytest

from inference_arena.load.conversation import make_conversation
from inference_arena.plan import Lengths, Load, Sessions

TALKS = Sessions(turns=3, think_s=0.05, system_tokens=40)
SCRIPT = {"tokens": 6, "ttft_s": 0.01, "token_interval_s": 0.002}
ASKED = {"sessions": TALKS, "lengths": Lengths(input_tokens=30, output_tokens=6, output_jitter=0.0)}


def by_session(traces):
    talks = defaultdict(list)
    for trace in sorted(traces, key=lambda trace: trace.scheduled_s):
        talks[trace.conversation].append(trace)
    return talks


@pytest.fixture
def talked(play):
    def drive(**fields):
        load = Load(kind="closed", concurrency=3, warmup_s=0.1, duration_s=1.5)
        return play(SCRIPT, **{"load": load, **ASKED, **fields})

    return drive


def test_each_turn_repeats_the_conversation_with_the_answers_that_the_server_gave(talked, plan_to):
    """The truth server counts a prompt's words, and its answers are one word a token."""
    it, plan, compared = talked(), plan_to(**ASKED), 0
    for number, talk in by_session(t for t in it.traces if t.result == "ok").items():
        conversation = make_conversation(plan, number)
        for before, after in pairwise(talk):
            new_words = len(conversation.turns[after.turn].text.split())
            assert after.turn == before.turn + 1
            assert after.input_tokens == before.input_tokens + before.output_tokens + new_words
            compared += 1
    assert compared >= 3


def test_people_think_between_an_answer_and_the_next_question(talked, plan_to):
    it, plan = talked(), plan_to(**ASKED)
    for number, talk in by_session(t for t in it.traces if t.result == "ok").items():
        conversation = make_conversation(plan, number)
        for before, after in pairwise(talk):
            assert after.scheduled_s - before.ended_s == pytest.approx(conversation.turns[after.turn].think_s, abs=1e-5)
            assert after.sent_s >= after.scheduled_s


def test_a_person_also_pauses_between_two_conversations(talked):
    """One person, one question a conversation: without pauses 1.5 s would hold some seventy of them."""
    load = Load(kind="closed", concurrency=1, warmup_s=0.1, duration_s=1.5)
    it = talked(load=load, sessions=Sessions(turns=1, think_s=0.2))

    assert 1 <= len(it.traces) <= 35


def test_only_the_first_conversation_of_a_person_is_joined_in_its_middle(talked):
    it = talked(load=Load(kind="closed", concurrency=1, warmup_s=0.1, duration_s=1.5))
    _, *later = (talk[0].turn for talk in by_session(it.traces).values())

    assert later
    assert set(later) == {0}


def test_all_conversations_of_a_point_begin_with_the_same_instructions(plan_to):
    plan = plan_to(**ASKED)
    one, other = make_conversation(plan, 0), make_conversation(plan, 1)

    assert one.opening == other.opening
    assert one.opening[0]["role"] == "system"
    assert one.turns[0].text != other.turns[0].text


def test_the_same_seed_makes_the_same_conversations_with_about_the_mean_number_of_turns(plan_to):
    plan = plan_to(**ASKED)
    talks = [make_conversation(plan, number) for number in range(300)]

    assert talks[5] == make_conversation(plan, 5)
    assert {len(talk.turns) for talk in talks} == {1, 2, 3, 4, 5}
    assert sum(len(talk.turns) for talk in talks) / 300 == pytest.approx(3.0, abs=0.35)


def test_arriving_people_start_conversations_in_an_open_load(talked):
    it = talked(load=Load(kind="open", rate_per_s=8.0, arrivals="constant", warmup_s=0.0, duration_s=1.0))

    first = sorted(t.scheduled_s - it.driven.started_s for t in it.traces if t.turn == 0)
    assert [round(at, 3) for at in first[:8]] == [i / 8 for i in range(8)]
    assert any(trace.turn for trace in it.traces)
