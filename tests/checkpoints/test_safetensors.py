"""Headers of safetensors files written here by hand."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_arena.checkpoints.safetensors import read_safetensors
from inference_arena.checkpoints.weights import Tensor, add_up
from inference_arena.errors import BadFileError
from safetensors_files import llama_tensors, safetensors

WHOLE = safetensors({"a": ("BF16", (3, 4)), "b": ("F32", ()), "c": ("U8", (0, 5))})


def read(tmp_path: Path, data: bytes) -> list[Tensor]:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    return read_safetensors(path)


def headed(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_every_tensor_has_its_elements_and_bytes(tmp_path):
    assert read(tmp_path, WHOLE) == [Tensor("a", 12, 24), Tensor("b", 1, 4), Tensor("c", 0, 0)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 0),
        headed([]),
        headed(b"{{"),
        headed({"a": 7}),
        headed({"a": {"dtype": "F32"}}),
        headed({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1] * 9, "data_offsets": [0, 4]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, b"1234"),
        headed({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}}, b"1234"),
    ],
)
def test_a_damaged_header_is_a_bad_file(data, tmp_path):
    with pytest.raises(BadFileError):
        read(tmp_path, data)


def test_a_download_that_broke_off_is_incomplete(tmp_path):
    with pytest.raises(BadFileError, match="is incomplete"):
        read(tmp_path, WHOLE[:-1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_leaves_tensors_or_a_bad_file(place, byte, tmp_path):
    try:
        tensors = read(tmp_path, WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :])
    except BadFileError as error:
        assert error.what  # noqa: PT017 - either outcome is right; anything else raised is not
    else:
        assert sum(tensor.size_bytes for tensor in tensors) >= 0


def test_bytes_are_added_up_by_what_they_are_for():
    tensors = [
        Tensor("model.embed_tokens.weight", 100, 200),
        Tensor("lm_head.weight", 100, 200),
        Tensor("model.layers.0.self_attn.q_proj.weight", 10, 20),
        Tensor("model.layers.0.mlp.experts.3.up_proj.weight", 30, 60),
        Tensor("model.layers.0.mlp.shared_experts.up_proj.weight", 5, 10),
        Tensor("model.layers.1.self_attn.q_proj.weight", 10, 20),
        Tensor("model.layers.2.eh_proj.weight", 7, 14),
        Tensor("model.visual.blocks.0.attn.qkv.weight", 9, 18),
        Tensor("model.norm.weight", 1, 2),
    ]
    weights = add_up(tensors, depth=2)

    assert weights.parts.model_dump() == {
        "embedding_bytes": 200,
        "head_bytes": 200,
        "expert_bytes": 60,
        "rest_bytes": 84,
        "layer_bytes": (90, 20),
    }
    assert (weights.elements, weights.beside_elements, weights.expert_elements) == (272, 16, 30)


def test_a_files_own_name_stands_in_its_error(tmp_path):
    with pytest.raises(BadFileError, match=r"model\.safetensors"):
        read(tmp_path, safetensors(llama_tensors())[:100])
