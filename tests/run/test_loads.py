"""What a person asks of load and questions, and how contradictions are told, before anything is started."""

import json

import pytest

from inference_arena.errors import BadFileError, NotFoundError, UsageError
from inference_arena.plan import Prefix, Settings
from inference_arena.run.ask import make_lengths, make_loads, make_trial
from inference_arena.run.asked import Asked


def loads(**asked):
    return make_loads(Asked.model_validate({"url": "http://h:1", **asked}), self_test=False)


def trial(**asked):
    given = Asked.model_validate({"url": "http://h:1", **asked})
    return make_trial(given, engine="openai", model="m", settings=Settings())


def test_steps_are_one_point_and_a_ramp_is_one_for_each_concurrency():
    (steps,) = loads(concurrency=(1.0, 4.0, 2.0), shape="steps")
    ramps = loads(concurrency=(2.0, 8.0), shape="ramp")

    assert (steps.concurrency, steps.levels) == (4, (1, 4, 2))
    assert [(ramp.concurrency, ramp.shape) for ramp in ramps] == [(2, "ramp"), (8, "ramp")]


def test_bursts_and_spikes_say_how_many_come_at_once():
    (bursts,), (spike,) = loads(rates=(2.0,), shape="bursts:5"), loads(rates=(2.0,), shape="spike:20")

    assert (bursts.arrivals, bursts.together, bursts.rate_per_s) == ("bursts", 5, 2.0)
    assert (spike.arrivals, spike.together) == ("spike", 20)


@pytest.mark.parametrize(
    "asked",
    [
        {"shape": "wave"},
        {"shape": "bursts", "rates": (1.0,)},
        {"shape": "spike:1", "rates": (1.0,)},
        {"shape": "ramp:4"},
        {"shape": "ramp", "rates": (1.0,)},
        {"shape": "bursts:4", "concurrency": (4.0,)},
        {"shape": "spike:4", "rates": (1.0,), "arrivals": "constant"},
        {"shape": "ramp", "requests": 10},
        {"sessions": (4.0,), "concurrency": (4.0,)},
    ],
)
def test_shapes_that_contradict_the_rest_are_refused_with_a_way_out(asked):
    with pytest.raises(UsageError) as refused:
        loads(**asked)

    assert refused.value.try_


def test_a_trace_is_measured_whole_at_its_mean_rate(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("at_s\n" + "".join(f"{n / 2}\n" for n in range(21)), encoding="utf-8")
    (load,) = loads(trace=str(path), trace_speed=2.0)

    assert (load.arrivals, load.replay.requests, load.replay.speed) == ("trace", 21, 2.0)
    assert load.rate_per_s == pytest.approx(21 / 5.0)
    assert load.duration_s == pytest.approx(5.0, abs=0.01)


def test_a_trace_that_is_shorter_than_the_warm_up_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("at_s\n0\n1\n", encoding="utf-8")

    with pytest.raises(UsageError):
        loads(trace=str(path), warmup_s=3.0)
    with pytest.raises(UsageError):
        loads(trace=str(path), rates=(1.0,))


# what is asked


def test_plain_questions_say_nothing_of_what_came_later():
    dumped = trial().model_dump(mode="json", exclude_none=True)

    assert not set(dumped) & {"texts", "prefix", "mix", "sessions", "patience", "data", "cache"}
    assert dumped["workload"] == "chat"


def test_a_mix_has_shares_that_add_up_and_room_for_its_longest_kind():
    asked = trial(workload="chat:70,rag-long-prompt:20,batch:10")

    assert [(kind.name, kind.share) for kind in asked.mix] == [("chat", 0.7), ("rag-long-prompt", 0.2), ("batch", 0.1)]
    assert asked.mix[1].prefix == Prefix(share=0.83, different=150)
    assert asked.lengths.input_tokens == 256
    assert asked.lengths.longest_tokens >= 7200 + 1250
    assert asked.mix[2].slo.name == "batch"


@pytest.mark.parametrize("text", ["chat:70,batch", "chat:0", "chat:-3", "chat:many", "chat:1,chat:2"])
def test_a_mix_that_makes_no_sense_is_refused(text):
    with pytest.raises(UsageError):
        trial(workload=text)


def test_a_workload_that_nobody_knows_is_a_name_of_something_missing():
    with pytest.raises(NotFoundError):
        trial(workload="chatt")


def test_a_workload_brings_its_goal_and_its_load_unless_others_are_named():
    assert trial(workload="rag-long-prompt").slo.name == "long-prompt"
    assert trial(workload="rag-long-prompt", slo="chat").slo.name == "chat"
    assert [load.concurrency for load in trial(workload="article").loads] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 64]
    assert [load.concurrency for load in trial(workload="article", concurrency=(3.0,)).loads] == [3]


def test_spread_lengths_come_from_the_workloads_source_and_need_one():
    asked = trial(workload="conversation", spread=True)

    assert asked.lengths.input_spread.p90_tokens == 2735
    assert asked.lengths.longest_tokens == 14050 + 1000
    with pytest.raises(UsageError):
        trial(workload="chat", spread=True)
    with pytest.raises(UsageError):
        trial(workload="conversation", spread=True, input_tokens=10)


def test_conversations_have_room_for_their_last_turn():
    asked = trial(sessions=(2.0, 4.0), turns=3, think_s=1.0, system_tokens=50, input_tokens=20, output_tokens=10)

    assert [load.concurrency for load in asked.loads] == [2, 4]
    assert (asked.sessions.turns, asked.sessions.think_s, asked.sessions.system_tokens) == (3, 1.0, 50)
    assert asked.lengths.longest_tokens >= 50 + 5 * (20 + 12)


@pytest.mark.parametrize(
    "asked",
    [{"think_s": 1.0}, {"sessions": (2.0,), "endpoint": "completions"}, {"turns": 2, "data": "x.jsonl"}],
)
def test_conversations_that_cannot_be_held_are_refused(asked):
    with pytest.raises(UsageError):
        trial(**asked)


def test_prompts_of_ones_own_are_known_by_hash_and_number_alone(tmp_path):
    path = tmp_path / "own.jsonl"
    path.write_text(json.dumps({"prompt": "a secret question"}) + "\n", encoding="utf-8")
    asked = trial(data=str(path))

    assert asked.data.prompts == 1
    assert asked.workload is None
    assert "secret" not in asked.model_dump_json()
    with pytest.raises(BadFileError):
        trial(data=str(tmp_path / "none.jsonl"))


def test_an_agents_turns_are_shorter_than_its_first_prompt():
    alone = make_lengths(Asked(url="http://h:1", workload="agent"))
    talking = make_lengths(Asked(url="http://h:1", workload="agent", turns=2))

    assert alone.input_tokens == 4171
    assert talking.input_tokens == 1171


def test_prompts_of_ones_own_have_room_for_the_longest_of_them(tmp_path):
    path = tmp_path / "own.jsonl"
    rows = [{"prompt": "word " * 3000}, {"prompt": "short", "output_tokens": 900}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    assert trial(data=str(path)).lengths.longest_tokens >= 5000 + 900
