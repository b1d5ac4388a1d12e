"""Models out of GGUF headers that are written here, so that their numbers are known."""

import struct
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_files import ARRAY, BOOL, F32, I32, STRING, U32, Entry, Tensor, gguf
from inference_arena.checkpoints import ReadModel, read_model
from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.facts import checkpoint, model

TODAY = date(2026, 11, 24)
TOKENS = ("tokenizer.ggml.tokens", ARRAY, (STRING, ["a", "b", "c", "d"]))
TENSORS: list[Tensor] = [
    ("token_embd.weight", (64, 4), "q8_0"),
    ("output.weight", (64, 4), "q8_0"),
    ("output_norm.weight", (64,), "f32"),
    ("blk.0.attn_q.weight", (64, 64), "q4_1"),
    ("blk.0.ffn_up_exps.weight", (64, 32, 4), "q4_1"),
    ("blk.1.attn_q.weight", (64, 64), "q4_1"),
]


def entries(architecture: str = "llama", **numbers: object) -> list[Entry]:
    base: dict[str, object] = {
        "block_count": 2,
        "embedding_length": 64,
        "feed_forward_length": 96,
        "context_length": 1000,
        "attention.head_count": 8,
        "attention.head_count_kv": 2,
    }
    found: list[Entry] = [("general.architecture", STRING, architecture), TOKENS]
    for name, value in (base | numbers).items():
        if value is not None:
            kind = ARRAY if isinstance(value, tuple) else U32
            found.append((f"{architecture}.{name.replace('__', '.')}", kind, value))
    return found


def read(tmp_path: Path, *, tensors: list[Tensor] | None = None, metadata: list[Entry] | None = None) -> ReadModel:
    path = tmp_path / "small-q4_1.gguf"
    path.write_bytes(gguf(entries() if metadata is None else metadata, TENSORS if tensors is None else tensors))
    return read_model(path, hub=None, today=TODAY)


def kinds(read: ReadModel) -> list[tuple[str, int]]:
    return [(layers.kind, layers.count) for layers in read.model.layers]


def test_a_plain_model_is_its_metadata_and_the_sum_of_its_tensors(tmp_path):
    found, stored, notes = read(tmp_path)

    assert (found.hidden_size, found.intermediate_size, found.vocab_size, found.context_tokens) == (64, 96, 4, 1000)
    assert [(one.kind, one.count, one.heads, one.kv_heads, one.key_dim) for one in found.layers] == [
        ("full", 2, 8, 2, 8)
    ]
    assert found.parameters == 2 * 256 + 64 + 2 * 4096 + 8192
    assert (found.tied_embeddings, found.gguf_architecture, found.family) == (False, "llama", "llama")
    assert stored.parts is not None
    # blocks of 32: q8_0 in 34 bytes, q4_1 in 20
    assert stored.parts.model_dump() == {
        "embedding_bytes": 8 * 34,
        "head_bytes": 8 * 34,
        "expert_bytes": 256 * 20,
        "rest_bytes": 256 + 2 * 128 * 20,
        "layer_bytes": (384 * 20, 128 * 20),
    }
    assert stored.weight_bytes == stored.parts.total_bytes
    assert (stored.format, stored.quantization, stored.quantized) == ("gguf", "q4_1", "all")
    assert notes == ()


def test_without_an_output_tensor_the_embedding_is_the_head(tmp_path):
    tied = read(tmp_path, tensors=[tensor for tensor in TENSORS if tensor[0] != "output.weight"])

    assert tied.model.tied_embeddings


