"""Bytes that past tokens keep on a card, layer kind by layer kind. Knows no weights and no card.

full: heads * (key + value width) a token. sliding and chunked: the same for at most a window. latent (MLA): one vector
for all heads. linear: a state of fixed size a sequence. shared: nothing. (From the shapes of the caches in the model
classes of vLLM and llama.cpp; see docs/concepts/memory.md.)
"""

import math
from typing import Final

from inference_arena.errors import UsageError
from inference_arena.facts import Layers, Model

# bytes of one cached element: plain types, and llama.cpp's block types with their scales (34 bytes hold 32 values)
ELEMENT_BYTES: Final[dict[str, float]] = {
    "auto": 2.0,
    "bfloat16": 2.0,
    "bf16": 2.0,
    "float16": 2.0,
    "f16": 2.0,
    "float32": 4.0,
    "f32": 4.0,
    "fp8": 1.0,
    "fp8_e4m3": 1.0,
    "fp8_e5m2": 1.0,
    "int8": 1.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}
_STATE_BYTES: Final = {"float32": 4, "float16": 2, "bfloat16": 2, None: 2}


def element_bytes(kv_cache_type: str | None) -> float:
    """Bytes of one element of the cache; raises UsageError for a type that nobody has described."""
    name = (kv_cache_type or "auto").lower()
    if name not in ELEMENT_BYTES:
        raise UsageError(
            f"{kv_cache_type!r} is no KV cache type that is known", try_="one of: " + ", ".join(ELEMENT_BYTES)
        )
    return ELEMENT_BYTES[name]


def layer_token_bytes(layers: Layers, *, element: float) -> float:
    """Bytes that one layer keeps of one token; 0 for kinds that keep none."""
    if layers.kind in {"linear", "shared"}:
        return 0.0
    if layers.kind == "latent":
        return ((layers.latent_dim or 0) + (layers.rope_dim or 0) + (layers.index_dim or 0)) * element
    return (layers.kv_heads or 0) * ((layers.key_dim or 0) + (layers.value_dim or 0)) * element


def layer_state_bytes(layers: Layers) -> int:
    """Bytes of fixed size that one layer keeps of one sequence."""
    state = (layers.state_elements or 0) * _STATE_BYTES[layers.state_type]
    return (layers.conv_elements or 0) * 2 + state


def kept_tokens(layers: Layers, *, context_tokens: int, in_flight_tokens: int, block_tokens: int) -> int:
    """Tokens of a sequence that one layer keeps, in whole blocks.

    A window of w needs w - 1 past tokens beside those of the step under way, and one block more because it need not
    begin at a block's edge (vLLM v1/kv_cache_interface.py, SlidingWindowSpec).
    """
    if layers.kind in {"linear", "shared"}:
        return 0
    if layers.window_tokens is None or layers.kind not in {"sliding", "chunked"}:
        return _blocks(context_tokens, block_tokens)
    needed = min(layers.window_tokens - 1 + in_flight_tokens, context_tokens)
    return min(_blocks(needed, block_tokens) + block_tokens, _blocks(context_tokens, block_tokens))


def sequence_bytes(
    model: Model, *, context_tokens: int, element: float, in_flight_tokens: int, block_tokens: int
) -> int:
    """Bytes of KV cache and states that one request of `context_tokens` keeps, over all layers."""
    total = 0.0
    for layers in model.layers:
        tokens = kept_tokens(
            layers,
            context_tokens=context_tokens,
            in_flight_tokens=in_flight_tokens,
            block_tokens=block_tokens,
        )
        total += layers.count * (tokens * layer_token_bytes(layers, element=element) + layer_state_bytes(layers))
    return math.ceil(total)


def token_bytes(model: Model, *, element: float) -> float:
    """Bytes a token over all layers that keep it, windows counted as if they kept it too."""
    return sum(layers.count * layer_token_bytes(layers, element=element) for layers in model.layers)


def growing_token_bytes(model: Model, *, element: float) -> float:
    """Bytes that one token more adds to a long context: layers without a window alone."""
    kinds = {"full", "latent"}
    kept = (one for one in model.layers if one.kind in kinds)
    return sum(layers.count * layer_token_bytes(layers, element=element) for layers in kept)


def _blocks(tokens: int, block_tokens: int) -> int:
    return -(-tokens // block_tokens) * block_tokens
