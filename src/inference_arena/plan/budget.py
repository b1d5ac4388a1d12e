"""The memory of one card, split into terms that add up to what programs see of it. Holds results, knows no rule."""

from dataclasses import dataclass
from typing import Literal

from inference_arena.facts import Fact, MemoryRule

TermName = Literal["weights", "kv_cache", "activations", "graphs", "context", "reserve", "free"]
Cause = Literal[
    "weights-too-large",
    "share-too-large",
    "share-too-small",
    "no-room-for-kv-cache",
    "context-too-long",
    "out-of-memory-later",
]


class Term(Fact):
    """One part of a card's memory; `formula` names the rule that it follows, `explained` says it with its numbers."""

    name: TermName
    bytes: int
    formula: str
    explained: str


class Refusal(Fact):
    """Why the engine would not start or not last, with the two numbers that decide."""

    cause: Cause
    what: str
    needed_bytes: int
    available_bytes: int


def refused(cause: Cause, what: str, needed: int, available: int) -> Refusal:
    return Refusal(cause=cause, what=what, needed_bytes=needed, available_bytes=max(0, available))


class MemoryBudget(Fact):
    """Per card. `terms` add up to `memory_bytes`; where the plan does not fit, free is negative.

    `share_bytes` is what the engine is told to take, by its own flag; None where it takes what it needs.
    `kv_cache_tokens` is how many tokens the cache holds at requests of the full context; `sequence_bytes` what one
    such request keeps, `requests` how many of them fit at once. `host_bytes` is what lies in the machine's own memory.
    `spread`: how far such sums were off with the release `spread_of`, which told its own.
    """

    rule: MemoryRule
    memory_bytes: int
    share: float | None
    share_bytes: int | None
    terms: tuple[Term, ...]
    kv_cache_tokens: int
    sequence_bytes: int
    requests: float
    longest_context_tokens: int
    host_bytes: int = 0
    gpu_layers: int | None = None
    spread: float
    spread_of: str
    refusal: Refusal | None = None

    def bytes_of(self, name: TermName) -> int:
        return sum(term.bytes for term in self.terms if term.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a rule finds for one card, in bytes. `kv_cache` may be negative: what is missing before there is any.

    `context` is what the driver takes before the engine asks for anything, `loaded` what the engine loads beside its
    tensors. `graphs_inside`: recorded steps are taken off the KV cache, not off what is left beside it.
    """

    weights: int
    kv_cache: int
    activations: int
    graphs: int
    context: int
    loaded: int
    reserve: int = 0
    share: float | None = None
    share_bytes: int | None = None
    graphs_inside: bool = False
    host: int = 0
    gpu_layers: int | None = None

    @property
    def used(self) -> int:
        """Of the whole card, a cache that does not exist counted as none."""
        fixed = self.weights + self.activations + self.graphs + self.context + self.loaded + self.reserve
        return fixed + max(0, self.kv_cache)
