"""Plans as JSON documents: bytes by term, the formula behind each, flags and commands. Knows no terminal."""

from collections.abc import Mapping
from typing import Any

from inference_arena.plan import Ask, Candidate, Fit, MemoryBudget, Target


def fit_document(
    fit: Fit, *, commands: Mapping[str, str] | None = None, downloads: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """One plan. `budget` has one entry a term in bytes, and `formulas` the name of each term's rule.

    `downloads` are the lines that fetch the model, under the names of the commands that need it there.
    """
    plain = fit.model_dump(mode="json", exclude={"budget"})
    return {
        **plain,
        "runs": fit.runs,
        "budget": budget_document(fit.budget),
        **({} if commands is None else {"commands": dict(commands)}),
        **({} if downloads is None else {"downloads": dict(downloads)}),
    }


def budget_document(budget: MemoryBudget) -> dict[str, Any]:
    plain = budget.model_dump(mode="json", exclude={"terms"})
    return {
        **{term.name: term.bytes for term in budget.terms},
        **plain,
        "formulas": {term.name: term.formula for term in budget.terms},
        "explained": {term.name: term.explained for term in budget.terms},
    }


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    score = None if candidate.score is None else candidate.score.model_dump(mode="json")
    return {**fit_document(candidate.fit), "parameters": candidate.parameters, "score": score}


def ask_document(ask: Ask) -> dict[str, Any]:
    """What was asked."""
    return {
        "target": target_document(ask.target),
        "users": ask.wish.users,
        "context_tokens": ask.wish.context_tokens,
        "input_tokens": ask.input_tokens,
        "output_tokens": ask.output_tokens,
        "slo": None if ask.slo is None else ask.slo.model_dump(mode="json"),
    }


def target_document(target: Target) -> dict[str, Any]:
    return target.model_dump(mode="json")
