"""From a wish to settings: what an engine takes by itself first, then step by step less, and never what was pinned."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cast import checkpoint_of, model_of
from inference_arena import facts, units
from inference_arena.facts import Layers
from inference_arena.plan import Chosen, Settings, Wish, choose, question
from planned import on, pair, planned

QWEN = "qwen2.5-32b-instruct-awq"


def chosen(checkpoint: str, engine: str, release: str, wish: Wish, *, gpu: str = "RTX 3090", **pinned) -> Chosen:
    model, card = pair(checkpoint)
    base = question(
        model=model,
        checkpoint=card,
        target=on(gpu),
        settings=Settings(**pinned),
        era=facts.era_of(facts.engines()[engine], release),
        overhead=facts.overheads()[engine],
    )
    return choose(base, wish)


def test_where_the_engine_does_well_by_itself_nothing_but_the_context_is_set():
    found = chosen("qwen3-4b-bf16", "vllm", "0.33.0", Wish(users=2))

    assert found.holds
    assert found.gave_way == ()
    assert found.asked.settings == Settings(context_tokens=4096)


def test_a_context_beyond_the_models_own_is_cut_to_it():
    assert chosen("gemma-2-2b-it-bf16", "vllm", "0.33.0", Wish(context_tokens=100_000)).asked.context_tokens == 8192


def test_where_the_cache_is_too_small_the_share_of_the_card_grows_first():
    found = chosen(QWEN, "vllm", "0.33.0", Wish(users=1, context_tokens=6144))

    assert found.holds
    assert found.budget.requests >= 1
    assert found.gave_way[0].startswith("a share of ")
    assert found.asked.settings.graphs is None


def test_then_steps_get_shorter_and_recorded_graphs_go_last():
    found = chosen(QWEN, "vllm", "0.33.0", Wish(users=1, context_tokens=14_000))

    assert found.holds
    assert found.asked.settings.graphs is False
    assert "no recorded graphs" in found.gave_way


def test_graphs_are_not_given_up_for_a_few_more_of_many_users():
    many = chosen("qwen3-14b-awq", "vllm", "0.33.0", Wish(users=64, context_tokens=32_768))

    assert many.holds
    assert many.budget.requests < 64
    assert many.asked.settings.graphs is None


def test_what_was_pinned_is_not_said_to_have_given_way():
    found = chosen(QWEN, "vllm", "0.33.0", Wish(context_tokens=14_000), prefill_tokens=512)

    assert found.holds
    assert not any("prefill" in words for words in found.gave_way)


def test_a_share_that_is_found_leaves_a_margin_on_the_card():
    found = chosen(QWEN, "vllm", "0.33.0", Wish(users=1, context_tokens=14_000))

    assert found.budget.bytes_of("free") >= 256 * units.MIB


@pytest.mark.parametrize(
    "pinned",
    [{"memory_share": 0.8}, {"prefill_tokens": 2048}, {"graphs": True}, {"context_tokens": 2048}, {"parallel": 3}],
)
def test_what_is_pinned_stays_as_it_is(pinned):
    found = chosen(QWEN, "vllm", "0.33.0", Wish(users=8, context_tokens=8192), **pinned)

    assert {name: getattr(found.asked.settings, name) for name in pinned} == pinned


def test_weights_beyond_the_card_are_hopeless_at_once():
    found = chosen("llama-3.3-70b-instruct-bf16", "vllm", "0.33.0", Wish())

    assert not found.holds
    assert found.gave_way == ()


def test_llama_cpp_gets_as_many_slots_as_there_are_users():
    assert chosen("qwen3-8b-q4_k_m", "llamacpp", "0.5.0", Wish(users=5)).asked.settings.parallel == 5


def test_sglangs_share_is_fitted_to_what_its_rest_must_hold():
    found = chosen(QWEN, "sglang", "0.5.23", Wish())

    assert found.holds
    assert found.asked.settings.static_share is not None
    assert found.asked.settings.memory_share is None


MODELS = st.builds(
    lambda count, heads, hidden, context: model_of(
        Layers(kind="full", count=count, heads=heads, kv_heads=heads, key_dim=128, value_dim=128),
        hidden=hidden * 512,
        parameters=max(1, count * hidden * hidden) * 3_000_000,
    ).model_copy(update={"context_tokens": context}),
    st.integers(1, 96),
    st.sampled_from([1, 2, 8, 32]),
    st.integers(1, 16),
    st.sampled_from([2048, 32_768, 1_048_576]),
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    model=MODELS,
    engine=st.sampled_from(["vllm", "sglang"]),
    gpu=st.sampled_from(["RTX 3090", "RTX 4060 laptop", "H100 SXM5", "T4", "GB10"]),
    users=st.integers(1, 500),
    context=st.integers(1, 2_000_000),
)
def test_whatever_the_model_and_the_wish_what_is_chosen_starts_or_says_with_two_numbers_why_not(
    model, engine, gpu, users, context
):
    fit = planned((model, checkpoint_of(model)), engine, on(gpu), users=users, context=context)

    assert sum(term.bytes for term in fit.budget.terms) == fit.budget.memory_bytes
    if fit.budget.refusal is None:
        assert fit.budget.bytes_of("free") >= 0
        assert fit.budget.requests >= 1
    else:
        assert fit.budget.refusal.needed_bytes > fit.budget.refusal.available_bytes >= 0


def test_sglangs_buffers_count_where_weights_alone_would_fit_its_share():
    layers = Layers(kind="full", count=75, heads=32, kv_heads=32, key_dim=128, value_dim=128)
    model = model_of(layers, hidden=2560, parameters=75 * 25 * 3_000_000).model_copy(update={"context_tokens": 32_768})
    refusal = planned((model, checkpoint_of(model)), "sglang", on("T4"), context=2080).budget.refusal

    assert refusal.cause == "share-too-small"
    assert refusal.needed_bytes > refusal.available_bytes