@pytest.mark.parametrize(
    ("architecture", "numbers", "expected"),
    [
        ("llama", {"attention__sliding_window": 32}, [("full", 6)]),
        ("gemma3", {"attention__sliding_window": 32}, [("sliding", 5), ("full", 1)]),
        ("gemma2", {"attention__sliding_window": 32}, [("sliding", 3), ("full", 3)]),
        ("gpt-oss", {"attention__sliding_window": 32}, [("sliding", 3), ("full", 3)]),
        ("llama4", {}, [("chunked", 5), ("full", 1)]),
        (
            "gemma4",
            {
                "attention__sliding_window": 32,
                "attention__sliding_window_pattern": (BOOL, [True, True, False, True, True, False]),
                "attention__shared_kv_layers": 3,
                "attention__key_length": 32,
                "attention__key_length_swa": 16,
            },
            [("sliding", 2), ("full", 1), ("shared", 3)],
        ),
        (
            "qwen3next",
            {
                "full_attention_interval": 3,
                "ssm__inner_size": 64,
                "ssm__state_size": 8,
                "ssm__group_count": 2,
                "ssm__time_step_rank": 8,
                "ssm__conv_kernel": 4,
            },
            [("linear", 4), ("full", 2)],
        ),
        (
            "nemotron_h",
            {
                "attention__head_count_kv": (I32, [0, 0, 2, 0, 0, 0]),
                "feed_forward_length": (I32, [0, 96, 0, 96, 0, 96]),
                "ssm__inner_size": 64,
                "ssm__state_size": 8,
                "ssm__group_count": 1,
                "ssm__conv_kernel": 4,
            },
            [("linear", 2), ("full", 1)],
        ),
        (
            "falcon-h1",
            {"ssm__inner_size": 64, "ssm__state_size": 8, "ssm__conv_kernel": 4},
            [("full", 6), ("linear", 6)],
        ),
    ],
)
def test_layers_are_told_apart_by_keys_and_by_what_their_family_does(architecture, numbers, expected, tmp_path):
    found = read(tmp_path, metadata=entries(architecture, **{"block_count": 6, **numbers}))

    assert kinds(found) == expected


def test_the_sizes_of_a_state_follow_from_its_keys(tmp_path):
    sizes = {"inner_size": 64, "state_size": 8, "group_count": 2, "time_step_rank": 8, "conv_kernel": 4}
    numbers = {f"ssm__{name}": size for name, size in sizes.items()}
    found = read(tmp_path, metadata=entries("qwen3next", full_attention_interval=2, **numbers))

    linear = found.model.layers[0]
    assert (linear.heads, linear.conv_elements, linear.state_elements) == (8, 3 * (64 + 2 * 2 * 8), 64 * 8)


@pytest.mark.parametrize(
    "lengths",
    [{"key_length_mla": 24, "value_length_mla": 12, "key_length": 40}, {"key_length": 24, "value_length": 12}],
)
def test_latent_attention_is_the_same_in_newer_and_older_files(lengths, tmp_path):
    numbers = {f"attention__{name}": length for name, length in lengths.items()}
    numbers |= {"attention__kv_lora_rank": 32, "attention__q_lora_rank": 48, "rope__dimension_count": 8}
    (latent,) = read(tmp_path, metadata=entries("deepseek2", **numbers)).model.layers

    assert (latent.kind, latent.latent_dim, latent.query_latent_dim) == ("latent", 32, 48)
    assert (latent.nope_dim, latent.rope_dim, latent.value_dim) == (16, 8, 12)


def test_experts_stand_with_their_layers_and_idle_ones_are_not_active(tmp_path):
    numbers = {
        "expert_count": 4,
        "expert_used_count": 1,
        "expert_feed_forward_length": 32,
        "leading_dense_block_count": 1,
    }
    found = read(tmp_path, metadata=entries("qwen3moe", **numbers)).model

    assert found.experts
    assert (found.experts.count, found.experts.active, found.experts.layers) == (4, 1, 1)
    assert found.active_parameters == found.parameters - 8192 * 3 // 4


def test_a_type_that_is_not_known_leaves_bytes_unknown(tmp_path):
    path = tmp_path / "new.gguf"
    data = gguf(entries(), [("w", (64,), "f32")])
    path.write_bytes(data.replace(struct.pack("<IQIQ", 1, 64, 0, 0), struct.pack("<IQIQ", 1, 64, 77, 0)))
    found = read_model(path, hub=None, today=TODAY)

    assert (found.checkpoint.weight_bytes, found.checkpoint.parts, found.checkpoint.bits) == (None, None, None)
    assert found.model.parameters == 64
    assert "not known" in found.notes[0]


