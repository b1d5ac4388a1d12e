"""What a memory plan is asked about, with every default filled in. Knows which default applies, not what follows."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from inference_arena.facts import Checkpoint, Defaults, Era, Layers, Model, Overhead
from inference_arena.plan.kv_cache import element_bytes, sequence_bytes
from inference_arena.plan.resident import resident_bytes
from inference_arena.plan.search import largest_that_fits
from inference_arena.plan.target import Target
from inference_arena.plan.trial import Settings

WIDE_CARDS = 4  # from here on SGLang records larger batches (srt/server_args.py)
BLOCK_TOKENS = 16  # of vLLM's and SGLang's paged caches (vLLM config/cache.py); llama.cpp pads to 256 by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One model on one kind of card with one stretch of an engine's releases. All defaults are settled here.

    `cached` is the model as the engine's cache sees it: without windows, where it knows none. `held_bytes` is what the
    weights take over all cards after load, in engines that repack them.
    """

    model: Model
    cached: Model
    checkpoint: Checkpoint
    target: Target
    settings: Settings
    era: Era
    overhead: Overhead
    context_tokens: int
    prefill_tokens: int
    parallel: int
    graph_batch: int
    graphs: bool
    row: Defaults
    held_bytes: int

    @property
    def element(self) -> float:
        return element_bytes(self.settings.kv_cache_type)

    @property
    def cards(self) -> int:
        """How many cards share each layer."""
        return self.settings.tensor_parallel or 1

    @property
    def other_runner(self) -> bool:
        """Whether this release runs the model by the runner that estimates no graphs (vLLM's second one)."""
        stateless = all(layers.kind != "linear" for layers in self.model.layers)
        dense = self.model.experts is None and stateless
        return self.era.leaves_graphs_outside(self.model.architecture, dense=dense)

    @property
    def graphs_outside(self) -> bool:
        """Whether recorded steps come on top of the budget: by the release's rule, or by the runner of this model."""
        return self.era.memory_rule != "vllm-profiled-graphs" or self.other_runner

    @property
    def context_bytes(self) -> int:
        """What the driver takes of a card before anything else; a processor needs none."""
        return self.overhead.context_bytes if self.target.vendor is not None else 0

    @property
    def loaded_bytes(self) -> int:
        """What the engine loads beside its tensors; more where cards must talk to each other."""
        extra = self.overhead
        peers = extra.per_peer_bytes if self.cards > 1 else 0
        spared = self.target.compute_capability in extra.workspace_not_on
        return extra.non_torch_bytes + peers + (0 if spared else extra.workspace_bytes)

    def request_bytes(self, context_tokens: int) -> int:
        """KV cache of one request on one card: heads are shared out among cards, whole heads at least."""
        whole = sequence_bytes(
            self.cached,
            context_tokens=context_tokens,
            element=self.element,
            in_flight_tokens=self.prefill_tokens,
            block_tokens=BLOCK_TOKENS,
        )
        return -(-whole // kv_split(self.model, self.cards))


@cache
def _full(layers: Layers) -> Layers:
    return layers.model_copy(update={"kind": "full", "window_tokens": None})


def without_windows(model: Model) -> Model:
    """The model as an engine caches it that knows no windows."""
    if all(layers.window_tokens is None for layers in model.layers):
        return model
    layers = tuple(_full(one) if one.kind in {"sliding", "chunked"} else one for one in model.layers)
    return model.model_copy(update={"layers": layers})


def longest_context(asked: Question, pool_bytes: int) -> int:
    """The longest context of one request that the pool holds, at most the model's own."""
    most = asked.model.context_tokens
    if any(layers.window_tokens or layers.kind == "linear" for layers in asked.cached.layers):
        return largest_that_fits(most, lambda tokens: asked.request_bytes(tokens) <= pool_bytes)
    block = asked.request_bytes(BLOCK_TOKENS)
    return min(most, pool_bytes // block * BLOCK_TOKENS) if block else most


def kv_split(model: Model, cards: int) -> int:
    """Into how many parts tensor parallelism cuts the KV cache: at most one per KV head, a latent cache into none."""
    heads = [layers.kv_heads or 1 for layers in model.layers if layers.kind not in {"latent", "shared", "linear"}]
    return min(cards, *heads) if heads else 1


def defaults_for(era: Era, target: Target) -> Defaults:
    """The row for a card of this size, less rows that this card is excepted from."""
    words = target.title.lower()
    rows = [row for row in era.defaults if not any(name.lower() in words for name in row.but_not)]
    fitting = [row for row in rows if row.from_memory_bytes <= target.memory_bytes]
    return max(fitting or rows, key=lambda row: row.from_memory_bytes if fitting else -row.from_memory_bytes)


def question(
    *, model: Model, checkpoint: Checkpoint, target: Target, settings: Settings, era: Era, overhead: Overhead
) -> Question:
    """The settings as the engine would complete them."""
    row = defaults_for(era, target)
    return Question(
        model=model,
        cached=model if era.keeps_windows(model.architecture) else without_windows(model),
        checkpoint=checkpoint,
        target=target,
        era=era,
        overhead=overhead,
        row=row,
        held_bytes=resident_bytes(model, checkpoint, target, machete=era.memory_rule.startswith("vllm")),
        **_settled(settings, row, model),
    )


def asked_with(asked: Question, settings: Settings) -> Question:
    """The same question with other settings."""
    return replace(asked, **_settled(settings, asked.row, asked.model))


def _settled(settings: Settings, row: Defaults, model: Model) -> dict[str, Any]:
    """The settings with the numbers that follow from them and from the engine's defaults."""
    context_tokens = settings.context_tokens or model.context_tokens
    parallel = settings.parallel or row.parallel or 1
    return {
        "settings": settings,
        "context_tokens": context_tokens,
        "parallel": parallel,
        # a step never holds more than all sequences at their full length (vLLM engine/arg_utils.py)
        "prefill_tokens": min(settings.prefill_tokens or row.prefill_tokens, parallel * context_tokens),
        "graph_batch": _graph_batch(row, cards=settings.tensor_parallel or 1),
        "graphs": settings.graphs is not False,
    }


def _graph_batch(row: Defaults, *, cards: int) -> int:
    wide = row.graph_batch_wide if cards >= WIDE_CARDS else None
    return wide or row.graph_batch or 0
