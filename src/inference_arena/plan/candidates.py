"""All that a catalogue offers for one kind of card, in an order that a person can follow. Reads nothing, ranks only.

Answers are ranked by a published score of the task among what is fast enough for the SLO; speed beyond it buys no
rank, and a score that nobody published stays unknown: such models come after those with one, by their size.
"""

from collections.abc import Iterable, Sequence

from inference_arena.facts import Fact, Model, Score, Task
from inference_arena.plan.fit import LEVELS, Fit


class Candidate(Fact):
    """One model with its best plan, and the score by which it stands where it stands; None: nobody published one."""

    fit: Fit
    parameters: int
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
    """One plan a model: the best level, then the one with the least loss of weights, then the longest context."""
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
    return (float(fit.runs), quick if fit.runs else 0, level, weights if fit.runs else -weights, context)


def order_plans(fits: Iterable[Fit]) -> tuple[Fit, ...]:
    """Plans of one model, the best first."""
    return tuple(sorted(fits, key=_worth, reverse=True))


def rank(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """What runs and may be fast enough first, by score, unknown ones after known ones; then the slow; then the rest."""
    return tuple(sorted(candidates, key=_place))


def _place(candidate: Candidate) -> tuple[float | str, ...]:
    fit = candidate.fit
    late = fit.meets_slo is False or (fit.level == "partly" and fit.meets_slo is not True)
    slow = (1 if late else 0) if fit.runs else 2
    known = 0 if candidate.score is not None else 1
    value = -candidate.score.value if candidate.score is not None else 0.0
    missing = 0
    if not fit.runs and fit.budget.refusal is not None:
        missing = fit.budget.refusal.needed_bytes - fit.budget.refusal.available_bytes
    return (slow, missing, known, value, -candidate.parameters, fit.checkpoint)
