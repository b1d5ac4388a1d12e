"""Bytes of weights against checkpoints whose sizes are published, and the experts that a step wakes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cast import checkpoint_of
from inference_arena import facts, units
from inference_arena.plan.weights import (
    active_bytes,
    active_parameters,
    awake_share,
    bytes_per_weight,
    parts,
    stored_bytes,
)


def test_awq_weights_of_qwen_2_5_32b_come_to_the_published_size_of_the_checkpoint():
    card = facts.checkpoint("qwen2.5-32b-instruct-awq")

    assert stored_bytes(facts.model(card.model), card) / units.GIB == pytest.approx(18.00, rel=0.003)


def test_a_flat_half_byte_a_weight_would_be_an_eighth_too_small():
    card = facts.checkpoint("qwen2.5-32b-instruct-awq")
    model = facts.model(card.model)

    assert model.parameters / 2 < stored_bytes(model, card) * 0.88


def test_16_bit_weights_are_two_bytes_each():
    card = facts.checkpoint("mistral-7b-instruct-v0.2-bf16")
    model = facts.model(card.model)

    assert stored_bytes(model, card) == 2 * model.parameters


def test_parts_add_up_to_the_parameters_of_every_model_in_the_catalogue():
    for model in facts.models().values():
        assert parts(model).total == model.parameters, model.name


@pytest.mark.parametrize(
    ("fields", "each"),
    [
        ({"quantization": "awq", "bits": 4.0, "group_size": 128, "zero_point": True}, (4 + 20 / 128) / 8),
        ({"quantization": "gptq", "bits": 4.0, "group_size": 128}, (4 + 16 / 128) / 8),
        ({"quantization": "mxfp4", "bits": 4.0, "group_size": 32}, 17 / 32),
        ({"quantization": "nvfp4", "bits": 4.0, "group_size": 16}, 0.5625),
        ({"quantization": "q8_0", "bits": 8.5}, 34 / 32),
        ({}, 2.0),
        ({"dtype": "float32"}, 4.0),
    ],
)
def test_a_quantized_weight_takes_its_share_of_scales_and_zero_points(fields, each):
    model = facts.model("mistral-7b-instruct-v0.2")

    assert bytes_per_weight(checkpoint_of(model, **fields)) == pytest.approx(each)


def test_what_the_files_say_is_taken_before_any_formula():
    model = facts.model("mistral-7b-instruct-v0.2")

    assert stored_bytes(model, checkpoint_of(model, weight_bytes=123)) == 123


def test_one_token_wakes_its_active_experts_and_many_tokens_nearly_all():
    model = facts.model("qwen3-coder-30b-a3b-instruct")

    assert awake_share(model, sequences=1) == pytest.approx(8 / 128)
    assert awake_share(model, sequences=64) == pytest.approx(1 - (1 - 8 / 128) ** 64)
    assert awake_share(facts.model("mistral-7b-instruct-v0.2"), sequences=1) == 1


def test_active_parameters_of_a_mixture_are_near_what_its_makers_say():
    model = facts.model("qwen3-coder-30b-a3b-instruct")

    assert active_parameters(model) == pytest.approx(3.3e9, rel=0.1)


@given(st.floats(1, 512), st.floats(1, 512))
def test_more_requests_never_read_fewer_weights_and_never_more_than_there_are(one, other):
    card = facts.checkpoint("qwen3-coder-30b-a3b-instruct-bf16")
    model = facts.model(card.model)
    few, many = sorted((one, other))

    read = [active_bytes(model, card, sequences=sequences) for sequences in (few, many)]

    assert 0 < read[0] <= read[1] <= stored_bytes(model, card)
