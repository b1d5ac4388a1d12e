"""Bytes of past tokens, layer kind by layer kind, against sums worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast import model_of
from inference_arena import facts
from inference_arena.errors import UsageError
from inference_arena.facts import Layers
from inference_arena.plan.kv_cache import (
    ELEMENT_BYTES,
    element_bytes,
    growing_token_bytes,
    kept_tokens,
    sequence_bytes,
    token_bytes,
)

FULL = Layers(kind="full", count=8, heads=32, kv_heads=8, key_dim=128, value_dim=128)
SLIDING = Layers(kind="sliding", count=40, heads=32, kv_heads=8, key_dim=128, value_dim=128, window_tokens=1024)
LATENT = Layers(kind="latent", count=61, heads=128, latent_dim=512, rope_dim=64, value_dim=128)
LINEAR = Layers(kind="linear", count=36, heads=32, conv_elements=30_000, state_elements=500_000, state_type="float32")
SHARED = Layers(kind="shared", count=10, heads=8)


def kept(model, context, *, steps=2048, block=16):
    return sequence_bytes(model, context_tokens=context, element=2.0, in_flight_tokens=steps, block_tokens=block)


def test_keys_and_values_of_qwen_2_5_32b_take_a_quarter_of_a_mebibyte_a_token():
    assert token_bytes(facts.model("qwen2.5-32b-instruct"), element=2.0) == 256 * 1024


def test_full_layers_keep_every_token():
    assert kept(model_of(FULL), 4096) == 8 * 4096 * 8 * 256 * 2


def test_a_window_keeps_its_tokens_and_those_of_the_step_and_a_block_more():
    assert kept_tokens(SLIDING, context_tokens=131_072, in_flight_tokens=2048, block_tokens=16) == 3072 + 16
    assert kept_tokens(SLIDING, context_tokens=512, in_flight_tokens=2048, block_tokens=16) == 512


def test_the_textbook_formula_is_five_times_too_large_for_a_long_context_with_windows():
    model, context = model_of(FULL, SLIDING), 131_072

    textbook = context * token_bytes(model, element=2.0)

    assert textbook / kept(model, context) == pytest.approx(48 * 131_072 / (8 * 131_072 + 40 * 3088))
    assert textbook > 5 * kept(model, context)


def test_a_latent_cache_is_one_vector_a_token_whatever_the_heads():
    assert kept(model_of(LATENT), 4096) == 61 * 4096 * 576 * 2
    as_if_full = 61 * 4096 * 128 * (192 + 128) * 2
    assert as_if_full / kept(model_of(LATENT), 4096) > 11


def test_states_take_the_same_whatever_the_context():
    state = 36 * (30_000 * 2 + 500_000 * 4)

    assert kept(model_of(LINEAR), 16) == kept(model_of(LINEAR), 131_072) == state


def test_layers_that_share_a_cache_keep_nothing():
    assert kept(model_of(FULL, SHARED), 4096) == kept(model_of(FULL), 4096)


def test_only_layers_without_a_window_grow_with_a_long_context():
    assert growing_token_bytes(model_of(FULL, SLIDING, LINEAR), element=2.0) == token_bytes(model_of(FULL), element=2.0)


def test_block_types_of_llama_cpp_carry_their_scales():
    assert element_bytes("q8_0") == 1.0625
    assert element_bytes("q4_0") == 0.5625


def test_a_cache_type_that_nobody_described_is_refused_with_those_that_are_known():
    with pytest.raises(UsageError, match="no KV cache type") as caught:
        element_bytes("q17")

    assert "q8_0" in caught.value.try_


@given(st.integers(1, 1_000_000), st.integers(1, 1_000_000), st.sampled_from(sorted(ELEMENT_BYTES)))
def test_a_longer_context_never_needs_less_memory(one, other, kind):
    model, element = model_of(FULL, SLIDING, LATENT, LINEAR, SHARED), element_bytes(kind)
    short, long = sorted((one, other))

    assert sequence_bytes(
        model, context_tokens=short, element=element, in_flight_tokens=2048, block_tokens=16
    ) <= sequence_bytes(model, context_tokens=long, element=element, in_flight_tokens=2048, block_tokens=16)
