"""quantization_config in the forms that publishers use, and the catalogue's words for them."""

import json

import pytest

from inference_arena.checkpoints.fields import Fields, parse_json
from inference_arena.checkpoints.quantized import UNQUANTIZED, Quantized, read_dtype, read_quantization
from inference_arena.errors import BadFileError


def whole(**fields: object) -> Fields:
    return parse_json(json.dumps(fields).encode(), file="config.json")


def compressed(bits: int, kind: str, *, group: int | None, inputs: int | None, ignore: list[str]) -> dict[str, object]:
    weights = {"num_bits": bits, "type": kind, "group_size": group, "symmetric": True}
    activations = None if inputs is None else {"num_bits": inputs, "type": kind}
    groups = {"group_0": {"weights": weights, "input_activations": activations, "targets": ["Linear"]}}
    return {"quant_method": "compressed-tensors", "config_groups": groups, "ignore": ignore}


AWQ = Quantized(quantization="awq", bits=4.0, group_size=128, zero_point=True)
GPTQ = Quantized(quantization="gptq", bits=4.0, group_size=128, zero_point=True)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"}, AWQ),
        ({"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False}, GPTQ),
        (
            {"quant_method": "gptq", "bits": 8, "group_size": -1},
            Quantized(quantization="gptq", bits=8.0, zero_point=True),
        ),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, Quantized(quantization="fp8", bits=8.0)),
        (
            {"quant_method": "mxfp4", "modules_to_not_convert": ["model.layers.*.self_attn", "lm_head"]},
            Quantized(quantization="mxfp4", quantized="experts", bits=4.0, group_size=32),
        ),
        (
            compressed(4, "int", group=128, inputs=None, ignore=["lm_head"]),
            Quantized(quantization="w4a16", bits=4.0, group_size=128, zero_point=False),
        ),
        (
            compressed(8, "int", group=None, inputs=8, ignore=["lm_head"]),
            Quantized(quantization="w8a8", bits=8.0, zero_point=False),
        ),
        (compressed(8, "float", group=None, inputs=8, ignore=[]), Quantized(quantization="fp8", bits=8.0)),
        (
            compressed(4, "float", group=16, inputs=4, ignore=["re:.*self_attn.*"]),
            Quantized(quantization="nvfp4", quantized="experts", bits=4.0, group_size=16),
        ),
        ({"load_in_4bit": True}, Quantized(quantization="bitsandbytes", bits=4.0, group_size=64)),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, Quantized(quantization="bitsandbytes", bits=8.0)),
        (
            {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]},
            Quantized(quantization="nvfp4", bits=4.0, group_size=16),
        ),
        ({"quant_algo": "FP8"}, Quantized(quantization="fp8", bits=8.0)),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, Quantized(quantization="modelopt-mixed")),
        ({"quant_method": "hqq"}, Quantized(quantization="hqq")),
        ({}, Quantized(quantization="unknown")),
    ],
)
def test_a_form_of_quantization_is_known_by_its_config(config, expected):
    assert read_quantization(whole(quantization_config=config)) == expected


def test_groups_of_different_schemes_have_no_bits_of_their_own():
    one = compressed(4, "int", group=128, inputs=None, ignore=[])
    other = compressed(8, "int", group=None, inputs=8, ignore=[])
    both = {**one, "config_groups": {"a": one["config_groups"]["group_0"], "b": other["config_groups"]["group_0"]}}

    assert read_quantization(whole(quantization_config=both)).bits is None


def test_a_file_beside_the_config_counts_where_the_config_says_nothing():
    beside = whole(quantization={"quant_algo": "FP8", "exclude_modules": ["lm_head"]})

    assert read_quantization(whole(), beside).quantization == "fp8"
    assert read_quantization(whole(text_config={"quantization_config": {"quant_method": "fp8"}})).bits == 8.0
    assert read_quantization(whole()) == UNQUANTIZED


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"quant_method": "awq", "bits": "four", "group_size": 128}, "bits"),
        ({"quant_method": "awq", "group_size": 128}, "bits"),
        ({"quant_method": "gptq", "bits": 10**9}, "bits"),
        ({"quant_method": 4}, "quant_method"),
        ({"quant_method": "mxfp4", "modules_to_not_convert": "lm_head"}, "modules_to_not_convert"),
        ({"quant_method": "compressed-tensors", "config_groups": {"group_0": 7}}, "group_0"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(config, field):
    with pytest.raises(BadFileError, match=field):
        read_quantization(whole(quantization_config=config))


def test_the_compute_type_is_one_of_three_or_unknown():
    assert read_dtype(whole(torch_dtype="bfloat16")) == "bfloat16"
    assert read_dtype(whole(text_config={"dtype": "float16"})) == "float16"
    assert read_dtype(whole(torch_dtype="float8_e4m3fn")) is None
    assert read_dtype(whole()) is None
