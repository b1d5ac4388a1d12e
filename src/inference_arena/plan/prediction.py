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
    """The plan `fit` as it will be kept; its speed is asked for anew at each load.

    A request takes as much of the KV cache as it is long, which is less than the longest that may come.
    """
    each_tokens = min(ask.input_tokens + ask.output_tokens, fit.settings.context_tokens or ask.wish.context_tokens)
    pinned = {running.engine: fit.settings.model_copy(update={"context_tokens": each_tokens})}
    most = (fit.settings.parallel or max(concurrency, default=1)) * (fit.settings.replicas or 1)

    def at(users: int) -> Speed | None:
        wish = Wish(users=min(users, most), context_tokens=each_tokens, binding=False)
        asked = replace(ask, wish=wish, pinned=pinned)
        found = plan_one(asked, model=model, checkpoint=checkpoint, running=running).speed
        if found is None or users <= most:
            return found
        queue = f"{users} are sent at once and {most} are worked on: the others wait"
        return found.model_copy(update={"ttft_s": None, "unknown": (*found.unknown, queue)})

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
