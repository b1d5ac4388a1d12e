"""What the first requests teach."""

import pytest

from inference_arena.record import RequestTrace
from inference_arena.run.failure import RunFailed
from inference_arena.run.first import OPTIONAL, _without_what_is_refused, estimate_answer_s, learn_wording

DISPENSABLE = ("ignore_eos", *OPTIONAL)


def trace(**changes: object) -> RequestTrace:
    fields = {
        "request": 0, "point": -1, "scheduled_s": 0.0, "sent_s": 0.0, "ended_s": 1.0, "result": "ok", "status": 200,
        "asked_input_tokens": 8, "asked_output_tokens": 4, "prompt_sha256": "0" * 32,
    }  # fmt: skip
    return RequestTrace.model_validate({**fields, **changes})


def refusing(*names: str):
    """A server that answers 400 while any of these parameters is sent."""

    def ask(parameters):
        refused = [name for name in names if name in parameters]
        return trace(result="failed", failure="http-400", detail=refused[0]) if refused else trace()

    return ask


def test_a_server_that_takes_everything_is_asked_once():
    _, parameters, dropped = _without_what_is_refused(refusing(), {"model": "m", "ignore_eos": True}, DISPENSABLE)
    assert parameters == {"model": "m", "ignore_eos": True}
    assert dropped == ()


def test_what_is_refused_is_dropped_and_named():
    wanted = {"model": "m", "ignore_eos": True, "temperature": 0, "stream_options": {}}
    _, parameters, dropped = _without_what_is_refused(refusing("temperature"), wanted, DISPENSABLE)
    assert parameters == {"model": "m", "stream_options": {}}
    assert dropped == ("ignore_eos", "temperature")


def test_what_forces_the_length_goes_first_whatever_an_engine_calls_it():
    wanted = {"model": "m", "generation_config": "{}", "temperature": 0}
    _, parameters, dropped = _without_what_is_refused(
        refusing("generation_config"), wanted, ("generation_config", *OPTIONAL)
    )
    assert parameters == {"model": "m", "temperature": 0}
    assert dropped == ("generation_config",)


def test_a_refusal_of_what_cannot_be_dropped_ends_the_run_with_the_first_words():
    with pytest.raises(RunFailed) as failed:
        _without_what_is_refused(refusing("ignore_eos", "model"), {"model": "m", "ignore_eos": True}, DISPENSABLE)
    assert failed.value.failed.cause == "http-400"
    assert "ignore_eos" in failed.value.failed.why


def test_tokens_a_word_and_the_templates_share_come_from_two_prompts():
    wording = learn_wording(trace(input_tokens=40), trace(input_tokens=90), words=48)
    assert wording.tokens_per_word == pytest.approx(1.25)
    assert wording.overhead_tokens == 30
    assert wording.words(90) == 48


@pytest.mark.parametrize("counts", [(None, 90), (40, None), (40, 40), (90, 40)])
def test_a_server_that_does_not_count_sensibly_leaves_the_guess(counts):
    first, second = (trace(input_tokens=count) for count in counts)
    assert learn_wording(first, second, words=48).tokens_per_word == 1.3


def test_an_answers_length_in_time_is_first_token_and_pace():
    seen = trace(read_s=(0.5, 0.6, 0.7, 0.8), read_tokens=(1, 1, 1, 1))
    assert estimate_answer_s(seen, tokens=20) == pytest.approx(0.5 + 0.1 * 20)
