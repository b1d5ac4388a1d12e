"""Bytes of weights on the card after load, which differ from those in the file: kernels repack, tables are added.

Read in vLLM 0.24.0: model_executor/kernels/linear/__init__.py (order of kernels), mixed_precision/machete.py (zero
points become 16 bits wide), mixed_precision/marlin.py (they stay packed), layers/rotary_embedding (cosine and sine
table of every position).
"""

from typing import Final

from inference_arena import units
from inference_arena.facts import Checkpoint, Model
from inference_arena.plan.target import Target
from inference_arena.plan.weights import group_of, parts, stored_bytes

MACHETE_CAPABILITY: Final = "9.0"
ZERO_POINT_BITS_ON_MACHETE: Final = 16
# PyTorch's allocator cuts no block of this size or more, and rounds it up to whole 2 MiB (vLLM sets the former at load)
WHOLE_FROM_BYTES: Final = 20 * units.MIB
ROUNDED_TO_BYTES: Final = 2 * units.MIB


def resident_bytes(model: Model, checkpoint: Checkpoint, target: Target, *, machete: bool = True) -> int:
    """Bytes over all cards, in engines that keep 16-bit tensors as they are and repack quantized ones.

    `machete`: whether the engine has that kernel, for cards of capability 9.0.
    """
    return (
        stored_bytes(model, checkpoint)
        + repacked_bytes(model, checkpoint, machete=machete and target.compute_capability == MACHETE_CAPABILITY)
        + rounding_bytes(model, checkpoint)
        + rotary_bytes(model)
        + absorbed_bytes(model)
    )


def repacked_bytes(model: Model, checkpoint: Checkpoint, *, machete: bool) -> int:
    """What a kernel's own layout takes beside the file's, negative where it takes less.

    Machete widens AWQ's 4-bit zero points to 16 bits; Marlin drops GPTQ's, which symmetric weights do not need.
    """
    if not checkpoint.zero_point or checkpoint.bits is None:
        return 0
    widened = ZERO_POINT_BITS_ON_MACHETE - checkpoint.bits
    bits = {("awq", True): widened, ("gptq", False): -checkpoint.bits}.get((checkpoint.quantization, machete), 0.0)
    counted = parts(model)
    return round((counted.experts + counted.repeated) * bits / (group_of(checkpoint) or 1) / 8)


def absorbed_bytes(model: Model) -> int:
    """Layers with a latent cache keep their way back to keys and values a second time, transposed, in 16 bits."""
    return sum(
        2 * one.count * (one.latent_dim or 0) * one.heads * ((one.nope_dim or 0) + (one.value_dim or 0))
        for one in model.layers
        if one.kind == "latent"
    )


def rounding_bytes(model: Model, checkpoint: Checkpoint) -> int:
    """What the allocator adds to the large matrices of the dense layers: queries with keys and values, the answer of
    attention, gate with up, and down, each one tensor a layer.
    """
    each = (checkpoint.bits or 16) / 8
    hidden, wide = model.hidden_size, model.intermediate_size or 0
    dense = model.layer_count - (model.experts.layers if model.experts else 0)
    added = dense * sum(_rounding(round(hidden * width * each)) for width in (2 * wide, wide))
    for one in model.layers:
        if one.kind in {"full", "sliding", "chunked"}:
            heads, kv = one.heads * (one.key_dim or 0), (one.kv_heads or 0) * (one.key_dim or 0)
            added += one.count * sum(_rounding(round(hidden * width * each)) for width in (heads + 2 * kv, heads))
    return added


def _rounding(size: int) -> int:
    return -size % ROUNDED_TO_BYTES if size >= WHOLE_FROM_BYTES else 0


def rotary_bytes(model: Model) -> int:
    """The table of cosines and sines: two bytes for every position and rotated dimension, once for layers alike.

    Layers with a window turn at another pace than the others, so they have a table of their own.
    """
    tables = {
        (layers.kind in {"sliding", "chunked"}, layers.rope_dim if layers.kind == "latent" else layers.key_dim)
        for layers in model.layers
    }
    return sum(model.context_tokens * width * 2 for _, width in tables if width)


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
