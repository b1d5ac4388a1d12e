"""What a plan foretold of a launch, in the form that a record keeps: memory term by term, speed at each load."""

from collections.abc import Sequence
from dataclasses import replace

from inference_arena.facts import Checkpoint, EngineRelease, Fact, Model
from inference_arena.plan.budget import MemoryBudget
from inference_arena.plan.choose import Wish
from inference_arena.plan.fit import Fit, Level
from inference_arena.plan.speed import Speed
from inference_arena.plan.survey import Ask, plan_one


class PredictedSpeed(Fact):
    """Speeds with so many requests always in flight."""

    concurrency: int
    speed: Speed


class Prediction(Fact):
    """`budget` is of one card, with the settings that the engine was launched with. `release`: whose rules were used.

    `sampled`: the release that the facts are of, where those of `release` itself were not read.
    """

    engine: str
    release: str
    sampled: str | None = None
    target: str
    cards: int
    level: Level
    deciding: str
    gave_way: tuple[str, ...] = ()
    computes_with: tuple[str, ...] = ()
    budget: MemoryBudget
    speeds: tuple[PredictedSpeed, ...] = ()


def predict(
    fit: Fit, ask: Ask, *, model: Model, checkpoint: Checkpoint, running: EngineRelease, concurrency: Sequence[int]
) -> Prediction:
    """The plan `fit` as it will be kept; its speed is asked for anew at each load."""
    pinned = {running.engine: fit.settings}

    def at(users: int) -> Speed | None:
        wish = Wish(users=users, context_tokens=ask.wish.context_tokens, binding=False)
        asked = replace(ask, wish=wish, pinned=pinned)
        return plan_one(asked, model=model, checkpoint=checkpoint, running=running).speed

    found = [(users, at(users)) for users in dict.fromkeys(concurrency)]
    return Prediction(
        engine=fit.engine,
        release=fit.release,
        sampled=running.sampled,
        target=fit.target,
        cards=fit.cards,
        level=fit.level,
        deciding=fit.deciding,
        gave_way=fit.gave_way,
        computes_with=fit.computes_with,
        budget=fit.budget,
        speeds=tuple(PredictedSpeed(concurrency=users, speed=speed) for users, speed in found if speed is not None),
    )
