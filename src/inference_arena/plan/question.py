"""What a memory plan is asked about, with every default filled in. Knows which default applies, not what follows."""

from dataclasses import dataclass

from inference_arena.facts import Checkpoint, Defaults, Era, Model, Overhead
from inference_arena.plan.kv_cache import element_bytes, sequence_bytes
from inference_arena.plan.target import Target
from inference_arena.plan.trial import Settings

BLOCK_TOKENS = 16  # of vLLM's and SGLang's paged caches (vLLM config/cache.py); llama.cpp pads to 256 by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One model on one kind of card with one stretch of an engine's releases. The four numbers are settled here."""

    model: Model
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

    @property
    def element(self) -> float:
        return element_bytes(self.settings.kv_cache_type)

    @property
    def cards(self) -> int:
        """How many cards share each layer."""
        return self.settings.tensor_parallel or 1

    @property
    def loaded_bytes(self) -> int:
        """What the engine loads beside its tensors; more where cards must talk to each other."""
        return self.overhead.non_torch_bytes + (self.overhead.per_peer_bytes if self.cards > 1 else 0)

    @property
    def graphs_outside(self) -> bool:
        """Whether recorded graphs come on top of what the release budgets, for this model."""
        dense = self.model.experts is None and all(layers.kind != "linear" for layers in self.model.layers)
        left_out = self.era.leaves_graphs_outside(self.model.architecture, dense=dense)
        return self.era.memory_rule == "vllm-profiled" or left_out

    def request_bytes(self, context_tokens: int) -> int:
        """KV cache of one request on one card: heads are shared out among cards, whole heads at least."""
        whole = sequence_bytes(
            self.model,
            context_tokens=context_tokens,
            element=self.element,
            in_flight_tokens=self.prefill_tokens,
            block_tokens=BLOCK_TOKENS,
        )
        return -(-whole // kv_split(self.model, self.cards))


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
    context_tokens = settings.context_tokens or model.context_tokens
    parallel = settings.parallel or row.parallel or 1
    # a step never holds more than all sequences at their full length (vLLM engine/arg_utils.py)
    prefill_tokens = min(settings.prefill_tokens or row.prefill_tokens, parallel * context_tokens)
    return Question(
        model=model,
        checkpoint=checkpoint,
        target=target,
        settings=settings,
        era=era,
        overhead=overhead,
        context_tokens=context_tokens,
        prefill_tokens=prefill_tokens,
        parallel=parallel,
        graph_batch=min(row.graph_batch or 0, parallel) if row.graph_batch else 0,
        graphs=settings.graphs is not False,
    )
