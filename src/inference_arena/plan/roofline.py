"""What one step of a server must read and compute, and how long that takes at the least. Knows no engine by name.

A step reads every weight that it needs once, and every past token of every request; it multiplies each of its tokens
with each active weight. The slower of the two decides (S. Williams et al., "Roofline", 2009).
"""

import math
from typing import NamedTuple

from inference_arena.facts import Checkpoint, Layers, Model
from inference_arena.plan.kv_cache import kept_tokens, layer_state_bytes, layer_token_bytes
from inference_arena.plan.weights import active_bytes, active_parameters


class Work(NamedTuple):
    """Bytes that one card reads from its memory in a step, operations that it does, and seconds that it waits for
    weights which the machine's memory holds.
    """

    bytes: float
    flops: float
    host_s: float = 0.0


class Rates(NamedTuple):
    """What one card can do at its best, in bytes and operations a second."""

    bandwidth: float
    flops: float


class Factors(NamedTuple):
    """How far an engine falls short: shares of both rates, seconds a layer, and seconds an exchange between cards."""

    memory: float
    compute: float
    layer_s: float
    exchange_s: float


AT_BEST = Factors(memory=1.0, compute=1.0, layer_s=0.0, exchange_s=0.0)
EXCHANGES_A_LAYER = 2  # tensor parallelism adds up after the attention and after the feed-forward part of each layer


def step_s(work: Work, *, rates: Rates, factors: Factors, layers: int, cards: int) -> float:
    """Seconds of one step: max(bytes / (bandwidth * memory) + host, flops / (rate * compute)) + layers * overheads."""
    reading = work.bytes / (rates.bandwidth * factors.memory) + work.host_s
    computing = work.flops / (rates.flops * factors.compute)
    exchanges = EXCHANGES_A_LAYER * factors.exchange_s if cards > 1 else 0.0
    return max(reading, computing) + layers * (factors.layer_s + exchanges)


def kernel_rate(
    quantization: str, *, fp16: float | None, fp8: float | None, int8: float | None, fp4: float | None
) -> float | None:
    """Operations a second of the kernel used; None where that figure of the card is unknown.

    A card that multiplies 8-bit or 4-bit numbers itself uses that rate; MXFP4 weights meet 8-bit activations there.
    Everything else (AWQ, GPTQ, GGUF types, FP8 on a card without it) is widened to 16 bits first.
    """
    if quantization == "fp8" and fp8 is not None:
        return fp8
    if quantization in {"int8", "w8a8"} and int8 is not None:
        return int8
    if quantization == "nvfp4" and fp4 is not None:
        return fp4
    if quantization == "mxfp4" and fp4 is not None and fp8 is not None:
        return fp8
    return fp16


def token_s(*, step: float, prefill: float, concurrency: int, output_tokens: int) -> float:
    """Seconds a token in a closed loop: while a request makes its tokens, each of the others has one prompt read."""
    return step + (concurrency - 1) * prefill / output_tokens


def first_token_s(*, step: float, prefill: float, concurrency: int, overhead: float, queue: float) -> float:
    """Seconds to the first token: what no kernel explains, the prompt itself, `queue` of each other request's prompt
    that happens to be read before it, and the step under way if there are others.
    """
    waiting = step if concurrency > 1 else 0.0
    return overhead + prefill * (1 + queue * (concurrency - 1)) + waiting


def decode_work(
    model: Model,
    checkpoint: Checkpoint,
    *,
    requests: int,
    context_tokens: int,
    element: float,
    cards: int,
    host_share: float = 0.0,
    host_bandwidth: float = math.inf,
) -> Work:
    """One token more for each of `requests` requests that have `context_tokens` behind them: one card's part of it.

    `host_share` of the weights is read from the machine's memory, by its processor (llama.cpp).
    """
    weights = active_bytes(model, checkpoint, sequences=requests) / cards
    cache = requests * cache_bytes(model, context_tokens=context_tokens, element=element, cards=cards)
    multiplied = 2 * active_parameters(model) + decode_attention_flops(model, context_tokens=context_tokens)
    return Work(
        bytes=weights * (1 - host_share) + cache,
        flops=requests * multiplied / cards,
        host_s=weights * host_share / host_bandwidth,
    )


def prefill_work(
    model: Model, checkpoint: Checkpoint, *, tokens: int, cached_tokens: int, element: float, cards: int
) -> Work:
    """A prompt of `tokens` new tokens after `cached_tokens` known ones, in one step: one card's part of it.

    The output head is multiplied with the last token only.
    """
    weights = active_bytes(model, checkpoint, sequences=tokens) / cards
    cache = cache_bytes(model, context_tokens=cached_tokens, element=element, cards=cards)
    head = model.vocab_size * model.hidden_size
    multiplied = 2 * (tokens * (active_parameters(model) - head) + head)
    attention = prefill_attention_flops(model, tokens=tokens, cached_tokens=cached_tokens)
    return Work(bytes=weights + cache, flops=(multiplied + attention) / cards)


def cache_bytes(model: Model, *, context_tokens: int, element: float, cards: int) -> float:
    """Bytes of KV cache and states that one card reads for one more token of one request.

    Heads are spread over the cards; the one vector of latent attention is on all of them.
    """
    total = 0.0
    for layers in model.layers:
        tokens = kept_tokens(layers, context_tokens=context_tokens, in_flight_tokens=1, block_tokens=1)
        own = tokens * layer_token_bytes(layers, element=element) + layer_state_bytes(layers)
        total += layers.count * own / _spread(layers, cards)
    return total


def _spread(layers: Layers, cards: int) -> int:
    if layers.kind == "latent":
        return 1
    return min(cards, layers.kv_heads or cards)


def decode_attention_flops(model: Model, *, context_tokens: int) -> float:
    """Operations of attention for one more token: a multiplication and an addition a cached number and query head."""
    total = 0.0
    for layers in model.layers:
        width = _width(layers, decoding=True)
        tokens = kept_tokens(layers, context_tokens=context_tokens, in_flight_tokens=1, block_tokens=1)
        total += 2 * layers.count * layers.heads * width * tokens
    return total


def prefill_attention_flops(model: Model, *, tokens: int, cached_tokens: int) -> float:
    """Operations of attention for a prompt of `tokens` after `cached_tokens`: each token looks at those before it."""
    total = 0.0
    for layers in model.layers:
        pairs = _pairs(layers, tokens=tokens, cached_tokens=cached_tokens)
        total += 2 * layers.count * layers.heads * _width(layers, decoding=False) * pairs
    return total


def _pairs(layers: Layers, *, tokens: int, cached_tokens: int) -> float:
    if layers.kind in {"linear", "shared"}:
        return 0.0
    everything = tokens * cached_tokens + tokens * tokens / 2
    if layers.window_tokens is None or layers.kind not in {"sliding", "chunked"}:
        return everything
    return min(everything, tokens * layers.window_tokens)


def _width(layers: Layers, *, decoding: bool) -> int:
    """Numbers a past token and head: keys and values; while decoding, latent attention works on the latent vector."""
    if layers.kind != "latent":
        return (layers.key_dim or 0) + (layers.value_dim or 0)
    rope = layers.rope_dim or 0
    if decoding:
        return 2 * (layers.latent_dim or 0) + rope
    return (layers.nope_dim or 0) + rope + (layers.value_dim or 0)
