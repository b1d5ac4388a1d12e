"""How several cards may serve a model, as a table, and which way is best for whom. Knows layouts, no terminal."""

from collections.abc import Callable

from inference_arena import units
from inference_arena.plan import Interval, Layout, best_alone, best_together
from inference_arena.report import planned
from inference_arena.report.blocks import Block, Heading, Sentence
from inference_arena.report.table import Column, table


def layout_blocks(found: tuple[Layout, ...], *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """Nothing where there is a single card."""
    if not found:
        return ()
    columns = (
        Column(head="cards used as", cells=tuple(name_of(one) for one in found)),
        Column(head="verdict", cells=tuple(planned.LEVELS[one.fit.level] for one in found)),
        Column(head="all users tok/s", cells=tuple(planned.interval(one.together) for one in found), right=True),
        Column(head="one user tok/s", cells=tuple(planned.interval(one.alone) for one in found), right=True),
        Column(head="weights a card", cells=tuple(_weights(one) for one in found), right=True, need=1),
    )
    said = (_best_together(found), _best_alone(found))
    return (
        Heading(text="Ways to use the cards, predicted"),
        table(columns, width=width, ascii_only=ascii_only),
        *(Sentence(text=text) for text in said if text),
    )


def name_of(layout: Layout) -> str:
    if layout.cards == 1:
        return "one card"
    shared = f"each layer over {layout.tensor_parallel}"
    if layout.replicas == 1:
        return shared
    copies = f"{layout.replicas} copies"
    return copies if layout.tensor_parallel == 1 else f"{copies}, {shared}"


def _weights(layout: Layout) -> str:
    return units.gib(layout.fit.budget.bytes_of("weights"))


def _best_together(found: tuple[Layout, ...]) -> str:
    best = best_together(found)
    return "" if best is None else _said("Most tokens of all users together", best, found, lambda one: one.together)


def _best_alone(found: tuple[Layout, ...]) -> str:
    best = best_alone(found)
    return "" if best is None else _said("Quickest for a single user", best, found, lambda one: one.alone)


def _said(what: str, best: Layout, found: tuple[Layout, ...], of: Callable[[Layout], Interval | None]) -> str:
    """Only likely, where another way's range reaches into the best one's."""
    low = of(best)
    highs = [value.high for one in found if one is not best and (value := of(one)) is not None]
    sure = low is not None and max(highs, default=0.0) <= low.low
    name = name_of(best)
    return f"{what}: {name}." if sure else f"{what}: likely {name}, but the ranges overlap: measure both."
