"""SGLang's budget against what SGLang 0.5.14 printed at real starts on an H100, and the article's card by its rule."""

import pytest

from inference_arena import facts, units
from inference_arena.plan import MemoryBudget, Settings, Target, memory, question, target_of_card
from inference_arena.plan.memory_sglang import automatic_share, prefill_sizes
from inference_arena.plan.question import asked_with

MISTRAL, QWEN = "mistral-7b-instruct-v0.2-bf16", "qwen2.5-32b-instruct-awq"


def asked(checkpoint: str, target: Target, *, release: str, **settings: object):
    card = facts.checkpoint(checkpoint)
    return question(
        model=facts.model(card.model),
        checkpoint=card,
        target=target,
        settings=Settings(context_tokens=4096, **settings),
        era=facts.era_of(facts.engines()["sglang"], release),
        overhead=facts.overheads()["sglang"],
    )


def planned(checkpoint: str, target: Target, *, release: str = "0.5.14", **settings: object) -> MemoryBudget:
    return memory(asked(checkpoint, target, release=release, **settings))


@pytest.fixture
def h100_sxm() -> Target:
    return target_of_card(facts.find_gpu("H100 SXM5"))


@pytest.fixture
def real_3090() -> Target:
    return target_of_card(facts.find_gpu("RTX 3090"))


@pytest.mark.parametrize(
    ("checkpoint", "settings", "tokens", "tolerance"),
    [
        (MISTRAL, {"static_share": 0.30}, 81_913, 0.01),
        # a pool of 1.4 GiB beside weights of 18.2: a tenth of a GiB of the weights is a twelfth of the pool
        (QWEN, {"static_share": 0.25, "prefill_tokens": 2048}, 5_569, 0.10),
    ],
)
def test_the_pool_is_what_sglang_printed(h100_sxm, checkpoint, settings, tokens, tolerance):
    budget = planned(checkpoint, h100_sxm, graphs=False, **settings)

    assert budget.kv_cache_tokens == pytest.approx(tokens, rel=tolerance)
    assert budget.refusal is None


def test_the_share_that_sglang_works_out_by_itself_is_that_of_its_whole_chunk_however_short_the_context(h100_sxm):
    """0.835 and 426,271 tokens were printed, at a context of 1,536 without graphs."""
    read = h100_sxm.model_copy(update={"sold_bytes": 81_559 * units.MIB})  # by the driver, as SGLang asks it
    question_ = asked(MISTRAL, read, release="0.5.14", graphs=False)
    whole = asked_with(question_, question_.settings.model_copy(update={"context_tokens": 1536}))

    assert automatic_share(whole) == 0.835
    assert memory(whole).kv_cache_tokens == pytest.approx(426_271, rel=0.005)


def test_todays_automatic_share_is_too_small_for_a_32b_awq_checkpoint_on_24_gb(real_3090):
    budget = planned(QWEN, real_3090, release="0.5.23", prefill_tokens=4096)

    assert automatic_share(asked(QWEN, real_3090, release="0.5.23", prefill_tokens=4096)) < 0.75
    assert budget.refusal is not None
    assert budget.refusal.cause == "share-too-small"


def test_a_smaller_prefill_step_makes_the_automatic_share_large_enough(real_3090):
    small, large = (planned(QWEN, real_3090, release="0.5.23", prefill_tokens=tokens).share for tokens in (2048, 4096))

    assert small is not None
    assert large is not None
    assert small > large
    assert small > 18.1 / 23.0


def test_0_95_runs_out_of_memory_where_vllm_is_content_with_it(real_3090):
    refusal = planned(QWEN, real_3090, static_share=0.95, release="0.5.14").refusal

    assert refusal is not None
    assert refusal.cause == "out-of-memory-later"
    assert refusal.available_bytes < 1.3 * units.GIB


def test_the_articles_0_85_works(real_3090):
    assert planned(QWEN, real_3090, static_share=0.85, release="0.5.14").refusal is None


def test_a_share_below_the_weights_refuses_to_start(h100_sxm):
    refusal = planned(QWEN, h100_sxm, static_share=0.20, prefill_tokens=2048).refusal

    assert refusal is not None
    assert refusal.cause == "share-too-small"
    assert refusal.needed_bytes > refusal.available_bytes


def test_prefill_steps_are_recorded_by_ever_larger_strides():
    assert prefill_sizes(2048)[:3] == (4, 8, 12)
    assert prefill_sizes(2048)[-1] == 2048
    assert len(prefill_sizes(2048)) == 42
