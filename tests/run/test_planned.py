"""A model in a folder becomes a job: the plan's settings, the plan beside them, and refusals before anything starts."""

import json
from pathlib import Path

import pytest

from builders import a_record
from inference_arena import facts
from inference_arena.errors import ArenaError, UsageError
from inference_arena.plan import Target, target_of_card
from inference_arena.run import Found, Job, Program, planned_job
from inference_arena.run.ask import Asked

MISTRAL, QWEN = "mistral-7b-instruct-v0.2-bf16", "qwen2.5-32b-instruct-awq"
PROGRAM = Program(name="vllm", argv=("vllm",), version="0.24.0", why="a test")


def on(card: str) -> Target:
    return target_of_card(facts.find_gpu(card))


def job(
    checkpoint: str = MISTRAL,
    *,
    engine: str = "vllm",
    target: Target | None = None,
    location: str = "org/model",
    version: str | None = "0.24.0",
    **asked: object,
) -> Job:
    card = facts.checkpoint(checkpoint)
    found = Found(
        engine=engine,
        programs=(PROGRAM.model_copy(update={"version": version}),),
        model=facts.model(card.model),
        checkpoint=card,
        location=location,
        target=target,
    )
    words = {
        "model": location,
        "input_tokens": 1024,
        "output_tokens": 256,
        "exact": True,
        "concurrency": (1, 16),
        **asked,
    }
    return planned_job(Asked.model_validate(words), found, host=a_record().host)


@pytest.fixture
def h100() -> Target:
    return on("H100 SXM5")


def test_the_plan_is_kept_with_a_speed_for_each_load(h100):
    made = job(target=h100)

    assert made.prediction is not None
    assert [each.concurrency for each in made.prediction.speeds] == [1, 16]
    assert made.prediction.budget.bytes_of("weights") > 13 * 2**30
    assert made.engine.choices["settings"].startswith("planned: ")


def test_the_context_is_room_for_the_longest_prompt_and_answer(h100):
    assert job(target=h100).trial.settings.context_tokens == 1536


def test_flags_of_the_engine_are_read_as_settings_and_planned_with(h100):
    made = job(target=h100, flags=("--gpu-memory-utilization=0.5", "--enforce-eager", "--seed=7"))

    assert made.trial.settings.memory_share == 0.5
    assert made.trial.settings.graphs is False
    assert made.trial.settings.flags == ("--seed=7",)
    assert made.prediction is not None
    assert made.prediction.budget.share == 0.5


def test_what_does_not_fit_is_refused_with_the_number_that_decides_and_a_way_out():
    with pytest.raises(ArenaError) as refused:
        job(QWEN, target=on("RTX 3060 12 GB"))

    assert "will not run here on vLLM 0.24.0" in refused.value.what
    assert "GiB needed" in refused.value.why
    assert "--anyway" in refused.value.try_


def test_what_does_not_fit_is_started_all_the_same_where_that_is_asked_for():
    made = job(QWEN, target=on("RTX 3060 12 GB"), anyway=True)

    assert made.prediction is not None
    assert made.prediction.level == "does-not-fit"


def test_without_a_card_nothing_is_planned_and_the_engine_takes_its_own_defaults():
    made = job(target=None)

    assert made.prediction is None
    assert made.trial.settings.context_tokens == 1536
    assert "its own defaults" in made.engine.choices["settings"]


def test_a_program_that_does_not_tell_its_release_is_started_without_a_plan(h100):
    assert job(target=h100, version=None).prediction is None


def test_a_release_with_a_build_behind_it_is_planned_for_as_that_release(h100):
    made = job(target=h100, version="0.24.0+cu129")

    assert made.prediction is not None
    assert made.prediction.release == "0.24.0"


def test_dummy_weights_are_said_in_the_model_and_never_count_as_bytes_read(h100):
    made = job(target=h100, weights="dummy")

    assert made.model.weights == "dummy"
    assert made.model.file_bytes is None


def test_a_folder_is_known_by_its_configuration_and_is_no_checkpoint_of_the_catalogue(h100, tmp_path: Path):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["MistralForCausalLM"]}))

    made = job(target=h100, location=str(tmp_path))

    assert made.model.checkpoint is None
    assert made.model.config_sha256 is not None
    assert job(target=h100).model.checkpoint == MISTRAL


@pytest.mark.parametrize("flag", ["--port=1", "--host=0.0.0.0", "--served-model-name=x", "--load-format=auto"])
def test_what_the_arena_sets_itself_cannot_be_set_by_a_flag(h100, flag: str):
    with pytest.raises(UsageError, match=flag.partition("=")[0]):
        job(target=h100, flags=(flag,))


def test_an_option_that_the_engine_has_nothing_for_is_refused_with_the_reason(h100):
    with pytest.raises(UsageError) as refused:
        job(target=h100, threads=4)

    assert "--threads" in refused.value.what
    assert "vLLM" in refused.value.why


def test_a_prompt_and_answer_beyond_the_models_context_are_refused(h100):
    with pytest.raises(UsageError, match="trained for 32768"):
        job(target=h100, input_tokens=40_000)


def test_copies_and_shared_layers_are_planned_as_asked():
    two = target_of_card(facts.find_gpu("RTX 3090"), count=2)

    assert job(target=two, replicas=2).trial.settings.replicas == 2
    assert job(target=two, tensor_parallel=1).trial.settings.tensor_parallel == 1
    assert job(target=two).trial.settings.tensor_parallel == 2
