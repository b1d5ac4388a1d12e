"""Plans of catalogue cards in one line, for the tests of plan, report and exchange."""

from inference_arena import facts
from inference_arena.facts import Checkpoint, Model
from inference_arena.plan import Ask, Fit, Settings, Target, Wish, survey, target_of_card

Pair = tuple[Model, Checkpoint]


def pair(checkpoint: str) -> Pair:
    card = facts.checkpoint(checkpoint)
    return facts.model(card.model), card


def catalogue() -> tuple[Pair, ...]:
    return tuple(pair(name) for name in facts.checkpoints())


def on(gpu: str, *, count: int = 1, driver: str | None = None, ram_bytes: int | None = None) -> Target:
    return target_of_card(facts.find_gpu(gpu), count=count, driver=driver, ram_bytes=ram_bytes)


def an_ask(
    target: Target,
    *,
    users: int = 1,
    context: int = 4096,
    slo: str | None = "chat",
    versions: dict[str, str] | None = None,
    pinned: dict[str, Settings] | None = None,
) -> Ask:
    return Ask(
        target=target,
        wish=Wish(users=users, context_tokens=context),
        slo=None if slo is None else facts.slo(slo),
        versions=versions or {},
        pinned=pinned or {},
    )


def planned(
    checkpoint: str | Pair,
    engine: str,
    target: Target,
    *,
    release: str | None = None,
    users: int = 1,
    context: int = 4096,
    **pinned: object,
) -> Fit:
    """One checkpoint on one engine, with settings pinned by their names."""
    ask = an_ask(
        target,
        users=users,
        context=context,
        versions={} if release is None else {engine: release},
        pinned={engine: Settings(**pinned)} if pinned else {},
    )
    pairs = [pair(checkpoint) if isinstance(checkpoint, str) else checkpoint]
    (fit,) = survey(ask, checkpoints=pairs, engine_names=[engine])
    return fit
