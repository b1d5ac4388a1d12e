"""What `arena compare` shows: the sides, whether they may be compared, what can be said, each number. Blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inference_arena import units
from inference_arena.compare import (
    MEASURES,
    Comparison,
    MetricDifference,
    Pair,
    SideSummary,
    SideValues,
    Unlike,
    at,
    interval,
    loads_of,
    signed,
)
from inference_arena.plan import Load
from inference_arena.record import Record
from inference_arena.report import words
from inference_arena.report.blocks import Block, Heading, Pairs, Sentence, Step, Tone
from inference_arena.report.table import Column, table, table_width

_INDENT: Final = 2
_SHOWN_IDS: Final = 4
_WEIGHTS: Final[Mapping[str, str]] = {"forbids": "forbids it", "careful": "with care", "fine": "fine"}
_VERDICTS: Final[Mapping[str, str]] = {
    "more": "more",
    "less": "less",
    "none": "no claim",
    "too-few": "too few",
    "constant": "no spread",
    "client-error": "client",
    "forbidden": units.DASH,
    "beside": units.DASH,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePage:
    """A comparison, and one record of each side to name it by."""

    comparison: Comparison
    named: Mapping[str, Record]


def compare_blocks(page: ComparePage, *, width: int, ascii_only: bool = False) -> tuple[Block, ...]:
    """Each pair in the order of a reader's questions; the sides are named once."""
    comparison, room = page.comparison, width - _INDENT
    pairs = [_pair(pair, width=room, ascii_only=ascii_only) for pair in comparison.pairs]
    return (
        Heading(text="Compared"),
        Pairs(rows=tuple((side.label, _side(side, page.named[side.label])) for side in comparison.sides)),
        *(block for blocks in pairs for block in blocks),
        *(Sentence(text=text, tone="quiet") for text in _legend(comparison)),
        *_next(comparison),
    )


def _side(side: SideSummary, record: Record) -> str:
    what = f"{words.model_name(record)} on {words.engine_name(record)}, {words.machine_name(record)}"
    count = f"{side.launches} launch{'' if side.launches == 1 else 'es'}"
    several = f" from {len(side.records)} records" if len(side.records) != side.launches else ""
    lost = f", {len(side.not_finished)} more did not finish" if side.not_finished else ""
    return f"{what}: {count}{several}{lost} ({_ids(side)})"


def _ids(side: SideSummary) -> str:
    ids = side.records or tuple(side.not_finished)
    return ", ".join(ids[:_SHOWN_IDS]) + (f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else "")


