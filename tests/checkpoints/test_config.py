"""config.json files: parameters as the models' own classes have them, layers by kind, and what no file may say."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena.checkpoints.config import depth, read_config
from inference_arena.checkpoints.fields import parse_json
from inference_arena.errors import BadFileError
from inference_arena.facts import Model

DATA = Path(__file__).parent / "data"
FAMILIES = json.loads((DATA / "families.json").read_text("utf-8"))["cases"]
CONFIGS = json.loads((DATA / "configs.json").read_text("utf-8"))["cases"]
TODAY = date(2026, 11, 24)

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 1000,
}


def read(config: object) -> tuple[Model, tuple[str, ...]]:
    whole = parse_json(json.dumps(config).encode(), file="config.json")
    return read_config(whole, name="it", source="a test", checked=TODAY)


def kinds(model: Model) -> list[tuple[str, int]]:
    return [(layers.kind, layers.count) for layers in model.layers]


def named(name: str) -> Model:
    return read(next(case["config"] for case in CONFIGS if case["name"] == name))[0]


@pytest.mark.parametrize("case", FAMILIES, ids=lambda case: case["config"]["model_type"])
def test_parameters_of_every_family_are_those_of_its_class(case):
    model, notes = read(case["config"])
    head = 0 if case["head"] or model.tied_embeddings else model.hidden_size * model.vocab_size

    # A few vectors of some classes (sinks in sliding layers, router constants) are not counted
    assert abs(model.parameters - head - case["parameters"]) <= 64
    assert notes == ()


@pytest.mark.parametrize("case", CONFIGS, ids=lambda case: case["name"])
def test_parameters_of_published_models_are_exact(case):
    assert read(case["config"])[0].parameters == case["text_parameters"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Qwen/Qwen3-0.6B", [("full", 28)]),
        ("Qwen/Qwen3.5-27B", [("linear", 48), ("full", 16)]),
        ("deepseek-ai/DeepSeek-V3.2", [("latent", 61)]),
        ("google/gemma-4-26B-A4B", [("sliding", 25), ("full", 5)]),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", [("chunked", 36), ("full", 12)]),
        ("openai/gpt-oss-20b", [("sliding", 12), ("full", 12)]),
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", [("linear", 23), ("full", 6)]),
        ("mistral-7b", [("full", 32)]),
    ],
)
def test_layers_are_told_apart_by_what_they_keep(name, expected):
    assert kinds(named(name)) == expected


def test_latent_attention_keeps_one_vector_whatever_its_heads():
    (latent,) = named("deepseek-ai/DeepSeek-V3.2").layers

    assert (latent.latent_dim, latent.rope_dim, latent.nope_dim, latent.value_dim) == (512, 64, 128, 128)
    assert (latent.query_latent_dim, latent.index_dim, latent.kv_heads) == (1536, 128, None)


def test_global_layers_have_heads_of_their_own():
    sliding, full = named("google/gemma-4-26B-A4B").layers

    assert (sliding.kv_heads, sliding.key_dim, sliding.window_tokens) == (8, 256, 1024)
    assert (full.kv_heads, full.key_dim, full.value_dim, full.window_tokens) == (2, 512, 512, None)


def test_a_gated_delta_net_keeps_its_convolution_and_one_matrix_a_head():
    linear = named("Qwen/Qwen3.5-27B").layers[0]

    # 16 key heads and 48 value heads of 128; the kernel of 4 keeps 3 steps of queries, keys and values
    assert linear.conv_elements == 3 * (2 * 16 * 128 + 48 * 128)
    assert (linear.state_elements, linear.state_type) == (48 * 128 * 128, "float32")


def test_experts_are_counted_with_those_that_one_token_passes():
    model = named("qwen3-coder-30b")

    assert model.experts
    assert (model.experts.count, model.experts.active, model.experts.layers) == (128, 8, 48)
    assert model.active_parameters == 30_532_122_624 - 48 * 120 * 3 * 2048 * 768


def test_shared_layers_keep_nothing():
    config = {
        **LLAMA,
        "model_type": "gemma4_text",
        "head_dim": 16,
        "global_head_dim": 32,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "sliding_window": 16,
        "num_kv_shared_layers": 2,
    }
    model = read(config)[0]

    assert kinds(model) == [("sliding", 1), ("full", 1), ("shared", 1), ("shared", 1)]
    assert all(layers.kv_heads is None for layers in model.layers if layers.kind == "shared")


def test_state_beside_attention_counts_its_layers_once():
    case = next(case for case in FAMILIES if case["config"]["model_type"] == "falcon_h1")
    model = read(case["config"])[0]

    assert kinds(model) == [("full", 8), ("linear", 8)]
    assert model.layer_count == 8


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sliding_window": None}, [("full", 4)]),
        ({"sliding_window": 32, "use_sliding_window": False}, [("full", 4)]),
        ({"sliding_window": 32, "use_sliding_window": True, "max_window_layers": 3}, [("full", 3), ("sliding", 1)]),
    ],
)
def test_qwen_slides_only_where_it_is_asked_to(change, expected):
    assert kinds(read({**LLAMA, "model_type": "qwen2", **change})[0]) == expected


def test_gemma_3_leaves_out_what_its_class_knows():
    config = {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text",
            "hidden_size": 2560,
            "intermediate_size": 10240,
            "num_hidden_layers": 34,
            "sliding_window": 1024,
        },
        "vision_config": {"model_type": "siglip_vision_model"},
    }
    model, notes = read(config)

    # 419,816,304 of the published 4,300,079,472 are the vision tower's
    assert model.parameters == 4_300_079_472 - 419_816_304
    assert kinds(model) == [("sliding", 29), ("full", 5)]
    assert model.modalities == ("text", "image")
    assert any("towers" in note for note in notes)


@pytest.mark.parametrize("wrap", [{"thinker_config": {"text_config": LLAMA}}, {"llm_config": LLAMA}])
def test_the_language_model_is_found_wherever_it_stands(wrap):
    assert read({"model_type": "outer", **wrap})[0].parameters == read(LLAMA)[0].parameters


def test_an_unknown_family_is_read_as_a_plain_decoder_and_says_so():
    model, notes = read({**LLAMA, "model_type": "newcomer"})

    assert model.parameters == read(LLAMA)[0].parameters
    assert (model.family, model.gguf_architecture) == ("newcomer", None)
    assert any("'newcomer'" in note for note in notes)


def test_heads_without_key_value_heads_have_one_each():
    config = {name: value for name, value in LLAMA.items() if name != "num_key_value_heads"}

    assert read(config)[0].layers[0].kv_heads == 8


HOSTILE = [
    ({"hidden_size": -1}, "hidden_size"),
    ({"hidden_size": 10**400}, "hidden_size"),
    ({"hidden_size": "64"}, "hidden_size"),
    ({"hidden_size": [64]}, "hidden_size"),
    ({"hidden_size": None}, "hidden_size"),
    ({"hidden_size": True}, "hidden_size"),
    ({"hidden_size": 64.5}, "hidden_size"),
    ({"hidden_size": float("nan")}, "hidden_size"),
    ({"num_hidden_layers": 10**9}, "num_hidden_layers"),
    ({"num_attention_heads": 0}, "num_attention_heads"),
    ({"num_key_value_heads": 3}, "num_key_value_heads"),
    ({"vocab_size": {}}, "vocab_size"),
    ({"max_position_embeddings": None}, "max_position_embeddings"),
    ({"intermediate_size": None}, "intermediate_size"),
    ({"intermediate_size": [96, 97]}, "intermediate_size"),
    ({"layer_types": "full_attention"}, "layer_types"),
    ({"layer_types": ["full_attention"]}, "layer_types"),
    ({"layer_types": ["warp_attention"] * 4}, "layer_types"),
    ({"model_type": 7}, "model_type"),
    ({"architectures": [7]}, "architectures"),
    ({"text_config": 7}, "text_config"),
    ({"attention_bias": "yes"}, "attention_bias"),
    ({"compress_ratios": [0, 4]}, "compress_ratios"),
    ({"num_local_experts": 8, "num_experts_per_tok": 9}, "num_experts_per_tok"),
    ({"kv_lora_rank": 32}, "qk_nope_head_dim"),
    ({"hybrid_layer_pattern": [0, 1]}, "hybrid_layer_pattern"),
    ({"num_experts": 8, "num_experts_per_tok": 2, "moe_layer_freq": []}, "moe_layer_freq"),
    ({"attention_chunk_size": 8, "no_rope_layers": [1]}, "no_rope_layers"),
]


@pytest.mark.parametrize(("change", "field"), HOSTILE, ids=lambda value: str(value)[:40])
def test_a_hostile_field_is_named_with_what_is_expected(change, field):
    with pytest.raises(BadFileError) as caught:
        read({**LLAMA, **change})

    assert field in caught.value.what
    assert "config.json" in caught.value.what
    assert "expected" in caught.value.why
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "not JSON"),
        (b"[]", "not a model's config"),
        (b"{", "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "cannot be read"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not JSON"),
    ],
)
def test_what_is_no_object_is_refused(data, word):
    with pytest.raises(BadFileError, match=word):
        parse_json(data, file="config.json")


def test_infinity_where_nobody_asks_does_no_harm():
    data = json.dumps({**LLAMA, "time_step_limit": [0.0, float("inf")]}).encode()

    assert depth(parse_json(data, file="config.json")) == 4


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
field_names = st.sampled_from(sorted({name for case in FAMILIES for name in case["config"]}))


@settings(deadline=None, max_examples=300)
@given(case=st.sampled_from(FAMILIES), changes=st.dictionaries(field_names, json_values, max_size=4))
def test_any_json_is_a_model_or_a_bad_file(case, changes):
    try:
        model, _ = read({**case["config"], **changes})
    except BadFileError as error:
        assert error.why  # noqa: PT017 - either outcome is right; anything else raised is not
    else:
        assert model.parameters > 0
        assert model.layers or changes


@settings(deadline=None)
@given(config=st.dictionaries(field_names, json_values, max_size=8))
def test_any_object_at_all_is_a_model_or_a_bad_file(config):
    try:
        read(config)
    except BadFileError as error:
        assert error.what  # noqa: PT017 - see above
