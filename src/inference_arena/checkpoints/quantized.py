"""How a checkpoint's weights are stored, by its quantization_config or hf_quant_config.json. Knows no sizes.

Names of formats are those of the catalogue: awq, gptq, fp8, mxfp4, nvfp4, w4a16, w8a8 and so on. A method that is not
known here keeps its own name, with bits unknown.
"""

from dataclasses import dataclass
from typing import Final, Literal

from inference_arena.checkpoints.fields import Fields
from inference_arena.facts import Checkpoint

Covers = Literal["nothing", "linear", "experts", "all"]
Dtype = Literal["bfloat16", "float16", "float32"]

_MOST_BITS = 32
_MOST_GROUP = 2**20
# modelopt's words -> format, bits, weights that share a scale
_MODELOPT: Final[dict[str, tuple[str, float | None, int | None]]] = {
    "FP8": ("fp8", 8.0, None),
    "FP8_PB_WO": ("fp8", 8.0, None),
    "NVFP4": ("nvfp4", 4.0, 16),
    "W4A16_NVFP4": ("nvfp4", 4.0, 16),
    "W4A16_AWQ": ("awq", 4.0, 128),
    "W4A8_AWQ": ("w4a8", 4.0, 128),
    "MXFP4": ("mxfp4", 4.0, 32),
    "MIXED_PRECISION": ("modelopt-mixed", None, None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """The fields of a checkpoint that say how its weights are stored."""

    quantization: str
    quantized: Covers = "linear"
    bits: float | None = None
    group_size: int | None = None
    zero_point: bool | None = None

    def into(self, checkpoint: Checkpoint) -> Checkpoint:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return Checkpoint.model_validate(dict(checkpoint) | fields)


UNQUANTIZED: Final = Quantized(quantization="none", quantized="nothing", bits=16.0)


def read_quantization(whole: Fields, beside: Fields | None = None) -> Quantized:
    """From config.json, else from the hf_quant_config.json `beside` it; unquantized where neither says otherwise."""
    for place in _places(whole):
        part = place.section("quantization_config") or place.section("compression_config")
        if part is not None:
            return _method(part)
    part = beside.section("quantization") if beside is not None else None
    return UNQUANTIZED if part is None else _modelopt(part)


def read_dtype(whole: Fields) -> Dtype | None:
    """The type in which unquantized tensors are stored and computed; None where the file does not say."""
    for place in _places(whole):
        said = place.text("dtype", "torch_dtype")
        for known in ("bfloat16", "float16", "float32"):
            if said == known:
                return known
    return None


def _places(whole: Fields) -> tuple[Fields, ...]:
    inner = [whole.section(name) for name in ("text_config", "thinker_config", "llm_config")]
    return (whole, *(part for part in inner if part is not None))


def _method(part: Fields) -> Quantized:
    method = (part.text("quant_method") or "").lower()
    if method in ("modelopt", "modelopt_fp4") or (not method and part.has("quant_algo")):
        return _modelopt(part)
    if method in ("compressed-tensors", "compressed_tensors"):
        return _compressed(part)
    readers = {"awq": _grouped, "gptq": _grouped, "fp8": _fp8, "fbgemm_fp8": _fp8, "mxfp4": _mxfp4}
    if method in readers:
        return readers[method](part, method)
    if method == "bitsandbytes" or part.has("load_in_4bit"):
        return _bitsandbytes(part)
    return Quantized(quantization=method or "unknown")


def _grouped(part: Fields, method: str) -> Quantized:
    """AWQ and GPTQ: packed integers, a scale and a zero point for each group. A group of -1 is a whole column."""
    group = part.maybe("group_size", "q_group_size", least=-1, most=_MOST_GROUP)
    return Quantized(
        quantization=method,
        bits=float(part.integer("bits", "w_bit", most=_MOST_BITS)),
        group_size=group if group and group > 0 else None,
        # GPTQ files hold zero points even where the quantization is symmetric
        zero_point=True if method == "gptq" else part.flag("zero_point", default=True),
    )


def _fp8(_part: Fields, _method: str) -> Quantized:
    return Quantized(quantization="fp8", bits=8.0)


def _mxfp4(part: Fields, _method: str) -> Quantized:
    kept = " ".join(part.items("modules_to_not_convert", kind=str) or ())
    return Quantized(
        quantization="mxfp4", quantized="experts" if "self_attn" in kept else "linear", bits=4.0, group_size=32
    )


def _bitsandbytes(part: Fields) -> Quantized:
    four = part.flag("load_in_4bit") or part.flag("_load_in_4bit")
    return Quantized(quantization="bitsandbytes", bits=4.0 if four else 8.0, group_size=64 if four else None)


def _modelopt(part: Fields) -> Quantized:
    algorithm = (part.text("quant_algo") or "").upper()
    known = _MODELOPT.get(algorithm, (f"modelopt-{algorithm.lower()}" if algorithm else "modelopt", None, None))
    group = part.maybe("group_size", most=_MOST_GROUP) or known[2]
    return Quantized(quantization=known[0], quantized=_covers(part, "exclude_modules"), bits=known[1], group_size=group)


def _covers(part: Fields, name: str) -> Covers:
    """Experts alone where all of the attention is left out, which needs a word for every projection of it."""
    kept = part.items(name, kind=str) or ()
    attention = ("*self_attn*", "*.self_attn*", "model.layers.*.self_attn", "re:.*self_attn.*")
    return "experts" if any(word in attention for word in kept) else "linear"


def _compressed(part: Fields) -> Quantized:
    """Compressed-tensors: one scheme for all groups, else a mixture of which no bits are known."""
    groups = part.section("config_groups")
    schemes = [groups.section(name) for name in groups.values] if groups is not None else []
    weights = [scheme.section("weights") for scheme in schemes if scheme is not None]
    read = {_scheme(one, scheme) for one, scheme in zip(weights, schemes, strict=True) if one is not None and scheme}
    if len(read) != 1:
        return Quantized(quantization="compressed-tensors")
    found = read.pop()
    return Quantized(**{**{n: getattr(found, n) for n in found.__slots__}, "quantized": _covers(part, "ignore")})


def _scheme(weights: Fields, scheme: Fields) -> Quantized:
    bits, kind = weights.integer("num_bits", most=_MOST_BITS), weights.text("type") or "int"
    group = weights.maybe("group_size", least=-1, most=_MOST_GROUP)
    group = group if group and group > 0 else None
    inputs = scheme.section("input_activations")
    if kind == "float":
        return Quantized(quantization="fp8" if bits == 8 else "nvfp4", bits=float(bits), group_size=group)
    activations = 16 if inputs is None else inputs.integer("num_bits", most=_MOST_BITS)
    return Quantized(
        quantization=f"w{bits}a{activations}",
        bits=float(bits),
        group_size=group,
        zero_point=not weights.flag("symmetric", default=True),
    )
