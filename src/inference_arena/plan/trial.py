"""What may be asked for, in words that no engine owns. Knows nothing of flags, files or clocks."""

import hashlib
import json
from typing import Literal

from inference_arena.facts import Fact, Slo


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


class Lengths(Fact):
    """Target lengths in tokens. The answer's length is drawn from output_tokens * (1 -+ output_jitter)."""

    input_tokens: int
    output_tokens: int
    output_jitter: float
    ignore_eos: bool = True

    @property
    def longest_tokens(self) -> int:
        """The most tokens that prompt and answer of one request can come to, without the chat template."""
        return self.input_tokens + int(self.output_tokens * (1 + self.output_jitter) + 1)


class Load(Fact):
    """When requests are sent. Closed: `concurrency` in flight. Open: arrivals at `rate_per_s`, whatever the answers.

    The measured part ends after `duration_s` or after `requests` sends, whichever is named (both: the first).
    `warmup_s` None means: until every stream has finished one answer.
    """

    kind: Literal["closed", "open"]
    concurrency: int | None = None
    rate_per_s: float | None = None
    arrivals: Literal["poisson", "constant"] | None = None
    warmup_s: float | None = None
    duration_s: float | None = None
    requests: int | None = None

    @property
    def level(self) -> float:
        """The number on the load axis: streams for a closed load, requests per second for an open one."""
        return float(self.concurrency or 0) if self.kind == "closed" else float(self.rate_per_s or 0)

    @property
    def label(self) -> str:
        return f"{self.concurrency}" if self.kind == "closed" else f"{self.rate_per_s:g}/s"


class Trial(Fact):
    """What we intend to measure. Two trials with the same id ask for the same thing."""

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

    @property
    def id(self) -> str:
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
