"""llama.cpp's budget: weights of the layers on the card, the KV cache of all slots, one compute buffer, the context.

It takes what it needs. The compute buffer holds, for each token of a micro-batch, the 32-bit values that are alive at
once where a layer is widest, and a 16-bit mask over the cells of a slot (flash attention, which needs no table of
scores). Found by giving llama.cpp b11549 models of many shapes and reading the sizes that it prints: the buffers of
tests/plan/test_memory_llamacpp.py agree within 1 %, those of models with as many KV heads as heads are over-estimated
by up to 15 % where the feed-forward part is narrow.
"""

from typing import Final

from inference_arena.facts import Model
from inference_arena.plan.budget import Cause, MemoryBudget, Parts, Refusal, TermName, refused
from inference_arena.plan.kv_cache import kept_tokens, layer_state_bytes, layer_token_bytes
from inference_arena.plan.question import Question
from inference_arena.plan.resident import bytes_of_layers
from inference_arena.plan.search import largest_that_fits
from inference_arena.plan.terms import terms
from inference_arena.plan.weights import stored_bytes

# llama.cpp rounds the cells of its cache up to this (llama-context.cpp of b11549)
CELL_TOKENS: Final = 256
VALUE_BYTES: Final = 4
MASK_BYTES: Final = 2


def compute_bytes(asked: Question) -> int:
    """Tokens * (4 * widest + 2 * cells of a slot) bytes."""
    cells = -(-asked.context_tokens // CELL_TOKENS) * CELL_TOKENS
    return asked.prefill_tokens * (VALUE_BYTES * _widest(asked.model) + MASK_BYTES * cells)


def _widest(model: Model) -> int:
    """Values of one token that are alive at once: in the feed-forward part, among the experts, or in attention."""
    hidden, experts = model.hidden_size, model.experts
    dense = 3 * (model.intermediate_size or 0) + 5 * hidden
    if experts is not None:
        mixed = 3 * experts.active * experts.intermediate_size + (experts.active + 5) * hidden
        dense = max(mixed, dense if experts.layers < model.layer_count else 0)
    heads = (
        2 * one.heads * (one.key_dim or 0) + 4 * (one.kv_heads or 0) * (one.key_dim or 0) + 3 * hidden
        for one in model.layers
    )
    return max(dense, *heads)


def cache_bytes(asked: Question, *, slots: int, context_tokens: int) -> int:
    """The cache of all slots: they share one of slots * context cells; windows keep theirs a slot and the batch."""
    total = 0.0
    for layers in asked.model.layers:
        tokens = kept_tokens(
            layers,
            context_tokens=context_tokens,
            in_flight_tokens=-(-asked.prefill_tokens // slots),
            block_tokens=CELL_TOKENS,
        )
        each = tokens * layer_token_bytes(layers, element=asked.element) + layer_state_bytes(layers)
        total += layers.count * slots * each
    return round(total)


def llamacpp_parts(asked: Question, *, layers: int) -> Parts:
    """With `layers` of the model's layers on the cards; the output layer goes with the last of them.

    The embedding's rows stay in the machine's memory, which on shared memory is the card's own.
    """
    model, total = asked.model, stored_bytes(asked.model, asked.checkpoint)
    repeated, count = bytes_of_layers(model, asked.checkpoint), model.layer_count
    rows = 0 if model.tied_embeddings or asked.target.unified else (total - repeated) // 2
    share = min(layers, count) / count
    on_card = round(repeated * share) + (total - repeated - rows if layers > count else 0)
    cache = cache_bytes(asked, slots=asked.parallel, context_tokens=asked.context_tokens)
    cached = round(cache * share)
    return Parts(
        weights=-(-on_card // asked.cards),
        kv_cache=-(-cached // asked.cards),
        activations=compute_bytes(asked),
        graphs=0,
        context=asked.context_bytes,
        loaded=asked.loaded_bytes,
        reserve=asked.overhead.buffer_bytes,
        host=total - on_card + cache - cached,
        gpu_layers=min(layers, count),
    )


def layers_that_fit(asked: Question) -> int:
    """What was asked for; else as many layers as fit what is free, all and the output layer at best."""
    most = asked.model.layer_count + 1
    if asked.settings.gpu_layers is not None:
        return min(asked.settings.gpu_layers, most)
    return largest_that_fits(most, lambda layers: llamacpp_parts(asked, layers=layers).used <= asked.target.free_bytes)


def llamacpp_budget(asked: Question) -> MemoryBudget:
    """The budget of one card by this rule; `reserve` is the margin that llama.cpp's own fitting leaves."""
    part = llamacpp_parts(asked, layers=layers_that_fit(asked))
    room = (asked.target.free_bytes - part.used + part.kv_cache) * asked.cards
    on_card = (part.gpu_layers or 0) / asked.model.layer_count
    says: dict[TermName, str] = {
        "weights": f"{part.gpu_layers} of {asked.model.layer_count} layers, as they are in the file",
        "kv_cache": f"{asked.parallel} slot{'s' if asked.parallel > 1 else ''} of {asked.context_tokens:,} tokens",
        "activations": f"logits and hidden values of a micro-batch of {asked.prefill_tokens} tokens",
        "reserve": "what llama.cpp's own fitting leaves free",
    }
    return MemoryBudget(
        rule=asked.era.memory_rule,
        memory_bytes=asked.target.memory_bytes,
        share=None,
        share_bytes=None,
        terms=terms(asked, part, says=says),
        kv_cache_tokens=asked.context_tokens * asked.parallel,
        sequence_bytes=-(-part.kv_cache // asked.parallel),
        requests=float(asked.parallel),
        longest_context_tokens=_longest(asked, room_bytes=room, on_card=on_card),
        host_bytes=part.host,
        gpu_layers=part.gpu_layers,
        spread=asked.overhead.spread,
        spread_of=asked.overhead.measured_with,
        refusal=_refusal(asked, part),
    )


def _longest(asked: Question, *, room_bytes: float, on_card: float) -> int:
    """The longest context of each slot, when the share `on_card` of the cache has that room."""
    most = asked.model.context_tokens

    def needed(tokens: int) -> float:
        return cache_bytes(asked, slots=asked.parallel, context_tokens=tokens) * on_card

    if any(layers.window_tokens or layers.kind == "linear" for layers in asked.model.layers):
        return largest_that_fits(most, lambda tokens: needed(tokens) <= room_bytes)
    each = needed(CELL_TOKENS)
    return min(most, int(room_bytes // each) * CELL_TOKENS) if each else most


def _refusal(asked: Question, part: Parts) -> Refusal | None:
    need, have = part.used - part.reserve, asked.target.free_bytes
    if need > have:
        cause: Cause = "no-room-for-kv-cache" if need - part.kv_cache <= have else "weights-too-large"
        return refused(cause, "weights, KV cache and buffers do not fit the card", need, have)
    ram = asked.target.ram_bytes
    if asked.target.unified and (part.gpu_layers or 0) < asked.model.layer_count:
        whole = llamacpp_parts(asked, layers=asked.model.layer_count + 1)
        return refused("weights-too-large", "it does not fit the memory that is free", whole.used, have)
    if part.host and ram is not None and part.host > ram:
        what = "what does not fit the card does not fit the machine's own memory either"
        return refused("weights-too-large", what, part.host, ram)
    return None
