"""What is asked for that cannot be had: a longer context than the model's, more cards than there are, a release that
nobody has read. Knows no memory.
"""

from collections.abc import Iterator

from inference_arena.facts import EngineRelease, Model, engines, releases, version_key
from inference_arena.plan.choose import Wish
from inference_arena.plan.obstacle import Obstacle
from inference_arena.plan.target import Target
from inference_arena.plan.trial import Settings


def wish_obstacles(
    *, model: Model, running: EngineRelease, target: Target, wish: Wish, pinned: Settings
) -> Iterator[Obstacle]:
    """Each thing that was asked for and cannot be had. A wish that is not binding is cut to the model instead."""
    yield from _context(model, pinned.context_tokens or (wish.context_tokens if wish.binding else 0))
    yield from _cards(model, pinned.tensor_parallel or 1, pinned.replicas or 1, target)
    yield from _release(running)


def _context(model: Model, asked: int) -> Iterator[Obstacle]:
    """Engines refuse a context beyond the model's own, and past it answers are noise."""
    most = model.context_tokens
    if asked <= most:
        return
    yield Obstacle(
        rule="context",
        severity="blocks",
        what=f"the model ends at {most:,} tokens of context, and {asked:,} are asked for",
        evidence="the length that its own configuration names",
        source=model.source,
        way_out=(f"a context of {most:,} tokens or less", "a model with a longer context"),
    )


def _cards(model: Model, asked: int, copies: int, target: Target) -> Iterator[Obstacle]:
    if asked * copies > target.count:
        there = "there is 1" if target.count == 1 else f"there are {target.count}"
        wanted = f"{asked} cards are to share each layer" if asked > 1 else f"{copies} copies need a card each"
        yield Obstacle(
            rule="cards",
            severity="blocks",
            what=f"{wanted}{f', in {copies} copies' if asked > 1 and copies > 1 else ''}, and {there}",
            evidence=f"tensor parallelism of {asked}, {copies} copies",
            source="the settings that were pinned",
            way_out=(f"copies times tensor parallelism of at most {target.count}",),
        )
    heads = next((one.heads for one in model.layers if one.kind != "linear" and one.heads % asked), None)
    if heads is not None:
        yield Obstacle(
            rule="cards",
            severity="blocks",
            what=f"{heads} attention heads cannot be shared out evenly among {asked} cards",
            evidence=f"{heads} heads, tensor parallelism of {asked}",
            source=model.source,
            way_out=("a number of cards that divides the heads",),
        )


def _release(running: EngineRelease) -> Iterator[Obstacle]:
    newest, title = releases(running.engine)[-1], engines()[running.engine].title
    if running.sampled is None or version_key(running.version) <= version_key(newest.version):
        return
    yield Obstacle(
        rule="release-unread",
        severity="unverified",
        what=f"{title} {running.version} is newer than all that was read; planned here is {newest.version}",
        evidence=f"the newest release that was read is {newest.version}",
        source=newest.source,
        way_out=(f"{title} {newest.version}",),
    )
