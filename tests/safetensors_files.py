"""Writes safetensors files by hand, of zeros: what their headers say is known before they are read."""

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path

BYTES = {"BF16": 2, "F16": 2, "F32": 4, "I32": 4, "U8": 1}
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]


def safetensors(tensors: Shapes) -> bytes:
    """A whole file: name -> type and shape."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (kind, shape) in tensors.items():
        begin, end = end, end + BYTES[kind] * math.prod(shape)
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def llama_tensors(
    *, layers: int = 2, hidden: int = 64, wide: int = 96, vocabulary: int = 512, tied: bool = False
) -> Shapes:
    """The tensors of a small Llama with 8 heads and 2 key-value heads."""
    kv = hidden // 4
    tensors = {"model.embed_tokens.weight": ("BF16", (vocabulary, hidden)), "model.norm.weight": ("BF16", (hidden,))}
    tensors |= {} if tied else {"lm_head.weight": ("BF16", (vocabulary, hidden))}
    shapes = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (kv, hidden),
        "self_attn.v_proj": (kv, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (wide, hidden),
        "mlp.up_proj": (wide, hidden),
        "mlp.down_proj": (hidden, wide),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    for index in range(layers):
        tensors |= {f"model.layers.{index}.{name}.weight": ("BF16", shape) for name, shape in shapes.items()}
    return tensors


def llama_config(*, layers: int = 2, **more: object) -> dict[str, object]:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "vocab_size": 512,
        "max_position_embeddings": 1000,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    return config | more


def write_model(folder: Path, *, shards: int = 1, config: dict[str, object] | None = None) -> Path:
    """A model's folder with its weights in one file or several and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config or llama_config()))
    tensors = list(llama_tensors().items())
    names = (
        [f"model-{i + 1:05d}-of-{shards:05d}.safetensors" for i in range(shards)]
        if shards > 1
        else ["model.safetensors"]
    )
    parts = {name: dict(tensors[i::shards]) for i, name in enumerate(names)}
    for name, part in parts.items():
        (folder / name).write_bytes(safetensors(part))
    if shards > 1:
        total = sum(2 * math.prod(shape) for _, (_, shape) in tensors)
        index = {"metadata": {"total_size": total}, "weight_map": {t: n for n, part in parts.items() for t in part}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder
