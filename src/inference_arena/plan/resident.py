"""Bytes of weights on the card after load, which differ from those in the file: kernels repack, tables are added.

Read in vLLM 0.24.0: model_executor/kernels/linear/__init__.py (order of kernels), mixed_precision/machete.py (zero
points become 16 bits wide), mixed_precision/marlin.py (they stay packed), layers/rotary_embedding (cosine and sine
table of every position).
"""

from typing import Final

from inference_arena.facts import Checkpoint, Model
from inference_arena.plan.target import Target
from inference_arena.plan.weights import bytes_per_weight, parts, stored_bytes

MACHETE_CAPABILITY: Final = "9.0"
ZERO_POINT_BITS_ON_MACHETE: Final = 16
FOUR_BIT: Final = frozenset({"awq", "gptq"})


def resident_bytes(model: Model, checkpoint: Checkpoint, target: Target) -> int:
    """Bytes over all cards, in engines that keep 16-bit tensors as they are and repack quantized ones."""
    return stored_bytes(model, checkpoint) + repacked_bytes(model, checkpoint, target) + rotary_bytes(model)


def repacked_bytes(model: Model, checkpoint: Checkpoint, target: Target) -> int:
    """What a kernel's own layout takes beside the file's: Machete, on 9.0 alone, widens 4-bit zero points to 16."""
    widened = checkpoint.quantization in FOUR_BIT and checkpoint.zero_point and checkpoint.group_size
    if not widened or target.compute_capability != MACHETE_CAPABILITY:
        return 0
    counted = parts(model)
    more_bits = ZERO_POINT_BITS_ON_MACHETE - (checkpoint.bits or 0)
    return round((counted.experts + counted.repeated) * more_bits / (checkpoint.group_size or 1) / 8)


def rotary_bytes(model: Model) -> int:
    """The table of cosines and sines: two bytes for every position and rotated dimension, once for equal layers."""
    widths = {layers.rope_dim if layers.kind == "latent" else layers.key_dim for layers in model.layers}
    return sum(model.context_tokens * width * 2 for width in widths if width)


def share_of_one_card(total_bytes: int, *, cards: int) -> int:
    """Tensor parallelism cuts every large tensor evenly; norms, whole on every card, are too small to count."""
    return -(-total_bytes // cards)


def bytes_of_layers(model: Model, checkpoint: Checkpoint) -> int:
    """Of the repeated layers with their experts alone: what llama.cpp moves to a card layer by layer."""
    counted = parts(model)
    total = counted.total - counted.other
    repeated = counted.repeated + counted.experts + counted.norms
    if checkpoint.quantized in {"nothing", "all"}:
        return round(stored_bytes(model, checkpoint) * repeated / total) if total else 0
    return stored_bytes(model, checkpoint) - round((counted.embedding + counted.head + counted.other) * 2.0)


def is_quantized(checkpoint: Checkpoint) -> bool:
    return checkpoint.quantized != "nothing" and bytes_per_weight(checkpoint) < 2