def _pair(pair: Pair, *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    return (
        Heading(text=f"May {pair.a} and {pair.b} be compared?"),
        Sentence(text=_may(pair), tone="strong" if pair.allowed else "bad"),
        Sentence(text=pair.compared),
        *_unlike(pair, width=width, ascii_only=ascii_only),
        Heading(text=f"{pair.b} against {pair.a}"),
        *(Sentence(text=text, tone=_tone(pair, i)) for i, text in enumerate(pair.said)),
        *(block for load in loads_of(pair) for block in _numbers(pair, load, width=width, ascii_only=ascii_only)),
    )


def _may(pair: Pair) -> str:
    if not pair.allowed:
        return "No. The numbers stand side by side below, and nothing is claimed from them."
    return "Yes, with care." if any(each.weight == "careful" for each in pair.unlike) else "Yes."


def _tone(pair: Pair, index: int) -> Tone:
    """Claims stand first among the sentences."""
    if not pair.allowed:
        return "bad"
    claims = sum(each.verdict in ("more", "less") for each in pair.differences)
    return "good" if index < claims else "plain"


def _unlike(pair: Pair, *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    if not pair.unlike:
        return ()
    rows: Sequence[Unlike] = pair.unlike
    columns = (
        Column(head="differs", cells=tuple(each.field for each in rows)),
        Column(head="compare", cells=tuple(_WEIGHTS[each.weight] for each in rows)),
        Column(head=pair.a, cells=tuple(each.a for each in rows)),
        Column(head=pair.b, cells=tuple(each.b for each in rows)),
        Column(head="because", cells=tuple(each.why for each in rows), need=1),
    )
    reasons = tuple(Sentence(text=f"{each.field}: {each.why}", tone="quiet") for each in rows if each.weight != "fine")
    laid_out = table(columns, width=width, ascii_only=ascii_only)
    cut = "because" not in laid_out.lines[0]
    return (laid_out, *(reasons if cut else ()))


def _numbers(pair: Pair, load: Load, *, width: int, ascii_only: bool) -> tuple[Block, ...]:
    rows = [each for each in pair.differences if each.load == load]
    first = Column(head=at(load), cells=tuple(each.title for each in rows))
    numbers = (
        Column(head=pair.a, cells=tuple(_value(each.a, each.unit) for each in rows), right=True),
        Column(head=pair.b, cells=tuple(_value(each.b, each.unit) for each in rows), right=True),
        Column(head="change", cells=tuple(_change(each) for each in rows), right=True),
        Column(head="interval", cells=tuple(_interval(each) for each in rows), right=True),
        Column(head="claim", cells=tuple(_VERDICTS[each.verdict] for each in rows), need=1),
    )
    spreads = (
        Column(head="between launches", cells=tuple(_spreads(each, "spread_between") for each in rows)),
        Column(head="within", cells=tuple(_spreads(each, "spread_within") for each in rows)),
        Column(head="launches", cells=tuple(_launches(each) for each in rows)),
    )
    if table_width((first, *numbers, *spreads)) <= width:
        return (table((first, *numbers, *spreads), width=width, ascii_only=ascii_only),)
    return tuple(table((first, *part), width=width, ascii_only=ascii_only) for part in (numbers, spreads))


def _value(values: SideValues, unit: str) -> str:
    if unit == "s":
        return units.seconds(values.value)
    return units.percent(values.value) if unit == "share" else units.rate(values.value, unit)


def _change(each: MetricDifference) -> str:
    return signed(each.change, beside=[bound for bound in (each.low, each.high) if bound is not None])


def _interval(each: MetricDifference) -> str:
    return units.DASH if each.confidence is None else interval(each)


def _spreads(each: MetricDifference, name: str) -> str:
    return ", ".join(units.percent(getattr(values, name)) for values in (each.a, each.b))


def _launches(each: MetricDifference) -> str:
    return f"{len(each.a.launches)}, {len(each.b.launches)}"


def _legend(comparison: Comparison) -> tuple[str, ...]:
    judged = ", ".join(MEASURES[name].title for name in comparison.judged)
    corrected = (
        f"Judged: {judged}; {comparison.judgements} in all, corrected for so many (Holm): the chance to claim any "
        f"difference where there is none is at most {100 * comparison.level:g} %. Intervals of these are as wide "
        "as that asks. The other numbers have plain 95 % intervals, of which one in twenty misses, and nothing is "
        "claimed from them."
    )
    spread = (
        "A value is the mean of the launches (geometric, where a ratio is shown). Between launches and within: "
        "standard deviations of launches, and of repeats inside a launch."
    )
    return (corrected, spread)


def _next(comparison: Comparison) -> tuple[Block, ...]:
    """More launches, taken in turn; what a name stands for is said by `arena show`."""
    short = any(
        each.needed is not None or each.verdict == "too-few" for p in comparison.pairs for each in p.differences
    )
    open_ends = any(each.verdict in ("none", "too-few") for pair in comparison.pairs for each in pair.differences)
    if not (short and open_ends):
        return ()
    commands = [f"arena show {side.records[0]}" for side in comparison.sides if side.records]
    purpose = "More launches: decide how many, then run the sides in turn (A, B, B, A), each as what was asked for says"
    return (Heading(text="Next"), Step(purpose=purpose, command="; ".join(commands)))
