"""All that a catalogue offers for one kind of card, in an order that a person can follow. Reads nothing, ranks only.

Answers are ranked by a published score of the task among what is fast enough for the SLO; speed beyond it buys no
rank, and a score that the catalogue does not have stays unknown: such models come after those with one, by their size,
what is years old last.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from inference_arena.facts import Fact, Model, Score, Task
from inference_arena.plan.fit import LEVELS, Fit

# chosen: where no score is known, size speaks for models of one time only
OLD: Final = timedelta(days=730)


class Candidate(Fact):
    """One model with its best plan, and the score by which it stands where it stands; None: the catalogue has none."""

    fit: Fit
    parameters: int
    released: date | None = None
    score: Score | None


def score_of(model: Model, task: Task | None, tests: Sequence[str]) -> Score | None:
    """The model's result in the first of `tests` that it has; tests of unlike scale are never mixed in one ranking."""
    if task is None:
        return None
    found = {score.test: score for score in model.scores if score.task == task}
    return next((found[test] for test in tests if test in found), None)


def main_test(models: Iterable[Model], task: Task | None) -> str | None:
    """The test of this task that most models have a result in, so that most can be compared; None for none."""
    counts: dict[str, int] = {}
    for model in models:
        for test in {score.test for score in model.scores if score.task == task}:
            counts[test] = counts.get(test, 0) + 1
    return max(sorted(counts), key=lambda test: counts[test]) if counts else None


def best_plans(fits: Iterable[Fit]) -> tuple[Fit, ...]:
    """One plan a model: what surely runs and may be fast enough, the best level, the least loss of weights, speed
    known from measurements, the longest context.
    """
    best: dict[str, Fit] = {}
    for fit in fits:
        if fit.model not in best or _worth(fit) > _worth(best[fit.model]):
            best[fit.model] = fit
    return tuple(best.values())


def _worth(fit: Fit) -> tuple[float, ...]:
    level = -LEVELS.index(fit.level)
    quick = {True: 2, None: 1, False: 0}[fit.meets_slo]
    weights = fit.budget.bytes_of("weights")
    context = fit.budget.longest_context_tokens
    if not fit.runs:
        return (0, level, -weights, context)
    measured = fit.speed is not None and fit.speed.tpot_s is not None and fit.speed.tpot_s.basis != "formula"
    return (1, not _is_late(fit), _is_sure(fit), quick, level, weights, measured, context)


def order_plans(fits: Iterable[Fit]) -> tuple[Fit, ...]:
    """Plans of one model, the best first."""
    return tuple(sorted(fits, key=_worth, reverse=True))


def rank(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """What surely runs and may be fast enough first, by score, unknown ones after known ones; then what runs at a speed
    that nobody knows; then what may run, though nobody has checked; then the slow; then the rest.
    """
    found = tuple(candidates)
    newest = max((one.released for one in found if one.released is not None), default=None)
    return tuple(sorted(found, key=lambda one: _place(one, is_old=_is_old(one, newest))))


def _is_old(candidate: Candidate, newest: date | None) -> bool:
    """Whether it came years before the newest: then its size says little beside models of today."""
    if newest is None or candidate.released is None:
        return False
    return newest - candidate.released > OLD


def _is_late(fit: Fit) -> bool:
    """Too slow, or with layers in the machine's memory and not surely fast enough."""
    return fit.meets_slo is False or (fit.offloaded and fit.meets_slo is not True)


def _is_dark(fit: Fit) -> bool:
    """Whether nobody knows how fast it decodes: it may be too slow. Of what is late anyway that makes no difference."""
    return not _is_late(fit) and (fit.speed is None or fit.speed.tpot_s is None)


def _is_sure(fit: Fit) -> bool:
    return fit.level != "unverified"


def _place(candidate: Candidate, *, is_old: bool) -> tuple[float | str, ...]:
    fit = candidate.fit
    tier = (_is_late(fit), not _is_sure(fit), _is_dark(fit)) if fit.runs else (True, True, True)
    known = 0 if candidate.score is not None else 1
    value = -candidate.score.value if candidate.score is not None else 0.0
    missing = 0
    if not fit.runs and fit.budget.refusal is not None:
        missing = fit.budget.refusal.needed_bytes - fit.budget.refusal.available_bytes
    return (not fit.runs, *tier, missing, known, value, known and is_old, -candidate.parameters, fit.checkpoint)
