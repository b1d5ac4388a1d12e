"""The plan's score as Markdown: predicted beside reported and measured. Knows scores, no records."""

from collections.abc import Iterable, Sequence
from typing import Final

from inference_arena import units
from inference_arena.metrics import POOL_MEAN, POOL_WORST, PlanScore, SpeedScore, TermScore

_KEPT: Final = {True: "kept", False: "**missed**", None: "reported"}
_METRICS: Final = {"output_tokens_per_s": "tokens/s", "tpot_s": "TPOT", "ttft_s": "TTFT"}


def score_markdown(scored: PlanScore) -> str:
    """Two tables, memory and speed, each row with its record."""
    return "\n".join([*_memory(scored), "", *_speed(scored)]) + "\n"


def _memory(scored: PlanScore) -> list[str]:
    rows = [_term(each) for each in scored.terms]
    heads = ("model", "engine", "graphs", "term", "predicted", "reported", "error", "promise", "record")
    return [*_table(heads, rows), *_pool(scored.pool_mean)]


def _pool(mean: float | None) -> list[str]:
    if mean is None:
        return []
    promised = f"promised: {units.percent(POOL_MEAN)}, and {units.percent(POOL_WORST)} at worst"
    said = f"KV cache on starts without recorded graphs: off by {mean * 100:.2g} % on the average ({promised})."
    return ["", said]


def _term(each: TermScore) -> Sequence[str]:
    limit = "" if each.tolerance is None else f" ({each.tolerance * 100:.2g} %)"
    return (
        each.model,
        f"{each.engine} {each.release}",
        "no" if each.eager else "yes",
        each.term,
        units.gib(each.predicted_bytes),
        units.gib(each.reported_bytes),
        f"{each.error * 100:+.2f} %",
        f"{_KEPT[each.kept]}{limit}",
        f"`{each.record}`",
    )


def _speed(scored: PlanScore) -> list[str]:
    heads = ("model", "engine", "at once", "metric", "predicted", "range", "measured", "inside", "record")
    inside = sum(each.inside for each in scored.speeds)
    said = f"{inside} of {len(scored.speeds)} speeds lie inside the range that was predicted."
    return [*_table(heads, [_one(each) for each in scored.speeds]), "", said]


def _one(each: SpeedScore) -> Sequence[str]:
    def said(value: float) -> str:
        return units.number(value) if each.metric == "output_tokens_per_s" else units.seconds(value)

    return (
        each.model,
        f"{each.engine} {each.release}",
        str(each.concurrency),
        _METRICS[each.metric],
        said(each.point),
        f"{said(each.low)} to {said(each.high)}",
        said(each.measured),
        "yes" if each.inside else "no",
        f"`{each.record}`",
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
