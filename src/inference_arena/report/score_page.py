"""The plan beside what came of it, as tables. Knows scores, no records."""

from collections.abc import Iterator, Sequence
from typing import Final

from inference_arena import units
from inference_arena.metrics import POOL_MEAN, POOL_WORST, PlanScore, SpeedScore, TermScore
from inference_arena.report.blocks import Block, Heading, Sentence
from inference_arena.report.table import Column, table

_KEPT: Final = {True: "kept", False: "MISSED", None: "reported"}
_METRICS: Final = {"output_tokens_per_s": "tokens/s", "tpot_s": "TPOT", "ttft_s": "TTFT"}


def score_blocks(scored: PlanScore, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """Memory, then speed, then what was left out."""
    return tuple(_blocks(scored, width=width, ascii_only=ascii_only))


def _blocks(scored: PlanScore, *, width: int, ascii_only: bool) -> Iterator[Block]:
    if scored.terms:
        yield Heading(text="Memory of one card: predicted, and what the engine reported")
        yield table(_memory_columns(scored.terms), width=width, ascii_only=ascii_only)
        yield from _pool(scored)
    if scored.speeds:
        inside = sum(each.inside for each in scored.speeds)
        yield Heading(text="Speed: predicted, and what was measured")
        yield table(_speed_columns(scored.speeds), width=width, ascii_only=ascii_only)
        yield Sentence(text=f"{inside} of {len(scored.speeds)} speeds lie inside the range that was predicted.")
    if scored.without:
        yield Sentence(text=f"{len(scored.without)} records say nothing of a plan and are left out.", tone="quiet")


def _pool(scored: PlanScore) -> Iterator[Block]:
    if scored.pool_mean is None:
        return
    kept = scored.pool_mean <= POOL_MEAN
    yield Sentence(
        text=f"KV cache on starts without recorded graphs: off by {_percent(scored.pool_mean)} on the average "
        f"(promised: {units.percent(POOL_MEAN)}, and {units.percent(POOL_WORST)} at worst).",
        tone="good" if kept else "bad",
    )


def _memory_columns(terms: Sequence[TermScore]) -> tuple[Column, ...]:
    return (
        Column(head="model", cells=tuple(each.model for each in terms), least=14),
        Column(head="engine", cells=tuple(f"{each.engine} {each.release}" for each in terms), need=2),
        Column(head="graphs", cells=tuple("no" if each.eager else "yes" for each in terms), need=1),
        Column(head="term", cells=tuple(each.term for each in terms)),
        Column(head="predicted", cells=tuple(units.gib(each.predicted_bytes) for each in terms), right=True),
        Column(head="reported", cells=tuple(units.gib(each.reported_bytes) for each in terms), right=True),
        Column(head="error", cells=tuple(_signed(each.error) for each in terms), right=True),
        Column(head="promise", cells=tuple(_promise(each) for each in terms), need=1),
        Column(head="record", cells=tuple(each.record for each in terms), need=4),
    )


def _promise(each: TermScore) -> str:
    limit = "" if each.tolerance is None else f" ({_percent(each.tolerance)})"
    return f"{_KEPT[each.kept]}{limit}"


def _speed_columns(speeds: Sequence[SpeedScore]) -> tuple[Column, ...]:
    return (
        Column(head="model", cells=tuple(each.model for each in speeds), least=14),
        Column(head="engine", cells=tuple(f"{each.engine} {each.release}" for each in speeds), need=2),
        Column(head="at once", cells=tuple(str(each.concurrency) for each in speeds), right=True),
        Column(head="metric", cells=tuple(_METRICS[each.metric] for each in speeds)),
        Column(head="predicted", cells=tuple(_range(each) for each in speeds), right=True),
        Column(head="measured", cells=tuple(_value(each, each.measured) for each in speeds), right=True),
        Column(head="measured/likely", cells=tuple(f"{each.ratio:.2f}" for each in speeds), right=True, need=1),
        Column(head="inside", cells=tuple("yes" if each.inside else "no" for each in speeds)),
        Column(head="basis", cells=tuple(each.basis for each in speeds), need=3),
        Column(head="record", cells=tuple(each.record for each in speeds), need=4),
    )


def _range(each: SpeedScore) -> str:
    return f"{_value(each, each.point)} ({_value(each, each.low)} to {_value(each, each.high)})"


def _value(each: SpeedScore, value: float) -> str:
    return units.number(value) if each.metric == "output_tokens_per_s" else units.seconds(value)


def _percent(share: float) -> str:
    return f"{share * 100:.2g} %"


def _signed(share: float) -> str:
    return f"{share * 100:+.2f} %"
