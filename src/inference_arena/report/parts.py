"""Parts of a load told apart, and people who left: who waited how long. Pure."""

from collections.abc import Iterator, Sequence

from inference_arena import units
from inference_arena.record import Distribution, GroupSummary, LeftSummary, PointSummary, Record
from inference_arena.report import words
from inference_arena.report.blocks import Block, Heading, Lines, Sentence

_GAP = 2
_HEAD = ("", "sent", "ok", "left", "TTFT p50", "p90", "TPOT p50", "goal met")
_BY = {"kind": "By kind of request", "section": "In the course of the load", "turn": "In conversations"}
_WHY = {
    "no-first-token": "no first word had come",
    "freeze": "the answer stood still",
    "by-chance": "by chance, as asked for",
}


def parts(record: Record, *, width: int) -> tuple[Block, ...]:
    """A table for each point and way of telling apart, then what became of those who left; nothing without either."""
    points = record.summary.points if record.summary else ()
    return tuple(block for point in points for block in (*_groups(point, width=width), *_left(point)))


def _groups(point: PointSummary, *, width: int) -> Iterator[Block]:
    for by, title in _BY.items():
        groups = [group for group in point.groups if group.by == by]
        if groups:
            yield Heading(text=f"{title}, at {_place(point)}")
            yield _table(groups, width=width)


def _place(point: PointSummary) -> str:
    load = point.load
    at_once = " at once" if load.kind == "closed" else ""
    repeat = f", repeat {point.repeat + 1}" if point.repeat else ""
    return f"{load.label}{at_once}{repeat}"


def _table(groups: Sequence[GroupSummary], *, width: int) -> Lines:
    rows = [_HEAD, *(_row(group) for group in groups)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    texts = (
        (" " * _GAP).join(f"{cell:<{w}}" if at == 0 else f"{cell:>{w}}" for at, (cell, w) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    )
    return Lines(lines=tuple(text[:width].rstrip() for text in texts), head=1)


def _row(group: GroupSummary) -> tuple[str, ...]:
    ttft, attainment = group.ttft_s, group.slo.attainment
    return (
        group.name,
        f"{group.sent:,}",
        f"{group.ok:,}",
        f"{group.cancelled:,}",
        _median(ttft),
        units.DASH if ttft is None else words.duration(ttft.p90),
        _median(group.tpot_s),
        units.percent(None if attainment is None else attainment.value),
    )


def _median(spread: Distribution | None) -> str:
    return units.DASH if spread is None else words.duration(spread.p50.value)


def _left(point: PointSummary) -> Iterator[Block]:
    left = point.left
    if left is None:
        return
    yield Heading(text=f"People who left, at {_place(point)}")
    why = "; ".join(f"{count:,} because {_WHY.get(name, name)}" for name, count in left.why.items())
    waited = "" if left.waited_s is None else f" They had waited {words.duration(left.waited_s.p50.value)} (p50)."
    text = f"{sum(left.why.values()):,} of {point.sent:,}: {why}.{waited}".replace("because by chance", "by chance")
    yield Sentence(text=text)
    yield Sentence(text=_reaction(left), tone="quiet")


def _reaction(left: LeftSummary) -> str:
    if left.beyond_mean is None or left.beyond_max is None:
        return "Whether the engine stopped working for them is unknown: it tells no counters."
    return (
        f"Afterwards the engine worked on {left.beyond_mean:.1f} requests that nobody waited for on average, "
        f"{left.beyond_max:.0f} at most ({left.samples:,} readings)."
    )
