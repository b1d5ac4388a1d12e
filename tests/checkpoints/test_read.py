"""The door: what a name may stand for, and what is said of a folder that holds less than a model."""

import json
from datetime import date

import pytest

from inference_arena.checkpoints import read_model
from inference_arena.errors import BadFileError, NotFoundError
from safetensors_files import llama_config, llama_tensors, safetensors, write_model

TODAY = date(2026, 11, 24)
PARAMETERS = 2 * 512 * 64 + 64 + 2 * (2 * 64 * 64 + 2 * 16 * 64 + 3 * 64 * 96 + 2 * 64)


def test_a_config_alone_is_enough_and_its_weights_are_computed(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    found = read_model(tmp_path, hub=None, today=TODAY)

    assert found.model.parameters == PARAMETERS
    assert (found.checkpoint.weight_bytes, found.checkpoint.parts) == (None, None)
    assert (found.checkpoint.quantization, found.checkpoint.dtype, found.checkpoint.bits) == ("none", "bfloat16", 16.0)
    assert any("computed" in note for note in found.notes)


@pytest.mark.parametrize("shards", [1, 3])
def test_headers_give_exact_bytes_however_many_files_there_are(shards, tmp_path):
    found = read_model(str(write_model(tmp_path / "small", shards=shards)), hub=None, today=TODAY)

    assert found.model.name == "small"
    assert found.model.parameters == PARAMETERS
    assert found.checkpoint.weight_bytes == 2 * PARAMETERS
    assert found.checkpoint.parts
    assert found.checkpoint.parts.head_bytes == found.checkpoint.parts.embedding_bytes == 2 * 512 * 64
    assert found.notes == ()


def test_an_index_without_its_files_still_knows_their_bytes(tmp_path):
    folder = write_model(tmp_path / "small", shards=2)
    next(folder.glob("*.safetensors")).unlink()
    found = read_model(folder, hub=None, today=TODAY)

    assert (found.checkpoint.weight_bytes, found.checkpoint.parts) == (2 * PARAMETERS, None)


def test_a_tied_head_that_is_stored_again_counts_once_as_parameters(tmp_path):
    folder = write_model(tmp_path, config=llama_config(tie_word_embeddings=True))
    found = read_model(folder, hub=None, today=TODAY)

    assert found.model.parameters == PARAMETERS - 512 * 64
    assert found.checkpoint.weight_bytes == 2 * PARAMETERS


def test_towers_and_further_layers_are_parameters_beside_the_text(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(llama_config(num_nextn_predict_layers=1)))
    more = {"visual.blocks.0.qkv.weight": ("BF16", (10, 10)), "model.layers.2.eh_proj.weight": ("BF16", (5, 5))}
    (tmp_path / "model.safetensors").write_bytes(safetensors({**llama_tensors(), **more}))
    found = read_model(tmp_path, hub=None, today=TODAY)

    assert found.model.parameters == PARAMETERS + 125
    assert found.model.other_parameters == 125
    assert not any("not counted" in note for note in found.notes)


def test_packed_weights_have_bytes_but_their_parameters_come_from_the_config(tmp_path):
    quantization = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}
    (tmp_path / "config.json").write_text(json.dumps(llama_config(quantization_config=quantization)))
    (tmp_path / "model.safetensors").write_bytes(safetensors({"model.layers.0.mlp.up_proj.qweight": ("I32", (64, 12))}))
    found = read_model(tmp_path, hub=None, today=TODAY)

    assert found.model.parameters == PARAMETERS
    assert (found.checkpoint.weight_bytes, found.checkpoint.quantization, found.checkpoint.group_size) == (
        3072,
        "awq",
        128,
    )


def test_a_quantization_file_beside_the_config_is_heard(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    (tmp_path / "hf_quant_config.json").write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}))

    assert read_model(tmp_path, hub=None, today=TODAY).checkpoint.quantization == "fp8"


@pytest.mark.parametrize(
    ("weight_map", "word"),
    [
        ({"a": "../../etc/passwd"}, "weight_map"),
        ({"a": "sub/model.safetensors"}, "weight_map"),
        ({"a": 7}, "weight_map.a"),
        ({}, "weight_map"),
        (7, "weight_map"),
    ],
)
def test_an_index_may_name_files_of_its_own_folder_only(weight_map, word, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(llama_config()))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))

    with pytest.raises(BadFileError, match=word):
        read_model(tmp_path, hub=None, today=TODAY)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(NotFoundError, match=r"no config\.json"):
        read_model(tmp_path, hub=None, today=TODAY)


def test_of_several_gguf_files_one_must_be_named(tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(NotFoundError, match="several models") as caught:
        read_model(tmp_path, hub=None, today=TODAY)

    assert str(tmp_path / "a.gguf") in caught.value.try_


@pytest.mark.parametrize(
    "name", ["nothing", "./no/such/folder", "a/b/c", "owner/model.gguf", "owner/../x", "owner/name with space", ""]
)
def test_what_is_no_file_and_no_name_on_the_hub_is_not_found(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((NotFoundError, BadFileError)):
        read_model(name, hub=None, today=TODAY)


def test_offline_a_name_on_the_hub_is_said_to_be_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match="'Qwen/Qwen3-8B'") as caught:
        read_model("Qwen/Qwen3-8B", hub=None, today=TODAY)

    assert "hub" in caught.value.why