def test_a_model_in_several_files_is_added_up_from_any_of_them(tmp_path):
    split: list[Entry] = [("split.count", U32, 2)]
    first, second = tmp_path / "m-00001-of-00002.gguf", tmp_path / "m-00002-of-00002.gguf"
    first.write_bytes(gguf(entries() + split, TENSORS[:3]))
    with pytest.raises(NotFoundError, match="1 of the 2 files"):
        read_model(first, hub=None, today=TODAY)

    second.write_bytes(gguf(split, TENSORS[3:]))
    whole = read(tmp_path)
    for path in (first, second, tmp_path / "only"):
        if path.name == "only":
            path.mkdir()
            for part in (first, second):
                part.rename(path / part.name)
        found = read_model(path, hub=None, today=TODAY)
        assert found.model.parameters == whole.model.parameters
        assert found.checkpoint.parts == whole.checkpoint.parts
        assert "2 files" in found.notes[0]


@pytest.mark.parametrize(
    ("metadata", "word"),
    [
        ([("general.architecture", STRING, "llama")], "llama.block_count"),
        ([], "general.architecture"),
        (entries(block_count=10**6), "llama.block_count"),
        (entries(attention__head_count=0), "llama.attention.head_count"),
        (entries(embedding_length=None), "llama.embedding_length"),
        (entries(attention__head_count_kv=(F32, [0.5, 0.5])), "attention.head_count_kv"),
        (entries(attention__head_count_kv=(I32, [-1, 2])), "attention.head_count_kv"),
        (entries(attention__head_count_kv=(I32, [2])), "attention.head_count_kv"),
        (entries(expert_count=4, expert_used_count=5), "expert_used_count"),
    ],
)
def test_a_number_that_no_model_has_is_named_by_its_key(metadata, word, tmp_path):
    with pytest.raises(BadFileError) as caught:
        read(tmp_path, metadata=metadata)

    assert word in caught.value.what
    assert caught.value.why


numbers = st.sampled_from([None, 0, 1, 2, 3, 7, 2**31, (I32, [0, 1]), (I32, [-5]), (F32, [1.0]), (BOOL, [True, False])])
names = st.sampled_from(
    "block_count embedding_length attention__head_count attention__head_count_kv attention__sliding_window "
    "attention__sliding_window_pattern attention__kv_lora_rank rope__dimension_count attention__key_length "
    "ssm__inner_size ssm__state_size ssm__conv_kernel expert_count expert_used_count feed_forward_length".split()
)
kinds_of_files = st.sampled_from(["llama", "gemma3", "deepseek2", "qwen3next", "nemotron_h", "falcon-h1", "llama4"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(architecture=kinds_of_files, changes=st.dictionaries(names, numbers, max_size=5))
def test_any_metadata_is_a_model_or_a_bad_file(architecture, changes, tmp_path):
    try:
        found = read(tmp_path, metadata=entries(architecture, **changes))
    except BadFileError as error:
        assert error.what  # noqa: PT017 - either outcome is right; anything else raised is not
    else:
        assert found.model.parameters == 2 * 256 + 64 + 2 * 4096 + 8192


@pytest.mark.engine
def test_the_shipped_file_says_what_its_cards_say(embedded_gguf):
    found = read_model(embedded_gguf, hub=None, today=TODAY)
    card, stored = model("smollm2-135m-instruct"), checkpoint("smollm2-135m-instruct-q4_1")

    same = {
        "layers",
        "parameters",
        "hidden_size",
        "intermediate_size",
        "vocab_size",
        "tied_embeddings",
        "context_tokens",
    }
    assert found.model.model_dump(include=same) == card.model_dump(include=same)
    assert (found.checkpoint.quantization, found.checkpoint.quantized) == (stored.quantization, stored.quantized)
    assert found.checkpoint.weight_bytes < stored.known_file.size_bytes
