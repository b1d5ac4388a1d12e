"""From a wish (how many users, how long a context) to settings with which an engine starts and holds them.

Tries what the engine would take by itself first, then gives way step by step: a larger or smaller share of the card,
shorter prefill steps, no recorded graphs. What is pinned stays as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from inference_arena import units
from inference_arena.facts import Fact
from inference_arena.plan.activations import peak_bytes
from inference_arena.plan.budget import MemoryBudget
from inference_arena.plan.graphs import graph_bytes, sglang_sizes, vllm_sizes
from inference_arena.plan.memory import memory
from inference_arena.plan.question import Question, asked_with
from inference_arena.plan.trial import Settings

# left free beside everything that is counted, for what another program or a longer run may take
MARGIN_BYTES: Final = 256 * units.MIB
SMALLER_STEPS: Final = (4096, 2048, 1024, 512)
LARGEST_SHARE: Final = 0.97


class Wish(Fact):
    """What a person wants of a server: requests at once, and the longest prompt with its answer, in tokens.

    `binding`: a model whose own context is shorter will not do.
    """

    users: int = 1
    context_tokens: int = 4096
    binding: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Settings that were settled on, with the memory they lead to; `tried` says what was given up on the way."""

    asked: Question
    budget: MemoryBudget
    gave_way: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.budget.refusal is None


def choose(base: Question, wish: Wish) -> Chosen:
    """The first settings that start and hold all users' full contexts; else those that come closest.

    Recorded graphs speed up every token, so they are given up only where nothing starts with them, or for the last user
    to be held; not for a few more of many.
    """
    pinned = base.settings
    most = base.model.context_tokens
    settings = pinned.model_copy(
        update={
            "context_tokens": pinned.context_tokens or min(wish.context_tokens, most),
            "parallel": pinned.parallel or _parallel(base, wish),
        }
    )
    first = asked_with(base, settings)
    best = Chosen(asked=first, budget=memory(first))
    if _is_hopeless(first):
        return best
    for words, asked in _retreats(first, pinned):
        if _is_enough(best, wish):
            break
        candidate = Chosen(asked=asked, budget=memory(asked), gave_way=words)
        if not best.holds or asked.graphs == first.graphs or _is_enough(candidate, wish):
            best = max(best, candidate, key=_worth)
    return best


def _parallel(base: Question, wish: Wish) -> int | None:
    """llama.cpp divides its cache among slots, so it gets as many as users; others queue what they cannot hold."""
    return wish.users if base.era.memory_rule == "llamacpp-buffers" else None


def _is_hopeless(asked: Question) -> bool:
    """Weights alone exceed the card, where nothing can be put elsewhere."""
    if asked.era.memory_rule == "llamacpp-buffers":
        return False
    return asked.held_bytes // asked.cards > asked.target.free_bytes


def _is_enough(chosen: Chosen, wish: Wish) -> bool:
    return chosen.holds and chosen.budget.requests >= wish.users


def _worth(chosen: Chosen) -> tuple[bool, float]:
    return chosen.holds, chosen.budget.requests if chosen.holds else float(chosen.budget.bytes_of("free"))


def _retreats(first: Question, pinned: Settings) -> Iterator[tuple[tuple[str, ...], Question]]:
    """Ever more is given up: first the share is fitted to the card, then steps get shorter, then graphs go."""
    yield from _shared(first, pinned, ())
    if first.era.memory_rule == "llamacpp-buffers":
        return
    for tokens in SMALLER_STEPS if pinned.prefill_tokens is None else ():
        if tokens < first.prefill_tokens:
            shorter = asked_with(first, first.settings.model_copy(update={"prefill_tokens": tokens}))
            yield from _shared(shorter, pinned, (f"prefill steps of {tokens} tokens",))
    if pinned.graphs is None:
        least = SMALLER_STEPS[-1] if pinned.prefill_tokens is None else first.prefill_tokens
        update = {"prefill_tokens": least, "graphs": False}
        eager = asked_with(first, first.settings.model_copy(update=update))
        first_words = (f"prefill steps of {least} tokens",) if least < first.prefill_tokens else ()
        yield from _shared(eager, pinned, (*first_words, "no recorded graphs"))


def _shared(asked: Question, pinned: Settings, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Question]]:
    """The same with the largest share of the card that leaves room for all that lies beside it."""
    if words:
        yield words, asked
    name = {"sglang-static": "static_share", "llamacpp-buffers": None}.get(asked.era.memory_rule, "memory_share")
    if name is None or getattr(pinned, name) is not None:
        return
    share = fitted_share(asked)
    if share > 0:
        settings = asked.settings.model_copy(update={name: share})
        yield (*words, f"a share of {share:g} of the card"), asked_with(asked, settings)


def fitted_share(asked: Question) -> float:
    """The largest share, in hundredths, that leaves the margin and what the engine takes beside its share."""
    idle = asked.target.free_bytes - asked.context_bytes
    if idle <= 0:
        return 0.0
    if asked.era.memory_rule == "sglang-static":
        beside = peak_bytes(asked) + graph_bytes(asked, sglang_sizes(asked)) + asked.loaded_bytes
        return _hundredths((idle - beside - MARGIN_BYTES) / idle)
    beside = (graph_bytes(asked, vllm_sizes(asked)) if asked.graphs_outside else 0) + asked.overhead.buffer_bytes
    return _hundredths((idle - beside - MARGIN_BYTES) / asked.target.memory_bytes)


def _hundredths(share: float) -> float:
    return max(0.0, min(LARGEST_SHARE, int(share * 100) / 100))
