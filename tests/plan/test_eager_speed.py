"""Steps without recorded graphs, on what vLLM 0.24.0 really took for them: the records that come with the project."""

from dataclasses import replace
from pathlib import Path

import pytest

from inference_arena import facts
from inference_arena.plan import Settings, Speed, Wish, plan_one, predict
from inference_arena.record import Record
from inference_arena.store import load_record
from planned import an_ask, on, pair

RECORDS = Path(__file__).parents[2] / "records"
EAGER = {
    "20261124-131819-0698c3": "qwen2.5-32b-instruct-awq",
    "20261124-132337-e5aed3": "llama-2-13b-chat-gptq",
    "20261124-132901-6c6370": "mistral-7b-instruct-v0.2-bf16",
}


def predicted(checkpoint: str, record: Record, users: int) -> Speed:
    model, card = pair(checkpoint)
    running = facts.release("vllm", "0.24.0")
    settings = {"vllm": record.trial.settings}
    ask = replace(an_ask(on("H100 SXM5"), users=users, pinned=settings), input_tokens=1024, output_tokens=256)
    fit = plan_one(ask, model=model, checkpoint=card, running=running)
    (one,) = predict(fit, ask, model=model, checkpoint=card, running=running, concurrency=[users]).speeds
    return one.speed


@pytest.mark.parametrize("record_id", EAGER)
def test_a_token_without_graphs_takes_what_was_predicted(record_id: str):
    record = load_record(RECORDS / record_id)
    assert record.summary is not None

    for load in record.summary.loads:
        tpot = predicted(EAGER[record_id], record, load.load.concurrency or 1).tpot_s
        assert tpot is not None
        if load.tpot_s is not None:
            assert tpot.low <= load.tpot_s.value <= tpot.high


def test_all_requests_that_fit_as_long_as_they_are_count_and_not_only_those_of_the_full_context():
    """16 requests of 1,280 tokens were worked on at once: 580 tokens/s."""
    speed = predicted(EAGER["20261124-132337-e5aed3"], load_record(RECORDS / "20261124-132337-e5aed3"), 16)

    assert speed.output_tokens_per_s is not None
    assert speed.output_tokens_per_s.low <= 580 <= speed.output_tokens_per_s.high


def test_more_requests_than_the_engine_works_on_wait_and_their_first_token_is_unknown():
    speed = predicted(EAGER["20261124-132337-e5aed3"], load_record(RECORDS / "20261124-132337-e5aed3"), 64)

    assert speed.ttft_s is None
    assert any("the others wait" in reason for reason in speed.unknown)


def test_recorded_graphs_make_every_token_quicker():
    model, card = pair("mistral-7b-instruct-v0.2-bf16")
    running = facts.release("vllm", "0.24.0")

    def token_s(graphs: bool | None) -> float:
        ask = an_ask(on("H100 SXM5"), pinned={"vllm": Settings(graphs=graphs)})
        found = plan_one(replace(ask, wish=Wish(users=1)), model=model, checkpoint=card, running=running).speed
        assert found is not None
        assert found.tpot_s is not None
        return found.tpot_s.point

    assert token_s(None) < token_s(False) / 2
