"""Where two sides use cards in another way: which is better for a single user, and which for many. Pure."""

from collections.abc import Sequence

from inference_arena.compare.difference import MetricDifference
from inference_arena.compare.measures import MEASURES
from inference_arena.compare.sentences import at
from inference_arena.compare.side import Side


def uses_cards_otherwise(a: Side, b: Side) -> bool:
    one, other = (side.any.trial.settings for side in (a, b))
    return (one.tensor_parallel, one.replicas) != (other.tensor_parallel, other.replicas)


def for_whom(differences: Sequence[MetricDifference], *, a: str, b: str) -> tuple[str, ...]:
    """By claims alone: time a token with one request at once, tokens of all at the highest load that both have."""
    closed = [each for each in differences if each.load.kind == "closed"]
    if not closed:
        return ()
    most = max(each.load.level for each in closed)
    alone = [each for each in closed if each.load.level == 1 and each.metric == "tpot_p50_s"]
    many = [each for each in closed if each.load.level == most > 1 and each.metric == "output_tokens_per_s"]
    return (
        *(f"For one user: {_winner(each, a=a, b=b)}." for each in alone),
        *(f"For many users ({at(each.load)}): {_winner(each, a=a, b=b)}." for each in many),
    )


def _winner(each: MetricDifference, *, a: str, b: str) -> str:
    if each.verdict not in {"more", "less"}:
        return "no difference can be claimed"
    return b if each.verdict == MEASURES[each.metric].better else a
