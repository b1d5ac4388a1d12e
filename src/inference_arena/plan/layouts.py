"""How several cards may serve one model: one alone, a copy on each, each layer shared. Arithmetic only."""

from collections.abc import Iterator
from dataclasses import replace

from inference_arena.facts import Checkpoint, EngineRelease, Fact, Model
from inference_arena.plan.choose import Wish
from inference_arena.plan.fit import Fit
from inference_arena.plan.interval import Interval
from inference_arena.plan.survey import Ask, cards_for, plan_one
from inference_arena.plan.trial import Settings


class Layout(Fact):
    """One way. `fit` is of all users; `alone`: tokens a second that a single user sees, None where unknown."""

    tensor_parallel: int
    replicas: int
    fit: Fit
    alone: Interval | None

    @property
    def cards(self) -> int:
        return self.tensor_parallel * self.replicas

    @property
    def together(self) -> Interval | None:
        """Tokens a second of all users."""
        return None if self.fit.speed is None else self.fit.speed.output_tokens_per_s


def layouts(ask: Ask, *, model: Model, checkpoint: Checkpoint, running: EngineRelease) -> tuple[Layout, ...]:
    """Every way with powers of two that divide the heads, from one card to all; none where there is a single card.

    An engine that gives each card whole layers has one way only, and none is told here.
    """
    if ask.target.count < 2 or running.engine == "llamacpp":
        return ()
    return tuple(
        _layout(ask, shared, copies, model=model, checkpoint=checkpoint, running=running)
        for shared, copies in _ways(cards_for(ask.target, model, running) or 1, ask.target.count)
    )


def _ways(most_shared: int, count: int) -> Iterator[tuple[int, int]]:
    """One card; then all cards, split ever finer between copies and shared layers."""
    yield 1, 1
    shared = 1
    while shared <= most_shared:
        if count // shared * shared > 1:
            yield shared, count // shared
        shared *= 2


def _layout(
    ask: Ask, shared: int, copies: int, *, model: Model, checkpoint: Checkpoint, running: EngineRelease
) -> Layout:
    pinned = ask.pinned.get(running.engine, Settings())
    update = {"tensor_parallel": shared, "replicas": copies if copies > 1 else None}
    asked = replace(ask, pinned={**ask.pinned, running.engine: pinned.model_copy(update=update)})
    fit = plan_one(asked, model=model, checkpoint=checkpoint, running=running)
    one = Wish(users=1, context_tokens=ask.wish.context_tokens, binding=ask.wish.binding)
    settled = {**ask.pinned, running.engine: fit.settings}
    lone = plan_one(replace(ask, wish=one, pinned=settled), model=model, checkpoint=checkpoint, running=running)
    alone = None if lone.speed is None else lone.speed.decode_tokens_per_s_per_user
    return Layout(tensor_parallel=shared, replicas=copies, fit=fit, alone=alone)


def best_together(found: tuple[Layout, ...]) -> Layout | None:
    """The most tokens a second of all users among those that run; None where no speed is known."""
    known = [one for one in found if one.fit.runs and one.together is not None]
    return max(known, key=lambda one: one.together.point if one.together else 0.0, default=None)


def best_alone(found: tuple[Layout, ...]) -> Layout | None:
    """The quickest for a single user among those that run; of equals the one with fewest cards."""
    known = [one for one in found if one.fit.runs and one.alone is not None]
    return max(known, key=lambda one: (one.alone.point if one.alone else 0.0, -one.cards), default=None)
