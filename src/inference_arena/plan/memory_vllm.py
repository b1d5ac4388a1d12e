"""vLLM's budget: it takes a share of the card, measures what a step needs, and gives the rest to the KV cache.

Read in vLLM 0.24.0: v1/worker/gpu_worker.py (determine_available_memory), v1/worker/utils.py (request_memory),
v1/core/kv_cache_utils.py (blocks, and the check that one request of the full context fits).
"""

import math
from collections.abc import Sequence

from inference_arena import units
from inference_arena.facts import Layers
from inference_arena.plan.activations import peak_bytes
from inference_arena.plan.budget import Cause, MemoryBudget, Parts, Refusal, TermName, refused
from inference_arena.plan.graphs import graph_bytes, vllm_sizes
from inference_arena.plan.kv_cache import kept_tokens, layer_token_bytes
from inference_arena.plan.question import BLOCK_TOKENS, Question, kv_split, longest_context
from inference_arena.plan.resident import share_of_one_card
from inference_arena.plan.terms import terms


def vllm_parts(asked: Question) -> Parts:
    """Requested is share * visible memory; the cache gets that less weights, activations, the rest (and graphs)."""
    share = asked.settings.memory_share or asked.era.memory_share or 1.0
    requested = math.ceil(asked.target.memory_bytes * share)
    weights = share_of_one_card(asked.held_bytes, cards=asked.cards)
    activations, loaded = peak_bytes(asked), asked.loaded_bytes
    graphs = graph_bytes(asked, vllm_sizes(asked))
    inside = not asked.graphs_outside
    left = requested - weights - activations - loaded - (graphs if inside else 0)
    pinned = asked.settings.kv_cache_bytes
    return Parts(
        weights=weights,
        kv_cache=left if pinned is None else pinned,
        activations=activations,
        graphs=graphs,
        context=asked.context_bytes,
        loaded=loaded,
        reserve=asked.overhead.buffer_bytes,
        share=share,
        share_bytes=requested,
        graphs_inside=inside,
    )


def vllm_budget(asked: Question) -> MemoryBudget:
    """The budget of one card by this rule."""
    part = vllm_parts(asked)
    pool = max(0, part.kv_cache)
    requests = concurrency(asked, pool)
    taken = f"{part.share:g} of {units.gib(asked.target.memory_bytes)} = {units.gib(part.share_bytes)}"
    says: dict[TermName, str] = {"kv_cache": f"what is left of {taken} after all that is measured at start"}
    if part.graphs:
        says["graphs"] = "decoding steps recorded for replay, " + (
            "taken off the KV cache" if part.graphs_inside else "captured beside the budget"
        )
    return MemoryBudget(
        rule=asked.era.memory_rule,
        memory_bytes=asked.target.memory_bytes,
        share=part.share,
        share_bytes=part.share_bytes,
        terms=terms(asked, part, says=says),
        kv_cache_tokens=int(requests * asked.context_tokens),
        sequence_bytes=asked.request_bytes(asked.context_tokens),
        requests=requests,
        longest_context_tokens=longest_context(asked, pool),
        spread=asked.overhead.spread,
        spread_of=asked.overhead.measured_with,
        refusal=_refusal(asked, part),
    )


def concurrency(asked: Question, pool: int) -> float:
    """Requests of the full context that the pool holds at once, in whole blocks of every group of layers.

    Layers of unlike kinds share one pool of equal blocks in groups of equal size. Where states of fixed size are among
    them the blocks are padded to fit, which is left out here.
    """
    if any(layers.kind == "linear" for layers in asked.cached.layers):
        need = asked.request_bytes(asked.context_tokens)
        return pool / need if need else 0.0
    kinds = [layers for layers in asked.cached.layers if layer_token_bytes(layers, element=asked.element) > 0]
    page = max((layer_token_bytes(layers, element=asked.element) * BLOCK_TOKENS for layers in kinds), default=0.0)
    size = _group_size([layers.count for layers in kinds])
    each = sum(-(-layers.count // size) * (_kept(asked, layers) // BLOCK_TOKENS) for layers in kinds)
    return int(pool // (page / kv_split(asked.model, asked.cards)) // size) / each if each else 0.0


def _kept(asked: Question, layers: Layers) -> int:
    return kept_tokens(
        layers,
        context_tokens=asked.context_tokens,
        in_flight_tokens=asked.prefill_tokens,
        block_tokens=BLOCK_TOKENS,
    )


def _group_size(counts: Sequence[int]) -> int:
    """Layers that share one table of blocks: the fewest of a kind, or the most where that is within a half more."""
    fewest, most = min(counts, default=1), max(counts, default=1)
    return most if most < 1.5 * fewest else fewest


def _refusal(asked: Question, part: Parts) -> Refusal | None:
    """The first check that fails, in the engine's own order; the last one it does not make."""
    total, requested = asked.target.memory_bytes, part.share_bytes or 0
    idle = asked.target.free_bytes - part.context
    need = asked.request_bytes(asked.context_tokens)
    if asked.settings.kv_cache_bytes is None and requested > idle:
        return refused("share-too-large", "it asks for more than is free on the card", requested, idle)
    if part.kv_cache <= 0:
        cause: Cause = "weights-too-large" if part.weights > idle else "share-too-small"
        return refused(cause, "what it needs leaves nothing for the KV cache", requested - part.kv_cache, requested)
    if need > part.kv_cache:
        return refused("context-too-long", "one request of this context does not fit the KV cache", need, part.kv_cache)
    if part.used > total:
        return refused("out-of-memory-later", "it starts, and runs out of memory beside its budget", part.used, total)
    return None
