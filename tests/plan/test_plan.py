"""Trials as values: what makes two the same, and what their numbers say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inference_arena import facts
from inference_arena.plan import Lengths, Load, Settings, Trial, choose_cores, choose_threads

LENGTHS = Lengths(input_tokens=100, output_tokens=50, output_jitter=0.25)


def a_trial(**fields) -> Trial:
    given = {
        "engine": "llamacpp",
        "model": "small",
        "endpoint": "chat",
        "settings": Settings(),
        "workload": "chat",
        "lengths": LENGTHS,
        "loads": (Load(kind="closed", concurrency=1, duration_s=10.0),),
        "repeats": 1,
        "seed": 1,
        "slo": facts.slo("chat"),
    }
    return Trial(**{**given, **fields})


def test_the_same_wish_has_the_same_id_and_any_other_has_another():
    others = [
        {"engine": "openai"}, {"model": "large"}, {"endpoint": "completions"}, {"settings": Settings(threads=1)},
        {"workload": None}, {"lengths": LENGTHS.model_copy(update={"output_jitter": 0.5})}, {"loads": ()},
        {"repeats": 2}, {"seed": 2}, {"slo": facts.slo("chat").model_copy(update={"ttft_s": 1.0})},
    ]  # fmt: skip
    ids = [a_trial(**fields).id for fields in others]

    assert a_trial().id == a_trial().id
    assert len({a_trial().id, *ids}) == len(others) + 1
    assert set(a_trial().id) <= set("0123456789abcdef")
    assert len(a_trial().id) == 16


def test_a_trial_read_back_has_the_id_that_it_had():
    trial = a_trial(settings=Settings(flags=("--flash-attn", "ä")))

    assert Trial.model_validate_json(trial.model_dump_json()).id == trial.id


def test_a_trial_cannot_be_changed_and_takes_no_unknown_wish():
    with pytest.raises(ValidationError):
        a_trial().seed = 2
    with pytest.raises(ValidationError):
        a_trial(colour="red")
    with pytest.raises(ValidationError):
        a_trial(seed="1")


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0, 1))
def test_no_answer_drawn_is_longer_than_the_longest(prompt, output, jitter):
    it = Lengths(input_tokens=prompt, output_tokens=output, output_jitter=jitter)

    assert it.longest_tokens >= prompt + output + int(output * jitter)
    assert it.longest_tokens <= prompt + output * (1 + jitter) + 1


@pytest.mark.parametrize(
    ("load", "level", "label"),
    [
        (Load(kind="closed", concurrency=8), 8.0, "8"),
        (Load(kind="open", rate_per_s=2.5), 2.5, "2.5/s"),
        (Load(kind="open", rate_per_s=4.0), 4.0, "4/s"),
    ],
)
def test_a_load_stands_on_its_axis_under_its_label(load, level, label):
    assert (load.level, load.label) == (level, label)


@pytest.mark.parametrize(
    ("cores", "physical", "asked", "threads"),
    [
        (8, 4, None, 3),
        (4, 8, None, 3),
        (8, None, None, 7),
        (2, 1, None, 1),
        (1, 1, None, 1),
        (8, 4, 8, 8),
        (1, 1, 3, 3),
    ],
)
def test_an_engine_gets_the_physical_cores_less_the_clients(cores, physical, asked, threads):
    assert choose_threads(cores=cores, physical_cores=physical, asked=asked).threads == threads


def test_the_choice_of_threads_says_why():
    assert choose_threads(cores=8, physical_cores=4, asked=2).reason == "asked for"
    assert "one core is left" in choose_threads(cores=8, physical_cores=4, asked=None).reason
    assert "only one core" in choose_threads(cores=1, physical_cores=1, asked=None).reason


@pytest.mark.parametrize(
    ("usable", "threads", "client", "engine"),
    [
        ((0, 1, 2, 3), None, 3, (0, 1, 2)),
        ((6, 2), 1, 6, (2,)),
        ((0, 1), 2, 1, None),
        ((5,), 1, None, None),
        ((), None, None, None),
    ],
)
def test_the_last_core_is_the_clients_and_the_engine_keeps_off_it_if_it_can(usable, threads, client, engine):
    choice = choose_cores(usable, threads=threads)

    assert (choice.client, choice.engine) == (client, engine)
    assert choice.reason
