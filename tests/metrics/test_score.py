"""The plan's score, on what vLLM 0.24.0 really said of itself at its start, beside what the plan says of that start."""

from pathlib import Path

import pytest

import builders
from inference_arena import facts
from inference_arena.engines import vllm
from inference_arena.metrics import score
from inference_arena.plan import Ask, Prediction, Settings, Wish, plan_one, predict, target_of_card
from inference_arena.record import LoadSummary, Record

GOLDEN = Path(__file__).parents[1] / "golden" / "vllm-0.24.0"
MISTRAL = "mistral-7b-instruct-v0.2-bf16"


def predicted(checkpoint: str, *, users: tuple[int, ...] = (1, 16), **settings: object) -> Prediction:
    card = facts.checkpoint(checkpoint)
    model, running = facts.model(card.model), facts.release("vllm", "0.24.0")
    ask = Ask(
        target=target_of_card(facts.find_gpu("H100 SXM5")),
        wish=Wish(users=16, context_tokens=4096),
        pinned={"vllm": Settings(**settings)},
    )
    fit = plan_one(ask, model=model, checkpoint=card, running=running)
    return predict(fit, ask, model=model, checkpoint=card, running=running, concurrency=users)


def started(log: str, prediction: Prediction, **fields: object) -> Record:
    told = dict(vllm.startup((GOLDEN / f"start-{log}.log").read_text("utf-8").splitlines()))
    record = builders.a_record()
    known = {
        "engine": record.engine.model_copy(update={"name": "vllm", "version": "0.24.0"}),
        "model": record.model.model_copy(update={"name": "mistral-7b", "quantization": "none"}),
        "startup": record.startup.model_copy(update={"facts": told}),
        "prediction": prediction,
    }
    return record.model_copy(update={**known, **fields})


@pytest.fixture
def mistral() -> Record:
    return started(
        "mistral-7b-eager", predicted(MISTRAL, context_tokens=4096, memory_share=0.3, graphs=False, parallel=1024)
    )


def test_each_term_that_the_engine_prints_is_scored_against_the_plans_term(mistral):
    by_term = {each.term: each for each in score([mistral]).terms}

    assert by_term.keys() == {"weights", "kv_cache", "activations"}
    assert by_term["weights"].reported_bytes == mistral.startup.facts["weights_bytes"]
    assert mistral.prediction is not None
    assert by_term["weights"].predicted_bytes == mistral.prediction.budget.bytes_of("weights")
    assert by_term["weights"].kept
    assert by_term["kv_cache"].kept


def test_a_real_eager_start_keeps_every_promise(mistral):
    scored = score([mistral])

    assert scored.kept
    assert scored.pool_mean is not None
    assert scored.pool_mean < 0.03


def test_a_term_that_is_off_by_more_than_its_promise_is_missed(mistral):
    facts_ = {**mistral.startup.facts, "weights_bytes": int(mistral.startup.facts["weights_bytes"] * 1.01)}
    off = mistral.model_copy(update={"startup": mistral.startup.model_copy(update={"facts": facts_})})
    scored = score([off])

    assert not scored.kept
    (weights,) = [each for each in scored.terms if each.term == "weights"]
    assert weights.kept is False
    assert weights.error == pytest.approx(1 / 1.01 - 1, abs=0.001)


def test_the_kv_cache_of_a_start_with_graphs_is_reported_and_promises_nothing():
    record = started("mistral-7b-graphs", predicted(MISTRAL, context_tokens=4096, memory_share=0.3, parallel=1024))
    by_term = {each.term: each for each in score([record]).terms}

    assert by_term["kv_cache"].kept is None
    assert not by_term["kv_cache"].eager
    assert "graphs" in by_term


def test_a_measured_speed_is_scored_at_its_own_load(mistral):
    load = builders.LOAD.model_copy(update={"concurrency": 16})
    whole = builders.summary()
    measured = LoadSummary.model_validate(
        {**whole.loads[0].model_dump(), "load": load, "output_tokens_per_s": builders.estimate(1000.0)}
    )
    record = mistral.model_copy(update={"summary": whole.model_copy(update={"loads": (measured,)})})
    (speed,) = [each for each in score([record]).speeds if each.metric == "output_tokens_per_s"]

    assert speed.concurrency == 16
    assert speed.measured == 1000.0
    assert speed.ratio == pytest.approx(1000.0 / speed.point)
    assert speed.inside == (speed.low <= 1000.0 <= speed.high)


def test_a_record_without_a_prediction_is_left_out_and_named(mistral):
    bare = mistral.model_copy(update={"prediction": None})
    scored = score([bare])

    assert not scored.terms
    assert scored.without == {bare.id: "nothing was predicted"}
