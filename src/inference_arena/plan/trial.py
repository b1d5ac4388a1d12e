"""What may be asked for, in words that no engine owns. Knows nothing of flags, files or clocks."""

import hashlib
import json
from typing import Literal

from inference_arena.facts import Fact, Slo
from inference_arena.plan.capacity import Capacity
from inference_arena.plan.load import Load
from inference_arena.plan.requests import Cache, Data, Kind, Lengths, Patience, Prefix, Sessions, Texts


class Settings(Fact):
    """Engine-neutral knobs. None leaves the choice to the engine; `flags` are passed through as they are.

    `context_tokens`: most tokens of prompt and answer of one request. `parallel`: most requests at once.
    `prefill_tokens`: most tokens that one step reads. `memory_share`: what the engine may take of a card in all.
    `static_share`: weights and KV cache alone, of the same card. `kv_cache_bytes`: the KV cache alone, of one card.
    `kv_cache_tokens`: the same by the tokens it holds. `tensor_parallel`: cards that share each layer. `replicas`:
    whole copies of the model, each on cards of its own, behind one address. `graphs`: whether decoding steps are
    recorded once and replayed (CUDA graphs). `continuous_batching`: whether a request may join while others are being
    answered.
    """

    context_tokens: int | None = None
    parallel: int | None = None
    threads: int | None = None
    kv_cache_type: str | None = None
    gpu_layers: int | None = None
    prefill_tokens: int | None = None
    memory_share: float | None = None
    static_share: float | None = None
    kv_cache_bytes: int | None = None
    kv_cache_tokens: int | None = None
    graphs: bool | None = None
    dtype: str | None = None
    quantization: str | None = None
    tensor_parallel: int | None = None
    replicas: int | None = None
    prefix_caching: bool | None = None
    continuous_batching: bool | None = None
    flags: tuple[str, ...] = ()


class Trial(Fact):
    """What we intend to measure. Two trials with the same id ask for the same thing.

    None of what follows `slo` was said: plain prompts of one kind, nobody leaves, the prefix cache is as the engine
    has it. `mix`: several kinds of request at once. `cache`: `warm` shares beginnings across load points, `cold` gives
    each point its own and empties the cache between points where the engine can, `off` starts the engine without.

    `capacity`: load points are chosen one after another by what the ones before showed; `loads` is then the highest.
    """

    engine: str
    model: str
    endpoint: Literal["chat", "completions"]
    settings: Settings
    workload: str | None
    lengths: Lengths
    loads: tuple[Load, ...]
    repeats: int
    seed: int
    slo: Slo
    texts: Texts | None = None
    prefix: Prefix | None = None
    mix: tuple[Kind, ...] | None = None
    sessions: Sessions | None = None
    patience: Patience | None = None
    data: Data | None = None
    cache: Cache | None = None
    capacity: Capacity | None = None

    @property
    def id(self) -> str:
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
