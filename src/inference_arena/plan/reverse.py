"""The questions turned around: the smallest card for a model and a wish, the most users and the longest context of a
plan. Ranks cards by memory alone; what they cost is not its business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from inference_arena.facts import Checkpoint, Fact, Gpu, Model
from inference_arena.plan.candidates import order_plans
from inference_arena.plan.fit import Fit
from inference_arena.plan.survey import Ask, survey
from inference_arena.plan.target import target_of_card

FULL = ("fits", "tight")


class Turned(Fact):
    """Answers about one plan. `smallest_card` None: no card of the catalogue, alone, holds it."""

    most_users: int
    longest_context_tokens: int
    smallest_card: str | None
    smallest_card_title: str | None
    smallest_card_checkpoint: str | None


def turned(
    ask: Ask,
    fit: Fit,
    *,
    checkpoints: Sequence[tuple[Model, Checkpoint]],
    cards: Iterable[Gpu],
    engine_names: Sequence[str] | None = None,
) -> Turned:
    """Most users at the plan's context, longest context of one user, smallest single card for the same wish."""
    found = smallest_card(ask, checkpoints=checkpoints, cards=cards, engine_names=engine_names)
    return Turned(
        most_users=int(fit.budget.requests) if fit.runs else 0,
        longest_context_tokens=fit.budget.longest_context_tokens,
        smallest_card=None if found is None else found[0].name,
        smallest_card_title=None if found is None else found[0].title,
        smallest_card_checkpoint=None if found is None else found[1].title,
    )


def smallest_card(
    ask: Ask,
    *,
    checkpoints: Sequence[tuple[Model, Checkpoint]],
    cards: Iterable[Gpu],
    engine_names: Sequence[str] | None = None,
) -> tuple[Gpu, Fit] | None:
    """The card of least memory, and of those the slowest, on which some checkpoint runs wholly; with its best plan."""
    for card in sorted(cards, key=lambda one: (one.memory_bytes, one.bandwidth_bytes_per_s or 0.0, one.name)):
        there = replace(ask, target=target_of_card(card, ram_bytes=ask.target.ram_bytes or None))
        plans = order_plans(survey(there, checkpoints=checkpoints, engine_names=engine_names))
        if plans and plans[0].level in FULL:
            return card, plans[0]
    return None
