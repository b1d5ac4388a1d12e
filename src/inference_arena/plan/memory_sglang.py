"""SGLang's budget: a share of what is free goes to weights and KV cache together, the rest must do for all else.

Read in SGLang 0.5.14: srt/server_args.py (_handle_gpu_memory_settings), srt/model_executor/
model_runner_kv_cache_mixin.py (_profile_available_bytes), pool_configurator.py. Its share is not vLLM's: activations,
graphs and loaded kernels come out of what the share leaves over.
"""

from typing import Final

from inference_arena import units
from inference_arena.plan.activations import peak_bytes
from inference_arena.plan.budget import Cause, MemoryBudget, Parts, Refusal, refused
from inference_arena.plan.graphs import graph_bytes, sglang_sizes
from inference_arena.plan.kv_cache import layer_token_bytes
from inference_arena.plan.question import Question, kv_split
from inference_arena.plan.resident import share_of_one_card
from inference_arena.plan.terms import terms

# The rule of thumb by which SGLang reserves memory for itself, in MiB (server_args.py of 0.5.14)
_BASE_MIB: Final = 512
_MIB_PER_CHUNK_TOKEN: Final = 1.5
_LEAST_CHUNK: Final = 2048
_MIB_PER_GRAPH_SEQUENCE: Final = 2
_MIB_PER_CARD: Final = 128
_MIB_PER_PREFILL_GRAPH: Final = 8
_LARGE_CARD_BYTES: Final = 60 * units.GIB
_LARGE_CARD_MIB: Final = 10_240
# --swa-full-tokens-ratio, by default
_WINDOW_POOL_SHARE: Final = 0.8


def automatic_share(asked: Question) -> float:
    """mem-fraction-static as SGLang works it out from the card's whole memory, where nothing is named."""
    if asked.era.memory_share is not None:
        return asked.era.memory_share
    return max(0.0, round(1 - _reserved_bytes(asked) / asked.target.sold_bytes, 3))


def _reserved_bytes(asked: Question) -> float:
    """By card size alone in older releases, by the rule of thumb since."""
    row = asked.row
    if row.reserve_bytes is not None:
        return row.reserve_bytes + (row.reserve_bytes_per_card or 0) * asked.cards
    # the chunk as it is set: it is not cut to what a context can fill (0.835 at a context of 1,536 on an H100)
    chunk = asked.settings.prefill_tokens or row.prefill_tokens
    records_prefill = asked.era.prefill_graphs and asked.graphs
    steps = prefill_sizes(min(chunk, asked.context_tokens)) if records_prefill else ()
    reserved = (
        _BASE_MIB
        + _MIB_PER_CHUNK_TOKEN * max(chunk, _LEAST_CHUNK)
        + _MIB_PER_GRAPH_SEQUENCE * asked.graph_batch
        + _MIB_PER_CARD * asked.cards
        + _MIB_PER_PREFILL_GRAPH * len(steps)
    )
    large = asked.target.sold_bytes > _LARGE_CARD_BYTES
    return (max(reserved, _LARGE_CARD_MIB) if large else reserved) * units.MIB


def prefill_sizes(most: int) -> tuple[int, ...]:
    """Step sizes that are recorded for prefill, by the steps of srt/server_args.py."""
    ladders = ((4, 33, 4), (48, 257, 16), (288, 513, 32), (576, 1025, 64), (1280, 4097, 256), (4608, most + 1, 512))
    return tuple(size for start, stop, step in ladders for size in range(start, stop, step) if size <= most)


def sglang_parts(asked: Question) -> Parts:
    """Share * free before load goes to weights and KV cache; all else must come out of what is left."""
    share = asked.settings.static_share or automatic_share(asked)
    before = asked.target.free_bytes - asked.context_bytes
    weights = share_of_one_card(asked.held_bytes, cards=asked.cards)
    return Parts(
        weights=weights,
        kv_cache=int(before * share) - weights - asked.overhead.buffer_bytes,
        activations=peak_bytes(asked),
        graphs=graph_bytes(asked, sglang_sizes(asked)),
        context=asked.context_bytes,
        loaded=asked.loaded_bytes,
        reserve=asked.overhead.buffer_bytes,
        share=share,
        share_bytes=int(before * share),
    )


def sglang_budget(asked: Question) -> MemoryBudget:
    """The budget of one card by this rule."""
    part = sglang_parts(asked)
    pool = max(0, part.kv_cache)
    cell = cell_bytes(asked)
    tokens = int(pool // cell) if cell else 0
    left = f"{part.share:g} of what is free before load is {units.gib(part.share_bytes)}, less the weights"
    return MemoryBudget(
        rule=asked.era.memory_rule,
        memory_bytes=asked.target.memory_bytes,
        share=part.share,
        share_bytes=part.share_bytes,
        terms=terms(asked, part, says={"kv_cache": left}),
        kv_cache_tokens=tokens,
        sequence_bytes=round(cell * asked.context_tokens),
        requests=tokens / asked.context_tokens,
        longest_context_tokens=min(asked.model.context_tokens, tokens),
        spread=asked.overhead.spread,
        spread_of=asked.overhead.measured_with,
        refusal=_refusal(asked, part),
    )


def cell_bytes(asked: Question) -> float:
    """Bytes of one token of the pool on one card. Layers with a window get a pool of their own, four fifths as long."""
    whole = sum(
        layers.count
        * layer_token_bytes(layers, element=asked.element)
        * (_WINDOW_POOL_SHARE if layers.kind in {"sliding", "chunked"} else 1.0)
        for layers in asked.cached.layers
    )
    return whole / kv_split(asked.cached, asked.cards)


def _refusal(asked: Question, part: Parts) -> Refusal | None:
    """SGLang's own check first; then what its rest must hold, which it does not check."""
    before, static = asked.target.free_bytes - part.context, part.share_bytes or 0
    beside = part.activations + part.graphs + part.loaded
    need = round(cell_bytes(asked) * asked.context_tokens)
    if part.kv_cache < 0:
        taken = part.weights + part.reserve
        cause: Cause = "weights-too-large" if part.weights >= before else "share-too-small"
        return refused(cause, "its share is smaller than weights and buffers, so it refuses to start", taken, static)
    if beside > before - static:
        what = "its share leaves too little for a step, graphs and kernels: it runs out of memory"
        return refused("out-of-memory-later", what, beside, before - static)
    if need > part.kv_cache:
        return refused("context-too-long", "one request of this context does not fit the KV cache", need, part.kv_cache)
    return None
